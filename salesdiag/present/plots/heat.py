"""Heat maps: shares of many groups at once, each cell with its figure where there is room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from salesdiag.present.plots import style
from salesdiag.present.plots.formats import MISSING, Kind, estimate, write
from salesdiag.present.plots.names import thinned
from salesdiag.present.plots.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

_LINE = style.TEXT * 1.25 / 72


@dataclass(frozen=True, slots=True)
class Heat:
    """What is drawn: values by row and column with the ends of their intervals.

    The columns are named by `style.finish`.
    """

    rows: Sequence[str]
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    kind: Kind
    is_signed: bool = False


def draw_heat(ax: Axes, heat: Heat, language: str) -> list[str]:
    """Draw the cells, dark where much; give what the note must say.

    Signed values run from the warning colour over paper to the accent, and their figures carry
    the sign, for in grey print both ends are dark.
    """
    n_rows, n_columns = heat.value.shape
    known = heat.value[np.isfinite(heat.value)]
    most = max(float(np.abs(known).max()), 1e-9) if len(known) else 1.0
    least = -most if heat.is_signed else 0.0
    shown = np.ma.masked_invalid(heat.value[::-1])
    cells = ax.pcolormesh(
        np.arange(n_columns + 1),
        np.arange(n_rows + 1),
        shown,
        cmap=_colours(heat),
        vmin=least,
        vmax=most,
        edgecolors=style.PAPER,
        linewidth=0.2 if n_rows > 60 else 1,
        label="cells",
    )
    place = n_rows - 0.5 - np.arange(n_rows)
    room = _LINE * n_rows / style.drawn_height(ax)
    named = thinned(list(place), room)
    ax.set_yticks(place[named], [heat.rows[one] for one in np.flatnonzero(named).tolist()],
                  parse_math=False)  # fmt: skip
    ax.set_xlim(0, n_columns)
    ax.set_ylim(0, n_rows)
    ax.spines["bottom"].set_visible(False)
    ax.tick_params(axis="x", length=0)
    rows_fit = bool(named.all())
    if rows_fit and _write(ax, heat, place, lambda one: cells.to_rgba(np.array(one)), language):
        return []
    return [
        say("figures and intervals stand in the table", language),
        say("the darker, the more: up to {most}", language, most=write(most, heat.kind, language)),
        *([] if rows_fit else [say("{shown} of {all} rows are named", language,
                                   shown=int(named.sum()), all=n_rows)]),
    ]  # fmt: skip


def _write(
    ax: Axes,
    heat: Heat,
    place: np.ndarray,
    colour: Callable[[float], np.ndarray],
    language: str,
) -> bool:
    """Write figure and interval into each cell, if there is room for them; tell whether."""
    texts = [[_figure(heat, row, column, language) for column in range(heat.value.shape[1])]
             for row in range(heat.value.shape[0])]  # fmt: skip
    room = 0.78 * style.size_of(ax)[0] / heat.value.shape[1]  # inches of a cell, about
    letters = int(72 * room / ((style.TEXT - 1) * 0.56))
    one_line = max(len(text) for row in texts for text in row) <= letters
    two_lines = style.drawn_height(ax) / len(texts) > 1.5 * _LINE
    if not one_line and not two_lines:
        return False
    for row, column in np.ndindex(heat.value.shape):
        red, green, blue, _ = colour(float(heat.value[row, column]))
        is_known = bool(np.isfinite(heat.value[row, column]))
        is_dark = is_known and 0.3 * red + 0.59 * green + 0.11 * blue < 0.55
        text = texts[row][column] if one_line else texts[row][column].replace(" (", "\n(")
        ax.text(column + 0.5, float(place[row]), text, ha="center", va="center", label="cell",
                fontsize=style.TEXT - (1 if one_line else 2), parse_math=False,
                color=style.PAPER if is_dark else style.INK)  # fmt: skip
    return True


def _figure(heat: Heat, row: int, column: int, language: str) -> str:
    value, low, high = (float(one[row, column]) for one in (heat.value, heat.low, heat.high))
    if np.isnan(value):
        return MISSING
    sign = "+" if heat.is_signed and value > 0 else ""
    return sign + estimate(value, low, high, heat.kind, language)


def _colours(heat: Heat) -> Colormap:
    from matplotlib.colors import LinearSegmentedColormap

    ends = ["#8f3a10", "#f3c9b2", "#f4f5f6", "#b7d4de", "#134b60"] if heat.is_signed else [
        "#f1f3f4", "#9cc3d1", "#134b60"]  # fmt: skip
    return LinearSegmentedColormap.from_list("salesdiag", ends)
