"""Averages over the unknown mean and spread of the units."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from salesdiag.stats.shrinkage.mixtures import beyond_stirling, log_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_MEAN_NODES = 24
_SPREAD_NODES = 32
# logarithm of prior size over typical size: the prior leaves 1e-4 above and 1e-6 below
_SPREAD_RANGE = (-30.0, 10.0)
_LEAST_STEP = 64 * float(np.finfo(float).eps)  # between nodes, over the place where they lie
_NEGLIGIBLE = 30.0  # a density e**30 times below its peak adds nothing to a sum
# units of few events: the spread is judged as if each held this many, else it has no scale
_LEAST_EVENTS = 4.0
# half the prior mass of the mean ratio lies below this many times the pooled one
_REACH = 10.0
# below this size of the prior, units are all or none already
_LEAST_SIZE = 0.01
# ratios whose standard deviation is over three times their mean are ruled out: without that
# limit the mean of a few units has no finite expectation
_LEAST_SHAPE = 0.1


class Nodes(NamedTuple):
    """Values of the spread that the data leave possible, and the mean given each of them."""

    size: NDArray[np.float64]  # prior size M (counts) or variance between units (normal)
    weight: NDArray[np.float64]  # adds up to 1
    mean: NDArray[np.float64]  # of the units' mean, given the spread
    mean_variance: NDArray[np.float64]


def beta_binomial_nodes(
    part: NDArray[np.float64], whole: NDArray[np.float64], times: NDArray[np.float64]
) -> Nodes:
    """Weigh prior sizes M by what ``times`` copies of each part of a whole say about them.

    The mean of the units is integrated out on the arcsine scale, on which its prior
    (Jeffreys') is flat and the likelihood is close to a bell.
    """
    pooled = float((times @ part + 0.5) / (times @ whole + 1))
    least = _LEAST_EVENTS / (pooled * (1 - pooled))
    typical = max(_median(whole, times), least)

    def at(size: float) -> tuple[float, float, float]:
        weight = times * whole / (whole + size)
        centre = np.arcsin(np.sqrt(weight @ (part / whole) / weight.sum()))
        reach = 4 / np.sqrt(weight.sum() * (size + 1))  # eight standard deviations

        def log_density(angle: NDArray[np.float64]) -> NDArray[np.float64]:
            first = _given_prior(size, np.sin(angle)[:, None] ** 2, whole, part / whole)
            second = _given_prior(size, np.cos(angle)[:, None] ** 2, whole, 1 - part / whole)
            return np.asarray((first + second - _of_stirling(size, whole)) @ times)

        angle, log_weight, log_total = _concentrate(
            log_density, centre - reach, centre + reach, bounds=(0, np.pi / 2), n_nodes=_MEAN_NODES
        )
        return (log_total, *_moments(np.sin(angle) ** 2, log_weight))

    return _over_spread(at, typical, least=_LEAST_SIZE)


def gamma_poisson_nodes(
    event: NDArray[np.float64], expected: NDArray[np.float64], times: NDArray[np.float64]
) -> Nodes:
    """Weigh prior sizes M (in expected events) by ``times`` copies of each count.

    The mean ratio is integrated out on the square-root scale. Its prior is a half-Cauchy
    there: a flat one would leave no proper answer for a handful of units.
    """
    pooled = float((times @ event + 0.5) / (times @ expected))
    typical = max(_median(expected, times), _LEAST_EVENTS / pooled)

    def at(size: float) -> tuple[float, float, float]:
        weight = times * expected / (expected + size)
        centre = np.sqrt(weight @ (event / expected) / weight.sum())
        reach = 4 / np.sqrt(weight.sum() * size)

        def log_density(root: NDArray[np.float64]) -> NDArray[np.float64]:
            given = _given_prior(size, root[:, None] ** 2, expected, event / expected)
            return np.asarray(given @ times) - np.log1p(root**2 / (_REACH * pooled))

        root, log_weight, log_total = _concentrate(
            log_density, centre - reach, centre + reach, bounds=(0, np.inf), n_nodes=_MEAN_NODES
        )
        return (log_total, *_moments(root**2, log_weight))

    return _over_spread(at, typical, least=_LEAST_SHAPE / pooled)


def _given_prior(
    size: float, prior: NDArray[np.float64], whole: NDArray[np.float64], own: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give log gamma(a + x) - log gamma(a) - (a + x) log(size + whole) + a log(size).

    Here a = size prior and x = whole own, and what depends on the unit alone is left out.
    Differences of log gammas lose all digits where counts are large; so this is written as
    the distances of both rates from their mean, with Stirling's formula for the rest.
    """
    both = size + whole
    middle = (size * prior + whole * own) / both
    apart = (prior - own) / middle
    misfit = size * middle * _bend(prior / middle, whole / both * apart)
    misfit = misfit + whole * middle * _bend(own / middle, -size / both * apart)
    return np.asarray(_of_stirling(size * prior, whole * own) - misfit)


def _bend(quotient: NDArray[np.float64], less_one: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give q log(q) - (q - 1), for q of 0 or more."""
    logarithm = log_of(np.where(quotient > 0, quotient, 1.0), less_one)
    return np.asarray(quotient * logarithm - less_one)


def _of_stirling(
    start: float | NDArray[np.float64], more: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give log gamma(a + x) - (a + x) log(a + x) + a + x, less the same for a alone."""
    rest = beyond_stirling(start + more) - beyond_stirling(start)
    return np.asarray(rest - 0.5 * np.log1p(more / start))


def normal_nodes(
    value: NDArray[np.float64], variance: NDArray[np.float64], times: NDArray[np.float64]
) -> Nodes:
    """Weigh variances between units; their mean, with a flat prior, is integrated exactly."""
    typical = _median(variance, times)

    def at(ratio: float) -> tuple[float, float, float]:
        precision = 1 / (variance + typical / ratio)
        total = times @ precision
        mean = times @ (precision * value) / total
        misfit = times @ (precision * (value - mean) ** 2)
        evidence = 0.5 * (times @ np.log(precision) - np.log(total) - misfit)
        return float(evidence), float(mean), float(1 / total)

    # where units differ by far more than chance the spread lies below the usual range
    most = float(np.ptp(value)) ** 2
    lowest = _SPREAD_RANGE[0]
    if most > 0:
        lowest = min(lowest, float(np.log(typical) - np.log(most)) + lowest)
    nodes = _over_spread(at, 1.0, least=float(np.exp(max(lowest, -700.0))))
    return nodes._replace(size=typical / nodes.size)


def _median(size: NDArray[np.float64], times: NDArray[np.float64]) -> float:
    return float(np.median(np.repeat(size, times.astype(int))))


def _over_spread(
    at: Callable[[float], tuple[float, float, float]], typical: float, *, least: float = 0.0
) -> Nodes:
    """Run over the spread; the root of the share of noise has a flat prior from 0 to 1."""
    start, stop = _SPREAD_RANGE
    start = float(np.log(least / typical)) if least > 0 else start
    found: dict[float, tuple[float, float, float]] = {}

    def log_density(position: NDArray[np.float64]) -> NDArray[np.float64]:
        found.update({one: at(typical * np.exp(one)) for one in position.tolist()})
        noise, signal = special.expit(position), special.expit(-position)
        evidence = np.array([found[one][0] for one in position.tolist()])
        return np.asarray(evidence + np.log(np.sqrt(noise) * signal))

    position, log_weight, _total = _concentrate(
        log_density, start, stop, bounds=(start, stop), n_nodes=_SPREAD_NODES
    )
    weight = np.exp(log_weight - log_weight.max())
    kept = weight > 1e-9
    _evidence, mean, mean_variance = np.array([found[one] for one in position[kept].tolist()]).T
    weight = weight[kept] / weight[kept].sum()
    return Nodes(typical * np.exp(position[kept]), weight, mean, mean_variance)


def _concentrate(
    log_density: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    low: float,
    high: float,
    *,
    bounds: tuple[float, float],
    n_nodes: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Give midpoints of equal steps over where a density lies, its logarithm and log integral."""
    low, high = max(low, bounds[0]), min(high, bounds[1])
    # far below this floats are too coarse to hold the nodes apart
    floor = n_nodes * _LEAST_STEP * max(abs(low), abs(high))
    lack = max(floor - (high - low), 0.0)
    low, high = low - lack / 2, high + lack / 2
    for _round in range(40):  # each shrinks or moves the range by about a half
        step = (high - low) / n_nodes
        x = low + step * (np.arange(n_nodes, dtype=np.float64) + 0.5)
        height = log_density(x)
        matters = np.flatnonzero(height >= height.max() - _NEGLIGIBLE)
        cut_low = matters[0] == 0 and low > bounds[0] and height[0] > height.max() - 10
        cut_high = (
            matters[-1] == n_nodes - 1 and high < bounds[1] and height[-1] > height.max() - 10
        )
        if cut_low or cut_high:
            width = high - low
            low = max(low - width * cut_low, bounds[0])
            high = min(high + width * cut_high, bounds[1])
        elif len(matters) < n_nodes / 2 and high - low > floor:
            low, high = max(x[matters[0]] - step, low), min(x[matters[-1]] + step, high)
        else:
            break
    log_total = float(height.max() + np.log(np.sum(np.exp(height - height.max())) * step))
    return x, height, log_total


def _moments(x: NDArray[np.float64], log_weight: NDArray[np.float64]) -> tuple[float, float]:
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    mean = float(weight @ x)
    return mean, float(weight @ (x - mean) ** 2)
