"""How far raters agree: intraclass correlations of complete and of incomplete layouts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from salesdiag.errors import InputError
from salesdiag.stats.agreement.severity import ROUNDING, TwoWay, sums_of_squares, two_way
from salesdiag.stats.arguments import numbers, one_number, share, whole_number
from salesdiag.stats.rates.shares import ratio

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

DIGITS = 1e-12  # a difference this small against what it is of is rounding
FORMS = ("ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)")


class IntraclassCorrelations(NamedTuple):
    """Six correlations along the last axis, in the order of ``form``."""

    form: tuple[str, ...]
    icc: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    f_value: NDArray[np.float64]
    p_value: NDArray[np.float64]


class CrossedComponents(NamedTuple):
    """Variances by source and the correlations they make."""

    target: float
    rater: float
    noise: float
    agreement_single: float
    agreement_single_low: float
    agreement_single_high: float
    agreement_mean: float
    agreement_mean_low: float
    agreement_mean_high: float
    consistency_single: float
    consistency_single_low: float
    consistency_single_high: float
    n_mean: float


class Sources(NamedTuple):
    """Sums of squares of targets, raters and noise, and what they measure.

    A mean square (over ``plain_degrees``) expects the noise, and for targets and raters
    ``weight`` times their own variance too; it varies as one on ``degrees``.
    """

    squares: NDArray[np.float64]
    plain_degrees: NDArray[np.float64]
    degrees: NDArray[np.float64]
    weight: NDArray[np.float64]


def intraclass_correlations(
    scores: ArrayLike, *, confidence: float = 0.95
) -> IntraclassCorrelations:
    """Answer how much of the spread of scores is the targets' own, when all raters score all.

    Which one to read: (1) when every target had other raters, (2) when the raters are a
    sample and their severity counts as error, (3) when these very raters are the only ones and
    their severity does not matter. ``1`` is for one score, ``k`` for the mean of all k raters.
    To judge whether one score of one rater can be trusted, read ICC(2,1).

    Parameters
    ----------
    scores : array_like, shape (..., n, k)
        A row a target, a column a rater, no gaps; leading axes are separate tables. For
        layouts with gaps see `crossed_components`.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.

    Returns
    -------
    IntraclassCorrelations
        Arrays of shape (..., 6). At most 1; single forms not below -1/(k - 1), mean forms
        and form (2) may fall far lower, and below 0 means no more agreement than chance. NaN
        where all scores are equal, and in the mean forms where the means of the targets are.
        With perfect agreement the value is 1 and the ends are NaN, as nothing tells how lucky
        it was. The intervals are exact for normal scores in the forms (1) and (3). In (2) they
        are approximate: with 30 targets, 4 raters and a true value of 0.5 they covered 94.4 %
        of 10,000 simulated tables where raters made 0.15 of the variance, but 88.2 % where
        they made 0.35; then take those of `crossed_components` (95.3 %).

    Raises
    ------
    InputError
        If there are fewer than two targets or raters, or scores are missing.

    References
    ----------
    Shrout, P. E. and Fleiss, J. L. (1979). Intraclass correlations: uses in assessing rater
    reliability. Psychological Bulletin 86, 420-428.

    McGraw, K. O. and Wong, S. P. (1996). Forming inferences about some intraclass correlation
    coefficients. Psychological Methods 1, 30-46.

    Examples
    --------
    Six targets, four raters (Shrout and Fleiss 1979, table 2).

    >>> table = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9]]
    >>> table.append([6, 2, 4, 7])
    >>> intraclass_correlations(table).icc.round(2).tolist()
    [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]
    """
    level = share("confidence", confidence)
    y = numbers("scores", scores)
    if y.ndim < 2 or min(y.shape[-2:]) < 2:
        message = f"scores must be a table of at least 2 targets by 2 raters; got shape {y.shape}."
        raise InputError(message)
    n, k = y.shape[-2:]
    between, within, raters, noise = _mean_squares(y)
    f_one, f_two = ratio(between, within), ratio(between, noise)
    single = [
        ratio(between - within, between + (k - 1) * within),
        ratio(between - noise, between + (k - 1) * noise + k * (raters - noise) / n),
        ratio(between - noise, between + (k - 1) * noise),
    ]
    mean = [
        ratio(between - within, between),
        _where_positive(between - noise, between + (raters - noise) / n, limit=between),
        ratio(between - noise, between),
    ]
    ends = []
    for tail in ((1 - level) / 2, (1 + level) / 2):  # low, then high
        one = f_one / special.fdtri(n - 1, n * (k - 1), 1 - tail)
        three = f_two / special.fdtri(n - 1, (n - 1) * (k - 1), 1 - tail)
        two = _absolute_end(between, raters, noise, single[1], (n, k, tail))
        of_mean = _where_positive(k * two, 1 + (k - 1) * two) + 0 * mean[1]
        ends.append([(one - 1) / (one + k - 1), two, (three - 1) / (three + k - 1),
                     1 - ratio(1, one), of_mean, 1 - ratio(1, three)])  # fmt: skip
    p_one = special.fdtrc(n - 1, n * (k - 1), f_one)
    p_two = special.fdtrc(n - 1, (n - 1) * (k - 1), f_two)
    stack = [single + mean, *ends, [f_one, f_two, f_two] * 2, [p_one, p_two, p_two] * 2]
    return IntraclassCorrelations(FORMS, *(np.stack(one, axis=-1) for one in stack))


def crossed_components(
    target: ArrayLike,
    rater: ArrayLike,
    score: ArrayLike,
    *,
    n_mean: float | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    n_draws: int = 9999,
) -> CrossedComponents:
    """Answer how far raters agree when each target was scored by few of them.

    The spread of scores is split into targets, raters and noise (both targets and raters
    taken as random samples, no interaction) by Henderson's third method: each source is
    measured with the other one taken out, and the sums of squares are set to their
    expectations. In a complete table these are the usual estimates, so the correlations equal
    ICC(2,1), ICC(2,k) and ICC(3,1). An estimate below zero is shown as zero.

    The intervals are generalised ones: each source's sum of squares is taken for a variance
    times chi-square, the chi-squares are drawn, and the variances that would then have given
    these sums make the range. That carries how little a handful of raters tells about
    raters at large, which the interval of ICC(2,1) in `intraclass_correlations` understates.
    In 2,000 simulated layouts each of 20 to 150 targets, 4 to 20 raters and 2 scores a target,
    with a true agreement of 0.2, 0.5 and 0.8, 95 % intervals covered 94 to 97 %.

    Parameters
    ----------
    target, rater : array_like
        Labels, one a score.
    score : array_like
        The scores.
    n_mean : float, optional
        Number of raters whose mean is judged; by default the harmonic mean of the number of
        scores a target has.
    confidence : float, default 0.95
        Level, strictly between 0 and 1.
    seed : int, default 0
        Of the simulation; the same seed gives the same interval for any order of rows.
    n_draws : int, default 9999
        Number of drawn sets of variances.

    Returns
    -------
    CrossedComponents
        Variances, 0 or more, and correlations in [0, 1]: agreement counts differences of
        severity as error, consistency does not. All NaN where a source cannot be told from
        another (every target scored once, or every rater alone with their targets) and where
        all scores are equal; the ends alone are NaN where raters agree perfectly, up to severity.

    Raises
    ------
    InputError
        If there is one rater, scores are missing, the lists differ in length or ``n_mean`` is
        below 1.

    References
    ----------
    Henderson, C. R. (1953). Estimation of variance and covariance components. Biometrics 9,
    226-252.

    Weerahandi, S. (1993). Generalized confidence intervals. Journal of the American
    Statistical Association 88, 899-905.

    Examples
    --------
    >>> rows = [("t1", "a", 9), ("t1", "b", 2), ("t2", "a", 6), ("t2", "c", 3), ("t3", "b", 4)]
    >>> rows += [("t3", "c", 6), ("t4", "a", 7), ("t4", "b", 1), ("t5", "b", 5), ("t5", "c", 6)]
    >>> found = crossed_components(*zip(*rows))
    >>> round(found.rater, 2), round(found.noise, 2)
    (9.4, 0.5)
    """
    level = share("confidence", confidence)
    whole_number("n_draws", n_draws, least=99)
    layout = two_way(target, rater, score)
    sizes = layout.counts.sum(axis=1)
    usual = len(sizes) / float(np.sum(1 / sizes))
    k = usual if n_mean is None else one_number("n_mean", n_mean, least=1)
    sources = _sources(layout)
    if sources is None or not sources.squares.any():
        return CrossedComponents._make([*(12 * [np.nan]), float(k)])
    estimate = _variances(sources, sources.degrees)
    rng = np.random.default_rng(whole_number("seed", seed))
    drawn = _variances(sources, rng.chisquare(sources.degrees, (n_draws, 3)))
    tails = [(1 - level) / 2, (1 + level) / 2]
    found = []
    for size, severity_counts in ((1.0, True), (float(k), True), (1.0, False)):
        value = _share_of_targets(estimate, size, severity_counts=severity_counts)
        again = _share_of_targets(drawn, size, severity_counts=severity_counts)
        ends = np.quantile(again, tails) if sources.squares[2] else [np.nan, np.nan]
        found += [float(value), *map(float, ends)]
    return CrossedComponents._make([*map(float, estimate), *found, float(k)])


def _mean_squares(y: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Give mean squares between targets, within targets, between raters, and of the rest."""
    n, k = y.shape[-2:]
    limit = ROUNDING * np.sum(y**2, axis=(-2, -1))
    y = y - y.mean(axis=(-2, -1), keepdims=True)
    rows, columns = y.mean(axis=-1, keepdims=True), y.mean(axis=-2, keepdims=True)
    squares = [
        k * np.sum(rows**2, axis=(-2, -1)),
        np.sum((y - rows) ** 2, axis=(-2, -1)),
        n * np.sum(columns**2, axis=(-2, -1)),
        np.sum((y - rows - columns) ** 2, axis=(-2, -1)),
    ]
    degrees = (n - 1, n * (k - 1), k - 1, (n - 1) * (k - 1))
    return tuple(
        np.where(one > limit, one, 0.0) / df for one, df in zip(squares, degrees, strict=True)
    )


def _where_positive(
    top: NDArray[np.float64], bottom: NDArray[np.float64], *, limit: ArrayLike = 1.0
) -> NDArray[np.float64]:
    """Divide where the denominator, a variance, has come out above 0."""
    return ratio(top, np.where(bottom > DIGITS * np.asarray(limit), bottom, np.nan))


def _absolute_end(
    between: NDArray[np.float64],
    raters: NDArray[np.float64],
    noise: NDArray[np.float64],
    icc: NDArray[np.float64],
    size: tuple[int, int, float],
) -> NDArray[np.float64]:
    """Give one end of the interval of ICC(2,1), by Satterthwaite's degrees of freedom."""
    n, k, tail = size
    a = ratio(k * icc, n * (1 - icc))
    b = 1 + a * (n - 1)
    top = (a * raters + b * noise) ** 2
    v = ratio(top, (a * raters) ** 2 / (k - 1) + (b * noise) ** 2 / ((n - 1) * (k - 1)))
    rest = k * raters + (k * n - k - n) * noise
    # the quantile of F with turned degrees is one over that of the other tail
    # (with hardly any degrees it overflows)
    f = np.minimum(special.fdtri(n - 1, v, 1 - tail), 1e100)
    return ratio(n * (between - f * noise), f * rest + n * between)


def _sources(layout: TwoWay) -> Sources | None:
    """Measure each source with the other one taken out; None where one cannot be."""
    counts = layout.counts
    n_sets = int(layout.set_number.max()) + 1
    by_target, by_rater = counts.sum(axis=1), counts.sum(axis=0)
    plain = np.array([len(by_target) - n_sets, len(by_rater) - n_sets, layout.degrees], float)
    if not plain.all():
        return None
    y = layout.score - layout.score.mean()
    raters_left, noise = (float(one[0]) for one in sums_of_squares(layout, y[:, None]))
    rater_only = np.sum(np.bincount(layout.rater, y) ** 2 / by_rater)
    squares = np.array([np.sum(y**2) - rater_only - noise, raters_left, noise])
    # the first is a difference of larger sums
    lost = np.array([DIGITS * np.sum(y**2), 0.0, 0.0])
    squares[squares < np.maximum(lost, ROUNDING * np.sum(layout.score**2))] = 0.0
    # trace, and trace of the square, of what is left of targets and of raters
    shared = (counts / np.sqrt(by_rater)).T @ (counts / np.sqrt(by_rater))
    per_target = np.sum(counts**2 / by_rater, axis=1)
    trace = np.array([len(y) - per_target.sum(), np.trace(layout.left)])
    of_square = np.array([
        np.sum(by_target**2) - 2 * by_target @ per_target + np.sum(shared**2),
        np.sum(layout.left**2),
    ])  # fmt: skip
    # a sum of unlike squares behaves as one of fewer equal ones (Satterthwaite)
    degrees = np.append(trace**2 / of_square, plain[2])
    return Sources(squares, plain, degrees, trace / plain[:2])


def _variances(sources: Sources, chi_square: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve for the variances, given the chi-squares (or their means, for the estimates)."""
    spread = sources.squares / sources.plain_degrees * (sources.degrees / chi_square)
    noise = spread[..., 2]
    others = (spread[..., :2] - noise[..., None]) / sources.weight
    return np.stack([*np.moveaxis(np.clip(others, 0, None), -1, 0), noise])


def _share_of_targets(
    variances: NDArray[np.float64], size: float, *, severity_counts: bool
) -> NDArray[np.float64]:
    """Give the correlation of the means of so many raters."""
    target, rater, noise = variances
    error = rater + noise if severity_counts else noise
    return ratio(target, target + error / size)
