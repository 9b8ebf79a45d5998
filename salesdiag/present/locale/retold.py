"""English sentences that are already filled, such as the rules of `check`, in another language."""

from __future__ import annotations

import re
from functools import cache

from salesdiag.diagnosis.catalogue import CATALOGUE
from salesdiag.present.locale.catalogues import check_language, entry, messages, text
from salesdiag.present.locale.causes import cause_name
from salesdiag.present.locale.formats import written

_PLACE = re.compile(r"\\{(\w+)\\}")
_CONTEXTS = ("check", "report", "schema")
_LISTS = ("causes", "missing", "score", "reasons")  # places that hold several things
_NUMBER = re.compile(r"[\u2212-]?\d[\d,]*(\.\d+)?( %)?")
_LONGEST = 2000  # letters; longer text is no sentence of ours


def retell(sentence: str, language: str) -> str:
    """Say an English sentence of the tables in a language; what is unknown stays as it is.

    Parameters
    ----------
    sentence : str
        As a table holds it, with its names and figures.
    language : {"en", "ru", "vi"}

    Returns
    -------
    str

    Examples
    --------
    >>> retell("not found in reps", "ru"), retell("won without an amount", "vi")
    ('нет в таблице reps', 'thắng không có số tiền')
    """
    check_language(language)
    if language == "en" or not sentence or len(sentence) > _LONGEST:
        return sentence
    if _NUMBER.fullmatch(sentence):
        return written(sentence, language).replace(" ", "\N{NO-BREAK SPACE}")
    for context in _CONTEXTS:
        if known := entry(context, sentence, language):
            return known
    if sentence in _causes():
        return cause_name(_causes()[sentence], language).lower().replace("crm", "CRM")
    for context, message, pattern in _templates(language):
        if found := pattern.fullmatch(sentence):
            parts = {name: _part(name, part, language) for name, part in found.groupdict().items()}
            return text(message, language, context=context, **parts)
    return sentence


def _part(name: str, part: str, language: str) -> str:
    """Say what stands at a place of a sentence: a figure, a name, a sentence or a list of them."""
    mark = "; " if name == "reasons" else ", "
    parts = part.split(mark) if name in _LISTS else [part]
    return mark.join(retell(one, language) for one in parts)


@cache
def _causes() -> dict[str, str]:
    """Give the causes by the words that English sentences name them with."""
    return {code.replace("_", " ").replace("crm", "CRM"): code for code in CATALOGUE}


@cache
def _templates(language: str) -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    """List the sentences with places, the most words first, so that none hides another."""
    found = [
        (context, message, re.compile(_PLACE.sub(r"(?P<\1>.+)", re.escape(message)), re.DOTALL))
        for context, message in messages(language)
        if context in _CONTEXTS and "{" in message and _words(message)
    ]
    return tuple(sorted(found, key=lambda row: (-len(row[1]), row[1])))


def _words(message: str) -> bool:
    """Tell whether a sentence has enough words of its own to be known by them."""
    return len(re.sub(r"\{\w+\}|\W", "", message)) > 3
