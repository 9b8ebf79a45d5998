"""The HTML report: one self-contained file, made in two steps (gather, then render)."""

from __future__ import annotations

from base64 import b64encode
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salesdiag.diagnosis.ranking import LEVEL, SURE
from salesdiag.present.answers import (
    GRADES,
    N_FIRST_SCREEN,
    causes_of,
    findings_of,
    leader_of,
    ledger_of,
    split_rows,
    waterfall_of,
)
from salesdiag.present.evidence import evidence_picture
from salesdiag.present.exhibits import CHAPTERS
from salesdiag.present.labels import unbroken
from salesdiag.present.people import MOST_PAGES, pages_of
from salesdiag.present.pictures import picture
from salesdiag.present.reading import rows_of_reading
from salesdiag.present.safe import safe_text
from salesdiag.present.speech import Speech
from salesdiag.present.tables import shown
from salesdiag.present.verdict import details, headline, later, names_inside, untold

if TYPE_CHECKING:
    from collections.abc import Callable

    import jinja2

    from salesdiag.diagnosis.finding import Diagnosis
    from salesdiag.present.exhibits import Chapter, Exhibit
    from salesdiag.present.pictures import Picture


def write_html(
    diagnosis: Diagnosis,
    path: str | Path,
    *,
    language: str = "en",
    on_step: Callable[[str], None] | None = None,
) -> Path:
    """Write the audit as one HTML file that needs nothing else.

    All text from the CRM is escaped. The same diagnosis gives the same bytes.

    Parameters
    ----------
    diagnosis : Diagnosis
        Of `audit`; one of `diagnose` has no tables for most chapters.
    path : str or Path
    language : {"en", "ru", "vi"}, default "en"
        Of all words and figures.
    on_step : callable, optional
        Called with a short text before each chapter.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    InputError
        If the language is unknown.
    """
    target, tell = Path(path), on_step or (lambda _text: None)
    speech = Speech(language, diagnosis.currency)
    page = _template(language).render(gather(diagnosis, speech, tell))
    target.write_text(page, encoding="utf-8", newline="\n")
    return target


def gather(
    diagnosis: Diagnosis, speech: Speech, tell: Callable[[str], None] = lambda _text: None
) -> dict[str, Any]:
    """Collect everything the report shows as plain data."""
    language = speech.language
    return {
        "title": diagnosis.name or speech.say("Sales department"),
        "language": language,
        "diagnosis": diagnosis,
        "headline": [unbroken(one) for one in headline(diagnosis, language=language)],
        "details": [unbroken(one) for one in details(diagnosis, language=language)],
        "waterfall": waterfall_of(diagnosis, speech),
        "findings": _findings(diagnosis, speech),
        "n_first": N_FIRST_SCREEN,
        "ledger": ledger_of(diagnosis, speech),
        "split": split_rows(diagnosis, speech),
        "split_basis": "none" if diagnosis.split is None else diagnosis.split.basis,
        "leader": leader_of(diagnosis, speech),
        "causes": causes_of(diagnosis, speech),
        "grades": "; ".join(f"{letter} {speech.say(words)}" for letter, words in GRADES.items()),
        "false_share": unbroken(speech.percent(LEVEL)),
        "sure_share": unbroken(speech.percent(SURE)),
        "chapters": [_chapter(diagnosis, one, speech, tell) for one in CHAPTERS],
        "people": pages_of(diagnosis, speech),
        "most_pages": MOST_PAGES,
        "check": shown(diagnosis.tables["check"], "check", speech),
        "reading": rows_of_reading(diagnosis.tables.get("load_report"), speech),
        "untold": untold(diagnosis, language=language),
        "not_examined": _not_examined(diagnosis, speech),
        "later": ", ".join(names_inside(later(diagnosis), speech)),
        "as_of_source": speech.told(diagnosis.as_of_source),
        "script": _script(),
        "script_hash": b64encode(sha256(_script().encode()).digest()).decode(),
        "confidence": unbroken(speech.percent(diagnosis.confidence)),
    }


def _findings(diagnosis: Diagnosis, speech: Speech) -> list[dict[str, Any]]:
    return [
        one | {"picture": evidence_picture(diagnosis, one["rank"], speech)}
        for one in findings_of(diagnosis, speech)
    ]


def _not_examined(diagnosis: Diagnosis, speech: Speech) -> list[dict[str, Any]]:
    """Put together what could not be examined for the same reason."""
    groups: dict[tuple[str, str], list[str]] = {}
    left = [one for one in diagnosis.not_examined if one not in later(diagnosis)]
    for one in left:
        groups.setdefault((one.reason, one.ask_for), []).append(speech.cause(one.analysis))
    return [
        {"name": ", ".join(names), "reason": speech.told(reason),
         "ask_for": "" if ask_for in reason else speech.told(ask_for)}
        for (reason, ask_for), names in groups.items()
    ]  # fmt: skip


def _chapter(
    diagnosis: Diagnosis, chapter: Chapter, speech: Speech, tell: Callable[[str], None]
) -> dict[str, Any]:
    tell(f"writing: {chapter.title.lower()}")
    shows = [view for one in chapter.exhibits for view in _exhibit(diagnosis, one, speech)]
    names = {one.table for one in chapter.exhibits}
    missed = [one for one in diagnosis.not_examined if one.analysis.split(":")[0] in names]
    known = {name.split(":")[0] for name in (*diagnosis.tables, *(one.analysis for one in missed))}
    absent = [speech.cause(one.table) for one in chapter.exhibits if one.table not in known]
    return {
        "anchor": chapter.anchor,
        "title": speech.say(chapter.title),
        "question": speech.say(chapter.question),
        "exhibits": shows,
        "absent": ", ".join(absent),
        "missed": [speech.say("{name} could not be examined: {reason}",
                              name=speech.cause(one.analysis), reason=speech.told(one.reason))
                   for one in missed],
    }  # fmt: skip


def _exhibit(diagnosis: Diagnosis, exhibit: Exhibit, speech: Speech) -> list[dict[str, Any]]:
    """Show an exhibit once, or once for each pipeline: "stage_conversion: pipeline"."""
    there = [name for name in diagnosis.tables if name.split(":")[0] == exhibit.table]
    views = []
    for name in there:
        table = diagnosis.tables[name]
        drawn = picture(exhibit.table, table, speech.language) if exhibit.is_drawn else None
        has_table = (exhibit.has_table or drawn is None) and len(table) > 0
        views.append({
            "title": speech.cause(name), "picture": drawn,
            "read": speech.say(exhibit.read) if drawn else "",
            "wrong": speech.say(exhibit.wrong) if drawn else "",
            "cut": _cut(drawn, name, speech),
            "table": shown(table, name, speech) if has_table else None,
        })  # fmt: skip
    return [one for one in views if one["picture"] or one["table"]]


def _cut(drawn: Picture | None, name: str, speech: Speech) -> str:
    """Say how many rows a picture leaves out."""
    if drawn is None or drawn.n_rows <= drawn.n_drawn:
        return ""
    return speech.say("Drawn are {n} of {all}; the others stand in tables.xlsx, sheet {sheet}.",
                      n=drawn.n_drawn, all=drawn.n_rows, sheet=name)  # fmt: skip


@lru_cache(maxsize=1)
def _script() -> str:
    """Give the sorting of tables; the page allows this script alone, by its hash."""
    return (Path(__file__).parent / "templates" / "sort.js").read_text(encoding="utf-8")


def _fit(value: object) -> object:
    """Make text fit for the page; what is markup already is the report's own."""
    return safe_text(value) if type(value) is str else value


@lru_cache(maxsize=3)
def _template(language: str) -> jinja2.Template:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("salesdiag.present"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_fit,
    )
    speech = Speech(language)
    environment.globals["_"] = speech.say
    environment.globals["_n"] = speech.count
    environment.filters["fit"] = safe_text
    environment.filters["merge"] = lambda one, **more: one | more
    environment.filters["day"] = lambda day: unbroken(speech.day(day))
    return environment.get_template("report.html.j2")
