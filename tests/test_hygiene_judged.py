"""Who stands out: rows that come in runs, and groups that are all alike."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.hygiene.runs import effects_of_reps
from salesdiag.analyses.hygiene.shares import judged
from tests.frames import deals_of

MONDAY = pd.Timestamp("2025-01-06")


def cells_of(late, n_rows):
    """Make the sums over weeks of each rep from the late rows of (rep, week), each of n rows."""
    late = np.asarray(late, dtype="int64")
    whole = np.full_like(late, n_rows)
    return pd.DataFrame({
        "rep_id": [f"r{number}" for number in range(len(late))],
        "rep_id_of_row": [f"r{number}" for number in range(len(late))], "question": "late",
        "n_part": late.sum(1), "n_whole": whole.sum(1), "n_units": late.shape[1],
        "n_squares": (late**2).sum(1), "n_products": (late * whole).sum(1),
        "n_whole_squares": (whole**2).sum(1),
    })  # fmt: skip


def test_a_rep_without_a_case_learns_from_the_others_that_cases_come_in_runs():
    # 4 weeks of 5 rows each; of r0 one whole week is late: a week is worth one row, not five
    table = judged(cells_of([[5, 0, 0, 0], [0, 0, 0, 0]], 5), ["rep_id"], ["late"], confidence=0.95)
    square = 1.959964**2
    # Wilson's limit of none in 4 (weeks), not of none in 20 (rows): 0.49, not 0.16
    assert table["high"][1] == pytest.approx(square / (4 + square), abs=1e-5)
    # rows that do not come in runs stay rows: 2, 1, 1, 1 and 0 of 5
    table = judged(cells_of([[2, 1, 1, 1], [0, 0, 0, 0]], 5), ["rep_id"], ["late"], confidence=0.95)
    assert table["high"][1] == pytest.approx(square / (20 + square), abs=1e-5)


def test_teams_without_a_case_learn_it_too():
    rows = [("a", 10, 10), ("b", 0, 10), ("c", 0, 10), ("d", 0, 10)]
    cells = pd.DataFrame(rows, columns=["rep_id_of_row", "n_part", "n_whole"])
    cells = cells.assign(team=["North", "North", "South", "South"], question="filled")
    cells = cells.assign(question=0)
    teams = pd.DataFrame({"question": [0, 0], "team": ["North", "South"]})
    effect = effects_of_reps(teams, cells, np.array([0, 0, 1, 1]))
    # in the north a rep has all or none of ten rows, so a rep is worth one row: ten times less;
    # its own two reps show even twice that
    assert effect.tolist() == pytest.approx([20, 10])


@pytest.mark.parametrize("chance", [0.03, 0.10])
def test_equal_reps_with_late_weeks_are_rarely_accused_or_praised(chance):
    rng = np.random.default_rng(11)
    above = below = 0
    n_worlds = 80
    for _world in range(n_worlds):
        late = 10 * (rng.random((8, 26)) < chance)
        if not late.any():
            continue
        reading = judged(cells_of(late, 10), ["rep_id"], ["late"], confidence=0.95)["reading"]
        above += (reading == "above").any()
        below += (reading == "below").any()
    # at 5 % more than 9 of 80 come up once in 100 times
    assert above <= 9
    assert below <= 9


def test_a_rep_that_is_late_far_oftener_is_still_found():
    rng = np.random.default_rng(12)
    chance = np.array([0.6] + [0.05] * 7)
    n_found = 0
    for _world in range(20):
        late = 10 * (rng.random((8, 26)) < chance[:, None])
        table = judged(cells_of(late, 10), ["rep_id"], ["late"], confidence=0.95)
        n_found += table["reading"][0] == "above"
    assert n_found >= 18


@pytest.mark.parametrize("status", ["won", "lost"])
def test_where_all_or_none_break_a_rule_nobody_differs(status):
    rows = [(f"{rep}{n}", status, rep, None) for rep in ("r1", "r2") for n in range(6)]
    rows += [("x", status, "r3", None), ("y", status, None, None)]
    department = deals_of(rows, ["deal_id", "status", "rep_id", "amount"])
    table = sd.hygiene.contradictions(department, by="rep_id").set_index(["rule", "rep_id"])
    name = "won_without_amount"
    if status == "won":  # all of them
        assert table.loc[(name, "r1"), "contradiction_share"] == 1
        assert table.loc[(name, "r1"), ["reading", "q_value"]].tolist() == ["as_others", 1.0]
        assert table.loc[(name, "r3"), "reading"] == "not_enough_data"
        assert table.loc[(name, "unassigned"), "reading"] == "no_comparison"
    else:
        dated = [(*row, 3) for row in rows]
        department = deals_of(dated, ["deal_id", "status", "rep_id", "amount", "closed_at"])
        table = sd.hygiene.contradictions(department, by="rep_id").set_index(["rule", "rep_id"])
        none = table.loc[("closed_without_date", "r1")]
        assert (none.contradiction_share, none.reading, none.q_value) == (0, "as_others", 1.0)
    alone = sd.hygiene.contradictions(deals_of(rows[:6], ["deal_id", "status", "rep_id",
                                                          "amount"]), by="rep_id")  # fmt: skip
    assert "as_others" not in set(alone["reading"])  # there are no others
