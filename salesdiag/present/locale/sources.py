"""What the package says in English, for the catalogues to hold in every language."""

from __future__ import annotations

from salesdiag.diagnosis.catalogue import CATALOGUE
from salesdiag.present.plots.vocabulary import TERMS, WORDS
from salesdiag.schema import TABLES

# codes whose word in the plots holds for one column only
_OF_ONE_COLUMN = {"all": "activity_type.all", "plan": "factor.plan"}
DERIVED = ("cause", "schema")  # contexts whose sentences stand in the code


def sentences() -> dict[str, list[str]]:
    """List the sentences that stand in the code, by context, each once."""
    causes = [
        words
        for cause in CATALOGUE.values()
        for words in (cause.reading, cause.caveat, cause.next_step)
    ]
    meanings = [
        words
        for table in TABLES.values()
        for words in (table.meaning, *(one.meaning for one in table.columns), table.ask_for)
    ]
    return {"cause": list(dict.fromkeys(causes)), "schema": list(dict.fromkeys(meanings))}


def plot_words(language: str) -> dict[tuple[str, str], str]:
    """Give the words of the plots as entries: the texts, and the codes that they name."""
    place = {"ru": 0, "vi": 1}.get(language)
    found = {}
    if place is not None:
        found = {("plot", english): words[place] for english, words in WORDS.items()}
    for code, english in TERMS.items():
        name = _OF_ONE_COLUMN.get(code, code)
        found["code", name] = english if place is None else WORDS[english][place]
    return found
