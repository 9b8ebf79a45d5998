"""The empty workbook: what a person sees in it, and that it loads once it is filled in."""

import datetime as dt
import os
import subprocess
import sys

import openpyxl
import pytest

import salesdiag as sd
from salesdiag.errors import InputError
from salesdiag.present.template import write_template
from salesdiag.present.template_examples import EXAMPLES
from salesdiag.schema import TABLES

LANGUAGES = ("en", "ru", "vi")
every_language = pytest.mark.parametrize("language", LANGUAGES)
DEALS = [
    {"deal_id": "007", "status": "won", "created_at": dt.datetime(2025, 1, 14, 9, 30),
     "closed_at": dt.datetime(2025, 2, 20), "rep_id": "R1", "amount": 9000, "list_amount": 10000,
     "source": "=1+1 is no sum", "probability": 1},
    {"deal_id": "008", "status": "open", "created_at": dt.datetime(2025, 3, 3), "rep_id": "R2",
     "amount": 2500.5},
    {"deal_id": "009", "status": "lost", "created_at": dt.datetime(2025, 1, 2),
     "closed_at": dt.datetime(2025, 1, 9), "rep_id": "R2", "loss_reason": "цена"},
]  # fmt: skip
REPS = [
    {"rep_id": "R1", "rep_name": "Nguyễn An", "team": "Bắc", "hired_on": dt.datetime(2022, 5, 2)},
    {"rep_id": "R2", "rep_name": "Иван", "team": "Юг"},
]


def filled(path, rows, keep=None):
    """Fill tables in from row 3 on, as a person would, and take out all sheets but ``keep``."""
    book = openpyxl.load_workbook(path)
    for name, own in rows.items():
        sheet = book[name]
        place = {cell.value: cell.column for cell in sheet[2]}
        for number, row in enumerate(own, start=3):
            for column, value in row.items():
                cell = sheet.cell(number, place[column], value)
                if isinstance(value, str):
                    cell.data_type = "s"
    for name in set(book.sheetnames) - (set(keep) if keep else set(book.sheetnames)):
        del book[name]
    book.save(path)
    return path


@pytest.fixture
def made(tmp_path, request):
    return write_template(tmp_path / "company.xlsx", language=request.param)


@pytest.mark.parametrize("made", LANGUAGES, indirect=True)
def test_what_is_filled_in_comes_back_from_load(made):
    department = sd.load(filled(made, {"deals": DEALS, "reps": REPS}))
    deals = department.fetch("deals").set_index("deal_id")
    assert list(deals.index) == ["007", "008", "009"]  # leading zeros are kept
    assert deals["status"].tolist() == ["won", "open", "lost"]
    assert deals["amount"].astype(float).tolist()[:2] == [9000, 2500.5]
    assert deals["amount"].isna().tolist() == [False, False, True]
    assert deals.loc["007", "created_at"] == dt.datetime(2025, 1, 14, 9, 30)
    assert deals.loc["007", "source"] == "=1+1 is no sum"
    assert deals.loc["009", "loss_reason"] == "цена"
    reps = department.fetch("reps").set_index("rep_id")
    assert reps["team"].tolist() == ["Bắc", "Юг"]
    assert reps.loc["R1", "rep_name"] == "Nguyễn An"


@pytest.mark.parametrize("made", ["ru"], indirect=True)
def test_nothing_but_what_was_filled_in_is_read(made):
    report = sd.load(filled(made, {"deals": DEALS, "reps": REPS})).load_report
    for topic in ("rows read", "rows used"):
        n_rows = report[report["topic"] == topic].set_index("table")["n_rows"]
        assert n_rows[n_rows > 0].to_dict() == {"deals": 3, "reps": 2}
    unused = report[report["topic"] == "sheet not used"]["item"].tolist()
    assert "прочти меня" in unused  # explanations and examples


@pytest.mark.parametrize("made", ["en"], indirect=True)
def test_sheets_that_stay_empty_are_no_tables_of_the_department(made):
    department = sd.load(filled(made, {"deals": DEALS}))
    assert department.tables == ("deals",)
    report = department.load_report
    assert "leads" in report[report["topic"] == "sheet not used"]["item"].tolist()


@pytest.mark.parametrize("made", ["vi"], indirect=True)
def test_sheets_that_stay_empty_may_be_deleted(made):
    department = sd.load(filled(made, {"deals": DEALS}, keep=["deals"]))
    assert department.deals.count().execute() == 3
    assert not department.has("targets")


@pytest.mark.parametrize("made", ["en"], indirect=True)
def test_an_unfilled_template_is_refused_with_the_reason(made):
    with pytest.raises(InputError, match=r"company\.xlsx holds no deal .* no rows"):
        sd.load(made)


@every_language
def test_every_table_has_a_sheet_with_its_columns_in_order(tmp_path, language):
    book = openpyxl.load_workbook(write_template(tmp_path / "t.xlsx", language=language))
    assert book.sheetnames[1:] == list(TABLES)
    for name, table in TABLES.items():
        assert tuple(cell.value for cell in book[name][2]) == table.names
        assert book[name].max_row == 2
        assert book[name].freeze_panes == "B3"


@every_language
def test_every_column_is_explained_in_a_note_and_in_the_first_sheet(tmp_path, language):
    book = openpyxl.load_workbook(write_template(tmp_path / "t.xlsx", language=language))
    first = book[book.sheetnames[0]]
    rows = [[cell.value for cell in row] for row in first.iter_rows()]
    told = {(row[0], row[2]): row for row in rows}
    for name, table in TABLES.items():
        for place, column in enumerate(table.columns, start=1):
            note = book[name].cell(1, place).comment
            row = told[name, column.name]
            assert note.text.startswith(row[3])
            assert row[1].startswith("* ") == column.required


@every_language
def test_cells_of_listed_values_offer_them_and_the_words_are_explained(tmp_path, language):
    book = openpyxl.load_workbook(write_template(tmp_path / "t.xlsx", language=language))
    for name, table in TABLES.items():
        rules = {str(rule.sqref).split(":")[0]: rule
                 for rule in book[name].data_validations.dataValidation}  # fmt: skip
        for place, column in enumerate(table.columns, start=1):
            if column.allowed:
                rule = rules[book[name].cell(3, place).coordinate]
                assert rule.formula1.strip('"').split(",") == list(column.allowed)
                note = book[name].cell(1, place).comment.text
                assert all(value in note for value in column.allowed)


def test_examples_cover_every_column_and_are_allowed():
    assert {name: tuple(own) for name, own in EXAMPLES.items()} == {
        name: table.names for name, table in TABLES.items()
    }
    for name, own in EXAMPLES.items():
        for column, pair in own.items():
            spec = TABLES[name].column(column)
            assert len(pair) == 2
            if spec.required:
                assert all(pair), (name, column)
            if spec.allowed:
                assert set(pair) - {""} <= set(spec.allowed), (name, column)


@pytest.mark.parametrize("name", list(TABLES))
def test_examples_would_load_if_they_were_rows(tmp_path, name):
    # as text, which is how a person might copy them
    path = write_template(tmp_path / "t.xlsx")
    rows = {
        table: [{column: pair[row] for column, pair in EXAMPLES[table].items() if pair[row]}
                for row in (0, 1)]
        for table in {"deals", name}
    }  # fmt: skip
    report = sd.load(filled(path, rows, keep=["deals", name])).load_report
    own = report[report["table"] == name]
    assert own[own["topic"].isin(["rows set aside", "unknown value", "value not readable"])].empty
    assert own[own["topic"] == "rows used"]["n_rows"].tolist() == [2]


@every_language
def test_the_same_language_gives_the_same_bytes(tmp_path, language):
    one, other = (write_template(tmp_path / f"{n}.xlsx", language=language) for n in "ab")
    assert one.read_bytes() == other.read_bytes()


def test_a_filled_workbook_is_never_overwritten(tmp_path):
    path = tmp_path / "t.xlsx"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="there already"):
        write_template(path)
    assert path.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("name", "language", "message"),
    [
        ("t.csv", "en", "a template is a workbook"),
        ("t.xlsx", "de", "language must be one of en, ru, vi; got 'de'"),
        ("no/such/folder/t.xlsx", "en", "cannot write"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path, name, language, message):
    with pytest.raises(InputError, match=message):
        write_template(tmp_path / name, language=language)
    assert not (tmp_path / name).exists()


def test_the_command_writes_the_file_and_says_where(tmp_path):
    path = tmp_path / "t.xlsx"
    run = "from salesdiag.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", run, "template", str(path), "--language", "vi"],
        capture_output=True, check=False, env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().strip() == str(path)
    assert openpyxl.load_workbook(path).sheetnames[0] == "đọc trước"
