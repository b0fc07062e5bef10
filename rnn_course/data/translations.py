"""Dates in five languages: translation between any two of them, by one model."""

import datetime
import random

from . import _check
from .dates import FIRST, LAST, as_locale, formats_of, is_held_out_day, pattern_of, write

#: The languages: the locale of each, as Babel knows it, and its name.
LANGUAGES = {"de": "German", "en": "English", "fr": "French", "he": "Hebrew", "ru": "Russian"}

_ORDERS = ("usual", "day first", "year first", "ISO")
_MOST = 200_000


def language_pairs(languages=tuple(LANGUAGES)):
    """All ordered pairs of two different languages.

    Parameters
    ----------
    languages : sequence of str
        Keys of `LANGUAGES`.

    Returns
    -------
    list of (str, str)
        From which language and to which; 20 pairs for five languages.
    """
    return [(source, target) for source in languages for target in languages if source != target]


def translations(count, seed=0, pairs=None, split="train"):
    """Dates written out in one language and in another: "fri, nov 20, 2026", and the same day in Hebrew letters.

    The source comes in many formats of its language, as in `dates`, but never with the month in digits alone, where
    English puts the month first and French the day, and nobody could tell which it is; the international form
    "2026-11-20" is there. The target has the usual long form of its language, with the weekday if the source has it.
    Hebrew is written from right to left. In these strings, as in every string, the letter that is read first comes
    first; it is the screen that turns them around.

    Parameters
    ----------
    count : int
        How many examples, N, at most 200,000.
    seed : int
        The same seed gives the same examples in the same order.
    pairs : sequence of (str, str), optional
        From which language and to which, keys of `LANGUAGES`, each pair as often as every other. Default: all of them,
        `language_pairs()`.
    split : {"train", "test"}
        The examples to test on have days and formats that no example to train on has, whatever the seeds and the
        languages.

    Returns
    -------
    sources, targets : list of str
        N texts and their translations, lower case; no source comes twice with the same target.
    of_pairs : list of (str, str)
        The pair of languages of each.

    Raises
    ------
    TypeError
        If `count` or `seed` is not an int.
    ValueError
        If `count` is out of range, `pairs` is empty or has something else than two keys of `LANGUAGES`, or `split` is
        another word.

    Notes
    -----
    Names and patterns come from the Unicode Common Locale Data Repository (CLDR), as shipped with Babel. All dates
    have their true weekday.
    """
    count = _check.whole_number("count", count, most=_MOST)
    rng = random.Random(_check.whole_number("seed", seed, least=0))
    held_out = _check.one_of("split", split, ("train", "test")) == "test"
    pairs = language_pairs() if pairs is None else [_languages(pair) for pair in pairs]
    if not pairs:
        raise ValueError("pairs must not be empty. Leave it out for all pairs.")
    formats = {source: formats_of(as_locale("pairs", source), _ORDERS, held_out) for source, _ in pairs}

    found = {}
    while len(found) < count:
        day = datetime.date.fromordinal(rng.randint(FIRST.toordinal(), LAST.toordinal()))
        if is_held_out_day(day) != held_out:
            continue
        pair = source, target = rng.choice(pairs)
        choice = rng.choice(rng.choice(formats[source]))
        length = "full" if choice[-1] != "none" else "long"
        locale = as_locale("pairs", source)
        text = write(day, pattern_of(day, locale, *choice), locale)
        found[text, write(day, length, as_locale("pairs", target))] = pair
    sources, targets = map(list, zip(*found))
    return sources, targets, list(found.values())


def _languages(pair):
    """`pair`, which must be two different languages."""
    if isinstance(pair, str) or len(pair) != 2 or pair[0] == pair[1]:
        raise ValueError(f"pairs must have two different languages each, such as ('en', 'he'), got {pair!r}.")
    for language in pair:
        _check.one_of("pairs: each language", language, tuple(LANGUAGES))
    return tuple(pair)
