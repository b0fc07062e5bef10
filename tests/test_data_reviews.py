"""Reviews: balanced, reproducible, with nothing in the test splits that training has shown."""

import re

import numpy as np
import pytest

from rnn_course import data
from rnn_course.data.remarks import _BAD_THINGS, _COMPLAINING, _GOOD_THINGS, _PRAISING, _is_held_out
from rnn_course.data.reviews import _NEW_COMPLAINTS, _NEW_PRAISE, SPLITS

TEXTS = {split: data.reviews(1000, seed=3, split=split) for split in SPLITS}
WORDS = {split: {word for text in texts for word in text.split()} for split, (texts, _) in TEXTS.items()}


@pytest.mark.parametrize("split", SPLITS)
def test_reviews_are_different_texts_with_labels(split):
    texts, labels = TEXTS[split]
    assert len(set(texts)) == len(texts) == len(labels) == 1000
    assert labels.dtype == np.int64 and labels.sum() == (0 if split == "sarcasm" else 500)
    for text in texts:
        assert text == " ".join(text.split()) == text.lower() and "{" not in text
        assert 3 <= len(text.split()) <= 130
    again, same = data.reviews(1000, seed=3, split=split)
    assert again == texts and (same == labels).all()
    assert data.reviews(1000, seed=4, split=split)[0] != texts


def test_no_review_to_test_on_was_seen_in_training():
    known = set(data.reviews(20_000, seed=0)[0])
    for split in SPLITS[1:]:
        assert not known & set(TEXTS[split][0])


def test_held_out_pairs_stand_in_no_verdict_to_train_on():
    pairs = [
        (good, bad)
        for goods, bads in ((_PRAISING, _COMPLAINING), (_GOOD_THINGS, _BAD_THINGS))
        for i, good in enumerate(goods)
        for j, bad in enumerate(bads)
        if _is_held_out(i, j)
    ]
    things = {good: {bad for g, bad in pairs if g == good} for good in _GOOD_THINGS}

    def verdicts(split):
        """Remarks with two things, which are always about the whole."""
        for text in data.reviews(4000, seed=0, split=split)[0]:
            for sentence in text.split(" . "):
                goods = [good for good in _GOOD_THINGS if re.search(rf"\b{good}\b", sentence)]
                bads = [bad for bad in _BAD_THINGS if re.search(rf"\b{bad}\b", sentence)]
                if goods and bads:
                    yield bads[0] in things[goods[0]]

    assert not any(verdicts("train")) and all(verdicts("test"))


def test_each_split_asks_for_what_it_says():
    train = {word for text in data.reviews(6400, seed=0)[0] for word in text.split()}
    new = {word.removeprefix("a ") for word in (*_NEW_PRAISE, *_NEW_COMPLAINTS)}
    assert WORDS["test"] | WORDS["distant"] | WORDS["double negation"] <= train
    assert not new & train and WORDS["new words"] - train == new
    assert all(new & set(text.split()) for text in TEXTS["new words"][0])
    assert WORDS["sarcasm"] - train

    between = "in our row|on that rainy|with eyes|after two|in the whole|among|a clear|the fuss|the day"

    def phrases(text):
        return len(re.findall(between, text))

    assert max(map(phrases, data.reviews(4000, seed=0)[0])) == 2
    assert {phrases(text) for text in TEXTS["distant"][0]} == set(range(3, 10))
    twice = r"(nobody|would not|do not) .*(say|think) that [^.]* is not|it is not true that [^.]* is not"
    assert all(re.search(twice, text) for text in TEXTS["double negation"][0])


def test_parts_agree_with_the_whole_more_often_than_not():
    """So a bag of words is better than a coin."""
    praising = [sum(word in _PRAISING for word in text.split()) for text in TEXTS["train"][0]]
    labels = TEXTS["train"][1]
    assert np.mean(np.array(praising)[labels == 1]) > np.mean(np.array(praising)[labels == 0])


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"count": 7}, ValueError, "count must be even"),
        ({"count": 0}, ValueError, "count must be at least 2"),
        ({"count": 60_000}, ValueError, "at most 50,000"),
        ({"count": "many"}, TypeError, "count must be a whole number"),
        ({"count": 2, "seed": -1}, ValueError, "seed must be at least 0"),
        ({"count": 2, "split": "far"}, ValueError, "split must be 'train' or"),
    ],
)
def test_mistakes_are_named(arguments, error, words):
    with pytest.raises(error, match=words):
        data.reviews(**arguments)
