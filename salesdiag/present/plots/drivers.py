"""Plots of the gap: which factors make it, each with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.present.plots import style
from salesdiag.present.plots.falls import Fall, draw_fall
from salesdiag.present.plots.formats import estimate, money, number
from salesdiag.present.plots.names import clean
from salesdiag.present.plots.rows import Rows, Tone, draw_rows, height_for
from salesdiag.present.plots.tables import interval, need, one_group, titled, with_interval
from salesdiag.present.plots.words import level_note, say, term

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def plot_gap_ledger(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    """Draw the parts of the gap as a waterfall that begins at the reference.

    The axis is the change against the reference, which lies at 0, so that no bar is cut and
    small parts are seen; the last bar is the whole gap.

    Parameters
    ----------
    table : DataFrame
        As `gap_ledger` gives it, one group at a time: filter a table with ``by`` first.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    language : {"en", "ru", "vi"}, default "en"
        Of all words and figures.
    confidence : float, default 0.95
        Level that the intervals were asked for, which the table does not hold; said in the note.

    Returns
    -------
    Axes
        One bar per factor and one of the whole; the whole has no interval in the table.

    Raises
    ------
    InputError
        If a column is missing, the table holds several groups, or the language is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "factor": ["leads_per_day", "price_realisation"], "stage": ["", ""],
    ...     "n_deals": [90, 90], "n_won": [30, 30], "gap_amount": [-20.0, 5.0],
    ...     "gap_amount_low": [-30.0, 0.0], "gap_amount_high": [-10.0, 10.0],
    ...     "base_amount": [100.0, 100.0], "actual_amount": [85.0, 85.0],
    ... })
    >>> ax = plot_gap_ledger(table, ax=Figure().subplots())
    >>> [float(bar.get_width()) for bar in ax.patches]
    [-20.0, 5.0, -15.0]
    """
    plot = "plot_gap_ledger"
    columns = ["factor", "stage", "n_deals", "n_won", *with_interval("gap_amount"), "base_amount",
               "actual_amount"]  # fmt: skip
    table = need(table, columns, plot, language)
    group = one_group(table, "factor", plot, language, twice=["factor", "stage"])
    ax = style.start(ax, height_for(len(table) + 1))
    title = say("What makes the gap to the reference", language)
    title = titled(title, group)
    if not table["gap_amount"].notna().any():
        return style.nothing(ax, title, language)
    size, low, high = interval(table, "gap_amount")
    figures = [
        estimate(one, down, up, "signed_money", language)
        for one, down, up in zip(size, low, high, strict=True)
    ]
    base, actual = float(table["base_amount"].iloc[0]), float(table["actual_amount"].iloc[0])
    fall = Fall(
        [*_names(table, language), say("all together", language)],
        np.append(size, actual - base),
        np.append(low, np.nan),
        np.append(high, np.nan),
        np.append(np.zeros(len(size), dtype=bool), [True]),
        [*figures, estimate(actual - base, np.nan, np.nan, "signed_money", language)],
    )
    draw_fall(ax, fall, "signed_money", language)
    ax.set_xlabel(say("Change against the reference, in the department's currency", language))
    said = [
        say("reference (0): {base}, actual: {actual}", language, base=money(base, language),
            actual=money(actual, language)),
        _counts(table, language),
        say("lines: {level} intervals of each part", language, level=f"{100 * confidence:g} %"),
    ]  # fmt: skip
    return style.finish(ax, title, said)


def plot_what_if(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    """Draw what each factor would bring at another level, one at a time.

    These do not add up, so they are rows and no waterfall.

    Parameters
    ----------
    table : DataFrame
        As `what_if` gives it, one group at a time.
    ax, language, confidence
        As for `plot_gap_ledger`.

    Returns
    -------
    Axes
        A gain whose interval lies above 0 is marked with a triangle.

    Raises
    ------
    InputError
        As for `plot_gap_ledger`.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "factor": ["leads_per_day"], "stage": [""], "n_deals": [90], "n_won": [30],
    ...     "gain_amount": [20.0], "gain_amount_low": [5.0], "gain_amount_high": [40.0],
    ... })
    >>> ax = plot_what_if(table, ax=Figure().subplots())
    >>> ax.get_yticklabels()[0].get_text()
    'Leads per day'
    """
    plot = "plot_what_if"
    columns = ["factor", "stage", "n_deals", "n_won", *with_interval("gain_amount")]
    table = need(table, columns, plot, language)
    group = one_group(table, "factor", plot, language, twice=["factor", "stage"])
    ax = style.start(ax, height_for(len(table)))
    title = say("What each factor would bring at its other level", language)
    title = titled(title, group)
    if not table["gain_amount"].notna().any():
        return style.nothing(ax, title, language)
    value, low, high = interval(table, "gain_amount")
    tones: list[Tone] = ["good" if down > 0 else "usual" for down in low]
    rows = Rows(_names(table, language), value, low, high, "signed_money", tones=tones)
    notes = draw_rows(ax, rows, language, reference=0.0)
    ax.set_xlabel(say("Gain, in the department's currency", language))
    said = [
        say("one at a time: gains do not add up", language),
        _counts(table, language),
        say("triangle: the bar lies wholly on one side of 0", language) if "good" in tones else "",
        level_note(confidence, language),
    ]
    return style.finish(ax, title, [*said, *notes])


def _names(table: pd.DataFrame, language: str) -> list[str]:
    """Name factors, conversions by the stage that is left."""
    names = [term(factor, language) for factor in table["factor"]]
    return [
        name[:1].upper() + name[1:] + (f": {clean(stage, 20)}" if stage else "")
        for name, stage in zip(names, table["stage"].fillna(""), strict=True)
    ]


def _counts(table: pd.DataFrame, language: str) -> str:
    return say("deals: {n}, won: {won}", language, n=number(table["n_deals"].iloc[0], language),
               won=number(table["n_won"].iloc[0], language))  # fmt: skip
