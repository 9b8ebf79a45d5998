"""How the sample department works: leads come in, reps answer, deals move through stages.

Everything happens on a working clock that counts the seconds of working time, so that no
call falls on a Sunday and no delay runs over night. Of the generator only the simplest
draws are used, each for all rows at once: a different fault changes the deals it touches
and leaves the draws of the others as they were.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from salesdiag.simulate import sample_setting as setting

if TYPE_CHECKING:
    from salesdiag.simulate.sample_setting import Flags, Floats, Ints, Times

# The pipeline must be full on the first day of the data, so the world starts earlier.
_FIRST_DAY, _LAST_DAY = "2023-07-03", "2026-01-01"
_PER_DAY = np.array([5.8, 3.1, 2.8, 4.4, 1.6])  # arrivals on a working day, by source
_SEASON = np.array([1.0, 1.05, 1.08, 1.02, 1.02, 1.0, 0.95, 0.72, 1.1, 1.12, 1.1, 0.7])
_GROWTH = 1.04  # a year
_TO_DEAL = np.array([0.40, 0.62, 0.52, 0.30, 1.0])  # share of leads that become a deal
_TEAM_UPTO = np.array([0.28, 0.52, 0.76])  # cumulated shares of the leads
_SEGMENT_UPTO = np.array([0.58, 0.90])
DEAL, WORKING, QUALIFIED, DROPPED = range(4)  # what becomes of a lead that was answered

# Median working days until a deal would go on, and until it would be lost, by stage.
_ON_DAYS = np.array([7.0, 10.0, 12.0, 11.0])
_LOSE_DAYS = np.array([14.5, 19.0, 19.5, 22.0])
_SPREAD = 0.8
_BACK, _SKIP, _STALL = 0.018, 0.033, 0.06  # shares of the moves
_MAX_MOVES = 14


@dataclass(frozen=True, slots=True)
class Leads:
    """Leads and outbound starts, one entry each, in order of arrival."""

    created: Times
    source: Ints
    segment: Ints
    rep: Ints
    answered: Ints  # working clock; beyond END: never, or not yet
    decided: Ints  # when it became a deal or was dropped
    fate: Ints


@dataclass(frozen=True, slots=True)
class Moves:
    """Each entry of a deal into a stage, in order of time within the deal."""

    deal: Ints
    stage: Ints
    clock: Ints


@dataclass(frozen=True, slots=True)
class World:
    """The leads, the deals that belong to the data (in order of opening) and their moves."""

    leads: Leads
    moves: Moves
    lead: Ints  # of each deal, which entry of the leads
    account: Ints
    discount: Floats
    product: Ints  # two lines a deal
    quantity: Ints  # 0: no such line

    @property
    def rep(self) -> Ints:
        """Who opened each deal."""
        rep: Ints = self.leads.rep[self.lead]
        return rep

    @property
    def start(self) -> Ints:
        """When each deal was opened."""
        start: Ints = self.leads.decided[self.lead]
        return start

    @property
    def stage(self) -> Ints:
        """The stage each deal is in at the end."""
        stage: Ints = self.moves.stage[self._last]
        return stage

    @property
    def end(self) -> Ints:
        """When each deal was closed, or the end of the data."""
        return np.where(self.stage < setting.WON, setting.END, self.moves.clock[self._last])

    @property
    def quoted(self) -> Flags:
        """Whether a deal came as far as a price."""
        far = (self.moves.stage >= setting.PROPOSAL) & (self.moves.stage < setting.LOST)
        return np.bincount(self.moves.deal[far], minlength=len(self.lead)) > 0

    @property
    def unit_price(self) -> Floats:
        """The price of one of each line; before Proposal nobody has given a discount."""
        discount = np.where(self.quoted, self.discount, 0.0)[:, None]
        price: Floats = np.round(setting.LIST_PRICE[self.product] * (1 - discount), 2)
        return price

    @property
    def _last(self) -> Ints:
        rows = np.arange(len(self.lead))
        return np.searchsorted(self.moves.deal, rows, side="right").astype(np.int64) - 1


def simulate(rng: np.random.Generator, *, keep: float) -> World:
    """Let the department work.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the draws.
    keep : float
        The planted fault: share of team North's moves forward out of Proposal that remain
        in 2025, the others being losses; 1 for none.

    Returns
    -------
    World
        What happened until the end of the data.
    """
    leads = _draw_leads(rng)
    lead = np.nonzero(leads.fate == DEAL)[0]
    lead = lead[np.argsort(leads.decided[lead], kind="stable")]
    rep, start = leads.rep[lead], leads.decided[lead]
    strength = rng.normal(size=len(lead))
    # Weak deals get the larger discounts; those help, by about what they cost.
    discount = np.clip(0.08 - 0.035 * strength + 0.025 * rng.normal(size=len(lead)), 0.0, 0.35)
    discount = np.round(discount * 200) / 200
    tenure = (setting.to_time(start) - setting.HIRED[rep]).astype(np.int64) / 86_400
    push = setting.SKILL[rep] - 0.2 * np.clip(1 - tenure / 180, 0, 1) + 0.4 * strength
    chance = np.where(setting.REP_TEAM[rep] == setting.NORTH, keep, 1.0)
    moves = _run_deals(rng, start, push, 3.5 * (discount - 0.08), chance)
    account = _draw_accounts(rng, rep, leads.segment[lead])
    product, quantity = _draw_lines(rng, leads.segment[lead])
    return _cut(World(leads, moves, lead, account, discount, product, quantity))


def _draw_leads(rng: np.random.Generator) -> Leads:
    created, source = _arrivals(rng)
    n = len(created)
    rep = _assign(rng, created)
    segment = np.searchsorted(_SEGMENT_UPTO, rng.random(n))
    outbound = source == setting.OUTBOUND
    arrived = setting.to_clock(created)
    delay = np.exp(np.log(2.5) + rng.normal(size=n)) * 3_600
    answered = np.where(outbound, arrived, arrived + delay.astype(np.int64) + 60)
    answered[~outbound & (rng.random(n) < 0.04)] = setting.END + 1  # a few are never answered
    decided = answered + (rng.exponential(2.0, n) * setting.DAY_SECONDS).astype(np.int64) + 300
    # Whoever is answered within half a day buys a little more often.
    chance = _TO_DEAL[source] * np.where(delay < setting.DAY_SECONDS / 2, 1.04, 0.92)
    luck = rng.random(n)
    other = np.searchsorted(np.array([0.05, 0.10]), rng.random(n)) + WORKING
    fate = np.where(outbound | (luck < chance), DEAL, other)
    return Leads(created, source, segment, rep, answered, decided, fate)


def _arrivals(rng: np.random.Generator) -> tuple[Times, Ints]:
    days = np.arange(_FIRST_DAY, _LAST_DAY, dtype="datetime64[D]")
    month = days.astype("datetime64[M]").astype(np.int64) % 12
    years = (days - np.datetime64("2024-01-01")).astype(np.int64) / 365.25
    rate = _SEASON[month] * _GROWTH**years
    rate *= np.where(np.is_busday(days, holidays=setting.HOLIDAYS), 1.0, 0.15)
    counts = rng.poisson(rate[:, None] * _PER_DAY)
    source = np.repeat(np.tile(np.arange(len(_PER_DAY)), len(days)), counts.ravel())
    day = np.repeat(days, counts.sum(axis=1)).astype("datetime64[s]")
    second = (rng.random(len(day)) * 13 + 7.5) * 3_600  # half past seven to half past eight
    created = day + second.astype(np.int64).astype("timedelta64[s]")
    order = np.argsort(created, kind="stable")
    return created[order], source[order]


def _assign(rng: np.random.Generator, created: Times) -> Ints:
    """Give each lead to a rep of a team; newcomers get fewer, managers hardly any."""
    team = np.searchsorted(_TEAM_UPTO, rng.random(len(created)))
    days = (created[:, None] - setting.HIRED).astype(np.int64) / 86_400
    weight = np.where(setting.IS_MANAGER, 0.06, 0.4 + 0.6 * np.clip(days / 120, 0, 1))
    # Nobody hands a new lead to a rep in the last two weeks.
    last = setting.LEFT - np.timedelta64(14, "D")
    there = (days >= 0) & (created[:, None].astype(np.int64) < last.astype(np.int64))
    share = np.cumsum(weight * (there & (team[:, None] == setting.REP_TEAM)), axis=1)
    target = rng.random(len(created)) * share[:, -1]
    rep: Ints = np.argmax(share > target[:, None], axis=1)
    return rep


def _run_deals(
    rng: np.random.Generator, start: Ints, push: Floats, late_push: Floats, keep: Floats
) -> Moves:
    """Move the deals through the stages: going on and losing race against each other.

    A push brings the next stage nearer and the loss farther off; ``late_push`` does so from
    Proposal on.
    """
    n = len(start)
    stage, clock, alive = np.zeros(n, dtype=np.int64), start.copy(), start <= setting.END
    entries = [(np.nonzero(alive)[0], stage[alive], clock[alive])]
    for _ in range(_MAX_MOVES):
        rung = np.minimum(stage, setting.WON - 1)
        head = (push + late_push * (rung >= setting.PROPOSAL)) / 2
        slow = np.where(rng.random(n) < _STALL, 5.0, 1.0)
        on = _ON_DAYS[rung] * np.exp(_SPREAD * rng.normal(size=n) - head)
        lose = _LOSE_DAYS[rung] * np.exp(_SPREAD * rng.normal(size=n) + head)
        wait = np.minimum(on, lose) * slow * setting.DAY_SECONDS
        leaves = clock + wait.astype(np.int64) + 600
        goal = _goals(rung, on < lose, rng.random(n))
        fails = (rng.random(n) >= keep) & (leaves >= setting.FAULT_FROM)
        goal = np.where(fails & (rung == setting.PROPOSAL) & (goal > rung), setting.LOST, goal)
        alive &= leaves <= setting.END
        stage, clock = np.where(alive, goal, stage), np.where(alive, leaves, clock)
        entries.append((np.nonzero(alive)[0], stage[alive], clock[alive]))
        alive &= stage < setting.WON
    deal, entered, when = (np.concatenate(part) for part in zip(*entries, strict=True))
    order = np.lexsort((when, deal))
    return Moves(deal[order], entered[order], when[order])


def _goals(rung: Ints, is_on: Flags, way: Floats) -> Ints:
    """Give the stage a move leads to: the next, the one after, the one before, or lost."""
    skips = (way > 1 - _SKIP) & (rung <= setting.PROPOSAL)
    goal = np.where(is_on, rung + 1 + skips, setting.LOST)
    return np.where((way < _BACK) & (rung > 0), rung - 1, goal)


def _draw_accounts(rng: np.random.Generator, rep: Ints, segment: Ints) -> Ints:
    """Draw an account of the rep's territory and the lead's segment; some buy more often."""
    sizes = np.array(setting.GROUP_SIZES)
    base = setting.REP_TERRITORY[rep] * sizes.sum() + (np.cumsum(sizes) - sizes)[segment]
    inside = (sizes[segment] * rng.random(len(rep)) ** 1.4).astype(np.int64)
    account: Ints = base + inside
    return account


def _draw_lines(rng: np.random.Generator, segment: Ints) -> tuple[Ints, Ints]:
    """Draw one or two products a deal, and how many of each."""
    n, n_products = len(segment), len(setting.PRODUCTS)
    value = setting.DEAL_SIZE[segment] * np.exp(0.6 * rng.normal(size=n))
    first = rng.integers(0, n_products, n)
    second = (first + rng.integers(1, n_products, n)) % n_products
    share = np.where(rng.random(n) < 0.5, 1.0, 0.6 + 0.3 * rng.random(n))
    product = np.stack([first, second], axis=1)
    parts = value[:, None] * np.stack([share, 1 - share], axis=1) / setting.LIST_PRICE[product]
    quantity = np.round(parts).astype(np.int64)
    quantity[:, 0] = np.maximum(quantity[:, 0], 1)
    return product, quantity


def _cut(world: World) -> World:
    """Keep the deals that were open or opened since the first day of the data."""
    inside = (world.start <= setting.END) & (world.end >= setting.START)
    kept = np.nonzero(inside)[0]
    rows = inside[world.moves.deal]
    deal = (np.cumsum(inside) - 1)[world.moves.deal[rows]]
    return replace(
        world,
        moves=Moves(deal, world.moves.stage[rows], world.moves.clock[rows]),
        lead=world.lead[kept],
        account=world.account[kept],
        discount=world.discount[kept],
        product=world.product[kept],
        quantity=world.quantity[kept],
    )
