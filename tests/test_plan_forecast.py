"""The forecast of the plan: counted by hand, on departments of known rates, and refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import salesdiag as sd
from salesdiag.analyses.plan import attainment_forecast, forecast_backtest, target_attainment
from salesdiag.analyses.plan.landmarks import day_of_share, history_of, landmark_counts
from salesdiag.analyses.plan.outlook import Cells, Sizes, draw_rest, learn_rates
from tests.frames import STAGES, sample_department, sample_frames

MONTHS = pd.date_range("2025-01-01", periods=8, freq="MS")


def months_plan(target=50.0, *, level="department", name=None, months=MONTHS):
    return pd.DataFrame({
        "level": level, "id": name, "metric": "revenue", "target": target,
        "period_start": months, "period_end": months + pd.offsets.MonthEnd(0),
    })  # fmt: skip


def even(*, last="2025-08-31", months=MONTHS, **more):
    """Ten deals a month on the 2nd: four won on the 20th (10 each), six lost on the 25th.

    Five more come on the 16th and one of them is won on the 28th.
    """
    rows = []
    for month in months:
        for number in range(15):
            early, place = number < 10, number % 10
            won = place < (4 if early else 1)
            closing = (19 if won else 24) if early else 27
            rows.append(
                (
                    f"{month:%m}-{number}",
                    month + pd.Timedelta(days=1 if early else 15),
                    month + pd.Timedelta(days=closing),
                    "won" if won else "lost",
                    10.0,
                )
            )
    deals = pd.DataFrame(rows, columns=["deal_id", "created_at", "closed_at", "status", "amount"])
    deals["rep_id"] = "r" + deals["deal_id"].str[-1]
    given = {"targets": months_plan(months=months)} | more
    return sd.Department(deals=deals, as_of=last, **given)


class TestByHand:
    def test_open_deals_and_deals_to_come(self):
        row = attainment_forecast(even(), on="2025-08-10").iloc[0]
        assert row.history_basis == "same part of earlier periods"
        assert row.n_past_spans == 6  # the first sale is of 20 January, so February to July
        assert (row.actual, row.n_open_deals, row.n_working_days_left) == (0, 10, 15)
        # 24 of 60 like them were won by the end of the month, 16 of the 40 that were as old; that
        # cell leans on the stage as if by 8 deals, and that on the whole, (24 + 0.5) of (60 + 1)
        stage = (24 + 8 * 24.5 / 61) / 68
        assert row.open_expected == pytest.approx(10 * 10 * (16 + 8 * stage) / 48, rel=1e-4)
        # 20 came later in the four latest months; 6 of 30 in all were won in time. The working
        # days after 6 of 21 are gone: 14 of 20, 15, 16, 16, 15 and 16 in February to July
        usual = np.mean([14, 15, 16, 16, 15, 16])
        assert row.new_expected == pytest.approx(10 * 20.5 / 4 * 6.5 / 31 * 15 / usual)
        assert row.forecast_mean == row.actual + row.open_expected + row.new_expected
        assert row.forecast == pytest.approx(50, abs=10)
        assert row.forecast_low < 40 < 60 < row.forecast_high
        assert 0.4 < row.reach_rate < 0.8
        assert row.reach_rate_low < row.reach_rate < row.reach_rate_high

    def test_what_is_booked_counts_and_only_the_rest_is_drawn(self):
        row = attainment_forecast(even(), on="2025-08-22").iloc[0]
        assert (row.actual, row.n_events) == (40, 4)
        assert row.n_open_deals == 11  # six to be lost on the 25th, five of the 16th
        assert row.forecast_low >= 40

    def test_a_period_that_is_over_is_what_it_is(self):
        row = attainment_forecast(even()).iloc[0]
        assert row.is_complete
        assert (row.actual, row.forecast, row.forecast_low, row.forecast_high) == (50, 50, 50, 50)
        assert (row.reach_rate, row.reach_rate_low, row.open_expected) == (1, 1, 0)
        assert row.history_basis == "none"
        missed = attainment_forecast(even(targets=months_plan(50.01))).iloc[0]
        assert missed.reach_rate == 0

    def test_counting_deals_counts_deals(self):
        department = even(targets=months_plan(5.0).assign(metric="deals_won"))
        row = attainment_forecast(department, on="2025-08-10", metric="deals_won").iloc[0]
        money = attainment_forecast(even(), on="2025-08-10").iloc[0]
        assert 10 * row.open_expected == pytest.approx(money.open_expected)
        assert row.forecast == int(row.forecast)


class TestKnownThen:
    def test_nothing_that_came_later_is_known(self):
        department = even()
        frame = department.deals.execute()
        day = pd.Timestamp("2025-08-10")
        frame = frame[frame["created_at"] <= day]
        later = frame["closed_at"] > day
        frame.loc[later, "status"] = "open"
        frame["closed_at"] = frame["closed_at"].mask(later)
        then = sd.Department(deals=frame, targets=months_plan(), as_of="2025-08-10")
        assert_frame_equal(
            attainment_forecast(then), attainment_forecast(department, on="2025-08-10")
        )

    def test_deals_without_a_day_of_creation_are_left_out(self):
        frame = even().deals.execute()
        more = frame.iloc[:3].assign(deal_id=["x", "y", "z"], created_at=pd.NaT, status="open",
                                     closed_at=pd.NaT)  # fmt: skip
        department = sd.Department(deals=pd.concat([frame, more]), targets=months_plan(),
                                   as_of="2025-08-31")  # fmt: skip
        row = attainment_forecast(department, on="2025-08-10").iloc[0]
        assert row.n_open_deals == 10

    def test_the_same_seed_gives_the_same_and_another_hardly_differs(self):
        first = attainment_forecast(sample_department(), on="2025-11-14", by="team")
        assert_frame_equal(
            first, attainment_forecast(sample_department(), on="2025-11-14", by="team")
        )
        other = attainment_forecast(sample_department(), on="2025-11-14", by="team", seed=1)
        assert not other["forecast"].equals(first["forecast"])
        assert other["forecast_mean"].tolist() == first["forecast_mean"].tolist()
        assert other["forecast"].tolist() == pytest.approx(first["forecast"].tolist(), rel=0.03)
        assert (other["reach_rate"] - first["reach_rate"]).abs().max() < 0.05


class TestLandmarks:
    def test_deals_on_a_day_counted_by_hand(self):
        deals = pd.DataFrame({
            "deal_id": list("ABCDEFG"),
            "status": ["won", "lost", "open", "won", "won", "lost", "won"],
            "created_at": pd.to_datetime(
                ["2025-01-01", "2025-01-20", "2025-01-31", "2025-01-01", "2025-02-10", "2025-02-10",
                 None]
            ),
            "closed_at": pd.to_datetime(
                ["2025-02-28", "2025-03-05", None, "2025-01-31", "2025-02-20", "2025-03-30",
                 "2025-02-20"]
            ),
        })  # fmt: skip
        moves = pd.DataFrame(
            [("A", "lead", "2025-01-01"), ("A", "offer", "2025-01-31"),
             ("B", "offer", "2025-02-01"), ("C", "lead", "2025-01-31")],
            columns=["deal_id", "stage", "entered_at"],
        ).astype({"entered_at": "datetime64[us]"})  # fmt: skip
        department = sd.Department(deals=deals, stage_changes=moves, stages=STAGES,
                                   as_of="2025-03-31")  # fmt: skip
        spans = pd.DataFrame({"cut_on": pd.to_datetime(["2025-01-31"]),
                              "end_on": pd.to_datetime(["2025-02-28"])})  # fmt: skip
        counts = landmark_counts(department, [], spans)
        # open on 31 January: A at "offer", 30 days old, won by the end; B at the first stage (the
        # offer came a day later), 11 days; C, 0 days. D was won that day. E and F came later
        assert counts.to_numpy().tolist() == [
            [0, -1, -1, 2, 1], [0, 0, 0, 1, 0], [0, 0, 1, 1, 0], [0, 1, 2, 1, 1],
        ]  # fmt: skip

    def test_the_day_of_a_share_is_a_working_day(self):
        department = even()
        first, last = pd.Timestamp("2025-04-01"), pd.Timestamp("2025-04-30")
        assert day_of_share(department, first, last, 10 / 22) == pd.Timestamp("2025-04-14")
        assert day_of_share(department, first, last, 0.01) == pd.Timestamp("2025-03-31")
        assert day_of_share(department, first, last, 1.0) == last

    def test_where_few_periods_are_covered_spans_of_the_same_length_stand_in(self):
        # a plan of a year with half of it left: the records cover no earlier year
        first, last = pd.Timestamp("2025-01-01"), pd.Timestamp("2025-12-31")
        none = pd.DataFrame({"period_start": [], "period_end": []})
        found = history_of(even(), first, last, pd.Timestamp("2025-10-31"), planned=none,
                           since=pd.Timestamp("2025-01-20"))  # fmt: skip
        assert found.basis == "spans of the same length"
        assert found.spans.astype(str).to_numpy().tolist() == [
            ["2025-08-31", "2025-10-31"], ["2025-07-01", "2025-08-31"],
            ["2025-05-01", "2025-07-01"], ["2025-03-01", "2025-05-01"],
        ]  # fmt: skip


class TestRates:
    def test_cells_lean_on_their_stage_and_that_on_all(self):
        n_open = np.zeros((1, 2, 2))
        n_won = np.zeros((1, 2, 2))
        n_open[0] = [[1000, 0], [1000, 10]]
        n_won[0] = [[100, 0], [900, 10]]
        rates = learn_rates(Cells(n_open, n_won, np.array([20.0]), np.array([5.0])), [0])
        chance = rates.won / (rates.won + rates.not_won)
        assert chance[0].tolist() == pytest.approx([0.1, 0.1], abs=0.01)  # never seen: its stage's
        assert chance[1, 0] == pytest.approx(0.9, abs=0.001)
        assert 0.9 < chance[1, 1] < 1  # ten of ten do not make a certainty
        assert (rates.new_won, rates.new_not_won) == (5.5, 15.5)

    def test_a_shock_is_found_where_spans_differ_beyond_chance_and_not_where_they_do_not(self):
        rng = np.random.default_rng(3)
        found = []
        for factor in (np.ones(12), rng.gamma(16, 1 / 16, 12)):  # a variation of 1 / 16
            won = rng.binomial(2000, np.minimum(0.2 * factor, 1))[:, None, None].astype(float)
            cells = Cells(np.full((12, 1, 1), 2000.0), won, np.zeros(12), np.zeros(12))
            found.append(learn_rates(cells, range(12)).shock)
        assert found[0] < 0.002
        assert 0.02 < found[1] < 0.15

    def test_draws_have_the_mean_that_is_told(self):
        cells = Cells(np.full((4, 1, 2), 500.0), np.full((4, 1, 2), 100.0), np.full(4, 80.0),
                      np.full(4, 20.0))  # fmt: skip
        rates = learn_rates(cells, range(4))
        rest = draw_rest(np.array([[30.0, 10.0]]), rates, cells.n_new, Sizes(7.0, 2.0, 400), 80.0,
                         n_draws=20_000, seed=[1])  # fmt: skip
        mean = rest.open_expected + rest.new_expected
        assert mean == pytest.approx(7 * (40 * 0.2 + 80 * 0.25), rel=0.02)
        assert rest.draws.mean() == pytest.approx(mean, rel=0.02)
        # chance in 28 wins of uneven size: variance 49 x (28 + 28 x 2) and that of the rates
        assert rest.draws.std() == pytest.approx(7 * np.sqrt(28 * 3), rel=0.12)
        assert rest.reach_draws.mean() == pytest.approx((rest.draws >= 80).mean(), abs=0.02)

    def test_where_a_win_may_bring_next_to_nothing_the_target_is_out_of_reach(self):
        # one win of a size that tells hardly anything: some draws of its mean are 0
        rates = learn_rates(Cells(np.full((1, 1, 1), 9.0), np.full((1, 1, 1), 3.0),
                                  np.zeros(1), np.zeros(1)), [0])  # fmt: skip
        rest = draw_rest(np.full((1, 1), 5.0), rates, np.zeros(4), Sizes(10.0, 500.0, 1.0), 10.0,
                         n_draws=500, seed=[1])  # fmt: skip
        assert np.isfinite(rest.reach_draws).all()
        assert rest.reach_draws.min() == 0
        assert 0 < rest.reach_draws.max() <= 1


class TestRefused:
    def test_a_history_of_two_months_is_too_short(self):
        short = even(months=MONTHS[:3], last="2025-03-10")
        with pytest.raises(sd.MissingDataError, match="from at least 3 earlier spans as long; the "
                                                      "records cover 2") as raised:  # fmt: skip
            attainment_forecast(short)
        assert "reaches further back" in raised.value.ask_for
        with pytest.raises(sd.MissingDataError, match="no period can be foretold again"):
            forecast_backtest(even(months=MONTHS[:2], last="2025-02-28"), elapsed_shares=[0.25])

    def test_a_handful_of_wins_tells_nothing(self):
        frame = even().deals.execute()
        won = frame.index[frame["status"] == "won"]
        kept = won[[0, 12, 13]]  # one of January, so that the records begin there, two of March
        frame.loc[won.difference(kept), "status"] = "lost"
        department = sd.Department(deals=frame, targets=months_plan(), as_of="2025-08-31")
        with pytest.raises(sd.MissingDataError, match="2 deals were won in the earlier spans"):
            attainment_forecast(department, on="2025-08-10")

    def test_options_are_checked(self):
        for options, message in (
            ({"n_draws": 10}, "n_draws must be a whole number from 100"),
            ({"seed": -1}, "seed must be a whole number"),
            ({"metric": "margin"}, "metric must be one of revenue, deals_won; got 'margin'"),
            ({"on": "2026-02-01"}, "on must be a day up to as_of"),
        ):
            with pytest.raises(sd.InputError, match=message):
                attainment_forecast(sample_department(), **options)
        for shares in ([0.0], [0.5, 1.0], []):
            with pytest.raises(sd.InputError, match="elapsed_shares must lie strictly"):
                forecast_backtest(sample_department(), elapsed_shares=shares)
        with pytest.raises(sd.InputError, match="level must lie strictly"):
            forecast_backtest(sample_department(), level=80)


class TestGroups:
    def test_groups_add_up_and_one_without_a_target_has_no_chance_of_it(self):
        whole = attainment_forecast(even(), on="2025-08-10").iloc[0]
        targets = pd.concat([months_plan(), months_plan(9.0, level="rep", name="r0")])
        reps = attainment_forecast(even(targets=targets), on="2025-08-10", by="rep_id")
        assert reps["rep_id"].tolist() == [f"r{number}" for number in range(10)]
        assert reps["n_open_deals"].sum() == whole.n_open_deals
        assert reps["open_expected"].sum() == pytest.approx(whole.open_expected)
        assert reps["target_basis"].tolist() == ["own"] + ["none"] * 9
        assert reps["reach_rate"].notna().tolist() == [True] + [False] * 9

    def test_a_group_with_a_target_and_no_deals_is_foretold_nothing(self):
        targets = pd.concat([months_plan(9.0, level="rep", name=name) for name in ("r0", "s", "t")])
        table = attainment_forecast(even(targets=targets), on="2025-08-10", by="rep_id")
        idle = table[table["rep_id"].isin(["s", "t"])]
        assert idle["n_open_deals"].tolist() == [0, 0]
        assert (idle["forecast_mean"] < 0.5).all()
        assert (idle["reach_rate"] < 0.05).all()

    def test_a_day_of_wins_without_amounts_hides_nothing_else_of_the_rep(self):
        frame = even().deals.execute()
        paid = (frame["rep_id"] == "r0") & (frame["closed_at"] == pd.Timestamp("2025-04-20"))
        assert paid.sum() == 1
        frame.loc[paid, "amount"] = np.nan
        plan = months_plan(10.0, level="rep", name="r0")
        department = sd.Department(deals=frame, targets=plan, as_of="2025-08-31")
        row = attainment_forecast(department, by="rep_id", on="2025-08-10").iloc[0]
        assert row[["open_expected", "new_expected", "forecast", "reach_rate"]].notna().all()
        table = forecast_backtest(department, by="rep_id", elapsed_shares=[0.5])
        own = table.set_index("rep_id").loc["r0"]
        assert own[["forecast_sum", "reach_forecast_share", "brier"]].notna().all()

    def test_months_and_quarters_that_overlap_are_foretold_each(self):
        quarter = months_plan(150.0).iloc[[6]]
        quarter = quarter.assign(period_end=pd.Timestamp("2025-09-30"))
        department = even(targets=pd.concat([months_plan(), quarter]))
        table = attainment_forecast(department, on="2025-08-10")
        assert table["period_end"].dt.month.tolist() == [9, 8]
        assert table["history_basis"].nunique() == 2
        assert table["actual"].tolist() == [50, 0]

    def test_sales_without_a_target_count_too(self):
        # the plan is that of r0 alone; the department sells more than r0
        targets = months_plan(9.0, level="rep", name="r0")
        department = even(targets=targets)
        row = attainment_forecast(department, on="2025-08-22").iloc[0]
        plan = target_attainment(department).iloc[-1]
        assert row.target == plan.target == 9
        assert row.actual == 40


def world(seed, *, months=48, rate=2.0, chance=0.3, wait=40, spread=0.8, rush=False):
    """Simulate deals of known rates: exponential waits, lognormal sizes of mean 100.

    With ``rush`` every deal decided within a month is entered in its last five days.
    """
    rng = np.random.default_rng(seed)
    starts = pd.date_range("2020-01-01", periods=months, freq="MS")
    end = starts[-1] + pd.offsets.MonthEnd(0)
    n_days = (end - starts[0]).days + 1
    n = rng.poisson(rate * n_days)
    created = starts[0] + pd.to_timedelta(np.sort(rng.integers(0, n_days, n)), unit="D")
    closed = created + pd.to_timedelta(rng.geometric(1 / wait, n), unit="D")
    if rush:
        last = closed + pd.offsets.MonthEnd(0)
        closed = pd.DatetimeIndex(np.maximum(closed, last - pd.Timedelta(days=4)))
    is_open = closed > end
    won = rng.random(n) < chance
    sigma = np.sqrt(np.log(1 + spread**2))
    deals = pd.DataFrame({
        "deal_id": np.arange(n).astype(str), "created_at": created,
        "closed_at": closed.where(~is_open),
        "status": np.where(is_open, "open", np.where(won, "won", "lost")),
        "amount": np.round(100 * rng.lognormal(-(sigma**2) / 2, sigma, n), 2),
    })  # fmt: skip
    target = np.round(rate * chance * 30.4 * 100 * rng.uniform(0.7, 1.3, months), 2)
    return sd.Department(deals=deals, targets=months_plan(target, months=starts), as_of=end)


class TestPlantedTruth:
    def test_the_interval_covers_and_the_chances_are_calibrated(self):
        parts = [forecast_backtest(world(seed), elapsed_shares=[0.3, 0.6]) for seed in range(6)]
        table = pd.concat(parts)
        for share, n_expected in ((0.3, 250), (0.6, 250)):
            part = table[table["elapsed_share"] == share]
            n = part["n_periods"].sum()
            assert n > n_expected
            coverage = part["n_inside"].sum() / n
            assert abs(coverage - 0.8) < 3 * np.sqrt(0.8 * 0.2 / n)
            reached = part["n_reached"].sum() / part["n_with_target"].sum()
            assert abs(reached - part["reach_forecast_share"].mean()) < 3 * np.sqrt(0.25 / n)
            bias = part["forecast_sum"].sum() / part["actual_sum"].sum() - 1
            assert abs(bias) < 0.05
            assert (part["brier"] < part["brier_uncertainty"]).all()
            assert part["wape"].mean() < 0.85 * part["linear_wape"].mean()

    def test_a_rush_at_the_end_of_the_month_misleads_the_run_rate_only(self):
        table = pd.concat(
            [forecast_backtest(world(seed, rush=True), elapsed_shares=[0.6]) for seed in range(3)]
        )
        assert (table["linear_bias"] < -0.9).all()  # nearly nothing is booked by then
        assert table["bias"].abs().max() < 0.1
        n = table["n_periods"].sum()
        assert abs(table["n_inside"].sum() / n - 0.8) < 3 * np.sqrt(0.16 / n)


class TestBacktest:
    def test_each_period_counted_by_hand(self):
        row = forecast_backtest(even(), elapsed_shares=[0.5]).iloc[0]
        # eight months; the first has nothing before it, and three are needed. Where fewer months
        # are covered, spans of half a month stand in
        assert row.n_periods + row.n_too_early == 8
        assert row.actual_sum == 50 * row.n_periods
        assert row.linear_wape == 1  # nothing is closed before the 20th: the run rate says 0
        assert row.linear_bias == -1
        assert row.n_with_target == row.n_reached == row.n_periods

    def test_it_says_what_the_forecast_said_then(self):
        department = sample_department()
        scores = forecast_backtest(department, start="2025-01-01", elapsed_shares=[0.5],
                                   n_draws=2000).iloc[0]  # fmt: skip
        said = []
        for quarter in pd.date_range("2025-01-01", periods=4, freq="QS"):
            last = quarter + pd.offsets.QuarterEnd(0)
            day = day_of_share(department, quarter, last, 0.5)
            said.append(attainment_forecast(department, on=str(day.date())).iloc[0])
        table = pd.DataFrame(said)
        assert scores.n_periods == 4
        assert scores.forecast_sum == pytest.approx(table["forecast"].sum(), rel=0.02)
        assert scores.reach_forecast_share == pytest.approx(table["reach_rate"].mean(), abs=0.04)
        plan = target_attainment(department, start="2025-01-01")
        error = table["forecast"].to_numpy() - plan["actual"].to_numpy()
        assert scores.wape == pytest.approx(np.abs(error).sum() / plan["actual"].sum(), abs=0.02)
        brier = ((table["reach_rate"] - (plan["attainment"] >= 1).to_numpy()) ** 2).mean()
        assert scores.brier == pytest.approx(brier, abs=0.03)

    def test_periods_outside_the_window_still_serve_as_history(self):
        late = forecast_backtest(sample_department(), start="2025-10-01", elapsed_shares=[0.5])
        assert late["n_periods"].tolist() == [1]
        assert late["n_too_early"].tolist() == [0]

    def test_another_order_of_rows_gives_the_same(self):
        frames = sample_frames()
        turned = {name: frame.iloc[::-1].reset_index(drop=True) for name, frame in frames.items()}
        tables = [
            forecast_backtest(sd.Department(**given, as_of="2025-12-31"), elapsed_shares=[0.5],
                              by="team", n_draws=200)
            for given in (frames, turned)
        ]  # fmt: skip
        assert_frame_equal(*tables)
