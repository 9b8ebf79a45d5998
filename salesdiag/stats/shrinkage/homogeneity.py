"""Whether units differ by more than chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from scipy import special

from salesdiag.errors import InputError
from salesdiag.stats.arguments import counts_of, one_of, whole_number
from salesdiag.stats.rates.shares import ratio
from salesdiag.stats.shrinkage.units import check_expected, pair_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

Method = Literal["auto", "chi_square", "simulated"]

# below this an expected count makes the chi-square distribution a poor guide
_SMALL = 5.0
_BLOCK = 2_000_000  # numbers held at a time
# tables of more cases cannot be drawn: the generator's limit, and that of whole floats
_MOST_CASES = 1e9 - 1
_MOST_EVENTS = 2.0**53


class HomogeneityTest(NamedTuple):
    """Chi-square of the units' differences from their pooled rate."""

    statistic: float
    df: int
    p_value: float
    method: str


def homogeneity_test(
    n_part: ArrayLike,
    n_whole: ArrayLike,
    *,
    method: Method = "auto",
    seed: int = 0,
    n_draws: int = 4999,
) -> HomogeneityTest:
    """Tell whether the units' shares differ by more than chance would make them.

    Pearson's chi-square of the units against their pooled share. Where an expected count,
    of the part or of the rest, is below 5, its p-value cannot be read off the chi-square
    distribution; ``"auto"`` then takes the share of draws, with all unit sizes and the total
    held as they are, that differ at least as much (draws that differ exactly as much count
    half, the mid-p-value, or a test on few cases would hardly ever reject). Measured at a
    level of 5 %, 4 to 6 % of units that differ by chance alone are rejected (3 to 100 units,
    0.5 to 30 expected events each), 2 to 3 % with three units that expect up to one each.

    Parameters
    ----------
    n_part, n_whole : array_like, shape (I,)
        Numerator and denominator, one a unit. Units of size 0 or with NaN are left out.
    method : {"auto", "chi_square", "simulated"}, default "auto"
        Where the p-value comes from. Draws need whole numbers that add up to less than 1e9;
        ``"auto"`` keeps the chi-square distribution for others.
    seed : int, default 0
        Seed of the draws. The same units give the same p-value in any order.
    n_draws : int, default 4999
        Draws.

    Returns
    -------
    HomogeneityTest
        ``statistic``; ``df``, one below the number of units used; ``p_value`` in [0, 1],
        never 0 if drawn; ``method``, where it came from. Statistic and p-value are NaN with fewer
        than two units, or if none or all of the cases count.

    Raises
    ------
    InputError
        If the lists differ in length, a count is negative, a part exceeds its whole, or
        draws are asked for numbers that are not whole or too large.

    References
    ----------
    Agresti, A. (2013). Categorical Data Analysis, 3rd ed. Wiley, sections 3.2 and 3.5
    (exact tests and the mid-p-value).

    Examples
    --------
    >>> test = homogeneity_test([30, 40, 50], [100, 100, 100])
    >>> round(test.statistic, 3), test.df, round(test.p_value, 4), test.method
    (8.333, 2, 0.0155, 'chi_square')
    """
    part, whole = _used(*counts_of(*pair_of(("n_part", "n_whole"), n_part, n_whole)))
    pooled = float(ratio(part.sum(), whole.sum()))
    if len(part) < 2 or not 0 < pooled < 1:
        return HomogeneityTest(np.nan, max(len(part) - 1, 0), np.nan, "none")

    def statistic(drawn: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.float64]:
        misfit = (drawn - whole * pooled) ** 2 / whole
        return np.asarray(misfit.sum(axis=-1) / (pooled * (1 - pooled)))

    def draw(rng: np.random.Generator, n: int) -> NDArray[np.int64]:
        return rng.multivariate_hypergeometric(
            whole.astype(int), int(part.sum()), size=n, method="marginals"
        )

    observed, df = float(statistic(part)), len(part) - 1
    least = float(whole.min()) * min(pooled, 1 - pooled)
    counts = np.concatenate([part, whole])
    size = _Size(float(whole.sum()), _MOST_CASES)
    if _chooses_draws(method, least, counts, size, "n_part and n_whole"):
        p_value = _share_of_draws(observed, statistic, draw, len(part), seed, n_draws)
        return HomogeneityTest(observed, df, p_value, "simulated")
    return HomogeneityTest(observed, df, float(special.chdtrc(df, observed)), "chi_square")


def poisson_homogeneity_test(
    n_event: ArrayLike,
    expected: ArrayLike,
    *,
    method: Method = "auto",
    seed: int = 0,
    n_draws: int = 4999,
) -> HomogeneityTest:
    """Tell whether the units' ratios of observed to expected differ by more than chance.

    As `homogeneity_test`, for counts: the total is held as it is and shared out in
    proportion to ``expected``, so it is asked whether units differ among themselves, not
    whether they meet what was expected.

    Parameters
    ----------
    n_event : array_like, shape (I,)
        Events seen, one number a unit.
    expected : array_like, shape (I,)
        Events expected, or exposure. Units with 0 or NaN are left out.
    method : {"auto", "chi_square", "simulated"}, default "auto"
        Where the p-value comes from. Draws need whole numbers of events that add up to at
        most 2**53; ``"auto"`` keeps the chi-square distribution for others.
    seed : int, default 0
        Seed of the draws. The same units give the same p-value in any order.
    n_draws : int, default 4999
        Draws.

    Returns
    -------
    HomogeneityTest
        As of `homogeneity_test`; NaN with fewer than two units or no events.

    Raises
    ------
    InputError
        If the lists differ in length, a number is negative, events were seen where 0 were
        expected, or draws are asked for counts that are not whole or too large.

    Examples
    --------
    >>> test = poisson_homogeneity_test([12, 20, 28], [20, 20, 20])
    >>> round(test.statistic, 3), test.df, round(test.p_value, 4)
    (6.4, 2, 0.0408)
    """
    event, exposure = pair_of(("n_event", "expected"), n_event, expected)
    check_expected(event, exposure)
    event, exposure = _used(event, exposure)
    pooled = float(ratio(event.sum(), exposure.sum()))
    if len(event) < 2 or not pooled > 0:
        return HomogeneityTest(np.nan, max(len(event) - 1, 0), np.nan, "none")
    mean = exposure * pooled

    def statistic(drawn: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(((drawn - mean) ** 2 / mean).sum(axis=-1))

    def draw(rng: np.random.Generator, n: int) -> NDArray[np.int64]:
        return rng.multinomial(int(event.sum()), exposure / exposure.sum(), size=n)

    observed, df = float(statistic(event)), len(event) - 1
    size = _Size(float(event.sum()), _MOST_EVENTS)
    if _chooses_draws(method, float(mean.min()), event, size, "n_event"):
        p_value = _share_of_draws(observed, statistic, draw, len(event), seed, n_draws)
        return HomogeneityTest(observed, df, p_value, "simulated")
    return HomogeneityTest(observed, df, float(special.chdtrc(df, observed)), "chi_square")


def _used(
    n: NDArray[np.float64], size: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Leave out units without cases and sort the rest, so that their order is no matter."""
    kept = ~np.isnan(n) & (size > 0)
    order = np.lexsort((n[kept], size[kept]))
    return n[kept][order], size[kept][order]


class _Size(NamedTuple):
    """How many there are in all, and how many can be drawn."""

    total: float
    most: float


def _chooses_draws(
    method: Method, least_expected: float, counts: NDArray[np.float64], size: _Size, names: str
) -> bool:
    """Settle whether the p-value is drawn, which takes whole numbers, and not too many."""
    one_of("method", method, ("auto", "chi_square", "simulated"))
    broken = counts[counts % 1 != 0]
    if method == "simulated" and len(broken):
        message = (
            f'{names} must be whole numbers for method="simulated"; got {broken[0]:g}. '
            'Take method="chi_square".'
        )
        raise InputError(message)
    if method == "simulated" and size.total > size.most:
        message = (
            f'{names} must add up to at most {size.most:.10g} for method="simulated"; got '
            f'{size.total:g}. Take method="chi_square".'
        )
        raise InputError(message)
    small = least_expected < _SMALL and not len(broken) and size.total <= size.most
    return method == "simulated" or (method == "auto" and small)


def _share_of_draws(
    observed: float,
    statistic: Callable[[NDArray[np.int64]], NDArray[np.float64]],
    draw: Callable[[np.random.Generator, int], NDArray[np.int64]],
    n_units: int,
    seed: int,
    n_draws: int,
) -> float:
    """Give the mid-p-value: draws that differ more, and half of those that differ as much."""
    n_draws = whole_number("n_draws", n_draws, least=1)
    rng = np.random.default_rng(whole_number("seed", seed))
    step = max(_BLOCK // n_units, 1)
    count = 0.5  # the observed table is one of those that differ as much as itself
    for start in range(0, n_draws, step):
        drawn = statistic(draw(rng, min(step, n_draws - start)))
        equal = np.abs(drawn - observed) <= 1e-9 * observed
        count += np.sum((drawn > observed) & ~equal) + 0.5 * np.sum(equal)
    return float(count / (n_draws + 1))
