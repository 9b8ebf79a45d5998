"""Break-even volume, leverage of price and volume, and tiers, against worked examples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesdiag.errors import InputError
from salesdiag.stats.decomposition import break_even_growth, profit_leverage
from salesdiag.stats.tiers import tiered


def test_break_even_volume_of_the_textbook():
    # METHODS section 4: 5 % off at 30 % margin, 10 % off at 40 %
    np.testing.assert_allclose(break_even_growth([0.05, 0.10], [0.30, 0.40]), [0.2, 1 / 3])


@given(st.floats(0, 0.5), st.floats(0.51, 1))
def test_after_break_even_growth_the_contribution_is_what_it_was(cut, margin):
    # at a price of 1: (1 + growth) x (margin - cut) = margin
    assert (1 + break_even_growth(cut, margin)) * (margin - cut) == pytest.approx(margin)


def test_no_volume_makes_up_for_a_cut_of_the_whole_margin():
    assert break_even_growth([0.3, 0.4, 0, np.nan], [0.3, 0.3, -0.1, 0.5]).tolist()[:3] == [
        np.inf, np.inf, 0,
    ]  # fmt: skip
    assert np.isnan(break_even_growth(np.nan, 0.5))
    with pytest.raises(InputError, match="cut must be between 0 and 1; got 5"):
        break_even_growth(5, 0.3)
    with pytest.raises(InputError, match="margin must be at most 1"):
        break_even_growth(0.1, 30)


def test_leverage_of_price_and_volume():
    # METHODS section 4, Marn and Rosiello 1992: margins of 9 and 29.7 %
    found = profit_leverage(0.09, 0.297)
    assert found.of_price.item() == pytest.approx(11.1, abs=0.05)
    assert found.of_volume.item() == pytest.approx(3.3, abs=0.05)
    assert np.isnan(profit_leverage([0, -0.1], 0.3)).all()


@pytest.mark.parametrize(("applies_to", "expected"), [("whole", 8.8), ("part", 6.8)])
def test_tiers_at_110_percent(applies_to, expected):
    # METHODS section 4: 8 % on all of 110, or 6 % on the first 100 and 8 % on 10
    starts, rates = [0, 100, 120], [0.06, 0.08, 0.10]
    assert tiered(110, starts, rates, applies_to=applies_to).item() == pytest.approx(expected)


def test_tiers_at_their_ends():
    starts, rates = [0, 100], [0.0, 0.1]
    at = [0, 99, 100, 200, np.nan]
    whole = tiered(at, starts, rates, applies_to="whole")
    np.testing.assert_allclose(whole, [0, 0, 10, 20, np.nan])  # a jump at 100
    parts = tiered(at, starts, rates, applies_to="part")
    np.testing.assert_allclose(parts, [0, 0, 0, 10, np.nan])  # a bend


@pytest.mark.parametrize(
    ("starts", "rates", "message"),
    [
        ([10, 20], [1, 2], "starts must ascend from 0"),
        ([0, 5, 5], [1, 2, 3], "starts must ascend from 0"),
        ([0, 5], [1], "rates must have one entry a row, 2; got 1"),
        ([], [], "starts must hold at least 1"),
    ],
)
def test_tiers_that_cannot_be_are_refused(starts, rates, message):
    with pytest.raises(InputError, match=message):
        tiered(1, starts, rates, applies_to="part")
    with pytest.raises(InputError, match="value must be 0 or more"):
        tiered(-1, [0], [1], applies_to="part")
    with pytest.raises(InputError, match='applies_to must be one of "whole", "part"'):
        tiered(1, [0], [1], applies_to="yes")
