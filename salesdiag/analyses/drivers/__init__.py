"""Which factors make the gap, as parts that add up, and what moving one would bring."""

from salesdiag.analyses.drivers.ledger import gap_ledger
from salesdiag.analyses.drivers.what_if import what_if

__all__ = ["gap_ledger", "what_if"]
