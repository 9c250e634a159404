"""Which pictures judgments are about, and which of these nobody has met."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from isomorph.errors import IdError
from isomorph.judgments import Triplets

if TYPE_CHECKING:
    from isomorph.alignet._study_run import StudyRun
    from isomorph.stimuli import Stimuli

_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")


def called(objects: Sequence[str], ids: Iterable[str]) -> dict[str, str]:
    """Object → id of its picture: the same text, or the same file name (without folders and suffix) where one picture alone has it.

    Raises:
        IdError: Two objects are one picture.

    Example:
        >>> called(("n01_7.JPEG", "b", "c"), ("tench/n01_7", "x/b", "y/b"))
        {'n01_7.JPEG': 'tench/n01_7'}
    """
    of_name: dict[str, list[str]] = {}
    for each in ids:
        of_name.setdefault(bare(each), []).append(each)
    found = {}
    for each in objects:
        alike = of_name.get(bare(each), [])
        if each in alike or len(alike) == 1:
            found[each] = each if each in alike else alike[0]
    twice = len(found) - len(set(found.values()))
    if twice:
        names = list(found.values())
        raise IdError(f"{twice} of {len(objects)} objects are called like another's picture; one is {max(names, key=names.count)!r}.")
    return found


def bare(name: str) -> str:
    """A file's name without folders and without the suffix of a picture."""
    last = name.rpartition("/")[2]
    stem, dot, suffix = last.rpartition(".")
    return stem if f"{dot}{suffix}".lower() in _SUFFIXES else last


def about(triplets: Triplets, ids: Iterable[str]) -> Triplets | None:
    """The trials whose three pictures are among `ids`, by their ids; None without any."""
    name = called(triplets.objects, ids)
    kept = triplets.restrict([each for each in triplets.objects if each in name]) if len(name) > 2 else triplets.take(slice(0))
    if not len(kept):
        return None
    shown = kept.restrict([each for each, is_shown in zip(kept.objects, kept.shown, strict=True) if is_shown])
    return replace(shown, objects=tuple(name[each] for each in shown.objects))


def known_pictures(run: StudyRun) -> Stimuli:
    """What people may be asked about: held-out pictures, those of `evaluation.pictures`, and, where seen ones are kept, the training's."""
    from isomorph.alignet._evaluation_seen import met
    from isomorph.benchmarks import load_stimuli
    from isomorph.stimuli import joined

    part, own = run.study.evaluation, set(run.pictures.ids)
    sets = {"pictures": run.pictures if part.seen == "keep" else run.held_out}
    for each in part.pictures:
        more = load_stimuli(each)
        more = more.take([name for name in more.ids if name not in own])
        trained = met(run, more).trained if part.seen == "drop" else frozenset()
        if trained:
            run.notes.append(
                f"{len(trained):,} pictures of {Path(each).name} are pictures that the student learnt from; they are left out."
            )
        if len(trained) < len(more):
            sets[unused(Path(each).name, sets)] = more.take([name for name in more.ids if name not in trained])
    return joined(sets)


def unused(name: str, taken: Container[str]) -> str:
    """`name`, or with a number after it, where it is taken.

    Example:
        >>> unused("photos", {"photos", "photos 2"})
        'photos 3'
    """
    return name if name not in taken else next(each for at in count(2) if (each := f"{name} {at}") not in taken)
