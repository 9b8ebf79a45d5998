"""Targets do not follow what each rep has to sell."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from salesdiag.analyses.plan.fairness import error_of_fair
from salesdiag.diagnosis.suspects import Suspect

if TYPE_CHECKING:
    import pandas as pd

    from salesdiag.diagnosis.view import View

_ASKED, _REACHED = "target on deals opened", "attainment on deals opened"
_RESULT = "result on target"
_READ = ["estimate", "estimate_low", "estimate_high", "reference", "n_independent", "n_targets"]
_SMALLEST = 0.85  # of how targets would rise with the deals, at most
_DIFFER = 0.5  # of what reps differ in, that must be more than luck
# chance in results and in what is known of territories keeps the slope of fair targets below 1
_FAIR = 0.7
_ALIKE = 0.5  # correlation of the two tests on deals opened, at most
_SHOWN = 0.95  # level of the intervals in the table
_LOOKS = 2  # at the deals opened, and at the results


def detect(view: View) -> list[Suspect]:
    """Test whether targets rise with the deals that reps open, and results with targets.

    Potential as recorded is not the judge: it is measured with error, so that fair targets
    hardly follow it either. Of the deals opened there are many, and where targets follow them,
    who opens many reaches no more of the target than who opens few.
    """
    table = view.fairness()
    if table is None or _ASKED not in table.index:
        return []
    asked, reached = _test(table, _ASKED), _test(table, _REACHED)
    if asked is None or reached is None or asked.fair < _DIFFER:
        return []
    if asked.estimate > _SMALLEST * asked.fair:
        return []
    # what is fair is itself an estimate, from as many reps
    unsure = error_of_fair(asked.fair, asked.degrees + 1)
    # the fewer of the two are asked of those with much to sell, the more they reach
    both = (reached.beyond(unsure) - asked.beyond(unsure)) / np.sqrt(2 + 2 * _ALIKE)
    p_values = [float(special.stdtr(asked.degrees, -both))]
    result = _test(table, _RESULT)
    if result is not None:
        beyond = result._replace(fair=_FAIR).beyond()
        p_values.append(float(special.stdtr(result.degrees, beyond)))
    return [Suspect(
        "plan_misallocated", "department", (), float(2**asked.estimate), float(2**asked.fair),
        asked.n_targets, min(1.0, _LOOKS * min(p_values)), "plan", np.nan, np.nan, np.nan,
        has_driver=True, table=table.reset_index(),
    )]  # fmt: skip


class _Test(NamedTuple):
    estimate: float
    fair: float
    error: float
    degrees: int  # of freedom
    n_targets: int

    def beyond(self, unsure: float = 0.0) -> float:
        """How many errors lie between the estimate and what is fair, which may be unsure too."""
        return (self.estimate - self.fair) / float(np.hypot(self.error, unsure))


def _test(table: pd.DataFrame, name: str) -> _Test | None:
    """Read a test off the table, or None where it was not told."""
    row = dict(zip(_READ, table.loc[[name], _READ].to_numpy(float)[0].tolist(), strict=True))
    degrees = max(int(row["n_independent"]) - 1, 1)
    reach = (row["estimate_high"] - row["estimate_low"]) / 2
    if not reach > 0:  # untold, or an exact fit that leaves nothing to judge by
        return None
    error = reach / float(special.stdtrit(degrees, 0.5 + _SHOWN / 2))
    return _Test(row["estimate"], row["reference"], error, degrees, int(row["n_targets"]))
