"""The sentences of the first screen, made from a diagnosis."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from salesdiag.present.answers import money_text
from salesdiag.present.conclusions import (
    causes_found,
    control_of_gap,
    data_can_tell,
    head_of_sales,
    inside,
    past,
)
from salesdiag.present.labels import day_text, money, share
from salesdiag.present.tables import name_of

if TYPE_CHECKING:
    import pandas as pd

    from salesdiag.diagnosis.finding import Diagnosis, NotExamined

# fewer events than this are no evidence; a step with fewer is not named
_ENOUGH = 30
_MOST_NAMES = 6  # more are counted
_LATER = "this version"
_MANY_ASIDE = 0.02  # rows set aside beyond this share are said in the first sentences


def verdict(diagnosis: Diagnosis) -> list[str]:
    """Say in a few sentences how bad it is, how sure, why, and where to look."""
    return headline(diagnosis) + details(diagnosis)


def headline(diagnosis: Diagnosis) -> list[str]:
    """Say what was sold against what, whether it can be chance, and what was found."""
    sentences = [_result(diagnosis), _chance(diagnosis), *_understated(diagnosis)]
    if diagnosis.gap.reference == "past":
        sentences.append(past(diagnosis))
    sentences += [causes_found(diagnosis), control_of_gap(diagnosis)]
    return [sentence for sentence in sentences if sentence]


def details(diagnosis: Diagnosis) -> list[str]:
    """Say where the department stands otherwise, whom it needs, and what the data can tell."""
    sentences = [] if diagnosis.gap.reference == "past" else [past(diagnosis)]
    sentences += [*inside(diagnosis), head_of_sales(diagnosis)]
    sentences += [_lowest_step(diagnosis), _win_rate(diagnosis)]
    sentences += [data_can_tell(diagnosis), _data(diagnosis)]
    return [sentence for sentence in sentences if sentence]


def top_findings(diagnosis: Diagnosis, most: int) -> list[str]:
    """Give the first findings, each on one line."""
    return [
        f"{rank}  {one.reading}  {money_text(one, diagnosis.currency)}  grade {one.grade}  "
        f"{one.control}"
        for rank, one in enumerate(diagnosis.findings[:most], start=1)
    ]


def lacking(diagnosis: Diagnosis) -> list[NotExamined]:
    """Give what could not be examined because the data lack something."""
    return [
        one for one in diagnosis.not_examined
        if (one.missing or one.ask_for) and _LATER not in one.reason
    ]  # fmt: skip


def later(diagnosis: Diagnosis) -> list[NotExamined]:
    """Give what this version does not examine yet, whatever the data hold."""
    return [one for one in diagnosis.not_examined if _LATER in one.reason]


def untold(diagnosis: Diagnosis) -> str:
    """Name what cannot be told from these data; empty if nothing."""
    names = [name_of(one.analysis) for one in lacking(diagnosis)]
    plain = [one if one.startswith("CRM") else one[:1].lower() + one[1:] for one in names]
    more = len(plain) - _MOST_NAMES
    return ", ".join(plain[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _result(diagnosis: Diagnosis) -> str:
    gap, currency = diagnosis.gap, diagnosis.currency
    if math.isnan(gap.actual):
        return _no_sales(diagnosis)
    if gap.reference == "none" or not gap.expected:
        return (
            f"The department sold {money(gap.actual, currency)} from "
            f"{day_text(gap.start or diagnosis.start)} to {day_text(gap.end or diagnosis.end)}. "
            f"{_no_plan(diagnosis)}"
        )
    short = "short" if gap.gap < 0 else "over"
    attainment = gap.actual / gap.expected
    figures = f"{100 * attainment:.0f} %, {money(abs(gap.gap), currency)}"
    sold = f"The department sold {money(gap.actual, currency)}"
    expected = money(gap.expected, currency)
    if gap.reference == "past":
        less = "less" if gap.gap < 0 else "more"
        return (
            f"{sold} {_when(diagnosis)}, and {expected} in the same days a year before: "
            f"{figures} {less}. {_no_plan(diagnosis)}"
        )
    return f"{sold} against a plan of {expected} {_when(diagnosis)}: {figures} {short}."


def _no_sales(diagnosis: Diagnosis) -> str:
    """Say why there is no figure of sales."""
    won = diagnosis.tables.get("win_rate")
    if diagnosis.gap.start is None:
        return "Sales of the window cannot be told: amounts or closing dates are missing."
    if won is not None and not won["n_won"].sum():
        first, last = day_text(diagnosis.start), day_text(diagnosis.end)
        return f"No deal was won in the window, from {first} to {last}. {_no_plan(diagnosis)}"
    return "Sales of the window cannot be told."


def _no_plan(diagnosis: Diagnosis) -> str:
    """Say why there is nothing to hold the sales against."""
    if diagnosis.gap.reference == "plan":
        return "The plan adds up to 0: there is nothing to hold it against."
    if "target_attainment" in diagnosis.tables:
        return "The plan has no complete period in the window to hold it against."
    missed = [one for one in diagnosis.not_examined if one.analysis == "target_attainment"]
    if missed and not any(name.startswith("targets") for name in missed[0].missing):
        return "The plan cannot be held against it; see the chapter on what was not examined."
    return "There is no plan to hold it against."


def _when(diagnosis: Diagnosis) -> str:
    """Say which days the periods of the plan cover, holes between them included."""
    gap = diagnosis.gap
    if gap.start is None or gap.end is None:
        return "in the window"
    first, last = day_text(gap.start), day_text(gap.end)
    if _has_hole(diagnosis):
        noun = "period" if gap.n_periods == 1 else "periods"
        return f"in the {gap.n_periods} {noun} with a plan between {first} and {last}"
    return f"from {first} to {last}"


def _has_hole(diagnosis: Diagnosis) -> bool:
    """Tell whether days between the first and the last of the plan's periods have no plan."""
    gap, table = diagnosis.gap, diagnosis.tables.get("target_attainment")
    if table is None:
        return False
    inside = table["is_complete"] & table["target"].notna()
    inside &= table["period_start"].dt.date.ge(gap.start) & table["period_end"].dt.date.le(gap.end)
    periods = table[inside].drop_duplicates(["period_start", "period_end"])
    days = (periods["period_end"] - periods["period_start"]).dt.days + 1
    grain = (days / 30.4).round().clip(lower=1)
    for _grain, held in periods.groupby(grain):
        if len(held) == gap.n_periods:
            ordered = held.sort_values("period_start")
            between = ordered["period_start"].iloc[1:].array - ordered["period_end"].iloc[:-1].array
            return bool((between.days > 1).any())
    return False


def _chance(diagnosis: Diagnosis) -> str:
    gap = diagnosis.gap
    if gap.reference != "plan" or math.isnan(gap.actual_low) or not gap.expected:
        return ""
    low, high = gap.actual_low / gap.expected, gap.actual_high / gap.expected
    # an end that rounds to the plan itself is written finer
    digits = 1 if any(round(end, 2) == 1 != end for end in (low, high)) else 0
    reach = f"from {100 * low:.{digits}f} % to {100 * high:.{digits}f} %"
    chance = "With deals of this number and size, chance alone can move the result"
    if low <= 1 <= high:
        return (
            f"{chance} {reach} of plan; the plan lies inside that range: the difference can be "
            "chance."
        )
    return f"{chance} {reach} of plan; the plan lies outside that range."


def _understated(diagnosis: Diagnosis) -> list[str]:
    """Say which won deals and rows the figures lack."""
    rows = diagnosis.tables["check"]
    of_deals = rows[(rows["table"] == "deals") & (rows["severity"] == "error")]
    said = []
    for row in of_deals[of_deals["rule"] == "won without a closing date"].itertuples():
        said.append(  # noqa: PERF401
            f"{row.n_failing:,} of {row.n_examined:,} won deals have no closing date and count "
            "in no period: the figures above are at least that."
        )
    aside = of_deals[of_deals["rule"].str.startswith("set aside:")]
    n_aside, n_rows = int(aside["n_failing"].sum()), max([0, *aside["n_examined"]])
    if n_aside > _MANY_ASIDE * n_rows:
        said.append(
            f"{n_aside:,} of {n_rows:,} rows of deals were set aside and are in no figure: the "
            "figures above are at least that."
        )
    return said


def _lowest_step(diagnosis: Diagnosis) -> str:
    steps = diagnosis.tables.get("stage_conversion")
    if steps is None:
        return ""
    known = steps[(steps["n_to"] + steps["n_lost"] >= _ENOUGH) & steps["conversion_rate"].notna()]
    if not len(known):
        return ""
    step = known.sort_values(["conversion_rate", "from_stage"]).iloc[0]
    return (
        f"Lowest step: {step['from_stage']} to {step['to_stage']}, "
        f"{_interval(step, 'conversion_rate')} of {step['n_from']:,}; steps differ by nature, so "
        "compare teams before calling it a fault."
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
