"""The last stages of a consistency study: one grouping of the models by one measure, and ranges of its draws before."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph._version import __version__
from isomorph.arrays import FloatArray
from isomorph.consistency._blocks import Making, Taking, shared
from isomorph.consistency._result import ConsistencyResult
from isomorph.consistency._study_check import chosen_anchors
from isomorph.engine import Part
from isomorph.errors import StoreError
from isomorph.profile import timing
from isomorph.spec import fingerprint, to_plain

if TYPE_CHECKING:
    from isomorph.consistency._similarities import Similarities
    from isomorph.consistency._study import Study
    from isomorph.store import Store

ALL, SETS, ANCHORS = "all", "sets", "anchors"
_TABLES = ("pairs", "summary", "gap")


def groupings(study: Study) -> dict[str, str | None]:
    """What a result is called → the column that groups the models; None: rules of the study's own, or all models."""
    found: dict[str, str | None] = {column: column for column in study.by} or {ALL: None}
    return found | ({SETS: None} if study.sets else {}) | ({ANCHORS: study.by[0]} if study.anchors else {})


@dataclass(frozen=True, kw_only=True, eq=False)
class AnswerUnit:
    """The consistency of one grouping's sets by one measure: chance is seeded by names, so that each measure stands alone."""

    study: Study
    grouping: str
    measure: str
    inputs: Sequence[Any]
    """What the similarities were made from."""
    similarities: Similarities = field(repr=False)
    ranges: int = 1
    """Among how many units the draws were shared out."""

    @property
    def label(self) -> str:
        """What progress shows."""
        return answer_label(self.grouping, self.measure)

    @cached_property
    def spec(self) -> dict[str, Any]:
        """Everything the result depends on."""
        return {
            "kind": "consistency",
            "isomorph": __version__,
            "inputs": list(self.inputs),
            "question": to_plain(self.study.question),
            "grouping": [self.grouping, groupings(self.study)[self.grouping]],
            "sets": to_plain(self.study.sets) if self.grouping == SETS else [],
            "anchors": list(self.study.anchors) if self.grouping == ANCHORS else [],
            "measure": self.measure,
        }

    @cached_property
    def fingerprint(self) -> str:
        """The name of what it commits."""
        return fingerprint(self.spec)

    @timing("score")
    def run(self, store: Store) -> None:
        """Draw and permute what no range has done, commit the tables."""
        from isomorph.results._encoding_packed import packed_table

        with shared(Taking(self.ranges, {each.part.number: made for each in self.draws() if (made := each.read(store)) is not None})):
            result = self.result()
        tables = {name: packed_table(each) for name in _TABLES if (each := getattr(result, name)) is not None}
        with store.begin(self.fingerprint, to_plain(self.spec) | {"summary": self.label}) as writer:
            for name, (tensors, _) in tables.items():
                writer.put(name, tensors)
            writer.commit({"tables": {name: plain for name, (_, plain) in tables.items()}, "options": result.options})

    def read(self, store: Store) -> ConsistencyResult:
        """The result, as committed."""
        from isomorph.results._encoding_packed import unpacked_table

        stored = store.open(self.fingerprint)
        tables: dict[str, Any] = dict.fromkeys(_TABLES)
        for name, plain in stored.meta["tables"].items():
            tables[name] = unpacked_table({key: stored.read(name, key) for key in stored.keys(name)}, plain)
        return ConsistencyResult(options=dict(stored.meta["options"]), **tables)

    def draws(self) -> list[DrawsUnit]:
        """The ranges of its draws; none without ranges."""
        return [DrawsUnit(answer=self, part=Part(number, self.ranges)) for number in range(1, self.ranges + 1) if self.ranges > 1]

    def result(self) -> ConsistencyResult:
        """The answer."""
        ask, similarities = self.study.question, self.similarities.take(measures=[self.measure])
        if self.grouping == SETS:
            sets = self.study.sets
            return ask(similarities, pairs=[(a, b) for at, a in enumerate(sets) for b in sets[at:]])
        if self.grouping == ANCHORS:
            return ask.anchors(similarities, chosen_anchors(self.study, similarities.models), by=self.study.by[0])
        return ask(similarities, by=groupings(self.study)[self.grouping])


@dataclass(frozen=True, kw_only=True, eq=False)
class DrawsUnit:
    """A range of the bootstrap replicates and permutations behind an answer; it commits them."""

    answer: AnswerUnit
    part: Part

    @property
    def label(self) -> str:
        """What progress shows."""
        return draws_label(self.answer.label, self.part)

    @cached_property
    def spec(self) -> dict[str, Any]:
        """Everything the draws depend on."""
        return {**self.answer.spec, "kind": "draws of a consistency", "part": str(self.part)}

    @cached_property
    def fingerprint(self) -> str:
        """The name of the draws."""
        return fingerprint(self.spec)

    @timing("score")
    def run(self, store: Store) -> None:
        """Go through the analysis with this range of its draws, unless the answer is finished, and commit them."""
        making = Making(self.part)
        if self.answer.fingerprint not in store:
            with shared(making), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the answer says it
                self.answer.result()
        tensors = {f"{call:06d}": rows for call, rows in enumerate(making.made) if len(rows)}
        with store.begin(self.fingerprint, to_plain(self.spec) | {"summary": self.label}) as writer:
            if tensors:
                writer.put("draws", tensors)
            writer.commit({"calls": len(making.made)})

    def read(self, store: Store) -> dict[int, FloatArray] | None:
        """What was committed, by the number of the call; None where it is gone or damaged, or was not wanted."""
        if self.fingerprint in store:
            with suppress(StoreError):
                stored = store.open(self.fingerprint)
                if stored.meta["calls"]:
                    return {int(call): np.array(stored.read(shard, call)) for shard in stored.shards for call in stored.keys(shard)}
        return None


def draws_label(answer: str, part: Part) -> str:
    """What progress shows."""
    return f"draws {part} of {answer}"


def answer_label(grouping: str, measure: str) -> str:
    """What progress shows."""
    return f"consistency by {grouping}, {measure}" if grouping != ALL else f"consistency, {measure}"


def joined_results(results: Sequence[ConsistencyResult]) -> ConsistencyResult:
    """One grouping's results, measure after measure."""
    import pandas

    first = results[0]
    tables = {
        name: pandas.concat(several, ignore_index=True)
        for name in _TABLES
        if (several := [table for each in results if (table := getattr(each, name)) is not None])
    }
    notes = list(dict.fromkeys(note for each in results for note in each.options["notes"]))
    return replace(first, options=first.options | {"notes": notes}, **tables)
