"""The queries of the reductions of `salesdiag.pipeline`, and figures that both must give."""

from __future__ import annotations

_ON = "2025-11-14"  # inside a quarter, where there is something left to cover
_STAGES = ["Qualified", "Demo", "Proposal", "Negotiation"]


def _by_stage(frame, names, table):
    """Give sums of a query for the stages of a table, in its order."""
    sums = frame[frame["code"] >= 0].groupby("code")[names].sum()
    return sums.set_axis([_STAGES[one] for one in sums.index]).reindex(table["stage"])


def coverage(frames, table):
    now = frames[1][(frames[1]["span"] == 0) & (frames[1]["band"] >= 0)]
    past = frames[1].loc[frames[1]["span"] > 0, "n_won"].sum()
    names = ["n_open", "pipeline", "due_pipeline", "n_past_won"]
    found = [*now[["n_deals", "worth", "due_worth"]].sum(), past]
    return [(found, table[names].iloc[0])]


def cycle(frames, table):
    dated = frames[0][frames[0]["age_days"] >= 0]
    given = table.set_index("outcome")
    pairs = [(dated["n_open"].sum(), table["n_open"].iloc[0])]
    return pairs + [(dated[f"n_{one}"].sum(), given.loc[one, "n_ended"]) for one in ("won", "lost")]


def velocity(frames, table):
    dated = frames[0][frames[0]["age_days"] >= 0]
    undated = frames[0].loc[frames[0]["age_days"] < 0, ["n_won", "n_lost", "n_open"]]
    names = ["n_won", "n_lost", "n_open"]
    return [(dated[names].sum(), table[names].iloc[0]),
            (undated.to_numpy().sum(), table["n_undated"].iloc[0])]  # fmt: skip


def changes(frames, table):
    kinds = ["opening", "new", "reopened", "pulled_in", "pushed_out", "won", "lost", "closing"]
    counts = [*(f"n_{one}" for one in kinds), "n_without_amount", "n_unknown", "n_opening_open"]
    found = frames[0].sort_values("scope")
    money = [f"{one}_amount" for one in kinds if one in found]
    amounts = found[[one for one in kinds if one in found]].fillna(0.0)
    return [(found[counts].to_numpy(), table[counts].to_numpy()),
            (amounts.to_numpy(), table[money].to_numpy())]  # fmt: skip


def snapshot(frames, table):
    names = ["n_open", "amount", "n_overdue", "n_without_due"]
    given = table[["n_open", "open_amount", "n_overdue", "n_without_due"]]
    learnt = _by_stage(frames[1], ["n_won", "n_lost", "n_left", "n_here"], table)
    return [(_by_stage(frames[0], names, table).to_numpy(), given.to_numpy()),
            (learnt.sum(axis=1), table["n_learnt"])]  # fmt: skip


def stalled(frames, table):
    found = _by_stage(frames[0], ["n_open", "open_amount"], table)
    learnt = _by_stage(frames[1], ["n_won", "n_lost", "n_left", "n_here"], table)
    return [(found.to_numpy(), table[["n_open", "open_amount"]].to_numpy()),
            (learnt.sum(axis=1), table["n_learnt"])]  # fmt: skip


def waits(frames, table):
    names = ["n_advanced", "n_lost", "n_back", "n_out", "n_open", "n_visits", "n_again"]
    first = frames[0][frames[0]["kind"] == 0]
    return [(_by_stage(first, names, table).to_numpy(), table[names].to_numpy())]


CASES = {
    "coverage": ("won_days coverage_cells", coverage, {"on": _ON}),
    "cycle_time": ("deal_ages", cycle),
    "pipeline_changes": ("pipeline_changes", changes),
    "pipeline_snapshot": ("open_snapshot stay_outcomes", snapshot),
    "sales_velocity": ("deal_ages_bundled", velocity),
    "stalled_deals": ("open_stays stay_outcomes", stalled),
    "time_in_stage": ("stage_waits", waits),
}
