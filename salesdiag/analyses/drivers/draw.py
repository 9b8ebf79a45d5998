"""Windows drawn again by rep: the sums and the conversion of each draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from salesdiag.analyses.drivers.sums import ENDS, SUMS
from salesdiag.stats.survival import final_incidence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from salesdiag.analyses.drivers.sums import WindowSums

    Floats = NDArray[np.float64]


class Side(NamedTuple):
    """A window drawn many times: the first draw is the window itself.

    ``sums`` : draws x `SUMS`; ``rates`` : draws x steps of the ladder.
    """

    sums: Floats
    rates: Floats


def rep_weights(n_reps: int, n_draws: int, seed: int) -> Floats:
    """Give how often each rep counts in each draw; in the first, each counts once."""
    drawn = np.ones((1, n_reps))
    if n_reps < 2 or not n_draws:
        return drawn
    random = np.random.default_rng(seed)
    again = random.multinomial(n_reps, np.full(n_reps, 1 / n_reps), size=n_draws)
    return np.concatenate((drawn, again))


def drawn_side(window: WindowSums, reps: pd.Index, weights: Floats, horizons: Floats) -> Side:
    """Add up the sums of each draw and estimate its conversion, step by step."""
    sums = window.sums.groupby("rep_id")[SUMS].sum().reindex(reps, fill_value=0.0)
    rep = reps.get_indexer(pd.Index(window.waits["rep_id"]))
    step = window.waits["step"].to_numpy("int64")
    days = window.waits["wait_days"].to_numpy("int64")
    ends = window.waits[ENDS].to_numpy(float)
    rates = [
        _rates(rep[step == one], days[step == one], ends[step == one], weights, int(horizon))
        for one, horizon in enumerate(horizons)
    ]
    return Side(weights @ sums.to_numpy(float), np.stack(rates, axis=1))


def horizons_of(windows: list[WindowSums], n_steps: int) -> Floats:
    """Give, step by step, the days within which conversion is compared.

    The age by which nine in ten of those decided were decided, in the slower window; not more
    than the longest wait that both windows have seen.
    """
    slow, longest = np.ones((2, len(windows), n_steps))
    for place, window in enumerate(windows):
        for step in range(n_steps):
            waits = window.waits[window.waits["step"] == step].sort_values("wait_days")
            if not len(waits):
                continue
            decided = waits[["n_to", "n_lost"]].sum(axis=1).to_numpy()
            days = waits["wait_days"].to_numpy()
            longest[place, step] = days[-1]
            if decided.sum():
                slow[place, step] = days[decided.cumsum() >= 0.9 * decided.sum()][0]
    horizons: Floats = np.maximum(np.minimum(slow.max(axis=0), longest.min(axis=0)), 1.0)
    return horizons


def _rates(
    rep: NDArray[np.intp],
    days: NDArray[np.int64],
    ends: Floats,
    weights: Floats,
    horizon: int,
) -> Floats:
    """Give the share that goes on within the horizon, in each draw; NaN where none was decided."""
    # whatever comes later is still open at the horizon
    late = days > horizon
    within = np.where(late[:, None], 0.0, ends)
    within[late, 2] = ends[late].sum(axis=1)
    place = np.minimum(days, horizon + 1)
    there = np.unique(place)
    cells = np.zeros((weights.shape[1], len(there), 3))
    np.add.at(cells, (rep, np.searchsorted(there, place)), within)
    drawn = np.tensordot(weights, cells, axes=1)
    return final_incidence(drawn[:, :, 0], drawn[:, :, 1], drawn[:, :, 2])
