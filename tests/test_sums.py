"""The range of a sum of randomly many contributions, against exact intervals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from salesdiag.errors import InputError
from salesdiag.stats.rates import compound_poisson_interval


@pytest.mark.parametrize("count", [0, 1, 2, 5, 40])
def test_equal_contributions_give_the_exact_poisson_interval(count):
    # Garwood 1936, by the quantiles of chi-square; contributions of 7 each
    low, high = compound_poisson_interval(7 * count, 49 * count, 7 if count else 0, typical=7.0)
    exact = chi2.ppf(0.025, 2 * count) / 2 if count else 0, chi2.ppf(0.975, 2 * count + 2) / 2
    np.testing.assert_allclose((low / 7, high / 7), exact, rtol=1e-9)


def test_fay_and_feuers_formula_by_hand():
    # y = 10, v = 34 (contributions 3, 3, 4), largest 4: gamma quantiles of their 1997 paper
    low, high = compound_poisson_interval(10, 34, 4)
    assert low == pytest.approx(34 / 20 * chi2.ppf(0.025, 200 / 34))
    assert high == pytest.approx(50 / 28 * chi2.ppf(0.975, 2 * 14**2 / 50))


def test_what_is_unknown_stays_unknown():
    low, high = compound_poisson_interval([-1, np.nan, 0, 10], [1, 1, 0, 0], [1, 1, 0, 10])
    assert np.isnan(low).all()
    assert np.isnan(high).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, -5, 1), "squares must be 0 or more"),
        (("a", 1, 1), "total must hold numbers only"),
        ((np.inf, 1, 1), "total must be finite"),
        (([1, 2], [1, 2, 3], 1), "total and squares and largest must have shapes that fit"),
    ],
)
def test_sums_that_cannot_be_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        compound_poisson_interval(*arguments)
