"""Replies: a question in, an answer out, by an encoder and a decoder with attention."""

import re

import keras
import numpy as np

from rnn_course import architectures, decoding
from rnn_course.applications.application import Application, several, text
from rnn_course.applications.captioning import END, START, encoded, vocabulary
from rnn_course.data import Vocabulary

EQUALS = "="  # between the steps and the answer
LONGEST = 10  # words of steps and answer


def words(sentence):
    """Take a sentence apart: into words, numbers and signs, with a space between them.

    Examples
    --------
    >>> words("It's 10:30, March 3rd!")
    "It ' s 10 : 30 , March 3 rd !"
    """
    return " ".join(re.findall(r"\d+|[^\W\d_]+|[^\w\s]|_", sentence))


def joined(answer):
    """Put together an answer that `words` has taken apart: "10 : 30" is 10:30."""
    return re.sub(r"(^|:)- ", r"\1-", answer.replace(" : ", ":"))


def with_steps(steps, answers):
    """Return what a model is to write that writes the steps to its answer first: "Monday + 2 = Wednesday"."""
    return [f"{step} {EQUALS} {answer}" for step, answer in zip(steps, answers, strict=True)]


def vocabularies(questions, answers):
    """Return the `rnn_course.data.Vocabulary` of questions, which are read in lower case, and that of answers.

    Parameters
    ----------
    questions, answers : list of str
        What the model is trained on.
    """
    return Vocabulary.of([words(question.lower()) for question in questions], "word"), vocabulary(map(words, answers))


def pairs(questions, answers, known):
    """Return what a model is trained on: ([questions, answers so far], next words), int32 arrays for `fit`.

    Parameters
    ----------
    questions, answers : list of str
        N of each.
    known : pair of rnn_course.data.Vocabulary
        From `vocabularies`.
    """
    source, target = known
    before, after = encoded(map(words, answers), target)
    return [source.encode([words(question.lower()) for question in questions]), before], after


def after_steps(written):
    """Return the answer alone."""
    return written.rpartition(f"{EQUALS} ")[2]


class Replier(Application):
    """Answers questions of the kind that it was trained on: about dates from 2020 to 2031, and times.

    It knows no calendar. It has learned answers to `rnn_course.data.questions` from examples, so it may be wrong, and
    it answers whatever is made of its words: about a day that does not exist it says something, too.

    Parameters
    ----------
    model : rnn_course.architectures.EncoderDecoder
        The trained model.
    results : dict, optional
        As in `Application`.
    source, target : list of str
        The tokens of the two vocabularies, from `vocabularies`.
    longest : int
        Most words of a question, numbers and signs included.

    Examples
    --------
    >>> import rnn_course
    >>> rnn_course.load("replies").reply("What day is 3 March 2027?")
    'Wednesday'
    """

    name = "replies"

    def __init__(self, model, results=None, *, source, target, longest):
        if not isinstance(model, architectures.EncoderDecoder):
            raise TypeError(f"`model` must be an EncoderDecoder of rnn_course.architectures; received {model!r}.")
        source, target = ([token for token in tokens if token] for tokens in (source, target))
        super().__init__(model, results, source=source, target=target, longest=longest)
        self.source, self.target = Vocabulary(source, "word"), Vocabulary(target, "word")

    def reply(self, questions):
        """Answer.

        Parameters
        ----------
        questions : str or list of str
            A question, or several.

        Returns
        -------
        str or list of str
            The answer to each: a weekday, a date as "3 March 2027", a time as "10:30", a number, or "Yes" or "No".

        Raises
        ------
        TypeError
            If a question is not a string.
        ValueError
            If a question is empty, too long, or has a word or number that the model does not know.
        """
        written = self.think(questions)
        return after_steps(written) if isinstance(questions, str) else list(map(after_steps, written))

    def think(self, questions):
        """Answer, with the steps before.

        Parameters
        ----------
        questions : str or list of str
            As in `reply`.

        Returns
        -------
        str or list of str
            All that is written, such as "Monday + 2 = Wednesday"; `reply` returns what comes after the equals sign.

        Raises
        ------
        TypeError, ValueError
            As in `reply`.
        """
        return self.think_with_probability(questions)[0]

    def think_with_probability(self, questions):
        """Answer, and say how probable what is written is to the model.

        Parameters
        ----------
        questions : str or list of str
            As in `reply`.

        Returns
        -------
        written : str or list of str
            As in `think`.
        probabilities : float or numpy.ndarray
            From 0 to 1; for several questions of shape (N,).

        Raises
        ------
        TypeError, ValueError
            As in `reply`.
        """
        source = self._read(questions)
        start, end = self.target.encode(f"{START} {END}").tolist()
        state = self.model.start(source)
        tokens, log_p = decoding.beam_search(self.model.step, state, start, end, LONGEST + 1, beams=1)
        written, probabilities = list(map(joined, self.target.decode(tokens[:, 0]))), np.exp(log_p[:, 0])
        return (written[0], float(probabilities[0])) if isinstance(questions, str) else (written, probabilities)

    def look(self, question):
        """Say which words of the question the model looks at as it writes steps and answer.

        Parameters
        ----------
        question : str
            One question.

        Returns
        -------
        read : list of str
            The S words of the question, as the model reads them.
        written : list of str
            The T words of its steps and answer.
        weights : numpy.ndarray
            Shape (T, S): how much weight each word has as each of these is written; a row sums to 1.

        Raises
        ------
        TypeError, ValueError
            As in `reply`; a ValueError if the model has no attention.
        """
        source = self._read(text("question", question))
        answer = words(self.think(question))
        before, _ = encoded([answer], self.target)
        weights = keras.ops.convert_to_numpy(self.model.attention([source, before]))[0]
        written = answer.split()
        return words(question.lower()).split(), written, weights[: len(written)]

    def _read(self, questions):
        """Return the numbers (N, S) of the questions' words, or say what is wrong."""
        longest = self.settings["longest"]
        rows = [words(text("questions", question).lower()) for question in several("questions", questions)]
        for question, row in zip(questions, rows):
            if len(row.split()) > longest:
                raise ValueError(
                    f"`questions` must have at most {longest} words, numbers and signs; received {len(row.split())} "
                    f"in {question!r}. Shorten it."
                )
            unknown = [word for word in row.split() if word not in self.source]
            if unknown:
                raise ValueError(
                    f"`questions` has words that the model does not know: {', '.join(map(repr, unknown))}. It answers "
                    f"questions about {self._years()}, and times in steps of five minutes. Ask in other words."
                )
        return self.source.encode(rows)

    def _years(self):
        years = sorted(token for token in self.source.tokens if re.fullmatch(r"\d{4}", token))
        return f"dates from {years[0]} to {years[-1]}" if years else "dates"
