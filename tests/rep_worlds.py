"""Small departments of reps drawn at random, with or without a planted fault."""

from __future__ import annotations

import numpy as np
import pandas as pd

import salesdiag as sd

LONG_AGO = pd.Timestamp("2018-01-01")


def working_days(first, last) -> np.ndarray:
    return pd.bdate_range(first, last).to_numpy()


def deals_at(rep_ids, days, status="won", **more) -> pd.DataFrame:
    """Make deals of these reps closed on these days."""
    frame = pd.DataFrame({"rep_id": rep_ids, "closed_at": pd.to_datetime(days)})
    frame = frame.assign(status=status, **more)
    if "created_at" not in frame:
        frame["created_at"] = frame["closed_at"]
    return frame.assign(deal_id=[f"D{number}" for number in range(len(frame))])


def drawn_wins(random, rates: dict[str, np.ndarray], days: np.ndarray) -> pd.DataFrame:
    """Draw wins of each rep on each working day from its expected wins a day."""
    parts = []
    for rep, rate in rates.items():
        counts = random.poisson(np.broadcast_to(rate, days.shape))
        parts.append(pd.DataFrame({"rep_id": rep, "closed_at": np.repeat(days, counts)}))
    frame = pd.concat(parts, ignore_index=True)
    return deals_at(frame["rep_id"], frame["closed_at"])


def reps_of(hired: dict[str, object], left=None, **more) -> pd.DataFrame:
    left = left or {}
    return pd.DataFrame({
        "rep_id": list(hired), "hired_on": pd.to_datetime(list(hired.values())),
        "left_on": pd.to_datetime([left.get(rep) for rep in hired]), **more,
    })  # fmt: skip


def department_of(deals, reps=None, *, as_of="2025-12-31", **more) -> sd.Department:
    tables = {} if reps is None else {"reps": reps}
    return sd.Department(deals=deals, as_of=as_of, **tables, **more)
