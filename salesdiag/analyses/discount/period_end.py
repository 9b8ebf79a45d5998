"""Whether discounts and wins gather at the end of a period, and what is missing after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd
from ibis import _

from salesdiag.analyses.discount.phases import (
    FIRST,
    LAST,
    MIDDLE,
    Phases,
    phases_of,
    record_begins,
    slot_of,
)
from salesdiag.analyses.discount.ratios import Ratio, add_ratio, ratio_of_sums
from salesdiag.engine import fetch
from salesdiag.periods import parse_day
from salesdiag.reductions.deal_prices import NAMES, deal_prices, sum_by_cluster
from salesdiag.stats.arguments import share, whole_number
from salesdiag.stats.rates import ratio, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department

    Floats = NDArray[np.float64]

_UNDATED, _OUTSIDE = -1, -2  # no phases: what is left out of them
_PHASES = {"first": FIRST, "middle": MIDDLE, "last": LAST}
_RATES = [f"{phase}_win_rate{end}" for phase in _PHASES for end in ("", "_low", "_high")]
_RATIOS = [f"{name}{end}" for name in ("last_ratio", "next_first_ratio", "net_ratio")
           for end in ("", "_low", "_high")]  # fmt: skip
_WINS = [f"{name}{end}" for name in ("excess_wins", "missing_wins", "net_wins")
         for end in ("", "_low", "_high")]  # fmt: skip
_DISCOUNTS = [f"{phase}_discount{end}" for phase in (*_PHASES, "last_extra")
              for end in ("", "_low", "_high")]  # fmt: skip
_COLUMNS = [
    "n_periods", "n_boundaries", "n_undated", "n_outside", "n_unpriced", "n_won_first",
    "n_won_middle",
    "n_won_last", "n_closed_first", "n_closed_middle", "n_closed_last", *_RATES, *_RATIOS,
    *_WINS, *_DISCOUNTS, "grade",
]  # fmt: skip


def period_end_pattern(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    months: int = 3,
    last_days: int = 5,
    first_days: int | None = None,
) -> pd.DataFrame:
    """Compare wins and discounts in the last days of a period with its middle and what follows.

    A rush at the end of the quarter is bought if discounts rise with it, and worth nothing if
    the wins are missing in the first days of the next quarter. So three things stand side by
    side: the wins of the last working days beyond what the middle of the two periods around
    the boundary would bring in as many days; the wins missing in the first working days after
    it; and both together, the net ratio: 1 where deals were only moved over the boundary,
    above 1 where the end of the period brings wins that would not have come otherwise. The
    discounts of the three phases follow.

    A rush may be the buyers': their budgets end with a year too. Deals pulled forward from
    further than the first days leave no hole there, and the middle that they come from makes
    the rush look larger: take more ``first_days`` to see.

    Only whole fiscal periods count, with closings or without: those that lie within the window,
    end by ``as_of``, and do not begin before the record of closings does. That begins with the
    first closing of all, a few strays aside: up to 2 % of the closings, or a single one, that
    come before a gap of a third of a period and of ten times the usual one are slips of the year
    and no beginning. The period in which the record begins counts if it begins in its first
    days, so take more ``first_days`` where closings are rare. What is closed outside whole
    periods is counted in ``n_outside``.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``, ``closed_at``) with ``amount`` and
        ``list_amount``, or ``line_items``. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **closed**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    months : int, default 3
        Length of the fiscal periods: 1, 2, 3, 4, 6 or 12.
    last_days : int, default 5
        Working days at the end of a period.
    first_days : int, optional
        Working days at its beginning. Default: as many as ``last_days``.

    Returns
    -------
    DataFrame
        One row per group:

        - the ``by`` columns, if any;
        - ``n_periods`` : whole periods; ``n_boundaries`` : pairs of them that follow each other;
        - ``n_undated`` : deals closed on an unknown day, or after ``as_of``, left out;
          ``n_outside`` : closed within the window but outside the whole periods, left out;
          ``n_unpriced`` : won in them without prices, left out of the discounts;
        - ``n_won_first``, ``n_won_middle``, ``n_won_last`` : deals won in the first days, the
          middle and the last days of the whole periods; ``n_closed_first``,
          ``n_closed_middle``, ``n_closed_last`` : won and lost;
        - ``first_win_rate``, ``first_win_rate_low``, ``first_win_rate_high``,
          ``middle_win_rate``, ``middle_win_rate_low``, ``middle_win_rate_high``,
          ``last_win_rate``, ``last_win_rate_low``, ``last_win_rate_high`` : won of closed, in
          [0, 1], with Wilson interval; NaN without closed deals;
        - ``last_ratio``, ``last_ratio_low``, ``last_ratio_high`` : wins of the last days before
          the boundaries over those expected at the pace of the middle, 0 or more; NaN without
          expected wins, as all ratios and wins below;
        - ``next_first_ratio``, ``next_first_ratio_low``, ``next_first_ratio_high`` : the same of
          the first days after them; ``net_ratio``, ``net_ratio_low``, ``net_ratio_high`` : of
          both together;
        - ``excess_wins``, ``excess_wins_low``, ``excess_wins_high`` : wins of the last days
          beyond those expected; ``missing_wins``, ``missing_wins_low``, ``missing_wins_high`` :
          wins that the first days after lack; ``net_wins``, ``net_wins_low``,
          ``net_wins_high`` : the one less the other;
        - ``first_discount``, ``first_discount_low``, ``first_discount_high``,
          ``middle_discount``, ``middle_discount_low``, ``middle_discount_high``,
          ``last_discount``, ``last_discount_low``, ``last_discount_high`` : given away over list
          price of the deals won in the phase, with an interval by accounts; NaN without any;
        - ``last_extra_discount``, ``last_extra_discount_low``, ``last_extra_discount_high`` :
          that of the last days less that of the middle; NaN without either;
        - ``grade`` : "D", a raw association; "" without a boundary.

    Raises
    ------
    MissingDataError
        If there are no days of closing or no prices, or no table holds a ``by`` column.
    InputError
        If the days leave no middle, or ``by`` holds the name of a result.

    References
    ----------
    Oyer, P. (1998). Fiscal year ends and nonlinear incentive contracts: the effect on business
    seasonality. Quarterly Journal of Economics 113, 149-185.

    Examples
    --------
    One deal is won on every working day, and on the last five days of March five more.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> days = pd.bdate_range("2025-01-01", "2025-06-30").tolist()
    >>> days += pd.bdate_range("2025-03-25", "2025-03-31").tolist()
    >>> deals = pd.DataFrame({"closed_at": days, "amount": 90.0, "list_amount": 100.0})
    >>> deals = deals.assign(deal_id=deals.index.astype(str), status="won")
    >>> table = period_end_pattern(Department(deals=deals, as_of="2025-06-30"))
    >>> table[["n_boundaries", "last_ratio", "next_first_ratio", "net_ratio", "excess_wins"]]
       n_boundaries  last_ratio  next_first_ratio  net_ratio  excess_wins
    0             1         2.0               1.0        1.5          5.0
    """
    level = share("confidence", confidence)
    check_months(months)
    last = whole_number("last_days", last_days, least=1)
    first = last if first_days is None else whole_number("first_days", first_days, least=1)
    keys = department.split_keys(by, results=[*_COLUMNS, *NAMES, "slot", "phase"])
    department.require(deals=["closed_at"])
    deals = deal_prices(department, keys, start=start, end=end)
    span = _span(department, months, start, end)
    phases = phases_of(department, span, months=months, first_days=first, last_days=last)
    whole = _whole(phases, span, start)
    dated = deals.mutate(slot=ibis.coalesce(
        _whole_slot(deals, phases, whole), ibis.ifelse(deals.closed_on.isnull(), _UNDATED, _OUTSIDE)
    ))  # fmt: skip
    slots = _count_slots(dated, keys)
    table = (
        slots[keys].drop_duplicates().reset_index(drop=True) if keys else pd.DataFrame(index=[0])
    )
    place = _place_of(table, slots, keys)
    for name, mark in (("n_undated", _UNDATED), ("n_outside", _OUTSIDE)):
        own = np.where(slots["slot"] == mark, slots["n_closed"], 0)
        table[name] = np.bincount(place, own, minlength=len(table)).astype("int64")
    table["n_periods"] = int(whole.sum())
    table["n_boundaries"] = int((whole[1:] & whole[:-1]).sum()) if len(whole) else 0
    slots, inside = slots[slots["slot"] >= 0], dated.filter(_.slot >= 0)
    _add_wins(table, slots, keys, phases, whole, level)
    _add_discounts(table, inside, keys, level)
    table["grade"] = (table["n_boundaries"] > 0).map({True: "D", False: ""}).astype("str")
    return table[[*keys, *_COLUMNS]].reset_index(drop=True)


def check_months(months: int) -> None:
    """Refuse a length of period that does not divide the year."""
    from salesdiag.errors import InputError

    if months not in (1, 2, 3, 4, 6, 12):
        message = f"months must be one of 1, 2, 3, 4, 6, 12; got {months!r}."
        raise InputError(message)


def _span(
    department: Department, months: int, start: date | str | None, end: date | str | None
) -> pd.DataFrame:
    """Give the day on which the record of closings begins, and the last one that counts."""
    last = department.as_of if end is None else min(department.as_of, parse_day(end, "end"))
    begun = record_begins(department, months)
    first = begun if start is None else max(begun, pd.Timestamp(parse_day(start, "start")))
    span = pd.DataFrame({"begun_on": [begun], "first_on": first, "last_on": pd.Timestamp(last)})
    span["first_on"] = span["first_on"].where(span["first_on"] <= span["last_on"])
    return span


def _whole(phases: Phases, span: pd.DataFrame, start: date | str | None) -> NDArray[np.bool_]:
    """Mark the periods that lie wholly inside the window and the record."""
    if not phases.n_periods:
        return np.zeros(0, dtype=bool)
    begun, last = (np.datetime64(span[name].iloc[0], "D") for name in ("begun_on", "last_on"))
    whole = (phases.middle > begun) & (phases.end <= last)
    if start is not None:
        whole &= phases.start >= np.datetime64(parse_day(start, "start"))
    return np.asarray(whole)


def _whole_slot(deals: ibis.Table, phases: Phases, whole: NDArray[np.bool_]) -> ibis.Value:
    """Give the phase of the days inside whole periods, null outside."""
    if not whole.any():
        return ibis.null("int64")
    first, last = (edge[whole].astype(object) for edge in (phases.start, phases.end))
    # whole periods follow each other, so that they are one stretch of days
    inside = deals.is_inside & deals.closed_on.between(first[0], last[-1])
    return ibis.ifelse(inside, slot_of(deals.closed_on, phases), ibis.null("int64"))


def _count_slots(inside: ibis.Table, keys: list[str]) -> pd.DataFrame:
    won = _.status == "won"
    slots = fetch(
        inside.group_by([*keys, "slot"]).agg(
            n_won=_.count(where=won),
            n_closed=_.count(),
            n_unpriced=_.count(where=won & ~_.is_priced),
        )
    )
    return slots.sort_values([*keys, "slot"]).reset_index(drop=True)


def _add_wins(
    table: pd.DataFrame,
    slots: pd.DataFrame,
    keys: list[str],
    phases: Phases,
    whole: NDArray[np.bool_],
    level: float,
) -> None:
    """Put counts, win rates and the comparison at the boundaries beside each group."""
    shape = (len(table), phases.n_periods, 3)
    place = _place_of(table, slots, keys)
    counts = {name: np.zeros(shape) for name in ("n_won", "n_closed", "n_unpriced")}
    slot = slots["slot"].to_numpy().astype("int64")
    for name, cube in counts.items():
        np.add.at(cube, (place, slot // 3, slot % 3), slots[name].to_numpy())
    table["n_unpriced"] = counts["n_unpriced"].sum(axis=(1, 2)).astype("int64")
    for name, phase in _PHASES.items():
        won, closed = (counts[one][:, :, phase].sum(axis=1) for one in ("n_won", "n_closed"))
        table[f"n_won_{name}"] = won.astype("int64")
        table[f"n_closed_{name}"] = closed.astype("int64")
        low, high = wilson_interval(won, closed, confidence=level)
        add_ratio(table, f"{name}_win_rate", Ratio(ratio(won, closed), low, high))
    _add_boundaries(table, counts["n_won"], phases, whole, level)


def _place_of(table: pd.DataFrame, rows: pd.DataFrame, keys: list[str]) -> NDArray[np.int64]:
    """Give, for each row, the row of the table that holds its group."""
    if not keys:
        return np.zeros(len(rows), dtype="int64")
    numbered = table[keys].assign(place=np.arange(len(table)))
    return rows[keys].merge(numbered, on=keys, how="left")["place"].to_numpy().astype("int64")


def _add_boundaries(
    table: pd.DataFrame, won: Floats, phases: Phases, whole: NDArray[np.bool_], level: float
) -> None:
    """Hold the days around each boundary against the middle of the periods beside it.

    Wins spread as independent ones do, times what boundaries of all groups differ beyond it.
    """
    both = whole[1:] & whole[:-1]
    before, after = won[:, :-1][:, both], won[:, 1:][:, both]
    days_before, days_after = phases.n_days[:-1][both], phases.n_days[1:][both]
    middle = before[:, :, MIDDLE] + after[:, :, MIDDLE]
    middle_days = (days_before + days_after)[:, MIDDLE]
    sides = {
        "last_ratio": (before[:, :, LAST], days_before[:, LAST]),
        "next_first_ratio": (after[:, :, FIRST], days_after[:, FIRST]),
    }
    sides["net_ratio"] = tuple(one + two for one, two in zip(*sides.values(), strict=True))
    names = dict(zip(sides, ("excess_wins", "missing_wins", "net_wins"), strict=True))
    for name, (seen, days) in sides.items():
        found, wins = _against_middle(seen, middle * days / middle_days, days / middle_days, level)
        add_ratio(table, name, found)
        sign = -1 if name == "next_first_ratio" else 1
        low, high = (wins.low, wins.high) if sign > 0 else (-wins.high, -wins.low)
        add_ratio(table, names[name], Ratio(sign * wins.value + 0.0, low, high))


def _against_middle(
    seen: Floats, expected: Floats, part: Floats, level: float
) -> tuple[Ratio, Ratio]:
    """Give seen over expected, and seen less expected, summed over boundaries (columns)."""
    from scipy import special

    total = expected.sum(axis=1)
    total = np.where(total > 0, total, np.nan)
    value = seen.sum(axis=1) / total
    pace = np.nan_to_num(value)[:, None]
    # the middle is counted too: its noise comes with the days it is spread to
    chance = pace * expected + pace**2 * expected * part
    known = chance > 0
    misfit = np.where(known, (seen - pace * expected) ** 2 / np.where(known, chance, 1.0), 0.0)
    degrees = int(known.sum() - known.any(axis=1).sum())
    beyond = max(misfit.sum() / degrees, 1.0) if degrees else 1.0
    t = special.stdtrit(degrees, 0.5 + level / 2) if degrees else special.ndtri(0.5 + level / 2)
    variance = seen.sum(axis=1) + pace[:, 0] ** 2 * (expected * part).sum(axis=1)
    reach = float(t) * np.sqrt(beyond * np.maximum(variance, 1.0))
    ratios = Ratio(value, np.maximum(value - reach / total, 0.0), value + reach / total)
    gap = seen.sum(axis=1) - total
    return ratios, Ratio(gap, gap - reach, gap + reach)


def _add_discounts(
    table: pd.DataFrame,
    inside: ibis.Table,
    keys: list[str],
    level: float,
) -> None:
    """Put the discount of each phase, and that of the last days beyond the middle's."""
    priced = inside.filter(_.is_priced & (_.status == "won"))
    priced = priced.mutate(phase=priced.slot % 3)
    sums = sum_by_cluster(
        priced,
        [*keys, "phase"],
        {"n_priced": _.count()},
        {"money": ((_.price_list - _.price_net).sum(), _.price_list.sum())},
    )
    found = ratio_of_sums(sums, "money", confidence=level)
    place = _place_of(table, sums, keys)
    ends: dict[str, Ratio] = {}
    for name, phase in _PHASES.items():
        own = (sums["phase"] == phase).to_numpy()
        values = np.full((3, len(table)), np.nan)
        for row, one in enumerate(found):
            values[row, place[own]] = one[own]
        ends[name] = Ratio(*values)
        add_ratio(table, f"{name}_discount", ends[name])
    last, middle = ends["last"], ends["middle"]
    gap = last.value - middle.value
    reach = np.hypot(last.high - last.value, middle.high - middle.value)
    add_ratio(table, "last_extra_discount", Ratio(gap, gap - reach, gap + reach))
