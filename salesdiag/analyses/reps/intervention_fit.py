"""The arithmetic under the effect of a measure: changes, their rebound, and two placebos."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from salesdiag.analyses.reps.rep_groups import sells_enough
from salesdiag.errors import InputError
from salesdiag.stats.effects import event_study, net_change
from salesdiag.stats.rates import normal_quantile, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from salesdiag.analyses.reps.intervention_panel import Outcomes
    from salesdiag.stats.effects import EventStudy

    Floats = NDArray[np.float64]

FOUND = [
    "n_treated", "n_control", "n_left_out", "n_undated", "n_months_before", "n_months_after",
    "before", "after", "naive_effect", "did_effect", "did_effect_low", "did_effect_high",
    "rebound", "net_effect", "net_effect_low", "net_effect_high", "reliability",
    "placebo_effect", "placebo_effect_low", "placebo_effect_high", "placebo_p", "n_leads",
    "grade",
]  # fmt: skip
_LEAST_MONTHS = 4  # before the start, to compare their halves
_LEAST_REPS = 6
_SURE = 10  # months and reps beyond the first from which their own spread outweighs theory
_FAILED = 0.05
_SHARES = ("win_rate", "discount")


class Cohort(NamedTuple):
    """Reps that start in one month, and those beside them who do not before its end."""

    rows: NDArray[np.intp]
    chosen: NDArray[np.bool_]
    before: Floats
    after: Floats
    top: Floats  # reps x months before
    bottom: Floats
    n_before: int
    n_after: int


def fitted(
    outcomes: Outcomes, starts: Floats, *, months: int, outcome: str, level: float
) -> dict[str, object]:
    """Give the figures of one group of reps; ``starts`` are months, infinite for never."""
    found: dict[str, object] = {
        name: 0 if name.startswith("n_") else np.nan for name in FOUND
    } | {"grade": ""}  # fmt: skip
    sells = sells_enough(pd.Series(outcomes.n_decided), outcomes.rep_id.reset_index(drop=True))
    able = sells.to_numpy() | (starts < np.inf)
    known = np.where(able, starts, np.nan)
    each = [_cohort(outcomes, known, one, months) for one in np.unique(starts[starts < np.inf])]
    cohorts = [one for one in each if one is not None]
    if not cohorts:
        return found
    used = np.unique(np.concatenate([one.rows for one in cohorts]))
    size = np.array([one.chosen.sum() for one in cohorts], dtype=float)
    weight = size / size.sum()
    controls = np.unique(np.concatenate([one.rows[~one.chosen] for one in cohorts]))
    before = float(weight @ np.array([one.before[one.chosen].mean() for one in cohorts]))
    after = float(weight @ np.array([one.after[one.chosen].mean() for one in cohorts]))
    found |= {
        "n_treated": int(size.sum()), "n_control": len(controls),
        "n_left_out": len(starts) - len(used), "n_months_before": cohorts[0].n_before,
        "n_months_after": cohorts[0].n_after, "before": before, "after": after,
        "naive_effect": after - before, "grade": "D",
    }  # fmt: skip
    _add_effects(found, cohorts, weight, outcome, level)
    _add_placebos(found, outcomes, starts, cohorts, weight, outcome, level)
    found["grade"] = _grade(found)
    return found


def _cohort(outcomes: Outcomes, starts: Floats, start: float, months: int) -> Cohort | None:
    """Give the reps that start in one month beside those who do not before its end."""
    at = outcomes.months
    early = (at >= start - months) & (at < start)
    late = (at >= start) & (at < start + months)
    if not early.any() or not late.any():
        return None
    bottoms = [outcomes.bottom[:, one].sum(axis=1) for one in (early, late)]
    there = (bottoms[0] > 0) & (bottoms[1] > 0)
    rows = np.flatnonzero(there & ((starts == start) | (starts > at[late].max())))
    chosen = starts[rows] == start
    if not chosen.any():
        return None
    tops = [outcomes.top[:, one].sum(axis=1) for one in (early, late)]
    values = [ratio(top[rows], bottom[rows]) for top, bottom in zip(tops, bottoms, strict=True)]
    return Cohort(
        rows, chosen, values[0], values[1], outcomes.top[rows][:, early],
        outcomes.bottom[rows][:, early], int(early.sum()), int(late.sum()),
    )  # fmt: skip


def _growth(before: Floats, after: Floats, chosen: NDArray[np.bool_], outcome: str) -> float:
    """Give the factor by which the rest grew; shares move by points and keep 1.

    A season lifts who wins much by more wins than who wins little, at the same factor.
    """
    rest = ~chosen
    if outcome in _SHARES or not rest.any():
        return 1.0
    first, later = float(before[rest].mean()), float(after[rest].mean())
    return later / first if first > 0 and later > 0 else 1.0


def _noise(cohort: Cohort, outcome: str) -> Floats:
    """Give the variance of chance in each rep's figure before, from month to month."""
    top, bottom = cohort.top, cohort.bottom
    pooled = top.sum() / bottom.sum()
    season = np.nan_to_num(ratio(ratio(top.sum(axis=0), bottom.sum(axis=0)), pooled))
    expected = cohort.before[:, None] * bottom * season
    n_reps, n_months = top.shape
    freedom = (n_reps - 1) * (n_months - 1)
    spread = 0.0
    if freedom > 0:
        spread = float(np.sum((top - expected) ** 2) / bottom.sum() * n_reps * n_months / freedom)
    least = {"wins": pooled, "win_rate": pooled * (1 - pooled)}.get(outcome, 0.0)
    if least > 0:  # what counts must vary by, where months are too few to tell
        spread = (freedom * spread + _SURE * least) / (freedom + _SURE)
    return np.asarray(spread / bottom.sum(axis=1))


def _add_effects(
    found: dict[str, object], cohorts: list[Cohort], weight: Floats, outcome: str, level: float
) -> None:
    """Add the plain comparison, and the one net of the rebound."""
    grown = [_growth(one.before, one.after, one.chosen, outcome) for one in cohorts]
    pairs = [_compared(one.before * by, one.after, one.chosen, level)
             for one, by in zip(cohorts, grown, strict=True)]  # fmt: skip
    found |= _joined("did_effect", np.array(pairs), weight)
    figures = np.array([_net_effect(one, outcome, level) for one in cohorts])
    found |= _joined("net_effect", figures[:, :3], weight)
    effects = np.array([found["did_effect"], found["net_effect"]], dtype=float)
    known = ~np.isnan(effects).any()
    found["rebound"] = float(effects[0] - effects[1]) if known else np.nan
    found["reliability"] = float(weight @ figures[:, 3]) if known else np.nan


def _net_effect(one: Cohort, outcome: str, level: float) -> list[float]:
    """Give the change net of the rebound, its interval, and the reliability.

    `net_change` draws in by (K - 3) / (K - 1) at most, which is safe for one rep's estimate, but
    leaves a part of the rebound where reps hardly differ. Unbiased for the rebound is K - 2
    over the sum of squares, beyond 1 where reps differ less than chance would have it.
    """
    n_reps, n_chosen = len(one.before), int(one.chosen.sum())
    variance = _noise(one, outcome)
    if n_reps < _LEAST_REPS or min(n_chosen, n_reps - n_chosen) < 2 or not (variance > 0).all():
        return [np.nan] * 4
    middle = np.average(one.before, weights=1 / variance)
    squares = float(np.sum((one.before - middle) ** 2 / variance))
    if squares <= 0:
        return [np.nan] * 4
    scale = (n_reps - 2) / (n_reps - 3) * max(1.0, (n_reps - 1) / squares)
    plain = net_change(one.before, one.after, variance, one.chosen, against="rest")
    pull = scale * (1 - plain.reliability)
    # those not chosen for their results were lucky before: they grew more than it seems
    past = one.before + min(pull, 1.0) * (one.before.mean() - one.before)
    by = _growth(past, one.after, one.chosen, outcome)
    net = net_change(one.before * by, one.after, variance * by**2, one.chosen, against="rest",
                     confidence=level)  # fmt: skip
    rebound = scale * net.rebound
    value = net.naive - rebound
    more = (rebound**2 - net.rebound**2) * 2 / max(n_reps - 5, 1)
    reach = np.hypot(net.high - net.net, normal_quantile(level) * np.sqrt(more))
    return [value, value - reach, value + reach, max(1 - pull, 0.0)]


def _compared(
    before: Floats, after: Floats, chosen: NDArray[np.bool_], level: float
) -> list[float]:
    """Give the change of the chosen less that of the rest, with its interval."""
    if chosen.sum() < 2 or (~chosen).sum() < 2:
        return [np.nan] * 3
    n_reps = len(before)
    found = event_study(
        np.tile(np.arange(n_reps), 2), np.repeat([0.0, 1.0], n_reps),
        np.concatenate([before, after]), np.tile(np.where(chosen, 1.0, np.nan), 2),
        confidence=level,
    )  # fmt: skip
    return [one.item() for one in (found.overall.effect, found.overall.low, found.overall.high)]


def _joined(name: str, figures: Floats, weight: Floats) -> dict[str, object]:
    """Average effects of several starts; they share controls, so their reaches are averaged."""
    value, low, high = (float(weight @ figures[:, column]) for column in range(3))
    if np.isnan([value, low, high]).any():
        value = low = high = np.nan
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def _add_placebos(
    found: dict[str, object], outcomes: Outcomes, starts: Floats, cohorts: list[Cohort],
    weight: Floats, outcome: str, level: float,
) -> None:  # fmt: skip
    """Add the comparison of the halves before, and the test of the months before."""
    halves = []
    for one in cohorts:
        middle = one.n_before // 2
        parts = [ratio(one.top[:, cut].sum(axis=1), one.bottom[:, cut].sum(axis=1))
                 for cut in (slice(None, middle), slice(middle, None))]  # fmt: skip
        seen = ~np.isnan(parts[0]) & ~np.isnan(parts[1])
        early, late, chosen = parts[0][seen], parts[1][seen], one.chosen[seen]
        by = _growth(early, late, chosen, outcome)
        able = one.n_before >= _LEAST_MONTHS
        halves.append(_compared(early * by, late, chosen, level) if able else [np.nan] * 3)
    found |= _joined("placebo_effect", np.array(halves), weight)
    used = np.unique(np.concatenate([one.rows for one in cohorts]))
    part = outcomes._replace(top=outcomes.top[used], bottom=outcomes.bottom[used])
    study = _study(part, starts[used], outcome, level)
    if study is not None:
        found["placebo_p"], found["n_leads"] = study.placebo_p, study.n_leads_tested


def _study(
    outcomes: Outcomes, starts: Floats, outcome: str, level: float
) -> EventStudy | None:  # fmt: skip
    """Give the event study month by month, where it can be made."""
    values = ratio(outcomes.top, outcomes.bottom)
    never = np.isinf(starts)
    if outcome not in _SHARES and never.any():
        top, bottom = (one[never].sum(axis=0) for one in (outcomes.top, outcomes.bottom))
        season = ratio(ratio(top, bottom), ratio(top.sum(), bottom.sum()))
        values = values / np.where(season > 0, season, 1.0)
    unit = np.repeat(np.arange(len(starts)), len(outcomes.months))
    when = np.tile(outcomes.months.astype(float), len(starts))
    since = np.where(np.isfinite(starts), starts, np.nan)[unit]
    seen = ~np.isnan(values.ravel())
    if not seen.any():
        return None
    try:
        return event_study(unit[seen], when[seen], values.ravel()[seen], since[seen],
                           confidence=level)  # fmt: skip
    except InputError:  # nobody, or everybody, is treated among those seen in every month
        return None


def _grade(found: dict[str, object]) -> str:
    """Grade the evidence by what could be told and by both placebos."""
    numbers = {name: float(found[name]) for name in FOUND if name != "grade"}  # type: ignore[arg-type]
    if np.isnan(numbers["net_effect"]):
        return "D"
    low, high = numbers["placebo_effect_low"], numbers["placebo_effect_high"]
    halves_pass = bool(low <= 0 <= high)
    halves_fail = bool(low > 0 or high < 0)
    path_pass = bool(numbers["placebo_p"] >= _FAILED)
    path_fail = bool(numbers["placebo_p"] < _FAILED)
    if halves_pass and path_pass:
        return "B"
    return "D" if halves_fail and path_fail else "C"
