"""Tests of rnn_course.sounds: what the page plays is what went in."""

import base64
import io
import re
import wave

import numpy as np
import pytest

from rnn_course import sounds


def test_a_player_holds_the_sound_as_a_wav_file():
    tone = 0.2 * np.sin(2 * np.pi * 440 / 8000 * np.arange(1600))
    page = sounds.player(tone, 8000, caption='A "pure" tone').data
    assert 'aria-label="A &quot;pure&quot; tone"' in page and "http" not in page
    content = base64.b64decode(re.search('base64,([^"]*)', page)[1])
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        samples = np.frombuffer(file.readframes(1600), "<i2") / 32767
    assert np.allclose(samples, 0.9 * tone / np.abs(tone).max(), atol=1e-4)


def test_silence_stays_silent():
    assert not np.frombuffer(sounds.wav(np.zeros(10), 8000)[44:], "<i2").any()


@pytest.mark.parametrize("waveform", [[], [[0.0, 1.0]], [np.nan, 1.0]])
def test_a_wrong_waveform_is_named(waveform):
    with pytest.raises(ValueError, match="`waveform`"):
        sounds.player(waveform)


def test_a_wrong_sample_rate_is_named():
    with pytest.raises(ValueError, match="`sample_rate`"):
        sounds.player([0.0, 1.0], 0)
