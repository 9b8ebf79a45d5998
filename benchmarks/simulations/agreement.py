"""Whether those who score agree, and who scores low."""

from __future__ import annotations

import numpy as np

from salesdiag.stats.agreement import (
    crossed_components,
    intraclass_correlations,
    rater_severity,
)
from simulations.rows import LEVELS, Tally, covered, random, rejected

TARGET = 0.5  # variance of the targets; raters and noise share the other half
MILD = np.array([-1.0, -0.5, 0, 0, 0.5, 1.0])


def layout(rng, n_targets, n_raters, each=2):
    """Let each target be scored by so many raters drawn at random."""
    rater = [rng.choice(n_raters, each, replace=False) for _target in range(n_targets)]
    return np.repeat(np.arange(n_targets), each), np.concatenate(rater)


def severity(rounds):
    """Forty targets, or ten, six raters, two scores a target."""
    for n_targets in (10, 40):
        for rounded in (False, True):
            rng, tally = random("severity", n_targets, rounded), Tally()
            for _round in range(rounds):
                target, rater = layout(rng, n_targets, len(MILD))
                score = 6 + rng.standard_normal(n_targets)[target]
                score = score + rng.standard_normal(len(target))
                both = [score + MILD[rater], score]
                if rounded:
                    both = [np.clip(np.round(one), 1, 10) for one in both]
                _severity(tally, target, rater, *both)
            scores = "scores rounded to 1-10" if rounded else "scores not rounded"
            yield from tally.figures("rater_severity", f"{n_targets} targets, 6 raters, {scores}")


def _severity(tally, target, rater, score, score_without):
    for level in LEVELS:
        found = rater_severity(target, rater, score, confidence=level)
        mild = MILD[found.rater.astype(int)]
        truth = np.average(mild, weights=np.maximum(found.n_scores, 1e-9)) - mild
        tally.interval("raters", level, found.low, found.high, truth)
    found = rater_severity(target, rater, score_without)
    tally.test("raters", found.p_value)
    tally.test("all raters", found.joint_p_value)


def complete(rounds):
    """All raters score all targets; the model of each form is the one that it is for."""
    for n_targets, n_raters, rater in ((10, 3, 0.15), (30, 4, 0.15), (30, 4, 0.35), (12, 6, 0.15)):
        rng = random("complete", n_targets, n_raters, rater)
        rest, shape = 1 - TARGET - rater, (rounds, n_targets, n_raters)
        own = np.sqrt(TARGET) * rng.standard_normal((rounds, n_targets, 1))
        crossed = own + np.sqrt(rest) * rng.standard_normal(shape)
        crossed += np.sqrt(rater) * rng.standard_normal((rounds, 1, n_raters))
        nested = own + np.sqrt(rater + rest) * rng.standard_normal(shape)
        setting = f"{n_targets} targets, {n_raters} raters, rater variance {rater:g}"
        for level in LEVELS:
            found = [intraclass_correlations(one, confidence=level) for one in (nested, crossed)]
            for place, form in enumerate(found[0].form):
                one = found[int(not str(form).startswith("ICC(1"))]
                noise = rest if "(3" in str(form) else rater + rest
                noise = noise / n_raters if "k" in str(form) else noise
                low, high = one.low[:, place], one.high[:, place]
                yield covered(str(form), setting, level, low, high, TARGET / (TARGET + noise))
        nothing = intraclass_correlations(nested - own)
        for place, form in enumerate(nothing.form):
            if "k" not in str(form):
                yield rejected(str(form), f"{setting}, targets alike", nothing.p_value[:, place])


def components(rounds):
    """Two scores a target by raters that are a sample."""
    for n_targets, n_raters in ((20, 4), (30, 6), (60, 12), (150, 20)):
        for rater in (0.15, 0.35):
            rng, tally = random("components", n_targets, n_raters, rater), Tally()
            rest = 1 - TARGET - rater
            for seed in range(rounds):
                target, by = layout(rng, n_targets, n_raters)
                score = np.sqrt(TARGET) * rng.standard_normal(n_targets)[target]
                score += np.sqrt(rater) * rng.standard_normal(n_raters)[by]
                score += np.sqrt(rest) * rng.standard_normal(len(target))
                _components(tally, (target, by, score), rest, seed)
            setting = f"{n_targets} targets, {n_raters} raters, rater variance {rater:g}"
            yield from tally.figures("crossed_components", setting)


def _components(tally, data, rest, seed):
    for level in LEVELS:
        found = crossed_components(*data, n_draws=1999, confidence=level, seed=seed)
        mean = TARGET / (TARGET + (1 - TARGET) / found.n_mean)
        truths = {
            "agreement_single": TARGET,
            "agreement_mean": mean,
            "consistency_single": TARGET / (TARGET + rest),
        }
        for name, truth in truths.items():
            low, high = getattr(found, f"{name}_low"), getattr(found, f"{name}_high")
            tally.interval(name, level, low, high, truth)


TOPICS = {
    "agreement-severity": (severity, 1),
    "agreement-complete": (complete, 2),
    "agreement-components": (components, 2 / 3),
}
