"""The captioner: what it writes is what decoding finds, it looks where its model does, and mistakes are named."""

import keras
import numpy as np
import pytest

import rnn_course
from rnn_course import architectures, data, decoding
from rnn_course.applications import TRAINED, captioning
from rnn_course.applications.application import share_right
from tests.reference import numpy

CAPTIONS = ["red left of blue", "blue", "red", "green right of red"]
WORDS = captioning.vocabulary(CAPTIONS)
IMAGES = np.random.default_rng(0).random((4, 8, 12)).astype("float32")


def captioner(writer=architectures.GridToSequence, by="word"):
    """An untrained one, for images of 8 by 12, with a grid of 2 by 3."""
    tokens = captioning.vocabulary(CAPTIONS, by)
    eye = [
        keras.Input((8, 12)),
        keras.layers.Reshape((8, 12, 1)),
        keras.layers.Conv2D(5, 4, 4),
        keras.layers.Reshape((6, 5) if writer is architectures.GridToSequence else (30,)),
    ]
    model = captioning.joined(keras.Sequential(eye, name="eye"), writer(len(tokens), 7, name="writer"))
    return captioning.Captioner(
        model, {"exact": 0.5}, name="captioning", tokens=tokens.tokens, by=by, grid=(2, 3), longest=9
    )


@pytest.mark.parametrize("by", ["word", "character"])
def test_teacher_forcing_is_the_caption_shifted_by_one(by):
    tokens = captioning.vocabulary(CAPTIONS, by)
    before, after = captioning.encoded(CAPTIONS, tokens)
    np.testing.assert_array_equal(before[:, 1:] * (after[:, 1:] > 0), after[:, :-1] * (after[:, 1:] > 0))
    joint = " " if by == "word" else ""
    for read, written, caption in zip(tokens.decode(before), tokens.decode(after), CAPTIONS):
        assert written == joint.join([caption, "$"])
        assert read.startswith(joint.join(["^", caption]))
    assert len(tokens) == 1 + 2 + len({t for c in CAPTIONS for t in (c.split() if by == "word" else c)})


def test_share_right():
    assert share_right(["a", "b", "c", "d"], ["a", "b", "c", "e"]) == 0.75


@pytest.mark.parametrize("by", ["word", "character"])
def test_it_writes_what_decoding_finds(by):
    app = captioner(by=by)
    start, end = app.vocabulary.encode("^ $" if by == "word" else "^$").tolist()
    state = app.writer.start(app.eye(IMAGES))
    greedy = decoding.greedy(app.writer.step, state, start, end, 10)
    assert app.caption(IMAGES) == app.vocabulary.decode(greedy)
    assert app.caption(IMAGES[1]) == app.caption(IMAGES)[1] == app.caption(IMAGES[1].astype("float64").tolist())
    beams, _ = decoding.beam_search(app.writer.step, state, start, end, 10, beams=3)
    assert app.caption(IMAGES, beams=3) == app.vocabulary.decode(beams[:, 0])


def test_log_probabilities_are_those_of_its_words():
    """Word by word, with the model's own softmax."""
    app = captioner()
    log_p = app.log_probabilities(IMAGES, CAPTIONS)
    for image, caption, found in zip(IMAGES, CAPTIONS, log_p):
        numbers = WORDS.encode(f"^ {caption} $")
        logits = numpy(app.model([image[None], numbers[None, :-1]]))[0].astype("float64")
        chances = np.exp(logits[:, 1:]) / np.exp(logits[:, 1:]).sum(axis=1, keepdims=True)  # without padding
        expected = np.log(chances[np.arange(len(chances)), numbers[1:] - 1]).sum()
        assert np.isclose(found, expected, atol=1e-4)
        assert np.isclose(app.log_probabilities(image, caption), expected, atol=1e-4)


def test_it_looks_where_its_writer_attends():
    app = captioner()
    tokens, maps = app.look(IMAGES[0])
    assert " ".join(tokens) == app.caption(IMAGES[0]) and maps.shape == (len(tokens), 2, 3)
    np.testing.assert_allclose(maps.sum(axis=(1, 2)), 1, atol=1e-5)
    state = app.writer.start(app.eye(IMAGES[:1]))
    start = app.vocabulary.encode("^")
    _, (hidden, *_, memory) = app.writer.step(start, state)
    _, weights = app.writer.attend(hidden[:, None], memory)
    np.testing.assert_allclose(maps[0].ravel(), numpy(weights)[0, 0], atol=1e-5)
    for image, (said, seen) in zip(IMAGES, app.look(IMAGES), strict=True):
        alone, map_alone = app.look(image)
        assert alone == said
        np.testing.assert_allclose(map_alone, seen, atol=1e-5)


@pytest.mark.parametrize("name", ["captioning", "digits"])
def test_it_comes_back_from_its_file(name, tmp_path):
    app = captioner()
    app.name = app.settings["name"] = name
    app.save(tmp_path / "mine.zip")
    again = rnn_course.load(tmp_path / "mine.zip")
    assert (type(again), again.name, again.results) == (captioning.Captioner, name, {"exact": 0.5})
    assert again.settings == app.settings and again.caption(IMAGES) == app.caption(IMAGES)


@pytest.mark.parametrize(
    ("images", "error", "words"),
    [
        ("house.png", TypeError, "array of numbers from 0 to 1; received str"),
        (None, TypeError, "received NoneType"),
        ([[0.5], [0.5, 1.0]], TypeError, "received list"),
        (IMAGES > 0.5, TypeError, "array of numbers"),
        (IMAGES[:, :, :-1], ValueError, r"shape \(8, 12\), or \(B, 8, 12\) for several; received \(4, 8, 11\)"),
        (IMAGES[0, 0], ValueError, r"received \(12,\)"),
        (IMAGES[None], ValueError, r"received \(1, 4, 8, 12\)"),
        (IMAGES[:0], ValueError, r"received \(0, 8, 12\)"),
        (IMAGES * 255, ValueError, "Divide those from 0 to 255 by 255"),
        (IMAGES - 1, ValueError, "values from 0 to 1"),
        (IMAGES * np.nan, ValueError, "values from 0 to 1"),
    ],
)
def test_what_is_no_image_is_named(images, error, words):
    app = captioner()
    for use in (app.caption, app.look, lambda images: app.log_probabilities(images, CAPTIONS)):
        with pytest.raises(error, match=f"`images`.*{words}"):
            use(images)


@pytest.mark.parametrize(
    ("use", "error", "words"),
    [
        (lambda app: app.caption(IMAGES, beams=0), ValueError, "`beams` must be a positive whole number"),
        (lambda app: app.log_probabilities(IMAGES, CAPTIONS[:3]), ValueError, "as many as images; received 3 for 4"),
        (lambda app: app.log_probabilities(IMAGES[0], "red cat"), ValueError, "'cat'"),
        (lambda app: captioning.joined(app.eye, app.eye), TypeError, "`writer` must be a Writer"),
        (lambda app: captioner(architectures.VectorToSequence).look(IMAGES[0]), ValueError, "has no attention"),
    ],
)
def test_other_mistakes_are_named(use, error, words):
    with pytest.raises(error, match=words):
        use(captioner())


def test_one_vector_is_enough_to_write():
    assert len(captioner(architectures.VectorToSequence).caption(IMAGES)) == 4


SPLITS = {
    "captioning": (data.scenes, {"exact": "test", "new_combinations": "new combinations"}),
    "digits": (data.house_numbers, {"exact": "test", "new_numbers": "new numbers"}),
}


@pytest.mark.parametrize("name", SPLITS)
def test_what_comes_with_the_package_reaches_its_results(name):
    if not (TRAINED / f"{name}.zip").exists():
        pytest.skip("not trained yet")
    app = rnn_course.load(name)
    draw, splits = SPLITS[name]
    for result, split in splits.items():
        images, captions, *_ = draw(200, seed=9, split=split)
        assert abs(share_right(app.caption(images), captions) - app.results[result]) < 0.08
    assert max(value for key, value in app.results.items() if "nearest" in key) < app.results["exact"] - 0.2
