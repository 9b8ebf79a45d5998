"""Random numbers that belong to one thing each, so that no fault shifts those of another.

A stream has a name and draws for all rows of a list at once. A keyed draw is a function of
the seed, its name and whole numbers (which deal, which step): whoever asks again gets the
same number, whatever was asked before.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.int64]
    Flags: TypeAlias = NDArray[np.bool_]
    Times: TypeAlias = NDArray[np.datetime64]
    Texts: TypeAlias = NDArray[np.object_]
    Columns: TypeAlias = dict[str, NDArray[Any]]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = (np.uint64(bits) for bits in (30, 27, 31, 11))
_UNIT = 2.0**-53


@dataclass(frozen=True, slots=True)
class Draws:
    """The source of all random numbers of one world."""

    seed: int

    def stream(self, name: str) -> np.random.Generator:
        """Give a generator of its own to a purpose."""
        return np.random.Generator(np.random.PCG64([self.seed, zlib.crc32(name.encode())]))

    def uniform(self, name: str, *keys: Ints | int) -> Floats:
        """Give a number in (0, 1) to each combination of keys."""
        state = np.uint64((self.seed * 0x1000193 + zlib.crc32(name.encode())) % 2**64)
        mixed = np.atleast_1d(np.asarray(state, dtype=np.uint64))
        for key in keys:
            step = np.atleast_1d(np.asarray(key, dtype=np.int64)).astype(np.uint64)
            mixed = _mix(mixed + (step + np.uint64(1)) * _GOLDEN)
        return ((mixed >> _S11).astype(np.float64) + 0.5) * _UNIT

    def exponential(self, name: str, *keys: Ints | int) -> Floats:
        """Give a waiting time with mean 1 to each combination of keys."""
        waits: Floats = -np.log(self.uniform(name, *keys))
        return waits

    def normal(self, name: str, *keys: Ints | int) -> Floats:
        """Give a standard normal number to each combination of keys."""
        radius = np.sqrt(-2.0 * np.log(self.uniform(name, 0, *keys)))
        bell: Floats = radius * np.cos(2.0 * np.pi * self.uniform(name, 1, *keys))
        return bell


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter the bits of each number over all of it."""
    state = (state ^ (state >> _S30)) * _FIRST
    state = (state ^ (state >> _S27)) * _SECOND
    mixed: NDArray[np.uint64] = state ^ (state >> _S31)
    return mixed
