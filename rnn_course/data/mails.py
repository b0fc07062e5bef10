"""Scam mails and honest ones with the same words: what decides is who asks, and what is denied."""

import random

import numpy as np

from . import _check

_SECRETS = (
    "your password", "your card number", "your pin", "your access code", "your account number",
    "your secret question", "your date of birth", "your passport number", "your signature", "your phone number",
)  # fmt: skip
_SENDERS = (
    "harbor savings", "elm street bank", "the parcel office", "the tax office", "your landlord", "the repair shop",
    "the help desk", "the city library", "meadow insurance", "the ticket office",
)  # fmt: skip
_OPENERS = (
    "dear customer ,", "hello ,", "good morning ,", "to whom it may concern :", "dear member ,",
    "about your order :", "about our call :", "a note from the office :",
)  # fmt: skip
_CLOSERS = ("thank you", "kind regards", "have a good day", "we wish you well", "see you soon", "the whole team")

# Two mails with the same words: the first one asks for {a} and leaves {b} alone, the second one does it the other way
# round. {a} is a secret or a harmless thing; which of the two is asked for makes the mail a scam or an honest one.
_SENTENCES = (
    "please send {a} , but never {b}",
    "{s} needs {a} and not {b}",
    "reply with {a} ; nobody here will ask for {b}",
    "we have to check {a} , while {b} is of no use to us",
    "to go on , type in {a} instead of {b}",
    "send {a} today , and keep {b} to yourself",
    "{s} asks for {a} rather than {b}",
    "what we are missing is {a} , not {b}",
    "never send {b} , only {a}",
    "keep {b} to yourself , and send {a} today",
    "nobody here will ask for {b} ; reply with {a}",
    "{s} does not need {b} but {a}",
    "while {b} is of no use to us , we have to check {a}",
    "instead of {b} , type in {a} to go on",
    "we got {b} , thank you , and now {s} needs {a}",
    "it is not {b} that {s} asks for , it is {a}",
)
_HARMLESS = (
    "the order number", "a new date", "the invoice number", "the color you want", "a photo of the parcel",
    "the name of the street", "the size of the room", "a short answer", "the title of the book", "the row of your seat",
)  # fmt: skip

_MOST = 20_000
_HELD_OUT = 5


def mails(count, seed=0, split="train"):
    """Short mails, half of them scams that ask for a secret, half honest ones that warn of giving it away.

    Every mail comes with its mirror, which has exactly the same words in another order and asks for the other thing:
    "please send your pin , but never the order number" and "please send the order number , but never your pin". No
    word gives a scam away: honest mails speak of passwords, too. What counts is which thing is asked for.

    Parameters
    ----------
    count : int
        How many mails, N: even, since they come in pairs, and at most 20,000.
    seed : int
        The same seed gives the same mails in the same order.
    split : {"train", "test"}
        A fifth of the pairs of a secret and a harmless thing is only in mails to test on, and never together in one
        mail to train on. So no test mail is in the training data, whatever the seeds.

    Returns
    -------
    texts : list of str
        N different mails of about 6 to 30 words, lower case, in random order. Punctuation stands apart and counts as
        a word: `text.split()` gives the words.
    labels : numpy.ndarray
        Shape (N,), int64: 1 for a scam, 0 for an honest mail, N/2 of each.

    Raises
    ------
    TypeError
        If `count` or `seed` is not an int.
    ValueError
        If `count` is odd or out of range, or `split` another word.

    Notes
    -----
    Made by a grammar written for this course; the senders are invented. Real scams differ from honest mail in many
    more ways, such as their links and senders, and a real filter uses them all.
    """
    count = _check.even("count", count, _MOST)
    seed = _check.whole_number("seed", seed, least=0)
    _check.one_of("split", split, ("train", "test"))

    rng = random.Random(seed)
    labelled = {}
    while len(labelled) < count:
        frame, secret, harmless = _draw(rng, split)
        labelled[frame.format(a=secret, b=harmless)] = 1
        labelled[frame.format(a=harmless, b=secret)] = 0
    texts = list(labelled)
    rng.shuffle(texts)
    return texts, np.array([labelled[text] for text in texts], dtype=np.int64)


def _draw(rng, split):
    """A mail with places for {a}, which it asks for, and {b}, and a secret and a harmless thing to put there."""
    sentence = rng.choice(_SENTENCES).replace("{s}", rng.choice(_SENDERS))
    opener = rng.choice(_OPENERS) if rng.random() < 0.6 else ""
    closer = ". " + rng.choice(_CLOSERS) if rng.random() < 0.5 else ""
    frame = " ".join(filter(None, (opener, sentence, closer)))

    secret = rng.randrange(len(_SECRETS))
    allowed = [other for other in range(len(_HARMLESS)) if _is_held_out(secret, other) == (split == "test")]
    return frame, _SECRETS[secret], _HARMLESS[rng.choice(allowed)]


def _is_held_out(secret, harmless):
    return (secret + harmless) % _HELD_OUT == 0
