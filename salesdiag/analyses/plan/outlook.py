"""What the rest of a period brings: rates learnt from earlier spans, and draws of the sum."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_PRIOR = 8.0  # deals that a cell borrows from its stage, and a stage from all
_PRIOR_WINS = 20.0  # wins that a group borrows from the department for the size of a win


class Cells(NamedTuple):
    """Deals by span: open ones by stage and age, shape (spans, stages, ages), and new ones."""

    n_open: Floats
    n_open_won: Floats
    n_new: Floats
    n_new_won: Floats


class Sizes(NamedTuple):
    """Size of one win: mean, squared coefficient of variation, wins behind the mean."""

    mean: float
    spread: float
    n: float


class Rates(NamedTuple):
    """What earlier spans tell: cells of open deals, deals to come, and shocks to all of them.

    ``won`` and ``not_won`` (stages, ages) are Beta parameters of open deals; ``new_won`` and
    ``new_not_won`` those of deals created within the span; ``shock`` is the squared
    coefficient of variation that all wins of a span share.
    """

    won: Floats
    not_won: Floats
    new_won: float
    new_not_won: float
    shock: float
    n_won: int


class Rest(NamedTuple):
    """What is to come of one group: expected parts, draws of the sum, and of the chance."""

    open_expected: float
    new_expected: float
    draws: Floats
    reach_draws: Floats


def learn_rates(cells: Cells, spans: Sequence[int]) -> Rates:
    """Learn from spans how likely open deals are won by their end, by stage and age.

    Every span was watched to its end, so the share won of those open (Aalen-Johansen's
    incidence where nobody leaves open) needs no censoring. A cell of stage and age with few
    deals leans on its stage, and that on all.
    """
    taken = list(spans)
    n, won = cells.n_open[taken], cells.n_open_won[taken]
    new, new_won = cells.n_new[taken], cells.n_new_won[taken]
    whole = (won.sum() + 0.5) / (n.sum() + 1)
    by_stage = (won.sum(axis=(0, 2)) + _PRIOR * whole) / (n.sum(axis=(0, 2)) + _PRIOR)
    beta = won.sum(axis=0) + _PRIOR * by_stage[:, None]
    other = (n - won).sum(axis=0) + _PRIOR * (1 - by_stage)[:, None]
    chance = beta / (beta + other)
    expected = (n * chance).sum(axis=(1, 2)) + (new_won.mean() if taken else 0.0)
    own = (n * chance * (1 - chance)).sum() + new_won.sum()
    shock = _shock(won.sum(axis=(1, 2)) + new_won, expected, own)
    return Rates(beta, other, float(new_won.sum()) + 0.5, float((new - new_won).sum()) + 0.5,
                 shock, int(won.sum() + new_won.sum()))  # fmt: skip


def _shock(won: Floats, expected: Floats, own: float) -> float:
    """Give the variation of the wins of whole spans beyond that of single deals, squared."""
    if len(won) < 2 or not (expected**2).sum():
        return 0.0
    beyond = ((won - expected) ** 2).sum() * len(won) / (len(won) - 1) - own
    return float(max(beyond, 0.0) / (expected**2).sum())


def size_of(total: float, n_events: float, whole: Sizes) -> Sizes:
    """Give the size of a group's win, leaning on the department's where it has few."""
    mean = (total + _PRIOR_WINS * whole.mean) / (n_events + _PRIOR_WINS)
    return Sizes(mean, whole.spread, n_events + min(_PRIOR_WINS, whole.n))


def sizes(total: float, n_events: float, squares: float) -> Sizes:
    """Give mean and spread of the wins whose number, sum and sum of squares are given."""
    if not n_events or not total > 0:
        return Sizes(0.0, 0.0, 0.0)
    mean = total / n_events
    return Sizes(mean, max(squares / n_events / mean**2 - 1, 0.0), n_events)


def draw_rest(
    open_now: Floats, rates: Rates, created: Floats, size: Sizes, needed: float,
    *, n_draws: int, seed: list[int], length: float = 1.0,
) -> Rest:  # fmt: skip
    """Draw what the rest of the period brings to one group.

    Each draw takes the rates from what is known of them (Beta, gamma), a shock that all wins
    of a period share, then the wins of the open deals (binomial) and of deals not yet created
    (Poisson), then the sum of their sizes (gamma of the same mean and spread). ``open_now``
    has the shape of the cells, ``created`` holds the deals that the group created in recent
    spans; ``length`` is the rest of this period over that of those, in working days.
    """
    random = np.random.default_rng(seed)
    there = open_now > 0
    n_open, won, not_won = open_now[there], rates.won[there], rates.not_won[there]
    chance = random.beta(won, not_won, size=(n_draws, len(won)))
    new_chance = random.beta(rates.new_won, rates.new_not_won, size=n_draws)
    n_created, n_spans = float(created.sum()), len(created)
    rate = random.gamma(n_created + 0.5, 1 / max(n_spans, 1), size=n_draws) * length
    mean = np.full(n_draws, size.mean)
    if size.spread > 0:
        mean = size.mean * _gammas(random, np.full(n_draws, size.n / size.spread))
    shock = np.ones(n_draws)
    if rates.shock > 0:
        shock = _gammas(random, np.full(n_draws, 1 / rates.shock))
    chance_then = np.minimum(chance * shock[:, None], 1)
    wins = random.binomial(n_open.astype(int), chance_then).sum(axis=1)
    wins = wins + random.poisson(rate * new_chance * shock)
    draws = mean * wins
    if size.spread > 0:
        draws = draws * np.where(wins > 0, _gammas(random, np.maximum(wins, 1) / size.spread), 1)
    return Rest(
        float(size.mean * (n_open * won / (won + not_won)).sum()),
        size.mean * (n_created + 0.5) / max(n_spans, 1) * length
        * rates.new_won / (rates.new_won + rates.new_not_won),
        draws,
        _reach(needed, mean, n_open, chance, rate * new_chance, rates.shock, size.spread),
    )  # fmt: skip


def _gammas(random: np.random.Generator, shape: Floats) -> Floats:
    """Draw gamma numbers of mean 1."""
    drawn: Floats = random.gamma(shape) / shape
    return drawn


def _reach(
    needed: float, mean: Floats, n_open: Floats, chance: Floats, new: Floats, shock: float,
    spread: float,
) -> Floats:  # fmt: skip
    """Give the chance of what is needed at each draw of the rates, by a gamma of like moments."""
    from scipy import special

    if np.isnan(needed) or needed <= 0:
        return np.full(len(mean), np.nan if np.isnan(needed) else 1.0)
    wins = chance @ n_open + new
    variance = (chance * (1 - chance)) @ n_open + new + shock * wins**2 + spread * wins
    # nothing is reached where no win is to be expected, or where one brings nothing
    there = (wins > 0) & (mean > 0)
    found = np.zeros(len(mean))
    by_variance = wins[there] / variance[there]
    with np.errstate(over="ignore"):  # a win that brings next to nothing reaches nothing
        asked = needed / mean[there] * by_variance
    found[there] = special.gammaincc(wins[there] * by_variance, asked)
    return found
