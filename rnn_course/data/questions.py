"""Questions about dates and times in many wordings, and their answers."""

import calendar
import datetime
import random

from . import _check

#: The years that questions are asked about.
YEARS = range(2020, 2032)
#: The kinds of question, and how often each is asked (in percent, before repeated questions are left out).
KINDS = {"weekday": 25, "later": 18, "earlier": 18, "between": 12, "clock": 18, "month": 5, "leap year": 4}

_MONTHS = "January February March April May June July August September October November December".split()
_WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_SUFFIXES = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}

_OPENERS = ("", "Hello, ", "Please tell me: ")
_FRAMES = {
    "weekday": (
        "what day is {date}?",
        "which weekday is {date}?",
        "what day of the week is {date}?",
        "on what day does {date} fall?",
        "{date} is which day of the week?",
    ),
    "later": (
        "what is the date {days} after {date}?",
        "which date is {days} later than {date}?",
        "what date comes {days} after {date}?",
        "if today is {date}, what date is it in {days}?",
        "{days} from {date} is which date?",
    ),
    "earlier": (
        "what is the date {days} before {date}?",
        "which date is {days} earlier than {date}?",
        "what date comes {days} before {date}?",
        "if today is {date}, what date was it {days} ago?",
        "{days} back from {date} is which date?",
    ),
    "between": (
        "how many days from {short} to {date}?",
        "how many days are there from {short} to {date}?",
        "how many days is it from {short} until {date}?",
        "how long is it from {short} to {date}?",
        "from {short} to {date}, how many days is that?",
    ),
    "clock": (
        "what time is it {minutes} after {time}?",
        "what time is it {minutes} before {time}?",
        "it is {time}. What time is it in {minutes}?",
        "it is {time}. What time was it {minutes} ago?",
        "{minutes} later than {time} is what time?",
    ),
    "month": (
        "how many days are there in {month}?",
        "how many days does {month} have?",
        "how long is {month}?",
        "what is the number of days in {month}?",
        "{month} has how many days?",
    ),
    "leap year": (
        "is {year} a leap year?",
        "does {year} have 366 days?",
        "was {year} a leap year?",
        "{year} is a leap year, is it not?",
        "is there a 29 February in {year}?",
    ),
}
_STYLES = ("{day} {month}", "{month} {day}", "{day}{suffix} of {month}", "{day} {short}", "{short} {day}")
_STYLES_OF = {"clock": [0], "leap year": [0], "month": [0, 3]}  # of questions without a day
_LONGEST_GAP = 10
_MOST = 50_000
_HELD_OUT = 5


def questions(count, seed=0, split="train", kinds=None):
    """Questions about dates and times, such as "What day is 3 March 2027?", and their answers.

    - *weekday*: "On what day does March 3, 2027 fall?" "Wednesday"
    - *later*, *earlier*: "What is the date 5 days after 27 Feb 2028?" "3 March 2028"; up to 10 days
    - *between*: "How many days from 3 March to 9 March 2027?" "6"; up to 10 days, within a year
    - *clock*: "What time is it 45 minutes after 10:30?" "11:15"; all in multiples of five minutes, up to 55
    - *month*: "How many days are there in February 2028?" "29"
    - *leap year*: "Is 2028 a leap year?" "Yes"

    The steps are what you would write on a scrap of paper. Of 3 March 2027, "Monday + 2": the weekday of the first of
    the month, and how many days there are from it to the third, without whole weeks. 5 days after 27 February 2028 is
    "32 of 29", the day 32 of a month that has 29. "10:75" is a time, the minutes of which have to be carried.

    Each kind is asked in 5 wordings, with 3 openers, such as "Hello, what ...", and a date is written in 5 styles.

    Parameters
    ----------
    count : int
        How many questions, N, at most 50,000; of kinds that have not so many, as many as there are.
    seed : int
        The same seed gives the same questions in the same order.
    split : {"train", "test", "new wordings"}
        A fifth of the days, of the pairs of time and minutes, of the months, and of the pairs of year and wording are
        only in questions to test on: no weekday of a test date is ever asked for in training, in whatever words (that
        of the first of a month does occur among the steps). And a fifth of the combinations of opener, wording and
        style are only in "new wordings", which are about what is held out, too.
    kinds : list of str, optional
        Only questions of these kinds.

    Returns
    -------
    questions, steps, answers, kinds : list of str
        N different questions; for each, the steps that lead to its answer; the answer; and its kind.

    Raises
    ------
    TypeError
        If `count` or `seed` is not an int.
    ValueError
        If `count` is out of range, `split` or one of `kinds` is another word, or `kinds` is empty.

    Notes
    -----
    All is about the Gregorian calendar of the years in `YEARS`, 2020 to 2031. The answers are computed by `datetime`.
    """
    count = _check.whole_number("count", count, most=_MOST)
    rng = random.Random(_check.whole_number("seed", seed, least=0))
    _check.one_of("split", split, ("train", "test", "new wordings"))
    if kinds is not None and not kinds:
        raise ValueError(f"kinds must name at least one kind, got {kinds!r}.")
    shares = {_check.one_of("kinds", kind, tuple(KINDS)): KINDS[kind] for kind in (KINDS if kinds is None else kinds)}

    asked, repeated = {}, 0
    while len(asked) < count and repeated < 5000:
        kind = rng.choices(list(shares), shares.values())[0]
        question, *answered = _draw(rng, kind, split)
        repeated = repeated + 1 if question in asked else 0
        asked[question] = *answered, kind
    steps, answers, kinds = map(list, zip(*asked.values()))
    return list(asked), steps, answers, kinds


def _draw(rng, kind, split):
    """A question of this kind and split, the steps to its answer, and its answer."""
    while True:
        opener, frame = rng.randrange(len(_OPENERS)), rng.randrange(len(_FRAMES[kind]))
        style = rng.choice(_STYLES_OF.get(kind, range(len(_STYLES))))
        if ((opener + frame + style) % _HELD_OUT == 0) != (split == "new wordings"):
            continue
        topic, fields, steps, answer = _ASK[kind](rng, frame, _STYLES[style])
        if (topic % _HELD_OUT == 0) == (split != "train"):
            words = _OPENERS[opener] + _FRAMES[kind][frame].format(**fields)
            return words[0].upper() + words[1:], steps, answer


def _weekday(rng, frame, style):
    day = _some_day(rng)
    steps = f"{_WEEKDAYS[day.replace(day=1).weekday()]} + {(day.day - 1) % 7}"
    return day.toordinal(), {"date": _written(day, style)}, steps, _WEEKDAYS[day.weekday()]


def _later(rng, frame, style, sign=1):
    day, gap = _some_day(rng), rng.randint(1, _LONGEST_GAP)
    other = day + sign * datetime.timedelta(gap)
    if other.year not in YEARS:
        return _later(rng, frame, style, sign)
    fields = {"date": _written(day, style), "days": _counted(gap, "day")}
    month = min(day, other)  # whose length counts
    steps = f"{day.day + sign * gap} of {calendar.monthrange(month.year, month.month)[1]}"
    return day.toordinal(), fields, steps, f"{other.day} {_MONTHS[other.month - 1]} {other.year}"


def _earlier(rng, frame, style):
    return _later(rng, frame, style, sign=-1)


def _between(rng, frame, style):
    day, gap = _some_day(rng), rng.randint(1, _LONGEST_GAP)
    other = day + datetime.timedelta(gap)
    if other.year != day.year:
        return _between(rng, frame, style)
    fields = {"short": _written(day, style, year=False), "date": _written(other, style)}
    left = calendar.monthrange(day.year, day.month)[1] - day.day
    steps = f"{other.day} - {day.day}" if other.month == day.month else f"{left} + {other.day}"
    return day.toordinal(), fields, steps, str(gap)


def _clock(rng, frame, style):
    time, gap = 5 * rng.randrange(24 * 12), 5 * rng.randrange(1, 12)
    back = "before" in _FRAMES["clock"][frame] or "ago" in _FRAMES["clock"][frame]
    gap = -gap if back else gap
    hours, minutes = divmod((time + gap) % (24 * 60), 60)
    fields = {"time": f"{time // 60}:{time % 60:02}", "minutes": _counted(abs(gap), "minute")}
    steps = f"{time // 60}:{time % 60 + gap}"
    return time // 5 + gap // 5 * 3, fields, steps, f"{hours}:{minutes:02}"


def _month(rng, frame, style):
    year, month = rng.choice(YEARS), rng.randrange(12)
    name = _MONTHS[month] if "{month}" in style else _MONTHS[month][:3]
    steps = "leap year" if calendar.isleap(year) else "common year"
    return year * 12 + month, {"month": f"{name} {year}"}, steps, str(calendar.monthrange(year, month + 1)[1])


def _leap_year(rng, frame, style):
    year = rng.choice(YEARS)
    return year + 2 * frame, {"year": year}, f"{year % 4} left over", "Yes" if calendar.isleap(year) else "No"


_ASK = {
    "weekday": _weekday,
    "later": _later,
    "earlier": _earlier,
    "between": _between,
    "clock": _clock,
    "month": _month,
    "leap year": _leap_year,
}


def _some_day(rng):
    first, last = datetime.date(YEARS[0], 1, 1), datetime.date(YEARS[-1], 12, 31)
    return datetime.date.fromordinal(rng.randint(first.toordinal(), last.toordinal()))


def _written(day, style, year=True):
    """A date in this style; with the year after a comma, if the day comes last."""
    month = _MONTHS[day.month - 1]
    date = style.format(day=day.day, month=month, short=month[:3], suffix=_SUFFIXES.get(day.day, "th"))
    between = ", " if date.endswith(str(day.day)) else " "
    return f"{date}{between}{day.year}" if year else date


def _counted(number, what):
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
