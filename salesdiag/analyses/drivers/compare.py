"""Each group's window beside its reference, drawn again by rep."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd

from salesdiag.analyses.drivers.draw import Side, drawn_side, horizons_of, rep_weights
from salesdiag.analyses.drivers.factors import factors_of
from salesdiag.analyses.drivers.planned import planned_amounts
from salesdiag.analyses.drivers.sums import SUMS, WindowSums, market_level, window_sums
from salesdiag.errors import InputError, MissingDataError
from salesdiag.periods import add_months, last_twelve_months, parse_day
from salesdiag.stats.resampling import canonical_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department

    Factors = dict[str, NDArray[np.float64]]

Reference = Literal["last_year", "plan", "peers"]


_DAY = timedelta(days=1)


class Compared(NamedTuple):
    """One group: its reference and its window, as sides and as factors."""

    group: tuple[str, ...]
    base: Side
    actual: Side
    base_factors: Factors
    factors: Factors
    stages: list[str]
    horizons: NDArray[np.float64]
    n_reps: int
    plan_amount: float  # of the window; NaN where it is not asked for or there is none


def compared_groups(
    department: Department,
    by: str | Sequence[str],
    *,
    start: date | str | None,
    end: date | str | None,
    reference: Reference,
    n_draws: int,
    seed: int,
) -> Iterator[Compared]:
    """Give each group of a window beside the same days a year before, or beside its peers.

    For the reference ``"plan"`` it is last year, and the plan's amount beside it.
    """
    keys = _check(department, by, reference)
    # what lies beyond as_of has not come yet, and last year's share of it is no reference
    last = department.as_of if end is None else parse_day(end, "end")
    first = last_twelve_months(last)[0] if start is None else parse_day(start, "start")
    last = min(last, department.as_of) if first <= department.as_of else last
    if last < first:
        message = f"the window ends ({last}) before it starts ({first})."
        raise InputError(message)
    has_leads = _has_leads(department, keys)
    now = window_sums(department, keys, first, last, has_leads=has_leads)
    then = now
    levels: tuple[float | None, float | None] = (None, None)
    if reference != "peers":
        past = (add_months(first, -12), add_months(last + _DAY, -12) - _DAY)
        then = window_sums(department, keys, *past, has_leads=has_leads)
        _need_past(now, then, *past)
        levels = _market(department, (first, last), past)
    plans = planned_amounts(department, keys, first, last) if reference == "plan" else {}
    stages = department.ladder()["stage"].tolist()[:-1] if now.has_history else [""]
    for group in _groups(now, then, keys):
        own = _of_group(now, keys, group)
        other = _of_group(then, keys, group, is_rest=reference == "peers")
        reps = _reps_of(other, own)
        weights = rep_weights(len(reps), n_draws, seed)
        horizons = horizons_of([other, own], len(stages))
        base, actual = (drawn_side(one, reps, weights, horizons) for one in (other, own))
        if reference == "peers":
            base = _at_days_of(base, actual)
        before = factors_of(base, has_leads=has_leads, market=levels[0])
        factors = factors_of(actual, has_leads=has_leads, market=levels[1])
        plan = plans.get(group, np.nan)
        yield Compared(group, base, actual, before, factors, stages, horizons, len(reps), plan)


def _reps_of(other: WindowSums, own: WindowSums) -> pd.Index:
    """Order the reps by what they hold: draws number them, and must not depend on their ids."""
    sides = [one.sums.groupby("rep_id")[SUMS].sum() for one in (other, own)]
    held = pd.concat(sides, axis="columns").fillna(0.0).sort_index()
    return held.index[canonical_order(held.to_numpy(float))]


def _check(department: Department, by: str | Sequence[str], reference: str) -> list[str]:
    keys = department.split_keys(by)
    if reference not in get_args(Reference):
        message = f"reference must be 'last_year', 'plan' or 'peers'; got {reference!r}."
        raise InputError(message)
    if reference == "peers" and not keys:
        message = "reference: peers are the other groups; say with by what they are groups of."
        raise InputError(message)
    department.require(deals=["deal_id", "status", "created_at", "closed_at", "rep_id", "amount"])
    return keys


def _has_leads(department: Department, keys: list[str]) -> bool:
    """Tell whether there are leads, and whether they can be split as the deals are."""
    if not department.has("leads", "created_at", "rep_id"):
        return False
    own = department.table("leads").columns
    return all(key in own or department.home_of(key) == "reps" for key in keys)


def _need_past(now: WindowSums, then: WindowSums, first: date, last: date) -> None:
    if then.sums["deals"].sum() or not now.sums["deals"].sum():
        return
    message = (
        f"a comparison with last year needs deals created from {first} to {last}, and there are "
        "none; ask for an export that reaches back two years, or hold groups against their peers."
    )
    raise MissingDataError(message, missing=("deals.created_at",),
                           ask_for="an export of the deals of the last two years")  # fmt: skip


def _market(
    department: Department, window: tuple[date, date], past: tuple[date, date]
) -> tuple[float | None, float | None]:
    levels = market_level(department, *past), market_level(department, *window)
    return (None, None) if None in levels else levels


def _groups(now: WindowSums, then: WindowSums, keys: list[str]) -> list[tuple[str, ...]]:
    """List the groups of either window, in order."""
    if not keys:
        return [()]
    both = pd.concat([now.sums[keys], then.sums[keys]]).drop_duplicates().sort_values(keys)
    return list(both.itertuples(index=False, name=None))


def _of_group(
    window: WindowSums, keys: list[str], group: tuple[str, ...], *, is_rest: bool = False
) -> WindowSums:
    """Keep the rows of a group, or of all others."""

    def kept(table: pd.DataFrame) -> pd.DataFrame:
        if not keys:
            return table
        own = (table[keys] == list(group)).all(axis=1)
        return table[~own if is_rest else own]

    return window._replace(sums=kept(window.sums), waits=kept(window.waits))


def _at_days_of(peers: Side, own: Side) -> Side:
    """Scale what peers have to the selling days of the group."""
    days = SUMS.index("selling_days")
    theirs = np.where(peers.sums[:, days] > 0, peers.sums[:, days], np.nan)
    return peers._replace(sums=peers.sums * (own.sums[:, days] / theirs)[:, None])
