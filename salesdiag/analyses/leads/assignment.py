"""Whether leads were dealt out as if at random, and to whom the good ones went."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.analyses.leads.distribution_counts import KINDS
from salesdiag.stats.rates import normal_quantile, ratio

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_PULL = 10  # leads that hold the conversion of a kind to that of all


class Dealt(NamedTuple):
    """How good the leads of each rep were, held against chance; one entry a rep."""

    quality: Floats  # mean conversion expected of the leads received
    gap: Floats  # less that of all leads of the same months
    error: Floats  # standard error of the gap if leads are dealt at random
    p_value: float  # of all gaps together


def expected_rates(cells: pd.DataFrame, pull: float = _PULL) -> Floats:
    """Give the conversion expected of a lead of each cell: that of its kind in the group.

    It is pulled towards that of all kinds, as if so many more leads had converted like them.
    """
    total, hits = float(cells["n_mature"].sum()), float(cells["n_hit"].sum())
    if total == 0:
        return np.full(len(cells), np.nan)
    sums = cells.groupby(KINDS)[["n_mature", "n_hit"]].transform("sum").to_numpy(float)
    found: Floats = (sums[:, 1] + pull * hits / total) / np.maximum(sums[:, 0] + pull, 1e-12)
    return found


def dealt(cells: pd.DataFrame, reps: list[str]) -> Dealt:
    """Hold the leads of each rep against a random deal within the month.

    If the leads of a month are shuffled among those who got them, each keeping his number,
    the sum of the expected conversions of a rep has the mean and variance of a draw without
    replacement, known in closed form; months add up. Together the gaps follow a chi-square
    with one degree of freedom less than there are reps.
    """
    worth = expected_rates(cells)
    place = {rep: number for number, rep in enumerate(reps)}
    rep = cells["rep_id"].map(place).to_numpy(int)
    months, month = np.unique(cells["month"].to_numpy(), return_inverse=True)
    n = cells["n"].to_numpy(float)
    count = np.zeros((len(reps), len(months)))
    np.add.at(count, (rep, month), n)
    received = np.bincount(rep, n * worth, minlength=len(reps))
    size = count.sum(axis=0)
    mean = np.bincount(month, n * worth, minlength=len(months)) / size
    spread = np.bincount(month, n * (worth - mean[month]) ** 2, minlength=len(months)) / size
    surprise = received - count @ mean
    scale = np.where(size > 1, spread * size**2 / np.maximum(size - 1, 1), 0.0)
    shares = count / size
    covariance = np.diag(shares @ scale) - (shares * scale) @ shares.T
    total = count.sum(axis=1)
    # a rep who got all leads of his months cannot have been favoured
    variance = np.where(np.diag(covariance) > 1e-12, np.diag(covariance), np.nan)
    return Dealt(
        ratio(received, total),
        ratio(surprise, total),
        ratio(np.sqrt(variance), total),
        _chi_square(surprise, covariance),
    )


def _chi_square(surprise: Floats, covariance: Floats) -> float:
    from scipy import special

    if np.isnan(surprise).any():
        return np.nan
    values, vectors = np.linalg.eigh(covariance)
    free = values > 1e-9 * max(values.max(initial=0.0), 1e-12)
    if not free.any() or values.max() < 1e-12:
        return np.nan
    squares = (vectors[:, free].T @ surprise) ** 2 / values[free]
    return float(special.chdtrc(free.sum(), squares.sum()))


def load_p_value(n_leads: Floats, days: Floats) -> float:
    """Test whether leads come in proportion to the days on which a rep could work.

    Who had days and got no lead counts; leads of somebody without days have no such share.
    """
    from scipy import special

    kept = days > 0
    if kept.sum() < 2 or not n_leads[kept].sum():
        return np.nan
    expected = n_leads[kept].sum() * days[kept] / days[kept].sum()
    return float(special.chdtrc(kept.sum() - 1, np.sum((n_leads[kept] - expected) ** 2 / expected)))


def correlation(x: Floats, y: Floats, confidence: float) -> tuple[float, float, float]:
    """Give the correlation of two lists with Fisher's interval; NaN below 4 pairs."""
    if len(x) < 4 or np.ptp(x) < 1e-12 or np.ptp(y) < 1e-12:
        return np.nan, np.nan, np.nan
    r = float(np.clip(np.corrcoef(x, y)[0, 1], -1 + 1e-12, 1 - 1e-12))
    reach = normal_quantile(confidence) / np.sqrt(len(x) - 3)
    low, high = np.tanh(np.arctanh(r) - reach), np.tanh(np.arctanh(r) + reach)
    return r, float(low), float(high)
