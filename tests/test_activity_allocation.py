"""Where effort goes: counted by hand, and on real calls."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.activity import activity_allocation
from salesdiag.reductions.winnable import median_won_days, winnable_days
from tests.frames import days, deals_of, sample_department
from tests.real_data import data_set, needs

DEALS = [
    ("won", "won", 0, 20, "c1"),
    ("lost", "lost", 0, 10, "c1"),
    ("open", "open", 0, None, "c2"),
    ("undated", "lost", 0, None, "c3"),
    ("nobody knows", "open", None, None, "c4"),
]
DEAL_COLUMNS = ["deal_id", "status", "created_at", "closed_at", "account_id"]
DONE = [
    # deal, lead, account, rep, type, day
    ("won", None, "c1", "r1", "call", 20),  # on the day of winning: it was still open
    ("won", None, "c1", "r1", "call", 21),
    ("lost", None, "c1", "r1", "email", 11),
    ("open", None, "c2", "r1", "call", 30),
    ("open", None, "c2", "r2", "call", 31),
    ("undated", None, "c3", "r2", "call", 5),
    ("nobody knows", None, "c4", "r2", "call", 5),
    ("not listed", None, "c9", "r2", "call", 5),
    (None, "lead 1", None, "r2", "call", 5),
    (None, None, None, None, "call", 5),
]
PLACES = ["winnable", "too old", "age unknown", "already won", "already lost", "unknown deal",
          "lead", "no deal"]  # fmt: skip


def activities(rows=DONE):
    columns = ["deal_id", "lead_id", "account_id", "rep_id", "activity_type", "occurred_at"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(
        occurred_at=pd.to_datetime(days(frame["occurred_at"])),
        activity_id=[str(number) for number in range(len(frame))],
    )


def department(**more):
    return deals_of(DEALS, DEAL_COLUMNS, **({"activities": activities()} | more))


def test_every_destination_counted_by_hand():
    table = activity_allocation(department(), max_age_days=30)
    every = table[table["activity_type"] == "all"].set_index("destination")
    assert every.index.tolist() == PLACES
    assert every["n_activities"].tolist() == [2, 1, 1, 1, 1, 2, 1, 1]
    assert every["n_all"].tolist() == [10] * 8
    assert every["n_reps"].tolist() == [3] * 8
    assert every["effort_share"].tolist() == pytest.approx([0.2, *[0.1] * 4, 0.2, 0.1, 0.1])
    assert table["age_limit_days"].unique().tolist() == [30]
    mail = table[table["activity_type"] == "email"].set_index("destination")
    assert mail.loc["already lost", ["n_activities", "n_all"]].tolist() == [1, 1]


def test_without_an_age_open_deals_are_of_unknown_age():
    table = activity_allocation(department())
    every = table[table["activity_type"] == "all"].set_index("destination")
    assert np.isnan(table["age_limit_days"]).all()
    assert every["n_activities"].tolist() == [0, 0, 4, 1, 1, 2, 1, 1]


def test_through_the_account_the_deal_that_can_best_be_meant_is_taken():
    frame = activities().drop(columns=["deal_id", "lead_id"])
    table = activity_allocation(department(activities=frame), max_age_days=30)
    every = table[table["activity_type"] == "all"].set_index("destination")
    # c1 on day 11 and 20 still has the deal it wins, on day 21 nothing open: won before lost
    assert every["n_activities"].tolist() == [3, 1, 1, 1, 0, 1, 0, 3]
    # a deal that did not yet exist cannot be meant
    early = frame.assign(occurred_at=pd.Timestamp("2024-12-31"))
    table = activity_allocation(department(activities=early), max_age_days=30)
    every = table[table["activity_type"] == "all"].set_index("destination")
    assert every.loc["no deal", "n_activities"] == 9
    assert every.loc["age unknown", "n_activities"] == 1


def test_groups_and_destinations_add_up():
    whole = activity_allocation(sample_department())
    parts = activity_allocation(sample_department(), by=["team", "direction"])
    keys = ["activity_type", "destination"]
    sums = parts.groupby(keys)["n_activities"].sum()
    pd.testing.assert_series_equal(sums, whole.set_index(keys)["n_activities"].sort_index())
    by_type = whole.groupby("activity_type")
    assert (by_type["n_activities"].sum() == by_type["n_all"].first()).all()
    assert by_type["effort_share"].sum().tolist() == pytest.approx([1.0] * by_type.ngroups)


def test_reps_who_differ_make_the_share_less_sure():
    alike = [("open", None, None, f"r{n % 8}", "call", 5) for n in range(40)]
    alike += [(None, None, None, f"r{n % 8}", "call", 5) for n in range(40)]
    apart = [("open" if n % 8 < 4 else None, None, None, f"r{n % 8}", "call", 5) for n in range(80)]
    widths = []
    for rows in (alike, apart):
        given = department(activities=activities(rows))
        row = activity_allocation(given, max_age_days=30).iloc[0]
        assert row["effort_share"] == 0.5
        widths.append(row["effort_share_high"] - row["effort_share_low"])
    assert widths[0] < 0.3  # as 80 single activities tell
    assert widths[1] > 0.6  # as 8 reps tell


def test_split_by_rep_months_are_the_cases_and_one_says_nothing():
    rows = [("open", None, None, "r1", "call", 5), (None, None, None, "r1", "call", 35),
            ("open", None, None, "r2", "call", 5)]  # fmt: skip
    table = activity_allocation(department(activities=activities(rows)), by="rep_id",
                                max_age_days=90)  # fmt: skip
    first = table[(table["destination"] == "winnable") & (table["activity_type"] == "all")]
    first = first.set_index("rep_id")
    assert first["n_all"].to_dict() == {"r1": 2, "r2": 1, "unassigned": 0}
    assert 0 <= first.loc["r1", "effort_share_low"] < 0.5
    assert first.loc["r2", ["effort_share", "effort_share_low", "effort_share_high"]].tolist() == [
        1, 0, 1,
    ]  # fmt: skip
    assert np.isnan(first.loc["unassigned", "effort_share"])


def test_the_age_at_which_deals_still_win_is_learnt_with_open_deals_censored():
    # 30 deals are won on days 1 to 30; as many are open, seen for 20 days only
    rows = [(f"w{n}", "won", 0, n) for n in range(1, 31)]
    rows += [(f"o{n}", "open", 39, None) for n in range(30)]
    department = deals_of(rows, ["deal_id", "status", "created_at", "closed_at"])
    assert median_won_days(department) == 15
    # of the closed alone it would be 29; those seen for 20 days make the later wins weigh more
    assert winnable_days(department) == 20 + 1  # where fewer than 10 are left nothing is told
    assert winnable_days(department, won_share=0.5) > 10
    few = deals_of(rows[:19], ["deal_id", "status", "created_at", "closed_at"])
    assert np.isnan(winnable_days(few))


def test_the_learnt_age_matches_a_simulated_cycle():
    rng = np.random.default_rng(3)
    n = 4000
    born = rng.integers(0, 400, n)
    to_win, to_lose = rng.exponential(40, n), rng.exponential(60, n)
    ends = np.minimum(to_win, to_lose)
    is_open = born + ends > 400
    status = np.where(is_open, "open", np.where(to_win < to_lose, "won", "lost"))
    start = pd.Timestamp("2024-01-01")
    deals = pd.DataFrame({
        "deal_id": np.arange(n).astype(str), "status": status,
        "created_at": start + pd.to_timedelta(born, unit="D"),
        "closed_at": start + pd.to_timedelta(np.where(is_open, np.nan, born + ends), unit="D"),
    })  # fmt: skip
    learnt = winnable_days(
        sd.Department(deals=deals, as_of=(start + pd.Timedelta(days=400)).date())
    )
    # wins come at the rate of both together: 24 days on average, 95 % by 71.9
    assert learnt == pytest.approx(-24 * np.log(0.05), abs=5)


@needs("itschool_crm")
def test_the_calls_of_a_real_school_all_have_a_place():
    folder, mapping = data_set("itschool_crm")
    school = sd.load(folder, mapping=mapping, as_of="2023-12-31")
    table = activity_allocation(school)
    every = table[table["activity_type"] == "all"].set_index("destination")
    assert every["n_activities"].sum() == 32_720 == every["n_all"].iloc[0]
    # calls name contacts only; 1,214 name none, the others a contact whose deal came later
    assert every.loc["no deal", "n_activities"] >= 1214
    assert every.loc["winnable", "effort_share"] == pytest.approx(0.739, abs=0.005)


def test_bad_input_is_named():
    with pytest.raises(sd.InputError, match="link must be deal or account; got 'phone'"):
        activity_allocation(department(), link="phone")
    with pytest.raises(sd.InputError, match="max_age_days must be a whole number from 0"):
        activity_allocation(department(), max_age_days=-2)
    with pytest.raises(sd.InputError, match="won_share must lie strictly between 0 and 1"):
        activity_allocation(department(), won_share=1.0)
    frame = activities().drop(columns=["deal_id", "account_id"])
    with pytest.raises(sd.MissingDataError, match=r"activities\.deal_id"):
        activity_allocation(department(activities=frame))
