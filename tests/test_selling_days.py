"""Selling days of reps, counted by hand."""

from __future__ import annotations

import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.reductions.selling_days import active_spans, periods_of, selling_days

# January 2025 has 23 working days (Monday to Friday), February 20
PERIODS = pd.DataFrame({
    "period_start": pd.to_datetime(["2025-01-01", "2025-02-01"]),
    "period_end": pd.to_datetime(["2025-01-31", "2025-02-28"]),
})  # fmt: skip
REPS = pd.DataFrame({
    "rep_id": ["old", "new", "gone", "boss", "idle"],
    "role": ["rep", "rep", "rep", "manager", None],
    "hired_on": pd.to_datetime(["2020-01-01", "2025-01-20", "2020-01-01", "2019-01-01", None]),
    "left_on": pd.to_datetime([None, None, "2025-02-07", None, None]),
})  # fmt: skip


def department(**more):
    deals = pd.DataFrame({
        "deal_id": ["A", "B"], "status": ["open", "open"], "rep_id": ["stray", None],
        "created_at": pd.to_datetime(["2025-02-24", "2025-01-02"]),
    })  # fmt: skip
    return sd.Department(**({"deals": deals, "reps": REPS, "as_of": "2025-02-26"} | more))


def test_days_from_hiring_to_leaving_by_hand():
    table = selling_days(department(), PERIODS)
    days = table["n_selling_days"].to_numpy().reshape(-1, 2).tolist()
    # gone to Friday 7 February; idle never hired nor seen; new from Monday 20 January;
    # old to as_of, Wednesday 26 February; stray is not listed but has a deal since the 24th
    assert table["rep_id"].unique().tolist() == ["gone", "idle", "new", "old", "stray"]
    assert days == [[23, 5], [0, 0], [10, 18], [23, 18], [0, 3]]


def test_holidays_do_not_count():
    calendar = sd.Calendar(holidays=("2025-01-01", "2025-01-06"))
    table = selling_days(department(calendar=calendar), PERIODS)
    assert table.loc[table["rep_id"] == "old", "n_selling_days"].tolist() == [21, 18]


def test_without_a_list_of_reps_the_work_tells_when_they_began():
    spans = active_spans(department(reps=None))
    assert spans["rep_id"].tolist() == ["stray"]
    assert spans["first_day"].tolist() == [pd.Timestamp("2025-02-24")]
    assert spans["last_day"].tolist() == [pd.Timestamp("2025-02-26")]


def test_without_any_rep_what_to_ask_for_is_said():
    deals = pd.DataFrame({"deal_id": ["A"], "status": ["open"]})
    with pytest.raises(sd.MissingDataError, match=r"deals\.rep_id"):
        selling_days(sd.Department(deals=deals, as_of="2025-02-26"), PERIODS)


def test_deals_without_any_date_leave_it_to_the_list_of_reps():
    deals = pd.DataFrame({"deal_id": ["A"], "status": ["won"], "rep_id": ["old"]})
    assert active_spans(department(deals=deals))["rep_id"].tolist() == [
        "gone",
        "idle",
        "new",
        "old",
    ]
    with pytest.raises(sd.MissingDataError, match=r"deals\.created_at"):
        active_spans(department(deals=deals, reps=None))


def test_periods_follow_the_fiscal_year():
    calendar = sd.Calendar(fiscal_year_start=2)
    found = periods_of(
        department(calendar=calendar), pd.Timestamp("2025-01-31").date(),
        pd.Timestamp("2025-05-01").date(), months=3,
    )  # fmt: skip
    assert found["period_start"].dt.strftime("%m-%d").tolist() == ["11-01", "02-01", "05-01"]
    assert found["period_end"].dt.strftime("%m-%d").tolist() == ["01-31", "04-30", "07-31"]


def test_who_is_first_seen_soon_after_the_records_begin_was_there_before():
    first = {"a": 0, "b": 20, "c": 45}  # a deal each ten days: up to 30 days are chance
    rows = [(rep, day) for rep, begin in first.items() for day in range(begin, 200, 10)]
    rows += [("once", 25)]  # one entry tells no gap
    deals = pd.DataFrame(rows, columns=["rep_id", "day"])
    deals["created_at"] = pd.Timestamp("2025-01-01") + pd.to_timedelta(deals.pop("day"), unit="D")
    deals["deal_id"] = [str(number) for number in range(len(deals))]
    one = sd.Department(deals=deals.assign(status="open"), as_of="2025-07-31")
    spans = active_spans(one).set_index("rep_id")["first_day"]
    assert spans.dt.strftime("%m-%d").to_dict() == {
        "a": "01-01", "b": "01-01", "c": "02-15", "once": "01-26",
    }  # fmt: skip
    # with a day of hiring nothing is inferred
    reps = pd.DataFrame({"rep_id": ["b"], "hired_on": pd.to_datetime(["2025-01-15"])})
    told = sd.Department(deals=deals.assign(status="open"), reps=reps, as_of="2025-07-31")
    assert active_spans(told).set_index("rep_id").loc["b", "first_day"] == pd.Timestamp(
        "2025-01-15"
    )
