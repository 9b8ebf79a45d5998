"""Text into numbers: the decimal mark is decided per column, from all its values, or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from salesdiag.errors import InputError
from salesdiag.intake.moneywords import currency_pattern, refuse_several

if TYPE_CHECKING:
    from salesdiag.intake.raw import RawColumn

_SPACE = r"[\s\x{00A0}\x{202F}\x{2009}]"
_GROUP = r"[\s\x{00A0}\x{202F}\x{2009}'’]"
_PLAIN = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_MARKED = r"^[+-]?\d[\d.,]*$|^[+-]?[.,]\d+$"
_THREE = {",": r"^[+-]?[1-9]\d{0,2},\d{3}$", ".": r"^[+-]?[1-9]\d{0,2}\.\d{3}$"}
_NAMES = {".": "point", ",": "comma"}


class Numbers(NamedTuple):
    """Numbers, which values could not be read, and how the marks were told."""

    values: pa.Array  # float64, null where empty or unreadable
    unread: pa.Array  # the texts that are no numbers
    evidence: str


def read_numbers(column: RawColumn, place: str, *, decimal_mark: str | None = None) -> Numbers:
    """Read a column of numbers.

    Parameters
    ----------
    column : RawColumn
        The cells; numbers that the file holds as numbers are taken as they are.
    place : str
        File and column, for messages.
    decimal_mark : {".", ","}, optional
        Given in the mapping; otherwise the values decide.

    Raises
    ------
    InputError
        If the values leave open whether ``1,234`` is a thousand or a little more than one,
        or contradict each other, or are in several currencies.
    """
    text = pc.utf8_trim_whitespace(column.text)
    text = pc.if_else(pc.equal(text, ""), None, text)
    quick = _quick(text) if decimal_mark != "," else None
    if quick is not None:
        return Numbers(_with_typed(quick, column), text.slice(0, 0), "")
    clean = _clean(text)
    marks = _has_marks(clean)
    decimal, evidence = (decimal_mark, "given") if decimal_mark else _decide(clean, place, column)
    plain = _plain(clean, decimal) if marks else clean
    readable = pc.match_substring_regex(plain, _PLAIN)
    values = pc.cast(pc.if_else(readable, plain, None), pa.float64())
    percent = pc.fill_null(pc.match_substring(text, "%"), False)  # noqa: FBT003
    values = pc.if_else(percent, pc.divide(values, 100.0), values)
    values = pc.if_else(pc.is_finite(values), values, None)
    unread = text.filter(pc.and_(pc.is_valid(text), pc.is_null(values)))
    refuse_several(text.filter(pc.is_valid(values)), place)
    return Numbers(
        _with_typed(values, column), unread, f"{_NAMES[decimal]} ({evidence})" if marks else ""
    )


def _quick(text: pa.Array) -> pa.Array | None:
    """Read plain numbers at once, if all are plain and none could be thousands."""
    if text.null_count == len(text):
        return pa.nulls(len(text), pa.float64())
    if pc.any(pc.match_substring_regex(text, r"[^0-9.+-]")).as_py():
        return None
    with_point = pc.match_substring(text, ".")
    if pc.any(with_point).as_py():
        three = pc.match_substring_regex(text, _THREE["."])
        if not pc.any(pc.and_(with_point, pc.invert(three))).as_py():
            return None
    try:
        return pc.cast(text, pa.float64())
    except pa.ArrowInvalid:
        return None


def _clean(text: pa.Array) -> pa.Array:
    """Take away currency, percent signs and group spaces, and bring the sign to the front."""
    clean = pc.replace_substring_regex(text, rf"{_SPACE}*%$", "")
    clean, sign = _without_sign(pc.replace_substring_regex(clean, "[−–]", "-"))
    for _time in range(2):  # a sign before the number and a code behind it, or both on one side
        clean = pc.utf8_trim_whitespace(pc.replace_substring_regex(clean, currency_pattern(), ""))
    grouped = pc.match_substring_regex(clean, rf"^\d{{1,3}}({_GROUP}\d{{3}})+([.,]\d*)?$")
    clean = pc.if_else(grouped, pc.replace_substring_regex(clean, _GROUP, ""), clean)
    return pc.binary_join_element_wise(sign, clean, "")


def _without_sign(text: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Part a number from its minus, which may stand behind it or be a pair of brackets."""
    sign = pa.scalar("")
    for written, kept in (
        (r"^([^\d()]*)\(([^()]*)\)([^\d()]*)$", r"\1\2\3"),
        (r"^([^\d.,-]*)-", r"\1"),
        (r"-([^\d.,-]*)$", r"\1"),
    ):
        # two signs, as in "--5", stay two and make the value unreadable
        sign = pc.if_else(
            pc.match_substring_regex(text, written),
            pc.binary_join_element_wise(sign, "-", ""),
            sign,
        )
        text = pc.replace_substring_regex(text, written, kept)
    return pc.replace_substring_regex(text, r"^([^\d.,+]*)\+", r"\1"), sign


def _has_marks(clean: pa.Array) -> bool:
    return bool(pc.any(pc.match_substring_regex(clean, "[.,]")).as_py())


def _decide(clean: pa.Array, place: str, column: RawColumn) -> tuple[str, str]:
    """Tell the decimal mark from the values, or refuse."""
    numeric = clean.filter(pc.fill_null(pc.match_substring_regex(clean, _MARKED), False))  # noqa: FBT003
    votes = {mark: _first_decimal(numeric, mark) for mark in ".,"}
    grouped = {mark: _first(numeric, rf"\d\{mark}\d{{3}}\{mark}\d{{3}}") for mark in ".,"}
    for mark, other in ((".", ","), (",", ".")):
        votes[mark] = votes[mark] or grouped[other]
    if votes["."] is not None and votes[","] is not None:
        message = (
            f"{place}: the values contradict each other on the decimal mark: {votes['.']!r} asks "
            f"for a decimal point, {votes[',']!r} for a comma. Correct the file, or give "
            "'decimal_mark' for this source in the mapping; values that do not fit become null."
        )
        raise InputError(message)
    for mark in ".,":
        if votes[mark] is not None:
            return mark, f"{votes[mark]!r} leaves no other reading"
    open_question = _first(numeric, r"[.,]\d{3}$")
    if open_question is not None:
        bare = open_question.replace(",", "").replace(".", "")
        exact = open_question.replace(",", ".")
        row = column.row(pc.index(clean, open_question).as_py())
        message = (
            f"{place}: {open_question!r} can be {bare} or {exact}, and no value of the column "
            f"decides (the first is in {row}). Give 'decimal_mark' ('.' or ',') for this "
            "source in the mapping file."
        )
        raise InputError(message)
    return ".", "no marks"


def _first_decimal(numeric: pa.Array, mark: str) -> str | None:
    """Find a value in which the mark can only be a decimal mark."""
    other = "," if mark == "." else "."
    for pattern in (
        rf"^[^{mark}]*\{other}[^{mark}]*\{mark}\d*$",  # stands behind the other mark
        rf"^[^.,]*\{mark}(\d{{0,2}}|\d{{4,}})$",  # not three digits behind it
        rf"^[+-]?(0\d*|\d{{4,}}|)\{mark}\d{{3}}$",  # a zero or more than three digits before it
    ):
        found = _first(numeric, pattern)
        if found is not None:
            return found
    return None


def _first(values: pa.Array, pattern: str) -> str | None:
    hits = values.filter(pc.match_substring_regex(values, pattern))
    return str(hits[0]) if len(hits) else None


def _plain(clean: pa.Array, decimal: str) -> pa.Array:
    """Write numbers the way a computer does; a group mark must stand before three digits."""
    group = "," if decimal == "." else "."
    shaped = pc.match_substring_regex(
        clean, rf"^[+-]?(\d+|\d{{1,3}}(\{group}\d{{3}})+)?(\{decimal}\d*)?([eE][+-]?\d+)?$"
    )
    plain = pc.replace_substring(clean, group, "")
    plain = pc.replace_substring(plain, decimal, ".")
    return pc.if_else(shaped, plain, "?")


def _with_typed(values: pa.Array, column: RawColumn) -> pa.Array:
    return pc.coalesce(column.number, values) if column.number is not None else values


def read_durations(column: RawColumn) -> Numbers:
    """Read lengths of time (``0:20:40``, ``2 days, 1:05:00``, ``185 s``) as seconds.

    Two parts alone, as in ``05:30``, can be minutes and seconds or hours and minutes; they
    are not read, even beside values of three parts.
    """
    text = pc.utf8_trim_whitespace(column.text)
    parts = pc.extract_regex(
        text,
        r"^(?:(?P<d>\d+)\s*(?:d|days?|дн?\.?|ngày),?\s*)?(?:(?P<h>\d+):(?P<m>\d{1,2})(?::(?P<s>\d{1,2}(?:\.\d+)?))?)?$",
    )
    total: pa.Array = pc.multiply(pc.cast(pc.is_valid(parts), pa.float64()), 0.0)
    for key, seconds in (("d", 86400.0), ("h", 3600.0), ("m", 60.0), ("s", 1.0)):
        part = pc.struct_field(parts, key)
        part = pc.cast(pc.if_else(pc.equal(part, ""), None, part), pa.float64())
        total = pc.add(total, pc.multiply(pc.fill_null(part, 0.0), seconds))
    total = pc.if_else(pc.and_(pc.is_valid(parts), pc.not_equal(text, "")), total, None)
    total = pc.if_else(pc.match_substring_regex(text, r"^\d+:\d{1,2}$"), None, total)
    bare = pc.extract_regex(text, r"^(?P<n>\d+(?:\.\d+)?)\s*s?$")
    total = pc.coalesce(total, pc.cast(pc.struct_field(bare, "n"), pa.float64()))
    unread = text.filter(
        pc.and_(pc.and_(pc.is_valid(text), pc.not_equal(text, "")), pc.is_null(total))
    )
    return Numbers(_with_typed(total, column), unread, "")


def round_money(values: pa.Array) -> tuple[pa.Array, int]:
    """Turn floats into exact money; amounts beyond 14 digits are no money and become null."""
    absurd = pc.fill_null(pc.greater_equal(pc.abs(values), 1e14), False)  # noqa: FBT003
    kept = pc.if_else(absurd, None, values)
    exact = np.round(kept.to_numpy(zero_copy_only=False), 4)
    exact = pa.array(exact, from_pandas=True)
    return pc.cast(exact, pa.decimal128(18, 4), safe=False), int(pc.sum(absurd).as_py() or 0)
