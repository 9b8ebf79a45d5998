"""The reduction under the effect of discounts: deals that are alike, counted by depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pandas as pd
from ibis import _

from salesdiag.analyses.discount.phases import LAST, phases_of, record_begins, slot_of
from salesdiag.analyses.discount.ratios import band_expression
from salesdiag.engine import fetch, steady, suggest
from salesdiag.errors import InputError, MissingDataError
from salesdiag.reductions.deal_prices import NO_DISCOUNT, deal_prices

if TYPE_CHECKING:
    from datetime import date

    import numpy as np
    from numpy.typing import NDArray

    from salesdiag.department import Department

SIZES = 8
BUNDLES = 24  # of reps who discount alike, where there are more of them
MOST_KINDS = 8  # kinds of a column that are told apart; rarer ones stand together
OTHER = "other kinds"
# share of the deals lost that must carry prices before their discounts say anything
_COVERED = 0.5
# beyond these the deals with prices are a selected group
_MOST_UNPRICED = 0.2  # share of the deals lost that may lack prices
_MOST_APART = 0.1  # by which the priced shares of won and lost deals may differ
# lost deals with a discount, per won deal with one, below which discounts were written at closing
_WRITTEN_LATE = 0.1
_TELLING = 20  # one in so many lost deals has lines, where lines tell who was quoted
_ENOUGH = 20  # lost deals with a discount that there should be, to miss them
ASKED = "the offers made in lost deals too: list price and last net price"
_END_DAYS = 10  # working days at the end of a quarter
_COUNTS = ["n", "n_won", "n_with_cost"]
COVERAGE = ["n_won", "n_lost", "n_won_priced", "n_lost_priced", "n_won_off", "n_lost_off"]


def count_cells(
    department: Department,
    keys: list[str],
    kinds: list[str],
    edges: NDArray[np.float64],
    *,
    start: date | str | None,
    end: date | str | None,
    from_stage: str | None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count the deals that are alike, by depth of discount, and what came of them.

    Cells: the keys, ``kind_0``, ``kind_1``, ... (the kinds), ``rep`` (or a bundle of reps who
    discount alike), ``size``, ``at_end``,
    ``band``, ``n``, ``n_won``, ``n_with_cost``, ``depth`` (sum), and sums and sums of squares
    of what a deal brings per unit of list price: ``net``, ``net_squares``, ``left``,
    ``left_squares`` (after cost).

    The second table holds, per group, ``n_reps``, ``n_unpriced``, ``n_unquoted``, ``n_undated``
    and `COVERAGE`.
    """
    extra = [*kinds, *(["rep_id"] if department.has("deals", "rep_id") else [])]
    deals, coverage = offered_deals(
        department, keys, extra, start=start, end=end, from_stage=from_stage
    )
    missing = why_not_told(coverage)
    if missing:
        raise MissingDataError(
            f"{missing} Ask for {ASKED}.", missing=("deals.amount of lost deals",), ask_for=ASKED
        )
    priced = deals.filter(_.is_priced & _.is_offered)
    phases = phases_of(department, _span(department, coverage), months=3,
                       first_days=_END_DAYS, last_days=_END_DAYS)  # fmt: skip
    # deals of one size are of one band: a rank shared, not a tile of rows
    rank = ibis.percent_rank().over(order_by=priced.price_list)
    size = ibis.least((rank * SIZES).floor(), SIZES - 1)
    columns: dict[str, ibis.Value] = {
        f"kind_{place}": merged_kind(department, priced, kind) for place, kind in enumerate(kinds)
    }
    at_end = (slot_of(priced.closed_on, phases) % 3 == LAST).fill_null(False)  # noqa: FBT003
    alike = priced.mutate(
        **columns,
        size=size.cast("int64"),
        at_end=at_end,
        band=band_expression(priced, edges),
    )
    if "rep_id" in priced.columns:
        alike = _with_bundles(alike)
    else:
        alike = alike.mutate(rep=ibis.literal(0))
    return _added_up(alike, [*keys, *columns, "rep", "size", "at_end", "band"]), coverage


def _span(department: Department, coverage: pd.DataFrame) -> pd.DataFrame:
    """Give the first and last days of closing, without strays of many years before."""
    span = coverage[["first_on", "last_on"]].astype("datetime64[us]")
    if span["first_on"].notna().any():
        begun = pd.Series(record_begins(department, 3), index=span.index)
        first = span["first_on"].where(span["first_on"] >= begun, begun)
        span["first_on"] = first.where(first <= span["last_on"], span["last_on"])
    return span


def offered_deals(
    department: Department,
    keys: list[str],
    extra: list[str],
    *,
    start: date | str | None,
    end: date | str | None,
    from_stage: str | None = None,
) -> tuple[ibis.Table, pd.DataFrame]:
    """Give the deals closed with the mark ``is_offered``, and how far their prices are known."""
    deals = deal_prices(department, keys, start=start, end=end, extra=extra)
    deals = _as_quoted(department, deals, from_stage)
    coverage = _coverage(deals, keys)
    return deals.filter(_.is_inside), coverage


def _with_bundles(deals: ibis.Table) -> ibis.Table:
    """Give reps numbers by the depth of their discounts; many come in bundles of alike ones."""
    own = deals.group_by("rep_id").agg(own_depth=_.depth.mean())
    place = ibis.row_number().over(order_by=[own.own_depth, own.rep_id]).cast("int64")
    own = own.mutate(place=place).mutate(n_reps=_.place.max().over() + 1)
    dealt = (own.place * BUNDLES / own.n_reps).floor()
    own = own.mutate(rep=ibis.ifelse(own.n_reps > BUNDLES, dealt, own.place).cast("int64"))
    return deals.inner_join(own.select("rep_id", "rep"), "rep_id")


def check_kinds(department: Department, keys: list[str], adjust_for: object) -> list[str]:
    """Give the columns to adjust for; those not named but missing are left out."""
    if adjust_for is None:
        found = [one for one in ("segment", "product") if department.home_of(one)]
        return [one for one in found if one not in keys]
    given = [adjust_for] if isinstance(adjust_for, str) else adjust_for
    if not isinstance(given, list | tuple) or not all(isinstance(one, str) for one in given):
        message = f"adjust_for must be a list of columns; got {adjust_for!r}."
        raise InputError(message)
    return [one for one in department.split_keys(given) if one not in (*keys, "rep_id")]


def _as_quoted(department: Department, deals: ibis.Table, from_stage: str | None) -> ibis.Table:
    """Mark the deals that came as far as a price."""
    if from_stage is not None:
        ladder = department.ladder()["stage"].tolist()
        if from_stage not in ladder:
            message = f"from_stage must be one of {', '.join(ladder)}; got {from_stage!r}."
            raise InputError(message + suggest(from_stage, ladder))
        department.require(stage_changes=["deal_id", "stage", "entered_at"])
        moves = department.table("stage_changes")
        later = moves.filter(
            moves.stage.isin(ladder[ladder.index(from_stage) :])
            & (moves.entered_at.date() <= ibis.literal(department.as_of))
        )
        marks = later.select("deal_id").distinct().mutate(came=True)
        joined = deals.left_join(marks, "deal_id").drop("deal_id_right")
        return joined.mutate(is_offered=joined.came.notnull() | (joined.status == "won"))
    if "is_quoted" not in deals.columns:
        return deals.mutate(is_offered=True)
    # lines tell who was quoted only where lost deals have them too
    lost = (deals.status == "lost") & deals.is_priced & deals.is_inside
    marked = deals.mutate(
        is_lost=ibis.ifelse(lost, 1, 0), is_told=ibis.ifelse(lost & deals.is_quoted, 1, 0)
    )
    told = marked.is_told.sum().over() * _TELLING >= marked.is_lost.sum().over()
    deals = marked.mutate(tells=told)
    return deals.mutate(is_offered=~deals.tells | deals.is_quoted | (deals.status == "won"))


def _coverage(deals: ibis.Table, keys: list[str]) -> pd.DataFrame:
    """Count, per group, the deals with and without prices among those that had an offer."""
    offered = _.is_inside & _.is_offered
    priced = offered & _.is_priced
    counts = {
        "n_closed": _.count(where=offered),
        "n_unpriced": _.count(where=offered & ~_.is_priced),
        "n_unquoted": _.count(where=_.is_inside & ~_.is_offered),
        "n_undated": _.count(where=~_.is_inside),
    }
    if "rep_id" in deals.columns:
        counts["n_reps"] = _.rep_id.nunique(where=priced)
    days = {"first_on": _.closed_on.min(where=priced), "last_on": _.closed_on.max(where=priced)}
    for status in ("won", "lost"):
        counts |= {
            f"n_{status}": _.count(where=offered & (_.status == status)),
            f"n_{status}_priced": _.count(where=priced & (_.status == status)),
            f"n_{status}_off": _.count(
                where=priced & (_.status == status) & (_.depth >= NO_DISCOUNT)
            ),
        }
    every = counts | days
    table = fetch(deals.group_by(keys).agg(**every) if keys else deals.agg(**every))
    table = table.sort_values(keys).reset_index(drop=True) if keys else table
    table["n_reps"] = table.get("n_reps", 0)
    return table.astype(dict.fromkeys(counts, "int64"))


def why_not_told(coverage: pd.DataFrame) -> str:
    """Say why won deals cannot be held against lost ones by their prices; empty if they can."""
    n = coverage[COVERAGE].sum()
    if n["n_won"] and not n["n_lost"]:
        return "this needs lost deals with their prices; there are won deals only."
    if n["n_won"] and n["n_lost_priced"] < max(_COVERED * n["n_lost"], 1):
        return (
            f"this needs the prices of lost deals: {n['n_lost_priced']} of {n['n_lost']} deals "
            f"lost have a list price and a net price above 0. Whether a discount wins deals "
            f"cannot be told from won ones."
        )
    expected = n["n_won_off"] / max(n["n_won_priced"], 1) * n["n_lost_priced"]
    if expected >= _ENOUGH and n["n_lost_off"] < _WRITTEN_LATE * expected:
        return (
            f"the discounts of lost deals are missing: {n['n_lost_off']} of "
            f"{n['n_lost_priced']} lost deals carry one, of the won deals {n['n_won_off']} of "
            f"{n['n_won_priced']}. Where discounts are written down at closing only, or lost deals "
            f"never came to an offer, the comparison shows that and no effect. Narrow with "
            f"from_stage where it can be."
        )
    return ""


def selected(coverage: pd.DataFrame) -> str:
    """Say why the deals with prices may not stand for all; empty if they may."""
    n = coverage[COVERAGE].sum()
    if not (n["n_won"] and n["n_lost"]):
        return ""
    won, lost = (n[f"n_{one}_priced"] / n[f"n_{one}"] for one in ("won", "lost"))
    if 1 - lost > _MOST_UNPRICED + 1e-9:
        return (
            f"{n['n_lost'] - n['n_lost_priced']} of {n['n_lost']} lost deals have no prices (at "
            f"most {100 * _MOST_UNPRICED:.0f} %): those that have may be the ones that came "
            "furthest"
        )
    if abs(won - lost) > _MOST_APART + 1e-9:
        return (
            f"prices are known of {100 * won:.0f} % of the won and {100 * lost:.0f} % of the lost "
            f"deals (at most {100 * _MOST_APART:.0f} points apart)"
        )
    return ""


def merged_kind(department: Department, deals: ibis.Table, column: str) -> ibis.Value:
    """Keep the kinds most frequent among all deals and put the others together."""
    counts = department.select_deals(by=[column]).group_by(column).agg(n=_.count())
    top = fetch(counts.order_by(ibis.desc("n"), column).limit(MOST_KINDS))[column].tolist()
    if not top:
        return deals[column]
    return ibis.ifelse(deals[column].isin(top), deals[column], OTHER)


def _added_up(deals: ibis.Table, by: list[str]) -> pd.DataFrame:
    is_won = deals.status == "won"
    listed, net = deals.price_list.cast("float64"), deals.price_net.cast("float64")
    brought = ibis.ifelse(is_won, net / listed, 0.0)
    left = ibis.ifelse(is_won, (net - deals.price_cost.cast("float64")) / listed, 0.0)
    # a lost deal brings nothing, whatever it would have cost
    has_cost = deals.price_cost.notnull() | ~is_won
    rows = deals.mutate(brought=brought, left_over=ibis.ifelse(has_cost, left, 0.0),
                        has_cost=has_cost)  # fmt: skip
    cells = fetch(
        rows.group_by(by).agg(
            n=_.count(),
            n_won=_.count(where=_.status == "won"),
            n_with_cost=_.count(where=_.has_cost),
            depth=_.depth.sum(),
            net=_.brought.sum(),
            net_squares=(_.brought * _.brought).sum(),
            left=_.left_over.sum(),
            left_squares=(_.left_over * _.left_over).sum(),
        )
    )
    cells = cells.sort_values(by).reset_index(drop=True)
    for name in ("depth", "net", "net_squares", "left", "left_squares"):
        cells[name] = steady(cells[name].astype(float))
    for name in ("net", "left"):  # rounding must not leave less than equal outcomes have
        least = cells[name] ** 2 / cells["n"]
        cells[f"{name}_squares"] = cells[f"{name}_squares"].clip(lower=least)
    return cells.astype(dict.fromkeys(_COUNTS, "int64"))
