"""Shares, differences of shares, shares of clustered cases, and sums of random contributions."""

from __future__ import annotations

import numpy as np
from scipy import stats

from salesdiag.stats.rates import (
    clopper_pearson_interval,
    clustered_rate,
    compound_poisson_interval,
    rate_difference,
    wilson_interval,
)
from simulations.rows import LEVELS, covered, random, summed

EVENTS = (5, 20, 100)
CLUSTERS = (6, 12, 30)


def shares(_rounds):
    """Sum the cover of a share over truths around the stated one: a single one is jagged."""
    for estimator in (wilson_interval, clopper_pearson_interval):
        for rate in (0.05, 0.3):
            for events in EVENTS:
                n = round(events / rate)
                seen = np.arange(n + 1)
                truth = rate * np.linspace(0.8, 1.2, 401)
                chance = stats.binom.pmf(seen[:, None], n, truth)
                for level in LEVELS:
                    low, high = estimator(seen, n, confidence=level)
                    held = (low[:, None] <= truth) & (truth <= high[:, None])
                    setting = f"{events} events of {n}"
                    cover = np.sum(chance * held, axis=0).mean()
                    yield summed("interval", estimator.__name__, setting, level, cover)


def differences(_rounds):
    """Sum the cover of a difference over both shares, over truths around the stated ones."""
    for rate in (0.1, 0.3):
        for gap in (0.0, 0.1):
            for times in (1, 3):
                for events in EVENTS:
                    yield from _difference(rate, gap, times, events)


def _difference(rate, gap, times, events):
    n, other = round(events / rate), times * round(events / rate)
    truth = rate * np.linspace(0.8, 1.2, 41)
    seen, seen_other = np.arange(n + 1), np.arange(other + 1)
    chance = stats.binom.pmf(seen[:, None], n, truth + gap)
    chance_other = stats.binom.pmf(seen_other[:, None], other, truth)
    setting = f"{events} events of {n}, the other side {other} at {rate:g}, difference {gap:g}"
    for level in LEVELS:
        found = rate_difference(seen[:, None], n, seen_other, other, confidence=level)
        held = (found.low <= gap + 1e-12) & (gap - 1e-12 <= found.high)
        cover = np.sum(chance * (held @ chance_other), axis=0).mean()
        yield summed("interval", "rate_difference", setting, level, cover)


def clustered(rounds):
    """Let cases of a cluster end alike (correlation), in clusters of one size or uneven."""
    for n_clusters in CLUSTERS:
        for size in (3, 10):
            for uneven in (False, True):
                for rate in (0.1, 0.4):
                    for correlation in (0.0, 0.05, 0.2):
                        if size == 3 and correlation != 0.05:
                            continue
                        yield from _clustered(rounds, n_clusters, size, uneven, rate, correlation)


def _clustered(rounds, n_clusters, size, uneven, rate, correlation):
    rng = random("clustered", n_clusters, size, uneven, rate, correlation)
    shape = (rounds, n_clusters)
    whole = np.full(shape, size)
    if uneven:
        whole = np.maximum(1, rng.poisson(size * rng.gamma(1, 1, shape)))
    true = np.full(shape, rate)
    if correlation:
        strength = 1 / correlation - 1
        true = rng.beta(rate * strength, (1 - rate) * strength, shape)
    part = rng.binomial(whole, true)
    group, cluster = np.divmod(np.arange(whole.size), n_clusters)
    sizes = "uneven" if uneven else "equal"
    setting = (
        f"{n_clusters} clusters of {size} cases, {sizes}, share {rate:g}, "
        f"correlation {correlation:g}"
    )
    for level in LEVELS:
        found = clustered_rate(
            part.ravel(), whole.ravel(), cluster=cluster, group=group, confidence=level
        )
        yield covered("clustered_rate", setting, level, found.low, found.high, rate)


def sizes_of(rng, name, n):
    if name == "equal sizes":
        return np.ones(n)
    return rng.exponential(1, n) if name == "exponential sizes" else rng.lognormal(-0.5, 1, n)


def sums(rounds):
    """Add up a Poisson number of contributions of mean size 1."""
    for name in ("equal sizes", "exponential sizes", "lognormal sizes"):
        for events in EVENTS:
            rng = random("sums", name, events)
            number = rng.poisson(events, rounds)
            of = np.repeat(np.arange(rounds), number)
            size = sizes_of(rng, name, len(of))
            total = np.bincount(of, size, rounds)
            squares = np.bincount(of, size**2, rounds)
            largest = np.zeros(rounds)
            np.maximum.at(largest, of, size)
            for level in LEVELS:
                low, high = compound_poisson_interval(
                    total, squares, largest, typical=1.0, confidence=level
                )
                setting = f"{events} events, {name}"
                yield covered("compound_poisson_interval", setting, level, low, high, events)


TOPICS = {
    "rates-shares": (shares, 1),
    "rates-differences": (differences, 1),
    "rates-clustered": (clustered, 1),
    "rates-sums": (sums, 2),
}
