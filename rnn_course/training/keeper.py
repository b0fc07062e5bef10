"""The callback that watches the loss, takes checkpoints, and puts one back at the start."""

import time

import keras
import numpy as np
from keras import ops

from rnn_course.training.checkpoints import Checkpoint, changes, is_finite, own_state, set_values, values
from rnn_course.training.finite import NotFinite
from rnn_course.training.seeds import seed_step

LOOK_EVERY = 16  # batches; a look at the loss waits for the device, and the step is found again


class Keeper(keras.callbacks.Callback):
    """Checkpoints in memory at the start of each epoch, and in a folder as often as wanted.

    It stands last among the callbacks: at the end of an epoch it sees what the others have done to the model, and
    what it puts back at the start is not undone by them.

    Parameters
    ----------
    batches : Batches
        What is trained on; its epoch is set here.
    start : Checkpoint
        Where to start; without arrays, a training that begins.
    settings : dict
        For the checkpoints.
    folder : path or None
        Where to write them.
    save_every : float
        Seconds between two of them within an epoch.
    callbacks : list of keras.callbacks.Callback
        The other callbacks, whose memory is kept too; the first one is the History.
    """

    def __init__(self, batches, start, settings, folder, save_every, callbacks):
        super().__init__()
        self.batches, self.start, self.latest, self.settings = batches, start, start, settings
        self.folder, self.save_every, self.callbacks = folder, save_every, callbacks
        self.written = time.monotonic()

    def on_train_begin(self, logs=None):
        self.before = [own_state(callback) for callback in self.callbacks]
        if not self.start.arrays:
            self.write(self.take(0, 0))
        elif not self.start.batch:
            self.put_back()

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.start(epoch, self.start.batch if epoch == self.start.epoch else 0)
        if self.batches.first:  # after Keras has reset the metrics, and the others have begun the epoch again
            self.put_back()
        else:
            self.latest = self.take(epoch, 0)

    def on_train_batch_begin(self, batch, logs=None):
        seed_step(self.batches.seed, self.latest.epoch, self.batches.first + batch)

    def on_train_batch_end(self, batch, logs=None):
        last = min(batch, len(self.batches) - 1)
        batch = self.batches.first + last
        if (last + 1) % LOOK_EVERY == 0 or last + 1 == len(self.batches):
            self.check(batch, logs["loss"])
        if self.folder is not None and time.monotonic() - self.written >= self.save_every:
            self.write(self.take(self.latest.epoch, batch + 1))

    def check(self, batch, loss):
        """Stop if the loss, which Keras averages over the epoch so far, is not finite."""
        if not np.isfinite(float(loss)):
            self.model.stop_training = True  # and on JAX, ``self.model`` brings the variables up to date
            raise NotFinite(batch)

    def on_epoch_end(self, epoch, logs=None):
        self.write(self.take(epoch + 1, 0))

    def take(self, epoch, batch):
        """Return a checkpoint of now."""
        history, *_ = self.callbacks
        return Checkpoint(
            epoch,
            batch,
            stopped=self.model.stop_training,
            arrays=values(self.model, within_epoch=batch > 0),
            history={name: [float(v) for v in vs] for name, vs in history.history.items()},
            callbacks=[changes(b, own_state(c)) for b, c in zip(self.before, self.callbacks)],
            settings=self.settings,
        )

    def write(self, checkpoint):
        if not all(is_finite(a) for a in checkpoint.arrays.values()):  # the loss of the next step will say so
            return
        self.latest = checkpoint
        if self.folder is not None:
            checkpoint.write(self.folder)
        self.written = time.monotonic()

    def put_back(self):
        """Go back to the start: the variables, and what each callback remembered."""
        kept = sum(name.startswith("metrics/") for name in self.start.arrays)
        if kept > len(self.model.metrics_variables):
            build_metrics(self.model, self.batches)
        set_values(self.model, self.start.arrays, within_epoch=self.start.batch > 0)
        for callback, state in zip(self.callbacks, self.start.callbacks):
            vars(callback).update(state)
        self.callbacks[0].history = {name: list(vs) for name, vs in self.start.history.items()}


def build_metrics(model, batches):
    """Make the variables of the metrics, which TensorFlow otherwise makes in the first step."""
    data = keras.tree.map_structure(ops.convert_to_tensor, batches[0])
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    y_pred = model(x, training=False)
    model.compute_loss(x, y, y_pred, sample_weight)
    model.compute_metrics(x, y, y_pred, sample_weight)
