"""`isomorph plan`: the units of a study, and the script that runs them as arrays of jobs."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from isomorph.cli._output import print_json, print_table, say
from isomorph.cli._parse import StoreFolder, call, wrong_usage
from isomorph.cli._plan_needs import COLUMNS, shown, with_needs

if TYPE_CHECKING:
    from isomorph.engine import StagedStudy
    from isomorph.store import Store


_CLASSES = {
    "models": "isomorph.results:Study",
    "brains": "isomorph.results:EncodingStudy",
    "visalign": "isomorph.visalign:VisalignStudy",
    "consistency": "isomorph.consistency:Study",
    "alignment": "isomorph.alignet:AlignetStudy",
    "extraction": "isomorph.results:ExtractionStudy",
}
_KINDS = {"recordings": "brains", "network": "visalign", "datasets": "consistency", "teacher": "alignment", "shards": "extraction"}


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(plan_study, words, command="plan")


def plan_study(
    study: Annotated[Path, tyro.conf.Positional],
    *,
    sbatch: Annotated[str | None, tyro.conf.arg(metavar="N[%K]")] = None,
    per_gpu: int = 1,
    needs: bool = False,
    store: StoreFolder = None,
    json: bool = False,
) -> None:
    """Print the units of a study, stage by stage; or a script for SLURM. Models are loaded for their fingerprints, but not run.

    Args:
        study: A TOML file, of any kind: of models, brains, consistency, VisAlign, alignment or extraction.
        sbatch: Print a shell script that submits the study as arrays of N jobs, at most K of them at once, a stage after the other, and its
            report last. Options of that script go to `sbatch`: `bash submit.sh --time=4:00:00 --gpu-options='--gres=gpu:1'`.
        per_gpu: With `--sbatch`: so many processes share the GPU of a job, in the stages that use one.
        needs: Also what each unit needs: its memory, a GPU or none, and how much of it; each model is run dry for it, on three stimuli, and
            the store remembers that.
        store: The store's folder; default: the study's, else $ISOMORPH_STORE.
        json: One JSON object a unit: stage, unit, fingerprint, done; with `--needs` also memory, gpu, gpu_memory, in bytes.
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
        print(sbatch_script(asked, study.resolve(), jobs=jobs, at_once=at_once, per_gpu=per_gpu, store=kept.place), end="")
        return
    if per_gpu != 1:
        wrong_usage("plan", "--per-gpu goes with --sbatch.")
    rows = plan_rows(asked, kept)
    if needs:
        rows = with_needs(rows, asked, kept)
    if json:
        for row in rows:
            print_json(row)
        return
    printed = [(shown(row) if needs else row) | {"done": "yes" if row["done"] else "no"} for row in rows]
    print_table(printed, ["stage", "unit", "done", *(COLUMNS if needs else ()), "fingerprint"])
    say(f"{sum(not row['done'] for row in rows)} of {len(rows)} units to do")


def study_in_parts(path: Path) -> StagedStudy:
    """Read a study, of whatever kind, as stages of independent units.

    Raises:
        FileError: There is no such file, or it is not TOML.
        InputError: An option is wrong.
    """
    from isomorph.spec import read_toml

    module, _, name = _CLASSES[study_kind(read_toml(path, what="study"))].partition(":")
    study: Any = getattr(import_module(module), name).load(path)
    asked: StagedStudy = getattr(study, "parts", study)  # studies of models are staged themselves
    return asked


def study_kind(asked: Mapping[str, Any]) -> str:
    """`brains`, `visalign`, `consistency`, `alignment`, `extraction` or `models`: by the option that only studies of that kind have."""
    return next((kind for option, kind in _KINDS.items() if option in asked), "models")


def plan_rows(asked: StagedStudy, kept: Store) -> list[dict[str, Any]]:
    """One row a unit: stage, unit, fingerprint (None while the stage before is not finished), done.

    Raises:
        StoreError: The store cannot be read.
    """
    from isomorph.errors import IsomorphError, StageNotReadyError

    rows: list[dict[str, Any]] = []
    for stage in asked.stages:
        try:
            units = asked.units(kept, stage=stage)
        except StageNotReadyError:
            rows += [{"stage": stage, "unit": label, "fingerprint": None, "done": False} for label in asked.labels(kept, stage=stage)]
            continue
        for unit in units:
            rows.append({"stage": stage, "unit": unit.label, "fingerprint": None, "done": False})
            try:
                rows[-1]["fingerprint"] = unit.fingerprint
            except IsomorphError as error:  # such as a model whose package is not here: other units can be told of
                rows[-1]["error"] = str(error)
    finished = kept.finished(row["fingerprint"] for row in rows if row["fingerprint"])
    return [row | {"done": row["fingerprint"] in finished} for row in rows]
