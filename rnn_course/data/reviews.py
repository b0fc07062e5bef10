"""Reviews of films, several sentences long: remarks about parts of the film, and one verdict that counts."""

import random

import numpy as np

from . import _check
from .remarks import (
    _BAD_THINGS,
    _COMPLAINING,
    _FILMS,
    _GOOD_THINGS,
    _OF_FILMS,
    _OF_PARTS,
    _PARTS,
    _PRAISING,
    _is_held_out,
)

# The verdict. {yes} is what the speaker says of {s}, {no} what the speaker denies, {far} what stands in between.
_SAID = (
    "everybody {far} would call {s} {yes}",
    "i would {far} call {s} {yes}",
    "{s} , i say {far} , is {yes}",
    "i do {far} think that {s} is {yes}",
)
_DENIED = (
    "nobody {far} would call {s} {no}",
    "i would not {far} call {s} {no}",
    "{s} , i say {far} , is not {no}",
    "i do not {far} think that {s} is {no}",
)
_SHORT = ("a {good} film", "a {good} film through and through", "not a {bad} film", "not a {bad} film at all")
_GOOD, _BAD = ("good", "fine", "great", "decent"), ("bad", "poor", "weak", "lousy")
_BETWEEN = (
    "in our row", "on that rainy night", "with eyes and ears", "after two hours", "in the whole wide world",
    "among friends and family", "with a clear head", "for all the fuss about it", "at the end of the day",
)  # fmt: skip

# Somebody else's verdict, and whether the speaker shares it.
_CLAIMS = ("my sister calls {s} {claim}", "the critics think that {s} is {claim}", "our neighbor finds {s} {claim}")
_SHARED = ("i agree", "that is my opinion too", "this is quite right")
_NOT_SHARED = ("i disagree", "that is not my opinion", "this is quite wrong")

_OF_A_PART = ("{s} is {yes}", "{s} is not {no}", "i found {s} {yes}", "as for {s} , it is {yes}", "{s} seemed {yes}")
_BEFORE, _AFTER = ("", "but", "still ,", "all in all ,", "all the same ,"), ("", "true ,", "granted ,", "besides ,")

_NEW_PRAISE = ("exquisite", "sublime", "stellar", "a landmark", "a jewel", "a feast")
_NEW_COMPLAINTS = ("dire", "abysmal", "wretched", "a fiasco", "a dud", "a slog")

_SARCASM = (
    "what {praise} , i slept better than in weeks",
    "{s} is so {praise} that my dog left the room",
    "{s} is {praise} , if you enjoy watching paint dry",
    "oh , {praise} , another two hours of my life gone",
    "{praise} , said nobody who had paid for the ticket",
    "yes , {s} is {praise} , and i am the queen of france",
)

SPLITS = ("train", "test", "distant", "new words", "sarcasm")
_MOST = 50_000
_AGREES = 0.7  # how often a part of the film is judged like the whole


def reviews(count, seed=0, split="train"):
    """Reviews of films: several sentences about parts of the film, and somewhere among them a verdict on the whole.

    Only the verdict makes the label. Parts are judged like the whole in 7 of 10 cases, so counting words gives an
    answer that is better than a coin, but not by much. A verdict comes in one of three forms: a remark like those of
    `rnn_course.data.remarks` ("the sequel is not a bore but a triumph"); something said or denied, with up to two
    phrases between the denial and what it denies ("nobody in our row would call the sequel a bore"); or somebody
    else's opinion, which the speaker shares or not, a few sentences later ("my sister calls the sequel a bore . the
    plot is fresh . i disagree").

    Parameters
    ----------
    count : int
        How many reviews, N: even, and at most 50,000.
    seed : int
        The same seed gives the same reviews in the same order.
    split : {"train", "test", "distant", "new words", "sarcasm"}
        A fifth of the pairs of a praising and a complaining word is only in reviews to test on, and a review to train
        on has no such pair: no verdict to test on is ever seen in training. Three more splits ask for more than
        training has shown. "distant": three to five phrases between a denial and what it denies. "new words": the
        verdict's words of praise or complaint are unknown. "sarcasm": praise that is meant as a complaint.

    Returns
    -------
    texts : list of str
        N different reviews of about 4 to 80 words, lower case. Punctuation stands apart and counts as a word:
        `text.split()` gives the words.
    labels : numpy.ndarray
        Shape (N,), int64: 1 for praise, 0 for a complaint, N/2 of each; in "sarcasm" all 0.

    Raises
    ------
    TypeError
        If `count` or `seed` is not an int.
    ValueError
        If `count` is odd or out of range, or `split` another word.

    Notes
    -----
    Made by a grammar written for this course. Nobody said these things about any film.
    """
    count = _check.whole_number("count", count, least=2)
    if count % 2 or count > _MOST:
        raise ValueError(f"count must be even and at most {_MOST:,}, half praise and half complaints, got {count}.")
    seed = _check.whole_number("seed", seed, least=0)
    _check.one_of("split", split, SPLITS)

    rng = random.Random(f"{seed} {split}")
    labelled = {}
    while len(labelled) < count:
        label = 0 if split == "sarcasm" else len(labelled) % 2
        labelled.setdefault(_review(rng, bool(label), split), label)
    texts = list(labelled)
    rng.shuffle(texts)
    return texts, np.array([labelled[text] for text in texts], dtype=np.int64)


def _review(rng, praises, split):
    """One review, whose verdict praises or complains."""
    before, after = ([_part(rng, praises) for _ in range(rng.randrange(3))] for _ in range(2))
    if split == "sarcasm":
        verdict = [_sarcasm(rng)]
    elif split == "distant":
        verdict = [_said(rng, praises, split)]
    else:
        verdict = rng.choice((_remark, _said, _shared))(rng, praises, split)
        verdict = [verdict] if isinstance(verdict, str) else verdict
    if before:
        verdict[0] = f"{rng.choice(_BEFORE)} {verdict[0]}"
    if after:
        after[0] = f"{rng.choice(_AFTER)} {after[0]}"
    return " ".join(" . ".join([*before, *verdict, *after]).split())


def _pair(rng, split):
    """A word of praise and a word of complaint that may stand for each other."""
    if split == "new words":
        return rng.choice(_NEW_PRAISE), rng.choice(_NEW_COMPLAINTS)
    goods, bads = rng.choice(((_PRAISING, _COMPLAINING), (_GOOD_THINGS, _BAD_THINGS)))
    good = rng.randrange(len(goods))
    held_out = split in ("test", "distant")
    bad = rng.choice([bad for bad in range(len(bads)) if _is_held_out(good, bad) == held_out])
    return goods[good], bads[bad]


def _words(rng, praises, split):
    """What the speaker says and what the speaker denies."""
    good, bad = _pair(rng, split)
    return {"yes": good, "no": bad} if praises else {"yes": bad, "no": good}


def _remark(rng, praises, split):
    """A verdict in one sentence with both words, as in `remarks`."""
    return rng.choice(_OF_FILMS).format(s=rng.choice(_FILMS), **_words(rng, praises, split))


def _said(rng, praises, split):
    """A verdict that is said or denied, the denial some words away; or a short one."""
    if split in ("train", "test") and rng.random() < 0.25:
        good, bad = (_GOOD, _BAD) if praises else (_BAD, _GOOD)
        return rng.choice(_SHORT).format(good=rng.choice(good), bad=rng.choice(bad))
    phrases = rng.randint(3, 5) if split == "distant" else rng.randint(0, 2)
    far = " ".join(rng.sample(_BETWEEN, phrases))
    sentence = rng.choice(rng.choice((_SAID, _DENIED)))
    return sentence.format(s=rng.choice(_FILMS), far=far, **_words(rng, praises, split)).replace(" ,  ,", " ,")


def _shared(rng, praises, split):
    """Somebody's verdict, up to two remarks about parts, and whether the speaker shares it."""
    words = _words(rng, praises, split)
    shares = rng.random() < 0.5
    claim = rng.choice(_CLAIMS).format(s=rng.choice(_FILMS), claim=words["yes" if shares else "no"])
    between = [_part(rng, praises) for _ in range(rng.randrange(3))]
    return [claim, *between, rng.choice(_SHARED if shares else _NOT_SHARED)]


def _part(rng, praises):
    """A remark about a part of the film, which is mostly judged like the whole."""
    like_the_whole = rng.random() < _AGREES
    sentence = rng.choice(_OF_PARTS if rng.random() < 0.25 else _OF_A_PART)
    good, bad = rng.choice(_PRAISING), rng.choice(_COMPLAINING)
    yes, no = (good, bad) if praises == like_the_whole else (bad, good)
    return sentence.format(s=rng.choice(_PARTS), yes=yes, no=no)


def _sarcasm(rng):
    """Praise that is none: with an adjective after "is", or with a thing."""
    sentence = rng.choice(_SARCASM)
    praise = rng.choice(_PRAISING if "so {praise}" in sentence else _GOOD_THINGS)
    return sentence.format(s=rng.choice(_FILMS), praise=praise)
