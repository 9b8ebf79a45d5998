"""Who gets which leads: how many for the time there is, and how good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.leads.assignment import (
    correlation,
    dealt,
    expected_rates,
    load_p_value,
)
from salesdiag.analyses.leads.distribution_counts import KINDS, count_received
from salesdiag.analyses.leads.rows import (
    check_keys,
    count_repeated,
    first_day,
    is_linked,
)
from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch
from salesdiag.periods import parse_day
from salesdiag.reductions.selling_days import selling_days
from salesdiag.stats.arguments import share, whole_number
from salesdiag.stats.multiplicity import adjust_p_values
from salesdiag.stats.rates import (
    compound_poisson_interval,
    normal_quantile,
    ratio,
    wilson_interval,
)
from salesdiag.stats.standardisation import observed_expected

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department

    Floats = NDArray[np.float64]

_ENDS = ("", "_low", "_high")
_INTERVALS = ("leads_per_day", "lead_share", "load_ratio", "quality_gap", "conversion_ratio",
              "quality_skill_correlation")  # fmt: skip
_COLUMNS = [
    "rep_id", "n_leads", "n_repeated", "n_selling_days",
    *[name + end for name in _INTERVALS[:2] for end in _ENDS], "capacity_share",
    *["load_ratio" + end for end in _ENDS], "lead_quality",
    *["quality_gap" + end for end in _ENDS], "p_value", "q_value", "n_mature", "n_comparable",
    "n_converted", "expected_conversions", *["conversion_ratio" + end for end in _ENDS], "n_reps",
    "lead_concentration", "capacity_concentration", "load_p_value", "quality_p_value",
    "n_compared", *["quality_skill_correlation" + end for end in _ENDS],
]  # fmt: skip
_LEAST_MATURE = 5  # older leads from which a rep's own conversion can be told at all
_CONVERTED = ["n_mature", "n_comparable", "n_converted"]
_COUNTS = [name for name in _COLUMNS if name.startswith("n_")]


def lead_distribution(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    mature_days: int = 30,
) -> pd.DataFrame:
    """Leads of each rep against the days he could work, and how good they were.

    How good a lead is, is what share of all leads of its source and segment is qualified in the
    group (where no table tells it: becomes a deal), whoever had them. A rep's leads are held
    against those of the same months dealt at random, each rep keeping his number: a
    gap that chance does not explain means that somebody, or a rule, hands them out by kind.
    That may be right: territories and specialists are such rules. It costs leads where the
    better ones go to those who convert them worse: ``quality_skill_correlation`` below 0.

    Owning is not working: a rep who holds the dead leads of all looks overloaded, and one whose
    leads come from his own search looks favoured. Leads that change hands are counted for whom
    they have now.

    Parameters
    ----------
    department : Department
        Needs ``leads`` (``lead_id``, ``created_at``, ``rep_id``); uses ``source``, ``segment``,
        ``qualified_at``, ``status`` or ``deal_id``. Days come from ``reps`` (``hired_on``,
        ``left_on``), the rows of ``deals`` and ``activities``, and the calendar. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``leads`` or ``reps``. Each group is dealt out by itself, so
        split by what decides who may get a lead, such as a territory. Split by a column of
        ``leads``, only reps who got leads there are listed.
    start, end : date or str, optional
        First and last day (both included) on which the lead **came in**, and of the days.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    mature_days : int, default 30
        Only leads so old say what a kind, or a rep, converts.

    Returns
    -------
    DataFrame
        One row per group and rep, and one of leads without a rep, "unassigned"; what belongs to
        the group stands in each of its rows:

        - the ``by`` columns, if any;
        - ``rep_id`` : the rep;
        - ``n_leads`` : leads received; ``n_repeated`` : rows of the whole table left out because
          another row has their id;
        - ``n_selling_days`` : working days in the window from being hired to leaving;
        - ``leads_per_day`` : their ratio; NaN without days;
        - ``leads_per_day_low``, ``leads_per_day_high`` : interval of a Poisson count;
        - ``lead_share`` : of the leads of the group that have a rep, in [0, 1]; NaN without any;
        - ``lead_share_low``, ``lead_share_high`` : Wilson interval;
        - ``capacity_share`` : share of the days of the group, in [0, 1];
        - ``load_ratio`` : share of the leads of reps with days over ``capacity_share``, 1 is
          even; NaN without days, as leads of who has left or is not known to be there yet;
        - ``load_ratio_low``, ``load_ratio_high`` : interval from that of the share of leads;
        - ``lead_quality`` : mean conversion expected of the leads received, in [0, 1]; NaN where
          no lead is old enough or none was received;
        - ``quality_gap`` : that less the mean of all leads of the same months;
        - ``quality_gap_low``, ``quality_gap_high`` : normal interval with the spread of a random
          deal; NaN where the rep was dealt all leads, or all are of one kind;
        - ``p_value`` : of a random deal for this rep; ``q_value`` : after Benjamini and Hochberg
          over the reps of the group;
        - ``n_mature`` : leads old enough; ``n_comparable`` : of these, of a kind of which another
          rep has such leads too; ``n_converted`` : converted of the comparable ones;
          ``expected_conversions`` : what their kinds convert in the group; NaN without any;
        - ``conversion_ratio`` : ``n_converted`` over that; NaN without such leads, as for a rep
          who has a source to himself and can be held against nobody;
        - ``conversion_ratio_low``, ``conversion_ratio_high`` : exact Poisson interval;
        - ``n_reps`` : reps of the group with leads;
        - ``lead_concentration`` : sum of the squares of the shares of leads, from 1 over the
          number of reps to 1; ``capacity_concentration`` : the same of the days of these reps;
        - ``load_p_value`` : of leads dealt at random in proportion to days (chi-square), over all
          reps with days: who gets none counts, so narrow to those who should get leads;
        - ``quality_p_value`` : of the quality of all reps together under a random deal within
          months (chi-square, closed form [1]_); NaN with one rep or one kind;
        - ``n_compared`` : reps with at least 5 comparable leads;
        - ``quality_skill_correlation`` : over these, between ``quality_gap`` and
          ``conversion_ratio``; NaN below 4 reps or without any spread;
        - ``quality_skill_correlation_low``, ``quality_skill_correlation_high`` : Fisher's
          interval, reps taken as independent. Chance in both draws it towards 0.

    Raises
    ------
    MissingDataError
        If a table or column above is missing, or no table holds a ``by`` column.
    InputError
        If ``mature_days`` is no whole number, or a ``by`` column says nothing of leads.

    References
    ----------
    .. [1] Strasser, H. and Weber, C. (1999). On the asymptotic theory of permutation
       statistics. Mathematical Methods of Statistics 8, 220-250.

    Examples
    --------
    Half of the leads from the web convert, none of those from the fair; r1 gets the web. Each
    converts what his leads allow.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> rows = [(rep, source, n % 2 == 0 and source == "web") for rep, source, many in [
    ...     ("r1", "web", 30), ("r1", "fair", 10), ("r2", "web", 10), ("r2", "fair", 30)]
    ...     for n in range(many)]
    >>> leads = pd.DataFrame(rows, columns=["rep_id", "source", "hit"])
    >>> leads["status"] = leads.pop("hit").map({True: "qualified", False: "working"})
    >>> leads = leads.assign(lead_id=leads.index.astype(str),
    ...                      created_at=pd.Timestamp("2025-03-03"))
    >>> reps = pd.DataFrame({"rep_id": ["r1", "r2"],
    ...                      "hired_on": pd.to_datetime(["2025-01-01"] * 2)})
    >>> deals = pd.DataFrame({"deal_id": ["A"], "status": ["open"]})
    >>> department = Department(deals=deals, leads=leads, reps=reps, as_of="2025-12-31")
    >>> table = lead_distribution(department)
    >>> table[["rep_id", "n_leads", "load_ratio", "quality_gap", "conversion_ratio"]].round(2)
           rep_id  n_leads  load_ratio  quality_gap  conversion_ratio
    0          r1       40         1.0          0.1               1.0
    1          r2       40         1.0         -0.1               1.0
    2  unassigned        0         NaN          NaN               NaN
    """
    share("confidence", confidence)
    whole_number("mature_days", mature_days)
    keys = check_keys(department, by, [*_COLUMNS, *KINDS, "month", "n", "first_day"])
    department.require(leads=["rep_id"])
    tells = department.has("leads", "qualified_at") or department.has("leads", "status")
    department.require(leads=[] if tells or is_linked(department) else ["qualified_at"])
    cells = count_received(department, keys, start=start, end=end, mature_days=mature_days)
    rows = _rows(department, cells, keys, start=start, end=end)
    parts = []
    for group, places in _parts(rows, keys):
        own = np.ones(len(cells), dtype=bool)
        for key, value in zip(keys, group, strict=True):
            own &= (cells[key] == value).to_numpy()
        parts.append(_one_group(rows.iloc[places].reset_index(drop=True), cells[own], confidence))
    table = pd.concat(parts, ignore_index=True)
    table["n_repeated"] = count_repeated(department)
    table[_COUNTS] = table[_COUNTS].astype("int64")
    return table[[*keys, *_COLUMNS]]


def _parts(rows: pd.DataFrame, keys: list[str]) -> list[tuple[tuple[str, ...], NDArray[np.intp]]]:
    if not keys:
        return [((), np.arange(len(rows)))]
    codes = rows.groupby(keys, sort=True).ngroup().to_numpy()
    places = [np.flatnonzero(codes == code) for code in range(codes.max() + 1)]
    return [(tuple(rows[keys].iloc[own[0]]), own) for own in places]


def _rows(
    department: Department,
    cells: pd.DataFrame,
    keys: list[str],
    *,
    start: date | str | None,
    end: date | str | None,
) -> pd.DataFrame:
    """List the reps of each group with their days; nobody's leads stand under "unassigned"."""
    first = first_day(department) if start is None else parse_day(start, "start")
    last = department.as_of if end is None else min(parse_day(end, "end"), department.as_of)
    window = pd.DataFrame({"period_start": [pd.Timestamp(first)],
                           "period_end": [pd.Timestamp(max(last, first))]})  # fmt: skip
    days = selling_days(department, window)[["rep_id", "n_selling_days"]]
    if last < first:
        days["n_selling_days"] = 0
    by = [*keys, "rep_id"]
    pairs = cells[by].drop_duplicates()
    if not any(department.has("leads", key) for key in keys):
        there = days.loc[days["n_selling_days"] > 0, ["rep_id"]]
        pairs = pd.concat([pairs, _with_keys(department, there, keys)], ignore_index=True)
    nobody = pd.DataFrame([[UNASSIGNED] * len(by)], columns=by)
    groups = pairs[keys].drop_duplicates().assign(rep_id=UNASSIGNED)
    pairs = pd.concat([pairs, groups, nobody]).astype("str").drop_duplicates().sort_values(by)
    return pairs.merge(days, on="rep_id", how="left").fillna({"n_selling_days": 0})


def _with_keys(department: Department, reps: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    if not keys:
        return reps
    ids = department.table("reps").select("rep_id").distinct()
    known = fetch(department.with_keys(ids, keys))  # as the leads: one value a rep
    found = reps.astype("str").merge(known.astype("str"), on="rep_id", how="left")
    return found.fillna(dict.fromkeys(keys, UNASSIGNED))[[*keys, "rep_id"]]


def _comparable(cells: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell of which cells another rep has leads of the kind, old enough, too."""
    held = cells.assign(n_held=cells["n_mature"].where(cells["rep_id"] != UNASSIGNED, 0))
    of_rep = held.groupby(["rep_id", *KINDS])["n_held"].transform("sum")
    of_kind = held.groupby(KINDS)["n_held"].transform("sum")
    found: NDArray[np.bool_] = (of_kind > of_rep).to_numpy()
    return found


def _one_group(rows: pd.DataFrame, cells: pd.DataFrame, confidence: float) -> pd.DataFrame:
    worth = expected_rates(cells, pull=0)
    there = _comparable(cells)
    sums = cells.assign(
        n_comparable=cells["n_mature"].where(there, 0),
        n_converted=cells["n_hit"].where(there, 0),
        expected_conversions=cells["n_mature"].where(there, 0) * np.nan_to_num(worth),
    ).groupby("rep_id")[["n", *_CONVERTED, "expected_conversions"]].sum()  # fmt: skip
    table = rows.merge(
        sums.rename(columns={"n": "n_leads"}),
        left_on="rep_id", right_index=True, how="left",
    )  # fmt: skip
    counts = ["n_leads", *_CONVERTED]
    table[counts] = table[counts].fillna(0).astype("int64")
    held = (table["rep_id"] != UNASSIGNED).to_numpy()
    n = table["n_leads"].to_numpy(float)
    days = np.where(held, table["n_selling_days"].to_numpy(float), 0.0)
    table["n_selling_days"] = days
    _add_load(table, n, days, held, confidence)
    _add_quality(table, cells[cells["rep_id"] != UNASSIGNED], confidence)
    _add_conversion(table, confidence)
    table["n_reps"] = int((held & (n > 0)).sum())
    shares = np.where(held, np.nan_to_num(table["lead_share"]), 0.0)
    busy = np.where(n > 0, days, 0.0)
    some = n[held].sum() > 0
    table["lead_concentration"] = np.sum(shares**2) if some else np.nan
    table["capacity_concentration"] = np.sum(np.nan_to_num(ratio(busy, busy.sum())) ** 2) if (
        busy.sum() > 0
    ) else np.nan  # fmt: skip
    table["load_p_value"] = load_p_value(np.where(held, n, 0.0), days)
    compared = held & (table["n_comparable"] >= _LEAST_MATURE).to_numpy()
    compared &= (table["quality_gap"].notna() & table["conversion_ratio"].notna()).to_numpy()
    table["n_compared"] = int(compared.sum())
    found = correlation(
        table["quality_gap"].to_numpy()[compared], table["conversion_ratio"].to_numpy()[compared],
        confidence,
    )  # fmt: skip
    for end, value in zip(_ENDS, found, strict=True):
        table[f"quality_skill_correlation{end}"] = value
    return table


def _add_load(
    table: pd.DataFrame, n: Floats, days: Floats, held: NDArray[np.bool_], confidence: float
) -> None:
    known = np.where(days > 0, days, np.nan)
    low, high = compound_poisson_interval(n, n, 1.0, typical=1.0, confidence=confidence)
    table["leads_per_day"] = ratio(n, known)
    table["leads_per_day_low"], table["leads_per_day_high"] = ratio(low, known), ratio(high, known)
    capacity = ratio(days, np.full(len(days), days.sum()))
    table["capacity_share"] = np.where(held, capacity, np.nan)
    # leads of who has no days are no load on anybody's days
    for name, own, whole, there in (
        ("lead_share", np.where(held, n, 0.0), n[held].sum(), held),
        ("load_ratio", np.where(days > 0, n, 0.0), n[days > 0].sum(), days > 0),
    ):
        low, high = wilson_interval(own, np.full(len(own), whole), confidence=confidence)
        scale = capacity if name == "load_ratio" else np.ones(len(own))
        for end, values in zip(_ENDS, (ratio(own, whole), low, high), strict=True):
            table[f"{name}{end}"] = ratio(np.where(there, values, np.nan), scale)


def _add_quality(table: pd.DataFrame, cells: pd.DataFrame, confidence: float) -> None:
    from scipy import special

    for name in ("lead_quality", *["quality_gap" + end for end in _ENDS], "p_value", "q_value"):
        table[name] = np.nan
    table["quality_p_value"] = np.nan
    if not len(cells) or not cells["n_mature"].sum():
        return
    reps = sorted(set(cells["rep_id"]))
    found = dealt(cells, reps)
    at = table["rep_id"].map({rep: number for number, rep in enumerate(reps)})
    rows = np.flatnonzero(at.notna())
    places = at.to_numpy()[rows].astype(int)
    gap, error = found.gap[places], found.error[places]
    reach = normal_quantile(confidence) * error
    gap = np.where(np.isnan(error), np.nan, gap)
    p_value = 2 * special.ndtr(-np.abs(ratio(gap, error)))
    table.loc[rows, "lead_quality"] = found.quality[places]
    for end, values in zip(_ENDS, (gap, gap - reach, gap + reach), strict=True):
        table.loc[rows, f"quality_gap{end}"] = values
    table.loc[rows, "p_value"] = p_value
    table.loc[rows, "q_value"] = adjust_p_values(p_value)
    table["quality_p_value"] = found.p_value


def _add_conversion(table: pd.DataFrame, confidence: float) -> None:
    expected = table["expected_conversions"].fillna(0.0).to_numpy(float)
    some = expected > 0
    seen = np.where(some, table["n_converted"], 0)
    found = observed_expected(seen, np.where(some, expected, 1.0), confidence=confidence)
    for end, values in zip(_ENDS, (found.ratio, found.low, found.high), strict=True):
        table[f"conversion_ratio{end}"] = np.where(some, values, np.nan)
    table["expected_conversions"] = np.where(table["n_comparable"] > 0, expected, np.nan)
