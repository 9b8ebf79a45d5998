"""Quantiles of mixtures of beta, gamma and normal distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_TINY = 1e-300


def mixture_quantile(
    probability: float,
    weight: NDArray[np.float64],
    distribution: Callable[..., tuple[NDArray[np.float64], NDArray[np.float64]]],
    parameters: tuple[NDArray[np.float64], ...],
    *,
    mean: NDArray[np.float64],
    sd: NDArray[np.float64],
    support: tuple[float, float],
) -> NDArray[np.float64]:
    """Solve for a quantile of each unit's mixture by Newton's method kept within a bracket.

    ``distribution(x, *parameters)`` gives distribution function and density; the parameters
    have one row a unit and one column a node.
    """
    # Cantelli's inequality: no distribution has its quantile further out than this
    low = np.maximum(mean - sd * np.sqrt((1 - probability) / probability), support[0])
    high = np.minimum(mean + sd * np.sqrt(probability / (1 - probability)), support[1])
    start = mean + sd * special.ndtri(probability)
    found = np.where((start > low) & (start < high), start, (low + high) / 2)
    active = np.arange(len(mean))
    for _round in range(200):
        x = found[active]
        below, density = distribution(x[:, None], *(one[active] for one in parameters))
        gap, slope = below @ weight - probability, density @ weight
        low[active] = np.where(gap <= 0, x, low[active])
        high[active] = np.where(gap > 0, x, high[active])
        moved = x - np.divide(gap, slope, out=np.full_like(x, np.inf), where=slope > 0)
        inside = (moved > low[active]) & (moved < high[active])
        found[active] = np.where(inside, moved, (low[active] + high[active]) / 2)
        active = active[np.abs(found[active] - x) > 1e-9 * sd[active]]
        if not len(active):
            break
    return np.asarray(found)


def beta(
    x: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give distribution function and density of beta distributions."""
    inner, rest = np.maximum(x, _TINY), np.maximum(1 - x, np.finfo(float).eps / 4)
    both = a + b
    apart = x - a / both
    log_density = -a * _bend(inner * both / a, apart * both / a)
    log_density -= b * _bend(rest * both / b, -apart * both / b)
    log_density -= beyond_stirling(a) + beyond_stirling(b) - beyond_stirling(both)
    log_density += 0.5 * np.log(a / both * b / (2 * np.pi)) - np.log(inner) - np.log(rest)
    return special.betainc(a, b, x), np.exp(np.minimum(log_density, 700))


def gamma(
    x: NDArray[np.float64], shape: NDArray[np.float64], rate: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give distribution function and density of gamma distributions."""
    inner = np.maximum(x, _TINY)
    log_density = -shape * _bend(rate * inner / shape, (rate * x - shape) / shape)
    log_density += 0.5 * np.log(shape / (2 * np.pi)) - np.log(inner) - beyond_stirling(shape)
    return special.gammainc(shape, rate * x), np.exp(np.minimum(log_density, 700))


def _bend(quotient: NDArray[np.float64], less_one: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give (q - 1) - log(q), for q above 0."""
    return less_one - log_of(quotient, less_one)


def log_of(quotient: NDArray[np.float64], less_one: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the logarithm of q, from q - 1 where q is near 1: it then has more digits.

    >>> log_of(np.array([1.0, 2.0]), np.array([1e-20, 1.0])).round(20).tolist()
    [1e-20, 0.6931471805599453]
    """
    near = np.abs(less_one) < 0.5
    return np.where(near, np.log1p(np.where(near, less_one, 0.0)), np.log(quotient))


def beyond_stirling(x: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """Give log gamma less Stirling's formula: next to nothing for large numbers.

    With it, densities of large counts can be written without differences of large numbers.

    >>> beyond_stirling(np.array([1.0, 100.0])).round(6).tolist()
    [0.081061, 0.000833]
    """
    large = np.maximum(x, 20.0)
    fine = 1 - 2 / (7 * large**2) * (1 - 3 / (4 * large**2))
    series = (1 - fine / (30 * large**2)) / (12 * large)
    small = np.minimum(x, 20.0)
    exact = special.gammaln(small) - special.xlogy(small - 0.5, small) + small
    return np.asarray(np.where(np.asarray(x) > 20, series, exact - 0.5 * np.log(2 * np.pi)))


def normal(
    x: NDArray[np.float64], mean: NDArray[np.float64], sd: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give distribution function and density of normal distributions."""
    z = (x - mean) / sd
    return special.ndtr(z), np.exp(-0.5 * z**2) / (sd * np.sqrt(2 * np.pi))
