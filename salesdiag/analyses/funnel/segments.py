"""Each value of a column against all others: how much is the mix, how much the rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from ibis import _

from salesdiag.engine import fetch, suggest
from salesdiag.errors import InputError
from salesdiag.stats.rates import rate_difference, ratio, wilson_interval
from salesdiag.stats.standardisation import find_reversals, kitagawa

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department

_USUAL = ("segment", "source", "product", "pipeline")  # fixed before a rep can act
_MOST = 3
_COLUMNS = [
    "value", "n_deals", "n_won", "win_rate", "win_rate_low", "win_rate_high", "n_others",
    "n_others_won", "others_rate", "others_rate_low", "others_rate_high", "difference",
    "difference_low", "difference_high", "mix_part", "rate_part", "adjusted_difference",
    "adjusted_difference_low", "adjusted_difference_high", "compared_share", "adjusted_for",
    "is_reversed", "is_reversal_confirmed", "reversed_by",
]  # fmt: skip


def segment_comparison(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    compare: str = "segment",
    adjust_for: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Win rate of each value of a column against all other deals, like compared with like.

    A team, a rep or a source may win less because its deals are others. So each difference is
    split into what the mix of deals makes and what is left at equal deals, it is shown again
    within cells of equal deals (Mantel and Haenszel), and it is searched for a reversal: a
    side that looks worse in all and is better in every part (Simpson 1951).

    Adjust only for what was fixed before anybody acted: segment, source, product. What
    happens on the way (stage, activity, discount) is not a reason to call deals unlike.
    Closed deals only: where open deals are many, see `outcome_incidence`.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``; ``closed_at`` for a window) and the columns
        named. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **closed**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    compare : str, default "segment"
        Column of ``deals``, ``reps`` or ``accounts`` whose values are compared.
    adjust_for : sequence of str, optional
        One to three columns that make deals unlike. Default: those of segment, source, product
        and pipeline that the deals have and that are not compared or split by.

    Returns
    -------
    DataFrame
        One row per group and value:

        - the ``by`` columns, if any;
        - ``value`` : of the column compared, "unassigned" where it is missing;
        - ``n_deals``, ``n_won`` : its closed and won deals; ``win_rate`` : their ratio, in
          [0, 1]; ``win_rate_low``, ``win_rate_high`` : Wilson interval;
        - ``n_others``, ``n_others_won`` : those of all other values of the group;
          ``others_rate`` : their ratio; ``others_rate_low``, ``others_rate_high`` : interval;
        - ``difference`` : ``win_rate`` less ``others_rate``, in [-1, 1]; NaN if either is;
          ``difference_low``, ``difference_high`` : Newcombe's interval;
        - ``mix_part``, ``rate_part`` : what the mix of deals makes of it, and what is left at
          equal deals (Kitagawa); they add up to ``difference``; NaN without columns to adjust
          for;
        - ``adjusted_difference`` : pooled difference within cells of equal deals; NaN if no cell
          holds both; ``adjusted_difference_low``, ``adjusted_difference_high`` : its interval, -1
          to 1 where no share varies within a cell, which tells nothing;
        - ``compared_share`` : share of the deals in cells that hold both, in [0, 1];
        - ``adjusted_for`` : the columns, joined by " + "; empty without any;
        - ``is_reversed`` : whether the sign turns for any set of these columns;
          ``is_reversal_confirmed`` : whether that is beyond chance, all sets searched;
          ``reversed_by`` : the smallest such set, else empty.

    Raises
    ------
    MissingDataError
        If no table holds a column named.
    InputError
        If more than three columns are to be adjusted for, or one is compared or split by.

    References
    ----------
    Kitagawa, E. M. (1955). Components of a difference between two rates. Journal of the
    American Statistical Association 50, 1168-1194. Simpson, E. H. (1951). The interpretation
    of interaction in contingency tables. Journal of the Royal Statistical Society B 13,
    238-241.

    Examples
    --------
    South wins more of small and of large deals, and less in all: it gets the large ones.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> cells = [("North", "small", 90, 100), ("North", "large", 2, 20),
    ...          ("South", "small", 19, 20), ("South", "large", 30, 100)]
    >>> deals = pd.DataFrame([(team, size, "won" if n < won else "lost")
    ...                       for team, size, won, whole in cells for n in range(whole)],
    ...                      columns=["team", "segment", "status"])
    >>> deals["deal_id"] = [str(number) for number in range(len(deals))]
    >>> table = segment_comparison(Department(deals=deals, as_of="2025-12-31"), compare="team")
    >>> table[["value", "difference", "mix_part", "rate_part", "is_reversed"]].round(3)
       value  difference  mix_part  rate_part  is_reversed
    0  North       0.358     0.483     -0.125         True
    1  South      -0.358    -0.483      0.125         True
    """
    keys = department.split_keys(by, results=_COLUMNS)
    cells, names = _count(department, keys, compare, adjust_for, start=start, end=end)
    groups = cells.groupby(keys, sort=True) if keys else [((), cells)]
    rows = [
        (*name, *_one_value(part, value, names, confidence))
        for name, part in groups
        for value in sorted(part["value"].unique())
    ]
    shown = [name for name in _COLUMNS if not name.startswith(("win_rate", "others_rate"))]
    table = pd.DataFrame(rows, columns=[*keys, *shown])
    for rate, n_part, n_whole in (
        ("win_rate", "n_won", "n_deals"), ("others_rate", "n_others_won", "n_others"),
    ):  # fmt: skip
        table[rate] = ratio(table[n_part], table[n_whole])
        low, high = wilson_interval(table[n_part], table[n_whole], confidence=confidence)
        table[f"{rate}_low"], table[f"{rate}_high"] = low, high
    kinds = {name: "int64" for name in _COLUMNS if name.startswith("n_")}
    kinds |= {name: "bool" for name in _COLUMNS if name.startswith("is_")}
    known = table["adjusted_difference"].notna()
    for end, widest in (("low", -1.0), ("high", 1.0)):
        bound = table[f"adjusted_difference_{end}"]
        table[f"adjusted_difference_{end}"] = bound.mask(known & bound.isna(), widest)
    return table[[*keys, *_COLUMNS]].astype(kinds)


def _count(
    department: Department,
    keys: list[str],
    compare: str,
    adjust_for: Sequence[str] | None,
    *,
    start: date | str | None,
    end: date | str | None,
) -> tuple[pd.DataFrame, list[str]]:
    """Count closed and won deals per group, value and cell of equal deals, sorted."""
    names = _to_adjust_for(department, keys, compare, adjust_for)
    windowed = start is not None or end is not None
    department.require(deals=["deal_id", "status", *(["closed_at"] if windowed else [])])
    columns = department.split_keys([*keys, compare, *names])
    deals = department.select_deals(by=columns, start=start, end=end, on="closed_at")
    closed = deals.filter(_.status != "open")
    counted = closed.group_by(columns).agg(
        n_won=_.count(where=_.status == "won"), n_deals=_.count()
    )
    cells = fetch(counted).sort_values(columns).reset_index(drop=True)
    return cells.rename(columns={compare: "value"}), names


def _to_adjust_for(
    department: Department, keys: list[str], compare: str, adjust_for: Sequence[str] | None
) -> list[str]:
    if compare in keys:
        message = f"compare: {compare!r} is split by already; leave it out of by."
        raise InputError(message)
    if adjust_for is None:
        held = department.table("deals").columns
        usual = [name for name in _USUAL if name in held and name not in [compare, *keys]]
        return usual[:_MOST]
    names = [adjust_for] if isinstance(adjust_for, str) else list(adjust_for)
    twice = [name for name in names if name in [compare, *keys] or names.count(name) > 1]
    if twice or len(names) > _MOST:
        message = (
            f"adjust_for must be at most {_MOST} columns, none of them compared, split by or "
            f"named twice; got {names!r}.{suggest(compare, names) if twice else ''}"
        )
        raise InputError(message)
    return names


def _one_value(
    cells: pd.DataFrame, value: str, names: list[str], confidence: float
) -> tuple[object, ...]:
    """Compare one value with the others of its group."""
    own = (cells["value"] == value).to_numpy()
    won, whole = cells["n_won"].to_numpy(float), cells["n_deals"].to_numpy(float)
    n, n_won = whole[own].sum(), won[own].sum()
    n_others, n_others_won = whole[~own].sum(), won[~own].sum()
    found = rate_difference(n_won, n, n_others_won, n_others, confidence=confidence)
    difference = [float(one) for one in found]
    counts = (value, int(n), int(n_won), int(n_others), int(n_others_won), *difference)
    if not names or not n or not n_others:
        return (*counts, *[np.nan] * 6, " + ".join(names), False, False, "")
    mix, rate = _mix_and_rate(cells, own, names)
    labels = {name: cells[name].to_numpy() for name in names}
    # "1" sorts before "2": the difference is the value's less the others'
    side = np.where(own, "1", "2")
    turned = find_reversals(won, whole, side, labels, confidence=confidence)
    last = len(turned.confounders) - 1  # all of the columns together
    sets = [" + ".join(turned.confounders[i]) for i in np.flatnonzero(turned.reversed)]
    sure = [" + ".join(turned.confounders[i]) for i in np.flatnonzero(turned.confirmed)]
    adjusted = (turned.adjusted[last], turned.adjusted_low[last], turned.adjusted_high[last])
    return (
        *counts, mix, rate, *map(float, adjusted), float(turned.share_compared[last]),
        " + ".join(names), bool(sets), bool(sure), (sure or sets or [""])[0],
    )  # fmt: skip


def _mix_and_rate(cells: pd.DataFrame, own: np.ndarray, names: list[str]) -> tuple[float, float]:
    """Split the difference to the others into the mix of cells and the rates within."""
    sums = cells.assign(own=own).groupby([*names, "own"])[["n_won", "n_deals"]].sum()
    table = sums.unstack("own", fill_value=0)  # noqa: PD010
    won, whole = table["n_won"].to_numpy(float), table["n_deals"].to_numpy(float)
    split = kitagawa(whole[:, 0], ratio(won[:, 0], whole[:, 0]),
                     whole[:, 1], ratio(won[:, 1], whole[:, 1]))  # fmt: skip
    return float(split.mix_total), float(split.rate_total)
