"""How the chance of a win falls with age: the curve, and the age at which little is left of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.stats.rates import ratio
from salesdiag.stats.survival import cumulative_incidence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LONGEST = 2_000  # days; older is counted as that old
_FEWEST_WON = 20
_FEWEST_AT_RISK = 20  # left at an age, so that a chance can be told
_FEWEST_WATCHED = 5  # left at the end of the look ahead
_MOST_OF_WINS = 0.9  # the look ahead is the time by which this share of the wins has come
_N_DRAWS = 200


class Ends(NamedTuple):
    """Counts by day (index of the last axis): ended in a win, in none, still on."""

    won: Floats
    lost: Floats
    still: Floats


class Threshold(NamedTuple):
    """An age, its interval, and how it was found: "learnt" or why not."""

    days: float
    low: float
    high: float
    basis: str


class Chance(NamedTuple):
    """A chance with its interval."""

    rate: float
    low: float
    high: float


UNKNOWN = Chance(np.nan, np.nan, np.nan)


def by_day(days: Floats, won: Floats, lost: Floats, left: Floats, still: Floats) -> Ends:
    """Lay counts out by day; of those that left and are open, as many win as of the decided."""
    place = np.minimum(days, LONGEST).astype(int)
    length = int(place.max()) + 1 if len(place) else 1
    counts = np.array([np.bincount(place, one, length) for one in (won, lost, left, still)])
    return _shared_out(counts)


def _shared_out(counts: Floats) -> Ends:
    won, lost, left, still = np.moveaxis(counts, -2, 0)
    decided = won.sum(axis=-1) + lost.sum(axis=-1)
    share = np.nan_to_num(ratio(won.sum(axis=-1), decided))[..., None]
    return Ends(won + share * left, lost + (1 - share) * left, still)


def look_ahead(ends: Ends) -> int:
    """Give the days within which nine in ten wins come, of those that come; 0 without any."""
    incidence, _survival, at_risk = _curves(ends)
    known = incidence[at_risk >= _FEWEST_WATCHED]
    if not len(known) or known[-1] <= 0:
        return 0
    return max(int(np.argmax(known >= _MOST_OF_WINS * known[-1])), 1)


def win_chance_age(
    days: Floats, counts: Floats, *, share: float, confidence: float, seed: int = 0
) -> Threshold:
    """Give the age from which the chance of a win stays below a share of that at the start.

    ``counts`` has the rows won, lost, left, still. The chance is that of winning within the
    `look_ahead`; it must have been watched that long, and be below the one at the start beyond
    chance. The interval draws the counts again (Poisson).
    """
    place = np.minimum(days, LONGEST).astype(int)
    length = int(place.max()) + 1 if len(place) else 1
    table = np.array([np.bincount(place, one, length) for one in counts])
    ends = _shared_out(table)
    if ends.won.sum() < _FEWEST_WON:
        return Threshold(np.nan, np.nan, np.nan, "too few wins")
    ahead = look_ahead(ends)
    found = _crossing(ends, ahead, share)
    if np.isinf(found):
        return Threshold(np.nan, np.nan, np.nan, "no such age")
    entry, later = chance_after(ends, ahead, None, 0.95), chance_after(ends, ahead, found, 0.95)
    if not later.high < entry.rate:
        return Threshold(np.nan, np.nan, np.nan, "no such age")
    random = np.random.default_rng(seed)
    drawn = np.empty(_N_DRAWS)
    for number in range(_N_DRAWS):
        drawn[number] = _crossing(_shared_out(random.poisson(table).astype(float)), ahead, share)
    tail = (1 - confidence) / 2
    low = float(np.quantile(drawn, tail, method="lower"))
    high = float(np.quantile(drawn, 1 - tail, method="higher"))
    return Threshold(float(found), min(low, found), max(high, found), "learnt")


def chance_after(ends: Ends, ahead: int, after: float | None, confidence: float) -> Chance:
    """Give the chance of a win within the look ahead, for those undecided at an age."""
    total = sum(one.sum() for one in ends)
    if not ahead or not total:
        return UNKNOWN
    days = np.arange(len(ends.won), dtype=float)
    start = -1.0 if after is None else float(after)
    if not sum(one[days > start].sum() for one in ends):
        return UNKNOWN
    horizon = min(start + ahead, days[-1]) if after is not None else min(float(ahead), days[-1])
    if horizon <= start:
        return UNKNOWN
    found = cumulative_incidence(
        days, ends.won, ends.lost, ends.still, after=start, horizon=horizon, confidence=confidence
    )
    rate, low, high = (float(one[0]) for one in (found.rate, found.low, found.high))
    return Chance(rate, low, high) if not np.isnan(rate) else UNKNOWN


def chances_at(ends: Ends, ages: Floats) -> Floats:
    """Give the chance of ever being won, for those undecided at ages; the last known beyond."""
    incidence, survival, at_risk = _curves(ends)
    enough = np.flatnonzero(at_risk >= _FEWEST_AT_RISK)
    if not len(enough) or not ends.won.sum():
        return np.full(len(ages), np.nan)
    last = int(enough[-1])
    whole = incidence[-1]
    later = np.nan_to_num(ratio(whole - incidence, survival))
    # at the start everybody is there, those decided on the first day, too
    place = np.clip(np.asarray(ages, dtype=int), 0, max(last - 1, 0))
    chance: Floats = np.clip(later[place], 0, 1)
    return chance


def _curves(ends: Ends) -> tuple[Floats, Floats, Floats]:
    """Give the incidence of wins and who is left after each day, and who was at risk on it."""
    ended = ends.won + ends.lost
    leaving = ended + ends.still
    at_risk = leaving[::-1].cumsum()[::-1]
    survival = np.cumprod(1 - np.minimum(np.nan_to_num(ratio(ended, at_risk)), 1.0))
    before = np.concatenate(([1.0], survival[:-1]))
    return np.cumsum(before * np.nan_to_num(ratio(ends.won, at_risk))), survival, at_risk


def _crossing(ends: Ends, ahead: int, share: float) -> float:
    """Give the first age from which on the chance stays below; infinity if it does not."""
    incidence, survival, at_risk = _curves(ends)
    if not ahead:
        return np.inf
    length = len(incidence)
    watched = np.flatnonzero(at_risk >= _FEWEST_WATCHED)
    tail = int(watched[-1]) if len(watched) else 0
    if survival[-1] <= 1e-12:
        tail = length + ahead  # all were decided: nothing is hidden
    ages = np.arange(length - 1)
    known = (at_risk[1:] >= _FEWEST_AT_RISK) & (ages + ahead <= tail)
    if not known.any():
        return np.inf
    until = np.minimum(ages + ahead, length - 1)
    chance = np.nan_to_num(ratio(incidence[until] - incidence[:-1], survival[:-1]))
    entry = incidence[min(ahead, length - 1)]
    above = np.flatnonzero(known & (chance >= share * entry))
    last_known = int(np.flatnonzero(known)[-1])
    first = int(above[-1]) + 1 if len(above) else 0
    return float(first) if first <= last_known else np.inf
