"""Time in a made-up department: a clock that runs on working days only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from datetime import date

    from salesdiag.simulate.draws import Floats, Ints, Times

OPENS, CLOSES = 9, 18  # o'clock
_HOURS = CLOSES - OPENS
_WARM_UP = 9  # months before the data, so that the pipeline is full on their first day
_MONTH = "datetime64[M]"
_A_DAY, _A_QUARTER = np.timedelta64(1, "D"), np.timedelta64(3, "M")


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The working days of a world, from before the data to their last day.

    A moment is a number: the index of the working day, and the part of it that is over.
    """

    days: Times
    start: int  # index of the first day of the data
    window: int  # index of the first day of the last twelve months
    first_day: np.datetime64
    window_day: np.datetime64
    as_of: np.datetime64
    month: Ints  # 0 to 11
    quarter: Ints  # counted from the first day on
    left_in_quarter: Ints  # working days after this one in its quarter
    length_of_quarter: Ints
    holidays: tuple[str, ...]

    @property
    def n_days(self) -> int:
        """How many working days there are."""
        return len(self.days)

    def to_time(self, clock: Floats) -> Times:
        """Turn moments of the working clock into times, null where they lie beyond the data."""
        inside = (clock >= 0) & (clock < self.n_days)
        safe = np.where(inside, clock, 0.0)
        day = safe.astype(np.int64)
        second = np.round((safe - day) * _HOURS * 3_600).astype(np.int64)
        moment = self.days[day].astype("datetime64[s]") + (OPENS * 3_600 + second).astype(
            "timedelta64[s]"
        )
        return np.where(inside, moment, np.datetime64("NaT", "s"))

    def to_clock(self, moment: Times) -> Floats:
        """Turn times into moments of the working clock: a closed office waits till it opens."""
        day = moment.astype("datetime64[D]")
        index = np.searchsorted(self.days, day)
        is_work = self.days[np.minimum(index, self.n_days - 1)] == day
        seconds = (moment - day.astype("datetime64[s]")).astype(np.int64)
        part = np.clip((seconds / 3_600 - OPENS) / _HOURS, 0.0, 1.0)
        return np.asarray(index + np.where(is_work, part, 0.0), dtype=np.float64)

    def index_of(self, day: np.datetime64) -> int:
        """Find the first working day on or after a day."""
        return int(np.searchsorted(self.days, day.astype("datetime64[D]")))

    def quarters(self) -> list[tuple[np.datetime64, np.datetime64]]:
        """List first and last day of the quarters that lie in the data."""
        first = self.first_day.astype(_MONTH)
        last = (self.as_of + _A_DAY).astype(_MONTH)
        number = int((last - first).astype(np.int64)) // 3
        starts = [last - (number - place) * _A_QUARTER for place in range(number)]
        return [(one.astype("datetime64[D]"), (one + _A_QUARTER).astype("datetime64[D]") - _A_DAY)
                for one in starts]  # fmt: skip


def make_grid(as_of: date, months: int, holidays: tuple[str, ...]) -> Grid:
    """Lay the working days out.

    Parameters
    ----------
    as_of : date
        The last day of the data, the last one of a month.
    months : int
        How many months the data span.
    holidays : tuple of str
        Month and day of each.
    """
    end = np.datetime64(as_of, "D") + _A_DAY
    first_month = end.astype(_MONTH) - np.timedelta64(months, "M")
    first_day = first_month.astype("datetime64[D]")
    begin = (first_month - np.timedelta64(_WARM_UP, "M")).astype("datetime64[D]")
    window_day = (end.astype(_MONTH) - 4 * _A_QUARTER).astype("datetime64[D]")
    years = range(begin.astype(object).year, as_of.year + 1)
    off = np.array([f"{year}-{day}" for year in years for day in holidays], dtype="datetime64[D]")
    every = np.arange(begin, end, dtype="datetime64[D]")
    days = every[np.is_busday(every, holidays=off)]
    quarter = days.astype(_MONTH).astype(np.int64) // 3
    index = np.arange(len(days))
    last = np.searchsorted(quarter, quarter, side="right") - 1
    length = np.bincount(quarter - quarter[0])
    # the last quarter may be cut where the data end: as_of is the end of a month
    return Grid(
        days=days,
        start=int(np.searchsorted(days, first_day)),
        window=int(np.searchsorted(days, max(window_day, first_day))),
        first_day=first_day,
        window_day=max(window_day, first_day),
        as_of=end - _A_DAY,
        month=days.astype(_MONTH).astype(np.int64) % 12,
        quarter=quarter - quarter[0],
        left_in_quarter=last - index,
        length_of_quarter=length[quarter - quarter[0]],
        holidays=tuple(str(day) for day in off if first_day <= day < end),
    )
