"""How leads are handled: how fast, how often, by whom, from where, and at what cost."""

from salesdiag.analyses.leads.attempts import attempts
from salesdiag.analyses.leads.distribution import lead_distribution
from salesdiag.analyses.leads.effect import response_effect
from salesdiag.analyses.leads.response import response_time
from salesdiag.analyses.leads.sources import source_quality
from salesdiag.analyses.leads.unworked import unworked_leads

__all__ = [
    "attempts",
    "lead_distribution",
    "response_effect",
    "response_time",
    "source_quality",
    "unworked_leads",
]
