"""Columns of dates of which a spreadsheet has turned some into dates, the wrong way round."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from salesdiag.errors import InputError

_FEW = 3  # fewer values say nothing
_PARTS = r"^(?P<a>\d{1,2})[-/.](?P<b>\d{1,2})[-/.]\d{2}"


def refuse_half_converted(text: pa.Array, moment: pa.Array, place: str) -> None:
    """Refuse a column in which only days up to the 12th are dates, and only later ones text.

    A program set to another country takes ``05/03/2026`` for the 3rd of May and leaves
    ``25/03/2026`` as text, for there is no 25th month.

    Raises
    ------
    InputError
        If the column looks so: its dates have day and month exchanged.
    """
    parts = pc.extract_regex(text, _PARTS)
    written = parts.filter(pc.is_valid(parts))
    typed = moment.drop_null()
    if len(written) < _FEW or len(typed) < _FEW or pc.max(pc.day(typed)).as_py() > 12:
        return
    first, second = (pc.cast(pc.struct_field(written, one), pa.int64()) for one in "ab")
    if pc.min(pc.max_element_wise(first, second)).as_py() > 12:
        example = text.filter(pc.is_valid(parts))[0].as_py()
        message = (
            f"{place}: {len(typed)} cells are dates, all with a day up to 12, and {len(written)} "
            f"are text with a day above 12, such as {example!r}: a spreadsheet program exchanged "
            "day and month where it could. Take the dates from the original export, and open "
            "that with the column set to text, or write the dates as YYYY-MM-DD."
        )
        raise InputError(message)
