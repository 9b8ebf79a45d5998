"""Units: what each is worth beyond chance, whether they differ at all, and funnel limits."""

from __future__ import annotations

import numpy as np
from scipy import stats

from salesdiag.stats.shrinkage import (
    beta_binomial_shrinkage,
    funnel_limits,
    gamma_poisson_shrinkage,
    homogeneity_test,
    normal_shrinkage,
    overdispersion,
    poisson_homogeneity_test,
    ratio_funnel_limits,
    ratio_overdispersion,
)
from simulations.rows import ERROR_LEVEL, LEVELS, Tally, random, summed

EVENTS = (5, 20, 100)
UNITS = (6, 12, 30)
SPREADS = (0.0, 0.25, 0.5, 1.0)
SHARE = 0.3


def shares_of(rng, n_units, events, spread):
    """Draw units whose log odds differ by about so much; give the truth and the data."""
    whole = np.round(events / SHARE * rng.uniform(0.5, 1.5, n_units)).clip(1)
    true = np.full(n_units, SHARE)
    if spread:
        strength = 1 / (spread**2 * SHARE * (1 - SHARE))
        true = rng.beta(SHARE * strength, (1 - SHARE) * strength, n_units)
    return true, (rng.binomial(whole.astype(int), true), whole)


def ratios_of(rng, n_units, events, spread):
    expected = events * rng.uniform(0.5, 1.5, n_units)
    true = rng.gamma(1 / spread**2, spread**2, n_units) if spread else np.ones(n_units)
    return true, (rng.poisson(expected * true), expected)


def means_of(rng, n_units, events, spread):
    variance = 1 / (events * rng.uniform(0.5, 1.5, n_units))
    true = rng.normal(0, spread, n_units)
    return true, (rng.normal(true, np.sqrt(variance)), variance)


FAMILIES = {
    beta_binomial_shrinkage: (shares_of, "log odds differ by"),
    gamma_poisson_shrinkage: (ratios_of, "ratios differ by"),
    normal_shrinkage: (means_of, "means differ by"),
}


def _shrunken(rounds, estimator):
    """Average the cover over the units of a round; rounds of many units tell more."""
    draw, says = FAMILIES[estimator]
    for n_units in UNITS:
        for events in EVENTS:
            for spread in SPREADS:
                rng, tally = random(estimator.__name__, n_units, events, spread), Tally()
                for _round in range(max(20, rounds * 2 // n_units)):
                    true, data = draw(rng, n_units, events, spread)
                    for level in LEVELS:
                        found = estimator(*data, confidence=level)
                        tally.interval("", level, found.low, found.high, true)
                setting = f"{n_units} units of {events} events, {says} {spread:g}"
                yield from tally.figures(estimator.__name__, setting)


def shrunken_shares(rounds):
    yield from _shrunken(rounds, beta_binomial_shrinkage)


def shrunken_ratios(rounds):
    yield from _shrunken(rounds, gamma_poisson_shrinkage)


def shrunken_means(rounds):
    yield from _shrunken(rounds, normal_shrinkage)


CASES = ((5, 0.1), (20, 0.05), (20, 0.3), (100, 0.3))


def homogeneity(rounds):
    yield from _homogeneity(rounds, homogeneity_test)


def homogeneity_ratios(rounds):
    yield from _homogeneity(rounds, poisson_homogeneity_test)


def _homogeneity(rounds, estimator):
    """Units that differ by chance alone, of uneven size."""
    for n_units in (3, 6, 12, 30, 100):
        for size, rate in CASES:
            methods = ["auto"]
            if size * rate > 5:
                methods.append("simulated")
            elif n_units in (6, 30):
                methods.append("chi_square")
            for method in methods:
                rng, tally = random(estimator.__name__, n_units, size, rate, method), Tally()
                for seed in range(rounds):
                    sizes = size * rng.uniform(0.3, 1.7, n_units)
                    if estimator is homogeneity_test:
                        sizes = np.round(sizes).clip(1)
                        data = rng.binomial(sizes.astype(int), rate), sizes
                    else:
                        data = rng.poisson(sizes * rate), sizes * rate
                    found = estimator(*data, method=method, seed=seed, n_draws=999)
                    tally.test("", found.p_value)
                setting = f"{n_units} units of {size * rate:g} expected events at {rate:g}"
                yield from tally.figures(f"{estimator.__name__} ({method})", setting)


def limits(_rounds):
    """Sum what lies within the limits of a funnel, over means around the stated one."""
    for events in EVENTS:
        for level in LEVELS:
            size = events / SHARE * np.linspace(0.8, 1.2, 101)
            inside = []
            for n in np.unique(np.round(size)):
                low, high = funnel_limits(n, SHARE, confidence=level)
                seen = np.arange(int(n) + 1)
                held = (seen / n >= low) & (seen / n <= high)
                inside.append(stats.binom.pmf(seen, int(n), SHARE) @ held)
            setting = f"{events} expected events, no differences"
            yield summed("interval", "funnel_limits", setting, level, np.mean(inside))
            inside, seen = [], np.arange(4 * events + 40)
            for expected in events * np.linspace(0.8, 1.2, 101):
                low, high = ratio_funnel_limits(expected, confidence=level)
                held = (seen / expected >= low) & (seen / expected <= high)
                inside.append(stats.poisson.pmf(seen, expected) @ held)
            yield summed("interval", "ratio_funnel_limits", setting, level, np.mean(inside))


def wider_limits(rounds):
    """Widen limits by the overdispersion of units that all belong to one distribution."""
    for n_units in (6, 12, 30, 100):
        for correction in ("none", "normal"):
            for spread in (0.0, 0.05, 0.1):
                yield from _wider(rounds, n_units, correction, spread)


def _wider(rounds, n_units, correction, spread):
    rng, tally = random("wider", n_units, correction, spread), Tally()
    for _round in range(max(20, rounds * 6 // n_units)):
        n = np.round(200 * rng.uniform(0.3, 1.7, n_units)).astype(int)
        part = rng.binomial(n, np.clip(rng.normal(SHARE, spread, n_units), 0.01, 0.99))
        wider = overdispersion(part, n, correction=correction)
        low, high = funnel_limits(n, part.sum() / n.sum(), overdispersion=wider)
        share = part / n
        tally.interval("funnel_limits", 1 - ERROR_LEVEL, low, high, share)
        expected = SHARE * n
        true = rng.normal(1, spread / SHARE, n_units).clip(0.01)
        seen = rng.poisson(expected * true)
        wider = ratio_overdispersion(seen, expected, correction=correction)
        low, high = ratio_funnel_limits(
            expected, target=seen.sum() / expected.sum(), overdispersion=wider
        )
        tally.interval("ratio_funnel_limits", 1 - ERROR_LEVEL, low, high, seen / expected)
    setting = f"{n_units} units of 200, true shares differ by {spread:g}, correction {correction}"
    yield from tally.figures("overdispersion", setting)


TOPICS = {
    "shrinkage-shares": (shrunken_shares, 1),
    "shrinkage-ratios": (shrunken_ratios, 1),
    "shrinkage-means": (shrunken_means, 1),
    "shrinkage-homogeneity": (homogeneity, 1 / 2),
    "shrinkage-homogeneity-ratios": (homogeneity_ratios, 1 / 2),
    "shrinkage-limits": (limits, 1),
    "shrinkage-wider-limits": (wider_limits, 1),
}
