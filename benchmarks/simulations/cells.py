"""Regressions on cells of cases, with and without clusters.

Cases of a cluster are alike by a latent normal (Gaussian copula), so the share at each value
of the columns is exactly logistic whatever the correlation.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from salesdiag.stats.panel import linear_cells, logistic_cells
from simulations.rows import LEVELS, Tally, attempt, random

CLUSTERS = (6, 12, 30)
EFFECT, BASE = 0.7, -1.2
PER_CLUSTER = 20
NOISE = {
    "normal noise": lambda rng, shape: rng.standard_normal(shape),
    "exponential noise": lambda rng, shape: rng.exponential(1, shape) - 1,
}


def columns_of(rng, n_clusters, per, *, by_cluster):
    """Draw two columns: 0/1 with an effect, 0 to 2 without, of cases or of whole clusters."""
    n = n_clusters * per
    cluster = np.repeat(np.arange(n_clusters), per)
    if by_cluster:
        first = rng.permutation(np.arange(n_clusters) % 2)[cluster]
        second = rng.permutation(np.arange(n_clusters) % 3)[cluster]
    else:
        first, second = rng.integers(0, 2, n), rng.integers(0, 3, n)
    return first, second, cluster


def cells_of(labels, *values):
    """Add cases with equal labels up: the labels of each cell, and its sums."""
    cells, place = np.unique(np.column_stack(labels), axis=0, return_inverse=True)
    place = place.ravel()
    return cells, [np.bincount(place, one, len(cells)) for one in values]


def count(tally, fit, level, place, truth, *, name=""):
    ends = (np.nan, np.nan) if fit is None else (fit.low[place], fit.high[place])
    tally.interval(name, level, *ends, truth)


def logistic(rounds):
    """Cases that are independent, in six cells."""
    for events in (5, 20, 100):
        n = round(events / special.expit(BASE + EFFECT / 2))
        rng, tally = random("logistic", events), Tally()
        for _round in range(rounds):
            first, second, _cluster = columns_of(rng, n, 1, by_cluster=False)
            y = rng.random(n) < special.expit(BASE + EFFECT * first)
            cells, (whole, part) = cells_of((first, second), np.ones(n), y)
            fit = None
            for level in LEVELS:
                fit = attempt(logistic_cells, part, whole, cells, confidence=level)
                count(tally, fit, level, 1, EFFECT)
            tally.test("", np.nan if fit is None else fit.p_value[2])
        yield from tally.figures("logistic_cells", f"{events} events of {n}, no clusters")


def logistic_clustered(rounds):
    for n_clusters in CLUSTERS:
        for by_cluster in (False, True):
            for correlation in (0.0, 0.2):
                yield from _logistic_clustered(rounds, n_clusters, by_cluster, correlation)


def _logistic_clustered(rounds, n_clusters, by_cluster, correlation):
    rng, tally = random("logistic", n_clusters, by_cluster, correlation), Tally()
    for _round in range(rounds):
        first, second, cluster = columns_of(rng, n_clusters, PER_CLUSTER, by_cluster=by_cluster)
        own = rng.standard_normal(n_clusters)[cluster]
        latent = np.sqrt(correlation) * own
        latent += np.sqrt(1 - correlation) * rng.standard_normal(len(cluster))
        y = special.ndtr(latent) < special.expit(BASE + EFFECT * first)
        cells, (whole, part) = cells_of((first, second, cluster), np.ones(len(y)), y)
        fit = None
        for level in LEVELS:
            fit = attempt(logistic_cells, part, whole, cells[:, :2], cluster=cells[:, 2],
                          confidence=level)  # fmt: skip
            count(tally, fit, level, 1, EFFECT)
        tally.test("", np.nan if fit is None else fit.p_value[2])
    yield from tally.figures(
        "logistic_cells", clustered_setting(n_clusters, by_cluster, correlation)
    )


def clustered_setting(n_clusters, by_cluster, correlation):
    columns = "of clusters" if by_cluster else "of cases"
    return (
        f"{n_clusters} clusters of {PER_CLUSTER}, columns {columns}, "
        f"latent correlation {correlation:g}"
    )


def linear(rounds):
    """Cases that are independent; with the sums of squares, and from means of cells alone."""
    for noise, draw in NOISE.items():
        for n in (12, 30, 100):
            rng, tally = random("linear", noise, n), Tally()
            for _round in range(rounds):
                first, second, _cluster = columns_of(rng, n, 1, by_cluster=False)
                y = EFFECT * first + draw(rng, n)
                cells, (size, total, squares) = cells_of((first, second), np.ones(n), y, y**2)
                for name, more in (("squares known", squares), ("means of cells", None)):
                    fit = None
                    for level in LEVELS:
                        fit = attempt(linear_cells, size, total, cells, value_squares=more,
                                      confidence=level)  # fmt: skip
                        count(tally, fit, level, 1, EFFECT, name=name)
                    tally.test(name, np.nan if fit is None else fit.p_value[2])
            yield from tally.figures("linear_cells", f"{n} cases in 6 cells, {noise}")


def linear_clustered(rounds):
    for n_clusters in CLUSTERS:
        for by_cluster in (False, True):
            for correlation in (0.0, 0.2):
                yield from _linear_clustered(rounds, n_clusters, by_cluster, correlation)


def _linear_clustered(rounds, n_clusters, by_cluster, correlation):
    rng, tally = random("linear", n_clusters, by_cluster, correlation), Tally()
    for _round in range(rounds):
        first, second, cluster = columns_of(rng, n_clusters, PER_CLUSTER, by_cluster=by_cluster)
        own = rng.standard_normal(n_clusters)[cluster]
        y = EFFECT * first + np.sqrt(correlation) * own
        y += np.sqrt(1 - correlation) * rng.standard_normal(len(cluster))
        cells, (size, total) = cells_of((first, second, cluster), np.ones(len(y)), y)
        fit = None
        for level in LEVELS:
            fit = attempt(linear_cells, size, total, cells[:, :2], cluster=cells[:, 2],
                          confidence=level)  # fmt: skip
            count(tally, fit, level, 1, EFFECT)
        tally.test("", np.nan if fit is None else fit.p_value[2])
    yield from tally.figures("linear_cells", clustered_setting(n_clusters, by_cluster, correlation))


TOPICS = {
    "cells-logistic": (logistic, 1),
    "cells-logistic-clustered": (logistic_clustered, 1),
    "cells-linear": (linear, 1),
    "cells-linear-clustered": (linear_clustered, 1),
}
