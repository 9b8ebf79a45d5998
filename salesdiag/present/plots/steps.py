"""Plots of newcomers and of the steps at which reps are strong or weak."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.present.plots import style
from salesdiag.present.plots.curves import Curve, draw_curves
from salesdiag.present.plots.formats import (
    number,
    percent,
)
from salesdiag.present.plots.heat import Heat, draw_heat
from salesdiag.present.plots.names import clean
from salesdiag.present.plots.rows import (
    height_for,
)
from salesdiag.present.plots.tables import (
    interval,
    need,
    one_group,
    series_of,
    titled,
    values,
    with_interval,
)
from salesdiag.present.plots.words import level_note, say, term

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def plot_strengths(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    """Draw as a heat map where each rep is strong or weak along the funnel.

    Shown is the shrunken difference to the rate of all at like deals, in percent points.

    Parameters
    ----------
    table : DataFrame
        As `strengths` gives it, one group at a time: filter a table with ``by`` first.
    ax, language, confidence
        As for `plot_activity_dose`.

    Returns
    -------
    Axes
        Reps in the order of the table; a dash where there are too few deals to tell.

    Raises
    ------
    InputError
        If a column is missing, the table holds several groups, or the language is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "unit": ["rep_id"], "unit_id": ["R1"], "from_stage": ["lead"], "to_stage": ["offer"],
    ...     "n_from": [80], "shrunken_difference": [-0.05], "shrunken_difference_low": [-0.1],
    ...     "shrunken_difference_high": [0.01],
    ... })
    >>> ax = plot_strengths(table, ax=Figure().subplots())
    >>> ax.get_yticklabels()[0].get_text()
    'R1'
    """
    plot = "plot_strengths"
    columns = ["unit_id", "from_stage", "to_stage", "n_from", *with_interval("shrunken_difference")]
    table = need(table, columns, plot, language)
    first = "unit" if "unit" in table.columns else "unit_id"
    group = one_group(table, first, plot, language, twice=["unit_id", "from_stage"])
    units, steps = list(dict.fromkeys(table["unit_id"])), list(dict.fromkeys(table["from_stage"]))
    ax = style.start(ax, height_for(len(units)))
    title = say("Strong and weak steps, against like deals", language)
    title = titled(title, group)
    if not table["shrunken_difference"].notna().any():
        return style.nothing(ax, title, language)
    grids = [np.full((len(units), len(steps)), np.nan) for _ in range(3)]
    where = (table["unit_id"].map(units.index), table["from_stage"].map(steps.index))
    for grid, cells in zip(grids, interval(table, "shrunken_difference"), strict=True):
        grid[where] = cells
    names, heads = [term(one, language) for one in units], [clean(one, 20) for one in steps]
    heat = Heat(names, grids[0], grids[1], grids[2], "share", is_signed=True)
    notes = draw_heat(ax, heat, language)
    said = [
        say("percent points above or below all, after shrinkage", language),
        say("columns: the stage being left", language),
        say("in brackets: {level} interval of the share", language,
            level=percent(confidence, language)),
        say("{dash}: too few to tell", language, dash="–"),
    ]  # fmt: skip
    below = {place + 0.5: head for place, head in enumerate(heads)}
    return style.finish(ax, title, [*said, *notes], below=below)


def plot_ramp(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    """Draw what newcomers bring by month of tenure, as a share of what the tenured bring.

    Parameters
    ----------
    table : DataFrame
        As `ramp` gives it. Up to six groups are drawn.
    ax, language, confidence
        As for `plot_rep_scorecard`.

    Returns
    -------
    Axes
        The line at 100 % is the tenured in the same months. Of one group the cross is the ratio
        of those still here alone, which flatters.

    Raises
    ------
    InputError
        If a column is missing or the language is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "metric": ["wins"] * 2, "tenure_month": [1, 2], "n_reps": [4, 4],
    ...     "ramp_ratio": [0.2, 0.5], "ramp_ratio_low": [0.1, 0.2], "ramp_ratio_high": [0.5, 0.9],
    ...     "survivors_ratio": [0.2, 0.6],
    ... })
    >>> ax = plot_ramp(table, ax=Figure().subplots())
    >>> ax.lines[0].get_ydata().tolist()
    [0.2, 0.5]
    """
    plot = "plot_ramp"
    columns = ["metric", "tenure_month", "n_reps", *with_interval("ramp_ratio"), "survivors_ratio"]
    table = need(table, columns, plot, language)
    ax = style.start(ax, 4.0)
    title = say("Newcomers against the tenured, by month of tenure", language)
    if not table["ramp_ratio"].notna().any():
        return style.nothing(ax, title, language)
    groups, n_more = series_of(table, "metric", language)
    curves = [
        Curve(name, values(part, "tenure_month"), *interval(part, "ramp_ratio"), look)
        for look, (name, part) in enumerate(groups)
    ]
    notes = draw_curves(ax, curves, "share", "count", language, low=0.0, reference=1.0)
    crosses = len(groups) == 1 and bool(table["survivors_ratio"].notna().any())
    if crosses:
        ax.scatter(values(table, "tenure_month"), values(table, "survivors_ratio"), marker="x",
                   s=20, color=style.INK, linewidths=1, zorder=4, label="survivors")  # fmt: skip
    ax.set_xlabel(say("Month of tenure", language))
    ax.set_ylabel(say("Share of what the tenured bring", language))
    most = table["n_reps"].max()
    said = [
        say("newcomers: {n}", language, n=number(most, language)),
        say("line at 100 %: the tenured in the same months", language),
        say("cross: only those still here", language) if crosses else "",
        level_note(confidence, language),
        say("{n} more groups are not drawn", language, n=n_more) if n_more else "",
    ]
    return style.finish(ax, title, [*said, *notes])
