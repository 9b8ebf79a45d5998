"""The reduction under the response time: leads by how long they waited, on both clocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
from ibis import _

from salesdiag.analyses.leads.clock import WorkClock, bucket, elapsed_seconds
from salesdiag.analyses.leads.rows import select_leads
from salesdiag.engine import fetch

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    import pandas as pd

    from salesdiag.department import Department

WORKING, ELAPSED = "working", "elapsed"


def waits_of(
    department: Department, leads: ibis.Table, **more: Callable[[ibis.Table], ibis.Value]
) -> ibis.Table:
    """Add how long each lead waited, in seconds on both clocks, and what ended the wait.

    Columns: ``working_seconds``, ``elapsed_seconds`` to the answer or to the end of ``as_of``;
    ``is_answered``; ``is_early`` (answered before it was created); and ``more``.

    The answered and the others are put together again: what is reckoned from a union is not
    reckoned anew wherever it is used.
    """
    clock = WorkClock(department)
    parts = []
    for answered in (True, False):
        at = leads.first_response_at
        part = leads.filter(at.notnull() if answered else at.isnull())
        begin, begin_elapsed = clock.reading(part.created_at), elapsed_seconds(part.created_at)
        at = part.first_response_at
        stop = clock.reading(at) if answered else ibis.literal(clock.end)
        stop_elapsed = elapsed_seconds(at) if answered else ibis.literal(clock.end_elapsed)
        early = (at < part.created_at) if answered else ibis.literal(False)  # noqa: FBT003
        columns = {
            "working_seconds": ibis.greatest(stop - begin, 0).cast("int64"),
            "elapsed_seconds": ibis.greatest(stop_elapsed - begin_elapsed, 0).cast("int64"),
            "is_answered": ibis.literal(answered),
            "is_early": early.fill_null(False),  # noqa: FBT003
        }
        parts.append(part.mutate(**columns, **{name: make(part) for name, make in more.items()}))
    return ibis.union(*parts)


def count_responses(
    department: Department,
    keys: list[str],
    *,
    start: date | str | None,
    end: date | str | None,
) -> pd.DataFrame:
    """Count leads per group, clock and time waited.

    Columns: the keys, ``clock``, ``minutes``, ``n_answered``, ``n_open`` and ``n_early``.
    """
    leads = waits_of(department, select_leads(department, keys, start=start, end=end))
    parts = []
    for name in (WORKING, ELAPSED):
        wait = leads[f"{name}_seconds"]
        minutes = ibis.ifelse(leads.is_answered, bucket(wait, up=True), bucket(wait, up=False))
        counts = leads.mutate(clock=ibis.literal(name), minutes=minutes).group_by(
            *keys, "clock", "minutes"
        )
        parts.append(
            counts.agg(
                n_answered=_.count(where=_.is_answered & ~_.is_early),
                n_open=_.count(where=~_.is_answered),
                n_early=_.count(where=_.is_early),
            )
        )
    frame = fetch(ibis.union(*parts))
    order = [*keys, "clock", "minutes"]
    return frame.sort_values(order).reset_index(drop=True)
