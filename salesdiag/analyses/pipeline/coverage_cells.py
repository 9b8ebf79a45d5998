"""The reduction under the coverage: what was open on earlier days, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import ibis
import numpy as np
import pandas as pd
from ibis import _

from salesdiag.analyses.pipeline.standing import stages_of, with_latest_values
from salesdiag.engine import fetch
from salesdiag.periods import add_months

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from salesdiag.department import Department

    Floats = NDArray[np.float64]

_AGES = (7, 14, 30, 60, 90, 180, 365)  # days; a deal older than the last is of the last band
N_BANDS = len(_AGES) + 1
MOST, FEWEST = 8, 3  # earlier spans
NEW = -1  # in place of the band of deals created within the span
COVERAGE_RESERVED = ("span", "stage_code", "band", "created_on", "closed_on", "cut_on", "end_on",
                     "worth", "due_worth", "won_worth", "n_deals", "n_worth", "is_won", "is_new",
                     "due_on")  # fmt: skip
_DAY = pd.Timedelta(days=1)


class Yields(NamedTuple):
    """Sums by span: open worth by stage and age and what of it was won; new and won within."""

    worth: Floats
    won: Floats
    new_won: Floats
    n_won: int


def spans_of(
    first: pd.Timestamp, last: pd.Timestamp, cut: pd.Timestamp, since: pd.Timestamp
) -> pd.DataFrame:
    """List the rest of a period (first row) and of earlier ones with as many days left.

    Whole months are stepped back by months, others by their length. ``since`` is the first day
    of the records.
    """
    following, left = last + _DAY, last - cut
    months = (following.year - first.year) * 12 + following.month - first.month
    whole = first.day == 1 and following.day == 1 and months > 0
    ends = [last]
    for step in range(1, MOST + 1):
        if whole:
            ends.append(pd.Timestamp(add_months(following.date(), -months * step)) - _DAY)
        else:
            ends.append(last - step * (following - first))
    spans = pd.DataFrame({"end_on": ends})
    spans["cut_on"] = spans["end_on"] - left
    known = spans["cut_on"] >= since if pd.notna(since) else spans["cut_on"].isna()
    known.iloc[0] = True
    # a span is over before the day from which one looks ahead
    known &= (spans["end_on"] <= cut) | (spans.index == 0)
    return spans[known].reset_index(drop=True)


def coverage_cells(
    department: Department, keys: list[str], spans: pd.DataFrame, *, metric: str
) -> pd.DataFrame:
    """Add up deals open on ``cut_on``, and new ones, by what was won of them by ``end_on``.

    Columns: the keys, ``span``, ``stage_code``, ``band`` of age, ``n_deals``, ``n_worth`` (with
    an amount), ``worth`` (money, or deals), ``due_worth`` (due by ``end_on``), ``won_worth``,
    ``n_won``.
    """
    has_amount = metric == "revenue" and department.has("deals", "amount")
    deals = with_latest_values(department, department.select_deals(by=keys))
    deals = deals.filter(
        deals.created_at.notnull() & ((deals.status == "open") | deals.closed_at.notnull())
    )
    one = deals.amount if has_amount else ibis.literal(1 if metric != "revenue" else None)
    deals = deals.select(
        *dict.fromkeys(["deal_id", "status", *keys]), worth=one.cast("decimal(18, 4)"),
        due_on=deals.expected_close_on.cast("date"), created_on=deals.created_at.date(),
        closed_on=deals.closed_at.date(),
    )  # fmt: skip
    rows = deals.cross_join(ibis.range(len(spans)).unnest().name("span").as_table())
    days = {name: rows.span.cases(*[
        (number, ibis.date(one.strftime("%Y-%m-%d"))) for number, one in enumerate(spans[name])
    ]) for name in ("cut_on", "end_on")}  # fmt: skip
    rows = rows.mutate(**days)
    rows = rows.filter(
        (_.created_on <= _.end_on) & (_.closed_on.isnull() | (_.closed_on > _.cut_on))
    )
    rows = _with_stage(department, rows, spans)
    is_new = rows.created_on > rows.cut_on
    age = rows.cut_on.delta(rows.created_on, unit="day")
    band = ibis.cases(*[(age <= most, one) for one, most in enumerate(_AGES)], else_=len(_AGES))
    rows = rows.mutate(
        band=ibis.ifelse(is_new, NEW, band).cast("int64"),
        stage_code=ibis.ifelse(is_new, NEW, rows.stage_code).cast("int64"),
        is_won=((rows.status == "won") & (rows.closed_on <= rows.end_on)).fill_null(False),  # noqa: FBT003
    )
    counts = rows.group_by([*keys, "span", "stage_code", "band"]).agg(
        n_deals=_.count(), n_worth=_.worth.count(), n_won=_.count(where=_.is_won),
        worth=_.worth.sum().cast("float64"), won_worth=_.worth.sum(where=_.is_won).cast("float64"),
        due_worth=_.worth.sum(where=_.due_on <= _.end_on).cast("float64"),
    )  # fmt: skip
    frame = fetch(counts)
    money = ["worth", "won_worth", "due_worth"]
    frame[money] = frame[money].astype(float).fillna(0.0)
    names = ["span", "stage_code", "band", "n_deals", "n_worth", "n_won"]
    order = [*keys, "span", "stage_code", "band"]
    return frame.astype(dict.fromkeys(names, "int64")).sort_values(order, ignore_index=True)


def undated_cells(department: Department, keys: list[str]) -> pd.DataFrame:
    """Count the deals that are left out by group: ``n_undated``."""
    deals = department.select_deals(by=keys)
    is_open = deals.status == "open"
    deals = deals.filter(
        ibis.ifelse(is_open, deals.created_at.isnull(),
                    deals.created_at.isnull() | deals.closed_at.isnull())
    )  # fmt: skip
    counts = fetch(deals.group_by(keys).agg(n_undated=_.count()) if keys else
                   deals.agg(n_undated=_.count()))  # fmt: skip
    return counts.sort_values(keys, ignore_index=True) if keys else counts


def _with_stage(department: Department, rows: ibis.Table, spans: pd.DataFrame) -> ibis.Table:
    """Put beside each deal and span the furthest listed stage that it had entered by the cut."""
    stages = stages_of(department)
    listed = [pair for pair in stages.cases[: stages.n_listed] if pair[1] in stages.ends("open")]
    if not listed or not department.has("stage_changes"):
        return rows.mutate(stage_code=ibis.literal(0).cast("int64"))
    moves = department.table("stage_changes")
    moves = moves.mutate(code=moves.stage.cases(*listed, else_=0).cast("int64"))
    reached = moves.group_by("deal_id").agg(**{
        f"furthest_{number}": _.code.max(where=_.entered_at.date() <= cut.date())
        for number, cut in enumerate(spans["cut_on"])
    })  # fmt: skip
    rows = rows.left_join(reached, "deal_id").drop("deal_id_right")
    code = rows.span.cases(*[(number, rows[f"furthest_{number}"]) for number in range(len(spans))])
    return rows.mutate(stage_code=ibis.coalesce(code, 0).cast("int64"))


def yields_of(cells: pd.DataFrame, n_spans: int, n_stages: int) -> Yields:
    """Lay the cells of the earlier spans (1 on) of all groups out for learning."""
    past = cells[cells["span"] > 0]
    old, new = past[past["band"] != NEW], past[past["band"] == NEW]
    cube = np.zeros((2, n_spans - 1, n_stages, N_BANDS))
    place = ((old["span"] - 1).to_numpy("int64"), old["stage_code"].to_numpy("int64"),
             old["band"].to_numpy("int64"))  # fmt: skip
    for number, name in enumerate(("worth", "won_worth")):
        np.add.at(cube[number], place, old[name].to_numpy(float))
    created = np.zeros(n_spans - 1)
    np.add.at(created, (new["span"] - 1).to_numpy("int64"), new["won_worth"].to_numpy(float))
    return Yields(cube[0], cube[1], created, int(past["n_won"].sum()))
