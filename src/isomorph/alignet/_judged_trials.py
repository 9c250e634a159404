"""Odd-one-out trials of a benchmark's people, from their dissimilarities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isomorph.errors import InputError
from isomorph.geometry import RDM
from isomorph.judgments import Triplets, triplets_from_similarities

if TYPE_CHECKING:
    from isomorph.arrays import FloatArray
    from isomorph.benchmarks import GeometryMatch
    from isomorph.benchmarks._target import Target


def judged_triplets(benchmark: GeometryMatch, ids: list[str], trials: int, seed: int) -> Triplets:
    """Odd-one-out trials that follow the dissimilarities of one person each, in turn: where people differ, the trials do."""
    target = _behaviour(benchmark)
    persons = [_rdm(benchmark, each).take(ids) for each in target.rdms.mean(axis=1)]
    each = -(-trials // len(persons))
    answers = [triplets_from_similarities(person, trials=each, seed=seed * len(persons) + at) for at, person in enumerate(persons)]
    items = np.concatenate([one.items for one in answers])[:trials]
    participants = tuple(name for name, one in zip(target.subjects, answers, strict=True) for _ in one.items)[:trials]
    return Triplets(items=items, objects=answers[0].objects, participants=participants, source=f"{benchmark.name}, {target.name}")


def people(benchmark: GeometryMatch) -> RDM:
    """People's mean dissimilarities."""
    return _rdm(benchmark, _behaviour(benchmark).mean)


def _behaviour(benchmark: GeometryMatch) -> Target:
    targets: list[Target] = [each for each in benchmark.targets if each.kind == "behaviour"]
    if not targets:
        held = ", ".join(each.name for each in benchmark.targets)
        raise InputError(f"the benchmark {benchmark.name!r} holds nobody's judgments; it has {held}.")
    return targets[0]


def _rdm(benchmark: GeometryMatch, values: FloatArray) -> RDM:
    return RDM(values=values, ids=benchmark.stimuli.ids, distance="judged", subject=benchmark.name)
