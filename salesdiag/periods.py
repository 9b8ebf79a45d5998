"""The department's calendar: fiscal periods, working days and working hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from salesdiag.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FIRST_YEAR, _LAST_YEAR = 1970, 2199  # of a day that a person names


@dataclass(frozen=True, slots=True)
class Calendar:
    """When the department works and how its year is cut.

    Parameters
    ----------
    time_zone : str, default "UTC"
        IANA name, such as ``"Europe/Berlin"``.
    fiscal_year_start : int, default 1
        Month in which the fiscal year begins.
    working_days : sequence of str, default Monday to Friday
        Of ``mon, tue, wed, thu, fri, sat, sun``.
    working_hours : tuple of str, default ("09:00", "18:00")
        Opening and closing time.
    holidays : str or sequence of date, default ()
        A country code known to the `holidays` library, or the days themselves.

    Raises
    ------
    InputError
        If a value is not one of those allowed.

    Examples
    --------
    >>> calendar = Calendar(holidays=("2025-12-25",))
    >>> calendar.count_working_days(date(2025, 12, 22), date(2025, 12, 28))
    4
    """

    time_zone: str = "UTC"
    fiscal_year_start: int = 1
    working_days: tuple[str, ...] = WEEKDAYS[:5]
    working_hours: tuple[str, str] = ("09:00", "18:00")
    holidays: str | tuple[date | str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse values that mean nothing."""
        _check_zone(self.time_zone)
        if self.fiscal_year_start not in range(1, 13):
            message = f"fiscal_year_start is a month from 1 to 12; got {self.fiscal_year_start!r}."
            raise InputError(message)
        object.__setattr__(self, "working_days", _weekdays(self.working_days))
        object.__setattr__(self, "working_hours", _hours(self.working_hours))
        object.__setattr__(self, "holidays", _holidays(self.holidays))

    def days_off(self, first: date, last: date) -> tuple[date, ...]:
        """List the holidays from ``first`` to ``last``, both included."""
        if isinstance(self.holidays, str):
            known = _country_holidays(self.holidays, first.year, last.year)
        else:
            known = tuple(day for day in self.holidays if isinstance(day, date))
        return tuple(day for day in known if first <= day <= last)

    def count_working_days(self, first: date, last: date) -> int:
        """Count the working days from ``first`` to ``last``, both included; 0 if none."""
        if last < first:
            return 0
        import numpy as np

        week = "".join("1" if day in self.working_days else "0" for day in WEEKDAYS)
        off = np.array(self.days_off(first, last), dtype="datetime64[D]")
        return int(np.busday_count(first, last + timedelta(days=1), weekmask=week, holidays=off))

    def period_of(self, day: date, *, months: int = 3) -> tuple[date, date]:
        """Give first and last day of the fiscal period of ``months`` months that holds a day.

        >>> Calendar(fiscal_year_start=4).period_of(date(2025, 1, 15))
        (datetime.date(2025, 1, 1), datetime.date(2025, 3, 31))
        """
        since = (day.month - self.fiscal_year_start) % 12
        first = add_months(day.replace(day=1), -(since % months))
        return first, add_months(first, months) - timedelta(days=1)


def add_months(day: date, months: int) -> date:
    """Move a day by whole months, to the last day of a month that is too short.

    >>> add_months(date(2024, 3, 31), -1)
    datetime.date(2024, 2, 29)
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    following = date(year + month // 12, month % 12 + 1, 1)
    return date(year, month, min(day.day, (following - timedelta(days=1)).day))


def last_twelve_months(as_of: date) -> tuple[date, date]:
    """Give the window of an audit: the twelve months that end with ``as_of``.

    >>> last_twelve_months(date(2025, 12, 31))
    (datetime.date(2025, 1, 1), datetime.date(2025, 12, 31))
    """
    following = as_of + timedelta(days=1)
    return add_months(following, -12), as_of


def parse_day(value: date | str, name: str) -> date:
    """Read a day given as a date or as ISO text.

    >>> parse_day("2025-12-31", "as_of")
    datetime.date(2025, 12, 31)
    """
    day = value.date() if isinstance(value, datetime) else value
    if isinstance(day, date) and day == day:  # no missing moment
        return _plausible(day, name)
    try:
        # Python reads more than it should: 20251231.5 would be a day
        read = date.fromisoformat(day if isinstance(day, str) and day.count("-") == 2 else "")
    except ValueError:
        message = f"{name} must be a day written as YYYY-MM-DD, such as 2025-12-31; got {value!r}."
        raise InputError(message) from None
    return _plausible(read, name)


def _plausible(day: date, name: str) -> date:
    """Refuse years in which no sales department has data."""
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        message = f"{name} must be a day of the years {_FIRST_YEAR} to {_LAST_YEAR}; got {day}."
        raise InputError(message)
    return day


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"time_zone must be an IANA name such as 'Europe/Berlin'; got {name!r}."
        raise InputError(message) from None


def _weekdays(names: Sequence[str]) -> tuple[str, ...]:
    wrong = [name for name in names if name not in WEEKDAYS]
    if wrong or not names or isinstance(names, str):
        message = f"working_days is a list of {', '.join(WEEKDAYS)}; got {names!r}."
        raise InputError(message)
    return tuple(day for day in WEEKDAYS if day in names)


def _hours(hours: Sequence[str]) -> tuple[str, str]:
    try:
        first, last = (time.fromisoformat(hour) for hour in hours)
    except (TypeError, ValueError):
        first = last = time(0)
    if not first < last:
        message = (
            'working_hours is an opening and a later closing time, such as ["09:00", "18:00"]; '
            f"got {hours!r}."
        )
        raise InputError(message)
    return first.isoformat("minutes"), last.isoformat("minutes")


def _holidays(given: str | Sequence[date | str]) -> str | tuple[date, ...]:
    if isinstance(given, str):
        # the library of holidays is loaded when a working day is first counted, not before
        if not (given.isalpha() and given.isupper() and 2 <= len(given) <= 3):
            message = f"holidays is a country code such as 'DE', or a list of days; got {given!r}."
            raise InputError(message)
        return given
    return tuple(sorted(parse_day(day, "holidays") for day in given))


@lru_cache(maxsize=32)
def _country_holidays(code: str, first_year: int, last_year: int) -> tuple[date, ...]:
    import holidays

    try:
        known = holidays.country_holidays(code, years=range(first_year, last_year + 1))
    except NotImplementedError:
        message = f"holidays: {code!r} is no country code; give one such as 'DE', or a list of days"
        raise InputError(message + ".") from None
    return tuple(sorted(known))
