"""What reps make of an all-or-nothing pay plan: who cannot reach it any more lets go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from salesdiag.simulate.doses import Doses
    from salesdiag.simulate.draws import Floats, Ints
    from salesdiag.simulate.grid import Grid

THRESHOLD, CAP = 0.95, 1.2
_KNOWS = 0.35  # the part of a quarter after which one can tell
_HOPE = 1.3  # how much better than planned the rest may go


class Motive:
    """Follows what each rep has sold in a quarter, and how hard they still try."""

    def __init__(self, grid: Grid, doses: Doses, goal: Floats) -> None:
        """Start with the targets by rep and quarter of the grid."""
        self._grid, self._goal = grid, goal
        self._dose = doses.of_people("payout_cliff")
        self._since = doses.since("payout_cliff")
        self._sold = np.zeros(len(goal))
        self.drive: Floats = np.ones(len(goal))

    def begin(self, day: int) -> None:
        """Begin a day: look at what is sold and at what is left of the quarter."""
        grid = self._grid
        quarter, left = int(grid.quarter[day]), int(grid.left_in_quarter[day])
        length = int(grid.length_of_quarter[day])
        if left == length - 1:
            self._sold[:] = 0.0
        if day < self._since:
            return
        rest = (left + 1) / length
        goal = self._goal[:, quarter]
        hopeless = self._sold + _HOPE * rest * goal < THRESHOLD * goal
        hopeless &= rest < 1 - _KNOWS
        full = (self._sold > CAP * goal) & (goal > 0)
        dose = np.clip(self._dose, 0.0, 0.95)
        self.drive = 1.0 - np.where(hopeless, dose, np.where(full, 0.7 * dose, 0.0))

    def sell(self, rep: Ints, amount: Floats) -> None:
        """Count what was sold."""
        np.add.at(self._sold, rep, amount)
