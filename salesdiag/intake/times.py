"""Text into dates and times: the order of day and month is decided per column, or refused."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from salesdiag.errors import InputError
from salesdiag.intake.datewords import month_words, plain_spaces, without_words
from salesdiag.intake.halfconverted import refuse_half_converted

if TYPE_CHECKING:
    from collections.abc import Callable

    from salesdiag.intake.raw import RawColumn

ORDERS = ("dmy", "mdy", "ymd")
_SERIAL_DAY_0 = dt.datetime(1899, 12, 30)
_SERIALS = (20_000, 80_000)  # 1954 to 2119: the serial day numbers that can be meant
_UNIX = (600_000_000, 4_000_000_000)  # 1989 to 2096, in seconds
# years that can be meant; 1C writes 01.01.0001 where there is no date, others 31.12.9999
_YEARS = (1900, 2200)
_CLOCK = (
    r"(?:,?[T\s]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<part>\d{1,9}))?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?|SA|CH)?)?\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$"
)
_NUMERIC = r"^(?P<a>\d{1,2}|[12]\d{3})[-/.](?P<b>\d{1,2})[-/.](?P<c>\d{1,2}|[12]\d{3})\.?" + _CLOCK
_COMPACT = r"^(?P<a>(?:19|20)\d{2})(?P<b>[01]\d)(?P<c>[0-3]\d)" + _CLOCK
_WORDS = (
    r"^(?:(?P<a>\d{1,2})\.?[\s-]+(?P<word>[\pL ]*\pL(?: ?\d{1,2})?)"
    r"\.?,?[\s-]+(?P<c>[12]\d{3}|\d{2})"
    r"|(?P<word2>\pL+)\.?\s+(?P<a2>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<c2>[12]\d{3}))\s*(?:г\.?)?"
    + _CLOCK
)


class Times(NamedTuple):
    """Moments, which values could not be read, and how day and month were told apart."""

    values: pa.Array  # timestamp[us] without zone
    unread: pa.Array
    evidence: str


def read_times(
    column: RawColumn,
    place: str,
    *,
    order: str | None = None,
    source_zone: str | None = None,
    zone: str = "UTC",
) -> Times:
    """Read a column of dates or times into the department's time zone.

    Parameters
    ----------
    column : RawColumn
        The cells; dates that the file holds as dates are taken as they are.
    place : str
        File and column, for messages.
    order : {"dmy", "mdy", "ymd"}, optional
        Given in the mapping; otherwise the values decide.
    source_zone : str, optional
        Zone of the clock times in the file; default: the department's own.
    zone : str, default "UTC"
        The department's zone.

    Raises
    ------
    InputError
        If the values leave the order of day and month open, or contradict each other.
    """
    text = plain_spaces(column.text)
    if column.moment is not None:
        refuse_half_converted(text, column.moment, place)
    moment, evidence = _iso(text), ""
    has_clock = pc.match_substring(text, ":")
    if moment is None:
        moment, evidence = _by_shape(text, place, order, zone, column.row)
    zoned = pc.match_substring_regex(text, r":\d.*(Z|UTC|GMT|[+-]\d{2}(:?\d{2})?)$")
    if source_zone and source_zone != zone:
        naive = pc.fill_null(pc.and_(has_clock, pc.invert(zoned)), False)  # noqa: FBT003
        naive = pc.and_(naive, pc.invert(pc.fill_null(_is_midnight(moment), True)))  # noqa: FBT003
        moment = pc.if_else(naive, move_zone(moment, source_zone, zone), moment)
    moment = _of_our_time(moment)
    unread = text.filter(pc.and_(pc.is_valid(text), pc.is_null(moment)))
    return Times(_with_typed(moment, column, source_zone, zone), unread, evidence)


def move_zone(moment: pa.Array, source: str, target: str) -> pa.Array:
    """Read clock times of one zone on the clock of another."""
    there = pc.assume_timezone(moment, source, ambiguous="earliest", nonexistent="latest")
    return pc.local_timestamp(pc.cast(there, pa.timestamp("us", target)))


def _is_midnight(moment: pa.Array) -> pa.Array:
    """Tell the moments that are a day written as a time; a day has no zone."""
    return pc.equal(pc.floor_temporal(moment, unit="day"), moment)


def _of_our_time(moment: pa.Array) -> pa.Array:
    """Make null what is a date by its form, but of no year that can be meant."""
    year = pc.year(moment)
    return pc.if_else(
        pc.and_(pc.greater_equal(year, _YEARS[0]), pc.less(year, _YEARS[1])), moment, None
    )


def _iso(text: pa.Array) -> pa.Array | None:
    """Read ``2025-12-31`` and ``2025-12-31 23:59:59`` at once, if that is all there is."""
    try:
        return pc.cast(text, pa.timestamp("us"))
    except pa.ArrowInvalid:
        return None


def _with_typed(
    moment: pa.Array, column: RawColumn, source_zone: str | None, zone: str
) -> pa.Array:
    if column.moment is not None:
        typed = _of_our_time(column.moment)
        if source_zone and source_zone != zone:
            typed = pc.if_else(_is_midnight(typed), typed, move_zone(typed, source_zone, zone))
        moment = pc.coalesce(typed, moment)
    if column.number is not None:
        moment = pc.coalesce(moment, _serial_days(column.number))
    return moment


def _serial_days(number: pa.Array) -> pa.Array:
    """Read Excel's day numbers; other numbers are no dates."""
    inside = pc.and_(
        pc.greater_equal(number, float(_SERIALS[0])), pc.less(number, float(_SERIALS[1]))
    )
    days = pc.if_else(inside, number, None).to_numpy(zero_copy_only=False)
    # to the second: the fraction of a day is a rounded float
    seconds = np.round(np.where(np.isnan(days), 0, days) * 86_400).astype("int64")
    moment = np.datetime64(_SERIAL_DAY_0, "us") + seconds.astype("timedelta64[s]")
    return pa.array(moment, mask=np.isnan(days))


def _by_shape(
    text: pa.Array, place: str, order: str | None, zone: str, at: Callable[[int], str]
) -> tuple[pa.Array, str]:
    """Read numeric, compact and worded dates, serial day numbers and Unix seconds."""
    text = without_words(text)
    numeric = _fields(pc.extract_regex(text, _NUMERIC), ("a", "b", "c"))
    first_is_year = (numeric["a"] > 31) | (order == "ymd")
    found, evidence = _order(text, numeric, first_is_year, place, order, at)
    year = np.where(first_is_year, numeric["a"], numeric["c"])
    second_month = first_is_year | (found == "dmy")
    month = np.where(second_month, numeric["b"], numeric["a"])
    day = np.where(
        first_is_year, numeric["c"], np.where(found == "dmy", numeric["a"], numeric["b"])
    )
    moment = _assemble(year, month, day, numeric, zone)
    if moment.null_count > text.null_count:
        compact = _fields(pc.extract_regex(text, _COMPACT), ("a", "b", "c"))
        other = _assemble(compact["a"], compact["b"], compact["c"], compact, zone)
        moment = pc.coalesce(moment, other)
    if moment.null_count > text.null_count:
        moment = pc.coalesce(moment, _worded(text, zone), _serial_text(text), _unix(text, zone))
    return moment, evidence


def _fields(parts: pa.Array, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Give the parts of a matched date as floats, NaN where absent."""
    result = {}
    for name in (*names, "hour", "minute", "second", "part"):
        field = pc.struct_field(parts, name)
        field = pc.if_else(pc.equal(field, ""), None, field)
        if name == "part":
            field = pc.utf8_slice_codeunits(pc.utf8_rpad(field, 6, "0"), 0, 6)
        result[name] = pc.cast(field, pa.float64()).to_numpy(zero_copy_only=False)
    half = pc.utf8_upper(pc.struct_field(parts, "half"))
    result["afternoon"] = _flag(pc.or_(pc.starts_with(half, "P"), pc.equal(half, "CH")))
    result["morning"] = _flag(pc.or_(pc.starts_with(half, "A"), pc.equal(half, "SA")))
    zone = pc.replace_substring_regex(pc.struct_field(parts, "zone"), "^(Z|UTC|GMT)$", "+00:00")
    digits = pc.replace_substring(zone, ":", "")
    digits = pc.replace_substring_regex(digits, r"^([+-]\d{2})$", r"\100")  # hours alone
    digits = pc.if_else(pc.equal(digits, ""), None, digits)
    offset = pc.cast(pc.replace_substring(digits, "+", ""), pa.float64())
    hundred = offset.to_numpy(zero_copy_only=False)
    result["offset"] = np.sign(hundred) * (np.abs(hundred) // 100 * 60 + np.abs(hundred) % 100)
    return result


def _flag(values: pa.Array) -> np.ndarray:
    flags: np.ndarray = pc.fill_null(values, False).to_numpy(zero_copy_only=False)  # noqa: FBT003
    return flags


def _order(
    text: pa.Array,
    parts: dict[str, np.ndarray],
    first_is_year: np.ndarray,
    place: str,
    given: str | None,
    at: Callable[[int], str],
) -> tuple[str, str]:
    """Tell whether the day or the month comes first, or refuse."""
    if given:
        return given, f"{given} (given)"
    a, b = np.where(first_is_year, np.nan, parts["a"]), parts["b"]
    a = np.where((np.minimum(a, b) > 0) & (np.minimum(a, b) <= 12), a, np.nan)  # else no date
    if np.isnan(a).all():
        return "ymd", ""
    day_first, month_first = np.flatnonzero(a > 12), np.flatnonzero((b > 12) & ~np.isnan(a))
    if len(day_first) and len(month_first):
        message = (
            f"{place}: {text[int(day_first[0])].as_py()!r} has the day first, "
            f"{text[int(month_first[0])].as_py()!r} the month. Correct the file, or give "
            "'date_order' for this source in the mapping file; values that do not fit become null "
            f"(the first of them are in {at(int(day_first[0]))} and {at(int(month_first[0]))})."
        )
        raise InputError(message)
    for order, rows in (("dmy", day_first), ("mdy", month_first)):
        if len(rows):
            example = text[int(rows[0])].as_py()
            return order, f"{order} ({example!r} has no other reading; {len(rows)} such values)"
    marks = pc.match_substring_regex(text, r"^\d{1,2}\.\d{1,2}\.\d")
    if int(pc.sum(marks).as_py() or 0) == int((~np.isnan(a)).sum()):
        return "dmy", "dmy (points between the parts: no country writes the month first so)"
    open_rows = np.flatnonzero((a != b) & ~np.isnan(a))
    if not len(open_rows):
        return "dmy", "dmy (day and month are equal in all values)"
    raise InputError(_two_readings(text, parts, int(open_rows[0]), place, at))


def _two_readings(
    text: pa.Array, parts: dict[str, np.ndarray], row: int, place: str, at: Callable[[int], str]
) -> str:
    year, a, b = (int(parts[name][row]) for name in "cab")
    year += 2000 if year < 70 else 1900 if year < 100 else 0
    readings = " or ".join(
        f"{dt.date(year, month, day):%d %B %Y}" for month, day in ((b, a), (a, b))
    )
    return (
        f"{place}: {text[row].as_py()!r} can be {readings}, and no value of the column decides "
        f"(the first is in {at(row)}). "
        'Give date_order = "dmy" or "mdy" for this source in the mapping file, or write dates '
        "as YYYY-MM-DD."
    )


def _assemble(
    year: np.ndarray, month: np.ndarray, day: np.ndarray, clock: dict[str, np.ndarray], zone: str
) -> pa.Array:
    """Put the parts together; what is no date of the calendar becomes null."""
    year = np.where(year < 70, year + 2000, np.where(year < 100, year + 1900, year))
    fine = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    fine &= (year >= _YEARS[0]) & (year < _YEARS[1])
    safe = [np.where(fine, part, 1).astype("int64") for part in (year, month, day)]
    months = ((safe[0] - 1970) * 12 + safe[1] - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (safe[2] - 1).astype("timedelta64[D]")
    fine &= days.astype("datetime64[M]") == months
    hour, minute, second = (np.nan_to_num(clock[name]) for name in ("hour", "minute", "second"))
    twelve = clock["afternoon"] | clock["morning"]
    fine &= (hour < 24) & (minute < 60) & (second < 60) & ~(twelve & ((hour > 12) | (hour < 1)))
    hour = np.where(twelve, hour % 12 + 12 * clock["afternoon"], hour)
    fraction = np.nan_to_num(clock["part"]).astype("timedelta64[us]")
    clock_time = (hour * 3600 + minute * 60 + second).astype("timedelta64[s]")
    moment = days.astype("datetime64[us]") + clock_time + fraction
    offset = np.nan_to_num(clock["offset"]).astype("timedelta64[m]")
    result = pa.array(moment - offset, mask=~fine)
    has_zone = pa.array(~np.isnan(clock["offset"]))
    if not pc.any(has_zone).as_py():
        return result
    return pc.if_else(has_zone, move_zone(result, "UTC", zone), result)


def _worded(text: pa.Array, zone: str) -> pa.Array:
    parts = pc.extract_regex(text, _WORDS)
    fields = _fields(parts, ("a", "c", "a2", "c2"))
    months = month_words()
    words = pc.coalesce(*[
        pc.if_else(pc.equal(pc.struct_field(parts, name), ""), None, pc.struct_field(parts, name))
        for name in ("word", "word2")
    ])  # fmt: skip
    number = [
        months.get(word.casefold().strip()) if word is not None else None
        for word in words.to_pylist()
    ]
    month = np.array(number, dtype=float)
    day = np.where(np.isnan(fields["a"]), fields["a2"], fields["a"])
    year = np.where(np.isnan(fields["c"]), fields["c2"], fields["c"])
    return _assemble(year, month, day, fields, zone)


def _serial_text(text: pa.Array) -> pa.Array:
    digits = pc.match_substring_regex(text, r"^\d{5}([.,]\d+)?$")
    plain = pc.replace_substring(pc.if_else(digits, text, None), ",", ".")
    return _serial_days(pc.cast(plain, pa.float64()))


def _unix(text: pa.Array, zone: str) -> pa.Array:
    digits = pc.match_substring_regex(text, r"^\d{9,10}$|^\d{13}$")
    value = pc.cast(pc.if_else(digits, text, None), pa.int64())
    seconds = pc.if_else(pc.greater(value, _UNIX[1]), pc.divide(value, 1000), value)
    inside = pc.and_(pc.greater_equal(seconds, _UNIX[0]), pc.less(seconds, _UNIX[1]))
    moment = pc.cast(pc.if_else(inside, seconds, None), pa.timestamp("s"))
    return move_zone(pc.cast(moment, pa.timestamp("us")), "UTC", zone)
