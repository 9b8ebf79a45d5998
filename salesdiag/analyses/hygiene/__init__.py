"""How far the entries of the CRM can be trusted, and whether it matters."""

from salesdiag.analyses.hygiene.cleaned import cleaned_metrics
from salesdiag.analyses.hygiene.completeness import completeness
from salesdiag.analyses.hygiene.contradictions import contradictions
from salesdiag.analyses.hygiene.suspects import suspect_entries

__all__ = ["cleaned_metrics", "completeness", "contradictions", "suspect_entries"]
