"""The lead desk: who gets a lead, when it is answered, and whether it becomes a deal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from salesdiag.simulate.demand import LEAD, LEADS_A_MONTH, REPEAT
from salesdiag.simulate.layout import NEVER

if TYPE_CHECKING:
    from salesdiag.simulate.demand import Demand
    from salesdiag.simulate.doses import Doses
    from salesdiag.simulate.draws import Draws, Flags, Floats, Ints
    from salesdiag.simulate.grid import Grid
    from salesdiag.simulate.layout import Layout
    from salesdiag.simulate.people import People

CONVERTED, WORKING, QUALIFIED, DROPPED, NEW = range(5)
_USUAL_DELAY = 0.16  # working days
_PATIENCE = 1.4  # working days after which most of the interest is gone
_FORGOTTEN = 0.03
_LOOK_BACK = 20  # working days over which a rep's load is felt


@dataclass(frozen=True, slots=True, eq=False)
class Desk:
    """What became of each entry before it was a deal."""

    comes: Flags  # False: taken away by a fault
    seat: Ints
    rep: Ints  # who got it
    answered: Floats  # working clock; NEVER: nobody did
    decided: Floats
    fate: Ints  # of leads
    starts: Floats  # when it is opened as a deal; NEVER: it is not


def run_desk(
    draws: Draws, grid: Grid, layout: Layout, demand: Demand, people: People, doses: Doses
) -> Desk:
    """Let leads be handed out, answered and judged."""
    comes = _comes(draws, demand, doses, doses.n_key)
    is_lead = demand.kind == LEAD
    seat = np.where(is_lead, _hand_out(draws, grid, layout, demand, people, doses), demand.seat)
    day = np.minimum(demand.clock.astype(np.int64), grid.n_days - 1)
    rep = people.owner[seat, day]
    load = _load(grid, layout, day, rep, is_lead & comes)
    answered, delay = _answer(draws, demand, doses, load)
    fate, decided = _judge(draws, layout, demand, people, doses, rep, day, answered, delay)
    starts = np.where(is_lead & (fate == CONVERTED), decided, float(NEVER))
    starts = np.where(is_lead, starts, demand.clock)
    return Desk(
        comes=comes,
        seat=seat,
        rep=rep,
        answered=np.where(is_lead, answered, float(NEVER)),
        decided=np.where(is_lead, decided, float(NEVER)),
        fate=np.where(is_lead, fate, CONVERTED),
        starts=np.where(comes, starts, float(NEVER)),
    )


def _comes(draws: Draws, demand: Demand, doses: Doses, n_key: int) -> Flags:
    """Take away the entries that a fault keeps from coming."""
    comes = np.ones(demand.n, dtype=bool)
    if doses.has("lead_shortage"):
        comes &= (demand.kind != LEAD) | (demand.luck[:, 0] >= doses.of_entries("lead_shortage"))
    if doses.has("market_decline"):
        comes &= demand.luck[:, 1] >= doses.of_entries("market_decline")
    if doses.has("key_account_lost"):
        lost = doses.of_entries("key_account_lost") > demand.luck[:, 2]
        comes &= ~(lost & (demand.kind == REPEAT))
    if doses.has("customer_churn"):
        # who is lost stays lost: the same luck for all orders of a customer
        dose = doses.of_entries("customer_churn") * (demand.account >= n_key)
        whose = draws.uniform("churn", demand.account)
        comes &= (demand.kind != REPEAT) | (whose >= dose)
    return comes


def _hand_out(
    draws: Draws, grid: Grid, layout: Layout, demand: Demand, people: People, doses: Doses
) -> Ints:
    """Let the seats of a territory race for each lead; empty seats cannot win."""
    n_lead = int((demand.kind == LEAD).sum())
    n_seats = np.bincount(layout.place_of_seat, minlength=len(layout.team_of_place))
    first = np.cumsum(n_seats) - n_seats
    place = demand.place[:n_lead]
    slots = np.arange(n_seats.max())
    seat = np.minimum(first[place][:, None] + slots, layout.n_seats - 1)
    day = np.minimum(demand.clock[:n_lead].astype(np.int64), grid.n_days - 1)
    weight = layout.share_of_seat[seat] * (slots < n_seats[place][:, None])
    weight = weight * np.where(people.is_own[seat, day[:, None]], 1.0, 1e-9)
    if layout.traits.fit_spread:
        weight = weight * _fitting(layout, demand, people, doses, seat, day)
    race = -np.log(draws.stream("handing out").random(seat.shape)) / np.maximum(weight, 1e-15)
    chosen = np.zeros(demand.n, dtype=np.int64)
    chosen[:n_lead] = np.take_along_axis(seat, race.argmin(axis=1)[:, None], axis=1)[:, 0]
    return chosen


def _fitting(
    layout: Layout, demand: Demand, people: People, doses: Doses, seat: Ints, day: Ints
) -> Floats:
    """Give the larger leads to those who get on with larger customers, or just not."""
    n_lead = len(seat)
    fits = layout.staff.fit[people.owner[seat, day[:, None]]] > 0
    larger = (demand.segment[:n_lead] >= 1)[:, None]
    turn = np.full((n_lead, 1), 4.0)
    if doses.has("lead_misallocation"):
        dose = doses.of_entries("lead_misallocation")[:n_lead, None]
        turn = turn ** (1 - 2.4 * dose)
    return np.where(fits & larger, turn, 1.0)


def _load(grid: Grid, layout: Layout, day: Ints, rep: Ints, counts: Flags) -> Floats:
    """Count the leads a rep got lately, against what is usual for one seat."""
    n_people = len(layout.staff.seat)
    got = np.bincount(
        rep[counts] * grid.n_days + day[counts], minlength=n_people * grid.n_days
    ).reshape(n_people, grid.n_days)
    total = np.cumsum(got, axis=1)
    before = np.zeros_like(total)
    before[:, _LOOK_BACK:] = total[:, :-_LOOK_BACK]
    usual = LEADS_A_MONTH * _LOOK_BACK / 21
    able = usual * layout.capacity[layout.staff.seat]
    load: Floats = ((total - before) / able[:, None])[rep, day]
    return np.maximum(load, 0.2)


def _answer(draws: Draws, demand: Demand, doses: Doses, load: Floats) -> tuple[Floats, Floats]:
    rng = draws.stream("answers")
    noise, luck = rng.normal(size=demand.n), rng.random(demand.n)
    delay = _USUAL_DELAY * np.exp(0.9 * noise) * load**0.5
    # what looks promising is called first, faults or not
    delay *= np.exp(-doses.layout.traits.hotness * 0.6 * demand.hot)
    forgotten = np.full(demand.n, _FORGOTTEN) + 0.08 * np.clip(load - 1.8, 0, 3)
    if doses.has("slow_response"):
        delay = delay * (1 + doses.of_entries("slow_response"))
    if doses.has("unworked_leads"):
        forgotten = forgotten + doses.of_entries("unworked_leads")
    answered = demand.clock + delay + 0.004
    return np.where(luck < forgotten, float(NEVER), answered), delay


def _judge(
    draws: Draws,
    layout: Layout,
    demand: Demand,
    people: People,
    doses: Doses,
    rep: Ints,
    day: Ints,
    answered: Floats,
    delay: Floats,
) -> tuple[Ints, Floats]:
    """Decide which leads become deals: interest cools while nobody answers."""
    rng = draws.stream("judging")
    luck, other, wait = rng.random(demand.n), rng.random(demand.n), rng.exponential(2.0, demand.n)
    rate = np.append(layout.source_rate, [1.0, 1.0])[demand.source]
    warmth = 0.10 + 1.02 * np.exp(-delay / _PATIENCE)
    chance = rate * warmth * np.exp(0.22 * demand.hot + 0.25 * people.push[rep, day])
    if doses.has("lead_quality"):
        chance = chance * np.exp(-0.7 * doses.of_entries("lead_quality"))
    if doses.has("market_decline"):
        chance = chance * (1 - 0.4 * doses.of_entries("market_decline"))
    fate = np.where(luck < chance, CONVERTED, np.searchsorted([0.05, 0.12], other) + WORKING)
    fate = np.where(answered >= NEVER, NEW, fate)
    return fate, answered + wait + 0.01
