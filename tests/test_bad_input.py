"""Bad input: one clear error that names the file, and nothing else."""

from __future__ import annotations

import gc
import io
import os
import re
import socket
import sqlite3
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.intake import extent
from salesdiag.intake.database import _checked

GOOD = "deal_id,status,created_at,amount\n1,won,2025-01-15,100.50\n2,open,2025-02-16,200.25\n"
MAPPING = """
[department]
as_of = 2025-12-31
[sources.crm]
file = "deals.csv"
[tables.deals]
source = "crm"
[tables.deals.columns]
deal_id = "deal_id"
status = "status"
created_at = "created_at"
amount = "amount"
"""


def refusal(folder, name="deals.csv", data=None, *, mapping=None, kind=sd.InputError):
    """Load a folder that holds one file; give the message of the error it must raise."""
    if data is not None:
        (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    if mapping is not None:
        (folder / "mapping.toml").write_text(mapping, encoding="utf-8")
    with pytest.raises(sd.SalesDiagError) as error:
        sd.load(folder)
    assert isinstance(error.value, kind)
    assert type(error.value).__module__ == "salesdiag.errors"
    message = str(error.value)
    assert "\n" not in message
    assert message.rstrip("?").endswith(".") or message.endswith("?")
    return message


def mapped(folder, change, *, kind=sd.MappingError, data=GOOD, more=""):
    """Refuse a mapping in which one piece of text is changed for another."""
    before, after = change
    assert before in MAPPING
    return refusal(folder, data=data, mapping=MAPPING.replace(before, after, 1) + more, kind=kind)


def workbook(*rows, sheet="deals"):
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_the_good_input_of_this_file_is_good(tmp_path):
    (tmp_path / "deals.csv").write_text(GOOD)
    assert sd.load(tmp_path).deals.count().execute() == 2
    (tmp_path / "mapping.toml").write_text(MAPPING)
    assert sd.load(tmp_path).deals.count().execute() == 2


# -- files that are no tables ----------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_an_unreadable_file(tmp_path):
    (tmp_path / "deals.csv").write_text(GOOD)
    (tmp_path / "deals.csv").chmod(0)
    assert "deals.csv cannot be read" in refusal(tmp_path)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that cannot be read")
def test_a_file_whose_reading_fails(tmp_path):
    (tmp_path / "deals.csv").symlink_to("/proc/self/mem")
    assert "deals.csv cannot be read" in refusal(tmp_path)


@pytest.mark.parametrize("data", [b"", b"  \n\t\r\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\0\0\0"])
def test_an_empty_file(tmp_path, data):
    assert "deals.csv is empty" in refusal(tmp_path, data=data)


@pytest.mark.parametrize(
    "data", [bytes(range(256)) * 4, b"deal_id,status\n1,w\0n\x01\x02\x03\n" * 9]
)
def test_binary_data(tmp_path, data):
    assert "deals.csv is not text: it holds binary data" in refusal(tmp_path, data=data)


@pytest.mark.parametrize(
    ("start", "what"),
    [(b"%PDF-1.7\n", "a PDF"), (b"\x89PNG\r\n", "a picture"), (b"\x1f\x8b\x08\0", "a gzip archive"),
     (b"SQLite format 3\0", "sqlite:///"), (b"7z\xbc\xaf\x27", "7-Zip")],
)  # fmt: skip
def test_files_of_other_kinds(tmp_path, start, what):
    message = refusal(tmp_path, data=start + b"x" * 500)
    assert "deals.csv is " in message
    assert what in message


def test_an_archive_without_a_workbook(tmp_path):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("deals.txt", GOOD)
    message = refusal(tmp_path, "deals.xlsx", file.getvalue())
    assert "deals.xlsx is an archive without a workbook" in message


@pytest.mark.parametrize("part", [0.2, 0.5, 0.99])
def test_a_workbook_cut_off(tmp_path, part):
    data = workbook(["deal_id", "status"], *([str(n), "won"] for n in range(500)))
    message = refusal(tmp_path, "deals.xlsx", data[: int(part * len(data))])
    assert "deals.xlsx" in message
    assert "cut off" in message or "without a workbook" in message


@pytest.mark.parametrize("part", [0.2, 0.5, 0.99])
def test_parquet_cut_off(tmp_path, part):
    file = io.BytesIO()
    pd.read_csv(io.StringIO(GOOD), dtype=str).to_parquet(file)
    data = file.getvalue()
    message = refusal(tmp_path, "deals.parquet", data[: int(part * len(data))])
    assert "deals.parquet" in message


def test_a_workbook_locked_by_a_password(tmp_path):
    # the head of an OLE container and the name of the stream that holds the encrypted workbook
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage".encode("utf-16-le")
    message = refusal(tmp_path, "deals.xlsx", data + bytes(500))
    assert "deals.xlsx is locked by a password: save a copy without one" in message


def test_a_sheet_without_cells(tmp_path):
    assert "deals.xlsx, sheet 'deals', is empty" in refusal(tmp_path, "deals.xlsx", workbook())


def test_a_page_without_a_table_and_one_that_was_cut(tmp_path):
    message = refusal(tmp_path, "deals.xls", "<html><body>Session expired</body></html>")
    assert "deals.xls is a page of markup without a table" in message
    message = refusal(tmp_path, "deals.xls", "<html><table><tr><td>deal_id<td>status<tr><td>1")
    assert "deals.xls ends inside its table" in message


def test_a_stray_cell_in_the_far_corner_of_a_sheet(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["deal_id", "status"])
    book.active.append(["1", "won"])
    book.active.cell(1_048_576, 16_384, "x")
    book.save(tmp_path / "deals.xlsx")
    message = refusal(tmp_path)
    assert "spans 1,048,576 rows and more than 95 columns: probably a stray cell" in message


def test_a_workbook_that_unpacks_to_more_than_fits(tmp_path, monkeypatch):
    monkeypatch.setattr(extent, "MOST_BYTES", 1000)
    data = workbook(["deal_id", "status"], ["1", "won"])
    assert "deals.xlsx unpacks to" in refusal(tmp_path, "deals.xlsx", data)
    monkeypatch.undo()
    monkeypatch.setattr(extent, "MOST_CELLS", 3)
    assert "spans 2 rows and" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("column", "inside", "outside"),
    [("CQ", ["A", "Z", "AA", "CQ", "BZ"], ["CR", "DA", "ZZ", "AAA", "XFD"]), ("Z", ["Z"], ["AA"]),
     ("AAA", ["ZZ", "AAA"], ["AAB", "XFD"])],
)  # fmt: skip
def test_columns_beyond_a_given_one(column, inside, outside):
    pattern = re.compile(extent._beyond(column).decode())
    assert not any(pattern.fullmatch(one) for one in inside)
    assert all(pattern.fullmatch(one) for one in outside)


# -- text that was cut or written badly --------------------------------------------------------


def test_a_quotation_mark_that_is_never_closed(tmp_path):
    data = 'deal_id,status,stage\n1,won,"a\n2,lost,b\n3,open,c\n'
    message = refusal(tmp_path, data=data)
    assert "deals.csv: a quotation mark that opens" in message
    assert "never closed" in message


def test_a_last_row_cut_in_its_middle(tmp_path):
    message = refusal(tmp_path, data="deal_id,status,stage\n1,won,a\n2,lost,b\n3,op")
    assert "deals.csv ends in the middle of row 4: it has 2 of 3 cells" in message


def test_a_file_cut_inside_a_letter(tmp_path):
    data = "deal_id,status,stage\n1,won,Договор\n".encode()
    assert "deals.csv ends in the middle of a letter" in refusal(tmp_path, data=data[:-2])


def test_a_few_damaged_letters_do_not_make_the_file_another_encoding(tmp_path):
    data = bytearray("deal_id,status,stage\n1,won,Договор\n2,won,Встреча\n".encode())
    data[-4] = 0xFF
    message = refusal(tmp_path, data=bytes(data))
    assert "deals.csv is UTF-8 with damaged letters (2, the first in line 3)" in message


def test_a_spreadsheet_in_xml(tmp_path):
    data = '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">'
    assert "deals.xls is a spreadsheet in XML" in refusal(tmp_path, "deals.xls", data)


def test_an_encoding_declared_wrongly(tmp_path):
    data = "deal_id,status,created_at,amount\n1,won,2025-01-15,1.5\nЮг,won,2025-01-15,1.5\n"
    change = ('file = "deals.csv"', 'file = "deals.csv"\nencoding = "utf-8"')
    message = mapped(tmp_path, change, kind=sd.InputError, data=data.encode("cp1251"))
    assert "deals.csv is not utf-8 as declared" in message
    change = ('file = "deals.csv"', 'file = "deals.csv"\nencoding = "cp-1251x"')
    message = mapped(tmp_path, change, kind=sd.InputError, data=data.encode("cp1251"))
    assert "deals.csv: 'cp-1251x' is no encoding" in message


# -- tables that lack something ----------------------------------------------------------------


def test_a_mandatory_column_that_is_missing(tmp_path):
    message = refusal(tmp_path, data="deal_id,state\n1,won\n2,open\n")
    assert "deals.csv: the mandatory column 'status' of table 'deals' is missing" in message
    assert "'deal_id', 'state'" in message
    assert "Did you mean 'state'?" in message


def test_a_table_with_headings_only_or_with_no_usable_row(tmp_path):
    assert "deals.csv holds no deal that can be used: it has no rows" in refusal(
        tmp_path, data="deal_id,status,created_at\n"
    )
    message = refusal(tmp_path, data="deal_id,status,created_at\n1,gewonnen,2025-01-01\n")
    assert "all its rows were set aside (1 status is missing or unknown)" in message


def test_a_folder_without_tables_and_one_without_deals(tmp_path):
    assert "holds no deals table" in refusal(tmp_path)
    assert "there is report.csv" in refusal(tmp_path, "report.csv", GOOD)


def test_two_files_for_one_table(tmp_path):
    (tmp_path / "deals.xlsx").write_bytes(workbook(["deal_id", "status"], ["1", "won"]))
    assert "holds both deals.csv and deals.xlsx: keep one" in refusal(tmp_path, data=GOOD)


def test_a_path_that_is_not_there(tmp_path):
    with pytest.raises(sd.InputError, match=r"there is no folder or file .*nowhere"):
        sd.load(tmp_path / "nowhere")


def test_a_single_file_that_is_not_named_after_the_deals(tmp_path):
    (tmp_path / "export.csv").write_text(GOOD)
    with pytest.raises(sd.InputError, match=r"export\.csv is not named after the deals table"):
        sd.load(tmp_path / "export.csv")
    (tmp_path / "export.xlsx").write_bytes(workbook(["deal_id", "status"], ["1", "won"], sheet="S"))
    with pytest.raises(sd.InputError, match=r"export\.xlsx has no sheet 'deals'; there is 'S'"):
        sd.load(tmp_path / "export.xlsx")


def test_a_single_file_that_the_mapping_does_not_read(tmp_path):
    (tmp_path / "other.csv").write_text(GOOD)
    (tmp_path / "how.toml").write_text(MAPPING)
    with pytest.raises(sd.MappingError, match=r"how\.toml reads deals\.csv, not other\.csv"):
        sd.load(tmp_path / "other.csv", mapping=tmp_path / "how.toml")


# -- values that leave a question open -----------------------------------------------------------


def test_dates_that_can_be_read_two_ways(tmp_path):
    data = "deal_id,status,created_at\n1,won,02/08/2026\n2,open,03/08/2026\n"
    message = refusal(tmp_path, data=data)
    assert (
        "deals.csv, column 'created_at': '02/08/2026' can be 02 August 2026 or 08 February"
        in message
    )
    assert "date_order" in message


def test_dates_that_contradict_each_other(tmp_path):
    data = "deal_id,status,created_at\n1,won,25/08/2026\n2,open,08/25/2026\n"
    message = refusal(tmp_path, data=data)
    assert "deals.csv, column 'created_at': '25/08/2026' has the day first, '08/25/2026'" in message


def test_numbers_that_can_be_read_two_ways(tmp_path):
    data = 'deal_id,status,created_at,amount\n1,won,2026-08-02,"1,234"\n2,open,2026-08-02,"5,678"\n'
    message = refusal(tmp_path, data=data)
    assert "deals.csv, column 'amount': '1,234' can be 1234 or 1.234" in message
    assert "decimal_mark" in message


@pytest.mark.parametrize(("one", "other"), [("1.234,50", "1,234.50"), ("1,234,567", "1,5")])
def test_numbers_that_contradict_each_other(tmp_path, one, other):
    data = (
        f'deal_id;status;created_at;amount\n1;won;2026-08-02;"{one}"\n2;open;2026-08-02;"{other}"\n'
    )
    message = refusal(tmp_path, data=data)
    assert "deals.csv, column 'amount': the values contradict each other" in message
    assert one in message
    assert other in message


def test_ids_that_a_spreadsheet_has_damaged(tmp_path):
    data = workbook(["deal_id", "status"], [4_000_000_000_000_000_001, "won"])
    message = refusal(tmp_path, "deals.xlsx", data)
    assert (
        "deals.xlsx, sheet 'deals', column 'deal_id': numbers such as 4000000000000000000"
        in message
    )
    assert "Export the column as text" in message


# -- mappings --------------------------------------------------------------------------------


def test_toml_that_is_none(tmp_path):
    message = refusal(tmp_path, data=GOOD, mapping="[tables\n", kind=sd.MappingError)
    assert "mapping.toml is not valid TOML" in message
    (tmp_path / "mapping.toml").unlink()
    (tmp_path / "department.toml").write_text("currency = EUR\n")
    assert "department.toml is not valid TOML" in refusal(tmp_path)


def test_toml_that_is_nested_without_end(tmp_path):
    message = refusal(tmp_path, data=GOOD, mapping=f"a = {'[' * 9999}{']' * 9999}\n")
    assert "mapping.toml is not valid TOML: it is nested too deeply" in message


@pytest.mark.parametrize("path", ["x" * 5000, "a\0b"])
def test_a_path_that_no_file_can_have(path):
    with pytest.raises(sd.InputError, match="there is no folder or file"):
        sd.load(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[tables.deals.columns]", "[tables.deals.colums]"), "unknown key 'colums'"),
        (('status = "status"', 'state = "status"'), "unknown key 'state'"),
        (
            ('source = "crm"', 'source = "csm"'),
            "'source' must name one of [sources] (crm); got 'csm'",
        ),
        (('amount = "amount"', 'amount = "Amuont"'), "deals.csv has no column 'Amuont' (mapped to"),
        (('status = "status"\n', ""), "the mandatory column 'status' is not mapped"),
        (("[sources.crm]", "[source.crm]"), "unknown key 'source'"),
        (('file = "deals.csv"', 'file = "deals.csv"\nsep = ";"'), "unknown key 'sep'"),
        (
            ('file = "deals.csv"', 'file = "deals.csv"\ndate_order = "dym"'),
            "date_order must be one of",
        ),
        (
            ('file = "deals.csv"', 'file = "deals.csv"\ntime_zone = "Mars/Base"'),
            "time_zone must be",
        ),
        (('file = "deals.csv"', 'sheet = "deals"'), "'file' is missing"),
        (('file = "deals.csv"', 'file = ""'), "'file' must name a file; got ''"),
        (('file = "deals.csv"', 'file = "a\\u0000b"'), "'file' must name a file"),
        (('amount = "amount"', 'amount = {column = "amount", type = "cash"}'), "type = one of"),
        (("as_of = 2025-12-31", 'as_of = "soon"'), "as_of must be a day"),
        (("as_of = 2025-12-31", "asof = 2025-12-31"), "unknown key 'asof'"),
        (
            ("as_of = 2025-12-31", 'as_of = 2025-12-31\npay_plan = {cap = "none"}'),
            "pay_plan.cap must be a number; got 'none'",
        ),
        (('source = "crm"', 'source = "crm"\nset_aside = [{ where = "1=1" }]'), "needs 'where'"),
        (('source = "crm"', 'source = "crm"\none_row_per = "deal_id"'), "go together"),
        (('source = "crm"', 'source = "crm"\nconstants = {pipeline = ["a"]}'), "must be one value"),
        (
            ('source = "crm"', 'source = "crm"\nconstants = {closed_at = "soon"}'),
            "'soon' cannot be",
        ),
        (
            ('source = "crm"', 'source = "crm"\none_row_per = [["x"]]\namounts = "per_line"'),
            "unknown",
        ),
    ],
)
def test_a_mapping_that_does_not_fit(tmp_path, change, said):
    assert said in mapped(tmp_path, change)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('file = "deals.csv"', 'file = "dels.csv"'), "there is no file"),
        (('file = "deals.csv"', 'file = "."'), "is a folder"),
        (('file = "deals.csv"', f'file = "{"x" * 5000}"'), "cannot be read: File name too long"),
        (
            ('file = "deals.csv"', 'file = "deals.csv"\nheader_row = 9'),
            "header_row = 9, but the file has 3",
        ),
        (('file = "deals.csv"', 'file = "deals.csv"\nheader_row = 0'), "header_row = 0"),
        (('file = "deals.csv"', 'file = "deals.csv"\ndelimiter = "ab"'), "one plain character"),
        (('file = "deals.csv"', 'file = "deals.csv"\ndelimiter = \'"\''), "one plain character"),
        (('file = "deals.csv"', 'file = "deals.csv"\ndelimiter = "¦"'), "one plain character"),
    ],
)
def test_a_source_that_does_not_fit(tmp_path, change, said):
    message = mapped(tmp_path, change, kind=sd.InputError)
    assert said in message


def test_a_table_that_is_none(tmp_path):
    more = '[tables.deels]\nsource = "crm"\n'
    message = mapped(tmp_path, ("[department]", "[department]"), more=more)
    assert "tables.deels: no such table" in message
    assert "Did you mean 'deals'?" in message


def test_a_sheet_that_is_missing_or_not_named(tmp_path):
    (tmp_path / "deals.xlsx").write_bytes(
        workbook(["deal_id", "status"], ["1", "won"], sheet="Лист1")
    )
    change = ('file = "deals.csv"', 'file = "deals.xlsx"\nsheet = "Сделки"')
    message = mapped(tmp_path, change, kind=sd.InputError)
    assert "deals.xlsx has no sheet 'Сделки'; it has 'Лист1'" in message
    book = openpyxl.Workbook()
    book.create_sheet("Second")
    book.save(tmp_path / "deals.xlsx")
    (tmp_path / "deals.csv").unlink()
    (tmp_path / "mapping.toml").unlink()
    assert "deals.xlsx has 2 sheets ('Sheet', 'Second')" in refusal(tmp_path)


def test_a_join_that_is_not_unique(tmp_path):
    (tmp_path / "who.csv").write_text("deal,rep\n1,Ann\n1,Bob\n")
    more = (
        '[sources.who]\nfile = "who.csv"\n[[tables.deals.joins]]\nsource = "who"\n'
        'on = {deal_id = "deal"}\ncolumns = {rep_id = "rep"}\n'
    )
    message = mapped(tmp_path, ("[department]", "[department]"), more=more)
    assert "the join with 'who' is not unique: '1' stands in several of its rows" in message


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("no_such_column + 1", "no_such_column"),
        ("amount +", "derived.stage: the expression cannot be computed"),
        ("(SELECT content FROM read_text('/etc/hostname'))", "derived.stage"),
        ("(SELECT count(*) FROM '/etc/passwd')", "derived.stage"),
        ("(SELECT * FROM read_csv('deals.csv'))", "derived.stage"),
        ("(SELECT count(*) FROM table)", "derived.stage"),
        ("(SELECT count(*) FROM lookups)", "derived.stage"),
        ("1 AS a FROM t0; COPY t0 TO 'stolen.csv'; SELECT 2", "derived.stage"),
        ("getenv('HOME')", "derived.stage"),
    ],
)  # fmt: skip
def test_sql_that_fails_or_reaches_outside(tmp_path, monkeypatch, expression, said):
    monkeypatch.chdir(tmp_path)
    message = mapped(
        tmp_path, ("[department]", "[department]"),
        more=f'[tables.deals.derived]\nstage = "{expression}"\n',
    )  # fmt: skip
    assert said in message
    assert "mapping, tables.deals" in message
    assert not (tmp_path / "stolen.csv").exists()


def test_sql_that_gives_another_type(tmp_path):
    more = "[tables.deals.derived]\nclosed_at = \"'not a time'\"\n"
    message = mapped(tmp_path, ("[department]", "[department]"), more=more)
    assert "deals.closed_at must be of type time" in message


# -- databases -------------------------------------------------------------------------------


def refused_url(url):
    with pytest.raises(sd.SalesDiagError) as error:
        sd.load(url)
    assert type(error.value) is sd.InputError
    return str(error.value)


def test_a_database_that_is_not_there():
    assert "there is no database /nowhere.db (duckdb:///nowhere.db)" in refused_url(
        "duckdb:///nowhere.db"
    )
    assert "there is no database" in refused_url("sqlite:///nowhere.db")


@pytest.mark.parametrize("password", ["hunter2", "hun@ter2", "hun/te?r2", "hunter2%40:x"])
def test_a_server_that_does_not_answer_and_a_password_that_stays_secret(password):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    message = refused_url(f"postgres://ann:{password}@127.0.0.1:{port}/crm?password=hunter2")
    assert f"postgres://ann:***@127.0.0.1:{port}/crm" in message
    assert "unter2" not in message
    assert "te?r2" not in message
    assert "ter2" not in message


def test_a_url_with_one_slash_keeps_its_secret():
    message = refused_url("postgres:/ann:secret@host/crm")
    assert "postgres:/ann:***@host/crm is neither a path nor the URL of a database" in message
    assert "secret" not in message


def test_faults_of_programs_are_not_taken_for_wrong_passwords():
    def broken():
        raise AttributeError("no such attribute")

    with pytest.raises(AttributeError):
        _checked(broken, "postgres://host/crm")


def test_a_kind_of_database_that_is_unknown():
    message = refused_url("postgrse://ann:secret@host/crm")
    assert "no such kind of database" in message
    assert "Did you mean 'postgres'?" in message
    assert "secret" not in message


def test_a_database_that_is_none_or_lacks_the_deals(tmp_path):
    (tmp_path / "x.duckdb").write_text(GOOD)
    assert "x.duckdb" in refused_url(f"duckdb://{tmp_path}/x.duckdb")
    connection = sqlite3.connect(tmp_path / "x.db")
    connection.execute("CREATE TABLE people (name TEXT)")
    connection.close()
    assert "has no table 'deals'; it has people" in refused_url(f"sqlite://{tmp_path}/x.db")
    gc.collect()  # a connection left open would warn here


def test_a_database_that_is_refused_is_let_go(tmp_path, monkeypatch):
    connection = sqlite3.connect(tmp_path / "x.db")
    connection.execute("CREATE TABLE people (name TEXT)")
    connection.close()
    let_go = []
    monkeypatch.setattr(
        "ibis.backends.sqlite.Backend.disconnect", lambda backend: let_go.append(backend.con)
    )
    refused_url(f"sqlite://{tmp_path}/x.db")
    assert len(let_go) == 1
    let_go[0].close()
