"""How a rate changed against the year before: in all, and in each group of each level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from scipy.special import gammaln

from salesdiag.diagnosis.estimates import FEWEST_EVENTS, PLAIN, Link, chained
from salesdiag.reductions.yearly import OF_REPS
from salesdiag.stats.change import place_change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from salesdiag.diagnosis.estimates import Estimates
    from salesdiag.diagnosis.finding import Level

    Floats = NDArray[np.float64]

Worse = Literal["up", "down"]

# no year repeats the one before exactly: what a whole department drifts without any cause
DRIFT = 0.02
_NORMAL_MAD = 1.4826
_BY_CHANCE = 1.5
_MOST_OF_REPS = 0.4  # a fault of more reps than this is the department's
_FEWEST_UNITS = 5
_FEWEST_MONTHS = 6


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
    whole = chained(everyone, "all")
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
        groups = chained(marked, "inside")
        rows = self._rows(groups, "inside" if level == "department" else column, level)
        return next((row._replace(ids=ids) for _gain, row in rows if row.ids == ("in",)), None)

    def placed(
        self, column: str, level: Level, chain: Sequence[Link], *, beside: float | None = None
    ) -> list[tuple[float, Change]]:
        """Judge the groups of a level as places of the change.

        Their gain is the department's ``beside`` and what one place explains of the groups'
        estimates more than all together do.
        """
        groups = chained(chain, column)
        if level == "department":
            return [(gain, row._replace(ids=())) for gain, row in self._rows(groups, column, level)]
        return self._rows(groups, column, level, beside=beside)

    def _before(self, now: float, effect: float) -> float:
        """Give what was before a change."""
        is_plain = any(link.kind in PLAIN for link in self.chain)
        return now - effect if is_plain else now / float(np.exp(effect))

    def _rows(
        self, groups: Estimates, column: str, level: Level, *, beside: float | None = None
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


def overdispersion(chain: Sequence[Link]) -> tuple[float, int]:
    """Tell how much more than by chance the changes of the reps scatter, and of how many reps.

    1 at least, and of no reps where they are too few to tell.

    By the median of the distances from the middle, so that a few reps or a team that changed
    for a cause are no scatter.
    """
    if not all("rep_id" in link.cells for link in chain):
        return 1.0, 0
    reps = chained(chain, "rep_id")
    tells = reps.tells() & (reps.n_least >= FEWEST_EVENTS)
    if tells.sum() < _FEWEST_UNITS:
        return 1.0, 0
    change, error = reps.log_ratio[tells], np.sqrt(reps.variance[tells])
    scale = _NORMAL_MAD * np.median(np.abs(change - np.median(change)) / error)
    return float(max(scale**2, 1.0)), int(tells.sum())


def _month_variance(chain: Sequence[Link], own: float) -> float:
    """Give the variance of the year's change that months share beyond chance."""
    months = chained([Link(one.cells.assign(month=one.cells["month"].astype(str)), one.kind)
                       for one in chain], "month")  # fmt: skip
    tells = months.tells() & (months.n_least >= FEWEST_EVENTS)
    if tells.sum() < _FEWEST_MONTHS:
        return 0.0
    change = months.log_ratio[tells]
    scale = _NORMAL_MAD * np.median(np.abs(change - np.median(change)))
    # twelve months tell their scatter roughly: a little more than chance is taken for chance
    return float(max(scale**2 / tells.sum() - _BY_CHANCE * own, 0.0))
