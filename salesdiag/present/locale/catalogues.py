"""The catalogues: finding a sentence, a plural or the word for a code in a language."""

from __future__ import annotations

import gettext
from functools import cache
from pathlib import Path

from salesdiag.errors import InputError
from salesdiag.present.locale.formats import LANGUAGES, number

DOMAIN = "salesdiag"
FOLDER = Path(__file__).parent


def check_language(language: str) -> None:
    """Refuse a language that the package does not speak."""
    if language not in LANGUAGES:
        message = f"language must be one of {', '.join(LANGUAGES)}; got {language!r}."
        raise InputError(message)


def compiled(language: str) -> Path:
    """Give the place of the compiled catalogue of a language."""
    return FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.mo"


class _Catalogue(gettext.GNUTranslations):
    """A compiled catalogue that tells what it does not hold."""

    _catalog: dict[str, str]

    def find(self, context: str, name: str) -> str:
        """Give an entry, or empty text."""
        return self._catalog.get(f"{context}\x04{name}", "")

    def messages(self) -> list[tuple[str, str]]:
        """List what has an entry: context and name; plurals are left out."""
        pairs = [key.split("\x04") for key in self._catalog if isinstance(key, str)]
        return sorted((pair[0], pair[1]) for pair in pairs if len(pair) == 2)


@cache
def _catalogue(language: str) -> _Catalogue:
    check_language(language)
    with compiled(language).open("rb") as file:
        return _Catalogue(file)


def messages(language: str) -> list[tuple[str, str]]:
    """List the entries of a language: context and name; plurals are left out."""
    return _catalogue(language).messages()


def entry(context: str, name: str, language: str) -> str:
    """Look up an entry; empty text where there is none."""
    return _catalogue(language).find(context, name)


def text(message: str, language: str, *, context: str = "report", **values: object) -> str:
    """Say a sentence in a language, with values put into its places.

    Parameters
    ----------
    message : str
        In English, as it stands in the catalogues, with places in braces.
    language : {"en", "ru", "vi"}
    context : str, default "report"
        The part of the catalogues: "report", "plot", "cause", "schema", "check" or "template".
    **values
        What goes into the places; whole numbers are written as the language writes them.

    Returns
    -------
    str
        The English text where the language has no words for it.

    Examples
    --------
    >>> text("Next step", "ru"), text("team {name}", "vi", name="North")
    ('Следующий шаг', 'nhóm North')
    """
    check_language(language)
    chosen = message if language == "en" else entry(context, message, language) or message
    return _filled(chosen, language, values)


def plural(one: str, many: str, n: int, language: str, **values: object) -> str:
    r"""Say a sentence that changes with a number, which stands at ``{n}``.

    Parameters
    ----------
    one, many : str
        In English, for one and for any other number.
    n : int
    language : {"en", "ru", "vi"}
    **values
        What goes into the other places.

    Returns
    -------
    str

    Examples
    --------
    >>> [plural("{n} deal", "{n} deals", n, "ru") for n in (1, 2, 5, 21)]
    ['1\xa0сделка', '2\xa0сделки', '5\xa0сделок', '21\xa0сделка']
    """
    check_language(language)
    plain = one if n == 1 else many
    if language != "en":
        plain = _catalogue(language).npgettext("plural", one, many, n)
    return _filled(plain, language, {"n": n} | values)


def word(code: object, language: str, *, column: str = "") -> str:
    """Name a code of a table, such as a metric, a grade or a verdict; others as they stand.

    Parameters
    ----------
    code : object
    language : {"en", "ru", "vi"}
    column : str, optional
        Where it stands, for codes that mean something else there.

    Returns
    -------
    str

    Examples
    --------
    >>> word("may_be_ranked", "en"), word("direct", "ru"), word("North", "vi")
    ('may be ranked', 'напрямую', 'North')
    >>> word("plan", "en"), word("plan", "en", column="factor")
    ('plan', 'plan beyond the reference')
    """
    name = str(code)
    own = entry("code", f"{column}.{name}", language) if column else ""
    return own or entry("code", name, language) or name


def _filled(chosen: str, language: str, values: dict[str, object]) -> str:
    if not values:
        return chosen
    written = {
        name: number(value, language) if type(value) is int else value
        for name, value in values.items()
    }
    return _tied(chosen, language).format(**written)


def _tied(chosen: str, language: str) -> str:
    """Keep a number and the word behind it on one line, but for English, where `unbroken` does."""
    return chosen if language == "en" else chosen.replace("{n} ", "{n}\N{NO-BREAK SPACE}")
