"""The reduction under the ledger: what each rep had in a window, link by link."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import ibis
import pandas as pd
from ibis import _

from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch
from salesdiag.reductions.selling_days import selling_days
from salesdiag.reductions.waits import count_waits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department

SUMS = ["selling_days", "leads", "deals", "won", "without_amount", "list_amount", "amount"]
ENDS = ["n_to", "n_lost", "n_open"]


class WindowSums(NamedTuple):
    """Sums of a window per group and rep, and the waits behind its conversion."""

    sums: pd.DataFrame  # keys, rep, SUMS
    waits: pd.DataFrame  # keys, rep, step, wait_days, ENDS
    has_history: bool  # of stages; without it the one step is from creation to winning


def window_sums(
    department: Department, keys: list[str], first: date, last: date, *, has_leads: bool
) -> WindowSums:
    """Add up, per group and rep, what a window held; missing tables leave zeros."""
    by = list(dict.fromkeys([*keys, "rep_id"]))
    known = department.has("stages") or bool(department.settings.stages)
    has_history = department.has("stage_changes") and known
    created = department.select_deals(by=by, start=first, end=last)
    if not has_history:  # decided on an unknown day: no conversion can be told of them
        created = created.filter((_.status == "open") | _.closed_at.notnull())
    closed = department.select_deals(by=by, start=first, end=last, on="closed_at")
    # a deal won for an unknown amount tells neither size nor price; it is counted apart
    won = closed.filter((_.status == "won") & _.amount.notnull())
    listed = won.list_amount if "list_amount" in won.columns else won.amount
    # a deal without a list price was sold at its own
    won = won.mutate(listed=ibis.coalesce(listed, won.amount).cast("float64"))
    parts = [
        fetch(created.group_by(by).agg(deals=_.count())),
        fetch(
            closed.filter((_.status == "won") & _.amount.isnull())
            .group_by(by)
            .agg(without_amount=_.count())
        ),
        fetch(
            won.group_by(by).agg(
                won=_.count(), list_amount=_.listed.sum(), amount=_.amount.cast("float64").sum()
            )
        ),
    ]
    if has_leads:
        leads = department.table("leads").filter(
            (_.created_at.date() >= first) & (_.created_at.date() <= last)
        )
        leads = department.with_keys(leads, by)
        parts.append(fetch(leads.group_by(by).agg(leads=_.count())))
    parts += [_days(department, keys, first, last, parts)]
    table = pd.concat(parts, ignore_index=True)
    for name in SUMS:
        table[name] = table[name].astype(float).fillna(0.0) if name in table else 0.0
    sums = table.groupby(by, as_index=False)[SUMS].sum()
    sums[["list_amount", "amount"]] = sums[["list_amount", "amount"]].round(4)
    waits = _stage_waits if has_history else _whole_waits
    return WindowSums(sums, waits(department, created, by), has_history)


def _days(
    department: Department, keys: list[str], first: date, last: date, parts: list[pd.DataFrame]
) -> pd.DataFrame:
    """Give the selling days of each rep; a rep that works in several groups has them in each.

    Split by what hangs on the rep this adds up; split by what hangs on the deal, each group
    has the days of all who worked for it.
    """
    window = pd.DataFrame(
        {"period_start": [pd.Timestamp(first)], "period_end": [pd.Timestamp(last)]}
    )
    days = selling_days(department, window).rename(columns={"n_selling_days": "selling_days"})
    days = days[["rep_id", "selling_days"]]
    if not keys:
        return days
    if len(keys) == 1 and department.home_of(keys[0]) == "reps":
        home = department.fetch("reps").drop_duplicates("rep_id").set_index("rep_id")[keys[0]]
        return days.assign(**{keys[0]: days["rep_id"].map(home).fillna(UNASSIGNED).astype(str)})
    if keys == ["rep_id"]:
        return days
    by = list(dict.fromkeys([*keys, "rep_id"]))
    pairs = pd.concat([part[by] for part in parts]).drop_duplicates()
    return pairs.merge(days, on="rep_id")


def _stage_waits(department: Department, created: ibis.Table, by: Sequence[str]) -> pd.DataFrame:
    """Count waits per group, rep and step of the ladder."""
    waits = count_waits(department, created, list(by), department.ladder())
    return waits.sort_values([*by, "step", "wait_days"])[[*by, "step", "wait_days", *ENDS]]


def _whole_waits(department: Department, created: ibis.Table, by: Sequence[str]) -> pd.DataFrame:
    """Count ages per group and rep at winning, losing, or ``as_of``."""
    as_of = ibis.literal(department.as_of).cast("date")
    until = ibis.ifelse(created.status == "open", as_of, created.closed_at.date())
    dated = created.mutate(until=until).filter(_.until.notnull())
    age = dated.until.delta(dated.created_at.date(), unit="day")
    counted = (
        dated.mutate(wait_days=ibis.greatest(age, 0).cast("int64"))
        .group_by([*by, "wait_days"])
        .agg(
            n_to=_.count(where=_.status == "won"),
            n_lost=_.count(where=_.status == "lost"),
            n_open=_.count(where=_.status == "open"),
        )
    )
    frame = fetch(counted).assign(step=0).sort_values([*by, "wait_days"])
    return frame[[*by, "step", "wait_days", *ENDS]].reset_index(drop=True)


def market_level(department: Department, first: date, last: date) -> float | None:
    """Give the mean market index of the days of a window; None where it is unknown."""
    if not department.has("market", "index"):
        return None
    index = department.fetch("market").sort_values("period_start")
    start = pd.to_datetime(index["period_start"])
    # a value holds until the next; the last as long as the one before it
    length = (start.shift(-1) - start).ffill().fillna(pd.Timedelta(days=1))
    day = pd.Timedelta(days=1)
    until = (start + length).mask(
        start + length > pd.Timestamp(last) + day, pd.Timestamp(last) + day
    )
    since = start.mask(start < pd.Timestamp(first), pd.Timestamp(first))
    weight = (until - since).dt.days.clip(lower=0).to_numpy(float)
    whole = weight.sum()
    return float(weight @ index["index"].to_numpy(float) / whole) if whole else None
