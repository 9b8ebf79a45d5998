"""Every public analysis with options of its own and a column to split by, part by part."""

from __future__ import annotations

from tests.cases import (
    activity,
    discount,
    drivers,
    funnel,
    hygiene,
    leads,
    pipeline,
    plan,
    reps,
)

CASES = (
    funnel.CASES
    | activity.CASES
    | plan.CASES
    | discount.CASES
    | drivers.CASES
    | reps.CASES
    | leads.CASES
    | pipeline.CASES
    | hygiene.CASES
)
