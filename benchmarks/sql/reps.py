"""The queries of the reductions of `salesdiag.reps`, and figures that both must give."""

from __future__ import annotations

import pandas as pd

_MIX = "known_alike mix_wins mix_stages mix_money won_months rep_activity_months rep_spans " \
       "mix_worked mix_leads owners lead_repeats"  # fmt: skip
_STAGES = ["Qualified", "Demo", "Proposal", "Negotiation"]


def _named(frame):
    return frame[frame["unit_id"] != "unassigned"]


def holders(frames, table):
    """Deals, money and deals without an amount of the holders with a name."""
    rows = table.set_index(["holder", "measure"]).loc
    reps, accounts = (one[one["holder_id"] != "unassigned"] for one in frames)
    of_rep, of_account = rows["rep_id", "revenue"], rows["account_id", "deals_won"]
    return [
        (reps["amount"].sum(), of_rep["total"]),
        (reps["n_deals"].sum(), rows["rep_id", "deals_won"]["n_deals"]),
        (reps["n_without_amount"].sum(), of_rep["n_without_amount"]),
        (accounts["all_amount"].iloc[0], rows["account_id", "revenue"]["total"]),
        (accounts["all_n_deals"].iloc[0], of_account["n_deals"]),
    ]


def all_metrics(frames, table):
    """Cases and events of all reps with a name, by metric and step."""
    sums = table.groupby(["metric", "from_stage"])[["n_cases", "n_events"]].sum()
    pairs = []
    for frame, metric in ((frames[1], "win_rate"), (frames[7], "worked_deals"),
                          (frames[8], "answered_leads")):  # fmt: skip
        pairs.append((_named(frame)[["n_cases", "n_events"]].sum(), sums.loc[(metric, "")]))
    for step, stage in enumerate(_STAGES):
        own = _named(frames[2])
        own = own.loc[own["step"] == step, ["n_cases", "n_events"]].sum()
        pairs.append((own, sums.loc[("stage_conversion", stage)]))
    for metric, rows in _named(frames[3]).groupby("metric"):
        pairs.append((rows["n_cases"].sum(), sums.loc[(metric, "")]["n_cases"]))
    return pairs


def scorecard(frames, table):
    return all_metrics(frames, _named(table))


def steps(frames, table):
    """Deals of each rep at each step."""
    found = frames[1].assign(from_stage=[_STAGES[one] for one in frames[1]["step"]])
    found = found.assign(n_lost=found["n_cases"] - found["n_events"])
    found = found.set_index(["unit_id", "from_stage"])[["n_cases", "n_events", "n_lost", "n_open"]]
    given = table.set_index(["unit_id", "from_stage"])[["n_from", "n_to", "n_lost", "n_open"]]
    return [(found.reindex(given.index).to_numpy(), given.to_numpy())]


def halves(frames, table):
    """Deals decided and won by each rep in each half year."""
    pairs, days = [], pd.to_datetime(frames[0]["day"])
    for side in ("before", "after"):
        first, last = table[f"{side}_start"].iloc[0], table[f"{side}_end"].iloc[0]
        rows = frames[0][(days >= first) & (days <= last)]
        sums = rows.assign(n_decided=rows["n_won"] + rows["n_lost"]).groupby("rep_id")
        sums = sums[["n_decided", "n_won"]].sum().reindex(table["rep_id"], fill_value=0)
        pairs.append((sums.to_numpy(), table[[f"n_decided_{side}", f"n_won_{side}"]].to_numpy()))
    return pairs


def last_year(frames, table):
    """Deals given to, decided and won by each rep of the table within twelve months."""
    days = pd.to_datetime(frames[0]["day"])
    rows = frames[0][days > days.max() - pd.DateOffset(years=1)]
    rows = rows.assign(n_decided=rows["n_won"] + rows["n_lost"]).groupby("rep_id")
    given = table.drop_duplicates("rep_id").set_index("rep_id")
    found = rows[["n_decided", "n_won"]].sum().reindex(given.index, fill_value=0)
    n_given = frames[2].set_index("rep_id")["n_given"].reindex(given.index, fill_value=0)
    return [(found, given[["n_decided", "n_won"]]), (n_given, given["n_given"])]


def closed(frames, table):
    names = ["n_deals", "n_without_rep", "n_without_group"]
    return [(frames[0]["n"].sum(), table[names].iloc[0].sum())]


def loads(frames, table):
    """What lies on each rep's desk, kind by kind."""
    pairs = []
    for frame in frames[:3]:
        for load in frame.columns[1:]:
            rows = table[table["load"] == load].set_index("rep_id")["n_items"]
            found = frame.set_index("rep_id")[load].reindex(rows.index, fill_value=0)
            pairs.append((found, rows))
    return pairs


CASES = {
    "intervention_effect": (
        "closings rep_spans",
        None,
        {"treated": {"team": "North"}, "since": "2025-01-01"},
        "the team North treated since 2025; the table shows a fit, no counts",
    ),
    "key_person_share": ("rep_holders account_holders", holders),
    "ramp": ("closings rep_spans", None, {}, "the table shows months of tenure"),
    "ramp_time": ("closings rep_spans", None, {}, "the table shows times"),
    "rankability": (_MIX, all_metrics),
    "rep_scorecard": (_MIX, scorecard),
    "rep_trend": ("closings rep_spans", halves),
    "strengths": ("known_alike mix_stages", steps),
    "triage": ("closings rep_spans given_deals decided_mix rep_activity_days", last_year),
    "variance_split": ("closed_cells", closed),
    "workload": ("deal_loads lead_loads task_loads rep_spans", loads),
}
