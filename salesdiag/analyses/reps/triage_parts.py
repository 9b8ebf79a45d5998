"""One function an explanation: what was measured, what the others show, and the gap it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.analyses.reps.chance import count_p, share_p
from salesdiag.stats.rates import compound_poisson_interval, normal_quantile, ratio, wilson_interval
from salesdiag.stats.rates.student import t_quantile, two_sided_p
from salesdiag.stats.shrinkage import gamma_poisson_shrinkage

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_PRIOR = 5.0  # cases of the overall rate added to each kind of deal


class Part(NamedTuple):
    """One explanation of all reps of a group; all in the units of the result but the first two."""

    measured: Floats
    reference: Floats
    gap: Floats
    low: Floats
    high: Floats
    p_value: Floats


class Bench(NamedTuple):
    """What a rep is held against: sums of the other sellers of the group, one entry a rep."""

    days: Floats
    given: Floats
    decided: Floats
    won: Floats
    result: Floats
    per_win: Floats  # result of one win: 1, or money
    unit: float  # size of one typical contribution to the result
    expected: Floats  # what the others' rate gives on the rep's days


def bench_of(reps: pd.DataFrame, result: str) -> Bench:
    """Add up the other sellers for each rep."""
    sells = reps["is_seller"].to_numpy()

    def others(name: str) -> Floats:
        values = reps[name].to_numpy(float)
        return np.asarray(np.nansum(values[sells]) - np.where(sells, np.nan_to_num(values), 0.0))

    days, won, total = others("n_selling_days"), others("n_won"), others(result)
    unit = 1.0
    if result == "won_amount":
        unit = float(ratio(reps.loc[sells, "won_squares"].sum(), reps.loc[sells, result].sum()))
        unit = unit if unit > 0 else 1.0  # nothing won: nothing is expected either
    expected = reps["n_selling_days"].to_numpy(float) * ratio(total, days)
    expected = np.where(sells & (total > 0), expected, np.nan)
    return Bench(days, others("n_given"), others("n_decided"), won, total, ratio(total, won), unit,
                 expected)  # fmt: skip


def luck(reps: pd.DataFrame, bench: Bench, result: str, level: float) -> Part:
    """Give the chance of such a result, and the part of the gap that will go by itself."""
    value = reps[result].to_numpy(float)
    doubt = ratio(bench.unit, bench.result)
    p_value = count_p(value / bench.unit, bench.expected / bench.unit, doubt)
    able = ~np.isnan(bench.expected)
    fading, low, high = (np.full(len(value), np.nan) for _ in range(3))
    if able.sum() > 2 and bench.unit > 0:
        found = gamma_poisson_shrinkage(
            value[able] / bench.unit, bench.expected[able] / bench.unit, confidence=level
        )
        fading[able] = value[able] - found.value * bench.expected[able]
        low[able] = value[able] - found.high * bench.expected[able]
        high[able] = value[able] - found.low * bench.expected[able]
    return Part(value, bench.expected, fading, low, high, p_value)


def lead_number(reps: pd.DataFrame, bench: Bench, level: float) -> Part:
    """Count deals created for the rep per selling day."""
    days, given = (reps[name].to_numpy(float) for name in ("n_selling_days", "n_given"))
    rate = ratio(bench.given, bench.days)
    worth = ratio(bench.result, bench.given)
    return _counted(given, days * rate, ratio(1, bench.given), worth, level,
                    ratio(given, days), rate)  # fmt: skip


def pace(reps: pd.DataFrame, bench: Bench, level: float) -> Part:
    """Count deals decided per deal given: what is left lying brings nothing."""
    given, decided = (reps[name].to_numpy(float) for name in ("n_given", "n_decided"))
    rate = ratio(bench.decided, bench.given)
    worth = ratio(bench.result, bench.decided)
    return _counted(decided, given * rate, ratio(1, bench.decided), worth, level,
                    ratio(decided, given), rate)  # fmt: skip


def _counted(
    count: Floats, expected: Floats, doubt: Floats, worth: Floats, level: float, measured: Floats,
    reference: Floats,
) -> Part:  # fmt: skip
    """Hold a count against what the others' rate gives, each item at the others' worth."""
    noise = np.where(count > 0, count + np.nan_to_num(count**2 * doubt), 0.0)
    low, high = compound_poisson_interval(
        count, noise, np.ones(len(count)), typical=1.0, confidence=level
    )
    gap = (count - expected) * worth
    low, high = ((one - expected) * worth for one in (low, high))
    return Part(measured, reference, gap, np.minimum(low, gap), np.maximum(high, gap),
                count_p(count, expected, doubt))  # fmt: skip


class Mix(NamedTuple):
    """What the other sellers would have won of the rep's own deals."""

    expected: Floats
    variance: Floats
    spread: float  # variance of the chances between deals


def case_mix(kinds: pd.DataFrame, reps: pd.DataFrame, bench: Bench) -> Mix:
    """Give the wins to expect from the kinds of deals each rep decided.

    The chance of a kind is that of the other sellers' deals of it, drawn a little to their
    rate over all kinds, for some kinds are rare.
    """
    size = len(reps)
    place = dict(zip(reps["rep_id"], range(size), strict=True))
    rows = kinds[kinds["rep_id"].isin(place)]
    n_kinds = int(kinds["kind"].max()) + 1 if len(kinds) else 1
    whole, won = np.zeros((size, n_kinds)), np.zeros((size, n_kinds))
    at = (rows["rep_id"].map(place).to_numpy(np.intp), rows["kind"].to_numpy(np.intp))
    np.add.at(whole, at, rows["n"].to_numpy(float))
    np.add.at(won, at, rows["won"].to_numpy(float))
    sells = reps["is_seller"].to_numpy(float)[:, None]
    overall = np.nan_to_num(ratio(bench.won, bench.decided))[:, None]
    n_others = (sells * whole).sum(axis=0) - sells * whole + _PRIOR
    chance = ((sells * won).sum(axis=0) - sells * won + _PRIOR * overall) / n_others
    noise = chance * (1 - chance)
    variance = (whole * noise + whole**2 * noise / n_others).sum(axis=1)
    weight = (sells * whole).sum(axis=0)
    pooled = ratio((sells * won).sum(axis=0), weight)
    middle = float(ratio((sells * won).sum(), weight.sum()))
    spread = float(np.nan_to_num(ratio(np.nansum(weight * (pooled - middle) ** 2), weight.sum())))
    return Mix((whole * chance).sum(axis=1), variance, spread)


def lead_mix(reps: pd.DataFrame, bench: Bench, mix: Mix, n_columns: int, level: float) -> Part:
    """Give the expected conversion of the deals the rep had, by their kind."""
    decided = reps["n_decided"].to_numpy(float)
    rate = ratio(bench.won, bench.decided)
    measured = ratio(mix.expected, decided)
    if n_columns == 0 or mix.spread <= 0:
        nothing = np.full(len(decided), np.nan)
        return Part(measured, rate, nothing, nothing, nothing, nothing)
    error = np.sqrt(decided * mix.spread)
    distance = mix.expected - decided * rate
    reach = normal_quantile(level) * error * bench.per_win
    gap = distance * bench.per_win
    p_value = two_sided_p(distance, error, np.inf)
    return Part(measured, rate, gap, gap - reach, gap + reach, p_value)


def skill(reps: pd.DataFrame, bench: Bench, mix: Mix, credit: Floats, level: float) -> Part:
    """Hold the conversion against that of the same kinds of deals, scaled by ``credit``."""
    decided, won = (reps[name].to_numpy(float) for name in ("n_decided", "n_won"))
    expected = mix.expected * credit
    low, high = wilson_interval(won, decided, confidence=level)
    gap = (won - expected) * bench.per_win
    ends = ((decided * one - expected) * bench.per_win for one in (low, high))
    low, high = ends
    more = np.maximum(mix.variance - decided * ratio(expected, decided)
                      * (1 - ratio(expected, decided)), 0.0)  # fmt: skip
    p_value = share_p(won, decided, ratio(expected, decided), ratio(more, expected**2))
    return Part(ratio(won, decided), ratio(expected, decided), gap, np.minimum(low, gap),
                np.maximum(high, gap), p_value)  # fmt: skip


def deal_size(reps: pd.DataFrame, bench: Bench, level: float) -> Part:
    """Give the money of one win, given how many were won."""
    won, amount, squares = (
        reps[name].to_numpy(float) for name in ("n_won", "won_amount", "won_squares")
    )
    gap = amount - won * bench.per_win
    typical = bench.unit * bench.per_win - bench.per_win**2  # variance of the size of one win
    own = squares - ratio(amount**2, won)
    error = np.sqrt(np.maximum(np.maximum(own, won * typical), 0.0))
    error = np.where(won > 0, error, np.nan)
    reach = normal_quantile(level) * error
    p_value = two_sided_p(gap, error, np.inf)
    return Part(ratio(amount, won), bench.per_win, np.where(won > 0, gap, np.nan), gap - reach,
                gap + reach, p_value)  # fmt: skip


class Effort(NamedTuple):
    """Activities per selling day of each rep and of the others, and the error of a rep's."""

    rate: Floats
    reference: Floats
    told: Floats  # the rate, above 0
    error: Floats  # of its logarithm
    degrees: Floats


def effort_rates(reps: pd.DataFrame, weeks: pd.DataFrame | None) -> Effort:
    """Give the rates, and the error of a rep's from week to week and between the others."""
    size = len(reps)
    if weeks is None:
        return Effort(*(np.full(size, np.nan),) * 5)
    place = dict(zip(reps["rep_id"], range(size), strict=True))
    rows = weeks[weeks["rep_id"].isin(place)]
    of = rows["rep_id"].map(place).to_numpy(np.intp)
    did, days = (np.bincount(of, rows[name], minlength=size) for name in ("did", "days"))
    n_weeks = np.bincount(of, minlength=size)
    rate = ratio(did, days)
    residual = (rows["did"].to_numpy() - rate[of] * rows["days"].to_numpy()) ** 2
    squares = np.bincount(of, residual, minlength=size) * ratio(n_weeks, n_weeks - 1)
    sells = reps["is_seller"].to_numpy()
    all_did, all_days = (one[sells].sum() - np.where(sells, one, 0.0) for one in (did, days))
    # how far apart the others are: reps differ in what they log without differing in results
    counted = sells & (did > 0)
    logs = np.where(counted, np.log(np.where(did > 0, rate, 1.0)), 0.0)
    n_others = counted.sum() - counted.astype(float)
    mean = ratio(logs.sum() - logs, n_others)
    between = ratio((logs**2).sum() - logs**2 - n_others * mean**2, n_others - 1)
    variance = ratio(squares, np.maximum(did, 0.5) ** 2)
    variance += np.maximum(between, 0.0) * (1 + ratio(1, n_others))
    error = np.sqrt(np.where((n_weeks > 1) & (variance > 0), variance, np.nan))
    degrees = np.where(n_others > 1, n_others - 1, np.nan)
    # somebody who did nothing at all is taken to have done half an activity
    told = ratio(np.maximum(did, 0.5), days)
    return Effort(rate, ratio(all_did, all_days), told, error, degrees)


def effort(bench: Bench, found: Effort, level: float) -> Part:
    """Give activities per selling day; the gap if results rise in step with them, at most."""
    distance = np.log(ratio(found.told, np.where(found.reference > 0, found.reference, np.nan)))
    reach = t_quantile(found.degrees, level) * found.error
    gap = (ratio(found.rate, found.reference) - 1) * bench.expected
    gap = np.where(np.isnan(reach), np.nan, gap)
    low, high = (np.expm1(distance + one) * bench.expected for one in (-reach, reach))
    p_value = two_sided_p(distance, found.error, found.degrees)
    return Part(found.rate, found.reference, gap, np.minimum(low, gap), np.maximum(high, gap),
                p_value)  # fmt: skip


def effort_by_deal(reps: pd.DataFrame, bench: Bench, found: Effort) -> Part:
    """Give activities per deal given, on the logarithm: who has fewer deals has less to do."""
    given, days = (reps[name].to_numpy(float) for name in ("n_given", "n_selling_days"))
    own = ratio(found.told * days, given)
    others = ratio(found.reference * bench.days, bench.given)
    known = (own > 0) & (others > 0)
    distance = np.log(np.where(known, own, np.nan) / np.where(known, others, np.nan))
    noise = np.sqrt(found.error**2 + ratio(1, given) + ratio(1, bench.given))
    p_value = two_sided_p(distance, noise, found.degrees)
    return Part(own, others, distance, distance, distance, p_value)


def tenure(
    reps: pd.DataFrame, bench: Bench, fresh: pd.DataFrame, result: str, level: float
) -> Part:  # fmt: skip
    """Count days as a newcomer, at what the other newcomers fall short of the tenured."""
    sells = reps["is_seller"].to_numpy()
    days, total = reps["n_selling_days"].to_numpy(float), reps[result].to_numpy(float)
    own = reps["newcomer_days"].to_numpy(float)
    new_days = np.nan_to_num(own)
    got = reps["rep_id"].map(fresh[result]).fillna(0.0).to_numpy(float)

    def others(values: Floats) -> Floats:
        return np.asarray(values[sells].sum() - np.where(sells, values, 0.0))

    rate = ratio(others(total - got), others(days - new_days))
    wanted = others(new_days) * rate
    seen = others(got)
    low, high = compound_poisson_interval(
        seen, seen * bench.unit, np.full(len(seen), bench.unit), typical=bench.unit,
        confidence=level,
    )  # fmt: skip
    value, low, high = (ratio(one, wanted) for one in (seen, low, high))
    gap, least, most = ((one - 1) * new_days * rate for one in (value, low, high))
    p_value = count_p(seen / bench.unit, wanted / bench.unit,
                      ratio(bench.unit, others(total - got)))  # fmt: skip
    # who was no newcomer on any day lost nothing by it
    none = (own == 0) & ~np.isnan(bench.expected)
    gap, least, most = (np.where(none, 0.0, one) for one in (gap, least, most))
    p_value = np.where(none, 1.0, p_value)
    unknown = np.isnan(own) | np.isnan(gap)
    figures = (np.where(unknown, np.nan, one) for one in (gap, least, most, p_value))
    share = others(new_days) / np.where(others(days) > 0, others(days), np.nan)
    return Part(ratio(own, days), share, *figures)


def plan(
    reps: pd.DataFrame, bench: Bench, targets: pd.Series | None, result: str, level: float
) -> Part:
    """Hold the target against the rep's part of all targets at the results of the year before."""
    size = len(reps)
    nothing = np.full(size, np.nan)
    if targets is None:
        return Part(*(nothing,) * 6)
    target = reps["rep_id"].map(targets).to_numpy(float)
    past_name = "past_won" if result == "n_won" else "past_amount"
    past = np.where(np.isnan(target), np.nan, reps[past_name].to_numpy(float))
    past = np.where(past > 0, past, np.nan)
    both = ~np.isnan(past)
    total, planned = np.nansum(past), float(np.nansum(target[both]))
    others = total - past
    fair = planned * ratio(past, np.where(both, total, np.nan))
    squares = reps["past_squares"].to_numpy(float) if result != "n_won" else past
    low, high = compound_poisson_interval(
        past, np.where(both, squares, np.nan), np.full(size, bench.unit), typical=bench.unit,
        confidence=level,
    )  # fmt: skip
    ends = [planned * ratio(one, others + one) for one in (low, high)]
    others_plan = planned - target
    expected = others * ratio(target, others_plan)
    p_value = count_p(past / bench.unit, expected / bench.unit, ratio(bench.unit, others))
    known = both & (others > 0) & (others_plan > 0)
    figures = (np.where(known, one, np.nan)
               for one in (fair - target, ends[0] - target, ends[1] - target, p_value))  # fmt: skip
    return Part(target, np.where(known, fair, np.nan), *figures)
