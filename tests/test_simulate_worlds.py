"""Made-up departments: well-formed, reproducible, about on plan when nothing is wrong."""

from __future__ import annotations

import hashlib
import re

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.intake.settings import settings_of
from salesdiag.schema import TABLES
from salesdiag.simulate import CAUSES, DECOYS, Fault, levels_of, world, write_world
from salesdiag.simulate.folder import simulate


def department_of(made):
    return sd.Department.of(made.tables, settings_of(made.settings, "made up"))


def digest(made):
    whole = hashlib.sha256()
    for name in sorted(made.tables):
        whole.update(made.tables[name].to_csv(index=False).encode())
    return whole.hexdigest()


def attainment(made):
    deals, targets = made.tables["deals"], made.tables["targets"]
    start = pd.Timestamp(made.settings["as_of"]) - pd.DateOffset(months=12)
    won = deals[(deals["status"] == "won") & (deals["closed_at"] > start + pd.Timedelta("1D"))]
    plan = targets[(targets["level"] == "department") & (targets["period_start"] > start)]
    return won["amount"].sum() / plan["target"].sum()


@pytest.fixture(scope="module")
def healthy():
    return world(seed=11)


@pytest.fixture(scope="module")
def clean():
    return world(seed=12, noise=0, reps=12)


def test_every_table_but_the_rates_is_there_with_columns_of_the_schema(healthy):
    assert sorted(healthy.tables) == sorted(set(TABLES) - {"fx_rates"})
    for name, frame in healthy.tables.items():
        assert set(frame.columns) <= set(TABLES[name].names)
        assert not frame[list(TABLES[name].required)].isna().any(axis=None)
        keys = [key for key in TABLES[name].key if key in frame]
        assert not keys or not frame.duplicated(keys).any()


def test_a_world_has_the_size_that_was_asked_for(healthy):
    reps = healthy.tables["reps"]
    last = pd.Timestamp(healthy.settings["as_of"])
    there = (reps["role"] == "rep") & ~(reps["left_on"] < last)
    assert 24 <= there.sum() <= 26  # a seat or two may be empty
    assert 4_000 <= len(healthy.tables["deals"]) <= 7_500
    assert 40_000 <= len(healthy.tables["activities"]) <= 80_000


def test_data_without_noise_pass_the_check_of_the_data(clean):
    found = sd.check(department_of(clean))
    # what any cut through time brings along
    usual = {
        "created before the first closing in the data",
        "open longer than any deal that ever closed",
    }
    assert set(found["rule"]) <= usual


def test_noise_makes_the_faults_of_real_exports(healthy):
    rules = set(sd.check(department_of(healthy))["rule"])
    assert {
        "lost without an amount",
        "lost without a reason",
        "without a rep",
        "open past its expected close",
        "moved in one minute with many others",
    } <= rules
    assert healthy.tables["deals"]["merged_into_id"].notna().any()


def test_every_deal_has_a_history_in_order_that_ends_in_its_stage(clean):
    changes, deals = clean.tables["stage_changes"], clean.tables["deals"].set_index("deal_id")
    by_deal = changes.groupby("deal_id")
    assert (by_deal["entered_at"].diff().dropna() >= pd.Timedelta(0)).all()
    assert by_deal["stage"].last().equals(deals["stage"].sort_index().rename_axis("deal_id"))
    closed = deals["closed_at"].dropna().sort_index()
    assert by_deal["entered_at"].last()[closed.index].eq(closed).all()
    assert by_deal["entered_at"].first().eq(deals["created_at"].sort_index()).all()


def test_nothing_happens_to_a_deal_after_its_end(clean):
    merged = clean.tables["activities"].merge(clean.tables["deals"], on="deal_id")
    assert not (merged["occurred_at"] > merged["closed_at"] + pd.Timedelta("1s")).any()


def test_lines_add_up_to_the_deal(clean):
    lines, deals = clean.tables["line_items"], clean.tables["deals"].set_index("deal_id")
    net = (lines["quantity"] * lines["unit_price"]).groupby(lines["deal_id"]).sum()
    np.testing.assert_allclose(net, deals.loc[net.index, "amount"], rtol=1e-9)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not():
    first, again, other = (world("stage_leak", seed=seed, reps=6) for seed in (3, 3, 4))
    assert digest(first) == digest(again)
    assert digest(first) != digest(other)


@pytest.mark.parametrize("language", ["en", "ru", "vi"])
def test_names_come_in_three_languages(language):
    made = world(seed=5, reps=8, months=12, language=language)
    words = " ".join(
        [*made.tables["reps"]["rep_name"], *made.tables["reps"]["team"], *made.settings["stages"]]
    )
    letters = {"en": "[A-Za-z]{3}", "ru": "[А-Яа-я]{3}", "vi": "[ăâđêôơưạảấầậắặếềểệốồộớờợụủứừỳ]"}
    assert re.search(letters[language], words)
    assert made.language == language
    assert len(made.tables["stages"]) == len(made.settings["stages"]) + 2
    assert 4 <= len(made.settings["stages"]) <= 6


def test_languages_and_ladders_vary_with_the_seed():
    made = [world(seed=seed, reps=3, months=12) for seed in range(9)]
    assert {one.language for one in made} == {"en", "ru", "vi"}
    assert {len(one.settings["stages"]) for one in made} == {4, 5, 6}
    assert len({one.settings["name"] for one in made}) > 4


def test_healthy_departments_are_about_on_plan():
    attained = [attainment(world(seed=seed, reps=20)) for seed in range(5)]
    assert 0.96 < np.mean(attained) < 1.04
    assert 0.9 < min(attained) <= max(attained) < 1.1


def test_healthy_departments_hold_no_truth(healthy):
    assert healthy.truth == ()
    deals = healthy.tables["deals"]
    won = deals[(deals["status"] == "won") & (deals["closed_at"] >= "2025-01-01")]
    assert won["amount"].sum() == pytest.approx(healthy.revenue)


@pytest.mark.parametrize("decoy", sorted(DECOYS))
def test_decoys_are_not_faults(decoy):
    made = world(seed=2, reps=10, decoys=decoy)
    assert made.truth == ()
    assert made.decoys == (decoy,)
    assert 0.85 < attainment(made) < 1.15


@pytest.mark.parametrize("cause", ["stage_leak", "currency_effect"])
def test_a_written_folder_loads_back_into_the_same_tables(tmp_path, cause):
    made = world(cause, seed=6, reps=6, noise=0)
    write_world(made, tmp_path)
    department = sd.load(tmp_path)
    assert department.as_of == made.settings["as_of"]
    assert department.currency == made.settings["currency"]
    assert dict(department.settings.pay_plan) == made.settings["pay_plan"]
    assert dict(department.settings.discount_limits) == made.settings["discount_limits"]
    for name, frame in made.tables.items():
        loaded = getattr(department, name).to_pandas()
        keys = list(TABLES[name].key) or list(frame.columns)
        order = [key for key in keys if key in frame]
        loaded = loaded.sort_values(order)[list(frame.columns)].reset_index(drop=True)
        given = frame.sort_values(order).reset_index(drop=True)
        for column in frame.columns:
            kind = TABLES[name].column(column).type
            if kind in ("money", "number", "count"):
                np.testing.assert_allclose(
                    loaded[column].astype(float), given[column].astype(float), rtol=1e-6
                )
            elif kind in ("time", "date"):
                same = pd.to_datetime(loaded[column]).astype("datetime64[s]")
                assert same.equals(given[column].astype("datetime64[s]"))
            else:
                same = loaded[column].astype(object).where(loaded[column].notna(), None)
                mine = given[column].astype(object).where(given[column].notna(), None)
                assert same.tolist() == mine.tolist()


def test_one_call_writes_a_department_with_a_fault(tmp_path):
    made = simulate(tmp_path / "new", "weak_reps", seed=1, strength=0.5, reps=6, months=12)
    assert made.truth[0].strength == 0.5
    assert (tmp_path / "new" / "department.toml").exists()
    assert sorted(path.stem for path in (tmp_path / "new").glob("*.csv")) == sorted(made.tables)


def test_an_unknown_cause_is_refused_with_the_near_miss():
    with pytest.raises(sd.InputError, match="Did you mean 'stage_leak'"):
        world("stage_leek")


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"reps": 1}, "reps must"),
        ({"months": 13}, "months must"),
        ({"as_of": "2025-11-30"}, "as_of must"),
        ({"as_of": "soon"}, "as_of must"),
        ({"noise": 9}, "noise must"),
        ({"language": "fr"}, "language must"),
        ({"seed": -1}, "seed must"),
        ({"decoys": "groth"}, "Did you mean 'growth'"),
        ({"cause": Fault("stage_leak", 9)}, "strength must"),
        ({"cause": Fault("weak_reps", level="team")}, "weak_reps can be planted for rep"),
        ({"cause": Fault("stage_leak", level="team", id="Nowhere")}, "there is no team 'Nowhere'"),
        ({"cause": Fault("stage_leak", id="North")}, "needs a level below"),
        ({"cause": Fault("low_activity", stage="Offer")}, "sits at no stage"),
        ({"cause": ["stage_leak", "stage_leak"]}, "planted once"),
    ],
)
def test_what_makes_no_sense_is_refused(options, names):
    with pytest.raises(sd.InputError, match=names):
        world(**{"reps": 5, "months": 12, **options})


def test_every_code_of_the_catalogue_has_its_switch():
    assert len(CAUSES) == 31
    controls = pd.Series([cause.control for cause in CAUSES.values()]).value_counts()
    assert controls.to_dict() == {"direct": 19, "indirect": 10, "external": 2}
    assert levels_of("weak_reps") == ("rep",)
