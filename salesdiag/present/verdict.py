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
from salesdiag.present.speech import Speech, names_of

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from salesdiag.diagnosis.finding import Diagnosis, NotExamined

# fewer events than this are no evidence; a step with fewer is not named
_ENOUGH = 30
_MOST_NAMES = 6  # more are counted
_LATER = "this version"
_MANY_ASIDE = 0.02  # rows set aside beyond this share are said in the first sentences


def verdict(diagnosis: Diagnosis, *, language: str = "en") -> list[str]:
    """Say in a few sentences how bad it is, how sure, why, and where to look."""
    return headline(diagnosis, language=language) + details(diagnosis, language=language)


def headline(diagnosis: Diagnosis, *, language: str = "en") -> list[str]:
    """Say what was sold against what, whether it can be chance, and what was found."""
    speech = Speech(language, diagnosis.currency)
    sentences = [_result(diagnosis, speech), _chance(diagnosis, speech)]
    sentences += _understated(diagnosis, speech)
    if diagnosis.gap.reference == "past":
        sentences.append(past(diagnosis, speech))
    sentences += [causes_found(diagnosis, speech), control_of_gap(diagnosis, speech)]
    return [sentence for sentence in sentences if sentence]


def details(diagnosis: Diagnosis, *, language: str = "en") -> list[str]:
    """Say where the department stands otherwise, whom it needs, and what the data can tell."""
    speech = Speech(language, diagnosis.currency)
    sentences = [] if diagnosis.gap.reference == "past" else [past(diagnosis, speech)]
    sentences += [*inside(diagnosis, speech), head_of_sales(diagnosis, speech)]
    sentences += [_lowest_step(diagnosis, speech), _win_rate(diagnosis, speech)]
    sentences += [data_can_tell(diagnosis, speech), _data(diagnosis, speech)]
    return [sentence for sentence in sentences if sentence]


def top_findings(diagnosis: Diagnosis, most: int, *, language: str = "en") -> list[str]:
    """Give the first findings, each on one line."""
    speech, names = Speech(language, diagnosis.currency), names_of(diagnosis)
    return [
        f"{rank}  {speech.reading(one, names)}  {money_text(one, speech)}  "
        f"{speech.say('grade {grade}', grade=one.grade)}  {speech.word(one.control)}"
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


def untold(diagnosis: Diagnosis, *, language: str = "en") -> str:
    """Name what cannot be told from these data; empty if nothing."""
    speech = Speech(language)
    return speech.listed(names_inside(lacking(diagnosis), speech), _MOST_NAMES)


def names_inside(missed: list[NotExamined], speech: Speech) -> list[str]:
    """Name what was not examined as it stands inside a sentence."""
    names = [speech.cause(one.analysis) for one in missed]
    return [one if one[:2].isupper() else one[:1].lower() + one[1:] for one in names]


def _result(diagnosis: Diagnosis, speech: Speech) -> str:
    gap = diagnosis.gap
    if math.isnan(gap.actual):
        return _no_sales(diagnosis, speech)
    amount = speech.money(gap.actual)
    if gap.reference == "none" or not gap.expected:
        when = _days(gap.start or diagnosis.start, gap.end or diagnosis.end, speech)
        sold = speech.say("The department sold {amount} {when}.", amount=amount, when=when)
        return f"{sold} {_no_plan(diagnosis, speech)}"
    figures = {
        "amount": amount, "when": _when(diagnosis, speech),
        "share": speech.percent(gap.actual / gap.expected), "gap": speech.money(abs(gap.gap)),
    }  # fmt: skip
    if gap.reference == "past":
        message = "The department sold {amount} {when}, and {base} in the same days a year "
        message += "before: {share}, {gap} " + ("less." if gap.gap < 0 else "more.")
        sold = speech.say(message, base=speech.money(gap.expected), **figures)
        return f"{sold} {_no_plan(diagnosis, speech)}"
    message = "The department sold {amount} against a plan of {plan} {when}: {share}, {gap} "
    message += "short." if gap.gap < 0 else "over."
    return speech.say(message, plan=speech.money(gap.expected), **figures)


def _days(first: date, last: date, speech: Speech) -> str:
    return speech.say("from {first} to {last}", first=speech.day(first), last=speech.day(last))


def _no_sales(diagnosis: Diagnosis, speech: Speech) -> str:
    """Say why there is no figure of sales."""
    won = diagnosis.tables.get("win_rate")
    if diagnosis.gap.start is None:
        return speech.say(
            "Sales of the window cannot be told: amounts or closing dates are missing."
        )
    if won is not None and not won["n_won"].sum():
        days = {"first": speech.day(diagnosis.start), "last": speech.day(diagnosis.end)}
        none = speech.say("No deal was won in the window, from {first} to {last}.", **days)
        return f"{none} {_no_plan(diagnosis, speech)}"
    return speech.say("Sales of the window cannot be told.")


def _no_plan(diagnosis: Diagnosis, speech: Speech) -> str:
    """Say why there is nothing to hold the sales against."""
    if diagnosis.gap.reference == "plan":
        return speech.say("The plan adds up to 0: there is nothing to hold it against.")
    if "target_attainment" in diagnosis.tables:
        return speech.say("The plan has no complete period in the window to hold it against.")
    missed = [one for one in diagnosis.not_examined if one.analysis == "target_attainment"]
    if missed and not any(name.startswith("targets") for name in missed[0].missing):
        return speech.say(
            "The plan cannot be held against it; see the chapter on what was not examined."
        )
    return speech.say("There is no plan to hold it against.")


def _when(diagnosis: Diagnosis, speech: Speech) -> str:
    """Say which days the periods of the plan cover, holes between them included."""
    gap = diagnosis.gap
    if gap.start is None or gap.end is None:
        return speech.say("in the window")
    if not _has_hole(diagnosis):
        return _days(gap.start, gap.end, speech)
    return speech.count(
        "in the {n} period with a plan between {first} and {last}",
        "in the {n} periods with a plan between {first} and {last}", gap.n_periods,
        first=speech.day(gap.start), last=speech.day(gap.end),
    )  # fmt: skip


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


def _chance(diagnosis: Diagnosis, speech: Speech) -> str:
    gap = diagnosis.gap
    if gap.reference != "plan" or math.isnan(gap.actual_low) or not gap.expected:
        return ""
    low, high = gap.actual_low / gap.expected, gap.actual_high / gap.expected
    # an end that rounds to the plan itself is written finer
    digits = 1 if any(round(end, 2) == 1 != end for end in (low, high)) else 0
    ends = {"low": speech.percent(low, digits), "high": speech.percent(high, digits)}
    if low <= 1 <= high:
        return speech.say(
            "With deals of this number and size, chance alone can move the result from {low} to "
            "{high} of plan; the plan lies inside that range: the difference can be chance.",
            **ends,
        )
    return speech.say(
        "With deals of this number and size, chance alone can move the result from {low} to "
        "{high} of plan; the plan lies outside that range.", **ends,
    )  # fmt: skip


def _understated(diagnosis: Diagnosis, speech: Speech) -> list[str]:
    """Say which won deals and rows the figures lack."""
    rows = diagnosis.tables["check"]
    of_deals = rows[(rows["table"] == "deals") & (rows["severity"] == "error")]
    said = [
        speech.say(
            "{n} of {all} won deals have no closing date and count in no period: the figures "
            "above are at least that.", n=int(row["n_failing"]), all=int(row["n_examined"]),
        )
        for row in of_deals[of_deals["rule"] == "won without a closing date"].to_dict("records")
    ]  # fmt: skip
    aside = of_deals[of_deals["rule"].str.startswith("set aside:")]
    n_aside, n_rows = int(aside["n_failing"].sum()), int(max([0, *aside["n_examined"]]))
    if n_aside > _MANY_ASIDE * n_rows:
        said.append(speech.say(
            "{n} of {all} rows of deals were set aside and are in no figure: the figures above "
            "are at least that.", n=n_aside, all=n_rows,
        ))  # fmt: skip
    return said


def _lowest_step(diagnosis: Diagnosis, speech: Speech) -> str:
    steps = diagnosis.tables.get("stage_conversion")
    if steps is None:
        return ""
    known = steps[(steps["n_to"] + steps["n_lost"] >= _ENOUGH) & steps["conversion_rate"].notna()]
    if not len(known):
        return ""
    step = known.sort_values(["conversion_rate", "from_stage"]).iloc[0]
    return speech.say(
        "Lowest step: {from_stage} to {to_stage}, {rate} of {n}; steps differ by nature, so "
        "compare teams before calling it a fault.", from_stage=step["from_stage"],
        to_stage=step["to_stage"], rate=_interval(step, "conversion_rate", speech),
        n=int(step["n_from"]),
    )  # fmt: skip


def _win_rate(diagnosis: Diagnosis, speech: Speech) -> str:
    table = diagnosis.tables.get("win_rate")
    if table is None or not table["n_deals"].iloc[0]:
        return ""
    row = table.iloc[0]
    return speech.count(
        "Of {n} deal closed, {rate} were won.", "Of {n} deals closed, {rate} were won.",
        int(row["n_deals"]), rate=_interval(row, "win_rate", speech),
    )  # fmt: skip


def _interval(row: pd.Series, name: str, speech: Speech) -> str:
    low, high = (speech.share(row[f"{name}_{end}"]) for end in ("low", "high"))
    return f"{speech.share(row[name])} ({speech.say('{low} to {high}', low=low, high=high)})"


def _data(diagnosis: Diagnosis, speech: Speech) -> str:
    found = diagnosis.tables["check"]["severity"].value_counts()
    errors, warnings = int(found.get("error", 0)), int(found.get("warning", 0))
    if not errors and not warnings:
        return speech.say("The data contradict themselves nowhere that was looked at.")
    return speech.say(
        "The data have {errors} and {warnings}; see the chapter on data.",
        errors=speech.count("{n} error", "{n} errors", errors),
        warnings=speech.count("{n} warning", "{n} warnings", warnings),
    )
