"""Plots of activity: with what result it goes, and on which deals it falls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.present.plots import style
from salesdiag.present.plots.curves import Curve, draw_curves
from salesdiag.present.plots.formats import number, percent
from salesdiag.present.plots.heat import Heat, draw_heat
from salesdiag.present.plots.rows import Rows, Tone, draw_rows, height_for
from salesdiag.present.plots.tables import (
    groups_of,
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


def plot_activity_dose(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    """Draw result by range of activity per open deal, against the lowest range.

    Parameters
    ----------
    table : DataFrame
        As `activity_dose` gives it. Up to six groups are drawn.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    language : {"en", "ru", "vi"}, default "en"
        Of all words and figures.
    confidence : float, default 0.95
        Level that the intervals were asked for, which the table does not hold; said in the note.

    Returns
    -------
    Axes
        One point per range at the mean dose of its rep-periods; the line at 1 is the lowest.

    Raises
    ------
    InputError
        If a column is missing or the language is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "activity_type": ["all"] * 2, "result": ["deals_won"] * 2, "dose_bin": [1, 2],
    ...     "mean_dose": [0.5, 1.5], "n_reps": [9, 9], "n_rep_periods": [80, 80],
    ...     "result_ratio": [1.0, 1.3], "result_ratio_low": [1.0, 0.9],
    ...     "result_ratio_high": [1.0, 1.8],
    ... })
    >>> ax = plot_activity_dose(table, ax=Figure().subplots())
    >>> ax.lines[0].get_xdata().tolist()
    [0.5, 1.5]
    """
    plot = "plot_activity_dose"
    columns = ["activity_type", "result", "dose_bin", "mean_dose", "n_reps", "n_rep_periods",
               *with_interval("result_ratio")]  # fmt: skip
    table = need(table, columns, plot, language)
    ax = style.start(ax, 4.0)
    title = say("Result by activity per open deal", language)
    known = table[table["result_ratio"].notna() & table["mean_dose"].notna()]
    if not len(known):
        return style.nothing(ax, title, language)
    groups, n_more = series_of(known, "activity_type", language)
    curves = [
        Curve(name, values(part, "mean_dose"), *interval(part, "result_ratio"), look)
        for look, (name, part) in enumerate(groups)
    ]
    notes = draw_curves(ax, curves, "ratio", "number", language, reference=1.0)
    ax.set_xlabel(say("Activities per open deal and week", language))
    ax.set_ylabel(say("Times the result of the lowest range", language))
    result, kind = known["result"].iloc[0], known["activity_type"].iloc[0]
    said = [
        f"{term(result, language)}, {term(kind, language)}",
        say("rep-periods: {n}", language, n=number(known["n_rep_periods"].sum(), language)),
        say("an association within reps, not an effect", language),
        level_note(confidence, language),
        say("{n} more groups are not drawn", language, n=n_more) if n_more else "",
    ]
    return style.finish(ax, title, [*said, *notes])


def plot_activity_result_correlation(
    table: pd.DataFrame,
    *,
    coefficient: str = "pearson",
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    """Draw how activity goes with result between reps, within reps, and in one heap.

    Three rows per type of activity, side by side, for where they disagree one number misleads.

    Parameters
    ----------
    table : DataFrame
        As `activity_result_correlation` gives it, one group at a time.
    coefficient : {"pearson", "spearman", "partial"}, default "pearson"
        Which of the table's coefficients is drawn.
    ax, language, confidence
        As for `plot_activity_dose`.

    Returns
    -------
    Axes
        An interval wholly above or below 0 is marked with a triangle.

    Raises
    ------
    InputError
        If a column is missing, the table holds several groups, or the language is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "activity_type": ["call"] * 2, "level": ["between", "within"],
    ...     "coefficient": ["pearson"] * 2, "n_reps": [9, 9], "n_rep_periods": [80, 80],
    ...     "correlation": [0.6, -0.1], "correlation_low": [0.2, -0.3],
    ...     "correlation_high": [0.8, 0.1],
    ... })
    >>> ax = plot_activity_result_correlation(table, ax=Figure().subplots())
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['calls: between reps', 'calls: within reps']
    """
    plot = "plot_activity_result_correlation"
    columns = ["activity_type", "level", "coefficient", "n_reps", "n_rep_periods",
               *with_interval("correlation")]  # fmt: skip
    table = need(table, columns, plot, language)
    part = table[table["coefficient"] == coefficient].reset_index(drop=True)
    group = one_group(part, "activity_type", plot, language, twice=["activity_type", "level"])
    ax = style.start(ax, height_for(len(part)))
    title = say("Activity and result: between reps and within reps", language)
    title = titled(title, group)
    if not part["correlation"].notna().any():
        return style.nothing(ax, title, language)
    names = [f"{term(kind, language)}: {term(level, language)}"
             for kind, level in zip(part["activity_type"], part["level"], strict=True)]  # fmt: skip
    value, low, high = interval(part, "correlation")
    tones: list[Tone] = ["good" if down > 0 else "bad" if up < 0 else "usual"
                         for down, up in zip(low, high, strict=True)]  # fmt: skip
    counts = [f"n = {number(n, language)}" for n in np.where(
        part["level"] == "between", part["n_reps"], part["n_rep_periods"])]  # fmt: skip
    rows = Rows(names, value, low, high, "ratio", counts, tones)
    notes = draw_rows(ax, rows, language, reference=0.0, start=-1.0, end=1.0)
    ax.set_xlabel(say("Correlation", language))
    said = [
        term(coefficient, language),
        say("n: reps, or rep-periods", language),
        say("triangle: the bar lies wholly on one side of 0", language)
        if {*tones} - {"usual"}
        else "",
        say("no effect of activity: see the effect analysis", language),
        level_note(confidence, language),
    ]
    return style.finish(ax, title, [*said, *notes])


def plot_deal_coverage(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    """Draw as a heat map which share of its deals each group leaves without work.

    Columns: deals never touched, open deals without a touch of late, without a next step, and
    with an overdue task. The darker, the worse.

    Parameters
    ----------
    table : DataFrame
        As `deal_coverage` gives it, with or without ``by``; one row per group.
    ax, language, confidence
        As for `plot_activity_dose`.

    Returns
    -------
    Axes
        Figures and intervals stand in the cells as long as there is room for a line per group.

    Raises
    ------
    InputError
        If a column is missing or the language is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> shares = ["never_touched", "touched", "no_next_step", "overdue_deal"]
    >>> shares = {f"{one}_share{end}": [0.2] for one in shares for end in ("", "_low", "_high")}
    >>> table = pd.DataFrame({"team": ["North"], "status": ["open"], "within_days": [30],
    ...                       "n_deals": [60], **shares})
    >>> ax = plot_deal_coverage(table, ax=Figure().subplots())
    >>> ax.get_yticklabels()[0].get_text()
    'North (60)'
    """
    plot = "plot_deal_coverage"
    shares = ["never_touched_share", "touched_share", "no_next_step_share", "overdue_deal_share"]
    table = need(
        table, ["status", "within_days", "n_deals", *with_interval(*shares)], plot, language
    )
    ax = style.start(ax, height_for(len(table)))
    title = say("Deals left without work", language)
    if not len(table):
        return style.nothing(ax, title, language)
    value, low, high = (
        np.column_stack([one[end] for one in (interval(table, share) for share in shares)])
        for end in range(3)
    )
    # touched of late is good; its complement is as bad as the others
    value[:, 1], low[:, 1], high[:, 1] = 1 - value[:, 1], 1 - high[:, 1], 1 - low[:, 1]
    days = number(float(table["within_days"].iloc[0]), language)
    heads = [
        say("never touched", language),
        say("not in the last {n} days", language, n=days),
        say("no next step", language),
        say("overdue task", language),
    ]
    names = [
        f"{name or say('all', language)} ({number(n, language)})"
        for name, n in zip(groups_of(table, "status", language), table["n_deals"], strict=True)
    ]
    notes = draw_heat(ax, Heat(names, value, low, high, "share"), language)
    said = [
        say("share of the deals; their number after the name", language),
        say(
            "in brackets: {level} interval of the share",
            language,
            level=percent(confidence, language),
        ),
    ]
    below = {place + 0.5: head for place, head in enumerate(heads)}
    return style.finish(ax, title, [*said, *notes], below=below)
