"""One world with some faults, from the first lead to the last day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from salesdiag.simulate.demand import Accounts, Demand, make_demand
from salesdiag.simulate.desk import Desk, run_desk
from salesdiag.simulate.doses import Doses, Planted
from salesdiag.simulate.motive import Motive
from salesdiag.simulate.people import People, make_people
from salesdiag.simulate.plan import Plan, make_plan, ratcheted
from salesdiag.simulate.process import Floor, History
from salesdiag.simulate.timing import with_timing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from salesdiag.simulate.draws import Draws, Floats
    from salesdiag.simulate.grid import Grid
    from salesdiag.simulate.layout import Layout


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What is the same with and without faults."""

    draws: Draws
    grid: Grid
    layout: Layout
    demand: Demand
    accounts: Accounts


@dataclass(frozen=True, slots=True, eq=False)
class Story:
    """What happened in a scene."""

    scene: Scene
    doses: Doses
    people: People
    desk: Desk
    history: History
    plan: Plan
    rate: Floats  # of the foreign currency, by working day, 1 for the usual

    @property
    def exchange(self) -> Floats:
        """What the currency makes of each deal: 1 for those in the department's own."""
        history, grid = self.history, self.scene.grid
        day = np.where(history.closed < grid.n_days, history.closed, history.opened)
        rate = self.rate[np.minimum(day, grid.n_days - 1)]
        factor: Floats = np.where(self.scene.demand.is_foreign, rate, 1.0)
        return factor

    def window_money(self) -> tuple[float, float]:
        """Give revenue and margin of the window."""
        scene, history = self.scene, self.history
        won = history.stage == len(scene.layout.stages)
        inside = won & (history.closed >= scene.grid.window)
        net = history.net * self.exchange
        revenue = float(net[inside].sum())
        return revenue, revenue - float(history.prices.cost[inside].sum())


def make_scene(draws: Draws, grid: Grid, layout: Layout) -> Scene:
    """Draw what could happen."""
    demand, accounts = make_demand(draws, grid, layout)
    return Scene(draws, grid, layout, demand, accounts)


def play(scene: Scene, faults: Sequence[Planted], usual: History | None) -> Story:
    """Let a scene happen with some faults.

    Parameters
    ----------
    scene : Scene
        What could happen.
    faults : sequence of Planted
        What is wrong.
    usual : History or None
        What happens when nothing is wrong; None if this is it.
    """
    draws, grid, layout = scene.draws, scene.grid, scene.layout
    planted = {fault.cause: fault for fault in faults}
    doses = Doses(layout, scene.demand, planted, scene.accounts.n_key)
    people = make_people(draws, grid, layout, doses)
    desk = run_desk(draws, grid, layout, scene.demand, people, doses)
    motive = None
    if usual is not None and doses.has("payout_cliff"):
        plan = make_plan(draws, grid, layout, scene.accounts, people, usual, doses)
        motive = Motive(grid, doses, plan.by_grid(int(grid.quarter[-1]) + 1))
    floor = Floor(draws, grid, layout, doses, people, desk, scene.accounts, motive)
    history = floor.run()
    history = with_timing(grid, layout, doses, history)
    plan = make_plan(draws, grid, layout, scene.accounts, people, usual or history, doses)
    plan = ratcheted(grid, layout, plan, history, doses)
    return Story(scene, doses, people, desk, history, plan, _rate(scene, doses))


def _rate(scene: Scene, doses: Doses) -> Floats:
    """Follow the foreign currency: it wavers, and falls where that is the fault."""
    grid = scene.grid
    steps = scene.draws.stream("currency").normal(size=grid.n_days // 21 + 1)
    wave = np.exp(0.006 * np.cumsum(steps) / np.sqrt(np.arange(len(steps)) + 1))
    rate: Floats = wave[np.arange(grid.n_days) // 21]
    if doses.has("currency_effect"):
        fault = doses.faults["currency_effect"]
        fallen = np.clip((np.arange(grid.n_days) - fault.since) / 40, 0, 1)
        rate = rate * (1 - fault.dose * fallen)
    return rate
