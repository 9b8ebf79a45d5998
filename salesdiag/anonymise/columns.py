"""What becomes of each text column of the schema when names are replaced.

Every text column stands in exactly one of these lists; one that is new has to be decided on.
Columns that the schema does not know are left out whole: nobody can tell what is in them.
"""

from __future__ import annotations

from salesdiag.schema import TABLES

# columns that hold the key of a rep or of an account
REPS = ("rep_id", "manager_id", "scored_by")
ACCOUNTS = ("account_id",)
# keys of things there are too many of to number; what each is called
KEYS = {"deal_id": "Deal", "merged_into_id": "Deal", "lead_id": "Lead", "activity_id": "Activity",
        "call_id": "Call"}  # fmt: skip
# a name, and the key whose neutral name takes its place
NAMES = {"rep_name": "rep_id", "account_name": "account_id"}
# columns that hold the key of a rep in some rows: those where another column has this value
REPS_IN_ROWS = {
    ("targets", "id"): ("level", "rep"),
    ("forecasts", "id"): ("level", "rep"),
    ("deal_changes", "old_value"): ("field", "rep_id"),
    ("deal_changes", "new_value"): ("field", "rep_id"),
}
# of the field history, the fields whose values are figures; what else was changed is left out
FIGURES = ("amount", "expected_close_on")
# meant for a few fixed words, but people write sentences into them; what such a one is called
WRITTEN = {"loss_reason": "Reason", "disqualify_reason": "Reason", "outcome": "Outcome"}
# what stays: codes, and names of groups and things, not of persons and customers
STAY = frozenset([
    "status", "stage", "pipeline", "source", "segment", "product", "currency", "activity_type",
    "direction", "team", "territory", "role", "level", "metric", "field", "category",
])  # fmt: skip


def rep_columns(table: str) -> list[str]:
    """List the columns of a table that hold keys of reps, in all rows or in some."""
    names = TABLES[table].names
    return [one for one in names if one in REPS or (table, one) in REPS_IN_ROWS]
