"""How much money a cohort of deals brings a day, and which factor makes groups differ."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import pandas as pd

from salesdiag.analyses.pipeline.groups import counted, groups_of, places
from salesdiag.analyses.pipeline.velocity_draws import NAMES, PARTS, figures_of, longest_age
from salesdiag.department import UNASSIGNED
from salesdiag.periods import last_twelve_months, parse_day
from salesdiag.reductions.ages import AGE_COUNTS, RESERVED, age_cells
from salesdiag.stats.arguments import one_of, share, whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department

Against = Literal["rest", "earlier"]
_LONGEST = 2_000  # days; older deals are counted as that old
_ESTIMATES = [f"{name}{end}" for name in (*NAMES, *PARTS) for end in ("", "_low", "_high")]
_COLUMNS = [
    "n_deals", "n_undated", "n_won", "n_lost", "n_open", "n_without_amount", "horizon_days",
    *_ESTIMATES[:15], "against", "n_reference_deals", *_ESTIMATES[15:],
]  # fmt: skip


def sales_velocity(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    against: Against = "rest",
    horizon_days: int | None = None,
    n_draws: int = 300,
    seed: int = 0,
) -> pd.DataFrame:
    """Money that the deals of a window bring a day, and what makes one group faster.

    Velocity is deals x win rate x average amount won / days to win. Taken from four reports it
    mixes four populations: deals created now, deals closed now, and a cycle without the slow
    ones. Here all four are of one cohort, the deals created in the window, and the open ones
    count for as long as they were watched (Aalen-Johansen). Win rate and amount are related
    (large deals are won less often), so their product is taken as the mean of what a deal brings,
    lost ones bringing nothing; the average amount is that of the deals won, with the same
    weights.

    The logarithm of the ratio to a reference splits into four parts that add up exactly. It is
    arithmetic and no cause: a shorter cycle may come from dropping hard deals, which the win rate
    then shows. The figure grows with the number of deals, so compare windows of one length.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``, ``created_at``, ``closed_at``, ``amount``); uses
        ``account_id``. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``. The rep is the one
        the deal has now.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **created**. For ``"earlier"``
        the window is by default the twelve months up to ``end``, and ends with ``as_of`` at the
        latest, so that both windows are of one length.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1. What is independent is the account;
        deals without one, the day of creation.
    against : {"rest", "earlier"}, default "rest"
        The reference: the other groups but "unassigned" (their deals divided by the number of
        these groups), or the same group in the window of the same length before.
    horizon_days : int, optional
        Only wins within so many days count, for all groups and both windows. Default: the
        longest time that at least five deals of the window were watched. A group of which
        hardly any deal was watched so long gets NaN, as figures of its young deals are none of
        that horizon; give a shorter one to compare it.
    n_draws : int, default 300
        How often accounts are drawn.
    seed : int, default 0
        Where the random numbers begin; the same seed gives the same table.

    Returns
    -------
    DataFrame
        One row per group:

        - the ``by`` columns, if any;
        - ``n_deals`` : deals created in the window; ``n_undated`` : of these, decided on an unknown
          day (or, without a window, without a day of creation), left out; ``n_won``, ``n_lost``,
          ``n_open`` : what became of the others; ``n_without_amount`` : won without an amount,
          taken to be like the other won ones;
        - ``horizon_days`` : days within which wins count;
        - ``win_rate``, ``win_rate_low``, ``win_rate_high`` : chance to be won by then, in [0, 1];
          NaN, as all figures that follow, where fewer than five of its deals (or a fifth, if there
          are few) were watched so long and any that was not is open;
        - ``won_mean_amount``, ``won_mean_amount_low``, ``won_mean_amount_high`` : mean amount of
          the deals won by then; NaN without any;
        - ``deal_value_amount``, ``deal_value_amount_low``, ``deal_value_amount_high`` : what a deal
          brings on average, their product;
        - ``cycle_days``, ``cycle_days_low``, ``cycle_days_high`` : mean days from creation to a
          win, of those won by then;
        - ``velocity_amount``, ``velocity_amount_low``, ``velocity_amount_high`` : money a day; NaN
          where nothing was won, or all on the day of creation;
        - ``against`` : the reference; ``n_reference_deals`` : its dated deals;
        - ``velocity_log_ratio``, ``velocity_log_ratio_low``, ``velocity_log_ratio_high`` : log of
          the velocity over that of the reference: 0.1 is about a tenth faster; NaN without one;
        - ``deals_log_part``, ``deals_log_part_low``, ``deals_log_part_high``,
          ``win_rate_log_part``, ``win_rate_log_part_low``, ``win_rate_log_part_high``,
          ``size_log_part``, ``size_log_part_low``, ``size_log_part_high``,
          ``cycle_log_part``, ``cycle_log_part_low``, ``cycle_log_part_high`` : its four parts.

        Bounds that few accounts cannot tell are those of what a figure can be: 0, 1, infinity.

    Raises
    ------
    MissingDataError
        If a column above is missing, or no table holds a ``by`` column.
    InputError
        If an option is not one of those allowed.

    References
    ----------
    Ang, B. W. (2005). The LMDI approach to decomposition analysis: a practical guide. Energy
    Policy 33, 867-871.

    Examples
    --------
    Four deals, two won after 10 and 30 days at 100 and 200: 4 x 0.5 x 150 / 20 = 15 a day.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": list("ABCD"), "status": ["won", "won", "lost", "lost"],
    ...     "created_at": pd.to_datetime(["2025-01-01"] * 4), "amount": [100.0, 200.0, 50.0, 50.0],
    ...     "closed_at": pd.to_datetime(["2025-01-11", "2025-01-31", "2025-01-06", "2025-02-20"])})
    >>> table = sales_velocity(Department(deals=deals, as_of="2025-03-31"), horizon_days=60)
    >>> table[["n_deals", "win_rate", "won_mean_amount", "cycle_days", "velocity_amount"]]
       n_deals  win_rate  won_mean_amount  cycle_days  velocity_amount
    0        4       0.5            150.0        20.0             15.0
    """
    keys = department.split_keys(by, results=[*_COLUMNS, *RESERVED])
    level = share("confidence", confidence)
    one_of("against", against, ("rest", "earlier"))
    whole_number("n_draws", n_draws, least=2)
    whole_number("seed", seed)
    department.require(deals=["deal_id", "status", "created_at", "closed_at", "amount"])
    windows = _windows(department, against, start, end)
    cells = [_bounded(age_cells(department, keys, start=first, end=last, bundled=True))
             for first, last in windows]  # fmt: skip
    groups = groups_of(cells[0], keys)
    dated = cells[0][cells[0]["age_days"] >= 0]
    horizon = _horizon(dated, horizon_days)
    table = _counts(cells[0], groups, keys)
    options = {"horizon": horizon, "n_draws": n_draws, "seed": seed, "confidence": level}
    sides = _Sides(dated, cells[1][cells[1]["age_days"] >= 0] if len(cells) > 1 else None)
    table = table.join(_estimates(sides, groups, keys, options))
    table["horizon_days"] = float(horizon) if len(dated) else np.nan
    return table.assign(against=against)[[*keys, *_COLUMNS]]


class _Sides(NamedTuple):
    """The dated deals of the window, and of the window before where that is the reference."""

    now: pd.DataFrame
    before: pd.DataFrame | None


def _windows(
    department: Department, against: Against, start: date | str | None, end: date | str | None
) -> list[tuple[date | str | None, date | str | None]]:
    """Give the window, and the one of the same length before it if that is the reference."""
    if against == "rest":
        return [(start, end)]
    last = department.as_of if end is None else parse_day(end, "end")
    if start is None or parse_day(start, "start") <= department.as_of:
        last = min(last, department.as_of)  # nothing was created later
    first = last_twelve_months(last)[0] if start is None else parse_day(start, "start")
    length = last - first
    return [(first, last), (first - length - timedelta(days=1), first - timedelta(days=1))]


def _bounded(cells: pd.DataFrame) -> pd.DataFrame:
    return cells.assign(age_days=cells["age_days"].clip(upper=_LONGEST))


def _horizon(dated: pd.DataFrame, horizon_days: int | None) -> int:
    if horizon_days is not None:
        return whole_number("horizon_days", horizon_days, least=1)
    ages = dated["age_days"].to_numpy("int64")
    counts = np.zeros((int(ages.max()) + 1 if len(ages) else 1, 3))
    np.add.at(counts, ages, dated[AGE_COUNTS].to_numpy(float))
    return longest_age(counts)


def _counts(cells: pd.DataFrame, groups: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    place, n_rows = places(cells, groups, keys), len(groups)
    every = cells[AGE_COUNTS].sum(axis=1)
    known = cells["age_days"] >= 0
    found = {name: counted(cells[name] * known, place, n_rows) for name in AGE_COUNTS}
    return groups.assign(
        n_deals=counted(every, place, n_rows), n_undated=counted(every * ~known, place, n_rows),
        **found,
        n_without_amount=found["n_won"] - counted(cells["n_priced"] * known, place, n_rows),
    )  # fmt: skip


def _estimates(
    sides: _Sides, groups: pd.DataFrame, keys: list[str], options: dict[str, float]
) -> pd.DataFrame:
    """Give the figures of each group against its reference."""
    names = [*AGE_COUNTS, "won_amount", "n_priced"]
    place = places(sides.now, groups, keys)
    named = ~(groups[keys] == UNASSIGNED).any(axis=1).to_numpy() if keys else np.array([False])
    rows, n_reference = [], []
    for group in range(len(groups)):
        here = place == group
        if sides.before is None:
            taken = here | named[place]  # what is unassigned is no group to be held against
            frame, side = sides.now[taken], (~here[taken]).astype(np.intp)
            n_others = int(named.sum() - named[group])
        else:
            then = sides.before[places(sides.before, groups, keys) == group]
            frame = pd.concat([sides.now[here], then], ignore_index=True)
            side = np.repeat([0, 1], [here.sum(), len(then)]).astype(np.intp)
            n_others = 1
        found = figures_of(
            frame["bundle"].to_numpy(np.intp), side, frame["age_days"].to_numpy(np.intp),
            frame[names].to_numpy(float), n_others=float(n_others), **options,  # type: ignore[arg-type]
        )  # fmt: skip
        rows.append(np.stack(found, axis=1).ravel())
        n_reference.append(int(frame.loc[side == 1, AGE_COUNTS].to_numpy().sum()))
    values: NDArray[np.float64] = np.array(rows, dtype=float).reshape(len(groups), len(_ESTIMATES))
    table = pd.DataFrame(values, columns=_ESTIMATES, index=groups.index)
    return table.assign(n_reference_deals=np.array(n_reference, dtype="int64"))
