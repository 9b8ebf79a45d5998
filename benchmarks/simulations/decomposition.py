"""Parts of a change: chains of sums, and price, volume and mix, by drawing clusters again."""

from __future__ import annotations

import numpy as np

from salesdiag.stats.decomposition import TERMS, chain_change, price_volume_mix, shapley_parts
from simulations.rows import LEVELS, Tally, random

CLUSTERS = (6, 12, 30, 100)
SIZES = {"clusters of like size": 0.0, "lognormal cluster sizes": 1.0}
FACTORS = np.array([[40.0, 0.5, 0.4, 10.0], [44.0, 0.45, 0.44, 10.5]])


def cluster_sizes(rng, spread, n_clusters):
    return rng.lognormal(-(spread**2) / 2, spread, n_clusters)


def chain_of(rng, n_clusters, spread):
    """Draw two sides of a chain of four sums; clusters keep their size and their rates."""
    size, off = cluster_sizes(rng, spread, n_clusters), rng.uniform(-0.15, 0.15, (2, n_clusters))
    sides = []
    for first, rate, next_rate, value in FACTORS:
        start = rng.poisson(first * size)
        middle = rng.binomial(start, rate + off[0])
        last = rng.binomial(middle, next_rate + off[1])
        # sums of exponential values
        money = np.where(last > 0, rng.gamma(np.maximum(last, 1)), 0.0) * value
        sides.append(np.column_stack((start, middle, last, money)))
    return sides


def chain(rounds):
    for sizes, spread in SIZES.items():
        for n_clusters in CLUSTERS:
            yield from _chain(rounds, n_clusters, sizes, spread)


def _chain(rounds, n_clusters, sizes, spread):
    rng = random("chain", n_clusters, sizes)
    factors = FACTORS * np.array([n_clusters, 1, 1, 1])
    truth = shapley_parts(*factors)
    tally = Tally()
    for seed in range(rounds):
        base, comparison = chain_of(rng, n_clusters, spread)
        for level in LEVELS:
            found = chain_change(base, comparison, confidence=level, seed=seed)
            tally.interval("part of the first sum", level, found.low[0], found.high[0], truth[0])
            tally.interval("parts of ratios", level, found.low[1:], found.high[1:], truth[1:])
            low, high = found.change_low, found.change_high
            tally.interval("change", level, low, high, truth.sum())
    yield from tally.figures("chain_change", f"{n_clusters} clusters, {sizes}")


def chain_known_base(rounds):
    """Hold the comparison against a reference that is known for sure."""
    for n_clusters in CLUSTERS[:3]:
        rng, tally = random("known base", n_clusters), Tally()
        factors = FACTORS * np.array([n_clusters, 1, 1, 1])
        truth, reference = shapley_parts(*factors), np.cumprod(factors[0])
        for seed in range(rounds):
            _base, comparison = chain_of(rng, n_clusters, 0.0)
            for level in LEVELS:
                found = chain_change(reference, comparison, confidence=level, seed=seed)
                tally.interval("parts", level, found.low, found.high, truth)
                low, high = found.change_low, found.change_high
                tally.interval("change", level, low, high, truth.sum())
        setting = f"{n_clusters} clusters, clusters of like size, base known"
        yield from tally.figures("chain_change", setting)


# expected quantity of a cluster of size 1 before and after, and prices: one item new, one lost
ITEMS = np.arange(6)
QUANTITY = np.array([[8.0, 5, 3, 6, 0, 2], [9.0, 4, 5, 6, 2, 0]])
PRICE = np.array([[10.0, 20, 30, 5, 15, 15], [10.5, 21, 28, 5, 15, 15]])


def mix(rounds):
    for sizes, spread in SIZES.items():
        for n_clusters in CLUSTERS:
            yield from _mix(rounds, n_clusters, sizes, spread)


def _mix(rounds, n_clusters, sizes, spread):
    """Let clusters differ in size, in taste and in the price that they get."""
    rng = random("mix", n_clusters, sizes)
    value = QUANTITY * PRICE
    expected = [side * n_clusters for pair in zip(QUANTITY, value, strict=True) for side in pair]
    truth = dict(zip(TERMS, price_volume_mix(ITEMS, *expected).total, strict=True))
    item = np.tile(ITEMS, n_clusters)
    cluster = np.repeat(np.arange(n_clusters), len(ITEMS))
    shape = (n_clusters, len(ITEMS))
    tally = Tally()
    for seed in range(rounds):
        size = cluster_sizes(rng, spread, n_clusters)[:, None]
        taste, terms = rng.gamma(2, 0.5, shape), rng.uniform(0.9, 1.1, (n_clusters, 1))
        columns = []
        for quantity, price in zip(QUANTITY, PRICE, strict=True):
            sold = rng.poisson(quantity * taste * size).astype(float)
            columns += [sold.ravel(), (sold * price * terms).ravel()]
        for level in LEVELS:
            found = price_volume_mix(item, *columns, cluster=cluster, confidence=level, seed=seed)
            for place, term in enumerate(TERMS):
                if term != "currency":
                    low, high = found.low[place], found.high[place]
                    tally.interval(term, level, low, high, truth[term])
    yield from tally.figures("price_volume_mix", f"{n_clusters} clusters, {sizes}")


TOPICS = {
    "decomposition-chain": (chain, 0.4),
    "decomposition-known-base": (chain_known_base, 0.4),
    "decomposition-mix": (mix, 0.4),
}
