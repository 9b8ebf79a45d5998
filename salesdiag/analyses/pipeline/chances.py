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
_MOST_UNTOLD = 0.1  # chance to be decided later than was watched, up to which one is given
_MOST_OF_WINS = 0.9  # the look ahead is the time by which this share of the wins has come
_N_DRAWS = 200


class Ends(NamedTuple):
    """Counts by day (index of the last axis): ended in a win, in none, still on, not told.

    What is not told has left the stage, and may be won or lost later than was ever watched.
    """

    won: Floats
    lost: Floats
    still: Floats
    untold: Floats


class Shares(NamedTuple):
    """What becomes of the deals that left a stage and are open: won, lost, or not told."""

    won: float
    lost: float
    untold: float


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


def shares_of(since: Floats, won: Floats, lost: Floats, still: Floats) -> Shares:
    """Tell what becomes of the open ones of the deals that went on to another stage.

    They have survived the stage, so only deals that did so, too, tell of them: counts by days
    since they went on, those of open ones as long as they were watched (Aalen-Johansen). What is
    undecided where hardly any was watched on is not told.
    """
    n_open = float(still.sum())
    if not n_open:
        return Shares(0.0, 0.0, 1.0)
    place = np.minimum(since, LONGEST).astype(int)
    length = int(place.max()) + 1
    counts = [np.bincount(place, one, length).astype(float) for one in (won, lost, still)]
    ends = Ends(counts[0], counts[1], counts[2], np.zeros(length))
    curves = _curves(ends)
    tail, whole = _tail(ends, curves), sum(float(one.sum()) for one in counts)
    wins = max(whole * float(curves.won[tail]) - float(won.sum()), 0.0)
    untold = whole * float(curves.survival[tail])
    losses = max(n_open - wins - untold, 0.0)
    total = wins + untold + losses
    return Shares(wins / total, losses / total, untold / total)


def by_day(days: Floats, counts: Floats, shares: Shares) -> Ends:
    """Lay counts (won, lost, left, still) by day; those that left are dealt out."""
    return _shared_out(_laid_out(days, counts), shares)


def _laid_out(days: Floats, counts: Floats) -> Floats:
    place = np.minimum(days, LONGEST).astype(int)
    length = int(place.max()) + 1 if len(place) else 1
    return np.array([np.bincount(place, one, length) for one in counts])


def _shared_out(counts: Floats, shares: Shares) -> Ends:
    won, lost, left, still = np.moveaxis(counts, -2, 0)
    return Ends(won + shares.won * left, lost + shares.lost * left, still, shares.untold * left)


def is_told(ends: Ends) -> bool:
    """Tell whether what became of nearly all that left is known."""
    total = sum(float(one.sum()) for one in ends)
    return float(ends.untold.sum()) <= _MOST_UNTOLD * total


def look_ahead(ends: Ends) -> int:
    """Give the days within which nine in ten wins come, of those that come; 0 without any."""
    curves = _curves(ends)
    known = curves.won[curves.at_risk >= _FEWEST_WATCHED]
    if not len(known) or known[-1] <= 0:
        return 0
    return max(int(np.argmax(known >= _MOST_OF_WINS * known[-1])), 1)


def win_chance_age(
    days: Floats, counts: Floats, shares: Shares, *, share: float, confidence: float,
    seed: int = 0,
) -> Threshold:  # fmt: skip
    """Give the age from which the chance of a win stays below a share of that at the start.

    ``counts`` has the rows won, lost, left, still. The chance is that of winning within the
    `look_ahead`; it must have been watched that long, and be below the one at the start beyond
    chance. The interval draws the counts again (Poisson).
    """
    table = _laid_out(days, counts)
    ends = _shared_out(table, shares)
    if ends.won.sum() < _FEWEST_WON:
        return Threshold(np.nan, np.nan, np.nan, "too few wins")
    if not is_told(ends):
        return Threshold(np.nan, np.nan, np.nan, "too short a history")
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
        again = _shared_out(random.poisson(table).astype(float), shares)
        drawn[number] = _crossing(again, ahead, share)
    tail = (1 - confidence) / 2
    low = float(np.quantile(drawn, tail, method="lower"))
    high = float(np.quantile(drawn, 1 - tail, method="higher"))
    return Threshold(float(found), min(low, found), max(high, found), "learnt")


def chance_after(ends: Ends, ahead: int, after: float | None, confidence: float) -> Chance:
    """Give the chance of a win within the look ahead, for those undecided at an age."""
    total = sum(one.sum() for one in ends)
    if not ahead or not total or not is_told(ends):
        return UNKNOWN
    days = np.arange(len(ends.won), dtype=float)
    start = -1.0 if after is None else float(after)
    if not sum(one[days > start].sum() for one in ends):
        return UNKNOWN
    horizon = min(start + ahead, days[-1]) if after is not None else min(float(ahead), days[-1])
    if horizon <= start:
        return UNKNOWN
    found = cumulative_incidence(
        days,
        ends.won,
        ends.lost + ends.untold,
        ends.still,
        after=start,
        horizon=horizon,
        confidence=confidence,
    )
    rate, low, high = (float(one[0]) for one in (found.rate, found.low, found.high))
    return Chance(rate, low, high) if not np.isnan(rate) else UNKNOWN


def chances_at(ends: Ends, ages: Floats) -> tuple[Floats, Floats]:
    """Give the chance of ever being won, for those undecided at ages, and what is not told.

    The second is the chance to be decided later than was watched; where it is above a tenth, or
    fewer than 20 deals were watched at that age, both are NaN.
    """
    curves = _curves(ends)
    enough = np.flatnonzero(curves.at_risk >= _FEWEST_AT_RISK)
    if not len(enough) or not ends.won.sum():
        return np.full(len(ages), np.nan), np.full(len(ages), np.nan)
    tail, last = _tail(ends, curves), int(enough[-1])
    later = ratio(curves.won[tail] - curves.won, curves.survival)
    hidden = curves.untold[tail] - curves.untold + curves.survival[tail]
    untold = ratio(np.maximum(hidden, 0.0), curves.survival)
    # at the start everybody is there, those decided on the first day, too
    place = np.clip(np.asarray(ages, dtype=int), 0, max(last - 1, 0))
    known = (np.asarray(ages) <= last) & (place <= tail) & (untold[place] <= _MOST_UNTOLD)
    chance: Floats = np.where(known, np.clip(later[place], 0, 1), np.nan)
    return chance, np.where(known, np.clip(untold[place], 0, 1), np.nan)


class _Curves(NamedTuple):
    """After each day: incidence of wins and of what is not told, who is left, who was at risk."""

    won: Floats
    untold: Floats
    survival: Floats
    at_risk: Floats


def _curves(ends: Ends) -> _Curves:
    ended = ends.won + ends.lost + ends.untold
    leaving = ended + ends.still
    at_risk = leaving[::-1].cumsum()[::-1]
    survival = np.cumprod(1 - np.minimum(np.nan_to_num(ratio(ended, at_risk)), 1.0))
    before = np.concatenate(([1.0], survival[:-1]))
    won, untold = (
        np.cumsum(before * np.nan_to_num(ratio(one, at_risk))) for one in (ends.won, ends.untold)
    )
    return _Curves(won, untold, survival, at_risk)


def _tail(ends: Ends, curves: _Curves) -> int:
    """Give the last day that can be told: enough are watched, or all later ones are decided."""
    if not ends.still.sum():
        return len(ends.still) - 1
    watched = np.flatnonzero(curves.at_risk >= _FEWEST_WATCHED)
    tail = int(watched[-1]) if len(watched) else 0
    decided = not ends.still[tail:].sum() and curves.survival[tail] <= _MOST_UNTOLD
    return len(ends.still) - 1 if decided else tail


def _crossing(ends: Ends, ahead: int, share: float) -> float:
    """Give the first age from which on the chance stays below; infinity if it does not."""
    incidence, _untold, survival, at_risk = _curves(ends)
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
