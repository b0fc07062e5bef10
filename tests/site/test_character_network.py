"""The character network on its page: its numbers are Keras's, it writes the same again, and nothing comes unasked."""

import numpy as np
import pytest

from tools.book import SITE
from tools.character_network.files import clear
from tools.character_network.network import OUTPUTS, Network
from tools.character_network.text import encode, read
from tools.character_network.train import load_model

PAGE = "character-network.html"
PARTS = {"panel.css", "panel.js", "network.js", "ort.wasm.min.js", "runtime.js", "weights.js"}
FORMS = [(theme, width) for theme in ("light", "dark") for width in (390, 1280)]
QUOTED = 'It prints "a (b'


@pytest.fixture(scope="module")
def network():
    return Network()


@pytest.fixture
def running(open_page):
    """Return a function that opens the page in some form and starts the network."""

    def running(address=PAGE, **form):
        page = open_page(address, **form)
        start(page)
        return page

    return running


def start(page):
    page.get_by_role("button", name="Start the network").click()
    page.locator("textarea").wait_for(timeout=60_000)
    page.wait_for_function("explorables.characterNetwork?.text.length > 0")


def text_of(page):
    return page.evaluate("explorables.characterNetwork.text")


def put(page, text, read=None):
    """Put a text into the page and wait until the network has read it, as ``read`` if it reads something else."""
    page.locator("textarea").fill(text)
    wait_for(page, text if read is None else read)


def wait_for(page, text):
    page.wait_for_function("text => explorables.characterNetwork.text === text", arg=text)


def states(page, characters):
    """What the page's network computed after so many characters, as arrays."""
    after = page.evaluate(
        "k => Object.fromEntries(Object.entries(explorables.characterNetwork.after(k)).map(([n, v]) => [n, [...v]]))",
        characters,
    )
    return {name: np.array(values) for name, values in after.items()}


def shown(page, name):
    """The number that the page shows under this name: in full precision, and as it is read."""
    node = page.locator(f".explorable-panel [data-name='{name}']").first
    return float(node.get_attribute("data-value")), node.inner_text().replace("−", "-")


def set_number(page, label, value):
    field = page.get_by_label(label, exact=True)
    field.fill(str(value))
    field.press("Tab")


def finish_writing(page):
    page.wait_for_function("!explorables.characterNetwork.writing")


# ---- loading ---------------------------------------------------------------------------------------------------------


def test_nothing_of_the_network_is_asked_for_before_start(page, site):
    asked = []
    page.on("request", lambda request: asked.append(request.url.partition("?")[0]))
    page.goto(f"{site}/{PAGE}")
    page.wait_for_load_state("networkidle")
    folder = f"{site}/_static/character-network/"
    assert not [address for address in asked if address.startswith(folder)]
    assert page.locator("figure.explorable > img").is_visible()
    before = len(asked)
    start(page)
    assert {address for address in asked[before:] if not address.startswith("blob:")} == {
        folder + part for part in PARTS
    }
    assert not page.locator("figure.explorable > img").is_visible()


def test_from_a_folder_it_runs_too(running, network):
    page = running((SITE / PAGE).as_uri())
    put(page, QUOTED)
    np.testing.assert_allclose(states(page, len(QUOTED))["y"], network.run(QUOTED)["y"][-1], atol=2e-5)


def test_what_did_not_come_is_said_and_can_be_tried_again(browser, site):
    context = browser.new_context()
    page = context.new_page()
    page.route("**/runtime.js*", lambda route: route.abort())
    page.goto(f"{site}/{PAGE}")
    page.get_by_role("button", name="Start the network").click()
    again = page.get_by_role("button", name="Try again")
    again.wait_for()
    assert "could not be loaded" in page.locator("figure.explorable").inner_text()
    assert page.locator("figure.explorable > img").is_visible()
    page.unroute("**/runtime.js*")
    again.click()
    page.locator("textarea").wait_for(timeout=60_000)
    context.close()


def test_a_browser_that_is_too_old_is_told(page, site):
    page.add_init_script("delete window.DecompressionStream")
    page.goto(f"{site}/{PAGE}")
    page.get_by_role("button", name="Start the network").click()
    page.get_by_text("too old").wait_for(timeout=60_000)


def test_without_scripts_the_picture_stays(open_page):
    page = open_page(PAGE, java_script_enabled=False)
    assert page.locator("figure.explorable > img").is_visible()
    assert page.locator("figure.explorable button").count() == 0


# ---- numbers ---------------------------------------------------------------------------------------------------------


def test_its_numbers_are_keras_s(running, network):
    from keras import ops

    model = load_model()
    text = network.about["sample"]["text"][:80].replace("\n", " ")
    page = running()
    put(page, text)
    x = np.eye(len(network.alphabet), dtype="float32")[encode("\n" + text, network.alphabet)][None]
    h = ops.convert_to_numpy(model.layers[0](x))[0]
    y = ops.convert_to_numpy(ops.softmax(model(x)))[0]
    exported = network.run(text)
    for t in (0, 1, 40, len(text)):
        after = states(page, t)
        np.testing.assert_allclose(after["h"], h[t], atol=2e-5)
        np.testing.assert_allclose(after["y"], y[t], atol=2e-5)
        for name in "cfiog":
            np.testing.assert_allclose(after[name], exported[name][t], rtol=0, atol=2e-5)


def test_what_is_shown_is_what_was_computed(running, network):
    page = running()
    put(page, QUOTED)
    set_number(page, "unit", 100)
    now = states(page, len(QUOTED))
    for name in "hcfiog":
        value, words = shown(page, name)
        assert value == now[name][100]
        assert words == f"{value:.2f}".replace("-0.00", "0.00")
    np.testing.assert_allclose(shown(page, "bits")[0], network.bits(QUOTED).mean(), atol=1e-3)
    rows = page.locator(".character-network-odds [data-name]")
    likely = np.argsort(-now["y"])[:8]
    for row, k in zip(rows.all(), likely, strict=True):
        assert (row.get_attribute("data-name"), float(row.get_attribute("data-value"))) == (f"y-{k}", now["y"][k])
        assert row.inner_text() == f"{100 * now['y'][k]:.1f} %"
    page.get_by_label("h t", exact=True).or_(page.locator("[data-control=quantity-h]")).first.check()
    for t in (1, 5, len(QUOTED)):
        value, words = shown(page, f"h-{t}")
        assert value == states(page, t)["h"][100]
        assert words == f"{value:.1f}".replace("-0.0", "0.0")


def test_typing_and_deleting_keep_the_states_right(running, network):
    page = running()
    put(page, "")
    box = page.locator("textarea")
    box.press_sequentially('The "fox')
    for _ in range(3):
        box.press("Backspace")
    box.press_sequentially('int"')
    wait_for(page, 'The "int"')
    put(page, 'Tne "int" (a')  # in the middle, too
    expected = network.run('Tne "int" (a')
    for t in range(13):
        after = states(page, t)
        for name in OUTPUTS:
            np.testing.assert_allclose(after[name], expected[name][t], rtol=0, atol=2e-5)
    assert page.evaluate("explorables.characterNetwork.after(13)") is None


def test_what_it_does_not_know_is_said(running, network):
    page = running()
    text = "na漢ïve “x” 漢"
    known, unknown = read(text, network.alphabet)
    put(page, text, known)
    assert unknown == ["漢"]
    note = page.locator(".character-network-note").last
    assert note.inner_text() == "Left out, as the network has never seen it: 漢"
    put(page, "“x”", '"x"')
    assert note.inner_text() == 'The network reads: "x"'
    put(page, "x")
    assert note.inner_text() == ""


@pytest.mark.parametrize("how", ["click", "field", "button"])
def test_a_unit_is_picked(running, network, how):
    page = running()
    found = clear(network.about["units_found"])[1]
    number = found["unit"] if how == "button" else 150
    if how == "click":
        picture = page.locator(".character-network-strip svg").first
        picture.click(position={"x": picture.bounding_box()["width"] * 150.5 / network.about["units"], "y": 10})
    elif how == "field":
        set_number(page, "unit", number)
    else:
        page.get_by_role("button", name=f"{number}: {found['name']}").click()
    assert page.get_by_label("unit", exact=True).input_value() == str(number)
    assert shown(page, "h")[0] == states(page, len(text_of(page)))["h"][number]


def test_a_unit_that_is_not_there(running):
    page = running()
    for wrong in ("999", "-1", ""):
        set_number(page, "unit", wrong)
        page.get_by_text("has to be a number from 0 to 191").wait_for()
        assert "NaN" not in page.locator("figure.explorable").inner_text()


# ---- writing ---------------------------------------------------------------------------------------------------------


def test_it_writes_the_same_again_and_other_seeds_others(running, network):
    page = running(reduced_motion="reduce")
    prompt = "The statement "
    put(page, prompt)
    write = page.get_by_role("button", name="Let it write")
    write.click()
    finish_writing(page)
    first = text_of(page)
    assert first == prompt + network.write(prompt, 200, temperature=0.5, seed=1)
    page.get_by_role("button", name="Again").click()
    finish_writing(page)
    assert text_of(page) == first
    set_number(page, "seed", 2)
    page.get_by_role("button", name="Again").click()
    finish_writing(page)
    assert text_of(page) == prompt + network.write(prompt, 200, temperature=0.5, seed=2) != first


def test_it_can_be_stopped_and_goes_on_as_if_it_had_not_been(running, network):
    page = running()
    put(page, "The ")
    page.get_by_role("button", name="Let it write").click()
    page.wait_for_function("explorables.characterNetwork.text.length > 8")
    page.get_by_role("button", name="Stop").click()
    stopped = page.locator("textarea").input_value()
    page.wait_for_timeout(400)
    assert page.locator("textarea").input_value() == stopped
    page.get_by_role("button", name="Let it write").click()
    page.wait_for_function(f"explorables.characterNetwork.text.length > {len(stopped) + 5}")
    page.locator("textarea").press("End")
    page.locator("textarea").press("x")  # a key stops it as well
    page.wait_for_timeout(400)
    assert not page.evaluate("explorables.characterNetwork.writing")
    written = page.locator("textarea").input_value()
    assert written.endswith("x") and len(written) > len(stopped)
    assert written[:-1] == "The " + network.write("The ", len(written) - 5, temperature=0.5, seed=1)


def test_it_stops_where_the_text_is_full(running):
    page = running(reduced_motion="reduce")
    put(page, "word " * 198)
    page.get_by_role("button", name="Let it write").click()
    finish_writing(page)
    assert len(page.locator("textarea").input_value()) == 1000
    assert page.locator(".character-network-note").last.inner_text() == "1000 of 1000 characters."


# ---- for everyone ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("theme", "width"), FORMS)
def test_axe_finds_nothing_and_it_fits(open_page, axe, theme, width):
    page = open_page(PAGE, theme=theme, width=width)
    for begin in (None, start):
        if begin:
            begin(page)
            put(page, QUOTED)
        page.evaluate(axe)
        found = page.evaluate("axe.run('figure.explorable')")["violations"]
        assert not found, [(v["id"], [node["html"] for node in v["nodes"]]) for v in found]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = [node.bounding_box() for node in page.locator("figure.explorable :is(button, input, textarea)").all()]
    assert min(side for box in boxes for side in (box["width"], box["height"])) >= 24


def test_the_height_stays_while_one_types(running):
    page = running(width=390)
    put(page, "a")
    height = page.locator(".explorable-panel").bounding_box()["height"]
    put(page, QUOTED * 5)
    assert page.locator(".explorable-panel").bounding_box()["height"] == pytest.approx(height, abs=1)
