"""Two rows of examples for every table of the empty workbook; words among them are translated."""

from __future__ import annotations

# table: column: first and second example; dates and numbers as a person types them
EXAMPLES: dict[str, dict[str, tuple[str, str]]] = {
    "deals": {
        "deal_id": ("D-001", "D-002"), "status": ("won", "open"),
        "created_at": ("2025-01-14 09:30", "2025-03-03"), "stage": ("Won", "Proposal"),
        "closed_at": ("2025-02-20", ""), "rep_id": ("R1", "R2"), "account_id": ("C-17", "C-18"),
        "lead_id": ("L-101", ""), "pipeline": ("new business", "new business"),
        "source": ("website", "partner"), "segment": ("large", "small"),
        "product": ("Printers", "Chairs"), "amount": ("9000", "2500"),
        "list_amount": ("10000", "2500"), "cost_amount": ("6000", ""), "currency": ("EUR", "EUR"),
        "expected_close_on": ("2025-02-28", "2025-04-30"), "probability": ("1", "0.4"),
        "loss_reason": ("", ""), "next_activity_at": ("", "2025-03-10 11:00"),
        "merged_into_id": ("", ""),
    },
    "stage_changes": {
        "deal_id": ("D-001", "D-001"), "stage": ("Qualified", "Proposal"),
        "entered_at": ("2025-01-14 09:30", "2025-01-28"), "rep_id": ("R1", "R1"),
        "pipeline": ("new business", "new business"),
    },
    "stages": {
        "stage": ("Qualified", "Won"), "position": ("1", "3"),
        "pipeline": ("new business", "new business"), "status": ("open", "won"),
        "probability": ("0.2", "1"),
    },
    "activities": {
        "activity_id": ("A-1", "A-2"), "activity_type": ("call", "meeting"),
        "occurred_at": ("2025-01-15 10:05", "2025-01-22 14:00"), "rep_id": ("R1", "R1"),
        "deal_id": ("D-001", "D-001"), "lead_id": ("", ""), "account_id": ("C-17", "C-17"),
        "direction": ("outbound", "outbound"), "outcome": ("connected", "held"),
        "duration_seconds": ("240", "3600"), "due_at": ("", "2025-01-22 14:00"),
        "completed_at": ("", "2025-01-22 15:00"), "logged_at": ("2025-01-15 10:15", ""),
    },
    "leads": {
        "lead_id": ("L-101", "L-102"), "created_at": ("2025-01-10 16:20", "2025-01-11 08:00"),
        "rep_id": ("R1", "R2"), "source": ("website", "partner"), "segment": ("large", "small"),
        "first_response_at": ("2025-01-10 17:05", ""), "qualified_at": ("2025-01-13", ""),
        "deal_id": ("D-001", ""), "status": ("converted", "new"), "disqualify_reason": ("", ""),
        "cost_amount": ("35", ""),
    },
    "reps": {
        "rep_id": ("R1", "R2"), "rep_name": ("Anna Berg", "Boris Hahn"),
        "team": ("North", "South"), "manager_id": ("R2", ""), "territory": ("North", "South"),
        "role": ("seller", "head of team"), "hired_on": ("2022-05-02", "2019-01-07"),
        "left_on": ("", ""),
    },
    "targets": {
        "level": ("department", "rep"), "id": ("", "R1"),
        "period_start": ("2025-01-01", "2025-01-01"), "period_end": ("2025-03-31", "2025-03-31"),
        "metric": ("revenue", "deals_won"), "target": ("250000", "12"),
    },
    "line_items": {
        "deal_id": ("D-001", "D-001"), "product": ("Printers", "Chairs"), "quantity": ("8", "10"),
        "list_price": ("1000", "200"), "unit_price": ("900", "180"), "unit_cost": ("600", "120"),
    },
    "accounts": {
        "account_id": ("C-17", "C-18"), "account_name": ("Nordwind", "Alpen"),
        "segment": ("large", "small"), "territory": ("North", "South"),
        "created_at": ("2021-09-01", "2025-03-03"), "potential_amount": ("60000", "8000"),
    },
    "call_scores": {
        "call_id": ("A-1", "A-1"), "rep_id": ("R1", "R1"), "scored_by": ("R2", "R3"),
        "scored_at": ("2025-01-16", "2025-01-17"), "score": ("72", "80"),
        "deal_id": ("D-001", "D-001"), "activity_id": ("A-1", "A-1"),
    },
    "deal_changes": {
        "deal_id": ("D-001", "D-002"), "field": ("amount", "expected_close_on"),
        "changed_at": ("2025-02-03 12:00", "2025-03-20"), "old_value": ("10000", "2025-03-31"),
        "new_value": ("9000", "2025-04-30"),
    },
    "forecasts": {
        "level": ("department", "rep"), "id": ("", "R1"), "made_on": ("2025-01-31", "2025-01-31"),
        "period_start": ("2025-01-01", "2025-01-01"), "period_end": ("2025-03-31", "2025-03-31"),
        "category": ("commit", "best"), "amount": ("240000", "60000"),
    },
    "source_costs": {
        "source": ("website", "partner"), "period_start": ("2025-01-01", "2025-01-01"),
        "period_end": ("2025-01-31", "2025-01-31"), "cost_amount": ("4000", "1500"),
    },
    "payouts": {
        "rep_id": ("R1", "R2"), "period_start": ("2025-01-01", "2025-01-01"),
        "period_end": ("2025-03-31", "2025-03-31"), "base_amount": ("5700", "7200"),
        "variable_amount": ("2100", "3000"),
    },
    "market": {"period_start": ("2025-01-01", "2025-02-01"), "index": ("100", "98.5")},
    "fx_rates": {"currency": ("USD", "USD"), "on": ("2025-01-02", "2025-01-03"),
                 "rate": ("0.97", "0.968")},
}  # fmt: skip
