"""Remarks about films, in which the order of the words decides between praise and complaint."""

import random

import numpy as np

from . import _check

_PRAISING = (
    "moving", "gripping", "fresh", "clever", "brilliant", "charming", "wonderful", "superb",
    "original", "convincing", "touching", "witty", "vivid", "elegant", "thrilling",
)  # fmt: skip
_COMPLAINING = (
    "dull", "boring", "stale", "silly", "awful", "tiresome", "dreadful", "terrible",
    "predictable", "clumsy", "shallow", "flat", "lifeless", "crude", "tedious",
)  # fmt: skip
_GOOD_THINGS = ("a triumph", "a delight", "a treat", "a gem", "a joy", "a masterpiece", "a marvel", "a pleasure")
_BAD_THINGS = ("a bore", "a mess", "a failure", "a disaster", "a chore", "a letdown", "an ordeal", "a flop")

_PARTS = (
    "the film", "the plot", "the acting", "the script", "the music", "the ending", "the dialogue",
    "the camera work", "the second half", "the opening scene", "the casting", "the story",
)  # fmt: skip
_FILMS = ("the film", "the sequel", "the remake", "this picture", "the new version", "the whole thing")

# {yes} is what the speaker says of {s}, {no} what the speaker denies, grants, expected or leaves behind. Each list
# has as many sentences with {yes} first as with {no} first, so that neither place gives the answer away.
_OF_PARTS = (
    "{s} is {yes} , not {no}",
    "{s} is {yes} and never {no}",
    "{s} is more {yes} than {no}",
    "{s} is {yes} rather than {no}",
    "{s} was so {yes} that nobody could call it {no}",
    "truly {yes} , hardly {no}",
    "{s} may be called {yes} , but not {no}",
    "i found {s} {yes} where others found it {no}",
    "{s} remains {yes} even when it seems to turn {no}",
    "{s} was {yes} , although i had been told that it would be {no}",
    "{s} was {yes} , and at no point did i find it {no}",
    "we all thought {s} {yes} , and anyone who thinks it {no} was asleep",
    "i think that {s} is {yes} , but the critics think that it is {no}",
    "{s} is {yes} , and whoever says that it is {no} has not seen it",
    "{s} is not {no} but {yes}",
    "{s} is not {no} , and the rest is {yes}",
    "{s} is less {no} than {yes}",
    "{s} is anything but {no} ; it is {yes}",
    "hardly {no} , truly {yes}",
    "{s} was never {no} and always {yes}",
    "although {s} looks {no} at first , it is {yes}",
    "i had been told that {s} would be {no} , but it was {yes}",
    "far from {no} , {s} is {yes}",
    "{s} starts out {no} but soon becomes {yes}",
    "not for one minute , not even near the end , was it {no} ; it was {yes}",
    "nobody who stays awake can call {s} {no} ; it is {yes}",
    "the critics think that {s} is {no} , but i think that it is {yes}",
    "whoever says of {s} that it is {no} has not seen it ; it is {yes}",
)
_OF_FILMS = (
    "{s} is {yes} , not {no}",
    "more {yes} than {no}",
    "{s} is {yes} rather than {no}",
    "i got {yes} when i had expected {no}",
    "i call {s} {yes} , whoever else may call it {no}",
    "{s} turned out to be {yes} , though the critics had called it {no}",
    "i say that {s} is {yes} , but the critics say that it is {no}",
    "{s} is not {no} but {yes}",
    "less {no} than {yes}",
    "i expected {no} and got {yes}",
    "do not call {s} {no} : it is {yes}",
    "{s} could have been {no} , yet it is {yes}",
    "what the critics call {no} is in truth {yes}",
    "the critics say that {s} is {no} , but i say that it is {yes}",
)
_KINDS = ((_OF_PARTS, _PARTS, _PRAISING, _COMPLAINING), (_OF_FILMS, _FILMS, _GOOD_THINGS, _BAD_THINGS))

_OPENERS = (
    "honestly ,", "in the end ,", "all in all ,", "to be fair ,", "on a second viewing ,",
    "one thing is certain :", "i saw it last night :", "my sister and i agree :", "let me put it like this :",
)  # fmt: skip
_CLOSERS = (
    ", if you ask me", ", in my opinion", ", as far as i can tell", ", and my friends agree",
    ", and i have seen it twice", ", as everyone in our row said",
)  # fmt: skip

_MOST = 50_000
_HELD_OUT = 5


def remarks(count, seed=0, split="train"):
    """Short remarks about films, half of them praise and half complaints.

    Every remark comes with its mirror, which has exactly the same words in another order and says the opposite:
    "the plot is not dull but moving" and "the plot is not moving but dull". A model that only counts words gives
    both the same answer and is right about one of the two: its accuracy is one half. What decides is which word
    is asserted and which is negated, expected or granted. Counting pairs of neighboring words finds that out for
    about nine remarks in ten; in the others the sign is further away ("i think that the plot is moving , but the
    critics think that it is dull").

    Parameters
    ----------
    count : int
        How many remarks, N: even, since they come in pairs, and at most 50,000.
    seed : int
        The same seed gives the same remarks in the same order.
    split : {"train", "test"}
        A fifth of the pairs of a praising and a complaining word is only in remarks to test on, and never together
        in one remark to train on. So no test remark is in the training data, whatever the seeds, but each of its
        words is, once the training data has some thousand remarks.

    Returns
    -------
    texts : list of str
        N different remarks of about 5 to 30 words, lower case, in random order. Punctuation stands apart and counts as
        a word: `text.split()` gives the words.
    labels : numpy.ndarray
        Shape (N,), int64: 1 for praise, 0 for a complaint, N/2 of each.

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
    _check.one_of("split", split, ("train", "test"))

    rng = random.Random(seed)
    labelled = {}
    while len(labelled) < count:
        frame, good, bad = _draw(rng, split)
        labelled[frame.format(yes=good, no=bad)] = 1
        labelled[frame.format(yes=bad, no=good)] = 0
    texts = list(labelled)
    rng.shuffle(texts)
    return texts, np.array([labelled[text] for text in texts], dtype=np.int64)


def _draw(rng, split):
    """A remark with places for {yes} and {no}, and a good and a bad word to put there."""
    sentences, subjects, good_words, bad_words = rng.choices(_KINDS, weights=(2, 1))[0]
    sentence = rng.choice(sentences).replace("{s}", rng.choice(subjects))
    opener = rng.choice(_OPENERS) if rng.random() < 0.4 else ""
    closer = rng.choice(_CLOSERS) if rng.random() < 0.3 else ""
    frame = " ".join(filter(None, (opener, sentence, closer)))

    good = rng.randrange(len(good_words))
    bad = rng.choice([bad for bad in range(len(bad_words)) if _is_held_out(good, bad) == (split == "test")])
    return frame, good_words[good], bad_words[bad]


def _is_held_out(good, bad):
    return (good + bad) % _HELD_OUT == 0
