"""Text: a language model of characters, which says what comes next, and so can write."""

import keras
import numpy as np

from rnn_course import architectures, decoding, language
from rnn_course.applications.application import Application, text
from rnn_course.checks import positive
from rnn_course.data import Vocabulary

PIECE, CONTEXT = 400, 100  # characters of a long text that are read at once, and those that are read before them


def pairs(learn, characters, steps):
    """Return what a language model is trained on: characters, and those that follow, int32 arrays (N, steps) for `fit`.

    Parameters
    ----------
    learn : str
        A text.
    characters : rnn_course.data.Vocabulary
        Its characters.
    steps : int
        How many characters an example has. Each begins where the one before ends.
    """
    cut = language.windows(characters.encode("\n" + learn), steps, steps)
    return cut[:, :-1], cut[:, 1:]


class Author(Application):
    """Writes on, one character after another, in the style of what it was trained on: `rnn_course.data.prose`.

    Parameters
    ----------
    model : rnn_course.architectures.LanguageModel
        The trained model.
    results : dict, optional
        As in `Application`.
    characters : list of str
        Its characters: the tokens of the vocabulary.

    Examples
    --------
    >>> import rnn_course
    >>> author = rnn_course.load("text")
    >>> len(author.write("The function returns", length=50, seed=1))
    50
    """

    name = "text"
    longest = 50_000

    def __init__(self, model, results=None, *, characters):
        if not isinstance(model, architectures.LanguageModel):
            raise TypeError(f"`model` must be a LanguageModel of rnn_course.architectures; received {model!r}.")
        characters = [character for character in characters if character]
        super().__init__(model, results, characters=characters)
        self.vocabulary = Vocabulary(characters)

    def write(self, start, length=200, temperature=0.7, top_k=None, seed=0, count=None):
        """Write on.

        Parameters
        ----------
        start : str
            What the text begins with.
        length : int
            How many characters are written.
        temperature : float
            Below 1 the author is careful, above 1 it is bold; at 1 it draws by the model's own probabilities.
        top_k : int, optional
            Draw among that many most probable characters only.
        seed : int
            The same seed writes the same text.
        count : int, optional
            How many different continuations; all are drawn at once, which takes hardly longer than one.

        Returns
        -------
        str or list of str
            What follows after `start`: one text, or `count` texts if that is given.

        Raises
        ------
        TypeError
            If `start` is not a string.
        ValueError
            If `start` is empty or has unknown characters, or a number is not positive.
        """
        read = self._read("start", start)
        positive(length=length, **({} if count is None else {"count": count}))
        rows = np.repeat(read[None], count or 1, axis=0)
        state, never = self.model.start(rows[:, :-1]), len(self.vocabulary)  # no character ends a text
        tokens = decoding.sample(
            self.model.step, state, int(read[-1]), never, length, temperature=temperature, top_k=top_k, seed=seed
        )
        written = self.vocabulary.decode(tokens)
        return written[0] if count is None else written

    def bits(self, text):
        """Say how well the model predicts a text: the mean of `surprises`.

        Parameters
        ----------
        text : str
            Any text of its characters.

        Returns
        -------
        float
            Bits per character. The less, the better it knew what would come.

        Raises
        ------
        TypeError
            If `text` is not a string.
        ValueError
            If it is empty, has unknown characters, or is too long.
        """
        return float(self.surprises(text).mean())

    def surprises(self, text):
        """Say what each character of a text costs, with those before it known.

        Parameters
        ----------
        text : str
            As in `bits`.

        Returns
        -------
        numpy.ndarray
            Shape (N,), float64: minus the binary logarithm of the probability of each character. A long text is read
            in pieces, so that each character comes after at least 100 others, or after all that there are.

        Raises
        ------
        TypeError, ValueError
            As in `bits`.
        """
        logits = keras.ops.convert_to_numpy(self.model.to_logits(self._hidden("text", text)[:-1]))
        log_p = decoding.log_softmax(decoding.without_padding(logits))
        return -log_p[np.arange(len(text)), self.vocabulary.encode(text)] / np.log(2)

    def hidden(self, text):
        """Return the hidden states of the model after each character of a text.

        Parameters
        ----------
        text : str
            As in `bits`.

        Returns
        -------
        numpy.ndarray
            Shape (N, H), float32.

        Raises
        ------
        TypeError, ValueError
            As in `bits`.
        """
        return self._hidden("text", text)[1:]

    def _hidden(self, name, value):
        """Return the hidden states (N + 1, H) after a new line and after each character, read in pieces at once."""
        read = self._read(name, value)
        firsts = np.arange(0, len(read), PIECE)
        before = np.minimum(firsts, CONTEXT)
        rows = np.zeros((len(firsts), min(len(read), CONTEXT + PIECE)), "int32")
        for row, first, known in zip(rows, firsts, before):
            piece = read[first - known : first + PIECE]
            row[: len(piece)] = piece
        hidden = keras.ops.convert_to_numpy(self.model.hidden(rows))
        return np.concatenate([row[known : known + PIECE] for row, known in zip(hidden, before)])[: len(read)]

    def _read(self, name, value):
        """Return the numbers of a new line and of the text's characters, or say what is wrong."""
        return self.vocabulary.encode("\n" + text(name, value, self.vocabulary, self.longest))
