"""What the device decides: how the training step is compiled, what is printed, and in which precision to compute."""

import builtins
import os
import sys
import warnings

import keras

from rnn_course import devices
from rnn_course.training.distribution import keras_version, replicas

QUIET = "RNN_COURSE_QUIET"


def compile_for_speed(model, jit_compile, steps_per_execution, clip_norm, callbacks):
    """Set how the training step is compiled, and drop the one there is if that changes; leave the rest as it is."""
    backend = keras.backend.backend()
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    before = model.jit_compile, model.steps_per_execution, optimizer.global_clipnorm
    if clip_norm is not None:
        clip(model, optimizer, clip_norm)
    if steps_per_execution != "auto":
        model.steps_per_execution = steps_per_execution
    elif model.steps_per_execution == 1 and can_run_several_steps(model) and not callbacks:
        model.steps_per_execution = 16
    if jit_compile != "auto":
        model.jit_compile = jit_compile
    else:
        with warnings.catch_warnings():  # Keras warns, and leaves it off, if a layer does not support it
            warnings.simplefilter("ignore")
            model.jit_compile = backend == "jax" or (backend == "tensorflow" and replicas(model) == 1)
    if before != (model.jit_compile, model.steps_per_execution, optimizer.global_clipnorm):
        model.train_function = model.test_function = None


def can_run_several_steps(model):
    """Whether running several steps at once saves time; Keras 3.6 then loses the last steps of an epoch."""
    one_device_on_tensorflow = keras.backend.backend() == "tensorflow" and replicas(model) == 1
    return one_device_on_tensorflow and keras_version() > (3, 6)


def clip(model, optimizer, clip_norm):
    if optimizer.clipnorm is not None or optimizer.clipvalue is not None:
        raise ValueError("`clip_norm` must be None with an optimizer that clips by itself (clipnorm or clipvalue).")
    if keras.backend.backend() == "tensorflow" and replicas(model) > 1:
        raise ValueError(
            "`clip_norm` must be None with several devices on TensorFlow: Keras clips each device's gradient there "
            "before it adds them up, which gives another result than one device. JAX clips their mean."
        )
    optimizer.global_clipnorm = clip_norm


def verbosity(verbose):
    """Return Keras's ``verbose`` for that of `fit`."""
    if verbose != "auto":
        return verbose
    in_notebook = hasattr(builtins, "__IPYTHON__")  # IPython's own mark, which also its terminal sets
    return int((in_notebook or sys.stdout.isatty()) and not os.environ.get(QUIET))


def introduction(model, start, epochs):
    """Return the line that says what was chosen, and where the training goes on."""
    number = replicas(model)
    where = f"{number} devices: {devices.training_device()}" if number > 1 else devices.training_device()
    how = [devices.backend_name(), *(["jit"] if model.jit_compile else [])]
    how += sorted({layer.dtype_policy.name for layer in model.layers})
    line = f"Training on {where} ({', '.join(how)})."
    if not start.arrays:
        return line
    if start.stopped or start.epoch == epochs:
        return f"{line} It had ended: this is its checkpoint, after {start.epoch} epochs."
    return f"{line} It goes on from its checkpoint: epoch {start.epoch + 1} of {epochs}, batch {start.batch + 1}."


def set_precision(precision="auto"):
    """Set the precision in which layers that are made from now on compute; weights stay in float32.

    Half precision is fast on the tensor cores of a GPU, and only there. The small networks of this course seldom gain
    by it, and their numbers change in the third digit, so nothing but this call turns it on.

    Parameters
    ----------
    precision : str
        "auto", or the name of a Keras dtype policy. "auto" is "mixed_bfloat16" on TPUs and on GPUs that have it
        (NVIDIA's compute capability 8.0 or more), "mixed_float16" on GPUs with older tensor cores (7.0 or more, such
        as Colab's T4), and "float32" elsewhere.

    Returns
    -------
    str
        The policy that was set.
    """
    if precision == "auto":
        precision = devices.best_precision()
    keras.config.set_dtype_policy(precision)
    return precision
