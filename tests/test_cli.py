"""The command line, run as a person runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from salesdiag import __version__, cli

SAMPLE = Path("sample_data").resolve()


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "from salesdiag.cli import main; main()",
         *arguments],
        capture_output=True, text=True, encoding="utf-8", cwd=cwd, env=environment, check=False,
    )  # fmt: skip


def test_audit_writes_three_files_and_prints_the_verdict(tmp_path) -> None:
    done = run("audit", str(SAMPLE), "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert "86 %, 720 k EUR short" in done.stdout
    assert "as of 2025-12-31 (department.toml)" in done.stdout
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["findings.json", "report.html", "tables.xlsx"]
    findings = json.loads((tmp_path / "out" / "findings.json").read_text(encoding="utf-8"))
    assert findings["as_of"] == "2025-12-31"


def test_audit_takes_as_of_from_the_option(tmp_path) -> None:
    done = run("audit", str(SAMPLE), "--as-of", "2025-06-30", "--out", str(tmp_path / "o"))
    assert done.returncode == 0, done.stderr
    assert "as of 2025-06-30 (given)" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "there is no folder or file"),
        (["."], "holds no deals table"),
        (["duckdb://nowhere.duckdb"], "there is no database"),
        ([str(SAMPLE), "--as-of", "31.12.2025"], "YYYY-MM-DD"),
        ([str(SAMPLE), "--mapping", "no.toml"], "there is no file"),
    ],
)
def test_bad_input_ends_with_one_message_and_status_2(arguments, words, tmp_path) -> None:
    done = run("audit", *arguments, "--out", "made", cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.startswith("salesdiag: ")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "made").exists()


def test_bad_input_leaves_an_earlier_audit_whole(tmp_path) -> None:
    out = tmp_path / "out"
    assert run("audit", str(SAMPLE), "--out", str(out)).returncode == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "deals.csv").write_text("deal_id,status\nA,won\nB,")
    assert run("audit", str(broken), "--out", str(out)).returncode == 2
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_check_lists_the_planted_faults() -> None:
    done = run("check", str(SAMPLE))
    assert done.returncode == 0, done.stderr
    assert "error   deals.closed_at: closed before created: 3 of" in done.stdout


def test_check_says_when_nothing_is_wrong(tmp_path) -> None:
    (tmp_path / "deals.csv").write_text(
        "deal_id,status,created_at\nA,open,2025-01-01 10:00:00\nB,open,2025-01-02 10:00:00\n"
    )
    done = run("check", str(tmp_path))
    assert done.stdout.strip() == "No rule fails."


def test_inspect_drafts_a_mapping_that_loads(tmp_path) -> None:
    export = tmp_path / "export.csv"
    export.write_text(
        '"ID";"Стадия сделки";"Сумма";"Ответственный";"Дата создания";\n'
        '"101";"Сделка успешна";"1 234,50";"Иванов Иван";"31.12.2025 10:00:00";\n'
        '"102";"Сделка провалена";"10,00";"Петров Пётр";"01.12.2025 10:00:00";\n',
        encoding="cp1251",
    )
    done = run("inspect", str(export))
    assert done.returncode == 0, done.stderr
    assert 'encoding = "cp1251"' in done.stdout
    assert "Иванов" not in done.stdout  # samples are masked
    (tmp_path / "mapping.toml").write_text(done.stdout, encoding="utf-8")
    import salesdiag as sd

    deals = sd.load(tmp_path, as_of="2025-12-31").deals.order_by("deal_id").to_pandas()
    assert deals["deal_id"].tolist() == ["101", "102"]
    assert deals["status"].tolist() == ["won", "lost"]
    assert [float(amount) for amount in deals["amount"]] == [1234.5, 10.0]


def test_inspect_asks_what_the_values_leave_open(tmp_path) -> None:
    export = tmp_path / "deals.csv"
    export.write_text("deal_id,status,created_at\n1,won,02/08/2026\n2,lost,03/08/2026\n")
    done = run("inspect", str(export))
    assert "to decide" in done.stdout
    assert "02 August 2026 or 08 February 2026" in done.stdout


def test_inspect_refuses_an_unknown_table(tmp_path) -> None:
    export = tmp_path / "deals.csv"
    export.write_text("deal_id,status\n1,won\n")
    done = run("inspect", str(export), "--table", "deal")
    assert done.returncode == 2
    assert "Did you mean 'deals'?" in done.stderr


def test_version_and_help_do_not_load_the_engine() -> None:
    assert run("--version").stdout.strip() == f"salesdiag {__version__}"
    code = (
        "import sys; from typer.testing import CliRunner; from salesdiag.cli import app; "
        "CliRunner().invoke(app, ['--help']); "
        "print(sorted({'pandas', 'ibis', 'matplotlib', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_arguments_the_help_is_shown() -> None:
    shown = CliRunner().invoke(cli.app, [])
    assert "audit" in shown.output


def test_open_names_the_report_where_there_is_no_screen(tmp_path, monkeypatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    shown = CliRunner().invoke(cli.app, ["audit", str(SAMPLE), "--out", str(tmp_path), "--open"])
    assert shown.exit_code == 0, shown.output
    assert "in a browser." in shown.output


def test_open_shows_the_report(tmp_path, monkeypatch) -> None:
    opened = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    shown = CliRunner().invoke(cli.app, ["audit", str(SAMPLE), "--out", str(tmp_path), "--open"])
    assert shown.exit_code == 0, shown.output
    assert opened == [(tmp_path / "report.html").as_uri()]


def test_main_turns_errors_into_status_2(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["salesdiag", "check", "nowhere"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "there is no folder or file" in capsys.readouterr().err


def test_progress_is_told_to_a_person_only(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with cli._progress() as tell:
        tell("reading deals")
