"""Estimates as rows: a point on the bar of its interval, its name left and its figure right."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from salesdiag.present.plots import style
from salesdiag.present.plots.formats import MISSING, Kind, estimate
from salesdiag.present.plots.names import thinned
from salesdiag.present.plots.words import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

Tone = Literal["usual", "faint", "good", "bad"]

_COLOURS = {"usual": style.ACCENT, "faint": style.GREY, "good": style.ACCENT, "bad": style.WARN}
_PITCH = 0.30  # inches of a row in a figure of one's own
_TALLEST = 11.0
_LINE = style.TEXT * 1.25 / 72


@dataclass(frozen=True, slots=True)
class Rows:
    """What is drawn: one row per estimate, the first one on top."""

    names: Sequence[str]
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    kind: Kind
    counts: Sequence[str] = ()  # said after the figure, such as "n = 120"
    tones: Sequence[Tone] = field(default_factory=list)

    def tone(self, place: int) -> Tone:
        """Give the tone of a row."""
        return self.tones[place] if len(self.tones) else "usual"

    def figure(self, place: int, language: str) -> str:
        """Write the estimate of a row, its interval and its number of cases."""
        value, low, high = (float(one[place]) for one in (self.value, self.low, self.high))
        text = estimate(value, low, high, self.kind, language)
        count = self.counts[place] if len(self.counts) else ""
        return f"{text}, {count}" if count else text


def height_for(n_rows: int) -> float:
    """Give the height of a figure of so many rows, in inches."""
    return min(_TALLEST, 1.5 + _PITCH * max(n_rows, 2))


def draw_rows(
    ax: Axes,
    rows: Rows,
    language: str,
    *,
    reference: float | None = None,
    start: float | None = None,
    end: float | None = None,
    hold: np.ndarray | None = None,
) -> list[str]:
    """Draw the rows, and a line where the reference lies; give what the note must say.

    ``start``, ``end`` and ``hold`` are values that the axis must hold. An interval that goes on
    beyond the axis ends in an arrow.
    """
    n_rows = len(rows.names)
    place = places_of(n_rows)
    known = np.isfinite(rows.low) & ~np.isnan(rows.high)
    left, right = _limits(rows, reference, start, end, hold)
    colours = [_COLOURS[rows.tone(one)] for one in range(n_rows)]
    small = n_rows > 60
    low = np.where(known, rows.low, np.nan)
    high = np.where(known, np.where(np.isposinf(rows.high), right, rows.high), np.nan)
    ax.hlines(place, low, high, color=colours, linewidth=2.5 if small else 9, alpha=0.35,
              label="interval")  # fmt: skip
    filled = [one if sure else style.PAPER for one, sure in zip(colours, known, strict=True)]
    ax.scatter(rows.value, place, color=filled, edgecolors=colours, s=8 if small else 20, zorder=3,
               linewidths=1.2, label="value")  # fmt: skip
    _mark(ax, rows, place, small=small)
    beyond = [(known & (rows.low < left), left, "<"), (known & (rows.high > right), right, ">")]
    for here, edge, marker in beyond:
        ax.scatter(np.full(here.sum(), edge), place[here], marker=marker, s=22, zorder=3,
                   color=style.GREY, clip_on=False, label="goes on")  # fmt: skip
    if reference is not None:
        ax.axvline(reference, color=style.INK, linewidth=1, zorder=1, label="reference")
    ax.set_xlim(left, right)
    ax.set_ylim(-0.7, n_rows - 0.3)
    style.scale(ax.xaxis, rows.kind, language)
    n_named = _label(ax, rows, place, language)
    return _notes(rows, known, beyond[0][0] | beyond[1][0], n_named, language)


def places_of(n_rows: int) -> np.ndarray:
    """Give the heights at which rows stand, the first one on top."""
    return np.arange(n_rows)[::-1].astype(float)


def draw_spread(ax: Axes, low: np.ndarray, high: np.ndarray, *, thin: bool = False) -> None:
    """Draw from where to where cases lie, in pale grey behind the estimates."""
    ax.hlines(places_of(len(low)), low, high, color=style.GREY if thin else style.PALE,
              linewidth=1 if thin else 13, zorder=0.5 if thin else 0.4, label="spread")  # fmt: skip


def draw_marks(
    ax: Axes, value: np.ndarray, marker: Literal["|", "s", "x", "D"], label: str
) -> None:
    """Put a second figure on each row, such as the target; the note must explain it."""
    size, width = {"|": (130, 1.8), "x": (20, 1.0)}.get(marker, (26, 1.2))
    drawn = ax.scatter(value, places_of(len(value)), marker=marker, s=size, linewidths=width,
                       color=style.INK, zorder=5, label=label)  # fmt: skip
    if marker in ("s", "D"):
        drawn.set_facecolor("none")


def _mark(ax: Axes, rows: Rows, place: np.ndarray, *, small: bool) -> None:
    """Put a shape on what stands out, so that colour does not tell it alone."""
    for tone, marker in (("good", "^"), ("bad", "v")):
        here = np.array([rows.tone(one) == tone for one in range(len(place))], dtype=bool)
        if here.any():
            ax.scatter(rows.value[here], place[here], marker=marker, s=24 if small else 74,
                       color=_COLOURS[tone], zorder=4, label=tone)  # fmt: skip


def _limits(
    rows: Rows,
    reference: float | None,
    start: float | None,
    end: float | None,
    hold: np.ndarray | None,
) -> tuple[float, float]:
    """Give an axis that holds the points, and intervals as far as they leave points readable."""
    given = [one for one in (reference, start, end) if one is not None]
    held = np.array([]) if hold is None else hold[np.isfinite(hold)]
    points = np.array([*rows.value[np.isfinite(rows.value)], *given, *held])
    if not len(points):
        return 0.0, 1.0
    left, right = reach(points, rows.low, rows.high)
    right = right if right > left else left + 1.0
    if np.isposinf(rows.high).any():
        right += 0.15 * (right - left)
    margin = 0.03 * (right - left)
    at_start = start is not None and left >= start
    at_end = end is not None and right <= end
    return left - (0 if at_start else margin), right + (0 if at_end else margin)


def reach(points: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[float, float]:
    """Give the ends of an axis that holds the points, and the intervals as far as they help.

    Where a few are so wide that the others could not be read, those are cut.
    """
    least, most = float(points.min()), float(points.max())
    wide = (high - low)[np.isfinite(high - low)]
    room = max(most - least, 0.2 * max(abs(least), abs(most)), 1e-9,
               2 * float(np.median(wide)) if len(wide) else 0.0)  # fmt: skip
    lows, highs = low[np.isfinite(low)], high[np.isfinite(high)]
    return (
        max(float(np.min([least, *lows])), least - room),
        min(float(np.max([most, *highs])), most + room),
    )


def _label(ax: Axes, rows: Rows, place: np.ndarray, language: str) -> int:
    """Write names left and figures right of the rows, as many as there is room for."""
    n_rows = len(place)
    room = _LINE * (n_rows + 0.4) / style.drawn_height(ax)
    first = [rows.tone(one) in ("good", "bad") for one in range(n_rows)]
    shown = thinned(list(place), room, first=first)
    ax.set_yticks(place[shown], [rows.names[one] for one in np.flatnonzero(shown).tolist()],
                  parse_math=False)  # fmt: skip
    for one in np.flatnonzero(shown).tolist():
        missing = not np.isfinite(rows.value[one])
        ax.annotate(rows.figure(one, language), (1, place[one]), xycoords=("axes fraction", "data"),
                    xytext=(8, 0), textcoords="offset points", ha="left", va="center",
                    fontsize=style.TEXT, color=style.GREY if missing else style.INK,
                    parse_math=False, annotation_clip=False, label="figure")  # fmt: skip
    return int(shown.sum())


def _notes(
    rows: Rows, known: np.ndarray, beyond: np.ndarray, n_named: int, language: str
) -> list[str]:
    notes = []
    seen = np.isfinite(rows.value)
    if (seen & ~known).any():
        notes.append(say("hollow: no interval", language))
    if beyond.any():
        notes.append(say("arrow: the interval goes on", language))
    if (~seen).any():
        notes.append(say("{dash}: too few to tell", language, dash=MISSING))
    if n_named < len(rows.names):
        notes.append(say("{shown} of {all} rows are named", language, shown=n_named,
                         all=len(rows.names)))  # fmt: skip
    return notes
