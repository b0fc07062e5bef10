"""`fit`: `keras.Model.fit`, and what a learner needs beside it."""

import keras
import numpy as np
from keras import tree

from rnn_course.training.batches import batches_of
from rnn_course.training.checkpoints import Checkpoint, check_settings, settings_of
from rnn_course.training.distribution import replicas, share_of_host, strategy_scope
from rnn_course.training.finite import NotFinite, diagnosis
from rnn_course.training.keeper import Keeper
from rnn_course.training.options import compile_for_speed, introduction, verbosity
from rnn_course.training.seeds import seed_layers


def fit(
    model,
    data,
    *,
    epochs=1,
    batch_size=None,
    validation_data=None,
    shuffle=True,
    seed=0,
    clip_norm=None,
    checkpoints=None,
    save_every=30.0,
    callbacks=(),
    verbose="auto",
    jit_compile="auto",
    steps_per_execution="auto",
):
    """Train a compiled model as `keras.Model.fit` does, but fast on any device, the same every time, and resumable.

    - *Fast*: jit compilation is on wherever the backend and the layers can, on CPUs too, and on
      TensorFlow several batches are run at once. The line that it prints says what it has chosen.
    - *The same*: the order of the examples and dropout follow from ``seed``. The first weights do not, as the layers
      are there before: call ``keras.utils.set_random_seed`` before you make them. On a CPU two runs are equal to the
      last bit. On a GPU some operations add up in any order, unless
      ``tf.config.experimental.enable_op_determinism()`` (then without jit), or
      ``XLA_FLAGS=--xla_gpu_deterministic_ops=true`` on JAX, forbids it.
    - *Never from the start*: with ``checkpoints="folder"``, a training that was killed at any moment goes on when the
      same program is run again, and ends with the weights and the history of one that was not. If it had ended, they
      are there at once. More ``epochs`` than before go on from the end.
    - *It stops* at the first loss that is not a finite number, and says where and what helps.

    What stays with ``model.fit``: datasets that can only be read from their start (`tf.data`, generators).

    Parameters
    ----------
    model : keras.Model
        Compiled, with its optimizer, loss and metrics. Its jit and its number of steps per execution are set here,
        and stay.
    data : tuple or keras.utils.PyDataset
        (x, y) or (x, y, sample_weight): arrays with the examples along the first axis, x and y also lists or dicts of
        arrays. Or a dataset that returns the same batch for the same index at any time; its batches change places.
    epochs : int
        Passes over the data, those before an interruption included.
    batch_size : int, optional
        Examples in a batch, 32 by default; for all devices together.
    validation_data : tuple or keras.utils.PyDataset, optional
        As ``data``; evaluated at the end of each epoch.
    shuffle : bool
        Whether each epoch has an order of its own, which follows from the seed and the number of the epoch.
    seed : int
        For all that is random, as `keras.utils.set_random_seed`. It replaces the seeds of dropout layers.
    clip_norm : float, optional
        Gradients whose norm, over all weights together, is larger are scaled down to it (Pascanu et al., 2013): the
        optimizer's ``global_clipnorm``, where it stays.
    checkpoints : path, optional
        A folder for the checkpoint of this training and no other; on several hosts, one that all of them see.
    save_every : float
        Seconds between two checkpoints within an epoch; there is always one at its end. 0 for one after each execution.
    callbacks : sequence of keras.callbacks.Callback
        Their public attributes that are numbers, words or arrays are in the checkpoint; that is all that
        `EarlyStopping` and `ReduceLROnPlateau` need. One that remembers in another way begins anew after an
        interruption.
    verbose : {"auto", 0, 1, 2}
        As in Keras: silent, a progress bar, a line an epoch. "auto" is 1 in notebooks and terminals; and 0 elsewhere,
        and wherever the environment variable RNN_COURSE_QUIET is set.
    jit_compile : {"auto", True, False}
        False if the model has an operation that cannot be compiled. "auto" is False on PyTorch, on TensorFlow with
        several devices, and with layers that say that they cannot (`keras.layers.LSTM` on TensorFlow).
    steps_per_execution : {"auto", int}
        Batches run at once, between which callbacks are not called. "auto" is what the model was compiled with if
        not 1; else 16 on TensorFlow without callbacks and on one device, where it saves most, and 1 elsewhere.

    Returns
    -------
    keras.callbacks.History
        Of the whole training.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit, or the checkpoint is of another training.
    FloatingPointError
        At a loss that is not finite. The model is left with the weights from before that step.

    References
    ----------
    R. Pascanu, T. Mikolov and Y. Bengio (2013), On the difficulty of training recurrent neural networks. ICML.
    """
    check_model(model)
    check_whole_numbers(epochs=epochs, batch_size=batch_size, seed=seed, steps_per_execution=steps_per_execution)
    check_others(callbacks=callbacks, clip_norm=clip_norm, save_every=save_every, verbose=verbose)
    host, hosts = share_of_host()
    shared = {"batch_size": batch_size, "replicas": replicas(model), "share": (host, hosts)}
    batches = batches_of("data", data, seed=seed, shuffle=shuffle, **shared)
    validation = None if validation_data is None else batches_of("validation_data", validation_data, **shared)
    keras.utils.set_random_seed(seed)
    build(model, batches)
    seed_layers(model, seed)
    compile_for_speed(model, jit_compile, steps_per_execution, clip_norm, callbacks)

    callbacks = [keras.callbacks.History(), *callbacks]
    settings = settings_of(
        model,
        batches,
        validation,
        shuffle=bool(shuffle),
        seed=seed,
        clip_norm=clip_norm,
        callbacks=[type(callback).__name__ for callback in callbacks[1:]],
    )
    start = starting_point(checkpoints, settings, epochs)
    verbose = 0 if host else verbosity(verbose)
    if verbose:
        print(introduction(model, start, epochs))
    keeper = Keeper(batches, start, settings, None if host else checkpoints, save_every, callbacks)
    if start.batch:  # the rest of the epoch that was interrupted
        train(model, keeper, validation, start.epoch + 1, epochs, verbose)
        keeper.start = keeper.latest
    train(model, keeper, validation, epochs, epochs, verbose)
    return callbacks[0]


def check_model(model):
    if not isinstance(model, keras.Model):
        raise TypeError(f"`model` must be a keras.Model; received {type(model).__name__}.")
    if not model.compiled:
        raise ValueError("`model` must be compiled before it is trained: model.compile(optimizer, loss).")


def check_whole_numbers(**arguments):
    """Raise a ValueError for what is neither a whole number, large enough, nor what stands for the default."""
    least, default = {"seed": 0}, {"batch_size": None, "steps_per_execution": "auto"}
    for name, value in arguments.items():
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not (whole and value >= least.get(name, 1)) and not (name in default and value == default[name]):
            raise ValueError(
                f"`{name}` must be a whole number, at least {least.get(name, 1)}; received {name}={value!r}."
            )


def check_others(callbacks, clip_norm, save_every, verbose):
    if not isinstance(callbacks, (list, tuple)) or not all(isinstance(c, keras.callbacks.Callback) for c in callbacks):
        raise TypeError(f"`callbacks` must be a list of keras.callbacks.Callback; received callbacks={callbacks!r}.")
    if clip_norm is not None and not clip_norm > 0:
        raise ValueError(f"`clip_norm` must be None or a positive number; received clip_norm={clip_norm!r}.")
    if not save_every >= 0:
        raise ValueError(f"`save_every` must be a number of seconds, 0 or more; received save_every={save_every!r}.")
    if verbose not in ("auto", 0, 1, 2):
        raise ValueError(f"`verbose` must be 'auto', 0, 1 or 2; received verbose={verbose!r}.")


def build(model, batches):
    """Make the weights of the model and the variables of its optimizer, where they are not there yet."""
    with strategy_scope(model):
        if not model.built:
            x, _, _ = keras.utils.unpack_x_y_sample_weight(batches[0])
            model.build(tree.map_structure(lambda a: (None, *a.shape[1:]), x))
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)


def starting_point(folder, settings, epochs):
    """Return the checkpoint in the folder, if it is of this training, or else the beginning."""
    saved = Checkpoint.read(folder) if folder is not None else None
    if saved is None:
        return Checkpoint(epoch=0, batch=0)
    check_settings(saved.settings, settings, folder)
    begun = saved.epoch + (saved.batch > 0)
    if begun > epochs:
        raise ValueError(
            f"`epochs` must be at least {begun}, as many as the checkpoint in `checkpoints` has begun; "
            f"received epochs={epochs}."
        )
    return saved


def train(model, keeper, validation, until, epochs, verbose):
    """Train from the keeper's start to the end of epoch ``until``, of ``epochs``."""
    start, batches = keeper.start, keeper.batches
    batches.start(start.epoch, start.batch)
    everyone = keras.callbacks.CallbackList(
        [*keeper.callbacks, keeper],
        add_progbar=verbose > 0,
        model=model,
        verbose=verbose,
        epochs=epochs,
        steps=len(batches),
    )
    begin = until if start.stopped else start.epoch
    if begin == until:  # nothing is left to train; Keras 3.6 cannot do just that
        everyone.on_train_begin()
        model.optimizer.finalize_variable_values(model.trainable_weights)
        everyone.on_train_end()
        return
    try:
        model.fit(
            batches, validation_data=validation, initial_epoch=begin, epochs=until, shuffle=False, callbacks=everyone
        )
    except NotFinite as error:
        raise FloatingPointError(diagnosis(model, batches, keeper.latest, error.batch)) from None
