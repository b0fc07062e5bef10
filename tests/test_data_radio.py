"""Tests of rnn_course.data.radio: recordings hold what their texts say, a spectrogram says how strong what is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_course import data
from rnn_course.applications.speech import by_rule

CODE = {code: letter for letter, code in data.MORSE.items()}


@pytest.mark.parametrize("seconds", [1.6, 3.2])
def test_a_recording_without_noise_reads_as_its_text(seconds):
    """By a reader of its own: where the sound is not silent, the key is down."""
    texts, waveforms = data.morse_messages(30, noise=0.0, seconds=seconds, seed=3)
    for text, waveform in zip(texts, waveforms):
        power = np.convolve(waveform**2, np.ones(80) / 80, "same")  # 10 ms
        borders = np.flatnonzero(np.diff((power > 0.1).astype(int), prepend=0, append=0))
        lengths = np.diff(borders)
        signals, gaps = lengths[::2], [*lengths[1::2], 1e9]
        unit = min(signals.min(), gaps[0] if len(gaps) > 1 else 1e9, *gaps)
        read = code = ""
        for signal, gap in zip(signals / unit, np.array(gaps) / unit):
            code += "." if signal < 2 else "-"
            if gap > 2:
                read, code = read + CODE.get(code, "?") + " " * bool(5 < gap < 1e6), ""
        # A message of dashes alone, or of dots alone, does not say how long a dot is; all others do.
        if len(set("".join(data.MORSE[c] for c in text if c != " "))) == 2:
            assert read.strip() == text


def test_recordings_are_as_asked():
    texts, waveforms = data.morse_messages(40, noise=(0.5, 1.5), seconds=2.0, longest=5, seed=1)
    assert waveforms.shape == (40, 16000) and waveforms.dtype == np.float32
    assert max(map(len, texts)) <= 5 and set("".join(texts)) <= {*data.MORSE, " "}
    assert np.quantile(waveforms.std(axis=1), 0.05) > 0.4
    again = data.morse_messages(40, noise=(0.5, 1.5), seconds=2.0, longest=5, seed=1)
    assert again[0] == texts and np.array_equal(again[1], waveforms)
    assert data.morse_messages(40, seed=2)[0] != texts


def test_noise_is_as_strong_as_asked():
    (a,), (silent,) = data.morse_messages(1, noise=0.0, seed=5)
    (b,), (loud,) = data.morse_messages(1, noise=1.5, seed=5)
    assert a == b
    assert abs((loud - silent).std() - 1.5) < 0.05  # 25,600 samples: a standard error of 0.007


def test_words_of_the_test_are_new():
    trained, tested = (
        {word for text in data.morse_messages(1500, 0.0, 1.6, seed=4, split=split)[0] for word in text.split()}
        for split in ("train", "test")
    )
    assert not trained & tested and len(tested) > 300


@given(st.integers(18, 48), st.floats(0.2, 3.0))
@settings(max_examples=30, deadline=None)
def test_a_tone_is_strongest_at_its_own_pitch(number, amplitude):
    """A tone at a multiple of 31.25 Hz lies in one row, with the energy of a sum over the faded frame."""
    pitch = 31.25 * (number // 2 + 5)  # 437.5 to 906.25 Hz
    wave = amplitude * np.sin(2 * np.pi * pitch * np.arange(4000) / 8000)
    strengths = data.spectrogram(wave)
    assert strengths.shape == ((4000 - 256) // 128 + 1, 20)
    row = round(pitch / 31.25) - 12  # the first row is that of 375 Hz
    assert (strengths.argmax(axis=1) == row).all()
    np.testing.assert_allclose(strengths.mean(axis=1), 0, atol=1e-4)
    spectrum = np.abs(np.fft.rfft(wave[:256] * np.hanning(256)))[12:32] ** 2  # NumPy's transform
    expected = np.log(spectrum + 1)
    np.testing.assert_allclose(strengths[0], expected - expected.mean(), atol=2e-3)


def test_several_at_once_are_as_one_by_one():
    waveforms = np.random.default_rng(0).normal(size=(203, 700))
    together = data.spectrogram(waveforms)
    assert together.shape == (203, 4, 20)
    for one, features in zip(waveforms, together):
        np.testing.assert_allclose(data.spectrogram(one), features, atol=1e-4)


def test_the_rule_reads_what_is_hardly_disturbed():
    texts, waveforms = data.morse_messages(30, noise=0.2, seconds=2.4, seed=9)
    assert np.mean([by_rule(wave) == text for text, wave in zip(texts, waveforms)]) > 0.9


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"count": 0}, ValueError, "count"),
        ({"noise": -1}, ValueError, "noise"),
        ({"noise": (2, 1)}, ValueError, "noise"),
        ({"noise": "loud"}, TypeError, "noise"),
        ({"seconds": 1.0}, ValueError, "seconds"),
        ({"longest": 0}, ValueError, "longest"),
        ({"seed": -1}, ValueError, "seed"),
        ({"split": "all"}, ValueError, "split"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, words):
    with pytest.raises(error, match=words):
        data.morse_messages(**({"count": 2} | arguments))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"waveform": np.zeros(100)}, "waveform must have shape"),
        ({"waveform": np.zeros((1, 2, 300))}, "waveform must have shape"),
        ({"hop": 0}, "hop"),
        ({"low": 360, "high": 370}, "high must leave a frequency"),
    ],
)
def test_wrong_sounds_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        data.spectrogram(**({"waveform": np.zeros(1000)} | arguments))
