"""The reduction under the comparisons: what each unit had, and what like deals gave others."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Literal, get_args

import ibis
import numpy as np
import pandas as pd
from ibis import _

from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch, steady
from salesdiag.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from salesdiag.department import Department

Unit = Literal["rep_id", "team", "manager_id", "territory", "product"]

QUARTER, SIZE = "created_quarter", "size"
_USUAL = ("source", "segment", "product")  # fixed before a rep can act
_WRITTEN_LATER = frozenset([
    "stage", "status", "loss_reason", "probability", "amount", "closed_at", "next_activity_at",
    "expected_close_on", "deal_id", "lead_id", "merged_into_id", "rep_id",
])  # fmt: skip
_SPREAD = "stratum_"
# names of columns on the way, which keys must not have
OWN_NAMES = (
    "above_agreeing", "agreeing", "below_opposed", "cluster", "day", "days", "due", "events",
    "expected", "expected_events", "expected_value", "first_on", "furthest", "hit", "holder_id",
    "is_enough", "is_paid", "is_unit", "left", "misfit", "mixed", "money", "month", "observed",
    "odds_above", "odds_below", "others", "own", "own_variance", "paid", "place", "priced",
    "products", "rate", "room", "seen", "seen_squares", "size", "size_of_one", "size_squares",
    "spread", "square", "squares", "step", "tested", "top", "unit_id", "value", "variance",
    "whole", "n", "amount_squares", "deal_squares",
    "born", "come", "expected_n", "is_due", "n_nowhere", "row_place", "wait",
)  # fmt: skip
_COVERED = 0.5
_ALIKE = 0.1
_COUNTS = ["n_cases", "n_events", "n_compared", "n_open", "n_left_out"]


def unit_of(department: Department, unit: str, keys: Sequence[str]) -> Unit:
    """Check what shall be compared."""
    if unit not in get_args(Unit):
        message = f"unit must be one of {', '.join(get_args(Unit))}; got {unit!r}."
        raise InputError(message)
    if unit in keys:
        message = f"by: {unit!r} is what is compared; leave it out of by."
        raise InputError(message)
    department.require(deals=["deal_id", "status", "product" if unit == "product" else "rep_id"])
    department.split_keys([unit])
    return unit  # type: ignore[return-value]


def adjusters_of(
    department: Department, adjust_for: Sequence[str] | None, taken: Sequence[str]
) -> list[str]:
    """Name the columns within which deals count as alike, refusing what comes later."""
    held = department.table("deals").columns
    if adjust_for is None:
        usual = [name for name in _USUAL if name in held and name not in taken]
        usual = _known_alike(department, usual)
        return usual + ([QUARTER] if "created_at" in held else [])
    names = [adjust_for] if isinstance(adjust_for, str) else list(adjust_for)
    later = [name for name in names if name in _WRITTEN_LATER or name.startswith("n_")]
    twice = [name for name in names if name in taken or names.count(name) > 1]
    if later or twice:
        message = (
            "adjust_for must name columns that were fixed before anybody acted (such as source, "
            f"segment, product, {QUARTER!r} or {SIZE!r}), none of them compared, split by or "
            f"named twice; got {(later or twice)[0]!r}."
        )
        raise InputError(message)
    department.split_keys([name for name in names if name not in (QUARTER, SIZE)])
    if QUARTER in names:
        department.require(deals=["created_at"])
    if SIZE in names:
        _require_size(department)
    return names


def _known_alike(department: Department, names: Sequence[str]) -> list[str]:
    """Keep the columns that are missing about as often on deals won as on deals lost.

    One that is filled in once a deal goes well tells the outcome, and no case mix.
    """
    if not names:
        return []
    ended = department.select_deals().filter(_.status != "open")
    counts = {"n": _.count()} | {f"known_{name}": _[name].count() for name in names}
    found = fetch(ended.group_by("status").agg(**counts)).set_index("status")
    if len(found) < 2:
        return list(names)
    n_known = found[[f"known_{name}" for name in names]].to_numpy(float)
    known = pd.DataFrame(n_known / found[["n"]].to_numpy(float), found.index, list(names))
    apart = np.ptp(known.to_numpy(float), axis=0)
    return [name for name, one in zip(names, apart, strict=True) if one <= _ALIKE]


def _size_column(department: Department) -> str:
    return "list_amount" if department.has("deals", "list_amount") else "amount"


def _require_size(department: Department) -> None:
    """Refuse sizes that only some outcomes carry: they would tell the outcome."""
    column = _size_column(department)
    department.require(deals=[column])
    ended = department.select_deals().filter(_.status != "open")
    paid = _[column] > 0
    found = fetch(ended.agg(
        n_won=_.count(where=_.status == "won"), n_lost=_.count(where=_.status == "lost"),
        n_won_sized=_.count(where=paid & (_.status == "won")),
        n_lost_sized=_.count(where=paid & (_.status == "lost")),
    )).iloc[0]  # fmt: skip
    for status in ("won", "lost"):
        if found[f"n_{status}_sized"] < _COVERED * found[f"n_{status}"]:
            message = (
                f"adjust_for: {SIZE!r} needs an amount on at least half of the deals won and of "
                f"those lost; of the {status} ones {found[f'n_{status}_sized']} of "
                f"{found[f'n_{status}']} carry {column}."
            )
            raise InputError(message)


def with_strata(
    department: Department,
    deals: ibis.Table,
    unit: str,
    adjusters: Sequence[str],
) -> tuple[ibis.Table, list[str]]:
    """Name the unit ``unit_id`` and put the columns to adjust for under names of their own."""
    columns: dict[str, ibis.Value] = {}
    for number, name in enumerate(adjusters):
        if name == QUARTER:
            value = (deals.created_at.year() * 4 + deals.created_at.quarter()).cast("int64")
            value = value.fill_null(-1)
        elif name == SIZE:
            amount = deals[_size_column(department)].cast("float64")
            # bands of which each reaches to four times the one before
            band = (ibis.ifelse(amount > 0, amount, 1.0).ln() / log(4)).floor().cast("int64")
            value = ibis.ifelse(amount > 0, band, -99).fill_null(-99)
        else:
            value = deals[name]
        columns[f"{_SPREAD}{number}"] = value
    return deals.mutate(unit_id=deals[unit], **columns), list(columns)


def columns_needed(keys: Sequence[str], unit: str, adjusters: Sequence[str]) -> list[str]:
    """List what has to be joined to the deals."""
    own = [name for name in adjusters if name not in (QUARTER, SIZE)]
    return list(dict.fromkeys([*keys, unit, *own]))


def _with_totals(cells: ibis.Table, totals: ibis.Table, on: Sequence[str]) -> ibis.Table:
    """Put the totals of its stratum beside each cell: a window takes several times as long."""
    if not on:
        return cells.cross_join(totals)
    joined = cells.left_join(totals, list(on))
    return joined.drop(*[f"{name}_right" for name in on])


def _grouped(table: ibis.Table, by: Sequence[str]) -> ibis.Table:
    return table.group_by(list(by)) if by else table


def share_sums(
    cells: ibis.Table, keys: Sequence[str], strata: Sequence[str], splits: Sequence[str] = ()
) -> pd.DataFrame:
    """Hold the share of each unit against that of all in the same strata.

    ``cells`` has the keys, ``unit_id``, the strata, what else is split by, and counts ``n_cases``,
    ``n_events``, ``n_open``, ``n_left_out``. Nothing but one row a unit and metric leaves the
    engine: ``expected`` events at the rate of all in each stratum, their variance with the rates
    given (``own_variance``) and with the events of each stratum given (``variance``, of Cochran,
    Mantel and Haenszel), and the sums of the pooled odds ratio against all others.
    """
    by = [*keys, *splits]
    whole = _grouped(cells.filter(_.unit_id != UNASSIGNED), [*by, *strata]).agg(
        whole=_.n_cases.sum().cast("float64"), events=_.n_events.sum().cast("float64")
    )  # fmt: skip
    rows = (
        _with_totals(cells, whole, [*by, *strata])
        .mutate(own=_.n_cases.cast("float64"), hit=_.n_events.cast("float64"))
        .mutate(rate=_.events / _.whole.nullif(0.0), others=_.whole - _.own)
    )
    spread = _.own * _.rate * (1 - _.rate)
    missed, others_hit = _.own - _.hit, _.events - _.hit
    rows = rows.mutate(
        due=_.own * _.rate, spread=spread,
        tested=spread * _.others / (_.whole - 1).nullif(0.0),
        odds_above=_.hit * (_.others - others_hit) / _.whole.nullif(0.0),
        odds_below=missed * others_hit / _.whole.nullif(0.0),
        agreeing=(_.hit + _.others - others_hit) / _.whole.nullif(0.0),
    )  # fmt: skip
    sums = rows.group_by([*by, "unit_id"]).agg(
        n_cases=_.n_cases.sum(), n_events=_.n_events.sum(), n_open=_.n_open.sum(),
        n_left_out=_.n_left_out.sum(),
        n_compared=ibis.ifelse(_.others > 0, _.n_cases, 0).sum(),
        expected=_.due.sum(), own_variance=_.spread.sum(), variance=_.tested.sum(),
        odds_above=_.odds_above.sum(), odds_below=_.odds_below.sum(),
        above_agreeing=(_.agreeing * _.odds_above).sum(),
        mixed=(_.agreeing * _.odds_below + (1 - _.agreeing) * _.odds_above).sum(),
        below_opposed=((1 - _.agreeing) * _.odds_below).sum(),
    )  # fmt: skip
    frame = _tidy(fetch(sums), [*by, "unit_id"])
    return frame.assign(size=frame["n_cases"].astype(float), seen=frame["n_events"].astype(float))


def money_sums(cells: ibis.Table, keys: Sequence[str], strata: Sequence[str]) -> pd.DataFrame:
    """Hold money per case (or per list price) of each unit against that of all in its strata.

    ``cells`` has ``n_cases``, ``n_left_out``, ``size`` (cases, or list price), ``seen`` (money) and
    the sums of squares and products ``size_squares``, ``seen_squares``, ``products`` of deals.
    """
    by = [*keys, "metric"]
    whole = cells.filter(_.unit_id != UNASSIGNED).group_by([*by, *strata]).agg(
        whole=_.size.sum(), money=_.seen.sum(), squares=_.size_squares.sum()
    )  # fmt: skip
    rows = _with_totals(cells, whole, [*by, *strata])
    rows = rows.mutate(rate=_.money / _.whole.nullif(0.0))
    spread = _.rate * _.rate * _.size_squares
    misfit = _.seen_squares - 2 * _.rate * _.products + spread
    sums = rows.mutate(
        due=_.size * _.rate, spread=spread, misfit=misfit,
        tested=spread * (1 - _.size / _.whole.nullif(0.0)),
        room=spread * (1 - _.squares / (_.whole * _.whole).nullif(0.0)),
    ).group_by([*by, "unit_id"]).agg(
        n_cases=_.n_cases.sum(), n_left_out=_.n_left_out.sum(), size=_.size.sum(),
        seen=_.seen.sum(), expected=_.due.sum(),
        n_compared=ibis.ifelse(_.whole > _.size * (1 + 1e-12), _.n_cases, 0).sum(),
        own_variance=_.spread.sum(), variance=_.tested.sum(), misfit=_.misfit.sum(),
        room=_.room.sum(),
    )  # fmt: skip
    frame = _tidy(fetch(sums), [*by, "unit_id"])
    frame = frame.assign(n_events=frame["n_cases"], from_stage="")
    # the spread of single deals about what is normal in their stratum is one for all
    is_unit = frame["unit_id"] != UNASSIGNED
    told = frame.assign(
        misfit=frame["misfit"].where(is_unit, 0.0), room=frame["room"].where(is_unit, 0.0)
    )
    scale = told.groupby(by)[["misfit", "room"]].transform("sum")
    factor = scale["misfit"].clip(lower=0) / scale["room"].where(scale["room"] > 0)
    for name in ("own_variance", "variance"):
        frame[name] = frame[name].clip(lower=0) * factor
    return frame.drop(columns=["misfit", "room"])


def _tidy(frame: pd.DataFrame, order: list[str]) -> pd.DataFrame:
    frame = frame.sort_values(order, ignore_index=True)
    counts = [name for name in _COUNTS if name in frame]
    frame = frame.fillna(dict.fromkeys(counts, 0)).astype(dict.fromkeys(counts, "int64"))
    floats = [name for name in frame if name not in order and name not in counts]
    for name in floats:
        # an expectation of events that could not differ is rounding only
        frame[name] = steady(frame[name].astype(float))
    return frame
