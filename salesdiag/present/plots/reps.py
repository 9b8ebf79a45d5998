"""Plots that compare reps: always with intervals and shrinkage, never as a bare ranking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.errors import InputError
from salesdiag.present.plots import style
from salesdiag.present.plots.formats import Kind, number, percent
from salesdiag.present.plots.names import clean
from salesdiag.present.plots.rows import Rows, Tone, draw_marks, draw_rows, height_for
from salesdiag.present.plots.tables import (
    interval,
    need,
    one_group,
    values,
    with_interval,
)
from salesdiag.present.plots.words import level_note, say, term

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_TONES: dict[str, Tone] = {"above": "good", "below": "bad"}
_SHARES = ("win_rate", "stage_conversion", "price_realisation", "worked_deals", "answered_leads",
           "qualified_leads")  # fmt: skip
_SCORE = ["unit_id", "metric", "from_stage", "n_cases", "observed", "n_ranked", "reading",
          *with_interval("shrunken_value")]  # fmt: skip


def plot_rep_scorecard(
    table: pd.DataFrame,
    *,
    metric: str | None = None,
    from_stage: str | None = None,
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    """Draw one metric of the reps as a caterpillar: shrunken values with their intervals.

    Where the reps may not be ranked they stand in the order of their names, so that the picture
    is no league table; the note says which it is.

    Parameters
    ----------
    table : DataFrame
        As `rep_scorecard` gives it, one group at a time: filter a table with ``by`` first.
    metric : str, optional
        Which to draw. Default: the first of the table.
    from_stage : str, optional
        The stage being left, for ``"stage_conversion"``. Default: the first of the table.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    language : {"en", "ru", "vi"}, default "en"
        Of all words and figures.
    confidence : float, default 0.95
        Level that the intervals were asked for, which the table does not hold; said in the note.

    Returns
    -------
    Axes
        The cross is the raw figure, the point what is left of it at the cases of all and after
        shrinkage. Reps with too few cases are not drawn; the note counts them.

    Raises
    ------
    InputError
        If a column or the metric is missing, the table holds several groups, or the language
        is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "unit": ["rep_id"] * 2, "unit_id": ["R1", "R2"], "metric": ["win_rate"] * 2,
    ...     "from_stage": ["", ""], "n_cases": [80, 60], "observed": [0.3, 0.1],
    ...     "shrunken_value": [0.27, 0.18], "shrunken_value_low": [0.2, 0.1],
    ...     "shrunken_value_high": [0.35, 0.26], "n_ranked": [0, 0],
    ...     "reading": ["as_expected", "below"],
    ... })
    >>> ax = plot_rep_scorecard(table, ax=Figure().subplots())
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['R1', 'R2']
    """
    plot = "plot_rep_scorecard"
    part, title = _one_metric(
        need(table, _SCORE, plot, language), metric, from_stage, plot, language
    )
    known = part[part["shrunken_value"].notna()]
    ranked = bool(len(known)) and bool((known["n_ranked"] > 0).any())
    order = ["shrunken_value", "unit_id"] if ranked else ["unit_id"]
    known = known.sort_values(order, ascending=not ranked).reset_index(drop=True)
    ax = style.start(ax, height_for(len(known)))
    if not len(known):
        return style.nothing(ax, title, language)
    kind = _kind(str(known["metric"].iloc[0]))
    rows = Rows([clean(one) for one in known["unit_id"]], *interval(known, "shrunken_value"), kind,
                [f"n = {number(n, language)}" for n in known["n_cases"]],
                [_TONES.get(one, "usual") for one in known["reading"]])  # fmt: skip
    overall = _together(known)
    raw = values(known, "observed")
    notes = draw_rows(ax, rows, language, reference=overall, hold=raw)
    draw_marks(ax, raw, "x", "observed")
    ax.set_xlabel(say("In the long run, with the cases of all", language))
    order_note = (
        "these reps may be ranked: sorted by value" if ranked
        else "these reps may not be ranked: sorted by name"
    )  # fmt: skip
    said = [
        say(order_note, language),
        say("line: all together", language),
        say("cross: raw figure", language),
        level_note(confidence, language),
        _triangles(part, language),
        _too_few(len(part) - len(known), language),
    ]
    return style.finish(ax, title, [*said, *notes])


def plot_rep_funnel(
    table: pd.DataFrame,
    *,
    metric: str | None = None,
    from_stage: str | None = None,
    ax: Axes | None = None,
    language: str = "en",
    confidence: float = 0.95,
) -> Axes:
    """Draw one metric of the reps as a funnel plot: result over expected, by size.

    The second picture of the table of `rep_scorecard`. Small numbers lie far out by chance
    alone; the funnel shows how far (`funnel_limits`), at the level given and at 99.8 %.

    Parameters
    ----------
    table, metric, from_stage, ax, language
        As for `plot_rep_scorecard`; the metric must count events: not the mean of won deals
        nor the price realisation.
    confidence : float, default 0.95
        Level of the inner pair of limits.

    Returns
    -------
    Axes
        One point per rep with its own interval. Reps that stand out, after paying for many
        looks, are named and marked with a triangle.

    Raises
    ------
    InputError
        As for `plot_rep_scorecard`, and where the metric counts no events.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({
    ...     "unit": ["rep_id"] * 2, "unit_id": ["R1", "R2"], "metric": ["win_rate"] * 2,
    ...     "from_stage": ["", ""], "n_compared": [80, 60], "expected": [0.25, 0.2],
    ...     "ratio": [1.2, 0.5], "ratio_low": [0.8, 0.2], "ratio_high": [1.7, 1.0],
    ...     "reading": ["as_expected", "below"],
    ... })
    >>> ax = plot_rep_funnel(table, ax=Figure().subplots())
    >>> ax.collections[0].get_offsets()[:, 0].tolist()
    [20.0, 12.0]
    """
    plot = "plot_rep_funnel"
    columns = ["unit_id", "metric", "from_stage", "n_compared", "expected", "reading",
               *with_interval("ratio")]  # fmt: skip
    table = need(table, columns, plot, language)
    part, title = _one_metric(table, metric, from_stage, plot, language)
    if len(part) and part["metric"].iloc[0] in ("won_amount", "price_realisation"):
        message = (f"{plot}: {part['metric'].iloc[0]!r} counts no events; draw it with "
                   "plot_rep_scorecard.")  # fmt: skip
        raise InputError(message)
    known = part[part["ratio"].notna() & part["expected"].notna()].reset_index(drop=True)
    ax = style.start(ax, 4.4)
    if not len(known):
        return style.nothing(ax, title, language)
    size = values(known, "expected") * values(known, "n_compared")
    _draw_points(ax, known, size)
    _draw_limits(ax, known, size, confidence)
    style.scale(ax.yaxis, "ratio", language)
    style.scale(ax.xaxis, "count", language, lines=False)
    ax.set_xlabel(say("Events to be expected (wins, leads, activities)", language))
    ax.set_ylabel(say("Result over expected", language))
    _name_outliers(ax, known, size)
    level = percent(confidence, language, 0 if (100 * confidence) % 1 < 1e-9 else 1)
    said = [
        say("reps: {n}", language, n=len(known)),
        say(
            "funnel: chance alone puts {level} (solid) and 99.8 % (dotted) of equal reps inside",
            language,
            level=level,
        ),
        say("bars: interval of each rep", language),
        _triangles(known, language),
        _too_few(len(part) - len(known), language),
    ]
    return style.finish(ax, title, said)


def _one_metric(
    table: pd.DataFrame, metric: str | None, from_stage: str | None, plot: str, language: str
) -> tuple[pd.DataFrame, str]:
    """Pick a metric (and stage) of one group, and name the picture."""
    first = "unit" if "unit" in table.columns else "unit_id"
    if not len(table):
        return table, say("Reps compared", language)
    wanted = str(table["metric"].iloc[0]) if metric is None else metric
    part = table[table["metric"] == wanted]
    if not len(part):
        there = ", ".join(sorted({str(one) for one in table["metric"]}))
        message = f"{plot}: the table has no metric {wanted!r}; it has {there}."
        raise InputError(message)
    stages = [one for one in dict.fromkeys(part["from_stage"].fillna("")) if one]
    stage = from_stage if from_stage is not None else (stages[0] if stages else "")
    if from_stage is not None and from_stage not in stages:
        message = f"{plot}: no stage {from_stage!r} is left here; there are: {', '.join(stages)}."
        raise InputError(message)
    part = part[part["from_stage"].fillna("") == stage]
    group = one_group(part, first, plot, language, twice=["unit_id"])
    title = " · ".join([term(wanted, language), *([clean(stage)] if stage else []),
                        *([group] if group else [])])  # fmt: skip
    return part, say("Reps compared: {what}", language, what=title)


def _kind(metric: str) -> Kind:
    if metric in _SHARES:
        return "share"
    return "money" if metric in ("won_amount", "revenue_per_day") else "number"


def _together(known: pd.DataFrame) -> float | None:
    """Give the figure of all the reps drawn: the mean of theirs, by their cases."""
    weight, value = values(known, "n_cases"), values(known, "observed")
    seen = np.isfinite(value) & (weight > 0)
    return float(np.average(value[seen], weights=weight[seen])) if seen.any() else None


def _draw_points(ax: Axes, known: pd.DataFrame, size: np.ndarray) -> None:
    ratio, low, high = interval(known, "ratio")
    tones = [_TONES.get(one, "faint") for one in known["reading"]]
    colour = {"good": style.ACCENT, "bad": style.WARN, "faint": style.GREY, "usual": style.GREY}
    colours = [colour[one] for one in tones]
    bare = ~(np.isfinite(low) & np.isfinite(high))
    filled = [style.PAPER if one else tint for one, tint in zip(bare, colours, strict=True)]
    ax.scatter(size, ratio, s=20, color=filled, edgecolors=colours, zorder=3, label="value")
    ax.vlines(size, low, high, color=colours, linewidth=1, alpha=0.45, zorder=2, label="interval")
    for tone, marker in (("good", "^"), ("bad", "v")):
        here = np.array([one == tone for one in tones], dtype=bool)
        if here.any():
            ax.scatter(size[here], ratio[here], marker=marker, s=60, color=colour[tone], zorder=4,
                       label=tone)  # fmt: skip


def _draw_limits(ax: Axes, known: pd.DataFrame, size: np.ndarray, confidence: float) -> None:
    """Draw where equal reps of each size would lie."""
    from salesdiag.stats.shrinkage.funnel_limits import funnel_limits, ratio_funnel_limits

    most = 1.05 * float(size.max())
    x = np.geomspace(max(0.5, min(float(size.min()), most) * 0.7), most, 160)
    is_share = known["metric"].iloc[0] in _SHARES
    rate = float(size.sum() / values(known, "n_compared").sum())
    top = float(values(known, "ratio").max())
    for level, line in ((confidence, "-"), (0.998, ":")):
        if is_share and 0 < rate < 1:
            limits = funnel_limits(x / rate, rate, confidence=level)
            low, high = limits.low / rate, limits.high / rate
        else:
            low, high = ratio_funnel_limits(x, confidence=level)
        for end in (low, high):
            ax.plot(x, end, color=style.INK, linestyle=line, linewidth=0.9, zorder=1, label="limit")
        inside = high[x >= size.min()]
        top = max(top, float(inside[0]) if len(inside) else top)
    ax.axhline(1, color=style.INK, linewidth=1, zorder=1, label="reference")
    ax.set_xlim(0, most)
    ax.set_ylim(0, 1.1 * min(top, 3 * max(1.0, float(values(known, "ratio").max()))))


def _name_outliers(ax: Axes, known: pd.DataFrame, size: np.ndarray) -> None:
    """Name who stands out, each beside its point, leaving out names that would meet."""
    ratio = values(known, "ratio")
    width, height = 6.0 * 72, 3.2 * 72  # points, about what the axes have
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    taken: list[tuple[float, float, float]] = []
    for one in np.argsort(-np.abs(np.log(np.maximum(ratio, 1e-3)))):
        if known["reading"].iloc[one] not in _TONES:
            continue
        name = clean(known["unit_id"].iloc[one], 18)
        x = (size[one] - left) / (right - left) * width
        y = (ratio[one] - bottom) / (top - bottom) * height
        wide = len(name) * style.TEXT * 0.62
        side = "left" if x + wide + 10 < width else "right"
        begin = x if side == "left" else x - wide - 10
        meets = any(abs(y - other) < 11 and begin < end and at < begin + wide + 10
                    for other, at, end in taken)  # fmt: skip
        if meets:
            continue
        taken.append((y, begin, begin + wide + 10))
        ax.annotate(name, (size[one], ratio[one]), xytext=(6 if side == "left" else -6, 0),
                    textcoords="offset points", ha=side, va="center", fontsize=style.TEXT,
                    color=style.INK, parse_math=False, label="name", zorder=6,
                    bbox={"facecolor": style.PAPER, "alpha": 0.75, "edgecolor": "none",
                          "pad": 0.8})  # fmt: skip


def _triangles(part: pd.DataFrame, language: str) -> str:
    if not part["reading"].isin(list(_TONES)).any():
        return say("nobody stands out beyond chance", language)
    return say("triangle: stands out beyond chance", language)


def _too_few(n_reps: int, language: str) -> str:
    return say("not drawn, too few cases: {n}", language, n=n_reps) if n_reps else ""
