"""The tables of deals, their stages, lines and changes, made from what happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from salesdiag.simulate.demand import SEGMENT_SIZE
from salesdiag.simulate.doses import account_ids, rep_ids
from salesdiag.simulate.layout import NEVER
from salesdiag.simulate.pricing import unit_prices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from salesdiag.simulate.draws import Columns, Flags, Floats, Ints, Texts, Times
    from salesdiag.simulate.run import Story

NO_TIME = np.datetime64("NaT", "s")
USUAL_RATE = {"EUR": 0.92, "RUB": 90.0, "VND": 26_000.0}
_PUSH_DAYS = 28  # working days after which the expected close is put off


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """The deals that belong to the data, with what several tables need of them."""

    story: Story
    deal: Ints  # the entries that are deals
    ids: Texts  # of all entries
    reps: Texts  # ids of the reps
    end: Ints  # last day of each entry
    ended: Floats  # moment of its last move
    moves: Columns  # deal, stage, clock and rep of each move


def make_book(story: Story) -> Book:
    """Choose the deals that were open or opened since the first day of the data."""
    grid, history = story.scene.grid, story.history
    inside = (history.opened < grid.n_days) & (history.closed >= grid.start)
    rank = np.argsort(np.argsort(story.scene.demand.clock, kind="stable"), kind="stable") + 1
    width = len(str(len(rank)))
    ids = np.full(len(rank), None, dtype=object)
    deal = np.nonzero(inside)[0]
    deal = deal[np.argsort(rank[deal], kind="stable")]
    ids[deal] = [f"D{number:0{width}d}" for number in rank[deal].tolist()]
    moves = _moves(story, inside)
    end = np.where(history.closed < NEVER, history.closed, grid.n_days - 1)
    ended = end + 0.999
    ended[moves["deal"]] = moves["clock"]  # the last one stays
    ended = np.where(history.closed < NEVER, ended, grid.n_days - 1e-4)
    reps = np.array(rep_ids(len(story.scene.layout.staff.seat)), dtype=object)
    return Book(story, deal, ids, reps, end, ended, moves)


def _moves(story: Story, inside: Flags) -> Columns:
    """Give the moves of these deals in order, each with its moment."""
    history, log = story.history, story.history.moves
    rows = np.nonzero(inside[log.deal])[0]
    deal, stage, day, rep = log.deal[rows], log.what[rows], log.day[rows], log.rep[rows]
    is_end = stage >= len(story.scene.layout.stages)
    day = np.where(is_end, history.closed[deal], day)
    order = np.lexsort((day, deal))
    deal, stage, day, rep = deal[order], stage[order], day[order], rep[order]
    begins = np.append(True, deal[1:] != deal[:-1])
    late = 0.05 + 0.94 * story.scene.draws.uniform("moment", deal, day)
    clock = np.where(begins, story.desk.starts[deal], day + late)
    return {"deal": deal, "stage": stage, "clock": clock, "rep": rep}


def pick(values: Sequence[str | None], codes: Ints, where: Flags | None = None) -> Texts:
    """Take texts by their number; null where they are not wanted."""
    texts: Texts = np.array(values, dtype=object)[codes]
    return texts if where is None else only(texts, where)


def only(texts: NDArray[Any], where: Flags) -> Texts:
    """Keep the texts there, null elsewhere."""
    kept = np.full(len(texts), None, dtype=object)
    kept[where] = texts[where]
    return kept


def stage_names(story: Story) -> tuple[str, ...]:
    """Name all stages, won and lost at the end."""
    words = story.scene.layout.words
    return (*story.scene.layout.stages, words.won, words.lost)


def usual_rate(story: Story) -> float:
    """Give what a unit of the foreign currency usually costs."""
    return USUAL_RATE[story.scene.layout.words.currency]


def _in_foreign(book: Book, money: Floats) -> Floats:
    """Round money as it was agreed on: some of it in another currency, at the rate then."""
    story = book.story
    foreign = story.scene.demand.is_foreign[book.deal]
    rate = np.where(foreign, usual_rate(story) * story.exchange[book.deal], 1.0)
    agreed = np.round(money / np.where(foreign, usual_rate(story), 1.0), 2)
    return np.asarray(np.round(agreed * rate, 4), dtype=np.float64)


def deals(book: Book) -> Columns:
    """Make the deals as they stand at the end of the data."""
    story, rows = book.story, book.deal
    scene, history = story.scene, story.history
    layout, demand, grid, draws = scene.layout, scene.demand, scene.grid, scene.draws
    stage, n_stages = history.stage[rows], len(layout.stages)
    is_open, is_lost = stage < n_stages, stage > n_stages
    sums = _sums(book)
    owner = np.where(is_open, story.people.owner[story.desk.seat[rows], grid.n_days - 1],
                     history.closer[rows])  # fmt: skip
    foreign = pick((layout.words.currency, layout.words.foreign), demand.is_foreign[rows] + 0)
    listed = (demand.kind[rows] == 0) & (demand.created[rows] >= grid.first_day)
    return {
        "deal_id": book.ids[rows],
        "status": np.where(is_open, "open", np.where(is_lost, "lost", "won")).astype(object),
        "created_at": grid.to_time(story.desk.starts[rows]),
        "stage": pick(stage_names(story), stage),
        "closed_at": np.where(is_open, NO_TIME, grid.to_time(book.ended[rows])),
        "rep_id": book.reps[owner],
        "account_id": np.array(account_ids(scene.accounts), dtype=object)[demand.account[rows]],
        "lead_id": only(lead_ids(story)[rows], listed),
        "source": pick(layout.sources, demand.source[rows]),
        "segment": pick(layout.words.segments, demand.segment[rows]),
        "product": pick(layout.products, demand.product[rows, 0]),
        "amount": _in_foreign(book, sums["net"]),
        "list_amount": _in_foreign(book, sums["list"]),
        "cost_amount": _in_foreign(book, sums["cost"]),
        "currency": foreign,
        "expected_close_on": _expected(book),
        "probability": np.round(np.append(_chances(story), [1.0, 0.0])[stage], 2),
        "loss_reason": _reasons(book, is_lost, draws.uniform("reason", rows)),
    }


def _sums(book: Book) -> dict[str, Floats]:
    """Add the lines of each deal up."""
    story, rows = book.story, book.deal
    layout, demand, history = story.scene.layout, story.scene.demand, story.history
    product, quantity = demand.product[rows], history.prices.quantity[rows]
    price = unit_prices(layout, product, history.discount[rows], history.quoted[rows])
    return {
        "net": (quantity * price).sum(axis=1),
        "list": (quantity * layout.list_price[product]).sum(axis=1),
        "cost": (quantity * layout.unit_cost[product]).sum(axis=1),
    }


def _chances(story: Story) -> Floats:
    layout = story.scene.layout
    goes_on = layout.lose_days / (layout.on_days + layout.lose_days)
    return np.asarray(np.cumprod(goes_on[::-1])[::-1], dtype=np.float64)


def _expected(book: Book) -> Times:
    """Guess the close: near the truth; of what is open it mostly lies ahead."""
    story, rows = book.story, book.deal
    grid, draws = story.scene.grid, story.scene.draws
    noise = (12 * draws.normal("guess", rows)).astype(np.int64)
    ended = grid.days[np.minimum(book.end[rows], grid.n_days - 1)]
    guess = ended + noise.astype("timedelta64[D]")
    guess = np.maximum(guess, grid.days[story.history.opened[rows]])
    ahead = (2 + 80 * draws.uniform("ahead", rows)).astype(np.int64).astype("timedelta64[D]")
    is_open = story.history.closed[rows] == NEVER
    return np.where(is_open, grid.as_of + ahead, guess).astype("datetime64[s]")


def _reasons(book: Book, is_lost: Flags, luck: Floats) -> Texts:
    """Give reasons; those of delivery now and then, and where they are the fault."""
    words = book.story.scene.layout.words
    usual = (*words.reasons, words.delivery[2])
    upto = [0.24, 0.45, 0.58, 0.72, 0.86, 0.985]
    texts = pick(usual, np.searchsorted(upto, luck))
    ours = pick(words.delivery, (luck * 3.99).astype(np.int64))
    texts = np.where(book.story.history.is_delivery[book.deal], ours, texts)
    return only(texts, is_lost)


def lead_ids(story: Story) -> Texts:
    """Make the ids of all leads by the order in which they came, null for other entries."""
    demand = story.scene.demand
    n_lead = int((demand.kind == 0).sum())
    width = len(str(n_lead))
    ids = np.full(demand.n, None, dtype=object)
    ids[:n_lead] = [f"L{number:0{width}d}" for number in range(1, n_lead + 1)]
    return ids


def line_items(book: Book) -> Columns:
    """Make the lines of the deals that came as far as a price."""
    story = book.story
    layout, demand, history = story.scene.layout, story.scene.demand, story.history
    rows = book.deal[history.quoted[book.deal]]
    place, line = np.nonzero(history.prices.quantity[rows])
    deal = rows[place]
    product = demand.product[deal, line]
    price = unit_prices(layout, demand.product[deal], history.discount[deal], history.quoted[deal])
    factor = story.exchange[deal]
    return {
        "deal_id": book.ids[deal],
        "product": pick(layout.products, product),
        "quantity": history.prices.quantity[deal, line].astype(np.float64),
        "list_price": np.round(layout.list_price[product] * factor, 2),
        "unit_price": np.round(price[np.arange(len(deal)), line] * factor, 2),
        "unit_cost": layout.unit_cost[product],
    }


def stage_changes(book: Book) -> Columns:
    """Make the moves."""
    moves, grid = book.moves, book.story.scene.grid
    return {
        "deal_id": book.ids[moves["deal"]],
        "stage": pick(stage_names(book.story), moves["stage"]),
        "entered_at": grid.to_time(moves["clock"]),
        "rep_id": book.reps[moves["rep"]],
    }


def stages(book: Book) -> Columns:
    """Make the list of the stages."""
    names = stage_names(book.story)
    status = ["open"] * (len(names) - 2) + ["won", "lost"]
    return {
        "stage": np.array(names, dtype=object),
        "position": np.arange(1, len(names) + 1),
        "status": np.array(status, dtype=object),
        "probability": np.round(np.append(_chances(book.story), [1.0, 0.0]), 2),
    }


def deal_changes(book: Book) -> Columns:
    """Make the changes of amount, of expected close, and of the rep."""
    parts = [_price_changes(book), _date_changes(book), _rep_changes(book)]
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.lexsort((joined["field"].astype(str), joined["changed_at"]))
    return {name: column[order] for name, column in joined.items()}


def _price_changes(book: Book) -> Columns:
    """List how the amount became the offer when the price was told."""
    story, moves = book.story, book.moves
    quote = story.scene.layout.quote
    far = (moves["stage"] >= quote) & (moves["stage"] <= len(story.scene.layout.stages))
    deal, first = np.unique(moves["deal"][far], return_index=True)
    clock = moves["clock"][far][first]
    place = np.full(story.scene.demand.n, -1)
    place[book.deal] = np.arange(len(book.deal))
    sums = _sums(book)
    before, after = (_in_foreign(book, sums[name])[place[deal]] for name in ("list", "net"))
    changed = before != after
    return _changes(book, deal[changed], "amount", clock[changed],
                    [f"{one:.2f}" for one in before[changed]],
                    [f"{one:.2f}" for one in after[changed]])  # fmt: skip


def _date_changes(book: Book) -> Columns:
    """List how the expected close was put off while a deal dragged on."""
    story, grid = book.story, book.story.scene.grid
    opened = story.history.opened[book.deal]
    n_times = np.maximum((book.end[book.deal] - opened - 1) // _PUSH_DAYS, 0)
    deal = np.repeat(book.deal, n_times)
    number = np.arange(len(deal)) - np.repeat(np.cumsum(n_times) - n_times, n_times) + 1
    day = np.repeat(opened, n_times) + number * _PUSH_DAYS
    clock = day + story.scene.draws.uniform("put off", deal, number)
    kept = day < grid.n_days
    before = (grid.days[day[kept]] + np.timedelta64(5, "D")).astype(str)
    after = (grid.days[day[kept]] + np.timedelta64(40, "D")).astype(str)
    return _changes(book, deal[kept], "expected_close_on", clock[kept], before, after)


def _rep_changes(book: Book) -> Columns:
    """List how deals passed on when a seat did."""
    story, owner = book.story, book.story.people.owner
    seat = story.desk.seat[book.deal]
    opened, end = story.history.opened[book.deal], book.end[book.deal]
    deals, days, before, after = [], [], [], []
    for place, day in zip(*np.nonzero(owner[:, 1:] != owner[:, :-1]), strict=True):
        concerned = book.deal[(seat == place) & (opened <= day) & (end > day)]
        deals.append(concerned)
        days.append(np.full(len(concerned), day + 1.01))
        before += [book.reps[owner[place, day]]] * len(concerned)
        after += [book.reps[owner[place, day + 1]]] * len(concerned)
    deal = np.concatenate(deals) if deals else np.zeros(0, dtype=np.int64)
    clock = np.concatenate(days) if days else np.zeros(0)
    return _changes(book, deal, "rep_id", clock, before, after)


def _changes(
    book: Book, deal: Ints, field: str, clock: Floats, before: Sequence[str], after: Sequence[str]
) -> Columns:
    return {
        "deal_id": book.ids[deal],
        "field": np.full(len(deal), field, dtype=object),
        "changed_at": book.story.scene.grid.to_time(clock),
        "old_value": np.array(list(before), dtype=object),
        "new_value": np.array(list(after), dtype=object),
    }


def accounts(book: Book) -> Columns:
    """Make the customers that were known or came into a deal."""
    story = book.story
    known, demand, grid = story.scene.accounts, story.scene.demand, story.scene.grid
    layout, draws = story.scene.layout, story.scene.draws
    first = np.full(len(known.place), float(NEVER))
    np.minimum.at(first, demand.account[book.deal], story.desk.starts[book.deal])
    rows = np.nonzero(known.is_known | (first < NEVER))[0]
    rows = rows[np.argsort(known.number[rows], kind="stable")]
    words = layout.words
    given = (draws.uniform("account name", rows) * len(words.family)).astype(np.int64)
    trade = (draws.uniform("account trade", rows) * len(words.trades)).astype(np.int64)
    parts = zip(given.tolist(), trade.tolist(), known.number[rows].tolist(), strict=True)
    names = [f"{words.family[one]} {words.trades[two]} {number}" for one, two, number in parts]
    old = grid.days[0] - (30 + 1_500 * draws.uniform("known", rows)).astype("timedelta64[D]")
    came = grid.to_time(np.minimum(first[rows], grid.n_days - 1e-3))
    density = layout.weight_of_place / np.bincount(layout.place_of_seat)
    worth = layout.deal_size * SEGMENT_SIZE[known.segment[rows]] * known.size[rows]
    worth = worth * np.maximum(known.rate[rows] * 250, 1.0) * (density / density.mean())[
        known.place[rows]]  # fmt: skip
    noise = np.exp(0.3 * draws.normal("potential", rows))
    return {
        "account_id": np.array(account_ids(known), dtype=object)[rows],
        "account_name": np.array(names, dtype=object),
        "segment": pick(words.segments, known.segment[rows]),
        "territory": pick(layout.places, known.place[rows]),
        "created_at": np.where(known.is_known[rows], old.astype("datetime64[s]"), came),
        "potential_amount": np.round(worth * noise, -1),
    }
