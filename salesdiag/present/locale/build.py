"""Bring the catalogues up to date: ``python -m salesdiag.present.locale.build``.

The files ``*.po`` are edited by hand or in a translator's program. This adds sentences that the
code has gained, without words, drops those that it has lost, copies the words of the plots, and
compiles ``*.mo``, which the package reads. The same files give the same bytes.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from babel.messages import mofile, pofile
from babel.messages.catalog import Catalog
from babel.messages.plurals import get_plural

from salesdiag.present.locale.catalogues import compiled
from salesdiag.present.locale.formats import LANGUAGES
from salesdiag.present.locale.sources import DERIVED, plot_words, sentences

if TYPE_CHECKING:
    from pathlib import Path

_HEAD = "# Words of salesdiag; see salesdiag/present/locale/build.py."


class _Plain(Catalog):
    """A catalogue whose head names no date and no program."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        language = str(self.locale)
        return [
            ("Project-Id-Version", "salesdiag"),
            ("Language", language),
            ("Plural-Forms", get_plural(language).plural_forms),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
        ]


def source(language: str) -> Path:
    """Give the place of the catalogue that people edit."""
    return compiled(language).with_suffix(".po")


def refreshed(language: str) -> Catalog:
    """Read the catalogue of a language and bring it up to date."""
    with source(language).open("rb") as file:
        old = pofile.read_po(file, locale=language)
    plots, wanted = plot_words(language), sentences() if language != "en" else {}
    catalogue = _Plain(locale=language, domain="salesdiag", fuzzy=False, header_comment=_HEAD)
    for message in old:
        if not message.id or (message.context, message.id) in plots or message.context == "plot":
            continue
        if message.context in DERIVED and message.id not in wanted.get(message.context, ()):
            continue
        catalogue.add(message.id, message.string, context=message.context)
    for (context, name), words in plots.items():
        catalogue.add(name, words, context=context)
    for context, missing in wanted.items():
        for one in missing:
            if catalogue.get(one, context) is None:
                catalogue.add(one, "", context=context)
    return catalogue


def written(catalogue: Catalog) -> tuple[bytes, bytes]:
    """Give a catalogue as the bytes of its two files."""
    text, binary = io.BytesIO(), io.BytesIO()
    pofile.write_po(text, catalogue, width=0, sort_output=True)
    mofile.write_mo(binary, catalogue)
    return text.getvalue(), binary.getvalue()


def build() -> None:
    """Write the catalogues of all languages."""
    for language in LANGUAGES:
        text, binary = written(refreshed(language))
        source(language).write_bytes(text)
        compiled(language).write_bytes(binary)


if __name__ == "__main__":
    build()
