"""Rows of a result: the groups of the counts in order, and which row each count belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def groups_of(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """List the groups in order; without keys there is one, whether or not it has any row."""
    if not keys:
        return pd.DataFrame(index=pd.RangeIndex(1))
    names = list(keys)
    return frame[names].drop_duplicates().sort_values(names, ignore_index=True)


def places(frame: pd.DataFrame, rows: pd.DataFrame, keys: Sequence[str]) -> NDArray[np.intp]:
    """Give the row of ``rows`` to which each row of a frame belongs; -1 for none."""
    names = list(keys)
    if not names:
        return np.zeros(len(frame), dtype=np.intp)
    numbered = rows[names].assign(place=np.arange(len(rows)))
    merged = frame[names].merge(numbered, how="left", on=names)
    return merged["place"].fillna(-1).to_numpy(np.intp)


def summed(values: object, place: NDArray[np.intp], n_rows: int) -> NDArray[np.float64]:
    """Add up values by row."""
    inside = place >= 0
    weights = np.asarray(values, dtype=float)[inside]
    return np.bincount(place[inside], weights, n_rows).astype(float)


def counted(values: object, place: NDArray[np.intp], n_rows: int) -> NDArray[np.int64]:
    """Add up counts by row."""
    return np.round(summed(values, place, n_rows)).astype("int64")
