"""Several devices that train one network."""

from rnn_course.drawing.parts import arrow, canvas, layer_box, node, write
from rnn_course.drawing.style import MAX_WIDTH

HEIGHT = 3.1
PART, DEVICE, MEAN, UPDATE = 0.6, 2.3, 4.3, 5.45  # where the columns stand


def data_parallel(*, ax=None):
    """Draw data parallelism with two devices: each gets half of a batch, and both make the update of the mean gradient.

    Parameters
    ----------
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError
        If `ax` is not an Axes.
    """
    ax = canvas(MAX_WIDTH, HEIGHT, ax)
    middle = HEIGHT / 2
    mean = node(ax, "operation", MEAN, middle, "mean", width=0.8, height=0.48)
    update = node(ax, "weights", UPDATE, middle, "update", width=0.85, height=0.42)
    arrow(ax, [mean.right, update.left], "weights")
    for number, side in ((1, 1), (2, -1)):
        y = middle + side * 0.65
        half = node(ax, "input", PART, y, f"half {number}", width=0.95, height=0.5)
        device = layer_box(ax, DEVICE, y, width=1.4, height=0.82)
        write(ax, DEVICE, y + 0.22, f"device {number}")
        node(ax, "weights", DEVICE, y - 0.13, "weights", width=0.95, height=0.36)
        arrow(ax, [half.right, device.left], "input")
        entry = MEAN, middle + side * mean.height / 2
        arrow(ax, [device.right, (MEAN, y), entry], "weights")
        write(ax, (device.right[0] + MEAN) / 2, y + side * 0.18, f"gradient {number}")
        outside = y + side * 0.72
        start, end = (UPDATE, middle + side * update.height / 2), (DEVICE, y + side * device.height / 2)
        arrow(ax, [start, (UPDATE, outside), (DEVICE, outside), end], "weights")
        write(ax, (DEVICE + UPDATE) / 2, outside - side * 0.17, "the same new weights")
    return ax
