"""The sample department: Nordwind Office, 24 months to the end of 2025.

Four teams of four to six reps and a manager sell office equipment. Deals that were open or
opened since 2024-01-01 are in the tables with their whole stage history; leads and
activities begin on that day, so deals that came from an earlier lead name none.

**The planted weakness.** In team North, of the moves forward out of Proposal from
2025-01-01 on, 40 % are losses instead: the conversion from Proposal to Negotiation is 60 %
of what it was. All else is the same for all teams: leads, prices, the spread of skill.
Discounts help about as much as they cost and are larger on weaker deals, so that deals with
large discounts are won less often although the discount is not to blame. Without the fault
the department would about have reached its plan of 2025.

**The blemishes**, for a check of the data to find:

- 3 lost deals closed before they were created (the year is wrong);
- 5 open deals with ``closed_at`` in place;
- 15 deals (0.3 %) without ``rep_id``, 2 with a ``rep_id`` that is not among the reps;
- 40 stage changes within one minute, 2025-06-13 16:30;
- 12 open deals with ``expected_close_on`` in the past;
- 6 lost deals without amounts;
- 2 activities after the end of the data.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from salesdiag.schema import TABLES
from salesdiag.simulate.sample_changes import deal_changes
from salesdiag.simulate.sample_columns import all_columns
from salesdiag.simulate.sample_costs import source_costs
from salesdiag.simulate.sample_process import simulate

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEED = 20251231
KEEP = 0.6  # the planted weakness

_BULK_AT = np.datetime64("2025-06-13T16:30:00", "s")
_DEPARTMENT = """\
name = "Nordwind Office"
as_of = 2025-12-31
currency = "EUR"
time_zone = "Europe/Berlin"
fiscal_year_start = 1
working_days = ["mon", "tue", "wed", "thu", "fri"]
working_hours = ["08:00", "17:00"]
holidays = "DE"
"""


def sample_tables(seed: int = SEED) -> dict[str, pd.DataFrame]:
    """Make the tables of the sample department.

    Parameters
    ----------
    seed : int, default 20251231
        Seed of the draws; the same seed gives the same tables. ``sample_data`` holds the
        default one. The plan does not depend on it.

    Returns
    -------
    dict of str to DataFrame
        Canonical tables by name, with the columns that are filled; times and dates are
        ``datetime64``, money is rounded to two digits.
    """
    return _tables(seed, keep=KEEP)


def write_sample(folder: Path, *, seed: int = SEED) -> None:
    """Write the sample department into a folder: a CSV file a table, and department.toml.

    Parameters
    ----------
    folder : Path
        Made if it is not there; files of the same names are overwritten.
    seed : int, default 20251231
        As in `sample_tables`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in sample_tables(seed).items():
        text = _as_text(name, frame)
        text.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n", encoding="utf-8")
    (folder / "department.toml").write_text(_DEPARTMENT, encoding="utf-8", newline="\n")


def _as_text(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    formats = {"time": "%Y-%m-%d %H:%M:%S", "date": "%Y-%m-%d"}
    text = frame.copy()
    for column in TABLES[name].columns:
        if column.name in text and column.type in formats:
            text[column.name] = text[column.name].dt.strftime(formats[column.type])
        elif column.name in text and "currency" in column.unit:
            text[column.name] = text[column.name].map("{:.2f}".format, na_action="ignore")
        elif column.name in text and column.unit == "seconds":
            text[column.name] = text[column.name].map("{:.0f}".format, na_action="ignore")
    return text


def _tables(seed: int, *, keep: float) -> dict[str, pd.DataFrame]:
    rng = np.random.Generator(np.random.PCG64(seed))
    world = simulate(rng, keep=keep)
    tables = {
        name: pd.DataFrame({key: columns[key] for key in TABLES[name].names if key in columns})
        for name, columns in all_columns(rng, world).items()
    }
    _blemish(rng, tables)
    tables["deal_changes"] = deal_changes(seed, tables)
    tables["source_costs"] = source_costs()
    return tables


class _Choice:
    """Chooses rows at random, none twice."""

    def __init__(self, rng: np.random.Generator, n: int) -> None:
        self._rng = rng
        self._free = np.ones(n, dtype=bool)

    def take(self, where: pd.Series[bool], n: int) -> NDArray[np.int64]:
        allowed = where.to_numpy(dtype=bool) & self._free
        key = np.where(allowed, self._rng.random(len(allowed)), 2.0)
        rows = np.argsort(key, kind="stable")[:n]
        self._free[rows] = False
        return rows


def _blemish(rng: np.random.Generator, tables: dict[str, pd.DataFrame]) -> None:
    """Put the faults of the module's docstring into the tables."""
    deals, items = tables["deals"], tables["line_items"]
    choice = _Choice(rng, len(deals))
    is_open, is_lost = deals["status"] == "open", deals["status"] == "lost"
    recent = is_lost & (deals["closed_at"] >= "2025-02-01") & (deals["created_at"] >= "2025-01-01")
    rows = choice.take(recent, 3)
    deals.loc[rows, "closed_at"] -= pd.Timedelta(days=365)
    rows = choice.take(is_open, 5)
    deals.loc[rows, "closed_at"] = _closing_of_open(tables, deals.loc[rows, "deal_id"])
    rows = choice.take(is_open & (deals["created_at"] < "2025-11-15"), 12)
    late = pd.to_timedelta(rng.integers(2, 40, 12), unit="D")
    deals.loc[rows, "expected_close_on"] = pd.Timestamp("2025-12-31") - late
    rows = choice.take(is_lost & ~deals["deal_id"].isin(items["deal_id"]), 6)
    deals.loc[rows, ["amount", "list_amount", "cost_amount"]] = np.nan
    deals.loc[choice.take(deals["rep_id"].notna(), 15), "rep_id"] = None
    deals.loc[choice.take(deals["rep_id"].notna(), 2), "rep_id"] = ["R71", "R88"]
    _move_in_bulk(tables["stage_changes"])
    activities = tables["activities"]
    activities.loc[activities.index[-2:], "occurred_at"] += pd.Timedelta(days=12)


def _closing_of_open(tables: dict[str, pd.DataFrame], ids: pd.Series[str]) -> NDArray[Any]:
    """Give the last stage change of each: whoever reopened these forgot the date."""
    changes = tables["stage_changes"]
    last = changes.loc[changes["deal_id"].isin(ids)].groupby("deal_id")["entered_at"].max()
    return last.reindex(ids).to_numpy()


def _move_in_bulk(changes: pd.DataFrame) -> None:
    """Let somebody tidy the board on a Friday: moves of the days before get that minute."""
    minute = pd.Timestamp(_BULK_AT)
    moved = changes["entered_at"]
    by_deal = moved.groupby(changes["deal_id"])
    later = by_deal.shift(-1) > minute + pd.Timedelta(minutes=1)
    rows = moved[(moved < minute) & by_deal.shift().notna() & later].nlargest(40).index
    changes.loc[rows, "entered_at"] = minute + pd.to_timedelta(np.arange(40), unit="s")


if __name__ == "__main__":
    write_sample(Path(sys.argv[1]))
