"""`diagnose`: run what the data allow, and say what they do not allow."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from salesdiag.diagnosis import ledger, standing
from salesdiag.diagnosis.examined import (
    NO_PAST,
    TWO_YEARS,
    causes_table,
    left_out,
    links_of,
    with_rivals,
)
from salesdiag.diagnosis.finding import Diagnosis, NotExamined
from salesdiag.diagnosis.investigate import investigate
from salesdiag.diagnosis.leader import leader_needed, scorecard_table
from salesdiag.diagnosis.steps import Steps
from salesdiag.errors import InputError, MissingDataError
from salesdiag.periods import last_twelve_months, parse_day

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from salesdiag.department import Department
    from salesdiag.diagnosis.finding import Gap


def diagnose(
    department: Department,
    *,
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    on_step: Callable[[str], None] | None = None,
) -> Diagnosis:
    """Examine a department and tell what is known, how surely, and what is not.

    Makes the check of the data, plan attainment, the funnel and the win rates over the
    window, each for the department and for its teams, reps, sources and segments. Looks for
    every cause of the catalogue that the data allow and ranks those beyond chance, as
    ``findings``. Splits the gap to plan (without one: to the year before) into parts that add
    up, and says how much of each part which finding explains. Says where the department
    stands against plan, past and inside, who could change what was found, and which head of
    sales it needs. What cannot be examined is listed with the export to ask for.

    Parameters
    ----------
    department : Department
        Not modified.
    start, end : date or str, optional
        The window, both days included. Default: the twelve months up to ``as_of``, or up
        to ``end``.
    confidence : float, default 0.95
        Level of all intervals.
    on_step : callable, optional
        Called with a short text before each step.

    Returns
    -------
    Diagnosis

    Raises
    ------
    InputError
        If the window ends before it starts, or after the last day of the data.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({"deal_id": ["A"], "status": ["won"]})
    >>> diagnosis = diagnose(Department(deals=deals, as_of="2025-12-31"))
    >>> [gap.analysis for gap in diagnosis.not_examined][:2]
    ['target_attainment', 'stage_conversion']
    >>> diagnosis.findings, diagnosis.leader.role
    ((), 'undecided')
    """
    last = department.as_of if end is None else parse_day(end, "end")
    first = last_twelve_months(last)[0] if start is None else parse_day(start, "start")
    if last > department.as_of:
        message = (
            f"the window ends on {last}, after the last day of the data ({department.as_of}): what "
            "is still to come would look like a loss. Give an end up to that day."
        )
        raise InputError(message)
    if last < first:
        message = f"the window ends ({last}) before it starts ({first})."
        raise InputError(message)
    tell = on_step or (lambda _text: None)
    steps = Steps(department, first, last, confidence, tell)
    steps.run()
    return _judged(steps, tell)


def _judged(steps: Steps, tell: Callable[[str], None]) -> Diagnosis:
    """Look for causes, and put together what is known."""
    department, start, end, confidence = (
        steps.department, steps.start, steps.end, steps.confidence
    )  # fmt: skip
    n_days = (end - start).days + 1
    found = investigate(department, start, end, confidence=confidence, on_step=tell)
    findings = with_rivals(found)
    missed = [*steps.missed, *left_out(department, found, n_days=n_days)]
    evidence = standing.evidence_of(department, steps.tables["check"], start, end, confidence)
    gap, parts = _split_gap(steps, tell, missed, has_past=evidence.has_past)
    share = ledger.share_of_window(gap, n_days)
    gap = replace(gap, claims=ledger.claims_of(gap.parts, findings, links_of(found), share=share))
    tell("standing")
    stands, cards = standing.standings(department, gap, start, end, confidence)
    causes = causes_table(found, missed)
    outcomes = dict(zip(causes["cause"], causes["outcome"], strict=True))
    leader = leader_needed(findings, outcomes, stands, evidence)
    own = {"ledger": ledger.ledger_table(gap, parts), "causes": causes,
           "head_of_sales": scorecard_table(leader)}  # fmt: skip
    return Diagnosis(
        name=department.name, as_of=department.as_of,
        as_of_source=department.settings.as_of_source, currency=department.currency,
        start=start, end=end, confidence=confidence, gap=gap, findings=findings,
        not_examined=tuple(missed), tables=own | steps.tables | cards, standings=stands,
        evidence=evidence, split=ledger.split_of(gap, findings), leader=leader,
    )  # fmt: skip


def _split_gap(
    steps: Steps, tell: Callable[[str], None], missed: list[NotExamined], *, has_past: bool
) -> tuple[Gap, pd.DataFrame]:
    """Split the gap, or note why it cannot be split."""
    gap, nothing = steps.gap, pd.DataFrame()
    if gap.start is None:
        return gap, nothing
    tell("ledger of the gap")
    if not has_past:
        missed.append(NotExamined("gap_ledger", ("deals.created_at",), TWO_YEARS, NO_PAST))
        return gap, nothing
    try:
        return ledger.with_parts(steps.department, gap, steps.confidence)
    except MissingDataError as error:
        missed.append(NotExamined("gap_ledger", error.missing, error.ask_for, str(error)))
    except InputError as error:
        missed.append(NotExamined("gap_ledger", (), "", str(error)))
    return gap, nothing
