"""The HTML report: one self-contained file, made in two steps (gather, then render)."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salesdiag.diagnosis.ranking import LEVEL, SURE
from salesdiag.present.answers import (
    GRADES,
    N_FIRST_SCREEN,
    causes_of,
    findings_of,
    leader_of,
    ledger_of,
    split_rows,
)
from salesdiag.present.labels import day_text, format_value, money, unbroken
from salesdiag.present.reading import rows_of_reading
from salesdiag.present.tables import name_of, shown
from salesdiag.present.verdict import details, headline, later, untold

if TYPE_CHECKING:
    import jinja2
    from matplotlib.figure import Figure

    from salesdiag.diagnosis.finding import Diagnosis

_CHAPTERS = (
    ("plan", "Plan", ("target_attainment", "attainment_by_team", "attainment_by_rep_id")),
    ("funnel", "Funnel", ("stage_conversion", "stage_conversion_by_team", "current_stages")),
    ("win-rates", "Win rates", ("win_rate", "win_rate_created", "win_rate_by_team",
                                "win_rate_by_rep_id", "win_rate_by_source",
                                "win_rate_by_segment")),
)  # fmt: skip


def write_html(diagnosis: Diagnosis, path: str | Path) -> Path:
    """Write the audit as one HTML file that needs nothing else.

    All text from the CRM is escaped. The same diagnosis gives the same bytes.

    Parameters
    ----------
    diagnosis : Diagnosis
    path : str or Path

    Returns
    -------
    Path
        Where it was written.
    """
    target = Path(path)
    page = _template().render(gather(diagnosis))
    target.write_text(page, encoding="utf-8", newline="\n")
    return target


def gather(diagnosis: Diagnosis) -> dict[str, Any]:
    """Collect everything the report shows as plain data."""
    return {
        "title": diagnosis.name or "Sales department",
        "diagnosis": diagnosis,
        "headline": [unbroken(sentence) for sentence in headline(diagnosis)],
        "details": [unbroken(sentence) for sentence in details(diagnosis)],
        "bar": _plan_bar(diagnosis),
        "findings": findings_of(diagnosis),
        "n_first": N_FIRST_SCREEN,
        "ledger": ledger_of(diagnosis),
        "split": split_rows(diagnosis),
        "split_basis": "none" if diagnosis.split is None else diagnosis.split.basis,
        "leader": leader_of(diagnosis),
        "causes": causes_of(diagnosis),
        "grades": GRADES,
        "false_share": unbroken(f"{100 * LEVEL:g} %"),
        "sure_share": unbroken(f"{100 * SURE:g} %"),
        "chapters": [_chapter(diagnosis, *chapter) for chapter in _CHAPTERS],
        "check": _table(diagnosis, "check"),
        "reading": rows_of_reading(diagnosis.tables.get("load_report")),
        "untold": untold(diagnosis),
        "not_examined": _not_examined(diagnosis),
        "later": [name_of(one.analysis) for one in later(diagnosis)],
        "confidence": unbroken(f"{100 * diagnosis.confidence:g} %"),
    }


def _not_examined(diagnosis: Diagnosis) -> list[dict[str, Any]]:
    """Put together what could not be examined for the same reason."""
    groups: dict[tuple[str, str], list[str]] = {}
    left = [one for one in diagnosis.not_examined if one not in later(diagnosis)]
    for one in left:
        groups.setdefault((one.reason, one.ask_for), []).append(name_of(one.analysis))
    return [
        {"name": ", ".join(names), "reason": reason, "ask_for": ask_for}
        for (reason, ask_for), names in groups.items()
    ]


def _table(diagnosis: Diagnosis, name: str) -> dict[str, Any]:
    return shown(diagnosis.tables[name], name)


def _plan_bar(diagnosis: Diagnosis) -> dict[str, Any] | None:
    """Give plan and actual as lengths of two bars, in percent of the longer one."""
    gap = diagnosis.gap
    if gap.reference != "plan" or not gap.expected > 0:
        return None
    longest = max(gap.expected, gap.actual_high)
    return {
        "plan": 100 * gap.expected / longest,
        "actual": 100 * gap.actual / longest,
        "low": 100 * gap.actual_low / longest,
        "high": 100 * gap.actual_high / longest,
        "plan_text": unbroken(money(gap.expected, diagnosis.currency)),
        "actual_text": unbroken(money(gap.actual, diagnosis.currency)),
    }


def _chapter(
    diagnosis: Diagnosis, anchor: str, title: str, names: tuple[str, ...]
) -> dict[str, Any]:
    # a table of one pipeline is named "stage_conversion: pipeline"
    tables = [
        _table(diagnosis, there)
        for name in names
        for there in diagnosis.tables
        if there.split(":")[0] == name
    ]
    missed = [one for one in diagnosis.not_examined if one.analysis.split(":")[0] in names]
    return {
        "anchor": anchor,
        "title": title,
        "picture": _picture(diagnosis, anchor),
        "tables": tables,
        "missed": [{"name": name_of(one.analysis), "reason": one.reason} for one in missed],
    }


def _picture(diagnosis: Diagnosis, anchor: str) -> dict[str, str] | None:
    from salesdiag.present.plots import plot_stage_conversion, plot_target_attainment

    if anchor == "plan" and "target_attainment" in diagnosis.tables:
        table = diagnosis.tables["target_attainment"].tail(12)
        if not table["attainment"].notna().any():
            return None
        figure = _figure(len(table), 18)
        plot_target_attainment(table, ax=figure.axes[0])
        alt = "; ".join(
            f"{row.period_start:%b %Y} to {row.period_end:%b %Y}: "
            f"{format_value('attainment', row.attainment)}"
            for row in table.itertuples()
        )
        return {"svg": _svg(figure), "alt": f"Plan attainment by period. {alt}"}
    if anchor == "funnel" and "stage_conversion" in diagnosis.tables:
        table = diagnosis.tables["stage_conversion"]
        if not len(table) or table["from_stage"].duplicated().any():
            return None
        steps = table["from_stage"].str.len() + table["to_stage"].str.len() + 3
        figure = _figure(len(table), int(steps.max()))
        plot_stage_conversion(table, ax=figure.axes[0])
        alt = "; ".join(
            f"{row.from_stage} to {row.to_stage}: "
            f"{format_value('conversion_rate', row.conversion_rate)}"
            for row in table.itertuples()
        )
        return {"svg": _svg(figure), "alt": f"Conversion from stage to stage. {alt}"}
    return None


def _figure(n_rows: int, n_letters: int) -> Figure:
    """Make a figure apart from pyplot, so that the user's session is not touched."""
    from matplotlib.figure import Figure

    height = 0.9 + 0.55 * n_rows
    figure = Figure(figsize=(7.2, height))
    # fixed margins: fitting them to the text would draw everything twice
    left = min(0.04 + 0.0125 * n_letters, 0.5)
    figure.add_axes((left, 0.6 / height, 0.96 - left, 1 - 0.7 / height))
    return figure


def _svg(figure: Figure) -> str:
    """Write a figure as inline SVG: text stays text, ids and dates do not change."""
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "salesdiag"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None},
                       transparent=True)  # fmt: skip
    text = buffer.getvalue()
    return text[text.index("<svg") :]


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("salesdiag.present"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["day"] = lambda day: unbroken(day_text(day))
    return environment.get_template("report.html.j2")
