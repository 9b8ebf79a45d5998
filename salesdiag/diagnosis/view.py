"""What the detectors look at: the department, its window, and each comparison made once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from salesdiag.diagnosis import facts
from salesdiag.diagnosis.contrasts import Link, changes
from salesdiag.errors import InputError, MissingDataError
from salesdiag.reductions.winnable import winnable_days
from salesdiag.reductions.yearly import LEVELS, years_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    import pandas as pd

    from salesdiag.department import Department
    from salesdiag.diagnosis.contrasts import Change, Kind, Worse

T = TypeVar("T")

_SETTLE_DAYS = 21  # in which a lead becomes a deal or does not
_STEP_DAYS = 45  # in which a deal goes on from a stage, mostly
_USUAL_WINNABLE = 120
_FEWEST_PAST = 50  # deals of the base without which there is no past to compare with
# a number of leads or deals of one rep says who was there, not what was wrong
_COUNTED = ("department", "team", "territory", "source", "segment", "product")


class View:
    """The facts of one diagnosis, each asked of the engine once.

    What cannot be made for want of a table is None, and the reason is kept in ``missed``.
    """

    def __init__(self, department: Department, start: date, end: date, confidence: float) -> None:
        self.department = department
        self.years = years_of(start, end)
        self.confidence = confidence
        self.missed: dict[str, MissingDataError] = {}
        self._made: dict[str, Any] = {}

    def once(self, name: str, make: Callable[[], T]) -> T | None:
        """Make a thing once; None where the data do not hold it."""
        if name not in self._made:
            try:
                self._made[name] = make()
            except MissingDataError as error:
                self.missed[name] = error
                self._made[name] = None
            except InputError:
                self._made[name] = None
        made: T | None = self._made[name]
        return made

    # --- cells ---------------------------------------------------------------------------

    @property
    def leads(self) -> pd.DataFrame | None:
        """Cells of leads."""
        return self.once("leads", lambda: self._checked(
            facts.lead_cells, "leads", "created_at", settle_days=_SETTLE_DAYS))  # fmt: skip

    @property
    def created(self) -> pd.DataFrame | None:
        """Cells of deals by month of creation."""
        return self.once("created", lambda: self._checked(
            facts.created_cells, "deals", "created_at", "closed_at", within_days=_STEP_DAYS * 2
        ))  # fmt: skip

    @property
    def won(self) -> pd.DataFrame | None:
        """Cells of deals by month of winning."""
        return self.once("won", lambda: self._checked(
            facts.won_cells, "deals", "closed_at", "amount"))  # fmt: skip

    @property
    def money(self) -> pd.DataFrame | None:
        """Cells of the money won."""
        return self.once("money", lambda: self._checked(
            facts.money_cells, "deals", "closed_at", "created_at", "amount"))  # fmt: skip

    @property
    def steps(self) -> pd.DataFrame | None:
        """Cells of deals by step and month of reaching it."""
        return self.once("steps", lambda: self._checked(
            facts.step_cells, "stage_changes", "stage", "entered_at", within_days=_STEP_DAYS
        ))  # fmt: skip

    @property
    def step_money(self) -> pd.DataFrame | None:
        """Money won by step reached in the window."""
        return self.once("step money", lambda: self._checked(
            facts.step_money, "stage_changes", "stage", "entered_at"))  # fmt: skip

    @property
    def effort(self) -> pd.DataFrame | None:
        """Cells of activities on deals."""
        return self.once("effort", lambda: self._checked(
            facts.effort_cells, "activities", "deal_id", "occurred_at",
            winnable_days=self.winnable_days))  # fmt: skip

    @property
    def winnable_days(self) -> int:
        """The age by which nearly all deals that are ever won are won."""
        found = winnable_days(self.department)
        return _USUAL_WINNABLE if np.isnan(found) else round(found)

    def _checked(
        self, make: Callable[..., pd.DataFrame], table: str, *columns: str, **options: int
    ) -> pd.DataFrame:
        self.department.require(**{table: columns})
        return make(self.department, self.years, **options)

    # --- changes -------------------------------------------------------------------------

    def has_past(self) -> bool:
        """Tell whether the year before the window is in the data."""
        cells = self.created
        if cells is None or not len(cells):
            return False
        base = cells[cells["side"] == "base"]
        months = base[base["n_deals"] > 0]["month"].nunique()
        return bool(base["n_deals"].sum() >= _FEWEST_PAST and months >= 10)

    def change(
        self,
        name: str,
        make: Callable[[], list[Link] | None],
        *,
        worse: Worse,
        levels: tuple[str, ...] = tuple(LEVELS),
    ) -> list[Change]:
        """Give the places of a change, the likeliest first; none where it cannot be told."""

        def found() -> list[Change]:
            chain = make() if self.has_past() else None
            wanted = {column: level for level, column in LEVELS.items() if level in levels}
            return changes(chain, wanted, worse=worse) if chain else []

        return self.once(f"change {name} {worse}", found) or []

    def lead_count(self) -> list[Change]:
        """Leads that came in."""
        return self.change(
            "lead count", lambda: _links(self.leads, "n_leads", None, "total"),
            worse="down", levels=_COUNTED,
        )  # fmt: skip

    def lead_conversion(self) -> list[Change]:
        """Share of the leads that became a deal."""
        return self.change(
            "lead conversion", lambda: _links(self.leads, "n_deals", "n_settled", "share"),
            worse="down",
        )  # fmt: skip

    def untouched(self) -> list[Change]:
        """Share of the leads that nobody contacted."""
        return self.change(
            "untouched", lambda: _links(self.leads, "n_untouched", "n_settled", "share"),
            worse="up",
        )  # fmt: skip

    def delay(self) -> list[Change]:
        """Hours until the first answer, typically."""
        return self.change(
            "delay",
            lambda: _links(self.leads, "log_hours", "n_answered", "log", "log_squares"),
            worse="up",
        )  # fmt: skip

    def pipeline(self) -> list[Change]:
        """Conversion from the first stage to the win: all steps together."""
        return self.change("pipeline", self._all_steps, worse="down")

    def step(self, number: int) -> list[Change]:
        """Conversion of one step."""
        return self.change(f"step {number}", lambda: self._step(number), worse="down")

    def skips(self) -> list[Change]:
        """Share of the stages that deals left out."""
        return self.change(
            "skips", lambda: _links(self.steps, "n_skipped", "n_here", "share"), worse="up"
        )

    def size(self) -> list[Change]:
        """List value of a deal won."""
        return self.change(
            "size", lambda: _links(self.won, "log_list", "n_won", "log", "log_list_squares"),
            worse="down",
        )  # fmt: skip

    def depth(self) -> list[Change]:
        """Discount of a deal won."""
        return self.change(
            "depth", lambda: _links(self.won, "depth", "n_won", "mean", "depth_squares"),
            worse="up",
        )  # fmt: skip

    def dead_effort(self) -> list[Change]:
        """Share of the activities that goes to closed or dead deals."""
        return self.change(
            "dead effort", lambda: _links(self.effort, "n_dead", "n_all", "share"), worse="up"
        )

    def lead_to_win(self) -> list[Change]:
        """Share of the leads that become a deal, times the share of those that is won."""
        return self.change("lead to win", self._lead_chain, worse="down")

    def stage_names(self) -> list[str]:
        """Name the open stages in selling order."""
        ladder = self.once("ladder", self.department.ladder)
        return [] if ladder is None else [str(one) for one in ladder["stage"]]

    def n_steps(self) -> int:
        """How many steps the funnel has; 0 without a history."""
        return 0 if self.steps is None or not len(self.steps) else int(self.steps["step"].max()) + 1

    def _step(self, number: int) -> list[Link] | None:
        if self.steps is None:
            return None
        return _links(self.steps[self.steps["step"] == number], "n_on", "n_here", "share")

    def _all_steps(self) -> list[Link] | None:
        if not self.n_steps():
            return None
        return [link for number in range(self.n_steps()) for link in self._step(number) or []]

    def _lead_chain(self) -> list[Link] | None:
        first = _links(self.leads, "n_deals", "n_settled", "share")
        rest = self._all_steps()
        return [*first, *rest] if first and rest else first

    # --- money ---------------------------------------------------------------------------

    def revenue(self, place: Change, *, of: str = "amount") -> float:
        """Give the money won in the window at a place, all or a part of it."""
        return _at(self.money, place, of)

    def revenue_of_step(self, number: int, place: Change) -> float:
        """Give the money won in the window by deals that reached a step inside it."""
        cells = self.step_money
        return np.nan if cells is None else _at(cells[cells["step"] == number], place, "amount")


def _links(
    cells: pd.DataFrame | None,
    part: str,
    whole: str | None,
    kind: Kind,
    squares: str | None = None,
) -> list[Link] | None:
    if cells is None or not len(cells):
        return None
    named = cells.assign(part=cells[part], whole=cells[whole] if whole else 0.0)
    return [Link(named.assign(squares=cells[squares]) if squares else named, kind)]


def _at(cells: pd.DataFrame | None, place: Change, column: str) -> float:
    if cells is None:
        return np.nan
    rows = cells[cells["side"] == "now"]
    if place.level != "department":
        column = next(column for level, column in LEVELS.items() if level == place.level)
        rows = rows[rows[column].isin(place.ids)]
    return float(rows[column].sum())
