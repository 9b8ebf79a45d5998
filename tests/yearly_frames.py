"""Tables of two years whose cells can be counted by eye: the window is 2025, the base 2024."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import pandas as pd

import salesdiag as sd
from salesdiag.reductions.yearly import years_of

AS_OF = "2025-12-31"
YEARS = years_of(date(2025, 1, 1), date(2025, 12, 31))


def frame(columns, *rows) -> pd.DataFrame:
    """Make a table of column names and rows; moments are written as text, ``-`` is missing."""
    made = pd.DataFrame(list(rows), columns=columns.split()).replace({"-": None})
    for name in made.columns[made.columns.str.endswith(("_at", "_on"))]:
        made[name] = pd.to_datetime(made[name], format="ISO8601")
    return made


def department(deals=None, **more) -> sd.Department:
    """Make a department of tables, of no deals where none are given."""
    none = frame("deal_id status created_at closed_at rep_id account_id amount")
    return sd.Department(deals=none if deals is None else deals, **({"as_of": AS_OF} | more))


def counted(cells, *names, keys=("side", "month")):
    """Give the sums by side and month, as they are written down by hand."""
    places = cells[list(keys)].itertuples(index=False, name=None)
    return dict(zip(places, cells[list(names)].itertuples(index=False, name=None), strict=True))


NOWHERE = SimpleNamespace(at=lambda _level, _ids: None)  # a change that the cells do not tell


def view_of(made=None, **more) -> SimpleNamespace:
    """Stand in for a view; ``made`` are tables by the name under which they are kept."""
    kept = made or {}
    usual = {
        "years": YEARS, "has_past": lambda: True, "leads": None,
        "once": lambda name, _make: kept.get(name),
        "revenue_at": lambda *_place, **_part: 1000.0,
        "pipeline": lambda: NOWHERE, "lead_to_win": lambda: NOWHERE,
    }  # fmt: skip
    return SimpleNamespace(**(usual | more))
