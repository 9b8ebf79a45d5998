"""Taking effects of units and periods out of columns, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]


class TwoWay:
    """Effects of units and periods on rows; `residuals` takes them out of columns.

    The effects of the more numerous side are eliminated in closed form and those of the other
    solved for, so nothing is iterated and nothing has to converge.
    """

    def __init__(self, unit: Codes, period: Codes) -> None:
        self.unit, self.period = unit, period
        if unit.max(initial=0) < period.max(initial=0):
            unit, period = period, unit
        self.many, self.few = unit, period
        self.n_many, self.n_few = int(unit.max(initial=-1)) + 1, int(period.max(initial=-1)) + 1
        self._cell = unit * self.n_few + period
        self._parts = self._separate_parts()

    def _separate_parts(self) -> Floats:
        """Mark which few belong to which part of the rows that shares no effect with others.

        Within each part the level may sit with the units or with the periods; one of the two
        has to be fixed.
        """
        from scipy import sparse

        ones = np.ones(len(self.many))
        links = sparse.coo_matrix(
            (ones, (self.many, self.few + self.n_many)), shape=(self.n_many + self.n_few,) * 2
        )
        n_parts, part = sparse.csgraph.connected_components(links, directed=False)
        marks = np.zeros((self.n_few, n_parts))
        marks[np.arange(self.n_few), part[self.n_many :]] = 1.0
        return marks[:, marks.any(axis=0)]

    def residuals(self, columns: Floats, weight: Floats) -> Floats:
        """Give what is left of each column (rows x columns) after weighted regression on both."""
        if not columns.shape[1]:
            return columns
        of_many = np.bincount(self.many, weight, self.n_many)
        of_few = np.bincount(self.few, weight, self.n_few)
        table = np.bincount(self._cell, weight, self.n_many * self.n_few)
        table = table.reshape(self.n_many, self.n_few)
        scaled = table / of_many[:, None]
        system = np.diag(of_few) - table.T @ scaled
        system += self._parts @ self._parts.T * of_few.mean()  # fixes the level of each part
        weighted = columns * weight[:, None]
        sums_many, sums_few = (
            np.stack([np.bincount(codes, one, size) for one in weighted.T], axis=1)
            for codes, size in ((self.many, self.n_many), (self.few, self.n_few))
        )
        effect_few = np.linalg.solve(system, sums_few - scaled.T @ sums_many)
        effect_many = (sums_many - table @ effect_few) / of_many[:, None]
        left: Floats = columns - effect_many[self.many] - effect_few[self.few]
        return left
