"""The search for a reversal: Berkeley, kidney stones, hand counts and other orders of rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesdiag.errors import InputError
from salesdiag.stats.standardisation import find_reversals, pooled_difference

# Bickel, Hammel and O'Connell 1975: admitted and applied, men in six departments, then women
ADMITTED = [512, 353, 120, 138, 53, 22, 89, 17, 202, 131, 94, 24]
APPLIED = [825, 560, 325, 417, 191, 373, 108, 25, 593, 375, 393, 341]
SEX, DEPARTMENT = ["men"] * 6 + ["women"] * 6, list("ABCDEF") * 2
# Charig and others 1986: stones removed by open surgery and by puncture, small and large
REMOVED, STONES = [81, 192, 234, 55], [87, 263, 270, 80]

CELLS = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from("pq"),
        st.sampled_from("rs"),
        st.integers(0, 40),
        st.integers(0, 40),
    ),
    min_size=1,
    max_size=12,
).map(lambda rows: [*rows, ("a", "p", "r", 1, 1), ("b", "p", "r", 1, 1)])


def search(cells, **options):
    side, first, second, part, rest = (list(one) for one in zip(*cells, strict=True))
    whole = [one + other for one, other in zip(part, rest, strict=True)]
    return find_reversals(part, whole, side, {"first": first, "second": second}, **options)


def planted(n):
    """Side "a" does better by .1 in easy and in hard cases, and has nine of ten hard ones."""
    part = [0.8 * 0.1 * n, 0.4 * 0.9 * n, 0.7 * 0.9 * n, 0.3 * 0.1 * n]
    return np.round(part), [0.1 * n, 0.9 * n, 0.9 * n, 0.1 * n], list("aabb")


def test_berkeley_turns_round_within_departments_but_not_beyond_chance():
    found = find_reversals(ADMITTED, APPLIED, SEX, {"department": DEPARTMENT})
    assert found.sides == ("men", "women")
    assert found.crude == pytest.approx(0.4452 - 0.3035, abs=1e-4)
    assert found.crude_low > 0
    assert found.adjusted < 0 < found.adjusted_high  # p = .217: see the pooled odds ratio
    assert found.reversed.all()
    assert not found.confirmed.any()
    assert (found.share_compared, found.n_strata) == (1, 6)


def test_kidney_stones_turn_round():
    found = find_reversals(
        REMOVED, STONES, ["open"] * 2 + ["puncture"] * 2, {"size": list("sl") * 2}
    )
    assert found.crude == pytest.approx(273 / 350 - 289 / 350)
    # weights n m / (n + m) of small and large stones
    small, large = 87 * 270 / 357, 263 * 80 / 343
    gap = small * (81 / 87 - 234 / 270) + large * (192 / 263 - 55 / 80)
    assert found.adjusted == pytest.approx(gap / (small + large))
    assert found.reversed.all()
    assert not found.confirmed.any()  # the crude difference is within chance


def test_a_planted_reversal_is_confirmed():
    part, whole, side = planted(1000)
    found = find_reversals(part, whole, side, {"kind": ["easy", "hard"] * 2})
    assert found.crude == pytest.approx(0.44 - 0.66)
    assert found.adjusted == pytest.approx(0.1)
    assert found.confirmed.tolist() == [True]


def test_the_same_reversal_in_few_cases_is_not():
    part, whole, side = planted(50)
    found = find_reversals(part, whole, side, {"kind": ["easy", "hard"] * 2})
    assert found.reversed.tolist() == [True]
    assert found.confirmed.tolist() == [False]


def test_a_crude_difference_within_chance_is_no_confirmed_reversal():
    # 399 of 1,000 against 401 of 1,000; like with like, a is ahead by .2
    part, whole = [180, 219, 350, 51], [200, 800, 500, 500]
    found = find_reversals(part, whole, list("aabb"), {"kind": ["easy", "hard"] * 2})
    assert found.crude == pytest.approx(-0.002)
    assert found.adjusted_low > 0.1
    assert found.reversed.tolist() == [True]
    assert found.confirmed.tolist() == [False]


def test_more_subsets_searched_ask_for_more():
    # clear of 0 at 95 %, but not at the 99.3 % that seven subsets call for
    part, whole, side = planted(700)
    kind, same = ["easy", "hard"] * 2, ["x"] * 4
    alone = find_reversals(part, whole, side, {"kind": kind})
    assert alone.confirmed.tolist() == [True]
    crowd = find_reversals(part, whole, side, {"kind": kind, "p": same, "q": same})
    assert len(crowd.confounders) == 7
    assert crowd.confounders[0] == ("kind",)
    assert crowd.adjusted_low[0] == alone.adjusted_low[0] > 0  # the interval asked for
    assert not crowd.confirmed.any()


def test_all_subsets_are_searched_smaller_ones_first():
    labels = {"u": list("abab"), "v": list("aabb"), "w": list("abba")}
    found = find_reversals([1, 2, 3, 4], [9, 9, 9, 9], list("xyxy"), labels)
    assert found.confounders == (
        ("u",), ("v",), ("w",), ("u", "v"), ("u", "w"), ("v", "w"), ("u", "v", "w"),
    )  # fmt: skip


def test_leaving_out_what_cannot_be_compared_confirms_nothing():
    # In "p" a is better, crude and within; the cases of a in "q" have no counterpart and
    # make it look worse. The mix within what is compared turns nothing round.
    found = find_reversals(
        [600, 0, 500], [1000, 2000, 1000], list("aab"), {"where": ["p", "q", "p"]}
    )
    assert found.crude == pytest.approx(0.2 - 0.5)
    assert [found.crude_compared.item(), found.adjusted.item()] == pytest.approx([0.1, 0.1])
    assert found.share_compared == pytest.approx(2000 / 4000)
    assert found.reversed.all()
    assert not found.confirmed.any()


def test_sides_that_never_meet_leave_the_adjusted_difference_unknown():
    found = find_reversals([1, 2], [5, 5], ["a", "b"], {"where": ["p", "q"]})
    assert np.isnan([found.adjusted, found.adjusted_low, found.crude_compared]).all()
    assert (found.share_compared, found.n_strata) == (0, 0)
    assert not found.reversed.any()


def test_a_side_without_units_is_unknown():
    found = find_reversals([0, 2], [0, 5], ["a", "b"], {"where": ["p", "p"]})
    assert np.isnan([found.crude, found.crude_low, found.adjusted]).all()
    assert not found.confirmed.any()


def test_the_crude_interval_is_newcombes():
    # Newcombe 1998, example a: 56 of 70 and 48 of 80
    found = find_reversals([56, 48], [70, 80], [1, 2], {"z": [0, 0]})
    np.testing.assert_allclose(
        (found.crude_low[0], found.crude_high[0]), (0.0524, 0.3339), atol=5e-5
    )
    wider = find_reversals([56, 48], [70, 80], [1, 2], {"z": [0, 0]}, confidence=0.99)
    assert wider.crude_low < found.crude_low < found.crude < found.crude_high < wider.crude_high


@given(CELLS)
def test_each_subset_is_the_pooled_difference_of_its_strata(cells):
    found = search(cells)
    for names, adjusted, low in zip(
        found.confounders, found.adjusted, found.adjusted_low, strict=True
    ):
        keys = [tuple(row[1 + ["first", "second"].index(name)] for name in names) for row in cells]
        table = {key: np.zeros(4) for key in sorted(set(keys))}
        for key, (side, _first, _second, part, rest) in zip(keys, cells, strict=True):
            table[key] += np.array((part, part + rest, 0, 0) if side == "a" else
                                   (0, 0, part, part + rest))  # fmt: skip
        pooled = pooled_difference(*np.array(list(table.values())).T)
        np.testing.assert_allclose((adjusted, low), pooled[:2], atol=1e-12)


@given(CELLS, st.randoms())
def test_order_of_rows_and_splitting_a_cell_change_nothing(cells, random):
    halves = [
        row
        for side, first, second, part, rest in cells
        for row in (
            (side, first, second, part - part // 2, rest - rest // 2),
            (side, first, second, part // 2, rest // 2),
        )
    ]
    random.shuffle(halves)
    one, other = search(cells), search(halves)
    assert one.confounders == other.confounders
    for ours, theirs in zip(one[2:], other[2:], strict=True):
        np.testing.assert_array_equal(ours, theirs)


@given(CELLS)
def test_changing_the_sides_changes_the_signs_only(cells):
    one = search(cells)
    other = search([({"a": "b", "b": "a"}[side], *rest) for side, *rest in cells])
    np.testing.assert_allclose(one.crude, -other.crude, atol=1e-12)
    np.testing.assert_allclose(one.adjusted_low, -other.adjusted_high, atol=1e-12)
    assert one.confirmed.tolist() == other.confirmed.tolist()


def test_no_difference_within_strata_is_seldom_taken_for_a_reversal():
    # 400 departments of 2,000 cases with a strong mix and no difference within
    rng = np.random.default_rng(8)
    hits = 0
    for _run in range(400):
        whole = rng.multinomial(2000, [0.1, 0.4, 0.4, 0.1])
        part = rng.binomial(whole, [0.6, 0.3, 0.6, 0.3])
        found = find_reversals(part, whole, list("aabb"), {"kind": ["easy", "hard"] * 2})
        hits += found.confirmed.any()
    assert hits / 400 <= 0.04  # 2.5 % on the one side that counts, and chance


CELL = ([1, 1], [2, 2], ["a", "b"])


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: find_reversals(*CELL, {}), "confounders must hold 1 to 3"),
        (lambda: find_reversals(*CELL, {one: [1, 1] for one in "pqrs"}), "1 to 3 .* got 4"),
        (lambda: find_reversals(*CELL, {"p": [1]}), r"confounders\['p'\] must have one"),
        (lambda: find_reversals(*CELL, {"p": [1, np.nan]}), r"confounders\['p'\] must not hold"),
        (lambda: find_reversals([1, 1], [2, 2], ["a", "a"], {"p": [1, 1]}), "side must hold"),
        (lambda: find_reversals([1] * 3, [2] * 3, list("abc"), {"p": [1] * 3}), "side .* got 3"),
        (lambda: find_reversals([3, 1], [2, 2], ["a", "b"], {"p": [1, 1]}), "n_part must not"),
        (lambda: find_reversals([1], [2, 2], ["a", "b"], {"p": [1, 1]}), "n_part must have one"),
        (lambda: find_reversals([], [], [], {"p": []}), "n_whole must hold at least 1"),
        (lambda: find_reversals([1, -1], [2, 2], ["a", "b"], {"p": [1, 1]}), "n_part must be 0"),
        (lambda: find_reversals(*CELL, {"p": [1, 1]}, confidence=1), "confidence must lie"),
    ],
)
def test_bad_input_is_refused_by_name(call, name):
    with pytest.raises(InputError, match=name):
        call()


def test_confounders_without_names_are_refused():
    for wrong in ([1, 1], "p", None):
        with pytest.raises(InputError, match="confounders must be a mapping of names to labels"):
            find_reversals(*CELL, wrong)
