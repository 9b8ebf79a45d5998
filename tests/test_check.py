"""The check of the data: every rule fails once and passes once, by hand."""

from __future__ import annotations

import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.check import rules
from salesdiag.analyses.check.table import COLUMNS
from tests.frames import STAGES, day, days, sample_department

REPS = pd.DataFrame({"rep_id": ["r1", "r2"], "team": ["North", "South"]})


def frame(**columns) -> pd.DataFrame:
    """Make a frame; columns that end in _at, _on or name a period hold numbers of days."""
    made = pd.DataFrame(columns)
    for name in made.columns:
        if name.endswith(("_at", "_on")) or name.startswith("period_"):
            values = made[name].astype(object).where(made[name].notna(), None)
            made[name] = pd.to_datetime(days(values))
    return made


def department(as_of="2025-03-01", currency="", **tables):
    given = {"deals": pd.DataFrame({"deal_id": ["Z"], "status": ["lost"]})} | tables
    return sd.Department(**given, as_of=as_of, currency=currency)  # the data end on day 59


def moves(*rows):
    return frame(**dict(zip(("deal_id", "stage", "entered_at"), zip(*rows, strict=True),
                            strict=True)))  # fmt: skip


# table, column, rule, severity, rows examined, ids that fail, and the tables; the first
# column of the table concerned holds the id
CASES = [
    ("deals", "closed_at", "closed before created", "error", 3, ["A"],
     # B was closed hours before it was created, as days it is the same one
     {"deals": frame(deal_id=["A", "B", "C", "D"], status=["won", "lost", "won", "open"],
                     created_at=[6, 6.9, 1, 2], closed_at=[5, 6.1, 30, None])}),
    ("deals", "closed_at", "open, but with a closing date", "warning", 2, ["A"],
     {"deals": frame(deal_id=["A", "B", "C"], status=["open", "open", "won"],
                     closed_at=[5, None, 5])}),
    ("deals", "closed_at", "won without a closing date", "error", 2, ["A"],
     {"deals": frame(deal_id=["A", "B", "C"], status=["won", "won", "lost"],
                     closed_at=[None, 5, None])}),
    ("deals", "closed_at", "lost without a closing date", "warning", 2, ["C", "D"],
     {"deals": frame(deal_id=["A", "C", "D"], status=["won", "lost", "lost"],
                     closed_at=[None, None, None])}),
    ("deals", "created_at", "without a creation date", "warning", 2, ["B"],
     {"deals": frame(deal_id=["A", "B"], status=["won", "won"], created_at=[5, None])}),
    ("deals", "rep_id", "without a rep", "warning", 2, ["B"],
     {"deals": frame(deal_id=["A", "B"], status=["won", "won"], rep_id=["r1", None])}),
    ("deals", "account_id", "without an account", "info", 2, ["B"],
     {"deals": frame(deal_id=["A", "B"], status=["won", "won"], account_id=["c1", None])}),
    ("deals", "amount", "won without an amount", "error", 3, ["A", "B"],
     {"deals": frame(deal_id=["A", "B", "C", "D"], status=["won", "won", "won", "lost"],
                     amount=[None, 0, 5, None])}),
    ("deals", "amount", "lost without an amount", "warning", 2, ["D"],
     {"deals": frame(deal_id=["A", "C", "D"], status=["won", "lost", "lost"],
                     amount=[None, 5, None])}),
    ("deals", "amount", "open without an amount", "info", 2, ["D"],
     {"deals": frame(deal_id=["A", "C", "D"], status=["won", "open", "open"],
                     amount=[None, 5, 0])}),
    ("deals", "amount", "net price above list price", "info", 2, ["B"],
     {"deals": frame(deal_id=["A", "B", "C"], status=["won"] * 3, amount=[9.0, 10.01, 5],
                     list_amount=[9.0, 10.0, None])}),
    ("deals", "expected_close_on", "open past its expected close", "info", 3, ["A"],
     # the last day of the data is not past; the won one does not matter
     {"deals": frame(deal_id=["A", "B", "C", "D"], status=["open", "open", "open", "won"],
                     expected_close_on=[58, 59, None, 3])}),
    ("deals", "loss_reason", "lost without a reason", "info", 2, ["B"],
     {"deals": frame(deal_id=["A", "B", "C"], status=["lost", "lost", "won"],
                     loss_reason=["price", None, None])}),
    ("deals", "created_at", "open longer than any deal that ever closed", "warning", 2, ["A"],
     # the longest of thirty cycles is 10 days; A is open for 11, B for 10
     {"deals": frame(deal_id=["A", "B", *(f"C{n}" for n in range(30))],
                     status=["open", "open", *["won"] * 30],
                     created_at=[48, 49, *[20] * 30], closed_at=[None, None, *[30] * 30])}),
    ("deals", "created_at", "created before the stage history starts", "warning", 2, ["A"],
     {"deals": frame(deal_id=["A", "B"], status=["won", "won"], created_at=[4.9, 5.0],
                     closed_at=[9, 9]),
      "stage_changes": moves(("A", "lead", 5.5), ("B", "lead", 7))}),
    ("deals", "stage", "won, but in a stage that means otherwise", "warning", 2, ["B"],
     {"deals": frame(deal_id=["A", "B", "C"], status=["won", "won", "open"],
                     stage=["won", "offer", "offer"]), "stages": STAGES}),
    ("deals", "stage", "lost, but in a stage that means otherwise", "warning", 2, ["B"],
     {"deals": frame(deal_id=["A", "B"], status=["lost", "lost"], stage=["lost", "won"]),
      "stages": STAGES}),
    ("deals", "stage", "open, but in a stage that means otherwise", "warning", 3, ["B"],
     {"deals": frame(deal_id=["A", "B", "C"], status=["open"] * 3, stage=["lead", "lost", None]),
      "stages": STAGES}),
    ("deals", "status", "value not allowed", "error", 2, ["B"],
     {"deals": frame(deal_id=["A", "B"], status=["won", "almost"])}),
    ("deals", "amount", "below 0", "warning", 2, ["B"],
     {"deals": frame(deal_id=["A", "B", "C"], status=["open"] * 3, amount=[0, -0.5, None])}),
    ("deals", "probability", "above 1", "warning", 2, ["B"],
     {"deals": frame(deal_id=["A", "B"], status=["open"] * 2, probability=[1.0, 10.0])}),
    ("deals", "created_at", "after the end of the data", "warning", 2, ["B"],
     {"deals": frame(deal_id=["A", "B"], status=["open"] * 2, created_at=[59.99, 60])}),
    ("deals", "rep_id", "not found in reps", "warning", 2, ["B"],
     {"deals": frame(deal_id=["A", "B", "C"], status=["won"] * 3, rep_id=["r1", "r9", None]),
      "reps": REPS}),
    ("deals", "merged_into_id", "not found in deals", "warning", 2, ["B"],
     {"deals": frame(deal_id=["A", "B", "C"], status=["won"] * 3,
                     merged_into_id=["C", "X", None])}),
    ("stage_changes", "stage", "not found in stages", "warning", 2, ["A"],
     {"stage_changes": moves(("A", "intro", 5), ("B", "lead", 5)), "stages": STAGES}),
    ("leads", "first_response_at", "answered before it came in", "warning", 2, ["L1"],
     {"leads": frame(lead_id=["L1", "L2", "L3"], created_at=[5, 5.5, 5],
                     first_response_at=[4.9, 5.4, None])}),
    ("leads", "deal_id", "converted, but without a deal", "warning", 2, ["L2"],
     {"leads": frame(lead_id=["L1", "L2", "L3"], created_at=[5, 5, 5], deal_id=["Z", None, None],
                     status=["converted", "converted", "new"])}),
    ("leads", "rep_id", "without a rep", "info", 2, ["L2"],
     {"leads": frame(lead_id=["L1", "L2"], created_at=[5, 5], rep_id=["r1", None])}),
    ("leads", "created_at", "missing", "error", 2, ["L2"],
     {"leads": frame(lead_id=["L1", "L2"], created_at=[5, None])}),
    ("activities", "rep_id", "without a rep", "warning", 2, ["2"],
     {"activities": frame(activity_id=["1", "2"], activity_type="call", occurred_at=[5, 5],
                          rep_id=["r1", None])}),
    ("activities", "deal_id, lead_id", "belongs to nothing", "warning", 3, ["3"],
     {"activities": frame(activity_id=["1", "2", "3"], activity_type="call", occurred_at=[5, 5, 5],
                          deal_id=["Z", None, None], lead_id=[None, "L", None])}),
    ("activities", "duration_seconds", "above 86400", "warning", 2, ["2"],
     {"activities": frame(activity_id=["1", "2"], activity_type="call", occurred_at=[5, 5],
                          duration_seconds=[86_400.0, 86_401.0])}),
    ("reps", "left_on", "left before hired", "error", 2, ["r2"],
     {"reps": frame(rep_id=["r1", "r2", "r3"], hired_on=[5, 5, 5], left_on=[5, 4, None])}),
    ("reps", "team", "without a team", "info", 2, ["r2"],
     {"reps": frame(rep_id=["r1", "r2"], team=["North", None])}),
    ("reps", "manager_id", "not found in reps", "warning", 1, ["r2"],
     {"reps": frame(rep_id=["r1", "r2"], manager_id=[None, "r7"])}),
    ("targets", "period_end", "period ends before it starts", "error", 2, ["team"],
     {"targets": frame(level=["department", "team"], id=[None, "North"], period_start=[0, 31],
                       period_end=[0, 30], metric="revenue", target=[5.0, 5.0])}),
    ("line_items", "unit_price", "net price above list price", "info", 2, ["B"],
     {"line_items": frame(deal_id=["A", "B"], product="x", quantity=[1, 1],
                          list_price=[5.0, 5.0], unit_price=[5.0, 5.5])}),
    ("call_scores", "activity_id", "not found in activities", "warning", 1, ["c2"],
     {"call_scores": frame(call_id=["c1", "c2"], rep_id="r1", scored_by="m", scored_at=[5, 5],
                           score=[50.0, 100.0], activity_id=[None, "9"]),
      "activities": frame(activity_id=["1"], activity_type="call", occurred_at=[5])}),
]  # fmt: skip
every_rule = pytest.mark.parametrize(
    ("table", "column", "rule", "severity", "n_examined", "failing", "tables"),
    CASES,
    ids=[f"{case[0]}: {case[2]} ({case[1]})" for case in CASES],
)


def row_of(found, table, column, rule):
    rows = found[(found["table"] == table) & (found["rule"] == rule) & (found["column"] == column)]
    assert len(rows) == 1, found[["table", "column", "rule"]]
    return rows.iloc[0]


@every_rule
def test_a_rule_counts_what_fails_it(table, column, rule, severity, n_examined, failing, tables):
    row = row_of(sd.check(department(**tables)), table, column, rule)
    assert row.severity == severity
    assert (row.n_examined, row.n_failing) == (n_examined, len(failing))
    assert row.failing_share == pytest.approx(len(failing) / n_examined)
    assert row.examples == ", ".join(dict.fromkeys([failing[0], failing[-1]]))
    assert row.effect


@every_rule
def test_a_rule_is_silent_where_nothing_fails_it(
    table, column, rule, severity, n_examined, failing, tables
):
    given = tables[table]
    good = given[~given.iloc[:, 0].isin(failing)]
    mended = department(**(tables | {table: good}))
    assert not ((found := sd.check(mended))["rule"].eq(rule) & found["column"].eq(column)).any()
    row = row_of(sd.check(mended, include_passed=True), table, column, rule)
    assert row.n_failing == 0
    assert row.n_examined == n_examined - len(failing)
    assert row.examples == ""


def test_no_rule_goes_untried():
    tried = {(case[0], case[2]) for case in CASES}
    assert {(rule.table, rule.name) for rule in rules._OWN} <= tried


def test_closings_that_begin_long_after_creations_are_missing_at_the_start():
    # created since 1 January, closed since day 100: what was closed before is not in the data
    deals = frame(deal_id=["A", "B", "C"], status=["won", "open", "open"],
                  created_at=[0, 99, 100], closed_at=[100, None, None])  # fmt: skip
    rule = "created before the first closing in the data"
    row = row_of(sd.check(department("2025-04-30", deals=deals)), "deals", "created_at", rule)
    assert (row.n_examined, row.n_failing, row.examples) == (3, 2, "A, B")
    assert "closings start on 2025-04-11" in row.effect
    soon = deals.assign(closed_at=[day(60), pd.NaT, pd.NaT])
    assert rule not in sd.check(department("2025-04-30", deals=soon))["rule"].tolist()


def test_amounts_in_another_currency():
    deals = frame(deal_id=["A", "B", "C"], status="won", currency=["EUR", "usd", "eur"])
    for currency in ("EUR", "eur"):
        row = row_of(sd.check(department(currency=currency, deals=deals)), "deals", "currency",
                     "not in EUR")  # fmt: skip
        assert (row.n_failing, row.examples) == (1, "B")
    # where none is named as the department's, the commonest is what the others differ from
    assert (
        row_of(sd.check(department(deals=deals)), "deals", "currency", "not in EUR").n_failing == 1
    )
    same = deals.assign(currency="USD")
    assert "currency" not in sd.check(department(deals=same))["column"].tolist()


def test_one_cycle_is_no_measure_of_the_others():
    deals = frame(
        deal_id=["A", "B"], status=["open", "won"], created_at=[20, 20], closed_at=[None, 20]
    )
    assert "created_at" not in sd.check(department(deals=deals))["column"].tolist()


def test_an_amount_a_thousand_times_the_usual():
    deals = frame(deal_id=[f"D{n}" for n in range(40)], status="won",
                  amount=[*[100.0] * 39, 100_001.0])  # fmt: skip
    row = row_of(sd.check(department(deals=deals)), "deals", "amount", "absurdly large")
    assert (row.n_failing, row.examples) == (1, "D39")


def test_targets_of_nobody_and_periods_that_overlap():
    # a target for "Nord" where the team is "North"; months that end on the first of the next
    targets = frame(level="team", id=["Nord", "North", "North"], metric="revenue", target=10.0,
                    period_start=[0, 0, 31], period_end=[30, 31, 58])  # fmt: skip
    reps = frame(rep_id=["r1"], team=["North"])
    found = sd.check(
        department(targets=targets, reps=reps, deals=frame(deal_id=["A"], status="won"))
    )
    row = row_of(found, "targets", "id", "of a team that reps do not list")
    assert (row.n_examined, row.n_failing, row.examples) == (3, 1, "Nord")
    row = row_of(found, "targets", "period_start", "begins inside the period before")
    assert (row.n_failing, row.examples) == (1, "North")


class TestRepeatedKeys:
    def test_the_rows_beyond_the_first_are_counted(self):
        deals = frame(deal_id=["A", "A", "A", "B", "C", "C"], status="won")
        row = row_of(sd.check(department(deals=deals)), "deals", "deal_id", "repeated key")
        assert (row.n_examined, row.n_failing, row.examples) == (6, 3, "A, C")
        assert row.severity == "error"

    def test_all_columns_of_a_key_count(self):
        once = moves(("A", "lead", 1), ("A", "lead", 2), ("A", "offer", 2), ("B", "lead", 1))
        key = "deal_id, stage, entered_at"
        assert "repeated key" not in sd.check(department(stage_changes=once))["rule"].tolist()
        twice = pd.concat([once, once.iloc[1:2]])
        row = row_of(sd.check(department(stage_changes=twice)), "stage_changes", key,
                     "repeated key")  # fmt: skip
        assert (row.n_examined, row.n_failing, row.examples) == (5, 1, "A")

    def test_missing_parts_of_a_key_are_equal_to_each_other(self):
        targets = frame(
            level=["department"] * 3, id=[None] * 3, period_start=[0, 31, 31],
            period_end=[30, 58, 58], metric="revenue", target=[5.0, 5.0, 6.0],
        )  # fmt: skip
        key = "level, id, period_start, period_end, metric"
        row = row_of(sd.check(department(targets=targets)), "targets", key, "repeated key")
        assert (row.n_examined, row.n_failing, row.examples) == (3, 1, "department")

    def test_a_repeated_rep_does_not_multiply_the_rows_examined(self):
        deals = frame(deal_id=["A", "B"], status="won", rep_id=["r1", "r9"])
        found = sd.check(department(deals=deals, reps=pd.concat([REPS, REPS])), include_passed=True)
        of_deals = found[(found["table"] == "deals") & (found["rule"] == "not found in reps")]
        assert of_deals[["n_examined", "n_failing"]].to_numpy().tolist() == [[2, 1]]


class TestBatches:
    RULE = "moved in one minute with many others"

    def found(self, moments):
        history = pd.DataFrame({"deal_id": [str(n) for n in range(len(moments))], "stage": "lead",
                                "entered_at": moments})  # fmt: skip
        return sd.check(department(stage_changes=history), include_passed=True)

    @pytest.mark.parametrize(("n_moves", "n_failing"), [(19, 0), (20, 20)])
    def test_twenty_in_one_minute_are_a_batch(self, n_moves, n_failing):
        minute = pd.Timestamp("2025-02-07 16:30")
        moments = [minute + pd.Timedelta(seconds=2 * n) for n in range(n_moves)]
        moments += [minute + pd.Timedelta(hours=n) for n in range(1, 6)]
        row = row_of(self.found(moments), "stage_changes", "entered_at", self.RULE)
        assert (row.n_examined, row.n_failing) == (n_moves + 5, n_failing)
        assert row.examples == ("2025-02-07 16:30" if n_failing else "")

    def test_dates_without_a_time_of_day_are_no_batch(self):
        row = row_of(self.found([pd.Timestamp("2025-02-07")] * 30), "stage_changes", "entered_at",
                     self.RULE)  # fmt: skip
        assert (row.n_examined, row.n_failing) == (30, 0)

    @pytest.mark.parametrize(
        ("column", "rule"),
        [("created_at", "created in one minute with many others"),
         ("closed_at", "closed in one minute with many others")],
    )  # fmt: skip
    def test_deals_are_looked_at_too(self, column, rule):
        deals = pd.DataFrame({"deal_id": [str(n) for n in range(25)], "status": "won",
                              column: pd.Timestamp("2025-02-07 10:01:02")})  # fmt: skip
        row = row_of(sd.check(department(deals=deals)), "deals", column, rule)
        assert (row.n_failing, row.examples) == (25, "2025-02-07 10:01")

    @pytest.mark.parametrize(
        ("n_deals", "n_days", "fails"), [(200, 6, True), (199, 6, False), (200, 7, False)]
    )
    def test_closings_on_three_days_a_month_are_dates_of_batches(self, n_deals, n_days, fails):
        # two months; at most 3 different days a month
        dates = [pd.Timestamp(2025, 1 + n % 2, 1 + n // 2) for n in range(n_days)]
        closed = [dates[n % n_days] for n in range(n_deals)]
        ids = [str(n) for n in range(n_deals)]
        deals = pd.DataFrame({"deal_id": ids, "status": "won", "closed_at": closed})
        row = row_of(sd.check(department(deals=deals), include_passed=True), "deals", "closed_at",
                     "closings fall on a few days only")  # fmt: skip
        assert (row.n_examined, row.n_failing) == (n_deals, n_deals if fails else 0)
        assert row.examples == f"{n_days} days in 2 months"


class TestReading:
    def report(self):
        lines = [
            ("deals", "rows read", "", 10, ""),
            ("deals", "rows used", "", 7, ""),
            ("deals", "rows set aside", "status is missing", 2, ""),
            ("deals", "rows set aside", "blank line", 1, ""),
            ("deals", "value not readable", "amount", 3, "twelve"),
            ("deals", "format", "CSV", None, ""),
        ]
        columns = ["table", "topic", "item", "n_rows", "detail"]
        return pd.DataFrame(lines, columns=columns).assign(source="deals.csv")

    def of(self, deals):
        return sd.check(sd.Department(deals=deals, as_of="2025-03-01", load_report=self.report()))

    def test_what_was_set_aside_or_not_read_is_part_of_the_account(self):
        found = self.of(pd.DataFrame({"deal_id": ["A"], "status": ["won"]}))
        names = ["column", "rule", "severity", "n_examined", "n_failing"]
        assert found[names].to_numpy().tolist() == [
            ["", "set aside: status is missing", "error", 10, 2],
            ["amount", "value not readable: twelve", "warning", 10, 3],
            ["", "set aside: blank line", "info", 10, 1],
        ]

    def test_rules_that_rows_read_cannot_fail_are_not_asked_again(self):
        deals = pd.DataFrame({"deal_id": ["A"], "status": ["almost"]})
        assert "value not allowed" not in self.of(deals)["rule"].tolist()
        assert "value not allowed" in sd.check(department(deals=deals))["rule"].tolist()


def test_errors_come_first_then_the_larger_share():
    deals = frame(
        deal_id=["A", "B", "C", "D"], status=["won", "won", "lost", "open"],
        closed_at=[None, 5, 5, None], amount=[None, None, 5.0, None],
        rep_id=["r1", "r1", "r1", None], account_id=[None] * 4,
    )  # fmt: skip
    found = sd.check(department(deals=deals))
    assert found[["rule", "severity", "failing_share"]].to_numpy().tolist() == [
        ["won without an amount", "error", 1.0],
        ["won without a closing date", "error", 0.5],
        ["without a rep", "warning", 0.25],
        ["without an account", "info", 1.0],  # of equals by the column
        ["open without an amount", "info", 1.0],
    ]


def test_sound_data_give_an_empty_table_of_the_same_columns():
    deals = frame(deal_id=["A", "B"], status=["won", "open"], created_at=[0, 40],
                  closed_at=[30, None], amount=[5.0, 6.0], rep_id=["r1", "r2"])  # fmt: skip
    found = sd.check(department(deals=deals, reps=REPS))
    assert found.empty
    assert list(found.columns) == COLUMNS
    empty = sd.check(department(deals=deals.iloc[:0], reps=REPS.iloc[:0]), include_passed=True)
    assert (empty["n_examined"] == 0).all()
    assert empty["failing_share"].isna().all()


def test_the_planted_blemishes_of_the_sample_are_found_and_nothing_else_is_an_error():
    found = sd.check(sample_department()).set_index(["table", "rule"])["n_failing"]
    planted = {
        ("deals", "closed before created"): 3,
        ("deals", "open, but with a closing date"): 5,
        ("deals", "without a rep"): 15,
        ("deals", "not found in reps"): 2,
        ("stage_changes", "moved in one minute with many others"): 40,
        ("deals", "open past its expected close"): 12,
        ("deals", "lost without an amount"): 6,
        ("activities", "after the end of the data"): 2,
    }
    assert {key: found[key] for key in planted} == planted
    # true of the sample, though no blemish: it begins with the deals open on 1 January 2024,
    # and some losses have no reason
    others = set(found.index) - set(planted)
    assert others == {
        ("deals", "created before the first closing in the data"),
        ("deals", "lost without a reason"),
    }


def test_the_one_bulk_move_of_the_sample_is_named():
    found = sd.check(sample_department()).set_index("rule")["examples"]
    assert found["moved in one minute with many others"] == "2025-06-13 16:30"


def test_dates_of_forecasts_and_rates_are_checked_too():
    forecasts = pd.DataFrame({
        "level": "department", "made_on": pd.to_datetime(["2025-01-05", "2026-01-05"]),
        "period_start": pd.to_datetime(["2025-01-01"] * 2), "category": "commit",
        "period_end": pd.to_datetime(["2025-03-31"] * 2), "amount": 10.0,
    })  # fmt: skip
    rates = pd.DataFrame({"currency": ["USD"], "on": pd.to_datetime([None]), "rate": [0.9]})
    deals = pd.DataFrame({"deal_id": ["A"], "status": ["won"]})
    department = sd.Department(deals=deals, forecasts=forecasts, fx_rates=rates, as_of="2025-12-31")
    found = sd.check(department).set_index(["table", "column", "rule"])["n_failing"]
    assert found["forecasts", "made_on", "after the end of the data"] == 1
    assert found["fx_rates", "on", "missing"] == 1
