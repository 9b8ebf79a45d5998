"""Whether discounts at the end of a period depend on how far the rep is from target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd
from ibis import _

from salesdiag.analyses.discount.ratios import Ratio, add_ratio, ratio_of_sums
from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch
from salesdiag.errors import InputError, MissingDataError
from salesdiag.periods import WEEKDAYS, parse_day
from salesdiag.reductions.deal_prices import NAMES, deal_prices
from salesdiag.schema import TABLES
from salesdiag.stats.arguments import numbers, share, whole_number
from salesdiag.stats.rates import ratio, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department

_UNDATED = -1  # no part of a period: a day that is not known
EDGES = (0.5, 0.8, 1.0)
_PERIOD = ["period_start", "period_end"]
_DISCOUNTS = [f"{name}{end}" for name in ("early_discount", "last_discount", "extra_discount")
              for end in ("", "_low", "_high")]  # fmt: skip
_COLUMNS = [
    "attainment_from", "attainment_to", "n_rep_periods", "n_reps", "n_met", "met_rate",
    "met_rate_low", "met_rate_high", "n_early", "n_last", "n_unpriced", "n_without_target",
    "n_undated",
    *_DISCOUNTS, "grade",
]  # fmt: skip


def target_distance_pattern(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    last_days: int = 10,
    edges: Sequence[float] = EDGES,
) -> pd.DataFrame:
    """Compare the discounts of a period's last days by how far its rep then was from target.

    A rep just below target has most to gain from one more deal, one far below or long past it
    least. If discounts in the last days are deeper just below target than elsewhere, and
    deeper than the same reps gave earlier in the same period, the target sets the price. The
    distance is what the rep had booked before the last days over the target of the period,
    of all their deals, priced or not, whatever ``by`` splits.

    Reps who are near their target are also those who sell well: hold the last days against
    the earlier days of the same reps and periods (``extra_discount``), not one band against
    another. Only periods that are over by ``as_of`` and lie within the window count, and of
    periods inside each other only the shorter ones. Targets of managers count as any other.

    Parameters
    ----------
    department : Department
        Needs ``targets`` of reps for revenue, and ``deals`` (``deal_id``, ``status``,
        ``closed_at``, ``rep_id``, ``amount``) with ``list_amount`` or ``line_items``. Not
        modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **won**; only periods that lie
        wholly between them.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    last_days : int, default 10
        Working days at the end of a period.
    edges : sequence of float, default (0.5, 0.8, 1)
        Where the bands of attainment before the last days end.

    Returns
    -------
    DataFrame
        One row per group and band, from the farthest below target up:

        - the ``by`` columns, if any;
        - ``attainment_from``, ``attainment_to`` : the band, from the first up to but without the
          second; NaN where it has no end;
        - ``n_rep_periods`` : periods of reps that stood in the band before the last days and have
          priced deals of the group; ``n_reps`` : reps behind them;
        - ``n_met`` : of the periods, those that ended at target or above; ``met_rate``,
          ``met_rate_low``, ``met_rate_high`` : their share, in [0, 1], with Wilson interval; NaN
          without periods;
        - ``n_early``, ``n_last`` : priced deals of the group won before and in the last days;
          ``n_unpriced`` : won without prices, left out of the discounts;
        - ``n_without_target`` : deals of the group won in these periods by reps without a target
          for them, left out; ``n_undated`` : won on an unknown day, left out; both the same in
          all rows of a group;
        - ``early_discount``, ``early_discount_low``, ``early_discount_high``, ``last_discount``,
          ``last_discount_low``, ``last_discount_high`` : given away over list price of those,
          with an interval by reps; NaN without any;
        - ``extra_discount``, ``extra_discount_low``, ``extra_discount_high`` : that of the last
          days less that of the earlier ones; NaN without either;
        - ``grade`` : "D", a raw association, where there is a difference; else "".

    Raises
    ------
    MissingDataError
        If there are no targets of reps for revenue, no days of closing or no prices, or no table
        holds a ``by`` column.
    InputError
        If an option is not one of those allowed, or ``by`` holds the name of a result.

    References
    ----------
    Larkin, I. (2014). The cost of high-powered incentives: employee gaming in enterprise
    software sales. Journal of Labor Economics 32, 199-227.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": ["A", "B"], "rep_id": "r", "status": "won", "amount": [90.0, 16.0],
    ...     "list_amount": [90.0, 20.0], "closed_at": pd.to_datetime(["2025-02-03", "2025-03-31"]),
    ... })
    >>> targets = pd.DataFrame({
    ...     "level": ["rep"], "id": "r", "metric": "revenue", "target": 100.0,
    ...     "period_start": pd.to_datetime(["2025-01-01"]),
    ...     "period_end": pd.to_datetime(["2025-03-31"]),
    ... })
    >>> department = Department(deals=deals, targets=targets, as_of="2025-12-31")
    >>> table = target_distance_pattern(department)
    >>> table[["attainment_from", "n_rep_periods", "n_met", "early_discount", "last_discount"]]
       attainment_from  n_rep_periods  n_met  early_discount  last_discount
    0              NaN              0      0             NaN            NaN
    1              0.5              0      0             NaN            NaN
    2              0.8              1      1             0.0            0.2
    3              1.0              0      0             NaN            NaN
    """
    level = share("confidence", confidence)
    limits = _read_edges(edges)
    last = whole_number("last_days", last_days, least=1)
    keys = department.split_keys(by, results=[*_COLUMNS, *NAMES, "seller", "slot", "band"])
    department.require(deals=["closed_at", "rep_id"])
    deals = deal_prices(department, keys, start=start, end=end, extra=["rep_id"])
    targets = _targets(department, start, end)
    periods = _cut(department, targets, last)
    rows = _reduce(deals, keys, periods)
    dated = rows[rows["slot"] != _UNDATED].reset_index(drop=True)
    table = _table(_placed(dated, targets, periods, limits), rows, keys, limits, level)
    return table[[*keys, *_COLUMNS]]


def _read_edges(edges: Sequence[float]) -> NDArray[np.float64]:
    found = numbers("edges", list(edges), least=0)
    if found.ndim != 1 or not len(found) or np.any(np.diff(found) <= 0):
        message = f"edges must be rising shares of the target, such as (0.5, 1); got {edges!r}."
        raise InputError(message)
    return found


def _targets(
    department: Department, start: date | str | None, end: date | str | None
) -> pd.DataFrame:
    """Give the revenue targets of reps for whole periods, the shortest where some hold others."""
    department.require(targets=["level", "id", *_PERIOD, "metric", "target"])
    frame = department.fetch("targets")
    frame = frame[(frame["level"] == "rep") & (frame["metric"] == "revenue")]
    n_deals = len(department.fetch("targets"))
    if not len(frame) and n_deals:
        message = (
            "this needs targets of reps for revenue; the targets are of "
            f"{', '.join(sorted(set(department.fetch('targets')['level'])))}. Ask for "
            f"{TABLES['targets'].ask_for}."
        )
        raise MissingDataError(message, missing=("targets",), ask_for=TABLES["targets"].ask_for)
    frame = frame.assign(target=frame["target"].astype(float))
    for name in _PERIOD:
        frame[name] = pd.to_datetime(frame[name]).astype("datetime64[us]")
    last = pd.Timestamp(
        department.as_of if end is None else min(department.as_of, parse_day(end, "end"))
    )
    frame = frame[(frame["period_end"] <= last) & (frame["target"] > 0)]
    if start is not None:
        frame = frame[frame["period_start"] >= pd.Timestamp(parse_day(start, "start"))]
    days = frame[_PERIOD].drop_duplicates().sort_values(_PERIOD[::-1])
    kept: list[tuple[pd.Timestamp, pd.Timestamp]] = []
    for first, until in days.sort_values(["period_end", "period_start"], ascending=[True, False]) \
            .itertuples(index=False):  # fmt: skip
        if not kept or first > kept[-1][1]:
            kept.append((first, until))
    frame = frame.merge(pd.DataFrame(kept, columns=_PERIOD).astype("datetime64[us]"), on=_PERIOD)
    frame = frame.drop_duplicates(["id", *_PERIOD])
    return frame[["id", *_PERIOD, "target"]].rename(columns={"id": "seller"})


def _cut(department: Department, targets: pd.DataFrame, last_days: int) -> pd.DataFrame:
    """Give each period the day on which its last working days begin."""
    periods = targets[_PERIOD].drop_duplicates().sort_values(_PERIOD).reset_index(drop=True)
    if not len(periods):
        return periods.assign(cut=pd.Series(dtype="datetime64[us]"))
    start, end = (periods[name].to_numpy().astype("datetime64[D]") for name in _PERIOD)
    calendar = department.calendar
    week = "".join("1" if day in calendar.working_days else "0" for day in WEEKDAYS)
    off = calendar.days_off(
        start[0].astype(object), (end[-1] + np.timedelta64(60, "D")).astype(object)
    )
    cut = np.busday_offset(
        end + np.timedelta64(1, "D"), -last_days, roll="forward", weekmask=week,
        holidays=np.array(off, dtype="datetime64[D]"),
    )  # fmt: skip
    if np.any(cut <= start):
        message = f"last_days must leave earlier days in every period; got {last_days}."
        raise InputError(message)
    return periods.assign(cut=cut.astype("datetime64[us]"))


def _reduce(deals: ibis.Table, keys: list[str], periods: pd.DataFrame) -> pd.DataFrame:
    """Add up what each rep won before and in the last days of each period, by group."""
    day = deals.closed_on
    branches: list[tuple[ibis.Value, int]] = []
    for place, (first, until, cut) in enumerate(periods.itertuples(index=False)):
        ends = first.date(), until.date(), cut.date()
        branches += [((day >= ends[0]) & (day < ends[2]), 2 * place),
                     ((day >= ends[2]) & (day <= ends[1]), 2 * place + 1)]  # fmt: skip
    slot = ibis.cases((day.isnull(), _UNDATED), *branches)
    won = deals.mutate(seller=deals.rep_id, slot=slot.cast("int64"))
    won = won.filter((_.status == "won") & _.slot.notnull())
    rows = fetch(
        won.group_by([*keys, "seller", "slot"]).agg(
            booked=_.price_booked.sum(),
            n_priced=_.count(where=_.is_priced),
            n_unpriced=_.count(where=~_.is_priced),
            whole=_.price_list.sum(where=_.is_priced),
            part=(_.price_list - _.price_net).sum(where=_.is_priced),
        )
    )
    money = ["booked", "whole", "part"]
    rows[money] = rows[money].astype(float).fillna(0.0)
    return rows.sort_values([*keys, "seller", "slot"]).reset_index(drop=True)


def _placed(
    rows: pd.DataFrame, targets: pd.DataFrame, periods: pd.DataFrame, edges: NDArray[np.float64]
) -> pd.DataFrame:
    """Put the band of attainment before the last days beside each row; -1 without a target."""
    numbered = periods[_PERIOD].assign(period_number=np.arange(len(periods)))
    goals = targets.merge(numbered, on=_PERIOD)[["seller", "period_number", "target"]]
    rows = rows.assign(period_number=rows["slot"] // 2, is_last=rows["slot"] % 2 == 1)
    by = ["seller", "period_number"]
    booked = rows.assign(early=rows["booked"].where(~rows["is_last"], 0.0))
    sums = booked.groupby(by, as_index=False)[["booked", "early"]].sum()
    goals = goals.merge(sums, on=by, how="left").fillna({"booked": 0.0, "early": 0.0})
    goals["band"] = np.searchsorted(edges, goals["early"] / goals["target"], side="right")
    goals["met"] = goals["booked"] >= goals["target"]
    goals = goals[goals["seller"] != UNASSIGNED]
    placed = rows.merge(goals[[*by, "band", "met"]], on=by, how="left")
    return placed.assign(
        band=placed["band"].fillna(-1).astype("int64"), met=placed["met"].eq(other=True)
    )


def _table(
    rows: pd.DataFrame,
    every: pd.DataFrame,
    keys: list[str],
    edges: NDArray[np.float64],
    level: float,
) -> pd.DataFrame:
    bands = pd.DataFrame({
        "band": np.arange(len(edges) + 1),
        "attainment_from": np.concatenate([[np.nan], edges]),
        "attainment_to": np.concatenate([edges, [np.nan]]),
    })  # fmt: skip
    groups = every[keys].drop_duplicates().sort_values(keys) if keys else pd.DataFrame(index=[0])
    table = groups.merge(bands, how="cross")
    _add_left_out(table, "n_without_target", rows[rows["band"] < 0], keys)
    _add_left_out(table, "n_undated", every[every["slot"] == _UNDATED], keys)
    rows = rows[rows["band"] >= 0]
    by = [*keys, "band"]
    spans = rows[rows["n_priced"] > 0].drop_duplicates([*by, "seller", "period_number"])
    counts = spans.groupby(by).agg(
        n_rep_periods=("met", "size"), n_met=("met", "sum"), n_reps=("seller", "nunique")
    )
    counts["n_unpriced"] = rows.groupby(by)["n_unpriced"].sum()
    for name, own in (("n_early", ~rows["is_last"]), ("n_last", rows["is_last"])):
        counts[name] = rows[own].groupby(by)["n_priced"].sum()
    table = table.merge(counts.reset_index(), on=by, how="left")
    whole = list(counts.columns)
    table[whole] = table[whole].astype(float).fillna(0).astype("int64")
    low, high = wilson_interval(table["n_met"], table["n_rep_periods"], confidence=level)
    rate = ratio(table["n_met"], table["n_rep_periods"])
    add_ratio(table, "met_rate", Ratio(rate, low, high))
    found = {}
    for name, own in (("early_discount", ~rows["is_last"]), ("last_discount", rows["is_last"])):
        found[name] = _by_reps(table, rows[own], by, level)
        add_ratio(table, name, found[name])
    early, last = found["early_discount"], found["last_discount"]
    gap = last.value - early.value
    reach = np.hypot(last.high - last.value, early.high - early.value)
    add_ratio(table, "extra_discount", Ratio(gap, gap - reach, gap + reach))
    table["grade"] = table["extra_discount"].notna().map({True: "D", False: ""}).astype("str")
    return table


def _add_left_out(table: pd.DataFrame, name: str, rows: pd.DataFrame, keys: list[str]) -> None:
    """Count the deals left out, per group."""
    n_deals = rows["n_priced"] + rows["n_unpriced"]
    if not keys:
        table[name] = int(n_deals.sum())
        return
    counts = rows[keys].assign(n=n_deals).groupby(keys, as_index=False)["n"].sum()
    found = table[keys].merge(counts, on=keys, how="left")["n"]
    table[name] = found.fillna(0).to_numpy().astype("int64")


def _by_reps(table: pd.DataFrame, rows: pd.DataFrame, by: list[str], level: float) -> Ratio:
    """Give the weighted discount of each row of the table with an interval by reps."""
    own = rows.groupby([*by, "seller"], as_index=False)[["part", "whole"]].sum()
    own = own.assign(pp=own["part"] ** 2, pw=own["part"] * own["whole"], ww=own["whole"] ** 2,
                     n=(own["whole"] > 0).astype(int))  # fmt: skip
    sums = own.groupby(by, as_index=False)[["part", "whole", "pp", "pw", "ww", "n"]].sum()
    sums = sums.rename(columns={one: f"money_{one}" for one in sums if one not in by})
    placed = table[by].merge(sums, on=by, how="left")
    named = [str(name) for name in placed if name not in by]
    placed[named] = placed[named].fillna(0.0)
    return ratio_of_sums(placed, "money", confidence=level)
