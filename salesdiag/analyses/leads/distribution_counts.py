"""The reduction under the distribution of leads: which kinds each rep got, month by month."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import ibis
from ibis import _

from salesdiag.analyses.leads.rows import (
    is_linked,
    merged_kind,
    qualified,
    select_leads,
    with_deals,
)
from salesdiag.engine import fetch

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from salesdiag.department import Department

KINDS = ["kind_source", "kind_segment"]


def count_received(
    department: Department,
    keys: list[str],
    *,
    start: date | str | None,
    end: date | str | None,
    mature_days: int,
) -> pd.DataFrame:
    """Count the leads of each rep by month and kind, and what came of the older ones.

    Columns: the keys, ``rep_id``, ``month``, those of `KINDS`, ``n``, ``n_mature`` (at least
    ``mature_days`` old) and ``n_hit`` (of these, qualified; where no table tells it: a deal).
    """
    leads = select_leads(department, keys, start=start, end=end, links=True)
    hit = qualified(leads)
    if hit is None and is_linked(department):
        leads = with_deals(department, leads)
        hit = leads.deal_status.notnull()
    old = leads.created_at.date() <= ibis.literal(department.as_of - timedelta(days=mature_days))
    month = leads.created_at.year().cast("int64") * 12 + leads.created_at.month().cast("int64")
    columns = {
        "month": month,
        "is_mature": old if hit is not None else ibis.literal(False),  # noqa: FBT003
        "is_hit": hit if hit is not None else ibis.literal(False),  # noqa: FBT003
        "kind_source": merged_kind(department, leads, "source", 8),
        "kind_segment": merged_kind(department, leads, "segment", 6),
    }
    by = [*keys, "rep_id", "month", *KINDS]
    counts = leads.mutate(**columns).group_by(by).agg(
        n=_.count(),
        n_mature=_.count(where=_.is_mature),
        n_hit=_.count(where=_.is_mature & _.is_hit),
    )  # fmt: skip
    return fetch(counts).sort_values(by).reset_index(drop=True)
