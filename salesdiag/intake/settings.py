"""`department.toml` and its twin inside a mapping file."""

from __future__ import annotations

import tomllib
from datetime import date
from typing import TYPE_CHECKING, Any

from salesdiag.department import Settings
from salesdiag.engine import suggest
from salesdiag.errors import InputError, MappingError
from salesdiag.periods import Calendar, parse_day

if TYPE_CHECKING:
    from pathlib import Path

_CALENDAR = ("time_zone", "fiscal_year_start", "working_days", "working_hours", "holidays")
_KINDS: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "as_of": (str, date),
    "currency": (str,),
    "time_zone": (str,),
    "fiscal_year_start": (int,),
    "working_days": (list,),
    "working_hours": (list,),
    "holidays": (str, list),
    "stages": (list,),
    "pay_plan": (dict,),
    "discount_limits": (dict,),
}
_PAID = ("base_amount", "threshold", "rate", "cap")  # of the pay plan, each a number


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file, or say where it is wrong."""
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        message = f"there is no file {path}."
        raise InputError(message) from None
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}."
        raise InputError(message) from None
    except RecursionError:
        message = f"{path.name} is not valid TOML: it is nested too deeply."
        raise MappingError(message) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path.name} is not valid TOML: {error}."
        raise MappingError(message) from None


def settings_of(given: dict[str, Any], where: str) -> Settings:
    """Check the keys of a department's settings and build them.

    Raises
    ------
    MappingError
        If a key is unknown or its value of the wrong kind.
    """
    for key, value in given.items():
        if key not in _KINDS:
            message = f"{where}: unknown key {key!r}; allowed are {', '.join(_KINDS)}."
            raise MappingError(message + suggest(key, _KINDS))
        if not isinstance(value, _KINDS[key]) or isinstance(value, bool):
            kinds = " or ".join(kind.__name__ for kind in _KINDS[key])
            message = f"{where}: {key} must be {kinds}; got {value!r}."
            raise MappingError(message)
    for key in _PAID:
        value = given.get("pay_plan", {}).get(key, 0)
        if not isinstance(value, int | float) or isinstance(value, bool):
            message = f"{where}: pay_plan.{key} must be a number; got {value!r}."
            raise MappingError(message)
    calendar = {key: given[key] for key in _CALENDAR if key in given}
    for key in ("working_days", "working_hours", "holidays"):
        if isinstance(calendar.get(key), list):
            calendar[key] = tuple(calendar[key])
    try:
        return Settings(
            name=given.get("name", ""),
            as_of=parse_day(given["as_of"], "as_of") if "as_of" in given else None,
            as_of_source=where,
            currency=given.get("currency", "").upper(),
            calendar=Calendar(**calendar),
            stages=tuple(map(str, given.get("stages", ()))),
            pay_plan=given.get("pay_plan", {}),
            discount_limits=given.get("discount_limits", {}),
        )
    except InputError as error:
        message = f"{where}: {error}"
        raise MappingError(message) from None
