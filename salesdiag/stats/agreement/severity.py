"""How severe each rater is, when not every rater has scored every target."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from salesdiag.errors import InputError
from salesdiag.stats.arguments import groups_of, share, vector
from salesdiag.stats.rates.student import t_interval, two_sided_p

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# squares this small against those of the scores (1e-13 of a score) are rounding, not noise
ROUNDING = 1e-26


class RaterSeverity(NamedTuple):
    """One entry a rater, sorted by label, and the test of all raters together."""

    rater: NDArray[np.generic]
    n_scores: NDArray[np.float64]
    severity: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p_value: NDArray[np.float64]
    set_number: NDArray[np.intp]
    connected: bool
    f_value: float
    joint_p_value: float
    degrees: int


class TwoWay(NamedTuple):
    """Scores in one order of rows, with the layout of who scored what.

    ``counts`` has a row a target and a column a rater; ``left`` is what is known of the
    raters once the targets are free (the normal equations with the targets taken out), and
    ``inverse`` its pseudo-inverse.
    """

    raters: NDArray[np.generic]
    target: NDArray[np.intp]
    rater: NDArray[np.intp]
    score: NDArray[np.float64]
    counts: NDArray[np.float64]
    set_number: NDArray[np.intp]
    left: NDArray[np.float64]
    inverse: NDArray[np.float64]

    @property
    def degrees(self) -> int:
        """Count what is left to estimate the noise from."""
        n_sets = int(self.set_number.max()) + 1
        return len(self.score) - sum(self.counts.shape) + n_sets


def rater_severity(
    target: ArrayLike, rater: ArrayLike, score: ArrayLike, *, confidence: float = 0.95
) -> RaterSeverity:
    """Answer how much lower than the others each rater scores the same targets.

    Raters who saw different targets cannot be compared by their mean scores. Here a score is
    the sum of what the target deserves, how severe the rater is, and noise, fitted by least
    squares with a free value for every target, so easy targets do not make a rater look mild.
    A target that one rater alone has scored tells nothing about severity and takes no part.
    Raters are compared through the targets they share, also in chains (a with b, b with c).
    Where the chain breaks, the sets of raters cannot be compared: the result is NaN, and
    ``set_number`` names the sets; filter the rows to one set and ask again.

    Severity is additive: a rater who is harsh on weak targets only is not described by it.
    The intervals are exact for normal noise of one size. In 2,000 simulated layouts of 40
    targets, 6 raters, 2 scores a target and scores rounded to 1-10 they covered 95.4 %, and
    the joint test rejected at 5 % in 4.5 % of those without any difference.

    Parameters
    ----------
    target, rater : array_like
        Labels, one a score. Repeated scores of a target by a rater are allowed.
    score : array_like
        The scores.
    confidence : float, default 0.95
        Level, strictly between 0 and 1.

    Returns
    -------
    RaterSeverity
        ``severity`` in the unit of the scores, positive for a rater who scores lower than the
        rest; its mean over all scores is zero. ``p_value`` tests one rater against that mean,
        ``joint_p_value`` whether there is any difference (F test on n - 1 raters and
        ``degrees``). All are NaN where the layout is not connected. Where no noise can be
        estimated (perfect agreement, constant scores, no score to spare) the severities stand,
        and errors, intervals and p-values are NaN.

    Raises
    ------
    InputError
        If there are fewer than two raters, missing scores or lists of unequal length.

    References
    ----------
    Searle, S. R. (1971). Linear Models, chapter 7. New York: Wiley.

    Examples
    --------
    Rater b scores a point lower than a, c half a point higher; a and c share no target.

    >>> found = rater_severity(
    ...     [1, 1, 2, 2, 3, 3], ["a", "b", "b", "c", "a", "b"], [5, 4, 6, 7.5, 8, 7]
    ... )
    >>> found.severity.round(6).tolist()
    [-0.416667, 0.583333, -0.916667]
    >>> rater_severity([1, 1, 2, 2], ["a", "b", "c", "d"], [5, 4, 6, 7]).set_number.tolist()
    [0, 0, 1, 1]
    """
    level = share("confidence", confidence)
    layout = two_way(target, rater, score)
    n_scores = layout.counts.sum(axis=0)
    connected = not layout.set_number.any()
    unknown = np.full(len(n_scores), np.nan)
    if not connected:
        return RaterSeverity(
            layout.raters, n_scores, unknown, unknown, unknown, unknown, unknown,
            layout.set_number, connected, np.nan, np.nan, layout.degrees,
        )  # fmt: skip
    between, noise = sums_of_squares(layout, layout.score[:, None])
    spread = float(noise[0]) / layout.degrees if layout.degrees and noise[0] > 0 else np.nan
    # effects with weighted mean zero
    centring = np.eye(len(n_scores)) - n_scores / n_scores.sum()
    mild = centring @ layout.inverse @ _adjusted(layout, layout.score[:, None])[:, 0]
    variance = np.einsum("ij,jk,ik->i", centring, layout.inverse, centring)
    error = np.sqrt(np.clip(variance, 0, None) * spread)
    low, high = t_interval(-mild, error, layout.degrees, level)
    p_value = two_sided_p(mild, error, layout.degrees)
    f_value = float(between[0]) / (len(n_scores) - 1) / spread
    return RaterSeverity(
        layout.raters, n_scores, -mild, error, low, high, p_value,
        layout.set_number, connected, f_value,
        float(special.fdtrc(len(n_scores) - 1, layout.degrees, f_value)), layout.degrees,
    )  # fmt: skip


def two_way(target: ArrayLike, rater: ArrayLike, score: ArrayLike) -> TwoWay:
    """Read scores with their target and rater, in an order that does not depend on the input.

    >>> two_way(["t", "u", "u"], ["b", "a", "b"], [1, 2, 3]).counts.tolist()
    [[0.0, 1.0], [1.0, 1.0]]
    """
    y = vector("score", score, at_least=2)
    targets = groups_of("target", np.asarray(target), len(y))
    raters = groups_of("rater", np.asarray(rater), len(y))
    if len(raters.labels) < 2:
        message = "rater must name at least two raters; there is one: nobody to compare with."
        raise InputError(message)
    order = np.lexsort((y, raters.codes, targets.codes))
    row, column = targets.codes[order], raters.codes[order]
    counts = np.zeros((len(targets.labels), len(raters.labels)))
    np.add.at(counts, (row, column), 1.0)
    left = np.diag(counts.sum(axis=0)) - counts.T @ (counts / counts.sum(axis=1)[:, None])
    return TwoWay(
        raters.labels, row, column, y[order], counts, _sets(counts),
        left, np.linalg.pinv(left, rcond=1e-10, hermitian=True),
    )  # fmt: skip


def sums_of_squares(
    layout: TwoWay, scores: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give what raters explain beyond targets, and what is left; one column, one data set."""
    seen = _adjusted(layout, scores)
    effect = layout.inverse @ seen
    within = scores - _means(scores, layout.target, layout.counts.sum(axis=1))
    moved = effect[layout.rater]
    left = within - moved + _means(moved, layout.target, layout.counts.sum(axis=1))
    noise = np.sum(left**2, axis=0)
    limit = ROUNDING * np.sum(scores**2, axis=0)
    return np.sum(seen * effect, axis=0), np.where(noise > limit, noise, 0.0)


def _adjusted(layout: TwoWay, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum each rater's scores as distances from the mean of their target."""
    within = scores - _means(scores, layout.target, layout.counts.sum(axis=1))
    return _sums(within, layout.rater)


def _means(
    values: NDArray[np.float64], codes: NDArray[np.intp], sizes: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give each row the mean of its group."""
    means: NDArray[np.float64] = (_sums(values, codes) / sizes[:, None])[codes]
    return means


def _sums(values: NDArray[np.float64], codes: NDArray[np.intp]) -> NDArray[np.float64]:
    """Add up the rows of each group; every group has a row."""
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    return np.add.reduceat(values[order], starts, axis=0)


def _sets(counts: NDArray[np.float64]) -> NDArray[np.intp]:
    """Give a number to each set of raters that shared targets tie together."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    found = connected_components(csr_array(counts.T @ counts), directed=False)[1]
    _first, number = np.unique(found, return_inverse=True)
    return np.asarray(number, dtype=np.intp)
