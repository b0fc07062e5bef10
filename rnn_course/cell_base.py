"""What every recurrent cell shares: weights, dropout, initial states, configuration. `rnn_course.cells` has the
equations."""

from typing import NamedTuple

import keras
from keras import ops

from rnn_course.checks import positive

# The activation's derivative, written with its *output* y, because that is what the forward pass keeps.
ACTIVATION_GRADIENTS = {
    "tanh": lambda y: 1 - y * y,
    "sigmoid": lambda y: y * (1 - y),
    "relu": lambda y: ops.cast(y > 0, y.dtype),
    "hard_sigmoid": lambda y: ops.cast((y > 0) & (y < 1), y.dtype) / 6,
    "linear": ops.ones_like,
}

PARTS = ("kernel", "recurrent", "bias")


class Cell(keras.layers.Layer):
    """What every cell shares; a subclass adds its equations.

    A subclass defines ``step``, one time step forward. That is enough: it then trains by automatic differentiation.
    With ``step_gradient`` and ``weight_gradients``, the same step backward, `rnn_course.bptt` trains it.

    Parameters
    ----------
    units : int
        Number of hidden units, H.
    activation : str or callable
        Name of a Keras activation, or a function. One that is not in ``ACTIVATION_GRADIENTS`` has no hand-derived
        gradient: the layer then trains by automatic differentiation.
    use_bias : bool
        Whether the cell adds the bias b.
    kernel_initializer, recurrent_initializer, bias_initializer : str or keras.initializers.Initializer
        How W_x, W_h and b start.
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str, keras.regularizers.Regularizer or None
        Penalties on W_x, W_h and b.
    kernel_constraint, recurrent_constraint, bias_constraint : str, keras.constraints.Constraint or None
        Constraints on W_x, W_h and b.
    dropout, recurrent_dropout : float
        Share of the inputs, and of the previous hidden state, that is set to zero during training, in [0, 1). A
        sequence draws its mask once, for all time steps (Gal and Ghahramani, 2016). With ``recurrent_dropout`` each
        gate has masks of its own, as in Keras.
    seed : int, optional
        Makes the masks repeatable.
    learn_initial_state : bool
        Whether the first states are weights that training changes. They are zero otherwise.
    **kwargs
        ``name``, ``dtype`` and ``trainable``, as in `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If ``units`` is not a positive whole number, if a dropout rate is not in [0, 1), or if the inputs have no known
        number of features.

    References
    ----------
    Y. Gal and Z. Ghahramani (2016), A theoretically grounded application of dropout in recurrent neural networks. NIPS.
    """

    gates = 1  # blocks of H columns in the weights: 1 here, 4 in an LSTM, 3 in a GRU
    state_names = ("initial_state",)  # of the learned first states

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
        dropout=0.0,
        recurrent_dropout=0.0,
        seed=None,
        learn_initial_state=False,
        **kwargs,
    ):
        positive(units=units)
        super().__init__(**kwargs)
        self.units = self.output_size = units
        self.state_size = units if len(self.state_names) == 1 else [units] * len(self.state_names)
        self.activation = activation_for(self.compute_dtype, activation)
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
        self.dropout = rate("dropout", dropout)
        self.recurrent_dropout = rate("recurrent_dropout", recurrent_dropout)
        self.seed = seed
        self.seed_generator = HeldSeed(seed)
        self.learn_initial_state = learn_initial_state

    # --- weights ------------------------------------------------------------------------------------------------------

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
                shape=self.bias_shape,
                name="bias",
                initializer=self.first_bias,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.initial_states = []
        if self.learn_initial_state:
            self.initial_states = [
                self.add_weight(shape=(self.units,), name=name, initializer="zeros") for name in self.state_names
            ]

    @property
    def bias_shape(self):
        return (self.gates * self.units,)

    def first_bias(self, shape, dtype=None):
        """The bias before training."""
        return self.bias_initializer(shape, dtype=dtype)

    def step_weights(self):
        """The weights that ``step`` takes, in its order: W_h and b; a missing b is zero."""
        bias = ops.zeros(self.bias_shape) if self.bias is None else ops.convert_to_tensor(self.bias)
        return ops.convert_to_tensor(self.recurrent_kernel), bias

    def weights_at(self, dtype):
        """Return W_x and the tuple of ``step``'s own weights, as tensors of ``dtype``."""
        W_x, *weights = (ops.cast(w, dtype) for w in (ops.convert_to_tensor(self.kernel), *self.step_weights()))
        return W_x, tuple(weights)

    # --- running ------------------------------------------------------------------------------------------------------

    def get_initial_state(self, batch_size=None):
        """Return the first states, a list of arrays of shape (B, H): zeros, or the learned ones in every row."""
        self.begin_sequence()  # Keras's layers ask for the first states once a sequence
        zeros = [ops.zeros((batch_size, self.units), dtype=self.compute_dtype) for _ in self.state_names]
        return [z + ops.cast(s, z.dtype) for z, s in zip(zeros, self.initial_states)] or zeros

    def begin_sequence(self):
        """Have new dropout masks from here on."""
        if self.dropout or self.recurrent_dropout:
            self.seed_generator.advance()

    def call(self, inputs, states, training=False):
        """One time step: inputs (B, D) and a list of states (B, H) to the output (B, H) and the list of new states."""
        W_x, weights = self.weights_at(inputs.dtype)
        if training and (self.dropout or self.recurrent_dropout):
            input_masks, state_masks = self.dropout_masks(inputs)
            W_x = Dropped(input_masks, ops.split(W_x, len(input_masks), axis=-1))
            W_h = Dropped(state_masks, ops.split(weights[0], len(state_masks), axis=-1))
            weights = (W_h, *weights[1:])
        states, _ = self.step(project(inputs, W_x), tuple(states), weights)
        return states[0], list(states)

    def dropout_masks(self, inputs):
        """Draw the masks of the inputs (B, D) and of the hidden state (B, H): a list of one each, or of one a gate.

        They stay the same until the next sequence: see `HeldSeed`.
        """
        count = self.gates if self.masks_per_gate else 1
        widths = (inputs.shape[-1], self.units)
        noise = keras.random.uniform((ops.shape(inputs)[0], count * sum(widths)), seed=self.seed_generator)
        parts = noise[:, : count * widths[0]], noise[:, count * widths[0] :]
        rates = self.dropout, self.recurrent_dropout
        return [
            ops.split(ops.cast(part >= rate, inputs.dtype) / (1 - rate), count, axis=-1)
            for part, rate in zip(parts, rates)
        ]

    @property
    def masks_per_gate(self):
        """Whether each gate has dropout masks of its own."""
        return self.gates > 1 and self.recurrent_dropout > 0

    @property
    def activations(self):
        """The activations whose derivatives ``step_gradient`` needs."""
        return (self.activation,)

    @property
    def has_step_gradient(self):
        """Whether ``step`` can be differentiated by hand: its class states how, and so for these activations.

        A subclass that changes ``step`` alone has none: the gradient that it inherits is that of another step.
        """
        order = [vars(c) for c in type(self).__mro__]
        step, *gradients = (
            next((i for i, names in enumerate(order) if name in names), len(order))
            for name in ("step", "step_gradient", "weight_gradients")
        )
        return max(gradients) <= step and all(activation_name(a) in ACTIVATION_GRADIENTS for a in self.activations)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            **{f"{p}_initializer": keras.initializers.serialize(getattr(self, f"{p}_initializer")) for p in PARTS},
            **{f"{p}_regularizer": keras.regularizers.serialize(getattr(self, f"{p}_regularizer")) for p in PARTS},
            **{f"{p}_constraint": keras.constraints.serialize(getattr(self, f"{p}_constraint")) for p in PARTS},
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
            "learn_initial_state": self.learn_initial_state,
        }


def derivative(activation, y):
    """The activation's derivative, from its output ``y``."""
    return ACTIVATION_GRADIENTS[activation_name(activation)](y)


def activation_name(activation):
    """The activation's Keras name, or None for a function that Keras does not know by name."""
    name = getattr(activation, "__name__", "")
    return name if activation is tanh or getattr(keras.activations, name, None) is activation else None


@keras.saving.register_keras_serializable("rnn_course")
def tanh(x):
    """The hyperbolic tangent by the sigmoid, for float64 on JAX, where `keras.ops.tanh` returns float32 (Keras
    3.15)."""
    return 2 * ops.sigmoid(2 * x) - 1


def activation_for(dtype, activation):
    """The activation of that name, or that function, fit to compute in ``dtype``."""
    activation = keras.activations.get(activation)
    needs_ours = activation is keras.activations.tanh and dtype == "float64" and keras.backend.backend() == "jax"
    return tanh if needs_ours else activation


def project(x, W):
    """x W: the inputs' or the state's share of the sums inside the activations.

    ``W`` is a matrix, or `Dropped`: then each gate sees ``x`` through its own dropout mask.
    """
    if not isinstance(W, Dropped):
        return x @ W
    return ops.concatenate([(x * mask) @ gate for mask, gate in zip(W.masks, W.by_gate)], axis=-1)


def product(x, W):
    """x W, (..., I) and (I, J) to (..., J), as one product: TensorFlow's gradient of a batch of products is slow."""
    rows = ops.reshape(x, (-1, x.shape[-1])) @ W
    return ops.reshape(rows, (*ops.shape(x)[:-1], W.shape[-1]))


def gates_of(W, gates, start, stop):
    """The columns of ``W`` that belong to gates ``start`` to ``stop``, of ``gates`` in all; ``W`` as in `project`."""
    if isinstance(W, Dropped):
        return Dropped(W.masks[start:stop], W.by_gate[start:stop])
    units = W.shape[-1] // gates
    return W[:, start * units : stop * units]


class Dropped(NamedTuple):
    """A weight matrix split by gate, each part with the dropout mask of what it multiplies."""

    masks: list
    by_gate: list


class HeldSeed(keras.random.SeedGenerator):
    """A seed that stays the same until `advance`, so that every time step of a sequence draws the same dropout mask."""

    def next(self, ordered=True):
        return ops.convert_to_tensor(self.state)

    def advance(self):
        super().next()


def rate(name, value):
    """Return a dropout rate, or raise."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1:
        raise ValueError(f"`{name}` must be a number in [0, 1), the share that is dropped; received {name}={value!r}.")
    return value
