"""Replicates of one model on one benchmark, shared out in ranges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.engine import Part, ReceiptUnit
from isomorph.errors import StoreError
from isomorph.profile import timed
from isomorph.spec import fingerprint

if TYPE_CHECKING:
    from isomorph.benchmarks._geometry_match import Inference
    from isomorph.geometry import RDM
    from isomorph.inference import Replicates
    from isomorph.models import Extraction
    from isomorph.results._fragment import Evaluation
    from isomorph.store import Store, StoredObject

_PRODUCTS_SHARE = 1 / 50


def replicate_work(*, stimuli: int, targets: int, comparisons: Sequence[str], inference: Inference) -> float:
    """How much replicates and permutations cost, in replicates of ranks times pairs of stimuli, over all targets.

    Permutations but those of Kendall's τ, and replicates of correlations and cosines, are products of matrices and count a fiftieth.
    """
    from isomorph.inference._comparison import KENDALL

    ranked = ("spearman", "rho-a", *KENDALL)
    work = sum(
        inference.replicates * (1 if each in ranked else _PRODUCTS_SHARE)
        + inference.permutations * (1 if each in KENDALL else _PRODUCTS_SHARE)
        for each in comparisons
    )
    return comb(stimuli, 2) * targets * work


@dataclass(frozen=True, kw_only=True, eq=False)
class ReplicateRange:
    """A part of the replicates and permutations of an evaluation as a unit of work; it commits them for the evaluation to gather."""

    evaluation: Evaluation
    part: Part

    @property
    def label(self) -> str:
        """What progress shows."""
        return f"replicates {self.part} of {self.evaluation.label}"

    @cached_property
    def spec(self) -> dict[str, Any]:
        """What decides them."""
        return {"kind": "replicates", "evaluation": self.evaluation.fingerprint, "part": str(self.part)}

    @cached_property
    def fingerprint(self) -> str:
        """The name of this part."""
        return fingerprint(self.spec)

    def run(self, store: Store) -> None:
        """Read the layers, of which an extraction that is lost is made again, compute and commit; nothing if the evaluation is finished."""
        if self.evaluation.fingerprint in store:
            self._commit([], store)
            return
        layers = _layers(self.evaluation, store)
        with timed("score"):
            self.put(self.evaluation.geometry(layers)[0], store)

    def put(self, rdms: Mapping[str, RDM], store: Store) -> list[Replicates]:
        """Compute, commit and give them."""
        evaluation, part = self.evaluation, (self.part.number, self.part.total)
        found = evaluation.asked.replicates(rdms, inference=evaluation.inference, part=part)
        self._commit(found, store)
        return found

    def _commit(self, found: Sequence[Replicates], store: Store) -> None:
        kept = {f"{turn}.{name}": array for turn, each in enumerate(found) for name, array in vars(each).items() if array is not None}
        with store.begin(self.fingerprint, self.spec | {"summary": self.label}) as writer:
            if kept:
                writer.put("replicates", kept)
            writer.commit({"calls": len(found)})


def gathered(evaluation: Evaluation, rdms: Mapping[str, RDM], store: Store) -> list[list[Replicates]]:
    """What all parts found, of which those that are missing or damaged, or were not wanted, are computed here; nothing without parts."""
    result = []
    for unit in replicate_ranges(evaluation):
        found: list[Replicates] = []
        if unit.fingerprint in store:
            with suppress(StoreError):
                found = _read(store.open(unit.fingerprint))
        result.append(found or unit.put(rdms, store))
    return result


def replicate_ranges(evaluation: Evaluation) -> list[ReplicateRange]:
    """The units of an evaluation, or none where its replicates are too few to be shared out."""
    asked, total = evaluation.asked, evaluation.ranges
    work = replicate_work(
        stimuli=len(asked.stimuli), targets=len(asked.targets), comparisons=asked.comparisons, inference=evaluation.inference
    )
    if total == 1 or work < evaluation.split_from:
        return []
    return [ReplicateRange(evaluation=evaluation, part=Part(number, total)) for number in range(1, total + 1)]


def kept_layers(evaluation: Evaluation, store: Store) -> ReceiptUnit:
    """The unit that makes the extraction which all ranges read."""
    return ReceiptUnit(
        label=f"layers of {evaluation.label}",
        inputs={"kind": "layers of an evaluation", "extraction": _extraction_name(evaluation)},
        work=lambda: {"extraction": evaluation.extraction(store).fingerprint},
    )


def _layers(evaluation: Evaluation, store: Store) -> Extraction:
    """The extraction, for which no model is loaded where the store has it."""
    from isomorph.models._stored_extraction import stored_extraction

    name = _extraction_name(evaluation)
    if name in store:
        with suppress(StoreError):
            return stored_extraction(store, name)
    return evaluation.extraction(store)


def _extraction_name(evaluation: Evaluation) -> str:
    from isomorph.models._plan_request import Request

    return fingerprint(Request.checked(**evaluation.options).spec(model=evaluation.model, stimuli=evaluation.benchmark.stimuli))


def _read(stored: StoredObject) -> list[Replicates]:
    from isomorph.inference import Replicates

    keys = stored.keys("replicates") if "replicates" in stored.shards else ()
    kept = {key: np.array(stored.read("replicates", key)) for key in keys}
    return [Replicates(**{name: kept.get(f"{turn}.{name}") for name in ("draws", "null")}) for turn in range(stored.meta["calls"])]
