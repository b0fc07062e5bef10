"""The replier: it says what decoding finds, its steps are taken off, and mistakes are named."""

import numpy as np
import pytest

import rnn_course
from rnn_course import architectures, data, decoding
from rnn_course.applications import TRAINED, replies
from tests.reference import numpy

QUESTIONS = ["What day is 3 March 2027?", "It is 10:05. What time is it in 5 minutes?", "Is 2028 a leap year?"]
STEPS = ["Monday + 2", "10:10", "0 left over"]
ANSWERS = ["Wednesday", "10:10", "Yes"]


def replier(attention=True):
    """An untrained one."""
    known = replies.vocabularies(QUESTIONS, replies.with_steps(STEPS, ANSWERS))
    model = architectures.EncoderDecoder(*map(len, known), 8, embedding=5, attention=attention)
    model([np.ones((1, 2), "int32")] * 2)
    tokens = {"source": known[0].tokens, "target": known[1].tokens}
    return replies.Replier(model, {"exact": 0.5}, **tokens, longest=16)


@pytest.mark.parametrize(
    "answer", ["10:30", "3 March 2028", "4:-15 = 3:45", "-1 of 31 = 30 June 2020", "19 - 4 = 15", "Monday + 2 = Friday"]
)
def test_what_is_taken_apart_is_put_together(answer):
    assert replies.joined(replies.words(answer)) == answer


def test_answers_of_all_questions_can_be_put_together():
    _, steps, answers, _ = data.questions(2000, seed=3)
    for written in replies.with_steps(steps, answers):
        assert (
            replies.joined(replies.words(written)) == written and len(replies.words(written).split()) <= replies.LONGEST
        )


def test_words():
    assert replies.words("It's 10:30, 3rd_of!") == "It ' s 10 : 30 , 3 rd _ of !"


def test_pairs_teach_the_next_word():
    written = replies.with_steps(STEPS, ANSWERS)
    known = source, target = replies.vocabularies(QUESTIONS, written)
    (x, before), after = replies.pairs(QUESTIONS, written, known)
    assert source.decode(x) == [replies.words(question.lower()) for question in QUESTIONS]
    for read, next_words, answer in zip(target.decode(before), target.decode(after), written):
        assert next_words == replies.words(answer) + " $" and read.startswith("^ " + replies.words(answer))


def test_it_writes_what_decoding_finds():
    app = replier()
    source = app.source.encode([replies.words(question.lower()) for question in QUESTIONS])
    start, end = app.target.encode("^ $").tolist()
    greedy = decoding.greedy(app.model.step, app.model.start(source), start, end, replies.LONGEST + 1)
    written, probabilities = app.think_with_probability(QUESTIONS)
    assert written == [replies.joined(text) for text in app.target.decode(greedy)] == app.think(QUESTIONS)
    assert app.reply(QUESTIONS) == [text.rpartition("= ")[2] for text in written]
    one, probability = app.think_with_probability(QUESTIONS[1])
    assert one == written[1] and np.isclose(probability, probabilities[1], atol=1e-5)


def test_the_probability_is_that_of_its_words():
    app = replier()
    written, probability = app.think_with_probability(QUESTIONS[0])
    x, tokens = (
        app.source.encode([replies.words(QUESTIONS[0].lower())]),
        app.target.encode(f"^ {replies.words(written)}"),
    )
    following = [*tokens[1:], int(app.target.encode("$")[0])][: replies.LONGEST + 1]
    logits = numpy(app.model([x, tokens[None]]))[0].astype("float64")[:, 1:]
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = np.prod([row[token - 1] for row, token in zip(chances, following)])
    assert np.isclose(probability, expected, rtol=1e-3)


def test_it_looks_where_its_model_attends():
    app = replier()
    read, written, weights = app.look(QUESTIONS[0])
    assert read == "what day is 3 march 2027 ?".split() and " ".join(written) == replies.words(app.think(QUESTIONS[0]))
    assert weights.shape == (len(written), len(read))
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
    with pytest.raises(ValueError, match="no attention"):
        replier(attention=False).look(QUESTIONS[0])


def test_it_comes_back_from_its_file(tmp_path):
    app = replier()
    app.save(tmp_path / "mine.zip")
    again = rnn_course.load(tmp_path / "mine.zip")
    assert (type(again), again.results, again.settings) == (replies.Replier, {"exact": 0.5}, app.settings)
    assert again.think(QUESTIONS) == app.think(QUESTIONS)


@pytest.mark.parametrize(
    ("questions", "error", "words"),
    [
        (None, TypeError, "a string or a list of strings; received NoneType"),
        ([], ValueError, "`questions` must not be empty"),
        ([3], TypeError, "`questions` must be a string; received 3"),
        ("  ", ValueError, "must not be empty"),
        (
            "What day is 3 March 1999?",
            ValueError,
            "does not know: '1999'. It answers questions about dates from 2027 to 2028",
        ),
        ("When is Easter?", ValueError, "'when', 'easter'"),
        ("is " * 17, ValueError, "at most 16 words, numbers and signs; received 17"),
    ],
)
def test_mistakes_are_named(questions, error, words):
    app = replier()
    for use in (app.reply, app.think, app.think_with_probability):
        with pytest.raises(error, match=words):
            use(questions)


def test_another_model_is_refused():
    with pytest.raises(TypeError, match="`model` must be an EncoderDecoder"):
        replies.Replier(5, source=["a"], target=["^", "$"], longest=3)


def test_what_comes_with_the_package_reaches_its_results():
    if not (TRAINED / "replies.zip").exists():
        pytest.skip("not trained yet")
    app = rnn_course.load("replies")
    assert app.reply("What day is 3 March 2027?") == "Wednesday"
    for result, split in {"exact": "test", "new_wordings": "new wordings"}.items():
        asked, _, answers, _ = data.questions(300, seed=9, split=split)
        share = np.mean([reply == answer for reply, answer in zip(app.reply(asked), answers)])
        assert abs(share - app.results[result]) < 0.05 and share > 0.95
    assert app.results["nearest_question"] < 0.5
