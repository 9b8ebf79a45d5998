"""Figures and days as a reader of English, Russian or Vietnamese writes them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from salesdiag.present.plots.words import say

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    import pandas as pd

Kind = Literal["share", "money", "ratio", "count", "days", "number", "signed_money"]

MISSING = "–"
_UNITS = ((1e9, "bn"), (1e6, "M"), (1e3, "k"))
_TIE = "\N{NO-BREAK SPACE}"
_MONTHS = {"en": "LLL y", "ru": "LLL y", "vi": "MM/y"}
_DAYS = {"en": "d MMM y", "ru": "d MMM y", "vi": "d/M/y"}
_SHORT_DAYS = {"en": "d MMM", "ru": "d MMM", "vi": "d/M"}


def number(value: float, language: str, digits: int = 0) -> str:
    """Write a number with so many digits behind the point; a missing one is a dash.

    >>> number(1234.56, "en", 1), number(-0.5, "ru", 1), number(float("nan"), "vi")
    ('1,234.6', '−0,5', '–')
    """
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    from babel.numbers import format_decimal

    pattern = "#,##0." + "0" * digits if digits else "#,##0"
    text = format_decimal(abs(value), format=pattern, locale=language)
    negative = value < 0 and round(abs(value), digits) > 0
    return f"−{text}" if negative else text


def percent(value: float, language: str, digits: int = 0) -> str:
    r"""Write a share as a percent.

    >>> percent(0.256, "en"), percent(0.0123, "ru", 1)
    ('26\xa0%', '1,2\xa0%')
    """
    text = number(100 * value, language, digits)
    return text if text == MISSING else f"{text}{_TIE}%"


def money(value: float, language: str) -> str:
    r"""Write money in three figures at most, with the short word for thousands and millions.

    >>> money(4_562_189, "en"), money(-720_000, "ru"), money(85.2, "vi")
    ('4.56\xa0M', '−720\xa0тыс.', '85')
    """
    if not math.isfinite(value):
        return number(value, language)
    size = abs(value)
    for unit, word in _UNITS:
        if size >= unit * 0.9995:
            digits = max(0, 2 - int(math.log10(size / unit * 1.0005)))
            return f"{number(value / unit, language, digits)}{_TIE}{say(word, language)}"
    return number(value, language, 2 if 0 < size < 10 else 0)


def write(value: float, kind: Kind, language: str) -> str:
    r"""Write a value of a kind.

    >>> write(0.5, "share", "en"), write(1.234, "ratio", "en"), write(3.0, "signed_money", "en")
    ('50\xa0%', '1.23', '+3.00')
    """
    if kind == "share":
        return percent(value, language, 1 if 0 < abs(value) < 0.1 else 0)
    if kind == "money":
        return money(value, language)
    if kind == "signed_money":
        return ("+" if value > 0 else "") + money(value, language)
    digits = {"ratio": 2, "count": 0, "days": 0}.get(kind)
    if digits is None:
        digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return number(value, language, digits)


def span(low: float, high: float, kind: Kind, language: str) -> str:
    """Write an interval; nothing where an end is unknown.

    >>> span(0.31, 1.42, "ratio", "en"), span(float("nan"), 1.0, "ratio", "en")
    ('0.31–1.42', '')
    """
    if math.isnan(low) or math.isnan(high):
        return ""
    first, last = write(low, kind, language), write(high, kind, language)
    # a dash beside a minus sign is hard to read
    between = " … " if "−" in first + last or kind in ("money", "signed_money") else "–"
    return f"{first}{between}{last}"


def estimate(value: float, low: float, high: float, kind: Kind, language: str) -> str:
    r"""Write an estimate and its interval, with as many digits as the interval supports.

    >>> estimate(0.74, 0.61, 0.85, "share", "en"), estimate(0.744, 0.741, 0.747, "share", "en")
    ('74\xa0% (61–85\xa0%)', '74.4\xa0% (74.1–74.7\xa0%)')
    """
    if kind in ("money", "signed_money"):
        return _money_estimate(value, low, high, kind, language)
    if kind != "share":
        within = span(low, high, kind, language)
        return write(value, kind, language) + (f" ({within})" if within else "")
    known = not (math.isnan(low) or math.isnan(high))
    sizes = [abs(one) for one in (value, low, high) if not math.isnan(one)]
    narrow = known and high - low < 0.02
    digits = 1 if sizes and (narrow or 0 < max(sizes) < 0.1) else 0
    text = percent(value, language, digits)
    if not known:
        return text
    ends = number(100 * low, language, digits), percent(high, language, digits)
    return f"{text} ({ends[0]}{' … ' if '−' in ends[0] + ends[1] else '–'}{ends[1]})"


def _money_estimate(value: float, low: float, high: float, kind: Kind, language: str) -> str:
    """Write money and its interval in one unit: three figures of the largest, the unit last."""
    ends = [value, low, high]
    if not all(math.isfinite(one) for one in ends):
        within = span(low, high, kind, language)
        return write(value, kind, language) + (f" ({within})" if within else "")
    size = max(abs(one) for one in ends)
    unit, word = next((one for one in _UNITS if size >= one[0] * 0.9995), (1.0, ""))
    digits = max(0, 2 - int(math.log10(max(size / unit, 1) * 1.0005)))
    digits = 0 if unit == 1 and size >= 10 else digits
    texts = [number(one / unit, language, digits) if one else "0" for one in ends]
    if kind == "signed_money":
        texts = [f"+{text}" if one > 0 else text for text, one in zip(texts, ends, strict=True)]
    tail = f"{_TIE}{say(word, language)}" if word else ""
    return f"{texts[0]}{tail} ({texts[1]} … {texts[2]}{tail})"


def ticks(kind: Kind, language: str) -> Callable[[float, object], str]:
    """Give what writes the ticks of an axis of this kind."""

    def text(value: float, _place: object = None) -> str:
        if kind == "share":
            return percent(
                value, language, 0 if abs(100 * value - round(100 * value)) < 1e-6 else 1
            )
        if kind == "number" or kind == "ratio":
            return number(value, language, _digits(value))
        return write(value, kind, language)

    return text


def _digits(value: float) -> int:
    """Count the digits behind the point that a tick needs, up to three."""
    return next((n for n in range(3) if abs(value - round(value, n)) < 1e-9), 3)


def month(day: date, language: str) -> str:
    """Write the month of a day.

    >>> from datetime import date
    >>> month(date(2025, 3, 1), "en"), month(date(2025, 3, 1), "vi")
    ('Mar 2025', '03/2025')
    """
    return _day(day, _MONTHS[language], language)


def day_text(day: date, language: str, *, year: bool = True) -> str:
    """Write a day, with or without its year.

    >>> from datetime import date
    >>> day_text(date(2025, 3, 1), "en"), day_text(date(2025, 3, 1), "vi", year=False)
    ('1 Mar 2025', '1/3')
    """
    return _day(day, (_DAYS if year else _SHORT_DAYS)[language], language)


def period(start: pd.Timestamp, end: pd.Timestamp, language: str) -> str:
    """Write a period by its months where it consists of whole ones, else by its days.

    >>> import pandas as pd
    >>> period(pd.Timestamp("2025-01-01"), pd.Timestamp("2025-03-31"), "en")
    'Jan–Mar 2025'
    >>> period(pd.Timestamp("2025-01-06"), pd.Timestamp("2025-01-12"), "en")
    '6 Jan 2025 – 12 Jan 2025'
    """
    if start.day != 1 or not end.is_month_end:
        return f"{day_text(start, language)} – {day_text(end, language)}"
    if (start.year, start.month) == (end.year, end.month):
        return month(start, language)
    if start.year != end.year:
        return f"{month(start, language)} – {month(end, language)}"
    first = _day(start, "MM" if language == "vi" else "LLL", language)
    return f"{first}–{month(end, language)}"


def _day(day: date, pattern: str, language: str) -> str:
    from babel.dates import format_date

    return str(format_date(day, pattern, locale=language))
