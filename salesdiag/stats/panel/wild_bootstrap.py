"""Panel coefficients when clusters are few: tests and intervals from the wild bootstrap."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.errors import InputError
from salesdiag.stats.arguments import share, whole_number
from salesdiag.stats.panel.poisson import PanelData, panel_data, solve

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_FEW_CLUSTERS = 12  # below, two signs give too few different draws
_WEBB = np.sqrt([0.5, 1.0, 1.5])
_MOST_TRIALS = 30


class WildTest(NamedTuple):
    """A coefficient with what the wild bootstrap says of it."""

    coefficient: float
    low: float
    high: float
    p_value: float
    n_clusters: int


def wild_interval(
    count: ArrayLike,
    design: ArrayLike,
    *,
    unit: ArrayLike,
    period: ArrayLike,
    column: int = 0,
    exposure: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
    n_draws: int = 999,
    seed: int = 0,
) -> WildTest:
    """Test one coefficient of `poisson_panel` and give its interval with few clusters.

    The score bootstrap: the model is fitted with the coefficient held at a value, the score
    of each cluster gets a random sign (below 12 clusters one of Webb's six weights), and the
    value is refuted if the score seen is among the most extreme. The interval holds the values
    that are not refuted, so it needs neither a normal distribution nor many clusters.

    In simulations with effects of periods the test at 5 % rejects 7 to 9 % of true values with
    6 clusters, 5 to 8 % with 12 and 4 to 7 % from 30 on; with 6 the 95 % interval covers 91 to
    93 %, and it can be without an end. The jackknife of `poisson_panel` errs to the other side.

    Parameters
    ----------
    count, design, unit, period, exposure, cluster
        As in `poisson_panel`.
    column : int, default 0
        The column of the design that is asked for.
    confidence : float, default 0.95
        Level of the interval.
    n_draws, seed : int
        Number of draws, and where the random numbers begin.

    Returns
    -------
    WildTest
        ``coefficient``; ``low``, ``high`` : its interval, infinite where no value in that
        direction is refuted; ``p_value`` of a coefficient of 0. All but the coefficient are
        NaN with fewer than three clusters.

    Raises
    ------
    InputError
        As in `poisson_panel`, or if there is no such column.

    References
    ----------
    Kline, P. and Santos, A. (2012). A score based approach to wild bootstrap inference.
    Journal of Econometric Methods 1, 23-41. Webb, M. D. (2023). Reworking wild bootstrap-based
    inference for clustered errors. Canadian Journal of Economics 56, 839-858.
    """
    level = share("confidence", confidence)
    whole_number("n_draws", n_draws, least=19)
    data = panel_data(count, design, unit=unit, period=period, exposure=exposure, cluster=cluster)
    whole_number("column", column, most=data.design.shape[1] - 1)
    full = solve(data, data.design, data.offset)
    coefficient = float(full.coefficient[column])
    if data.n_clusters < 3:
        return WildTest(coefficient, np.nan, np.nan, np.nan, data.n_clusters)
    signs = _signs(data.n_clusters, n_draws, seed)
    cleared, information = _clear(data, full.expected, column)
    step = float(1 / np.sqrt(information))
    # a change of the coefficient by which the expected counts move by a factor of e to the 20
    farthest = 20 / float(np.sqrt(np.average(cleared**2, weights=full.expected)))

    def p_value(held: float) -> float:
        return _p_value(data, column, held, signs)

    tail = (1 - level) * (1 + 1e-9)
    low, high = (_end(p_value, coefficient, way * step, tail, farthest) for way in (-1, 1))
    return WildTest(coefficient, low, high, p_value(0.0), data.n_clusters)


def _signs(n_clusters: int, n_draws: int, seed: int) -> Floats:
    """Draw a weight for each draw and cluster; the clusters stand in an order of their own."""
    random = np.random.default_rng(whole_number("seed", seed))
    if n_clusters >= _FEW_CLUSTERS:
        return random.choice([-1.0, 1.0], size=(n_draws, n_clusters))
    return random.choice(np.concatenate((-_WEBB, _WEBB)), size=(n_draws, n_clusters))


def _p_value(data: PanelData, column: int, held: float, signs: Floats) -> float:
    """Give the share of draws whose score is at least as extreme as the one seen."""
    others = np.delete(data.design, column, axis=1)
    restricted = solve(data, others, data.offset + held * data.design[:, column])
    cleared, information = _clear(data, restricted.expected, column)
    rows = cleared * (data.counts - restricted.expected)
    scores = np.bincount(data.cluster, rows, data.n_clusters)
    weight = np.bincount(data.cluster, restricted.expected * cleared**2, data.n_clusters)
    drawn = np.vstack((np.ones(data.n_clusters), signs)) * scores
    # each draw moves the coefficient, and the scores left over tell its spread
    left = drawn - np.outer(drawn.sum(axis=1) / information, weight)
    spread = np.sqrt(np.sum(left**2, axis=1))
    extreme = np.abs(drawn.sum(axis=1)) / np.where(spread > 0, spread, np.inf)
    return float((1 + np.sum(extreme[1:] >= extreme[0] * (1 - 1e-12))) / len(drawn))


def _clear(data: PanelData, expected: Floats, column: int) -> tuple[Floats, float]:
    """Clear a column of the effects and of the other columns; give it and its information."""
    cleared = data.effects.residuals(data.design, expected)
    others = np.delete(cleared, column, axis=1)
    root = np.sqrt(expected)[:, None]
    own = cleared[:, column]
    if others.shape[1]:
        own = own - others @ np.linalg.lstsq(others * root, own * root[:, 0], rcond=None)[0]
    return own, float(np.sum(expected * own**2))


def _end(
    p_value: Callable[[float], float], start: float, step: float, tail: float, farthest: float
) -> float:
    """Walk from the estimate until a value is refuted, then close in on the border."""
    inside, outside = start, start
    for trial in range(_MOST_TRIALS):
        outside = start + step * 2**trial
        if abs(outside - start) > farthest:
            return float(np.sign(step) * np.inf)
        try:
            refuted = p_value(outside) <= tail
        except (InputError, np.linalg.LinAlgError):
            # so far away the model cannot be fitted any more: nothing refutes these values
            return float(np.sign(step) * np.inf)
        if refuted:
            break
        inside = outside
    for _trial in range(_MOST_TRIALS):
        middle = (inside + outside) / 2
        if p_value(middle) <= tail:
            outside = middle
        else:
            inside = middle
        if abs(outside - inside) < 1e-3 * abs(step):
            break
    return inside
