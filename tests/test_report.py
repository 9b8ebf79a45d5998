"""The report, the workbook and findings.json tell the same figures, in every language."""

from __future__ import annotations

import json
import math
import re

import lxml.html
import openpyxl
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.present.exhibits import CHAPTERS
from salesdiag.present.html import write_html
from salesdiag.present.speech import Speech
from salesdiag.present.tables import MAX_ROWS, columns_of
from salesdiag.present.write import write_audit
from tests.test_audit_findings import PLANTED, department_of

LANGUAGES = ("en", "ru", "vi")


@pytest.fixture(scope="module")
def audited():
    return sd.audit(department_of(*PLANTED))


@pytest.fixture(scope="module")
def files(audited, tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit")
    return {path.name: path for path in write_audit(audited, folder)}


@pytest.fixture(scope="module")
def pages(audited, files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    written = {"en": files["report.html"]}
    for one in LANGUAGES[1:]:
        written[one] = write_html(audited, folder / f"{one}.html", language=one)
    return {one: lxml.html.parse(str(path)).getroot() for one, path in written.items()}


def values(table) -> list[list[str]]:
    """Read back what the cells of a sortable table are sorted by."""
    return [
        [cell.get("data-value") for cell in row.xpath("td")] for row in table.xpath(".//tbody/tr")
    ]


def expected(frame: pd.DataFrame, name: str) -> list[list[str]]:
    rows = frame[columns_of(frame, name)].head(MAX_ROWS)
    return [[as_value(one) for one in row] for row in rows.itertuples(index=False, name=None)]


def as_value(one: object) -> str:
    if one is None or one != one or str(one) == "NaT":
        return ""
    if isinstance(one, str | pd.Timestamp):
        return str(one)
    return f"{float(one):.9g}"


def test_every_table_of_the_report_holds_the_figures_of_the_diagnosis(audited, pages):
    shown = {title: values(table) for title, table in titled(pages["en"])}
    speech, n_compared = Speech("en", audited.currency), 0
    for chapter in CHAPTERS:
        for exhibit in chapter.exhibits:
            title = speech.cause(exhibit.table)
            if title in shown:
                assert shown[title] == expected(audited.tables[exhibit.table], exhibit.table), title
                n_compared += 1
    assert n_compared > 8


def titled(page):
    """Give the sortable tables of the chapters under the title that stands over them."""
    for table in page.xpath("//section//table[@class='sortable']"):
        box = table.getparent()
        title = box.get("aria-label")
        above = box.xpath("preceding-sibling::h3[1]")
        yield (above[0].text_content() if title == "The figures" else title), table


def test_the_workbook_holds_the_same_findings_as_the_json(files):
    told = json.loads(files["findings.json"].read_text(encoding="utf-8"))["findings"]
    sheet = openpyxl.load_workbook(files["tables.xlsx"])["findings"]
    _labels, heads, *rows = sheet.iter_rows(values_only=True)
    table = [dict(zip(heads, row, strict=True)) for row in rows]
    assert [one["cause"] for one in table] == [one["cause"] for one in told]
    pairs = {"money": "lost_amount", "money_low": "lost_amount_low",
             "money_high": "lost_amount_high", "measured": "measured", "expected": "expected",
             "q_value": "q_value"}  # fmt: skip
    for row, one in zip(table, told, strict=True):
        for key, column in pairs.items():
            assert row[column] == pytest.approx(one[key], rel=1e-6, abs=1e-6), (one["cause"], key)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_money_of_each_finding_in_the_report_is_that_of_the_json(files, pages, language):
    told = json.loads(files["findings.json"].read_text(encoding="utf-8"))
    speech = Speech(language, told["currency"])
    articles = pages[language].xpath("//article[@class='finding']")
    assert len(articles) == len(told["findings"]) > 0
    for article, one in zip(articles, told["findings"], strict=True):
        text = plain(article.text_content())
        for key in ("money", "money_low", "money_high"):
            if one[key] is not None:
                assert plain(speech.money(one[key], bare=key != "money")) in text, (one, key)


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_the_parts_of_the_ledger_add_up_as_printed(audited, pages):
    rows = pages["en"].xpath("//section[@id='ledger']//table")[0].xpath(".//tbody/tr")
    amounts = [number(row.xpath("td")[3].text) for row in rows]
    assert sum(amounts[:-1]) == pytest.approx(amounts[-1], abs=len(amounts))
    assert amounts[-1] == pytest.approx(audited.gap.gap, abs=1)


def number(text: str) -> float:
    return float(text.replace(",", "").replace("\N{MINUS SIGN}", "-"))


def test_the_bars_of_the_first_screen_lead_from_plan_to_actual(audited, pages):
    bars = [
        (bar.get("class").split()[-1], *map(float, re.findall(r"[-\d.]+(?=%)", bar.get("style"))))
        for bar in pages["en"].xpath("//div[@class='plan']//div[starts-with(@class, 'bar')]")
    ]
    (_kind, _left, whole), *steps, (_last, _start, actual) = bars
    assert actual / whole == pytest.approx(audited.gap.actual / audited.gap.expected, abs=0.002)
    assert 1 < len(steps) <= 6
    level = whole
    for kind, left, width in steps:  # each begins where the one before ended
        assert (left if kind == "up" else left + width) == pytest.approx(level, abs=0.2)
        level = left + width if kind == "up" else left
    assert level == pytest.approx(actual, abs=0.2)


def test_all_languages_show_the_same_figures(pages):
    of = {
        one: [cell.get("data-value") for cell in page.xpath("//td[@data-value]")]
        for one, page in pages.items()
    }
    assert of["en"] == of["ru"] == of["vi"]
    assert len(of["en"]) > 300


def test_every_exhibit_is_a_table_of_the_audit_or_said_to_be_missing(audited):
    missed = {one.analysis for one in audited.not_examined}
    for chapter in CHAPTERS:
        for exhibit in chapter.exhibits:
            there = [one for one in audited.tables if one.split(":")[0] == exhibit.table]
            split = re.search(r"_by_(\w+)$", exhibit.table)  # not every department has the column
            assert there or exhibit.table in missed or split, exhibit.table


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_picture_says_in_words_what_it_shows(pages, language):
    figures = pages[language].xpath("//figure")
    assert len(figures) >= 10
    for one in figures:
        assert len(one.get("aria-label")) > 15
        assert one.xpath(".//*[local-name()='text']")  # text stays text


def test_each_rep_with_deals_has_a_page_in_the_order_of_names_and_no_other(audited, pages):
    card = audited.tables["rep_scorecard"]
    won = card[(card["metric"] == "win_rate") & (card["n_cases"] > 0)]
    reps = {one for one in won["unit_id"] if one != "unassigned"}
    heads = [one.text_content() for one in pages["en"].xpath("//section[@id='people']//article/h3")]
    assert len(heads) == len(reps)
    assert heads == sorted(heads)  # not by result
    for rep in reps:
        assert any(rep in head for head in heads)


def test_a_page_of_a_rep_holds_that_rep_alone(audited, pages):
    article = pages["en"].xpath("//section[@id='people']//article")[0]
    rep = article.xpath("h3")[0].text_content().split("(")[-1].rstrip(")")
    card = audited.tables["rep_scorecard"]
    own = card[(card["unit_id"] == rep) & card["observed"].notna()]
    own = own[own["metric"] != "stage_conversion"]  # stands in the table below
    assert len(article.xpath(".//table")[0].xpath(".//tbody/tr")) == len(own)


def test_an_audit_without_any_optional_table_is_still_whole(tmp_path):
    day = pd.to_datetime(["2025-02-01", "2025-03-01"])
    deals = pd.DataFrame({"deal_id": ["A", "B"], "status": ["won", "lost"], "closed_at": day})
    diagnosis = sd.audit(sd.Department(deals=deals, as_of="2025-12-31"))
    for one in LANGUAGES:
        page = lxml.html.parse(str(write_html(diagnosis, tmp_path / one, language=one))).getroot()
        assert len(page.xpath("//section")) == len(CHAPTERS) + 5
        assert not page.xpath("//section[@id='people']")
    assert math.isnan(diagnosis.gap.actual) or diagnosis.gap.reference == "none"


def test_a_language_that_nobody_speaks_is_refused(audited, tmp_path):
    with pytest.raises(sd.InputError, match="language must be one of en, ru, vi; got 'de'"):
        write_html(audited, tmp_path / "r.html", language="de")
