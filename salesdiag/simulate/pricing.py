"""List values, discounts and lines: what a deal would bring, and what is given away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from salesdiag.simulate.demand import Demand
    from salesdiag.simulate.doses import Doses
    from salesdiag.simulate.draws import Draws, Flags, Floats, Ints
    from salesdiag.simulate.grid import Grid
    from salesdiag.simulate.layout import Layout

USUAL_DISCOUNT = 0.07
_NOISE, _AT_LIST = 0.022, 0.12
_END_DAYS = 20  # working days over which the period's end is felt


def draw_quantities(layout: Layout, demand: Demand, doses: Doses) -> Ints:
    """Give the quantities of the two lines of each entry."""
    value = demand.value
    if doses.has("small_deals"):
        value = value * (1 - np.clip(doses.of_entries("small_deals"), 0.0, 0.9))
    share = np.stack([demand.split, 1 - demand.split], axis=1)
    quantity = np.round(value[:, None] * share / layout.list_price[demand.product])
    quantity[:, 0] = np.maximum(quantity[:, 0], 1)
    whole: Ints = quantity.astype(np.int64)
    return whole


class Prices:
    """Gives each deal its discount when the price is told, and again when it is closed."""

    def __init__(
        self, draws: Draws, grid: Grid, layout: Layout, demand: Demand, doses: Doses
    ) -> None:
        rng = draws.stream("prices")
        self._noise = rng.normal(size=demand.n)
        self._luck = rng.random((demand.n, 4))
        self._grid, self._layout, self._doses = grid, layout, doses
        self.quantity = draw_quantities(layout, demand, doses)
        prices = layout.list_price[demand.product]
        costs = layout.unit_cost[demand.product]
        self.list_value: Floats = (self.quantity * prices).sum(axis=1)
        self.cost: Floats = (self.quantity * costs).sum(axis=1)
        self._weak = -2.0 * demand.ease
        self._large = np.log(self.list_value / layout.deal_size)
        faults = ("excess_discount", "discount_limit_bunching", "period_end_discounting")
        self._dose = {cause: doses.of_people(cause) for cause in faults if doses.has(cause)}

    def quote(self, deal: Ints, rep: Ints, day: int) -> Floats:
        """Give the discounts told with the offers of a day; weak and large deals get more."""
        traits, luck = self._layout.traits, self._luck[deal]
        discount = USUAL_DISCOUNT + self._layout.staff.habit[rep] + _NOISE * self._noise[deal]
        discount += traits.weak_discount * self._weak[deal]
        discount += traits.big_discount * self._large[deal]
        discount = np.where(luck[:, 0] < _AT_LIST, 0.0, np.clip(discount, 0.0, 0.35))
        if self._acts("excess_discount", day):
            extra = self._dose["excess_discount"][rep] * (0.6 + 0.8 * luck[:, 1])
            discount = np.minimum(discount + extra, 0.7)
        discount = np.round(discount * 200) / 200
        if self._acts("discount_limit_bunching", day):
            limit = self._layout.discount_limit
            piles = luck[:, 2] < self._dose["discount_limit_bunching"][rep]
            discount = np.where(piles & (discount < limit), limit, discount)
        told: Floats = discount
        return told

    def close(self, deal: Ints, rep: Ints, day: int, discount: Floats) -> Floats:
        """Give the discounts of deals that are won on a day."""
        left = int(self._grid.left_in_quarter[day])
        if left >= _END_DAYS or not self._acts("period_end_discounting", day):
            return discount
        dose = self._dose["period_end_discounting"][rep] * (1 - left / _END_DAYS)
        extra = dose * (0.6 + 0.8 * self._luck[deal, 3])
        lowered: Floats = np.minimum(np.round((discount + extra) * 200) / 200, 0.75)
        return lowered

    def _acts(self, cause: str, day: int) -> bool:
        return cause in self._dose and day >= self._doses.since(cause)


def unit_prices(layout: Layout, product: Ints, discount: Floats, quoted: Flags) -> Floats:
    """Give the price of one of each line; before an offer nobody has given a discount."""
    given = np.where(quoted, discount, 0.0)[:, None]
    price: Floats = np.round(layout.list_price[product] * (1 - given), 2)
    return price
