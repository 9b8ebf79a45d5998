"""Regressions held in check by a ridge, on rows that stand for many cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_STEPS = 200


def fit_shares(
    design: NDArray[np.float64], counts: NDArray[np.float64], *, ridge: float = 1.0
) -> NDArray[np.float64]:
    """Fit how the shares of several classes depend on covariates (multinomial logit).

    Minimises the log loss over all cases plus half the ridge times the squared coefficients,
    those of the constant left free. Each class has its own coefficients, so no class is
    special; with two classes this equals a plain logit with half the ridge.

    Parameters
    ----------
    design : ndarray, shape (R, P)
        The constant first, then the covariates on a common scale.
    counts : ndarray, shape (R, K)
        Cases of each class in each row, every class somewhere above 0.
    ridge : float, default 1
        Above 0.

    Returns
    -------
    ndarray, shape (P, K)
        Coefficients; `shares_at` turns them into shares.

    Examples
    --------
    Without covariates the shares are those of the counts.

    >>> coefficients = fit_shares(np.ones((1, 1)), np.array([[3.0, 1.0]]))
    >>> shares_at(np.ones((1, 1)), coefficients).round(6).tolist()
    [[0.75, 0.25]]
    """
    weight, n_classes = counts.sum(axis=1), counts.shape[1]
    penalty = np.full((design.shape[1], 1), ridge)
    penalty[0] = 0.0
    found = np.zeros((design.shape[1], n_classes))
    found[0] = np.log(counts.sum(axis=0) / counts.sum())
    loss = _loss(design, counts, weight, penalty, found)
    for _ in range(_MOST_STEPS):
        chance = shares_at(design, found)
        slope = design.T @ (weight[:, None] * chance - counts) + penalty * found
        curve = _curvature(design, weight, chance, penalty)
        step = np.linalg.solve(curve, slope.T.ravel()).reshape(n_classes, -1).T
        gain, length = float(np.sum(step * slope)), 1.0
        if gain <= 1e-14 * weight.sum():
            break
        while length > 1e-6:  # a full step may overshoot far from the optimum
            trial = found - length * step
            new = _loss(design, counts, weight, penalty, trial)
            if new <= loss + 1e-12 * abs(loss):  # rounding may hide the last gains
                break
            length /= 2
        found, loss = trial, new
    return found


def shares_at(
    design: NDArray[np.float64], coefficients: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give the shares of the classes at each row; a row adds up to 1."""
    score = design @ coefficients
    raised = np.exp(score - score.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def fit_means(
    design: NDArray[np.float64],
    n: NDArray[np.float64],
    total: NDArray[np.float64],
    *,
    ridge: float = 1.0,
) -> NDArray[np.float64]:
    """Fit how a mean depends on covariates (least squares with a ridge).

    Parameters
    ----------
    design : ndarray, shape (R, P)
        The constant first, then the covariates on a common scale.
    n, total : ndarray, shape (R,)
        Cases of each row and the sum of their outcomes.
    ridge : float, default 1
        Above 0.

    Returns
    -------
    ndarray, shape (P,)
        Coefficients.

    Examples
    --------
    >>> fit_means(np.ones((2, 1)), np.array([1.0, 3.0]), np.array([2.0, 6.0])).tolist()
    [2.0]
    """
    penalty = np.full(design.shape[1], ridge)
    penalty[0] = 0.0
    squares = design.T @ (n[:, None] * design) + np.diag(penalty)
    return np.asarray(np.linalg.solve(squares, design.T @ total))


def _loss(
    design: NDArray[np.float64],
    counts: NDArray[np.float64],
    weight: NDArray[np.float64],
    penalty: NDArray[np.float64],
    coefficients: NDArray[np.float64],
) -> float:
    score = design @ coefficients
    top = score.max(axis=1)
    spread = np.log(np.exp(score - top[:, None]).sum(axis=1)) + top
    return float(weight @ spread - np.sum(counts * score) + np.sum(penalty * coefficients**2) / 2)


def _curvature(
    design: NDArray[np.float64],
    weight: NDArray[np.float64],
    chance: NDArray[np.float64],
    penalty: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Give the second derivatives, class by class, of the penalised loss."""
    n_columns, n_classes = design.shape[1], chance.shape[1]
    found = np.zeros((n_classes, n_columns, n_classes, n_columns))
    for one in range(n_classes):
        for other in range(one, n_classes):
            bend = weight * chance[:, one] * ((one == other) - chance[:, other])
            block = design.T @ (bend[:, None] * design)
            found[one, :, other, :] = block
            found[other, :, one, :] = block.T
        found[one, :, one, :] += np.diag(penalty[:, 0])
    # a number added to all constants changes no share: pin it, or the system is singular
    found[:, 0, :, 0] += weight.sum() / n_classes
    return found.reshape(n_classes * n_columns, -1)
