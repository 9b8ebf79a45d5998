"""Published and recomputed figures of three data sets, reached from nothing but a mapping file."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.stats.survival import cumulative_incidence
from tests.real_data import data_set, needs

QUARTERS_2017 = [
    ("2017-01-01", "2017-03-31"),
    ("2017-04-01", "2017-06-30"),
    ("2017-07-01", "2017-09-30"),
    ("2017-10-01", "2017-12-31"),
]


def load(name, **options):
    folder, mapping = data_set(name)
    return sd.load(folder, mapping=mapping, **options)


def frame(department, table):
    """Give a table in pandas, money as floats."""
    rows = department.table(table).to_pandas()
    money = [name for name in rows if name.endswith("_amount") or name in ("amount", "target")]
    money += [name for name in rows if name in ("list_price", "unit_price", "unit_cost")]
    return rows.astype(dict.fromkeys(money, float))


def account_of_rows(department):
    """Give, per table, rows read, rows used and rows set aside by reason."""
    report = department.load_report
    account = {}
    for table, lines in report.groupby("table"):
        n_rows = {topic: lines[lines["topic"] == topic]["n_rows"] for topic in lines["topic"]}
        aside = lines[lines["topic"] == "rows set aside"].set_index("item")["n_rows"]
        read, used = n_rows["rows read"].item(), n_rows["rows used"].item()
        account[table] = (int(read), int(used), aside.astype(int).to_dict())
    return account


def failing(department, table, rule, column=None):
    """Give how many rows `check` finds to fail a rule, and how many it examined."""
    found = sd.check(department)
    found = found[(found["table"] == table) & (found["rule"] == rule)]
    if column is not None:
        found = found[found["column"] == column]
    assert len(found) == 1, f"{len(found)} rows of check on {table}: {rule}"
    return found["n_failing"].item(), found["n_examined"].item()


def won_rate(table):
    return table["n_won"].sum() / table["n_deals"].sum()


def days(later, earlier):
    """Count whole calendar days."""
    return (later.dt.normalize() - earlier.dt.normalize()).dt.days


def scaled(values, digits=2, by=100):
    return [round(float(value) * by, digits) for value in values]


@pytest.fixture(scope="module")
def maven():
    return load("maven_crm")


@pytest.fixture(scope="module")
def orders():
    return load("adventureworks_dw")


@pytest.fixture(scope="module")
def school():
    return load("itschool_crm")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=needs(name))
        for name in ("maven_crm", "adventureworks_dw", "itschool_crm")
    ],
)
def test_every_row_read_is_used_or_set_aside_with_a_reason(name):
    department = load(name)
    account = account_of_rows(department)
    assert set(account) == set(department.tables)
    for table, (read, used, aside) in account.items():
        assert read == used + sum(aside.values()), table
        assert used == department.table(table).count().execute(), table
        assert "" not in aside


@needs("maven_crm")
class TestMaven:
    def test_rows_and_settings(self, maven):
        assert account_of_rows(maven) == {
            "accounts": (85, 85, {}),
            "deals": (8800, 8800, {}),
            "reps": (35, 35, {}),
        }
        assert (str(maven.as_of), maven.currency) == ("2017-12-31", "USD")
        assert maven.ladder()["stage"].tolist() == ["Prospecting", "Engaging", "won"]

    def test_stages_now(self, maven):
        table = sd.funnel.current_stages(maven)
        assert dict(zip(table["stage"], table["n_deals"], strict=True)) == {
            "Won": 4238,
            "Lost": 2473,
            "Engaging": 1589,
            "Prospecting": 500,
        }
        assert table["n_open"].sum() == 2089
        assert table["open_amount"].isna().all()  # open deals carry no amount

    def test_stage_conversion_is_refused_and_says_what_can_be_had_instead(self, maven):
        with pytest.raises(sd.MissingDataError, match="current_stages") as refused:
            sd.funnel.stage_conversion(maven)
        assert refused.value.missing == ("stage_changes",)
        assert "stage history" in str(refused.value)
        assert "stage history of the deals" in refused.value.ask_for

    def test_deals_in_prospecting_have_no_date_and_are_kept(self, maven):
        deals = frame(maven, "deals")
        assert deals["created_at"].isna().sum() == 500
        assert set(deals[deals["created_at"].isna()]["stage"]) == {"Prospecting"}
        table = sd.funnel.win_rate(maven, population="created", start="2016-01-01")
        assert (table["n_deals"].item(), table["n_undated"].item()) == (8300, 500)

    def test_dates(self, maven):
        deals = frame(maven, "deals")
        ends = deals[["created_at", "closed_at"]].agg(["min", "max"]).astype(str)
        assert ends["created_at"].tolist() == ["2016-10-20", "2017-12-27"]
        assert ends["closed_at"].tolist() == ["2017-03-01", "2017-12-31"]
        cycle = days(deals["closed_at"], deals["created_at"])
        assert (cycle.min(), cycle.max()) == (1, 138)
        assert cycle[deals["status"] == "won"].median() == 57
        assert cycle[deals["status"] == "lost"].median() == 14
        bands = deals["status"].eq("won").groupby(pd.cut(cycle, [0, 14, 119, 138]), observed=True)
        assert bands.size().tolist() == [2806, 3688, 217]
        assert scaled(bands.mean(), 1) == [55.5, 68.3, 75.1]

    def test_win_rate(self, maven):
        closed = sd.funnel.win_rate(maven)
        assert (closed["n_deals"].item(), closed["n_won"].item()) == (6711, 4238)
        assert scaled(closed["win_rate"]) == [63.15]
        created = sd.funnel.win_rate(maven, population="created")
        assert (created["n_deals"].item(), created["n_open"].item()) == (8800, 2089)
        assert scaled(created["win_rate"]) == [48.16]

    def test_win_rate_by_quarter_of_closing(self, maven):
        rows = [sd.funnel.win_rate(maven, start=first, end=last) for first, last in QUARTERS_2017]
        table = pd.concat(rows)
        assert table["n_deals"].tolist() == [647, 2032, 2047, 1985]
        assert scaled(table["win_rate"], 1) == [82.1, 61.7, 61.4, 60.3]
        assert table["n_undated"].tolist() == [0, 0, 0, 0]

    def test_win_rate_by_month_of_the_quarter(self, maven):
        months = pd.period_range("2017-04", "2017-12", freq="M")
        rows = [
            sd.funnel.win_rate(maven, start=month.start_time, end=month.end_time.normalize())
            for month in months
        ]
        table = pd.concat(rows).assign(place=(months.month - 1) % 3)
        sums = table.groupby("place")[["n_won", "n_deals"]].sum()
        assert scaled(sums["n_won"] / sums["n_deals"], 1) == [49.0, 54.7, 80.2]

    def test_value_win_rate_is_refused_where_lost_deals_carry_no_amount(self, maven):
        table = sd.funnel.win_rate(maven)
        assert table["n_without_amount"].item() == 2473
        assert table["value_win_rate"].isna().item()
        assert table["value_win_rate_without_largest"].isna().item()

    def test_revenue(self, maven):
        assert sd.funnel.win_rate(maven)["won_amount"].item() == 10_005_534
        teams = sd.funnel.win_rate(maven, by="team").set_index("team")["won_amount"]
        surnames = teams.rename(lambda name: name.split()[-1])
        assert surnames.astype(int).to_dict() == {
            "Marxen": 2_251_930,
            "Sewald": 1_964_750,
            "Neubert": 1_960_545,
            "Rouche": 1_603_897,
            "Losch": 1_130_049,
            "Brinkmann": 1_094_363,
        }
        offices = sd.funnel.win_rate(maven, by="territory").set_index("territory")["won_amount"]
        assert offices.to_dict() == {"West": 3_568_647, "Central": 3_346_293, "East": 3_090_594}
        reps = sd.funnel.win_rate(maven, by="rep_id").set_index("rep_id")["won_amount"]
        assert (reps.idxmax(), reps.max()) == ("Darcel Schlecht", 1_153_214)

    def test_reps(self, maven):
        table = sd.funnel.win_rate(maven, by="rep_id")
        assert (len(table), len(frame(maven, "reps"))) == (30, 35)
        assert scaled([table["win_rate"].min(), table["win_rate"].max()], 1) == [55.0, 70.4]
        assert round(table["n_deals"].mean(), 1) == 223.7
        # chi-square of equal win rates: nothing tells the reps apart
        rate = won_rate(table)
        spread = (table["n_won"] - table["n_deals"] * rate) ** 2
        assert round((spread / (table["n_deals"] * rate * (1 - rate))).sum(), 2) == 33.35
        stages = sd.funnel.current_stages(maven, by="rep_id")
        holders = stages[stages["n_open"] > 0]["stage"].value_counts().to_dict()
        assert holders == {"Engaging": 27, "Prospecting": 10}

    def test_price_realisation(self, maven):
        deals = frame(maven, "deals")
        assert deals["list_amount"].notna().all()  # the spelling of the price list is mapped
        assert (deals["product"] == "GTX Pro").sum() == 1480
        won = deals[deals["status"] == "won"]
        assert round(won["amount"].sum() / won["list_amount"].sum(), 5) == 0.99821
        single = won["amount"] / won["list_amount"]
        assert scaled([single.min(), single.max()], 3, by=1) == [0.657, 1.342]

    def test_accounts_missing(self, maven):
        deals = frame(maven, "deals")
        without = deals[deals["account_id"].isna()]
        assert (len(without), set(without["status"])) == (1425, {"open"})
        assert scaled([1425 / (deals["status"] == "open").sum()], 1) == [68.2]
        segments = frame(maven, "accounts")["segment"]
        assert "technology" in set(segments)
        assert "technolgy" not in set(segments)

    @pytest.mark.parametrize(
        ("day", "won", "lost"),
        [
            (30, 0.2190, None),
            (60, 0.2647, None),
            (90, 0.3970, None),
            (120, 0.5000, None),
            (138, 0.5194, 0.3017),
        ],
    )
    def test_share_won_by_a_day(self, maven, day, won, lost):
        deals = frame(maven, "deals").dropna(subset="created_at")
        assert len(deals) == 8300
        end = deals["closed_at"].fillna(pd.Timestamp(maven.as_of))
        wait = days(end, deals["created_at"])
        ends = [deals["status"] == status for status in ("won", "lost", "open")]
        found = cumulative_incidence(wait, *ends, horizon=day)
        assert found.rate.round(4).item() == won
        if lost is not None:
            rival = cumulative_incidence(wait, ends[1], ends[0], ends[2], horizon=day)
            assert rival.rate.round(4).item() == lost

    def test_check_finds_the_quirks(self, maven):
        assert failing(maven, "deals", "without a creation date") == (500, 8800)
        assert failing(maven, "deals", "lost without an amount") == (2473, 2473)
        assert failing(maven, "deals", "open without an amount") == (2089, 2089)
        assert failing(maven, "deals", "without an account") == (1425, 8800)
        old = "open longer than any deal that ever closed"
        assert failing(maven, "deals", old)[0] == 1291
        # closings start in March, starts in October: the first quarter is March only
        assert failing(maven, "deals", "created before the first closing in the data")[1] == 8300


@needs("adventureworks_dw")
class TestAdventureWorks:
    def test_rows(self, orders):
        assert account_of_rows(orders) == {
            "deals": (60_855, 3796, {"joined into one row per deal_id": 57_059}),
            "line_items": (60_855, 60_855, {}),
            "accounts": (701, 701, {}),
            "reps": (296, 18, {"not in the sales department": 278}),
            "targets": (163, 163, {}),
        }

    def test_orders(self, orders):
        deals = frame(orders, "deals")
        assert deals["deal_id"].is_unique
        assert set(deals["status"]) == {"won"}
        assert deals["account_id"].nunique() == 635
        assert deals["rep_id"].nunique() == 17
        ends = [str(deals["closed_at"].min().date()), str(deals["closed_at"].max().date())]
        assert ends == ["2010-12-29", "2013-11-29"]
        assert round(deals["amount"].sum(), 2) == 80_450_596.98
        assert round(deals["cost_amount"].sum(), 2) == 79_980_114.38
        margin = 1 - deals["cost_amount"].sum() / deals["amount"].sum()
        assert scaled([margin]) == [0.58]
        # the file's own discount column, a float, adds up to 527,507.93
        discount = deals["list_amount"].sum() - deals["amount"].sum()
        assert discount == pytest.approx(527_507.93, abs=0.05)
        years = deals.groupby(deals["closed_at"].dt.year)["amount"].sum()
        assert scaled(years, 3, by=1e-6) == [0.489, 18.193, 28.194, 33.575]
        largest = deals.groupby("account_id")["amount"].sum().sort_values(ascending=False)
        assert scaled([largest[:127].sum() / largest.sum()], 1) == [66.7]

    def test_nothing_is_converted(self, orders):
        assert orders.currency == "USD"
        assert "currency" not in orders.deals.columns
        assert "currency converted" not in set(orders.load_report["topic"])

    def test_lines(self, orders):
        lines = frame(orders, "line_items")
        assert (len(lines), lines["deal_id"].nunique()) == (60_855, 3796)
        sales, cost = (
            lines["quantity"] * lines["unit_price"],
            lines["quantity"] * lines["unit_cost"],
        )
        assert sales.sum() == pytest.approx(80_450_596.98, abs=1)
        assert round(cost.sum(), 2) == 79_980_114.38
        discount = (1 - lines["unit_price"] / lines["list_price"]).round(2)
        assert scaled([(discount > 0).mean()]) == [5.39]
        sums = pd.DataFrame({"sales": sales, "cost": cost}).groupby(discount).sum()
        margins = [3.1, -2.2, -10.5, -15.6, -61.0, -94.2, -196.0, -246.1, -354.6]
        assert sums.index.tolist() == [0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.35, 0.4]
        assert scaled(1 - sums["cost"] / sums["sales"], 1) == margins

    def test_reps(self, orders):
        reps = frame(orders, "reps").set_index("rep_id")
        assert set(frame(orders, "deals")["rep_id"]) < set(reps.index)
        assert reps["rep_name"].notna().all()
        assert reps["hired_on"].notna().all()
        assert set(reps["manager_id"].dropna()) <= set(reps.index)
        assert reps["manager_id"].isna().sum() == 1  # the vice president of sales
        assert reps["role"].str.contains("Manager|President").sum() == 4
        assert reps["territory"].isna().sum() == 4  # these four have none
        # the window opens on 2010-12-29: five reps and two managers were hired inside it
        inside = reps[reps["hired_on"] > pd.Timestamp("2010-12-29")]
        assert inside["role"].value_counts().to_dict() == {
            "Sales Representative": 5,
            "European Sales Manager": 1,
            "Pacific Sales Manager": 1,
        }

    def test_periods_of_the_plan(self, orders):
        targets = frame(orders, "targets")
        periods = targets[["period_start", "period_end"]].drop_duplicates()
        periods = periods.sort_values("period_start").astype(str)
        assert len(periods) == 12
        assert periods["period_start"].tolist()[:3] == ["2010-12-29", "2011-03-31", "2011-07-01"]
        assert periods["period_end"].tolist()[:2] == ["2011-03-30", "2011-06-30"]
        assert periods.iloc[-1].tolist() == ["2013-09-29", "2013-12-28"]
        assert (len(targets), targets["target"].sum()) == (163, 95_714_000)

    def test_attainment_of_the_reps(self, orders):
        table = sd.plan.target_attainment(orders, by="rep_id")
        assert len(table) == 163
        assert set(table["target_basis"]) == {"own"}
        assert table["target"].sum() == 95_714_000
        assert table["n_events"].sum() == 3796  # every order lies in one period of its rep
        assert scaled([table["actual"].sum() / table["target"].sum()]) == [84.05]
        ends = table["attainment"].agg(["median", "min", "max"])
        assert scaled(ends, 1) == [84.8, 36.3, 204.1]
        assert (table["attainment"] >= 1).sum() == 8
        assert round(np.corrcoef(table["actual"], table["target"])[0, 1], 3) == 0.987
        assert table["is_complete"].all()

    def test_attainment_by_quarter(self, orders):
        table = sd.plan.target_attainment(orders)
        assert set(table["target_basis"]) == {"sum of reps"}
        thousands = [3886, 5627, 4750, 5068, 10537, 8654, 5913, 8039, 13733, 11097, 8051, 10359]
        assert (table["target"] / 1000).tolist() == thousands
        assert scaled(table["attainment"], 1) == [
            82.2, 86.6, 85.7, 82.0, 84.3, 81.4, 89.1, 83.8, 79.6, 83.6, 88.2, 86.3,
        ]  # fmt: skip
        assert round(table["actual"].sum(), 2) == 80_450_596.98
        # 163 but one, who was hired a month into the first quarter of the own target
        reps = [10, 10, 10, 10, 13, 13, 14, 14, 17, 17, 17, 17]
        assert table["n_reps"].tolist() == reps
        assert table["n_reps_met"].sum() == 8

    def test_the_last_quarter_depends_on_as_of(self, orders):
        """All three batches of it are in, so only a date behind the last batch is honest."""
        last = sd.plan.target_attainment(orders).iloc[-1]
        assert (last["is_complete"], last["elapsed_share"]) == (True, 1.0)
        early = sd.plan.target_attainment(load("adventureworks_dw", as_of="2013-11-29")).iloc[-1]
        assert not early["is_complete"]
        assert 0.65 < early["elapsed_share"] < 0.72
        assert early["actual"] == last["actual"]
        assert np.isnan(early["participation_rate"])

    def test_check_finds_the_batches(self, orders):
        assert failing(orders, "deals", "closings fall on a few days only") == (3796, 3796)
        found = sd.check(orders)
        days_seen = found[found["rule"] == "closings fall on a few days only"]["examples"].item()
        assert days_seen.startswith("40 days")


REPS_OF_THE_SCHOOL = {
    "Charlie Davis": (1236, 68, 1008),
    "Diana Evans": (1013, 1, 884),
    "Jane Smith": (988, 31, 892),
    "Julia Nelson": (901, 58, 642),
    "Nina Scott": (579, 22, 385),
    "Kevin Parker": (527, 37, 464),
    "Ulysses Adams": (513, 74, 369),
    "Ian Miller": (419, 3, 406),
    "Paula Underwood": (412, 26, 314),
    "Bob Brown": (337, 0, 337),
    "Mason Roberts": (268, 3, 229),
    "Quincy Vincent": (261, 16, 221),
    "Victor Barnes": (167, 16, 96),
    "Rachel White": (152, 0, 151),
    "Oliver Taylor": (151, 47, 98),
}


@needs("itschool_crm")
class TestSchool:
    def test_rows(self, school):
        left_out = {"blank row": 535, "nothing but Excel errors": 1}
        account = account_of_rows(school)
        assert account["deals"] == account["leads"] == (8710, 8174, left_out)
        assert account["activities"] == (32_720, 32_720, {})
        assert account["accounts"] == (7224, 7224, {})
        read, used, aside = account["source_costs"]
        assert (read, aside["blank row"]) == (8935, 2)
        assert used + aside["joined into one row per source, period_start"] == 8933
        assert str(school.as_of) == "2024-06-21"

    @pytest.mark.parametrize(
        ("table", "column", "n_rows"),
        [
            ("deals", "deal_id", 8174),
            ("leads", "lead_id", 8174),
            ("accounts", "account_id", 7224),
            ("activities", "activity_id", 32_720),
        ],
    )
    def test_ids_keep_their_digits(self, school, table, column, n_rows):
        ids = frame(school, table)[column]
        assert ids.nunique() == n_rows
        assert set(ids.str.len()) == {19}
        assert ids.str.isdigit().all()

    def test_stages_now(self, school):
        table = sd.funnel.current_stages(school)
        assert dict(zip(table["stage"], table["n_deals"], strict=True)) == {
            "Lost": 6688,
            "Registered on Webinar": 657,
            "Payment Done": 407,
            "Call Delayed": 355,
            "Waiting For Payment": 40,
            "Qualificated": 25,
            "Test Sent": 1,
            "Need to Call - Sales": 1,
        }
        assert table[["n_open", "n_won", "n_lost"]].sum().tolist() == [1079, 407, 6688]

    def test_win_rate(self, school):
        closed = sd.funnel.win_rate(school)
        assert (closed["n_won"].item(), closed["n_deals"].item()) == (407, 7095)
        assert scaled(closed["win_rate"]) == [5.74]
        created = sd.funnel.win_rate(school, population="created")
        assert scaled(created["win_rate"]) == [4.98]
        # deals lost as duplicates of others must leave the denominator
        reasons = sd.funnel.win_rate(school, by="loss_reason").set_index("loss_reason")
        n_again = reasons.loc["Duplicate", "n_lost"]
        assert n_again == 761
        assert scaled([407 / (7095 - n_again)]) == [6.43]

    def test_by_month_of_creation(self, school):
        months = pd.period_range("2023-07", "2023-12", freq="M")
        rows = [
            sd.funnel.win_rate(
                school,
                population="created",
                start=month.start_time,
                end=month.end_time.normalize(),
            )
            for month in months
        ]
        table = pd.concat(rows)
        assert table["n_deals"].tolist() == [654, 1085, 1079, 1598, 1947, 1811]
        assert scaled(table["win_rate"], 1) == [1.5, 4.5, 4.9, 5.4, 5.3, 5.8]
        created = frame(school, "deals")["created_at"]
        ends = [f"{created.min():%Y-%m-%d %H:%M}", f"{created.max():%Y-%m-%d %H:%M}"]
        assert ends == ["2023-07-03 17:03", "2023-12-31 10:29"]

    def test_closed_by_the_end_of_2023(self, school):
        table = sd.funnel.win_rate(school, end="2023-12-31")
        assert (table["n_won"].item(), table["n_lost"].item()) == (178, 5283)
        assert table["n_undated"].item() == 154 + 797

    def test_loss_reasons_and_quality(self, school):
        deals = frame(school, "deals")
        reasons = deals["loss_reason"].value_counts()  # of all deals that carry one
        assert {name: reasons[name] for name in reasons.index[:6]} == {
            "Doesn't Answer": 1843,
            "Changed Decision": 927,
            "Stopped Answering": 814,
            "Invalid number": 811,
            "Duplicate": 765,
            "needs time to think": 479,
        }
        assert (reasons["Expensive"], len(reasons)) == (218, 21)
        quality = frame(school, "leads")["quality"]
        grades = quality.str[0].value_counts().to_dict()
        assert grades == {"E": 3179, "C": 1843, "D": 1339, "B": 890, "A": 265, "F": 3}
        assert quality.isna().sum() == 655

    def test_sources(self, school):
        expected = {
            "Facebook Ads": 2256,
            "Google Ads": 1588,
            "Organic": 1030,
            "Tiktok Ads": 714,
            "Youtube Ads": 637,
            "Bloggers": 474,
            "Telegram posts": 413,
            "SMM": 387,
            "CRM": 367,
            "Partnership": 173,
            "Webinar": 97,
            "Test": 38,
        }
        table = sd.funnel.win_rate(school, by="source", population="created")
        assert dict(zip(table["source"], table["n_deals"], strict=True)) == expected
        assert frame(school, "leads")["source"].value_counts().to_dict() == expected

    def test_closing_dates(self, school):
        """The one date of an open deal is a plan, that of a closed deal is its close."""
        deals = frame(school, "deals")
        status, closed, plan = deals["status"], deals["closed_at"], deals["expected_close_on"]
        assert closed[status == "open"].isna().all()
        assert plan[status == "open"].notna().sum() == 167
        assert plan[status != "open"].isna().all()
        assert closed[status == "won"].isna().sum() == 154
        assert closed[status == "lost"].isna().sum() == 797
        either = closed.fillna(plan)
        assert either.notna().sum() == 6311
        assert [str(day.date()) for day in (either.min(), either.max())] == [
            "2022-10-11",
            "2024-09-25",
        ]
        assert (either.dt.year == 2024).sum() == 698
        assert (either > pd.Timestamp(school.as_of)).sum() == 1
        cycle = days(either, deals["created_at"])
        assert ((cycle < 0).sum(), (cycle == 0).sum()) == (10, 1251)
        assert cycle[status == "won"].median() == 20
        assert cycle[status == "lost"].median() == 5
        assert cycle[status == "won"].quantile(0.9) == pytest.approx(118, abs=0.5)

    def test_response_time(self, school):
        leads = frame(school, "leads")
        hours = (leads["first_response_at"] - leads["created_at"]).dt.total_seconds() / 3600
        assert hours.notna().sum() == 5914
        assert (hours >= 24).sum() == 817  # cells of a length instead of a time of day
        assert scaled([hours.median()], by=1) == [5.02]
        assert scaled([hours.mean()], 1, by=1) == [53.1]
        assert int(hours.max() // 24) == 311
        assert (hours <= 1).sum() == 1624
        won = frame(school, "deals").set_index("deal_id")["status"].eq("won")
        bands = pd.cut(hours, [-1, 1, 4, 24, np.inf]).cat.codes
        table = leads["deal_id"].map(won).groupby(bands).agg(["size", "mean"])
        assert table["size"].tolist() == [2260, 1624, 1146, 2327, 817]  # the first: no answer
        assert scaled(table["mean"], 1) == [0.4, 7.0, 7.5, 6.4, 6.1]

    def test_amounts(self, school):
        deals = frame(school, "deals")
        won = deals[deals["status"] == "won"]
        assert (won["amount"].sum(), won["amount"].notna().sum()) == (3_139_100, 392)
        assert (won["paid_amount"].sum(), won["paid_amount"].notna().sum()) == (352_800, 392)
        assert sd.funnel.win_rate(school)["won_amount"].item() == 3_139_100
        report = school.load_report
        # "€ 2.900,00" among numbers decides the decimal mark, and nothing stays unread
        marks = report[report["topic"] == "decimal mark"].set_index("item")["detail"]
        assert marks["amount"].startswith("comma")
        assert "value not readable" not in set(report["topic"])

    def test_reps(self, school):
        table = sd.funnel.win_rate(school, by="rep_id", population="created").set_index("rep_id")
        assert len(table) == 23  # 22 and the deals of nobody
        assert table.loc["unassigned", "n_deals"] == 29
        counts = table[["n_deals", "n_won", "n_lost"]]
        found = {rep: tuple(counts.loc[rep]) for rep in REPS_OF_THE_SCHOOL}
        assert found == REPS_OF_THE_SCHOOL

    def test_calls(self, school):
        calls = frame(school, "activities")
        assert set(calls["activity_type"]) == {"call"}
        assert calls["rep_id"].nunique() == 23
        ends = calls["occurred_at"].agg(["min", "max"]).dt.strftime("%Y-%m-%d %H:%M")
        assert ends.tolist() == ["2023-06-30 08:43", "2023-12-31 23:25"]
        kinds = calls.groupby(["direction", calls["outcome"] == "missed"]).size()
        assert kinds.to_dict() == {
            ("outbound", False): 29_255,
            ("inbound", True): 2413,
            ("inbound", False): 1052,
        }
        dialled = calls[calls["direction"] == "outbound"]["outcome"]
        assert (dialled == "connected").sum() == 24_007
        seconds = calls["duration_seconds"]
        assert seconds.median() == 7
        assert scaled([(seconds == 0).mean(), (seconds >= 30).mean()], 1) == [23.4, 35.3]
        assert round(seconds.sum() / 3600, 1) == 1654.6
        most = calls["rep_id"].value_counts()
        assert {name: most[name] for name in most.index[:6]} == {
            "Diana Evans": 6857,
            "Ian Miller": 3770,
            "Jane Smith": 3753,
            "Charlie Davis": 3642,
            "Julia Nelson": 2758,
            "Kevin Parker": 2363,
        }
        assert most["Oliver Taylor"] == 10

    def test_calls_join_the_deals_through_the_contact(self, school):
        calls, deals = frame(school, "activities"), frame(school, "deals")
        contacts = set(frame(school, "accounts")["account_id"])
        assert calls["account_id"].isna().sum() == 1214
        called = calls["account_id"].dropna()
        assert called.nunique() == 5735
        assert set(called) <= contacts
        of_deals = deals["account_id"]
        assert of_deals.isna().sum() == 27
        assert (of_deals.notna().sum(), of_deals.dropna().isin(contacts).sum()) == (8147, 8146)
        assert of_deals.dropna().duplicated(keep=False).sum() == 1818
        n_calls = of_deals.map(called.value_counts()).fillna(0)
        assert scaled([(n_calls > 0).mean()], 1) == [81.4]
        means = n_calls.groupby(deals["status"]).mean()
        assert scaled([means["won"], means["lost"]], by=1) == [9.41, 4.94]

    def test_spend(self, school):
        costs = frame(school, "source_costs")
        assert not costs.duplicated(["source", "period_start"]).any()
        assert (costs["period_start"] == costs["period_end"]).all()
        assert round(costs["cost_amount"].sum(), 2) == 58_691.76
        sums = costs.groupby("source")["cost_amount"].sum().round(2)
        assert sums[sums > 0].to_dict() == {
            "Google Ads": 23_642.70,
            "Facebook Ads": 13_474.91,
            "Bloggers": 6049.00,
            "Youtube Ads": 5394.72,
            "Tiktok Ads": 4857.91,
            "Telegram posts": 2412.30,
            "Webinar": 1381.53,
            "SMM": 1034.52,
            "Test": 444.17,
        }

    def test_what_the_data_cannot_say_is_refused(self, school):
        with pytest.raises(sd.MissingDataError, match="stage history"):
            sd.funnel.stage_conversion(school)
        with pytest.raises(sd.MissingDataError, match="targets"):
            sd.plan.target_attainment(school)

    def test_check_finds_the_quirks(self, school):
        assert failing(school, "deals", "won without a closing date") == (154, 407)
        assert failing(school, "deals", "lost without a closing date") == (797, 6688)
        after = failing(school, "deals", "after the end of the data", "closed_at")
        assert after == (1, 6311 - 167)
        assert failing(school, "deals", "open past its expected close") == (167, 1079)
        batch = failing(school, "deals", "created in one minute with many others")
        assert batch == (28, 8174)
        assert failing(school, "deals", "without a rep") == (29, 8174)
        assert failing(school, "deals", "not found in accounts") == (1, 8147)
        assert "open, but with a closing date" not in set(sd.check(school)["rule"])

    def test_check_compares_closing_days_without_a_clock_by_day(self, school):
        """1,217 deals closed on the day they were created, at no time of day: no error."""
        assert failing(school, "deals", "closed before created")[0] == 10

    def test_check_finds_calls_that_hang_on_nothing(self, school):
        found = sd.check(school)
        calls = found[(found["table"] == "activities") & (found["n_failing"] == 1214)]
        assert calls["n_examined"].tolist() == [32_720]
