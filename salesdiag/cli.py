"""The command line: `salesdiag audit`, `check`, `inspect`, `notebooks`, `simulate`, `template`."""

from __future__ import annotations

import errno
import gc
import io
import os
import re
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from salesdiag.errors import InputError, SalesDiagError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

app = typer.Typer(
    help="Diagnose a sales department from its CRM exports.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

_Path = Annotated[str, typer.Argument(help="Folder, workbook, file or database URL.")]
_Mapping = Annotated[
    Path | None, typer.Option("--mapping", help="Mapping file; default: mapping.toml in PATH.")
]
_AsOf = Annotated[
    str | None,
    typer.Option("--as-of", help="The data speak up to the end of this day (YYYY-MM-DD)."),
]

_N_FINDINGS = 5  # printed; the report holds all


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    if version:
        from salesdiag import __version__

        _say(f"salesdiag {__version__}")
        raise typer.Exit


@app.command()
def audit(
    path: _Path,
    out: Annotated[Path, typer.Option("--out", help="Where to write the audit.")] = Path("audit"),
    as_of: _AsOf = None,
    mapping: _Mapping = None,
    show: Annotated[bool, typer.Option("--open", help="Open the report in the browser.")] = False,
    anonymise: Annotated[
        bool, typer.Option("--anonymise", help="Replace the names of reps and accounts.")
    ] = False,
    language: Annotated[
        str, typer.Option("--language", help="Of report, workbook and verdict: en, ru or vi.")
    ] = "en",
) -> None:
    """Write report.html, tables.xlsx and findings.json, and print the verdict."""
    with _progress() as tell:
        from salesdiag.present.write import write_audit

        tell("reading")
        from salesdiag.chapters import audit as examine
        from salesdiag.intake.load import load
        from salesdiag.present.locale import check_language
        from salesdiag.present.speech import Speech
        from salesdiag.present.verdict import top_findings, untold, verdict

        check_language(language)
        department = load(path, mapping=mapping, as_of=as_of, on_step=tell)
        if anonymise:
            tell("replacing names")
            department = department.anonymised()
        diagnosis = examine(department, on_step=tell)
        tell("writing")
        written = write_audit(diagnosis, out, language=language, on_step=tell)
    speech = Speech(language)
    source = speech.told(diagnosis.as_of_source)
    _say(speech.say("as of {day} ({source})", day=diagnosis.as_of, source=source))
    for sentence in verdict(diagnosis, language=language):
        _say(sentence)
    for line in top_findings(diagnosis, _N_FINDINGS, language=language):
        _say(line)
    missing = untold(diagnosis, language=language)
    if missing:
        _say(speech.say("Cannot be told from these data: {what}.", what=missing))
    _say("")
    for file in written:
        _say(str(file))
    if show:
        _open(written[0])


def _open(report: Path) -> None:
    """Show the report in a browser with windows; a text browser would hold the terminal."""
    import webbrowser

    has_screen = sys.platform in ("win32", "darwin") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )
    if not (has_screen and webbrowser.open(report.resolve().as_uri())):
        _say(f"Open {report} in a browser.")


@app.command()
def check(path: _Path, as_of: _AsOf = None, mapping: _Mapping = None) -> None:
    """List everything that is wrong with the data."""
    with _progress() as tell:
        from salesdiag.analyses.check import check as check_data
        from salesdiag.intake.load import load

        department = load(path, mapping=mapping, as_of=as_of, on_step=tell)
        tell("checking the data")
        table = check_data(department)
    for row in table.to_dict("records"):
        where = f"{row['table']}.{row['column']}" if row["column"] else row["table"]
        examples = f" ({row['examples']})" if row["examples"] else ""
        _say(
            f"{row['severity']:8}{where}: {row['rule']}: {row['n_failing']:,} of "
            f"{row['n_examined']:,}{examples}; {row['effect']}"
        )
    if table.empty:
        _say("No rule fails.")


@app.command()
def inspect(
    file: Annotated[str, typer.Argument(help="The file to describe.")],
    sheet: Annotated[str | None, typer.Option("--sheet", help="Sheet of a workbook.")] = None,
    table: Annotated[str | None, typer.Option("--table", help="Canonical table it holds.")] = None,
) -> None:
    """Draft a mapping.toml from a file, for a person to edit; samples are masked."""
    with _progress():
        from salesdiag.intake.inspection import inspect as draft

        text = draft(file, sheet=sheet, table=table)
    for line in text.splitlines():  # the draft is made of lines; none holds text of two
        _say(line)


@app.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="Folder to write into.")],
    cause: Annotated[str | None, typer.Option("--cause", help="Code of a fault.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, another department.")] = 0,
    strength: Annotated[float, typer.Option("--strength", help="Of the fault: up to 2.")] = 1.0,
    reps: Annotated[int, typer.Option("--reps", help="Number of sellers.")] = 26,
    language: Annotated[str | None, typer.Option("--language", help="en, ru or vi.")] = None,
) -> None:
    """Write a made-up department with a fault, and say what the fault is and costs."""
    with _progress() as tell:
        from salesdiag.simulate.folder import simulate as write

        tell("simulating")
        made = write(out, cause, seed=seed, strength=strength, reps=reps, language=language)
    _say(f"{made.settings['name']}: {reps} sellers, as of {made.settings['as_of']}")
    for truth in made.truth:
        where = ", ".join(truth.ids) or "the department"
        _say(
            f"{truth.cause} in {where} since {truth.since}: "
            f"{truth.revenue_share:.1%} of the revenue of the last twelve months lost"
        )
    _say(str(out))


@app.command()
def template(
    file: Annotated[Path, typer.Argument(help="The workbook to write, FILE.xlsx.")],
    language: Annotated[str, typer.Option("--language", help="en, ru or vi.")] = "en",
) -> None:
    """Write an empty workbook to fill in by hand, with explanations, lists and examples."""
    with _progress() as tell:
        from salesdiag.present.template import write_template

        tell("writing")
        written = write_template(file, language=language)
    _say(str(written))


@app.command()
def notebooks(
    path: _Path,
    out: Annotated[Path, typer.Option("--out", help="Where to write the notebooks.")],
    as_of: _AsOf = None,
) -> None:
    """Run every notebook on the data; write it executed, and as a page for the browser."""
    with _progress() as tell:
        from salesdiag.present.notebooks import run_notebooks

        written = run_notebooks(path, out, as_of=as_of, on_step=tell)
    for file in written:
        _say(str(file))


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Tell on standard error what is going on, if a person is looking."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _text: None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status("starting") as status:
        yield lambda text: status.update(Text(_clean(text)))  # no markup: names come from the CRM


def _say(text: str) -> None:
    """Write one line; text of the CRM can neither move the cursor nor begin a line."""
    if sys.stdout is None:  # closed before the command began
        raise _unwritable(OSError(errno.EBADF, os.strerror(errno.EBADF)))
    try:
        sys.stdout.write(_clean(text) + "\n")
    except OSError as error:
        raise _unwritable(error) from None


def _clean(text: str) -> str:
    """Put a mark in place of what is not printed, and a space in place of other white space."""
    return "".join(
        one if one.isprintable() else " " if one.isspace() else "\N{REPLACEMENT CHARACTER}"
        for one in text
    )


def _unwritable(error: OSError) -> InputError:
    return InputError(f"cannot write to standard output: {error.strerror or error}.")


def main() -> None:
    """Run the command; bad input ends with one message and exit status 2."""
    # one run, whose objects all go at its end: looking for cycles on the way only costs time
    gc.disable()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console of another encoding loses letters
    try:
        _run()
    except SalesDiagError as error:
        _fail(str(error))
    except Exception as error:  # the last resort: a person gets a line, no traceback
        if os.environ.get("SALESDIAG_TRACEBACK"):
            raise
        kind = type(error).__name__  # its text may hold what is in the data
        _fail(f"unexpected {kind}; set SALESDIAG_TRACEBACK=1 to see where")


def _run() -> None:
    """Run the command, and notice while it can still be said that the output went nowhere."""
    try:
        app()
    except SystemExit:
        if sys.stdout is not None:
            try:
                sys.stdout.flush()
            except OSError as error:
                raise _unwritable(error) from None
        raise


def _fail(message: str) -> NoReturn:
    """Say what went wrong on standard error, if it can be said, and end with status 2."""
    shown = re.sub(r"(:/+[^:/@\s]*):[^@\s]*@", r"\1:***@", message)  # a password of a URL
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"salesdiag: {_clean(shown)}\n")
    try:
        sys.stdout.flush()
    except (OSError, ValueError, AttributeError):
        # Python writes what is left at its end and would fail once more
        with suppress(OSError, ValueError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(2)
