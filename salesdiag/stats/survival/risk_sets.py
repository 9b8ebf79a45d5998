"""Who is still at risk when: counts per group and time laid out as one table a group."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.errors import InputError
from salesdiag.stats.arguments import groups_of, one_number, vector

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


class RiskSets(NamedTuple):
    """Counts of groups (rows) at their own times in ascending order (columns).

    A group with fewer times than the longest is filled up with times of infinity at which
    nothing happens and nobody is at risk.
    """

    labels: NDArray[np.generic]
    time: Floats
    n_event: Floats
    n_rival: Floats
    n_open: Floats
    n_late: Floats
    n_at_risk: Floats


def risk_sets(
    time: ArrayLike,
    n_event: ArrayLike,
    n_rival: ArrayLike | None,
    n_open: ArrayLike,
    *,
    group: ArrayLike | None = None,
    n_late: ArrayLike | None = None,
    after: float | None = None,
) -> RiskSets:
    """Add up the counts of equal times and count who is at risk at each.

    Those who end at a time are at risk at that time, also those who are last seen then;
    those who come under watch at a time are at risk from the next one on. With ``after``
    only later times are kept: who is at risk at these stays the same.

    Raises
    ------
    InputError
        If a count is negative or missing, if lists differ in length, or if ``n_late``
        counts more than leave later on.
    """
    when = vector("time", time)
    codes = groups_of("group", group, len(when))
    zero = np.zeros(len(when))
    counts = np.array([
        vector("n_event", n_event, least=0, length=len(when)),
        zero if n_rival is None else vector("n_rival", n_rival, least=0, length=len(when)),
        vector("n_open", n_open, least=0, length=len(when)),
        zero if n_late is None else vector("n_late", n_late, least=0, length=len(when)),
    ])  # fmt: skip
    if after is not None:
        kept = when > one_number("after", after)
        when, codes, counts = when[kept], codes._replace(codes=codes.codes[kept]), counts[:, kept]
    table, (event, rival, still, late) = _laid_out(when, codes.codes, len(codes.labels), counts)
    net = event + rival + still - late
    at_risk = net.sum(axis=1, keepdims=True) - (net.cumsum(axis=1) - net)
    slack = 1e-9 * np.maximum(1.0, (event + rival + still).sum(axis=1, keepdims=True))
    if np.any(at_risk + late < -slack) or np.any(at_risk + slack < event + rival + still):
        message = (
            "n_late must count only those who leave at a later time: at some time more come "
            "under watch than leave after it."
        )
        raise InputError(message)
    return RiskSets(codes.labels, table, event, rival, still, late, np.clip(at_risk, 0, None))


def _laid_out(
    when: Floats, codes: NDArray[np.intp], n_groups: int, counts: Floats
) -> tuple[Floats, Floats]:
    """Give times (groups x times) and counts (kinds x groups x times), repeats added up."""
    if not len(when):
        return np.empty((n_groups, 0)), np.empty((len(counts), n_groups, 0))
    step, same = np.diff(when), np.diff(codes)
    if (same < 0).any() or ((same == 0) & (step < 0)).any():
        order = np.lexsort((when, codes))
        when, codes, counts = when[order], codes[order], counts[:, order]
        step, same = np.diff(when), np.diff(codes)
    is_new = np.concatenate(([True], (same != 0) | (step != 0)))
    starts = np.flatnonzero(is_new)
    if len(starts) < len(when):
        counts = np.add.reduceat(counts, starts, axis=1)
    when, codes = when[starts], codes[starts]
    column = np.arange(len(when)) - np.searchsorted(codes, codes)
    shape = (n_groups, int(column.max()) + 1)
    table, laid = np.full(shape, np.inf), np.zeros((len(counts), *shape))
    table[codes, column] = when
    laid[:, codes, column] = counts
    return table, laid
