"""What the tests of training run in processes of their own: to kill them, with several devices, or as two hosts."""

import os
import signal
import sys

import keras
import numpy as np

from rnn_course import training
from rnn_course.layers import SimpleRNN

EPOCHS = 3


def data(examples=56):
    x = np.random.default_rng(0).normal(size=(examples, 5, 3)).astype("float32")
    return x, x[:, -1, :1] * x[:, 0, :1]


def make_model(seed=7, dropout=0.0):
    keras.utils.set_random_seed(seed)
    layers = [keras.Input((5, 3)), SimpleRNN(6, dropout=dropout), keras.layers.Dropout(dropout), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    # Adam divides by the gradient's size, so a small epsilon would make much of the rounding of gradients near zero.
    model.compile(keras.optimizers.Adam(0.01, epsilon=1e-3), "mse", metrics=["mae"])
    return model


def train(model, **kwargs):
    """Train with everything that a checkpoint has to keep, and return weights and history as a list of arrays."""
    x, y = data()
    settings = {"epochs": EPOCHS, "batch_size": 8, "validation_data": (x[:16], y[:16]), "verbose": 0}
    history = training.fit(model, (x, y), **(settings | kwargs)).history
    return [*model.get_weights(), np.array([history[name] for name in sorted(history)])]


class Kill(keras.callbacks.Callback):
    """Kill this process, as nothing can prevent, after a number of batches."""

    def __init__(self, after):
        super().__init__()
        self.after, self.batches = after, 0

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1
        if self.batches == self.after:
            os.kill(os.getpid(), signal.SIGKILL)


def kill_while_writing(after):
    """Kill this process when it has written so many checkpoints, but has not yet renamed the last."""
    replace, calls = os.replace, []

    def replace_or_die(*args):
        calls.append(args)
        if len(calls) == after:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(*args)

    os.replace = replace_or_die


def resume(folder, seed, after_batches, after_writes, out):
    """Train with checkpoints, and kill this process on the way; the seed is that of weights before any training."""
    kill_while_writing(int(after_writes))
    callbacks = [Kill(int(after_batches))]
    model = make_model(int(seed), dropout=0.2)
    np.savez(out, *train(model, checkpoints=folder, save_every=0, callbacks=callbacks))


def whole(seed, out):
    """Train without a break."""
    np.savez(out, *train(make_model(int(seed), dropout=0.2), callbacks=[Kill(0)]))


def devices(count, out):
    """Train on one device, then on several."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        cpu, *_ = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * int(count))
    one = train(make_model())
    with training.all_devices():
        model = make_model()
        several = train(model)
        assert training.distribution.replicas(model) == int(count)
        for kwargs in ({"batch_size": 10}, {"validation_data": data(17)}):
            try:
                train(model, **kwargs)
            except ValueError as error:
                assert "devices" in str(error), error
            else:
                raise AssertionError(f"{kwargs} should not be possible")
    np.savez(out, *one, *several)


def host(number, port, out):
    """Train as one of two hosts."""
    import jax

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    keras.distribution.initialize(f"localhost:{port}", 2, int(number))
    with training.all_devices():
        np.savez(out, *train(make_model(dropout=0.2), clip_norm=0.1))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
