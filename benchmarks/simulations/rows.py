"""Figures of the table: shares measured by simulation, and whether they keep their promise.

An interval promises to hold the truth at its level, a test to reject a true null hypothesis at
its level, a list of findings to hold at most so many false ones. A figure is outside if it
breaks the promise by more than is tolerated and by more than chance in the simulation explains.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np

from salesdiag.errors import InputError

LEVELS = (0.9, 0.95)
ERROR_LEVEL = 0.05
TOLERATED = 0.02  # of an interval, to either side
TOLERATED_ERRORS = (0.7, 1.2)  # of a test, times its level: 3.5 to 6 % at 5 %
SLACK = 2.0  # standard errors of the simulation
ROUNDING = 1e-9


class Figure(NamedTuple):
    """One row: what was promised and what was measured.

    ``what`` is "interval", "test", or "at most" (an upper bound of an error). ``rounds`` is 0
    where probabilities were summed exactly; ``missing`` is the share without an answer.
    """

    what: str
    estimator: str
    setting: str
    nominal: float
    measured: float
    error: float
    rounds: int
    missing: float = 0.0

    @property
    def mark(self):
        """Say how the promise is broken; empty where it is kept."""
        least, most = self.measured - SLACK * self.error, self.measured + SLACK * self.error
        if np.isnan(self.measured):
            return "no answer"
        if self.what == "interval":
            if most < self.nominal - TOLERATED - ROUNDING:
                return "too short"
            return "too wide" if least > self.nominal + TOLERATED + ROUNDING else ""
        if least > self.nominal * TOLERATED_ERRORS[1] + ROUNDING:
            return "errs too often"
        cautious = most < self.nominal * TOLERATED_ERRORS[0] - ROUNDING
        return "too cautious" if cautious and self.what == "test" else ""


class Tally:
    """Answers collected round by round, by what they belong to and their level."""

    def __init__(self):
        self.rounds = {}

    def interval(self, name, level, low, high, truth):
        """Count the intervals of a round that hold the truth; NaN is no interval."""
        low, high, truth = np.broadcast_arrays(*np.atleast_1d(low, high, truth))
        known = ~(np.isnan(low) | np.isnan(high))
        slack = ROUNDING * np.maximum(1, np.abs(truth))
        held = known & (low - slack <= truth) & (truth <= high + slack)
        self._add(("interval", name, level), held, known)

    def test(self, name, p_value, *, level=ERROR_LEVEL, nominal=None):
        """Count the tests of a round that reject; NaN is no test."""
        p_value = np.atleast_1d(np.asarray(p_value, float))
        known = ~np.isnan(p_value)
        hit = known & (np.where(known, p_value, 1.0) <= level + ROUNDING)
        self._add(("test", name, level if nominal is None else nominal), hit, known)

    def held(self, name, level, held):
        """Count a set that holds the truth or not, or any other yes or no; NaN is no set."""
        held = np.atleast_1d(np.asarray(held, float))
        self._add(("interval", name, level), held == 1, ~np.isnan(held))

    def false(self, name, level, false):
        """Count false findings, of which there may be fewer than the level."""
        false = np.atleast_1d(np.asarray(false, float))
        self._add(("at most", name, level), false == 1, ~np.isnan(false))

    def _add(self, key, hit, known):
        row = (int(hit.sum()), int(known.sum()), known.size)
        self.rounds.setdefault(key, []).append(row)

    def figures(self, estimator, setting):
        """Give a figure for each name and level, in the order in which they came."""
        for (what, name, level), rows in self.rounds.items():
            full = f"{estimator}: {name}" if name else estimator
            yield _figure(what, full, setting, level, np.array(rows, float))


def covered(estimator, setting, level, low, high, truth):
    """Give the figure of intervals of all rounds at once, rounds along the first axis."""
    low, high, truth = np.broadcast_arrays(low, high, truth)
    known = ~(np.isnan(low) | np.isnan(high))
    slack = ROUNDING * np.maximum(1, np.abs(truth))
    held = known & (low - slack <= truth) & (truth <= high + slack)
    return _figure("interval", estimator, setting, level, _by_round(held, known))


def rejected(estimator, setting, p_value, *, level=ERROR_LEVEL):
    """Give the figure of p-values of all rounds at once, rounds along the first axis."""
    known = ~np.isnan(p_value)
    hit = known & (np.where(known, p_value, 1.0) <= level + ROUNDING)
    return _figure("test", estimator, setting, level, _by_round(hit, known))


def summed(what, estimator, setting, nominal, measured):
    """Give a figure whose probabilities were summed and not simulated."""
    return Figure(what, estimator, setting, nominal, float(measured), 0.0, 0)


def attempt(estimator, *data, **options):
    """Ask an estimator; None where it refuses the data, as documented."""
    try:
        return estimator(*data, **options)
    except InputError:
        return None


def random(*labels):
    """Give the random numbers of a setting: the same ones in every run, in any order."""
    return np.random.default_rng(zlib.crc32(repr(labels).encode()))


def _by_round(hit, known):
    width = known.size // len(known)
    hit, known = hit.reshape(-1, width).sum(axis=1), known.reshape(-1, width).sum(axis=1)
    return np.column_stack((hit, known, np.full(len(known), width))).astype(float)


def _figure(what, estimator, setting, nominal, rows):
    """Divide sums over rounds; answers of one round are alike, so rounds give the error."""
    hit, known, asked = rows.T
    if not known.sum():
        return Figure(what, estimator, setting, nominal, float("nan"), 0.0, len(rows), 1.0)
    measured = hit.sum() / known.sum()
    spread = np.sum((hit - measured * known) ** 2)
    error = np.sqrt(spread) / known.sum()
    # no misses at all would seem free of error: as if there had been one
    least = np.sqrt(asked.mean()) / known.sum()
    missing = 1 - known.sum() / asked.sum()
    return Figure(what, estimator, setting, nominal, float(measured),
                  float(max(error, least)), len(rows), float(missing))  # fmt: skip
