"""The notebooks: what they say, that they run on any data, and that what is kept is current."""

from __future__ import annotations

import ast
import csv
import os
import re
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from salesdiag.errors import InputError, MissingDataError, SalesDiagError
from salesdiag.present import notebook as shows
from salesdiag.present import notebooks

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "notebooks").glob("*.ipynb"))
NAMES = [file.stem for file in FILES]
SCRIPT = "<script>alert(1)</script>"
PICTURE = '<img src=x onerror="alert(2)">'
LOGIC = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.If, ast.Try,
         ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp)  # fmt: skip

each = pytest.mark.parametrize("name", NAMES)


def kept(name: str) -> nbformat.NotebookNode:
    return nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)


def prose(name: str) -> list[str]:
    return [cell.source for cell in kept(name).cells if cell.cell_type == "markdown"]


def code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """Give the cells of code that stand in the notebook itself."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"
            and "injected-parameters" not in cell.metadata.get("tags", [])]  # fmt: skip


def shown(cell: nbformat.NotebookNode) -> list[object]:
    """Give what a cell shows: texts and tables as they are, pictures by what they say."""
    seen: list[object] = []
    for output in cell.outputs:
        data = output.get("data", {})
        if "image/png" in data:
            seen.append(("picture", output.metadata["image/png"]["alt"]))
        else:
            seen.append((output.output_type, output.get("text"), data.get("text/plain"),
                         data.get("text/html")))  # fmt: skip
    return seen


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a person runs it."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "from salesdiag.cli import main; main()",
         "notebooks", *arguments],
        capture_output=True, text=True, encoding="utf-8", check=False, cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def write_only_deals(folder: Path) -> None:
    """Write a department of 240 deals, two years of them, whose texts are hostile."""
    with (folder / "deals.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["deal_id", "status", "created_at", "closed_at", "rep_id", "source",
                         "loss_reason", "amount"])  # fmt: skip
        for n in range(240):
            status = ("won", "lost", "lost", "open")[n % 4]
            day = f"{2024 + n // 120}-{1 + n % 120 // 10:02d}-{1 + 7 * n % 27:02d}"
            writer.writerow([
                f"D{n}", status, f"{day} 09:00:00", "" if status == "open" else f"{day} 15:00:00",
                (SCRIPT, "R2", "R3")[n % 3], PICTURE, SCRIPT if status == "lost" else "", 1000 + n,
            ])  # fmt: skip


@pytest.fixture(scope="module")
def executed(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("executed")
    done = run("sample_data", "--out", str(out))
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 2 * len(NAMES)
    return out


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    write_only_deals(folder)
    done = run(str(folder), "--out", str(folder / "out"), "--as-of", "2025-12-30")
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "out"


def test_all_notebooks_are_there_in_reading_order():
    assert NAMES == [
        "00_start_here", "01_can_the_data_be_trusted", "02_funnel", "03_activity_and_result",
        "04_plan", "05_discount", "06_the_team_you_inherit", "07_diagnosis",
    ]  # fmt: skip


@each
def test_a_notebook_opens_with_a_question_and_ends_with_the_next(name):
    texts = prose(name)
    assert re.match(r"# .+\?\n", texts[0])
    assert texts[-1].startswith("## What to ask next")
    assert any("**How to read it.**" in text for text in texts)
    assert any("**A wrong reading.**" in text for text in texts)


@each
def test_a_notebook_takes_path_and_as_of_from_one_cell(name):
    (cell,) = [one for one in kept(name).cells if "parameters" in one.metadata.get("tags", [])]
    names = [node.targets[0].id for node in ast.parse(cell.source).body]
    assert names == ["path", "as_of"]


@each
def test_a_notebook_holds_calls_and_no_logic(name):
    tree = ast.parse("\n".join(cell.source for cell in code(kept(name))))
    assert [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, LOGIC)] == []
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import)
               for alias in node.names}  # fmt: skip
    modules |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {one.split(".")[0] for one in modules} <= {"salesdiag", "datetime", "pandas"}


@each
def test_the_prose_states_nothing_of_the_sample(name):
    text = "\n".join(prose(name))
    words = pd.read_csv(ROOT / "sample_data" / "reps.csv")
    names = {*words["rep_name"], *words["rep_id"], *words["team"], "Nordwind", "Negotiation"}
    assert [one for one in sorted(names) if one in text] == []
    assert re.findall(r"\d[.,]\d|\d\d\d\d|\d [kM]\b", text) == []


@each
def test_links_lead_to_notebooks_that_are_there(name):
    links = re.findall(r"\]\(([^)]+)\)", "\n".join(prose(name)))
    assert links
    assert set(links) <= {file.name for file in FILES}


def test_the_notebooks_that_are_kept_are_small():
    sizes = [file.stat().st_size for file in FILES]
    assert max(sizes) < 1_000_000
    assert sum(sizes) < 4_000_000


@pytest.mark.slow
@each
def test_what_is_kept_is_what_comes_out(name, executed):
    """To bring it up to date: see CONTRIBUTING.md, "The notebooks"."""
    new = nbformat.read(executed / f"{name}.ipynb", as_version=4)
    old_cells, new_cells = code(kept(name)), code(new)
    assert [cell.source for cell in old_cells] == [cell.source for cell in new_cells]
    for old, current in zip(old_cells, new_cells, strict=True):
        assert shown(current) == shown(old), old.source


@pytest.mark.slow
@each
def test_on_the_sample_everything_can_be_shown(name, executed):
    notebook = nbformat.read(executed / f"{name}.ipynb", as_version=4)
    outputs = [output for cell in code(notebook) for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {"display_data", "execute_result"}
    told = " ".join(str(output.get("data", {}).get("text/plain")) for output in outputs)
    assert "Cannot be told" not in told
    silent = [cell.source for cell in code(notebook)
              if re.search(r"^ *show_", cell.source, re.M) and not cell.outputs]  # fmt: skip
    assert silent == []
    alt = [output.metadata["image/png"]["alt"] for output in outputs
           if "image/png" in output.get("data", {})]  # fmt: skip
    assert alt
    assert [text for text in alt if "No data" in text] == []


@pytest.mark.slow
@each
def test_an_executed_notebook_keeps_no_times(name, executed):
    notebook = nbformat.read(executed / f"{name}.ipynb", as_version=4)
    metadata = [notebook.metadata, *(cell.metadata for cell in notebook.cells)]
    assert [one for one in metadata if {"papermill", "execution"} & set(one)] == []


class Requests(HTMLParser):
    """Collect the tags of a page and everything that it would fetch or lead to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.places: list[str] = []
        self.handlers: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.places += [value or "" for name, value in attrs
                        if name in ("src", "href", "srcset", "data", "action")]  # fmt: skip
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


@pytest.mark.slow
@each
def test_a_page_fetches_nothing(name, executed):
    page = (executed / f"{name}.html").read_text(encoding="utf-8")
    found = Requests(page)
    assert not found.tags & {"script", "link", "iframe", "object", "embed", "base"}
    own = {f"{one}.html" for one in NAMES}
    others = [place for place in found.places if not place.startswith("data:image/png;base64,")]
    assert set(others) <= own
    assert not re.search(r"url\(|@import", page)
    assert "default-src 'none'" in page
    assert "img" in found.tags


@pytest.mark.slow
@each
def test_hostile_text_is_shown_as_text(name, hostile):
    page = (hostile / f"{name}.html").read_text(encoding="utf-8")
    found = Requests(page)
    assert "script" not in found.tags
    assert found.handlers == []
    assert "x" not in found.places


@pytest.mark.slow
def test_hostile_text_is_shown_at_all(hostile):
    pages = [file.read_text(encoding="utf-8") for file in hostile.glob("*.html")]
    assert any("&lt;script&gt;alert(1)&lt;/script&gt;" in page for page in pages)


@pytest.mark.slow
@each
def test_with_deals_alone_a_notebook_ends_and_says_what_is_missing(name, hostile):
    notebook = nbformat.read(hostile / f"{name}.ipynb", as_version=4)
    assert [cell.source for cell in code(notebook) if cell.execution_count is None] == []
    page = (hostile / f"{name}.html").read_text(encoding="utf-8")
    assert "Cannot be told from these data" in page or name == "07_diagnosis"


@pytest.mark.slow
def test_with_deals_alone_the_diagnosis_lists_what_to_ask_for(hostile):
    page = (hostile / "07_diagnosis.html").read_text(encoding="utf-8")
    assert "the stage history of the deals" in page
    assert "the plan: targets by rep, team or department" in page


def test_notebooks_are_found_inside_an_installed_package(tmp_path, monkeypatch):
    package = tmp_path / "site" / "salesdiag"
    (package / "notebooks").mkdir(parents=True)
    (package / "notebooks" / "00_one.ipynb").write_text("{}")
    monkeypatch.setattr(notebooks, "__file__", str(package / "present" / "notebooks.py"))
    assert [file.name for file in notebooks.notebook_files()] == ["00_one.ipynb"]


def test_the_wheel_holds_the_notebooks():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"]["notebooks"] == "salesdiag/notebooks"


def test_a_package_without_notebooks_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "__file__", str(tmp_path / "a" / "b" / "notebooks.py"))
    with pytest.raises(InputError, match="install salesdiag again"):
        notebooks.notebook_files()


def test_what_has_to_be_installed_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "find_spec", lambda name: None if name == "papermill" else 1)
    with pytest.raises(InputError, match=r'\(papermill\): .*pip install "salesdiag\[notebooks\]"'):
        notebooks.run_notebooks(ROOT / "sample_data", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_notebooks_themselves_are_not_written_over():
    with pytest.raises(InputError, match="choose another folder"):
        notebooks.run_notebooks(ROOT / "sample_data", ROOT / "notebooks")


def test_bad_input_is_told_before_anything_is_written(tmp_path):
    with pytest.raises(InputError, match="there is no folder or file"):
        notebooks.run_notebooks(tmp_path / "nowhere", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write to"):
        notebooks.run_notebooks(ROOT / "sample_data", tmp_path / "file" / "out")


@pytest.mark.slow
def test_a_notebook_that_stops_is_named_and_nothing_is_written(tmp_path, monkeypatch):
    stops = kept(NAMES[0])
    stops.cells = [*stops.cells[:2], nbformat.v4.new_code_cell("1 / 0")]
    (tmp_path / "in").mkdir()
    nbformat.write(stops, tmp_path / "in" / "00_stops.ipynb")
    monkeypatch.setattr(notebooks, "notebook_files", lambda: [tmp_path / "in" / "00_stops.ipynb"])
    with pytest.raises(
        SalesDiagError, match=r"00_stops\.ipynb stopped at cell 3: ZeroDivisionError"
    ):
        notebooks.run_notebooks(ROOT / "sample_data", tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_the_password_of_a_database_is_not_kept():
    text = 'path = "postgres://reader:s3cr%40t@db.host/crm"'
    assert notebooks._masked(text) == 'path = "postgres://reader:***@db.host/crm"'
    assert notebooks._masked("at 10:30 mail a@b.example") == "at 10:30 mail a@b.example"


def test_a_url_stays_and_a_folder_becomes_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert notebooks._absolute("duckdb://crm.duckdb") == "duckdb://crm.duckdb"
    assert notebooks._absolute("data") == str(tmp_path / "data")


def test_a_table_shows_intervals_beside_estimates_and_escapes_names():
    table = pd.DataFrame({
        "team": [SCRIPT, "South"], "n_won": [20, 1], "win_rate": [0.25, float("nan")],
        "win_rate_low": [0.18, float("nan")], "win_rate_high": [0.34, float("nan")],
    })  # fmt: skip
    text, html = shows._table(table, ["team", "win_rate", "no_such_column"], 20)
    assert text.splitlines()[1] == f"{SCRIPT}  25.0 % (18.0–34.0 %)"
    assert text.splitlines()[2] == "South".ljust(46) + "–"
    assert "&lt;script&gt;" in html
    assert "<script" not in html


def test_a_long_table_tells_how_many_rows_are_left_out():
    text, html = shows._table(pd.DataFrame({"n_won": range(25)}), [], 20)
    assert text.endswith("5 more rows")
    assert "5 more rows" in html


def test_an_empty_table_says_so():
    assert shows._table(pd.DataFrame({"n_won": []}), [], 20)[0] == "No rows."


def test_what_is_refused_is_shown_with_what_to_ask_for(capsys):
    with shows.if_possible():
        raise MissingDataError("there are no <targets>.", ask_for="the plan")
    assert capsys.readouterr().out == (
        "Cannot be told from these data: there are no <targets>.\nAsk for: the plan.\n"
    )


def test_what_to_ask_for_is_said_once(capsys):
    with shows.if_possible():
        raise MissingDataError("there are no targets. Ask for the plan.", ask_for="the plan")
    assert capsys.readouterr().out.count("the plan") == 1


def test_a_fault_of_the_program_is_not_swallowed():
    with pytest.raises(ZeroDivisionError), shows.if_possible():
        raise ZeroDivisionError
