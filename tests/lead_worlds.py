"""Departments with leads: tiny ones that can be counted by eye, and small simulated ones."""

from __future__ import annotations

import numpy as np
import pandas as pd

import salesdiag as sd

NO_DEALS = pd.DataFrame({"deal_id": ["D0"], "status": ["open"]})
MONDAY = pd.Timestamp("2025-06-02")


def at(text) -> pd.Timestamp:
    """Give a moment of June 2025 written as ``"3 10:30"``; None is none."""
    return pd.NaT if text is None else pd.Timestamp(f"2025-06-{int(text.split()[0]):02d} "
                                                    f"{text.split()[1]}")  # fmt: skip


def leads_of(rows, columns=("lead_id", "created_at", "first_response_at"), **more):
    """Build a department of leads from rows; moments are those of `at`."""
    frame = pd.DataFrame(rows, columns=list(columns))
    for name in frame.columns[frame.columns.str.endswith("_at")]:
        texts = frame[name].astype(object).where(frame[name].notna(), None)
        frame[name] = pd.to_datetime([at(text) for text in texts])
    given = {"deals": NO_DEALS, "as_of": "2025-06-30"} | more
    return sd.Department(leads=frame, **given)


def answered_world(seed, n=3000, *, per_doubling=0.0, hot=0.0) -> sd.Department:
    """Simulate a year of leads, working hours 9 to 18, twelve reps.

    ``per_doubling`` is what each doubling of the wait by the wall clock does to the chance of
    being qualified. ``hot`` is how strongly leads that will qualify anyway are called first.
    """
    rng = np.random.default_rng(seed)
    days = pd.bdate_range("2024-01-01", "2024-12-31").to_numpy()
    later = pd.bdate_range("2024-01-01", "2027-12-31").to_numpy()
    day, hour = rng.choice(len(days), n), rng.uniform(7, 21, n)
    source = rng.choice(["web", "fair", "partner"], n, p=[0.5, 0.2, 0.3])
    rep, heat = rng.integers(0, 12, n), rng.normal(size=n)
    speed = rng.normal(0, 0.3, 12)[rep]
    delay = np.exp(0.6 + speed + 0.9 * rng.normal(size=n) - hot * heat)
    in_day = np.where(hour >= 18, 0.0, np.clip(hour, 9, 18) - 9) + delay
    place = day + (hour >= 18) + np.floor(in_day / 9).astype(int)
    created = days[day] + (hour * 3600).astype("timedelta64[s]")
    answer = later[np.minimum(place, len(later) - 1)]
    answer = answer + ((9 + in_day % 9) * 3600).astype("timedelta64[s]")
    waited = (answer - created) / np.timedelta64(1, "h")
    chance = 0.45 + 0.1 * (source == "partner") + (0.12 * heat if hot else 0.0)
    chance = chance + per_doubling * np.log2((waited + 0.25) / 4)
    hit = rng.random(n) < np.clip(chance, 0.02, 0.98)
    leads = pd.DataFrame({
        "lead_id": np.arange(n).astype(str), "created_at": created, "first_response_at": answer,
        "source": source, "rep_id": np.char.add("r", rep.astype(str)),
        "status": np.where(hit, "qualified", "disqualified"),
    })  # fmt: skip
    return sd.Department(deals=NO_DEALS, leads=leads, as_of="2025-06-30")
