"""How a rate changed against the year before: in all, and in each group of each level.

Input are cells: one row per side (``"base"`` or ``"now"``), month of the window, rep and what
else the rows can be split by, with a ``part`` and a ``whole`` (and the ``squares`` of what was
added up, where the part is money or hours). Several lists of cells are links of a chain, such
as the steps of a funnel: their changes are multiplied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from scipy.special import gammaln

from salesdiag.reductions.yearly import OF_REPS
from salesdiag.stats.change import place_change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from salesdiag.diagnosis.finding import Level

    Floats = NDArray[np.float64]
    _Sums = dict[str, Floats]  # of part, whole and squares, by group

Kind = Literal["share", "difference", "total", "count", "mean", "log"]
Worse = Literal["up", "down"]

# no year repeats the one before exactly: what a whole department drifts without any cause
DRIFT = 0.02
_NORMAL_MAD = 1.4826
_BY_CHANCE = 1.5
_MOST_OF_REPS = 0.4  # a fault of more reps than this is the department's
_PRIOR = 20.0  # cases that a stratum's own share is mixed with
_NOUGHT = 0.5  # added to counts, so that none has a logarithm too
_FEWEST_UNITS = 5
_FEWEST_MONTHS = 6
_FEWEST_CASES = 5  # on either side
_FEWEST_EVENTS = 10  # on one side at least, for a group to be looked at


class Link(NamedTuple):
    """Cells, and what their part and whole make: see `Kind`.

    ``"share"``: a part of a whole; ``"difference"``: likewise, compared by the difference and not
    by the ratio, for there may have been none before; ``"total"``: a number in equal times;
    ``"count"``: events per exposure; ``"mean"``: a mean; ``"log"``: a mean of logarithms.
    """

    cells: pd.DataFrame
    kind: Kind


class Change(NamedTuple):
    """The change of one place: the logarithm of its rate over that of the base."""

    level: Level
    ids: tuple[str, ...]  # the groups of the place; none for the department
    measured: float
    expected: float
    n: int  # wholes of the window
    log_ratio: float
    standard_error: float
    p_value: float  # one-sided for the worse, of this place alone
    weight: float = 0.0  # of this place among all, and none
    n_places: float = 1.0  # of its kind that were looked at


class Changes(list[Change]):
    """The places of a change, the likeliest first; any other place can be asked for."""

    def __init__(self, places: Iterable[Change] = (), scale: _Scale | None = None) -> None:
        super().__init__(places)
        self._scale = scale

    def at(self, level: Level, ids: tuple[str, ...]) -> Change | None:
        """Give the change at a place, or None where the cells do not tell it."""
        if self._scale is None:
            return None
        return self._scale.at(level, ids)


class _Estimates(NamedTuple):
    names: list[str]
    now: Floats
    base: Floats
    n: Floats
    n_events: Floats  # of the larger side
    n_least: Floats  # of the smaller side
    n_cases: Floats  # wholes of the smaller side
    log_ratio: Floats
    variance: Floats

    def tells(self) -> NDArray[np.bool_]:
        known = np.isfinite(self.log_ratio) & np.isfinite(self.variance) & (self.variance > 0)
        known &= self.n_cases >= _FEWEST_CASES
        found: NDArray[np.bool_] = known & (self.n_events >= _FEWEST_EVENTS)
        return found


def changes(
    chain: Sequence[Link], levels: Mapping[str, Level], *, worse: Worse, spread: float = 1.0
) -> Changes:
    """List the department and all groups by how well a change there alone explains the cells.

    Whether all changed or one group did is asked of the same estimates: those of the groups of
    its level. Of reps, sets of several are looked at too.

    Parameters
    ----------
    chain : sequence of Link
        What is compared; more than one are multiplied.
    levels : mapping
        Level of a scope (such as ``"team"``) by column of the cells.
    worse : {"up", "down"}
        Which direction is a fault; p-values are for that one.
    spread : float, default 1.0
        How much more than by chance the events scatter, where that is known; else it is learnt
        from the reps.

    Returns
    -------
    Changes
        Places with too few events on both sides are left out.
    """
    everyone = [Link(link.cells.assign(all=""), link.kind) for link in chain]
    whole = _chained(everyone, "all")
    if not len(whole.names) or not whole.tells()[0]:
        return Changes()
    learnt, n_reps = overdispersion(chain)
    spread = max(learnt, spread)
    # what is learnt from the reps is only the part of the scatter beyond chance
    degrees = (n_reps - 1) * (learnt / (learnt - 1)) ** 2 if learnt > 1 else np.inf
    shared = DRIFT**2 + _month_variance(chain, spread * whole.variance[0])
    scale = _Scale(chain, dict(levels), worse, spread, shared, degrees)
    (department,) = scale.placed("all", "department", everyone)
    found = [department]
    for column, level in levels.items():
        if all(column in link.cells and link.cells[column].nunique() > 1 for link in chain):
            # beside a department that did not get worse each place stands for itself
            beside = department[0] if np.isfinite(department[0]) else None
            found += scale.placed(column, level, chain, beside=beside)
    gain = np.array([one for one, _row in found])
    top = gain.max(initial=0.0)
    likely = np.exp(gain - top)
    weight = likely / (likely.sum() + np.exp(-top))
    rows = [
        row._replace(weight=float(share)) for (_gain, row), share in zip(found, weight, strict=True)
    ]
    return Changes(sorted(rows, key=lambda row: (-row.weight, row.level, row.ids)), scale)


class _Scale(NamedTuple):
    """What a change is measured with: the cells, their scatter, and what all share."""

    chain: Sequence[Link]
    levels: dict[str, Level]
    worse: Worse
    spread: float
    shared: float
    degrees: float  # of freedom of the spread, which is learnt from some reps

    def at(self, level: Level, ids: tuple[str, ...]) -> Change | None:
        """Give the change of some groups taken together, the others beside them."""
        column = next((one for one, name in self.levels.items() if name == level), "")
        if level != "department" and not all(column in link.cells for link in self.chain):
            return None
        marked = [
            Link(link.cells.assign(
                inside="in" if level == "department"
                else np.where(link.cells[column].isin(ids), "in", "out")), link.kind)
            for link in self.chain
        ]  # fmt: skip
        groups = _chained(marked, "inside")
        rows = self._rows(groups, "inside" if level == "department" else column, level)
        return next((row._replace(ids=ids) for _gain, row in rows if row.ids == ("in",)), None)

    def placed(
        self, column: str, level: Level, chain: Sequence[Link], *, beside: float | None = None
    ) -> list[tuple[float, Change]]:
        """Judge the groups of a level as places of the change.

        Their gain is the department's ``beside`` and what one place explains of the groups'
        estimates more than all together do.
        """
        groups = _chained(chain, column)
        if level == "department":
            return [(gain, row._replace(ids=())) for gain, row in self._rows(groups, column, level)]
        return self._rows(groups, column, level, beside=beside)

    def _before(self, now: float, effect: float) -> float:
        """Give what was before a change."""
        is_difference = any(link.kind == "difference" for link in self.chain)
        return max(now - effect, 0.0) if is_difference else now / float(np.exp(effect))

    def _rows(
        self, groups: _Estimates, column: str, level: Level, *, beside: float | None = None
    ) -> list[tuple[float, Change]]:
        tells = np.flatnonzero(groups.tells())
        if not len(tells):
            return []
        # leads that come in are not fewer for being dealt out anew among the reps
        by_reps = column in OF_REPS or not all(link.kind == "total" for link in self.chain)
        variance = (self.spread if by_reps else 1.0) * groups.variance[tells]
        sign = 1.0 if self.worse == "up" else -1.0
        sets, paid = _sets(sign * groups.log_ratio[tells], variance, several=column == "rep_id")
        everyone = np.ones((1, len(tells)))
        found = place_change(
            groups.log_ratio[tells], variance, np.concatenate([everyone, sets]),
            shared_variance=self.shared, penalty=[0.0, *paid], degrees=self.degrees,
        )  # fmt: skip
        rows = []
        for number, members in enumerate(sets.astype(bool), start=1):
            inside, effect = tells[members], float(found.effect[number])
            is_worse = sign * effect > 0
            half = found.p_value[number] / 2
            gain = float(found.gain[number])
            if beside is not None:
                gain += beside - float(found.gain[0])
            row = Change(
                level,
                tuple(groups.names[one] for one in inside),
                _together(groups.now[inside], groups.n[inside]),
                self._before(_together(groups.now[inside], groups.n[inside]), effect),
                round(groups.n[inside].sum()),
                effect,
                float(found.standard_error[number]),
                float(half if is_worse else 1 - half),
                n_places=float(np.exp(paid[number - 1])),
            )
            rows.append((gain if is_worse else -np.inf, row))
        return rows


def _together(rate: Floats, n: Floats) -> float:
    """Give the rate of several groups, by their cases."""
    return float(np.average(rate, weights=n if n.sum() > 0 else None))


def _sets(worse: Floats, variance: Floats, *, several: bool) -> tuple[Floats, list[float]]:
    """List the places of a level, as rows of ones, and the logarithm of how many of a kind.

    Each group alone; and where ``several``, the two worst, the three worst and so on up to a
    part of all, each as one of all sets of its size.
    """
    n = len(worse)
    rows, paid = [*np.eye(n)], [np.log(n)] * n
    if several:
        order = np.argsort(-worse / np.sqrt(variance), kind="stable")
        for size in range(2, int(_MOST_OF_REPS * n) + 1):
            row = np.zeros(n)
            row[order[:size]] = 1.0
            rows.append(row)
            paid.append(float(gammaln(n + 1) - gammaln(size + 1) - gammaln(n - size + 1)))
    return np.array(rows), paid


def within_strata(cells: pd.DataFrame, strata: Sequence[str]) -> pd.DataFrame:
    """Take from the values what their stratum usually has: what is sold to whom is no change.

    Cells have ``part`` (a sum of values), ``whole`` (how many) and ``squares``; the mean of all
    is put back, so that only differences between strata go.
    """
    if not strata:
        return cells
    sums = cells.groupby(list(strata))[["part", "whole"]].transform("sum")
    usual = sums["part"] / sums["whole"].where(sums["whole"] > 0, 1.0)
    shift = cells["part"].sum() / max(cells["whole"].sum(), 1.0) - usual
    return cells.assign(
        part=cells["part"] + shift * cells["whole"],
        squares=cells["squares"] + 2 * shift * cells["part"] + shift**2 * cells["whole"],
    )


def at_usual_mix(cells: pd.DataFrame, strata: Sequence[str]) -> pd.DataFrame:
    """Weigh the wholes by what their stratum usually gives: who got the harder cases is no worse.

    A whole of a stratum with half the usual share counts half (indirect standardisation, over
    both years), so that a change of the mix is no change of the share.
    """
    if not strata:
        return cells
    sums = cells.groupby(list(strata))[["part", "whole"]].transform("sum")
    usual = cells["part"].sum() / max(cells["whole"].sum(), 1.0)
    # strata of few cases are drawn to the whole
    rate = (sums["part"] + _PRIOR * usual) / (sums["whole"] + _PRIOR)
    return cells.assign(whole=cells["whole"] * rate / usual) if usual > 0 else cells


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
        np.min([one.n_least for one in links], axis=0, initial=np.inf),
        np.min([one.n_cases for one in links], axis=0, initial=np.inf),
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
        log_ratio = now[0] - base[0] if kind == "difference" else np.log(now[0] / base[0])
    return _Estimates(
        names, now[0], base[0], now_sums["whole"],
        np.maximum(base_sums[counted], now_sums[counted]),
        np.minimum(base_sums[counted], now_sums[counted]),
        np.full(len(names), np.inf) if kind == "total"
        else np.minimum(base_sums["whole"], now_sums["whole"]),
        log_ratio, now[1] + base[1],
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
            return part + _NOUGHT, 1 / (part + _NOUGHT)
        if kind == "count":
            return (part + _NOUGHT) / size, 1 / (part + _NOUGHT)
        share = (part + _NOUGHT) / (size + 2 * _NOUGHT)
        if kind == "difference":
            return share, share * (1 - share) / (size + 2 * _NOUGHT)
        return share, (1 - share) / (share * (size + 2 * _NOUGHT))


def overdispersion(chain: Sequence[Link]) -> tuple[float, int]:
    """Tell how much more than by chance the changes of the reps scatter, and of how many reps.

    1 at least, and of no reps where they are too few to tell.

    By the median of the distances from the middle, so that a few reps or a team that changed
    for a cause are no scatter.
    """
    if not all("rep_id" in link.cells for link in chain):
        return 1.0, 0
    reps = _chained(chain, "rep_id")
    tells = reps.tells() & (reps.n_least >= _FEWEST_EVENTS)
    if tells.sum() < _FEWEST_UNITS:
        return 1.0, 0
    change, error = reps.log_ratio[tells], np.sqrt(reps.variance[tells])
    scale = _NORMAL_MAD * np.median(np.abs(change - np.median(change)) / error)
    return float(max(scale**2, 1.0)), int(tells.sum())


def _month_variance(chain: Sequence[Link], own: float) -> float:
    """Give the variance of the year's change that months share beyond chance."""
    months = _chained([Link(one.cells.assign(month=one.cells["month"].astype(str)), one.kind)
                       for one in chain], "month")  # fmt: skip
    tells = months.tells() & (months.n_least >= _FEWEST_EVENTS)
    if tells.sum() < _FEWEST_MONTHS:
        return 0.0
    change = months.log_ratio[tells]
    scale = _NORMAL_MAD * np.median(np.abs(change - np.median(change)))
    # twelve months tell their scatter roughly: a little more than chance is taken for chance
    return float(max(scale**2 / tells.sum() - _BY_CHANCE * own, 0.0))
