"""Numbers, times and mapped values, as people and programs write them."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pytest

import salesdiag as sd
from salesdiag.intake.delimited import read_delimited
from salesdiag.intake.finish import finish
from salesdiag.intake.mapping import Source
from salesdiag.intake.numbers import read_durations, read_numbers
from salesdiag.intake.raw import RawColumn
from salesdiag.intake.times import read_times
from salesdiag.intake.typed import map_values, read_typed, text_of
from salesdiag.schema import TABLES


def column(*texts):
    return RawColumn(pa.array(texts, pa.string()))


def numbers(*texts, **options):
    return read_numbers(column(*texts), "f.csv, column 'x'", **options).values.to_pylist()


def times(*texts, **options):
    return read_times(column(*texts), "f.csv, column 'x'", **options).values.to_pylist()


def cells(raw):
    return {name: one.text.to_pylist() for name, one in raw.columns.items()}


# -- numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0), ("-5", -5), ("+5", 5), ("5-", -5), ("(5)", -5), ("−5", -5), ("- 5", -5),
        ("1 234,50", 1234.5), ("1\xa0234\xa0567,89", 1234567.89), ("1'234.50", 1234.5),
        ("1,234.50", 1234.5), ("1.234,50", 1234.5), ("1.234.567", 1234567), ("1,234,567", 1234567),
        ("12,5", 12.5), (",5", 0.5), ("5.", 5), ("0,125", 0.125), ("1234,567", 1234.567),
        ("50%", 0.5), ("12,5\xa0%", 0.125), ("1e3", 1000), ("1.5E-2", 0.015),
        ("$1,234.50", 1234.5), ("-$5.10", -5.1), ("$-5.10", -5.1), ("($5.10)", -5.1),
        ("$(5.10)", -5.1),
        ("1 234,50 ₽", 1234.5), ("1 234,50\xa0₽", 1234.5), ("1 234,50 руб.", 1234.5),
        ("15 рублей", 15), ("EUR 1.234,50", 1234.5), ("1.234,50 eur", 1234.5), ("R$ 12,50", 12.5),
        ("CHF 1'234.50", 1234.5), ("10.000.000 đ", 10_000_000), ("₫10.000.000", 10_000_000),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(text, value):
    assert numbers(text) == [pytest.approx(value)]


@pytest.mark.parametrize(
    "text", ["abc", "--5", "5 10", "12 34", "1.2.3", "1,23,4", "N-5", "+7 999 123 45 67", "0x10",
    "nan",
             "1e999", "5,1,", "12.05.2025", "abc 5", "(-5)", "5 000 00"],
)  # fmt: skip
def test_what_is_no_number_becomes_null_and_is_shown(text):
    read = read_numbers(column(text, "7"), "x")
    assert read.values.to_pylist() == [None, 7.0]
    assert read.unread.to_pylist() == [text]


@pytest.mark.parametrize("text", ["1,234", "1.234", "-1,234", "$1,234", "123,456"])
def test_one_group_of_three_digits_is_an_open_question(text):
    with pytest.raises(sd.InputError, match="can be"):
        numbers(text, "500")
    assert numbers(text, decimal_mark=".")[0] in (1234.0, -1234.0, 1.234, 123456.0)


def test_one_value_decides_for_its_column():
    assert numbers("1,234", "5,6") == [1.234, 5.6]
    assert numbers("1,234", "5.6") == [1234.0, 5.6]
    assert numbers("1.234", "1.234,5") == [1234.0, 1234.5]
    assert numbers("1,234", "1,234,567") == [1234.0, 1234567.0]
    assert (
        read_numbers(column("1,234", "5,6"), "x").evidence
        == "comma ('5,6' leaves no other reading)"
    )


def test_a_group_mark_stands_before_three_digits():
    assert numbers("1,23", "5.6", decimal_mark=".") == [None, 5.6]


def test_cells_that_are_numbers_stay_so_beside_text():
    mixed = RawColumn(pa.array([None, "1 234,5"]), pa.array([1.234, None]))
    assert read_numbers(mixed, "x").values.to_pylist() == [1.234, 1234.5]


@pytest.mark.parametrize(
    "texts", [("$1000.00", "€2500.50", "900 KZT"), ("5 USD", "5 CAD"), ("5 руб.", "5 €")]
)
def test_a_column_in_several_currencies_is_refused(texts):
    with pytest.raises(sd.InputError, match="column 'x': the amounts are in several currencies"):
        numbers(*texts)


def test_one_currency_may_be_written_in_several_ways():
    assert numbers("5 руб.", "6 ₽", "7 RUB", "8 RUR", "9 рублей", "10 р.", "11") == list(
        map(float, range(5, 12))
    )
    assert numbers("$5 CAD", "CAD 6") == [5.0, 6.0]
    assert numbers("$5", "US$6", "7 USD") == [5.0, 6.0, 7.0]


@pytest.mark.parametrize("text", ["5 MIO", "5 TSD", "MLN 5", "5 MRD", "5 BLN", "5 XXX"])
def test_letters_that_are_no_currency_are_not_taken_away(text):
    read = read_numbers(column(text, "7 EUR"), "x")
    assert read.values.to_pylist() == [None, 7.0]
    assert read.unread.to_pylist() == [text]


def test_lengths_of_time_in_seconds():
    read = read_durations(
        column("0:20:40", "1:05", "2 days, 1:05:00", "185 s", "90", "", None, "long", "05:30")
    )
    assert read.values.to_pylist() == [1240, None, 176_700, 185, 90, None, None, None, None]
    assert read.unread.to_pylist() == ["1:05", "long", "05:30"]


# -- times -------------------------------------------------------------------------------------

HALF_PAST = datetime(2026, 3, 5, 14, 30)
DAY = datetime(2026, 3, 5)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-05", DAY), ("2026-03-05 14:30", HALF_PAST), ("2026-03-05T14:30:00", HALF_PAST),
        ("2026-03-05T14:30:00Z", HALF_PAST), ("2026-03-05 14:30:00.000", HALF_PAST),
        ("2026-03-05 17:30:00+03", HALF_PAST), ("2026-03-05 09:30:00.0-05", HALF_PAST),
        ("2026-03-05T16:30:00+02:00", HALF_PAST), ("2026-03-05T11:00:00-0330", HALF_PAST),
        ("2026/03/05 14:30", HALF_PAST), ("20260305", DAY), ("20260305T14:30:00", HALF_PAST),
        ("05.03.2026", DAY), ("5.3.26", DAY), ("05.03.2026 14:30:00", HALF_PAST),
        ("05.03.2026, 14:30", HALF_PAST),
        ("05.03.2026 г.", DAY), ("14:30 05.03.2026", HALF_PAST),
        ("5 March 2026", DAY), ("5 Mar 2026 2:30 PM", HALF_PAST), ("March 5, 2026", DAY),
        ("Mar 5, 2026, 2:30\u202fPM", HALF_PAST), ("March 5, 2026 at 2:30 PM", HALF_PAST),
        ("05-Mar-26", DAY),
        ("Mar 5th, 2026", DAY), ("Thu, 05 Mar 2026 14:30:00 GMT", HALF_PAST),
        ("Thursday, March 5, 2026", DAY),
        ("5 марта 2026 г.", DAY), ("5 марта 2026 г., 14:30", HALF_PAST),
        ("5 марта 2026 г. в 14:30", HALF_PAST),
        ("5 мар. 2026", DAY), ("5 мар 2026 14:30", HALF_PAST), ("четверг, 5 марта 2026 г.", DAY),
        ("5 tháng 3, 2026", DAY), ("5 tháng 3 năm 2026", DAY), ("ngày 5 tháng 3 năm 2026", DAY),
        ("5 thg 3, 2026", DAY), ("05.03.2026 02:30 CH", HALF_PAST),
        ("Thứ Năm, 5 tháng 3, 2026", DAY),
        ("46086", DAY), ("46086.6041666667", HALF_PAST), ("46086,6041666667", HALF_PAST),
        ("1772721000", HALF_PAST), ("1772721000000", HALF_PAST),
    ],
)  # fmt: skip
def test_times_as_programs_write_them(text, moment):
    assert times(text) == [moment]


@pytest.mark.parametrize(
    "text", ["31.02.2026", "2026-13-01", "00.00.0000", "0000-00-00", "01.01.0001 0:00:00",
    "0001-01-01",
             "9999-12-31", "05.03.2026 25:00", "не закрыта", "12345", "13:05 PM", "5 Smarch 2026",
             "99"],
)  # fmt: skip
def test_what_is_no_time_becomes_null_and_is_shown(text):
    read = read_times(column(text, "2026-03-05"), "x")
    assert read.values.to_pylist() == [None, DAY]
    assert read.unread.to_pylist() == [text]


def test_twelve_o_clock():
    assert [
        one.hour for one in times("3/14/2026 12:05 AM", "3/14/2026 12:05 PM", "3/14/2026 1:05 p.m.")
    ] == [0, 12, 13]
    assert [one.hour for one in times("14/3/2026 12:05 SA", "14/3/2026 12:05 CH")] == [0, 12]


def test_years_of_two_digits():
    assert [one.year for one in times("31.12.69", "31.12.70", "31.12.99", "31.12.00")] == [
        2069,
        1970,
        1999,
        2000,
    ]
    assert times("26-03-05", order="ymd") == [DAY]


def test_the_order_of_day_and_month():
    assert times("05/03/2026", "25/03/2026")[0] == DAY
    assert times("03/05/2026", "03/25/2026")[0] == DAY
    assert times("03/05/2026", order="mdy") == [DAY]
    assert times("03/03/2026") == [datetime(2026, 3, 3)]
    with pytest.raises(
        sd.InputError, match="'02/08/2026' can be 02 August 2026 or 08 February 2026"
    ):
        times("02/08/2026", "03/08/2026")
    with pytest.raises(sd.InputError, match="has the day first, '08/25/2026' the month"):
        times("25/08/2026", "08/25/2026")
    # a date that is none says nothing about the others
    assert times("13/25/2026", "25/03/2026") == [None, datetime(2026, 3, 25)]


def test_an_offset_is_carried_into_the_zone_of_the_department():
    berlin = {"zone": "Europe/Berlin"}
    assert times("2026-01-15T12:00:00Z", "2026-07-15T12:00:00Z", **berlin) == [
        datetime(2026, 1, 15, 13), datetime(2026, 7, 15, 14),
    ]  # fmt: skip
    # clocks went back at 3:00 on 26 October 2025: both of these are 2:30
    assert (
        times("2025-10-26T00:30:00Z", "2025-10-26T01:30:00Z", **berlin)
        == [datetime(2025, 10, 26, 2, 30)] * 2
    )


def test_clock_times_of_another_zone_are_moved_and_days_are_not():
    moved = times(
        "2026-01-15 12:00", "2026-07-15 12:00", "2026-07-15", "2026-07-15T12:00:00Z",
        source_zone="America/New_York", zone="Europe/Berlin",
    )  # fmt: skip
    assert moved == [
        datetime(2026, 1, 15, 18), datetime(2026, 7, 15, 18), datetime(2026, 7, 15),
        datetime(2026, 7, 15, 14),
    ]  # fmt: skip


def test_midnight_is_a_day_and_is_not_moved_whether_text_or_date():
    how = {"source_zone": "America/New_York", "zone": "Europe/Berlin"}
    assert times("2026-01-15 00:00:00", "2026-01-15 00:00", **how) == [datetime(2026, 1, 15)] * 2
    typed = RawColumn(
        pa.array([None], pa.string()), None, pa.array([datetime(2026, 1, 15)], pa.timestamp("us"))
    )
    assert read_times(typed, "x", **how).values.to_pylist() == [datetime(2026, 1, 15)]


def half_converted(days, texts):
    n = len(days) + len(texts)
    moments = [datetime(2026, 3, day) for day in days]
    return RawColumn(
        pa.array([*[None] * len(days), *texts], pa.string()), None,
        pa.array([*moments, *[None] * (n - len(days))], pa.timestamp("us")),
    )  # fmt: skip


@pytest.mark.parametrize(
    "texts", [("25/03/2026", "13/04/2026", "31/12/2026"), ("3-25-26", "4-13-26", "12-31-26")]
)
def test_dates_that_a_spreadsheet_turned_round_where_it_could_are_refused(texts):
    with pytest.raises(sd.InputError, match=r"p: 3 cells are dates.*exchanged day and month"):
        read_times(half_converted([1, 5, 12], texts), "p")


@pytest.mark.parametrize(
    ("days", "texts"),
    [
        ([1, 5, 13], ("25/03/2026", "13/04/2026", "31/12/2026")),
        ([1, 5, 12], ("25/03/2026", "12/04/2026", "31/12/2026")),
        ([1, 5], ("25/03/2026", "13/04/2026", "31/12/2026")),
    ],
)
def test_dates_beside_text_that_are_not_turned_round_are_read(days, texts):
    assert read_times(half_converted(days, texts), "p").values.null_count == 0


def test_whole_numbers_of_sixteen_digits_are_no_ids():
    whole = RawColumn(pa.nulls(1, pa.string()), pa.array([999_999_999_999_999.0]))
    assert text_of(whole, "p").to_pylist() == ["999999999999999"]
    with pytest.raises(sd.InputError, match="more than 15 digits"):
        text_of(RawColumn(pa.nulls(1, pa.string()), pa.array([1e15])), "p")


def shares(*values):
    done = finish(TABLES["deals"], pa.table({
        "deal_id": [str(n) for n in range(len(values))], "status": ["open"] * len(values),
        "probability": pa.array(values, pa.float64()),
    }))  # fmt: skip
    return done.columns["probability"].to_pylist(), [(one.topic, one.n_rows) for one in done.facts]


def test_percents_become_shares_if_most_are_percents():
    assert shares(0, 50, 1, 100) == ([0, 0.5, 0.01, 1], [("percent", None)])
    assert shares(0.25, 0.5, 75, None, 0) == (
        [0.25, 0.5, None, None, 0], [("value not readable", 1)],
    )  # fmt: skip
    assert shares(0.25, 1) == ([0.25, 1], [])


def test_a_clock_time_that_daylight_saving_skips_is_read_all_the_same():
    # at 2:00 on 29 March 2026 clocks in Berlin went to 3:00
    assert times("2026-03-29 02:30", source_zone="Europe/Berlin", zone="UTC") == [
        datetime(2026, 3, 29, 1)
    ]


# -- value maps --------------------------------------------------------------------------------


def test_values_are_mapped_whatever_their_case_and_blanks():
    values = {"Успех": "won", "": "open", "*": "lost"}
    given = pa.array(["успех", " УСПЕХ ", None, "  ", "отказ"])
    assert map_values(given, values).to_pylist() == ["won", "won", "open", "open", "lost"]
    assert map_values(pa.array(["x", "y"]), {"x": ""}).to_pylist() == [None, "y"]


def test_typed_cells_that_a_map_does_not_touch_keep_their_type():
    source = Source("s", "f.xlsx", decimal_mark=",")
    mixed = RawColumn(pa.array([None, "нет", None]), pa.array([1.234, None, 7.0]))
    read = read_typed(
        mixed, "number", "amount", "p", source=source, zone="UTC", values={"нет": "", "7": "8"}
    )
    assert read.values.to_pylist() == [1.234, None, 8.0]
    moment = datetime(2026, 3, 5, 14, 30, 0, 250_000)
    mixed = RawColumn(
        pa.array([None, "не закрыта"]), None, pa.array([moment, None], pa.timestamp("us"))
    )
    read = read_typed(
        mixed, "time", "closed_at", "p", source=source, zone="UTC", values={"Не закрыта": ""}
    )
    assert read.values.to_pylist() == [moment, None]
    assert not read.facts


# -- where a value stands ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("deal_id,status,amount\n1,won,5\n2,won,x\n", "row 3"),
        ("title\ndeal_id,status,amount\n1,won,5\n2,won,x\n", "row 4"),
        ("deal_id,status,amount\n1,won,5\n\n2,won,x\n", "data row 2"),
        ("deal_id,status,amount\r\n1,won,5\r\n2,won,x\r\n", "row 3"),
        ("deal_id,status,amount\r\n1,won,5\r\n\r\n2,won,x\r\n", "data row 2"),
        ("deal_id,status,amount\n\n1,won,5\n2,won,x\n", "data row 2"),
        ("deal_id,status,amount\n1,won,5\n,,\n2,won,x\n", "data row 2"),
        ('deal_id,status,amount\n"1\n1",won,5\n2,won,x\n', "row 3"),
    ],
)
def test_the_first_value_that_is_not_readable_is_found_by_its_row(text, row):
    raw = read_delimited("f.csv", text.encode())
    source = Source("s", "f.csv")
    read = read_typed(raw.columns["amount"], "money", "amount", "p", source=source, zone="UTC")
    assert read.facts[-1].detail == f"became null, such as 'x'; first in {row}"


def test_the_first_value_that_leaves_a_question_open_is_found_by_its_row():
    raw = read_delimited("f.csv", b'deal_id,made,sum\n1,,7\n2,02/08/2026,"1,234"\n')
    with pytest.raises(sd.InputError, match=r"no value of the column decides \(.* row 3\)"):
        read_times(raw.columns["made"], "p")
    with pytest.raises(sd.InputError, match=r"no value of the column decides \(.* row 3\)"):
        read_numbers(raw.columns["sum"], "p")
