"""Plant known faults in made-up departments and record what the diagnosis names.

    python benchmarks/diagnosis.py --set development --wise-pizza /tmp/pizza    # over an hour
    python benchmarks/diagnosis.py --worlds 1 --only stage_leak,lead_shortage   # a look
    python benchmarks/diagnosis.py --set reporting --table --date 2026-01-31    # DIAGNOSIS.md

Each finished run is one line of JSON in benchmarks/data/diagnosis/<set>.jsonl; a second start
skips what is there for the same code of `salesdiag.diagnosis` and `salesdiag.simulate`. Runs are
ordered so that one stopped early has seen every cause. Thresholds are set on the development
seeds; the reporting seeds are for the table alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import diagnosis_naive
import diagnosis_scores
import diagnosis_table
import numpy as np

import salesdiag as sd
from salesdiag.diagnosis.investigate import DETECTED, investigate
from salesdiag.intake.settings import settings_of
from salesdiag.periods import last_twelve_months
from salesdiag.simulate import CAUSES, DECOYS, Fault, levels_of, world

HERE = Path(__file__).parent
CODE = Path(sd.__file__).parent
SETS = {"development": 100, "reporting": 10_000}  # first seed; all lie within 10,000
KINDS = ("fault", "healthy", "decoy", "pair", "missing")
DROPPED = ("all but deals, reps", "activities", "targets")
CONFIDENCE = 0.9  # of the intervals for money
SMALL, MID = (6, 8), (18, 30)  # reps
BATCH = 60  # runs for which the code is looked at and loaded anew
# seeds of a kind begin so far after the first of the set; each cause has a hundred of its own
A_HUNDRED, OFFSETS = 100, {"fault": 0, "healthy": 5_000, "decoy": 5_500, "pair": 7_000}


@dataclass(frozen=True)
class Run:
    """One world to diagnose; all of it but the level follows from kind, causes and seed."""

    kind: str
    causes: tuple[str, ...]
    level: str | None  # None: the usual one
    strength: float
    seed: int
    size: str
    decoy: str = ""
    dropped: str = ""

    @property
    def key(self):
        told = (self.kind, *self.causes, self.strength, self.seed, self.decoy, self.dropped)
        return "|".join(map(str, told))


def plan(first, asked):
    """List the runs, in an order that has a part of everything at any time."""
    by_kind = {
        "fault": _faults(first, asked.worlds, asked.strengths),
        "healthy": [_healthy(first, i) for i in range(asked.healthy)],
        "decoy": _decoys(first, asked.decoys),
        "pair": _pairs(first, asked.pairs),
        "missing": _missing(first, asked.missing),
    }
    spread = [
        ((place + 0.5) / len(runs), run)
        for kind, runs in by_kind.items() if kind in asked.kinds
        for place, run in enumerate(runs)
    ]  # fmt: skip
    runs = [run for _place, run in sorted(spread, key=lambda one: one[0])]
    return [run for run in runs if not asked.only or {*run.causes, run.decoy} & set(asked.only)]


def _faults(first, n, strengths):
    return [
        _fault(first, cause, i, strength) for i in range(n) for cause in CAUSES
        for strength in strengths
    ]  # fmt: skip


def _fault(first, cause, i, strength):
    """Plant at the usual level in two worlds of three, at the others in turn in the third."""
    seed = first + A_HUNDRED * list(CAUSES).index(cause) + i
    usual, *others = levels_of(cause)
    level = others[i // 3 % len(others)] if i % 3 == 2 and others else usual
    return Run("fault", (cause,), level, strength, seed, "mid")


def _healthy(first, i):
    return Run("healthy", (), None, 0.0, first + OFFSETS["healthy"] + i, ("small", "mid")[i % 2])


def _decoys(first, n):
    return [
        Run("decoy", (), None, 0.0, first + OFFSETS["decoy"] + A_HUNDRED * j + i,
            ("mid", "small")[i % 2], name)
        for i in range(n) for j, name in enumerate(DECOYS)
    ]  # fmt: skip


def _pairs(first, n):
    """Draw pairs of causes that a detector looks for, no pair twice."""
    rng = np.random.default_rng(first)
    seen = {}  # in the order of drawing
    while len(seen) < n:
        seen.setdefault(tuple(sorted(map(str, rng.choice(DETECTED, 2, replace=False)))))
    return [
        Run("pair", pair, None, 1.0, first + OFFSETS["pair"] + i, "mid")
        for i, pair in enumerate(seen)
    ]


def _missing(first, n):
    """Take tables away from worlds that are run with all of them too, so that pairs compare."""
    causes = np.random.default_rng(first).permutation(DETECTED)
    whole = [
        run for i in range(n)
        for run in (_healthy(first, i), _fault(first, str(causes[i % len(causes)]), 0, 1.0))
    ]  # fmt: skip
    return [
        Run("missing", run.causes, run.level, run.strength, run.seed, run.size, "", dropped)
        for run in whole for dropped in DROPPED
    ]  # fmt: skip


def carry_out(run, asked):
    """Make the world, diagnose it, read it naively; what raises is recorded as a crash."""
    warnings.simplefilter("ignore")
    line = asdict(run) | {"key": run.key, "crash": None, "seconds": {}, "truths": []}
    step = "world"
    try:
        made = _timed(line, step, _make, run, line)
        step = "diagnosis"
        line |= _timed(line, step, _diagnose, made, run.dropped)
    except Exception as error:  # noqa: BLE001 - a crash is a result, counted in the table
        line["crash"] = {"step": step, "type": type(error).__name__, "message": str(error)[:300]}
    if step == "diagnosis" and not run.dropped and not asked.no_naive:
        line["naive"] = _timed(line, "naive", diagnosis_naive.readings, made, asked.wise_pizza)
    return line


def _timed(line, step, function, *arguments):
    start = time.perf_counter()
    try:
        return function(*arguments)
    finally:
        line["seconds"][step] = round(time.perf_counter() - start, 3)


def _make(run, line):
    fewest, most = SMALL if run.size == "small" else MID
    reps = int(np.random.default_rng(run.seed).integers(fewest, most + 1))
    faults = [Fault(cause, run.strength, run.level) for cause in run.causes]
    made = world(faults, seed=run.seed, reps=reps, decoys=run.decoy or ())
    line |= {"reps": reps, "language": made.language, "n_deals": len(made.tables["deals"])}
    for one in made.truth:
        line["truths"].append({
            "cause": one.cause, "level": one.level, "ids": one.ids, "stage": one.stage,
            "revenue": one.revenue, "margin": one.margin, "money": one.money,
            "revenue_share": one.revenue_share,
        })  # fmt: skip
    return made


def _diagnose(made, dropped):
    kept = {
        name: table for name, table in made.tables.items()
        if name != dropped and (dropped != DROPPED[0] or name in ("deals", "reps"))
    }  # fmt: skip
    department = sd.Department.of(kept, settings_of(made.settings, "benchmark"))
    found = investigate(department, *last_twelve_months(department.as_of), confidence=CONFIDENCE)
    return {
        "findings": [
            {"cause": one.cause, "level": one.scope.level, "id": one.scope.id,
             "stage": one.scope.stage, "q_value": one.q_value, "money": one.money,
             "low": one.money_low, "high": one.money_high, "basis": one.money_basis,
             "grade": one.grade}
            for one in found.findings
        ],
        "explained": [
            {side: [one.cause, one.level, ", ".join(one.ids)]
             for side, one in (("suspect", pair.suspect), ("by", pair.by))}
            for pair in found.explained if pair.wholly
        ],
        "unexamined": found.unexamined,
    }  # fmt: skip


def fingerprint():
    """Hash the sources of the diagnosis and of the worlds."""
    told = hashlib.sha256()
    for folder in ("diagnosis", "simulate"):
        for path in sorted((CODE / folder).rglob("*.py")):
            told.update(str(path.relative_to(CODE)).encode() + path.read_bytes())
    return told.hexdigest()[:12]


def run_all(runs, out, code, asked):
    """Carry runs out and append their lines; stop if the code changes meanwhile."""
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # spawned ones inherit it
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.exists() and not out.read_bytes().endswith(b"\n"):  # stopped while it wrote
        with out.open("ab") as file:
            file.write(b"\n")
    done, start = 0, time.perf_counter()
    for begin in range(0, len(runs), BATCH):
        if fingerprint() != code:
            sys.exit("the code has changed since the start; start again to go on with the new one")
        with ProcessPoolExecutor(asked.processes, get_context("spawn")) as pool:
            waiting = [pool.submit(carry_out, run, asked) for run in runs[begin : begin + BATCH]]
            for one in as_completed(waiting):
                line = one.result() | {"code": code}
                with out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(line, ensure_ascii=False, default=float) + "\n")
                done += 1
                minutes = (time.perf_counter() - start) / 60
                said = ", ".join(found["cause"] for found in line.get("findings", ()))
                said = f"crash: {line['crash']['type']}" if line["crash"] else said
                print(f"{done}/{len(runs)} {minutes:.1f} min  {line['key']}  {said}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    words = {"type": lambda text: text.split(",")}
    parser.add_argument("--set", choices=SETS, default="development")
    parser.add_argument("--worlds", type=int, default=20, help="of each cause and strength")
    parser.add_argument("--healthy", type=int, default=100)
    parser.add_argument("--decoys", type=int, default=10, help="worlds of each")
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--missing", type=int, default=10, help="healthy, and as many with a fault")
    parser.add_argument("--kinds", **words, help=f"of {','.join(KINDS)}; with --only: fault")
    parser.add_argument("--only", **words, default=[], help="causes or decoys, commas between")
    parser.add_argument("--strengths", default=[1.0, 0.5],
                        type=lambda text: [float(one) for one in text.split(",")])  # fmt: skip
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--wise-pizza", type=Path, metavar="VENV", help="made if it is not there")
    parser.add_argument("--no-naive", action="store_true", help="leave the naive readings out")
    parser.add_argument("--out", type=Path, help="the file of results")
    parser.add_argument("--any-code", action="store_true", help="count lines of older code too")
    parser.add_argument("--table", action="store_true", help="run nothing, write the table")
    parser.add_argument("--to", type=Path, default=HERE / "DIAGNOSIS.md", help="the table")
    parser.add_argument("--date", type=date.fromisoformat, help="of the table")
    asked = parser.parse_args()
    asked.kinds = asked.kinds or (["fault"] if asked.only else list(KINDS))
    unknown = ({*asked.kinds} - {*KINDS}) | ({*asked.only} - {*CAUSES, *DECOYS})
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    if max(asked.worlds, asked.decoys) > A_HUNDRED:
        parser.error(f"at most {A_HUNDRED} worlds of a cause or decoy: seeds would meet")
    if asked.table and asked.date is None:
        parser.error("the table needs its --date")
    out = asked.out or HERE / "data" / "diagnosis" / f"{asked.set}.jsonl"
    code, runs = fingerprint(), plan(SETS[asked.set], asked)
    lines = diagnosis_scores.read(out, None if asked.any_code else code)
    if asked.table:
        lines = {run.key: lines[run.key] for run in runs if run.key in lines}
        page = diagnosis_table.page(list(lines.values()), asked, code, len(runs))
        asked.to.write_text(page, encoding="utf-8")
        print(f"{asked.to}: {len(lines)} of {len(runs)} runs")
        return
    if asked.wise_pizza:
        diagnosis_naive.install(asked.wise_pizza)
    run_all([run for run in runs if run.key not in lines], out, code, asked)


if __name__ == "__main__":
    main()
