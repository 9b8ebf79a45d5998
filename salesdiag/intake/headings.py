"""What the CRM systems call things, and guesses from it; the words are data, see ``presets``."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from salesdiag.errors import InputError
from salesdiag.schema import ACTIVITY_TYPES, STATUSES, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_CONFIDENCE = {"seen": 0.95, "used": 0.9, "common": 0.7, "recalled": 0.6}  # by the evidence
_OWN = "salesdiag"  # the system whose headings are the canonical names
_KINDS = {"status": STATUSES, "activity_type": ACTIVITY_TYPES}
_DROPPED = str.maketrans("ё", "е", "\ufeff\u200b«»\"'`“”„‘’")
_GAP = re.compile(r"[\s_\-\u2010-\u2015\u2212]+")
_SIGN = "[₽₸₫₴₹$€£¥]"
_CODE = "(?:rub|rur|usd|eur|kzt|vnd|vnđ|uah|byn|gbp|cny|uzs|inr|brl|pln|руб\\.?|р\\.|тенге|тг\\.?)"
_CURRENCY = re.compile(
    rf"(?<=\w)(?:[\s,]*{_SIGN}|(?:\s*,\s*|\s+){_CODE}|\s*\((?:{_SIGN}|{_CODE}|đ|đồng)\))$"
)
_NOT = re.compile(r"\b(?:not|no|never|не|без|нет|không|chưa)(?: yet| была?| было)? ?$")


@dataclass(frozen=True, slots=True)
class Guess:
    """What a heading may mean, and how far that is to be trusted."""

    table: str
    column: str
    system: str
    confidence: float


def normalise(heading: str) -> str:
    """Reduce a heading or a value to what is compared: «Бюджет», ₽ * becomes бюджет."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", heading).casefold())
    text = _GAP.sub(" ", text.translate(_DROPPED)).strip().rstrip("* ")
    return _CURRENCY.sub("", text)


@lru_cache
def _presets() -> tuple[dict[str, Any], ...]:
    found = (files("salesdiag") / "intake" / "presets").iterdir()
    paths = sorted((path for path in found if path.name.endswith(".toml")), key=lambda p: p.name)
    return tuple(tomllib.loads(path.read_text(encoding="utf-8")) for path in paths)


@lru_cache
def known() -> dict[str, tuple[Guess, ...]]:
    """Every known heading, normalised, with what it means in each system."""
    found: defaultdict[str, list[Guess]] = defaultdict(list)
    for table in TABLES.values():
        for column in table.names:
            found[normalise(column)].append(Guess(table.name, column, _OWN, 1.0))
    for preset in _presets():
        for name in TABLES:
            for evidence, columns in preset.get(name, {}).items():
                for column, headings in columns.items():
                    meaning = Guess(name, column, preset["name"], _CONFIDENCE[evidence])
                    for heading in headings:
                        found[normalise(heading)].append(meaning)
    return {heading: tuple(meanings) for heading, meanings in found.items()}


def count_known(cells: Iterable[object]) -> int:
    """Count the cells that are known headings; what is not text does not count."""
    return sum(isinstance(cell, str) and normalise(cell) in known() for cell in cells)


def guess(headings: Sequence[str], table: str | None = None) -> dict[str, Guess]:
    """Guess what each heading of one file means; unknown headings are left out.

    The table and the system are those that fit most of the headings, where a heading that few
    systems use weighs more. What that system does not know is taken from everyday words, then,
    as a mere guess, from other systems. A canonical column goes to one heading only.
    """
    if table is not None and table not in TABLES:
        raise InputError(f"There is no table {table!r}; the tables are {', '.join(TABLES)}.")
    meanings = {heading: known().get(normalise(heading), ()) for heading in headings}
    table, system = _best_fit(meanings.values(), table)
    pairs = []
    for heading, guesses in meanings.items():
        there = [_as_trusted(g, system) for g in guesses if g.table == table]
        own = [g for g in there if g.system == system]
        pairs += [(heading, g) for g in own or there]
    pairs.sort(key=lambda pair: -pair[1].confidence)  # stable: then in the order given
    given: dict[str, Guess] = {}
    for heading, meaning in pairs:
        if heading not in given and meaning.column not in {g.column for g in given.values()}:
            given[heading] = meaning
    return {heading: given[heading] for heading in meanings if heading in given}


def _best_fit(meanings: Iterable[Sequence[Guess]], table: str | None) -> tuple[str, str]:
    scores: defaultdict[tuple[str, str], float] = defaultdict(float)
    for guesses in meanings:
        rising = sorted(guesses, key=lambda g: g.confidence)
        fits = {(g.table, g.system): g.confidence for g in rising if table in (None, g.table)}
        for fit, confidence in fits.items():
            scores[fit] += confidence / len({g.system for g in guesses})
    order = list(TABLES)
    rank = {fit: (-round(score, 9), order.index(fit[0]), fit[1]) for fit, score in scores.items()}
    return min(rank, key=rank.__getitem__, default=("", ""))


def _as_trusted(meaning: Guess, system: str) -> Guess:
    if meaning.system in (system, _OWN, "common"):
        return meaning
    return replace(meaning, confidence=_CONFIDENCE["recalled"])


@lru_cache
def values(kind: str) -> dict[str, str]:
    """Every known word for a ``status`` or an ``activity_type``, normalised, with its value."""
    if kind not in _KINDS:
        raise InputError(f"There are words for {' and '.join(_KINDS)} only; got {kind!r}.")
    found = {normalise(value): value for value in _KINDS[kind]}
    for preset in _presets():
        for value, words in preset.get("values", {}).get(kind, {}).items():
            found.update((normalise(word), value) for word in words)
    return found


@lru_cache
def _inside(status: str) -> re.Pattern[str]:
    words = [word for word, value in values("status").items() if value == status]
    words = sorted(word for word in words if len(word) > 2 and not word.isdigit())
    parts = [re.escape(word) + ("" if "а" <= word[-1] <= "я" else r"\b") for word in words]
    return re.compile(rf"\b(?:{'|'.join(parts)})")  # Russian words take any ending


def status_of(word: str) -> str | None:
    """Tell how a deal stands from the words of a status or a stage; None if they do not say."""
    text = normalise(word)
    if text in values("status"):
        return values("status")[text]
    for status in ("lost", "won", "open"):  # "not realised" holds "realised"
        if any(not _NOT.search(text[: hit.start()]) for hit in _inside(status).finditer(text)):
            return status
    return None
