"""Pictures of the report: a table drawn by its plot, as inline SVG with words that say it."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, NamedTuple

from salesdiag.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH = 7.2  # inches, as wide as the text
_HEIGHT = 3.6
_ROW = 0.28  # inches for a row of a plot that has one for each
_MOST_ROWS = 40
# plots that have a row for each row of their table, and what a row may be at least
_TALL = {"rep_scorecard": 0.24, "target_attainment": 0.5, "stage_conversion": 0.5,
         "activity_result_correlation": 0.3, "price_waterfall": 0.4, "time_in_stage": 0.45,
         "stalled_deals": 0.45, "pipeline_snapshot": 0.45, "changes": 0.3}  # fmt: skip
_FIXED = {"results_board": 5.6}
_CHROME = 1.5  # inches for title, note and axis
_TAG = re.compile(r"<[^>]*>")
_ID = re.compile(r'(?<= id=")[^"]+|(?<=url\(#)[^)]+|(?<=href="#)[^"]+')


class Picture(NamedTuple):
    """A picture, and the words that say the same."""

    svg: str
    alt: str
    n_drawn: int = 0  # rows, of those that could be
    n_rows: int = 0


def picture(name: str, table: pd.DataFrame, language: str) -> Picture | None:
    """Draw the table of an analysis; None where there is nothing to draw."""
    from salesdiag.present import plots

    rows = _drawn(name, table)
    if not len(rows):
        return None
    figure, axes = canvas(_height(name, rows))
    try:
        getattr(plots, f"plot_{name}")(rows, ax=axes, language=language)
    except InputError:  # several groups, or nothing in it that could be drawn
        return None
    return finished(figure, axes, name)._replace(n_drawn=len(rows), n_rows=_drawable(name, table))


def _drawable(name: str, table: pd.DataFrame) -> int:
    """Count the rows that a picture of all of them would hold."""
    if name != "rep_scorecard":
        return 0
    return int(((table["metric"] == "win_rate") & table["shrunken_value"].notna()).sum())


def canvas(height: float) -> tuple[Figure, Axes]:
    """Make a figure apart from pyplot, so that the user's session is not touched."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height))
    return figure, figure.add_subplot()


def finished(figure: Figure, axes: Axes, name: str) -> Picture:
    """Write a figure as inline SVG whose ids are its own on the page."""
    from salesdiag.present.plots import note_of

    title = axes.get_title(loc="left").replace("\n", " ")
    alt = ". ".join(one for one in (title, note_of(axes).replace("\n", " ")) if one)

    def own(tag: re.Match[str]) -> str:  # words between the tags stay as they are
        return _ID.sub(lambda found: f"{name}-{found[0]}", tag[0])

    return Picture(_TAG.sub(own, _svg(figure)), alt)


def _with_names(table: pd.DataFrame) -> pd.DataFrame:
    """Name people as people do; those of the same name keep their ids."""
    if "rep_name" not in table or "unit_id" not in table:
        return table
    people = table.drop_duplicates("unit_id").set_index("unit_id")["rep_name"]
    alike = people.index[people.duplicated(keep=False)]
    names = people.drop(alike)
    return table.assign(unit_id=table["unit_id"].map(names).fillna(table["unit_id"]))


def _drawn(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Take the rows of a table that one picture holds."""
    table = _with_names(table)
    if name == "target_attainment":
        return table.tail(12)
    if name == "rep_scorecard":
        rows = table[(table["metric"] == "win_rate") & table["shrunken_value"].notna()]
        # whoever stands out is drawn, however many there are
        order = (rows["reading"] == "as expected").sort_values(kind="stable").index
        return rows.loc[order].head(_MOST_ROWS)
    if name == "activity_result_correlation":  # the other coefficients stand in the workbook
        return table[table["coefficient"] == "pearson"]
    if name == "stage_conversion" and table["from_stage"].duplicated().any():
        return table.head(0)
    return table


def _height(name: str, rows: pd.DataFrame) -> float:
    if name in _FIXED:
        return _FIXED[name]
    if name not in _TALL:
        return _HEIGHT
    return _CHROME + max(_TALL[name] * min(len(rows), _MOST_ROWS), 3 * _ROW)


def _svg(figure: Figure) -> str:
    """Write a figure as SVG: text stays text, ids and dates do not change."""
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "salesdiag"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None},
                       transparent=True)  # fmt: skip
    text = buffer.getvalue()
    return text[text.index("<svg") :]
