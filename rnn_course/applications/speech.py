"""Speech: a sound comes in, text comes out. Our language is Morse code on a noisy radio."""

import keras
import numpy as np
from rapidfuzz.distance import Levenshtein

from rnn_course import data, decoding
from rnn_course.applications.application import Application
from rnn_course.checks import positive
from rnn_course.data.morse import MORSE
from rnn_course.data.radio import FRAME, HOP, LONGEST, SAMPLE_RATE

#: What can be heard: the number of each character. Number 0 is the blank.
CHARACTERS = data.Vocabulary.of(" " + "".join(MORSE))
MOST_SECONDS = 60
SILENCE = 3200  # samples after a recording, so that it may end with its last signal: only a gap ends a letter
#: What each target begins with. It is the same in all, so it is the first thing that a network learns to place, and
#: what follows has something to hold on to; without it, training often stays with blanks.
LEAD = "  "
_BLOCK = 500  # recordings whose waveforms are in memory at once


class Listener(Application):
    """Writes down what is sent in Morse code.

    Parameters
    ----------
    model : keras.Model
        Maps `features` (B, T, D) to logits (B, T', K) of `CHARACTERS`; trained with
        `rnn_course.training.CTC`.
    results : dict, optional
        As in `Application`.

    Examples
    --------
    >>> import rnn_course
    >>> listener = rnn_course.load("speech")
    >>> listener.transcribe(rnn_course.data.morse("SOS", noise=1.0))
    'SOS'
    """

    name = "speech"

    def transcribe(self, waveform, sample_rate=SAMPLE_RATE, beams=1):
        """Write down what is sent.

        Parameters
        ----------
        waveform : array_like
            Shape (samples,): the sound, at most 60 seconds. How loud it is does not matter. The network was trained
            on tones of 400 to 900 Hz and 15 to 30 words a minute.
        sample_rate : int
            Samples a second: 8,000.
        beams : int
            1 reads the most probable path; more look for the most probable text, and keep that many beginnings.

        Returns
        -------
        str
            Letters A to Z, digits and spaces; "" if nothing is heard.

        Raises
        ------
        TypeError
            If `waveform` does not hold numbers, or `sample_rate` is not an int.
        ValueError
            If `waveform` has another shape, is too short or too long, or not finite; `sample_rate` is another one; or
            `beams` is not a positive whole number.
        """
        positive(beams=beams)
        waveform = np.pad(checked(waveform, sample_rate), (0, SILENCE))
        return written(self._heard(waveform)[None], beams)[0]

    def logits(self, waveform, sample_rate=SAMPLE_RATE):
        """Return the logits (T', K) of each character at each step, number 0 being the blank.

        Parameters, errors
        ------------------
        As in `transcribe`.
        """
        return self._heard(checked(waveform, sample_rate))

    def _heard(self, waveform):
        return keras.ops.convert_to_numpy(self.model(features(waveform)[None]))[0]


def checked(waveform, sample_rate):
    """Return the waveform as an array (samples,), or say what is wrong with it."""
    if isinstance(sample_rate, bool) or not isinstance(sample_rate, (int, np.integer)):
        raise TypeError(f"`sample_rate` must be a whole number of samples a second; received {sample_rate!r}.")
    if sample_rate != SAMPLE_RATE:
        raise ValueError(
            f"`sample_rate` must be {SAMPLE_RATE}; received {sample_rate}. Resample the sound first: "
            f"scipy.signal.resample_poly(waveform, {SAMPLE_RATE}, {sample_rate})."
        )
    try:
        waveform = np.asarray(waveform, "float32")
    except (TypeError, ValueError):
        raise TypeError(f"`waveform` must be an array of numbers; received {type(waveform).__name__}.") from None
    if waveform.ndim != 1:
        raise ValueError(
            f"`waveform` must have shape (samples,); received shape {waveform.shape}. Pass one recording with one "
            "channel, such as the mean of both."
        )
    if not SAMPLE_RATE / 10 <= len(waveform) <= MOST_SECONDS * SAMPLE_RATE:
        raise ValueError(
            f"`waveform` must last 0.1 to {MOST_SECONDS} seconds; received {len(waveform) / SAMPLE_RATE:.3g} seconds "
            f"({len(waveform):,} samples). Pass a longer sound, or cut it in pieces."
        )
    if not np.isfinite(waveform).all():
        raise ValueError("`waveform` must be finite; received infinities or values that are not a number.")
    return waveform


def features(waveform):
    """Return what a network reads of a sound: the energies of all pitches, then the same ones in order of size.

    Where the loudest one is says which pitch to listen to; how loud it is, whether the key is down.

    Parameters
    ----------
    waveform : array_like
        Shape (samples,), or (N, samples) for several, at 8,000 samples a second.

    Returns
    -------
    numpy.ndarray
        Shape (T, 40), or (N, T, 40), float32.
    """
    energies = data.spectrogram(waveform)
    return np.concatenate([energies, np.sort(energies, axis=-1)], axis=-1)


def examples(count, noise=(0.0, 2.0), seconds=1.6, seed=0, split="train"):
    """Recordings as a network reads them.

    Parameters
    ----------
    count, noise, seconds, seed, split
        As in `rnn_course.data.morse_messages`.

    Returns
    -------
    x : numpy.ndarray
        Shape (N, T, D), float32: `features`.
    y : numpy.ndarray
        Shape (N, 11), int32: the numbers of `LEAD` and of the characters, zeros after the end.
    texts : list of str
        The N messages.
    """
    x, texts = [], []
    for number, first in enumerate(range(0, count, _BLOCK)):
        some, waveforms = data.morse_messages(
            min(_BLOCK, count - first), noise, seconds, LONGEST, 1000 * seed + number, split
        )
        x.append(features(waveforms))
        texts += some
    return np.concatenate(x), CHARACTERS.encode([LEAD + text for text in texts], len(LEAD) + LONGEST), texts


def read(model, x, beams=1):
    """Return the text of each recording (N, T, D): by the most probable path, or by the best of several beginnings."""
    return written(model.predict(x, verbose=0), beams)


def written(logits, beams):
    """Return the texts that logits (N, T, K) say."""
    labels = decoding.ctc_greedy(logits) if beams == 1 else decoding.ctc_beam_search(logits, beams)[0][:, 0]
    return [text.strip() for text in CHARACTERS.decode(labels)]


def live(model, chunks):
    """Write down a sound while it comes.

    Parameters
    ----------
    model : keras.Sequential
        One that reads forward only: convolutions with ``padding="valid"``, then recurrent layers, then a dense layer.
    chunks : iterable of array_like
        Pieces of a waveform (samples,), of any length.

    Yields
    ------
    str
        After each piece, the whole text so far. It only grows.

    Raises
    ------
    ValueError
        If a layer of the model reads from the end.
    """
    if any(isinstance(layer, keras.layers.Bidirectional) for layer in model.layers):
        raise ValueError("`model` must read forward only: a bidirectional layer begins at the end of the sound.")
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv1D)]
    *recurrent, dense = model.layers[len(convolutions) :]
    stride, reach = 1, 1  # frames from one step to the next, and frames that a step sees
    for layer in convolutions:
        reach += (layer.kernel_size[0] - 1) * stride
        stride *= layer.strides[0]
    step, seen = stride * HOP, (reach - 1) * HOP + FRAME  # the same in samples
    states = [layer.get_initial_state(1) for layer in recurrent]
    waiting, last, text = np.zeros(0, "float32"), 0, ""
    for chunk in chunks:
        waiting = np.concatenate([waiting, np.asarray(chunk, "float32")])
        steps = max(0, (len(waiting) - seen) // step + 1)
        if steps:
            h = features(waiting[: (steps - 1) * step + seen])[None]
            for layer in convolutions:
                h = layer(h)
            for number, layer in enumerate(recurrent):
                h, states[number] = run(layer, h, states[number])
            path = keras.ops.convert_to_numpy(dense(h))[0].argmax(axis=-1).tolist()
            for label, before in zip(path, [last, *path]):
                if label not in (0, before):
                    text += CHARACTERS.tokens[label]
            waiting, last = waiting[steps * step :], path[-1]
        yield text.strip()


def run(layer, inputs, states):
    """Return the outputs (B, T, H) of a recurrent layer that starts from these states, and the last states."""
    _, outputs, states = layer.inner_loop(inputs, states, None)
    return outputs, states


def error_rate(texts, references):
    """Return the character error rate: the edits that all texts need together, divided by the references' length.

    An edit inserts, deletes or replaces a character; the fewest that turn one text into the other are the Levenshtein
    distance.

    Parameters
    ----------
    texts, references : list of str
        What was read, and what was sent.

    Returns
    -------
    float
        0 if all is right. It can be more than 1, if a lot is read where little was sent.

    Raises
    ------
    ValueError
        If there are not as many texts as references, or the references are empty.
    """
    if len(texts) != len(references) or not any(references):
        raise ValueError(
            "`texts` and `references` must be equally many, and not all references empty; received "
            f"{len(texts)} texts and {len(references)} references."
        )
    return sum(map(Levenshtein.distance, texts, references)) / sum(map(len, references))


def by_rule(waveform):
    """Read Morse code without learning: by a threshold, and by how long signals and gaps last.

    The loudest band of the spectrogram is smoothed and compared with a threshold halfway between loud and quiet. The
    length of a dot is that for which the lengths of signals and gaps are closest to whole ones: one or three dots, and
    one, three or seven.

    Parameters
    ----------
    waveform : array_like
        Shape (samples,), at 8,000 samples a second.

    Returns
    -------
    str
        The text; "?" for what is no code.
    """
    strength = np.exp(data.spectrogram(waveform, hop=_RULE_HOP) / 2)
    strength = strength[:, strength.mean(axis=0).argmax()]
    strength = np.convolve(strength, np.ones(3) / 3, "same")
    quiet, loud = np.quantile(strength, [0.1, 0.95])
    down = strength > (quiet + loud) / 2
    borders = np.flatnonzero(np.diff(down.astype(int), prepend=0, append=0))
    if not borders.size:
        return ""
    lengths = np.diff(borders) * _RULE_HOP / SAMPLE_RATE
    signals, gaps = lengths[::2], lengths[1::2]
    units = np.geomspace(0.035, 0.09, 60)
    unit = min(units, key=lambda unit: misfit(signals / unit, (1, 3)) + misfit(gaps / unit, (1, 3, 7)))
    text = code = ""
    letters = {code: letter for letter, code in MORSE.items()}
    for signal, gap in zip(signals / unit, [*gaps / unit, 10]):
        code += "." if signal < 2 else "-"
        if gap > 2:
            text, code = text + letters.get(code, "?") + " " * bool(gap > 5), ""
    return text.strip()


_RULE_HOP = 64


def misfit(lengths, whole):
    """Return how far lengths are from the closest whole ones, in terms of their ratio."""
    return np.sum(np.min(np.log(lengths[:, None] / np.array(whole)) ** 2, axis=1))
