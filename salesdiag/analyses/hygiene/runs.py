"""How far rows come in runs: what a group's rows are worth, where one group alone cannot tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.stats.rates import ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_SUMS = ["n_part", "n_whole", "n_squares", "n_products", "n_whole_squares", "n_units"]


def effects_of_reps(table: pd.DataFrame, cells: pd.DataFrame, code: NDArray[np.intp]) -> Floats:
    """Give the design effects of groups of several reps, learnt from all groups of a question.

    ``code`` is the row of ``table`` that each row of ``cells`` belongs to.
    """
    part, whole = cells["n_part"].to_numpy(float), cells["n_whole"].to_numpy(float)
    units = pd.DataFrame({
        "code": code, "rep": cells["rep_id_of_row"].to_numpy(), "n_part": part, "n_whole": whole,
    })  # fmt: skip
    units = units[whole > 0].groupby(["code", "rep"], as_index=False)[["n_part", "n_whole"]].sum()
    sums = pd.DataFrame({
        "n_part": units["n_part"], "n_whole": units["n_whole"],
        "n_squares": units["n_part"] ** 2, "n_products": units["n_part"] * units["n_whole"],
        "n_whole_squares": units["n_whole"] ** 2, "n_units": 1.0,
    }).groupby(units["code"]).sum().reindex(range(len(table)), fill_value=0.0)  # fmt: skip
    several = (sums["n_units"] > 1).to_numpy()
    return _spread_of(sums.mul(several.astype(float), axis=0), table["question"].to_numpy())


def effects_within_reps(table: pd.DataFrame, cells: pd.DataFrame) -> tuple[Floats, Floats]:
    """Give the design effects of rows that come in deals or weeks of one rep.

    They are learnt from all reps of a question: one without a case, or with a few, cannot tell
    how cases come together, and would pass for one whose rows stand each for itself. The first
    are those of the groups of ``table`` (of one rep: no less than its own), the second those
    of all the others of each group.
    """
    question = cells["question"].to_numpy()
    if "n_products" not in cells:  # few break a rule: only those that do tell
        sums = cells.groupby("question")[["n_squares", "n_part"]].sum()
        shared = ratio(sums["n_squares"].to_numpy(float), sums["n_part"].to_numpy(float))
        pooled = table["question"].map(dict(zip(sums.index, shared, strict=True))).to_numpy(float)
        own = ratio(table["n_squares"].to_numpy(float), table["n_part"].to_numpy(float))
        pooled = np.fmax(pooled, 1.0)
        return _bounded(np.fmax(own, pooled), table["n_whole"]), pooled
    alike = _alikeness(cells[_SUMS], question)
    known = table["question"].map(alike).to_numpy(float)
    crowd = _crowd(table["n_whole_squares"], table["n_whole"])
    alone = (table["n_reps"] < 2).to_numpy()
    own = np.where(alone, _own_effect(table[_SUMS].mul(alone.astype(float), axis=0)), 1.0)
    effect = np.fmax(own, 1 + (crowd - 1) * known)
    wholes = table.groupby("question")[["n_whole_squares", "n_whole"]].transform("sum")
    rest = wholes - table[["n_whole_squares", "n_whole"]]
    theirs = 1 + (_crowd(rest["n_whole_squares"], rest["n_whole"]) - 1) * known
    return _bounded(effect, table["n_whole"]), np.fmax(theirs, 1.0)


def _spread_of(sums: pd.DataFrame, question: NDArray[np.int64]) -> Floats:
    """Give each group's design effect, no less than what all of its question show together."""
    alike = pd.Series(question).map(_alikeness(sums, question)).to_numpy(float)
    crowd = _crowd(sums["n_whole_squares"], sums["n_whole"])
    return _bounded(np.fmax(_own_effect(sums), 1 + (crowd - 1) * alike), sums["n_whole"])


def _alikeness(sums: pd.DataFrame, question: NDArray[np.int64]) -> dict[int, float]:
    """Give, by question, how much more alike two rows of a unit are than two of one group.

    It is the moment estimator of the correlation within units (weeks, deals, reps): what the
    spread between units has beyond that of single rows, over what it would have were all rows
    of a unit alike. From 0 to 1; 0 where nothing tells.
    """
    single = _single_spread(sums)
    crowd = _crowd(sums["n_whole_squares"], sums["n_whole"])
    told = np.isfinite(_spread(sums))
    parts = pd.DataFrame({
        "beyond": np.where(told, _spread(sums) - single, 0.0),
        "most": np.where(told, single * (crowd - 1), 0.0),
    }).groupby(question).sum()  # fmt: skip
    alike = ratio(parts["beyond"].to_numpy(float), parts["most"].to_numpy(float))
    alike = np.clip(np.nan_to_num(alike), 0.0, 1.0)
    return dict(zip(parts.index.tolist(), alike.tolist(), strict=True))


def _own_effect(sums: pd.DataFrame) -> Floats:
    single = _single_spread(sums)
    return ratio(_spread(sums), np.where(single > 0, single, np.nan))


def _spread(sums: pd.DataFrame) -> Floats:
    """Give the variance that the units of each group show in its number of cases."""
    part, whole, squares, products, wholes, units = (sums[one].to_numpy(float) for one in _SUMS)
    rate = ratio(part, whole)
    return np.asarray((squares - 2 * rate * products + rate**2 * wholes) * ratio(units, units - 1))


def _single_spread(sums: pd.DataFrame) -> Floats:
    """Give the variance that it would have, did each row stand for itself."""
    part, whole = sums["n_part"].to_numpy(float), sums["n_whole"].to_numpy(float)
    return np.asarray(part * (1 - ratio(part, whole)))


def _crowd(squares: pd.Series, whole: pd.Series) -> Floats:
    """Give how many rows share the unit of a row, itself among them."""
    return np.asarray(np.fmax(ratio(squares.to_numpy(float), whole.to_numpy(float)), 1.0))


def _bounded(effect: Floats, whole: pd.Series) -> Floats:
    return np.asarray(np.fmin(np.fmax(effect, 1.0), np.fmax(whole.to_numpy(float), 1.0)))
