"""The picture of a finding: the place that it names among those it was held against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.present.pictures import canvas, finished
from salesdiag.present.speech import names_of
from salesdiag.stats.rates import normal_quantile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from salesdiag.diagnosis.finding import Diagnosis, Finding
    from salesdiag.present.pictures import Picture
    from salesdiag.present.speech import Speech

_MOST = 10  # places drawn
_HIGHEST = 1.1  # as a logarithm, three times: what is drawn of a range
_WIDEST = 2.5  # as a logarithm: what is less sure says nothing in a picture
_ROW, _CHROME = 0.3, 1.45  # inches


def evidence_picture(diagnosis: Diagnosis, rank: int, speech: Speech) -> Picture | None:
    """Draw the changes that speak for a finding; None where its evidence is of another kind."""
    finding = diagnosis.findings[rank - 1]
    table = finding.table
    if not {"level", "ids", "log_ratio", "standard_error"} <= set(table.columns):
        return None
    rows = _places(table, finding)
    if not len(rows):
        return None
    figure, axes = canvas(_CHROME + _ROW * max(len(rows), 3))
    _draw(axes, rows, diagnosis, finding, speech)
    return finished(figure, axes, f"finding-{rank}")


def _places(table: pd.DataFrame, finding: Finding) -> pd.DataFrame:
    """Take the place that is named and the likeliest others, the department before all."""
    error = table["standard_error"]
    known = table[np.isfinite(table["log_ratio"]) & (error > 0) & (error < _WIDEST)]
    named = (known["level"] == finding.scope.level) & (known["ids"] == (finding.scope.id or ""))
    order = np.select([named, known["level"] == "department"], [0, 1], default=2)
    rows: pd.DataFrame = known.assign(_order=order, is_named=named).sort_values(
        "_order", kind="stable"
    )
    if not named.any():
        return rows.head(0)
    alike = rows.loc[(rows["_order"] < 2) | (rows["level"] == _told_level(rows, finding))]
    kept: pd.DataFrame = alike.drop(columns="_order").head(_MOST).reset_index(drop=True)
    return kept


def _told_level(rows: pd.DataFrame, finding: Finding) -> str:
    """Give the level whose places are shown beside: that of the finding, or the likeliest."""
    if finding.scope.level != "department":
        return str(finding.scope.level)
    others = rows[rows["_order"] == 2]["level"]
    return str(others.iloc[0]) if len(others) else ""


def _draw(
    axes: Axes, rows: pd.DataFrame, diagnosis: Diagnosis, finding: Finding, speech: Speech
) -> None:
    from salesdiag.present.locale.causes import scope_text
    from salesdiag.present.plots import style

    style.start(axes, 0)
    normal = normal_quantile(diagnosis.confidence)
    place = np.arange(len(rows))[::-1]
    middle, reach = rows["log_ratio"].to_numpy(), normal * rows["standard_error"].to_numpy()
    is_cut = bool((middle + reach > _HIGHEST).any())
    cut = [np.minimum(one, _HIGHEST) for one in (middle - reach, middle + reach, middle)]
    *ends, middle = (100 * np.expm1(one) for one in cut)
    for one in range(len(rows)):
        named = bool(rows["is_named"].iloc[one])
        colour = style.WARN if named else style.ACCENT
        axes.plot([ends[0][one], ends[1][one]], [place[one]] * 2, color=colour,
                  linewidth=2.4 if named else 1.4)  # fmt: skip
        axes.plot([middle[one]], [place[one]], "D" if named else "o", color=colour, markersize=6)
    axes.axvline(0, color=style.INK, linewidth=1, linestyle="--")
    people = names_of(diagnosis)
    names = [
        speech.say("the department") if level == "department"
        else scope_text(level, [people.get(one, one) for one in ids.split(", ")]
                        if level == "rep" else ids.split(", "), speech.language)
        for level, ids in zip(rows["level"], rows["ids"], strict=True)
    ]  # fmt: skip
    axes.set_yticks(place, [_short(one) for one in names], parse_math=False)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    style.scale(axes.xaxis, "number", speech.language)
    axes.set_xlabel(speech.say("Change against what would be usual, %"))
    notes = [
        speech.say("line: {level} range", level=speech.percent(diagnosis.confidence)),
        speech.say("dashed: no change"),
        speech.say("ranges are drawn up to +200 %") if is_cut else "",
        f"n = {speech.plain(finding.n)}",
    ]  # fmt: skip
    style.finish(axes, _title(finding, speech), notes)


def _title(finding: Finding, speech: Speech) -> str:
    """State the reading: what was measured, and what would be usual."""
    return speech.say(
        "{cause}: {measured}, usual {expected}", cause=speech.cause(finding.cause),
        measured=speech.figure(finding.measured, finding.cause),
        expected=speech.figure(finding.expected, finding.cause),
    )  # fmt: skip


def _short(name: str, most: int = 34) -> str:
    from salesdiag.present.plots.names import clean

    return clean(name, most)
