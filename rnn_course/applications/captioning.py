"""Captioning: an image in, a sentence out, with attention."""

import keras
import numpy as np

from rnn_course import architectures, decoding
from rnn_course.applications.application import Application
from rnn_course.data import Vocabulary

START, END = "^", "$"


def joined(eye, writer):
    """Return the model that trains an eye and a writer together: ``model([images, tokens])`` gives logits.

    Parameters
    ----------
    eye : keras.Model
        From images (B, ...) to what the writer reads.
    writer : rnn_course.architectures.Writer
        What writes: `GridToSequence` for a `Captioner`; `VectorToSequence` does as well, but cannot `Captioner.look`.

    Returns
    -------
    keras.Model

    Raises
    ------
    TypeError
        If `writer` is not a writer.
    """
    if not isinstance(writer, architectures.Writer):
        raise TypeError(f"`writer` must be a Writer of rnn_course.architectures; received {writer!r}.")
    image = keras.Input(eye.input_shape[1:], name="image")
    before = keras.Input((None,), dtype="int32", name="before")
    return keras.Model([image, before], writer([eye(image), before]))


def vocabulary(captions, by="word"):
    """Return the `rnn_course.data.Vocabulary` of captions, with a start and an end token.

    Parameters
    ----------
    captions : list of str
        The captions.
    by : {"word", "character"}
        What a token is.
    """
    between = " " if by == "word" else ""
    return Vocabulary.of([between.join([START, *captions, END])], by)


def encoded(captions, tokens):
    """Return what the writer reads (N, T) and what it should write (N, T), int32: teacher forcing.

    Parameters
    ----------
    captions : list of str
        The captions, N.
    tokens : rnn_course.data.Vocabulary
        From `vocabulary`.
    """
    between = " " if tokens.by == "word" else ""
    numbers = tokens.encode([between.join([START, caption, END]) for caption in captions])
    return numbers[:, :-1], numbers[:, 1:]


class Captioner(Application):
    """Describes images of the kind that it was trained on.

    Parameters
    ----------
    model : keras.Model
        From `joined`, trained: an eye that is named "eye", and a writer that is named "writer".
    results : dict, optional
        As in `Application`.
    name : {"captioning", "digits"}
        Which application it is.
    tokens : list of str
        What it writes with: the tokens of its vocabulary.
    by : {"word", "character"}
        What a token is.
    grid : list of int
        Rows and columns of the grid that the eye gives.
    longest : int
        Most tokens of a caption.

    Examples
    --------
    >>> import rnn_course
    >>> images, names, _ = rnn_course.data.house_numbers(3, seed=5, split="test")
    >>> rnn_course.load("digits").caption(images) == names
    True
    """

    def __init__(self, model, results=None, *, name, tokens, by, grid, longest):
        tokens = [token for token in tokens if token]
        super().__init__(model, results, name=name, tokens=tokens, by=by, grid=list(grid), longest=longest)
        self.name = name
        self.vocabulary = Vocabulary(tokens, by)
        self.eye, self.writer = model.get_layer("eye"), model.get_layer("writer")

    def caption(self, images, beams=1):
        """Say what is seen.

        Parameters
        ----------
        images : array_like
            One image, or several (B, ...): numbers from 0 to 1, in the shape that the model was trained on:
            (24, 24, 3) for "captioning", (12, 32) for "digits".
        beams : int
            How many beginnings are kept (`rnn_course.decoding.beam_search`); 1 is greedy.

        Returns
        -------
        str or list of str
            The caption of one image, or of each.

        Raises
        ------
        TypeError
            If the images are not arrays of numbers.
        ValueError
            If they have another shape or other values, or `beams` is not a positive whole number.
        """
        images, one = self._checked(images)
        captions = self._written(images, beams)
        return captions[0] if one else captions

    def log_probabilities(self, images, captions):
        """Say how probable captions are to the model: those that it wrote, or any others.

        Parameters
        ----------
        images : array_like
            One image, or several, as in `caption`.
        captions : str or list of str
            A caption for each, made of the model's tokens.

        Returns
        -------
        float or numpy.ndarray
            The natural logarithm of the probability of each caption, its end included: a float for one image, of shape
            (B,) for several.

        Raises
        ------
        TypeError, ValueError
            As in `caption`; a ValueError if there are not as many captions as images, or one has an unknown token.
        """
        images, one = self._checked(images)
        captions = [captions] if isinstance(captions, str) else list(captions)
        if len(captions) != len(images):
            raise ValueError(f"`captions` must be as many as images; received {len(captions)} for {len(images)}.")
        before, after = encoded(captions, self.vocabulary)
        logits = keras.ops.convert_to_numpy(self.model([images, before])).reshape(after.size, -1)
        log_p = decoding.log_softmax(decoding.without_padding(logits))[np.arange(after.size), after.ravel()]
        log_p = np.where(after > 0, log_p.reshape(after.shape), 0).sum(axis=1)
        return float(log_p[0]) if one else log_p

    def look(self, images):
        """Say what is seen, and where the model looks as it says it.

        Parameters
        ----------
        images : array_like
            One image, or several, as in `caption`.

        Returns
        -------
        tokens : list of str
            The T words or characters of the greedy caption.
        maps : numpy.ndarray
            Shape (T, rows, columns), float32: how much weight each place of the image has as a token is written. The
            weights of a token sum to 1. Divide the image into as many rows and columns to see which place is where.

        For several images, a list of such pairs.

        Raises
        ------
        TypeError, ValueError
            As in `caption`; a ValueError if the model's writer has no attention.
        """
        images, one = self._checked(images)
        if not hasattr(self.writer, "attention"):
            raise ValueError("This model has no attention; train one with architectures.GridToSequence to look().")
        captions = self._written(images, beams=1)
        before, _ = encoded(captions, self.vocabulary)
        weights = keras.ops.convert_to_numpy(self.writer.attention([self.eye(images), before]))
        tokens = [caption.split() if self.vocabulary.by == "word" else list(caption) for caption in captions]
        maps = weights.reshape(*weights.shape[:2], *self.settings["grid"])
        looks = [(said, seen[: len(said)]) for said, seen in zip(tokens, maps)]
        return looks[0] if one else looks

    def _written(self, images, beams):
        """The captions of images (B, ...), with the highest probability of all that are found."""
        start, end = (int(self.vocabulary.encode(token)[0]) for token in (START, END))
        state = self.writer.start(self.eye(images))
        longest = self.settings["longest"] + 1
        written, _ = decoding.beam_search(self.writer.step, state, start, end, longest, beams)
        return self.vocabulary.decode(written[:, 0])

    def _checked(self, images):
        """The images as a float32 array (B, ...), and whether it was one; or what is wrong with them."""
        shape = self.eye.input_shape[1:]
        try:
            array = np.asarray(images)
        except ValueError:  # rows of different lengths
            array = np.array(None)
        if not (np.issubdtype(array.dtype, np.floating) or np.issubdtype(array.dtype, np.integer)):
            raise TypeError(f"`images` must be an array of numbers from 0 to 1; received {type(images).__name__}.")
        if array.shape[-len(shape) :] != shape or array.ndim - len(shape) not in (0, 1) or not array.size:
            raise ValueError(
                f"`images` must have the shape {shape}, or (B, {str(shape)[1:]} for several; received {array.shape}. "
                "Cut out or resize them."
            )
        if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
            raise ValueError(
                f"`images` must have values from 0 to 1; received {array.min():g} to {array.max():g}. Divide those "
                "from 0 to 255 by 255."
            )
        return array.reshape(-1, *shape).astype("float32"), array.shape == shape
