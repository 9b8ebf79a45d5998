"""Typed columns into a canonical table: allowed values, mandatory values, keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from salesdiag.errors import MappingError
from salesdiag.intake.numbers import round_money
from salesdiag.intake.raw import Fact
from salesdiag.intake.typed import tidy

if TYPE_CHECKING:
    from salesdiag.schema import Column, Table

_SHOWN = 10  # unknown values listed one by one


class Finished:
    """A canonical table in Arrow, with what was left out and what is to be reported."""

    def __init__(self, spec: Table) -> None:
        self.spec = spec
        self.columns: dict[str, pa.Array] = {}
        self.facts: list[Fact] = []
        self.set_aside: dict[str, int] = {}
        self.asked: set[str] = set()  # reasons that the mapping itself gives
        self.n_rows = 0
        self.differing = 0  # keys whose rows carry different amounts

    def table(self) -> pa.Table:
        """Give the columns as one table."""
        return pa.table(self.columns)


def finish(spec: Table, table: pa.Table) -> Finished:
    """Bring a table into its canonical form and set aside the rows that cannot be used."""
    done = Finished(spec)
    for name in table.column_names:
        if name.startswith("_"):  # a helper of the mapping's expressions
            continue
        column = spec.column(name)
        array = table.column(name).combine_chunks()
        done.columns[name] = array if column is None else _checked(done, column, array)
    order = [name for name in spec.names if name in done.columns]
    extra = [name for name in done.columns if name not in order]
    done.columns = {name: done.columns[name] for name in [*order, *extra]}
    done.n_rows = table.num_rows
    _keep(done, _missing(done), "")
    _keep(done, _repeated(done), "repeats the key of an earlier row")
    return done


def _checked(done: Finished, column: Column, array: pa.Array) -> pa.Array:
    try:
        return _canonical(done, column, array)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        reason = str(error).splitlines()[0]
        message = (
            f"{done.spec.name}.{column.name} must be of type {column.type}; an expression or "
            f"a value map makes it {array.type}, which does not convert ({reason}). Correct "
            "the mapping."
        )
        raise MappingError(message) from None


def _canonical(done: Finished, column: Column, array: pa.Array) -> pa.Array:
    if column.type == "text":
        text = tidy(pc.cast(array, pa.string()))
        return _allowed(done, column, text) if column.allowed else text
    if column.type == "time":
        return pc.cast(array, pa.timestamp("us"), safe=False)
    if column.type == "date":
        return pc.cast(array, pa.date32(), safe=False)
    number = pc.cast(array, pa.float64(), safe=False)
    if column.type == "money":
        exact, n_absurd = round_money(number)
        if n_absurd:
            done.facts.append(
                Fact("value not readable", column.name, n_absurd, "beyond 14 digits; became null")
            )
        return exact
    if column.type == "count":
        return _whole(done, column, number)
    return _share(done, column, number) if column.high == 1 else number


def _whole(done: Finished, column: Column, number: pa.Array) -> pa.Array:
    broken = pc.fill_null(pc.not_equal(number, pc.floor(number)), False)  # noqa: FBT003
    n_broken = int(pc.sum(broken).as_py() or 0)
    if n_broken:
        fact = Fact("value not readable", column.name, n_broken, "no whole number; became null")
        done.facts.append(fact)
    return pc.cast(pc.if_else(broken, None, number), pa.int64())


def _share(done: Finished, column: Column, number: pa.Array) -> pa.Array:
    """Bring percents to shares, if most values other than 0 show that they are percents."""
    above = pc.fill_null(pc.greater(number, 1.0), False)  # noqa: FBT003
    n_above = int(pc.sum(above).as_py() or 0)
    if not n_above:
        return number
    if 2 * n_above > int(pc.sum(pc.not_equal(number, 0.0)).as_py()):
        largest = pc.max(number).as_py()
        fact = Fact("percent", column.name, None, f"divided by 100 (largest {largest:g})")
        done.facts.append(fact)
        return pc.divide(number, 100.0)
    detail = "above 1 in a column of shares; became null"
    done.facts.append(Fact("value not readable", column.name, n_above, detail))
    return pc.if_else(above, None, number)


def _allowed(done: Finished, column: Column, text: pa.Array) -> pa.Array:
    """Keep allowed values, whatever their case; report the others."""
    coded = pc.dictionary_encode(text, null_encoding="encode")
    known = {value.casefold(): value for value in column.allowed}
    words = coded.dictionary.to_pylist()
    mapped = [known.get(word.casefold()) if word is not None else None for word in words]
    strange = [
        index for index, word in enumerate(words) if word is not None and mapped[index] is None
    ]
    counts = np.bincount(coded.indices.to_numpy(zero_copy_only=False), minlength=len(words))
    strange.sort(key=lambda index: (-counts[index], words[index]))
    becomes = column.otherwise or "null"
    for index in strange[:_SHOWN]:
        done.facts.append(
            Fact("unknown value", column.name, int(counts[index]),
                 f"{words[index]!r} became {becomes}; allowed are {', '.join(column.allowed)}")
        )  # fmt: skip
    if len(strange) > _SHOWN:
        rest = int(sum(counts[index] for index in strange[_SHOWN:]))
        done.facts.append(Fact("unknown value", column.name, rest, "further values, not listed"))
    if column.otherwise:
        mapped = [
            column.otherwise if one is None and word is not None else one
            for one, word in zip(mapped, words, strict=True)
        ]
    return pa.array(mapped, pa.string()).take(coded.indices)


def _missing(done: Finished) -> np.ndarray:
    """Mark the rows that lack a mandatory value, counting each under the first it lacks."""
    bad = np.zeros(done.n_rows, dtype=bool)
    for name in done.spec.required:
        array = done.columns[name]
        if array.null_count:
            lacks = array.is_null().to_numpy(zero_copy_only=False)
            _count(done, f"{name} is missing or unknown", int((lacks & ~bad).sum()))
            bad |= lacks
    return bad


def _repeated(done: Finished) -> np.ndarray:
    """Mark the rows whose key an earlier row has."""
    key = [name for name in done.spec.key if name in done.columns]
    if not key or not done.n_rows or (len(key) == 1 and _all_distinct(done.columns[key[0]])):
        return np.zeros(done.n_rows, dtype=bool)
    frame = pa.table({name: done.columns[name] for name in key}).to_pandas()
    again: np.ndarray = frame.duplicated().to_numpy()
    if again.any():
        examples = frame[again].drop_duplicates().head(3).astype(str).agg(", ".join, axis=1)
        detail = f"{frame[again].drop_duplicates().shape[0]} keys, such as {'; '.join(examples)}"
        done.facts.append(Fact("repeated key", ", ".join(key), int(again.sum()), detail))
        done.differing = _differing_amounts(done, key)
    return again


def _differing_amounts(done: Finished, key: list[str]) -> int:
    """Count the keys whose rows carry different amounts, as product rows of one deal do."""
    if "amount" not in done.columns:
        return 0
    amounts = pa.table({name: done.columns[name] for name in [*key, "amount"]})
    spread = amounts.group_by(key).aggregate([("amount", "min"), ("amount", "max")])
    differs = pc.not_equal(spread["amount_min"], spread["amount_max"])
    return int(pc.sum(differs).as_py() or 0)


def _all_distinct(array: pa.Array) -> bool:
    return int(pc.count_distinct(array).as_py()) == len(array)


def _keep(done: Finished, bad: np.ndarray, reason: str) -> None:
    n_bad = int(bad.sum())
    if not n_bad:
        return
    if reason:
        _count(done, reason, n_bad)
    kept = pa.array(~bad)
    done.columns = {name: array.filter(kept) for name, array in done.columns.items()}
    done.n_rows -= n_bad


def _count(done: Finished, reason: str, n_rows: int) -> None:
    if n_rows:
        done.set_aside[reason] = done.set_aside.get(reason, 0) + n_rows
