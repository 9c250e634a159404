"""Category 8: test pictures, cropped or corrupted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.benchmarks._visalign_labels import read_labels
from isomorph.benchmarks._visalign_set import STAND_IN
from isomorph.errors import InputError
from isomorph.visalign._set_writer import encoded, plain_stem

if TYPE_CHECKING:
    from isomorph.stimuli import Stimuli
    from isomorph.visalign._set_part import SetPart
    from isomorph.visalign._set_writer import SetWriter

SIDE_PIXELS, QUALITY = 256, 85


def uncertain_picture(pixels: Any, corruption: str, severity: int, *, seed: int) -> Any:
    """A picture of category 8 before it is encoded: 256 × 256 whatever the proportions, then one corruption; or a crop of the original.

    Args:
        pixels: uint8 `[height, width, 3]`.
        corruption: A key of `isomorph.stimuli.CORRUPTIONS`.
        severity: 1 … 10.
        seed: Of the noise.
    """
    from PIL import Image

    from isomorph.stimuli import corrupt

    if corruption != "crop":
        pixels = np.asarray(Image.fromarray(pixels).resize((SIDE_PIXELS, SIDE_PIXELS), Image.Resampling.BICUBIC))
    return corrupt(pixels, corruption, severity, seed=seed)


def write_uncertain(writer: SetWriter, part: SetPart, tests: Mapping[str, Stimuli], rng: np.random.Generator) -> list[str]:
    """Write category 8 and return the notes on its labels."""
    from isomorph.stimuli import CORRUPTIONS

    trials = list(_trials(part, tests, rng))
    if part.uncertain is not None and part.uncertain < len(trials):
        trials = [trials[at] for at in sorted(rng.permutation(len(trials))[: part.uncertain])]
    named = {}
    for name, row, corruption, severity in trials:
        last = int(CORRUPTIONS[corruption].parameters[severity - 1][0]) if corruption == "crop" else severity
        file = f"{plain_stem(tests[name].ids[row])}-{name}-{corruption}-{last}.jpg"
        if file in named:
            raise InputError(f"two pictures of category 8 would be called {file!r}; give the pictures of {name!r} different stems.")
        named[file] = (name, row, corruption, severity)
    votes = None if part.votes is None else read_labels(part.votes, (*writer.classes, "abstain"), tuple(named))
    for at, (file, (name, row, corruption, severity)) in enumerate(named.items()):
        pixels = uncertain_picture(tests[name][row], corruption, severity, seed=part.seed)
        told = None if votes is None else votes.probabilities if votes.counts is None else votes.counts
        label = _line(writer.classes, name, severity) if told is None else told[at].tolist()
        writer.test("8", file, encoded(pixels, "JPEG", quality=QUALITY), label, severity=severity)
    return [STAND_IN] if trials and votes is None else []


def _trials(part: SetPart, tests: Mapping[str, Stimuli], rng: np.random.Generator) -> Iterator[tuple[str, int, str, int]]:
    """Class, picture, corruption, severity: within a class and corruption no picture twice, as far as there are enough."""
    for name, stimuli in tests.items():
        for corruption in part.corruptions:
            order = rng.permutation(len(stimuli))
            for at, severity in enumerate(part.severities):
                yield name, int(order[at % len(order)]), corruption.replace("-", "_"), severity


def _line(classes: tuple[str, ...], name: str, severity: int) -> list[float]:
    share = severity / 10
    return [(1 - share) * (each == name) for each in classes] + [share]
