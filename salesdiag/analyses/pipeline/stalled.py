"""Open deals that are past the age at which deals of this department still win."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from salesdiag.analyses.pipeline.chances import (
    UNKNOWN,
    by_day,
    chance_after,
    look_ahead,
    shares_of,
)
from salesdiag.analyses.pipeline.groups import counted, places, summed
from salesdiag.analyses.pipeline.limits import RULES, Limit, limit_of
from salesdiag.analyses.pipeline.open_cells import NOWHERE, groups_with_deals, open_cells
from salesdiag.analyses.pipeline.standing import refuse_pipelines, stages_of
from salesdiag.analyses.pipeline.stays import OUTCOMES, RESERVED, moved_cells, outcome_cells
from salesdiag.department import UNASSIGNED
from salesdiag.errors import InputError, MissingDataError
from salesdiag.reductions.ages import age_cells
from salesdiag.stats.arguments import one_of, share
from salesdiag.stats.rates import ratio, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department

Clock = Literal["stage", "deal"]
ALL = "all stages"
_AFTER = ["days", "n_won", "n_lost", "n_open"]
_COLUMNS = [
    "stage", "clock", "rule", "threshold_basis", "n_learnt", "n_learnt_won",
    "threshold_days", "threshold_days_low", "threshold_days_high", "look_ahead_days",
    "entry_win_rate", "entry_win_rate_low", "entry_win_rate_high",
    "later_win_rate", "later_win_rate_low", "later_win_rate_high",
    "n_open", "n_undated", "n_stalled", "stalled_share", "stalled_share_low",
    "stalled_share_high", "n_without_amount", "open_amount", "stalled_amount",
]  # fmt: skip


def stalled_deals(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    rule: Literal["win chance", "winners' time", "beyond average"] = "win chance",
    chance_share: float = 0.25,
    winner_share: float = 0.9,
    beyond_days: int = 14,
    clock: Clock | None = None,
) -> pd.DataFrame:
    """Open deals that have been there longer than deals that still win.

    The age is learnt from this department's own deals, stage by stage, and not from a rule of
    a vendor. ``"win chance"``: the age from which on an undecided deal is won, within the
    next ``look_ahead_days``, with less than ``chance_share`` of the chance of a deal that has just
    entered. ``"winners' time"``: the time within which ``winner_share`` of the deals won later had
    left the stage; a tenth of the winners is beyond it by definition, so it finds stalled deals
    everywhere. ``"beyond average"``: the average of the stays that are over plus ``beyond_days``,
    which is what some systems show; open deals have no say in it, so it is too short.

    Where the chance does not fall so far there is no such age and nothing is stalled: a deal
    may be old and as good as new. Where too few deals were won, or were watched long enough, it
    cannot be told. The age is that of the whole department, for groups are too small to have
    ages of their own. With the clock "stage" a win counts for the stage on the day on which the
    deal *left the stage*, and deals that left it and are open count as those before them did that
    went on, from the day on which they did (Aalen-Johansen). Beyond the age
    a deal may still win; ``later_win_rate`` says how often such
    deals did. That they would win if they were worked on is not said.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``, ``created_at``, ``closed_at``); for the clock
        "stage" also ``stage_changes``; uses ``amount``. Not modified.
    by : str or sequence of str, default ()
        What to split the open deals by: columns of ``deals``, ``reps`` or ``accounts``.
    start, end : date or str, optional
        First and last day (both included) on which the open deals were **created**. The age is
        learnt from all deals.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1. Deals are taken as independent.
    rule : {"win chance", "winners' time", "beyond average"}
        How the age is found.
    chance_share : float, default 0.25
        Part of the chance at the start below which a deal counts as stalled.
    winner_share : float, default 0.9
        Part of the winners, above 0 and up to 1; 1 is the slowest winner.
    beyond_days : int, default 14
        Days beyond the average.
    clock : {"stage", "deal"}, optional
        Whether days count since the deal entered its stage (this time) or since it was created.
        None: in the stage, where there is a history of stages.

    Returns
    -------
    DataFrame
        One row per group that has deals and stage, in selling order:

        - the ``by`` columns, if any;
        - ``stage`` : the stage; "unassigned" for deals whose stage is not known; "all stages"
          where the clock is that of the deal;
        - ``clock``, ``rule`` : as asked, or as chosen;
        - ``threshold_basis`` : "learnt"; "no such age"; "too few wins" (below 20); "too short a
          history" (what becomes of more than a tenth of the deals lies beyond what was watched);
        - ``n_learnt``, ``n_learnt_won`` : stays (or deals) from which the age was learnt, and how
          many of these belong to deals won by now;
        - ``threshold_days`` : days beyond which a deal is stalled; NaN unless learnt;
          ``threshold_days_low``, ``threshold_days_high`` : its interval; the upper end is infinite
          where it cannot be told;
        - ``look_ahead_days`` : with the clock "deal" days within which nine in ten wins come; with
          "stage" days within which nine in ten of the deals that are won have left the stage; NaN
          without wins;
        - ``entry_win_rate``, ``entry_win_rate_low``, ``entry_win_rate_high`` : chance of a deal
          that has just entered to be won within these (with the clock "stage": to leave within
          these and be won then or later), in [0, 1]; NaN with too short a history. What becomes
          of deals that are open in later stages is taken as known, which makes the interval short;
        - ``later_win_rate``, ``later_win_rate_low``, ``later_win_rate_high`` : chance of one
          undecided at the threshold; NaN where none was watched on;
        - ``n_open`` : open deals of the group in the stage; ``n_undated`` : of these, without a
          date from which to count;
        - ``n_stalled`` : deals beyond the threshold; 0 where there is none;
        - ``stalled_share``, ``stalled_share_low``, ``stalled_share_high`` : of the dated ones, in
          [0, 1], with Wilson interval; 0 where there is no such age; NaN where it cannot be told;
        - ``n_without_amount`` : open deals without an amount;
        - ``open_amount``, ``stalled_amount`` : money of the others, of all and of the stalled; NaN
          where none carries an amount.

    Raises
    ------
    MissingDataError
        If a table or column is missing.
    InputError
        If an option is not one of those allowed, or with the clock "stage" there are several
        pipelines.

    References
    ----------
    van Houwelingen, H. C. (2007). Dynamic prediction by landmarking in event history
    analysis. Scandinavian Journal of Statistics 34(1), 70-85.

    Examples
    --------
    Deals are won within 30 days or not at all; two of three open ones are older.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> day = pd.Timestamp("2025-01-01")
    >>> rows = [(f"W{n}", "won", 0, n) for n in range(1, 31)]
    >>> rows += [("A", "open", 80, None), ("B", "open", 10, None), ("C", "open", 0, None)]
    >>> deals = pd.DataFrame(rows, columns=["deal_id", "status", "created", "closed"])
    >>> deals["created_at"] = day + pd.to_timedelta(deals.pop("created"), unit="D")
    >>> deals["closed_at"] = day + pd.to_timedelta(deals.pop("closed"), unit="D")
    >>> department = Department(deals=deals, as_of="2025-04-01")
    >>> table = stalled_deals(department, rule="winners' time", winner_share=1.0)
    >>> table[["stage", "threshold_days", "n_open", "n_stalled"]]
            stage  threshold_days  n_open  n_stalled
    0  all stages            30.0       3          2
    """
    keys = department.split_keys(by, results=[*_COLUMNS, *RESERVED])
    level = share("confidence", confidence)
    limit = Limit(one_of("rule", rule, RULES), share("chance_share", chance_share),
                  winner_share, beyond_days, level)  # fmt: skip
    limit.check()
    department.require(deals=["deal_id", "status", "created_at", "closed_at"])
    chosen = _clock(department, clock)
    in_stage = chosen == "stage"
    if in_stage:
        refuse_pipelines(department)
    cells = open_cells(department, keys, in_stage=in_stage, start=start, end=end)
    learnt = _learnt(department, in_stage=in_stage, limit=limit)
    names = [*keys, "code"]
    groups = groups_with_deals(department, keys, start=start, end=end)
    table = _rows(groups, cells, learnt, names)
    table["threshold_basis"] = table["threshold_basis"].fillna("too few wins").astype("str")
    table = _counted(table, cells, names, level)
    named = stages_of(department).named(table["code"]) if in_stage else ALL
    table = table.assign(stage=named, clock=chosen, rule=rule)
    table["stage"] = table["stage"].where(table["code"] != NOWHERE, UNASSIGNED).astype("str")
    counts = ["n_learnt", "n_learnt_won"]
    table[counts] = table[counts].fillna(0).astype("int64")
    return table[[*keys, *_COLUMNS]]


def _clock(department: Department, clock: Clock | None) -> Clock:
    """Choose from when days count."""
    if clock is None:
        return "stage" if department.has("stage_changes", "deal_id", "stage") else "deal"
    if clock not in ("stage", "deal"):
        message = f"clock must be 'stage' or 'deal'; got {clock!r}."
        raise InputError(message)
    if clock == "stage" and not department.has("stage_changes"):
        message = "clock='stage' needs the table stage_changes; clock='deal' does without."
        raise MissingDataError(message, missing=("stage_changes",),
                               ask_for="the stage history of the deals")  # fmt: skip
    return clock


def _rows(
    groups: pd.DataFrame, cells: pd.DataFrame, learnt: pd.DataFrame, names: list[str]
) -> pd.DataFrame:
    """List all groups and stages; that without a stage only where it has deals."""
    codes = sorted({*learnt["code"], *cells["code"]} - {NOWHERE})
    rows = groups.merge(pd.DataFrame({"code": codes}, dtype="int64"), how="cross")
    nowhere = cells.loc[cells["code"] == NOWHERE, names].drop_duplicates()
    rows = pd.concat([rows, nowhere], ignore_index=True) if len(nowhere) else rows
    rows["order"] = rows["code"].where(rows["code"] != NOWHERE, 10_000)
    rows = rows.sort_values([*names[:-1], "order"], ignore_index=True)
    return rows.merge(learnt, how="left", on="code")


def _learnt(department: Department, *, in_stage: bool, limit: Limit) -> pd.DataFrame:
    """Learn the age, and how likely wins are before and after it, stage by stage."""
    if in_stage:
        cells = outcome_cells(department, department.as_of)
        moved = moved_cells(department, department.as_of)
    else:
        ages = age_cells(department)
        ages = ages[ages["age_days"] >= 0].rename(columns={"age_days": "days", "n_open": "n_here"})
        sums = ages.groupby("days", as_index=False)[["n_won", "n_lost", "n_here"]].sum()
        cells = sums.assign(code=0, n_left=0)
        moved = pd.DataFrame(columns=["code", *_AFTER], dtype=float)
    rows = [
        _one(code, part, moved[moved["code"] == code], limit)
        for code, part in cells.groupby("code")
    ]
    names = ["code", "threshold_basis", "n_learnt", "n_learnt_won", "look_ahead_days"]
    for name in ("threshold_days", "entry_win_rate", "later_win_rate"):
        names += [name, f"{name}_low", f"{name}_high"]
    table = pd.DataFrame(rows, columns=names)
    kinds = dict.fromkeys(names[4:], "float64") | {"code": "int64", "threshold_basis": "str"}
    return table.astype(kinds)


def _one(code: object, cells: pd.DataFrame, moved: pd.DataFrame, limit: Limit) -> dict[str, object]:
    days = cells["days"].to_numpy(float)
    counts = cells[OUTCOMES].to_numpy(float).T
    shares = shares_of(*(moved[name].to_numpy(float) for name in _AFTER))
    ends = by_day(days, counts, shares)
    found, ahead = limit_of(days, counts, shares, ends, limit), look_ahead(ends)
    entry = chance_after(ends, ahead, None, limit.confidence)
    later = UNKNOWN
    if not np.isnan(found.days):
        later = chance_after(ends, ahead, found.days, limit.confidence)
    row: dict[str, object] = {
        "code": code, "threshold_basis": found.basis, "n_learnt": int(counts.sum()),
        "n_learnt_won": int(counts[0].sum()), "look_ahead_days": ahead or np.nan,
    }  # fmt: skip
    for name, values in (("threshold_days", (found.days, found.low, found.high)),
                         ("entry_win_rate", entry), ("later_win_rate", later)):  # fmt: skip
        row |= dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))
    return row


def _counted(
    table: pd.DataFrame, cells: pd.DataFrame, names: list[str], level: float
) -> pd.DataFrame:
    """Count the open deals of each row, and those beyond its age."""
    place, n_rows = places(cells, table, names), len(table)
    days, n_open = cells["days"].to_numpy(float), cells["n_open"].to_numpy(float)
    dated = days >= 0
    limit = table["threshold_days"].to_numpy(float)[place] if n_rows else np.zeros(0)
    beyond = dated & (days > limit)
    priced = summed(cells["n_priced"], place, n_rows)
    table = table.assign(
        n_open=counted(n_open, place, n_rows), n_undated=counted(n_open * ~dated, place, n_rows),
        n_stalled=counted(n_open * beyond, place, n_rows),
        n_without_amount=counted(n_open - cells["n_priced"], place, n_rows),
        open_amount=np.where(priced > 0, summed(cells["open_amount"], place, n_rows), np.nan),
    )  # fmt: skip
    stalled = summed(cells["open_amount"] * beyond, place, n_rows)
    can_tell = ~table["threshold_basis"].isin(["too few wins", "too short a history"])
    table["stalled_amount"] = np.where((priced > 0) & can_tell, stalled, np.nan)
    whole = np.where(can_tell, table["n_open"] - table["n_undated"], 0)
    low, high = wilson_interval(table["n_stalled"], whole, confidence=level)
    table["stalled_share"] = ratio(table["n_stalled"], whole)
    return table.assign(stalled_share_low=low, stalled_share_high=high)
