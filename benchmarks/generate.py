"""Write a large department as canonical Parquet files: 1 million deals and all that hangs on them.

    python benchmarks/generate.py [--deals 1000000] [--reps 150] [--seed 1] [--out benchmarks/data]

The same seed gives the same department. A few thousand faults are planted in otherwise clean
data; `faults.json` says how many of each, so that a check can be held against it.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

DATA = Path(__file__).parent / "data"
CHUNK = 250_000  # rows that are text at the same time, and of a row group
FIRST, LAST, END = (np.datetime64(day, "D") for day in ("2023-01-02", "2025-12-31", "2026-01-01"))

OPEN, WON, LOST = range(3)
STATUS = np.array(["open", "won", "lost"])
STAGES = np.array(["Qualified", "Demo", "Proposal", "Negotiation", "Won", "Lost"])
N_OPEN_STAGES = 4
GO_ON = (0.42, 0.56, 0.66, 0.74)  # chance to leave each stage for the next
GO_DAYS, LOSE_DAYS = (6, 9, 11, 10), (13, 17, 18, 20)  # medians, working days
SPREAD, SKIP, BACK, STALL = 0.8, 0.03, 0.02, 0.05

SOURCES = np.array(["website", "referral", "partner", "fair", "outbound"])
SEGMENTS = np.array(["small", "medium", "large"])
PRODUCTS = np.array(["Desks", "Chairs", "Screens", "Coffee", "Lighting"])
TEAMS = np.array(["North", "South", "East", "West", "Key"])
REASONS = np.array(["price", "competitor", "no budget", "no answer", "timing"])
KINDS = np.array(["call", "email", "meeting", "task", "note"])
OUTCOMES = np.array(["connected", "no_answer", "held", "no_show"])


@dataclass
class World:
    """The deals as arrays, one entry a deal in order of creation, and their moves."""

    rng: np.random.Generator
    n_reps: int
    created: np.ndarray
    closed: np.ndarray
    status: np.ndarray
    stage: np.ndarray
    rep: np.ndarray
    moves: dict[str, np.ndarray]
    faults: list[dict] = field(default_factory=list)

    @property
    def n(self):
        return len(self.created)

    def fault(self, pool, table, column, rule, per_million):
        """Take rows for a fault out of those left in the pool, and write down how many."""
        n = min(max(round(per_million * self.n / 1e6), 1), int(pool.sum()))
        rows = self.rng.choice(np.flatnonzero(pool), n, replace=False)
        self.faults.append({"table": table, "column": column, "rule": rule, "n": n})
        return rows


def moments(rng, days):
    """Give each day a second of working time."""
    seconds = rng.integers(8 * 3600, 17 * 3600, len(days))
    return days.astype("datetime64[s]") + seconds


def later(rng, days, median):
    wait = np.maximum(np.rint(median * np.exp(SPREAD * rng.standard_normal(len(days)))), 1)
    return np.busday_offset(days, wait.astype(int), roll="forward")


def make_world(n, n_reps, seed):
    """Let every deal go through the stages until it is won or lost, or the data end."""
    rng = np.random.default_rng(seed)
    span = int(np.busday_count(FIRST, END))
    days = np.busday_offset(FIRST, np.sort(rng.integers(0, span, n)))
    created = np.sort(moments(rng, days))
    world = World(
        rng, n_reps, created, np.full(n, np.datetime64("NaT"), "datetime64[s]"),
        np.full(n, OPEN, "int8"), np.zeros(n, "int8"),
        rng.choice(n_reps, n, p=rng.dirichlet(np.full(n_reps, 8.0))).astype("int16"), {},
    )  # fmt: skip
    parts = []

    def enter(deals, stage, when):
        parts.append((deals.astype("int32"), np.full(len(deals), stage, "int8"), when))

    alive, now = np.arange(n), created.copy()
    for stage in range(N_OPEN_STAGES):
        entered = rng.random(len(alive)) >= SKIP
        enter(alive[entered], stage, now[entered])
        world.stage[alive] = stage
        back = (rng.random(len(alive)) < BACK) & (stage > 0)
        now = _go_back(world, alive, now, back, stage, enter)
        goes = rng.random(len(alive)) < GO_ON[stage]
        median = np.where(goes, GO_DAYS[stage], LOSE_DAYS[stage])
        then = later(rng, now.astype("datetime64[D]"), median)
        ends = (then < END) & (rng.random(len(alive)) >= STALL)
        then = moments(rng, then)
        lost = ends & ~goes
        world.status[alive[lost]], world.stage[alive[lost]] = LOST, len(STAGES) - 1
        world.closed[alive[lost]] = then[lost]
        enter(alive[lost], len(STAGES) - 1, then[lost])
        on = ends & goes
        alive, now = alive[on], then[on]
    world.status[alive], world.stage[alive], world.closed[alive] = WON, N_OPEN_STAGES, now
    enter(alive, N_OPEN_STAGES, now)
    deal, stage, at = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    order = np.argsort(at, kind="stable")
    world.moves = {"deal": deal[order], "stage": stage[order], "at": at[order]}
    return world


def _go_back(world, alive, now, back, stage, enter):
    """Send some deals back to the stage before, and on again."""
    again = moments(world.rng, later(world.rng, now.astype("datetime64[D]"), 3))
    then = moments(world.rng, later(world.rng, again.astype("datetime64[D]"), 3))
    back &= then < END
    enter(alive[back], stage - 1, again[back])
    enter(alive[back], stage, then[back])
    return np.where(back, then, now)


# -- columns ---------------------------------------------------------------------------------


def ids(letter, numbers, width=8, null=None):
    text = pc.binary_join_element_wise(
        letter, pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), width, "0"), ""
    )
    return text if null is None else pc.if_else(pa.array(null), None, text)


def words(names, codes, null=None):
    return pa.DictionaryArray.from_arrays(
        pa.array(codes, pa.int32(), mask=null), pa.array(names)
    ).cast(pa.string())


def times(values):
    return pa.array(values.astype("datetime64[us]"))


def dates(values):
    return pa.array(values.astype("datetime64[D]"))


def money(values, null=None):
    exact = pa.array(np.round(values, 2), mask=null)
    return exact.cast(pa.decimal128(18, 4), safe=False)


def write(folder, name, n_rows, columns_of):
    """Write a table chunk by chunk; ``columns_of`` gives the columns of a slice of its rows."""
    writer = None
    for start in range(0, max(n_rows, 1), CHUNK):
        table = pa.table(columns_of(slice(start, min(start + CHUNK, n_rows))))
        writer = writer or pq.ParquetWriter(folder / f"{name}.parquet", table.schema)
        writer.write_table(table)
    writer.close()
    print(f"{name:14}{n_rows:>12,} rows")


# -- tables ----------------------------------------------------------------------------------


def write_deals(world, folder, leads, n_accounts):
    rng, n = world.rng, world.n
    created, closed, rep = world.created.copy(), world.closed.copy(), world.rep.copy()
    product = rng.integers(0, len(PRODUCTS), n)
    segment = rng.choice(len(SEGMENTS), n, p=(0.6, 0.3, 0.1))
    listed = 900 * np.exp(rng.normal(0, 0.6, n)) * np.array([1.0, 3.0, 10.0])[segment]
    amount = listed * (1 - np.minimum(rng.exponential(0.06, n), 0.4))
    account = rng.integers(0, n_accounts, n)
    expected = np.where(np.isnat(closed), END + rng.integers(5, 90, n), closed.astype("M8[D]"))
    clean = np.ones(n, bool)

    def fault(column, rule, per_million, status=(OPEN, WON, LOST)):
        pool = clean & np.isin(world.status, status)
        rows = world.fault(pool, "deals", column, rule, per_million)
        clean[rows] = False
        return rows

    rows = fault("closed_at", "closed before created", 1500, (WON, LOST))
    closed[rows] = created[rows] - np.timedelta64(3, "D")
    closed[fault("closed_at", "won without a closing date", 300, (WON,))] = np.datetime64("NaT")
    closed[fault("closed_at", "lost without a closing date", 700, (LOST,))] = np.datetime64("NaT")
    rows = fault("closed_at", "open, but with a closing date", 400, (OPEN,))
    closed[rows] = created[rows] + np.timedelta64(1, "h")
    rows = fault("created_at", "after the end of the data", 100, (OPEN,))
    created[rows] += np.timedelta64(1200, "D")
    rep[fault("rep_id", "not found in reps", 800)] = 999
    no_rep, no_amount = np.zeros(n, bool), np.zeros(n, bool)
    no_rep[fault("rep_id", "without a rep", 1000)] = True
    no_amount[fault("amount", "won without an amount", 600, (WON,))] = True
    rows = fault("amount", "below 0", 200, (OPEN, WON))
    amount[rows] = -amount[rows]
    account[fault("account_id", "not found in accounts", 500)] += n_accounts
    source = rng.integers(0, len(SOURCES), n)
    chance = np.array([0.25, 0.35, 0.5, 0.7, 1.0, 0.0])

    def columns(s):
        return {
            "deal_id": ids("D", np.arange(s.start, s.stop)),
            "status": words(STATUS, world.status[s]),
            "created_at": times(created[s]),
            "stage": words(STAGES, world.stage[s]),
            "closed_at": times(closed[s]),
            "rep_id": ids("R", rep[s], 3, no_rep[s]),
            "account_id": ids("C", account[s]),
            "lead_id": ids("L", np.maximum(leads[s], 0), null=leads[s] < 0),
            "source": words(SOURCES, source[s]),
            "segment": words(SEGMENTS, segment[s]),
            "product": words(PRODUCTS, product[s]),
            "amount": money(amount[s], no_amount[s]),
            "list_amount": money(listed[s]),
            "cost_amount": money(listed[s] * 0.62),
            "expected_close_on": dates(expected[s]),
            "probability": pa.array(chance[world.stage[s]]),
            "loss_reason": words(REASONS, product[s], world.status[s] != LOST),
        }

    write(folder, "deals", n, columns)


def write_moves(world, folder):
    deal, stage, at = (world.moves[name].copy() for name in ("deal", "stage", "at"))
    rep, pool = world.rep[deal], np.ones(len(deal), bool)
    for rule, per_million in (("not found in deals", 300), ("after the end of the data", 200)):
        column = "deal_id" if "found" in rule else "entered_at"
        rows = world.fault(pool, "stage_changes", column, rule, per_million)
        pool[rows] = False
        if column == "deal_id":
            deal[rows] = 90_000_000 + np.arange(len(rows))
        else:
            at[rows] += np.timedelta64(1200, "D")
    key = "deal_id, stage, entered_at"
    rows = world.fault(pool, "stage_changes", key, "repeated key", 400)
    rows = np.concatenate([np.arange(len(deal)), rows])

    def columns(s):
        taken = rows[s]
        return {
            "deal_id": ids("D", deal[taken]),
            "stage": words(STAGES, stage[taken]),
            "entered_at": times(at[taken]),
            "rep_id": ids("R", rep[taken], 3),
        }

    write(folder, "stage_changes", len(rows), columns)


def write_leads(world, folder, n):
    """Write the leads, and tell of each deal which lead it came from (-1: of none)."""
    rng = world.rng
    deal = np.full(n, -1)
    from_lead = rng.choice(world.n, min(int(0.7 * world.n), n), replace=False)
    deal[: len(from_lead)] = from_lead
    days = np.busday_offset(FIRST, rng.integers(0, int(np.busday_count(FIRST, END)), n))
    became = world.created[from_lead].astype("datetime64[D]")
    days[: len(from_lead)] = np.busday_offset(became, -rng.integers(1, 15, len(from_lead)))
    created = moments(rng, days)
    order = np.argsort(created, kind="stable")
    created, deal = created[order], deal[order]
    of_deal = np.full(world.n, -1)
    of_deal[deal[deal >= 0]] = np.flatnonzero(deal >= 0)
    answer = created + np.rint(3600 * 2 * np.exp(rng.normal(0, 1.4, n))).astype("timedelta64[s]")
    answer[(answer >= END) | ((deal < 0) & (rng.random(n) < 0.2))] = np.datetime64("NaT")
    rows = world.fault(~np.isnat(answer), "leads", "first_response_at",
                       "answered before it came in", 1200)  # fmt: skip
    answer[rows] = created[rows] - np.timedelta64(2, "D")
    rep = np.where(deal >= 0, world.rep[deal], rng.integers(0, world.n_reps, n))
    no_rep = np.zeros(n, bool)
    no_rep[world.fault(~no_rep, "leads", "rep_id", "without a rep", 900)] = True
    states = np.array(["new", "working", "qualified", "disqualified", "converted"])
    status = np.where(deal >= 0, 4, rng.choice(4, n, p=(0.05, 0.15, 0.1, 0.7)))
    source, segment = rng.integers(0, len(SOURCES), n), rng.integers(0, len(SEGMENTS), n)

    def columns(s):
        return {
            "lead_id": ids("L", np.arange(s.start, s.stop)),
            "created_at": times(created[s]),
            "rep_id": ids("R", rep[s], 3, no_rep[s]),
            "source": words(SOURCES, source[s]),
            "segment": words(SEGMENTS, segment[s]),
            "first_response_at": times(answer[s]),
            "deal_id": ids("D", np.maximum(deal[s], 0), null=deal[s] < 0),
            "status": words(states, status[s]),
            "disqualify_reason": words(REASONS, source[s], status[s] != 3),
        }

    write(folder, "leads", n, columns)
    return of_deal


def write_activities(world, folder, n, n_leads, n_accounts):
    rng = world.rng
    link = rng.choice(3, n, p=(0.85, 0.12, 0.03)).astype("int8")  # deal, lead, account
    deal = rng.integers(0, world.n, n).astype("int32")
    begun = world.created[deal]
    ended = np.where(np.isnat(world.closed[deal]), END.astype("M8[s]"), world.closed[deal])
    seconds = ((ended - begun).astype("int64") * rng.random(n)).astype("int64")
    order = np.argsort(begun + seconds, kind="stable")
    at, deal, link = (begun + seconds)[order], deal[order], link[order]
    del begun, ended, seconds, order
    rep = world.rep[deal]
    kind = rng.choice(len(KINDS), n, p=(0.45, 0.3, 0.1, 0.12, 0.03)).astype("int8")
    length = rng.exponential(240, n).astype("float32").round()
    pool = np.ones(n, bool)

    def fault(column, rule, per_million, where=True):  # noqa: FBT002
        rows = world.fault(pool & where, "activities", column, rule, per_million)
        pool[rows] = False
        return rows

    deal[fault("deal_id", "not found in deals", 1000, link == 0)] = 90_000_000
    link[fault("deal_id, lead_id, account_id", "belongs to nothing", 2000)] = 3
    rep[fault("rep_id", "not found in reps", 1000)] = 999
    length[fault("duration_seconds", "above 86400", 300, kind == 0)] = 90_000
    at[fault("occurred_at", "after the end of the data", 150)] += np.timedelta64(1200, "D")
    rows = np.concatenate([np.arange(n), fault("activity_id", "repeated key", 500)])
    outcome = rng.integers(0, len(OUTCOMES), n).astype("int8")

    def columns(s):
        row = rows[s]
        is_task = kind[row] == 3
        due = np.where(is_task, at[row], np.datetime64("NaT"))
        return {
            "activity_id": ids("A", row),
            "activity_type": words(KINDS, kind[row]),
            "occurred_at": times(at[row]),
            "rep_id": ids("R", rep[row], 3),
            "deal_id": ids("D", deal[row], null=link[row] != 0),
            "lead_id": ids("L", deal[row] % n_leads, null=link[row] != 1),
            "account_id": ids("C", deal[row] % n_accounts, null=link[row] != 2),
            "direction": words(np.array(["outbound", "inbound"]), outcome[row] // 3),
            "outcome": words(OUTCOMES, outcome[row], kind[row] != 0),
            "duration_seconds": pa.array(length[row].astype(float), mask=kind[row] != 0),
            "due_at": times(due),
            "completed_at": times(due + np.timedelta64(3600, "s")),
        }

    write(folder, "activities", len(rows), columns)


def write_small(world, folder, n_accounts):
    """Write the accounts, reps, stages and targets."""
    rng, n_reps = world.rng, world.n_reps
    territories = np.array(["Berlin", "Hamburg", "Munich", "Cologne", "Leipzig"])
    size = rng.integers(0, len(SEGMENTS), n_accounts)
    known = moments(rng, np.busday_offset(np.datetime64("2018-01-01"),
                                          rng.integers(0, 1200, n_accounts)))  # fmt: skip
    worth = np.round(rng.exponential(20_000, n_accounts), -2)
    write(folder, "accounts", n_accounts, lambda s: {
        "account_id": ids("C", np.arange(s.start, s.stop)),
        "account_name": ids("Customer ", np.arange(s.start, s.stop)),
        "segment": words(SEGMENTS, size[s]),
        "territory": words(territories, size[s]),
        "created_at": times(known[s]),
        "potential_amount": money(worth[s]),
    })  # fmt: skip
    team = np.arange(n_reps) % len(TEAMS)
    write(folder, "reps", n_reps, lambda s: {
        "rep_id": ids("R", np.arange(n_reps)[s], 3),
        "rep_name": ids("Seller ", np.arange(n_reps)[s], 3),
        "team": words(TEAMS, team[s]),
        "manager_id": ids("R", team[s], 3, np.arange(n_reps)[s] < len(TEAMS)),
        "territory": words(territories, team[s]),
        "role": words(np.array(["manager", "rep"]), (np.arange(n_reps)[s] >= len(TEAMS)) * 1),
        "hired_on": dates(FIRST - rng.integers(10, 2000, n_reps)[s]),
    })  # fmt: skip
    write(folder, "stages", len(STAGES), lambda s: {
        "stage": STAGES[s],
        "position": np.arange(1, len(STAGES) + 1)[s],
        "status": np.array(["open"] * N_OPEN_STAGES + ["won", "lost"])[s],
        "probability": np.array([0.25, 0.35, 0.5, 0.7, 1.0, 0.0])[s],
    })  # fmt: skip
    quarters = np.arange("2023-01", "2026-04", 3, dtype="datetime64[M]")
    owner = [("rep", f"R{rep:03}", 1 / n_reps) for rep in range(len(TEAMS), n_reps)]
    owner += [("team", str(name), 1 / len(TEAMS)) for name in TEAMS]
    owner.append(("department", None, 1.0))
    plan = [(level, one, q, q + 3, share) for level, one, share in owner for q in quarters[:-1]]
    level, one, start, end, share = zip(*plan, strict=True)
    per_quarter = world.n * 23  # a little more than it wins
    write(folder, "targets", len(plan), lambda s: {
        "level": pa.array(level[s]),
        "id": pa.array(one[s], pa.string()),
        "period_start": dates(np.array(start[s])),
        "period_end": dates(np.array(end[s]).astype("datetime64[D]") - np.timedelta64(1, "D")),
        "metric": pa.array(["revenue"] * len(level[s])),
        "target": money(np.array(share[s]) * per_quarter),
    })  # fmt: skip


def generate(folder, n_deals=1_000_000, n_reps=150, seed=1):
    """Write the whole department into a folder."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    n_leads, n_accounts = max(int(1.2 * n_deals), 1), max(int(0.3 * n_deals), 1)
    world = make_world(n_deals, n_reps, seed)
    leads = write_leads(world, folder, n_leads)
    write_deals(world, folder, leads, n_accounts)
    write_moves(world, folder)
    write_activities(world, folder, 10 * n_deals, n_leads, n_accounts)
    write_small(world, folder, n_accounts)
    (folder / "department.toml").write_text(
        f'name = "Benchmark"\nas_of = {LAST}\ncurrency = "EUR"\ntime_zone = "Europe/Berlin"\n'
        'fiscal_year_start = 1\nworking_days = ["mon", "tue", "wed", "thu", "fri"]\n'
        'working_hours = ["08:00", "17:00"]\nholidays = "DE"\n',
        encoding="utf-8",
    )
    (folder / "faults.json").write_text(json.dumps(world.faults, indent=1), encoding="utf-8")
    total = sum(fault["n"] for fault in world.faults)
    print(f"{total:,} planted faults of {len(world.faults)} kinds, in {folder}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--deals", type=int, default=1_000_000)
    parser.add_argument("--reps", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=DATA)
    given = parser.parse_args()
    generate(given.out, given.deals, given.reps, given.seed)


if __name__ == "__main__":
    main()
