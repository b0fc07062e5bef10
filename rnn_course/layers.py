"""Recurrent layers: a cell run over time, as drop-ins for the layers of the same names in `keras.layers`."""

import functools
import inspect

import keras
from keras import ops

from rnn_course.bptt import bptt, links
from rnn_course.cells import Cell, GRUCell, LSTMCell, SimpleRNNCell
from rnn_course.checks import positive
from rnn_course.torch_ops import run_torch_op, torch_op

# Arguments of a drop-in that are the layer's, not its cell's.
LAYER_ARGUMENTS = (
    "return_sequences",
    "return_state",
    "go_backwards",
    "stateful",
    "unroll",
    "zero_output_for_mask",
    "activity_regularizer",
    "truncate",
    "checkpoint",
)


@keras.saving.register_keras_serializable("rnn_course")
class RNN(keras.layers.RNN):
    """A cell run over time.

    How it is trained is chosen by itself, and said by ``backprop`` after a call:

    - ``"bptt"``: `rnn_course.bptt`, the cell's own hand-derived gradient, wherever there is one;
    - ``"torch.lstm"``, ``"torch.gru"``, ``"torch.rnn_tanh"`` or ``"torch.rnn_relu"``: PyTorch's op of that name with
      our weights, where the backend is PyTorch and nothing forbids it, because a loop in Python is slower;
    - ``"automatic differentiation"``: if the cell has no gradient of its own, if the layer is unrolled, or during
      training with ``recurrent_dropout``.

    All three give the same numbers.

    Parameters
    ----------
    cell : keras.layers.Layer
        Any recurrent cell; those of `rnn_course.cells` for the first two ways.
    return_sequences : bool
        Whether to return every hidden state (B, T, H), rather than the last (B, H).
    return_state : bool
        Whether to return the final states as well.
    go_backwards : bool
        Whether to read the sequence from its end.
    stateful : bool
        Whether a batch starts from the states in which the batch before ended.
    unroll : bool
        Whether to write the steps out as a graph instead of looping.
    zero_output_for_mask : bool
        Whether padded steps put out zeros, rather than the hidden state that they leave as it was.
    truncate : int, optional
        Truncated BPTT: the gradient stops at the borders of windows of that many steps.
    checkpoint : {None, "sqrt"}
        "sqrt" lets memory grow as the square root of the number of steps, for one more forward pass. It changes
        nothing where the layer trains by automatic differentiation.
    **kwargs
        ``activity_regularizer``, ``name``, ``dtype`` and ``trainable``, as in `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If an argument, or the inputs, the initial states or the mask of a call have the wrong form.
    """

    def __init__(self, cell, *args, truncate=None, checkpoint=None, **kwargs):
        super().__init__(cell, *args, **kwargs)
        if truncate is not None:
            positive(truncate=truncate)
        if checkpoint not in (None, "sqrt"):
            raise ValueError(f"`checkpoint` must be None or 'sqrt'; received checkpoint={checkpoint!r}.")
        if truncate and not all(isinstance(size, int) for size in self.state_size):
            raise ValueError("`truncate` needs a single cell; stack layers instead of cells.")
        self.truncate, self.checkpoint = truncate, checkpoint
        self.backprop = None

    def call(self, sequences, initial_state=None, mask=None, training=False):
        self.check(sequences, initial_state, mask)
        return super().call(sequences, initial_state=initial_state, mask=mask, training=training)

    def check(self, sequences, initial_state, mask):
        """Raise a ValueError that names what does not fit."""
        shape = sequences.shape
        if len(shape) != 3:
            raise ValueError(
                f"{self.name} expects inputs of shape (batch, steps, features); "
                f"received inputs of shape {tuple(shape)}."
            )
        if initial_state is not None:
            states = initial_state if isinstance(initial_state, (list, tuple)) else [initial_state]
            self.check_states(states, shape[0])
        for m in keras.tree.flatten(mask) if mask is not None else ():
            if len(m.shape) != 2 or not fits(m.shape, shape[:2]):
                raise ValueError(
                    f"{self.name} expects a mask of shape (batch, steps), here {tuple(shape[:2])}; "
                    f"received a mask of shape {tuple(m.shape)}."
                )

    def check_states(self, states, batch):
        if not all(isinstance(size, int) for size in self.state_size):  # cells stacked in one: Keras's own
            return
        if len(states) != len(self.state_size):
            raise ValueError(
                f"{self.name} has {len(self.state_size)} states, so `initial_state` must have as many; "
                f"received {len(states)}."
            )
        for state, size in zip(states, self.state_size):
            if len(state.shape) != 2 or not fits(state.shape, (batch, size)):
                raise ValueError(
                    f"{self.name} expects each initial state to have shape (batch, units), here {(batch, size)}; "
                    f"received a state of shape {tuple(state.shape)}."
                )

    def inner_loop(self, sequences, initial_state, mask, training=False):
        """Return the last output (B, H), all outputs (B, T, H) and the list of final states."""
        if keras.tree.is_nested(mask):
            mask = mask[0]
        states = tuple(initial_state) if keras.tree.is_nested(initial_state) else (initial_state,)
        if isinstance(self.cell, Cell):
            self.cell.begin_sequence()
        if not self.trains_by_hand(training):
            self.backprop = "automatic differentiation"
            return self.differentiate_automatically(sequences, states, mask, training)
        # States may be variables: PyTorch updates a stateful layer's in place, under the feet of the backward pass.
        states = tuple(ops.copy(state) for state in states)
        if training and self.cell.dropout:
            input_mask, _ = self.cell.dropout_masks(sequences[:, 0])
            sequences = sequences * input_mask[0][:, None]
        if self.go_backwards:
            sequences, mask = ops.flip(sequences, axis=1), None if mask is None else ops.flip(mask, axis=1)
        op = None if self.truncate or self.checkpoint else torch_op(self.cell, mask)
        self.backprop = f"torch.{op}" if op else "bptt"
        outputs, states = run_torch_op(op, self.cell, sequences, states) if op else self.bptt(sequences, states, mask)
        return states[0], outputs, list(states)

    def trains_by_hand(self, training):
        cell = self.cell
        if self.unroll or not getattr(cell, "has_step_gradient", False):
            return False
        return not (training and (cell.recurrent_dropout or (cell.dropout and cell.masks_per_gate)))

    def bptt(self, sequences, states, mask):
        """Run the cell with its hand-derived gradient; return the outputs, of the last step alone if that is all."""
        if mask is not None:
            mask = ops.cast(ops.transpose(mask)[:, :, None], sequences.dtype)
        hidden, states = bptt(
            self.cell,
            ops.transpose(sequences, (1, 0, 2)),
            states,
            mask,
            truncate=self.truncate,
            checkpoint=self.checkpoint,
            every_step=self.return_sequences,
        )
        if hidden is None:
            return states[0][:, None], states
        if mask is not None and self.zero_output_for_mask:
            hidden = hidden * mask
        return ops.transpose(hidden, (1, 0, 2)), states

    def differentiate_automatically(self, sequences, states, mask, training):
        """Run Keras's own loop; to truncate, with a cell that is told at each step whether the gradient may pass."""
        if self.truncate is None:
            return super().inner_loop(sequences, list(states), mask, training)
        ones = ops.ones_like(sequences[:, :, :1])
        counts = ones if mask is None else ops.cast(mask, ones.dtype)[:, :, None]
        linked = ones * ops.transpose(links(ops.transpose(sequences, (1, 0, 2)), self.truncate)[0], (1, 0, 2))
        if self.go_backwards:
            linked = ops.flip(linked, axis=1)
        loop = keras.layers.RNN(
            Truncated(self.cell, training),
            return_sequences=self.return_sequences,
            go_backwards=self.go_backwards,
            unroll=self.unroll,
        )
        last, outputs, states = loop.inner_loop(
            ops.concatenate([sequences, counts, linked], axis=-1), list(states), None
        )
        if self.zero_output_for_mask:
            outputs = outputs * (ops.flip(counts, axis=1) if self.go_backwards else counts)
        return last, outputs, states

    def get_config(self):
        return {**super().get_config(), "truncate": self.truncate, "checkpoint": self.checkpoint}


class Truncated:
    """A cell whose inputs end with two flags: does the step count, and may the gradient pass to the step before?

    Keras's loop has no place for the second, and would not cut at a step that it skips.
    """

    def __init__(self, cell, training):
        takes_training = "training" in inspect.signature(cell.call).parameters
        self.cell = functools.partial(cell, training=training) if takes_training else cell
        self.state_size, self.output_size = cell.state_size, cell.output_size

    def call(self, inputs, states):
        x, counts, linked = inputs[:, :-2], inputs[:, -2:-1], inputs[:, -1:]
        states = [linked * s + (1 - linked) * ops.stop_gradient(s) for s in states]
        output, new = self.cell(x, states)
        new = [counts * after + (1 - counts) * before for after, before in zip(new, states)]
        return counts * output + (1 - counts) * states[0], new

    __call__ = call


def fits(shape, expected):
    """Whether two shapes agree where both are known."""
    return all(a == b for a, b in zip(shape, expected) if isinstance(a, int) and isinstance(b, int))


class DropIn(RNN):
    """A layer with a cell of its own, which takes the arguments of its namesake in `keras.layers`; a subclass names
    both."""

    def __init_subclass__(cls, like, cell_type, cell_name, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.cell_type, cls.cell_name = cell_type, cell_name
        cls.__signature__ = inspect.signature(like)
        cls.positional = tuple(cls.__signature__.parameters)[1:-1]
        cls.units = property(lambda self: self.cell.units)
        of_the_cell = set(cls.positional) - set(LAYER_ARGUMENTS) - {"use_cudnn"}
        for name in of_the_cell:  # layer.dropout is layer.cell.dropout, and so on
            setattr(cls, name, property(lambda self, name=name: getattr(self.cell, name)))

    def __init__(self, units, *args, name=None, dtype=None, trainable=True, **kwargs):
        if len(args) > len(self.positional):
            raise TypeError(f"{type(self).__name__} takes at most {len(self.positional) + 1} arguments by position.")
        kwargs = {**dict(zip(self.positional, args)), **kwargs}
        use_cudnn = kwargs.pop("use_cudnn", "auto")
        if use_cudnn not in ("auto", False):
            raise ValueError(
                "`use_cudnn` must be 'auto' or False: this layer trains by a backward pass of its own. "
                f"keras.layers.{type(self).__name__} has cuDNN's, and takes the same weights; "
                f"received use_cudnn={use_cudnn!r}."
            )
        layer = {key: kwargs.pop(key) for key in LAYER_ARGUMENTS if key in kwargs}
        cell = self.cell_type(units, name=self.cell_name, dtype=dtype, trainable=trainable, **kwargs)
        super().__init__(cell, name=name, dtype=dtype, trainable=trainable, **layer)
        self.use_cudnn = use_cudnn

    def get_config(self):
        config = super().get_config()
        cell = config.pop("cell")["config"]
        not_ours = ("name", "dtype", "trainable", "build_config")
        return {**{k: v for k, v in cell.items() if k not in not_ours}, **config}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable("rnn_course")
class SimpleRNN(DropIn, like=keras.layers.SimpleRNN, cell_type=SimpleRNNCell, cell_name="simple_rnn_cell"):
    """The simple recurrent layer: `rnn_course.cells.SimpleRNNCell` over time.

    Inputs have shape (B, T, D). The output is the last hidden state (B, H), or all of them (B, T, H). Arguments and
    weights are those of `keras.layers.SimpleRNN`: kernel W_x (D, H), recurrent_kernel W_h (H, H), bias b (H,); so
    ``ours.set_weights(theirs.get_weights())`` carries them over.

    Parameters
    ----------
    units : int
        Number of hidden units, H.
    *args, **kwargs
        Those of `keras.layers.SimpleRNN`; and ``truncate`` and ``checkpoint`` of `RNN`, and ``learn_initial_state`` of
        `rnn_course.cell_base.Cell`.

    Raises
    ------
    ValueError
        If an argument is unknown, or out of its range.
    """


@keras.saving.register_keras_serializable("rnn_course")
class LSTM(DropIn, like=keras.layers.LSTM, cell_type=LSTMCell, cell_name="lstm_cell"):
    """The LSTM layer: `rnn_course.cells.LSTMCell` over time.

    As `SimpleRNN`, but with the arguments of `keras.layers.LSTM` and its weights: kernel (D, 4H), recurrent_kernel (H,
    4H) and bias (4H,), gates in the order i, f, g, o. With ``return_state`` the hidden state and the cell state
    follow the output.
    """


@keras.saving.register_keras_serializable("rnn_course")
class GRU(DropIn, like=keras.layers.GRU, cell_type=GRUCell, cell_name="gru_cell"):
    """The GRU layer: `rnn_course.cells.GRUCell` over time.

    As `SimpleRNN`, but with the arguments of `keras.layers.GRU` and its weights: kernel (D, 3H), recurrent_kernel (H,
    3H) and bias (2, 3H), gates in the order z, r, n; bias (3H,) if not ``reset_after``.
    """
