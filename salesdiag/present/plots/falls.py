"""Waterfalls: steps that add up, each beginning where the one before ended, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from salesdiag.present.plots import style
from salesdiag.present.plots.names import thinned
from salesdiag.present.plots.rows import places_of
from salesdiag.present.plots.words import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from salesdiag.present.plots.formats import Kind

_LINE = style.TEXT * 1.25 / 72


@dataclass(frozen=True, slots=True)
class Fall:
    """What is drawn: one bar per step, the first one on top.

    A total begins at 0; any other step begins where the one before ended. ``low`` and ``high``
    belong to ``size``.
    """

    names: Sequence[str]
    size: np.ndarray
    low: np.ndarray
    high: np.ndarray
    is_total: np.ndarray
    figures: Sequence[str]

    def begins(self) -> np.ndarray:
        """Give where each bar begins; an unknown step leaves the level as it is."""
        level, places = 0.0, []
        for size, is_total in zip(self.size, self.is_total, strict=True):
            places.append(0.0 if is_total else level)
            if np.isfinite(size):
                level = float(size) if is_total else level + float(size)
        return np.array(places)


def draw_fall(ax: Axes, fall: Fall, kind: Kind, language: str) -> list[str]:
    """Draw the steps as bars that hang together; give what the note must say."""
    place = places_of(len(fall.names))
    begin = fall.begins()
    size = np.nan_to_num(fall.size)
    colours = [
        style.INK if total else style.ACCENT if step > 0 else style.WARN
        for step, total in zip(size, fall.is_total, strict=True)
    ]
    ax.barh(place, size, left=begin, height=0.56, color=colours, alpha=0.9, label="step", zorder=2)
    ends = begin + size
    ax.vlines(ends[:-1], place[1:] - 0.28, place[:-1] + 0.28, color=style.GREY, linewidth=0.8,
              zorder=1, label="level")  # fmt: skip
    known = np.isfinite(fall.low) & np.isfinite(fall.high)
    low, high = (
        np.where(known, begin + fall.low, np.nan),
        np.where(known, begin + fall.high, np.nan),
    )
    for width, colour in ((3.4, style.PAPER), (1.4, style.INK)):  # light around dark: seen on bars
        ax.hlines(place, low, high, color=colour, linewidth=width, zorder=3,
                  label="interval" if colour == style.INK else "halo")  # fmt: skip
    ax.scatter(np.where(known, ends, np.nan), place, marker="|", s=40, color=style.INK, zorder=4,
               label="end")  # fmt: skip
    ax.axvline(0, color=style.INK, linewidth=1, zorder=1, label="reference")
    ax.set_ylim(-0.7, len(place) - 0.3)
    style.scale(ax.xaxis, kind, language)
    _label(ax, fall, place)
    missing = ~np.isfinite(fall.size)
    return [
        *([say("no line: no interval", language)] if (~known & ~missing).any() else []),
        *([say("{dash}: too few to tell", language, dash="–")] if missing.any() else []),
    ]


def _label(ax: Axes, fall: Fall, place: np.ndarray) -> None:
    room = _LINE * (len(place) + 0.4) / style.drawn_height(ax)
    shown = np.flatnonzero(thinned(list(place), room, first=list(fall.is_total))).tolist()
    ax.set_yticks(place[shown], [fall.names[one] for one in shown], parse_math=False)
    for one in shown:
        ax.annotate(fall.figures[one], (1, place[one]), xycoords=("axes fraction", "data"),
                    xytext=(8, 0), textcoords="offset points", ha="left", va="center",
                    fontsize=style.TEXT, color=style.INK, parse_math=False,
                    annotation_clip=False, label="figure")  # fmt: skip
