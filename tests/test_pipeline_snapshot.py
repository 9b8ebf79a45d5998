"""The pipeline as it stood, what changed it, and how often deals were put off."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import salesdiag as sd
from tests.frames import AS_OF, STAGES, day, days, moves_of, sample_department, sample_frames
from tests.real_data import needs
from tests.test_real_data import load

COLUMNS = ["deal_id", "status", "created_at", "closed_at", "amount", "expected_close_on", "rep_id"]
PLUS = ["opening", "new", "reopened", "grew", "pulled_in", "slipped_in", "undated_in"]
MINUS = ["shrank", "pushed_out", "won", "lost", "closing"]


def changes_of(rows):
    """Make changes of (deal, field, day, old, new)."""
    names = ["deal_id", "field", "changed_at", "old_value", "new_value"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(changed_at=pd.to_datetime(days(frame["changed_at"])))


def date_of(number):
    return day(number).strftime("%Y-%m-%d")


def department(deals, changes=None, moves=None, **more):
    frame = pd.DataFrame(deals, columns=COLUMNS)
    for name in ("created_at", "closed_at", "expected_close_on"):
        values = frame[name].astype(object).where(frame[name].notna(), None)
        frame[name] = pd.to_datetime(days(values))
    frame["amount"] = frame["amount"].astype(float)
    given_tables = {} if changes is None else {"deal_changes": changes_of(changes)}
    if moves is not None:
        given_tables |= {"stage_changes": moves_of(moves), "stages": STAGES}
    return sd.Department(deals=frame, **given_tables, **({"as_of": AS_OF} | more))


DEALS = [
    ("A", "won", 0, 30, 60, 30, "r1"),     # was 90, due on day 25, until day 20
    ("B", "open", 5, None, 50, 70, "r1"),
    ("C", "lost", 10, 12, 40, 20, "r2"),
    ("D", "open", 25, None, None, None, "r2"),
]  # fmt: skip
CHANGES = [
    ("A", "amount", 20, "90", "60"),
    ("A", "expected_close_on", 20, date_of(15), date_of(30)),
    ("B", "rep_id", 40, "r2", "r1"),
    ("B", "amount", 45, None, "50"),
]
MOVES = [("A", "lead", 0), ("A", "offer", 18), ("A", "won", 30), ("B", "lead", 5),
         ("B", "offer", 9), ("B", "lead", 50), ("C", "lead", 10),
         ("C", "lost", 12), ("D", "lead", 25)]  # fmt: skip


def snapshot(on, *, deals=DEALS, changes=CHANGES, moves=MOVES, **options):
    made = department(deals, changes, moves)
    return sd.pipeline.pipeline_snapshot(made, at=day(on).date(), **options)


def test_the_pipeline_of_a_day_is_rebuilt_by_hand():
    table = snapshot(17)
    # A in lead at 90 and overdue since day 15; B in offer, without an amount then; C was lost
    shown = ["stage", "n_open", "n_without_amount", "n_overdue", "n_without_due"]
    assert table[shown].to_numpy().tolist() == [["lead", 1, 0, 1, 0], ["offer", 1, 1, 0, 0]]
    assert table.loc[0, "open_amount"] == table.loc[0, "overdue_amount"] == 90
    assert np.isnan(table.loc[1, "open_amount"])
    assert table["mean_age_days"].tolist() == [17, 12]
    assert table["median_stage_days"].tolist() == [17, 8]
    assert table["overdue_share"].tolist() == [1, 0]
    assert table["is_rebuilt"].all()
    table = snapshot(29)  # A at 60 in offer; B beside it; D new, of whom nobody knows a price
    assert table["stage"].tolist() == ["lead", "offer"]
    assert table["n_open"].tolist() == [1, 2]
    assert table.loc[1, "open_amount"] == 60
    assert table["n_overdue"].tolist() == [0, 0]


def test_the_rep_is_the_one_of_the_day_and_the_day_itself_counts():
    reps = snapshot(39, by="rep_id")
    assert reps.groupby("rep_id")["n_open"].sum().to_dict() == {"r1": 0, "r2": 2}
    reps = snapshot(40, by="rep_id")
    assert reps.groupby("rep_id")["n_open"].sum().to_dict() == {"r1": 1, "r2": 1}
    assert snapshot(11)["n_open"].sum() == 3
    assert snapshot(12)["n_open"].sum() == 2  # closed on the day is not open at its end


def test_without_a_history_of_values_todays_stand_in_and_it_is_said():
    table = snapshot(17, changes=None)
    assert not table["is_rebuilt"].any()
    assert table["open_amount"].tolist() == [60, 50]
    assert snapshot(59, changes=None)["is_rebuilt"].all()  # today needs none


def test_without_a_history_of_stages_deals_stand_where_they_stand_now():
    frame = [("A", "open", 0, None, 10, None, "r1"), ("B", "lost", 0, 20, 10, None, "r1")]
    table = snapshot(10, deals=frame, changes=None, moves=None)
    assert table["stage"].tolist() == ["unassigned"]
    assert table["n_open"].tolist() == [2]


def test_later_changes_count_only_where_the_data_are_turned_back():
    late = [*CHANGES, ("B", "amount", 65, "55", "50")]
    assert_frame_equal(snapshot(59, changes=late), snapshot(59))
    frame = [("A", "won", 0, 70, 80, 70, "r1")]  # closed after as_of: the export is a later one
    changes = [("A", "amount", 65, "55", "80")]
    table = snapshot(59, deals=frame, changes=changes, moves=[("A", "lead", 0)])
    assert (table["n_open"].item(), table["open_amount"].item()) == (1, 55)


@pytest.mark.parametrize("text", ["", "soon", "2025-02-30", "1e999", "12,5", "-", "99999999999999"])
def test_values_that_cannot_be_read_are_missing_and_break_nothing(text):
    changes = [("A", "amount", 20, text, "60"), ("A", "expected_close_on", 20, text, date_of(30))]
    table = snapshot(17, changes=changes)
    lead = table[table["stage"] == "lead"].iloc[0]
    assert (lead["n_open"], lead["n_without_amount"], lead["n_without_due"]) == (1, 1, 1)


def test_deals_without_the_dates_to_tell_are_counted():
    frame = [("A", "open", None, None, 10, None, "r1"), ("B", "won", 0, None, 10, None, "r1"),
             ("C", "open", 3, None, 7, None, "r1")]  # fmt: skip
    table = snapshot(10, deals=frame, changes=None, moves=None)
    assert (table["n_open"].item(), table["n_unknown"].item()) == (1, 2)
    now = snapshot(59, deals=frame, changes=None, moves=None)
    assert (now["n_open"].item(), now["n_undated"].item(), now["n_unknown"].item()) == (2, 1, 0)


def test_chances_are_those_known_on_the_day():
    # up to day 49 every deal was won on its tenth day, after it every one was lost
    rows = [(f"W{k}", "won", k, k + 10, 10, None, "r1") for k in range(-100, 40)]
    rows += [(f"L{k}", "lost", k, k + 10, 10, None, "r1") for k in range(42, 49)]
    table = snapshot(40, deals=rows, changes=None, moves=None)
    assert (table["n_open"].item(), table["n_learnt"].item()) == (9, 140)
    assert table["win_rate"].item() == pytest.approx(1)
    assert table["expected_amount"].item() == pytest.approx(90)
    few = snapshot(-80, deals=rows, changes=None, moves=None)
    assert np.isnan(few["win_rate"].item())


def test_the_expected_amount_is_that_of_exponential_lifetimes():
    rng = np.random.default_rng(5)
    n = 4000
    born = rng.integers(0, 400, n)
    win, lose = rng.exponential(30, n), rng.exponential(60, n)
    ends = born + np.ceil(np.minimum(win, lose))
    is_open = ends > 400
    status = np.where(is_open, "open", np.where(win < lose, "won", "lost"))
    rows = [(f"D{k}", status[k], born[k] - 341, None if is_open[k] else ends[k] - 341, 100, None,
             "r1") for k in range(n)]  # fmt: skip
    table = snapshot(59, deals=rows, changes=None, moves=None)
    # two of three are won, however old they are
    assert table["win_rate"].item() == pytest.approx(2 / 3, abs=0.03)
    expected = 100 * is_open.sum() * 2 / 3
    assert table["expected_amount_low"].item() < expected < table["expected_amount_high"].item()


def test_a_day_after_as_of_is_refused():
    with pytest.raises(sd.InputError, match="at must be a day up to as_of"):
        snapshot(60)


def balance(table, prefix="", suffix="_amount"):
    names = {one: f"{prefix}{one}{suffix}" for one in (*PLUS, *MINUS)}
    known = table[list(names.values())].fillna(0)
    return sum(known[names[one]] for one in PLUS) - sum(known[names[one]] for one in MINUS)


def changes(first, last, *, deals=DEALS, edits=CHANGES, moves=MOVES, **options):
    made = department(deals, edits, moves)
    window = {"start": day(first).date(), "end": day(last).date()}
    table = sd.pipeline.pipeline_changes(made, **window, **options)
    return table.set_index("scope") if not options.get("by") else table


def test_the_bridge_counted_by_hand():
    table = changes(18, 59)
    whole = table.loc["all"]
    # at the end of day 17: A at 90, B without an amount. A shrank to 60 and was won, B grew to 50,
    # D is new without an amount
    assert whole[["opening_amount", "new_amount", "grew_amount", "shrank_amount", "won_amount",
                  "lost_amount", "closing_amount"]].tolist() == [
        90, 0, 50, 30, 60, 0, 50,
    ]  # fmt: skip
    assert whole[["n_opening", "n_new", "n_won", "n_closing", "n_without_amount"]].tolist() == [
        2, 1, 1, 2, 2,
    ]  # fmt: skip
    due = table.loc["due in the period"]
    # A was due on day 15, so it slipped in by being won; B is due after it
    names = ["n_opening", "n_pulled_in", "n_slipped_in", "n_won", "n_closing"]
    assert due[names].tolist() == [0, 0, 1, 1, 0]
    assert due[["opening_amount", "slipped_in_amount", "won_amount"]].tolist() == [0, 60, 60]
    assert whole["slip_rate"] == 0.5


def test_pushed_out_pulled_in_reopened_and_flow_by_hand():
    frame = [
        ("P", "open", 0, None, 10, 50, "r1"),   # due on 25, pushed to 50 on day 22
        ("Q", "open", 0, None, 20, 28, "r1"),   # due on 55, pulled to 28 on day 23
        ("R", "open", 0, None, 30, 29, "r1"),   # lost on day 5, reopened on day 24
        ("S", "won", 21, 26, 40, 26, "r1"),     # created and won in the period
        ("T", "lost", 0, 27, 50, 60, "r1"),     # lost, though not due yet
    ]  # fmt: skip
    edits = [("P", "expected_close_on", 22, date_of(25), date_of(50)),
             ("Q", "expected_close_on", 23, date_of(55), date_of(28))]  # fmt: skip
    moves = [(one, "lead", 0) for one in "PQRT"] + [
        ("R", "lost", 5), ("R", "offer", 24), ("S", "lead", 21), ("T", "lost", 27),
    ]  # fmt: skip
    table = changes(20, 30, deals=frame, edits=edits, moves=moves)
    names = [*PLUS, *MINUS]
    whole, due = (table.loc[one, [f"{name}_amount" for name in names]].tolist()
                  for one in ("all", "due in the period"))  # fmt: skip
    assert dict(zip(names, whole, strict=True)) == {
        "opening": 80, "new": 40, "reopened": 30, "grew": 0, "pulled_in": 0, "slipped_in": 0,
        "undated_in": 0, "shrank": 0, "pushed_out": 0, "won": 40, "lost": 50, "closing": 60,
    }  # fmt: skip
    assert dict(zip(names, due, strict=True)) == {
        "opening": 10, "new": 40, "reopened": 30, "grew": 0, "pulled_in": 20, "slipped_in": 0,
        "undated_in": 0, "shrank": 0, "pushed_out": 10, "won": 40, "lost": 0, "closing": 50,
    }  # fmt: skip


LIFE = st.tuples(
    st.sampled_from(["open", "won", "lost"]), st.integers(0, 55), st.integers(0, 30),
    st.sampled_from([None, 0, 5, 20]), st.sampled_from([None, 10, 35, 70]),
    st.sampled_from(["r1", "r2", None]), st.booleans(),
)  # fmt: skip
EDIT = st.tuples(st.integers(0, 5), st.sampled_from(["amount", "expected_close_on", "rep_id"]),
                 st.integers(0, 59), st.integers(0, 3))  # fmt: skip
OLD = {"amount": [None, "0", "7", "30"],
       "expected_close_on": [None, date_of(5), date_of(30), date_of(80)],
       "rep_id": [None, "r1", "r2", "r3"]}  # fmt: skip


@settings(deadline=None, max_examples=15)
@given(
    st.lists(LIFE, min_size=1, max_size=6), st.lists(EDIT, max_size=6),
    st.integers(0, 40), st.integers(0, 30),
)  # fmt: skip
def test_the_bridge_always_sums_to_the_closing_and_meets_the_snapshots(lives, edits, first, length):
    last = min(first + length, 59)
    frame, moves = [], []
    for number, (status, born, life, amount, due, rep, was_lost) in enumerate(lives):
        closed = None if status == "open" else min(born + life, 59)
        frame.append((f"D{number}", status, born, closed, amount, due, rep))
        moves.append((f"D{number}", "lead", born))
        if was_lost and life > 4:
            moves += [(f"D{number}", "lost", born + 1), (f"D{number}", "lead", born + 3)]
    rows = [(f"D{number}", field, at, OLD[field][which], OLD[field][0])
            for number, field, at, which in edits if number < len(lives)]  # fmt: skip
    rows = rows or [("none", "amount", 1, "1", "2")]
    options = {"deals": frame, "edits": rows, "moves": moves}
    whole = changes(first, last, **options)
    assert balance(whole).abs().max() < 1e-9
    counts = balance(whole, "n_", "") - whole["n_grew"] + whole["n_shrank"]
    assert (counts == 0).all()
    split = changes(first, last, by="rep_id", **options)
    assert not (balance(split).abs() > 1e-9).any()
    names = [f"{one}_amount" for one in (*PLUS, *MINUS)]
    sums = split.groupby("scope")[names].sum().reindex(whole.index, fill_value=0)
    assert_frame_equal(sums, whole[names].fillna(0), check_names=False, check_dtype=False)
    for side, on in (("opening", first - 1), ("closing", last)):
        seen = snapshot(on, deals=frame, changes=rows, moves=moves)
        assert whole.loc["all", f"n_{side}"] == seen["n_open"].sum()
        assert np.nan_to_num(whole.loc["all", f"{side}_amount"]) == seen["open_amount"].sum()


def test_without_dates_amounts_or_history():
    frame = [("A", "open", None, None, None, None, "r1"), ("B", "won", 0, None, None, None, "r1")]
    table = changes(10, 20, deals=frame, edits=None, moves=None)
    assert table["n_unknown"].tolist() == [2, 2]
    assert table["opening_amount"].isna().all()
    assert not table["is_rebuilt"].any()
    with pytest.raises(sd.InputError, match="end must not lie before start"):
        changes(20, 10)
    assert len(changes(70, 80)) == 0


def test_the_sample_bridges_meet_from_quarter_to_quarter():
    quarters = [("2025-01-01", "2025-03-31"), ("2025-04-01", "2025-06-30"),
                ("2025-07-01", "2025-09-30")]  # fmt: skip
    tables = [
        sd.pipeline.pipeline_changes(sample_department(), start=first, end=last).iloc[0]
        for first, last in quarters
    ]
    for before, after in itertools.pairwise(tables):
        assert before["closing_amount"] == after["opening_amount"]
        assert before["n_closing"] == after["n_opening"]
    deals = sample_frames()["deals"]
    won = deals[(deals["status"] == "won") & deals["closed_at"].between("2025-04-01", "2025-07-01")]
    assert tables[1]["n_won"] == len(won)
    assert tables[1]["won_amount"] == pytest.approx(won["amount"].sum())


def pushes(deals, rows, **options):
    return sd.pipeline.push_counts(department(deals, rows), **options).set_index("pushes")


def due(deal, at, old, new):
    return (deal, "expected_close_on", at, date_of(old), date_of(new))


PUSHED = [("A", "won", 0, 50, 1, 50, "r1"), ("B", "lost", 0, 45, 1, 40, "r1"),
          ("C", "open", 0, None, 1, 70, "r2"), ("D", "won", 0, 9, 1, 9, "r2")]  # fmt: skip
# days 0 to 30 are January, 31 to 58 February, 59 on March
PUSHES = [
    due("A", 10, 12, 25),           # within January: none
    due("A", 24, 25, 50),           # a push
    due("B", 20, 20, 40),           # a push
    due("B", 30, 40, 80),           # a second one
    due("B", 35, 80, 40),           # back again
    due("C", 5, 10, 70),            # a push over two months is one
    due("D", 9, 9, 40),             # on the day of closing: none
    due("B", 50, 40, 90),           # after the closing: none
    ("C", "expected_close_on", 6, "?", date_of(90)),
    due("C", 70, 70, 100),          # after as_of
]  # fmt: skip


def test_pushes_are_counted_by_hand():
    table = pushes(PUSHED, PUSHES)
    assert table["n_deals"].tolist() == [4, 3, 1, 0]
    assert table["n_exactly"].tolist() == [1, 2, 1, 0]
    assert table[["n_won", "n_lost", "n_open"]].to_numpy().tolist() == [
        [2, 1, 1], [1, 1, 1], [0, 1, 0], [0, 0, 0],
    ]  # fmt: skip
    assert table[["n_pushes", "n_pulls", "n_unread"]].iloc[0].tolist() == [4, 1, 1]
    assert table["reached_share"].tolist() == [1, 0.75, 0.25, 0]
    # after the first push: B lost after 25 days, A won after 26, C watched for 54
    assert table.loc[1, "win_rate"] == pytest.approx(1 / 3)
    assert table.loc[2, "win_rate"] == 0
    assert np.isnan(table.loc[3, "win_rate"])


def test_quarters_know_fewer_pushes_than_months_and_reps_add_up():
    assert pushes(PUSHED, PUSHES, months=3)["n_pushes"].iloc[0] == 0
    made = department(PUSHED, PUSHES)
    by_rep = sd.pipeline.push_counts(made, by="rep_id")
    assert by_rep.groupby("pushes")["n_deals"].sum().tolist() == [4, 3, 1, 0]
    with pytest.raises(sd.InputError, match="months must be 1, 2, 3, 4, 6 or 12"):
        pushes(PUSHED, PUSHES, months=5)
    with pytest.raises(sd.MissingDataError, match="deal_changes"):
        sd.pipeline.push_counts(department(PUSHED))


def test_the_chance_after_a_push_is_that_planted():
    rng = np.random.default_rng(8)
    n = 1500
    pushed = rng.random(n) < 0.5
    # a deal is won with .6 when not pushed; half of that from the push on
    is_win = rng.random(n) < np.where(pushed, 0.3, 0.6)
    ends = np.where(pushed, rng.integers(45, 100, n), rng.integers(5, 40, n))
    is_open = ends > 59
    status = np.where(is_open, "open", np.where(is_win, "won", "lost"))
    rows = [(f"D{k}", status[k], 0, None if is_open[k] else ends[k], 1, None, "r1")
            for k in range(n)]  # fmt: skip
    table = pushes(rows, [due(f"D{k}", 40, 25, 55) for k in range(n) if pushed[k]])
    assert table.loc[1, "n_deals"] == pushed.sum()
    assert table.loc[1, "n_open"] == (is_open & pushed).sum()
    at_risk = table.loc[1]
    # who is open at the end counts as long as it was watched: the chance by then, 15 of 55 days
    truth = 0.3 * 15 / 55
    assert at_risk["win_rate_low"] <= truth <= at_risk["win_rate_high"]


@needs("maven_crm")
def test_maven_without_any_history_says_what_it_lacks():
    maven = load("maven_crm")
    table = sd.pipeline.pipeline_snapshot(maven, at="2017-09-30")
    assert not table["is_rebuilt"].any()
    bridge = sd.pipeline.pipeline_changes(maven, start="2017-10-01", end="2017-12-31").iloc[0]
    assert balance(bridge.to_frame().T.infer_objects()).abs().max() < 1e-6
    # 500 deals in Prospecting carry no date and were there nobody knows when
    assert bridge["n_unknown"] == 500
    assert bridge["n_closing"] == 1589
    with pytest.raises(sd.MissingDataError, match="field history"):
        sd.pipeline.push_counts(maven)
