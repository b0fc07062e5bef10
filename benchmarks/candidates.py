"""Who takes part: for each name, the layer, and how its step is compiled on the backend that Keras runs on.

README.md has the table of names.
"""

from importlib import import_module

import keras
import numpy as np

from benchmarks.problem import CELLS, Problem, Product

keras.config.disable_traceback_filtering()  # which would wrap what went wrong into much else
BACKEND = keras.backend.backend()
backend = import_module(f"benchmarks.on_{BACKEND}")


def ours(problem, **arguments):
    """Return the layer of `rnn_course.layers`."""
    return getattr(import_module("rnn_course.layers"), problem.cell)(problem.units, **arguments)


def theirs(problem, **arguments):
    """Return the layer of `keras.layers`."""
    return getattr(keras.layers, problem.cell)(problem.units, **arguments)


def theirs_for_xla(problem):
    """Return the layer of `keras.layers` in the form that XLA compiles: on TensorFlow, cuDNN rules XLA out."""
    return theirs(problem) if problem.cell == "SimpleRNN" else theirs(problem, use_cudnn=False)


def our_cell(problem):
    """Return our cell in `keras.layers.RNN`."""
    return keras.layers.RNN(getattr(import_module("rnn_course.cells"), f"{problem.cell}Cell")(problem.units))


def min_gru(problem, scan):
    """Return minGRU, run by ``scan``: "loop" or "parallel"."""
    return import_module("rnn_course.linear").MinGRU(problem.units, scan=scan)


def training(layer, problem, jit):
    """Return the training of ``layer`` with one linear output, from the same weights on every backend."""
    model = keras.Sequential([keras.Input((problem.steps, problem.features)), layer, keras.layers.Dense(1)])
    model.set_weights(problem.weights() if problem.cell in CELLS else weights_for(model))
    if BACKEND == "tensorflow":
        return backend.Training(model, *problem.data(), jit)
    return backend.keras_training(model, *problem.data())


def weights_for(model):
    """Return random weights of the model's shapes."""
    random = np.random.default_rng(0)
    return [random.normal(size=w.shape) / np.sqrt(len(w)) for w in model.get_weights()]


# The layer, and whether XLA compiles it on TensorFlow; the other backends have one way only.
LAYERS = {
    "ours": (ours, True),
    "ours, checkpoint": (lambda problem: ours(problem, checkpoint="sqrt"), True),
    "keras.layers": (theirs, False),
    "keras.layers.RNN": (our_cell, True),
    "loop": (lambda problem: min_gru(problem, "loop"), True),
    "parallel": (lambda problem: min_gru(problem, "parallel"), False),
}
if BACKEND == "tensorflow":
    LAYERS |= {"ours, no jit": (ours, False), "keras.layers, jit": (theirs_for_xla, True)}


def build(name, problem):
    """Return candidate ``name``, ready for its first step.

    Parameters
    ----------
    name : str
        A name from the table, or "product".
    problem : dict
        The fields of the `Problem` or the `Product` that it computes.

    Returns
    -------
    object
        With ``step()``, which starts a step, and ``wait()``, which waits until it is done. For a `Problem` ``wait``
        returns the loss, and ``weights()`` the weights in the layout of `keras.layers`.
    """
    problem = Problem(**problem) if "cell" in problem else Product(**problem)
    if isinstance(problem, Product):
        return backend.Products(problem)
    if name in backend.PLAIN:
        return backend.PLAIN[name](problem)
    keras.config.set_dtype_policy("mixed_bfloat16" if problem.precision == "bfloat16" else "float32")
    layer, jit = LAYERS[name]
    return training(layer(problem), problem, jit)
