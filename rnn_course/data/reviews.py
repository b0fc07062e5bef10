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

_KINDS = ((_PRAISING, _COMPLAINING), (_GOOD_THINGS, _BAD_THINGS))

# The verdict: {word} is what the speaker says or denies of {s}, {far} what stands in between.
_SAID = (
    "everybody {far} would call {s} {word}",
    "i would {far} call {s} {word}",
    "{s} , i say {far} , is {word}",
    "i do {far} think that {s} is {word}",
)
_DENIED = (
    "nobody {far} would call {s} {word}",
    "i would not {far} call {s} {word}",
    "{s} , i say {far} , is not {word}",
    "i do not {far} think that {s} is {word}",
)
_DENIED_TWICE = (
    "nobody {far} would say that {s} is not {word}",
    "i would not {far} say that {s} is not {word}",
    "i do not {far} think that {s} is not {word}",
    "it is not true that {s} is not {word}",
)
_SHORT = ("a {} film", "a {} film through and through", "not a {} film", "not a {} film at all")
_GOOD, _BAD = ("good", "fine", "great", "decent"), ("bad", "poor", "weak", "lousy")
_BETWEEN = (
    "in our row", "on that rainy night", "with eyes and ears", "after two hours", "in the whole wide world",
    "among friends and family", "with a clear head", "for all the fuss about it", "at the end of the day",
)  # fmt: skip

# Somebody else's verdict, and whether the speaker shares it.
_CLAIMS = ("my sister calls {s} {word}", "the critics think that {s} is {word}", "our neighbor finds {s} {word}")
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

SPLITS = ("train", "test", "distant", "double negation", "new words", "sarcasm")
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
    split : {"train", "test", "distant", "double negation", "new words", "sarcasm"}
        A fifth of what can be said in a verdict is only there to test on: pairs of a praising and a complaining word,
        pairs of a film and a word, and one in four short verdicts ("not a bad film"). So no review to test on is ever
        in the training data. Four more splits ask for what training has not shown. "distant": three to nine phrases
        between a denial and what it denies. "double negation": "nobody would say that the film is not a bore". "new
        words": the verdict's words of praise or complaint are unknown. "sarcasm": praise that is meant as a complaint.

    Returns
    -------
    texts : list of str
        N different reviews of about 3 to 110 words, lower case. Punctuation stands apart and counts as a word:
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
    count = _check.even("count", count, _MOST)
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
    before, after = ([_part(rng, praises) for _ in range(rng.randrange(2))] for _ in range(2))
    if split == "sarcasm":
        verdict = [_sarcasm(rng)]
    elif split in ("distant", "double negation"):
        verdict = [_said(rng, praises, split)]
    else:
        verdict = rng.choice((_remark, _said, _shared))(rng, praises, split)
        verdict = [verdict] if isinstance(verdict, str) else verdict
    if before:
        verdict[0] = f"{rng.choice(_BEFORE)} {verdict[0]}"
    if after:
        after[0] = f"{rng.choice(_AFTER)} {after[0]}"
    return " ".join(" . ".join([*before, *verdict, *after]).split())


def _remark(rng, praises, split):
    """A verdict in one sentence with a word of praise and one of complaint, as in `remarks`."""
    if split == "new words":
        good, bad = rng.choice(_NEW_PRAISE), rng.choice(_NEW_COMPLAINTS)
    else:
        goods, bads = rng.choice(_KINDS)
        i = rng.randrange(len(goods))
        j = rng.choice([j for j in range(len(bads)) if _is_held_out(i, j) == (split == "test")])
        good, bad = goods[i], bads[j]
    yes, no = (good, bad) if praises else (bad, good)
    return rng.choice(_OF_FILMS).format(s=rng.choice(_FILMS), yes=yes, no=no)


def _said(rng, praises, split):
    """A verdict that is said or denied, the denial some words away; sometimes a short one."""
    if split in ("train", "test") and rng.random() < 0.25:
        return _short(rng, praises, split)
    phrases = rng.randint(3, 9) if split == "distant" else rng.randint(0, 2)
    far = " ".join(rng.sample(_BETWEEN, phrases))
    forms = _DENIED_TWICE if split == "double negation" else rng.choice((_SAID, _DENIED))
    film, word = _film_and_word(rng, praises != (forms is _DENIED), split)
    return rng.choice(forms).format(s=film, far=far, word=word).replace("say  ,", "say ,")


def _short(rng, praises, split):
    """A verdict such as "not a bad film", one in four of which is only to test on."""
    place = rng.randrange(len(_SHORT))
    words = _GOOD if praises != _SHORT[place].startswith("not") else _BAD
    word = rng.choice([i for i in range(len(words)) if (i == place) == (split == "test")])
    return _SHORT[place].format(words[word])


def _shared(rng, praises, split):
    """Somebody's verdict, up to two remarks about parts, and whether the speaker shares it."""
    shares = rng.random() < 0.5
    film, word = _film_and_word(rng, praises == shares, split)
    claim = rng.choice(_CLAIMS).format(s=film, word=word)
    between = [_part(rng, praises) for _ in range(rng.randrange(3))]
    return [claim, *between, rng.choice(_SHARED if shares else _NOT_SHARED)]


def _film_and_word(rng, praising, split):
    """What is judged, and a word of praise or complaint; a fifth of these pairs is only to test on."""
    film = rng.randrange(len(_FILMS))
    if split == "new words":
        return _FILMS[film], rng.choice(_NEW_PRAISE if praising else _NEW_COMPLAINTS)
    words = rng.choice(_KINDS)[0 if praising else 1]
    word = rng.choice([i for i in range(len(words)) if _is_held_out(film, i) == (split != "train")])
    return _FILMS[film], words[word]


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
