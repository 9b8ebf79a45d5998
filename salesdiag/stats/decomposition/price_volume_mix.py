"""How much of a change in value is price, volume, mix, currency, and items new or lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.errors import InputError
from salesdiag.stats.arguments import Groups, check_length, groups_of, vector
from salesdiag.stats.decomposition.product import shapley_parts
from salesdiag.stats.rates.shares import ratio
from salesdiag.stats.resampling import cluster_sums, drawn_interval, drawn_sums

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

TERMS = ("volume", "mix", "price", "currency", "new", "lost")


class PriceVolumeMix(NamedTuple):
    """A change in value by item and term (see ``TERMS``), and its totals with intervals."""

    item: NDArray[np.generic]
    part: Floats
    total: Floats
    low: Floats
    high: Floats
    change: float


def price_volume_mix(
    item: ArrayLike,
    base_quantity: ArrayLike,
    base_value: ArrayLike,
    quantity: ArrayLike,
    value: ArrayLike,
    *,
    base_rate: ArrayLike | None = None,
    rate: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
    n_draws: int = 1000,
    seed: int = 0,
) -> PriceVolumeMix:
    """Split a change in value into volume, mix, price, currency, new and lost items.

    The value of an item is total quantity x its share of that x its price x the exchange rate;
    its change is split by Shapley's value, so nothing is left over as a joint term. Volume is
    what the total quantity brings at unchanged shares, mix what the shares bring. Both depend on
    what is called an item: finer items move price into mix. Items sold on one side only have no
    price to compare and count as new or lost.

    In simulations the 95 % intervals of volume, mix and price cover 92 to 98 %. Those of new and
    lost items are too short where clusters are of uneven size (lognormal): 81, 86, 88 and 91 %
    with 6, 12, 30 and 100 of them.

    Parameters
    ----------
    item : array_like, shape (N,)
        Labels; rows of one item (and cluster) are added up.
    base_quantity, base_value, quantity, value : array_like, shape (N,)
        Units and money (in the money of the item) before and after.
    base_rate, rate : array_like, shape (N,), optional
        Units of the reporting money for one of the item's, before and after, the same in all
        rows of an item. None: one money, no currency term.
    cluster : array_like, shape (N,), optional
        Labels of what is drawn for the intervals, such as who bought. None: no intervals.
    confidence : float, default 0.95
        Level of the intervals.
    n_draws, seed : int
        Number of draws, and where the random numbers begin.

    Returns
    -------
    PriceVolumeMix
        ``item`` : labels in order. ``part`` : money, items x ``TERMS``. ``total`` : its sums
        over items, adding up to ``change``. ``low``, ``high`` : their intervals; NaN without
        clusters or with fewer than two. Which items are new or lost is not drawn again.

    Raises
    ------
    InputError
        If a quantity is negative, an item has value without quantity, or its rate changes
        between rows.

    References
    ----------
    Marn, M. V. and Rosiello, R. L. (1992). Managing price, gaining profit. Harvard Business
    Review 70(5), 84-94. Shorrocks (2013), as in `shapley_parts`.

    Examples
    --------
    1,000 at 50 became 1,100 at 52.

    >>> found = price_volume_mix(["A"], [1000], [50_000], [1100], [57_200])
    >>> dict(zip(TERMS[:3], found.total[:3].round(6).tolist()))
    {'volume': 5100.0, 'mix': 0.0, 'price': 2100.0}
    """
    given = {"base_quantity": base_quantity, "base_value": base_value,
             "quantity": quantity, "value": value}  # fmt: skip
    columns = [
        vector(name, values, least=0 if "quantity" in name else -np.inf)
        for name, values in given.items()
    ]
    n_rows = len(columns[0])
    for name, column in zip(given, columns, strict=True):
        check_length(name, len(column), n_rows)
    items = groups_of("item", item, n_rows)
    clusters = groups_of("cluster", cluster, n_rows)
    rates = _rates_of(items, base_rate, rate)
    n_items, n_cells = len(items.labels), len(clusters.labels) * len(items.labels)
    cells = clusters.codes * n_items + items.codes
    rows = cluster_sums(np.stack(columns, axis=-1), cells, n_cells)
    rows = rows.reshape(len(clusters.labels), n_items, 4)
    sums = rows.sum(axis=0)
    _check_values(items.labels, sums)
    is_new, is_lost = _one_sided(sums)
    part = _parts(sums, rates, is_new, is_lost)
    total = part.sum(axis=0)
    draws = drawn_sums(rows, n_draws=n_draws, seed=seed)
    drawn = _parts(draws, rates, is_new, is_lost).sum(axis=-2)
    n_clusters = 0 if cluster is None else len(clusters.labels)
    low, high = drawn_interval(drawn, total, n_clusters=n_clusters, confidence=confidence)
    change = float((sums[:, 3] * rates[:, 1] - sums[:, 1] * rates[:, 0]).sum())
    return PriceVolumeMix(items.labels, part, total, low, high, change)


def _parts(
    sums: Floats, rates: Floats, is_new: NDArray[np.bool_], is_lost: NDArray[np.bool_]
) -> Floats:
    """Split sums (..., items, 4) into (..., items, terms)."""
    kept = ~(is_new | is_lost)
    quantities = np.where(kept[:, None], sums[..., [0, 2]], 0.0)
    whole = quantities.sum(axis=-2, keepdims=True)
    shares = np.nan_to_num(ratio(quantities, whole))
    prices = ratio(sums[..., [1, 3]], sums[..., [0, 2]])
    # an item that a draw has on one side only keeps its price: all of its change is quantity
    other = prices[..., ::-1]
    prices = np.nan_to_num(np.where(np.isnan(prices), other, prices))
    factors = np.stack(
        [np.broadcast_to(whole, shares.shape), shares, prices, np.broadcast_to(rates, shares.shape)]
    )
    before, after = np.moveaxis(factors[..., 0], 0, -1), np.moveaxis(factors[..., 1], 0, -1)
    moved = np.where(kept[:, None], shapley_parts(before, after), 0.0)
    values = sums[..., [1, 3]] * rates
    new = np.where(is_new, values[..., 1], 0.0)
    lost = np.where(is_lost, -values[..., 0], 0.0)
    return np.concatenate([moved, new[..., None], lost[..., None]], axis=-1)


def _one_sided(sums: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    sold_before, sold_after = sums[:, 0] > 0, sums[:, 2] > 0
    return ~sold_before & sold_after, sold_before & ~sold_after


def _rates_of(items: Groups, base_rate: ArrayLike | None, rate: ArrayLike | None) -> Floats:
    """Give the two exchange rates of each item."""
    if (base_rate is None) != (rate is None):
        message = "base_rate and rate must be given together: an exchange rate has two sides."
        raise InputError(message)
    found = np.ones((len(items.labels), 2))
    for place, (name, values) in enumerate((("base_rate", base_rate), ("rate", rate))):
        if values is None:
            continue
        column = vector(name, values, least=0, length=len(items.codes))
        found[items.codes, place] = column
        differs = ~np.isclose(found[items.codes, place], column, rtol=1e-12, atol=0)
        if differs.any():
            label = items.labels[items.codes[differs][0]]
            message = f"{name} must be the same in all rows of an item; item {label} has several."
            raise InputError(message)
    return found


def _check_values(labels: NDArray[np.generic], sums: Floats) -> None:
    for place, name in ((0, "base_value"), (2, "value")):
        wrong = (sums[:, place] == 0) & (np.abs(sums[:, place + 1]) > 0)
        if wrong.any():
            message = (
                f"{name} must be 0 where its quantity is; item {labels[wrong][0]} has a value "
                "without a quantity."
            )
            raise InputError(message)
