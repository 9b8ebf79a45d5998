"""The steps of the funnel with and without doubtful stage changes and deals."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

import ibis
import pandas as pd
from ibis import _

from salesdiag.analyses.hygiene.cleaned_counts import doubted_deals, nothing
from salesdiag.analyses.hygiene.rows import placed
from salesdiag.analyses.hygiene.rules import places_of
from salesdiag.analyses.hygiene.suspect_rows import first_moment, suspect_moves
from salesdiag.engine import fetch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from salesdiag.analyses.hygiene.batches import Thresholds
    from salesdiag.analyses.hygiene.rows import Window
    from salesdiag.analyses.hygiene.rules import Rule
    from salesdiag.department import Department

STAGE = "stage_conversion"
_COUNTS = ("n_rows", "n_unknown", "n_suspect", "n_contradictory", "n_left_out")
_SIDES = ("top", "bottom", "kept_top", "kept_bottom")


def stage_metrics(department: Department) -> list[str]:
    """Name the metric of each step, in selling order; one without a stage where none is known."""
    return [f"{STAGE} {stage}" for stage in places_of(department)] or [STAGE]


def stage_cells(
    department: Department, keys: Sequence[str], window: Window, least: Thresholds
) -> pd.DataFrame:
    """Count deals that were decided at each step, by the month of their creation.

    A deal has gone on from a stage once it entered a later one or was won. Without a doubtful
    change it may have come less far; without any other change nothing is known of it. One that
    was never moved stands in the first stage since its creation, as in the funnel; if it was
    created before the history begins it is unknown, and counted at the first step.
    """
    places = places_of(department)
    found = suspect_moves(department, least)
    deals = doubted_deals(department, keys, least)
    if found is None or deals is None or not places:
        return nothing(keys)
    deals = placed(deals, department, "created_at", window)
    moves, kinds = found
    tops = _tops(deals, moves, kinds, places)
    rows = deals.left_join(tops, deals.deal_id == tops.deal_of_moves)
    rows = _with_the_unmoved(rows, first_moment(department, "stage_changes", "entered_at"))
    rows = _with_ends(rows, len(places))
    rows = rows.mutate(month=rows.created_at.truncate("M").date())
    group = [*dict.fromkeys([*keys, "rep_id_of_row"])]
    sums: dict[str, ibis.Value] = {}
    for step in range(len(places)):
        sums |= {f"{name} {step}": value for name, value in _step(rows, step).items()}
    frame = fetch(rows.group_by([*group, "month"]).agg(**sums))
    frame = frame.astype(dict.fromkeys(group, "str"))
    frame["month"] = pd.to_datetime(frame["month"]).astype("datetime64[us]")
    frame = frame.sort_values([*group, "month"], ignore_index=True)
    parts = []
    for step, stage in enumerate(places):
        columns = {one: frame[f"{one} {step}"].astype("int64") for one in (*_COUNTS, *_SIDES)}
        part = frame[[*group, "month"]].assign(metric=f"{STAGE} {stage}", **columns)
        parts.append(part.astype(dict.fromkeys(_SIDES, "float64")))
    return pd.concat(parts, ignore_index=True)


def _tops(
    deals: ibis.Table, moves: ibis.Table, kinds: Mapping[str, Rule], places: Mapping[str, int]
) -> ibis.Table:
    """Give each deal's furthest stage, with all its changes and with those beyond doubt."""
    side = deals.select("deal_id", began=_.created_at, ended=_.closed_at, deal_status=_.status)
    rows = moves.mutate(
        is_suspect_move=reduce(or_, [kind.failing for kind in kinds.values()])
    ).inner_join(side, "deal_id")
    day = rows.entered_at.date()
    early = (day < rows.began.date()).fill_null(False)  # noqa: FBT003
    late = (rows.deal_status != "open") & (day > rows.ended.date())
    wrong = early | late.fill_null(False)  # noqa: FBT003
    rows = rows.mutate(place=rows.stage.cases(*places.items()), is_wrong_move=wrong)
    rows = rows.filter(_.place.notnull())
    return rows.group_by(deal_of_moves=rows.deal_id).agg(
        top_place=_.place.max(),
        kept_place=_.place.max(where=~_.is_suspect_move & ~_.is_wrong_move),
        suspect_moves=_.count(where=_.is_suspect_move),
        wrong_moves=_.count(where=_.is_wrong_move),
    )


def _with_the_unmoved(rows: ibis.Table, first: pd.Timestamp) -> ibis.Table:
    """Put deals that were never moved into the first stage, unless the history begins later."""
    moved, here = rows.top_place.notnull(), rows.is_placed
    since = ibis.literal(False)  # noqa: FBT003
    if not pd.isna(first):
        since = (rows.created_at.date() >= ibis.literal(first.date())).fill_null(False)  # noqa: FBT003
    stands = ~moved & since
    return rows.mutate(
        is_known=here & (moved | since),
        top_place=ibis.ifelse(stands, 0, rows.top_place),
        kept_place=ibis.ifelse(stands, 0, rows.kept_place),
        suspect_moves=rows.suspect_moves.fill_null(0),
        wrong_moves=rows.wrong_moves.fill_null(0),
    )


def _with_ends(rows: ibis.Table, n_steps: int) -> ibis.Table:
    """Add how far each deal came, of all and of what is kept, and why it is another figure."""
    won = rows.status == "won"
    less = (rows.kept_place.isnull() | (rows.kept_place < rows.top_place)) & ~won
    gone = rows.is_left_out | rows.kept_place.isnull()
    came = ibis.ifelse(won, n_steps, rows.top_place)
    kept_came = ibis.ifelse(gone, ibis.null(), ibis.ifelse(won, n_steps, rows.kept_place))
    return rows.mutate(
        came=ibis.ifelse(rows.is_known, came, ibis.null()),
        kept_came=ibis.ifelse(rows.is_known, kept_came, ibis.null()),
        is_lost=rows.status == "lost",
        is_lacking=(rows.status != "open") & ~rows.is_known,
        is_other=rows.is_left_out | rows.kept_place.isnull() | less,
        why_suspect=rows.is_suspect | ((rows.suspect_moves > 0) & (less | gone)),
        why_contradictory=rows.is_contradictory | ((rows.wrong_moves > 0) & (less | gone)),
    )


def _step(rows: ibis.Table, step: int) -> dict[str, ibis.Value]:
    """Count those decided at a step: gone on, or lost there."""
    # null is what is unknown or left out, and some engines count nothing but null as null
    went_on = (rows.came > step).fill_null(False)  # noqa: FBT003
    decided = went_on | ((rows.came == step) & rows.is_lost).fill_null(False)  # noqa: FBT003
    lacking = rows.is_lacking if step == 0 else ibis.literal(False)  # noqa: FBT003
    kept_on = (rows.kept_came > step).fill_null(False)  # noqa: FBT003
    kept = kept_on | ((rows.kept_came == step) & rows.is_lost).fill_null(False)  # noqa: FBT003
    return {
        "n_rows": rows.count(where=decided),
        "n_unknown": rows.count(where=lacking),
        "n_suspect": rows.count(where=decided & rows.why_suspect),
        "n_contradictory": rows.count(where=decided & rows.why_contradictory),
        "n_left_out": rows.count(where=decided & rows.is_other),
        "top": rows.count(where=went_on),
        "bottom": rows.count(where=decided),
        "kept_top": rows.count(where=kept_on),
        "kept_bottom": rows.count(where=kept),
    }
