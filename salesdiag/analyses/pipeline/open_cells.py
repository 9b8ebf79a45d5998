"""The reduction under the stalled deals: open deals by how long they have been there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pandas as pd
from ibis import _

from salesdiag.analyses.pipeline.standing import stage_now, stages_of, with_latest_values
from salesdiag.analyses.pipeline.stays import stays
from salesdiag.engine import fetch

if TYPE_CHECKING:
    from datetime import date

    from salesdiag.department import Department

NOWHERE = -1  # in place of the stage, or of the days, where they are not known


def open_cells(
    department: Department, keys: list[str], *, in_stage: bool,
    start: date | str | None, end: date | str | None,
) -> pd.DataFrame:  # fmt: skip
    """Count open deals by group, stage (0 for all, if not ``in_stage``) and days.

    Columns: the keys, ``code``, ``days`` (both `NOWHERE` where not known), ``n_open``,
    ``n_priced``, ``open_amount`` (as of that day, where there is a history of amounts).
    """
    deals = department.select_deals(by=keys, start=start, end=end)
    deals = with_latest_values(department, deals.filter(deals.status == "open"))
    as_of = ibis.literal(department.as_of).cast("date")
    if in_stage:
        here = stays(department, [], department.as_of, only_open=True)
        here = here.filter(here.left_on.isnull()).select("deal_id", "code", "days")
        # one row a deal, whatever the table of deals repeats
        here = here.group_by("deal_id").agg(code=_.code.max(), days=_.days.max())
        rows = deals.left_join(here, "deal_id")
        # one that was there before the history begins has a stage, but no day of entering it
        now = stage_now(department, rows)
        ends = stages_of(department).ends("open")
        there = ibis.ifelse(now.isin(ends), now, NOWHERE) if ends else ibis.literal(NOWHERE)
        rows = rows.mutate(code=ibis.coalesce(_.code, there), days=_.days.fill_null(NOWHERE))
    else:
        age = as_of.delta(deals.created_at.date(), unit="day").cast("int64")
        known = ibis.ifelse(deals.created_at.isnull(), NOWHERE, ibis.greatest(age, 0))
        rows = deals.mutate(code=ibis.literal(0), days=known)
    counts = rows.group_by([*keys, "code", "days"]).agg(
        n_open=_.count(), n_priced=_.amount.count(), open_amount=_.amount.sum().cast("float64")
    )
    frame = fetch(counts)
    frame["open_amount"] = frame["open_amount"].astype(float).fillna(0.0)
    whole = dict.fromkeys(["code", "days", "n_open", "n_priced"], "int64")
    return frame.astype(whole).sort_values([*keys, "code", "days"], ignore_index=True)


def groups_with_deals(
    department: Department, keys: list[str], *,
    start: date | str | None, end: date | str | None,
) -> pd.DataFrame:  # fmt: skip
    """List the groups that have any deal of the window, in order; one without keys, or none."""
    deals = department.select_deals(by=keys, start=start, end=end)
    if not keys:
        there = int(deals.count().execute()) > 0
        return pd.DataFrame(index=pd.RangeIndex(int(there)))
    return fetch(deals.select(*keys).distinct()).sort_values(keys, ignore_index=True)
