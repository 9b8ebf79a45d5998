"""One department in every awkward dress comes out the same, down to the last cell and type."""

from __future__ import annotations

import zipfile
from datetime import date, datetime, timedelta
from decimal import Decimal

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from pandas.testing import assert_frame_equal

import salesdiag as sd
from tests import dresses

CANONICAL = {name: {one: one for one in columns} for name, columns in dresses.COLUMNS.items()}
FILES = {name: f"{name}.csv" for name in dresses.COLUMNS}


@pytest.fixture
def truth():
    return dresses.rows()


def settings(folder, zone="Europe/Berlin"):
    text = f'as_of = 2025-12-31\ntime_zone = "{zone}"\n'
    (folder / "department.toml").write_text(text, encoding="utf-8")


def assert_same(department, truth):
    for name, lines in truth.items():
        loaded = department.table(name).to_pandas()
        loaded = loaded.sort_values(dresses.KEYS[name], ignore_index=True)
        assert_frame_equal(loaded, dresses.frame(name, lines), obj=name)
    assert set(department.tables) == set(truth)
    report = department.load_report
    for name in department.tables:
        mine = report[report["table"] == name].groupby("topic")["n_rows"].sum()
        assert mine["rows read"] == mine["rows used"] + mine.get("rows set aside", 0)


def write(folder, truth, *, style=None, headings=None, encoding="utf-8", mark=",", **how):
    """Write all tables as delimited text."""
    for name in dresses.COLUMNS:
        text = dresses.delimited(dresses.grid(name, truth, style, headings), mark, **how)
        (folder / f"{name}.csv").write_bytes(text.encode(encoding))


def comma(value):
    return f"{value:.2f}".replace(".", ",")


def test_cp1251_with_semicolons_decimal_commas_and_russian_headings(tmp_path, truth):
    foreign = truth["reps"]
    truth = truth | {"reps": [row | {"rep_name": "Анна"} for row in foreign]}
    write(
        tmp_path,
        truth,
        style={"money": comma},
        headings=dresses.RUSSIAN,
        encoding="cp1251",
        mark=";",
    )
    mapping = dresses.write_mapping(tmp_path, FILES, dresses.RUSSIAN)
    department = sd.load(tmp_path, mapping=mapping)
    assert_same(department, truth)
    report = department.load_report
    assert set(report[report["topic"] == "encoding"]["item"]) == {"cp1251"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_utf_16_with_tabs_with_or_without_its_mark(tmp_path, truth, encoding):
    settings(tmp_path)
    write(tmp_path, truth, encoding=encoding, mark="\t")
    assert_same(sd.load(tmp_path), truth)


def test_mostly_cyrillic_utf_16_without_its_mark_is_still_text(tmp_path, truth):
    write(tmp_path, truth, headings=dresses.RUSSIAN, encoding="utf-16-le", mark="\t")
    mapping = dresses.write_mapping(tmp_path, FILES, dresses.RUSSIAN)
    assert_same(sd.load(tmp_path, mapping=mapping), truth)


def test_days_first_with_points(tmp_path, truth):
    settings(tmp_path)
    style = {"time": lambda one: f"{one:%d.%m.%Y %H:%M}", "date": lambda one: f"{one:%d.%m.%Y}"}
    write(tmp_path, truth, style=style)
    assert_same(sd.load(tmp_path), truth)


@pytest.mark.parametrize("gap", [" ", "\u202f", "\xa0"])
def test_months_first_on_a_twelve_hour_clock(tmp_path, truth, gap):
    style = {
        "time": lambda one: (
            f"{one.month}/{one.day:02d}/{one.year} {one:%I:%M}".replace(" 0", " ")
            + f"{gap}{one:%p}"
        ),
        "date": lambda one: f"{one:%m/%d/%Y}",
    }
    write(tmp_path, truth, style=style)
    # quarters begin on the first: nothing in that column tells day and month apart
    mapping = dresses.write_mapping(tmp_path, FILES, CANONICAL, source_targets='date_order = "mdy"')
    assert_same(sd.load(tmp_path, mapping=mapping), truth)
    with pytest.raises(
        sd.InputError, match=r"period_start.*01 April 2025|period_start.*04 January 2025"
    ):
        sd.load(tmp_path)


@pytest.mark.parametrize("space", ["\xa0", "\u202f", "\u2009", " ", "'", "’"])
def test_thousands_parted_by_spaces_of_every_kind(tmp_path, truth, space):
    def money(one):
        return ("-" if one < 0 else "") + dresses.grouped(one, space, ",")

    settings(tmp_path)
    write(tmp_path, truth, style={"money": money}, mark=";")
    assert_same(sd.load(tmp_path), truth)


def bracketed(one, text):
    return f"({text})" if one < 0 else text


CURRENCIES = {
    "dollar, brackets": lambda one: bracketed(one, "$" + dresses.grouped(one, ",", ".")),
    "dollar, trailing minus": lambda one: "$" + dresses.grouped(one, ",", ".") + "-" * (one < 0),
    "dollar, minus first": lambda one: "-" * (one < 0) + "$" + dresses.grouped(one, ",", "."),
    "minus behind the sign": lambda one: "US$ " + "-" * (one < 0) + dresses.grouped(one, ",", "."),
    "euro behind": lambda one: "-" * (one < 0) + dresses.grouped(one, ".", ",") + "\xa0€",
    "euro behind brackets": lambda one: bracketed(one, dresses.grouped(one, ".", ",")) + " €",
    "roubles": lambda one: "−" * (one < 0) + dresses.grouped(one, "\xa0", ",") + "\xa0₽",
    "roubles in words": lambda one: "-" * (one < 0) + dresses.grouped(one, " ", ",") + " руб.",
    "code": lambda one: "EUR " + "-" * (one < 0) + dresses.grouped(one, ".", ","),
    "dong": lambda one: "-" * (one < 0) + dresses.grouped(one, ".", ",") + " đ",
}


@pytest.mark.parametrize("money", CURRENCIES.values(), ids=CURRENCIES)
def test_amounts_with_currency_signs_and_signs_anywhere(tmp_path, truth, money):
    settings(tmp_path)
    write(tmp_path, truth, style={"money": money}, mark=";")
    assert_same(sd.load(tmp_path), truth)


def test_html_tables_named_xls_with_a_stated_charset_and_tall_cells(tmp_path, truth):
    for name in dresses.COLUMNS:
        span = list(dresses.COLUMNS[name]).index("stage") if name == "stage_changes" else 1
        table = dresses.grid(name, truth, {"money": comma}, dresses.RUSSIAN)
        page = dresses.html_page(table, span=span)
        (tmp_path / f"{name}.xls").write_bytes(page.encode("cp1251", "xmlcharrefreplace"))
    files = {name: f"{name}.xls" for name in FILES}
    mapping = dresses.write_mapping(tmp_path, files, dresses.RUSSIAN)
    assert_same(sd.load(tmp_path, mapping=mapping), truth)


def fill(page, table, at):
    """Put typed cells on a sheet, ids as text."""
    for down, row in enumerate(table):
        for right, cell in enumerate(row):
            one = page.cell(at + down, 2 + right, None if cell == "" else cell)
            if isinstance(cell, datetime):
                one.number_format = "dd.mm.yyyy hh:mm"


def typed(name, truth, headings):
    columns = dresses.COLUMNS[name]
    body = [
        [float(row[one]) if isinstance(row[one], Decimal) else row[one] for one in columns]
        for row in truth[name]
    ]
    return [[headings[name][one] for one in columns], *body]


def test_a_workbook_with_titles_merged_cells_and_a_row_of_totals(tmp_path, truth):
    for name in dresses.COLUMNS:
        book = openpyxl.Workbook()
        page = book.active
        table = typed(name, truth, dresses.RUSSIAN)
        page["B2"] = "Отчёт отдела продаж"
        page.merge_cells("B2:F2")
        page["B3"] = "Период: 2025"
        fill(page, table, at=5)
        if name == "stage_changes":  # the deal stands once for all its stages
            first = 1
            for at in range(2, len(table) + 1):
                if at == len(table) or table[at][0] != table[first][0]:
                    for down in range(first + 1, at):
                        page.cell(5 + down, 2).value = None
                    page.merge_cells(
                        start_row=5 + first, end_row=4 + at, start_column=2, end_column=2
                    )
                    first = at
        page.cell(5 + len(table), 2, "Итого:")
        page.cell(5 + len(table), 5, 12345.67)
        page.cell(6 + len(table), 2, "Отчет сформирован 31.12.2025")
        book.save(tmp_path / f"{name}.xlsx")
    files = {name: f"{name}.xlsx" for name in FILES}
    mapping = dresses.write_mapping(tmp_path, files, dresses.RUSSIAN)
    department = sd.load(tmp_path, mapping=mapping)
    assert_same(department, truth)
    aside = department.load_report.query("topic == 'rows set aside' and table == 'deals'")
    assert aside[["item", "n_rows"]].to_numpy().tolist() == [["totals or footer row", 2]]


def test_headings_that_stand_twice(tmp_path, truth):
    headings = {name: dict.fromkeys(columns, "Поле") for name, columns in dresses.COLUMNS.items()}
    write(tmp_path, truth, headings=headings)
    told_apart = {
        name: {
            one: "Поле" if place == 1 else f"Поле#{place}"
            for place, one in enumerate(columns, start=1)
        }
        for name, columns in dresses.COLUMNS.items()
    }
    mapping = dresses.write_mapping(tmp_path, FILES, told_apart)
    assert_same(sd.load(tmp_path, mapping=mapping), truth)


def serial(value):
    return (value - datetime(1899, 12, 30)) / timedelta(days=1)


def midnight(day):
    return datetime(day.year, day.month, day.day)


@pytest.mark.parametrize("mark", [".", ","])
def test_day_numbers_of_a_spreadsheet_in_text(tmp_path, truth, mark):
    settings(tmp_path)
    style = {
        "time": lambda one: f"{serial(one):.10f}".replace(".", mark),
        "date": lambda one: f"{serial(midnight(one)):.0f}",
    }
    write(tmp_path, truth, style=style, mark=";")
    assert_same(sd.load(tmp_path), truth)


@pytest.mark.parametrize("options", [{}, {"date_1904": True}], ids=["1900", "1904"])
def test_dates_of_a_workbook_on_either_calendar(tmp_path, truth, options):
    settings(tmp_path)
    book = xlsxwriter.Workbook(tmp_path / "book.xlsx", options)
    style = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    for name in dresses.COLUMNS:
        page = book.add_worksheet(name)
        for down, row in enumerate(typed(name, truth, CANONICAL)):
            for right, cell in enumerate(row):
                if isinstance(cell, date):
                    page.write_datetime(down, right, cell, style)
                elif isinstance(cell, str):
                    page.write_string(down, right, cell)
                elif cell is not None:
                    page.write_number(down, right, cell)
    book.close()
    assert_same(sd.load(tmp_path / "book.xlsx"), truth)


def test_day_numbers_without_a_date_format_in_a_workbook(tmp_path, truth):
    settings(tmp_path)
    for name in dresses.COLUMNS:
        book = openpyxl.Workbook()
        for row in typed(name, truth, CANONICAL):
            cells = [serial(one) if isinstance(one, datetime) else one for one in row]
            book.active.append(
                [serial(midnight(one)) if type(one) is date else one for one in cells]
            )
        book.save(tmp_path / f"{name}.xlsx")
    assert_same(sd.load(tmp_path), truth)


@pytest.mark.parametrize("tail", ["", ";"])
@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_a_mark_first_a_separator_last_and_line_breaks_in_cells(tmp_path, truth, tail, end):
    settings(tmp_path)
    for deal in truth["deals"]:
        if deal["loss_reason"]:
            deal["loss_reason"] = deal["loss_reason"].replace(" / ", "\n\n").replace("; ", ";\n")
    how = {"encoding": "utf-8-sig", "mark": ";", "quote": "all", "tail": tail, "end": end}
    write(tmp_path, truth, **how)
    assert_same(sd.load(tmp_path), truth)


@pytest.mark.parametrize("heading_tail", ["", ";"])
def test_a_separator_too_many_on_the_heading_or_on_some_rows_only(tmp_path, truth, heading_tail):
    settings(tmp_path)
    for name in dresses.COLUMNS:
        head, *body = dresses.delimited(dresses.grid(name, truth), ";").splitlines()
        rows = [row + ";" * (place % 7 == 0) for place, row in enumerate(body)]
        text = "\n".join([head + heading_tail, *rows, ""])
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    assert_same(sd.load(tmp_path), truth)


def product_lines(truth):
    """Give each deal one to three lines whose amounts add up to it."""
    lines = []
    for number, deal in enumerate(truth["deals"]):
        amount = deal["amount"]
        n = 1 + number % 3 if amount is not None and amount > 10_000 else 1
        left = amount
        for place in range(n):
            quantity = 2.0 if place < n - 1 else 1.0
            price = Decimal("1500.25") * (place + 1) if place < n - 1 else left
            left = None if left is None else left - price * int(quantity)
            lines.append({
                "deal_id": deal["deal_id"], "quantity": quantity, "unit_price": price,
                "product": deal["product"] if place == 0 else f"Деталь {place}",
                "list_price": None if price is None else abs(price) * 2,
                "amount": None if price is None else price * int(quantity),
            })  # fmt: skip
    return lines


@pytest.mark.parametrize("amounts", ["per_line", "per_deal"])
def test_deals_repeated_for_each_product_line(tmp_path, truth, amounts):
    lines = product_lines(truth)
    by_id = {deal["deal_id"]: deal for deal in truth["deals"]}
    columns = [*dresses.COLUMNS["deals"], "quantity", "list_price", "unit_price"]
    table = [columns]
    seen = set()
    for line in lines:
        deal = by_id[line["deal_id"]]
        amount = line["amount"] if amounts == "per_line" else deal["amount"]
        row = deal | line | {"amount": amount}
        if line["deal_id"] in seen and amounts == "per_deal":
            row |= {"stage": None, "source": None}  # a further row may leave the deal's cells blank
        seen.add(line["deal_id"])
        table.append([dresses.in_words(row[one], {}) for one in columns])
    (tmp_path / "deals.csv").write_text(dresses.delimited(table), encoding="utf-8")
    picks = "\n".join(f'{one} = "{one}"' for one in dresses.COLUMNS["deals"])
    line_picks = "\n".join(f'{one} = "{one}"' for one in dresses.LINES)
    (tmp_path / "how.toml").write_text(
        '[department]\nas_of = 2025-12-31\n[sources.file]\nfile = "deals.csv"\n'
        f'[tables.deals]\nsource = "file"\none_row_per = "deal_id"\namounts = "{amounts}"\n'
        f"[tables.deals.columns]\n{picks}\n"
        f'[tables.line_items]\nsource = "file"\n[tables.line_items.columns]\n{line_picks}\n'
    )
    department = sd.load(tmp_path, mapping=tmp_path / "how.toml")
    priced = [line for line in lines if line["unit_price"] is not None]
    assert len(lines) == len(priced) + 3  # three deals have no amount
    assert_same(department, {"deals": truth["deals"], "line_items": priced})
    aside = department.load_report.query("topic == 'rows set aside' and table == 'deals'")
    assert aside["n_rows"].tolist() == [len(lines) - 60]


def test_russian_words_for_values_open_deals_marked_as_such_and_totals(tmp_path, truth):
    shown = {name: [dict(row) for row in lines] for name, lines in truth.items()}
    for deal in shown["deals"]:
        deal["closed_at"] = deal["closed_at"] or "не закрыта"
        deal["status"] = dresses.STATUS_WORDS[deal["status"]]
    for one in shown["activities"]:
        one["activity_type"] = dresses.TYPE_WORDS[one["activity_type"]]
    style = {
        "money": lambda one: ("-" if one < 0 else "") + dresses.grouped(one, "\xa0", ","),
        "time": lambda one: f"{one:%d.%m.%Y %H:%M:%S}",
        "date": lambda one: f"{one:%d.%m.%Y}",
    }
    for name in dresses.COLUMNS:
        table = dresses.grid(name, shown, style, dresses.RUSSIAN)
        table = [["Выгрузка"], [], *table, ["Итого", "", "", "", "", "60"][: len(table[0])]]
        text = dresses.delimited(table, ";")
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8-sig")
    to_values = "\n".join(f'"{word}" = "{value}"' for value, word in dresses.STATUS_WORDS.items())
    to_types = "\n".join(f'"{word}" = "{value}"' for value, word in dresses.TYPE_WORDS.items())
    mapping = dresses.write_mapping(
        tmp_path, FILES, dresses.RUSSIAN,
        values_deals=f'[tables.deals.values.status]\n{to_values}\n[tables.deals.values.closed_at]\n'
        '"не закрыта" = ""\n',
        values_activities=f"[tables.activities.values.activity_type]\n{to_types}\n",
    )  # fmt: skip
    department = sd.load(tmp_path, mapping=mapping)
    assert_same(department, truth)
    assert not department.load_report["topic"].isin(["value not readable", "unknown value"]).any()
    aside = department.load_report.query("topic == 'rows set aside'")
    assert set(aside["item"]) == {"totals or footer row"}
    assert aside["n_rows"].tolist() == [1] * 5


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Ho_Chi_Minh"])
def test_parquet_with_times_in_another_zone(tmp_path, truth, zone):
    settings(tmp_path)
    for name, columns in dresses.COLUMNS.items():
        table = dresses.frame(name, truth[name])
        for column, kind in columns.items():
            if kind == "time":
                local = table[column].dt.tz_localize("Europe/Berlin")
                table[column] = local.dt.tz_convert(zone)
        pq.write_table(
            pa.Table.from_pandas(table, preserve_index=False), tmp_path / f"{name}.parquet"
        )
    assert_same(sd.load(tmp_path), truth)


def test_parquet_read_in_place(tmp_path, truth):
    settings(tmp_path)
    for name in dresses.COLUMNS:
        table = pa.Table.from_pandas(dresses.frame(name, truth[name]), preserve_index=False)
        pq.write_table(table, tmp_path / f"{name}.parquet")
    department = sd.load(tmp_path)
    assert_same(department, truth)
    assert department.load_report["detail"].ne("").sum() == 0
    assert (department.load_report["item"] == "Parquet, read in place").sum() == 5


def test_a_workbook_with_a_sheet_for_each_table(tmp_path, truth):
    settings(tmp_path)
    with pd.ExcelWriter(tmp_path / "all.xlsx", engine="openpyxl") as book:
        for name in dresses.COLUMNS:
            pd.DataFrame(typed(name, truth, CANONICAL)[1:], columns=CANONICAL[name]).to_excel(
                book, sheet_name=name.title(), index=False
            )
        pd.DataFrame({"note": ["x"]}).to_excel(book, sheet_name="notes", index=False)
    assert zipfile.is_zipfile(tmp_path / "all.xlsx")
    department = sd.load(tmp_path / "all.xlsx")
    assert_same(department, truth)
    assert "notes" in department.load_report.query("topic == 'sheet not used'")["item"].tolist()
