"""Whether leads that are answered later are lost, like compared with like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.leads.clock import WorkClock
from salesdiag.analyses.leads.effect_cells import (
    ALIKE,
    EARLY,
    OUTCOMES,
    SUMS,
    UNANSWERED,
    YOUNG,
    count_alike,
    has_outcome,
)
from salesdiag.analyses.leads.effect_fit import ESTIMATES, fit_outcome
from salesdiag.analyses.leads.rows import check_keys, count_repeated, groups_of, is_linked
from salesdiag.errors import InputError
from salesdiag.stats.arguments import numbers, one_number, share, whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department

_COLUMNS = [
    "outcome", "delay_from_hours", "delay_to_hours", "is_reference", "n_leads", "n_converted",
    "n_unanswered", "n_answered_early", "n_young", "n_repeated", "conversion_rate",
    "conversion_rate_low", "conversion_rate_high",
    *[name + end for name in ESTIMATES for end in ("", "_low", "_high")],
    "effective_leads", "unlike_share", "second_effect", "e_value", "e_value_limit",
    "n_before_closing", "n_after_closing", "closing_effect", "closing_effect_low",
    "closing_effect_high", "claimed_closing_effect", "placebo_effect", "placebo_effect_low",
    "placebo_effect_high", "closing_test", "grade", "reason",
]  # fmt: skip
_LEFT_OUT = {"n_unanswered": UNANSWERED, "n_answered_early": EARLY, "n_young": YOUNG}


def response_effect(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    edges: Sequence[float] | None = None,
    mature_days: int = 90,
    closing_hours: float = 3.0,
) -> pd.DataFrame:
    """Compare what becomes of leads by how long they waited for an answer.

    Reps call first the leads that look hot, and hot leads buy whenever they are called. So
    the plain share that is qualified falls with the delay although the delay may do nothing.
    Here leads of the same source and segment that came at the same time of the day, before or
    after a day off, to reps who are as quick, are compared (cross-fitted augmented inverse
    probability weighting [1]_): what share of *all* leads would be qualified, or won, had all
    waited as long. How hot a lead looked stays unseen. It is tested where the clock makes
    leads wait and no rep: a lead just after closing time waits for the morning however hot it
    is, one just before often does not. If delay does what the comparison claims, leads after
    closing must do worse by ``claimed_closing_effect``; at a false closing time hours earlier
    nothing must happen. The test takes it that a lead cools by the clock on the wall, and that
    those who write after closing are no other people than those before; where leads of the
    evening are worse whatever is done, it is misled.

    Leads that were never answered have no delay and are left out, counted; see
    `unworked_leads`. The published "7 times" within an hour [2]_ is no measure of this one.

    Parameters
    ----------
    department : Department
        Needs ``leads`` (``lead_id``, ``created_at``, ``first_response_at``) with
        ``qualified_at``, ``status``, or ``deal_id`` (or ``lead_id`` in ``deals``); uses
        ``source``, ``segment``, ``rep_id`` and the calendar. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``leads`` or ``reps``; each group is estimated by itself.
        The group "unassigned" is always there.
    start, end : date or str, optional
        First and last day (both included) on which the lead **came in**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1. ``closing_test`` and ``grade`` are at
        0.95 whatever it is, but for ``e_value_limit``.
    edges : sequence of float, optional
        Where the bands of delay end, in rising working hours. Default: 1 and 4 hours, one and
        three working days.
    mature_days : int, default 90
        The outcome is what happens within so many days after the answer; leads answered later
        than that before ``as_of`` are too young and left out. A win without a date counts.
    closing_hours : float, default 3
        How long before and after closing time leads are compared; above 0, at most 6.

    Returns
    -------
    DataFrame
        One row per group, outcome and band, in order of delay; what does not depend on the
        band stands in each row of its group and outcome:

        - the ``by`` columns, if any;
        - ``outcome`` : "qualified" or "won";
        - ``delay_from_hours``, ``delay_to_hours`` : the band, above the first and up to the
          second, in working hours; NaN where it has no end;
        - ``is_reference`` : the band that others are held against, the fastest with 50 leads;
        - ``n_leads``, ``n_converted`` : leads in the band, and of these with the outcome;
        - ``n_unanswered``, ``n_answered_early``, ``n_young`` : leads of the group left out: not
          answered, answered before they came, too young; ``n_repeated`` : rows of the whole
          table left out because another row has their id;
        - ``conversion_rate``, ``conversion_rate_low``, ``conversion_rate_high`` :
          ``n_converted / n_leads``, in [0, 1], with Wilson interval; NaN without leads;
        - ``adjusted_rate``, ``adjusted_rate_low``, ``adjusted_rate_high`` : share with the
          outcome had all waited as long, in [0, 1]; NaN where refused;
        - ``delay_effect``, ``delay_effect_low``, ``delay_effect_high`` : its difference from the
          reference, in [-1, 1]; 0 there; NaN where either is refused. Reps are the independent
          units from 8 of them on, else leads;
        - ``doubling_effect``, ``doubling_effect_low``, ``doubling_effect_high`` : change of the
          share with each doubling of the delay on the wall clock among leads that are alike,
          same rep; NaN where there is none;
        - ``effective_leads`` : equally weighted leads that the band is worth; ``unlike_share`` :
          share of the leads of the group with hardly any chance (below 0.02) of this delay;
          NaN without an estimate;
        - ``second_effect`` : the difference by another method, plain strata of source and hour;
        - ``e_value``, ``e_value_limit`` : risk ratio that something unseen would need with both
          delay and outcome to explain the effect away, and to move its interval to 0; 1 or
          more, NaN where refused;
        - ``n_before_closing``, ``n_after_closing`` : leads that came just before and after;
        - ``closing_effect``, ``closing_effect_low``, ``closing_effect_high`` : share with the
          outcome after closing less that before, within sources; NaN below 20 leads on a side;
        - ``claimed_closing_effect`` : what ``doubling_effect`` claims it to be;
        - ``placebo_effect``, ``placebo_effect_low``, ``placebo_effect_high`` : the same at a false
          closing time, two spans earlier;
        - ``closing_test`` : "confirmed", "contradicted" (leads after closing do not do worse as
          claimed, so hot leads are called first; or the placebo fails), or "untold";
        - ``grade`` : "A" confirmed, agreed on by the second method, and a hidden cause would
          need a risk ratio of 1.5; "B" confirmed; "C" adjusted, the test cannot tell; "D"
          contradicted, or later answers seem to help: no effect; "" without an estimate;
        - ``reason`` : why there is no estimate; empty where there is one.

    Raises
    ------
    MissingDataError
        If a table or column above is missing, or no table holds a ``by`` column.
    InputError
        If an option is not one of those allowed, or a ``by`` column says nothing of leads.

    References
    ----------
    .. [1] Robins, J. M., Rotnitzky, A. and Zhao, L. P. (1994). Estimation of regression
       coefficients when some regressors are not always observed. Journal of the American
       Statistical Association 89, 846-866.
    .. [2] Oldroyd, J. B., McElheran, K. and Elkington, D. (2011). The short life of online
       sales leads. Harvard Business Review 89(3), 28.

    Examples
    --------
    Of the leads from the fair fewer qualify and fewer are answered fast; within each source a
    fast answer makes 20 more of 100 qualify.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> rows = [(source, hours, n < hits) for source, hours, many, hits in [
    ...     ("web", 0.5, 300, 180), ("web", 6, 100, 40), ("fair", 0.5, 100, 40),
    ...     ("fair", 6, 300, 60)] for n in range(many)]
    >>> leads = pd.DataFrame(rows, columns=["source", "hours", "hit"])
    >>> leads["lead_id"] = leads.index.astype(str)
    >>> leads["created_at"] = pd.Timestamp("2025-03-04 09:30")
    >>> wait = pd.to_timedelta(leads.pop("hours"), unit="h")
    >>> leads["first_response_at"] = leads["created_at"] + wait
    >>> leads["status"] = leads.pop("hit").map({True: "qualified", False: "disqualified"})
    >>> deals = pd.DataFrame({"deal_id": ["A"], "status": ["open"]})
    >>> department = Department(deals=deals, leads=leads, as_of="2025-12-31")
    >>> table = response_effect(department, edges=(1,)).query("outcome == 'qualified'")
    >>> table[["n_leads", "conversion_rate", "grade", "adjusted_rate", "closing_test"]].round(2)
       n_leads  conversion_rate grade  adjusted_rate closing_test
    0      400             0.55                  0.5       untold
    1      400             0.25     C            0.3       untold
    """
    share("confidence", confidence)
    keys = check_keys(department, by, [*_COLUMNS, *ALIKE, *SUMS, "n", "band"])
    department.require(leads=["first_response_at"])
    limits = _edges(department, edges)
    whole_number("mature_days", mature_days, least=1)
    width = one_number("closing_hours", closing_hours, least=1 / 60, most=6)
    known = {one: has_outcome(department, one) for one in OUTCOMES}
    if not any(known.values()) and not is_linked(department):
        department.require(leads=["qualified_at", "deal_id"])
    cells = count_alike(
        department, keys, limits, start=start, end=end, mature_days=mature_days,
        closing_hours=width,
    )  # fmt: skip
    parts = []
    groups = groups_of(cells, keys)
    for group in groups[keys].itertuples(index=False) if keys else [()]:
        own = np.ones(len(cells), dtype=bool)
        for key, value in zip(keys, group, strict=True):
            own &= (cells[key] == value).to_numpy()
        there = cells[own]
        used = there[there["band"] >= 0].reset_index(drop=True)
        for outcome in OUTCOMES:
            part = fit_outcome(used, outcome, limits, confidence, known=known[outcome])
            for name, band in _LEFT_OUT.items():
                part[name] = int(there.loc[there["band"] == band, "n"].sum())
            parts.append(part.assign(**dict(zip(keys, group, strict=True))))
    table = pd.concat(parts, ignore_index=True)
    table["n_repeated"] = count_repeated(department)
    return table[[*keys, *_COLUMNS]]


def _edges(department: Department, given: Sequence[float] | None) -> list[float]:
    if given is None:
        day = WorkClock(department).day_hours
        return sorted({1.0, 4.0, day, 3 * day})
    asked = numbers("edges", [given] if np.ndim(given) == 0 else given, least=0).tolist()
    if not asked or sorted(set(asked)) != asked:
        message = f"edges must be rising hours, from 0 on; got {given!r}."
        raise InputError(message)
    return [float(one) for one in asked]
