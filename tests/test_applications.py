"""Tests of rnn_course.applications: what is saved comes back, what cannot be read is named, what ships is whole."""

import json
import zipfile

import keras
import numpy as np
import pytest

import rnn_course
from benchmarks.applications import KEPT, full_code
from rnn_course import layers
from rnn_course.applications import APPLICATIONS, TRAINED, Application, application
from tools.book import chapters
from tools.weave import page_notebook

LARGEST = 1_250_000  # bytes of a file: a reader in Colab downloads all of them


class Counter(Application):
    """An application as small as can be."""

    name = "counter"


@pytest.fixture
def counter(monkeypatch):
    monkeypatch.setitem(APPLICATIONS, "counter", ("application", "Counter"))
    monkeypatch.setattr(application, "Counter", Counter, raising=False)
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            keras.layers.Embedding(5, 4, mask_zero=True),
            keras.layers.Bidirectional(layers.GRU(3, return_sequences=True)),
            layers.LSTM(3),
            keras.layers.Dense(2),
        ]
    )
    model.compile("adam", "mse")
    return Counter(model, {"right": 0.75}, characters="äb")


def outputs(model):
    return keras.ops.convert_to_numpy(model(np.array([[1, 2, 3, 0], [4, 4, 0, 0]], "int32")))


def test_what_is_saved_comes_back(counter, tmp_path):
    counter.save(tmp_path / "mine.zip")
    again = rnn_course.load(tmp_path / "mine.zip")
    assert type(again) is Counter
    assert again.results == {"right": 0.75} and again.settings == {"characters": "äb"}
    assert np.allclose(outputs(again.model), outputs(counter.model), atol=1e-6)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.zip"]
    assert "0.75" in repr(again)


def test_what_cannot_be_saved_leaves_the_file_that_was_there(counter, tmp_path):
    path = tmp_path / "mine.zip"
    counter.save(path)
    before = path.read_bytes()
    counter.settings["characters"] = object()
    with pytest.raises(TypeError):
        counter.save(path)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_a_file_has_no_optimizer(counter, tmp_path):
    counter.save(tmp_path / "mine.zip")
    content, weights = application.read(tmp_path / "mine.zip")
    assert "compile_config" not in content["model"]
    assert sum(weight.size for weight in weights) == counter.model.count_params()


@pytest.mark.parametrize("name", ["translaton", "no-such-file.zip", "."])
def test_an_unknown_name_is_answered_with_the_known_ones(name):
    with pytest.raises(ValueError, match=r"`name` must be one of .*'translation'"):
        rnn_course.load(name)


@pytest.mark.parametrize("name", [None, 3, ["text"]])
def test_a_name_is_text_or_a_path(name):
    with pytest.raises(TypeError, match="`name`"):
        rnn_course.load(name)


@pytest.mark.parametrize("damage", ["not a zip file", "cut off", "another zip file", "no JSON", "no model", "objects"])
def test_a_damaged_file_is_named(counter, tmp_path, damage):
    path = tmp_path / "mine.zip"
    counter.save(path)
    if damage == "not a zip file":
        path.write_text("a letter to a friend")
    elif damage == "cut off":
        path.write_bytes(path.read_bytes()[:500])
    else:
        with zipfile.ZipFile(path, "w") as file:
            if damage in ("no JSON", "no model"):
                file.writestr("application.json", "{" if damage == "no JSON" else "{}")
            elif damage == "objects":  # which only a pickle could hold, and a pickle could run code
                file.writestr("application.json", "{}")
                with file.open("weights/000.npy", "w") as entry:
                    np.lib.format.write_array(entry, np.array([{}], object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"mine\.zip is not a file that an application was saved in"):
        rnn_course.load(path)


def test_a_file_of_a_later_version_asks_for_an_update(counter, tmp_path, monkeypatch):
    with monkeypatch.context() as later:
        later.setattr(application, "FORMAT", application.FORMAT + 1)
        counter.save(tmp_path / "mine.zip")
    with pytest.raises(ValueError, match="Update rnn_course"):
        rnn_course.load(tmp_path / "mine.zip")


def test_only_a_built_model_can_be_used():
    with pytest.raises(TypeError, match="`model`"):
        Counter(keras.Sequential([keras.layers.Dense(2)]))


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (3, TypeError, "must be a string"),
        ("", ValueError, "must not be empty"),
        (" \n", ValueError, "must not be empty"),
        ("abcd", ValueError, "at most 3 characters; received 4"),
        ("axy", ValueError, "'x', 'y'"),
    ],
)
def test_a_text_that_a_model_cannot_read_is_answered(value, error, words):
    with pytest.raises(error, match=f"`remark`.*{words}"):
        application.text("remark", value, characters="abcd ", longest=3)


# ---- what comes with the package -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", APPLICATIONS)
def test_an_application_comes_with_the_package(name):
    loaded = rnn_course.load(name)
    assert loaded.name == name
    assert (TRAINED / f"{name}.zip").stat().st_size <= LARGEST
    made = json.loads((KEPT / f"{name}.json").read_text())
    assert loaded.results and loaded.results == made["results"]
    assert loaded.model.count_params() == made["weights"]


@pytest.mark.parametrize("chapter", [c for c in chapters() if c.stem.startswith("08")], ids=lambda c: c.stem)
def test_a_chapter_can_be_run_in_full(chapter):
    codes = full_code(page_notebook(chapter))
    assert sum("FULL = True" in code.splitlines() for code in codes) == 1
    assert ".save(" in codes[-1]


@pytest.mark.parametrize(
    "codes", [["x = 1", "a.save('b')"], ["FULL = False"], ["FULL = False", "FULL = False", "a.save('b')"]]
)
def test_a_notebook_without_full_or_without_a_result_is_refused(codes):
    import nbformat

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in codes])
    with pytest.raises(ValueError, match="cell"):
        full_code(notebook)
