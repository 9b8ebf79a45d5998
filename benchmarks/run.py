"""Hold the library against hand-written code on a large department, and against its promises.

    python benchmarks/run.py [--data benchmarks/data] [--runs 5] [--sample sample_data]

Figures are ratios within one run: the rivals take turns, and the medians are compared. First it
is verified that all of them give equal numbers. Nothing fails for being slow: the table says.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import pandas as pd
import rivals
from generate import DATA, generate

import salesdiag
from salesdiag.analyses.check import check
from salesdiag.analyses.funnel import stage_conversion
from salesdiag.analyses.funnel.stages import conversion_rates, conversion_waits

REPOSITORY = Path(__file__).parent.parent
IMPORTS = "import pandas, ibis, matplotlib.pyplot"


def take_turns(runs, **rivals_):
    """Run the rivals in turns; give the median wall time of each."""
    seconds = {name: [] for name in rivals_}
    for turn in range(runs + 1):  # the first turn warms up
        for name, run in rivals_.items():
            start = time.perf_counter()
            run()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: median(each) for name, each in seconds.items()}


def child(command):
    """Run a command with compiled bytecode; give its wall time and peak memory in GB."""
    environment = {name: value for name, value in os.environ.items()
                   if name != "PYTHONDONTWRITEBYTECODE"}  # fmt: skip
    start = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    complaint = process.stderr.read()
    _pid, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    if status:
        raise SystemExit(f"{' '.join(command)} failed:\n{complaint.decode()}")
    unit = 1 if platform.system() == "Darwin" else 1024  # bytes there, kilobytes elsewhere
    return wall, used.ru_maxrss * unit / 1e9


class Report:
    """The lines of the table."""

    def __init__(self):
        self.lines = []

    def add(self, what, bar, figure, *, met, detail=""):
        self.lines.append(f"| {what} | {bar} | {figure} | {'yes' if met else 'NO'} | {detail} |")
        print(self.lines[-1], flush=True)

    def at_most(self, what, bar, figure, detail):
        self.add(what, f"at most {bar:.3g}", f"{figure:.2f}", met=figure <= bar, detail=detail)

    def __str__(self):
        head = ["| what | bar | figure | met | seconds |", "|---|---|---|---|---|"]
        return "\n".join(head + self.lines)


def sort_waits(waits):
    columns = ["rep_id", "step", "wait_days", *rivals.COUNTS]
    waits = waits[columns].astype(dict.fromkeys(columns[1:], "int64"))
    waits["rep_id"] = waits["rep_id"].astype(object)
    return waits.sort_values(columns[:3]).reset_index(drop=True)


def verify(department, connection, frames, as_of, folder):
    """Stop where SQL, pandas, the library and the planted faults disagree."""
    ladder = department.ladder()
    ours = conversion_waits(department, ["rep_id"])
    table = stage_conversion(department, by="rep_id")
    for theirs in (rivals.waits_in_sql(connection, as_of), rivals.waits_in_pandas(*frames, as_of)):
        pd.testing.assert_frame_equal(sort_waits(ours), sort_waits(theirs))
        rates = conversion_rates(theirs, ["rep_id"], ladder, confidence=0.95)
        rates = rates.sort_values(["rep_id", "from_stage"]).reset_index(drop=True)
        mine = table.sort_values(["rep_id", "from_stage"]).reset_index(drop=True)
        pd.testing.assert_frame_equal(mine, rates, check_dtype=False)
    found = check(department).set_index(["table", "column", "rule"])["n_failing"].to_dict()
    planted = json.loads((folder / "faults.json").read_text(encoding="utf-8"))
    for fault in planted:
        place = (fault["table"], fault["column"], fault["rule"])
        if found.get(place) != fault["n"]:
            raise SystemExit(f"{place}: {fault['n']} planted, {found.get(place)} found")
    print(f"equal: {len(ours):,} counts of waits in the library, SQL and pandas; "
          f"{len(planted)} kinds of planted faults found in full\n")  # fmt: skip


def compare_funnel(report, runs, department, connection, frames, as_of):
    ladder = department.ladder()

    def rates(waits):
        return conversion_rates(waits, ["rep_id"], ladder, confidence=0.95)

    took = take_turns(
        runs,
        library=lambda: stage_conversion(department, by="rep_id"),
        sql=lambda: rates(rivals.waits_in_sql(connection, as_of)),
        pandas=lambda: rates(rivals.waits_in_pandas(*frames, as_of)),
        reduction=lambda: conversion_waits(department, ["rep_id"]),
        sql_reduction=lambda: rivals.waits_in_sql(connection, as_of),
    )
    both = f"{took['library']:.2f} against {took['sql']:.2f}"
    report.at_most("stage_conversion by rep / the same in SQL", 1.5,
                   took["library"] / took["sql"], both)  # fmt: skip
    both = f"{took['reduction']:.2f} against {took['sql_reduction']:.2f}"
    report.at_most("the reduction alone / its SQL", 1.5,
                   took["reduction"] / took["sql_reduction"], both)  # fmt: skip
    faster = took["pandas"] / took["library"]
    both = f"{took['pandas']:.2f} against {took['library']:.2f}"
    report.add("the same in pandas / stage_conversion", "at least 3", f"{faster:.2f}",
               met=faster >= 3, detail=both)  # fmt: skip


def compare_check(report, runs, department, connection, folder):
    # else columns without nulls are answered from the file's footer and never read
    connection.execute("SET disabled_optimizers = 'statistics_propagation'")
    queries = rivals.scans(folder)

    def scan():
        for query in queries:
            connection.execute(query).fetchall()

    took = take_turns(runs, check=lambda: check(department), scan=scan)
    both = f"{took['check']:.2f} against {took['scan']:.2f}"
    report.at_most("check of all tables / one scan of them", 3, took["check"] / took["scan"], both)


def measure_audit(report, folder):
    with tempfile.TemporaryDirectory() as out:
        runs = [child(["salesdiag", "audit", str(folder), "--out", out]) for _ in range(3)]
    wall, peak = median(wall for wall, _ in runs), max(peak for _, peak in runs)
    report.at_most("peak memory of an audit, GB", 4, peak, f"{wall:.1f}")


def compare_starts(report, sample, runs=7):
    python = sys.executable
    with tempfile.TemporaryDirectory() as out:
        commands = {
            "imports": [python, "-c", IMPORTS],
            "audit": ["salesdiag", "audit", str(sample), "--out", out],
            "pandas": [python, "-c", "import pandas"],
            "package": [python, "-c", "import salesdiag"],
            "help": ["salesdiag", "--help"],
        }
        took = take_turns(
            runs, **{name: lambda c=command: child(c) for name, command in commands.items()}
        )
    detail = {name: f"{took[name]:.2f} against" for name in ("audit", "package", "help")}
    report.at_most(f"audit of {sample.name} / `{IMPORTS}`", 3, took["audit"] / took["imports"],
                   f"{detail['audit']} {took['imports']:.2f}")  # fmt: skip
    report.at_most(f"audit of {sample.name}, seconds", 10, took["audit"], f"{took['audit']:.2f}")
    for name, what, bar in (("package", "`import salesdiag`", 1 / 3),
                            ("help", "`salesdiag --help`", 1 / 2)):  # fmt: skip
        report.at_most(f"{what} / `import pandas`", bar, took[name] / took["pandas"],
                       f"{detail[name]} {took['pandas']:.2f}")  # fmt: skip


def machine():
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(
        f"{name} {__import__(name).__version__}" for name in ("duckdb", "ibis", "pandas")
    )
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GB; Python {platform.python_version()}, {versions}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--sample", type=Path, default=REPOSITORY / "sample_data")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    if not (given.data / "deals.parquet").exists():
        generate(given.data)
    report = Report()
    measure_audit(report, given.data)  # before this process takes memory itself
    compare_starts(report, given.sample)
    department = salesdiag.load(given.data)
    as_of = pd.Timestamp(department.as_of)
    connection, frames = rivals.connect(given.data), rivals.read_frames(given.data)
    verify(department, connection, frames, as_of, given.data)
    compare_funnel(report, given.runs, department, connection, frames, as_of)
    del frames
    compare_check(report, given.runs, department, connection, given.data)
    print(f"\n{machine()}\n\n{report}")


if __name__ == "__main__":
    main()
