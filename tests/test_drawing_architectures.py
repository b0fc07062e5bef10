"""The pictures of the architectures: readable, and each with the reads, the writes and the arrows of its shape."""

import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import same_color
from matplotlib.patches import FancyArrowPatch

from rnn_course import drawing
from tests.test_drawing import assert_readable, behind, contrast, figure_of, visible_texts

SENTENCE = "We had hoped for better".split()
PICTURES = {
    "one_to_one": lambda: drawing.one_to_one(),
    "four_shapes": lambda: drawing.four_shapes(),
    **{f"sequence_to_sequence {n}": lambda n=n: drawing.sequence_to_sequence(n) for n in range(1, 9)},
    **{f"sequence_to_vector {n}": lambda n=n: drawing.sequence_to_vector(n) for n in range(1, 9)},
    **{f"vector_to_sequence {n}": lambda n=n: drawing.vector_to_sequence(n) for n in range(1, 8)},
    **{
        f"encoder_decoder {reads} {writes}": lambda reads=reads, writes=writes: drawing.encoder_decoder(reads, writes)
        for reads, writes in [(1, 1), (3, 3), (2, 5), (7, 1), (4, 4)]
    },
    **{f"bidirectional {n}": lambda n=n: drawing.bidirectional(n) for n in range(1, 6)},
    **{f"deep {n}": lambda n=n: drawing.deep(6 if n == 1 else n, layers=n) for n in range(1, 5)},
    "words": lambda: drawing.sequence_to_sequence(inputs=SENTENCE, outputs=["PRON", "VERB", "VERB", "PREP", "ADV"]),
    "verdict": lambda: drawing.sequence_to_vector(inputs=SENTENCE, output="complaint"),
    "one word": lambda: drawing.sequence_to_vector(inputs=["extraordinarily"], output="unconvincing"),
    "caption": lambda: drawing.vector_to_sequence(input="picture", outputs=["a", "large", "red", "circle"]),
    "translation": lambda: drawing.encoder_decoder(inputs=["20", "November"], outputs=["20", "novembre", "end"]),
    "both ways": lambda: drawing.bidirectional(inputs=SENTENCE, outputs=SENTENCE),
    "stacked": lambda: drawing.deep(inputs=SENTENCE, outputs=SENTENCE),
}


@pytest.mark.parametrize("name", PICTURES)
def test_picture_is_readable(name):
    figure = figure_of(PICTURES[name]())
    assert_readable(figure)
    assert figure.get_figwidth() <= 6
    for text in visible_texts(figure):
        assert contrast(text.get_color(), behind(text)) >= 4.5, text


@pytest.mark.parametrize(
    "words", [["w" * 16], ["a", "w" * 16], ["w" * 16] * 5, ["a", "bmciwwibaicil", "m"], ["i"] * 3 + ["extraordinarily"]]
)
def test_long_words_fit(words):
    for draw in (drawing.sequence_to_sequence, drawing.bidirectional, drawing.deep):
        assert_readable(draw(inputs=words, outputs=words).figure)
    assert_readable(drawing.encoder_decoder(inputs=words[:3], outputs=words[:3]).figure)


def arrows(ax, role):
    patches = [patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)]
    return [patch for patch in patches if same_color(patch.get_edgecolor(), drawing.COLORS[role])]


def written(ax):
    return [text.get_text() for text in ax.texts]


def test_who_reads_and_who_writes():
    aligned, last = drawing.sequence_to_sequence(4), drawing.sequence_to_vector(4)
    assert [f"$y_{{{t}}}$" in written(aligned) for t in (1, 4)] == [True, True]
    assert written(last).count("$y$") == 1 and "$y_{1}$" not in written(last)
    assert len(arrows(aligned, "hidden")) == 3 + 4 and len(arrows(last, "hidden")) == 3 + 1
    assert len(arrows(drawing.one_to_one(), "hidden")) == 1  # no way along time


@pytest.mark.parametrize("draw", [drawing.vector_to_sequence, lambda steps: drawing.encoder_decoder(2, steps)])
def test_what_was_written_is_read_at_the_next_step(draw):
    ax = draw(4)
    assert len(arrows(ax, "output")) == 3  # the last output goes nowhere
    assert written(ax).count("$y_{1}$") == 2 and written(ax).count("$y_{4}$") == 1
    assert not arrows(drawing.sequence_to_sequence(4), "output")


def test_bidirectional_hands_on_in_both_directions():
    ax = drawing.bidirectional(3)
    assert len(arrows(ax, "hidden")) == 2 * 2 + 2 * 3  # along time, and up
    assert len(arrows(ax, "input")) == 2 * 3  # both networks read every step
    assert sum("rightarrow" in text for text in written(ax)) == sum("leftarrow" in text for text in written(ax)) == 3


def test_deep_hands_on_within_and_between_layers():
    ax = drawing.deep(3, layers=2)
    assert len(arrows(ax, "hidden")) == 2 * 2 + 2 * 3  # along time, and up
    assert len(arrows(ax, "input")) == 3


@pytest.mark.parametrize("name", ["one_to_one", "sequence_to_sequence", "encoder_decoder", "bidirectional", "deep"])
def test_draws_on_the_given_axes(name):
    figure, ax = plt.subplots()
    assert getattr(drawing, name)(ax=ax) is ax
    with pytest.raises(TypeError, match="ax must be a matplotlib Axes"):
        getattr(drawing, name)(ax=figure)


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda: drawing.sequence_to_sequence(0), "steps must be from 1 to 8"),
        (lambda: drawing.sequence_to_vector("3"), "steps must be a whole number"),
        (lambda: drawing.vector_to_sequence(8), "steps must be from 1 to 7"),
        (lambda: drawing.encoder_decoder(5, 4), "writes must be from 1 to 3"),
        (lambda: drawing.deep(2, layers=5), "layers must be from 1 to 4"),
        (lambda: drawing.bidirectional(2, inputs=["a"]), "inputs must have 2 entries"),
        (lambda: drawing.sequence_to_sequence(inputs="ab"), "must be a list of strings"),
    ],
)
def test_errors_name_the_argument(draw, words):
    with pytest.raises((TypeError, ValueError), match=words):
        draw()
