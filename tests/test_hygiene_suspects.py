"""Suspect entries: counts by hand, imports that accuse nobody, planted habits, and no fault."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from tests.frames import STAGES, sample_department
from tests.real_data import data_set, needs

MONDAY = pd.Timestamp("2025-01-06")


def at(day, hour, minute=0, second=0):
    return MONDAY + pd.Timedelta(days=day, hours=hour, minutes=minute, seconds=second)


def department_of(activities=None, deals=None, **more) -> sd.Department:
    """Build a department of (rep, moment) or of whole frames."""
    if isinstance(activities, list):
        activities = pd.DataFrame(activities, columns=["rep_id", "occurred_at"])
    if activities is not None:
        ids = [str(number) for number in range(len(activities))]
        activities = activities.assign(activity_id=ids)
        if "activity_type" not in activities:
            activities["activity_type"] = "call"
        more["activities"] = activities
    deals = pd.DataFrame({"deal_id": ["A"], "status": ["open"]}) if deals is None else deals
    return sd.Department(deals=deals, **({"as_of": "2025-12-31"} | more))


def found(table, kind, of="activities", **keys):
    rows = table[(table["table"] == of) & (table["kind"] == kind)]
    for key, value in keys.items():
        rows = rows[rows[key] == value]
    assert len(rows) == 1
    return rows.iloc[0]


def spread(rep, n, first_day=0):
    """Give one entry a working hour, never two in one, each rep at a minute of its own."""
    minute = int(rep[1:])
    return [(rep, at(first_day + number // 8, 9 + number % 8, minute)) for number in range(n)]


def test_a_burst_is_an_hour_that_holds_much_of_a_week():
    burst = [("r1", at(4, 17, minute)) for minute in range(12)]
    found_one = found(sd.hygiene.suspect_entries(department_of(burst + spread("r1", 20))), "burst")
    assert (found_one.n_examined, found_one.n_suspect) == (32, 12)  # 12 of 32 in the week
    many = [("r1", at(number // 25, 9 + number % 25 // 4, number % 4)) for number in range(60)]
    busy = sd.hygiene.suspect_entries(department_of(burst + many))
    assert found(busy, "burst").n_suspect == 0  # 12 of 72: a good day
    few = sd.hygiene.suspect_entries(department_of(burst + spread("r1", 20)), burst_least=13)
    assert found(few, "burst").n_suspect == 0


def test_the_share_in_the_busiest_hundredth_of_the_hours():
    # 99 hours of one entry, one of 11: a hundredth of 100 hours holds 11 of 110 entries
    entries = spread("r1", 99) + [("r1", at(20, 9, minute)) for minute in range(11)]
    table = sd.hygiene.suspect_entries(department_of(entries))
    assert found(table, "burst").busiest_share == pytest.approx(0.1)
    assert table.loc[table["kind"] != "burst", "busiest_share"].isna().all()
    split = sd.hygiene.suspect_entries(department_of(entries), by="rep_id")
    assert found(split, "burst", rep_id="r1").busiest_share == pytest.approx(0.1)


def test_one_minute_of_one_rep_is_a_batch_and_of_many_an_import():
    usual = spread("r1", 40) + spread("r2", 40) + spread("r3", 40)
    alone = [("r1", at(30, 10, 5, second)) for second in range(30)]
    table = sd.hygiene.suspect_entries(department_of(usual + alone))
    assert found(table, "one_minute")[["n_import", "n_suspect"]].tolist() == [0, 30]
    shared = [(f"r{1 + second % 3}", at(30, 10, 5, second)) for second in range(30)]
    table = sd.hygiene.suspect_entries(department_of(usual + shared))
    one = found(table, "one_minute")
    assert (one.n_rows, one.n_import, one.n_examined, one.n_suspect) == (150, 30, 120, 0)
    # others who happen to work in the same minute hide nobody's batch
    hidden = [*alone, ("r2", at(30, 10, 5)), ("r3", at(30, 10, 5))]
    table = sd.hygiene.suspect_entries(department_of(usual + hidden))
    assert found(table, "one_minute")[["n_import", "n_suspect"]].tolist() == [0, 30]
    # no person enters 200 rows in a minute
    mass = [("r1", at(30, 10, 5, second % 60)) for second in range(200)]
    table = sd.hygiene.suspect_entries(department_of(usual + mass))
    assert found(table, "one_minute")[["n_import", "n_suspect"]].tolist() == [200, 0]


def test_days_without_a_clock_time_say_nothing_of_minutes():
    dates = [("r1", at(0, 0)) for _number in range(50)]
    table = sd.hygiene.suspect_entries(department_of(dates))
    for kind in ("burst", "one_minute"):
        assert found(table, kind)[["n_rows", "n_examined"]].tolist() == [50, 0]
        assert np.isnan(found(table, kind).suspect_share)


def test_back_dated_by_days_and_never_before_the_records_begin():
    frame = pd.DataFrame({
        "rep_id": "r1",
        "occurred_at": [at(0, 9), at(10, 9), at(10, 9), at(10, 9), at(10, 10)],
        # the first was brought over: nothing had been written down when it happened
        "logged_at": [at(9, 8), at(10, 9), at(17, 9), at(18, 9), pd.NaT],
    })  # fmt: skip
    table = sd.hygiene.suspect_entries(department_of(frame))
    one = found(table, "back_dated")
    assert (one.n_import, one.n_examined, one.n_suspect) == (1, 3, 1)  # eight days, not seven
    strict = sd.hygiene.suspect_entries(department_of(frame), late_days=6)
    assert found(strict, "back_dated").n_suspect == 2


def test_durations_counted_by_hand():
    rows = [("r1", "connected", 0.0), ("r1", "no_answer", 0.0), ("r1", "held", 300.0),
            ("r1", "connected", 600.0), ("r1", "connected", 601.0),
            ("r1", "connected", None)]  # fmt: skip
    own = [("r1", "connected", 247.0)] * 12 + [("r2", "connected", 100.0 + n) for n in range(40)]
    frame = pd.DataFrame(rows + own, columns=["rep_id", "outcome", "duration_seconds"])
    frame["occurred_at"] = [at(number // 8, 9 + number % 8) for number in range(len(frame))]
    table = sd.hygiene.suspect_entries(department_of(frame))
    # a call that nobody answered has no length; one that was answered has
    assert found(table, "zero_duration")[["n_examined", "n_suspect"]].tolist() == [56, 1]
    assert found(table, "round_duration")[["n_examined", "n_suspect"]].tolist() == [55, 2]
    assert found(table, "same_duration")[["n_examined", "n_suspect"]].tolist() == [55, 12]


def test_kinds_of_deals_counted_by_hand():
    deals = pd.DataFrame({
        "deal_id": [str(number) for number in range(11)], "rep_id": "r1",
        "status": ["won", "won", "won", "lost", "open", *["open"] * 6],
        "created_at": [at(0, 9), at(0, 10), at(0, 11), at(0, 12), at(0, 13), *[at(1, 9)] * 6],
        "closed_at": [at(0, 17), at(3, 9), None, at(0, 17), None, *[None] * 6],
        "amount": [1200.0, 1250.0, 900.0, 2000.0, 3000.0, *[None] * 6],
    })  # fmt: skip
    table = sd.hygiene.suspect_entries(department_of(deals=deals))
    assert found(table, "create_and_win", "deals")[["n_examined", "n_suspect"]].tolist() == [2, 1]
    assert found(table, "round_amount", "deals")[["n_examined", "n_suspect"]].tolist() == [2, 1]
    assert found(table, "one_minute", "deals")[["n_examined", "n_suspect"]].tolist() == [11, 6]


def moved(*moments):
    rows = [(f"D{number}", "lead", moment, "r1") for number, moment in enumerate(moments)]
    return pd.DataFrame(rows, columns=["deal_id", "stage", "entered_at", "rep_id"])


def test_batches_of_stage_changes_on_the_eve_of_the_month_end():
    hour = [pd.Timedelta(minutes=9 * number) for number in range(5)]
    eve = [pd.Timestamp("2025-01-30 16:00") + one for one in hour]  # Thursday before Friday 31
    middle = [pd.Timestamp("2025-01-15 16:00") + one for one in hour]
    slow = [pd.Timestamp(f"2025-02-28 {hour}:00") for hour in (9, 10, 11, 12, 13)]
    table = sd.hygiene.suspect_entries(
        department_of(stage_changes=moved(*eve, *middle, *slow), stages=STAGES)
    )
    one = found(table, "period_end_batch", "stage_changes")
    assert (one.n_examined, one.n_suspect) == (15, 5)
    one = found(sd.hygiene.suspect_entries(
        department_of(stage_changes=moved(*eve, *middle, *slow)),
        eve_days=1, meetings=["2025-01-15"],
    ), "period_end_batch", "stage_changes")  # fmt: skip
    assert (one.n_examined, one.n_suspect) == (15, 5)  # the meeting's now, not the 30th's
    none = sd.hygiene.suspect_entries(department_of(stage_changes=moved(*eve)), eve_days=0)
    assert found(none, "period_end_batch", "stage_changes").n_suspect == 0


def test_leads_answered_by_the_dozen():
    leads = pd.DataFrame({
        "lead_id": [str(number) for number in range(8)], "rep_id": "r1", "created_at": at(0, 9),
        "first_response_at": [at(0, 17, 0, second) for second in range(6)] + [at(0, 10), pd.NaT],
    })  # fmt: skip
    table = sd.hygiene.suspect_entries(department_of(leads=leads))
    assert found(table, "one_minute", "leads")[["n_examined", "n_suspect"]].tolist() == [7, 6]


def test_the_window_cuts_after_the_batches_are_seen():
    burst = [("r1", at(4, 17, minute)) for minute in range(12)]
    department = department_of(burst + spread("r1", 20))
    table = sd.hygiene.suspect_entries(department, start="2025-01-10", end="2025-01-10")
    assert found(table, "burst")[["n_rows", "n_suspect"]].tolist() == [12, 12]


def test_the_bulk_move_of_the_sample_is_an_import_and_accuses_nobody():
    table = sd.hygiene.suspect_entries(sample_department(), by="rep_id")
    moves = table[(table["table"] == "stage_changes") & (table["kind"] == "one_minute")]
    assert (moves["n_import"].sum(), moves["n_suspect"].sum()) == (40, 0)
    assert not (table["reading"] == "above").any()


def habits(seed, n_reps=12, weeks=26, planted=None):
    """Make half a year of calls: 25 a week and rep, entered when they happen or the next day."""
    rng = np.random.default_rng(seed)
    parts = []
    for rep in range(n_reps):
        n = 25 * weeks
        when = MONDAY + pd.to_timedelta(
            rng.integers(0, weeks, n) * 7 * 1440 + rng.integers(0, 5, n) * 1440
            + rng.integers(540, 1020, n), unit="min",
        ) + pd.to_timedelta(rng.integers(0, 60, n), unit="s")  # fmt: skip
        late = pd.to_timedelta(np.where(rng.random(n) < 0.04, 9, 0), unit="D")
        frame = pd.DataFrame({"rep_id": f"r{rep:02d}", "occurred_at": when,
                              "logged_at": when + late + pd.Timedelta(minutes=5)})  # fmt: skip
        if rep == 0 and planted == "burst":  # every other Friday all at once
            week = (frame["occurred_at"] - MONDAY).dt.days // 7
            friday = MONDAY + pd.to_timedelta(week * 7 + 4, unit="D")
            seconds = pd.to_timedelta(rng.integers(0, 3000, n), unit="s")
            at_once = friday + pd.Timedelta(hours=16) + seconds
            frame["logged_at"] = frame["logged_at"].where(week % 2 == 0, at_once)
        if rep == 0 and planted == "back_dated":
            written_late = rng.random(n) < 0.15
            frame["logged_at"] += pd.to_timedelta(np.where(written_late, 12, 0), unit="D")
        if planted == "import" and rep < 4:  # a system was brought over one night
            moved_over = rng.random(n) < 0.1
            night = pd.Timestamp("2025-05-03 02:10:30")
            frame["logged_at"] = frame["logged_at"].where(~moved_over, night)
        parts.append(frame)
    return department_of(pd.concat(parts, ignore_index=True))


@pytest.mark.parametrize(("planted", "kind"), [("burst", "burst"), ("back_dated", "back_dated")])
def test_a_planted_habit_is_found_with_its_rep(planted, kind):
    table = sd.hygiene.suspect_entries(habits(7, planted=planted), by="rep_id")
    one = found(table, kind, rep_id="r00")
    assert one.reading == "above"
    assert one.q_value < 0.01
    assert one.difference_low > 0
    others = table[(table["kind"] == kind) & (table["rep_id"] != "r00")]
    assert not (others["reading"] == "above").any()
    if planted == "back_dated":
        assert one.difference_low <= 0.96 * 0.15 <= one.difference_high


def test_a_planted_import_accuses_nobody():
    table = sd.hygiene.suspect_entries(habits(7, planted="import"), by="rep_id")
    calls = table[table["table"] == "activities"]
    assert found(calls, "burst", rep_id="r00").n_import > 40
    assert found(calls, "burst", rep_id="r11").n_import <= 5  # who rang in that minute
    assert not (calls["reading"] == "above").any()


def test_without_a_fault_few_departments_accuse_anyone():
    accused = 0
    n_worlds = 20
    for seed in range(n_worlds):
        table = sd.hygiene.suspect_entries(habits(100 + seed, n_reps=8, weeks=13), by="rep_id")
        accused += (table["reading"] == "above").any()
    # at the level of 5 %: more than 3 of 20 would come up once in 60 times
    assert accused <= 3


@pytest.mark.parametrize(
    "option",
    [{"late_days": -1}, {"batch_least": 1}, {"burst_share": 1.5}, {"eve_days": 30},
     {"meetings": ["soon"]}],
)  # fmt: skip
def test_a_wrong_option_is_named(option):
    with pytest.raises(sd.InputError, match=next(iter(option))):
        sd.hygiene.suspect_entries(sample_department(), **option)


@needs("itschool_crm")
def test_the_it_school_as_published():
    folder, mapping = data_set("itschool_crm")
    school = sd.load(folder, mapping=mapping)
    deals = school.table("deals").to_pandas()
    minute = deals["created_at"].dt.floor("min")
    crowd = deals[minute == "2023-12-07 09:03"]
    assert len(crowd) == 28
    # of one rep who holds more than half it would be a batch; it is an import
    assert crowd["rep_id"].fillna("nobody").value_counts().max() <= 14
    table = sd.hygiene.suspect_entries(school)
    # and the nine of the next minute, of eight reps, with which the import ends
    assert (minute == "2023-12-07 09:04").sum() == 9
    assert found(table, "one_minute", "deals").n_import == 28 + 9
    calls = school.table("activities").to_pandas()
    zero = calls["duration_seconds"] == 0
    assert round(zero.mean(), 3) == 0.234
    said = calls["outcome"] == "connected"
    one = found(table, "zero_duration")
    assert one.n_examined + one.n_import >= said.sum() >= one.n_examined
    silent = sd.Department(
        deals=deals[["deal_id", "status"]], activities=calls.drop(columns="outcome"),
        as_of=school.as_of,
    )  # fmt: skip
    one = found(sd.hygiene.suspect_entries(silent), "zero_duration")
    assert one.suspect_share == pytest.approx(0.234, abs=0.001)


def test_the_eve_of_the_last_month_is_seen_on_its_last_day():
    late = [pd.Timestamp("2025-12-31 10:00") + pd.Timedelta(minutes=5 * n) for n in range(10)]
    moves = moved(pd.Timestamp("2025-10-01 15:00"), *late)  # the history begins after ten o'clock
    for as_of in ("2025-12-31", "2026-01-01"):
        table = sd.hygiene.suspect_entries(department_of(stage_changes=moves, as_of=as_of))
        assert found(table, "period_end_batch", "stage_changes").n_suspect == 10
    # the eve of a month that has not ended: 2025-11-30 is a Sunday, as_of its Friday
    eve = [pd.Timestamp("2025-11-28 10:00") + pd.Timedelta(minutes=5 * n) for n in range(10)]
    table = sd.hygiene.suspect_entries(department_of(stage_changes=moved(*eve), as_of="2025-11-28"))
    assert found(table, "period_end_batch", "stage_changes").n_suspect == 10


def imported(per_minute, minutes, n_live, live_days):
    """Make deals of three reps: an import over some minutes of one day, and others one by one."""
    night = pd.Timestamp("2025-03-01 02:00")
    moments = [night + pd.Timedelta(minutes=minute, seconds=number % 60)
               for minute in range(minutes) for number in range(per_minute)]  # fmt: skip
    moments += [at(number % live_days, 9 + number // live_days % 8, number % 60)
                for number in range(n_live)]  # fmt: skip
    n = len(moments)
    return pd.DataFrame({"deal_id": [str(one) for one in range(n)], "status": "open",
                         "rep_id": [f"r{one % 3}" for one in range(n)],
                         "created_at": moments})  # fmt: skip


@pytest.mark.parametrize(
    ("per_minute", "minutes", "n_live", "live_days"),
    [(100, 10, 60, 30), (100, 10, 60, 1), (30, 50, 180, 30), (30, 50, 40, 20)],
)
def test_an_import_over_many_minutes_does_not_hide_itself(per_minute, minutes, n_live, live_days):
    deals = imported(per_minute, minutes, n_live, live_days)
    table = sd.hygiene.suspect_entries(department_of(deals=deals), by="rep_id")
    mine = table[(table["table"] == "deals") & (table["kind"] == "one_minute")]
    assert mine["n_import"].sum() == per_minute * minutes
    assert mine["n_examined"].sum() == n_live
    assert mine["n_suspect"].sum() == 0


def test_an_import_begins_and_ends_within_a_minute():
    deals = imported(100, 10, 60, 30)
    edge = imported(18, 1, 0, 1)
    for number, minute in enumerate((-1, 10)):  # six of each rep just before, and just after
        more = edge.assign(
            deal_id=[f"e{number}-{one}" for one in range(18)],
            created_at=edge["created_at"] + pd.Timedelta(minutes=minute),
        )
        deals = pd.concat([deals, more], ignore_index=True)
    one = found(sd.hygiene.suspect_entries(department_of(deals=deals)), "one_minute", "deals")
    assert (one.n_import, one.n_suspect) == (1036, 0)
