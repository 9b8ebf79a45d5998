"""Amounts in several currencies into the department's one, at dated rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from salesdiag.errors import InputError
from salesdiag.intake.numbers import round_money
from salesdiag.intake.raw import Fact

if TYPE_CHECKING:
    from collections.abc import Mapping

_MONEY = ("amount", "list_amount", "cost_amount")


def one_currency(
    deals: pa.Table, rates: pa.Table | None, currency: str
) -> tuple[pa.Table, str, list[Fact]]:
    """Convert the amounts of the deals; give the table, the currency and what was done.

    The rate is the latest one on or before the day a deal was closed, or else created. An
    amount without a rate becomes null and is counted; the column ``currency`` keeps what
    the export said.

    Raises
    ------
    InputError
        If there are several currencies and none is named as the department's.
    """
    if "currency" not in deals.column_names:
        return deals, currency, []
    codes = pc.utf8_upper(deals.column("currency"))
    known = sorted(code for code in pc.unique(codes).to_pylist() if code)
    if not currency and len(known) > 1:
        message = (
            f"the deals are in {', '.join(known)}: name the department's currency in "
            "department.toml (or [department] of the mapping), and give a table fx_rates."
        )
        raise InputError(message)
    currency = currency or (known[0] if known else "")
    foreign = [code for code in known if code != currency]
    if not foreign:
        return deals, currency, []
    factor = _factors(deals, codes, rates, currency)
    facts = []
    for code in foreign:
        rows = pc.fill_null(pc.equal(codes, code), False)  # noqa: FBT003
        n_rows = int(pc.sum(rows).as_py())
        n_without = int(factor[rows.to_numpy()].isna().sum())
        detail = f"{code} into {currency}; {n_without} without a rate became null"
        facts.append(Fact("currency converted", "amount", n_rows, detail))
    for name in _MONEY:
        if name in deals.column_names:
            money = pc.cast(deals.column(name), pa.float64()).to_pandas() * factor
            exact, _absurd = round_money(pa.array(money, from_pandas=True))
            deals = deals.set_column(deals.column_names.index(name), name, exact)
    return deals, currency, facts


def _factors(
    deals: pa.Table, codes: pa.ChunkedArray, rates: pa.Table | None, currency: str
) -> pd.Series:
    """Give the rate of each deal; 1 in the department's currency, NaN without a rate."""
    frame = pd.DataFrame({"currency": codes.to_pandas()})
    frame["on"] = _day(deals)
    frame["factor"] = float("nan")
    frame.loc[frame["currency"].isna() | (frame["currency"] == currency), "factor"] = 1.0
    if rates is not None:
        table = rates.to_pandas()
        table["currency"] = table["currency"].str.upper()
        table["on"] = pd.to_datetime(table["on"]).astype("datetime64[us]")
        dated = frame[frame["on"].notna()].reset_index().sort_values("on")
        found = pd.merge_asof(
            dated, table[["currency", "on", "rate"]].sort_values("on"), on="on", by="currency"
        ).set_index("index")
        frame["factor"] = frame["factor"].fillna(found["rate"])
    return frame["factor"]


def _day(deals: pa.Table) -> pd.Series:
    columns: Mapping[str, pd.Series] = {
        name: deals.column(name).to_pandas()
        for name in ("closed_at", "created_at")
        if name in deals.column_names
    }
    day = pd.Series(pd.NaT, index=range(deals.num_rows), dtype="datetime64[us]")
    for values in columns.values():
        day = day.fillna(values.astype("datetime64[us]"))
    return day
