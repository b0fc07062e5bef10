"""Short messages in Morse code on a noisy radio, and the spectrogram that a network reads of them."""

import random
import zlib

import numpy as np

from . import _check
from .morse import MORSE, _marks, morse

SAMPLE_RATE = 8000
FRAME, HOP = 256, 128  # samples of a frame of the spectrogram, and from one frame to the next
LONGEST = 9  # characters of a message

_WORDS = (
    "ALL AND ARE AT BACK BAND BEAM BOAT CALL CITY CLEAR COAST COPY CQ DAY DE DRY EAST END FAR FINE FOG FOR FROM GALE "
    "GOOD HAM HARBOR HAVE HEAR HELP HERE HIGH HOME HOW ICE IN IS JUNE KEY LAND LATE LIGHT LOW MAST MAY METER NAME NEAR "
    "NEW NIGHT NO NORTH NOT NOW OLD ON OVER PORT QRM QRN QSL QSO QTH RADIO RAIN RIG SAFE SEA SEND SHIP SIGNAL SLOW "
    "SNOW SOON SOS SOUTH STAND STAR STORM SUN TEST THANKS THE TIDE TIME TO TONE TOWN TUNE VERY VIA WAIT WARM WATER "
    "WAVE WE WEST WHAT WIND WIRE WITH YES YOU ZONE ZULU"
).split()
_LETTERS, _DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
_HELD_OUT = 5
_LEAST_SECONDS = 1.6
_FILL = 0.8
_SILENT_UNITS = 4
_BLOCK = 100
_SPEEDS, _TONES = (15, 30), (400, 900)


def morse_messages(count, noise=(0.0, 2.0), seconds=3.2, longest=LONGEST, seed=0, split="train"):
    """Recordings of equal length, each with a short message in Morse code somewhere in its noise.

    A message is one or two words: a word of English or of radio operators, a call sign such as "K4ZXA", or a group of
    letters and digits such as "7Q2". Speed (15 to 30 words a minute), pitch (400 to 900 Hz), the strength of the noise
    and the moment at which the message begins differ from recording to recording. After it, the recording goes on for
    at least the length of four dots: time to hear that the last letter was complete.

    Parameters
    ----------
    count : int
        How many recordings, N.
    noise : float or pair of float
        Standard deviation of the white noise, or the lowest and highest; the tone swings between -1 and 1.
    seconds : float
        Length of each recording, at least 1.6: room for any character at any speed.
    longest : int
        Characters in a message, at most. 1 gives single characters, to begin with.
    seed : int
        The same seed gives the same recordings.
    split : {"train", "test"}
        The messages to test on are made of words, call signs and groups that no message to train on has, whatever the
        seeds.

    Returns
    -------
    texts : list of str
        N messages: A to Z, 0 to 9, and a space between words.
    waveforms : numpy.ndarray
        Shape (N, samples), float32, at 8,000 samples a second.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If a number is out of range, or `split` is another word.
    """
    count = _check.whole_number("count", count)
    low, high = noise if isinstance(noise, (tuple, list)) and len(noise) == 2 else (noise, noise)
    low = _check.number("noise", low, 0, open_low=False)
    high = _check.number("noise", high, low, open_low=False)
    seconds = _check.number("seconds", seconds, _LEAST_SECONDS, open_low=False)
    longest = _check.whole_number("longest", longest)
    seed = _check.whole_number("seed", seed, least=0)
    held_out = _check.one_of("split", split, ("train", "test")) == "test"

    choice, draw = random.Random(seed), np.random.default_rng(seed)
    texts, waveforms = [], np.empty((count, round(seconds * SAMPLE_RATE)), np.float32)
    for waveform in waveforms:
        text, signal, silence = _message(choice, held_out, longest, len(waveform))
        start = round(choice.uniform(0, 1) * (len(waveform) - len(signal) - silence))
        draw.standard_normal(dtype=np.float32, out=waveform)
        waveform *= choice.uniform(low, high)
        waveform[start : start + len(signal)] += signal
        texts.append(text)
    return texts, waveforms


def _message(choice, held_out, longest, samples):
    """A message that fits, its sound without noise, and how many samples there are after it at least."""
    while True:
        if longest == 1:
            text = choice.choice(list(MORSE))
        else:
            text = " ".join(_word(choice, held_out) for _ in range(choice.randint(1, 2)))
        if len(text) <= longest:
            units = _marks(text)[-1][1] + _SILENT_UNITS
            exactly = units * 1.2 * SAMPLE_RATE / samples  # the speed that fills the recording
            slowest, fastest = max(_SPEEDS[0], exactly), min(_SPEEDS[1], exactly / _FILL)
            if slowest <= fastest:
                speed = choice.uniform(slowest, fastest)
                signal = morse(text, SAMPLE_RATE, speed, choice.uniform(*_TONES), noise=0.0)
                return text, signal, min(round(_SILENT_UNITS * 1.2 / speed * SAMPLE_RATE), samples - len(signal))


def _word(choice, held_out):
    """A word, call sign or group of this split."""
    while True:
        kind = choice.choice(("group", "group", "call sign", "word"))
        if kind == "group":
            word = _some(choice, list(MORSE), choice.randint(1, 5))
        elif kind == "call sign":
            prefix, suffix = choice.randint(1, 2), choice.randint(1, 3)
            word = _some(choice, _LETTERS, prefix) + choice.choice(_DIGITS) + _some(choice, _LETTERS, suffix)
        else:
            word = choice.choice(_WORDS)
        if (zlib.crc32(word.encode()) % _HELD_OUT == 0) == held_out:
            return word


def _some(choice, characters, count):
    return "".join(choice.choices(characters, k=count))


def spectrogram(waveform, frame=FRAME, hop=HOP, low=350, high=970, sample_rate=SAMPLE_RATE):
    """How strong each pitch is, frame by frame: what a network reads of a sound.

    Each frame is faded in and out (Hann window) and taken apart into sine waves (discrete Fourier transform); a
    feature is the logarithm of the energy at one frequency. The mean over the frequencies is taken off each frame: what
    is left does not depend on how loud the recording is, and a frame needs no other frames, so that a sound can be
    heard as it comes.

    Parameters
    ----------
    waveform : array_like
        Shape (samples,), or (N, samples) for several.
    frame : int
        Samples in a frame: the longer, the finer the pitch and the coarser the time.
    hop : int
        Samples from the start of one frame to that of the next. With the default frame and hop, a frame sees
        32 ms, and there is one every 16 ms.
    low, high : float
        The lowest and the highest frequency, in Hz.
    sample_rate : int
        Samples a second.

    Returns
    -------
    numpy.ndarray
        Shape (T, D) or (N, T, D), float32, with `T = (samples - frame) // hop + 1`, and D frequencies at distances of
        `sample_rate / frame` Hz: 20 by default.

    Raises
    ------
    TypeError
        If `frame`, `hop` or `sample_rate` is not an int, or a frequency not a number.
    ValueError
        If `waveform` has another shape or is shorter than a frame, or no frequency is between `low` and `high`.
    """
    frame, hop = _check.whole_number("frame", frame, least=2), _check.whole_number("hop", hop)
    sample_rate = _check.whole_number("sample_rate", sample_rate)
    low = _check.number("low", low, 0, open_low=False)
    high = _check.number("high", high, low, sample_rate)
    waveform = np.asarray(waveform, np.float32)
    if waveform.ndim not in (1, 2) or waveform.shape[-1] < frame:
        raise ValueError(
            f"waveform must have shape (samples,) or (N, samples) with at least frame = {frame} samples, got "
            f"{waveform.shape}. Pass a longer sound."
        )
    if len(waveform) > _BLOCK and waveform.ndim == 2:  # some at a time, which needs less memory
        blocks = (waveform[first : first + _BLOCK] for first in range(0, len(waveform), _BLOCK))
        return np.concatenate([spectrogram(block, frame, hop, low, high, sample_rate) for block in blocks])
    frequencies = np.arange(frame // 2 + 1) * sample_rate / frame
    frequencies = frequencies[(low <= frequencies) & (frequencies <= high)]
    if not frequencies.size:
        raise ValueError(f"high must leave a frequency above low = {low:g} Hz, got {high:g}. Make frame longer.")
    angles = 2 * np.pi * np.arange(frame)[:, np.newaxis] * frequencies / sample_rate
    waves = np.hanning(frame)[:, np.newaxis] * np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
    frames = np.lib.stride_tricks.sliding_window_view(waveform, frame, axis=-1)[..., ::hop, :]
    amplitudes = frames.reshape(-1, frame) @ waves.astype(np.float32)  # one product: many small ones are slow
    cosines, sines = np.split(amplitudes.reshape(*frames.shape[:-1], -1), 2, axis=-1)
    features = np.log(cosines**2 + sines**2 + 1)
    return features - features.mean(axis=-1, keepdims=True)
