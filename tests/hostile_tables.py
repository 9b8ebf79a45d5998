"""A department in which every text of the CRM tries to be something else than text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

import salesdiag as sd
from salesdiag.intake.settings import settings_of
from salesdiag.simulate import world

if TYPE_CHECKING:
    from collections.abc import Iterable

IMAGE = '<img src=x onerror="window.pwned=1">'
SCRIPT = "<script>window.pwned=1</script>"
TURNED = "Meyer\u202e & \u2066Sons\u200f"  # what follows would be read from right to left
LONG = "x" * 10_000
ATTACKS = (
    IMAGE,
    SCRIPT,
    "</td></tr></table></section></main><h1>not a heading</h1>",
    '"><svg onload=window.pwned=1>',
    "' onmouseover='window.pwned=1' x='",
    '=HYPERLINK("http://127.0.0.1/","x")',
    '<a href="javascript:window.pwned=1">go</a>',
    "{{ 7 * 7 }}{% raw %} ${1} %(n)s {n}",
    TURNED,
    "\U0001f600\U0001f3c6\U0001faa9 \u0391\u03b8\u03ae\u03bd\u03b1 \u6771\u4eac \u202f\u00a0.",
    "</style></script></title><style>body{display:none}</style><!-- ",
    "]]></text></svg><iframe src='http://127.0.0.1/'></iframe>",
    "$x_1^{2}$ one\ntwo\tthree\x00\x1b[2J",
    LONG,
)

# text that people type, and ids, which are text too; words the schema allows stay
TEXTS = {
    "deals": ("deal_id", "stage", "rep_id", "account_id", "source", "segment", "product",
              "loss_reason"),
    "stage_changes": ("deal_id", "stage", "rep_id"),
    "stages": ("stage",),
    "activities": ("rep_id", "deal_id"),
    "leads": ("rep_id", "source", "segment", "deal_id", "disqualify_reason"),
    "reps": ("rep_id", "rep_name", "team", "manager_id", "territory", "role"),
    "targets": ("id",),
    "line_items": ("deal_id", "product"),
    "accounts": ("account_id", "account_name", "segment", "territory"),
    "deal_changes": ("deal_id",),
    "source_costs": ("source",),
    "payouts": ("rep_id",),
}  # fmt: skip


def renamed(values: Iterable[str]) -> dict[str, str]:
    """Give every value an attack in front; few get the long one, for it fills a page."""
    names = {}
    for at, value in enumerate(values):
        attack = ATTACKS[at % len(ATTACKS)]
        if attack == LONG and at >= 3 * len(ATTACKS):
            attack = SCRIPT
        names[value] = f"{attack} {value}"
    return names


def attacked(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Put an attack into every text, the same one wherever that text stands."""
    # the short lists first: each of them meets several attacks
    first = ("team", "stage", "source", "segment", "product", "rep_name", "rep_id")
    columns = [*first, *{one: None for ones in TEXTS.values() for one in ones}]
    values = [
        value
        for column in columns
        for name in TEXTS
        if column in TEXTS[name]
        for value in sorted(tables[name][column].dropna().unique())
    ]
    names = renamed(dict.fromkeys(values))
    return {
        name: frame.assign(**{one: frame[one].map(names) for one in TEXTS[name]})
        for name, frame in tables.items()
        if name in TEXTS
    }


def reading(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Say that the tables were read from files whose names are attacks."""
    rows = [
        (table, f"{attack}.csv", topic, item, "", n)
        for (table, frame), attack in zip(tables.items(), ATTACKS, strict=False)
        for topic, item, n in (
            ("rows read", "", len(frame)),
            ("rows used", "", len(frame)),
            ("unknown value", attack, 3),
        )
    ]
    report = pd.DataFrame(rows, columns=["table", "file", "topic", "item", "detail", "n_rows"])
    return report.astype({"n_rows": "Int64"})


def hostile_department() -> sd.Department:
    made = world("stage_leak", seed=5, reps=12, months=24, language="en")
    tables = attacked(made.tables)
    said = made.settings | {"name": f"{SCRIPT}{TURNED}"}
    said.pop("stages")  # their order stands in the table, with their new names
    return sd.Department.of(tables, settings_of(said, "made up"), reading(tables))
