"""Tests of rnn_course.data.translations: the translations are right, and what is to be tested on is new."""

import datetime
import functools
import re
import unicodedata
from collections import Counter

import pytest
from babel import Locale
from babel.dates import format_date

from rnn_course import data

SCRIPTS = {"de": "LATIN", "en": "LATIN", "fr": "LATIN", "he": "HEBREW", "ru": "CYRILLIC"}


def plain(day, length, language):
    """A day in Babel's words, lower case, with plain spaces."""
    return re.sub(r"\s", " ", format_date(day, length, language).lower())


def names(locale, what):
    """All ways to write the months or the weekdays of a language: {name: number}."""
    kinds = getattr(Locale.parse(locale), what)
    return {
        name.lower(): number
        for context in kinds.values()
        for width in ("wide", "abbreviated")
        for number, name in context[width].items()
    }


def find(text, names):
    """The number of the longest of the names that stands in a text as a word, or None."""
    text = re.sub(r"(?<!\w)[בה](?=\w)", "", text) if SCRIPTS["he"] in scripts(text) else text  # "in", before a month
    found = [name for name in names if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)]
    return names[max(found, key=len)] if found else None


def scripts(text):
    return {unicodedata.name(c).split()[0] for c in text if c.isalpha()}


@pytest.fixture(scope="module")
def splits():
    return {split: list(zip(*data.translations(4000, seed=1, split=split))) for split in ("train", "test")}


@functools.cache
def meanings():
    """The day that each text means, for each language, found by writing all days of a century."""
    first, last = datetime.date(1950, 1, 1).toordinal(), datetime.date(2049, 12, 31).toordinal()
    every = [datetime.date.fromordinal(number) for number in range(first, last + 1)]
    return {
        language: {plain(day, length, language): day for day in every for length in ("full", "long")}
        for language in data.LANGUAGES
    }


def days(examples):
    return [meanings()[to][target] for _, target, (_, to) in examples]


@pytest.mark.parametrize("split", ["train", "test"])
def test_source_and_target_say_the_same_day(splits, split):
    kinds = {language: (names(language, "months"), names(language, "days")) for language in data.LANGUAGES}
    for (source, target, (of, to)), day in zip(splits[split], days(splits[split])):
        numbers = [int(number) for number in re.findall(r"\d+", source)]
        assert {day.year, day.day} <= set(numbers)
        months, weekdays = kinds[of]
        if len(numbers) == 3:  # the international form
            assert re.search(day.isoformat(), source)
        else:
            assert find(source, months) == day.month, source
        weekday = find(re.sub(r"\bmar\b\.? (?=\d{4})|\b\d+ mar\b", "", source) if of == "en" else source, weekdays)
        assert weekday in (None, day.weekday()), source
        assert target == plain(day, "long" if weekday is None else "full", to)


def test_days_and_formats_of_the_test_are_new(splits):
    trained, tested = (set(days(splits[split])) for split in ("train", "test"))
    assert not trained & tested and len(tested) > 2000

    def iso(split):
        return {re.sub(r"\w", "x", source)[:4] for source, _, _ in splits[split]}

    assert iso("test") <= iso("train")  # the kinds of form are known
    for language in data.LANGUAGES:
        seen = set("".join(target for _, target, (_, to) in splits["train"] if to == language))
        assert set("".join(target for _, target, (_, to) in splits["test"] if to == language)) <= seen


@pytest.mark.parametrize("split", ["train", "test"])
def test_each_is_in_its_script_and_lower_case(splits, split):
    for source, target, (of, to) in splits[split]:
        assert scripts(source) <= {SCRIPTS[of]} and scripts(target) == {SCRIPTS[to]}
        assert f"{source}{target}".lower() == f"{source}{target}"
        assert not re.search("[\u00a0\u202f\u200e\u200f]", source + target)


def test_hebrew_is_in_the_order_in_which_it_is_read():
    _, targets, _ = data.translations(50, pairs=[("en", "he")])
    assert any(target.startswith("יום ") for target in targets)
    assert all(re.search(r"\d{4}$", target) for target in targets)


def test_pairs_are_those_asked_for_equally_often():
    assert len(data.language_pairs()) == 20 == len(set(data.language_pairs()))
    assert data.language_pairs(["fr", "ru"]) == [("fr", "ru"), ("ru", "fr")]
    chosen = [("he", "de"), ("ru", "en"), ("en", "ru")]
    counts = Counter(data.translations(3000, pairs=chosen)[2])
    assert set(counts) == set(chosen) and min(counts.values()) > 900


def test_examples_differ_and_repeat_by_seed():
    sources, targets, pairs = data.translations(2000, seed=1)
    assert len(set(zip(sources, targets))) == len(pairs) == 2000
    assert data.translations(2000, seed=1) == (sources, targets, pairs)
    assert data.translations(2000, seed=2)[0] != sources


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"count": 0}, ValueError, "count"),
        ({"count": 1e3}, TypeError, "count"),
        ({"count": 200_001}, ValueError, "count must be at most 200,000"),
        ({"seed": -1}, ValueError, "seed"),
        ({"split": "valid"}, ValueError, "split"),
        ({"pairs": [("en", "xx")]}, ValueError, "pairs"),
        ({"pairs": [("en", "en")]}, ValueError, "two different languages"),
        ({"pairs": []}, ValueError, "pairs"),
        ({"pairs": ["en"]}, ValueError, "pairs"),
    ],
)
def test_mistakes_are_named(arguments, error, words):
    with pytest.raises(error, match=words):
        data.translations(**({"count": 5} | arguments))
