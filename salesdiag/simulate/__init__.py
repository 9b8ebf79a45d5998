"""Departments made up with a fault that is known, for samples, tests and the benchmark.

`world` makes one: `World.tables` and `World.settings` are what a department has,
`World.truth` is what is wrong with it and what that costs. `write_world` puts it into a
folder that `salesdiag.load` reads. What goes wrong is named by the codes in `CAUSES`;
`Fault` says how strong it is, where and since when; `DECOYS` names what only looks wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from salesdiag.simulate.causes import CAUSES, Cause, Fault, levels_of
    from salesdiag.simulate.folder import write_world
    from salesdiag.simulate.traits import DECOYS
    from salesdiag.simulate.worlds import Truth, World, world

_HOMES = {
    "CAUSES": "causes",
    "DECOYS": "traits",
    "Cause": "causes",
    "Fault": "causes",
    "Truth": "worlds",
    "World": "worlds",
    "levels_of": "causes",
    "world": "worlds",
    "write_world": "folder",
}

__all__ = [
    "CAUSES",
    "DECOYS",
    "Cause",
    "Fault",
    "Truth",
    "World",
    "levels_of",
    "world",
    "write_world",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import a public name when it is first used."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"salesdiag.simulate.{_HOMES[name]}"), name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted([*globals(), *_HOMES])
