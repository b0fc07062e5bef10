"""The forecaster: it does what a plain loop does, its intervals hold what they promise, it cannot see the future."""

import keras
import numpy as np
import pytest
from keras import ops

import rnn_course
from rnn_course import architectures, data, layers
from rnn_course.applications import TRAINED, forecasting
from tests.reference import numpy

PAST, HORIZON, QUANTILES = 10, 5, [0.1, 0.25, 0.5, 0.75, 0.9]
RNG = np.random.default_rng(0)
SERIES = RNG.normal(size=80).cumsum()


def network(horizon=HORIZON, every_step=False, seed=0):
    """An untrained one."""
    keras.utils.set_random_seed(seed)
    output = keras.layers.Dense(horizon * len(QUANTILES), bias_initializer="normal")
    if every_step:
        return architectures.sequence_to_sequence(3, layers.GRU(4, return_sequences=True), output)
    return architectures.sequence_to_vector(3, layers.GRU(4), output)


def forecaster(margins=((0.3,) * HORIZON, (-0.1,) * HORIZON)):
    how = dict(past=PAST, horizon=HORIZON, quantiles=QUANTILES, margins=margins)
    return forecasting.Forecaster(network(), {"error": 0.5}, **how)


# ---- what a network reads and writes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("period", [1, 3, 4, 7])
def test_seasonal_naive_repeats_the_last_season(period):
    windows = RNG.normal(size=(3, 8))
    found = forecasting.seasonal_naive(windows, period, 9)
    for row, window in zip(found, windows):
        assert row.tolist() == [window[8 - period + ahead % period] for ahead in range(9)]


@pytest.mark.parametrize("period", [1, 4])
def test_encoded_equals_a_plain_loop(period):
    windows = RNG.normal(size=(3, PAST + period))
    inputs, unit = forecasting.encoded(windows, period)
    assert inputs.shape == (3, PAST, forecasting.FEATURES) and inputs.dtype == np.float32
    for row, (u,), window in zip(inputs, unit, windows):
        now = range(period, PAST + period)
        assert np.isclose(u, np.mean([abs(window[t] - window[t - period]) for t in now]))
        level = window[:period].mean()
        expected = [[window[t] - window[t - period], window[t] - window[t - 1], window[t] - level] for t in now]
        np.testing.assert_allclose(row * u, expected, atol=1e-5)


@pytest.mark.parametrize("period", [1, 4])
def test_examples_equal_a_plain_loop(period):
    """A target is the difference from the seasonal-naive forecast of its step, in the unit of the window."""
    inputs, targets = forecasting.examples(SERIES, PAST, HORIZON, period, every=3)
    starts = range(0, len(SERIES) - PAST - period - HORIZON + 1, 3)
    assert inputs.shape == (len(starts), PAST, 3) and targets.shape == (len(starts), PAST, HORIZON)
    for row, written, start in zip(inputs, targets, starts):
        window = SERIES[start : start + PAST + period]
        (expected,), ((unit,),) = forecasting.encoded(window[None], period)
        np.testing.assert_array_equal(row, expected)
        for step in range(PAST):
            known = start + period + step + 1  # the number of values that are known then
            naive = forecasting.seasonal_naive(SERIES[None, :known], period, HORIZON)[0]
            np.testing.assert_allclose(written[step] * unit, SERIES[known : known + HORIZON] - naive, atol=1e-5)


@pytest.mark.parametrize("every_step", [False, True])
def test_a_change_of_unit_or_level_changes_the_forecast_alike(every_step):
    model, windows = network(every_step=every_step), SERIES[None, : PAST + 4]
    q = forecasting.quantiles_of(model, windows, 4, QUANTILES)
    assert q.shape == (1, HORIZON, 5) and (np.diff(q, axis=-1) >= 0).all()
    np.testing.assert_allclose(
        forecasting.quantiles_of(model, 7 * windows - 3, 4, QUANTILES), 7 * q - 3, rtol=1e-4, atol=1e-4
    )


def test_no_change_has_the_unit_1():
    inputs, unit = forecasting.encoded(np.ones((2, PAST + 1)), 1)
    assert (unit == 1).all() and not inputs.any()


def test_recursive_equals_a_plain_loop():
    model, window = network(horizon=1), SERIES[: PAST + 4]
    known = list(window)
    for _ in range(HORIZON):
        known.append(forecasting.quantiles_of(model, [known[-PAST - 4 :]], 4, QUANTILES)[0, 0, 2])
    found = forecasting.recursive(model, window[None], 4, HORIZON, QUANTILES)
    np.testing.assert_allclose(found, [known[-HORIZON:]], rtol=1e-5)


def test_joined_is_the_mean():
    models = [network(seed=seed) for seed in (1, 2, 3)]
    x, _ = forecasting.encoded(RNG.normal(size=(4, PAST + 1)), 1)
    mean = np.mean([numpy(model(x)) for model in models], axis=0)
    np.testing.assert_allclose(numpy(forecasting.joined(models)(x)), mean, atol=1e-6)


# ---- losses and measures ---------------------------------------------------------------------------------------------


def test_pinball_equals_its_definition():
    truth, written = RNG.normal(size=(3, HORIZON)), RNG.normal(size=(3, HORIZON, len(QUANTILES)))
    expected = np.zeros(3)
    for n, h, k in np.ndindex(written.shape):
        miss = truth[n, h] - written[n, h, k]
        expected[n] += (QUANTILES[k] if miss >= 0 else QUANTILES[k] - 1) * miss / HORIZON / len(QUANTILES)
    flat = written.reshape(3, -1).astype("float32")
    found = forecasting.pinball(QUANTILES)(ops.convert_to_tensor(truth.astype("float32")), flat)
    np.testing.assert_allclose(numpy(found), expected, rtol=1e-5)


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.8])
def test_the_least_pinball_loss_is_at_the_quantile(quantile):
    """Brute force: of all constants, the one that sorting the numbers finds."""
    numbers = RNG.gamma(2, size=501).astype("float32")
    candidates = np.sort(numbers)
    loss = forecasting.pinball([quantile])
    cost = [numpy(loss(numbers[None], np.full((1, 501), c, "float32")))[0] for c in candidates[::5]]
    assert abs(candidates[::5][np.argmin(cost)] - np.quantile(numbers, quantile)) < 0.1


def test_mase_is_1_for_the_seasonal_naive_forecast_of_the_training_period():
    period, ahead = 4, 3
    origins, futures = data.rolling_origins(SERIES, ahead, period)
    naive = np.stack([SERIES[t - period : t - period + ahead] for t in origins])
    unit = np.mean([abs(SERIES[t] - SERIES[t - period]) for t in range(period, len(SERIES))])
    expected = [np.mean([abs(n[h] - f[h]) for n, f in zip(naive, futures)]) / unit for h in range(ahead)]
    found = forecasting.mase(naive, futures, SERIES, period)
    np.testing.assert_allclose(found, expected)
    assert np.allclose(found, 1, atol=0.1)


def test_coverage_counts():
    assert forecasting.coverage(np.array([0, 0, 0, 0]), np.array([1, 1, 1, 1]), np.array([0, 1, 2, -1])) == 0.5


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("width", [0.0, 0.5, 9.0])
def test_margins_make_intervals_hold_what_they_promise(level, width):
    """On data where each is like the other: at least the level in the mean over many samples, and not much more."""
    rng, held = np.random.default_rng(1), []
    for _ in range(300):
        truth = rng.normal(size=(100, 2)) * [1, 3]
        low, high = np.full_like(truth, -width), np.full_like(truth, width)
        margin = forecasting.margins(low[:50], high[:50], truth[:50], level)
        held.append(forecasting.coverage(low[50:] - margin, high[50:] + margin, truth[50:]))
    assert level - 0.01 < np.mean(held) < level + 0.03


# ---- the application -------------------------------------------------------------------------------------------------


def test_a_forecast_is_the_networks_with_margins():
    app, period = forecaster(), 4
    window = SERIES[None, -PAST - period :]
    q = forecasting.quantiles_of(app.model, window, period, QUANTILES)[0]
    unit = forecasting.encoded(window, period)[1][0, 0]
    assert app.levels == [0.8, 0.5]
    for level, (low, high, margin) in {0.8: (0, 4, 0.3), 0.5: (1, 3, -0.1)}.items():
        found = app.forecast(SERIES, period=period, level=level)
        np.testing.assert_allclose(found.median, q[:, 2])
        np.testing.assert_allclose(found.low, np.minimum(q[:, low] - margin * unit, q[:, 2]))
        np.testing.assert_allclose(found.high, np.maximum(q[:, high] + margin * unit, q[:, 2]))
        assert (found.low <= found.median).all() and (found.median <= found.high).all()


def test_fewer_steps_are_the_first_of_all():
    for some, all_ in zip(forecaster().forecast(SERIES, steps=2), forecaster().forecast(SERIES)):
        np.testing.assert_array_equal(some, all_[:2])


def test_neither_the_distant_past_nor_the_future_has_a_part():
    app, now = forecaster(), 60
    expected = app.forecast(SERIES[:now])
    other = SERIES.copy()
    other[now:], other[: now - PAST - 12] = 99, -99
    np.testing.assert_array_equal(app.forecast(other[:now]), expected)


@pytest.mark.parametrize("kind", [list, tuple, lambda v: (1e3 * v).round().astype(int), lambda v: v.astype("float32")])
def test_any_list_of_numbers_will_do(kind):
    history = kind(SERIES)
    expected = forecaster().forecast(np.asarray(history, "float64"))
    np.testing.assert_allclose(forecaster().forecast(history), expected, rtol=1e-5)


def test_it_comes_back_from_its_file(tmp_path):
    app = forecaster()
    app.save(tmp_path / "mine.zip")
    again = rnn_course.load(tmp_path / "mine.zip")
    assert type(again) is forecasting.Forecaster
    assert (again.results, again.settings) == (app.results, app.settings)
    np.testing.assert_allclose(again.forecast(SERIES), app.forecast(SERIES), rtol=1e-6)


def test_joined_networks_that_were_trained_come_back_too(tmp_path):
    models = [network(seed=seed) for seed in (1, 2)]
    for model in models:
        model.compile("adam", forecasting.pinball(QUANTILES))
    how = dict(past=PAST, horizon=HORIZON, quantiles=QUANTILES, margins=np.zeros((2, HORIZON)))
    app = forecasting.Forecaster(forecasting.joined(models), **how)
    app.save(tmp_path / "mine.zip")
    np.testing.assert_allclose(rnn_course.load(tmp_path / "mine.zip").forecast(SERIES), app.forecast(SERIES), rtol=1e-6)


GAP = np.where(np.arange(80) == 75, np.nan, SERIES)


@pytest.mark.parametrize(
    ("history", "error", "words"),
    [
        ("a rising line", TypeError, "array or list of numbers; received str"),
        (["1", "2"] * 20, TypeError, "received list"),
        (None, TypeError, "received NoneType"),
        ([None] * 40, TypeError, "numpy.asarray"),
        ([[1.0], [1.0, 2.0]], TypeError, "received list"),
        (SERIES > 0, TypeError, "received ndarray with bool"),
        (data.co2(), TypeError, "received Series"),
        (SERIES[:, None], ValueError, r"shape \(T,\), one series; received shape \(80, 1\)"),
        (3.5, ValueError, r"received shape \(\)"),
        (SERIES[:21], ValueError, "at least 22 steps, past [+] period = 10 [+] 12; received 21"),
        ([], ValueError, "received 0"),
        (GAP, ValueError, "received NaN or infinity. Fill it"),
        (np.where(np.isnan(GAP), np.inf, GAP), ValueError, "must be finite"),
        (np.full(80, 2.5), ValueError, "must change; received 2.5 throughout"),
    ],
)
def test_what_is_no_history_is_named(history, error, words):
    with pytest.raises(error, match=f"`history`.*{words}"):
        forecaster().forecast(history)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"steps": 6}, ValueError, "`steps` must be at most 5"),
        ({"steps": 0}, ValueError, "steps must be at least 1"),
        ({"steps": 2.0}, TypeError, "steps must be a whole number"),
        ({"period": 0}, ValueError, "period must be at least 1"),
        ({"period": "month"}, TypeError, "period must be a whole number"),
        ({"level": 0.9}, ValueError, r"`level` must be one of \[0.8, 0.5\]; received 0.9"),
        ({"level": "80%"}, ValueError, "`level` must be one of"),
    ],
)
def test_other_mistakes_are_named(arguments, error, words):
    with pytest.raises(error, match=words):
        forecaster().forecast(SERIES, **arguments)


def test_a_series_too_short_to_learn_from_is_named():
    with pytest.raises(ValueError, match=r"at least past [+] period [+] horizon = 19 steps; received 18"):
        forecasting.examples(SERIES[:18], PAST, HORIZON, 4)


def test_what_comes_with_the_package_reaches_its_results():
    """On every origin of the last fifth of the sea's temperatures and CO2, neither of which it was trained on."""
    if not (TRAINED / "forecasting.zip").exists():
        pytest.skip("not trained yet")
    app = rnn_course.load("forecasting")
    for series in (data.co2(), data.el_nino()):
        values = series.values.astype("float64")
        train, first = values[: round(0.6 * len(values))], round(0.8 * len(values))
        origins, futures = data.rolling_origins(values, app.horizon, first)
        windows = np.stack([values[t - app.past - 12 : t] for t in origins])
        median, low, high = app.intervals(windows, 12)
        error = forecasting.mase(median, futures, train, 12).mean()
        naive = forecasting.mase(forecasting.seasonal_naive(windows, 12, 12), futures, train, 12).mean()
        assert error < 1.1 * naive
        assert 0.65 < forecasting.coverage(low, high, futures) <= 1
        np.testing.assert_allclose(app.forecast(values[: origins[-1]]).median, median[-1], rtol=1e-4)
