"""Estimates as curves: points with their intervals, joined, each curve named at its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from salesdiag.present.plots import style
from salesdiag.present.plots.names import spread
from salesdiag.present.plots.rows import reach
from salesdiag.present.plots.words import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from salesdiag.present.plots.formats import Kind

_LINE = style.TEXT * 1.3 / 72


@dataclass(frozen=True, slots=True)
class Curve:
    """One curve: points in order, the ends of their intervals, and its look."""

    name: str
    x: np.ndarray
    y: np.ndarray
    low: np.ndarray
    high: np.ndarray
    look: int = 0
    hollow: np.ndarray | None = None  # points that are not to be trusted as the others are


def draw_curves(
    ax: Axes,
    curves: Sequence[Curve],
    kind: Kind,
    x_kind: Kind | None,
    language: str,
    *,
    low: float | None = None,
    high: float | None = None,
    reference: float | None = None,
) -> list[str]:
    """Draw curves over one axis; give what the note must say.

    ``low``, ``high`` and ``reference`` are values that the axis of the figures must hold.
    """
    bottom, top = _limits(curves, [one for one in (low, high, reference) if one is not None])
    at_low = low is not None and bottom >= low
    margin = 0.04 * (top - bottom)
    ax.set_ylim(bottom - (0 if at_low else margin), top + margin)
    step = _dodge(curves)
    for rank, curve in enumerate(curves):
        _draw(ax, curve, (rank - (len(curves) - 1) / 2) * step, top + margin)
    if reference is not None:
        ax.axhline(reference, color=style.INK, linewidth=1, zorder=1, label="reference")
    style.scale(ax.yaxis, kind, language)
    if x_kind is not None:
        style.scale(ax.xaxis, x_kind, language, lines=False)
    _name_ends(ax, curves)
    return _notes(curves, top + margin, language)


def _draw(ax: Axes, curve: Curve, shift: float, top: float) -> None:
    colour, line, marker = style.SERIES[curve.look % len(style.SERIES)]
    x = curve.x + shift
    ax.plot(x, curve.y, color=colour, linestyle=line, linewidth=1.3, zorder=2, label=curve.name)
    known = np.isfinite(curve.low) & ~np.isnan(curve.high)
    ends = np.where(np.isposinf(curve.high), top, curve.high)
    ax.vlines(x, np.where(known, curve.low, np.nan), np.where(known, ends, np.nan), color=colour,
              linewidth=5, alpha=0.35, zorder=1, label="interval")  # fmt: skip
    open_ = ~known if curve.hollow is None else ~known | curve.hollow
    filled = [style.PAPER if one else colour for one in open_]
    ax.scatter(x, curve.y, color=filled, edgecolors=colour, marker=marker, s=28, linewidths=1.2,
               zorder=3, label="value")  # fmt: skip


def _limits(curves: Sequence[Curve], given: list[float]) -> tuple[float, float]:
    """Give an axis that holds the points, and intervals as far as they leave points readable."""
    points = np.concatenate([[*curve.y[np.isfinite(curve.y)]] for curve in curves] + [given])
    if not len(points):
        return 0.0, 1.0
    low, high = (
        np.concatenate(ends) for ends in ([c.low for c in curves], [c.high for c in curves])
    )
    bottom, top = reach(points, low, high)
    return (bottom, top) if top > bottom else (bottom, bottom + 1.0)


def _dodge(curves: Sequence[Curve]) -> float:
    """Give the step by which curves stand beside each other, so that intervals do not hide."""
    if len(curves) < 2:
        return 0.0
    places = np.unique(np.concatenate([curve.x for curve in curves]))
    gap = float(np.diff(places).min()) if len(places) > 1 else 1.0
    return min(0.12 * gap, 0.012 * float(np.ptp(places)) if len(places) > 1 else 0.1)


def _name_ends(ax: Axes, curves: Sequence[Curve]) -> None:
    """Write the name of each curve beside its last point, none on another."""
    named = [curve for curve in curves if curve.name and np.isfinite(curve.y).any()]
    if not named:
        return
    from matplotlib.transforms import ScaledTranslation

    bottom, top = ax.get_ylim()
    last = [float(curve.y[np.isfinite(curve.y)][-1]) for curve in named]
    room = _LINE * (top - bottom) / style.drawn_height(ax)
    for curve, place in zip(named, spread(last, room, bottom, top), strict=True):
        colour, _, marker = style.SERIES[curve.look % len(style.SERIES)]
        # the marker again: pale colours are fit for points, not for words
        spot = ax.get_yaxis_transform() + ScaledTranslation(9 / 72, 0, ax.figure.dpi_scale_trans)
        ax.plot([1], [place], marker=marker, color=colour, markersize=5, linestyle="none",
                transform=spot, clip_on=False, label="key")  # fmt: skip
        ax.annotate(curve.name, (1, place), xycoords=("axes fraction", "data"), xytext=(16, 0),
                    textcoords="offset points", ha="left", va="center", fontsize=style.TEXT,
                    color=style.INK, parse_math=False, annotation_clip=False,
                    label="name")  # fmt: skip


def _notes(curves: Sequence[Curve], top: float, language: str) -> list[str]:
    bare = any((np.isfinite(c.y) & ~(np.isfinite(c.low) & ~np.isnan(c.high))).any() for c in curves)
    beyond = any((c.high > top).any() for c in curves)
    return [
        *([say("hollow: no interval", language)] if bare else []),
        *([say("some intervals go on above the picture", language)] if beyond else []),
    ]
