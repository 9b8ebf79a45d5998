"""Deals go to reps who win fewer of their kind than those who had them before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import special

from salesdiag.diagnosis.suspects import Suspect, of_department, size_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from salesdiag.diagnosis.view import View

    Floats = NDArray[np.float64]

_KINDS = ("segment", "product", "source")
_PRIOR = 8.0  # deals of a kind that a rep's own record is mixed with
_FEWEST_REPS = 5
_SMALLEST = 0.02


def detect(view: View) -> list[Suspect]:
    """Ask what the deals of each kind would bring at the hands they went to, now and before."""
    cells = view.created
    if cells is None or not view.has_past() or "rep_id" not in cells:
        return []
    rows = [row for kind in _KINDS if kind in cells
            if (row := _compare(cells, kind)) is not None]  # fmt: skip
    if not rows:
        return []
    table = pd.DataFrame(rows)
    table["p_value"] = (table["p_value"] * len(table)).clip(upper=1.0)
    worst = table.sort_values(["p_value", "kind"]).iloc[0]
    if worst["change"] > -_SMALLEST:
        return []
    harm, error = _harm(view, float(worst["change"]), float(worst["error"]))
    return [Suspect(
        "lead_misallocation", "department", (), float(worst["now"]), float(worst["base"]),
        int(worst["n_deals"]), float(worst["p_value"]), "pipeline", harm, error,
        view.revenue_at(of="of_deals"), has_driver=True, table=table,
    )]  # fmt: skip


def _harm(view: View, change: float, error: float) -> tuple[float, float]:
    """Give what the conversion lost, at least what the hands that leads went to account for.

    Rates of few deals are drawn to the mean, so that what they account for is too little.
    """
    fall = of_department(view.pipeline())
    if fall is None or fall.log_ratio > change:
        return change, error
    return size_of(fall)


def _compare(cells: pd.DataFrame, kind: str) -> dict[str, object] | None:
    """Compare what the deals of each kind would bring where they went, on both sides."""

    def grid(name: str, side: str | None = None) -> Floats:
        rows = cells if side is None else cells[cells["side"] == side]
        table = rows.pivot_table(index=kind, columns="rep_id", values=name, aggfunc="sum")
        return table.reindex(index=kinds, columns=names).fillna(0.0).to_numpy(float)

    kinds, names = sorted(cells[kind].unique()), sorted(cells["rep_id"].unique())
    shares = {side: grid("n_deals", side) for side in ("base", "now")}
    settled, won = grid("n_settled"), grid("n_won")
    if not won.sum() > 0:
        return None
    stayed = (shares["base"].sum(axis=0) > 0) & (shares["now"].sum(axis=0) > 0)
    if stayed.sum() < _FEWEST_REPS or len(won) < 2:
        return None
    parts = [one[:, stayed] for one in (shares["base"], shares["now"], settled, won)]
    change, base, now = _index(*parts)
    drawn = [_index(*(np.delete(one, rep, axis=1) for one in parts))[0]
             for rep in range(parts[0].shape[1])]  # fmt: skip
    if not np.isfinite([change, *drawn]).all():
        return None
    n = len(drawn)
    error = float(np.sqrt((n - 1) / n * np.sum((np.array(drawn) - np.mean(drawn)) ** 2)))
    return {"kind": kind, "base": base, "now": now, "change": change, "error": error,
            "p_value": float(special.stdtr(n - 1, change / error)) if error > 0 else 1.0,
            "n_deals": float(parts[1].sum()), "n_reps": n}  # fmt: skip


def _index(base: Floats, now: Floats, settled: Floats, won: Floats) -> tuple[float, float, float]:
    """Give the change of the expected win rate by who got what, each kind at its weight now."""
    usual = won.sum(axis=1, keepdims=True) / np.maximum(settled.sum(axis=1, keepdims=True), 1.0)
    rate = (won + _PRIOR * usual) / (settled + _PRIOR)
    weight = now.sum(axis=1)
    # what a rep wins of everything went with the seat, not with the kind
    level = (rate * settled).sum(axis=0) / np.maximum((usual * settled).sum(axis=0), 1e-9)
    fit = rate / np.maximum(level, 1e-9)
    found = [
        float((weight * (fit * one / np.maximum(one.sum(axis=1, keepdims=True), 1.0)).sum(axis=1))
              .sum() / weight.sum())
        for one in (base, now)
    ]  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.log(np.divide(found[1], found[0]))), found[0], found[1]
