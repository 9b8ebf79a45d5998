"""The readers one by one, on cells that can be counted by eye."""

from __future__ import annotations

import unicodedata
import zipfile
from datetime import datetime
from decimal import Decimal

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import salesdiag as sd
from salesdiag.intake.cells import table_of_cells
from salesdiag.intake.decode import decode
from salesdiag.intake.delimited import read_delimited
from salesdiag.intake.html import read_html
from salesdiag.intake.mapping import Source
from salesdiag.intake.numbers import read_durations, read_numbers
from salesdiag.intake.raw import RawColumn
from salesdiag.intake.rows import find_header, is_footer, name_columns, why_set_aside
from salesdiag.intake.settings import settings_of
from salesdiag.intake.sniff import kind_of
from salesdiag.intake.sources import table_of_arrow
from salesdiag.intake.times import read_times
from salesdiag.intake.typed import map_values, read_typed, text_of


def column(*texts):
    return RawColumn(pa.array(texts, pa.string()))


def numbers(*texts, **options):
    return read_numbers(column(*texts), "f.csv, column 'x'", **options).values.to_pylist()


def times(*texts, **options):
    return read_times(column(*texts), "f.csv, column 'x'", **options).values.to_pylist()


def cells(raw):
    return {name: one.text.to_pylist() for name, one in raw.columns.items()}


# -- encodings ---------------------------------------------------------------------------------

RUSSIAN = "ID;Название;Сумма\n1;Поставка оборудования;5\n2;«Ромашка» №5;6\n"


@pytest.mark.parametrize("encoding", ["cp1251", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_russian_text_in_the_encodings_of_windows(encoding):
    assert decode("f.csv", RUSSIAN.encode(encoding)).text == RUSSIAN


@pytest.mark.parametrize("encoding", ["koi8-r", "cp866", "mac-cyrillic", "iso-8859-5"])
def test_russian_text_in_older_encodings(encoding):
    text = RUSSIAN.replace("«Ромашка» №5", "Ромашка")
    found = decode("f.csv", text.encode(encoding))
    assert (found.text, found.encoding) == (text, encoding)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("ID;Сумма\n1;5\n", "cp1251"),  # eight letters beyond ASCII in all
        ("Сумма;€100;№5 «Ромашка»\n", "cp1251"),
        ("id;stage\n" + "1;New\n" * 20_000 + "2;Договор\n", "cp1251"),  # far behind the beginning
        ("id;имя\n1;клиент\n2;договор\n", "koi8-r"),  # all small: in cp1251 these are capitals
        ("ID;ИМЯ\n1;КЛИЕНТ\n", "cp866"),
        ("id;name\n1;Müller & Söhne\n2;Café Paris\n", "cp1252"),
        ("id;name\n1;Łódź Sp. z o.o.\n2;Kraków\n", "cp1250"),
        ("id;amount\n1;€ 500\n", "cp1252"),
    ],
)
def test_a_little_text_beyond_ascii_is_enough(text, encoding):
    assert decode("f.csv", text.encode(encoding)).text == text


def test_vietnamese_with_tones_as_marks_of_their_own():
    text = "id;tên\n1;Trâ\u0300n Văn Minh\n2;Nguyê\u0303n Thị Hương\n3;Lê Văn\n".replace("ị", "i\u0323")
    assert decode("f.csv", text.encode("cp1258")).text == text


def test_how_an_encoding_was_told_is_said():
    assert decode("f.csv", b"a,b\n")[1:] == ("ascii", "valid throughout")
    assert decode("f.csv", "ё".encode("utf-8-sig"))[1:] == ("utf-8", "byte order mark")
    assert decode("f.csv", "ё".encode("cp1251"), "cp1251")[1:] == ("cp1251", "given in the mapping")
    assert "best of" in decode("f.csv", RUSSIAN.encode("cp1251")).evidence


@pytest.mark.parametrize("declared", ["utf-8", "utf-16-le"])
def test_a_byte_order_mark_is_no_letter_though_the_declared_encoding_takes_it_for_one(declared):
    assert decode("f.csv", "\ufeffid;ы\n".encode(declared), declared).text == "id;ы\n"


# -- separators, headings, footers --------------------------------------------------------------


def test_titles_above_and_totals_below_are_set_aside_and_counted():
    text = (
        "Deals by owner;;\n;;\ndeal_id;status;amount\n1;won;10\n;;\n2;lost;20\nGrand Totals (2 records);;\n"
        "Confidential Information - Do Not Distribute\nCopyright (c) 2000-2025 the vendor\n"
    )
    raw = read_delimited("f.csv", text.encode())
    assert cells(raw) == {"deal_id": ["1", "2"], "status": ["won", "lost"], "amount": ["10", "20"]}
    assert raw.set_aside == {"blank row": 1, "totals or footer row": 3}
    assert raw.first_row == 4


def test_rows_with_too_few_or_too_many_cells_are_set_aside_and_shown():
    raw = read_delimited("f.csv", b"deal_id,status\n1,won\n2\n3,lost,x\n4,open,\n5,won\n")
    assert cells(raw) == {"deal_id": ["1", "5", "4"], "status": ["won", "won", "open"]}
    assert raw.set_aside == {"fewer cells than headings": 1, "more cells than headings": 1}
    assert [fact.detail for fact in raw.facts if fact.topic == "uneven row"] == ["2", "3,lost,x"]


@pytest.mark.parametrize("head", ["deal_id;status", "deal_id;status;"])
@pytest.mark.parametrize("tail", ["", ";"])
def test_a_last_separator_makes_no_column(head, tail):
    raw = read_delimited("f.csv", f"{head}\n1;won{tail}\n2;lost{tail}\n3;open{tail}\n".encode())
    assert cells(raw) == {"deal_id": ["1", "2", "3"], "status": ["won", "lost", "open"]}


def test_a_column_without_a_heading_stays_if_it_holds_something():
    raw = read_delimited("f.csv", b"deal_id,status,\n1,won,\n2,lost,see note\n")
    assert cells(raw)["column 3"] == [None, "see note"]


def test_a_table_of_one_column():
    raw = read_delimited("f.csv", "deal_id\n1\n\n\"2\nb\"\nИтого\n".encode())
    assert cells(raw) == {"deal_id": ["1", "2\nb"]}
    assert raw.set_aside == {"totals or footer row": 1}


def test_the_separator_is_the_one_that_cuts_out_the_headings():
    text = 'deal_id;status;stage\n1;won;"a,b\na,b\na,b\na,b\na,b"\n'
    raw = read_delimited("f.csv", text.encode())
    assert cells(raw)["stage"] == ["a,b\na,b\na,b\na,b\na,b"]


def test_a_line_that_tells_the_separator_to_a_spreadsheet_is_a_title():
    raw = read_delimited("f.csv", b"sep=;\ndeal_id;status\n1;won\n")
    assert cells(raw) == {"deal_id": ["1"], "status": ["won"]}


def test_text_of_a_megabyte_in_one_cell():
    long = "ы" * 1_500_000
    raw = read_delimited("f.csv", f'deal_id,status,loss_reason\n1,won,"{long}\n"\n2,won,x\n'.encode())
    assert [len(one) for one in cells(raw)["loss_reason"]] == [1_500_001, 1]


def test_headings_that_stand_twice_or_are_missing():
    assert name_columns(["Имя", " Имя ", None, "", "Имя"]) == ["Имя", "Имя#2", "column 3", "column 4", "Имя#3"]


def test_the_heading_row_is_the_one_with_most_known_headings():
    rows = [["Report", "Stage"], [], ["deal_id", "status", "Stage"], ["1", "won", "New"]]
    assert find_header(rows, (), "f.csv").at == 2
    assert find_header([["a", "b"], ["p", "q", "r"], ["1", "2", "3"]], ["q"], "f.csv").at == 1
    assert find_header([["title"], ["u", "v", "w"], ["1", "2", "3"]], (), "f.csv").at == 1


@pytest.mark.parametrize(
    ("row", "footer"),
    [
        (["Итого", "", "", "12"], True), (["Итого:", "", "", ""], True), (["Grand Total", "", "", ""], True),
        (["Tổng cộng", "", "", ""], True), (["© 2025", "", "", ""], True), (["** Total **", "", "", ""], True),
        (["Total", "won", "2025-01-01", "5"], False), (["Totality", "", "", ""], False),
        (["Итоговый", "", "", ""], False), (["17", "", "", ""], False), (["", "", "", ""], False),
    ],
)  # fmt: skip
def test_rows_of_totals(row, footer):
    assert is_footer(row, 4) is footer


def test_rows_that_are_no_data():
    assert why_set_aside([None, " ", "\xa0"], 3) == "blank row"
    assert why_set_aside(["#REF!", "#REF!"], 2) == "nothing but Excel errors"
    assert why_set_aside(["1", "#REF!"], 2) is None


# -- workbooks and pages ---------------------------------------------------------------------


def test_a_sheet_that_begins_with_empty_rows_and_columns():
    rows = [["", "", ""], ["", "", ""], ["", "deal_id", "status"], ["", "1", "won"], ["", "", ""]]
    raw = table_of_cells(rows, file="f.xlsx")
    assert cells(raw) == {"deal_id": ["1"], "status": ["won"]}
    assert raw.set_aside == {"blank row": 1}


def test_cells_keep_their_type():
    moment = datetime(2025, 3, 5, 14, 30)
    column = ["x", 7.0, moment, True, None, "#N/A"]
    raw = table_of_cells([["a", "b"], *([one, "-"] for one in column)], file="f.xlsx")
    one = raw.columns["a"]
    assert one.text.to_pylist() == ["x", None, None, "True", None, None]
    assert one.number.to_pylist() == [None, 7.0, None, None, None, None]
    assert one.moment.to_pylist() == [None, None, moment, None, None, None]
    assert text_of(one, "f.xlsx").to_pylist() == ["x", "7", "2025-03-05 14:30:00", "True", None, None]


def test_an_open_document_spreadsheet(tmp_path):
    rows = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>'
            for cell in row
        )
        + "</table:table-row>"
        for row in (["deal_id", "status", "created_at"], ["007", "won", "2025-01-15"])
    )
    kinds = " ".join(
        f'xmlns:{kind}="urn:oasis:names:tc:opendocument:xmlns:{kind}:1.0"'
        for kind in ("office", "table", "text")
    )
    content = (
        f"<office:document-content {kinds}><office:body><office:spreadsheet>"
        f'<table:table table:name="deals">{rows}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(tmp_path / "deals.ods", "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        file.writestr("META-INF/manifest.xml", "<manifest/>")
        file.writestr("content.xml", content)
    assert sd.load(tmp_path).deals.to_pandas()["deal_id"].tolist() == ["007"]


def test_the_innermost_largest_table_of_a_page_is_read():
    page = (
        "<html><table><tr><td><table><tr><td>menu</td></tr></table></td></tr><tr><td>"
        "<table><tr><th>deal_id<th>status</tr><tr><td>0012<td>won<br>twice</tr>"
        "<tr><td rowspan=2>7<td>&laquo;lost&raquo; &amp; gone</tr><tr><td>open</tr>"
        "<tr><td colspan=2>Total</td></tr></table></td></tr></table></html>"
    )
    raw = read_html("f.xls", page.encode())
    assert cells(raw) == {"deal_id": ["0012", "7", "7"], "status": ["won twice", "«lost» & gone", "open"]}
    assert raw.set_aside == {"totals or footer row": 1}


def test_the_charset_that_a_page_states_counts_unless_its_bytes_say_otherwise():
    page = '<html><meta charset="windows-1251"><table><tr><td>deal_id<tr><td>Юг</table></html>'
    for data in (page.encode("cp1251"), page.encode("utf-8-sig"), page.encode("utf-16")):
        assert cells(read_html("f.xls", data)) == {"deal_id": ["Юг"]}
    stale = page.replace("windows-1251", "utf-8").encode("cp1251")
    assert cells(read_html("f.xls", stale)) == {"deal_id": ["Юг"]}


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"PK;name\n1;x\n", "text"), (b"PK\x03\x04...xl/workbook.xml", "workbook"),
        (b"<none>;x\n", "text"), (b"\r\n <TABLE><tr>", "html"),
        ("<html><table>".encode("utf-16"), "html"), (b"PAR1..PAR1", "parquet"),
    ],
)  # fmt: skip
def test_what_a_file_is_stands_in_its_bytes(data, kind):
    assert kind_of("f.xls", data) == kind


def test_parquet_columns_of_every_kind():
    table = pa.table({
        "whole": pa.array([4_000_000_000_000_000_001, None]),
        "coded": pa.array(["a", None]).dictionary_encode(),
        "zoned": pa.array([datetime(2025, 7, 1, 12), None], pa.timestamp("ns", "UTC")),
        "nan": pa.array([float("nan"), 1.5]),
        "nested": pa.array([[1], None]),
        "bytes": pa.array(["Юг".encode(), None]),
        "image": pa.array([b"\xff\xfe", None]),
        "key": pa.array([Decimal(10**19 + 1), None], pa.decimal128(38, 0)),
    })  # fmt: skip
    raw = table_of_arrow("f.parquet", table, "Europe/Berlin")
    assert list(raw.columns) == ["whole", "coded", "zoned", "nan", "bytes", "key"]
    assert [fact.item for fact in raw.facts if fact.topic == "column not used"] == ["nested", "image"]
    assert cells(raw)["bytes"] == ["Юг", None]
    assert cells(raw)["key"] == ["10000000000000000001", None]
    assert cells(raw)["whole"] == ["4000000000000000001", None]
    assert cells(raw)["coded"] == ["a", None]
    assert raw.columns["zoned"].moment.to_pylist() == [datetime(2025, 7, 1, 14), None]
    assert raw.columns["nan"].number.to_pylist() == [None, 1.5]


# -- numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0), ("-5", -5), ("+5", 5), ("5-", -5), ("(5)", -5), ("−5", -5), ("- 5", -5),
        ("1 234,50", 1234.5), ("1\xa0234\xa0567,89", 1234567.89), ("1'234.50", 1234.5),
        ("1,234.50", 1234.5), ("1.234,50", 1234.5), ("1.234.567", 1234567), ("1,234,567", 1234567),
        ("12,5", 12.5), (",5", 0.5), ("5.", 5), ("0,125", 0.125), ("1234,567", 1234.567),
        ("50%", 0.5), ("12,5\xa0%", 0.125), ("1e3", 1000), ("1.5E-2", 0.015),
        ("$1,234.50", 1234.5), ("-$5.10", -5.1), ("$-5.10", -5.1), ("($5.10)", -5.1), ("$(5.10)", -5.1),
        ("1 234,50 ₽", 1234.5), ("1 234,50\xa0₽", 1234.5), ("1 234,50 руб.", 1234.5),
        ("15 рублей", 15), ("EUR 1.234,50", 1234.5), ("1.234,50 eur", 1234.5), ("R$ 12,50", 12.5),
        ("CHF 1'234.50", 1234.5), ("10.000.000 đ", 10_000_000), ("₫10.000.000", 10_000_000),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(text, value):
    assert numbers(text) == [pytest.approx(value)]


@pytest.mark.parametrize(
    "text", ["abc", "--5", "5 10", "12 34", "1.2.3", "1,23,4", "N-5", "+7 999 123 45 67", "0x10", "nan",
             "1e999", "5,1,", "12.05.2025", "abc 5", "(-5)", "5 000 00"],
)  # fmt: skip
def test_what_is_no_number_becomes_null_and_is_shown(text):
    read = read_numbers(column(text, "7"), "x")
    assert read.values.to_pylist() == [None, 7.0]
    assert read.unread.to_pylist() == [text]


@pytest.mark.parametrize("text", ["1,234", "1.234", "-1,234", "$1,234", "123,456"])
def test_one_group_of_three_digits_is_an_open_question(text):
    with pytest.raises(sd.InputError, match="can be"):
        numbers(text, "500")
    assert numbers(text, decimal_mark=".")[0] in (1234.0, -1234.0, 1.234, 123456.0)


def test_one_value_decides_for_its_column():
    assert numbers("1,234", "5,6") == [1.234, 5.6]
    assert numbers("1,234", "5.6") == [1234.0, 5.6]
    assert numbers("1.234", "1.234,5") == [1234.0, 1234.5]
    assert numbers("1,234", "1,234,567") == [1234.0, 1234567.0]
    assert read_numbers(column("1,234", "5,6"), "x").evidence == "comma ('5,6' leaves no other reading)"


def test_a_group_mark_stands_before_three_digits():
    assert numbers("1,23", "5.6", decimal_mark=".") == [None, 5.6]


def test_cells_that_are_numbers_stay_so_beside_text():
    mixed = RawColumn(pa.array([None, "1 234,5"]), pa.array([1.234, None]))
    assert read_numbers(mixed, "x").values.to_pylist() == [1.234, 1234.5]


def test_lengths_of_time_in_seconds():
    read = read_durations(column("0:20:40", "1:05", "2 days, 1:05:00", "185 s", "90", "", None, "long"))
    assert read.values.to_pylist() == [1240, 3900, 176_700, 185, 90, None, None, None]
    assert read.unread.to_pylist() == ["long"]


# -- times -------------------------------------------------------------------------------------

HALF_PAST = datetime(2026, 3, 5, 14, 30)
DAY = datetime(2026, 3, 5)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-05", DAY), ("2026-03-05 14:30", HALF_PAST), ("2026-03-05T14:30:00", HALF_PAST),
        ("2026-03-05T14:30:00Z", HALF_PAST), ("2026-03-05 14:30:00.000", HALF_PAST),
        ("2026-03-05T16:30:00+02:00", HALF_PAST), ("2026-03-05T11:00:00-0330", HALF_PAST),
        ("2026/03/05 14:30", HALF_PAST), ("20260305", DAY), ("20260305T14:30:00", HALF_PAST),
        ("05.03.2026", DAY), ("5.3.26", DAY), ("05.03.2026 14:30:00", HALF_PAST), ("05.03.2026, 14:30", HALF_PAST),
        ("05.03.2026 г.", DAY), ("14:30 05.03.2026", HALF_PAST),
        ("5 March 2026", DAY), ("5 Mar 2026 2:30 PM", HALF_PAST), ("March 5, 2026", DAY),
        ("Mar 5, 2026, 2:30\u202fPM", HALF_PAST), ("March 5, 2026 at 2:30 PM", HALF_PAST), ("05-Mar-26", DAY),
        ("Mar 5th, 2026", DAY), ("Thu, 05 Mar 2026 14:30:00 GMT", HALF_PAST), ("Thursday, March 5, 2026", DAY),
        ("5 марта 2026 г.", DAY), ("5 марта 2026 г., 14:30", HALF_PAST), ("5 марта 2026 г. в 14:30", HALF_PAST),
        ("5 мар. 2026", DAY), ("5 мар 2026 14:30", HALF_PAST), ("четверг, 5 марта 2026 г.", DAY),
        ("5 tháng 3, 2026", DAY), ("5 tháng 3 năm 2026", DAY), ("ngày 5 tháng 3 năm 2026", DAY),
        ("5 thg 3, 2026", DAY), ("05.03.2026 02:30 CH", HALF_PAST), ("Thứ Năm, 5 tháng 3, 2026", DAY),
        ("46086", DAY), ("46086.6041666667", HALF_PAST), ("46086,6041666667", HALF_PAST),
        ("1772721000", HALF_PAST), ("1772721000000", HALF_PAST),
    ],
)  # fmt: skip
def test_times_as_programs_write_them(text, moment):
    assert times(text) == [moment]


@pytest.mark.parametrize(
    "text", ["31.02.2026", "2026-13-01", "00.00.0000", "0000-00-00", "01.01.0001 0:00:00", "0001-01-01",
             "9999-12-31", "05.03.2026 25:00", "не закрыта", "12345", "13:05 PM", "5 Smarch 2026", "99"],
)  # fmt: skip
def test_what_is_no_time_becomes_null_and_is_shown(text):
    read = read_times(column(text, "2026-03-05"), "x")
    assert read.values.to_pylist() == [None, DAY]
    assert read.unread.to_pylist() == [text]


def test_twelve_o_clock():
    assert [one.hour for one in times("3/14/2026 12:05 AM", "3/14/2026 12:05 PM", "3/14/2026 1:05 p.m.")] == [0, 12, 13]
    assert [one.hour for one in times("14/3/2026 12:05 SA", "14/3/2026 12:05 CH")] == [0, 12]


def test_years_of_two_digits():
    assert [one.year for one in times("31.12.69", "31.12.70", "31.12.99", "31.12.00")] == [2069, 1970, 1999, 2000]
    assert times("26-03-05", order="ymd") == [DAY]


def test_the_order_of_day_and_month():
    assert times("05/03/2026", "25/03/2026")[0] == DAY
    assert times("03/05/2026", "03/25/2026")[0] == DAY
    assert times("03/05/2026", order="mdy") == [DAY]
    assert times("03/03/2026") == [datetime(2026, 3, 3)]
    with pytest.raises(sd.InputError, match="'02/08/2026' can be 02 August 2026 or 08 February 2026"):
        times("02/08/2026", "03/08/2026")
    with pytest.raises(sd.InputError, match="has the day first, '08/25/2026' the month"):
        times("25/08/2026", "08/25/2026")
    # a date that is none says nothing about the others
    assert times("13/25/2026", "25/03/2026") == [None, datetime(2026, 3, 25)]


def test_an_offset_is_carried_into_the_zone_of_the_department():
    berlin = {"zone": "Europe/Berlin"}
    assert times("2026-01-15T12:00:00Z", "2026-07-15T12:00:00Z", **berlin) == [
        datetime(2026, 1, 15, 13), datetime(2026, 7, 15, 14),
    ]  # fmt: skip
    # clocks went back at 3:00 on 26 October 2025: both of these are 2:30
    assert times("2025-10-26T00:30:00Z", "2025-10-26T01:30:00Z", **berlin) == [datetime(2025, 10, 26, 2, 30)] * 2


def test_clock_times_of_another_zone_are_moved_and_days_are_not():
    moved = times(
        "2026-01-15 12:00", "2026-07-15 12:00", "2026-07-15", "2026-07-15T12:00:00Z",
        source_zone="America/New_York", zone="Europe/Berlin",
    )  # fmt: skip
    assert moved == [
        datetime(2026, 1, 15, 18), datetime(2026, 7, 15, 18), datetime(2026, 7, 15), datetime(2026, 7, 15, 14),
    ]  # fmt: skip


def test_a_clock_time_that_daylight_saving_skips_is_read_all_the_same():
    # at 2:00 on 29 March 2026 clocks in Berlin went to 3:00
    assert times("2026-03-29 02:30", source_zone="Europe/Berlin", zone="UTC") == [datetime(2026, 3, 29, 1)]


# -- value maps --------------------------------------------------------------------------------


def test_values_are_mapped_whatever_their_case_and_blanks():
    values = {"Успех": "won", "": "open", "*": "lost"}
    given = pa.array(["успех", " УСПЕХ ", None, "  ", "отказ"])
    assert map_values(given, values).to_pylist() == ["won", "won", "open", "open", "lost"]
    assert map_values(pa.array(["x", "y"]), {"x": ""}).to_pylist() == [None, "y"]


def test_typed_cells_that_a_map_does_not_touch_keep_their_type():
    source = Source("s", "f.xlsx", decimal_mark=",")
    mixed = RawColumn(pa.array([None, "нет", None]), pa.array([1.234, None, 7.0]))
    read = read_typed(mixed, "number", "amount", "p", source=source, zone="UTC", values={"нет": "", "7": "8"})
    assert read.values.to_pylist() == [1.234, None, 8.0]
    moment = datetime(2026, 3, 5, 14, 30, 0, 250_000)
    mixed = RawColumn(pa.array([None, "не закрыта"]), None, pa.array([moment, None], pa.timestamp("us")))
    read = read_typed(mixed, "time", "closed_at", "p", source=source, zone="UTC", values={"Не закрыта": ""})
    assert read.values.to_pylist() == [moment, None]
    assert not read.facts


# -- whole tables ------------------------------------------------------------------------------


def folder_of(path, **files):
    for name, text in files.items():
        (path / f"{name.replace('__', '.')}").write_text(text, encoding="utf-8")
    return path


DEALS = "deal_id,status,created_at,closed_at,amount,currency\n"


def test_amounts_are_converted_at_the_last_rate_before_the_close(tmp_path):
    folder_of(
        tmp_path,
        deals__csv=DEALS
        + "a,won,2025-01-10,2025-02-10,100,EUR\n"
        + "b,won,2025-01-10,2025-02-10,100,usd\n"  # closed on 10 February: rate of 1 February
        + "c,open,2025-01-10,,100,USD\n"  # created on 10 January: rate of 1 January
        + "d,open,2024-12-10,,100,USD\n"  # before the first rate
        + "e,open,2025-01-10,,100,GBP\n"  # no rate at all
        + "f,open,2025-01-10,,100,\n",
        fx_rates__csv="currency,on,rate\nusd,2025-01-01,0.9\nUSD,2025-02-01,0.8\nUSD,2025-03-01,0.7\n",
        department__toml='currency = "EUR"\n',
    )
    department = sd.load(tmp_path)
    amounts = department.deals.to_pandas().set_index("deal_id")["amount"]
    assert [None if one is None else float(one) for one in amounts] == [100, 80, 90, None, None, 100]
    report = department.load_report.query("topic == 'currency converted'")
    assert report[["n_rows", "detail"]].to_numpy().tolist() == [
        [1, "GBP into EUR; 1 without a rate became null"],
        [3, "USD into EUR; 1 without a rate became null"],
    ]


def test_parquet_in_several_currencies_is_converted_too(tmp_path):
    table = pa.table({
        "deal_id": ["a", "b"], "status": ["won", "open"], "currency": ["EUR", "USD"],
        "created_at": [datetime(2025, 1, 10)] * 2, "amount": [100.0, 100.0],
    })  # fmt: skip
    pq.write_table(table, tmp_path / "deals.parquet")
    folder_of(tmp_path, fx_rates__csv="currency,on,rate\nUSD,2025-01-01,0.9\n")
    with pytest.raises(sd.InputError, match="the deals are in EUR, USD: name the department's currency"):
        sd.load(tmp_path)
    folder_of(tmp_path, department__toml='currency = "EUR"\n')
    assert sd.load(tmp_path).deals.to_pandas()["amount"].astype(float).tolist() == [100, 90]


def test_rows_without_a_key_are_no_lines_of_one_deal(tmp_path):
    folder_of(
        tmp_path,
        x__csv="id,status,made,sum\n1,won,2025-01-15,5\n1,won,2025-01-15,7\n,won,2025-01-15,1\n,won,2025-01-15,1\n",
        mapping__toml='[sources.x]\nfile = "x.csv"\n[tables.deals]\nsource = "x"\none_row_per = "deal_id"\n'
        'amounts = "per_line"\n[tables.deals.columns]\ndeal_id = "id"\nstatus = "status"\n'
        'created_at = "made"\namount = "sum"\n',
    )
    department = sd.load(tmp_path)
    assert department.deals.to_pandas()["amount"].astype(int).tolist() == [12]
    report = department.load_report.query("topic.str.startswith('rows')")
    assert report[["topic", "item", "n_rows"]].to_numpy().tolist() == [
        ["rows read", "", 4], ["rows used", "", 1],
        ["rows set aside", "joined into one row per deal_id", 1],
        ["rows set aside", "deal_id is missing or unknown", 2],
    ]  # fmt: skip


def test_constants_joins_expressions_and_rows_set_aside(tmp_path):
    folder_of(
        tmp_path,
        x__csv="id;sum;who\n1;5,50;10\n2;6,25;11\n3;0;\n4;1,00;12\n",
        who__csv="key;name\n10;Ann\n11;Bob\n;nobody\n;no one\n",
        mapping__toml='[department]\nas_of = 2025-12-31\n[sources.x]\nfile = "x.csv"\ndecimal_mark = ","\n'
        '[sources.who]\nfile = "who.csv"\n[tables.deals]\nsource = "x"\n'
        'constants = {status = "won", probability = 0.125, created_at = 2025-01-15}\n'
        'set_aside = [{where = "amount = 0", reason = "a test"}]\n'
        '[tables.deals.columns]\ndeal_id = "id"\namount = "sum"\n[tables.deals.extra]\nkey = "who"\n'
        '[tables.deals.derived]\nlist_amount = "amount * 2"\n'
        '[[tables.deals.joins]]\nsource = "who"\non = {key = "key"}\ncolumns = {rep_id = "name"}\n',
    )
    department = sd.load(tmp_path)
    deals = department.deals.to_pandas()
    assert deals["deal_id"].tolist() == ["1", "2", "4"]
    assert deals["rep_id"].fillna("-").tolist() == ["Ann", "Bob", "-"]
    assert deals["list_amount"].astype(float).tolist() == [11.0, 12.5, 2.0]
    assert deals["probability"].tolist() == [0.125] * 3
    assert deals["created_at"].tolist() == [datetime(2025, 1, 15)] * 3
    aside = department.load_report.query("table == 'deals' and topic == 'rows set aside'")
    assert aside[["item", "n_rows"]].to_numpy().tolist() == [["a test", 1]]


def test_repeated_keys_and_unknown_values_are_reported(tmp_path):
    folder_of(
        tmp_path,
        deals__csv="deal_id,status,created_at,rep_id\n1,won,2025-01-15,r1\n1,lost,2025-01-15,r1\n"
        "2,Won,2025-01-15,r9\n3,maybe,2025-01-15,r1\n",
        reps__csv="rep_id\nr1\n",
    )
    department = sd.load(tmp_path)
    assert department.deals.to_pandas()[["deal_id", "status"]].to_numpy().tolist() == [["1", "won"], ["2", "won"]]
    report = department.load_report.query("table == 'deals'").set_index("topic")
    assert report.loc["repeated key", "detail"] == "1 keys, such as 1"
    assert report.loc["unknown value", "detail"].startswith("'maybe' became null")
    assert report.loc["unknown rep_id", ["item", "n_rows"]].tolist() == ["r9", 1]
    assert report.loc["rows set aside", "n_rows"].tolist() == [1, 1]


def test_a_single_file_is_read_with_the_settings_beside_it(tmp_path):
    folder_of(tmp_path, deals__csv=DEALS + "a,won,2025-01-10,2025-02-10,1,EUR\n", leads__csv="broken")
    folder_of(tmp_path, department__toml="as_of = 2025-06-30\n")
    department = sd.load(tmp_path / "deals.csv")
    assert department.tables == ("deals",)
    assert str(department.as_of) == "2025-06-30"
    book = openpyxl.Workbook()
    book.active.append(["deal_id", "status"])
    book.active.append(["007", "won"])
    book.create_sheet("notes")
    book.active.title = "Deals"
    book.save(tmp_path / "deals.xlsx")
    assert sd.load(tmp_path / "deals.xlsx").deals.to_pandas()["deal_id"].tolist() == ["007"]
    (tmp_path / "deals.csv").unlink()
    (tmp_path / "leads.csv").unlink()
    assert sd.load(tmp_path).deals.count().execute() == 1  # the sheet named after the table


# -- settings ----------------------------------------------------------------------------------


def test_settings_of_the_mapping_come_before_those_beside_the_files(tmp_path):
    folder_of(
        tmp_path,
        x__csv="deal_id,status,created_at\n1,won,2025-01-15\n",
        department__toml='as_of = 2025-06-30\ncurrency = "EUR"\nname = "Beside"\n',
        mapping__toml='[department]\nname = "Own"\n[sources.x]\nfile = "x.csv"\n[tables.deals]\nsource = "x"\n'
        '[tables.deals.columns]\ndeal_id = "deal_id"\nstatus = "status"\ncreated_at = "created_at"\n',
    )
    department = sd.load(tmp_path)
    assert (department.name, department.currency, str(department.as_of)) == ("Own", "EUR", "2025-06-30")
    assert department.settings.as_of_source == "department.toml"


def test_settings_are_checked():
    made = settings_of({"currency": "eur", "working_days": ["sat", "sun"], "stages": ["A", "B"]}, "d.toml")
    assert made.currency == "EUR"
    assert made.calendar.working_days == ("sat", "sun")
    assert made.stages == ("A", "B")
    for wrong, said in (
        ({"curency": "EUR"}, "d.toml: unknown key 'curency'.*Did you mean 'currency'"),
        ({"fiscal_year_start": "April"}, "d.toml: fiscal_year_start must be int; got 'April'"),
        ({"fiscal_year_start": 13}, "d.toml: fiscal_year_start is a month from 1 to 12"),
        ({"fiscal_year_start": True}, "must be int"),
        ({"working_days": ["monday"]}, "d.toml: working_days is a list of mon"),
        ({"working_hours": ["18:00", "09:00"]}, "d.toml: working_hours"),
        ({"time_zone": "Berlin"}, "d.toml: time_zone must be an IANA name"),
        ({"as_of": "31.12.2025"}, "d.toml: as_of must be a day written as YYYY-MM-DD"),
    ):
        with pytest.raises(sd.MappingError, match=said):
            settings_of(wrong, "d.toml")


@pytest.mark.parametrize("word", [" x", "x ", "x\t", "\nx", "\xa0x", "Юг\u2003", "", "e\u0301", "\ufa2a"])
def test_parquet_that_needs_mending_is_not_read_in_place(tmp_path, word):
    table = pa.table({"deal_id": ["a", "b"], "status": ["won", "open"], "stage": ["Юг", word],
                      "created_at": [datetime(2025, 1, 10)] * 2})  # fmt: skip
    pq.write_table(table, tmp_path / "deals.parquet")
    department = sd.load(tmp_path)
    stage = department.deals.to_pandas()["stage"][1]
    assert (stage if isinstance(stage, str) else None) == (unicodedata.normalize("NFC", word).strip() or None)
    assert not department.load_report["detail"].str.contains("in place").any()
    assert not department.load_report["item"].str.contains("in place").any()
