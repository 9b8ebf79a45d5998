"""From the sums of each unit to what it is worth beyond chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import pandas as pd

from salesdiag.department import UNASSIGNED
from salesdiag.stats.arguments import share
from salesdiag.stats.multiplicity import PValueRegistry
from salesdiag.stats.rates import normal_quantile, ratio
from salesdiag.stats.shrinkage import (
    Shrunken,
    beta_binomial_shrinkage,
    gamma_poisson_shrinkage,
    homogeneity_test,
    james_stein,
    quarter_probability,
    rankability,
)
from salesdiag.stats.standardisation.dispersed import dispersed_ratio
from salesdiag.stats.variance import plug_in_ratios, plug_in_shares

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Shrinkage = Literal["bayes", "james_stein"]

FEWEST, RANKED = 5, 30  # events: below, not enough data; below, never ranked
RANKABLE = 0.5
_LEAST_LEFT = 0.05  # of what is to be told of a unit; less is no comparison
_DRAWS = 500_000
_MANY = 200  # units among which their common spread is as good as known
_MONEY = ("won_amount", "price_realisation", "revenue_per_day", "activities_per_day",
          "wins_per_day")  # fmt: skip


class Adjusted(NamedTuple):
    """A metric of some units, each as if it had had the cases of all."""

    value: Floats  # on the scale of the metric
    size: Floats  # cases (shares) or expected over dispersion (others) that would tell as much
    expected: Floats
    variance: Floats  # by chance, of what was seen
    overall: float
    is_share: bool

    @property
    def noise(self) -> Floats:
        """Give the sampling variance of the values were all units alike."""
        top = self.overall * (1 - self.overall) if self.is_share else self.overall**2
        return ratio(top, self.size)


def blocks(sums: pd.DataFrame, keys: Sequence[str]) -> Iterator[tuple[tuple[str, ...], pd.Index]]:
    """Give the rows that are compared with each other: one metric within one group."""
    by = [*keys, "metric", "from_stage"]
    for name, rows in sums.groupby(by, sort=False):
        yield tuple(map(str, name)), rows.index


def adjusted(rows: pd.DataFrame) -> Adjusted:
    """Bring units to the mix of all.

    Where a unit makes up a good part of its strata it is held against itself: what is left to
    be told (the variance tested over its own) is made up for, beyond what its part in the whole
    takes away in any case.
    """
    is_share = rows["metric"].iloc[0] not in _MONEY
    size, seen = rows["size"].to_numpy(float), rows["seen"].to_numpy(float)
    named = (rows["unit_id"] != UNASSIGNED).to_numpy() & (size > 0)
    own, tested = rows["own_variance"].to_numpy(float), rows["variance"].to_numpy(float)
    whole = size[named].sum()
    usual = 1 - ratio(size, whole)
    usual = usual * whole / (whole - 1) if is_share and whole > 1 else usual
    left = np.minimum(ratio(ratio(tested, own), usual), 1.0)
    left = np.where(named & (left >= _LEAST_LEFT), left, np.nan)
    gap = (seen - rows["expected"].to_numpy(float)) / left
    expected = seen - gap
    top = size if is_share else np.inf
    inside = np.where(expected > 0, np.minimum(expected, top * (1 - 1e-6)), seen * 1e-3)
    expected = np.where(np.isnan(gap), np.nan, np.maximum(inside, 1e-9 * size))
    overall = float(ratio(seen[named].sum(), whole)) if whole > 0 else np.nan
    if not is_share:
        dispersion = ratio(own / left, expected)
        value = ratio(seen, expected) * overall
        return Adjusted(value, ratio(expected, dispersion), expected, tested / left**2,
                        overall, is_share)  # fmt: skip
    mine, theirs = ratio(seen, size), ratio(expected, size)
    # the same odds against what was expected, at the mix of all
    odds = ratio(mine * (1 - theirs) * overall, theirs * (1 - overall))
    value = np.where(mine >= 1, 1.0, ratio(odds, (1 - mine) + odds))
    told = ratio((size * theirs * (1 - theirs)) ** 2, own / left * overall * (1 - overall))
    return Adjusted(value, told, expected, tested / left**2, overall, is_share)


def shrunken(found: Adjusted, kind: Shrinkage, confidence: float) -> Shrunken:
    """Pull each unit towards all, as far as chance explains of its distance."""
    known = ~np.isnan(found.value) & (found.size > 0)
    blank = np.full(len(known), np.nan)
    if not known.any() or not found.overall > 0:
        return Shrunken(blank, blank, blank, blank, blank, np.nan, np.nan)
    value, size = np.where(known, found.value, np.nan), np.where(known, found.size, np.nan)
    if kind == "james_stein":
        return _james_stein(value, found.noise, confidence)
    many = known.sum() > _MANY
    shares = plug_in_shares if many else beta_binomial_shrinkage
    ratios = plug_in_ratios if many else gamma_poisson_shrinkage
    if found.is_share:
        return shares(value * size, size, confidence=confidence)
    pulled = ratios(value / found.overall * size, size, confidence=confidence)
    unit = found.overall
    return Shrunken(
        pulled.value * unit, pulled.low * unit, pulled.high * unit, pulled.sd * unit,
        pulled.weight, pulled.prior_mean * unit, pulled.prior_sd * unit,
    )  # fmt: skip


def _james_stein(value: Floats, noise: Floats, confidence: float) -> Shrunken:
    """Shrink by the classical formula with one variance, that of the median unit."""
    known = ~np.isnan(value)
    n = int(known.sum())
    blank = np.full(len(value), np.nan)
    if n < 4:
        return Shrunken(blank, blank, blank, blank, blank, np.nan, np.nan)
    variance = float(np.median(noise[known]))
    found = james_stein(value[known], variance)
    pull = 1 - found.weight
    left = variance * (1 - pull * (n - 1) / n)
    spread = left + 2 / max(n - 3, 1) * (pull * (value - found.mean)) ** 2
    middle, sd = blank.copy(), np.sqrt(spread)
    middle[known] = found.value
    z = normal_quantile(confidence)
    between = np.sqrt(max(variance / pull - variance, 0.0)) if pull > 0 else np.nan
    return Shrunken(middle, middle - z * sd, middle + z * sd, sd,
                    np.where(known, found.weight, np.nan), found.mean, float(between))  # fmt: skip


def judged(
    sums: pd.DataFrame, keys: Sequence[str], *, confidence: float, shrinkage: Shrinkage = "bayes"
) -> pd.DataFrame:
    """Add to the sums what each unit is worth, how sure that is, and whether it stands out."""
    level = share("confidence", confidence)
    table = sums.reset_index(drop=True)
    names = ["observed", "expected_value", "ratio", "ratio_low", "ratio_high", "shrunken_value",
             "shrunken_value_low", "shrunken_value_high", "bottom_quarter_probability",
             "top_quarter_probability", "p_value", "expected_events"]  # fmt: skip
    table[names] = np.nan
    table["is_enough"] = False
    for _name, index in blocks(table, keys):
        found = _one_block(table.loc[index], shrinkage, level)
        table.loc[index, found.columns] = found
    table["q_value"] = _q_values(table)
    known = table["p_value"].notna()
    away = np.where(table["ratio"] < 1, "below", "above")
    reading = np.where(table["q_value"] <= 1 - level, away, "as_expected")
    reading = np.where(known, reading, "not_comparable")
    reading = np.where(table["is_enough"], reading, "not_enough_data")
    reading = np.where(table["unit_id"] == UNASSIGNED, "no_unit", reading)
    return table.assign(reading=pd.Series(reading, index=table.index, dtype="str"))


def _one_block(rows: pd.DataFrame, shrinkage: Shrinkage, level: float) -> pd.DataFrame:
    found = adjusted(rows)
    size, seen = rows["size"].to_numpy(float), rows["seen"].to_numpy(float)
    named = (rows["unit_id"] != UNASSIGNED).to_numpy()
    events = _expected_events(rows)
    enough = named & (events >= FEWEST)
    compared = enough & ~np.isnan(found.expected)
    against = dispersed_ratio(
        np.where(compared, seen, np.nan), found.expected, found.variance,
        kind="binomial" if found.is_share else "scaled", confidence=level,
    )  # fmt: skip
    pulled = shrunken(found, shrinkage, level)
    shown = compared & ~np.isnan(against.ratio)
    middle, sd = (np.where(shown, one, np.nan) for one in (pulled.value, pulled.sd))
    n = max(int(shown.sum()), 1)
    quarter = quarter_probability(middle, sd, n_draws=min(5_000, max(_DRAWS // n, 500)))
    table = pd.DataFrame({
        "observed": np.where(enough, ratio(seen, size), np.nan),
        "expected_value": np.where(shown, ratio(found.expected, size), np.nan),
        "ratio": against.ratio, "ratio_low": against.low, "ratio_high": against.high,
        "p_value": against.p_value, "shrunken_value": middle,
        "shrunken_value_low": np.where(shown, pulled.low, np.nan),
        "shrunken_value_high": np.where(shown, pulled.high, np.nan),
        "bottom_quarter_probability": quarter.bottom, "top_quarter_probability": quarter.top,
        "expected_events": np.where(named, events, np.nan),
    }, index=rows.index)  # fmt: skip
    return table.assign(is_enough=enough)


def _expected_events(rows: pd.DataFrame) -> Floats:
    """Tell by how many events a unit is judged: those expected, for prices the deals seen.

    None won of 300 says a lot, though no event was seen; for revenue too, which is judged by
    the wins that were to be expected.
    """
    metric = rows["metric"].iloc[0]
    if metric in ("won_amount", "price_realisation"):
        return rows["n_events"].to_numpy(float)
    if metric == "revenue_per_day":
        return rows["expected_n"].fillna(0.0).to_numpy(float)
    return rows["expected"].fillna(0.0).to_numpy(float)


def _q_values(table: pd.DataFrame) -> Floats:
    """Adjust over all units and metrics: each metric is a family, and the families count too."""
    registry = PValueRegistry()
    family = (table["metric"] + "|" + table["from_stage"]).str.replace("\0", " ")
    name = pd.Series(table.index.astype(str), index=table.index)
    place: dict[tuple[str, str], int] = {}
    for one, rows in table.groupby(family, sort=True):
        registry = registry.with_tests(str(one), list(name[rows.index]), rows["p_value"])
        place |= {(str(one), name[index]): int(index) for index in rows.index}
    found = registry.q_values()
    q = np.full(len(table), np.nan)
    order = [place[pair] for pair in zip(found.family, found.name, strict=True)]
    q[order] = found.q_value
    return q


def ranked(rows: pd.DataFrame) -> Adjusted:
    """Give the adjusted values of the units of a block that are enough to be compared."""
    found = adjusted(rows)
    named = (rows["unit_id"] != UNASSIGNED).to_numpy()
    used = named & (_expected_events(rows) >= FEWEST) & ~np.isnan(found.value)
    used &= found.size > 0
    return found._replace(**{
        name: getattr(found, name)[used] for name in ("value", "size", "expected", "variance")
    })  # fmt: skip


def spread_of(found: Adjusted) -> tuple[float, float]:
    """Give the variance between units, and the rankability; NaN for fewer than two."""
    if len(found.value) < 2 or not np.all(found.noise > 0):
        return np.nan, np.nan
    answer = rankability(found.value, found.noise)
    return answer.tau2, answer.rankability


class Homogeneity(NamedTuple):
    """Whether the units of a metric differ by more than chance."""

    statistic: float
    df: float
    p_value: float


def homogeneity(rows: pd.DataFrame) -> Homogeneity:
    """Test whether the units differ, at the mix of cases that each had.

    Without case mix the chi-square of a table (drawn where counts are small). With it the sum of
    the squared distances from what was expected, each over its variance; its degrees of freedom
    are what it would be by chance: fewer where units keep to strata of their own.
    """
    found = adjusted(rows)
    named = (rows["unit_id"] != UNASSIGNED).to_numpy() & (rows["size"] > 0).to_numpy()
    seen, size, expected, own, tested = (
        rows[name].to_numpy(float)[named]
        for name in ("seen", "size", "expected", "own_variance", "variance")
    )
    plain = len(seen) > 1 and np.ptp(ratio(expected, size)) < 1e-9
    if plain and found.is_share:
        test = homogeneity_test(seen, size)
        return Homogeneity(test.statistic, float(test.df), test.p_value)
    used = (own > 0) & (tested > 0)
    if used.sum() < 2:
        return Homogeneity(np.nan, float(max(used.sum() - 1, 0)), np.nan)
    from scipy import special

    seen, expected, own, tested = (one[used] for one in (seen, expected, own, tested))
    statistic = float(np.sum(np.sort((seen - expected) ** 2 / own)))
    df = float(np.sum(np.sort(tested / own)))
    return Homogeneity(statistic, df, float(special.chdtrc(df, statistic)))


class Ranks(NamedTuple):
    """Where each unit stands on average over what its true value may be, from the lowest."""

    rank: Floats
    low: Floats
    high: Floats


def expected_ranks(value: Floats, sd: Floats, confidence: float) -> Ranks:
    """Give expected ranks with intervals, for independent normal posteriors.

    The rank given a unit's own value is close to normal; it is averaged over that value by
    Gauss and Hermite's rule, so nothing is drawn.
    """
    from scipy import special

    node, weight = np.polynomial.hermite_e.hermegauss(9)
    weight = weight / weight.sum()
    mean, square = np.zeros(len(value)), np.zeros(len(value))
    for z, part in zip(node, weight, strict=True):
        above = special.ndtr(((value + z * sd)[:, None] - value) / sd)
        np.fill_diagonal(above, 0.0)
        rank = 1 + above.sum(axis=1)
        mean += part * rank
        square += part * (rank**2 + (above * (1 - above)).sum(axis=1))
    reach = normal_quantile(confidence) * np.sqrt(np.maximum(square - mean**2, 0.0))
    n = len(value)
    return Ranks(mean, np.clip(mean - reach, 1, mean), np.clip(mean + reach, mean, n))
