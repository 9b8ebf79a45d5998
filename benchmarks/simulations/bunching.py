"""Cases that pile up at a threshold: beside it, above a smooth curve, and against placebos."""

from __future__ import annotations

import numpy as np
from scipy import stats

from salesdiag.stats.bunching import excess_mass, placebo_thresholds, window_test
from simulations.rows import ERROR_LEVEL, LEVELS, Tally, attempt, random, summed

EVENTS = (5, 20, 100)
PERCENT = np.arange(1, 41)
THRESHOLD = 10


def window(_rounds):
    """Sum over shares around a half: at a single share the error rate is jagged."""
    for limits in ("exact", "mid_p"):
        for n in (10, 40, 200):
            below, name = np.arange(n + 1), f"window_test ({limits})"
            share = np.linspace(0.4, 0.6, 41)
            chance = stats.binom.pmf(below[:, None], n, share)
            for level in LEVELS:
                found = window_test(below, n - below, limits=limits, confidence=level)
                held = (found.low[:, None] <= share) & (share <= found.high[:, None])
                cover = np.sum(chance * held, axis=0).mean()
                yield summed("interval", name, f"{n} cases", level, cover)
            errors = [
                each @ (window_test(below, n - below, share_below=float(one), limits=limits).p_value
                        < ERROR_LEVEL)
                for one, each in zip(share, chance.T, strict=True)
            ]  # fmt: skip
            yield summed("test", name, f"{n} cases", ERROR_LEVEL, np.mean(errors))


def means_of(events, shape):
    """Give mean counts at 1 to 40 percent: smooth, threefold at multiples of 5, more at 10.

    The bell is a polynomial on the log scale, the gamma is none. So many cases belong at the
    threshold without any pile.
    """
    if shape == "bell":
        mean = np.exp(-(((PERCENT - 14) / 12.0) ** 2) / 2)
    else:
        mean = (PERCENT / 8.0) ** 1.5 * np.exp(-PERCENT / 8.0)
    mean = mean * np.where(PERCENT % 5 == 0, 3.0, 1.0) * np.where(PERCENT % 10 == 0, 1.5, 1.0)
    return mean * events / mean[PERCENT == THRESHOLD]


def scattered(rng, mean, scatter):
    if not scatter:
        return mean
    return mean * np.exp(scatter * rng.standard_normal(len(mean)) - scatter**2 / 2)


def bell(rounds):
    for scatter in (0.0, 0.2):
        for events in EVENTS:
            for planted in (0.0, 1.0):
                yield from _excess(rounds, "bell", scatter, events, planted)


def gamma(rounds):
    for scatter in (0.0, 0.2):
        for events in EVENTS:
            yield from _excess(rounds, "gamma", scatter, events, 0.0)


def _excess(rounds, shape, scatter, events, planted):
    """The truth is the pile; a point that scatters is taken for smooth."""
    rng, tally = random("excess", shape, scatter, events, planted), Tally()
    pile, smooth = planted * events, means_of(events, shape)
    # the share is the excess over the number of cases: its interval holds when that one does
    truths = {"excess": pile, "relative": planted}
    for seed in range(rounds):
        mean = scattered(rng, smooth, scatter) + pile * (PERCENT == THRESHOLD)
        count, found = rng.poisson(mean), None
        for level in LEVELS:
            # without any case at the other multiples of 10 there is nothing to compare with
            found = attempt(excess_mass, PERCENT, count, THRESHOLD, round_numbers=(5, 10),
                            confidence=level, n_draws=499, seed=seed)  # fmt: skip
            for name, truth in truths.items():
                ends = (np.nan, np.nan)
                if found is not None:
                    ends = (getattr(found, f"{name}_low"), getattr(found, f"{name}_high"))
                tally.interval(name, level, *ends, truth)
        if not planted:
            tally.test("", np.nan if found is None else found.p_value)
    form = "log-polynomial curve" if shape == "bell" else "another curve"
    setting = f"{events} cases belong there, pile of {pile:g}, {form}, points scatter {scatter:g}"
    yield from tally.figures("excess_mass", setting)


def placebo(rounds):
    """Ask at a plain value and, as few round ones are there, at 1 in 5 for a round value."""
    for scatter in (0.0, 0.3):
        for events in (20, 100):
            smooth = means_of(events, "bell")
            for kind, threshold, level in (("plain", 12, 0.05), ("round", 15, 0.2)):
                rng, tally = random("placebo", scatter, events, kind), Tally()
                for _round in range(rounds):
                    count = rng.poisson(scattered(rng, smooth, scatter))
                    found = placebo_thresholds(PERCENT, count, threshold, round_numbers=(5, 10))
                    n = len(found.threshold) + 1
                    possible = np.floor(level * n + 1e-9) / n
                    if possible:
                        tally.test("", found.p_value, level=level, nominal=round(possible, 6))
                setting = f"{events} cases, points scatter {scatter:g}, {kind} value"
                yield from tally.figures("placebo_thresholds", setting)


TOPICS = {
    "bunching-window": (window, 1),
    "bunching-bell": (bell, 0.3),
    "bunching-gamma": (gamma, 0.3),
    "bunching-placebo": (placebo, 1 / 3),
}
