"""The steps of a diagnosis: which tables are made, and what is noted where one cannot be."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from salesdiag.analyses import funnel, plan
from salesdiag.analyses.check import check
from salesdiag.analyses.funnel.stages import conversion_rates, conversion_waits
from salesdiag.analyses.funnel.win import win_rates
from salesdiag.analyses.funnel.win_counts import count_wins, roll_up
from salesdiag.diagnosis.finding import Gap, NotExamined
from salesdiag.diagnosis.plan_periods import complete_periods
from salesdiag.errors import InputError, MissingDataError
from salesdiag.reductions.plan_sums import attainment_sums, typical_size
from salesdiag.stats.rates import compound_poisson_interval, ratio

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    import pandas as pd

    from salesdiag.department import Department

# by what each question is split, where the department has the column
_SPLITS = ("team", "rep_id", "source", "segment")
_ENOUGH_WINS = 20  # so many wins without one loss are no luck
_LOST_DEALS = "an export of the deals that includes the lost ones (some systems archive them)"
_NOTHING = Gap("none", np.nan, np.nan, np.nan, np.nan, 0)


class Steps:
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
        self.gap = _NOTHING

    def run(self) -> None:
        """Make every table that the data allow."""
        self._check_data()
        self._attain_targets()
        self._follow_funnel()
        self._win_rates()

    def _splits(self) -> list[str]:
        """Say by what the deals can be split."""
        homes = {one: self.department.home_of(one) for one in _SPLITS}
        return [one for one, home in homes.items() if home in ("deals", "reps")]

    def _attempt(self, name: str, analysis: Callable[[], pd.DataFrame]) -> pd.DataFrame | None:
        """Keep the table of an analysis, or the reason why there is none."""
        self.tell(name.replace("_", " "))
        try:
            self.tables[name] = analysis()
        except MissingDataError as error:
            self.missed.append(NotExamined(name, error.missing, error.ask_for, str(error)))
            return None
        except InputError as error:
            self.missed.append(NotExamined(name, (), "", str(error)))
            return None
        return self.tables[name]

    def _check_data(self) -> None:
        self.tell("checking the data")
        self.tables["check"] = check(self.department)
        if self.department.load_report is not None:
            self.tables["load_report"] = self.department.load_report

    def _attain_targets(self) -> None:
        whole = self._attempt(
            "target_attainment",
            lambda: plan.target_attainment(self.department, confidence=self.confidence),
        )
        self.gap = self._without_plan() if whole is None else self._gap()
        for key in ("team", "rep_id"):
            if whole is not None and key in self._splits():
                self._attain_by(key)

    def _attain_by(self, key: str) -> None:
        table = plan.target_attainment(self.department, by=key, confidence=self.confidence)
        sums = complete_periods(attainment_sums(self.department, [key]), self.start, self.end)
        if len(sums):
            self.tables[f"attainment_by_{key}"] = self._named(self._sum_periods(sums, key))
        self.tables[f"target_attainment_by_{key}"] = self._named(table)

    def _gap(self) -> Gap:
        """Add the department's periods up."""
        periods = complete_periods(attainment_sums(self.department, []), self.start, self.end)
        if not len(periods):
            return self._without_plan()
        if (periods["period_start"].iloc[1:].to_numpy() <= periods["period_end"].iloc[:-1]).any():
            reason = "the periods of the plan overlap, so a sale would count twice; see the check"
            self.missed.append(NotExamined("gap to plan", (), "", reason))
            return self._without_plan()
        total = self._sum_periods(periods.assign(all=""), "all").iloc[0]
        target = float(total["target"])
        low, high = (float(total[f"attainment_{end}"]) * target for end in ("low", "high"))
        return Gap(
            "plan", target, float(total["actual"]), low, high, len(periods),
            periods["period_start"].min().date(), periods["period_end"].max().date(),
        )  # fmt: skip

    def _sum_periods(self, periods: pd.DataFrame, key: str) -> pd.DataFrame:
        """Add the periods of each group up: target, actual, attainment and chance interval."""
        groups = periods.groupby(key)
        table = groups.agg(
            n_periods=("target", "size"), target=("target", "sum"), actual=("actual", "sum"),
            n_events=("n_events", "sum"), squares=("squares", "sum"), largest=("largest", "max"),
        )  # fmt: skip
        low, high = compound_poisson_interval(
            table["actual"], table.pop("squares"), table.pop("largest"),
            typical=typical_size(self.department, "revenue"), confidence=self.confidence,
        )  # fmt: skip
        target = table["target"].where(table["target"] > 0)
        table["attainment"] = ratio(table["actual"], target)
        table["attainment_low"], table["attainment_high"] = ratio(low, target), ratio(high, target)
        return table.reset_index()

    def _without_plan(self) -> Gap:
        """Give what was won in the window, with nothing to hold it against."""
        if not self.department.has("deals", "amount", "closed_at"):
            return _NOTHING
        won = funnel.win_rate(self.department, start=self.start, end=self.end)
        actual = float(won["won_amount"].iloc[0])
        return Gap("none", np.nan, actual, np.nan, np.nan, 0, self.start, self.end)

    def _follow_funnel(self) -> None:
        for pipeline, department in self._pipelines():
            name = "stage_conversion" + (f": {pipeline}" if pipeline else "")
            self._attempt(name, partial(self._conversion, department))
        if self.department.has("deals", "stage"):
            self.tables["current_stages"] = funnel.current_stages(
                self.department, confidence=self.confidence
            )

    def _pipelines(self) -> list[tuple[str, Department]]:
        """Give the department once, or once for each pipeline that has stages of its own."""
        department = self.department
        if not department.has("stages", "pipeline"):
            return [("", department)]
        names = sorted(department.fetch("stages")["pipeline"].dropna().unique())
        if len(names) < 2:
            return [("", department)]
        return [(str(name), department.where(pipeline=name)) for name in names]

    def _conversion(self, department: Department) -> pd.DataFrame:
        window: dict[str, Any] = {"start": self.start, "end": self.end}
        if not department.has("deals", "created_at"):
            window = {}
        keys = ["team"] if "team" in self._splits() else []
        waits = conversion_waits(department, keys, **window)
        ladder = department.ladder()
        if keys and department is self.department:
            self.tables["stage_conversion_by_team"] = conversion_rates(
                waits, keys, ladder, confidence=self.confidence
            )
        return conversion_rates(waits, [], ladder, confidence=self.confidence)

    def _win_rates(self) -> None:
        window: dict[str, Any] = {"start": self.start, "end": self.end}
        if not self.department.has("deals", "closed_at"):
            window = {}  # all that was ever closed is all that can be said
        splits = self._splits()
        self.tell("win rates")
        cube = count_wins(self.department, splits, population="closed", **window)
        if cube["n_lost"].sum() == 0 and cube["n_won"].sum() >= _ENOUGH_WINS:
            # orders, or an export that hides the lost: a rate of 100 % by construction
            reason = "the data hold won deals but not one lost, so no win rate can be told"
            self.missed.append(NotExamined("win_rate", (), _LOST_DEALS, reason))
            return
        for keys in ([], *([one] for one in splits)):
            table = win_rates(
                roll_up(cube, keys), keys, population="closed", confidence=self.confidence
            )
            name = "win_rate" + (f"_by_{keys[0]}" if keys else "")
            self.tables[name] = self._named(table)
        self._attempt(
            "win_rate_created",
            lambda: funnel.win_rate(
                self.department, population="created", confidence=self.confidence, **window
            ),
        )

    def _named(self, table: pd.DataFrame) -> pd.DataFrame:
        """Put the name of each rep beside the id."""
        if "rep_id" not in table or not self.department.has("reps", "rep_name"):
            return table
        names = self.department.fetch("reps").drop_duplicates("rep_id").set_index("rep_id")
        named = table.copy()
        place = list(table.columns).index("rep_id") + 1
        named.insert(place, "rep_name", table["rep_id"].map(names["rep_name"]))
        return named
