"""What every test stands on: figures without a screen, and few examples where an engine runs."""

from __future__ import annotations

import matplotlib as mpl
import pytest
from hypothesis import HealthCheck, settings

mpl.use("Agg")

# an engine answers in milliseconds, but not always in the same ones
settings.register_profile(
    "engine",
    deadline=None,
    max_examples=25,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("engine")


@pytest.fixture(autouse=True)
def close_figures():
    """Close what a test has drawn, so that no figure outlives it."""
    yield
    from matplotlib import pyplot as plt

    plt.close("all")
