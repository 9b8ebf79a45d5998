"""Plots: each draws the table of one analysis and nothing that the table does not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.errors import InputError
from salesdiag.present.labels import label, money

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

# one accent, one grey; both keep their difference in grey print
ACCENT = "#1f6f8b"
GREY = "#8a8f94"
INK = "#33383d"


def plot_stage_conversion(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw conversion from stage to stage as points with their intervals.

    Parameters
    ----------
    table : DataFrame
        As `stage_conversion` gives it without ``by``.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        If the table has no row, or a step twice (a table with ``by``).
    """
    if not len(table) or table["from_stage"].duplicated().any():
        message = "plot_stage_conversion draws one department at a time: filter the table first."
        raise InputError(message)
    ax = _axes(ax)
    place = np.arange(len(table))[::-1]
    _points(ax, table, "conversion_rate", place)
    steps = [f"{row.from_stage} → {row.to_stage}\nn = {row.n_from:,}" for row in table.itertuples()]
    ax.set_yticks(place, steps, parse_math=False)  # a stage may be named "$10k_to_$50k"
    ax.set_ylim(-0.6, len(table) - 0.4)
    ax.set_xlim(0, 1)
    _percent(ax)
    ax.set_xlabel(f"{label('conversion_rate')}, with interval")
    return ax


def plot_target_attainment(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw plan attainment by period, with what chance alone can move, against 100 %.

    Parameters
    ----------
    table : DataFrame
        As `target_attainment` gives it without ``by``.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        If the table has no row with a target, or a period twice (a table with ``by``).
    """
    known = table[table["attainment"].notna()]
    if not len(known) or known.duplicated(["period_start", "period_end"]).any():
        message = "plot_target_attainment draws one group at a time: filter the table first."
        raise InputError(message)
    ax = _axes(ax)
    place = np.arange(len(known))[::-1]
    ax.axvline(1, color=INK, linewidth=1)
    _points(ax, known, "attainment", place, faint=~known["is_complete"].to_numpy())
    names = [
        f"{row.period_start:%b %Y}–{row.period_end:%b %Y}" + ("" if row.is_complete else "\nso far")
        + f"\nof {money(float(str(row.target)))}"
        for row in known.itertuples()
    ]  # fmt: skip
    ax.set_yticks(place, names)
    ax.set_ylim(-0.6, len(known) - 0.4)
    ax.set_xlim(0, max(1.1, 1.05 * float(known["attainment_high"].max())))
    _percent(ax)
    ax.set_xlabel("Actual against target, with what chance alone can move")
    return ax


def _axes(ax: Axes | None) -> Axes:
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots()[1]
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set_color(GREY)
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    ax.tick_params(axis="x", color=GREY, labelcolor=INK)
    ax.xaxis.label.set_color(INK)
    return ax


def _points(
    ax: Axes,
    table: pd.DataFrame,
    name: str,
    place: np.ndarray,
    *,
    faint: np.ndarray | None = None,
) -> None:
    """Draw estimates as dots on the bars of their intervals, with the figure beside each."""
    rate = table[name].to_numpy()
    low, high = table[f"{name}_low"].to_numpy(), table[f"{name}_high"].to_numpy()
    colours = [GREY if dim else ACCENT for dim in (np.zeros(len(rate)) if faint is None else faint)]
    ax.hlines(place, low, high, color=colours, linewidth=6, alpha=0.35)
    ax.scatter(rate, place, color=colours, s=36, zorder=3)
    for x, y in zip(rate, place, strict=True):
        if np.isfinite(x):
            ax.annotate(f"{100 * x:.0f} %", (x, y), textcoords="offset points", xytext=(0, 8),
                        ha="center", color=INK, fontsize=9)  # fmt: skip


def _percent(ax: Axes) -> None:
    from matplotlib.ticker import PercentFormatter

    ax.xaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    ax.grid(axis="x", color=GREY, alpha=0.25, linewidth=0.6)
    ax.set_axisbelow(True)
