"""How many deals are won, and where they are lost on their way through the stages."""

from salesdiag.analyses.funnel.current import current_stages
from salesdiag.analyses.funnel.stages import stage_conversion
from salesdiag.analyses.funnel.win import win_rate

__all__ = ["current_stages", "stage_conversion", "win_rate"]
