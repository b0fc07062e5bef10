"""The reviews of IMDB, from a small file in the real file's format: no test goes to the network."""

import hashlib
import json

import numpy as np
import pytest

from rnn_course import data
from rnn_course.data import imdb

WORDS = {"the": 1, "film": 2, "is": 3, "good": 4, "bad": 5, "it's": 6}
REVIEWS = {"train": [[1, 2, 3, 4], [6, 5], [1, 2, 3, 5, 5], [6, 4]], "test": [[4, 2], [5, 2]]}
LABELS = {"train": [1, 0, 0, 1], "test": [1, 0]}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder that holds the two files, with the sums of these, as if they had been downloaded."""
    place = tmp_path / "datasets"
    place.mkdir()
    ragged = {f"x_{split}": np.array([*map(list, rows)], dtype=object) for split, rows in REVIEWS.items()}
    ragged["x_test"] = np.empty(2, dtype=object)
    ragged["x_test"][:] = REVIEWS["test"]
    np.savez(place / "imdb.npz", **ragged, **{f"y_{split}": np.array(row) for split, row in LABELS.items()})
    (place / "imdb_word_index.json").write_text(json.dumps(WORDS))
    files = imdb.__globals__
    for name, kind in (("_REVIEWS", "sha256"), ("_WORDS", "md5")):
        file = files[name][0]
        digest = hashlib.new(kind, (place / file).read_bytes()).hexdigest()
        monkeypatch.setitem(files, name, (file, digest))
    return tmp_path


def test_numbers_become_words(folder):
    texts, labels = data.imdb(folder=folder)
    assert labels.dtype == np.int64
    assert dict(zip(texts, labels.tolist())) == {
        "the film is good": 1,
        "it's bad": 0,
        "the film is bad bad": 0,
        "it's good": 1,
    }
    assert sorted(data.imdb("test", folder=folder)[0]) == ["bad film", "good film"]


def test_reviews_are_drawn_and_cut(folder):
    texts, labels = data.imdb(count=2, longest=1, seed=5, folder=folder)
    assert len(texts) == 2 and set(texts) <= {"good", "bad"}
    assert [text == "good" for text in texts] == labels.tolist()
    assert data.imdb(count=2, longest=1, seed=5, folder=folder)[0] == texts
    orders = {tuple(data.imdb(seed=seed, folder=folder)[0]) for seed in range(5)}
    assert len(orders) > 1 and len({frozenset(order) for order in orders}) == 1


def test_without_the_files_and_the_network_it_says_what_to_do(tmp_path, monkeypatch):
    def offline(name, origin, **options):
        raise Exception(f"URL fetch failure on {origin}: no network")

    monkeypatch.setattr("keras.utils.get_file", offline)
    with pytest.raises(ConnectionError, match=r"could not be downloaded: URL fetch.*put it into .*/datasets"):
        data.imdb(folder=tmp_path)
    with pytest.raises(ConnectionError, match=r"~/.keras/datasets"):
        data.imdb()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"split": "validation"}, ValueError, "split must be 'train' or 'test'"),
        ({"longest": 0}, ValueError, "longest must be at least 1"),
        ({"seed": 0.5}, TypeError, "seed must be a whole number"),
        ({"count": 5}, ValueError, "count must be at most 4"),
        ({"count": 0}, ValueError, "count must be at least 1"),
    ],
)
def test_mistakes_are_named(folder, arguments, error, words):
    with pytest.raises(error, match=words):
        data.imdb(folder=folder, **arguments)
