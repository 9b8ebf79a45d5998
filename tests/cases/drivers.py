"""Cases of the analyses of `salesdiag.drivers`: options of their own and columns to split by."""

from __future__ import annotations

import salesdiag as sd

CASES = {
    sd.drivers.gap_ledger: ({"n_draws": 50}, ["team", "source"]),
    sd.drivers.what_if: (
        {"levels": {"price_realisation": 0.95}, "n_draws": 50},
        ["team", "source"],
    ),
}
