"""`world`: a made-up department whose fault, if any, and its price are known."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from salesdiag.errors import InputError
from salesdiag.simulate import figures, tables, touchpoints
from salesdiag.simulate.blemishes import blemish
from salesdiag.simulate.causes import CAUSES, Control, Fault, as_faults
from salesdiag.simulate.doses import plant
from salesdiag.simulate.draws import Draws
from salesdiag.simulate.grid import CLOSES, OPENS, make_grid
from salesdiag.simulate.layout import make_layout
from salesdiag.simulate.names import LANGUAGES, WORDS
from salesdiag.simulate.run import make_scene, play
from salesdiag.simulate.traits import traits_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from salesdiag.simulate.doses import Planted
    from salesdiag.simulate.draws import Columns
    from salesdiag.simulate.run import Scene, Story
    from salesdiag.simulate.traits import Traits

_FEWEST, _MOST = 3, 2_000


@dataclass(frozen=True, slots=True)
class Truth:
    """What is wrong with a world, and what it costs.

    ``revenue`` and ``margin`` are what the window would have brought more without this
    fault, all else, chance included, being the same. ``money`` is what a finding should
    say: the revenue; for ``plan_too_high`` the part of the plan that is too much; NaN where
    the fault moves no money.
    """

    cause: str
    control: Control
    level: str
    ids: tuple[str, ...]  # none for the department
    stage: str | None  # the stage being left, where the fault sits at one
    since: date
    strength: float
    start: date  # the window
    end: date
    revenue: float
    margin: float
    money: float
    revenue_share: float  # of what the window would have brought


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """A made-up department.

    ``tables`` holds canonical tables by name. ``settings`` holds the keys of
    ``department.toml`` as a TOML reader gives them: name, as_of, currency, those of the
    calendar, stages, pay_plan and discount_limits. ``truth`` holds one entry a fault, none
    for a healthy world.
    """

    seed: int
    language: str
    decoys: tuple[str, ...]
    truth: tuple[Truth, ...]
    settings: dict[str, Any]
    revenue: float  # of the window
    tables: dict[str, pd.DataFrame] = field(repr=False)


def world(
    cause: str | Fault | Sequence[str | Fault] = (),
    *,
    seed: int = 0,
    reps: int = 26,
    months: int = 24,
    as_of: date | str = "2025-12-31",
    decoys: str | Sequence[str] = (),
    noise: float = 1.0,
    language: str | None = None,
) -> World:
    """Make a department with the faults that are asked for.

    The department is simulated day by day: leads come in, are handed out, answered and
    judged; deals go through the stages while reps get in touch; prices are told and lowered.
    What a fault costs is the difference to the same world without it, in which everything
    that the fault does not touch happens as it did.

    Parameters
    ----------
    cause : str, Fault or sequence of them, default ()
        What is wrong: codes of the catalogue at strength 1, or `Fault`; none for a healthy
        department.
    seed : int, default 0
        The same seed gives the same world, to the byte.
    reps : int, default 26
        Seats of sellers, 3 to 2,000; those who leave are followed by others.
    months : int, default 24
        What the data span: a multiple of three, 12 at least.
    as_of : date or str, default "2025-12-31"
        Their last day, which must end a quarter.
    decoys : str or sequence of str, default ()
        What looks like a fault and is none, see `DECOYS`.
    noise : float, default 1.0
        How untidy the data are: 0 not at all, 1 as usual, at most 3.
    language : {"en", "ru", "vi"}, optional
        Of the names. Default: drawn by the seed.

    Returns
    -------
    World

    Raises
    ------
    InputError
        If a cause or decoy is unknown, or a number is out of its range.

    Examples
    --------
    >>> made = world("stage_leak", seed=3, reps=6, months=12)
    >>> made.truth[0].cause, made.truth[0].control, made.truth[0].level
    ('stage_leak', 'direct', 'department')
    """
    wanted = as_faults(cause if isinstance(cause, str | Fault) else tuple(cause))
    baits = (decoys,) if isinstance(decoys, str) else tuple(decoys)
    last = _checked(seed, reps, months, as_of, noise, language)
    traits = traits_of(baits, [fault.cause for fault in wanted])
    usual = _usual(seed, traits, reps, months, last, language)
    scene = usual.scene
    faults = [plant(scene, fault) for fault in wanted]
    story = play(scene, faults, usual.history) if faults else usual
    truth = tuple(_truth(scene, story, usual, faults, fault) for fault in faults)
    return World(
        seed=seed,
        language=scene.layout.language,
        decoys=baits,
        truth=truth,
        settings=_settings(story),
        revenue=story.window_money()[0],
        tables=blemish(story, _tables(story), noise),
    )


@lru_cache(maxsize=2)
def _usual(
    seed: int, traits: Traits, reps: int, months: int, last: date, language: str | None
) -> Story:
    """Play a world in which nothing is wrong; kept, as several faults may be put into it."""
    draws = Draws(seed)
    tongue = language or str(draws.stream("language").choice(LANGUAGES))
    grid = make_grid(last, months, WORDS[tongue].holidays)
    layout = make_layout(draws, grid, traits, n_seats=reps, language=tongue)
    return play(make_scene(draws, grid, layout), (), None)


def _checked(
    seed: int, reps: int, months: int, as_of: date | str, noise: float, language: str | None
) -> date:
    """Refuse numbers that no department has; give the last day."""
    problem = ""
    try:
        last = as_of if isinstance(as_of, date) else date.fromisoformat(as_of)
    except ValueError:
        message = f"as_of must be a day such as 2025-12-31; got {as_of!r}."
        raise InputError(message) from None
    following = np.datetime64(last, "D") + np.timedelta64(1, "D")
    if following.astype("datetime64[M]").astype(np.int64) % 3 or str(following)[-2:] != "01":
        problem = f"as_of must be the last day of a quarter, such as 2025-12-31; got {last}."
    elif seed < 0:
        problem = f"seed must be 0 or more; got {seed}."
    elif not _FEWEST <= reps <= _MOST:
        problem = f"reps must lie from {_FEWEST} to {_MOST:,}; got {reps}."
    elif months % 3 or not 12 <= months <= 60:
        problem = f"months must be a multiple of 3 from 12 to 60; got {months}."
    elif not 0 <= noise <= 3:
        problem = f"noise must lie from 0 to 3; got {noise}."
    elif language is not None and language not in LANGUAGES:
        problem = f"language must be one of {', '.join(LANGUAGES)}; got {language!r}."
    if problem:
        raise InputError(problem)
    return last


def _truth(
    scene: Scene, story: Story, usual: Story, faults: Sequence[Planted], fault: Planted
) -> Truth:
    """Play the same scene without one fault and take the difference."""
    others = [one for one in faults if one is not fault]
    without = play(scene, others, usual.history) if others else usual
    cause, grid = CAUSES[fault.cause], scene.grid
    (revenue, margin), (more, more_margin) = story.window_money(), without.window_money()
    lost, lost_margin = more - revenue, more_margin - margin
    money = lost if cause.moves_revenue else np.nan
    if fault.cause == "plan_too_high":
        inside = slice(-4, None)
        money = float((story.plan.of_seats[inside] - without.plan.of_seats[inside]).sum())
    names = scene.layout.stages
    return Truth(
        cause=fault.cause,
        control=cause.control,
        level=fault.level,
        ids=fault.names,
        stage=names[fault.stage] if fault.stage >= 0 and fault.cause == "stage_leak" else None,
        since=fault.since_day.astype(object),
        strength=fault.strength,
        start=grid.window_day.astype(object),
        end=grid.as_of.astype(object),
        revenue=lost,
        margin=lost_margin,
        money=money,
        revenue_share=lost / more if more else np.nan,
    )


def _tables(story: Story) -> dict[str, Columns]:
    """Make the columns of all tables, without blemishes."""
    book = tables.make_book(story)
    activities = touchpoints.activities(book)
    made = {
        "deals": tables.deals(book),
        "stage_changes": tables.stage_changes(book),
        "stages": tables.stages(book),
        "activities": activities,
        "leads": touchpoints.leads(book),
        "reps": figures.reps(book),
        "targets": figures.targets(book),
        "line_items": tables.line_items(book),
        "accounts": tables.accounts(book),
        "call_scores": touchpoints.call_scores(book, activities),
        "deal_changes": tables.deal_changes(book),
        "forecasts": figures.forecasts(book),
        "source_costs": figures.source_costs(book),
        "payouts": figures.payouts(book),
        "market": figures.market(book),
    }
    if story.scene.layout.traits.foreign_share:
        made["fx_rates"] = figures.fx_rates(book)
    return made


def _settings(story: Story) -> dict[str, Any]:
    layout, grid = story.scene.layout, story.scene.grid
    return {
        "name": layout.company,
        "as_of": grid.as_of.astype(object),
        "currency": layout.words.currency,
        "time_zone": layout.words.time_zone,
        "fiscal_year_start": layout.fiscal_year_start,
        "working_days": ["mon", "tue", "wed", "thu", "fri"],
        "working_hours": [f"{OPENS:02d}:00", f"{CLOSES:02d}:00"],
        "holidays": list(grid.holidays),
        "stages": list(layout.stages),
        "pay_plan": figures.pay_plan(story),
        "discount_limits": {"rep": layout.discount_limit, "manager": 2 * layout.discount_limit},
    }
