"""Words and figures in three languages: every label, code and sentence, and how it is written."""

import ast
import datetime as dt
import gettext
import io
import re
import string
import subprocess
import sys
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from babel.messages import pofile

import salesdiag as sd
from salesdiag.diagnosis.catalogue import CATALOGUE
from salesdiag.errors import InputError
from salesdiag.present import labels, locale
from salesdiag.present.answers import _CONTROL, _PARTS, GRADES
from salesdiag.present.exhibits import CHAPTERS
from salesdiag.present.locale import build, catalogues, sources
from salesdiag.present.locale.causes import figure_text
from salesdiag.present.locale.formats import day_text, figures, number, percent, time_text
from salesdiag.present.locale.styles import style_of
from salesdiag.present.people import _PARTS as PAGE_PARTS
from salesdiag.present.plots.vocabulary import TERMS, WORDS
from salesdiag.schema import TABLES
from tests.cases import CASES, returns_of
from tests.frames import sample_department, sample_frames

LANGUAGES = ("en", "ru", "vi")
OTHERS = ("ru", "vi")
# contexts that are looked up by name; the others by their English sentence
KEYED = {"column", "code", "title", "table", "unit", "cause name"}
every_language = pytest.mark.parametrize("language", LANGUAGES)
every_other = pytest.mark.parametrize("language", OTHERS)

# names, and words that the language took over
_KEPT = """
crm hhi wape iso excel salesdiag as_of log email lead pipeline marketing import brier pearson
spearman wilson poisson shapley
"""
KEPT = set(_KEPT.split())
# what is typed, or stands so in a file
PHRASES = (
    "salesdiag audit FILE", "tables.xlsx", "connected, no_answer, held, no_show", "'stage_changes'",
    "funnel.current_stages", "лист deals", "trang deals", "(win rate)",
)  # fmt: skip


@cache
def catalogue(language):
    with build.source(language).open("rb") as file:
        return pofile.read_po(file, locale=language)


def entries(language):
    return {(m.context, m.id): m.string for m in catalogue(language) if m.id}


def plain(language):
    """Give the entries that are no plurals."""
    return {key: words for key, words in entries(language).items() if isinstance(key[1], str)}


def places(words):
    """Name what is to be filled in."""
    return {name for _, name, _, _ in string.Formatter().parse(words) if name is not None}


@cache
def _empty_department():
    empty = {name: frame.iloc[:0] for name, frame in sample_frames().items() if name != "stages"}
    return sd.Department(**empty, stages=sample_frames()["stages"], as_of="2025-12-31")


# labels


@pytest.mark.parametrize("analysis", list(CASES), ids=[one.__name__ for one in CASES])
def test_every_column_of_every_analysis_has_a_label_in_every_language(analysis):
    # an analysis gives the same columns of a department without rows: see the contracts
    table = analysis(_empty_department(), by=CASES[analysis][1])
    assert _unlabelled(table.columns) == []
    assert ("title", analysis.__name__) in entries("en")


def _unlabelled(columns, table=""):
    """List the columns that a language has no words for, or only those of the identifier."""
    return [
        (column, language)
        for column in columns
        for language in LANGUAGES
        if not _known(column, language) or "_" in labels.label(column, language, table=table)
    ]


def _known(column, language):
    bare = column.removesuffix("_low").removesuffix("_high")
    return any(catalogues.entry("column", one, language) for one in (column, bare))


def test_every_column_of_the_diagnosis_has_a_label_in_every_language():
    diagnosis = sd.diagnose(sd.load("sample_data"))
    evidence = [finding.table for finding in diagnosis.findings]
    for table in [*diagnosis.tables.values(), *evidence]:
        assert _unlabelled(table.columns) == []
    for name in diagnosis.tables:
        assert ("title", name.split(":")[0]) in entries("ru"), name


@pytest.mark.parametrize("name", list(TABLES))
def test_every_table_and_column_of_the_schema_has_words(name):
    assert _unlabelled(TABLES[name].names, name) == []
    for language in LANGUAGES:
        assert entries(language)["table", name]


def test_a_column_that_nobody_knows_is_made_readable():
    assert labels.label("my_own_column", "ru") == "My own column"


def test_a_name_of_two_meanings_is_told_apart_by_its_table():
    assert labels.label("base_amount", "ru") == "Сумма базы"
    assert labels.label("base_amount", "ru", table="payouts") == "Оклад"


@every_language
def test_ends_of_intervals_are_named_after_what_they_belong_to(language):
    low, high = (labels.label(f"win_rate_{end}", language) for end in ("low", "high"))
    assert low != high
    assert low.startswith(labels.label("win_rate", language))


@pytest.mark.parametrize(
    ("column", "ru", "vi"),
    [  # METHODS.md, section 5
        ("win_rate", "Доля выигранных", "Tỷ lệ thắng"),
        ("attainment", "Выполнение плана", "Hoàn thành chỉ tiêu"),
        ("participation_rate", "Доля выполнивших план", "Tỷ lệ nhân viên đạt chỉ tiêu"),
        ("won_mean_amount", "Средний чек", "Giá trị đơn hàng trung bình"),
        ("cycle_days", "Цикл сделки", "Chu kỳ bán hàng"),
        ("coverage_ratio", "Покрытие плана воронкой", "Hệ số bao phủ pipeline"),
        ("price_realisation", "Реализация цены", "Tỷ lệ giá thực hiện"),
        ("slip_rate", "Доля перенесённых сделок", "Tỷ lệ trượt kỳ"),
        ("overdue_task_share", "Доля просроченных задач", "Tỷ lệ việc quá hạn"),
        ("bias", "Смещение прогноза", "Độ lệch dự báo"),
        ("rankability", "Ранжируемость", "Khả năng xếp hạng"),
    ],
)
def test_terms_are_those_agreed(column, ru, vi):
    assert (labels.label(column, "ru"), labels.label(column, "vi")) == (ru, vi)


# codes and causes


@cache
def _results():
    """Give every analysis' table of the sample, with its default options."""
    return {analysis.__name__: analysis(sample_department()) for analysis in CASES}


@pytest.mark.slow
@every_language
def test_every_code_in_a_result_has_a_word(language):
    wordless = {
        (name, column, str(code))
        for name, table in _results().items()
        for column in sorted(labels.CODED & set(table.columns))
        if table[column].dtype.kind not in "fib"
        for code in table[column].dropna().unique()
        if code and not _has_word(str(code), column, language)
    }
    assert wordless == set()


def _has_word(code, column, language):
    if column == "table":
        return bool(catalogues.entry("table", code, language))
    if column == "field":
        return labels.said(column, code, language) != code
    if column == "grade":
        return code in "ABCD"
    parts = code.split(" + ")  # two levels that cannot be told apart
    return all(
        catalogues.entry("code", f"{column}.{part}", language)
        or catalogues.entry("code", part, language)
        for part in parts
    )


@every_language
@pytest.mark.parametrize("analysis", list(CASES), ids=[one.__name__ for one in CASES])
def test_every_code_that_is_documented_has_a_word(analysis, language):
    section = returns_of(analysis)
    for item in re.split(r"\n\s*- |;\s+(?=``[a-z_]+``)", section):
        head, _, told = item.partition(" : ")
        columns = set(re.findall(r"``([a-z_]+)``", head)) & (labels.CODED - {"table", "field"})
        quoted = re.findall(r'"([^"]+)"', " ".join(told.split()))
        codes = {code for code in quoted if re.fullmatch(r"[a-z][a-z_' ]+", code)}
        wordless = {code for column in columns for code in codes
                    if not _has_word(code, column, language)}  # fmt: skip
        assert wordless == set()


@pytest.mark.slow
def test_style_and_values_of_every_column_agree():
    wrong = [
        (name, column, style_of(column).kind)
        for name, table in _results().items()
        for column in table.columns
        if not _fits(table[column], style_of(column).kind, column)
    ]
    assert wrong == []


def _fits(values, kind, column):
    if values.dtype.kind in "fi":
        return kind not in ("text", "date", "time", "flag")
    if values.dtype.kind == "b":
        return kind == "flag"
    if values.dtype.kind == "M":
        return kind in ("date", "time")
    # names that are numbers in one table and codes in another
    return kind in ("text", "flag") or column in ("result",)


def test_every_listed_value_of_the_schema_has_a_word():
    for table in TABLES.values():
        for column in table.columns:
            for code in column.allowed:
                for language in LANGUAGES:
                    found = catalogues.entry("code", code, language)
                    assert found or _known(code, language), code


@every_language
@pytest.mark.parametrize("code", list(CATALOGUE))
def test_every_cause_has_a_name(code, language):
    assert ("cause name", code) in entries(language)
    assert locale.cause_name(code, language) != code


@every_language
def test_controls_grades_and_levels_have_words(language):
    names = [*(f"control.{one}" for one in ("direct", "indirect", "external")),
             *(f"grade.{one}" for one in "ABCD"), "direct", "indirect", "external", "department",
             "team", "rep", "source", "segment", "product", "territory", "account"]  # fmt: skip
    assert [one for one in names if not catalogues.entry("code", one, language)] == []


@every_other
@pytest.mark.parametrize("cause", list(CATALOGUE.values()), ids=list(CATALOGUE))
def test_sentences_of_a_cause_are_told_with_the_same_places(cause, language):
    for sentence in (cause.reading, cause.caveat, cause.next_step):
        told = entries(language)["cause", sentence]
        assert places(told) == places(sentence)


def test_a_reading_is_filled_with_figures_of_the_language():
    cause = CATALOGUE["stage_leak"]
    said = locale.cause_sentence(
        cause.reading, "ru", scope=locale.scope_text("team", ["North"], "ru"), stage="Proposal",
        n=1200, measured=figure_text(0.21, cause.unit, "ru"),
        expected=figure_text(0.345, cause.unit, "ru"),
    )  # fmt: skip
    assert said == (
        "Из сделок (команда North), дошедших до этапа Proposal, дальше идут 21\u00a0%; "
        "обычно 34\u00a0%."
    )


@pytest.mark.parametrize(
    ("value", "unit", "en", "ru", "vi"),
    [
        (0.2345, "share", "23 %", "23 %", "23 %"),
        (0.0345, "rate", "3.5 %", "3,5 %", "3,5 %"),
        (1234567.0, "money", "1,230,000", "1 230 000", "1.230.000"),
        (30.2, "hours", "30 hours", "30 ч", "30 giờ"),
        (4.5, "days", "4.5 days", "4,5 дн.", "4,5 ngày"),
    ],
)
def test_figures_of_a_finding(value, unit, en, ru, vi):
    written = [figure_text(value, unit, language) for language in LANGUAGES]
    assert [text.replace("\u00a0", " ") for text in written] == [en, ru, vi]


# the catalogues


@every_other
def test_no_entry_is_without_words(language):
    lacking = [key for key, words in entries(language).items()
               if not (all(words) if isinstance(words, tuple) else words)]  # fmt: skip
    assert lacking == []


def test_all_languages_hold_the_same_entries():
    assert set(entries("ru")) == set(entries("vi"))
    keyed = {key for key in entries("ru") if key[0] in KEYED}
    assert keyed == set(entries("en"))


@every_other
def test_places_to_be_filled_are_the_same(language):
    english = plain("en")
    wrong = [
        key
        for key, words in plain(language).items()
        if places(words) != places(english.get(key, key[1]))
    ]
    assert wrong == []


@every_other
def test_every_form_of_a_plural_has_the_places_of_the_english_one(language):
    n_forms = {"ru": 3, "vi": 1}[language]
    for (context, ids), forms in entries(language).items():
        if context == "plural":
            assert len(forms) == n_forms
            assert {frozenset(places(form)) for form in forms} == {frozenset(places(ids[1]))}


def latin_words(text):
    for phrase in PHRASES:
        text = text.replace(phrase, " ")
    text = re.sub(r"\{\w*\}|\([^()]*\b(?:19|20)\d\d[^()]*\)", " ", text)  # places, literature
    return {word.lower() for word in re.findall(r"[A-Za-z_]{2,}", text)}


def test_no_english_is_left_in_russian():
    left = {
        key: words
        for key, words in entries("ru").items()
        if latin_words(" ".join(words) if isinstance(words, tuple) else words) - KEPT
    }
    assert left == {}


def test_no_english_is_left_in_vietnamese():
    # Vietnamese has Latin letters too: no longer word of the English text may come back
    english = plain("en")
    left = {}
    for key, words in plain("vi").items():
        same = latin_words(words) & {
            one for one in latin_words(english.get(key, key[1])) if len(one) > 3
        }
        if same - KEPT:
            left[key] = words
    assert left == {}


@every_language
def test_catalogues_are_those_that_the_code_and_the_plots_ask_for(language):
    # parsed, for versions of Babel differ in how they break and mark lines
    text, binary = build.written(build.refreshed(language))
    advice = "run python -m salesdiag.present.locale.build"
    wanted = {(m.context, m.id): m.string for m in pofile.read_po(io.BytesIO(text)) if m.id}
    assert entries(language) == wanted, advice
    compiled = gettext.GNUTranslations(io.BytesIO(binary))
    with catalogues.compiled(language).open("rb") as file:
        assert gettext.GNUTranslations(file)._catalog == compiled._catalog, advice


@every_language
def test_building_twice_gives_the_same_bytes(language):
    assert build.written(build.refreshed(language)) == build.written(build.refreshed(language))


@every_other
def test_the_words_of_the_plots_are_in_the_catalogues(language):
    for english, words in WORDS.items():
        assert catalogues.entry("plot", english, language) == words[OTHERS.index(language)]
    assert {key for key in sources.plot_words("en") if key[0] == "code"} <= set(entries("en"))
    assert locale.word("all", "en", column="activity_type") == TERMS["all"]


def test_titles_of_the_report_are_those_of_the_catalogue():
    assert {name: catalogues.entry("title", name, "en") for name in labels.TITLES} == labels.TITLES


def test_every_sentence_that_the_package_asks_for_is_in_the_catalogues():
    asked = set()
    for path in Path(sd.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            asked |= _asked(node, path)
    known = set(entries("ru"))
    assert {one for one in asked if one not in known} == set()
    assert asked  # the calls are still found


def test_every_sentence_of_the_templates_and_chapters_is_in_the_catalogues():
    folder = Path(sd.__file__).parent / "present" / "templates"
    pages = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.j2"))]
    asked = {one for page in pages for one in re.findall(r'\b_\("([^"]+)"', page)}
    assert len(asked) > 50  # the calls are still found
    asked |= {one for chapter in CHAPTERS for one in (chapter.title, chapter.question)}
    asked |= {one for chapter in CHAPTERS for each in chapter.exhibits
              for one in (each.read, each.wrong) if one}  # fmt: skip
    asked |= {*GRADES.values(), *_CONTROL.values(), *_PARTS.values()}
    asked |= {title for _source, _key, title in PAGE_PARTS}
    known = set(entries("ru"))
    assert {one for one in asked if ("report", one) not in known} == set()


def _asked(node, path):
    """Read what a call of `text` or `plural` asks for, where that is written out."""
    if not isinstance(node, ast.Call):
        return set()
    words = [one.value for one in node.args[:2] if isinstance(one, ast.Constant)]
    if isinstance(node.func, ast.Attribute) and all(isinstance(one, str) for one in words):
        if node.func.attr == "say" and words:
            return {("report", words[0])}
        if node.func.attr == "count" and len(words) == 2:
            return {("plural", tuple(words))}
    if not isinstance(node.func, ast.Name):
        return set()
    if node.func.id == "plural" and len(words) == 2:
        return {("plural", tuple(words))}
    if node.func.id == "_said" and path.name == "template.py" and words:
        return {("template", words[0])}
    if node.func.id == "text" and words:
        named = {one.arg: one.value for one in node.keywords}
        context = named.get("context")
        return {("report" if context is None else getattr(context, "value", ""), words[0])}
    return set()


# what is said


@pytest.mark.parametrize(
    ("n", "ru"),
    [(0, "0 сделок"), (1, "1 сделка"), (2, "2 сделки"), (5, "5 сделок"), (11, "11 сделок"),
     (21, "21 сделка"), (112, "112 сделок"), (1002, "1 002 сделки")],
)  # fmt: skip
def test_russian_words_follow_the_number(n, ru):
    assert locale.plural("{n} deal", "{n} deals", n, "ru").replace("\u00a0", " ") == ru


def test_english_and_vietnamese_words_follow_the_number():
    assert [locale.plural("{n} deal", "{n} deals", n, "en") for n in (1, 1234)] == [
        "1 deal", "1,234 deals",
    ]  # fmt: skip
    assert locale.plural("{n} deal", "{n} deals", 1234, "vi") == "1.234\u00a0thương vụ"


def test_text_of_the_crm_is_no_template():
    name = "{0.__class__} {n} %s"
    assert locale.text("team {name}", "ru", name=name) == f"команда {name}"


def test_a_sentence_without_words_stays_english():
    assert locale.text("Nobody wrote this down.", "vi") == "Nobody wrote this down."


@pytest.mark.parametrize("call", [
    lambda: locale.text("Gap", "de"), lambda: labels.label("team", ""),
    lambda: labels.format_value("team", 1, "RU"), lambda: locale.plural("a", "b", 1, "fr"),
])  # fmt: skip
def test_an_unknown_language_is_refused(call):
    with pytest.raises(InputError, match="language must be one of en, ru, vi; got"):
        call()


@every_other
def test_every_rule_of_the_check_is_told(language):
    table = sd.check(sample_department())
    for column in ("rule", "effect"):
        for said in table[column].unique():
            assert locale.retell(said, language) != said


@pytest.mark.parametrize(
    ("sentence", "ru"),
    [
        ("not found in reps", "нет в таблице reps"),
        ("set aside: blank row", "отложено: пустая строка"),
        ("no deal closed after more than 138 days; such deals are most likely dead",
         "позже 138 дн. не закрылась ни одна сделка; такие скорее всего мертвы"),
        ("looked for process skipped, CRM unreliable: nothing beyond chance",
         "искали: пропуск этапов процесса, ненадёжная CRM; сверх случайного ничего"),
        ("found: stage leak (grade C), weak reps (grade B)",
         "найдено: утечка на этапе (класс C), слабые менеджеры (класс B)"),
        ("points: architect 0, manager 4, caretaker 1",
         "баллы: архитектор 0, управленец 4, хранитель 1"),
        ("1,234 deals won in the window are few: only large faults would show",
         "выигранных сделок за период мало (1\u00a0234): видны были бы лишь крупные сбои"),
        ("Müller & Söhne", "Müller & Söhne"),
        ("", ""),
    ],
)  # fmt: skip
def test_filled_sentences_are_told_again(sentence, ru):
    assert locale.retell(sentence, "ru") == ru
    assert locale.retell(sentence, "en") == sentence


# figures


@pytest.mark.parametrize(
    ("value", "digits", "en", "ru", "vi"),
    [
        (1234567.8, 1, "1,234,567.8", "1\u00a0234\u00a0567,8", "1.234.567,8"),
        (1000, 0, "1,000", "1\u00a0000", "1.000"),
        (-0.25, 2, "−0.25", "−0,25", "−0,25"),
        (-0.001, 1, "0.0", "0,0", "0,0"),
        (float("nan"), 0, "–", "–", "–"),
        (float("inf"), 0, "∞", "∞", "∞"),
    ],
)
def test_numbers_are_written_as_the_reader_writes_them(value, digits, en, ru, vi):
    assert [number(value, language, digits) for language in LANGUAGES] == [en, ru, vi]


@every_other
def test_marks_of_numbers_are_those_of_babel(language):
    from babel.numbers import format_decimal

    for value in (0.5, 12.25, 999.75, 1234.5, 1234567.75):
        assert number(value, language, 2) == format_decimal(value, "#,##0.00", locale=language)


@every_language
@pytest.mark.parametrize("value", [0.0, 0.00123, 0.5, 9.999, 12.34, 99.96, 100.4, 6158.0, -0.02])
def test_three_figures_are_what_english_tables_show(value, language):
    # `g` with three figures, and whole numbers from 100 on
    wanted = f"{value:,.0f}" if abs(value) >= 100 else f"{float(f'{value:.3g}'):.10f}"
    wanted = wanted.rstrip("0").rstrip(".") if "." in wanted else wanted
    swapped = {"en": ",.", "ru": "\u00a0,", "vi": ".,"}[language]
    wanted = wanted.translate(str.maketrans({",": swapped[0], ".": swapped[1], "-": "−"}))
    assert figures(value, language) == wanted


def test_money_days_and_shares_of_each_language():
    assert [labels.money(4_562_189.15, "EUR", one) for one in LANGUAGES] == [
        "4.56 M EUR", "4,56\u00a0млн\u00a0EUR", "4,56\u00a0triệu\u00a0EUR",
    ]  # fmt: skip
    assert [labels.share(0.255, one) for one in LANGUAGES] == [
        "25.5 %", "25,5\u00a0%", "25,5\u00a0%",
    ]  # fmt: skip
    assert [labels.share(0.0004, one) for one in OTHERS] == ["<\u00a00,1\u00a0%"] * 2
    assert percent(float("nan"), "ru") == "–"
    day = dt.datetime(2025, 3, 1, 9, 5)
    assert [day_text(day, one) for one in LANGUAGES] == [
        "1 Mar 2025", "1\u00a0мар. 2025", "1/3/2025",
    ]  # fmt: skip
    assert time_text(day, "ru") == "1\u00a0мар. 2025 09:05"


@pytest.mark.parametrize(
    ("column", "value", "en", "ru"),
    [
        ("n_deals", 12345, "12,345", "12\u00a0345"),
        ("won_amount", 1234567.891, "1,234,568", "1\u00a0234\u00a0568"),
        ("is_complete", True, "yes", "да"),
        ("is_complete", False, "no", "нет"),
        ("period_start", pd.Timestamp("2025-04-01"), "1 Apr 2025", "1\u00a0апр. 2025"),
        ("cycle_days", 57.25, "57.2", "57,2"),
        ("reading", "below", "below", "ниже"),
        ("team", "below", "below", "below"),  # text of the CRM is no code
        ("win_rate", None, "–", "–"),
        ("q_value", 0.0004, "<\u00a00.001", "<\u00a00,001"),
        ("mean_discount", 0.105, "10.5 %", "10,5\u00a0%"),
        ("ramp_ratio", 0.5, "0.50", "0,50"),
    ],
)
def test_cells_are_written_in_the_language(column, value, en, ru):
    assert labels.format_value(column, value) == en
    assert labels.format_value(column, value, "ru") == ru


@pytest.mark.parametrize(
    ("column", "kind", "excel"),
    [
        ("win_rate_low", "share", "0.0%"), ("p_value", "p_value", "0.0000"),
        ("won_amount", "money", "#,##0.00"), ("median_hours", "hours", "0.0"),
        ("n_won", "count", "#,##0"), ("cohort_start", "date", "yyyy-mm-dd"),
        ("win_effect", "points", "+0.0%;-0.0%;0.0%"), ("team", "text", ""),
    ],
)  # fmt: skip
def test_a_column_has_a_number_format(column, kind, excel):
    assert style_of(column).kind == kind
    assert labels.number_format(column) == excel


def test_units_are_named():
    assert [labels.unit_of("cycle_days", one) for one in LANGUAGES] == ["days", "дн.", "ngày"]
    assert labels.unit_of("won_amount", "ru", currency="RUB") == "RUB"
    assert labels.unit_of("n_won", "vi") == ""


def test_english_needs_no_babel():
    code = (
        "import sys; from salesdiag.present import labels; labels.label('team'); "
        "labels.money(1e6); labels.format_value('won_amount', 1e6); print('babel' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "False"
