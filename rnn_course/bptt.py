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

from keras import ops, tree


def bptt(cell, inputs, initial_states, mask=None):
    """Run ``cell`` over ``inputs``; the result differentiates by the cell's own ``step_gradient``.

    Parameters
    ----------
    cell : rnn_course.cells.Cell
        A built cell that has ``step`` and ``step_gradient``.
    inputs : tensor, shape (T, B, D)
        The sequence, time first.
    initial_states : tuple of tensors, shape (B, H)
        The states before the first step.
    mask : tensor, shape (T, B, 1), optional
        1 where a step counts; 0 where it is padding, which leaves all states as they were.

    Returns
    -------
    hidden : tensor, shape (T, B, H)
        The hidden state after every step.
    final_states : tuple of tensors, shape (B, H)
        The states after the last step.
    """
    masks = () if mask is None else (mask,)

    # Everything that needs a gradient is an argument, and one tensor comes out: PyTorch's backend allows no more.
    @ops.custom_gradient
    def run(inputs, W_x, W_h, b, *states):
        final_states, hidden, saved = forward(cell, (W_x, W_h, b), inputs, states, masks)

        def gradient(*args, upstream=None):
            d_hidden, d_final = unpack(args[0] if upstream is None else upstream, len(states))
            before = ops.concatenate([states[0][None], hidden[:-1]], axis=0)
            d_states, da = backward(cell, W_h, saved, d_hidden, d_final, masks)
            return ops.matmul(da, ops.transpose(W_x)), *weight_gradients(inputs, before, da), *d_states

        return pack(hidden, final_states), gradient

    hidden, (_, *others) = unpack(run(inputs, *cell.weights_at(inputs.dtype), *initial_states), len(initial_states))
    return hidden, (hidden[-1], *others)


def forward(cell, weights, inputs, states, masks=()):
    """Walk from the first step to the last.

    Parameters
    ----------
    cell : rnn_course.cells.Cell
        States the equations.
    weights : tuple of tensors
        W_x (D, G), W_h (H, G) and b (G,), where G is ``cell.gates`` times H.
    inputs : tensor, shape (T, B, D)
        The sequence.
    states : tuple of tensors, shape (B, H)
        The states before the first step.
    masks : tuple
        Empty, or the one mask (T, B, 1).

    Returns
    -------
    final_states, hidden, saved
        The states after the last step; the hidden states (T, B, H); and what ``step`` saved, with T as first axis.
    """
    W_x, W_h, b = weights

    def step(states, at_t):
        x, *counts = at_t
        new, saved = cell.step(ops.matmul(x, W_x) + b, states, W_h)
        for m in counts:
            new = tuple(m * after + (1 - m) * before for after, before in zip(new, states))
        return new, (new[0], *saved)

    final_states, (hidden, *saved) = scan(step, states, (inputs, *masks))
    return final_states, hidden, tuple(saved)


def backward(cell, W_h, saved, d_hidden, d_final, masks=()):
    """Walk from the last step to the first.

    Parameters
    ----------
    cell : rnn_course.cells.Cell
        States the derivatives.
    W_h : tensor, shape (H, G)
        The recurrent weights.
    saved : tuple of tensors
        What `forward` saved.
    d_hidden : tensor, shape (T, B, H)
        The loss's derivative by each hidden state, as far as the step's own output goes.
    d_final : tuple of tensors, shape (B, H)
        The loss's derivatives by the final states.
    masks : tuple
        Empty, or the one mask (T, B, 1).

    Returns
    -------
    d_states : tuple of tensors, shape (B, H)
        The loss's derivatives by the initial states.
    da : tensor, shape (T, B, G)
        Its derivative by the sum inside the activation, at each step.
    """

    def step(d_states, at_t):
        dh, saved, *counts = at_t
        d_states = (d_states[0] + dh, *d_states[1:])
        through = tuple(m * d for m in counts for d in d_states) or d_states
        d_before, da = cell.step_gradient(through, saved, W_h)
        for m in counts:  # a padded step copied its state, so its derivative passes by unchanged
            d_before = tuple(d + (1 - m) * past for d, past in zip(d_before, d_states))
        return d_before, (da,)

    d_states, (da,) = scan(step, d_final, (d_hidden, saved, *masks), reverse=True)
    return d_states, da


def weight_gradients(inputs, before, da):
    """Sum the steps' shares: gradients of W_x (D, G), W_h (H, G) and b (G,).

    All steps use the same weights, so each weight's gradient is a sum over time, and over the batch: one product of all
    inputs (T, B, D), or of the hidden states ``before`` each step (T, B, H), with all ``da`` (T, B, G).
    """
    return (
        ops.einsum("tbi,tbj->ij", inputs, da),
        ops.einsum("tbi,tbj->ij", before, da),
        ops.sum(da, axis=(0, 1)),
    )


def pack(hidden, final_states):
    """Join the hidden states and the final states other than the hidden state along time, as one tensor."""
    return ops.concatenate([hidden, *(s[None] for s in final_states[1:])], axis=0)


def unpack(packed, states):
    """Undo `pack`: the hidden states (T, B, H), and as many final states; of the first, which is hidden[-1], zeros."""
    others = states - 1
    steps = ops.shape(packed)[0] - others
    return packed[:steps], (ops.zeros_like(packed[0]), *(packed[steps + i] for i in range(others)))


def scan(step, carry, xs, reverse=False):
    """Loop ``step(carry, x) -> (carry, ys)`` over the first axis of ``xs``; ``ys`` is stacked, in the order of ``xs``.

    TensorFlow's `keras.ops.scan` wants outputs of exactly the carry's structure, so both travel as (carry, ys); what ys
    looks like is asked of one step. And it takes several arrays only if their length is known, so it gets the step
    numbers instead, and each step picks its x.
    """

    def at(t):
        return tree.map_structure(lambda x: x[t], xs)

    def paired(both, t):
        both = step(both[0], at(t))
        return both, both

    ys = tree.map_structure(ops.zeros_like, step(carry, at(0))[1])
    steps = ops.arange(ops.shape(tree.flatten(xs)[0])[0], dtype="int32")
    (carry, _), (_, ys) = ops.scan(paired, (carry, ys), steps, reverse=reverse)
    return carry, ys
