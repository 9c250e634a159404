"""Models of any classes on a VisAlign set: each gets a head for the set's, and ways to abstain that are calibrated on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from isomorph import spec
from isomorph.errors import InputError
from isomorph.perception import Answers
from isomorph.visalign._results import VisalignResults, visalign_results
from isomorph.visalign._study import AbstentionPart, NetworkPart, VisalignStudy
from isomorph.visalign._training import Training

if TYPE_CHECKING:
    from isomorph.benchmarks import AbstentionMatch
    from isomorph.engine import Progress

FILES = (".json", ".npz", ".csv", ".parquet")
METHODS = ("msp", "mcdropout", "deepensemble", "knn")
SEEDS = (45, 46, 47)
NOTE = (
    "Models given by name did not answer by themselves: for each a linear classifier of its features learnt the set's own pictures, "
    "for 3 seeds, and when to abstain was calibrated on its validation pictures. Other methods and options: isomorph visalign run."
)


def evaluate_visalign(
    given: Sequence[Path | str],
    benchmark: AbstentionMatch,
    *,
    out: Path | str,
    device: str = "cpu",
    replicates: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
) -> VisalignResults:
    """Score models and files of answers on a VisAlign set.

    A file (`.json` as the leaderboard takes it, `.npz`, `.csv`, `.parquet`) is one run. A model's name stands for its features: a linear
    classifier of them learns the set's classes from the set's training pictures, for three seeds, and four of VisAlign's ways to abstain
    (msp, mcdropout, deepensemble, knn) are calibrated on its validation pictures. Everything is kept in `out` and not done again.

    Args:
        given: Names of models, and files of answers.
        benchmark: Of `load_benchmark("visalign", folder=…)`.
        out: Where features, classifiers and answers are kept.
        device: Where models run.
        replicates: Bootstrap replicates over pictures.
        seed: The bootstrap's.
        progress: Where progress is shown.

    Raises:
        InputError: There is nothing to evaluate, a model takes no pictures, or the set has none to learn from.
        FileError: A file cannot be read as what it claims to be.
        UnknownNameError: No model has that name.
    """
    from isomorph.benchmarks._visalign_scores import read_runs

    if not given:
        raise InputError("there is nothing to evaluate; name models, or files of answers (.json, .npz, .csv, .parquet).")
    files = [Path(each) for each in given if _is_file(each)]
    names = [str(each) for each in given if not _is_file(each)]
    for each in names:
        _check(each, benchmark)
    answers = read_runs(files, benchmark.data) if files else []
    for each in names:
        answers += _answers_of(each, benchmark, Path(out), device, progress)
    notes = [NOTE] if names else []
    return visalign_results(answers, benchmark, notes=notes, replicates=replicates, seed=seed)


def _is_file(given: Path | str) -> bool:
    return Path(given).suffix in FILES


def _check(name: str, benchmark: AbstentionMatch) -> None:
    """What cannot go well is said before hours of work."""
    from isomorph.models import model_card

    card = model_card(name)
    if card.modality != "image":
        raise InputError(f"{card.name} takes {card.modality}s, and visalign shows pictures. Take a model of pictures.")
    if benchmark.data.training is None or benchmark.data.validation is None:
        raise InputError(
            f"{card.name} answers with classes of its own, and {benchmark.data.folder} holds no pictures from which a classifier of "
            f"{', '.join(benchmark.data.classes)} could learn (train_split_filenames/final_train and final_eval). Give files of answers "
            "instead, or add those pictures."
        )


def _answers_of(name: str, benchmark: AbstentionMatch, out: Path, device: str, progress: Progress | None) -> list[Answers]:
    from dataclasses import replace

    data = benchmark.data
    # VisAlign's 50th neighbour; a nearer one where half a class has fewer pictures
    k = max(1, min(50, len(data.training or ()) // (2 * len(data.classes))))
    sets = [each.digest for each in (data.training, data.validation, data.test) if each is not None]
    study = VisalignStudy(
        name=name, folder=data.folder, seeds=SEEDS, out=out / spec.fingerprint([name, sets])[:16],
        network=NetworkPart(backbone=name, device=device, training=Training(epochs=100, learning_rate=1e-3)),
        abstention=AbstentionPart(methods=METHODS, options={"knn": {"k": k}}),
    )  # fmt: skip
    part = study.network.name
    runs = study.start(progress=progress).answers
    return [replace(each, subject=f"{name}/{run.removeprefix(f'{part}/')}") for run, each in runs.items()]
