"""What goes wrong, said so that the reader knows what to do next."""

from __future__ import annotations


class SalesDiagError(Exception):
    """Base of every error that this library raises on purpose."""


class InputError(SalesDiagError, ValueError):
    """A file, folder, database or argument cannot be used as it is."""


class MappingError(InputError):
    """A mapping or settings file does not fit what it describes."""


class MissingDataError(SalesDiagError):
    """An analysis needs a table or column that the department does not have.

    Parameters
    ----------
    message : str
        What was asked, what is missing and what is there.
    missing : tuple of str
        The missing tables (``"targets"``) and columns (``"deals.closed_at"``).
    ask_for : str
        The export to ask the client for.
    """

    def __init__(self, message: str, *, missing: tuple[str, ...] = (), ask_for: str = "") -> None:
        super().__init__(message)
        self.missing = missing
        self.ask_for = ask_for
