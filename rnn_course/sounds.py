"""Sounds in a notebook and in a page."""

import base64
import html
import io
import wave

import numpy as np


def player(waveform, sample_rate=8000, caption=""):
    """Return a player for a sound, to be the last line of a cell.

    Parameters
    ----------
    waveform : array_like
        Shape (samples,): the sound. It is scaled so that its loudest sample is at nine tenths of full strength.
    sample_rate : int
        Samples a second. At 8,000, a second takes 21 kB of the page.
    caption : str
        What is heard, for those who see the player and for screen readers.

    Returns
    -------
    IPython.display.HTML
        With the sound in it: it needs no file and no network.

    Raises
    ------
    ValueError
        If `waveform` has another shape, is empty or not finite, or `sample_rate` is not positive.
    """
    from IPython.display import HTML

    waveform = np.asarray(waveform, "float64")
    if waveform.ndim != 1 or not waveform.size or not np.isfinite(waveform).all():
        raise ValueError(f"`waveform` must be finite numbers of shape (samples,); received shape {waveform.shape}.")
    if not sample_rate > 0:
        raise ValueError(f"`sample_rate` must be a positive number of samples a second; received {sample_rate!r}.")
    source = base64.b64encode(wav(waveform, int(sample_rate))).decode()
    words = html.escape(caption)
    return HTML(
        f'<figure><audio controls preload="metadata" aria-label="{words}" src="data:audio/wav;base64,{source}"></audio>'
        f"<figcaption>{words}</figcaption></figure>"
    )


def wav(waveform, sample_rate):
    """Return the bytes of a WAV file with one channel of 16 bits."""
    loudest = np.abs(waveform).max() or 1.0
    samples = np.round(0.9 * 32767 * waveform / loudest).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(sample_rate)
        writer.writeframes(samples.tobytes())
    return file.getvalue()


def tones(notes, sample_rate=8000):
    """Return the sound of notes: for each a few overtones, which die away like those of a plucked string.

    Parameters
    ----------
    notes : list of (float, float, float)
        Start and end in seconds, and the pitch as a MIDI number: 60 is middle C, 69 the A of 440 Hz, 1 a semitone.
    sample_rate : int
        Samples a second. Overtones above half of it, which it cannot carry, are left out.

    Returns
    -------
    numpy.ndarray
        Shape (samples,), float64: the sound from 0 s to a quarter of a second after the last end.

    Raises
    ------
    ValueError
        If there are no notes, or one ends before it starts or starts before 0 s.
    """
    if not len(notes):
        raise ValueError("`notes` must not be empty.")
    sound = np.zeros(int((max(end for _, end, _ in notes) + 0.25) * sample_rate) + 1)
    for start, end, pitch in notes:
        if not 0 <= start < end:
            raise ValueError(f"`notes` must start at 0 s or later and end after that; received {start!r} to {end!r}.")
        first = int(start * sample_rate)
        time = np.arange(min(int((end - start + 0.2) * sample_rate), len(sound) - first)) / sample_rate
        frequency = 440 * 2 ** ((pitch - 69) / 12)
        partials = [k for k in range(1, 7) if k * frequency < sample_rate / 2]
        sines = [np.sin(2 * np.pi * k * frequency * time) / k**1.5 for k in partials]
        dying = [np.exp(-(1 + k) * time / 2) for k in partials]
        fade = np.minimum(time / 0.01, 1) * np.clip((end - start + 0.2 - time) / 0.2, 0, 1)  # no clicks
        sound[first : first + len(time)] += sum(sine * loudness for sine, loudness in zip(sines, dying)) * fade
    return sound
