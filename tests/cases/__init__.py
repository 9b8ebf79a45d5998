"""Every public analysis with options of its own and a column to split by, part by part."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from collections.abc import Callable

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


def returns_of(analysis: Callable[..., object]) -> str:
    """Read the Returns section of an analysis, without the indentation that 3.13 drops anyway."""
    doc = inspect.getdoc(analysis) or ""
    return re.search(r"Returns\n-+\n(.*?)\n\s*\n\s*Raises", doc, re.DOTALL)[1]
