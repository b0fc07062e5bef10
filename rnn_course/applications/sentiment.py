"""Sentiment: a review in, the probability of praise out, and what each word has to do with it."""

import re
from collections import Counter

import keras
import numpy as np

from rnn_course import influence
from rnn_course.applications.application import Application, several, text
from rnn_course.data import Vocabulary

UNKNOWN = "<unknown>"
METHODS = ("occlusion", "gradient times input", "integrated gradients")


def words(review):
    """Take a review apart into words and signs.

    Examples
    --------
    >>> words("It isn't bad, is it?")
    ['it', "isn't", 'bad', ',', 'is', 'it', '?']
    """
    return re.findall(r"\w+(?:'\w+)*|[^\w\s]", review.lower())


def vocabulary(reviews, most=None):
    """Return the `rnn_course.data.Vocabulary` of the words of reviews, with a token for all others.

    Parameters
    ----------
    reviews : list of str
        The reviews.
    most : int, optional
        How many words it has: the most frequent ones. All, if left out.
    """
    counts = Counter(word for review in reviews for word in words(review))
    return Vocabulary([UNKNOWN, *(word for word, _ in counts.most_common(most))], "word")


def encoded(reviews, known, length=None, side="end"):
    """Return reviews as the numbers of their words, padded with 0: (N, T) int32.

    Parameters
    ----------
    reviews : list of str or list of list of str
        The reviews, or their words.
    known : rnn_course.data.Vocabulary
        From `vocabulary`. Words that it does not have get the number of the unknown.
    length : int, optional
        T; that of the longest review, if left out.
    side : {"end", "front"}
        Where the padding goes.
    """
    taken = [words(review) if isinstance(review, str) else review for review in reviews]
    numbers = known.encode([" ".join(word if word in known else UNKNOWN for word in row) for row in taken], length)
    if side == "front":
        numbers = np.stack([np.roll(row, np.count_nonzero(row == 0)) for row in numbers])
    return numbers


def with_unknown(numbers, known, share, seed=0):
    """Return a copy in which a share of the words, drawn at random, is replaced by the unknown: for training.

    A vocabulary that is made of the training data leaves no unknown word in it, and a network would never learn what
    to make of one.

    Parameters
    ----------
    numbers : numpy.ndarray
        From `encoded`, (N, T).
    known : rnn_course.data.Vocabulary
        From `vocabulary`.
    share : float
        How many of the words, 0 to 1.
    seed : int
        The same seed replaces the same words.
    """
    drawn = np.random.default_rng(seed).random(numbers.shape) < share
    return np.where(drawn & (numbers > 0), known.encode(UNKNOWN)[0], numbers)


def calibration_error(probabilities, labels, bins=10):
    """Return by how much a stated confidence misses the share of right answers, on average: 0 is best.

    The expected calibration error of Guo et al. (2017). Answers are sorted into bins of equal width by their
    confidence, the larger of p and 1 - p, from 0.5 to 1. In each bin, the mean confidence is compared with the share
    of answers that are right.

    Parameters
    ----------
    probabilities : array_like
        The probability of label 1 (N,).
    labels : array_like
        The labels (N,), 0 or 1.
    bins : int
        How many bins.
    """
    probabilities, labels = np.asarray(probabilities), np.asarray(labels)
    confidence = np.maximum(probabilities, 1 - probabilities)
    right = (probabilities > 0.5) == labels
    bin_of = np.clip(((confidence - 0.5) * 2 * bins).astype(int), 0, bins - 1)
    gaps = [abs((confidence - right)[bin_of == b].sum()) for b in range(bins)]
    return float(sum(gaps) / len(labels))


class Critic(Application):
    """Says whether a review is praise, and which words say so.

    Words that it does not know are allowed and are read as one and the same unknown word; `unknown` names them.

    Parameters
    ----------
    model : keras.Sequential
        From `rnn_course.architectures.sequence_to_vector`, trained: an embedding with a mask, at the end one logit.
    results : dict, optional
        As in `Application`.
    tokens : list of str
        The words of its vocabulary, from `vocabulary`.
    longest : int
        Most words of a review.

    Examples
    --------
    >>> import rnn_course
    >>> critic = rnn_course.load("sentiment")
    >>> critic.judge("Not a bad film at all.") > 0.5
    True
    """

    name = "sentiment"

    def __init__(self, model, results=None, *, tokens, longest):
        tokens = [token for token in tokens if token]
        super().__init__(model, results, tokens=tokens, longest=longest)
        self.vocabulary = Vocabulary(tokens, "word")

    def judge(self, reviews):
        """Say how probable it is that a review is praise.

        Parameters
        ----------
        reviews : str or list of str
            A review, or several. Case does not matter.

        Returns
        -------
        float or numpy.ndarray
            From 0, a complaint, to 1, praise: a float for one review, of shape (N,) for several.

        Raises
        ------
        TypeError
            If a review is not a string.
        ValueError
            If a review is empty, has more words than the model was trained for, or none that it knows.
        """
        logits = self.score(reviews)
        probabilities = np.exp(-np.logaddexp(0, -logits))
        return float(probabilities) if isinstance(reviews, str) else probabilities

    def score(self, reviews):
        """Return the logit of each review, the number that `judge` makes a probability of.

        Parameters, errors
            As in `judge`.

        Returns
        -------
        float or numpy.ndarray
            Positive for praise, negative for a complaint.
        """
        logits = self._logits([self._checked(review) for review in several("reviews", reviews)])
        return float(logits[0]) if isinstance(reviews, str) else logits

    def baseline(self, review):
        """Return the logit of a text of as many words as a review, all of them unknown: what is said of nothing.

        Parameters
        ----------
        review : str
            The review.

        Returns
        -------
        float
        """
        return float(self._logits([[UNKNOWN] * len(self._checked(review))])[0])

    def unknown(self, review):
        """Return the words of a review that the model does not know, each once.

        Parameters
        ----------
        review : str
            The review.

        Returns
        -------
        list of str
        """
        return list(dict.fromkeys(word for word in words(review) if word not in self.vocabulary))

    def influence(self, review, method="occlusion", steps=64):
        """Say how much each word moves the score towards praise.

        Parameters
        ----------
        review : str
            A review.
        method : {"occlusion", "gradient times input", "integrated gradients"}
            How it is measured: see `rnn_course.influence`. Each compares a word with an unknown one in its place.
        steps : int
            Of "integrated gradients": at how many points the derivative is taken.

        Returns
        -------
        list of (str, float)
            The words and their effects on the logit: positive towards praise, negative towards complaint. Those of
            "integrated gradients" sum to ``score(review) - baseline(review)``.

        Raises
        ------
        TypeError, ValueError
            As in `judge`; a ValueError if there is no such method.
        """
        if method not in METHODS:
            raise ValueError(f"`method` must be one of {', '.join(map(repr, METHODS))}; received {method!r}.")
        if not isinstance(review, str):
            raise TypeError(f"`review` must be a string, one review; received {review!r}.")
        taken = self._checked(review)
        if method == "occlusion":
            effects = influence.occlusion(self._logits, taken, UNKNOWN)
        else:
            x, nothing = self._embedded([taken, [UNKNOWN]])
            if method == "integrated gradients":
                effects = influence.integrated_gradients(self._after_embedding, x, nothing[0], steps)
            else:
                effects = influence.gradient_times_input(self._after_embedding, x, nothing[0])
        return list(zip(taken, effects.tolist(), strict=True))

    def deletion(self, review, order):
        """Return the score as words are replaced by unknown ones: `rnn_course.influence.deletion`.

        Parameters
        ----------
        review : str
            A review.
        order : sequence of int
            The places of its words, in the order in which they go.

        Returns
        -------
        numpy.ndarray
            Shape (1 + len(order),).
        """
        return influence.deletion(self._logits, self._checked(review), order, UNKNOWN)

    def _logits(self, texts):
        """The logits (N,) of reviews that are taken apart."""
        step = 32  # few lengths, as every new one may cost a compilation
        longest = -(-max(map(len, texts)) // step) * step
        numbers = encoded(texts, self.vocabulary, longest)
        batches = [self.model(numbers[i : i + 256], training=False) for i in range(0, len(numbers), 256)]
        return np.concatenate([keras.ops.convert_to_numpy(batch)[:, 0] for batch in batches]).astype("float64")

    def _embedded(self, texts):
        """The vectors (T, D) of each text's words."""
        embedding = self.model.layers[0]
        return [keras.ops.convert_to_numpy(embedding(encoded([text], self.vocabulary)))[0] for text in texts]

    def _after_embedding(self, x):
        """The logits (B,) of vectors (B, T, D)."""
        for layer in self.model.layers[1:]:
            x = layer(x)
        return x[:, 0]

    def _checked(self, review):
        """The words of a review, or what is wrong with it."""
        taken = words(text("review", review))
        longest = self.settings["longest"]
        if len(taken) > longest:
            raise ValueError(f"`review` must have at most {longest} words; received {len(taken)}. Shorten it.")
        if not any(word in self.vocabulary for word in taken):
            raise ValueError(
                f"`review` must have a word that the model knows; received {review!r}. It knows, for example, "
                f"{', '.join(map(repr, self.settings['tokens'][-5:]))}."
            )
        return taken
