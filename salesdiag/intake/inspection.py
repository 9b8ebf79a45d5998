"""`inspect`: draft a mapping from a file, with what is certain told apart from what is guessed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from salesdiag.engine import suggest
from salesdiag.errors import InputError
from salesdiag.intake.headings import Guess, guess, normalise, status_of, values
from salesdiag.intake.mapping import Source
from salesdiag.intake.sources import read_source
from salesdiag.intake.typed import read_typed, text_of
from salesdiag.schema import TABLES

if TYPE_CHECKING:
    from salesdiag.intake.raw import Fact, RawTable

_MANY_VALUES = 40  # a column with more different values is no list of statuses
_SAMPLES = 3
_CLEAR_FACTS = ("encoding", "delimiter", "header", "format")  # hold no text of a row
_MARKS = {"semicolon": ";", "tab": "\t", "bar": "|"}
_WORD_COLUMNS = ("status", "activity_type")


def inspect(file: str | Path, *, sheet: str | None = None, table: str | None = None) -> str:
    """Draft a ``mapping.toml`` from a file, for a person to edit.

    The draft names how the file was read (encoding, separator, heading row), guesses which
    heading means which canonical column and says how far each guess is to be trusted, and
    lists what was not recognised. Samples are masked: letters and digits are replaced, so
    that the draft can be shown around. Only the words of status and activity columns stand
    in the clear, because they must be mapped.

    Parameters
    ----------
    file : str or Path
        A CSV, a workbook, an HTML table or a Parquet file.
    sheet : str, optional
        Sheet of a workbook that has several.
    table : str, optional
        The canonical table that the file holds; guessed otherwise.

    Returns
    -------
    str
        The draft, as TOML. It loads as soon as no mandatory column is left open.

    Raises
    ------
    InputError
        If the file cannot be read, or ``table`` is no canonical table.

    Examples
    --------
    >>> draft = inspect("sample_data/reps.csv")
    >>> print(draft.splitlines()[0])
    # A draft for reps.csv: 27 rows, 8 columns, headings known from salesdiag.
    """
    _refuse_url(str(file))
    path = Path(file)
    if table is not None and table not in TABLES:
        message = f"there is no table {table!r}; known are {', '.join(TABLES)}."
        raise InputError(message + suggest(table, TABLES))
    raw = read_source(path.parent, Source("file", path.name, sheet=sheet))
    guesses = guess(list(raw.columns), table)
    held = table or next((one.table for one in guesses.values()), "deals")
    source = re.sub(r"[^a-z0-9]+", "_", path.stem.casefold()).strip("_") or "export"
    lines = _head(raw, held, guesses)
    lines += ["", "[department]", '# as_of = 2025-12-31    # the data speak up to this day',
              '# currency = "EUR"', '# time_zone = "Europe/Berlin"']  # fmt: skip
    lines += ["", f"[sources.{source}]", *_source_lines(raw, path.name)]
    lines += ["", f"[tables.{held}]", f"source = {_toml(source)}"]
    lines += _column_lines(raw, held, guesses)
    lines += _value_lines(raw, held, guesses)
    lines += _left_over(raw, guesses)
    return "\n".join(lines) + "\n"


def _refuse_url(text: str) -> None:
    """Say that a database needs no draft, without repeating its password."""
    if re.match(r"[A-Za-z][\w+.-]+:/", text) is None:
        return
    from salesdiag.intake.database import without_secret

    # a path loses one of the two strokes
    shown = without_secret(re.sub(r"^([^:]+):/+", r"\1://", text))
    message = f"{shown} is no file: a mapping is for files, a database is read as it is."
    raise InputError(message)


def _head(raw: RawTable, held: str, guesses: dict[str, Guess]) -> list[str]:
    systems = sorted({one.system for one in guesses.values()})
    known = f", headings known from {', '.join(systems)}" if systems else ""
    lines = [
        f"# A draft for {_plain(raw.file)}: {raw.n_rows:,} rows, {len(raw.columns)} columns"
        f"{known}.",
        f"# It looks like the table {held!r}. Read every line, correct it, and save it as",
        "# mapping.toml beside the file. Lines that begin with # are not used.",
    ]
    lines += [f"# read: {_fact(fact)}" for fact in raw.facts]
    lines += [
        f"# set aside: {n_rows} x {_plain(reason)}" for reason, n_rows in raw.set_aside.items()
    ]
    return lines


def _fact(fact: Fact) -> str:
    """Tell how the file was read; what may be text of a row is masked."""
    detail = fact.detail if fact.topic in _CLEAR_FACTS else _masked(fact.detail)
    return f"{fact.topic} {_plain(fact.item)}" + (f" ({_plain(detail)})" if detail else "")


def _source_lines(raw: RawTable, name: str) -> list[str]:
    """Write down how the file was read where it could be read otherwise."""
    lines = [f"file = {_toml(name)}"]
    if raw.sheet:
        lines.append(f"sheet = {_toml(raw.sheet)}")
    for fact in raw.facts:
        if fact.topic == "encoding" and fact.item not in ("ascii", "utf-8"):
            lines.append(f"encoding = {_toml(fact.item)}")
        if fact.topic == "delimiter" and fact.item != "comma":
            lines.append(f"delimiter = {_toml(_MARKS.get(fact.item, fact.item))}")
        row = re.fullmatch(r"row (\d+)", fact.item) if fact.topic == "header" else None
        if row:
            lines.append(f"header_row = {row[1]}")
    return lines


def _column_lines(raw: RawTable, held: str, guesses: dict[str, Guess]) -> list[str]:
    lines = ["", f"[tables.{held}.columns]"]
    heading_of = {one.column: heading for heading, one in guesses.items()}
    for column in TABLES[held].columns:
        if column.name in heading_of:
            heading = heading_of[column.name]
            trust = f"{guesses[heading].confidence:.0%} {guesses[heading].system}"
            lines.append(f"{column.name} = {_toml(heading)}    # {trust}; {_samples(raw, heading)}")
            lines += _open_questions(raw, heading, column.type)
        elif column.required:
            stage = heading_of.get("stage") if column.name == "status" else None
            if stage:
                lines.append(f"{column.name} = {_toml(stage)}    # told from the stage, see below")
            else:
                lines.append(f"# {column.name} =     # mandatory: {column.meaning}")
    return lines


def _open_questions(raw: RawTable, heading: str, kind: str) -> list[str]:
    """Ask what the values of a column leave open, such as the order of day and month."""
    try:
        typed = read_typed(
            raw.columns[heading], kind, heading, f"column {heading!r}",
            source=Source("file", raw.file), zone="UTC",
        )  # fmt: skip
    except InputError as error:
        return [f"#   to decide: {_plain(str(error))}"]
    return [f"#   {_question(fact)}" for fact in typed.facts]


def _question(fact: Fact) -> str:
    if fact.n_rows:
        return f"{fact.topic}: {_masked(fact.detail)}"
    # evidence quotes a value
    shown = re.sub(r"'[^']*'", lambda quoted: _masked(quoted[0]), _plain(fact.detail))
    return f"{fact.topic}: {shown}"


def _value_lines(raw: RawTable, held: str, guesses: dict[str, Guess]) -> list[str]:
    """List the words of status and activity columns with what they may mean."""
    heading_of = {one.column: heading for heading, one in guesses.items()}
    lines: list[str] = []
    for name in _WORD_COLUMNS:
        column = TABLES[held].column(name)
        heading = heading_of.get(name) or (heading_of.get("stage") if name == "status" else None)
        if column is None or not column.allowed or heading is None:
            continue
        words = sorted({one for one in _texts(raw, heading) if one})
        if len(words) > _MANY_VALUES:
            lines += ["", f"# {heading!r} has {len(words)} different values: no list of {name}"]
            continue
        lines += ["", f"[tables.{held}.values.{name}]    # one of {', '.join(column.allowed)}"]
        for word in words:
            meaning = _meaning(name, word, column.allowed)
            if meaning:
                lines.append(f"{_toml(word)} = {_toml(meaning)}")
            else:
                lines.append(f"# {_toml(word)} =     # not recognised")
    return lines


def _meaning(name: str, word: str, allowed: tuple[str, ...]) -> str | None:
    if name == "status" and "won" in allowed:
        return status_of(word)
    if name == "activity_type":
        return values(name).get(normalise(word))
    return word.casefold() if word.casefold() in allowed else None


def _left_over(raw: RawTable, guesses: dict[str, Guess]) -> list[str]:
    rest = [heading for heading in raw.columns if heading not in guesses]
    if not rest:
        return []
    return ["", "# not recognised, and not read unless mapped above:"] + [
        f"#   {_toml(heading)}: {_samples(raw, heading)}" for heading in rest
    ]


def _texts(raw: RawTable, heading: str) -> list[str]:
    column = raw.columns[heading]
    try:
        return [one.strip() for one in text_of(column, heading).to_pylist() if one]
    except InputError:  # damaged ids: shown as what they are, numbers
        return ["9" * 16]


def _samples(raw: RawTable, heading: str) -> str:
    masked = [_masked(one) for one in _texts(raw, heading)[:200]]
    shown = list(dict.fromkeys(masked))[:_SAMPLES]
    return "such as " + ", ".join(map(repr, shown)) if shown else "always empty"


def _masked(text: str) -> str:
    """Keep the shape of a value and nothing else.

    >>> _masked("Иван 12.05.2025")
    'Xxxx 99.99.9999'
    """
    digits = re.sub(r"\d", "9", _plain(text)[:40])
    return re.sub(r"[^\W\d_]", lambda letter: "X" if letter[0].isupper() else "x", digits)


def _plain(text: str) -> str:
    """Put text on one line, so that it cannot leave a comment."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def _toml(text: str) -> str:
    """Write a TOML string; what is not printed is written by its number."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(one if one.isprintable() else f"\\U{ord(one):08X}" for one in quoted)
