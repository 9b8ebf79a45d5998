"""What an outcome would have been at each level of a dose, with like compared to like."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.errors import InputError
from salesdiag.stats.arguments import numbers, share, whole_number
from salesdiag.stats.effects.dose_cells import Cells, distinct_rows, dose_cells
from salesdiag.stats.effects.overlap import LEAST_PROPENSITY, overlap_of, why_not
from salesdiag.stats.effects.ridge import fit_means, fit_shares, shares_at
from salesdiag.stats.rates.student import t_quantile

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class DoseEffects(NamedTuple):
    """One entry a level of the dose, in ascending order."""

    level: NDArray[np.generic]
    n: NDArray[np.float64]
    mean: NDArray[np.float64]
    mean_low: NDArray[np.float64]
    mean_high: NDArray[np.float64]
    effect: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    share_below: NDArray[np.float64]
    effective_n: NDArray[np.float64]
    least_propensity: NDArray[np.float64]
    reason: NDArray[np.str_]
    n_clusters: int


def dose_effect(
    dose: ArrayLike,
    covariates: ArrayLike,
    n: ArrayLike,
    outcome_sum: ArrayLike,
    *,
    outcome_squares: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    reference: object = None,
    folds: int = 5,
    ridge: float = 1.0,
    seed: int = 0,
    confidence: float = 0.95,
) -> DoseEffects:
    """Compare the outcome at each level of a dose, were the whole population given that level.

    Two models are fitted: the chance of each level given the covariates, and the outcome
    given the covariates at each level. The estimate is right if either of them is (cross-fitted
    augmented inverse probability weighting), and both are fitted without the cases that they
    are used on. It is an effect only if the covariates hold all that drives both dose and
    outcome, and none that the dose itself has changed; `robustness_value` asks how
    strong something left out would have to be.

    Nothing is told where the data cannot tell: a level is refused, with the ``reason``, if
    more than 5 % of the population have a chance below 0.02 of it, if its cases are worth
    fewer than 20 after weighting, or if a fold leaves none of it to learn from. Merge rare
    levels beforehand. The few chances below 0.02 that remain are taken as 0.02.

    Simulated with three levels and two covariates (600 to 1,500 rounds; 6 clusters of 100
    cases, 12 of 50, 30 of 40 and 100 of 20; dose by case, mostly or wholly by cluster), 95 %
    intervals covered 94 to 98 % and 3 to 6 % of absent effects were found; without clusters
    they covered 94 %, at 200 and at 1,000 cases.

    Parameters
    ----------
    dose : array_like, shape (R,)
        Level of the row's cases; text or numbers.
    covariates : array_like, shape (R, P)
        Numbers; a category comes as 0/1 columns. They are put on a common scale here.
    n, outcome_sum : array_like, shape (R,)
        Cases of the row and the sum of their outcomes; a row of ``n`` 1 is a single case.
        Without ``outcome_squares`` the outcome is a yes or no: the sum is 0 to ``n``.
    outcome_squares : array_like, shape (R,), optional
        Sum of the squared outcomes; given for an amount, which may be any number.
    cluster : array_like, shape (R,), optional
        What is independent of each other. Without it every case is on its own, which is
        rarely so.
    reference : optional
        Level that the others are compared with; the lowest if none is given. Of a list of
        levels the first that is not refused, or else the first.
    folds : int, default 5
        Parts that the clusters (or cases) are dealt into, at most as many as there are; 1
        fits and uses the models on the same cases.
    ridge : float, default 1
        Strength that holds the coefficients together, as if one more case spoke for zero.
    seed : int, default 0
        For dealing the parts; the order of the rows does not matter.
    confidence : float, default 0.95
        Level of the intervals.

    Returns
    -------
    DoseEffects
        ``mean``: mean outcome with all at the level, with its interval; it may leave the range
        of the outcomes a little. ``effect``: against the reference, 0 at the reference itself;
        ``standard_error``, ``low`` and ``high`` by clusters, with Student's t at one less
        than their number. All of them NaN where ``reason`` is not empty, and the effects also
        where the reference is refused. Where the outcomes do not vary, means and effects stand
        and their errors and intervals are NaN, as nothing tells how sure they are.
        ``share_below``, ``effective_n`` and
        ``least_propensity`` as in `overlap_of`.

    Raises
    ------
    InputError
        If lists differ in length, an outcome is impossible, fewer than two levels or clusters
        are there, or ``reference`` is none of the levels.

    References
    ----------
    Robins, J. M., Rotnitzky, A. and Zhao, L. P. (1994). Estimation of regression coefficients
    when some regressors are not always observed. JASA 89, 846-866.
    Bang, H. and Robins, J. M. (2005). Doubly robust estimation in missing data and causal
    inference models. Biometrics 61, 962-973.
    Chernozhukov, V. et al. (2018). Double/debiased machine learning for treatment and
    structural parameters. Econometrics Journal 21, C1-C68.

    Examples
    --------
    Both kinds do better by 10 points when treated, but the worse kind is treated more often:
    the plain shares are equal.

    >>> found = dose_effect(
    ...     ["no", "yes", "no", "yes"], [0, 0, 1, 1], [300, 100, 100, 300], [150, 60, 10, 60],
    ...     folds=1)
    >>> found.effect.round(2).tolist()
    [0.0, 0.1]
    """
    level = share("confidence", confidence)
    strength = _strength(ridge)
    cells = dose_cells(
        dose, covariates, n, outcome_sum, outcome_squares, cluster,
        whole_number("folds", folds, least=1), whole_number("seed", seed),
    )  # fmt: skip
    bases = [_position(cells.levels, one)
             for one in (reference if isinstance(reference, list) else [reference])]  # fmt: skip
    if not bases:
        message = "reference must name at least one level; got an empty list."
        raise InputError(message)
    chance, expected, taught = _cross_fit(cells, strength, shares=outcome_squares is None)
    overlap = overlap_of(chance, cells.level, cells.n)
    reasons = np.array(why_not(overlap))
    reasons = np.where(taught, reasons, "no case of the level outside one of the folds")
    base = next((one for one in bases if not reasons[one]), bases[0])
    mean, covariance = _moments(cells, chance, expected, by_case=cluster is None)
    own = np.diag(covariance)
    variance, contrast = (
        np.where(one > cells.rounding, one, np.nan)
        for one in (own, own + own[base] - 2 * covariance[:, base])
    )
    told, times = reasons == "", t_quantile(cells.n_clusters - 1, level).item()
    count = np.bincount(cells.level, cells.n, minlength=len(cells.levels)).astype(float)
    return DoseEffects(
        cells.levels, count, *_means(mean + cells.centre, variance, told, times),
        *_effects(mean, contrast, told, base, times), *overlap, reasons, cells.n_clusters,
    )  # fmt: skip


def _strength(ridge: float) -> float:
    value = numbers("ridge", ridge, least=0)
    if value.size != 1:
        message = f"ridge must be one number; got {value.size}."
        raise InputError(message)
    if not value.item() > 0:
        message = "ridge must be above 0; got 0: take a small one, such as 0.001."
        raise InputError(message)
    return value.item()


def _position(labels: NDArray[np.generic], reference: object) -> int:
    if reference is None:
        return 0
    at = np.flatnonzero([one == reference for one in labels.tolist()])
    if len(at) == 0:
        message = f"reference must be one of the levels {labels.tolist()}; got {reference!r}."
        raise InputError(message)
    return int(at[0])


def _cross_fit(
    cells: Cells, ridge: float, *, shares: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Give chance and expected outcome of each level, learned from the other folds."""
    n_levels, n_folds = len(cells.levels), int(cells.fold.max()) + 1
    chance, expected = np.zeros((2, len(cells.n), n_levels))
    taught = np.ones(n_levels, dtype=bool)
    # cells of other clusters, levels and folds are alike to a model: it is fitted on their sums
    design, kind = distinct_rows(cells.design)
    place = (cells.fold * len(design) + kind) * n_levels + cells.level
    n, total = (
        np.bincount(place, values, minlength=n_folds * len(design) * n_levels).reshape(
            n_folds, len(design), n_levels
        )
        for values in (cells.n, cells.total)
    )
    for fold in range(n_folds):
        use = cells.fold == fold
        others = np.arange(n_folds) != fold if n_folds > 1 else np.ones(1, dtype=bool)
        counts, sums = n[others].sum(axis=0), total[others].sum(axis=0)
        there = counts.any(axis=0)
        taught &= there
        seen = counts.any(axis=1)
        coefficients = fit_shares(design[seen], counts[np.ix_(seen, there)], ridge=ridge)
        at, needed = _rows_of(design, kind[use])
        chance[np.ix_(use, there)] = shares_at(at, coefficients)[needed]
        for one in np.flatnonzero(there):
            some = counts[:, one] > 0
            learnt = _expected(design[some], counts[some, one], sums[some, one], at, ridge,
                               shares=shares)  # fmt: skip
            expected[use, one] = learnt[needed]
    return chance, expected, taught


def _rows_of(
    design: NDArray[np.float64], kind: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Give the rows of the design that some kinds have, each once, and where each kind is."""
    is_needed = np.zeros(len(design), dtype=bool)
    is_needed[kind] = True
    return design[is_needed], (np.cumsum(is_needed) - 1)[kind]


def _expected(
    design: NDArray[np.float64],
    n: NDArray[np.float64],
    total: NDArray[np.float64],
    at: NDArray[np.float64],
    ridge: float,
    *,
    shares: bool,
) -> NDArray[np.float64]:
    if not shares:
        return at @ fit_means(design, n, total, ridge=ridge)
    counts = np.column_stack([np.clip(n - total, 0, None), total])
    if np.any(counts.sum(axis=0) == 0):  # all alike: no logit to fit
        return np.full(len(at), total.sum() / n.sum())
    return np.asarray(shares_at(at, fit_shares(design, counts, ridge=ridge))[:, 1])


def _moments(
    cells: Cells,
    chance: NDArray[np.float64],
    expected: NDArray[np.float64],
    *,
    by_case: bool,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the means and their covariances, from cases or from clusters."""
    n, total, everyone = cells.n[:, None], cells.total[:, None], cells.n.sum()
    weight = (cells.level[:, None] == np.arange(chance.shape[1])) / np.maximum(
        chance, LEAST_PROPENSITY
    )
    surprise = weight * (total - n * expected)
    mean = np.sum(n * expected + surprise, axis=0) / everyone
    centred = expected - mean
    if by_case:
        rest = cells.squares[:, None] - 2 * expected * total + n * expected**2
        both = centred.T @ surprise
        squares = (centred * n).T @ centred + both + both.T
        squares += np.diag(np.sum(weight**2 * rest, axis=0))
    else:
        part = np.zeros((cells.n_clusters, len(mean)))
        np.add.at(part, cells.cluster, n * centred + surprise)
        squares = part.T @ part
    return mean, squares / everyone**2 * cells.n_clusters / (cells.n_clusters - 1)


def _means(
    mean: NDArray[np.float64],
    variance: NDArray[np.float64],
    told: NDArray[np.bool_],
    times: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    reach = np.sqrt(np.where(told, variance, np.nan)) * times
    return np.where(told, mean, np.nan), mean - reach, mean + reach


def _effects(
    mean: NDArray[np.float64],
    variance: NDArray[np.float64],
    told: NDArray[np.bool_],
    base: int,
    times: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    error = np.sqrt(variance)
    error[base] = 0.0
    error = np.where(told & told[base], error, np.nan)
    effect = np.where(told & told[base], mean - mean[base], np.nan)
    return effect, error, effect - times * error, effect + times * error
