"""From a department to the printed audit: findings, ledger and files of worlds that are known."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import lxml.html
import openpyxl
import pandas as pd
import pytest
from typer.testing import CliRunner

import salesdiag as sd
from salesdiag import cli
from salesdiag.diagnosis.catalogue import CATALOGUE
from salesdiag.diagnosis.finding import Rival, Scope
from salesdiag.intake.settings import settings_of
from salesdiag.present.answers import money_text
from salesdiag.present.labels import unbroken
from salesdiag.present.speech import Speech
from salesdiag.present.verdict import top_findings, verdict
from salesdiag.present.write import write_audit
from salesdiag.simulate import world

PLANTED = ("slow_response", "excess_discount")
LEVELS = {"department", "team", "rep", "source", "segment", "product", "territory", "account"}


def department_of(*causes):
    made = world(causes, seed=5, reps=20, months=24, language="en")
    return sd.Department.of(made.tables, settings_of(made.settings, "made up"))


@pytest.fixture(scope="module")
def faulty():
    return sd.diagnose(department_of(*PLANTED))


@pytest.fixture(scope="module")
def healthy():
    return sd.diagnose(department_of())


@pytest.fixture(scope="module")
def written(faulty, tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit")
    return {path.name: path for path in write_audit(faulty, folder)}


def test_a_planted_cause_comes_first(faulty):
    assert faulty.findings[0].cause in PLANTED


def test_a_healthy_department_is_said_to_be_healthy(healthy):
    assert healthy.findings == ()
    assert healthy.leader.role == "caretaker"
    assert healthy.split.basis == "none" or healthy.split.direct == 0
    said = " ".join(verdict(healthy))
    assert "No cause stands out beyond chance" in said
    assert "The evidence calls for a caretaker" in said


def test_the_parts_add_up_and_no_money_is_claimed_twice(faulty, healthy):
    for diagnosis in (faulty, healthy):
        gap = diagnosis.gap
        assert sum(one.amount for one in gap.parts) == pytest.approx(gap.gap, rel=1e-6)
        for part in gap.parts:
            claimed = sum(one.amount for one in gap.claims if one.part == part.name)
            assert claimed <= max(0.0, -part.amount) + 1e-6
        for rank, one in enumerate(diagnosis.findings, start=1):
            claimed = sum(each.amount for each in gap.claims if each.rank == rank)
            # the gap is one of revenue, the money of a finding may be margin
            assert claimed <= (0.0 if math.isnan(one.lost_revenue) else one.lost_revenue) + 1e-6


def test_the_split_adds_up(faulty):
    split = faulty.split
    parts = (split.direct, split.indirect, split.external, split.rest)
    assert split.basis == "gap"
    assert sum(parts) == pytest.approx(split.whole) == pytest.approx(-faulty.gap.gap)
    # both planted causes are the head of sales' own
    assert split.direct > 0
    assert split.external == 0


def test_rivals_are_what_was_held_against_a_finding(faulty):
    # slow answers make the leads look bad: that is told once, as slow answers
    slow = next(one for one in faulty.findings if one.cause == "slow_response")
    assert "lead_quality" in {one.cause for one in slow.rivals}
    assert "lead_quality" not in {one.cause for one in faulty.findings}
    outcome = faulty.tables["causes"].set_index("cause")["outcome"]
    assert outcome["slow_response"] == "found"
    assert outcome["lead_quality"] == "explained by slow_response"


def test_findings_json_keeps_the_schema(written, faulty):
    plain = json.loads(written["findings.json"].read_text(encoding="utf-8"))
    assert len(plain["findings"]) == len(faulty.findings)
    for rank, one in enumerate(plain["findings"], start=1):
        assert one["rank"] == rank
        assert CATALOGUE[one["cause"]].control == one["control"]
        assert one["scope"]["level"] in LEVELS
        assert (one["scope"]["id"] is None) is (one["scope"]["level"] == "department")
        assert one["grade"] in set("ABCD")
        if one["money"] is not None:
            assert one["money_low"] <= one["money"] <= one["money_high"]
    amounts = [one["amount"] for one in plain["gap"]["parts"]]
    assert sum(amounts) == pytest.approx(plain["gap"]["gap"], rel=1e-6)
    assert {one["factor"] for one in plain["gap"]["parts"]} >= {"selling_days", "plan"}


def test_the_report_holds_every_figure_of_a_finding(written, faulty):
    page = lxml.html.parse(str(written["report.html"])).getroot()
    first = page.xpath("//header")[0].text_content()
    chapter = page.xpath("//section[@id='findings']")[0].text_content()
    for one in faulty.findings:
        cost = unbroken(money_text(one, Speech("en", faulty.currency)))
        assert cost in first
        for told in (one.reading, cost, one.caveat, one.next_step, f"n = {one.n:,}"):
            assert told in chapter
    ledger = page.xpath("//section[@id='ledger']//tr[@class='sum']")[0].text_content()
    assert f"{faulty.gap.gap:,.0f}".replace("-", "\N{MINUS SIGN}") in ledger
    assert faulty.leader.reason in page.xpath("//section[@id='head-of-sales']")[0].text_content()


def test_the_workbook_holds_findings_and_their_evidence(written, faulty):
    book = openpyxl.load_workbook(written["tables.xlsx"])
    _labels, heads, *rows = book["findings"].iter_rows(values_only=True)
    table = [dict(zip(heads, row, strict=True)) for row in rows]
    assert [one["cause"] for one in table] == [one.cause for one in faulty.findings]
    assert [one["lost_amount"] for one in table] == pytest.approx(
        [one.money for one in faulty.findings]
    )
    for rank, one in enumerate(faulty.findings, start=1):
        assert (
            book[f"finding {rank} {one.cause}"[:31]].max_row == len(one.table) + 2
        )  # two rows of headings
    assert book["ledger"].max_row == len(faulty.gap.parts) + 3  # headings and sum


def test_the_command_prints_the_findings(faulty, monkeypatch, tmp_path):
    monkeypatch.setattr("salesdiag.intake.load.load", lambda *_given, **_more: None)
    monkeypatch.setattr("salesdiag.chapters.audit", lambda *_given, **_more: faulty)
    shown = CliRunner().invoke(cli.app, ["audit", "made-up", "--out", str(tmp_path)])
    assert shown.exit_code == 0, shown.output
    lines = shown.output.splitlines()
    assert lines[0].startswith("as of 2025-12-31")
    for rank, one in enumerate(faulty.findings[:5], start=1):
        line = next(each for each in lines if each.startswith(f"{rank}  "))
        assert one.reading in line
        assert line.endswith(f"grade {one.grade}  {one.control}")
    assert top_findings(faulty, 5)[0] in lines


def test_two_runs_give_the_same_bytes(written, tmp_path):
    again = sd.diagnose(department_of(*PLANTED))
    for path in write_audit(again, tmp_path):
        assert path.read_bytes() == written[path.name].read_bytes(), path.name


def test_crm_text_in_a_finding_is_text(faulty, tmp_path):
    script, formula = "<script>alert(1)</script>", '=HYPERLINK("http://127.0.0.1","x")'
    rival = Rival("weak_reps", Scope("rep", script), 0.01, "explained by this finding")
    one = replace(
        faulty.findings[0], reading=f"Team {script} is slow", scope=Scope("team", formula, script),
        rivals=(rival,), table=pd.DataFrame({"id": [script, formula]}),
    )  # fmt: skip
    files = write_audit(replace(faulty, findings=(one,)), tmp_path)
    text = files[0].read_text(encoding="utf-8")
    assert text.count("<script") == 1  # the sorting of tables
    assert text.count("&lt;script&gt;") > 4
    cells = [cell for sheet in openpyxl.load_workbook(files[1]) for row in sheet for cell in row]
    assert formula in [cell.value for cell in cells]
    assert all(cell.data_type != "f" for cell in cells if cell.value is not None)
    assert all(not (cell.hyperlink and cell.hyperlink.target) for cell in cells)
    assert json.loads(files[2].read_text(encoding="utf-8"))["findings"][0]["scope"]["id"] == formula
