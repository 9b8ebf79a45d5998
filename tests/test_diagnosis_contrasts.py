"""Changes against the year before: by hand, and on cells whose change is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from salesdiag.diagnosis.contrasts import DRIFT, changes, overdispersion
from salesdiag.diagnosis.estimates import Link, at_usual_mix, within_strata
from salesdiag.diagnosis.suspects import likeliest, of_department

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
    assert found.log_ratio == pytest.approx(np.log(240.5 / 300.5))
    variance = sum((1 - p) / (p * 1001) for p in (240.5 / 1001, 300.5 / 1001))
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
        best = likeliest(changes([Link(cells, "share")], LEVELS, worse="down"))
        hits += best.ids == (place,) and best.p_value < 0.05
    assert hits >= 18


def test_a_fall_everywhere_is_the_departments():
    rng = np.random.default_rng(4)
    best = [changes([Link(cells_of(rng, fall=0.75), "share")], LEVELS, worse="down")[0]
            for _ in range(15)]  # fmt: skip
    assert sum(one.level == "department" and one.p_value < 0.01 for one in best) >= 14


def test_seasons_cancel_and_nothing_is_found_where_nothing_fell():
    rng = np.random.default_rng(5)
    seasons = np.linspace(0.6, 1.4, 12)
    searched = [likeliest(changes(
        [Link(cells_of(rng, seasons=seasons), "share")], LEVELS, worse="down"))
        for _ in range(60)]  # fmt: skip
    smallest = [1.0 if one is None else one.p_value for one in searched]
    # at 5 %, three of sixty are expected at most, for the places are paid for
    assert sum(p < 0.05 for p in smallest) <= stats.binom.ppf(0.999, 60, 0.05)


def test_a_change_for_the_better_is_no_fault():
    cells = cells_of(np.random.default_rng(6), fall=1.6)
    whole = of_department(changes([Link(cells, "share")], LEVELS, worse="down"))
    assert whole.p_value > 0.999
    assert likeliest(changes([Link(cells, "share")], LEVELS, worse="down")) is None


def test_a_worse_mix_is_no_fall_and_a_fall_beside_it_is_seen():
    # hard cases are won one in ten, easy ones one in two; the hard ones have tripled
    cells = pd.DataFrame({
        "side": ["base", "base", "now", "now"], "month": 0, "source": ["hard", "easy"] * 2,
        "part": [20.0, 400.0, 60.0, 300.0], "whole": [200.0, 800.0, 600.0, 600.0],
    })  # fmt: skip
    raw, fair = (changes([Link(one, "share")], {}, worse="down")[0].log_ratio
                 for one in (cells, at_usual_mix(cells, ["source"])))  # fmt: skip
    # 360 of 1,200 against 420 of 1,000
    assert raw == pytest.approx(np.log(0.3 / 0.42), abs=0.002)
    # 60 hard and 300 easy wins were to be expected of the same rates
    assert fair == pytest.approx(0.0, abs=0.03)


def test_values_are_compared_within_their_stratum():
    # small deals of 10 and large of 1,000; the large ones became rare, each is as it was
    cells = pd.DataFrame({
        "side": ["base", "base", "now", "now"], "month": 0, "segment": ["S", "L"] * 2,
        "whole": [50.0, 50.0, 90.0, 10.0],
    })  # fmt: skip
    value = cells["segment"].map({"S": np.log(10), "L": np.log(1000)})
    cells = cells.assign(part=value * cells["whole"], squares=(value**2 + 0.1) * cells["whole"])
    found = changes([Link(within_strata(cells, ["segment"]), "log")], {}, worse="down")[0]
    assert found.log_ratio == pytest.approx(0.0, abs=1e-9)


def test_a_few_reps_together_are_found_and_not_taken_for_all():
    rng = np.random.default_rng(9)
    fallen = {"r01", "r05", "r09"}
    hits = 0
    for _ in range(20):
        cells = cells_of(rng)
        hit = cells["rep_id"].isin(fallen) & (cells["side"] == "now")
        cells.loc[hit, "part"] = rng.binomial(cells.loc[hit, "part"].astype(int), 0.4)
        best = likeliest(changes([Link(cells, "share")], LEVELS, worse="down"))
        hits += best.level == "rep" and set(best.ids) == fallen
    assert hits >= 16


def test_any_place_can_be_asked_for():
    cells = cells_of(np.random.default_rng(10), fall=0.5, where="N")
    found = changes([Link(cells, "share")], LEVELS, worse="down")
    listed = next(one for one in found if one.ids == ("N",))
    asked = found.at("team", ("N",))
    assert asked.log_ratio == pytest.approx(listed.log_ratio, abs=0.02)
    several = found.at("rep", tuple(sorted(cells.loc[cells["team"] == "N", "rep_id"].unique())))
    assert several.log_ratio == pytest.approx(asked.log_ratio, abs=0.02)
    assert found.at("segment", ("A",)) is None


def test_reps_who_scatter_beyond_chance_widen_every_interval():
    rng = np.random.default_rng(7)
    calm = cells_of(rng)
    wild = calm.copy()
    swing = {rep: float(np.exp(0.4 * rng.normal())) for rep in TEAMS}
    late = wild["side"] == "now"
    wild.loc[late, "part"] = rng.binomial(
        wild.loc[late, "whole"], (0.3 * wild.loc[late, "rep_id"].map(swing)).clip(upper=0.9)
    )
    assert overdispersion([Link(calm, "share")])[0] < 3
    assert overdispersion([Link(wild, "share")])[0] > 4


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
    assert counted.log_ratio == pytest.approx(np.log(100.5 / 400.5))


def test_a_place_with_hardly_any_events_is_left_out():
    cells = cells_of(np.random.default_rng(8))
    cells.loc[cells["rep_id"] == "r00", "part"] = 0
    ids = {name for one in changes([Link(cells, "share")], LEVELS, worse="down")
           for name in one.ids}  # fmt: skip
    assert "r00" not in ids
    assert {"r01", "N", "web"} <= ids
