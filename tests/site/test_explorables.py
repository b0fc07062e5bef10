"""What a reader can try on a page: its numbers are the package's; keyboard, mouse and bad input are answered.

Scripts compute in float64, like the package's layers here, but by another tanh. Such functions differ in the last bits,
by about 1e-16 of the value. A step of these networks multiplies an earlier error by at most 2, so that 12 steps leave
less than 1e-12; CLOSE is that. A product of 50 slopes 1 - h² is another matter: where h is near 1, the slope is small,
down to 0.008 in these cases, and has a relative error of about 1e-16 / 0.008; fifty of them stay below 1e-11.
"""

import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tools import explorables

PAGES = {"unrolled-neuron": "02-unrolling", "gradient-lag": "05-gradients", "lstm-gates": "06-gates"}
FORMS = [(theme, width) for theme in ("light", "dark") for width in (390, 1280)]
CLOSE = 1e-12
CLOSE_PRODUCT = 1e-10
ALL_NAMES = pytest.mark.parametrize("name", PAGES)


@pytest.fixture
def panel(open_page):
    """Return a function that opens the page of an explorable and returns its panel."""

    def panel(name, **settings):
        page = open_page(f"{PAGES[name]}.html", **settings)
        return page.locator(f"#explorable-{name} .explorable-panel")

    return panel


def value(panel, name):
    return float(panel.locator(f'[data-name="{name}"]').get_attribute("data-value"))


def values(panel, names):
    return [value(panel, name) for name in names]


def shown(panel, name):
    """The number as the reader sees it."""
    return float(panel.locator(f'[data-name="{name}"]').text_content().replace("−", "-"))


def control(panel, name):
    return panel.locator(f'[data-control="{name}"]')


def press(panel, name):
    panel.get_by_role("button", name=name, exact=True).click()


# ---- all three -------------------------------------------------------------------------------------------------------


@ALL_NAMES
def test_without_scripts_the_picture_stays(open_page, name):
    page = open_page(f"{PAGES[name]}.html", java_script_enabled=False)
    picture = page.locator(f"#explorable-{name} > img")
    picture.scroll_into_view_if_needed()
    expect(picture).to_be_visible()
    assert len(picture.get_attribute("alt")) > 40
    expect(page.locator(f"#explorable-{name} .explorable-panel")).to_have_count(0)


@ALL_NAMES
def test_the_picture_is_printed_and_the_panel_is_not(panel, name):
    found = panel(name)
    picture = found.page.locator(f"#explorable-{name} > img")
    expect(found).to_be_visible()
    expect(picture).to_be_hidden()
    found.page.emulate_media(media="print")
    expect(found).to_be_hidden()
    expect(picture).to_be_visible()
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("picture => picture.naturalWidth") > 0


@ALL_NAMES
@pytest.mark.parametrize(("theme", "width"), FORMS)
def test_it_is_accessible_and_fits(panel, axe, name, theme, width):
    found = panel(name, theme=theme, width=width)
    found.scroll_into_view_if_needed()
    page = found.page
    page.evaluate(axe)
    violations = page.evaluate("name => axe.run(`#explorable-${name}`).then((result) => result.violations)", name)
    assert violations == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert found.evaluate("panel => panel.scrollWidth <= panel.clientWidth")
    sizes = found.locator("button, input").evaluate_all(
        "all => all.map((one) => [one.getBoundingClientRect().width, one.getBoundingClientRect().height])"
    )
    assert np.min(sizes) >= 24


@ALL_NAMES
def test_text_on_a_phone_is_large_enough(panel, name):
    """Indices may be smaller than the symbols that they belong to."""
    found = panel(name, width=390)
    sizes = found.locator(":is(p, label, output, td, th, small, button, text)").evaluate_all(
        """all => all.map((one) => parseFloat(getComputedStyle(one).fontSize)
             * (one.ownerSVGElement ? one.ownerSVGElement.getScreenCTM().a : 1))"""
    )
    assert min(sizes) >= 14


# ---- the unrolled neuron ---------------------------------------------------------------------------------------------


def states(panel, steps=5):
    return values(panel, [f"h_{t}" for t in range(1, steps + 1)])


def test_the_first_two_steps_are_those_of_the_pencil(panel):
    neuron = panel("unrolled-neuron")
    press(neuron, "Step")
    assert shown(neuron, "equation-sum") == 0.9 and shown(neuron, "equation-h") == 0.716
    press(neuron, "Step")
    assert shown(neuron, "equation-sum") == 0.058 and shown(neuron, "equation-h") == 0.058
    expect(neuron.locator('[data-name="h_3"]')).to_have_count(0)
    expect(neuron.locator("[aria-live=polite]")).to_have_text("Step 2 of 5: h2 = 0.058.")


def test_the_neuron_computes_what_the_cell_does(panel):
    neuron = panel("unrolled-neuron")
    start = explorables.NEURON
    assert [float(control(neuron, f"x_{t}").input_value()) for t in range(1, 6)] == list(start["inputs"])
    assert [float(control(neuron, name).input_value()) for name in ("W_x", "W_h", "b")] == [0.8, 0.5, 0.1]
    for _ in range(5):
        press(neuron, "Step")
    for weights, inputs in (
        ((start["W_x"], start["W_h"], start["b"]), start["inputs"]),
        ((-2, 2, 0), (0.1, -0.2, 0.3, -5, 5)),
        ((1.35, -1.9, -0.55), (0.25, 1.5, -2, 0, 0.07)),
    ):
        for name, weight in zip(("W_x", "W_h", "b"), weights):
            control(neuron, name).fill(str(weight))
        for t, x in enumerate(inputs, start=1):
            control(neuron, f"x_{t}").fill(str(x))
        expected = explorables.neuron_states(*weights, inputs)
        np.testing.assert_allclose(states(neuron), expected, rtol=0, atol=CLOSE)
        assert [shown(neuron, f"h_{t}") for t in range(1, 6)] == pytest.approx(expected, abs=0.000501)
        assert value(neuron, "equation-h") == value(neuron, "h_5")
        assert np.tanh(value(neuron, "equation-sum")) == pytest.approx(expected[-1])


def test_the_neuron_by_keyboard(panel):
    neuron = panel("unrolled-neuron")
    control(neuron, "W_h").focus()
    neuron.page.keyboard.press("ArrowRight")
    assert value(neuron, "W_h") == 0.55
    neuron.get_by_role("button", name="Step").focus()
    for _ in range(7):
        neuron.page.keyboard.press("Enter")
    np.testing.assert_allclose(states(neuron), explorables.neuron_states(0.8, 0.55, 0.1, (1, -0.5, 0.5, 0, -1)))
    expect(neuron.get_by_role("button", name="Step")).to_have_attribute("aria-disabled", "true")
    expect(neuron.get_by_role("button", name="Step")).to_be_focused()
    for _ in range(2):
        neuron.page.keyboard.press("Tab")
    neuron.page.keyboard.press("Space")
    expect(neuron.locator('[data-name="h_1"]')).to_have_count(0)
    expect(neuron.locator("svg")).to_have_attribute("aria-label", re.compile("No copy has read its input yet"))


def test_bad_input_is_clamped_and_answered(panel):
    neuron = panel("unrolled-neuron")
    press(neuron, "Step")
    field = control(neuron, "x_1")
    for typed, counts in (("99", 5), ("-1e9", -5), ("", 1), ("e", 1), ("5.01", 5)):
        field.fill("1")
        field.press("Control+a")
        field.press("Delete")
        field.press_sequentially(typed)
        expect(field).to_have_attribute("aria-invalid", "true")
        answer = f"x1 has to be a number from −5 to 5. It counts as {counts}.00.".replace("as -", "as −")
        expect(neuron.locator("[aria-live=polite]")).to_have_text(answer)
        assert value(neuron, "x_1") == counts
        assert states(neuron, 1) == pytest.approx(explorables.neuron_states(0.8, 0.5, 0.1, [counts]))
        field.blur()
        expect(field).to_have_value(str(counts))
        expect(field).not_to_have_attribute("aria-invalid", "true")
        assert "NaN" not in neuron.inner_html()
    field.fill("0.126")  # what is computed with is what is shown
    field.blur()
    expect(field).to_have_value("0.13")


def test_it_runs_by_itself_and_can_be_paused(page, site):
    page.clock.install()
    page.goto(f"{site}/{PAGES['unrolled-neuron']}.html")
    neuron = page.locator("#explorable-unrolled-neuron .explorable-panel")
    press(neuron, "Run to the end")
    page.clock.run_for(1000)
    press(neuron, "Pause")
    expect(neuron.locator('[data-name="h_2"]')).to_have_count(1)
    page.clock.run_for(5000)
    expect(neuron.locator('[data-name="h_3"]')).to_have_count(0)
    press(neuron, "Run to the end")
    page.clock.run_for(5000)
    expect(neuron.locator('[data-name="h_5"]')).to_have_count(1)
    expect(neuron.get_by_role("button", name="Run to the end")).to_have_count(1)


def test_with_reduced_motion_the_end_is_there_at_once(page, site):
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{site}/{PAGES['unrolled-neuron']}.html")
    neuron = page.locator("#explorable-unrolled-neuron .explorable-panel")
    press(neuron, "Run to the end")
    assert neuron.locator('[data-name="h_5"]').count() == 1


# ---- gradient against lag --------------------------------------------------------------------------------------------


def turn(panel, W_h, size, activation="tanh"):
    control(panel, "W_h").fill(str(W_h))
    control(panel, "size").fill(str(size))
    control(panel, f"activation-{activation}").check()


def test_the_gradient_is_that_of_the_layer(panel):
    lag = panel("gradient-lag")
    for W_h, size, activation in (
        (0.9, 0, "tanh"),
        (1.1, 0.3, "tanh"),
        (-1.2, 1, "tanh"),
        (1.25, 2, "tanh"),
        (0, 0.5, "tanh"),
        (1.1, 1, "linear"),
    ):
        turn(lag, W_h, size, activation)
        found = values(lag, [f"gradient-at-{k}" for k in range(51)])
        expected = explorables.gradient_by_lag(W_h, size, activation)
        np.testing.assert_allclose(found, expected, rtol=CLOSE_PRODUCT, atol=0)
        assert values(lag, ["gradient-1", "gradient-10", "gradient-50"]) == [found[k] for k in (1, 10, 50)]
        powers = np.abs(W_h) ** np.array([1.0, 10, 50])
        np.testing.assert_allclose(values(lag, ["power-1", "power-10", "power-50"]), powers)


def test_the_verdict_counts_the_steps(panel):
    lag = panel("gradient-lag")
    for W_h, size, verdict in ((0.9, 0, "vanishes"), (1, 0, "neither"), (1.1, 0, "explodes"), (1.1, 1, "vanishes")):
        turn(lag, W_h, size)
        expect(lag.locator('[data-name="verdict"]')).to_have_attribute("data-value", verdict)
        g = explorables.gradient_by_lag(W_h, size)
        out = np.flatnonzero((g < 0.01) | (g > 100))
        assert len(out) == 0 if verdict == "neither" else value(lag, "steps") == out[0]


def test_what_leaves_the_scale_is_marked(panel):
    lag = panel("gradient-lag")
    turn(lag, 0.9, 0)
    expect(lag.locator(".explorable-pointer")).to_have_count(0)
    turn(lag, 1.8, 2)
    expect(lag.locator(".explorable-pointer")).to_have_count(2)
    drawn = lag.locator(".explorable-curve").evaluate_all("all => all.map((one) => one.getAttribute('d'))")
    assert not any("NaN" in path or "Infinity" in path for path in drawn)
    assert "× 10" not in lag.inner_text() and re.search(r"\d · 10", lag.inner_text())


def test_the_weight_turns_by_keyboard(panel):
    lag = panel("gradient-lag")
    control(lag, "W_h").focus()
    for _ in range(20):
        lag.page.keyboard.press("ArrowRight")
    expect(lag.locator('[data-name="verdict"]')).to_have_attribute("data-value", "explodes")
    assert value(lag, "gradient-50") == pytest.approx(1.1**50)


# ---- the gates -------------------------------------------------------------------------------------------------------


def opened(panel, gate):
    cells = panel.locator(f'[data-name^="{gate}_"].explorable-gate')
    return cells.evaluate_all("all => all.map((one) => one.getAttribute('aria-pressed') === 'true')")


def check_states(panel, leak, g=explorables.CANDIDATES):
    """The page's c and h are those of the package's cell whose gates take the values on the page."""
    gates = [explorables.levels(opened(panel, gate), leak) for gate in "fio"]
    expected = explorables.lstm_states(*gates, g)
    for name, numbers in zip("ch", expected):
        found = values(panel, [f"{name}_{t}" for t in range(1, 13)])
        np.testing.assert_allclose(found, numbers, rtol=0, atol=CLOSE)


def test_presets_do_what_they_say(panel):
    gates = panel("lstm-gates")
    assert {gate: opened(gates, gate) for gate in "fio"} == explorables.REMEMBER
    assert values(gates, [f"g_{t}" for t in range(1, 13)]) == list(explorables.CANDIDATES)
    ends = {
        "Add up": (1.2, 2),
        "Overwrite at every step": (-0.75, -0.65),
        "Forget in the middle": (-0.6, -0.4),
        "Remember the first value": (0.5, 0.7),
    }
    for preset, (least, most) in ends.items():
        press(gates, preset)
        check_states(gates, explorables.LEAK)
        assert least < value(gates, "c_12") < most


def test_leaky_gates_are_those_of_the_cell(panel):
    gates = panel("lstm-gates")
    press(gates, "Forget in the middle")
    for leak in (0, 0.01, 0.4):
        control(gates, "leak").fill(str(leak))
        check_states(gates, leak)
        assert values(gates, ["closed", "open"]) == [leak, 1 - leak]


def test_gates_and_candidates_by_mouse(panel):
    gates = panel("lstm-gates")
    gates.get_by_role("button", name="input gate, step 5").click()
    expect(gates.get_by_role("button", name="input gate, step 5")).to_have_attribute("aria-pressed", "true")
    control(gates, "g").fill("1")
    check_states(gates, explorables.LEAK, [*explorables.CANDIDATES[:4], 1.0, *explorables.CANDIDATES[5:]])
    assert shown(gates, "equation-c") == pytest.approx(value(gates, "c_5"), abs=0.000501)
    assert value(gates, "equation-h") == value(gates, "h_5")
    gates.get_by_role("button", name="step 1", exact=True).click()
    assert value(gates, "equation-c") == value(gates, "c_1")
    expect(gates.locator("[aria-live=polite]")).to_have_text("Step 1: c1 = 0.784, h1 = 0.013.")


def test_the_roll_by_keyboard(panel):
    gates = panel("lstm-gates")
    press(gates, "Forget in the middle")
    keyboard = gates.page.keyboard
    keyboard.press("Tab")
    expect(gates.get_by_role("button", name="forget gate, step 1", exact=True)).to_be_focused()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Space"):
        keyboard.press(key)
    expect(gates.get_by_role("button", name="input gate, step 3")).to_have_attribute("aria-pressed", "true")
    for key in ("End", "ArrowDown", "ArrowDown", "ArrowRight", "Enter"):
        keyboard.press(key)
    expect(gates.get_by_role("button", name="output gate, step 12")).to_have_attribute("aria-pressed", "false")
    assert value(gates, "equation-c") == value(gates, "c_12")
    check_states(gates, explorables.LEAK)
    keyboard.press("Tab")
    expect(control(gates, "g")).to_be_focused()


# ---- the room it takes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_jumps(panel, width):
    """The panel keeps its height, whatever the numbers."""
    neuron = panel("unrolled-neuron", width=width)
    heights = set()
    for number in ("0", "-2"):
        for name in ("W_x", "W_h", "b", "x_1", "x_2"):
            control(neuron, name).fill(number)
        for button in ("Start again", "Step", "Step"):
            press(neuron, button)
            heights.add(height(neuron))
    control(neuron, "x_1").fill("")
    heights.add(height(neuron))
    assert len(heights) == 1

    lag, heights = panel("gradient-lag", width=width), set()
    for W_h, size, activation in ((1, 0, "tanh"), (2, 0, "tanh"), (-0.01, 2, "tanh"), (0, 0, "linear")):
        turn(lag, W_h, size, activation)
        heights.add(height(lag))
    assert len(heights) == 1

    gates, heights = panel("lstm-gates", width=width), set()
    for preset in gates.locator(".explorable-buttons button").all():
        preset.click()
        heights.add(height(gates))
        for t in (1, 12):
            gates.get_by_role("button", name=f"step {t}", exact=True).click()
            control(gates, "g").fill("-1")
            heights.add(height(gates))
    assert len(heights) == 1


def height(panel):
    panel.page.wait_for_timeout(250)  # until it has said what has changed
    return round(panel.bounding_box()["height"])


# ---- the pictures ----------------------------------------------------------------------------------------------------


@ALL_NAMES
def test_the_picture_is_the_one_that_the_package_draws(name, tmp_path):
    stored = explorables.FOLDER / f"{name}.png"
    explorables.save(explorables.PICTURES[name](), tmp_path / "new.png")
    with Image.open(stored) as old, Image.open(tmp_path / "new.png") as new:
        difference = np.abs(np.asarray(old.convert("L"), int) - np.asarray(new.convert("L"), int))
    assert difference.mean() < 1, "python -m tools.explorables"
    assert stored.stat().st_size < 60_000
