"""Recurrent layers: a cell run over time, as a drop-in for the layer of the same name in `keras.layers`."""

import keras
from keras import ops

from rnn_course.bptt import bptt
from rnn_course.cells import SimpleRNNCell


class RNN(keras.layers.RNN):
    """A cell run over time. Where the cell has ``step_gradient``, `rnn_course.bptt` trains it; elsewhere Keras does.

    The arguments are those of `keras.layers.RNN`.
    """

    def inner_loop(self, sequences, initial_state, mask, training=False):
        """Return the last output (B, H), all outputs (B, T, H) and the list of final states."""
        if self.unroll or not getattr(self.cell, "has_step_gradient", False):
            return super().inner_loop(sequences, initial_state, mask, training)
        initial_states = tuple(initial_state) if isinstance(initial_state, (list, tuple)) else (initial_state,)
        if self.stateful:  # PyTorch updates state variables in place, under the feet of the backward pass
            initial_states = tuple(ops.copy(state) for state in initial_states)
        inputs = ops.transpose(sequences, (1, 0, 2))
        if mask is not None:
            mask = ops.cast(ops.transpose(mask)[:, :, None], inputs.dtype)
        if self.go_backwards:
            inputs, mask = ops.flip(inputs, axis=0), None if mask is None else ops.flip(mask, axis=0)
        hidden, final_states = bptt(self.cell, inputs, initial_states, mask)
        outputs = hidden * mask if mask is not None and self.zero_output_for_mask else hidden
        return hidden[-1], ops.transpose(outputs, (1, 0, 2)), list(final_states)


@keras.saving.register_keras_serializable("rnn_course")
class SimpleRNN(RNN):
    """The simple recurrent layer: `rnn_course.cells.SimpleRNNCell` over time.

    Inputs have shape (B, T, D). The output is the last hidden state (B, H), or all of them (B, T, H). Weights have the
    names, shapes and order of `keras.layers.SimpleRNN`: kernel W_x (D, H), recurrent_kernel W_h (H, H), bias b (H,); so
    ``ours.set_weights(theirs.get_weights())`` carries them over.

    Parameters
    ----------
    units : int
        Number of hidden units, H.
    return_sequences : bool
        Whether to return every hidden state, rather than the last.
    return_state : bool
        Whether to return the final state as well.
    go_backwards : bool
        Whether to read the sequence from its end.
    stateful : bool
        Whether a batch starts from the states in which the batch before ended.
    unroll : bool
        Whether to write the steps out as a graph instead of looping.
    zero_output_for_mask : bool
        Whether padded steps put out zeros, rather than the hidden state that they leave as it was.
    name, dtype, trainable
        As in `keras.layers.Layer`.
    **cell
        The other parameters of `rnn_course.cells.Cell`: activation, use_bias, the initializers, regularizers and
        constraints, learn_initial_state.

    Raises
    ------
    ValueError
        If ``units`` is not a positive integer, or if an argument is unknown.
    """

    def __init__(
        self,
        units,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        zero_output_for_mask=False,
        name=None,
        dtype=None,
        trainable=True,
        **cell,
    ):
        super().__init__(
            SimpleRNNCell(units, name="simple_rnn_cell", dtype=dtype, trainable=trainable, **cell),
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            zero_output_for_mask=zero_output_for_mask,
            name=name,
            dtype=dtype,
            trainable=trainable,
        )

    def get_config(self):
        config = super().get_config()
        cell = config.pop("cell")["config"]
        return {**{k: v for k, v in cell.items() if k not in ("name", "dtype", "trainable", "build_config")}, **config}

    @classmethod
    def from_config(cls, config):
        return cls(**config)
