"""Bytes into text: byte order marks and strict UTF-8 first, then candidates that must score."""

from __future__ import annotations

import codecs
import re
import unicodedata
from typing import NamedTuple

from salesdiag.errors import InputError
from salesdiag.intake.headings import count_known

# in the order that wins a tie: what Russian, Western and Vietnamese exports are written in
CANDIDATES = (
    "cp1251",
    "cp1252",
    "koi8-r",
    "cp866",
    "cp1258",
    "mac-cyrillic",
    "iso-8859-5",
    "cp1250",
)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HEAD = 64 * 1024
_HEADING_WEIGHT = 20
_HEAD_START = 1.5  # a few letters are not enough to prefer what hardly any program writes today
_RUSSIAN = frozenset("абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґў")  # and its nearest kin


class Decoded(NamedTuple):
    """Text, the encoding it was in, and how that was told."""

    text: str
    encoding: str
    evidence: str


def decode(name: str, data: bytes, declared: str | None = None) -> Decoded:
    """Turn the bytes of a text file into text.

    Raises
    ------
    InputError
        If the bytes are no text, or do not fit the declared encoding.
    """
    if declared:
        text = _strictly(name, data, declared).removeprefix("\ufeff")
        return Decoded(text, declared, "given in the mapping")
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            text = _strictly(name, data, encoding)
            return Decoded(text, encoding.removesuffix("-sig"), "byte order mark")
    wide = _wide_encoding(data)
    if wide:
        return Decoded(_strictly(name, data, wide), wide, "zeros in every other byte only")
    _refuse_binary(name, data)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        if _cut_inside_a_letter(data, error):
            message = (
                f"{name} ends in the middle of a letter: the file was cut off; export it again."
            )
            raise InputError(message) from None
        _refuse_damaged(name, data)
        return _best_candidate(name, data)
    return Decoded(text, "ascii" if text.isascii() else "utf-8", "valid throughout")


def _strictly(name: str, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except LookupError:
        message = f"{name}: {encoding!r} is no encoding; give one such as utf-8, utf-16 or cp1251."
        raise InputError(message) from None
    except UnicodeDecodeError as error:
        message = (
            f"{name} is not {encoding} as declared or marked: byte {error.start} does not fit. "
            "Correct 'encoding' in the mapping, or export the file again."
        )
        raise InputError(message) from None


def _wide_encoding(data: bytes) -> str | None:
    head = data[:_HEAD]
    if len(head) < 4 or b"\0" not in head:
        return None
    # separators, digits and line ends are ASCII whatever the language, so one side has zeros
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    for encoding, zeros, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros > 0.05 * half and others < 0.01 * half:
            try:
                text = head[: 2 * half].decode(encoding, "ignore")
            except UnicodeDecodeError:
                continue
            return encoding if _is_written(text) else None
    return None


def _is_written(text: str) -> bool:
    """Tell writing from bytes that happen to be read as letters."""
    strange = sum(unicodedata.category(one) in ("Cc", "Cn", "Co") for one in text)
    return strange - sum(text.count(one) for one in "\t\n\r\x0c") < 0.01 * len(text) + 1


def _refuse_binary(name: str, data: bytes) -> None:
    head = data[:_HEAD]
    control = sum(head.count(code) for code in range(32) if code not in b"\t\n\r\x0c\x1a\x1b")
    if b"\0" in data or control > 0.01 * len(head):
        message = (
            f"{name} is not text: it holds binary data. Allowed are CSV, XLSX, XLS, HTML, Parquet."
        )
        raise InputError(message)


def _cut_inside_a_letter(data: bytes, error: UnicodeDecodeError) -> bool:
    """Tell a file of valid UTF-8 that stops within a character from one in another encoding."""
    return (
        error.reason == "unexpected end of data"
        and error.start >= len(data) - 3
        and not data[: error.start].isascii()
    )


def _refuse_damaged(name: str, data: bytes) -> None:
    """Refuse UTF-8 with a few wrong bytes: read in another encoding all of it would be garbled."""
    text = data.decode("utf-8", "replace")
    n_bad = text.count("\ufffd")
    n_good = len(text) - len(text.encode("ascii", "ignore")) - n_bad
    if n_good > 2 * n_bad:
        line = text[: text.index("\ufffd")].count("\n") + 1
        message = (
            f"{name} is UTF-8 with damaged letters ({n_bad}, the first in line {line}): export it "
            "again, or correct these letters."
        )
        raise InputError(message)


def _best_candidate(name: str, data: bytes) -> Decoded:
    scored = []
    sample = _telling_part(data)
    for place, encoding in enumerate(CANDIDATES):
        try:
            head = sample.decode(encoding)
        except UnicodeDecodeError:
            continue
        known = count_known(re.split(r"[,;\t|\r\n]", head[:4096].replace('"', "")))
        likely = _HEAD_START if place == 0 else 0.0
        score = known * _HEADING_WEIGHT + _plausibility(head) + likely
        scored.append((score, -place, encoding, known))
    for score, _place, encoding, known in sorted(scored, reverse=True):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        evidence = f"best of {len(scored)} candidates: {known} known headings, score {score:.0f}"
        return Decoded(text, encoding, evidence)
    message = f"{name}: no known encoding fits; give 'encoding' in the mapping file."
    raise InputError(message)


def _telling_part(data: bytes) -> bytes:
    """Take the beginning, and the lines that hold more than ASCII, wherever they stand."""
    lines, size = [data[:4096]], 0
    for hit in re.finditer(rb"[^\r\n]{0,400}[\x80-\xff][^\r\n]{0,400}", data[4096:]):
        lines.append(hit.group())
        size += len(hit.group())
        if size > _HEAD:
            break
    return b"\n".join(lines)


def _plausibility(text: str) -> float:
    """Score how much the letters beyond ASCII look like words somebody wrote.

    Russian in a wrong Cyrillic encoding shows capitals inside words; in a Western one,
    rows of accented letters without a plain one between them.
    """
    score = 0.0
    text = unicodedata.normalize("NFC", text)
    for word in re.findall(r"\w*[^\x00-\x7f]+\w*|[^\x00-\x7f\w]", text):
        scripts = {_script(letter) for letter in word}
        strange = [letter for letter in word if ord(letter) > 127]
        if scripts == {"cyrillic"}:
            tidy = word.islower() or word.isupper() or word.istitle()
            score += len(strange) if tidy and len(word) > 1 else -len(strange)
            # koi8-r read as cp1251 makes words too, but of rare letters
            score += 0.3 * sum(letter in "оеаинтсрвлкмдпу" for letter in word.lower())
            score -= 0.6 * sum(letter not in _RUSSIAN for letter in word.lower())
        elif scripts <= {"latin", "accented"} and "latin" in scripts:
            tidy = word.islower() or word.isupper() or word.istitle()
            score += len(strange) if tidy else -len(strange)
        elif all(letter in "€£¥₽₫№«»“”„–—’…° §" for letter in word):
            score += len(strange)
        else:
            score -= len(strange)
    return score


def _script(letter: str) -> str:
    if letter.isascii():
        return "latin" if letter.isalpha() else "sign"
    name = unicodedata.name(letter, "")
    if name.startswith("CYRILLIC"):
        return "cyrillic"
    # cp1258 writes the tones of Vietnamese as marks of their own
    return "accented" if name.startswith(("LATIN", "COMBINING")) else "sign"
