"""All sums that the comparisons rest on, one row a unit and metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd
from ibis import _

from salesdiag.analyses.reps.case_mix import (
    QUARTER,
    adjusters_of,
    columns_needed,
    share_sums,
    unit_of,
    with_strata,
)
from salesdiag.analyses.reps.per_day import per_day_sums
from salesdiag.analyses.reps.settled import settled_counts
from salesdiag.analyses.reps.shares import amount_sums, lead_sums, stage_sums, win_sums
from salesdiag.errors import InputError, MissingDataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department

METRICS = (
    "win_rate", "stage_conversion", "won_amount", "price_realisation", "wins_per_day",
    "revenue_per_day", "activities_per_day", "worked_deals", "answered_leads",
    "qualified_leads",
)  # fmt: skip
_PER_DAY = ("wins_per_day", "revenue_per_day", "activities_per_day")
_BLANK = {"n_open": 0, "n_left_out": 0}
_ODDS = ["odds_above", "odds_below", "above_agreeing", "mixed", "below_opposed"]
_ORDER = ["unit_id", "metric", "from_stage"]
COUNTS = ["n_cases", "n_events", "n_open", "n_left_out", "n_compared"]
_FLOATS = ["size", "seen", "expected", "expected_n", "own_variance", "variance", *_ODDS]


def chosen(metrics: Sequence[str] | None) -> list[str]:
    """Check which metrics are asked for; None: all that the tables allow."""
    if metrics is None:
        return list(METRICS)
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    wrong = [name for name in names if name not in METRICS]
    if wrong or not names:
        message = f"metrics must be among {', '.join(METRICS)}; got {(wrong or [''])[0]!r}."
        raise InputError(message)
    return names


def all_sums(
    department: Department,
    keys: Sequence[str],
    *,
    unit: str,
    adjust_for: Sequence[str] | None,
    metrics: Sequence[str] | None,
    start: date | str | None,
    end: date | str | None,
) -> pd.DataFrame:
    """Add up, per group, unit and metric, what was seen and what like cases would give."""
    wanted = chosen(metrics)
    unit_of(department, unit, keys)
    if start is not None or end is not None:
        department.require(deals=["closed_at"])
    adjusters = adjusters_of(department, adjust_for, [*keys, unit])
    window = {"start": start, "end": end}
    parts: list[pd.DataFrame | None] = []
    # a window on the day of creation cannot be laid without it
    created = department.has("deals", "created_at") or (start is None and end is None)
    if "win_rate" in wanted:
        parts.append(win_sums(department, keys, unit, adjusters, **window))
    if "stage_conversion" in wanted and (created or metrics is not None):
        parts.append(_stages(department, keys, unit, adjusters, window, named=metrics is not None))
    money = [name for name in ("won_amount", "price_realisation") if name in wanted]
    if money and department.has("deals", "amount"):
        # how long a deal takes says nothing of its price: quarters would only thin out the strata
        lasting = [name for name in adjusters if name != QUARTER]
        parts.append(amount_sums(department, keys, unit, lasting, **window))
    if set(_PER_DAY) & set(wanted):
        parts += per_day_sums(department, keys, unit, **window)
    if "worked_deals" in wanted and created:
        parts.append(_worked(department, keys, unit, adjusters, **window))
    if {"answered_leads", "qualified_leads"} & set(wanted):
        parts.append(lead_sums(department, keys, unit, adjusters, **window))
    return _put_together([one for one in parts if one is not None], keys, wanted)


def _put_together(
    parts: Sequence[pd.DataFrame], keys: Sequence[str], wanted: Sequence[str]
) -> pd.DataFrame:
    columns = [*keys, *_ORDER, *COUNTS, *_FLOATS]
    full = [one.assign(**{name: value for name, value in _BLANK.items() if name not in one})
            .reindex(columns=columns) for one in parts]  # fmt: skip
    known = [one for one in full if len(one)]
    if not known:
        kinds = dict.fromkeys([*keys, *_ORDER], "str") | dict.fromkeys(COUNTS, "int64")
        kinds |= dict.fromkeys(_FLOATS, "float64")
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})
    for one in known:
        one[_FLOATS] = one[_FLOATS].astype(float)
    table = pd.concat(known, ignore_index=True)
    table = table[table["metric"].isin(wanted)]
    place = {name: number for number, name in enumerate(METRICS)}
    table = table.assign(_place=table["metric"].map(place), _row=np.arange(len(table)))
    table = table.sort_values([*keys, "unit_id", "_place", "_row"], ignore_index=True)
    return table[columns].astype(dict.fromkeys(COUNTS, "int64"))


def _stages(
    department: Department,
    keys: Sequence[str],
    unit: str,
    adjusters: Sequence[str],
    window: dict[str, date | str | None],
    *,
    named: bool,
) -> pd.DataFrame | None:
    """Give the steps of the funnel where there is a history in one order of stages."""
    if not named and not department.has("stage_changes"):
        return None
    try:
        return stage_sums(department, keys, unit, adjusters, **window)
    except (InputError, MissingDataError):
        if named:
            raise
        return None  # several pipelines, or unknown stages: `strengths` says what is wrong


def _worked(
    department: Department,
    keys: Sequence[str],
    unit: str,
    adjusters: Sequence[str],
    *,
    start: date | str | None,
    end: date | str | None,
) -> pd.DataFrame | None:
    """Count, per unit, the deals created in the window on which anybody did anything.

    Deals too young to tell are open, see `settled_counts`.
    """
    link = next(
        (
            name
            for name in ("deal_id", "account_id")
            if department.has("activities", name) and department.has("deals", name)
        ),
        None,
    )
    if link is None:
        return None
    done = department.table("activities").filter(
        _.occurred_at.date() <= ibis.literal(department.as_of)
    )
    touched = done.filter(_[link].notnull()).group_by(link).agg(come=_.occurred_at.min())
    wanted = columns_needed(keys, unit, adjusters)

    def of_window(first: date | str | None, last: date | str | None) -> ibis.Table:
        deals = department.select_deals(by=wanted, start=first, end=last, on="created_at")
        dated = "created_at" in deals.columns
        born = deals.created_at if dated else ibis.null().cast("timestamp")
        return deals.mutate(born=born).left_join(touched, link).drop(f"{link}_right")

    counts = settled_counts(
        department, of_window(None, None), "born", "come", f"work by {link}", undated=True
    )
    deals, strata = with_strata(department, of_window(start, end), unit, adjusters)
    cells = deals.group_by([*keys, "unit_id", *strata]).agg(**counts)
    return share_sums(cells, keys, strata).assign(metric="worked_deals", from_stage="")
