"""Rates that change at thresholds, for the whole or only for what lies above."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from salesdiag.errors import InputError
from salesdiag.stats.arguments import numbers, one_of, vector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray


def tiered(
    value: ArrayLike,
    starts: Sequence[float],
    rates: Sequence[float],
    *,
    applies_to: Literal["whole", "part"],
) -> NDArray[np.float64]:
    """Apply rates that change where a value passes a threshold.

    Whether a tier counts for all of the value or only for the part within it makes the
    difference between a jump at the threshold and a bend, so it has no default.

    Parameters
    ----------
    value : array_like
        What the rates are applied to, 0 or more; NaN stays NaN.
    starts : sequence of float
        Where each tier begins (included), ascending from 0.
    rates : sequence of float
        Rate of each tier.
    applies_to : {"whole", "part"}
        ``"whole"``: all of the value at the rate of the tier reached. ``"part"``: each part of
        it at the rate of its own tier.

    Returns
    -------
    ndarray
        Value times rate, of the shape of ``value``.

    Raises
    ------
    InputError
        If the tiers do not begin at 0 and ascend, or lists differ in length.

    Examples
    --------
    110 with 6 % below 100 and 8 % from there on.

    >>> tiered(110, [0, 100], [0.06, 0.08], applies_to="whole").round(6).item()
    8.8
    >>> tiered(110, [0, 100], [0.06, 0.08], applies_to="part").round(6).item()
    6.8
    """
    amount = numbers("value", value, least=0, missing=True)
    begin = vector("starts", starts, least=0, at_least=1)
    rate = vector("rates", rates, length=len(begin))
    if begin[0] != 0 or (np.diff(begin) <= 0).any():
        message = f"starts must ascend from 0; got {', '.join(f'{one:g}' for one in begin)}."
        raise InputError(message)
    if one_of("applies_to", applies_to, ("whole", "part")) == "whole":
        reached = np.searchsorted(begin, np.nan_to_num(amount), side="right") - 1
        return amount * rate[reached]
    end = np.append(begin[1:], np.inf)
    parts = np.clip(amount[..., None], begin, end) - begin
    return np.asarray(parts @ rate, float)
