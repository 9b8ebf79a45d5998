"""The tables of leads, activities and call scores, made from what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.simulate.desk import CONVERTED, DROPPED, NEW, QUALIFIED
from salesdiag.simulate.layout import NEVER
from salesdiag.simulate.tables import NO_TIME, lead_ids, only, pick

if TYPE_CHECKING:
    from salesdiag.simulate.draws import Columns, Flags, Floats, Ints, Texts
    from salesdiag.simulate.tables import Book

_TYPES = ("call", "email", "meeting", "task", "message", "note")
_UPTO = np.array([0.42, 0.70, 0.82, 0.92, 0.98])
_CALL, _EMAIL, _MEETING, _TASK = range(4)
_STATUS = ("converted", "working", "qualified", "disqualified", "new")
_SCORED = 0.07  # of the calls that were connected
_DEAD_CALLS, _DEAD_DAYS = 0.16, 70  # on lost deals, where effort goes astray
_LAST_LOOK = 0.8  # how a score follows what the rep is like


def leads(book: Book) -> Columns:
    """Make the leads that came in within the data."""
    story = book.story
    grid, demand, desk = story.scene.grid, story.scene.demand, story.desk
    words, draws = story.scene.layout.words, story.scene.draws
    came = desk.comes & (demand.kind == 0) & (demand.created >= grid.first_day)
    rows = np.nonzero(came)[0]
    answered, decided = desk.answered[rows], desk.decided[rows]
    # what lies beyond the data has not happened yet
    fate = np.where(
        decided < grid.n_days, desk.fate[rows], np.where(answered < grid.n_days, 1, NEW)
    )
    is_good = (fate == CONVERTED) | (fate == QUALIFIED)
    drop = (draws.uniform("drop", rows) * len(words.drops)).astype(np.int64)
    deal = only(book.ids[rows], fate == CONVERTED)
    layout = story.scene.layout
    cost = layout.words.money * (18 + 55 * draws.stream("lead cost").random(len(layout.sources)))
    return {
        "lead_id": lead_ids(story)[rows],
        "created_at": demand.created[rows],
        "rep_id": book.reps[desk.rep[rows]],
        "source": pick(layout.sources, demand.source[rows]),
        "segment": pick(words.segments, demand.segment[rows]),
        "first_response_at": grid.to_time(answered),
        "qualified_at": np.where(is_good, grid.to_time(decided), NO_TIME),
        "deal_id": deal,
        "status": pick(_STATUS, fate),
        "disqualify_reason": pick(words.drops, drop, fate == DROPPED),
        "cost_amount": np.round(cost[demand.source[rows]], 2),
    }


def activities(book: Book) -> Columns:
    """Make the first answers to leads, and everything that was done for deals."""
    story = book.story
    grid, draws, desk = story.scene.grid, story.scene.draws, story.desk
    touch = _touches(book)
    demand = story.scene.demand
    answers = (demand.kind == 0) & desk.comes & (desk.answered < grid.n_days)
    answers &= demand.created >= grid.first_day
    lead = np.nonzero(answers)[0]
    logged = grid.start + story.scene.layout.traits.logging_from * (grid.n_days - grid.start)
    entry = np.concatenate([touch["deal"], lead])
    number = np.concatenate([touch["number"], np.full(len(lead), -1)])
    clock = np.concatenate([touch["clock"], desk.answered[lead]])
    rep = np.concatenate([touch["rep"], desk.rep[lead]])
    kept = np.nonzero(clock >= max(logged, grid.start))[0]
    kept = kept[np.lexsort((number[kept], entry[kept], clock[kept]))]
    entry, number, clock, rep = entry[kept], number[kept], clock[kept], rep[kept]
    is_answer = number == -1
    width = len(str(len(entry)))
    deal_ids = only(book.ids[entry], ~is_answer)
    chaos = draws.uniform("lag", entry, number)
    lag = np.round(60 + 2_400 * chaos**3).astype("timedelta64[s]")
    occurred = grid.to_time(clock)
    return {
        "activity_id": np.array([f"A{one:0{width}d}" for one in range(1, len(entry) + 1)],
                                dtype=object),
        **_contents(book, entry, number, clock, is_answer=is_answer),
        "occurred_at": occurred,
        "rep_id": book.reps[rep],
        "deal_id": deal_ids,
        "lead_id": only(lead_ids(story)[entry], is_answer),
        "logged_at": occurred + lag,
    }  # fmt: skip


def _touches(book: Book) -> Columns:
    """Give the touches of the deals of the data, those on lost ones included."""
    story, log = book.story, book.story.history.touches
    draws, grid = story.scene.draws, story.scene.grid
    listed = np.zeros(story.scene.demand.n, dtype=bool)
    listed[book.deal] = True
    rows = np.nonzero(listed[log.deal] & (log.day >= grid.start))[0]
    deal, number, day, rep = log.deal[rows], log.what[rows], log.day[rows], log.rep[rows]
    part = draws.uniform("hour", deal, number)
    # what is done on the day of the close is done before it
    last = book.ended[deal]
    clock = np.where(day == np.floor(last), day + part * (last - np.floor(last)), day + part)
    kept = clock < last + 1e-9
    found = {"deal": deal[kept], "number": number[kept], "clock": clock[kept], "rep": rep[kept]}
    if not story.doses.has("misdirected_activity"):
        return found
    dead = _on_lost_deals(book)
    return {name: np.concatenate([found[name], dead[name]]) for name in found}


def _on_lost_deals(book: Book) -> Columns:
    """Let reps go on calling customers who have said no."""
    story, history = book.story, book.story.history
    grid, draws = story.scene.grid, story.scene.draws
    dose = story.doses.of_people("misdirected_activity")
    since = story.doses.since("misdirected_activity")
    lost = book.deal[history.stage[book.deal] > len(story.scene.layout.stages)]
    rate = _DEAD_CALLS * dose[history.closer[lost]] * _DEAD_DAYS
    count = np.floor(rate + draws.uniform("dead", lost)).astype(np.int64)
    deal = np.repeat(lost, count)
    number = 10_000 + np.arange(len(deal)) - np.repeat(np.cumsum(count) - count, count)
    clock = book.ended[deal] + 0.5 + _DEAD_DAYS * draws.uniform("dead day", deal, number)
    kept = (clock < grid.n_days) & (clock >= since)
    deal, number, clock = deal[kept], number[kept], clock[kept]
    rep = story.people.owner[story.desk.seat[deal], clock.astype(np.int64)]
    return {"deal": deal, "number": number, "clock": clock, "rep": rep}


def _contents(book: Book, entry: Ints, number: Ints, clock: Floats, *, is_answer: Flags) -> Columns:
    draws, grid = book.story.scene.draws, book.story.scene.grid
    luck = draws.uniform("kind", entry, number)
    kind = np.searchsorted(_UPTO, luck * np.where(is_answer, _UPTO[1], 1.0))
    call, meeting, task = kind == _CALL, kind == _MEETING, kind == _TASK
    outward = is_answer | (draws.uniform("way", entry, number) < 0.8)
    works = draws.uniform("works", entry, number) < np.where(call & ~is_answer, 0.5, 0.9)
    way = np.where(outward, "outbound", "inbound")
    outcome = np.where(call, np.where(works, "connected", "no_answer"), "held").astype(object)
    outcome = np.where(meeting & ~works, "no_show", outcome)
    long = draws.exponential("talk", entry, number)
    talk = np.where(call, 30 + 260 * long, 1_500 + 1_200 * np.minimum(long, 4))
    due = clock + np.round(4 * draws.uniform("due", entry, number))
    done = due + 0.9 * draws.normal("done", entry, number) - 0.4
    done = np.maximum(done, clock + 0.01)
    done = np.where(draws.uniform("never", entry, number) < 0.07, float(NEVER), done)
    is_task = task & (due < grid.n_days)
    return {
        "activity_type": pick(_TYPES, kind),
        "direction": only(way, call | (kind == _EMAIL)),
        "outcome": only(outcome, call | meeting),
        "duration_seconds": np.where((call | meeting) & works, np.round(talk), np.nan),
        "due_at": np.where(is_task, grid.to_time(due), NO_TIME),
        "completed_at": np.where(is_task, grid.to_time(done), NO_TIME),
    }  # fmt: skip


def call_scores(book: Book, calls: Columns) -> Columns:
    """Score some of the calls; each scorer is a little mild or strict, or not so little."""
    story = book.story
    draws, people = story.scene.draws, story.people
    n_scorers = max(3, story.scene.layout.n_teams)
    can = (calls["activity_type"] == "call") & (calls["outcome"] == "connected")
    can &= calls["deal_id"] != None  # noqa: E711
    rows = np.nonzero(can)[0]
    when = calls["occurred_at"].astype("datetime64[s]").astype(np.int64)[rows]
    tag = np.array([int(one[1:]) for one in calls["deal_id"][rows]], dtype=np.int64)
    rows, when, tag = _some(rows, when, tag, draws.uniform("scored", tag, when) < _SCORED)
    place = {one: number for number, one in enumerate(book.reps.tolist())}
    rep = np.array([place[one] for one in calls["rep_id"][rows]], dtype=np.int64)
    scorer = (draws.uniform("scorer", tag, when) * n_scorers).astype(np.int64)
    again = draws.uniform("twice", tag, when) < 0.3
    second = (scorer + 1) % n_scorers
    whole = np.concatenate([np.arange(len(rows)), np.nonzero(again)[0]])
    scorers = np.concatenate([scorer, second[again]])
    severity = 1.5 * draws.stream("severity").normal(size=n_scorers)
    if story.doses.has("biased_call_scores"):
        spread = np.linspace(-1, 1, n_scorers)[np.argsort(severity)]
        severity = severity + story.doses.faults["biased_call_scores"].dose * spread
    like = people.push[:, -1][rep] * 8 * _LAST_LOOK
    call = 6 * draws.normal("this call", tag, when)
    noise = 4 * draws.normal("this score", tag[whole], when[whole], scorers)
    score = 66 + like[whole] + call[whole] + noise + severity[scorers]
    delay = (1 + 4 * draws.uniform("scored on", tag[whole], when[whole])) * 86_400
    scored_at = (when[whole] + delay.astype(np.int64)).astype("datetime64[s]")
    inside = scored_at < story.scene.grid.as_of + np.timedelta64(1, "D")
    names = np.array([f"Q{one}" for one in range(1, n_scorers + 1)], dtype=object)
    ids: Texts = calls["activity_id"][rows][whole]
    columns = {
        "call_id": np.array(["K" + one[1:] for one in ids], dtype=object),
        "rep_id": calls["rep_id"][rows][whole],
        "scored_by": names[scorers],
        "scored_at": scored_at,
        "score": np.round(np.clip(score, 0, 100)),
        "deal_id": calls["deal_id"][rows][whole],
        "activity_id": ids,
    }
    return {name: column[inside] for name, column in columns.items()}


def _some(rows: Ints, when: Ints, tag: Ints, kept: Flags) -> tuple[Ints, Ints, Ints]:
    return rows[kept], when[kept], tag[kept]
