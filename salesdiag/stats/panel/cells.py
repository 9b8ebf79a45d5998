"""Regression on cells: cases that share all columns are one row with their counts or sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from salesdiag.errors import InputError
from salesdiag.stats.arguments import (
    counts_of,
    groups_of,
    matrix,
    one_number,
    one_of,
    share,
    vector,
)
from salesdiag.stats.rates.student import t_interval, two_sided_p

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

Variance = Literal["jackknife", "sandwich"]
_MOST_STEPS = 60
_SEPARATED = 25.0  # odds of e to the 25: no data tell odds that large


class CellFit(NamedTuple):
    """Coefficients of a regression on cells, the constant first."""

    coefficient: Floats
    low: Floats
    high: Floats
    standard_error: Floats
    p_value: Floats
    covariance: Floats
    fitted: Floats


def logistic_cells(
    n_part: ArrayLike,
    n_whole: ArrayLike,
    design: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    ridge: float = 0.0,
    variance: Variance = "jackknife",
    confidence: float = 0.95,
) -> CellFit:
    """Regress a share on columns by logistic regression, cells instead of cases.

    The estimate is that of one row a case, at the cost of the number of cells. A column that
    splits the cases with the event from those without has no finite coefficient; that is an
    error here and not a large number, unless a ridge is asked for.

    Parameters
    ----------
    n_part, n_whole : array_like, shape (N,)
        Cases with the event and cases, of each cell. Cells without cases tell nothing.
    design : array_like, shape (N,) or (N, K)
        Columns; the constant is added.
    cluster : array_like, shape (N,), optional
        Labels of what is independent; standard errors then allow for any dependence within
        (Student's t, clusters - 1 degrees of freedom). None: cases are independent.
    ridge : float, default 0
        Penalty on the squares of the coefficients of standardised columns (not the constant).
        It shrinks towards 0; intervals are then those of the shrunken estimate.
    variance : {"jackknife", "sandwich"}, default "jackknife"
        With clusters. The jackknife leaves out one after the other, by one step; the sandwich
        (times clusters / (clusters - 1)) is too small where a column is the same within
        clusters and these are few: with 6 its 95 % interval covers 80 %.
    confidence : float, default 0.95
        Level of the intervals.

    Returns
    -------
    CellFit
        ``coefficient`` (logarithms of odds ratios; the constant first), ``low``, ``high``,
        ``standard_error``, ``p_value``, ``covariance``, and ``fitted`` shares of the cells.
        Bounds are NaN with one cluster, or where without one of them nothing is told.

    Raises
    ------
    InputError
        If counts cannot be, a column repeats others or the constant, or the design separates
        those with the event from those without.

    Examples
    --------
    30 of 50 against 10 of 40: an odds ratio of 4.5.

    >>> fit = logistic_cells([10, 30], [40, 50], [0, 1])
    >>> np.exp(fit.coefficient[1]).round(6).item()
    4.5
    """
    whole = vector("n_whole", n_whole, least=0, at_least=1)
    part, whole = counts_of(vector("n_part", n_part, least=0, length=len(whole)), whole)
    x = _with_constant(design, len(part))
    penalty = _penalty(x, whole, ridge)
    beta: Floats = np.zeros(x.shape[1])
    for _step in range(_MOST_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(x @ beta, -35, 35)))
        gradient = x.T @ (part - whole * chance) - penalty * beta
        information = x.T @ (x * (whole * chance * (1 - chance))[:, None]) + np.diag(penalty)
        if not _step:
            _check_columns(information)
        move = np.linalg.lstsq(information, gradient, rcond=None)[0]
        move *= min(1.0, 5 / max(np.abs(x @ move).max(initial=0.0), 1e-300))
        beta = beta + move
        if np.abs(x @ move).max(initial=0.0) < 1e-10:
            break
    else:
        _refuse_separated(x, beta)
    _check_separated(x, beta, part, whole)
    rows = x * (part - whole * chance)[:, None]
    told = x * np.sqrt(whole * chance * (1 - chance))[:, None]
    clusters = None if cluster is None else _Clusters(cluster, whole, rows, told, variance)
    return _fit(beta, information, clusters, 1.0, chance, confidence)


def linear_cells(
    n: ArrayLike,
    value_sum: ArrayLike,
    design: ArrayLike,
    *,
    value_squares: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    variance: Variance = "jackknife",
    confidence: float = 0.95,
) -> CellFit:
    """Regress a value on columns by least squares, cells instead of cases.

    Parameters
    ----------
    n, value_sum : array_like, shape (N,)
        Cases, and the sum of their values, of each cell.
    design : array_like, shape (N,) or (N, K)
        Columns; the constant is added.
    value_squares : array_like, shape (N,), optional
        Sum of the squares of the values of each cell. With it, the standard errors are those
        of one row a case; without it and without clusters, those of the means of the cells.
    cluster : array_like, shape (N,), optional
        Labels of what is independent, as in `logistic_cells`.
    variance : {"jackknife", "sandwich"}, default "jackknife"
        With clusters, as in `logistic_cells`.
    confidence : float, default 0.95
        Level of the intervals.

    Returns
    -------
    CellFit
        As of `logistic_cells`; ``fitted`` means of the cells. Bounds are NaN where no degree of
        freedom is left.

    Raises
    ------
    InputError
        If counts cannot be, or a column repeats others or the constant.

    Examples
    --------
    >>> fit = linear_cells([2, 2], [10, 14], [0, 1], value_squares=[52, 100])
    >>> fit.coefficient.round(6).tolist()
    [5.0, 2.0]
    """
    weight = vector("n", n, least=0, at_least=1)
    total = vector("value_sum", value_sum, length=len(weight))
    if np.any(total[weight == 0] != 0):
        message = "value_sum must be 0 where n is 0: a cell without cases has no values."
        raise InputError(message)
    x = _with_constant(design, len(weight))
    information = x.T @ (x * weight[:, None])
    _check_columns(information)
    beta = np.asarray(np.linalg.solve(information, x.T @ total), float)
    fitted = x @ beta
    mean = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
    between = float(np.sum(weight * (mean - fitted) ** 2))
    if value_squares is None:
        degrees, within = float(np.sum(weight > 0)) - x.shape[1], 0.0
    else:
        squares = vector("value_squares", value_squares, least=0, length=len(weight))
        spread = squares - weight * mean**2
        if np.any(spread < -1e-9 * np.maximum(squares, weight * mean**2)):
            message = "value_squares must be at least value_sum squared over n in each cell."
            raise InputError(message)
        within = float(np.sum(np.maximum(spread, 0.0)))
        degrees = float(weight.sum()) - x.shape[1]
    scale = (between + within) / degrees if degrees > 0 else np.nan
    rows = x * (total - weight * fitted)[:, None]
    told = x * np.sqrt(weight)[:, None]
    clusters = None if cluster is None else _Clusters(cluster, weight, rows, told, variance)
    return _fit(beta, information, clusters, scale, fitted, confidence, degrees)


class _Clusters(NamedTuple):
    """What is needed for standard errors by cluster: labels, sizes, scores and information."""

    labels: ArrayLike
    weight: Floats
    scores: Floats
    told: Floats  # rows whose products add up to the information
    variance: str

    def covariance(self, information: Floats) -> tuple[Floats, float]:
        """Give the covariance of the coefficients and its degrees of freedom."""
        one_of("variance", self.variance, ("jackknife", "sandwich"))
        groups = groups_of("cluster", self.labels, len(self.scores))
        n = len(np.unique(groups.codes[self.weight > 0]))  # empty cells are no cluster
        unknown = np.full_like(information, np.nan)
        if n < 2:
            return unknown, n - 1.0
        scores = np.zeros((len(groups.labels), self.scores.shape[1]))
        np.add.at(scores, groups.codes, self.scores)
        if self.variance == "sandwich":
            moved, scale = np.linalg.solve(information, scores.T), n / (n - 1)
        else:
            own = np.zeros((len(groups.labels), *information.shape))
            np.add.at(own, groups.codes, self.told[:, :, None] * self.told[:, None, :])
            size = np.sqrt(np.diag(information))
            without = information - own
            if np.linalg.eigvalsh(without / np.outer(size, size)).min() < 1e-10:
                return unknown, n - 1.0  # without one of them nothing is told
            moved, scale = np.linalg.solve(without, scores[:, :, None])[:, :, 0].T, (n - 1) / n
        covariance: Floats = scale * moved @ moved.T
        return covariance, n - 1.0


def _fit(
    beta: Floats,
    information: Floats,
    clusters: _Clusters | None,
    scale: float,
    fitted: Floats,
    confidence: float,
    degrees: float = np.inf,
) -> CellFit:
    """Add standard errors: from the model, or from the scores of clusters."""
    level = share("confidence", confidence)
    if clusters is None:
        covariance: Floats = scale * np.asarray(np.linalg.inv(information), float)
    else:
        covariance, degrees = clusters.covariance(information)
    error = np.sqrt(np.diag(covariance))
    low, high = t_interval(beta, error, degrees, level)
    p_value = two_sided_p(beta, error, degrees)
    return CellFit(beta, low, high, error, p_value, covariance, fitted)


def _with_constant(design: ArrayLike, n_rows: int) -> Floats:
    return np.column_stack((np.ones(n_rows), matrix("design", design, rows=n_rows)))


def _penalty(x: Floats, weight: Floats, ridge: float) -> Floats:
    """Give the penalty of each coefficient: that of its column, standardised."""
    penalty = one_number("ridge", ridge, least=0)
    mean = weight @ x / max(weight.sum(), 1e-300)
    spread = weight @ (x - mean) ** 2 / max(weight.sum(), 1e-300)
    found: Floats = penalty * spread  # of the constant 0
    return found


def _check_columns(information: Floats) -> None:
    scale = np.sqrt(np.diag(information))
    if (scale == 0).any() or np.linalg.eigvalsh(information / np.outer(scale, scale)).min() < 1e-11:
        message = (
            "design must not repeat itself: a column is constant, or follows from the others, in "
            "the cells that have cases."
        )
        raise InputError(message)


def _check_separated(x: Floats, beta: Floats, part: Floats, whole: Floats) -> None:
    counted = whole > 0
    ends = (part[counted] == 0) | (part[counted] == whole[counted])
    if np.any(np.abs(x[counted] @ beta)[ends] > _SEPARATED):
        _refuse_separated(x[counted], beta)


def _refuse_separated(x: Floats, beta: Floats) -> None:
    spread = np.abs(beta) * x.std(axis=0)
    message = (
        "design must not separate the cases with the event from those without; column "
        f"{max(int(spread.argmax()), 1)} does. A ridge above 0 gives a finite estimate."
    )
    raise InputError(message)
