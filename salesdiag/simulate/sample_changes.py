"""The history of amounts, expected closings and owners of the sample department.

It is drawn after everything else from a generator of its own, so that no other table hangs
on it. Each history ends with what the deal shows: reps estimate an amount, give a discount
once there is a price, and move the expected close when the day comes near and the deal is
still open. Deals whose owner is missing or unknown have no history of owners.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.simulate import sample_setting as setting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_STREAM = 3  # beside the seed, so that the draws are not those of the other tables
_AS_OF = np.datetime64("2025-12-31T23:59:59", "s")
_ESTIMATED = 0.3  # share of the deals whose amount was an estimate first
_REPLANNED = 38.0  # days of life that bring one change of the expected close
_MOST_MOVES = 6
_COLUMNS = ["deal_id", "field", "changed_at", "old_value", "new_value"]


def deal_changes(seed: int, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Make the changes of the deals' amount, expected close and owner.

    Parameters
    ----------
    seed : int
        Seed of the sample.
    tables : mapping of str to DataFrame
        The other tables, finished: ``deals`` and ``stage_changes`` are read.

    Returns
    -------
    DataFrame
        The table ``deal_changes``, by deal and time; ``old_value`` and ``new_value`` are text.
    """
    rng = np.random.Generator(np.random.PCG64([seed, _STREAM]))
    lives = _lives(tables)
    parts = [_amounts(rng, lives), _dates(rng, lives), _owners(lives)]
    changes = pd.concat(parts, ignore_index=True)
    changes["changed_at"] = changes["changed_at"].astype("datetime64[s]")
    return changes.sort_values(["deal_id", "changed_at", "field"], ignore_index=True)[_COLUMNS]


def _lives(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Put beside each deal when it began, got a price and ended, and who opened it."""
    deals, moves = tables["deals"], tables["stage_changes"]
    by_deal = moves.groupby("deal_id")
    priced = moves[moves["stage"].isin(setting.STAGES[setting.PROPOSAL : setting.WON + 1])]
    lives = deals.set_index("deal_id")
    lives["began"] = by_deal["entered_at"].min()
    lives["opener"] = by_deal["rep_id"].first()
    lives["priced"] = priced.groupby("deal_id")["entered_at"].min()
    # some closing dates have a wrong year; the last move has not
    last = by_deal["entered_at"].max()
    lives["ended"] = last.where(lives["status"] != "open", pd.Timestamp(_AS_OF))
    return lives.reset_index()


def _between(
    lives: pd.DataFrame, first: pd.Series, share: NDArray[np.float64]
) -> pd.Series[pd.Timestamp]:
    """Give a moment of each deal's life after ``first``, whole seconds, before its end."""
    left = (lives["ended"] - first).dt.total_seconds().to_numpy() - 120
    after = 60 + np.floor(np.clip(left, 0, None) * share)
    return first + pd.to_timedelta(after, unit="s")


def _amounts(rng: np.random.Generator, lives: pd.DataFrame) -> pd.DataFrame:
    """Change estimates into list prices, and those into prices after discount."""
    n = len(lives)
    luck, share = rng.random(n), rng.random((n, 2))
    guess = np.exp(0.35 * rng.normal(size=n))
    price = lives["list_amount"].to_numpy(float)
    amount = lives["amount"].to_numpy(float)
    known = ~np.isnan(amount)
    lasts = (lives["ended"] - lives["began"]).dt.total_seconds().to_numpy() > 4 * 86_400
    rough = np.maximum(np.round(price * guess, -2), 100.0)
    priced = lives["priced"].notna().to_numpy()
    until = lives.assign(ended=lives["priced"].fillna(lives["ended"]))
    estimated = known & lasts & (luck < _ESTIMATED) & (rough != price)
    at = _between(until, lives["began"], share[:, 0])
    fits = estimated & (at < until["ended"]).to_numpy()
    first = _rows(lives, "amount", at, _money(rough), _money(price), fits)
    discounted = known & priced & (np.round(amount, 2) != np.round(price, 2))
    at = _between(lives, lives["priced"], 0.3 * share[:, 1])
    fits = discounted & (at <= lives["ended"]).to_numpy()
    second = _rows(lives, "amount", at, _money(price), _money(amount), fits)
    return pd.concat([first, second], ignore_index=True)


def _dates(rng: np.random.Generator, lives: pd.DataFrame) -> pd.DataFrame:
    """Move the expected close whenever the day comes near, up to the one the deal shows."""
    n = len(lives)
    days = (lives["ended"] - lives["began"]).dt.total_seconds().to_numpy() / 86_400
    number = np.minimum(rng.poisson(np.clip(days - 5, 0, None) / _REPLANNED), _MOST_MOVES)
    share = np.sort(np.where(np.arange(_MOST_MOVES) < number[:, None],
                             rng.random((n, _MOST_MOVES)), 2.0), axis=1)  # fmt: skip
    ahead = rng.integers(-4, 15, (n, _MOST_MOVES))
    began, final = lives["began"].dt.normalize(), lives["expected_close_on"]
    parts = []
    for move in range(_MOST_MOVES):
        there = number > move
        at = _between(lives, lives["began"], np.minimum(share[:, move], 1.0))
        old = at.dt.normalize() + pd.to_timedelta(ahead[:, move], unit="D")
        old = old.where(old >= began, began)
        new = final
        if move + 1 < _MOST_MOVES:
            later = _between(lives, lives["began"], np.minimum(share[:, move + 1], 1.0))
            following = later.dt.normalize() + pd.to_timedelta(ahead[:, move + 1], unit="D")
            following = following.where(following >= began, began)
            new = final.where(number == move + 1, following)
        parts.append(_rows(lives, "expected_close_on", at, _day(old), _day(new), there))
    moves = pd.concat(parts, ignore_index=True)
    # a plan that did not change is no change: what stands before it goes on
    moves = moves[moves["old_value"] != moves["new_value"]]
    return moves.drop_duplicates(["deal_id", "changed_at"], keep="last")


def _owners(lives: pd.DataFrame) -> pd.DataFrame:
    """Hand the deals of who left to the heir, on the evening of the last day."""
    ids = [f"R{number:02d}" for number in range(1, len(setting.REPS) + 1)]
    heirs = {ids[left]: ids[heir] for left, heir in setting.HEIRS.items()}
    left_at = {ids[left]: pd.Timestamp(setting.REPS[left][6]) for left in setting.HEIRS}
    handed = (lives["opener"].map(heirs) == lives["rep_id"]).to_numpy()
    at = lives["opener"].map(left_at) + pd.Timedelta(hours=16)
    inside = ((at > lives["began"]) & (at <= lives["ended"])).to_numpy()
    return _rows(lives, "rep_id", at, lives["opener"], lives["rep_id"], handed & inside)


def _rows(
    lives: pd.DataFrame, field: str, at: pd.Series, old: pd.Series, new: pd.Series,
    where: NDArray[np.bool_],
) -> pd.DataFrame:  # fmt: skip
    table = pd.DataFrame({
        "deal_id": lives["deal_id"], "field": field, "changed_at": at,
        "old_value": old, "new_value": new,
    })  # fmt: skip
    return table[where]


def _money(amount: NDArray[np.float64]) -> pd.Series[str]:
    return pd.Series(amount).map("{:.2f}".format)


def _day(day: pd.Series) -> pd.Series[str]:
    text: pd.Series[str] = day.dt.strftime("%Y-%m-%d")
    return text
