"""Names from the CRM made fit for a picture: without tricks, not too long, none on another."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST = 28  # letters of a name
_BOX = "□"


def clean(name: object, longest: int = LONGEST) -> str:
    r"""Give a name on one line, without control marks, cut in the middle where it is too long.

    Emoji become a box, for the fonts of plots lack them. Dollar signs stay: `finish` switches
    their meaning off.

    >>> clean("Meyer\n\u202e & Sons"), clean("long name 17", 9), clean(None)
    ('Meyer & Sons', 'long…17', '–')
    """
    if name is None or name != name:
        return "–"
    text = " ".join("".join(_shown(letter) for letter in _short(str(name))).split())
    if len(text) <= longest:
        return text
    end = longest // 3  # names often differ at their end: "Key account 17"
    return f"{text[: longest - end - 1].rstrip()}…{text[-end:].lstrip()}"


def _short(name: str) -> str:
    """Leave out the inner part of what is too long to be looked at letter by letter."""
    return name if len(name) <= 1000 else f"{name[:500]} {name[-500:]}"


def _shown(letter: str) -> str:
    kind = unicodedata.category(letter)
    if kind in ("Cc", "Zl", "Zp"):
        return " "
    if kind in ("Cf", "Mn") and not unicodedata.combining(letter):
        return ""  # direction marks, joiners, variation selectors
    if kind in ("Co", "Cn", "Cs") or (kind == "So" and ord(letter) > 0xFFFF):
        return _BOX
    return letter


def thinned(
    places: Sequence[float], room: float, *, first: Sequence[bool] | None = None
) -> np.ndarray:
    """Choose which of the labels at these places are written, so that none meets another.

    Parameters
    ----------
    places : sequence of float
        Where they stand, in any unit.
    room : float
        What a label needs, in the same unit.
    first : sequence of bool, optional
        Those that are to be written before others.

    Returns
    -------
    ndarray of bool

    Examples
    --------
    >>> thinned([0, 1, 2, 3], 1.5).tolist()
    [True, False, True, False]
    >>> thinned([0, 1, 2, 3], 1.5, first=[False, True, False, False]).tolist()
    [False, True, False, True]
    """
    where = np.asarray(places, dtype=float)
    order = list(range(len(where)))
    if first is not None:
        order.sort(key=lambda one: not first[one])
    kept: list[int] = []
    for one in order:
        if all(abs(where[one] - where[other]) >= room * 0.999 for other in kept):
            kept.append(one)
    mask = np.zeros(len(where), dtype=bool)
    mask[kept] = True
    return mask


def spread(places: Sequence[float], room: float, low: float, high: float) -> list[float]:
    """Move places apart until none is nearer than ``room``, as little as that takes.

    >>> [round(place, 2) for place in spread([0.5, 0.5, 0.9], 0.1, 0.0, 1.0)]
    [0.45, 0.55, 0.9]
    """
    if not len(places):
        return []
    order = np.argsort(places, kind="stable")
    clusters: list[tuple[list[int], float]] = []  # members in order, and where their middle lies
    for one in order:
        clusters.append(([int(one)], float(places[one])))
        while len(clusters) > 1 and _touch(clusters[-2], clusters[-1], room):
            (left, _), (right, _) = clusters[-2:]
            joined = left + right
            clusters[-2:] = [(joined, float(np.mean([places[each] for each in joined])))]
    moved = [0.0] * len(places)
    for members, middle in clusters:
        half = (len(members) - 1) * room / 2
        centre = min(max(middle, low + half), max(high - half, low + half))
        for rank, one in enumerate(members):
            moved[one] = centre - half + rank * room
    return moved


def _touch(one: tuple[list[int], float], other: tuple[list[int], float], room: float) -> bool:
    needed = (len(one[0]) + len(other[0])) * room / 2
    return other[1] - one[1] < needed - 1e-12
