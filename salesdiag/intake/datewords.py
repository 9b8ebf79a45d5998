"""The words that dates are written with, in English, Russian and Vietnamese."""

from __future__ import annotations

from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

# spaces that programs put between the parts, beside the plain one
_SPACES = r"[\x{00A0}\x{202F}\x{2009}\x{200E}\x{200F}]+"
# what stands around a date and says nothing more: a weekday, "ngày", "năm", "в", "at"
_REWRITTEN = (
    (r"(?i)^(?:\pL+ ){0,2}\pL+\.?,\s+(\d|\pL)", r"\1"),
    (r"(?i)^(?:ngày)\s+(\d)", r"\1"),
    (r"(?i)\s+năm\s+(\d{4})", r" \1"),
    (r"(?i)[\s,]+(?:в|at|lúc)\s+(\d{1,2}:)", r" \1"),
    (r"(?i)(\d{4})\s*г(?:\.|ода?)?(,?\s+\d{1,2}:|$)", r"\1\2"),
    # the clock before the date, as Vietnamese programs write it
    (r"^(\d{1,2}:\d{2}(?::\d{2})?),?\s+(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4})$", r"\2 \1"),
)
# abbreviations in use that the tables of languages do not hold
_MORE = {
    "янв": 1, "фев": 2, "февр": 2, "мар": 3, "апр": 4, "май": 5, "мая": 5, "июн": 6, "июл": 7,
    "авг": 8, "сен": 9, "сент": 9, "окт": 10, "ноя": 11, "нояб": 11, "дек": 12, "sept": 9,
}  # fmt: skip


def plain_spaces(text: pa.Array) -> pa.Array:
    """Write every kind of space as the plain one, and make blank text null."""
    if not pc.all(pc.string_is_ascii(text), min_count=0).as_py():
        text = pc.replace_substring_regex(text, _SPACES, " ")
    text = pc.utf8_trim_whitespace(text)
    return pc.if_else(pc.equal(text, ""), None, text)


def without_words(text: pa.Array) -> pa.Array:
    """Take away what stands around a date and says nothing more."""
    for pattern, kept in _REWRITTEN:
        text = pc.replace_substring_regex(text, pattern, kept)
    return text


@lru_cache
def month_words() -> dict[str, int]:
    """Name the months as English, Russian and Vietnamese write them."""
    from babel.dates import get_month_names

    words = dict(_MORE)
    for language in ("en", "ru", "vi"):
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                for number, word in get_month_names(width, context, locale=language).items():
                    words[word.casefold().rstrip(".")] = number
    return words
