"""Questions about dates: the answers are right by other means than `datetime`, and what is held out is."""

import importlib
import re

import pytest

from rnn_course import data

module = importlib.import_module("rnn_course.data.questions")  # of the same name as its function

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
SPLITS = ["train", "test", "new wordings"]


def leap(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def length(year, month):
    return LENGTHS[month - 1] + (month == 2 and leap(year))


def weekday(day, month, year):
    """Zeller's congruence."""
    if month < 3:
        month, year = month + 12, year - 1
    h = (day + 13 * (month + 1) // 5 + year % 100 + year % 100 // 4 + year // 100 // 4 - 2 * (year // 100)) % 7
    return "Saturday Sunday Monday Tuesday Wednesday Thursday Friday".split()[h]


def written(text):
    """The days, months and years of a text, in whatever style."""
    names = re.findall(r"(?i)\b(?:" + "|".join(MONTHS) + r")[a-z]*\b", text)
    years = [int(y) for y in re.findall(r"\b20\d\d\b", text)]
    rest = re.sub(r"\b20\d\d\b|\d+ days?\b", "", text)
    days = [int(d) for d in re.findall(r"\b(\d{1,2})(?:st|nd|rd|th)?\b", rest)]
    return days, [MONTHS.index(name[:3].lower()) + 1 for name in names], years


def moved(day, month, year, by):
    """One day at a time."""
    for _ in range(abs(by)):
        day += 1 if by > 0 else -1
        if day == 0:
            year, month = (year - 1, 12) if month == 1 else (year, month - 1)
            day = length(year, month)
        elif day > length(year, month):
            day, year, month = (1, year + 1, 1) if month == 12 else (1, year, month + 1)
    return day, month, year


def right(question, kind):
    """The answer, by hand."""
    days, months, years = written(question)
    gap = [int(n) for n in re.findall(r"(\d+) (?:days?|minutes?)\b", question)]
    if kind == "weekday":
        return weekday(days[0], months[0], years[0])
    if kind in ("later", "earlier"):
        day, month, year = moved(days[0], months[0], years[0], gap[0] if kind == "later" else -gap[0])
        return f"{day} {module._MONTHS[month - 1]} {year}"
    if kind == "between":
        day, month, year = days[0], months[0], years[0]
        gap = 0
        while (day, month) != (days[1], months[1]):
            day, month, year = moved(day, month, year, 1)
            gap += 1
        return str(gap)
    if kind == "clock":
        hours, minutes = map(int, re.search(r"(\d+):(\d\d)", question).groups())
        sign = -1 if "before" in question or "ago" in question else 1
        now = (60 * hours + minutes + sign * gap[0]) % 1440
        return f"{now // 60}:{now % 60:02}"
    if kind == "month":
        return str(length(years[0], months[0]))
    return "Yes" if leap(years[0]) else "No"


@pytest.mark.parametrize("split", SPLITS)
def test_all_answers_are_right(split):
    asked, _, answers, kinds = data.questions(1500, seed=3, split=split)
    assert len(set(asked)) == 1500 and set(kinds) == set(module.KINDS)
    for question, answer, kind in zip(asked, answers, kinds):
        assert right(question, kind) == answer, question


def test_the_steps_lead_to_the_answer():
    asked, steps, answers, kinds = data.questions(1500, seed=4)
    names = module._WEEKDAYS
    for question, step, answer, kind in zip(asked, steps, answers, kinds):
        _, months, years = written(question)
        if kind == "weekday":
            first, more = step.split(" + ")
            assert first == weekday(1, months[0], years[0])
            assert names[(names.index(first) + int(more)) % 7] == answer
        elif kind in ("later", "earlier"):
            day, of = map(int, step.split(" of "))
            assert int(answer.split()[0]) == (day if 0 < day <= of else day + of if day < 1 else day - of)
        elif kind == "between":
            assert eval(step) == int(answer)
        elif kind == "clock":
            hours, minutes = map(int, step.split(":"))
            assert (60 * hours + minutes) % 1440 == (lambda h, m: 60 * h + m)(*map(int, answer.split(":")))
        elif kind == "month":
            assert step == ("leap year" if leap(years[0]) else "common year")
        else:
            assert step == f"{years[0] % 4} left over" and (step[0] == "0") == (answer == "Yes")


def test_days_to_test_on_are_in_no_question_to_train_on():
    """Whatever the words: as weekday questions have one day each, it can be read from them."""
    found = {}
    for split in SPLITS:
        asked = data.questions(3000, seed=5, split=split, kinds=["weekday"])[0]
        found[split] = {tuple(map(tuple, written(question))) for question in asked}
    assert not found["train"] & (found["test"] | found["new wordings"])
    assert len(found["train"] | found["test"]) > 2500


def test_new_wordings_are_new():
    """Without numbers and names, a question is its wording."""

    def wordings(split, kind):
        asked = data.questions(2000, seed=6, split=split, kinds=[kind])[0]
        return {re.sub(r"\d+", "1", question.replace("minutes", "minute")) for question in asked}

    for kind in ("clock", "leap year"):
        assert not wordings("train", kind) & wordings("new wordings", kind)
        assert wordings("test", kind) <= wordings("train", kind)


def test_the_seed_decides_and_a_small_kind_ends():
    assert data.questions(50, seed=1) == data.questions(50, seed=1) != data.questions(50, seed=2)
    asked, *_, kinds = data.questions(5000, kinds=["leap year"])
    assert 50 < len(asked) < 5000 and set(kinds) == {"leap year"}


def test_years_are_in_the_range():
    asked = data.questions(3000, seed=7)[0]
    years = {int(year) for question in asked for year in re.findall(r"\b\d{4}\b", question)}
    assert years == set(module.YEARS)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"count": 0}, ValueError, "count must be at least 1"),
        ({"count": 50_001}, ValueError, "count must be at most 50,000, got 50,001"),
        ({"count": 2.0}, TypeError, "count must be a whole number"),
        ({"count": 2, "seed": -1}, ValueError, "seed"),
        ({"count": 2, "split": "valid"}, ValueError, "split must be 'train' or 'test' or 'new wordings'"),
        ({"count": 2, "kinds": []}, ValueError, "kinds must name at least one kind"),
        ({"count": 2, "kinds": ["easter"]}, ValueError, "kinds must be 'weekday' or"),
    ],
)
def test_mistakes_are_named(arguments, error, words):
    with pytest.raises(error, match=words):
        data.questions(**arguments)
