"""Accounts dealt into few bundles, so that draws of clusters need few rows from the engine."""

from __future__ import annotations

import ibis
from ibis import _

BUCKETS = 100
# 2 modulo 3, so that cubes take every value once; its square fits whole numbers of 32 bits
_PRIME = 46_337
_SHIFT = 12_345


def with_buckets(table: ibis.Table, label: str, *, buckets: int = BUCKETS) -> ibis.Table:
    """Add ``bucket``, a bundle of labels: the same on every engine and in any order of rows.

    Up to ``buckets`` labels each have their own; more are dealt out as if at random, by the
    cube of their place among the sorted labels modulo a prime.
    """
    placed = table.mutate(place=ibis.dense_rank().over(order_by=table[label]).cast("int64"))
    placed = placed.mutate(last_place=placed.place.max().over(), start=(_.place + _SHIFT) % _PRIME)
    dealt = ((placed.start * placed.start) % _PRIME * placed.start) % _PRIME % buckets
    few = placed.last_place < buckets
    return placed.mutate(bucket=ibis.ifelse(few, placed.place, dealt)).drop(
        "place", "last_place", "start"
    )
