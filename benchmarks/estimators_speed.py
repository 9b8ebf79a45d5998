"""Hold the estimators against plain code and against their promises.

    python benchmarks/estimators_speed.py [--runs 5]

Ratios within one run, the rivals in turns, medians compared; the results are compared first.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import numpy as np

from salesdiag.stats.decomposition import chain_change
from salesdiag.stats.panel import poisson_panel
from salesdiag.stats.survival import cumulative_incidence


def many_groups(n_groups=1000, n_cases=300, seed=1):
    """Give the group, day and end (1 event, 2 rival, 0 open) of each case."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n_groups), n_cases)
    return group, rng.integers(0, 365, len(group)), rng.integers(0, 3, len(group))


def counted(group, day, end):
    """Count cases per group and day, as an engine would."""
    cell, place = np.unique(group * 1000 + day, return_inverse=True)
    counts = [np.bincount(place, end == kind, len(cell)) for kind in (1, 2, 0)]
    return cell // 1000, cell % 1000, counts


def case_by_case(group, day, end):
    """Work through the groups one by one, and through the days of each, on the cases."""
    found = []
    for one in np.unique(group):
        days, ends = day[group == one], end[group == one]
        surviving, incidence = 1.0, 0.0
        for when in np.unique(days):
            at_risk = np.sum(days >= when)
            events = np.sum((days == when) & (ends == 1))
            rivals = np.sum((days == when) & (ends == 2))
            incidence += surviving * events / at_risk
            surviving *= 1 - (events + rivals) / at_risk
        found.append(incidence)
    return np.array(found)


def panel(n_units=200, n_periods=104, n_columns=4, seed=1):
    """Give counts of units over weeks with columns of which some matter."""
    rng = np.random.default_rng(seed)
    unit, period = np.repeat(np.arange(n_units), n_periods), np.tile(np.arange(n_periods), n_units)
    x = rng.normal(size=(len(unit), n_columns)) + rng.normal(size=n_units)[unit][:, None]
    level = rng.normal(0, 0.5, n_units)[unit] + rng.normal(0, 0.3, n_periods)[period]
    effect = np.linspace(0.2, 0, n_columns)
    return rng.poisson(np.exp(-1 + level + x @ effect)), x, unit, period


def chain(n_clusters=200, n_links=8, seed=1):
    """Give two sides of a chain of sums for each cluster."""
    rng = np.random.default_rng(seed)
    shrink = np.column_stack((np.full(n_clusters, 100.0), rng.uniform(0.5, 1, (n_clusters, 7))))
    base = np.cumprod(shrink[:, :n_links], axis=1)
    return base, base * rng.uniform(0.8, 1.2, base.shape)


def take_turns(runs, rivals):
    seconds = {name: [] for name in rivals}
    for turn in range(runs + 1):  # the first turn warms up
        for name, run in rivals.items():
            start = time.perf_counter()
            run()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: median(each) for name, each in seconds.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    cases = many_groups()
    group, day, counts = counted(*cases)
    ours = cumulative_incidence(day, *counts, group=group)
    np.testing.assert_allclose(ours.rate, case_by_case(*cases), atol=1e-12)
    count, x, unit, period = panel()
    base, comparison = chain()
    seconds = take_turns(
        runs,
        {
            "incidence": lambda: cumulative_incidence(day, *counts, group=group),
            "case by case": lambda: case_by_case(*cases),
            "chain": lambda: chain_change(base, comparison, n_draws=1000),
            "panel": lambda: poisson_panel(count, x, unit=unit, period=period),
        },
    )
    ratio = seconds["case by case"] / seconds["incidence"]
    rows = [
        ("Aalen-Johansen of 1,000 groups: loop over cases / ours", "at least 50", ratio),
        ("Shapley of 8 factors, 200 clusters, 1,000 draws, s", "at most 1", seconds["chain"]),
        ("panel of 200 units and 104 periods, 4 columns, s", "at most 1", seconds["panel"]),
    ]
    print("| what | bar | figure |\n|---|---|---|")
    for what, bar, figure in rows:
        print(f"| {what} | {bar} | {figure:.3g} |")
    print(f"\n{', '.join(f'{name} {each:.3f} s' for name, each in seconds.items())}")


if __name__ == "__main__":
    main()
