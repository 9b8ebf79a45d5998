"""Raw columns into typed ones: text, times, numbers, as the schema or the mapping asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from salesdiag.errors import InputError
from salesdiag.intake.numbers import read_durations, read_numbers
from salesdiag.intake.raw import Fact, RawColumn
from salesdiag.intake.times import read_times

if TYPE_CHECKING:
    from salesdiag.intake.mapping import Source
    from salesdiag.intake.numbers import Numbers
    from salesdiag.intake.times import Times

_EXACT = 1e15  # a spreadsheet keeps 15 digits of a number
ANY = "*"  # in a value map: every value that is not listed


class Typed(NamedTuple):
    """A typed column and what there is to report about it."""

    values: pa.Array
    facts: list[Fact]


def read_typed(
    column: RawColumn,
    kind: str,
    name: str,
    place: str,
    *,
    source: Source,
    zone: str,
    values: dict[str, str] | None = None,
) -> Typed:
    """Read a raw column as a type of the schema (or ``duration``, in seconds)."""
    typed = _read(
        _mapped(column, place, values) if values else column, kind, name, place, source, zone
    )
    if column.n_errors:
        detail = "errors of the spreadsheet, such as #N/A; became null"
        typed.facts.append(Fact("value not readable", name, column.n_errors, detail))
    return typed


def _read(column: RawColumn, kind: str, name: str, place: str, source: Source, zone: str) -> Typed:
    if kind == "text":
        return Typed(tidy(text_of(column, place)), [])
    if kind in ("time", "date"):
        times = read_times(
            column, place, order=source.date_order, source_zone=source.time_zone, zone=zone
        )
        moment = times.values if kind == "time" else pc.cast(times.values, pa.date32(), safe=False)
        return Typed(moment, _facts(name, "date order", times, column))
    if kind == "duration":
        lengths = read_durations(column)
        return Typed(lengths.values, _facts(name, "", lengths, column))
    numbers = read_numbers(column, place, decimal_mark=source.decimal_mark)
    return Typed(numbers.values, _facts(name, "decimal mark", numbers, column))


def _mapped(column: RawColumn, place: str, values: dict[str, str]) -> RawColumn:
    """Replace listed values; typed cells that the map does not touch keep their type."""
    before = text_of(column, place)
    after = map_values(before, values)
    same = pc.fill_null(pc.equal(before, after), False)  # noqa: FBT003
    typed = [array for array in (column.number, column.moment) if array is not None]
    kept = [pc.and_(same, pc.is_valid(array)) for array in typed]
    text = after
    for one in kept:
        text = pc.if_else(one, None, text)

    def left(array: pa.Array | None) -> pa.Array | None:
        return None if array is None else pc.if_else(same, array, None)

    return RawColumn(
        text, left(column.number), left(column.moment), column.n_errors, column.first_row
    )


def _facts(name: str, topic: str, read: Numbers | Times, column: RawColumn) -> list[Fact]:
    facts = [Fact(topic, name, None, read.evidence)] if read.evidence else []
    unread = read.unread
    if len(unread):
        at = pc.index(pc.utf8_trim_whitespace(column.text), unread[0]).as_py()
        first = f"; first in {column.row(at)}" if at >= 0 else ""
        examples = ", ".join(repr(str(one)[:40]) for one in pc.unique(unread).slice(0, 3))
        facts.append(
            Fact("value not readable", name, len(unread), f"became null, such as {examples}{first}")
        )
    return facts


def text_of(column: RawColumn, place: str) -> pa.Array:
    """Write every cell of a column as text: whole numbers without a decimal part.

    Raises
    ------
    InputError
        If a whole number is too large to have kept all its digits in the file.
    """
    text = column.text
    if column.number is not None:
        number = column.number
        large = pc.fill_null(pc.greater_equal(pc.abs(number), _EXACT), False)  # noqa: FBT003
        if pc.any(large).as_py():
            example = number.filter(large)[0].as_py()
            message = (
                f"{place}: numbers such as {example:.0f} have more than 15 digits, and a "
                "spreadsheet keeps only 15: the ids are damaged. Export the column as text."
            )
            raise InputError(message)
        whole = pc.equal(number, pc.floor(number))
        as_int = pc.cast(pc.cast(pc.if_else(whole, number, None), pa.int64()), pa.string())
        text = pc.coalesce(text, as_int, pc.cast(number, pa.string()))
    if column.moment is not None:
        written = pc.strftime(pc.cast(column.moment, pa.timestamp("s"), safe=False))
        written = pc.replace_substring_regex(
            pc.replace_substring(written, "T", " "), " 00:00:00$", ""
        )
        text = pc.coalesce(text, written)
    return text


def tidy(text: pa.Array) -> pa.Array:
    """Strip blanks, compose letters and their marks, make empty text null."""
    if not pc.all(pc.string_is_ascii(text), min_count=0).as_py():
        text = pc.utf8_normalize(text, form="NFC")
    text = pc.utf8_trim_whitespace(text)
    return pc.if_else(pc.equal(text, ""), None, text)


def map_values(text: pa.Array, values: dict[str, str]) -> pa.Array:
    """Replace listed values, whatever their case; ``*`` stands for all others, "" for null."""
    known = {key.casefold().strip(): value for key, value in values.items()}
    other = known.pop(ANY, None)

    def replaced(value: str | None) -> str | None:
        if value is None or not value.strip():
            return known.get("", value)
        return known.get(value.casefold().strip(), value if other is None else other)

    coded = pc.dictionary_encode(text, null_encoding="encode")
    dictionary = [replaced(one) or None for one in coded.dictionary.to_pylist()]
    return pa.array(dictionary, pa.string()).take(coded.indices)
