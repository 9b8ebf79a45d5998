"""Measure what the estimators promise: cover of intervals, error rates of tests, false findings.

    python benchmarks/estimators.py [--rounds 1500] [--only panel survival-tests ...] [--again]

Every topic is simulated with fixed seeds and kept in benchmarks/data/simulations; a topic that
is there already is not run again unless its code or that of its estimators has changed (comments
and docstrings aside), the number of rounds differs, or --again is given. The table is written
to benchmarks/ESTIMATORS.md once all topics are there.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import platform
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from simulations.rows import Figure
from simulations.table import page

import salesdiag

HERE = Path(__file__).parent
CACHE = HERE / "data" / "simulations"
TABLE = HERE / "ESTIMATORS.md"
STATS = Path(salesdiag.__file__).parent / "stats"
ROUNDS = 1500
LEAST_ROUNDS = 20
N_PROCESSES = 2

# slow ones first, so that both processes are busy to the end
FILES = (
    "panel", "bunching", "shrinkage", "effects", "decomposition", "survival", "change", "cells",
    "agreement", "standardisation", "multiplicity", "forecasts", "rates",
)  # fmt: skip


def all_topics():
    """Give the file, the function and the share of the rounds of each topic, slow files first."""
    return {
        topic: (file, function, times)
        for file in FILES
        for topic, (function, times) in import_module(f"simulations.{file}").TOPICS.items()
    }


def fingerprint(file):
    """Hash the code of a file and of what it imports from here, without comments and docstrings."""
    told, waiting, seen = hashlib.sha256(), [f"simulations.{file}"], set()
    while waiting:
        module = waiting.pop()
        path = _path(module)
        if path is None or path in seen:
            continue
        seen.add(path)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list):
                node.body = [one for one in body if not _is_text(one)]
            if isinstance(node, ast.ImportFrom) and node.module:
                waiting.append(node.module)
        told.update(ast.dump(tree).encode())
    return told.hexdigest()


def _path(module):
    """Give the file of a module that is simulated or simulates; None for all others."""
    parts = module.split(".")
    if parts[0] == "simulations":
        path = HERE.joinpath(*parts)
    elif parts[:2] == ["salesdiag", "stats"]:
        path = STATS.joinpath(*parts[2:])
    else:
        return None
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _is_text(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def kept(topic):
    """Give what is kept of a topic; None if there is nothing."""
    path = CACHE / f"{topic}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def is_current(found, rounds, code):
    return found is not None and found["rounds"] == rounds and found["code"] == code


def simulate(topic, rounds, code):
    """Run a topic in a process of its own and keep its figures; ``code`` is that of its start."""
    warnings.simplefilter("error")
    _file, function, times = all_topics()[topic]
    start = time.process_time()
    figures = list(function(max(LEAST_ROUNDS, round(rounds * times))))
    found = {
        "topic": topic, "rounds": rounds, "code": code, "date": date.today().isoformat(),
        "seconds": time.process_time() - start, "figures": figures,
    }  # fmt: skip
    CACHE.mkdir(parents=True, exist_ok=True)
    path = CACHE / f"{topic}.json"
    path.with_suffix(".part").write_text(json.dumps(found), encoding="utf-8")
    path.with_suffix(".part").replace(path)
    return found["seconds"], len(figures)


def run(topics, rounds, codes):
    """Run topics, two at a time; give the names of those that failed."""
    failed = []
    with ProcessPoolExecutor(N_PROCESSES) as pool:
        waiting = {pool.submit(simulate, topic, rounds, codes[topic]): topic for topic in topics}
        for done in as_completed(waiting):
            topic, problem = waiting[done], done.exception()
            if problem is None:
                seconds, n_rows = done.result()
                print(f"{topic:32} {n_rows:4} rows {seconds:7.1f} s", flush=True)
            else:
                failed.append(topic)
                print(f"{topic:32} failed: {type(problem).__name__}: {problem}", flush=True)
    return failed


def write(rounds, codes):
    """Write the table of all that is kept; say what is not, or is of other code."""
    found = {topic: kept(topic) for topic in codes}
    absent = [topic for topic, one in found.items() if one is None]
    if absent:
        print(f"not written, as these topics are yet to be run: {', '.join(absent)}")
        return
    old = [topic for topic, one in found.items() if not is_current(one, rounds, codes[topic])]
    rows = [
        (topic, Figure(*figure)) for topic in sorted(found) for figure in found[topic]["figures"]
    ]
    versions = (
        f"salesdiag {salesdiag.__version__}, Python {platform.python_version()}, "
        f"numpy {version('numpy')}, scipy {version('scipy')}"
    )
    days = sorted({one["date"] for one in found.values()})
    seconds = sum(one["seconds"] for one in found.values())
    head = (
        f"Measured {' to '.join(dict.fromkeys((days[0], days[-1])))} with {versions}; "
        f"{seconds / 60:.0f} minutes of one core, {rounds} rounds unless stated, seeds fixed."
    )
    if old:
        head += f" Measured before the last change of their code: {', '.join(sorted(old))}."
    TABLE.write_text(page(rows, head), encoding="utf-8")
    print(f"{TABLE.name}: {len(rows)} rows, {sum(not one.mark for _topic, one in rows)} inside")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", nargs="+", default=[], metavar="TOPIC", help="or a file of them")
    parser.add_argument("--again", action="store_true", help="run also what is kept")
    parser.add_argument("--table", action="store_true", help="run nothing, write what is kept")
    asked = parser.parse_args()
    topics = all_topics()
    wanted = [
        topic for topic, (file, *_rest) in topics.items()
        if not asked.only or topic in asked.only or file in asked.only
    ]  # fmt: skip
    if not wanted:
        parser.error(f"no such topic; there are {', '.join(topics)}, and {', '.join(FILES)}")
    by_file = {file: fingerprint(file) for file in FILES}
    codes = {topic: by_file[file] for topic, (file, *_rest) in topics.items()}
    to_run = [
        topic for topic in wanted
        if asked.again or not is_current(kept(topic), asked.rounds, codes[topic])
    ]  # fmt: skip
    failed = [] if asked.table else run(to_run, asked.rounds, codes)
    write(asked.rounds, codes)
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
