"""To which level differences belong: crossed and nested components by the method of moments."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.errors import InputError
from salesdiag.stats.arguments import groups_of, share, vector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_SEPARATE = 0.02  # of the information on a component that the others must leave


class Level(NamedTuple):
    """One component: how many levels it has, and how much they differ.

    ``status`` is ``"estimated"``, ``"not_separable"`` (its groups are those of another
    component, or nearly so), ``"joint"`` (both of them together) or ``"too_few"`` (fewer than two
    groups).
    """

    n_groups: int
    variance: float
    low: float
    high: float
    status: str


class Components(NamedTuple):
    """All components, by name, and the variance of single cases within cells."""

    level: dict[str, Level]
    residual: float
    mean: float


def variance_components(
    n: ArrayLike,
    value_sum: ArrayLike,
    value_squares: ArrayLike,
    levels: Mapping[str, ArrayLike],
    *,
    confidence: float = 0.95,
    largest: float | None = None,
) -> Components:
    """Split the variance of single cases into levels they belong to, and the rest.

    Henderson's first method: the sum of squares between the groups of each level (of their
    totals, over their sizes), and that of all cases, are set equal to what they are expected to
    be. That expectation holds for any distribution of the cases, so it is right for counts: the
    cases with an event are summed as they are, and the chance within a cell is estimated as what
    is left, with no normal curve and no logarithm of an odd 0 or 1. Levels may be nested or
    crossed in any way, and cells may be of any size; what is needed is the number of cases that
    each pair of groups shares. A level whose groups are those of another cannot be told from it.

    The interval takes the sum of squares between groups, within those of all levels that hold
    them whole (reps within their teams, so that what is not known of teams does not widen the
    interval of reps), as a chi-square with as many degrees of freedom as give it its variance
    (Satterthwaite), the other estimates given. Estimates may fall below 0 by chance and are then
    given as 0. Of two groups next to nothing is known: the upper end is then mostly ``largest``.

    Measured on simulated shares (3 to 20 teams of 5 to 10 units, 150 to 400 cases a unit of very
    unequal sizes, 8 periods, 5 territories across the teams; standard deviations of 3 to 8
    points): the mean is within 6 % of the truth, but for components near 0, which are too large
    as none is given below 0; 95 % intervals cover 92 to 100 %.

    Parameters
    ----------
    n, value_sum, value_squares : array_like, shape (N,)
        Cases of each cell, and the sums of their values and of the squares of these. For events
        the values are 0 and 1, and both sums are the number of events.
    levels : mapping of str to array_like, shape (N,)
        For each component the group that each cell belongs to.
    confidence : float, default 0.95
        Level of the intervals.
    largest : float, optional
        The largest variance that a component may have, 0.25 for shares: no interval reaches
        beyond it.

    Returns
    -------
    Components
        ``level`` : a `Level` by name, NaN where not estimated; where groups of components are
        the same, also one by their names with ``" + "`` between; ``residual`` : the variance of
        cases within cells, and ``mean``; NaN with fewer than two cases.

    Raises
    ------
    InputError
        If lists differ in length, counts are negative, or labels are missing.

    References
    ----------
    Henderson, C. R. (1953). Estimation of variance and covariance components. Biometrics 9,
    226-252.
    Searle, S. R., Casella, G. and McCulloch, C. E. (1992). Variance Components. Wiley, ch. 5.

    Examples
    --------
    Two groups of three values, 1 2 3 and 5 6 7: 1 within, and 16/2 - 1/3 between.

    >>> found = variance_components([3, 3], [6, 18], [14, 110], {"group": ["a", "b"]})
    >>> round(found.level["group"].variance, 4), round(found.residual, 4)
    (7.6667, 1.0)
    """
    tail = (1 - share("confidence", confidence)) / 2
    size = vector("n", n, least=0)
    total = vector("value_sum", value_sum, length=len(size))
    squares = vector("value_squares", value_squares, least=0, length=len(size))
    if np.any((size == 0) & (total != 0)):
        message = "value_sum must be 0 where n is 0: a cell without cases has no values."
        raise InputError(message)
    used = size > 0
    codes = {name: groups_of(name, one, len(size)).codes[used] for name, one in levels.items()}
    codes = {name: np.unique(one, return_inverse=True)[1] for name, one in codes.items()}
    size, total, squares = size[used], total[used], squares[used]
    n_groups = {name: int(one.max(initial=-1)) + 1 for name, one in codes.items()}
    state = dict.fromkeys(codes, "estimated")
    state |= {name: "too_few" for name, count in n_groups.items() if count < 2}
    whole = size.sum()
    if whole < 2:
        gone = {name: Level(n_groups[name], np.nan, np.nan, np.nan, "too_few") for name in codes}
        return Components(gone, np.nan, np.nan)
    names, twins = _distinct(codes, state)
    parts = [_Part(codes[name], size) for name in names]
    mean = float(np.sum(np.sort(total)) / whole)
    between = np.array([part.squares(total - size * mean) for part in parts])
    every = float(np.sum(np.sort(squares)) - whole * mean**2)
    coefficient = _coefficients(parts, size)
    for name in _entangled(coefficient, names):
        state[name] = "not_separable"
    kept = [i for i, name in enumerate(names) if state[name] in ("estimated", "twin")]
    parts, between = [parts[i] for i in kept], between[kept]
    rows = [*kept, len(names)]
    matrix = coefficient[np.ix_(rows, rows)]
    found = np.linalg.solve(matrix, np.append(between, every)) if rows else np.zeros(0)
    floor = np.maximum(found, 0.0)
    level = {name: Level(n_groups[name], np.nan, np.nan, np.nan, state[name]) for name in codes}
    top = np.inf if largest is None else largest
    for row, i in enumerate(kept):
        low, high = _limits(row, parts, total - size * mean, floor, size, tail)
        value = min(float(floor[row]), top)
        low, high = min(low, top), min(high, top)
        shown = Level(n_groups[names[i]], value, min(low, value), max(high, value), "estimated")
        if names[i] in twins:
            level[names[i]] = level[names[i]]._replace(status="not_separable")
            level[" + ".join([names[i], *twins[names[i]]])] = shown._replace(status="joint")
        else:
            level[names[i]] = shown
    return Components(level, float(floor[-1]), mean)


class _Part:
    """The groups of one component: how many cases each has, and shares with other groups."""

    def __init__(self, codes: NDArray[np.intp], size: Floats) -> None:
        self.codes, self.cell = codes, size
        self.size = np.bincount(codes, size).astype(float)

    def totals(self, misfit: Floats) -> Floats:
        return np.bincount(self.codes, misfit, minlength=len(self.size)).astype(float)

    def squares(self, misfit: Floats) -> float:
        return float(np.sum(np.sort(self.totals(misfit) ** 2 / self.size)))

    def home_in(self, other: _Part) -> NDArray[np.intp] | None:
        """Give the group of the other component that each group lies in whole, or None."""
        pairs = np.unique(np.stack((self.codes, other.codes)), axis=1)
        if other is self or pairs.shape[1] != len(self.size):
            return None
        return np.asarray(pairs[1], dtype=np.intp)

    def shared(self, other: _Part) -> Floats:
        """Give the cases that each group of this component shares with each of the other."""
        n_other = len(other.size)
        flat = np.bincount(
            self.codes * n_other + other.codes, self.cell, minlength=len(self.size) * n_other
        )
        return flat.reshape(len(self.size), n_other).astype(float)


def _distinct(
    codes: dict[str, NDArray[np.intp]], state: dict[str, str]
) -> tuple[list[str], dict[str, list[str]]]:
    """Leave one of the components whose groups are the same, and mark both."""
    names: list[str] = []
    twins: dict[str, list[str]] = {}
    for name, own in codes.items():
        if state[name] != "estimated":
            continue
        first = next((one for one in names if _same_groups(codes[one], own)), None)
        if first is None:
            names.append(name)
        else:
            state[name] = "not_separable"
            twins.setdefault(first, []).append(name)
    for one in twins:
        state[one] = "twin"
    return names, twins


def _same_groups(one: NDArray[np.intp], two: NDArray[np.intp]) -> bool:
    pairs = len(np.unique(np.stack((one, two)), axis=1).T)
    return bool(pairs == one.max() + 1 == two.max() + 1)


def _covariance(part: _Part, other: _Part | None, whole: float) -> Floats:
    """Give the covariance of the totals of groups that a variance of 1 of a component makes.

    The mean is taken out of the totals; without a component: that of the cases themselves.
    """
    n = part.size
    if other is None:
        return np.asarray(np.diag(n) - np.outer(n, n) / whole)
    shared = part.shared(other)
    cross = shared @ other.size / whole
    square = np.sum(other.size**2) / whole**2
    return np.asarray(
        shared @ shared.T - np.outer(n, cross) - np.outer(cross, n) + square * np.outer(n, n)
    )


def _coefficients(parts: list[_Part], size: Floats) -> Floats:
    """Give what each sum of squares is expected to be, a row each, per unit of each variance."""
    whole = size.sum()
    count = len(parts) + 1
    matrix = np.zeros((count, count))
    for row, part in enumerate(parts):
        for column, other in enumerate(parts):
            shared = part.shared(other)
            cross = shared @ other.size / whole
            square = np.sum(other.size**2) / whole**2
            matrix[row, column] = (
                np.sum(shared**2 / part.size[:, None]) - 2 * cross.sum()
                + square * part.size.sum()
            )  # fmt: skip
        matrix[row, -1] = len(part.size) - 1
        matrix[-1, row] = whole - np.sum(part.size**2) / whole
    matrix[-1, -1] = whole - 1
    return matrix


def _entangled(coefficient: Floats, names: list[str]) -> list[str]:
    """Name the components of which the others, and chance, leave next to nothing."""
    scaled = coefficient / coefficient.diagonal()[:, None]
    scaled = scaled / np.sqrt(np.sum(scaled**2, axis=1, keepdims=True))
    found = []
    for row, name in enumerate(names):
        others = np.delete(scaled, row, axis=0)
        fit = np.linalg.lstsq(others.T, scaled[row], rcond=None)[0]
        left = scaled[row] - others.T @ fit
        if np.sqrt(np.sum(left**2)) < _SEPARATE:
            found.append(name)
    return found


def _within(part: _Part, parts: list[_Part]) -> Floats:
    """Give what takes out of scaled totals of groups all that the levels above them explain."""
    root = np.sqrt(part.size)
    columns = [root[:, None]]
    for other in parts:
        home = part.home_in(other)
        if home is not None:
            columns.append(root[:, None] * (home[:, None] == np.arange(len(other.size))))
    left, weight, _right = np.linalg.svd(np.hstack(columns), full_matrices=False)
    span = left[:, weight > 1e-9 * weight[0]]
    return np.asarray(np.eye(len(root)) - span @ span.T)


def _limits(
    row: int,
    parts: list[_Part],
    misfit: Floats,
    variance: Floats,
    size: Floats,
    tail: float,
) -> tuple[float, float]:
    """Give the interval of one component from the chi-square of its sum of squares."""
    from scipy import special

    part, whole = parts[row], float(size.sum())
    root = 1 / np.sqrt(part.size)
    within = _within(part, parts)

    def left_of(covariance: Floats) -> Floats:
        return np.asarray(within @ (covariance * np.outer(root, root)) @ within)

    made = [left_of(_covariance(part, one, whole)) for one in (*parts, None)]
    found = sum((value * one for value, one in zip(variance, made, strict=True)), 0.0 * made[0])
    spread = float(np.sum(found**2))
    own = float(np.trace(made[row]))
    if not spread > 0 or not own > 0 or np.trace(within) < 0.5:
        return np.nan, np.nan
    df = float(np.trace(found)) ** 2 / spread
    squares = float(np.sum(np.sort((within @ (part.totals(misfit) * root)) ** 2)))
    rest = float(np.trace(found)) - own * variance[row]
    low = (squares * df / special.chdtri(df, tail) - rest) / own
    high = (squares * df / special.chdtri(df, 1 - tail) - rest) / own
    return max(float(low), 0.0), max(float(high), 0.0)
