"""Dates in two languages: a small translation task, in which late words change early ones."""

import datetime
import itertools
import random

from . import _check

FIRST, LAST = datetime.date(1950, 1, 1), datetime.date(2049, 12, 31)
_PLAIN = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u200e": None, "\u200f": None})  # spaces, text direction
_HELD_OUT = 5
_MOST = 20_000

_ORDERS = ("usual", "day first", "year first", "digits", "ISO")
_MONTHS = ("full", "short")
_DAYS = ("plain", "ordinal")
_WEEKDAYS = ("none", "full first", "short first", "full last", "short last")
_ENGLISH_SUFFIXES = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}


def dates(count, seed=0, source="en", target="fr", split="train"):
    """Dates written out in two languages, such as "fri, nov 20, 2026" and "vendredi 20 novembre 2026".

    The source comes in many formats: the month as a full name, a short name or digits; the day before the month,
    after it, or last after the year (ISO 8601); the weekday first, last or left out, full or short; in English, the
    day as "20" or "20th". The target has one format, the usual long one of its language, with the weekday if the
    source has it. So everything that the target says stands in the source, but elsewhere: the last characters
    of "2026-11-20, fri" become the first ones of "vendredi 20 novembre 2026".

    Parameters
    ----------
    count : int
        How many pairs, N, at most 20,000.
    seed : int
        The same seed gives the same pairs in the same order.
    source, target : str
        Locales, such as "en", "fr", "de" or "pt_BR": any that Babel knows.
    split : {"train", "test"}
        The pairs to test on have dates and formats that no pair to train on has, whatever the seeds: a fifth of the
        days from 1950 to 2049, and a fifth of the formats. Every choice that makes up such a format (the full name of
        the month, say) is in other formats that are trained on; only this combination is new.

    Returns
    -------
    sources, targets : list of str
        N different sources and their translations, lower case.

    Raises
    ------
    TypeError
        If `count` or `seed` is not an int, or a locale not a string.
    ValueError
        If `count` is out of range, Babel does not know a locale, or `split` is another word.

    Notes
    -----
    Names and patterns come from the Unicode Common Locale Data Repository (CLDR), as shipped with Babel. All dates
    have their true weekday.
    """
    count = _check.whole_number("count", count, most=_MOST)
    rng = random.Random(_check.whole_number("seed", seed, least=0))
    source, target = as_locale("source", source), as_locale("target", target)
    held_out = _check.one_of("split", split, ("train", "test")) == "test"

    formats = formats_of(source, _ORDERS, held_out)
    pairs = {}
    while len(pairs) < count:
        day = datetime.date.fromordinal(rng.randint(FIRST.toordinal(), LAST.toordinal()))
        if is_held_out_day(day) != held_out:
            continue
        choice = rng.choice(rng.choice(formats))
        with_weekday = choice[-1] != "none"
        pairs[write(day, pattern_of(day, source, *choice), source)] = write(
            day, "full" if with_weekday else "long", target
        )
    return list(pairs), list(pairs.values())


def as_locale(name, locale):
    """`locale` as Babel's, or an error that names the argument."""
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(_check.string(name, locale))
    except (ValueError, UnknownLocaleError):
        raise ValueError(f"{name} must be a locale of Babel's, such as 'en' or 'pt_BR', got {locale!r}.") from None


def is_held_out_day(day):
    """Whether a day is one to test on: every fifth is."""
    return day.toordinal() % _HELD_OUT == 0


def formats_of(locale, orders, held_out):
    """The formats to train on, or to test on if `held_out`: a list for each order of the parts."""
    return [[choice for choice in _formats(locale, order) if _is_held_out(choice) == held_out] for order in orders]


def _formats(locale, order):
    """All formats of a language with the parts of the date in this order: (order, month, day, weekday)."""
    in_digits = order in ("digits", "ISO")
    months = _MONTHS[:1] if in_digits else _MONTHS
    days = _DAYS if locale.language == "en" and not in_digits else _DAYS[:1]
    return list(itertools.product([order], months, days, _WEEKDAYS))


def _is_held_out(choice):
    """One weekday style of each way to write the rest: so every choice is trained on, in other formats."""
    order, month, day, weekday = choice
    places = _ORDERS.index(order), _MONTHS.index(month), _DAYS.index(day), _WEEKDAYS.index(weekday)
    return sum(places) % _HELD_OUT == 0


def pattern_of(day, locale, order, month, day_style, weekday):
    """The pattern of a format, in CLDR's letters."""
    from babel.dates import get_date_format

    pattern = {
        "usual": get_date_format("long", locale).pattern,
        "day first": "d MMMM y",
        "year first": "y MMMM d",
        "digits": locale.datetime_skeletons["yMd"].pattern,
        "ISO": "y-MM-dd",
    }[order]
    if month == "short":
        pattern = pattern.replace("MMMM", "MMM")
    if day_style == "ordinal":
        pattern = pattern.replace("d", f"d'{_ENGLISH_SUFFIXES.get(day.day, 'th')}'")
    comma = "," if "," in get_date_format("full", locale).pattern else ""
    name = "EEEE" if "full" in weekday else "EEE"
    if "first" in weekday:
        return f"{name}{comma} {pattern}"
    return f"{pattern}{comma} {name}" if "last" in weekday else pattern


def write(day, pattern, locale):
    """A day in a pattern or a length ("long", "full") of a language, lower case, with plain spaces."""
    from babel.dates import format_date

    return format_date(day, pattern, locale).translate(_PLAIN).lower()
