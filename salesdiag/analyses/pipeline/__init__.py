"""What is open, how long it has been, and what is still likely to come of it."""

from salesdiag.analyses.pipeline.changes import pipeline_changes
from salesdiag.analyses.pipeline.coverage import coverage
from salesdiag.analyses.pipeline.cycle import cycle_time
from salesdiag.analyses.pipeline.pushes import push_counts
from salesdiag.analyses.pipeline.snapshot import pipeline_snapshot
from salesdiag.analyses.pipeline.stalled import stalled_deals
from salesdiag.analyses.pipeline.velocity import sales_velocity
from salesdiag.analyses.pipeline.waits import time_in_stage

__all__ = [
    "coverage",
    "cycle_time",
    "pipeline_changes",
    "pipeline_snapshot",
    "push_counts",
    "sales_velocity",
    "stalled_deals",
    "time_in_stage",
]
