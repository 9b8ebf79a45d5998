"""Quantiles of mixtures of beta, gamma and normal distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


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
    log_density = special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x) - special.betaln(a, b)
    return special.betainc(a, b, x), np.exp(np.minimum(log_density, 700))


def gamma(
    x: NDArray[np.float64], shape: NDArray[np.float64], rate: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give distribution function and density of gamma distributions."""
    log_density = special.xlogy(shape - 1, rate * x) - rate * x - special.gammaln(shape)
    return special.gammainc(shape, rate * x), rate * np.exp(np.minimum(log_density, 700))


def normal(
    x: NDArray[np.float64], mean: NDArray[np.float64], sd: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give distribution function and density of normal distributions."""
    z = (x - mean) / sd
    return special.ndtr(z), np.exp(-0.5 * z**2) / (sd * np.sqrt(2 * np.pi))
