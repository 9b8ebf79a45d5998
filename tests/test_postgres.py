"""The same figures from PostgreSQL as from the embedded engine.

Needs a server that the tests may write to; the environment names it, such as
``SALESDIAG_TEST_POSTGRES=postgres://postgres@127.0.0.1:5432/postgres``. The tables are made
in a schema of their own, which is dropped again.
"""

from __future__ import annotations

import os

import ibis
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import salesdiag as sd
from salesdiag.engine import conform
from salesdiag.schema import TABLES
from tests.cases import CASES
from tests.frames import sample_department, sample_frames

VARIABLE = "SALESDIAG_TEST_POSTGRES"
SCHEMA = "salesdiag_test"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not os.environ.get(VARIABLE), reason=f"no PostgreSQL: {VARIABLE} holds no URL"
    ),
]


@pytest.fixture(scope="module")
def url():
    return os.environ[VARIABLE]


@pytest.fixture(scope="module")
def server(url):
    """Hold the sample in the database for as long as the module runs."""
    pytest.importorskip("psycopg", reason="needs salesdiag[postgres]")
    connection = ibis.connect(url)
    connection.raw_sql(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE").close()
    connection.raw_sql(f"CREATE SCHEMA {SCHEMA}").close()
    connection.raw_sql(f"SET search_path TO {SCHEMA}").close()
    try:
        for name, frame in sample_frames().items():
            dates = [one.name for one in TABLES[name].columns if one.type == "date"]
            days = {one: frame[one].dt.date for one in dates if one in frame}
            connection.create_table(name, frame.assign(**days), database=SCHEMA)
        yield connection
    finally:
        connection.raw_sql(f"DROP SCHEMA {SCHEMA} CASCADE").close()
        connection.disconnect()


@pytest.fixture(scope="module")
def department(server):
    tables = {name: server.table(name, database=SCHEMA) for name in sample_frames()}
    calendar = sample_department().calendar
    return sd.Department(
        **tables, as_of="2025-12-31", currency="EUR", calendar=calendar, name="Sample"
    )


ASKED = {
    "win rate": lambda one: sd.funnel.win_rate(one),
    "win rate by team in 2025": lambda one: sd.funnel.win_rate(one, by="team", start="2025-01-01"),
    "win rate of those created": lambda one: sd.funnel.win_rate(
        one, by=["source", "segment"], population="created", end="2025-06-30"
    ),
    "stage conversion": lambda one: sd.funnel.stage_conversion(one),
    "stage conversion by rep": lambda one: sd.funnel.stage_conversion(one, by="rep_id"),
    "current stages": lambda one: sd.funnel.current_stages(one, by="team"),
    "attainment": lambda one: sd.plan.target_attainment(one),
    "attainment by rep": lambda one: sd.plan.target_attainment(one, by="rep_id"),
    "deals won by team": lambda one: sd.plan.target_attainment(one, by="team", metric="deals_won"),
    "check": lambda one: sd.check(one, include_passed=True),
    "narrowed": lambda one: sd.funnel.stage_conversion(one.where(team="North")),
    "a cohort": lambda one: sd.check(one.created_between("2025-01-01", "2025-03-31")),
}


EVERY = [
    pytest.param(analysis, keys, id=f"{analysis.__name__}{' split' * bool(keys)}")
    for analysis, (_options, split_by) in CASES.items()
    for keys in ((), split_by)
]


@pytest.mark.parametrize(("analysis", "keys"), EVERY)
def test_every_analysis_gives_the_same_on_both_engines(department, analysis, keys):
    assert_same(analysis(department, by=keys), analysis(sample_department(), by=keys))


def assert_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Compare values; the engines carry times in different units."""
    assert_frame_equal(found, expected, check_dtype=False, rtol=1e-9)


@pytest.mark.parametrize("asked", ASKED)
def test_an_analysis_gives_the_same_on_both_engines(department, asked):
    assert_same(ASKED[asked](department), ASKED[asked](sample_department()))


def test_neutral_names_are_the_same_on_both_engines(department):
    found, expected = department.anonymised(), sample_department().anonymised()
    for name in ("reps", "accounts", "targets", "deal_changes"):
        assert_same(found.fetch(name), expected.fetch(name))
    for ask in (ASKED["stage conversion by rep"], ASKED["attainment by rep"], ASKED["check"]):
        assert_same(ask(found), ask(expected))


def test_a_diagnosis_is_the_same_on_both_engines(department):
    found, expected = sd.diagnose(department), sd.diagnose(sample_department())
    assert repr(found.gap) == repr(expected.gap)
    assert found.not_examined == expected.not_examined
    assert [(one.cause, one.scope) for one in found.findings] == [
        (one.cause, one.scope) for one in expected.findings
    ]
    assert [one.money for one in found.findings] == pytest.approx(
        [one.money for one in expected.findings]
    )
    assert list(found.tables) == list(expected.tables)
    for name, table in expected.tables.items():
        assert_same(found.tables[name], table)


def test_moments_become_the_wall_clock_of_the_department(server):
    moments = pd.to_datetime(["2025-01-15 12:00", "2025-07-15 12:00"]).tz_localize("UTC")
    frame = pd.DataFrame({"deal_id": ["A", "B"], "status": "open", "created_at": moments})
    table = server.create_table("moments", frame, database=SCHEMA)
    local = conform(table, TABLES["deals"], "Europe/Berlin").order_by("deal_id")
    assert local.created_at.execute().dt.hour.tolist() == [13, 14]


def test_frames_beside_tables_of_the_database(server):
    deals = server.table("deals", database=SCHEMA)
    reps = sample_frames()["reps"]
    first = sd.Department(deals=deals, reps=reps, as_of="2025-12-31")
    second = sd.Department(deals=deals, reps=reps.assign(team="one"), as_of="2025-12-31")
    assert len(sd.funnel.win_rate(second, by="team")) == 2  # "one" and "unassigned"
    assert_same(
        sd.funnel.win_rate(first, by="team"), sd.funnel.win_rate(sample_department(), by="team")
    )


def test_loading_from_a_url_leaves_the_tables_where_they_are(server, url):
    mark = "&" if "?" in url else "?"
    department = sd.load(f"{url}{mark}schema={SCHEMA}", as_of="2025-12-31")
    assert set(department.tables) == set(sample_frames())
    assert_same(
        sd.funnel.win_rate(department, by="team"),
        sd.funnel.win_rate(sample_department(), by="team"),
    )
    report = department.load_report
    read = report[(report["table"] == "deals") & (report["topic"] == "rows read")]
    assert read["n_rows"].item() == len(sample_frames()["deals"])
    department.deals.get_backend().disconnect()
