"""Tiny departments that can be counted by eye."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd

import salesdiag as sd
from salesdiag.simulate.sample import sample_tables

SAMPLE = Path(__file__).parents[1] / "sample_data"
DAY_0 = pd.Timestamp("2025-01-01")
AS_OF = "2025-03-01"  # day 59


def day(number: float | None) -> pd.Timestamp:
    """Give the day of this number: 0 is 1 January 2025, 59 the last one of the data."""
    return pd.NaT if number is None else DAY_0 + pd.Timedelta(days=number)


def days(numbers) -> list[pd.Timestamp]:
    return [day(number) for number in numbers]


STAGES = pd.DataFrame({
    "stage": ["lead", "offer", "won", "lost"],
    "position": [1, 2, 3, 4],
    "status": ["open", "open", "won", "lost"],
})  # fmt: skip


def moves_of(moves) -> pd.DataFrame:
    """Make a stage history of (deal, stage, day)."""
    frame = pd.DataFrame(moves, columns=["deal_id", "stage", "entered_at"])
    return frame.assign(entered_at=pd.to_datetime(days(frame["entered_at"])))


def department_of(deals, moves, *, created=0, **more) -> sd.Department:
    """Build a department of (deal, status, day of closing, rep) and (deal, stage, day).

    All deals are created on one day; the selling order is lead, offer, won.
    """
    frame = pd.DataFrame(deals, columns=["deal_id", "status", "closed_at", "rep_id"])
    closed = frame["closed_at"].astype(object).where(frame["closed_at"].notna(), None)
    frame["closed_at"] = pd.to_datetime(days(closed))
    frame["created_at"] = day(created)
    given = {"stages": STAGES, "as_of": AS_OF} | more
    return sd.Department(deals=frame, stage_changes=moves_of(moves), **given)


def deals_of(rows, columns, **more) -> sd.Department:
    """Build a department of deals only (and what else is given), from rows and column names.

    Columns that end in ``_at`` hold numbers of days.
    """
    frame = pd.DataFrame(rows, columns=columns)
    for name in frame.columns[frame.columns.str.endswith("_at")]:
        values = frame[name].astype(object).where(frame[name].notna(), None)
        frame[name] = pd.to_datetime(days(values))
    return sd.Department(deals=frame, **({"as_of": AS_OF} | more))


def targets_of(rows) -> pd.DataFrame:
    """Make targets of (level, id, first day, last day, target), all of revenue."""
    columns = ["level", "id", "period_start", "period_end", "target"]
    frame = pd.DataFrame(rows, columns=columns).assign(metric="revenue")
    for name in ("period_start", "period_end"):
        frame[name] = pd.to_datetime(frame[name])
    return frame.astype({"target": float})


@cache
def _sample_frames() -> dict[str, pd.DataFrame]:
    return sample_tables()


def sample_frames() -> dict[str, pd.DataFrame]:
    """Give the tables of the sample department; made once, copied for each who asks."""
    return {name: frame.copy() for name, frame in _sample_frames().items()}


@cache
def sample_department() -> sd.Department:
    """Give the sample department, from its tables and not from files."""
    calendar = sd.Calendar(time_zone="Europe/Berlin", holidays="DE")
    return sd.Department(
        **sample_frames(), as_of="2025-12-31", currency="EUR", calendar=calendar, name="Sample"
    )


def shuffled(frames: dict[str, pd.DataFrame], seed: int = 1) -> dict[str, pd.DataFrame]:
    """Give the same rows in another order."""
    return {
        name: frame.sample(frac=1, random_state=seed).reset_index(drop=True)
        for name, frame in frames.items()
    }


def stored(connection, name, data):
    """Put a frame into a DuckDB under a name, without statements that vary between versions."""
    connection.con.register("arriving", data)
    connection.con.execute(f'CREATE TABLE "{name}" AS SELECT * FROM arriving')
    connection.con.unregister("arriving")
    return connection.table(name)
