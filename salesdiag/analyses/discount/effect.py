"""What a discount does to the chance to win and to the margin, like compared with like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.discount.bands import EDGES
from salesdiag.analyses.discount.effect_cells import (
    COVERAGE,
    check_kinds,
    count_cells,
    selected,
    why_not_told,
)
from salesdiag.analyses.discount.ratios import Ratio, add_ratio, band_ends, read_edges
from salesdiag.reductions.deal_prices import NAMES
from salesdiag.stats.arguments import share
from salesdiag.stats.effects import DoseEffects, dose_effect, e_value
from salesdiag.stats.rates import ratio, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department

_LEAST_DEALS = 20  # of a band, to be held against others
_LEAST_REFERENCE = 50
_LEAST_REPS = 8  # fewer cannot stand for the spread between reps
_PULL = 10  # deals that hold a rep's mean depth to that of all
_MANY_CELLS = 5000
_STRONG = 1.5  # risk ratio that a hidden cause must reach before the sign is lost
_ESTIMATES = ("adjusted_win_rate", "win_effect", "adjusted_margin", "margin_effect")
_COLUMNS = [
    "discount_from", "discount_to", "is_reference", "n_deals", "n_won", "n_reps", "n_unpriced",
    "n_unquoted", "n_undated", "win_rate", "win_rate_low", "win_rate_high",
    *[name + end for name in _ESTIMATES[:2] for end in ("", "_low", "_high")],
    "margin_basis", *[name + end for name in _ESTIMATES[2:] for end in ("", "_low", "_high")],
    "effective_deals", "unlike_share", "least_propensity", "second_effect", "e_value",
    "e_value_limit", "won_priced_share", "lost_priced_share", "least_win_effect",
    "greatest_win_effect", "is_implausible", "grade", "caveat", "reason",
]  # fmt: skip


def discount_effect(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    edges: Sequence[float] = EDGES,
    adjust_for: Sequence[str] | None = None,
    from_stage: str | None = None,
) -> pd.DataFrame:
    """Compare the chance to win and the margin by depth of discount, with like deals compared.

    Discounts are not given at random: weak deals get them to be saved, large deals because
    they are large, and both are won less or more often whatever the price. So the plain win
    rate by depth, which is shown too, says nothing about discounts. Here deals of the same
    size, segment and product, closed as near to the end of a quarter, by reps who give
    discounts as freely, are compared (cross-fitted augmented inverse probability weighting
    [1]_): what share of *all* deals would be won if all had a discount of this depth. What
    the rep alone knew of a deal stays unseen; ``e_value`` says how strong it would have to be
    to explain the difference away. It is an adjusted association, not an experiment.

    Only deals that came as far as a price can have a discount. Where lost deals have product
    lines, those without are taken as never quoted and left out; ``from_stage`` names the stage
    instead. Stages passed are not adjusted for: how far a deal came is part of its outcome.
    The margin is what a deal brings per unit of list price, won or lost: nothing if it is
    lost, else net price less cost over list price. A discount that wins deals can still
    lower it.

    A band is refused, with the ``reason``, where the data hold too few deals like the others at
    that depth. Refused as a whole are departments, and groups, of whose lost deals fewer than
    half have prices, or next to none a discount: there prices are written down at closing.
    Where more than 20 % of the lost deals have no prices, or the priced shares of won and lost
    deals lie more than 10 points apart, those with prices are a selected group, most likely the
    ones that came furthest: the estimate is shown with grade "D" and a ``caveat``.
    ``least_win_effect`` and ``greatest_win_effect`` say how far it could move had all deals
    without prices been of this depth, or of the reference.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``) with ``amount`` and ``list_amount``, or
        ``line_items``, for lost deals too; ``closed_at`` for a window; uses ``rep_id``,
        ``cost_amount`` and the columns to adjust for. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``; each group is
        estimated by itself.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **closed**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    edges : sequence of float, default (0, 0.05, 0.1, 0.15, 0.2, 0.3)
        Where the bands of depth end: rising shares below 1, in whole thousandths.
    adjust_for : sequence of str, optional
        Columns of ``deals``, ``reps`` or ``accounts`` that drive both discount and outcome and
        were settled before the discount. Default: ``segment`` and ``product`` where they are.
        Of each the 8 most frequent values are told apart. Size, rep and the end of the quarter
        are always adjusted for. The reps are the clusters of the intervals, from 8 of them on;
        beyond 24, in 24 bundles of reps who discount alike.
    from_stage : str, optional
        Only deals that reached this stage or a later one.

    Returns
    -------
    DataFrame
        One row per group and band, in order of depth:

        - the ``by`` columns, if any;
        - ``discount_from``, ``discount_to`` : the band, above the first and up to the second;
          NaN where it has no end;
        - ``is_reference`` : the band that others are held against, the shallowest with 50 deals;
        - ``n_deals``, ``n_won`` : priced deals closed in the band, and won; ``n_reps`` : reps
          of the group;
        - ``n_unpriced``, ``n_unquoted``, ``n_undated`` : deals of the group left out for want of
          prices, because they never came to a price, and, in a window, for want of a day;
        - ``win_rate``, ``win_rate_low``, ``win_rate_high`` : ``n_won / n_deals``, in [0, 1], with
          Wilson interval; NaN without deals;
        - ``adjusted_win_rate``, ``adjusted_win_rate_low``, ``adjusted_win_rate_high`` : share
          won were all deals of the group in this band, in [0, 1]; NaN where refused;
        - ``win_effect``, ``win_effect_low``, ``win_effect_high`` : its difference from the
          reference, in [-1, 1]; 0 there; NaN where either is refused;
        - ``margin_basis`` : "margin", or "revenue" where the cost of deals won is not known;
        - ``adjusted_margin``, ``adjusted_margin_low``, ``adjusted_margin_high`` : mean of what a
          deal brings per unit of list price, were all in this band; NaN where refused;
        - ``margin_effect``, ``margin_effect_low``, ``margin_effect_high`` : its difference from
          the reference; 0 there;
        - ``effective_deals`` : equally weighted deals that the band is worth; ``unlike_share`` :
          share of the deals of the group with hardly any chance (below 0.02) of this depth,
          refused above 0.05; ``least_propensity`` : the smallest such chance; NaN without an
          estimate;
        - ``second_effect`` : the difference in the share won by another method, plain strata of
          size and first column adjusted for; NaN where there is none;
        - ``e_value``, ``e_value_limit`` : risk ratio that something unseen would need with both
          depth and outcome to explain ``win_effect`` away, and to move its interval to 0; 1 or
          more, NaN where refused;
        - ``won_priced_share``, ``lost_priced_share`` : share of the deals of the group that came
          to a price, won and lost, whose prices are known, in [0, 1]; NaN without such deals;
        - ``least_win_effect``, ``greatest_win_effect`` : ``win_effect`` had all lost deals without
          prices been of this band, and all won ones of the reference; and the reverse; 0 at the
          reference, NaN where refused;
        - ``is_implausible`` : in a band of the group the interval of ``win_effect`` lies below 0:
          a lower price does not lose deals, so weak deals got the discounts, and nothing that
          was adjusted for shows which;
        - ``grade`` : "B" adjusted, agreed on by the second method, and a hidden cause would need
          a risk ratio of 1.5; "C" adjusted; "D" implausible, or of a selected group, no effect;
          "" where there is no estimate;
        - ``caveat`` : why the deals with prices may be a selected group; empty where they are not;
        - ``reason`` : why there is no estimate; empty where there is one.

    Raises
    ------
    MissingDataError
        If prices are missing, of lost deals too, or no table holds a column named.
    InputError
        If an option is not one of those allowed, or ``by`` holds the name of a result.

    References
    ----------
    .. [1] Chernozhukov, V. et al. (2018). Double/debiased machine learning for treatment and
       structural parameters. Econometrics Journal 21, C1-C68.
    .. [2] VanderWeele, T. J. and Ding, P. (2017). Sensitivity analysis in observational
       research: introducing the E-value. Annals of Internal Medicine 167, 268-274.

    Examples
    --------
    Large deals are won half as often and get the discounts; at each size a discount wins 10
    more of 100.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> rows = [(size, off, n < won) for size, off, deals, won in [
    ...     (1000.0, 0.0, 300, 180), (1000.0, 0.1, 100, 70), (9000.0, 0.0, 100, 30),
    ...     (9000.0, 0.1, 300, 120)] for n in range(deals)]
    >>> deals = pd.DataFrame(rows, columns=["list_amount", "off", "won"])
    >>> deals["amount"] = deals["list_amount"] * (1 - deals.pop("off"))
    >>> deals["status"] = deals.pop("won").map({True: "won", False: "lost"})
    >>> deals["deal_id"] = deals.index.astype(str)
    >>> department = Department(deals=deals, as_of="2025-12-31")
    >>> table = discount_effect(department, edges=(0,))
    >>> table[["discount_to", "n_deals", "win_rate", "adjusted_win_rate"]].round(2)
       discount_to  n_deals  win_rate  adjusted_win_rate
    0          0.0      400      0.52               0.45
    1          NaN      400      0.48               0.55
    """
    share("confidence", confidence)
    keys = department.split_keys(
        by, results=[*_COLUMNS, *NAMES, "n", "rep", "size", "at_end", "band"]
    )
    limits = read_edges(edges)
    kinds = check_kinds(department, keys, adjust_for)
    cells, coverage = count_cells(
        department, keys, kinds, limits, start=start, end=end, from_stage=from_stage
    )
    names = [f"kind_{place}" for place in range(len(kinds))]
    parts: list[pd.DataFrame] = []
    for group in coverage[keys].itertuples(index=False) if keys else [()]:
        own = np.ones(len(cells), dtype=bool)
        for key, value in zip(keys, group, strict=True):
            own &= (cells[key] == value).to_numpy()
        known = coverage.iloc[[len(parts)]]
        table = _one_group(cells[own].reset_index(drop=True), names, limits, confidence, known)
        parts.append(table.assign(**dict(zip(keys, group, strict=True))))
    if not parts:
        table = _one_group(cells.iloc[:0], names, limits, confidence, coverage).iloc[:0]
        parts = [table.assign(**dict.fromkeys(keys, ""))]
    table = pd.concat(parts, ignore_index=True)
    left_out = coverage[[*keys, "n_reps", "n_unpriced", "n_unquoted", "n_undated"]]
    how = {"on": keys, "how": "left"} if keys else {"how": "cross"}
    return table.merge(left_out, **how)[[*keys, *_COLUMNS]]


def _one_group(
    cells: pd.DataFrame,
    names: list[str],
    edges: NDArray[np.float64],
    confidence: float,
    coverage: pd.DataFrame,
) -> pd.DataFrame:
    begin, stop = band_ends(edges)
    table = pd.DataFrame({"discount_from": begin, "discount_to": stop})
    table.loc[0, "discount_from"], table.loc[len(edges), "discount_to"] = np.nan, np.nan
    band = cells["band"].to_numpy()
    for name, column in (("n_deals", "n"), ("n_won", "n_won")):
        table[name] = np.bincount(band, cells[column], minlength=len(table)).astype("int64")
    low, high = wilson_interval(table["n_won"], table["n_deals"], confidence=confidence)
    add_ratio(table, "win_rate", Ratio(ratio(table["n_won"], table["n_deals"]), low, high))
    costed = cells["n_with_cost"].sum() == cells["n"].sum() and len(cells) > 0
    table["margin_basis"] = "margin" if costed else "revenue"
    for name in (*_ESTIMATES, "effective_deals", "unlike_share", "least_propensity",
                 "second_effect", "e_value", "e_value_limit", "least_win_effect",
                 "greatest_win_effect"):  # fmt: skip
        table[name] = np.nan
        if name in _ESTIMATES:
            table[f"{name}_low"] = table[f"{name}_high"] = np.nan
    table["is_implausible"], table["grade"] = False, ""
    n = coverage[COVERAGE].sum()
    for status in ("won", "lost"):
        table[f"{status}_priced_share"] = ratio(n[f"n_{status}_priced"], n[f"n_{status}"]).item()
    table["caveat"] = pd.Series(selected(coverage), index=table.index, dtype="str")
    table["reason"] = _too_few(table["n_deals"])
    refusal = why_not_told(coverage)
    if refusal:
        table["reason"] = pd.Series(refusal, index=table.index, dtype="str")
    told = np.flatnonzero(table["reason"] == "")
    base = next((one for one in told if table["n_deals"][one] >= _LEAST_REFERENCE), None)
    table["is_reference"] = np.arange(len(table)) == (-1 if base is None else base)
    if base is None or len(told) < 2:
        if not refusal:
            table.loc[told, "reason"] = "no other band with enough deals to be held against"
        table["is_reference"] = False
        return table
    used = cells[np.isin(band, told)].reset_index(drop=True)
    _estimate(table, used, names, told, costed=costed, confidence=confidence)
    _add_evidence(table, n)
    return table


def _too_few(n_deals: pd.Series) -> pd.Series:
    few = n_deals < _LEAST_DEALS
    named = n_deals.astype(str) + f" deals (at least {_LEAST_DEALS})"
    return named.where(few, "").astype("str")


def _estimate(
    table: pd.DataFrame,
    cells: pd.DataFrame,
    names: list[str],
    told: NDArray[np.intp],
    *,
    costed: bool,
    confidence: float,
) -> None:
    """Fill in what the adjusted comparison gives."""
    by_rep = cells["rep"].nunique() >= _LEAST_REPS
    money = "left" if costed else "net"

    def compare(column: str, squares: str | None, reference: list[int]) -> DoseEffects:
        return dose_effect(
            cells["band"].to_numpy(),
            _covariates(cells, names),
            cells["n"],
            cells[column],
            outcome_squares=None if squares is None else cells[squares],
            cluster=cells["rep"].to_numpy() if by_rep else None,
            reference=reference,
            confidence=confidence,
        )

    enough = [int(one) for one in told if table["n_deals"][one] >= _LEAST_REFERENCE]
    won = compare("n_won", None, enough)
    # of the first choice too few deals may have been like the others
    why = dict(zip(told.tolist(), won.reason, strict=True))
    base = next((one for one in enough if not why[one]), enough[0])
    table["is_reference"] = np.arange(len(table)) == base
    brought = compare(money, f"{money}_squares", [base])
    rate = [np.clip(one, 0, 1) for one in (won.mean, won.mean_low, won.mean_high)]
    effect = [won.effect, *(np.clip(one, -1, 1) for one in (won.low, won.high))]
    margin = [brought.mean, brought.mean_low, brought.mean_high]
    gain = [brought.effect, brought.low, brought.high]
    for name, found in zip(_ESTIMATES, (rate, effect, margin, gain), strict=True):
        for end, values in zip(("", "_low", "_high"), found, strict=True):
            table.loc[told, name + end] = values
    table.loc[told, "effective_deals"] = won.effective_n
    table.loc[told, "unlike_share"] = won.share_below
    table.loc[told, "least_propensity"] = won.least_propensity
    table.loc[told, "reason"] = won.reason
    second = _by_strata(cells, base, len(table), names)
    table["second_effect"] = np.where(table["win_effect"].notna(), second, np.nan)


def _covariates(cells: pd.DataFrame, names: list[str]) -> NDArray[np.float64]:
    """Make 0/1 columns of size and kinds, the end of the quarter, and the rep's habit.

    The rep's mean depth stands for all about the rep that goes with giving discounts, as in a
    regression with a constant for each rep; it is pulled towards the mean of all reps.
    """
    columns = [(cells["size"] == one).to_numpy(float) for one in sorted(set(cells["size"]))[1:]]
    for name in names:
        columns += [(cells[name] == one).to_numpy(float) for one in sorted(set(cells[name]))[1:]]
    columns.append(cells["at_end"].to_numpy(float))
    # in large departments neighbouring bundles share a mean, so that fewer rows differ
    habit = cells["rep"] // (3 if len(cells) > _MANY_CELLS else 1)
    sums = cells.groupby(habit)[["depth", "n"]].transform("sum")
    mean = cells["depth"].sum() / cells["n"].sum()
    columns.append(((sums["depth"] + _PULL * mean) / (sums["n"] + _PULL)).to_numpy(float))
    return np.column_stack(columns)


def _by_strata(
    cells: pd.DataFrame, base: int, n_bands: int, names: list[str]
) -> NDArray[np.float64]:
    """Give the differences in the share won by post-stratification, where both bands are."""
    stratum = cells.groupby(["size", *names[:1]], sort=True).ngroup().to_numpy()
    n, won = np.zeros((2, stratum.max() + 1, n_bands))
    np.add.at(n, (stratum, cells["band"].to_numpy()), cells["n"])
    np.add.at(won, (stratum, cells["band"].to_numpy()), cells["n_won"])
    rates = ratio(won, n)
    gap = rates - rates[:, [base]]
    weight = np.where(np.isnan(gap), 0.0, n.sum(axis=1, keepdims=True))
    return ratio(np.sum(weight * np.nan_to_num(gap), axis=0), weight.sum(axis=0))


def _add_evidence(table: pd.DataFrame, n: pd.Series) -> None:
    """Say how strong something unseen would have to be, and grade the evidence."""
    base = int(table["is_reference"].to_numpy().argmax())
    _add_reach(table, base, n)
    start = float(table["adjusted_win_rate"][base])
    ends = [table[name].to_numpy() + start for name in
            ("win_effect", "win_effect_low", "win_effect_high")]  # fmt: skip
    known = ~np.isnan(ends[0]) & (start > 0)
    if known.any():
        ratios = [np.maximum(one[known], 1e-6) / start for one in ends]
        found = e_value(*ratios)
        table.loc[known, "e_value"] = found.estimate
        table.loc[known, "e_value_limit"] = found.limit
    effect, second = table["win_effect"], table["second_effect"]
    agree = (second >= table["win_effect_low"]) & (second <= table["win_effect_high"])
    robust = agree & (np.sign(effect) == np.sign(second)) & (table["e_value_limit"] >= _STRONG)
    table["is_implausible"] = bool((table["win_effect_high"] < 0).any())
    grade = np.where(
        table["is_implausible"] | (table["caveat"] != ""), "D", np.where(robust, "B", "C")
    )
    shown = effect.notna() & ~table["is_reference"]
    table["grade"] = pd.Series(np.where(shown, grade, "")).astype("str")


def _add_reach(table: pd.DataFrame, base: int, n: pd.Series) -> None:
    """Say how far the effect could move, had the deals without prices been of one depth."""
    n_lost, n_won = (n[f"n_{one}"] - n[f"n_{one}_priced"] for one in ("lost", "won"))
    n_deals, rate = table["n_deals"], table["adjusted_win_rate"]
    lower = ratio(rate * n_deals, n_deals + n_lost)
    upper = ratio(rate * n_deals + n_won, n_deals + n_won)
    others = table["win_effect"].notna() & (table.index != base)
    for name, found in (("least_win_effect", lower - upper[base]),
                        ("greatest_win_effect", upper - lower[base])):  # fmt: skip
        moved = np.where(others, found, table["win_effect"])
        table[name] = moved
