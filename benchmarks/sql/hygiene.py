"""The queries of the reductions of `salesdiag.hygiene`, and figures that both must give."""

from __future__ import annotations


def cleaned(frames, table):
    """Rows, suspect, contradictory and left out, metric by metric; per day only those of reps."""
    rows = table.set_index(["metric", "from_stage"])[
        ["n_rows", "n_suspect", "n_contradictory", "n_rows_left_out"]
    ]
    deals, stages, leads, activities = (frame.sum(numeric_only=True) for frame in frames[:4])
    pairs = []
    for ours, metric in (("win_rate", "win_rate"), ("cycle", "cycle_days"),
                         ("amount", "won_amount"), ("price", "price_realisation")):  # fmt: skip
        found = deals[[f"{ours}_{one}" for one in ("rows", "suspect", "contradictory", "left_out")]]
        pairs.append((found, rows.loc[(metric, "")]))
    for step, stage in enumerate(("Qualified", "Demo", "Proposal", "Negotiation")):
        found = stages[[f"n_{one}_{step}" for one in ("rows", "suspect", "wrong", "left_out")]]
        pairs.append((found, rows.loc[("stage_conversion", stage)]))
    names = ["n_rows", "n_suspect", "n_contradictory", "n_left_out"]
    pairs += [(leads[names], rows.loc[("answered_leads", "")]),
              (activities[names], rows.loc[("activities_per_day", "")])]  # fmt: skip
    return pairs


_FILLED = {  # field and when: number of the query, rows that must carry it, rows that do
    ("deals", "rep_id", "always"): (0, "n_rows", "rep"),
    ("deals", "source", "always"): (0, "n_rows", "source"),
    ("deals", "expected_close_on", "open"): (0, "n_open", "expected_close_on"),
    ("deals", "amount", "open_from_stage"): (0, "n_later", "later_amount"),
    ("deals", "amount", "won"): (0, "n_won", "won_amount"),
    ("deals", "amount", "lost"): (0, "n_lost", "lost_amount"),
    ("deals", "closed_at", "closed"): (0, "n_closed", "closed_at"),
    ("deals", "loss_reason", "lost"): (0, "n_lost", "loss_reason"),
    ("leads", "rep_id", "always"): (1, "n_rows", "rep"),
    ("leads", "disqualify_reason", "disqualified"): (1, "n_disqualified", "reason"),
    ("leads", "deal_id", "converted"): (1, "n_converted", "deal"),
    ("activities", "deal_id, lead_id or account_id", "always"): (2, "n_rows", "link"),
    ("activities", "outcome", "call_or_meeting"): (2, "n_talks", "outcome"),
    ("activities", "duration_seconds", "reached"): (2, "n_reached", "duration"),
    ("activities", "due_at", "task"): (2, "n_tasks", "due_at"),
}


def filled(frames, table):
    rows = table.set_index(["table", "field", "required_when"])[["n_required", "n_filled"]]
    return [(frames[number][[whole, part]].sum(), rows.loc[key])
            for key, (number, whole, part) in _FILLED.items()]  # fmt: skip


_RULES = {
    "deals": {one: one for one in (
        "closed_before_created", "open_with_closing_date", "closed_without_date",
        "won_without_amount", "past_expected_close", "closed_in_open_stage",
        "open_in_closed_stage", "won_and_lost_disagree")},
    "stage_changes": {"early": "entered_before_creation", "late": "entered_after_closing",
                      "backwards": "skipped_backwards", "overlap": "owners_overlap"},
    "activities": {"late": "activity_after_closing"},
    "leads": {"early": "answered_before_created", "unnamed": "converted_without_deal"},
}  # fmt: skip


def contradictory(frames, table):
    given = table.set_index(["table", "rule"])
    pairs = []
    for frame, (name, rules) in zip(frames, _RULES.items(), strict=True):
        sums = frame.sum(numeric_only=True)
        for ours, rule in rules.items():
            row = given.loc[(name, rule)]
            pairs.append(([sums[f"whole_{ours}"], sums[f"part_{ours}"], sums[f"amount_{ours}"]],
                          row[["n_examined", "n_contradictory", "concerned_amount"]]))  # fmt: skip
    return pairs


_KINDS = {
    "activities": {"burst": "burst", "one_minute": "one_minute", "zero": "zero_duration",
                   "same": "same_duration", "round": "round_duration"},
    "deals": {"one_minute": "one_minute", "same_day": "create_and_win", "round": "round_amount"},
    "stage_changes": {"one_minute": "one_minute", "eve": "period_end_batch"},
    "leads": {"one_minute": "one_minute"},
}  # fmt: skip


def suspect(frames, table):
    given = table.set_index(["table", "kind"])
    pairs = []
    for frame, (name, kinds) in zip(frames, _KINDS.items(), strict=False):
        sums = frame.sum(numeric_only=True)
        for ours, kind in kinds.items():
            names = ["n_rows", "n_import", f"whole_{ours}", f"part_{ours}"]
            row = given.loc[(name, kind), ["n_rows", "n_import", "n_examined", "n_suspect"]]
            pairs.append((sums[names], row))
    return pairs


CASES = {
    "cleaned_metrics": (
        "cleaned_deals cleaned_stages cleaned_leads cleaned_activities rep_spans",
        cleaned,
    ),
    "completeness": ("filled_deals filled_leads filled_activities", filled),
    "contradictions": (
        "contradictory_deals contradictory_moves contradictory_activities contradictory_leads",
        contradictory,
    ),
    "suspect_entries": (
        "suspect_activities suspect_deals suspect_moves suspect_leads busy_hours",
        suspect,
    ),
}
