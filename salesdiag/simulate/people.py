"""The reps day by day: who sits where, how good they are and how much they do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from salesdiag.simulate.layout import occupied

if TYPE_CHECKING:
    from salesdiag.simulate.doses import Doses
    from salesdiag.simulate.draws import Draws, Flags, Floats, Ints
    from salesdiag.simulate.grid import Grid
    from salesdiag.simulate.layout import Layout

_RAMP_DAYS, _RAMP_DEPTH = 75.0, 0.5
_WEEKLY, _KEEPS = 0.22, 0.75  # how effort swings from week to week


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Reps by working day."""

    left: Ints  # first day without, faults included
    owner: Ints  # by seat and day: who looks after it
    is_own: Flags  # and whether that is the seat's own rep
    push: Floats  # by rep and day: how well the deals go
    effort: Floats  # by rep and day: how much is done


def make_people(draws: Draws, grid: Grid, layout: Layout, doses: Doses) -> People:
    """Follow the reps through the days."""
    left = _leavings(draws, layout, doses)
    owner, is_own = occupied(layout, left, grid.n_days)
    tenure = np.arange(grid.n_days) - layout.staff.hired[:, None]
    return People(
        left=left,
        owner=owner,
        is_own=is_own,
        push=_push(grid, layout, doses, tenure),
        effort=_effort(draws, grid, layout, doses, tenure),
    )


def _leavings(draws: Draws, layout: Layout, doses: Doses) -> Ints:
    """Let some reps go for good, where the fault is that nobody follows them."""
    staff, left = layout.staff, layout.staff.left
    if not doses.has("headcount_gap"):
        return left
    share, since = doses.of_people("headcount_gap"), doses.since("headcount_gap")
    seats = np.arange(layout.n_seats)
    luck = draws.uniform("leaving", seats)
    rank = np.zeros(layout.n_seats)
    for team in range(layout.n_teams):
        inside = np.nonzero(layout.team_of_seat == team)[0]
        rank[inside[np.argsort(luck[inside])]] = (np.arange(len(inside)) + 0.5) / len(inside)
        rank[inside[np.argmax(luck[inside])]] = 1.0  # somebody stays
    goes = rank[staff.seat] < share
    day = since + (40 * draws.uniform("leaving day", seats)[staff.seat]).astype(np.int64)
    return np.where(goes, np.minimum(left, np.maximum(day, staff.hired)), left)


def _push(grid: Grid, layout: Layout, doses: Doses, tenure: Ints) -> Floats:
    days = np.arange(grid.n_days)
    push = np.repeat(layout.staff.skill[:, None], grid.n_days, axis=1)
    length, depth = _RAMP_DAYS, _RAMP_DEPTH
    if doses.has("slow_ramp"):
        dose = doses.faults["slow_ramp"].dose
        length, depth = length + 210 * dose, depth + 1.3 * dose
    push -= depth * np.clip(1.0 - tenure / length, 0.0, 1.0) ** 0.7
    for cause in ("weak_reps", "manager_effect"):
        if doses.has(cause):
            push -= doses.of_people(cause)[:, None] * (days >= doses.since(cause))
    return push


def _effort(draws: Draws, grid: Grid, layout: Layout, doses: Doses, tenure: Ints) -> Floats:
    rng, n_weeks = draws.stream("effort"), grid.n_days // 5 + 1
    swing = rng.normal(size=(len(layout.staff.seat), n_weeks))
    for week in range(1, n_weeks):
        fresh = np.sqrt(1 - _KEEPS**2) * swing[:, week]
        swing[:, week] = _KEEPS * swing[:, week - 1] + fresh
    effort = np.exp(_WEEKLY * swing)[:, np.arange(grid.n_days) // 5]
    effort *= layout.staff.drive[:, None]
    effort *= 1.0 - 0.25 * np.clip(1.0 - tenure / _RAMP_DAYS, 0.0, 1.0)
    # the last days of a quarter are busy ones
    effort *= np.where(grid.left_in_quarter < 8, 1.12, 1.0)
    days = np.arange(grid.n_days)
    if doses.has("low_activity"):
        dose = doses.of_people("low_activity")[:, None]
        effort *= 1.0 - np.clip(dose, 0.0, 0.95) * (days >= doses.since("low_activity"))
    if doses.has("manager_effect"):
        dose = doses.of_people("manager_effect")[:, None]
        effort *= 1.0 - 0.08 * dose * (days >= doses.since("manager_effect"))
    return effort
