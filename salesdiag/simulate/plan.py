"""The plan: what a head of sales who knows the department would ask for, and the faulty ways.

A year's plan is what the department brings in that year when nothing is wrong, off by a few
per cent; it goes to quarters by season and to seats by what their territory and customers
hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from salesdiag.simulate.demand import SEASON, SEGMENT_SIZE

if TYPE_CHECKING:
    from salesdiag.simulate.demand import Accounts, Demand
    from salesdiag.simulate.doses import Doses
    from salesdiag.simulate.draws import Draws, Floats, Ints
    from salesdiag.simulate.grid import Grid
    from salesdiag.simulate.layout import Layout
    from salesdiag.simulate.people import People
    from salesdiag.simulate.process import History

_ERROR = 0.025  # of a year's plan
_NEWCOMER = 0.6  # what is asked of somebody in the first quarter
_OF_LEADS, _OF_CALLS = 0.53, 0.10  # shares of the revenue; the rest are orders of customers


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Targets by seat, and by rep, for each quarter of the data."""

    first: int  # quarter of the grid with which it begins
    of_seats: Floats  # by quarter
    of_reps: Floats

    def by_grid(self, n_quarters: int) -> Floats:
        """Give the targets of the reps for all quarters of the grid, 0 before the plan."""
        goal = np.zeros((self.of_reps.shape[1], n_quarters))
        goal[:, self.first :] = self.of_reps.T
        return goal


def won_by_quarter(grid: Grid, layout: Layout, history: History, key: Ints, n: int) -> Floats:
    """Add up what was won, by quarter of the grid and by key."""
    won = np.nonzero(history.stage == len(layout.stages))[0]
    quarter = grid.quarter[history.closed[won]]
    n_quarters = int(grid.quarter[-1]) + 1
    cell = quarter * n + key[won]
    total = np.bincount(cell, weights=history.net[won], minlength=n_quarters * n)
    return np.asarray(total, dtype=np.float64).reshape(n_quarters, n)


def seat_shares(layout: Layout, accounts: Accounts, demand: Demand) -> Floats:
    """Give the part of the business that each seat holds."""
    place, n_seats = layout.place_of_seat, layout.n_seats
    within = layout.share_of_seat / np.bincount(place, weights=layout.share_of_seat)[place]
    leads = layout.weight_of_place[place] / layout.weight_of_place.sum() * within
    repeat = demand.kind == 2
    known = repeat & accounts.is_known[demand.account]
    worth = accounts.size * SEGMENT_SIZE[accounts.segment]
    orders = np.bincount(
        demand.seat[known], weights=worth[demand.account[known]], minlength=n_seats
    )
    share: Floats = (
        _OF_LEADS * leads
        + _OF_CALLS / n_seats
        + (1 - _OF_LEADS - _OF_CALLS) * orders / max(orders.sum(), 1e-9)
    )
    return share


def make_plan(
    draws: Draws,
    grid: Grid,
    layout: Layout,
    accounts: Accounts,
    people: People,
    usual: History,
    doses: Doses,
) -> Plan:
    """Set the targets; ``usual`` is how it goes when nothing is wrong."""
    none = np.zeros(doses.demand.n, dtype=np.int64)
    revenue = won_by_quarter(grid, layout, usual, none, 1)[:, 0]
    first = int(grid.quarter[grid.start])
    season = _season(grid, layout)[first:]
    n_quarters = len(season)
    year = (np.arange(n_quarters) - n_quarters) // 4  # counted from the end
    error = 1 + _ERROR * draws.stream("plan").normal(size=n_quarters)
    whole = np.zeros(n_quarters)
    for one in np.unique(year):
        rows = year == one
        whole[rows] = season[rows] / season[rows].sum() * revenue[first:][rows].sum()
        whole[rows] *= error[np.nonzero(rows)[0][-1]]
    if doses.has("plan_too_high"):
        since = int(grid.quarter[min(doses.since("plan_too_high"), grid.n_days - 1)]) - first
        whole[max(since, 0) :] *= 1 + doses.faults["plan_too_high"].dose
    share = seat_shares(layout, accounts, doses.demand)
    if doses.has("plan_misallocated"):
        share = _misallocated(draws, share, doses.faults["plan_misallocated"].dose)
    seats = whole[:, None] * share
    step = 100.0 * layout.words.money
    reps = np.round(seats[:, layout.staff.seat] * _presence(grid, layout, people) / step) * step
    return Plan(first, np.round(seats / step) * step, reps)


def _season(grid: Grid, layout: Layout) -> Floats:
    """Give the wave of the year by quarter, as it arrives a month after the leads."""
    wave = 1 + layout.traits.season * (SEASON - 1)
    level = 0.5 * (wave[grid.month] + wave[(grid.month - 1) % 12])
    return np.asarray(np.bincount(grid.quarter, weights=level), dtype=np.float64)


def _presence(grid: Grid, layout: Layout, people: People) -> Floats:
    """Give the part of each quarter that each rep is there, a newcomer's for less."""
    days = np.arange(grid.n_days)
    first = int(grid.quarter[grid.start])
    there = (days >= layout.staff.hired[:, None]) & (days < people.left[:, None])
    tenure = days - layout.staff.hired[:, None]
    counted = there * np.where(tenure < 63, _NEWCOMER, 1.0)
    length = np.bincount(grid.quarter)
    sums = np.stack([np.bincount(grid.quarter, weights=row) for row in counted], axis=1)
    part: Floats = (sums / length[:, None])[first:]
    return part


def _misallocated(draws: Draws, share: Floats, dose: float) -> Floats:
    """Ask much where little is to be had, and the other way round."""
    noise = draws.stream("misallocation").normal(size=len(share))
    log = np.log(np.maximum(share, 1e-6) / share.mean())
    wrong = np.exp(log * (1 - 1.3 * dose) + 0.25 * dose * noise)
    spread: Floats = wrong / wrong.sum()
    return spread


def ratcheted(grid: Grid, layout: Layout, plan: Plan, history: History, doses: Doses) -> Plan:
    """Raise the targets of those who did well by much, lower the others' by little."""
    if not doses.has("plan_ratchet"):
        return plan
    dose = doses.faults["plan_ratchet"].dose
    n_reps = plan.of_reps.shape[1]
    closer = np.maximum(history.closer, 0)
    sold = won_by_quarter(grid, layout, history, closer, n_reps)[plan.first :]
    factor, reps = np.ones(n_reps), plan.of_reps.copy()
    step = 100.0 * layout.words.money
    for quarter in range(len(reps)):
        reps[quarter] = np.round(plan.of_reps[quarter] * factor / step) * step
        goal = reps[quarter]
        attained = np.divide(sold[quarter], goal, out=np.ones(n_reps), where=goal > 0)
        change = np.where(attained > 1, dose * (attained - 1), 0.12 * dose * (attained - 1))
        factor = np.clip(factor * (1 + np.minimum(change, 0.5)), 0.7, 2.5)
    seats = np.zeros_like(plan.of_seats)
    for quarter in range(len(reps)):
        seats[quarter] = np.bincount(
            layout.staff.seat, weights=reps[quarter], minlength=layout.n_seats
        )
    return Plan(plan.first, np.maximum(seats, plan.of_seats), reps)
