"""What a reader hands on: columns of text (and of typed cells), and facts about the reading."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

REPORT_COLUMNS = ["table", "file", "sheet", "topic", "item", "n_rows", "detail"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the load report."""

    topic: str  # rows read, rows used, rows set aside, encoding, date order, ...
    item: str = ""  # the reason, the column, the value
    n_rows: int | None = None
    detail: str = ""


@dataclass(slots=True)
class RawColumn:
    """The cells of a column: text as it stood, and typed cells where the file had types.

    ``text`` is null where the cell was typed or empty; ``number`` and ``moment`` are None
    where the file holds text only.
    """

    text: pa.Array
    number: pa.Array | None = None
    moment: pa.Array | None = None
    n_errors: int = 0  # cells that held an error of the spreadsheet, such as #N/A
    first_row: int = 0  # the row of the file that holds the first cell; 0 if rows were left out

    def row(self, index: int) -> str:
        """Say where a cell stands, for messages."""
        return f"row {self.first_row + index}" if self.first_row else f"data row {index + 1}"


@dataclass(slots=True)
class RawTable:
    """A table as it came out of a file, not yet understood."""

    file: str
    columns: dict[str, RawColumn]
    n_rows: int
    sheet: str = ""
    first_row: int = 2  # the row of the file, counted from 1, that holds the first data row
    facts: list[Fact] = field(default_factory=list)
    set_aside: dict[str, int] = field(default_factory=dict)  # reason: rows left out on reading
    moved: bool = False  # rows do not stand below each other as they do in the file

    def number_rows(self) -> None:
        """Let the columns know in which row of the file they begin, if the rows are as there."""
        if not self.moved and not self.set_aside:
            for column in self.columns.values():
                column.first_row = self.first_row

    @property
    def place(self) -> str:
        """File and sheet, for messages."""
        return f"{self.file}, sheet {self.sheet!r}" if self.sheet else self.file


def report_frame(lines: Iterable[tuple[str, str, str, Fact]]) -> pd.DataFrame:
    """Put facts (table, file, sheet, fact) into the load report."""
    rows = [
        (table, file, sheet, fact.topic, fact.item, fact.n_rows, fact.detail)
        for table, file, sheet, fact in lines
    ]
    frame = pd.DataFrame(rows, columns=REPORT_COLUMNS)
    return frame.astype(
        {"n_rows": "Int64"} | {name: "str" for name in REPORT_COLUMNS if name != "n_rows"}
    )
