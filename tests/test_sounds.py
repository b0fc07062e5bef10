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


def test_tones_have_their_pitches_and_their_times():
    sound = sounds.tones([(0.0, 1.0, 69), (2.0, 3.0, 57)])
    assert len(sound) == 8000 * 3.25 + 1 and np.abs(sound[: 8000 * 3]).max() < 3
    for first, frequency in ((0, 440), (16000, 220)):
        spectrum = np.abs(np.fft.rfft(sound[first : first + 8000]))
        assert spectrum.argmax() == frequency
    assert np.abs(sound[int(1.3 * 8000) : 16000]).max() == 0
    ends = sound[[0, int(1.2 * 8000) - 1, 16000, int(3.2 * 8000) - 1]]
    assert np.abs(ends).max() < 1e-2  # no clicks


def test_tones_above_what_the_rate_carries_are_left_out():
    assert not sounds.tones([(0, 1, 120)]).any() and sounds.tones([(0, 1, 120)], 44100).any()


@pytest.mark.parametrize(("notes", "words"), [([], "empty"), ([(1, 1, 60)], "received 1 to 1"), ([(-1, 1, 60)], "-1")])
def test_wrong_notes_are_named(notes, words):
    with pytest.raises(ValueError, match=f"`notes`.*{words}"):
        sounds.tones(notes)
