"""The money of one diagnosis: what was won where, what is at stake, and what was planned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses import plan
from salesdiag.diagnosis.cells import Cells
from salesdiag.diagnosis.plan_periods import complete_periods
from salesdiag.diagnosis.price import Stakes
from salesdiag.diagnosis.suspects import error_of
from salesdiag.engine import fetch
from salesdiag.reductions.actuals import PERIOD, daily_actuals, sum_inside
from salesdiag.reductions.yearly import LEVELS

if TYPE_CHECKING:
    from salesdiag.diagnosis.contrasts import Change
    from salesdiag.diagnosis.finding import Level

_DAYS_A_MONTH = 365.25 / 12
_HALF_LOST = -0.7  # as a logarithm
_COSTED = 0.9  # of the money won, that must carry its cost for margins to be told
_FEWEST_PAST = 50  # deals of the base without which there is no past to compare with
_FEWEST_MONTHS = 10
_COVERED = 0.25  # of the window's usual month, for a month of the base to be in the data


class Money(Cells):
    """What the cells say of money and people."""

    def has_past(self) -> bool:
        """Tell whether the year before the window is in the data."""
        asked = list(self.asked)
        cells = self.created
        self.asked = asked  # whether there is a past is no question of the detector
        if cells is None or not len(cells) or self.years.base_end >= self.years.start:
            return False
        months = cells.groupby(["side", "month"])["n_deals"].sum()
        base = months.get("base", months.iloc[:0])
        usual = months.get("now", base).median() if len(months) else 0.0
        # the first months of an export hold what was still open then, and little else
        covered = int((base >= _COVERED * usual).sum())
        return bool(base.sum() >= _FEWEST_PAST and covered >= _FEWEST_MONTHS)

    def n_months(self) -> float:
        """How many months the window has."""
        days = (self.years.end - self.years.start).days + 1
        return max(days / _DAYS_A_MONTH, 1.0)

    def revenue(self, place: Change, *, of: str = "amount", side: str = "now") -> float:
        """Give the money won in the window at a place, all or a part of it; or the year before."""
        return self.revenue_at(place.level, place.ids, of=of, side=side)

    def exposed(self, place: Change, harm: float, *, of: str = "amount") -> float:
        """Give the money that went through a place; what it was before where little is left.

        The more a fault takes the less there is to tell it by: from half lost on, the year
        before is asked too, less what was lost.
        """
        now = self.revenue(place, of=of)
        if harm > _HALF_LOST:
            return now
        before = self.revenue(place, of=of, side="base")
        return max(now, before * float(np.exp(harm)))

    def revenue_at(
        self, level: Level = "department", ids: tuple[str, ...] = (), *, of: str = "amount",
        side: str = "now",
    ) -> float:  # fmt: skip
        """Give the money won in the window by the department, or by some of its groups."""
        return _at(self.money, level, ids, of, side)

    def revenue_of_step(self, number: int, place: Change) -> float:
        """Give the money won in the window by deals that reached a step inside it."""
        cells = self.step_money
        own = None if cells is None else cells[cells["step"] == number]
        return _at(own, place.level, place.ids, "amount")

    def base_revenue(self) -> float:
        """Give the money won in the year before."""
        cells = self.money
        return np.nan if cells is None else float(cells["amount"][cells["side"] == "base"].sum())

    def revenue_per_win(self) -> float:
        """Give the mean amount of a deal won in the window."""
        cells = self.won
        if cells is None:
            return np.nan
        sums = cells[cells["side"] == "now"][["amount", "n_won"]].sum()
        return float(sums["amount"] / max(sums["n_won"], 1.0))

    def stakes(self) -> Stakes:
        """Give what the window brought, and what is kept of it where nearly all costs are known."""
        won, money = self.won, self.money
        if won is None or money is None:
            return Stakes()
        amounts = won.loc[won["side"] == "now", ["amount", "amount_squares"]].sum()
        sums = money.loc[money["side"] == "now", ["amount", "costed", "cost"]].sum()
        known = sums["costed"] >= _COSTED * sums["amount"] > 0
        return Stakes(
            self.revenue_at(),
            float(amounts["amount_squares"] / max(amounts["amount"], 1e-9)),
            float(1 - sums["cost"] / sums["costed"]) if known else np.nan,
        )

    def price_change(self, place: Change) -> float:
        """Change of what is kept of the list value of deals won, as a logarithm; NaN if untold.

        By value: a deep discount on a large deal costs more than many on small ones.
        """
        sums = [
            [_at(self.won, place.level, place.ids, name, side) for side in ("now", "base")]
            for name in ("amount", "list_amount")
        ]
        if not np.min(sums) > 0:  # NaN neither
            return np.nan
        (now, base), (now_list, base_list) = sums
        return float(np.log(now / now_list) - np.log(base / base_list))

    def effort_per_day(self, place: Change) -> float | None:
        """Change of the activities on deals for each selling day of a place, as a logarithm."""
        if self.effort is None or self.days is None:
            return None
        sums = {}
        for side in ("base", "now"):
            own = [cells[cells["side"] == side] for cells in (self.effort, self.days)]
            if place.level in LEVELS:
                column = LEVELS[place.level]
                if any(column not in one for one in own):
                    return None
                own = [one[one[column].isin(place.ids)] for one in own]
            sums[side] = own[0]["n_all"].sum() / max(own[1]["n_selling_days"].sum(), 1.0)
        if not min(sums.values()) > 0:
            return None
        return float(np.log(sums["now"] / sums["base"]))

    def names(self) -> dict[str, str]:
        """Give the names of reps by id, and of the large accounts."""
        found: dict[str, str] = {}
        for table, ids, name in (("reps", "rep_id", "rep_name"),
                                 ("accounts", "account_id", "account_name")):  # fmt: skip
            if not self.department.has(table, name):
                continue
            rows = self.department.table(table)
            if table == "accounts":
                large = [] if self.accounts is None else list(self.accounts["account_id"])
                rows = rows.filter(rows[ids].isin(large))
            named = rows.filter(rows[name].notnull() & rows[ids].notnull())
            frame = fetch(named.select(ids, name).distinct())
            found |= dict(sorted(zip(frame[ids], frame[name], strict=True)))
        return found

    def reps_of(self, level: str, ids: tuple[str, ...]) -> frozenset[str]:
        """Name the reps of teams or territories; of reps themselves."""
        cells = self.created
        column = LEVELS.get(level, "")  # type: ignore[call-overload]
        if level == "rep" or cells is None or column not in cells or "rep_id" not in cells:
            return frozenset(ids)
        return frozenset(cells.loc[cells[column].isin(ids), "rep_id"])

    # --- the plan ------------------------------------------------------------------------

    def fairness(self) -> pd.DataFrame | None:
        """Give the tests of the targets, by name."""
        return self.once("fairness", self._fairness)

    def _fairness(self) -> pd.DataFrame:
        self.department.require(deals=["created_at"])  # the deals opened are what is asked about
        return plan.target_fairness(self.department).set_index("test")

    def plan_table(self) -> pd.DataFrame:
        """Attainment period by period."""
        table = self.once("attainment", lambda: plan.target_attainment(self.department))
        return pd.DataFrame() if table is None else table

    def plan(self) -> dict[str, float] | None:
        """Sum of the plan of the window, what came, and who reached it."""
        table = self.plan_table()
        if not len(table):
            return None
        rows = complete_periods(table, self.years.start, self.years.end)
        if not len(rows):
            return None
        reps = float(rows["n_reps"].sum())
        width = error_of(rows["attainment_low"], rows["attainment_high"]) * rows["target"]
        actual = float(rows["actual"].sum())
        return {
            "target": float(rows["target"].sum()), "actual": actual, "n_reps": reps,
            "participation": float(rows["n_reps_met"].sum() / reps) if reps else 0.0,
            "error": float(np.sqrt((width**2).sum()) / max(actual, 1.0)),
            "before": self._year_before(rows),
        }  # fmt: skip

    def _year_before(self, periods: pd.DataFrame) -> float:
        """Give the money won in the same periods a year before."""
        year = pd.DateOffset(years=1)
        past = pd.DataFrame({one: periods[one] - year for one in PERIOD})
        daily = self.once("daily revenue", lambda: daily_actuals(self.department, "revenue", []))
        if daily is None:
            return np.nan
        sums = past.merge(sum_inside(daily, past, []), how="left")
        return float(sums["actual"].fillna(0.0).sum())


def _at(
    cells: pd.DataFrame | None, level: Level, ids: tuple[str, ...], column: str, side: str = "now"
) -> float:
    if cells is None:
        return np.nan
    rows = cells[cells["side"] == side]
    if level in LEVELS:
        if LEVELS[level] not in rows:
            return np.nan
        rows = rows[rows[LEVELS[level]].isin(ids)]
    return float(rows[column].sum())
