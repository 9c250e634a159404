"""`isomorph run`: a study, planned, executed, resumed."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

import tyro

from isomorph.cli._evaluate import deliver, print_best
from isomorph.cli._output import print_json, print_table, say
from isomorph.cli._parse import Settings, StoreFolder, call, wrong_usage
from isomorph.cli._plan import study_kind
from isomorph.cli._stoppable import stoppable


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(run_study, words, command="run")


def module_for(words: list[str]) -> str:
    """Where the command is: each kind of study has its own, but parts and engines are the same for all."""
    if {"--part", "--stage", "--engine", "--profile"} & {word.partition("=")[0] for word in words}:
        return __name__
    for word in words:
        path = Path(word)
        if path.suffix == ".toml" and path.is_file():
            try:
                asked = tomllib.loads(path.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
                break  # the study's own reader says what is wrong
            return _OTHERS.get(study_kind(asked), __name__)
    return __name__


_OTHERS = {
    "brains": "isomorph.cli._encoding_study",
    "visalign": "isomorph.cli._visalign_study",
    "consistency": "isomorph.cli._consistency_study",
    "alignment": "isomorph.cli._alignet_study",
    "extraction": "isomorph.cli._extraction_study",
}


def run_study(
    study: Annotated[Path, tyro.conf.Positional],
    *,
    dry_run: bool = False,
    part: Annotated[str | None, tyro.conf.arg(metavar="I/N")] = None,
    stage: str | None = None,
    engine: str | None = None,
    workers: int | None = None,
    job: Settings = (),
    retry_quarantined: bool = False,
    profile: bool = False,
    store: StoreFolder = None,
    json: bool = False,
) -> int | None:
    """Run a study: what is finished is not done again, so the same command goes on after an interruption.

    Args:
        study: A TOML file: models, benchmarks or stimuli, layers, measures, replicates, seed, report; or, of brains, recordings.
        dry_run: Print the plan and stop; one line a model and benchmark.
        part: Do the I-th of N shares of the units, with whatever machines do the others in the same store; a unit that fails does not
            stop the rest. The report is left to a run without this. With an engine its workers do them.
        stage: Do only this stage of it; `isomorph plan` names them.
        engine: Where the units run: `local`, this process; `dask`, worker processes of this machine; `slurm`, `pbs`, `lsf`, `sge`,
            `htcondor`, jobs of that batch system; or the address of a scheduler of Dask. A unit that fails does not stop the rest.
        workers: With an engine: how many workers.
        job: With a batch system, what each of its jobs asks for: cores, memory, walltime, queue, account, gpus, gpu_memory, per_gpu,
            directives, prologue, interface, disk, folder (of the workers' logs); and minimum, of workers while there is little to do.
        retry_quarantined: With a part or an engine: also begin units at which three processes were killed.
        profile: Also tell where the time of each stage went; alone the same as with `--engine local`.
        store: The store's folder; default: the study's, else $ISOMORPH_STORE.
        json: The plan, or the outcomes of a part, as one JSON object a line; after a run one object: name, rows, report, results.
    """
    if (part or stage or engine or profile) and dry_run:
        why = (
            "--profile measures a run, and --dry-run makes none."
            if profile
            else "--dry-run shows the whole study; `isomorph plan` shows its units."
        )
        wrong_usage("run", why)
    engine = engine or ("local" if profile and not part and not stage else None)
    if engine:
        from isomorph.cli._engine_run import run_on_engine

        asked = [one for several in job for one in several]
        return run_on_engine(
            study,
            engine=engine,
            workers=workers or 1,
            job=asked,
            part=part,
            stage=stage,
            store=store,
            retry_quarantined=retry_quarantined,
            profile=profile,
            json=json,
        )
    if workers or job:
        wrong_usage("run", "--workers and --job go with --engine.")
    if part or stage:
        from isomorph.cli._run_part import run_part

        return run_part(study, part=part, stage=stage, store=store, retry_quarantined=retry_quarantined, profile=profile, json=json)
    if retry_quarantined:
        wrong_usage("run", "--retry-quarantined goes with --part or --engine: a whole run begins every unit.")
    from isomorph.engine import Progress
    from isomorph.results import Study
    from isomorph.store import open_store

    asked = Study.load(study)
    kept = open_store(store or asked.store)
    if dry_run:
        plan = asked.plan(kept)
        if json:
            for row in plan:
                print_json(row)
            return None
        print_table([row | {"finished": "yes" if row["finished"] else "no"} for row in plan], ["model", "benchmark", "stimuli", "finished"])
        say(f"{sum(not row['finished'] for row in plan)} of {len(plan)} units to do")
        return None
    with stoppable(), Progress(quiet=json) as progress:
        results = asked.run(kept, progress=progress)
    deliver(results, out=None, report=asked.report)
    if json:
        print_json(
            {"name": asked.name, "rows": len(results), "report": asked.report / "index.html", "results": asked.report / "data" / "saved"}
        )
    else:
        print_best(results)
    return None
