"""What a plot asks of the table it is given: its columns, its groups, and a number of each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.errors import InputError
from salesdiag.present.plots.formats import period
from salesdiag.present.plots.names import clean
from salesdiag.present.plots.words import check_language, term

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_SERIES = 6


def need(table: object, columns: Sequence[str], plot: str, language: str) -> pd.DataFrame:
    """Check that a table is that of the plot's analysis, and number its rows anew."""
    check_language(language)
    analysis = plot.removeprefix("plot_")
    if not isinstance(table, pd.DataFrame):
        message = (f"{plot} draws the DataFrame that `{analysis}` returns, "
                   f"not {type(table).__name__}.")  # fmt: skip
        raise InputError(message)
    missing = [name for name in columns if name not in table.columns]
    if missing:
        message = (
            f"{plot} needs the columns {', '.join(missing)}, which the table lacks: "
            f"give it the table of `{analysis}` as it is returned, rows filtered as you like."
        )
        raise InputError(message)
    return table.reset_index(drop=True)


def keys_of(table: pd.DataFrame, first: str) -> list[str]:
    """Name the ``by`` columns: those before the first column of the analysis itself."""
    columns = [str(name) for name in table.columns]
    return columns[: columns.index(first)]


def groups_of(table: pd.DataFrame, first: str, language: str) -> list[str]:
    """Name the group of each row; empty text where the table is not split."""
    keys = keys_of(table, first)
    return [_name(row, language) for row in _rows(table, keys)]


def one_group(
    table: pd.DataFrame, first: str, plot: str, language: str, twice: Sequence[str] = ()
) -> str:
    """Give the name of the only group of a table, and refuse a table of several.

    ``twice`` names columns that together must not repeat, which tells a split table whose
    ``by`` columns were taken out.
    """
    keys = keys_of(table, first)
    n_groups = len(table[keys].drop_duplicates()) if keys else 1
    repeats = bool(twice) and table.duplicated([*keys, *twice]).any()
    if n_groups > 1 or repeats:
        key = keys[0] if keys else "team"
        value = table[key].iloc[0] if keys else "North"
        message = (
            f"{plot} draws one group at a time: filter the table to one first, "
            f"for example table[table[{key!r}] == {value!r}]."
        )
        raise InputError(message)
    return groups_of(table, first, language)[0] if keys and len(table) else ""


def series_of(
    table: pd.DataFrame, first: str, language: str
) -> tuple[list[tuple[str, pd.DataFrame]], int]:
    """Split a table into its first groups, in its order; tell how many more there are."""
    keys = keys_of(table, first)
    if not keys:
        return [("", table)], 0
    order = [tuple(row) for row in _rows(table.drop_duplicates(keys), keys)]
    numbers = table.groupby(keys, sort=False, dropna=False).ngroup().to_numpy()
    shown = [
        (_name(name, language), table[numbers == place])
        for place, name in enumerate(order[:MOST_SERIES])
    ]
    return shown, max(0, len(order) - MOST_SERIES)


def values(table: pd.DataFrame, column: str) -> np.ndarray:
    """Give a column as floats; missing ones are NaN."""
    return np.asarray(table[column].astype("float64"), dtype=float)


def interval(table: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give a column and the ends of its interval as floats."""
    return values(table, column), values(table, f"{column}_low"), values(table, f"{column}_high")


def periods_of(table: pd.DataFrame, language: str, start: str = "period_start") -> list[str]:
    """Name the period of each row."""
    end = start.replace("start", "end")
    return [
        period(pd.Timestamp(first), pd.Timestamp(last), language)
        for first, last in zip(table[start].tolist(), table[end].tolist(), strict=True)
    ]


def titled(title: str, group: str) -> str:
    """Put the group behind a title, where there is one."""
    return f"{title}: {group}" if group else title


def with_interval(*columns: str) -> list[str]:
    """Name columns and the ends of their intervals."""
    return [f"{column}{end}" for column in columns for end in ("", "_low", "_high")]


def _name(parts: tuple[object, ...], language: str) -> str:
    return clean(" · ".join(term(part, language) for part in parts)) if parts else ""


def _rows(table: pd.DataFrame, keys: list[str]) -> list[tuple[object, ...]]:
    if not keys:
        return [()] * len(table)
    return list(table[keys].itertuples(index=False, name=None))
