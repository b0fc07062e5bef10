r"""Recurrent cells: one time step forward, and the same step backward, equation by equation.

A cell is a Keras layer that turns an input and the previous states into an output and the next states. Each one here
states

``step``
    one step forward;
``step_gradient``
    the derivative of that step, worked out by hand: from the loss's derivatives by the new states to those by the
    previous states and by the sums inside the activations;
``weight_gradients``
    the weights' gradients from those, summed over the examples, and over the time steps where arrays hold several.

`rnn_course.bptt` runs them over a whole sequence. What is not an equation is in `rnn_course.cell_base.Cell`.

Arrays hold one example a row, so the code multiplies from the left (``x @ W_x``). :math:`\delta` with a name stands
for the loss's derivative by what has that name, :math:`\odot` for the product of entries.
"""

import keras
from keras import ops

from rnn_course.cell_base import Cell, activation_for, derivative, gates_of, project

__all__ = [
    "Cell",
    "GRUCell",
    "GatedCell",
    "LSTMCell",
    "LayerNormLSTMCell",
    "LayerNormSimpleRNNCell",
    "PeepholeLSTMCell",
    "SimpleRNNCell",
]


def product_sum(left, right):
    """Sum of left_i right_j over the examples (and steps): (..., I) and (..., J) to (I, J)."""
    left, right = (ops.reshape(a, (-1, a.shape[-1])) for a in (left, right))
    return ops.transpose(left) @ right


def total(a):
    """Sum over the examples (and steps): (..., N) to (N,)."""
    return ops.sum(a, axis=tuple(range(len(a.shape) - 1)))


@keras.saving.register_keras_serializable("rnn_course")
class SimpleRNNCell(Cell):
    r"""The simple recurrent cell, equation ``neuron-state`` of the book (Elman, 1990).

    .. math:: h_t = \tanh(W_x x_t + W_h h_{t-1} + b)

    It has one state, the hidden state, which is its output too. ``kernel`` W_x has shape (D, H),
    ``recurrent_kernel`` W_h (H, H) and ``bias`` b (H,): D·H + H·H + H parameters.

    The parameters of the constructor are those of `Cell`.

    References
    ----------
    J. L. Elman (1990), Finding structure in time. Cognitive Science 14(2), 179-211.
    """

    def step(self, x_part, states, weights):
        r"""One step forward.

        Parameters
        ----------
        x_part : tensor, shape (B, H)
            The input's share of the sum, :math:`W_x x_t`.
        states : tuple of one tensor, shape (B, H)
            :math:`h_{t-1}`.
        weights : tuple of tensors
            :math:`W_h` (H, H) and :math:`b` (H,).

        Returns
        -------
        states : tuple of one tensor, shape (B, H)
            :math:`h_t`.
        saved : tuple of two tensors, shape (B, H)
            What the backward pass needs: :math:`h_{t-1}` and :math:`h_t`.
        """
        (h,), (W_h, b) = states, weights
        h_new = self.activation(x_part + project(h, W_h) + b)
        return (h_new,), (h, h_new)

    def step_gradient(self, d_states, saved, weights):
        r"""The same step backward, by the chain rule.

        With :math:`a_t = W_x x_t + W_h h_{t-1} + b` and :math:`h_t = \tanh a_t`:

        .. math::

           \delta a_t = \delta h_t \odot (1 - h_t^2), \qquad \delta h_{t-1} = W_h^\top \, \delta a_t

        Parameters
        ----------
        d_states : tuple of one tensor, shape (B, H)
            :math:`\delta h_t`.
        saved, weights : tuples of tensors
            What ``step`` saved, and the weights that it used.

        Returns
        -------
        d_states : tuple of one tensor, shape (B, H)
            :math:`\delta h_{t-1}`.
        d_sums : tuple of one tensor, shape (B, H)
            :math:`\delta a_t`, which is the derivative by ``x_part`` too.
        """
        (dh,), (_, h_new), (W_h, _) = d_states, saved, weights
        da = dh * derivative(self.activation, h_new)
        return (da @ ops.transpose(W_h),), (da,)

    def weight_gradients(self, saved, d_sums):
        r"""Gradients of W_h and b: :math:`\sum_t \delta a_t \, h_{t-1}^\top` and :math:`\sum_t \delta a_t`."""
        (h, _), (da,) = saved, d_sums
        return product_sum(h, da), total(da)


@keras.saving.register_keras_serializable("rnn_course")
class LayerNormSimpleRNNCell(SimpleRNNCell):
    r"""A simple cell with layer normalization (Ba et al., 2016, equation 4).

    .. math::

       a_t = W_x x_t + W_h h_{t-1}, \qquad
       \hat a_t = \frac{a_t - \operatorname{mean}(a_t)}{\sqrt{\operatorname{var}(a_t) + \epsilon}}, \qquad
       h_t = \tanh(\gamma \odot \hat a_t + b)

    Mean and variance are taken over the H units of one example at one step, so that no statistics have to be kept for
    different steps. Beside the simple cell's weights there is ``gain`` γ of shape (H,), which starts at 1.

    Parameters
    ----------
    units : int
        Number of hidden units, H.
    epsilon : float
        Added to the variance.
    **kwargs
        The other parameters of `Cell`.

    References
    ----------
    J. L. Ba, J. R. Kiros and G. E. Hinton (2016), Layer normalization. arXiv:1607.06450.
    """

    def __init__(self, units, *args, epsilon=1e-5, **kwargs):
        super().__init__(units, *args, **kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        super().build(input_shape)
        self.gain = self.add_weight(shape=(self.units,), name="gain", initializer="ones")

    def step_weights(self):
        return *super().step_weights(), ops.convert_to_tensor(self.gain)

    def step(self, x_part, states, weights):
        """One step forward, with the weights W_h (H, H), b (H,) and γ (H,)."""
        (h,), (W_h, b, gain) = states, weights
        normal, scale = normalize(x_part + project(h, W_h), self.epsilon)
        h_new = self.activation(gain * normal + b)
        return (h_new,), (h, h_new, normal, scale)

    def step_gradient(self, d_states, saved, weights):
        r"""The same step backward: :math:`\delta n_t = \delta h_t \odot (1 - h_t^2)` with
        :math:`n_t = \gamma \odot \hat a_t + b`,
        then through the normalization (`normalize_gradient`) to :math:`\delta a_t`, then
        :math:`\delta h_{t-1} = W_h^\top \delta a_t`.

        Returns :math:`\delta h_{t-1}`, and :math:`(\delta a_t, \delta n_t)`.
        """
        (dh,), (_, h_new, normal, scale), (W_h, _, gain) = d_states, saved, weights
        dn = dh * derivative(self.activation, h_new)
        da = normalize_gradient(dn * gain, normal, scale)
        return (da @ ops.transpose(W_h),), (da, dn)

    def weight_gradients(self, saved, d_sums):
        r"""Gradients of W_h, b and γ: sums of :math:`\delta a_t h_{t-1}^\top`, :math:`\delta n_t`,
        :math:`\delta n_t \odot \hat a_t`."""
        (h, _, normal, _), (da, dn) = saved, d_sums
        return product_sum(h, da), total(dn), total(dn * normal)

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


class GatedCell(Cell):
    """What cells with gates share: the gates' activation, σ in the equations.

    Parameters
    ----------
    units : int
        Number of hidden units, H.
    activation : str or callable
        Activation of the candidate, and of an LSTM's cell state where it is read.
    recurrent_activation : str or callable
        Activation of the gates.
    implementation : {2, 1}
        1 gives each gate dropout masks of its own even without ``recurrent_dropout``, as in Keras.
    **kwargs
        The other parameters of `Cell`.
    """

    def __init__(
        self, units, activation="tanh", recurrent_activation="sigmoid", use_bias=True, *, implementation=2, **kwargs
    ):
        super().__init__(units, activation, use_bias, **kwargs)
        self.recurrent_activation = activation_for(self.compute_dtype, recurrent_activation)
        self.implementation = implementation

    @property
    def masks_per_gate(self):
        return self.implementation == 1 or super().masks_per_gate

    @property
    def activations(self):
        return self.activation, self.recurrent_activation

    def get_config(self):
        return {
            **super().get_config(),
            "recurrent_activation": keras.activations.serialize(self.recurrent_activation),
            "implementation": self.implementation,
        }


@keras.saving.register_keras_serializable("rnn_course")
class LSTMCell(GatedCell):
    r"""The LSTM cell, equations ``lstm`` of the book (Hochreiter and Schmidhuber, 1997; forget gate: Gers et al.,
    2000).

    .. math::

       i_t &= \sigma(W_{xi} x_t + W_{hi} h_{t-1} + b_i) \qquad& f_t &= \sigma(W_{xf} x_t + W_{hf} h_{t-1} + b_f) \\
       g_t &= \tanh(W_{xg} x_t + W_{hg} h_{t-1} + b_g) & o_t &= \sigma(W_{xo} x_t + W_{ho} h_{t-1} + b_o) \\
       c_t &= f_t \odot c_{t-1} + i_t \odot g_t & h_t &= o_t \odot \tanh c_t

    Two states, h and c. The four blocks stand side by side in the order i, f, g, o: ``kernel`` (D, 4H),
    ``recurrent_kernel`` (H, 4H) and ``bias`` (4H,): 4 (D·H + H·H + H) parameters.

    Parameters
    ----------
    units : int
        Number of hidden units, H.
    unit_forget_bias : bool
        Whether the forget gate's bias starts at 1, so that the cell remembers at first (Jozefowicz et al., 2015).
    **kwargs
        The other parameters of `GatedCell` and `Cell`.

    References
    ----------
    S. Hochreiter and J. Schmidhuber (1997), Long short-term memory. Neural Computation 9(8).
    F. A. Gers, J. Schmidhuber and F. Cummins (2000), Learning to forget. Neural Computation 12(10).
    R. Jozefowicz, W. Zaremba and I. Sutskever (2015), An empirical exploration of recurrent network architectures.
    ICML.
    """

    gates = 4
    state_names = ("initial_state", "initial_cell_state")

    def __init__(self, units, *args, unit_forget_bias=True, **kwargs):
        super().__init__(units, *args, **kwargs)
        self.unit_forget_bias = unit_forget_bias

    def first_bias(self, shape, dtype=None):
        if not self.unit_forget_bias:
            return super().first_bias(shape, dtype)
        i, g_and_o = (self.bias_initializer((n * self.units,), dtype=dtype) for n in (1, 2))
        return ops.concatenate([i, ops.ones((self.units,), dtype=dtype), g_and_o])

    def step(self, x_part, states, weights):
        r"""One step forward.

        Parameters
        ----------
        x_part : tensor, shape (B, 4H)
            The input's share of the four sums, :math:`W_x x_t`.
        states : tuple of two tensors, shape (B, H)
            :math:`h_{t-1}` and :math:`c_{t-1}`.
        weights : tuple of tensors
            :math:`W_h` (H, 4H) and :math:`b` (4H,).

        Returns
        -------
        states : tuple of two tensors, shape (B, H)
            :math:`h_t` and :math:`c_t`.
        saved : tuple of six tensors, shape (B, H)
            What the backward pass needs: :math:`h_{t-1}, c_{t-1}` and :math:`i_t, f_t, g_t, o_t`.
        """
        (h, c), (W_h, b) = states, weights
        i, f, g, o = ops.split(x_part + project(h, W_h) + b, 4, axis=-1)
        i, f, o = (self.recurrent_activation(gate) for gate in (i, f, o))
        g = self.activation(g)
        c_new = f * c + i * g
        h_new = o * self.activation(c_new)
        return (h_new, c_new), (h, c, i, f, g, o)

    def step_gradient(self, d_states, saved, weights):
        r"""The same step backward, by the chain rule.

        .. math::

           \delta o_t &= \delta h_t \odot \tanh c_t, \qquad
           \delta c_t \mathrel{+}= \delta h_t \odot o_t \odot (1 - \tanh^2 c_t) \\
           \delta i_t &= \delta c_t \odot g_t, \quad \delta f_t = \delta c_t \odot c_{t-1}, \quad
           \delta g_t = \delta c_t \odot i_t, \quad \delta c_{t-1} = \delta c_t \odot f_t

        Each gate's derivative times that of its activation, side by side, is :math:`\delta a_t`, and
        :math:`\delta h_{t-1} = W_h^\top \delta a_t`. The long-term path,
        :math:`\delta c_{t-1} = \delta c_t \odot f_t`, has no weight matrix on it.

        Parameters
        ----------
        d_states : tuple of two tensors, shape (B, H)
            :math:`\delta h_t`, and :math:`\delta c_t` as far as it comes from later steps.
        saved, weights : tuples of tensors
            What ``step`` saved, and the weights that it used.

        Returns
        -------
        d_states : tuple of two tensors, shape (B, H)
            :math:`\delta h_{t-1}` and :math:`\delta c_{t-1}`.
        d_sums : tuple of one tensor, shape (B, 4H)
            :math:`\delta a_t`, which is the derivative by ``x_part`` too.
        """
        (dh, dc), (_, c, i, f, g, o), (W_h, _) = d_states, saved, weights
        read = self.activation(f * c + i * g)
        dc = dc + dh * o * derivative(self.activation, read)
        da = self.gate_gradients(dc * g, dc * c, dc * i, dh * read, i, f, g, o)
        return (da @ ops.transpose(W_h), dc * f), (da,)

    def gate_gradients(self, di, df, dg, do, i, f, g, o):
        """The derivatives by the four sums inside the gates, side by side (B, 4H), from those by the gates."""
        squash, gate = self.activation, self.recurrent_activation
        return ops.concatenate(
            [di * derivative(gate, i), df * derivative(gate, f), dg * derivative(squash, g), do * derivative(gate, o)],
            axis=-1,
        )

    def weight_gradients(self, saved, d_sums):
        r"""Gradients of W_h and b: :math:`\sum_t \delta a_t \, h_{t-1}^\top` and :math:`\sum_t \delta a_t`."""
        (h, *_), (da,) = saved, d_sums
        return product_sum(h, da), total(da)

    def get_config(self):
        return {**super().get_config(), "unit_forget_bias": self.unit_forget_bias}


@keras.saving.register_keras_serializable("rnn_course")
class PeepholeLSTMCell(LSTMCell):
    r"""An LSTM whose gates see the cell state (Gers and Schmidhuber, 2000).

    .. math::

       i_t &= \sigma(\ldots + p_i \odot c_{t-1}), \qquad f_t = \sigma(\ldots + p_f \odot c_{t-1}) \\
       o_t &= \sigma(\ldots + p_o \odot c_t)

    and the rest as in `LSTMCell`. The weights p, ``peepholes`` of shape (3, H) in the order i, f, o, start as the
    bias does (0 by default): 3H parameters more.

    The parameters of the constructor are those of `LSTMCell`.

    References
    ----------
    F. A. Gers and J. Schmidhuber (2000), Recurrent nets that time and count. IJCNN.
    """

    def build(self, input_shape):
        super().build(input_shape)
        self.peepholes = self.add_weight(shape=(3, self.units), name="peepholes", initializer=self.bias_initializer)

    def step_weights(self):
        return *super().step_weights(), ops.convert_to_tensor(self.peepholes)

    def step(self, x_part, states, weights):
        """One step forward, with the weights W_h (H, 4H), b (4H,) and p (3, H)."""
        (h, c), (W_h, b, p) = states, weights
        i, f, g, o = ops.split(x_part + project(h, W_h) + b, 4, axis=-1)
        i, f = self.recurrent_activation(i + p[0] * c), self.recurrent_activation(f + p[1] * c)
        g = self.activation(g)
        c_new = f * c + i * g
        o = self.recurrent_activation(o + p[2] * c_new)
        h_new = o * self.activation(c_new)
        return (h_new, c_new), (h, c, i, f, g, o)

    def step_gradient(self, d_states, saved, weights):
        r"""The same step backward: as in `LSTMCell`, with three more paths into the cell state.

        :math:`\delta c_t` gains :math:`p_o \odot \delta a_o`, and :math:`\delta c_{t-1}` gains
        :math:`p_i \odot \delta a_i + p_f \odot \delta a_f`.
        """
        (dh, dc), (_, c, i, f, g, o), (W_h, _, p) = d_states, saved, weights
        read = self.activation(f * c + i * g)
        dc = dc + dh * o * derivative(self.activation, read)
        dc = dc + p[2] * dh * read * derivative(self.recurrent_activation, o)
        da = self.gate_gradients(dc * g, dc * c, dc * i, dh * read, i, f, g, o)
        d_i, d_f, _, _ = ops.split(da, 4, axis=-1)
        return (da @ ops.transpose(W_h), dc * f + p[0] * d_i + p[1] * d_f), (da,)

    def weight_gradients(self, saved, d_sums):
        r"""Gradients of W_h, b and p; that of p sums
        :math:`\delta a_i \odot c_{t-1}, \delta a_f \odot c_{t-1}, \delta a_o \odot c_t`."""
        (_, c, i, f, g, _), (da,) = saved, d_sums
        d_i, d_f, _, d_o = ops.split(da, 4, axis=-1)
        d_p = ops.stack([total(d_i * c), total(d_f * c), total(d_o * (f * c + i * g))])
        return *super().weight_gradients(saved, d_sums), d_p


@keras.saving.register_keras_serializable("rnn_course")
class LayerNormLSTMCell(LSTMCell):
    r"""An LSTM with layer normalization (Ba et al., 2016, equations 20 to 22 of the supplement).

    .. math::

       a_t &= \gamma_h \odot \widehat{W_h h_{t-1}} + \gamma_x \odot \widehat{W_x x_t} + b \\
       c_t &= f_t \odot c_{t-1} + i_t \odot g_t, \qquad h_t = o_t \odot \tanh(\gamma_c \odot \hat c_t + b_c)

    with the gates from :math:`a_t` as in `LSTMCell`, and the hat for a vector less its mean, divided by its standard
    deviation (over the 4H sums, or over the H entries of c, of one example at one step). Beside the LSTM's weights
    there are ``recurrent_gain`` γ_h and ``input_gain`` γ_x (4H,), ``cell_gain`` γ_c and ``cell_bias`` b_c (H,). The
    paper's two biases of the normalized sums are one here, as they are added.

    Parameters
    ----------
    units : int
        Number of hidden units, H.
    epsilon : float
        Added to the variance.
    **kwargs
        The other parameters of `LSTMCell`.

    References
    ----------
    J. L. Ba, J. R. Kiros and G. E. Hinton (2016), Layer normalization. arXiv:1607.06450.
    """

    def __init__(self, units, *args, epsilon=1e-5, **kwargs):
        super().__init__(units, *args, **kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        super().build(input_shape)
        columns, units = self.gates * self.units, self.units
        self.recurrent_gain = self.add_weight(shape=(columns,), name="recurrent_gain", initializer="ones")
        self.input_gain = self.add_weight(shape=(columns,), name="input_gain", initializer="ones")
        self.cell_gain = self.add_weight(shape=(units,), name="cell_gain", initializer="ones")
        self.cell_bias = self.add_weight(shape=(units,), name="cell_bias", initializer="zeros")

    def step_weights(self):
        gains = self.recurrent_gain, self.input_gain, self.cell_gain, self.cell_bias
        return *super().step_weights(), *(ops.convert_to_tensor(w) for w in gains)

    def step(self, x_part, states, weights):
        """One step forward, with the weights W_h (H, 4H), b, γ_h, γ_x (4H,), γ_c and b_c (H,)."""
        (h, c), (W_h, b, gain_h, gain_x, gain_c, b_c) = states, weights
        from_h, scale_h = normalize(project(h, W_h), self.epsilon)
        from_x, scale_x = normalize(x_part, self.epsilon)
        i, f, g, o = ops.split(gain_h * from_h + gain_x * from_x + b, 4, axis=-1)
        i, f, o = (self.recurrent_activation(gate) for gate in (i, f, o))
        g = self.activation(g)
        c_new = f * c + i * g
        normal, scale = normalize(c_new, self.epsilon)
        read = self.activation(gain_c * normal + b_c)
        return (o * read, c_new), (h, c, i, f, g, o, read, from_h, scale_h, from_x, scale_x, normal, scale)

    def step_gradient(self, d_states, saved, weights):
        r"""The same step backward: as in `LSTMCell`, through the three normalizations (`normalize_gradient`).

        Returns the previous states' derivatives, and those by ``x_part``, by :math:`W_h h_{t-1}`, by :math:`a_t` and by
        :math:`\gamma_c \odot \hat c_t + b_c`.
        """
        (dh, dc), (W_h, _, gain_h, gain_x, gain_c, _) = d_states, weights
        _, c, i, f, g, o, read, from_h, scale_h, from_x, scale_x, normal, scale = saved
        d_read = dh * o * derivative(self.activation, read)
        dc = dc + normalize_gradient(d_read * gain_c, normal, scale)
        da = self.gate_gradients(dc * g, dc * c, dc * i, dh * read, i, f, g, o)
        d_from_h = normalize_gradient(da * gain_h, from_h, scale_h)
        d_from_x = normalize_gradient(da * gain_x, from_x, scale_x)
        return (d_from_h @ ops.transpose(W_h), dc * f), (d_from_x, d_from_h, da, d_read)

    def weight_gradients(self, saved, d_sums):
        """Gradients of W_h, b, γ_h, γ_x, γ_c and b_c."""
        (h, *_, from_h, _, from_x, _, normal, _), (_, d_from_h, da, d_read) = saved, d_sums
        return (
            product_sum(h, d_from_h),
            total(da),
            total(da * from_h),
            total(da * from_x),
            total(d_read * normal),
            total(d_read),
        )

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable("rnn_course")
class GRUCell(GatedCell):
    r"""The gated recurrent unit, equations ``gru`` of the book (Cho et al., 2014).

    .. math::

       z_t &= \sigma(W_{xz} x_t + W_{hz} h_{t-1} + b_z), \qquad r_t = \sigma(W_{xr} x_t + W_{hr} h_{t-1} + b_r) \\
       n_t &= \tanh(W_{xn} x_t + b_{xn} + r_t \odot (W_{hn} h_{t-1} + b_{hn})) \\
       h_t &= z_t \odot h_{t-1} + (1 - z_t) \odot n_t

    This is ``reset_after=True``, the form that cuDNN computes: the reset gate acts after the product, so that all
    three products are one. ``reset_after=False`` is the paper's form,
    :math:`n_t = \tanh(W_{xn} x_t + b_n + W_{hn} (r_t \odot h_{t-1}))`. (The paper writes 1 - z where Keras, PyTorch
    and this course write z.)

    One state, h. The three blocks stand side by side in the order z, r, n: ``kernel`` (D, 3H), ``recurrent_kernel``
    (H, 3H), and ``bias`` (2, 3H), its rows for the input's and the state's products; (3H,) if not ``reset_after``.

    Parameters
    ----------
    units : int
        Number of hidden units, H.
    reset_after : bool
        Whether the reset gate acts after the recurrent product, or before it.
    **kwargs
        The other parameters of `GatedCell` and `Cell`.

    References
    ----------
    K. Cho et al. (2014), Learning phrase representations using RNN encoder-decoder for statistical machine
    translation. EMNLP.
    """

    gates = 3

    def __init__(self, units, *args, reset_after=True, **kwargs):
        super().__init__(units, *args, **kwargs)
        self.reset_after = reset_after

    @property
    def bias_shape(self):
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def step_weights(self):
        """W_h (H, 3H) and b (3H,); with ``reset_after`` the bias is two, b_x and b_h."""
        W_h, b = super().step_weights()
        return (W_h, b[0], b[1]) if self.reset_after else (W_h, b)

    def step(self, x_part, states, weights):
        r"""One step forward.

        Parameters
        ----------
        x_part : tensor, shape (B, 3H)
            The input's share of the sums, :math:`W_x x_t`.
        states : tuple of one tensor, shape (B, H)
            :math:`h_{t-1}`.
        weights : tuple of tensors
            As from ``step_weights``.

        Returns
        -------
        states : tuple of one tensor, shape (B, H)
            :math:`h_t`.
        saved : tuple of five tensors, shape (B, H)
            What the backward pass needs: :math:`h_{t-1}, z_t, r_t, n_t`, and what the reset gate multiplied.
        """
        (h,), (W_h, b, *b_h) = states, weights
        x_z, x_r, x_n = ops.split(x_part + b, 3, axis=-1)
        if self.reset_after:
            h_z, h_r, h_n = ops.split(project(h, W_h) + b_h[0], 3, axis=-1)
        else:
            h_z, h_r = ops.split(project(h, gates_of(W_h, 3, 0, 2)), 2, axis=-1)
        z, r = self.recurrent_activation(x_z + h_z), self.recurrent_activation(x_r + h_r)
        if self.reset_after:
            n = self.activation(x_n + r * h_n)
        else:
            h_n = h
            n = self.activation(x_n + project(r * h, gates_of(W_h, 3, 2, 3)))
        h_new = z * h + (1 - z) * n
        return (h_new,), (h, z, r, n, h_n)

    def step_gradient(self, d_states, saved, weights):
        r"""The same step backward, by the chain rule.

        .. math::

           \delta z_t = \delta h_t \odot (h_{t-1} - n_t), \qquad \delta n_t = \delta h_t \odot (1 - z_t), \qquad
           \delta h_{t-1} = \delta h_t \odot z_t + \ldots

        :math:`\delta a_n = \delta n_t \odot (1 - n_t^2)` goes on to the reset gate and to the state. With
        ``reset_after``, :math:`\delta r_t = \delta a_n \odot (W_{hn} h_{t-1} + b_{hn})`, and the product's own
        derivative is :math:`\delta a_n \odot r_t`. Without,
        :math:`\delta (r_t \odot h_{t-1}) = W_{hn}^\top \delta a_n` comes first.

        Parameters
        ----------
        d_states : tuple of one tensor, shape (B, H)
            :math:`\delta h_t`.
        saved, weights : tuples of tensors
            What ``step`` saved, and the weights that it used.

        Returns
        -------
        d_states : tuple of one tensor, shape (B, H)
            :math:`\delta h_{t-1}`.
        d_sums : tuple of two tensors, shape (B, 3H)
            The derivatives by ``x_part`` and by the state's products: they differ where the reset gate stands between.
        """
        (dh,), (h, z, r, n, h_n), (W_h, *_) = d_states, saved, weights
        W_h = ops.transpose(W_h)
        d_n = dh * (1 - z) * derivative(self.activation, n)
        d_z = dh * (h - n) * derivative(self.recurrent_activation, z)
        if self.reset_after:
            d_r = d_n * h_n * derivative(self.recurrent_activation, r)
            d_h_part = ops.concatenate([d_z, d_r, d_n * r], axis=-1)
            d_before = dh * z + d_h_part @ W_h
        else:
            d_reset = d_n @ W_h[2 * self.units :]
            d_r = d_reset * h * derivative(self.recurrent_activation, r)
            d_h_part = ops.concatenate([d_z, d_r, d_n], axis=-1)
            d_before = dh * z + d_reset * r + d_h_part[:, : 2 * self.units] @ W_h[: 2 * self.units]
        return (d_before,), (ops.concatenate([d_z, d_r, d_n], axis=-1), d_h_part)

    def weight_gradients(self, saved, d_sums):
        r"""Gradients of W_h and of the biases: sums of :math:`\delta a_t h_{t-1}^\top` and of :math:`\delta a_t`.

        Without ``reset_after``, :math:`W_{hn}` multiplied :math:`r_t \odot h_{t-1}`.
        """
        (h, _, r, _, _), (d_x_part, d_h_part) = saved, d_sums
        if self.reset_after:
            return product_sum(h, d_h_part), total(d_x_part), total(d_h_part)
        d_gates, d_n = d_h_part[..., : 2 * self.units], d_h_part[..., 2 * self.units :]
        return ops.concatenate([product_sum(h, d_gates), product_sum(r * h, d_n)], axis=-1), total(d_x_part)

    def get_config(self):
        return {**super().get_config(), "reset_after": self.reset_after}


def normalize(a, epsilon):
    """Return each row of ``a`` less its mean, divided by its standard deviation; and the factor, 1 / that deviation."""
    a = a - mean(a)
    scale = ops.rsqrt(mean(a * a) + epsilon)
    return a * scale, scale


def normalize_gradient(d_normal, normal, scale):
    r"""The derivative by what `normalize` was given.

    The mean and the deviation depend on every entry, so each entry's derivative loses what would only shift or
    stretch the row (s is the factor):

    .. math::

       \delta a = s \left(\delta\hat a - \operatorname{mean}(\delta\hat a)
       - \hat a \odot \operatorname{mean}(\delta\hat a \odot \hat a)\right)
    """
    return scale * (d_normal - mean(d_normal) - normal * mean(d_normal * normal))


def mean(a):
    """The mean of each row; `keras.ops.mean` computes that of float64 in float32 on JAX and PyTorch (Keras 3.15)."""
    return ops.sum(a, axis=-1, keepdims=True) / a.shape[-1]
