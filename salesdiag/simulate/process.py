"""How deals go: day by day, going on and being lost race against each other.

Each stay in a stage has two thresholds, drawn once: how much must happen until the deal goes
on, and how long it is neglected until it is lost. What happens in a day depends on the
customer, the rep, the price, and on how often somebody got in touch lately; how often that
is depends on how much the rep has on the table. A fault changes what happens in a day, never
the thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from salesdiag.simulate.demand import OUTBOUND, REPEAT
from salesdiag.simulate.layout import NEVER
from salesdiag.simulate.pricing import USUAL_DISCOUNT, Prices

if TYPE_CHECKING:
    from salesdiag.simulate.demand import Accounts
    from salesdiag.simulate.desk import Desk
    from salesdiag.simulate.doses import Doses
    from salesdiag.simulate.draws import Draws, Flags, Floats, Ints
    from salesdiag.simulate.grid import Grid
    from salesdiag.simulate.layout import Layout
    from salesdiag.simulate.motive import Motive
    from salesdiag.simulate.people import People

_TOUCHES = 0.42  # a day, on a fresh deal of a rep with a usual load
_USUAL_OPEN = 14.0  # deals on a rep's table
_FORGETS = 0.92  # what is left of yesterday's touches
_STALLS, _STALLED = 0.05, 0.10  # how often a stay stalls, and what still happens then
_BACK, _SKIP = 0.02, 0.03
_MISSED = 2.2  # how much worse a deal goes after a stage was left out
_TIDY_AFTER, _TIDY = 55, 0.012  # dead deals are thrown out, some day
_CALLS_KEPT = 1 / 1.6


@dataclass(frozen=True, slots=True, eq=False)
class Log:
    """What was written down, in order of the days."""

    deal: Ints
    what: Ints  # stage entered, or number of the touch
    day: Ints
    rep: Ints


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """What became of the entries that were opened as deals."""

    opened: Ints  # day; NEVER: not opened
    stage: Ints  # -1: not opened; number of stages: won; one more: lost
    closed: Ints  # day, NEVER while open
    closer: Ints  # the rep at the end
    discount: Floats
    quoted: Flags
    is_delivery: Flags  # lost to what others in the company did
    stale: Flags  # the last stay has stalled
    moves: Log
    touches: Log
    prices: Prices

    @property
    def net(self) -> Floats:
        """What each deal brings, or would."""
        share = 1 - np.where(self.quoted, self.discount, 0.0)
        net: Floats = self.prices.list_value * share
        return net


class Floor:
    """The sales floor: the deals of one world while its days go by."""

    def __init__(
        self,
        draws: Draws,
        grid: Grid,
        layout: Layout,
        doses: Doses,
        people: People,
        desk: Desk,
        accounts: Accounts,
        motive: Motive | None,
    ) -> None:
        self.draws, self.grid, self.layout, self.doses = draws, grid, layout, doses
        self.people, self.desk, self.motive = people, desk, motive
        self.demand = doses.demand
        self.prices = Prices(draws, grid, layout, self.demand, doses)
        n = self.demand.n
        self.won, self.lost = len(layout.stages), len(layout.stages) + 1
        self.luck = draws.stream("turns").random((n, self.won, 4), dtype=np.float32)
        self.needs = draws.stream("thresholds").standard_exponential(
            (n, self.won, 2), dtype=np.float32
        )
        self.stay = accounts.stops
        self.since_sale = np.where(accounts.is_known, -1, NEVER)  # day of the first sale
        self.opened = np.full(n, NEVER)
        self.stage, self.age = np.full(n, -1), np.zeros(n, dtype=np.int64)
        self.visits = np.zeros(n, dtype=np.int64)
        self.to_go, self.to_lose, self.to_touch = (np.zeros(n) for _ in range(3))
        self.warmth, self.brake = np.zeros(n), np.zeros(n)
        self.n_touches = np.zeros(n, dtype=np.int64)
        self.stale, self.quoted = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
        self.is_delivery = np.zeros(n, dtype=bool)
        self.closed, self.closer = np.full(n, NEVER), np.full(n, -1)
        self.discount = np.zeros(n)
        self.moves: list[tuple[Ints, Ints, int, Ints]] = []
        self.touches: list[tuple[Ints, Ints, int, Ints]] = []
        self.pull = self._pulls()
        self.dose = {cause: doses.of_entries(cause) for cause in ("stage_leak", "delivery_losses")
                     if doses.has(cause)}  # fmt: skip
        self.concerned = {cause: doses.among_entries(cause) for cause in self.dose}
        self.lean = {
            cause: doses.of_people(cause)
            for cause in ("process_skipped", "stalled_pipeline", "misdirected_activity")
            if doses.has(cause)
        }

    def run(self) -> History:
        """Let the days go by."""
        starts = self.desk.starts
        order = np.argsort(starts, kind="stable")
        order = order[starts[order] < self.grid.n_days]
        first = np.searchsorted(starts[order], np.arange(self.grid.n_days + 1))
        live = np.zeros(0, dtype=np.int64)
        for day in range(self.grid.n_days):
            if self.motive is not None:
                self.motive.begin(day)
            if len(live):
                live = self._work(live, day)
            come = order[first[day] : first[day + 1]]
            live = np.concatenate([live, self._open(come, day)])
        return History(
            opened=self.opened,
            stage=self.stage,
            closed=self.closed,
            closer=self.closer,
            discount=self.discount,
            quoted=self.quoted,
            is_delivery=self.is_delivery,
            stale=self.stale,
            moves=_joined(self.moves),
            touches=_joined(self.touches),
            prices=self.prices,
        )

    def _pulls(self) -> Floats:
        pull = self.demand.pull
        if self.doses.has("lead_quality"):
            pull = pull - 0.7 * self.doses.of_entries("lead_quality")
        if self.doses.has("market_decline"):
            pull = pull - self.doses.of_entries("market_decline")
        return pull

    def _open(self, come: Ints, day: int) -> Ints:
        """Open the deals of a day: leads that are ripe, calls that were made, orders."""
        demand, people = self.demand, self.people
        seat = self.desk.seat[come]
        account, kind = demand.account[come], demand.kind[come]
        rep = people.owner[seat, day]
        sold = self.since_sale[account]
        is_customer = (sold < day) & (day < np.where(sold < 0, NEVER, sold + self.stay[account]))
        effort = self._effort(rep, day)
        called = people.is_own[seat, day] & (demand.luck[come, 0] < _CALLS_KEPT * effort)
        # nobody calls strangers while vacancies load the table
        ready = np.where(kind == REPEAT, is_customer, np.where(kind == OUTBOUND, called, True))  # noqa: FBT003
        come, rep = come[ready], rep[ready]
        self.opened[come] = day
        self._enter(come, np.zeros(len(come), dtype=np.int64), rep, day)
        self.warmth[come] = 2.0
        self.to_touch[come] = self.draws.exponential("touch", come, 0)
        return come

    def _effort(self, rep: Ints, day: int) -> Floats:
        effort: Floats = self.people.effort[rep, day]
        return effort if self.motive is None else effort * self.motive.drive[rep]

    def _enter(self, deal: Ints, stage: Ints, rep: Ints, day: int) -> None:
        """Let deals enter a stage: draw how much must happen there."""
        self.stage[deal], self.age[deal] = stage, 0
        self.moves.append((deal, stage, day, rep))
        inside = stage < self.won
        self.closed[deal[~inside]], self.closer[deal[~inside]] = day, rep[~inside]
        deal, stage, rep = deal[inside], stage[inside], rep[inside]
        self.to_go[deal], self.to_lose[deal] = self.needs[deal, stage].T
        again = deal[self.visits[deal] > 0]
        if len(again):  # who comes back finds other thresholds
            visit, where = self.visits[again], self.stage[again]
            self.to_go[again] = self.draws.exponential("go", again, where, visit)
            self.to_lose[again] = self.draws.exponential("lose", again, where, visit)
        stalls = np.full(len(deal), _STALLS)
        if self._acts("stalled_pipeline", day):
            stalls += self.lean["stalled_pipeline"][rep]
        self.stale[deal] = self.luck[deal, stage, 0] < stalls
        price = (stage >= self.layout.quote) & ~self.quoted[deal]
        told = deal[price]
        if len(told):
            self.discount[told] = self.prices.quote(told, rep[price], day)
            self.quoted[told] = True

    def _acts(self, cause: str, day: int) -> bool:
        return self.doses.has(cause) and day >= self.doses.since(cause)

    def _work(self, live: Ints, day: int) -> Ints:
        """Let a day pass for the open deals; give those that are still open."""
        rep = self.people.owner[self.desk.seat[live], day]
        self.age[live] += 1
        self._touch(live, rep, day)
        go, lose = self._speeds(live, rep, day)
        self.to_go[live] -= go
        self.to_lose[live] -= lose
        goes, loses = self.to_go[live] <= 0, self.to_lose[live] <= 0
        # when both happen in a day, the one that was due longer came first
        both = goes & loses
        later = self.to_go[live] / np.maximum(go, 1e-12)
        goes &= ~(both & (later > self.to_lose[live] / np.maximum(lose, 1e-12)))
        loses &= ~goes
        moving = goes | loses
        if moving.any():
            goal = np.where(goes, self._goals(live, rep, day), self.lost)
            self._move(live[moving], goal[moving], rep[moving], day)
        return live[self.stage[live] < self.won]

    def _touch(self, live: Ints, rep: Ints, day: int) -> None:
        """Let reps get in touch: more with fresh deals, less with each if they have many."""
        on_table = np.bincount(rep, minlength=len(self.people.push))[rep]
        able = self.layout.capacity[self.layout.staff.seat[rep]]
        share = (np.maximum(on_table / able, 4) / _USUAL_OPEN) ** -0.45
        fresh = 1.0 / (1.0 + (self.age[live] / 40.0) ** 2)
        rate = _TOUCHES * self._effort(rep, day) * share * fresh
        if self._acts("misdirected_activity", day):
            dose = np.clip(self.lean["misdirected_activity"][rep], 0, 0.95)
            is_dead = self.stale[live] & (self.age[live] > 20)
            rate = np.where(is_dead, rate + 0.9 * _TOUCHES * dose, rate * (1 - dose))
        self.to_touch[live] -= rate
        got = np.zeros(len(live))
        for _ in range(3):  # hardly ever more on one day
            due = self.to_touch[live] <= 0
            if not due.any():
                break
            deal = live[due]
            self.touches.append((deal, self.n_touches[deal], day, rep[due]))
            self.n_touches[deal] += 1
            self.to_touch[deal] += self.draws.exponential("touch", deal, self.n_touches[deal])
            got += due
        self.warmth[live] = _FORGETS * self.warmth[live] + got

    def _speeds(self, live: Ints, rep: Ints, day: int) -> tuple[Floats, Floats]:
        """Say how much of the way to the next stage, and to the loss, a day brings."""
        stage, age = self.stage[live], self.age[live]
        push = self.pull[live] + self.people.push[rep, day] - self.brake[live]
        push += self.layout.staff.fit[rep] * (self.demand.segment[live] >= 1)
        late = self.quoted[live]
        price = np.where(late, self.discount[live] - USUAL_DISCOUNT, 0.0)
        near = self.warmth[live] / (self.warmth[live] + 2.0)
        ripe = np.minimum(0.3 + age / 5.0, 1.25) / (1.0 + (age / 45.0) ** 2)
        go = ripe * (0.10 + 1.30 * near) * np.exp(0.5 * push + 1.0 * price)
        lose = (1.72 - 1.05 * near) * np.exp(-0.5 * push - 0.5 * price) / (1.0 + (age / 60.0) ** 2)
        last = stage == self.won - 1
        rush = self.grid.left_in_quarter[day]
        go *= np.where(last & (rush < 10), 1.5, 1.0)
        stuck = np.where(self.stale[live], _STALLED, 1.0)
        go, lose = (
            go * stuck / self.layout.on_days[stage],
            lose * stuck / self.layout.lose_days[stage],
        )
        tidy = np.where(age > _TIDY_AFTER, _TIDY, 0.0)
        for cause in ("stalled_pipeline", "misdirected_activity"):
            if self._acts(cause, day):
                tidy = np.where(self.lean[cause][rep] > 0, 0.1 * tidy, tidy)
        return go, lose + tidy

    def _goals(self, live: Ints, rep: Ints, day: int) -> Ints:
        """Say where deals go that go on: forward, past a stage, back, or lost after all."""
        stage = self.stage[live]
        luck = self.luck[live, stage]
        skips = np.full(len(live), _SKIP)
        if self._acts("process_skipped", day):
            skips += self.lean["process_skipped"][rep] * 3 / (self.won - 2)
        can_skip = stage + 2 < self.won
        goal = stage + 1 + (can_skip & (luck[:, 1] < skips))
        back = (luck[:, 2] < _BACK) & (stage > 0) & (self.visits[live] < 2)
        goal = np.where(back, stage - 1, goal)
        for cause in self.dose:
            if not self._acts(cause, day):
                continue
            fault = self.doses.faults[cause]
            leaks = self.concerned[cause][live] & (stage == fault.stage)
            leaks &= (luck[:, 3] < fault.dose) & (goal > stage)
            goal = np.where(leaks, self.lost, goal)
            if cause == "delivery_losses":
                self.is_delivery[live[leaks]] = True
        return goal

    def _move(self, deal: Ints, goal: Ints, rep: Ints, day: int) -> None:
        stage = self.stage[deal]
        self.brake[deal[(goal > stage + 1) & (goal < self.won)]] = _MISSED
        self.visits[deal[goal < stage]] += 1
        sold = goal == self.won
        won, seller = deal[sold], rep[sold]
        self.discount[won] = self.prices.close(won, seller, day, self.discount[won])
        account = self.demand.account[won]
        self.since_sale[account] = np.minimum(self.since_sale[account], day)
        if self.motive is not None and len(won):
            self.motive.sell(seller, self.prices.list_value[won] * (1 - self.discount[won]))
        self._enter(deal, goal, rep, day)


def _joined(parts: list[tuple[Ints, Ints, int, Ints]]) -> Log:
    """Make one log of the daily ones."""
    if not parts:
        none = np.zeros(0, dtype=np.int64)
        return Log(none, none, none, none)
    deal, what, day, rep = zip(*parts, strict=True)
    days = np.repeat(np.array(day), [len(part) for part in deal])
    return Log(np.concatenate(deal), np.concatenate(what), days, np.concatenate(rep))
