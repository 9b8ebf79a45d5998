"""Many tests at once: how many findings are false, with nothing true and with something true."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from salesdiag.stats.multiplicity import PValueRegistry, adjust_p_values
from simulations.rows import Figure, Tally, random

FAMILIES = (1, 1, 2, 3, 5, 5, 8, 10, 15, 20, 30, 40)
LEVELS = (0.05, 0.1)
CORRELATIONS = {"independent": 0.0, "correlated 0.5": 0.5}
SHIFT = 3.0  # of the tests in which something is true


def scores(rng, n, correlation):
    own, common = rng.standard_normal(n), rng.standard_normal()
    return np.sqrt(1 - correlation) * own + np.sqrt(correlation) * common


def registry_of(p_values):
    made, start = PValueRegistry(), 0
    for place, size in enumerate(FAMILIES):
        names = [f"{one:02}" for one in range(size)]
        made = made.with_tests(f"{place:02}", names, p_values[start : start + size])
        start += size
    return made.q_values()


def registry_null(rounds):
    """Nothing is true: any finding at all is false, and all are if there is one."""
    for name, correlation in CORRELATIONS.items():
        rng, tally = random("null", name), Tally()
        for _round in range(rounds):
            found = registry_of(norm.sf(scores(rng, sum(FAMILIES), correlation)))
            for level in LEVELS:
                tally.false("any finding", level, (found.q_value <= level).any())
                tally.false("any family", level, (found.q_family <= level).any())
        yield from tally.figures("PValueRegistry", f"12 families, nothing true, {name}")


def registry_mixed(rounds):
    """In every third family a third of the tests is true; families picked count alike."""
    family = np.repeat(np.arange(len(FAMILIES)), FAMILIES)
    inside = np.concatenate([np.arange(size) for size in FAMILIES])
    is_true = (family % 3 == 2) & (inside % 3 == 0)
    for name, correlation in CORRELATIONS.items():
        rng, shares = random("mixed", name), {level: [] for level in LEVELS}
        for _round in range(rounds):
            z = scores(rng, len(family), correlation) + SHIFT * is_true
            found = registry_of(norm.sf(z))
            for level in LEVELS:
                passed = found.q_value <= level
                picked = np.unique(family[found.q_family <= level])
                false = [
                    np.sum(passed & ~is_true & (family == one))
                    / max(np.sum(passed & (family == one)), 1)
                    for one in picked
                ]
                shares[level].append(np.mean(false) if false else 0.0)
        setting = f"12 families, a third of every third true, {name}"
        for level in LEVELS:
            yield _share("PValueRegistry: false share, mean of picked", setting, level, shares)


def adjusted(rounds):
    """Forty tests of one family, none or a quarter of them true."""
    n = 40
    for n_true in (0, 10):
        is_true = np.arange(n) < n_true
        for name, correlation in CORRELATIONS.items():
            rng = random("adjusted", n_true, name)
            shares = {
                method: {level: [] for level in LEVELS}
                for method in ("benjamini_hochberg", "benjamini_yekutieli", "holm")
            }
            for _round in range(rounds):
                p_values = norm.sf(scores(rng, n, correlation) + SHIFT * is_true)
                for method, found in shares.items():
                    q = adjust_p_values(p_values, method=method)
                    for level in LEVELS:
                        false = np.sum((q <= level) & ~is_true)
                        any_false = float(false > 0)
                        share = false / max(np.sum(q <= level), 1)
                        found[level].append(any_false if method == "holm" else share)
            setting = f"40 tests, {n_true} true, {name}"
            for method, found in shares.items():
                what = "any false" if method == "holm" else "false share"
                for level in LEVELS:
                    yield _share(f"adjust_p_values ({method}): {what}", setting, level, found)


def _share(estimator, setting, level, shares):
    found = np.array(shares[level])
    error = max(found.std() / np.sqrt(len(found)), 1 / len(found))
    return Figure("at most", estimator, setting, level, float(found.mean()), float(error),
                  len(found))  # fmt: skip


TOPICS = {
    "multiplicity-null": (registry_null, 4),
    "multiplicity-mixed": (registry_mixed, 2),
    "multiplicity-adjusted": (adjusted, 4),
}
