"""The sentences of the first screen, made from a diagnosis."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from salesdiag.present.labels import money, share

if TYPE_CHECKING:
    import pandas as pd

    from salesdiag.diagnosis.finding import Diagnosis

# fewer events than this are no evidence; a step with fewer is not named
_ENOUGH = 30


def verdict(diagnosis: Diagnosis) -> list[str]:
    """Say in a few sentences how bad it is, how sure, and where to look."""
    sentences = [_result(diagnosis), _chance(diagnosis), _weakest_step(diagnosis)]
    sentences += [_win_rate(diagnosis), _data(diagnosis)]
    return [sentence for sentence in sentences if sentence]


def _result(diagnosis: Diagnosis) -> str:
    gap, currency = diagnosis.gap, diagnosis.currency
    if gap.reference == "none" or not gap.expected:
        if math.isnan(gap.actual):
            return "Sales of the window cannot be told: amounts or closing dates are missing."
        return (
            f"The department sold {money(gap.actual, currency)} from {diagnosis.start:%d %b %Y} to "
            f"{diagnosis.end:%d %b %Y}. There is no plan to hold it against."
        )
    short = "short" if gap.gap < 0 else "over"
    attainment = gap.actual / gap.expected
    return (
        f"The department sold {money(gap.actual, currency)} against a plan of "
        f"{money(gap.expected, currency)} from {gap.start:%d %b %Y} to {gap.end:%d %b %Y}: "
        f"{100 * attainment:.0f} %, {money(abs(gap.gap), currency)} {short}."
    )


def _chance(diagnosis: Diagnosis) -> str:
    gap = diagnosis.gap
    if gap.reference == "none" or math.isnan(gap.actual_low) or not gap.expected:
        return ""
    low, high = gap.actual_low / gap.expected, gap.actual_high / gap.expected
    reach = f"from {100 * low:.0f} % to {100 * high:.0f} %"
    chance = "With deals of this number and size, chance alone can move the year"
    if low <= 1 <= high:
        return f"{chance} {reach} of plan: it could explain the difference."
    return f"{chance} {reach} of plan: it does not explain the difference."


def _weakest_step(diagnosis: Diagnosis) -> str:
    steps = diagnosis.tables.get("stage_conversion")
    if steps is None:
        return ""
    known = steps[(steps["n_to"] + steps["n_lost"] >= _ENOUGH) & steps["conversion_rate"].notna()]
    if not len(known):
        return ""
    step = known.sort_values(["conversion_rate", "from_stage"]).iloc[0]
    return (
        f"Fewest deals go on from {step['from_stage']} to {step['to_stage']}: "
        f"{_interval(step, 'conversion_rate')} of {step['n_from']:,}."
    )


def _win_rate(diagnosis: Diagnosis) -> str:
    table = diagnosis.tables.get("win_rate")
    if table is None or not table["n_deals"].iloc[0]:
        return ""
    row = table.iloc[0]
    return f"Of {row['n_deals']:,} deals closed, {_interval(row, 'win_rate')} were won."


def _interval(row: pd.Series, name: str) -> str:
    return f"{share(row[name])} ({share(row[name + '_low'])} to {share(row[name + '_high'])})"


def _data(diagnosis: Diagnosis) -> str:
    found = diagnosis.tables["check"]["severity"].value_counts()
    errors, warnings = int(found.get("error", 0)), int(found.get("warning", 0))
    if not errors and not warnings:
        return "The data contradict themselves nowhere that was looked at."
    return (
        f"The data have {errors} {'error' if errors == 1 else 'errors'} and {warnings} "
        f"{'warning' if warnings == 1 else 'warnings'}; see the chapter on data."
    )
