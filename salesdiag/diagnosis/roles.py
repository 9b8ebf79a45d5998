"""What the scorecard's units do in the department: who is no seller is no weak seller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesdiag.analyses import reps
from salesdiag.errors import InputError, MissingDataError

if TYPE_CHECKING:
    import pandas as pd

    from salesdiag.department import Department

NOT_SELLING = ("fed", "dustbin", "caller")
_METRICS = ["win_rate", "activities_per_day", "worked_deals"]


def with_roles(card: pd.DataFrame, department: Department) -> pd.DataFrame:
    """Give a scorecard of reps the roles that all of the data tell.

    A window leaves out deals without a day of closing, and with them what somebody does.
    """

    def make() -> pd.DataFrame:
        for metrics in (_METRICS, _METRICS[:2]):
            try:
                found: pd.DataFrame = reps.rep_scorecard(department, metrics=metrics)
            except (MissingDataError, InputError):
                continue
            return found[["unit_id", "role_reading"]]
        return card[["unit_id", "role_reading"]]

    roles = department.remember("roles of reps", make).drop_duplicates("unit_id")
    told = card["unit_id"].map(roles.set_index("unit_id")["role_reading"])
    return card.assign(role_reading=told.fillna("unclear"))
