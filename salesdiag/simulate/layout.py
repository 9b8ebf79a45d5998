"""The scene of a world: teams, seats and who sits in them, goods, stages and words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from salesdiag.simulate.names import LADDERS, LANGUAGES, WORDS, Words

if TYPE_CHECKING:
    from salesdiag.simulate.draws import Draws, Flags, Floats, Ints
    from salesdiag.simulate.grid import Grid
    from salesdiag.simulate.traits import Traits

NEVER = 10**6  # a day that does not come
_SHARE_OF_CYCLE = {4: (0.7, 1.1, 1.2, 1.0), 5: (0.6, 0.9, 1.0, 1.1, 1.0),
                   6: (0.6, 0.8, 0.9, 1.1, 1.0, 0.7)}  # fmt: skip
# chance to go on from each stage; together about a quarter
_GOES_ON = {4: (0.62, 0.70, 0.72, 0.80), 5: (0.66, 0.76, 0.78, 0.76, 0.84),
            6: (0.68, 0.78, 0.80, 0.79, 0.84, 0.91)}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Staff:
    """The reps, in order of their seats and of time; days are working days of the grid."""

    seat: Ints
    hired: Ints  # below 0: before the grid, by working days
    left: Ints  # the first day without
    skill: Floats
    fit: Floats  # with large customers
    habit: Floats  # discounts
    drive: Floats
    name: tuple[str, ...]
    heads: tuple[str, ...]  # names of the teams' managers


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Everything that is settled before the first lead comes in."""

    words: Words
    team_names: tuple[str, ...]
    place_names: tuple[str, ...]
    language: str
    company: str
    traits: Traits
    n_teams: int
    team_of_place: Ints
    place_of_seat: Ints
    weight_of_place: Floats  # what a territory holds
    share_of_seat: Floats  # of the leads of its territory
    staff: Staff
    stages: tuple[str, ...]  # the open ones
    on_days: Floats  # working days until a deal would go on, by stage
    lose_days: Floats
    quote: int  # the stage in which the price is told
    sources: tuple[str, ...]  # of leads; then outbound, then orders of customers
    source_share: Floats
    source_pull: Floats  # how well deals of a source go
    source_rate: Floats  # share of its leads that become a deal
    products: tuple[str, ...]
    list_price: Floats
    unit_cost: Floats
    deal_size: float  # of a deal with a small customer
    discount_limit: float
    fiscal_year_start: int

    @property
    def n_seats(self) -> int:
        """How many sellers there are when no seat is empty."""
        return len(self.place_of_seat)

    @property
    def capacity(self) -> Floats:
        """How much the rep of each seat can do, against the usual: load follows it."""
        return np.maximum(self.share_of_seat, 0.3)

    @property
    def team_of_seat(self) -> Ints:
        """The team of each seat."""
        team: Ints = self.team_of_place[self.place_of_seat]
        return team

    @property
    def teams(self) -> tuple[str, ...]:
        """Names of the teams."""
        return _numbered(self.team_names, self.n_teams)

    @property
    def places(self) -> tuple[str, ...]:
        """Names of the territories."""
        return _numbered(self.place_names, len(self.team_of_place))


def make_layout(
    draws: Draws, grid: Grid, traits: Traits, *, n_seats: int, language: str | None
) -> Layout:
    """Set the scene that a seed gives."""
    rng = draws.stream("layout")
    tongue = language or str(rng.choice(LANGUAGES))
    words = WORDS[tongue]
    n_teams = int(np.clip(round(n_seats / rng.uniform(6.5, 8.5)), 1, max(4, n_seats // 12)))
    place_of_seat, team_of_place = _places(rng, n_seats, n_teams)
    n_stages = int(rng.integers(4, 7))
    on_days, lose_days = _pace(rng, n_stages, traits)
    n_sources = int(rng.integers(4, 6))
    order = rng.permutation(len(words.sources))[:n_sources]
    products = rng.permutation(len(words.products))[: int(rng.integers(4, 6)) + traits.new_product]
    prices = np.round(np.exp(rng.uniform(np.log(60), np.log(420), len(products))) * words.money, -1)
    pull = rng.normal(0, 0.15, n_sources)
    pull[1] -= 2.5 * traits.mix_shift
    share = np.sort(rng.dirichlet(np.array([19.0, 9.0, 7.0, 6.0, 5.0])[:n_sources]))[::-1]
    part_time = rng.random(n_seats) < traits.part_timers
    load = np.exp(traits.uneven_load * rng.normal(size=n_seats))
    weight = np.exp(0.2 * rng.normal(size=len(team_of_place)))
    return Layout(
        words=words,
        team_names=_shuffled(draws, words.teams),
        place_names=_shuffled(draws, words.places),
        language=tongue,
        company=str(rng.choice(words.company)),
        traits=traits,
        n_teams=n_teams,
        team_of_place=team_of_place,
        place_of_seat=place_of_seat,
        weight_of_place=weight * np.bincount(place_of_seat, minlength=len(weight)),
        share_of_seat=np.where(part_time, 0.06, load),
        staff=_staff(rng, grid, traits, words, n_seats, n_teams),
        stages=tuple(words.stages[place] for place in LADDERS[n_stages]),
        on_days=on_days,
        lose_days=lose_days,
        quote=n_stages - 2,
        sources=(*(words.sources[place] for place in order), words.outbound, words.existing),
        source_share=share,
        source_pull=np.concatenate([pull, [-0.15, 1.1]]),
        source_rate=np.clip(0.46 + rng.normal(0, 0.06, n_sources), 0.3, 0.62),
        products=tuple(words.products[place] for place in products),
        list_price=prices,
        unit_cost=np.round(prices * rng.uniform(0.50, 0.62, len(products)), 2),
        deal_size=float(rng.uniform(2_200, 5_500) * words.money),
        discount_limit=float(rng.choice([0.2, 0.22, 0.25])),
        fiscal_year_start=int(rng.choice([1, 1, 4])),
    )


def _shuffled(draws: Draws, names: tuple[str, ...]) -> tuple[str, ...]:
    order = draws.stream("names").permutation(len(names))
    return tuple(names[place] for place in order)


def _numbered(names: tuple[str, ...], n: int) -> tuple[str, ...]:
    """Take so many names; when they are used up they come again with a number."""
    return tuple(
        names[place % len(names)] + (f" {place // len(names) + 1}" if place >= len(names) else "")
        for place in range(n)
    )


def _places(rng: np.random.Generator, n_seats: int, n_teams: int) -> tuple[Ints, Ints]:
    """Cut the seats into teams, and those into territories of two to four seats."""
    cuts = np.sort(np.arange(1, n_teams) * n_seats // n_teams)
    place_of_seat: list[int] = []
    team_of_place: list[int] = []
    for team, seats in enumerate(np.split(np.arange(n_seats), cuts)):
        n_places = max(1, round(len(seats) / rng.uniform(2.5, 3.5)))
        first = len(team_of_place)
        place_of_seat += [first + place * n_places // len(seats) for place in range(len(seats))]
        team_of_place += [team] * n_places
    return np.array(place_of_seat), np.array(team_of_place)


def _pace(rng: np.random.Generator, n_stages: int, traits: Traits) -> tuple[Floats, Floats]:
    share = np.array(_SHARE_OF_CYCLE[n_stages])
    cycle = 30.0 * traits.cycle * rng.uniform(0.85, 1.15)
    stay = cycle * share / share.sum() * np.exp(0.12 * rng.normal(size=n_stages))
    goes_on = np.clip(np.array(_GOES_ON[n_stages]) + 0.02 * rng.normal(size=n_stages), 0.4, 0.95)
    return stay / goes_on, stay / (1 - goes_on)


def _staff(
    rng: np.random.Generator, grid: Grid, traits: Traits, words: Words, n_seats: int, n_teams: int
) -> Staff:
    """Seat the reps; some leave within the data and are followed after some weeks."""
    span = grid.n_days - grid.start
    leaves = rng.random(n_seats) < traits.turnover * span / 520
    first = grid.start + traits.newcomers_from * span
    last = grid.n_days - (130 if traits.newcomers_from else 30)
    until = np.where(leaves, rng.uniform(first, max(last, first + 1), n_seats), NEVER)
    until = until.astype(np.int64)
    gap = rng.integers(8, 32, n_seats)
    tenure = -(rng.gamma(2.0, 400.0, n_seats) + 190).astype(np.int64)
    seats = np.concatenate([np.arange(n_seats), np.nonzero(leaves)[0]])
    hired = np.concatenate([tenure, (until + gap)[leaves]])
    left = np.concatenate([until, np.full(leaves.sum(), NEVER)])
    there = np.lexsort((hired, seats))
    seats, hired, left = seats[there], hired[there], left[there]
    n = len(seats)
    fit = np.where(rng.random(n) < 0.4, 1.0, -0.6) * traits.fit_spread
    both = "{1} {0}" if words.is_family_first else "{0} {1}"
    names = [both.format(given, family) for family in words.family for given in words.given]
    order = rng.permutation(len(names))
    known = _numbered(tuple(names[place] for place in order), n + n_teams)
    return Staff(
        seat=seats,
        hired=hired,
        left=left,
        skill=traits.skill_spread * rng.normal(size=n),
        fit=fit,
        habit=0.012 * rng.normal(size=n),
        drive=np.exp(0.08 * rng.normal(size=n)),
        name=known[:n],
        heads=known[n:],
    )


def occupied(layout: Layout, left: Ints, n_days: int) -> tuple[Ints, Flags]:
    """Tell who looks after each seat on each day, and whether it is the seat's own rep.

    The deals of an empty seat are looked after by the next seat of the team that is filled.
    """
    staff = layout.staff
    owner = np.full((layout.n_seats, n_days), -1, dtype=np.int64)
    for person, (seat, hired, last) in enumerate(zip(staff.seat, staff.hired, left, strict=True)):
        owner[seat, max(hired, 0) : max(min(last, n_days), 0)] = person
    is_own = owner >= 0
    for team in range(layout.n_teams):
        rows = np.nonzero(layout.team_of_seat == team)[0]
        block = owner[rows]
        for _ in rows[1:]:
            block = np.where(block < 0, np.roll(block, -1, axis=0), block)
        owner[rows] = block
    for _ in range(layout.n_seats):  # a whole team is away: others help out
        if not (owner < 0).any():
            break
        owner = np.where(owner < 0, np.roll(owner, 1, axis=0), owner)
    first = np.searchsorted(staff.seat, np.arange(layout.n_seats))
    owner = np.where(owner < 0, first[:, None], owner)
    return owner, is_own
