"""The readers of files one by one, on files that can be counted by eye."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from decimal import Decimal

import pyarrow as pa
import pytest
import xlsxwriter

import salesdiag as sd
from salesdiag.intake.cells import table_of_cells
from salesdiag.intake.decode import decode
from salesdiag.intake.delimited import read_delimited
from salesdiag.intake.html import read_html
from salesdiag.intake.mapping import Source
from salesdiag.intake.numbers import read_numbers
from salesdiag.intake.raw import RawColumn
from salesdiag.intake.rows import find_header, is_footer, name_columns, why_set_aside
from salesdiag.intake.sniff import kind_of
from salesdiag.intake.sources import table_of_arrow
from salesdiag.intake.times import read_times
from salesdiag.intake.typed import read_typed, text_of
from salesdiag.intake.workbook import read_sheet


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


@pytest.mark.parametrize(
    "encoding", ["cp1251", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"]
)
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
    text = "id;tên\n1;Trâ\u0300n Văn Minh\n2;Nguyê\u0303n Thị Hương\n3;Lê Văn\n".replace(
        "ị", "i\u0323"
    )
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
        "Deals by owner;;\n;;\ndeal_id;status;amount\n1;won;10\n;;\n2;lost;20\n"
        "Grand Totals (2 records);;\n"
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
    assert [fact.detail for fact in raw.facts if fact.topic == "uneven row"] == [
        "row 3 has 1 cells, 2 headings",
        "row 4 has 3 cells, 2 headings",
    ]
    assert not any("lost" in fact.detail for fact in raw.facts)


def test_rows_that_are_usually_wider_than_the_headings_are_refused():
    text = "deal_id,status,closed_at,amount\nD1,won,2025-03-01,1,200\nD2,won,2025-03-02,1,300\n"
    with pytest.raises(sd.InputError, match="row 2 has 5 cells, 4 headings; probably an unquoted"):
        read_delimited("f.csv", text.encode())
    one = "deal_id,status,amount\nD1,won,5,\nD2,won,1,200\nD3,won,7,\nD4,lost,8,\n"
    raw = read_delimited("f.csv", one.encode())
    assert cells(raw)["amount"] == ["5", "7", "8"]
    assert list(raw.columns) == ["deal_id", "status", "amount"]
    assert raw.set_aside == {"more cells than headings": 1}


@pytest.mark.parametrize(
    "head", ["deal_id;name;amount;status\n", "title\ndeal_id;name;amount;status\n"]
)
def test_a_stray_quotation_mark_that_swallows_whole_rows_is_refused(head):
    text = (
        head + '0;x;5;won\n1;"15 inch monitor;10;won\n2;abc;20;won\n3;def;25;won\n4;"ghi;30;won\n'
    )
    row = 3 + head.count("title")
    with pytest.raises(sd.InputError, match=f"a cell of row {row} holds whole rows"):
        read_delimited("f.csv", text.encode())


def test_text_of_several_lines_with_commas_is_no_swallowed_row():
    text = 'deal_id,status,note\n1,won,"Dear Ann, dear Bob, dear Eve,\nyes, no, perhaps"\n'
    assert cells(read_delimited("f.csv", text.encode()))["deal_id"] == ["1"]


@pytest.mark.parametrize("head", ["deal_id;status", "deal_id;status;"])
@pytest.mark.parametrize("tail", ["", ";"])
def test_a_last_separator_makes_no_column(head, tail):
    raw = read_delimited("f.csv", f"{head}\n1;won{tail}\n2;lost{tail}\n3;open{tail}\n".encode())
    assert cells(raw) == {"deal_id": ["1", "2", "3"], "status": ["won", "lost", "open"]}


def test_a_column_without_a_heading_stays_if_it_holds_something():
    raw = read_delimited("f.csv", b"deal_id,status,\n1,won,\n2,lost,see note\n")
    assert cells(raw)["column 3"] == [None, "see note"]


def test_a_table_of_one_column():
    raw = read_delimited("f.csv", 'deal_id\n1\n\n"2\nb"\nИтого\n'.encode())
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
    raw = read_delimited(
        "f.csv", f'deal_id,status,loss_reason\n1,won,"{long}\n"\n2,won,x\n'.encode()
    )
    assert [len(one) for one in cells(raw)["loss_reason"]] == [1_500_001, 1]


def test_headings_that_stand_twice_or_are_missing():
    assert name_columns(["Имя", " Имя ", None, "", "Имя"]) == [
        "Имя",
        "Имя#2",
        "column 3",
        "column 4",
        "Имя#3",
    ]


def test_a_made_up_heading_takes_no_name_that_stands_in_the_file():
    assert name_columns(["Note", "Note#2", "Note"]) == ["Note", "Note#2", "Note#3"]
    assert name_columns(["Note", "Note", "Note#2"]) == ["Note", "Note#2", "Note#2#2"]


def test_ids_that_begin_with_a_hash_stay_and_rows_of_errors_go():
    text = "deal_id;status\n#17;won\n#N/A;#REF!\n#18;lost\n#N/A;won\n"
    raw = read_delimited("f.csv", text.encode())
    assert cells(raw)["deal_id"] == ["#17", "#18", "#N/A"]
    assert raw.set_aside == {"nothing but Excel errors": 1}


def test_the_heading_row_is_the_one_with_most_known_headings():
    rows = [["Report", "Stage"], [], ["deal_id", "status", "Stage"], ["1", "won", "New"]]
    assert find_header(rows, (), "f.csv").at == 2
    assert find_header([["a", "b"], ["p", "q", "r"], ["1", "2", "3"]], ["q"], "f.csv").at == 1
    assert find_header([["title"], ["u", "v", "w"], ["1", "2", "3"]], (), "f.csv").at == 1


@pytest.mark.parametrize(
    ("row", "footer"),
    [
        (["Итого", "", "", "12"], True), (["Итого:", "", "", ""], True), (["Grand Total", "", "",
        ""], True),
        (["Tổng cộng", "", "", ""], True), (["© 2025", "", "", ""], True), (["** Total **", "",
        "", ""], True),
        (["Total Energies renewal", "", "", ""], False), (["Total 5", "", "", ""], True),
        (["Confidential - internal", "", "", ""], True), (["Total(2)", "", "", "5"], True),
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
    assert text_of(one, "f.xlsx").to_pylist() == [
        "x",
        "7",
        "2025-03-05 14:30:00",
        "True",
        None,
        None,
    ]


def test_an_open_document_spreadsheet(tmp_path):
    rows = "".join(
        "<table:table-row>"
        + "".join(
            '<table:table-cell office:value-type="string">'
            f"<text:p>{cell}</text:p></table:table-cell>"
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
    assert cells(raw) == {
        "deal_id": ["0012", "7", "7"],
        "status": ["won twice", "«lost» & gone", "open"],
    }
    assert raw.set_aside == {"totals or footer row": 1}


def test_a_span_that_is_no_number_is_one():
    page = '<table><tr><th colspan="²">deal_id<th>status</tr><tr><td>1<td>won</tr></table>'
    assert cells(read_html("f.xls", page.encode())) == {"deal_id": ["1"], "status": ["won"]}


def test_cells_of_errors_are_counted_by_column():
    raw = table_of_cells(
        [["deal_id", "stage"], ["1", "#N/A"], ["2", "New"], ["3", "#REF!"]], file="f.xlsx"
    )
    read = read_typed(
        raw.columns["stage"], "text", "stage", "p", source=Source("s", "f.xlsx"), zone="UTC"
    )
    assert read.values.to_pylist() == [None, "New", None]
    assert [(fact.topic, fact.n_rows) for fact in read.facts] == [("value not readable", 2)]


def test_errors_in_a_workbook_are_counted_by_column_and_row():
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file)
    book.add_worksheet("other").write_formula("A1", "=1/0", None, "#DIV/0!")
    page = book.add_worksheet("Сделки & Co")
    page.write_row(0, 0, ["deal_id", "status", "stage"])
    page.write_row(1, 0, ["1", "won"])
    page.write_formula(1, 2, "=NA()", None, "#N/A")
    for column in range(3):
        page.write_formula(2, column, "=1/0", None, "#DIV/0!")
    page.write_row(3, 0, ["3", "won", "New"])
    book.close()
    raw = read_sheet("f.xlsx", file.getvalue(), sheet="Сделки & Co")
    assert cells(raw) == {"deal_id": ["1", "3"], "status": ["won"] * 2, "stage": [None, "New"]}
    assert {name: one.n_errors for name, one in raw.columns.items()} == {
        "deal_id": 0, "status": 0, "stage": 1,
    }  # fmt: skip
    assert raw.set_aside == {"nothing but Excel errors": 1}


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
    assert [fact.item for fact in raw.facts if fact.topic == "column not used"] == [
        "nested",
        "image",
    ]
    assert cells(raw)["bytes"] == ["Юг", None]
    assert cells(raw)["key"] == ["10000000000000000001", None]
    assert cells(raw)["whole"] == ["4000000000000000001", None]
    assert cells(raw)["coded"] == ["a", None]
    assert raw.columns["zoned"].moment.to_pylist() == [datetime(2025, 7, 1, 14), None]
    assert raw.columns["nan"].number.to_pylist() == [None, 1.5]
