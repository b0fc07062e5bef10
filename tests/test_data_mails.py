"""Scam mails: mirrors with the same words, and nothing of the test in the training."""

import numpy as np
import pytest

from rnn_course import data


@pytest.mark.parametrize("split", ["train", "test"])
def test_every_mail_has_a_mirror_with_the_same_words(split):
    texts, labels = data.mails(600, seed=3, split=split)
    assert len(set(texts)) == 600 and labels.dtype == np.int64
    bags = {}
    for text, label in zip(texts, labels):
        bags.setdefault(tuple(sorted(text.split())), []).append(label)
    assert all(sum(found) * 2 == len(found) for found in bags.values())  # so that counting words is a coin


def test_splits_share_no_mail_but_all_words():
    train, _ = data.mails(6000, seed=0)
    test, _ = data.mails(1000, seed=0, split="test")
    assert not set(train) & set(test)
    words = {word for text in train for word in text.split()}
    assert {word for text in test for word in text.split()} <= words


def test_the_same_seed_gives_the_same_mails():
    first, second, other = data.mails(50, seed=1), data.mails(50, seed=1), data.mails(50, seed=2)
    assert first[0] == second[0] and (first[1] == second[1]).all() and first[0] != other[0]


def test_a_mail_that_a_reader_can_judge():
    texts, labels = data.mails(20_000, seed=0)
    judged = dict(zip(texts, labels))
    scams = [text for text in judged if text.startswith("please send your pin , but never")]
    honest = [text for text in judged if text.startswith("please send ") and "but never your pin" in text]
    assert scams and honest
    assert all(judged[text] == 1 for text in scams) and not any(judged[text] for text in honest)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"count": 3}, "must be even"), ({"count": 2, "split": "all"}, "split must be"), ({"count": 10**6}, "at most")],
)
def test_errors_name_the_argument(arguments, message):
    with pytest.raises(ValueError, match=message):
        data.mails(**arguments)
