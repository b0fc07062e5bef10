"""Recurrent cells: one time step forward, and the same step backward.

A cell is a Keras layer that turns an input and the previous states into an output and the next states. Each cell here
states two things, equation by equation:

``step``
    one step forward;
``step_gradient``
    the derivative of that step, worked out by hand.

`rnn_course.bptt` runs both over a whole sequence. Everything that is not an equation (weights, their initializers,
regularizers and constraints, the initial state, the configuration) is written once, in `Cell`.
"""

import keras
from keras import ops

# The activation's derivative, written with its *output* y, because that is what the forward pass keeps.
ACTIVATION_GRADIENTS = {
    "tanh": lambda y: 1 - y * y,
    "sigmoid": lambda y: y * (1 - y),
    "relu": lambda y: ops.cast(y > 0, y.dtype),
    "linear": ops.ones_like,
}


class Cell(keras.layers.Layer):
    """What every cell shares; a subclass adds ``step`` and ``step_gradient``.

    Parameters
    ----------
    units : int
        Number of hidden units, H.
    activation : str or callable
        Name of a Keras activation, or a function. A function has no hand-derived gradient: the layer then trains by
        automatic differentiation.
    use_bias : bool
        Whether the cell adds the bias b.
    kernel_initializer, recurrent_initializer, bias_initializer : str or keras.initializers.Initializer
        How W_x, W_h and b start.
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str, keras.regularizers.Regularizer or None
        Penalties on W_x, W_h and b.
    kernel_constraint, recurrent_constraint, bias_constraint : str, keras.constraints.Constraint or None
        Constraints on W_x, W_h and b.
    learn_initial_state : bool
        Whether the first hidden state h_0 is a weight that training changes. It is zero otherwise.
    **kwargs
        ``name``, ``dtype`` and ``trainable``, as in `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If ``units`` is not a positive integer, or if the inputs have no known number of features.
    """

    gates = 1  # blocks of H columns in the weights: 1 here, 4 in an LSTM, 3 in a GRU

    def __init__(
        self,
        units,
        activation="tanh",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        kernel_regularizer=None,
        recurrent_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        learn_initial_state=False,
        **kwargs,
    ):
        if isinstance(units, bool) or not isinstance(units, int) or units < 1:
            raise ValueError(
                f"`units`, the number of hidden units, must be a positive integer; received units={units!r}."
            )
        super().__init__(**kwargs)
        self.units = self.state_size = self.output_size = units
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = keras.regularizers.get(recurrent_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.recurrent_constraint = keras.constraints.get(recurrent_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)
        self.learn_initial_state = learn_initial_state

    def build(self, input_shape):
        features = input_shape[-1]
        if features is None:
            raise ValueError(
                f"The inputs' last axis, the features, must have a known size; received input_shape={input_shape}."
            )
        columns = self.gates * self.units
        self.kernel = self.add_weight(
            shape=(features, columns),
            name="kernel",
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, columns),
            name="recurrent_kernel",
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(columns,),
                name="bias",
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.initial_state = None
        if self.learn_initial_state:
            self.initial_state = self.add_weight(shape=(self.units,), name="initial_state", initializer="zeros")

    def get_initial_state(self, batch_size=None):
        """Return the first states, a list of one array of shape (B, H): zeros, or the learned h_0 in every row."""
        zeros = ops.zeros((batch_size, self.units), dtype=self.compute_dtype)
        if self.initial_state is None:
            return [zeros]
        return [zeros + ops.cast(self.initial_state, self.compute_dtype)]

    def weights_at(self, dtype):
        """Return (W_x, W_h, b) as tensors of ``dtype``; b is zero where the cell has none."""
        bias = ops.zeros((self.gates * self.units,)) if self.bias is None else self.bias
        return tuple(ops.cast(ops.convert_to_tensor(w), dtype) for w in (self.kernel, self.recurrent_kernel, bias))

    def call(self, inputs, states, training=False):
        """One time step: inputs (B, D) and a list of states (B, H) to the output (B, H) and the list of new states."""
        W_x, W_h, b = self.weights_at(inputs.dtype)
        states, _ = self.step(ops.matmul(inputs, W_x) + b, tuple(states), W_h)
        return states[0], list(states)

    @property
    def has_step_gradient(self):
        """Whether ``step_gradient`` is there for this cell and activation."""
        return hasattr(self, "step_gradient") and self.activation_name in ACTIVATION_GRADIENTS

    @property
    def activation_name(self):
        """The activation's Keras name, or None for a function that Keras does not know by name."""
        name = getattr(self.activation, "__name__", None)
        return name if getattr(keras.activations, name or "", None) is self.activation else None

    def get_config(self):
        parts = ("kernel", "recurrent", "bias")
        return {
            **super().get_config(),
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            **{f"{p}_initializer": keras.initializers.serialize(getattr(self, f"{p}_initializer")) for p in parts},
            **{f"{p}_regularizer": keras.regularizers.serialize(getattr(self, f"{p}_regularizer")) for p in parts},
            **{f"{p}_constraint": keras.constraints.serialize(getattr(self, f"{p}_constraint")) for p in parts},
            "learn_initial_state": self.learn_initial_state,
        }


@keras.saving.register_keras_serializable("rnn_course")
class SimpleRNNCell(Cell):
    r"""The simple recurrent cell, equation ``neuron-state`` of the book (Elman, 1990).

    .. math:: h_t = \tanh(W_x x_t + W_h h_{t-1} + b)

    It has one state, the hidden state, which is its output too. Arrays hold one example a row, so the code multiplies
    from the left (``x @ W_x``), with ``kernel`` W_x of shape (D, H), ``recurrent_kernel`` W_h of shape (H, H) and
    ``bias`` b of shape (H,): D·H + H·H + H parameters.

    The parameters of the constructor are those of `Cell`.

    References
    ----------
    J. L. Elman (1990), Finding structure in time. Cognitive Science 14(2), 179-211.
    """

    def step(self, x_part, states, W_h):
        r"""One step forward.

        Parameters
        ----------
        x_part : tensor, shape (B, H)
            The input's share of the sum, :math:`W_x x_t + b`.
        states : tuple of one tensor, shape (B, H)
            :math:`h_{t-1}`.
        W_h : tensor, shape (H, H)
            The recurrent weights.

        Returns
        -------
        states : tuple of one tensor, shape (B, H)
            :math:`h_t`.
        saved : tuple of one tensor, shape (B, H)
            What ``step_gradient`` needs: :math:`h_t`.
        """
        (h,) = states
        h = self.activation(x_part + ops.matmul(h, W_h))
        return (h,), (h,)

    def step_gradient(self, d_states, saved, W_h):
        r"""The same step backward, by the chain rule.

        With :math:`a_t = W_x x_t + W_h h_{t-1} + b` and :math:`h_t = \tanh a_t`:

        .. math::

           \frac{\partial L}{\partial a_t} = \frac{\partial L}{\partial h_t} \odot (1 - h_t^2),
           \qquad
           \frac{\partial L}{\partial h_{t-1}} = W_h^\top \frac{\partial L}{\partial a_t}

        Parameters
        ----------
        d_states : tuple of one tensor, shape (B, H)
            :math:`\partial L / \partial h_t`.
        saved : tuple of one tensor, shape (B, H)
            What ``step`` kept.
        W_h : tensor, shape (H, H)
            The recurrent weights.

        Returns
        -------
        d_states : tuple of one tensor, shape (B, H)
            :math:`\partial L / \partial h_{t-1}`.
        d_sum : tensor, shape (B, H)
            :math:`\partial L / \partial a_t`.
        """
        (dh,), (h,) = d_states, saved
        da = dh * ACTIVATION_GRADIENTS[self.activation_name](h)
        return (ops.matmul(da, ops.transpose(W_h)),), da
