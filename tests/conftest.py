"""What every test stands on: figures without a screen, and few examples where an engine runs."""

from __future__ import annotations

import gc

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


@pytest.fixture(autouse=True)
def _collect_garbage():
    """Undo what the command does for its one run, where a test runs it in this process."""
    yield
    gc.enable()
