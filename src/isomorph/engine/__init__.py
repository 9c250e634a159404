"""Work as a plan of small units that may be run twice or killed half-way, and what a person sees of it meanwhile."""

from isomorph.engine._dask_cluster import BATCH_SYSTEMS, dask_cluster
from isomorph.engine._dask_engine import DaskEngine
from isomorph.engine._dask_job import DaskJob
from isomorph.engine._engine import Engine, LocalEngine
from isomorph.engine._journal import Journal, UnitNotes
from isomorph.engine._lazy_unit import LazyUnit
from isomorph.engine._memory import format_bytes, parse_bytes
from isomorph.engine._needs import Needs, needs_of
from isomorph.engine._outcome import ErrorRecord, Outcome
from isomorph.engine._outcomes import DEATHS, WorkUnit, outcomes
from isomorph.engine._part import Part
from isomorph.engine._passes import passes
from isomorph.engine._plan import PlanReport, run_plan
from isomorph.engine._progress import Progress, Task
from isomorph.engine._receipt_unit import ReceiptUnit
from isomorph.engine._staged_study import StagedStudy
from isomorph.engine._stop_signals import STOPPED, StopRequested, StopSignals
from isomorph.engine._study_parts import StudyParts

__all__ = [
    "BATCH_SYSTEMS",
    "DEATHS",
    "STOPPED",
    "DaskEngine",
    "DaskJob",
    "Engine",
    "ErrorRecord",
    "Journal",
    "LazyUnit",
    "LocalEngine",
    "Needs",
    "Outcome",
    "Part",
    "PlanReport",
    "Progress",
    "ReceiptUnit",
    "StagedStudy",
    "StopRequested",
    "StopSignals",
    "StudyParts",
    "Task",
    "UnitNotes",
    "WorkUnit",
    "dask_cluster",
    "format_bytes",
    "needs_of",
    "outcomes",
    "parse_bytes",
    "passes",
    "run_plan",
]
