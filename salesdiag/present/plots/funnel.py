"""Plots of the funnel: where deals go on, how they end, and what share is won."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.present.plots import style
from salesdiag.present.plots.curves import Curve, draw_curves
from salesdiag.present.plots.formats import number
from salesdiag.present.plots.names import clean
from salesdiag.present.plots.rows import Rows, draw_rows, height_for
from salesdiag.present.plots.tables import (
    groups_of,
    interval,
    need,
    one_group,
    periods_of,
    series_of,
    titled,
    values,
    with_interval,
)
from salesdiag.present.plots.words import level_note, say, term

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def plot_stage_conversion(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    """Draw conversion from stage to stage as points with their intervals.

    Parameters
    ----------
    table : DataFrame
        As `stage_conversion` gives it, one group at a time: filter a table with ``by`` first.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    language : {"en", "ru", "vi"}, default "en"
        Of all words and figures.
    confidence : float, default 0.95
        Level that the intervals were asked for, which the table does not hold; said in the note.

    Returns
    -------
    Axes
        Steps from the first on top. An empty table gives the words "No data".

    Raises
    ------
    InputError
        If a column is missing, the table holds several groups, or the language is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "from_stage": ["lead"], "to_stage": ["offer"], "n_from": [40],
    ...     "conversion_rate": [0.5], "conversion_rate_low": [0.35], "conversion_rate_high": [0.65],
    ... })
    >>> ax = plot_stage_conversion(table, ax=Figure().subplots())
    >>> ax.get_yticklabels()[0].get_text()
    'lead → offer'
    """
    plot = "plot_stage_conversion"
    columns = ["from_stage", "to_stage", "n_from", *with_interval("conversion_rate")]
    table = need(table, columns, plot, language)
    group = one_group(table, "from_stage", plot, language, twice=["from_stage"])
    ax = style.start(ax, height_for(len(table)))
    title = titled(say("Deals that go on from stage to stage", language), group)
    if not len(table):
        return style.nothing(ax, title, language)
    steps = [f"{clean(row.from_stage, 18)} → {clean(row.to_stage, 18)}"
             for row in table.itertuples()]  # fmt: skip
    rows = Rows(
        steps, *interval(table, "conversion_rate"), "share", _counts(table, "n_from", language)
    )
    notes = draw_rows(ax, rows, language, start=0.0, end=1.0)
    ax.set_xlabel(say("Share of the deals that reached the stage", language))
    return style.finish(ax, title, [level_note(confidence, language), *notes])


def plot_outcome_incidence(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    """Draw the share of deals won, lost and without a decision by their age.

    The competing outcomes and what is still open add up to all deals at every age.

    Parameters
    ----------
    table : DataFrame
        As `outcome_incidence` gives it, one group at a time.
    ax, language, confidence
        As for `plot_stage_conversion`.

    Returns
    -------
    Axes
        One curve per outcome, named at its end.

    Raises
    ------
    InputError
        As for `plot_stage_conversion`.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "age_days": [30.0, 60.0], "outcome": ["won", "won"], "n_deals": [90, 90],
    ...     "is_longest": [False, False], "incidence_rate": [0.2, 0.3],
    ...     "incidence_rate_low": [0.1, 0.2], "incidence_rate_high": [0.3, 0.4],
    ... })
    >>> ax = plot_outcome_incidence(table, ax=Figure().subplots())
    >>> ax.get_xlabel()
    'Age of the deal, days'
    """
    plot = "plot_outcome_incidence"
    columns = ["age_days", "is_longest", "outcome", "n_deals", *with_interval("incidence_rate")]
    table = need(table, columns, plot, language)
    known = table[table["age_days"].notna()]
    group = one_group(known, "age_days", plot, language, ["age_days", "is_longest", "outcome"])
    ax = style.start(ax, 4.2)
    title = titled(say("What becomes of deals, by age", language), group)
    if not known["incidence_rate"].notna().any():
        return style.nothing(ax, title, language)
    curves = []
    for outcome in dict.fromkeys(known["outcome"]):
        part = known[known["outcome"] == outcome].sort_values("age_days")
        part = part.drop_duplicates("age_days")  # the longest age may be one of those asked for
        curves.append(
            Curve(
                term(outcome, language),
                values(part, "age_days"),
                *interval(part, "incidence_rate"),
                _OUTCOMES.get(outcome, 4),
            )
        )
    notes = draw_curves(ax, curves, "share", "days", language, low=0.0, high=1.0)
    ax.set_xlabel(say("Age of the deal, days", language))
    ax.set_ylabel(say("Share of deals", language))
    deals = say("deals: {n}", language, n=number(known["n_deals"].max(), language))
    return style.finish(ax, title, [deals, level_note(confidence, language), *notes])


# places in the list of series: the same look for the same outcome, whatever the table holds
_OUTCOMES = {"won": 0, "lost": 1, "no decision": 2, "open": 3}


def plot_cohort_conversion(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    """Draw the share won within the same time, by when deals were created.

    Cohorts that could not all reach that age are hollow. Up to six groups are drawn.

    Parameters
    ----------
    table : DataFrame
        As `cohort_conversion` gives it.
    ax, language, confidence
        As for `plot_stage_conversion`.

    Returns
    -------
    Axes
        One curve per group, with an interval on each cohort.

    Raises
    ------
    InputError
        If a column is missing or the language is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "cohort_start": pd.to_datetime(["2025-01-01"]), "is_mature": [True],
    ...     "cohort_end": pd.to_datetime(["2025-03-31"]), "n_deals": [80], "horizon_days": [90.0],
    ...     "conversion_rate": [0.3], "conversion_rate_low": [0.2], "conversion_rate_high": [0.4],
    ... })
    >>> ax = plot_cohort_conversion(table, ax=Figure().subplots())
    >>> ax.get_xticklabels()[0].get_text()
    'Jan–Mar 2025'
    """
    plot = "plot_cohort_conversion"
    columns = ["cohort_start", "cohort_end", "n_deals", "horizon_days", "is_mature",
               *with_interval("conversion_rate")]  # fmt: skip
    table = need(table, columns, plot, language)
    ax = style.start(ax, 4.0)
    title = say("Share won within the same time, by day of creation", language)
    if not table["conversion_rate"].notna().any():
        return style.nothing(ax, title, language)
    cohorts = table.drop_duplicates("cohort_start").sort_values("cohort_start")
    spots = {start: place for place, start in enumerate(cohorts["cohort_start"])}
    groups, n_more = series_of(table, "cohort_start", language)
    curves = []
    for look, (name, part) in enumerate(groups):
        ordered = part.sort_values("cohort_start")
        where = np.array([float(spots[one]) for one in ordered["cohort_start"]])
        hollow = ~ordered["is_mature"].astype(bool).to_numpy()
        curves.append(Curve(name, where, *interval(ordered, "conversion_rate"), look, hollow))
    notes = draw_curves(ax, curves, "share", None, language, low=0.0)
    ax.set_xlim(-0.5, len(cohorts) - 0.5)
    names = periods_of(cohorts, language, "cohort_start")
    below = {float(spot): name for spot, name in zip(spots.values(), names, strict=True)}
    ax.set_ylabel(say("Share won", language))
    days = table["horizon_days"].dropna().unique()
    said = [
        say("deals: {n}", language, n=number(table["n_deals"].sum(), language)),
        *[say("won within {n} days", language, n=number(days[0], language)) for _ in days[:1]],
        level_note(confidence, language),
        "" if table["is_mature"].all() else say("hollow: too young to be judged", language),
        more_note(n_more, language),
    ]
    return style.finish(ax, title, [*said, *notes], below=below)


def plot_win_rate(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    """Draw win rates with their intervals, one row per group.

    Groups stand in the order of the table, for a picture sorted by rate would be a league
    table; reps are compared by `plot_rep_scorecard`.

    Parameters
    ----------
    table : DataFrame
        As `win_rate` gives it, with or without ``by``.
    ax, language, confidence
        As for `plot_stage_conversion`.

    Returns
    -------
    Axes
        The line shows the rate of all groups together.

    Raises
    ------
    InputError
        If a column is missing or the language is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "team": ["North"], "population": ["closed"], "n_deals": [80], "n_won": [20],
    ...     "win_rate": [0.25], "win_rate_low": [0.17], "win_rate_high": [0.35],
    ... })
    >>> ax = plot_win_rate(table, ax=Figure().subplots())
    >>> ax.get_yticklabels()[0].get_text()
    'North'
    """
    plot = "plot_win_rate"
    columns = ["population", "n_deals", "n_won", *with_interval("win_rate")]
    table = need(table, columns, plot, language)
    ax = style.start(ax, height_for(len(table)))
    created = len(table) and (table["population"] == "created").all()
    title = say("Share won of the deals created" if created else "Share won of the deals closed",
                language)  # fmt: skip
    if not len(table):
        return style.nothing(ax, title, language)
    names = [name or say("all", language) for name in groups_of(table, "population", language)]
    rows = Rows(names, *interval(table, "win_rate"), "share", _counts(table, "n_deals", language))
    n_deals = float(table["n_deals"].sum())
    overall = float(table["n_won"].sum()) / n_deals if n_deals and len(table) > 1 else None
    notes = draw_rows(ax, rows, language, reference=overall, start=0.0)
    ax.set_xlabel(say("Win rate", language))
    line = "" if overall is None else say("line: all together", language)
    return style.finish(ax, title, [line, level_note(confidence, language), *notes])


def more_note(n_more: int, language: str) -> str:
    """Say how many groups are not drawn; nothing where all are."""
    return say("{n} more groups are not drawn", language, n=n_more) if n_more else ""


def _counts(table: pd.DataFrame, column: str, language: str) -> list[str]:
    return [f"n = {number(n, language)}" for n in table[column]]
