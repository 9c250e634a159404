"""How well a linear probe reads a data set's labels from one model's features: in one unit, or in ranges of its folds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from isomorph._version import __version__
from isomorph.consistency._study_units import FeatureUnit, stored_features
from isomorph.engine import Part
from isomorph.errors import StoreError
from isomorph.profile import timing
from isomorph.spec import fingerprint, to_plain

if TYPE_CHECKING:
    from isomorph.probes import Probe
    from isomorph.store import Store


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbeUnit:
    """How well a linear probe reads a data set's labels from one model's features.

    Up to 2,000 stimuli: the accuracy over five stratified folds. More: on a fifth of each class that is held out.
    """

    folds: ClassVar[int] = 5
    most_for_folds: ClassVar[int] = 2000

    model: str
    dataset: str
    features: str
    labels: Sequence[str]
    kind: Literal["ridge", "logistic", "adamw"] = "ridge"
    normalise: bool = True
    seed: int = 0
    ranges: int = 1
    """Among how many units the folds were shared out."""
    again: Callable[[], FeatureUnit] | None = field(default=None, repr=False)
    """The unit of the features, should its rows be lost."""

    @property
    def label(self) -> str:
        """What progress shows."""
        return probe_label(self.model, self.dataset)

    @cached_property
    def spec(self) -> dict[str, Any]:
        """Everything the accuracy depends on."""
        return {
            "kind": "probe",
            "isomorph": __version__,
            "features": self.features,
            "labels": fingerprint(list(self.labels)),
            "probe": self.kind,
            "folds": self.folds if self.folded else 1,
            "normalise": self.normalise,
            "seed": self.seed,
        }

    @cached_property
    def fingerprint(self) -> str:
        """The name of what it commits."""
        return fingerprint(self.spec)

    @property
    def folded(self) -> bool:
        """Whether every stimulus is tested once; of more stimuli there is one test set."""
        return len(self.labels) <= self.most_for_folds

    @timing("score")
    def run(self, store: Store) -> None:
        """Learn and test what no range has done; commit the accuracy."""
        if self.folded:
            right = {fold: count for each in self.pieces() for fold, count in each.read(store).items()}
            right |= self.right(store, [fold for fold in range(self.folds) if fold not in right])
            accuracy = float(np.sum([right[fold] for fold in range(self.folds)]) / len(self.labels))
        else:
            x = stored_features(store, self.features, self.again).values
            accuracy = self._probe.fit(x, np.array(self.labels), test=0.2).top1
        with store.begin(self.fingerprint, to_plain(self.spec) | {"summary": self.label}) as writer:
            writer.commit({"accuracy": accuracy, "classes": len(set(self.labels)), "n": len(self.labels)})

    def pieces(self) -> list[ProbeFolds]:
        """The ranges of its folds; none without ranges, and of a probe with one test set, whose fits depend on each other."""
        parts = probe_parts(len(self.labels), self.ranges)
        return [ProbeFolds(probe=self, part=each) for each in parts]

    def right(self, store: Store, folds: Sequence[int]) -> dict[int, float]:
        """Fold → how many of its stimuli a probe gets right that learned from the others."""
        if not folds:
            return {}
        x, labels = stored_features(store, self.features, self.again).values, np.array(self.labels)
        fold = stratified_folds(labels, self.folds, self.seed)
        parts = {each: (fold != each, fold == each) for each in folds}
        return {
            each: float(self._probe.fit(x[train], labels[train], test=(x[test], labels[test])).top1 * test.sum())
            for each, (train, test) in parts.items()
        }

    @property
    def _probe(self) -> Probe:
        from isomorph.probes import Probe

        return Probe(kind=self.kind, normalise="l2" if self.normalise else "none", seeds=(self.seed,), replicates=0)

    def read(self, store: Store) -> float:
        """The accuracy, as committed."""
        return float(store.open(self.fingerprint).meta["accuracy"])


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbeFolds:
    """Some folds of a probe; it commits how many stimuli of each are right."""

    probe: ProbeUnit
    part: Part

    @property
    def label(self) -> str:
        """What progress shows."""
        return folds_label(self.probe.label, self.part)

    @cached_property
    def spec(self) -> dict[str, Any]:
        """Everything the counts depend on."""
        return {**self.probe.spec, "kind": "folds of a probe", "part": str(self.part)}

    @cached_property
    def fingerprint(self) -> str:
        """The name of the counts."""
        return fingerprint(self.spec)

    @timing("score")
    def run(self, store: Store) -> None:
        """Learn and test these folds, unless the probe is finished; commit the counts."""
        right = {} if self.probe.fingerprint in store else self.probe.right(store, self.part.of(range(self.probe.folds)))
        with store.begin(self.fingerprint, to_plain(self.spec) | {"summary": self.label}) as writer:
            writer.commit({"right": [[fold, count] for fold, count in right.items()]})

    def read(self, store: Store) -> dict[int, float]:
        """Fold → the count, as committed; nothing where it is not there, or damaged, or was not wanted."""
        if self.fingerprint in store:
            with suppress(StoreError):
                return dict(store.open(self.fingerprint).meta["right"])
        return {}


def probe_label(model: str, dataset: str) -> str:
    """What progress shows of a probe."""
    return f"probe of {model} on {dataset}"


def folds_label(probe: str, part: Part) -> str:
    """What progress shows of some of its folds."""
    return f"folds {part} of the {probe}"


def probe_parts(stimuli: int, ranges: int) -> list[Part]:
    """How the folds of a probe of so many stimuli are shared out: of more ranges than folds no more than folds."""
    total = min(ranges, ProbeUnit.folds)
    return [Part(number, total) for number in range(1, total + 1)] if total > 1 and stimuli <= ProbeUnit.most_for_folds else []


def stratified_folds(labels: npt.NDArray[Any], folds: int, seed: int) -> npt.NDArray[np.intp]:
    """The fold of each stimulus; every class is spread over all folds."""
    rng = np.random.default_rng(seed)
    fold = np.empty(len(labels), dtype=np.intp)
    for place, each in enumerate(np.unique(labels)):
        rows = rng.permutation(np.flatnonzero(labels == each))
        fold[rows] = (np.arange(len(rows)) + place) % folds
    return fold
