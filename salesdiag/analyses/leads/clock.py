"""Working time between two moments, reckoned by the engine from the department's calendar."""

from __future__ import annotations

from bisect import bisect_left
from datetime import date, timedelta
from typing import TYPE_CHECKING

import ibis

from salesdiag.analyses.leads.rows import first_day
from salesdiag.periods import WEEKDAYS

if TYPE_CHECKING:
    from salesdiag.department import Department

_MONDAY = date(1970, 1, 5)
DAY_SECONDS = 86_400
# (minutes up to which, step): how finely a wait is counted, so that few rows leave the engine
_GRID = ((120, 1), (1_440, 10), (14_400, 60))
_COARSEST = 600


class WorkClock:
    """The working clock of a department: it stands still outside working hours.

    It shows whole seconds since the first Monday of 1970. Reckoned by whole numbers and CASE
    alone, without a table of days, so that any engine can do it and nothing is written to it.
    """

    def __init__(self, department: Department) -> None:
        calendar = department.calendar
        opens, closes = (
            int(hour[:2]) * 3_600 + int(hour[3:5]) * 60 for hour in calendar.working_hours
        )
        self.opens, self.closes = opens, closes
        self._days = [WEEKDAYS.index(name) for name in calendar.working_days]
        last = department.as_of + timedelta(days=1)
        off = calendar.days_off(first_day(department), last)
        self._off = [day for day in off if day.weekday() in self._days]
        self.end = self._at_midnight(last)
        self.end_elapsed = _number(last) * DAY_SECONDS

    @property
    def day_hours(self) -> float:
        """Hours of a working day."""
        return (self.closes - self.opens) / 3_600

    def _at_midnight(self, day: date) -> int:
        weeks, rest = divmod(_number(day), 7)
        worked = weeks * len(self._days) + sum(one < rest for one in self._days)
        return (worked - bisect_left(self._off, day)) * (self.closes - self.opens)

    def reading(self, moment: ibis.Value) -> ibis.Value:
        """Give what the clock shows at a moment."""
        number, second = _day_number(moment), second_of_day(moment)
        worked = (number // 7).cast("int64") * len(self._days) + self._worked_before(number % 7)
        if self._off:
            worked = worked - _count_before(moment.date(), self._off)
        length = self.closes - self.opens
        today = ibis.greatest(ibis.least(second - self.opens, length), 0)
        reading = worked * length + ibis.ifelse(self.is_working_day(moment), today, 0)
        return reading.cast("int64")

    def _worked_before(self, weekday: ibis.Value) -> ibis.Value:
        """Count the working days of a week before a day of it."""
        if self._days == list(range(len(self._days))):
            return ibis.least(weekday, len(self._days))
        before = [(rest, sum(day < rest for day in self._days)) for rest in range(7)]
        return weekday.cases(*before, else_=0)

    def is_working_day(self, moment: ibis.Value) -> ibis.BooleanValue:
        """Tell whether a moment falls on a working day."""
        works = (_day_number(moment) % 7).isin(self._days)
        return works & ~moment.date().isin(self._off) if self._off else works

    def is_after_break(self, moment: ibis.Value) -> ibis.BooleanValue:
        """Tell whether the day before that of a moment was no working day."""
        works = ((_day_number(moment) + 6) % 7).isin(self._days)
        followed = [day + timedelta(days=1) for day in self._off]
        return ~(works & ~moment.date().isin(followed)) if followed else ~works


def elapsed_seconds(moment: ibis.Value) -> ibis.Value:
    """Give the seconds since the first Monday of 1970 by the clock on the wall."""
    return _day_number(moment).cast("int64") * DAY_SECONDS + second_of_day(moment)


def bucket(seconds: ibis.Value, *, up: bool) -> ibis.Value:
    """Round a wait to a grid of minutes: upwards what ended, downwards what still goes on.

    A wait is within a limit on the grid exactly if it is so rounded.
    """
    minutes = (seconds + 59) // 60 if up else seconds // 60

    def rounded(step: int) -> ibis.Value:
        whole = (minutes + (step - 1)) // step if up else minutes // step
        return (whole * step).cast("int64")

    steps = [(minutes <= limit, rounded(step)) for limit, step in _GRID]
    return ibis.cases(*steps, else_=rounded(_COARSEST)).cast("int64")


def is_on_grid(hours: float) -> bool:
    """Tell whether waits up to so many hours are counted exactly.

    >>> is_on_grid(0.25), is_on_grid(3.25), is_on_grid(27)
    (True, False, True)
    """
    minutes = hours * 60
    step = next((step for limit, step in _GRID if minutes <= limit), _COARSEST)
    return minutes > 0 and abs(minutes / step - round(minutes / step)) < 1e-9


def _number(day: date) -> int:
    return (day - _MONDAY).days


def _day_number(moment: ibis.Value) -> ibis.Value:
    days = moment.date().delta(ibis.literal(_MONDAY), unit="day").cast("int64")
    return ibis.greatest(days, 0)


def _count_before(day: ibis.Value, days: list[date], first: int = 0) -> ibis.Value:
    """Count the days of a list before a day, halving the list at each question."""
    if not days:
        return ibis.literal(first)
    middle = len(days) // 2
    return ibis.ifelse(
        day <= ibis.literal(days[middle]),
        _count_before(day, days[:middle], first),
        _count_before(day, days[middle + 1 :], first + middle + 1),
    )


def second_of_day(moment: ibis.Value) -> ibis.Value:
    """Give the seconds since midnight."""
    hours, minutes = moment.hour().cast("int64"), moment.minute().cast("int64")
    return hours * 3_600 + minutes * 60 + moment.second().cast("int64")
