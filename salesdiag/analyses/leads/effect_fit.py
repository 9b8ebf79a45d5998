"""The adjusted comparison of leads by delay, for one group and outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.leads.effect_checks import (
    by_strata,
    jump_at,
    per_doubling,
    verdict_of,
    within_slope,
)
from salesdiag.stats.effects import DoseEffects, dose_effect, e_value
from salesdiag.stats.rates import ratio, wilson_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

ESTIMATES = ("adjusted_rate", "delay_effect", "doubling_effect")
_LEAST_LEADS = 20  # of a band, to be held against others
_LEAST_REFERENCE = 50
_LEAST_REPS = 8  # fewer cannot stand for the spread between reps
_PULL = 10  # leads that hold a rep's mean wait to that of all
_MANY_CELLS = 3000  # beyond it two folds learn as much as five
_STRONG = 1.5  # risk ratio that a hidden cause must reach before the sign is lost


def fit_outcome(
    cells: pd.DataFrame, outcome: str, limits: list[float], confidence: float, *, known: bool
) -> pd.DataFrame:
    """Give the rows of one group and outcome, a band each."""
    table = _plain(cells, outcome, limits, confidence)
    _add_checks(table, cells, outcome, confidence, known=known and len(cells) > 0)
    if not known:
        table[["n_converted"]] = 0
        table[["conversion_rate", "conversion_rate_low", "conversion_rate_high"]] = np.nan
        table["reason"] = f"no table tells which leads were {outcome}"
        return table
    told = np.flatnonzero(table["reason"] == "")
    base = next((one for one in told if table["n_leads"][one] >= _LEAST_REFERENCE), None)
    if base is None or len(told) < 2:
        table.loc[told, "reason"] = "no other band with enough leads to be held against"
        return table
    used = cells[np.isin(cells["band"], told)].reset_index(drop=True)
    _estimate(table, used, outcome, int(base), told, confidence)
    _grade(table)
    return table


def _plain(
    cells: pd.DataFrame, outcome: str, limits: list[float], confidence: float
) -> pd.DataFrame:
    table = pd.DataFrame({
        "outcome": outcome, "delay_from_hours": [np.nan, *limits],
        "delay_to_hours": [*limits, np.nan], "is_reference": False,
    })  # fmt: skip
    for name, column in (("n_leads", "n"), ("n_converted", f"n_{outcome}")):
        table[name] = np.bincount(
            cells["band"], cells[column], minlength=len(table)
        ).astype("int64")  # fmt: skip
    table["conversion_rate"] = ratio(table["n_converted"], table["n_leads"])
    low, high = wilson_interval(table["n_converted"], table["n_leads"], confidence=confidence)
    table["conversion_rate_low"], table["conversion_rate_high"] = low, high
    for name in ESTIMATES:
        for end in ("", "_low", "_high"):
            table[name + end] = np.nan
    for name in ("effective_leads", "unlike_share", "second_effect", "e_value", "e_value_limit"):
        table[name] = np.nan
    few = table["n_leads"] < _LEAST_LEADS
    named = table["n_leads"].astype(str) + f" leads (at least {_LEAST_LEADS})"
    table["reason"] = named.where(few, "").astype("str")
    table["grade"] = pd.Series([""] * len(table), dtype="str")
    return table


def _add_checks(
    table: pd.DataFrame, cells: pd.DataFrame, outcome: str, confidence: float, *, known: bool
) -> None:
    """Add the slope among alike leads and what happens at closing time."""
    slope = within_slope(cells if known else cells.iloc[:0], outcome)
    jump, placebo = (jump_at(cells, outcome, false=one) for one in (False, True))
    for end, value in zip(("", "_low", "_high"), per_doubling(slope, confidence), strict=True):
        table[f"doubling_effect{end}"] = value
    table["n_before_closing"], table["n_after_closing"] = jump.n_before, jump.n_after
    for name, found in (("closing_effect", jump), ("placebo_effect", placebo)):
        ends = found.interval(confidence) if known and not np.isnan(found.value) else (np.nan,) * 2
        table[name] = found.value if known else np.nan
        table[f"{name}_low"], table[f"{name}_high"] = ends
    table["claimed_closing_effect"] = slope.value * jump.wait
    verdict = verdict_of(slope, jump, placebo) if known else "untold"
    table["closing_test"] = pd.Series([verdict] * len(table), dtype="str")


def _estimate(
    table: pd.DataFrame,
    cells: pd.DataFrame,
    outcome: str,
    base: int,
    told: NDArray[np.intp],
    confidence: float,
) -> None:
    by_rep = cells["rep"].nunique() >= _LEAST_REPS
    covariates = _covariates(cells)
    if cells["n"].sum() < 2 or cells[f"n_{outcome}"].sum() == 0:
        table.loc[told, "reason"] = "no lead with the outcome"
        return

    def compare(reference: int) -> DoseEffects:
        return dose_effect(
            cells["band"].to_numpy(), covariates, cells["n"], cells[f"n_{outcome}"],
            cluster=cells["rep"].to_numpy() if by_rep else None, reference=reference,
            folds=2 if len(cells) > _MANY_CELLS else 5, confidence=confidence,
        )  # fmt: skip

    found = compare(base)
    better = [one for one, why in zip(told, found.reason, strict=True)
              if not why and table["n_leads"][one] >= _LEAST_REFERENCE]  # fmt: skip
    if better and better[0] != base:  # too few leads were like those of the first choice
        base = int(better[0])
        found = compare(base)
    table["is_reference"] = np.arange(len(table)) == (base if better else -1)
    rate = [np.clip(one, 0, 1) for one in (found.mean, found.mean_low, found.mean_high)]
    effect = [np.clip(one, -1, 1) for one in (found.effect, found.low, found.high)]
    for name, values in (("adjusted_rate", rate), ("delay_effect", effect)):
        known = ~np.isnan(values[0]) & ~np.isnan(values[1])
        for end, one in zip(("", "_low", "_high"), values, strict=True):
            table.loc[told, name + end] = np.where(known, one, np.nan)
    table.loc[told, "effective_leads"] = found.effective_n
    table.loc[told, "unlike_share"] = found.share_below
    table.loc[told, "reason"] = found.reason
    second = by_strata(cells, outcome, base, len(table))
    table["second_effect"] = np.where(table["delay_effect"].notna(), second, np.nan)


def _covariates(cells: pd.DataFrame) -> NDArray[np.float64]:
    """Make 0/1 columns of source, segment and hour, the day after a break, and the rep's habit.

    The rep's mean wait stands for all about the rep that goes with being slow, as in a
    regression with a constant for each rep; it is pulled towards the mean of all reps.
    """
    columns = []
    for name in ("kind_source", "kind_segment", "slot"):
        kinds = sorted(set(cells[name]))[1:]
        columns += [(cells[name] == one).to_numpy(float) for one in kinds]
    columns.append(cells["after_break"].to_numpy(float))
    sums = cells.groupby("rep")[["wait", "n"]].transform("sum")
    mean = cells["wait"].sum() / cells["n"].sum()
    columns.append(((sums["wait"] + _PULL * mean) / (sums["n"] + _PULL)).to_numpy(float))
    return np.column_stack(columns)


def _grade(table: pd.DataFrame) -> None:
    """Say how strong something unseen would have to be, and grade the evidence."""
    if not table["is_reference"].any():
        return
    start = float(table.loc[table["is_reference"], "adjusted_rate"].iloc[0])
    ends = [table[name].to_numpy() + start for name in
            ("delay_effect", "delay_effect_low", "delay_effect_high")]  # fmt: skip
    known = ~np.isnan(ends[0]) & (start > 0)
    if known.any():
        found = e_value(*(np.maximum(one[known], 1e-6) / start for one in ends))
        table.loc[known, "e_value"] = found.estimate
        table.loc[known, "e_value_limit"] = found.limit
    effect, second = table["delay_effect"], table["second_effect"]
    agree = (second >= table["delay_effect_low"]) & (second <= table["delay_effect_high"])
    robust = agree & (effect < 0) & (table["e_value_limit"] >= _STRONG)
    verdict = table["closing_test"].iloc[0]
    helps = bool((table["delay_effect_low"] > 0).any())
    if helps or verdict == "contradicted":
        grade = np.full(len(table), "D")
    elif verdict == "confirmed":
        grade = np.where(robust, "A", "B")
    else:
        grade = np.full(len(table), "C")
    shown = effect.notna() & ~table["is_reference"]
    table["grade"] = pd.Series(np.where(shown, grade, "")).astype("str")
