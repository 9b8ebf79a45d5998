"""A made-up department as a folder: a CSV file a table, and department.toml."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from salesdiag.schema import TABLES
from salesdiag.simulate.causes import Fault
from salesdiag.simulate.worlds import World, world

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

_FORMATS = {"time": "%Y-%m-%d %H:%M:%S", "date": "%Y-%m-%d"}
_FOREIGN = ("amount", "list_amount", "cost_amount")


def simulate(
    folder: Path,
    cause: str | None = None,
    *,
    seed: int = 0,
    strength: float = 1.0,
    reps: int = 26,
    months: int = 24,
    as_of: date | str = "2025-12-31",
    decoys: str | Sequence[str] = (),
    noise: float = 1.0,
    language: str | None = None,
) -> World:
    """Make a department with one fault, or none, and write it into a folder.

    Parameters
    ----------
    folder : Path
        Made if it is not there; files of the same names are overwritten.
    cause : str, optional
        A code of the catalogue. Default: a healthy department.
    seed, reps, months, as_of, decoys, noise, language
        As in `world`.
    strength : float, default 1.0
        Of the fault.

    Returns
    -------
    World
        What was written, and what is wrong with it.
    """
    faults = [] if cause is None else [Fault(cause, strength)]
    made = world(faults, seed=seed, reps=reps, months=months, as_of=as_of, decoys=decoys,
                 noise=noise, language=language)  # fmt: skip
    write_world(made, folder)
    return made


def write_world(made: World, folder: Path) -> None:
    """Write a department into a folder that `salesdiag.load` reads.

    What is wrong with it is not written.

    Parameters
    ----------
    made : World
        As `world` gives it.
    folder : Path
        Made if it is not there; files of the same names are overwritten.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in made.tables.items():
        text = _as_text(name, _as_agreed(made) if name == "deals" else frame)
        text.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n", encoding="utf-8")
    settings = _as_toml(made.settings)
    (folder / "department.toml").write_text(settings, encoding="utf-8", newline="\n")


def _as_agreed(made: World) -> pd.DataFrame:
    """Give the deals with their amounts in the currency of each, as a system exports them."""
    deals = made.tables["deals"]
    if "fx_rates" not in made.tables:
        return deals
    rates = made.tables["fx_rates"].set_index("on")["rate"]
    moment = deals["closed_at"].fillna(deals["created_at"]).dt.normalize()
    rate = rates.reindex(moment, method="ffill").fillna(rates.iloc[0]).to_numpy()
    rate = np.where(deals["currency"] == made.settings["currency"], 1.0, rate)
    return deals.assign(**{name: (deals[name] / rate).round(2) for name in _FOREIGN})


def _as_text(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    text = frame.copy()
    for column in frame.columns:
        told = TABLES[name].column(column)
        kind = "date" if told is None else told.type
        values = text[column]
        if kind in _FORMATS and pd.api.types.is_datetime64_any_dtype(values):
            text[column] = values.dt.strftime(_FORMATS[kind])
        elif kind == "money":
            text[column] = values.map("{:.2f}".format, na_action="ignore")
        elif told is not None and told.unit == "seconds":
            text[column] = values.map("{:.0f}".format, na_action="ignore")
    return text


def _as_toml(settings: dict[str, Any]) -> str:
    """Write settings as TOML: plain values, lists, and tables below them."""
    plain = [f"{key} = {_value(value)}" for key, value in settings.items()
             if not isinstance(value, dict)]  # fmt: skip
    parts = ["\n".join(plain)]
    for key, value in settings.items():
        if isinstance(value, dict):
            parts.append(_table(key, value))
    return "\n\n".join(parts) + "\n"


def _table(name: str, rows: dict[str, Any]) -> str:
    lines = [f"[{name}]"]
    lines += [f"{key} = {_value(one)}" for key, one in rows.items() if not isinstance(one, list)]
    for key, several in rows.items():
        if isinstance(several, list):
            for one in several:
                lines.append(f"[[{name}.{key}]]")
                lines += [f"{inner} = {_value(value)}" for inner, value in one.items()]
    return "\n".join(lines)


def _value(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, str | int | float):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return str(value)  # a day
