"""What tables of reps over time are asked: the groups of reps, the window, the level."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from ibis import _

from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch, suggest
from salesdiag.errors import InputError
from salesdiag.periods import add_months, parse_day
from salesdiag.stats.arguments import share

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department


# share of the median rep's closed deals below which somebody only lends a hand
HELPS_OUT = 0.2


class Asked(NamedTuple):
    """What was asked, checked."""

    keys: list[str]
    first: date | None
    last: date
    level: float


def asked_of_reps(
    department: Department,
    by: str | Sequence[str],
    start: date | str | None,
    end: date | str | None,
    confidence: float,
    *,
    results: Sequence[str],
) -> Asked:
    """Check the keys (columns of ``reps``), the window (it ends with ``as_of``) and the level.

    Raises
    ------
    MissingDataError
        If no table has the column.
    InputError
        If it is no column of reps or named like a result, or a day or the level is none.
    """
    level = share("confidence", confidence)
    first = None if start is None else parse_day(start, "start")
    last = department.as_of if end is None else min(parse_day(end, "end"), department.as_of)
    keys = [by] if isinstance(by, str) else list(by)
    for key in keys:
        if not department.has("reps", key):
            department.split_keys([key], results)  # says which names there are
            known = sorted(department.table("reps").columns) if department.has("reps") else []
            message = f"by: {key!r} is no column of reps; split by one of {', '.join(known)}."
            raise InputError(message + suggest(key, known))
    return Asked(department.split_keys(keys, results), first, last, level)


def months_before(day: date, months: int) -> date:
    """Give the first day of the so many months that end with a day."""
    return add_months(pd.Timestamp(day).date() + pd.Timedelta(days=1).to_pytimedelta(), -months)


def with_groups(department: Department, frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Put the columns to split by beside ``rep_id``, as text; "unassigned" where unknown.

    It is `Department.with_keys` that says in which group a rep is, so that one who is listed
    twice (the smallest entry of each column counts) is in the same group here as elsewhere.
    """
    if not keys:
        return frame

    def make() -> pd.DataFrame:
        ids = department.table("reps").select("rep_id").distinct()
        return fetch(department.with_keys(ids.filter(_.rep_id.notnull()), keys))

    reps = department.remember(f"groups of reps by {keys!r}", make).set_index("rep_id")
    mapped = {key: frame["rep_id"].map(reps[key]).astype(object) for key in keys}
    return frame.assign(**{
        key: values.where(values.notna(), UNASSIGNED).astype("str")
        for key, values in mapped.items()
    })  # fmt: skip


def group_codes(
    frame: pd.DataFrame, keys: list[str]
) -> tuple[pd.DataFrame, NDArray[np.intp]]:  # fmt: skip
    """Give the groups in order, and the number of the group of each row; one where no keys."""
    if not keys:
        return pd.DataFrame(index=pd.RangeIndex(1)), np.zeros(len(frame), dtype=np.intp)
    groups = frame[keys].drop_duplicates().sort_values(keys, ignore_index=True)
    numbered = groups.assign(_group=np.arange(len(groups)))
    codes = frame[keys].merge(numbered, on=keys, how="left")["_group"].to_numpy(np.intp)
    return groups, codes


def sells_enough(n_decided: pd.Series, rep_id: pd.Series) -> pd.Series:
    """Tell who closes at least a fifth of the deals of the median rep who closes any."""
    known = (n_decided > 0) & (rep_id != UNASSIGNED)
    middle = float(n_decided[known].median()) if known.any() else 0.0
    return (rep_id != UNASSIGNED) & (n_decided >= HELPS_OUT * middle)
