"""The shape of the package: imports point down, files stay small, nothing prints."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import salesdiag

PACKAGE = Path(salesdiag.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
# each layer may import itself and what is listed before it
LAYERS = (
    ("errors", "schema", "periods", "stats"),
    ("card", "engine", "narrow", "settings"),
    ("anonymise",),
    ("department",),
    ("reductions",),
    ("intake", "analyses"),
    ("diagnosis",),
    ("chapters",),
    ("present",),
    ("cli",),
)
LOWEST_ORDER = {  # what the lowest layer may import of itself
    "errors": {"errors"},
    "schema": {"schema"},
    "periods": {"periods", "errors"},
    "stats": {"stats", "errors"},
}
SIMULATE = {"simulate", "schema", "errors"}
PUBLIC_OF_ALL = {"salesdiag.__version__"}
LONGEST_FILE = 400
LONGEST_FUNCTION = 60

every_file = pytest.mark.parametrize(
    "path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix()
)


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def part_of(module: str) -> str:
    """Name the part of the package that a dotted name belongs to."""
    return module.split(".")[1] if "." in module else ""


def imports_of(path: Path) -> list[str]:
    """List what a file imports of the package; imports for type checking are left out."""
    tree = tree_of(path)
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            # "from salesdiag.analyses import funnel" imports salesdiag.analyses.funnel
            found += [f"{module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
    return [name for name in found if name.split(".")[0] == "salesdiag"]


def allowed_for(part: str) -> set[str]:
    if part == "simulate":
        return SIMULATE
    if part in LOWEST_ORDER:
        return LOWEST_ORDER[part]
    level = next(number for number, layer in enumerate(LAYERS) if part in layer)
    below = {one for layer in LAYERS[:level] for one in layer}
    # narrow and engine know of each other downwards only: narrow may ask the engine
    beside = {"engine"} if part == "narrow" else set()
    # made-up departments are for samples, tests and the command; no analysis knows of them
    beside |= {"simulate"} if part == "cli" else set()
    return below | beside | {part}


@every_file
def test_imports_point_down(path):
    place = path.relative_to(PACKAGE).with_suffix("").parts
    if place == ("__init__",):
        return  # it imports nothing before it is asked
    allowed = allowed_for(place[0])
    parts = {name: part_of(name) for name in imports_of(path) if name not in PUBLIC_OF_ALL}
    wrong = [name for name, part in parts.items() if part and part not in allowed]
    assert wrong == []


@every_file
def test_analyses_do_not_know_each_other(path):
    place = path.relative_to(PACKAGE).with_suffix("").parts
    if place[0] != "analyses" or len(place) < 3:
        return
    others = [name for name in imports_of(path)
              if part_of(name) == "analyses" and name.split(".")[2] != place[1]]  # fmt: skip
    assert others == []


def test_the_layers_name_every_part_of_the_package():
    parts = {path.relative_to(PACKAGE).with_suffix("").parts[0] for path in FILES} - {"__init__"}
    assert parts - {"simulate", "__main__"} == {part for layer in LAYERS for part in layer}


@every_file
def test_nothing_prints_asserts_or_swallows(path):
    found = []
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Assert):
            found.append((node.lineno, "assert"))
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            found.append((node.lineno, "bare except"))
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in ("print", "breakpoint", "plt.show", "exec", "eval"):
                found.append((node.lineno, called))
    assert found == []


@every_file
def test_no_argument_is_changed_between_calls(path):
    mutable = []
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef):
            defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
            mutable += [node.name for one in defaults if isinstance(one, ast.List | ast.Dict)]
    assert mutable == []


@every_file
def test_files_and_functions_stay_small(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
            n_lines = body[-1].end_lineno - body[0].lineno + 1
            assert n_lines <= LONGEST_FUNCTION, node.name


@every_file
def test_every_module_says_what_it_is_for(path):
    assert ast.get_docstring(tree_of(path))


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys, salesdiag\n"
        "heavy = {'pandas', 'ibis', 'numpy', 'duckdb', 'matplotlib', 'pyarrow', 'scipy'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


def test_diagnosing_imports_neither_plots_nor_pages():
    code = (
        "import sys, pandas, salesdiag\n"
        "deals = pandas.DataFrame({'deal_id': ['A'], 'status': ['won']})\n"
        "salesdiag.diagnose(salesdiag.Department(deals=deals, as_of='2025-12-31'))\n"
        "heavy = {'matplotlib', 'seaborn', 'jinja2', 'lxml', 'xlsxwriter', 'holidays', 'polars'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")
