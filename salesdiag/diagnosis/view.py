"""What the detectors look at: each comparison with the year before, made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.diagnosis.contrasts import Changes, changes
from salesdiag.diagnosis.estimates import Link, at_usual_mix, within_strata
from salesdiag.diagnosis.money import Money
from salesdiag.periods import add_months
from salesdiag.reductions.yearly import LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable

    from salesdiag.diagnosis.contrasts import Worse
    from salesdiag.diagnosis.estimates import Kind

_MIX = ("source", "segment")  # what makes a case hard or easy
_DAYS_A_MONTH = 365.25 / 12
_FEWEST_INDEX = 4  # months or quarters of the year that the index has in both
# a number of leads or deals of one rep says who was there, not what was wrong
_COUNTED = ("department", "team", "territory", "source", "segment", "product")


class View(Money):
    """The comparisons of one diagnosis."""

    def change(
        self,
        name: str,
        make: Callable[[], list[Link] | None],
        *,
        worse: Worse,
        levels: tuple[str, ...] = tuple(LEVELS),
        spread: float = 1.0,
    ) -> Changes:
        """Give the places of a change, the likeliest first; none where it cannot be told."""

        def found() -> Changes:
            chain = make() if self.has_past() else None
            wanted = {column: level for level, column in LEVELS.items() if level in levels}
            return changes(chain, wanted, worse=worse, spread=spread) if chain else Changes()

        return self.once(f"change {name} {worse}", found) or Changes()

    def lead_count(self) -> Changes:
        """Leads that came in."""
        return self.change(
            "lead count", lambda: _links(self.leads, "n_leads", None, "total"),
            worse="down", levels=_COUNTED,
        )  # fmt: skip

    def lead_conversion(self) -> Changes:
        """Share of the leads that became a deal."""
        return self.change(
            "lead conversion", lambda: _at_mix(self.leads, "n_deals", "n_settled"),
            worse="down",
        )  # fmt: skip

    def untouched(self) -> Changes:
        """Share of the leads that nobody contacted."""
        return self.change(
            "untouched", lambda: _links(self.leads, "n_untouched", "n_settled", "share"),
            worse="up",
        )  # fmt: skip

    def delay(self) -> Changes:
        """Hours until the first answer, typically."""
        return self.change(
            "delay",
            lambda: _links(self.leads, "log_hours", "n_answered", "log", "log_squares"),
            worse="up",
        )  # fmt: skip

    def pipeline(self) -> Changes:
        """Conversion from the first stage to the win: all steps together."""
        return self.change("pipeline", self._all_steps, worse="down")

    def step(self, number: int) -> Changes:
        """Conversion of one step."""
        return self.change(f"step {number}", lambda: self._step(number), worse="down")

    def skips(self) -> Changes:
        """Share of the stages that deals left out."""
        return self.change(
            "skips", lambda: _links(self.steps, "n_skipped", "n_here", "share"), worse="up"
        )

    def size(self) -> Changes:
        """List value of a deal, products and segments held equal."""

        def chain() -> list[Link] | None:
            links = _links(self.sizes, "log_list", "n_decided", "log", "log_list_squares")
            if not links:
                return None
            cells = links[0].cells
            strata = [one for one in ("segment", "product") if one in cells]
            return [Link(within_strata(cells, strata), "log")]

        return self.change("size", chain, worse="down")

    def depth(self) -> Changes:
        """Discount of a deal won."""
        return self.change(
            "depth", lambda: _links(self.won, "depth", "n_won", "mean", "depth_squares"),
            worse="up",
        )  # fmt: skip

    def dead_effort(self) -> Changes:
        """Share of the activities that goes to closed or dead deals."""
        return self.change(
            "dead effort",
            lambda: _links(self._late_effort(), "n_dead", "n_all", "share"),
            worse="up",
        )

    def _late_effort(self) -> pd.DataFrame | None:
        """Give the activities of the months in which the first year can hold old deals."""
        cells = self.effort
        return (
            None if cells is None else cells[cells["month"] * _DAYS_A_MONTH >= self.winnable_days]
        )

    def lead_to_win(self) -> Changes:
        """Share of the leads that become a deal, times the share of those that is won."""
        return self.change("lead to win", self._lead_chain, worse="down")

    def stage_names(self) -> list[str]:
        """Name the open stages in selling order."""
        ladder = self.once("ladder", self.department.ladder)
        return [] if ladder is None else [str(one) for one in ladder["stage"]]

    def n_steps(self) -> int:
        """How many steps the funnel has; 0 without a history."""
        return 0 if self.steps is None or not len(self.steps) else int(self.steps["step"].max()) + 1

    def _step(self, number: int) -> list[Link] | None:
        if self.steps is None:
            return None
        return _at_mix(self.steps[self.steps["step"] == number], "n_on", "n_here")

    def _all_steps(self) -> list[Link] | None:
        if not self.n_steps():
            return None
        return [link for number in range(self.n_steps()) for link in self._step(number) or []]

    def _lead_chain(self) -> list[Link] | None:
        first = _at_mix(self.leads, "n_deals", "n_settled")
        rest = self._all_steps()
        return [*first, *rest] if first and rest else first

    def demand(self) -> Changes:
        """Leads and deals that came in without one."""
        return self.change("demand", self._all_demand, worse="down", levels=_COUNTED)

    def stale(self) -> Changes:
        """Share of the open deals past winning."""
        return self.change(
            "stale", lambda: _links(self.at_quarter_ends(), "n_old", "n_open", "share"), worse="up"
        )

    def at_quarter_ends(self) -> pd.DataFrame | None:
        """Give the deals open at the quarters' ends of both years, once the first can hold any."""
        cells = self.open
        if cells is None or pd.isna(self.first_day):
            return None
        reach = pd.Timedelta(days=self.winnable_days + self.looked_at)
        ends = [pd.Timestamp(add_months(self.years.base_start, month + 1)) for month in range(12)]
        full = [month for month, end in enumerate(ends)
                if month % 3 == 2 and end - reach >= self.first_day]  # fmt: skip
        return cells[cells["month"].isin(full)]

    def effort_per_deal(self) -> Changes:
        """Activities on live deals for each that stood open."""
        return self.change("effort", self._effort_chain, worse="down")

    def pulled_over(self) -> Changes:
        """Share of the wins about a quarter's end that fall before it."""
        return self.change("pulled over", self._about_the_end, worse="up")

    def late_depth(self) -> Changes:
        """Discount of deals won in the last days of a quarter."""
        return self.change("late depth", lambda: self._depth_of("end"), worse="up")

    def early_depth(self) -> Changes:
        """Discount of deals won at other times."""
        return self.change("early depth", lambda: self._depth_of("rest"), worse="up")

    def repeat_orders(self, without: tuple[str, ...] = ()) -> Changes:
        """Deals that known customers open, a customer and year."""

        def chain() -> list[Link] | None:
            cells = self.orders(without)
            if cells is None or not cells["n_orders"].sum():
                return None
            each = cells.groupby("lag")[["n_orders", "n_at_risk"]].transform("sum")
            due = cells["n_at_risk"] * each["n_orders"] / each["n_at_risk"]
            years = cells["n_at_risk"].sum() / due.sum() / 12
            return [Link(cells.assign(part=cells["n_orders"], whole=due * years), "count")]

        counts = self.orders_each(without)
        return self.change(f"repeat orders {without}", chain, worse="down", spread=counts or 1.0)

    def entry_kinds(self) -> list[tuple[str, str]]:
        """Name the tables and kinds of entries that can look made up."""
        if self.entries is None:
            return []
        pairs = self.entries[["table", "kind"]].drop_duplicates()
        return [(str(table), str(kind)) for table, kind in pairs.itertuples(index=False)]

    def suspect_entries(self, table: str, kind: str) -> Changes:
        """Share of the entries of a table that look made up in one way."""

        def chain() -> list[Link] | None:
            cells = self.entries
            if cells is None:
                return None
            own = cells[(cells["table"] == table) & (cells["kind"] == kind)]
            return _links(own, "n_suspect", "n_examined", "difference")

        return self.change(f"entries {table} {kind}", chain, worse="up")

    def market_change(self) -> tuple[float, float, int] | None:
        """Change of the market index as a logarithm, its error by how months differ, their number.

        None without an index of both years.
        """
        if not self.department.has("market", "index", "period_start"):
            return None
        index = self.department.fetch("market")
        index = index[index["index"] > 0].assign(day=pd.to_datetime(index["period_start"]))
        spans = ((self.years.base_start, self.years.base_end), (self.years.start, self.years.end))
        sides = []
        for first, last in spans:
            rows = index[
                (index["day"] >= pd.Timestamp(first)) & (index["day"] <= pd.Timestamp(last))
            ]
            sides.append(np.log(rows.groupby(rows["day"].dt.month)["index"].mean()))
        months = (sides[1] - sides[0]).dropna().to_numpy(float)
        if len(months) < _FEWEST_INDEX:
            return None
        error = float(months.std(ddof=1) / np.sqrt(len(months)))
        return float(months.mean()), error, len(months)

    def _all_demand(self) -> list[Link] | None:
        if self.leads is None or self.created is None:
            return _links(self.created, "n_deals", None, "total")
        own = self.created.assign(came=self.created["n_unled"])
        led = self.leads.assign(came=self.leads["n_leads"])
        both = [one for one in own if one in led]
        return _links(pd.concat([own[both], led[both]]), "came", None, "total")

    def _effort_chain(self) -> list[Link] | None:
        if self.effort is None or self.open is None:
            return None
        keys = [one for one in ("side", "month", "team", "territory", "rep_id")
                if one in self.effort and one in self.open]  # fmt: skip
        live = self.effort.assign(part=self.effort["n_all"] - self.effort["n_dead"], whole=0.0)
        there = self.open.assign(part=0.0, whole=self.open["n_open"] - self.open["n_old"])
        both = pd.concat([live, there])[[*keys, "part", "whole"]]
        return [Link(both.groupby(keys, as_index=False)[["part", "whole"]].sum(), "count")]

    def _about_the_end(self) -> list[Link] | None:
        if self.periods is None:
            return None
        about = self.periods[self.periods["phase"].isin(["start", "end"])]
        before = about["n_won"].where(about["phase"] == "end", 0.0)
        return _links(about.assign(before=before), "before", "n_won", "share")

    def _depth_of(self, phase: str) -> list[Link] | None:
        if self.periods is None:
            return None
        rows = self.periods[(self.periods["phase"] == "end") == (phase == "end")]
        return _links(rows, "depth", "n_won", "mean", "depth_squares")


def _links(
    cells: pd.DataFrame | None,
    part: str,
    whole: str | None,
    kind: Kind,
    squares: str | None = None,
) -> list[Link] | None:
    if cells is None or not len(cells):
        return None
    named = cells.assign(part=cells[part], whole=cells[whole] if whole else 0.0)
    return [Link(named.assign(squares=cells[squares]) if squares else named, kind)]


def _at_mix(cells: pd.DataFrame | None, part: str, whole: str) -> list[Link] | None:
    """Give a share with the harder and the easier cases at their usual weight."""
    links = _links(cells, part, whole, "share")
    if not links:
        return None
    own = links[0].cells
    return [Link(at_usual_mix(own, [one for one in _MIX if one in own]), "share")]
