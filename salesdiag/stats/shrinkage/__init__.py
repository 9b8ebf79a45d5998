"""Comparing units: whether they may be ranked, and what each is worth beyond chance."""

from __future__ import annotations

from salesdiag.stats.shrinkage.families import (
    Shrunken,
    beta_binomial_shrinkage,
    gamma_poisson_shrinkage,
    normal_shrinkage,
)
from salesdiag.stats.shrinkage.funnel_limits import Limits, funnel_limits, ratio_funnel_limits
from salesdiag.stats.shrinkage.homogeneity import (
    HomogeneityTest,
    homogeneity_test,
    poisson_homogeneity_test,
)
from salesdiag.stats.shrinkage.james_stein import JamesStein, james_stein
from salesdiag.stats.shrinkage.overdispersion import (
    Overdispersion,
    overdispersion,
    ratio_overdispersion,
)
from salesdiag.stats.shrinkage.rankability import (
    ExpectedRank,
    QuarterProbability,
    Rankability,
    expected_rank,
    pooled_variance,
    quarter_probability,
    rankability,
)

__all__ = [
    "ExpectedRank",
    "HomogeneityTest",
    "JamesStein",
    "Limits",
    "Overdispersion",
    "QuarterProbability",
    "Rankability",
    "Shrunken",
    "beta_binomial_shrinkage",
    "expected_rank",
    "funnel_limits",
    "gamma_poisson_shrinkage",
    "homogeneity_test",
    "james_stein",
    "normal_shrinkage",
    "overdispersion",
    "poisson_homogeneity_test",
    "pooled_variance",
    "quarter_probability",
    "rankability",
    "ratio_funnel_limits",
    "ratio_overdispersion",
]
