"""The panel under the effect of a measure: who was treated when, and outcomes by month."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from salesdiag.analyses.reps.closings import closings, days_of, tenures
from salesdiag.department import UNASSIGNED
from salesdiag.engine import suggest
from salesdiag.errors import InputError
from salesdiag.periods import parse_day
from salesdiag.reductions.actuals import daily_actuals
from salesdiag.reductions.selling_days import working_days

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department

    Floats = NDArray[np.float64]

_LAST_DAY_OF_MONTH = 15  # a measure that begins later in a month counts from the next
_TOPS = {"wins": "n_won", "win_rate": "n_won", "revenue": "won_amount",
         "discount": "discount_amount"}  # fmt: skip
_BOTTOMS = {"win_rate": "n_decided", "discount": "listed_amount"}


class Outcomes(NamedTuple):
    """Numerators and denominators, reps x months; the months count from the year 0."""

    rep_id: pd.Series
    months: NDArray[np.int64]
    top: Floats
    bottom: Floats
    n_decided: Floats  # of each rep, in all these months


def treated_since(
    department: Department,
    treated: Sequence[str] | Mapping[str, object] | str,
    since: date | str | None,
    *,
    first: pd.Timestamp,
) -> dict[str, pd.Timestamp]:
    """Read who was treated from which day on; nobody where nothing is given.

    Raises
    ------
    InputError
        If a rep is not known, a day is missing, or lies outside the data.
    """
    begin = None if since is None else _inside(department, since, "since", first)
    ids = sorted({*tenures(department)["rep_id"], *_listed(department)})
    given = [treated] if isinstance(treated, str) else treated
    if isinstance(given, Mapping) and not _names_reps(given, ids) and department.has("reps"):
        given = _matching(department, given)
    if isinstance(given, Mapping):
        known = {_known(str(rep), ids): day for rep, day in given.items()}
        return {rep: _inside(department, day, "treated", first) for rep, day in known.items()}
    names = [_known(str(rep), ids) for rep in given]
    if begin is None:
        if names:
            message = "since must be given: the day from which the reps in treated were treated."
            raise InputError(message)
        return {}
    return dict.fromkeys(names or ids, begin)


def month_of(day: pd.Timestamp) -> int:
    """Give the number of the first month that counts as treated."""
    return day.year * 12 + day.month - 1 + (day.day > _LAST_DAY_OF_MONTH)


def monthly_outcomes(
    department: Department, outcome: str, months: NDArray[np.int64]
) -> Outcomes:  # fmt: skip
    """Give what each rep reached in each month, and out of what."""
    reps = tenures(department)
    reps = reps[reps["rep_id"] != UNASSIGNED].reset_index(drop=True)
    shape = (len(reps), len(months))
    if not len(months):
        return Outcomes(reps["rep_id"], months, *(np.zeros(shape),) * 2, np.zeros(len(reps)))
    rows = closings(department).dropna(subset="day")
    rows = rows.assign(n_decided=rows["n_won"] + rows["n_lost"])
    n_decided = _summed(rows, "n_decided", reps["rep_id"], months).sum(axis=1)
    if outcome == "activities":
        did = daily_actuals(department, "activities", ["rep_id"])
        top = _summed(did, "actual", reps["rep_id"], months)
    else:
        top = _summed(rows, _TOPS[outcome], reps["rep_id"], months)
    if outcome in _BOTTOMS:
        bottom = _summed(rows, _BOTTOMS[outcome], reps["rep_id"], months)
    else:
        bottom = _selling_days(department, reps, months)
    return Outcomes(reps["rep_id"], months, top, bottom, n_decided)


def _summed(
    rows: pd.DataFrame, name: str, rep_id: pd.Series, months: NDArray[np.int64]
) -> Floats:  # fmt: skip
    place = rows["rep_id"].map(pd.Series(np.arange(len(rep_id)), index=rep_id))
    month = rows["day"].dt.year * 12 + rows["day"].dt.month - 1 - months[0]
    inside = place.notna() & (month >= 0) & (month < len(months))
    found = np.zeros((len(rep_id), len(months)))
    at = (place[inside].to_numpy(np.intp), month[inside].to_numpy(np.intp))
    np.add.at(found, at, rows.loc[inside, name].to_numpy(float))
    return found


def _selling_days(
    department: Department, reps: pd.DataFrame, months: NDArray[np.int64]
) -> Floats:  # fmt: skip
    epoch = np.asarray(months - 1970 * 12).astype("datetime64[M]")
    begins = epoch.astype("datetime64[D]")
    ends = (epoch + np.timedelta64(1, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
    low = np.maximum(days_of(reps["first_day"])[:, None], begins[None, :])
    high = np.minimum(days_of(reps["last_day"])[:, None], ends[None, :])
    days = working_days(department, low.ravel(), high.ravel())
    return days.reshape(low.shape).astype(float)


def _listed(department: Department) -> list[str]:
    if not department.has("reps"):
        return []
    return list(department.fetch("reps")["rep_id"].dropna().astype(str))


def _names_reps(given: Mapping[str, object], ids: list[str]) -> bool:
    return any(str(one) in ids for one in given)


def _matching(
    department: Department, given: Mapping[str, object]
) -> Mapping[str, object] | list[str]:
    """Give the reps that meet a condition on their columns; else what was given."""
    reps = department.fetch("reps").dropna(subset="rep_id")
    if not given or not set(given) <= set(reps.columns):
        return given
    meets = pd.Series(data=True, index=reps.index)
    for column, wanted in given.items():
        values = list(wanted) if isinstance(wanted, list | tuple | set) else [wanted]
        meets &= reps[column].astype(object).isin(values)
    if not meets.any():
        message = f"treated: no rep meets the condition {dict(given)!r}."
        raise InputError(message)
    return list(reps.loc[meets, "rep_id"].astype(str))


def _known(rep: str, ids: list[str]) -> str:
    if rep not in ids:
        message = f"treated: no rep {rep!r} in reps or deals.{suggest(rep, ids)}"
        raise InputError(message)
    return rep


def _inside(
    department: Department, day: object, name: str, first: pd.Timestamp
) -> pd.Timestamp:  # fmt: skip
    found = pd.Timestamp(parse_day(day, name))  # type: ignore[arg-type]
    last = pd.Timestamp(department.as_of)
    if found > last or found < first:
        since = f"{first:%Y-%m-%d}" if not pd.isna(first) else "no day"
        message = (
            f"{name} must be a day within the data, {since} to {last:%Y-%m-%d}; "
            f"got {found:%Y-%m-%d}."
        )
        raise InputError(message)
    return found
