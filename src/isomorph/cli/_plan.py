"""`isomorph plan`: the units of a study, and the script that runs them as arrays of jobs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from isomorph.cli._output import print_json, print_table, say
from isomorph.cli._parse import StoreFolder, call, wrong_usage

if TYPE_CHECKING:
    from isomorph.results import Study
    from isomorph.store import Store


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(plan_study, words, command="plan")


def plan_study(
    study: Annotated[Path, tyro.conf.Positional],
    *,
    sbatch: Annotated[str | None, tyro.conf.arg(metavar="N[%K]")] = None,
    store: StoreFolder = None,
    json: bool = False,
) -> None:
    """Print the units of a study, stage by stage; or a script for SLURM. Models are loaded for their fingerprints, but not run.

    Args:
        study: A TOML file: models, benchmarks or stimuli.
        sbatch: Print a shell script that submits the study as arrays of N jobs, at most K of them at once, a stage after the other, and its
            report last. Options of that script go to `sbatch`: `bash submit.sh --partition=gpu --time=4:00:00`.
        store: The store's folder; default: the study's, else $ISOMORPH_STORE.
        json: One JSON object a unit: stage, unit, fingerprint, done.
    """
    from isomorph.cli._sbatch import jobs_of, sbatch_script
    from isomorph.errors import InputError
    from isomorph.store import open_store

    asked = study_in_parts(study)
    kept = open_store(store or asked.store)
    if sbatch is not None:
        try:
            jobs, at_once = jobs_of(sbatch)
        except InputError as error:
            wrong_usage("plan", str(error))
        print(sbatch_script(asked, study.resolve(), jobs=jobs, at_once=at_once, store=kept.place), end="")
        return
    rows = plan_rows(asked, kept)
    if json:
        for row in rows:
            print_json(row)
        return
    print_table([row | {"done": "yes" if row["done"] else "no"} for row in rows], ["stage", "unit", "done", "fingerprint"])
    say(f"{sum(not row['done'] for row in rows)} of {len(rows)} units to do")


def study_in_parts(path: Path) -> Study:
    """Read a study that comes as stages of independent units.

    Raises:
        FileError: There is no such file, or it is not TOML.
        InputError: It is of another kind, or an option is wrong.
    """
    from isomorph.errors import InputError
    from isomorph.results import Study
    from isomorph.spec import read_toml

    asked = read_toml(path, what="study")
    for key, kind, command in (
        ("recordings", "of brains", "isomorph run"),
        ("network", "of VisAlign", "isomorph run"),
        ("datasets", "of consistency", "isomorph consistency"),
        ("teacher", "of alignment", "isomorph alignet"),
    ):
        if key in asked:
            raise InputError(
                f"{path.name} is a study {kind}, which does not come in parts yet; studies of models against benchmarks, or against each "
                f"other, do. Run it as a whole: `{command} {path.name}`; it goes on where it was interrupted."
            )
    return Study.load(path)


def plan_rows(asked: Study, kept: Store) -> list[dict[str, Any]]:
    """One row a unit: stage, unit, fingerprint (None while the stage before is not finished), done."""
    rows: list[dict[str, Any]] = []
    for stage in asked.stages:
        if all(row["done"] for row in rows):
            units = [(unit.label, unit.fingerprint) for unit in asked.units(kept, stage=stage)]
            rows += [{"stage": stage, "unit": label, "fingerprint": each, "done": each in kept} for label, each in units]
        else:
            labels = [f"{row['model']} on {row['benchmark']}" for row in asked.plan(kept)]
            rows += [{"stage": stage, "unit": label, "fingerprint": None, "done": False} for label in labels]
    return rows
