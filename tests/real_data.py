"""Where the real and third-party tables are, which are no part of the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

VARIABLE = "SALESDIAG_TEST_DATA"
MAPPINGS = Path(__file__).parent / "mappings"


def data_folder() -> Path:
    """Give the folder named by the environment, else the one beside the project."""
    given = os.environ.get(VARIABLE)
    return Path(given) if given else Path(__file__).parents[2] / "shared" / "data"


def needs(name: str) -> pytest.MarkDecorator:
    """Skip the tests of a data set where its folder is absent, saying which."""
    folder = data_folder() / name
    reason = f"the data set {name} is absent (no folder {folder}); {VARIABLE} names its parent"
    return pytest.mark.skipif(not folder.is_dir(), reason=reason)


def data_set(name: str) -> tuple[Path, Path]:
    """Give the folder of a data set and its mapping file."""
    return data_folder() / name, MAPPINGS / f"{name}.toml"
