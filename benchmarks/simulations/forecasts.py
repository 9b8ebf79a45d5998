"""Forecast chances that are right: their calibration line and table."""

from __future__ import annotations

import numpy as np
from scipy import special

from salesdiag.stats.forecasts import calibration_line, calibration_table
from simulations.rows import LEVELS, Tally, attempt, random

MEAN, SPREAD = -0.5, 1.0  # of the log odds of the forecasts
SHARE = 0.395  # of cases with the event


def chances(rng, n):
    return special.expit(MEAN + SPREAD * rng.standard_normal(n))


def line(rounds):
    """Intercept 0 and slope 1; without an answer where the events are separated."""
    for events in (5, 20, 40, 100):
        n = round(events / SHARE)
        rng, tally = random("line", events), Tally()
        for _round in range(rounds):
            chance = chances(rng, n)
            event = rng.random(n) < chance
            found = None
            for level in LEVELS:
                found = attempt(calibration_line, chance, event, confidence=level)
                for name, truth in (("intercept", 0.0), ("slope", 1.0)):
                    ends = (np.nan, np.nan)
                    if found is not None:
                        ends = (getattr(found, f"{name}_low"), getattr(found, f"{name}_high"))
                    tally.interval(name, level, *ends, truth)
            tally.test("", np.nan if found is None else found.p_value)
        yield from tally.figures("calibration_line", f"{events} events of {n}")


def line_of_wrong_forecasts(rounds):
    """Chances too high and too bold: the line must hold what was done to them."""
    intercept, slope = -0.4, 0.7
    for events in (20, 100):
        n = round(events / 0.33)
        rng, tally = random("wrong", events), Tally()
        for _round in range(rounds):
            chance = chances(rng, n)
            event = rng.random(n) < special.expit(intercept + slope * special.logit(chance))
            for level in LEVELS:
                found = attempt(calibration_line, chance, event, confidence=level)
                for name, truth in (("intercept", intercept), ("slope", slope)):
                    ends = (np.nan, np.nan)
                    if found is not None:
                        ends = (getattr(found, f"{name}_low"), getattr(found, f"{name}_high"))
                    tally.interval(name, level, *ends, truth)
        yield from tally.figures("calibration_line", f"{events} events of {n}, forecasts wrong")


def table(rounds):
    """Hold the rate of each bin against the mean chance of the cases in it."""
    for n_bins in (5, 10):
        for events in (20, 100):
            n = round(events / SHARE)
            rng, tally = random("table", n_bins, events), Tally()
            for _round in range(rounds):
                chance = chances(rng, n)
                event = rng.random(n) < chance
                for level in LEVELS:
                    found = calibration_table(chance, event, bins=n_bins, confidence=level)
                    truth = found.mean_probability
                    tally.interval("", level, found.low, found.high, truth)
            yield from tally.figures("calibration_table", f"{events} events of {n}, {n_bins} bins")


TOPICS = {
    "forecasts-line": (line, 1),
    "forecasts-wrong": (line_of_wrong_forecasts, 1),
    "forecasts-table": (table, 2 / 3),
}
