"""Loads of reps: counted by hand, planted overload, nobody flagged without one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from tests.rep_worlds import LONG_AGO, department_of, reps_of

AS_OF = "2025-06-30"


def open_deals(counts: dict[str, int], created="2025-05-15", **more) -> pd.DataFrame:
    owners = np.repeat(list(counts), list(counts.values()))
    frame = pd.DataFrame({"rep_id": owners, "status": "open", "created_at": pd.Timestamp(created)})
    return frame.assign(deal_id=[f"D{n}" for n in range(len(frame))], **more)


def of(table, load):
    return table[table["load"] == load].set_index("rep_id")


class TestByHand:
    def test_stock_of_open_deals_against_the_median_of_the_others(self):
        table = of(sd.reps.workload(department_of(
            open_deals({"a": 4, "b": 6, "c": 8, "d": 20}), as_of=AS_OF)), "open_deals")  # fmt: skip
        assert table["n_items"].tolist() == [4, 6, 8, 20]
        assert table["peer_median"].tolist() == [8, 8, 6, 6]
        assert table["load_ratio"].tolist() == [0.5, 0.75, 8 / 6, 20 / 6]
        assert table["spare_items"].tolist() == [4, 2, -2, -14]
        assert (table["load_ratio_low"] <= table["load_ratio"]).all()
        assert (table["load_ratio_high"] >= table["load_ratio"]).all()

    def test_the_stock_is_that_of_the_last_day_of_the_window(self):
        deals = open_deals({"a": 1, "b": 1, "c": 1, "d": 3})
        deals["closed_at"] = pd.NaT
        deals.loc[3, ["status", "closed_at"]] = ["lost", pd.Timestamp("2025-06-10")]
        deals.loc[4, "created_at"] = pd.Timestamp("2025-06-05")
        deals.loc[5, "created_at"] = pd.NaT  # open without a day of creation: there all the same
        world = department_of(deals, as_of=AS_OF)
        before = of(sd.reps.workload(world, end="2025-05-31"), "open_deals")
        assert before.loc["d", "n_items"] == 2
        assert of(sd.reps.workload(world, end="2025-06-08"), "open_deals").loc["d", "n_items"] == 3
        assert of(sd.reps.workload(world), "open_deals").loc["d", "n_items"] == 2

    def test_what_comes_in_is_reckoned_by_the_days_of_each(self):
        reps = reps_of({"a": LONG_AGO, "b": LONG_AGO, "c": LONG_AGO, "new": "2025-06-16"})
        leads = pd.DataFrame({
            "lead_id": [str(n) for n in range(71)],
            "rep_id": ["a"] * 21 + ["b"] * 21 + ["c"] * 21 + ["new"] * 5 + [None] * 3,
            "created_at": pd.Timestamp("2025-06-20"),
        })  # fmt: skip
        leads.loc[0, "created_at"] = pd.Timestamp("2025-07-05")  # after the data: never counts
        table = of(sd.reps.workload(
            department_of(open_deals({"a": 1}), reps, leads=leads, as_of=AS_OF), months=1,
        ), "new_leads")  # fmt: skip
        assert table["n_items"].to_dict() == {"a": 20, "b": 21, "c": 21, "new": 5, "unassigned": 3}
        # June 2025 has 21 working days, 11 of them from the 16th on
        assert table["n_selling_days"].to_dict() == {
            "a": 21, "b": 21, "c": 21, "new": 11, "unassigned": 0}  # fmt: skip
        assert table.loc["new", "load_value"] == pytest.approx(5 / 11)
        assert table.loc["new", "load_ratio"] == pytest.approx(5 / 11)
        assert np.isnan(table.loc["unassigned", "load_ratio"])

    def test_tasks_due_and_overdue(self):
        due = ["2025-06-10", "2025-06-20", "2025-06-30", "2025-05-01", "2025-07-10", "2025-06-12"]
        done = [None, "2025-06-21", None, None, None, "2025-07-02"]
        tasks = pd.DataFrame({
            "activity_id": [str(n) for n in range(6)], "activity_type": "task", "rep_id": "a",
            "occurred_at": pd.to_datetime(["2025-04-01"] * 5 + ["2025-04-02"]),
            "due_at": pd.to_datetime(due), "completed_at": pd.to_datetime(done),
        })  # fmt: skip
        world = department_of(open_deals({"a": 1}), activities=tasks, as_of=AS_OF)
        table = sd.reps.workload(world, months=1)
        # due in June: the 10th, 20th, 30th and 12th; overdue on the 30th: 10 June, 1 May, and
        # the one done only afterwards
        assert of(table, "due_tasks").loc["a", "n_items"] == 4
        assert of(table, "overdue_tasks").loc["a", "n_items"] == 3

    def test_rows_that_stand_twice_are_one_lead_and_one_task(self):
        leads = pd.DataFrame({
            "lead_id": [f"L{n}" for n in range(30)], "rep_id": ["a", "b", "c"] * 10,
            "created_at": pd.Timestamp("2025-06-10"),
        })  # fmt: skip
        again = leads.assign(created_at=pd.Timestamp("2025-06-20"), rep_id="z")
        old = leads.iloc[:1].assign(created_at=pd.Timestamp("2025-05-10"))  # came in before
        tasks = pd.DataFrame({
            "activity_id": ["T1"] * 3 + ["T2"] * 2, "activity_type": "task", "rep_id": "a",
            "occurred_at": pd.Timestamp("2025-06-01"), "due_at": pd.Timestamp("2025-06-12"),
            "completed_at": pd.to_datetime([None] * 4 + ["2025-06-11"]),
        })  # fmt: skip
        table = sd.reps.workload(department_of(
            open_deals({"a": 1}), leads=pd.concat([again, leads, old]), activities=tasks,
            as_of=AS_OF), months=1)  # fmt: skip
        assert of(table, "new_leads")["n_items"].to_dict() == {"a": 9, "b": 10, "c": 10}
        assert of(table, "due_tasks").loc["a", "n_items"] == 2
        assert of(table, "overdue_tasks").loc["a", "n_items"] == 1  # one row says T2 is done

    def test_a_repeated_rep_is_in_the_group_in_which_other_tables_have_it(self):
        reps = pd.DataFrame({
            "rep_id": ["a", "a"], "team": ["x", "y"], "territory": ["South", "North"],
        })  # fmt: skip
        deals = open_deals({"a": 3}).assign(closed_at=pd.NaT)
        deals.loc[0, ["status", "closed_at"]] = ["won", pd.Timestamp("2025-06-10")]
        world = department_of(deals, reps, as_of=AS_OF)
        assert set(sd.funnel.win_rate(world, by="territory")["territory"]) == {"North"}
        assert set(sd.reps.workload(world, by="territory")["territory"]) == {"North"}

    def test_leavers_keep_what_hangs_on_them_and_managers_are_no_peers(self):
        reps = reps_of(dict.fromkeys(["a", "b", "c", "d", "gone", "boss"], LONG_AGO),
                       {"gone": "2025-03-31"}, role=["rep"] * 5 + ["Manager"])  # fmt: skip
        deals = open_deals({"a": 5, "b": 5, "c": 5, "d": 5, "gone": 7, "boss": 1})
        table = of(sd.reps.workload(department_of(deals, reps, as_of=AS_OF)), "open_deals")
        assert table.loc["gone", "n_items"] == 7
        assert not table.loc["gone", "is_here"]
        assert table.loc[["gone", "boss"], "load_ratio"].isna().all()
        assert table.loc["a", "n_peers"] == 3

    def test_loads_of_missing_tables_have_no_rows(self):
        table = sd.reps.workload(department_of(open_deals({"a": 1}), as_of=AS_OF))
        assert set(table["load"]) == {"open_deals", "new_deals"}

    @pytest.mark.parametrize("n_reps", [1, 2, 3])
    def test_too_few_peers(self, n_reps):
        counts = dict.fromkeys("abc"[:n_reps], 4)
        table = sd.reps.workload(department_of(open_deals(counts), as_of=AS_OF))
        assert table["load_ratio"].isna().all()

    def test_peers_that_hold_nothing_leave_no_reference(self):
        reps = reps_of(dict.fromkeys("abcd", LONG_AGO))
        table = of(sd.reps.workload(department_of(open_deals({"a": 9}), reps, as_of=AS_OF)),
                   "open_deals")  # fmt: skip
        assert np.isnan(table.loc["a", "load_ratio"])
        assert not table["is_overloaded"].any()


def drawn(seed, *, mean=15, heavy=None):
    random = np.random.default_rng(seed)
    names = [f"r{n:02d}" for n in range(20)]
    counts = {rep: int(random.poisson(mean * (heavy or {}).get(rep, 1.0))) for rep in names}
    deals = open_deals(counts)
    return department_of(deals, reps_of(dict.fromkeys(names, LONG_AGO)), as_of=AS_OF)


class TestPlanted:
    def test_alike_loads_flag_nobody(self):
        flagged, covered = 0, []
        for seed in range(25):
            table = sd.reps.workload(drawn(seed), tolerance=0.0)
            flagged += bool(table[["is_overloaded", "is_idle"]].any(axis=None))
            held = of(table, "open_deals")
            covered.append(((held["load_ratio_low"] <= 1) & (held["load_ratio_high"] >= 1)).mean())
        assert flagged <= 4  # 5 % are 1.25
        assert np.mean(covered) > 0.92

    def test_a_double_and_a_quarter_load_are_found(self):
        found = 0
        for seed in range(8):
            held = of(sd.reps.workload(drawn(seed, mean=45, heavy={"r01": 2.2, "r02": 0.25})),
                      "open_deals")  # fmt: skip
            found += held.loc["r01", "is_overloaded"] and held.loc["r02", "is_idle"]
            assert held.drop(["r01", "r02"])[["is_overloaded", "is_idle"]].sum().sum() <= 1
        assert found >= 7

    def test_small_differences_of_large_loads_are_within_the_tolerance(self):
        world = drawn(1, mean=3000, heavy={"r01": 1.15})
        assert not of(sd.reps.workload(world), "open_deals").loc["r01", "is_overloaded"]
        strict = of(sd.reps.workload(world, tolerance=0.05), "open_deals")
        assert strict.loc["r01", "is_overloaded"]

    def test_few_overdue_tasks_are_no_idleness(self):
        names = list("abcdef")
        owners = np.repeat(names, [30, 30, 30, 30, 30, 1])
        tasks = pd.DataFrame({
            "activity_id": [str(n) for n in range(len(owners))], "activity_type": "task",
            "rep_id": owners, "occurred_at": pd.Timestamp("2025-04-01"),
            "due_at": pd.Timestamp("2025-05-01"),
        })  # fmt: skip
        world = department_of(open_deals(dict.fromkeys(names, 1)), activities=tasks, as_of=AS_OF)
        held = of(sd.reps.workload(world), "overdue_tasks")
        assert held.loc["f", "q_value"] < 0.05
        assert not held["is_idle"].any()


def test_wrong_options_are_named():
    world = department_of(open_deals({"a": 1}), as_of=AS_OF)
    with pytest.raises(sd.InputError, match="months must be a whole number"):
        sd.reps.workload(world, months=0)
    with pytest.raises(sd.InputError, match="tolerance must be"):
        sd.reps.workload(world, tolerance=-1)
    with pytest.raises(sd.MissingDataError, match="rep_id"):
        sd.reps.workload(sd.Department(deals=open_deals({"a": 1}).drop(columns="rep_id"),
                                       as_of=AS_OF))  # fmt: skip
