"""A suspected cause, before the suspects are held against each other."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from salesdiag.diagnosis.finding import Scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from salesdiag.diagnosis.contrasts import Change, Changes
    from salesdiag.diagnosis.finding import Grade, Level

# what a cause takes away from: two suspects that share a link may claim the same money
Claim = Literal["leads", "lead conversion", "pipeline", "orders", "size", "price", "days", "plan",
                "none"]  # fmt: skip

_LIKELY = 1.0  # standard errors that a harm must amount to
_SEEN = 0.25  # the same, where the fault itself is seen beyond doubt
_NO_DOUBT = 0.01  # p-value of what is
_CERTAIN = 0.001
_ESTIMATED = ("lead conversion", "pipeline", "days")  # links whose loss is not what is searched for
_USUAL_OF_SEEN = 0.08  # of the revenue: what a fault of a whole department costs, give or take that
_SIMPLE = 0.7  # of the errors allowed, the part of the simplest answer
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
    price_harm: float = 0.0  # the part of the harm that is price: it takes no costs along
    stage: str | None = None
    grade: Grade = "C"
    has_driver: bool = False  # the fault itself is seen, not only what it would do
    table: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)

    @property
    def scope(self) -> Scope:
        """Give the place as a finding names it."""
        return Scope(self.level, ", ".join(self.ids) or None, self.stage)

    def is_certain(self) -> bool:
        """Tell whether the fault itself is seen all over the department, beside what it cost."""
        is_seen = self.has_driver and self.level == "department" and self.claim in _ESTIMATED
        return is_seen and self.p_value < _CERTAIN

    def costs(self) -> bool:
        """Tell whether it likely cost something, or need not cost anything.

        Where the fault itself is seen, what it did need not be beyond all doubt too.
        """
        is_seen = self.has_driver and self.p_value < _NO_DOUBT
        likely = _SEEN if is_seen else _LIKELY
        return bool(np.isnan(self.harm) or -self.harm > likely * self.harm_error)


def with_usual_harm(one: Suspect, revenue: float) -> Suspect:
    """Draw the harm of a fault that all of the department shows to what such faults cost.

    Its results tell that harm roughly, by the luck of a year; that it did next to none is not
    what to expect of a fault that is there for certain. What got better is left as it is, and so
    is what is counted: fewer leads and orders, smaller deals, prices, plans.

    Parameters
    ----------
    one : Suspect
        Any; one that is not seen so is given back as it is.
    revenue : float
        That of the window.
    """
    tells = one.harm < 0 and one.harm_error > 0 and one.exposed > 0
    if not (tells and one.is_certain()):
        return one
    usual = np.fmax(revenue / one.exposed, 1.0) * _USUAL_OF_SEEN
    harm, _error = combined((one.harm, one.harm_error), (-usual, usual))
    return replace(one, harm=harm)  # no surer by what others cost


def suspect(
    cause: str,
    place: Change,
    claim: Claim,
    harm: tuple[float, float],
    exposed: float,
    found: Sequence[Change],
    *,
    price_harm: float = 0.0,
    stage: str | None = None,
    grade: Grade = "C",
    has_driver: bool = True,
) -> Suspect:
    """Suspect a cause at the place of a change; ``harm`` is the change of the money, and its error.

    The places that were searched are the evidence.
    """
    return Suspect(
        cause, place.level, place.ids, place.measured, place.expected, place.n, place.p_value,
        claim, harm[0], harm[1], exposed, price_harm, stage, grade, has_driver, table_of(found),
    )  # fmt: skip


def size_of(change: Change) -> tuple[float, float]:
    """Give a change and its standard error."""
    return change.log_ratio, change.standard_error


def combined(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """Give two estimates of a harm as one: each counts as much as it is sure."""
    weights = np.array([1 / max(each[1], 1e-6) ** 2 for each in (one, other)])
    both = float(weights @ [one[0], other[0]] / weights.sum())
    return both, float(1 / np.sqrt(weights.sum()))


def as_share(depth: Change) -> Change:
    """Tell a mean discount as a share of the list price."""
    return depth._replace(
        measured=float(-np.expm1(-depth.measured)), expected=float(-np.expm1(-depth.expected))
    )


def error_of(low: ArrayLike, high: ArrayLike) -> NDArray[np.float64]:
    """Give the standard error behind the 95 % interval of an analysis."""
    width: NDArray[np.float64] = np.asarray(high, float) - np.asarray(low, float)
    return width / (2 * _REACH)


def likeliest(found: Sequence[Change], levels: Sequence[str] | None = None) -> Change | None:
    """Give the likeliest place of a change that is for the worse, of these levels.

    Its p-value is that of the search. Of the errors that it may make the larger part is the
    whole department's, the simple answer; the rest is shared by the narrower levels alike, so
    that a place among four teams pays less than one among forty reps.
    """
    fit = [one for one in found if levels is None or one.level in levels]
    if not fit or not fit[0].weight > 0:
        return None
    narrow = {one.level for one in fit} - {"department"}
    has_both = bool(narrow) and any(one.level == "department" for one in fit)
    paid, part = 1.0, _SIMPLE
    if fit[0].level != "department":
        paid, part = len(narrow) * fit[0].n_places, 1 - _SIMPLE
    paid = paid / part if has_both else paid
    return fit[0]._replace(p_value=min(1.0, fit[0].p_value * paid))


def at_place(found: Changes, place: Change) -> Change | None:
    """Give the change at the place of another one."""
    return found.at(place.level, place.ids)


def of_department(found: Changes) -> Change | None:
    """Give the change of the whole department."""
    return found.at("department", ())


def table_of(found: Sequence[Change]) -> pd.DataFrame:
    """Show the places of a change as a table."""
    columns = ["level", "ids", "measured", "expected", "n", "log_ratio", "standard_error",
               "p_value", "weight", "n_places"]  # fmt: skip
    rows = [one._replace(ids=", ".join(one.ids)) for one in found]  # type: ignore[arg-type]
    return pd.DataFrame([tuple(one) for one in rows], columns=columns)
