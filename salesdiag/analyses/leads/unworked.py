"""Leads that nobody ever contacted, and what they could have brought."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from salesdiag.analyses.leads.clock import WorkClock
from salesdiag.analyses.leads.rows import check_keys, count_repeated, groups_of, is_linked
from salesdiag.analyses.leads.unworked_counts import count_unworked
from salesdiag.errors import MissingDataError
from salesdiag.schema import TABLES
from salesdiag.stats.arguments import one_number, share, whole_number
from salesdiag.stats.rates import compound_poisson_interval, ratio, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department

    Floats = NDArray[np.float64]

_LEAST_LATE = 20  # late leads of a source that can speak for it
_ENDS = ("", "_low", "_high")
_ESTIMATES = ("unworked_share", "late_qualified_rate", "late_won_rate", "expected_qualified",
              "expected_won", "expected_amount")  # fmt: skip
_COLUMNS = [
    "n_leads", "n_young", "n_dropped", "n_repeated", "n_unworked",
    *["unworked_share" + end for end in _ENDS], "n_late",
    *[name + end for name in _ESTIMATES[1:] for end in _ENDS],
]  # fmt: skip


class _Weights(NamedTuple):
    """How much each late lead of a source stands for, among all late ones."""

    each: Floats  # unworked leads that one late lead of the source speaks for
    n_late: Floats
    total: float

    def rate(self, hits: Floats, confidence: float) -> tuple[float, float, float]:
        """Give the share that the unworked leads would have had, with Wilson's interval."""
        value = float(np.sum(self.each * hits)) / self.total
        size = self.total**2 / float(np.sum(self.each**2 * self.n_late))
        value = min(value, 1.0)
        low, high = wilson_interval(value * size, size, confidence=confidence)
        return value, float(low), float(high)


def unworked_leads(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    after_days: int = 3,
    late_hours: float | None = None,
) -> pd.DataFrame:
    """Count leads that nobody contacted, and what they could have brought.

    A lead is unworked if it has no first response and no call, e-mail, meeting or message to
    it or its deal (its own calls count where somebody answered: "connected" or "held"), was not
    moved on by its status or into a deal, and has waited for ``after_days`` working days. A deal
    not won that was opened at, or before, the moment the lead came in is a copy of the lead and
    moves nothing. Leads dropped without any contact are counted apart: somebody looked at them.

    What they would have brought, had they been called at last, is what comparable leads
    brought that **were** called late: of the same source, answered after more than
    ``late_hours`` working hours. Leads answered early would promise more than could be had.
    The late ones were still chosen by somebody, so this is rather too much than too little,
    and an association (grade D where nothing else is known).

    Parameters
    ----------
    department : Department
        Needs ``leads`` (``lead_id``, ``created_at``) with ``first_response_at``, or
        ``activities`` (``lead_id``, ``activity_type``, ``occurred_at``); uses ``status``,
        ``source``, ``qualified_at``, ``deal_id`` of leads, ``lead_id`` and ``amount`` of deals,
        and ``deal_id``, ``direction`` and ``outcome`` of activities. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``leads`` or ``reps``. The late leads are those of all
        groups, as a group that leaves its leads alone has none. The group "unassigned" is
        always there.
    start, end : date or str, optional
        First and last day (both included) on which the lead **came in**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    after_days : int, default 3
        Working days that a lead may wait before it counts as unworked.
    late_hours : float, optional
        Working hours after which an answer is late. Default: three working days.

    Returns
    -------
    DataFrame
        One row per group:

        - the ``by`` columns, if any;
        - ``n_leads`` : leads of the group; ``n_young`` : not contacted, but not yet for so long;
          ``n_dropped`` : disqualified without any contact; ``n_repeated`` : rows of the whole
          table left out because another row has their id;
        - ``n_unworked`` : leads never contacted;
        - ``unworked_share`` : of ``n_leads`` less ``n_young``, in [0, 1]; NaN without any;
        - ``unworked_share_low``, ``unworked_share_high`` : Wilson interval, each lead taken as
          independent;
        - ``n_late`` : leads of all groups that were answered late, of which the rest speaks;
        - ``late_qualified_rate`` : share of late leads that are qualified by ``as_of``, weighted
          to the sources of the unworked ones, in [0, 1]; sources with fewer than 20 late leads
          take that of all; NaN without unworked or late leads, or where no table tells it;
        - ``late_qualified_rate_low``, ``late_qualified_rate_high`` : Wilson interval at the
          effective number of late leads;
        - ``late_won_rate``, ``late_won_rate_low``, ``late_won_rate_high`` : likewise won;
        - ``expected_qualified``, ``expected_qualified_low``, ``expected_qualified_high`` :
          ``n_unworked`` times that share; ``expected_won``, ``expected_won_low``,
          ``expected_won_high`` : likewise won;
        - ``expected_amount`` : money won per late lead, so weighted, times ``n_unworked``; NaN
          where none of the late leads was won with an amount;
        - ``expected_amount_low``, ``expected_amount_high`` : gamma interval.

    Raises
    ------
    MissingDataError
        If a table or column above is missing, or no table holds a ``by`` column.
    InputError
        If an option is out of its range, or a ``by`` column says nothing of leads.

    References
    ----------
    Fay, M. P. and Feuer, E. J. (1997). Confidence intervals for directly standardized rates:
    a method based on the gamma distribution. Statistics in Medicine 16, 791-801.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> day = pd.Timestamp("2025-03-03 10:00")
    >>> leads = pd.DataFrame({"lead_id": [str(n) for n in range(60)], "created_at": day,
    ...                       "source": "web", "status": "working"})
    >>> leads["first_response_at"] = [day + pd.Timedelta(days=9)] * 40 + [None] * 20
    >>> leads.loc[:9, "status"] = "qualified"
    >>> deals = pd.DataFrame({"deal_id": ["A"], "status": ["open"]})
    >>> department = Department(deals=deals, leads=leads, as_of="2025-12-31")
    >>> table = unworked_leads(department)
    >>> table[["n_unworked", "unworked_share", "n_late", "late_qualified_rate",
    ...        "expected_qualified"]].round(2)
       n_unworked  unworked_share  n_late  late_qualified_rate  expected_qualified
    0          20            0.33      40                 0.25                 5.0
    """
    share("confidence", confidence)
    whole_number("after_days", after_days)
    keys = check_keys(department, by, [*_COLUMNS, *_INTERNAL])
    _require_traces(department)
    hours = 3 * WorkClock(department).day_hours if late_hours is None else (
        one_number("late_hours", late_hours, least=0)
    )  # fmt: skip
    counts = count_unworked(
        department, keys, start=start, end=end, after_days=after_days, late_hours=hours
    )
    tells = department.has("leads", "qualified_at") or department.has("leads", "status")
    late = counts.groupby("kind_source")[_LATE].sum()
    late["late_largest"] = counts.groupby("kind_source")["late_largest"].max()
    parts = []
    groups = groups_of(counts, keys)
    for group in groups[keys].itertuples(index=False) if keys else [()]:
        own = np.ones(len(counts), dtype=bool)
        for key, value in zip(keys, group, strict=True):
            own &= (counts[key] == value).to_numpy()
        row = _one_group(counts[own], late, confidence, tells=tells, wins=is_linked(department))
        parts.append(dict(zip(keys, group, strict=True)) | row)
    table = pd.DataFrame(parts)
    low, high = wilson_interval(
        table["n_unworked"], table["n_leads"] - table["n_young"], confidence=confidence
    )
    table["unworked_share"] = ratio(table["n_unworked"], table["n_leads"] - table["n_young"])
    table["unworked_share_low"], table["unworked_share_high"] = low, high
    table["n_repeated"] = count_repeated(department)
    integers = [name for name in _COLUMNS if name.startswith("n_")]
    table[integers] = table[integers].astype("int64")
    floats = [name for name in _COLUMNS if name not in integers]
    table[floats] = table[floats].astype(float)
    return table[[*keys, *_COLUMNS]]


_LATE = ["n_late", "n_late_qualified", "n_late_won", "late_amount", "late_squares",
         "late_largest"]  # fmt: skip
_INTERNAL = [*_LATE, "kind_source", "is_young", "is_dropped", "is_unworked", "is_late", "is_hit",
             "is_won", "money"]  # fmt: skip


def _require_traces(department: Department) -> None:
    """Refuse where nothing tells whether a lead was contacted."""
    if department.has("leads", "first_response_at"):
        return
    if department.has("activities", "lead_id", "activity_type", "occurred_at"):
        return
    ask = f"{TABLES['leads'].ask_for}; or {TABLES['activities'].ask_for}"
    message = (
        "this needs leads.first_response_at, or activities that name leads, which the department "
        f"does not have. Ask for {ask}."
    )
    raise MissingDataError(
        message, missing=("leads.first_response_at", "activities.lead_id"), ask_for=ask
    )


def _one_group(
    counts: pd.DataFrame, late: pd.DataFrame, confidence: float, *, tells: bool, wins: bool
) -> dict[str, float]:
    row: dict[str, float] = {
        name: int(counts[name].sum()) for name in ("n_leads", "n_young", "n_dropped", "n_unworked")
    }
    row |= {name + end: np.nan for name in _ESTIMATES[1:] for end in _ENDS}
    row["n_late"] = int(late["n_late"].sum())
    weights = _weights(counts, late)
    if weights is None:
        return row
    for name, is_known in (("qualified", tells), ("won", wins)):
        if not is_known:
            continue
        found = weights.rate(late[f"n_late_{name}"].to_numpy(float), confidence)
        for end, value in zip(_ENDS, found, strict=True):
            row[f"late_{name}_rate{end}"] = value
            row[f"expected_{name}{end}"] = value * weights.total
    amount, squares, largest = (
        late[name].to_numpy(float) for name in ("late_amount", "late_squares", "late_largest")
    )
    money = float(np.sum(weights.each * amount))
    if wins and money > 0:
        low, high = compound_poisson_interval(
            money, np.sum(weights.each**2 * squares), np.max(weights.each * largest),
            confidence=confidence,
        )  # fmt: skip
        found = (money, float(low), float(high))
        row |= {f"expected_amount{end}": one for end, one in zip(_ENDS, found, strict=True)}
    return row


def _weights(counts: pd.DataFrame, late: pd.DataFrame) -> _Weights | None:
    """Let the late leads of a source speak for its unworked ones, and all for those of few."""
    n_late = late["n_late"].to_numpy(float)
    unworked = counts.groupby("kind_source")["n_unworked"].sum().reindex(late.index).fillna(0)
    n_unworked = unworked.to_numpy(float)
    if not n_late.sum() or not n_unworked.sum():
        return None
    enough = n_late >= _LEAST_LATE
    own = np.where(enough, np.nan_to_num(ratio(n_unworked, n_late)), 0.0)
    rest = n_unworked[~enough].sum() / n_late.sum()
    return _Weights(own + rest, n_late, float(n_unworked.sum()))
