"""The fields that a row must carry, and the reduction that counts which are filled."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import ibis
import pandas as pd
from ibis import _

from salesdiag.analyses.hygiene.rows import counted, deals_as_entered, with_groups, within
from salesdiag.errors import InputError, SalesDiagError
from salesdiag.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from salesdiag.analyses.hygiene.rows import Window
    from salesdiag.department import Department

ALWAYS, FROM_STAGE = "always", "open_from_stage"
# words that fill a field and say nothing
_EMPTY_WORDS = (
    "other", "others", "unknown", "n/a", "na", "none", "-", "--", "?", ".", "x", "test", "другое",
    "прочее", "не указано", "нет", "khác", "không rõ", "không",
)  # fmt: skip
_DESCRIBED = ("source", "segment", "product", "loss_reason", "disqualify_reason")
_REACHED = ("connected", "held")
_LINKS = ("deal_id", "lead_id", "account_id")
LINK = "deal_id, lead_id or account_id"


class Field(NamedTuple):
    """A column, and the rows that must carry it."""

    table: str
    field: str
    required_when: str
    needs: tuple[str, ...] = ()  # besides the column itself
    stage: str = ""  # of FROM_STAGE

    @property
    def question(self) -> str:
        """Name the pair."""
        return f"{self.table}.{self.field} {self.required_when}"


_FIELDS = (
    *(Field("deals", name, ALWAYS)
      for name in ("created_at", "rep_id", "account_id", "source", "segment", "product")),
    Field("deals", "expected_close_on", "open", ("status",)),
    Field("deals", "next_activity_at", "open", ("status",)),
    Field("deals", "amount", "won", ("status",)),
    Field("deals", "amount", "lost", ("status",)),
    Field("deals", "closed_at", "closed", ("status",)),
    Field("deals", "loss_reason", "lost", ("status",)),
    *(Field("leads", name, ALWAYS) for name in ("rep_id", "source", "segment", "status")),
    Field("leads", "disqualify_reason", "disqualified", ("status",)),
    Field("leads", "deal_id", "converted", ("status",)),
    Field("activities", "rep_id", ALWAYS),
    Field("activities", LINK, ALWAYS),
    Field("activities", "outcome", "call_or_meeting"),
    Field("activities", "duration_seconds", "reached", ("outcome",)),
    Field("activities", "due_at", "task"),
)  # fmt: skip
_DATES = {"deals": "created_at", "leads": "created_at", "activities": "occurred_at"}


def fields_of(department: Department, from_stage: Mapping[str, str] | None) -> list[Field]:
    """List the fields asked for, in order of tables; those of ``from_stage`` after the deals'.

    Raises
    ------
    InputError
        If ``from_stage`` names no column of deals or no open stage.
    """
    stages = _open_stages(department)
    if from_stage is None:
        later = stages[1:2] or stages
        from_stage = {"amount": later[0] if later else ""}
    elif not hasattr(from_stage, "items"):
        message = f"from_stage must map columns of deals to stages; got {from_stage!r}."
        raise InputError(message)
    asked = []
    for name, stage in from_stage.items():
        known = TABLES["deals"].column(name) or department.has("deals", name)
        if not known or (stage and stage not in stages):
            what = repr(stage) if known else repr(name)
            allowed = stages if known else TABLES["deals"].names
            message = f"from_stage must map columns of deals to open stages; got {what}, "
            raise InputError(message + f"allowed are {', '.join(allowed) or 'none'}.")
        asked.append(Field("deals", str(name), FROM_STAGE, ("status", "stage"), stage))
    fields = list(_FIELDS)
    after = next(place for place, one in enumerate(fields) if one.field == "amount")
    return fields[:after] + asked + fields[after:]


def _open_stages(department: Department) -> list[str]:
    try:
        ladder = department.ladder()
    except SalesDiagError:  # no order of stages, or several: nothing is asked from a stage on
        return []
    return [str(one) for one in ladder.loc[ladder["status"] == "open", "stage"]]


def count_fields(
    department: Department, keys: Sequence[str], fields: Sequence[Field], window: Window
) -> pd.DataFrame:
    """Count rows that must carry a field, and those that do, by group and rep.

    Columns: the keys, ``rep_id_of_row``, ``question``, ``n_whole``, ``n_part`` (filled) and
    ``n_placeholder`` (filled with a word that says nothing).
    """
    parts = [_count(department, keys, table, [one for one in fields if one.table == table], window)
             for table in _DATES]  # fmt: skip
    return pd.concat([one for one in parts if len(one)] or parts[:1], ignore_index=True)


def _count(
    department: Department,
    keys: Sequence[str],
    table: str,
    fields: Sequence[Field],
    window: Window,
) -> pd.DataFrame:
    group = [*dict.fromkeys([*keys, "rep_id_of_row"])]
    names = [*group, "question", "n_whole", "n_part", "n_placeholder"]
    known = [one for one in fields if _is_there(department, one)]
    if not known or not (table == "deals" or department.has(table, _DATES[table])):
        return _nothing(names)
    if table == "deals":
        rows = deals_as_entered(department, window)
    else:
        rows = within(department.table(table), department, _DATES[table], window)
    flags = {}
    for place, one in enumerate(known):
        filled, word = _filled(rows, one)
        needed = _needed(department, rows, one).fill_null(False)  # noqa: FBT003
        flags[f"needed_{place}"] = needed
        flags[f"filled_{place}"] = needed & filled
        if word is not None:
            flags[f"placeholder_{place}"] = needed & word
    # told before the keys: a missing key becomes "unassigned" and would look filled
    rows = with_groups(department, rows.mutate(**flags), keys)
    # of what every row must carry the number of rows is known
    always = {f"needed_{place}" for place, one in enumerate(known) if one.required_when == ALWAYS}
    sums = {"n_rows": _.count()}
    sums |= {f"n_{name}": _.count(where=_[name]) for name in flags if name not in always}
    frame = counted(rows, group, sums)
    return _long(frame, group, known)[names]


def _is_there(department: Department, one: Field) -> bool:
    needs = list(one.needs)
    if one.field == LINK:
        return any(department.has(one.table, name) for name in _LINKS)
    return department.has(one.table, one.field, *needs) and (
        one.required_when != FROM_STAGE or bool(one.stage)
    )


def _nothing(names: Sequence[str]) -> pd.DataFrame:
    frame = pd.DataFrame({name: pd.Series(dtype="str") for name in names})
    return frame.astype({name: "int64" for name in names if name.startswith("n_")})


def _filled(rows: ibis.Table, one: Field) -> tuple[ibis.Value, ibis.Value | None]:
    """Tell whether the field holds something, and whether that is a word without a meaning."""
    if one.field == LINK:
        links = [rows[name] for name in _LINKS if name in rows.columns]
        return ibis.coalesce(*links).notnull(), None
    column = rows[one.field]
    if one.field == "amount":
        return (column > 0).fill_null(False), None  # noqa: FBT003
    if not column.type().is_string():
        return column.notnull(), None
    word = None
    if one.field in _DESCRIBED:
        word = column.strip().lower().isin(_EMPTY_WORDS).fill_null(False)  # noqa: FBT003
    return (column != "").fill_null(False), word  # noqa: FBT003


def _needed(department: Department, rows: ibis.Table, one: Field) -> ibis.Value:
    when = one.required_when
    if when == ALWAYS:
        return ibis.literal(True)  # noqa: FBT003
    if when == "closed":
        return rows.status != "open"
    if when == FROM_STAGE:
        stages = _open_stages(department)
        later = stages[stages.index(one.stage) :]
        return (rows.status == "open") & rows.stage.isin(later).fill_null(False)  # noqa: FBT003
    if when == "call_or_meeting":
        return rows.activity_type.isin(["call", "meeting"])
    if when == "reached":
        kind = rows.activity_type.isin(["call", "meeting"])
        return kind & rows.outcome.isin(_REACHED).fill_null(False)  # noqa: FBT003
    if when == "task":
        return rows.activity_type == when
    return (rows.status == when).fill_null(False)  # noqa: FBT003


def _long(frame: pd.DataFrame, group: list[str], fields: Sequence[Field]) -> pd.DataFrame:
    parts = []
    for place, one in enumerate(fields):
        whole = frame.get(f"n_needed_{place}", frame["n_rows"])
        parts.append(frame[group].assign(
            question=one.question, n_whole=whole, n_part=frame[f"n_filled_{place}"],
            n_placeholder=frame.get(f"n_placeholder_{place}", 0),
        ))  # fmt: skip
    return pd.concat(parts, ignore_index=True)
