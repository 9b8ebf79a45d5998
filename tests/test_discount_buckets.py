"""Accounts dealt into bundles: each in one, about evenly, in any order of rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesdiag.engine import connect, register
from salesdiag.reductions.buckets import BUCKETS, with_buckets


def dealt(labels):
    table = register(connect(), "labels", pd.DataFrame({"label": labels}), "UTC")
    return with_buckets(table, "label").to_pandas().set_index("label")["bucket"]


def test_few_labels_have_a_bundle_each():
    found = dealt([f"a{number:02d}" for number in range(60)] * 2)
    assert found.groupby(level=0).nunique().eq(1).all()
    assert found.nunique() == 60


def test_many_labels_are_dealt_about_evenly_and_not_by_neighbourhood():
    labels = [f"a{number:04d}" for number in range(5000)]
    found = dealt(labels).loc[labels]
    counts = found.value_counts()
    assert len(counts) == BUCKETS
    # chance deals 50 to each, give or take 7
    assert counts.between(25, 80).all()
    place = np.arange(5000)
    middle = pd.Series(place).groupby(found.to_numpy()).mean()
    assert middle.std() > 100  # an even spread would give nearly the same mean place to all
    assert abs(np.corrcoef(place, found)[0, 1]) < 0.05


def test_the_order_of_rows_does_not_matter():
    labels = np.array([f"a{number:04d}" for number in range(500)])
    other = np.random.default_rng(0).permutation(labels)
    assert dealt(labels).sort_index().equals(dealt(other).sort_index())
