"""Why is this rep's result weak: the evidence for each explanation, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from salesdiag.analyses.reps import triage_parts as parts
from salesdiag.analyses.reps.closings import closings, require_amounts
from salesdiag.analyses.reps.rep_groups import asked_of_reps, group_codes, with_groups
from salesdiag.analyses.reps.triage_counts import (
    given_deals,
    mix_columns,
    mix_counts,
    newcomer_wins,
    rep_sums,
    rep_targets,
    weekly_effort,
)
from salesdiag.department import UNASSIGNED
from salesdiag.periods import last_twelve_months
from salesdiag.stats.arguments import one_of, share, whole_number
from salesdiag.stats.multiplicity import adjust_p_values
from salesdiag.stats.rates import ratio

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.analyses.reps.rep_groups import Asked
    from salesdiag.analyses.reps.triage_parts import Part
    from salesdiag.department import Department

_METRICS = ("wins", "revenue")
_RESULT = {"wins": "n_won", "revenue": "won_amount"}
_TARGETS = {"wins": "deals_won", "revenue": "revenue"}
_ORDER = ("luck", "lead_number", "pace", "lead_mix", "skill", "deal_size", "effort", "tenure",
          "plan")  # fmt: skip
_LEAST_REPS = 3
_COUNTS = ["n_selling_days", "n_given", "n_decided", "n_won"]
_OF_GROUP = ["n_peers", "n_undated"]
_FIGURES = ["measured", "reference", "gap", "gap_low", "gap_high", "p_value"]
_SHOWN = ["rep_id", "metric", *_COUNTS, *_OF_GROUP, "result", "expected", "shortfall",
          "explanation", *_FIGURES, "q_value", "verdict"]  # fmt: skip


def triage(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    metric: Literal["wins", "revenue"] = "wins",
    mix: Sequence[str] | None = None,
    newcomer_months: int = 6,
    least_share: float = 0.25,
) -> pd.DataFrame:
    """Lay out, for each weak result, the evidence for and against each explanation.

    A weak figure has many fathers: bad luck, few or bad deals, deals left lying, poor
    conversion, small deals, little activity, a short time in the job, or a plan that was too
    high. This is no label for a person: each explanation has its own row with what was
    measured, what the other reps show, and the gap in wins or money that it makes.

    - ``luck``: the chance of so low a result if the rep were like the others, and the part of
      the gap that is expected to go by itself;
    - ``lead_number``: deals created for the rep in the window, per selling day;
    - ``pace``: deals decided per deal created; the rest still lies there;
    - ``lead_mix``: the conversion that the others have with deals of the same kind (``mix``);
    - ``skill``: the rep's conversion against that;
    - ``deal_size`` (revenue only): money of one win;
    - ``effort``: activities per selling day, beyond the spread between the others, who differ
      in what they log. The gap is the most it can be, as if results rose in step with
      activity, and lies *inside* pace and skill, not beside them;
    - ``tenure``: days as a newcomer, at what other newcomers fall short;
    - ``plan``: the rep's target against the part of all targets that the results of the year
      before would give: a gap to plan, not to the others.

    ``lead_number``, ``pace``, ``lead_mix``, ``skill`` and ``deal_size`` add up to the
    shortfall. An explanation ``"explains"`` if its gap is beyond chance over all rows of the
    table (``q_value``) and is at least ``least_share`` of the shortfall; it ``"does_not"`` if
    the interval shows it to be less than that; else one ``"cannot_tell"``. Two explanations
    must not pass for others. Who is given fewer deals has less to do: effort explains only if
    activities per deal given are low, too. Where effort is low, conversion suffers: skill then
    explains only if conversion is too low even after effort is granted its most. Luck explains
    where chance alone could have done it: the result is not beyond chance over all the weak
    reps (``q_value``), for among twelve equal ones one looks like no luck easily.

    All of it is association. Deals of one account that are decided together count as
    independent here, which makes the intervals too narrow.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``rep_id``, ``status``, ``created_at``, ``closed_at``); ``amount`` for
        revenue; ``activities``, ``reps.hired_on`` and ``targets`` for their explanations. Not
        modified.
    by : str or sequence of str, default ()
        Columns of ``reps``; each rep is then held against the others of the same group.
    start, end : date or str, optional
        First and last day (both included) on which deals were **closed** (for ``lead_number``
        and ``pace``, created). Default: the last twelve months up to ``as_of``.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1; the verdicts use ``1 - confidence``.
    metric : {"wins", "revenue"}, default "wins"
        The result: deals won, or their money.
    mix : sequence of str, optional
        Columns of ``deals``, known before the rep acts, by which chances differ. Default:
        ``source`` and ``segment`` where they are there.
    newcomer_months : int, default 6
        Months since being hired during which a rep is a newcomer.
    least_share : float, default 0.25
        Share of the shortfall from which an explanation counts, strictly between 0 and 1.

    Returns
    -------
    DataFrame
        One row per group, rep with a result below the others', and explanation:

        - the ``by`` columns, if any;
        - ``rep_id`` : the rep; "unassigned" holds deals without one, of which nothing is told;
        - ``metric`` : as asked;
        - ``n_selling_days``, ``n_given``, ``n_decided``, ``n_won`` : the rep's working days
          since the first closing in the data, deals created, deals decided and deals won;
        - ``n_peers`` : other reps it is held against;
        - ``n_undated`` : deals of all reps of the group that were closed without a day and are
          in no figure;
        - ``result``, ``expected`` : what was reached, and what the others would have reached in
          the same days; NaN below three reps; ``shortfall`` : their difference, below 0;
        - ``explanation`` : as above;
        - ``measured``, ``reference`` : the rep's figure and the others'; for tenure the share
          of days as newcomers, for plan the target and the fair one, for luck the result and
          the expected one; NaN where not known;
        - ``gap``, ``gap_low``, ``gap_high`` : what the difference makes in wins or money, below
          0 where it lowers the result; NaN where not known;
        - ``p_value`` : of no difference, in [0, 1]; ``q_value`` : adjusted over the rows of the
          table (Benjamini-Hochberg), luck apart from the others; NaN likewise;
        - ``verdict`` : ``"explains"``, ``"does_not"`` or ``"cannot_tell"``.

    Raises
    ------
    MissingDataError
        If a column above is missing, or no deal carries an amount where revenue is asked.
    InputError
        If ``by`` is no column of reps, or an option is out of range.

    References
    ----------
    Spiegelhalter, D. J. (2005). Funnel plots for comparing institutional performance.
    Statistics in Medicine 24, 1185-1202.

    Examples
    --------
    Three reps decide 50 deals each; a and b win 25 of them, c wins 8: neither luck nor the
    number of deals, but conversion.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> rows = [(rep, "won" if n < won else "lost") for rep, won in (("a", 25), ("b", 25), ("c", 8))
    ...         for n in range(50)]
    >>> deals = pd.DataFrame(rows, columns=["rep_id", "status"])
    >>> deals = deals.assign(deal_id=range(150), created_at=pd.Timestamp("2025-02-03"),
    ...                      closed_at=pd.Timestamp("2025-06-02"))
    >>> reps = pd.DataFrame({"rep_id": ["a", "b", "c"], "hired_on": pd.Timestamp("2020-01-01")})
    >>> table = triage(Department(deals=deals, reps=reps, as_of="2025-12-31"))
    >>> table[["explanation", "measured", "reference", "gap", "verdict"]].round(2)
       explanation  measured  reference   gap      verdict
    0         luck      8.00      25.00  -2.0     does_not
    1  lead_number      0.33       0.33   0.0  cannot_tell
    2         pace      1.00       1.00   0.0  cannot_tell
    3     lead_mix      0.50       0.50   NaN  cannot_tell
    4        skill      0.16       0.50 -17.0     explains
    5       effort       NaN        NaN   NaN  cannot_tell
    6       tenure      0.00       0.00   0.0     does_not
    7         plan       NaN        NaN   NaN  cannot_tell
    """
    asked = asked_of_reps(department, by, start, end, confidence, results=_SHOWN)
    one_of("metric", metric, _METRICS)
    whole_number("newcomer_months", newcomer_months, least=1, most=60)
    share("least_share", least_share)
    if metric == "revenue":
        require_amounts(department, closings(department))
    first = asked.first or last_twelve_months(asked.last)[0]
    reps = rep_sums(department, first, asked.last, newcomer_months)
    given = given_deals(department, first, asked.last)
    reps["n_given"] = reps["rep_id"].map(given).astype(float).fillna(0.0)
    reps = with_groups(department, reps, asked.keys)
    evidence = _Evidence(department, first, asked, metric, mix, newcomer_months)
    codes = group_codes(reps, asked.keys)[1]
    rows = [
        evidence.rows(reps[codes == number].reset_index(drop=True)) for number in np.unique(codes)
    ]
    table = pd.concat(rows, ignore_index=True) if rows else evidence.rows(reps)
    table = _judged(table, asked.level, least_share)
    table["_order"] = table["explanation"].map(_ORDER.index) if len(table) else 0
    table = table.sort_values([*asked.keys, "rep_id", "_order"], ignore_index=True)
    table[_COUNTS] = table[_COUNTS].astype("int64")
    return table.assign(metric=metric)[[*asked.keys, *_SHOWN]]


class _Evidence:
    """What the tables tell, read once for all groups."""

    def __init__(
        self, department: Department, first: date, asked: Asked, metric: str,
        mix: Sequence[str] | None, newcomer_months: int,
    ) -> None:  # fmt: skip
        window = first, asked.last
        self.keys, self.level = asked.keys, asked.level
        self.metric, self.result = metric, _RESULT[metric]
        self.columns = mix_columns(department, None if mix is None else list(mix))
        self.kinds = mix_counts(department, *window, self.columns)
        self.weeks = weekly_effort(department, *window)
        self.fresh = newcomer_wins(department, *window, newcomer_months)
        self.targets = rep_targets(department, *window, _TARGETS[metric])

    def rows(self, reps: pd.DataFrame) -> pd.DataFrame:
        """Give the rows of one group: of its weak reps, and of deals without a rep."""
        names = [one for one in _ORDER if one != "deal_size" or self.metric == "revenue"]
        bench = parts.bench_of(reps, self.result)
        n_sellers = int(reps["is_seller"].sum())
        if n_sellers < _LEAST_REPS:
            bench = bench._replace(expected=np.full(len(reps), np.nan))
        reps = reps.assign(
            n_peers=n_sellers - reps["is_seller"].astype("int64"), result=reps[self.result],
            n_undated=np.int64(reps["n_undated"].sum()),
            expected=bench.expected, shortfall=reps[self.result] - bench.expected,
        )  # fmt: skip
        found = self._parts(reps, bench) if len(reps) else {}
        listed = (reps["shortfall"] < 0) | (reps["rep_id"] == UNASSIGNED)
        base = reps.loc[listed, [*self.keys, "rep_id", *_COUNTS, *_OF_GROUP, "result",
                                 "expected", "shortfall"]]  # fmt: skip
        told = ~np.isnan(bench.expected)
        tables = []
        for name in names:
            columns = found.get(name, (np.zeros(0),) * len(_FIGURES))
            values = {one: np.where(told, column, np.nan)[listed.to_numpy()]
                      for one, column in zip(_FIGURES, columns, strict=True)}  # fmt: skip
            credited = found.get(f"{name}_credited")
            twice = credited._asdict() if credited else dict(zip(_FIGURES, columns, strict=True))
            more = {f"{one}_credited": twice[one][listed.to_numpy()] for one in ("gap", "p_value")}
            tables.append(base.assign(explanation=name, **values, **more))
        return pd.concat(tables, ignore_index=True).astype({"explanation": "str"})

    def _parts(self, reps: pd.DataFrame, bench: parts.Bench) -> dict[str, Part]:
        chance = parts.case_mix(self.kinds, reps, bench)
        did = parts.effort_rates(reps, self.weeks)
        # at most, conversion falls in step with activity
        credit = np.clip(np.nan_to_num(ratio(did.rate, did.reference), nan=1.0), 0.01, 1)
        plain = np.ones(len(reps))
        return {
            "luck": parts.luck(reps, bench, self.result, self.level),
            "lead_number": parts.lead_number(reps, bench, self.level),
            "pace": parts.pace(reps, bench, self.level),
            "lead_mix": parts.lead_mix(reps, bench, chance, len(self.columns), self.level),
            "skill": parts.skill(reps, bench, chance, plain, self.level),
            "skill_credited": parts.skill(reps, bench, chance, credit, self.level),
            "deal_size": parts.deal_size(reps, bench, self.level),
            "effort": parts.effort(bench, did, self.level),
            "effort_credited": parts.effort_by_deal(reps, bench, did),
            "tenure": parts.tenure(reps, bench, self.fresh, self.result, self.level),
            "plan": parts.plan(reps, bench, self.targets, self.result, self.level),
        }


def _judged(table: pd.DataFrame, level: float, least_share: float) -> pd.DataFrame:
    """Add the q-values and what each explanation comes to."""
    table = table.copy()
    known = table[_FIGURES[2:]].notna().all(axis=1)
    table.loc[~known, _FIGURES[2:]] = np.nan
    is_luck = (table["explanation"] == "luck").to_numpy(bool)
    table["q_value"] = np.nan
    for chosen in (is_luck, ~is_luck):
        if chosen.any():
            table.loc[chosen, "q_value"] = adjust_p_values(table.loc[chosen, "p_value"])
    alpha, bar = 1 - level, least_share * table["shortfall"]
    explains = (table["q_value"] <= alpha) & (table["gap"] <= bar)
    credited = (table["p_value_credited"] <= alpha) & (table["gap_credited"] < 0)
    explains &= ~table["explanation"].eq("effort") | credited
    low_effort = table["explanation"].eq("effort") & explains
    tired = table["rep_id"].isin(table.loc[low_effort, "rep_id"])
    explains &= ~(table["explanation"].eq("skill") & tired & ~credited)
    verdict = np.where(explains, "explains", np.where(table["gap_low"] > bar, "does_not",
                                                      "cannot_tell"))  # fmt: skip
    by_luck = np.where(table["q_value"] > alpha, "explains", "does_not")
    verdict = np.where(is_luck, by_luck, verdict)
    table["verdict"] = np.where(known, verdict, "cannot_tell")
    return table.astype({"verdict": "str"})
