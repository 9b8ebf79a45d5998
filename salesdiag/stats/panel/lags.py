"""Columns for what happened before, what happens after, and how much of it there was."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.errors import InputError
from salesdiag.stats.arguments import groups_of, share, vector, whole_number
from salesdiag.stats.rates.student import t_interval, two_sided_p

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from salesdiag.stats.panel.poisson import PanelFit

    Floats = NDArray[np.float64]


_LONGEST_SPAN = 10_000  # periods; days of 27 years


class LagColumns(NamedTuple):
    """Earlier and later values of a column, and the rows on which all of them are known."""

    shift: NDArray[np.intp]
    columns: Floats
    is_known: NDArray[np.bool_]


class Bins(NamedTuple):
    """Indicator columns for ranges of a value, the reference range left out."""

    low: Floats
    high: Floats
    columns: Floats


class Combination(NamedTuple):
    """A sum of coefficients with its interval."""

    value: float
    low: float
    high: float
    p_value: float


def lag_columns(
    value: ArrayLike,
    *,
    unit: ArrayLike,
    period: ArrayLike,
    n_lags: int = 0,
    n_leads: int = 0,
) -> LagColumns:
    """Give each row the values of its unit in the periods before and after.

    Coefficients of lags tell how long a cause takes to work. What comes later cannot cause
    what was before: a lead that matters says that the value follows the result, or that both
    follow something else.

    Parameters
    ----------
    value : array_like, shape (N,)
        One value a unit and period.
    unit : array_like, shape (N,)
        Labels.
    period : array_like, shape (N,)
        Whole numbers that count the periods; a gap is a period without a value.
    n_lags, n_leads : int, default 0
        How many periods back and ahead.

    Returns
    -------
    LagColumns
        ``shift`` : from -n_leads (ahead) over 0 to n_lags (back), one a column. ``columns`` :
        shape (N, n_leads + 1 + n_lags), NaN where the unit has no value in that period.
        ``is_known`` : rows without NaN.

    Raises
    ------
    InputError
        If a unit has two values in a period, or a period is no whole number.

    Examples
    --------
    >>> found = lag_columns([5, 7, 9], unit=list("aaa"), period=[1, 2, 4], n_lags=1)
    >>> found.columns.tolist()
    [[5.0, nan], [7.0, 5.0], [9.0, nan]]
    """
    x = vector("value", value)
    units, when = groups_of("unit", unit, len(x)), vector("period", period, length=len(x))
    if (when != np.round(when)).any():
        message = "period must hold whole numbers that count the periods."
        raise InputError(message)
    whole_number("n_lags", n_lags)
    whole_number("n_leads", n_leads)
    shift = np.arange(-n_leads, n_lags + 1)
    if not len(x):
        return LagColumns(shift, np.empty((0, len(shift))), np.empty(0, dtype=bool))
    if when.max() - when.min() > _LONGEST_SPAN:
        message = (
            f"period must count the periods one by one; from {when.min():.0f} to {when.max():.0f} "
            f"are more than {_LONGEST_SPAN}."
        )
        raise InputError(message)
    place = (when - when.min()).astype(np.intp) + n_lags
    table = np.full((len(units.labels), int(place.max()) + 1 + n_leads), np.nan)
    if len(np.unique(units.codes * table.shape[1] + place)) < len(x):
        message = "unit and period must be unique: add up the values of a unit in a period first."
        raise InputError(message)
    table[units.codes, place] = x
    columns = table[units.codes[:, None], place[:, None] - shift]
    return LagColumns(shift, columns, ~np.isnan(columns).any(axis=1))


def dose_bins(value: ArrayLike, edges: Sequence[float], *, reference: int = 0) -> Bins:
    """Cut a value into ranges and give an indicator column for each but the reference.

    A straight line through a dose says that the tenth unit helps as much as the first; ranges
    show where more stops helping.

    Parameters
    ----------
    value : array_like, shape (N,)
        The dose.
    edges : sequence of float
        Where a new range begins, ascending; the first range is all below the first edge.
    reference : int, default 0
        The range that the others are compared with.

    Returns
    -------
    Bins
        ``low`` (included), ``high`` (not included) of each range shown, and ``columns`` of 0
        and 1, shape (N, ranges - 1).

    Raises
    ------
    InputError
        If the edges do not ascend, or there is no such reference.

    Examples
    --------
    >>> dose_bins([0, 3, 12], [1, 10]).columns.tolist()
    [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    """
    x, ends = vector("value", value), vector("edges", edges, at_least=1)
    if (np.diff(ends) <= 0).any():
        message = f"edges must ascend; got {', '.join(f'{end:g}' for end in ends)}."
        raise InputError(message)
    whole_number("reference", reference, most=len(ends))
    bounds = np.concatenate(([-np.inf], ends, [np.inf]))
    shown = np.delete(np.arange(len(ends) + 1), reference)
    columns = (np.digitize(x, ends)[:, None] == shown).astype(float)
    return Bins(bounds[shown], bounds[shown + 1], columns)


def combination(fit: PanelFit, weights: ArrayLike, *, confidence: float = 0.95) -> Combination:
    """Add coefficients up with weights, such as those of all lags for the whole effect.

    Parameters
    ----------
    fit : PanelFit
        A fit of `poisson_panel`.
    weights : array_like, shape (K,)
        One a coefficient.
    confidence : float, default 0.95
        Level of the interval.

    Returns
    -------
    Combination
        ``value``, ``low``, ``high``, and ``p_value`` of its being 0; NaN but for the value
        where the fit has no standard errors.
    """
    level = share("confidence", confidence)
    by = vector("weights", weights, length=len(fit.coefficient))
    value = float(by @ fit.coefficient)
    error = float(np.sqrt(by @ fit.covariance @ by))
    degrees = fit.n_clusters - 1
    if not degrees or not error > 0:
        return Combination(value, np.nan, np.nan, np.nan)
    low, high = t_interval(value, error, degrees, level)
    return Combination(value, low.item(), high.item(), two_sided_p(value, error, degrees).item())
