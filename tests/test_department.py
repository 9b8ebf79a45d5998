"""`Department`: tables of any kind on an engine, narrowed so that they still fit each other."""

from __future__ import annotations

from datetime import UTC, date, datetime
from unittest import mock
from zoneinfo import ZoneInfo

import duckdb
import ibis
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

import salesdiag as sd
from tests.frames import STAGES, day, deals_of, department_of, stored, targets_of

DEALS = pd.DataFrame({
    "deal_id": ["A", "B", "C"],
    "status": ["won", "lost", "open"],
    "created_at": pd.to_datetime(["2025-01-01 08:00", "2025-01-02 09:30", "2025-02-03 10:00"]),
    "closed_at": pd.to_datetime(["2025-01-20", "2025-01-31", None]),
    "amount": [100.25, 40.0, None],
    "rep_id": ["r1", "r2", None],
})  # fmt: skip


def ibis_table(tmp_path):
    return stored(ibis.duckdb.connect(), "mine", DEALS)


def parquet_path(tmp_path):
    DEALS.to_parquet(tmp_path / "deals.parquet")
    return tmp_path / "deals.parquet"


KINDS = {
    "pandas": lambda _path: DEALS,
    "pandas with Arrow columns": lambda _path: DEALS.convert_dtypes(dtype_backend="pyarrow"),
    "pandas with categories": lambda _path: DEALS.astype({"status": "category"}),
    "Polars": lambda _path: pl.from_pandas(DEALS),
    "lazy Polars": lambda _path: pl.from_pandas(DEALS).lazy(),
    "Polars with categories": lambda _path: pl.from_pandas(DEALS).with_columns(
        pl.col("status").cast(pl.Categorical)
    ),
    "Arrow": lambda _path: pa.Table.from_pandas(DEALS),
    "Parquet": parquet_path,
    "Parquet by its name": lambda path: str(parquet_path(path)),
    "Ibis": ibis_table,
}


class TestKinds:
    @pytest.mark.parametrize("kind", KINDS)
    def test_a_table_of_any_kind_gives_the_same_deals(self, kind, tmp_path):
        department = sd.Department(deals=KINDS[kind](tmp_path), as_of="2025-03-01")
        found = department.deals.order_by("deal_id").execute()
        assert found["deal_id"].tolist() == ["A", "B", "C"]
        assert found["status"].tolist() == ["won", "lost", "open"]
        assert found["created_at"].tolist() == DEALS["created_at"].tolist()
        assert found["closed_at"].isna().tolist() == [False, False, True]
        assert [str(one) for one in found["amount"][:2]] == ["100.2500", "40.0000"]
        assert found["rep_id"].isna().tolist() == [False, False, True]

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_table_of_any_kind_gives_the_same_win_rate(self, kind, tmp_path):
        department = sd.Department(deals=KINDS[kind](tmp_path), as_of="2025-03-01")
        table = sd.funnel.win_rate(department, by="rep_id", population="created")
        assert table["rep_id"].tolist() == ["r1", "r2", "unassigned"]
        assert table["n_won"].tolist() == [1, 0, 0]

    def test_a_table_is_carried_to_the_engine_once(self):
        class Counted:
            times = 0

            def __arrow_c_stream__(self, requested_schema=None):
                Counted.times += 1
                return pa.Table.from_pandas(DEALS).__arrow_c_stream__(requested_schema)

        department = sd.Department(deals=Counted(), as_of="2025-03-01")
        sd.funnel.win_rate(department)
        sd.check(department.where(status="won"))
        assert Counted.times == 1

    def test_small_tables_are_fetched_once_and_copied(self):
        department = department_of([("A", "open", None, "r1")], [("A", "lead", 0)])
        with mock.patch("salesdiag.department.fetch", side_effect=RuntimeError) as fetched:
            with pytest.raises(RuntimeError):
                department.fetch("stages")
            fetched.side_effect = None
            fetched.return_value = STAGES
            stages = department.fetch("stages")
            stages["stage"] = "spoilt"
            assert "spoilt" not in department.fetch("stages")["stage"].tolist()
        assert fetched.call_count == 2  # the one that failed, and one

    def test_what_is_given_is_left_as_it_was(self):
        before = DEALS.copy()
        sd.check(sd.Department(deals=DEALS, as_of="2025-03-01"))
        assert_frame_equal(DEALS, before)

    def test_a_change_of_the_frame_does_not_reach_the_department(self):
        frame = DEALS.copy()
        department = sd.Department(deals=frame, as_of="2025-03-01")
        frame["status"] = "lost"
        assert department.deals.status.execute().tolist() == ["won", "lost", "open"]

    def test_tables_of_the_users_own_database_stay_untouched(self):
        connection = ibis.duckdb.connect()
        stored(connection, "mine", DEALS)
        stored(connection, "reps", pd.DataFrame({"note": ["precious"]}))
        reps = pd.DataFrame({"rep_id": ["r1"], "team": ["North"]})
        sd.Department(deals=connection.table("mine"), reps=reps, as_of="2025-03-01")
        assert connection.table("reps").execute()["note"].tolist() == ["precious"]

    def test_two_departments_on_one_connection_keep_apart(self):
        deals = stored(ibis.duckdb.connect(), "mine", DEALS)
        reps = pd.DataFrame({"rep_id": ["r1"], "team": ["North"]})
        first = sd.Department(deals=deals, reps=reps, as_of="2025-03-01")
        sd.Department(deals=deals, reps=reps.assign(team="South"), as_of="2025-03-01")
        assert first.reps.team.execute().tolist() == ["North"]

    def test_frames_beside_tables_of_a_database_that_may_only_be_read(self, tmp_path):
        with duckdb.connect(tmp_path / "crm.duckdb") as engine:
            engine.register("incoming", DEALS)
            engine.execute("CREATE TABLE deals AS SELECT * FROM incoming")
        connection = ibis.duckdb.connect(tmp_path / "crm.duckdb", read_only=True)
        reps = pd.DataFrame({"rep_id": ["r1", "r2"], "team": ["North", "South"]})
        department = sd.Department(deals=connection.table("deals"), reps=reps, as_of="2025-03-01")
        table = sd.funnel.win_rate(department, by="team")
        assert table[["team", "n_won", "n_lost"]].to_numpy().tolist() == [
            ["North", 1, 0],
            ["South", 0, 1],
        ]

    def test_tables_of_two_connections_are_refused(self):
        deals = stored(ibis.duckdb.connect(), "a", DEALS)
        reps = stored(ibis.duckdb.connect(), "b", pd.DataFrame({"rep_id": ["r1"]}))
        with pytest.raises(sd.InputError, match=r"must be on one connection; got 2 \(duckdb, du"):
            sd.Department(deals=deals, reps=reps, as_of="2025-03-01")


class TestTypes:
    def test_ids_are_text_whatever_they_look_like(self):
        frame = pd.DataFrame({"deal_id": [7, 8], "status": "won", "rep_id": [1.0, None]})
        found = sd.Department(deals=frame, as_of="2025-03-01").deals.execute()
        assert found["deal_id"].tolist() == ["7", "8"]
        assert found["rep_id"][0] == "1"  # pandas made a float of it beside the missing one
        assert pd.isna(found["rep_id"][1])

    def test_fractions_in_a_text_column_keep_their_fraction(self):
        frame = pd.DataFrame({"deal_id": ["A", "B"], "status": "won", "segment": [1.5, 2.5]})
        found = sd.Department(deals=frame, as_of="2025-03-01").deals.order_by("deal_id")
        assert found.segment.execute().tolist() == ["1.5", "2.5"]

    @pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
    @pytest.mark.parametrize("nothing", [float("nan"), None])
    def test_columns_that_hold_nothing_fit_any_type(self, frame, nothing):
        # readers of CSV give an empty column some type, float as a rule
        given = frame({
            "deal_id": ["A", "B"], "status": ["won", "open"],
            "closed_at": [nothing, nothing], "amount": [nothing, nothing],
            "expected_close_on": [nothing, nothing], "loss_reason": [nothing, nothing],
        })  # fmt: skip
        found = sd.Department(deals=given, as_of="2025-03-01").deals.execute()
        assert found.drop(columns=["deal_id", "status"]).isna().all(axis=None)

    def test_not_a_number_counts_as_missing(self):
        deals = pl.DataFrame({
            "deal_id": ["A", "B"], "status": ["won", "lost"], "amount": [float("nan"), 4.0],
            "probability": [float("nan"), 0.5],
        })  # fmt: skip
        department = sd.Department(deals=deals, as_of="2025-03-01")
        assert sd.funnel.win_rate(department)["n_without_amount"].item() == 1
        assert department.deals.probability.count().execute() == 1

    def test_money_adds_up_exactly(self):
        # 0.1 + 0.2 + ... as floats is not 30
        department = deals_of(
            [(str(one), "won", 0.1) for one in range(300)], ["deal_id", "status", "amount"]
        )
        assert str(department.deals.amount.sum().execute()) == "30.0000"

    @pytest.mark.parametrize(
        ("column", "values", "message"),
        [
            ("created_at", "2025-01-01", r"deals\.created_at must hold dates or times; it holds s"),
            ("closed_at", 45_000, r"deals\.closed_at must hold dates or times; it holds int64"),
            ("amount", "1,000.00", r"deals\.amount must hold numbers; it holds string"),
            ("amount", True, r"deals\.amount must hold numbers; it holds boolean"),
            ("probability", "high", r"deals\.probability must hold numbers"),
        ],
    )
    def test_values_of_the_wrong_kind_are_refused_with_what_to_do(self, column, values, message):
        with pytest.raises(sd.InputError, match=message) as raised:
            sd.Department(deals=DEALS.assign(**{column: values}), as_of="2025-03-01")
        assert "salesdiag.load" in str(raised.value)

    def test_a_column_of_mixed_kinds_is_refused(self):
        frame = pd.DataFrame({"deal_id": ["A", 7], "status": "won"})
        with pytest.raises(sd.InputError, match=r"^deals: a column mixes kinds of values"):
            sd.Department(deals=frame, as_of="2025-03-01")

    def test_a_column_given_twice_is_refused(self):
        frame = pd.DataFrame([["A", "won", "lost"]], columns=["deal_id", "status", "status"])
        with pytest.raises(sd.InputError, match="deals has the column 'status' twice"):
            sd.Department(deals=frame, as_of="2025-03-01")

    @pytest.mark.parametrize("data", [[1, 2], {"deal_id": ["A"]}, 5])
    def test_what_is_no_table_is_refused(self, data):
        with pytest.raises(sd.InputError, match="deals must be a pandas, Polars, Arrow or Ibis"):
            sd.Department(deals=data, as_of="2025-03-01")

    @pytest.mark.parametrize("content", [None, b"", b"not Parquet at all"])
    def test_a_path_that_is_no_parquet_file_is_refused(self, content, tmp_path):
        path = tmp_path / "deals.parquet"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(sd.InputError, match=r"deals\.parquet cannot be read as Parquet"):
            sd.Department(deals=path, as_of="2025-03-01")

    def test_columns_beyond_the_schema_are_kept_for_slicing(self):
        department = deals_of(
            [("A", "won", "gold"), ("B", "lost", None)], ["deal_id", "status", "tier"]
        )
        assert sd.funnel.win_rate(department, by="tier")["tier"].tolist() == ["gold", "unassigned"]

    def test_a_missing_mandatory_column_is_named_with_the_nearest_one(self):
        with pytest.raises(sd.MissingDataError) as raised:
            sd.Department(deals=DEALS.rename(columns={"deal_id": "dealid"}))
        assert "deals lacks the mandatory column 'deal_id'" in str(raised.value)
        assert "Did you mean 'dealid'?" in str(raised.value)
        assert raised.value.missing == ("deals.deal_id",)
        assert "export of all deals" in raised.value.ask_for

    def test_a_department_of_no_deals_can_be_asked(self):
        department = sd.Department(deals=DEALS.iloc[:0], as_of="2025-03-01")
        assert sd.funnel.win_rate(department)["n_deals"].item() == 0


BERLIN = sd.Calendar(time_zone="Europe/Berlin")


class TestTimeZones:
    # noon in UTC is 13:00 in Berlin in winter and 14:00 in summer; in the night of 30 March
    # 2025 clocks went from 2 to 3, in that of 26 October from 3 back to 2
    MOMENTS = ("2025-01-15 12:00", "2025-07-15 12:00", "2025-03-30 00:59", "2025-03-30 01:00",
           "2025-10-26 00:30", "2025-10-26 01:30", "2025-12-31 23:30")  # fmt: skip
    LOCAL = ("2025-01-15 13:00", "2025-07-15 14:00", "2025-03-30 01:59", "2025-03-30 03:00",
             "2025-10-26 02:30", "2025-10-26 02:30", "2026-01-01 00:30")  # fmt: skip

    def frame(self):
        moments = pd.to_datetime(list(self.MOMENTS)).tz_localize("UTC")
        ids = [str(one) for one in range(len(moments))]
        return pd.DataFrame({"deal_id": ids, "status": "open", "created_at": moments})

    @pytest.mark.parametrize(
        "kind",
        ["pandas", "another zone", "Polars", "Arrow in seconds", "Parquet", "Ibis"],
    )
    def test_moments_become_the_departments_wall_clock(self, kind, tmp_path):
        frame = self.frame()
        if kind == "another zone":
            data = frame.assign(created_at=frame["created_at"].dt.tz_convert("Asia/Ho_Chi_Minh"))
        elif kind == "Polars":
            data = pl.from_pandas(frame)
        elif kind == "Arrow in seconds":
            data = pa.Table.from_pandas(frame)
            seconds = data["created_at"].cast(pa.timestamp("s", tz="UTC"))
            data = data.set_column(2, "created_at", seconds)
        elif kind == "Parquet":
            data = tmp_path / "deals.parquet"
            frame.to_parquet(data)
        elif kind == "Ibis":
            data = stored(ibis.duckdb.connect(), "mine", pa.Table.from_pandas(frame))
        else:
            data = frame
        department = sd.Department(deals=data, calendar=BERLIN, as_of="2026-01-01")
        found = department.deals.order_by("deal_id").created_at.execute()
        assert found.dt.tz is None
        assert found.tolist() == [pd.Timestamp(one) for one in self.LOCAL]

    def test_an_evening_in_utc_is_the_next_day_at_home(self):
        frame = self.frame().iloc[-1:]  # 23:30 on New Year's Eve in UTC
        berlin = sd.Department(deals=frame, calendar=BERLIN)
        assert berlin.as_of == date(2026, 1, 1)
        assert sd.Department(deals=frame).as_of == date(2025, 12, 31)
        kept = berlin.created_between("2026-01-01", "2026-01-01")
        assert kept.deals.count().execute() == 1

    def test_a_date_given_as_a_moment_is_the_day_at_home(self):
        moment = datetime(2025, 6, 30, 22, 30, tzinfo=UTC)  # half past midnight there
        frame = pd.DataFrame({"deal_id": ["A"], "status": "open", "expected_close_on": [moment]})
        table = stored(ibis.duckdb.connect(), "mine", pa.Table.from_pandas(frame))
        for data in (frame, table):
            department = sd.Department(deals=data, calendar=BERLIN, as_of="2025-06-30")
            assert department.deals.expected_close_on.execute()[0] == pd.Timestamp("2025-07-01")

    def test_times_without_a_zone_are_taken_as_they_are(self):
        frame = self.frame().assign(created_at=pd.to_datetime(list(self.MOMENTS)))
        found = sd.Department(deals=frame, calendar=BERLIN).deals.order_by("deal_id").created_at
        assert found.execute().tolist() == [pd.Timestamp(one) for one in self.MOMENTS]

    def test_the_conversion_agrees_with_python(self):
        moments = pd.date_range("2025-01-01", "2025-12-31", freq="7h", tz="UTC")
        frame = pd.DataFrame({"deal_id": moments.astype(str), "status": "open",
                              "created_at": moments})  # fmt: skip
        found = sd.Department(deals=frame, calendar=BERLIN).deals.order_by("deal_id").created_at
        zone = ZoneInfo("Europe/Berlin")
        expected = [one.to_pydatetime().astimezone(zone).replace(tzinfo=None) for one in moments]
        assert [one.to_pydatetime() for one in found.execute()] == expected


class TestAsOf:
    def test_it_is_the_latest_thing_that_cannot_be_entered_ahead(self):
        # the closing of 1 May may have been entered ahead; the activity of 2 March may not
        department = deals_of(
            [("A", "won", 0, 120), ("B", "open", 30, None)],
            ["deal_id", "status", "created_at", "closed_at"],
            activities=pd.DataFrame({
                "activity_id": ["1"], "activity_type": ["call"], "occurred_at": [day(60)],
                "due_at": [day(300)],
            }),
            as_of=None,
        )  # fmt: skip
        assert department.as_of == date(2025, 3, 2)
        assert department.settings.as_of_source == "latest activities.occurred_at"

    @pytest.mark.parametrize(
        ("table", "columns", "source"),
        [
            ("leads", {"lead_id": ["L"], "created_at": [day(9)]}, "latest leads.created_at"),
            (
                "stage_changes",
                {"deal_id": ["A"], "stage": ["lead"], "entered_at": [day(9)]},
                "latest stage_changes.entered_at",
            ),
        ],
    )
    def test_leads_and_stage_entries_count_too(self, table, columns, source):
        department = deals_of(
            [("A", "open", 3)],
            ["deal_id", "status", "created_at"],
            as_of=None,
            **{table: pd.DataFrame(columns)},
        )
        assert department.as_of == date(2025, 1, 10)
        assert department.settings.as_of_source == source

    def test_without_any_such_date_it_must_be_given(self):
        for rows, columns in (
            ([("A", "won", 3)], ["deal_id", "status", "closed_at"]),
            ([("A", "open", None)], ["deal_id", "status", "created_at"]),
        ):
            with pytest.raises(sd.InputError, match="give as_of, the last day"):
                deals_of(rows, columns, as_of=None)

    def test_given_it_is_taken_and_said_so(self):
        department = deals_of([("A", "won")], ["deal_id", "status"], as_of=date(2024, 2, 29))
        assert department.as_of == date(2024, 2, 29)
        assert department.settings.as_of_source == "given"

    def test_what_is_no_day_is_refused(self):
        with pytest.raises(sd.InputError, match="as_of must be a day"):
            deals_of([("A", "won")], ["deal_id", "status"], as_of="31.12.2025")


class TestBeingAsked:
    def test_it_never_changes(self):
        department = deals_of([("A", "won")], ["deal_id", "status"])
        for name in ("deals", "as_of", "anything"):
            with pytest.raises(AttributeError, match=f"never changes; cannot set '{name}'"):
                setattr(department, name, None)

    def test_tables_come_in_the_order_of_the_schema(self):
        department = deals_of(
            [("A", "won")],
            ["deal_id", "status"],
            reps=pd.DataFrame({"rep_id": ["r"]}),
            stages=STAGES,
        )
        assert department.tables == ("deals", "stages", "reps")
        assert department.has("stages", "position", "status")
        assert not department.has("stages", "pipeline")
        assert not department.has("leads")

    def test_a_table_that_is_not_there_is_asked_for(self):
        department = deals_of([("A", "won")], ["deal_id", "status"])
        with pytest.raises(sd.MissingDataError, match="no table 'targets'; it has deals") as raised:
            _ = department.targets
        assert raised.value.missing == ("targets",)
        assert raised.value.ask_for.startswith("the plan")

    def test_a_name_that_is_no_table_is_refused_with_the_nearest(self):
        department = deals_of([("A", "won")], ["deal_id", "status"])
        with pytest.raises(sd.InputError, match="Did you mean 'stages'"):
            department.table("stage")
        with pytest.raises(AttributeError, match="no attribute 'stage'"):
            _ = department.stage

    def test_deals_are_mandatory_and_tables_are_known(self):
        from salesdiag.department import Department, Settings

        with pytest.raises(sd.MissingDataError, match="needs the table 'deals'"):
            Department.of({"reps": pd.DataFrame({"rep_id": ["r"]})}, Settings())
        with pytest.raises(sd.InputError, match=r"'deal' is no table; .* Did you mean 'deals'"):
            Department.of({"deal": DEALS}, Settings())

    def test_require_names_all_that_is_missing_and_what_to_ask_for(self):
        department = deals_of([("A", "won")], ["deal_id", "status"])
        with pytest.raises(sd.MissingDataError) as raised:
            department.require(deals=["deal_id", "amount", "closed_at"], targets=["level"])
        assert raised.value.missing == ("deals.amount", "deals.closed_at", "targets")
        assert "export of all deals" in raised.value.ask_for
        assert "the plan" in raised.value.ask_for

    def test_how_it_shows_itself(self):
        department = deals_of([("A", "won")], ["deal_id", "status"], name="Nordwind")
        assert repr(department) == "<Department 'Nordwind' as of 2025-03-01: deals>"

    def test_html_escapes_what_the_user_named(self):
        department = deals_of(
            [("A", "won"), ("B", "won")],
            ["deal_id", "status"],
            name="<script>alert(1)</script>",
            currency="<EUR>",
        )
        page = department._repr_html_()
        assert "<script>" not in page
        assert "<EUR>" not in page
        assert "&lt;script&gt;" in page
        assert "<td>2</td>" in page  # two deals
        nameless = deals_of([("A", "won")], ["deal_id", "status"])
        assert "Sales department" in nameless._repr_html_()


class TestLadder:
    def test_lost_stages_are_ends_and_no_steps(self):
        stages = pd.DataFrame({
            "stage": ["lost early", "offer", "lead", "signed"], "position": [1, 3, 2, 9],
            "status": ["lost", "open", "open", "won"],
        })  # fmt: skip
        ladder = deals_of([("A", "won")], ["deal_id", "status"], stages=stages).ladder()
        assert ladder.to_numpy().tolist() == [
            ["lead", 2, "open"], ["offer", 3, "open"], ["signed", 9, "won"],
        ]  # fmt: skip

    def test_an_order_of_names_gets_a_last_step_won(self):
        ladder = deals_of([("A", "won")], ["deal_id", "status"], stage_order=["x", "y"]).ladder()
        assert ladder.to_numpy().tolist() == [["x", 1, "open"], ["y", 2, "open"], ["won", 3, "won"]]

    def test_a_stage_without_a_status_is_open(self):
        stages = pd.DataFrame({"stage": ["a", "b"], "position": [1, 2], "status": [None, "won"]})
        ladder = deals_of([("A", "won")], ["deal_id", "status"], stages=stages).ladder()
        assert ladder["status"].tolist() == ["open", "won"]

    def test_without_any_order_it_is_asked_for(self):
        with pytest.raises(sd.MissingDataError, match="selling order of the stages is not known"):
            deals_of([("A", "won")], ["deal_id", "status"]).ladder()

    def test_several_pipelines_must_be_narrowed_first(self):
        stages = pd.DataFrame({"stage": ["a", "b"], "position": [1, 1], "pipeline": ["new", "old"]})
        department = deals_of([("A", "won", "new")], ["deal_id", "status", "pipeline"],
                              stages=stages)  # fmt: skip
        with pytest.raises(sd.InputError, match=r"several pipelines \(new, old\): narrow with"):
            department.ladder()
        assert department.where(pipeline="old").ladder()["stage"].tolist() == ["b", "won"]

    def test_without_an_open_stage_there_are_no_steps(self):
        stages = pd.DataFrame({"stage": ["yes", "no"], "position": [1, 2],
                               "status": ["won", "lost"]})  # fmt: skip
        with pytest.raises(sd.InputError, match=r"no stage is open, .* listed are 'no', 'yes'"):
            deals_of([("A", "won")], ["deal_id", "status"], stages=stages).ladder()


REPS = pd.DataFrame({
    "rep_id": ["r1", "r2", "r3"],
    "rep_name": ["Ann", "Bob", "Cai"],
    "team": ["North", "North", "South"],
    "territory": ["east", "west", "east"],
})  # fmt: skip


class TestSplitting:
    def department(self, **more):
        rows = [("A", "won", "r1", "c1"), ("B", "lost", "r3", "c2"), ("C", "open", None, "c1"),
                ("D", "won", "r9", None)]  # fmt: skip
        accounts = pd.DataFrame({"account_id": ["c1", "c2"], "size": ["big", "small"],
                                 "territory": ["abroad", "abroad"]})  # fmt: skip
        given = {"reps": REPS, "accounts": accounts} | more
        return deals_of(rows, ["deal_id", "status", "rep_id", "account_id"], **given)

    def test_keys_come_from_deals_reps_or_accounts(self):
        department = self.department()
        assert department.split_keys("team") == ["team"]
        assert department.split_keys(["rep_id", "size"]) == ["rep_id", "size"]
        assert department.split_keys(()) == []
        assert department.home_of("rep_id") == "deals"
        assert department.home_of("team") == "reps"
        assert department.home_of("size") == "accounts"
        assert department.home_of("territory") == "reps"  # before that of the account
        assert department.home_of("nothing") == ""

    def test_null_and_unknown_keys_become_unassigned(self):
        # C has no rep, D a rep that is not listed; D has no account
        found = self.department().select_deals(by=["team", "size"]).order_by("deal_id").execute()
        assert found["team"].tolist() == ["North", "South", "unassigned", "unassigned"]
        assert found["size"].tolist() == ["big", "small", "big", "unassigned"]

    def test_repeated_reps_and_accounts_do_not_multiply_deals(self):
        twice = pd.concat([REPS, REPS.assign(team="Zebra")])
        accounts = pd.DataFrame({"account_id": ["c1", "c1", "c2"], "size": ["big", "big", None]})
        department = self.department(reps=twice, accounts=accounts)
        found = department.select_deals(by=["team", "size"]).order_by("deal_id").execute()
        assert found["deal_id"].tolist() == ["A", "B", "C", "D"]
        assert found["team"].tolist() == ["North", "South", "unassigned", "unassigned"]

    def test_an_unknown_key_is_refused_with_the_nearest(self):
        with pytest.raises(sd.MissingDataError) as raised:
            self.department().split_keys("tema")
        assert "no table has a column 'tema'" in str(raised.value)
        assert "Did you mean 'team'?" in str(raised.value)

    def test_keys_of_reps_need_deals_that_name_reps(self):
        department = deals_of([("A", "won")], ["deal_id", "status"], reps=REPS)
        with pytest.raises(sd.MissingDataError, match="no table has a column 'team'"):
            department.split_keys("team")

    def test_a_key_given_twice_is_refused(self):
        with pytest.raises(sd.InputError, match="names a column twice"):
            self.department().split_keys(["team", "team"])

    @pytest.mark.parametrize("key", ["amount", "closed_at", "probability"])
    def test_a_value_of_each_row_is_no_key(self, key):
        department = sd.Department(deals=DEALS.assign(probability=0.5), as_of="2025-03-01")
        with pytest.raises(sd.InputError, match=rf"deals\.{key} holds a .*; split by a column of"):
            department.split_keys(key)

    def test_merged_deals_are_left_out(self):
        department = deals_of(
            [("A", "won", None), ("B", "won", "A")], ["deal_id", "status", "merged_into_id"]
        )
        assert department.select_deals().deal_id.execute().tolist() == ["A"]
        assert sd.funnel.win_rate(department)["n_won"].item() == 1

    def test_both_days_of_a_window_are_included_and_undated_deals_need_no_window(self):
        department = deals_of(
            [("A", "won", 9.99), ("B", "won", 10.0), ("C", "won", 20.99), ("D", "won", 21.0),
             ("E", "won", None)],
            ["deal_id", "status", "created_at"],
        )  # fmt: skip
        inside = department.select_deals(start="2025-01-11", end=date(2025, 1, 21))
        assert sorted(inside.deal_id.execute()) == ["B", "C"]
        assert department.select_deals().count().execute() == 5
        assert sorted(department.select_deals(start="2025-01-22").deal_id.execute()) == ["D"]

    def test_a_window_needs_its_date(self):
        department = deals_of([("A", "won")], ["deal_id", "status"])
        with pytest.raises(sd.MissingDataError, match=r"deals\.created_at"):
            department.select_deals(end="2025-01-01")


class TestNarrowing:
    def department(self, **more):
        deals = pd.DataFrame({
            "deal_id": ["A", "B", "C"], "status": ["won", "lost", "open"],
            "rep_id": ["r1", "r2", "r3"], "account_id": ["c1", "c2", None],
            "source": ["web", "fair", "web"], "created_at": [day(0), day(10), day(20)],
            "closed_at": [day(5), day(15), None],
        })  # fmt: skip
        leads = pd.DataFrame({
            "lead_id": ["L1", "L2", "L3"], "created_at": [day(0), day(10), day(20)],
            "rep_id": ["r1", "r2", "r3"], "source": ["web", "fair", "web"],
            "deal_id": ["A", "B", None], "status": ["converted", "converted", "working"],
        })  # fmt: skip
        moves = pd.DataFrame({
            "deal_id": ["A", "A", "B", "C"], "stage": ["lead", "won", "lead", "lead"],
            "entered_at": [day(0), day(5), day(10), day(20)],
            # r2 had deal A before r1 got it
            "rep_id": ["r2", "r1", "r2", "r3"],
        })  # fmt: skip
        activities = pd.DataFrame({
            "activity_id": ["1", "2", "3", "4"], "activity_type": "call",
            "occurred_at": [day(1), day(11), day(21), day(22)],
            "rep_id": ["r1", "r2", "r3", None], "deal_id": ["A", "B", None, None],
            "lead_id": ["L3", None, "L3", None],
        })  # fmt: skip
        targets = targets_of([
            ("department", None, "2025-01-01", "2025-03-31", 90),
            ("team", "North", "2025-01-01", "2025-03-31", 60),
            ("team", "South", "2025-01-01", "2025-03-31", 30),
            ("rep", "r1", "2025-01-01", "2025-03-31", 40),
            ("rep", "r3", "2025-01-01", "2025-03-31", 30),
        ])  # fmt: skip
        line_items = pd.DataFrame({
            "deal_id": ["A", "A", "C"], "product": ["x", "y", "x"], "quantity": 1.0,
            "list_price": 2.0, "unit_price": 1.0,
        })  # fmt: skip
        market = pd.DataFrame({"period_start": [day(0)], "index": [100.0]})
        accounts = pd.DataFrame({"account_id": ["c1", "c2"], "size": ["big", "small"]})
        given = {
            "leads": leads, "stage_changes": moves, "stages": STAGES, "activities": activities,
            "targets": targets, "reps": REPS, "line_items": line_items, "market": market,
            "accounts": accounts,
        }  # fmt: skip
        return sd.Department(deals=deals, as_of="2025-03-01", **(given | more))

    def rows(self, department):
        """Give, per table, the ids that are left."""
        firsts = {"stage_changes": "stage", "stages": "stage", "targets": "id", "market": "index",
                  "line_items": "product"}  # fmt: skip
        found = {}
        for name in department.tables:
            column = firsts.get(name, department.table(name).columns[0])
            values = department.table(name)[column].execute()
            found[name] = sorted(values.fillna("whole").astype(str))
        return found

    def test_by_team_through_the_reps(self):
        rows = self.rows(self.department().where(team="North"))
        assert rows == {
            "deals": ["A", "B"],
            "stage_changes": ["lead", "lead", "won"],  # the whole history of A and B
            "stages": ["lead", "lost", "offer", "won"],
            "activities": ["1", "2"],
            "leads": ["L1", "L2"],
            "reps": ["r1", "r2"],
            "targets": ["North", "r1"],  # neither the department's nor the other team's
            "line_items": ["x", "y"],
            "accounts": ["c1", "c2"],
            "market": ["100.0"],
        }

    def test_by_rep_the_history_stays_whole_whoever_had_the_deal_then(self):
        department = self.department().where(rep_id="r1")
        rows = self.rows(department)
        assert rows["deals"] == ["A"]
        assert rows["stage_changes"] == ["lead", "won"]  # r2 entered "lead"
        assert rows["targets"] == ["r1"]
        assert sd.funnel.stage_conversion(department)["n_skipped"].tolist() == [0, 1]

    def test_by_status_of_deals_the_stages_stay_whole_and_leads_follow_their_deal(self):
        rows = self.rows(self.department().where(status="won"))
        assert rows["deals"] == ["A"]
        assert rows["stages"] == ["lead", "lost", "offer", "won"]
        assert rows["leads"] == ["L1"]
        assert rows["line_items"] == ["x", "y"]

    def test_by_status_of_leads(self):
        rows = self.rows(self.department().where(status="working"))
        assert rows["leads"] == ["L3"]
        assert rows["deals"] == ["A", "B", "C"]  # no deal names a lead here

    def test_by_a_list_of_values_and_several_conditions(self):
        department = self.department()
        assert self.rows(department.where(source=["web", "fair"]))["deals"] == ["A", "B", "C"]
        both = self.rows(department.where(source="web", team="South"))
        assert both["deals"] == ["C"]
        assert both["leads"] == ["L3"]

    def test_by_a_column_of_the_accounts(self):
        rows = self.rows(self.department().where(size="big"))
        assert rows["deals"] == ["A"]
        assert rows["accounts"] == ["c1"]
        assert rows["stage_changes"] == ["lead", "won"]

    def test_by_a_level_of_the_targets(self):
        rows = self.rows(self.department().where(metric="revenue", level="team"))
        assert rows["targets"] == ["North", "South"]
        assert rows["deals"] == ["A", "B", "C"]

    def test_ids_given_as_numbers_are_compared_as_text(self):
        targets = targets_of([("rep", "1", "2025-01-01", "2025-01-31", 5)])
        rows = [("A", "won", 1), ("B", "won", 2)]
        department = deals_of(rows, ["deal_id", "status", "rep_id"], targets=targets)
        narrowed = department.where(rep_id=1)
        assert narrowed.deals.deal_id.execute().tolist() == ["A"]
        assert narrowed.targets.count().execute() == 1

    def test_targets_without_ids_are_the_departments_and_not_a_parts(self):
        targets = targets_of([("department", None, "2025-01-01", "2025-03-31", 90)])
        department = self.department(targets=targets.drop(columns="id"))
        assert department.where(team="North").targets.count().execute() == 0
        assert department.where(metric="revenue").targets.count().execute() == 1

    def test_the_narrowed_department_is_another_one(self):
        department = self.department()
        narrowed = department.where(team="South")
        assert department.deals.count().execute() == 3
        assert narrowed.deals.count().execute() == 1
        assert narrowed.as_of == department.as_of

    def test_an_unknown_column_is_refused_with_the_nearest(self):
        with pytest.raises(sd.InputError, match=r"no table has a column 'tema'.* mean 'team'"):
            self.department().where(tema="North")

    def test_created_between_keeps_what_hangs_on_the_cohort(self):
        # B and L2 are of 11 January. Activity 2 is on B; 4 hangs on nothing and stays.
        rows = self.rows(self.department().created_between("2025-01-11", "2025-01-11"))
        assert rows["deals"] == ["B"]
        assert rows["leads"] == ["L2"]
        assert rows["stage_changes"] == ["lead"]
        assert rows["activities"] == ["2", "4"]
        assert rows["line_items"] == []
        assert rows["targets"] == ["North", "South", "r1", "r3", "whole"]

    def test_an_activity_on_a_deal_of_the_cohort_stays_though_its_lead_is_of_another(self):
        # activity 1 names deal A (1 January) and lead L3 (21 January)
        department = self.department()
        assert self.rows(department.created_between(end="2025-01-05"))["activities"] == ["1", "4"]
        assert "1" in self.rows(department.created_between(start="2025-01-15"))["activities"]

    def test_created_between_without_bounds_keeps_all(self):
        department = self.department()
        assert self.rows(department.created_between()) == self.rows(department)

    @pytest.mark.parametrize("kind", ["pandas", "Polars", "Arrow", "Parquet", "Ibis"])
    def test_every_kind_of_table_is_narrowed_alike(self, kind, tmp_path):
        reps = pd.DataFrame({"rep_id": ["r1", "r2"], "team": ["North", "South"]})
        if kind == "Ibis":
            connection = ibis.duckdb.connect()
            given = stored(connection, "d", DEALS), stored(connection, "r", reps)
        elif kind == "Parquet":
            pq.write_table(pa.Table.from_pandas(reps), tmp_path / "reps.parquet")
            given = parquet_path(tmp_path), tmp_path / "reps.parquet"
        else:
            make = {"pandas": pd.DataFrame, "Polars": pl.from_pandas, "Arrow": pa.Table.from_pandas}
            given = make[kind](DEALS), make[kind](reps)
        department = sd.Department(deals=given[0], reps=given[1], as_of="2025-03-01")
        assert department.where(team="South").deals.deal_id.execute().tolist() == ["B"]
        assert sorted(department.created_between("2025-01-02").deals.deal_id.execute()) == [
            "B",
            "C",
        ]


def test_amounts_in_several_currencies_are_not_added_up():
    deals = pd.DataFrame({
        "deal_id": ["A", "B"], "status": ["won", "lost"], "amount": [1.0, 2.0],
        "currency": ["EUR", "usd"],
    })  # fmt: skip
    several = sd.Department(deals=deals, as_of="2025-12-31")
    for analysis in (sd.funnel.win_rate, sd.drivers.gap_ledger, sd.funnel.outcome_incidence):
        with pytest.raises((sd.InputError, sd.MissingDataError)):
            analysis(several)
    with pytest.raises(sd.InputError, match="the deals are in EUR, USD: amounts in several"):
        sd.funnel.win_rate(several)
    assert len(sd.check(several))  # what is wrong with the data can still be seen
    narrowed = sd.funnel.win_rate(several.where(currency="EUR"))
    assert narrowed["total_amount"].item() == 1
    # converted by whoever says so, or all the same
    told = sd.Department(deals=deals, as_of="2025-12-31", currency="EUR")
    assert sd.funnel.win_rate(told)["n_deals"].item() == 2
    alike = deals.assign(currency=["eur ", "EUR"])
    assert sd.funnel.win_rate(sd.Department(deals=alike, as_of="2025-12-31"))["n_won"].item() == 1


def test_an_id_in_several_rows_is_refused_where_deals_are_counted():
    deals = pd.DataFrame({"deal_id": ["A", "A", "B"], "status": ["won", "won", "lost"],
                          "team": ["N", "N", "S"]})  # fmt: skip
    department = sd.Department(deals=deals, as_of="2025-12-31")
    assert (sd.check(department)["rule"] == "repeated key").any()  # it can still be looked at
    with pytest.raises(sd.InputError, match="1 of 3 rows repeat the id of another, such as A"):
        sd.funnel.win_rate(department)
    with pytest.raises(sd.InputError, match="such as A"):
        sd.funnel.win_rate(department.where(team="S"))


def test_deals_created_after_as_of_are_not_there_yet():
    columns = ["deal_id", "status", "created_at", "closed_at"]
    rows = [("A", "won", 0, 5), ("B", "open", 3, None), ("C", "open", 80, None)]
    table = sd.funnel.win_rate(deals_of(rows, columns), population="created")
    assert table["n_deals"].item() == 2  # the data speak to day 59


def test_deals_turned_back_to_as_of_stand_in_no_stage_that_they_reached_later():
    columns = ["deal_id", "status", "created_at", "closed_at", "stage"]
    rows = [("A", "won", 0, 5, "Won"), ("B", "won", 3, 80, "Won"), ("C", "open", 4, None, "Offer")]
    table = sd.funnel.current_stages(deals_of(rows, columns)).set_index("stage")
    assert table["n_open"].to_dict() == {"Offer": 1, "Won": 0, "unassigned": 1}
    assert table["n_won"].to_dict() == {"Offer": 0, "Won": 1, "unassigned": 0}


def test_pipelines_told_by_the_deals_alone_are_several_too():
    deals = pd.DataFrame({"deal_id": ["A", "B"], "status": "open", "pipeline": ["new", "old"]})
    department = sd.Department(deals=deals, as_of="2025-12-31", stage_order=["x", "y"])
    with pytest.raises(sd.InputError, match=r"several pipelines \(new, old\)"):
        department.ladder()
    assert department.where(pipeline="new").ladder()["stage"].tolist() == ["x", "y", "won"]


def test_what_a_stage_means_does_not_hang_on_a_narrowing():
    # of 30 deals, those of one team were all won from the last step, where they now stand
    rows = [(f"D{n}", "won", "offer", "N") for n in range(25)]
    rows += [(f"E{n}", "open", "offer", "S") for n in range(5)]
    deals = pd.DataFrame(rows, columns=["deal_id", "status", "stage", "team"])
    department = sd.Department(deals=deals, as_of="2025-12-31", stage_order=["lead", "offer"])
    north = department.where(team="N")
    assert north.ladder()["status"].tolist() == ["open", "open", "won"]


def test_a_few_deals_do_not_make_an_end_of_a_stage():
    deals = pd.DataFrame({"deal_id": ["A", "B"], "status": "won", "stage": "offer"})
    department = sd.Department(deals=deals, as_of="2025-12-31", stage_order=["lead", "offer"])
    assert department.ladder()["stage"].tolist() == ["lead", "offer", "won"]


@pytest.mark.parametrize("name", ["entered_at", "age_days", "n_visits", "last_on"])
def test_a_key_named_like_a_figure_is_refused(name):
    deals = pd.DataFrame({"deal_id": ["A"], "status": "won", name: "x"})
    with pytest.raises(sd.InputError, match=f"'{name}' is the name of a result"):
        sd.funnel.win_rate(sd.Department(deals=deals, as_of="2025-12-31"), by=name)
