"""What more activity does to the result, within reps and periods, and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from salesdiag.analyses.activity.effect_fit import (
    Effects,
    Estimate,
    Rows,
    fit_effects,
    lagged_rows,
)
from salesdiag.analyses.activity.keys import check_keys
from salesdiag.analyses.activity.panel import Result, column_of, result_panel, split_panel
from salesdiag.reductions.winnable import median_won_days, winnable_days
from salesdiag.stats.arguments import one_of, share, whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department
    from salesdiag.reductions.rep_weeks import Unit

UNIT_DAYS = {"week": 7, "month": 30, "quarter": 91}
_MOST_LAGS = 8
_SILENT = 0.05  # a placebo with a smaller p-value speaks
_AT_HAND = 0.99  # share of wins by whose age an open deal no longer counts as at hand
_COLUMNS = [
    "activity_type", "result", "unit", "lags", "leads", "n_reps", "n_rep_periods", "n_set_aside",
    "n_activities", "n_results", "effect", "effect_low", "effect_high", "p_value",
    "gain_per_hundred", "gain_per_hundred_low", "gain_per_hundred_high", "placebo_effect",
    "placebo_effect_low", "placebo_effect_high", "placebo_p_value", "free_effect",
    "free_effect_low", "free_effect_high", "raw_effect", "raw_effect_low", "raw_effect_high",
    "is_placebo_silent", "is_stable", "grade", "reading",
]  # fmt: skip


def activity_effect(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    result: Result = "deals_won",
    activity_type: str = "all",
    unit: Unit = "week",
    n_lags: int | None = None,
    n_leads: int = 2,
    scale: Literal["log", "asinh"] = "log",
    max_age_days: int | None = None,
    n_draws: int = 499,
    seed: int = 0,
) -> pd.DataFrame:
    """How much more result comes with more activity of the same rep, all else that shows equal.

    A count model of reps over periods (Poisson pseudo-likelihood): what is constant in a rep
    (skill, territory) and what is common to a period (season, holidays, prices) drops out. The
    result is in proportion to the deals at hand, and the activity of each period is judged by
    the deal-days at hand in it, so that a rep with more deals, who does more and wins more, shows
    no effect by that. Activity counts with the lags that the department's own cycle asks for;
    the effect is the sum over them.

    It is still an association. Three checks say how far to trust it. The *placebo*: activity of
    later periods cannot cause earlier results; where it seems to, winners write down more, or
    something else drives both. A *second specification* lets the result grow with the deals at
    hand at a rate of its own. And the *raw* figure, with nothing held constant, shows how much
    was not an effect. ``grade``: B adjusted and both checks passed, and the placebo was able to
    see an effect of this size; C one of them failed, or activities do not name their deal, so
    that what followed a win cannot be told from what led to it; D both checks failed, or there is
    only the raw figure. No grade is better than B: nobody drew lots about who works more.

    Activity on a deal after it was closed is left out (where activities name their deal); so are
    rep-periods with nothing at hand and the edges that lags and leads need, which are counted.

    Parameters
    ----------
    department : Department
        Needs ``activities`` (``rep_id``, ``activity_type``, ``occurred_at``; better with
        ``deal_id``) and ``deals`` (``rep_id``, ``created_at``, ``closed_at``; ``amount`` for
        revenue). Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``reps``. Deals count for the rep who has them now. The
        group "unassigned" is always there.
    start, end : date or str, optional
        Only **periods** that lie wholly between these days; not given: from the first to the
        last activity.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    result : {"deals_won", "revenue", "new_deals"}
        By day of closing (deals won, their amount) or of creation; new deals are in proportion
        to selling days instead of deals at hand.
    activity_type : str, default "all"
        "all", or one type of the schema, such as "call".
    unit : {"week", "month", "quarter"}, default "week"
        Length of a period.
    n_lags : int, optional
        Periods back. None: half of the deals won are won within so many, 8 at most.
    n_leads : int, default 2
        Periods ahead for the placebo; 0: none, and no grade above C.
    scale : {"log", "asinh"}, default "log"
        The tenth activity adds less than the first: log(1 + activities), or asinh.
    max_age_days : int, optional
        Open deals older than this no longer count as at hand. None: the age by which 99 % of
        the deals ever won are won; where too few are won to tell it, all count.
    n_draws, seed : int
        Draws of the wild bootstrap, used below 40 reps, and where its random numbers begin.

    Returns
    -------
    DataFrame
        One row per group:

        - the ``by`` columns, if any;
        - ``activity_type``, ``result``, ``unit`` : what was asked;
        - ``lags``, ``leads`` : periods back and ahead that were used;
        - ``n_reps``, ``n_rep_periods`` : reps and rep-periods that the model used;
          ``n_set_aside`` : rep-periods of employed reps that it could not use, or that tell
          nothing because the rep or the period has no result at all;
        - ``n_activities``, ``n_results`` : activities, and deals, in the rep-periods whose lags
          and leads are known;
        - ``effect`` : like an elasticity: 10 % more activity in all these periods goes with
          about 10 % times this more result; NaN with fewer than 5 reps, 30 results or 8 periods
          (or twice the lags), or where activity does not vary;
        - ``effect_low``, ``effect_high`` : wild bootstrap below 40 reps, else Student's, reps
          being independent; may be infinite with few reps; NaN where the effect is;
        - ``p_value`` : of an effect of 0;
        - ``gain_per_hundred`` : deals (or money) that the next hundred activities bring at this
          effect, where all reps do a little more in proportion; ``gain_per_hundred_low``,
          ``gain_per_hundred_high`` : of the bounds of the effect;
        - ``placebo_effect`` : the same of activity ahead, with ``placebo_effect_low``,
          ``placebo_effect_high``; ``placebo_p_value`` : of a placebo of 0; NaN without leads;
        - ``free_effect`` : the effect in the second specification, with ``free_effect_low``,
          ``free_effect_high``;
        - ``raw_effect`` : with nothing held constant, with ``raw_effect_low``,
          ``raw_effect_high``; a comparison of reps and seasons as much as of activity;
        - ``is_placebo_silent`` : its p-value is 0.05 or more, and it could have seen the effect;
        - ``is_stable`` : the two specifications have one sign, or neither excludes 0;
        - ``grade`` : "B", "C" or "D" as said above; empty text where nothing could be told;
        - ``reading`` : "more with more", "less with more", "no effect seen", "placebo speaks"
          or "too few".

    Raises
    ------
    MissingDataError
        If a column above is missing, or no table holds a ``by`` column.
    InputError
        If an option is not one of those allowed, or a ``by`` column says nothing of reps.

    References
    ----------
    Wooldridge, J. M. (1999). Distribution-free estimation of some nonlinear panel data models.
    Journal of Econometrics 90, 77-97. Kline, P. and Santos, A. (2012). A score based approach
    to wild bootstrap inference. Journal of Econometric Methods 1, 23-41.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": ["A"], "status": ["won"], "rep_id": ["r1"],
    ...     "created_at": pd.to_datetime(["2025-01-02"]),
    ...     "closed_at": pd.to_datetime(["2025-02-03"]),
    ... })
    >>> activities = pd.DataFrame({
    ...     "activity_id": ["1"], "activity_type": ["call"], "rep_id": ["r1"],
    ...     "occurred_at": pd.to_datetime(["2025-01-02"]),
    ... })
    >>> department = Department(deals=deals, activities=activities, as_of="2025-06-30")
    >>> activity_effect(department)[["n_results", "effect", "grade", "reading"]]
       n_results  effect grade  reading
    0          0     NaN        too few
    """
    keys = check_keys(department, by, _COLUMNS)
    share("confidence", confidence)
    for name, number in (("n_lags", n_lags or 0), ("n_leads", n_leads), ("seed", seed)):
        whole_number(name, number)
    whole_number("n_draws", n_draws, least=99)
    one_of("scale", scale, ("log", "asinh"))
    column_of(activity_type)
    limit = age_at_hand(department, max_age_days)
    panel = result_panel(
        department, result=result, unit=unit, start=start, end=end, max_age_days=limit
    )
    back = lags_of_cycle(department, unit) if n_lags is None else n_lags
    asked = [activity_type, result, unit, back, n_leads]
    is_linked = department.has("activities", "deal_id")
    rows = []
    for values, group in split_panel(department, panel, keys):
        prepared = lagged_rows(
            group, activity_type, result=result, scale=scale, n_lags=back, n_leads=n_leads
        )
        found = fit_effects(prepared, confidence=confidence, n_draws=n_draws, seed=seed)
        rows.append([*values, *asked, *_line(prepared, found, is_linked=is_linked)])
    table = pd.DataFrame(rows, columns=[*keys, *_COLUMNS])
    return table.astype(dict.fromkeys([one for one in _COLUMNS if one.startswith("n_")], "int64"))


def age_at_hand(department: Department, max_age_days: int | None) -> int | None:
    """Give the age from which an open deal no longer counts as at hand: given, or learnt."""
    if max_age_days is not None:
        return whole_number("max_age_days", max_age_days, least=1)
    department.require(deals=["created_at", "closed_at"])
    learnt = winnable_days(department, won_share=_AT_HAND)
    return None if np.isnan(learnt) else max(int(learnt), 1)


def lags_of_cycle(department: Department, unit: Unit) -> int:
    """Give the number of periods within which half of the deals won are won."""
    days = median_won_days(department)
    return 1 if np.isnan(days) else int(np.clip(np.ceil(days / UNIT_DAYS[unit]), 1, _MOST_LAGS))


def _line(rows: Rows, found: Effects, *, is_linked: bool) -> list[object]:
    whole, placebo = found.whole, found.placebo
    per_activity = 100 * rows.result.sum() / rows.per_activity if rows.per_activity else np.nan
    gain = [value * per_activity for value in whole[:3]]
    is_silent = _is_silent(whole, placebo)
    is_stable = _agree(whole, found.free)
    return [
        found.n_reps, found.n_rows, rows.n_set_aside + found.n_told_nothing,
        rows.n_activities, rows.n_results,
        *whole, *gain, *placebo, *found.free[:3], *found.raw[:3], is_silent, is_stable,
        _grade(found, is_silent + is_stable, is_linked=is_linked), _reading(whole, placebo),
    ]  # fmt: skip


def _is_silent(whole: Estimate, placebo: Estimate) -> bool:
    """Tell whether the placebo shows nothing, although it would have shown such an effect."""
    if np.isnan(placebo.value) or placebo.p_value < _SILENT:
        return False
    size = max(abs(one) for one in whole[:3])
    return bool((placebo.high - placebo.low) / 2 <= size)


def _agree(one: Estimate, other: Estimate) -> bool:
    if np.isnan(one.value) or np.isnan(other.value):
        return False
    clear = [found.low > 0 or found.high < 0 for found in (one, other)]
    return one.value * other.value > 0 or not any(clear)


def _grade(found: Effects, n_passed: int, *, is_linked: bool) -> str:
    if np.isnan(found.whole.value):
        return "" if np.isnan(found.raw.value) else "D"
    return "DCB"[n_passed if is_linked else min(n_passed, 1)]


def _reading(whole: Estimate, placebo: Estimate) -> str:
    if np.isnan(whole.value):
        return "too few"
    if placebo.p_value < _SILENT:
        return "placebo speaks"
    if whole.low > 0:
        return "more with more"
    return "less with more" if whole.high < 0 else "no effect seen"
