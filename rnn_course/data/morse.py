"""Morse code as it sounds on a noisy radio."""

import numpy as np

from . import _check

#: The code of each letter and digit, a dot as "." and a dash as "-" (Recommendation ITU-R M.1677-1, part I).
MORSE = {
    "A": ".-", "B": "-...", "C": "-.-.", "D": "-..", "E": ".", "F": "..-.", "G": "--.", "H": "....", "I": "..",
    "J": ".---", "K": "-.-", "L": ".-..", "M": "--", "N": "-.", "O": "---", "P": ".--.", "Q": "--.-", "R": ".-.",
    "S": "...", "T": "-", "U": "..-", "V": "...-", "W": ".--", "X": "-..-", "Y": "-.--", "Z": "--..",
    "0": "-----", "1": ".----", "2": "..---", "3": "...--", "4": "....-",
    "5": ".....", "6": "-....", "7": "--...", "8": "---..", "9": "----.",
}  # fmt: skip

_EDGE_SECONDS = 0.005


def morse(text, sample_rate=8000, words_per_minute=20, tone=600.0, noise=0.1, seed=0):
    """A text keyed in Morse code, as a sound with noise.

    A dot lasts one unit and a dash three; the gap is one unit between the signals of a letter, three between letters
    and seven between words. "PARIS" with the gap after it takes 50 units, so a unit is
    `1.2 / words_per_minute` seconds. Each signal swells and fades over about 5 ms, which keeps the key from
    clicking. The sound begins with the first signal and ends with the last.

    Parameters
    ----------
    text : str
        Letters A to Z (in either case), digits, and white space between words.
    sample_rate : int
        Samples a second.
    words_per_minute : float
        Speed, in words as long as "PARIS".
    tone : float
        Pitch in Hz, below half of `sample_rate`.
    noise : float
        Standard deviation of the white noise; the tone swings between -1 and 1.
    seed : int
        The same seed gives the same noise.

    Returns
    -------
    numpy.ndarray
        Shape (samples,), float32: the waveform.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If `text` has a character without a code or none at all, or a number is out of range.

    Notes
    -----
    Signals and spacing: Recommendation ITU-R M.1677-1 (2009), *International Morse code*.
    """
    sample_rate = _check.whole_number("sample_rate", sample_rate)
    speed = _check.number("words_per_minute", words_per_minute, 0)
    tone = _check.number("tone", tone, 0, sample_rate / 2)
    noise = _check.number("noise", noise, 0, open_low=False)
    rng = np.random.default_rng(_check.whole_number("seed", seed, least=0))
    unit = 1.2 / speed * sample_rate
    if unit < 4:
        raise ValueError(
            f"words_per_minute {speed:g} leaves {unit:.2g} samples to a dot, and 4 are needed. "
            "Make it slower, or sample_rate higher."
        )

    marks = _marks(_check.string("text", text))
    strength = np.zeros(round(marks[-1][1] * unit))
    for start, end in marks:
        start, end = round(start * unit), round(end * unit)
        strength[start:end] = _swell(end - start, min(_EDGE_SECONDS * sample_rate, unit / 4))
    phase = 2 * np.pi * tone / sample_rate * np.arange(len(strength))
    wave = strength * np.sin(phase) + noise * rng.standard_normal(len(strength))
    return wave.astype(np.float32)


def _marks(text):
    """When the key is down: (start, end) of each dot and dash, in units."""
    marks, now = [], 0
    for word in text.split():
        for letter in word:
            for signal in _code(letter):
                length = {".": 1, "-": 3}[signal]
                marks.append((now, now + length))
                now += length + 1
            now += 2  # with the 1 after the last signal: 3 between letters
        now += 4  # with the 3 after the last letter: 7 between words
    if not marks:
        raise ValueError(f"text must have at least one letter or digit, got {text!r}.")
    return marks


def _code(letter):
    code = MORSE.get(letter.upper())
    if code is None or not letter.isascii():
        raise ValueError(
            f"text must be made of the letters A to Z, digits and spaces, got {letter!r}. Replace or drop it."
        )
    return code


def _swell(samples, edge):
    """Strength of one signal: up from 0 to 1 over `edge` samples, and down again, as a raised cosine."""
    index = np.arange(samples)
    from_border = np.minimum(index, samples - 1 - index) / edge
    return np.sin(np.pi / 2 * np.minimum(from_border, 1)) ** 2


def envelope(waveform, frame=80):
    """How loud a sound is, frame by frame.

    Parameters
    ----------
    waveform : array_like
        Shape (samples,), such as from `morse`.
    frame : int
        Samples in a frame; 80 are 10 ms at 8,000 samples a second. Samples left over at the end are dropped.

    Returns
    -------
    numpy.ndarray
        Shape (T, 1) with `T = samples // frame`, float32: the root mean square of each frame. A steady tone
        between -1 and 1 has 0.71.

    Raises
    ------
    TypeError
        If `frame` is not an int.
    ValueError
        If `waveform` has another shape or is shorter than a frame, or `frame` is below 1.
    """
    frame = _check.whole_number("frame", frame)
    waveform = np.asarray(waveform)
    if waveform.ndim != 1 or len(waveform) < frame:
        raise ValueError(
            f"waveform must have shape (samples,) with at least frame = {frame} samples, got {waveform.shape}. "
            "Pass one waveform at a time."
        )
    frames = waveform[: len(waveform) // frame * frame].reshape(-1, frame)
    return np.sqrt(np.mean(frames.astype(np.float64) ** 2, axis=1, keepdims=True)).astype(np.float32)
