"""A study, or a part of it, on many workers: stage after stage, every outcome told, and the report of a whole one if nothing is missing."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph.cli._output import say
from isomorph.cli._parse import wrong_usage
from isomorph.cli._profile import StageProfiles
from isomorph.cli._run_part import counted, end, excused, not_begun, part_of, tell
from isomorph.cli._study_unit import StudyUnit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from isomorph.engine import DaskJob, Engine, Needs, Outcome, Part, Progress, StagedStudy, WorkUnit
    from isomorph.store import Store

_INTERRUPTED = 130
_ADDRESS = re.compile(r"[a-z]+://.+|[^/\s]+:[0-9]+")


def run_on_engine(
    study: Path,
    *,
    engine: str,
    workers: int,
    job: Sequence[str],
    part: str | None,
    stage: str | None,
    store: str | None,
    retry_quarantined: bool,
    profile: bool,
    json: bool,
) -> int:
    """Do a study; the exit status is 0 if all of it is done, 1 if something is missing, 75, 130 or 143 if a signal stopped it."""
    from isomorph.cli._plan import study_in_parts
    from isomorph.engine import DEATHS, Progress, StopRequested, StopSignals
    from isomorph.store import open_store

    study = study.absolute()
    asked = study_in_parts(study)
    if stage is not None and stage not in asked.stages:
        wrong_usage("run", f"the study {asked.name!r} has the stages {', '.join(asked.stages)}, and no {stage!r}.")
    kept = open_store(store or asked.store)
    how, minimum = _job(job, study)
    ours = part_of(part)
    ended: list[Outcome] = []
    times = StageProfiles(wanted=profile)
    with times.told(json=json):
        try:
            with (
                StopSignals() as signals,
                Progress(quiet=json) as progress,
                _engine(engine, workers, minimum, how, lambda: _needs(asked, kept, stage, progress)) as runs,
            ):
                for each in (stage,) if stage else asked.stages:
                    times.begin(each)
                    for outcome in _stage(asked, study, kept, each, ours, runs, progress, deaths=None if retry_quarantined else DEATHS):
                        ended.append(outcome)
                        times.note(each, outcome)
                        tell(outcome, each, json=json)
                        signals.check()
        except (StopRequested, KeyboardInterrupt) as stop:
            say(f"the run was stopped by a signal after {counted(ended)}. What was finished is in the store; the same command goes on.")
            return stop.status if isinstance(stop, StopRequested) else _INTERRUPTED
        if part:
            return end(ended, f"part {ours}")
        return end(ended, engine) or (0 if stage else _report(study, kept, json=json))


def _stage(
    asked: StagedStudy, study: Path, kept: Store, stage: str, ours: Part, runs: Engine, progress: Progress, *, deaths: int | None
) -> Iterator[Outcome]:
    from isomorph.engine import LocalEngine, needs_of
    from isomorph.errors import StoreError

    try:
        units: Sequence[WorkUnit] = asked.units(kept, stage=stage, progress=progress)
    except StoreError as error:
        yield not_begun(stage, error)
        return
    if not isinstance(runs, LocalEngine):
        store = kept.place
        units = [
            StudyUnit(path=study, store=store, stage=stage, index=index, label=each.label, needs=needs_of(each))
            for index, each in enumerate(units)
        ]
    units = ours.of(units)
    with progress.task(stage, len(units), unit="units") as row:
        for outcome in runs.run(units, store=kept, quarantine_after=deaths):
            yield excused(outcome, asked, stage)
            row.advance(1)


def _engine(
    asked: str, workers: int, minimum: int | None, job: DaskJob, needs: Callable[[], list[Needs]]
) -> AbstractContextManager[Engine]:
    """What `--engine` names; entered, it has its workers, and left, it has none."""
    from isomorph.engine import BATCH_SYSTEMS, DaskEngine, LocalEngine, dask_cluster
    from isomorph.errors import UnknownNameError

    if asked == "local":
        return nullcontext(LocalEngine())
    if _ADDRESS.fullmatch(asked):
        return DaskEngine(asked, workers=workers, gpu=job.gpus > 0)
    if asked != "dask" and asked not in BATCH_SYSTEMS:
        raise UnknownNameError("engine", asked, ["local", "dask", *BATCH_SYSTEMS])
    if asked in BATCH_SYSTEMS:
        job = job.fitted(needs())
        say(f"each job asks for {job.memory} of memory{f', and {job.processes} workers share its GPU' if job.processes > 1 else ''}")
    kind, preload = "local" if asked == "dask" else asked, ("torch", "isomorph.models", "isomorph.results")
    cluster = dask_cluster(kind, workers=workers, minimum=minimum, job=job, preload=preload)
    return DaskEngine(cluster, workers=workers, offers=job.gpu_offers(workers) if asked == "dask" else job.offers)


def _needs(asked: StagedStudy, kept: Store, stage: str | None, progress: Progress) -> list[Needs]:
    """What units need, those of stages that cannot begin yet as far as that is known."""
    from isomorph.engine import needs_of
    from isomorph.errors import StageNotReadyError

    found: list[Needs] = []
    for each in (stage,) if stage else asked.stages:
        try:
            found += map(needs_of, asked.units(kept, stage=each, progress=progress))
        except StageNotReadyError:
            found += asked.needs(kept, stage=each, progress=progress)
    return found


def _job(settings: Sequence[str], study: Path) -> tuple[DaskJob, int | None]:
    """What each job asks for, and how many to keep while there is little to do."""
    from isomorph.engine import DaskJob
    from isomorph.errors import InputError
    from isomorph.spec import from_plain

    options: dict[str, Any] = {"folder": str(study.parent / "isomorph-workers")}
    for each in settings:
        name, sign, text = each.partition("=")
        if not sign:
            raise InputError(f"--job takes key=value; got {each!r}.")
        options[name] = int(text) if name in ("cores", "gpus", "per_gpu", "minimum") and text.isdecimal() else text
    minimum = options.pop("minimum", None)
    if isinstance(minimum, str):
        raise InputError(f"minimum is how many workers to keep while there is little to do; got {minimum!r}.")
    return from_plain(DaskJob, options, where="--job"), minimum


def _report(study: Path, kept: Store, *, json: bool) -> int:
    """As the same command does without an engine, which finds everything finished."""
    from isomorph.cli._run import module_for

    words = [str(study), "--store", kept.place, *(["--json"] if json else [])]
    return import_module(module_for(words)).run(words) or 0
