"""`isomorph align check`: what a map that brings features closer to people costs, and what it gains."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import tyro

from isomorph.cli._output import print_json, print_table, say
from isomorph.cli._parse import StoreFolder, wrong_usage
from isomorph.errors import InputError

if TYPE_CHECKING:
    from isomorph.alignment import AlignmentCheck

Maps: TypeAlias = tyro.conf.UseAppendAction[Annotated[tuple[tuple[str, ...], ...], tyro.conf.arg(metavar="MAP")]]
_SHOWN = ("question", "before", "after", "difference", "low", "high", "change", "n", "unit")


def check(
    source: Annotated[str, tyro.conf.Positional],
    *,
    transform: Maps,
    labels: Path | None = None,
    triplets: Path | None = None,
    object_features: str | None = None,
    format: str = "auto",
    neighbours: tuple[int, ...] = (10,),
    shots: int = 5,
    tests: int = 100,
    repetitions: int = 10,
    similarity: str = "cosine",
    seen: Literal["drop", "keep"] = "drop",
    replicates: int = 1000,
    out: Path | None = None,
    store: StoreFolder = None,
    json: bool = False,
) -> None:
    """Say what maps cost and gain: neighbourhoods, few-shot, anomaly detection, linear probe, people's choices; before and after.

    Args:
        source: Features before the map: a file (FILE or FILE#KEY) or a stored layer (FINGERPRINT#LAYER).
        transform: One map or several: .safetensors or .npz files, or names of published ones.
        labels: The stimuli's classes: .csv (the columns id and label, or label alone), .txt (one a line) or .npy.
        triplets: People's odd-one-out choices.
        object_features: Features of what the choices are about, if not those of SOURCE.
        format: How the triplets are written; auto: by suffix and content.
        neighbours: The numbers of nearest neighbours to look at.
        shots: Few-shot: how many of each class to learn from.
        tests: Few-shot: how many of each class to test on, at most.
        repetitions: Few-shot: how many draws.
        similarity: Of the pairs in a trial: cosine, dot, centred-cosine or euclidean.
        seen: Trials with objects that a map has seen: drop them, or keep and mark them.
        replicates: Bootstrap samples.
        out: A folder for check.json, check.csv and, with labels and triplets, the plot best-of-both-worlds (.png, .svg, .pdf).
        store: The store's folder; default: $ISOMORPH_STORE.
        json: One JSON object: transforms, rows (one a map and question), options, notes, files.
    """
    from isomorph.alignment import FewShot, check_alignment, load_transform
    from isomorph.cli._align import _features
    from isomorph.cli._probe import _read_labels
    from isomorph.engine import Progress
    from isomorph.judgments import Triplets

    if object_features and not triplets:
        wrong_usage("align check", "--object-features needs --triplets.")
    sources = [each for several in transform for each in several]
    if not sources:
        wrong_usage("align check", "--transform needs a file or the name of a published map.")
    maps = dict(zip(_names(sources), map(load_transform, sources), strict=True))
    with Progress() as progress:
        found = check_alignment(
            _features(source, store),
            maps,
            labels=_read_labels(labels) if labels else None,
            triplets=Triplets.load(triplets, format) if triplets else None,
            objects=_features(object_features, store) if object_features else None,
            neighbours=neighbours,
            few_shot=FewShot(shots=shots, tests=tests, repetitions=repetitions),
            similarity=similarity,
            seen=seen,
            replicates=replicates,
            progress=progress,
        )
    files = [str(each) for each in _write(found, out)] if out else []
    if json:
        print_json(found.to_plain() | {"files": files})
        return
    for name in found.transforms:
        print_table([each for each in found.rows if each["transform"] == name], _SHOWN, title=name)
    remarks = [f"{each['question']}: {each['note']}" for each in found.rows if each["note"]]
    for line in dict.fromkeys([*remarks, *found.notes, *files]):
        say(line)


def _write(found: AlignmentCheck, folder: Path) -> list[Path]:
    from isomorph.report import best_of_both_worlds

    folder.mkdir(parents=True, exist_ok=True)
    files = [found.save(folder / "check.json"), found.save(folder / "check.csv")]
    try:
        return [*files, *best_of_both_worlds(found, folder)]
    except InputError as error:
        say(f"no plot: {error}")
        return files


def _names(sources: list[str]) -> list[str]:
    """Files without folder and suffix, where that tells them apart; published maps as they are called."""
    short = [Path(each).stem if Path(each).is_file() else each for each in sources]
    names = short if len(set(short)) == len(short) else sources
    if len(set(names)) < len(names):
        raise InputError(f"--transform names {next(each for each in names if names.count(each) > 1)!r} twice; leave one out.")
    return names
