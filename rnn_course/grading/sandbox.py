"""A sandbox for one submission: what the student's code runs in, and what it may use.

bubblewrap builds it: new namespaces, so that there is no network and no other process; a root folder in memory that
holds the Python installation, read only; and folders in memory, of limited size, to write to. What the student's code
does there to files, processes or its own kernel ends with it.
"""

import importlib.util
import itertools
import os
import re
import shutil
import site
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import rnn_course

PACKAGE = Path(rnn_course.__file__).parent
COURSE, HOME = "/opt/course", "/home/student"
EXCHANGE = "/usr/local/share/nbgrader"  # where nbgrader itself collects submissions, unless told otherwise
WRITABLE = (HOME, "/tmp", "/dev/shm")
BUBBLEWRAP = (0, 8)  # the version that can give a folder in memory a size and forbid further namespaces
ENVIRONMENT = {
    "HOME": HOME,
    "IPYTHONDIR": "/tmp/ipython",
    "KERAS_BACKEND": "tensorflow",
    "LANG": "C.UTF-8",
    "MPLCONFIGDIR": "/tmp/matplotlib",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "RNN_COURSE_QUIET": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
}


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Parameters
    ----------
    seconds : float
        For the whole notebook and its marking.
    cell_seconds : float
        For one cell, or one call in marking.
    memory : float
        In bytes, of all its processes together.
    disk : int
        In bytes, for each folder that it can write to.
    processes : int
        Processes and threads.
    """

    seconds: float = 600
    cell_seconds: float = 120
    memory: float = 4 * 2**30
    disk: int = 256 * 2**20
    processes: int = 256


class SandboxError(RuntimeError):
    """There can be no sandbox on this machine; the message says why, and what to do."""


# ---- the command -----------------------------------------------------------------------------------------------------

PROGRAM = [sys.executable, "-m", "rnn_course.grading.program"]


def check_sandbox():
    """Raise a `SandboxError` unless a sandbox can be built here."""
    bwrap = shutil.which("bwrap")
    how = "Install bubblewrap 0.8 or newer (Debian, Ubuntu, Fedora: the package `bubblewrap`; Windows: inside WSL 2)"
    risk = "or insist with --without-sandbox, which lets the students' code do to this machine all that you can do"
    if not bwrap:
        raise SandboxError(f"bubblewrap, which builds the sandboxes, is not on this machine. {how}, {risk}.")
    said = subprocess.run([bwrap, "--version"], capture_output=True, text=True).stdout
    found = tuple(map(int, re.findall(r"\d+", said)[:2]))
    if found < BUBBLEWRAP:
        raise SandboxError(f"This machine has {said.strip()}, which is too old. {how}, {risk}.")
    trial = [bwrap, *namespaces(), "--ro-bind", "/", "/", "true"]
    done = subprocess.run(trial, capture_output=True, text=True)
    if done.returncode:
        raise SandboxError(f"bubblewrap cannot build a sandbox here: {done.stderr.strip()}. Mend that, {risk}.")


def check_hidden(*folders):
    """Raise a `ValueError` if one of these folders lies where the sandboxes can see it."""
    for folder in folders:
        for seen in ("/usr", str(PACKAGE), *python_folders()):
            if Path(folder).resolve().is_relative_to(seen):
                raise ValueError(f"{folder} lies in {seen}, which students' code can read; move it elsewhere.")


def namespaces():
    """The options that cut the sandbox off from the rest of the machine."""
    own = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    end = ["--die-with-parent", "--new-session", "--hostname", "sandbox", "--cap-drop", "ALL"]
    if os.geteuid() == 0:  # the session gives up being root itself, once the limits are set
        return [*own, *end, "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    return [*own, "--unshare-user", "--uid", "1000", "--gid", "1000", "--disable-userns", *end]


def sandbox_command(limits, absent, drop_to):
    """Return the command that runs the session's program in a sandbox."""
    command = ["bwrap", *namespaces(), "--proc", "/proc", "--dev", "/dev", *parents(f"{HOME}/any")]
    for folder in WRITABLE:  # first, as Python may be installed below one of them
        command += ["--perms", "1777", "--size", str(limits.disk), "--tmpfs", folder]
    for folder in ("/bin", "/lib", "/lib32", "/lib64", "/sbin"):
        if os.path.islink(folder):
            command += ["--symlink", os.readlink(folder), folder]
        elif os.path.exists(folder):
            command += ["--ro-bind", folder, folder]
    command += parents("/etc/any")
    for file in ("/etc/ld.so.cache", "/etc/fonts", "/etc/localtime", "/etc/alternatives"):
        command += ["--ro-bind-try", file, file]
    for folder in ["/usr", *python_folders()]:
        command += [*parents(folder), "--ro-bind", folder, folder]
    if os.path.isdir(EXCHANGE):
        command += ["--tmpfs", EXCHANGE]
    command += [*parents(f"{COURSE}/any"), "--ro-bind", str(PACKAGE), f"{COURSE}/{PACKAGE.name}"]
    for name in absent:
        command += hidden(name)
    return [*command, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", HOME, *PROGRAM]


def parents(path):
    """Return the options that make the folders above ``path``, for every user to pass through."""
    return [o for folder in reversed(Path(path).parents[:-1]) for o in ("--perms", "0755", "--dir", str(folder))]


def python_folders():
    """Return the folders that hold Python and its libraries, without those inside others."""
    folders = [sys.prefix, sys.base_prefix, *library_folders()]
    if site.ENABLE_USER_SITE:
        folders.append(site.getusersitepackages())
    kept = []
    for folder in sorted({os.path.realpath(f) for f in folders if os.path.isdir(f)} | {sys.prefix}):
        if not any(Path(folder).is_relative_to(k) for k in ["/usr", *kept]):
            kept.append(folder)
    return kept


def library_folders():
    return [p for p in sys.path if Path(p).name in ("site-packages", "dist-packages")]


def hidden(name):
    """Return the options that put `rnn_course.grading.absent` in the place of a package or module."""
    stub = str(PACKAGE / "grading" / "absent.py")
    if name.startswith(f"{PACKAGE.name}."):
        path = Path(COURSE, *name.split(".")).with_suffix(".py")
        return ["--ro-bind", stub, str(path)]
    found = importlib.util.find_spec(name)
    if found is None:
        return []
    if Path(found.origin).name != "__init__.py":
        return ["--ro-bind", stub, found.origin]
    folder = str(Path(found.origin).parent)
    return ["--tmpfs", folder, "--ro-bind", stub, f"{folder}/__init__.py", "--remount-ro", folder]


def own_limits(limits, drop_to):
    """Return the limits that the session's program sets on itself before it runs anything of the student's."""
    rlimits = {
        "RLIMIT_AS": int(max(4 * limits.memory, 8 * 2**30)),  # TensorFlow reserves far more than it uses
        "RLIMIT_CORE": 0,
        "RLIMIT_FSIZE": limits.disk,
        "RLIMIT_NPROC": limits.processes + limits.processes // 4,  # a wall behind the watch
        "RLIMIT_NOFILE": 1024,
    }
    return {"rlimits": rlimits, "uid": drop_to}


def passed_on():
    """The settings of this machine that its numerical libraries need."""
    return {k: v for k, v in os.environ.items() if k.startswith("OPENBLAS_")} | {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PYTHONPATH": os.pathsep.join([COURSE, *library_folders()]),
    }


SESSIONS = itertools.count()


def user_of_its_own():
    """Return a user id for a sandbox made by root: the limit on processes counts those of one user."""
    return 61_000 + (37 * os.getpid() + next(SESSIONS)) % 4_000
