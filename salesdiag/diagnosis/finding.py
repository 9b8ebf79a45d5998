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


@dataclass(frozen=True, slots=True)
class Rival:
    """An explanation that was held against a finding, and what became of it."""

    cause: str
    scope: Scope
    p_value: float
    outcome: str  # a few words


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
    rivals: tuple[Rival, ...] = ()
    lost_revenue: float = float("nan")  # `money` as revenue, where its basis is margin


@dataclass(frozen=True, slots=True)
class Part:
    """One factor's share of the gap."""

    factor: str
    amount: float  # below 0: money lost
    low: float
    high: float
    stage: str = ""  # the stage being left, for conversion

    @property
    def name(self) -> str:
        """Factor, and the stage where there is one."""
        return f"{self.factor}: {self.stage}" if self.stage else self.factor


@dataclass(frozen=True, slots=True)
class Claim:
    """Money of one part of the gap that one finding explains."""

    rank: int  # of the finding, from 1
    part: str  # `Part.name`
    amount: float  # above 0


@dataclass(frozen=True, slots=True)
class Gap:
    """What was expected of the window, what came, and the parts of the difference.

    The reference is the plan; where there is none, the same days a year before. Amounts are
    money of the window; NaN where there is no reference. The parts add up to the gap; none
    where the year before is not in the data.
    """

    reference: Literal["plan", "past", "none"]
    expected: float
    actual: float
    actual_low: float  # how far chance alone can move the actual figure
    actual_high: float
    n_periods: int  # periods of the plan that were added up
    start: date | None = None  # first and last day that these periods cover
    end: date | None = None
    parts: tuple[Part, ...] = ()
    claims: tuple[Claim, ...] = ()  # of findings on parts; no part is claimed beyond its loss

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


@dataclass(frozen=True, slots=True)
class Standing:
    """The result held against one reference.

    ``ratio`` is the result over the reference, with its interval; against peers it is that of
    the lowest unit that is below the others, and NaN where none is.
    """

    against: Literal["plan", "past", "teams", "reps"]
    verdict: Literal["below", "as expected", "above", "cannot tell"]
    ratio: float
    low: float
    high: float
    n: int  # wins behind it; of peers the number of units compared
    ids: tuple[str, ...] = ()  # of peers: those below the others, beyond chance
    reason: str = ""  # why it cannot be told


@dataclass(frozen=True, slots=True)
class Evidence:
    """Whether the data can tell at all."""

    verdict: Literal["can tell", "in part", "cannot tell"]
    n_rows: int  # of deals
    n_aside: int
    n_won: int  # in the window
    has_past: bool  # the year before is in the data
    smallest_fall: float  # of the revenue, that would be seen in four of five cases; or NaN
    reasons: tuple[str, ...] = ()  # for not being able to tell all


@dataclass(frozen=True, slots=True)
class Split:
    """The gap by who can change what the findings explain of it.

    ``basis`` is what the shares are parts of: the gap, or, where there is none or where gains
    elsewhere made up for losses, all that the findings explain.
    """

    basis: Literal["gap", "explained", "none"]
    whole: float  # money that the shares are parts of
    direct: float
    indirect: float
    external: float
    rest: float  # that no finding explains


@dataclass(frozen=True, slots=True)
class Criterion:
    """One row of the scorecard that says which head of sales is needed."""

    question: str
    evidence: str
    speaks_for: Literal["architect", "manager", "caretaker", ""]
    points: int
    is_examined: bool


@dataclass(frozen=True, slots=True)
class Leader:
    """Which head of sales the company needs, and the scorecard behind it."""

    role: Literal["architect", "manager", "caretaker", "undecided"]
    reason: str
    criteria: tuple[Criterion, ...]

    def points(self, role: str) -> int:
        """Add up what speaks for a role."""
        return sum(one.points for one in self.criteria if one.speaks_for == role)


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
    standings: tuple[Standing, ...] = ()
    evidence: Evidence | None = None
    split: Split | None = None
    leader: Leader | None = None
