"""Tests of rnn_course.data.dates: the translations are right, and the parts to test on are new."""

import datetime
import re

import pytest
from babel.dates import format_date

from rnn_course import data

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
WEEKDAYS = "mon tue wed thu fri sat sun".split()


def read(source):
    """The date that an English source means, by a reader of its own: (date, weekday or None)."""
    numbers = [int(number) for number in re.findall(r"\d+", source)]
    names = [name[:3] for name in re.findall(r"[a-z]{3,}", source)]
    months = [MONTHS.index(name) + 1 for name in names if name in MONTHS]
    weekdays = [WEEKDAYS.index(name) for name in names if name in WEEKDAYS]
    if months:
        year = max(numbers)
        numbers.remove(year)
        date = datetime.date(year, months[0], numbers[0])
    elif "-" in source:
        date = datetime.date(*numbers)
    else:
        month, day, year = numbers
        date = datetime.date(year, month, day)
    return date, weekdays[0] if weekdays else None


def form(source):
    """What a source looks like without its date: its format, but for names that are short anyway, as "may"."""
    source = re.sub(r"\b(mon|tues|wednes|thurs|fri|satur|sun)day\b", "WEEKDAY", source)
    source = re.sub(rf"\b({'|'.join(WEEKDAYS)})\b", "WKD", source)
    source = re.sub(r"\bmay\b", "EITHER", source)
    source = re.sub(rf"\b({'|'.join(MONTHS)})\b", "MON", source)
    source = re.sub(r"[a-z]{4,}", "MONTH", source)
    source = re.sub(r"\d+(st|nd|rd|th)", "Nth", source)
    return re.sub(r"\d{4}", "YEAR", source) if "-" not in source else source[-5:] + source[:3]


@pytest.fixture(scope="module")
def splits():
    return {split: data.dates(3000, seed=1, split=split) for split in ("train", "test")}


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_target_says_what_the_source_says(splits, split):
    for source, target in zip(*splits[split]):
        date, weekday = read(source)
        assert target == format_date(date, "long" if weekday is None else "full", "fr").lower()
        assert weekday is None or date.weekday() == weekday


def test_dates_and_formats_of_the_test_are_new(splits):
    seen, new = ({read(source)[0] for source in splits[split][0]} for split in ("train", "test"))
    assert not seen & new and len(new) > 300

    def forms(split):
        return {
            re.sub(r"\d+", "N", form(source))
            for source in splits[split][0]
            if "EITHER" not in form(source) and "-" not in source
        }

    assert not forms("train") & forms("test")
    assert len(forms("train")) > 40 and len(forms("test")) >= 10


def test_every_character_and_word_of_the_test_is_trained_on(splits):
    for side in (0, 1):
        assert set("".join(splits["test"][side])) <= set("".join(splits["train"][side]))


def test_sources_differ_and_repeat_by_seed(splits):
    sources, targets = splits["train"]
    assert len(set(sources)) == len(targets) == 3000
    assert data.dates(3000, seed=1) == (sources, targets)
    assert data.dates(3000, seed=2)[0] != sources


def test_any_pair_of_locales():
    for source, target in (("de", "ja"), ("pt_BR", "ru"), ("ar", "fi"), ("fr", "en")):
        sources, targets = data.dates(50, source=source, target=target)
        assert all(sources) and all(targets)
        for text in (*sources, *targets):
            assert text == text.lower() and not re.search("[\u00a0\u202f\u200e\u200f]", text)
    assert any("friday, " in target for target in targets)


@pytest.mark.parametrize(
    "arguments, error, match",
    [
        ({"count": 0}, ValueError, "count"),
        ({"count": 10**6}, ValueError, "count"),
        ({"count": "ten"}, TypeError, "count"),
        ({"count": 1, "seed": -1}, ValueError, "seed"),
        ({"count": 1, "source": "klingon"}, ValueError, "source"),
        ({"count": 1, "target": 7}, TypeError, "target"),
        ({"count": 1, "split": "valid"}, ValueError, "split"),
    ],
)
def test_mistakes_are_named(arguments, error, match):
    with pytest.raises(error, match=match):
        data.dates(**arguments)
