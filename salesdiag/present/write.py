"""Writing an audit so that a folder never holds half of one."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from salesdiag.errors import InputError
from salesdiag.present.findings import write_findings
from salesdiag.present.html import write_html
from salesdiag.present.workbook import write_workbook

if TYPE_CHECKING:
    from salesdiag.diagnosis.finding import Diagnosis

FILES = ("report.html", "tables.xlsx", "findings.json")


def write_audit(diagnosis: Diagnosis, folder: str | Path) -> list[Path]:
    """Write report, workbook and findings into a folder.

    The files are made beside their place and moved there once all are complete, so an
    earlier audit stays whole if anything fails.

    Parameters
    ----------
    diagnosis : Diagnosis
    folder : str or Path
        Made if it does not exist.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    """
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target, prefix=".salesdiag-") as unfinished:
            made = Path(unfinished)
            write_html(diagnosis, made / FILES[0])
            write_workbook(diagnosis, made / FILES[1])
            write_findings(diagnosis, made / FILES[2])
            for name in FILES:
                (made / name).replace(target / name)
    except OSError as error:
        message = f"cannot write to {target}: {error.strerror or error}."
        raise InputError(message) from None
    return [target / name for name in FILES]
