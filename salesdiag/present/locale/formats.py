"""Numbers and days as a reader of English, Russian or Vietnamese writes them.

The marks of numbers and the names of months are those of CLDR, through Babel, which is only
imported for Russian and Vietnamese.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime

LANGUAGES = ("en", "ru", "vi")
MISSING = "–"
TIE = "\N{NO-BREAK SPACE}"
_DAYS = {"ru": "d MMM y", "vi": "d/M/y"}
_MINUS = "\N{MINUS SIGN}"


@cache
def _marks(language: str) -> dict[int, str]:
    """Give what stands for the English comma and point inside a number."""
    from babel import Locale

    symbols = Locale.parse(language).number_symbols["latn"]
    return str.maketrans({",": symbols["group"], ".": symbols["decimal"]})


def written(text: str, language: str) -> str:
    r"""Give an English number the marks of a language.

    >>> written("1,234,567.8", "ru"), written("1,234,567.8", "vi")
    ('1\xa0234\xa0567,8', '1.234.567,8')
    """
    return text if language == "en" else text.translate(_marks(language))


def number(value: float, language: str, digits: int = 0) -> str:
    r"""Write a number with so many digits behind the mark; a missing one is a dash.

    >>> number(1234.56, "en", 1), number(-0.5, "ru", 1), number(float("nan"), "vi")
    ('1,234.6', '−0,5', '–')
    """
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else f"{_MINUS}∞"
    text = f"{abs(value):,.{digits}f}"
    negative = value < 0 and any("1" <= letter <= "9" for letter in text)
    return (_MINUS if negative else "") + written(text, language)


def figures(value: float, language: str) -> str:
    """Write a number in three figures, or whole where it is larger.

    >>> figures(0.123456, "ru"), figures(6158.0, "vi"), figures(12.0, "en")
    ('0,123', '6.158', '12')
    """
    if not math.isfinite(value) or abs(value) >= 100:
        return number(value, language)
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(float(f"{value:.3g}")))))
    text = number(value, "en", min(digits, 12))
    return written(text.rstrip("0").rstrip(".") if "." in text else text, language)


def percent(value: float, language: str, digits: int = 1) -> str:
    r"""Write a share as a percent.

    >>> percent(0.256, "ru"), percent(0.256, "vi", 0)
    ('25,6\xa0%', '26\xa0%')
    """
    text = number(100 * value, language, digits)
    return text if text == MISSING else f"{text}{TIE}%"


def day_text(day: date, language: str) -> str:
    r"""Write a day.

    >>> from datetime import date
    >>> [day_text(date(2025, 3, 1), language) for language in LANGUAGES]
    ['1 Mar 2025', '1\xa0мар. 2025', '1/3/2025']
    """
    if language == "en":
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
    from babel.dates import format_date

    text = str(format_date(day, _DAYS[language], locale=language))
    return text.replace(" ", TIE, 1)


def time_text(moment: datetime, language: str) -> str:
    r"""Write a moment, to the minute.

    >>> from datetime import datetime
    >>> time_text(datetime(2025, 3, 1, 9, 5), "vi")
    '1/3/2025 09:05'
    """
    return f"{day_text(moment, language)} {moment.hour:02d}:{moment.minute:02d}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
