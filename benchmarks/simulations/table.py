"""The figures as a page of Markdown: totals, the rows outside, and all rows."""

from __future__ import annotations

from collections import Counter

MARKS = ("too short", "too wide", "errs too often", "too cautious", "no answer")
HEAD = (
    "| topic | estimator | setting | promise | nominal, % | measured, % | error | rounds "
    "| no answer, % | mark |",
    "|---|---|---|---|---|---|---|---|---|---|",
)
EXPLAINED = """\
# What the estimators promise, and what was measured

Written by `python benchmarks/estimators.py`. {head}

An interval should hold the truth as often as its level says, a test should reject a true null
hypothesis as often as its level says, and of findings at most so many should be false. Each row
is one estimator in one setting. "Error" is the standard error of the simulation in points; where
rounds says "exact", probabilities were summed. Rounds without an answer (no interval, a refusal)
are left out, and their share is stated.

A row is outside only where chance in the simulation (two standard errors) does not explain it:

- **too short**, **too wide**: the cover of an interval is more than 2 points off its level;
- **errs too often**, **too cautious**: the error of a test at 5 % is not within 3.5 to 6 %
  (0.7 to 1.2 times its level at other levels); an upper bound is only held against the upper end.

Too short and errs too often break a promise; too wide and too cautious cost power.
"""


def page(rows, head):
    """Write rows of topic and figure under a head."""
    outside = [(topic, one) for topic, one in rows if one.mark]
    parts = [
        EXPLAINED.format(head=head),
        f"## Totals\n\n{_totals(rows)}",
        f"## The {len(outside)} rows outside or without any answer\n\n{_table(outside)}",
        f"## All {len(rows)} rows\n\n{_table(rows)}",
    ]
    return "\n".join(parts)


def _totals(rows):
    lines = [f"| topic | rows | inside | {' | '.join(MARKS)} |", "|---" * (3 + len(MARKS)) + "|"]
    by_topic = {}
    for topic, figure in rows:
        by_topic.setdefault(topic, Counter())[figure.mark] += 1
    total = sum(by_topic.values(), Counter())
    for name, count in [("**all**", total), *by_topic.items()]:
        marks = " | ".join(str(count[mark]) for mark in MARKS)
        lines.append(f"| {name} | {count.total()} | {count['']} | {marks} |")
    return "\n".join(lines) + "\n"


def _table(rows):
    return "\n".join([*HEAD, *(_line(*row) for row in rows)]) + "\n"


def _line(topic, figure):
    exact = not figure.rounds
    cells = (
        topic, figure.estimator, figure.setting, figure.what, f"{100 * figure.nominal:.3g}",
        f"{100 * figure.measured:.1f}", "0" if exact else f"{100 * figure.error:.2f}",
        "exact" if exact else f"{figure.rounds}",
        f"{100 * figure.missing:.1f}" if figure.missing > 0 else "0", figure.mark,
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"
