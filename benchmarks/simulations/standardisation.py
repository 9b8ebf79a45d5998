"""Observed against expected, strata pooled, their homogeneity, and reversals."""

from __future__ import annotations

import numpy as np
from scipy import stats

from salesdiag.stats.standardisation import (
    breslow_day,
    cochran_mantel_haenszel,
    find_reversals,
    indirect_expected,
    observed_expected,
    pooled_difference,
    pooled_odds_ratio,
)
from simulations.rows import ERROR_LEVEL, LEVELS, Tally, covered, random, rejected, summed

EVENTS = (5, 20, 100)


def expected(_rounds):
    """Sum the cover of observed over expected over means around the stated one."""
    for limits in ("exact", "mid_p"):
        name = f"observed_expected ({limits})"
        for events in EVENTS:
            seen, setting = np.arange(4 * events + 40), f"{events} expected events"
            means = events * np.linspace(0.8, 1.2, 401)
            chance = stats.poisson.pmf(seen[:, None], means)
            for level in LEVELS:
                found = observed_expected(seen, 1.0, limits=limits, confidence=level)
                held = (found.low[:, None] <= means) & (means <= found.high[:, None])
                yield summed("interval", name, setting, level, np.sum(chance * held, axis=0).mean())
            due = observed_expected(seen[:, None], means, limits=limits)
            error = np.sum(chance * (due.p_value < ERROR_LEVEL), axis=0).mean()
            yield summed("test", name, setting, ERROR_LEVEL, error)
    for share in (0.1, 0.3, 0.5):
        seen = np.arange(41)
        found = observed_expected(seen, 40 * share)
        cover = stats.binom.pmf(seen, 40, share) @ ((found.low <= 1) & (found.high >= 1))
        setting = f"40 units with a share of {share:g}"
        yield summed("interval", "observed_expected (exact)", setting, 0.95, cover)


def pool(rounds):
    """Hold groups against the pool that they are part of."""
    for n_groups in (3, 10, 30):
        rng, tally = random("pool", n_groups), Tally()
        group, stratum = np.divmod(np.arange(n_groups * 4), 4)
        share = np.tile([0.01, 0.02, 0.04, 0.08], n_groups)
        for _round in range(rounds):
            part = rng.binomial(200, share)
            due = indirect_expected(np.full(len(part), 200.0), group, stratum, part)
            for limits in ("exact", "mid_p"):
                found = observed_expected(due.observed, due.expected, limits=limits)
                tally.interval(limits, 0.95, found.low, found.high, 1.0)
        yield from tally.figures("observed_expected of a pool", f"{n_groups} groups of 30 events")


def strata_of(rng, rounds, events, odds, *, pairs):
    """Draw six uneven strata, or many of two units a side; give them and the mean difference."""
    if pairs:
        n = max(events, 4)
        size_a = size_b = np.full(n, 2)
        base = np.resize([0.3, 0.5, 0.7, 0.4], n)
    else:
        base = np.array([0.05, 0.1, 0.2, 0.3, 0.5, 0.7])
        shape_a, shape_b = np.array([1, 2, 4, 3, 2, 1]), np.array([3, 3, 2, 2, 1, 1])
        scale = events / (shape_a * base).sum()
        size_a = np.maximum(1, np.round(shape_a * scale)).astype(int)
        size_b = np.maximum(1, np.round(shape_b * scale)).astype(int)
    share = odds * base / (1 - base + odds * base)
    part_a = rng.binomial(size_a, share, (rounds, len(base)))
    part_b = rng.binomial(size_b, base, (rounds, len(base)))
    weight = size_a * size_b / (size_a + size_b)
    truth = weight @ (share - base) / weight.sum()
    return (part_a, size_a, part_b, size_b), truth


def strata(rounds):
    for pairs in (False, True):
        for events in EVENTS:
            for odds in (1.0, 2.0):
                yield from _strata(rounds, pairs, events, odds)


def _strata(rounds, pairs, events, odds):
    rng = random("strata", pairs, events, odds)
    data, gap = strata_of(rng, rounds, events, odds, pairs=pairs)
    kind = "strata of two units a side" if pairs else "six strata"
    setting = f"{kind}, {events} events on side a, odds ratio {odds:g}"
    for level in LEVELS:
        found = pooled_odds_ratio(*data, confidence=level)
        yield covered("pooled_odds_ratio", setting, level, found.low, found.high, odds)
        for variance in ("sato", "greenland_robins"):
            found = pooled_difference(*data, variance=variance, confidence=level)
            name = f"pooled_difference ({variance})"
            yield covered(name, setting, level, found.low, found.high, gap)
    if odds == 1:
        for continuity in (False, True):
            p_value = cochran_mantel_haenszel(*data, continuity=continuity).p_value
            name = f"cochran_mantel_haenszel ({'with' if continuity else 'no'} continuity)"
            yield rejected(name, setting, p_value)
    for tarone in (True, False):
        p_value = breslow_day(*data, tarone=tarone).p_value
        yield rejected(f"breslow_day ({'with' if tarone else 'no'} Tarone)", setting, p_value)


LABELS = np.array([(s, a, b, c) for s in "xy" for a in "pq" for b in "rst" for c in "uv"])


def reversals(rounds):
    """Three confounders, one of which makes a crude difference; none within it."""
    for strong in (True, False):
        for n in (400, 4000):
            yield from _reversals(rounds, strong, n)


def _reversals(rounds, strong, n):
    rng, tally = random("reversals", strong, n), Tally()
    side, names = LABELS[:, 0], dict(zip("abc", LABELS.T[1:], strict=True))
    easy = LABELS[:, 1] == "p"
    weight = np.where(easy == (side == "x"), 3.0, 1.0) if strong else np.ones(len(side))
    share = np.where(easy, 0.6, 0.3)
    crude = np.subtract(*(
        np.average(share[side == one], weights=weight[side == one]) for one in "xy"
    ))  # fmt: skip
    for _round in range(rounds):
        whole = rng.multinomial(n, weight / weight.sum())
        part = rng.binomial(whole, share)
        for level in LEVELS:
            found = find_reversals(part, whole, side, names, confidence=level)
            low, high = found.crude_low[0], found.crude_high[0]
            tally.interval("crude difference", level, low, high, crude)
            right = np.array(["a" in one for one in found.confounders])
            low, high = found.adjusted_low[right], found.adjusted_high[right]
            tally.interval("adjusted differences", level, low, high, 0.0)
        tally.false("any confirmed", ERROR_LEVEL, found.confirmed.any())
    mix = "strong mix" if strong else "no mix"
    yield from tally.figures("find_reversals", f"{n} units, {mix}, no difference within")


TOPICS = {
    "standardisation-expected": (expected, 1),
    "standardisation-pool": (pool, 1 / 3),
    "standardisation-strata": (strata, 10),
    "standardisation-reversals": (reversals, 2 / 3),
}
