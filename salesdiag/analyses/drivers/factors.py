"""The factors whose product is the result of a window, and what each adds to a gap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.stats.decomposition import shapley_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from salesdiag.analyses.drivers.draw import Side

    Floats = NDArray[np.float64]

# what a head of sales can change alone, what the company can, and what nobody inside can
CONTROL = {
    "market": "external",
    "selling_days": "direct",
    "leads_per_day": "indirect",
    "deals_per_lead": "direct",
    "deals_per_day": "direct",
    "conversion": "direct",
    "timing": "direct",
    "list_value_per_deal": "direct",
    "price_realisation": "direct",
    "plan": "indirect",
}


def factors_of(side: Side, *, has_leads: bool, market: float | None) -> dict[str, Floats]:
    """Give the factors of each draw; their product is the amount won."""
    days, leads, deals, won, _without_amount, listed, amount = side.sums.T
    factors: dict[str, Floats] = {}
    chances = days
    if market is not None:
        factors["market"] = np.full(len(days), market)
        chances = days * market
    factors["selling_days"] = days
    if has_leads:
        factors["leads_per_day"] = _over(leads, chances)
        factors["deals_per_lead"] = _over(deals, leads)
    else:
        factors["deals_per_day"] = _over(deals, chances)
    chance = np.prod(side.rates, axis=1)
    factors["conversion"] = chance
    factors["timing"] = _over(won, deals * chance)
    factors["list_value_per_deal"] = _over(listed, won)
    factors["price_realisation"] = _over(amount, listed)
    return factors


def parts_of(
    base: dict[str, Floats], actual: dict[str, Floats], base_rates: Floats, actual_rates: Floats
) -> tuple[list[str], Floats]:
    """Split the change of the product among the factors, that of conversion among its steps.

    Gives the names (a step as ``"conversion:2"``) and draws x parts, which add up.
    """
    names = list(base)
    before = np.stack([base[name] for name in names], axis=1)
    after = np.stack([actual[name] for name in names], axis=1)
    parts = shapley_parts(before, after)
    place = names.index("conversion")
    steps = _among_steps(parts[:, place], base_rates, actual_rates)
    named = [f"conversion:{step}" for step in range(steps.shape[1])]
    return (
        [*names[:place], *named, *names[place + 1 :]],
        np.concatenate((parts[:, :place], steps, parts[:, place + 1 :]), axis=1),
    )


def _among_steps(part: Floats, base: Floats, actual: Floats) -> Floats:
    """Share the part of conversion among its steps by the logarithm of their change."""
    logs = np.log(np.where(actual > 0, actual, 1e-9) / np.where(base > 0, base, 1e-9))
    total = logs.sum(axis=1)
    change = np.prod(actual, axis=1) - np.prod(base, axis=1)
    near = np.abs(total) < 1e-9
    # part / log(after / before); where nothing changed in all, by the slope there
    slope = np.where(np.abs(change) > 1e-15, part / np.where(change == 0, 1.0, change), 0.0)
    mean = np.where(near, slope * np.prod(base, axis=1), part / np.where(near, 1.0, total))
    return mean[:, None] * logs


def _over(part: Floats, whole: Floats) -> Floats:
    known = whole > 0
    return np.where(known, part / np.where(known, whole, 1.0), np.nan)
