"""What is wrong with the data."""

from salesdiag.analyses.check.table import check

__all__ = ["check"]
