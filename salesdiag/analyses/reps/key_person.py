"""How much hangs on a few: concentration of wins and revenue on reps and accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from salesdiag.analyses.reps.case_mix import OWN_NAMES
from salesdiag.analyses.reps.key_person_sums import holder_sums
from salesdiag.department import UNASSIGNED
from salesdiag.stats.arguments import share, whole_number
from salesdiag.stats.rates import ratio

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department

    Floats = NDArray[np.float64]

COLUMNS = [
    "holder", "measure", "n_holders", "n_deals", "n_without_holder", "n_without_amount", "total",
    "largest_id", "largest", "total_without_largest", "total_without_largest_low",
    "total_without_largest_high", "top_share", "top_share_low", "top_share_high",
    "top_three_share", "top_three_share_low", "top_three_share_high", "herfindahl",
    "herfindahl_low", "herfindahl_high", "effective_number", "effective_number_low",
    "effective_number_high", "chance_top_share", "chance_top_share_low", "chance_top_share_high",
    "chance_herfindahl", "chance_herfindahl_low", "chance_herfindahl_high", "p_value",
]  # fmt: skip
_COUNTS = ["n_holders", "n_deals", "n_without_holder", "n_without_amount"]
_TEXTS = ["holder", "measure", "largest_id"]
_MEASURES = {"deals_won": ("n_deals", "deal_squares", "others_deals"),
             "revenue": ("amount", "amount_squares", "others_amount")}  # fmt: skip
_FEWEST = 5


class _Holders(NamedTuple):
    """What each holder has and its variance, largest first; and those not told one by one."""

    value: Floats
    variance: Floats
    rest: float  # what the others have in all
    rest_squares: float
    n_rest: int


def key_person_share(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    n_draws: int = 999,
    seed: int = 0,
) -> pd.DataFrame:
    """Show how much of the wins and the revenue hangs on the largest reps and accounts.

    One lost account is easily taken for a failing department, and one departure can be one. So:
    what share does the largest hold, and the three largest; how many equal ones would be as
    concentrated (`effective_number`, one over the sum of squared shares); and what is left without
    the largest. Some concentration is always chance: among equal reps one has the luckiest
    year. ``chance_*`` shows how concentrated equals would look, each with the same expectation
    and wins as lumpy as these, and ``p_value`` how often they would be so by luck. Equals does
    not ask who was there for how long: newcomers and leavers make for concentration, too.

    Drawn again are accounts: all that a rep won from one account comes or stays away together
    (deals, where the account itself is looked at or is not known). The draws are made from each
    holder's sum and sum of squares, as gamma distributed sums, so nothing but these leaves the
    engine. Wins count for the rep who has the deal now.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``) with ``rep_id`` or ``account_id``; ``amount``
        for the revenue, ``closed_at`` for a window. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **closed**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    n_draws, seed : int, default 999 and 0
        How often is drawn, and where the random numbers begin.

    Returns
    -------
    DataFrame
        One row per group, holder and measure:

        - the ``by`` columns, if any;
        - ``holder`` : ``"rep_id"`` or ``"account_id"``; ``measure`` : ``"deals_won"`` or
          ``"revenue"`` (amounts above 0 of deals won);
        - ``n_holders`` : reps or accounts with any of the measure; ``n_deals`` : deals won by
          all reps or accounts, also by those with none of the measure;
          ``n_without_holder`` : deals won without a rep or account, left out;
          ``n_without_amount`` : of ``n_deals``, without an amount above 0, not in the revenue;
        - ``total`` : of all holders; ``largest_id``, ``largest`` : the largest and what it has;
          NaN below 5 deals (for the revenue: paid ones), as all that follows;
        - ``total_without_largest`` : what is left without it; ``total_without_largest_low``,
          ``total_without_largest_high`` : what it may be another time;
        - ``top_share`` : share of the largest, in [0, 1]; ``top_share_low``,
          ``top_share_high`` : its interval;
        - ``top_three_share`` : of the three largest; ``top_three_share_low``,
          ``top_three_share_high`` : its interval;
        - ``herfindahl`` : sum of squared shares, in (0, 1]; ``herfindahl_low``,
          ``herfindahl_high`` : its interval;
        - ``effective_number`` : one over it; ``effective_number_low``,
          ``effective_number_high`` : its interval;
        - ``chance_top_share`` : share of the largest, on average, if all were equals; NaN with
          over 2,000 holders, as all that follows; ``chance_top_share_low``,
          ``chance_top_share_high`` : where it then lies;
        - ``chance_herfindahl``, ``chance_herfindahl_low``, ``chance_herfindahl_high`` : the sum
          of squared shares if all were equals, likewise;
        - ``p_value`` : how often equals would be as concentrated.

    Raises
    ------
    MissingDataError
        If a column above is missing, or no table holds a ``by`` column.
    InputError
        If ``n_draws`` or ``seed`` is no whole number.

    References
    ----------
    Laakso, M. and Taagepera, R. (1979). "Effective" number of parties: a measure with
    application to West Europe. Comparative Political Studies 12, 3-27.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({"rep_id": ["a"] * 6 + ["b"] * 3 + ["c"], "status": "won"})
    >>> deals["deal_id"] = deals.index.astype(str)
    >>> table = key_person_share(Department(deals=deals, as_of="2025-12-31"))
    >>> table[["holder", "measure", "largest_id", "top_share", "herfindahl"]].round(2)
       holder    measure largest_id  top_share  herfindahl
    0  rep_id  deals_won          a        0.6        0.46
    """
    level = share("confidence", confidence)
    whole_number("n_draws", n_draws, least=1)
    whole_number("seed", seed)
    keys = department.split_keys(by, results=[*COLUMNS, *OWN_NAMES])
    windowed = start is not None or end is not None
    department.require(deals=["deal_id", "status", *(["closed_at"] if windowed else [])])
    holders = [name for name in ("rep_id", "account_id") if department.has("deals", name)]
    if not holders:
        department.require(deals=["rep_id"])
    measures = ["deals_won", *(["revenue"] if department.has("deals", "amount") else [])]
    rows: list[list[object]] = []
    for holder in holders:
        large, others = holder_sums(department, keys, holder, start=start, end=end)
        groups = list(large.groupby(keys, sort=True)) if keys else [((), large)]
        for name, group in groups:
            label = name if isinstance(name, tuple) else (name,)
            rest = others
            for key, value in zip(keys, label, strict=True):
                rest = rest[rest[key] == value]
            for measure in measures if len(group) else ():
                random = np.random.default_rng(seed)
                found = _one(group, rest, measure, random, n_draws, level)
                rows.append([*label, holder, measure, *found])
    table = pd.DataFrame(rows, columns=[*keys, *COLUMNS])
    kinds = dict.fromkeys([*keys, *_TEXTS], "str") | dict.fromkeys(_COUNTS, "int64")
    kinds |= {name: "float64" for name in COLUMNS if name not in kinds}
    table = table.astype(kinds)
    return table.sort_values(keys, kind="stable", ignore_index=True) if keys else table


def _one(
    group: pd.DataFrame, rest: pd.DataFrame, measure: str, random: np.random.Generator,
    n_draws: int, level: float,
) -> list[object]:  # fmt: skip
    column, squares, rest_squares = _MEASURES[measure]
    known = group[group["holder_id"] != UNASSIGNED]
    named = known[known[column] > 0].sort_values(
        [column, squares, "holder_id"], ascending=[False, False, True]
    )
    n_rest = int(rest["n_others"].sum())
    own = _Holders(
        named[column].to_numpy(float), named[squares].to_numpy(float),
        float(rest[column].sum()), float(rest[rest_squares].sum()), n_rest,
    )  # fmt: skip
    free = int(known["n_without_amount"].sum() + rest["n_without_amount"].sum())
    nobody = int(group.loc[group["holder_id"] == UNASSIGNED, "n_deals"].sum())
    n_deals = int(known["n_deals"].sum() + rest["n_deals"].sum())
    n_told = n_deals - free if measure == "revenue" else n_deals
    counts: list[object] = [len(named) + n_rest, n_deals, nobody, free]
    total = float(own.value.sum() + own.rest)
    if n_told < _FEWEST or not total > 0 or not len(named):
        return [*counts, total if total > 0 else np.nan, "", *[np.nan] * 23]
    left = _without_largest(own, total, level)
    shares = _concentration(own.value, own.rest, own.rest_squares)
    drawn = random.gamma(
        own.value**2 / own.variance, own.variance / own.value, (n_draws, len(own.value))
    )
    again = _concentration(drawn, own.rest, own.rest_squares)
    found: list[object] = []
    n = len(own.value) + own.n_rest
    for now, then, least in zip(shares, again, (1 / n, min(3 / n, 1.0), 1 / n), strict=True):
        found += _interval(float(now), then, least, level)
    herfindahl = found[6:9]
    found += [1 / one for one in (herfindahl[0], herfindahl[2], herfindahl[1])]  # type: ignore[operator]
    found += _by_chance(own, total, float(shares[2]), random, n_draws, level)
    return [*counts, total, str(named["holder_id"].iloc[0]), own.value[0], *left, *found]


def _without_largest(own: _Holders, total: float, level: float) -> list[float]:
    """Give what is left, and where it may lie: a gamma distributed sum."""
    from scipy import special

    left = max(total - float(own.value[0]), 0.0)
    spread = float(own.variance[1:].sum()) * (1 + own.n_rest / max(len(own.value), 1))
    if not left > 0 or not spread > 0:
        return [left, left, left]
    tail = (1 - level) / 2
    shape, scale = left**2 / spread, spread / left
    ends = [float(special.gammaincinv(shape, one) * scale) for one in (tail, 1 - tail)]
    return [left, min(ends[0], left), max(ends[1], left)]


def _concentration(value: Floats, rest: float, rest_squares: float) -> tuple[Floats, ...]:
    """Give the share of the largest, of the three largest, and the sum of squared shares."""
    total = value.sum(axis=-1) + rest
    last = value.shape[-1]
    top = np.partition(value, [max(last - 3, 0), last - 1], axis=-1)[..., -3:]
    return (
        ratio(top.max(axis=-1), total), ratio(top.sum(axis=-1), total),
        ratio((value**2).sum(axis=-1) + rest_squares, total**2),
    )  # fmt: skip


def _interval(now: float, then: Floats, least: float, level: float) -> list[float]:
    """Give a figure with the interval of its draws, moved so that they are about it.

    Drawn holders differ more than those seen, which are drawn once already.
    """
    tail = (1 - level) / 2
    low, high = np.quantile(then, [tail, 1 - tail]) - then.mean() + now
    return [now, float(np.clip(low, min(now, least), now)), float(np.clip(high, now, 1.0))]


def _by_chance(
    own: _Holders, total: float, herfindahl: float, random: np.random.Generator, n_draws: int,
    level: float,
) -> list[float]:  # fmt: skip
    """Draw the same number of equals, with as lumpy wins, and see how concentrated they are."""
    if own.n_rest:
        return [np.nan] * 7
    lump = float(own.variance.sum() / own.value.sum())
    n = len(own.value)
    drawn = random.gamma(total / n / lump, lump, (n_draws, n))
    top, _three, squares = _concentration(np.maximum(drawn, 1e-300), 0.0, 0.0)
    tail = (1 - level) / 2
    found: list[float] = []
    for one in (top, squares):
        low, high = np.quantile(one, [tail, 1 - tail])
        mean = float(one.mean())
        found += [mean, min(float(low), mean), max(float(high), mean)]
    p_value = (1 + np.sum(squares >= herfindahl - 1e-12)) / (n_draws + 1)
    return [*found, float(p_value)]
