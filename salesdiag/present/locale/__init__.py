"""Words and figures in the reader's language: English, Russian or Vietnamese.

The words live in gettext catalogues beside this file (`ru/LC_MESSAGES/salesdiag.po`); sentences
are found by their English text, columns and codes by their name. The words of the plots are
those of `salesdiag.present.plots.vocabulary`: the catalogues hold a copy that
``python -m salesdiag.present.locale.build`` makes.
"""

from __future__ import annotations

from salesdiag.present.locale.catalogues import check_language, plural, text, word
from salesdiag.present.locale.causes import cause_name, cause_sentence, scope_text
from salesdiag.present.locale.formats import LANGUAGES
from salesdiag.present.locale.retold import retell

__all__ = [
    "LANGUAGES",
    "cause_name",
    "cause_sentence",
    "check_language",
    "plural",
    "retell",
    "scope_text",
    "text",
    "word",
]
