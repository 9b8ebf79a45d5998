"""Counts of units over periods, and regressions on cells of cases."""

from __future__ import annotations

from salesdiag.stats.panel.cells import CellFit, linear_cells, logistic_cells
from salesdiag.stats.panel.lags import (
    Bins,
    Combination,
    LagColumns,
    combination,
    dose_bins,
    lag_columns,
)
from salesdiag.stats.panel.poisson import PanelFit, poisson_panel
from salesdiag.stats.panel.wild_bootstrap import WildTest, wild_interval

__all__ = [
    "Bins",
    "CellFit",
    "Combination",
    "LagColumns",
    "PanelFit",
    "WildTest",
    "combination",
    "dose_bins",
    "lag_columns",
    "linear_cells",
    "logistic_cells",
    "poisson_panel",
    "wild_interval",
]
