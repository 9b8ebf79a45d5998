"""What each rep did and had at hand, week by week: counted by hand and by brute force."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.reductions.rep_weeks import rep_weeks, whole_periods
from tests.frames import sample_department, sample_frames, shuffled

# 2025-01-06 is a Monday: weeks of the 6th, the 13th and the 20th
DEALS = pd.DataFrame(
    [
        ("A", "won", "r1", "2025-01-07", "2025-01-15", 100.0),
        ("B", "lost", "r1", "2025-01-14", "2025-01-14", 50.0),  # opened and lost on one day
        ("C", "open", "r1", "2024-12-01", None, 10.0),
        ("D", "won", "r1", "2025-01-08", None, 70.0),  # nobody knows until when it was open
        ("E", "open", None, "2025-01-20", None, 20.0),
        ("F", "won", "r2", "2025-01-22", "2025-01-21", 30.0),  # entered after it was closed
        ("G", "lost", "r2", "2024-11-01", "2024-12-20", None),  # gone before the window
    ],
    columns=["deal_id", "status", "rep_id", "created_at", "closed_at", "amount"],
)
ACTIVITIES = pd.DataFrame(
    [
        ("1", "call", "r1", "A", "2025-01-06"),
        ("2", "call", "r1", "A", "2025-01-15"),  # on the day of closing
        ("3", "email", "r1", "A", "2025-01-16"),  # after it
        ("4", "carrier pigeon", "r1", None, "2025-01-20"),
        ("5", "call", None, None, "2025-01-21"),
        ("6", "meeting", "r2", "F", "2025-01-26"),  # Sunday; after the close
    ],
    columns=["activity_id", "activity_type", "rep_id", "deal_id", "occurred_at"],
)
REPS = pd.DataFrame({
    "rep_id": ["r1", "r2"],
    "hired_on": pd.to_datetime(["2020-01-01", "2025-01-15"]),
})  # fmt: skip


def department(**more):
    deals = DEALS.assign(**{name: pd.to_datetime(DEALS[name])
                            for name in ("created_at", "closed_at")})  # fmt: skip
    activities = ACTIVITIES.assign(occurred_at=pd.to_datetime(ACTIVITIES["occurred_at"]))
    given = {"deals": deals, "activities": activities, "reps": REPS, "as_of": "2025-01-31"}
    return sd.Department(**(given | more))


def test_three_weeks_counted_by_hand():
    table = rep_weeks(department())
    columns = ["rep_id", "period", "n_call", "n_email", "n_other", "n_activities", "n_after_close",
               "n_created", "n_won", "n_lost", "n_open", "n_deal_days",
               "n_selling_days"]  # fmt: skip
    # r1 has A from Tuesday (4 working days, then 3) and C all the time, B on a Tuesday; D is not
    # at hand, for nobody knows until when; r2 begins on Wednesday the 15th and has F for a day
    assert table[columns].to_numpy().tolist() == [
        ["r1", 0, 1, 0, 0, 1, 0, 2, 0, 0, 2, 9, 5],
        ["r1", 1, 1, 0, 0, 1, 1, 1, 1, 1, 3, 9, 5],
        ["r1", 2, 0, 0, 1, 1, 0, 0, 0, 0, 1, 5, 5],
        ["r2", 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3],
        ["r2", 2, 0, 0, 0, 0, 1, 1, 1, 0, 1, 1, 5],
        ["unassigned", 2, 1, 0, 0, 1, 0, 1, 0, 0, 1, 5, 0],
    ]
    assert table["won_amount"].tolist() == [0, 100, 0, 0, 30, 0]
    assert table["period_start"].dt.day.unique().tolist() == [6, 13, 20]
    assert table["period_end"].dt.day.unique().tolist() == [12, 19, 26]


def test_the_window_ends_with_the_last_activity_unless_told_otherwise():
    later = rep_weeks(department(), end="2025-02-20")
    assert later["period"].max() == 2  # the week of the 27th is not over on 31 January
    assert rep_weeks(department(), start="2025-01-07")["period_start"].min().day == 13


def test_an_old_deal_is_no_longer_at_hand():
    table = rep_weeks(department(), max_age_days=5).set_index(["rep_id", "period"])
    # A to Sunday the 12th, on its sixth day; C long ago; E from Monday to Saturday
    assert table.loc[("r1", 0), ["n_open", "n_deal_days"]].tolist() == [1, 4]
    assert table.loc[("r1", 1), ["n_open", "n_deal_days"]].tolist() == [1, 1]  # B
    assert table.loc[("unassigned", 2), ["n_open", "n_deal_days"]].tolist() == [1, 5]


def test_months_and_quarters_follow_the_fiscal_year():
    day = pd.Timestamp
    periods = whole_periods(department(), day("2025-01-02").date(), day("2025-07-01").date(),
                            unit="quarter")  # fmt: skip
    assert periods["period_start"].dt.strftime("%m-%d").tolist() == ["04-01"]
    calendar = sd.Calendar(fiscal_year_start=2)
    periods = whole_periods(department(calendar=calendar), day("2025-01-02").date(),
                            day("2025-05-01").date(), unit="quarter")  # fmt: skip
    assert periods["period_start"].dt.strftime("%m-%d").tolist() == ["02-01"]
    assert periods["period_end"].dt.strftime("%m-%d").tolist() == ["04-30"]


def test_without_amounts_the_amount_won_is_unknown():
    deals = department().deals.drop("amount").to_pandas()
    assert rep_weeks(department(deals=deals))["won_amount"].isna().all()


def at_hand_by_brute_force(deals, table, max_age_days):
    """Count deals and deal-days of each row of the table, deal by deal."""
    known = deals[deals["created_at"].notna()]
    known = known[(known["status"] == "open") | known["closed_at"].notna()]
    came = known["created_at"].dt.normalize()
    left = known["closed_at"].dt.normalize().where(known["status"] != "open")
    left = left.fillna(pd.Timestamp("2030-01-01")).clip(lower=came)
    if max_age_days:
        left = left.clip(upper=came + pd.Timedelta(days=max_age_days))
    rep = known["rep_id"].fillna("unassigned")
    counts = []
    for row in table.itertuples():
        inside = (rep == row.rep_id) & (came <= row.period_end) & (left >= row.period_start)
        first = came[inside].clip(lower=row.period_start).to_numpy().astype("datetime64[D]")
        last = left[inside].clip(upper=row.period_end).to_numpy().astype("datetime64[D]")
        counts.append((inside.sum(), np.busday_count(first, last + np.timedelta64(1, "D")).sum()))
    return np.array(counts)


@pytest.mark.parametrize(("unit", "age"), [("month", None), ("month", 60), ("quarter", None)])
def test_running_sums_give_what_counting_deal_by_deal_gives(unit, age):
    table = rep_weeks(sample_department(), unit=unit, max_age_days=age)
    expected = at_hand_by_brute_force(sample_frames()["deals"], table, age)
    np.testing.assert_array_equal(table[["n_open", "n_deal_days"]].to_numpy(), expected)


def test_weeks_hold_the_deals_and_activities_of_the_window():
    table, frames = rep_weeks(sample_department()), sample_frames()
    first, last = table["period_start"].min(), table["period_end"].max() + pd.Timedelta(days=1)
    days = frames["activities"]["occurred_at"]
    assert table[["n_activities", "n_after_close"]].to_numpy().sum() == days.between(
        first, last, inclusive="left").sum()  # fmt: skip
    won = frames["deals"].query("status == 'won'")
    won = won[won["closed_at"].between(first, last, inclusive="left")]
    assert table["n_won"].sum() == len(won)
    assert table["won_amount"].sum() == pytest.approx(won["amount"].sum())


def test_another_order_of_rows_gives_the_same():
    expected = rep_weeks(sample_department())
    department = sd.Department(
        **shuffled(sample_frames()), as_of="2025-12-31",
        calendar=sd.Calendar(time_zone="Europe/Berlin", holidays="DE"),
    )  # fmt: skip
    pd.testing.assert_frame_equal(rep_weeks(department), expected)


def test_bad_input_names_what_is_allowed():
    with pytest.raises(sd.InputError, match="unit must be one of week, month, quarter; got 'day'"):
        rep_weeks(department(), unit="day")
    without = ACTIVITIES.drop(columns="rep_id")
    without = without.assign(occurred_at=pd.to_datetime(without["occurred_at"]))
    with pytest.raises(sd.MissingDataError, match=r"activities\.rep_id"):
        rep_weeks(department(activities=without))
