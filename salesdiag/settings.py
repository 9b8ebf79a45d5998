"""What is known about a department besides its tables: its day, calendar, stages and pay plan."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import ibis
import pandas as pd

from salesdiag.errors import InputError, MissingDataError
from salesdiag.periods import Calendar
from salesdiag.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

# things that cannot be entered ahead of time; a close date can
_AS_OF_COLUMNS = {
    "deals": "created_at",
    "leads": "created_at",
    "activities": "occurred_at",
    "stage_changes": "entered_at",
}


_ENOUGH = 20  # so many rows tell a lonely date from a small table
_SLIPS = 0.01  # share of closings after as_of up to which they are slips


@dataclass(frozen=True, slots=True)
class Settings:
    """What is known about a department besides its tables."""

    name: str = ""
    as_of: date | None = None
    as_of_source: str = "given"
    currency: str = ""
    calendar: Calendar = field(default_factory=Calendar)
    stages: tuple[str, ...] = ()
    pay_plan: Mapping[str, Any] = field(default_factory=dict)
    discount_limits: Mapping[str, float] = field(default_factory=dict)
    is_rewound: bool = False  # the data go on beyond as_of and are turned back to it


def settled(tables: Mapping[str, ibis.Table], settings: Settings) -> Settings:
    """Take from the tables what was not given."""
    if settings.as_of is None:
        return with_latest_day(tables, settings)
    return with_rewinding(tables, settings)


def one_currency(deals: ibis.Table, settings: Settings) -> pd.DataFrame:
    """Give the currency of the deals, refusing several where nobody said that they are one."""
    if settings.currency or "currency" not in deals.columns:
        return pd.DataFrame({"currency": [settings.currency]})
    codes = deals.select(code=deals.currency.strip().upper()).distinct().limit(10)
    found = sorted(row["code"] for row in codes.to_pyarrow().to_pylist() if row["code"])
    if len(found) > 1:
        message = (
            f"the deals are in {', '.join(found)}: amounts in several currencies cannot be added "
            f"up. Narrow with where(currency={found[0]!r}), or convert them (a table fx_rates "
            "beside the files does) and name their one currency with currency='...'."
        )
        raise InputError(message)
    return pd.DataFrame({"currency": found})


def with_latest_day(tables: Mapping[str, ibis.Table], settings: Settings) -> Settings:
    """Take the latest moment that could not have been entered ahead.

    Raises
    ------
    InputError
        If that moment stands alone, far behind all others, as a mistyped year does.
    """
    found: list[tuple[date, str]] = []
    for name, column in _AS_OF_COLUMNS.items():
        if name in tables and column in tables[name].columns:
            moment = tables[name][column]
            latest = moment.max().execute()
            if not pd.isna(latest):
                found.append((latest.date(), f"latest {name}.{column}"))
                _refuse_lonely(moment, latest.date(), f"{name}.{column}")
    if not found:
        message = (
            "as_of is not given and no table holds a creation, activity or stage entry date "
            "from which to take it; give as_of, the last day on which the data speak."
        )
        raise InputError(message)
    day, source = max(found)
    return replace(settings, as_of=day, as_of_source=source)


def _refuse_lonely(moment: ibis.Value, latest: date, place: str) -> None:
    """Refuse a last day that hardly any other entry is within a year of."""
    near = moment.date() > latest - timedelta(days=366)
    counts = moment.as_table().aggregate(n=moment.count(), near=near.sum()).to_pyarrow().to_pylist()
    n_rows, n_near = counts[0]["n"], counts[0]["near"]
    if n_rows >= _ENOUGH and n_near <= max(1, n_rows // 1000):
        message = (
            f"{place}: the latest day, {latest}, lies more than a year after all but {n_near} of "
            f"{n_rows} rows, as a mistyped date does. Give as_of, the last day on which the data "
            "speak, or correct the date."
        )
        raise InputError(message)


def with_rewinding(tables: Mapping[str, ibis.Table], settings: Settings) -> Settings:
    """Tell whether the data go on beyond ``as_of``, so that they must be turned back to it.

    A few closing dates after ``as_of`` are slips, and the deals are what their status says;
    more than a hundredth of all mean that the export was taken later.
    """
    deals = tables["deals"]
    if settings.as_of is None or "closed_at" not in deals.columns:
        return settings
    counts = deals.aggregate(
        n=deals.closed_at.count(), later=deals.count(where=deals.closed_at.date() > settings.as_of)
    )
    found = counts.to_pyarrow().to_pylist()[0]
    return replace(settings, is_rewound=found["later"] > _SLIPS * found["n"])


def as_it_stood(deals: ibis.Table, settings: Settings) -> ibis.Table:
    """Give the deals as of ``as_of``: none created later, closings undone where the data go on."""
    if "closed_at" in deals.columns:  # some systems keep a planned day there
        closed_at = ibis.ifelse(deals.status == "open", ibis.null(), deals.closed_at)
        deals = deals.mutate(closed_at=closed_at)
    if settings.is_rewound:
        later = (deals.closed_at.date() > settings.as_of).fill_null(False)  # noqa: FBT003
        then = {"status": ibis.ifelse(later, "open", deals.status)}
        # where a deal closed later stood before is not what its stage says now
        lost = [name for name in ("closed_at", "stage", "loss_reason") if name in deals.columns]
        then |= {name: ibis.ifelse(later, ibis.null(), deals[name]) for name in lost}
        deals = deals.mutate(**then)
    if "created_at" not in deals.columns:
        return deals
    return deals.filter(deals.created_at.isnull() | (deals.created_at.date() <= settings.as_of))


def no_repeats(deals: ibis.Table) -> pd.DataFrame:
    """Give the number of deals, refusing ids that stand in several rows."""
    counts = deals.aggregate(n=deals.deal_id.count(), ids=deals.deal_id.nunique())
    found = counts.to_pyarrow().to_pylist()[0]
    if found["n"] > found["ids"]:
        several = deals.group_by("deal_id").agg(n=deals.count())
        several = several.filter(several.n > 1).order_by("deal_id").limit(3)
        named = ", ".join(row["deal_id"] for row in several.to_pyarrow().to_pylist())
        message = (
            f"deals: {found['n'] - found['ids']} of {found['n']} rows repeat the id of another, "
            f"such as {named}, and would count twice. Keep one row a deal (salesdiag.load keeps "
            "the first and lists the others)."
        )
        raise InputError(message)
    return pd.DataFrame([found])


def stage_ends(tables: Mapping[str, ibis.Table]) -> dict[str, str]:
    """Tell from the deals which stages are ends: none is ever left, and all in it are won, or lost.

    A list of stages without their status often holds "lost" below "won"; taken for a step
    it would turn every loss into an advance. Without a history, where deals stand now tells
    it only for many: a few that were all won from the last step would make an end of it.
    """
    deals, fewest = tables["deals"], 1
    if "stage_changes" in tables:
        known = deals.mutate(closed_at=deals.closed_at if "closed_at" in deals.columns else None)
        moves = tables["stage_changes"].join(
            known.select("deal_id", "status", closed_at=known.closed_at.cast("timestamp")),
            "deal_id",
        )
        # an end is entered when the deal is closed, and never left
        last = moves.entered_at.max().over(group_by=moves.deal_id)
        early = (moves.entered_at.date() < moves.closed_at.date()).fill_null(False)  # noqa: FBT003
        visits = moves.mutate(is_left=(moves.entered_at < last) | early)
    elif "stage" in deals.columns:
        visits, fewest = deals.filter(deals.stage.notnull()).mutate(is_left=False), _ENOUGH
    else:
        return {}
    counts = visits.group_by("stage").agg(
        n=visits.count(),
        n_left=visits.count(where=visits.is_left),
        n_won=visits.count(where=visits.status == "won"),
        n_lost=visits.count(where=visits.status == "lost"),
    )
    ends = {}
    for row in counts.to_pyarrow().to_pylist():
        for status in ("won", "lost"):
            if fewest <= row["n"] == row[f"n_{status}"] and not row["n_left"]:
                ends[row["stage"]] = status
    return ends


def _refuse_pipelines(stages: pd.DataFrame, tables: Mapping[str, ibis.Table]) -> None:
    """Refuse one order of stages for several pipelines, wherever these are told."""
    found = set(stages["pipeline"].dropna()) if "pipeline" in stages else set()
    for name in ("deals", "stage_changes"):
        if name in tables and "pipeline" in tables[name].columns and len(found) <= 1:
            names = tables[name].select("pipeline").distinct().limit(20).to_pyarrow().to_pylist()
            # one list of stages may serve a pipeline that it does not name
            found |= {row["pipeline"] for row in names if row["pipeline"]}
    if len(found) > 1:
        listed = ", ".join(sorted(found))
        message = f"there are several pipelines ({listed}): narrow with where(pipeline=...) first."
        raise InputError(message)


def ladder_of(
    stages: pd.DataFrame | None,
    names: tuple[str, ...],
    tables: Mapping[str, ibis.Table],
    whole: Mapping[str, ibis.Table],
) -> pd.DataFrame:
    """Put the stages of one pipeline, or their mere names, in selling order up to won.

    What a stage means is read from the ``whole`` department, not from a narrowed part of it.
    """
    if stages is None and not names:
        message = (
            "the selling order of the stages is not known: give a table 'stages' "
            "(stage, position, status), or 'stages' in department.toml."
        )
        raise MissingDataError(message, missing=("stages",), ask_for=TABLES["stages"].ask_for)
    if stages is None:
        stages = pd.DataFrame({"stage": list(names), "position": range(1, len(names) + 1)})
    _refuse_pipelines(stages, tables)
    told = stages["status"] if "status" in stages else pd.Series([None] * len(stages))
    ends = stage_ends(whole) if told.isna().any() else {}
    status = [
        ends.get(stage, "open") if pd.isna(means) else means
        for stage, means in zip(stages["stage"], told, strict=True)
    ]
    ladder = stages[["stage", "position"]].assign(status=status)
    ladder = ladder[ladder["status"] != "lost"].sort_values(["position", "stage"])
    if not (ladder["status"] == "open").any():
        listed = ", ".join(map(repr, stages["stage"])) or "none"
        message = f"no stage is open, so there are no steps between stages; listed are {listed}."
        raise InputError(message)
    if not (ladder["status"] == "won").any():
        top = int(ladder["position"].max()) + 1
        end = pd.DataFrame({"stage": ["won"], "position": [top], "status": ["won"]})
        ladder = pd.concat([ladder, end])
    return ladder.reset_index(drop=True)
