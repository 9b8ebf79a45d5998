"""How many deals are won, and where they are lost on their way through the stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from ibis import _

from salesdiag.analyses.stage_counts import count_waits
from salesdiag.errors import InputError, MissingDataError
from salesdiag.stats.rates import ratio, wilson_interval
from salesdiag.stats.survival import cumulative_incidence

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import ibis

    from salesdiag.department import Department

_CONVERSION_COUNTS = ["n_from", "n_to", "n_lost", "n_open", "n_skipped", "n_returned"]
_WIN_COUNTS = ["n_deals", "n_won", "n_lost", "n_open", "n_undated", "n_without_amount"]
_WIN_SUMS = ["won_amount", "total_amount", "largest", "largest_won", "won_squares", "all_squares"]


def win_rate(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    population: Literal["closed", "created"] = "closed",
) -> pd.DataFrame:
    """Share of deals that are won, by count and by value.

    Two shares go by this name, and they answer different questions. ``"closed"``: of the
    deals that were closed in the window, how many were won; open deals have no say, so
    while a department grows and losses come fast it reads too low, and too high when old
    losses are never entered. ``"created"``: of all deals created in the window, how many
    are won by now; open deals count in the denominator, so recent windows read too low
    until their deals are decided. Never compare one with the other.

    By value, only deals that carry an amount count. Where none of the lost deals carries
    one (many CRMs keep amounts of won deals only) the share by value would be 100 % by
    construction; it is NaN instead.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``status``), with ``closed_at`` or ``created_at`` for a window and
        ``amount`` for the share by value. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``. The rep is the one
        the deal has now.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **closed** or **created**,
        by ``population``.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    population : {"closed", "created"}, default "closed"
        Which deals the share is of.

    Returns
    -------
    DataFrame
        One row per group:

        - the ``by`` columns, if any;
        - ``population`` : ``"closed"`` or ``"created"``;
        - ``n_deals`` : the denominator; ``n_won``, ``n_lost``, ``n_open`` : its parts
          (``n_open`` is 0 for ``"closed"``);
        - ``n_undated`` : deals that could not be placed in the window for want of a date;
          0 without a window;
        - ``win_rate`` : ``n_won / n_deals``, in [0, 1]; NaN without deals;
        - ``win_rate_low``, ``win_rate_high`` : Wilson interval;
        - ``n_without_amount`` : deals of the denominator without an amount above 0;
        - ``won_amount``, ``total_amount`` : money won, and money of all deals that count;
          NaN without amounts;
        - ``value_win_rate`` : their ratio, in [0, 1]; NaN without amounts, or where none of
          the deals that were not won carries one;
        - ``value_win_rate_low``, ``value_win_rate_high`` : Wilson interval at the effective
          number of deals, so that a few large deals widen it;
        - ``value_win_rate_without_largest`` : the same without the largest single deal;
          NaN for fewer than two.

    Raises
    ------
    MissingDataError
        If a column above is missing, or no table holds a ``by`` column.
    InputError
        If ``population`` is not one of the two.

    References
    ----------
    Newcombe, R. G. (1998). Two-sided confidence intervals for the single proportion.
    Statistics in Medicine 17, 857-872.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": ["A", "B", "C", "D"], "status": ["won", "lost", "lost", "open"],
    ...     "amount": [60.0, 30.0, 10.0, 50.0],
    ... })
    >>> department = Department(deals=deals, as_of="2025-12-31")
    >>> closed = win_rate(department)
    >>> closed[["n_deals", "n_won", "win_rate", "value_win_rate"]].round(3)
       n_deals  n_won  win_rate  value_win_rate
    0        3      1     0.333             0.6
    >>> win_rate(department, population="created")["win_rate"].item()
    0.25
    """
    if population not in ("closed", "created"):
        message = f"population must be 'closed' or 'created'; got {population!r}."
        raise InputError(message)
    keys = department.split_keys(by)
    on = "closed_at" if population == "closed" else "created_at"
    windowed = start is not None or end is not None
    department.require(deals=["deal_id", "status", *([on] if windowed else [])])
    deals = department.select_deals(by=keys)
    if population == "closed":
        deals = deals.filter(_.status != "open")
    inside = department.select_deals(by=keys, start=start, end=end, on=on)
    inside = inside.filter(_.status != "open") if population == "closed" else inside
    counts = _count_wins(inside, keys)
    if windowed:
        undated = deals.filter(_[on].isnull())
        counts = _add_undated(counts, undated, keys)
    counts.insert(len(keys), "population", population)
    return _win_rates(counts, keys, confidence=confidence)


def _count_wins(deals: ibis.Table, keys: list[str]) -> pd.DataFrame:
    """Reduce deals to counts and sums per group."""
    won = _.status == "won"
    counts = {
        "n_deals": _.count(),
        "n_won": _.count(where=won),
        "n_lost": _.count(where=_.status == "lost"),
        "n_open": _.count(where=_.status == "open"),
    }
    if "amount" in deals.columns:
        amount, paid = _.amount.cast("float64"), _.amount > 0
        sums = {
            "n_without_amount": _.count() - _.count(where=paid),
            "n_not_won_with_amount": _.count(where=paid & (_.status != "won")),
            "won_amount": _.amount.sum(where=won).cast("float64"),
            "total_amount": _.amount.sum().cast("float64"),
            "largest": _.amount.max().cast("float64"),
            "largest_won": _.amount.max(where=won).cast("float64"),
            "won_squares": (amount * amount).sum(where=won),
            "all_squares": (amount * amount).sum(),
        }
    else:
        sums = {"n_without_amount": _.count()}
    table = deals.group_by(keys).agg(**counts, **sums) if keys else deals.agg(**counts, **sums)
    frame = table.to_pandas()
    return frame.reindex(columns=[*keys, *counts, *sums]).assign(n_undated=0)


def _add_undated(counts: pd.DataFrame, undated: ibis.Table, keys: list[str]) -> pd.DataFrame:
    """Count, per group, the deals that the window cannot place."""
    if not keys:
        return counts.assign(n_undated=int(undated.count().execute()))
    outside = undated.group_by(keys).agg(n_outside=_.count()).to_pandas()
    merged = counts.merge(outside, on=keys, how="outer")
    merged["n_undated"] = merged.pop("n_outside")
    numbers = [name for name in merged.columns if name.startswith("n_")]
    return merged.fillna(dict.fromkeys(numbers, 0)).astype(dict.fromkeys(numbers, "int64"))


def _win_rates(counts: pd.DataFrame, keys: list[str], *, confidence: float) -> pd.DataFrame:
    """Turn counts and sums into rates with intervals."""
    table = counts.reindex(columns=[*counts.columns.union(_WIN_SUMS, sort=False)])
    table["win_rate"] = ratio(table["n_won"], table["n_deals"])
    low, high = wilson_interval(table["n_won"], table["n_deals"], confidence=confidence)
    table["win_rate_low"], table["win_rate_high"] = low, high
    can_tell = table.get("n_not_won_with_amount", pd.Series(0, table.index)) > 0
    value = np.where(can_tell, ratio(table["won_amount"], table["total_amount"]), np.nan)
    # linearised variance of a ratio of sums over deals
    lost_squares = table["all_squares"] - table["won_squares"]
    spread = table["won_squares"] * (1 - value) ** 2 + lost_squares * value**2
    size = ratio(value * (1 - value) * table["total_amount"] ** 2, spread)
    # at a share of 0 or 1 the ratio has no spread: count deals of equal weight instead
    size = np.where(np.isnan(size), ratio(table["total_amount"] ** 2, table["all_squares"]), size)
    low, high = wilson_interval(value * size, np.where(np.isnan(value), 0, size),
                                confidence=confidence)  # fmt: skip
    table["value_win_rate"], table["value_win_rate_low"] = value, low
    table["value_win_rate_high"] = high
    largest_won = table["largest"].where(table["largest_won"] == table["largest"], 0.0)
    rest = ratio(table["won_amount"] - largest_won, table["total_amount"] - table["largest"])
    table["value_win_rate_without_largest"] = np.where(can_tell, rest, np.nan)
    shown = [
        *keys, "population", *_WIN_COUNTS[:5], "win_rate", "win_rate_low", "win_rate_high",
        "n_without_amount", "won_amount", "total_amount", "value_win_rate", "value_win_rate_low",
        "value_win_rate_high", "value_win_rate_without_largest",
    ]  # fmt: skip
    table = table.sort_values(keys) if keys else table
    return table[shown].reset_index(drop=True)


def stage_conversion(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Share of deals that go on from each stage to the next.

    A deal has reached a stage once it entered that stage or a later one, so a deal that
    skipped a stage still passed it; only the first entry counts for going on, and coming
    back later is counted apart. A won deal has passed every stage, whether or not all of
    them were entered. Deals still open when the data end have not failed: they count for as
    long as they were watched (Aalen-Johansen [1]_, at the longest wait in the data), so a
    young deal neither lowers the rate nor drops out of it. Deals without any stage history
    cannot be placed and are left out; entries after ``as_of`` have not happened yet.

    A wait that the dates make negative (closed before the stage was entered) counts as no
    wait. A deal lost on an unknown day counts as lost on the day of its last stage change.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``, ``closed_at``; ``created_at`` for a
        window), ``stage_changes`` and an order of stages. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``, such as
        ``"team"``. The rep is the one the deal has now.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **created**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.

    Returns
    -------
    DataFrame
        One row per group and step, in selling order:

        - the ``by`` columns, if any;
        - ``from_stage``, ``to_stage`` : the step;
        - ``n_from`` : deals that reached ``from_stage``; always ``n_to + n_lost + n_open``;
        - ``n_to``, ``n_lost``, ``n_open`` : of these, went on, lost there, still there;
        - ``conversion_rate`` : probability of going on, in [0, 1]; NaN if none was decided;
        - ``conversion_rate_low``, ``conversion_rate_high`` : its interval; NaN likewise;
        - ``n_skipped`` : deals that reached the stage without ever entering it;
        - ``skip_rate``, ``skip_rate_low``, ``skip_rate_high`` : ``n_skipped / n_from`` with
          Wilson interval; NaN if none reached it;
        - ``n_returned`` : deals that entered the stage again after having gone on;
        - ``rework_rate``, ``rework_rate_low``, ``rework_rate_high`` : ``n_returned / n_to``
          with Wilson interval; NaN if none went on.

    Raises
    ------
    MissingDataError
        If there is no stage history, or a column above is missing. `current_stages` shows
        what can be said without a history.
    InputError
        If the history holds a stage that the order of stages does not list, or there are
        several pipelines.

    References
    ----------
    .. [1] Aalen, O. O. and Johansen, S. (1978). An empirical transition matrix for
       non-homogeneous Markov chains. Scandinavian Journal of Statistics 5(3), 141-150.

    Examples
    --------
    Four deals; C waits in "lead" since 3 January, B in "offer"; D skipped "lead".

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> day = pd.Timestamp("2025-01-01")
    >>> deals = pd.DataFrame({
    ...     "deal_id": ["A", "B", "C", "D"],
    ...     "created_at": [day, day, day + pd.Timedelta(days=2), day],
    ...     "status": ["won", "open", "open", "lost"],
    ...     "closed_at": [day + pd.Timedelta(days=9), None, None, day + pd.Timedelta(days=4)],
    ... })
    >>> moves = pd.DataFrame(
    ...     [("A", "lead", 0), ("A", "offer", 1), ("A", "won", 9), ("B", "lead", 0),
    ...      ("B", "offer", 3), ("C", "lead", 2), ("D", "offer", 0)],
    ...     columns=["deal_id", "stage", "days"],
    ... )
    >>> moves["entered_at"] = day + pd.to_timedelta(moves.pop("days"), unit="D")
    >>> stages = pd.DataFrame({
    ...     "stage": ["lead", "offer", "won", "lost"], "position": [1, 2, 3, 4],
    ...     "status": ["open", "open", "won", "lost"],
    ... })
    >>> department = Department(deals=deals, stage_changes=moves, stages=stages, as_of="2025-01-31")
    >>> table = stage_conversion(department)
    >>> table[["from_stage", "n_from", "n_to", "n_lost", "n_open", "conversion_rate"]].round(2)
      from_stage  n_from  n_to  n_lost  n_open  conversion_rate
    0       lead       4     3       0       1             0.75
    1      offer       3     1       1       1             0.33
    """
    _need_history(department)
    keys = department.split_keys(by)
    windowed = start is not None or end is not None
    department.require(
        deals=["deal_id", "status", "closed_at", *(["created_at"] if windowed else [])],
        stage_changes=["deal_id", "stage", "entered_at"],
    )
    ladder = department.ladder()
    deals = department.select_deals(by=keys, start=start, end=end)
    waits = count_waits(department, deals, keys, ladder)
    return _conversion_rates(waits, keys, ladder["stage"].tolist(), confidence=confidence)


def _need_history(department: Department) -> None:
    if department.has("stage_changes"):
        return
    message = (
        "stage conversion needs a stage history (table 'stage_changes'), which the department "
        "does not have: a count of the stages that deals are in now is no funnel, for it "
        "forgets every stage that a deal has passed. funnel.current_stages shows where deals "
        "stand now."
    )
    try:
        department.table("stage_changes")
    except MissingDataError as error:
        raise MissingDataError(message, missing=error.missing, ask_for=error.ask_for) from None


def _conversion_rates(
    waits: pd.DataFrame, keys: list[str], path: list[str], *, confidence: float
) -> pd.DataFrame:
    """Turn counts per group, step and wait into one row per group and step."""
    waits = waits.sort_values([*keys, "step", "wait_days"])
    groups = waits[keys].drop_duplicates() if keys else pd.DataFrame(index=[0])
    steps = pd.DataFrame({"step": range(len(path) - 1), "from_stage": path[:-1]})
    rows = groups.merge(steps.assign(to_stage=path[1:]), how="cross")
    cells = dict(list(waits.groupby([*keys, "step"])))
    empty = waits.iloc[:0]
    found = [cells.get(tuple(cell), empty) for cell in rows[[*keys, "step"]].to_numpy()]
    counts = pd.DataFrame(
        [[int(cell[name].sum()) for name in _CONVERSION_COUNTS[1:]] for cell in found],
        columns=_CONVERSION_COUNTS[1:],
    ).astype("int64")
    counts["n_from"] = counts["n_to"] + counts["n_lost"] + counts["n_open"]
    estimates = pd.DataFrame(
        [
            cumulative_incidence(
                cell["wait_days"], cell["n_to"], cell["n_lost"], cell["n_open"],
                confidence=confidence,
            )
            for cell in found
        ],
        columns=["conversion_rate", "conversion_rate_low", "conversion_rate_high"],
        dtype=float,
    )  # fmt: skip
    table = rows.drop(columns="step").join(counts[_CONVERSION_COUNTS[:4]]).join(estimates)
    for name, part, whole in (("skip", "skipped", "from"), ("rework", "returned", "to")):
        table[f"n_{part}"] = counts[f"n_{part}"]
        table[f"{name}_rate"] = ratio(counts[f"n_{part}"], counts[f"n_{whole}"])
        low, high = wilson_interval(
            counts[f"n_{part}"], counts[f"n_{whole}"], confidence=confidence
        )
        table[f"{name}_rate_low"], table[f"{name}_rate_high"] = low, high
    return table.reset_index(drop=True)


def current_stages(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Where the deals stand now, by stage and status.

    This is a count of places, not a funnel: it does not know which stages a deal has
    passed, so no conversion can be read from it. It is what can be said without a history.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``, ``stage``); uses ``amount`` if present.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **created**.
    confidence : float, default 0.95
        Level of the interval.

    Returns
    -------
    DataFrame
        One row per group and stage, most deals first:

        - the ``by`` columns, if any, and ``stage`` ("unassigned" where it is missing);
        - ``n_deals`` and its parts ``n_open``, ``n_won``, ``n_lost``;
        - ``open_amount`` : money of the open ones; NaN where none carries an amount;
        - ``n_group`` : deals of the group in all stages;
        - ``stage_share``, ``stage_share_low``, ``stage_share_high`` : ``n_deals / n_group``,
          in [0, 1], with Wilson interval.

    Raises
    ------
    MissingDataError
        If a column above is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({"deal_id": ["A", "B", "C"], "status": ["open", "open", "lost"],
    ...                       "stage": ["offer", "lead", "lead"]})
    >>> table = current_stages(Department(deals=deals, as_of="2025-12-31"))
    >>> table[["stage", "n_deals", "n_open", "n_lost"]]
       stage  n_deals  n_open  n_lost
    0   lead        2       1       1
    1  offer        1       1       0
    """
    keys = department.split_keys(by)
    department.require(deals=["deal_id", "status", "stage"])
    deals = department.select_deals(by=[*keys, "stage"], start=start, end=end)
    has_amount = "amount" in deals.columns
    is_open = _.status == "open"
    table = (
        deals.group_by([*keys, "stage"])
        .agg(
            n_deals=_.count(),
            n_open=_.count(where=is_open),
            n_won=_.count(where=_.status == "won"),
            n_lost=_.count(where=_.status == "lost"),
            **({"open_amount": _.amount.sum(where=is_open).cast("float64")} if has_amount else {}),
        )
        .to_pandas()
    )
    table = table.reindex(columns=list(dict.fromkeys([*table.columns, "open_amount"])))
    table["open_amount"] = table["open_amount"].astype(float)
    whole = table.groupby(keys)["n_deals"].transform("sum") if keys else table["n_deals"].sum()
    table["n_group"] = np.asarray(whole) + np.zeros(len(table), dtype="int64")
    table["stage_share"] = ratio(table["n_deals"], table["n_group"])
    low, high = wilson_interval(table["n_deals"], table["n_group"], confidence=confidence)
    table["stage_share_low"], table["stage_share_high"] = low, high
    order = [*keys, "n_deals", "stage"]
    rising = [True] * len(keys) + [False, True]
    return table.sort_values(order, ascending=rising).reset_index(drop=True)
