"""The tables of reps, targets, pay, forecasts, costs, market and exchange rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from salesdiag.simulate.demand import SEASON
from salesdiag.simulate.layout import NEVER
from salesdiag.simulate.motive import CAP, THRESHOLD
from salesdiag.simulate.plan import won_by_quarter
from salesdiag.simulate.tables import pick, usual_rate

if TYPE_CHECKING:
    from salesdiag.simulate.draws import Columns, Floats
    from salesdiag.simulate.run import Story
    from salesdiag.simulate.tables import Book

_TARGETS_OF = ("department", "team", "rep")
_ERRORS = (0.20, 0.14, 0.07)  # of a forecast made in the first, second, third month


def reps(book: Book) -> Columns:
    """Make the list of the reps, the teams' managers at its head."""
    story = book.story
    layout, grid = story.scene.layout, story.scene.grid
    staff, n_teams = layout.staff, layout.n_teams
    team = np.concatenate([np.arange(n_teams), layout.team_of_seat[staff.seat]])
    heads = [f"M{number:02d}" for number in range(1, n_teams + 1)]
    n_reps = len(staff.seat)
    calendar_hired = _day(story, staff.hired)
    first = grid.days[0] - (400 + 90 * np.arange(n_teams)).astype("timedelta64[D]")
    columns = {
        "rep_id": np.array([*heads, *book.reps], dtype=object),
        "rep_name": np.array(
            [*staff.heads, *staff.name], dtype=object
        ),
        "team": pick(layout.teams, team),
        "manager_id": np.array(
            [*[None] * n_teams, *(heads[one] for one in team[n_teams:])], dtype=object
        ),
        "territory": np.array(
            [*[None] * n_teams, *pick(layout.places, layout.place_of_seat[staff.seat])],
            dtype=object,
        ),
        "role": np.array(["manager"] * n_teams + ["rep"] * n_reps, dtype=object),
        "hired_on": np.concatenate([first, calendar_hired]).astype("datetime64[s]"),
        "left_on": np.concatenate([np.full(n_teams, np.datetime64("NaT", "D")),
                                   _day(story, story.people.left - 1)]).astype("datetime64[s]"),
    }  # fmt: skip
    if layout.traits.is_coached:
        columns["coached_from"] = _coached(book, n_teams)
    seen = columns["hired_on"] <= grid.as_of
    # those who had left before the data began are not in the list
    seen &= ~(columns["left_on"] < grid.first_day)
    return {name: column[seen] for name, column in columns.items()}


def _day(story: Story, index: Any) -> Any:  # noqa: ANN401
    """Turn working days of the grid into dates, also those before it; null far beyond."""
    grid = story.scene.grid
    inside = grid.days[np.clip(index, 0, grid.n_days - 1)]
    before = grid.days[0] + np.round(np.minimum(index, 0) * 1.45).astype("timedelta64[D]")
    days = np.where(index < 0, before, inside)
    return np.where(index >= grid.n_days, np.datetime64("NaT", "D"), days)


def _coached(book: Book, n_teams: int) -> Any:  # noqa: ANN401
    """Let the reps with the worst of two quarters be coached, which changes nothing."""
    story = book.story
    grid, n_reps = story.scene.grid, len(book.reps)
    sold = _sold_by_reps(story)
    quarter = int(grid.quarter[grid.window])
    before = sold[max(quarter - 2, 0) : quarter].sum(axis=0)
    there = (story.scene.layout.staff.hired < grid.start) & (story.people.left == NEVER)
    order = np.argsort(np.where(there, before, np.inf))
    days = np.full(n_reps + n_teams, np.datetime64("NaT", "s"))
    days[n_teams + order[: max(1, n_reps // 4)]] = grid.window_day.astype("datetime64[s]")
    return days


def _sold_by_reps(story: Story) -> Floats:
    closer = np.maximum(story.history.closer, 0)
    n_reps = len(story.scene.layout.staff.seat)
    return won_by_quarter(story.scene.grid, story.scene.layout, story.history, closer, n_reps)


def targets(book: Book) -> Columns:
    """Make the plan of the department, its teams and its reps by quarter."""
    story = book.story
    layout, plan = story.scene.layout, story.plan
    team = np.zeros((len(plan.of_seats), layout.n_teams))
    for place in range(layout.n_teams):
        team[:, place] = plan.of_seats[:, layout.team_of_seat == place].sum(axis=1)
    figures = np.concatenate([team.sum(axis=1, keepdims=True), team, plan.of_reps], axis=1)
    names = [None, *layout.teams, *book.reps]
    levels = ["department", *["team"] * layout.n_teams, *["rep"] * len(book.reps)]
    quarter, which = np.nonzero(figures > 0)
    start, end = _periods(story)
    return {
        "level": pick(levels, which),
        "id": pick(names, which),
        "period_start": start[quarter],
        "period_end": end[quarter],
        "metric": np.full(len(which), "revenue", dtype=object),
        "target": figures[quarter, which],
    }


def _periods(story: Story) -> tuple[Any, Any]:
    quarters = story.scene.grid.quarters()
    start = np.array([first for first, _ in quarters]).astype("datetime64[s]")
    end = np.array([last for _, last in quarters]).astype("datetime64[s]")
    return start, end


def pay_plan(story: Story) -> dict[str, Any]:
    """Give the pay plan as settings hold it."""
    base = round(1_900.0 * story.scene.layout.words.money, -1)
    if story.doses.has("payout_cliff"):
        band = {"attainment_from": THRESHOLD, "payout": 0.06}
        return {"period": "quarter", "base_amount": base, "threshold": THRESHOLD, "rate": 0.0,
                "cap": CAP, "bands": [band]}  # fmt: skip
    band = {"attainment_from": 1.0, "rate": 0.06}
    return {"period": "quarter", "base_amount": base, "threshold": 0.3, "rate": 0.045,
            "cap": 2.2, "bands": [band]}  # fmt: skip


def payouts(book: Book) -> Columns:
    """Pay the reps by the plan."""
    story, rules = book.story, pay_plan(book.story)
    goal = story.plan.of_reps
    sold = _sold_by_reps(story)[story.plan.first :]
    quarter, rep = np.nonzero(goal > 0)
    goal, sold = goal[quarter, rep], sold[quarter, rep]
    attained = sold / goal
    band = rules["bands"][0]
    counted = np.minimum(sold, rules["cap"] * goal)
    above = np.maximum(counted - band["attainment_from"] * goal, 0.0)
    variable = rules["rate"] * (counted - above) + band.get("rate", 0.0) * above
    variable += np.where(attained >= band["attainment_from"], band.get("payout", 0.0) * goal, 0.0)
    start, end = _periods(story)
    return {
        "rep_id": book.reps[rep],
        "period_start": start[quarter],
        "period_end": end[quarter],
        "base_amount": np.full(len(rep), 3 * rules["base_amount"]),
        "variable_amount": np.round(np.where(attained >= rules["threshold"], variable, 0.0), 2),
    }


def forecasts(book: Book) -> Columns:
    """Let the department, the teams and the reps say each month what the quarter will bring."""
    story = book.story
    grid, layout, draws = story.scene.grid, story.scene.layout, story.scene.draws
    n_teams, n_reps = layout.n_teams, len(book.reps)
    closer = np.maximum(story.history.closer, 0)
    won = np.nonzero(story.history.stage == len(layout.stages))[0]
    month = grid.days[story.history.closed[won]].astype("datetime64[M]")
    number = (month - grid.first_day.astype("datetime64[M]")).astype(np.int64)
    n_months = len(story.plan.of_reps) * 3
    inside = number >= 0
    net = (story.history.net * story.exchange)[won[inside]]
    cell = number[inside] * n_reps + closer[won[inside]]
    by_rep = np.bincount(cell, weights=net, minlength=n_months * n_reps).reshape(n_months, n_reps)
    team = layout.team_of_seat[layout.staff.seat]
    by_team = np.stack([by_rep[:, team == one].sum(axis=1) for one in range(n_teams)], axis=1)
    sold = np.concatenate([by_rep.sum(axis=1, keepdims=True), by_team, by_rep], axis=1)
    quarters = sold.reshape(-1, 3, sold.shape[1])
    past = np.cumsum(quarters, axis=1) - quarters
    rest = quarters.sum(axis=1, keepdims=True) - past
    spread = np.repeat([1.0, 1.3, 2.2], [1, n_teams, n_reps])
    error = draws.stream("forecasts").normal(size=quarters.shape)
    error = error * np.array(_ERRORS)[None, :, None] * spread
    told = past + rest * np.exp(error - error.var() / 2) * (1 + _bias(story, quarters.shape))
    there = np.concatenate([np.ones((len(quarters), 1 + n_teams), dtype=bool),
                            story.plan.of_reps > 0], axis=1)  # fmt: skip
    quarter, late, which = np.nonzero(there[:, None, :] & np.ones(quarters.shape, dtype=bool))
    start, end = _periods(story)
    month = start[quarter].astype("datetime64[M]") + late.astype("timedelta64[M]")
    made = month.astype("datetime64[D]") + np.timedelta64(2, "D")
    levels = np.repeat([0, 1, 2], [1, n_teams, n_reps])
    return {
        "level": pick(_TARGETS_OF, levels[which]),
        "id": pick([None, *layout.teams, *book.reps], which),
        "made_on": made.astype("datetime64[s]"),
        "period_start": start[quarter],
        "period_end": end[quarter],
        "category": np.full(len(which), "most_likely", dtype=object),
        "amount": np.round(told[quarter, late, which], 2),
    }


def _bias(story: Story, shape: tuple[int, ...]) -> Floats:
    bias = np.zeros(shape)
    if story.doses.has("forecast_bias"):
        fault, layout = story.doses.faults["forecast_bias"], story.scene.layout
        rep = story.doses.of_people("forecast_bias")
        share = [fault.dose if place in fault.places or fault.level == "department" else 0.0
                 for place in range(layout.n_teams)]  # fmt: skip
        bias += np.concatenate([[float(np.mean(share))], share, rep])
    return bias


def source_costs(book: Book) -> Columns:
    """Make what each source of leads costs by quarter; it follows the plan, not the leads."""
    story = book.story
    layout = story.scene.layout
    start, end = _periods(story)
    n_sources = len(layout.source_share)
    each = layout.words.money * (18 + 55 * story.scene.draws.stream("lead cost").random(
        len(layout.sources)))[:n_sources]  # fmt: skip
    cost = each * layout.source_share * layout.n_seats * 36.0
    quarter = np.repeat(np.arange(len(start)), n_sources)
    source = np.tile(np.arange(n_sources), len(start))
    return {
        "source": pick(layout.sources, source),
        "period_start": start[quarter],
        "period_end": end[quarter],
        "cost_amount": np.round(cost[source], 2),
    }


def market(book: Book) -> Columns:
    """Make the index of demand in the market by month."""
    story = book.story
    grid, traits = story.scene.grid, story.scene.layout.traits
    months = np.arange(
        grid.first_day.astype("datetime64[M]"),
        (grid.as_of + np.timedelta64(1, "D")).astype("datetime64[M]"),
    )
    wave = 1 + traits.season * (SEASON[months.astype(np.int64) % 12] - 1)
    noise = np.exp(0.012 * story.scene.draws.stream("market").normal(size=len(months)))
    index = 100 * np.maximum(wave, 0.1) * noise
    index *= (1 + 0.5 * traits.growth) ** (np.arange(len(months)) / 12)
    if story.doses.has("market_decline"):
        fault = story.doses.faults["market_decline"]
        fallen = months >= fault.since_day.astype("datetime64[M]")
        index = index * np.where(fallen, 1 - min(1.4 * fault.dose, 0.9), 1.0)
    return {"period_start": months.astype("datetime64[s]"), "index": np.round(index, 2)}


def fx_rates(book: Book) -> Columns:
    """Make the rates of the foreign currency by working day."""
    story = book.story
    days = story.scene.grid.days
    return {
        "currency": np.full(len(days), story.scene.layout.words.foreign, dtype=object),
        "on": days.astype("datetime64[s]"),
        "rate": usual_rate(story) * story.rate,
    }
