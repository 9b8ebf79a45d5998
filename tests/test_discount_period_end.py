"""The end of a period: deals moved over it, wins it brings, and discounts near the target."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.discount import period_end_pattern, target_distance_pattern
from tests.frames import sample_department, targets_of

DAYS = pd.bdate_range("2023-01-01", "2024-12-31")  # eight quarters, seven boundaries between them


def department_of(days, *, as_of="2024-12-31", **columns):
    """Build won deals of 1,000 at 900, closed on these days."""
    frame = pd.DataFrame({"closed_at": pd.to_datetime(days)})
    frame = frame.assign(list_amount=1000.0, amount=900.0, status="won", **columns)
    frame["deal_id"] = frame.index.astype(str)
    return sd.Department(deals=frame, as_of=as_of)


def drawn(rng, *, pulled=0.0, pushed=0.0, pace=6):
    """Draw wins at one pace a day.

    ``pulled`` is the share of the first five days that is won in the last five before
    instead, ``pushed`` the wins that the last five days bring besides, in paces.
    """
    count = rng.poisson(pace, len(DAYS))
    quarter = DAYS.to_period("Q").to_numpy()
    moved = np.zeros(len(DAYS), dtype=int)
    for one in np.unique(quarter.astype(str)):
        own = np.flatnonzero(quarter.astype(str) == one)
        first, last = own[:5], own[-5:]
        if own[0] > 0:
            gone = rng.binomial(count[first], pulled)
            moved[first] -= gone
            moved[first - 5] += gone  # the five working days before
        moved[last] += rng.poisson(pushed * pace, 5)
    return np.repeat(DAYS, count + moved)


def many(n_worlds=40, **planted):
    rng = np.random.default_rng(3)
    parts = [drawn(rng, **planted) for _world in range(n_worlds)]
    world = np.repeat(np.arange(n_worlds), [len(days) for days in parts]).astype(str)
    return period_end_pattern(department_of(np.concatenate(parts), world=world), by="world")


def test_one_rush_by_hand():
    # one deal a working day; five more on the last five of March
    days = [
        *pd.bdate_range("2025-01-01", "2025-06-30"),
        *pd.bdate_range("2025-03-25", "2025-03-31"),
    ]
    row = period_end_pattern(department_of(days, as_of="2025-06-30")).iloc[0]
    assert (row.n_periods, row.n_boundaries) == (2, 1)
    assert (row.n_won_first, row.n_won_last) == (10, 15)
    assert (row.last_ratio, row.next_first_ratio, row.net_ratio) == pytest.approx((2, 1, 1.5))
    assert (row.excess_wins, row.missing_wins, row.net_wins) == pytest.approx((5, 0, 5))


def test_one_deal_moved_by_hand():
    days = pd.bdate_range("2025-01-01", "2025-06-30").tolist()
    days[days.index(pd.Timestamp("2025-04-02"))] = pd.Timestamp("2025-03-28")
    row = period_end_pattern(department_of(days, as_of="2025-06-30")).iloc[0]
    assert (row.last_ratio, row.next_first_ratio) == pytest.approx((6 / 5, 4 / 5))
    assert row.net_ratio == pytest.approx(1)
    assert (row.excess_wins, row.missing_wins, row.net_wins) == pytest.approx((1, 1, 0), abs=1e-9)


@pytest.mark.parametrize(
    ("planted", "last", "first", "net"),
    [({}, 1, 1, 1), ({"pulled": 0.6}, 1.6, 0.4, 1), ({"pushed": 0.5}, 1.5, 1, 1.25)],
)
def test_pulling_forward_and_bringing_more_are_told_apart(planted, last, first, net):
    table = many(**planted)
    assert (table["n_boundaries"] == 7).all()
    for name, truth in (("last_ratio", last), ("next_first_ratio", first), ("net_ratio", net)):
        error = table[name].std() / np.sqrt(len(table))
        assert abs(table[name].mean() - truth) < 3.5 * error
        inside = table[f"{name}_low"].le(truth) & table[f"{name}_high"].ge(truth)
        assert inside.mean() >= 0.85
    more = table["net_ratio_low"] > 1
    assert more.mean() > 0.8 if "pushed" in planted else more.mean() <= 0.12


def test_discounts_of_the_last_days_beside_those_of_the_middle():
    days = pd.bdate_range("2025-01-01", "2025-06-30")
    frame = pd.DataFrame({"closed_at": days, "list_amount": 100.0, "status": "won"})
    quarter_end = days.isin([*days[days <= "2025-03-31"][-5:], *days[-5:]])
    frame["amount"] = np.where(quarter_end, 80.0, 95.0)
    frame["deal_id"] = frame.index.astype(str)
    row = period_end_pattern(sd.Department(deals=frame, as_of="2025-06-30")).iloc[0]
    assert (row.first_discount, row.middle_discount, row.last_discount) == pytest.approx(
        (0.05, 0.05, 0.2)
    )
    assert row.last_extra_discount == pytest.approx(0.15)
    assert row.last_extra_discount_low > 0.1


def test_only_whole_periods_count():
    days = pd.bdate_range("2025-02-15", "2025-08-31")
    row = period_end_pattern(department_of(days, as_of="2025-08-31")).iloc[0]
    # January is not in the data, and September not yet
    assert (row.n_periods, row.n_boundaries) == (1, 0)
    assert row.n_won_first + row.n_won_middle + row.n_won_last == 65
    assert np.isnan([row.last_ratio, row.net_ratio, row.excess_wins]).all()
    assert row.grade == ""


def test_lost_and_undated_deals():
    days = pd.bdate_range("2025-01-01", "2025-06-30")
    frame = pd.DataFrame({"closed_at": [*days, pd.NaT], "list_amount": 100.0, "amount": None})
    frame["status"] = np.where(np.arange(len(frame)) % 2 == 0, "won", "lost")
    frame["deal_id"] = frame.index.astype(str)
    row = period_end_pattern(sd.Department(deals=frame, as_of="2025-06-30")).iloc[0]
    n_won = row.n_won_first + row.n_won_middle + row.n_won_last
    n_closed = row.n_closed_first + row.n_closed_middle + row.n_closed_last
    assert n_closed == len(days)
    assert (row.n_undated, row.n_unpriced) == (1, n_won)
    assert row.middle_win_rate == pytest.approx(row.n_won_middle / row.n_closed_middle)
    assert np.isnan(row.last_discount)


def test_holidays_and_the_fiscal_year_move_the_days():
    calendar = sd.Calendar(fiscal_year_start=2, holidays=("2025-04-30",))
    days = pd.bdate_range("2025-02-03", "2025-07-31").tolist()
    rush = pd.Timestamp("2025-04-23")  # the fifth working day before May, for the 30th is off
    frame = pd.DataFrame({"closed_at": [*days, *[rush] * 9], "list_amount": 9.0, "amount": 9.0})
    frame = frame.assign(status="won", deal_id=frame.index.astype(str))
    department = sd.Department(deals=frame, as_of="2025-07-31", calendar=calendar)
    row = period_end_pattern(department).iloc[0]
    assert row.n_boundaries == 1
    # 23 to 30 April hold five working days and, with the holiday, six deals besides the rush
    assert row.n_won_last == 5 + 9 + 6
    assert row.n_won_last - 5 == 15


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"months": 5}, "months must be one of 1, 2, 3, 4, 6, 12"),
        ({"last_days": 0}, "last_days must be a whole number from 1"),
        ({"last_days": 40}, "first_days and last_days must leave working days"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(sd.InputError, match=message):
        period_end_pattern(sample_department(), **options)


class TestDistanceToTarget:
    def department(self, deals, targets=None, as_of="2025-12-31"):
        frame = pd.DataFrame(deals, columns=["rep_id", "closed_at", "amount", "list_amount"])
        frame["closed_at"] = pd.to_datetime(frame["closed_at"])
        frame = frame.assign(status="won", deal_id=frame.index.astype(str))
        targets = targets or [("rep", one, "2025-01-01", "2025-03-31", 100.0) for one in "ab"]
        return sd.Department(deals=frame, targets=targets_of(targets), as_of=as_of)

    def test_bands_and_discounts_by_hand(self):
        table = target_distance_pattern(self.department([
            ("a", "2025-02-03", 90.0, 90.0),  # a stands at 90 % ...
            ("a", "2025-03-31", 16.0, 20.0),  # ... and gives 20 % to get there
            ("b", "2025-02-03", 30.0, 40.0),  # b is far below
            ("b", "2025-03-28", 9.0, 10.0),
        ]))  # fmt: skip
        assert table["n_rep_periods"].tolist() == [1, 0, 1, 0]
        assert table["n_met"].tolist() == [0, 0, 1, 0]
        assert table["early_discount"].tolist() == pytest.approx([0.25, np.nan, 0, np.nan],
                                                                 nan_ok=True)  # fmt: skip
        assert table["last_discount"].tolist() == pytest.approx([0.1, np.nan, 0.2, np.nan],
                                                                nan_ok=True)  # fmt: skip
        assert table["extra_discount"][2] == pytest.approx(0.2)
        assert table["met_rate"][0] == 0

    def test_only_periods_that_are_over_count(self):
        deals = [("a", "2025-02-03", 90.0, 90.0)]
        table = target_distance_pattern(self.department(deals, as_of="2025-03-30"))
        assert table["n_rep_periods"].sum() == 0

    def test_quarters_are_taken_and_not_the_year_that_holds_them(self):
        targets = [("rep", "a", "2025-01-01", "2025-12-31", 400.0),
                   ("rep", "a", "2025-01-01", "2025-03-31", 100.0)]  # fmt: skip
        deals = [("a", "2025-02-03", 100.0, 110.0)]
        table = target_distance_pattern(self.department(deals, targets))
        assert table["n_rep_periods"].tolist() == [0, 0, 0, 1]

    def test_deals_of_reps_without_a_target_are_counted_apart(self):
        deals = [("a", "2025-02-03", 10.0, 10.0), ("z", "2025-02-03", 10.0, 10.0),
                 (None, "2025-02-03", 10.0, 10.0)]  # fmt: skip
        table = target_distance_pattern(self.department(deals))
        assert table["n_without_target"].tolist() == [2] * 4
        assert table["n_early"].sum() == 1

    def test_deals_of_an_unknown_day_are_counted(self):
        deals = [("a", "2025-02-03", 90.0, 90.0), ("a", None, 10.0, 10.0)]
        for window in ({}, {"start": "2025-01-01"}):
            table = target_distance_pattern(self.department(deals), **window)
            assert table["n_undated"].tolist() == [1] * 4
            assert table["n_early"].sum() == 1

    def test_the_distance_is_of_all_deals_whatever_the_split(self):
        whole = target_distance_pattern(sample_department())
        parts = target_distance_pattern(sample_department(), by="source")
        for name in ("n_early", "n_last"):
            sums = parts.groupby("attainment_from", dropna=False)[name].sum()
            assert sums.sum() == whole[name].sum()
            by_band = whole.set_index("attainment_from")[name]
            assert sums.loc[0.8] == by_band.loc[0.8]

    def test_a_planted_habit_near_the_target_is_found_there_only(self):
        # 20 reps, 8 quarters: who stands at 80 to 100 % before the last days gives 15, not 5 %
        rng = np.random.default_rng(11)
        starts = pd.date_range("2023-01-01", periods=8, freq="QS")
        deals, targets = [], []
        for rep in range(20):
            for start in starts:
                end = start + pd.offsets.QuarterEnd()
                goal = 1000.0
                targets.append(("rep", f"r{rep}", str(start.date()), str(end.date()), goal))
                early = rng.uniform(0.3, 1.3) * goal
                listed = early / 0.95
                deals.append((f"r{rep}", start + pd.Timedelta(days=20), early, listed))
                off = 0.15 if 0.8 <= early / goal < 1 else 0.05
                off += rng.normal(0, 0.02)
                deals.append((f"r{rep}", end - pd.Timedelta(days=2), 100 * (1 - off), 100.0))
        table = target_distance_pattern(self.department(deals, targets))
        extra = table.set_index("attainment_from")["extra_discount"]
        assert extra.loc[0.8] == pytest.approx(0.1, abs=0.01)
        assert extra.drop(0.8).abs().max() < 0.02
        near = table["attainment_from"] == 0.8
        assert (table.loc[near, "extra_discount_low"] > 0.05).all()
        elsewhere = table[~near & (table["n_rep_periods"] > 0)]
        assert (elsewhere["extra_discount_low"] <= 0).all()

    def test_targets_of_reps_are_asked_for(self):
        targets = [("team", "North", "2025-01-01", "2025-03-31", 100.0)]
        with pytest.raises(sd.MissingDataError, match="targets of reps for revenue"):
            target_distance_pattern(self.department([("a", "2025-02-03", 1.0, 1.0)], targets))

    def test_edges_must_rise(self):
        with pytest.raises(sd.InputError, match="edges must be rising shares"):
            target_distance_pattern(sample_department(), edges=(1.0, 0.5))


class TestWholePeriods:
    """Which fiscal periods count: those between the record's beginning and ``as_of``."""

    def row(self, days, **options):
        as_of = options.pop("as_of", "2025-06-30")
        return period_end_pattern(department_of(days, as_of=as_of), **options).iloc[0]

    def test_quiet_periods_up_to_as_of_count(self):
        # nothing is won from April on: two quarters more, and two boundaries
        days = pd.bdate_range("2025-01-01", "2025-03-31")
        row = self.row(days, as_of="2025-09-30")
        assert (row.n_periods, row.n_boundaries) == (3, 2)
        # 54 wins in the 54 and 55 days of two middles promise 5 x 54 / 109 in the last five days
        assert row.last_ratio == pytest.approx(109 / 54)
        assert row.next_first_ratio == 0
        assert self.row(days, as_of="2025-09-29")["n_periods"] == 2

    def test_the_window_ends_periods_too(self):
        days = pd.bdate_range("2025-01-01", "2025-06-30")
        row = self.row(days, end="2025-06-29")
        assert (row.n_periods, row.n_outside) == (1, 64)
        assert self.row(days, end="2030-12-31")["n_periods"] == 2

    def test_a_lone_early_closing_begins_no_period(self):
        days = pd.bdate_range("2025-02-17", "2025-09-30").tolist()
        late = self.row(days, as_of="2025-09-30")
        early = self.row([pd.Timestamp("2025-01-02"), *days], as_of="2025-09-30")
        assert (early.n_periods, early.n_boundaries) == (2, 1)
        assert early.n_outside == late.n_outside + 1
        for name in ("last_ratio", "net_ratio", "n_won_first"):
            assert early[name] == late[name]
        far = self.row([pd.Timestamp("1985-03-07"), *days], as_of="2025-09-30")
        assert (far.n_periods, far.n_outside) == (2, early.n_outside)

    def test_a_window_from_before_the_record_begins_no_earlier(self):
        days = pd.bdate_range("2025-02-17", "2025-09-30")
        row = self.row(days, as_of="2025-09-30", start="2020-01-01")
        assert (row.n_periods, row.n_boundaries) == (2, 1)

    def test_a_quiet_start_of_a_window_inside_the_record_is_a_quiet_start(self):
        days = [*pd.bdate_range("2024-10-01", "2024-12-31"),
                *pd.bdate_range("2025-02-17", "2025-06-30")]  # fmt: skip
        row = self.row(days, start="2025-01-01")
        assert (row.n_periods, row.n_boundaries) == (2, 1)

    def test_a_window_without_a_whole_period(self):
        days = pd.bdate_range("2025-01-01", "2025-06-30")
        row = self.row(days, start="2025-02-01", end="2025-03-31")
        assert (row.n_periods, row.n_outside) == (0, 20 + 21)
        assert np.isnan(row.last_ratio)
        assert self.row(days, start="2026-01-01")["n_outside"] == 0

    def test_groups_are_held_against_the_same_periods(self):
        days = pd.bdate_range("2025-01-01", "2025-06-30")
        frame = pd.DataFrame({"closed_at": days, "list_amount": 9.0, "amount": 9.0})
        frame["team"] = np.where(np.arange(len(days)) < 100, "old", "new")  # from 21 May on
        frame = frame.assign(deal_id=frame.index.astype(str), status="won")
        department = sd.Department(deals=frame, as_of="2025-06-30")
        table = period_end_pattern(department, by="team")
        assert table["n_periods"].tolist() == [2, 2]
        sums = table[["n_won_first", "n_won_middle", "n_won_last"]].to_numpy().sum()
        assert sums == len(days)
