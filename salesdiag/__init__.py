"""Diagnose an underperforming sales department from its CRM exports.

The flow::

    raw exports --intake--> Department --analyses--> tidy tables --diagnosis--> findings
                                                                 --present--> HTML, Excel, JSON

- `load` reads a folder, a workbook or a database into a `Department`;
- `check` lists everything that is wrong with its data;
- `funnel`, `activity`, `plan`, `discount`, `drivers`, `reps`, `leads`, `pipeline` and `hygiene`
  hold the analyses:
  ``(department, *, by, start, end, confidence)`` in, one tidy DataFrame out;
- `diagnose` puts them together, `audit` adds what a report shows; `write_html`,
  `write_workbook` and `write_findings` show it.

Names are imported when they are first used, so ``import salesdiag`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from salesdiag.analyses import (
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
    from salesdiag.analyses.check import check
    from salesdiag.chapters import audit
    from salesdiag.department import Department
    from salesdiag.diagnosis.diagnose import diagnose
    from salesdiag.diagnosis.finding import Diagnosis, Finding, Scope
    from salesdiag.errors import InputError, MappingError, MissingDataError, SalesDiagError
    from salesdiag.intake.inspection import inspect
    from salesdiag.intake.load import load
    from salesdiag.periods import Calendar
    from salesdiag.present.findings import write_findings
    from salesdiag.present.html import write_html
    from salesdiag.present.workbook import write_workbook

__version__ = "0.1.0"

_HOMES = {
    "Calendar": "salesdiag.periods",
    "Department": "salesdiag.department",
    "Diagnosis": "salesdiag.diagnosis.finding",
    "Finding": "salesdiag.diagnosis.finding",
    "InputError": "salesdiag.errors",
    "MappingError": "salesdiag.errors",
    "MissingDataError": "salesdiag.errors",
    "SalesDiagError": "salesdiag.errors",
    "Scope": "salesdiag.diagnosis.finding",
    "audit": "salesdiag.chapters",
    "check": "salesdiag.analyses.check",
    "diagnose": "salesdiag.diagnosis.diagnose",
    "inspect": "salesdiag.intake.inspection",
    "load": "salesdiag.intake.load",
    "write_findings": "salesdiag.present.findings",
    "write_html": "salesdiag.present.html",
    "write_workbook": "salesdiag.present.workbook",
}
_MODULES = {
    "activity": "salesdiag.analyses.activity",
    "discount": "salesdiag.analyses.discount",
    "drivers": "salesdiag.analyses.drivers",
    "funnel": "salesdiag.analyses.funnel",
    "hygiene": "salesdiag.analyses.hygiene",
    "leads": "salesdiag.analyses.leads",
    "pipeline": "salesdiag.analyses.pipeline",
    "plan": "salesdiag.analyses.plan",
    "reps": "salesdiag.analyses.reps",
}

__all__ = [
    "Calendar",
    "Department",
    "Diagnosis",
    "Finding",
    "InputError",
    "MappingError",
    "MissingDataError",
    "SalesDiagError",
    "Scope",
    "activity",
    "audit",
    "check",
    "diagnose",
    "discount",
    "drivers",
    "funnel",
    "hygiene",
    "inspect",
    "leads",
    "load",
    "pipeline",
    "plan",
    "reps",
    "write_findings",
    "write_html",
    "write_workbook",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    message = f"module 'salesdiag' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
