"""Plots of the plan: attainment, its spread over reps, pace and forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.errors import InputError
from salesdiag.present.plots import style
from salesdiag.present.plots.formats import number, percent, write
from salesdiag.present.plots.rows import (
    Rows,
    Tone,
    draw_rows,
    draw_spread,
    height_for,
)
from salesdiag.present.plots.tables import (
    groups_of,
    interval,
    need,
    periods_of,
    values,
    with_interval,
)
from salesdiag.present.plots.words import say

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MONEY = ("revenue", "margin")


def plot_target_attainment(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    """Draw plan attainment, with the band that chance alone can move it in, against 100 %.

    Parameters
    ----------
    table : DataFrame
        As `target_attainment` gives it: the periods of one group, or the groups of one period.
        Filter a table of several groups and periods first.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    language : {"en", "ru", "vi"}, default "en"
        Of all words and figures.
    confidence : float, default 0.95
        Level that the intervals were asked for, which the table does not hold; said in the note.

    Returns
    -------
    Axes
        Rows without an attainment are not drawn. A band wholly below 100 % is marked with a
        triangle that points down, one wholly above with one that points up; running periods
        are grey.

    Raises
    ------
    InputError
        If a column is missing, the table holds several groups and several periods, or the
        language is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "period_start": pd.to_datetime(["2025-01-01"]),
    ...     "period_end": pd.to_datetime(["2025-03-31"]), "is_complete": [True],
    ...     "target": [1000.0], "attainment": [0.8], "attainment_low": [0.6],
    ...     "attainment_high": [1.1],
    ... })
    >>> ax = plot_target_attainment(table, ax=Figure().subplots())
    >>> ax.get_yticklabels()[0].get_text()
    'Jan–Mar 2025'
    """
    plot = "plot_target_attainment"
    columns = ["period_start", "period_end", "is_complete", "target", *with_interval("attainment")]
    table = need(table, columns, plot, language)
    table = table[table["attainment"].notna()].reset_index(drop=True)
    names = _names_of_rows(table, plot, language)
    ax = style.start(ax, height_for(len(table)))
    title = say("Actual against target", language)
    if not len(table):
        return style.nothing(ax, title, language)
    counts = [say("of {target}", language, target=_amount(table, place, "target", language))
              for place in range(len(table))]  # fmt: skip
    rows = Rows(names, *interval(table, "attainment"), "share", counts, _tones(table, "attainment"))
    notes = draw_rows(ax, rows, language, reference=1.0, start=0.0)
    ax.set_xlabel(say("Attainment: actual as a share of the target", language))
    events = table["n_events"].sum() if "n_events" in table else None
    said = [
        "" if events is None else say("cases behind it: {n}", language, n=number(events, language)),
        say(
            "bars: what chance alone can move, {level}",
            language,
            level=percent(confidence, language),
        ),
        *beyond_note(rows, language),
    ]
    return style.finish(ax, title, [*said, *notes])


def plot_attainment_distribution(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    """Draw how the attainment of reps spreads, and what share of them reached the target.

    Parameters
    ----------
    table : DataFrame
        As `attainment_distribution` gives it, with or without ``by``.
    ax, language, confidence
        As for `plot_target_attainment`.

    Returns
    -------
    Axes
        The thin line runs from the lowest to the highest rep, the wide one over the middle half;
        the hollow point is the median. The share that reached the target stands on the right
        with its interval.

    Raises
    ------
    InputError
        If a column is missing or the language is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "period_start": pd.to_datetime(["2025-01-01"]), "n_reps": [8],
    ...     "period_end": pd.to_datetime(["2025-03-31"]), "lowest_attainment": [0.2],
    ...     "lower_quartile_attainment": [0.6], "median_attainment": [0.9],
    ...     "upper_quartile_attainment": [1.1], "highest_attainment": [1.7],
    ...     "participation_rate": [0.4], "participation_rate_low": [0.2],
    ...     "participation_rate_high": [0.7],
    ... })
    >>> ax = plot_attainment_distribution(table, ax=Figure().subplots())
    >>> ax.get_yticklabels()[0].get_text()
    'Jan–Mar 2025'
    """
    plot = "plot_attainment_distribution"
    quantiles = [f"{one}_attainment" for one in ("lowest", "lower_quartile", "median",
                                                 "upper_quartile", "highest")]  # fmt: skip
    columns = ["period_start", "period_end", "n_reps", *quantiles,
               *with_interval("participation_rate")]  # fmt: skip
    table = need(table, columns, plot, language)
    ax = style.start(ax, height_for(len(table)))
    title = say("Attainment of the reps, and how many reached the target", language)
    lowest, lower, median, upper, highest = (values(table, one) for one in quantiles)
    if not np.isfinite(median).any():
        return style.nothing(ax, title, language)
    none = np.full(len(table), np.nan)
    met = Rows([""] * len(table), *interval(table, "participation_rate"), "share")
    counts = [
        say("reached by {share}", language, share=met.figure(place, language))
        + f", n = {number(n, language)}"
        for place, n in enumerate(table["n_reps"])
    ]
    rows = Rows(group_and_period(table, language), median, none, none, "share", counts)
    draw_spread(ax, lowest, highest, thin=True)
    draw_spread(ax, lower, upper)
    draw_rows(ax, rows, language, reference=1.0, start=0.0, hold=np.minimum(highest, 4.0))
    ax.set_xlabel(say("Attainment of a rep", language))
    said = [
        say("circle: median", language),
        say("grey: the middle half, and lowest to highest", language),
        say("in brackets: {level} interval of the share", language,
            level=percent(confidence, language)),
    ]  # fmt: skip
    return style.finish(ax, title, said)


def _names_of_rows(table: pd.DataFrame, plot: str, language: str) -> list[str]:
    """Name rows by period, or by group where there is one period; refuse what is neither."""
    groups = groups_of(table, "period_start", language)
    n_periods = len(table.drop_duplicates(["period_start", "period_end"]))
    if len(set(groups)) > 1 and n_periods == 1 and len(set(groups)) == len(table):
        return groups
    if len(set(groups)) > 1 or n_periods < len(table):
        message = (
            f"{plot} draws one group at a time, or one period: filter the table first, "
            "for example table[table['team'] == 'North']."
        )
        raise InputError(message)
    return [
        when + ("" if done else f", {say('so far', language)}")
        for when, done in zip(periods_of(table, language), table["is_complete"], strict=True)
    ]


def group_and_period(table: pd.DataFrame, language: str) -> list[str]:
    """Name rows by group and period, leaving out what is the same in all rows."""
    groups = groups_of(table, "period_start", language)
    periods = periods_of(table, language)
    if not any(groups):
        return periods
    if len(set(periods)) <= 1:
        return groups
    return [f"{group}, {when}" for group, when in zip(groups, periods, strict=True)]


def _amount(table: pd.DataFrame, place: int, column: str, language: str) -> str:
    counted = "metric" in table and table["metric"][place] not in MONEY
    return write(float(table[column][place]), "count" if counted else "money", language)


def _tones(table: pd.DataFrame, column: str) -> list[Tone]:
    _, low, high = interval(table, column)
    sides = judged(low, high)
    return [tone if done else "faint"
            for tone, done in zip(sides, table["is_complete"], strict=True)]  # fmt: skip


def judged(low: np.ndarray, high: np.ndarray) -> list[Tone]:
    """Mark what lies wholly on one side of the plan."""
    return ["bad" if up < 1 else "good" if down > 1 else "usual"
            for down, up in zip(low, high, strict=True)]  # fmt: skip


def beyond_note(rows: Rows, language: str) -> list[str]:
    """Explain the triangles, where there are any."""
    if {"good", "bad"} & set(rows.tones):
        return [say("triangle: the bar lies wholly on one side of 100 %", language)]
    return []
