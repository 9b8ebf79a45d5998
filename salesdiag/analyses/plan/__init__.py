"""What was planned and what came of it."""

from salesdiag.analyses.plan.attainment import target_attainment

__all__ = ["target_attainment"]
