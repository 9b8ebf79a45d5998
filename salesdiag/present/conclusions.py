"""Sentences on where the department stands, what was found, and whom it needs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from salesdiag.diagnosis.ranking import SURE
from salesdiag.present.locale.causes import scope_text
from salesdiag.present.speech import names_of

if TYPE_CHECKING:
    from salesdiag.diagnosis.finding import Diagnosis, Finding, Split, Standing
    from salesdiag.present.speech import Speech

_MOST = 5  # names in a sentence; more are counted
_CONTROLLED = {
    "direct": "what the head of sales controls", "indirect": "what the company controls",
    "external": "what nobody inside controls",
}  # fmt: skip


def past(diagnosis: Diagnosis, speech: Speech) -> str:
    """Say where the result stands against the same season a year before."""
    for one in diagnosis.standings:
        if one.against == "past" and not math.isnan(one.ratio):
            return _against_past(one, speech)
    return ""


def _against_past(one: Standing, speech: Speech) -> str:
    start = "Sales are {share} of the same days a year before ({low} to {high})"
    ends = {
        "below": ": below, beyond chance.", "above": ": above, beyond chance.",
        "as expected": ": no difference that chance does not make.",
    }  # fmt: skip
    # an end that rounds to the year before itself is written finer
    digits = 1 if any(round(end, 2) == 1 != end for end in (one.low, one.high)) else 0
    return speech.say(
        start + ends.get(one.verdict, ", which tells little: {reason}."),
        share=speech.percent(one.ratio), low=speech.percent(one.low, digits),
        high=speech.percent(one.high, digits), reason=speech.told(one.reason),
    )  # fmt: skip


def inside(diagnosis: Diagnosis, speech: Speech) -> list[str]:
    """Say whether teams or reps differ with the same deals."""
    said, alike = [], []
    for one in diagnosis.standings:
        if one.against not in ("teams", "reps") or one.verdict == "cannot tell":
            continue
        if one.verdict == "below":
            said.append(_below(diagnosis, one, speech))
        else:
            noun = one.against[:-1]
            alike.append(speech.count(f"{{n}} {noun}", f"{{n}} {noun}s", one.n))
    if alike:
        whom = alike[0]
        if len(alike) > 1:
            whom = speech.say("{one} and {other}", one=alike[0], other=alike[1])
        said.append(
            speech.say(
                "Of {whom} with enough deals none is below the others beyond chance.", whom=whom
            )
        )
    return said


def _below(diagnosis: Diagnosis, one: Standing, speech: Speech) -> str:
    names = [scope_text("team", [name], speech.language) for name in one.ids]
    if one.against == "reps":
        known = names_of(diagnosis)
        names = [f"{known[name]} ({name})" if known.get(name, name) != name else name
                 for name in one.ids]  # fmt: skip
    message = "Below the others with the same deals, beyond chance: {who} ({share} of the wins to "
    message += "be expected at the lowest" if len(names) > 1 else "be expected"
    return speech.say(
        message + ", {low} to {high}).", who=speech.listed(names, _MOST),
        share=speech.percent(one.ratio), low=speech.percent(one.low),
        high=speech.percent(one.high),
    )  # fmt: skip


def causes_found(diagnosis: Diagnosis, speech: Speech) -> str:
    """Say how many causes stand out, of how many."""
    causes = diagnosis.tables.get("causes")
    if causes is None:
        return ""
    examined = int((causes["outcome"] != "not examined").sum())
    sure = len(_sure(diagnosis))
    hints = len(diagnosis.findings) - sure
    if not sure:
        said = speech.count(
            "No cause stands out beyond chance of the {n} that could be looked for.",
            "No cause stands out beyond chance of the {n} that could be looked for.", examined,
        ) if examined else ""  # fmt: skip
    else:
        said = speech.count(
            "One cause stands out beyond chance, of the {examined} that could be looked for.",
            "{n} causes stand out beyond chance, of the {examined} that could be looked for.",
            sure, examined=examined,
        )  # fmt: skip
    if not hints:
        return said
    more = speech.count("One is a hint and may be nothing.", "{n} are hints and may be nothing.",
                        hints)  # fmt: skip
    return f"{said} {more}"


def _sure(diagnosis: Diagnosis) -> list[Finding]:
    return [one for one in diagnosis.findings if one.q_value < SURE]


def control_of_gap(diagnosis: Diagnosis, speech: Speech) -> str:
    """Say how much of the gap the findings explain, and who controls that."""
    split = diagnosis.split
    if split is None or split.basis == "none" or not diagnosis.findings:
        return ""
    explained = split.direct + split.indirect + split.external
    if not explained:
        return speech.say("Nothing of what is missing is explained by that; see the ledger.")
    by, n = _by_control(split, explained, speech), len(diagnosis.findings)
    if not _sure(diagnosis):
        by += ", " + speech.say("if the hints hold")
    if split.basis == "explained":
        more = "more than is missing, for others gained" if diagnosis.gap.gap < 0 else (
            "which gains elsewhere made up for")  # fmt: skip
        return speech.count(
            "It explains losses of {amount}, {more}: {by}.",
            "They explain losses of {amount}, {more}: {by}.", n,
            amount=speech.money(explained), more=speech.say(more), by=by,
        )  # fmt: skip
    return speech.count(
        "It explains {share} of what is missing: {by}.",
        "They explain {share} of what is missing: {by}.", n,
        share=speech.percent(explained / split.whole), by=by,
    )  # fmt: skip


def _by_control(split: Split, explained: float, speech: Speech) -> str:
    """Say who controls what is explained, the largest part first."""
    amounts = {one: getattr(split, one) for one in _CONTROLLED}
    told = [one for one in sorted(amounts, key=lambda one: -amounts[one]) if amounts[one] > 0]
    if len(told) == 1:
        return speech.say("all of it in {whom}", whom=speech.say(_CONTROLLED[told[0]]))
    return ", ".join(
        speech.say("{share} of that in {whom}", share=speech.percent(amounts[one] / explained),
                   whom=speech.say(_CONTROLLED[one]))
        for one in told
    )  # fmt: skip


def head_of_sales(diagnosis: Diagnosis, speech: Speech) -> str:
    """Say which head of sales the evidence calls for, if any."""
    leader = diagnosis.leader
    if leader is None:
        return ""
    reason = speech.told(leader.reason)
    if leader.role == "undecided":
        return speech.say("Which head of sales is needed the evidence does not decide: {reason}.",
                          reason=reason)  # fmt: skip
    article = "an" if leader.role == "architect" else "a"
    message = f"The evidence calls for {article} {leader.role} as head of sales ({{reason}})."
    return speech.say(message, reason=reason)


def data_can_tell(diagnosis: Diagnosis, speech: Speech) -> str:
    """Say what the data are too few or too short to tell."""
    evidence = diagnosis.evidence
    if evidence is None:
        return ""
    if evidence.reasons:
        reasons = "; ".join(speech.told(one) for one in evidence.reasons)
        if evidence.verdict == "cannot tell":
            return speech.say("The data cannot tell: {reasons}.", reasons=reasons)
        return speech.say("The data can tell in part only: {reasons}.", reasons=reasons)
    if math.isnan(evidence.smallest_fall):
        return ""
    return speech.say(
        "A fall of sales by less than {share} from one year to the next would be hard to tell "
        "from chance here.", share=speech.percent(evidence.smallest_fall),
    )  # fmt: skip
