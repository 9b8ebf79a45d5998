"""Fit a smooth curve to a histogram and measure what lies beyond it at one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from salesdiag.errors import InputError
from salesdiag.stats.arguments import numbers, one_of, vector, whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

Source = Literal["none", "below", "above"]

_NEAR = 1e-6  # two values closer than this share of the usual step are one
_STEPS = 60


class Histogram(NamedTuple):
    """Counts by value, what the fit uses, and its design."""

    value: NDArray[np.float64]
    cases: NDArray[np.float64]
    window: NDArray[np.bool_]
    used: NDArray[np.bool_]
    design: NDArray[np.float64]
    source: NDArray[np.bool_]


class SmoothFit(NamedTuple):
    """Smooth counts of one or many sets of counts (rows)."""

    fitted: NDArray[np.float64]
    expected: NDArray[np.float64]
    excess: NDArray[np.float64]
    scatter: NDArray[np.float64]
    score: NDArray[np.float64]


def read_histogram(
    value: ArrayLike,
    count: ArrayLike,
    threshold: float,
    window: tuple[float, float],
    hole: tuple[float, float],
    degree: int,
    round_numbers: Sequence[float],
    source: str,
    besides: NDArray[np.bool_] | None = None,
) -> Histogram:
    """Read the counts and sort the points into window, hole and those to fit."""
    values = vector("value", value, at_least=1)
    distinct, place = np.unique(values, return_inverse=True)
    cases = vector("count", count, least=0, length=len(values))
    counts = np.bincount(place, cases).astype(float)
    point = numbers("threshold", threshold)
    if point.size != 1:
        message = f"threshold must be one number; got {point.size}."
        raise InputError(message)
    gap = distinct - point.item()
    steps = np.diff(distinct) if len(distinct) > 1 else np.zeros(1)
    rounding = 4 * np.finfo(float).eps * max(np.abs(distinct).max(), abs(point.item()))
    near = max(_NEAR * float(np.median(steps)), rounding)

    def between(name: str, ends: tuple[float, float]) -> NDArray[np.bool_]:
        below, above = vector(name, ends, least=0, length=2)
        return np.asarray((gap >= -below - near) & (gap <= above + near))

    inside = between("window", window)
    used = ~(inside | between("hole", hole))
    if besides is not None:
        used &= ~besides
    if not (inside.any() and used[gap < 0].any() and used[gap > 0].any()):
        message = (
            f"threshold must have values in its window and on both sides of it, beyond the hole; "
            f"got {point.item():g} among {distinct[0]:g} to {distinct[-1]:g}."
        )
        raise InputError(message)
    one_of("source", source, ("none", "below", "above"))
    side = used & {"none": np.zeros_like(used), "below": gap < 0, "above": gap > 0}[source]
    design = _design(distinct, used & (counts > 0), degree, round_numbers)
    if used.sum() <= design.shape[1]:
        message = (
            f"degree must leave more values than coefficients; got {used.sum()} values outside "
            f"window and hole and {design.shape[1]} coefficients."
        )
        raise InputError(message)
    return Histogram(distinct, counts, inside, used, design, side)


def whole_cases(count: ArrayLike) -> NDArray[np.float64]:
    """Refuse weights: intervals and tests take a count for a number of cases."""
    cases = vector("count", count, least=0)
    broken = cases[cases % 1 != 0]
    if len(broken):
        message = f"count must hold whole numbers of cases; got {broken[0]:g}."
        raise InputError(message)
    return cases


def fit_smooth(data: Histogram, counts: NDArray[np.float64]) -> SmoothFit:
    """Fit every row of counts and measure its excess in the window."""
    outside, design = counts[:, data.used], data.design[data.used]
    left_out = counts[:, ~data.used].sum(1)
    source = data.source[data.used]
    there = np.clip(outside[:, source].sum(1), 1, None)
    moved, coefficient = np.zeros(len(counts)), None
    for _round in range(_STEPS if source.any() else 1):
        raised = outside * np.where(source, np.clip(1 + moved / there, 0, None)[:, None], 1.0)
        coefficient = _regress(design, raised, coefficient)
        fitted = _mean(data.design, coefficient)
        missing = left_out - fitted[:, ~data.used].sum(1) - moved
        moved = moved + missing
        if np.abs(missing).max() < 1e-6 * max(there.max(), 1):
            break
    near = fitted[:, data.window]
    expected = near.sum(1)
    excess = counts[:, data.window].sum(1) - expected
    scatter, pull = _scatter(design, raised, fitted[:, data.used], near @ data.design[data.window])
    variance = expected + scatter**2 * (near**2).sum(1) + pull
    return SmoothFit(fitted, expected, excess, scatter, excess / np.sqrt(variance))


def _scatter(
    design: NDArray[np.float64],
    counts: NDArray[np.float64],
    mean: NDArray[np.float64],
    toward: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the relative scatter of single points beyond Poisson's, and a fit's variance.

    Points with many cases tell most of it, as it should be: their scatter is what a pile of
    cases must be told from. The variance is that of the fitted sum whose slope in the
    coefficients is ``toward``, by the sandwich of the information and the true variances.
    """
    products = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    inverse = np.linalg.inv(_information(design, mean))
    leverage = mean * np.sum((design @ inverse) * design, axis=2)
    left = np.clip(1 - leverage, 0, None)  # share of its own variance that a residual keeps
    beyond = np.sum((counts - mean) ** 2 - mean * left, axis=1)
    square = np.clip(beyond / np.maximum(np.sum(mean**2 * left, axis=1), 1e-9), 0, None)
    size = design.shape[1]
    middle = ((mean + square[:, None] * mean**2) @ products).reshape(-1, size, size)
    slope = (inverse @ toward[..., None])[..., 0]
    pull = np.sum(slope * (middle @ slope[..., None])[..., 0], axis=1)
    return np.sqrt(square), pull


def _design(
    value: NDArray[np.float64],
    telling: NDArray[np.bool_],
    degree: int,
    round_numbers: Sequence[float],
) -> NDArray[np.float64]:
    """Give the polynomial and the marks of round numbers, if ``telling`` points fix them."""
    degree = whole_number("degree", degree, most=12)
    rounds = vector("round_numbers", list(round_numbers)) if len(round_numbers) else np.array([])
    if (rounds <= 0).any():
        message = f"round_numbers must be above 0; got {rounds.min():g}."
        raise InputError(message)
    middle, half = (value[0] + value[-1]) / 2, np.ptp(value) / 2
    polynomial = np.polynomial.legendre.legvander((value - middle) / half, degree)
    marks = [multiples(value, one) for one in np.unique(rounds)]
    for one, mark in zip(np.unique(rounds), marks, strict=True):
        if not mark[telling].any():
            message = (
                f"round_numbers must have multiples with cases outside window and hole to "
                f"learn from; got none of {one:g}."
            )
            raise InputError(message)
    design = np.column_stack([polynomial, *marks])
    if np.linalg.matrix_rank(design[telling]) < design.shape[1]:
        message = (
            f"degree and round_numbers must not ask for more than the values with cases can "
            f"tell; got {telling.sum()} such values for {design.shape[1]} coefficients."
        )
        raise InputError(message)
    return design


def multiples(value: NDArray[np.float64], of: float) -> NDArray[np.bool_]:
    """Mark the values that are a multiple of a number."""
    parts = value / of
    return np.asarray(np.abs(parts - np.round(parts)) < 1e-6)


def _regress(
    design: NDArray[np.float64],
    counts: NDArray[np.float64],
    start: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """Give the coefficients of a Poisson regression for every row of counts (Newton)."""
    if start is None:
        start = np.log(counts + 0.5) @ np.linalg.pinv(design).T
    coefficient, active = start.copy(), np.arange(len(counts))
    for _step in range(_STEPS):
        now, seen = coefficient[active], counts[active]
        mean = _mean(design, now)
        slope = (seen - mean) @ design
        move = np.linalg.solve(_information(design, mean), slope[..., None])[..., 0]
        change = np.abs(move @ design.T).max(1)
        # a step may not change a count by more than a factor of e squared
        coefficient[active] = now + move * np.minimum(1, 2 / np.maximum(change, 1e-9))[:, None]
        active = active[change > 1e-7]
        if not len(active):
            break
    return coefficient


def _mean(design: NDArray[np.float64], coefficient: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.exp(np.clip(coefficient @ design.T, -30, 30)))


def _information(design: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the Fisher information of every row, just kept from being singular."""
    size = design.shape[1]
    products = (design[:, :, None] * design[:, None, :]).reshape(len(design), size**2)
    found = (mean @ products).reshape(-1, size, size)
    trace = np.trace(found, axis1=1, axis2=2)
    return np.asarray(found + 1e-9 * trace[:, None, None] * np.eye(size))


def draw_counts(
    data: Histogram, seen: SmoothFit, rng: np.random.Generator, n_draws: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Draw counts with the excess seen, counts without any, and lumps of the window's points."""
    extra = seen.scatter.item() ** 2

    def factor(shape: tuple[int, int]) -> NDArray[np.float64]:
        return rng.gamma(1 / extra, extra, shape) if extra > 1e-6 else np.ones(shape)

    shape = (n_draws, len(data.value))
    smooth = np.broadcast_to(seen.fitted[0], shape)
    with_excess, without = (rng.poisson(smooth * factor(shape)).astype(float) for _ in range(2))
    for place in (data.window, ~data.used & ~data.window):
        if place.any():
            # only the sum over the window, and over the hole, is ever used
            total = data.cases[place].sum()
            with_excess[:, place] = 0.0
            with_excess[:, np.argmax(place)] = rng.gamma(total + 0.5, size=n_draws)
    lumps = factor((n_draws, int(data.window.sum())))
    return with_excess, without, lumps


def values_alike(
    value: NDArray[np.float64], threshold: float, round_numbers: Sequence[float]
) -> NDArray[np.float64]:
    """Give the values that are as round as the threshold, itself left out."""
    rounds = sorted(round_numbers)
    kinds = [one for one in rounds if multiples(np.array([threshold]), one)[0]]
    alike = np.ones(len(value), dtype=bool)
    if kinds:
        alike = multiples(value, kinds[0])
    else:
        for one in rounds:
            alike &= ~multiples(value, one)
    return np.asarray(value[alike & (value != threshold)])
