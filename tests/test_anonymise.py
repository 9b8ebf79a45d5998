"""Neutral names: nothing made from the data names anybody, and every figure stays."""

import json
import re
from dataclasses import replace
from functools import cache

import lxml.html
import numpy as np
import openpyxl
import pandas as pd
import pytest
from typer.testing import CliRunner

import salesdiag as sd
from salesdiag import cli
from salesdiag.anonymise.columns import (
    ACCOUNTS,
    KEYS,
    NAMES,
    REPS,
    REPS_IN_ROWS,
    STAY,
    WRITTEN,
)
from salesdiag.intake.settings import settings_of
from salesdiag.present.write import write_audit
from salesdiag.schema import TABLES
from salesdiag.simulate import world

SECRET = "Zaphod"  # stands wherever a name can stand


@cache
def sample():
    return sd.load("sample_data")


@cache
def simulated():
    made = world(["weak_reps", "key_account_lost"], seed=5, reps=12, language="ru")
    return sd.Department.of(made.tables, settings_of(made.settings, "test"))


@cache
def diagnosed(department, *, anonymised=False):
    return sd.diagnose(department.anonymised() if anonymised else department)


BOTH = pytest.mark.parametrize("department", [sample, simulated], ids=["sample", "simulated"])


def people_of(department):
    """List all names and ids of reps, accounts and what hangs on them, as they are written."""
    found = set()
    for name in department.tables:
        frame = department.table(name).to_pandas()
        columns = [one for one in (*REPS, *ACCOUNTS, *KEYS, *NAMES) if one in frame]
        for column in columns:
            found |= set(frame[column].dropna())
    return found


def test_every_text_column_of_the_schema_is_decided_on():
    for table in TABLES.values():
        for column in table.columns:
            decided = [
                column.name in REPS,
                column.name in ACCOUNTS,
                column.name in KEYS,
                column.name in NAMES,
                column.name in WRITTEN,
                column.name in STAY,
                (table.name, column.name) in REPS_IN_ROWS,
            ]
            assert sum(decided) == (column.type == "text"), f"{table.name}.{column.name}"


def test_every_reference_of_the_schema_is_replaced_as_what_it_refers_to():
    kinds = {"reps": REPS, "accounts": ACCOUNTS, "deals": KEYS, "leads": KEYS, "activities": KEYS}
    for table in TABLES.values():
        for column in table.columns:
            if column.refers_to in kinds:
                assert column.name in kinds[column.refers_to]


def small():
    """Give a department of two reps whose names stand in every place there is."""
    day = pd.Timestamp("2025-03-01")
    tables = {
        "deals": {"deal_id": ["d1", "d2"], "status": ["won", "lost"], "rep_id": ["anna", "boris"],
                  "account_id": ["acme", None], "merged_into_id": [None, "d1"],
                  "lead_id": ["l1", None], "loss_reason": [None, "told Anna they go"],
                  "deal_name": ["Acme 1", "Acme 2"], "amount": [5.0, 7.0]},
        "reps": {"rep_id": ["anna", "boris"], "rep_name": ["Anna A", None],
                 "manager_id": [None, "anna"], "team": ["North", "North"]},
        "accounts": {"account_id": ["acme"], "account_name": ["Acme"]},
        "leads": {"lead_id": ["l1"], "created_at": [day], "rep_id": ["zoe"], "deal_id": ["d1"]},
        "targets": {"level": ["rep", "team", "department"], "id": ["anna", "North", None],
                    "period_start": [day] * 3, "period_end": [day] * 3,
                    "metric": ["revenue"] * 3, "target": [1.0, 2.0, 3.0]},
        "forecasts": {"level": ["rep"], "id": ["boris"], "made_on": [day], "period_start": [day],
                      "period_end": [day], "category": ["commit"], "amount": [1.0]},
        "call_scores": {"call_id": ["k1", "k2", "k3"], "rep_id": ["anna"] * 3,
                        "scored_by": ["boris", "Anna A", "coach"], "scored_at": [day] * 3,
                        "score": [1.0, 2.0, 3.0]},
        "deal_changes": {"deal_id": ["d1"] * 3, "field": ["rep_id", "amount", "name"],
                         "changed_at": [day] * 3, "old_value": ["boris", "5", "Acme"],
                         "new_value": ["anna", "6", "Acme Ltd"]},
    }  # fmt: skip
    frames = {name: pd.DataFrame(columns) for name, columns in tables.items()}
    return sd.Department(**frames, as_of="2025-12-31")


def test_one_rep_has_one_name_in_every_column_that_refers_to_it():
    neutral = {name: small().anonymised().fetch(name) for name in small().tables}
    deals = neutral["deals"].set_index("status")
    anna, boris = deals.loc["won", "rep_id"], deals.loc["lost", "rep_id"]
    zoe = neutral["leads"]["rep_id"].item()
    assert {anna, boris, zoe} == {"Rep 01", "Rep 02", "Rep 03"}
    reps = neutral["reps"].set_index("rep_id")
    assert reps.loc[anna, "rep_name"] == anna
    assert pd.isna(reps.loc[boris, "rep_name"])  # there was none
    assert reps.loc[boris, "manager_id"] == anna
    ids = neutral["targets"].set_index("level")["id"]
    assert ids["rep"] == anna
    assert ids["team"] == "North"
    assert pd.isna(ids["department"])
    assert neutral["forecasts"]["id"].item() == boris
    scored = neutral["call_scores"].set_index("score")["scored_by"]
    assert list(scored[[1.0, 2.0, 3.0]]) == [boris, anna, "Scorer 01"]
    changes = neutral["deal_changes"].set_index("field")
    assert list(changes.loc["rep_id", ["old_value", "new_value"]]) == [boris, anna]
    assert list(changes.loc["amount", ["old_value", "new_value"]]) == ["5", "6"]
    assert changes.loc["name", ["old_value", "new_value"]].isna().all()


def test_accounts_deals_and_leads_still_belong_together():
    neutral = small().anonymised()
    deals = neutral.fetch("deals").set_index("status")
    assert deals.loc["won", "account_id"] == "Account 0001"
    assert neutral.fetch("accounts").iloc[0].tolist() == ["Account 0001", "Account 0001"]
    assert deals.loc["lost", "merged_into_id"] == deals.loc["won", "deal_id"]
    assert neutral.fetch("leads")["lead_id"].item() == deals.loc["won", "lead_id"]
    assert neutral.fetch("leads")["deal_id"].item() == deals.loc["won", "deal_id"]


def test_no_cell_of_any_table_holds_a_name_or_an_id():
    neutral = small().anonymised()
    text = " ".join(neutral.table(name).to_pandas().to_csv() for name in neutral.tables)
    held = {"anna", "boris", "zoe", "acme", "coach", "d1", "d2", "l1", "k1"}
    assert held & set(re.findall(r"\w+", text.lower())) == set()


def test_columns_that_the_schema_does_not_know_are_left_out():
    assert small().has("deals", "deal_name")
    assert not small().anonymised().has("deals", "deal_name")


def test_a_reason_that_many_share_stays_and_a_sentence_goes():
    reasons = ["price"] * 3 + ["price ", "n/a", "Anna was ill", None]
    deals = pd.DataFrame({"deal_id": list("abcdefg"), "status": "lost", "loss_reason": reasons})
    neutral = sd.Department(deals=deals, as_of="2025-12-31").anonymised()
    found = neutral.fetch("deals")["loss_reason"]
    kept = found[~found.str.startswith("Reason ", na=False)]
    assert sorted(kept.dropna()) == ["n/a", "price", "price", "price", "price "]
    assert len(found) - len(kept) == 1
    assert found.isna().sum() == 1


def test_the_department_given_is_untouched():
    given = small()
    before = given.fetch("deals")
    given.anonymised()
    pd.testing.assert_frame_equal(given.fetch("deals"), before)


def test_the_same_data_give_the_same_names_in_any_order_of_rows():
    one = sample().anonymised().fetch("reps")
    pd.testing.assert_frame_equal(sd.load("sample_data").anonymised().fetch("reps"), one)
    frames = {name: sample().table(name).to_pandas() for name in sample().tables}
    turned = {name: frame.iloc[::-1] for name, frame in frames.items()}
    other = sd.Department.of(turned, sample().settings).anonymised()
    pd.testing.assert_frame_equal(other.fetch("reps"), one)


def test_numbers_follow_neither_the_names_nor_the_results():
    true = sample().fetch("reps").assign(order=lambda frame: frame["rep_name"].rank())
    own = ["team", "territory", "hired_on"]
    neutral = sample().anonymised().fetch("reps")
    both = true.merge(neutral, on=own, suffixes=("", "_neutral"), validate="1:1")
    assert abs(both["order"].corr(both["rep_id_neutral"].rank())) < 0.5
    won = diagnosed(sample()).tables["win_rate_by_rep_id"].set_index("rep_id")["won_amount"]
    assert abs(both["rep_id"].map(won).corr(both["rep_id_neutral"].rank())) < 0.5


def test_who_knows_the_names_but_not_the_data_cannot_find_the_order():
    frames = {name: sample().table(name).to_pandas() for name in sample().tables}
    deals = frames["deals"]
    frames["deals"] = deals.assign(amount=deals["amount"].astype(float) * 2)
    other = sd.Department.of(frames, sample().settings).anonymised().fetch("reps")
    order = ["team", "territory", "hired_on"]
    mine = sample().anonymised().fetch("reps").sort_values(order)["rep_id"].tolist()
    assert other.sort_values(order)["rep_id"].tolist() != mine


def test_rows_do_not_keep_the_order_of_the_export():
    reps = sample().anonymised().reps.to_pandas()
    assert reps["rep_id"].is_monotonic_increasing


def test_a_part_has_the_same_names_as_the_whole():
    part = sample().where(team="North")
    neutral = sample().anonymised()
    north = neutral.where(team="North").fetch("reps")
    pd.testing.assert_frame_equal(part.anonymised().fetch("reps"), north)
    assert len(part.anonymised().whole.fetch("reps")) == len(neutral.fetch("reps"))


def figures(table):
    """Give the numbers of a table, its rows in an order that does not depend on names."""
    numbers = table.select_dtypes("number").astype(float)
    order = np.lexsort(numbers.round(6).fillna(-9e9).to_numpy().T[::-1]) if len(table) else []
    return numbers.iloc[order].reset_index(drop=True)


@BOTH
def test_every_figure_of_a_diagnosis_stays(department):
    true, neutral = diagnosed(department()), diagnosed(department(), anonymised=True)
    assert list(neutral.tables) == list(true.tables)
    for name, table in true.tables.items():
        other = neutral.tables[name]
        assert list(other.columns) == list(table.columns)
        pd.testing.assert_frame_equal(figures(other), figures(table), rtol=1e-9)
    assert replace(neutral.gap, parts=(), claims=()) == replace(true.gap, parts=(), claims=())
    for one, other in zip(true.findings, neutral.findings, strict=True):
        assert (one.cause, one.scope.level, one.n) == (other.cause, other.scope.level, other.n)
        mine = [one.measured, one.expected, one.money, one.money_low, one.money_high, one.q_value]
        its = [other.measured, other.expected, other.money, other.money_low, other.money_high,
               other.q_value]  # fmt: skip
        assert its == pytest.approx(mine, nan_ok=True)


def test_each_rep_keeps_the_figures_under_the_neutral_name():
    own = ["team", "territory", "hired_on"]
    both = (
        sample()
        .fetch("reps")
        .merge(sample().anonymised().fetch("reps"), on=own, suffixes=("", "_neutral"))
    )
    names = both.set_index("rep_id")["rep_id_neutral"]
    true = diagnosed(sample()).tables["win_rate_by_rep_id"]
    true = true[true["rep_id"].isin(names.index)]
    neutral = diagnosed(sample(), anonymised=True).tables["win_rate_by_rep_id"]
    found = neutral.set_index("rep_id").loc[names[true["rep_id"]], "won_amount"]
    assert found.tolist() == true["won_amount"].tolist()


def written(diagnosis, folder):
    """Give all that is written of a diagnosis."""
    write_audit(diagnosis, folder)
    return text_of(folder)


def text_of(folder):
    """Give all that stands in a folder: the report's text and code, cells, the JSON."""
    page = (folder / "report.html").read_text(encoding="utf-8")
    texts = [page, lxml.html.fromstring(page).text_content()]
    for sheet in openpyxl.load_workbook(folder / "tables.xlsx"):
        texts.append(sheet.title)
        for row in sheet:
            texts += [str(cell.value) for cell in row if cell.value is not None]
            texts += [cell.comment.text for cell in row if cell.comment]
    plain = json.loads((folder / "findings.json").read_text(encoding="utf-8"))
    return "\n".join([*texts, json.dumps(plain, ensure_ascii=False)])


def named_in(text, department):
    """List the names and ids of a department that stand in a text, as whole words."""
    secrets, words = people_of(department), set(re.findall(r"\w+", text))
    assert len(secrets) > 1_000
    return [one for one in secrets if (one in text if " " in one else one in words)]


@BOTH
def test_no_name_or_id_stands_in_anything_written(department, tmp_path):
    text = written(diagnosed(department(), anonymised=True), tmp_path / "audit")
    assert named_in(text, department()) == []
    assert re.search(r"Rep \d\d", text)


def test_names_and_ids_are_found_where_nobody_hid_them(tmp_path):
    found = named_in(written(diagnosed(sample()), tmp_path / "audit"), sample())
    assert {"R02", "Oleksiy Marchenko", "D0001"} <= set(found)


@pytest.fixture
def hostile(tmp_path):
    """Write a folder that holds a name in every place from which the reader quotes."""
    folder = tmp_path / "given"
    folder.mkdir()
    rows = [f"{SECRET}{number},won,2025-0{number}-01,2025-0{number}-20,{SECRET},{number}00,x"
            for number in range(1, 8)]  # fmt: skip
    rows += [f"{SECRET}1,won,2025-01-01,2025-01-20,{SECRET},100,x"]  # a key again
    rows += [f"d9,{SECRET},2025-01-01,2025-01-20,boris,100,x"]  # a status that nobody knows
    rows += [f"d10,lost,2025-02-01,asked {SECRET},boris,about {SECRET},x"]  # no date, no amount
    rows += [f"d11,lost,2025-02-01,2025-02-11,boris,100,{SECRET}"]
    head = f"deal_id,status,created_at,closed_at,rep_id,amount,{SECRET} says"
    (folder / "deals.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    (folder / "reps.csv").write_text("rep_id,rep_name\nboris,Boris B\n", encoding="utf-8")
    (folder / f"{SECRET}.csv").write_text("a\n1\n", encoding="utf-8")
    return folder


def test_what_the_reader_quoted_is_in_nothing_written(hostile, tmp_path):
    department = sd.load(hostile, as_of="2025-12-31")
    assert SECRET in department.load_report.to_csv()
    diagnosis = sd.diagnose(department.anonymised())
    assert SECRET not in diagnosis.tables["load_report"].to_csv()
    assert SECRET not in diagnosis.tables["check"].to_csv()
    assert SECRET not in written(diagnosis, tmp_path / "audit")


def test_the_load_report_keeps_its_counts(hostile):
    department = sd.load(hostile, as_of="2025-12-31")
    true, neutral = department.load_report, department.anonymised().load_report
    assert neutral[["table", "topic"]].equals(true[["table", "topic"]])
    assert neutral["n_rows"].equals(true["n_rows"])
    assert "file 1" in neutral["file"].tolist()
    assert "deals.csv" in neutral["file"].tolist()
    unknown = neutral[neutral["topic"] == "unknown value"]
    assert unknown["detail"].str.contains("allowed are open, won, lost").all()


def test_the_same_data_give_the_same_bytes(tmp_path):
    again = sd.diagnose(sd.load("sample_data").anonymised())
    one = write_audit(diagnosed(sample(), anonymised=True), tmp_path / "one")
    two = write_audit(again, tmp_path / "two")
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_the_command_replaces_names_where_it_is_asked_to(tmp_path):
    asked = ["audit", "sample_data", "--out", str(tmp_path), "--anonymise"]
    done = CliRunner().invoke(cli.app, asked)
    assert done.exit_code == 0, done.output
    assert named_in(done.output + text_of(tmp_path), sample()) == []


def test_the_command_hides_what_the_reader_quotes(hostile, tmp_path):
    asked = ["audit", str(hostile), "--out", str(tmp_path / "out"), "--as-of", "2025-12-31"]
    done = CliRunner().invoke(cli.app, [*asked, "--anonymise"])
    assert done.exit_code == 0, done.output
    assert SECRET not in done.output + text_of(tmp_path / "out")
