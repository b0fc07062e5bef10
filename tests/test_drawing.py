"""The pictures: nothing cut off, nothing overlaps, everything can be read, the animation keeps its promises."""

import base64
import inspect
import io
import itertools
import re
import subprocess
import sys

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.patches import FancyArrowPatch
from matplotlib.transforms import Affine2D
from PIL import Image

from rnn_course import drawing
from rnn_course.drawing import animation, parts, style

SENTENCE = "I found the last scene quite terrible honestly".split()
TAGS = "PRON VERB DET ADJ NOUN ADV ADJ ADV".split()
STEP = {"x": 0.5, "h_prev": -0.123, "W_x": -10.812, "W_h": -0.512, "b": -0.125}

DIAGRAMS = {
    "rolled": lambda: drawing.rolled(),
    "rolled, titled": lambda: drawing.rolled(title="A recurrent network with its loop"),
    "neuron_with_output": lambda: drawing.neuron_with_output(),
    **{f"neuron {name}": lambda name=name: drawing.neuron(activation=name) for name in parts.ACTIVATIONS},
    **{
        f"neuron {name}, numbers": lambda name=name: drawing.neuron(activation=name, values=STEP)
        for name in parts.ACTIVATIONS
    },
    **{f"unrolled {n}": lambda n=n: drawing.unrolled(n) for n in range(1, 9)},
    **{
        f"unrolled {n}, words": lambda n=n: drawing.unrolled(inputs=SENTENCE[:n], outputs=TAGS[:n]) for n in range(1, 9)
    },
    "unrolled, long words": lambda: drawing.unrolled(inputs=["extraordinarily", "unconvincing"] * 4, outputs="last"),
    "unrolled, no output": lambda: drawing.unrolled(4, outputs="none"),
    "unrolled, some outputs": lambda: drawing.unrolled(4, outputs=[None, None, "guten", "Tag"]),
    **{f"rolled_and_unrolled {n}": lambda n=n: drawing.rolled_and_unrolled(n) for n in range(1, 6)},
    **{
        f"feedforward_and_recurrent {n}": lambda n=n: drawing.feedforward_and_recurrent(SENTENCE[:n])
        for n in range(2, 9)
    },
    **{
        f"layers {sizes}": lambda sizes=sizes: drawing.layers(sizes)
        for sizes in [(2, 4, 1), (1, 1, 1), (6, 6, 6), (28, 128, 10), (999, 999, 999)]
    },
    "layers, feedforward": lambda: drawing.layers((3, 6, 2), recurrent=False),
}
MAPS = {
    "plain": {"shape": (6, 4)},
    "one cell": {"shape": (1, 1)},
    "words": {"shape": (8, 5), "columns": SENTENCE},
    "turned words": {"shape": (16, 12), "columns": SENTENCE * 2, "title": "State"},
    "letters": {"shape": (24, 3), "columns": list("the cat sat on the mat. ")},
    "many letters": {"shape": (60, 20), "columns": list("abcdef" * 10)},
    "rows": {"shape": (40, 3), "rows": ["forget gate", "input gate", "output gate"], "limits": (0, 1)},
    "many rows": {"shape": (5, 64), "rows": [f"unit {i}" for i in range(64)]},
    "many": {"shape": (300, 100)},
}


@pytest.fixture(scope="module")
def page():
    return film().data


def film():
    rng = np.random.default_rng(0)
    words = "the film was not very good".split()
    return drawing.animate_unrolling(words, np.tanh(rng.normal(size=(6, 8))), rng.uniform(size=6))


def figure_of(result):
    return result.figure if hasattr(result, "transAxes") else result


def visible_texts(figure):
    figure.draw_without_rendering()
    texts = figure.findobj(matplotlib.text.Text)
    return [text for text in texts if text.get_visible() and text.get_text().strip() and text.axes is not None]


def outline(text):
    """The four corners of a text in pixels, slanted if the text is."""
    angle = text.get_rotation()
    if angle in (0.0, 90.0):
        box = text.get_window_extent()
        return np.array([[box.x0, box.y0], [box.x1, box.y0], [box.x1, box.y1], [box.x0, box.y1]])
    text.set_rotation(0)
    box, anchor = text.get_window_extent(), text.get_transform().transform(text.get_position())
    text.set_rotation(angle)
    corners = [[box.x0, box.y0], [box.x1, box.y0], [box.x1, box.y1], [box.x0, box.y1]]
    return Affine2D().rotate_deg_around(*anchor, angle).transform(corners)


def overlap(one, other):
    """Whether two convex outlines share more than a hair (separating axes)."""
    for corners in (one, other):
        for side in np.roll(corners, -1, axis=0) - corners:
            normal = np.array([-side[1], side[0]]) / np.linalg.norm(side)
            a, b = one @ normal, other @ normal
            if a.max() <= b.min() + 1 or b.max() <= a.min() + 1:
                return False
    return True


def points_along(arrow):
    lines = arrow.get_path().to_polygons(closed_only=False)
    points = [np.linspace(a, b, 30) for line in lines for a, b in itertools.pairwise(line)]
    return arrow.axes.transData.transform(np.concatenate(points))


def assert_readable(figure):
    texts = visible_texts(figure)
    outlines = [outline(text) for text in texts]
    width, height = figure.bbox.size
    for text, corners in zip(texts, outlines):
        assert (corners >= -0.5).all() and (corners <= [width + 0.5, height + 0.5]).all(), f"cut off: {text}"
        assert text.get_fontsize() >= 11, text
    for (one, first), (other, second) in itertools.combinations(zip(texts, outlines), 2):
        assert not overlap(first, second), f"overlap: {one}, {other}"
    for arrow in figure.findobj(FancyArrowPatch):
        if arrow.get_zorder() < 0.5:  # runs under an opaque box
            continue
        points = points_along(arrow)
        for text, corners in zip(texts, outlines):
            if text.get_rotation() == 0:
                inside = (points > corners.min(axis=0)) & (points < corners.max(axis=0))
                assert not inside.all(axis=1).any(), f"an arrow crosses {text}"


def linear(color):
    return np.array([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)])


def luminance(color):
    return float(linear(color) @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    high, low = sorted([luminance(one), luminance(other)], reverse=True)
    return (high + 0.05) / (low + 0.05)


def behind(text):
    """The color on which a text stands: the topmost filled patch under its center, or white."""
    center = outline(text).mean(axis=0)
    fills = [
        (patch.get_zorder(), patch.get_facecolor())
        for patch in text.axes.patches
        if not isinstance(patch, FancyArrowPatch) and to_rgba(patch.get_facecolor())[3] == 1
        if patch.contains_point(center)
    ]
    return max(fills)[1] if fills else "white"


def png(figure):
    file = io.BytesIO()
    figure.savefig(file, dpi=100)
    return file.getvalue()


# ---------------------------------------------------------------- every picture


@pytest.mark.parametrize("name", DIAGRAMS)
def test_diagram_is_readable(name):
    figure = figure_of(DIAGRAMS[name]())
    assert_readable(figure)
    assert figure.get_figwidth() <= 6
    assert to_rgba(figure.get_facecolor()) == (1, 1, 1, 1)
    for text in visible_texts(figure):
        assert contrast(text.get_color(), behind(text)) >= 4.5, text


@pytest.mark.parametrize("name", MAPS)
def test_heat_map_is_readable(name):
    options = dict(MAPS[name])
    values = np.random.default_rng(1).uniform(size=options.pop("shape"))
    figure = drawing.heat_map(values, **options).figure
    assert_readable(figure)
    assert figure.get_figwidth() <= 6


@pytest.mark.parametrize("name", ["rolled", "unrolled 8", "neuron tanh, numbers", "rolled_and_unrolled 3"])
def test_same_picture_same_bytes_on_opaque_white(name):
    first, second = png(figure_of(DIAGRAMS[name]())), png(figure_of(DIAGRAMS[name]()))
    assert first == second
    pixels = np.asarray(Image.open(io.BytesIO(first)).convert("RGBA"))
    assert (pixels[..., 3] == 255).all() and (pixels[0, 0] == 255).all()


@pytest.mark.parametrize("name", ["rolled", "unrolled", "neuron", "neuron_with_output", "layers", "heat_map"])
def test_draws_on_the_given_axes(name):
    figure, ax = plt.subplots()
    arguments = [np.zeros((3, 2))] if name == "heat_map" else []
    assert getattr(drawing, name)(*arguments, ax=ax) is ax
    assert plt.get_fignums() == [figure.number]
    with pytest.raises(TypeError, match="ax must be a matplotlib Axes"):
        getattr(drawing, name)(*arguments, ax=figure)


@pytest.mark.parametrize("name", ["rolled", "unrolled 3", "neuron tanh", "layers (2, 4, 1)"])
def test_looks_the_same_under_other_rcparams(name):
    plain = png(figure_of(DIAGRAMS[name]()))
    with plt.rc_context():
        drawing.use_style()
        assert png(figure_of(DIAGRAMS[name]())) == plain


@settings(max_examples=8, deadline=None)
@given(st.lists(st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=16), min_size=1, max_size=8))
def test_any_words_fit(words):
    assert_readable(drawing.unrolled(inputs=words, outputs="last").figure)
    plt.close("all")


def texts_of(result):
    return [text.get_text() for text in visible_texts(figure_of(result))]


def test_unrolled_shares_its_weights_and_starts_from_h_0():
    shown = texts_of(drawing.unrolled(5, outputs="last"))
    assert shown.count("$W_x$") == shown.count("$W_h$") == 5
    assert shown.count("$W_y$") == 1
    assert "$h_0$" in shown and "$y_{5}$" in shown and "$y_{1}$" not in shown


def test_neuron_writes_the_numbers_of_its_step():
    values = {"x": 0.5, "h_prev": 0.1, "W_x": 0.8, "W_h": -0.5, "b": 0.2}
    shown = texts_of(drawing.neuron(values=values))
    for number in ("0.5", "0.1", "0.8", "−0.5", "0.2", "0.4", "−0.05", "0.55", "0.501"):  # tanh(0.55) = 0.501
        assert shown.count(number) == 1, number


def test_layers_show_the_shapes_of_their_weights():
    shown = texts_of(drawing.layers((2, 4, 1)))
    for shape in ("$W_x$: $2 \\times 4$", "$W_h$: $4 \\times 4$", "$W_y$: $4 \\times 1$"):
        assert shape in shown
    assert not any("W_h" in text for text in texts_of(drawing.layers((2, 4, 1), recurrent=False)))


def test_heat_map_puts_time_right_units_down_and_zero_white():
    values = np.array([[0.0, -1.0], [1.0, 0.5], [np.nan, 0.0]])
    image = drawing.heat_map(values).images[0]
    np.testing.assert_array_equal(image.get_array().filled(np.nan), values.T)
    for limits in [(-1, 1), (0, 1), (-2, 1), (-1, 0)]:
        image = drawing.heat_map(values, limits=limits).images[0]
        np.testing.assert_allclose(image.to_rgba([0.0])[0][:3], 1, atol=0.01)
    assert image.to_rgba(np.ma.masked_invalid([np.nan]))[0][:3] == pytest.approx(to_rgb("#BDBDBD"), abs=0.01)


# ---------------------------------------------------------------- the look


def test_roles_differ_for_color_blind_readers_too():
    simulated = {  # of linear light; Machado, Oliveira, Fernandes 2009, severity 1
        "none": np.eye(3),
        "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
        "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    }
    for matrix in simulated.values():
        seen = [np.clip(matrix @ linear(color), 0, 1) ** (1 / 2.2) for color in drawing.COLORS.values()]
        assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 0.2


def test_roles_differ_in_shape():
    ax = parts.canvas(2, 2)
    for role in drawing.COLORS:
        parts.node(ax, role, 1, 1)
    kinds = {(type(patch).__name__, round(patch.get_window_extent().width)) for patch in ax.patches}
    assert len(kinds) == len(drawing.COLORS)


def test_black_text_can_be_read_on_every_fill():
    for role, color in drawing.COLORS.items():
        assert contrast("black", style.tint(role)) >= 4.5
        assert contrast(color, "white") >= 3  # lines and outlines (WCAG 1.4.11)
    assert contrast(drawing.COLORS["weights"], "white") >= 4.5


def test_colors_cannot_be_changed_by_accident():
    with pytest.raises(TypeError):
        drawing.COLORS["input"] = "red"


def test_use_style_sets_the_look():
    with plt.rc_context():
        drawing.use_style()
        assert plt.rcParams["font.size"] == 11
        assert plt.rcParams["figure.figsize"] == [6.0, 3.4]
        assert plt.rcParams["figure.constrained_layout.use"]
        assert not plt.rcParams["axes.spines.top"] and not plt.rcParams["axes.spines.right"]
        curves = plt.rcParams["axes.prop_cycle"].by_key()
        assert len(set(curves["color"])) == len(curves["color"]) == len(set(map(str, curves["linestyle"])))


def test_use_style_asks_for_sharp_pictures_in_a_notebook(monkeypatch):
    import IPython
    from matplotlib_inline import backend_inline

    asked = []
    monkeypatch.setattr(IPython, "get_ipython", lambda: object())
    monkeypatch.setattr(backend_inline, "set_matplotlib_formats", lambda *formats: asked.extend(formats))
    with plt.rc_context():
        drawing.use_style()
    assert asked == ["retina"]


def test_needs_no_keras():
    code = "import sys, rnn_course.drawing; print(sorted({'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


@pytest.mark.parametrize("name", [name for name in drawing.__all__ if inspect.isfunction(getattr(drawing, name))])
def test_every_function_is_documented(name):
    function = getattr(drawing, name)
    for parameter in inspect.signature(function).parameters:
        assert re.search(rf"\b{parameter}\b.* : ", function.__doc__), parameter


# ---------------------------------------------------------------- errors


WRONG = {
    "steps": [
        lambda: drawing.unrolled(0),
        lambda: drawing.unrolled(9),
        lambda: drawing.unrolled(2.5),
        lambda: drawing.unrolled(True),
        lambda: drawing.rolled_and_unrolled(6),
    ],
    "inputs": [
        lambda: drawing.unrolled(3, inputs=["a", "b"]),
        lambda: drawing.unrolled(inputs="abc"),
        lambda: drawing.unrolled(inputs=3),
        lambda: drawing.unrolled(inputs=["a", None]),
        lambda: drawing.unrolled(inputs=["a" * 40]),
    ],
    "outputs": [
        lambda: drawing.unrolled(3, outputs="first"),
        lambda: drawing.unrolled(3, outputs=["a"]),
        lambda: drawing.animate_unrolling(["a", "b"], np.zeros((2, 2)), np.zeros(3)),
        lambda: drawing.animate_unrolling(["a", "b"], np.zeros((2, 2)), [0, np.nan]),
        lambda: drawing.animate_unrolling(["a"], np.zeros((1, 2)), np.zeros((1, 7))),
    ],
    "activation": [lambda: drawing.neuron(activation="tan"), lambda: drawing.neuron(activation=None)],
    "values": [
        lambda: drawing.neuron(values={"x": 1}),
        lambda: drawing.neuron(values={**STEP, "c": 1}),
        lambda: drawing.neuron(values={**STEP, "x": "1"}),
        lambda: drawing.neuron(values={**STEP, "x": float("nan")}),
        lambda: drawing.neuron(values={**STEP, "x": 1e6}),
        lambda: drawing.neuron(values=[1, 2]),
        lambda: drawing.heat_map(np.zeros(3)),
        lambda: drawing.heat_map(np.zeros((2, 3, 4))),
        lambda: drawing.heat_map(np.zeros((0, 4))),
        lambda: drawing.heat_map("abc"),
    ],
    "sizes": [
        lambda: drawing.layers((2, 3)),
        lambda: drawing.layers(3),
        lambda: drawing.layers((2, 0, 1)),
        lambda: drawing.layers((2, 3.0, 1)),
    ],
    "words": [
        lambda: drawing.feedforward_and_recurrent("this film"),
        lambda: drawing.feedforward_and_recurrent(["film"]),
        lambda: drawing.feedforward_and_recurrent(["film"] * 9),
        lambda: drawing.animate_unrolling([], np.zeros((0, 2))),
        lambda: drawing.animate_unrolling(["a"] * 11, np.zeros((11, 2))),
    ],
    "rows": [lambda: drawing.heat_map(np.zeros((3, 2)), rows=["a"])],
    "columns": [lambda: drawing.heat_map(np.zeros((3, 2)), columns=["a", "b"])],
    "limits": [
        lambda: drawing.heat_map(np.zeros((3, 2)), limits=(1, 2)),
        lambda: drawing.heat_map(np.zeros((3, 2)), limits=(0, 0)),
        lambda: drawing.heat_map(np.zeros((3, 2)), limits=1),
    ],
    "states": [
        lambda: drawing.animate_unrolling(["a", "b"], np.zeros((3, 2))),
        lambda: drawing.animate_unrolling(["a"], np.full((1, 2), 1.5)),
        lambda: drawing.animate_unrolling(["a"], np.full((1, 2), np.nan)),
        lambda: drawing.animate_unrolling(["a"], np.zeros((1, 17))),
        lambda: drawing.animate_unrolling(["a"], np.zeros(2)),
    ],
    "output_labels": [
        lambda: drawing.animate_unrolling(["a"], np.zeros((1, 2)), output_labels=["good"]),
        lambda: drawing.animate_unrolling(["a"], np.zeros((1, 2)), [0.5], output_labels=["good", "bad"]),
    ],
    "interval": [lambda: drawing.animate_unrolling(["a"], np.zeros((1, 2)), interval=0)],
}


@pytest.mark.parametrize("argument, call", [(name, call) for name, calls in WRONG.items() for call in calls])
def test_error_names_the_argument_what_came_and_the_fix(argument, call):
    with pytest.raises((TypeError, ValueError), match=rf"^(len\()?{argument}\b.* (must|may) .*got .*: ") as error:
        call()
    assert len(str(error.value)) < 300
    assert plt.get_fignums() == []


# ---------------------------------------------------------------- the animation


def frames_of(page):
    return [
        base64.b64decode(data.replace("\\\n", ""))
        for data in re.findall(r'frames\[\d+\] = "data:image/png;base64,([^"]*)"', page)
    ]


def test_animation_asks_no_third_party(page):
    assert not re.search(r"https?:|//[a-z]+\.|<link|@import|url\(", re.sub(r"base64,[^\"]*", "", page))
    assert "fa-" not in re.sub(r"base64,[^\"]*", "", page)


def test_animation_buttons_have_plain_signs_and_names(page):
    buttons = re.findall(r"<button ([^>]*)>\s*<span aria-hidden=\"true\">([^<]+)</span></button>", page)
    assert len(buttons) == page.count("<button") == 9
    assert tuple(sign for _, sign in buttons) == animation.ICONS
    assert all(re.search(r'aria-label="[^"]+"', names) and "title=" in names for names, _ in buttons)
    named = dict(re.findall(r'aria-label="([^"]+)".*?<span aria-hidden="true">([^<]+)</span>', page, flags=re.S))
    assert named["Pause"] == "||" and named["Play"].isprintable()
    assert re.search(r'<input id="_anim_slider[^>]*aria-label="Step"', page)


def test_animation_is_the_same_every_time(page):
    assert film().data == page


def test_two_animations_do_not_share_names(page):
    other = drawing.animate_unrolling(["bad"], np.zeros((1, 2))).data
    names = [re.search(r'id="_anim_img([0-9a-f]{32})"', text)[1] for text in (page, other)]
    assert names[0] != names[1]
    assert names[1] not in page
    assert set(re.findall(r"anim([0-9a-f]{32})", other)) == {names[1]}


def test_animation_is_small(page):
    assert len(page.encode()) < 200_000
    assert len(frames_of(page)) == 7


def test_animation_waits_for_the_reader_and_shows_the_whole_first(page):
    start = page[page.rindex("(function() {\n    var img_id") :]
    assert "play_animation" not in start and "reverse_animation" not in start and "autoplay" not in page
    assert re.search(r"= new Animation\([^;]*;\s*anim[0-9a-f]{32}\.last_frame\(\);", start)
    assert re.search(
        r'onclick="if \(anim(\w+)\.current_frame === [^"]*first_frame\(\); anim\1\.play_animation\(\)"', page
    )
    shown = re.search(r'<img [^>]*src="data:image/png;base64,([^"]*)"', page)[1]
    assert base64.b64decode(shown) == frames_of(page)[-1]
    assert re.search(r'value="once"[^>]*checked', page)


def test_animation_fits_a_phone_and_has_a_text(page):
    image = re.sub(r'src="[^"]*"', "", re.search(r"<img [^>]*>", page)[0])
    assert re.search(r"width:\d{3}px;max-width:100%;height:auto", image)
    assert "the film was not very good" in re.search(r'alt="([^"]*)"', image)[1]
    assert re.search(r"\.anim-slider \{ max-width: 100%", page)


def test_animation_takes_a_text_and_leaves_no_figure():
    page = drawing.animate_unrolling(["bad"], np.zeros((1, 2)), alt='reads "a" & <b>').data
    assert 'alt="reads &quot;a&quot; &amp; &lt;b&gt;"' in page
    assert plt.get_fignums() == []


def test_animation_fills_in(page):
    pictures = [np.asarray(Image.open(io.BytesIO(frame)).convert("RGB"), dtype=float) for frame in frames_of(page)]
    saturation = [(picture.max(axis=2) - picture.min(axis=2)).sum() for picture in pictures]
    assert all(before < after for before, after in itertools.pairwise(saturation))


@pytest.mark.parametrize("steps, count", [(1, 0), (2, 1), (3, 3), (5, 1), (6, 1), (7, 3), (8, 1), (10, 0), (10, 3)])
def test_animation_frames_are_readable(steps, count):
    words = [*SENTENCE, "and", "extraordinary"][:steps]
    labels = ["positive", "negative", "neutral"][:count] if count > 1 else ["$y_t$"][:count]
    outputs = np.linspace(-1, 1, steps * count).reshape(steps, count) if count else None
    scene = animation._Scene(words, np.zeros((steps, 4)), outputs, labels)
    for read in (0, steps):
        scene.draw(read)
        assert_readable(scene.ax.figure)
        for text in visible_texts(scene.ax.figure):
            assert contrast(text.get_color(), "white") >= 4.5


def test_change_of_matplotlibs_page_is_noticed():
    with pytest.raises(RuntimeError, match="matplotlib's animation page has changed"):
        animation._self_contained("<html></html>", "alt", 600)


def test_the_animation_is_silent_in_the_style_of_the_book(recwarn):
    with plt.rc_context():
        drawing.use_style()
        drawing.animate_unrolling(["not", "bad"], np.zeros((2, 3)))
    assert not [w for w in recwarn if "layout" in str(w.message)]
