"""Metrics with and without doubtful rows: by hand, by pandas on the rows left, planted faults."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from tests.frames import STAGES, deals_of, moves_of, sample_department, sample_frames
from tests.test_hygiene_suspects import habits

COLUMNS = ["deal_id", "status", "created_at", "closed_at", "rep_id", "amount", "list_amount"]
DEALS = [
    ("A", "won", 0, 10, "r1", 100.0, 125.0),
    ("B", "won", 20, 20, "r1", 300.0, 300.0),  # created and won on one day
    ("C", "won", 0, 14, "r2", 80.0, 100.0),
    ("D", "lost", 5, 8, "r1", None, None),
    ("E", "lost", 9, 8, "r2", None, None),  # closed before it was created
    ("F", "lost", 1, 9, "r2", None, None),
    ("G", "open", 1, None, "r2", 50.0, 50.0),
]


def by_metric(table):
    return table.set_index("metric")


def test_deals_counted_by_hand():
    table = by_metric(sd.hygiene.cleaned_metrics(deals_of(DEALS, COLUMNS)))
    rate = table.loc["win_rate"]
    assert (rate.n_rows, rate.n_rows_left_out, rate.n_suspect, rate.n_contradictory) == (6, 2, 1, 1)
    assert (rate.value_with, rate.value_without) == (3 / 6, 2 / 4)
    size = table.loc["won_amount"]
    assert (size.n_rows, size.n_rows_left_out) == (3, 1)
    assert (size.value_with, size.value_without) == (160, 90)
    assert size.money_amount == pytest.approx((160 - 90) * 3)
    assert table.loc["price_realisation", "value_with"] == pytest.approx(480 / 525)
    assert table.loc["price_realisation", "value_without"] == pytest.approx(180 / 225)
    assert table.loc["cycle_days", ["value_with", "value_without"]].tolist() == [8, 12]
    days = table.loc["revenue_per_day"]
    assert days.value_with / days.value_without == pytest.approx(480 / 180)
    assert days.money_amount == pytest.approx(300)  # what was left out
    for absent in ("activities_per_day", "answered_leads", "lead_conversion"):
        assert (table.loc[absent, "n_rows"], table.loc[absent, "matters"]) == (0, "not_examined")


def test_by_rep_only_its_own_rows_are_left_out():
    table = sd.hygiene.cleaned_metrics(deals_of(DEALS, COLUMNS), by="rep_id")
    rates = table[table["metric"] == "win_rate"].set_index("rep_id")
    assert rates["n_rows_left_out"].to_dict() == {"r1": 1, "r2": 1}
    assert rates["value_without"].to_dict() == {"r1": 1 / 2, "r2": 1 / 2}


def test_all_left_out_and_nothing_left_out_are_told():
    rows = [("A", "won", 3, 3, "r1", 10.0, 10.0), ("B", "won", 4, 4, "r2", 10.0, 10.0)]
    table = by_metric(sd.hygiene.cleaned_metrics(deals_of(rows, COLUMNS)))
    assert table.loc["win_rate", "matters"] == "all_left_out"
    assert np.isnan(table.loc["win_rate", "value_without"])
    table = by_metric(sd.hygiene.cleaned_metrics(deals_of(DEALS[2:4], COLUMNS)))
    assert table.loc["win_rate", ["difference", "difference_low", "difference_high"]].tolist() == [
        0, 0, 0,
    ]  # fmt: skip
    assert table.loc["win_rate", "matters"] == "no"


def test_the_window_is_on_the_day_of_closing():
    table = by_metric(
        sd.hygiene.cleaned_metrics(deals_of(DEALS, COLUMNS), start="2025-01-11", end="2025-01-15")
    )
    assert table.loc["win_rate", ["n_rows", "n_rows_left_out"]].tolist() == [2, 0]  # A and C


def test_leads_and_activities_counted_by_hand():
    leads = pd.DataFrame({
        "lead_id": list("12345"), "created_at": pd.Timestamp("2025-01-10 12:00"), "rep_id": "r1",
        "first_response_at": pd.to_datetime(
            ["2025-01-10 11:00", "2025-01-10 13:00", None, None, "2025-01-11 09:00"]
        ),
        "status": ["new", "converted", "converted", "new", "new"],
        "deal_id": [None, "A", None, None, None],
    })  # fmt: skip
    activities = pd.DataFrame({
        "activity_id": list("12345678"), "activity_type": "call", "rep_id": "r1",
        "deal_id": ["A", "A", "C", *[None] * 5],
        "occurred_at": pd.to_datetime(
            ["2025-01-08 09:00:00", "2025-01-20 09:00:00", "2025-01-10 09:00:00"]
            + [f"2025-01-09 09:00:0{second}" for second in range(5)]
        ),
    })  # fmt: skip
    table = by_metric(
        sd.hygiene.cleaned_metrics(deals_of(DEALS, COLUMNS, leads=leads, activities=activities))
    )
    # lead 1 was answered before it came, lead 3 converted into nothing
    answered = table.loc["answered_leads"]
    assert (answered.n_rows, answered.n_rows_left_out) == (5, 2)
    assert (answered.value_with, answered.value_without) == (3 / 5, 2 / 3)
    turned = table.loc["lead_conversion"]
    assert (turned.value_with, turned.value_without) == (1 / 5, 1 / 3)
    # five within a minute, one after the closing of A
    done = table.loc["activities_per_day"]
    assert (done.n_rows, done.n_suspect, done.n_contradictory) == (8, 5, 1)
    assert done.value_with / done.value_without == pytest.approx(8 / 2)


def test_what_is_left_equals_pandas_on_the_rows_left():
    frames = sample_frames()
    deals, moved = frames["deals"], frames["activities"]
    closed = deals[deals["status"] != "open"]
    wrong = closed["closed_at"].dt.normalize() < closed["created_at"].dt.normalize()
    kept = closed[~wrong]
    table = sd.hygiene.cleaned_metrics(sample_department(), by="source")
    rates = table[table["metric"] == "win_rate"].set_index("source")
    expected = kept["status"].eq("won").groupby(kept["source"]).mean()
    pd.testing.assert_series_equal(
        rates["value_without"], expected, check_names=False, check_index_type=False
    )
    left_out = wrong.groupby(closed["source"]).sum()
    assert rates["n_rows_left_out"].to_dict() == left_out.to_dict()
    of_all = by_metric(sd.hygiene.cleaned_metrics(sample_department()))
    moved = moved[moved["occurred_at"] < "2026-01-01"]
    ends = moved["deal_id"].map(closed.set_index("deal_id")["closed_at"])
    late = moved["occurred_at"].dt.normalize() > ends.dt.normalize()
    assert of_all.loc["activities_per_day", "n_rows_left_out"] == late.sum()
    assert (of_all["matters"] == "no").all()


def test_a_planted_burst_is_told_to_matter_and_its_size_is_right():
    table = sd.hygiene.cleaned_metrics(habits(7, planted="burst"), by="rep_id", tolerance=0.2)
    done = table[table["metric"] == "activities_per_day"].set_index("rep_id")
    assert done.loc["r00", "matters"] == "yes"
    # every other week was written down at once, of which some was late in any case
    assert 0.35 < done.loc["r00", "n_rows_left_out"] / done.loc["r00", "n_rows"] < 0.6
    assert done.loc["r00", "difference_low"] > 0
    assert (done.drop(index="r00")["matters"] == "no").all()  # one in twenty-five is late


def test_the_interval_of_the_difference_covers():
    """Wins of one day are planted for a tenth of the deals: the difference is known."""
    rng = np.random.default_rng(2)
    truth = 0.4 - 0.3 / 0.9
    covered, n_worlds = 0, 20
    for _world in range(n_worlds):
        n = 40 * 15
        one_day, won = rng.random(n) < 0.1, rng.random(n) < 1 / 3
        won = won | one_day
        start = rng.integers(0, 30, n)
        frame = pd.DataFrame({
            "deal_id": [str(number) for number in range(n)],
            "status": np.where(won, "won", "lost"), "rep_id": [f"r{i % 15}" for i in range(n)],
            "created_at": start, "closed_at": start + np.where(one_day, 0, 10),
        })  # fmt: skip
        table = by_metric(sd.hygiene.cleaned_metrics(deals_of(frame, list(frame.columns))))
        rate = table.loc["win_rate"]
        covered += rate.difference_low <= truth <= rate.difference_high
    assert covered >= 16  # of 20 at 95 %: fewer come up once in 300 times


def test_stages_that_disagree_are_left_out():
    rows = [(*row, stage) for row, stage in
            zip(DEALS[:4], ["won", "won", "lost", "lost"], strict=True)]  # fmt: skip
    table = by_metric(
        sd.hygiene.cleaned_metrics(deals_of(rows, [*COLUMNS, "stage"], stages=STAGES))
    )
    assert table.loc["win_rate", ["n_rows_left_out", "n_contradictory"]].tolist() == [2, 1]


@pytest.mark.parametrize("option", [{"tolerance": 0}, {"late_days": 1.5}])
def test_a_wrong_option_is_named(option):
    with pytest.raises(sd.InputError, match=next(iter(option))):
        sd.hygiene.cleaned_metrics(sample_department(), **option)


def test_steps_of_the_funnel_counted_by_hand():
    rows = [
        ("A", "won", 0, 10, "r1", 10.0, 10.0),
        ("B", "lost", 0, 12, "r1", 10.0, 10.0),  # lost in "offer"
        ("C", "lost", 0, 12, "r1", 10.0, 10.0),  # "offer" was entered after the closing
        ("D", "lost", 0, 12, "r1", 10.0, 10.0),  # lost in "lead"
        ("E", "open", 0, None, "r1", 10.0, 10.0),  # still in "lead": not decided there
        ("F", "lost", 9, 3, "r1", 10.0, 10.0),  # closed before it was created
        ("G", "won", 5, 9, "r1", 10.0, 10.0),  # never moved: in "lead" since its creation
        ("H", "lost", -5, 9, "r1", 10.0, 10.0),  # created before the history begins: unknown
    ]
    moves = moves_of([
        ("A", "lead", 0), ("A", "offer", 4), ("B", "lead", 0), ("B", "offer", 3),
        ("C", "lead", 0), ("C", "offer", 20), ("D", "lead", 0), ("E", "lead", 0), ("F", "lead", 9),
    ])  # fmt: skip
    department = deals_of(rows, COLUMNS, stages=STAGES, stage_changes=moves)
    table = sd.hygiene.cleaned_metrics(department)
    steps = table[table["metric"] == "stage_conversion"].set_index("from_stage")
    assert steps.index.tolist() == ["lead", "offer"]
    lead, offer = steps.loc["lead"], steps.loc["offer"]
    # A, B, C, G of A, B, C, D, F, G went on; without doubt A, B, G of A, B, C, D, G
    assert (lead.n_rows, lead.n_rows_left_out, lead.n_contradictory) == (6, 2, 2)
    assert (lead.value_with, lead.value_without) == (4 / 6, 3 / 5)
    # A, G of A, B, C, G; C was lost before it came there
    assert (offer.n_rows, offer.n_rows_left_out) == (4, 1)
    assert (offer.value_with, offer.value_without) == (2 / 4, 2 / 3)
    assert steps["n_unknown"].tolist() == [1, 0]


def test_steps_agree_with_the_funnel_where_nothing_is_left_out():
    table = sd.hygiene.cleaned_metrics(sample_department(), start="2024-03-01")
    steps = table[table["metric"] == "stage_conversion"].set_index("from_stage")
    funnel = sd.funnel.stage_conversion(sample_department(), start="2024-03-01")
    funnel = funnel.set_index("from_stage")
    assert steps["n_rows"].to_dict() == (funnel["n_to"] + funnel["n_lost"]).to_dict()


def test_lost_deals_without_a_move_are_lost_in_the_first_stage():
    rows = [(f"D{number}", "won" if number < 31 else "lost", 0, 10, "r1", 10.0, 10.0)
            for number in range(60)]  # fmt: skip
    moves = moves_of([(f"D{number}", stage, when) for number in range(31)
                      for stage, when in (("lead", 0), ("offer", 4))])  # fmt: skip
    moves["entered_at"] += pd.to_timedelta(11 * np.arange(62) % 1440, unit="min")  # no batch
    department = deals_of(rows, COLUMNS, stages=STAGES, stage_changes=moves)
    table = sd.hygiene.cleaned_metrics(department).set_index(["metric", "from_stage"])
    lead = table.loc[("stage_conversion", "lead")]
    assert (lead.n_rows, lead.n_unknown, lead.value_with) == (60, 0, 31 / 60)
    funnel = sd.funnel.stage_conversion(department)["conversion_rate"][0]
    assert lead.value_with == pytest.approx(funnel)


def test_closed_deals_without_a_day_count_where_no_day_is_asked_for():
    rows = [(f"W{number}", "won", 0, 10, "r1", 10.0, 10.0) for number in range(20)]
    rows += [(f"L{number}", "lost", 0, None, "r1", 10.0, 10.0) for number in range(20)]
    rows += [("X", "won", 0, None, "r1", 10.0, 10.0), ("Y", "won", 0, 10, None, 10.0, 10.0)]
    department = deals_of(rows, COLUMNS)
    table = by_metric(sd.hygiene.cleaned_metrics(department))
    rate = table.loc["win_rate"]
    assert (rate.n_rows, rate.n_unknown, rate.value_with) == (42, 0, 22 / 42)
    assert rate.value_with == sd.funnel.win_rate(department)["win_rate"][0]
    counts = table[["n_rows", "n_unknown"]].T.to_dict("list")
    assert (counts["won_amount"], counts["cycle_days"]) == ([22, 0], [21, 1])
    # X stands on no day, and of Y no selling days can be told
    assert (counts["wins_per_day"], counts["revenue_per_day"]) == ([20, 2], [20, 2])
    table = by_metric(sd.hygiene.cleaned_metrics(department, start="2025-01-01"))
    assert table.loc["win_rate", ["n_rows", "n_unknown"]].tolist() == [21, 21]
    assert table.loc["won_amount", ["n_rows", "n_unknown"]].tolist() == [21, 1]
    none = deals_of(rows[20:41], COLUMNS)  # no deal has a day
    table = by_metric(sd.hygiene.cleaned_metrics(none, by="rep_id"))
    assert table.loc["wins_per_day", ["n_rows", "n_unknown"]].tolist() == [0, 1]
    assert table.loc["win_rate", ["n_rows", "value_with"]].tolist() == [21, 1 / 21]


def test_wins_at_nothing_stand_on_one_side_only():
    rows = [("A", "won", 0, 10, "r1", 100.0, 100.0), ("B", "won", 0, 10, "r1", 0.0, 50.0),
            ("C", "won", 0, 10, "r1", None, 50.0),
            ("D", "won", 0, 40, "r2", 60.0, 80.0)]  # fmt: skip
    table = by_metric(sd.hygiene.cleaned_metrics(deals_of(rows, COLUMNS)))
    size = table.loc["won_amount"]
    assert (size.n_rows, size.n_unknown, size.n_rows_left_out, size.n_contradictory) == (3, 1, 1, 1)
    assert (size.value_with, size.value_without) == (160 / 3, 80)
    day = table.loc["revenue_per_day"]
    assert (day.n_rows, day.n_unknown, day.n_rows_left_out, day.difference) == (3, 1, 1, 0)
    price = table.loc["price_realisation"]
    assert (price.n_rows, price.n_unknown) == (2, 2)
    assert price.value_with == pytest.approx(160 / 180)
