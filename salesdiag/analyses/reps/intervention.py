"""Did it help: training, coaching, a new manager or a new rule, since a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from salesdiag.analyses.reps.closings import closings, data_start, require_amounts, undated
from salesdiag.analyses.reps.intervention_fit import FOUND, fitted
from salesdiag.analyses.reps.intervention_panel import (
    Outcomes,
    month_of,
    monthly_outcomes,
    treated_since,
)
from salesdiag.analyses.reps.rep_groups import asked_of_reps, group_codes, with_groups
from salesdiag.stats.arguments import one_of, whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.analyses.reps.rep_groups import Asked
    from salesdiag.department import Department

_OUTCOMES = ("wins", "win_rate", "revenue", "activities", "discount")
_SHOWN = ["outcome", "since_on", *FOUND]


def intervention_effect(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    treated: Sequence[str] | Mapping[str, object] = (),
    since: date | str | None = None,
    outcome: Literal["wins", "win_rate", "revenue", "activities", "discount"] = "wins",
    months: int = 6,
) -> pd.DataFrame:
    """Tell what changed for the treated reps beyond season, growth and luck coming back.

    Who is sent to the coach? Those with the worst figures. And what happens next, coach or no
    coach? They get better, for part of what made them worst was bad luck. So three figures
    stand side by side. ``naive_effect``: after less before, which credits the coach with
    everything. ``did_effect``: less the change of reps not (yet) treated, which takes season
    and growth out, not the luck; what is counted per day is taken to grow by the same factor
    for all, shares by as many points. ``net_effect``: each rep's past is first drawn towards the
    mean of all by as much as chance explains, and the change is held against that; ``rebound``
    is what this takes away. Where reps differ less than chance would have it, they are drawn
    beyond the mean, for else a part of the rebound would always stay: simulated without any
    effect (the worst third coached, 6 to 24 reps, 20 wins each before, half or none of the
    differences real; 1,200 rounds), ``net_effect`` kept less than a tenth of ``did_effect``,
    and its 95 % intervals held zero in 97 to 99 %. Months that vary much more than by Poisson
    chance leave a little more (a twentieth, 94 %).

    ``net_effect`` is the one to read if reps were chosen for their results before. It is too
    low for the weak (and too high for the strong) who were chosen for something else that
    lasts; if they were chosen by lot, both agree. Two checks look for paths that were not
    parallel anyhow: the test of the months before (``placebo_p``), and the second half of the
    time before against the first as if the measure had begun there. Both passed: grade B.
    One failed or impossible: C. Both failed, or nobody untreated to compare with (a price list
    for all): D, and only the naive figure stands. A lottery would deserve an A, which the data
    cannot see.

    A month is treated as a whole: the one that holds the day, or the next one if the day lies
    after the 15th. The rep is the independent unit, and all weigh alike. Reps that were not
    there in the months before and after are left out and counted, whether treated or not; so
    are untreated ones with fewer than a fifth of the median rep's closed deals (managers who
    lend a hand).

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``rep_id``, ``status``, ``closed_at``); ``deals.amount`` for revenue,
        with ``list_amount`` for discounts; ``activities`` (``rep_id``, ``occurred_at``) for
        those. Not modified.
    by : str or sequence of str, default ()
        Columns of ``reps``; each group has its own treated and untreated.
    start, end : date or str, optional
        First and last day of the months that may be used. Default: from the first closing in
        the data to ``as_of``. Only whole months count.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    treated : sequence of str, or mapping, default ()
        The treated reps' ids; or each one's day, by id; or a condition on columns of ``reps``,
        such as ``{"team": "North"}``. With ``since`` alone all are treated.
    since : date or str, optional
        Day from which they were treated; for ids and conditions. Neither given: nothing is
        asked, and all figures are NaN.
    outcome : {"wins", "win_rate", "revenue", "activities", "discount"}, default "wins"
        Deals won, money won or activities per selling day; won of the deals decided; discount
        of the list price of deals won.
    months : int, default 6
        How many months before and after to compare, at most; those there are, if fewer.

    Returns
    -------
    DataFrame
        One row per group:

        - the ``by`` columns, if any;
        - ``outcome`` : as asked;
        - ``since_on`` : first day of treatment in the group; NaT without any;
        - ``n_treated``, ``n_control`` : reps compared; ``n_left_out`` : reps of the group not
          there in the months before and after (or on no day at all: a treated manager), or
          treated before the others' time; 0 where nobody of the group was treated;
        - ``n_undated`` : deals of the group closed without a day: they are in no month;
        - ``n_months_before``, ``n_months_after`` : months behind the comparison (of the first
          start);
        - ``before``, ``after`` : mean outcome of the treated; NaN without treated;
        - ``naive_effect`` : their difference;
        - ``did_effect``, ``did_effect_low``, ``did_effect_high`` : less the change of the
          untreated; NaN below two reps on either side;
        - ``rebound`` : part of it to be expected without any measure; NaN as ``net_effect``;
        - ``net_effect``, ``net_effect_low``, ``net_effect_high`` : what is left; NaN below six
          reps in all or two on either side, or where figures do not vary;
        - ``reliability`` : share of the differences before that is not chance, in [0, 1];
        - ``placebo_effect``, ``placebo_effect_low``, ``placebo_effect_high`` : ``did_effect`` of
          the second half of the months before; NaN below four months before;
        - ``placebo_p`` : of parallel paths before, in [0, 1]; NaN where not testable;
        - ``n_leads`` : months behind that test;
        - ``grade`` : "B", "C" or "D" as above; "" where nothing was asked.

    Raises
    ------
    MissingDataError
        If a column above is missing, or no deal carries an amount where money is asked.
    InputError
        If a rep or a column is not known, a day is missing or outside the data, ``by`` is no
        column of reps, or an option is out of range.

    References
    ----------
    Callaway, B. and Sant'Anna, P. H. C. (2021). Difference-in-differences with multiple time
    periods. Journal of Econometrics 225, 200-230.
    Barnett, A. G., van der Pols, J. C. and Dobson, A. J. (2005). Regression to the mean: what
    it is and how to deal with it. International Journal of Epidemiology 34, 215-220.

    Examples
    --------
    Eight reps win what they win in January and February; the two worst are coached from March
    on. Everybody's luck is dealt anew.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> wins = {"a": (1, 2, 4, 5), "b": (2, 1, 5, 5), "c": (5, 5, 6, 5), "d": (6, 5, 4, 6),
    ...         "e": (6, 7, 5, 6), "f": (7, 6, 5, 7), "g": (8, 8, 6, 7), "h": (9, 8, 7, 7)}
    >>> rows = [(rep, f"2025-0{month}-14") for rep, each in wins.items()
    ...         for month, n in enumerate(each, 1) for _ in range(n)]
    >>> deals = pd.DataFrame(rows, columns=["rep_id", "closed_at"])
    >>> deals = deals.assign(closed_at=pd.to_datetime(deals["closed_at"]), status="won",
    ...                      deal_id=range(len(deals)))
    >>> reps = pd.DataFrame({"rep_id": list(wins), "hired_on": pd.Timestamp("2020-01-01")})
    >>> department = Department(deals=deals, reps=reps, as_of="2025-04-30")
    >>> found = intervention_effect(department, treated=["a", "b"], since="2025-03-01",
    ...                             start="2025-01-01")
    >>> found[["naive_effect", "did_effect", "rebound", "net_effect"]].round(3)
       naive_effect  did_effect  rebound  net_effect
    0         0.151       0.159    0.036       0.123
    """
    asked = asked_of_reps(department, by, start, end, confidence, results=_SHOWN)
    one_of("outcome", outcome, _OUTCOMES)
    whole_number("months", months, least=1, most=36)
    closed = closings(department)
    if outcome in ("revenue", "discount"):
        require_amounts(department, closed)
    if outcome == "discount":
        department.require(deals=["list_amount"])
    if outcome == "activities":
        department.require(activities=["rep_id", "occurred_at"])
    first = data_start(closed)
    days = treated_since(department, treated, since, first=first)
    everyone = pd.concat([pd.Series(sorted(days), dtype="str"), closed["rep_id"]])
    outcomes = _outcomes(department, outcome, days, first, asked, months)
    everyone = pd.concat([everyone, outcomes.rep_id]).drop_duplicates().to_frame("rep_id")
    named = with_groups(department, everyone.reset_index(drop=True), asked.keys)
    groups, codes = group_codes(named, asked.keys)
    group_of = dict(zip(named["rep_id"], codes, strict=True))
    rows = [
        _row(outcomes, days, group_of, number, months, outcome, asked.level)
        for number in range(len(groups))
    ]
    table = pd.DataFrame(rows, columns=_SHOWN).astype(_kinds())
    lost = undated(closed, ["n_won", "n_lost"])
    of = lost.index.map(group_of).to_numpy(np.intp)
    sums = np.bincount(of, lost.to_numpy(float), minlength=len(groups))
    table["n_undated"] = sums.astype("int64")
    return groups[asked.keys].join(table)[[*asked.keys, *_SHOWN]]


def _outcomes(
    department: Department, outcome: str, days: dict[str, pd.Timestamp], first: pd.Timestamp,
    asked: Asked, months: int,
) -> Outcomes:  # fmt: skip
    """Give the outcomes of the whole months around the treatments, inside the window."""
    begin = first if asked.first is None else max(first, pd.Timestamp(asked.first))
    last = pd.Timestamp(asked.last) + pd.Timedelta(days=1)
    starts = [month_of(day) for day in days.values()]
    if pd.isna(begin) or not starts:
        return monthly_outcomes(department, outcome, np.zeros(0, dtype="int64"))
    # the data may begin within a month; only a day that was asked for cuts it off
    cut = asked.first is not None and pd.Timestamp(asked.first) >= first
    low = begin.year * 12 + begin.month - 1 + (begin.day > 1 and cut)
    high = last.year * 12 + last.month - 2
    span = np.arange(max(low, min(starts) - months), min(high, max(starts) + months - 1) + 1)
    return monthly_outcomes(department, outcome, span.astype("int64"))


def _row(
    outcomes: Outcomes, days: dict[str, pd.Timestamp], group_of: dict[str, int], number: int,
    months: int, outcome: str, level: float,
) -> list[object]:  # fmt: skip
    """Give the figures of one group."""
    mine = {rep: day for rep, day in days.items() if group_of[rep] == number}
    inside = (outcomes.rep_id.map(group_of) == number).to_numpy(bool)
    chosen = Outcomes(outcomes.rep_id[inside], outcomes.months, outcomes.top[inside],
                      outcomes.bottom[inside], outcomes.n_decided[inside])  # fmt: skip
    starts: NDArray[np.float64] = np.array(
        [month_of(mine[rep]) if rep in mine else np.inf for rep in chosen.rep_id], dtype=float
    )
    found = fitted(chosen, starts, months=months, outcome=outcome, level=level)
    if mine:  # a manager, say, of whom the tables show no day of selling
        unused = 0 if found["n_treated"] else len(starts)
        absent = len(set(mine) - set(chosen.rep_id))
        found["n_left_out"] = int(str(found["n_left_out"])) + unused + absent
    first = min(mine.values()) if mine else pd.NaT
    return [outcome, first, *(found[name] for name in FOUND)]


def _kinds() -> dict[str, str]:
    kinds = {name: "int64" if name.startswith("n_") else "float64" for name in FOUND}
    return {"outcome": "str", "since_on": "datetime64[us]"} | kinds | {"grade": "str"}
