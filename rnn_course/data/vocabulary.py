"""From text to numbers and back."""

import numpy as np

from . import _check


class Vocabulary:
    """Numbers for the characters or the words of a text.

    Tokens (a token is one character or one word) are numbered from 1 in sorted order. Number 0 is padding: it fills
    short texts up at the end, stands for no token and is skipped in decoding.

    Parameters
    ----------
    tokens : iterable of str
        The tokens, in any order; repeats count once.
    by : {"character", "word"}
        "character" takes a text apart into its characters; "word" splits it at white space.

    Attributes
    ----------
    tokens : tuple of str
        `tokens[i]` is the token with number `i`; `tokens[0]` is "", the padding.
    by : str
        "character" or "word".

    Examples
    --------
    >>> letters = Vocabulary.of("abba")
    >>> letters.encode("bab").tolist()
    [2, 1, 2]
    >>> words = Vocabulary.of(["not bad", "bad , not good"], by="word")
    >>> words.encode(["not bad", "good"]).tolist()
    [[4, 2], [3, 0]]
    >>> words.decode([4, 2])
    'not bad'
    """

    def __init__(self, tokens, by="character"):
        self.by = _check.one_of("by", by, ("character", "word"))
        self.tokens = ("", *sorted(set(tokens) - {""}))
        self._numbers = {token: number for number, token in enumerate(self.tokens) if number}

    @classmethod
    def of(cls, texts, by="character"):
        """The vocabulary of all tokens that occur in a text or in a list of texts.

        Parameters
        ----------
        texts : str or iterable of str
            What to collect the tokens from.
        by : {"character", "word"}
            What a token is.

        Returns
        -------
        Vocabulary
        """
        _check.one_of("by", by, ("character", "word"))
        texts = [texts] if isinstance(texts, str) else texts
        return cls({token for text in texts for token in _split(text, by)}, by)

    def __len__(self):
        """How many numbers there are, the padding included: the size of an embedding or a softmax."""
        return len(self.tokens)

    def __contains__(self, token):
        return token in self._numbers

    def __repr__(self):
        return f"<Vocabulary of {len(self) - 1} {self.by}s>"

    def encode(self, texts, length=None):
        """The numbers of a text, or of several texts padded to one length.

        Parameters
        ----------
        texts : str or iterable of str
            One text, or several.
        length : int, optional
            How many steps T to pad to. If left out, as many as the longest text has tokens.

        Returns
        -------
        numpy.ndarray
            int32: shape (T,) for one text, shape (B, T) for several, filled up with 0 at the end.

        Raises
        ------
        TypeError
            If a text is not a string.
        ValueError
            If a text has a token that is not in the vocabulary, or more than `length` tokens.
        """
        if isinstance(texts, str):
            return self.encode([texts], length)[0]
        rows = [self._encode_one(text) for text in texts]
        longest = max(map(len, rows), default=0)
        steps = longest if length is None else _check.whole_number("length", length, least=0)
        if longest > steps:
            raise ValueError(
                f"length must be at least {longest}, the number of {self.by}s in the longest text, "
                f"got {steps}. Pass a larger length or shorter texts."
            )
        numbers = np.zeros((len(rows), steps), np.int32)
        for row, filled in zip(rows, numbers):
            filled[: len(row)] = row
        return numbers

    def _encode_one(self, text):
        try:
            return [self._numbers[token] for token in _split(text, self.by)]
        except KeyError as error:
            unknown = error.args[0]
        raise ValueError(
            f"texts must only have {self.by}s of the vocabulary, but {unknown!r} in {_shortened(text)} is not one. "
            "Build the vocabulary from texts that have it, or replace it."
        )

    def decode(self, numbers):
        """The text that numbers stand for.

        Parameters
        ----------
        numbers : array_like of int
            Shape (T,) for one text or (B, T) for several; zeros are skipped.

        Returns
        -------
        str or list of str
            One text, or B texts. Words are joined by one space.

        Raises
        ------
        TypeError
            If the numbers are not integers.
        ValueError
            If a number is not in the vocabulary, or the shape is another.
        """
        numbers = np.asarray(numbers)
        if numbers.size and not np.issubdtype(numbers.dtype, np.integer):
            raise TypeError(
                f"numbers must be integers, got dtype {numbers.dtype}. Take the argmax of predictions first."
            )
        if numbers.ndim == 2:
            return [self.decode(row) for row in numbers]
        if numbers.ndim != 1:
            raise ValueError(f"numbers must have shape (T,) or (B, T), got {numbers.shape}.")
        wrong = [number for number in numbers.tolist() if not 0 <= number < len(self)]
        if wrong:
            raise ValueError(f"numbers must be from 0 to {len(self) - 1}, got {wrong[0]}.")
        joint = "" if self.by == "character" else " "
        return joint.join(self.tokens[number] for number in numbers.tolist() if number)


def _split(text, by):
    _check.string("texts", text)
    return text if by == "character" else text.split()


def _shortened(text, limit=40):
    return repr(text if len(text) <= limit else text[:limit] + "...")
