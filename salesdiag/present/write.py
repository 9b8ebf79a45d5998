"""Writing an audit so that a folder never holds half of one."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from salesdiag.errors import InputError
from salesdiag.present.findings import write_findings
from salesdiag.present.html import write_html
from salesdiag.present.workbook import write_workbook

if TYPE_CHECKING:
    from collections.abc import Callable

    from salesdiag.diagnosis.finding import Diagnosis

FILES = ("report.html", "tables.xlsx", "findings.json")


def write_audit(
    diagnosis: Diagnosis,
    folder: str | Path,
    *,
    language: str = "en",
    on_step: Callable[[str], None] | None = None,
) -> list[Path]:
    """Write report, workbook and findings into a folder.

    The files are made beside their place and moved there once all are complete, so an
    earlier audit stays whole if anything fails.

    Parameters
    ----------
    diagnosis : Diagnosis
    folder : str or Path
        Made if it does not exist.
    language : {"en", "ru", "vi"}, default "en"
        Of report and workbook; findings.json is for programs and stays English.
    on_step : callable, optional
        Called with a short text before each step.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        If the folder cannot be written to, or the language is unknown.
    """
    target = Path(folder)
    new = _first_missing(target)
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target, prefix=".salesdiag-") as unfinished:
            made = Path(unfinished)
            write_html(diagnosis, made / FILES[0], language=language, on_step=on_step)
            if on_step is not None:
                on_step("writing: workbook")
            write_workbook(diagnosis, made / FILES[1], language=language)
            write_findings(diagnosis, made / FILES[2])
            _replace(made, target)
    except OSError as error:
        _remove_empty(target, new)
        message = f"cannot write to {target}: {error.strerror or error}."
        raise InputError(message) from None
    except BaseException:
        _remove_empty(target, new)
        raise
    return [target / name for name in FILES]


def _replace(made: Path, target: Path) -> None:
    """Put the new files in the place of the old ones: all of them, or none."""
    for name in FILES:
        if (target / name).is_dir() and not (target / name).is_symlink():
            raise IsADirectoryError(errno.EISDIR, f"{name} is a folder")
    old = made / "old"
    old.mkdir()
    moved: list[tuple[Path, Path]] = []
    try:
        for name in FILES:
            if os.path.lexists(target / name):
                moved.append(_move(target / name, old / name))  # noqa: PERF401  as below
        for name in FILES:
            moved.append(_move(made / name, target / name))  # noqa: PERF401  each may fail
    except BaseException:
        for origin, place in reversed(moved):
            with suppress(OSError):
                place.replace(origin)
        raise


def _move(origin: Path, place: Path) -> tuple[Path, Path]:
    origin.replace(place)
    return origin, place


def _first_missing(folder: Path) -> Path | None:
    """Give the uppermost folder that has to be made, if any."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    return missing[-1] if missing else None


def _remove_empty(folder: Path, new: Path | None) -> None:
    """Remove the folders that were made for an audit that was not."""
    if new is None:
        return
    with suppress(OSError):  # a folder that holds something stays
        for one in (folder, *folder.parents):
            one.rmdir()
            if one == new:
                return
