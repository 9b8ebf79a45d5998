"""Entries that look made up, in the window and the year before, place by place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from ibis import _

from salesdiag.analyses.hygiene.batches import Thresholds
from salesdiag.analyses.hygiene.suspect_rows import DATES, MARKED
from salesdiag.errors import MissingDataError
from salesdiag.reductions.yearly import OF_REPS, yearly_cells

if TYPE_CHECKING:
    from salesdiag.department import Department
    from salesdiag.reductions.yearly import Years

# what nobody does in the ordinary course; round figures and lengths are habits
_KINDS = ("back_dated", "burst", "one_minute", "period_end_batch", "create_and_win")


def entry_cells(department: Department, years: Years) -> pd.DataFrame:
    """Count the entries of each kind that look made up, by table, month and rep.

    Columns: ``table``, ``kind``, side, month, places, ``n_examined``, ``n_suspect``. Every
    table is gone through once for both years and all places.
    """
    known = department.table("reps").columns if department.has("reps") else ()
    places = [one for one in OF_REPS if one in known or one == "rep_id"]
    parts = []
    for table, made in MARKED.items():
        found = made(department, Thresholds(), ())
        if found is None:
            continue
        rows, rules = found
        asked = {name: rule for name, rule in rules.items() if name in _KINDS}
        flags = {f"examined_{name}": rule.examined for name, rule in asked.items()}
        flags |= {f"suspect_{name}": rule.failing for name, rule in asked.items()}
        rows = rows.mutate(**flags).select(*flags, DATES[table], rep_id="rep_id_of_row")
        cells = yearly_cells(
            department, rows, rows[DATES[table]].date(), years, places,
            {name: _.count(where=_[name]) for name in flags},
        )  # fmt: skip
        keys = ["side", "month", *places]
        parts += [
            cells[keys].assign(table=table, kind=name, n_examined=cells[f"examined_{name}"],
                               n_suspect=cells[f"suspect_{name}"])
            for name in asked
        ]  # fmt: skip
    if not parts:
        message = "no table holds entries that could be told to be made up."
        raise MissingDataError(message, missing=("activities",))
    return pd.concat(parts, ignore_index=True)
