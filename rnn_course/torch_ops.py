"""PyTorch's own recurrent ops, fed with the weights of our cells.

PyTorch runs `rnn_course.bptt`'s loop in Python, where the loop costs more than the arithmetic. Its public ops
`torch.lstm`, `torch.gru`, `torch.rnn_tanh` and `torch.rnn_relu` have the loop inside, and a gradient; on a GPU they
are cuDNN's.
"""

import keras
import numpy as np
from keras import ops

from rnn_course.cell_base import activation_name
from rnn_course.cells import GRUCell, LSTMCell, SimpleRNNCell


def torch_op(cell, mask=None):
    """Return the name of the op that computes what ``cell`` does, or None: another backend, cell, activation, or a
    mask."""
    if keras.backend.backend() != "torch" or mask is not None:
        return None
    names = [activation_name(activation) for activation in cell.activations]
    if type(cell).step is SimpleRNNCell.step and names[0] in ("tanh", "relu"):
        return f"rnn_{names[0]}"
    if names != ["tanh", "sigmoid"]:
        return None
    if type(cell).step is LSTMCell.step:
        return "lstm"
    return "gru" if type(cell).step is GRUCell.step and cell.reset_after else None


def run_torch_op(name, cell, inputs, states):
    """Run the op.

    Parameters
    ----------
    name : str
        As `torch_op` returned it.
    cell : rnn_course.cell_base.Cell
        A built cell.
    inputs : tensor, shape (B, T, D)
        The sequence.
    states : tuple of tensors, shape (B, H)
        The states before the first step.

    Returns
    -------
    hidden : tensor, shape (B, T, H)
        The hidden state after every step.
    final_states : list of tensors, shape (B, H)
        The states after the last step.
    """
    import torch

    states = [s[None].contiguous() for s in states]
    first = tuple(states) if name == "lstm" else states[0]
    hidden, *final_states = getattr(torch, name)(
        inputs.contiguous(), first, torch_weights(name, cell, inputs.dtype), True, 1, 0.0, False, False, True
    )
    return hidden, [s[0] for s in final_states]


def torch_weights(name, cell, dtype):
    """The cell's weights as PyTorch has them: W_x, W_h, b_x, b_h, a row for each unit; a GRU's gates in the order r,
    z, n."""
    W_x, (W_h, b_x, *b_h) = cell.weights_at(dtype)
    b_h = b_h[0] if b_h else ops.zeros_like(b_x)
    weights = [W_x.T, W_h.T, b_x, b_h]
    if name == "gru":
        z, r, n = np.arange(3 * cell.units).reshape(3, -1)
        order = ops.convert_to_tensor(np.concatenate([r, z, n]))
        weights = [w[order] for w in weights]
    return [w.contiguous() for w in weights]
