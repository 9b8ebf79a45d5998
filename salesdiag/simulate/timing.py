"""Wins that are booked before the end of a quarter although they belong to the next."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from salesdiag.simulate.doses import Doses
    from salesdiag.simulate.grid import Grid
    from salesdiag.simulate.layout import Layout
    from salesdiag.simulate.process import History

_REACH = 20  # working days of the next quarter that are searched for wins
_SPREAD = 6  # working days before the end over which they are booked


def with_timing(grid: Grid, layout: Layout, doses: Doses, history: History) -> History:
    """Book wins of the first weeks of a quarter in the quarter before, where that is the fault.

    A deal can be hurried through its last stage only. Nothing is won that would not have
    been, so the sum over the quarters stays.
    """
    if not doses.has("timing_games"):
        return history
    fault, log = doses.faults["timing_games"], history.moves
    won = np.nonzero(history.stage == len(layout.stages))[0]
    last = log.what == len(layout.stages) - 1
    entered, before = np.full((2, doses.demand.n), -1)
    np.maximum.at(entered, log.deal[last], log.day[last])
    earlier = ~last & (log.day < entered[log.deal])
    np.maximum.at(before, log.deal[earlier], log.day[earlier])
    day = history.closed[won]
    into = grid.length_of_quarter[day] - grid.left_in_quarter[day] - 1
    luck = doses.demand.luck[won, 2]
    goal = day - into - 1 - (luck * 997 % 1 * _SPREAD).astype(np.int64)
    goal = np.maximum(goal, before[won] + 2)
    moved = (luck < fault.dose) & (into < _REACH) & (entered[won] > 0) & (goal < day - into)
    moved &= goal >= fault.since
    closed = history.closed.copy()
    closed[won[moved]] = goal[moved]
    hurried = last & (log.day == entered[log.deal]) & (log.day >= closed[log.deal])
    hurried &= np.isin(log.deal, won[moved])
    moves = replace(log, day=np.where(hurried, closed[log.deal] - 1, log.day))
    return replace(history, closed=closed, moves=moves)
