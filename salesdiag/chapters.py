"""The audit: a diagnosis with every table that the chapters of its report show."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from salesdiag.analyses import activity, discount, funnel, leads, pipeline, plan, reps
from salesdiag.diagnosis.diagnose import diagnose
from salesdiag.diagnosis.finding import NotExamined
from salesdiag.errors import InputError, MissingDataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    import pandas as pd

    from salesdiag.department import Department
    from salesdiag.diagnosis.finding import Diagnosis

# name of the table, the analysis that makes it, and what it is asked besides the window
_EXHIBITS: tuple[tuple[str, Callable[..., pd.DataFrame], dict[str, Any]], ...] = (
    ("outcome_incidence", funnel.outcome_incidence, {}),
    ("time_in_stage", pipeline.time_in_stage, {}),
    ("activity_dose", activity.activity_dose, {}),
    ("activity_result_correlation", activity.activity_result_correlation, {}),
    ("deal_coverage", activity.deal_coverage, {}),
    ("deal_coverage_by_rep_id", activity.deal_coverage, {"by": "rep_id"}),
    ("attainment_distribution", plan.attainment_distribution, {}),
    ("pace", plan.pace, {}),
    ("attainment_forecast", plan.attainment_forecast, {}),
    ("target_fairness", plan.target_fairness, {}),
    ("capacity", plan.capacity, {}),
    ("discount_effect", discount.discount_effect, {}),
    ("discount_bands", discount.discount_bands, {}),
    ("limit_bunching", discount.limit_bunching, {}),
    ("price_waterfall", discount.price_waterfall, {}),
    ("rep_scorecard", reps.rep_scorecard, {}),
    ("strengths", reps.strengths, {}),
    ("ramp", reps.ramp, {}),
    ("workload", reps.workload, {}),
    ("source_quality", leads.source_quality, {}),
    ("response_time", leads.response_time, {}),
    ("unworked_leads", leads.unworked_leads, {}),
    ("lead_distribution", leads.lead_distribution, {}),
    ("pipeline_snapshot", pipeline.pipeline_snapshot, {}),
    ("stalled_deals", pipeline.stalled_deals, {}),
    ("coverage", pipeline.coverage, {}),
    ("results_board", plan.results_board, {}),
)
# what is told of one day, the last of the window, and by which argument; "" where it has none
_OF_ONE_DAY = {"pace": "on", "attainment_forecast": "on", "coverage": "on",
               "pipeline_snapshot": "at", "stalled_deals": ""}  # fmt: skip
# what tells of the deals as they stand on the last day of the data, and of no other
_OF_THE_LAST_DAY = ("current_stages", "deal_coverage", "deal_coverage_by_rep_id", "stalled_deals")
_ENDS_BEFORE = "it tells of the last day of the data, and the window ends before it"


def audit(
    department: Department,
    *,
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    on_step: Callable[[str], None] | None = None,
) -> Diagnosis:
    """Diagnose a department and make every table that its report shows.

    What `diagnose` tells, and beside it the tables of the chapters: funnel, activity and
    result, plan, discount, the team, customers and leads, the business, the results board.
    What the data do not allow is listed among what was not examined.

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
        Its ``tables`` hold the tables of all chapters, for `write_audit`.

    Raises
    ------
    InputError
        If the window ends before it starts, or after the last day of the data.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": ["A"], "status": ["won"], "amount": [900.0],
    ...     "created_at": pd.to_datetime(["2025-11-03"]),
    ...     "closed_at": pd.to_datetime(["2025-12-02"]),
    ... })
    >>> tables = audit(Department(deals=deals, as_of="2025-12-31")).tables
    >>> tables["results_board"]["n_won"].sum()
    np.int64(1)
    """
    tell = on_step or (lambda _text: None)
    diagnosis = diagnose(department, start=start, end=end, confidence=confidence, on_step=tell)
    return with_chapters(department, diagnosis, tell)


def with_chapters(
    department: Department, diagnosis: Diagnosis, tell: Callable[[str], None]
) -> Diagnosis:
    """Add the tables of the chapters to a diagnosis, and what they lack."""
    tables, missed = dict(diagnosis.tables), list(diagnosis.not_examined)
    known = {one.analysis for one in missed}
    if diagnosis.end < department.as_of:
        for name in _OF_THE_LAST_DAY:
            tables.pop(name, None)
            missed.append(NotExamined(name, (), "", _ENDS_BEFORE))
    for name, analysis, options in _EXHIBITS:
        if diagnosis.end < department.as_of and name in _OF_THE_LAST_DAY:
            continue
        tell(name.replace("_", " "))
        when = _when(name, diagnosis)
        ask = partial(analysis, department, confidence=diagnosis.confidence, **when, **options)
        try:
            tables[name] = _named(department, ask())
        except MissingDataError as error:
            gap = NotExamined(name, error.missing, error.ask_for, str(error))
        except InputError as error:
            gap = NotExamined(name, (), "", str(error))
        else:
            continue
        if name not in known:
            missed.append(gap)
    return replace(diagnosis, tables=tables, not_examined=tuple(missed))


def _when(name: str, diagnosis: Diagnosis) -> dict[str, date]:
    if name not in _OF_ONE_DAY:
        return {"start": diagnosis.start, "end": diagnosis.end}
    return {_OF_ONE_DAY[name]: diagnosis.end} if _OF_ONE_DAY[name] else {}


def _named(department: Department, table: pd.DataFrame) -> pd.DataFrame:
    """Put the name of each rep beside the id; who has none is called by the id."""
    key = next((one for one in ("rep_id", "unit_id") if one in table), None)
    if key is None or not department.has("reps", "rep_name"):
        return table
    names = department.fetch("reps").drop_duplicates("rep_id").set_index("rep_id")["rep_name"]
    named = table.copy()
    named.insert(
        list(table.columns).index(key) + 1, "rep_name", table[key].map(names).fillna(table[key])
    )
    return named
