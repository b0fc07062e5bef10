"""Sentiment: a review in, the probability of praise out, and what each word has to do with it."""

import re
from collections import Counter

import keras
import numpy as np
from keras import ops

from rnn_course import influence
from rnn_course.applications.application import Application, several, text
from rnn_course.checks import positive
from rnn_course.data import Vocabulary

UNKNOWN = "<unknown>"
MOST_WORDS = 46340  # its square is the largest that 32 bits can count
NO_PAIR = np.iinfo("int32").max
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


@keras.saving.register_keras_serializable(package="rnn_course")
class PairEmbedding(keras.layers.Embedding):
    r"""A vector for each word, plus one for the pair that it makes with the word before it; padding is masked.

    .. math:: e_t = V_{x_t} + P_{x_{t-1} x_t}

    Only pairs that `adapt` has found to be frequent have a vector; others add nothing. It starts at zero, where a pair
    says no more than its words.

    Parameters
    ----------
    input_dim : int
        How many numbers of words there are: 0 for padding, 1 for the unknown word, and the others. At most 46,340.
    output_dim : int
        D, the length of a vector.
    pairs : int
        How many pairs have a vector.
    blot : float
        The share of the words that are read as the unknown in training: others each time.

    Raises
    ------
    ValueError
        If a number is not positive and whole, there are too many words, or the share is not from 0 to below 1.

    References
    ----------
    A. Joulin et al. (2017), Bag of tricks for efficient text classification. EACL. They average such vectors.

    Examples
    --------
    >>> embedding = PairEmbedding(10, 4, pairs=3)
    >>> embedding.adapt([[2, 3, 4], [2, 3, 0]])
    >>> tuple(embedding(np.array([[2, 3, 4, 5]])).shape)
    (1, 4, 4)
    """

    def __init__(self, input_dim, output_dim, pairs, blot=0.0, **options):
        positive(input_dim=input_dim, output_dim=output_dim, pairs=pairs)
        if input_dim > MOST_WORDS:
            raise ValueError(f"`input_dim` must be at most {MOST_WORDS}: pairs fit 32 bits; received {input_dim}.")
        if not 0 <= blot < 1:
            raise ValueError(f"`blot` must be from 0 to below 1; received {blot!r}.")
        super().__init__(input_dim, output_dim, **options | {"mask_zero": True})
        self.pairs, self.blot = pairs, blot
        self.random = keras.random.SeedGenerator()

    # Embedding's own save the vectors of words alone
    save_own_variables = keras.layers.Layer.save_own_variables
    load_own_variables = keras.layers.Layer.load_own_variables

    def build(self, input_shape=None):
        """Make the vectors of words and of pairs."""
        super().build(input_shape)
        nothing = keras.initializers.Constant(NO_PAIR)
        self.known = self.add_weight((self.pairs,), nothing, dtype="int32", trainable=False, name="known_pairs")
        self.pair_vectors = self.add_weight((self.pairs, self.output_dim), "zeros", name="pair_vectors")

    def adapt(self, numbers):
        """Give a vector to the most frequent pairs of words in ``numbers`` (N, T); unknown words make no pairs."""
        if not self.built:
            self.build()
        numbers = np.asarray(numbers, dtype="int32")
        before, after = numbers[:, :-1], numbers[:, 1:]
        found, counts = np.unique((before * self.input_dim + after)[(before > 1) & (after > 1)], return_counts=True)
        frequent = np.sort(found[np.argsort(-counts, kind="stable")[: self.pairs]])
        self.known.assign(np.pad(frequent, (0, self.pairs - len(frequent)), constant_values=NO_PAIR))

    def call(self, numbers, training=False):
        """Return the vectors (B, T, D) of the words with these numbers (B, T)."""
        numbers = ops.cast(numbers, "int32")
        if training and self.blot:
            drawn = keras.random.uniform(ops.shape(numbers), seed=self.random) < self.blot
            numbers = ops.where(ops.logical_and(drawn, numbers > 0), 1, numbers)
        pair = ops.pad(numbers, [[0, 0], [1, 0]])[:, :-1] * self.input_dim + numbers
        place = self._place(pair)
        is_known = ops.equal(ops.take(self.known, place), pair)
        vectors = ops.take(self.pair_vectors, place, axis=0)
        return super().call(numbers) + ops.where(is_known[..., None], vectors, 0)

    def _place(self, pair):
        """Where the last known pair up to this one stands: a binary search, as XLA's searchsorted compares with all."""
        place = ops.zeros_like(pair)
        for step in (2**bit for bit in reversed(range(self.pairs.bit_length()))):
            further = ops.minimum(place + step, self.pairs - 1)
            place = ops.where(ops.take(self.known, further) <= pair, further, place)
        return place

    def compute_output_spec(self, numbers, training=False):
        return super().compute_output_spec(numbers)

    def get_config(self):
        return super().get_config() | {"pairs": self.pairs, "blot": self.blot}


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
