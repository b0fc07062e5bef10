r"""Linear recurrences: recurrent layers that a parallel scan can run.

A simple network's step has a tanh round it, so step t must wait for step t-1. Take the tanh away, and let gates look at
the input alone:

.. math:: h_t = a_t \odot h_{t-1} + b_t

where a_t and b_t are known for all t at once. Two steps in a row are one step of the same form,

.. math:: h_t = (a_t a_{t-1}) \odot h_{t-2} + (a_t b_{t-1} + b_t),

so neighbors can be joined two by two, then four by four: about 2 log2(T) rounds in place of T steps (Blelloch, 1990,
Prefix sums and their applications; Martin and Cundy, 2018, Parallelizing linear recurrent neural nets over sequence
length, ICLR). `linear_scan` computes it either way, `MinGRU`, `MinLSTM` and `LRU` say what a_t and b_t are.

Numbers are real, or complex and kept as two real arrays, because a layer's dtype and gradients are those of real arrays
on every backend. Inside this module a number is therefore a tuple: ``(x,)``, or ``(real, imaginary)``.
"""

import math

import keras
from keras import ops

from rnn_course.cell_base import product
from rnn_course.checks import positive

SCANS = ("auto", "loop", "parallel")


# --- the recurrence ---------------------------------------------------------------------------------------------------


def linear_scan(a, b, initial_state, scan="auto"):
    r"""All states of :math:`h_t = a_t \odot h_{t-1} + b_t`, with a gradient of its own.

    The derivative obeys the same recurrence, from the last step to the first, so the same scan computes it. With
    :math:`\delta_t`, the loss's derivative by :math:`h_t` through this and all later steps,

    .. math::

       \delta_t = \frac{\partial L}{\partial h_t} + \bar a_{t+1} \odot \delta_{t+1},
       \qquad \frac{\partial L}{\partial b_t} = \delta_t,
       \qquad \frac{\partial L}{\partial a_t} = \delta_t \odot \bar h_{t-1}

    (the bar is the complex conjugate; of a real number, the number itself).

    Parameters
    ----------
    a, b : tensor, shape (T, B, H), or tuple of two
        The coefficients, time first; complex ones as a tuple of the real and the imaginary parts.
    initial_state : tensor, shape (B, H), or tuple of two
        :math:`h_0`.
    scan : {"auto", "loop", "parallel"}
        ``"loop"`` takes one step after the other. ``"parallel"`` is `keras.ops.associative_scan`; on TensorFlow it
        needs a known T and, in models, Keras 3.15, and XLA cannot compile it. ``"auto"`` is ``"parallel"`` on a GPU
        with JAX or PyTorch, which has not been measured, and ``"loop"`` elsewhere: on one CPU core, forward and
        backward, at lengths from 64 to 4,096, the loop took less time than the parallel scan on every backend.

    Returns
    -------
    tensor, shape (T, B, H), or tuple of two
        :math:`h_1, \dots, h_T`.

    Raises
    ------
    ValueError
        If ``scan`` is unknown, or is ``"parallel"`` on TensorFlow where T is unknown.
    """
    if not isinstance(b, tuple):
        return linear_scan((a,), (b,), (initial_state,), scan)[0]
    run = parallel if chosen(scan) == "parallel" else loop
    first = plus(times(at(a, slice(1)), initial_state), at(b, slice(1)))  # so that the scan itself may start from zero
    b = tuple(ops.concatenate([start, x[1:]], axis=0) for start, x in zip(first, b))

    # Everything that needs a gradient is an argument, and one tensor comes out: PyTorch's backend allows no more.
    @ops.custom_gradient
    def states(*coefficients):
        a, b = coefficients[: len(coefficients) // 2], coefficients[len(coefficients) // 2 :]
        h = run(a, b)

        def gradient(*args, upstream=None):
            dh = tuple(ops.unstack(args[0] if upstream is None else upstream, len(h)))
            next_a = tuple(ops.concatenate([x[1:], ops.zeros_like(x[:1])], axis=0) for x in a)
            previous_h = tuple(ops.concatenate([ops.zeros_like(x[:1]), x[:-1]], axis=0) for x in h)
            delta = run(conjugate(next_a), dh, reverse=True)
            return *times(delta, conjugate(previous_h)), *delta

        return ops.stack(h), gradient

    return tuple(ops.unstack(states(*a, *b), len(b)))


def loop(a, b, reverse=False):
    """The states, one step after the other, from zero."""

    def step(h, t):
        h = plus(times(at(a, t), h), at(b, t))
        return h, h

    steps = ops.arange(ops.shape(b[0])[0], dtype="int32")
    return ops.scan(step, tuple(ops.zeros_like(x[0]) for x in b), steps, reverse=reverse)[1]


def parallel(a, b, reverse=False):
    """The states, by joining neighboring steps until one is left, from zero."""
    if keras.backend.backend() == "tensorflow" and b[0].shape[0] is None:
        raise ValueError(
            "`scan='parallel'` needs a known number of steps on TensorFlow; received an unknown one. Give the input's "
            "shape as (steps, features), or choose scan='loop'."
        )

    if b[0].shape[0] == 1:  # nothing to join, which Keras 3.6 does not see on TensorFlow
        return b

    def join(earlier, later):
        return times(earlier[0], later[0]), plus(times(later[0], earlier[1]), later[1])

    _, h = ops.associative_scan(join, (a, b), reverse=reverse)
    return tuple(ops.reshape(x, ops.shape(y)) for x, y in zip(h, b))  # TensorFlow has lost the shape


def chosen(scan):
    """The scan that ``scan`` stands for on this machine."""
    if scan not in SCANS:
        raise ValueError(f"`scan` must be one of {SCANS}; received scan={scan!r}.")
    if scan != "auto":
        return scan
    backend = keras.backend.backend()
    on_gpu = (backend == "torch" and ops.zeros(()).device.type != "cpu") or (
        backend == "jax" and not keras.distribution.list_devices()[0].startswith("cpu")
    )
    return "parallel" if on_gpu else "loop"


def times(a, b):
    if len(b) == 1:
        return (a[0] * b[0],)
    (a_re, a_im), (b_re, b_im) = a, b
    return a_re * b_re - a_im * b_im, a_re * b_im + a_im * b_re


def plus(a, b):
    return tuple(x + y for x, y in zip(a, b))


def conjugate(a):
    return (a[0], *(-im for im in a[1:]))


def at(a, t):
    return tuple(x[t] for x in a)


# --- the cells --------------------------------------------------------------------------------------------------------


class LinearCell(keras.layers.Layer):
    """What the cells share; a subclass states ``coefficients``, and its ``output`` if that is not the state.

    Parameters
    ----------
    units : int
        Number of outputs, H.
    **kwargs
        ``name``, ``dtype`` and ``trainable``, as in `keras.layers.Layer`. In mixed precision the products with the
        weights are computed in half precision, the recurrence in float32.

    Raises
    ------
    ValueError
        If ``units`` is not a positive whole number.
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        positive(units=units)
        self.units = self.output_size = self.state_size = units

    @property
    def scan_dtype(self):
        return "float32" if self.compute_dtype in ("float16", "bfloat16") else self.compute_dtype

    def call(self, inputs, states):
        """One time step: inputs (B, D) and a list of states (B, H) to the output (B, H) and the list of new states."""
        a, b = self.coefficients(inputs)
        states = plus(times(a, tuple(ops.cast(s, self.scan_dtype) for s in states)), b)
        return self.output(states, inputs), [ops.cast(s, self.compute_dtype) for s in states]

    def output(self, states, inputs):
        """The output (..., H) that belongs to the states."""
        return ops.cast(states[0], self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class MinimalCell(LinearCell):
    """A cell whose gates and candidate are each a dense layer of the input; a subclass says how many there are.

    Parameters
    ----------
    units : int
        Number of hidden units, H.
    use_bias : bool
        Whether the gates and the candidate have a bias.
    kernel_initializer, bias_initializer : str or keras.initializers.Initializer
        How the weights start.
    **kwargs
        As in `LinearCell`.
    """

    gates = 2  # blocks of H columns in the kernel, the candidate's being the last

    def __init__(self, units, use_bias=True, kernel_initializer="glorot_uniform", bias_initializer="zeros", **kwargs):
        super().__init__(units, **kwargs)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)

    def build(self, input_shape):
        shape = (input_shape[-1], self.gates * self.units)
        self.kernel = self.add_weight(shape=shape, name="kernel", initializer=self.kernel_initializer)
        self.bias = 0
        if self.use_bias:
            self.bias = self.add_weight(shape=shape[1:], name="bias", initializer=self.bias_initializer)

    def sums(self, inputs):
        """The gates' sums before their activations, and the candidate: arrays of shape (..., H)."""
        sums = product(inputs, self.kernel) + self.bias
        return ops.split(ops.cast(sums, self.scan_dtype), self.gates, axis=-1)

    def get_config(self):
        return {
            **super().get_config(),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
        }


@keras.saving.register_keras_serializable("rnn_course")
class MinGRUCell(MinimalCell):
    r"""The minimal GRU: a GRU without the reset gate, whose update gate and candidate see the input alone.

    .. math::

       z_t &= \sigma(W_z x_t + b_z) \\
       \tilde h_t &= W_h x_t + b_h \\
       h_t &= (1 - z_t) \odot h_{t-1} + z_t \odot \tilde h_t

    ``kernel`` (D, 2H) holds W_z and W_h side by side, ``bias`` (2H,) their biases: 2H(D + 1) parameters. This is
    section 3.1 of the paper. Its appendix B passes the candidate through a function g that makes it positive, as it
    computes with logarithms; the scan here does not, so the candidate may have any sign and needs no g.

    The parameters of the constructor are those of `MinimalCell`.

    References
    ----------
    L. Feng, F. Tung, M. O. Ahmed, Y. Bengio and H. Hajimirsadeghi (2024), Were RNNs all we needed? arXiv:2410.01201.
    """

    def coefficients(self, inputs):
        """a_t and b_t of the inputs (..., D)."""
        z, candidate = self.sums(inputs)
        z = ops.sigmoid(z)
        return (1 - z,), (z * candidate,)


@keras.saving.register_keras_serializable("rnn_course")
class MinLSTMCell(MinimalCell):
    r"""The minimal LSTM: an input and a forget gate that see the input alone, and together let through just 1.

    .. math::

       i_t &= \sigma(W_i x_t + b_i), \qquad f_t = \sigma(W_f x_t + b_f) \\
       i'_t &= \frac{i_t}{f_t + i_t}, \qquad f'_t = \frac{f_t}{f_t + i_t} \\
       \tilde h_t &= W_h x_t + b_h \\
       h_t &= f'_t \odot h_{t-1} + i'_t \odot \tilde h_t

    ``kernel`` (D, 3H) holds W_i, W_f and W_h side by side, ``bias`` (3H,) their biases: 3H(D + 1) parameters. This is
    section 3.2 of the paper; as in `MinGRUCell`, the candidate needs no g.

    The parameters of the constructor are those of `MinimalCell`.

    References
    ----------
    L. Feng, F. Tung, M. O. Ahmed, Y. Bengio and H. Hajimirsadeghi (2024), Were RNNs all we needed? arXiv:2410.01201.
    """

    gates = 3

    def coefficients(self, inputs):
        """a_t and b_t of the inputs (..., D)."""
        i, f, candidate = self.sums(inputs)
        forget = ops.sigmoid(ops.log_sigmoid(f) - ops.log_sigmoid(i))  # f / (f + i), also where both underflow to 0
        return (forget,), ((1 - forget) * candidate,)


@keras.saving.register_keras_serializable("rnn_course")
class LRUCell(LinearCell):
    r"""The linear recurrent unit: a complex state whose entries each turn and shrink at a rate of their own.

    .. math::

       h_t &= \lambda \odot h_{t-1} + \gamma \odot B x_t, \qquad \lambda = \exp(-e^\nu + i e^\theta) \\
       y_t &= \operatorname{Re}(C h_t) + D x_t

    The form of λ keeps its modulus below 1, so the state cannot explode. The λ start spread evenly over a ring in the
    complex plane, and :math:`\gamma = \sqrt{1 - |\lambda|^2}` makes the state as large as its inputs; γ is then learnt,
    as its logarithm. With N complex states there are 3N of ``nu``, ``theta`` and ``gamma``; 2DN of ``kernel``, the real
    and the imaginary part of B side by side; 2NH of ``output_kernel``, those of C one above the other; and DH of
    ``skip_kernel``, the paper's matrix D: 3N + 2N(D + H) + DH parameters.

    Parameters
    ----------
    units : int
        Number of outputs, H.
    state_units : int, optional
        Number of complex states, N; as many as ``units`` if not given.
    r_min, r_max : float
        Inner and outer radius of the ring, 0 <= r_min < r_max <= 1. Long sequences want r_min near 1.
    max_phase : float
        Largest angle of λ at the start, in radians, over 0 and up to 2π. Long sequences want a small one.
    **kwargs
        As in `LinearCell`.

    Raises
    ------
    ValueError
        If an argument is outside of its range.

    References
    ----------
    A. Orvieto, S. L. Smith, A. Gu, A. Fernando, C. Gulcehre, R. Pascanu and S. De (2023), Resurrecting recurrent neural
    networks for long sequences. ICML, arXiv:2303.06349.
    """

    def __init__(self, units, state_units=None, r_min=0.0, r_max=1.0, max_phase=2 * math.pi, **kwargs):
        super().__init__(units, **kwargs)
        if not 0 <= r_min < r_max <= 1:
            raise ValueError(f"Radii must be 0 <= `r_min` < `r_max` <= 1; received r_min={r_min}, r_max={r_max}.")
        if not 0 < max_phase <= 2 * math.pi:
            raise ValueError(f"`max_phase` must be over 0 and at most 2π; received max_phase={max_phase}.")
        self.state_units = units if state_units is None else state_units
        positive(state_units=self.state_units)
        self.state_size = [self.state_units, self.state_units]
        self.r_min, self.r_max, self.max_phase = r_min, r_max, max_phase

    def build(self, input_shape):
        D, N, H = input_shape[-1], self.state_units, self.units

        def modulus(shape, dtype=None):  # uniform in area over the ring, so uniform in the square of the radius
            square = keras.initializers.RandomUniform(self.r_min**2, self.r_max**2)(shape, dtype)
            return ops.log(-0.5 * ops.log(ops.clip(square, 1e-7, 1 - 1e-7)))

        def phase(shape, dtype=None):
            return ops.log(keras.initializers.RandomUniform(1e-7, self.max_phase)(shape, dtype))

        def normalization(shape, dtype=None):
            return 0.5 * ops.log(-ops.expm1(-2 * ops.exp(ops.cast(self.nu, dtype))))

        def normal(scale):  # of variance scale / rows
            return keras.initializers.VarianceScaling(scale, "fan_in", "untruncated_normal")

        # Not cast to half precision: it could not tell 0.9999 from 1.
        self.nu = self.add_weight(shape=(N,), name="nu", initializer=modulus, autocast=False)
        self.theta = self.add_weight(shape=(N,), name="theta", initializer=phase, autocast=False)
        self.gamma = self.add_weight(shape=(N,), name="gamma", initializer=normalization, autocast=False)
        self.kernel = self.add_weight(shape=(D, 2 * N), name="kernel", initializer=normal(0.5))
        self.output_kernel = self.add_weight(shape=(2 * N, H), name="output_kernel", initializer=normal(2.0))
        self.skip_kernel = self.add_weight(shape=(D, H), name="skip_kernel", initializer=normal(1.0))

    def coefficients(self, inputs):
        """a_t and b_t of the inputs (..., D), each as its real and its imaginary part."""
        nu, theta, gamma = (ops.cast(w, self.scan_dtype) for w in (self.nu, self.theta, self.gamma))
        modulus, phase = ops.exp(-ops.exp(nu)), ops.exp(theta)
        b = ops.split(ops.cast(product(inputs, self.kernel), self.scan_dtype), 2, axis=-1)
        b = tuple(ops.exp(gamma) * part for part in b)
        turn = (ops.cast(part, self.scan_dtype) for part in (ops.cos(phase), ops.sin(phase)))  # float32 on JAX
        return tuple(modulus * part + ops.zeros_like(b[0]) for part in turn), b

    def output(self, states, inputs):
        """y_t (..., H) of the states (..., N) and the inputs (..., D)."""
        states = ops.cast(ops.concatenate(conjugate(states), axis=-1), self.compute_dtype)
        return product(states, self.output_kernel) + product(inputs, self.skip_kernel)

    def get_config(self):
        own = {name: getattr(self, name) for name in ("state_units", "r_min", "r_max", "max_phase")}
        return {**super().get_config(), **own}


# --- the layers -------------------------------------------------------------------------------------------------------


class LinearRNN(keras.layers.RNN):
    """A linear cell over time, by `linear_scan`.

    Inputs have shape (B, T, D). The output is the last one (B, H), or all of them (B, T, H).

    Parameters
    ----------
    units : int
        Number of outputs, H.
    scan : {"auto", "loop", "parallel"}
        How the recurrence is computed, as in `linear_scan`; the numbers are the same.
    return_sequences : bool
        Whether to return every output, rather than the last.
    return_state : bool
        Whether to return the final states as well: one array (B, H); in an `LRU` two, (B, N), real and imaginary part.
    go_backwards : bool
        Whether to read the sequence from its end.
    stateful : bool
        Whether a batch starts from the states in which the batch before ended.
    zero_output_for_mask : bool
        Whether padded steps put out zeros, rather than the output of the step before.
    activity_regularizer, name, dtype, trainable
        As in `keras.layers.Layer`.
    **cell
        The other parameters of the cell.

    Raises
    ------
    ValueError
        If an argument is unknown or outside of its range.
    """

    cell_type = None

    def __init__(
        self,
        units,
        scan="auto",
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        zero_output_for_mask=False,
        activity_regularizer=None,
        name=None,
        dtype=None,
        trainable=True,
        **cell,
    ):
        super().__init__(
            self.cell_type(units, dtype=dtype, trainable=trainable, **cell),
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            zero_output_for_mask=zero_output_for_mask,
            activity_regularizer=activity_regularizer,
            name=name,
            dtype=dtype,
            trainable=trainable,
        )
        self.scan = scan
        if chosen(scan) == "parallel" and keras.backend.backend() == "tensorflow":
            self.supports_jit = False  # associative_scan has branches, never taken, whose shapes XLA rejects

    def inner_loop(self, sequences, initial_state, mask, training=False):
        """Return the last output (B, H), all outputs (B, T, H) and the list of final states."""
        inputs = ops.transpose(sequences, (1, 0, 2))
        if mask is not None:
            mask = ops.cast(ops.transpose(mask)[:, :, None], self.cell.scan_dtype)
        if self.go_backwards:
            inputs, mask = ops.flip(inputs, axis=0), None if mask is None else ops.flip(mask, axis=0)
        a, b = self.cell.coefficients(inputs)
        if mask is not None:  # a = 1 and b = 0 leave the state as it was
            a, b = (mask * a[0] + (1 - mask), *(mask * im for im in a[1:])), tuple(mask * x for x in b)
            inputs = self.hold(inputs, mask)
        states = linear_scan(a, b, tuple(ops.cast(s, self.cell.scan_dtype) for s in initial_state), self.scan)
        outputs = self.cell.output(states, inputs)
        if mask is not None and self.zero_output_for_mask:
            outputs = outputs * ops.cast(mask, outputs.dtype)
        return outputs[-1], ops.transpose(outputs, (1, 0, 2)), [x[-1] for x in states]

    def hold(self, inputs, mask):
        """Inputs with each padded step's replaced by that of the last step that counts: a linear recurrence itself."""
        wide = ops.cast(inputs, mask.dtype)
        held = linear_scan(1 - mask + ops.zeros_like(wide), mask * wide, ops.zeros_like(wide[0]), self.scan)
        return ops.cast(held, inputs.dtype)

    def get_config(self):
        config = super().get_config()
        cell = config.pop("cell")["config"]
        del config["unroll"]
        own = {k: v for k, v in cell.items() if k not in ("name", "dtype", "trainable", "build_config")}
        return {**own, **config, "scan": self.scan}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable("rnn_course")
class MinGRU(LinearRNN):
    """`MinGRUCell` over time, by `linear_scan`. The parameters are those of `LinearRNN` and of the cell."""

    cell_type = MinGRUCell


@keras.saving.register_keras_serializable("rnn_course")
class MinLSTM(LinearRNN):
    """`MinLSTMCell` over time, by `linear_scan`. The parameters are those of `LinearRNN` and of the cell."""

    cell_type = MinLSTMCell


@keras.saving.register_keras_serializable("rnn_course")
class LRU(LinearRNN):
    """`LRUCell` over time, by `linear_scan`. The parameters are those of `LinearRNN` and of the cell."""

    cell_type = LRUCell
