"""Work as a plan of small units that may be run twice or killed half-way, and what a person sees of it meanwhile."""

from isomorph.engine._memory import format_bytes, parse_bytes
from isomorph.engine._plan import PlanReport, WorkUnit, run_plan
from isomorph.engine._progress import Progress, Task

__all__ = ["PlanReport", "Progress", "Task", "WorkUnit", "format_bytes", "parse_bytes", "run_plan"]
