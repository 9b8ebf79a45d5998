"""Cases of the analyses of `salesdiag.reps`: options of their own and columns to split by."""

from __future__ import annotations

from typing import Any

CASES: dict[Any, Any] = {}
