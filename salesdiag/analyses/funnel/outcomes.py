"""What becomes of deals, and by which age."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.funnel.outcome_counts import (
    ENDS,
    TAKEN,
    count_given_up,
    count_outcomes,
    dated_deals,
    median_won_age,
)
from salesdiag.errors import InputError
from salesdiag.periods import parse_day
from salesdiag.stats.survival import cumulative_incidence

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import ibis
    from numpy.typing import NDArray

    from salesdiag.department import Department

OUTCOMES = ("won", "lost", "no decision", "open")
_RULES = {"": 1.0, "if_sooner": 0.5, "if_later": 2.0, "if_never": np.inf}
_COLUMNS = [
    "age_days", "is_longest", "outcome", "n_deals", "n_undated", "n_ended", "n_at_risk",
    "incidence_rate", "incidence_rate_low", "incidence_rate_high", "incidence_if_sooner",
    "incidence_if_later", "incidence_if_never", "no_decision_days",
]  # fmt: skip
_LEAST_QUIET = 30.0  # days; where deals are won on the day, silence of hours means nothing
_FEW = 5  # at risk; below, one deal would carry the curve


def outcome_incidence(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    ages: Sequence[int] = (30, 60, 90, 180, 365),
    no_decision_after: float = 3.0,
    watched_since: date | str | None = None,
) -> pd.DataFrame:
    """Share of deals that are won, lost, or end without a decision, by given ages.

    The win rate of closed deals forgets the open ones, and the share of all deals won by now
    takes young ones for failures. This counts each deal for as long as it was watched
    (Aalen-Johansen [1]_): the chance that a deal is won by the age of 90 days, that it is lost
    by then, and that it is still open.

    Some deals are open in name only. A deal counts as ended without a decision once nothing
    has happened on it (no stage change, no activity, since creation) for
    ``no_decision_after`` times the median age at which deals are won, and for 30 days at least.
    That is a rule and not a fact, so the columns ``incidence_if_*`` give the same share with
    half that time, twice that time, and without the rule.

    Deals created before the first day from which the data hold *all* deals were only kept
    because they lived long: give that day as ``watched_since``, and they count from then on
    (left truncation). Compare groups at an age that all of them reach.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``, ``created_at``, ``closed_at``); uses
        ``stage_changes`` and ``activities`` where there are any. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **created**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    ages : sequence of int, default (30, 60, 90, 180, 365)
        Days since creation.
    no_decision_after : float, default 3
        Times the median age of won deals without any touch; infinity: no such rule.
    watched_since : date or str, optional
        First day from which the data hold all deals.

    Returns
    -------
    DataFrame
        One row per group, age and outcome, and for each group and outcome one at the longest
        age that the data support:

        - the ``by`` columns, if any;
        - ``age_days`` : the age; ``is_longest`` : the longest supported (at least five at risk,
          or all decided), NaN days where there is none;
        - ``outcome`` : ``"won"``, ``"lost"``, ``"no decision"``, ``"open"``;
        - ``n_deals`` : deals of the group that have an age; ``n_undated`` : those without one
          (no day of creation, or decided on an unknown day), left out;
        - ``n_ended`` : of these, ended so by that age (for ``"open"``: known to be open then);
        - ``n_at_risk`` : were open and watched up to that age;
        - ``incidence_rate`` : share that has ended so by that age, in [0, 1]; the four outcomes
          add up to 1; NaN where nobody was watched that long;
        - ``incidence_rate_low``, ``incidence_rate_high`` : its interval;
        - ``incidence_if_sooner``, ``incidence_if_later``, ``incidence_if_never`` : the share if
          deals were given up after half the time, twice the time, or never;
        - ``no_decision_days`` : days without a touch after which a deal counts as ended; NaN
          without any won deal, when the rule cannot be applied.

    Raises
    ------
    MissingDataError
        If a column above is missing.
    InputError
        If ages are not whole days from 0 on, or ``no_decision_after`` is not above 0.

    References
    ----------
    .. [1] Aalen, O. O. and Johansen, S. (1978). An empirical transition matrix for
       non-homogeneous Markov chains. Scandinavian Journal of Statistics 5(3), 141-150.

    Examples
    --------
    Of four deals one was won after 10 days, one lost after 20; one is open since 29 days and
    one since 4, which tells nothing of day 10. So a third, not a quarter, is won by day 20.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": list("ABCD"), "status": ["won", "lost", "open", "open"],
    ...     "created_at": pd.to_datetime(["2025-01-02", "2025-01-02", "2025-01-02", "2025-01-27"]),
    ...     "closed_at": pd.to_datetime(["2025-01-12", "2025-01-22", None, None]),
    ... })
    >>> table = outcome_incidence(Department(deals=deals, as_of="2025-01-31"), ages=[20])
    >>> table[~table["is_longest"]][["outcome", "n_ended", "incidence_rate"]].round(2)
           outcome  n_ended  incidence_rate
    0          won        1            0.33
    1         lost        1            0.33
    2  no decision        0            0.00
    3         open        1            0.33
    """
    _check_options(ages, no_decision_after)
    keys = department.split_keys(by, results=[*_COLUMNS, *TAKEN])
    since = None if watched_since is None else parse_day(watched_since, "watched_since")
    deals = dated_deals(department, keys, start=start, end=end, watched_since=since)
    counts = count_outcomes(deals, keys)
    limit = no_decision_after * median_won_age(counts)
    limit = max(limit, _LEAST_QUIET) if np.isfinite(limit) else limit
    groups = counts[keys].drop_duplicates(ignore_index=True) if keys else pd.DataFrame(index=[0])
    ends = _placed(department, deals, counts, keys, limit)
    horizon = _horizons(ends[""], groups, keys, ages)
    table = _rows(groups, horizon)
    table = table.join(_counted(ends[""], counts, groups, keys, horizon))
    for name, placed in ends.items():
        rates = _rates(placed, groups, keys, horizon, confidence)
        columns = ["rate", "rate_low", "rate_high"] if not name else [name]
        for column, values in zip(columns, rates, strict=False):
            table[f"incidence_{column}"] = values.ravel()
    table["no_decision_days"] = limit if np.isfinite(limit) else np.nan
    return table[[*keys, *_COLUMNS]]


def _check_options(ages: Sequence[int], no_decision_after: float) -> None:
    if not len(list(ages)) or any(age != age or age < 0 or age != int(age) for age in ages):
        message = f"ages must be whole days from 0 on; got {list(ages)!r}."
        raise InputError(message)
    if not no_decision_after > 0:
        message = f"no_decision_after must be a number above 0; got {no_decision_after!r}."
        raise InputError(message)


def _placed(
    department: Department,
    deals: ibis.Table,
    counts: pd.DataFrame,
    keys: list[str],
    limit: float,
) -> dict[str, pd.DataFrame]:
    """Give the counts under each rule: open deals untouched for its days end where these end."""
    dated = counts[counts["age_days"] >= 0].assign(n_none=0)
    limits = [limit * factor for factor in _RULES.values()]
    days = {int(np.ceil(one)) for one in limits if np.isfinite(one)}
    given_up = count_given_up(department, deals, keys, sorted(days)) if days else None
    ends = {}
    for name, one in zip(_RULES, limits, strict=True):
        if given_up is None or not np.isfinite(one):
            ends[name] = dated
            continue
        own = given_up[given_up["limit_days"] == int(np.ceil(one))]
        merged = pd.concat([dated.assign(n_open=0), own[dated.columns]], ignore_index=True)
        ends[name] = merged.groupby([*keys, "age_days"], as_index=False).sum()
    return ends


def _codes(counts: pd.DataFrame, groups: pd.DataFrame, keys: list[str]) -> NDArray[np.intp]:
    """Give the row of each count in the table of groups."""
    if not keys:
        return np.zeros(len(counts), dtype=np.intp)
    numbered = groups.assign(group_number=range(len(groups)))
    merged = counts[keys].merge(numbered, how="left", on=keys)
    return merged["group_number"].to_numpy(np.intp)


def _horizons(
    counts: pd.DataFrame, groups: pd.DataFrame, keys: list[str], ages: Sequence[int]
) -> NDArray[np.float64]:
    """Give the ages asked for, and last the longest that each group supports, -1 without one."""
    wanted = np.unique(np.asarray(list(ages), dtype=float))
    code = _codes(counts, groups, keys)
    ended = counts[["n_won", "n_lost", "n_none", "n_open"]].sum(axis=1)
    watched = counts.assign(net=ended - counts["n_late"], code=code).iloc[::-1]
    at_risk = watched.groupby("code")["net"].cumsum()
    still = watched.groupby("code")["n_open"].transform("sum")
    supported = watched[(at_risk >= _FEW) | (still == 0)]
    longest = supported.groupby("code")["age_days"].max().reindex(range(len(groups)))
    table = np.tile(wanted, (len(groups), 1))
    return np.column_stack((table, longest.fillna(-1).to_numpy(float)))


def _rows(groups: pd.DataFrame, horizon: NDArray[np.float64]) -> pd.DataFrame:
    """Lay out one row per group, age and outcome."""
    n_ages = horizon.shape[1]
    rows = groups.loc[groups.index.repeat(n_ages * len(OUTCOMES))].reset_index(drop=True)
    age = np.repeat(horizon.ravel(), len(OUTCOMES))
    rows["age_days"] = np.where(age < 0, np.nan, age)
    is_last = np.arange(n_ages) == n_ages - 1
    rows["is_longest"] = np.tile(np.repeat(is_last, len(OUTCOMES)), len(groups))
    rows["outcome"] = list(OUTCOMES) * (len(groups) * n_ages)
    return rows


def _counted(
    placed: pd.DataFrame,
    counts: pd.DataFrame,
    groups: pd.DataFrame,
    keys: list[str],
    horizon: NDArray[np.float64],
) -> pd.DataFrame:
    """Count who had ended, and who was watched on, at each age."""
    code, time = _codes(placed, groups, keys), placed["age_days"].to_numpy(float)
    until = horizon[code]

    def count(column: pd.Series, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        values = column.to_numpy(float)[:, None] * mask
        sums = np.zeros(horizon.shape)
        np.add.at(sums, code, values)
        return sums.astype("int64")

    by_then, later = time[:, None] <= until, time[:, None] > until
    kinds = ["n_won", "n_lost", "n_none"]
    whole = placed[[*kinds, "n_open"]].sum(axis=1)
    known_open = count(whole, later) - count(placed["n_late"], later)
    ended = [count(placed[kind], by_then) for kind in kinds]
    at_risk = count(whole, ~(time[:, None] < until)) - count(
        placed["n_late"], ~(time[:, None] < until)
    )
    undated = counts[counts["age_days"] < 0]
    lost_track = np.zeros(len(groups), dtype="int64")
    np.add.at(lost_track, _codes(undated, groups, keys), undated[ENDS].sum(axis=1).to_numpy())
    n_deals = np.zeros(len(groups), dtype="int64")
    np.add.at(n_deals, code, whole.to_numpy("int64"))
    n_cells = horizon.shape[1] * len(OUTCOMES)
    return pd.DataFrame({
        "n_deals": np.repeat(n_deals, n_cells),
        "n_undated": np.repeat(lost_track, n_cells),
        "n_ended": np.stack([*ended, known_open], axis=-1).ravel(),
        "n_at_risk": np.repeat(at_risk.ravel(), len(OUTCOMES)),
    })  # fmt: skip


def _rates(
    placed: pd.DataFrame,
    groups: pd.DataFrame,
    keys: list[str],
    horizon: NDArray[np.float64],
    confidence: float,
) -> list[NDArray[np.float64]]:
    """Give rate, low and high of each group, age and outcome; the four rates add up to 1."""
    found = [np.full((*horizon.shape, len(OUTCOMES)), np.nan) for _end in range(3)]
    code = _codes(placed, groups, keys)
    there = np.unique(code)
    decided = placed["n_won"] + placed["n_lost"] + placed["n_none"]
    events = [placed["n_won"], placed["n_lost"], placed["n_none"], decided]
    for place, event in enumerate(events):
        estimate = cumulative_incidence(
            placed["age_days"],
            event,
            decided - event,
            placed["n_open"],
            group=code,
            n_late=placed["n_late"],
            horizon=horizon[there],
            confidence=confidence,
        )
        ends = estimate.rate, estimate.low, estimate.high
        if place == len(events) - 1:  # open is what is left
            ends = 1 - estimate.rate, 1 - estimate.high, 1 - estimate.low
        for table, values in zip(found, ends, strict=True):
            table[there, :, place] = np.where(horizon[there] < 0, np.nan, values)
    return found
