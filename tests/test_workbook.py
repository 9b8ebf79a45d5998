"""The workbook: every table whole and typed, its numbers those of the tables, its text text."""

import datetime as dt
import io
import re
import zipfile
from dataclasses import replace
from decimal import Decimal
from functools import cache

import numpy as np
import openpyxl
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.diagnosis.finding import Finding, Scope
from salesdiag.present import labels
from salesdiag.present.definitions import definitions, documented, meanings
from salesdiag.present.findings import as_plain
from salesdiag.present.sheets import sheet_names
from salesdiag.present.workbook import write_workbook
from tests.cases import CASES
from tests.frames import sample_frames

HOSTILE = [
    '=HYPERLINK("http://127.0.0.1","x")', "+1", "-1", "@SUM(A1)", "=1+1", "\t=1", "12345", "1e5",
    "=cmd|' /C calc'!A0", 'DDE("cmd";"/C calc")', "http://127.0.0.1/x", "mailto:a@b.c",
    "internal:'contents'!A1", "2025-01-01", "TRUE", "a\nb", "<b>&amp;</b>", "_x0041_",
    "\u200f\u202eabc\u202c", "😀👩‍💼", "Ковальчук", "'quoted", "{=1}", "#REF!",
]  # fmt: skip
NAMES = ["[]:*?/\\", "history", "HISTORY", "contents", "Definitions", "", "'x'", "a" * 40,
         "A" * 35, "😀" * 20, "ок: Продажи / розница и опт, северо-запад",
         "x\x07y\ud800"]  # fmt: skip


@cache
def diagnosis():
    return sd.diagnose(sd.load("sample_data"))


@cache
def written(language="en"):
    return write(diagnosis(), language)


def write(of, language="en"):
    """Give the workbook of a diagnosis, read back."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = write_workbook(of, Path(folder) / "t.xlsx", language=language)
        return openpyxl.load_workbook(io.BytesIO(path.read_bytes()), rich_text=False)


def with_tables(**tables):
    return replace(diagnosis(), findings=(), tables={**tables})


def names_of(sheet):
    return [cell.value for cell in sheet[2]]


def read_back(sheet):
    """Give a sheet as a table under the names of Python."""
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=3)]
    return pd.DataFrame(rows, columns=names_of(sheet), dtype=object)


def known(value):
    """Give a value of a table as the workbook should hold it."""
    if value is None or str(value) in ("", "NaT", "nan", "<NA>"):
        return None
    if isinstance(value, float) and np.isinf(value):
        return "∞" if value > 0 else "−∞"
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value


def assert_holds(sheet, table):
    found = read_back(sheet)
    assert sorted(found.columns) == sorted(table.columns)
    assert len(found) == len(table)
    for column in table.columns:
        expected = [known(value) for value in table[column].tolist()]
        for value, other in zip(found[column], expected, strict=True):
            if isinstance(other, float | int) and not isinstance(other, bool):
                assert value == pytest.approx(other, rel=1e-8), column
            else:
                assert value == other, column


@pytest.mark.parametrize("name", list(diagnosis().tables))
def test_a_sheet_holds_its_table_whole(name):
    assert_holds(written()[sheet_names(diagnosis().tables)[name]], diagnosis().tables[name])


def test_the_sheet_of_findings_holds_what_the_json_holds():
    rows = read_back(written()["findings"]).to_dict("records")
    plain = as_plain(diagnosis())["findings"]
    assert len(rows) == len(plain) > 0
    pairs = {"measured": "measured", "expected": "expected", "n_cases": "n", "q_value": "q_value",
             "lost_amount": "money", "lost_amount_low": "money_low",
             "lost_amount_high": "money_high"}  # fmt: skip
    for row, one in zip(rows, plain, strict=True):
        assert {own: row[own] for own in pairs} == pytest.approx(
            {own: one[other] for own, other in pairs.items()}, rel=1e-6, abs=1e-6
        )
        texts = ("rank", "cause", "control", "grade", "reading", "caveat", "next_step")
        assert [row[name] for name in texts] == [one[name] for name in texts]
        assert (row["level"], row["id"], row["stage"]) == tuple(one["scope"].values())


def test_the_evidence_of_a_finding_is_whole():
    finding = diagnosis().findings[0]
    assert_holds(written()["finding 1 stage_leak"], finding.table)


def test_figures_of_the_ledger_add_up_in_the_workbook():
    sheet = read_back(written()["ledger"])
    parts = sheet[sheet["part"] != "gap"]["gap_amount"].sum()
    assert parts == pytest.approx(as_plain(diagnosis())["gap"]["gap"], abs=0.01)


@pytest.mark.parametrize("language", ["en", "ru", "vi"])
def test_headings_are_in_the_readers_language_above_the_names_in_python(language):
    sheet = written(language)["target_attainment_by_team"]
    for label, name in zip(sheet[1], sheet[2], strict=True):
        assert label.value == labels.label(name.value, language, table="target_attainment_by_team")
    assert {"team", "n_reps", "attainment_low"} <= set(names_of(sheet))


def test_codes_stay_codes_in_english_and_become_words_in_other_languages():
    controls = {
        language: set(read_back(written(language)["causes"])["control"])
        for language in ("en", "ru")
    }
    assert controls["en"] == {"direct", "indirect", "external"}
    assert "РОП (руководитель отдела продаж)" in controls["ru"]
    assert not controls["en"] & controls["ru"]


def test_names_of_the_crm_are_not_translated():
    for language in ("en", "ru", "vi"):
        teams = read_back(written(language)["win_rate_by_team"])["team"].tolist()
        assert teams == diagnosis().tables["win_rate_by_team"]["team"].tolist()


def test_the_sentences_of_a_finding_are_in_the_readers_language():
    row = read_back(written("ru")["findings"]).iloc[0]
    assert "North" in row["reading"]
    for name in ("reading", "caveat", "next_step"):
        assert re.search("[а-я]{4}", row[name])


def test_an_unknown_language_is_refused(tmp_path):
    with pytest.raises(sd.InputError, match="en, ru, vi"):
        write_workbook(diagnosis(), tmp_path / "t.xlsx", language="de")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(sd.InputError, match="nowhere"):
        write_workbook(diagnosis(), tmp_path / "nowhere" / "t.xlsx")


@pytest.mark.parametrize(
    ("column", "value", "number_format"),
    [
        ("win_rate", 0.25, "0.0%"),
        ("won_amount", 12.5, "#,##0.00"),
        ("n_won", 3, "#,##0"),
        ("median_days", 3.25, "0.0"),
        ("p_value", 0.012, "0.0000"),
        ("odds_ratio", 1.5, "0.00"),
        ("win_effect", 0.05, "+0.0%;-0.0%;0.0%"),
    ],
)
def test_the_name_of_a_column_gives_the_format_of_its_cells(column, value, number_format):
    sheet = write(with_tables(t=pd.DataFrame({column: [value, np.nan]})))["t"]
    cell = sheet["A3"]
    assert (cell.value, cell.data_type, cell.number_format) == (value, "n", number_format)
    assert sheet["A4"].value is None


@pytest.mark.parametrize(
    ("value", "number_format"),
    [(6158.0, "General"), (712.73, "#,##0"), (12.34, "0.0"), (1.41, "0.00"), (-0.7127, "0.000")],
)
def test_a_figure_without_a_unit_shows_three_figures_and_keeps_all(value, number_format):
    cell = write(with_tables(t=pd.DataFrame({"base_value": [value]})))["t"]["A3"]
    assert (cell.value, cell.number_format) == (value, number_format)


def test_the_figures_of_a_finding_are_written_in_the_unit_of_its_cause():
    sheet = written()["findings"]
    formats = dict(zip(names_of(sheet), (cell.number_format for cell in sheet[3]), strict=True))
    assert (formats["measured"], formats["expected"]) == ("0.0%", "0.0%")  # of a stage leak


def test_days_and_moments_are_dates_with_a_format():
    table = pd.DataFrame({
        "period_start": pd.to_datetime(["2025-03-01"]),
        "closed_at": pd.to_datetime(["2025-03-01 14:05"]),
        "whatever": [dt.date(2025, 3, 1)],
        "with_zone": pd.to_datetime(["2025-03-01 14:05"]).tz_localize("Europe/Berlin"),
    })  # fmt: skip
    row = write(with_tables(t=table))["t"][3]
    cells = dict(zip(table.columns, row, strict=True))
    assert all(cell.is_date for cell in cells.values())
    assert cells["period_start"].value == dt.datetime(2025, 3, 1)
    assert cells["period_start"].number_format == "yyyy-mm-dd"
    assert cells["closed_at"].value == dt.datetime(2025, 3, 1, 14, 5)
    assert cells["closed_at"].number_format == "yyyy-mm-dd hh:mm"
    assert cells["whatever"].value == dt.datetime(2025, 3, 1)
    assert cells["with_zone"].value == dt.datetime(2025, 3, 1, 14, 5)


def test_a_day_that_a_workbook_does_not_know_is_text():
    table = pd.DataFrame({"hired_on": [dt.date(1203, 1, 2), dt.date(2024, 1, 2)]}, dtype=object)
    sheet = write(with_tables(t=table))["t"]
    assert [sheet["A3"].value, sheet["A4"].value] == ["1203-01-02", dt.datetime(2024, 1, 2)]


def test_odd_values_are_written_as_what_they_are():
    values = [True, np.int64(5), Decimal("2.5"), np.float64(1.5), 2**60, [1, 2], pd.NA, None,
              float("inf"), -np.inf, np.float64("nan"), Decimal("NaN"), pd.Timedelta("1D"),
              ""]  # fmt: skip
    sheet = write(with_tables(t=pd.DataFrame({"x": pd.Series(values, dtype=object)})))["t"]
    found = [row[0].value for row in sheet.iter_rows(min_row=3)]
    found += [None] * (len(values) - len(found))
    assert found == [True, 5, 2.5, 1.5, str(2**60), "[1, 2]", None, None, "∞", "−∞", None, None,
                     "1 days 00:00:00", None]  # fmt: skip


def test_the_ends_of_an_interval_stand_behind_its_estimate():
    columns = ["team", "rate", "other", "rate_high", "x_low", "rate_low", "other_low", "n_low"]
    sheet = write(with_tables(t=pd.DataFrame({name: [0.5] for name in columns})))["t"]
    assert names_of(sheet) == ["team", "rate", "rate_low", "rate_high", "other", "other_low",
                               "x_low", "n_low"]  # fmt: skip


def test_what_stands_in_the_index_is_not_lost():
    table = pd.DataFrame({"n_won": [1, 2]}, index=pd.Index(["North", "South"], name="team"))
    two = pd.DataFrame({("n_won", 2024): [1], ("n_won", 2025): [2]}, index=["South"])
    book = write(with_tables(t=table, two=two))
    assert read_back(book["t"]).to_dict("list") == {"team": ["North", "South"], "n_won": [1, 2]}
    assert "South" in read_back(book["two"]).iloc[0].tolist()
    assert "n_won / 2025" in names_of(book["two"])


def test_two_columns_of_one_name_are_both_written():
    table = pd.DataFrame([[1, 2]], columns=["n_won", "n_won"])
    assert [cell.value for cell in write(with_tables(t=table))["t"][3]] == [1, 2]


def test_a_table_without_rows_or_columns_has_a_sheet():
    book = write(with_tables(none=pd.DataFrame(), few=pd.DataFrame(columns=["n_won"])))
    assert book["none"].max_row == 1
    assert names_of(book["few"]) == ["n_won"]


@cache
def hostile():
    """Put hostile text into cells, headings and names of tables, names, findings and reasons."""
    table = pd.DataFrame({"rep_name": HOSTILE, "n_won": HOSTILE, "hired_on": HOSTILE})
    odd = pd.DataFrame([[1.0] * len(HOSTILE)], columns=HOSTILE)
    nan = float("nan")
    finding = Finding(
        cause="stage_leak", scope=Scope("rep", HOSTILE[0], HOSTILE[1]), control="direct",
        grade="B", measured=0.1, expected=0.2, n=3, q_value=0.01, money=nan, money_low=nan,
        money_high=nan, money_basis="revenue", reading=HOSTILE[0], caveat=HOSTILE[3],
        next_step=HOSTILE[4], table=table,
    )  # fmt: skip
    tables = {"texts": table, "headings": odd, **dict.fromkeys(HOSTILE, odd)}
    return replace(
        diagnosis(), name=HOSTILE[0], currency=HOSTILE[1], findings=(finding,), tables=tables
    )


@cache
def hostile_book(language):
    return write(hostile(), language)


@pytest.mark.parametrize("language", ["en", "ru", "vi"])
def test_no_text_becomes_a_formula_a_link_or_a_number(language):
    book = hostile_book(language)
    texts = read_back(book["texts"])
    for column in texts.columns:
        assert texts[column].tolist() == HOSTILE
    for sheet in book:
        for row in sheet:
            for cell in row:
                assert cell.data_type != "f"
                if cell.hyperlink is not None:
                    assert sheet.title == "contents"
                    assert cell.hyperlink.target is None
                    assert cell.hyperlink.location.endswith("!A1")
    assert {cell.data_type for row in book["texts"].iter_rows() for cell in row} == {"s"}


def test_nothing_in_the_file_points_outside_it(tmp_path):
    path = write_workbook(hostile(), tmp_path / "t.xlsx")
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name).decode("utf-8") for name in file.namelist()}
    assert not [name for name in parts if "external" in name or "vba" in name]
    assert not [name for name, text in parts.items() if 'TargetMode="External"' in text]
    assert not [name for name, text in parts.items() if re.search(r"<f[ >]", text)]


def test_what_a_cell_cannot_hold_is_left_out_or_cut():
    long, wide = "x" * 40_000, "😀" * 20_000
    values = ["a\x00b\x07c\x1bd", "e\ud800f\ufffeg", "h\r\ni", long, wide]
    sheet = write(with_tables(t=pd.DataFrame({"rep_name": pd.Series(values, dtype=object)})))["t"]
    found = [row[0].value for row in sheet.iter_rows(min_row=3)]
    assert found[:3] == ["abcd", "efg", "h\ni"]
    assert found[3] == "x" * 32_766 + "…"
    assert found[4] == "😀" * 16_383 + "…"
    assert all(len(text.encode("utf-16-le")) // 2 <= 32_767 for text in found)


def test_any_name_of_a_table_becomes_a_name_of_a_sheet():
    table = pd.DataFrame({"n_won": [1]})
    book = write(with_tables(**dict.fromkeys(NAMES, table)))
    own = sheet_names(["findings", *NAMES, "not_examined"], ("contents", "definitions"))
    assert set(book.sheetnames) == {*own.values(), "contents", "definitions"}
    assert len({name.lower() for name in book.sheetnames}) == len(NAMES) + 4
    for name in book.sheetnames:
        assert 0 < len(name.encode("utf-16-le")) // 2 <= 31
        assert not re.search(r"[\[\]:*?/\\\x00-\x1f]", name)
        assert name.lower() != "history"
        assert not name.startswith("'")
        assert not name.endswith("'")


def test_the_contents_link_to_every_sheet():
    book = write(with_tables(**dict.fromkeys(NAMES, pd.DataFrame({"n_won": [1, 2]}))))
    links = [cell.hyperlink.location for cell in book["contents"]["A"] if cell.hyperlink]
    places = [link.removesuffix("!A1")[1:-1].replace("''", "'") for link in links]
    assert places == book.sheetnames[1:]


def test_the_contents_say_what_each_sheet_holds_and_how_many_rows():
    rows = {row[0]: row[1:] for row in written().worksheets[0].iter_rows(values_only=True)}
    assert rows["win_rate_by_rep_id"] == ("Win rate by rep", 29)
    assert rows["finding 1 stage_leak"][0] == "Evidence: Finding 1, Stage leak"
    assert rows["Sales department"][0] == "Nordwind Office"
    assert written().sheetnames[0] == "contents"


def test_headings_stay_in_sight_with_filters_over_all_rows():
    for sheet in written().worksheets[1:]:
        assert sheet.freeze_panes in ("A3", "B3")
        rows = sheet.max_row
        assert sheet.auto_filter.ref == f"A2:{sheet.cell(rows, sheet.max_column).coordinate}"
        assert sheet.print_title_rows == "$1:$2"


def test_columns_are_wide_enough_for_their_words_and_not_wider_than_a_page():
    sheet = written()["check"]
    widths = {names_of(sheet)[number]: sheet.column_dimensions[letter].width
              for number, letter in enumerate("ABCDEFGHI")}  # fmt: skip
    assert widths["effect"] <= 61
    assert widths["rule"] > 40
    assert all(width >= 8 for width in widths.values())
    assert sheet["I3"].alignment.wrap_text


def test_every_column_of_the_workbook_is_in_the_definitions():
    listed = set(read_back(written()["definitions"])["column"])
    for sheet in written().worksheets[1:-1]:
        assert set(names_of(sheet)) <= listed


def test_the_definitions_say_what_columns_mean():
    rows = read_back(written()["definitions"]).set_index("column")
    assert rows.loc["conversion_rate", "unit"] == "%"
    assert rows.loc["won_amount", "unit"] == "EUR"
    assert rows.loc["win_rate", "meaning"].startswith("n_won / n_deals")
    assert rows.loc["win_rate_low", "meaning"] == "lower end of the interval: Wilson interval"
    assert rows.loc["team", "meaning"] == "team"
    said = rows["meaning"].notna().mean()
    assert said > 0.95


def test_the_docstring_of_an_analysis_is_read_as_it_is_written():
    found = documented("win_rate")
    assert found["n_deals"] == "the denominator"
    assert found["n_lost"].startswith("its parts")
    assert found["won_amount"] == found["total_amount"]
    assert documented("no_such_analysis") == {}
    assert meanings("stage_conversion: Retail") == documented("stage_conversion")


@cache
def without_rows():
    frames = sample_frames()
    empty = {name: frame.iloc[:0] for name, frame in frames.items() if name != "stages"}
    return sd.Department(**empty, stages=frames["stages"], as_of="2025-12-31")


@pytest.mark.parametrize("analysis", list(CASES), ids=[one.__name__ for one in CASES])
def test_the_columns_of_every_analysis_are_defined(analysis):
    # an analysis gives the same columns of a department without rows: see the contracts
    table = analysis(without_rows(), by=CASES[analysis][1])
    meant = definitions({analysis.__name__: table}, language="en", currency="EUR")
    lacking = meant.loc[meant["meaning"] == "", "column"].tolist()
    assert len(lacking) <= 2, lacking


def test_the_same_diagnosis_gives_the_same_bytes(tmp_path):
    one = write_workbook(diagnosis(), tmp_path / "one.xlsx")
    two = write_workbook(diagnosis(), tmp_path / "two.xlsx")
    assert one.read_bytes() == two.read_bytes()
