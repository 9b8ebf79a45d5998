"""What the plots draw, read back from the picture against tables made by hand."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.present import plots
from salesdiag.present.plots import vocabulary
from salesdiag.present.plots.words import LANGUAGES, say
from tests.plot_tables import END, START, TABLES, frame, grown, near, twin

# the estimate of each plot that draws one row per row of its table
ROWS = {
    "stage_conversion": "conversion_rate", "win_rate": "win_rate",
    "target_attainment": "attainment", "attainment_forecast": "forecast",
    "what_if": "gain_amount", "activity_result_correlation": "correlation",
    "limit_bunching": "excess_deals", "discount_distribution": "mean_discount",
    "time_in_stage": "median_days", "stalled_deals": "stalled_share",
    "pipeline_snapshot": "expected_amount", "coverage": "needed_ratio",
}  # fmt: skip
CURVES = {
    "cohort_conversion": "conversion_rate", "ramp": "ramp_ratio", "activity_dose": "result_ratio",
}  # fmt: skip


def labelled(ax, label: str) -> list:
    return [one for one in (*ax.collections, *ax.lines, *ax.texts) if one.get_label() == label]


def points(ax, label: str = "value") -> np.ndarray:
    """Give the places of all points of a kind, in the order drawn."""
    return np.concatenate([one.get_offsets() for one in labelled(ax, label)])


def bars(ax, axis: int, label: str = "interval") -> list[tuple[float, float]]:
    """Give the ends of all interval bars along an axis."""
    return [
        (round(float(path.vertices[0, axis]), 9), round(float(path.vertices[1, axis]), 9))
        for one in labelled(ax, label) for path in one.get_paths()
    ]  # fmt: skip


def ends_of(table: pd.DataFrame, column: str) -> list[tuple[float, float]]:
    ends = table[[f"{column}_low", f"{column}_high"]].round(9)
    return list(ends.itertuples(index=False, name=None))


def names(ax) -> list[str]:
    return [one.get_text() for one in ax.get_yticklabels()]


def note(ax) -> str:
    return plots.note_of(ax).replace("\n", " ").replace("\N{NO-BREAK SPACE}", " ")


def figures(ax) -> list[str]:
    return [one.get_text().replace("\N{NO-BREAK SPACE}", " ") for one in labelled(ax, "figure")]


@pytest.mark.parametrize("name", sorted(ROWS))
def test_rows_stand_where_the_table_says(name) -> None:
    table = TABLES[name]
    drawn = points(twin(name)(table))
    assert drawn[:, 0].tolist() == pytest.approx(table[ROWS[name]].tolist())
    assert drawn[:, 1].tolist() == list(range(len(table)))[::-1]


@pytest.mark.parametrize("name", sorted(ROWS))
def test_each_row_has_the_interval_of_the_table(name) -> None:
    table = TABLES[name]
    assert bars(twin(name)(table), 0) == ends_of(table, ROWS[name])


@pytest.mark.parametrize("name", sorted(ROWS))
def test_each_row_has_its_figure_beside_it(name) -> None:
    ax = twin(name)(TABLES[name])
    rows = labelled(ax, "figure")
    assert [one.xy[1] for one in rows] == list(range(len(TABLES[name])))[::-1]


@pytest.mark.parametrize("name", sorted(CURVES))
def test_curves_go_through_the_table(name) -> None:
    table = TABLES[name]
    ax = twin(name)(table)
    assert points(ax)[:, 1].tolist() == table[CURVES[name]].tolist()
    assert bars(ax, 1) == ends_of(table, CURVES[name])


@pytest.mark.parametrize("name", ["ramp", "activity_dose", "stage_conversion", "win_rate"])
def test_only_the_point_without_an_interval_is_hollow(name) -> None:
    column = (CURVES | ROWS)[name]
    table = TABLES[name].copy()
    table.loc[1, [f"{column}_low", f"{column}_high"]] = np.nan
    faces = labelled(twin(name)(table), "value")[0].get_facecolors()[:, :3].tolist()
    assert [face == [1, 1, 1] for face in faces] == [False, True]


def test_a_step_is_named_with_its_figure_interval_and_number() -> None:
    ax = plots.plot_stage_conversion(TABLES["stage_conversion"])
    assert names(ax) == ["lead → offer", "offer → won"]
    assert figures(ax) == ["50 % (40–70 %), n = 40", "25 % (15–45 %), n = 20"]


def test_figures_are_written_as_the_reader_writes_them() -> None:
    table = TABLES["stage_conversion"].assign(n_from=[12345, 20])
    assert figures(plots.plot_stage_conversion(table, language="vi"))[0].endswith("n = 12.345")
    narrow = table.assign(conversion_rate_low=[0.495, 0.2], conversion_rate_high=[0.505, 0.3])
    russian = figures(plots.plot_stage_conversion(narrow, language="ru"))[0]
    assert russian.startswith("50,0 % (49,5–50,5 %)")


def test_outcomes_are_one_curve_each_with_its_name_at_the_end() -> None:
    table = TABLES["outcome_incidence"]
    ax = plots.plot_outcome_incidence(table)
    curves = {one.get_label(): one.get_ydata().tolist() for one in ax.lines}
    assert curves["won"] == [0.2, 0.35]
    assert curves["lost"] == [0.3, 0.5]
    assert [one.get_text() for one in labelled(ax, "name")] == ["won", "lost"]
    assert sorted(bars(ax, 1)) == sorted(ends_of(table, "incidence_rate"))


def test_the_longest_age_is_drawn_once_where_it_was_asked_for() -> None:
    longest = TABLES["outcome_incidence"].iloc[2:].assign(is_longest=True)
    table = pd.concat([TABLES["outcome_incidence"], longest])
    ax = plots.plot_outcome_incidence(table)
    assert [len(one.get_xdata()) for one in ax.lines if one.get_label() == "won"] == [2]


def test_a_young_cohort_is_hollow_and_explained() -> None:
    ax = plots.plot_cohort_conversion(TABLES["cohort_conversion"])
    faces = labelled(ax, "value")[0].get_facecolors()[:, :3].tolist()
    assert faces[1] == [1, 1, 1]
    assert faces[0] != [1, 1, 1]
    assert "hollow: too young" in note(ax)


def test_the_line_of_win_rates_is_that_of_all_together() -> None:
    ax = plots.plot_win_rate(TABLES["win_rate"])
    assert labelled(ax, "reference")[0].get_xdata()[0] == pytest.approx(30 / 100)
    assert names(ax) == ["North", "South"]


def test_a_band_below_plan_points_down_and_one_above_up() -> None:
    table = frame(
        period_start=pd.date_range("2025-01-01", periods=3, freq="MS"),
        period_end=pd.date_range("2025-01-31", periods=3, freq="ME"),
        is_complete=[True] * 3, target=[10.0] * 3, attainment=[0.5, 1.0, 1.5],
        attainment_low=[0.4, 0.8, 1.2], attainment_high=[0.7, 1.3, 1.9],
    )  # fmt: skip
    ax = plots.plot_target_attainment(table)
    assert points(ax, "bad").tolist() == [[0.5, 2]]
    assert points(ax, "good").tolist() == [[1.5, 0]]
    assert "triangle" in note(ax)


def test_the_teams_of_one_period_are_rows() -> None:
    table = frame(
        team=["North", "South"], period_start=[START] * 2, period_end=[END] * 2,
        is_complete=[True] * 2, target=[10.0] * 2, **near("attainment", [0.5, 1.2]),
    )  # fmt: skip
    assert names(plots.plot_target_attainment(table)) == ["North", "South"]


def test_pace_is_told_twice_where_there_is_a_past() -> None:
    ax = plots.plot_pace(TABLES["pace"])
    assert names(ax) == ["Jan–Mar 2025: even pace", "Jan–Mar 2025: as in the past"]
    assert points(ax)[:, 0].tolist() == [0.8, 0.95]
    assert bars(ax, 0) == [(0.7, 1.0), (0.85, 1.15)]


def test_the_forecast_shows_target_and_what_is_booked() -> None:
    ax = plots.plot_attainment_forecast(TABLES["attainment_forecast"])
    assert points(ax, "target").tolist() == [[1000, 0]]
    assert points(ax, "actual").tolist() == [[400, 0]]
    assert figures(ax) == ["0.90 k (0.80 … 1.10 k), plan reached in 30 %"]


def test_money_and_numbers_are_not_drawn_on_one_axis() -> None:
    table = pd.concat([TABLES["attainment_forecast"]] * 2).assign(metric=["revenue", "deals_won"])
    with pytest.raises(sd.InputError, match="money or numbers"):
        plots.plot_attainment_forecast(table)


def test_the_spread_of_reps_is_drawn_from_end_to_end() -> None:
    ax = plots.plot_attainment_distribution(TABLES["attainment_distribution"])
    assert bars(ax, 0, "spread") == [(0.2, 1.7), (0.6, 1.1)]
    assert figures(ax) == ["90 %, reached by 40 % (30–60 %), n = 8"]


def test_reps_who_may_not_be_ranked_stand_by_name() -> None:
    table = TABLES["rep_scorecard"].assign(unit_id=["B", "A", "C"])
    ax = plots.plot_rep_scorecard(table)
    assert names(ax) == ["A", "B"]
    assert "may not be ranked: sorted by name" in note(ax)


def test_reps_who_may_be_ranked_stand_by_value() -> None:
    table = TABLES["rep_scorecard"].assign(unit_id=["B", "A", "C"], n_ranked=2)
    ax = plots.plot_rep_scorecard(table)
    assert names(ax) == ["B", "A"]
    assert points(ax)[:, 0].tolist() == [0.27, 0.2]


def test_the_scorecard_draws_shrunken_values_raw_ones_and_the_mean() -> None:
    ax = plots.plot_rep_scorecard(TABLES["rep_scorecard"])
    assert points(ax)[:, 0].tolist() == [0.27, 0.2]
    assert bars(ax, 0) == [(0.22, 0.37), (0.15, 0.3)]
    assert points(ax, "observed")[:, 0].tolist() == [0.3, 0.15]
    assert labelled(ax, "reference")[0].get_xdata()[0] == pytest.approx(
        (80 * 0.3 + 40 * 0.15) / 120
    )
    assert points(ax, "bad").tolist() == [[0.2, 0]]
    assert "too few cases: 1" in note(ax)


def test_no_bar_starts_at_nothing_in_pictures_of_reps() -> None:
    for name in ("rep_scorecard", "rep_funnel"):
        assert not twin(name)(TABLES[name]).patches


def test_one_metric_and_stage_are_chosen_and_others_refused() -> None:
    table = pd.concat([TABLES["rep_scorecard"]] * 2, ignore_index=True)
    table.loc[3:, ["metric", "from_stage"]] = ["stage_conversion", "offer"]
    ax = plots.plot_rep_scorecard(table, metric="stage_conversion", from_stage="offer")
    assert ax.get_title(loc="left") == "Reps compared: stage conversion · offer"
    with pytest.raises(sd.InputError, match="no metric 'speed'"):
        plots.plot_rep_scorecard(table, metric="speed")
    with pytest.raises(sd.InputError, match="no stage 'lead'"):
        plots.plot_rep_scorecard(table, metric="stage_conversion", from_stage="lead")


def test_the_funnel_draws_ratio_by_expected_events_and_names_who_stands_out() -> None:
    table = TABLES["rep_funnel"].assign(unit_id=["R1", "$x_1$ & Co", "R3"])
    ax = plots.plot_rep_funnel(table)
    assert points(ax)[:, 0].tolist() == pytest.approx([20.0, 12.0])
    assert points(ax)[:, 1].tolist() == [1.2, 0.5]
    assert bars(ax, 1) == [(1.0, 1.6), (0.3, 0.9)]
    assert [one.get_text() for one in labelled(ax, "name")] == ["$x_1$ & Co"]


def test_the_limits_of_the_funnel_are_those_of_the_binomial_distribution() -> None:
    from scipy import stats

    table = TABLES["rep_funnel"].iloc[:1].assign(n_compared=400, expected=0.25)
    ax = plots.plot_rep_funnel(table)
    low, high = labelled(ax, "limit")[:2]
    x = low.get_xdata()
    place = int(np.argmin(np.abs(x - 100)))  # 100 expected events are 400 deals at 25 %
    deals = x[place] / 0.25
    for line, tail in ((low, 0.025), (high, 0.975)):
        bound = stats.binom.ppf(tail, round(deals), 0.25) / x[place]
        assert line.get_ydata()[place] == pytest.approx(bound, abs=1.5 / x[place])


def test_a_metric_without_events_has_no_funnel() -> None:
    with pytest.raises(sd.InputError, match="counts no events"):
        plots.plot_rep_funnel(TABLES["rep_funnel"].assign(metric="won_amount"))


def test_the_tenured_are_the_line_and_survivors_the_cross() -> None:
    ax = plots.plot_ramp(TABLES["ramp"])
    assert labelled(ax, "reference")[0].get_ydata()[0] == 1
    assert points(ax, "survivors").tolist() == [[1, 0.2], [2, 0.6]]


def test_a_heat_map_holds_the_cells_of_the_table() -> None:
    ax = plots.plot_strengths(TABLES["strengths"])
    cells = labelled(ax, "cells")[0].get_array()
    assert cells.filled(np.nan)[::-1].ravel().tolist() == pytest.approx(
        [0.04, -0.06, 0.01, np.nan], nan_ok=True
    )
    written = [one.get_text().replace("\N{NO-BREAK SPACE}", " ") for one in labelled(ax, "cell")]
    assert written == ["+4.0 % (2.0–8.0 %)", "−6.0 % (−8.0 … −2.0 %)", "+1.0 % (−1.0 … 5.0 %)", "–"]


def test_coverage_turns_touched_of_late_into_not_touched() -> None:
    ax = plots.plot_deal_coverage(TABLES["deal_coverage"])
    cells = labelled(ax, "cells")[0].get_array()[::-1]
    assert cells[0].tolist() == pytest.approx([0.2, 0.3, 0.5, 0.1])
    # touched: 0.7 within 0.6 and 0.9, so not touched: 0.3 within 0.1 and 0.4
    second = labelled(ax, "cell")[1].get_text().replace("\N{NO-BREAK SPACE}", " ")
    assert second == "30 % (10–40 %)"


def test_the_parts_of_the_gap_hang_together_and_add_up() -> None:
    ax = plots.plot_gap_ledger(TABLES["gap_ledger"])
    assert [bar.get_x() for bar in ax.patches] == [0, -200, 0]
    assert [bar.get_width() for bar in ax.patches] == [-200, 50, -150]
    # intervals belong to the steps: -200 within -220 and -160, then 50 within 30 and 90
    assert bars(ax, 0)[:2] == [(-220, -160), (-170, -110)]
    assert names(ax) == ["Leads per day", "Conversion: lead", "all together"]
    assert "1.00 k" in note(ax)


def test_an_unknown_part_of_the_gap_leaves_the_level() -> None:
    table = TABLES["gap_ledger"].assign(gap_amount=[np.nan, 50.0])
    ax = plots.plot_gap_ledger(table)
    assert [bar.get_width() for bar in ax.patches] == [0, 50, -150]
    assert figures(ax)[0].startswith("–")


def test_the_price_falls_from_list_to_net() -> None:
    ax = plots.plot_price_waterfall(TABLES["price_waterfall"])
    assert [bar.get_x() for bar in ax.patches] == [0, 1, 0]
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([1, -0.1, 0.9])
    assert bars(ax, 0)[1] == (0.88, 0.94)


def test_steps_without_money_are_left_out_and_said() -> None:
    extra = TABLES["price_waterfall"].iloc[[1]].assign(step="deal discount", step_amount=0.0)
    ax = plots.plot_price_waterfall(pd.concat([TABLES["price_waterfall"], extra]))
    assert len(ax.patches) == 3
    assert "steps of 0 are left out" in note(ax)


def test_discounts_show_chance_and_margin_on_one_axis() -> None:
    ax = plots.plot_discount_effect(TABLES["discount_effect"])
    curves = {one.get_label(): one.get_ydata().tolist() for one in ax.lines}
    assert curves["share won"] == [0.4, 0.45]
    assert curves["margin per list price"] == [0.2, 0.1]
    assert len(bars(ax, 1)) == 4
    assert [one.get_text() for one in labelled(ax, "name")] == list(curves)[:2]


def test_margin_is_called_revenue_where_costs_are_unknown() -> None:
    ax = plots.plot_discount_effect(TABLES["discount_effect"].assign(margin_basis="revenue"))
    assert "revenue per list price" in [one.get_text() for one in labelled(ax, "name")]


BANDS = frame(
    status=["won"] * 4, unit=["deals"] * 4, discount_from=[np.nan, 0.0, 0.1, 0.2],
    discount_to=[0.0, 0.1, 0.2, np.nan], n_priced=[4, 3, 2, 1],
    **near("case_rate", [0.4, 0.3, 0.2, 0.1], 0.05),
)  # fmt: skip


def test_bands_are_bars_with_intervals() -> None:
    ax = plots.plot_discount_bands(BANDS)
    assert [bar.get_height() for bar in ax.patches] == [0.4, 0.3, 0.2, 0.1]
    assert bars(ax, 1) == ends_of(BANDS, "case_rate")
    heads = [one.get_text().replace("\N{NO-BREAK SPACE}", " ") for one in ax.get_xticklabels()]
    assert heads == ["no discount\nn = 4", "0–10 %\nn = 3", "10–20 %\nn = 2", "above 20 %\nn = 1"]


def test_a_limit_lies_within_its_band_in_proportion() -> None:
    limits = frame(limit_name=["rep", "head"], limit_basis=["given"] * 2,
                   discount_limit=[0.15, 0.2])  # fmt: skip
    ax = plots.plot_discount_bands(BANDS, limits=limits)
    # the third band stands from 1.5 to 2.5 and spans 10 to 20 %
    drawn = [one.get_xdata()[0] for one in ax.lines if one.get_label() == "limit"]
    assert drawn == pytest.approx([2.0, 2.5])
    assert "15\N{NO-BREAK SPACE}%, rep" in [one.get_text() for one in labelled(ax, "limit")[2:]]


def test_a_limit_is_named_with_what_was_found_there() -> None:
    ax = plots.plot_limit_bunching(TABLES["limit_bunching"])
    assert figures(ax) == ["35 (25–55), 60 of 300 discounts there"]
    assert points(ax, "good").tolist() == [[35, 0]]


def test_median_and_middle_half_of_discounts_are_drawn() -> None:
    ax = plots.plot_discount_distribution(TABLES["discount_distribution"])
    assert points(ax, "median")[:, 0].tolist() == [0.05, 0.02]
    assert bars(ax, 0, "spread") == [(0.01, 0.15), (0, 0.1), (0.01, 0.1), (0, 0.04)]


def test_open_deals_stand_beside_the_waits_of_all() -> None:
    ax = plots.plot_time_in_stage(TABLES["time_in_stage"])
    assert points(ax, "open")[:, 0].tolist() == [25, 8]
    assert figures(ax)[0] == "12 (10–16), n = 90, open 7"


def test_an_interval_without_an_upper_end_goes_to_the_edge_with_an_arrow() -> None:
    table = TABLES["time_in_stage"].assign(median_days_high=[np.inf, 18.0])
    ax = plots.plot_time_in_stage(table)
    right = ax.get_xlim()[1]
    assert bars(ax, 0)[0][1] == pytest.approx(right)
    assert points(ax, "goes on").tolist() == [[bars(ax, 0)[0][1], 1]]
    assert "arrow: the interval goes on" in note(ax)
    assert "∞" in figures(ax)[0]


def test_the_age_of_stalling_is_named_where_there_is_one() -> None:
    ax = plots.plot_stalled_deals(TABLES["stalled_deals"])
    assert names(ax) == ["lead, over 45 days", "offer"]
    assert figures(ax)[0] == "25 % (15–45 %), 10 of 40, 900"


def test_the_pipeline_shows_what_is_open_and_what_to_expect() -> None:
    ax = plots.plot_pipeline_snapshot(TABLES["pipeline_snapshot"])
    assert points(ax, "open")[:, 0].tolist() == [9000, 8000]
    assert figures(ax)[0] == "2.00 k (1.50 … 3.00 k), of 9.00 k, n = 40"


def test_too_little_pipeline_is_marked() -> None:
    ax = plots.plot_coverage(TABLES["coverage"])  # there is 2.0, needed are 2.6 at least
    assert points(ax, "coverage").tolist() == [[2.0, 0]]
    assert points(ax, "bad").tolist() == [[3.1, 0]]


def test_the_board_draws_three_measures_and_the_year_before() -> None:
    table = TABLES["results_board"].assign(earlier_leads=[20, 22])
    ax = plots.plot_results_board(table)
    leads, deals, volume = ax.child_axes
    assert [one.get_ydata().tolist() for one in leads.lines] == [[20, 22], [30, 25]]
    assert [one.get_ydata().tolist() for one in deals.lines] == [[4, 6]]
    assert [one.get_ydata().tolist() for one in volume.lines] == [[900, 1500]]
    assert "2.40\N{NO-BREAK SPACE}k" in volume.get_title(loc="left")
    assert all(panel.get_ylim()[0] == 0 for panel in ax.child_axes)


def test_weeks_of_the_board_are_put_in_order() -> None:
    ax = plots.plot_results_board(TABLES["results_board"].iloc[::-1])
    assert ax.child_axes[0].lines[0].get_ydata().tolist() == [30, 25]


def test_a_week_that_stands_twice_is_refused() -> None:
    with pytest.raises(sd.InputError, match="a week stands twice"):
        plots.plot_results_board(pd.concat([TABLES["results_board"]] * 2))


SPLIT = ("stage_conversion", "outcome_incidence", "gap_ledger", "what_if", "discount_effect",
         "price_waterfall", "rep_scorecard", "rep_funnel", "strengths",
         "activity_result_correlation", "target_attainment")  # fmt: skip


def split(name: str, n_groups: int = 2) -> pd.DataFrame:
    parts = []
    for place in range(n_groups):
        part = TABLES[name].copy()
        part.insert(0, "area", f"area {place}")
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("name", SPLIT)
def test_a_split_table_is_refused_with_what_to_do(name) -> None:
    with pytest.raises(sd.InputError, match="filter the table"):
        twin(name)(split(name))


@pytest.mark.parametrize("name", SPLIT)
def test_a_split_table_without_its_groups_is_refused_too(name) -> None:
    with pytest.raises(sd.InputError, match="filter the table"):
        twin(name)(split(name).drop(columns="area"))


@pytest.mark.parametrize("name", sorted(set(SPLIT) - {"target_attainment"}))
def test_one_group_of_a_split_table_is_drawn_under_its_name(name) -> None:
    ax = twin(name)(split(name, 1))
    assert "area 0" in ax.get_title(loc="left").replace("\n", " ")


@pytest.mark.parametrize("name", ["cohort_conversion", "ramp", "activity_dose", "discount_bands"])
def test_up_to_six_groups_are_series_and_the_rest_is_said(name) -> None:
    ax = twin(name)(split(name, 8))
    assert [one.get_text() for one in labelled(ax, "name")] == [f"area {one}" for one in range(6)]
    assert "2 more groups are not drawn" in note(ax)
    looks = {(one.get_color(), one.get_linestyle()) for one in ax.lines
             if one.get_label().startswith("area")}  # fmt: skip
    assert len(looks) == 6


@pytest.mark.parametrize("name", ["pace", "time_in_stage", "stalled_deals", "coverage",
                                  "pipeline_snapshot", "limit_bunching",
                                  "discount_distribution"])  # fmt: skip
def test_groups_are_rows_where_a_row_is_a_thing(name) -> None:
    assert {one[:6] for one in names(twin(name)(split(name)))} == {"area 0", "area 1"}


def test_two_hundred_names_are_thinned_and_that_is_said() -> None:
    ax = plots.plot_win_rate(grown("win_rate"))
    assert len(points(ax)) == 200
    assert 20 < len(names(ax)) < 100
    assert f"{len(names(ax))} of 200 rows are named" in note(ax)


def test_who_stands_out_is_named_before_others() -> None:
    table = grown("rep_scorecard")
    table.loc[101, "reading"] = "below"
    assert "unit_id 101" in names(plots.plot_rep_scorecard(table))


def literals() -> set[str]:
    """Collect the English texts that the plots say."""
    found = set()
    for path in Path(plots.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "say":
                parts = [one for one in ast.walk(node.args[0]) if isinstance(one, ast.Constant)]
                found |= {one.value for one in parts if isinstance(one.value, str)}
    return found


def test_every_text_said_is_in_the_vocabulary() -> None:
    assert literals() | set(vocabulary.TERMS.values()) - set(vocabulary.WORDS) <= set(
        vocabulary.WORDS
    )


def test_translations_have_the_places_of_the_english_text() -> None:
    def places(text: str) -> set[str | None]:
        return {one for _, one, _, _ in string.Formatter().parse(text) if one is not None}

    wrong = [text for text, others in vocabulary.WORDS.items()
             for other in others if places(other) != places(text)]  # fmt: skip
    assert wrong == []


def test_every_language_says_every_text() -> None:
    assert all(say(text, language) for text in vocabulary.WORDS for language in LANGUAGES)


def test_without_leads_the_board_says_that_it_counts_deals() -> None:
    table = TABLES["results_board"].assign(entry_basis="deals")
    panels = plots.plot_results_board(table).child_axes
    assert panels[0].get_title(loc="left") == "Deals created: 55"
