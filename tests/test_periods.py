"""The calendar: fiscal periods, working days, and the values it refuses."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesdiag.errors import InputError
from salesdiag.periods import WEEKDAYS, Calendar, add_months, last_twelve_months, parse_day

DAYS = st.dates(date(2000, 1, 1), date(2040, 12, 31))


def test_working_days_of_a_week_with_christmas():
    # Monday 22 to Sunday 28 December 2025; Thursday and Friday are holidays in Germany
    first, last = date(2025, 12, 22), date(2025, 12, 28)
    assert Calendar().count_working_days(first, last) == 5
    assert Calendar(holidays="DE").count_working_days(first, last) == 3
    assert Calendar(holidays=("2025-12-25",)).count_working_days(first, last) == 4


def test_a_holiday_on_a_free_day_takes_no_working_day():
    assert Calendar(holidays=("2025-12-27",)).count_working_days(
        date(2025, 12, 22), date(2025, 12, 28)
    ) == 5  # fmt: skip


def test_a_week_of_other_days():
    gulf = Calendar(working_days=("sun", "mon", "tue", "wed", "thu"))
    # Friday 2 to Monday 5 May 2025: Sunday and Monday
    assert gulf.count_working_days(date(2025, 5, 2), date(2025, 5, 5)) == 2
    assert Calendar().count_working_days(date(2025, 5, 2), date(2025, 5, 5)) == 2
    assert Calendar(working_days=("sat",)).count_working_days(
        date(2025, 5, 2), date(2025, 5, 5)
    ) == 1  # fmt: skip


def test_holidays_of_a_span_over_new_year_come_from_both_years():
    found = Calendar(holidays="DE").days_off(date(2024, 12, 24), date(2025, 1, 2))
    assert found == (date(2024, 12, 25), date(2024, 12, 26), date(2025, 1, 1))


@given(DAYS, st.integers(0, 400), st.sets(st.sampled_from(WEEKDAYS), min_size=1),
       st.sets(DAYS, max_size=5))  # fmt: skip
def test_working_days_equal_a_count_day_by_day(first, n_days, week, off):
    calendar = Calendar(working_days=tuple(sorted(week)), holidays=tuple(off))
    span = [first + timedelta(days=one) for one in range(n_days + 1)]
    expected = sum(WEEKDAYS[one.weekday()] in week and one not in off for one in span)
    assert calendar.count_working_days(first, span[-1]) == expected


def test_a_span_that_ends_before_it_starts_has_no_working_day():
    assert Calendar().count_working_days(date(2025, 5, 5), date(2025, 5, 2)) == 0


@pytest.mark.parametrize(
    ("start", "months", "day", "first", "last"),
    [
        (1, 3, "2025-05-31", "2025-04-01", "2025-06-30"),
        (4, 3, "2025-03-31", "2025-01-01", "2025-03-31"),
        (2, 3, "2025-01-15", "2024-11-01", "2025-01-31"),  # the quarter began last year
        (4, 12, "2025-03-31", "2024-04-01", "2025-03-31"),
        (4, 12, "2025-04-01", "2025-04-01", "2026-03-31"),
        (7, 6, "2025-12-31", "2025-07-01", "2025-12-31"),
        (1, 1, "2024-02-29", "2024-02-01", "2024-02-29"),
    ],
)
def test_fiscal_periods_by_hand(start, months, day, first, last):
    found = Calendar(fiscal_year_start=start).period_of(date.fromisoformat(day), months=months)
    assert found == (date.fromisoformat(first), date.fromisoformat(last))


@given(DAYS, st.integers(1, 12), st.sampled_from([1, 2, 3, 4, 6, 12]))
def test_periods_hold_their_day_and_follow_each_other_without_a_gap(day, start, months):
    calendar = Calendar(fiscal_year_start=start)
    first, last = calendar.period_of(day, months=months)
    assert first <= day <= last
    following, _end = calendar.period_of(last + timedelta(days=1), months=months)
    assert following == last + timedelta(days=1)
    assert calendar.period_of(first, months=months) == (first, last)


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        ("2024-01-31", 1, "2024-02-29"),
        ("2025-01-31", 1, "2025-02-28"),
        ("2025-12-15", 1, "2026-01-15"),
        ("2025-01-15", -1, "2024-12-15"),
        ("2025-03-31", -13, "2024-02-29"),
        ("2025-11-30", 1, "2025-12-30"),
    ],
)
def test_months_are_added_by_the_calendar(day, months, expected):
    assert add_months(date.fromisoformat(day), months) == date.fromisoformat(expected)


def test_the_window_of_an_audit_is_a_year_that_ends_with_as_of():
    assert last_twelve_months(date(2025, 3, 15)) == (date(2024, 3, 16), date(2025, 3, 15))
    assert last_twelve_months(date(2024, 2, 29)) == (date(2023, 3, 1), date(2024, 2, 29))


@pytest.mark.parametrize(
    "value",
    ["2025-12-31", date(2025, 12, 31), datetime(2025, 12, 31, 23, 59),
     pd.Timestamp("2025-12-31 08:00")],
)  # fmt: skip
def test_a_day_may_be_text_a_date_or_a_moment(value):
    assert parse_day(value, "as_of") == date(2025, 12, 31)


@pytest.mark.parametrize(
    "value", ["31.12.2025", "2025-13-01", "yesterday", "", "20251231.5", 20251231, pd.NaT, None]
)
def test_what_is_no_day_is_refused_by_name(value):
    with pytest.raises(InputError, match=r"^start must be a day written as YYYY-MM-DD"):
        parse_day(value, "start")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time_zone": "Mars/Olympus"}, "time_zone must be an IANA name"),
        ({"time_zone": "../etc/passwd"}, "time_zone must be an IANA name"),
        ({"fiscal_year_start": 0}, "fiscal_year_start is a month from 1 to 12; got 0"),
        ({"fiscal_year_start": 13}, "fiscal_year_start is a month"),
        ({"working_days": ("monday",)}, "working_days is a list of mon, tue"),
        ({"working_days": ()}, "working_days is a list"),
        ({"working_days": "mon"}, "working_days is a list"),
        ({"working_hours": ("18:00", "09:00")}, "working_hours is an opening and a later closing"),
        ({"working_hours": ("09:00",)}, "working_hours is an opening"),
        ({"working_hours": ("nine", "ten")}, "working_hours is an opening"),
        ({"working_hours": None}, "working_hours is an opening"),
        ({"holidays": "germany"}, "holidays is a country code such as 'DE'"),
        ({"holidays": ("25.12.2025",)}, "holidays must be a day written as"),
    ],
)
def test_values_that_mean_nothing_are_refused_by_name(options, message):
    with pytest.raises(InputError, match=message):
        Calendar(**options)


def test_an_unknown_country_is_refused_when_its_holidays_are_asked_for():
    with pytest.raises(InputError, match="'XX' is no country code"):
        Calendar(holidays="XX").count_working_days(date(2025, 1, 1), date(2025, 1, 31))


def test_working_days_are_kept_in_the_order_of_the_week():
    assert Calendar(working_days=("fri", "mon")).working_days == ("mon", "fri")
    assert Calendar(working_hours=["8:00".zfill(5), "17:30"]).working_hours == ("08:00", "17:30")
