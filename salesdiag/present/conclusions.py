"""Sentences on where the department stands, what was found, and whom it needs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from salesdiag.present.labels import money

if TYPE_CHECKING:
    from salesdiag.diagnosis.finding import Diagnosis, Split, Standing

_MOST = 5  # names in a sentence; more are counted
_CONTROLLED = {
    "direct": "what the head of sales controls", "indirect": "what the company controls",
    "external": "what nobody inside controls",
}  # fmt: skip


def past(diagnosis: Diagnosis) -> str:
    """Say where the result stands against the same season a year before."""
    for one in diagnosis.standings:
        if one.against == "past" and not math.isnan(one.ratio):
            reach = f"({100 * one.low:.0f} % to {100 * one.high:.0f} %)"
            ratio = f"{100 * one.ratio:.0f} % of the same days a year before {reach}"
            return _against_past(one, f"Sales are {ratio}")
    return ""


def _against_past(one: Standing, start: str) -> str:
    return {
        "below": f"{start}: below, beyond chance.",
        "above": f"{start}: above, beyond chance.",
        "as expected": f"{start}: no difference that chance does not make.",
    }.get(one.verdict, f"{start}, which tells little: {one.reason}.")


def inside(diagnosis: Diagnosis) -> list[str]:
    """Say whether teams or reps differ with the same deals."""
    said, alike = [], []
    for one in diagnosis.standings:
        if one.against not in ("teams", "reps") or one.verdict == "cannot tell":
            continue
        if one.verdict == "below":
            noun = one.against if len(one.ids) > 1 else one.against[:-1]
            names = [_person(diagnosis, one.against, name) for name in one.ids]
            more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
            who = ", ".join(names[:_MOST]) + more
            lowest = " at the lowest" if len(one.ids) > 1 else ""
            said.append(
                f"Below the others with the same deals, beyond chance: {noun} {who} "
                f"({100 * one.ratio:.0f} % of the wins to be expected{lowest}, "
                f"{100 * one.low:.0f} % to {100 * one.high:.0f} %)."
            )
        else:
            alike.append(f"{one.n} {one.against}")
    if alike:
        said.append(f"Of {' and '.join(alike)} none is below the others beyond chance.")
    return said


def _person(diagnosis: Diagnosis, against: str, name: str) -> str:
    """Give the name of a rep, where there is one."""
    table = diagnosis.tables.get("win_rate_by_rep_id")
    if against != "reps" or table is None or "rep_name" not in table:
        return name
    found = table.loc[table["rep_id"] == name, "rep_name"].dropna()
    return f"{found.iloc[0]} ({name})" if len(found) else name


def causes_found(diagnosis: Diagnosis) -> str:
    """Say how many causes stand out, of how many."""
    causes = diagnosis.tables.get("causes")
    if causes is None:
        return ""
    examined = int((causes["outcome"] != "not examined").sum())
    found = len(diagnosis.findings)
    looked = f"of the {examined} that could be looked for"
    if not found:
        return f"No cause stands out beyond chance {looked}." if examined else ""
    if found == 1:
        return f"One cause stands out beyond chance, {looked}."
    return f"{found} causes stand out beyond chance, {looked}."


def control_of_gap(diagnosis: Diagnosis) -> str:
    """Say how much of the gap the findings explain, and who controls that."""
    split = diagnosis.split
    if split is None or split.basis == "none" or not diagnosis.findings:
        return ""
    explained = split.direct + split.indirect + split.external
    if not explained:
        return "Nothing of what is missing is explained by that; see the ledger."
    these = "It explains" if len(diagnosis.findings) == 1 else "They explain"
    by = _by_control(split, explained)
    if split.basis == "explained":
        more = "more than is missing, for others gained" if diagnosis.gap.gap < 0 else (
            "which gains elsewhere made up for")  # fmt: skip
        return f"{these} losses of {money(explained, diagnosis.currency)}, {more}: {by}."
    return f"{these} {100 * explained / split.whole:.0f} % of what is missing: {by}."


def _by_control(split: Split, explained: float) -> str:
    """Say who controls what is explained, the largest part first."""
    amounts = {one: getattr(split, one) for one in _CONTROLLED}
    told = [one for one in sorted(amounts, key=lambda one: -amounts[one]) if amounts[one] > 0]
    if len(told) == 1:
        return f"all of it in {_CONTROLLED[told[0]]}"
    return ", ".join(
        f"{100 * amounts[one] / explained:.0f} % of that in {_CONTROLLED[one]}" for one in told
    )


def head_of_sales(diagnosis: Diagnosis) -> str:
    """Say which head of sales the evidence calls for, if any."""
    leader = diagnosis.leader
    if leader is None:
        return ""
    if leader.role == "undecided":
        return f"Which head of sales is needed the evidence does not decide: {leader.reason}."
    article = "an" if leader.role == "architect" else "a"
    return f"The evidence calls for {article} {leader.role} as head of sales ({leader.reason})."


def data_can_tell(diagnosis: Diagnosis) -> str:
    """Say what the data are too few or too short to tell."""
    evidence = diagnosis.evidence
    if evidence is None:
        return ""
    if evidence.reasons:
        few = evidence.verdict == "cannot tell"
        start = "The data cannot tell" if few else "The data can tell in part only"
        return f"{start}: {'; '.join(evidence.reasons)}."
    if math.isnan(evidence.smallest_fall):
        return ""
    return (
        f"A fall of sales by less than {100 * evidence.smallest_fall:.0f} % from one year to the "
        "next would be hard to tell from chance here."
    )
