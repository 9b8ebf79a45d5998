"""Who sat on a position and how long it stood empty: reps' spans turned into days."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.reductions.actuals import PERIOD
from salesdiag.reductions.selling_days import active_spans, working_days

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from salesdiag.department import Department

_DAY = pd.Timedelta(days=1)


def spans_with_homes(department: Department) -> pd.DataFrame:
    """Give each rep's span with what the list of reps knows.

    Columns: ``rep_id``, ``first_day``, ``last_day`` (at most ``as_of``), ``hired_on`` and
    ``left_on`` (NaT where not known), ``team`` ("" where there are no teams).
    """
    spans = active_spans(department)
    reps = department.fetch("reps") if department.has("reps") else pd.DataFrame({"rep_id": []})
    known = reps.drop_duplicates("rep_id").set_index("rep_id")
    for name in ("hired_on", "left_on"):
        day = pd.to_datetime(known[name]) if name in known else pd.Series(dtype="datetime64[us]")
        spans[name] = day.reindex(spans["rep_id"]).to_numpy("datetime64[us]")
    team = known["team"] if "team" in known else pd.Series(dtype="str")
    return spans.assign(team=team.reindex(spans["rep_id"]).fillna("").astype(str).to_numpy())


def vacancies(
    spans: pd.DataFrame, *, handover_days: int, longest_days: int, as_of: pd.Timestamp
) -> pd.DataFrame:
    """List the empty days behind each rep who left: ``rep_id``, ``first_day``, ``last_day``.

    A leaver is followed by the first joiner of the same team who is not another's successor
    and came at most ``handover_days`` before the leaving; a position without a successor
    counts as empty for ``longest_days`` at most. Leavers are taken in the order of leaving,
    so it does not matter how the reps are listed.
    """
    gone = spans[spans["left_on"].notna() & (spans["left_on"] <= as_of)]
    gone = gone.sort_values(["left_on", "rep_id"])
    came = spans[spans["hired_on"].notna() & (spans["hired_on"] <= as_of)]
    came = came.sort_values(["hired_on", "rep_id"])
    handover, longest = pd.Timedelta(days=handover_days), pd.Timedelta(days=longest_days)
    taken: set[str] = set()
    rows: list[tuple[str, pd.Timestamp, pd.Timestamp]] = []
    names = ["rep_id", "team", "left_on"]
    for rep, team, left in gone[names].itertuples(index=False, name=None):
        fits = came[(came["team"] == team) & (came["hired_on"] > left - handover)]
        fits = fits[(fits["rep_id"] != rep) & ~fits["rep_id"].isin(taken)]
        until = min(left + longest, as_of)
        if len(fits):
            taken.add(str(fits["rep_id"].iloc[0]))
            until = min(until, fits["hired_on"].iloc[0] - _DAY)
        rows.append((rep, left + _DAY, until))
    frame = pd.DataFrame(rows, columns=["rep_id", "first_day", "last_day"])
    frame = frame.astype({"first_day": "datetime64[us]", "last_day": "datetime64[us]"})
    return frame[frame["first_day"] <= frame["last_day"]].reset_index(drop=True)


def days_inside(
    department: Department, spans: pd.DataFrame, periods: pd.DataFrame, name: str
) -> pd.DataFrame:
    """Count the working days of spans inside each period: ``rep_id``, the period, ``name``."""
    rows = spans.merge(periods[PERIOD].drop_duplicates(), how="cross")
    first = np.maximum(_days(rows["period_start"]), _days(rows["first_day"]))
    last = np.minimum(_days(rows["period_end"]), _days(rows["last_day"]))
    rows[name] = working_days(department, first, last)
    return rows[["rep_id", *PERIOD, name]]


def _days(column: pd.Series) -> NDArray[np.datetime64]:
    return column.to_numpy().astype("datetime64[D]")
