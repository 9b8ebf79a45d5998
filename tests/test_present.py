"""What people see: formats, verdict, HTML, workbook, findings.json, plots."""

import datetime as dt
import json
import re
from dataclasses import replace
from pathlib import Path

import lxml.html
import matplotlib as mpl
import numpy as np
import openpyxl
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.diagnosis.finding import Diagnosis, Finding, Gap, NotExamined, Part, Scope
from salesdiag.present import plots
from salesdiag.present.findings import write_findings
from salesdiag.present.html import write_html
from salesdiag.present.labels import format_value, kind_of, label, money, share, unbroken
from salesdiag.present.verdict import verdict
from salesdiag.present.workbook import write_workbook
from salesdiag.present.write import FILES, write_audit

HOSTILE = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("http://127.0.0.1","x")'


@pytest.fixture(scope="module")
def sample() -> Diagnosis:
    return sd.diagnose(sd.load("sample_data"))


def hostile_department() -> sd.Department:
    day = pd.Timestamp("2025-03-01")
    deals = pd.DataFrame(
        {
            "deal_id": ["A", "B", "C"],
            "status": ["won", "lost", "open"],
            "created_at": [day, day, day],
            "closed_at": [day + pd.Timedelta(days=5), day + pd.Timedelta(days=6), pd.NaT],
            "amount": [100.0, 50.0, 10.0],
            "rep_id": ["r1", "r2", "r2"],
            "source": [HOSTILE, FORMULA, "+1\x07+1"],
            "stage": ["Won", HOSTILE, FORMULA],
        }
    )
    reps = pd.DataFrame(
        {"rep_id": ["r1", "r2"], "rep_name": [HOSTILE, FORMULA], "team": ["T", HOSTILE]}
    )
    return sd.Department(deals=deals, reps=reps, as_of="2025-12-31", name=HOSTILE)


def test_a_missing_value_is_a_dash_and_never_zero() -> None:
    missing = [None, float("nan"), pd.NaT, pd.NA, np.nan]
    assert {format_value(column, value) for column in ("win_rate", "n_won", "won_amount", "team")
            for value in missing} == {"–"}  # fmt: skip
    assert format_value("n_won", 0) == "0"


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("win_rate", 0.5, "50.0 %"),
        ("failing_share", 0.0004, "< 0.1 %"),
        ("failing_share", 0.0, "0.0 %"),
        ("n_deals", 12345, "12,345"),
        ("won_amount", 1234567.891, "1,234,568"),
        ("is_complete", True, "yes"),
        ("period_start", pd.Timestamp("2025-04-01"), "1 Apr 2025"),
        ("closed_at", dt.datetime(2025, 4, 1, 13, 5), "1 Apr 2025 13:05"),
        ("team", "Nord", "Nord"),
    ],
)
def test_the_suffix_decides_how_a_value_is_written(column, value, text) -> None:
    assert format_value(column, value) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0"), (999.4, "999"), (999.6, "1.00 k"), (1_000, "1.00 k"), (12_345, "12.3 k"),
        (123_456, "123 k"), (999_600, "1.00 M"), (4_562_189, "4.56 M"), (-719_811, "−720 k"),
        (2.5e9, "2.50 bn"), (float("nan"), "–"),
    ],
)  # fmt: skip
def test_money_is_rounded_to_three_figures(amount, text) -> None:
    assert money(amount) == text
    if text != "–":
        assert money(amount, "EUR") == f"{text} EUR"


def test_every_column_of_every_table_has_words_of_its_own(sample) -> None:
    for table in sample.tables.values():
        for column in table.columns:
            assert "_" not in label(column), column
            assert kind_of(column) in {"text", "count", "share", "money", "date", "flag", "time",
                                       "days", "number"}  # fmt: skip


def test_small_shares_are_not_rounded_to_nothing() -> None:
    assert share(0.00001) == "< 0.1 %"
    assert share(0) == "0.0 %"


def test_the_verdict_holds_the_figures_of_the_gap(sample) -> None:
    # 4,562,189.15 of 5,282,000: sums over deals.csv and targets.csv for 2025
    first, second, *rest = verdict(sample)
    assert "4.56 M EUR" in first
    assert "5.28 M EUR" in first
    assert "86 %, 720 k EUR short" in first
    assert "chance alone can move the result" in second
    assert "the plan lies" in second
    assert any("Proposal to Negotiation" in sentence for sentence in rest)


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        (Gap("none", np.nan, np.nan, np.nan, np.nan, 0), "cannot be told"),
        (Gap("none", np.nan, 5000.0, np.nan, np.nan, 0), "no complete period"),
        (Gap("plan", 100.0, 120.0, 90.0, 150.0, 1, dt.date(2025, 1, 1), dt.date(2025, 12, 31)),
         "120 %, 20 EUR over"),
        (Gap("plan", 0.0, 120.0, 90.0, 150.0, 1, dt.date(2025, 1, 1), dt.date(2025, 12, 31)),
         "The plan adds up to 0"),
    ],
)  # fmt: skip
def test_the_verdict_says_what_cannot_be_told(sample, gap, expected) -> None:
    sentences = verdict(replace(sample, gap=gap))
    assert expected in sentences[0]
    assert not any("nan" in sentence for sentence in sentences)


def test_a_gap_within_chance_is_called_that(sample) -> None:
    gap = Gap("plan", 100.0, 95.0, 80.0, 110.0, 1, dt.date(2025, 1, 1), dt.date(2025, 12, 31))
    assert (
        "the plan lies inside that range: the difference can be chance"
        in verdict(replace(sample, gap=gap))[1]
    )


def test_the_report_is_one_small_file_that_needs_nothing_else(sample, tmp_path) -> None:
    text = write_html(sample, tmp_path / "report.html").read_text(encoding="utf-8")
    assert len(text) < 3_000_000
    page = lxml.html.document_fromstring(text)
    links = page.xpath("//@href | //@src")
    assert all(link.startswith("#") for link in links)
    assert not re.search(r"url\((?!#)", text)
    targets = set(page.xpath("//@id"))
    assert {link[1:] for link in page.xpath("//a/@href")} <= targets


def test_the_report_shows_every_figure_of_the_funnel(sample, tmp_path) -> None:
    page = lxml.html.parse(str(write_html(sample, tmp_path / "r.html"))).getroot()
    cells = [cell.text_content() for cell in page.xpath("//section[@id='funnel']//td")]
    steps = sample.tables["stage_conversion"]
    for row in steps.itertuples():
        assert f"{row.n_from:,}" in cells
        assert any(cell.startswith(unbroken(share(row.conversion_rate))) for cell in cells)


def test_the_same_diagnosis_gives_the_same_bytes(sample, tmp_path) -> None:
    again = sd.diagnose(sd.load("sample_data"))
    for write in (write_html, write_workbook, write_findings):
        one, two = tmp_path / "one", tmp_path / "two"
        assert write(sample, one).read_bytes() == write(again, two).read_bytes()


def test_crm_text_is_escaped_in_the_report(tmp_path) -> None:
    diagnosis = sd.diagnose(hostile_department())
    text = write_html(diagnosis, tmp_path / "r.html").read_text(encoding="utf-8")
    assert text.count("<script") == 1  # the sorting of tables
    assert "&lt;script&gt;" in text


def test_crm_text_cannot_become_a_formula_or_a_link(tmp_path) -> None:
    path = write_workbook(sd.diagnose(hostile_department()), tmp_path / "t.xlsx")
    book = openpyxl.load_workbook(path)
    cells = [cell for sheet in book for row in sheet for cell in row if cell.value is not None]
    assert FORMULA in [cell.value for cell in cells]
    assert all(cell.data_type != "f" for cell in cells)
    outside = [cell.hyperlink for cell in cells if cell.hyperlink and cell.hyperlink.target]
    assert outside == []


def test_cells_of_the_workbook_are_typed_with_formats(sample, tmp_path) -> None:
    book = openpyxl.load_workbook(write_workbook(sample, tmp_path / "t.xlsx"))
    sheet = book["target_attainment"]
    heads = [cell.value for cell in sheet[2]]  # below what a reader calls them
    assert heads == list(sample.tables["target_attainment"].columns)
    row = dict(zip(heads, sheet[3], strict=True))
    assert isinstance(row["period_start"].value, dt.datetime)
    assert row["attainment"].value == pytest.approx(
        sample.tables["target_attainment"]["attainment"].iloc[0]
    )
    assert "%" in row["attainment"].number_format
    assert sheet.freeze_panes == "B3"
    assert sheet.auto_filter.ref is not None


def test_every_table_has_a_sheet_and_every_row_is_in_it(sample, tmp_path) -> None:
    book = openpyxl.load_workbook(write_workbook(sample, tmp_path / "t.xlsx"))
    assert book.sheetnames[0] == "contents"
    for name, table in sample.tables.items():
        assert book[name[:31]].max_row == len(table) + 2


def test_findings_keep_the_contract(sample, tmp_path) -> None:
    finding = Finding(
        cause="stage_leak", scope=Scope("team", "North", "Proposal"), control="direct", grade="B",
        measured=0.41, expected=0.69, n=332, q_value=0.001, money=1.0, money_low=float("nan"),
        money_high=2.0, money_basis="revenue", reading="r", caveat="c", next_step="n",
        table=pd.DataFrame(),
    )  # fmt: skip
    gap = replace(sample.gap, parts=(Part("win_rate", -1.0, -2.0, float("nan")),))
    missed = (NotExamined("activity", ("activities",), "calls"),)
    filled = replace(sample, findings=(finding,), gap=gap, not_examined=missed)
    plain = json.loads(write_findings(filled, tmp_path / "f.json").read_text(encoding="utf-8"))
    assert list(plain) == ["schema_version", "as_of", "currency", "window", "gap", "findings",
                           "not_examined"]  # fmt: skip
    assert plain["window"] == {"start": "2025-01-01", "end": "2025-12-31"}
    assert list(plain["gap"]) == ["reference", "expected", "actual", "gap", "parts"]
    assert plain["gap"]["gap"] == pytest.approx(4_562_189.15 - 5_282_000)
    assert plain["gap"]["parts"] == [
        {"factor": "win_rate", "amount": -1.0, "low": -2.0, "high": None}
    ]
    assert plain["findings"][0]["rank"] == 1
    assert plain["findings"][0]["scope"] == {"level": "team", "id": "North", "stage": "Proposal"}
    assert plain["findings"][0]["money_low"] is None
    assert plain["not_examined"] == [
        {"analysis": "activity", "missing": ["activities"], "ask_for": "calls"}
    ]


def test_a_department_without_plan_history_or_dates_still_gets_a_report(tmp_path) -> None:
    deals = pd.DataFrame({"deal_id": ["A", "B"], "status": ["won", "lost"]})
    diagnosis = sd.diagnose(sd.Department(deals=deals, as_of="2025-12-31"))
    written = write_audit(diagnosis, tmp_path / "audit")
    assert [path.name for path in written] == list(FILES)
    text = written[0].read_text(encoding="utf-8")
    assert "could not be examined" in text
    assert "the stage history of the deals" in text  # what to ask for


def test_an_audit_replaces_the_earlier_one_whole(sample, tmp_path, monkeypatch) -> None:
    folder = tmp_path / "audit"
    write_audit(sample, folder)
    before = {name: (folder / name).read_bytes() for name in FILES}

    def fail(_diagnosis, _path, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("salesdiag.present.write.write_workbook", fail)
    with pytest.raises(sd.InputError, match="No space left"):
        write_audit(replace(sample, name="another"), folder)
    assert {name: (folder / name).read_bytes() for name in FILES} == before
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)


def test_a_file_in_the_way_is_named(sample, tmp_path) -> None:
    (tmp_path / "audit").write_text("in the way")
    with pytest.raises(sd.InputError, match="cannot write to"):
        write_audit(sample, tmp_path / "audit")


def test_the_funnel_plot_draws_what_the_table_holds(sample) -> None:
    table = sample.tables["stage_conversion"]
    figure = mpl.figure.Figure()
    ax = figure.add_subplot()
    before = dict(mpl.rcParams)
    assert plots.plot_stage_conversion(table, ax=ax) is ax
    drawn = ax.collections[1].get_offsets()
    assert drawn[:, 0].tolist() == pytest.approx(table["conversion_rate"].tolist())
    ends = [path.vertices[:, 0] for path in ax.collections[0].get_paths()]
    assert [end.min() for end in ends] == pytest.approx(table["conversion_rate_low"].tolist())
    assert [end.max() for end in ends] == pytest.approx(table["conversion_rate_high"].tolist())
    assert dict(mpl.rcParams) == before


def test_the_attainment_plot_draws_what_the_table_holds(sample) -> None:
    table = sample.tables["target_attainment"]
    ax = plots.plot_target_attainment(table)
    drawn = ax.collections[1].get_offsets()
    assert drawn[:, 0].tolist() == pytest.approx(table["attainment"].tolist())


def test_a_period_still_running_is_marked() -> None:
    table = pd.DataFrame(
        {
            "period_start": pd.to_datetime(["2025-01-01"]),
            "period_end": pd.to_datetime(["2025-03-31"]),
            "is_complete": [False], "target": [100.0], "attainment": [0.5],
            "attainment_low": [0.2], "attainment_high": [0.8],
        }
    )  # fmt: skip
    ax = plots.plot_target_attainment(table)
    assert "so far" in ax.get_yticklabels()[0].get_text()


def test_plots_refuse_tables_with_several_groups(sample) -> None:
    with pytest.raises(sd.InputError, match="filter the table"):
        plots.plot_stage_conversion(sample.tables["stage_conversion_by_team"])
    with pytest.raises(sd.InputError, match="filter the table"):
        plots.plot_target_attainment(sample.tables["target_attainment_by_team"])


def test_long_tables_are_cut_in_the_report_and_said_so(sample, tmp_path) -> None:
    rows = pd.concat([sample.tables["win_rate_by_source"]] * 20, ignore_index=True)
    tables = {**sample.tables, "win_rate_by_source": rows}
    text = write_html(replace(sample, tables=tables), tmp_path / "r.html").read_text("utf-8")
    assert f"{len(rows) - 60} further rows stand in tables.xlsx" in text


def plan_of(starts: list[str], *, as_of: str = "2025-12-31", **columns: list) -> Diagnosis:
    """Diagnose three deals against a quarterly plan of the quarters that begin on these days."""
    first = pd.to_datetime(starts)
    targets = pd.DataFrame({
        "level": "department", "metric": "revenue", "target": 100.0, "period_start": first,
        "period_end": first + pd.DateOffset(months=3) - pd.Timedelta(days=1),
    })  # fmt: skip
    day = pd.to_datetime(["2025-02-01", "2025-08-01", "2025-08-02"])
    deals = {"deal_id": list("ABC"), "status": ["won", "won", "lost"], "created_at": day,
             "closed_at": day, "amount": [50.0, 70.0, 10.0]} | columns  # fmt: skip
    deals = {name: one for name, one in deals.items() if one is not None}
    return sd.diagnose(sd.Department(deals=pd.DataFrame(deals), targets=targets, as_of=as_of))


def test_a_plan_with_holes_is_not_said_to_cover_the_year() -> None:
    holed = verdict(plan_of(["2025-01-01", "2025-07-01"]))[0]
    assert "in the 2 periods with a plan between 1 Jan 2025 and 30 Sep 2025" in holed
    whole = verdict(plan_of(["2025-04-01", "2025-07-01"]))[0]
    assert "from 1 Apr 2025 to 30 Sep 2025" in whole


def test_a_plan_without_a_complete_period_is_not_called_no_plan() -> None:
    said = verdict(plan_of(["2025-07-01"], as_of="2025-09-15"))[0]
    assert "no complete period" in said
    assert "There is no plan" not in said


def test_a_plan_that_cannot_be_held_against_sales_is_not_called_no_plan(sample) -> None:
    missed = (NotExamined("target_attainment", ("deals.amount",), "amounts", "needs amounts"),)
    tables = {name: one for name, one in sample.tables.items() if name != "target_attainment"}
    gap = Gap("none", np.nan, 50.0, np.nan, np.nan, 0, sample.start, sample.end)
    said = verdict(replace(sample, gap=gap, tables=tables, not_examined=missed))[0]
    assert "The plan cannot be held against it" in said


def test_the_verdict_tells_no_sales_from_sales_that_cannot_be_told(sample) -> None:
    assert (
        "amounts or closing dates are missing" in verdict(plan_of(["2025-01-01"], amount=None))[0]
    )
    gap = Gap("none", np.nan, np.nan, np.nan, np.nan, 0, sample.start, sample.end)
    assert verdict(replace(sample, gap=gap))[0] == "Sales of the window cannot be told."
    none = sample.tables["win_rate"].assign(n_won=0)
    tables = {**sample.tables, "win_rate": none}
    assert "No deal was won in the window" in verdict(replace(sample, gap=gap, tables=tables))[0]


def test_no_plan_is_called_no_plan() -> None:
    day = pd.to_datetime(["2025-02-01", "2025-02-02"])
    deals = pd.DataFrame({"deal_id": ["A", "B"], "status": ["won", "lost"], "created_at": day,
                          "closed_at": day, "amount": [50.0, 70.0]})  # fmt: skip
    said = verdict(sd.diagnose(sd.Department(deals=deals, as_of="2025-12-31")))[0]
    assert said.endswith("1 Jan 2025 to 31 Dec 2025. There is no plan to hold it against.")


def checked(sample: Diagnosis, rule: str, n_failing: int, severity: str = "error") -> Diagnosis:
    row = {"table": "deals", "column": "", "rule": rule, "severity": severity,
           "n_examined": 1000, "n_failing": n_failing, "examples": "", "effect": ""}  # fmt: skip
    return replace(sample, tables={**sample.tables, "check": pd.DataFrame([row])})


def test_the_verdict_says_what_the_figures_lack(sample) -> None:
    dateless = " ".join(verdict(checked(sample, "won without a closing date", 154)))
    assert "154 of 1,000 won deals have no closing date and count in no period" in dateless
    assert "at least that" in dateless
    aside = " ".join(verdict(checked(sample, "set aside: damaged", 30)))
    assert "30 of 1,000 rows of deals were set aside" in aside
    for few in (checked(sample, "set aside: damaged", 20),
                checked(sample, "set aside: blank row", 500, "info")):  # fmt: skip
        assert "set aside" not in " ".join(verdict(few))


def test_the_verdict_does_not_round_an_end_onto_the_plan(sample) -> None:
    gap = Gap("plan", 1000.0, 900.0, 800.0, 998.0, 1, dt.date(2025, 1, 1), dt.date(2025, 12, 31))
    assert "80.0 % to 99.8 % of plan; the plan lies outside" in verdict(replace(sample, gap=gap))[1]


def test_the_lowest_step_is_not_called_a_fault(sample) -> None:
    said = next(one for one in verdict(sample) if one.startswith("Lowest step"))
    assert said.endswith("steps differ by nature, so compare teams before calling it a fault.")


def test_sheets_of_long_names_stay_apart(sample, tmp_path) -> None:
    long = "stage_conversion: " + "Enterprise sales "
    table = sample.tables["stage_conversion"]
    names = [long + "North", long + "South", long.upper() + "East", "Contents", "a\x1bb: 'c'"]
    tables = {**sample.tables, **dict.fromkeys(names, table)}
    path = write_workbook(replace(sample, tables=tables), tmp_path / "t.xlsx")
    book = openpyxl.load_workbook(path)
    # contents, findings, what was not examined, definitions, and the evidence of each finding
    assert len(book.sheetnames) == len(tables) + 4 + len(sample.findings)
    assert len({name.casefold() for name in book.sheetnames}) == len(book.sheetnames)
    assert max(map(len, book.sheetnames)) <= 31


def test_a_stage_may_have_any_name(sample, tmp_path) -> None:
    odd = {"Qualified": r"$\frac{1}$ ^_{ $x$", "Demo": "a_b^c $10k_to_$50k"}
    steps = sample.tables["stage_conversion"].replace({"from_stage": odd, "to_stage": odd})
    tables = {**sample.tables, "stage_conversion": steps}
    text = write_html(replace(sample, tables=tables), tmp_path / "r.html").read_text("utf-8")
    assert "$10k_to_$50k" in text


def test_an_audit_that_cannot_be_finished_leaves_the_earlier_one(sample, tmp_path, monkeypatch):
    folder = tmp_path / "audit"
    write_audit(sample, folder)
    before = {name: (folder / name).read_bytes() for name in FILES}
    replace_file, seen = Path.replace, []

    def refuse(self, target):
        if Path(target) == folder / FILES[1] and not seen:
            seen.append(target)
            raise PermissionError(13, "Permission denied")
        return replace_file(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(sd.InputError, match="Permission denied"):
        write_audit(replace(sample, name="another"), folder)
    assert seen
    assert {name: (folder / name).read_bytes() for name in FILES} == before
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)


def test_a_folder_in_the_way_leaves_the_earlier_audit(sample, tmp_path) -> None:
    folder = tmp_path / "audit"
    write_audit(sample, folder)
    (folder / FILES[1]).unlink()
    (folder / FILES[1]).mkdir()
    before = (folder / FILES[0]).read_bytes()
    with pytest.raises(sd.InputError, match=r"is a folder|directory"):
        write_audit(replace(sample, name="another"), folder)
    assert (folder / FILES[0]).read_bytes() == before


def test_a_folder_made_for_nothing_is_removed(sample, tmp_path, monkeypatch) -> None:
    def fail(_diagnosis, _path, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("salesdiag.present.write.write_workbook", fail)
    with pytest.raises(sd.InputError):
        write_audit(sample, tmp_path / "new" / "audit")
    assert list(tmp_path.iterdir()) == []


def test_figures_stay_with_their_units() -> None:
    assert unbroken("4.56 M EUR, < 0.1 %") == "4.56\xa0M\xa0EUR, <\xa00.1\xa0%"
    assert unbroken("from 1 Jan 2025 to 9") == "from 1\xa0Jan\xa02025 to 9"
    assert unbroken("Of 12 deals") == "Of 12 deals"


def test_what_the_data_lack_is_told_from_what_is_to_come(sample, tmp_path) -> None:
    missed = (NotExamined("lead response", ("leads",), "the leads", "there is no table 'leads'"),
              NotExamined("activity and result", (), "",
                          "not part of this version's audit yet"))  # fmt: skip
    path = write_html(replace(sample, not_examined=missed), tmp_path / "r.html")
    page = lxml.html.parse(str(path)).getroot()
    first = next(one.text_content() for one in page.xpath("//header/p[@class='note']"))
    assert "lead response" in first
    assert "activity" not in first
    last = page.xpath("//section[@id='not-examined']")[0].text_content()
    assert "Not part of this version's audit yet: activity and result." in last
    assert "there is no table 'leads'. Ask for: the leads." in last


def test_unused_headings_are_counted_not_listed(sample, tmp_path) -> None:
    report = sample.tables["load_report"]
    unused = report.iloc[:3].assign(table="deals", topic="column not used", item="Secret heading")
    tables = {**sample.tables, "load_report": pd.concat([report, unused], ignore_index=True)}
    text = write_html(replace(sample, tables=tables), tmp_path / "r.html").read_text("utf-8")
    assert "3 columns not used" in text
    assert "Secret heading" not in text


@pytest.mark.parametrize(("value", "shown"), [(0.0, False), (5000.0, True)])
def test_sales_without_a_target_are_shown_where_there_are_any(sample, tmp_path, value, shown):
    table = sample.tables["target_attainment"].assign(unplanned_actual=value, n_targets_left_out=0)
    tables = {**sample.tables, "target_attainment": table}
    tables = {name: one for name, one in tables.items() if not name.startswith("attainment_by")}
    text = write_html(replace(sample, tables=tables), tmp_path / "r.html").read_text("utf-8")
    assert ("Sold without a target" in text) is shown
    assert "Targets left out" not in text


@pytest.mark.parametrize(
    ("column", "value", "text", "words"),
    [
        ("horizon_days", 90, "90", "Within days"),
        ("n_without_history", 12, "12", "Without history"),
        ("unplanned_actual", 5000.0, "5,000", "Sold without a target"),
        ("effective_deals", 12.34, "12.3", "Effective deals"),
        ("n_targets_left_out", 2, "2", "Targets left out"),
    ],
)
def test_newer_columns_have_words_and_formats(column, value, text, words) -> None:
    assert label(column) == words
    assert format_value(column, value) == text
