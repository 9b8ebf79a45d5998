"""Cases that are alike, added up, put on one scale and dealt into folds."""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.errors import InputError
from salesdiag.stats.arguments import counts_of, groups_of, matrix, vector

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class Cells(NamedTuple):
    """Cases that are alike in all that is known, and belong to one fold."""

    level: NDArray[np.intp]  # an index of `levels`
    design: NDArray[np.float64]  # the constant, then the covariates with mean 0 and spread 1
    n: NDArray[np.float64]
    total: NDArray[np.float64]
    squares: NDArray[np.float64]
    cluster: NDArray[np.intp]
    fold: NDArray[np.intp]
    levels: NDArray[np.generic]
    n_clusters: int
    centre: float = 0.0  # the mean of amounts, taken off `total` and `squares`
    rounding: float = 0.0  # variance of a mean up to which there is none


def dose_cells(
    dose: ArrayLike,
    covariates: ArrayLike,
    n: ArrayLike,
    outcome_sum: ArrayLike,
    outcome_squares: ArrayLike | None,
    cluster: ArrayLike | None,
    folds: int,
    seed: int,
) -> Cells:
    """Read rows of `dose_effect`, in any order, as cells.

    Rows that are alike are added up, so splitting a row changes nothing. Amounts are measured
    from their mean, so that their level costs no digits. Clusters come to a fold by what they
    hold, not by what they are called. Without clusters
    every case is its own, and the cases of one cell are dealt to the folds as evenly as they
    go, each with the cell's mean outcome.

    Examples
    --------
    >>> cells = dose_cells(["a", "b", "a"], [[0], [1], [0]], [1, 2, 1], [0, 1, 1], None, None, 1, 0)
    >>> cells.n.tolist(), cells.total.tolist(), cells.levels[cells.level].tolist()
    ([2.0, 2.0], [1.0, 1.0], ['a', 'b'])
    """
    size = vector("n", n, least=0, at_least=1)
    total = vector("outcome_sum", outcome_sum, length=len(size))
    if outcome_squares is None:
        counts_of(total, size, names=("outcome_sum", "n"))
        squares = total
    else:
        squares = vector("outcome_squares", outcome_squares, least=0, length=len(size))
        if np.any(squares * size < total**2 * (1 - 1e-9)):
            message = "outcome_squares must be at least outcome_sum squared over n."
            raise InputError(message)
    table = matrix("covariates", covariates, rows=len(size))
    levels = groups_of("dose", dose, len(size))
    clusters = groups_of("cluster", cluster, len(size))
    used = size > 0
    centre, rounding = 0.0, 0.0
    if outcome_squares is not None and used.any():
        centre = fsum(total[used]) / fsum(size[used])  # the same in any order of rows
        rounding = (1e-13 * float(np.abs(total[used] / size[used]).max())) ** 2
        total, squares = _from_centre(size, total, squares, centre)
    counts = np.column_stack([size, total, squares])[used]
    present, level = np.unique(levels.codes[used], return_inverse=True)
    if len(present) < 2:
        message = f"dose must hold at least two levels with cases; got {len(present)}."
        raise InputError(message)
    found = _merged(clusters.codes[used], table[used], level, counts, levels.labels[present])
    found = found._replace(centre=centre, rounding=rounding)
    if cluster is None:
        return _deal_cases(found, folds, seed)
    if found.n_clusters < 2:
        message = f"cluster must name at least two clusters with cases; got {found.n_clusters}."
        raise InputError(message)
    return _deal(found, folds, seed)


def distinct_rows(
    design: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Give the distinct rows of a table, in ascending order, and which each row is.

    Of a column only the order counts, not its scale.

    >>> rows, which = distinct_rows(np.array([[1.0, 2.0], [1.0, 0.0], [1.0, 2.0]]))
    >>> rows.tolist(), which.tolist()
    ([[1.0, 0.0], [1.0, 2.0]], [1, 0, 1])
    """
    label = np.zeros(len(design), dtype=np.int64)
    size = 1
    for column in design.T:
        low, high = column.min(), column.max()
        if np.all((column == low) | (column == high)):  # most are: no sorting needed
            codes, n_codes = (column > low).astype(np.int64), 2
        else:
            values, codes = np.unique(column, return_inverse=True)
            n_codes = len(values)
        if size * n_codes >= 2**62:
            found, label = np.unique(label, return_inverse=True)
            size = len(found)
        label, size = label * n_codes + codes, size * n_codes
    _labels, first, which = np.unique(label, return_index=True, return_inverse=True)
    return design[first], which


def _from_centre(
    size: NDArray[np.float64],
    total: NDArray[np.float64],
    squares: NDArray[np.float64],
    centre: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give sums and squares of the distances from a centre."""
    some = np.where(size > 0, size, 1.0)
    mean = total / some
    # a single case has nothing within; sums of squares are rounded by about this much
    within = np.where(size == 1, 0.0, squares - total * mean)
    within = np.where(within > 4 * np.finfo(float).eps * squares, within, 0.0)
    apart = np.where(size > 0, mean - centre, 0.0)
    return size * apart, within + size * apart**2


def _merged(
    cluster: NDArray[np.intp],
    covariates: NDArray[np.float64],
    level: NDArray[np.intp],
    counts: NDArray[np.float64],
    levels: NDArray[np.generic],
) -> Cells:
    """Add up rows that are alike, in an order that does not depend on theirs."""
    alike = np.column_stack([cluster, covariates, level])
    order = np.lexsort(np.column_stack([counts, alike]).T)
    alike = alike[order]
    new = np.ones(len(alike), dtype=bool)
    new[1:] = np.any(alike[1:] != alike[:-1], axis=1)
    n, total, squares = np.add.reduceat(counts[order], np.flatnonzero(new), axis=0).T
    kept = order[new]
    names, cluster = np.unique(cluster[kept], return_inverse=True)
    design = _on_one_scale(covariates[kept], n)
    nowhere = np.zeros(len(kept), dtype=np.intp)
    return Cells(level[kept], design, n, total, squares, cluster, nowhere, levels, len(names))


def _on_one_scale(covariates: NDArray[np.float64], n: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give every covariate mean 0 and spread 1 over the cases, and put the constant first."""
    centred = covariates - n @ covariates / n.sum()
    spread = np.sqrt(n @ centred**2 / n.sum())
    noise = 1e-12 * np.abs(covariates).max(axis=0, initial=0)
    return np.column_stack([np.ones(len(n)), centred / np.where(spread > noise, spread, 1.0)])


def _deal(cells: Cells, folds: int, seed: int) -> Cells:
    """Deal whole clusters, those of each main level in turn, so that no fold lacks a level."""
    by_level = np.zeros((cells.n_clusters, len(cells.levels)))
    np.add.at(by_level, (cells.cluster, cells.level), cells.n)
    drawn = np.random.default_rng(seed).permutation(cells.n_clusters)[_ranks(cells)]
    place = np.empty(cells.n_clusters, dtype=np.intp)
    place[np.lexsort((drawn, by_level.argmax(axis=1)))] = np.arange(cells.n_clusters)
    return cells._replace(fold=(place % min(folds, cells.n_clusters))[cells.cluster])


def _ranks(cells: Cells) -> NDArray[np.intp]:
    """Rank the clusters by the cells that they hold, so that their names do not matter."""
    # of the covariates only the order counts: their scale may differ in the last digit
    content = np.column_stack([cells.level, cells.design, cells.n, cells.total, cells.squares])
    kind = distinct_rows(content)[1]
    order = np.lexsort((kind, cells.cluster))
    held = np.split(kind[order], np.flatnonzero(np.diff(cells.cluster[order])) + 1)
    rank = np.empty(len(held), dtype=np.intp)
    rank[sorted(range(len(held)), key=lambda one: held[one].tolist())] = np.arange(len(held))
    return rank


def _deal_cases(cells: Cells, folds: int, seed: int) -> Cells:
    """Deal the cases of every cell, as evenly as they go; what is left over level by level."""
    n_cases = int(np.ceil(cells.n.sum()))
    if n_cases < 2:
        message = f"n must add up to at least two cases; got {cells.n.sum():g}."
        raise InputError(message)
    folds = min(folds, n_cases)
    drawn = np.random.default_rng(seed).permutation(len(cells.n))
    order = np.lexsort((drawn, cells.level))
    even = np.floor(cells.n / folds)
    over = cells.n - folds * even
    slots = np.ceil(over)
    first = np.empty(len(cells.n))
    first[order] = np.cumsum(slots[order]) - slots[order]
    # how far a fold lies after the first one that gets a case left over
    lag = (np.arange(folds) - first[:, None]) % folds
    size = even[:, None] + np.clip(over[:, None] - lag, 0, 1)
    cell, fold = np.nonzero(size)
    n = size[cell, fold]
    portion = n / cells.n[cell]
    total, squares = cells.total[cell] * portion, cells.squares[cell] * portion
    return cells._replace(
        level=cells.level[cell], design=cells.design[cell], n=n, total=total, squares=squares,
        cluster=cell, fold=fold, n_clusters=n_cases,
    )  # fmt: skip
