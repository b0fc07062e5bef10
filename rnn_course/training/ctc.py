"""Connectionist temporal classification: a loss for targets of which nobody has said at which step they are."""

import keras
from keras import ops

NEVER = -1e30  # log-probability of what cannot be: that of 0 would give "not a number" as soon as two are subtracted


@keras.saving.register_keras_serializable("rnn_course")
class CTC(keras.losses.Loss):
    """The loss of Graves et al. (2006): minus the log-probability of the target, over all its alignments.

    .. math::

        L = -\\log \\sum_{\\pi: \\mathcal{B}(\\pi) = y} \\prod_{t=1}^{T} P(\\pi_t \\mid x)

    where the path :math:`\\pi` has one label at each step, and :math:`\\mathcal{B}` merges equal neighbors, then drops
    the blanks. Label 0 is the blank, and padding in the target. ``loss(y_true, y_pred)`` takes targets (B, U), integers
    padded with zeros at their ends, and logits (B, T, K). All T steps count, in every row: let recordings of a batch
    be equally long.

    The numbers are those of `keras.losses.CTC`. The gradient is not that of a loop: with :math:`\\gamma_t(k)`, the
    share of the target's probability that lies on paths with label k at step t, it is that of the cross-entropy of
    :math:`\\gamma_t` and the prediction, softmax minus :math:`\\gamma_t` in each logit. The shares come from
    one loop over the steps, which runs forward and backward side by side.

    Raises
    ------
    ValueError
        If the targets do not have shape (B, U), or the logits not (B, T, K).

    Notes
    -----
    A. Graves, S. Fernández, F. Gomez and J. Schmidhuber (2006), "Connectionist Temporal Classification", ICML. A target
    that needs more steps than there are has an infinite loss.
    """

    def __init__(self, reduction="sum_over_batch_size", name="ctc", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true, y_pred):
        if len(y_true.shape) != 2 or len(y_pred.shape) != 3:
            raise ValueError(
                "CTC needs targets of shape (batch, labels) and logits of shape (batch, steps, labels); received "
                f"{tuple(y_true.shape)} and {tuple(y_pred.shape)}."
            )
        labels = ops.cast(y_true, "int32")
        log_p = ops.log_softmax(ops.cast(y_pred, "float32"), axis=-1)
        states = with_blanks(labels)
        emitted = ops.take_along_axis(log_p, steps_of(states, log_p), axis=-1)  # (B, T, 2U + 1)
        total, shares = alignments(states, ops.stop_gradient(emitted))
        gradient = -ops.sum(shares * emitted, axis=(1, 2))
        return ops.where(total > NEVER / 2, gradient - ops.stop_gradient(gradient) - total, float("inf"))


def with_blanks(labels):
    """Return the states that a path goes through (B, 2U + 1): a blank before, between and after the labels."""
    between = ops.reshape(ops.stack([ops.zeros_like(labels), labels], axis=-1), (-1, 2 * labels.shape[1]))
    return ops.concatenate([between, ops.zeros_like(labels[:, :1])], axis=1)


def steps_of(states, log_p):
    """Return the states, the same at every step: (B, T, 2U + 1)."""
    return ops.broadcast_to(states[:, None], (*ops.shape(log_p)[:2], states.shape[1]))


def alignments(states, emitted):
    """Return the target's log-probability (B,), and the share of it that goes through each state at each step."""
    count = 2 * ops.sum(ops.cast(states != 0, "int32"), axis=-1, keepdims=True)  # the number of the last state
    number = ops.arange(states.shape[1], dtype="int32")[None]
    first = ops.where(number <= 1, 0.0, NEVER) + ops.zeros_like(emitted[:, 0])
    last = ops.where(ops.logical_or(number == count, number == count - 1), 0.0, NEVER)
    # Backward, the same recursion runs over flipped states and steps. Both run at once, as one batch of 2B rows.
    both = ops.concatenate([states, ops.flip(states, axis=1)])
    skips = ops.logical_and(both[:, 2:] != 0, both[:, 2:] != both[:, :-2])
    may_skip = ops.pad(ops.where(skips, 0.0, NEVER), ((0, 0), (2, 0)), constant_values=NEVER)
    steps = ops.transpose(ops.concatenate([emitted, ops.flip(emitted, axis=(1, 2))]), (1, 0, 2))

    def step(before, emits):
        one = ops.pad(before[:, :-1], ((0, 0), (1, 0)), constant_values=NEVER)
        two = ops.pad(before[:, :-2], ((0, 0), (2, 0)), constant_values=NEVER) + may_skip
        largest = ops.maximum(ops.maximum(before, one), two)
        total = ops.exp(before - largest) + ops.exp(one - largest) + ops.exp(two - largest)
        after = largest + ops.log(total) + emits
        return after, after

    start = ops.concatenate([first, ops.flip(last, axis=1)]) + steps[0]
    _, later = ops.scan(step, start, steps[1:])
    reached = ops.transpose(ops.concatenate([start[None], later]), (1, 0, 2))
    forward, backward = ops.split(reached, 2)
    forward, backward = forward, ops.flip(backward, axis=(1, 2))
    total = ops.logsumexp(forward[:, -1] + last, axis=-1)
    return total, ops.exp(forward + backward - emitted - total[:, None, None])
