"""One made-up department, and the awkward dresses in which exports arrive.

`rows` is the truth, plain Python values written out here without any code of the package;
`frame` is the table that a faithful reader must give. A dress writes the rows into a folder
and returns the mapping file that describes them, or None where the headings are canonical.
"""

from __future__ import annotations

import html
import json
import random
from datetime import date, datetime, timedelta
from decimal import Decimal

import pandas as pd

COLUMNS = {
    "deals": {
        "deal_id": "text", "status": "text", "created_at": "time", "stage": "text",
        "closed_at": "time", "rep_id": "text", "source": "text", "product": "text",
        "amount": "money", "expected_close_on": "date", "loss_reason": "text",
    },
    "stage_changes": {"deal_id": "text", "stage": "text", "entered_at": "time", "rep_id": "text"},
    "activities": {
        "activity_id": "text", "activity_type": "text", "occurred_at": "time", "rep_id": "text",
        "deal_id": "text", "duration_seconds": "number",
    },
    "reps": {"rep_id": "text", "rep_name": "text", "team": "text", "hired_on": "date"},
    "targets": {
        "level": "text", "id": "text", "period_start": "date", "period_end": "date",
        "metric": "text", "target": "money",
    },
}  # fmt: skip
LINES = {
    "deal_id": "text", "product": "text", "quantity": "number", "list_price": "money",
    "unit_price": "money",
}  # fmt: skip
KEYS = {
    "deals": ["deal_id"],
    "stage_changes": ["deal_id", "stage", "entered_at"],
    "activities": ["activity_id"],
    "reps": ["rep_id"],
    "targets": ["level", "id", "period_start", "metric"],
    "line_items": ["deal_id", "product", "unit_price"],
}
RUSSIAN = {
    "deals": {
        "deal_id": "Номер сделки", "status": "Состояние дел", "created_at": "Дата создания",
        "stage": "Этап", "closed_at": "Дата закрытия", "rep_id": "Код менеджера",
        "source": "Источник", "product": "Товар", "amount": "Сумма, руб.",
        "expected_close_on": "Ожидаемая дата", "loss_reason": "Причина отказа",
    },
    "stage_changes": {
        "deal_id": "Номер сделки", "stage": "Новый этап", "entered_at": "Когда",
        "rep_id": "Код менеджера",
    },
    "activities": {
        "activity_id": "Номер дела", "activity_type": "Вид", "occurred_at": "Когда",
        "rep_id": "Код менеджера", "deal_id": "Номер сделки", "duration_seconds": "Длительность, с",
    },
    "reps": {
        "rep_id": "Код менеджера", "rep_name": "ФИО", "team": "Отдел", "hired_on": "Принят",
    },
    "targets": {
        "level": "Уровень", "id": "Кому", "period_start": "Начало", "period_end": "Конец",
        "metric": "Показатель", "target": "План",
    },
}  # fmt: skip
STATUS_WORDS = {
    "won": "Успешно реализовано",
    "lost": "Закрыто и не реализовано",
    "open": "В работе",
}
TYPE_WORDS = {"call": "Звонок", "email": "Письмо", "meeting": "Встреча", "task": "Задача"}

_REPS = [
    "Мария Соколова", "Nguyễn Thị Hương", "Пётр Ёлкин", "Trần Văn Đức", "Ольга Щукина",
    "Lê Hoàng Phúc", "Ирина О'Коннор", "José Müller", "Антон Быков", "Phạm Ngọc Ánh",
    "Юлия Жданова", "Zoë Ångström",
]  # fmt: skip
_STAGES = ["Новая", "Встреча", "Предложение", "Договор"]
_REASONS = [
    "дорого; ушли к «Конкуренту»", 'сказали "потом", не сейчас', "нет бюджета / перенесли", None,
]  # fmt: skip
_SOURCES = ["сайт", "выставка", "рекомендация", None]
_PRODUCTS = ["Станок №5", "Пресс", "Сервис & ремонт"]


def rows() -> dict[str, list[dict[str, object]]]:
    """Write the department out: 60 deals, 12 reps, their stages, activities and targets."""
    dice = random.Random(20250101)
    deals = [_deal(number, dice) for number in range(60)]
    return {
        "deals": deals,
        "stage_changes": [move for deal in deals for move in _moves(deal)],
        "activities": [_activity(number, dice, deals) for number in range(150)],
        "reps": [
            {"rep_id": f"{7 + number:04d}",
            "rep_name": name, "team": "Юг" if number % 2 else "North",
             "hired_on": date(2019 + number % 5, 1 + number, 13 + number)}
            for number, name in enumerate(_REPS)
        ],
        "targets": [*_targets()],
    }  # fmt: skip


def _deal(number: int, dice: random.Random) -> dict[str, object]:
    created = datetime(2025, 1, 2, 9, 0) + timedelta(days=5 * number, minutes=dice.randrange(480))
    status = ("won", "lost", "open")[number % 3]
    closed = created + timedelta(days=dice.randrange(10, 60), minutes=7)
    amount = Decimal(dice.randrange(100, 900_000_000)) / 100  # up to nine millions, with cents
    if number in (3, 33):
        amount = -Decimal("1234.50") * (number + 1)  # a credit
    return {
        "deal_id": str(4_000_000_000_000_000_001 + 97 * number) if number % 2 else f"{number:06d}",
        "status": status,
        "created_at": created,
        "stage": _STAGES[number % 4],
        "closed_at": None if status == "open" else closed,
        "rep_id": None if number in (10, 41) else f"{7 + number % 12:04d}",
        "source": _SOURCES[number % 4],
        "product": _PRODUCTS[number % 3],
        "amount": None if number in (5, 20, 44) else amount,
        "expected_close_on": None if number == 8 else closed.date() + timedelta(days=3),
        "loss_reason": _REASONS[number % 4] if status == "lost" else None,
    }


def _moves(deal: dict[str, object]) -> list[dict[str, object]]:
    n = _STAGES.index(deal["stage"]) + 1
    return [
        {"deal_id": deal["deal_id"], "stage": stage, "rep_id": deal["rep_id"],
         "entered_at": deal["created_at"] + timedelta(days=2 * place, minutes=13 * place)}
        for place, stage in enumerate(_STAGES[:n])
    ]  # fmt: skip


def _activity(number: int, dice: random.Random, deals: list) -> dict[str, object]:
    deal = deals[dice.randrange(60)]
    kind = ("call", "email", "meeting", "task")[number % 4]
    return {
        "activity_id": f"00A-{number}",
        "activity_type": kind,
        "occurred_at": deal["created_at"] + timedelta(days=number % 19, minutes=number),
        "rep_id": deal["rep_id"],
        "deal_id": None if number % 25 == 0 else deal["deal_id"],
        "duration_seconds": float(30 + number) if kind == "call" else None,
    }


def _targets():
    for quarter in range(4):
        first = date(2025, 3 * quarter + 1, 1)
        last = date(2025 + quarter // 3, (3 * quarter + 3) % 12 + 1, 1) - timedelta(days=1)
        for level, whose, target in (
            ("department", None, Decimal("12500000.50")),
            ("team", "Юг", Decimal("6000000.00")),
            ("rep", "0007", Decimal("999999.99")),
        ):
            yield {
                "level": level, "id": whose, "period_start": first, "period_end": last,
                "metric": "revenue", "target": target + quarter,
            }  # fmt: skip


# -- what must come back -------------------------------------------------------------------


def frame(name: str, lines: list[dict[str, object]]) -> pd.DataFrame:
    """Give rows as the table that a faithful reader returns, sorted by its key."""
    columns = LINES if name == "line_items" else COLUMNS[name]
    table = pd.DataFrame({
        column: _series([line[column] for line in lines], kind) for column, kind in columns.items()
    })  # fmt: skip
    return table.sort_values(KEYS[name], ignore_index=True)


def _series(values: list[object], kind: str) -> pd.Series:
    if kind == "money":
        exact = [None if one is None else one.quantize(Decimal("0.0001")) for one in values]
        return pd.Series(exact, dtype=object)
    dtype = {
        "text": "str", "time": "datetime64[us]", "date": "datetime64[s]", "number": "float64",
    }[kind]  # fmt: skip
    return pd.Series(values, dtype=dtype)


# -- how values are written ------------------------------------------------------------------


def grouped(value: Decimal, group: str, mark: str) -> str:
    """Write an amount with group and decimal marks; only the figures, no sign."""
    whole, cents = f"{abs(value):.2f}".split(".")
    parts = []
    while whole:
        parts.insert(0, whole[-3:])
        whole = whole[:-3]
    return group.join(parts) + mark + cents


def in_words(value: object, style: dict[str, object]) -> str:
    """Write one value as a dress writes it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return style.get("time", lambda one: one.isoformat(" "))(value)
    if isinstance(value, date):
        return style.get("date", lambda one: one.isoformat())(value)
    if isinstance(value, Decimal):
        return style.get("money", lambda one: f"{one:.2f}")(value)
    if isinstance(value, float):
        return f"{value:.0f}"
    return str(value)


def grid(name: str, truth: dict, style: dict | None = None, headings: dict | None = None) -> list:
    """Lay a table out as rows of text under its headings."""
    columns = COLUMNS[name]
    names = headings[name] if headings else {column: column for column in columns}
    body = [[in_words(row[column], style or {}) for column in columns] for row in truth[name]]
    return [[names[column] for column in columns], *body]


def delimited(
    table: list, mark: str = ",", *, end: str = "\n", quote: str = "", tail: str = ""
) -> str:
    """Write rows with separators, quoting what needs it (or all cells)."""

    def cell(text: str) -> str:
        needs = quote == "all" or any(sign in text for sign in (mark, '"', "\n", "\r"))
        return '"' + text.replace('"', '""') + '"' if needs else text

    return "".join(mark.join(map(cell, row)) + tail + end for row in table)


def write_mapping(folder, files: dict[str, str], headings: dict, **more: str) -> object:
    """Write a mapping file: a source and a table for each file; ``more`` adds TOML to each."""
    parts = ['[department]\nas_of = 2025-12-31\ntime_zone = "Europe/Berlin"\n']
    for name, file in files.items():
        parts.append(
            f"[sources.{name}]\nfile = {json.dumps(file)}\n{more.get(f'source_{name}', '')}\n"
        )
        parts.append(f'[tables.{name}]\nsource = "{name}"\n{more.get(f"table_{name}", "")}\n')
        parts.append(f"[tables.{name}.columns]\n")
        parts += [
            f"{column} = {json.dumps(heading, ensure_ascii=False)}\n"
            for column, heading in headings[name].items()
        ]
        parts.append(more.get(f"values_{name}", ""))
    path = folder / "how.toml"
    path.write_text("".join(parts), encoding="utf-8")
    return path


def html_page(table: list, *, span: int | None = None) -> str:
    """Write an HTML table with entities; equal neighbours of column ``span`` as one tall cell."""
    lines = ['<tr><td colspan="3"><b>Отчёт о сделках</b></td></tr>']
    covered = 0
    for at, row in enumerate(table):
        cells = []
        for place, text in enumerate(row):
            if place == span and covered:
                covered -= 1
                continue
            tall = ""
            if place == span and at:
                while at + covered + 1 < len(table) and table[at + covered + 1][place] == text:
                    covered += 1
                tall = f' rowspan="{covered + 1}"' if covered else ""
            shown = html.escape(text).replace(" / ", "<br>/&nbsp;").replace("№", "&#8470;")
            cells.append(f"<td{tall}>\n  {shown}</td>")
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return (
        '<html><head><meta http-equiv="Content-Type" content="text/html; charset=windows-1251">'
        "<style>td {color: black}</style></head><body>"
        f"<table>{''.join(lines)}</table></body></html>"
    )
