"""Edges of the pipeline: what is not told, ends of stages, deals without moves, odd values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.reductions.winnable import winnable_days
from tests.frames import AS_OF, STAGES, day, days, deals_of, department_of, moves_of
from tests.test_pipeline_snapshot import changes, date_of, department, pushes, snapshot
from tests.test_pipeline_velocity import DEALS, monthly


def two_stages(seed, *, n=600, watch=500):
    """Lead takes 5 to 25 days and half go on; offer takes 60 to 200, and 80 % are won: .40."""
    rng = np.random.default_rng(seed)
    born, first = rng.integers(0, watch, n), rng.integers(5, 26, n)
    second, goes_on = rng.integers(60, 201, n), rng.random(n) < 0.5
    ends = born + first + np.where(goes_on, second, 0)
    status = np.where(goes_on & (rng.random(n) < 0.8), "won", "lost")
    status = np.where(ends > watch, "open", status)
    start = pd.Timestamp("2024-01-01")
    ids = np.array([f"D{number:04}" for number in range(n)])
    gone = goes_on & (born + first <= watch)
    moves = pd.DataFrame({
        "deal_id": np.concatenate([ids, ids[gone]]),
        "stage": np.repeat(["lead", "offer"], [n, gone.sum()]),
        "entered_at": start + pd.to_timedelta(
            np.concatenate([born, (born + first)[gone]]), unit="D"),
    })  # fmt: skip
    deals = pd.DataFrame({
        "deal_id": ids, "status": status, "created_at": start + pd.to_timedelta(born, unit="D"),
        "closed_at": start + pd.to_timedelta(np.where(ends > watch, np.nan, ends), unit="D"),
        "amount": 1.0,
    })  # fmt: skip
    as_of = (start + pd.Timedelta(days=watch)).date()
    return sd.Department(deals=deals, stage_changes=moves, stages=STAGES, as_of=as_of)


def test_deals_that_went_on_are_not_taken_for_those_lost_before():
    entry, now, covered = [], [], 0
    for seed in range(12):
        made = two_stages(seed)
        lead = sd.pipeline.stalled_deals(made).set_index("stage").loc["lead"]
        entry.append(lead["entry_win_rate"])
        covered += lead["entry_win_rate_low"] <= 0.38 <= lead["entry_win_rate_high"]
        shown = sd.pipeline.pipeline_snapshot(made).set_index("stage")
        now.append(shown.loc["lead", "win_rate"])
    # within the look ahead nine in ten of those that are won have left
    assert np.mean(entry) == pytest.approx(0.38, abs=0.025)
    assert np.mean(now) == pytest.approx(0.4, abs=0.025)
    assert covered >= 9


def test_what_was_not_watched_to_its_end_is_not_told():
    rng = np.random.default_rng(1)
    for watch, is_known in ((120, False), (900, True)):
        n = 2 * watch
        born, life = rng.integers(0, watch, n), rng.gamma(3, 40, n).round()
        is_open = born + life > watch
        status = np.where(is_open, "open", np.where(rng.random(n) < 0.4, "won", "lost"))
        rows = [(f"D{k}", status[k], born[k] + 59 - watch,
                 None if is_open[k] else born[k] + life[k] + 59 - watch, 10, None, "r1")
                for k in range(n)]  # fmt: skip
        found = snapshot(59, deals=rows, changes=None, moves=None).iloc[0]
        assert found["n_open"] == is_open.sum()
        if is_known:
            assert found["n_without_chance"] < 0.2 * found["n_open"]
            assert found["win_rate"] == pytest.approx(0.4, abs=0.06)
        else:
            assert found["n_without_chance"] == found["n_open"]
            assert found[["win_rate", "expected_amount"]].isna().all()


def test_a_group_not_watched_until_the_horizon_gets_no_figures():
    rows = [(f"O{k}", "won" if k % 2 else "lost", -140, k - 100, 10.0, "old", f"o{k}")
            for k in range(60)]  # fmt: skip
    rows += [(f"P{k}", "open", -100, None, 10.0, "old", f"p{k}") for k in range(9)]
    rows += [(f"N{k}", "won" if k % 9 == 0 else "open", 19, 30 if k % 9 == 0 else None, 10.0, "new",
              f"n{k}") for k in range(60)]  # fmt: skip
    options = {"by": "rep_id", "n_draws": 20}
    made = deals_of(rows, DEALS)
    table = sd.pipeline.sales_velocity(made, **options).set_index("rep_id")
    assert table["horizon_days"].tolist() == [159, 159]
    assert table.loc["new", "n_deals"] == 60
    shown = ["win_rate", "win_rate_low", "velocity_amount", "win_rate_log_part"]
    assert table.loc["new", shown].isna().all()
    assert table.loc["old", "win_rate"] > 0
    assert np.isnan(table.loc["old", "velocity_log_ratio"])  # there is nothing to hold it against
    near = sd.pipeline.sales_velocity(made, horizon_days=40, **options).set_index("rep_id")
    assert near.loc["new", "win_rate"] == pytest.approx(7 / 60)


def test_the_end_of_the_window_is_as_of_at_the_latest():
    rows = [(f"D{k}", "won", k, k + 3, 10.0, "r1", f"a{k}") for k in range(-100, 50)]
    made = deals_of(rows, DEALS)
    options = {"against": "earlier", "start": "2025-01-01", "n_draws": 20}
    late, now = (sd.pipeline.sales_velocity(made, end=end, **options)
                 for end in ("2025-12-31", AS_OF))  # fmt: skip
    pd.testing.assert_frame_equal(late, now)
    assert now["n_reference_deals"].item() == 60


def test_overdue_and_undated_deals_are_not_pulled_in():
    rows = [("A", "won", -40, 40, 10, -16, "r1"), ("B", "open", -40, None, 20, 59, "r1"),
            ("C", "won", -40, 41, 30, None, "r1"), ("D", "won", -40, 42, 40, 90, "r1")]  # fmt: skip
    edits = [("B", "expected_close_on", 10, date_of(-12), date_of(59))]
    due = changes(0, 59, deals=rows, edits=edits, moves=None).loc["due in the period"]
    names = ["pulled_in", "slipped_in", "undated_in", "won", "closing"]
    assert [due[f"n_{name}"] for name in names] == [1, 2, 1, 3, 1]
    assert [due[f"{name}_amount"] for name in names] == [40, 30, 30, 80, 20]


def test_ends_are_those_of_the_whole_department_and_of_a_mere_order():
    deals = [("A", "lost", 9, "r1"), ("B", "open", None, "r2"), ("C", "lost", 5, "r2"),
             ("D", "won", 20, "r2")]  # fmt: skip
    moves = [("A", "lead", 0), ("A", "offer", 4), ("B", "lead", 0), ("B", "offer", 3),
             ("C", "lead", 0), ("C", "lost", 5), ("D", "lead", 0), ("D", "offer", 2),
             ("D", "won", 20)]  # fmt: skip
    stages = STAGES.drop(columns="status")
    made = department_of(deals, moves, stages=stages)
    shown = ["stage", "n_deals", "n_advanced", "n_lost"]
    part = sd.pipeline.time_in_stage(made.where(rep_id="r1"))[shown]
    assert part.to_numpy().tolist() == [["lead", 1, 1, 0], ["offer", 1, 0, 1]]
    frame = made.deals.execute().assign(stage=["lost", "offer", "lost", "won"])
    listed = sd.Department(deals=frame, stage_changes=moves_of(moves), as_of=AS_OF,
                           stage_order=["lead", "offer", "won", "lost"])  # fmt: skip
    assert sd.pipeline.time_in_stage(listed)[shown].to_numpy().tolist() == [
        ["lead", 4, 3, 1], ["offer", 3, 1, 1],
    ]  # fmt: skip
    assert set(sd.pipeline.stalled_deals(listed)["stage"]) == {"lead", "offer"}


def test_an_open_stage_behind_won_is_listed():
    stages = pd.DataFrame({"stage": ["lead", "won", "on hold"], "position": [1, 2, 3],
                           "status": ["open", "won", "open"]})  # fmt: skip
    made = department_of([("A", "open", None, "r1")], [("A", "lead", 0), ("A", "on hold", 9)],
                         stages=stages)  # fmt: skip
    table = sd.pipeline.time_in_stage(made)
    assert table[["stage", "n_open_now"]].to_numpy().tolist() == [["lead", 0], ["on hold", 1]]


def unmoved(**more):
    frame = pd.DataFrame({
        "deal_id": list("ABC"), "status": ["won", "open", "open"],
        "stage": ["won", "offer", "lead"],
        "created_at": days([5, 5, 0]), "closed_at": pd.to_datetime(days([30, None, None])),
        "amount": 1.0,
    })  # fmt: skip
    tables = {"stage_changes": moves_of([("C", "lead", 0)]), "stages": STAGES, "as_of": AS_OF}
    return sd.Department(deals=frame, **(tables | more))


def test_deals_without_moves_stood_where_they_stand_now_unless_it_is_an_end():
    early = sd.pipeline.pipeline_snapshot(unmoved(), at=day(10).date())
    assert early[["stage", "n_open"]].to_numpy().tolist() == [["lead", 2], ["offer", 1]]
    times = sd.pipeline.time_in_stage(unmoved()).set_index("stage")
    assert times["n_deals"].to_dict() == {"lead": 2, "offer": 1}
    stalled = sd.pipeline.stalled_deals(unmoved()).set_index("stage")
    assert stalled["n_open"].to_dict() == {"lead": 1, "offer": 1}
    # without any order the first stage is not known
    none = sd.pipeline.pipeline_snapshot(unmoved(stages=None), at=day(10).date())
    assert none["n_open"].sum() == 3
    assert "unassigned" in set(none["stage"])


def test_before_the_history_begins_the_stage_is_not_known():
    rows = [("A", "open", -366, None, 10, None, "r1")]
    table = snapshot(30, deals=rows, changes=None, moves=[("A", "offer", 40)])
    assert table["stage"].tolist() == ["unassigned"]
    assert table["median_stage_days"].isna().all()


def test_entering_a_stage_again_is_no_new_stay_in_the_snapshot():
    rows = [("A", "open", -100, None, 10, None, "r1")]
    moves = [("A", "lead", -100), ("A", "offer", -60), ("A", "offer", 58)]
    table = snapshot(59, deals=rows, changes=None, moves=moves)
    assert table[["stage", "median_stage_days"]].to_numpy().tolist() == [["offer", 119]]


def test_a_deal_lost_and_won_later_was_lost_between():
    rows = [("A", "won", 0, 40, 10, None, "r1"), ("B", "open", 0, None, 10, None, "r1")]
    moves = [("A", "lead", 0), ("A", "lost", 20), ("A", "won", 40), ("B", "lead", 0)]
    assert snapshot(30, deals=rows, changes=None, moves=moves)["n_open"].sum() == 1


def test_several_pipelines_are_refused_where_stages_are_learnt_from():
    stages = pd.DataFrame({"stage": ["a", "b"], "position": [1, 1], "pipeline": ["p", "q"],
                           "status": "open"})  # fmt: skip
    made = department_of([("A", "open", None, "r1")], [("A", "a", 0)], stages=stages)
    for analysis in (sd.pipeline.pipeline_snapshot, sd.pipeline.stalled_deals):
        with pytest.raises(sd.InputError, match=r"there are several pipelines \(p, q\)"):
            analysis(made)
    assert sd.pipeline.stalled_deals(made, clock="deal")["n_open"].tolist() == [1]


def test_values_with_many_decimals_and_commas_are_read_and_others_counted():
    for text, amount in (("1999.9999999999998", 2000), ("1,500.00", 1500), ("1,234,567", 1234567)):
        table = snapshot(17, changes=[("A", "amount", 20, text, "60")])
        assert table.loc[0, "open_amount"] == pytest.approx(amount)
        assert table["n_unread"].sum() == 0
    table = snapshot(17, changes=[("A", "amount", 20, "12,5", "60")])
    assert table["n_unread"].tolist() == [1, 0]
    assert not table["is_rebuilt"].any()  # due dates have no history here


def test_of_changes_at_one_moment_the_first_is_the_one_that_none_made():
    chain = [("A", "amount", 20, "900", "1000"), ("A", "amount", 20, "1000", "100")]
    for rows in (chain, chain[::-1], [*chain, chain[0]]):
        assert snapshot(17, changes=rows).loc[0, "open_amount"] == 900


def test_a_change_that_stands_twice_is_one_push():
    rows = [("A", "open", 0, None, 1, 50, "r1")]
    row = ("A", "expected_close_on", 10, date_of(25), date_of(50))
    assert pushes(rows, [row, row])["n_deals"].tolist() == [1, 1, 0, 0]


def test_unknown_deals_are_shown_where_none_is_open():
    rows = [("A", "won", 0, None, 10, None, "r1")]
    table = snapshot(10, deals=rows, changes=None, moves=None)
    assert table[["stage", "n_open", "n_unknown"]].to_numpy().tolist() == [["unassigned", 0, 1]]


def test_one_deal_without_a_date_does_not_take_the_chances_of_the_others():
    rows = [(f"W{k}", "won", k, k + 10, 10, None, "r1") for k in range(-100, 40)]
    rows += [(f"O{k}", "open", 55, None, 10, None, "r1") for k in range(4)]
    rows += [("N", "open", None, None, 10, None, "r2")]
    whole = snapshot(59, deals=rows, changes=None, moves=None)
    assert whole[["n_open", "n_without_chance"]].to_numpy().tolist() == [[5, 1]]
    assert (whole["win_rate"].item(), whole["expected_amount"].item()) == (1, 40)
    split = snapshot(59, deals=rows, changes=None, moves=None, by="rep_id")
    assert split["expected_amount"].sum() == 40


def test_stalled_and_coverage_use_the_amounts_of_the_day():
    rows = [(f"A{k}", "won", 0, 70, 80, 70, "r1") for k in range(3)]
    made = department(rows, [("A0", "amount", 65, "55", "80")])
    assert sd.pipeline.stalled_deals(made)["open_amount"].item() == 55 + 80 + 80


def test_coverage_counts_what_it_leaves_out():
    made, start = monthly(8, 2, 3)
    deals = made.deals.execute().astype({"amount": float})
    lost = pd.DataFrame(
        {
            "deal_id": ["X"],
            "status": ["open"],
            "created_at": [pd.NaT],
            "closed_at": [pd.NaT],
            "amount": [10.0],
            "expected_close_on": [pd.NaT],
        }
    )
    frame = pd.concat([deals, lost.astype(deals.dtypes)], ignore_index=True)
    more = sd.Department(deals=frame, targets=made.targets.execute(), as_of=made.as_of)
    found = sd.pipeline.coverage(more, on=(start + pd.Timedelta(days=9)).date()).iloc[0]
    assert (found["n_open"], found["n_undated"]) == (8, 1)


def test_wins_before_their_creation_count_as_of_day_0():
    rows = [(f"D{k}", "won", 10, 10 + (-3 if k < 10 else 5), 1.0, "r1", f"a{k}") for k in range(25)]
    assert winnable_days(deals_of(rows, DEALS)) == 5
    slow = [(f"S{k}", "won", 0, 30, 1.0, "r1", f"s{k}") for k in range(2)]
    assert winnable_days(deals_of(rows + slow, DEALS), won_share=0.3) == 0
