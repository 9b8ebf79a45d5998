"""What tables of reps and activities can be split by, and the groups of reps that gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from salesdiag.department import UNASSIGNED
from salesdiag.engine import suggest
from salesdiag.errors import InputError
from salesdiag.narrow import refuse_key, refuse_twice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from salesdiag.department import Department


def check_keys(
    department: Department, by: str | Sequence[str], results: Sequence[str], *, own: bool = False
) -> list[str]:
    """Check what to split by: columns of ``reps``, with ``own`` those of ``activities`` too.

    Raises
    ------
    MissingDataError
        If no table has the column.
    InputError
        If it is a column of deals or accounts only, named like one of the ``results``, or
        named twice.
    """
    keys = [by] if isinstance(by, str) else list(by)
    for key in keys:
        home = home_of(department, key)
        if home == "reps" or (own and home == "activities"):
            refuse_key(home, key, results)
            continue
        department.split_keys([key])  # says which names there are, where none fits
        homes = ["reps", "activities"] if own else ["reps"]
        known = sorted({one for name in homes if department.has(name)
                        for one in department.table(name).columns} | {"rep_id"})  # fmt: skip
        message = (
            f"by: {key!r} says nothing of reps{' or activities' if own else ''}; split by one of "
            f"{', '.join(known)}.{suggest(key, known)}"
        )
        raise InputError(message)
    refuse_twice(keys)
    return keys


def home_of(department: Department, key: str) -> str:
    """Tell whose column a key is: of reps before activities; "" of neither."""
    if key == "rep_id" or department.has("reps", key):
        return "reps"
    return "activities" if department.has("activities", key) else ""


def groups_of_reps(department: Department, ids: pd.Series, keys: list[str]) -> pd.DataFrame:
    """Give the columns to split by for ids of reps, as text; "unassigned" where unknown."""
    found = pd.DataFrame({"rep_id": ids.astype(str).to_numpy()}, index=ids.index)
    if any(key != "rep_id" for key in keys):
        reps = department.fetch("reps").drop_duplicates("rep_id").set_index("rep_id")
        for key in keys:
            if key != "rep_id":
                values = reps.loc[reps[key].notna(), key].astype(str)
                mapped = found["rep_id"].map(values).astype("object")
                found[key] = mapped.where(mapped.notna(), UNASSIGNED)
    return found[keys].astype("str")
