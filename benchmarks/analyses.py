"""Hold every public analysis against the hand-written SQL of its reduction, and more.

    python benchmarks/analyses.py [--parts sql rivals linear] [--only win_rate ...] [--runs 3]

``sql``: each analysis at its defaults, against SQL that a person would write for the same counts
and sums, run by DuckDB on the same files and fetched to pandas. ``rivals``: the funnel against
pm4py and retentioneering from the same data frame. ``linear``: seconds and memory as the deals
grow. Each part rewrites its section of ANALYSES.md. Nothing fails for being slow.

Every public analysis of every part has a row: one without SQL is timed alone and says so. To
give one its SQL, put the queries beside the others in ``sql`` and name them in ``CASES`` here, or
in ``sql/<part>.py``, whose ``CASES`` holds for ``"<analysis>"`` the arguments of `Case`.

On a busy machine set OPENBLAS_NUM_THREADS=1: threads of BLAS that wait for a core spin, and the
two fits (`activity_effect`, `discount_effect`) take ten times as long. The report says which.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import venv
from datetime import date
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from statistics import median
from typing import NamedTuple

import generate as maker
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from generate import DATA, generate
from rivals import connect
from run import child, machine

import salesdiag as sd
from salesdiag.analyses.discount.phases import LAST, phases_of
from salesdiag.department import Department
from salesdiag.reductions.winnable import winnable_days

HERE = Path(__file__).parent
REPORT = HERE / "ANALYSES.md"
ON = "2025-11-14"  # inside a quarter, where a plan has something to foretell
SLACK = 0.2  # seconds on top of twice the SQL


class Case(NamedTuple):
    """An analysis, the queries of its reduction, and figures that both must give."""

    queries: str
    figures: object = None  # (frames, table) to pairs; None where nothing is directly comparable
    options: dict = {}  # noqa: RUF012
    note: str = ""


# -- what both must give ----------------------------------------------------------------------


def same(*names, **others):
    """Compare sums of columns of the first query with those of the table."""

    def pairs(frames, table):
        both = {name: name for name in names} | others
        return [(frames[0][ours].sum(), table[theirs].sum()) for ours, theirs in both.items()]

    return pairs


def by_group(key, *names, table_key=None):
    """Compare columns of the first query with those of the table, group by group."""

    def pairs(frames, table):
        found = frames[0].groupby(key)[list(names)].sum(min_count=1)
        given = table.set_index(table_key or key)[list(names)]
        given = given[given.index.isin(found.index)]
        found = found.reindex(given.index)
        return [(found.to_numpy(float), given.to_numpy(float))]

    return pairs


def conversion(frames, table):
    found = frames[0].groupby("step").sum()
    names = ["n_to", "n_lost", "n_open", "n_skipped", "n_returned", "n_without_history"]
    return [(found[names].to_numpy(), table[names].to_numpy())]


def outcomes(frames, table):
    longest = table[table["is_longest"]].set_index("outcome")
    ages, quiet = frames
    given_up = quiet["quiet_days"] > np.ceil(longest["no_decision_days"].iloc[0])
    ended_at = quiet["age_days"] - quiet["quiet_days"] + longest["no_decision_days"].iloc[0]
    until = longest["age_days"].iloc[0]
    gone = quiet.loc[given_up & (ended_at <= until), "n_open"].sum()
    won = ages.loc[ages["age_days"] <= until, "n_won"].sum()
    return [(won, longest.loc["won", "n_ended"]), (gone, longest.loc["no decision", "n_ended"]),
            (quiet["n_open"].sum(), ages["n_open"].sum())]  # fmt: skip


def cohorts(frames, table):
    found = frames[0].groupby("cohort")[["n_won", "n_lost", "n_open"]].sum()
    given = table.set_index("cohort_start")[["n_won", "n_lost", "n_open"]]
    return [(found.to_numpy(), given.to_numpy())]


def flow(frames, table):
    names = ["n_deals", "n_entered", "n_advanced", "n_lost", "n_back", "n_out", "n_here",
             "n_jumped", "n_without_history"]  # fmt: skip
    return [(frames[0].sort_values("step")[names].to_numpy(), table[names].to_numpy())]


def destinations(frames, table):
    whole = table[table["activity_type"] == "all"].set_index("destination")["n_activities"]
    found = frames[1].groupby("destination")["n"].sum().reindex(whole.index, fill_value=0)
    return [(found.to_numpy(), whole.to_numpy())]


def rates(frames, table):
    names = ["n_activities", "n_with_outcome", "n_reached"]
    found = frames[0].groupby("activity_type")[names].sum()
    return [(found.to_numpy(), table.set_index("activity_type").loc[found.index, names])]


def won_by_quarter(frames, table):
    days = pd.to_datetime(frames[0]["day"])
    found = [
        frames[0].loc[(days >= row.period_start) & (days <= row.period_end), "actual"].sum()
        for row in table.itertuples()
    ]
    return [(found, table["actual"])]


def capacity_wins(frames, table):
    days = pd.to_datetime(frames[0]["day"])
    found = [
        frames[0].loc[(days >= row.period_start) & (days <= row.period_end), "n_won"].sum()
        for row in table.itertuples()
    ]
    return [(found, table["n_won"])]


def required(frames, table):
    created = frames[1][["n_won", "n_lost", "n_open"]].to_numpy().sum()
    return [*won_by_quarter(frames, table), (created, table["n_created"].sum())]


def forecast(frames, table):
    running = frames[1][(frames[1]["span"] == SPANS["running"]) & (frames[1]["step"] >= 0)]
    return [*won_by_quarter(frames, table), (running["n_deals"].sum(), table["n_open_deals"].sum())]


def landmarks(frames, _table):
    """The library's own counts of the same spans, for its table shows scores only."""
    mine = SPANS["counts"].set_index(["span", "step", "age_band"]).sort_index()
    found = frames[1].set_index(["span", "step", "age_band"]).sort_index()
    return [(found.to_numpy(float), mine.to_numpy(float))]


def bands(frames, table):
    found = frames[0].set_index("band").sort_index()
    given = table.reset_index(drop=True).loc[found.index]
    return [(found["n_priced"], given["n_priced"]), (found["money_n"], given["n_accounts"]),
            (found["money_whole"], given["list_amount"])]  # fmt: skip


def growth(frames, table):
    found = frames[2].set_index("band").sort_index()
    given = table.reset_index(drop=True).loc[found.index]
    return [*bands(frames, table), (found["n_compared"], given["n_compared"])]


def waterfall(frames, table):
    amount = table.set_index("step")["step_amount"]
    return [(frames[0]["given_whole"], amount[["list price"]]),
            (-frames[0]["cost_part"], amount[["cost"]]),
            (frames[0]["left_part"], amount[["contribution"]])]  # fmt: skip


def mix(frames, table):
    sums = frames[0].groupby("side")["value"].sum()
    return [(sums["base"], table["base_amount"].iloc[0]),
            (sums["window"], table["window_amount"].iloc[0])]  # fmt: skip


def effect(frames, table):
    found = frames[1].groupby("band")[["n", "n_won"]].sum()
    return [(found, table.set_index(found.index)[["n_deals", "n_won"]])]


def bunching(frames, table):
    n_off = frames[0].loc[frames[0]["step"] > 0, "n"].sum()
    return [(frames[0]["n"].sum(), table["n_priced"].iloc[0]),
            (n_off, table["n_discounted"].iloc[0])]  # fmt: skip


def period_ends(frames, table):
    slots = frames[1].merge(WHOLE, on="slot")
    slots["phase"] = slots["slot"] % 3
    sums = slots[slots["is_whole"]].groupby("phase")[["n_won", "n_closed"]].sum()
    given = [[table[f"{kind}_{name}"].iloc[0] for kind in ("n_won", "n_closed")]
             for name in ("first", "middle", "last")]  # fmt: skip
    return [(sums.to_numpy(), np.array(given))]


def habit(frames, table):
    found = frames[0].groupby("rep_id")[["n", "n_discounted"]].sum()
    given = table.set_index("rep_id").loc[found.index, ["n_deals", "n_discounted"]]
    return [(found.to_numpy(), given.to_numpy())]


def target_slots(frames, table):
    """All deals won: of reps with a target by band, the others apart."""
    placed = table[["n_early", "n_last", "n_unpriced"]].to_numpy().sum()
    return [(frames[0][["n_priced", "n_unpriced"]].to_numpy().sum(),
             placed + table["n_without_target"].iloc[0])]  # fmt: skip


def window(frames, table):
    now = frames[1][frames[1]["side"] == "now"]
    named = {"deals": "n_deals", "won": "n_won", "amount": "actual_amount"}
    return [(now[ours].sum(), table[theirs].iloc[0]) for ours, theirs in named.items()]


SPANS: dict = {}  # of the forecasts: what the library asked for and counted
WHOLE = pd.DataFrame()  # phases of quarters that lie wholly in the data

PARTS = ("funnel", "activity", "plan", "discount", "drivers", "pipeline", "reps", "leads",
         "hygiene")  # fmt: skip
CASES = {
    "funnel.win_rate": Case("win_rate", same("n_deals", "n_won", "n_lost")),
    "funnel.stage_conversion": Case("stage_conversion", conversion),
    "funnel.outcome_incidence": Case("ages quiet_days", outcomes),
    "funnel.cohort_conversion": Case("cohorts", cohorts),
    "funnel.stage_flow": Case("stage_flow", flow),
    "funnel.loss_reasons": Case(
        "loss_reasons", by_group("loss_reason", "n_lost", "lost_amount"),
        note="exit stages not compared: another rule where two changes are simultaneous",
    ),
    "funnel.segment_comparison": Case(
        "segment_comparison", by_group("segment", "n_won", "n_deals", table_key="value")
    ),
    "funnel.current_stages": Case(
        "current_stages", by_group("stage", "n_deals", "n_open", "n_won", "n_lost", "open_amount")
    ),
    "activity.deal_coverage": Case(
        "deal_coverage", same("n_deals", "n_never_touched", "n_touched", "n_without_next_step",
                              "n_activities", "n_tasks_due", "total_amount"),
    ),
    "activity.activity_allocation": Case("ages destinations", destinations),
    "activity.activity_rates": Case("activity_rates first_seen", rates),
    "activity.activity_dose": Case(
        "ages activity_weeks deal_weeks first_seen",
        note="the table shows bins of rep weeks, no counts of the reduction",
    ),
    "activity.activity_effect": Case(
        "ages activity_weeks deal_weeks first_seen", note="the table shows a fit, no counts",
    ),
    "activity.activity_result_correlation": Case(
        "activity_months deal_months first_seen", note="the table shows correlations, no counts",
    ),
    "plan.target_attainment": Case("won_days", won_by_quarter),
    "plan.attainment_distribution": Case(
        "won_days", note="the table shows quantiles over reps"
    ),
    "plan.capacity": Case("won_days first_seen", capacity_wins),
    "plan.pace": Case("won_days", won_by_quarter, {"on": ON}),
    "plan.attainment_forecast": Case("won_days landmarks", forecast, {"on": ON}),
    "plan.forecast_backtest": Case("won_days landmarks", landmarks),
    "plan.required_activity": Case(
        "won_days created_waits first_seen activity_count", required, {"on": ON}
    ),
    "plan.target_fairness": Case(
        "won_days created_days potential", note="the table shows tests, no counts"
    ),
    "discount.discount_distribution": Case(
        "discount_distribution discount_depths",
        by_group("status", "n_cases", "n_discounted", "n_above_list"),
    ),
    "discount.discount_bands": Case("discount_bands", bands),
    "discount.price_realisation": Case(
        "price_realisation", same("n_deals", "n_priced", "n_discounted",
                                  money_part="discount_amount", money_n="n_accounts"),
    ),
    "discount.price_waterfall": Case("price_waterfall", waterfall),
    "discount.price_volume_mix": Case("price_volume_mix", mix),
    "discount.discount_effect": Case("coverage alike_deals", effect),
    "discount.break_even": Case("discount_bands coverage wins_by_band", growth),
    "discount.limit_bunching": Case("discount_depths", bunching),
    "discount.period_end_pattern": Case("closing_days period_slots phase_discounts", period_ends),
    "discount.target_distance_pattern": Case("target_slots", target_slots),
    "discount.rep_discount_habit": Case("rep_habits", habit),
    "drivers.gap_ledger": Case("window_waits window_sums first_seen", window),
    "drivers.what_if": Case("window_waits window_sums first_seen", window),
}  # fmt: skip


# -- against SQL ------------------------------------------------------------------------------


def fresh(department):
    """Give the same department without anything remembered."""
    return Department.of(department._tables, department.settings)  # noqa: SLF001


def analysis_of(name):
    module, function = name.split(".")
    return getattr(getattr(sd, module), function)


def calendars(department):
    """Give tables of days: what a calendar table tells of quarters and their ends."""
    seen = pd.DataFrame({"first_on": [date(2023, 1, 2)], "last_on": [department.as_of]})
    near = phases_of(department, seen, months=3, first_days=5, last_days=5)
    wide = phases_of(department, seen, months=3, first_days=10, last_days=10)
    days = np.arange(near.start[0], near.end[-1] + np.timedelta64(1, "D"))
    quarter = np.searchsorted(near.start, days, side="right") - 1
    phase = (days >= near.middle[quarter]).astype(int) + (days >= near.last[quarter])
    is_whole = (near.middle > near.start[0]) & (near.end <= np.datetime64(department.as_of))
    is_end = days >= wide.last[quarter]
    day = pd.to_datetime(days).date
    WHOLE[["slot", "is_whole"]] = pd.DataFrame({
        "slot": np.arange(3 * len(near.start)), "is_whole": np.repeat(is_whole, 3),
    })  # fmt: skip
    slots = {"day": day, "slot": 3 * quarter + phase, "is_whole": is_whole[quarter]}
    assert phase.max() == LAST
    return {
        "quarter_days": pd.DataFrame(slots),
        "quarter_ends": pd.DataFrame({"day": day, "is_end": is_end})[is_end],
        "target_days": pd.DataFrame({"day": day, "slot": 2 * quarter + is_end}),
    }


def spans_of(name, call):
    """Run an analysis of the plan once and keep the spans it asked for, and its own counts."""
    module = import_module(f"salesdiag.analyses.plan.{name}")
    original = module.landmark_counts

    def kept(department, keys, spans):
        counts = original(department, keys, spans)
        SPANS.update(spans=spans, counts=counts, running=len(spans) - 1)
        cut = pd.to_datetime(spans["cut_on"])
        SPANS["running"] = int(np.flatnonzero(cut == cut.max())[0])
        return counts

    module.landmark_counts = kept
    try:
        call()
    finally:
        module.landmark_counts = original
    return SPANS["spans"]


@contextlib.contextmanager
def engine_time(department):
    """Add up the seconds spent in queries of the library (compiling them included)."""
    backend = type(department.table("deals")._find_backend())  # noqa: SLF001
    original, spent = backend.to_pyarrow, []

    def timed(*args, **options):
        start = time.perf_counter()
        try:
            return original(*args, **options)
        finally:
            spent.append(time.perf_counter() - start)

    backend.to_pyarrow = timed
    try:
        yield spent
    finally:
        backend.to_pyarrow = original


def prepare(connection, department, name, case):
    """Set what the queries of a case read beside the tables."""
    as_of = date.fromisoformat(case.options["on"]) if "on" in case.options else department.as_of
    connection.execute(f"SET VARIABLE as_of = DATE '{as_of}'")
    function = analysis_of(name)
    if "landmarks" in case.queries:
        short = {"attainment_forecast": "forecast", "forecast_backtest": "backtest"}
        short = short[name.split(".")[1]]
        spans = spans_of(short, lambda: function(fresh(department), **case.options))
        spans = pd.DataFrame({
            "span": range(len(spans)),
            **{one: pd.to_datetime(spans[one]).dt.date for one in ("cut_on", "end_on")},
        })  # fmt: skip
        connection.execute("DROP TABLE IF EXISTS spans")
        connection.register("given_spans", spans)
        connection.execute(
            "CREATE TABLE spans AS SELECT span, cut_on::DATE AS cut_on, end_on::DATE AS end_on "
            "FROM given_spans"
        )


def differing(pairs):
    """Count the figures in which SQL and the library differ."""
    wrong = 0
    for one, other in pairs:
        mine, theirs = (np.atleast_1d(np.asarray(each, dtype=float)) for each in (one, other))
        close = mine.shape == theirs.shape and np.allclose(mine, theirs, rtol=1e-6, equal_nan=True)
        wrong += not close
    return wrong


def compare(department, connection, name, case, runs):
    """Time an analysis and its SQL in turns; give the row of the table."""
    prepare(connection, department, name, case)
    queries = [(HERE / "sql" / f"{one}.sql").read_text("utf-8") for one in case.queries.split()]
    function, seconds = analysis_of(name), {"sql": [], "library": [], "engine": []}
    frames, table = [], None
    for turn in range(runs + 1):  # the first turn warms up
        start = time.perf_counter()
        frames = [connection.execute(query).df() for query in queries]
        sql = time.perf_counter() - start
        new = fresh(department)
        with engine_time(department) as spent:
            start = time.perf_counter()
            table = function(new, **case.options)
            library = time.perf_counter() - start
        if turn:
            for one, took in zip(seconds, (sql, library, sum(spent)), strict=True):
                seconds[one].append(took)
    wrong = differing(case.figures(frames, table)) if case.figures else None
    figures = {None: case.note, 0: "equal" + (f"; {case.note}" if case.note else "")}
    # the least of the turns: what other jobs take on a shared machine only adds
    sql, library, engine = (min(seconds[one]) for one in ("sql", "library", "engine"))
    bar = 2 * sql + SLACK
    met = "yes" if library <= bar else "NO"
    return (f"| {name} | {sql:.3f} | {library:.3f} | {engine:.3f} | {library / sql:.2f} | "
            f"{bar:.2f} | {met} | {figures.get(wrong, f'{wrong} DIFFER')} |")  # fmt: skip


def cases_of_parts():
    """Give each public analysis its case; None where nobody has written its SQL yet."""
    known = dict(CASES)
    for part in PARTS:
        place = HERE / "sql" / f"{part}.py"
        if place.exists():
            spec = spec_from_file_location(f"sql_{part}", place)
            module = module_from_spec(spec)
            spec.loader.exec_module(module)
            known |= {f"{part}.{name}": Case(*given) for name, given in module.CASES.items()}
    public = [f"{part}.{name}" for part in PARTS for name in getattr(sd, part).__all__]
    order = [name for name in known if name in public]
    return {name: known[name] for name in order} | {
        name: None for name in public if name not in known
    }


def alone(department, name):
    """Time an analysis that has no SQL yet; give the row of the table."""
    head = f"| {name} | | "
    try:
        seconds, engine = [], []
        for _turn in range(2):  # the first turn warms up
            new = fresh(department)
            with engine_time(department) as spent:
                start = time.perf_counter()
                analysis_of(name)(new)
                seconds.append(time.perf_counter() - start)
                engine.append(sum(spent))
    except (sd.SalesDiagError, TypeError) as error:  # a table the data lack, or an option to give
        return head + f"| | | | | not run at its defaults: {str(error).split('.')[0]} |"
    return head + f"{seconds[-1]:.3f} | {engine[-1]:.3f} | | | | no SQL yet |"


def against_sql(folder, runs, only):
    department, connection = sd.load(folder), connect(folder)
    # to all queries deals are those that were there on the day
    connection.execute("ALTER VIEW deals RENAME TO all_deals")
    connection.execute(
        "CREATE VIEW deals AS SELECT * FROM all_deals "
        "WHERE created_at IS NULL OR created_at::DATE <= getvariable('as_of')"
    )
    limit = winnable_days(department)
    connection.execute(f"SET VARIABLE age_limit = {int(limit)}")
    for name, frame in calendars(department).items():
        connection.register("given", frame)
        connection.execute(f"CREATE TABLE {name} AS SELECT * REPLACE (day::DATE AS day) FROM given")
    lines = ["| analysis | SQL, s | library, s | of it in queries, s | ratio | bar, s | met | "
             "counts |", "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    print("\n".join(lines), flush=True)
    for name, case in cases_of_parts().items():
        if only and name.split(".")[1] not in only:
            continue
        row = compare(department, connection, name, case, runs) if case else alone(department, name)
        lines.append(row)
        print(row, flush=True)
    return lines


def with_rows(lines, text):
    """Put rows in place of those of the report, one for every public analysis, and count them."""
    old = {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("|")}
    new = {line.split("|")[1].strip(): line for line in lines[2:]}
    rows = []
    for name, case in cases_of_parts().items():
        untimed = f"| {name} | | | | | | | {'not run yet' if case else 'no SQL yet'} |"
        kept = old.get(name, untimed)
        # a row from the time before its SQL was written says nothing any more
        rows.append(new.get(name, untimed if case and "no SQL yet" in kept else kept))
    missed = [row.split("|")[1].strip() for row in rows if "| NO |" in row]
    met = sum("| yes |" in row for row in rows)
    last = f"{met} of {met + len(missed)} within the bar."
    if missed:
        last += f" Beyond it: {', '.join(missed)}."
    if len(rows) > met + len(missed):
        last += f" {len(rows) - met - len(missed)} more are not held against SQL yet."
    return [*lines[:2], *rows, "", last]


# -- funnels of others ------------------------------------------------------------------------

# each reads the same frames, warms up on a few deals, and prints seconds and counts as JSON
_CHILD = """
import json, sys, time
import pandas as pd
folder, stages = sys.argv[1], sys.argv[2].split(",")
moves = pd.read_pickle(folder + "/moves.pkl")
deals = pd.read_pickle(folder + "/deals.pkl")
few = set(deals["deal_id"].head(1000))
{body}
run(deals[deals["deal_id"].isin(few)], moves[moves["deal_id"].isin(few)].copy())
given = moves.copy()
start = time.perf_counter()
found = run(deals, given)
print(json.dumps([time.perf_counter() - start, {version}, found]))
"""

_FUNNELS = {
    "salesdiag": (
        """
import salesdiag as sd
from importlib.metadata import version
def run(deals, moves):
    names = [*stages, "Lost"]
    order = pd.DataFrame({"stage": names, "position": range(1, len(names) + 1),
                          "status": ["open"] * 4 + ["won", "lost"]})
    department = sd.Department(deals=deals, stage_changes=moves, stages=order,
                               as_of="2025-12-31")
    table = sd.funnel.stage_conversion(department)
    return dict(zip(table["from_stage"], table["n_from"].tolist()))
""",
        "version('salesdiag')",
    ),
    "pm4py": (
        """
import pm4py
def run(deals, moves):
    log = pm4py.format_dataframe(moves, case_id="deal_id", activity_key="stage",
                                 timestamp_key="entered_at")
    pm4py.discover_dfg(log)
    pm4py.discover_performance_dfg(log)
    found = pm4py.get_event_attribute_values(log, "concept:name", count_once_per_case=True)
    return {stage: int(found[stage]) for stage in stages}
""",
        "pm4py.__version__",
    ),
    "retentioneering": (
        """
from importlib.metadata import version
from retentioneering.eventstream.eventstream import Eventstream
def run(deals, moves):
    stream = Eventstream(moves, {"path_cols": ["deal_id"], "event_col": "stage",
                                 "timestamp_col": "entered_at"})
    steps = stream.funnel_data(steps=stages)["steps"]
    return {step["step"]: step["unique_paths"] for step in steps}
""",
        "version('retentioneering')",
    ),
}


def install(folder, package):
    """Make an environment of its own for a rival; give its Python, or why there is none."""
    place = Path(folder) / package
    venv.create(place, with_pip=True)
    python = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    done = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", package], capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        return None, (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    return str(python), ""


def one_funnel(name, python, folder, stages):
    """Run one funnel in a process of its own; give seconds, version, counts."""
    body, version = _FUNNELS[name]
    text = _CHILD.replace("{body}", body).replace("{version}", version)
    # neither counts of use nor files in the home of whoever runs this
    quiet = {"RETENTIONEERING_NO_TRACK": "1", "DO_NOT_TRACK": "1", "HOME": folder}
    done = subprocess.run(
        [python, "-c", text, folder, ",".join(stages)], capture_output=True, text=True,
        env=os.environ | quiet, check=False, cwd=folder,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def frames_of(folder, n_deals):
    """Read the deals and their stage changes, or an even sample of them, as plain text."""
    deals = pd.read_parquet(
        folder / "deals.parquet", columns=["deal_id", "status", "created_at", "closed_at"]
    )
    deals = deals.iloc[:: max(len(deals) // n_deals, 1)].reset_index(drop=True)
    moves = pd.read_parquet(
        folder / "stage_changes.parquet", columns=["deal_id", "stage", "entered_at"]
    )
    moves = moves[moves["deal_id"].isin(set(deals["deal_id"]))].reset_index(drop=True)
    deals = deals.astype({"deal_id": object, "status": object})
    moves = moves.astype({"deal_id": object, "stage": object})
    for one in (deals, moves):
        one.columns = one.columns.astype(object)  # an environment without Arrow can read them
    return deals, moves


def funnels_in_turn(folder, runs, n_deals, pythons, scratch):
    """Time the funnels of one size in turns; give the rows of the table."""
    stages = ["Qualified", "Demo", "Proposal", "Negotiation", "Won"]
    deals, moves = frames_of(folder, n_deals)
    moves.to_pickle(f"{scratch}/moves.pkl", protocol=4)
    deals.to_pickle(f"{scratch}/deals.pkl", protocol=4)
    found = {name: [] for name in pythons}
    for _turn in range(runs):
        for name, python in pythons.items():
            found[name].append(one_funnel(name, python, scratch, stages))
    seconds = {name: median(one[0] for one in each) for name, each in found.items()}
    once = moves.groupby("stage")["deal_id"].nunique()
    for name, each in found.items():
        ratio = seconds[name] / seconds["salesdiag"]
        _took, version, counts = each[-1]
        told = ", ".join(f"{stage} {n:,}" for stage, n in counts.items())
        if name == "pm4py":
            is_right = all(once[stage] == n for stage, n in counts.items())
            told += "; equal to a groupby" if is_right else "; NOT those of a groupby"
        bar, met = ("", "") if name == "salesdiag" else ("10", "yes" if ratio >= 10 else "NO")
        yield (
            f"| {len(deals):,} | {len(moves):,} | {name} {version} | {seconds[name]:.2f} | "
            f"{ratio:.1f} | {bar} | {met} | {told} |"
        )


def against_rivals(folder, runs, sizes):
    lines = [
        "From one pandas data frame of stage changes, won and lost ones among them (the library "
        "also takes the frame of deals), to the table of the funnel; each in a process of its own, "
        "after 1,000 deals to warm up.", "",
        "| deals | stage changes | funnel | seconds | times the library | bar | met | "
        "deals in each stage |", "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        pythons = {"salesdiag": sys.executable}
        reasons = {}
        for name in ("pm4py", "retentioneering"):
            python, reasons[name] = install(scratch, name)
            if python:
                pythons[name] = python
        print("\n".join(lines), flush=True)
        for n_deals in sizes:
            for line in funnels_in_turn(folder, runs, n_deals, pythons, scratch):
                print(line, flush=True)
                lines.append(line)
    lines += [f"| | | {name} | not installed: {why} | | 10 | | |"
              for name, why in reasons.items() if why]  # fmt: skip
    lines += [
        "", "pm4py counts the deals that entered a stage, retentioneering those that entered all "
        "stages in order, the library those that reached a stage or a later one (and, from the "
        "deals, those never moved), so the counts differ by rule. Only the library counts waits, "
        "open deals and intervals as well. pm4py is timed for formatting the frame, both "
        "directly-follows graphs (counts, waits) and the deals of each stage; retentioneering for "
        "its event stream and its funnel, with its counts of use turned off.",
    ]  # fmt: skip
    return lines


# -- as the deals grow ------------------------------------------------------------------------

_GROWING = {  # and the rows that each mostly reads
    "funnel.stage_conversion": "deals", "funnel.outcome_incidence": "deals",
    "activity.activity_rates": "activities", "discount.price_realisation": "deals",
    "plan.target_attainment": "deals", "drivers.gap_ledger": "deals",
}  # fmt: skip
_MOST_ACTIVITIES = 25_000_000  # so that the largest departments fit on a small disk

_ONE = """
import sys, time
import salesdiag as sd
department = sd.load(sys.argv[1])
module, name = sys.argv[2].split(".")
function = getattr(getattr(sd, module), name)
start, spent = time.perf_counter(), time.process_time()
function(department)
with open(sys.argv[3], "w") as out:
    out.write(f"{time.perf_counter() - start} {time.process_time() - spent}")
"""


def large(folder, n_deals):
    """Generate a department, with ten activities a deal but not more than a disk holds."""
    write = maker.write_activities

    def fewer(world, place, n, *others):
        return write(world, place, min(n, _MOST_ACTIVITIES), *others)

    maker.write_activities = fewer
    try:
        generate(folder, n_deals)
    finally:
        maker.write_activities = write


def as_deals_grow(folder, runs, millions):
    lines = [
        f"Each analysis in a process of its own, after the files are opened; the least of {runs} "
        "run(s). CPU seconds are those of all threads: on a busy machine they are steadier than "
        "seconds. Per million: CPU seconds over million rows of the table that it mostly reads.",
        "",
        "| analysis | million deals | million stage changes | million activities | seconds | "
        "CPU seconds | per million | of | against the first | peak memory, GB | below 8 GB |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    print("\n".join(lines), flush=True)
    first = {}
    for size in millions:
        place = folder if size == 1 else folder / str(size * 1_000_000)
        if not (place / "targets.parquet").exists():
            large(place, size * 1_000_000)
        n = {one: pq.read_metadata(place / f"{one}.parquet").num_rows / 1e6
             for one in ("deals", "stage_changes", "activities")}  # fmt: skip
        for name, rows in _GROWING.items():
            took, peaks = [], []
            for _turn in range(runs):
                with tempfile.TemporaryDirectory() as scratch:
                    out = Path(scratch) / "seconds"
                    _wall, peak = child([sys.executable, "-c", _ONE, str(place), name, str(out)])
                    took.append([float(one) for one in out.read_text("utf-8").split()])
                    peaks.append(peak)
            seconds, spent = np.min(took, axis=0)
            each = spent / n[rows]
            first.setdefault(name, each)
            lines.append(
                f"| {name} | {n['deals']:.0f} | {n['stage_changes']:.1f} | {n['activities']:.0f} | "
                f"{seconds:.2f} | {spent:.2f} | {each:.3f} | {rows} | {each / first[name]:.2f} | "
                f"{max(peaks):.2f} | {'yes' if max(peaks) < 8 else 'NO'} |"
            )
            print(lines[-1], flush=True)
    return lines


# -- all of it --------------------------------------------------------------------------------

_HEADS = {"sql": "Against SQL", "rivals": "Funnels of others", "linear": "As the deals grow"}


def sections_of_report():
    """Give the text of each section of the report, by its heading."""
    if not REPORT.exists():
        return {}
    found = re.split(r"^## (.+)$", REPORT.read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(found[1::2], (one.strip() for one in found[2::2]), strict=True))


def write_section(part, lines):
    """Replace one section of the report, with the machine and how busy it was."""
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg()) if hasattr(os, "getloadavg") else "?"
    sections = sections_of_report()
    blas = os.environ.get("OPENBLAS_NUM_THREADS", "as many as cores")
    note = (
        f"{machine()}. Shared with other jobs and busy: load over 1, 5 and 15 minutes {load} when "
        f"this was written. BLAS threads: {blas}. Ratios are within one run, rivals in turns."
    )
    sections[_HEADS[part]] = "\n".join([note, "", *lines]).strip()
    text = "# Every analysis against the hand-written SQL of its reduction\n\nWritten by "
    text += "`analyses.py`; how each figure is got is said there.\n"
    for head in _HEADS.values():
        if head in sections:
            text += f"\n## {head}\n\n{sections[head]}\n"
    REPORT.write_text(text, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--parts", nargs="+", choices=list(_HEADS), default=list(_HEADS))
    parser.add_argument("--only", nargs="+", default=[], help="run and replace only these rows")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--grow-runs", type=int, default=2)
    parser.add_argument("--rival-deals", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--millions", type=int, nargs="+", default=[1, 5, 10])
    given = parser.parse_args()
    if not (given.data / "deals.parquet").exists():
        generate(given.data)
    for part in given.parts:
        if part == "sql":
            lines = against_sql(given.data, given.runs, given.only)
            lines = with_rows(lines, sections_of_report().get(_HEADS["sql"], ""))
        elif part == "rivals":
            lines = against_rivals(given.data, given.runs, given.rival_deals)
        else:
            lines = as_deals_grow(given.data, given.grow_runs, given.millions)
        write_section(part, lines)


if __name__ == "__main__":
    main()
