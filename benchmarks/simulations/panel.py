"""Counts of units over 24 periods: the panel regression, sums of coefficients, wild bootstrap.

Counts vary more than Poisson's by a factor of mean 1 and variance 0.25 that is drawn anew in
each period or, persistent, is alike from one period to the next (0.8).
"""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

from salesdiag.stats.panel import combination, poisson_panel, wild_interval
from simulations.rows import LEVELS, Tally, attempt, random

UNITS = (6, 12, 30, 60)
N_PERIODS = 24
EFFECT = 0.3
NOISE = {"independent noise": 0.0, "persistent noise": 0.8}
COLUMNS = {"columns anew each period": 0.0, "columns persistent": 0.9}


def path(rng, n_paths, correlation):
    """Give normal paths of variance 1, one a row."""
    steps = rng.standard_normal((n_paths, N_PERIODS))
    steps[:, 1:] *= np.sqrt(1 - correlation**2)
    return lfilter([1], [1, -correlation], steps, axis=1)


def panel_of(rng, n_units, noise, column, *, effect):
    """Draw counts of mean 1, two columns (the first with an effect), units and periods."""
    x = np.stack([path(rng, n_units, column).ravel() for _each in range(2)], axis=1)
    spread = np.sqrt(np.log(1.25))
    extra = np.exp(spread * path(rng, n_units, noise) - spread**2 / 2).ravel()
    unit = np.repeat(np.arange(n_units), N_PERIODS)
    period = np.tile(np.arange(N_PERIODS), n_units)
    level = 0.5 * rng.standard_normal(n_units)[unit] + 0.2 * np.sin(period / 2)
    count = rng.poisson(np.exp(level - 0.125 + effect * x[:, 0]) * extra)
    return count, x, unit, period


def settings():
    for n_units in UNITS:
        for noise, correlation in NOISE.items():
            for column, persistence in COLUMNS.items():
                setting = f"{n_units} units, {noise}, {column}"
                yield setting, (n_units, correlation, persistence)


def regression(rounds):
    """The first column has an effect and an interval, the second none and a test."""
    for setting, data in settings():
        for variance in ("jackknife", "sandwich"):
            rng, tally = random("panel", setting), Tally()
            for _round in range(rounds):
                count, x, unit, period = panel_of(rng, *data, effect=EFFECT)
                for level in LEVELS:
                    fit = attempt(
                        poisson_panel, count, x, unit=unit, period=period,
                        variance=variance, confidence=level,
                    )  # fmt: skip
                    ends = (np.nan, np.nan) if fit is None else (fit.low[0], fit.high[0])
                    tally.interval("", level, *ends, EFFECT)
                tally.test("", np.nan if fit is None else fit.p_value[1])
            yield from tally.figures(f"poisson_panel ({variance})", setting)


def sums(rounds):
    """Add both coefficients up."""
    for setting, data in settings():
        rng, tally = random("sums", setting), Tally()
        for _round in range(rounds):
            count, x, unit, period = panel_of(rng, *data, effect=EFFECT)
            fit = attempt(poisson_panel, count, x, unit=unit, period=period)
            if fit is None:
                continue
            for level in LEVELS:
                found = combination(fit, [1, 1], confidence=level)
                tally.interval("", level, found.low, found.high, EFFECT)
        yield from tally.figures("combination", setting)


def wild(rounds, *, columns):
    """Ask for a column without an effect, so that interval and test are held against 0."""
    for setting, data in settings():
        if not setting.endswith(columns):
            continue
        rng, tally = random("wild", setting), Tally()
        for seed in range(rounds):
            count, x, unit, period = panel_of(rng, *data, effect=0.0)
            found = None
            for level in LEVELS:
                found = attempt(
                    wild_interval, count, x[:, 0], unit=unit, period=period,
                    confidence=level, seed=seed,
                )  # fmt: skip
                ends = (np.nan, np.nan) if found is None else (found.low, found.high)
                tally.interval("", level, *ends, 0.0)
            tally.test("", np.nan if found is None else found.p_value)
        yield from tally.figures("wild_interval", setting)


def wild_anew(rounds):
    yield from wild(rounds, columns="columns anew each period")


def wild_persistent(rounds):
    yield from wild(rounds, columns="columns persistent")


TOPICS = {
    "panel-regression": (regression, 1 / 2),
    "panel-sums": (sums, 1 / 2),
    "panel-wild-anew": (wild_anew, 0.3),
    "panel-wild-persistent": (wild_persistent, 0.3),
}
