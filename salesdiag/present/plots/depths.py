"""Plots of how deep discounts are, and of what lies at the approval limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.present.plots import style
from salesdiag.present.plots.curves import Curve, draw_curves
from salesdiag.present.plots.discount import bands_of
from salesdiag.present.plots.formats import (
    number,
    percent,
)
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
    series_of,
    values,
    with_interval,
)
from salesdiag.present.plots.words import level_note, say, term

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


_BAND = ["discount_from", "discount_to"]


def plot_discount_bands(
    table: pd.DataFrame,
    *,
    limits: pd.DataFrame | None = None,
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    """Draw how many deals lie at each depth of discount, with the approval limits.

    Bands stand side by side at the same width whatever they span; a limit lies between two
    bands, or within one in proportion. Up to six groups are drawn as points beside each other;
    one group as bars.

    Parameters
    ----------
    table : DataFrame
        As `discount_bands` gives it.
    limits : DataFrame, optional
        As `limit_bunching` gives it; each of its limits is drawn once.
    ax, language, confidence
        As for `plot_discount_effect`.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        If a column is missing or the language is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "status": ["won"] * 2, "unit": ["deals"] * 2, "discount_from": [None, 0.05],
    ...     "discount_to": [0.05, None], "n_priced": [30, 10], "case_rate": [0.75, 0.25],
    ...     "case_rate_low": [0.6, 0.14], "case_rate_high": [0.86, 0.4],
    ... })
    >>> ax = plot_discount_bands(table, ax=Figure().subplots())
    >>> [float(bar.get_height()) for bar in ax.patches]
    [0.75, 0.25]
    """
    plot = "plot_discount_bands"
    columns = ["status", "unit", *_BAND, "n_priced", *with_interval("case_rate")]
    table = need(table, columns, plot, language)
    ax = style.start(ax, 4.2)
    title = say("How deep discounts are", language)
    if not table["case_rate"].notna().any():
        return style.nothing(ax, title, language)
    groups, n_more = series_of(table, "status", language)
    bands = groups[0][1].reset_index(drop=True)
    spots = {key: float(place) for place, key in enumerate(_keys(bands))}
    curves = []
    for look, (name, part) in enumerate(groups):
        where = np.array([spots.get(key, np.nan) for key in _keys(part)])
        curves.append(Curve(name, where, *interval(part, "case_rate"), look))
    notes = _draw_bands(ax, curves, language)
    ax.set_xlim(-0.6, len(bands) - 0.4)
    n_limits = 0 if limits is None else _draw_limits(ax, bands, limits, language)
    names = [
        f"{band}\nn\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{number(n, language)}"
        if len(groups) == 1
        else band
        for band, n in zip(bands_of(bands, language), bands["n_priced"], strict=True)
    ]
    below = dict(zip(spots.values(), names, strict=True))
    ax.set_xlabel(say("Discount off the list price", language))
    ax.set_ylabel(say("Share of deals", language))
    status = term(bands["status"].iloc[0], language)
    said = [
        f"{status}: n = {number(table['n_priced'].sum(), language)}",
        level_note(confidence, language),
        say("dashed: approval limit", language) if n_limits else "",
        say("{n} more groups are not drawn", language, n=n_more) if n_more else "",
    ]
    return style.finish(ax, title, [*said, *notes], below=below)


def plot_limit_bunching(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    r"""Draw how many discounts lie just at each limit, against a smooth spread's number.

    Parameters
    ----------
    table : DataFrame
        As `limit_bunching` gives it, with or without ``by``.
    ax, language, confidence
        As for `plot_discount_effect`.

    Returns
    -------
    Axes
        The point is the excess over the smooth spread with its interval; an excess whose
        interval lies above 0 is marked with a triangle.

    Raises
    ------
    InputError
        If a column is missing or the language is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "limit_name": ["rep"], "limit_basis": ["given"], "discount_limit": [0.15],
    ...     "n_discounted": [300], "n_at_limit": [60], "excess_deals": [35.0],
    ...     "excess_deals_low": [20.0], "excess_deals_high": [50.0],
    ... })
    >>> ax = plot_limit_bunching(table, ax=Figure().subplots())
    >>> ax.get_yticklabels()[0].get_text()
    '15\xa0%, rep'
    """
    plot = "plot_limit_bunching"
    columns = ["limit_name", "limit_basis", "discount_limit", "n_discounted", "n_at_limit",
               *with_interval("excess_deals")]  # fmt: skip
    table = need(table, columns, plot, language)
    ax = style.start(ax, height_for(len(table)))
    title = say("Discounts just at the limit, beyond a smooth spread", language)
    if not len(table):
        return style.nothing(ax, title, language)
    names = []
    for place, group in enumerate(groups_of(table, "limit_name", language)):
        limit = _limit_name(table, place, language)
        names.append(f"{group}: {limit}" if group else limit)
    counts = [
        say(
            "{n} of {all} discounts there",
            language,
            n=number(n, language),
            all=number(whole, language),
        )
        for n, whole in zip(table["n_at_limit"], table["n_discounted"], strict=True)
    ]
    value, low, high = interval(table, "excess_deals")
    tones: list[Tone] = ["good" if down > 0 else "usual" for down in low]
    rows = Rows(names, value, low, high, "count", counts, tones)
    notes = draw_rows(ax, rows, language, reference=0.0)
    ax.set_xlabel(say("Deals at the limit beyond the expected", language))
    said = [
        say("triangle: the bar lies wholly on one side of 0", language) if "good" in tones else "",
        say("candidate: no limit is known, a round figure was tried", language)
        if (table["limit_basis"] == "candidate").any() else "",
        level_note(confidence, language),
    ]  # fmt: skip
    return style.finish(ax, title, [*said, *notes])


def plot_discount_distribution(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    """Draw how deep the discounts of deals won and of deals lost are.

    Parameters
    ----------
    table : DataFrame
        As `discount_distribution` gives it, with or without ``by``.
    ax, language, confidence
        As for `plot_discount_effect`.

    Returns
    -------
    Axes
        The point is the mean with its interval, the wide grey bar the middle half, the thin
        line runs to the deepest tenth, the stroke is the median.

    Raises
    ------
    InputError
        If a column is missing or the language is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "status": ["won"], "unit": ["deals"], "n_priced": [90], "mean_discount": [0.06],
    ...     "mean_discount_low": [0.05], "mean_discount_high": [0.07],
    ...     "lower_quarter_discount": [0.0], "median_discount": [0.05],
    ...     "upper_quarter_discount": [0.1], "upper_tenth_discount": [0.15],
    ... })
    >>> ax = plot_discount_distribution(table, ax=Figure().subplots())
    >>> ax.get_yticklabels()[0].get_text()
    'won'
    """
    plot = "plot_discount_distribution"
    quantiles = [f"{one}_discount" for one in ("lower_quarter", "median", "upper_quarter",
                                               "upper_tenth")]  # fmt: skip
    columns = ["status", "n_priced", *quantiles, *with_interval("mean_discount")]
    table = need(table, columns, plot, language)
    ax = style.start(ax, height_for(len(table)))
    title = say("Discounts of deals won and lost", language)
    if not table["mean_discount"].notna().any():
        return style.nothing(ax, title, language)
    names = [
        f"{group}: {term(status, language)}" if group else term(status, language)
        for group, status in zip(groups_of(table, "status", language), table["status"], strict=True)
    ]
    lower, median, upper, tenth = (values(table, one) for one in quantiles)
    draw_spread(ax, lower, tenth, thin=True)
    draw_spread(ax, lower, upper)
    rows = Rows(
        names,
        *interval(table, "mean_discount"),
        "share",
        [f"n = {number(n, language)}" for n in table["n_priced"]],
    )
    notes = draw_rows(ax, rows, language, start=0.0, hold=np.concatenate([lower, tenth]))
    draw_marks(ax, median, "|", "median")
    ax.set_xlabel(say("Discount off the list price", language))
    said = [
        say("point: mean", language),
        say("stroke: median", language),
        say("grey: the middle half, line to the deepest tenth", language),
        level_note(confidence, language),
    ]
    return style.finish(ax, title, [*said, *notes])


def _draw_bands(ax: Axes, curves: list[Curve], language: str) -> list[str]:
    """Draw one group as bars with intervals, several as points beside each other."""
    if len(curves) > 1:
        return draw_curves(ax, curves, "share", None, language, low=0.0)
    curve = curves[0]
    ax.bar(curve.x, np.nan_to_num(curve.y), width=0.8, color=style.PALE, edgecolor=style.ACCENT,
           label="share")  # fmt: skip
    known = np.isfinite(curve.low) & np.isfinite(curve.high)
    ax.vlines(curve.x, np.where(known, curve.low, np.nan), np.where(known, curve.high, np.nan),
              color=style.INK, linewidth=2, label="interval")  # fmt: skip
    top = np.nanmax([*curve.y, *curve.high[known]])
    ax.set_ylim(0, 1.08 * top if top > 0 else 1.0)
    style.scale(ax.yaxis, "share", language)
    bare = np.isfinite(curve.y) & ~known
    return [say("no line: no interval", language)] if bare.any() else []


def _draw_limits(ax: Axes, bands: pd.DataFrame, limits: pd.DataFrame, language: str) -> int:
    """Draw each limit once, where it lies among the bands; tell how many there are."""
    limits = need(
        limits, ["limit_name", "limit_basis", "discount_limit"], "plot_limit_bunching", language
    )
    limits = limits.drop_duplicates(["limit_name", "discount_limit"]).reset_index(drop=True)
    low, high = values(bands, "discount_from"), values(bands, "discount_to")
    top = 1.25 * ax.get_ylim()[1]  # the names of the limits stand above the bands
    ax.set_ylim(top=top)
    ax.set_yticks([tick for tick in ax.get_yticks() if 0 <= tick <= min(1, top)])
    drawn = 0
    for one, limit in enumerate(values(limits, "discount_limit")):
        inside = np.flatnonzero((np.nan_to_num(low, nan=-np.inf) < limit) &
                                (limit <= np.nan_to_num(high, nan=np.inf)))  # fmt: skip
        if not len(inside):
            continue
        band = int(inside[0])
        wide = high[band] - low[band]
        part = (limit - low[band]) / wide if np.isfinite(wide) and wide > 0 else 1.0
        ax.axvline(
            band - 0.5 + part, color=style.WARN, linestyle="--", linewidth=1.4, label="limit"
        )
        ax.annotate(_limit_name(limits, one, language), (band - 0.5 + part, top), xytext=(3, -4),
                    textcoords="offset points", rotation=90, ha="left", va="top",
                    fontsize=style.TEXT - 0.5, color=style.INK, parse_math=False,
                    label="limit")  # fmt: skip
        drawn += 1
    return drawn


def _limit_name(table: pd.DataFrame, place: int, language: str) -> str:
    share = float(table["discount_limit"][place])
    limit = percent(share, language, 0 if abs(share * 100 - round(share * 100)) < 1e-6 else 1)
    name = clean(table["limit_name"][place], 18) if table["limit_name"][place] else ""
    if table["limit_basis"][place] == "candidate":
        name = say("candidate", language)
    return f"{limit}, {name}" if name else limit


def _keys(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Name each band so that equal ones match; a missing end is an end of its own."""
    return [(f"{low:.6f}", f"{high:.6f}")
            for low, high in zip(values(table, "discount_from"), values(table, "discount_to"),
                                 strict=True)]  # fmt: skip
