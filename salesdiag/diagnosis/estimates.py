"""Rates of both years group by group, and the logarithm of their ratio with its variance.

Input are cells: one row per side (``"base"`` or ``"now"``), month of the window, rep and what
else the rows can be split by, with a ``part`` and a ``whole`` (and the ``squares`` of what was
added up, where the part is money or hours). Several lists of cells are links of a chain, such
as the steps of a funnel: their changes are multiplied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Sums = dict[str, Floats]  # of part, whole and squares, by group

Kind = Literal["share", "difference", "total", "count", "mean", "log"]
PLAIN = ("difference", "mean")  # compared by what one is more than the other

FEWEST_EVENTS = 10  # on one side at least, for a group to be looked at
_FEWEST_CASES = 5  # on either side
_PRIOR = 20.0  # cases that a stratum's own share is mixed with
_NOUGHT = 0.5  # added to counts, so that none has a logarithm too


class Link(NamedTuple):
    """Cells, and what their part and whole make: see `Kind`.

    ``"share"``: a part of a whole; ``"difference"``: likewise, compared by the difference and not
    by the ratio, for there may have been none before; ``"total"``: a number in equal times;
    ``"count"``: events per exposure; ``"log"``: a mean of logarithms, told as what they are the
    logarithm of; ``"mean"``: a mean, compared by the difference.
    """

    cells: pd.DataFrame
    kind: Kind


class Estimates(NamedTuple):
    """The rates of the groups of one level, and how they changed."""

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
        """Tell which groups have enough cases and events to be looked at."""
        known = np.isfinite(self.log_ratio) & np.isfinite(self.variance) & (self.variance > 0)
        known &= self.n_cases >= _FEWEST_CASES
        found: NDArray[np.bool_] = known & (self.n_events >= FEWEST_EVENTS)
        return found


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

    ``cases`` keeps how many they are, for chance.

    A whole of a stratum with half the usual share counts half (indirect standardisation, over
    both years), so that a change of the mix is no change of the share.
    """
    if not strata:
        return cells
    sums = cells.groupby(list(strata))[["part", "whole"]].transform("sum")
    usual = cells["part"].sum() / max(cells["whole"].sum(), 1.0)
    # strata of few cases are drawn to the whole
    rate = (sums["part"] + _PRIOR * usual) / (sums["whole"] + _PRIOR)
    if not usual > 0:
        return cells
    return cells.assign(whole=cells["whole"] * rate / usual, cases=cells["whole"])


def chained(chain: Sequence[Link], column: str) -> Estimates:
    """Multiply the links: changes and variances of the logarithms add up."""
    names = sorted(set.intersection(*(set(link.cells[column]) for link in chain)))
    links = [_estimates(link, column, names) for link in chain]
    first = links[0]
    return Estimates(
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


def _estimates(link: Link, column: str, names: list[str]) -> Estimates:
    """Give each group's rate on both sides, and the logarithm of their ratio with its variance."""
    cells, kind = link
    (base_sums, now_sums) = _sums(cells, column, names)
    base, now = _rate(base_sums, kind), _rate(now_sums, kind)
    counted = "whole" if kind in ("mean", "log") else "part"
    with np.errstate(divide="ignore", invalid="ignore"):
        log_ratio = now[0] - base[0] if kind in PLAIN else np.log(now[0] / base[0])
    return Estimates(
        names, now[0], base[0], now_sums["part" if kind == "total" else "whole"],
        np.maximum(base_sums[counted], now_sums[counted]),
        np.minimum(base_sums[counted], now_sums[counted]),
        np.full(len(names), np.inf) if kind == "total"
        else np.minimum(base_sums["whole"], now_sums["whole"]),
        log_ratio, now[1] + base[1],
    )  # fmt: skip


def _sums(cells: pd.DataFrame, column: str, names: list[str]) -> tuple[Sums, Sums]:
    """Add the cells up by side and group."""
    place = {name: number for number, name in enumerate(names)}
    group = cells[column].map(place).to_numpy(float)
    kept = ~np.isnan(group)
    slot = group[kept].astype(int) + len(names) * (cells["side"].to_numpy() == "now")[kept]
    sums: Sums = {
        name: np.bincount(slot, cells[name].to_numpy(float)[kept], 2 * len(names)).astype(float)
        for name in ("part", "whole", "squares", "cases")
        if name in cells
    }
    base, now = ({name: each[side] for name, each in sums.items()}
                 for side in (slice(None, len(names)), slice(len(names), None)))  # fmt: skip
    return base, now


def _rate(sums: Sums, kind: Kind) -> tuple[Floats, Floats]:
    """Give the rate and the variance of its logarithm, by chance alone."""
    part, size = sums["part"], sums["whole"]
    with np.errstate(divide="ignore", invalid="ignore"):
        if kind in ("mean", "log"):
            mean = part / size
            scatter = np.maximum(sums["squares"] / size - mean**2, 0)
            # the mean itself is the logarithm of the rate
            return (np.exp(mean) if kind == "log" else mean), scatter / size
        if kind == "total":
            return part + _NOUGHT, 1 / (part + _NOUGHT)
        if kind == "count":
            return (part + _NOUGHT) / size, 1 / (part + _NOUGHT)
        share = (part + _NOUGHT) / (size + 2 * _NOUGHT)
        if "cases" in sums:  # as sure as they are many, whatever their weight
            size = sums["cases"]
            raw = (part + _NOUGHT) / (size + 2 * _NOUGHT)
            return share, (1 - raw) / (raw * (size + 2 * _NOUGHT))
        if kind == "difference":
            return share, share * (1 - share) / (size + 2 * _NOUGHT)
        return share, (1 - share) / (share * (size + 2 * _NOUGHT))
