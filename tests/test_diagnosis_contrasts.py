"""Changes against the year before: by hand, and on cells whose change is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from salesdiag.diagnosis.contrasts import DRIFT, Link, changes, overdispersion

LEVELS = {"team": "team", "source": "source", "rep_id": "rep"}
TEAMS = {f"r{number:02d}": "NESW"[number % 4] for number in range(24)}


def cells_of(rng, *, rate=0.3, fall=1.0, where=None, n=120, seasons=None):
    """Draw deals won of deals had, by side, month, rep and source; some fall in the second year."""
    rows = []
    for side in ("base", "now"):
        for month in range(12):
            season = 1.0 if seasons is None else seasons[month]
            for rep, team in TEAMS.items():
                for source in ("web", "fair"):
                    hit = side == "now" and (where is None or where in (team, source, rep))
                    share = rate * season * (fall if hit else 1.0)
                    size = rng.poisson(n / 12)
                    rows.append((side, month, rep, team, source, rng.binomial(size, share), size))
    columns = ["side", "month", "rep_id", "team", "source", "part", "whole"]
    return pd.DataFrame(rows, columns=columns)


def test_a_change_of_the_whole_by_hand():
    cells = pd.DataFrame({
        "side": ["base", "now"], "month": 0, "part": [300, 240], "whole": [1000, 1000],
    })  # fmt: skip
    (found,) = changes([Link(cells, "share")], {}, worse="down")
    assert (found.level, found.ids, found.n) == ("department", (), 1000)
    assert found.log_ratio == pytest.approx(np.log(240.25 / 300.25))
    variance = sum((1 - p) / (p * 1000.5) for p in (240.25 / 1000.5, 300.25 / 1000.5))
    assert found.standard_error == pytest.approx(np.sqrt(variance + DRIFT**2))
    expected = stats.norm.cdf(found.log_ratio / found.standard_error)
    assert found.p_value == pytest.approx(expected)
    assert found.expected == pytest.approx(found.measured / np.exp(found.log_ratio))


def test_links_of_a_chain_are_multiplied():
    first = pd.DataFrame({"side": ["base", "now"], "month": 0, "part": [50, 40], "whole": 100})
    second = pd.DataFrame({"side": ["base", "now"], "month": 0, "part": [25, 10], "whole": 50})
    both = changes([Link(first, "share"), Link(second, "share")], {}, worse="down")[0]
    one, two = (changes([Link(cells, "share")], {}, worse="down")[0] for cells in (first, second))
    assert both.log_ratio == pytest.approx(one.log_ratio + two.log_ratio)
    assert both.measured == pytest.approx(one.measured * two.measured)


@pytest.mark.parametrize("place", ["N", "web"])
def test_the_place_of_a_fall_is_found(place):
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(20):
        cells = cells_of(rng, fall=0.6, where=place)
        best = changes([Link(cells, "share")], LEVELS, worse="down")[0]
        hits += best.id == place and best.p_value < 0.05
    assert hits >= 18


def test_a_fall_everywhere_is_the_departments():
    rng = np.random.default_rng(4)
    best = [changes([Link(cells_of(rng, fall=0.75), "share")], LEVELS, worse="down")[0]
            for _ in range(15)]  # fmt: skip
    assert sum(one.level == "department" and one.p_value < 0.01 for one in best) >= 14


def test_seasons_cancel_and_nothing_is_found_where_nothing_fell():
    rng = np.random.default_rng(5)
    seasons = np.linspace(0.6, 1.4, 12)
    smallest = [min(one.p_value for one in changes(
        [Link(cells_of(rng, seasons=seasons), "share")], LEVELS, worse="down"))
        for _ in range(60)]  # fmt: skip
    # at 5 %, three of sixty are expected at most, for the places are paid for
    assert sum(p < 0.05 for p in smallest) <= stats.binom.ppf(0.999, 60, 0.05)


def test_a_change_for_the_better_is_no_fault():
    cells = cells_of(np.random.default_rng(6), fall=1.6)
    best = changes([Link(cells, "share")], LEVELS, worse="down")[0]
    assert best.p_value > 0.5


def test_reps_who_scatter_beyond_chance_widen_every_interval():
    rng = np.random.default_rng(7)
    calm = cells_of(rng)
    wild = calm.copy()
    swing = {rep: float(np.exp(0.4 * rng.normal())) for rep in TEAMS}
    late = wild["side"] == "now"
    wild.loc[late, "part"] = rng.binomial(
        wild.loc[late, "whole"], (0.3 * wild.loc[late, "rep_id"].map(swing)).clip(upper=0.9)
    )
    assert overdispersion([Link(calm, "share")]) < 3
    assert overdispersion([Link(wild, "share")]) > 4


def test_logs_means_and_totals():
    hours = pd.DataFrame({
        "side": ["base", "now"], "month": 0, "part": [0.0, 100 * np.log(3)], "whole": 100,
        "squares": [100.0, 100 * (1 + np.log(3) ** 2)],
    })  # fmt: skip
    found = changes([Link(hours, "log")], {}, worse="up")[0]
    assert (found.measured, found.expected) == pytest.approx((3.0, 1.0))
    assert found.standard_error == pytest.approx(np.sqrt(2 / 100 + DRIFT**2))
    leads = pd.DataFrame({"side": ["base", "now"], "month": 0, "part": [400, 100], "whole": 0})
    counted = changes([Link(leads, "total")], {}, worse="down")[0]
    assert counted.log_ratio == pytest.approx(np.log(100.25 / 400.25))


def test_a_place_with_hardly_any_events_is_left_out():
    cells = cells_of(np.random.default_rng(8))
    cells.loc[cells["rep_id"] == "r00", "part"] = 0
    ids = {one.id for one in changes([Link(cells, "share")], LEVELS, worse="down")}
    assert "r00" not in ids
    assert {"r01", "N", "web"} <= ids
