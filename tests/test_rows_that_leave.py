"""No analysis carries deals or activities out of the engine: only counts and sums leave it."""

from __future__ import annotations

import ibis.expr.types as ir
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.department import Department
from tests.cases import CASES
from tests.frames import sample_department, sample_frames

# rows that three departments in one have three times; reps, accounts and dates are the same
GROWING = {
    "deals": ["deal_id", "lead_id"], "stage_changes": ["deal_id"],
    "activities": ["activity_id", "deal_id", "lead_id"], "leads": ["lead_id", "deal_id"],
    "line_items": ["deal_id"], "deal_changes": ["deal_id"],
}  # fmt: skip


def grown(times: int) -> sd.Department:
    """Repeat every deal, lead and activity under other ids."""
    tables = sample_frames()
    for name, ids in GROWING.items():
        copies = []
        for number in range(times):
            copy = tables[name].copy()
            for one in ids:
                copy[one] = copy[one].where(copy[one].isna(), copy[one].astype(str) + f"-{number}")
            copies.append(copy)
        tables[name] = pd.concat(copies, ignore_index=True)
    calendar = sample_department().calendar
    return sd.Department(**tables, as_of="2025-12-31", currency="EUR", calendar=calendar)


@pytest.fixture(scope="module")
def departments():
    return grown(1), grown(3)


@pytest.mark.parametrize("analysis", list(CASES), ids=[one.__name__ for one in CASES])
def test_the_rows_that_leave_do_not_grow_with_the_deals(analysis, departments, monkeypatch):
    left = []
    leave = ir.Table.to_pyarrow

    def counted(table, *args, **options):
        result = leave(table, *args, **options)
        left[-1] += len(result)
        return result

    # what another analysis has fetched already would not be counted
    fresh = [Department.of(one._tables, one.settings) for one in departments]
    monkeypatch.setattr(ir.Table, "to_pyarrow", counted)
    for department in fresh:
        left.append(0)
        analysis(department, by=CASES[analysis][1][:1])
    once, thrice = left
    assert once > 0
    assert thrice <= 1.1 * once + 20
