"""Builds a data set from the user's pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph import spec
from isomorph.benchmarks._visalign_set import ABSTAIN, FACTS, VisalignSet, open_set
from isomorph.errors import InputError
from isomorph.visalign._attacked import write_attacked
from isomorph.visalign._set_part import Pictures, SetPart
from isomorph.visalign._set_writer import SetWriter, as_jpeg, new_folder, plain_stem
from isomorph.visalign._uncertain import write_uncertain

if TYPE_CHECKING:
    from isomorph.engine import Progress
    from isomorph.stimuli import Stimuli

FIRST = 11  # VisAlign's first test picture of a class is `<class>11.jpg`


def build_set(part: SetPart, folder: Path | str, *, progress: Progress | None = None) -> VisalignSet:
    """Build a data set in VisAlign's layout, and read it; a folder that holds this very set is only read.

    Categories without a source are left out and named in `missing`. Training, validation and test pictures of a class are different ones.

    Args:
        part: What from.
        folder: Where to; it is there whole or not at all.
        progress: Where progress is shown.

    Raises:
        InputError: A class has too few pictures, or the folder holds another set.
        FetchError: A named set can be had neither from mirror, cache nor network.
    """
    from isomorph.engine import Progress

    folder = Path(folder)
    sources = {name: each.load() for name, each in part.classes.items()}
    asked = spec.fingerprint([part, {name: each.digest for name, each in sources.items()}])
    if folder.exists():
        _check_same(folder, asked)
        return open_set(folder)
    rng = np.random.default_rng(part.seed)
    shares = {name: _divided(name, each, part, rng) for name, each in sources.items()}
    tests = {name: each["test"] for name, each in shares.items()}
    with new_folder(folder) as temporary, (progress or Progress(quiet=True)).task("build", 8, unit="categories") as task:
        writer = SetWriter(temporary, tuple(part.classes))
        for name, each in shares.items():
            writer.learn("final_train", name, each["train"])
            writer.learn("final_eval", name, each["validation"])
            for row in range(len(each["test"])):
                writer.test("1", f"{name}{FIRST + row}.jpg", as_jpeg(each["test"], row), name)
        task.advance()
        _write_implausible(writer, part, rng)
        task.advance()
        if part.attack is not None:
            write_attacked(writer, part.attack, tests)
        task.advance()
        for category in ("4", "5", "6", "7"):
            if category in part.abstain:
                _write_abstain(writer, category, part.abstain[category], rng)
            task.advance()
        notes = write_uncertain(writer, part, tests, rng)
        task.advance()
        writer.finish({"asked": asked, "missing": part.missing, "notes": notes, "seed": part.seed})
    return open_set(folder)


def _check_same(folder: Path, asked: str) -> None:
    try:
        held = json.loads((folder / FACTS).read_text(encoding="utf-8"))["asked"]
    except (OSError, ValueError, KeyError, TypeError):
        held = None
    if held != asked:
        raise InputError(
            f"{folder} holds {'another data set' if held else 'something else than a data set of ours'}. Pass another folder, or move "
            "that one away."
        )


def _divided(name: str, stimuli: Stimuli, part: SetPart, rng: np.random.Generator) -> dict[str, Stimuli]:
    ids = list(stimuli.ids)
    most = part.classes[name].most
    order = [ids[at] for at in rng.permutation(len(ids))][: most or None]
    rest = part.test + part.validation
    train = part.train or len(order) - rest
    if train < 1 or len(order) < rest + train:
        raise InputError(
            f"the class {name!r} has {len(order)} pictures; {max(train, 1)} to learn from, {part.validation} to validate and {part.test} "
            f"to test make {rest + max(train, 1)}. Lower train, validation or test, or add pictures."
        )
    return {
        "test": stimuli.take(order[: part.test]),
        "validation": stimuli.take(order[part.test : rest]),
        "train": stimuli.take(order[rest : rest + train]),
    }


def _drawn(pictures: Pictures, rng: np.random.Generator) -> Stimuli:
    stimuli = pictures.load()
    if pictures.most is None or pictures.most >= len(stimuli):
        return stimuli
    return stimuli.take([stimuli.ids[at] for at in sorted(rng.permutation(len(stimuli))[: pictures.most])])


def _write_implausible(writer: SetWriter, part: SetPart, rng: np.random.Generator) -> None:
    for name, pictures in part.implausible.items():
        stimuli = _drawn(pictures, rng)
        for row, each in enumerate(stimuli.ids):
            writer.test("2", f"{name}, {plain_stem(each)}.jpg", as_jpeg(stimuli, row), name)


def _write_abstain(writer: SetWriter, category: str, pictures: Pictures, rng: np.random.Generator) -> None:
    stimuli: Any = _drawn(pictures, rng)
    for row, each in enumerate(stimuli.ids):
        writer.test(category, f"c{category}_{row:03d}_{plain_stem(each)}.jpg", as_jpeg(stimuli, row), ABSTAIN)
