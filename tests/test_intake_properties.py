"""What a table holds survives the way through a file; what a file holds is accounted for."""

from __future__ import annotations

import csv
import html
import io
import math
import tempfile
import unicodedata
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import salesdiag as sd
from salesdiag.intake.decode import decode
from salesdiag.intake.delimited import read_delimited
from salesdiag.intake.numbers import read_numbers
from salesdiag.intake.raw import RawColumn
from salesdiag.intake.times import read_times

COLUMNS = ["deal_id", "status", "created_at", "stage", "amount", "expected_close_on", "loss_reason"]
few = settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
some = settings(deadline=None, max_examples=70, suppress_health_check=list(HealthCheck))

# no control characters beside the line break; a workbook cannot hold them
LETTERS = st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co"), include_characters="\n")
TEXT = st.text(st.one_of(LETTERS, st.sampled_from(";,\t|\"'\n<&#-+ ЯяёễĐß№€")), max_size=12)
RUSSIAN = st.text(st.sampled_from('абвгеёжиклмнопрстуя ;,|"№«»-Д\n'), max_size=12)
TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)).map(
    lambda one: one.replace(second=0, microsecond=0)
)
CENTS = st.integers(-(10**12), 10**12).map(lambda one: Decimal(one) / 100)


FOLDER = {}


@pytest.fixture(scope="module", autouse=True)
def _folder(tmp_path_factory):
    FOLDER["now"] = tmp_path_factory.mktemp("files")


def lives(text=TEXT):
    """Rows of a deals table: status, created, stage, amount, expected close, reason."""
    life = st.tuples(
        st.sampled_from(["open", "won", "lost"]), TIMES, st.none() | text, st.none() | CENTS,
        st.none() | TIMES.map(datetime.date), st.none() | text,
    )  # fmt: skip
    return st.lists(life, min_size=1, max_size=8).map(
        lambda rows: [(f"{number:05d}", *row) for number, row in enumerate(rows)]
    )


def tidied(text, *, collapse=False):
    if text is None:
        return None
    text = unicodedata.normalize("NFC", " ".join(text.split()) if collapse else text).strip()
    return text or None


def load_bytes(data, name="deals.csv", options=""):
    """Load bytes as the deals of a folder."""
    # not removed before the end: Parquet is read where it lies
    place = Path(tempfile.mkdtemp(dir=FOLDER["now"]))
    (place / name).write_bytes(data)
    if options:
        picks = "".join(f'{one} = "{one}"\n' for one in COLUMNS)
        (place / "mapping.toml").write_text(
            f'[sources.deals]\nfile = "{name}"\n{options}\n[tables.deals]\nsource = "deals"\n'
            f"[tables.deals.columns]\n{picks}"
        )
    return sd.load(place, as_of="2090-12-31")


def check(department, rows, *, collapse=False):
    table = department.table("deals").to_pandas().sort_values("deal_id")
    assert len(table) == len(rows)
    # a column that no row fills may be gone; nothing else may
    got = table.reindex(columns=COLUMNS).astype(object)
    got = got.where(got.notna(), None).to_numpy().tolist()
    for mine, row in zip(got, rows, strict=True):
        deal_id, status, created, stage, amount, expected, reason = row
        assert mine[:2] == [deal_id, status]
        assert mine[2] == created
        assert mine[3] == tidied(stage, collapse=collapse)
        assert mine[4] == amount
        assert (mine[5] and mine[5].date()) == expected
        assert mine[6] == tidied(reason, collapse=collapse)
    accounted(department)


def accounted(department):
    """Rows read are rows used and rows set aside, and rows used are those in the table."""
    report = department.load_report
    mine = report[report["table"] == "deals"].groupby("topic")["n_rows"].sum()
    assert mine["rows read"] == mine["rows used"] + mine.get("rows set aside", 0)
    assert mine["rows used"] == department.table("deals").count().execute()
    return int(mine["rows read"])


def written(rows, mark=",", *, time=str, day=str, money=str, end="\r\n", quoting=csv.QUOTE_MINIMAL):
    page = io.StringIO(newline="")
    writer = csv.writer(page, delimiter=mark, lineterminator=end, quoting=quoting)
    writer.writerow(COLUMNS)
    for deal_id, status, created, stage, amount, expected, reason in rows:
        writer.writerow([
            deal_id, status, time(created), stage, "" if amount is None else money(amount),
            "" if expected is None else day(expected), reason,
        ])  # fmt: skip
    return page.getvalue()


# -- round trips -----------------------------------------------------------------------------


@few
@given(
    lives(),
    st.sampled_from(",;\t|"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_any_text_survives_any_separator_and_encoding(rows, mark, encoding, end, quoting):
    text = written(rows, mark, end=end, quoting=quoting)
    check(load_bytes(text.encode(encoding)), rows)


@few
@given(lives(RUSSIAN), st.sampled_from(",;\t|"), st.sampled_from(["cp1251", "koi8-r", "cp866"]))
def test_a_declared_encoding_is_taken_at_its_word(rows, mark, encoding):
    lacking = dict.fromkeys(map(ord, "«»№"))
    rows = [
        tuple(one.translate(lacking) if isinstance(one, str) else one for one in row)
        for row in rows
    ]
    data = written(rows, mark).encode(encoding)
    check(load_bytes(data, options=f'encoding = "{encoding}"'), rows)


@few
@given(
    lives(), st.sampled_from(",;\t|"), st.sampled_from(["dmy", "mdy"]),
    st.sampled_from([",", "."]), st.sampled_from(["-", "/", "."]),
)  # fmt: skip
def test_any_date_order_and_decimal_mark_that_is_stated(rows, mark, order, decimal, part):
    days = {"dmy": "%d{0}%m{0}%Y", "mdy": "%m{0}%d{0}%Y"}[order].format(part)
    text = written(
        rows, mark,
        time=lambda one: one.strftime(f"{days} %H:%M"), day=lambda one: one.strftime(days),
        money=lambda one: f"{one:.2f}".replace(".", decimal),
    )  # fmt: skip
    options = f'date_order = "{order}"\ndecimal_mark = "{decimal}"'
    check(load_bytes(text.encode(), options=options), rows)


@few
@given(lives())
def test_workbooks(rows):
    book = openpyxl.Workbook()
    book.active.append(COLUMNS)
    for row in rows:
        book.active.append([float(one) if isinstance(one, Decimal) else one for one in row])
        for cell in book.active[book.active.max_row]:
            if isinstance(cell.value, str):
                cell.data_type = "s"  # text that begins with = is no formula
    file = io.BytesIO()
    book.save(file)
    check(load_bytes(file.getvalue(), "deals.xlsx"), rows)


@few
@given(lives(), st.sampled_from(["utf-8", "windows-1251", "utf-16"]))
def test_html_tables(rows, encoding):
    lines = [COLUMNS, *([("" if one is None else one) for one in row] for row in rows)]
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(one))}</td>" for one in line) + "</tr>"
        for line in lines
    )
    page = f'<html><meta charset="{encoding}"><table>{body}</table></html>'
    data = page.encode(encoding, "xmlcharrefreplace")
    check(load_bytes(data, "deals.xls"), rows, collapse=True)


@few
@given(lives())
def test_parquet(rows):
    columns = zip(*rows, strict=True)
    kinds = [
        pa.string(), pa.string(), pa.timestamp("us"), pa.string(), pa.decimal128(18, 2),
        pa.date32(),
        pa.string(),
    ]  # fmt: skip
    arrays = [pa.array(one, kind) for one, kind in zip(columns, kinds, strict=True)]
    file = io.BytesIO()
    pq.write_table(pa.table(dict(zip(COLUMNS, arrays, strict=True))), file)
    check(load_bytes(file.getvalue(), "deals.parquet"), rows)


CELLS = st.text(st.one_of(LETTERS, st.sampled_from(";,\"\n\r \t'")), max_size=8)


@some
@given(st.integers(2, 5).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=12)
))  # fmt: skip
def test_the_fast_reader_agrees_with_the_csv_module(rows):
    # neither a blank row, nor one of totals, nor one of Excel errors
    rows = [[f"a{number}", *row] for number, row in enumerate(rows)]
    page = io.StringIO(newline="")
    csv.writer(page).writerows([[f"head {n}" for n in range(len(rows[0]))], *rows])
    text = page.getvalue()
    raw = read_delimited("x.csv", text.encode(), delimiter=",", header_row=1)
    assert raw.n_rows == len(rows)
    read = [raw.columns[f"head {n}"].text.to_pylist() for n in range(len(rows[0]))]
    expected = list(csv.reader(io.StringIO(text, newline="")))[1:]
    assert [[one or "" for one in row] for row in zip(*read, strict=True)] == expected


# -- deciders --------------------------------------------------------------------------------

DAYS = st.lists(st.dates(date(1971, 1, 1), date(2069, 12, 31)), min_size=1, max_size=15)
SHAPES = {"dmy": "%d/%m/%Y", "mdy": "%m/%d/%Y"}


def column(texts):
    return RawColumn(pa.array(texts, pa.string()))


@some
@given(DAYS, st.sampled_from(["dmy", "mdy"]))
def test_a_day_beyond_twelve_decides_the_order_and_without_one_both_readings_are_named(days, order):
    texts = [one.strftime(SHAPES[order]) for one in days]
    if any(one.day > 12 for one in days):
        read = read_times(column(texts), "x.csv, column 'day'")
        assert [one.date() for one in read.values.to_pylist()] == days
        assert read.evidence.startswith(order)
    elif any(one.day != one.month for one in days):
        with pytest.raises(sd.InputError, match=r"x\.csv, column 'day'.* can be .* or ") as error:
            read_times(column(texts), "x.csv, column 'day'")
        open_one = next(one for one in days if one.day != one.month)
        assert f"{open_one:%d %B %Y}" in str(error.value)
        assert f"{open_one.replace(month=open_one.day, day=open_one.month):%d %B %Y}" in str(
            error.value
        )
    else:
        read = read_times(column(texts), "x.csv, column 'day'")
        assert [one.date() for one in read.values.to_pylist()] == days


def grouped(value, mark, digits):
    text = f"{abs(value):,.{digits}f}".replace(",", "G").replace(".", mark)
    return "-" * (value < 0) + text.replace("G", "." if mark == "," else ",")


@some
@given(
    st.lists(st.integers(-(10**10), 10**10), min_size=1, max_size=10),
    st.sampled_from([".", ","]), st.integers(0, 3),
)  # fmt: skip
def test_the_decimal_mark_is_right_or_refused(whole, mark, digits):
    values = [Decimal(one).scaleb(-digits) for one in whole]
    texts = [grouped(one, mark, digits) for one in values]
    sizes = [len("".join(c for c in text if c.isdigit())) - digits for text in texts]
    decided = any(sign in "".join(texts) for sign in ".,") and (
        digits in (1, 2)
        or (digits == 3 and any(size > 3 or text.strip("-")[0] == "0"
                                for size, text in zip(sizes, texts, strict=True)))
        or (digits == 0 and any(size > 6 for size in sizes))
    )  # fmt: skip
    marked = any(sign in text for text in texts for sign in ".,")
    if marked and not decided:
        with pytest.raises(sd.InputError, match=r"can be .* or .*decimal_mark"):
            read_numbers(column(texts), "x.csv, column 'sum'")
    else:
        read = read_numbers(column(texts), "x.csv, column 'sum'").values.to_pylist()
        assert read == [float(one) for one in values]


# -- damage ----------------------------------------------------------------------------------

ROWS = [
    (f"{number:04d}", ("won", "lost", "open")[number % 3],
     datetime(2025, 1, 1 + number, 10, 30), 'Этап "А"; №1' if number % 2 else "B, c\nd",
     Decimal(100 * number + 1) / 4, date(2025, 2, 1 + number), "дорого")
    for number in range(20)
]  # fmt: skip


@lru_cache
def sound(kind):
    """Write the same small table as each kind of file."""
    if kind == "csv":
        return written(ROWS).encode()
    if kind == "html":
        lines = [COLUMNS, *ROWS]
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(str(one))}</td>" for one in line) + "</tr>"
            for line in lines
        )
        return f"<html><body><table>{body}</table></body></html>".encode()
    file = io.BytesIO()
    if kind == "xlsx":
        book = openpyxl.Workbook()
        for line in [COLUMNS, *ROWS]:
            book.active.append([float(one) if isinstance(one, Decimal) else one for one in line])
        book.save(file)
    else:
        arrays = [pa.array(one) for one in zip(*ROWS, strict=True)]
        pq.write_table(pa.table(dict(zip(COLUMNS, arrays, strict=True))), file)
    return file.getvalue()


def loaded_or_refused(data):
    """Give the department, or None where it was refused with one clear message."""
    try:
        department = load_bytes(data)
    except sd.SalesDiagError as error:
        message = str(error)
    else:
        message = ""
    if message:
        assert "deals" in message
        assert len(message) < 1000
        return None
    accounted(department)
    return department


@pytest.mark.parametrize("kind", ["csv", "html", "xlsx", "parquet"])
def test_the_sound_files_are_read_whole(kind):
    check(load_bytes(sound(kind)), ROWS, collapse=kind == "html")


@some
@given(st.integers(0, len(sound("csv"))))
def test_a_csv_cut_anywhere_is_refused_or_loses_only_what_was_cut_off(cut):
    data = sound("csv")[:cut]
    department = loaded_or_refused(data)
    if department is not None:
        whole = list(csv.reader(io.StringIO(data.decode(errors="ignore"), newline="")))
        n_whole = len(whole) - 1 if data.endswith(b"\r\n") else len(whole) - 2
        assert accounted(department) >= n_whole
        assert department.table("deals").count().execute() >= n_whole


@few
@given(st.sampled_from(["html", "xlsx", "parquet"]), st.floats(0, 0.999))
def test_other_files_cut_anywhere_are_refused(kind, part):
    data = sound(kind)
    department = loaded_or_refused(data[: math.floor(part * len(data))])
    assert department is None or (kind == "html" and accounted(department) == 20)


@settings(some, max_examples=120)
@given(
    st.sampled_from(["csv", "html", "xlsx", "parquet"]),
    st.lists(st.tuples(st.floats(0, 0.9999), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_flipped_bytes_are_refused_or_accounted_for(kind, flips):
    data = bytearray(sound(kind))
    for place, byte in flips:
        data[math.floor(place * len(data))] = byte
    loaded_or_refused(bytes(data))


@some
@given(st.one_of(
    st.binary(max_size=300),
    st.text(max_size=200).map(lambda one: one.encode("utf-8", "surrogatepass")),
    st.text(st.sampled_from("deal_id,status;\n\"'\twonlost\r\0<table>|=#1.2-é"), max_size=200).map(
        str.encode
    ),
    st.binary(max_size=100).map(lambda one: b"deal_id,status,created_at\n" + one),
    st.binary(max_size=100).map(lambda one: b"deal_id,status\n1,won\n" + one),
    st.sampled_from(
        [b"PK\x03\x04xl/", b"\xd0\xcf\x11\xe0", b"PAR1", b"<html><table>", b"%PDF"]
    ).flatmap(
        lambda start: st.binary(max_size=100).map(lambda one: start + one)
    ),
))  # fmt: skip
def test_any_bytes_are_refused_or_accounted_for(data):
    loaded_or_refused(data)


@some
@given(st.text(st.sampled_from("абвгдежзиклмнопрстуфхцчшщыьэюя"), min_size=4, max_size=10))
def test_a_russian_table_is_told_from_its_letters(word):
    assume(len(set(word)) > 2)
    headings = "Название,Сумма,Ответственный,Дата создания\n"
    text = headings + f"{word.capitalize()} сделка с клиентом,1,Иванов Пётр,2025-01-01\n"
    for encoding in ("cp1251", "koi8-r", "cp866"):
        assert decode("x.csv", text.encode(encoding)).text == text, encoding


@few
@given(
    DAYS.map(lambda days: [datetime(one.year, one.month, one.day) for one in days]),
    st.integers(0, 86_399),
)
def test_day_numbers_of_a_spreadsheet_give_the_second(days, seconds):
    moments = [one + timedelta(seconds=seconds) for one in days]
    numbers = [(one - datetime(1899, 12, 30)) / timedelta(days=1) for one in moments]
    read = read_times(RawColumn(pa.nulls(len(days), pa.string()), pa.array(numbers)), "x")
    assert read.values.to_pylist() == moments
