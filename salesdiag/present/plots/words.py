"""The words of the plots in English, Russian and Vietnamese.

One table, keyed by the English text, so that it can become a catalogue. Russian and Vietnamese
name numbers after a colon ("deals: 5"), for then no word has to change with the number.
"""

from __future__ import annotations

from salesdiag.errors import InputError
from salesdiag.present.plots.names import clean
from salesdiag.present.plots.vocabulary import TERMS, WORDS

LANGUAGES = ("en", "ru", "vi")


def say(text: str, language: str, **values: object) -> str:
    """Say a text of the plots in a language, with values put into its places.

    Parameters
    ----------
    text : str
        In English, as it stands in the vocabulary.
    language : {"en", "ru", "vi"}
    **values
        What goes into the places in braces.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If the language is unknown.

    Examples
    --------
    >>> say("deals: {n}", "ru", n=5), say("No data", "vi")
    ('сделок: 5', 'Không có dữ liệu')
    """
    check_language(language)
    chosen = text if language == "en" else WORDS[text][LANGUAGES.index(language) - 1]
    return chosen.format(**values) if values else chosen


def check_language(language: str) -> None:
    """Refuse a language that the plots do not speak."""
    if language not in LANGUAGES:
        message = f"language must be one of {', '.join(LANGUAGES)}; got {language!r}."
        raise InputError(message)


def term(code: object, language: str) -> str:
    """Name a code of a table, such as a metric or an outcome; an unknown one as it stands.

    >>> term("win_rate", "en"), term("lost", "ru"), term("my $tep", "vi")
    ('win rate', 'проиграно', 'my $tep')
    """
    if isinstance(code, str) and code in TERMS:
        return say(TERMS[code], language)
    return clean(code)


def level_note(confidence: float, language: str) -> str:
    r"""Say of which level the intervals are.

    >>> level_note(0.95, "en")
    'bars: 95\xa0% intervals'
    """
    if not 0 < confidence < 1:
        message = f"confidence must lie between 0 and 1; got {confidence!r}."
        raise InputError(message)
    level = f"{100 * confidence:.6g}\N{NO-BREAK SPACE}%"
    return say("bars: {level} intervals", language, level=level)
