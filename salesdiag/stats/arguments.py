"""What an estimator accepts: each check names the argument, what it got and what is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class Groups(NamedTuple):
    """Labels as whole numbers: ``labels[codes]`` gives back what came in."""

    labels: NDArray[np.generic]
    codes: NDArray[np.intp]


def numbers(
    name: str,
    values: ArrayLike,
    *,
    least: float = -np.inf,
    most: float = np.inf,
    missing: bool = False,
    infinite: bool = False,
) -> NDArray[np.float64]:
    """Read an argument as floats of any shape between two bounds.

    ``missing`` lets NaN pass, for estimators whose result is then documented to be NaN, and
    ``infinite`` lets infinity pass. Text, dates and complex numbers are no numbers, and the
    gaps of a masked array are missing values.

    >>> numbers("n_part", [1, 2], least=0).tolist()
    [1.0, 2.0]
    """
    array = _as_floats(name, values)
    known = ~np.isnan(array)
    if not missing and not known.all():
        message = f"{name} must not hold missing values; {np.sum(~known)} of {array.size} are NaN."
        raise InputError(message)
    out = (array < least) | (array > most)
    wrong = known & (out | np.isinf(array) if not infinite else out)
    if wrong.any():
        message = f"{name} must be {_range(least, most)}; got {array[wrong].flat[0]:g}."
        raise InputError(message)
    return array


def _as_floats(name: str, values: ArrayLike) -> NDArray[np.float64]:
    gaps = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
    floats = None
    try:
        array = np.asarray(values)
        is_mixed = array.dtype.kind == "O" and values is not None and not _holds_text(array)
        if array.dtype.kind in "biuf" or is_mixed:
            floats = array.astype(float)
    except (TypeError, ValueError, OverflowError):
        floats = None
    if floats is None:
        message = f"{name} must hold numbers only; got {_shown(values)}."
        raise InputError(message)
    return floats if gaps is None else np.where(gaps, np.nan, floats)


def _holds_text(array: NDArray[np.generic]) -> bool:
    return any(isinstance(one, str | bytes) for one in array.flat)


def vector(
    name: str,
    values: ArrayLike,
    *,
    least: float = -np.inf,
    most: float = np.inf,
    missing: bool = False,
    length: int | None = None,
    at_least: int = 0,
) -> NDArray[np.float64]:
    """Read an argument as a list of floats, of a given length or with at least so many."""
    array = numbers(name, values, least=least, most=most, missing=missing)
    if array.ndim != 1:
        message = f"{name} must be a list of numbers; got an array of shape {array.shape}."
        raise InputError(message)
    check_length(name, len(array), length)
    if len(array) < at_least:
        message = f"{name} must hold at least {at_least} numbers; got {len(array)}."
        raise InputError(message)
    return array


def matrix(
    name: str, values: ArrayLike, *, least: float = -np.inf, rows: int | None = None
) -> NDArray[np.float64]:
    """Read an argument as a table of floats; a list of numbers is one column."""
    array = numbers(name, values, least=least)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        message = f"{name} must be a table of numbers; got an array of shape {array.shape}."
        raise InputError(message)
    check_length(name, len(array), rows)
    return array


def counts_of(
    n_part: ArrayLike, n_whole: ArrayLike, *, names: tuple[str, str] = ("n_part", "n_whole")
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read a part and its whole: neither negative, no part above its whole; NaN may pass."""
    part = numbers(names[0], n_part, least=0, missing=True)
    whole = numbers(names[1], n_whole, least=0, missing=True)
    part, whole = broadcast(**dict(zip(names, (part, whole), strict=True)))
    above = part - whole > 1e-9 + 1e-13 * whole  # effective sizes are rounded
    if above.any():
        message = (
            f"{names[0]} must not exceed {names[1]}; got {part[above].flat[0]:g} "
            f"of {whole[above].flat[0]:g}."
        )
        raise InputError(message)
    return np.minimum(part, whole), np.asarray(whole)


def broadcast(**arrays: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Give arrays one shape, or name those that do not fit together."""
    try:
        return np.broadcast_arrays(*arrays.values())
    except ValueError:
        names, shapes = " and ".join(arrays), " and ".join(str(a.shape) for a in arrays.values())
        message = f"{names} must have shapes that fit; got {shapes}."
        raise InputError(message) from None


def groups_of(name: str, labels: ArrayLike | None, length: int) -> Groups:
    """Read labels, one a row, as sorted distinct labels and codes; None is one group."""
    if labels is None:
        return Groups(np.zeros(min(length, 1), dtype=int), np.zeros(length, dtype=np.intp))
    array = np.asarray(labels)
    if array.ndim != 1:
        message = f"{name} must be a list of labels; got an array of shape {array.shape}."
        raise InputError(message)
    check_length(name, len(array), length)
    _refuse_missing(name, array, labels)
    try:
        distinct, codes = np.unique(array, return_inverse=True)
    except TypeError:
        message = f"{name} must hold labels of one kind, all text or all numbers, none missing."
        raise InputError(message) from None
    return Groups(distinct, codes)


def _refuse_missing(name: str, array: NDArray[np.generic], labels: ArrayLike) -> None:
    """Refuse labels that are missing, and text beside numbers, which would become one label."""
    gone = f"{name} must not hold missing values: name the rows without a label first."
    if array.dtype.kind in "fmM" and (array != array).any():
        raise InputError(gone)
    # a list of text and NaN becomes all text when it is made an array: look at what came in
    given = labels if isinstance(labels, list | tuple) else array
    if array.dtype.kind == "O" or isinstance(given, list | tuple):
        if any(_is_missing(one) for one in given):
            raise InputError(gone)
        if len({isinstance(one, str) for one in given}) > 1:
            message = f"{name} must hold labels of one kind, all text or all numbers, none missing."
            raise InputError(message)


def _is_missing(label: object) -> bool:
    return label is None or type(label).__name__ == "NAType" or label != label


def check_length(name: str, found: int, wanted: int | None) -> None:
    """Refuse a list that is longer or shorter than the others."""
    if wanted is not None and found != wanted:
        message = f"{name} must have one entry a row, {wanted}; got {found}."
        raise InputError(message)


def share(name: str, value: float) -> float:
    """Read one number strictly between 0 and 1."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        message = f"{name} must lie strictly between 0 and 1, such as 0.95; got {value!r}."
        raise InputError(message)
    return float(value)


def one_number(name: str, value: float, *, least: float = -np.inf, most: float = np.inf) -> float:
    """Read one finite number between two bounds."""
    array = numbers(name, value, least=least, most=most)
    if array.ndim:
        message = f"{name} must be one number; got {_shown(value)}."
        raise InputError(message)
    return float(array)


def whole_number(name: str, value: int, *, least: int = 0, most: int | None = None) -> int:
    """Read one whole number between two bounds."""
    fits = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not fits or value < least or (most is not None and value > most):
        until = "" if most is None else f" to {most}"
        message = f"{name} must be a whole number from {least}{until}; got {value!r}."
        raise InputError(message)
    return int(value)


def one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    """Read one word out of a list."""
    if value not in allowed:
        choice = ", ".join(f'"{one}"' for one in allowed)
        message = f"{name} must be one of {choice}; got {value!r}."
        raise InputError(message)
    return value


def _range(least: float, most: float) -> str:
    if np.isinf(least) and np.isinf(most):
        return "finite"
    if np.isinf(most):
        return f"{least:g} or more, and finite"
    return f"at most {most:g}" if np.isinf(least) else f"between {least:g} and {most:g}"


def _shown(values: object) -> str:
    text = repr(values)
    return text if len(text) <= 60 else text[:57] + "..."
