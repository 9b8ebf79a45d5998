"""What a department is like apart from its faults, and the decoys that look like faults."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from salesdiag.errors import InputError
from salesdiag.simulate.causes import near_miss

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Traits:
    """The numbers in which departments differ; nothing here is a fault."""

    skill_spread: float = 0.10  # of the log of the reps' hazards
    fit_spread: float = 0.0  # how differently reps get on with large customers
    turnover: float = 0.22  # share of the seats that change hands in the data
    newcomers_from: float = 0.0  # the part of the data after which they do
    season: float = 1.0
    growth: float = 0.03  # of the leads, a year
    cycle: float = 1.0
    hotness: float = 0.3  # how much sooner a promising lead is answered
    weak_discount: float = 0.03  # how much more a weak deal gets
    big_discount: float = 0.012
    uneven_load: float = 0.15  # spread of the reps' shares of the leads
    part_timers: float = 0.0  # share of the seats with hardly any leads
    mix_shift: float = 0.0
    logging_from: float = 0.0  # the part of the data before which no activity was logged
    new_product: bool = False
    is_coached: bool = False
    key_share: float = 0.13  # of the revenue, with the largest customers
    foreign_share: float = 0.0  # of the customers, who pay in another currency
    pays_by_cliff: bool = False


DECOYS: dict[str, dict[str, Any]] = {
    "mix_shift": {"mix_shift": 0.3},
    "small_samples": {"part_timers": 0.35},
    "exposure_driven_activity": {"uneven_load": 0.6},
    "endogenous_discount": {"weak_discount": 0.07, "big_discount": 0.03},
    "hot_leads_first": {"hotness": 1.3},
    "coaching_rebound": {"is_coached": True},
    "seasonality": {"season": 2.6},
    "recent_cohorts": {"cycle": 1.9, "growth": 0.12},
    "late_logging": {"logging_from": 0.4},
    "growth": {"growth": 0.35},
    "new_product": {"new_product": True},
}

# what a department must be like for a fault to show; it stays so without the fault
_NEEDED: dict[str, dict[str, Any]] = {
    "lead_misallocation": {"fit_spread": 0.8},
    "slow_ramp": {"turnover": 0.6, "newcomers_from": 0.3},
    "key_account_lost": {"key_share": 0.23},
    "currency_effect": {"foreign_share": 0.4},
}


def traits_of(decoys: Iterable[str], causes: Iterable[str]) -> Traits:
    """Give the traits of a department with these decoys, fit for these causes.

    Raises
    ------
    InputError
        If a decoy is unknown.
    """
    traits = Traits()
    for name in decoys:
        if name not in DECOYS:
            message = f"unknown decoy {name!r}; allowed are {', '.join(DECOYS)}."
            raise InputError(message + near_miss(str(name), DECOYS))
        traits = replace(traits, **DECOYS[name])
    for code in causes:
        traits = replace(traits, **_NEEDED.get(code, {}))
    return traits
