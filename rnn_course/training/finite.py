"""When the loss is no longer a finite number: at which step that began, and what helps."""

import keras
import numpy as np
from keras import ops, tree

from rnn_course.training.checkpoints import is_finite, set_values, values
from rnn_course.training.seeds import seed_step


class NotFinite(Exception):
    """The loss is not finite at this batch of the epoch, or was not at one before it."""

    def __init__(self, batch):
        self.batch = batch


def diagnosis(model, batches, checkpoint, until):
    """Return at which step the loss was not finite first, and what helps; leave the weights from before that step."""
    batch = first_not_finite(model, batches, checkpoint, until)
    data = keras.utils.unpack_x_y_sample_weight(batches[batch - batches.first])
    names = ("inputs", "targets", "sample weights")
    broken = [name for name, part in zip(names, data) if not all(is_finite(a) for a in tree.flatten(part))]
    if broken:
        remedy = f"The {' and the '.join(broken)} of that batch hold NaN or infinity: clean the data first."
    else:
        rate = float(ops.convert_to_numpy(model.optimizer.learning_rate))
        remedy = (
            f"The data of that batch are finite, so try, in this order: a lower learning rate (it is {rate:.2g}); "
            "clip_norm=1.0, which clips the gradient; inputs scaled to about -1 to 1; a loss and activations that take "
            "no logarithm, root or quotient of zero."
        )
    return (
        f"The loss is not finite at step {batch + 1} of epoch {checkpoint.epoch + 1}, so training has stopped. "
        f"{remedy} The model has the weights from before that step."
    )


def first_not_finite(model, batches, start, until):
    """Train again from the checkpoint ``start``, batch by batch, until the loss is not finite, or to batch ``until``.

    Returns that batch, and leaves the weights from before it. As training is deterministic, this finds the step among
    several that were not looked at, and steps that go well have nothing to keep for it.
    """
    several, model.steps_per_execution = model.steps_per_execution, 1
    model.train_function = None
    set_values(model, start.arrays, within_epoch=False)
    batches.start(start.epoch, start.batch)
    finite = start.arrays
    model.reset_metrics()
    for batch in range(start.batch, until + 1):
        before = values(model, within_epoch=False)
        if all(is_finite(a) for a in before.values()):
            finite = before
        seed_step(batches.seed, start.epoch, batch)
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batches[batch - start.batch])
        if not np.isfinite(model.train_on_batch(x, y, sample_weight, return_dict=True)["loss"]):
            break
    set_values(model, finite, within_epoch=False)
    model.steps_per_execution, model.train_function = several, None
    return batch
