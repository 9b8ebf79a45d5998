"""The canonical tables: the schema says the same thing in each of its columns."""

from __future__ import annotations

import pytest

from salesdiag.schema import IBIS_TYPES, STATUSES, TABLES

COLUMNS = [
    pytest.param(table, column, id=f"{table.name}.{column.name}")
    for table in TABLES.values()
    for column in table.columns
]
# the columns that the design marks as never null
REQUIRED = {
    "deals": "deal_id status",
    "stage_changes": "deal_id stage entered_at",
    "stages": "stage position",
    "activities": "activity_id activity_type occurred_at",
    "leads": "lead_id created_at",
    "reps": "rep_id",
    "targets": "level period_start period_end metric target",
    "line_items": "deal_id product quantity list_price unit_price",
    "accounts": "account_id",
    "call_scores": "call_id rep_id scored_by scored_at score",
    "deal_changes": "deal_id field changed_at",
    "forecasts": "level made_on period_start period_end category amount",
    "source_costs": "source period_start period_end cost_amount",
    "payouts": "rep_id period_start period_end",
    "market": "period_start index",
    "fx_rates": "currency on rate",
}
# keys that may be null: a target of the department names no id, a single pipeline no pipeline
NULL_IN_KEYS = {("targets", "id"), ("stages", "pipeline"), ("forecasts", "id")}


def test_tables_are_known_by_their_own_names():
    assert {name: table.name for name, table in TABLES.items()} == {name: name for name in TABLES}
    assert set(TABLES) == set(REQUIRED)


@pytest.mark.parametrize("name", TABLES)
def test_mandatory_columns_are_those_of_the_design(name):
    assert " ".join(TABLES[name].required) == REQUIRED[name]


def test_only_deals_status_is_mandatory_to_say_how_a_deal_stands():
    assert TABLES["deals"].column("status").allowed == STATUSES == ("open", "won", "lost")


@pytest.mark.parametrize("name", TABLES)
def test_column_names_are_unique_and_keys_are_columns(name):
    table = TABLES[name]
    assert len(set(table.names)) == len(table.names)
    assert set(table.key) <= set(table.names)
    for column in table.key:
        required = table.column(column).required
        assert required or (name, column) in NULL_IN_KEYS, column


@pytest.mark.parametrize("name", TABLES)
def test_every_table_says_what_it_is_and_how_to_ask_for_it(name):
    assert TABLES[name].meaning
    assert TABLES[name].ask_for
    assert not TABLES[name].ask_for.endswith(".")  # it is put into sentences


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_the_suffix_tells_the_type(table, column):
    suffixes = {"_id": "text", "_at": "time", "_on": "date", "_amount": "money",
                "_price": "money", "_seconds": "number"}  # fmt: skip
    for suffix, kind in suffixes.items():
        if column.name.endswith(suffix):
            assert column.type == kind
    if column.type == "time":
        assert column.name.endswith("_at")
    if column.type == "date":
        assert column.name.endswith("_on") or column.name in ("period_start", "period_end", "on")
    assert column.type in IBIS_TYPES


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_rules_of_a_column_make_sense_for_its_type(table, column):
    assert column.meaning
    if column.allowed or column.refers_to or column.otherwise:
        assert column.type == "text"
    if column.otherwise:
        assert column.otherwise in column.allowed
    if column.low is not None:
        assert column.type in ("money", "number", "count")
    if column.low is not None and column.high is not None:
        assert column.low < column.high
    if column.refers_to:
        home = TABLES[column.refers_to]
        assert home.key, "a column can refer to a table with a key only"
        assert home.column(home.key[-1]).type == "text"


def test_money_is_exact():
    assert IBIS_TYPES["money"] == "decimal(18, 4)"


def test_a_column_that_is_not_there_is_none():
    assert TABLES["deals"].column("nothing") is None
