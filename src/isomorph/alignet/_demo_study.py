"""A study that fits a laptop: a real network learns from another one, whose map people's own judgments made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.alignet._study import AlignetStudy, EvaluationPart, StudentPart, TeacherPart, TripletPart
from isomorph.errors import FetchError, FileError

if TYPE_CHECKING:
    from isomorph.engine import Progress
    from isomorph.store import Store

_TEACHER, _STUDENT = "bundled/efficientnet_lite2.imagenet1k", "bundled/efficientnet_lite0.imagenet1k"
_PICTURES = ("kriegeskorte-92", "algonauts-78", "texture-vs-shape")
_EMPHASIS = 4


def demo_study(out: Path, store: Store, *, progress: Progress | None = None) -> tuple[AlignetStudy, tuple[str, ...]]:
    """The study, and what it goes without on this machine.

    The teacher's map is fitted to 16 people's judgments of photographs. Where those cannot be had, photographs from packages
    take their place, and a map of our own making, which strengthens the teacher's first principal directions, that of people.

    Args:
        out: The folder of the study.
        store: Where features and tables are kept.
        progress: Where progress is shown.

    Raises:
        FileError: The folder cannot be written.
        MissingDependencyError: A package of the demo is not installed.
    """
    from isomorph.benchmarks import load_benchmark, load_stimuli

    try:
        load_benchmark(_PICTURES[0])
        pictures = tuple(each for each in _PICTURES if len(load_stimuli(each)))
    except (FetchError, FileError) as error:
        note = f"This run is without people: {error} The teacher's map strengthens its first {_EMPHASIS} principal directions instead."
        return study_without_people(out, store, progress), (note,)
    teacher = TeacherPart(model=_TEACHER, judgments=_PICTURES[0], options={"strength": 3.0, "epochs": 60})
    return _study(out, pictures, teacher, sampling="cluster_border"), ()


def study_without_people(out: Path, store: Store, progress: Progress | None) -> AlignetStudy:
    """Photographs from packages, too few for clusters, and a map that triples the first principal directions of the teacher's features."""
    from isomorph.alignet._study_run import StudyRun
    from isomorph.alignment import FittedTransform
    from isomorph.store._atomic import make_folder

    make_folder(out)
    path = out / "made-up.safetensors"
    study = _study(out, ("packaged-photographs",), TeacherPart(model=_TEACHER, transform=path), sampling="random")
    study = replace(study, evaluation=replace(study.evaluation, neighbours=(3,)))
    run = StudyRun(study, store, progress)
    x = run.teacher_features(run.training)
    values = x.values.astype(np.float64)
    _, _, directions = np.linalg.svd(values - values.mean(0), full_matrices=False)
    first = directions[:_EMPHASIS]
    weights = 0.1 * (np.eye(x.width) + 2 * first.T @ first)
    FittedTransform(
        weights=weights, mean=np.array(values.mean()), std=np.array(values.std()), method="made up", layer=x.layer, model=_TEACHER
    ).save(path)
    return study


def _study(out: Path, pictures: tuple[str, ...], teacher: TeacherPart, *, sampling: str) -> AlignetStudy:
    # λ = 1 adds up to 1.5 over the published 100,000 steps at 3e-5; over these few it takes λ = 400 to hold the network as firmly
    training: dict[str, Any] = {
        **{"steps": 90, "batch_size": 16, "learning_rate": 1e-4, "warmup": 10, "pull": 400.0, "clip": 1.0},
        **{"evaluate_every": 30, "evaluation_batches": 8, "checkpoint_every": 30, "dimensions": 1024},
    }
    small = {"height_pixels": 128, "width_pixels": 128, "resize_pixels": 146}
    return AlignetStudy(
        name="alignet-demo",
        pictures=pictures,
        teacher=teacher,
        student=StudentPart(model=_STUDENT, recipe=small, training=training, control="beside"),
        triplets=TripletPart(sampling=sampling, clusters=24, train=20_000, validation=2_000),
        evaluation=EvaluationPart(labels=False),
        held_out=0.35,
        out=out,
    )
