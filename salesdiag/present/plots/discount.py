"""Plots of discounts: what they win and cost, how deep they are, and where the price goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.present.plots import style
from salesdiag.present.plots.curves import Curve, draw_curves
from salesdiag.present.plots.falls import Fall, draw_fall
from salesdiag.present.plots.formats import estimate, money, number, percent
from salesdiag.present.plots.names import clean
from salesdiag.present.plots.rows import (
    height_for,
)
from salesdiag.present.plots.tables import (
    interval,
    need,
    one_group,
    titled,
    values,
    with_interval,
)
from salesdiag.present.plots.words import level_note, say, term

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_BAND = ["discount_from", "discount_to"]


def plot_discount_effect(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    r"""Draw the chance to win and the margin by depth of discount, like deals compared.

    Parameters
    ----------
    table : DataFrame
        As `discount_effect` gives it, one group at a time: filter a table with ``by`` first.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    language : {"en", "ru", "vi"}, default "en"
        Of all words and figures.
    confidence : float, default 0.95
        Level that the intervals were asked for, which the table does not hold; said in the note.

    Returns
    -------
    Axes
        Two curves, named at their ends: the share won, and what a deal brings per unit of list
        price. Bands that the analysis refused have a name and no point.

    Raises
    ------
    InputError
        If a column is missing, the table holds several groups, or the language is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "discount_from": [None, 0.05], "discount_to": [0.05, None], "n_deals": [80, 90],
    ...     "adjusted_win_rate": [0.4, 0.4], "adjusted_win_rate_low": [0.3, 0.3],
    ...     "adjusted_win_rate_high": [0.5, 0.5], "margin_basis": ["margin"] * 2,
    ...     "adjusted_margin": [0.2, 0.1], "adjusted_margin_low": [0.1, 0.0],
    ...     "adjusted_margin_high": [0.3, 0.2], "grade": ["B", "B"],
    ... })
    >>> ax = plot_discount_effect(table, ax=Figure().subplots())
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['up to 5\xa0%\nn\xa0=\xa080', 'above 5\xa0%\nn\xa0=\xa090']
    """
    plot = "plot_discount_effect"
    both = ["adjusted_win_rate", "adjusted_margin"]
    columns = [*_BAND, "n_deals", "margin_basis", "grade", *with_interval(*both)]
    table = need(table, columns, plot, language)
    group = one_group(table, "discount_from", plot, language, twice=_BAND)
    ax = style.start(ax, 4.4)
    title = titled(say("Chance to win and margin by depth of discount", language), group)
    if not table[both].notna().any(axis=None):
        return style.nothing(ax, title, language)
    place = np.arange(len(table), dtype=float)
    is_margin = table["margin_basis"].iloc[0] == "margin"
    names = (
        say("share won", language),
        say("margin per list price" if is_margin else "revenue per list price", language),
    )
    curves = [
        Curve(name, place, *interval(table, column), look)
        for look, (name, column) in enumerate(zip(names, both, strict=True))
    ]
    notes = draw_curves(ax, curves, "share", None, language, low=0.0)
    ax.set_xlim(-0.5, len(table) - 0.5)
    below = {
        spot: f"{band}\nn\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{number(n, language)}"
        for spot, band, n in zip(place, bands_of(table, language), table["n_deals"], strict=True)
    }
    ax.set_xlabel(say("Discount off the list price, and deals", language))
    ax.set_ylabel(say("Share", language))
    grades = sorted({str(one) for one in table["grade"] if one})
    said = [
        say("were all deals of this depth", language),
        say("evidence: {grades}", language, grades=", ".join(grades)) if grades else "",
        level_note(confidence, language),
    ]
    return style.finish(ax, title, [*said, *notes], below=below)


def plot_price_waterfall(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    """Draw the way from list price to contribution, step by step.

    Parameters
    ----------
    table : DataFrame
        As `price_waterfall` gives it, one group at a time: filter a table with ``by`` first.
    ax, language, confidence
        As for `plot_discount_effect`.

    Returns
    -------
    Axes
        One bar per step, as parts of the list price; steps without money are left out.

    Raises
    ------
    InputError
        If a column is missing, the table holds several groups, or the language is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "step": ["list price", "line discount", "net price"], "reason": ["", "", ""],
    ...     "is_total": [True, False, True], "n_deals": [9] * 3, "n_accounts": [8] * 3,
    ...     "step_amount": [1000.0, -100.0, 900.0], "list_part": [1.0, -0.1, 0.9],
    ...     "list_part_low": [1.0, -0.12, 0.88], "list_part_high": [1.0, -0.08, 0.92],
    ... })
    >>> ax = plot_price_waterfall(table, ax=Figure().subplots())
    >>> [float(bar.get_x()) for bar in ax.patches]
    [0.0, 1.0, 0.0]
    """
    plot = "plot_price_waterfall"
    columns = ["step", "reason", "is_total", "n_deals", "n_accounts", "step_amount",
               *with_interval("list_part")]  # fmt: skip
    table = need(table, columns, plot, language)
    group = one_group(table, "step", plot, language, twice=["step", "reason"])
    full = table
    table = table[table["is_total"].astype(bool) | (table["step_amount"] != 0)]
    table = table.reset_index(drop=True)
    ax = style.start(ax, height_for(len(table)))
    title = titled(say("From list price to contribution", language), group)
    if not table["list_part"].notna().any():
        return style.nothing(ax, title, language)
    size, low, high = interval(table, "list_part")
    figures = [
        (estimate(one, down, up, "share", language) if down != up else percent(one, language))
        + f", {money(float(amount), language)}"
        for one, down, up, amount in zip(size, low, high, table["step_amount"], strict=True)
    ]
    names = [
        f"{term(step, language)}: {clean(reason, 20)}" if reason else term(step, language)
        for step, reason in zip(table["step"], table["reason"].fillna(""), strict=True)
    ]
    fall = Fall(names, size, low, high, table["is_total"].astype(bool).to_numpy(), figures)
    notes = draw_fall(ax, fall, "share", language)
    ax.set_xlabel(say("Share of the list price", language))
    said = [
        say("deals: {n}, accounts: {accounts}", language,
            n=number(table["n_deals"].iloc[0], language),
            accounts=number(table["n_accounts"].iloc[0], language)),
        say("lines: {level} intervals of each part", language,
            level=percent(confidence, language)),
        say("steps of 0 are left out", language) if len(table) < len(full) else "",
    ]  # fmt: skip
    return style.finish(ax, title, [*said, *notes])


def bands_of(table: pd.DataFrame, language: str) -> list[str]:
    """Name the bands: none, from, to."""
    names = []
    for low, high in zip(values(table, "discount_from"), values(table, "discount_to"), strict=True):
        if np.isnan(low) and high == 0:
            names.append(say("no discount", language))
        elif np.isnan(low):
            names.append(say("up to {share}", language, share=_whole(high, language)))
        elif np.isnan(high):
            names.append(say("above {share}", language, share=_whole(low, language)))
        else:
            text = _whole(low, language).removesuffix("\N{NO-BREAK SPACE}%")
            names.append(f"{text}–{_whole(high, language)}")
    return names


def _whole(share: float, language: str) -> str:
    return percent(share, language, 0 if abs(100 * share - round(100 * share)) < 1e-6 else 1)
