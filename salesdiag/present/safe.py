"""Text of the CRM made fit for a page: without marks that turn or break the text around it."""

from __future__ import annotations

import re
import unicodedata

_LONG_WORD = re.compile(r"\S{61,}")
_KEPT = 40  # letters of a word that is longer than any word of a language
_WHITE = "\n\t\r"


def safe_text(text: str) -> str:
    r"""Drop control and direction marks, and shorten words that no language has.

    >>> safe_text("Meyer \u202e& Sons\x1b"), len(safe_text("x" * 10_000))
    ('Meyer & Sons', 41)
    """
    if text.isascii() and text.isprintable() and len(text) <= _KEPT:
        return text
    plain = "".join(letter for letter in text if _is_fit(letter))
    return _LONG_WORD.sub(lambda word: word[0][:_KEPT] + "…", plain)


def _is_fit(letter: str) -> bool:
    kind = unicodedata.category(letter)
    # joiners are part of words and emoji
    return letter in _WHITE or kind not in ("Cc", "Cf", "Cs") or letter in "\u200c\u200d\u00ad"
