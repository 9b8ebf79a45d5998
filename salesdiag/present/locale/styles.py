"""How the values of a column are written: its kind, its unit and its format in a workbook.

The name of a column tells it: by its suffix, or, where that says nothing, by the lists below.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal[
    "text", "count", "share", "points", "money", "days", "hours", "seconds", "ratio", "log",
    "p_value", "number", "date", "time", "flag",
]  # fmt: skip


class Style(NamedTuple):
    """How a column is written."""

    kind: Kind
    excel: str  # number format of a workbook; empty for text


_EXCEL: dict[Kind, str] = {
    "text": "", "count": "#,##0", "share": "0.0%", "points": "+0.0%;-0.0%;0.0%",
    "money": "#,##0.00", "days": "0.0", "hours": "0.0", "seconds": "0", "ratio": "0.00",
    "log": "0.000", "p_value": "0.0000", "number": "General", "date": "yyyy-mm-dd",
    "time": "yyyy-mm-dd hh:mm", "flag": "General",
}  # fmt: skip
_SUFFIXES: tuple[tuple[str, Kind], ...] = (
    ("p_value", "p_value"), ("q_value", "p_value"), ("_p", "p_value"),
    ("_log_part", "log"), ("log_ratio", "log"),
    ("_ratio", "ratio"), ("_pace", "ratio"),
    ("_rate", "share"), ("_share", "share"), ("_probability", "share"), ("_discount", "share"),
    ("_attainment", "share"), ("_wape", "share"), ("_bias", "share"), ("_margin", "share"),
    ("_growth", "share"), ("incidence_if_sooner", "share"), ("incidence_if_later", "share"),
    ("incidence_if_never", "share"), ("_correlation", "number"),
    ("_amount", "money"), ("_price", "money"), ("_cost", "money"),
    ("_days", "days"), ("_hours", "hours"), ("_seconds", "seconds"),
    ("_on", "date"), ("_at", "time"), ("_start", "date"), ("_end", "date"),
)  # fmt: skip
_NAMED: dict[Kind, str] = {
    "share": "attainment attainment_from attainment_to bias wape margin list_margin rankability "
    "discount_from discount_to discount_limit discount_gap shrunken_gap price_realisation "
    "probability reliability own_weight rep_dependence excess_part list_part "
    "capacity_concentration lead_concentration lead_quality herfindahl chance_herfindahl scatter "
    "least_propensity value_win_rate_without_largest relative_difference extra_discount",
    "points": "win_effect least_win_effect greatest_win_effect delay_effect second_effect "
    "doubling_effect closing_effect claimed_closing_effect conversion_difference mix_part "
    "rate_part adjusted_difference shrunken_difference quality_gap",
    "ratio": "ratio odds_ratio e_value e_value_limit relative_excess",
    "money": "target actual unplanned_actual base_amount actual_amount amount variable_amount",
    "count": "dose_bin attempt pushes tenure_month position lags leads",
    "hours": "within_hours",
    "date": "on hired_on left_on made_on snapshot_on since_on",
    "number": "effective_deals effective_leads effective_number expected_rank",
}
_KNOWN: dict[str, Kind] = {name: kind for kind, names in _NAMED.items() for name in names.split()}
# texts; every other column without a rule holds numbers
_TEXTS = """
activity_type adjusted_for against ask_for analysis basis category cause caveat
clock closing_test coefficient column component control cost_basis currency destination detail
direction disqualify_reason evidence examples exit_stage explanation factor field
file findings from_stage grade held_constant history_basis holder id ids item kind largest_id
level limit_basis limit_name load loss_reason margin_basis matters measure metric milestone
missing new_value next_step old_value outcome part population product question rank_note
reading reason relative required_when reversed_by role role_reading rule scope
scored_by segment severity sheet source speaks_for stage status step table target_basis team
term territory test threshold_basis to_stage topic unit unit_id value verdict volume_basis
account_name rep_name rivals
"""
TEXTS = frozenset(_TEXTS.split())


def style_of(column: str, *, is_text: bool = False) -> Style:
    """Tell how the values of a column are written.

    Parameters
    ----------
    column : str
        Its name in a table of the package.
    is_text : bool, default False
        Whether it holds text there, for names that are numbers elsewhere.

    Returns
    -------
    Style

    Examples
    --------
    >>> style_of("won_amount").kind, style_of("q_value").excel, style_of("team").kind
    ('money', '0.0000', 'text')
    """
    kind: Kind = "text" if is_text else _kind(column)
    return Style(kind, _EXCEL[kind])


def _kind(column: str) -> Kind:
    bare = column.removesuffix("_low").removesuffix("_high")
    if bare in _KNOWN:
        return _KNOWN[bare]
    if bare in TEXTS or bare.endswith(("_id", "_name", "_basis")):
        return "text"
    if bare.startswith("n_"):
        return "count"
    if bare.startswith("is_"):
        return "flag"
    return next((kind for end, kind in _SUFFIXES if bare.endswith(end)), "number")
