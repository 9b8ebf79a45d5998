"""The rules that entries may contradict, as expressions over rows; and what each row is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import ibis
from ibis import _

from salesdiag.analyses.hygiene.rows import deals_as_entered, with_groups
from salesdiag.errors import SalesDiagError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from salesdiag.department import Department

_FAR_BACK = 2  # stages; one back is rework
_TRACKED = ("amount", "expected_close_on")  # fields whose changes rules depend on


class Rule(NamedTuple):
    """Which rows a rule speaks of, and which of them contradict it; and which nobody can tell."""

    examined: ibis.Value
    failing: ibis.Value
    unknown: ibis.Value = ibis.literal(False)  # noqa: FBT003


RULES = {
    "deals": (
        "closed_before_created", "open_with_closing_date", "closed_without_date",
        "won_without_amount", "past_expected_close", "closed_in_open_stage",
        "open_in_closed_stage", "won_and_lost_disagree",
    ),
    "stage_changes": ("entered_before_creation", "entered_after_closing", "skipped_backwards",
                      "owners_overlap"),
    "activities": ("activity_after_closing",),
    "leads": ("answered_before_created", "converted_without_deal"),
}  # fmt: skip


def rules_of_deals(
    department: Department, deals: ibis.Table, *, grace_days: int = 0
) -> dict[str, Rule]:
    """Give the rules of deals that their columns allow; ``deals`` are as entered.

    Where ``deals`` come from `with_later_changes`, what was changed after ``as_of`` is unknown.
    """
    is_open, ended = deals.status == "open", deals.status != "open"
    won, lost = deals.status == "won", deals.status == "lost"
    rules = {}
    given = department.table("deals").columns
    if "closed_at" in given:
        rules["open_with_closing_date"] = Rule(is_open, deals.entered_closed_at.notnull())
        rules["closed_without_date"] = Rule(ended, deals.closed_at.isnull())
    if "closed_at" in given and "created_at" in given:
        rules["closed_before_created"] = Rule(
            ended & deals.closed_at.notnull() & deals.created_at.notnull(),
            # by day: many systems keep no clock time of the closing
            deals.closed_at.date() < deals.created_at.date(),
        )
    if "amount" in given:
        rules["won_without_amount"] = _as_it_was(
            deals, "amount", Rule(won, deals.amount.isnull() | (deals.amount == 0))
        )
    if "expected_close_on" in given and deals.expected_close_on.type().is_date():
        last = department.as_of - timedelta(days=grace_days)
        dated = deals.expected_close_on.notnull()
        overdue = Rule(is_open & dated, deals.expected_close_on < ibis.literal(last))
        rules["past_expected_close"] = _as_it_was(deals, "expected_close_on", overdue, is_open)
    meanings = _meanings(department)
    if meanings and "stage" in given:
        of = {status: deals.stage.isin([one for one, means in meanings.items() if means == status])
              for status in ("open", "won", "lost")}  # fmt: skip
        known = deals.stage.isin(list(meanings))
        rules["closed_in_open_stage"] = Rule(ended & known, of["open"])
        rules["open_in_closed_stage"] = Rule(is_open & known, of["won"] | of["lost"])
        rules["won_and_lost_disagree"] = Rule(
            ended & known, (won & of["lost"]) | (lost & of["won"])
        )
    return _true_or_false(rules)


def with_later_changes(department: Department, deals: ibis.Table) -> ibis.Table:
    """Add to deals which of their fields were changed after ``as_of``, where that is known."""
    if not department.has("deal_changes", "deal_id", "field", "changed_at"):
        return deals
    changes = department.table("deal_changes")
    later = changes.filter(changes.changed_at.date() > ibis.literal(department.as_of))
    side = later.group_by(deal_of_change=later.deal_id).agg(
        **{f"n_later_{name}": _.count(where=_.field == name) for name in _TRACKED}
    )
    joined = deals.left_join(side, deals.deal_id == side.deal_of_change).drop("deal_of_change")
    flags = {f"is_later_{name}": (_[f"n_later_{name}"] > 0).fill_null(False)  # noqa: FBT003
             for name in _TRACKED}  # fmt: skip
    return joined.mutate(**flags).drop(*(f"n_later_{name}" for name in _TRACKED))


def _as_it_was(
    deals: ibis.Table, field: str, rule: Rule, population: ibis.Value | None = None
) -> Rule:
    """Leave out of a rule, as unknown, the deals whose field was changed after ``as_of``."""
    if f"is_later_{field}" not in deals.columns:
        return rule
    later = deals[f"is_later_{field}"]
    whole = rule.examined if population is None else population
    return Rule(rule.examined & ~later, rule.failing, whole & later)


def moves_of_deals(
    department: Department, keys: Sequence[str] = ()
) -> tuple[ibis.Table, dict[str, Rule]] | None:
    """Give the stage changes with their deal, and the rules that they allow; None without any.

    Changes at the same moment are taken in selling order. Besides the columns of the change
    and the keys there are ``deal_created_at``, ``deal_closed_at``, ``deal_amount``,
    ``deal_status``.
    """
    if not department.has("stage_changes", "deal_id", "stage", "entered_at"):
        return None
    moves = department.table("stage_changes")
    moves = moves.filter(moves.entered_at.date() <= ibis.literal(department.as_of))
    places = places_of(department)
    place = moves.stage.cases(*places.items()) if places else ibis.null().cast("int64")
    moves = moves.mutate(stage_place=place)
    # apart from the key of that name, in which a missing rep is "unassigned"
    mover = moves.rep_id if "rep_id" in moves.columns else ibis.null().cast("string")
    rows = _with_deal(department, moves.mutate(mover=mover), keys)
    order = [rows.entered_at, rows.stage_place, rows.stage, rows.rep_id_of_row]
    before = ibis.window(group_by=rows.deal_id, order_by=order)
    # who made a change without a rep is not known: among those of reps it is passed over
    has_rep = rows.mover.notnull()
    of_reps = ibis.window(group_by=[rows.deal_id, has_rep], order_by=order)
    rows = rows.mutate(
        place_before=rows.stage_place.lag().over(before),
        mover_before=rows.mover.lag().over(of_reps),
        entered_by_rep_before=rows.entered_at.lag().over(of_reps),
    )
    day = rows.entered_at.date()
    same_day = rows.entered_by_rep_before.date() == day
    ended = (rows.deal_status != "open") & rows.deal_closed_at.notnull()
    rules = {
        "entered_before_creation": Rule(rows.deal_created_at.notnull(),
                                        day < rows.deal_created_at.date()),
        "entered_after_closing": Rule(ended, day > rows.deal_closed_at.date()),
    }  # fmt: skip
    if places:
        rules["skipped_backwards"] = Rule(
            rows.place_before.notnull() & rows.stage_place.notnull(),
            rows.place_before - rows.stage_place >= _FAR_BACK,
        )
    if department.has("stage_changes", "rep_id"):
        rules["owners_overlap"] = Rule(
            rows.mover.notnull() & rows.mover_before.notnull(),
            same_day & (rows.mover_before != rows.mover),
        )
    return rows, _true_or_false(rules)


def activities_of_deals(
    department: Department, keys: Sequence[str] = ()
) -> tuple[ibis.Table, dict[str, Rule]] | None:
    """Give the activities that name a deal, with it, and their rule; None without any."""
    if not department.has("activities", "deal_id") or not department.has("deals", "closed_at"):
        return None
    rows = _with_deal(department, department.table("activities"), keys)
    ended = (rows.deal_status != "open") & rows.deal_closed_at.notnull()
    late = rows.occurred_at.date() > rows.deal_closed_at.date()
    return rows, _true_or_false({"activity_after_closing": Rule(ended, late)})


def leads_of_deals(
    department: Department, keys: Sequence[str] = ()
) -> tuple[ibis.Table, dict[str, Rule]] | None:
    """Give the leads with the deal that each became, and their rules; None without any."""
    if not department.has("leads", "created_at"):
        return None
    leads = department.table("leads")
    rows = with_groups(department, leads, keys)
    if "deal_id" in leads.columns:
        rows = _with_deal(department, leads, keys, how="left")
    else:
        rows = rows.mutate(deal_id=ibis.null().cast("string"),
                           deal_amount=ibis.null().cast("decimal(18, 4)"))  # fmt: skip
    rules = {}
    if "first_response_at" in leads.columns:
        rules["answered_before_created"] = Rule(rows.first_response_at.notnull(), is_early(rows))
    if "status" in leads.columns and "deal_id" in leads.columns:
        rules["converted_without_deal"] = Rule(rows.status == "converted", rows.deal_id.isnull())
    return rows, _true_or_false(rules)


def is_early(leads: ibis.Table) -> ibis.Value:
    """Tell of leads that they were answered before they came in; midnight is a mere date."""
    answered, came = leads.first_response_at, leads.created_at
    has_clock = answered != answered.truncate("D")
    return (answered.date() < came.date()) | ((answered < came) & has_clock)


def _true_or_false(rules: dict[str, Rule]) -> dict[str, Rule]:
    known = {}
    for name, rule in rules.items():
        examined = rule.examined.fill_null(False)  # noqa: FBT003
        failing = examined & rule.failing.fill_null(False)  # noqa: FBT003
        known[name] = Rule(examined, failing, rule.unknown.fill_null(False))  # noqa: FBT003
    return known


def _with_deal(
    department: Department, rows: ibis.Table, keys: Sequence[str], how: str = "inner"
) -> ibis.Table:
    """Join the deal that each row names; what the row cannot tell of itself, its deal tells."""
    deals = with_groups(department, deals_as_entered(department), keys)
    side = deals.select(
        "deal_id", deal_created_at=_.created_at, deal_closed_at=_.closed_at, deal_status=_.status,
        deal_amount=_.amount, deal_rep=_.rep_id_of_row,
        **{f"deal_key_{key}": _[key] for key in keys},
    )  # fmt: skip
    joined = rows.join(side, "deal_id", how=how)
    joined = joined.drop("deal_id_right") if "deal_id_right" in joined.columns else joined
    if "rep_id" not in joined.columns:
        joined = joined.mutate(rep_id=joined.deal_rep)
    return with_groups(department, joined, keys, {key: f"deal_key_{key}" for key in keys})


def _meanings(department: Department) -> dict[str, str]:
    """Tell what each stage means, where one name means one thing."""
    if not department.has("stages", "status"):
        return {}
    stages = department.fetch("stages").dropna(subset="status")
    found = stages.groupby("stage")["status"].agg(["first", "nunique"])
    clear = found[found["nunique"] == 1]
    return {str(stage): str(status) for stage, status in clear["first"].items()}


def places_of(department: Department) -> dict[str, int]:
    """Give the places of the open stages in selling order; none where they have no one order."""
    try:
        ladder = department.ladder()
    except SalesDiagError:
        return {}
    stages = ladder.loc[ladder["status"] == "open", "stage"]
    return {str(stage): place for place, stage in enumerate(stages)}
