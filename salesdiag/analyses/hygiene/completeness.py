"""Which fields the reps fill."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesdiag.analyses.hygiene.fields import count_fields, fields_of
from salesdiag.analyses.hygiene.rows import check_keys
from salesdiag.analyses.hygiene.shares import judged
from salesdiag.stats.arguments import share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    import pandas as pd

    from salesdiag.department import Department

_RENAMED = {
    "n_whole": "n_required", "n_part": "n_filled", "share": "filled_share",
    "low": "filled_share_low", "high": "filled_share_high", "others": "others_share",
}  # fmt: skip
_COLUMNS = [
    "table", "field", "required_when", "n_required", "n_filled", "n_missing", "n_placeholder",
    "n_reps", "filled_share", "filled_share_low", "filled_share_high", "others_share",
    "difference", "difference_low", "difference_high", "q_value", "reading",
]  # fmt: skip


def completeness(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    from_stage: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Share of the rows that carry each field they must carry, and who leaves it empty.

    What a row must carry depends on where it stands: a reason once it is lost, an expected
    close while it is open, an amount once an offer is made. A field that nobody needs yet is
    not missing, so a rep with young deals is not blamed. Filled is not true: words such as
    "other" are counted apart, and whether dates and amounts agree with each other is asked by
    `contradictions`.

    A group is held against all others of the department, itself left out. That others fill a
    field better says that it can be done, not that it matters; see `cleaned_metrics`.

    Parameters
    ----------
    department : Department
        Uses ``deals``, ``leads`` and ``activities``, whichever are there. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals`` (such as ``"stage"``), ``reps``, ``accounts``,
        ``leads`` or ``activities``. The rep is the one that the row names. Rows of a table that
        the column says nothing of count under "unassigned".
    start, end : date or str, optional
        First and last day (both included) on which the deal or lead was **created**, or the
        activity **happened**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1; one minus it is the level at which a
        q-value stands out.
    from_stage : mapping of str to str, optional
        Columns of ``deals`` that an open deal must carry from a stage on, such as
        ``{"amount": "Proposal"}``. Default: the amount, from the second open stage.

    Returns
    -------
    DataFrame
        One row per field, its condition, and group that the table has; fields in order of tables:

        - the ``by`` columns, if any;
        - ``table``, ``field`` : what was looked at; an activity must name a deal, a lead or an
          account;
        - ``required_when`` : which rows must carry it: "always", "open", "open_from_stage",
          "won", "lost", "closed" (deals), "disqualified", "converted" (leads),
          "call_or_meeting", "reached" (calls and meetings that reached someone), "task";
        - ``n_required`` : rows that must carry it; 0 where the table or column is missing;
        - ``n_filled``, ``n_missing`` : of these, with it, and without; an amount of 0 is none;
        - ``n_placeholder`` : filled with a word that says nothing, such as "other" or "n/a";
        - ``n_reps`` : reps behind them, "unassigned" being one;
        - ``filled_share`` : ``n_filled / n_required``, in [0, 1]; NaN where none must carry it;
        - ``filled_share_low``, ``filled_share_high`` : its interval: Wilson's for one rep, else
          with reps, not rows, as independent (how much a rep is worth is told by all groups),
          never narrower than Wilson's;
        - ``others_share`` : the share of all others of the department; NaN without others;
        - ``difference`` : ``filled_share`` less ``others_share``, in [-1, 1];
        - ``difference_low``, ``difference_high`` : its interval (Newcombe's at the number of
          rows that reps are worth);
        - ``q_value`` : of no difference; a field and condition is a family, and families are
          paid for too; 1 where all rows or none carry it; NaN for "unassigned", without others,
          or below 5 rows;
        - ``reading`` : "below" or "above" (the q-value stands out), "as_others",
          "not_enough_data" (below 5 rows), "no_comparison" (no others, or no group of its own),
          "not_examined" (no row had to carry it).

    Raises
    ------
    MissingDataError
        If no table holds a ``by`` column.
    InputError
        If ``from_stage`` names no column of deals or no open stage, or a key is no text.

    References
    ----------
    Newcombe, R. G. (1998). Interval estimation for the difference between independent
    proportions: comparison of eleven methods. Statistics in Medicine 17, 873-890.

    Benjamini, Y. and Bogomolov, M. (2014). Selective inference on multiple families of
    hypotheses. Journal of the Royal Statistical Society B 76, 297-318.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": list("ABCD"), "status": ["won", "lost", "lost", "open"],
    ...     "loss_reason": [None, "price", None, None],
    ... })
    >>> table = completeness(Department(deals=deals, as_of="2025-12-31"))
    >>> table = table[table["n_required"] > 0]
    >>> table[["field", "required_when", "n_required", "n_filled", "filled_share"]]
              field required_when  n_required  n_filled  filled_share
    12  loss_reason          lost           2         1           0.5
    """
    level = share("confidence", confidence)
    keys = check_keys(department, by, _COLUMNS, "leads", "activities")
    fields = fields_of(department, from_stage)
    cells = count_fields(department, keys, fields, (start, end))
    table = judged(cells, keys, [one.question for one in fields], confidence=level)
    table = table.rename(columns=_RENAMED)
    for name in ("table", "field", "required_when"):
        told = dict(enumerate(getattr(one, name) for one in fields))
        table[name] = table["question"].map(told).astype("str")
    table["n_missing"] = table["n_required"] - table["n_filled"]
    table = table.sort_values([*keys, "question"])
    return table[[*keys, *_COLUMNS]].reset_index(drop=True)
