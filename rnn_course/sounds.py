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
