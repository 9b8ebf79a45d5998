"""What the window would have brought with one factor at another level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.drivers.compare import Reference, compared_groups
from salesdiag.analyses.drivers.factors import CONTROL
from salesdiag.analyses.drivers.sums import SUMS
from salesdiag.errors import InputError
from salesdiag.stats.arguments import one_number, share, whole_number
from salesdiag.stats.resampling import drawn_interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.analyses.drivers.compare import Compared
    from salesdiag.department import Department

    Floats = NDArray[np.float64]

_COLUMNS = [
    "factor", "stage", "control", "n_deals", "n_won", "actual_value", "level_value", "is_given",
    "gain_amount", "gain_amount_low", "gain_amount_high", "actual_amount",
]  # fmt: skip


def what_if(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    reference: Reference = "last_year",
    levels: Mapping[str, float] | None = None,
    n_draws: int = 300,
    seed: int = 0,
) -> pd.DataFrame:
    """Money that a window would have brought with one factor at a level that was reached before.

    Each row moves one factor of the chain of `gap_ledger` and leaves the others as they were.
    By default it goes to what the department itself had a year before, or what the peers have,
    where that is better, so a gain is what has been reached and not what one may dream of. The
    gains of several factors together are not their sum: they multiply.

    Moving a factor that follows from others (more leads at the same conversion) may not be
    possible: this is arithmetic on the chain and no forecast.

    Parameters
    ----------
    department : Department
        As for `gap_ledger`. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``.
    start, end : date or str, optional
        First and last day (both included) of the window in which deals are **created** and
        **closed**. Default: the twelve months up to ``as_of``.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    reference : {"last_year", "peers"}, default "last_year"
        Whose level is taken where none is given.
    levels : mapping of str to float, optional
        Levels of your own by factor, such as ``{"price_realisation": 0.95}``; of one stage of
        conversion as ``"conversion:Demo"``. The others take the reference.
    n_draws, seed : int
        Draws of reps behind the intervals, and where the random numbers begin.

    Returns
    -------
    DataFrame
        One row per group and factor, in order of the chain:

        - the ``by`` columns, if any;
        - ``factor`` : its name; ``stage`` : the stage left, for ``"conversion"``, else empty;
        - ``control`` : ``"direct"``, ``"indirect"`` or ``"external"``: who can change it;
        - ``n_deals``, ``n_won`` : deals created and won in the window;
        - ``actual_value`` : the factor in the window; ``level_value`` : the level it is moved
          to, the same where the reference is no better; NaN where either is unknown;
        - ``is_given`` : whether the level was given;
        - ``gain_amount`` : money that the window would have brought more; NaN where the factor
          is unknown or 0;
        - ``gain_amount_low``, ``gain_amount_high`` : its interval, in which a level that was
          given is taken as it is; NaN with fewer than two reps;
        - ``actual_amount`` : money of the window.

    Raises
    ------
    MissingDataError
        If a column is missing, or the data do not reach back a year.
    InputError
        If a level is given for what is no factor, or is no number from 0 on.

    References
    ----------
    Marn, M. V. and Rosiello, R. L. (1992). Managing price, gaining profit. Harvard Business
    Review 70(5), 84-94.

    Examples
    --------
    Sold at 80 % of the list in 2025 and at 90 % before: at 90 % it were an eighth more.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": list("ABCD"), "status": "won", "rep_id": list("xyxy"),
    ...     "created_at": pd.to_datetime(["2024-03-01"] * 2 + ["2025-03-03"] * 2),
    ...     "closed_at": pd.to_datetime(["2024-05-01"] * 2 + ["2025-05-03"] * 2),
    ...     "amount": [90.0, 90.0, 80.0, 80.0], "list_amount": 100.0,
    ... })
    >>> table = what_if(Department(deals=deals, as_of="2025-12-31"))
    >>> table[table["factor"] == "price_realisation"][["level_value", "gain_amount"]].round(2)
       level_value  gain_amount
    5          0.9         20.0
    """
    keys = department.split_keys(by, results=[*_COLUMNS, *SUMS])
    if reference == "plan":
        message = "reference must be 'last_year' or 'peers' here: a plan tells no factors."
        raise InputError(message)
    share("confidence", confidence)
    whole_number("n_draws", n_draws)
    given = {name: one_number(f"levels: {name}", value, least=0)
             for name, value in (levels or {}).items()}  # fmt: skip
    groups = compared_groups(
        department, keys, start=start, end=end, reference=reference, n_draws=n_draws, seed=seed
    )
    parts = [
        _gains_of(one, given, confidence).assign(**dict(zip(keys, one.group, strict=True)))
        for one in groups
    ]
    columns = [*keys, *_COLUMNS]
    whole = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    kinds = dict.fromkeys(_COLUMNS[5:], "float64") | {"n_deals": "int64", "n_won": "int64"}
    return whole[columns].astype(kinds | {"is_given": "bool"})


def _gains_of(one: Compared, given: dict[str, float], confidence: float) -> pd.DataFrame:
    """Move each factor of one group to its level, the others as they were."""
    counts = dict(zip(SUMS, one.actual.sums[0], strict=True))
    amount = one.actual.sums[:, -1]
    rows = []
    factors = _named(one)
    _refuse_impossible(given, factors)
    for name, (base, actual) in factors.items():
        level = np.full(len(actual), given[name]) if name in given else np.fmax(base, actual)
        level = np.where(np.isnan(base) & (name not in given), np.nan, level)
        moved = np.where(actual > 0, actual, np.nan)
        gain = amount * (level / moved - 1)
        low, high = _interval(gain, one.n_reps, confidence)
        factor, _colon, stage = name.partition(":")
        known = (CONTROL[factor], int(counts["deals"]), int(counts["won"]), actual[0], level[0])
        rows.append((factor, stage, *known, name in given, gain[0], low, high, amount[0]))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _named(one: Compared) -> dict[str, tuple[Floats, Floats]]:
    """Give base and actual of each factor in every draw; conversion stage by stage."""
    found: dict[str, tuple[Floats, Floats]] = {}
    for name, actual in one.factors.items():
        if name != "conversion":
            found[name] = (one.base_factors[name], actual)
            continue
        for step, stage in enumerate(one.stages):
            label = f"conversion:{stage}" if stage else "conversion"
            found[label] = (one.base.rates[:, step], one.actual.rates[:, step])
    return found


def _refuse_impossible(given: dict[str, float], factors: dict[str, tuple[Floats, Floats]]) -> None:
    for name, level in given.items():
        if name.startswith("conversion") and level > 1:
            message = f"levels: {name} must be at most 1; got {level:g}."
            raise InputError(message)
    unknown = [name for name in given if name not in factors]
    if unknown:
        message = f"levels: {unknown[0]!r} is no factor here; there are {', '.join(factors)}."
        raise InputError(message)


def _interval(gain: Floats, n_reps: int, confidence: float) -> tuple[float, float]:
    known = ~np.isnan(gain)
    if not known[0] or known.mean() <= 0.9:
        return np.nan, np.nan
    low, high = drawn_interval(
        gain[known], np.array(gain[0]), n_clusters=n_reps, confidence=confidence
    )
    return float(low), float(high)
