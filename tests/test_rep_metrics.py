"""Metrics of reps: who has none, what cannot be placed, and what is too young, counted by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.reps import rankability, rep_scorecard


def row_of(table, unit, metric):
    return table[(table["unit_id"] == unit) & (table["metric"] == metric)].iloc[0]


def lasting(rows, **more) -> sd.Department:
    """Build a department of (rep, status, deals, day of creation, day of closing) of 2025."""
    made = [one for *one, n in [(r, s, c, e, n) for r, s, n, c, e in rows] for _ in range(n)]
    frame = pd.DataFrame(made, columns=["rep_id", "status", "created_at", "closed_at"])
    for name in ("created_at", "closed_at"):
        frame[name] = pd.to_datetime("2025-" + frame[name].astype("str"), errors="coerce")
    frame["deal_id"] = frame.index.astype(str)
    return sd.Department(deals=frame, **({"as_of": "2025-12-31"} | more))


class TestPerDay:
    def test_who_wins_nothing_is_held_against_those_who_do(self):
        rows = [("a", 20), ("b", 40), ("c", 0), ("d", 0)]
        deals = [(rep, status, "2025-06-02", n) for rep, n_won in rows
                 for status, n in (("won", n_won), ("lost", 30))]  # fmt: skip
        frame = pd.DataFrame(
            [one[:3] for one in deals for _ in range(one[3])],
            columns=["rep_id", "status", "closed_at"],
        )
        frame["closed_at"] = pd.to_datetime(frame["closed_at"])
        frame["deal_id"], frame["amount"] = frame.index.astype(str), 100.0
        reps = pd.DataFrame({"rep_id": list("abcd"), "hired_on": pd.Timestamp("2024-01-01")})
        department = sd.Department(deals=frame, reps=reps, as_of="2025-12-31")
        table = rep_scorecard(department)
        for metric in ("wins_per_day", "revenue_per_day"):
            found = table[table["metric"] == metric].set_index("unit_id")
            # 60 wins over four reps with as many days: 15 were to be expected of each
            assert found.loc["a", "ratio"] == pytest.approx(20 / 15)
            assert (found.loc[["c", "d"], "ratio"] == 0).all()
            assert (found.loc[["c", "d"], "n_cases"] == found.loc["a", "n_cases"]).all()
            assert (found.loc[["c", "d"], "reading"] == "below").all()
        ranks = rankability(department, metrics=["wins_per_day"]).iloc[0]
        assert (ranks.n_units, ranks.n_events) == (4, 60)

    def test_a_rep_who_logs_nothing_has_a_row(self):
        deals = pd.DataFrame({"rep_id": ["a", "b"], "status": "won"}).assign(
            deal_id=["A", "B"], closed_at=pd.Timestamp("2025-12-01")
        )
        done = pd.DataFrame({"rep_id": ["a"] * 20, "occurred_at": pd.Timestamp("2025-12-01")})
        done = done.assign(activity_id=done.index.astype(str), activity_type="call")
        reps = pd.DataFrame({"rep_id": ["a", "b"], "hired_on": pd.Timestamp("2024-01-01")})
        department = sd.Department(deals=deals, activities=done, reps=reps, as_of="2025-12-31")
        idle = row_of(
            rep_scorecard(department, metrics=["activities_per_day"]), "b", "activities_per_day"
        )
        assert (idle.n_cases, idle.n_events, idle.ratio) == (23, 0, 0)

    def test_wins_without_a_day_a_rep_or_a_selling_day_are_counted(self):
        department = lasting(
            [("a", "won", 3, "01-02", "03-03"), ("a", "won", 2, "01-02", None),
             ("b", "won", 4, "01-02", "02-03"), (None, "won", 5, "01-02", "03-03")],
            reps=pd.DataFrame({
                "rep_id": ["a", "b"], "hired_on": pd.to_datetime(["2024-01-01", "2025-06-01"]),
            }),
        )  # fmt: skip
        table = rep_scorecard(department, metrics=["wins_per_day"])
        counts = table[["unit_id", "n_events", "n_left_out", "reading"]].to_numpy().tolist()
        assert counts == [
            ["a", 3, 2, "not_enough_data"], ["b", 0, 4, "not_enough_data"],
            ["unassigned", 0, 5, "no_unit"],
        ]  # fmt: skip


class TestTooYoungToTell:
    def test_leads_that_came_in_on_the_last_day_count_against_nobody(self):
        day = pd.date_range("2025-10-01", periods=60).append(
            pd.DatetimeIndex([pd.Timestamp("2025-12-31")] * 60)
        )
        rows = [(rep, one) for rep, days in (("a", day[:60]), ("b", day[:60]), ("d", day[60:]))
                for one in days]  # fmt: skip
        leads = pd.DataFrame(rows, columns=["rep_id", "created_at"])
        leads["lead_id"] = leads.index.astype(str)
        answered = leads["created_at"] + pd.Timedelta(days=1)
        leads["first_response_at"] = answered.where(answered <= "2025-12-31")
        deals = leads.rename(columns={"lead_id": "deal_id"}).drop(columns="first_response_at")
        done = pd.DataFrame({
            "deal_id": deals["deal_id"], "occurred_at": leads["first_response_at"],
            "rep_id": deals["rep_id"], "activity_id": deals["deal_id"], "activity_type": "call",
        }).dropna()  # fmt: skip
        department = sd.Department(
            deals=deals.assign(status="open"), leads=leads, activities=done, as_of="2025-12-31"
        )
        for twice in (False, True):
            if twice:  # each lead is there two times
                department = sd.Department(
                    deals=deals.assign(status="open"), leads=pd.concat([leads, leads]),
                    activities=done, as_of="2025-12-31",
                )  # fmt: skip
            table = rep_scorecard(department, metrics=["worked_deals", "answered_leads"])
            for metric in ("worked_deals", "answered_leads"):
                a, d = row_of(table, "a", metric), row_of(table, "d", metric)
                assert (a.n_cases, a.n_events, a.n_open) == (60, 60, 0)
                assert (d.n_cases, d.n_events, d.n_open) == (0, 0, 60)
                assert np.isnan(d.observed)
                assert d.reading == "not_enough_data"

    def test_leads_without_a_day_are_left_out(self):
        leads = pd.DataFrame({"lead_id": list("ABC"), "rep_id": "a"}).assign(
            created_at=pd.to_datetime(["2025-01-01", "2025-01-02", None]),
            first_response_at=pd.to_datetime(["2025-01-02", None, "2025-01-03"]),
        )
        deals = pd.DataFrame({"deal_id": ["A"], "status": ["won"], "rep_id": ["a"]})
        department = sd.Department(deals=deals, leads=leads, as_of="2025-12-31")
        row = rep_scorecard(department, metrics=["answered_leads"]).iloc[0]
        assert (row.n_cases, row.n_events, row.n_open, row.n_left_out) == (2, 1, 0, 1)


def test_won_deals_without_an_amount_are_counted():
    frame = pd.DataFrame({"rep_id": ["a"] * 4, "status": ["won"] * 3 + ["lost"]})
    frame = frame.assign(amount=[10.0, np.nan, 0.0, 5.0], deal_id=list("ABCD"))
    department = sd.Department(deals=frame, as_of="2025-12-31")
    row = rep_scorecard(department, metrics=["won_amount"]).iloc[0]
    assert (row.n_cases, row.n_events, row.n_left_out) == (1, 1, 2)
