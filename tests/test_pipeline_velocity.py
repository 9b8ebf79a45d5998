"""Sales velocity and coverage: identities, closed forms, planted departments, bad input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from tests.frames import deals_of, sample_department, targets_of

DEALS = ["deal_id", "status", "created_at", "closed_at", "amount", "rep_id", "account_id"]
PARTS = [f"{name}_log_part" for name in ("deals", "win_rate", "size", "cycle")]


def velocity(rows, **options):
    return sd.pipeline.sales_velocity(deals_of(rows, DEALS), **options)


def test_velocity_counted_by_hand():
    rows = [
        ("A", "won", 0, 10, 100, "r1", "a"), ("B", "won", 0, 30, 200, "r1", "b"),
        ("C", "lost", 0, 5, 900, "r1", "c"), ("D", "lost", 0, 40, 900, "r1", "d"),
        ("E", "won", 0, 20, None, "r1", "e"), ("F", "won", 0, None, 70, "r1", "f"),
    ]  # fmt: skip
    found = velocity(rows, horizon_days=50).iloc[0]
    counts = ["n_deals", "n_undated", "n_won", "n_lost", "n_open", "n_without_amount"]
    assert found[counts].tolist() == [6, 1, 3, 2, 0, 1]
    assert found["win_rate"] == pytest.approx(3 / 5)
    assert found["won_mean_amount"] == pytest.approx(150)
    assert found["cycle_days"] == pytest.approx(20)
    assert found["deal_value_amount"] == pytest.approx(90)
    assert found["velocity_amount"] == pytest.approx(5 * 0.6 * 150 / 20)
    assert found[["velocity_log_ratio", *PARTS]].isna().all()  # nothing to compare with


def test_an_open_deal_counts_as_long_as_it_was_watched_and_its_size_with_it():
    # the late win stands for itself and for the deal that was watched for 20 days only
    rows = [("A", "won", 0, 10, 100, "r1", "a"), ("B", "won", 0, 30, 400, "r1", "b"),
            ("C", "open", 39, None, 50, "r1", "c"),
            ("D", "lost", 0, 40, 50, "r1", "d")]  # fmt: skip
    found = velocity(rows, horizon_days=59).iloc[0]
    assert found["win_rate"] == pytest.approx(1 / 4 + 3 / 8)
    assert found["deal_value_amount"] == pytest.approx(100 / 4 + 400 * 3 / 8)
    assert found["cycle_days"] == pytest.approx((10 / 4 + 30 * 3 / 8) / (5 / 8))
    product = found["n_deals"] * found["win_rate"] * found["won_mean_amount"] / found["cycle_days"]
    assert found["velocity_amount"] == pytest.approx(product)


@pytest.mark.parametrize(
    "options",
    [
        {"by": "team"},
        {"by": "rep_id", "start": "2025-01-01"},
        {"against": "earlier"},
        {"by": "team", "against": "earlier"},
    ],
)
def test_the_parts_sum_to_the_logarithm_of_the_ratio(options):
    table = sd.pipeline.sales_velocity(sample_department(), n_draws=50, **options)
    known = table["velocity_log_ratio"].notna()
    assert known.any()
    assert table.loc[known, PARTS].sum(axis=1).to_numpy() == pytest.approx(
        table.loc[known, "velocity_log_ratio"].to_numpy(), abs=1e-12
    )


def test_the_ratio_is_that_of_the_velocities_of_two_groups():
    table = sd.pipeline.sales_velocity(
        sample_department().where(team=["North", "South"]), by="team", n_draws=50
    )
    table = table[table["team"] != "unassigned"].set_index("team")["velocity_amount"]
    ratios = sd.pipeline.sales_velocity(
        sample_department().where(team=["North", "South"]), by="team", n_draws=50
    ).set_index("team")["velocity_log_ratio"]
    assert ratios["North"] == pytest.approx(np.log(table["North"] / table["South"]))
    assert ratios["South"] == pytest.approx(-ratios["North"])


def simulated(n, seed, *, size_slope=0.0, win=40.0, size=100.0, rep="r1", clusters=60, watch=400):
    """Exponential lifetimes; amounts of an account alike, larger ones won less often."""
    rng = np.random.default_rng(seed)
    account = rng.integers(0, clusters, n)
    large = rng.random(clusters)[account] < 0.5
    born = rng.integers(0, watch, n)
    speed = win * np.where(large, np.exp(size_slope), 1.0)
    to_win, to_lose = rng.exponential(speed), rng.exponential(60, n)
    ends = np.minimum(to_win, to_lose)
    is_open = born + ends > watch
    status = np.where(is_open, "open", np.where(to_win < to_lose, "won", "lost"))
    start = pd.Timestamp("2024-01-01")
    return pd.DataFrame({
        "deal_id": [f"{rep}-{number}" for number in range(n)], "status": status, "rep_id": rep,
        "created_at": start + pd.to_timedelta(born, unit="D"),
        "closed_at": (start + pd.to_timedelta(np.where(is_open, np.nan, born + ends), unit="D")),
        "amount": np.where(large, 3.0, 1.0) * size, "account_id": [f"{rep}-{a}" for a in account],
    })  # fmt: skip


AS_OF_LATE = (pd.Timestamp("2024-01-01") + pd.Timedelta(days=400)).date()


def test_the_velocity_of_exponential_lifetimes_lies_in_its_interval():
    # hazards of winning 1/40 and of losing 1/60: 60 % are won after 24 days on average
    covered, cycles = 0, []
    for seed in range(40):
        frame = simulated(600, seed)
        found = sd.pipeline.sales_velocity(
            sd.Department(deals=frame, as_of=AS_OF_LATE), seed=seed
        ).iloc[0]
        assert found["win_rate"] == pytest.approx(0.6, abs=0.08)
        # the mean of lifetimes that end within the horizon, of whole days, rounded down
        horizon = found["horizon_days"]
        cycles.append(found["cycle_days"] - (24 - horizon / np.expm1(horizon / 24) - 0.5))
        covered += found["win_rate_low"] <= 0.6 <= found["win_rate_high"]
    assert covered >= 34
    assert np.mean(cycles) == pytest.approx(0, abs=0.6)


def test_large_deals_that_are_won_less_do_not_inflate_it():
    frame = simulated(6000, 3, size_slope=1.2, clusters=400)
    found = sd.pipeline.sales_velocity(sd.Department(deals=frame, as_of=AS_OF_LATE)).iloc[0]
    small, large = 60 / (60 + 40), 60 / (60 + 40 * np.exp(1.2))
    truth = (small * 100 + large * 300) / 2
    naive = (small + large) / 2 * 200
    assert found["deal_value_amount"] == pytest.approx(truth, rel=0.06)
    assert naive > 1.15 * truth


def test_the_planted_difference_is_put_on_its_factor_and_a_decoy_is_not():
    frame = pd.concat(
        [
            simulated(2000, 50, size=100, clusters=200),
            simulated(2000, 150, size=150, rep="r2", clusters=200),
        ]
    )
    table = sd.pipeline.sales_velocity(
        sd.Department(deals=frame, as_of=AS_OF_LATE), by="rep_id"
    ).set_index("rep_id")
    one = table.loc["r2"]
    assert one["size_log_part_low"] <= np.log(1.5) <= one["size_log_part_high"]
    assert one["size_log_part_low"] > 0
    for name in ("deals", "win_rate", "cycle"):
        assert one[f"{name}_log_part_low"] <= 0.02
        assert one[f"{name}_log_part_high"] >= -0.02


def test_one_account_tells_nothing_of_chance_and_no_win_gives_no_figure():
    rows = [("A", "won", 0, 10, 100, "r1", "a"), ("B", "lost", 0, 30, 200, "r1", "a")]
    found = velocity(rows, horizon_days=50).iloc[0]
    assert found[["win_rate_low", "win_rate_high"]].tolist() == [0, 1]
    assert found[["cycle_days_low", "cycle_days_high"]].tolist() == [0, np.inf]
    lost = velocity([("A", "lost", 0, 10, 1, "r1", "a"), ("B", "lost", 0, 9, 1, "r1", "b")]).iloc[0]
    assert lost["win_rate"] == 0
    assert np.isnan(lost["velocity_amount"])
    same_day = velocity([("A", "won", 0, 0, 1, "r1", "a")]).iloc[0]
    assert np.isnan(same_day["velocity_amount"])


@pytest.mark.parametrize("options", [{"against": "peers"}, {"horizon_days": 0}, {"n_draws": 1}])
def test_wrong_options_of_velocity_are_named(options):
    with pytest.raises(sd.InputError, match=next(iter(options))):
        sd.pipeline.sales_velocity(sample_department(), **options)


COVER = ["deal_id", "status", "created_at", "closed_at", "amount", "expected_close_on"]


def monthly(n_open, n_won, n_flow, *, months=9, target=100.0, due_day=20):
    """Make months of ``n_open`` deals of 10 on day 2, of which ``n_won`` are won on day 20.

    ``n_flow`` more come on day 15 and are all won on day 25; the rest is lost on day 28.
    """
    rows = []
    for month in range(months):
        first = pd.Timestamp("2024-01-01") + pd.DateOffset(months=month)
        for number in range(n_open):
            status, end = ("won", 19) if number < n_won else ("lost", 27)
            rows.append((f"{month}-{number}", status, first + pd.Timedelta(days=1),
                         first + pd.Timedelta(days=end), 10.0,
                         first + pd.Timedelta(days=due_day)))  # fmt: skip
        rows += [(f"{month}-new-{number}", "won", first + pd.Timedelta(days=14),
                  first + pd.Timedelta(days=24), 10.0, pd.NaT)
                 for number in range(n_flow)]  # fmt: skip
    deals = pd.DataFrame(rows, columns=COVER)
    start = pd.Timestamp("2024-01-01") + pd.DateOffset(months=months - 1)
    end = start + pd.offsets.MonthEnd()
    targets = targets_of([("department", None, start, end, target)])
    return sd.Department(deals=deals, targets=targets, as_of=end.date()), start


def test_coverage_in_closed_form():
    department, start = monthly(8, 2, 3)
    table = sd.pipeline.coverage(department, on=(start + pd.Timedelta(days=9)).date())
    found = table.iloc[0]
    assert (found["n_open"], found["pipeline"], found["due_pipeline"]) == (8, 80, 80)
    assert (found["left"], found["coverage_ratio"], found["n_past_spans"]) == (100, 0.8, 7)
    # a quarter of what is open is won, and deals not yet created bring 30: of the 100 that are
    # left the pipeline must bring 70, which takes 280 of it
    assert found["yield_ratio"] == pytest.approx(0.25)
    assert found["open_expected"] == pytest.approx(20)
    assert found["new_expected"] == pytest.approx(30)
    assert found["needed_ratio"] == pytest.approx(2.8)
    assert found["coverage_gap"] == pytest.approx(-50)
    assert not found["is_enough"]


def test_where_new_deals_suffice_or_the_target_is_reached_no_pipeline_is_needed():
    department, start = monthly(8, 2, 3, target=25)
    found = sd.pipeline.coverage(department, on=(start + pd.Timedelta(days=9)).date()).iloc[0]
    assert (found["needed_ratio"], found["is_enough"]) == (0, True)
    done = sd.pipeline.coverage(department, on=(start + pd.Timedelta(days=20)).date()).iloc[0]
    assert (done["actual"], done["left"]) == (20, 5)
    department, start = monthly(8, 2, 3, target=15)
    done = sd.pipeline.coverage(department, on=(start + pd.Timedelta(days=20)).date()).iloc[0]
    assert (done["left"], done["is_enough"]) == (0, True)
    assert np.isnan(done["coverage_ratio"])


def test_deals_and_money_are_counted_alike_and_a_late_due_date_is_not_due():
    department, start = monthly(8, 2, 3, due_day=40)
    on = (start + pd.Timedelta(days=9)).date()
    found = sd.pipeline.coverage(department, on=on).iloc[0]
    assert (found["pipeline"], found["due_pipeline"]) == (80, 0)
    deals = sd.pipeline.coverage(department, on=on, metric="deals_won")
    assert len(deals) == 0  # there is no target in deals


def test_too_short_a_history_gives_what_is_known_and_no_more():
    department, start = monthly(8, 2, 3, months=3)
    found = sd.pipeline.coverage(department, on=(start + pd.Timedelta(days=9)).date()).iloc[0]
    assert found["coverage_ratio"] == 0.8
    assert found[["yield_ratio", "needed_ratio", "open_expected"]].isna().all()
    assert not found["is_enough"]


def random_months(seed, *, months=9):
    """Each month 40 open deals of 10, won by its end with .3; five new ones won with .5."""
    rng = np.random.default_rng(seed)
    rows = []
    for month in range(months):
        first = pd.Timestamp("2024-01-01") + pd.DateOffset(months=month)
        for number in range(45):
            is_new = number >= 40
            is_won = rng.random() < (0.5 if is_new else 0.3)
            rows.append((f"{month}-{number}", "won" if is_won else "lost",
                         first + pd.Timedelta(days=15 if is_new else 1),
                         first + pd.Timedelta(days=25), 10.0, pd.NaT))  # fmt: skip
    start = pd.Timestamp("2024-01-01") + pd.DateOffset(months=months - 1)
    end = start + pd.offsets.MonthEnd()
    targets = targets_of([("department", None, start, end, 200.0)])
    deals = pd.DataFrame(rows, columns=COVER)
    department = sd.Department(deals=deals, targets=targets, as_of=end.date())
    return sd.pipeline.coverage(department, on=(start + pd.Timedelta(days=9)).date()).iloc[0]


def test_planted_yields_lie_in_their_intervals():
    truth = {"yield_ratio": 0.3, "new_expected": 25.0, "needed_ratio": (200 - 25) / 0.3 / 200}
    covered = dict.fromkeys(truth, 0)
    for seed in range(30):
        found = random_months(seed)
        for name, value in truth.items():
            covered[name] += found[f"{name}_low"] <= value <= found[f"{name}_high"]
    # of 30; seven earlier periods with five new deals each make short intervals
    assert min(covered.values()) >= 22, covered


def test_teams_add_up_and_open_deals_of_no_team_stay():
    options = {"on": "2025-11-14"}
    whole = sd.pipeline.coverage(sample_department(), **options).iloc[0]
    teams = sd.pipeline.coverage(sample_department(), by="team", **options)
    for name in ("n_open", "pipeline", "due_pipeline", "actual", "open_expected", "new_expected"):
        assert teams[name].sum() == pytest.approx(whole[name])
    assert "unassigned" in set(teams["team"])


def test_wrong_options_of_coverage_are_named():
    with pytest.raises(sd.InputError, match="on must be a day up to as_of"):
        sd.pipeline.coverage(sample_department(), on="2026-05-01")
    with pytest.raises(sd.InputError, match="metric must be one of"):
        sd.pipeline.coverage(sample_department(), metric="margin")
    with pytest.raises(sd.InputError, match="one column at a time"):
        sd.pipeline.coverage(sample_department(), by=["team", "source"])
    frame = deals_of([("A", "won", 0, 10, 1, "r1", "a")], DEALS)
    with pytest.raises(sd.MissingDataError, match="targets"):
        sd.pipeline.coverage(frame)
