"""What would be blamed without a diagnosis: four naive readings of a department.

Each gives the first cause and scope that it names, None if it names nothing, or the problem if
it raised or took too long.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import pandas as pd

READINGS = ("dashboard", "win_rates", "correlations", "wise_pizza")
PIZZA_VERSION = "0.2.9"
AT_MOST = 15  # seconds a reading
LEAST = 20  # cases on both sides of a comparison
_DIMENSIONS = ["team", "source", "segment", "product"]
_PIZZA = """
import json, sys
import pandas as pd
from wise_pizza.explain import explain_changes_in_totals
names = json.loads(sys.argv[1])
cells = pd.read_csv(sys.stdin, dtype=dict.fromkeys(names, str), keep_default_na=False)
before, now = (cells[cells.year == year].drop(columns="year") for year in (0, 1))
found = explain_changes_in_totals(before, now, names, "revenue", "n_won", max_segments=3)
told = [[{k: str(v) for k, v in s["segment"].items()}, float(s["impact"])] for s in found.segments]
print(json.dumps(told))
"""


class Tables(NamedTuple):
    """The tables of a world with the team of the rep, ``year`` 1 for the window, 0 before."""

    deals: pd.DataFrame  # by creation
    won: pd.DataFrame  # by closing
    leads: pd.DataFrame
    activities: pd.DataFrame
    entries: pd.DataFrame  # first entries of a deal into a stage


def readings(made, pizza):
    """Read a world in each way; ``pizza`` is the environment with wise-pizza, or None."""
    tables = _bounded(prepare, made)
    if isinstance(tables, dict):  # a problem, of all readings
        return dict.fromkeys(READINGS if pizza is not None else READINGS[:3], tables)
    found = {
        "dashboard": _bounded(dashboard, tables),
        "win_rates": _bounded(win_rates, tables),
        "correlations": _bounded(correlations, tables),
    }
    if pizza is not None:
        found["wise_pizza"] = _bounded(wise_pizza, tables, pizza)
    return found


def prepare(made):
    """Put the team, the year and what is divided later beside the rows."""
    raw, end = made.tables, pd.Timestamp(made.settings["as_of"]) + pd.Timedelta(days=1)
    deals, leads, steps = raw["deals"], raw["leads"], raw["stage_changes"]
    team = raw["reps"].drop_duplicates("rep_id").set_index("rep_id")["team"]

    def by_year(table, moment):
        since = table[moment] >= end - pd.DateOffset(years=1)
        told = table.assign(year=since.astype(int), team=table["rep_id"].map(team), all="")
        return told[(told[moment] >= end - pd.DateOffset(years=2)) & (told[moment] < end)]

    deals = deals.assign(
        is_won=(deals["status"] == "won").astype(float),
        discount_rate=1 - deals["amount"] / deals["list_amount"].where(deals["list_amount"] > 0),
    )
    wait = leads["first_response_at"] - leads["created_at"]
    ladder = raw["stages"].query("status == 'open'").set_index("stage")["position"]
    steps = steps.assign(position=steps["stage"].map(ladder)).dropna(subset="position")
    steps = steps.sort_values("entered_at").drop_duplicates(["deal_id", "stage"])
    furthest = steps.groupby("deal_id")["position"].max()
    of_deal = deals.drop_duplicates("deal_id").set_index("deal_id")
    is_on = steps["deal_id"].map(furthest) > steps["position"]
    steps = steps.assign(
        went_on=(is_on | (steps["deal_id"].map(of_deal["is_won"]) == 1)).astype(float),
        source=steps["deal_id"].map(of_deal["source"]),
        segment=steps["deal_id"].map(of_deal["segment"]),
    )
    return Tables(
        deals=by_year(deals, "created_at"),
        won=by_year(deals[deals["is_won"] == 1], "closed_at"),
        leads=by_year(leads.assign(wait_hours=wait.dt.total_seconds() / 3600), "created_at"),
        activities=by_year(raw["activities"], "occurred_at"),
        entries=by_year(steps, "entered_at"),
    )


def dashboard(tables):
    """Blame what changed most for the worse against the year before, in relative terms."""
    worst, blamed = 0.0, None
    for level in ("department", "team", "source", "segment"):
        column = "all" if level == "department" else level
        for cause, stage, figures, sign in _kpis(tables, column):
            now = _of_year(figures, 1)
            before = _of_year(figures, 0).reindex(now.index)
            enough = (now["n"] >= LEAST) & (before["n"] >= LEAST)
            change = sign * (now["value"] / before["value"] - 1)
            change = change[enough & np.isfinite(change)]
            if len(change) and change.max() > worst:
                worst = float(change.max())
                blamed = _named(cause, level, [change.idxmax()], stage)
    return blamed


def _kpis(tables, column):
    """Give cause, stage, figures of both years by a column, and the sign of what is worse."""
    has_rate = "manager_effect" if column == "team" else "lead_quality"
    yield "lead_shortage", None, _counts(tables.leads, column), -1
    yield has_rate, None, _means(tables.deals, column, "is_won"), -1
    yield "small_deals", None, _means(tables.won, column, "amount"), -1
    yield "excess_discount", None, _means(tables.won, column, "discount_rate"), 1
    yield "slow_response", None, _means(tables.leads, column, "wait_hours"), 1
    for stage, entries in tables.entries.groupby("stage"):
        yield "stage_leak", stage, _means(entries, column, "went_on"), -1
    if column in ("all", "team"):
        figures = _counts(tables.activities, column)
        figures["value"] /= tables.activities.groupby([column, "year"])["rep_id"].nunique()
        yield "low_activity", None, figures, -1


def _means(table, column, value):
    grouped = table.groupby([column, "year"])[value]
    return pd.DataFrame({"value": grouped.mean(), "n": grouped.count()})


def _counts(table, column):
    n_rows = table.groupby([column, "year"]).size()
    return pd.DataFrame({"value": n_rows.astype(float), "n": n_rows})


def _of_year(figures, year):
    return figures[figures.index.get_level_values("year") == year].droplevel("year")


def win_rates(tables):
    """Blame the fifth of the reps with the lowest share of won among all deals they got."""
    now = tables.deals[tables.deals["year"] == 1].groupby("rep_id")["is_won"]
    rates = now.mean()[now.count() >= LEAST].sort_values(kind="stable")
    if len(rates) < 2:
        return None
    return _named("weak_reps", "rep", sorted(rates.index[: max(1, round(len(rates) / 5))]))


def correlations(tables):
    """Blame what goes most closely with the reps' revenue, whatever the sign."""
    deals, won, leads, activities = (
        table[table["year"] == 1].groupby("rep_id") for table in tables[:4]
    )
    per_rep = pd.DataFrame({
        "revenue": won["amount"].sum(),
        "low_activity": activities.size(),
        "excess_discount": won["discount_rate"].mean(),
        "slow_response": leads["wait_hours"].mean(),
        "lead_shortage": deals.size(),
    })  # fmt: skip
    strength = per_rep.corr()["revenue"].drop("revenue").abs().dropna()
    return _named(str(strength.idxmax()), "department", []) if len(strength) else None


def wise_pizza(tables, environment):
    """Give the segment that, to wise-pizza, explains most of the fall of the revenue."""
    won = tables.won[["year", "amount", *_DIMENSIONS]].fillna(dict.fromkeys(_DIMENSIONS, "none"))
    cells = won.groupby(["year", *_DIMENSIONS])["amount"].agg(revenue="sum", n_won="size")
    told = subprocess.run(
        [environment / "bin" / "python", "-c", _PIZZA, json.dumps(_DIMENSIONS)],
        input=cells.reset_index().to_csv(index=False), capture_output=True, text=True,
        encoding="utf-8", timeout=AT_MOST, check=True,
    )  # fmt: skip
    segments = json.loads(told.stdout.splitlines()[-1])
    segment, impact = min(segments, key=lambda one: one[1])
    return {"cause": None, "segment": segment} if impact < 0 else None


def install(environment):
    """Make the environment of wise-pizza, if it is not there."""
    python = environment / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    if subprocess.run([python, "-c", "import wise_pizza"], capture_output=True).returncode:
        wanted = f"wise-pizza=={PIZZA_VERSION}"
        subprocess.run([python, "-m", "pip", "install", "--quiet", wanted], check=True)


def _named(cause, level, ids, stage=None):
    ids = [] if level == "department" else [str(one) for one in ids]
    return {"cause": cause, "level": level, "id": ", ".join(ids) or None, "stage": stage}


def _bounded(reading, *arguments):
    """Give what a reading names, or the problem it had."""
    try:
        with _at_most(AT_MOST):
            return reading(*arguments)
    except Exception as error:  # noqa: BLE001 - recorded, and no answer in the table
        return {"problem": f"{type(error).__name__}: {error}"[:300]}


@contextmanager
def _at_most(seconds):
    def stop(_number, _frame):
        raise TimeoutError(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
