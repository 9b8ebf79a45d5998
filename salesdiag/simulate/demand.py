"""What could become business: leads, calls on strangers, and orders of known customers.

The list is the same with and without a fault. A fault takes entries away or spoils them;
it never draws anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from salesdiag.simulate.draws import Draws, Flags, Floats, Ints, Times
    from salesdiag.simulate.grid import Grid
    from salesdiag.simulate.layout import Layout

LEAD, OUTBOUND, REPEAT = range(3)
LEADS_A_MONTH = 14.0  # for each seat
_CALLS_A_DAY = 1.4 / 21  # for each seat: what comes of calling strangers
_OLD_CUSTOMERS = 11  # for each seat
_ORDERS_A_YEAR, _ORDERS_OF_NEW = 1.3, 0.22
_STAY_DAYS = 1_100.0  # working days that a customer stays
_KEY_ORDERS = 14.0  # a year
SEGMENT_SIZE = np.array([1.0, 2.4, 6.0])
_SEGMENT_UPTO = np.array([0.58, 0.90])
_SEGMENT_PULL = np.array([0.05, 0.0, -0.2])
SEASON = np.array([0.94, 0.98, 1.06, 1.03, 1.0, 0.99, 0.93, 0.85, 1.05, 1.1, 1.1, 0.97])
_YEAR = 250.0  # working days


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """Entries in order of kind: leads, calls, orders. What they need of chance is drawn."""

    kind: Ints
    created: Times
    clock: Floats  # the same on the working clock
    source: Ints
    place: Ints
    seat: Ints  # of leads: -1, nobody knows yet
    segment: Ints
    ease: Floats  # what the customer thinks and nobody sees
    pull: Floats  # ease, source, segment and product together
    hot: Floats  # how promising it looks
    value: Floats  # list value it would have
    product: Ints  # two a deal
    split: Floats  # share of the first
    account: Ints
    is_foreign: Flags
    luck: Floats  # three a row: whether it is lost to a fault

    @property
    def n(self) -> int:
        """How many entries there are."""
        return len(self.kind)


@dataclass(frozen=True, slots=True, eq=False)
class Accounts:
    """The customers: first those known from before, of them the largest first."""

    place: Ints
    segment: Ints
    size: Floats
    rate: Floats  # orders a working day
    stops: Floats  # moment of the working clock from which it buys no more
    is_known: Flags  # before the world began
    is_foreign: Flags
    n_key: int
    number: Ints  # what the id says, so that it tells nothing


def make_demand(draws: Draws, grid: Grid, layout: Layout) -> tuple[Demand, Accounts]:
    """Draw all that could become business in a world."""
    created, source, place = _leads(draws, grid, layout)
    called, seat = _calls(draws, grid, layout)
    n_new = len(created) + len(called)
    rng = draws.stream("customers")
    new_place = np.concatenate([place, layout.place_of_seat[seat]])
    new_segment = np.searchsorted(_SEGMENT_UPTO, rng.random(n_new))
    accounts = _accounts(rng, layout, new_place, new_segment)
    account, ordered = _orders(draws, grid, accounts)
    kind = np.repeat([LEAD, OUTBOUND, REPEAT], [len(created), len(called), len(account)])
    n_old = len(accounts.place) - n_new
    whose = np.concatenate([n_old + np.arange(n_new), account])
    clock = np.concatenate([grid.to_clock(created), called, ordered])
    moment = np.concatenate([created, grid.to_time(called), grid.to_time(ordered)])
    seats = np.concatenate(
        [np.full(len(created), -1), seat, _seat_of(draws, layout, accounts, account)]
    )
    sources = np.concatenate([source, np.full(len(called), len(layout.source_share)),
                              np.full(len(account), len(layout.source_share) + 1)])  # fmt: skip
    return _complete(
        draws, grid, layout, accounts, kind, moment, clock, sources, seats, whose
    ), accounts


def _leads(draws: Draws, grid: Grid, layout: Layout) -> tuple[Times, Ints, Ints]:
    """Let leads come in: more in season, fewer on days off, at all hours."""
    rng, traits = draws.stream("leads"), layout.traits
    days = np.arange(grid.days[0], grid.as_of + np.timedelta64(1, "D"), dtype="datetime64[D]")
    month = days.astype("datetime64[M]").astype(np.int64) % 12
    years = (days - grid.first_day).astype(np.int64) / 365.25
    wave = np.exp(0.05 * rng.normal(size=len(days) // 7 + 1))[np.arange(len(days)) // 7]
    rate = 1 + traits.season * (SEASON[month] - 1)
    rate = np.maximum(rate, 0.15) * (1 + traits.growth) ** years * wave
    rate *= np.where(np.isin(days, grid.days), 1.33, 0.22)
    rate *= LEADS_A_MONTH * 12 / 365.25 * layout.n_seats
    counts = rng.poisson(rate[:, None] * layout.source_share)
    source = np.repeat(np.tile(np.arange(len(layout.source_share)), len(days)), counts.ravel())
    day = np.repeat(days, counts.sum(axis=1)).astype("datetime64[s]")
    hour = np.clip(rng.normal(13.2, 3.6, len(day)), 0.0, 23.99)
    created = day + (hour * 3_600).astype(np.int64).astype("timedelta64[s]")
    upto = np.cumsum(layout.weight_of_place) / layout.weight_of_place.sum()
    place = np.minimum(np.searchsorted(upto, rng.random(len(day))), len(upto) - 1)
    place = _shifted(rng, grid, layout, created, source, place)
    order = np.argsort(created, kind="stable")
    return created[order], source[order], place[order]


def _shifted(
    rng: np.random.Generator, grid: Grid, layout: Layout, created: Times, source: Ints, place: Ints
) -> Ints:
    """Exchange hard leads for easy ones between the first team and the others."""
    luck, other = rng.random(len(place)), rng.random(len(place))
    if not layout.traits.mix_shift or layout.n_teams < 2:
        return place
    late = created >= grid.window_day
    hard = source == 1
    inside = layout.team_of_place[place] == 0
    to_first = late & hard & ~inside & (luck < 2 * layout.traits.mix_shift)
    easy = late & ~hard & inside
    to_others = easy & (luck < to_first.sum() / max(easy.sum(), 1))
    own = np.nonzero(layout.team_of_place == 0)[0]
    rest = np.nonzero(layout.team_of_place != 0)[0]
    place = np.where(to_first, own[(other * len(own)).astype(np.int64)], place)
    return np.where(to_others, rest[(other * len(rest)).astype(np.int64)], place)


def _calls(draws: Draws, grid: Grid, layout: Layout) -> tuple[Floats, Ints]:
    rng = draws.stream("calls")
    counts = rng.poisson(_CALLS_A_DAY * 1.6, (grid.n_days, layout.n_seats))
    day, seat = np.nonzero(counts)
    return day + rng.random(len(day)), seat


def _accounts(
    rng: np.random.Generator, layout: Layout, new_place: Ints, new_segment: Ints
) -> Accounts:
    n_old, n_new = _OLD_CUSTOMERS * layout.n_seats, len(new_place)
    n_key = max(2, round(layout.n_seats / 5))
    n = n_key + n_old + n_new
    place = np.concatenate([layout.place_of_seat[rng.integers(0, layout.n_seats, n_key + n_old)],
                            new_place])  # fmt: skip
    segment = np.searchsorted(_SEGMENT_UPTO, rng.random(n_key + n_old))
    segment[:n_key] = 2
    segment = np.concatenate([segment, new_segment])
    size = np.exp(0.4 * rng.normal(size=n))
    rate = np.where(np.arange(n) < n_key + n_old, _ORDERS_A_YEAR, _ORDERS_OF_NEW)
    rate = rate * rng.gamma(1.5, 1 / 1.5, n) / _YEAR
    stops = rng.exponential(_STAY_DAYS, n)
    # the largest order often, for sums that make their share of the revenue, and stay
    share = layout.traits.key_share / (1 - layout.traits.key_share)
    each = share * 28.0 * layout.n_seats * 2.0 / n_key / (_KEY_ORDERS * 0.45)
    size[:n_key] = each / SEGMENT_SIZE[2] * np.exp(0.2 * rng.normal(size=n_key))
    rate[:n_key], stops[:n_key] = _KEY_ORDERS / _YEAR, np.inf
    return Accounts(
        place=place,
        segment=segment,
        size=size,
        rate=rate,
        stops=stops,
        is_known=np.arange(n) < n_key + n_old,
        is_foreign=rng.random(n) < layout.traits.foreign_share,
        n_key=n_key,
        number=rng.permutation(n) + 1,
    )


def _orders(draws: Draws, grid: Grid, accounts: Accounts) -> tuple[Ints, Floats]:
    """Draw the orders that customers would place if they were customers by then."""
    rng = draws.stream("orders")
    counts = rng.poisson(accounts.rate * grid.n_days)
    account = np.repeat(np.arange(len(counts)), counts)
    clock = rng.random(len(account)) * grid.n_days
    season = SEASON[grid.month[clock.astype(np.int64)]]
    kept = rng.random(len(account)) < season / SEASON.max()
    # those who are known stay from the first day on; of others the time counts from the sale
    kept &= (clock < accounts.stops[account]) | ~accounts.is_known[account]
    order = np.argsort(clock[kept], kind="stable")
    return account[kept][order], clock[kept][order]


def _seat_of(draws: Draws, layout: Layout, accounts: Accounts, account: Ints) -> Ints:
    """Give each customer to one seat of its territory."""
    place = accounts.place
    first = np.searchsorted(layout.place_of_seat, np.arange(len(layout.team_of_place)))
    n_seats = np.bincount(layout.place_of_seat, minlength=len(layout.team_of_place))
    inside = (draws.uniform("seat", np.arange(len(place))) * n_seats[place]).astype(np.int64)
    seat: Ints = (first[place] + inside)[account]
    return seat


def _complete(
    draws: Draws,
    grid: Grid,
    layout: Layout,
    accounts: Accounts,
    kind: Ints,
    created: Times,
    clock: Floats,
    source: Ints,
    seat: Ints,
    account: Ints,
) -> Demand:
    """Add what each entry is like."""
    rng, n = draws.stream("entries"), len(kind)
    segment = accounts.segment[account]
    ease = 0.5 * rng.normal(size=n)
    value = layout.deal_size * SEGMENT_SIZE[segment] * np.exp(0.5 * rng.normal(size=n))
    value *= np.where(kind == REPEAT, accounts.size[account], 1.0)
    n_products = len(layout.products) - layout.traits.new_product
    first = rng.integers(0, n_products, n)
    second = (first + rng.integers(1, n_products, n)) % n_products
    is_new = layout.traits.new_product & (clock >= grid.window) & (rng.random(n) < 0.25)
    first = np.where(is_new, n_products, first)
    pull = ease + layout.source_pull[source] + _SEGMENT_PULL[segment] - 0.4 * is_new
    return Demand(
        kind=kind,
        created=created,
        clock=clock,
        source=source,
        place=accounts.place[account],
        seat=seat,
        segment=segment,
        ease=ease,
        pull=pull,
        hot=1.2 * ease + 0.8 * rng.normal(size=n),
        value=value * np.where(is_new, 1.4, 1.0),
        product=np.stack([first, second], axis=1),
        split=np.where(rng.random(n) < 0.5, 1.0, 0.6 + 0.3 * rng.random(n)),
        account=account,
        is_foreign=accounts.is_foreign[account],
        luck=rng.random((n, 3)),
    )
