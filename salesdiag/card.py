"""The short card that a notebook shows for a department."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date


def card(name: str, as_of: date, currency: str, counts: Mapping[str, int]) -> str:
    """Write name, day and the rows of each table as HTML; text of the CRM is escaped.

    >>> "&lt;b&gt;" in card("<b>", "2025-12-31", "EUR", {"deals": 2})
    True
    """
    rows = "".join(
        f"<tr><td style='text-align:left'>{escape(table)}</td><td>{n_rows:,}</td></tr>"
        for table, n_rows in counts.items()
    )
    note = escape(f"as of {as_of}" + (f" · {currency}" if currency else ""))
    head = "<thead><tr><th style='text-align:left'>table</th><th>rows</th></tr></thead>"
    title = escape(name or "Sales department")
    return f"<div><b>{title}</b> · {note}<table>{head}<tbody>{rows}</tbody></table></div>"
