"""The page of the diagnosis benchmark, from its lines."""

from __future__ import annotations

import platform
from collections import Counter
from importlib.metadata import version
from statistics import mean, median

from diagnosis_naive import PIZZA_VERSION, READINGS
from diagnosis_scores import (
    NOTHING,
    counted,
    error_of,
    findings,
    first_of,
    mean_of,
    met_of,
    n_crashed,
    n_false,
    names_truth,
    outcomes,
    rate,
    table,
    was_read,
    where,
)  # fmt: skip

import salesdiag
from salesdiag.diagnosis.investigate import DETECTED
from salesdiag.simulate import CAUSES, levels_of

READERS = {"ours": "**salesdiag**", "dashboard": "largest raw drop",
           "win_rates": "lowest raw win rates", "correlations": "correlation table",
           "wise_pizza": "wise-pizza"}  # fmt: skip
FIGURES = ["revenue lost", "first", "first three", "scope right", "scope overlaps",
           "money covered", "median error"]  # fmt: skip
TEXT = """# What the diagnosis names on departments whose fault is known

Written by `python benchmarks/diagnosis.py --set {name} --table --date {day}`, from {n} of {planned}
planned runs; code {code}, salesdiag {salesdiag}, Python {python}, numpy {numpy}, pandas {pandas}.
Seeds of the set "{name}", {low} to {high}; thresholds are never set on the reporting seeds.{mixed}

Square brackets hold 90 % intervals (Wilson). A cause is found if it is among the findings; scope
and money are those of the found. A scope is right if level, ids and, of a stage leak, the stage
agree; it overlaps if the level agrees and more than half of the ids. Money is covered if the 90 %
interval of the finding holds what the fault cost (margin where the finding is on margin); the
error is relative to it. A world that crashed counts as one in which nothing was found.

## What was promised

{bars}
Over causes with a detector. Not examined, as there is none yet:
{undetected}.

## One cause

{totals}
{by_cause}
## Healthy departments and decoys

Small is 6 to 8 reps, mid 18 to 30. A finding counts if `money_low` is above 0 or `q_value` under
0.05.

{quiet}
## Two causes at once

Both among the first three: {both}; at least one: {either}.
Each is at strength 1 and at its usual level.

{pairs}
## Missing tables

The same worlds with all tables stand beside. False findings are those of causes not planted.

{missing}
## Naive readings of the same worlds

What each names first, on the worlds with one cause. wise-pizza {pizza} names a segment and no
cause: it counts where the fault sits with one team, source, segment or product, and it named that
and no more.

{readings}
## Crashes

{crashes}
## Seconds

{seconds}
"""


def page(lines, asked, code, n_planned):
    """Write the page of all that was run."""
    kinds = ("fault", "healthy", "decoy", "pair", "missing")
    faults, healthy, decoys, pairs, missing = (
        [line for line in lines if line["kind"] == kind] for kind in kinds
    )
    seeds = [line["seed"] for line in lines] or [0]
    codes = Counter(line["code"] for line in lines)
    several = ", ".join(f"{one} ({n} runs)" for one, n in codes.items())
    mixed = f"\n\n**Lines of several versions of the code are mixed: {several}.**"
    strengths = sorted({line["strength"] for line in faults}, reverse=True)
    by_cause = [
        f"### Strength {strength:g}\n\n{_causes(where(faults, strength=strength))}"
        for strength in strengths
    ]
    both = [all(one.is_in_three for one in outcomes([line])) for line in pairs]
    either = [any(one.is_in_three for one in outcomes([line])) for line in pairs]
    return TEXT.format(
        name=asked.set, day=asked.date, n=len(lines), planned=n_planned, code=code,
        salesdiag=salesdiag.__version__, python=platform.python_version(),
        numpy=version("numpy"), pandas=version("pandas"), low=min(seeds), high=max(seeds),
        mixed=mixed if len(codes) > 1 else "", bars=_bars(faults, healthy, decoys, both, missing),
        undetected=", ".join(cause for cause in CAUSES if cause not in DETECTED) or "none",
        totals=_totals(faults, strengths), by_cause="\n".join(by_cause),
        quiet=_quiet(healthy, decoys), both=rate(both, interval=True),
        either=rate(either, interval=True), pairs=_pairs(pairs),
        missing=_missing(missing, faults + healthy), pizza=PIZZA_VERSION,
        readings=_readings(faults, healthy), crashes=_crashes(lines),
        seconds=_seconds(lines, faults),
    )  # fmt: skip


def _bars(faults, healthy, decoys, both, missing):
    """Hold the totals against what was promised."""
    rows = []

    def add(what, bar, told, least, most=1.0):
        met = met_of(told, least <= mean(told or [0]) <= most)
        rows.append([what, bar, rate(told, interval=True), met])

    examined = [line for line in faults if line["causes"][0] in DETECTED]
    for strength, first, three, scope in ((1.0, 0.85, 0.95, 0.8), (0.5, 0.6, 0.8, None)):
        found = outcomes(where(examined, strength=strength))
        name = f"strength {strength:g}: planted cause"
        add(f"{name} first", f"{first:.0%}", [one.is_first for one in found], first)
        add(f"{name} in first three", f"{three:.0%}", [one.is_in_three for one in found], three)
        if scope:
            right = [one.is_scope_right for one in found if one.is_found]
            add(f"{name}, if found: scope right", f"{scope:.0%}", right, scope)
    for what, lines in (("healthy", healthy), ("decoys", decoys)):
        counts = [n_false(line) for line in lines]
        rows.append([f"{what}: false findings a world", "at most 0.1", mean_of(counts),
                     met_of(counts, mean(counts or [0]) <= 0.1)])  # fmt: skip
    priced = [one for one in outcomes(examined) if one.is_covered is not None]
    add("money covered", "85% to 95%", [one.is_covered for one in priced], 0.85, 0.95)
    error = median([one.error for one in priced] or [0])
    rows.append(["median relative error of money", "at most 30%", error_of(priced),
                 met_of(priced, error <= 0.3)])  # fmt: skip
    add("two causes: both in first three", "70%", both, 0.7)
    add("missing tables: crashes", "none", [bool(line["crash"]) for line in missing], 0.0, 0.0)
    beside = [(line, full) for line, full in _beside(missing, faults + healthy) if full]
    counts = [sum(map(n_false, side)) for side in zip(*beside, strict=True)] or [0, 0]
    rows.append(["missing tables: false findings, and with all tables", "no more",
                 f"{counts[0]}, {counts[1]} in {len(beside)}",
                 met_of(beside, counts[0] <= counts[1])])  # fmt: skip
    return table(["what", "bar", "figure", "met"], rows)


def _totals(faults, strengths):
    rows = []
    for strength in strengths:
        seen = where(faults, strength=strength)
        known = [line for line in seen if line["causes"][0] in DETECTED]
        usual = [line for line in known if line["level"] == levels_of(line["causes"][0])[0]]
        parts = {"with a detector": known, "at the usual level": usual,
                 "at another level": [line for line in known if line not in usual],
                 "all causes": seen}  # fmt: skip
        rows += [
            [f"{strength:g}", name, len(part), *_figures(part, interval=True)]
            for name, part in parts.items()
        ]
    return table(["strength", "causes", "worlds", *FIGURES], rows)


def _causes(faults):
    rows = []
    for cause in CAUSES:
        here = [line for line in faults if line["causes"] == [cause]]
        firsts = [findings(line)[0]["cause"] for line in here if findings(line)]
        name = cause if cause in DETECTED else f"{cause} (not examined)"
        instead = counted([one for one in firsts if one != cause], 2)
        if here:
            levels = counted([line["level"] for line in here], 4)
            rows.append([name, len(here), levels, *_figures(here), n_crashed(here), instead])
    head = ["cause", "worlds", "planted at", *FIGURES, "crashes", "first instead"]
    return table(head, rows) + f"\nFirst in less than 60 %: {_seldom(faults)}.\n"


def _seldom(faults):
    """Name the causes that are first in less than 60 % of their worlds."""
    shares = {
        cause: mean(one.is_first for one in outcomes(here))
        for cause in DETECTED
        if (here := [line for line in faults if line["causes"] == [cause]])
    }
    low = sorted((share, cause) for cause, share in shares.items() if share < 0.6)
    return ", ".join(f"{cause} {100 * share:.0f} %" for share, cause in low) or "none"


def _figures(lines, *, interval=False):
    """Give the cells that all tables of planted causes share."""
    found = outcomes(lines)
    named = [one for one in found if one.is_found]
    priced = [one for one in named if one.is_covered is not None]
    shares = [one["revenue_share"] for line in lines for one in line["truths"]]
    return [
        f"{100 * mean(shares):.1f} %" if shares else NOTHING,
        rate([one.is_first for one in found], interval=interval),
        rate([one.is_in_three for one in found], interval=interval),
        rate([one.is_scope_right for one in named], interval=interval),
        rate([one.overlaps for one in named]),
        rate([one.is_covered for one in priced], interval=interval),
        error_of(priced),
    ]


def _quiet(healthy, decoys):
    groups = {
        f"{what}, {size or 'all'}": where(lines, size=size) if size else lines
        for what, lines in (("healthy", healthy), ("decoys", decoys))
        for size in ("small", "mid", "")
    }
    names = sorted({line["decoy"] for line in decoys})
    groups |= {name: where(decoys, decoy=name) for name in names}
    rows = []
    for name, lines in groups.items():
        counts = [n_false(line) for line in lines]
        named = counted([one["cause"] for line in lines for one in findings(line)], 6)
        rows.append([name, mean_of(counts), rate([n > 0 for n in counts], interval=True),
                     n_crashed(lines), named])  # fmt: skip
    head = ["worlds", "false findings a world", "worlds with any", "crashes", "what was named"]
    return table(head, rows)


def _pairs(lines):
    rows = []
    for line in lines:
        ranks = [one.rank + 1 if one.is_found else "not" for one in outcomes([line])]
        shares = [f"{100 * one['revenue_share']:.0f} %" for one in line["truths"]] or [NOTHING] * 2
        both = zip(line["causes"], shares, ranks, strict=True)
        others = counted([one["cause"] for one in findings(line)
                           if one["cause"] not in line["causes"]], 3)  # fmt: skip
        rows.append([line["seed"], *(cell for one in both for cell in one), others])
    head = ["seed", "one", "revenue lost", "rank", "other", "revenue lost", "rank", "also named"]
    return table(head, rows)


def _beside(missing, whole):
    """Give each run without a table, and the run of the same world with all, None if it is not."""
    same = {(line["seed"], *line["causes"]): line for line in whole if line["strength"] in (0, 1)}
    return [(line, same.get((line["seed"], *line["causes"]))) for line in missing]


def _missing(missing, whole):
    rows = []
    for dropped in sorted({line["dropped"] for line in missing}):
        for name, is_faulty in (("healthy", False), ("with a fault", True)):
            here = [
                line for line in where(missing, dropped=dropped)
                if bool(line["causes"]) == is_faulty
            ]  # fmt: skip
            full = [line for _line, line in _beside(here, whole) if line]
            in_three = [[one.is_in_three for one in outcomes(part)] for part in (here, full)]
            says = [bool(line.get("unexamined")) for line in here]
            n_left = median([len(line.get("unexamined", ())) for line in here] or [0])
            rows.append([
                dropped, name, n_crashed(here), mean_of([n_false(line) for line in here]),
                mean_of([n_false(line) for line in full]), *map(rate, in_three), rate(says),
                f"{n_left:.0f}",
            ])  # fmt: skip
    head = ["without", "worlds", "crashes", "false findings a world", "with all tables",
            "planted in first three", "with all tables", "say what is missing",
            "causes not examined"]  # fmt: skip
    return table(head, rows)


def _readings(faults, healthy):
    """Put the naive readings beside ours: in all, then by cause at strength 1."""
    known = [line for line in faults if line["truths"]]
    asked = [
        "ours",
        *(one for one in READINGS if any(one in line.get("naive", ()) for line in known)),
    ]
    rows = []
    for reading in asked:
        cells = []
        for strength in (1.0, 0.5):
            told = [names_truth(line, reading) for line in where(known, strength=strength)]
            cells += [rate([pair[place] for pair in told]) for place in (0, 1)]
        answers = [first_of(line, reading) or {} for line in healthy if was_read(line, reading)]
        named = [bool(one) and "problem" not in one for one in answers]
        n_none = sum("problem" in (first_of(line, reading) or {}) for line in known + healthy)
        rows.append([READERS[reading], *cells, rate(named), n_none])
    head = ["reading", "cause, strength 1", "and scope", "cause, strength 0.5", "and scope",
            "names something in a healthy world", "no answer"]  # fmt: skip
    left = "" if "wise_pizza" in asked else "\nwise-pizza was not run.\n"
    asked = [one for one in asked if one != "wise_pizza"]
    by_cause = []
    for cause in CAUSES:
        here = [line for line in where(known, strength=1.0) if line["causes"] == [cause]]
        told = [rate([names_truth(line, one)[0] for line in here]) for one in asked]
        by_cause += [[cause, *told]] if here else []
    by_cause = table(["cause", *map(READERS.get, asked)], by_cause)
    return f"{table(head, rows)}{left}\n{by_cause}"


def _crashes(lines):
    told = [
        f"{line['crash']['step']}: {line['crash']['type']}: {line['crash']['message'][:120]}"
        for line in lines if line["crash"]
    ]  # fmt: skip
    clean = Counter(one.replace("|", "/").replace("\n", " ") for one in told)
    return table(["crash", "worlds"], clean.most_common()) if clean else "None.\n"


def _seconds(lines, faults):
    parts = []
    for name, group in (("all worlds", lines), ("one fault, 18 to 30 reps, all tables", faults)):
        told = [line["seconds"]["diagnosis"] for line in group if not line["crash"]]
        if told:
            parts.append(f"{name}: {median(told):.1f} in the median, {max(told):.1f} at most")
    return (
        f"A diagnosis takes, in seconds of one core: {'; '.join(parts) or NOTHING}. These are of "
        "the machine that ran it and of what else it did; they are no ratio, and no bar is held "
        "against them."
    )
