"""A suspected cause, before the suspects are held against each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from salesdiag.diagnosis.contrasts import Change
    from salesdiag.diagnosis.finding import Grade, Level

# what a cause takes away from: two suspects that share a link may claim the same money
Claim = Literal["leads", "lead conversion", "pipeline", "orders", "size", "price", "days", "plan",
                "none"]  # fmt: skip

_CERTAIN = 1e-12
_REACH = 1.96  # standard errors in either half of a 95 % interval


@dataclass(frozen=True, slots=True, eq=False)
class Suspect:
    """One cause at one place, with what speaks for it and what it may have cost.

    ``harm`` is the change of the logarithm of the money that went through the link, below 0
    where money was lost, and ``exposed`` is that money in the window; NaN where the cause
    need not cost any.
    """

    cause: str
    level: Level
    ids: tuple[str, ...]
    measured: float
    expected: float
    n: int
    p_value: float  # for this cause, all places searched
    claim: Claim
    harm: float
    harm_error: float
    exposed: float
    stage: str | None = None
    grade: Grade = "C"
    has_driver: bool = False  # the fault itself is seen, not only what it would do
    table: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)

    def costs(self) -> bool:
        """Tell whether it cost more than its own error, or need not cost anything."""
        return bool(np.isnan(self.harm) or -self.harm > self.harm_error)

    def money(self, confidence: float) -> tuple[float, float, float]:
        """Give what the harm cost, and its interval; NaN where the cause need not cost any.

        The harm is drawn towards nothing by how uncertain it is: of many suspects those are
        looked at that seem largest.
        """
        from scipy import special

        if np.isnan(self.harm) or np.isnan(self.exposed):
            return np.nan, np.nan, np.nan
        error = max(self.harm_error, _CERTAIN)
        kept = max(0.0, 1.0 - (error / self.harm) ** 2) if self.harm else 0.0
        reach = float(special.ndtri(0.5 + confidence / 2)) * error
        middle = self.harm * kept
        low, high = self.harm + reach, self.harm - reach
        cost = [float(self.exposed * np.expm1(-one)) for one in (middle, low, high)]
        return cost[0], min(cost[1], cost[0]), max(cost[2], cost[0])


def suspect(
    cause: str,
    place: Change,
    claim: Claim,
    harm: tuple[float, float],
    exposed: float,
    found: Sequence[Change],
    *,
    stage: str | None = None,
    grade: Grade = "C",
    has_driver: bool = True,
) -> Suspect:
    """Suspect a cause at the place of a change; ``harm`` is the change of the money, and its error.

    The places that were searched are the evidence.
    """
    return Suspect(
        cause, place.level, place.ids, place.measured, place.expected, place.n, place.p_value,
        claim, harm[0], harm[1], exposed, stage, grade, has_driver, table_of(found),
    )  # fmt: skip


def size_of(change: Change) -> tuple[float, float]:
    """Give a change and its standard error."""
    return change.log_ratio, change.standard_error


def kept_of(share: Change) -> tuple[float, float]:
    """Give the change of what a share leaves, as a logarithm, and its error.

    A discount leaves the rest of the price, leads that nobody calls leave the others.
    """
    left = 1 - share.measured
    change = float(np.log(left / (1 - share.expected)))
    return change, share.standard_error * share.measured / left


def error_of(low: ArrayLike, high: ArrayLike) -> NDArray[np.float64]:
    """Give the standard error behind the 95 % interval of an analysis."""
    width: NDArray[np.float64] = np.asarray(high, float) - np.asarray(low, float)
    return width / (2 * _REACH)


def likeliest(found: Sequence[Change], levels: Sequence[str] | None = None) -> Change | None:
    """Give the likeliest place of a change that is for the worse, of these levels."""
    fit = [one for one in found if levels is None or one.level in levels]
    return fit[0] if fit and fit[0].weight > 0 else None


def at_place(found: Sequence[Change], place: Change) -> Change | None:
    """Give the change at the place of another one."""
    same = [one for one in found if (one.level, one.id) == (place.level, place.id)]
    return same[0] if same else None


def table_of(found: Sequence[Change]) -> pd.DataFrame:
    """Show the places of a change as a table."""
    columns = ["level", "id", "measured", "expected", "n", "log_ratio", "standard_error",
               "p_value", "weight"]  # fmt: skip
    return pd.DataFrame([tuple(one) for one in found], columns=columns)
