"""Probabilities and times of an event among rivals, with open and late cases; tests of groups.

Days are whole numbers, so there are ties. The event comes at a rate of 1 % a day, the rival
at 0.5 %; all are watched up to a last day, or each up to a day of its own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from salesdiag.stats.survival import (
    cumulative_incidence,
    event_quantile,
    gray_test,
    log_rank_test,
)
from simulations.rows import LEVELS, Tally, covered, random

EVENTS = (5, 20, 100)
RATE, RIVAL = 0.01, 0.005
HORIZON, LONGEST = 60, 150


class Watch(NamedTuple):
    """How cases are watched."""

    name: str
    some_open: bool = False
    some_late: bool = False
    rival: float = RIVAL


WATCHES = (
    Watch("nobody open"),
    Watch("many open", some_open=True),
    Watch("many open, no rivals", some_open=True, rival=0.0),
    Watch("many open, half come late", some_open=True, some_late=True),
)


class Lives(NamedTuple):
    """Cases: last day, how it ended (1 event, 2 rival, 0 open), first day, whether ever seen."""

    until: np.ndarray
    end: np.ndarray
    late: np.ndarray
    seen: np.ndarray


def lives(rng, shape, watch, *, rival=None):
    rival = watch.rival if rival is None else rival
    total = RATE + rival
    day = np.ceil(rng.exponential(1 / total, shape))
    is_event = rng.random(shape) < RATE / total
    last = np.full(shape, float(LONGEST))
    if watch.some_open:
        last = np.ceil(rng.uniform(0, LONGEST, shape))
    late = np.zeros(shape)
    if watch.some_late:
        late = np.where(rng.random(shape) < 0.5, np.ceil(rng.uniform(0, 40, shape)), 0.0)
    until = np.minimum(day, last)
    end = np.where(day <= last, np.where(is_event, 1, 2), 0)
    return Lives(until, end, late, until > late)


def n_cases(watch, events, *, until=LONGEST):
    """Give how many cases hold so many events on average, and watched ones at that."""
    pilot = lives(random("pilot", watch.name), 200_000, watch)
    return round(events / np.mean(pilot.seen & (pilot.end == 1) & (pilot.until <= until)))


def counts(found, group):
    """Lay cases out as the estimators take them; who comes late is a row of its own."""
    ends = [((found.end == kind) & found.seen).ravel().astype(float) for kind in (1, 2, 0)]
    time, group = found.until.ravel(), np.broadcast_to(group, found.until.shape).ravel()
    came = ((found.late > 0) & found.seen).ravel()
    nothing = np.zeros(came.sum())
    rows = [np.concatenate((one, nothing)) for one in ends]
    n_late = np.concatenate((np.zeros(len(time)), nothing + 1))
    time = np.concatenate((time, found.late.ravel()[came]))
    return (time, *rows), np.concatenate((group, group[came])), n_late


def incidence(rounds):
    for watch in WATCHES:
        for events in EVENTS:
            n = n_cases(watch, events, until=HORIZON)
            rng = random("incidence", watch.name, events)
            group = np.arange(rounds)[:, None]
            rows, groups, n_late = counts(lives(rng, (rounds, n), watch), group)
            total = RATE + watch.rival
            truth = RATE / total * -np.expm1(-total * HORIZON)
            setting = f"{events} events of {n}, {watch.name}"
            for interval in ("wilson", "log_log"):
                for variance in ("delta", "aalen"):
                    for level in LEVELS:
                        found = cumulative_incidence(
                            *rows, group=groups, n_late=n_late, horizon=HORIZON,
                            confidence=level, interval=interval, variance=variance,
                        )  # fmt: skip
                        name = f"cumulative_incidence ({interval}, {variance})"
                        yield covered(name, setting, level, found.low, found.high, truth)


def incidence_after(rounds):
    """Ask for those who have had neither event up to day 20."""
    watch, after = WATCHES[1], 20
    truth = RATE / (RATE + RIVAL) * -np.expm1(-(RATE + RIVAL) * (HORIZON - after))
    for events in EVENTS:
        n = 2 * n_cases(watch, events, until=HORIZON)  # about half of the events come later
        rng = random("after", events)
        group = np.arange(rounds)[:, None]
        rows, groups, _n_late = counts(lives(rng, (rounds, n), watch), group)
        for level in LEVELS:
            found = cumulative_incidence(
                *rows, group=groups, horizon=HORIZON, after=after, confidence=level
            )
            setting = f"some {events} events of {n}, {watch.name}, after day {after}"
            name = "cumulative_incidence (wilson, delta)"
            yield covered(name, setting, level, found.low, found.high, truth)


def quantile(rounds):
    """Ask for the day by which a quarter and a half had the event; an open end holds all."""
    for watch in (WATCHES[0]._replace(rival=0.0), WATCHES[2], WATCHES[3]._replace(rival=0.0)):
        for events in EVENTS:
            n = n_cases(watch, events)
            rng = random("quantile", watch.name, events)
            group = np.arange(rounds)[:, None]
            rows, groups, n_late = counts(lives(rng, (rounds, n), watch), group)
            for probability in (0.25, 0.5):
                truth = np.ceil(-np.log1p(-probability) / RATE)
                setting = f"{events} events of {n}, {watch.name}, share {probability:g}"
                for level in LEVELS:
                    found = event_quantile(
                        *rows, group=groups, n_late=n_late, probability=probability,
                        confidence=level,
                    )  # fmt: skip
                    high = np.where(np.isnan(found.high), np.inf, found.high)
                    yield covered("event_quantile", setting, level, found.low, high, truth)


def tests(rounds):
    """Compare groups that are alike, also where one is watched for less long."""
    for n_groups in (2, 4):
        for watch in (WATCHES[0], WATCHES[1], None, WATCHES[3]):
            for events in EVENTS:
                yield from _tests(rounds, n_groups, watch, events)


def _tests(rounds, n_groups, watch, events):
    rng = random("tests", n_groups, watch, events)
    name = "many open in the first group only" if watch is None else watch.name
    watches = [watch or WATCHES[int(one == 0)] for one in range(n_groups)]
    sizes = [n_cases(one, events) for one in watches]
    drawn = [
        lives(rng, (rounds, n), one) for n, one in zip(sizes, watches, strict=True)
    ]  # fmt: skip
    together = Lives(*(np.concatenate(columns, axis=1) for columns in zip(*drawn, strict=True)))
    group = np.repeat(np.arange(n_groups), sizes)
    tally = Tally()
    for one in range(rounds):
        rows, groups, n_late = counts(Lives(*(column[one] for column in together)), group)
        if watch is None or not watch.some_late:
            tally.test("gray_test", gray_test(*rows, group=groups).p_value)
        found = log_rank_test(*rows, group=groups, n_late=n_late)
        tally.test("log_rank_test", found.p_value)
    for figure in tally.figures("", f"{n_groups} groups of {events} events, {name}"):
        yield figure._replace(estimator=figure.estimator.removeprefix(": "))


def tests_unlike_rivals(rounds):
    """The log-rank test asks for speed only: rivals twice as fast in one group change nothing."""
    for n_groups in (2, 4):
        for events in EVENTS:
            rng = random("unlike", n_groups, events)
            n = n_cases(WATCHES[1], events)
            parts = [
                lives(rng, (rounds, n), WATCHES[1], rival=RIVAL * (2 if one == 0 else 1))
                for one in range(n_groups)
            ]
            together = Lives(*(np.concatenate(one, axis=1) for one in zip(*parts, strict=True)))
            group, tally = np.repeat(np.arange(n_groups), n), Tally()
            for one in range(rounds):
                rows, groups, _late = counts(Lives(*(each[one] for each in together)), group)
                tally.test("", log_rank_test(*rows, group=groups).p_value)
            setting = f"{n_groups} groups of {events} events, rivals twice as fast in the first"
            yield from tally.figures("log_rank_test", setting)


TOPICS = {
    "survival-incidence": (incidence, 1),
    "survival-after": (incidence_after, 1),
    "survival-quantile": (quantile, 1),
    "survival-tests": (tests, 1),
    "survival-unlike-rivals": (tests_unlike_rivals, 1),
}
