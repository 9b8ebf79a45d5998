"""Words and formats: the one place where a column's name becomes something to read.

The words stand in the catalogues of `salesdiag.present.locale`, in English, Russian and
Vietnamese. English figures are made for `unbroken`, which ties them to their units; those of the
other languages come tied.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

from salesdiag.present.locale.catalogues import check_language, entry, text, word
from salesdiag.present.locale.causes import cause_name
from salesdiag.present.locale.formats import day_text as _day_text
from salesdiag.present.locale.formats import figures, number, percent, time_text
from salesdiag.present.locale.styles import style_of

if TYPE_CHECKING:
    from salesdiag.present.locale.styles import Style

Kind = Literal["text", "count", "share", "money", "days", "date", "time", "flag", "number"]

# what a table answers, for headings and the workbook's contents
TITLES = {
    "target_attainment": "Plan attainment by period",
    "attainment_by_team": "Plan attainment by team over the window",
    "attainment_by_rep_id": "Plan attainment by rep over the window",
    "target_attainment_by_team": "Plan attainment by team and period",
    "target_attainment_by_rep_id": "Plan attainment by rep and period",
    "stage_conversion": "Conversion from stage to stage",
    "stage_conversion_by_team": "Conversion by team",
    "current_stages": "Where the deals stand now",
    "win_rate": "Win rate of deals closed in the window",
    "win_rate_created": "Win rate of deals created in the window",
    "win_rate_by_team": "Win rate by team",
    "win_rate_by_rep_id": "Win rate by rep",
    "win_rate_by_source": "Win rate by source",
    "win_rate_by_segment": "Win rate by segment",
    "check": "What is wrong with the data",
    "load_report": "What was read",
    "not_examined": "What could not be examined",
}

_SUFFIXES: tuple[tuple[str, Kind], ...] = (
    ("_rate", "share"),
    ("_share", "share"),
    ("_amount", "money"),
    ("_days", "days"),
    ("_on", "date"),
    ("_at", "time"),
    ("period_start", "date"),
    ("period_end", "date"),
)
_KINDS: dict[str, Kind] = {"target": "money", "actual": "money", "unplanned_actual": "money",
                           "attainment": "share", "effective_deals": "number",
                           "value_win_rate_without_largest": "share"}  # fmt: skip
# columns of codes that have words; what else stands in them is shown as it is
_CODED = """
activity_type against category clock closing_test coefficient control cost_basis destination
direction explanation factor field grade held_constant history_basis holder kind level
limit_basis load margin_basis matters measure metric milestone outcome part population
rank_note reading relative required_when result role_reading rule scope severity speaks_for
status step table target_basis term test threshold_basis unit verdict volume_basis component
"""
CODED = frozenset(_CODED.split())
MISSING = "–"
_NO_BREAK = "\N{NO-BREAK SPACE}"


def label(column: str, language: str = "en", *, table: str = "") -> str:
    """Name a column for a reader.

    Parameters
    ----------
    column : str
    language : {"en", "ru", "vi"}
    table : str, optional
        The canonical table or the analysis, for a name that means something else there.

    Returns
    -------
    str
        The name made readable where the catalogues do not know the column.

    Examples
    --------
    >>> label("conversion_rate_low"), label("conversion_rate", "ru"), label("n_won", "vi")
    ('Conversion, low', 'Конверсия', 'Thắng')
    >>> label("n_reps"), label("n_reps", table="target_attainment_by_team")
    ('Reps', 'Reps with a target')
    """
    home = re.split(r"_by_|:", table)[0]
    known = entry("column", f"{home}.{column}", language) or entry("column", column, language)
    if known:
        return known
    for end in ("_low", "_high"):
        bare = column.removesuffix(end)
        if column.endswith(end) and (known := entry("column", bare, language)):
            return entry("column", end, language).format(label=known)
    return column.replace("_", " ").capitalize()


def title(name: str, language: str = "en") -> str:
    """Name an analysis, a table of the report or a cause; that of one pipeline bears its name.

    >>> title("stage_conversion"), title("crm_unreliable", "vi"), title("my_table: Retail")
    ('Conversion from stage to stage', 'CRM không đáng tin', 'My table: Retail')
    """
    plain, colon, pipeline = name.partition(":")
    known = entry("title", plain, language) or cause_name(plain, language)
    return known + colon + pipeline


def unit_of(column: str, language: str = "en", *, currency: str = "") -> str:
    """Name the unit of a column; empty text where a number has none.

    >>> unit_of("median_hours", "ru"), unit_of("won_amount", "vi", currency="EUR"), unit_of("n_won")
    ('ч', 'EUR', '')
    """
    kind = style_of(column).kind
    return currency if kind == "money" and currency else entry("unit", kind, language)


def number_format(column: str) -> str:
    """Give the format of a column's cells in a workbook; empty text for text.

    >>> number_format("win_rate"), number_format("p_value"), number_format("team")
    ('0.0%', '0.0000', '')
    """
    return style_of(column).excel


def kind_of(column: str) -> Kind:
    """Tell from a column's name how its values are to be shown.

    >>> kind_of("won_amount"), kind_of("win_rate_low"), kind_of("n_won"), kind_of("team")
    ('money', 'share', 'count', 'text')
    """
    bare = column.removesuffix("_low").removesuffix("_high")
    if bare in _KINDS:
        return _KINDS[bare]
    if bare.startswith("n_"):
        return "count"
    if bare.startswith("is_"):
        return "flag"
    return next((kind for end, kind in _SUFFIXES if bare.endswith(end)), "text")


def format_value(column: str, value: object, language: str = "en") -> str:
    """Write one cell for a reader; a missing value is a dash, never 0.

    >>> format_value("win_rate", 0.2553), format_value("n_won", 1234), format_value("target", None)
    ('25.5 %', '1,234', '–')
    >>> format_value("won_amount", 1234567.8, "vi"), format_value("reading", "below", "ru")
    ('1.234.568', 'ниже')
    """
    check_language(language)
    if value is None or (isinstance(value, float) and math.isnan(value)) or str(value) in (
        "NaT", "<NA>", "nan", "",
    ):  # fmt: skip
        return MISSING
    kind = kind_of(column)
    if kind == "flag":
        return word("yes" if value else "no", language)
    if kind == "date" and isinstance(value, date):
        return day_text(value, language)
    if kind == "time" and isinstance(value, datetime):
        return time_text(value, language)
    if kind == "text":
        return _text_or_figure(column, value, language)
    if kind in ("date", "time"):
        return str(value)
    return _figure(kind, float(value), language)  # type: ignore[arg-type]


def _figure(kind: Kind, value: float, language: str) -> str:
    if kind == "share":
        return share(value, language)
    fraction = kind in ("days", "number") and not f"{value:.1f}".endswith(".0")
    if language == "en":
        return f"{value:,.{int(fraction)}f}"
    return number(value, language, int(fraction))


def _text_or_figure(column: str, value: object, language: str) -> str:
    """Write what the name's suffix says nothing of: a word for a code, or a number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return styled(style_of(column), float(value), language)
    # English tables show codes as they are
    return str(value) if language == "en" else said(column, value, language)


def said(column: str, value: object, language: str) -> str:
    """Name what stands in a column of codes, tables or columns; other text as it stands.

    >>> said("reading", "below", "ru"), said("table", "deals", "vi"), said("field", "amount", "en")
    ('ниже', 'Thương vụ', 'Amount')
    """
    name = str(value)
    if column == "table":
        return entry("table", name, language) or name
    if column in ("field", "column"):
        # a rule may speak of several columns
        parts = (entry("column", one, language) or one for one in name.split(", "))
        return entry("column", name, language) or ", ".join(parts)
    if column == "cause":
        return cause_name(name, language)
    return word(name, language, column=column) if column in CODED else name


def styled(style: Style, value: float, language: str) -> str:
    r"""Write a number of a column as its style says.

    >>> styled(style_of("q_value"), 0.0004, "ru"), styled(style_of("ramp_ratio"), 0.5, "vi")
    ('<\xa00,001', '0,50')
    >>> styled(style_of("win_effect"), 0.031, "en"), styled(style_of("mean_discount"), 0.1, "ru")
    ('+3.1', '10,0\xa0%')
    """
    if not math.isfinite(value):
        return number(value, language)
    if style.kind == "p_value":
        return f"<\N{NO-BREAK SPACE}{number(0.001, language, 3)}" if value < 0.001 else number(
            value, language, 3)  # fmt: skip
    if style.kind == "share":
        return share(value, language)
    if style.kind == "points":
        sign = "+" if round(100 * value, 1) > 0 else ""
        return sign + number(100 * value, language, 1)
    digits = {"ratio": 2, "log": 3, "count": 0, "money": 0, "seconds": 0}.get(style.kind)
    return figures(value, language) if digits is None else number(value, language, digits)


def day_text(day: date, language: str = "en") -> str:
    """Write a day without a leading zero.

    >>> day_text(date(2025, 1, 1)), day_text(date(2025, 1, 1), "vi")
    ('1 Jan 2025', '1/1/2025')
    """
    return _day_text(day, language)


def share(value: float, language: str = "en") -> str:
    r"""Write a share as a percent, small ones as less than a tenth.

    >>> share(0.0004), share(0.5), share(1.0), share(0.255, "ru")
    ('< 0.1 %', '50.0 %', '100.0 %', '25,5\xa0%')
    """
    small = 0 < value < 0.001
    if language == "en":
        return "< 0.1 %" if small else f"{100 * value:.1f} %"
    return f"<\N{NO-BREAK SPACE}{percent(0.001, language)}" if small else percent(value, language)


def money(value: float, currency: str = "", language: str = "en") -> str:
    r"""Write money rounded to what a reader can hold: three figures.

    >>> money(4562189.15, "EUR"), money(85.2), money(-720_000)
    ('4.56 M EUR', '85', '−720 k')
    >>> money(4562189.15, "EUR", "ru"), money(-720_000, language="vi")
    ('4,56\xa0млн\xa0EUR', '−720\xa0nghìn')
    """
    if math.isnan(value):
        return MISSING
    gap = " " if language == "en" else "\N{NO-BREAK SPACE}"
    tail = f"{gap}{currency}" if currency else ""
    size, sign = abs(value), "−" if value < 0 else ""
    for unit, letter in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        if size >= unit * 0.9995:
            digits = max(0, 2 - int(math.log10(size / unit * 1.0005)))
            short = text(letter, language, context="plot")
            return f"{sign}{number(size / unit, language, digits)}{gap}{short}{tail}"
    return f"{sign}{size:.0f}{tail}"


def unbroken(text: str) -> str:
    """Tie figures to their units and days to their months, so that no line ends between.

    >>> unbroken("4.56 M EUR, 86 % on 1 Jan 2025").count(" ")
    3
    """
    tied = re.sub(r"(?<=[\d<]) (?=(?:%|k|M|bn)(?!\w)|\d|[A-Z][a-z]{2} \d{4})", _NO_BREAK, text)
    tied = re.sub(r"(?<=\d\u00a0[A-Z][a-z]{2}) (?=\d{4})", _NO_BREAK, tied)
    return re.sub(r"(?<=\d|k|M|n) (?=[A-Z]{3}\b)", _NO_BREAK, tied)
