"""What is known about a department besides its tables: its day, calendar, stages and pay plan."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from salesdiag.errors import InputError, MissingDataError
from salesdiag.periods import Calendar
from salesdiag.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import ibis

# things that cannot be entered ahead of time; a close date can
_AS_OF_COLUMNS = {
    "deals": "created_at",
    "leads": "created_at",
    "activities": "occurred_at",
    "stage_changes": "entered_at",
}


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


def with_latest_day(tables: Mapping[str, ibis.Table], settings: Settings) -> Settings:
    """Take the latest moment that could not have been entered ahead."""
    found: list[tuple[date, str]] = []
    for name, column in _AS_OF_COLUMNS.items():
        if name in tables and column in tables[name].columns:
            latest = tables[name][column].max().execute()
            if not pd.isna(latest):
                found.append((latest.date(), f"latest {name}.{column}"))
    if not found:
        message = (
            "as_of is not given and no table holds a creation, activity or stage entry date "
            "from which to take it; give as_of, the last day on which the data speak."
        )
        raise InputError(message)
    day, source = max(found)
    return replace(settings, as_of=day, as_of_source=source)


def ladder_of(stages: pd.DataFrame | None, names: tuple[str, ...]) -> pd.DataFrame:
    """Put the stages of one pipeline, or their mere names, in selling order up to won."""
    if stages is None and not names:
        message = (
            "the selling order of the stages is not known: give a table 'stages' "
            "(stage, position, status), or 'stages' in department.toml."
        )
        raise MissingDataError(message, missing=("stages",), ask_for=TABLES["stages"].ask_for)
    if stages is None:
        stages = pd.DataFrame({"stage": list(names), "position": range(1, len(names) + 1)})
    if "pipeline" in stages and stages["pipeline"].nunique() > 1:
        listed = ", ".join(sorted(stages["pipeline"].dropna().unique()))
        message = f"there are several pipelines ({listed}): narrow with where(pipeline=...) first."
        raise InputError(message)
    status = stages["status"] if "status" in stages else pd.Series("open", index=stages.index)
    ladder = stages[["stage", "position"]].assign(status=status.fillna("open"))
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
