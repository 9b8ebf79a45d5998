"""Deals as they stood at the end of a day: open or not, in which stage, at what amount."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import pandas as pd
from ibis import _

from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch
from salesdiag.errors import InputError, MissingDataError
from salesdiag.settings import stage_ends

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department

_HISTORY = ("deal_id", "field", "changed_at", "old_value", "new_value")
_MOST_STAGES = 1000
# columns that `standing` makes; none of them can be a key
STANDING = tuple(
    [f"{name}_{number}" for number in (0, 1) for name in
     ("state", "stage", "entered", "amount", "due", "rep", "old_amount", "old_due", "old_rep",
      "is_amount", "is_due", "is_rep", "mark", "at", "again", "unread")]
    + ["created_on", "closed_on", "stage_now", "age_days", "is_due", "unmoved_code", "n_moves"]
)  # fmt: skip
_NUMBER = r"^-?[0-9]{1,13}([.][0-9]{1,40})?$"
# commas between thousands, where a point or a second comma shows that they are no decimal ones
_GROUPED = r"^-?([0-9]{1,3}(,[0-9]{3}){1,3}[.][0-9]{1,40}|[0-9]{1,3}(,[0-9]{3}){2,3})$"
# days of the years 1900 to 2199; no engine is asked to read one that does not exist
_DAY = (
    r"^((19|20|21)[0-9]{2}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)"
    r"|(0[13578]|1[02])-31)|20([02468][048]|[13579][26])-02-29)"
)


def as_money(text: ibis.Value) -> ibis.Value:
    """Read text as money, null where it is none; the same on every engine."""
    plain = ibis.ifelse(text.re_search(_GROUPED), text.replace(",", ""), text)
    return ibis.ifelse(plain.re_search(_NUMBER), plain, ibis.null()).cast("decimal(18, 4)")


def as_date(text: ibis.Value) -> ibis.Value:
    """Read text that begins with YYYY-MM-DD as a day, null where it does not."""
    return ibis.ifelse(text.re_search(_DAY), text.substr(0, 10), ibis.null()).cast("date")


def has_changes(department: Department) -> bool:
    """Tell whether there is a history of what deals were worth and when they were due."""
    return department.has("deal_changes", *_HISTORY)


def is_rebuilt(department: Department, day: date, keys: Sequence[str]) -> bool:
    """Tell whether amounts, due dates and, where deals are split, reps are those of a day.

    They are if their history holds changes of each that the deals have, or if the day is the
    last one and the deals were exported then.
    """
    if day >= department.as_of and not department.settings.is_rewound:
        return True
    if not has_changes(department):
        return False

    def make() -> pd.DataFrame:
        changes = department.whole.table("deal_changes")
        return fetch(changes.select("field").distinct()).sort_values("field")

    tracked = set(department.remember("fields with changes", make)["field"])
    asked = ["amount", "expected_close_on", *(["rep_id"] if keys else [])]
    return all(name in tracked for name in asked if department.has("deals", name))


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of a department, numbered in selling order, others behind them by name."""

    names: tuple[str, ...]
    status: tuple[str, ...]  # open, won or lost
    n_listed: int  # so many have a place in the selling order

    def ends(self, status: str) -> list[int]:
        """Give the numbers of the stages that mean this."""
        return [number for number, one in enumerate(self.status) if one == status]

    @property
    def cases(self) -> list[tuple[str, int]]:
        """Pairs of name and number, for an engine to translate."""
        return [(name, number) for number, name in enumerate(self.names)]

    def named(self, number: pd.Series) -> pd.Series:
        """Give the names of numbers; -1 is "unassigned"."""
        names = pd.Series([UNASSIGNED, *self.names], dtype="str")
        return pd.Series(names.iloc[number.to_numpy("int64") + 1].to_numpy(), index=number.index)


def stages_of(department: Department) -> Stages:
    """Give numbers to the stages in which deals are, or were."""
    frame = department.remember("numbered stages", lambda: _numbered(department))
    n_listed = int((frame["is_listed"] == "yes").sum())
    return Stages(tuple(frame["stage"]), tuple(frame["status"]), n_listed)


def first_stage(department: Department, stages: Stages) -> int:
    """Give the number of the stage in which deals begin; -1 where it is not known."""
    try:
        first = department.ladder()["stage"].iloc[0]
    except (InputError, MissingDataError):  # several pipelines, or no order
        return -1
    return stages.names.index(first) if first in stages.names else -1


def refuse_pipelines(department: Department) -> None:
    """Refuse to learn from the stages of several pipelines, which may share names."""

    def make() -> pd.DataFrame:
        found = [pd.DataFrame({"pipeline": []}, dtype="str")]
        found += [fetch(department.table(name).select("pipeline").distinct())
                  for name in ("stages", "deals", "stage_changes")
                  if department.has(name, "pipeline")]  # fmt: skip
        names = pd.concat(found).dropna()
        return names[names["pipeline"] != ""].drop_duplicates().sort_values("pipeline")

    found = department.remember("pipelines", make)["pipeline"].tolist()
    if len(found) > 1:
        listed = ", ".join(found)
        message = f"there are several pipelines ({listed}): narrow with where(pipeline=...) first."
        raise InputError(message)


def history_begins(department: Department) -> date | None:
    """Give the first day of the history of stages."""

    def make() -> pd.DataFrame:
        moves = department.table("stage_changes")
        return fetch(moves.agg(first=moves.entered_at.min()))

    first = department.remember("first stage change", make)["first"].iloc[0]
    return None if pd.isna(first) else pd.Timestamp(first).date()


def stage_now(department: Department, deals: ibis.Table) -> ibis.Value:
    """Give the number of the stage in which deals stand now, -1 if not known."""
    cases = stages_of(department).cases
    if "stage" not in deals.columns or not cases:
        return ibis.literal(-1).cast("int64")
    return deals.stage.cases(*cases, else_=-1).cast("int64")


def unmoved_code(department: Department, deals: ibis.Table) -> ibis.Value:
    """Give the number of the stage in which deals stood that were never moved, -1 if not known.

    That is where they stand now unless it is an end, into which they went when they were closed.
    """
    stages = stages_of(department)
    first = ibis.literal(first_stage(department, stages)).cast("int64")
    steps = stages.ends("open")
    now = stage_now(department, deals)
    # of a closed deal, a stage that nobody lists may be an end
    is_step = now.isin(steps) & ((deals.status == "open") | (now < stages.n_listed))
    return ibis.ifelse(is_step, now, first) if steps else first


def _numbered(department: Department) -> pd.DataFrame:
    listed = pd.DataFrame({"stage": list(department.settings.stages)}, dtype="str")
    listed["status"] = pd.Series(None, index=listed.index, dtype="str")
    if department.has("stages"):
        listed = department.fetch("stages").sort_values(["position", "stage"])
        known = listed["status"] if "status" in listed else pd.Series(None, index=listed.index)
        listed = listed[["stage"]].assign(status=known)
    found = [listed.assign(is_listed="yes")]
    for table in ("stage_changes", "deals"):
        if department.has(table, "stage"):
            used = department.table(table).filter(_.stage.notnull()).select("stage").distinct()
            found.append(fetch(used).sort_values("stage").assign(status=None, is_listed=""))
    frame = pd.concat(found, ignore_index=True).drop_duplicates("stage", ignore_index=True)
    if frame["status"].isna().any():
        root = department.whole
        # what a stage means is read from the whole department, not from a part of it
        ends = stage_ends({name: root.table(name) for name in root.tables})
        frame["status"] = frame["status"].fillna(frame["stage"].map(ends)).fillna("open")
    if len(frame) >= _MOST_STAGES:
        message = f"there are {len(frame)} stages; map their names to fewer than {_MOST_STAGES}."
        raise InputError(message)
    return frame.astype("str")


def standing(
    department: Department, days: Sequence[date], *, keys: Sequence[str] = (),
    start: date | str | None = None, end: date | str | None = None,
) -> ibis.Table:  # fmt: skip
    """Give all deals with how they stood at the end of each of the days, ascending.

    Columns: ``deal_id``, ``created_on``, ``status``, ``closed_on`` (as they are now), the keys
    (of the rep who had the deal on the last of the days), and for each number of a day
    ``state_0`` ("none" before creation, "open", "won", "lost", "unknown" without the dates to
    tell), ``stage_0`` (its number, -1 if not known), ``entered_0`` (day on which that stage was
    entered, null if not known), ``amount_0``, ``due_0``, ``unread_0``.
    """
    deals = with_columns(department.select_deals(start=start, end=end))
    deals = deals.mutate(created_on=_.created_at.date(), closed_on=_.closed_at.date())
    deals = with_values(department, deals, days)
    deals = _with_stages(department, deals, days)
    states = {
        f"state_{number}": _state(department, deals, number, day) for number, day in enumerate(days)
    }
    last = len(days) - 1
    deals = deals.mutate(**states, rep_id=deals[f"rep_{last}"])
    deals = department.with_keys(deals, keys)
    kept = [f"{name}_{number}" for number in range(len(days))
            for name in ("state", "stage", "entered", "amount", "due", "unread")]  # fmt: skip
    return deals.select("deal_id", "created_on", "status", "closed_on", *keys, *kept)


def with_values(department: Department, deals: ibis.Table, days: Sequence[date]) -> ibis.Table:
    """Put beside each deal what it was worth, when it was due and whose it was, day by day.

    A value on a day is what the next change found there; without a later one it is today's.
    ``unread`` and the number of the day: there was one that is no amount or no day.
    """
    now = {"amount": deals.amount, "due": deals.expected_close_on, "rep": deals.rep_id}
    plain = {
        f"{name}_{number}": value for number in range(len(days)) for name, value in now.items()
    }
    is_latest = days[0] >= department.as_of and not department.settings.is_rewound
    if is_latest or not has_changes(department):
        never = ibis.literal(value=False)
        return deals.mutate(**plain, **{f"unread_{number}": never for number in range(len(days))})
    found = _found_by_changes(department, days[0])
    by_field = ibis.window(group_by=[found.deal_id, found.field], order_by=found.changed_at)
    found = found.mutate(before_at=found.changed_at.lag().over(by_field))
    sums = {}
    for number, day in enumerate(days):
        first = (_.changed_at.date() > day) & (_.before_at.isnull() | (_.before_at.date() <= day))
        for name, field in (("amount", "amount"), ("due", "expected_close_on"), ("rep", "rep_id")):
            here = first & (_.field == field)
            sums[f"old_{name}_{number}"] = _.found.max(where=here)
            sums[f"is_{name}_{number}"] = _.count(where=here)
    joined = deals.left_join(found.group_by("deal_id").agg(**sums), "deal_id")
    values = {}
    for number in range(len(days)):
        unread = ibis.literal(value=False)
        for name, read in (("amount", as_money), ("due", as_date), ("rep", lambda text: text)):
            text = joined[f"old_{name}_{number}"]
            changed = joined[f"is_{name}_{number}"] > 0
            values[f"{name}_{number}"] = ibis.ifelse(changed, read(text), plain_of(joined, name))
            wrong = text.notnull() & (text != "") & read(text).isnull()
            unread = unread | wrong.fill_null(False)  # noqa: FBT003
        values[f"unread_{number}"] = unread
    return joined.drop("deal_id_right").mutate(**values)


def with_latest_values(department: Department, deals: ibis.Table) -> ibis.Table:
    """Give the deals with amount and expected close as they were on ``as_of``.

    Turning a department back undoes closings; amounts and days are undone here, where there is
    a history of them.
    """
    deals = with_columns(deals)
    found = with_values(department, deals, [department.as_of])
    return found.mutate(amount=found.amount_0, expected_close_on=found.due_0)


def with_columns(deals: ibis.Table) -> ibis.Table:
    """Add the columns that deals may lack, without values."""
    for name, kind in (("created_at", "timestamp"), ("closed_at", "timestamp"), ("stage", "string"),
                       ("amount", "decimal(18, 4)"), ("expected_close_on", "date"),
                       ("rep_id", "string")):  # fmt: skip
        if name not in deals.columns:
            deals = deals.mutate(**{name: ibis.null().cast(kind)})
    return deals


def _found_by_changes(department: Department, after: date) -> ibis.Table:
    """Give what each change found, one row a deal, field and moment.

    Of several at one moment, such as 900 to 1000 and 1000 to 100, it is the old value that none
    of the others made.
    """
    changes = department.table("deal_changes").filter(_.changed_at.date() > after)
    if not department.settings.is_rewound:  # the deals are as of that day; later rows are slips
        changes = changes.filter(_.changed_at.date() <= department.as_of)
    moment = ["deal_id", "field", "changed_at"]
    changes = changes.select(
        *moment, old=_.old_value.cast("string"), new=_.new_value.cast("string")
    )
    one = ibis.literal(1).cast("int64")
    olds = changes.select(*moment, value=_.old, step=one, is_old=one)
    news = changes.select(*moment, value=_.new, step=-one, is_old=one - one)
    sums = olds.union(news).group_by([*moment, "value"]).agg(
        step=_.step.sum(), n_old=_.is_old.sum()
    )  # fmt: skip
    starts = sums.group_by(moment).agg(
        n_starts=_.count(where=_.step > 0), start=_.value.min(where=_.step > 0),
        any_old=_.value.min(where=_.n_old > 0),
    )  # fmt: skip
    return starts.select(*moment, found=ibis.ifelse(_.n_starts > 0, _.start, _.any_old))


def plain_of(deals: ibis.Table, name: str) -> ibis.Value:
    """Give the value that a deal has now."""
    return deals[{"amount": "amount", "due": "expected_close_on", "rep": "rep_id"}[name]]


def _with_stages(department: Department, deals: ibis.Table, days: Sequence[date]) -> ibis.Table:
    """Put beside each deal its stage at the end of each day, and since when.

    Whoever was first moved later stood at the first stage, and whoever was never moved where it
    stands now if that is no end; both only if created since the history begins, or else it is
    not known.
    """
    stages, numbers = stages_of(department), range(len(days))
    now = stage_now(department, deals)
    ends = [*stages.ends("won"), *stages.ends("lost")]
    if not department.has("stage_changes"):
        then = ibis.ifelse(now.isin(ends), -1, now).cast("int64") if ends else now
        return deals.mutate(
            **{f"stage_{number}": now if days[number] >= department.as_of else then
               for number in numbers},
            **{f"entered_{number}": deals.created_on for number in numbers},
        )  # fmt: skip
    last = _last_moves(department, stages, days)
    deals = deals.mutate(stage_now=now, unmoved_code=unmoved_code(department, deals))
    joined = deals.left_join(last, "deal_id").drop("deal_id_right")
    begun = history_begins(department)
    is_told = joined.created_on >= begun if begun is not None else ibis.literal(value=False)
    is_told = is_told.fill_null(False)  # noqa: FBT003
    first = ibis.literal(first_stage(department, stages)).cast("int64")
    here = (
        ibis.ifelse(joined.stage_now.isin(ends), -1, joined.stage_now) if ends else joined.stage_now
    )
    columns = {}
    for number, day in enumerate(days):
        old = ibis.literal(-1).cast("int64")  # created before the history begins, never moved
        if day >= department.as_of:
            old = joined.stage_now
        elif begun is not None and day >= begun:
            old = here
        never = joined.n_moves.isnull()
        unmoved = ibis.cases(
            (never & is_told, joined.unmoved_code), (never, old), (is_told, first), else_=-1
        )
        mark = joined[f"mark_{number}"]
        columns[f"stage_{number}"] = ibis.coalesce(mark % _MOST_STAGES, unmoved).cast("int64")
        since = ibis.ifelse(is_told, joined.created_on, ibis.null().cast("date"))
        columns[f"entered_{number}"] = ibis.coalesce(joined[f"at_{number}"].date(), since)
    return joined.mutate(**columns)


def _last_moves(department: Department, stages: Stages, days: Sequence[date]) -> ibis.Table:
    """Give, per deal, its last move by the end of each day, and how many came later."""
    moves = department.table("stage_changes").filter(_.entered_at.date() <= department.as_of)
    moves = moves.mutate(code=moves.stage.cases(*stages.cases, else_=0).cast("int64"))
    order = ibis.window(group_by=moves.deal_id, order_by=[moves.entered_at, moves.code])
    # entering the same stage again is no move
    moves = moves.mutate(code_before=moves.code.lag().over(order))
    moves = moves.filter(_.code_before.isnull() | (_.code_before != _.code))
    # the latest entry, and of entries at the same second the one furthest on
    mark = moves.entered_at.epoch_seconds().cast("int64") * _MOST_STAGES + moves.code
    moves = moves.mutate(mark=mark)
    sums = {}
    for number, day in enumerate(days):
        by_then = _.entered_at.date() <= day
        sums[f"mark_{number}"] = _.mark.max(where=by_then)
        sums[f"at_{number}"] = _.entered_at.max(where=by_then)
        sums[f"again_{number}"] = _.count(where=_.entered_at.date() > day)
    return moves.group_by("deal_id").agg(**sums, n_moves=_.count())


def _state(department: Department, deals: ibis.Table, number: int, day: date) -> ibis.Value:
    """Tell what a deal was on a day, by its dates; reopened ones by the stages that mean an end."""
    is_open = deals.status == "open"
    if day >= department.as_of:  # what it is now needs no date
        return ibis.ifelse(deals.created_on > day, "none", deals.status)
    closed = deals.closed_on.notnull() & (deals.closed_on <= day)
    states = [
        (deals.created_on > day, "none"),
        (deals.created_on.isnull() | (~is_open & deals.closed_on.isnull()), "unknown"),
        (~is_open & closed, deals.status),
    ]
    if f"again_{number}" in deals.columns:
        for end in ("won", "lost"):
            codes = stages_of(department).ends(end)
            if codes:
                there = deals[f"stage_{number}"].isin(codes) & (deals[f"again_{number}"] > 0)
                states.append((there, end))
    return ibis.cases(*states, else_="open")
