"""How a rate changed against the year before: in all, and in each group of each level.

Input are cells: one row per side (``"base"`` or ``"now"``), month of the window, rep and what
else the rows can be split by, with a ``part`` and a ``whole`` (and the ``squares`` of what was
added up, where the part is money or hours). Several lists of cells are links of a chain, such
as the steps of a funnel: their changes are multiplied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from salesdiag.stats.change import place_change

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from salesdiag.diagnosis.finding import Level

    Floats = NDArray[np.float64]
    _Sums = dict[str, Floats]  # of part, whole and squares, by group

Kind = Literal["share", "total", "count", "mean", "log"]
Worse = Literal["up", "down"]

# no year repeats the one before exactly: what a whole department drifts without any cause
DRIFT = 0.03
_NORMAL_MAD = 1.4826
_FEWEST_UNITS = 5
_FEWEST_MONTHS = 6
_FEWEST_EVENTS = 10  # on either side, for a group to be looked at


class Link(NamedTuple):
    """Cells, and what their part and whole make: see `Kind`.

    ``"share"``: a part of a whole; ``"total"``: a number in equal times; ``"count"``: events
    per exposure; ``"mean"``: a mean; ``"log"``: a mean of logarithms.
    """

    cells: pd.DataFrame
    kind: Kind


class Change(NamedTuple):
    """The change of one place: the logarithm of its rate over that of the base."""

    level: Level
    id: str
    measured: float
    expected: float
    n: int  # wholes of the window
    log_ratio: float
    standard_error: float
    p_value: float  # one-sided for the worse, times the places searched
    weight: float  # of this place among all, and none

    @property
    def ids(self) -> tuple[str, ...]:
        """The groups of the place; none for the department."""
        return () if self.level == "department" else (self.id,)


class _Estimates(NamedTuple):
    names: list[str]
    now: Floats
    base: Floats
    n: Floats
    n_events: Floats  # of the smaller side
    log_ratio: Floats
    variance: Floats

    def tells(self) -> NDArray[np.bool_]:
        known = np.isfinite(self.log_ratio) & np.isfinite(self.variance) & (self.variance > 0)
        found: NDArray[np.bool_] = known & (self.n_events >= _FEWEST_EVENTS)
        return found


def changes(chain: Sequence[Link], levels: Mapping[str, Level], *, worse: Worse) -> list[Change]:
    """List the department and all groups by how well a change there alone explains the cells.

    Parameters
    ----------
    chain : sequence of Link
        What is compared; more than one are multiplied.
    levels : mapping
        Level of a scope (such as ``"team"``) by column of the cells.
    worse : {"up", "down"}
        Which direction is a fault; p-values are for that one.

    Returns
    -------
    list of Change
        The likeliest place first; places with too few events on either side are left out.
    """
    everyone = [Link(link.cells.assign(all=""), link.kind) for link in chain]
    whole = _chained(everyone, "all")
    if not len(whole.names) or not whole.tells()[0]:
        return []
    spread = overdispersion(chain)
    shared = DRIFT**2 + _month_variance(chain, spread * whole.variance[0])
    searched = [_placed(whole, "department", spread, shared, worse)]
    for column, level in levels.items():
        if all(column in link.cells and link.cells[column].nunique() > 1 for link in chain):
            searched.append(_placed(_chained(chain, column), level, spread, shared, worse))
    # each level may err as often: a place among four teams pays less than one among forty reps
    found = [
        (gain, row._replace(p_value=min(1.0, row.p_value * len(places) * len(searched))))
        for places in searched
        for gain, row in places
    ]
    gain = np.array([one for one, _row in found])
    top = gain.max(initial=0.0)
    likely = np.exp(gain - top)
    weight = likely / (likely.sum() + np.exp(-top))
    rows = [
        row._replace(weight=float(share)) for (_gain, row), share in zip(found, weight, strict=True)
    ]
    return sorted(rows, key=lambda row: (-row.weight, row.level, row.id))


def _chained(chain: Sequence[Link], column: str) -> _Estimates:
    """Multiply the links: changes and variances of the logarithms add up."""
    names = sorted(set.intersection(*(set(link.cells[column]) for link in chain)))
    links = [_estimates(link, column, names) for link in chain]
    first = links[0]
    return _Estimates(
        names,
        np.prod([one.now for one in links], axis=0),
        np.prod([one.base for one in links], axis=0),
        first.n,
        np.min([one.n_events for one in links], axis=0, initial=np.inf),
        np.sum([one.log_ratio for one in links], axis=0),
        np.sum([one.variance for one in links], axis=0),
    )


def _estimates(link: Link, column: str, names: list[str]) -> _Estimates:
    """Give each group's rate on both sides, and the logarithm of their ratio with its variance."""
    cells, kind = link
    (base_sums, now_sums) = _sums(cells, column, names)
    base, now = _rate(base_sums, kind), _rate(now_sums, kind)
    counted = "whole" if kind in ("mean", "log") else "part"
    with np.errstate(divide="ignore", invalid="ignore"):
        log_ratio = np.log(now[0] / base[0])
    return _Estimates(
        names, now[0], base[0], now_sums["whole"],
        np.minimum(base_sums[counted], now_sums[counted]), log_ratio, now[1] + base[1],
    )  # fmt: skip


def _sums(cells: pd.DataFrame, column: str, names: list[str]) -> tuple[_Sums, _Sums]:
    """Add the cells up by side and group."""
    place = {name: number for number, name in enumerate(names)}
    group = cells[column].map(place).to_numpy(float)
    kept = ~np.isnan(group)
    slot = group[kept].astype(int) + len(names) * (cells["side"].to_numpy() == "now")[kept]
    sums: _Sums = {
        name: np.bincount(slot, cells[name].to_numpy(float)[kept], 2 * len(names)).astype(float)
        for name in ("part", "whole", "squares")
        if name in cells
    }
    base, now = ({name: each[side] for name, each in sums.items()}
                 for side in (slice(None, len(names)), slice(len(names), None)))  # fmt: skip
    return base, now


def _rate(sums: _Sums, kind: Kind) -> tuple[Floats, Floats]:
    """Give the rate and the variance of its logarithm, by chance alone."""
    part, size = sums["part"], sums["whole"]
    with np.errstate(divide="ignore", invalid="ignore"):
        if kind in ("mean", "log"):
            mean = part / size
            scatter = np.maximum(sums["squares"] / size - mean**2, 0)
            if kind == "log":  # the mean itself is the logarithm of the rate
                return np.exp(mean), scatter / size
            return mean, scatter / (size * mean**2)
        if kind == "total":
            return part + 0.25, 1 / (part + 0.25)
        if kind == "count":
            return (part + 0.25) / size, 1 / (part + 0.25)
        share = (part + 0.25) / (size + 0.5)
        return share, (1 - share) / (share * (size + 0.5))


def _placed(
    groups: _Estimates, level: Level, spread: float, shared: float, worse: Worse
) -> list[tuple[float, Change]]:
    """Judge each group of a level as the one place of the change: its gain, and the change."""
    tells = groups.tells()
    if not tells.any():
        return []
    found = place_change(
        np.where(tells, groups.log_ratio, np.nan),
        np.where(tells, spread * groups.variance, np.nan),
        np.eye(len(tells)),
        shared_variance=shared,
        penalty=np.log(max(int(tells.sum()), 1)),
    )
    sign = 1.0 if worse == "up" else -1.0
    rows = []
    for place in np.flatnonzero(tells):
        is_worse = sign * found.effect[place] > 0
        p_value = found.p_value[place] / 2 if is_worse else 1 - found.p_value[place] / 2
        change = Change(
            level,
            groups.names[place],
            float(groups.now[place]),
            float(groups.now[place] / np.exp(found.effect[place])),
            round(groups.n[place]),
            float(found.effect[place]),
            float(found.standard_error[place]),
            float(p_value),
            0.0,
        )
        rows.append((float(found.gain[place]) if is_worse else -np.inf, change))
    return rows


def overdispersion(chain: Sequence[Link]) -> float:
    """Tell how much more than by chance the changes of the reps scatter, 1 at least.

    By the median of the distances from the middle, so that a few reps or a team that changed
    for a cause are no scatter.
    """
    if not all("rep_id" in link.cells for link in chain):
        return 1.0
    reps = _chained(chain, "rep_id")
    tells = reps.tells()
    if tells.sum() < _FEWEST_UNITS:
        return 1.0
    change, error = reps.log_ratio[tells], np.sqrt(reps.variance[tells])
    scale = _NORMAL_MAD * np.median(np.abs(change - np.median(change)) / error)
    return float(max(scale**2, 1.0))


def _month_variance(chain: Sequence[Link], own: float) -> float:
    """Give the variance of the year's change that months share beyond chance."""
    months = _chained([Link(one.cells.assign(month=one.cells["month"].astype(str)), one.kind)
                       for one in chain], "month")  # fmt: skip
    tells = months.tells()
    if tells.sum() < _FEWEST_MONTHS:
        return 0.0
    change = months.log_ratio[tells]
    scale = _NORMAL_MAD * np.median(np.abs(change - np.median(change)))
    return float(max(scale**2 / tells.sum() - own, 0.0))
