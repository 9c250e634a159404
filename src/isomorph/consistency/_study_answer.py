"""The last stage of a consistency study: one grouping of the models by one measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from isomorph._version import __version__
from isomorph.consistency._result import ConsistencyResult
from isomorph.consistency._study_check import chosen_anchors
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
        """Draw, permute, commit the tables."""
        from isomorph.results._encoding_packed import packed_table

        result = self._result()
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

    def _result(self) -> ConsistencyResult:
        ask, similarities = self.study.question, self.similarities.take(measures=[self.measure])
        if self.grouping == SETS:
            sets = self.study.sets
            return ask(similarities, pairs=[(a, b) for at, a in enumerate(sets) for b in sets[at:]])
        if self.grouping == ANCHORS:
            return ask.anchors(similarities, chosen_anchors(self.study, similarities.models), by=self.study.by[0])
        return ask(similarities, by=groupings(self.study)[self.grouping])


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
