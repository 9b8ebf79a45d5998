"""The HTML report as its reader has it: opened in Chromium, pressed, narrowed and printed.

Needs Chromium or Chrome on the PATH; ``SALESDIAG_TEST_BROWSER`` may name another, or
``none`` for not to look.
"""

from __future__ import annotations

import io
import itertools
import re

import pytest

from tests.audit_reports import ENGLISH, LANGUAGES, REPORTS, Reports
from tests.browser import bare, running_browser, visit
from tests.hostile_tables import IMAGE, SCRIPT

WIDTHS = (360, 768, 1440)
A4_TEXT = 688  # px: 210 mm less the margins of 14 mm

every_report = pytest.mark.parametrize("name", REPORTS)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return Reports(tmp_path_factory.mktemp("reports"))


@pytest.fixture(scope="module")
def browser():
    with running_browser() as one:
        yield one


@pytest.fixture
def opened(browser, report):
    """Open a report by its name, in a window that is closed with the test."""
    stack = []

    def open_one(name, **how):
        stack.append(visit(browser, report(name), **how))
        return stack[-1].__enter__()

    yield open_one
    for one in stack:
        one.__exit__(None, None, None)


@pytest.fixture(scope="module", params=REPORTS)
def still(browser, report, request):
    """Hold a report open for all tests that only look."""
    with visit(browser, report(request.param)) as one:
        yield one


@pytest.fixture(
    scope="module",
    params=[(name, width) for name in REPORTS for width in WIDTHS],
    ids=lambda one: f"{one[0]}-{one[1]}",
)
def narrowed(browser, report, request):
    """Hold a report open at a width."""
    with visit(browser, report(request.param[0]), width=request.param[1]) as one:
        yield one


def test_the_page_has_no_error_and_asks_for_nothing_but_itself(still) -> None:
    still.page.wait_for_load_state("networkidle")
    assert still.asked == [still.url]
    assert still.complaints == []
    assert still.page.evaluate("window.broken") == []


def test_every_link_has_text_and_leads_to_a_place(still) -> None:
    assert still.ask("nInternalLinks") > 0
    still.finds_none("brokenLinks")


def test_no_id_is_given_twice(still) -> None:
    still.finds_none("repeatedIds")


def test_headings_go_down_one_level_at_a_time_from_one_first(still) -> None:
    levels = [level for level, _text in still.ask("headings")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below <= above + 1 for above, below in itertools.pairwise(levels))


def test_no_chapter_is_empty(still) -> None:
    still.finds_none("emptyChapters")


@pytest.mark.parametrize("name", LANGUAGES)
def test_the_page_says_its_language(opened, name) -> None:
    assert opened(name).page.get_attribute("html", "lang") == name


@pytest.mark.parametrize("name", LANGUAGES[1:])
def test_no_english_is_left_in_another_language(opened, name) -> None:
    # in brackets stand the titles of what was published
    left = [
        f"{words[:80]} ({place})"
        for place, words in opened(name).ask("words")
        if ENGLISH.search(re.sub(r"\([^()]*\)", "", words))
    ]
    assert not left, "\n".join(left[:40])


@every_report
def test_the_file_can_be_sent_by_mail(report, name) -> None:
    assert report(name).stat().st_size < 3_000_000


class TestSorting:
    """Pressing a heading of a table."""

    @staticmethod
    def numeric(column) -> bool:
        values = [one for one in column["before"]["values"] if one is not None]
        return len(values) > 1 and not column["before"]["nWords"]

    @pytest.mark.parametrize("name", ["en", "ru", "healthy", "hostile"])
    def test_numbers_go_up_and_down_and_what_is_missing_stays_last(self, opened, name) -> None:
        columns = [one for one in opened(name).ask("sorting") if self.numeric(one)]
        assert columns
        for column in columns:
            for state in (column["once"], column["twice"]):
                down = state["sorted"][column["at"]] == "descending"
                values = [one for one in column["before"]["values"] if one is not None]
                missing = [None] * (len(column["before"]["values"]) - len(values))
                wanted = sorted(values, reverse=down) + missing
                assert state["values"] == wanted, column["name"]

    @pytest.mark.parametrize("name", ["en", "vi"])
    def test_the_heading_says_how_it_is_sorted_and_the_others_do_not(self, opened, name) -> None:
        columns = opened(name).ask("sorting")
        assert columns
        for column in columns:
            said = [column[when]["sorted"] for when in ("once", "twice")]
            assert {one[column["at"]] for one in said} == {"ascending", "descending"}
            others = {text for one in said for at, text in enumerate(one) if at != column["at"]}
            assert others <= {None, "none"}, column["name"]

    @pytest.mark.parametrize("name", ["en", "hostile"])
    def test_no_row_is_lost_or_torn(self, opened, name) -> None:
        columns = opened(name).ask("sorting")
        assert columns
        for column in columns:
            rows = [sorted(column[when]["rows"]) for when in ("before", "once", "twice")]
            assert rows[0] == rows[1] == rows[2], column["name"]

    def test_some_column_would_sort_otherwise_as_text(self, opened) -> None:
        columns = [one["before"]["values"] for one in opened("en").ask("sorting")]
        numbers = [[one for one in values if one is not None] for values in columns]
        assert any(sorted(one) != sorted(one, key=str) for one in numbers)

    def test_a_value_that_is_missing_is_there_to_be_sorted(self, opened) -> None:
        columns = [one for one in opened("en").ask("sorting") if self.numeric(one)]
        assert any(None in one["before"]["values"] for one in columns)

    def test_every_number_in_a_column_has_a_value_to_sort_by(self, still) -> None:
        still.finds_none("numbersWithoutValue")

    def test_the_keyboard_does_it(self, opened) -> None:
        page = opened("en").page
        for _press in range(200):
            page.keyboard.press("Tab")
            if page.evaluate("!!document.activeElement.closest('table.sortable thead button')"):
                break
        else:
            pytest.fail("200 times Tab and no heading that sorts")
        said = "document.activeElement.closest('th').getAttribute('aria-sort')"
        page.keyboard.press("Enter")
        first = page.evaluate(said)
        page.keyboard.press("Enter")
        assert {first, page.evaluate(said)} == {"ascending", "descending"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["en", "ru", "hostile", "deals only"])
def test_axe_finds_nothing_serious(opened, name, scheme) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    one = opened(name, color_scheme=scheme)
    # what is dark differs from what is light by its colours alone
    only = {} if scheme == "light" else {"runOnly": ["color-contrast"]}
    found = axe.Axe().run(one.page, options={"resultTypes": ["violations"], **only})
    grave = [
        f"{rule['id']} ({rule['impact']}): {node['target']} {node.get('failureSummary', '')[:200]}"
        for rule in found.response["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]
    assert grave == []


class TestWidth:
    """What a phone, a tablet and a laptop show."""

    def test_the_page_does_not_scroll_sideways(self, narrowed) -> None:
        narrowed.finds_none("tooWide")

    def test_no_text_leaves_its_box(self, narrowed) -> None:
        narrowed.finds_none("sticking")

    def test_no_word_is_cut_in_two(self, narrowed) -> None:
        if "hostile" not in narrowed.url:
            narrowed.finds_none("cutWords")

    def test_no_text_stands_on_other_text(self, narrowed) -> None:
        narrowed.finds_none("overlaps")

    def test_words_of_a_drawing_stay_in_it_and_off_each_other(self, narrowed) -> None:
        narrowed.finds_none("drawings")

    def test_words_of_a_drawing_are_large_enough_to_read(self, narrowed) -> None:
        narrowed.finds_none("tinyWords")


def test_drawings_keep_their_words_as_text(opened) -> None:
    assert opened("en").ask("nDrawnTexts") > 10


class TestPaper:
    """The report as it is printed."""

    @pytest.mark.parametrize("name", REPORTS)
    def test_no_row_figure_finding_or_heading_is_cut(self, opened, name) -> None:
        one = opened(name)
        one.page.emulate_media(media="print")
        one.finds_none("cutOnPaper")

    @pytest.mark.parametrize("name", LANGUAGES)
    def test_bars_are_printed(self, opened, name) -> None:
        one = opened(name)
        one.page.emulate_media(media="print")
        one.finds_none("blankOnPaper")

    @pytest.mark.parametrize("name", REPORTS)
    def test_nothing_is_wider_than_the_paper(self, opened, name) -> None:
        one = opened(name, width=A4_TEXT)
        one.page.emulate_media(media="print")
        one.finds_none("tooWide")
        one.finds_none("sticking")

    @pytest.mark.parametrize("name", LANGUAGES)
    def test_the_first_page_holds_the_title_and_the_verdict(self, opened, name) -> None:
        pypdf = pytest.importorskip("pypdf")
        page = opened(name).page
        verdict = page.locator(".verdict li").first.inner_text()
        printed = pypdf.PdfReader(io.BytesIO(page.pdf(format="A4", prefer_css_page_size=True)))
        assert 1 < len(printed.pages) < 120
        first = bare(printed.pages[0].extract_text())
        assert bare(page.inner_text("h1")) in first
        assert bare(verdict) in first

    def test_a_report_of_hostile_text_prints(self, opened) -> None:
        assert opened("hostile").page.pdf(format="A4").startswith(b"%PDF")


class TestHostileText:
    """Text of the CRM stays text."""

    def test_nothing_of_it_runs(self, opened) -> None:
        one = opened("hostile")
        one.ask("sorting")
        assert one.page.evaluate("window.pwned") is None
        one.finds_none("actingAttributes")

    def test_no_element_is_made_of_it(self, opened) -> None:
        usual = {tag for name in ("en", "healthy") for tag in opened(name).ask("tags")}
        assert set(opened("hostile").ask("tags")) <= usual

    @pytest.mark.parametrize("attack", [IMAGE, SCRIPT])
    def test_it_is_read_as_it_was_typed(self, opened, attack) -> None:
        assert attack in opened("hostile").page.inner_text("body")

    def test_the_title_of_the_window_is_text_on_one_line(self, opened) -> None:
        page = opened("hostile").page
        assert page.locator("title").count() == page.locator("head > title").count()
        assert SCRIPT in page.title()
        assert "\n" not in page.title()

    def test_no_mark_steers_the_page(self, opened) -> None:
        page = opened("hostile").page
        text = page.title() + page.evaluate("document.documentElement.textContent")
        turning, control = "\u202a-\u202e\u2066-\u2069", "\\x00-\\x08\\x0b-\\x1f\\x7f\ufffd"
        assert set(re.findall(f"[{turning}{control}]", text)) == set()

    def test_no_name_fills_a_screen(self, opened) -> None:
        opened("hostile").finds_none("tallCells")


@every_report
def test_without_scripts_the_same_text_is_there(opened, name) -> None:
    with_scripts, without = opened(name), opened(name, java_script_enabled=False)
    assert bare(without.page.inner_text("body")) == bare(with_scripts.page.inner_text("body"))
