"""A whole study on many workers: stage after stage, every outcome told, and its report if nothing is missing."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from isomorph.cli._output import say
from isomorph.cli._parse import wrong_usage
from isomorph.cli._profile import StageProfiles
from isomorph.cli._run_part import counted, end, excused, tell, waiting
from isomorph.cli._study_unit import StudyUnit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from isomorph.engine import DaskJob, Engine, Outcome, Progress, StagedStudy, WorkUnit
    from isomorph.store import Store

_ADDRESS = re.compile(r"[a-z]+://.+|[^/\s]+:[0-9]+")


def run_on_engine(
    study: Path,
    *,
    engine: str,
    workers: int,
    job: Sequence[str],
    stage: str | None,
    store: str | None,
    retry_quarantined: bool,
    profile: bool,
    json: bool,
) -> int:
    """Do a study; the exit status is 0 if all of it is done, 1 if something is missing, 75 or 143 if a signal stopped it."""
    from isomorph.cli._plan import study_in_parts
    from isomorph.engine import DEATHS, Progress, StopRequested, StopSignals
    from isomorph.store import open_store

    study = study.absolute()
    asked = study_in_parts(study)
    if stage is not None and stage not in asked.stages:
        wrong_usage("run", f"the study {asked.name!r} has the stages {', '.join(asked.stages)}, and no {stage!r}.")
    kept = open_store(store or asked.store)
    how = _job(job, study)
    ended: list[Outcome] = []
    times = StageProfiles(wanted=profile)
    with times.told(json=json):
        try:
            with StopSignals() as signals, Progress(quiet=json) as progress, _engine(engine, workers, how) as runs:
                for each in (stage,) if stage else asked.stages:
                    times.begin(each)
                    for outcome in _stage(asked, study, kept, each, runs, progress, deaths=None if retry_quarantined else DEATHS):
                        ended.append(outcome)
                        times.note(each, outcome)
                        tell(outcome, each, json=json)
                        signals.check()
        except StopRequested as stop:
            say(f"the run was stopped by a signal after {counted(ended)}. What was finished is in the store; the same command goes on.")
            return stop.status
        return end(ended, engine) or (0 if stage else _report(study, kept, json=json))


def _stage(
    asked: StagedStudy, study: Path, kept: Store, stage: str, runs: Engine, progress: Progress, *, deaths: int | None
) -> Iterator[Outcome]:
    from isomorph.engine import LocalEngine
    from isomorph.errors import StageNotReadyError

    try:
        units: Sequence[WorkUnit] = asked.units(kept, stage=stage, progress=progress)
    except StageNotReadyError as error:  # the stage before lacks something
        yield waiting(stage, error)
        return
    if not isinstance(runs, LocalEngine):
        store = kept.place
        units = [StudyUnit(path=study, store=store, stage=stage, index=index, label=each.label) for index, each in enumerate(units)]
    with progress.task(stage, len(units), unit="units") as row:
        for outcome in runs.run(units, store=kept, quarantine_after=deaths):
            yield excused(outcome, asked, stage)
            row.advance(1)


def _engine(asked: str, workers: int, job: DaskJob) -> AbstractContextManager[Engine]:
    """What `--engine` names; entered, it has its workers, and left, it has none."""
    from isomorph.engine import BATCH_SYSTEMS, DaskEngine, LocalEngine, dask_cluster
    from isomorph.errors import UnknownNameError

    if asked == "local":
        return nullcontext(LocalEngine())
    if _ADDRESS.fullmatch(asked):
        return DaskEngine(asked, workers=workers, gpu=job.gpus > 0)
    if asked != "dask" and asked not in BATCH_SYSTEMS:
        raise UnknownNameError("engine", asked, ["local", "dask", *BATCH_SYSTEMS])
    cluster = dask_cluster(
        "local" if asked == "dask" else asked, workers=workers, job=job, preload=("torch", "isomorph.models", "isomorph.results")
    )
    return DaskEngine(cluster, workers=workers, gpu=job.gpus > 0)


def _job(settings: Sequence[str], study: Path) -> DaskJob:
    from isomorph.engine import DaskJob
    from isomorph.errors import InputError
    from isomorph.spec import from_plain

    options: dict[str, object] = {"folder": str(study.parent / "isomorph-workers")}
    for each in settings:
        name, sign, text = each.partition("=")
        if not sign:
            raise InputError(f"--job takes key=value; got {each!r}.")
        options[name] = int(text) if name in ("cores", "gpus") and text.isdecimal() else text
    return from_plain(DaskJob, options, where="--job")


def _report(study: Path, kept: Store, *, json: bool) -> int:
    """As the same command does without an engine, which finds everything finished."""
    from isomorph.cli._run import module_for

    words = [str(study), "--store", kept.place, *(["--json"] if json else [])]
    return import_module(module_for(words)).run(words) or 0
