"""The devices that the chosen backend trains on, and all that a bug report needs to say of the machine."""

import os
import platform
import shutil
import subprocess
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

import rnn_course

BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
PACKAGES = ("keras", "numpy", "tensorflow", "jax", "jaxlib", "torch", "matplotlib", "ipython")
CUDA_PACKAGES = ("jax-cuda12-plugin", "jax-cuda13-plugin", "nvidia-cudnn-cu12", "nvidia-cudnn-cu13")
# Not all that begin with TF_: those of Terraform may hold a password.
VARIABLES = (
    "KERAS_",
    "RNN_COURSE_",
    "JAX_",
    "XLA_",
    "TF_CPP_",
    "TF_ENABLE_",
    "TF_FORCE_",
    "TF_GPU_",
    "TF_NUM_",
    "TF_XLA_",
)
VARIABLES += ("CUDA_VISIBLE_", "OMP_NUM_", "MKL_NUM_", "MALLOC_", "PYTORCH_", "PYTHONHASHSEED", "COLAB_RELEASE_TAG")


def backend():
    """Name of the backend that Keras uses."""
    return import_module("keras").backend.backend()  # here, as a report is wanted most where Keras cannot be imported


def backend_name():
    """Name of the backend that Keras uses, as its authors write it."""
    return BACKENDS.get(backend(), backend())


def accelerators():
    """Return what the backend can train on beside the CPU: a list of dicts with ``name``, ``kind`` and perhaps more."""
    return {"tensorflow": on_tensorflow, "jax": on_jax, "torch": on_torch}.get(backend(), list)()


def on_tensorflow():
    tf = import_module("tensorflow")
    found = []
    for kind in ("GPU", "TPU"):
        for device in tf.config.list_physical_devices(kind):
            details = tf.config.experimental.get_device_details(device) if kind == "GPU" else {}
            found.append(
                {
                    "name": details.get("device_name", kind),
                    "kind": kind,
                    "capability": details.get("compute_capability"),
                }
            )
    return found


def on_jax():
    return [
        {
            "name": device.device_kind,
            "kind": device.platform.upper(),
            "capability": as_pair(getattr(device, "compute_capability", None)),
            "memory": (device.memory_stats() or {}).get("bytes_limit"),
        }
        for device in import_module("jax").devices()
        if device.platform != "cpu"
    ]


def on_torch():
    torch = import_module("torch")
    if torch.backends.mps.is_available():
        return [{"name": "Apple GPU", "kind": "GPU"}]
    return [
        {
            "name": torch.cuda.get_device_name(number),
            "kind": "GPU",
            "capability": torch.cuda.get_device_capability(number),
            "memory": torch.cuda.get_device_properties(number).total_memory,
        }
        for number in range(torch.cuda.device_count())
    ]


def as_pair(capability):
    """Return "8.0" as (8, 0)."""
    return tuple(int(part) for part in capability.split(".")) if capability else None


def training_device():
    """Name of the device that a model is trained on."""
    found = accelerators()
    return f"{found[0]['kind']} ({found[0]['name']})" if found else "CPU"


def best_precision():
    """Name of the Keras dtype policy that is fastest on the device that models are trained on."""
    found = accelerators()
    if not found:
        return "float32"
    if found[0]["kind"] == "TPU":
        return "mixed_bfloat16"
    capability = found[0].get("capability") or (0, 0)
    return "mixed_bfloat16" if capability >= (8, 0) else "mixed_float16" if capability >= (7, 0) else "float32"


def installed(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def describe(device):
    """Return one line on an accelerator: its name, and capability and memory where they are known."""
    capability, memory = device.get("capability"), device.get("memory")
    parts = [device["name"]]
    if capability:
        parts.append(f"compute capability {'.'.join(map(str, capability))}")
    if memory:
        parts.append(f"{memory / 2**30:.1f} GiB")
    return ", ".join(parts)


def report():
    """Return the facts of a bug report, as {what: value}; what cannot be found out is said to be unknown."""
    facts = {
        "rnn_course": rnn_course.__version__,
        "Python": platform.python_version(),
        "System": platform.platform(),
        **{name: installed(name) for name in PACKAGES},
        "Keras backend": attempt(backend),
        "Keras precision": attempt(precision),
        "CPU": f"{cpu_model()}, {os.cpu_count()} cores",
        "Memory": memory(),
    }
    found = attempt(accelerators)
    for number, device in enumerate(found if isinstance(found, list) else ()):
        facts[f"{device['kind']} {number}"] = describe(device)
    facts["Trains on"] = attempt(training_device)
    facts["NVIDIA driver"] = attempt(nvidia_driver)
    facts["CUDA, cuDNN"] = attempt(cuda_versions)
    facts["Fastest precision"] = attempt(best_precision)
    return facts | {name: value for name, value in sorted(os.environ.items()) if name.startswith(VARIABLES)}


def precision():
    config = import_module("keras").config
    return f"floatx {config.floatx()}, policy {config.dtype_policy().name}"


def attempt(question):
    """Return the answer, or why there is none: a report must not fail for what is broken."""
    try:
        return question()
    except Exception as error:
        return f"unknown ({type(error).__name__}: {error})"


def cpu_model():
    """Name of the processor, as far as the system tells."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    except OSError:  # not Linux
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def memory():
    """Memory of the machine, as far as the system tells."""
    try:
        return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.1f} GiB"
    except (AttributeError, ValueError, OSError):  # Windows, macOS
        return "unknown"


def nvidia_driver():
    """Driver and memory of each NVIDIA GPU, from the program that comes with the driver."""
    if not shutil.which("nvidia-smi"):
        return "none (there is no nvidia-smi)"
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    return "; ".join(subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout.splitlines())


def cuda_versions():
    """Versions of CUDA and cuDNN that the backend was built with or found."""
    if backend() == "tensorflow":
        built = import_module("tensorflow").sysconfig.get_build_info()
        return f"{built.get('cuda_version', 'none')}, {built.get('cudnn_version', 'none')}"
    if backend() == "torch":
        torch = import_module("torch")
        return f"{torch.version.cuda or 'none'}, {torch.backends.cudnn.version() or 'none'}"
    packages = [name for name in CUDA_PACKAGES if installed(name) != "not installed"]
    return ", ".join(f"{name} {installed(name)}" for name in packages) or "none"
