"""The facts of a diagnosis: cells of leads, deals, steps, money and effort, each made once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from salesdiag.diagnosis import account_facts, entry_facts, facts, more_facts
from salesdiag.diagnosis.policy import BY_POLICY, discount_policy
from salesdiag.engine import fetch
from salesdiag.errors import InputError, MissingDataError
from salesdiag.periods import add_months
from salesdiag.reductions.winnable import winnable_days
from salesdiag.reductions.yearly import years_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from salesdiag.department import Department

T = TypeVar("T")

_SETTLE_DAYS = 21  # in which a lead becomes a deal or does not
_STEP_DAYS = 45  # in which a deal goes on from a stage, mostly
_USUAL_WINNABLE = 120
_LOOKED_AT = (61, 365)
_HELPS = ("winnable days", "first day", "ladder", "policy")  # asked for on the way


class Cells:
    """The facts of one diagnosis, each asked of the engine once.

    What cannot be made for want of a table is None, and the reason is kept in ``missed``.
    """

    def __init__(self, department: Department, start: date, end: date, confidence: float) -> None:
        self.department = department
        self.years = years_of(start, end)
        self.confidence = confidence
        self.missed: dict[str, MissingDataError] = {}
        self.refused: dict[str, str] = {}  # what the data are such that it cannot be told
        self.asked: list[str] = []  # since it was last cleared
        self._needed: dict[str, list[str]] = {}  # by what was asked for
        self._made: dict[str, Any] = {}

    def once(self, name: str, make: Callable[[], T]) -> T | None:
        """Make a thing once; None where the data do not hold it."""
        if name not in self._made:
            outer, self.asked = self.asked, []
            try:
                self._made[name] = make()
            except MissingDataError as error:
                self.missed[name] = error
                self._made[name] = None
            except InputError as error:
                self.refused[name] = str(error)
                self._made[name] = None
            self._needed[name], self.asked = self.asked, outer
        self.asked += [*self._needed[name], name]  # also of what was made before
        made: T | None = self._made[name]
        return made

    def first_lacked(self) -> tuple[str, ...]:
        """Name the columns that the first thing asked for lacks; none if it could be made."""
        first = self._first()
        return tuple(self.missed[first].missing) if first in self.missed else ()

    def first_refused(self) -> str:
        """Say why the first thing asked for cannot be told of these data; "" if it could be."""
        return self.refused.get(self._first(), "")

    def _first(self) -> str:
        """Name the first cells or analysis that was asked for, or what stopped before them."""
        for one in self.asked:
            if self._made[one] is None or not (one in _HELPS or one.startswith("change ")):
                return one
        return ""

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
    def sizes(self) -> pd.DataFrame | None:
        """Cells of deals decided by month of closing, with their list value."""
        return self.once("sizes", lambda: self._checked(
            facts.size_cells, "deals", "closed_at", "amount"))  # fmt: skip

    @property
    def money(self) -> pd.DataFrame | None:
        """Cells of the money won."""
        return self.once("money", lambda: self._checked(
            facts.money_cells, "deals", "closed_at", "created_at", "amount"))  # fmt: skip

    @property
    def steps(self) -> pd.DataFrame | None:
        """Cells of deals by step and month of reaching it."""
        return self.once("steps", lambda: self._checked(
            facts.step_cells, "stage_changes", "stage", "entered_at",
            of_deals=("created_at", "closed_at"), within_days=_STEP_DAYS))  # fmt: skip

    @property
    def step_money(self) -> pd.DataFrame | None:
        """Money won by step reached in the window."""
        return self.once("step money", lambda: self._checked(
            facts.step_money, "stage_changes", "stage", "entered_at",
            of_deals=("created_at", "closed_at", "amount")))  # fmt: skip

    @property
    def effort(self) -> pd.DataFrame | None:
        """Cells of activities on deals."""
        return self.once("effort", lambda: self._checked(
            facts.effort_cells, "activities", "deal_id", "occurred_at",
            of_deals=("created_at", "closed_at"), winnable_days=self.winnable_days))  # fmt: skip

    @property
    def open(self) -> pd.DataFrame | None:
        """Cells of deals open at the ends of months."""
        return self.once("open", lambda: self._checked(
            more_facts.open_cells, "deals", "created_at", "closed_at",
            winnable_days=self.winnable_days, looked_at=self.looked_at))  # fmt: skip

    @property
    def periods(self) -> pd.DataFrame | None:
        """Cells of deals won by the phase of the quarter."""
        return self.once("periods", lambda: self._checked(
            more_facts.period_cells, "deals", "closed_at", "amount"))  # fmt: skip

    @property
    def days(self) -> pd.DataFrame | None:
        """Selling days of each rep."""
        return self.once("days", lambda: self._checked(more_facts.day_cells, "reps", "rep_id"))

    @property
    def accounts(self) -> pd.DataFrame | None:
        """What the largest accounts bought."""
        return self.once("accounts", lambda: self._checked(
            account_facts.account_sums, "deals", "created_at", "closed_at", "amount",
            "account_id"))  # fmt: skip

    def by_policy(self) -> bool:
        """Tell whether a price list gives the discounts: then no rep or team is behind them."""
        table = self.once("policy", lambda: discount_policy(
            self.department, self.years.start, self.years.end))  # fmt: skip
        return table is not None and bool(table["policy_share"].iloc[0] >= BY_POLICY)

    @property
    def entries(self) -> pd.DataFrame | None:
        """Cells of entries that look made up."""
        return self.once("entries", lambda: entry_facts.entry_cells(self.department, self.years))

    def orders_each(self, without: tuple[str, ...]) -> float | None:
        """How much more than by chance orders scatter, customer by customer."""
        return self.once(f"orders each {without}", lambda: account_facts.order_spread(
            self.department, self.years, without=without))  # fmt: skip

    def orders(self, without: tuple[str, ...]) -> pd.DataFrame | None:
        """Cells of customers who bought within a year, some accounts left out."""
        return self.once(f"orders {without}", lambda: self._checked(
            account_facts.order_cells, "deals", "created_at", "closed_at", "account_id",
            without=without))  # fmt: skip

    @property
    def first_day(self) -> pd.Timestamp:
        """The day on which the first deal of the data was opened."""

        def made() -> pd.Timestamp:
            self.department.require(deals=["created_at"])
            deals = self.department.select_deals()
            return pd.Timestamp(fetch(deals.aggregate(day=deals.created_at.min()))["day"].iloc[0])

        found = self.once("first day", made)
        return pd.NaT if found is None else found  # type: ignore[return-value]

    @property
    def looked_at(self) -> int:
        """For how many days dead deals are counted: as the first year can hold them, too."""
        reach = pd.Timestamp(add_months(self.years.base_start, 6)) - self.first_day
        days = 0 if pd.isna(reach) else reach.days - self.winnable_days
        return int(np.clip(days, *_LOOKED_AT))

    @property
    def winnable_days(self) -> int:
        """The age by which nearly all deals that are ever won are won."""

        def made() -> float:
            self.department.require(deals=["created_at", "closed_at"])
            return winnable_days(self.department)

        found = self.once("winnable days", made)
        return _USUAL_WINNABLE if found is None or np.isnan(found) else round(found)

    def _checked(
        self, make: Callable[..., pd.DataFrame], table: str, *columns: str,
        of_deals: tuple[str, ...] = (), **options: object,
    ) -> pd.DataFrame:  # fmt: skip
        self.department.require(**{table: columns}, **({"deals": of_deals} if of_deals else {}))
        return make(self.department, self.years, **options)
