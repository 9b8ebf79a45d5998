"""Deals go to reps who win fewer of their kind than those who had them before."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy import special

from salesdiag.diagnosis.suspects import Suspect, combined, of_department, size_of
from salesdiag.stats.panel.fixed_effects import TwoWay

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from salesdiag.diagnosis.finding import Level
    from salesdiag.diagnosis.view import View

    Floats = NDArray[np.float64]

_KINDS: tuple[Level, ...] = ("segment", "product", "source")
_FEWEST_REPS, _FEWEST_KINDS = 5, 2
_SMALLEST = 0.02
_A_FEW = 2.0  # deals, or wins, that every rep is credited with: nobody's rate is 0
_ALIKE = 0.6  # of what it cost: how far it may be off, for what suits a rep is told by few deals
_SEEN_IN_PART = 1.5
_TURNS = 200
_CLOSE = 1e-10


def detect(view: View) -> list[Suspect]:
    """Ask whether reps win fewer of the kinds that they now get more of, and what that cost."""
    cells = view.created
    if cells is None or not view.has_past() or "rep_id" not in cells:
        return []
    rows = [row for kind in _KINDS if kind in cells
            if (row := _compare(cells, kind, view)) is not None]  # fmt: skip
    if not rows:
        return []
    table = pd.DataFrame(rows)
    table["p_value"] = (table["p_value"] * len(table)).clip(upper=1.0)
    worst = table.sort_values(["p_value", "kind"]).iloc[0]
    if not worst["change"] < -_SMALLEST:
        return []
    return [Suspect(
        "lead_misallocation", "department", (), float(worst["now"]), float(worst["base"]),
        int(worst["n_deals"]), float(worst["p_value"]), "pipeline",
        *_harm(view, float(worst["change"]), float(worst["error"])),
        view.revenue_at(of="of_deals"), has_driver=True, table=table,
    )]  # fmt: skip


def _harm(view: View, change: float, error: float) -> tuple[float, float]:
    """Give what the hands account for, beside what the conversion of all lost where it fell more.

    What a rep wins of everything is taken to be the rep's, though it comes from what suits too:
    where half of the deals suit, half of it; where kinds are swapped, none.
    """
    change, error = _SEEN_IN_PART * change, _SEEN_IN_PART * error
    fall = of_department(view.pipeline())
    if fall is None or fall.log_ratio > change:
        return change, error
    return combined((change, error), size_of(fall))


class _Side(NamedTuple):
    """Deals of one year, by kind and rep."""

    dealt: Floats
    settled: Floats
    won: Floats


def _compare(cells: pd.DataFrame, kind: Level, view: View) -> dict[str, object] | None:
    """Compare what the deals of each kind bring at the hands they went to, now and before."""
    sides = _sides(cells, kind)
    if sides is None:
        return None
    kinds, base, now = sides
    shift = _shift(base.dealt, now.dealt)
    settled, won = base.settled + now.settled, base.won + now.won
    slope, error, n_reps = _slope(shift, settled, won, _usual(base) + _usual(now))
    # what a rep wins of everything went with the seat, not with the kind
    of_kind = won.sum(axis=1) / np.maximum(settled.sum(axis=1), _CLOSE)
    rate = of_kind[:, None] * np.exp(slope * shift)
    worth = np.array([view.revenue_at(kind, (one,)) for one in kinds])
    worth = np.nan_to_num(worth) if np.nansum(worth) > 0 else now.dealt.sum(axis=1)
    before, after = (_at_hands(rate, one.dealt, worth) for one in (base, now))
    if not (error > 0 and before > 0 and after > 0):
        return None
    change = float(np.log(after / before))
    return {
        "kind": kind, "base": before, "now": after, "change": change,
        "error": abs(change) * float(np.hypot(error / slope, _ALIKE)) if slope else 0.0,
        "p_value": float(special.stdtr(n_reps - 1, slope / error)), "slope": slope,
        "slope_error": error, "n_deals": float(now.dealt.sum()), "n_reps": n_reps,
    }  # fmt: skip


def _sides(cells: pd.DataFrame, kind: str) -> tuple[list[str], _Side, _Side] | None:
    """Count the deals of the reps and kinds that there were on both sides, None if too few."""
    counts = cells.pivot_table(
        index=kind, columns=["side", "rep_id"], values=["n_deals", "n_settled", "n_won"],
        aggfunc="sum", fill_value=0.0,
    )  # fmt: skip
    dealt = counts["n_deals"]
    if not {"base", "now"} <= set(dealt.columns.get_level_values(0)):
        return None
    on_both = [dealt[side] for side in ("base", "now")]
    reps = sorted(set.intersection(*(set(one.columns[one.sum() > 0]) for one in on_both)))
    kinds = sorted(
        set.intersection(*(set(one.index[one[reps].sum(axis=1) > 0]) for one in on_both))
    )
    if len(kinds) < _FEWEST_KINDS or len(reps) < _FEWEST_REPS:
        return None
    base, now = (
        _Side(*(counts[name][side].loc[kinds, reps].to_numpy(float)
                for name in ("n_deals", "n_settled", "n_won")))
        for side in ("base", "now")
    )  # fmt: skip
    return kinds, base, now


def _shift(base: Floats, now: Floats) -> Floats:
    """Give how much more of each kind each rep gets, net of what the rep and the kind get more."""
    shift = np.log((now + _A_FEW) / (base + _A_FEW))
    weight = now + base + _CLOSE
    kind, rep = np.indices(shift.shape).reshape(2, -1)
    net: Floats = TwoWay(rep, kind).residuals(shift.reshape(-1, 1), weight.ravel())
    return net.reshape(shift.shape)


def _usual(side: _Side) -> Floats:
    """Give the wins that rep and kind by themselves make in a year, each at the same for all.

    Each year by itself: a fall of the win rate of all is no matter of who gets what.
    """
    of_rep, of_kind = np.ones(side.won.shape[1]), np.zeros(len(side.won))
    for _turn in range(_TURNS):
        of_kind = side.won.sum(axis=1) / np.maximum((side.settled * of_rep).sum(axis=1), _CLOSE)
        due = (side.settled * of_kind[:, None]).sum(axis=0)
        last, of_rep = of_rep, (side.won.sum(axis=0) + _A_FEW) / (due + _A_FEW)
        if np.abs(of_rep - last).max() < _CLOSE:
            break
    usual: Floats = side.settled * of_kind[:, None] * of_rep
    return usual


def _slope(shift: Floats, settled: Floats, won: Floats, usual: Floats) -> tuple[float, float, int]:
    """Give by how much the win rate goes with the shift, its error by rep, and how many reps.

    What a rep wins more of one kind than of others may be more than chance, and is the same in
    both years; so the reps are what is independent. Of few reps that errs to the small side, and
    the error is that of chance in the deals at least.
    """
    weight = float((shift**2 * usual).sum())
    if not weight > _CLOSE:  # nothing is dealt out otherwise
        return 0.0, 0.0, 0
    slope = float((shift * (won - usual)).sum() / weight)
    left = (shift * (won - usual * (1 + slope * shift))).sum(axis=0)
    n = int((usual.sum(axis=0) > 0).sum())
    chance = shift**2 * usual * (1 - np.clip(usual / np.maximum(settled, _CLOSE), 0, 1))
    variance = max(n / max(n - 1, 1) * float((left**2).sum()), float(chance.sum()))
    return slope, float(np.sqrt(variance)) / weight, n


def _at_hands(rate: Floats, dealt: Floats, worth: Floats) -> float:
    """Give the win rate of the kinds at the hands that got them, each kind at its worth now."""
    shares = dealt / dealt.sum(axis=1, keepdims=True)
    return float((rate * shares).sum(axis=1) @ worth / max(worth.sum(), _CLOSE))
