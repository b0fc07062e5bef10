"""The author: its bits are those of its model, it writes what decoding draws, and mistakes are named."""

import numpy as np
import pytest

import rnn_course
from rnn_course import architectures, data, decoding, language
from rnn_course.applications import TRAINED
from rnn_course.applications import text as module
from tests.reference import numpy

CHARACTERS = data.Vocabulary([*"abcdef .\n"])
TEXT = "a bad cafe. a faded facade."


@pytest.fixture
def author():
    model = architectures.LanguageModel(len(CHARACTERS), 7, embedding=4)
    model(np.ones((1, 2), "int32"))
    return module.Author(model, {"bits": 3.0}, characters=CHARACTERS.tokens)


def probabilities(author, text):
    """The model's softmax, without padding, before each character: one call for each beginning."""
    read = CHARACTERS.encode("\n" + text)
    for at in range(1, len(read)):
        logits = numpy(author.model(read[None, :at]))[0, -1].astype("float64")[1:]
        yield (np.exp(logits) / np.exp(logits).sum())[read[at] - 1]


def test_examples_are_shifted_by_one():
    x, y = module.pairs(TEXT, CHARACTERS, 5)
    assert x.shape == y.shape == (len(TEXT) // 5, 5)
    assert "".join(CHARACTERS.decode(x)) == ("\n" + TEXT)[: x.size]
    assert "".join(CHARACTERS.decode(y)) == TEXT[: y.size]


def test_surprises_are_those_of_the_model(author):
    expected = -np.log2(list(probabilities(author, TEXT)))
    np.testing.assert_allclose(author.surprises(TEXT), expected, atol=1e-4)
    assert author.bits(TEXT) == pytest.approx(expected.mean(), abs=1e-4)


def test_a_long_text_is_read_in_pieces_that_overlap(author):
    text = "".join(np.random.default_rng(0).choice(list("abcdef ."), 1030))
    read = CHARACTERS.encode("\n" + text)
    hidden = author.hidden(text)
    assert hidden.shape == (1030, 7)
    for first in (0, 399, 400, 555, 800, 1029):
        before = max(0, (first + 1) // module.PIECE * module.PIECE - module.CONTEXT)
        expected = numpy(author.model.hidden(read[None, before : first + 2]))[0, -1]
        np.testing.assert_allclose(hidden[first], expected, atol=1e-5)


def test_it_writes_what_decoding_draws(author):
    read = CHARACTERS.encode("\nbad ")
    state = author.model.start(np.tile(read[:-1], (3, 1)))
    drawn = decoding.sample(author.model.step, state, int(read[-1]), 99, 12, temperature=0.5, top_k=3, seed=4)
    settings = {"length": 12, "temperature": 0.5, "top_k": 3, "seed": 4}
    assert author.write("bad ", **settings, count=3) == CHARACTERS.decode(drawn)
    assert author.write("bad ", **settings) == author.write("bad ", **settings) and len(author.write("a")) == 200
    assert author.write("bad ", **settings) != author.write("bad ", **settings | {"seed": 5})


def test_cold_it_writes_the_most_probable(author):
    written = author.write("bad ", 3, temperature=1e-8)
    for at, character in enumerate(written):
        odds = {c: list(probabilities(author, "bad " + written[:at] + c))[-1] for c in CHARACTERS.tokens[1:]}
        assert character == max(odds, key=odds.get)


def test_it_comes_back_from_its_file(author, tmp_path):
    author.save(tmp_path / "mine.zip")
    again = rnn_course.load(tmp_path / "mine.zip")
    assert (type(again), again.results, again.settings) == (module.Author, {"bits": 3.0}, author.settings)
    assert again.write("bad", 20) == author.write("bad", 20) and again.bits(TEXT) == author.bits(TEXT)


@pytest.mark.parametrize(
    ("use", "error", "words"),
    [
        (lambda a: a.write(5), TypeError, "`start` must be a string; received 5"),
        (lambda a: a.write(""), ValueError, "`start` must not be empty"),
        (lambda a: a.write("Bad"), ValueError, "`start` has characters that the model does not know: 'B'"),
        (lambda a: a.write("bad", length=0), ValueError, "`length` must be a positive whole number"),
        (lambda a: a.write("bad", temperature=0), ValueError, "`temperature` must be above 0"),
        (lambda a: a.write("bad", top_k=0), ValueError, "`top_k` must be a positive whole number"),
        (lambda a: a.write("bad", count=0), ValueError, "`count` must be a positive whole number"),
        (lambda a: a.bits(None), TypeError, "`text` must be a string"),
        (lambda a: a.surprises("a" * 50_001), ValueError, "at most 50000 characters; received 50001"),
        (lambda a: a.hidden("é"), ValueError, "does not know: 'é'"),
        (lambda a: module.Author(5, characters=["a"]), TypeError, "`model` must be a LanguageModel"),
    ],
)
def test_mistakes_are_named(author, use, error, words):
    with pytest.raises(error, match=words):
        use(author)


def test_what_comes_with_the_package_reaches_its_results():
    if not (TRAINED / "text.zip").exists():
        pytest.skip("not trained yet")
    app = rnn_course.load("text")
    held_out = language.parts(data.prose(), 0.85, 0.9)[2]
    assert abs(app.bits(held_out[:10_000]) - app.results["bits"]) < 0.3  # another part, and maybe another Python
    assert app.results["bz2"] < app.results["bits"] < app.results["counts"]
    known = {word for word in language.words(data.prose())}
    words = language.words(app.write("The function returns", 200, temperature=0.5))[:-1]
    assert np.mean([word in known for word in words]) > 0.8
