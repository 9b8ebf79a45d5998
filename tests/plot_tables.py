"""Hand-made tables, one for each plot, small enough to be counted by eye."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from salesdiag.present import plots

START, END = pd.Timestamp("2025-01-01"), pd.Timestamp("2025-03-31")


def near(name: str, value: list[float], by: float = 0.1) -> dict[str, list[float]]:
    """Give a column with an interval around each value, not symmetric so that ends differ."""
    return {
        name: value,
        f"{name}_low": [one - by for one in value],
        f"{name}_high": [one + 2 * by for one in value],
    }


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(columns)


TABLES: dict[str, pd.DataFrame] = {
    "stage_conversion": frame(
        from_stage=["lead", "offer"], to_stage=["offer", "won"], n_from=[40, 20],
        **near("conversion_rate", [0.5, 0.25]),
    ),
    "outcome_incidence": frame(
        age_days=[30.0, 30.0, 60.0, 60.0], outcome=["won", "lost", "won", "lost"], n_deals=[90] * 4,
        is_longest=[False] * 4, **near("incidence_rate", [0.2, 0.3, 0.35, 0.5]),
    ),
    "cohort_conversion": frame(
        cohort_start=[START, pd.Timestamp("2025-04-01")],
        cohort_end=[END, pd.Timestamp("2025-06-30")], n_deals=[80, 70], horizon_days=[90.0] * 2,
        is_mature=[True, False], **near("conversion_rate", [0.3, 0.2]),
    ),
    "win_rate": frame(
        team=["North", "South"], population=["closed"] * 2, n_deals=[80, 20], n_won=[20, 10],
        **near("win_rate", [0.25, 0.5]),
    ),
    "target_attainment": frame(
        period_start=[START, pd.Timestamp("2025-04-01")],
        period_end=[END, pd.Timestamp("2025-06-30")], is_complete=[True, False],
        metric=["revenue"] * 2, target=[1000.0, 2000.0], n_events=[9, 4],
        **near("attainment", [0.5, 0.9]),
    ),
    "pace": frame(
        period_start=[START], period_end=[END], elapsed_share=[0.5], n_past_periods=[4],
        **near("linear_pace", [0.8]), **near("seasonal_pace", [0.95]),
    ),
    "attainment_forecast": frame(
        period_start=[START], period_end=[END], metric=["revenue"], target=[1000.0],
        actual=[400.0], reach_rate=[0.3], **near("forecast", [900.0], 100.0),
    ),
    "attainment_distribution": frame(
        period_start=[START], period_end=[END], n_reps=[8], lowest_attainment=[0.2],
        lower_quartile_attainment=[0.6], median_attainment=[0.9],
        upper_quartile_attainment=[1.1], highest_attainment=[1.7],
        **near("participation_rate", [0.4]),
    ),
    "rep_scorecard": frame(
        unit=["rep_id"] * 3, unit_id=["R1", "R2", "R3"], metric=["win_rate"] * 3,
        from_stage=[""] * 3, n_cases=[80, 40, 3], observed=[0.3, 0.15, np.nan],
        n_ranked=[0] * 3, reading=["as_expected", "below", "not_enough_data"],
        **near("shrunken_value", [0.27, 0.2, np.nan], 0.05),
    ),
    "rep_funnel": frame(
        unit=["rep_id"] * 3, unit_id=["R1", "R2", "R3"], metric=["win_rate"] * 3,
        from_stage=[""] * 3, n_compared=[80, 60, 2], expected=[0.25, 0.2, np.nan],
        reading=["as_expected", "below", "not_enough_data"],
        **near("ratio", [1.2, 0.5, np.nan], 0.2),
    ),
    "ramp": frame(
        metric=["wins"] * 2, tenure_month=[1, 2], n_reps=[4, 4], survivors_ratio=[0.2, 0.6],
        **near("ramp_ratio", [0.2, 0.5]),
    ),
    "strengths": frame(
        unit=["rep_id"] * 3, unit_id=["R1", "R1", "R2"], from_stage=["lead", "offer", "lead"],
        to_stage=["offer", "won", "offer"], n_from=[80, 40, 50],
        **near("shrunken_difference", [0.04, -0.06, 0.01], 0.02),
    ),
    "gap_ledger": frame(
        factor=["leads_per_day", "conversion"], stage=["", "lead"], n_deals=[90] * 2,
        n_won=[30] * 2, base_amount=[1000.0] * 2, actual_amount=[850.0] * 2,
        **near("gap_amount", [-200.0, 50.0], 20.0),
    ),
    "what_if": frame(
        factor=["leads_per_day", "conversion"], stage=["", "lead"], n_deals=[90] * 2,
        n_won=[30] * 2, **near("gain_amount", [200.0, 5.0], 20.0),
    ),
    "activity_dose": frame(
        activity_type=["all"] * 2, result=["deals_won"] * 2, dose_bin=[1, 2],
        mean_dose=[0.5, 1.5], n_reps=[9] * 2, n_rep_periods=[80] * 2,
        **near("result_ratio", [1.0, 1.3]),
    ),
    "activity_result_correlation": frame(
        activity_type=["call"] * 2, level=["between", "within"], coefficient=["pearson"] * 2,
        n_reps=[9] * 2, n_rep_periods=[80] * 2, **near("correlation", [0.6, -0.1]),
    ),
    "deal_coverage": frame(
        team=["North", "South"], status=["open"] * 2, within_days=[30] * 2, n_deals=[60, 30],
        **near("never_touched_share", [0.2, 0.3]), **near("touched_share", [0.7, 0.6]),
        **near("no_next_step_share", [0.5, 0.4]), **near("overdue_deal_share", [0.1, 0.2]),
    ),
    "discount_effect": frame(
        discount_from=[np.nan, 0.05], discount_to=[0.05, np.nan], n_deals=[80, 90],
        margin_basis=["margin"] * 2, grade=["B", "B"],
        **near("adjusted_win_rate", [0.4, 0.45]), **near("adjusted_margin", [0.2, 0.1]),
    ),
    "discount_bands": frame(
        status=["won"] * 2, unit=["deals"] * 2, discount_from=[np.nan, 0.05],
        discount_to=[0.05, np.nan], n_priced=[30, 10], **near("case_rate", [0.75, 0.25]),
    ),
    "limit_bunching": frame(
        limit_name=["rep"], limit_basis=["given"], discount_limit=[0.15], n_discounted=[300],
        n_at_limit=[60], **near("excess_deals", [35.0], 10.0),
    ),
    "discount_distribution": frame(
        status=["won", "lost"], unit=["deals"] * 2, n_priced=[90, 80],
        lower_quarter_discount=[0.01, 0.0], median_discount=[0.05, 0.02],
        upper_quarter_discount=[0.1, 0.04], upper_tenth_discount=[0.15, 0.1],
        **near("mean_discount", [0.06, 0.03], 0.01),
    ),
    "price_waterfall": frame(
        step=["list price", "line discount", "net price"], reason=[""] * 3,
        is_total=[True, False, True], n_deals=[9] * 3, n_accounts=[8] * 3,
        step_amount=[1000.0, -100.0, 900.0], **near("list_part", [1.0, -0.1, 0.9], 0.02),
    ),
    "time_in_stage": frame(
        stage=["lead", "offer"], n_deals=[90, 40], lower_quartile_days=[5.0, 6.0],
        upper_quartile_days=[20.0, 22.0], slowest_tenth_days=[40.0, 50.0],
        open_median_days=[25.0, 8.0], n_open_now=[7, 3], **near("median_days", [12.0, 14.0], 2.0),
    ),
    "stalled_deals": frame(
        stage=["lead", "offer"], clock=["stage"] * 2, threshold_days=[45.0, np.nan],
        n_open=[40, 30], n_stalled=[10, 0], stalled_amount=[900.0, 0.0],
        **near("stalled_share", [0.25, 0.2]),
    ),
    "pipeline_snapshot": frame(
        snapshot_on=[END] * 2, is_rebuilt=[True] * 2, stage=["lead", "offer"], n_open=[40, 30],
        open_amount=[9000.0, 8000.0], mean_age_days=[31.0, 62.0],
        **near("expected_amount", [2000.0, 4000.0], 500.0),
    ),
    "coverage": frame(
        period_start=[START], period_end=[END], left=[500.0], n_open=[30], coverage_ratio=[2.0],
        **near("needed_ratio", [3.1], 0.5),
    ),
    "results_board": frame(
        week_start=pd.to_datetime(["2025-01-06", "2025-01-13"]), n_leads=[30, 25], n_won=[4, 6],
        won_amount=[900.0, 1500.0],
    ),
}  # fmt: skip

# the column by which a table of one group grows to 200 rows, all of them different things
GROW = {
    "outcome_incidence": "age_days", "cohort_conversion": "cohort_start",
    "target_attainment": "period_start", "pace": "region", "attainment_forecast": "region",
    "attainment_distribution": "region", "rep_scorecard": "unit_id", "rep_funnel": "unit_id",
    "ramp": "tenure_month", "strengths": "unit_id", "gap_ledger": "stage", "what_if": "stage",
    "activity_dose": "mean_dose", "activity_result_correlation": "activity_type",
    "deal_coverage": "team", "win_rate": "team", "discount_effect": "discount_from",
    "discount_bands": "discount_from", "limit_bunching": "limit_name",
    "discount_distribution": "region", "price_waterfall": "reason", "time_in_stage": "stage",
    "stalled_deals": "stage", "pipeline_snapshot": "stage", "coverage": "region",
    "results_board": "week_start", "stage_conversion": "from_stage",
}  # fmt: skip
NAMED = sorted({"team", "region", "unit_id", "stage", "from_stage", "activity_type", "reason",
                "limit_name"})  # fmt: skip


def twin(name: str) -> Any:
    return getattr(plots, f"plot_{name}")


def grown(name: str, n_rows: int = 200) -> pd.DataFrame:
    """Repeat a table's first row, each time as another thing."""
    column = GROW[name]
    table = pd.concat([TABLES[name].iloc[[0]]] * n_rows, ignore_index=True)
    if column.endswith("_start"):
        table[column] = pd.date_range("2000-01-03", periods=n_rows, freq="7D")
        if column != "week_start":
            table[column.replace("start", "end")] = table[column] + pd.Timedelta(days=6)
    elif column in ("age_days", "tenure_month", "mean_dose"):
        table[column] = np.arange(1.0, n_rows + 1)
    elif column == "discount_from":
        table["discount_from"] = np.arange(n_rows) / (2 * n_rows)
        table["discount_to"] = (np.arange(n_rows) + 1) / (2 * n_rows)
    else:
        names = [f"{column} {place:03d}" for place in range(n_rows)]
        if column in table:
            table[column] = names
        else:
            table.insert(0, column, names)  # as a column to split by
    return table


def without_intervals(table: pd.DataFrame) -> pd.DataFrame:
    """Blank the ends of all intervals."""
    ends = [name for name in table if name.endswith(("_low", "_high"))]
    return table.assign(**dict.fromkeys(ends, np.nan))
