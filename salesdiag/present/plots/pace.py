"""Plots of the running period: its pace, and where it is expected to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.errors import InputError
from salesdiag.present.plots import style
from salesdiag.present.plots.formats import (
    Kind,
    number,
    percent,
)
from salesdiag.present.plots.plan import MONEY, beyond_note, group_and_period, judged
from salesdiag.present.plots.rows import (
    Rows,
    draw_marks,
    draw_rows,
    height_for,
)
from salesdiag.present.plots.tables import (
    interval,
    need,
    values,
    with_interval,
)
from salesdiag.present.plots.words import level_note, say

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def plot_pace(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    """Draw how the running period stands against what it should have brought by now.

    Two rows per group and period: against an even pace over the working days, and against
    the course of earlier periods where there are enough of them.

    Parameters
    ----------
    table : DataFrame
        As `pace` gives it, with or without ``by``.
    ax, language, confidence
        As for `plot_target_attainment`.

    Returns
    -------
    Axes
        100 % is on plan.

    Raises
    ------
    InputError
        If a column is missing or the language is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "period_start": pd.to_datetime(["2025-01-01"]), "n_past_periods": [0],
    ...     "period_end": pd.to_datetime(["2025-03-31"]), "elapsed_share": [0.5],
    ...     "linear_pace": [0.8], "linear_pace_low": [0.6], "linear_pace_high": [1.1],
    ...     "seasonal_pace": [None], "seasonal_pace_low": [None], "seasonal_pace_high": [None],
    ... })
    >>> ax = plot_pace(table, ax=Figure().subplots())
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['Jan–Mar 2025: even pace']
    """
    plot = "plot_pace"
    columns = ["period_start", "period_end", "elapsed_share", "n_past_periods",
               *with_interval("linear_pace", "seasonal_pace")]  # fmt: skip
    table = need(table, columns, plot, language)
    names, figures, counts = [], [], []
    for place, name in enumerate(group_and_period(table, language)):
        for column, what in (("linear_pace", "even pace"), ("seasonal_pace", "as in the past")):
            figure = [float(one[place]) for one in interval(table, column)]
            if column == "seasonal_pace" and np.isnan(figure[0]):
                continue
            names.append(f"{name}: {say(what, language)}")
            figures.append(figure)
            gone = percent(float(table["elapsed_share"][place]), language)
            past = number(float(table["n_past_periods"][place]), language)
            counts.append(
                say("{share} of days gone", language, share=gone)
                if column == "linear_pace"
                else say("periods: {n}", language, n=past)
            )
    ax = style.start(ax, height_for(len(names)))
    title = say("Pace: actual against what was due by now", language)
    if not figures or np.isnan(np.array(figures)[:, 0]).all():
        return style.nothing(ax, title, language)
    value, low, high = np.array(figures).T
    rows = Rows(names, value, low, high, "share", counts, judged(low, high))
    notes = draw_rows(ax, rows, language, reference=1.0)
    ax.set_xlabel(say("Actual as a share of what was due", language))
    said = [level_note(confidence, language), *beyond_note(rows, language)]
    return style.finish(ax, title, [*said, *notes])


def plot_attainment_forecast(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    """Draw where the running period is expected to end, what is booked, and the target.

    Parameters
    ----------
    table : DataFrame
        As `attainment_forecast` gives it, with or without ``by``.
    ax, language, confidence
        As for `plot_target_attainment`.

    Returns
    -------
    Axes
        The point is the forecast on the bar of its range, the stroke the target, the square
        what is booked so far.

    Raises
    ------
    InputError
        If a column is missing, the table mixes money with numbers, or the language is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "period_start": pd.to_datetime(["2025-01-01"]), "metric": ["revenue"],
    ...     "period_end": pd.to_datetime(["2025-03-31"]), "target": [1000.0], "actual": [400.0],
    ...     "forecast": [900.0], "forecast_low": [700.0], "forecast_high": [1100.0],
    ...     "reach_rate": [0.3],
    ... })
    >>> ax = plot_attainment_forecast(table, ax=Figure().subplots())
    >>> ax.get_yticklabels()[0].get_text()
    'Jan–Mar 2025'
    """
    plot = "plot_attainment_forecast"
    columns = ["period_start", "period_end", "metric", "target", "actual", "reach_rate",
               *with_interval("forecast")]  # fmt: skip
    table = need(table, columns, plot, language)
    kind = _kind_of(table, plot)
    ax = style.start(ax, height_for(len(table)))
    title = say("Where the period is expected to end", language)
    if not len(table):
        return style.nothing(ax, title, language)
    chances = ["" if np.isnan(one) else
               say("plan reached in {share}", language, share=percent(float(one), language))
               for one in values(table, "reach_rate")]  # fmt: skip
    rows = Rows(group_and_period(table, language), *interval(table, "forecast"), kind, chances)
    target, actual = values(table, "target"), values(table, "actual")
    notes = draw_rows(ax, rows, language, start=0.0, hold=np.concatenate([target, actual]))
    draw_marks(ax, target, "|", "target")
    draw_marks(ax, actual, "s", "actual")
    ax.set_xlabel(_axis(kind, language))
    said = [level_note(confidence, language), say("stroke: target", language),
            say("square: booked so far", language)]  # fmt: skip
    return style.finish(ax, title, [*said, *notes])


def _kind_of(table: pd.DataFrame, plot: str) -> Kind:
    is_money = table["metric"].isin(MONEY)
    if is_money.any() and not is_money.all():
        message = f"{plot} draws money or numbers, not both: filter the table by metric first."
        raise InputError(message)
    return "money" if is_money.all() else "count"


def _axis(kind: Kind, language: str) -> str:
    text = "Amount, in the department's currency" if kind == "money" else "Number"
    return say(text, language)
