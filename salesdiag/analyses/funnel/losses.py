"""Why deals are lost, where, and how far the reasons can be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd
from ibis import _

from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch
from salesdiag.stats.rates import ratio, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department

_BLANK = "(blank)"
_UNKNOWN = "(unknown)"
# what people write when they do not want to write anything
_UNSPECIFIC = (
    "other", "others", "unknown", "none", "n/a", "na", "no reason", "-", "misc", "miscellaneous",
    "другое", "прочее", "иное", "неизвестно", "нет", "без причины",
    "khác", "không rõ", "không có",
)  # fmt: skip
_COLUMNS = [
    "loss_reason", "is_specific", "n_lost_all", "n_lost", "loss_share", "loss_share_low",
    "loss_share_high", "lost_amount", "n_without_amount", "exit_stage", "exit_stage_share",
    "unspecific_share", "n_reps", "rep_dependence", "p_value",
]  # fmt: skip


def loss_reasons(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    unspecific: Sequence[str] = _UNSPECIFIC,
) -> pd.DataFrame:
    """Reasons given for lost deals, the stage they left from, and how reliable the reasons are.

    A reason is what a rep chose from a list after losing. Two figures tell how far to believe
    them: the share that say nothing (blank, "other"), and how much the reasons depend on who
    fills them in. Where reps of one group give quite different reasons (``rep_dependence``
    near 1), the table is about the reps and not about the customers.

    The stage is the last open one that the deal entered; without a stage history it is
    "(unknown)".

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``, ``loss_reason``; ``closed_at`` for a window);
        uses ``amount``, ``rep_id`` and ``stage_changes`` where there are any. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **lost**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    unspecific : sequence of str, optional
        Reasons that say nothing, in small letters; blank ones never do.

    Returns
    -------
    DataFrame
        One row per group and reason, the most frequent first:

        - the ``by`` columns, if any;
        - ``loss_reason`` : as written, "(blank)" where there is none;
        - ``is_specific`` : whether it says anything;
        - ``n_lost_all`` : lost deals of the group; ``n_lost`` : with this reason;
        - ``loss_share`` : ``n_lost / n_lost_all``, in [0, 1];
        - ``loss_share_low``, ``loss_share_high`` : its Wilson interval;
        - ``lost_amount`` : money of those with an amount; NaN if none has one;
        - ``n_without_amount`` : deals without an amount above 0;
        - ``exit_stage`` : stage from which most of them were lost;
        - ``exit_stage_share`` : share of them, in [0, 1];
        - ``unspecific_share`` : share of the group's lost deals whose reason says nothing;
        - ``n_reps`` : reps with at least five lost deals in the group;
        - ``rep_dependence`` : Cramer's V between rep and reason, corrected for chance, in [0, 1];
          NaN with fewer than two such reps or one reason;
        - ``p_value`` : of reasons that do not depend on the rep; NaN likewise.

    Raises
    ------
    MissingDataError
        If a column above is missing, or no table holds a ``by`` column.

    References
    ----------
    Bergsma, W. (2013). A bias-correction for Cramer's V and Tschuprow's T. Journal of the
    Korean Statistical Society 42, 323-328.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": list("ABCD"), "status": ["lost", "lost", "lost", "won"],
    ...     "loss_reason": ["price", "price", None, None],
    ... })
    >>> table = loss_reasons(Department(deals=deals, as_of="2025-12-31"))
    >>> table[["loss_reason", "is_specific", "n_lost", "loss_share"]].round(2)
      loss_reason  is_specific  n_lost  loss_share
    0       price         True       2        0.67
    1     (blank)        False       1        0.33
    """
    keys = department.split_keys(by, results=_COLUMNS)
    windowed = start is not None or end is not None
    needed = ["deal_id", "status", "loss_reason", *(["closed_at"] if windowed else [])]
    department.require(deals=needed)
    cells = _count(department, keys, start=start, end=end)
    said = ~cells["loss_reason"].str.strip().str.lower().isin([*unspecific, _BLANK])
    cells["n_unspecific"] = cells["n_lost"].where(~said, 0)
    table = _by_reason(cells, keys)
    table["is_specific"] = table["n_unspecific"] == 0
    whole = _totals(cells, keys, table)
    table["n_lost_all"] = whole["n_lost"]
    table["loss_share"] = ratio(table["n_lost"], table["n_lost_all"])
    low, high = wilson_interval(table["n_lost"], table["n_lost_all"], confidence=confidence)
    table["loss_share_low"], table["loss_share_high"] = low, high
    table["unspecific_share"] = ratio(whole["n_unspecific"], whole["n_lost"])
    table = _with_dependence(table, cells, keys)
    order = [*keys, "n_lost", "loss_reason"]
    rising = [True] * len(keys) + [False, True]
    return table.sort_values(order, ascending=rising)[[*keys, *_COLUMNS]].reset_index(drop=True)


def _count(
    department: Department,
    keys: list[str],
    *,
    start: date | str | None,
    end: date | str | None,
) -> pd.DataFrame:
    """Count lost deals per group, reason, rep and stage of exit, sorted."""
    deals = department.select_deals(by=keys, start=start, end=end, on="closed_at")
    lost = deals.filter(_.status == "lost")
    reason = lost.loss_reason.strip().nullif("")
    amount = lost.amount if "amount" in lost.columns else ibis.null().cast("float64")
    rep = lost.rep_id if "rep_id" in lost.columns else ibis.null().cast("string")
    lost = lost.mutate(
        loss_reason=reason.fill_null(_BLANK),
        deal_rep=rep.cast("string").fill_null(UNASSIGNED),
        worth=amount.cast("float64"),
    )
    lost = _with_exit(department, lost)
    cells = fetch(
        lost.group_by([*keys, "loss_reason", "deal_rep", "exit_stage"]).agg(
            n_lost=_.count(),
            n_with_amount=_.count(where=_.worth > 0),
            lost_amount=_.worth.sum(where=_.worth > 0),
        )
    )
    cells["lost_amount"] = cells["lost_amount"].astype(float).round(4)
    order = [*keys, "loss_reason", "deal_rep", "exit_stage"]
    return cells.sort_values(order).reset_index(drop=True)


def _with_exit(department: Department, lost: ibis.Table) -> ibis.Table:
    """Add the last open stage that each deal entered."""
    if not department.has("stage_changes"):
        return lost.mutate(exit_stage=ibis.literal(_UNKNOWN))
    ends: list[str] = []
    if department.has("stages", "status"):
        stages = department.fetch("stages")
        ends = stages[stages["status"].isin(["won", "lost"])]["stage"].tolist()
    moves = department.table("stage_changes").filter(~_.stage.isin(ends or [""]))
    last = moves.group_by("deal_id").agg(last_at=_.entered_at.max())
    at_last = moves.join(last, "deal_id").filter(_.entered_at == _.last_at)
    # of changes at one moment, the last name in the alphabet: any rule that is one will do
    exits = at_last.group_by("deal_id").agg(exit_stage=_.stage.max())
    joined = lost.left_join(exits, "deal_id").drop("deal_id_right")
    return joined.mutate(exit_stage=_.exit_stage.fill_null(_UNKNOWN))


def _by_reason(cells: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Add the cells up per group and reason, with the stage from which most were lost."""
    name = [*keys, "loss_reason"]
    sums = ["n_lost", "n_unspecific", "n_with_amount", "lost_amount"]
    table = cells.groupby(name, as_index=False)[sums].sum()
    table["lost_amount"] = table["lost_amount"].where(table["n_with_amount"] > 0)
    table["n_without_amount"] = table["n_lost"] - table["n_with_amount"]
    exits = cells.groupby([*name, "exit_stage"])["n_lost"].sum().reset_index()
    rising = [*[True] * len(name), False, True]
    exits = exits.sort_values([*name, "n_lost", "exit_stage"], ascending=rising)
    top = exits.drop_duplicates(name).rename(columns={"n_lost": "n_exit"})
    table = table.merge(top, on=name)
    table["exit_stage_share"] = ratio(table["n_exit"], table["n_lost"])
    return table


def _totals(cells: pd.DataFrame, keys: list[str], table: pd.DataFrame) -> pd.DataFrame:
    """Give, for each row of the table, the sums of its group."""
    sums = ["n_lost", "n_unspecific"]
    if not keys:
        whole = cells[sums].sum()
        return pd.DataFrame({name: np.full(len(table), whole[name]) for name in sums})
    return table[keys].merge(cells.groupby(keys, as_index=False)[sums].sum(), on=keys, how="left")


_ENOUGH = 5  # lost deals of a rep


def _with_dependence(table: pd.DataFrame, cells: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Add how much reasons depend on the rep, one figure a group."""
    known = cells[cells["deal_rep"] != UNASSIGNED]
    columns = ["n_reps", "rep_dependence", "p_value"]
    if not keys:
        found = _dependence(known)
        return table.assign(**dict(zip(columns, found, strict=True)))
    groups = [(name, *_dependence(part)) for name, part in known.groupby(keys)]
    rows = [[*name, *found] for name, *found in groups]
    by_group = pd.DataFrame(rows, columns=[*keys, *columns])
    merged = table.merge(by_group.astype({"n_reps": "int64"}), on=keys, how="left")
    return merged.assign(n_reps=merged["n_reps"].fillna(0).astype("int64"))


def _dependence(cells: pd.DataFrame) -> tuple[int, float, float]:
    """Give reps with enough losses, Cramer's V corrected for chance, and the p-value."""
    from scipy import special

    counts = cells.pivot_table(
        index="deal_rep", columns="loss_reason", values="n_lost", aggfunc="sum", fill_value=0
    ).to_numpy(float)
    counts = counts[counts.sum(axis=1) >= _ENOUGH] if counts.size else counts.reshape(0, 0)
    counts = counts[:, counts.sum(axis=0) > 0]
    n_reps, n_reasons = counts.shape
    if n_reps < 2 or n_reasons < 2:
        return n_reps, np.nan, np.nan
    n = counts.sum()
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / n
    squares = float(((counts - expected) ** 2 / expected).sum())
    degrees = (n_reps - 1) * (n_reasons - 1)
    left = max(squares / n - degrees / (n - 1), 0.0)
    rows = n_reps - (n_reps - 1) ** 2 / (n - 1)
    columns = n_reasons - (n_reasons - 1) ** 2 / (n - 1)
    most = max(min(rows, columns) - 1, 1e-12)
    return n_reps, min(float(np.sqrt(left / most)), 1.0), float(special.chdtrc(degrees, squares))
