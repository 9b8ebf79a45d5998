"""From counts of rows by rep to shares, their intervals, and whether a group stands out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.hygiene.runs import effects_of_reps, effects_within_reps
from salesdiag.department import UNASSIGNED
from salesdiag.stats.arguments import share
from salesdiag.stats.multiplicity import PValueRegistry
from salesdiag.stats.rates import clustered_rate, rate_difference, ratio, wilson_interval
from salesdiag.stats.rates.student import two_sided_p
from salesdiag.stats.standardisation.dispersed import dispersed_ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_FEWEST = 5  # rows; of fewer nothing is said


def judged(
    cells: pd.DataFrame, keys: Sequence[str], questions: Sequence[str], *, confidence: float
) -> pd.DataFrame:
    """Give the share of each group and question, held against the others of the department.

    ``cells`` has the keys, ``question``, ``rep_id_of_row``, ``n_part``, ``n_whole``, other
    counts ``n_*`` and sums ``*_amount``, which are added up. ``n_squares`` is the sum of the
    squares of ``n_part`` over what is independent within one rep (deals, weeks); with it
    ``n_products`` (of ``n_part`` and ``n_whole``), ``n_whole_squares`` and ``n_units`` tell how
    unevenly these fall. Each question is there, "unassigned" where it has no rows.

    The independent unit is the rep; within a single rep deal or week, if given, else the row. Adds
    ``n_reps``, ``share``, ``low``, ``high``, ``others``, ``difference`` with its interval,
    ``q_value`` and ``reading``.
    """
    level = share("confidence", confidence)
    cells = _with_all_questions(cells, keys, questions)
    group = ["question", *keys]
    sums = [name for name in cells.columns if name.startswith("n_") or name.endswith("_amount")]
    table = cells.groupby(group, as_index=False)[sums].sum(min_count=1)
    code = _codes(cells, table, group)
    there = cells["n_whole"].to_numpy() > 0
    pairs = pd.DataFrame({"code": code[there], "rep": cells["rep_id_of_row"][there]})
    n_reps = pairs.drop_duplicates()["code"].value_counts().reindex(range(len(table)))
    table["n_reps"] = n_reps.fillna(0).astype("int64").to_numpy()
    effect, theirs, degrees = _shares(table, cells, code, level)
    _against_others(table, cells, (effect, theirs), degrees, level)
    _judge(table, keys, level)
    return table


def _with_all_questions(
    cells: pd.DataFrame, keys: Sequence[str], questions: Sequence[str]
) -> pd.DataFrame:
    """Put a row without cases where a question has none."""
    lacking = [one for one in questions if one not in set(cells["question"])]
    blank = pd.DataFrame({"question": lacking}).astype("str")
    counts = [str(name) for name in cells.columns if str(name).startswith("n_")]
    blank = blank.assign(**dict.fromkeys([*keys, "rep_id_of_row"], UNASSIGNED))
    blank = blank.assign(**dict.fromkeys(counts, 0))
    for name in cells.columns.difference(blank.columns):
        blank[name] = np.nan
    parts = [one.astype({"rep_id_of_row": "str"}) for one in (cells, blank[cells.columns])
             if len(one)]  # fmt: skip
    whole = pd.concat(parts, ignore_index=True) if parts else cells
    place = {name: number for number, name in enumerate(questions)}
    return whole.assign(question=whole["question"].map(place).astype("int64")).astype(
        dict.fromkeys(counts, "int64")
    )


def _codes(cells: pd.DataFrame, table: pd.DataFrame, group: list[str]) -> NDArray[np.intp]:
    numbered = table[group].assign(row=np.arange(len(table)))
    return cells[group].merge(numbered, on=group, how="left")["row"].to_numpy(np.intp)


def _shares(
    table: pd.DataFrame, cells: pd.DataFrame, code: NDArray[np.intp], level: float
) -> tuple[Floats, Floats, Floats]:
    """Add the share and its interval.

    Gives the design effects of the groups, and of rows within the reps of the others of each;
    and the degrees of freedom.
    """
    part, whole = (table[name].to_numpy(float) for name in ("n_part", "n_whole"))
    found = clustered_rate(
        cells["n_part"], cells["n_whole"], cluster=pd.factorize(cells["rep_id_of_row"])[0],
        group=code, confidence=level,
    )  # fmt: skip
    # who has no case cannot tell how cases come together: all groups tell
    effect = np.fmax(np.fmax(found.design_effect, 1.0), effects_of_reps(table, cells, code))
    theirs = np.ones(len(table))
    units = found.n_clusters.astype(float)
    alone = table["n_reps"].to_numpy() < 2
    if "n_squares" in table:
        within, theirs = effects_within_reps(table, cells)
        effect = np.fmax(np.where(alone, 1.0, effect), within)
        units = np.where(alone, table.get("n_units", np.inf), units)
    degrees = np.where((effect > 1) & (units > 1), units - 1.0, np.inf)
    low, high = wilson_interval(part / effect, whole / effect, confidence=level)
    table["share"] = ratio(part, whole)
    # never narrower than of independent rows
    table["low"], table["high"] = np.fmin(found.low, low), np.fmax(found.high, high)
    return effect, theirs, degrees


def _against_others(
    table: pd.DataFrame,
    cells: pd.DataFrame,
    effects: tuple[Floats, Floats],
    degrees: Floats,
    level: float,
) -> None:
    """Add the share of all others, the difference from it, and how rare it is by chance."""
    effect, theirs = effects
    part, whole = (table[name].to_numpy(float) for name in ("n_part", "n_whole"))
    sums = table.groupby("question")[["n_part", "n_whole"]].transform("sum")
    all_part, all_whole = sums["n_part"].to_numpy(float), sums["n_whole"].to_numpy(float)
    spread = clustered_rate(
        cells["n_part"], cells["n_whole"], cluster=pd.factorize(cells["rep_id_of_row"])[0],
        group=cells["question"], confidence=level,
    )  # fmt: skip
    of_all = dict(zip(spread.group.tolist(), np.fmax(spread.design_effect, 1.0), strict=True))
    their = np.fmax(table["question"].map(of_all).to_numpy(float), theirs)
    found = rate_difference(
        part / effect, whole / effect, (all_part - part) / their, (all_whole - whole) / their,
        confidence=level,
    )  # fmt: skip
    table["others"] = ratio(all_part - part, all_whole - whole)
    table["difference"], table["difference_low"] = found.difference, found.low
    table["difference_high"] = found.high
    pooled = ratio(all_part, all_whole)
    expected = whole * pooled
    variance = expected * (1 - pooled) * (1 - ratio(whole, all_whole)) * effect
    enough = (whole >= _FEWEST) & (all_whole > whole)
    tested = dispersed_ratio(
        np.where(enough, part, np.nan), np.where(enough, expected, np.nan),
        np.where(enough, variance, np.nan), confidence=level,
    )  # fmt: skip
    table["p_value"] = _with_few_units(tested.p_value, degrees)
    # where all are alike there is nothing to test, and nobody differs
    table["is_even"] = enough & ((all_part == 0) | (all_part == all_whole))


def _with_few_units(p_value: Floats, degrees: Floats) -> Floats:
    """Pay for a spread that few units tell: the same distance, on Student's distribution."""
    from scipy import special

    distance = -special.ndtri(np.clip(p_value / 2, 1e-300, 0.5))
    return np.where(np.isinf(degrees), p_value, two_sided_p(distance, 1.0, degrees))


def _judge(table: pd.DataFrame, keys: Sequence[str], level: float) -> None:
    """Add q-values (each question one family) and what they say."""
    # a group of its own: rows that no key tells of are compared with nobody
    named = (table[list(keys)] != UNASSIGNED).any(axis=1)
    p_value = table["p_value"].where(named)
    registry, order = PValueRegistry(), []
    for question, rows in table.groupby("question"):
        registry = registry.with_tests(f"{question:06d}", [f"{row:09d}" for row in rows.index],
                                       p_value[rows.index])  # fmt: skip
        order += rows.index.tolist()
    table["q_value"] = pd.Series(registry.q_values().q_value, index=order).reindex(table.index)
    even = table["is_even"].to_numpy(bool) & named.to_numpy(bool)
    table["q_value"] = table["q_value"].astype(float).mask(even, 1.0)
    side = np.where(table["difference"] > 0, "above", "below")
    reading = np.where(table["q_value"] <= 1 - level, side, "as_others")
    reading = np.where(p_value.isna() & ~even, "no_comparison", reading)
    reading = np.where((table["n_whole"] < _FEWEST) & named, "not_enough_data", reading)
    reading = np.where(table["n_whole"] == 0, "not_examined", reading)
    table["reading"] = pd.Series(reading, index=table.index, dtype="str")
