"""What the library is held against: the same figures by hand, in SQL and in pandas."""

from __future__ import annotations

import duckdb
import pandas as pd
import pyarrow.parquet as pq

TABLES = ("deals", "stage_changes", "activities", "leads", "accounts", "reps", "stages", "targets")
COUNTS = ["n_to", "n_lost", "n_passed_by", "n_open", "n_skipped", "n_returned",
          "n_without_history"]  # fmt: skip

# the columns of each table that `check` looks at
CHECKED = {
    "deals": "deal_id status created_at stage closed_at rep_id account_id lead_id amount "
             "list_amount cost_amount expected_close_on probability loss_reason",
    "stage_changes": "deal_id stage entered_at rep_id",
    "activities": "activity_id occurred_at rep_id deal_id lead_id account_id duration_seconds "
                  "completed_at",
    "leads": "lead_id created_at rep_id first_response_at deal_id status",
    "accounts": "account_id created_at potential_amount",
    "reps": "rep_id team manager_id",
    "stages": "stage position probability",
    "targets": "level id period_start period_end metric target",
}  # fmt: skip

STEPS = ("Qualified", "Demo", "Proposal", "Negotiation", "Won")

WAITS = """
WITH per_deal AS (
    SELECT
        deal_id,
        max(entered_at) AS last_at,
        min(entered_at) FILTER (WHERE stage IN ('Qualified', 'Demo', 'Proposal', 'Negotiation',
                                                'Won')) AS reached_0,
        min(entered_at) FILTER (WHERE stage IN ('Demo', 'Proposal', 'Negotiation', 'Won'))
            AS reached_1,
        min(entered_at) FILTER (WHERE stage IN ('Proposal', 'Negotiation', 'Won')) AS reached_2,
        min(entered_at) FILTER (WHERE stage IN ('Negotiation', 'Won')) AS reached_3,
        min(entered_at) FILTER (WHERE stage = 'Won') AS reached_4,
        max(entered_at) FILTER (WHERE stage = 'Qualified') AS entered_0,
        max(entered_at) FILTER (WHERE stage = 'Demo') AS entered_1,
        max(entered_at) FILTER (WHERE stage = 'Proposal') AS entered_2,
        max(entered_at) FILTER (WHERE stage = 'Negotiation') AS entered_3
    FROM stage_changes
    WHERE entered_at < $end
    GROUP BY deal_id
), placed AS (
    SELECT
        p.* EXCLUDE (deal_id, reached_0, entered_0),
        d.status, coalesce(d.rep_id, 'unassigned') AS rep_id, d.closed_at,
        p.reached_0 IS NULL AS is_unmoved,
        coalesce(p.reached_0, d.created_at) AS reached_0,
        CASE WHEN p.reached_0 IS NULL THEN d.created_at ELSE p.entered_0 END AS entered_0
    FROM deals d
    LEFT JOIN per_deal p USING (deal_id)
    WHERE (p.reached_0 IS NOT NULL
           OR d.created_at >= (SELECT min(entered_at)::DATE FROM stage_changes))
      AND (d.created_at IS NULL OR d.created_at::DATE <= $as_of)
), dated AS (
    SELECT *, coalesce(closed_at, last_at, reached_0) AS end_at FROM placed
), stepped AS (
    SELECT rep_id, status, end_at, 0 AS step, reached_0 AS here_at, reached_1 AS passed_at,
           entered_0 AS entered_at, is_unmoved FROM dated
    UNION ALL
    SELECT rep_id, status, end_at, 1, reached_1, reached_2, entered_1, false FROM dated
    UNION ALL
    SELECT rep_id, status, end_at, 2, reached_2, reached_3, entered_2, false FROM dated
    UNION ALL
    SELECT rep_id, status, end_at, 3, reached_3, reached_4, entered_3, false FROM dated
), timed AS (
    SELECT
        rep_id, step, status, entered_at, end_at, passed_at, is_unmoved,
        CASE WHEN status = 'won' THEN coalesce(passed_at, end_at)
             WHEN step < 3 THEN passed_at END AS next_at,
        CASE WHEN status = 'won' THEN coalesce(here_at, passed_at, end_at) ELSE here_at END
            AS here_at
    FROM stepped
    WHERE here_at IS NOT NULL OR status = 'won'
)
SELECT
    rep_id,
    step,
    greatest(date_diff(
        'day', here_at::DATE,
        coalesce(next_at::DATE, CASE WHEN status = 'lost' THEN end_at::DATE END, $as_of)
    ), 0) AS wait_days,
    count(next_at) AS n_to,
    count(*) FILTER (WHERE next_at IS NULL AND status = 'lost') AS n_lost,
    0::BIGINT AS n_passed_by,  -- who reached a later stage has passed all before it
    count(*) FILTER (WHERE next_at IS NULL AND status <> 'lost') AS n_open,
    count(*) FILTER (WHERE entered_at IS NULL) AS n_skipped,
    count(*) FILTER (WHERE next_at IS NOT NULL AND entered_at > passed_at) AS n_returned,
    count(*) FILTER (WHERE is_unmoved) AS n_without_history
FROM timed
GROUP BY ALL
"""


def connect(folder):
    """Open DuckDB as the library does, in memory over the files where they are."""
    connection = duckdb.connect()
    for name in TABLES:
        connection.read_parquet(str(folder / f"{name}.parquet")).create_view(name)
    return connection


def waits_in_sql(connection, as_of):
    """Count the waits by rep, step and days with one query."""
    given = {"as_of": as_of.date(), "end": as_of + pd.Timedelta(days=1)}
    return connection.execute(WAITS, given).df()


def read_frames(folder):
    """Read what the pandas version needs into memory."""
    deals = pd.read_parquet(
        folder / "deals.parquet",
        columns=["deal_id", "status", "created_at", "closed_at", "rep_id"],
    )
    moves = pd.read_parquet(
        folder / "stage_changes.parquet", columns=["deal_id", "stage", "entered_at"]
    )
    return deals, moves


def waits_in_pandas(deals, moves, as_of):
    """Count the waits by rep, step and days with groupby, pivot and merge."""
    first_day = moves["entered_at"].min().normalize()
    moves = moves[moves["entered_at"] < as_of + pd.Timedelta(days=1)]
    deals = deals[~(deals["created_at"] >= as_of + pd.Timedelta(days=1))]
    last = moves.groupby("deal_id")["entered_at"].max().rename("last_at")
    ladder = {stage: step for step, stage in enumerate(STEPS)}
    moves = moves.assign(step=moves["stage"].map(ladder)).dropna(subset="step")
    ends = moves.groupby(["deal_id", "step"])["entered_at"].agg(["min", "max"])
    first, latest = ends["min"].unstack(), ends["max"].unstack()  # noqa: PD010
    reached = first.copy()
    for step in range(len(STEPS) - 2, -1, -1):
        own, later = first[step], reached[step + 1]
        reached[step] = own.where((own <= later) | later.isna(), later)
    # the suffixes are floats: missing stages made them so
    wide = deals.merge(last, left_on="deal_id", right_index=True, how="left")
    wide = wide.merge(reached.add_prefix("reached_"), left_on="deal_id", right_index=True,
                      how="left")  # fmt: skip
    wide = wide.merge(latest.add_prefix("entered_"), left_on="deal_id", right_index=True,
                      how="left")  # fmt: skip
    wide["unmoved"] = wide["reached_0.0"].isna()
    wide = wide[~wide["unmoved"] | (wide["created_at"] >= first_day)]
    for name in ("reached_0.0", "entered_0.0"):
        wide[name] = wide[name].mask(wide["unmoved"], wide["created_at"])
    wide["rep_id"] = wide["rep_id"].fillna("unassigned")
    wide["end_at"] = wide["closed_at"].fillna(wide["last_at"]).fillna(wide["reached_0.0"])
    won, lost = wide["status"] == "won", wide["status"] == "lost"
    parts = []
    for step in range(len(STEPS) - 1):
        passed = wide[f"reached_{step + 1:.1f}"]
        ahead = passed if step < len(STEPS) - 2 else passed.where(won)
        ahead = ahead.fillna(wide["end_at"].where(won))
        part = pd.DataFrame({
            "rep_id": wide["rep_id"], "step": step, "next_at": ahead, "passed_at": passed,
            "here_at": wide[f"reached_{step:.1f}"].fillna(ahead),
            "entered_at": wide[f"entered_{step:.1f}"],
            "end_at": wide["end_at"].where(lost), "lost": lost,
            "n_without_history": wide["unmoved"] & (step == 0),
        })  # fmt: skip
        parts.append(part.dropna(subset="here_at"))
    rows = pd.concat(parts)
    until = rows["next_at"].fillna(rows["end_at"]).fillna(as_of).dt.normalize()
    rows["wait_days"] = (until - rows["here_at"].dt.normalize()).dt.days.clip(lower=0)
    rows["n_to"] = rows["next_at"].notna()
    rows["n_lost"] = rows["next_at"].isna() & rows["lost"]
    rows["n_open"] = rows["next_at"].isna() & ~rows["lost"]
    rows["n_passed_by"] = 0  # who reached a later stage has passed all before it
    rows["n_skipped"] = rows["entered_at"].isna()
    rows["n_returned"] = rows["n_to"] & (rows["entered_at"] > rows["passed_at"])
    return rows.groupby(["rep_id", "step", "wait_days"], as_index=False)[COUNTS].sum()


def scans(folder):
    """Write one SELECT a table that reads what `check` reads."""
    queries = []
    for name in TABLES:
        there = pq.read_schema(folder / f"{name}.parquet").names
        columns = [f'"{one}"' for one in CHECKED[name].split() if one in there]
        figures = ", ".join(f"count({one}), min({one}), max({one})" for one in columns)
        queries.append(f"SELECT count(*), {figures} FROM {name}")
    return queries
