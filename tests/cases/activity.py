"""Cases of the analyses of `salesdiag.activity`: options of their own and columns to split by."""

from __future__ import annotations

CASES: dict = {}
