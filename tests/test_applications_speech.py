"""The listener: it reads what decoding finds, live as well as at one go, and mistakes are named."""

from itertools import pairwise

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rnn_course
from rnn_course import architectures, data, decoding, layers
from rnn_course.applications import TRAINED, speech
from tests.reference import numpy

WAVE = data.morse("CQ DE", noise=0.2)


def network(both_ways=True):
    """An untrained one, as the chapter builds it."""
    keras.utils.set_random_seed(3)
    recurrent = layers.GRU(6, return_sequences=True)
    convolutions = [keras.layers.Conv1D(5, 4, strides=2, activation="relu") for _ in range(2)]
    return architectures.sequence_to_sequence(
        40,
        [*convolutions, keras.layers.Bidirectional(recurrent) if both_ways else recurrent],
        keras.layers.Dense(len(speech.CHARACTERS), kernel_initializer=keras.initializers.RandomNormal(0, 3.0)),
    )


def test_features_are_strengths_and_the_same_in_order():
    found = speech.features(WAVE)
    strengths = data.spectrogram(WAVE)
    np.testing.assert_array_equal(found[:, :20], strengths)
    np.testing.assert_array_equal(found[:, 20:], np.sort(strengths, axis=1))


def test_examples_are_the_recordings_and_texts():
    x, y, texts = speech.examples(7, noise=(0, 1), seconds=1.6, seed=2, split="test")
    sent, waveforms = data.morse_messages(7, (0, 1), 1.6, 9, 2000, "test")
    assert texts == sent
    np.testing.assert_array_equal(x, speech.features(waveforms))
    assert [text.removeprefix(speech.LEAD) for text in speech.CHARACTERS.decode(y)] == sent


@pytest.mark.parametrize("beams", [1, 4])
def test_it_reads_what_decoding_finds(beams):
    app = speech.Listener(network())
    padded = speech.features(np.pad(WAVE, (0, speech.SILENCE)))[None]
    logits = numpy(app.model(padded))
    labels = decoding.ctc_greedy(logits) if beams == 1 else decoding.ctc_beam_search(logits, beams)[0][:, 0]
    expected = speech.CHARACTERS.decode(labels)[0].strip()
    assert app.transcribe(WAVE, beams=beams) == expected != ""
    assert speech.read(app.model, padded, beams) == [expected]
    assert app.transcribe((30 * WAVE).tolist(), 8000, beams)  # lists do as well
    np.testing.assert_allclose(app.logits(WAVE), numpy(app.model(speech.features(WAVE)[None]))[0], atol=1e-5)


@given(st.lists(st.integers(1, 4000), max_size=6))
@settings(max_examples=8, deadline=None)
def test_live_in_any_pieces_is_as_at_one_go(cuts):
    model = network(both_ways=False)
    pieces = [*np.split(WAVE, np.cumsum(cuts).clip(max=len(WAVE))), np.zeros(speech.SILENCE)]
    lines = list(speech.live(model, pieces))
    assert len(lines) == len(pieces) and lines[-1] == speech.Listener(model).transcribe(WAVE)
    assert all(after.startswith(before) for before, after in pairwise(lines))


def test_error_rate_counts_the_fewest_edits():
    """Against the recursion as it is defined, without a table."""

    def slow(a, b):
        if not a or not b:
            return len(a) + len(b)
        return min(slow(a[1:], b) + 1, slow(a, b[1:]) + 1, slow(a[1:], b[1:]) + (a[0] != b[0]))

    rng = np.random.default_rng(0)
    for _ in range(40):
        a, b = ("".join(rng.choice(list("ABC"), rng.integers(0, 6))) for _ in range(2))
        assert speech.error_rate([a], [b + "C"]) == slow(a, b + "C") / len(b + "C")


def test_error_rate_weighs_texts_by_their_length():
    assert speech.error_rate(["AB", "X"], ["AB", "Y"]) == 1 / 3
    assert speech.error_rate(["", "ABCDEF"], ["AB", "AB"]) == 6 / 4
    for wrong in ((["A"], ["A", "B"]), ([""], [""]), ([], [])):
        with pytest.raises(ValueError, match="equally many"):
            speech.error_rate(*wrong)


def test_it_comes_back_from_its_file(tmp_path):
    app = speech.Listener(network(), {"errors": 0.25})
    app.save(tmp_path / "mine.zip")
    again = rnn_course.load(tmp_path / "mine.zip")
    assert (type(again), again.results) == (speech.Listener, {"errors": 0.25})
    assert again.transcribe(WAVE) == app.transcribe(WAVE)


@pytest.mark.parametrize(
    ("use", "error", "words"),
    [
        (
            lambda app: app.transcribe(WAVE, 44100),
            ValueError,
            "`sample_rate` must be 8000; received 44100.*resample_poly",
        ),
        (lambda app: app.transcribe(WAVE, 8000.0), TypeError, "`sample_rate` must be a whole number"),
        (lambda app: app.transcribe("sos.wav"), TypeError, "`waveform` must be an array of numbers; received str"),
        (lambda app: app.transcribe(None), (TypeError, ValueError), "`waveform` must"),
        (lambda app: app.transcribe(np.stack([WAVE, WAVE])), ValueError, "one channel"),
        (lambda app: app.transcribe([]), ValueError, "must last 0.1 to 60 seconds; received 0 seconds"),
        (lambda app: app.transcribe(WAVE[:300]), ValueError, "Pass a longer sound"),
        (lambda app: app.transcribe(np.zeros(61 * 8000)), ValueError, "cut it in pieces"),
        (lambda app: app.transcribe(WAVE * np.nan), ValueError, "must be finite"),
        (lambda app: app.transcribe(WAVE, beams=0), ValueError, "`beams`"),
        (lambda app: app.transcribe(WAVE, beams=2.0), ValueError, "`beams`"),
        (lambda app: next(speech.live(app.model, [WAVE])), ValueError, "must read forward only"),
    ],
)
def test_mistakes_are_named(use, error, words):
    with pytest.raises(error, match=words):
        use(speech.Listener(network()))


def test_silence_reads_as_nothing_by_the_rule():
    assert speech.by_rule(np.zeros(8000)) == ""


def test_what_comes_with_the_package_reaches_its_results():
    if not (TRAINED / "speech.zip").exists():
        pytest.skip("not trained yet")
    app = rnn_course.load("speech")
    for noise in (0.5, 1.0):
        sent, waveforms = data.morse_messages(60, noise, 1.6, seed=99, split="test")
        rate = speech.error_rate(speech.read(app.model, speech.features(waveforms)), sent)
        assert rate < app.results[f"errors_at_noise_{noise}"] + 0.04
    assert app.results["errors_at_noise_1.5"] < app.results["rule_at_noise_1.5"]
    assert app.transcribe(data.morse("SOS", noise=1.0)) == "SOS"
