"""The look of all plots: palette, axes, title and note, and room for what is written.

Nothing here touches the session's settings: all is set on the axes drawn and, where there was
none, on the figure made for them.
"""

from __future__ import annotations

import itertools
import math
import re
import textwrap
import warnings
from typing import TYPE_CHECKING

import numpy as np

from salesdiag.present.plots.formats import Kind, ticks
from salesdiag.present.plots.names import thinned
from salesdiag.present.plots.words import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

# one accent, one warning, greys; they differ in lightness, so also in grey print
ACCENT = "#1f6f8b"
WARN = "#d9662b"
INK = "#33383d"
GREY = "#8a8f94"
PALE = "#d9dde0"
PAPER = "#ffffff"

# groups of one plot: colour, line and marker, each telling them apart without the others
SERIES: tuple[tuple[str, str, str], ...] = (
    (ACCENT, "-", "o"),
    (INK, "--", "s"),
    (GREY, "-.", "^"),
    ("#6fb1c7", ":", "D"),
    ("#0e3a49", "-", "v"),
    ("#b3b8bc", "--", "P"),
)

WIDTH = 7.2  # inches, as wide as the text of the report
TEXT = 8.5
TITLE = 11.0
_EDGE = 0.12  # inches left free around everything


def start(ax: Axes | None, height: float) -> Axes:
    """Give the axes to draw on, made where there are none, in the look of all plots."""
    if ax is None:
        import matplotlib.pyplot as plt

        figure, ax = plt.subplots(figsize=(WIDTH, height))
        figure.set_facecolor(PAPER)
        ax.set_facecolor(PAPER)
    ax.grid(visible=False)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set_color(GREY)
    ax.tick_params(axis="y", length=0, labelcolor=INK, labelsize=TEXT)
    ax.tick_params(axis="x", color=GREY, labelcolor=INK, labelsize=TEXT)
    return ax


def scale(axis: Axis, kind: Kind, language: str, *, lines: bool = True) -> None:
    """Write an axis's ticks as its kind is written, with thin lines behind the picture."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    steps = [1, 2, 5, 10] if kind in ("count", "days") else [1, 2, 2.5, 5, 10]
    axis.set_major_locator(MaxNLocator(6, steps=steps, integer=kind == "count"))
    axis.set_major_formatter(FuncFormatter(ticks(kind, language)))
    if lines:
        axis.grid(visible=True, color=GREY, alpha=0.25, linewidth=0.6)
        axis.axes.set_axisbelow(True)


def _names_below(ax: Axes, below: Mapping[float, str]) -> None:
    """Write names under the axes, broken into lines or left out so that none meets another."""
    places = list(below)
    low, high = ax.get_xlim()
    gap = min((abs(b - a) for a, b in itertools.pairwise(sorted(places))), default=high - low)
    room = _inches(ax)[0] * gap / max(high - low, 1e-9)  # inches for one name
    # ties hold figures and their units together
    words = {word for name in below.values() for word in re.split("[ \n]", name)}
    wide = {word: _width(ax, word) for word in words}
    longest = max(wide.values(), default=0.0) + 0.06
    step = gap * math.ceil(longest / room) if longest > room else 0.0
    shown = [place for place, one in zip(places, thinned(places, step), strict=True) if one]
    names = ["\n".join(_broken(below[place], wide, max(room - 0.06, longest))) for place in shown]
    ax.set_xticks(shown, names, parse_math=False)


def _broken(name: str, wide: Mapping[str, float], room: float) -> list[str]:
    """Break a name into lines that fit; the lines it has stay."""
    lines = []
    for line in name.split("\n"):
        first, *others = line.split(" ")
        begun, length = first, wide[first]
        for word in others:
            if length + 0.04 + wide[word] <= room:
                begun, length = f"{begun} {word}", length + 0.04 + wide[word]
            else:
                lines.append(begun)
                begun, length = word, wide[word]
        lines.append(begun)
    return lines


def _width(ax: Axes, text: str) -> float:
    """Measure a text in inches."""
    probe = ax.figure.text(0, 0, text, fontsize=TEXT, parse_math=False, usetex=False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return float(probe.get_window_extent().width) / ax.figure.dpi
    finally:
        probe.remove()


def _fewer_ticks(ax: Axes) -> None:
    """Write fewer figures under the axes where they would meet."""
    from matplotlib.ticker import MaxNLocator

    locator, text = ax.xaxis.get_major_locator(), ax.xaxis.get_major_formatter()
    if not isinstance(locator, MaxNLocator):
        return
    width = _inches(ax)[0]
    for most in (8, 7, 6, 5, 4, 3, 2):
        locator.set_params(nbins=most)
        inside = [one for one in locator() if ax.get_xlim()[0] <= one <= ax.get_xlim()[1]]
        gap = width * (inside[1] - inside[0]) / np.ptp(ax.get_xlim()) if len(inside) > 1 else width
        if gap >= (max((len(text(one)) for one in inside), default=0) + 1.5) * TEXT * 0.6 / 72:
            return


def nothing(ax: Axes, title: str, language: str) -> Axes:
    """Say in the picture that there is nothing to draw."""
    ax.set_axis_off()
    ax.text(0.5, 0.5, say("No data", language), transform=ax.transAxes, ha="center", va="center",
            color=GREY, fontsize=TITLE)  # fmt: skip
    return finish(ax, title)


def finish(
    ax: Axes, title: str, notes: Sequence[str] = (), *, below: Mapping[float, str] | None = None
) -> Axes:
    """Set the title and the note under it, switch off markup, and make room for all words.

    ``below`` names places of the lower axis; a name may hold a line break.

    Where the axes are alone in a figure without a layout of its own, the axes are moved so that
    nothing written is cut; else only title and note are set.
    """
    _plain(ax)
    for axis in (one for each in (ax, *ax.child_axes) for one in (each.xaxis, each.yaxis)):
        axis.label.set(color=INK, fontsize=TEXT + 0.5)
    alone = _is_alone(ax)
    ax.set_ylabel(textwrap.fill(ax.get_ylabel(), _letters(drawn_height(ax), TEXT, 0.62)))
    if below:
        ax.set_xticks([])  # names may be wider than what they are to fit in
    shift, width = _fit_sides(ax) if alone else (0.0, _inches(ax)[0])
    if below:
        _names_below(ax, below)
    _fewer_ticks(ax)
    lines = _packed([one for one in notes if one], _letters(width, TEXT, 0.60))
    heading = textwrap.fill(title, _letters(width, TITLE, 0.70))
    pad = 8 + 1.25 * TEXT * len(lines)
    ax.set_title(heading, loc="left", x=shift, pad=pad + 3, fontsize=TITLE, color=INK,
                 fontweight="bold", parse_math=False, usetex=False)  # fmt: skip
    if lines:
        ax.annotate("\n".join(lines), (shift, 1), xycoords="axes fraction", xytext=(0, 7),
                    textcoords="offset points", ha="left", va="bottom", color=INK, fontsize=TEXT,
                    linespacing=1.25, parse_math=False, usetex=False, label="note",
                    annotation_clip=False)  # fmt: skip
    if alone:
        n_title = heading.count("\n") + 1
        _fit_ends(ax, top=(pad + 9 + 1.3 * TITLE * n_title) / 72)
    _plain(ax)  # ticks may have been added
    return ax


def _packed(notes: Sequence[str], letters: int) -> list[str]:
    """Put notes into lines, broken between two notes where that is possible."""
    lines: list[str] = []
    for note in notes:
        if lines and len(lines[-1]) + 3 + len(note) <= letters:
            lines[-1] += f" · {note}"
        else:
            lines += textwrap.wrap(note, letters)
    return lines


def note_of(ax: Axes) -> str:
    """Read back the note under the title; empty where there is none."""
    return next((text.get_text() for text in ax.texts if text.get_label() == "note"), "")


def _plain(ax: Axes) -> None:
    """Switch off markup: a name may hold "$10k" or "$x_1$"."""
    from matplotlib.text import Text

    for text in ax.findobj(Text):
        text.set_parse_math(False)
        text.set_usetex(False)


def _is_alone(ax: Axes) -> bool:
    from matplotlib.figure import Figure

    figure = ax.figure
    return (
        isinstance(figure, Figure)
        and figure.axes == [ax]
        and figure.get_layout_engine() is None
        and not figure.texts
    )


def _inches(ax: Axes) -> tuple[float, float]:
    """Give width and height of the axes."""
    width, height = size_of(ax)
    place = ax.get_position()
    return float(place.width * width), float(place.height * height)


def size_of(ax: Axes) -> tuple[float, float]:
    """Give width and height of the figure in inches."""
    box, dpi = ax.figure.bbox, ax.figure.dpi
    return float(box.width) / dpi, float(box.height) / dpi


def drawn_height(ax: Axes) -> float:
    """Reckon the height of the axes in inches once title and labels have their room."""
    if not _is_alone(ax):
        return _inches(ax)[1]
    total = size_of(ax)[1]
    return max(total - 1.6, 0.45 * total)


def _letters(width: float, size: float, em: float) -> int:
    """Count the letters that fit into a width; ``em`` is the mean width of one."""
    return max(12, int(72 * width / (size * em)))


def _overhang(ax: Axes) -> tuple[float, float, float]:
    """Measure in inches what is written to the left of, to the right of and below the axes."""
    with warnings.catch_warnings():  # a font may lack a letter; drawing says so, once
        warnings.simplefilter("ignore", UserWarning)
        outer = ax.get_tightbbox()
    inner, dpi = ax.bbox, ax.figure.dpi
    if outer is None:
        return 0.0, 0.0, 0.0
    return (
        max(0.0, float(inner.x0 - outer.x0) / dpi),
        max(0.0, float(outer.x1 - inner.x1) / dpi),
        max(0.0, float(inner.y0 - outer.y0) / dpi),
    )


def _fit_sides(ax: Axes) -> tuple[float, float]:
    """Move the axes' sides; give where the figure's text begins, and its width in inches."""
    total = size_of(ax)[0]
    left, right, _ = _overhang(ax)
    left = min(left + _EDGE, 0.55 * total)
    right = min(right + _EDGE, 0.86 * total - left)
    place = ax.get_position()
    ax.set_position((left / total, place.y0, 1 - (left + right) / total, place.height))
    inner = total - left - right
    return (_EDGE - left) / inner, total - 2 * _EDGE


def _fit_ends(ax: Axes, top: float) -> None:
    """Move the axes' upper and lower end."""
    total = size_of(ax)[1]
    below = min(_overhang(ax)[2] + _EDGE, 0.35 * total)
    top = min(top, 0.45 * total)
    place = ax.get_position()
    ax.set_position((place.x0, below / total, place.width, 1 - (below + top) / total))
