"""The currency signs, codes and words that stand beside amounts."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from salesdiag.errors import InputError

_SPACE = r"[\s\x{00A0}\x{202F}\x{2009}]"
_WORDS = (
    r"рубл\pL*|руб\.?|р\.?|kr\.?|zł|fr\.|đồng|đ|vnđ|тг\.?|грн\.?"
    r"|eur|usd|rub|rur|gbp|kzt|vnd|uah|byn|chf|pln"
)
_MEANING = {
    "$": "USD", "US$": "USD", "R$": "BRL", "€": "EUR", "₽": "RUB", "£": "GBP", "₸": "KZT",
    "₫": "VND", "₴": "UAH", "₹": "INR", "RUR": "RUB", "ZŁ": "PLN", "FR": "CHF", "ĐỒNG": "VND",
    "Đ": "VND", "VNĐ": "VND", "ТГ": "KZT", "ГРН": "UAH", "Р": "RUB", "РУБ": "RUB", "KR": "kr",
}  # fmt: skip


@lru_cache
def _codes() -> frozenset[str]:
    from babel.numbers import list_currencies

    return frozenset(list_currencies()) - {"XXX", "XTS"}


@lru_cache
def currency_pattern() -> str:
    """Give the pattern of a currency before or behind a number; other letters are none."""
    codes = "|".join(sorted(_codes()))
    words = f"(?i:{_WORDS})"
    return (
        rf"^([A-Z]{{0,2}}\p{{Sc}}|(?:{codes})\b|{words}){_SPACE}*"
        rf"|{_SPACE}*(\p{{Sc}}|\b(?:{codes})|{words})$"
    )


def refuse_several(text: pa.Array, place: str) -> None:
    """Refuse a column of amounts that are marked with different currencies.

    Raises
    ------
    InputError
        If there are, for sums over them would mean nothing.
    """
    marks = pc.replace_substring_regex(text, rf"(?:[\d.,'’()+%−–-]|{_SPACE})+", " ")
    found: dict[str, str] = {}
    for mark in pc.unique(marks.drop_null()).to_pylist():
        meaning = _currency_of(mark)
        if meaning:
            found.setdefault(meaning, mark.strip())
    if len(found) > 1:
        message = (
            f"{place}: the amounts are in several currencies ({', '.join(found.values())}). Put "
            "the currency into a column of its own, mapped to 'currency', and give a table "
            "fx_rates; or export the amounts in one currency."
        )
        raise InputError(message)


def _currency_of(mark: str) -> str | None:
    """Tell the currency that is meant; a code says more than a sign, as in "$5 CAD"."""
    words: list[str] = [word.upper() for word in re.findall(r"[^\W\d_]+", mark)]
    for word in words:
        if word in _codes() or word in _MEANING:
            return _MEANING.get(word, word)
        if word.startswith("РУБЛ"):
            return "RUB"
    signs: list[str] = re.findall(r"[A-Z]{0,2}[^\w\s]", mark)
    for sign in signs:
        if unicodedata.category(sign[-1]) == "Sc":
            return _MEANING.get(sign, sign)
    return None
