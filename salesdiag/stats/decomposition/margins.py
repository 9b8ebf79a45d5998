"""What a change of price or volume does to the profit of a unit and of the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.stats.arguments import broadcast, numbers
from salesdiag.stats.rates.shares import ratio

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


class Leverage(NamedTuple):
    """By how much profit grows, as a share of itself, for a growth of 1 (all shares)."""

    of_price: Floats
    of_volume: Floats


def break_even_growth(cut: ArrayLike, margin: ArrayLike) -> Floats:
    """Tell by how much volume must grow so that a cut of the price costs nothing.

    Parameters
    ----------
    cut : array_like
        Share of the price given away, 0 to 1.
    margin : array_like
        Contribution margin before the cut, as a share of the price.

    Returns
    -------
    ndarray
        Growth of volume as a share; infinite where the cut takes the whole margin or more,
        for then no volume makes up for it; NaN where either is missing.

    Raises
    ------
    InputError
        If a cut does not lie between 0 and 1, or a margin exceeds 1.

    Examples
    --------
    5 % off at a margin of 30 %.

    >>> break_even_growth(0.05, 0.30).round(6).item()
    0.2
    """
    off = numbers("cut", cut, least=0, most=1, missing=True)
    before = numbers("margin", margin, most=1, missing=True)
    off, before = broadcast(cut=off, margin=before)
    left = before - off
    growth = ratio(off, np.where(left > 1e-12, left, np.nan))
    gone = (left <= 1e-12) & (off > 0)
    return np.where(off == 0, 0.0, np.where(gone, np.inf, growth))


def profit_leverage(operating_margin: ArrayLike, contribution_margin: ArrayLike) -> Leverage:
    """Tell how strongly profit follows price and volume.

    A higher price goes through to the profit in full, more volume with its contribution
    margin; fixed costs stay.

    Parameters
    ----------
    operating_margin, contribution_margin : array_like
        Shares of revenue, at most 1.

    Returns
    -------
    Leverage
        ``of_price``, ``of_volume`` : growth of operating profit for a growth of 1; NaN where
        the operating margin is 0 or less, for there is no profit to grow.

    References
    ----------
    Marn, M. V. and Rosiello, R. L. (1992). Managing price, gaining profit. Harvard Business
    Review 70(5), 84-94.

    Examples
    --------
    >>> found = profit_leverage(0.09, 0.297)
    >>> found.of_price.round(1).item(), found.of_volume.round(1).item()
    (11.1, 3.3)
    """
    operating = numbers("operating_margin", operating_margin, most=1, missing=True)
    contribution = numbers("contribution_margin", contribution_margin, most=1, missing=True)
    profit = np.where(operating > 0, operating, np.nan)
    return Leverage(ratio(1.0, profit), ratio(contribution, profit))
