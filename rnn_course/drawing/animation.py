"""An animation of a network that reads a sentence."""

import base64
import hashlib
import html
import re
from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.patches import Rectangle
from PIL import Image

from rnn_course.drawing import checks
from rnn_course.drawing.maps import DIVERGING
from rnn_course.drawing.parts import NODE, arrow, canvas, node, text_width, write
from rnn_course.drawing.style import COLORS, INK, LINE_WIDTH, MAX_WIDTH, PAPER, tint

# The layout is ours; a saved film would otherwise be laid out by what `use_style` sets for plots.
SETTINGS = {
    "savefig.dpi": 140,
    "animation.frame_format": "png",
    "animation.embed_limit": 20,
    "figure.constrained_layout.use": False,
}
MOST_WORDS = 10
MOST_UNITS = 16
MOST_OUTPUTS = 6
PALE = "#BDBDBD"
BAR = 0.26

# Plain characters in place of the icons that matplotlib fetches from another server, in its order of buttons.
ICONS = ("−", "|«", "‹", "◂", "||", "▸", "›", "»|", "+")


def animate_unrolling(words, states, outputs=None, *, output_labels=None, interval=900, alt=None):
    """Animate how hidden state and output fill in as a network reads a sentence, one word a step.

    It waits for the reader to press play; until then, the whole sentence is shown as read.

    Parameters
    ----------
    words : sequence of str
        T words, from 1 to 10.
    states : array_like of shape (T, H)
        The hidden states, in [-1, 1], up to 16 units; white is 0, blue negative, vermilion positive.
    outputs : array_like of shape (T,) or (T, K), optional
        The outputs of every step, such as K probabilities, up to 6: a bar each. With one output a step, its
        number is written, too; with more, the largest is filled.
    output_labels : sequence of str, optional
        Names of the K outputs. Default: y_t, with numbers if there are several.
    interval : int
        Time between two steps, in milliseconds.
    alt : str, optional
        Text for those who cannot see the picture. Default: the sentence and what happens.

    Returns
    -------
    IPython.display.HTML
        Pictures and controls in one piece: nothing is fetched from elsewhere, the same input gives the same
        bytes, and it shrinks to a phone's width.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of the above; the message names it.
    """
    from IPython.display import HTML

    words = checks.texts("words", words)
    steps = checks.whole_number("len(words)", len(words), 1, MOST_WORDS)
    states = _states(states, steps)
    outputs, names = _outputs(outputs, output_labels, steps)
    interval = checks.whole_number("interval", interval, 50, 10_000)
    scene = _Scene(words, states, outputs, names)

    figure = scene.ax.figure
    try:
        film = FuncAnimation(figure, scene.draw, frames=steps + 1, init_func=lambda: None, interval=interval)
        with plt.rc_context(SETTINGS):
            page = film.to_jshtml(default_mode="once")
    finally:
        plt.close(figure)
    alt = alt or (
        f"A recurrent network reads “{' '.join(words)}”, one word a step; "
        "its hidden state and output fill in from left to right."
    )
    return HTML(_self_contained(page, alt, round(100 * scene.size[0])))


class _Scene:
    """The unrolled network with the first few words read."""

    def __init__(self, words, states, outputs, names):
        self.words, self.states, self.outputs, self.names = words, states, outputs, names
        steps, units = states.shape
        margin = 0.3 + max(map(text_width, [*names, "read"]))
        widest = max(map(text_width, words))
        self.pitch = min(max(0.8, widest + 0.14), (MAX_WIDTH - margin - 0.1) / steps)
        self.slanted = widest > self.pitch - 0.08
        self.columns = margin + self.pitch * (np.arange(steps) + 0.5)
        self.cell = min(0.24, 1.6 / units)
        self.input_y = 0.34 + (0.7 * widest + 0.15 if self.slanted else 0.24)
        self.state_height = units * self.cell + 0.16
        self.state_y = self.input_y + NODE / 2 + 0.36 + self.state_height / 2
        self.output_y = self.state_y + self.state_height / 2 + 0.36
        top = self.output_y + len(names) * BAR + (0.24 if len(names) == 1 else 0.0) if names else self.output_y - 0.3
        self.size = max(margin + steps * self.pitch + 0.1, 3.0), top + 0.5
        self.ax = canvas(*self.size)

    def draw(self, read):
        """Draw it after `read` words."""
        self.ax.clear()
        canvas(*self.size, ax=self.ax)
        total = len(self.words)
        status = f"step {read} of {total}: reads “{self.words[read - 1]}”" if read else "step 0: nothing read yet"
        write(self.ax, 0.12, self.size[1] - 0.2, status, ha="left")
        self._names()
        for t in range(total):
            self._copy(t, done=t < read, now=t == read - 1)
        return []

    def _names(self):
        write(self.ax, 0.12, self.state_y, "$h_t$", size=13, ha="left")
        write(self.ax, 0.12, self.input_y, "$x_t$", size=13, ha="left")
        for k, name in enumerate(self.names):
            write(self.ax, 0.12, self._bar_y(k), name, ha="left", size=13 if "$" in name else 11)

    def _copy(self, t, *, done, now):
        x, color = self.columns[t], None if done else PALE
        fill = None if done else PAPER
        below = node(self.ax, "input", x, self.input_y, width=0.3, height=0.3, color=color, fill=fill)
        width = self.cell + 0.16 if self.cell > 0.2 else 0.36
        height = self.state_height
        state = node(self.ax, "hidden", x, self.state_y, width=width, height=height, color=color, fill=PAPER)
        arrow(self.ax, [below.top, state.bottom], "input", color=color)
        if t:
            before = self.columns[t - 1] + width / 2
            arrow(self.ax, [(before, self.state_y), state.left], "hidden", color=color)
        if done:
            self._state(t)
        if self.names:
            arrow(self.ax, [state.top, (x, self.output_y - 0.02)], "hidden", color=color)
            for k in range(len(self.names)):
                self._bar(t, k, done)
        self._word(t, now, done)

    def _word(self, t, now, done):
        style = {"weight": "bold"} if now else {"color": INK if done else "#595959"}
        x, y = self.columns[t], self.input_y - 0.3
        if self.slanted:
            place = {"ha": "right", "va": "top", "rotation": 45, "rotation_mode": "anchor"}
            write(self.ax, x + 0.1, y + 0.08, self.words[t], **place, **style)
        else:
            write(self.ax, x, y, self.words[t], **style)

    def _state(self, t):
        top = self.state_y + self.state_height / 2 - 0.08
        width = min(0.22, max(self.cell, 0.2))
        for unit, value in enumerate(self.states[t]):
            corner = (self.columns[t] - width / 2, top - (unit + 1) * self.cell)
            color = DIVERGING(0.5 + value / 2)
            self._box(corner, width, self.cell, facecolor=color, edgecolor="#595959", linewidth=0.6, zorder=3)

    def _bar_y(self, k):
        return self.output_y + (len(self.names) - k - 0.5) * BAR

    def _bar(self, t, k, done):
        low, high = min(0.0, self.outputs.min()), max(self.outputs.max(), 1.0 if self.outputs.min() >= 0 else 0.0)
        full, height = self.pitch * 0.72, BAR * 0.62
        left, bottom = self.columns[t] - full / 2, self._bar_y(k) - height / 2
        edge = COLORS["output"] if done else PALE
        self._box((left, bottom), full, height, facecolor="none", edgecolor=edge, linewidth=1.0, zorder=3)
        if not done:
            return
        value, scale = self.outputs[t, k], full / (high - low)
        strongest = k == self.outputs[t].argmax()
        start = left + (min(value, 0.0) - low) * scale
        fill = COLORS["output"] if strongest else tint("output", 0.4)
        self._box((start, bottom), abs(value) * scale, height, facecolor=fill, edgecolor="none", zorder=2)
        if low < 0:
            zero = left - low * scale
            ends = [bottom - 0.03, bottom + height + 0.03]
            self.ax.plot([zero, zero], ends, color=INK, linestyle="-", linewidth=1, zorder=4)
        if len(self.names) == 1:
            write(self.ax, self.columns[t], self._bar_y(k) + BAR * 0.8, f"{value:.2f}".replace("-", "−"))

    def _box(self, corner, width, height, **style):
        self.ax.add_patch(Rectangle(corner, width, height, **{"linewidth": LINE_WIDTH, **style}))


def _states(states, steps):
    states = checks.array("states", states, ("T", "H"))
    if len(states) != steps:
        raise ValueError(f"states must have T = {steps} rows, one for each word, got {len(states)}: pass all states.")
    checks.whole_number("states.shape[1]", states.shape[1], 1, MOST_UNITS)
    if not (np.abs(states) <= 1).all():
        raise ValueError(
            f"states must lie in [-1, 1], got values from {states.min():g} to {states.max():g}: "
            f"divide them by their largest size."
        )
    return states


def _outputs(outputs, names, steps):
    """Return outputs as (T, K) and K names."""
    if outputs is None:
        if names is not None:
            raise ValueError(f"output_labels must be None without outputs, got {names!r}: pass outputs, too.")
        return None, []
    outputs = np.asarray(outputs)
    outputs = checks.array("outputs", outputs[:, None] if outputs.ndim == 1 else outputs, ("T", "K"))
    if len(outputs) != steps or not np.isfinite(outputs).all():
        raise ValueError(
            f"outputs must have T = {steps} rows of finite numbers, one for each word, got shape {outputs.shape}: "
            f"pass one output for each word."
        )
    count = checks.whole_number("outputs.shape[1]", outputs.shape[1], 1, MOST_OUTPUTS)
    if names is None:
        names = ["$y_t$"] if count == 1 else [f"$y_{{t,{k + 1}}}$" for k in range(count)]
    return outputs, checks.texts("output_labels", names, count)


def _self_contained(page, alt, width):
    """Rewrite matplotlib's player: no third party, same bytes every time, labels, at most `width` pixels."""
    page = re.sub(r"(?<=data:image/png;base64,)[^\"]*", _smaller, page)
    page = _replace(r'<link rel="stylesheet"\s+href="https?:[^>]*>', "", page)
    icons = iter(ICONS)
    page = _replace(r'<i class="fa[^"]*"></i>', lambda _: f'<span aria-hidden="true">{next(icons)}</span>', page, 9)
    page = _replace(r'(<input id="_anim_slider[0-9a-f]+")', r'\1 aria-label="Step"', page)
    last = re.findall(r'"(data:image/png;base64,[^"]*)"', page)[-1]
    picture = f' src="{last}" alt="{html.escape(alt)}" style="width:{width}px;max-width:100%;height:auto">'
    page = _replace(r'(<img id="_anim_img[0-9a-f]+")>', lambda match: match[1] + picture, page)
    page = _replace(r"<style>", "<style>\n.animation, .anim-slider { max-width: 100%; }\n", page)
    page = _start_at_the_end(page)
    return _named_by_content(page)


def _smaller(match):
    """Store a picture with a palette, on one line: a quarter of the bytes, and no visible difference."""
    with Image.open(BytesIO(base64.b64decode(match[0].replace("\\\n", "")))) as picture:
        palette, file = picture.convert("RGB").quantize(128, dither=Image.Dither.NONE), BytesIO()
    palette.save(file, format="png", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def _start_at_the_end(page):
    """Show the complete picture at first; pressing play then starts over."""
    page = _replace(r"(anim([0-9a-f]+) = new Animation\([^;]*;)", r"\1 anim\2.last_frame();", page)
    again = r"if (anim\1.current_frame === anim\1.frames.length - 1) anim\1.first_frame(); "
    return _replace(r'(?<=onclick=")anim([0-9a-f]+)\.play_animation\(\)', again + r"\g<0>", page)


def _named_by_content(page):
    """Replace the random name of the elements by one that follows from the content."""
    random = re.search(r'id="_anim_img([0-9a-f]{32})"', page)[1]
    name = hashlib.sha256(page.replace(random, "").encode()).hexdigest()[:32]
    return page.replace(random, name)


def _replace(pattern, new, page, count=1):
    page, found = re.subn(pattern, new, page)
    if found != count:
        raise RuntimeError(f"matplotlib's animation page has changed: {pattern} is there {found} times, not {count}.")
    return page
