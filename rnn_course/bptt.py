r"""Backpropagation through time, once, for every cell.

`bptt` runs a cell over a sequence. Forward it keeps, at each step, the little that the backward pass needs; backward it
walks from the last step to the first, asks the cell's ``step_gradient`` for one step's derivative, and adds each step's
share to the weights' gradients, because all steps use the same weights:

.. math::

   \frac{\partial L}{\partial W_x} = \sum_t x_t^\top \delta_t, \qquad
   \frac{\partial L}{\partial W_h} = \sum_t h_{t-1}^\top \delta_t, \qquad
   \frac{\partial L}{\partial b} = \sum_t \delta_t,
   \qquad \delta_t = \frac{\partial L}{\partial a_t}

(Werbos, 1990, Backpropagation through time: what it does and how to do it. Proceedings of the IEEE 78(10).)

Arrays are time first here, (T, B, D), because the loop takes one step after the other from the first axis.
"""

import math
from typing import NamedTuple

import keras
from keras import ops, tree

from rnn_course.cell_base import product
from rnn_course.cells import product_sum


class Sequence(NamedTuple):
    """What the loop takes a step of, each array with time as its first axis.

    ``x`` (T, B, D) are the inputs. ``mask`` is empty, or one array (T, B, 1): 1 where a step counts, 0 where it is
    padding. ``linked`` is empty, or one array (T, 1, 1): 0 where truncation cuts the step off from the one before.
    """

    x: object
    mask: tuple = ()
    linked: tuple = ()


class Plan(NamedTuple):
    """How the work is laid out. The numbers that come out are the same."""

    project_ahead: bool  # whether the inputs' products are made all at once before the loop, or step by step in it
    window: int | None = None  # steps whose shares of the weights' gradients are summed by one product; None: all steps
    unroll: int = 1  # steps that the compiler writes out in the loop's body

    @classmethod
    def for_inputs(cls, cell, inputs):
        """Choose what measured faster for ``inputs`` (T, B, D), by backend, device and size.

        A loop in Python wants few large products, and so should a GPU, which is not measured. On a CPU, arrays that
        outgrow its caches cost more than large products save: if the sums inside the activations, (T, B, G), take more
        than 4 MB, the inputs' products are made step by step, and the gradients summed by windows. While a model is
        put together, a size can be None, or a symbol on JAX.
        """
        if keras.backend.backend() == "torch":
            return cls(project_ahead=True)
        if any("gpu" in device for device in keras.distribution.list_devices()):
            return cls(project_ahead=True, unroll=8)
        steps, batch, _ = inputs.shape
        bytes_per_step = 4 * (batch if isinstance(batch, int) else 32) * cell.gates * cell.units
        if not isinstance(steps, int) or steps * bytes_per_step < 4e6:
            return cls(project_ahead=True)
        return cls(project_ahead=False, window=largest_divisor(steps, at_most=max(1, int(2.5e6 / bytes_per_step))))


def bptt(cell, inputs, initial_states, mask=None, truncate=None, checkpoint=None, every_step=True, plan=None):
    """Run ``cell`` over ``inputs``; the result differentiates by the cell's own ``step_gradient``.

    Parameters
    ----------
    cell : rnn_course.cell_base.Cell
        A built cell that has ``step``, ``step_gradient`` and ``weight_gradients``.
    inputs : tensor, shape (T, B, D)
        The sequence, time first.
    initial_states : tuple of tensors, shape (B, H)
        The states before the first step.
    mask : tensor, shape (T, B, 1), optional
        1 where a step counts; 0 where it is padding, which leaves all states as they were.
    truncate : int, optional
        The gradient stops at the borders of windows of that many steps (truncated BPTT; Williams and Peng, 1990).
    checkpoint : {None, "sqrt"}
        "sqrt" keeps only the states at the borders of about √T windows, and runs each window forward again on the way
        back: memory grows as √T rather than T, for one more forward pass (Chen et al., 2016, arXiv:1604.06174).
    every_step : bool
        Whether to return the hidden state after every step.
    plan : Plan, optional
        How the work is laid out; by default what measures faster on this machine.

    Returns
    -------
    hidden : tensor, shape (T, B, H), or None
        The hidden state after every step.
    final_states : tuple of tensors, shape (B, H)
        The states after the last step.
    """
    plan = plan or Plan.for_inputs(cell, inputs)
    if checkpoint:
        go, back = forward_in_windows, backward_in_windows
    else:
        go, back = forward, backward_by_windows if plan.window else backward
    W_x, weights = cell.weights_at(inputs.dtype)
    count = len(initial_states)

    # Everything that needs a gradient is an argument, and one tensor comes out: PyTorch's backend allows no more.
    @ops.custom_gradient
    def run(inputs, W_x, *others):
        weights, states = (W_x, others[:-count]), others[-count:]
        sequence = Sequence(inputs, () if mask is None else (mask,), links(inputs, truncate))
        final_states, hidden, kept = go(cell, weights, sequence, states, plan, every_step)

        def gradient(*args, upstream=None):
            d_hidden, d_final = unpack(args[0] if upstream is None else upstream, count, every_step)
            d_states, d_inputs, d_weights = back(cell, weights, sequence, kept, d_hidden, d_final, plan)
            return d_inputs, *d_weights, *d_states

        return pack(hidden, final_states), gradient

    hidden, final_states = unpack(run(inputs, W_x, *weights, *initial_states), count, every_step)
    return (hidden[0] if every_step else None), final_states


def forward(cell, weights, sequence, states, plan, every_step=True, keep=True):
    """Walk from the first step to the last.

    Parameters
    ----------
    cell : rnn_course.cell_base.Cell
        States the equations.
    weights : tuple
        W_x (D, G), where G is ``cell.gates`` times H, and the tuple of the weights that ``step`` takes.
    sequence : Sequence
        What comes in at each step.
    states : tuple of tensors, shape (B, H)
        The states before the first step.
    plan : Plan
        How the work is laid out.
    every_step, keep : bool
        Whether to return the hidden state after every step, and what ``step`` saved for the backward pass.

    Returns
    -------
    final_states, hidden, saved
        The states after the last step; the hidden states (T, B, H), in a tuple of one, or of none; and what ``step``
        saved, with T as first axis.
    """
    W_x, weights = weights

    def step(states, now):
        new, saved = cell.step(now.x if plan.project_ahead else now.x @ W_x, states, weights)
        for m in now.mask:  # a padded step leaves the states as they were
            new = tuple(m * after + (1 - m) * before for after, before in zip(new, states))
        return new, (new[:1] if every_step else (), saved if keep else ())

    if plan.project_ahead:
        sequence = sequence._replace(x=product(sequence.x, W_x))
    final_states, (hidden, saved) = scan(step, states, sequence, unroll=plan.unroll)
    return final_states, hidden, saved


def backward(cell, weights, sequence, saved, d_hidden, d_final, plan):
    """Walk from the last step to the first.

    Parameters
    ----------
    cell : rnn_course.cell_base.Cell
        States the derivatives.
    weights, sequence, plan
        As in `forward`.
    saved : tuple of tensors
        What `forward` saved.
    d_hidden : tuple
        Empty, or one tensor (T, B, H): the loss's derivative by each hidden state, as far as the step's own output
        goes.
    d_final : tuple of tensors, shape (B, H)
        The loss's derivatives by the final states.

    Returns
    -------
    d_states : tuple of tensors, shape (B, H)
        The loss's derivatives by the initial states.
    d_inputs : tensor, shape (T, B, D)
        Those by the inputs.
    d_weights : tuple of tensors
        Those by W_x and by the weights that ``step`` takes.
    """
    W_x, step_weights = weights

    def step(d_states, at_t):
        dh, saved, mask, linked = at_t
        for d in dh:  # what the step's own output adds to what comes from the step after
            d_states = (d_states[0] + d, *d_states[1:])
        d_new = tuple(m * d for m in mask for d in d_states) or d_states
        d_before, d_sums = cell.step_gradient(d_new, saved, step_weights)
        for m in mask:  # a padded step copied its states, so their derivatives pass by unchanged
            d_before = tuple(d + (1 - m) * past for d, past in zip(d_before, d_states))
        for link in linked:
            d_before = tuple(link * d for d in d_before)
        return d_before, d_sums

    at_steps = (d_hidden, saved, sequence.mask, sequence.linked)
    d_states, d_sums = scan(step, d_final, at_steps, reverse=True, unroll=plan.unroll)
    return d_states, product(d_sums[0], ops.transpose(W_x)), weight_gradients(cell, sequence.x, saved, d_sums)


def weight_gradients(cell, x, saved, d_sums):
    """The gradients of W_x and of the weights that ``step`` takes: of one step, or summed over all that the arrays
    hold.

    All steps use the same weights, so each weight's gradient is the sum of the steps' shares.
    """
    return product_sum(x, d_sums[0]), *cell.weight_gradients(saved, d_sums)


def backward_by_windows(cell, weights, sequence, saved, d_hidden, d_final, plan):
    """As `backward`, with the weights' gradients summed window by window."""
    parts = windows((sequence, d_hidden, saved), (-1, plan.window))
    d_states, d_inputs, d_weights = over_windows(cell, weights, parts, d_final, plan, lambda sequence, saved: saved)
    return d_states, joined(d_inputs), d_weights


def forward_in_windows(cell, weights, sequence, states, plan, every_step=True):
    """As `forward`, in windows of about √T steps, of which it keeps only the states before each."""

    def window(states, part):
        final_states, hidden, _ = forward(cell, weights, part, states, plan, every_step, keep=False)
        return final_states, (states, hidden)

    steps = ops.shape(sequence.x)[0]
    shape = square(steps)
    final_states, (borders, hidden) = scan(window, states, windows(filled(sequence, shape), shape))
    return final_states, tuple(joined(h)[:steps] for h in hidden), borders


def backward_in_windows(cell, weights, sequence, borders, d_hidden, d_final, plan):
    """As `backward`, for `forward_in_windows`: runs each window forward again, from the last one to the first."""

    def again(sequence, states):
        _, _, saved = forward(cell, weights, sequence, states, plan, every_step=False)
        return saved

    steps = ops.shape(sequence.x)[0]
    shape = square(steps)
    parts = windows((filled(sequence, shape), tuple(fill(d, shape, 0) for d in d_hidden)), shape)
    d_states, d_inputs, d_weights = over_windows(cell, weights, (*parts, borders), d_final, plan, again)
    return d_states, joined(d_inputs)[:steps], d_weights


def over_windows(cell, weights, parts, d_final, plan, saved_of):
    """As `backward`, through windows from the last to the first, with the gradients of the weights added up.

    ``parts`` holds each window's sequence, its derivatives by the hidden states, and what was kept of it, from which
    ``saved_of(sequence, kept)`` gets what ``step`` saved. The inputs' derivatives come in windows.
    """

    def window(carry, part):
        (d_states, sums), (sequence, d_hidden, kept) = carry, part
        saved = saved_of(sequence, kept)
        d_states, d_inputs, shares = backward(cell, weights, sequence, saved, d_hidden, d_states, plan)
        return (d_states, add(sums, shares)), d_inputs

    (d_states, sums), d_inputs = scan(window, (d_final, zero_sums(weights)), parts, reverse=True)
    return d_states, d_inputs, as_weights(sums, weights)


def square(steps):
    """Number and length of windows that hold ``steps`` steps: both about √T."""
    if isinstance(steps, int):
        length = math.isqrt(steps - 1) + 1
    elif keras.backend.backend() == "jax":  # a symbol, while a model is put together: any length that divides it
        length = 1
    else:
        length = ops.cast(ops.ceil(ops.sqrt(ops.cast(steps, "float32"))), "int32")
    return (steps + length - 1) // length, length


def filled(sequence, shape):
    """The sequence, filled up at the end with masked steps until it has as many as the windows."""
    mask = sequence.mask or (ops.ones_like(sequence.x[:, :, :1]),)
    return Sequence(
        fill(sequence.x, shape, 0),
        tuple(fill(m, shape, 0) for m in mask),
        tuple(fill(link, shape, 1) for link in sequence.linked),
    )


def fill(a, shape, value):
    """Fill ``a`` (T, ...) up at the end with ``value`` until it has as many steps as the windows."""
    steps, *rest = ops.shape(a)
    return ops.concatenate([a, ops.full((shape[0] * shape[1] - steps, *rest), value, dtype=a.dtype)])


def windows(arrays, shape):
    """Each array of a tree, from (T, ...) to (windows, steps, ...)."""
    return tree.map_structure(lambda a: ops.reshape(a, (*shape, *ops.shape(a)[1:])), arrays)


def joined(a):
    """From (windows, steps, ...) to (T, ...)."""
    return ops.reshape(a, (-1, *ops.shape(a)[2:]))


def largest_divisor(n, at_most):
    """The largest divisor of ``n`` that is not above ``at_most``; None if that is 1, as for a prime n."""
    return next((d for d in range(min(n, at_most), 1, -1) if n % d == 0), None)


def links(inputs, truncate):
    """The factors of `Sequence.linked`: 0 at each step where a window of truncated BPTT begins, but for the first."""
    if truncate is None:
        return ()
    steps = ops.arange(ops.shape(inputs)[0], dtype="int32")
    return (ops.cast((steps % truncate != 0) | (steps == 0), inputs.dtype)[:, None, None],)


def zero_sums(weights):
    """Where the weights' gradients are summed: in float32 at least, as small shares would be lost in half precision."""
    W_x, others = weights
    half = keras.backend.standardize_dtype(W_x.dtype) in ("float16", "bfloat16")
    return tuple(ops.zeros_like(w, dtype="float32" if half else w.dtype) for w in (W_x, *others))


def add(sums, shares):
    return tuple(s + ops.cast(share, s.dtype) for s, share in zip(sums, shares))


def as_weights(sums, weights):
    """The sums in the dtype of the weights, which a gradient must have."""
    return tuple(ops.cast(s, weights[0].dtype) for s in sums)


def pack(hidden, final_states):
    """Join the hidden states, if there are any, and the final states along time, as one tensor."""
    return ops.concatenate([*hidden, ops.stack(final_states)], axis=0)


def unpack(packed, count, every_step):
    """Undo `pack`: a tuple of the hidden states (T, B, H) or of nothing, and the ``count`` final states."""
    return (packed[:-count],) if every_step else (), tuple(packed[i - count] for i in range(count))


def scan(step, carry, xs, reverse=False, unroll=1):
    """Loop ``step(carry, x) -> (carry, ys)`` over the first axis of ``xs``; ``ys`` is stacked, in the order of ``xs``.

    TensorFlow's `keras.ops.scan` wants outputs of exactly the carry's structure, so there both travel as (carry,
    ys); what ys looks like is asked of one step. And it takes several arrays only if their length is known, so it
    gets the step numbers instead, and each step picks its x.
    """
    if keras.backend.backend() != "tensorflow":
        return ops.scan(step, carry, xs, reverse=reverse, unroll=unroll)

    def at(t):
        return tree.map_structure(lambda x: x[t], xs)

    def paired(both, t):
        both = step(both[0], at(t))
        return both, both

    ys = tree.map_structure(ops.zeros_like, step(carry, at(0))[1])
    steps = ops.arange(ops.shape(tree.flatten(xs)[0])[0], dtype="int32")
    (carry, _), (_, ys) = ops.scan(paired, (carry, ys), steps, reverse=reverse)
    return carry, ys
