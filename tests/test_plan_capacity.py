"""Selling days had and planned: counted by hand, and on the sample department."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.plan import capacity
from salesdiag.stats.rates import compound_poisson_interval, wilson_interval
from tests.frames import sample_department

# February 2025 has 20 working days, March 21, January 23
REPS = {
    "rep_id": ["stays", "left", "followed", "successor", "boss", "moved"],
    "team": ["N", "N", "S", "S", "N", "W"],
    "role": ["rep", "rep", "rep", "rep", "manager", "rep"],
    "hired_on": pd.to_datetime(
        ["2020-01-01", "2020-01-01", "2020-01-01", "2025-02-03", "2020-01-01", "2020-01-01"]
    ),
    "left_on": pd.to_datetime([None, "2025-02-14", "2025-01-17", None, None, None]),
}


def department_of(reps=REPS, *, deals=(), as_of="2025-03-31", **more):
    columns = ["deal_id", "status", "closed_at", "amount", "rep_id"]
    frame = pd.DataFrame(list(deals), columns=columns)
    frame["closed_at"] = pd.to_datetime(frame["closed_at"])
    frame["created_at"] = pd.Timestamp("2024-12-30")
    return sd.Department(deals=frame, reps=pd.DataFrame(reps), as_of=as_of, **more)


def months(department, **options):
    return capacity(department, start="2025-01-01", months=1, **options)


def test_days_counted_by_hand():
    table = months(department_of())
    assert table["period_start"].dt.month.tolist() == [1, 2, 3]
    assert table["n_working_days"].tolist() == [23, 20, 21]
    # January: stays 23, left 23, moved 23, followed 13 (to the 17th); February: stays 20,
    # moved 20, left 10, successor 20; March: three reps
    assert table["n_selling_days"].tolist() == [82, 70, 63]
    # "followed" left 10 days of January without anyone; the successor came on 3 February, the
    # first working day of it; "left" was never followed
    assert table["n_vacant_days"].tolist() == [10, 10, 21]
    assert table["n_planned_days"].tolist() == [92, 80, 84]
    assert table["selling_day_share"].tolist() == pytest.approx([82 / 92, 70 / 80, 63 / 84])


def test_joiners_leavers_and_heads_counted_by_hand():
    table = months(department_of())
    assert table["n_reps"].tolist() == [4, 4, 3]  # the manager owns no deal and is no rep
    assert table["n_reps_first_day"].tolist() == [4, 3, 3]
    assert table["n_reps_last_day"].tolist() == [3, 3, 3]
    assert table["n_joined"].tolist() == [0, 1, 0]
    assert table["n_left"].tolist() == [1, 1, 0]
    assert table["leaving_rate"].tolist() == [0.25, 0.25, 0]
    low, high = wilson_interval(1, 4)
    assert table["leaving_rate_low"][0] == low.item()
    assert table["leaving_rate_high"][0] == high.item()


def test_newcomers_and_tenure():
    table = months(department_of(), newcomer_days=28)
    # from 3 February for 28 days: to 2 March, a Sunday
    assert table["n_newcomer_days"].tolist() == [0, 20, 0]
    assert table["newcomer_share"].tolist() == pytest.approx([0, 20 / 70, 0])
    # there on 28 February: two since 2020-01-01 (1,885 days) and one for 25 days
    assert table["median_tenure_days"].tolist()[1] == 1885
    assert months(department_of(), newcomer_days=0)["n_newcomer_days"].sum() == 0


def test_a_successor_who_came_before_the_leaving_leaves_no_chair_empty():
    reps = {
        "rep_id": ["old", "new"], "team": "N",
        "hired_on": pd.to_datetime(["2020-01-01", "2025-01-20"]),
        "left_on": pd.to_datetime(["2025-02-14", None]),
    }  # fmt: skip
    assert months(department_of(reps))["n_vacant_days"].tolist() == [0, 0, 0]
    # with no handover allowed nobody followed: 10 days of February and 21 of March
    alone = months(department_of(reps), handover_days=0)
    assert alone["n_vacant_days"].tolist() == [0, 10, 21]
    # another team's newcomer follows nobody here
    apart = months(department_of(reps | {"team": ["N", "S"]}))
    assert apart["n_vacant_days"].tolist() == [0, 10, 21]


def test_one_joiner_follows_one_leaver():
    reps = {
        "rep_id": ["a", "b", "new"],
        "hired_on": pd.to_datetime(["2020-01-01", "2020-01-01", "2025-03-03"]),
        "left_on": pd.to_datetime(["2025-01-31", "2025-01-31", None]),
    }
    assert months(department_of(reps))["n_vacant_days"].tolist() == [0, 40, 21]


def test_after_a_year_a_position_counts_as_cut():
    reps = {"rep_id": ["stays", "left"], "hired_on": pd.to_datetime(["2020-01-01"] * 2),
            "left_on": pd.to_datetime([None, "2025-01-31"])}  # fmt: skip
    table = months(department_of(reps), longest_vacancy_days=28)
    assert table["n_vacant_days"].tolist() == [0, 20, 0]


def test_without_days_of_hiring_nobody_joined():
    deals = [("A", "won", "2025-01-02", 5.0, "a"), ("B", "won", "2025-02-04", 5.0, "b")]
    frame = department_of(deals=deals).deals.execute()
    frame["created_at"] = frame["closed_at"]
    department = sd.Department(deals=frame, as_of="2025-03-31")
    table = months(department)
    assert table["n_reps"].tolist() == [1, 2, 2]
    assert table["n_joined"].tolist() == [0, 0, 0]
    assert table["n_hired_unknown"].tolist() == [1, 2, 2]
    assert table["median_tenure_days"].isna().all()


def test_the_running_period_counts_up_to_as_of():
    row = months(department_of(as_of="2025-03-07")).iloc[-1]
    assert not row.is_complete
    assert (row.n_working_days, row.n_selling_days, row.n_vacant_days) == (5, 15, 5)


def test_holidays_are_no_selling_days():
    calendar = sd.Calendar(holidays=("2025-03-03", "2025-03-04"))
    row = months(department_of(calendar=calendar)).iloc[-1]
    assert (row.n_working_days, row.n_selling_days, row.n_vacant_days) == (19, 57, 19)


def test_result_per_rep_and_year():
    deals = [("A", "won", "2025-03-04", 30.0, "stays"), ("B", "won", "2025-03-05", 60.0, "moved"),
             ("C", "lost", "2025-03-05", 99.0, "moved")]  # fmt: skip
    row = months(department_of(deals=deals)).iloc[-1]
    assert (row.n_won, row.won_amount) == (2, 90)
    # 63 selling days; April 2024 to March 2025 had 261 working days
    assert row.rep_year_amount == pytest.approx(90 / (63 / 261))
    low, high = compound_poisson_interval(90, 30**2 + 60**2, 60)
    assert row.rep_year_amount_low == pytest.approx(low.item() * 261 / 63)
    assert row.rep_year_amount_high == pytest.approx(high.item() * 261 / 63)


def test_without_amounts_the_result_is_unknown_and_the_days_are_not():
    frame = department_of().deals.execute().drop(columns=["amount"])
    department = sd.Department(deals=frame, reps=pd.DataFrame(REPS), as_of="2025-03-31")
    table = months(department)
    assert table["n_selling_days"].tolist() == [82, 70, 63]
    assert np.isnan(table["rep_year_amount"]).all()


def test_teams_add_up_and_who_sold_without_a_rep_has_a_row():
    deals = [("A", "won", "2025-03-04", 30.0, None)]
    department = department_of(deals=deals)
    whole, teams = months(department), months(department, by="team")
    counts = ["n_reps", "n_selling_days", "n_vacant_days", "n_joined", "n_left", "n_won"]
    assert teams.groupby("period_start")[counts].sum().to_numpy().tolist() == (
        whole[counts].to_numpy().tolist()
    )
    nobody = teams[(teams["team"] == "unassigned") & (teams["period_start"] == "2025-03-01")]
    assert nobody[["n_reps", "n_won", "n_planned_days"]].to_numpy().tolist() == [[0, 1, 0]]
    assert nobody[["leaving_rate", "selling_day_share", "rep_year_amount"]].isna().all(axis=None)


def test_by_default_the_last_twelve_months_of_the_sample():
    table = capacity(sample_department())
    assert table["period_start"].dt.strftime("%Y-%m").tolist() == [
        "2025-01", "2025-04", "2025-07", "2025-10",
    ]  # fmt: skip
    assert table["n_joined"].tolist() == [1, 0, 0, 0]  # R26 on 3 February
    assert table["n_left"].tolist() == [1, 0, 0, 0]  # R24 on 31 March, followed by R26
    assert table["n_vacant_days"].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(("option", "value"), [("months", 0), ("months", 13), ("months", 1.5),
                                               ("handover_days", -1), ("newcomer_days", "x"),
                                               ("longest_vacancy_days", -1)])  # fmt: skip
def test_a_wrong_number_names_the_option(option, value):
    with pytest.raises(sd.InputError, match=f"{option} must be a whole number"):
        capacity(sample_department(), **{option: value})


def test_it_is_told_of_reps_only():
    with pytest.raises(sd.InputError, match="split by 'rep_id' or a column of reps"):
        capacity(sample_department(), by="source")
