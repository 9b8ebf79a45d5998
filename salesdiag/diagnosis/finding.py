"""What a diagnosis consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

Level = Literal["department", "team", "rep", "source", "segment", "product", "territory", "account"]
Control = Literal["direct", "indirect", "external"]
Grade = Literal["A", "B", "C", "D"]


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a fault sits."""

    level: Level
    id: str | None = None  # None for the department
    stage: str | None = None  # the stage being left, where the cause is tied to one


@dataclass(frozen=True, slots=True, eq=False)  # == on a table is ambiguous
class Finding:
    """One cause, its size, its price and how far to trust it."""

    cause: str  # a code of the catalogue
    scope: Scope
    control: Control
    grade: Grade
    measured: float
    expected: float  # the reference it was held against
    n: int  # cases behind `measured`
    q_value: float
    money: float  # for the window; NaN if it cannot be told
    money_low: float
    money_high: float
    money_basis: Literal["margin", "revenue"]
    reading: str  # one sentence with the numbers in it
    caveat: str  # what would overturn it
    next_step: str  # what to do or ask for
    table: pd.DataFrame = field(repr=False)  # the evidence, as an analysis returned it


@dataclass(frozen=True, slots=True)
class Part:
    """One factor's share of the gap."""

    factor: str
    amount: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Gap:
    """What was expected of the window, what came, and the parts of the difference.

    Amounts are money of the window; NaN where there is no reference.
    """

    reference: Literal["plan", "none"]
    expected: float
    actual: float
    actual_low: float  # how far chance alone can move the actual figure
    actual_high: float
    n_periods: int  # periods of the plan that were added up
    start: date | None = None  # first and last day that these periods cover
    end: date | None = None
    parts: tuple[Part, ...] = ()

    @property
    def gap(self) -> float:
        """Actual minus expected: negative when short."""
        return self.actual - self.expected


@dataclass(frozen=True, slots=True)
class NotExamined:
    """What could not be looked at, what is missing, and what to ask for."""

    analysis: str
    missing: tuple[str, ...]
    ask_for: str
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Diagnosis:
    """The whole answer: findings, the gap, the tables behind them, and what is not known."""

    name: str
    as_of: date
    as_of_source: str
    currency: str
    start: date
    end: date
    confidence: float
    gap: Gap
    findings: tuple[Finding, ...]
    not_examined: tuple[NotExamined, ...]
    tables: dict[str, pd.DataFrame] = field(repr=False)
