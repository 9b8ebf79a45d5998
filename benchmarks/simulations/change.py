"""Series: whether and when they changed, and by how much at a date that was known."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

from salesdiag.stats.change import change_dates, step_at
from simulations.rows import ERROR_LEVEL, LEVELS, Tally, random


def noise(rng, n, correlation=0.0):
    """Give a normal series of variance 1, each period alike to the one before."""
    steps = rng.standard_normal(n)
    steps[1:] *= np.sqrt(1 - correlation**2)
    return lfilter([1], [1, -correlation], steps)


def season_of(name, n):
    if name == "no season":
        return None
    return np.arange(n) % 12 if name == "12 seasons" else np.arange(n) // 3 % 4


def nothing(rounds):
    """Look for changes where there are none."""
    for n, season in ((12, "no season"), (24, "no season"), (36, "no season"),
                      (104, "no season"), (24, "4 seasons"), (36, "12 seasons")):  # fmt: skip
        yield from _nothing(rounds, n, season, 0.0, 0.0)
    for told in (0.3, 0.0):
        for n in (12, 24, 36, 104):
            yield from _nothing(rounds, n, "no season", 0.3, told)


def _nothing(rounds, n, season, correlation, told):
    rng, tally = random("nothing", n, season, correlation, told), Tally()
    labels = season_of(season, n)
    for _round in range(rounds if n < 100 else rounds // 2):
        found = change_dates(noise(rng, n, correlation), season=labels, autocorrelation=told)
        p_value = found.any_p_value
        tally.test("any change", p_value)
        # the list of changes must say what the p-value says
        tally.test("changes listed", ERROR_LEVEL if len(found.position) else 1.0)
    known = f", told {told:g}" if correlation else ""
    setting = f"{n} periods, {season}, autocorrelation {correlation:g}{known}"
    yield from tally.figures("change_dates", setting)


def planted(rounds):
    """Plant one change; of the changes found, ask for its size and its date."""
    for n, at, size, season in (
        (12, 6, 3.0, "no season"), (24, 12, 2.0, "no season"), (24, 12, 1.5, "no season"),
        (24, 12, 1.0, "no season"), (24, 18, 2.0, "no season"), (36, 18, 2.0, "12 seasons"),
    ):  # fmt: skip
        rng, tally = random("planted", n, at, size, season), Tally()
        labels = season_of(season, n)
        for _round in range(rounds):
            series = noise(rng, n) + size * (np.arange(n) >= at)
            for level in LEVELS:
                _planted(tally, series, labels, level, at, size)
        setting = f"{n} periods, {season}, change of {size:g} at {at}, where found"
        yield from tally.figures("change_dates", setting)


def _planted(tally, series, labels, level, at, size):
    found = change_dates(series, season=labels, confidence=level)
    low = high = dated = np.nan
    if len(found.position):
        nearest = np.abs(found.position - at).argmin()
        low, high = found.low[nearest], found.high[nearest]
        dated = float(at in found.plausible[nearest])
    tally.interval("size", level, low, high, size)
    tally.held("plausible dates", level, dated)


def step(rounds):
    """Ask for the step in the middle of series without one."""
    for correlation in (0.0, 0.3, 0.6):
        for n in (12, 24, 36):
            rng, tally = random("step", correlation, n), Tally()
            for _round in range(rounds):
                series = noise(rng, n, correlation)
                for name in ("first_order", "independent"):
                    for level in LEVELS:
                        found = step_at(series, n // 2, noise=name, confidence=level)
                        tally.interval(name, level, found.low, found.high, 0.0)
                    tally.test(name, found.p_value)
            yield from tally.figures("step_at", f"{n} periods, autocorrelation {correlation:g}")


def step_in_season(rounds):
    """Take seasons out, and let periods differ in exposure."""
    n, exposure = 24, np.resize([18.0, 20, 22, 23], 24)
    rng, tally = random("season"), Tally()
    for _round in range(rounds):
        season = season_of("4 seasons", n)
        series = exposure * (5 + season) + np.sqrt(exposure) * noise(rng, n)
        for level in LEVELS:
            found = step_at(series, 12, season=season, exposure=exposure, confidence=level)
            tally.interval("first_order", level, found.low, found.high, 0.0)
        tally.test("first_order", found.p_value)
    yield from tally.figures("step_at", f"{n} periods, 4 seasons, exposure differs")


TOPICS = {
    "change-nothing": (nothing, 1 / 2),
    "change-planted": (planted, 1 / 3),
    "change-step": (step, 1),
    "change-step-in-season": (step_in_season, 1),
}
