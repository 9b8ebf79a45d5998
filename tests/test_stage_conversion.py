"""Stage conversion: counted by hand, by brute force, and on the sample department."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import salesdiag as sd
from salesdiag.analyses.funnel import stage_conversion
from salesdiag.stats.rates import wilson_interval
from salesdiag.stats.survival import cumulative_incidence
from tests.frames import STAGES, day, department_of, sample_department, sample_frames

COUNTS = ["n_from", "n_to", "n_lost", "n_open"]


def counts(table):
    return table[COUNTS].to_numpy().tolist()


def test_skipped_and_repeated_stages_counted_by_hand():
    department = department_of(
        [("A", "won", 9, "r1"), ("B", "lost", 9, "r1"), ("C", "lost", 9, "r2"),
         ("D", "lost", 9, "r2")],
        [
            ("A", "lead", 0), ("A", "offer", 1), ("A", "won", 9),  # went all the way
            ("B", "lead", 0), ("B", "offer", 2), ("B", "offer", 5),  # second visit: not counted
            ("C", "lead", 0),  # never got an offer
            ("D", "offer", 0),  # skipped "lead", still passed it
        ],
    )  # fmt: skip
    table = stage_conversion(department)
    assert counts(table) == [[4, 3, 1, 0], [3, 1, 2, 0]]
    assert table["conversion_rate"].tolist() == pytest.approx([3 / 4, 1 / 3])
    assert table["n_skipped"].tolist() == [1, 0]
    assert table["skip_rate"].tolist() == pytest.approx([1 / 4, 0])
    low, high = wilson_interval([3, 1], [4, 3])  # nobody is open
    np.testing.assert_allclose(table["conversion_rate_low"], low)
    np.testing.assert_allclose(table["conversion_rate_high"], high)


def test_open_deals_are_neither_lost_nor_dropped():
    department = department_of(
        [("A", "won", 20, "r1"), ("B", "lost", 20, "r1"), ("C", "open", None, "r1"),
         ("D", "open", None, "r1")],
        [("A", "lead", 0), ("A", "offer", 10), ("B", "lead", 0), ("C", "lead", 55),
         ("D", "lead", 30)],
    )  # the data end on day 59  # fmt: skip
    lead = stage_conversion(department).iloc[0]
    assert (lead.n_from, lead.n_to, lead.n_lost, lead.n_open) == (4, 1, 1, 2)
    # A went on after 10 days. C was watched for 4 days only and says nothing; D was watched
    # for 29 and had not gone on by day 10: one of A, B, D. (1/4 would call C and D lost,
    # 1/2 would forget them.)
    assert lead.conversion_rate == pytest.approx(1 / 3)


def test_a_won_deal_has_passed_every_stage_whatever_was_entered():
    department = department_of(
        [("A", "won", 9, "r1"), ("B", "won", 9, "r1")],
        [
            ("A", "won", 9),  # straight to won
            ("B", "lead", 2),  # won from "lead", and nobody entered more
        ],
    )
    table = stage_conversion(department)
    assert counts(table) == [[2, 2, 0, 0], [2, 2, 0, 0]]
    assert table["n_skipped"].tolist() == [1, 2]  # A both, B "offer"


def test_coming_back_is_counted_apart_from_going_on():
    department = department_of(
        [("A", "lost", 30, "r1"), ("B", "open", None, "r1"), ("C", "open", None, "r1")],
        [
            ("A", "lead", 0), ("A", "offer", 3), ("A", "lead", 10),  # back from "offer"
            ("B", "lead", 0), ("B", "lead", 4),  # entered twice, never left
            ("C", "lead", 0), ("C", "offer", 5),
        ],
    )  # fmt: skip
    table = stage_conversion(department)
    assert counts(table) == [[3, 2, 0, 1], [2, 0, 1, 1]]
    assert table["n_returned"].tolist() == [1, 0]
    assert table["rework_rate"].tolist()[0] == pytest.approx(1 / 2)
    assert np.isnan(table["rework_rate"][1])  # nobody went on from "offer"


def test_equal_times_keep_the_order_of_the_stages():
    department = department_of(
        [("A", "won", 3, "r1"), ("B", "lost", 3, "r1")],
        [("A", "offer", 3), ("A", "lead", 3), ("A", "won", 3), ("B", "offer", 3), ("B", "lead", 3)],
    )
    table = stage_conversion(department)
    assert counts(table) == [[2, 2, 0, 0], [2, 1, 1, 0]]
    assert table["n_returned"].tolist() == [0, 0]


def test_a_deal_lost_on_an_unknown_day_is_lost_at_its_last_move():
    department = department_of(
        [("A", "lost", None, "r1"), ("B", "open", None, "r1"), ("C", "open", None, "r1")],
        [("A", "lead", 0), ("A", "lost", 40), ("B", "lead", 49), ("C", "lead", 0),
         ("C", "offer", 45)],
    )  # fmt: skip
    lead = stage_conversion(department).iloc[0]
    assert (lead.n_from, lead.n_to, lead.n_lost, lead.n_open) == (3, 1, 1, 1)
    # B was watched for 10 days only. Then A and C are left: A lost on day 40, C went on on
    # day 45: 1/2. (Lost on day 0 instead, with three at risk, it would be 2/3.)
    assert lead.conversion_rate == pytest.approx(1 / 2)


def test_a_wait_that_dates_make_negative_counts_as_no_wait():
    # A is "closed" a year before it entered the stage: lost at once, so B (open, watched for
    # 10 days) was still at risk: half of them is lost
    department = department_of(
        [("A", "lost", -365, "r1"), ("B", "open", None, "r1"), ("C", "won", 40, "r1")],
        [("A", "lead", 0), ("B", "lead", 49), ("C", "lead", 0), ("C", "offer", 20)],
    )
    lead = stage_conversion(department).iloc[0]
    assert counts(stage_conversion(department))[0] == [3, 1, 1, 1]
    # day 0: 1 of 3 lost; day 10: B leaves; day 20: C, the last, goes on: 2/3
    assert lead.conversion_rate == pytest.approx(2 / 3)


def test_what_happens_after_the_end_of_the_data_has_not_happened():
    moves = [("A", "lead", 0), ("A", "offer", 59.9), ("B", "lead", 0), ("B", "offer", 60)]
    deals = [("A", "open", None, "r1"), ("B", "open", None, "r1")]
    assert counts(stage_conversion(department_of(deals, moves))) == [[2, 1, 0, 1], [1, 0, 0, 1]]


def test_deals_never_moved_stand_in_the_first_stage_since_their_creation():
    # the system writes down changes only: B was lost, and C won, before the first one
    department = department_of(
        [("A", "open", None, "r1"), ("B", "lost", 5, "r1"), ("C", "won", 7, "r1"),
         ("D", "won", 9, "r1")],
        [("A", "offer", 0), ("D", "offer", 2), ("D", "won", 9)],
    )  # fmt: skip
    table = stage_conversion(department)
    assert counts(table) == [[4, 3, 1, 0], [3, 2, 0, 1]]
    assert table["n_without_history"].tolist() == [2, 0]


def test_deals_older_than_the_history_may_have_lost_theirs_and_are_left_out():
    department = department_of(
        [("A", "open", None, "r1"), ("B", "lost", 5, "r1")], [("A", "lead", 1)]
    )  # both were created on day 0, the history begins on day 1
    table = stage_conversion(department)
    assert counts(table) == [[1, 0, 0, 1], [0, 0, 0, 0]]
    assert table["n_without_history"].tolist() == [0, 0]


def test_what_was_won_once_and_then_lost_has_not_taken_the_last_step():
    department = department_of(
        [("A", "lost", 20, "r1"), ("B", "won", 9, "r1")],
        [("A", "lead", 0), ("A", "offer", 3), ("A", "won", 9), ("B", "lead", 0), ("B", "won", 9)],
    )
    assert counts(stage_conversion(department)) == [[2, 2, 0, 0], [2, 1, 1, 0]]


def test_a_closing_day_without_a_clock_makes_no_rework():
    # closed_at is the midnight of day 5, the offer was entered at ten that morning
    moves = pd.DataFrame({
        "deal_id": ["A", "A"], "stage": ["lead", "offer"],
        "entered_at": pd.to_datetime(["2025-01-01 00:00", "2025-01-06 10:00"]),
    })  # fmt: skip
    deals = pd.DataFrame({
        "deal_id": ["A"], "status": ["won"], "created_at": pd.to_datetime(["2025-01-01"]),
        "closed_at": pd.to_datetime(["2025-01-06"]),
    })  # fmt: skip
    department = sd.Department(deals=deals, stage_changes=moves, stages=STAGES, as_of="2025-03-01")
    assert stage_conversion(department)["n_returned"].tolist() == [0, 0]


def test_a_list_of_stages_that_does_not_say_which_are_lost_learns_it_from_the_deals():
    deals = [(f"W{n}", "won", 9, "r1") for n in range(2)]
    deals += [(f"L{n}", "lost", 9, "r1") for n in range(8)]
    moves = [(name, "lead", 0) for name, *_rest in deals]
    moves += [(name, status, 9) for name, status, *_rest in deals]
    department = department_of(deals, moves, stages=STAGES.drop(columns="status"))
    # two of ten go on; with "lost" as the top rung it would be all
    assert counts(stage_conversion(department)) == [[10, 2, 8, 0], [2, 2, 0, 0]]


def test_groups_watched_for_different_times_compare_at_a_common_horizon():
    # the same process in both: half go on, on day 40. The young were watched for 30 days.
    old = [(f"O{n}", "open", None, "old") for n in range(40)]
    moves = [(f"O{n}", "lead", 0) for n in range(40)] + [(f"O{n}", "offer", 40) for n in range(20)]
    young = [(f"Y{n}", "open", None, "young") for n in range(40)]
    moves += [(f"Y{n}", "lead", 29) for n in range(40)]
    department = department_of(old + young, moves)
    table = stage_conversion(department, by="rep_id", horizon_days=45)
    lead = table[table["from_stage"] == "lead"].set_index("rep_id")
    assert lead["conversion_rate"]["old"] == pytest.approx(0.5)
    assert np.isnan(lead["conversion_rate"]["young"])  # nobody was watched that long
    assert lead["horizon_days"].tolist() == [45, 45]
    assert lead["n_from"].tolist() == [40, 40]


def test_a_horizon_below_a_day_is_refused():
    department = department_of([("A", "open", None, "r1")], [("A", "lead", 0)])
    with pytest.raises(sd.InputError, match="horizon_days must be"):
        stage_conversion(department, horizon_days=0)


def test_the_future_beyond_as_of_has_not_happened():
    # three deals in "lead" on 1 January; as of 1 March one has moved, two close in June
    department = sd.Department(
        deals=pd.DataFrame({
            "deal_id": ["A", "B", "C"], "status": ["open", "won", "lost"],
            "created_at": pd.to_datetime(["2025-01-01"] * 3),
            "closed_at": pd.to_datetime([None, "2025-06-01", "2025-06-02"]),
        }),
        stage_changes=pd.DataFrame({
            "deal_id": ["A", "A", "B", "B", "C"], "stage": ["lead", "offer", "lead", "won", "lead"],
            "entered_at": pd.to_datetime(["2025-01-01", "2025-02-01", "2025-01-01", "2025-06-01",
                                          "2025-01-01"]),
        }),
        stages=STAGES, as_of="2025-03-01",
    )  # fmt: skip
    assert counts(stage_conversion(department)) == [[3, 1, 0, 2], [1, 0, 0, 1]]
    created = sd.funnel.win_rate(department, population="created").iloc[0]
    assert (created.n_won, created.n_lost, created.n_open) == (0, 0, 3)


def test_a_lost_stage_is_no_step_even_in_the_middle_of_the_list():
    stages = STAGES.assign(position=[1, 3, 4, 2])
    department = department_of(
        [("A", "lost", 9, "r1"), ("B", "won", 9, "r1")],
        [("A", "lead", 0), ("A", "lost", 9), ("B", "lead", 0), ("B", "offer", 4), ("B", "won", 9)],
        stages=stages,
    )
    table = stage_conversion(department)
    assert table[["from_stage", "to_stage"]].to_numpy().tolist() == [
        ["lead", "offer"], ["offer", "won"],
    ]  # fmt: skip
    assert counts(table) == [[2, 1, 1, 0], [1, 1, 0, 0]]


def test_an_order_of_names_serves_without_a_table_of_stages():
    moves = [("A", "lead", 0), ("A", "offer", 3), ("B", "lead", 0), ("B", "closed lost", 9)]
    deals = [("A", "won", 9, "r1"), ("B", "lost", 9, "r1")]
    department = department_of(deals, moves, stages=None, stage_order=["lead", "offer"])
    with pytest.raises(sd.InputError, match=r"does not list: 'closed lost' \(1 times\)"):
        stage_conversion(department)
    # a stage in which lost deals stand is an end
    frame = department.deals.execute().assign(stage=["won", "closed lost"])
    history = department.stage_changes.execute()
    known = sd.Department(deals=frame, stage_changes=history, stage_order=["lead", "offer"],
                          as_of="2025-03-01")  # fmt: skip
    assert counts(stage_conversion(known)) == [[2, 1, 1, 0], [1, 1, 0, 0]]


def test_a_stage_that_the_order_does_not_list_stops_it_with_the_nearest():
    department = department_of(
        [("A", "open", None, "r1")], [("A", "lead", 0), ("A", "ofer", 1), ("A", "ofer", 2)]
    )
    with pytest.raises(sd.InputError, match=r"'ofer' \(2 times\).*Did you mean 'offer'"):
        stage_conversion(department)


def test_without_a_history_it_points_to_what_can_be_said():
    department = sd.Department(
        deals=pd.DataFrame({"deal_id": ["A"], "status": ["open"], "stage": ["lead"]}),
        stages=STAGES,
        as_of="2025-03-01",
    )
    with pytest.raises(sd.MissingDataError, match=r"funnel\.current_stages") as raised:
        stage_conversion(department)
    assert raised.value.missing == ("stage_changes",)
    assert "stage history" in raised.value.ask_for


def test_groups_and_windows_counted_by_hand():
    reps = pd.DataFrame({"rep_id": ["r1", "r2"], "team": ["North", "South"]})
    department = department_of(
        [("A", "won", 9, "r1"), ("B", "lost", 9, "r2"), ("C", "open", None, None)],
        [("A", "lead", 0), ("B", "lead", 0), ("B", "offer", 1), ("C", "lead", 50)],
        reps=reps,
    )
    table = stage_conversion(department, by="team")
    assert table["team"].tolist() == ["North"] * 2 + ["South"] * 2 + ["unassigned"] * 2
    assert counts(table) == [
        [1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1], [0, 0, 0, 0],
    ]  # fmt: skip
    assert counts(stage_conversion(department, start="2025-01-01", end="2025-01-01"))[0][0] == 3
    assert counts(stage_conversion(department, start="2025-01-02")) == [[0] * 4] * 2


LIVES = st.lists(
    st.tuples(
        st.sampled_from(["open", "lost", "won"]),
        st.sampled_from([None, 3, 20, 44]),  # closed
        st.lists(st.tuples(st.sampled_from(["lead", "offer", "won", "lost"]), st.integers(0, 58)),
                 max_size=5),
        st.sampled_from("xy"),
    ),
    min_size=1,
    max_size=8,
)  # fmt: skip


def by_brute_force(lives, until=59):
    """Walk through each deal; give, per step, what ended each wait and after how many days."""
    rank = {"lead": 0, "offer": 1, "won": 2}
    waits = {0: [], 1: []}
    begins = min(when for life in lives for _stage, when in life[2])
    for status, closed, moves, _rep in lives:
        if not any(stage in rank for stage, _when in moves):
            if begins > 0:  # created before the history begins
                continue
            moves = [*moves, ("lead", 0)]
            closed = closed if closed is not None else max(when for _stage, when in moves)
        ended = closed if closed is not None else max(when for _stage, when in moves)
        for step in (0, 1):
            here = [when for stage, when in moves if rank.get(stage, -1) >= step]
            further = [when for stage, when in moves if rank.get(stage, -1) >= step + 1]
            further = further if step == 0 or status == "won" else []
            on = min(further) if further else (ended if status == "won" else None)
            came = min(here) if here else on
            if came is None:
                continue
            if on is not None:
                waits[step].append(("to", max(on - came, 0)))
            elif status == "lost":
                waits[step].append(("lost", max(ended - came, 0)))
            else:
                waits[step].append(("open", until - came))
    return waits


@given(LIVES)
def test_counts_and_rates_equal_a_walk_through_each_deal(lives):
    deals = [(str(n), status, closed, rep) for n, (status, closed, _m, rep) in enumerate(lives)]
    moves = [(str(n), *move) for n, life in enumerate(lives) for move in life[2]]
    if not moves:
        return
    table = stage_conversion(department_of(deals, moves))
    for step, waits in by_brute_force(lives).items():
        row = table.iloc[step]
        ends = [end for end, _days in waits]
        assert [row.n_to, row.n_lost, row.n_open] == [
            ends.count("to"), ends.count("lost"), ends.count("open"),
        ]  # fmt: skip
        times = sorted({days for _end, days in waits})
        parts = [[waits.count((end, one)) for one in times] for end in ("to", "lost", "open")]
        estimate = cumulative_incidence(times, *parts)
        expected = [*estimate.rate, *estimate.low, *estimate.high] or [np.nan] * 3
        found = row[["conversion_rate", "conversion_rate_low", "conversion_rate_high"]]
        np.testing.assert_allclose(found.astype(float), expected, atol=1e-12)


@given(LIVES)
def test_every_deal_is_somewhere_and_groups_add_up(lives):
    deals = [(str(n), status, closed, rep) for n, (status, closed, _m, rep) in enumerate(lives)]
    moves = [(str(n), *move) for n, life in enumerate(lives) for move in life[2]]
    department = department_of(deals, moves or [("none", "lead", 0)])
    whole, parts = stage_conversion(department), stage_conversion(department, by="rep_id")
    assert (whole.n_from == whole.n_to + whole.n_lost + whole.n_open + whole.n_passed_by).all()
    assert (whole.n_skipped <= whole.n_from).all()
    assert (whole.n_returned <= whole.n_to).all()
    if len(parts):
        sums = parts.groupby("from_stage")[[*COUNTS, "n_skipped", "n_returned"]].sum()
        expected = whole.set_index("from_stage")[[*COUNTS, "n_skipped", "n_returned"]]
        assert_frame_equal(sums, expected, check_like=True)
    known = whole.dropna(subset="conversion_rate")
    assert (known.conversion_rate_low <= known.conversion_rate + 1e-12).all()
    assert known.conversion_rate_high.between(known.conversion_rate - 1e-12, 1).all()


def test_a_split_says_the_same_as_narrowing_first():
    # deals change hands in the sample: the history goes with the deal
    department = sample_department()
    table = stage_conversion(department, by="team")
    for team, rows in table.groupby("team"):
        if team != "unassigned":
            alone = stage_conversion(department.where(team=team))
            assert_frame_equal(rows.drop(columns="team").reset_index(drop=True), alone)


def test_the_planted_leak_of_the_sample_shows_at_norths_proposal_only():
    # planted: from 2025 on North keeps 60 % of its moves forward out of Proposal
    table = stage_conversion(sample_department(), by="team", start="2025-01-01")
    proposal = table[table["from_stage"] == "Proposal"].set_index("team")["conversion_rate"]
    others = proposal.drop(["North", "unassigned"], errors="ignore")
    assert proposal["North"] / others.mean() == pytest.approx(0.6, abs=0.12)
    assert others.max() - others.min() < 0.12
    first = table[table["from_stage"] == "Qualified"].set_index("team")["conversion_rate"]
    assert first["North"] == pytest.approx(first.drop(["North", "unassigned"]).mean(), abs=0.1)


def test_the_first_stage_of_the_sample_by_a_count_in_pandas():
    frames = sample_frames()
    moves = frames["stage_changes"]
    moves = moves[moves["entered_at"] < "2026-01-01"]
    order = ["Qualified", "Demo", "Proposal", "Negotiation", "Won"]
    reached = moves[moves["stage"].isin(order)].assign(
        step=lambda frame: frame["stage"].map(order.index)
    )
    furthest = reached.groupby("deal_id")["step"].max()
    deals = frames["deals"].set_index("deal_id").loc[furthest.index]
    furthest = furthest.mask(deals["status"] == "won", 4)
    table = stage_conversion(sample_department())
    assert table["from_stage"].tolist() == order[:4]
    for step in range(4):
        here = furthest[furthest >= step]
        stuck = deals.loc[here.index[here == step], "status"]
        expected = [
            len(here),
            (here > step).sum(),
            (stuck == "lost").sum(),
            (stuck == "open").sum(),
        ]
        assert table.loc[step, COUNTS].tolist() == expected


def test_a_department_before_its_first_day_of_data():
    department = department_of([("A", "won", 9, "r1")], [("A", "lead", 3)], as_of="2024-12-31")
    assert counts(stage_conversion(department)) == [[0] * 4] * 2
    assert day(0) == pd.Timestamp("2025-01-01")


def test_three_ways_of_counting_by_hand():
    stages = pd.DataFrame({
        "stage": ["lead", "demo", "offer", "won"], "position": [1, 2, 3, 4],
        "status": ["open", "open", "open", "won"],
    })  # fmt: skip
    deals = [("A", "won", 40, "r"), ("B", "won", 40, "r"), ("C", "open", None, "r"),
             ("D", "lost", 30, "r")]  # fmt: skip
    moves = [
        ("A", "lead", 0), ("A", "demo", 10), ("A", "offer", 20), ("A", "won", 40),  # as prescribed
        ("B", "lead", 0), ("B", "offer", 15), ("B", "won", 40),  # without a demo
        ("C", "offer", 5), ("C", "demo", 12), ("C", "lead", 20),  # backwards
        ("D", "lead", 0),
    ]  # fmt: skip
    department = department_of(deals, moves, stages=stages)
    names = ["n_from", "n_to", "n_lost", "n_open", "n_passed_by"]
    found = {mode: stage_conversion(department, mode=mode)[names].to_numpy().tolist()
             for mode in ("reached", "visited", "any_order")}  # fmt: skip
    assert found["reached"] == [[4, 3, 1, 0, 0], [3, 3, 0, 0, 0], [3, 2, 0, 1, 0]]
    # lead: A went on to a demo; B and C passed it by (C had entered the offer before); D lost.
    # demo: A went on; C had been in the offer before, it is still open. offer: A and B won
    assert found["visited"] == [[4, 1, 1, 0, 2], [2, 1, 0, 1, 0], [3, 2, 0, 1, 0]]
    # in any order C has entered demo and offer, too
    assert found["any_order"] == [[4, 2, 1, 0, 1], [2, 2, 0, 0, 0], [3, 2, 0, 1, 0]]


def test_an_unknown_way_of_counting_is_refused():
    with pytest.raises(sd.InputError, match="mode must be one of reached, visited, any_order"):
        stage_conversion(sample_department(), mode="strict")


def test_a_deal_that_goes_back_and_comes_again_has_visited_the_stage():
    department = department_of(
        [("A", "open", None, "r")], [("A", "offer", 0), ("A", "lead", 2), ("A", "offer", 4)]
    )
    row = stage_conversion(department, mode="visited").iloc[0]
    assert (row.n_from, row.n_to, row.n_open) == (1, 1, 0)
