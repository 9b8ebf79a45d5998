"""Running the notebooks on a department: executed notebooks, and pages that need no network."""

from __future__ import annotations

import re
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salesdiag.errors import InputError, SalesDiagError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

_NEEDED = ("papermill", "nbconvert", "ipykernel")
_START_SECONDS = 180  # a busy machine takes its time to start a kernel


def notebook_files() -> list[Path]:
    """List the notebooks that come with the package, in reading order.

    They lie inside an installed package, and beside it in a copy of the repository.

    Returns
    -------
    list of Path

    Raises
    ------
    InputError
        If there are none, as where the package was installed without them.

    Examples
    --------
    >>> [file.name for file in notebook_files()][0]
    '00_start_here.ipynb'
    """
    package = Path(__file__).parents[1]
    for folder in (package / "notebooks", package.parent / "notebooks"):
        found = sorted(folder.glob("[0-9]*.ipynb"))
        if found:
            return found
    message = f"there are no notebooks in {package} or beside it: install salesdiag again."
    raise InputError(message)


def run_notebooks(
    path: str | Path,
    out: str | Path,
    *,
    as_of: date | str | None = None,
    on_step: Callable[[str], None] | None = None,
) -> list[Path]:
    """Run every notebook on a department; write it executed and as an HTML page.

    The pages are self-contained: no scripts, nothing that is fetched. Nothing is written
    before all have run, and an earlier run stays whole if one fails.

    Parameters
    ----------
    path : str or Path
        Folder, workbook, file or database URL, as for `load`.
    out : str or Path
        Folder to write into; made if it does not exist.
    as_of : date or str, optional
        The data speak up to the end of this day. Default: as the data say.
    on_step : callable, optional
        Called with a short text before each step.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        If the packages for it are missing, the data cannot be read, or the folder cannot be
        written to or is the one of the notebooks themselves.
    SalesDiagError
        If a notebook stops.
    """
    _check_installed()
    files, target = notebook_files(), Path(out)
    if target.resolve() == files[0].parent.resolve():
        message = f"{target} holds the notebooks themselves: choose another folder."
        raise InputError(message)
    tell = on_step or (lambda _text: None)
    tell("reading")
    from salesdiag.intake.load import load

    load(path, as_of=as_of)  # what is wrong with the input is told before any notebook starts
    given = {"path": _absolute(path), "as_of": None if as_of is None else str(as_of)}
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target, prefix=".salesdiag-") as unfinished:
            for place, file in enumerate(files, start=1):
                tell(f"notebook {place} of {len(files)}: {file.stem}")
                _run(file, Path(unfinished), given)
            made = sorted(one for one in Path(unfinished).iterdir())
            return [one.replace(target / one.name) for one in made]
    except OSError as error:
        message = f"cannot write to {target}: {error.strerror or error}."
        raise InputError(message) from None


def _check_installed() -> None:
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        message = (
            f"the notebooks need packages that are not installed ({', '.join(missing)}): "
            'python -m pip install "salesdiag[notebooks]".'
        )
        raise InputError(message)


def _absolute(path: str | Path) -> str:
    """Give a place that means the same from another folder."""
    return str(path) if "://" in str(path) else str(Path(path).resolve())


def _run(file: Path, folder: Path, given: dict[str, str | None]) -> None:
    """Execute one notebook and write it and its page into a folder."""
    import nbformat

    notebook = _executed(file, folder, given)
    executed = _masked(nbformat.writes(notebook))
    (folder / file.name).write_text(executed + "\n", encoding="utf-8", newline="\n")
    page = _page(nbformat.reads(executed, as_version=4), file.stem)
    (folder / f"{file.stem}.html").write_text(page, encoding="utf-8", newline="\n")


def _executed(file: Path, folder: Path, given: dict[str, str | None]) -> Any:  # noqa: ANN401
    import papermill
    from papermill.exceptions import PapermillExecutionError

    try:
        notebook = papermill.execute_notebook(
            file, None, parameters=given, cwd=folder, kernel_name="python3", progress_bar=False,
            start_timeout=_START_SECONDS, extra_arguments=["--log-level=CRITICAL"],
        )  # fmt: skip
    except PapermillExecutionError as error:
        message = f"{file.name} stopped at cell {error.exec_count}: {error.ename}: {error.evalue}"
        raise SalesDiagError(_masked(message)) from None
    for part in (notebook, *notebook.cells):  # times and places of this run
        part.metadata.pop("papermill", None)
        part.metadata.pop("execution", None)
    return notebook


def _masked(text: str) -> str:
    """Hide the password of a database URL."""
    return re.sub(r"(:/+[^:/@\s\"]*):[^@\s\"]*@", r"\1:***@", text)


def _page(notebook: Any, name: str) -> str:  # noqa: ANN401
    """Write an executed notebook as one HTML file that fetches nothing."""
    from jinja2 import Environment, PackageLoader
    from nbconvert import HTMLExporter

    # those that were given stand in the cell below
    notebook.cells = [cell for cell in notebook.cells if "parameters" not in _tags(cell)]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace(".ipynb)", ".html)")  # the next page
    exporter = HTMLExporter(
        template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True,
        exclude_anchor_links=True,
    )  # fmt: skip
    body, _ = exporter.from_notebook_node(notebook)
    page = Environment(loader=PackageLoader("salesdiag", "present/templates"), autoescape=True)
    template = page.get_template("notebook.html.j2")
    return template.render(title=_title(notebook, name), body=body)


def _tags(cell: Any) -> list[str]:  # noqa: ANN401
    return list(cell.metadata.get("tags", []))


def _title(notebook: Any, name: str) -> str:  # noqa: ANN401
    """Take the title from the first heading."""
    heads = [line for cell in notebook.cells for line in cell.source.splitlines()
             if cell.cell_type == "markdown" and line.startswith("# ")]  # fmt: skip
    return heads[0].removeprefix("# ") if heads else name
