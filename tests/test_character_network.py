"""The network of the page computes, as exported, what Keras computes, and is as good as it is said to be."""

import base64
import gzip
import json
import math
import platform
import re

import keras
import numpy as np
import onnx
import pytest
from keras import ops

from rnn_course import data
from rnn_course.language import balanced_accuracy, features
from tests.reference import by_gate, sigmoid
from tools import offline_runtime
from tools.book import BOOK
from tools.character_network.files import FOLDER, clear
from tools.character_network.graph import GRAPH
from tools.character_network.measure import known_words, table
from tools.character_network.network import Network, draw, uniform
from tools.character_network.picture import PICTURE
from tools.character_network.text import encode, parts, read
from tools.character_network.train import load_model

PAGE = BOOK / "character-network.md"


@pytest.fixture(scope="module")
def network():
    return Network()


@pytest.fixture(scope="module")
def model():
    return load_model()


def random_text(alphabet, length, seed=0):
    return "".join(np.random.default_rng(seed).choice(list(alphabet), length))


def texts(network):
    return [random_text(network.alphabet, 300), network.about["sample"]["text"][:300]]


def one_hot(text, alphabet):
    return np.eye(len(alphabet))[encode(text, alphabet)]


# ---- one step of the graph is one step of the LSTM -------------------------------------------------------------------
# float32 has 24 binary digits: a sum of some 300 products, of values up to 10, errs by about 1e-6. Gates below 1 let
# old errors fade, so that they do not pile up: over 1,000 steps, 5e-6 was the largest that was met. A wrong gate, or a
# wrong order, would make a difference of the size of the values.
NEAR = {"rtol": 0, "atol": 2e-5}


@pytest.mark.parametrize("which", [0, 1], ids=["random", "prose"])
def test_step_by_step_it_is_keras_in_one_call(network, model, which):
    text = texts(network)[which]
    outputs = network.run(text)
    x = one_hot("\n" + text, network.alphabet).astype("float32")[None]
    layer = next(layer for layer in model.layers if "LSTM" in type(layer).__name__)
    h = ops.convert_to_numpy(layer(x))[0]
    y = ops.convert_to_numpy(ops.softmax(model(x)))[0]
    np.testing.assert_allclose(outputs["h"], h, **NEAR)
    np.testing.assert_allclose(outputs["y"], y, **NEAR)
    theirs = keras.layers.LSTM(layer.units, return_state=True)
    theirs.build(x.shape)
    theirs.set_weights(layer.get_weights())
    _, last, c = theirs(x)
    np.testing.assert_allclose(outputs["c"][-1], ops.convert_to_numpy(c)[0], **NEAR)
    np.testing.assert_allclose(outputs["h"][-1], ops.convert_to_numpy(last)[0], **NEAR)


@pytest.mark.parametrize("which", [0, 1], ids=["random", "prose"])
def test_states_gates_and_odds_are_those_of_float64(network, model, which):
    text = texts(network)[which]
    outputs = network.run(text)
    W_x, W_h, b, W_y, b_y = (np.asarray(w, "float64") for w in model.get_weights())
    h = c = np.zeros(len(W_h))
    for t, x in enumerate(one_hot("\n" + text, network.alphabet)):
        i, f, g, o = (X.T @ x + U.T @ h + bias for X, U, bias in by_gate(4, W_x, W_h, b))
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c = f * c + i * g
        h = o * np.tanh(c)
        scores = np.exp(W_y.T @ h + b_y)
        expected = {"h": h, "c": c, "f": f, "i": i, "o": o, "g": g, "y": scores / scores.sum()}
        for name, values in expected.items():
            np.testing.assert_allclose(outputs[name][t], values, **NEAR, err_msg=f"{name} after {t} characters")


def test_the_file_is_the_graph_with_the_model_s_weights(network, model):
    stored = onnx.load(FOLDER / "model.onnx")
    assert stored.graph.node == onnx.parser.parse_model(GRAPH).graph.node
    weights = [onnx.numpy_helper.to_array(w) for w in stored.graph.initializer]
    assert all(np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True))
    assert sum(w.size for w in weights) == network.about["weights"]
    assert (FOLDER / "model.onnx").stat().st_size < 1_000_000


# ---- text ------------------------------------------------------------------------------------------------------------


def test_every_character_has_a_number_and_is_read_as_itself(network):
    alphabet = network.alphabet
    assert encode(alphabet, alphabet).tolist() == list(range(len(alphabet)))
    assert read(alphabet, alphabet) == (alphabet, [])
    assert len(alphabet) == network.run("")["y"].shape[1]


@pytest.mark.parametrize(
    ("text", "known", "unknown"),
    [
        ("“naïve” – Åse’s\r\n", '"naive" - Ase\'s\n', []),
        ("漢 a漢é字", " ae", ["漢", "字"]),
        ("½ ﬁ \N{COMBINING ACUTE ACCENT}", " fi ", ["½", "\N{COMBINING ACUTE ACCENT}"]),
        ("", "", []),
    ],
)
def test_what_it_does_not_know_is_named(network, text, known, unknown):
    assert read(text, network.alphabet) == (known, unknown)


# ---- how good it is --------------------------------------------------------------------------------------------------


def test_the_bits_per_character_are_those_that_are_stored(network):
    sample = network.about["sample"]
    bits = network.bits(sample["text"])
    assert bits.mean() == pytest.approx(sample["bits_per_character"], abs=1e-3)
    assert bits.mean() == pytest.approx(network.about["bits_per_character"]["network"], abs=0.3)


def test_what_it_is_judged_by_is_not_what_it_learned(network):
    if network.about["python"] != platform.python_version():
        pytest.skip("The text is not the same in every version of Python.")
    learn, choose, held_out = (read(part, network.alphabet)[0] for part in parts())
    assert "".join(parts()) == data.prose()
    assert network.about["excerpt"] == learn.splitlines()[:3]
    assert held_out.startswith(network.about["sample"]["text"])
    learned = {*learn.splitlines(), *choose.splitlines()}
    assert not learned & set(held_out.splitlines())
    assert known_words(network, learn, 0.5) == pytest.approx(network.about["known_words"]["0.5"], abs=1e-3)


def test_the_units_follow_what_they_are_said_to_follow(network):
    text = network.about["sample"]["text"]
    outputs, holds = network.run(text), features(text)
    units = [unit for unit in clear(network.about["units_found"]) if holds[unit["name"]].sum() > 100]
    assert "inside quotation marks" in [unit["name"] for unit in units]
    for unit in units:
        values = outputs[unit["quantity"]][1:, unit["unit"]]
        says = values > unit["threshold"] if unit["above"] else values < unit["threshold"]
        assert balanced_accuracy(says, holds[unit["name"]]) > unit["balanced_accuracy"] - 0.05


# ---- what it writes --------------------------------------------------------------------------------------------------


def test_the_numbers_that_choose_are_spread_evenly():
    numbers = [uniform(seed, position) for seed in range(1, 21) for position in range(200)]
    assert 0 <= min(numbers) and max(numbers) < 1
    counts = np.histogram(numbers, 10, (0, 1))[0]
    assert abs(counts - 400).max() < 5 * math.sqrt(400)
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 5 / math.sqrt(len(numbers))


def test_a_character_is_drawn_by_its_share():
    y = np.array([0.1, 0.6, 0.3])
    drawn = np.bincount([draw(y, 1.0, u) for u in np.linspace(0, 1, 1000, endpoint=False)])
    assert drawn.tolist() == [100, 600, 300]
    squared = np.bincount([draw(y, 0.5, u) for u in np.linspace(0, 1, 1000, endpoint=False)])
    np.testing.assert_allclose(squared / 1000, y**2 / sum(y**2), atol=2e-3)


def test_the_same_seed_writes_the_same_text(network):
    first = network.write("The ", 30, 1.0, seed=1)
    assert len(first) == 30
    assert first == network.write("The ", 30, 1.0, seed=1) != network.write("The ", 30, 1.0, seed=2)
    assert first == first[:10] + network.write("The " + first[:10], 20, 1.0, seed=1), "a pause changes nothing"


# ---- the page --------------------------------------------------------------------------------------------------------


def test_the_page_says_what_was_measured(network):
    assert table(network.about) in PAGE.read_text(encoding="utf-8"), "copy what table() returns"


def test_the_experiments_of_the_page_come_out_as_it_says(network):
    said = experiments(network)
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    for words in said:
        assert words in page


def experiments(network):
    """Yield what the page has to say, as measured here."""
    quoted = next(unit for unit in network.about["units_found"] if unit["name"] == "inside quotation marks")

    def values(text):
        return network.run(text)[quoted["quantity"]][1:, quoted["unit"]]

    def odds(text, character):
        return 100 * network.run(text)["y"][-1][network.alphabet.index(character)]

    short, long = 'It prints "name" and then', 'It prints "the name of the object that was given'
    mark = short.index('"')
    before, inside, after = (values(short)[at] for at in (mark - 1, short.rindex('e"'), len(short) - 1))
    assert before < quoted["threshold"] < inside > quoted["threshold"] > after
    yield f"Choose unit {quoted['unit']}, *inside quotation marks*, and type `{short}`."
    yield f"its ${quoted['quantity']}_t$ is {number(before)}. At the end of the name it is {number(inside)}, "
    yield f"and at the end of the line {number(after)}."
    lost = int(np.argmax(values(long)[mark + 1 :] < quoted["threshold"])) + 1
    yield f"`{long}`: {lost} characters after the mark, it has let go."
    yield f"right about quotation marks in {100 * quoted['balanced_accuracy']:.0f} percent"

    bracket = "see the section Names"
    yield f"are {odds('(' + bracket, ')'):.1f} percent and {odds(bracket, ')'):.1f} percent"
    best = next(unit for unit in network.about["units_found"] if unit["name"] == "inside brackets")
    assert best["balanced_accuracy"] < 0.65
    assert best not in clear(network.about["units_found"])

    shares = [f"{100 * share:.0f}" for share in network.about["known_words"].values()]
    assert list(network.about["known_words"]) == ["0.2", "0.5", "1.0", "1.5"]
    yield f"{', '.join(shares[:3])} and {shares[3]} percent occur in the text that it learned from"

    lines = PAGE.read_text(encoding="utf-8").partition("```text\n")[2].partition("\n```")[0].split("\n")
    cost = [f"{network.bits(line).mean():.2f}" for line in lines]
    yield f"cost {', '.join(cost[:3])} and {cost[3]} bits per character"
    yield f"Evenly spread odds would cost {math.log2(len(network.alphabet)):.2f}."

    once, again = np.mean([halves(network, text) for text in network.about["sample"]["text"].split("\n")[:8]], axis=0)
    yield f"cost {once:.2f} bits per character the first time, and {again:.2f} when they were repeated at once"


def number(value):
    return f"{value:.1f}".replace("-", "−")


def halves(network, text):
    """The bits per character of a text and of the same text read again."""
    return [half.mean() for half in np.split(network.bits(2 * (text + " ")), 2)]


def test_the_scripts_hold_the_runtime_and_the_network(tmp_path):
    if not offline_runtime.RUNTIME.exists():
        pytest.skip("onnxruntime-web is not installed in tools/node.")
    offline_runtime.write_offline_runtime(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"ort.wasm.min.js", "runtime.js", "weights.js"}
    for script, name, file in (
        ("runtime.js", "module", offline_runtime.RUNTIME / "dist" / "ort-wasm-simd-threaded.mjs"),
        ("runtime.js", "wasm", offline_runtime.RUNTIME / "dist" / "ort-wasm-simd-threaded.wasm"),
        ("weights.js", "onnx", FOLDER / "model.onnx"),
    ):
        written = (tmp_path / script).read_text(encoding="utf-8")
        value = json.loads(re.search(r"= (\{.*\});\n$", written)[1])
        assert gzip.decompress(base64.b64decode(value[name])) == file.read_bytes()
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    button = (BOOK / "_static" / "explorables" / "character-network.js").read_text(encoding="utf-8")
    assert f"MEGABYTES = {size / 1e6:.0f};" in button


def test_the_picture_is_light():
    assert PICTURE.stat().st_size < 60_000
