"""The command line: `salesdiag audit`, `check`, `inspect`."""

from __future__ import annotations

import gc
import io
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from salesdiag.errors import SalesDiagError

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


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    if version:
        from salesdiag import __version__

        typer.echo(f"salesdiag {__version__}")
        raise typer.Exit


@app.command()
def audit(
    path: _Path,
    out: Annotated[Path, typer.Option("--out", help="Where to write the audit.")] = Path("audit"),
    as_of: _AsOf = None,
    mapping: _Mapping = None,
    show: Annotated[bool, typer.Option("--open", help="Open the report in the browser.")] = False,
) -> None:
    """Write report.html, tables.xlsx and findings.json, and print the verdict."""
    with _progress() as tell:
        from salesdiag.present.write import write_audit

        tell("reading")
        from salesdiag.diagnosis.diagnose import diagnose
        from salesdiag.intake.load import load
        from salesdiag.present.verdict import verdict

        department = load(path, mapping=mapping, as_of=as_of, on_step=tell)
        diagnosis = diagnose(department, on_step=tell)
        tell("writing")
        written = write_audit(diagnosis, out)
    typer.echo(f"as of {diagnosis.as_of} ({diagnosis.as_of_source})")
    for sentence in verdict(diagnosis):
        typer.echo(sentence)
    if diagnosis.not_examined:
        names = ", ".join(one.analysis.replace("_", " ") for one in diagnosis.not_examined)
        typer.echo(f"Not examined: {names}.")
    typer.echo("")
    for file in written:
        typer.echo(str(file))
    if show:
        _open(written[0])


def _open(report: Path) -> None:
    """Show the report in a browser with windows; a text browser would hold the terminal."""
    import os
    import webbrowser

    has_screen = sys.platform in ("win32", "darwin") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )
    if not (has_screen and webbrowser.open(report.resolve().as_uri())):
        typer.echo(f"Open {report} in a browser.")


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
        typer.echo(
            f"{row['severity']:8}{where}: {row['rule']}: {row['n_failing']:,} of "
            f"{row['n_examined']:,}{examples}; {row['effect']}"
        )
    if table.empty:
        typer.echo("No rule fails.")


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="The file to describe.")],
    sheet: Annotated[str | None, typer.Option("--sheet", help="Sheet of a workbook.")] = None,
    table: Annotated[str | None, typer.Option("--table", help="Canonical table it holds.")] = None,
) -> None:
    """Draft a mapping.toml from a file, for a person to edit; samples are masked."""
    with _progress():
        from salesdiag.intake.inspection import inspect as draft

        text = draft(file, sheet=sheet, table=table)
    typer.echo(text)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Tell on standard error what is going on, if a person is looking."""
    if not sys.stderr.isatty():
        yield lambda _text: None
        return
    from rich.console import Console

    with Console(stderr=True).status("starting") as status:
        yield lambda text: status.update(text)


def main() -> None:
    """Run the command; bad input ends with one message and exit status 2."""
    # a short run makes many small objects and drops them at its end: look for cycles rarely
    gc.set_threshold(200_000, 20, 100)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console of another encoding loses letters
    try:
        app()
    except SalesDiagError as error:
        sys.stderr.write(f"salesdiag: {error}\n")
        sys.exit(2)
