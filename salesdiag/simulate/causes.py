"""The faults that can be planted: one row a cause of the catalogue, and what to plant where."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

from salesdiag.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

Control = Literal["direct", "indirect", "external"]


@dataclass(frozen=True, slots=True)
class Cause:
    """How one fault is planted.

    ``doses`` holds, for each level at which it makes sense, the size of the fault at
    strength 1, in units of its own mechanism; the first level is the usual one.
    """

    code: str
    control: Control
    doses: Mapping[str, float] = field(repr=False)
    moves_revenue: bool = True
    has_before: bool = True  # False: it was there from the beginning


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault to plant.

    Parameters
    ----------
    cause : str
        A code of the catalogue, such as ``"stage_leak"``.
    strength : float, default 1.0
        1 costs 8 to 20 % of the revenue of the window, where the cause moves revenue at
        all; 0.5 is half of that fault.
    level : str, optional
        Where it sits: department, team, rep, source, segment, product or account,
        as far as the cause allows. Default: the first that `levels_of` names.
    id : str, optional
        Which team, source, ...; for reps and accounts several, with commas between.
        Default: drawn by the seed.
    since : date or str, optional
        Its first day. Default: the first day of the last twelve months, or the beginning
        for causes that have no before.
    stage : str, optional
        Of `stage_leak`: the stage that is left. Default: drawn by the seed, the first not.
    """

    cause: str
    strength: float = 1.0
    level: str | None = None
    id: str | None = None
    since: date | str | None = None
    stage: str | None = None


_EVERY, _TEAM, _REP, _SOURCE = "department", "team", "rep", "source"
_SEGMENT, _PRODUCT, _ACCOUNT = "segment", "product", "account"

_ROWS = (
    Cause("slow_response", "direct", {_EVERY: 3.6, _TEAM: 120.0, _SOURCE: 25.0}),
    Cause("unworked_leads", "direct", {_EVERY: 0.29, _TEAM: 0.8, _SOURCE: 0.65}),
    Cause("lead_misallocation", "direct", {_EVERY: 0.75}),
    Cause("stage_leak", "direct", {_EVERY: 0.13, _TEAM: 0.45, _SOURCE: 0.6, _SEGMENT: 0.36}),
    Cause("process_skipped", "direct", {_EVERY: 0.085, _TEAM: 0.7}),
    Cause("stalled_pipeline", "direct", {_EVERY: 0.048, _TEAM: 0.23}),
    Cause("low_activity", "direct", {_EVERY: 0.27, _TEAM: 0.7, _REP: 0.9}),
    Cause("misdirected_activity", "direct", {_EVERY: 0.3, _TEAM: 0.7}),
    Cause("weak_reps", "direct", {_REP: 0.95}, has_before=False),
    Cause("slow_ramp", "direct", {_EVERY: 0.42}, has_before=False),
    Cause("headcount_gap", "direct", {_EVERY: 0.36, _TEAM: 0.9}),
    Cause("manager_effect", "direct", {_TEAM: 0.52}),
    Cause("small_deals", "direct", {_EVERY: 0.13, _TEAM: 0.42, _SEGMENT: 0.38}),
    Cause("excess_discount", "direct", {_EVERY: 0.19, _TEAM: 0.46, _REP: 0.68}),
    Cause("period_end_discounting", "direct", {_EVERY: 0.58}),
    Cause("discount_limit_bunching", "direct", {_EVERY: 0.95}, has_before=False),
    Cause("crm_unreliable", "direct", {_EVERY: 0.35, _TEAM: 0.7}, moves_revenue=False),
    Cause("forecast_bias", "direct", {_EVERY: 0.3, _TEAM: 0.4}, moves_revenue=False,
          has_before=False),
    Cause("biased_call_scores", "direct", {_EVERY: 12.0}, moves_revenue=False, has_before=False),
    Cause("plan_too_high", "indirect", {_EVERY: 0.3}, moves_revenue=False),
    Cause("plan_misallocated", "indirect", {_EVERY: 1.0}, moves_revenue=False, has_before=False),
    Cause("plan_ratchet", "indirect", {_EVERY: 0.5}, moves_revenue=False, has_before=False),
    Cause("payout_cliff", "indirect", {_EVERY: 0.6}),
    Cause("timing_games", "indirect", {_EVERY: 0.9}, moves_revenue=False),
    Cause("lead_shortage", "indirect", {_EVERY: 0.31, _SOURCE: 0.75, _TEAM: 0.8}),
    Cause("lead_quality", "indirect", {_SOURCE: 0.85, _EVERY: 0.16, _SEGMENT: 0.6}),
    Cause("delivery_losses", "indirect", {_EVERY: 0.11, _PRODUCT: 0.5}),
    Cause("key_account_lost", "indirect", {_ACCOUNT: 1.0}),
    Cause("customer_churn", "indirect", {_EVERY: 0.68}),
    Cause("market_decline", "external", {_EVERY: 0.072}),
    Cause("currency_effect", "external", {_EVERY: 0.34}),
)  # fmt: skip

CAUSES: dict[str, Cause] = {row.code: row for row in _ROWS}


def levels_of(cause: str) -> tuple[str, ...]:
    """Name the levels at which a cause can be planted, the usual one first."""
    return tuple(find_cause(cause).doses)


def find_cause(code: str) -> Cause:
    """Look a cause up by its code.

    Raises
    ------
    InputError
        If there is none; the message names the nearest.
    """
    if code in CAUSES:
        return CAUSES[code]
    message = f"unknown cause {code!r}; allowed are {', '.join(CAUSES)}."
    raise InputError(message + near_miss(str(code), CAUSES))


def near_miss(word: str, known: Mapping[str, object]) -> str:
    """Suggest what was probably meant, or nothing."""
    near = get_close_matches(word, known, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def as_faults(given: str | Fault | tuple[str | Fault, ...] | list[str | Fault]) -> list[Fault]:
    """Make faults of codes, and refuse what cannot be planted."""
    several = [given] if isinstance(given, str | Fault) else list(given)
    faults = [one if isinstance(one, Fault) else Fault(one) for one in several]
    for fault in faults:
        _refuse(fault, find_cause(fault.cause))
    codes = [fault.cause for fault in faults]
    if len(set(codes)) < len(codes):
        message = f"each cause can be planted once; got {', '.join(codes)}."
        raise InputError(message)
    return faults


def _refuse(fault: Fault, cause: Cause) -> None:
    if not 0 < fault.strength <= 2:
        message = f"strength must lie above 0 and not above 2; got {fault.strength!r}."
        raise InputError(message)
    if fault.level is not None and fault.level not in cause.doses:
        allowed = ", ".join(cause.doses)
        message = f"{cause.code} can be planted for {allowed}; got level {fault.level!r}."
        raise InputError(message)
    if fault.stage is not None and fault.cause != "stage_leak":
        message = f"{cause.code} sits at no stage; got stage {fault.stage!r}."
        raise InputError(message)
    if fault.id is not None and (fault.level or next(iter(cause.doses))) == _EVERY:
        message = f"{cause.code}: id {fault.id!r} needs a level below the department."
        raise InputError(message)
