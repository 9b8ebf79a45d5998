"""Comparisons of groups whose cases are not alike."""

from __future__ import annotations

from salesdiag.stats.standardisation.indirect import (
    IndirectExpected,
    ObservedExpected,
    indirect_expected,
    observed_expected,
)
from salesdiag.stats.standardisation.kitagawa import Kitagawa, kitagawa
from salesdiag.stats.standardisation.mantel_haenszel import (
    Homogeneity,
    Pooled,
    StratifiedTest,
    breslow_day,
    cochran_mantel_haenszel,
    pooled_difference,
    pooled_odds_ratio,
)
from salesdiag.stats.standardisation.reversal import Reversals, find_reversals

__all__ = [
    "Homogeneity",
    "IndirectExpected",
    "Kitagawa",
    "ObservedExpected",
    "Pooled",
    "Reversals",
    "StratifiedTest",
    "breslow_day",
    "cochran_mantel_haenszel",
    "find_reversals",
    "indirect_expected",
    "kitagawa",
    "observed_expected",
    "pooled_difference",
    "pooled_odds_ratio",
]
