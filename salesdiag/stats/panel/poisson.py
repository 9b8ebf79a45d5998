"""Counts of units over periods: what goes with more of them, within units and periods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from salesdiag.errors import InputError
from salesdiag.stats.arguments import groups_of, matrix, one_of, share, vector
from salesdiag.stats.panel.fixed_effects import TwoWay
from salesdiag.stats.rates.student import t_interval, two_sided_p

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_MOST_STEPS = 100
_MOST_PUSHES = 5000
_NO_PUSH = 1e-3
_FEW_CLUSTERS = 40


class PanelFit(NamedTuple):
    """Coefficients of a panel model, one entry a column of the design."""

    coefficient: Floats
    low: Floats
    high: Floats
    standard_error: Floats
    p_value: Floats
    covariance: Floats
    n_rows: int
    n_set_aside: int
    n_clusters: int


class PanelData(NamedTuple):
    """Rows of a panel that hold information, in an order of their own."""

    counts: Floats
    design: Floats
    offset: Floats
    cluster: NDArray[np.intp]
    n_clusters: int
    effects: TwoWay
    n_set_aside: int


class Solution(NamedTuple):
    """A fit: coefficients, expected counts, and columns cleared of the effects."""

    coefficient: Floats
    expected: Floats
    cleared: Floats
    information: Floats


def poisson_panel(
    count: ArrayLike,
    design: ArrayLike,
    *,
    unit: ArrayLike,
    period: ArrayLike,
    exposure: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    variance: Literal["jackknife", "sandwich"] = "jackknife",
    confidence: float = 0.95,
) -> PanelFit:
    """Regress counts on columns, net of what is constant in a unit and in a period.

    Poisson pseudo-likelihood with two-way fixed effects: it is consistent whatever the
    distribution of the counts, as long as the expected count is a product of the effects, the
    exposure and exp(design @ coefficient). What is left must not itself follow from past
    counts. Standard errors allow for any dependence within a cluster.

    In simulations with effects of periods the jackknife's test at 5 % rejects 3 to 7 % of true
    values with 6 to 50 units, the sandwich's 7 to 10 % with 6 and 12. `wild_interval` needs no
    variance.

    Parameters
    ----------
    count : array_like, shape (N,)
        What is counted, 0 or more; need not be whole numbers.
    design : array_like, shape (N,) or (N, K)
        The columns whose coefficients are asked for.
    unit, period : array_like, shape (N,)
        Labels whose effects are taken out.
    exposure : array_like, shape (N,), optional
        What the count is in proportion to, above 0 (its logarithm is the offset).
    cluster : array_like, shape (N,), optional
        Labels of what is independent of the others. None: the units.
    variance : {"jackknife", "sandwich"}, default "jackknife"
        The jackknife leaves out one cluster after the other (by one step each). The sandwich
        is what most software prints, with clusters / (clusters - 1) as the only correction; it
        is too small where clusters are few.
    confidence : float, default 0.95
        Level of the intervals (Student's, with clusters - 1 degrees of freedom).

    Returns
    -------
    PanelFit
        ``coefficient`` : change of the logarithm of the expected count for one more of the
        column; ``low``, ``high``, ``standard_error``, ``p_value`` (of a coefficient of 0) and
        ``covariance``. ``n_rows`` used and ``n_set_aside`` : rows that tell nothing, those of
        units and periods without any count and those that the design foretells to be 0.
        With one cluster, or where a column varies in one only, the bounds are NaN.

    Raises
    ------
    InputError
        If a column does not vary within units and periods, repeats others, or nothing is left
        to estimate from.

    References
    ----------
    Correia, S., Guimaraes, P. and Zylkin, T. (2020). Fast Poisson estimation with
    high-dimensional fixed effects. Stata Journal 20, 95-115.

    Examples
    --------
    Doubling from week 1 to week 2 where ``x`` rises from 0 to 1, and no change elsewhere.

    >>> fit = poisson_panel(
    ...     [3, 6, 5, 5, 2, 2], [0, 1, 0, 0, 0, 0], unit=list("aabbcc"), period=[1, 2] * 3
    ... )
    >>> round(fit.coefficient.item(), 6)  # log 2
    0.693147
    """
    data = panel_data(count, design, unit=unit, period=period, exposure=exposure, cluster=cluster)
    solution = solve(data, data.design, data.offset)
    level = share("confidence", confidence)
    covariance = _covariance(data, solution, variance)
    error = np.sqrt(np.diag(covariance))
    low, high = t_interval(solution.coefficient, error, data.n_clusters - 1, level)
    return PanelFit(
        solution.coefficient,
        low,
        high,
        error,
        two_sided_p(solution.coefficient, error, data.n_clusters - 1),
        covariance,
        len(data.counts),
        data.n_set_aside,
        data.n_clusters,
    )


def panel_data(
    count: ArrayLike,
    design: ArrayLike,
    *,
    unit: ArrayLike,
    period: ArrayLike,
    exposure: ArrayLike | None,
    cluster: ArrayLike | None,
) -> PanelData:
    """Check the rows, set aside those that tell nothing, and sort the others."""
    y = vector("count", count, least=0, at_least=1)
    x = matrix("design", design, rows=len(y))
    given = vector("exposure", np.ones(len(y)) if exposure is None else exposure, length=len(y))
    if (given <= 0).any():
        message = f"exposure must be above 0 in every row; got {given.min():g}."
        raise InputError(message)
    units, periods = groups_of("unit", unit, len(y)), groups_of("period", period, len(y))
    clusters = groups_of("cluster", unit if cluster is None else cluster, len(y))
    order = np.lexsort((*x.T, y, clusters.codes, periods.codes, units.codes))
    y, x, offset = y[order], x[order], np.log(given[order])
    codes = [labels.codes[order] for labels in (units, periods, clusters)]
    kept = np.flatnonzero(_with_counts(y, codes[0], codes[1]))
    if len(kept):
        inner = TwoWay(*(_renumbered(one[kept]) for one in codes[:2]))
        kept = kept[~foretold(y[kept], x[kept], inner)]
        kept = kept[_with_counts(y[kept], codes[0][kept], codes[1][kept])]
    if not len(kept):
        message = (
            "count must hold counts above 0 in rows whose unit and period vary; none are left."
        )
        raise InputError(message)
    unit_codes, period_codes, cluster_codes = (_renumbered(one[kept]) for one in codes)
    return PanelData(
        y[kept],
        x[kept],
        offset[kept],
        cluster_codes,
        int(cluster_codes.max()) + 1,
        TwoWay(unit_codes, period_codes),
        len(y) - len(kept),
    )


def solve(data: PanelData, design: Floats, offset: Floats) -> Solution:
    """Find the coefficients of ``design`` by iterated weighted least squares."""
    y = data.counts
    expected = (y + y.mean()) / 2
    linear = np.log(expected)
    before, last = np.inf, linear
    for _step in range(_MOST_STEPS):
        working = linear - offset + (y - expected) / expected
        columns = data.effects.residuals(np.column_stack((working, design)), expected)
        cleared, target = columns[:, 1:], columns[:, 0]
        information = cleared.T @ (cleared * expected[:, None])
        _check_columns(design, information, expected)
        coefficient = np.linalg.solve(information, cleared.T @ (expected * target))
        linear = offset + working - (target - cleared @ coefficient)
        linear = np.clip(linear, -50, 50)  # a first step may overshoot
        expected = np.exp(linear)
        deviance = _deviance(y, expected)
        # with huge counts the deviance is rounding; then the fit itself must stand still
        still = np.abs(linear - last).max() < 1e-12
        if still or abs(before - deviance) <= 1e-12 * (abs(deviance) + 1e-3):
            break
        last = linear
        before = deviance
    else:
        message = "design must not foretell the counts: the coefficients grow without end."
        raise InputError(message)
    cleared = data.effects.residuals(design, expected)
    return Solution(coefficient, expected, cleared, cleared.T @ (cleared * expected[:, None]))


def cluster_scores(data: PanelData, solution: Solution) -> Floats:
    """Add up what each cluster adds to the score of each coefficient (clusters x columns)."""
    rows = solution.cleared * (data.counts - solution.expected)[:, None]
    scores = np.empty((data.n_clusters, rows.shape[1]))
    for place, column in enumerate(rows.T):
        scores[:, place] = np.bincount(data.cluster, column, data.n_clusters)
    return scores


def _covariance(data: PanelData, solution: Solution, variance: str) -> Floats:
    one_of("variance", variance, ("jackknife", "sandwich"))
    n, scores = data.n_clusters, cluster_scores(data, solution)
    if n < 2 or _told_by_one(data, solution):
        return np.full_like(solution.information, np.nan)
    if variance == "sandwich":
        moved, scale = np.linalg.solve(solution.information, scores.T), n / (n - 1)
    elif n < _FEW_CLUSTERS:
        moved, scale = _moves_without_each(data, solution), (n - 1) / n
    else:
        rows = solution.cleared
        products = (rows[:, :, None] * rows[:, None, :]) * solution.expected[:, None, None]
        own = np.zeros((n, *solution.information.shape))
        np.add.at(own, data.cluster, products)
        moved = np.linalg.solve(solution.information - own, scores[:, :, None])[:, :, 0].T
        scale = (n - 1) / n
    covariance: Floats = scale * moved @ moved.T
    return covariance


def _moves_without_each(data: PanelData, solution: Solution) -> Floats:
    """Give the step of the coefficients without each cluster, the effects told anew (K x n).

    With few clusters the effects of periods rest on each of them, so that the residuals of a
    cluster are too small and those of the others depend on it.
    """
    moved = np.full((data.design.shape[1], data.n_clusters), np.nan)
    for one in range(data.n_clusters):
        rest = data.cluster != one
        weight, effects = solution.expected[rest], data.effects
        there = TwoWay(_renumbered(effects.unit[rest]), _renumbered(effects.period[rest]))
        cleared = there.residuals(data.design[rest], weight)
        information = cleared.T @ (cleared * weight[:, None])
        scale = np.sqrt(np.diag(solution.information))
        if np.linalg.eigvalsh(information / np.outer(scale, scale)).min() > 1e-10:
            score = cleared.T @ (data.counts[rest] - weight)
            moved[:, one] = np.linalg.solve(information, score)
    return moved


def _told_by_one(data: PanelData, solution: Solution) -> bool:
    """Tell whether one cluster alone lets a column vary: without it nothing of it is left."""
    columns = zip(data.design.T, solution.cleared.T, strict=True)
    for column, cleared in columns:
        shares = np.bincount(data.cluster, solution.expected * cleared**2, data.n_clusters)
        whole = shares.sum()
        most = int(shares.argmax())
        if shares[most] < 0.5 * whole:
            continue  # at least two clusters tell of it
        rest = data.cluster != most
        effects = TwoWay(
            _renumbered(data.effects.unit[rest]), _renumbered(data.effects.period[rest])
        )
        left = effects.residuals(column[rest][:, None], solution.expected[rest])[:, 0]
        if np.sum(solution.expected[rest] * left**2) <= 1e-9 * whole:
            return True
    return False


def foretold(y: Floats, x: Floats, effects: TwoWay) -> NDArray[np.bool_]:
    """Tell which rows with a count of 0 the design and the effects foretell to be 0.

    Their likelihood has no largest value and they tell nothing of the coefficients: iterated
    least squares with the result clipped at zero finds them (Correia and others 2020).
    """
    none = y == 0
    if not none.any() or not x.shape[1]:
        return np.zeros(len(y), dtype=bool)
    weight = np.where(none, 1.0, 1e6)
    cleared = effects.residuals(x, weight)
    root = np.sqrt(weight)[:, None]
    push = none.astype(float)
    for _step in range(_MOST_PUSHES):
        target = effects.residuals(push[:, None], weight)
        slope = np.linalg.lstsq(cleared * root, target * root, rcond=1e-10)[0]
        fitted = push - (target - cleared @ slope)[:, 0]
        pushed = np.where(none, np.maximum(fitted, 0.0), 0.0)
        largest = pushed.max()
        if largest < _NO_PUSH:  # the push dies out: no direction foretells a zero
            return np.zeros(len(y), dtype=bool)
        if np.abs(pushed - push).max() <= 1e-5 * largest:
            found: NDArray[np.bool_] = pushed > _NO_PUSH * largest
            return found
        push = pushed
    return np.zeros(len(y), dtype=bool)


def _with_counts(y: Floats, unit: NDArray[np.intp], period: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Tell which rows belong to a unit and to a period that have any count, step by step."""
    kept = np.ones(len(y), dtype=bool)
    while True:
        alive = kept.copy()
        for codes in (unit, period):
            alive &= np.bincount(codes, y * kept, codes.max(initial=0) + 1)[codes] > 0
        if (alive == kept).all():
            return kept
        kept = alive


def _renumbered(codes: NDArray[np.intp]) -> NDArray[np.intp]:
    return np.unique(codes, return_inverse=True)[1]


def _check_columns(design: Floats, information: Floats, weight: Floats) -> None:
    mean = weight @ design / weight.sum()
    whole = weight @ (design - mean) ** 2
    # rounding of a large constant leaves a trace of variation
    trace = 1e-24 * weight.sum() * mean**2
    still = np.diag(information) <= np.maximum(1e-9 * whole, trace)
    if still.any():
        message = (
            f"design must vary within units and periods; column {int(still.argmax()) + 1} does not."
        )
        raise InputError(message)
    scale = 1 / np.sqrt(np.diag(information))
    if np.linalg.eigvalsh(information * np.outer(scale, scale)).min(initial=1.0) < 1e-10:
        message = "design must not repeat itself: one of its columns follows from the others."
        raise InputError(message)


def _deviance(y: Floats, expected: Floats) -> float:
    logged = np.where(y > 0, y * np.log(np.where(y > 0, y, 1.0) / expected), 0.0)
    return float(2 * np.sum(logged - (y - expected)))
