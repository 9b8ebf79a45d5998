"""What the notebooks show with: a picture, a table, lines of text, or why there is none.

Text of the CRM comes out escaped. IPython is imported when the first thing is shown.
"""

from __future__ import annotations

from contextlib import contextmanager
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

from salesdiag.errors import InputError, MissingDataError, SalesDiagError
from salesdiag.present.labels import CODED, format_value, kind_of, label, title
from salesdiag.present.plots.style import note_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

_INCH = 100  # pixels on the page; the picture has more, for fine screens
_FINE = 160
_NAMES = ("table", "field", "column")  # these are written as they stand in the files
_COLOURS = 256  # a third of the size of a picture in all colours, and none looks another


@contextmanager
def if_possible() -> Iterator[None]:
    """Show why something cannot be told from the data, instead of stopping the notebook.

    What the library refuses on purpose (a `SalesDiagError`: a table, a column or a past that
    is not there) is shown with what to ask for; any other error is raised as ever.

    Examples
    --------
    >>> with if_possible():
    ...     raise MissingDataError("there are no targets.", ask_for="the plan by quarter")
    Cannot be told from these data: there are no targets.
    Ask for: the plan by quarter.
    """
    try:
        yield
    except SalesDiagError as error:
        _close_figures()
        lines = [f"Cannot be told from these data: {error}"]
        ask_for = error.ask_for if isinstance(error, MissingDataError) else ""
        if ask_for not in str(error):  # most messages end with it
            lines.append(f"Ask for: {ask_for}.")
        show_lines(lines)


def show_plot(ax: Axes) -> None:
    """Show the figure of a plot, with its title and note as alternative text, and close it.

    Parameters
    ----------
    ax : Axes
        As a ``plot_`` function returns it.
    """
    from IPython.display import Image
    from matplotlib import pyplot as plt

    figure = ax.figure.canvas.figure
    text = " ".join(f"{ax.get_title(loc='left')}. {note_of(ax)}".split())
    width = round(float(figure.get_figwidth()) * _INCH)
    _display(Image(data=_png(ax), format="png", width=width, alt=text))
    plt.close(figure)


def show_table(table: pd.DataFrame, columns: str = "", *, rows: int = 20) -> None:
    """Show columns of a table with their headings and units, intervals beside their estimates.

    Parameters
    ----------
    table : DataFrame
        As an analysis returns it.
    columns : str, default ""
        Their names with spaces between, in this order; all where none is named. Where a column
        has ``_low`` and ``_high``, they stand in brackets behind it. Columns that the table
        lacks are left out: a key of another department, for example.
    rows : int, default 20
        How many are shown; the number of others is told.
    """
    _display(_Shown(*_table(table, columns.split(), rows)))


def show_lines(lines: Iterable[str]) -> None:
    """Show texts, each as a paragraph.

    Parameters
    ----------
    lines : iterable of str
    """
    texts = list(lines)
    marked = "".join(f"<p>{escape(text)}</p>" for text in texts)
    _display(_Shown("\n".join(texts), f"<div>{marked}</div>"))


class _Shown:
    """Text with its HTML, of which a notebook takes what it can show."""

    def __init__(self, text: str, html: str) -> None:
        self._text, self._html = text, html

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        return self._html


def _table(table: pd.DataFrame, columns: Sequence[str], rows: int) -> tuple[str, str]:
    """Write a table as plain text and as HTML."""
    names = [one for one in columns or table.columns if one in table.columns]
    if not len(table) or not names:
        return "No rows.", "<p>No rows.</p>"
    head = table.head(rows)
    cells = {name: [_cell(name, row) for row in head.to_dict("records")] for name in names}
    right = {name: table[name].dtype.kind in "fiu" for name in names}
    left = len(table) - len(head)
    more = f"{left:,} more rows" if left else ""
    return _plain(cells, right, more), _html(cells, right, more)


def _cell(name: str, row: Mapping[Any, Any]) -> str:
    text = format_value(name, row[name])
    if name == "cause":
        return title(text)
    if name in CODED and name not in _NAMES:
        return text.replace("_", " ")
    low, high = f"{name}_low", f"{name}_high"
    if low not in row or high not in row or row[low] != row[low]:
        return text
    return f"{text} ({_range(format_value(low, row[low]), format_value(high, row[high]))})"


def _range(low: str, high: str) -> str:
    """Join the ends of an interval; a unit that both have is written once.

    >>> _range("15.4 %", "54.0 %"), _range("-3.4", "2.6"), _range("77", "inf")
    ('15.4–54.0 %', '-3.4 … 2.6', '77 and more')
    """
    if high == "inf":
        return f"{low} and more"
    if low.endswith(" %") and high.endswith(" %"):
        low = low.removesuffix(" %")
    return f"{low} … {high}" if {low[0], high[0]} & {"-", "−"} else f"{low}–{high}"


def _plain(cells: dict[str, list[str]], right: dict[str, bool], more: str) -> str:
    lines = [""] * (1 + len(next(iter(cells.values()))))
    for name, column in cells.items():
        texts = [label(name), *(" ".join(text.split()) for text in column)]
        width = max(map(len, texts))
        texts = [text.rjust(width) if right[name] else text.ljust(width) for text in texts]
        lines = [f"{line}  {text}" for line, text in zip(lines, texts, strict=True)]
    return "\n".join([line[2:].rstrip() for line in lines] + [more] * bool(more))


def _html(cells: dict[str, list[str]], right: dict[str, bool], more: str) -> str:
    side = {name: f"text-align:{'right' if right[name] else 'left'}" for name in cells}
    wrap = {name: ";white-space:nowrap" if right[name] or kind_of(name) == "date" else ""
            for name in cells}  # fmt: skip
    heads = "".join(f"<th style='{side[name]}'>{escape(label(name))}</th>" for name in cells)
    body = "".join(
        "<tr>" + "".join(
            f"<td style='{side[name]}{wrap[name]}'>{escape(text)}</td>"
            for name, text in zip(cells, row, strict=True)
        ) + "</tr>\n"
        for row in zip(*cells.values(), strict=True)
    )  # fmt: skip
    note = f"<p>{more}</p>" if more else ""
    return f"<table><thead><tr>{heads}</tr></thead>\n<tbody>{body}</tbody></table>{note}"


def _png(ax: Axes) -> bytes:
    """Draw a figure in no more colours than it needs."""
    from PIL import Image

    drawn, packed = BytesIO(), BytesIO()
    ax.figure.canvas.figure.savefig(drawn, format="png", dpi=_FINE)
    with Image.open(drawn) as picture:
        picture.convert("RGB").quantize(_COLOURS).save(packed, format="png", optimize=True)
    return packed.getvalue()


def _display(thing: object) -> None:
    try:
        from IPython.display import display
    except ImportError:
        message = 'this shows in notebooks only: python -m pip install "salesdiag[notebooks]".'
        raise InputError(message) from None
    display(thing)


def _close_figures() -> None:
    """Leave no half-drawn figure for the notebook to show."""
    from matplotlib import pyplot as plt

    plt.close("all")
