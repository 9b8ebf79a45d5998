"""The queries of the reductions of `salesdiag.leads`, and figures that both must give."""

from __future__ import annotations


def attempts(frames, table):
    """Leads tried at least so often, and those of them reached at that try."""
    found, whole = frames[1], table.iloc[0]
    tried = found["n_tries"] + found["is_reached"]
    untried = found.loc[tried == 0, "n"].sum()
    pairs = [(found["n"].sum(), whole["n_leads"]), (untried, whole["n_untried"])]
    first = found[tried >= 1]
    pairs.append((first["n"].sum(), whole["n_tried"]))
    reached = found.loc[found["is_reached"] & (found["n_tries"] == 0), "n"].sum()
    early = found["n_early"].sum()
    return [*pairs, (reached, whole["n_reached"]), (early, whole["n_early_attempts"])]


def received(frames, table):
    names = {"n": "n_leads", "n_mature": "n_mature", "n_hit": "n_converted"}
    found = frames[1].groupby("rep_id")[list(names)].sum().reindex(table["rep_id"], fill_value=0)
    return [(found.to_numpy(), table[list(names.values())].to_numpy())]


def alike(frames, table):
    """Leads by how long they waited, and those that were qualified."""
    found = frames[1].groupby("band")[["n", "n_qualified"]].sum()
    rows = table[table["outcome"] == "qualified"]
    left = [found["n"].get(code, 0) for code in (-1, -2, -3)]
    whole = rows[["n_unanswered", "n_answered_early", "n_young"]].iloc[0]
    used = found[found.index >= 0].reset_index(drop=True)
    return [(left, whole), (used, rows[["n_leads", "n_converted"]].reset_index(drop=True))]


def waits(frames, table):
    found = frames[1].groupby("clock")[["n_answered", "n_open", "n_early"]].sum().loc["working"]
    row = table[["n_answered", "n_unanswered", "n_answered_early"]].iloc[0]
    rows = frames[1][frames[1]["clock"] == "working"]
    within = [rows.loc[rows["minutes"] <= 60 * hours, "n_answered"].sum()
              for hours in table["within_hours"]]  # fmt: skip
    return [(found, row), (within, table["n_within"])]


def sources(frames, table):
    names = ["n_leads", "n_qualified", "n_deals", "n_won", "n_lost", "n_deal_unknown",
             "n_won_without_amount", "won_amount"]  # fmt: skip
    found = frames[1].groupby("source")[names].sum().reindex(table["source"])
    ages = frames[2][frames[2]["outcome"] == "won"]
    whole = ages[["n_event", "n_rival", "n_open"]].to_numpy().sum()
    return [(found.to_numpy(), table[names].to_numpy()), (whole, table["n_leads"].sum())]


def unworked(frames, table):
    names = ["n_leads", "n_young", "n_dropped", "n_unworked", "n_late"]
    return [(frames[1][names].sum(), table[names].iloc[0])]


CASES = {
    "attempts": ("lead_repeats lead_attempts", attempts),
    "lead_distribution": ("lead_repeats leads_received rep_spans", received),
    "response_effect": ("lead_deal_repeats leads_alike", alike),
    "response_time": ("lead_repeats lead_waits", waits),
    "source_quality": ("lead_deal_repeats source_totals source_ages", sources),
    "unworked_leads": ("lead_deal_repeats leads_unworked", unworked),
}
