"""Plots of the open pipeline: how long deals wait, which are too old, what they cover."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.present.plots import style
from salesdiag.present.plots.formats import money, number, write
from salesdiag.present.plots.names import clean
from salesdiag.present.plots.rows import (
    Rows,
    Tone,
    draw_marks,
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
from salesdiag.present.plots.words import level_note, say, term

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def plot_time_in_stage(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    """Draw how long deals wait in each stage, and how long the open ones have waited.

    Parameters
    ----------
    table : DataFrame
        As `time_in_stage` gives it, with or without ``by``.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    language : {"en", "ru", "vi"}, default "en"
        Of all words and figures.
    confidence : float, default 0.95
        Level that the intervals were asked for, which the table does not hold; said in the note.

    Returns
    -------
    Axes
        The point is the median wait with its interval, the wide grey bar the middle half, the
        square the median age in the stage of the deals that are open there now.

    Raises
    ------
    InputError
        If a column is missing or the language is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "stage": ["lead"], "n_deals": [90], "median_days": [12.0], "median_days_low": [10.0],
    ...     "median_days_high": [14.0], "lower_quartile_days": [5.0],
    ...     "upper_quartile_days": [20.0], "slowest_tenth_days": [40.0],
    ...     "open_median_days": [25.0], "n_open_now": [7],
    ... })
    >>> ax = plot_time_in_stage(table, ax=Figure().subplots())
    >>> ax.get_yticklabels()[0].get_text()
    'lead'
    """
    plot = "plot_time_in_stage"
    spread = ["lower_quartile_days", "upper_quartile_days", "slowest_tenth_days"]
    columns = ["stage", "n_deals", *spread, "open_median_days", "n_open_now",
               *with_interval("median_days")]  # fmt: skip
    table = need(table, columns, plot, language)
    ax = style.start(ax, height_for(len(table)))
    title = say("How long deals wait in a stage, and how old the open ones are", language)
    if not table[["median_days", "open_median_days"]].notna().any(axis=None):
        return style.nothing(ax, title, language)
    lower, upper, tenth = (values(table, one) for one in spread)
    draw_spread(ax, lower, tenth, thin=True)
    draw_spread(ax, lower, upper)
    counts = [
        say("n = {n}, open {open}", language, n=number(n, language), open=number(now, language))
        for n, now in zip(table["n_deals"], table["n_open_now"], strict=True)
    ]
    rows = Rows(_stages(table, language), *interval(table, "median_days"), "days", counts)
    now = values(table, "open_median_days")
    notes = draw_rows(ax, rows, language, start=0.0, hold=np.concatenate([tenth, now]))
    draw_marks(ax, now, "s", "open")
    ax.set_xlabel(say("Days in the stage", language))
    said = [
        say("point: median", language),
        say("grey: the middle half, line to the slowest tenth", language),
        say("square: median of the deals open now", language),
        level_note(confidence, language),
    ]
    return style.finish(ax, title, [*said, *notes])


def plot_stalled_deals(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    """Draw which share of the open deals is older than deals that still win.

    Parameters
    ----------
    table : DataFrame
        As `stalled_deals` gives it, with or without ``by``.
    ax, language, confidence
        As for `plot_time_in_stage`.

    Returns
    -------
    Axes
        The age beyond which a deal counts as stalled stands after the name of the stage.

    Raises
    ------
    InputError
        If a column is missing or the language is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "stage": ["lead"], "clock": ["stage"], "threshold_days": [45.0], "n_open": [40],
    ...     "n_stalled": [10], "stalled_amount": [900.0], "stalled_share": [0.25],
    ...     "stalled_share_low": [0.14], "stalled_share_high": [0.4],
    ... })
    >>> ax = plot_stalled_deals(table, ax=Figure().subplots())
    >>> ax.get_yticklabels()[0].get_text()
    'lead, over 45 days'
    """
    plot = "plot_stalled_deals"
    columns = ["stage", "clock", "threshold_days", "n_open", "n_stalled", "stalled_amount",
               *with_interval("stalled_share")]  # fmt: skip
    table = need(table, columns, plot, language)
    ax = style.start(ax, height_for(len(table)))
    title = say("Open deals older than deals that still win", language)
    if not len(table):
        return style.nothing(ax, title, language)
    names = [
        name
        if np.isnan(days)
        else f"{name}, " + say("over {n} days", language, n=number(days, language))
        for name, days in zip(
            _stages(table, language), values(table, "threshold_days"), strict=True
        )
    ]
    counts = [
        say("{n} of {all}", language, n=number(n, language), all=number(whole, language))
        + ("" if np.isnan(amount) else f", {money(amount, language)}")
        for n, whole, amount in zip(table["n_stalled"], table["n_open"],
                                    values(table, "stalled_amount"), strict=True)
    ]  # fmt: skip
    rows = Rows(names, *interval(table, "stalled_share"), "share", counts)
    notes = draw_rows(ax, rows, language, start=0.0)
    ax.set_xlabel(say("Share of the open deals", language))
    said = [say("right: stalled of all open, and their amount", language),
            level_note(confidence, language)]  # fmt: skip
    return style.finish(ax, title, [*said, *notes])


def plot_pipeline_snapshot(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    """Draw what the open deals of each stage carry, and what is to be expected of them.

    Parameters
    ----------
    table : DataFrame
        As `pipeline_snapshot` gives it, with or without ``by``.
    ax, language, confidence
        As for `plot_time_in_stage`.

    Returns
    -------
    Axes
        The point is the expected amount with its interval, the stroke what the deals carry.
        Their mean age stands after the name of the stage.

    Raises
    ------
    InputError
        If a column is missing or the language is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "snapshot_on": pd.to_datetime(["2025-12-31"]), "is_rebuilt": [True], "stage": ["lead"],
    ...     "n_open": [40], "open_amount": [9000.0], "mean_age_days": [31.0],
    ...     "expected_amount": [2000.0], "expected_amount_low": [900.0],
    ...     "expected_amount_high": [3500.0],
    ... })
    >>> ax = plot_pipeline_snapshot(table, ax=Figure().subplots())
    >>> ax.get_yticklabels()[0].get_text()
    'lead, age 31 days'
    """
    plot = "plot_pipeline_snapshot"
    columns = ["snapshot_on", "stage", "n_open", "open_amount", "mean_age_days",
               *with_interval("expected_amount")]  # fmt: skip
    table = need(table, columns, plot, language)
    ax = style.start(ax, height_for(len(table)))
    title = say("What is open, how old it is, and what to expect of it", language)
    if not table[["expected_amount", "open_amount"]].notna().any(axis=None):
        return style.nothing(ax, title, language)
    names = [
        name
        if np.isnan(days)
        else f"{name}, " + say("age {n} days", language, n=number(days, language))
        for name, days in zip(
            _stages(table, language, "snapshot_on"), values(table, "mean_age_days"), strict=True
        )
    ]
    amount = values(table, "open_amount")
    counts = [
        say("of {target}", language, target=write(float(whole), "money", language))
        + f", n = {number(n, language)}"
        for whole, n in zip(amount, table["n_open"], strict=True)
    ]
    rows = Rows(names, *interval(table, "expected_amount"), "money", counts)
    notes = draw_rows(ax, rows, language, start=0.0, hold=amount)
    draw_marks(ax, amount, "|", "open")
    ax.set_xlabel(say("Amount, in the department's currency", language))
    said = [
        say("point: expected of it", language),
        say("stroke: amount of the open deals", language),
        level_note(confidence, language),
    ]
    return style.finish(ax, title, [*said, *notes])


def plot_coverage(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    """Draw how many times the pipeline covers what is left of the target, and must cover it.

    Parameters
    ----------
    table : DataFrame
        As `coverage` gives it, with or without ``by``.
    ax, language, confidence
        As for `plot_time_in_stage`.

    Returns
    -------
    Axes
        The point is the coverage needed with its interval, the square the coverage there is.

    Raises
    ------
    InputError
        If a column is missing or the language is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "period_start": pd.to_datetime(["2025-01-01"]), "left": [500.0], "n_open": [30],
    ...     "period_end": pd.to_datetime(["2025-03-31"]), "coverage_ratio": [2.0],
    ...     "needed_ratio": [3.1], "needed_ratio_low": [2.4], "needed_ratio_high": [4.0],
    ... })
    >>> ax = plot_coverage(table, ax=Figure().subplots())
    >>> ax.get_yticklabels()[0].get_text()
    'Jan–Mar 2025'
    """
    plot = "plot_coverage"
    columns = ["period_start", "period_end", "left", "n_open", "coverage_ratio",
               *with_interval("needed_ratio")]  # fmt: skip
    table = need(table, columns, plot, language)
    ax = style.start(ax, height_for(len(table)))
    title = say("Pipeline against what is left of the target", language)
    has = values(table, "coverage_ratio")
    if not np.isfinite([*has, *values(table, "needed_ratio")]).any():
        return style.nothing(ax, title, language)
    periods = periods_of(table, language)
    groups = groups_of(table, "period_start", language)
    several = len(set(periods)) > 1
    names = [when if not group else f"{group}, {when}" if several else group
             for group, when in zip(groups, periods, strict=True)]  # fmt: skip
    needed, low, high = interval(table, "needed_ratio")
    tones: list[Tone] = ["bad" if one < down else "usual"
                         for one, down in zip(has, low, strict=True)]  # fmt: skip
    counts = [say("there is {ratio}, n = {n}", language, ratio=number(ratio, language, 1),
                  n=number(n, language))
              for ratio, n in zip(has, table["n_open"], strict=True)]  # fmt: skip
    rows = Rows(names, needed, low, high, "number", counts, tones)
    notes = draw_rows(ax, rows, language, start=0.0, hold=has)
    draw_marks(ax, has, "s", "coverage")
    ax.set_xlabel(say("Open pipeline over what is left of the target, times", language))
    said = [say("point: needed", language), say("square: there is", language),
            say("triangle: there is less than needed", language) if "bad" in tones else "",
            level_note(confidence, language)]  # fmt: skip
    return style.finish(ax, title, [*said, *notes])


def _stages(table: pd.DataFrame, language: str, first: str = "stage") -> list[str]:
    return [
        f"{group}: {_stage(stage, language)}" if group else _stage(stage, language)
        for group, stage in zip(groups_of(table, first, language), table["stage"], strict=True)
    ]  # fmt: skip


def _stage(stage: object, language: str) -> str:
    """Name a stage; those that are none ("unassigned") are words of the table."""
    return term(stage, language) if stage in ("unassigned", "all stages") else clean(stage, 24)
