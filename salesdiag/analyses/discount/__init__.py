"""What is given away on the price, what it brings, and who gives it."""

from salesdiag.analyses.discount.bands import discount_bands
from salesdiag.analyses.discount.break_even import break_even
from salesdiag.analyses.discount.bunching import limit_bunching
from salesdiag.analyses.discount.distribution import discount_distribution
from salesdiag.analyses.discount.effect import discount_effect
from salesdiag.analyses.discount.habit import rep_discount_habit
from salesdiag.analyses.discount.period_end import period_end_pattern
from salesdiag.analyses.discount.price_volume import price_volume_mix
from salesdiag.analyses.discount.realisation import price_realisation
from salesdiag.analyses.discount.target_distance import target_distance_pattern
from salesdiag.analyses.discount.waterfall import price_waterfall

__all__ = [
    "break_even",
    "discount_bands",
    "discount_distribution",
    "discount_effect",
    "limit_bunching",
    "period_end_pattern",
    "price_realisation",
    "price_volume_mix",
    "price_waterfall",
    "rep_discount_habit",
    "target_distance_pattern",
]
