"""To which level differences in results belong: the rep, the team, the territory, the period."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import ibis
import numpy as np
import pandas as pd
from ibis import _

from salesdiag.analyses.reps.case_mix import OWN_NAMES
from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch, steady
from salesdiag.errors import InputError
from salesdiag.stats.arguments import share
from salesdiag.stats.variance import variance_components

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department
    from salesdiag.stats.variance import Components

Measure = Literal["win_rate", "won_amount"]

PERIOD, REST = "closed_quarter", "residual"
_USUAL = ("rep_id", "team", "manager_id", "territory")
COLUMNS = [
    "measure", "component", "n_groups", "n_deals", "n_without_rep", "n_without_group",
    "n_without_amount", "overall", "variance", "spread", "spread_low", "spread_high",
    "variance_share", "variance_share_low", "variance_share_high", "status",
]  # fmt: skip
_LARGEST = 0.25  # variance of anything between 0 and 1
_COUNTS = ["n_groups", "n_deals", "n_without_rep", "n_without_group", "n_without_amount"]


def variance_split(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    measure: Measure = "win_rate",
    components: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Split the differences in results into rep, team or manager, territory, period, and chance.

    Is it the people, their manager, the region or the season? Reps are nested in teams, and
    both cross periods; each level gets the variance that its groups show beyond what the other
    levels and chance explain (Henderson's first method on the cells of reps and quarters). It
    sets sums of squares equal to what they are expected to be, which asks nothing of the shape of
    the data: wins are counted as they are, whose chance within a cell is that of the binomial,
    and no logarithm of a cell without wins is taken. So it holds for counts as for money.

    The rest is what chance makes of a single deal and is always the largest part: even good and
    bad reps lose most deals for reasons of their own. Look at ``spread``: reps who truly differ
    by 5 points (one standard deviation) matter, though they are one percent of the variance of
    single deals.

    Two levels with the same groups (each manager has one territory) cannot be separated, and no
    arithmetic helps: both are marked, and stand once more together. The table of reps knows one
    team a rep, the last, so reps who moved count for it; a team's part is told from that of its
    reps only because it has several of them. It is an association: a team may be better for its
    manager, its leads or its market.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``, ``rep_id``; ``closed_at`` for periods and a
        window; ``amount`` for the measure ``"won_amount"``); levels above the rep come from
        ``reps``. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **closed**.
    confidence : float, default 0.95
        Level of the intervals.
    measure : {"win_rate", "won_amount"}, default "win_rate"
        Whether closed deals are won (0 or 1), or the natural logarithm of the amount of deals
        won, of which a spread of 0.1 is about 10 %.
    components : sequence of str, optional
        Levels: columns that deals can be split by, and ``"closed_quarter"``. Default:
        ``rep_id``, of ``team``, ``manager_id`` and ``territory`` those there are, and the quarter.

    Returns
    -------
    DataFrame
        One row per group and component, "residual" last:

        - the ``by`` columns, if any;
        - ``measure`` : what is split; ``component`` : the level, ``"residual"`` for what chance
          makes of a single deal, or two levels with ``" + "`` between;
        - ``n_groups`` : groups of the level; 0 for the residual;
        - ``n_deals`` : deals that count; left out are those in the three that follow;
        - ``n_without_rep`` : deals without a rep; ``n_without_group`` : of the others, of an
          unknown team, territory or another level of which any is known (nobody's reps are no
          team); ``n_without_amount`` : won deals without an amount above 0, 0 for win rates;
        - ``overall`` : mean of all deals;
        - ``variance`` : between the true means of the groups; 0 where they differ by less than
          chance; NaN where not estimated, as all that follows;
        - ``spread`` : its root, in points of the measure; of win rates never above 0.5;
        - ``spread_low``, ``spread_high`` : its interval, of two teams up to anything;
        - ``variance_share`` : part of the variance of single deals, in [0, 1];
        - ``variance_share_low``, ``variance_share_high`` : its interval, the other components
          as estimated;
        - ``status`` : ``"estimated"``, ``"not_separable"``, ``"joint"`` or ``"too_few"`` (fewer
          than two groups).

    Raises
    ------
    MissingDataError
        If a column above is missing, or no table holds a ``by`` column or component.
    InputError
        If ``measure`` is not one of the two, or a component is named twice or split by.

    References
    ----------
    Henderson, C. R. (1953). Estimation of variance and covariance components. Biometrics 9,
    226-252.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> wins = {"a": 30, "b": 50, "c": 70}
    >>> rows = [(rep, "won" if n < wins[rep] else "lost") for rep in wins for n in range(100)]
    >>> deals = pd.DataFrame(rows, columns=["rep_id", "status"])
    >>> deals["deal_id"] = deals.index.astype(str)
    >>> table = variance_split(Department(deals=deals, as_of="2025-12-31"))
    >>> table[["component", "n_groups", "spread", "variance_share", "status"]].round(2)
      component  n_groups  spread  variance_share     status
    0    rep_id         3    0.19            0.14  estimated
    1  residual         0    0.47            0.86  estimated
    """
    if measure not in get_args(Measure):
        message = f"measure must be one of {', '.join(get_args(Measure))}; got {measure!r}."
        raise InputError(message)
    level = share("confidence", confidence)
    keys = department.split_keys(by, results=[*COLUMNS, *OWN_NAMES, PERIOD])
    windowed = start is not None or end is not None
    department.require(
        deals=["deal_id", "status", "rep_id", *(["closed_at"] if windowed else []),
               *(["amount"] if measure == "won_amount" else [])]
    )  # fmt: skip
    names = _components(department, components, keys)
    cells = _cells(department, keys, names, measure, start=start, end=end)
    by_group = list(cells.groupby(keys, sort=True)) if keys else [((), cells)]
    rows = [
        [*(name if isinstance(name, tuple) else (name,)), measure, *row]
        for name, group in by_group
        if len(group)
        for row in _split(group, names, measure, level)
    ]
    table = pd.DataFrame(rows, columns=[*keys, *COLUMNS])
    kinds = dict.fromkeys([*keys, "measure", "component", "status"], "str")
    kinds |= dict.fromkeys(_COUNTS, "int64")
    kinds |= {name: "float64" for name in COLUMNS if name not in kinds}
    return table.astype(kinds)


def _components(
    department: Department, components: Sequence[str] | None, keys: Sequence[str]
) -> list[str]:
    if components is None:
        usual = [name for name in _USUAL if department.home_of(name) and name not in keys]
        return usual + ([PERIOD] if department.has("deals", "closed_at") else [])
    names = [components] if isinstance(components, str) else list(components)
    twice = [name for name in names if name in keys or names.count(name) > 1]
    if twice or not names:
        message = f"components must be named once, and not be split by; got {names!r}."
        raise InputError(message)
    department.split_keys([name for name in names if name != PERIOD])
    if PERIOD in names:
        department.require(deals=["closed_at"])
    return names


def _cells(
    department: Department,
    keys: Sequence[str],
    names: Sequence[str],
    measure: str,
    *,
    start: date | str | None,
    end: date | str | None,
) -> pd.DataFrame:
    """Count deals and add up their values and squares, by rep and all other levels.

    ``n`` deals have a value, ``n_free`` are won without an amount.
    """
    wanted = list(dict.fromkeys([*keys, "rep_id", *(one for one in names if one != PERIOD)]))
    deals = department.select_deals(by=wanted, start=start, end=end, on="closed_at")
    deals = deals.filter(_.status != "open")
    if PERIOD in names:
        quarter = (_.closed_at.year() * 4 + _.closed_at.quarter()).cast("string")
        deals = deals.mutate(**{PERIOD: quarter.fill_null(UNASSIGNED)})
    is_won = _.status == "won"
    if measure == "won_amount":
        deals = deals.filter(is_won)
        paid = (deals.amount > 0).fill_null(False)  # noqa: FBT003
        value = ibis.ifelse(paid, deals.amount.cast("float64"), 1.0).ln()
        deals = deals.mutate(is_paid=paid, value=value, square=value * value)
        sums = {
            "n": _.count(where=_.is_paid), "n_free": _.count(where=~_.is_paid),
            "seen": _.value.sum(), "squares": _.square.sum(),
        }  # fmt: skip
    else:
        won = _.count(where=is_won)
        free = _.count(where=_.status.isnull())  # no deal
        sums = {"n": _.count(), "n_free": free, "seen": won, "squares": won}
    by = list(dict.fromkeys([*wanted, *names]))
    frame = fetch(deals.group_by(by).agg(**sums))
    frame = frame.sort_values(by, ignore_index=True)
    for name in ("seen", "squares"):
        frame[name] = steady(frame[name].astype(float))
    return frame


def _split(
    cells: pd.DataFrame, names: Sequence[str], measure: str, level: float
) -> list[list[object]]:
    """Give the rows of one group: its components, and the rest."""
    of_reps = cells[cells["rep_id"] != UNASSIGNED]
    is_known = pd.Series(data=True, index=of_reps.index)
    for name in names:
        has_group = of_reps[name] != UNASSIGNED
        # a level of which nothing is known takes no deals away from the others
        if has_group.any():
            is_known &= has_group
    named = of_reps[is_known]
    nobody = int(cells["n"].sum() - of_reps["n"].sum())
    strange, free = int(of_reps.loc[~is_known, "n"].sum()), int(cells["n_free"].sum())
    found = variance_components(
        named["n"].to_numpy(float), named["seen"].to_numpy(float),
        named["squares"].to_numpy(float), {name: named[name].to_numpy(object) for name in names},
        confidence=level, largest=_LARGEST if measure == "win_rate" else None,
    )  # fmt: skip
    counts = [int(named["n"].sum()), nobody, strange, free, found.mean]
    told = [one for one in found.level.values() if one.status in ("estimated", "joint")]
    total = sum(one.variance for one in told) + found.residual
    rows: list[list[object]] = []
    for name, one in found.level.items():
        rest = total - one.variance
        ends = np.array([one.variance, one.low, one.high])
        shares = ends / (rest + ends) if total > 0 else np.full(3, np.nan)
        if np.isnan(shares).any() or np.isnan(ends).any():
            ends, shares = np.full(3, np.nan), np.full(3, np.nan)
        rows.append([name, one.n_groups, *counts, ends[0], *np.sqrt(ends), *shares, one.status])
    rows.append([REST, 0, *counts, *_rest(found, told, counts[0], level)])
    return rows


def _rest(found: Components, told: Sequence[object], n_deals: object, level: float) -> list[object]:
    """Give the row of what chance makes of single deals."""
    from scipy import special

    df = float(n_deals) - 1  # type: ignore[arg-type]
    if not df > 0 or not found.residual > 0:
        return [*[np.nan] * 7, "too_few"]
    tail = (1 - level) / 2
    spread = np.sqrt(found.residual * np.array(
        [1, df / special.chdtri(df, tail), df / special.chdtri(df, 1 - tail)]
    ))  # fmt: skip
    others = np.array([
        sum(getattr(one, name) for one in told) for name in ("variance", "high", "low")
    ])  # fmt: skip
    shares = found.residual / (found.residual + np.nan_to_num(others))
    return [found.residual, *spread, *shares, "estimated"]
