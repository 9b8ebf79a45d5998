"""Price, volume and mix, against worked examples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesdiag.errors import InputError
from salesdiag.stats.decomposition import TERMS, price_volume_mix


def totals(found):
    return dict(zip(TERMS, found.total.tolist(), strict=True))


def test_one_item_at_another_price_and_volume():
    # METHODS section 4: 1000 at 50 to 1100 at 52 is 2,100 of price and 5,100 of volume
    found = price_volume_mix(["A"], [1000], [50_000], [1100], [57_200])
    assert totals(found) == pytest.approx(
        {"volume": 5100, "mix": 0, "price": 2100, "currency": 0, "new": 0, "lost": 0}, abs=1e-9
    )
    assert np.isnan(found.low).all()


def test_a_shift_to_the_cheaper_item_is_mix():
    # 10 units at prices 100 and 20; from half and half to 2 and 8: 600 to 360, no price moved
    found = price_volume_mix(["A", "B"], [5, 5], [500, 100], [2, 8], [200, 160])
    assert totals(found) == pytest.approx(
        {"volume": 0, "mix": -240, "price": 0, "currency": 0, "new": 0, "lost": 0}, abs=1e-9
    )


def test_more_of_the_same_is_volume_only():
    found = price_volume_mix(["A", "B"], [5, 5], [500, 100], [10, 10], [1000, 200])
    assert totals(found)["volume"] == pytest.approx(600)
    assert found.change == 600


def test_new_and_lost_items_have_no_price_to_compare():
    found = price_volume_mix(list("ABC"), [5, 5, 0], [500, 100, 0], [5, 0, 3], [500, 0, 90])
    assert totals(found) == pytest.approx(
        {"volume": 0, "mix": 0, "price": 0, "currency": 0, "new": 90, "lost": -100}, abs=1e-9
    )
    np.testing.assert_allclose(found.part[:, 4], [0, 0, 90])


def test_the_exchange_rate_is_a_term_of_its_own():
    # 100 units at 10 dollars; the dollar falls from 0.9 to 0.8: nothing else moved
    found = price_volume_mix(["A"], [100], [1000], [100], [1000], base_rate=[0.9], rate=[0.8])
    assert totals(found)["currency"] == pytest.approx(-100)
    assert found.change == pytest.approx(-100)


ROWS = st.lists(
    st.tuples(
        st.sampled_from("ABC"), st.sampled_from("xyz"),
        st.integers(0, 9), st.floats(1, 50), st.integers(0, 9), st.floats(1, 50),
    ),
    min_size=1, max_size=15,
)  # fmt: skip


def columns_of(rows):
    item, cluster, q0, p0, q1, p1 = (np.array(column) for column in zip(*rows, strict=True))
    return (item, q0, q0 * p0, q1, q1 * p1), cluster


@settings(deadline=None, max_examples=60)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_terms_add_up_to_the_change_whatever_the_order_of_rows(rows, random):
    columns, cluster = columns_of(rows)
    found = price_volume_mix(*columns, cluster=cluster, n_draws=40)
    assert found.total.sum() == pytest.approx(columns[4].sum() - columns[2].sum(), abs=1e-9)
    np.testing.assert_allclose(found.part.sum(axis=0), found.total, atol=1e-9)
    random.shuffle(rows)
    columns, cluster = columns_of(rows)
    again = price_volume_mix(*columns, cluster=cluster, n_draws=40)
    np.testing.assert_array_equal(again.part, found.part)
    np.testing.assert_array_equal(again.low, found.low)
    if len(set(cluster)) > 1:
        assert (found.low <= found.total).all()
        assert (found.total <= found.high).all()


def test_the_intervals_hold_the_truth_about_as_often_as_they_say():
    # 40 buyers; each buys for certain, at prices that rise by 5 % on average, 10 % apart
    rng = np.random.default_rng(6)
    covered = 0
    for _round in range(200):
        quantity = rng.integers(1, 6, 40)
        rise = rng.normal(0.05, 0.1, 40)
        found = price_volume_mix(
            ["A"] * 40, quantity, quantity * 10.0, quantity, quantity * 10 * (1 + rise),
            cluster=np.arange(40), n_draws=300,
        )  # fmt: skip
        covered += found.low[2] <= 3 * 40 * 10 * 0.05 <= found.high[2]
    assert 0.90 <= covered / 200 <= 0.985


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"quantity": [-1, 1]}, "^quantity must be 0 or more"),
        ({"base_value": [0, 5]}, "base_value must be 0 where its quantity is; item B"),
        ({"value": [1]}, "value must have one entry a row, 2; got 1"),
        ({"item": ["A"]}, "item must have one entry a row"),
        ({"value": [1, np.nan]}, "value must not hold missing"),
        ({"base_rate": [25_000, 25_000]}, "base_rate and rate must be given together"),
        ({"rate": [1, 1], "item": ["A", "A"], "base_rate": [1, 2]}, "base_rate must be the same"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(changed, message):
    good = {"item": ["A", "B"], "base_quantity": [1, 0], "base_value": [5, 0],
            "quantity": [1, 1], "value": [5, 5]}  # fmt: skip
    with pytest.raises(InputError, match=message):
        price_volume_mix(**(good | changed))


def test_nothing_sold_on_either_side_is_nothing():
    found = price_volume_mix([], [], [], [], [])
    assert found.total.tolist() == [0] * 6
    assert found.change == 0
