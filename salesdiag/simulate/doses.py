"""Where a fault sits and how much of it each deal and each rep gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from salesdiag.errors import InputError
from salesdiag.simulate.causes import Fault, find_cause, near_miss
from salesdiag.simulate.layout import NEVER

if TYPE_CHECKING:
    from salesdiag.simulate.demand import Accounts, Demand
    from salesdiag.simulate.draws import Flags, Floats, Ints
    from salesdiag.simulate.layout import Layout
    from salesdiag.simulate.run import Scene

_KEY_PART = 0.6  # of the business of the largest customers, that goes with a few of them
_WHOLE = 0.25  # strength from which a lost customer is lost altogether
_USUAL_TEAMS, _MOST_FOR_A_TEAM, _NEARLY_ALL = 3.5, 1.3, 0.95
REP_SHARE = 0.2  # of the seats, where a fault sits with single reps


@dataclass(frozen=True, slots=True, eq=False)
class Planted:
    """A fault in its place."""

    cause: str
    strength: float
    dose: float
    level: str
    places: Ints  # which teams, sources, reps, ...; none for the department
    names: tuple[str, ...]
    since: int  # working day of the grid
    since_day: np.datetime64
    stage: int  # the stage being left, or -1


@dataclass(frozen=True, slots=True, eq=False)
class Doses:
    """All faults of a world, asked by the process where they act."""

    layout: Layout
    demand: Demand
    faults: dict[str, Planted]
    n_key: int  # so many customers are the largest

    def has(self, cause: str) -> bool:
        """Tell whether the fault is there at all."""
        return cause in self.faults

    def of_entries(self, cause: str) -> Floats:
        """Give each entry its dose, from the first day of the fault on."""
        fault, demand = self.faults[cause], self.demand
        late = demand.clock >= fault.since
        return np.where(late & self.among_entries(cause), fault.dose, 0.0)

    def among_entries(self, cause: str) -> Flags:
        """Tell which entries the fault concerns at any time."""
        fault, demand = self.faults[cause], self.demand
        value = {
            "team": self.layout.team_of_place[demand.place],
            "territory": demand.place,
            "source": demand.source,
            "segment": demand.segment,
            "product": demand.product[:, 0],
            "account": demand.account,
        }.get(fault.level)
        if value is None:
            return np.ones(demand.n, dtype=bool)
        found: Flags = np.isin(value, fault.places)
        return found

    def of_people(self, cause: str) -> Floats:
        """Give each rep a dose, whenever it begins."""
        fault, staff = self.faults[cause], self.layout.staff
        if fault.level == "rep":
            concerned = np.isin(np.arange(len(staff.seat)), fault.places)
        elif fault.level == "team":
            concerned = np.isin(self.layout.team_of_seat[staff.seat], fault.places)
        else:
            concerned = np.ones(len(staff.seat), dtype=bool)
        return np.where(concerned, fault.dose, 0.0)

    def since(self, cause: str) -> int:
        """Give the first working day of the fault."""
        return self.faults[cause].since


def plant(scene: Scene, fault: Fault) -> Planted:
    """Put a fault where it was asked for, or where the seed says."""
    grid, layout, accounts = scene.grid, scene.layout, scene.accounts
    cause = find_cause(fault.cause)
    level = fault.level or next(iter(cause.doses))
    rng = scene.draws.stream(f"scope of {fault.cause}")
    known = _names(layout, accounts, level)
    if fault.id is None:
        places = _choose(rng, scene, level, fault.strength)
    else:
        places = np.array([_place(one.strip(), known, level) for one in fault.id.split(",")])
    day = grid.window_day if cause.has_before else grid.first_day
    if fault.since is not None:
        day = np.datetime64(str(fault.since), "D")
    begins = 0 if fault.since is None and not cause.has_before else grid.index_of(day)
    stage = -1
    if fault.cause == "stage_leak":
        stage = int(rng.integers(1, len(layout.stages)))
        if fault.stage is not None:
            stage = _place(fault.stage, list(layout.stages), "stage")
    elif fault.cause == "delivery_losses":
        stage = len(layout.stages) - 1
    return Planted(
        cause=fault.cause,
        strength=fault.strength,
        dose=_dose(cause.doses[level], fault, level, layout.n_teams),
        level=level,
        places=places,
        names=tuple(known[place] for place in places),
        since=begins,
        since_day=day,
        stage=stage,
    )


def _dose(full: float, fault: Fault, level: str, n_teams: int) -> float:
    """Give the dose of a fault where it sits: one team of few weighs more than one of many."""
    if level == "account" and fault.id is None:
        return min(fault.strength / _WHOLE, 1.0)
    dose = full * fault.strength
    if level != "team":
        return dose
    dose *= min(n_teams / _USUAL_TEAMS, _MOST_FOR_A_TEAM)
    return min(dose, _NEARLY_ALL) if full < 1 else dose


def rep_ids(n: int) -> tuple[str, ...]:
    """Make ids for so many reps."""
    width = max(2, len(str(n)))
    return tuple(f"R{number:0{width}d}" for number in range(1, n + 1))


def account_ids(accounts: Accounts) -> list[str]:
    """Make the ids of the customers."""
    width = len(str(len(accounts.number)))
    return [f"C{number:0{width}d}" for number in accounts.number.tolist()]


def _names(layout: Layout, accounts: Accounts, level: str) -> list[str]:
    if level == "account":
        return account_ids(accounts)
    names: dict[str, tuple[str, ...]] = {
        "department": (),
        "team": layout.teams,
        "rep": rep_ids(len(layout.staff.seat)),
        "source": layout.sources,
        "segment": layout.words.segments,
        "product": layout.products,
        "territory": layout.places,
    }
    return list(names[level])


def _place(name: str, known: list[str], level: str) -> int:
    if name in known:
        return known.index(name)
    shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
    message = f"there is no {level} {name!r} in this world; there are {shown}."
    raise InputError(message + near_miss(name, dict.fromkeys(known)))


def _choose(rng: np.random.Generator, scene: Scene, level: str, strength: float) -> Ints:
    """Choose where a fault sits; the largest source, and so many reps that it is felt.

    Of customers a weaker fault concerns fewer, not each a little.
    """
    layout, grid, accounts = scene.layout, scene.grid, scene.accounts
    if level == "rep":
        staff = layout.staff
        steady = (staff.hired < grid.start) & (staff.left == NEVER)
        steady &= layout.share_of_seat[staff.seat] > 0.5
        n_reps = max(1, round(REP_SHARE * layout.n_seats))
        fit = np.nonzero(steady)[0]
        fit = fit if len(fit) else np.arange(len(staff.seat))
        return np.sort(rng.permutation(fit)[:n_reps])
    if level == "account":
        worth = accounts.size[: accounts.n_key]
        order = np.argsort(rng.random(accounts.n_key))
        enough = np.searchsorted(np.cumsum(worth[order]), _KEY_PART * strength * worth.sum()) + 1
        return np.sort(order[:enough])
    several = {
        "department": 0,
        "team": layout.n_teams,
        "source": 1,
        "segment": 3,
        "product": len(layout.products) - layout.traits.new_product,
        "territory": len(layout.team_of_place),
    }[level]
    first = int(level == "segment")  # the smallest customers weigh too little
    return rng.integers(first, several, 1) if several else np.zeros(0, dtype=np.int64)
