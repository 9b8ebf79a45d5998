"""Effects of a start or a dose, the change net of its rebound, and a hidden cause."""

from __future__ import annotations

import numpy as np

from salesdiag.stats.effects import (
    adjusted_estimate,
    dose_effect,
    event_study,
    net_change,
    partial_r2,
)
from simulations.rows import LEVELS, Tally, attempt, random

STARTS = {6: [4, 6], 12: [3, 3, 5, 5, 6], 30: [3] * 5 + [5] * 4 + [6] * 4}
N_PERIODS = 8


def paths_of(rng, n_units, starts, *, times):
    """Draw units over 8 periods; those that start vary so many times as much, the effect is 1."""
    noise = rng.standard_normal((n_units, N_PERIODS))
    path = noise.copy()
    for t in range(1, N_PERIODS):
        path[:, t] = 0.7 * path[:, t - 1] + np.sqrt(1 - 0.7**2) * noise[:, t]
    begins = np.full(n_units, np.nan)
    begins[: len(starts)] = starts
    path[: len(starts)] *= times
    path += 2 * rng.standard_normal((n_units, 1)) + 0.3 * np.arange(N_PERIODS)
    path += np.arange(1, N_PERIODS + 1) >= begins[:, None]
    unit, period = np.divmod(np.arange(path.size), N_PERIODS)
    return unit, period + 1, path.ravel(), np.repeat(begins, N_PERIODS)


def event(rounds):
    for n_units, several in STARTS.items():
        for name, starts in (("one start", [5] * len(several)), ("several starts", several)):
            for times in (1.0, 2.0):
                for spread in ("pooled", "separate"):
                    rng, tally = random("event", n_units, name, times, spread), Tally()
                    for _round in range(rounds):
                        data = paths_of(rng, n_units, starts, times=times)
                        _event(tally, data, spread)
                    setting = (
                        f"{n_units} units, {len(starts)} start, {name}, "
                        f"starters vary {times:g}-fold"
                    )
                    yield from tally.figures(f"event_study ({spread})", setting)


def _event(tally, data, spread):
    for level in LEVELS:
        found = event_study(*data, spread=spread, confidence=level)
        tally.interval("overall", level, found.overall.low, found.overall.high, 1.0)
        truth = (found.event_time >= 0).astype(float)
        tally.interval("by time", level, found.by_time.low, found.by_time.high, truth)
        truth = (found.period >= found.start).astype(float)
        tally.interval("by start", level, found.by_start.low, found.by_start.high, truth)
    tally.test("placebo", found.placebo_p)


EFFECTS = np.array([0.0, 0.1, 0.0])


def cases_of(rng, n_clusters, per, *, kind, dosed):
    """Draw cases with two covariates that drive both the dose (three levels) and the outcome."""
    n = n_clusters * per
    cluster = np.repeat(np.arange(n_clusters), per)
    sort, other = rng.integers(0, 3, n), rng.integers(0, 2, n)
    shift = rng.standard_normal(n_clusters)[cluster]
    push = 0.7 * (sort - 1) + 0.5 * (other - 0.5) + (0.4 if dosed == "by case" else 2.0) * shift
    score = np.exp(np.column_stack([np.zeros(n), 0.2 + push * 0.6, push]))
    chance = score / score.sum(axis=1, keepdims=True)
    dose = (rng.random(n)[:, None] > chance.cumsum(axis=1)[:, :2]).sum(axis=1)
    if dosed == "by cluster":
        dose = rng.permutation(np.arange(n_clusters) % 3)[cluster]
    mean = 0.35 - 0.1 * (sort - 1) + 0.1 * (other - 0.5)
    mean = mean + 0.05 * rng.standard_normal(n_clusters)[cluster] + EFFECTS[dose]
    if kind == "share":
        y = (rng.random(n) < np.clip(mean, 0, 1)).astype(float)
    else:
        y = 10 * mean + rng.gamma(1.0, 2.0, n)
    table = np.column_stack([sort == 1, sort == 2, other]).astype(float)
    return dose, table, np.ones(n), y, cluster


def dose(rounds):
    for kind in ("share", "amount"):
        for n_clusters, per in ((6, 100), (12, 50), (30, 40)):
            for dosed in ("by case", "mostly by cluster", "by cluster"):
                setting = f"{kind}, {n_clusters} clusters of {per}, dose {dosed}"
                yield from _dose(rounds, setting, n_clusters, per, kind=kind, dosed=dosed)
    for n in (200, 1000):
        setting = f"share, {n} cases without clusters, dose by case"
        yield from _dose(rounds, setting, n, 1, kind="share", dosed="by case")


def _dose(rounds, setting, n_clusters, per, *, kind, dosed):
    rng, tally = random("dose", setting), Tally()
    scale, shift = (1, 0) if kind == "share" else (10, 2)
    for _round in range(rounds):
        level_of, table, n, y, cluster = cases_of(rng, n_clusters, per, kind=kind, dosed=dosed)
        squares = y**2 if kind == "amount" else None
        for level in LEVELS:
            found = attempt(
                dose_effect, level_of, table, n, y, outcome_squares=squares,
                cluster=cluster if per > 1 else None, confidence=level,
            )  # fmt: skip
            _dose_answer(tally, found, level, scale * EFFECTS, scale * (0.35 + EFFECTS) + shift)
    yield from tally.figures("dose_effect", setting)


def _dose_answer(tally, found, level, effect, mean):
    """Count a refused level, or one that no case had, as no interval."""
    bounds = np.full((4, 3), np.nan)
    if found is not None:
        bounds[:, found.level.astype(int)] = (
            found.low, found.high, found.mean_low, found.mean_high,
        )  # fmt: skip
    tally.interval("effects", level, *bounds[:2, 1:], effect[1:])
    tally.interval("means", level, *bounds[2:], mean)


def rebound(rounds):
    """Choose the bottom quarter; nothing is done to anybody."""
    for n_units in (8, 12, 20, 40, 100):
        for reliability in (0.2, 0.5, 0.8):
            for against in ("before", "rest"):
                rng, tally = random("rebound", n_units, reliability, against), Tally()
                noise = np.sqrt(1 - reliability)
                for _round in range(rounds):
                    real = np.sqrt(reliability) * rng.standard_normal(n_units)
                    first = real + noise * rng.standard_normal(n_units)
                    later = real + noise * rng.standard_normal(n_units)
                    chosen = np.argsort(np.argsort(first)) < n_units // 4
                    for level in LEVELS:
                        found = net_change(first, later, noise**2, chosen, against=against,
                                           confidence=level)  # fmt: skip
                        tally.interval("", level, found.low, found.high, 0.0)
                setting = f"{n_units} units, bottom quarter, {reliability:.0%} of variance real"
                yield from tally.figures(f"net_change (against {against})", setting)


def hidden(rounds):
    """Hide a cause as strong as a known one; the regression without it is adjusted for it.

    The strength of the known one is either known itself or learnt from the same cases.
    """
    strength = _hidden_regression(random("strength"), 200_000)[2:]
    for n in (20, 100, 400):
        rng, tally = random("hidden", n), Tally()
        for _round in range(rounds):
            estimate, error, *learnt = _hidden_regression(rng, n)
            for name, (r2_treatment, r2_outcome) in (
                ("strength known", strength), ("strength learnt", learnt)
            ):  # fmt: skip
                for level in LEVELS:
                    found = adjusted_estimate(
                        estimate, error, n - 3, r2_treatment=r2_treatment,
                        r2_outcome=r2_outcome, confidence=level,
                    )  # fmt: skip
                    tally.interval(name, level, found.low, found.high, 0.5)
        yield from tally.figures("adjusted_estimate", f"{n} cases, a hidden cause like a known one")


def _hidden_regression(rng, n):
    """Give the estimate without the hidden cause, its error, and the shares of the known one."""
    known, unseen = rng.standard_normal((2, n))
    treatment = 0.4 * known + 0.4 * unseen + rng.standard_normal(n)
    y = 0.5 * treatment + 0.4 * known + 0.4 * unseen + rng.standard_normal(n)
    beta, error = _least_squares(np.column_stack((np.ones(n), treatment, known)), y)
    first, first_error = _least_squares(np.column_stack((np.ones(n), known)), treatment)
    r2_treatment = partial_r2(first[1] / first_error[1], n - 2).item()
    return beta[1], error[1], r2_treatment, partial_r2(beta[2] / error[2], n - 3).item()


def _least_squares(x, y):
    inverse = np.linalg.inv(x.T @ x)
    beta = inverse @ x.T @ y
    left = y - x @ beta
    return beta, np.sqrt(np.diag(inverse) * (left @ left) / (len(y) - x.shape[1]))


TOPICS = {
    "effects-event": (event, 1 / 2),
    "effects-dose": (dose, 0.25),
    "effects-rebound": (rebound, 1),
    "effects-hidden": (hidden, 1),
}
