"""The reduction under the forecast: deals open on a day, and what became of them by another."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import ibis
import numpy as np
import pandas as pd
from ibis import _

from salesdiag.analyses.plan.earlier import FEWEST, MOST, earlier_periods
from salesdiag.engine import fetch
from salesdiag.errors import InputError, MissingDataError
from salesdiag.periods import WEEKDAYS
from salesdiag.reductions.actuals import PERIOD

if TYPE_CHECKING:
    from salesdiag.department import Department

_AGES = (7, 14, 30, 60, 90, 180, 365)  # days; a deal older than the last is of the last band
N_BANDS = len(_AGES) + 1
NEW = -1  # in place of stage and age of deals created after the day
_DAY = pd.Timedelta(days=1)


class History(NamedTuple):
    """Earlier spans like the rest of a period: ``cut_on`` (not of it) to ``end_on``."""

    spans: pd.DataFrame
    basis: str


def history_of(
    department: Department, first: pd.Timestamp, last: pd.Timestamp, cut: pd.Timestamp,
    *, planned: pd.DataFrame, since: pd.Timestamp,
) -> History:  # fmt: skip
    """Choose the earlier spans from which the rest of a period is foretold, the latest first.

    The same part of earlier periods of like length, where the records cover three; so what
    the end of a period does to closings is in it. Else spans of the same number of days that
    end with the day of the forecast and follow one another backwards.
    """
    past = earlier_periods(first, last, planned=planned, since=since)
    elapsed = _elapsed(department, first, last, cut)
    if len(past) >= FEWEST and not np.isnan(elapsed):
        cuts = [
            day_of_share(department, start, end, elapsed)
            for start, end in past.itertuples(index=False, name=None)
        ]
        spans = pd.DataFrame({"cut_on": cuts, "end_on": past["period_end"]})
        return History(spans, "same part of earlier periods")
    length = last - cut
    ends = [cut - k * length for k in range(MOST)]
    spans = pd.DataFrame({"cut_on": [end - length for end in ends], "end_on": ends})
    covered = spans["cut_on"] + _DAY >= since if pd.notna(since) else spans["cut_on"].isna()
    return History(spans[covered].reset_index(drop=True), "spans of the same length")


def day_of_share(
    department: Department, first: pd.Timestamp, last: pd.Timestamp, elapsed: float
) -> pd.Timestamp:
    """Give the day by which a share of the working days of a period is gone, to the nearest."""
    days = np.arange(np.datetime64(first, "D"), np.datetime64(last, "D") + np.timedelta64(1, "D"))
    open_days = days[_is_working(department, days)]
    number = int(np.floor(elapsed * len(open_days) + 0.5))
    if not number or not len(open_days):
        return first - _DAY
    return pd.Timestamp(open_days[number - 1])


def _elapsed(
    department: Department, first: pd.Timestamp, last: pd.Timestamp, cut: pd.Timestamp
) -> float:
    calendar = department.calendar
    whole = calendar.count_working_days(first.date(), last.date())
    return calendar.count_working_days(first.date(), cut.date()) / whole if whole else np.nan


def _is_working(department: Department, days: np.ndarray) -> np.ndarray:
    calendar = department.calendar
    week = "".join("1" if day in calendar.working_days else "0" for day in WEEKDAYS)
    off = calendar.days_off(days[0].astype(object), days[-1].astype(object))
    found: np.ndarray = np.is_busday(
        days, weekmask=week, holidays=np.array(off, dtype="datetime64[D]")
    )
    return found


def landmark_counts(department: Department, keys: list[str], spans: pd.DataFrame) -> pd.DataFrame:
    """Count deals open on ``cut_on``, and those created after it, by what they were by ``end_on``.

    Columns: the keys, ``span`` (the number of the row of ``spans``), ``step`` (stages reached
    by ``cut_on``; 0 without a history of stages), ``age_band`` (both -1 for deals created
    after that day), ``n_deals``, ``n_won`` (by ``end_on``). Deals without a day of creation,
    and decided ones without a day of closing, cannot be placed and are left out.
    """
    department.require(deals=["deal_id", "status", "created_at", "closed_at"])
    names = [*keys, "span", "step", "age_band", "n_deals", "n_won"]
    if not len(spans):
        return pd.DataFrame(columns=names)
    deals = department.select_deals(by=keys)
    deals = deals.filter(
        deals.created_at.notnull() & ((deals.status == "open") | deals.closed_at.notnull())
    ).select("deal_id", "status", *keys,
             created_on=_.created_at.date(), closed_on=_.closed_at.date())  # fmt: skip
    reached, n_steps = _with_stages(department, deals)
    # alike deals are counted first, before each is held against many spans
    alike = reached.drop("deal_id").group_by([one for one in reached.columns if one != "deal_id"])
    lives, days = alike.agg(n=_.count()), _span_days(spans)
    # one inequality, so that an engine may sort instead of trying every pair
    rows = lives.join(days, lives.created_on <= days.end_on)
    rows = rows.filter(_.closed_on.isnull() | (_.closed_on > _.cut_on))
    is_new = rows.created_on > rows.cut_on
    rows = rows.mutate(
        step=ibis.ifelse(is_new, NEW, _step(rows, n_steps)).cast("int64"),
        age_band=ibis.ifelse(is_new, NEW, _band(rows)).cast("int64"),
        is_won=((rows.status == "won") & (rows.closed_on <= rows.end_on)).fill_null(False),  # noqa: FBT003
    )
    counts = rows.group_by([*keys, "span", "step", "age_band"]).agg(
        n_deals=_.n.sum(), n_won=_.n.sum(where=_.is_won)
    )
    frame = fetch(counts).fillna({"n_won": 0})
    frame = frame.astype(dict.fromkeys(["span", "n_deals", "n_won"], "int64"))
    return frame.sort_values([*keys, "span", "step", "age_band"], ignore_index=True)[names]


def _span_days(spans: pd.DataFrame) -> ibis.Table:
    """Give the spans as a table on the engine: ``span``, ``cut_on``, ``end_on``."""
    rows = ibis.range(len(spans)).unnest().name("span").as_table()
    day = {
        name: rows.span.cases(*[
            (number, ibis.date(one.strftime("%Y-%m-%d"))) for number, one in enumerate(spans[name])
        ])
        for name in ("cut_on", "end_on")
    }  # fmt: skip
    return rows.mutate(**day)


def _with_stages(department: Department, deals: ibis.Table) -> tuple[ibis.Table, int]:
    """Put beside each deal when it first reached each stage or a later one, where known."""
    if not department.has("stage_changes"):
        return deals, 0
    try:
        ladder = department.ladder()["stage"].tolist()[:-1]
    except (InputError, MissingDataError):  # several pipelines, or no order: by age alone
        return deals, 0
    moves = department.table("stage_changes")
    steps = [(name, step) for step, name in enumerate(ladder)]
    moves = moves.select("deal_id", "entered_at", step=moves.stage.cases(*steps, else_=0))
    reach = moves.group_by("deal_id").agg(**{
        f"reached_{step}": _.entered_at.min(where=_.step >= step).date()
        for step in range(1, len(ladder))
    })  # fmt: skip
    if len(ladder) < 2:
        return deals, 0
    return deals.left_join(reach, "deal_id").drop("deal_id_right"), len(ladder)


def _step(rows: ibis.Table, n_steps: int) -> ibis.Value:
    """Count the stages beyond the first that were reached by the day."""
    found: ibis.Value = ibis.literal(0)
    for step in range(1, n_steps):
        reached = (rows[f"reached_{step}"] <= rows.cut_on).fill_null(False)  # noqa: FBT003
        found = found + ibis.ifelse(reached, 1, 0)
    return found


def _band(rows: ibis.Table) -> ibis.Value:
    age = rows.cut_on.delta(rows.created_on, unit="day")
    return ibis.cases(*[(age <= most, band) for band, most in enumerate(_AGES)], else_=len(_AGES))


def running_spans(table: pd.DataFrame, cut: pd.Timestamp) -> pd.DataFrame:
    """Give the rest of the periods of a table that are not over, one row each."""
    rest = table.loc[table["period_end"] > cut, PERIOD].drop_duplicates()
    return rest.sort_values(PERIOD, ignore_index=True).assign(cut_on=cut)
