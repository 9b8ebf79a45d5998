"""Neutral names in the tables themselves, so that nothing made from them can leak a name.

`salesdiag.Department.anonymised` gives a department in which

- the same rep is ``Rep 01`` in every column that refers to a rep (also the manager, who scored a
  call, targets and forecasts of reps, the field history), and the same account ``Account 0001``;
  names are those neutral ones, too;
- ids of deals, leads, activities and calls are digests;
- reasons and outcomes that fewer than three rows share are digests, for they are sentences and
  no codes; one that many rows share stays, whatever is written in it;
- the field history keeps values of amounts and dates, and of reps by their neutral names;
- columns that the schema does not know are left out, whatever they hold;
- rows stand in the order of the neutral keys;
- the load report keeps counts and reasons, and loses names of files, headings and quoted values.

The numbers follow a key made from figures of all deals: the same data give the same names, while
a list of the true names is not enough to find out who is who, and neither their order nor any
result can be read from the numbers.

Figures stay as they are, but for the ends of those intervals that are drawn at random by rep or
deal: the draws follow the order of ids, so these move as they would with another seed.

Names of teams, territories, sources, segments, products, pipelines, stages, roles and of the
department stay; a team named after a person keeps that name, for it cannot be told. So do amounts
and dates: who knows those of a deal can recognise it.
"""

from salesdiag.anonymise.report import neutral_report
from salesdiag.anonymise.tables import Replaced, replaced

__all__ = ["Replaced", "neutral_report", "replaced"]
