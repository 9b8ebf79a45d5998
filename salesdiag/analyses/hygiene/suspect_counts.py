"""The reduction under `suspect_entries`: rows of each kind by group and rep, and their spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from ibis import _

from salesdiag.analyses.hygiene.batches import hours_of
from salesdiag.analyses.hygiene.rows import counted, within
from salesdiag.analyses.hygiene.suspect_rows import DATES, KINDS, MARKED, activities_by_hour
from salesdiag.engine import fetch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import ibis

    from salesdiag.analyses.hygiene.batches import Thresholds
    from salesdiag.analyses.hygiene.rows import Window
    from salesdiag.analyses.hygiene.rules import Rule
    from salesdiag.department import Department

QUESTIONS = [(table, kind) for table, kinds in KINDS.items() for kind in kinds]
_SUMS = ["n_rows", "n_import", "n_units", "n_part", "n_whole", "n_squares", "n_products",
         "n_whole_squares"]  # fmt: skip
_BUSIEST = 0.01  # of the hours


def count_suspects(
    department: Department,
    keys: Sequence[str],
    window: Window,
    least: Thresholds,
    meetings: tuple[date, ...],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count rows by kind, group and rep; and the share of activities in the busiest hours.

    Columns of the first: the keys, ``rep_id_of_row``, ``question`` ("table kind"), ``n_rows``,
    ``n_import``, ``n_whole`` (examined), ``n_part`` (suspect), and over weeks of the rep
    ``n_units``, ``n_squares``, ``n_products``, ``n_whole_squares``. Of the second: the keys and
    ``busiest_share``.
    """
    group = [*dict.fromkeys([*keys, "rep_id_of_row"])]
    parts, busiest = [], pd.DataFrame(columns=[*keys, "busiest_share"])
    for table, made in MARKED.items():
        found = made(department, least, meetings, keys=keys)
        if found is None:
            continue
        rows, rules = found
        flags = {f"examined_{name}": rule.examined for name, rule in rules.items()}
        flags |= {f"suspect_{name}": rule.failing for name, rule in rules.items()}
        rows = within(rows.mutate(**flags), department, DATES[table], window)
        parts.append(_long(_reduced(rows, group, rules), group, table, rules))
    hours = activities_by_hour(department, keys)
    if hours is not None:
        busiest = _busiest(within(hours, department, "occurred_at", window), list(keys))
    if not parts:
        blank = pd.DataFrame(columns=[*group, "question"]).astype("str")
        parts = [blank.assign(**{name: pd.Series(dtype="int64") for name in _SUMS})]
    return pd.concat([one for one in parts if len(one)] or parts[:1], ignore_index=True), busiest


def _reduced(rows: ibis.Table, group: list[str], rules: dict[str, Rule]) -> pd.DataFrame:
    sums = {"rows_in": _.count(), "imports_in": _.count(where=_.is_import)}
    for name in rules:
        sums[f"whole_{name}"] = _.count(where=_[f"examined_{name}"])
        sums[f"part_{name}"] = _.count(where=_[f"suspect_{name}"])
    weeks = rows.group_by([*group, "entry_week"]).agg(**sums)
    totals = {"n_rows": weeks.rows_in.sum(), "n_import": weeks.imports_in.sum()}
    for name in rules:
        part, whole = weeks[f"part_{name}"], weeks[f"whole_{name}"]
        totals |= {
            f"n_units_{name}": weeks.count(where=whole > 0),
            f"n_part_{name}": part.sum(), f"n_whole_{name}": whole.sum(),
            f"n_squares_{name}": (part * part).sum(),
            f"n_products_{name}": (part * whole).sum(),
            f"n_whole_squares_{name}": (whole * whole).sum(),
        }  # fmt: skip
    return counted(weeks, group, totals)


def _long(
    frame: pd.DataFrame, group: list[str], table: str, rules: dict[str, Rule]
) -> pd.DataFrame:
    own = _SUMS[2:]
    parts = [
        frame[[*group, "n_rows", "n_import"]].assign(
            question=f"{table} {name}", **{one: frame[f"{one}_{name}"] for one in own}
        )
        for name in rules
    ]
    return pd.concat(parts, ignore_index=True)


def _busiest(rows: ibis.Table, keys: list[str]) -> pd.DataFrame:
    """Give the share of entries that stand in the busiest hundredth of a group's rep-hours."""
    counts = hours_of(rows, *[key for key in keys if key != "rep_id_of_row"])
    frame = fetch(counts.group_by([*keys, "n"]).agg(hours=_.count()))
    frame = frame.sort_values([*keys, "n"], ascending=[True] * len(keys) + [False])
    if not len(frame):
        return pd.DataFrame(columns=[*keys, "busiest_share"])
    code = frame.groupby(keys).ngroup().to_numpy() if keys else np.zeros(len(frame), int)
    hours = frame["hours"].astype(float)
    left = hours.groupby(code).transform("sum") * _BUSIEST
    before = hours.groupby(code).cumsum() - hours
    taken = np.clip(left - before, 0, hours)
    sums = pd.DataFrame({"top": taken * frame["n"], "all": hours * frame["n"]}).groupby(code).sum()
    shares = (sums["top"] / sums["all"]).to_numpy()
    groups = frame[keys].drop_duplicates() if keys else frame[[]].iloc[:1]
    return groups.reset_index(drop=True).assign(busiest_share=shares)
