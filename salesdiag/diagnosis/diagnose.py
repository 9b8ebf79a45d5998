"""`diagnose`: run what the data allow, and say what they do not allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses import funnel, plan
from salesdiag.analyses.check import check
from salesdiag.diagnosis.finding import Diagnosis, Gap, NotExamined
from salesdiag.errors import InputError, MissingDataError
from salesdiag.periods import last_twelve_months, parse_day
from salesdiag.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from salesdiag.department import Department

# by what each question is split, where the department has the column
_SPLITS = ("team", "rep_id", "source", "segment")
# analyses to come, and the table each will need; until then a report says so
_TO_COME = {
    "activity and result": "activities",
    "discount and price": "line_items",
    "lead response": "leads",
}


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
        The window, both days included. Default: the last twelve months before ``as_of``.
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
    first, last = last_twelve_months(department.as_of)
    first = first if start is None else parse_day(start, "start")
    last = last if end is None else parse_day(end, "end")
    if last < first:
        message = f"the window ends ({last}) before it starts ({first})."
        raise InputError(message)
    run = _Run(department, first, last, confidence, on_step or (lambda _text: None))
    run.check_data()
    run.attain_targets()
    run.follow_funnel()
    run.win_rates()
    run.name_what_is_to_come()
    return Diagnosis(
        name=department.name,
        as_of=department.as_of,
        as_of_source=department.settings.as_of_source,
        currency=department.currency,
        start=first,
        end=last,
        confidence=confidence,
        gap=run.gap,
        findings=(),
        not_examined=tuple(run.missed),
        tables=run.tables,
    )


class _Run:
    """The steps of one diagnosis and what they gather."""

    def __init__(
        self,
        department: Department,
        start: date,
        end: date,
        confidence: float,
        tell: Callable[[str], None],
    ) -> None:
        self.department = department
        self.start, self.end = start, end
        self.confidence = confidence
        self.tell = tell
        self.tables: dict[str, pd.DataFrame] = {}
        self.missed: list[NotExamined] = []
        self.gap = Gap("none", np.nan, np.nan, np.nan, np.nan, 0)

    def splits(self) -> list[str]:
        """Say by what the deals can be split."""
        deals = self.department.table("deals").columns
        reps = self.department.table("reps").columns if self.department.has("reps") else ()
        return [one for one in _SPLITS if one in deals or ("rep_id" in deals and one in reps)]

    def attempt(self, name: str, analysis: Callable[[], pd.DataFrame]) -> pd.DataFrame | None:
        """Keep the table of an analysis, or the reason why there is none."""
        self.tell(name.replace("_", " "))
        try:
            self.tables[name] = analysis()
        except (MissingDataError, InputError) as error:
            missing = error.missing if isinstance(error, MissingDataError) else ()
            ask_for = error.ask_for if isinstance(error, MissingDataError) else ""
            self.missed.append(NotExamined(name, missing, ask_for, str(error)))
            return None
        return self.tables[name]

    def check_data(self) -> None:
        self.tell("checking the data")
        self.tables["check"] = check(self.department)
        if self.department.load_report is not None:
            self.tables["load_report"] = self.department.load_report

    def attain_targets(self) -> None:
        whole = self.attempt(
            "target_attainment",
            lambda: plan.target_attainment(self.department, confidence=self.confidence),
        )
        self.gap = self._without_plan() if whole is None else self._gap(whole)
        if whole is None:
            return
        for key in self.splits()[:2]:
            table = plan.target_attainment(
                self.department, by=key, start=self.start, end=self.end,
                confidence=self.confidence,
            )  # fmt: skip
            if (table["target_basis"] != "none").any():
                self.tables[f"target_attainment_by_{key}"] = table

    def _gap(self, attainment: pd.DataFrame) -> Gap:
        """Add up the complete periods inside the window, of one length only."""
        first, last = pd.Timestamp(self.start), pd.Timestamp(self.end)
        inside = attainment[
            attainment["is_complete"]
            & (attainment["period_start"] >= first)
            & (attainment["period_end"] <= last)
            & attainment["target"].notna()
        ]
        if not len(inside):
            return self._without_plan()
        days = (inside["period_end"] - inside["period_start"]).dt.days + 1
        grain = (days / 30.4).round().clip(lower=1)
        covered = days.groupby(grain).sum()
        # the length that covers most of the window; of equals the shortest
        best = covered[covered == covered.max()].index.min()
        chosen = inside[grain == best]
        actual = float(chosen["actual"].sum())
        swings = (chosen["attainment_high"] - chosen["attainment"]) * chosen["target"]
        swing = float(np.sqrt((swings**2).sum()))
        return Gap(
            "plan", float(chosen["target"].sum()), actual, max(actual - swing, 0.0),
            actual + swing, len(chosen), chosen["period_start"].min().date(),
            chosen["period_end"].max().date(),
        )  # fmt: skip

    def _without_plan(self) -> Gap:
        """Give what was won in the window, with nothing to hold it against."""
        actual = np.nan
        if self.department.has("deals", "amount", "closed_at"):
            won = funnel.win_rate(self.department, start=self.start, end=self.end)
            actual = float(won["won_amount"].iloc[0])
        return Gap("none", np.nan, actual, np.nan, np.nan, 0, self.start, self.end)

    def follow_funnel(self) -> None:
        window = {"start": self.start, "end": self.end, "confidence": self.confidence}
        if not self.department.has("deals", "created_at"):
            window = {"confidence": self.confidence}
        whole = self.attempt(
            "stage_conversion", lambda: funnel.stage_conversion(self.department, **window)
        )
        if whole is not None and "team" in self.splits():
            self.tables["stage_conversion_by_team"] = funnel.stage_conversion(
                self.department, by="team", **window
            )
        if self.department.has("deals", "stage"):
            self.tables["current_stages"] = funnel.current_stages(
                self.department, confidence=self.confidence
            )

    def win_rates(self) -> None:
        window = {"start": self.start, "end": self.end, "confidence": self.confidence}
        whole = self.attempt("win_rate", lambda: funnel.win_rate(self.department, **window))
        if whole is None:  # no closing dates: all that was ever closed is all that can be said
            whole = funnel.win_rate(self.department, confidence=self.confidence)
            self.tables["win_rate"] = whole
            window = {"confidence": self.confidence}
        self.attempt(
            "win_rate_created",
            lambda: funnel.win_rate(self.department, population="created", **window),
        )
        for key in self.splits():
            self.tables[f"win_rate_by_{key}"] = funnel.win_rate(self.department, by=key, **window)

    def name_what_is_to_come(self) -> None:
        for analysis, table in _TO_COME.items():
            if self.department.has(table):
                self.missed.append(
                    NotExamined(analysis, (), "", "not part of this version's audit yet")
                )
            else:
                ask_for = TABLES[table].ask_for
                self.missed.append(NotExamined(analysis, (table,), ask_for, f"no table {table!r}"))
