"""Changes split into parts that add up exactly."""

from __future__ import annotations

from salesdiag.stats.decomposition.margins import Leverage, break_even_growth, profit_leverage
from salesdiag.stats.decomposition.price_volume_mix import TERMS, PriceVolumeMix, price_volume_mix
from salesdiag.stats.decomposition.product import (
    ChainChange,
    chain_change,
    lmdi_parts,
    shapley_parts,
)

__all__ = [
    "TERMS",
    "ChainChange",
    "Leverage",
    "PriceVolumeMix",
    "break_even_growth",
    "chain_change",
    "lmdi_parts",
    "price_volume_mix",
    "profit_leverage",
    "shapley_parts",
]
