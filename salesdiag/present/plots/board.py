"""The results board: leads, closed deals and sales volume by week."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.present.plots import style
from salesdiag.present.plots.formats import Kind, day_text, money, number
from salesdiag.present.plots.names import thinned
from salesdiag.present.plots.tables import need, values
from salesdiag.present.plots.words import say

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_PANELS: tuple[tuple[str, str, Kind], ...] = (
    ("n_leads", "Leads", "count"),
    ("n_won", "Closed deals", "count"),
    ("won_amount", "Sales volume", "money"),
)
_EARLIER = {"n_leads": "earlier_leads", "n_won": "earlier_won", "won_amount": "earlier_amount"}


def plot_results_board(
    table: pd.DataFrame, *, ax: Axes | None = None, language: str = "en"
) -> Axes:
    """Draw leads, closed deals and sales volume by week, above each other.

    These are counts of what happened and carry no interval; single weeks scatter by chance.

    Parameters
    ----------
    table : DataFrame
        Of `salesdiag.plan.results_board`, one group of it: ``week_start``, ``n_leads``,
        ``n_won``, ``won_amount``; optional are the same weeks a year before:
        ``earlier_leads``, ``earlier_won``, ``earlier_amount``.
    ax : Axes, optional
        Where to draw; a new figure otherwise. The three panels are laid inside it
        (`Axes.child_axes`).
    language : {"en", "ru", "vi"}, default "en"
        Of all words and figures.

    Returns
    -------
    Axes
        The dashed grey line is the same weeks a year before, where the table holds them.

    Raises
    ------
    InputError
        If a column is missing, a week stands twice, or the language is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "week_start": pd.to_datetime(["2025-01-06", "2025-01-13"]), "n_leads": [30, 25],
    ...     "n_won": [4, 6], "won_amount": [900.0, 1500.0],
    ... })
    >>> ax = plot_results_board(table, ax=Figure().subplots())
    >>> [len(panel.lines) for panel in ax.child_axes]
    [1, 1, 1]
    """
    plot = "plot_results_board"
    table = need(table, ["week_start", *[column for column, _, _ in _PANELS]], plot, language)
    ax = style.start(ax, 5.2)
    title = say("Results board: leads, closed deals and sales volume by week", language)
    if not len(table):
        return style.nothing(ax, title, language)
    _refuse_twice(table, plot)
    table = table.sort_values("week_start", ignore_index=True)
    ax.set_axis_off()
    has_before = False
    for place, (column, name, kind) in enumerate(_PANELS):
        panel = style.start(ax.inset_axes((0.0, 0.70 - 0.35 * place, 1.0, 0.25)), 0)
        has_before |= _draw_panel(panel, table, column, kind, language)
        unit = f", {say('in the currency of the department', language)}" if kind == "money" else ""
        total = values(table, column)
        if column == "n_leads" and set(table.get("entry_basis", ())) == {"deals"}:
            name = "Deals created"
        whole = money(np.nansum(total), language) if kind == "money" else number(
            np.nansum(total), language)  # fmt: skip
        panel.set_title(f"{say(name, language)}{unit}: {whole}", loc="left", fontsize=style.TEXT,
                        color=style.INK, pad=3)  # fmt: skip
        last = place == len(_PANELS) - 1
        _weeks(panel, table, language, named=last)
        if last:
            panel.set_xlabel(say("Week that begins on", language))
    said = [
        say("weeks: {n}", language, n=len(table)),
        say("counts, without interval", language),
        say("grey, dashed: the same weeks a year before", language) if has_before else "",
    ]
    return style.finish(ax, title, said)


def _refuse_twice(table: pd.DataFrame, plot: str) -> None:
    if table["week_start"].duplicated().any():
        from salesdiag.errors import InputError

        message = f"{plot} draws one group at a time: a week stands twice, so filter the table."
        raise InputError(message)


def _draw_panel(panel: Axes, table: pd.DataFrame, column: str, kind: Kind, language: str) -> bool:
    """Draw one measure; tell whether it has a year before."""
    place = np.arange(len(table))
    now = values(table, column)
    earlier = _EARLIER[column]
    before = values(table, earlier) if earlier in table else None
    if before is not None:
        panel.plot(place, before, color=style.GREY, linestyle="--", linewidth=1,
                   label="year before")  # fmt: skip
    # a dot on each week as long as they can be told apart: one week alone has no line
    panel.plot(place, now, color=style.ACCENT, linewidth=1.4, label="now",
               marker="o" if len(table) <= 60 else None, markersize=2.6)  # fmt: skip
    tops = [now, *([before] if before is not None else [])]
    top = max((float(np.nanmax(one)) for one in tops if np.isfinite(one).any()), default=1.0)
    low = min((float(np.nanmin(one)) for one in tops if np.isfinite(one).any()), default=0.0)
    panel.set_ylim(min(0.0, 1.1 * low), 1.1 * top if top > 0 else 1.0)
    style.scale(panel.yaxis, kind, language)
    panel.yaxis.get_major_locator().set_params(nbins=4)  # type: ignore[call-arg]
    return before is not None and bool(np.isfinite(before).any())


def _weeks(panel: Axes, table: pd.DataFrame, language: str, *, named: bool) -> None:
    """Name as many weeks as there is room for, with the year where it is new."""
    n_weeks = len(table)
    panel.set_xlim(-0.5, n_weeks - 0.5)
    shown = np.flatnonzero(thinned(list(range(n_weeks)), max(1.0, n_weeks / 9)))
    panel.set_xticks(shown)
    if not named:
        panel.set_xticklabels([])
        return
    names, year = [], None
    for one in shown:
        day = table["week_start"][one]
        names.append(day_text(day, language, year=False) + ("" if day.year == year else
                                                            f"\n{day.year}"))  # fmt: skip
        year = day.year
    panel.set_xticklabels(names, parse_math=False)
