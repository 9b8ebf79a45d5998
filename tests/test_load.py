"""Folders of a few rows, counted by eye, from the files to the tables and the report."""

from __future__ import annotations

import unicodedata
from datetime import datetime

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import salesdiag as sd
from salesdiag.intake.numbers import read_numbers
from salesdiag.intake.raw import RawColumn
from salesdiag.intake.settings import settings_of
from salesdiag.intake.times import read_times


def column(*texts):
    return RawColumn(pa.array(texts, pa.string()))


def numbers(*texts, **options):
    return read_numbers(column(*texts), "f.csv, column 'x'", **options).values.to_pylist()


def times(*texts, **options):
    return read_times(column(*texts), "f.csv, column 'x'", **options).values.to_pylist()


def cells(raw):
    return {name: one.text.to_pylist() for name, one in raw.columns.items()}


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
    assert [None if one is None else float(one) for one in amounts] == [
        100,
        80,
        90,
        None,
        None,
        100,
    ]
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
    with pytest.raises(
        sd.InputError, match="the deals are in EUR, USD: name the department's currency"
    ):
        sd.load(tmp_path)
    folder_of(tmp_path, department__toml='currency = "EUR"\n')
    assert sd.load(tmp_path).deals.to_pandas()["amount"].astype(float).tolist() == [100, 90]


def test_rows_without_a_key_are_no_lines_of_one_deal(tmp_path):
    folder_of(
        tmp_path,
        x__csv="id,status,made,sum\n1,won,2025-01-15,5\n1,won,2025-01-15,7\n,won,2025-01-15,1\n,won,2025-01-15,1\n",
        mapping__toml='[sources.x]\nfile = "x.csv"\n[tables.deals]\nsource = "x"\n'
        'one_row_per = "deal_id"\n'
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
        mapping__toml="[department]\nas_of = 2025-12-31\n"
        '[sources.x]\nfile = "x.csv"\ndecimal_mark = ","\n'
        '[sources.who]\nfile = "who.csv"\n[tables.deals]\nsource = "x"\n'
        'constants = {status = "won", probability = 0.125, created_at = 2025-01-15}\n'
        'set_aside = [{where = "amount = 0", reason = "a test"}]\n'
        '[tables.deals.columns]\ndeal_id = "id"\namount = "sum"\n'
        '[tables.deals.extra]\nkey = "who"\n'
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
    assert department.deals.to_pandas()[["deal_id", "status"]].to_numpy().tolist() == [
        ["1", "won"],
        ["2", "won"],
    ]
    report = department.load_report.query("table == 'deals'").set_index("topic")
    assert report.loc["repeated key", "detail"] == "1 keys, such as 1"
    assert report.loc["unknown value", "detail"].startswith("'maybe' became null")
    assert report.loc["unknown rep_id", ["item", "n_rows"]].tolist() == ["r9", 1]
    assert report.loc["rows set aside", "n_rows"].tolist() == [1, 1]


def test_a_single_file_is_read_with_the_settings_beside_it(tmp_path):
    folder_of(
        tmp_path, deals__csv=DEALS + "a,won,2025-01-10,2025-02-10,1,EUR\n", leads__csv="broken"
    )
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
        mapping__toml='[department]\nname = "Own"\n'
        '[sources.x]\nfile = "x.csv"\n[tables.deals]\nsource = "x"\n'
        '[tables.deals.columns]\ndeal_id = "deal_id"\nstatus = "status"\n'
        'created_at = "created_at"\n',
    )
    department = sd.load(tmp_path)
    assert (department.name, department.currency, str(department.as_of)) == (
        "Own",
        "EUR",
        "2025-06-30",
    )
    assert department.settings.as_of_source == "department.toml"


def test_settings_are_checked():
    made = settings_of(
        {"currency": "eur", "working_days": ["sat", "sun"], "stages": ["A", "B"]}, "d.toml"
    )
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


@pytest.mark.parametrize(
    "word", [" x", "x ", "x\t", "\nx", "\xa0x", "Юг\u2003", "", "e\u0301", "\ufa2a"]
)
def test_parquet_that_needs_mending_is_not_read_in_place(tmp_path, word):
    table = pa.table({"deal_id": ["a", "b"], "status": ["won", "open"], "stage": ["Юг", word],
                      "created_at": [datetime(2025, 1, 10)] * 2})  # fmt: skip
    pq.write_table(table, tmp_path / "deals.parquet")
    department = sd.load(tmp_path)
    stage = department.deals.to_pandas()["stage"][1]
    assert (stage if isinstance(stage, str) else None) == (
        unicodedata.normalize("NFC", word).strip() or None
    )
    assert not department.load_report["detail"].str.contains("in place").any()
    assert not department.load_report["item"].str.contains("in place").any()


@pytest.mark.parametrize("name", ["q[1]", "q*", "q?"])
def test_a_path_is_no_pattern(tmp_path, name):
    for folder, ids in ((name, ["a", "b"]), ("q1", ["x"]), ("qq", ["y"])):
        (tmp_path / folder).mkdir()
        table = pa.table({"deal_id": ids, "status": ["won"] * len(ids),
                          "created_at": [datetime(2025, 1, 10)] * len(ids)})  # fmt: skip
        pq.write_table(table, tmp_path / folder / "deals.parquet")
    department = sd.load(tmp_path / name)
    assert department.load_report["detail"].eq("Parquet, read in place").any() or (
        department.load_report["item"].eq("Parquet, read in place").any()
    )
    assert sorted(department.deals.to_pandas()["deal_id"]) == ["a", "b"]


JOIN = (
    '[sources.x]\nfile = "x.csv"\n[sources.who]\nfile = "who.csv"\n[tables.deals]\n'
    'source = "x"\n[tables.deals.columns]\ndeal_id = "id"\nstatus = "status"\n'
    '[tables.deals.extra]\nkey = {column = "who", type = "number"}\n'
    '[[tables.deals.joins]]\nsource = "who"\non = {key = "key"}\ncolumns = {rep_id = "name"}\n'
)


def test_a_join_by_a_number_counts_what_it_finds(tmp_path):
    folder_of(
        tmp_path,
        x__csv="id,status,who\n1,won,12\n2,won,12.5\n3,open,13\n4,open,\n5,open,14\n",
        who__csv="key,name\n12,Ann\n12.5,Bob\n",
        mapping__toml="[department]\nas_of = 2025-12-31\n" + JOIN,
    )
    department = sd.load(tmp_path)
    assert department.deals.to_pandas()["rep_id"].fillna("-").tolist() == [
        "Ann", "Bob", "-", "-", "-",
    ]  # fmt: skip
    fact = department.load_report.query("topic == 'join'")
    assert fact[["item", "n_rows", "detail"]].to_numpy().tolist() == [
        ["who", 2, "rows matched; 2 rows unmatched, such as '13'; '14'; 1 rows without a key"]
    ]


def test_a_join_that_matches_nothing_is_refused(tmp_path):
    folder_of(
        tmp_path,
        x__csv="id,status,who\n1,won,12\n2,won,13\n",
        who__csv="key,name\nr12,Ann\n",
        mapping__toml=JOIN,
    )
    with pytest.raises(sd.MappingError, match=r"join with 'who' matches no row at all.*'12'; '13'"):
        sd.load(tmp_path)


def test_rows_of_products_are_refused_without_a_mapping_too(tmp_path):
    folder_of(tmp_path, deals__csv=DEALS + "a,won,2025-01-10,2025-02-10,1,EUR\n"
              "a,won,2025-01-10,2025-02-10,2,EUR\nb,open,2025-01-10,,3,EUR\n")  # fmt: skip
    with pytest.raises(sd.InputError, match="1 deals stand in several rows with different amounts"):
        sd.load(tmp_path)


def test_a_file_of_duckdb_from_end_to_end(tmp_path):
    path = tmp_path / "crm.duckdb"
    with duckdb.connect(path) as engine:
        engine.execute(
            "CREATE TABLE Deals AS SELECT * FROM (VALUES "
            "('1', 'won', TIMESTAMP '2025-01-10', TIMESTAMP '2025-02-10', 5.0), "
            "('2', 'lost', TIMESTAMP '2025-01-10', TIMESTAMP '2025-02-11', 5.0), "
            "('3', 'won', TIMESTAMP '2025-01-10', TIMESTAMP '2025-02-12', 5.0), "
            "('4', 'won', TIMESTAMP '2025-01-10', TIMESTAMP '2025-02-12', 5.0)"
            ") AS d (deal_id, status, created_at, closed_at, amount)"
        )
    department = sd.load(f"duckdb://{path}", as_of="2025-12-31")
    table = sd.funnel.win_rate(department)
    assert (table["n_deals"].sum(), table["n_won"].sum()) == (4, 3)
    with pytest.raises(sd.InputError, match=r"crm.duckdb is a database, and a mapping describes"):
        sd.load(f"duckdb://{path}", mapping=tmp_path / "mapping.toml")
