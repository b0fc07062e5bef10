"""The recurrent neuron, operation by operation."""

from rnn_course.drawing import checks
from rnn_course.drawing.parts import ACTIVATIONS, TEXT_GAP, arrow, canvas, layer_box, node, operation, write
from rnn_course.drawing.parts import activation as draw_activation
from rnn_course.drawing.style import COLORS, SYMBOL_SIZE

VALUES = ("x", "h_prev", "W_x", "W_h", "b")
FORMULAS = {"tanh": "\\tanh({})", "sigmoid": "\\sigma({})", "relu": "\\mathrm{{ReLU}}({})", "linear": "{}"}
SUM = "W_x x_t + W_h h_{t-1} + b"


def neuron(*, activation="tanh", ax=None, values=None):
    """Draw the recurrent neuron: h_t = activation(W_x x_t + W_h h_{t-1} + b), and the way back of h_t.

    Parameters
    ----------
    activation : {"tanh", "sigmoid", "relu", "linear"}
        The activation function.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure of 6 x 3.55 inches.
    values : dict, optional
        The numbers of one step, all of them: "x", "h_prev", "W_x", "W_h", "b", each from -99 to 99.
        They are written on the edges, with the products, the sum and h_t that follow from them, to three
        decimals, or four digits.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If an argument is none of the above; the message names it.
    """
    checks.choice("activation", activation, tuple(ACTIVATIONS))
    numbers = {} if values is None else _one_step(checks.numbers("values", values, VALUES), ACTIVATIONS[activation])
    ax = canvas(6.0, 3.55, ax)
    upper, lower, weights = 2.0, 0.45, 0.72

    state = node(ax, "hidden", 0.36, upper, "$h_{t-1}$", width=0.56)
    entry = node(ax, "input", 0.36, lower, "$x_t$")
    times_state, times_input = operation(ax, 1.55, upper, "$\\times$"), operation(ax, 1.55, lower, "$\\times$")
    total = operation(ax, 2.75, upper, "$+$")
    squash = draw_activation(ax, 4.03, upper, activation)
    result = node(ax, "hidden", 5.37, upper, "$h_t$", width=0.5)

    arrow(ax, [state.right, times_state.left], "hidden")
    arrow(ax, [entry.right, times_input.left], "input")
    arrow(ax, [times_state.right, total.left])
    arrow(ax, [times_input.right, (total.x, lower), total.bottom])
    arrow(ax, [total.right, squash.left])
    arrow(ax, [squash.right, result.left], "hidden")
    arrow(ax, [result.right, (5.96, upper)], "hidden")
    for target, name in ((times_state, "W_h"), (times_input, "W_x"), (total, "b")):
        _weight(ax, target, weights, name, numbers.get(name))
    _way_back(ax, result, state, 3.3)

    for start, end, name in (
        (state, times_state, "h_prev"),
        (entry, times_input, "x"),
        (times_state, total, "W_h h"),
        (times_input, total, "W_x x"),
        (total, squash, "sum"),
        (squash, result, "h"),
    ):
        _number_on_edge(ax, start, end, numbers.get(name))
    formula = FORMULAS[activation].format(SUM)
    write(ax, 4.4, 0.72, f"$h_t = {formula}$", size=SYMBOL_SIZE)
    return ax


def neuron_with_output(ax=None):
    """Draw how h_t goes on to the next step while y_t = phi(W_y h_t + b_y) branches off.

    Parameters
    ----------
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure of 6 x 3.4 inches.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError
        If `ax` is not an Axes.
    """
    ax = canvas(6.0, 3.4, ax)
    lower, upper = 1.2, 2.3

    before = node(ax, "hidden", 0.36, lower, "$h_{t-1}$", width=0.56)
    hidden_layer = layer_box(ax, 1.5, lower, "hidden\nlayer", width=0.9, height=0.62)
    entry = node(ax, "input", 1.5, 0.32, "$x_t$")
    state = node(ax, "hidden", 2.75, lower, "$h_t$", width=0.56)
    arrow(ax, [before.right, hidden_layer.left], "hidden")
    arrow(ax, [entry.top, hidden_layer.bottom], "input")
    arrow(ax, [hidden_layer.right, state.left], "hidden")
    arrow(ax, [state.right, (5.94, lower)], "hidden")
    write(ax, 4.48, lower + 0.15, "$h_t$ goes on to step $t + 1$")

    layer_box(ax, 3.6, upper + 0.28, width=2.5, height=1.36)
    write(ax, 4.28, upper + 0.65, "output layer")
    times = operation(ax, 2.75, upper, "$\\times$")
    total = operation(ax, 3.5, upper, "$+$")
    squash = draw_activation(ax, 4.3, upper, "$\\varphi$")
    result = node(ax, "output", 5.5, upper, "$y_t$")
    for start, end in ((times, total), (total, squash)):
        arrow(ax, [start.right, end.left])
    arrow(ax, [state.top, times.bottom], "hidden")
    arrow(ax, [squash.right, result.left], "output")
    _weight(ax, times, 0.65, "W_y")
    _weight(ax, total, 0.65, "b_y")
    write(ax, 1.15, upper, "$y_t = \\varphi(W_y h_t + b_y)$", size=SYMBOL_SIZE)
    return ax


def _one_step(given, function):
    products = {"W_x x": given["W_x"] * given["x"], "W_h h": given["W_h"] * given["h_prev"]}
    total = sum(products.values()) + given["b"]
    return given | products | {"sum": total, "h": float(function(total))}


def _short(number):
    rounded = round(number, 3) + 0.0
    return (f"{rounded:.4g}" if abs(rounded) < 1e4 else f"{rounded:.0f}").replace("-", "\u2212")


def _weight(ax, target, distance, name, number=None):
    """Draw a weight above the operation that uses it."""
    tag = node(ax, "weights", target.x, target.y + distance, f"${name}$")
    arrow(ax, [tag.bottom, target.top], "weights")
    if number is not None:
        write(ax, tag.right[0] + TEXT_GAP, tag.y, _short(number), color=COLORS["weights"], ha="left")


def _number_on_edge(ax, start, end, number):
    if number is not None:
        right = end.left[0] if end.y == start.y else end.x
        write(ax, (start.right[0] + right) / 2 - 0.04, start.y + 0.15, _short(number))


def _way_back(ax, result, state, height):
    """Draw the way of h_t to the next step, where it is h_{t-1}."""
    arrow(ax, [result.top, (result.x, height), (state.x, height), state.top], "hidden", zorder=0.4)
    middle = (result.x + state.x) / 2
    layer_box(ax, middle, height, "next step", width=1.0, height=0.3)
