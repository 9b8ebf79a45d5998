"""`diagnose`: run what the data allow, and say what they do not allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesdiag.diagnosis.finding import Diagnosis
from salesdiag.diagnosis.steps import Steps
from salesdiag.errors import InputError
from salesdiag.periods import last_twelve_months, parse_day

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from salesdiag.department import Department


def diagnose(
    department: Department,
    *,
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    on_step: Callable[[str], None] | None = None,
) -> Diagnosis:
    """Examine a department and tell what is known, how surely, and what is not.

    Runs the check of the data, plan attainment, the funnel and the win rates over the
    window, each for the department and for its teams, reps, sources and segments. What
    cannot be examined is listed with the export to ask for. Causes are not ranked yet:
    ``findings`` is empty in this version.

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
        If the window ends before it starts.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({"deal_id": ["A"], "status": ["won"]})
    >>> diagnosis = diagnose(Department(deals=deals, as_of="2025-12-31"))
    >>> [gap.analysis for gap in diagnosis.not_examined][:2]
    ['target_attainment', 'stage_conversion']
    """
    last = department.as_of if end is None else parse_day(end, "end")
    first = last_twelve_months(last)[0] if start is None else parse_day(start, "start")
    if last < first:
        message = f"the window ends ({last}) before it starts ({first})."
        raise InputError(message)
    steps = Steps(department, first, last, confidence, on_step or (lambda _text: None))
    steps.run()
    return Diagnosis(
        name=department.name,
        as_of=department.as_of,
        as_of_source=department.settings.as_of_source,
        currency=department.currency,
        start=first,
        end=last,
        confidence=confidence,
        gap=steps.gap,
        findings=(),
        not_examined=tuple(steps.missed),
        tables=steps.tables,
    )
