"""The pictures of the gated cells: readable, complete, and with the right numbers on their edges."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_course import drawing
from tests.test_drawing import assert_readable, behind, contrast, png, texts_of, visible_texts

LSTM = {"x": 1, "h_prev": -0.5, "c_prev": 0.8, "i": 0.881, "f": 0.731, "g": -0.462, "o": 0.622}
GRU = {"x": 1, "h_prev": -0.5, "z": 0.881, "r": 0.731, "g": -0.462}
DIAGRAMS = {
    "lstm": lambda: drawing.lstm_cell(),
    "lstm, forget": lambda: drawing.lstm_cell(until="forget"),
    "lstm, input": lambda: drawing.lstm_cell(until="input"),
    "lstm, output": lambda: drawing.lstm_cell(until="output"),
    "lstm, numbers": lambda: drawing.lstm_cell(values=LSTM),
    "lstm, forget, numbers": lambda: drawing.lstm_cell(until="forget", values=LSTM),
    "gru": lambda: drawing.gru_cell(),
    "gru, update": lambda: drawing.gru_cell(until="update"),
    "gru, reset": lambda: drawing.gru_cell(until="reset"),
    "gru, before": lambda: drawing.gru_cell(reset_after=False),
    "gru, update, before": lambda: drawing.gru_cell(until="update", reset_after=False),
    "gru, numbers": lambda: drawing.gru_cell(values=GRU),
    "gru, numbers, before": lambda: drawing.gru_cell(reset_after=False, values=GRU),
}


@pytest.mark.parametrize("name", DIAGRAMS)
def test_diagram_is_readable(name):
    figure = DIAGRAMS[name]().figure
    assert_readable(figure)
    assert figure.get_figwidth() <= 6
    for text in visible_texts(figure):
        assert contrast(text.get_color(), behind(text)) >= 4.5, text


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=7, max_size=7))
def test_numbers_of_any_step_fit(numbers):
    assert_readable(drawing.lstm_cell(values=dict(zip(LSTM, numbers))).figure)
    assert_readable(drawing.gru_cell(values=dict(zip(GRU, numbers))).figure)
    plt.close("all")


def test_lstm_is_built_up_gate_by_gate():
    symbols = ["$f_t$", "$i_t$", "$g_t$", "$c_t$", "$o_t$", "$h_t$"]
    for until, count in {"forget": 1, "input": 4, "output": 6, None: 6}.items():
        shown = texts_of(drawing.lstm_cell(until=until))
        assert [s for s in symbols if s in shown] == symbols[:count]
        assert {"$x_t$", "$h_{t-1}$", "$c_{t-1}$"} <= set(shown)


def test_gru_gets_its_reset_gate_last():
    assert "$r_t$" not in texts_of(drawing.gru_cell(until="update"))
    assert {"$z_t$", "$r_t$", "$g_t$", "$h_t$"} <= set(texts_of(drawing.gru_cell(until="reset")))


def test_reset_acts_after_or_before_the_weights():
    def nodes(**options):
        texts = {t.get_text(): t.get_position() for t in visible_texts(drawing.gru_cell(**options).figure)}
        return texts["$W_h$"], texts["tanh"]

    (x, y), (_, tanh_y) = nodes()
    assert y < tanh_y - 0.2  # on the way to the product with r_t
    (later, height), _ = nodes(reset_after=False)
    assert later > x and height > y  # between that product and tanh


def test_lstm_writes_what_follows_from_the_numbers():
    shown = texts_of(drawing.lstm_cell(values=LSTM))
    c = 0.731 * 0.8 + 0.881 * -0.462
    for number in (0.731 * 0.8, 0.881 * -0.462, c, np.tanh(c), 0.622 * np.tanh(c)):
        assert shown.count(f"{number:.3f}".replace("-", "−")) == 1, number


def test_gru_writes_what_follows_from_the_numbers():
    shown = texts_of(drawing.gru_cell(values=GRU))
    for number in (0.881 * -0.5, 1 - 0.881, 0.119 * -0.462, 0.881 * -0.5 + 0.119 * -0.462):
        assert f"{round(number, 3):.3g}".replace("-", "−") in shown, number


@pytest.mark.parametrize("draw", [drawing.lstm_cell, drawing.gru_cell])
def test_draws_on_the_given_axes_and_the_same_every_time(draw):
    figure, ax = plt.subplots()
    assert draw(ax=ax) is ax
    assert plt.get_fignums() == [figure.number]
    assert png(draw().figure) == png(draw().figure)
    with pytest.raises(TypeError, match="ax must be a matplotlib Axes"):
        draw(ax=figure)


@pytest.mark.parametrize("draw", [drawing.lstm_cell, drawing.gru_cell])
def test_errors_name_the_argument(draw):
    with pytest.raises(ValueError, match="until must be one of"):
        draw(until="peephole")
    with pytest.raises(ValueError, match="values must have exactly the keys"):
        draw(values={"x": 1})
    with pytest.raises(TypeError, match="values must be a dict"):
        draw(values=3)
