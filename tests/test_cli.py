"""The command line, run as a person runs it."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from salesdiag import __version__, cli
from salesdiag.intake.inspection import inspect
from salesdiag.intake.load import load

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


def hostile(folder: Path) -> Path:
    (folder / "deals.csv").write_text(
        "deal_id,status,created_at,closed_at,amount,stage\n"
        '"\x1b]0;owned\x07\x1b[2JA\nerror   deals: forged",won,2025-03-01,2025-01-01,1,[red]x\n'
        "B,lost,2025-03-01,2025-03-02,2,y\n",
        newline="",
    )
    return folder


@pytest.mark.parametrize("command", ["audit", "check"])
def test_crm_text_cannot_steer_the_terminal(command, tmp_path) -> None:
    done = run(command, str(hostile(tmp_path)), "--as-of", "2025-12-31", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "\x07" not in done.stdout + done.stderr
    assert "\nerror   deals: forged" not in done.stdout


def test_a_draft_and_an_error_cannot_steer_the_terminal(tmp_path) -> None:
    export = tmp_path / "deals.csv"
    export.write_text("deal_id,status,\x1b[2Jx\u202e\nA,w\x1b[31mon,1\n", encoding="utf-8")
    done = run("inspect", str(export))
    assert done.returncode == 0, done.stderr
    assert not set("\x1b\u202e") & set(done.stdout)
    tomllib.loads(done.stdout)
    failed = run("check", "no\x1b[2J\nwhere")
    assert failed.returncode == 2
    assert "\x1b" not in failed.stderr
    assert failed.stderr.count("\n") == 1


def test_progress_takes_no_markup(monkeypatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with cli._progress() as tell:
        tell("reading [/red] \x1b[2J")


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "1969-12-31", "2200-01-01"])
def test_a_day_of_no_department_is_refused(day, tmp_path) -> None:
    done = run("audit", str(SAMPLE), "--as-of", day, "--out", str(tmp_path / "o"))
    assert done.returncode == 2
    assert done.stderr.startswith("salesdiag: as_of must be a day of the years 1970 to 2199")
    assert not (tmp_path / "o").exists()


needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX shell")


@needs_posix
@pytest.mark.parametrize("end", ["> /dev/full", ">&-", "| true"])
def test_an_output_that_goes_nowhere_ends_with_one_message(end) -> None:
    if "full" in end and not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    code = "from salesdiag.cli import main; main()"
    command = f'{{ "{sys.executable}" -c "{code}" check sample_data; echo "status $?" >&2; }} {end}'
    if end != "| true":
        command = f'"{sys.executable}" -c "{code}" check sample_data {end}; echo "status $?" >&2'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert "status 2" in done.stderr
    assert "salesdiag: cannot write to standard output" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def broken(*_arguments: object, **_more: object) -> None:
    raise ZeroDivisionError("Ivan Petrov")


def test_an_unexpected_error_ends_with_one_line(monkeypatch, capsys) -> None:
    monkeypatch.setattr("salesdiag.intake.load.load", broken)
    monkeypatch.setattr(sys, "argv", ["salesdiag", "check", "sample_data"])
    monkeypatch.delenv("SALESDIAG_TRACEBACK", raising=False)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said == (
        "salesdiag: unexpected ZeroDivisionError; set SALESDIAG_TRACEBACK=1 to see where\n"
    )
    monkeypatch.setenv("SALESDIAG_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        cli.main()


@pytest.mark.parametrize("url", ["postgres://u:secret@h/d?x=secret", "postgres:/u:secret@h/d"])
@pytest.mark.parametrize("command", ["inspect", "check"])
def test_a_password_is_not_repeated(command, url) -> None:
    done = run(command, url)
    assert done.returncode == 2
    assert "secret" not in done.stdout + done.stderr
    if command == "inspect":
        assert "is no file" in done.stderr


@pytest.mark.parametrize(
    ("name", "key"), [("сделки.csv", "export"), ("Отчёт 2025 (v2).csv", "2025_v2"),
                      ('a"b.c d.csv', "a_b_c_d"), ("---.csv", "export")],
)  # fmt: skip
@pytest.mark.skipif(sys.platform == "win32", reason="names that Windows does not take")
def test_every_draft_parses_whatever_the_file_is_called(name, key, tmp_path) -> None:
    (tmp_path / name).write_text('deal_id,status,"a ""b\tc"\n1,won,x\n2,los\u00e9,y\n', "utf-8")
    draft = tomllib.loads(inspect(tmp_path / name))
    assert draft["sources"][key]["file"] == name
    assert draft["tables"]["deals"]["source"] == key


@pytest.mark.parametrize(("mark", "written"), [(";", ";"), ("\t", "\t"), ("|", "|"), (",", None)])
def test_a_draft_says_how_the_file_was_read(mark, written, tmp_path) -> None:
    rows = [["Report of Ivan"], [], ["deal_id", "status", "created_at"], ["1", "won", "2025-01-31"]]
    lines = [mark.join(row) for row in rows]
    (tmp_path / "deals.csv").write_text("\n".join(lines) + "\n")
    source = tomllib.loads(inspect(tmp_path / "deals.csv"))["sources"]["deals"]
    assert source.get("delimiter") == written
    assert source["header_row"] == 3
    (tmp_path / "mapping.toml").write_text(inspect(tmp_path / "deals.csv"), encoding="utf-8")
    assert run("check", str(tmp_path), "--as-of", "2025-12-31").returncode == 0


def test_rows_quoted_in_a_draft_are_masked(tmp_path) -> None:
    (tmp_path / "deals.csv").write_text(
        "deal_id;status;created_at;amount\n1;won;31.12.2025;1 234,50\n"
        "2;lost;30.12.2025;Ivan Petrov\n3;lost;30.12.2025;7;Olga Smirnova;+49 170 55\n",
    )
    text = inspect(tmp_path / "deals.csv")
    for secret in ("Olga", "Smirnova", "Ivan", "170", "234,50", "31.12.2025"):
        assert secret not in text
    assert "delimiter semicolon (most regular)" in text


def test_simulate_writes_a_department_that_loads(tmp_path) -> None:
    arguments = ["simulate", str(tmp_path / "made"), "--cause", "stage_leak", "--reps", "5"]
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    assert "stage_leak in the department since 2025-01-01" in done.stdout
    assert load(tmp_path / "made").deals.count().execute() > 100
    wrong = run("simulate", str(tmp_path / "other"), "--cause", "stage_leek")
    assert wrong.returncode == 2
    assert "Did you mean 'stage_leak'?" in wrong.stderr
