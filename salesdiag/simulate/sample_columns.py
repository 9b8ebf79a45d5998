"""The tables of the sample department as columns, made from what happened in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from salesdiag.simulate import sample_process as process
from salesdiag.simulate import sample_setting as setting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from salesdiag.simulate.sample_process import World
    from salesdiag.simulate.sample_setting import Flags, Floats, Ints, Times

    Texts: TypeAlias = NDArray[np.object_]
    Columns: TypeAlias = dict[str, NDArray[Any]]

_NO_TIME = np.datetime64("NaT", "s")
_AS_OF = np.datetime64("2025-12-31", "s")
_STAGE_CHANCE = (0.25, 0.35, 0.5, 0.7, 1.0, 0.0)
_CALL, _EMAIL, _MEETING, _TASK = range(4)
_REASONS = ("price", "competitor", "no decision", "no budget", "timing", "no need")
_DROPS = ("no need", "no budget", "wrong contact", "no answer")


def all_columns(rng: np.random.Generator, world: World) -> dict[str, Columns]:
    """Make the columns of all tables, without blemishes.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the draws that the process did not need.
    world : World
        What happened.

    Returns
    -------
    dict of str to dict of str to array
        Columns by table.
    """
    return {
        "deals": _deals(rng, world),
        "stage_changes": _stage_changes(world),
        "stages": _stages(),
        "leads": _leads(rng, world),
        "activities": _activities(rng, world),
        "reps": _reps(),
        "targets": _targets(),
        "accounts": _accounts(rng, world),
        "line_items": _line_items(world),
    }


def _pick(values: Sequence[str | None], codes: Ints, where: Flags | None = None) -> Texts:
    texts: Texts = np.array(values, dtype=object)[codes]
    return texts if where is None else _only(texts, where)


def _only(texts: NDArray[Any], where: Flags) -> Texts:
    """Keep the texts there, null elsewhere."""
    kept = np.full(len(texts), None, dtype=object)
    kept[where] = texts[where]
    return kept


def _is_text(texts: Texts) -> Flags:
    return np.array([text is not None for text in texts])


def _ids(letter: str, n: int) -> Texts:
    width = len(str(n))
    return np.array([f"{letter}{number:0{width}d}" for number in range(1, n + 1)], dtype=object)


def _rep_ids(rep: Ints) -> Texts:
    ids: Texts = _ids("R", len(setting.REPS))[rep]
    return ids


def _times(clock: Ints) -> Times:
    """Give moments, null where they lie beyond the end of the data."""
    return np.where(clock <= setting.END, setting.to_time(clock), _NO_TIME)


def _lead_ids(world: World) -> Texts:
    """Give each entry its id; what is outbound or older than the data has none."""
    listed = (world.leads.source != setting.OUTBOUND) & (
        world.leads.created >= np.datetime64("2024-01-01")
    )
    ids = np.full(len(listed), None, dtype=object)
    ids[listed] = _ids("L", int(listed.sum()))
    return ids


def _deals(rng: np.random.Generator, world: World) -> Columns:
    n, stage, lead = len(world.lead), world.stage, world.lead
    is_open, is_lost = stage < setting.WON, stage == setting.LOST
    # The expected close is a guess near the truth; of what is open it lies ahead.
    noise = (rng.normal(size=n) * 12).astype(np.int64)
    ahead = rng.integers(3, 75, n).astype("timedelta64[D]")
    guess = setting.to_time(world.end).astype("datetime64[D]") + noise.astype("timedelta64[D]")
    guess = np.maximum(guess, setting.to_time(world.start).astype("datetime64[D]"))
    reason = rng.integers(0, len(_REASONS), n)
    return {
        "deal_id": _ids("D", n),
        "status": np.where(is_open, "open", np.where(is_lost, "lost", "won")),
        "created_at": setting.to_time(world.start),
        "stage": _pick(setting.STAGES, stage),
        "closed_at": np.where(is_open, _NO_TIME, setting.to_time(world.end)),
        "rep_id": _rep_ids(setting.owner_at(world.rep, world.end)),
        "account_id": _ids("C", setting.N_ACCOUNTS)[world.account],
        "lead_id": _lead_ids(world)[lead],
        "source": _pick(setting.SOURCES, world.leads.source[lead]),
        "segment": _pick(setting.SEGMENTS, world.leads.segment[lead]),
        "product": _pick(setting.PRODUCTS, world.product[:, 0]),
        "amount": _sums(world, world.unit_price),
        "list_amount": _sums(world, setting.LIST_PRICE[world.product]),
        "cost_amount": _sums(world, setting.UNIT_COST[world.product]),
        "expected_close_on": np.where(is_open, _AS_OF + ahead, guess).astype("datetime64[s]"),
        "probability": np.array(_STAGE_CHANCE)[stage],
        "loss_reason": _pick(_REASONS, reason, is_lost & (rng.random(n) < 0.92)),
    }


def _sums(world: World, prices: Floats) -> Floats:
    total: Floats = np.round((world.quantity * prices).sum(axis=1), 2)
    return total


def _line_items(world: World) -> Columns:
    deal, line = np.nonzero((world.quantity > 0) & world.quoted[:, None])
    product = world.product[deal, line]
    return {
        "deal_id": _ids("D", len(world.lead))[deal],
        "product": _pick(setting.PRODUCTS, product),
        "quantity": world.quantity[deal, line],
        "list_price": setting.LIST_PRICE[product],
        "unit_price": world.unit_price[deal, line],
        "unit_cost": setting.UNIT_COST[product],
    }


def _stage_changes(world: World) -> Columns:
    moves = world.moves
    return {
        "deal_id": _ids("D", len(world.lead))[moves.deal],
        "stage": _pick(setting.STAGES, moves.stage),
        "entered_at": setting.to_time(moves.clock),
        "rep_id": _rep_ids(setting.owner_at(world.rep[moves.deal], moves.clock)),
    }


def _stages() -> Columns:
    return {
        "stage": np.array(setting.STAGES, dtype=object),
        "position": np.arange(1, 7),
        "status": np.array(["open"] * 4 + ["won", "lost"], dtype=object),
        "probability": np.array(_STAGE_CHANCE),
    }


def _leads(rng: np.random.Generator, world: World) -> Columns:
    leads, ids = world.leads, _lead_ids(world)
    deal_ids = np.full(len(ids), None, dtype=object)
    deal_ids[world.lead] = _ids("D", len(world.lead))
    fate = np.where(leads.decided <= setting.END, leads.fate, process.WORKING)
    is_qualified = (fate == process.DEAL) | (fate == process.QUALIFIED)
    status = _pick(("converted", "working", "qualified", "disqualified"), fate)
    drop = rng.integers(0, len(_DROPS), len(fate))
    columns = {
        "lead_id": ids,
        "created_at": leads.created,
        "rep_id": _rep_ids(leads.rep),
        "source": _pick(setting.SOURCES, leads.source),
        "segment": _pick(setting.SEGMENTS, leads.segment),
        "first_response_at": _times(leads.answered),
        "qualified_at": np.where(is_qualified, _times(leads.decided), _NO_TIME),
        "deal_id": deal_ids,
        "status": np.where(leads.answered <= setting.END, status, "new"),
        "disqualify_reason": _pick(_DROPS, drop, fate == process.DROPPED),
    }
    kept = _is_text(ids)
    return {name: column[kept] for name, column in columns.items()}


def _activities(rng: np.random.Generator, world: World) -> Columns:
    """Make the first answers to leads, and what was done for the open deals."""
    begin = np.maximum(world.start, setting.START)
    days = np.maximum(world.end - begin, 0) / setting.DAY_SECONDS
    # A deal that drags on gets less and less attention.
    deal = np.repeat(np.arange(len(days)), rng.poisson(0.22 * np.fmin(days, 25 + days / 4)))
    clock = begin[deal] + (rng.random(len(deal)) * (world.end - begin)[deal]).astype(np.int64)
    lead_ids = _lead_ids(world)
    lead = np.nonzero(_is_text(lead_ids) & (world.leads.answered <= setting.END))[0]
    rep = np.concatenate([world.rep[deal], world.leads.rep[lead]])
    clock = np.concatenate([clock, world.leads.answered[lead]])
    order = np.argsort(clock, kind="stable")
    is_answer = np.repeat([False, True], [len(deal), len(lead)])
    deal_ids = _ids("D", len(days))[deal]
    columns = {
        "rep_id": _rep_ids(setting.owner_at(rep, clock)),
        "deal_id": np.concatenate([deal_ids, np.full(len(lead), None)]),
        "lead_id": np.concatenate([np.full(len(deal), None), lead_ids[lead]]),
    }
    return dict(
        activity_id=_ids("A", len(clock)),
        occurred_at=setting.to_time(clock[order]),
        **{name: column[order] for name, column in columns.items()},
        **_contents(rng, clock[order], is_answer[order]),
    )


def _contents(rng: np.random.Generator, clock: Ints, is_answer: Flags) -> Columns:
    n = len(clock)
    # An answer is a call or an e-mail, and goes out.
    kind = np.searchsorted([0.42, 0.72, 0.87], rng.random(n) * np.where(is_answer, 0.72, 1.0))
    call, meeting, task = kind == _CALL, kind == _MEETING, kind == _TASK
    direction = np.where(is_answer | (rng.random(n) < 0.8), "outbound", "inbound")
    works = rng.random(n) < np.where(call, 0.45, 0.88)
    outcome = np.where(call, np.where(works, "connected", "no_answer"), "held")
    outcome = np.where(meeting & ~works, "no_show", outcome)
    talk = np.where(call, 30 + rng.exponential(280.0, n), 1_800 + 2_400 * rng.random(n))
    due = clock + rng.integers(1, 6, n) * setting.DAY_SECONDS
    late = (rng.normal(size=n) * 0.8 - 0.4) * setting.DAY_SECONDS
    done = np.maximum(due + late.astype(np.int64), clock + 300)
    done[rng.random(n) < 0.08] = setting.END + 1  # some are never ticked off
    return {
        "activity_type": _pick(("call", "email", "meeting", "task"), kind),
        "direction": _only(direction, call | (kind == _EMAIL)),
        "outcome": _only(outcome, call | meeting),
        "duration_seconds": np.where((call | meeting) & works, np.round(talk), np.nan),
        "due_at": np.where(task, setting.to_time(due), _NO_TIME),
        "completed_at": np.where(task, _times(done), _NO_TIME),
    }


def _reps() -> Columns:
    rows = setting.REPS
    manager = np.nonzero(setting.IS_MANAGER)[0][setting.REP_TEAM]
    return {
        "rep_id": _rep_ids(np.arange(len(rows))),
        "rep_name": np.array([row[0] for row in rows], dtype=object),
        "team": _pick(setting.TEAMS, setting.REP_TEAM),
        "manager_id": _only(_rep_ids(manager), ~setting.IS_MANAGER),
        "territory": _pick(setting.TERRITORIES, setting.REP_TERRITORY),
        "role": np.array([row[3] for row in rows], dtype=object),
        "hired_on": setting.HIRED,
        "left_on": np.array([row[6] or "NaT" for row in rows], dtype="datetime64[s]"),
    }


def _targets() -> Columns:
    plan = setting.rep_plan()
    teams = np.stack([plan[:, team == setting.REP_TEAM].sum(axis=1) for team in range(4)], axis=1)
    # The department promises a little more than its teams together.
    whole = np.round(teams.sum(axis=1, keepdims=True) * 1.015 / 1_000) * 1_000
    figures = np.concatenate([whole, teams, plan], axis=1)
    names = [None, *setting.TEAMS, *_rep_ids(np.arange(plan.shape[1]))]
    levels = ["department", *["team"] * len(setting.TEAMS), *["rep"] * plan.shape[1]]
    quarter, which = np.nonzero(figures)
    first = np.datetime64("2024-01") + (3 * quarter).astype("timedelta64[M]")
    return {
        "level": _pick(levels, which),
        "id": _pick(names, which),
        "period_start": first.astype("datetime64[s]"),
        "period_end": (first + np.timedelta64(3, "M")).astype("datetime64[s]")
        - np.timedelta64(1, "D"),
        "metric": np.full(len(which), "revenue", dtype=object),
        "target": figures[quarter, which],
    }


def _accounts(rng: np.random.Generator, world: World) -> Columns:
    segments = np.repeat(np.arange(3), setting.GROUP_SIZES)
    n = setting.N_ACCOUNTS
    segment = np.tile(segments, len(setting.TERRITORIES))
    first = np.full(n, setting.END + 1)
    np.minimum.at(first, world.account, world.start)
    # Most were known before; the others came with their first deal.
    old = np.datetime64("2019-01-01", "s") + (rng.random(n) * 1_640).astype("timedelta64[D]")
    old += (rng.random(n) * setting.DAY_SECONDS).astype("timedelta64[s]") + np.timedelta64(8, "h")
    is_new = (first <= setting.END) & (rng.random(n) < 0.4)
    names = [
        f"{person} {trade}" for person in setting.PEOPLE.split() for trade in setting.TRADES.split()
    ]
    name = np.array(names, dtype=object)[np.argsort(rng.random(len(names)), kind="stable")[:n]]
    name[:: n // len(setting.OTHER_NAMES)][: len(setting.OTHER_NAMES)] = setting.OTHER_NAMES
    potential = setting.DEAL_SIZE[segment] * 3 * np.exp(0.5 * rng.normal(size=n))
    return {
        "account_id": _ids("C", n),
        "account_name": name,
        "segment": _pick(setting.SEGMENTS, segment),
        "territory": np.repeat(np.array(setting.TERRITORIES, dtype=object), len(segments)),
        "created_at": np.where(is_new, setting.to_time(np.maximum(first - 120, 0)), old),
        "potential_amount": np.round(potential, -2),
    }
