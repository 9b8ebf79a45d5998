"""Which head of sales the company needs: an open scorecard, and a decision only if it is clear.

An **architect** builds what is missing or broken: process, rules, plan, pay, CRM. A
**manager** leads people and looks after the day. A **caretaker** holds the course where
nothing inside is wrong. The scorecard is a rule that everybody can add up, not a model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pandas as pd

from salesdiag.diagnosis.finding import Criterion, Leader
from salesdiag.diagnosis.ranking import SURE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from salesdiag.diagnosis.finding import Evidence, Finding, Standing

Role = Literal["architect", "manager", "caretaker"]

_SURE, _WEAK = 3, 1  # points of a finding; the second where it is a raw association or a hint
_SOUND = 2  # nothing wrong inside, though most causes were looked for
_LEVEL = 1  # for each comparison that comes out as expected
_LEAST_POINTS = 3
_MARGIN = 2
_LEAST_EXAMINED = 0.6  # of the criteria that could be
_LEAST_CAUSES = 0.5  # of those of a criterion

# what each question is answered by: a finding of one of these causes speaks for the role
_QUESTIONS: tuple[tuple[str, Role | Literal[""], tuple[str, ...]], ...] = (
    ("Is the agreed process followed, and can the CRM be trusted?", "architect",
     ("process_skipped", "crm_unreliable")),
    ("Is the plan within reach, fair, and set apart from last year's luck?", "architect",
     ("plan_too_high", "plan_misallocated", "plan_ratchet")),
    ("Do pay and discount rules pull the right way?", "architect",
     ("payout_cliff", "timing_games", "discount_limit_bunching")),
    ("Are leads handed out well, and all of them worked?", "architect",
     ("lead_misallocation", "unworked_leads")),
    ("Do people sell as well, and work as much, as their deals allow?", "manager",
     ("weak_reps", "manager_effect", "slow_ramp", "low_activity", "headcount_gap")),
    ("Is the day under control: answers, open deals, discounts?", "manager",
     ("slow_response", "stalled_pipeline", "stage_leak", "misdirected_activity", "small_deals",
      "excess_discount", "period_end_discounting")),
    ("Does a fall come from outside the company?", "caretaker",
     ("market_decline", "currency_effect")),
    ("Does a fall come from elsewhere in the company: leads, customers, delivery?", "",
     ("lead_shortage", "lead_quality", "key_account_lost", "customer_churn", "delivery_losses")),
)  # fmt: skip
_AGAINST = {
    "plan": "Is the result at the plan or above?",
    "past": "Is the result at that of the year before or above?",
    "teams": "Do the teams win alike with the same deals?",
    "reps": "Do the reps win alike with the same deals?",
}
_AGAINST_WORDS = {
    "plan": "the result is below the plan", "past": "the result is below the year before",
    "teams": "a team is below the others", "reps": "reps are below the others",
}  # fmt: skip
_COLUMNS = ["question", "evidence", "speaks_for", "points", "is_examined"]


def leader_needed(
    findings: Sequence[Finding],
    outcomes: Mapping[str, str],
    standings: Sequence[Standing],
    evidence: Evidence,
) -> Leader:
    """Fill the scorecard and read it.

    ``outcomes`` says of every cause of the catalogue what became of it; "not examined" counts.
    A role is needed if it has at least 3 points, and 2 more than the next, if at least three
    in five criteria could be examined, and if the data can tell at all.
    """
    criteria = [_of_causes(*row, findings, outcomes) for row in _QUESTIONS]
    criteria += [_of_standing(one) for one in standings]
    criteria.append(_nothing_wrong(findings, outcomes, standings))
    # who led the department, and since when, is in no table
    criteria.append(Criterion("Did results hold when the head of sales changed?",
                              "the tables do not say who led the department when", "", 0,
                              is_examined=False))  # fmt: skip
    return _decided(tuple(criteria), evidence)


def _of_causes(
    question: str, role: Role | Literal[""], causes: tuple[str, ...],
    findings: Sequence[Finding], outcomes: Mapping[str, str],
) -> Criterion:  # fmt: skip
    """Answer a question by the findings of its causes."""
    own = [one for one in findings if one.cause in causes]
    examined = [one for one in causes if outcomes.get(one, "not examined") != "not examined"]
    is_examined = bool(own) or len(examined) >= _LEAST_CAUSES * len(causes)
    if own:
        told = ", ".join(f"{_words(one.cause)} (grade {one.grade})" for one in own)
        weak = [one.grade == "D" or one.q_value >= SURE for one in own]
        points = sum(_WEAK if one else _SURE for one in weak) if role else 0
        return Criterion(question, f"found: {told}", role, points, is_examined=True)
    if not examined:
        return Criterion(question, "could not be examined", "", 0, is_examined=False)
    evidence = f"looked for {', '.join(_words(one) for one in examined)}: nothing beyond chance"
    missing = [_words(one) for one in causes if one not in examined]
    evidence += f"; not examined: {', '.join(missing)}" if missing else ""
    return Criterion(question, evidence, "", 0, is_examined)


def _of_standing(one: Standing) -> Criterion:
    """Answer from where the department stands.

    A result that holds speaks for the caretaker; one that does not says that something is
    wrong, not what. Teams or reps below the others speak for the manager.
    """
    question = _AGAINST[one.against]
    if one.verdict == "cannot tell":
        return Criterion(question, f"cannot be told: {one.reason}", "", 0, is_examined=False)
    inside = one.against in ("teams", "reps")
    if one.verdict == "below":
        told = f"below the others: {', '.join(one.ids)}" if inside else _figures(one)
        return Criterion(question, told, "manager" if inside else "", _LEVEL if inside else 0,
                         is_examined=True)  # fmt: skip
    if inside:
        told = "none is below the others beyond chance"
        return Criterion(question, told, "", 0, is_examined=True)
    return Criterion(question, _figures(one), "caretaker", _LEVEL, is_examined=True)


def _figures(one: Standing) -> str:
    return f"{100 * one.ratio:.0f} % of it ({100 * one.low:.0f} to {100 * one.high:.0f} %)"


def _nothing_wrong(
    findings: Sequence[Finding], outcomes: Mapping[str, str], standings: Sequence[Standing]
) -> Criterion:
    """Tell whether most causes were looked for, none was found inside, and none is needed.

    A result below its reference that nothing outside explains has a cause, found or not.
    """
    question = "Is anything inside wrong at all?"
    examined = sum(one != "not examined" for one in outcomes.values())
    inside = [one for one in findings if one.control != "external"]
    looked = f"{examined} of {len(outcomes)} causes could be looked for"
    if inside:
        return Criterion(question, f"{looked}, {len(inside)} found", "", 0, is_examined=True)
    if examined < _LEAST_EXAMINED * len(outcomes):
        return Criterion(question, f"none found, but only {looked}", "", 0, is_examined=False)
    below = [one.against for one in standings if one.verdict == "below"]
    if below and not findings:
        told = f"{looked}, none found, yet {_AGAINST_WORDS[below[0]]}"
        return Criterion(question, told, "", 0, is_examined=True)
    return Criterion(question, f"{looked}, none found", "caretaker", _SOUND, is_examined=True)


def _decided(criteria: tuple[Criterion, ...], evidence: Evidence) -> Leader:
    card = Leader("undecided", "", criteria)
    roles: list[Role] = ["architect", "manager", "caretaker"]
    points = {role: card.points(role) for role in roles}
    first, second, _third = sorted(roles, key=lambda role: (-points[role], role))
    score = ", ".join(f"{role} {points[role]}" for role in roles)
    n_examined = sum(one.is_examined for one in criteria)
    if evidence.verdict == "cannot tell":
        return Leader("undecided", "the data hold too little to tell", criteria)
    if n_examined < _LEAST_EXAMINED * len(criteria):
        reason = f"only {n_examined} of {len(criteria)} questions could be examined ({score})"
        return Leader("undecided", reason, criteria)
    if points[first] < _LEAST_POINTS:
        return Leader("undecided", f"little speaks for any of the three ({score})", criteria)
    if points[first] - points[second] < _MARGIN:
        reason = f"{first} and {second} are too close to call ({score})"
        return Leader("undecided", reason, criteria)
    return Leader(first, f"points: {score}", criteria)


def scorecard_table(leader: Leader) -> pd.DataFrame:
    """Show the scorecard."""
    rows = [(one.question, one.evidence, one.speaks_for, one.points, one.is_examined)
            for one in leader.criteria]  # fmt: skip
    return pd.DataFrame(rows, columns=_COLUMNS)


def _words(cause: str) -> str:
    return cause.replace("_", " ").replace("crm", "CRM")
