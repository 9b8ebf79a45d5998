"""Every plot on tables that are empty, short, long, without intervals, or full of tricks."""

from __future__ import annotations

import subprocess
import sys
import warnings

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.text import Text

import salesdiag as sd
from salesdiag.present import plots
from salesdiag.present.plots.vocabulary import WORDS
from tests.plot_tables import GROW, NAMED, TABLES, grown, twin, without_intervals

every_plot = pytest.mark.parametrize("name", sorted(TABLES))
# one for each way of drawing: rows, curves, heat map, waterfall, panels, funnel, bars
one_of_a_kind = pytest.mark.parametrize(
    "name",
    ["stage_conversion", "ramp", "strengths", "gap_ledger", "results_board", "rep_funnel",
     "discount_bands"],
)  # fmt: skip
KEYS = ("discount_from", "discount_to", "age_days", "discount_limit")
every_language = pytest.mark.parametrize("language", ["en", "ru", "vi"])


def rendered(ax) -> None:
    ax.figure.canvas.draw()


def texts(ax) -> list[Text]:
    """All that is written in the picture, laid out."""
    rendered(ax)
    seen = {id(one) for one in labels_of(ax)}
    # matplotlib keeps ticks beyond the axis, which are not drawn
    ticks = {id(one) for each in axes_of(ax)
             for one in (*each.get_xticklabels(), *each.get_yticklabels())} - seen  # fmt: skip
    return [one for one in ax.figure.findobj(Text)
            if one.get_visible() and one.get_text().strip() and id(one) not in ticks]  # fmt: skip


def words(ax) -> str:
    return "\n".join(one.get_text() for one in texts(ax))


def meeting(labels: list[Text]) -> list[tuple[str, str]]:
    """Name the pairs of labels that lie on each other."""
    boxes = [(one.get_text(), one.get_window_extent()) for one in labels if one.get_text().strip()]
    return [
        (a, b)
        for place, (a, one) in enumerate(boxes)
        for b, other in boxes[place + 1 :]
        if one.x0 < other.x1 - 1 and other.x0 < one.x1 - 1
        and one.y0 < other.y1 - 1 and other.y0 < one.y1 - 1
    ]  # fmt: skip


def outside(ax) -> list[str]:
    """Name what is written beyond the edge of the figure."""
    width, height = ax.figure.bbox.width, ax.figure.bbox.height
    found = []
    for one in texts(ax):
        box = one.get_window_extent()
        if one.get_text() and (
            box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1
        ):
            found.append(one.get_text())
    return found


def axes_of(ax) -> list:
    return [ax, *ax.child_axes]


def labels_of(ax) -> list[Text]:
    """Names of rows, columns and ticks of the axes drawn, and the figures beside the rows."""
    found = []
    for each in axes_of(ax):
        if each.axison:
            low, high = sorted(each.get_ylim())
            found += [one for one, place in zip(each.get_yticklabels(), each.get_yticks(),
                                                strict=True) if low <= place <= high]  # fmt: skip
            low, high = sorted(each.get_xlim())
            found += [one for one, place in zip(each.get_xticklabels(), each.get_xticks(),
                                                strict=True) if low <= place <= high]  # fmt: skip
        found += [one for one in each.texts if one.get_label() in ("figure", "name", "cell")]
    return found


@every_plot
def test_every_analysis_with_a_plot_exists_under_that_name(name) -> None:
    parts = (sd.funnel, sd.activity, sd.plan, sd.discount, sd.drivers, sd.reps, sd.pipeline)
    analyses = {one for part in parts for one in part.__all__}
    second_pictures = {"rep_funnel", "results_board"}
    assert name in analyses | second_pictures


def test_the_hand_made_tables_cover_all_plots() -> None:
    assert {f"plot_{name}" for name in TABLES} == set(plots.__all__) - {"note_of"}


@every_plot
@every_language
def test_an_empty_table_says_no_data(name, language) -> None:
    ax = twin(name)(TABLES[name].iloc[:0], language=language)
    said = {"en": "No data", "ru": "Нет данных", "vi": "Không có dữ liệu"}[language]
    assert said in words(ax)
    assert not ax.collections


@every_plot
def test_a_table_of_missing_values_is_drawn_or_said_to_be_empty(name) -> None:
    table = TABLES[name]
    numbers = [one for one in table if table[one].dtype == "float64" and one not in KEYS]
    ax = twin(name)(table.assign(**dict.fromkeys(numbers, np.nan)))
    assert "No data" in words(ax) or "–" in words(ax) or name == "results_board"


@every_plot
def test_one_row_is_drawn(name) -> None:
    ax = twin(name)(TABLES[name].iloc[:1])
    assert "No data" not in words(ax)
    assert outside(ax) == []


@every_plot
@every_language
def test_nothing_is_cut_and_nothing_lies_on_another(name, language) -> None:
    ax = twin(name)(TABLES[name], language=language)
    assert outside(ax) == []
    assert meeting(texts(ax)) == []


@every_plot
def test_two_hundred_rows_are_thinned_until_labels_are_apart(name) -> None:
    ax = twin(name)(grown(name))
    assert outside(ax) == []
    assert meeting(texts(ax)) == []


@pytest.mark.parametrize("name", sorted(one for one in TABLES if GROW[one] in NAMED))
def test_two_hundred_rows_are_all_drawn(name) -> None:
    ax = twin(name)(grown(name))
    n_drawn = max(
        [len(one.get_offsets()) for one in ax.collections]
        + [one.get_array().size for one in ax.collections if one.get_array() is not None]
        + [len(ax.patches)]
    )
    assert n_drawn >= 200


@every_plot
def test_a_missing_interval_leaves_the_point_and_is_said(name) -> None:
    table = without_intervals(TABLES[name])
    ax = twin(name)(table)
    assert "No data" not in words(ax)
    marked = {"price_waterfall", "discount_bands"}
    silent = {"results_board", "attainment_distribution", "deal_coverage", "strengths",
              "gap_ledger", "rep_funnel"}  # fmt: skip
    if name in marked:
        assert "no line: no interval" in plots.note_of(ax)
    elif name not in silent:
        assert "hollow: no interval" in plots.note_of(ax).replace("\n", " ")


HOSTILE = {
    "markup": "<script>alert('x')</script>",
    "math": "$x_1^{2}$ and $\\frac{1}{2}$",
    "one dollar": "Deal of $10k",
    "broken math": "$\\nonsense{",
    "formula": "=cmd|' /C calc'!A0",
    "right to left": "Meyer\u202e & \u200fSons",
    "lines": "one\ntwo\r\nthree\tfour\x00",
    "long word": "x" * 10_000,
    "long words": "many words " * 900,
    "emoji": "\U0001f600\U0001f3c6 team \U0001faa9",
    "percent": "100 % {n} %s",
    "nothing": "",
}


@pytest.mark.parametrize("name", sorted(one for one in TABLES if GROW[one] in NAMED))
def test_hostile_names_come_out_as_text_on_one_line(name) -> None:
    column = GROW[name]
    table = grown(name, len(HOSTILE) + 1).astype({column: object})
    table.loc[1:, column] = list(HOSTILE.values())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        ax = twin(name)(table)
        assert outside(ax) == []
        assert meeting(texts(ax)) == []
    assert not any(one.get_parse_math() for one in (*ax.texts, *ax.get_yticklabels()))
    names = [one.get_text() for one in ax.get_yticklabels()]
    assert all(len(one) < 80 and "\n" not in one for one in names)
    assert not any("\u202e" in one or "\x00" in one for one in names)
    # the funnel plot names who stands out alone; here nobody does
    assert name == "rep_funnel" or any("$10k" in one for one in names)


@every_plot
def test_the_picture_is_drawn_on_the_axes_given(name) -> None:
    figure = mpl.figure.Figure(figsize=(9, 6))
    ax = figure.subplots()
    assert twin(name)(TABLES[name], ax=ax) is ax
    assert figure.axes == [ax]
    assert not plt.get_fignums()


@one_of_a_kind
def test_one_of_several_axes_keeps_its_place(name) -> None:
    figure = mpl.figure.Figure(figsize=(14, 6))
    left, right = figure.subplots(1, 2)
    before = left.get_position().bounds, right.get_position().bounds
    twin(name)(TABLES[name], ax=left)
    assert (left.get_position().bounds, right.get_position().bounds) == before


@one_of_a_kind
def test_a_figure_with_a_layout_of_its_own_can_be_drawn(name) -> None:
    figure = mpl.figure.Figure(figsize=(8, 6), layout="constrained")
    ax = twin(name)(TABLES[name], ax=figure.subplots())
    rendered(ax)
    assert ax.get_title(loc="left")


@every_plot
def test_the_sessions_settings_stay_as_they_are(name) -> None:
    before = dict(mpl.rcParams)
    twin(name)(TABLES[name])
    assert dict(mpl.rcParams) == before


@one_of_a_kind
def test_dark_or_dressed_sessions_get_the_same_picture(name) -> None:
    with mpl.rc_context({"axes.grid": True, "axes.facecolor": "black", "text.color": "white"}):
        ax = twin(name)(TABLES[name])
        assert ax.figure.get_facecolor() == (1, 1, 1, 1)
        assert all(each._left_title.get_color() != "white" for each in axes_of(ax))


@every_plot
def test_the_table_is_not_changed(name) -> None:
    table = TABLES[name].copy()
    twin(name)(table)
    pd.testing.assert_frame_equal(table, TABLES[name])


@one_of_a_kind
def test_rows_may_carry_any_index(name) -> None:
    table = TABLES[name].set_axis(range(7, 7 + len(TABLES[name])))
    plain, odd = twin(name)(TABLES[name]), twin(name)(table)
    assert words(plain) == words(odd)


@every_plot
def test_a_missing_column_is_named_with_what_to_do(name) -> None:
    last = [one for one in TABLES[name] if one not in ("team", "is_rebuilt", "unit")]
    with pytest.raises(sd.InputError, match=f"plot_{name} needs the columns .*{last[1]}"):
        twin(name)(TABLES[name].drop(columns=last[1]))


@every_plot
def test_what_is_no_table_is_refused(name) -> None:
    with pytest.raises(sd.InputError, match="draws the DataFrame"):
        twin(name)([1, 2, 3])


@every_plot
def test_an_unknown_language_is_refused_with_the_known_ones(name) -> None:
    with pytest.raises(sd.InputError, match="en, ru, vi"):
        twin(name)(TABLES[name], language="de")


@every_plot
def test_title_note_and_axis_are_in_the_language(name) -> None:
    drawn = [twin(name)(TABLES[name], language=language) for language in ("en", "ru", "vi")]
    assert len({ax.get_title(loc="left") for ax in drawn} - {""}) == 3
    assert len({plots.note_of(ax) for ax in drawn} - {""}) == 3
    assert {ax.get_xlabel() for ax in drawn} == {""} or len({ax.get_xlabel() for ax in drawn}) == 3


@pytest.mark.parametrize("name", sorted(set(TABLES) - {"results_board"}))
def test_the_note_says_the_level_of_the_intervals(name) -> None:
    note = plots.note_of(twin(name)(TABLES[name], confidence=0.8))
    assert "80" in note
    assert "95" not in note


def test_letters_of_the_three_languages_are_in_the_font() -> None:
    from matplotlib import font_manager

    known = font_manager.get_font(font_manager.findfont("DejaVu Sans")).get_charmap()
    used = {letter for pair in WORDS.values() for word in pair for letter in word}
    assert {letter for letter in used if ord(letter) not in known} == set()


def test_importing_the_plots_does_not_import_matplotlib() -> None:
    code = (
        "import sys, salesdiag.present.plots\n"
        "print(*sorted({'matplotlib', 'seaborn', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")
