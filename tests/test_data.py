"""Tests of rnn_course.data: facts known from elsewhere, properties, reproducibility and errors."""

import re
import string
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_course import data

# Series ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "load, steps, unit, first, last",
    [
        (data.sunspots, 309, "Y", "1700", "2008"),
        (data.co2, 526, "M", "1958-03", "2001-12"),
        (data.el_nino, 732, "M", "1950-01", "2010-12"),
        (data.google_stock, 1047, "D", "2004-08-19", "2008-10-14"),
    ],
)
def test_every_series_has_one_form(load, steps, unit, first, last):
    series = load()
    assert series.time.shape == series.values.shape == (steps,)
    assert series.time.dtype == np.dtype(f"datetime64[{unit}]")
    assert series.values.dtype == np.float32 and np.isfinite(series.values).all()
    assert (str(series.time[0]), str(series.time[-1])) == (first, last)
    assert (np.diff(series.time).astype(int) > 0).all()
    assert series.name and series.unit


def test_sunspots_peak_in_1957():
    series = data.sunspots()
    highest = series.values.argmax()
    assert str(series.time[highest]) == "1957"
    assert series.values[highest] == pytest.approx(190.2)


def test_co2_rises_and_breathes():
    series = data.co2()
    assert series.values[0] == pytest.approx(316.1, abs=0.05)
    assert 370 < series.values[-1] < 372
    assert (np.diff(series.time).astype(int) == 1).all()
    year = series.values[series.time.astype("datetime64[Y]") == np.datetime64("1990")]
    assert year.argmax() == 4 and year.argmin() in (8, 9)  # May; September or October


def test_co2_gap_of_1964_is_a_straight_line():
    series = data.co2()
    january = np.flatnonzero(series.time == np.datetime64("1964-01"))[0]
    gap = series.values[january : january + 5]
    np.testing.assert_allclose(gap, np.linspace(gap[0], gap[-1], 5), rtol=1e-6)


def test_el_nino_has_its_season_and_its_great_years():
    series = data.el_nino()
    by_month = series.values.reshape(-1, 12).mean(axis=0)
    assert by_month.argmax() in (1, 2) and by_month.argmin() in (7, 8)  # warmest February or March
    anomaly = (series.values.reshape(-1, 12) - by_month).mean(axis=1)
    assert {int(i) + 1950 for i in anomaly.argsort()[-2:]} == {1983, 1997}


def test_google_opened_at_about_100_dollars():
    series = data.google_stock()
    assert series.values[0] == pytest.approx(100.34, abs=0.01)
    assert str(series.time[series.values.argmax()]).startswith("2007-11")
    assert np.is_busday(series.time).all()


@given(st.integers(2, 40), st.integers(1, 10), st.integers(1, 6))
def test_windows_equal_a_plain_loop(steps, length, horizon):
    values = np.arange(steps, dtype=np.float64) ** 2
    if steps < length + horizon:
        with pytest.raises(ValueError, match="length \\+ horizon"):
            data.windows(values, length, horizon)
        return
    inputs, targets = data.windows(values, length, horizon)
    starts = range(steps - length - horizon + 1)
    np.testing.assert_array_equal(inputs, [[[v] for v in values[i : i + length]] for i in starts])
    np.testing.assert_array_equal(targets, [values[i + length : i + length + horizon] for i in starts])


def test_windows_are_copies_and_keep_floats():
    values = np.arange(6, dtype=np.float64)
    inputs, targets = data.windows(values, 2)
    inputs[:] = -1
    assert values[0] == 0 and targets.dtype == np.float64
    assert data.windows([1, 2, 3], 2)[0].dtype == np.float32


@given(st.integers(30, 80), st.integers(1, 6), st.integers(1, 6), st.floats(0.1, 0.5))
def test_time_split_leaks_nothing(steps, length, horizon, fraction):
    inputs, targets = data.windows(np.arange(steps), length, horizon)  # every value is its own time
    (x_train, y_train), (x_test, y_test) = data.time_split(inputs, targets, fraction)
    begin = y_test[0, 0]
    assert max(x_train.max(), y_train.max()) == begin - 1
    assert y_test.min() == begin and y_test.max() == steps - 1
    assert len(x_test) == round(fraction * len(inputs))
    assert len(x_train) + len(x_test) == len(inputs) - (horizon - 1)
    assert len(x_train) == len(y_train) and len(x_test) == len(y_test)


@given(st.lists(st.floats(-100, 100, width=32), min_size=3, max_size=30), st.floats(-50, 50))
def test_standardize_uses_the_training_data_alone_and_can_be_undone(numbers, shift):
    train = np.array([*numbers, 101.0])
    other = train[::-1] * 2 + shift
    (scaled, scaled_other), (mean, std) = data.standardize(train, other)
    assert scaled.mean() == pytest.approx(0, abs=1e-6) and scaled.std() == pytest.approx(1)
    np.testing.assert_allclose(scaled_other * std + mean, other, atol=1e-6)
    assert data.standardize(train)[1] == (mean, std)


def test_a_float32_series_stays_float32():
    inputs, targets = data.windows(data.sunspots().values, 11, 2)
    (x, y), _ = data.standardize(inputs, targets)
    assert x.shape == (297, 11, 1) and y.shape == (297, 2)
    assert x.dtype == y.dtype == np.float32


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: data.windows(np.zeros((3, 2)), 1), ValueError, "values.*\\(3, 2\\)"),
        (lambda: data.windows(np.zeros(9), 0), ValueError, "length.*at least 1"),
        (lambda: data.windows(np.zeros(9), 2.0), TypeError, "length.*float"),
        (lambda: data.windows(np.zeros(9), 2, True), TypeError, "horizon"),
        (lambda: data.time_split(np.zeros((5, 2, 1)), np.zeros((4, 1))), ValueError, "inputs and targets"),
        (lambda: data.time_split(np.zeros((5, 2, 1)), np.zeros((5, 1)), 1), ValueError, "test_fraction"),
        (lambda: data.time_split(np.zeros((5, 2, 1)), np.zeros((5, 1)), "all"), TypeError, "test_fraction"),
        (lambda: data.time_split(np.zeros((5, 2, 1)), np.zeros((5, 1)), 0.01), ValueError, "0 to test on"),
        (lambda: data.time_split(np.zeros((5, 2, 1)), np.zeros((5, 9)), 0.2), ValueError, "0 to train on"),
        (lambda: data.standardize(np.ones(3)), ValueError, "train"),
        (lambda: data.standardize([]), ValueError, "train"),
        (lambda: data.standardize([1.0, np.nan]), ValueError, "Fill the gaps"),
    ],
)
def test_series_errors_name_the_argument(call, error, words):
    with pytest.raises(error, match=words):
        call()


# Digits ---------------------------------------------------------------------------------------------------------


def test_digits_as_rows_and_as_pixels_are_the_same_images():
    (x_train, y_train), (x_test, y_test) = data.digits()
    assert x_train.shape == (1438, 8, 8) and x_test.shape == (359, 8, 8)
    assert x_train.dtype == np.float32 and y_train.dtype == np.int64
    assert x_train.min() == 0 and x_train.max() == 1
    (pixels, labels), _ = data.digits("pixels")
    assert pixels.shape == (1438, 64, 1)
    np.testing.assert_array_equal(pixels.reshape(-1, 8, 8), x_train)
    np.testing.assert_array_equal(labels, y_train)
    together = np.bincount(np.concatenate([y_train, y_test]))
    assert together.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]  # as UCI documents
    assert np.abs(np.bincount(y_test) - together * 359 / 1797).max() < 1


def test_digits_split_depends_on_the_seed_alone():
    first, again, other = (data.digits(seed=seed)[1][0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("arguments", [{"order": "columns"}, {"test_fraction": 0}, {"test_fraction": 0.001}])
def test_digits_errors(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        data.digits(**arguments)


# Prose and vocabulary -------------------------------------------------------------------------------------------


def test_prose_is_plain_english_said_once():
    text = data.prose()
    assert 200_000 < len(text) < 500_000
    assert set(text) <= set(string.printable) - set("\t\r\v\f")
    lines = text.splitlines()
    assert len(lines) == len(set(lines)) > 1000
    assert text.endswith("\n") and "  " not in text and "\n\n" not in text
    words = Counter(text.lower().split())
    assert words.most_common(1)[0][0] == "the"
    assert "***" not in text and "===" not in text and ">>> " not in text


def test_snippets_are_cut_from_the_text():
    text = data.prose()
    pieces = data.snippets(text, 50, 20, seed=3)
    assert len(pieces) == 20 and all(len(piece) == 50 and piece in text for piece in pieces)
    assert pieces == data.snippets(text, 50, 20, seed=3) != data.snippets(text, 50, 20, seed=4)
    assert set(data.snippets("abc", 2, 50)) == {"ab", "bc"}  # the last start counts too
    with pytest.raises(ValueError, match=r"text.*at least length = 4"):
        data.snippets("abc", 4, 1)


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_characters_come_back(texts):
    vocabulary = data.Vocabulary.of(texts)
    numbers = vocabulary.encode(texts)
    assert numbers.dtype == np.int32 and numbers.shape == (len(texts), max(map(len, texts)))
    assert vocabulary.decode(numbers) == texts
    assert vocabulary.decode(vocabulary.encode(texts[0])) == texts[0]
    assert len(vocabulary) == 1 + len(set("".join(texts)))


_WORDS = st.lists(st.text("abcde,.", min_size=1, max_size=4), max_size=6).map(" ".join)


@given(st.lists(_WORDS, min_size=1, max_size=5))
def test_words_come_back(texts):
    vocabulary = data.Vocabulary.of(texts, by="word")
    assert vocabulary.decode(vocabulary.encode(texts)) == texts
    assert all(word in vocabulary for text in texts for word in text.split())


def test_vocabulary_by_hand():
    words = data.Vocabulary.of(["not bad", "bad , not good"], by="word")
    assert words.tokens == ("", ",", "bad", "good", "not")
    assert words.encode(["not bad", "good"], length=3).tolist() == [[4, 2, 0], [3, 0, 0]]
    assert words.decode([[4, 2, 0], [0, 0, 0]]) == ["not bad", ""]
    assert repr(words) == "<Vocabulary of 4 words>"


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda v: v.encode("abz"), ValueError, "'z' in 'abz'"),
        (lambda v: v.encode(3), TypeError, "int"),
        (lambda v: v.encode([3]), TypeError, "texts must be a string"),
        (lambda v: v.encode(["ab", "abab"], length=3), ValueError, "length must be at least 4"),
        (lambda v: v.decode([0.5]), TypeError, "argmax"),
        (lambda v: v.decode([3]), ValueError, "0 to 2, got 3"),
        (lambda v: v.decode([-1]), ValueError, "got -1"),
        (lambda v: v.decode([[[1]]]), ValueError, "shape"),
        (lambda v: data.Vocabulary("ab", by="line"), ValueError, "by must be"),
    ],
)
def test_vocabulary_errors(call, error, words):
    with pytest.raises(error, match=words):
        call(data.Vocabulary.of("ab"))


# Remarks --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def training():
    return data.remarks(6000)


@pytest.fixture(scope="module")
def held_out():
    return data.remarks(2000, split="test")


@pytest.mark.parametrize("split", ["training", "held_out"])
def test_every_remark_has_a_mirror_with_the_same_words(split, request):
    texts, labels = request.getfixturevalue(split)
    assert len(texts) == len(set(texts)) == len(labels)
    balance = Counter()
    for text, label in zip(texts, labels):
        balance[tuple(sorted(text.split()))] += 1 if label else -1
    assert set(balance.values()) == {0}


def test_train_and_test_share_words_but_no_remark(training, held_out):
    assert not set(training[0]) & set(held_out[0])
    vocabulary = data.Vocabulary.of(training[0], by="word")
    assert vocabulary.decode(vocabulary.encode(held_out[0])) == held_out[0]
    assert 120 < len(vocabulary) < 300
    lengths = [len(text.split()) for text in training[0]]
    assert min(lengths) == 5 and 25 <= max(lengths) <= 35 and 12 < np.mean(lengths) < 18


def _score(ngrams, training, held_out):
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    counts = CountVectorizer(ngram_range=(1, ngrams), token_pattern=r"\S+")
    return make_pipeline(counts, LogisticRegression(max_iter=1000)).fit(*training).score(*held_out)


def test_counting_words_is_chance_and_their_order_is_not(training, held_out):
    assert _score(1, training, held_out) <= 0.6
    assert 0.85 < _score(2, training, held_out) < 0.95  # the docstring says nine in ten


_PRAISING = set(
    "moving gripping fresh clever brilliant charming wonderful superb original convincing touching witty vivid "
    "elegant thrilling triumph delight treat gem joy masterpiece marvel pleasure".split()
)
_COMPLAINING = set(
    "dull boring stale silly awful tiresome dreadful terrible predictable clumsy shallow flat lifeless crude "
    "tedious bore mess failure disaster chore letdown ordeal flop".split()
)


def test_neither_place_gives_the_answer_away(held_out):
    texts, labels = held_out
    judgements = [[word for word in text.split() if word in _PRAISING | _COMPLAINING] for text in texts]
    assert {len(pair) for pair in judgements} == {2}
    first = [pair[0] in _PRAISING for pair in judgements]
    assert 0.4 < np.mean(first == labels) < 0.6


@pytest.mark.parametrize(
    "pattern",
    [
        "is not {no} but {yes}",
        "hardly {no} , truly {yes}",
        "more {yes} than {no}",
        " less {no} than {yes}",
        "i expected {no} and got {yes}",
        "critics think that .* is {no} , but i think that it is {yes}",
        "i think that .* is {yes} , but the critics think that it is {no}",
        "whoever says of .* that it is {no} has not seen it ; it is {yes}",
    ],
)
def test_remarks_mean_what_they_say(training, pattern):
    pattern = re.compile(pattern.format(yes=r"(?:an? )?(?P<yes>\w+)", no=r"(?:an? )?(?P<no>\w+)"))
    found = [(match, label) for match, label in zip(map(pattern.search, training[0]), training[1]) if match]
    assert {label for _, label in found} == {0, 1}
    for match, label in found:
        praised, denied = (_PRAISING, _COMPLAINING) if label else (_COMPLAINING, _PRAISING)
        assert match["yes"] in praised and match["no"] in denied


def test_remarks_repeat_with_the_seed():
    first, again, other = (data.remarks(50, seed=seed) for seed in (5, 5, 6))
    assert first[0] == again[0] != other[0]
    np.testing.assert_array_equal(first[1], again[1])


@pytest.mark.parametrize("arguments", [{"count": 3}, {"count": 0}, {"count": 60_000}, {"count": 2, "split": "all"}])
def test_remarks_errors(arguments):
    with pytest.raises(ValueError, match=list(arguments)[-1]):
        data.remarks(**arguments)


# Morse ----------------------------------------------------------------------------------------------------------


def test_the_code_is_international_morse():
    assert set(data.MORSE) == set(string.ascii_uppercase + string.digits)
    assert len(set(data.MORSE.values())) == 36
    assert data.MORSE["S"] + data.MORSE["O"] + data.MORSE["S"] == "...---..."
    assert all(data.MORSE[digit].startswith("." * min(int(digit), 5)) for digit in "12345")
    assert all(data.MORSE[digit].startswith("-" * (int(digit) - 5)) for digit in "6789")


@pytest.mark.parametrize("speed, unit", [(20, 480), (12, 800)])
def test_paris_is_fifty_units(speed, unit):
    once, twice = (len(data.morse(text, words_per_minute=speed)) for text in ("PARIS", "PARIS PARIS"))
    assert twice - once == 50 * unit
    assert once == 43 * unit


def _decoded(waveform, unit):
    """Read Morse code back: which units sound, then runs of sound and silence."""
    loud = np.abs(waveform).reshape(-1, unit).mean(axis=1) > 0.4
    units = "".join("=" if sounds else " " for sounds in loud)
    letter = {code: letter for letter, code in data.MORSE.items()}

    def read(signals):
        return letter["".join({"=": ".", "===": "-"}[signal] for signal in signals.split(" "))]

    return " ".join("".join(map(read, word.split("   "))) for word in units.split("       "))


_MESSAGES = st.lists(st.text(string.ascii_uppercase + string.digits, min_size=1, max_size=5), min_size=1, max_size=3)


@settings(max_examples=40, deadline=None)
@given(_MESSAGES.map(" ".join), st.sampled_from([0.0, 0.1, 0.2]))
def test_morse_can_be_read_back(text, noise):
    assert _decoded(data.morse(text.lower(), noise=noise), 480) == text


def test_morse_sounds_at_its_pitch_and_does_not_click():
    wave = data.morse("T", noise=0.0)
    assert wave.dtype == np.float32 and wave.shape == (1440,)
    spectrum = np.abs(np.fft.rfft(wave))
    assert np.fft.rfftfreq(len(wave), 1 / 8000)[spectrum.argmax()] == pytest.approx(600, abs=6)
    assert wave[0] == wave[-1] == 0 and np.abs(wave[:8]).max() < 0.2
    assert 0.99 < np.abs(wave).max() <= 1


def test_morse_noise_has_the_strength_asked_for_and_the_seed_decides():
    quiet, noisy = data.morse("SOS 73", noise=0.0), data.morse("SOS 73", noise=0.3)
    assert (noisy - quiet).std() == pytest.approx(0.3, rel=0.03)
    np.testing.assert_array_equal(noisy, data.morse("SOS 73", noise=0.3))
    assert not np.array_equal(noisy, data.morse("SOS 73", noise=0.3, seed=1))


def test_envelope_is_the_root_mean_square():
    loud = data.envelope(data.morse("T", noise=0.0), frame=80)
    assert loud.shape == (18, 1) and loud.dtype == np.float32
    np.testing.assert_allclose(loud[2:-2], np.sqrt(0.5), rtol=1e-3)
    assert data.envelope([3.0, -4.0, 9.0], frame=2).tolist() == [[pytest.approx(np.sqrt(12.5))]]


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: data.morse("SO$"), ValueError, "'\\$'"),
        (lambda: data.morse("straße"), ValueError, "'ß'"),
        (lambda: data.morse("  "), ValueError, "at least one letter"),
        (lambda: data.morse(73), TypeError, "text"),
        (lambda: data.morse("A", tone=4000), ValueError, "tone.*less than 4000"),
        (lambda: data.morse("A", noise=-1), ValueError, "noise"),
        (lambda: data.morse("A", words_per_minute=float("nan")), ValueError, "words_per_minute"),
        (lambda: data.morse("A", words_per_minute=1e6), ValueError, "slower"),
        (lambda: data.morse("A", sample_rate=8000.0), TypeError, "sample_rate"),
        (lambda: data.envelope(np.zeros(10)), ValueError, "waveform"),
        (lambda: data.envelope(np.zeros((10, 1)), 2), ValueError, "waveform"),
    ],
)
def test_morse_errors(call, error, words):
    with pytest.raises(error, match=words):
        call()


# Memory ---------------------------------------------------------------------------------------------------------


@given(st.integers(1, 50), st.integers(2, 30), st.integers(0, 9))
def test_adding_adds_the_two_marked_numbers(count, steps, seed):
    x, y = data.adding(count, steps, seed)
    assert x.shape == (count, steps, 2) and y.shape == (count, 1)
    assert x.dtype == y.dtype == np.float32
    numbers, markers = x[..., 0], x[..., 1]
    assert set(np.unique(markers)) <= {0, 1} and (markers.sum(axis=1) == 2).all()
    assert (numbers >= 0).all() and (numbers < 1).all()
    np.testing.assert_allclose((numbers * markers).sum(axis=1, keepdims=True), y, rtol=1e-6)


def test_adding_baseline_is_a_sixth_and_markers_are_everywhere():
    x, y = data.adding(20_000, 10)
    assert np.mean((y - 1) ** 2) == pytest.approx(1 / 6, rel=0.03)
    np.testing.assert_allclose(x[..., 1].mean(axis=0), 0.2, atol=0.02)


def test_adding_repeats_with_the_seed_and_names_bad_arguments():
    np.testing.assert_array_equal(data.adding(5, 8, seed=1)[0], data.adding(5, 8, seed=1)[0])
    assert not np.array_equal(data.adding(5, 8, seed=1)[0], data.adding(5, 8, seed=2)[0])
    for arguments, name in [((0, 5), "count"), ((5, 1), "steps"), ((5, 5, -1), "seed")]:
        with pytest.raises(ValueError, match=name):
            data.adding(*arguments)


# The package ----------------------------------------------------------------------------------------------------


def test_all_public_names_have_documentation():
    for name in data.__all__:
        assert name == "MORSE" or getattr(data, name).__doc__


def test_data_itself_imports_no_heavy_package():
    folder = data.__path__[0]
    lines = (
        "import importlib.util as u, sys",
        f"folder = {folder!r}",
        "spec = u.spec_from_file_location('d', folder + '/__init__.py', submodule_search_locations=[folder])",
        "module = sys.modules['d'] = u.module_from_spec(spec)",
        "spec.loader.exec_module(module)",
        "heavy = {'keras', 'tensorflow', 'pandas', 'statsmodels', 'sklearn', 'matplotlib', 'scipy'}",
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)",
    )
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
