"""What every public analysis promises, asked of all of them at once."""

from __future__ import annotations

import inspect
import re

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import salesdiag as sd
from tests.cases import CASES, returns_of
from tests.frames import sample_department, sample_frames, shuffled

AS_OF = "2025-12-31"

PARTS = (
    "activity", "discount", "drivers", "funnel", "hygiene", "leads", "pipeline", "plan", "reps",
)  # fmt: skip
ANALYSES = {analysis.__name__: analysis for analysis in CASES}
SHARED = ["department", "by", "start", "end", "confidence"]

_ANSWERED: dict[tuple, pd.DataFrame] = {}

every_analysis = pytest.mark.parametrize("analysis", list(CASES), ids=list(ANALYSES))
# columns that are no rates of their own: an end of an interval, or a rate seen once more
NOT_ESTIMATED = {"value_win_rate_without_largest"}
# where a column of the deals is one of the table's own, whether or not it is asked for
SPLIT_BY_ITS_OWN = {sd.activity.deal_coverage: {"status"}}


def documented_columns(analysis) -> tuple[set[str], set[str]]:
    """Read the columns that the Returns section introduces, and all names that it mentions."""
    section = returns_of(analysis)
    introduced = set()
    for item in re.split(r"\n\s*- ", "\n" + section)[1:]:
        for part in re.split(r";\s+(?=``[a-z_]+``)", item):
            if " : " in part:
                introduced |= set(re.findall(r"``([a-z_]+)``", part.split(" : ")[0]))
    return introduced, set(re.findall(r"``([a-z_]+)``", section))


def test_cases_cover_the_public_analyses():
    public = {getattr(module, name) for module in (getattr(sd, part) for part in PARTS)
              for name in module.__all__}  # fmt: skip
    assert set(CASES) == public


@every_analysis
def test_arguments_are_the_same_everywhere_and_keyword_only(analysis):
    parameters = list(inspect.signature(analysis).parameters.values())
    assert [one.name for one in parameters][:5] == SHARED
    assert {one.kind for one in parameters[1:]} == {inspect.Parameter.KEYWORD_ONLY}
    defaults = {one.name: one.default for one in parameters[1:5]}
    assert defaults == {"by": (), "start": None, "end": None, "confidence": 0.95}


def on_sample(analysis, *, by=(), **options) -> pd.DataFrame:
    """Give the table of the sample department; the same question is asked once."""
    asked = (analysis, tuple(by), repr(options))
    if asked not in _ANSWERED:
        _ANSWERED[asked] = analysis(sample_department(), by=by, **options)
    return _ANSWERED[asked].copy()


@every_analysis
def test_columns_are_the_documented_ones_and_no_others(analysis):
    introduced, mentioned = documented_columns(analysis)
    columns = set(on_sample(analysis).columns)
    assert introduced <= columns
    assert columns <= mentioned


@every_analysis
def test_columns_are_the_same_whatever_the_options(analysis):
    options, keys = CASES[analysis]
    plain = on_sample(analysis)
    other = analysis(sample_department(), confidence=0.5, start="2025-01-01", **options)
    split = on_sample(analysis, by=keys, **options)
    assert list(other.columns) == list(plain.columns)
    assert list(split.columns) == [*keys, *plain.columns]


@every_analysis
@pytest.mark.parametrize("split", [False, True])
def test_no_rows_in_the_window_give_the_same_columns_and_kinds(analysis, split):
    keys = CASES[analysis][1] if split else ()
    full = on_sample(analysis, by=keys)
    none = analysis(sample_department(), by=keys, start="2031-01-01", end="2031-12-31")
    assert list(none.columns) == list(full.columns)
    for name in full:
        if len(none):
            assert none[name].dtype == full[name].dtype, name
        rate = name.endswith(("_rate", "_share", "_low", "_high")) or name == "attainment"
        if rate and name != "elapsed_share":
            assert none[name].isna().all(), name  # nothing was asked: unknown, not zero
        if name.startswith("n_") and name != "n_undated":
            assert (none[name] == 0).all(), name


@every_analysis
@pytest.mark.parametrize("split", [False, True])
def test_a_department_of_no_rows_gives_the_same_columns(analysis, split):
    keys = CASES[analysis][1] if split else ()
    empty = {name: frame.iloc[:0] for name, frame in sample_frames().items() if name != "stages"}
    department = sd.Department(**empty, stages=sample_frames()["stages"], as_of=AS_OF)
    for window in ({}, {"start": "2025-01-01"}):
        table = analysis(department, by=keys, **window)
        assert list(table.columns) == list(on_sample(analysis, by=keys).columns)


@every_analysis
def test_rows_are_numbered_from_0(analysis):
    table = on_sample(analysis, by=CASES[analysis][1])
    assert isinstance(table.index, pd.RangeIndex)
    assert table.index.tolist() == list(range(len(table)))


@every_analysis
def test_one_key_may_be_given_as_text(analysis):
    department = sample_department()
    assert_frame_equal(analysis(department, by="team"), analysis(department, by=["team"]))


@every_analysis
def test_keys_are_never_missing(analysis):
    # deals without a rep stay, under "unassigned"
    keys = CASES[analysis][1]
    table = on_sample(analysis, by=keys)
    assert table[keys].notna().all(axis=None)
    assert (table["team"] == "unassigned").any()


@every_analysis
def test_cells_are_raw_numbers(analysis):
    table = on_sample(analysis, by=CASES[analysis][1])
    for name in table.columns:
        if name.startswith("n_"):
            assert table[name].dtype == "int64", name
        elif name.endswith(("_rate", "_share", "_low", "_high", "_amount")):
            assert table[name].dtype == "float64", name
        elif name.startswith("is_"):
            assert table[name].dtype == "bool", name
    assert not table.attrs


@every_analysis
def test_shares_lie_between_0_and_1_inside_their_interval(analysis):
    table = on_sample(analysis, by=CASES[analysis][1])
    for name in table.columns:
        if name.endswith(("_rate", "_share")):
            known = table[name].dropna()
            assert known.between(0, 1).all(), name
        if name.endswith("_low"):
            rate = table[name.removesuffix("_low")]
            assert not (table[name] > rate + 1e-9).any(), name
            assert not (table[f"{name.removesuffix('_low')}_high"] < rate - 1e-9).any(), name
            high = table[f"{name.removesuffix('_low')}_high"]
            assert (table[name].isna() == high.isna()).all(), name
            assert table[name][rate.isna()].isna().all(), name
            if not name.endswith("_amount_low"):  # money of one rep has no interval
                assert (table[name].isna() == rate.isna()).all(), name


@every_analysis
def test_every_rate_has_an_interval_and_counts_beside_it(analysis):
    columns = list(on_sample(analysis).columns)
    rates = [name for name in columns if name.endswith("_rate") and name not in NOT_ESTIMATED]
    rates += [name for name in columns if name == "attainment"]
    assert rates or any(name.endswith("_low") for name in columns)
    for name in rates:
        place = columns.index(name)
        assert columns[place + 1 : place + 3] == [f"{name}_low", f"{name}_high"]
        assert any(one.startswith("n_") for one in columns[:place]), name


@every_analysis
def test_names_tell_the_unit(analysis):
    for name in on_sample(analysis).columns:
        assert re.fullmatch(r"[a-z][a-z_]*", name)


@every_analysis
def test_input_is_not_modified(analysis):
    frames = sample_frames()
    before = {name: frame.copy() for name, frame in frames.items()}
    department = sd.Department(**frames, as_of=AS_OF)
    analysis(department, by="team")
    for name, frame in frames.items():
        assert_frame_equal(frame, before[name])
    assert department.deals.count().execute() == len(frames["deals"])


@every_analysis
def test_the_callers_list_of_keys_is_not_modified(analysis):
    keys = ["team"]
    analysis(sample_department(), by=keys)
    assert keys == ["team"]


@every_analysis
def test_a_table_that_the_caller_spoils_does_not_spoil_the_next(analysis):
    department = sd.Department(**sample_frames(), as_of=AS_OF)
    first = analysis(department, by="team")
    expected = first.copy()
    spoilt = first.select_dtypes("float64").columns[-1]
    first[spoilt] = 99.0
    assert_frame_equal(analysis(department, by="team"), expected)


@every_analysis
def test_a_second_run_and_another_order_of_rows_give_the_same(analysis):
    keys = CASES[analysis][1]
    frames = sample_frames()
    department = sd.Department(**frames, as_of=AS_OF)
    expected = analysis(department, by=keys)
    assert_frame_equal(analysis(department, by=keys), expected)
    other = sd.Department(**shuffled(frames), as_of=AS_OF)
    assert_frame_equal(analysis(other, by=keys), expected)


@every_analysis
@pytest.mark.parametrize("confidence", [0, 1, -0.5, 95, "high", float("nan")])
def test_a_wrong_confidence_names_the_parameter(analysis, confidence):
    with pytest.raises(sd.SalesDiagError, match="confidence must lie strictly between 0 and 1"):
        analysis(sample_department(), confidence=confidence)


@every_analysis
@pytest.mark.parametrize("name", ["start", "end"])
def test_a_wrong_day_names_the_parameter(analysis, name):
    with pytest.raises(sd.InputError, match=f"^{name} must be a day written as YYYY-MM-DD"):
        analysis(sample_department(), **{name: "31.12.2025"})


@every_analysis
def test_an_unknown_key_is_named_with_the_nearest(analysis):
    with pytest.raises(sd.MissingDataError, match=r"'tema' to split by.*Did you mean 'team'"):
        analysis(sample_department(), by="tema")


@every_analysis
def test_a_wider_confidence_gives_a_wider_interval(analysis):
    narrow, wide = (analysis(sample_department(), confidence=one) for one in (0.5, 0.99))
    for name in narrow.columns:
        if name.endswith("_low"):
            high = f"{name.removesuffix('_low')}_high"
            assert not (wide[name] > narrow[name]).any()
            assert not (wide[high] < narrow[high]).any()
            inside = narrow[name].notna() & narrow[name].between(1e-9, 1 - 1e-9)
            assert (wide[name] < narrow[name])[inside].all()


PUBLIC = {name: getattr(sd, name) for name in sd.__all__ if name not in PARTS}
FUNCTIONS = {name: one for name, one in PUBLIC.items() if inspect.isfunction(one)} | ANALYSES


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_public_function_says_what_it_gives_and_shows_it(name):
    described = inspect.getdoc(FUNCTIONS[name])
    assert described.splitlines()[0].endswith(".")
    gives = inspect.signature(FUNCTIONS[name]).return_annotation
    assert "Returns\n-------" in described or gives in (None, "None")
    if not name.startswith("write_"):  # an example of those would leave a file behind
        assert "Examples\n--------" in described
        assert ">>>" in described
    kinds = [one.kind for one in inspect.signature(FUNCTIONS[name]).parameters.values()]
    assert inspect.Parameter.VAR_KEYWORD not in kinds


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_parameter_is_described(name):
    described = inspect.getdoc(FUNCTIONS[name])
    for parameter in inspect.signature(FUNCTIONS[name]).parameters:
        assert re.search(rf"^({parameter}|.*, {parameter}|{parameter}, .*) : ", described,
                         re.MULTILINE), parameter  # fmt: skip


def test_public_names_can_all_be_had_and_are_listed():
    assert set(PUBLIC) | set(PARTS) == set(sd.__all__)
    assert set(sd.__all__) <= set(dir(sd))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = sd.nothing


def test_errors_have_one_base_and_say_what_to_ask_for():
    for error in (sd.InputError, sd.MappingError, sd.MissingDataError):
        assert issubclass(error, sd.SalesDiagError)
    assert issubclass(sd.InputError, ValueError)
    error = sd.MissingDataError("no deals", missing=("deals",), ask_for="the deals")
    assert (str(error), error.missing, error.ask_for) == ("no deals", ("deals",), "the deals")


def test_check_keeps_the_promises_of_a_table():
    frames = sample_frames()
    expected = sd.check(sd.Department(**frames, as_of=AS_OF))
    assert isinstance(expected.index, pd.RangeIndex)
    assert_frame_equal(sd.check(sd.Department(**shuffled(frames), as_of=AS_OF)), expected)
    everything = sd.check(sample_department(), include_passed=True)
    assert list(everything.columns) == list(expected.columns)
    assert len(everything) > len(expected)
    described = set(re.findall(r"``([a-z_]+)``", sd.check.__doc__))
    assert set(expected.columns) <= described


@every_analysis
def test_a_key_named_like_a_result_is_refused(analysis):
    results = list(on_sample(analysis).columns)
    frames = sample_frames()
    for name in results:
        for home in ("deals", "reps"):
            frames[home][name] = frames[home].get(name, frames[home]["rep_id"])
    department = sd.Department(**frames, as_of=AS_OF)
    for name in sorted(set(results) - SPLIT_BY_ITS_OWN.get(analysis, set())):
        with pytest.raises((sd.InputError, sd.MissingDataError), match=name):
            analysis(department, by=name)
