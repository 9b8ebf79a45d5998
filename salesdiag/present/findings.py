"""`findings.json`: the diagnosis for other programs."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from salesdiag.diagnosis.finding import Diagnosis, Finding

SCHEMA_VERSION = 1


def write_findings(diagnosis: Diagnosis, path: str | Path) -> Path:
    """Write a diagnosis as JSON; a figure that is not known is null.

    Parameters
    ----------
    diagnosis : Diagnosis
    path : str or Path

    Returns
    -------
    Path
        Where it was written.
    """
    target = Path(path)
    text = json.dumps(as_plain(diagnosis), ensure_ascii=False, indent=1, allow_nan=False)
    target.write_text(text + "\n", encoding="utf-8", newline="\n")
    return target


def as_plain(diagnosis: Diagnosis) -> dict[str, Any]:
    """Give a diagnosis as plain data."""
    gap = diagnosis.gap
    return {
        "schema_version": SCHEMA_VERSION,
        "as_of": diagnosis.as_of.isoformat(),
        "currency": diagnosis.currency,
        "window": {"start": diagnosis.start.isoformat(), "end": diagnosis.end.isoformat()},
        "gap": {
            "reference": gap.reference,
            "expected": _known(gap.expected),
            "actual": _known(gap.actual),
            "gap": _known(gap.gap),
            "parts": [
                {"factor": part.name, "amount": _known(part.amount),
                 "low": _known(part.low), "high": _known(part.high)}
                for part in gap.parts
            ],
        },
        "findings": [
            _finding(rank, finding) for rank, finding in enumerate(diagnosis.findings, start=1)
        ],
        "not_examined": [
            {"analysis": one.analysis, "missing": list(one.missing), "ask_for": one.ask_for}
            for one in diagnosis.not_examined
        ],
    }  # fmt: skip


def _finding(rank: int, finding: Finding) -> dict[str, Any]:
    scope = finding.scope
    return {
        "rank": rank,
        "cause": finding.cause,
        "scope": {"level": scope.level, "id": scope.id, "stage": scope.stage},
        "control": finding.control,
        "grade": finding.grade,
        "measured": _known(finding.measured),
        "expected": _known(finding.expected),
        "n": int(finding.n),
        "q_value": _known(finding.q_value),
        "money": _known(finding.money),
        "money_low": _known(finding.money_low),
        "money_high": _known(finding.money_high),
        "money_basis": finding.money_basis,
        "reading": finding.reading,
        "caveat": finding.caveat,
        "next_step": finding.next_step,
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 6)
