"""What people and systems do to the data: usual untidiness, and a CRM that nobody can trust."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.schema import TABLES
from salesdiag.simulate.doses import rep_ids

if TYPE_CHECKING:
    from collections.abc import Mapping

    from salesdiag.simulate.draws import Columns, Draws, Flags, Floats, Ints
    from salesdiag.simulate.run import Story

_HOUR, _DAY = np.timedelta64(3_600, "s"), np.timedelta64(86_400, "s")
_MINUTE = np.timedelta64(60, "s")
_TIDIED = 30  # moves of the Friday on which somebody tidies the board


def blemish(story: Story, columns: Mapping[str, Columns], noise: float) -> dict[str, pd.DataFrame]:
    """Make data frames of the columns and soil them.

    Parameters
    ----------
    story : Story
        What happened.
    columns : mapping of str to columns
        Clean columns by table.
    noise : float
        How untidy the data are; 0 leaves them clean but for a planted `crm_unreliable`.
    """
    frames = {
        name: pd.DataFrame({key: made[key] for key in (*TABLES[name].names, *_extra(name, made))
                            if key in made})
        for name, made in columns.items()
    }  # fmt: skip
    draws = story.scene.draws
    if story.doses.has("crm_unreliable"):
        _distrust(story, frames)
    if noise > 0:
        _soil_deals(story, draws, frames, noise)
        _soil_leads(draws, frames, noise)
        _soil_activities(story, draws, frames, noise)
        _tidy_board(story, frames["stage_changes"], round(_TIDIED * noise))
        frames["deals"] = _duplicated(draws, frames["deals"], story, noise)
    return {name: frame.reset_index(drop=True) for name, frame in frames.items()}


def _extra(name: str, made: Columns) -> list[str]:
    return [key for key in made if key not in TABLES[name].names]


def _numbers(ids: pd.Series[str]) -> Ints:
    """Give the number in each id, by which its chance is drawn; 0 where there is none."""
    return ids.str.slice(1).fillna("0").to_numpy(dtype=np.int64)


def _soil_deals(story: Story, draws: Draws, frames: dict[str, pd.DataFrame], noise: float) -> None:
    deals = frames["deals"]
    key = _numbers(deals["deal_id"])

    def some(name: str, share: float) -> Flags:
        return draws.uniform(f"deals {name}", key) < share * noise

    is_open, is_lost = deals["status"] == "open", deals["status"] == "lost"
    words = story.scene.layout.words
    deals.loc[some("rep", 0.002), "rep_id"] = None
    deals.loc[some("source", 0.008), "source"] = None
    deals.loc[some("segment", 0.006), "segment"] = None
    deals.loc[is_lost & some("other", 0.15), "loss_reason"] = words.reasons[-1]
    deals.loc[is_lost & some("reason", 0.07), "loss_reason"] = None
    unpriced = is_lost & (deals["amount"] == deals["list_amount"])
    deals.loc[unpriced & some("amount", 0.06), ["amount", "list_amount", "cost_amount"]] = np.nan
    late = is_open & some("date", 0.09)
    days = 3 + 50 * draws.uniform("deals overdue", key)
    past = story.scene.grid.as_of.astype("datetime64[s]") - (days * 86_400).astype("timedelta64[s]")
    created = deals["created_at"].to_numpy().astype("datetime64[D]").astype("datetime64[s]")
    past = np.maximum(past.astype("datetime64[D]").astype("datetime64[s]"), created)
    deals.loc[late, "expected_close_on"] = past[late.to_numpy()]


def _soil_leads(draws: Draws, frames: dict[str, pd.DataFrame], noise: float) -> None:
    leads = frames["leads"]
    key = _numbers(leads["lead_id"])
    # one that became a deal has its rep: the deal does
    free = leads["status"] != "converted"
    leads.loc[free & (draws.uniform("leads rep", key) < 0.004 * noise), "rep_id"] = None
    leads.loc[draws.uniform("leads segment", key) < 0.02 * noise, "segment"] = None


def _soil_activities(
    story: Story, draws: Draws, frames: dict[str, pd.DataFrame], noise: float
) -> None:
    activities = frames["activities"]
    when = activities["occurred_at"].to_numpy().astype("datetime64[s]")
    key = _numbers(activities["deal_id"]) + 7 * _numbers(activities["lead_id"])
    second = when.astype(np.int64)
    limit = (story.scene.grid.as_of - np.timedelta64(1, "D")).astype("datetime64[s]")
    shifted = (draws.uniform("zone", key, second) < 0.004 * noise) & (when < limit)
    moved = np.where(shifted, when + 3 * _HOUR, when)
    lag = activities["logged_at"].to_numpy().astype("datetime64[s]") - when
    late = draws.uniform("late", key, second) < 0.05 * noise
    days = 1 + 4 * draws.uniform("late by", key, second)
    lag = np.where(late, (days * 86_400).astype("timedelta64[s]"), lag)
    # what is written down after the end of the data is not in them
    lag = np.where(moved + lag > limit + 2 * _DAY, _MINUTE, lag)
    activities["occurred_at"] = moved
    activities["logged_at"] = np.minimum(moved + lag, limit + 2 * _DAY - _MINUTE)


def _tidy_board(story: Story, changes: pd.DataFrame, n: int) -> None:
    """Let somebody tidy the board on a Friday: moves of the days before get that minute."""
    grid = story.scene.grid
    fridays = np.nonzero((grid.days.astype(np.int64) % 7 == 1) & (grid.days >= grid.first_day))[0]
    luck = float(story.scene.draws.uniform("tidied", 0)[0])
    friday = grid.days[fridays[int(luck * len(fridays))]]
    minute = pd.Timestamp(friday.astype("datetime64[s]")) + pd.Timedelta(hours=16, minutes=40)
    moved = changes["entered_at"]
    by_deal = moved.groupby(changes["deal_id"])
    # in between only: what was opened or closed has its own moment
    last = by_deal.shift(-1)
    fit = (moved < minute) & by_deal.shift().notna() & (last > minute + pd.Timedelta("2min"))
    rows = moved[fit].nlargest(n).index
    changes.loc[rows, "entered_at"] = minute + pd.to_timedelta(np.arange(len(rows)), unit="s")


def _duplicated(draws: Draws, deals: pd.DataFrame, story: Story, noise: float) -> pd.DataFrame:
    """Add deals that were entered twice and merged."""
    key = _numbers(deals["deal_id"])
    again = deals[draws.uniform("again", key) < 0.003 * noise].copy()
    words = story.scene.layout.words
    created = again["created_at"] + pd.Timedelta(hours=2)
    again["merged_into_id"] = again["deal_id"]
    again["deal_id"] = again["deal_id"] + "-2"
    closed = created + pd.Timedelta(days=1)
    inside = closed < pd.Timestamp(story.scene.grid.as_of.astype("datetime64[s]"))
    again = again.assign(status="lost", stage=words.lost, created_at=created, closed_at=closed,
                         lead_id=None, loss_reason=words.reasons[-1], probability=0.0)  # fmt: skip
    deals["merged_into_id"] = None
    again = again[inside]
    return pd.concat([deals, again[deals.columns]]) if len(again) else deals


def _distrust(story: Story, frames: dict[str, pd.DataFrame]) -> None:
    """Let reps write down late, in heaps, and what contradicts itself."""
    ids = rep_ids(len(story.scene.layout.staff.seat))
    dose = pd.Series(np.clip(story.doses.of_people("crm_unreliable"), 0, 0.95), index=ids)
    since = story.doses.faults["crm_unreliable"].since_day.astype("datetime64[s]")
    draws = story.scene.draws
    _log_late(draws, frames["activities"], dose, since)
    _move_on_fridays(draws, frames["stage_changes"], dose, since)
    _enter_when_won(draws, frames, dose, since)
    deals = frames["deals"]
    share = _share(deals, dose, deals["closed_at"] >= since)
    key = _numbers(deals["deal_id"])
    won = (deals["status"] == "won").to_numpy()
    stays = won & (draws.uniform("stage stays", key) < 0.25 * share)
    deals.loc[stays, "stage"] = story.scene.layout.stages[-1]
    lost = (deals["status"] == "lost").to_numpy()
    wrong = lost & (draws.uniform("wrong year", key) < 0.06 * share)
    deals.loc[wrong, "closed_at"] -= pd.Timedelta(days=365)


def _share(frame: pd.DataFrame, dose: pd.Series[float], late: pd.Series[bool]) -> Floats:
    share: Floats = np.where(late, frame["rep_id"].map(dose).fillna(0.0), 0.0)
    return share


def _friday(moment: pd.Series[pd.Timestamp]) -> pd.Series[pd.Timestamp]:
    """Give six minutes to six on the Friday of the same week, or of the next."""
    days = (4 - moment.dt.day_of_week) % 7
    friday = moment.dt.normalize() + pd.to_timedelta(days, unit="D") + pd.Timedelta("17h54min")
    return friday.where(friday > moment, friday + pd.Timedelta(days=7))


def _log_late(
    draws: Draws, activities: pd.DataFrame, dose: pd.Series[float], since: np.datetime64
) -> None:
    when = activities["occurred_at"]
    share = _share(activities, dose, when >= since)
    second = when.to_numpy().astype("datetime64[s]").astype(np.int64)
    luck = draws.uniform("heap", np.arange(len(when)), second)
    rows = luck < share
    some = (luck * 1e6).astype(np.int64) % 60
    heap = _friday(when) + pd.to_timedelta(some, unit="s")
    activities.loc[rows, "logged_at"] = heap[rows]
    # of those, many carry the time of writing, not of the deed
    fake = rows & (luck < 0.5 * share)
    limit = when.max()
    activities.loc[fake, "occurred_at"] = np.minimum(heap[fake], limit)


def _move_on_fridays(
    draws: Draws, changes: pd.DataFrame, dose: pd.Series[float], since: np.datetime64
) -> None:
    when = changes["entered_at"]
    by_deal = when.groupby(changes["deal_id"])
    inner = by_deal.shift().notna() & by_deal.shift(-1).notna()
    share = _share(changes, dose, (when >= since) & inner)
    second = when.to_numpy().astype("datetime64[s]").astype(np.int64)
    rows = draws.uniform("friday", _numbers(changes["deal_id"]), second) < share
    heap = _friday(when).where(rows, when)
    # nobody can move a deal on before it came there: heaps run up to the next move
    deal = changes["deal_id"]
    least = heap[::-1].groupby(deal[::-1]).cummin()[::-1]
    later = deal.groupby(deal).cumcount(ascending=False)
    changes["entered_at"] = (least - pd.to_timedelta(later, unit="s")).where(rows, when)


def _enter_when_won(
    draws: Draws, frames: dict[str, pd.DataFrame], dose: pd.Series[float], since: np.datetime64
) -> None:
    """Let deals be entered when they are won, with their whole history in half an hour."""
    deals, changes = frames["deals"], frames["stage_changes"]
    share = _share(deals, dose, deals["closed_at"] >= since)
    luck = draws.uniform("when won", _numbers(deals["deal_id"]))
    rows = (deals["status"] == "won").to_numpy() & (luck < 0.6 * share)
    begin = deals["closed_at"] - pd.Timedelta(minutes=30)
    deals.loc[rows, "created_at"] = begin[rows]
    begins = pd.Series(begin[rows].to_numpy(), index=deals.loc[rows, "deal_id"].to_numpy())
    place = changes.groupby("deal_id").cumcount()
    count = changes.groupby("deal_id")["deal_id"].transform("size")
    start = changes["deal_id"].map(begins)
    last = pd.to_timedelta(1_800 * place / np.maximum(count - 1, 1), unit="s")
    changes["entered_at"] = (start + last).dt.floor("s").fillna(changes["entered_at"])
