"""The forecast of every group and period of a table, from one reduction."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from salesdiag.analyses.plan.earlier import FEWEST
from salesdiag.analyses.plan.landmarks import N_BANDS, NEW, History
from salesdiag.analyses.plan.outlook import (
    Cells,
    Rates,
    Rest,
    Sizes,
    draw_rest,
    learn_rates,
    size_of,
    sizes,
)
from salesdiag.reductions.actuals import PERIOD, daily_actuals
from salesdiag.reductions.selling_days import working_days

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from salesdiag.department import Department

FEWEST_WINS = 5
_RECENT = 4  # latest spans from which the rate of creation is taken: a year of quarters
METRICS = ("revenue", "deals_won")


class Case(NamedTuple):
    """A period to foretell from a day: numbers of its span and of its history in the counts."""

    first: pd.Timestamp
    last: pd.Timestamp
    cut: pd.Timestamp
    span: int
    history: list[int]
    basis: str


def cases_and_spans(
    periods: list[tuple[pd.Timestamp, pd.Timestamp, pd.Timestamp, History]],
) -> tuple[list[Case], pd.DataFrame]:
    """Give the spans of all periods (first, last, cut, history) numbers, equal ones the same."""
    rows = [(cut, last) for _first, last, cut, _history in periods]
    rows += [one for *_rest, history in periods
             for one in history.spans.itertuples(index=False, name=None)]  # fmt: skip
    number = {one: place for place, one in enumerate(dict.fromkeys(rows))}
    cases = [
        Case(first, last, cut, number[cut, last],
             [number[one] for one in history.spans.itertuples(index=False, name=None)],
             history.basis)
        for first, last, cut, history in periods
    ]  # fmt: skip
    return cases, pd.DataFrame(list(number), columns=["cut_on", "end_on"])


class Facts(NamedTuple):
    """What the forecasts stand on: deals by span, the spans, and daily sums of what was won."""

    counts: pd.DataFrame
    spans: pd.DataFrame
    cells: Cells
    daily: pd.DataFrame
    groups: pd.Index
    keys: list[str]
    metric: str

    def codes(self, rows: pd.DataFrame) -> NDArray[np.intp]:
        """Give the number of each row's group; -1 for a group that holds no deal."""
        if not self.keys:
            return np.zeros(len(rows), dtype=np.intp)
        return np.asarray(self.groups.get_indexer(pd.Index(rows[self.keys[0]])))

    def sums(self, first: pd.Timestamp, last: pd.Timestamp) -> NDArray[np.float64]:
        """Add up what each group won from one day to another: amount, deals, squares."""
        inside = ((self.daily["day"] >= first) & (self.daily["day"] <= last)).to_numpy()
        code = self.daily["code"].to_numpy()[inside]
        return np.array([
            np.bincount(code, self.daily[name].to_numpy(float)[inside], minlength=len(self.groups))
            for name in ("actual", "n_events", "squares")
        ])  # fmt: skip


def facts_of(
    department: Department, counts: pd.DataFrame, spans: pd.DataFrame, keys: list[str], metric: str
) -> Facts:
    """Gather them: counts as cells of all groups together, and the groups in order."""
    is_new = (counts["step"] == NEW).to_numpy()
    old, new = counts[~is_new], counts[is_new]
    n_stages = int(old["step"].max()) + 1 if len(old) else 1
    place = tuple(old[name].to_numpy("int64") for name in ("span", "step", "age_band"))
    cube = np.zeros((2, len(spans), n_stages, N_BANDS))
    row = np.zeros((2, len(spans)))
    for number, name in enumerate(("n_deals", "n_won")):
        np.add.at(cube[number], place, old[name].to_numpy(float))
        np.add.at(row[number], new["span"].to_numpy("int64"), new[name].to_numpy(float))
    # a day on which only wins of unknown worth were made adds nothing
    daily = daily_actuals(department, metric, keys).fillna({"actual": 0.0, "squares": 0.0})
    groups = pd.Index([0])
    if keys:
        groups = pd.Index(sorted({*daily[keys[0]], *counts[keys[0]]}))
    facts = Facts(counts, spans, Cells(*cube, *row), daily, groups, keys, metric)
    return facts._replace(
        counts=counts.assign(code=facts.codes(counts)), daily=daily.assign(code=facts.codes(daily))
    )


def rates_of(case: Case, facts: Facts) -> Rates:
    """Learn the rates of one period from its history."""
    return learn_rates(facts.cells, case.history)


def enough(case: Case, rates: Rates) -> str:
    """Say why a period cannot be foretold; empty where it can."""
    if len(case.history) < FEWEST:
        return (
            f"the rest of the period {case.first:%Y-%m-%d} to {case.last:%Y-%m-%d} is foretold "
            f"from at least {FEWEST} earlier spans as long; the records cover "
            f"{len(case.history)}"
        )
    if rates.n_won < FEWEST_WINS:
        return (
            f"{rates.n_won} deals were won in the earlier spans like the rest of the period "
            f"{case.first:%Y-%m-%d} to {case.last:%Y-%m-%d}; at least {FEWEST_WINS} are needed"
        )
    return ""


def foretell(
    department: Department, case: Case, rates: Rates, facts: Facts, groups: pd.DataFrame,
    *, n_draws: int, seed: int,
) -> list[Rest]:  # fmt: skip
    """Draw the rest of the period for each group (rows of keys and ``needed``), in their order."""
    whole, year = _won_before(facts, case.cut)
    length = _length(department, case, facts.spans)
    n_groups, shape = len(facts.groups), facts.cells.n_open.shape[1:]
    now = facts.counts[(facts.counts["span"] == case.span) & (facts.counts["step"] != NEW)]
    open_now = np.zeros((n_groups, *shape))
    place = tuple(now[name].to_numpy("int64") for name in ("code", "step", "age_band"))
    np.add.at(open_now, place, now["n_deals"].to_numpy(float))
    recent = case.history[:_RECENT]
    new = facts.counts[facts.counts["span"].isin(recent) & (facts.counts["step"] == NEW)]
    created = np.zeros((n_groups, len(facts.spans)))
    place = tuple(new[name].to_numpy("int64") for name in ("code", "span"))
    np.add.at(created, place, new["n_deals"].to_numpy(float))
    rests = []
    codes = facts.codes(groups)
    for number, (code, needed) in enumerate(zip(codes, groups["needed"], strict=True)):
        size = whole
        if facts.keys and facts.metric != "deals_won":
            total, n_events = year[:2, code] if code >= 0 else (0.0, 0.0)
            size = size_of(total, n_events, whole)
        rests.append(draw_rest(
            open_now[code] if code >= 0 else np.zeros(shape), rates,
            created[code, recent] if code >= 0 else np.zeros(len(recent)), size, float(needed),
            n_draws=n_draws, seed=[seed, case.span, number], length=length,
        ))  # fmt: skip
    return rests


def _won_before(facts: Facts, cut: pd.Timestamp) -> tuple[Sizes, NDArray[np.float64]]:
    """Give the size of a win over the twelve months up to a day: of all, and sums by group."""
    year = facts.sums(cut - pd.DateOffset(years=1) + pd.Timedelta(days=1), cut)
    known = year if year[1].sum() else facts.sums(pd.Timestamp.min, cut)
    total, n_events, squares = (float(one) for one in known.sum(axis=1))
    if facts.metric == "deals_won":
        return Sizes(1.0, 0.0, n_events), year
    return sizes(total, n_events, squares), year


def _length(department: Department, case: Case, spans: pd.DataFrame) -> float:
    """Give the working days of the rest of a period over those of its history, on average."""
    rows = spans.iloc[[case.span, *case.history]]
    after = rows["cut_on"] + pd.Timedelta(days=1)
    first, last = (one.to_numpy().astype("datetime64[D]") for one in (after, rows["end_on"]))
    days = working_days(department, first, last)
    usual = days[1:].mean()
    return float(days[0] / usual) if usual else 1.0


def all_groups(table: pd.DataFrame, facts: Facts, case: Case) -> pd.DataFrame:
    """Give the groups of a period: those of the table, and those that have deals to win only."""
    here = table[(table["period_start"] == case.first) & (table["period_end"] == case.last)]
    if not facts.keys:
        return here.reset_index(drop=True)
    known = facts.counts.loc[facts.counts["span"] == case.span, facts.keys].drop_duplicates()
    merged = here.merge(known, on=facts.keys, how="outer")
    merged[PERIOD] = case.first, case.last
    return merged.sort_values(facts.keys, ignore_index=True)
