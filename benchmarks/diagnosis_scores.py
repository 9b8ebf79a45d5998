"""Hold what was named against what was planted, and show the rates."""

from __future__ import annotations

import json
from collections import Counter
from statistics import mean, median
from typing import NamedTuple

from salesdiag.stats.rates import wilson_interval

NOTHING = "–"

SEGMENTED = ("team", "source", "segment", "product")  # what wise-pizza is given


class Outcome(NamedTuple):
    """How one planted fault came out."""

    rank: int | None = None  # from 0, None if it is not among the findings
    is_scope_right: bool = False
    overlaps: bool = False
    is_covered: bool | None = None  # None where no true money can be told
    error: float | None = None  # relative, infinite where no money was told

    @property
    def is_found(self):
        return self.rank is not None

    @property
    def is_first(self):
        return self.rank == 0

    @property
    def is_in_three(self):
        return self.is_found and self.rank < 3


def read(path, code):
    """Give the lines of a file by key: of this code, or the last of any if it is None."""
    found = {}
    for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            line = json.loads(text)
        except ValueError:
            continue  # the program was stopped while it wrote
        if code in (None, line["code"]):
            found[line["key"]] = line
    return found


def findings(line):
    """Give what was named, nothing if the world crashed."""
    return line.get("findings", [])


def outcomes(lines):
    """Give the outcome of each planted fault; a world that crashed names nothing."""
    found = []
    for line in lines:
        known = [_outcome(line, truth) for truth in line["truths"]]
        found += known or [Outcome()] * len(line["causes"])
    return found


def _outcome(line, truth):
    """Hold the first finding of the planted cause against the truth."""
    for rank, found in enumerate(findings(line)):
        if found["cause"] == truth["cause"]:
            scope = is_scope_right(truth, found), overlaps(truth, found)
            return Outcome(rank, *scope, *_price(truth, found))
    return Outcome()


def _price(truth, found):
    """Tell whether the interval holds the true money, and the relative error."""
    true = truth["margin" if found["basis"] == "margin" else "money"]
    if true != true or truth["money"] != truth["money"] or true == 0:  # NaN moves no money
        return None, None
    told = found["money"]
    error = abs(told - true) / abs(true) if told == told else float("inf")
    return found["low"] <= true <= found["high"], error


def is_scope_right(truth, found):
    """Tell whether level, ids and, where the fault sits at one, the stage agree."""
    is_same = found["level"] == truth["level"] and _ids(found) == set(truth["ids"])
    return is_same and truth["stage"] in (None, found["stage"])


def overlaps(truth, found):
    """Tell whether the level agrees and more than half of the ids, named and true."""
    named, true = _ids(found), set(truth["ids"])
    half = max(len(named), len(true)) / 2
    return found["level"] == truth["level"] and (named == true or len(named & true) > half)


def _ids(found):
    return set(found["id"].split(", ")) if found["id"] else set()


def n_false(line):
    """Count the findings that count and whose cause was not planted."""
    return sum(
        one["cause"] not in line["causes"] and (one["low"] > 0 or one["q_value"] < 0.05)
        for one in findings(line)
    )


def n_crashed(lines):
    return sum(line["crash"] is not None for line in lines)


def first_of(line, reading):
    """Give what a reading names first; ``ours`` is the diagnosis."""
    if reading == "ours":
        return next(iter(findings(line)), None)
    return line.get("naive", {}).get(reading)


def was_read(line, reading):
    """Tell whether a world was read so: the naive readings may have been left out of it."""
    return reading == "ours" or "naive" in line


def names_truth(line, reading):
    """Tell whether the planted cause, and its scope, are named first; None: not to be told."""
    if not was_read(line, reading):
        return None, None
    truth, found = line["truths"][0], first_of(line, reading) or {}
    if reading == "wise_pizza":  # names segments, and never a cause
        planted = {truth["level"]: ", ".join(truth["ids"])}
        return None, found.get("segment") == planted if truth["level"] in SEGMENTED else None
    is_named = found.get("cause") == truth["cause"]
    return is_named, is_named and is_scope_right(truth, found)


def where(lines, **wanted):
    return [line for line in lines if all(line[key] == value for key, value in wanted.items())]


def rate(told, *, interval=False):
    """Show the share of those told that are true; None is not told."""
    known = [bool(one) for one in told if one is not None]
    if not known:
        return NOTHING
    shown = f"{100 * mean(known):.0f} % ({sum(known)} of {len(known)})"
    if interval:
        ends = wilson_interval(sum(known), len(known), confidence=0.9)
        shown += " [{:.0f}, {:.0f}]".format(*(100 * float(end) for end in ends))
    return shown


def mean_of(counts):
    return f"{mean(counts):.2f} ({sum(counts)} in {len(counts)})" if counts else NOTHING


def error_of(priced):
    return (
        f"{100 * median(one.error for one in priced):.0f} % of {len(priced)}" if priced else NOTHING
    )


def met_of(cases, is_met):
    return NOTHING if not cases else "yes" if is_met else "NO"


def counted(names, most):
    return ", ".join(f"{name} {n}" for name, n in Counter(names).most_common(most)) or NOTHING


def table(head, rows):
    cells = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in cells) + "\n"
