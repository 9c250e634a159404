"""How well a linear probe reads a data set's labels from one model's features: one unit of a consistency study."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from isomorph._version import __version__
from isomorph.consistency._study_units import FeatureUnit, stored_features
from isomorph.profile import timing
from isomorph.spec import fingerprint, to_plain

if TYPE_CHECKING:
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
    again: Callable[[], FeatureUnit] | None = field(default=None, repr=False)
    """The unit of the features, should its rows be lost."""

    @property
    def label(self) -> str:
        """What progress shows."""
        return f"probe of {self.model} on {self.dataset}"

    @cached_property
    def spec(self) -> dict[str, Any]:
        """Everything the accuracy depends on."""
        return {
            "kind": "probe",
            "isomorph": __version__,
            "features": self.features,
            "labels": fingerprint(list(self.labels)),
            "probe": self.kind,
            "folds": self.folds if len(self.labels) <= self.most_for_folds else 1,
            "normalise": self.normalise,
            "seed": self.seed,
        }

    @cached_property
    def fingerprint(self) -> str:
        """The name of what it commits."""
        return fingerprint(self.spec)

    @timing("score")
    def run(self, store: Store) -> None:
        """Learn and test; commit the accuracy."""
        from isomorph.probes import Probe

        x, labels = stored_features(store, self.features, self.again).values, np.array(self.labels)
        probe = Probe(kind=self.kind, normalise="l2" if self.normalise else "none", seeds=(self.seed,), replicates=0)
        if len(labels) > self.most_for_folds:
            accuracy = probe.fit(x, labels, test=0.2).top1
        else:
            fold = stratified_folds(labels, self.folds, self.seed)
            parts = [(fold != each, fold == each) for each in range(self.folds)]
            right = [probe.fit(x[train], labels[train], test=(x[test], labels[test])).top1 * test.sum() for train, test in parts]
            accuracy = float(np.sum(right) / len(labels))
        with store.begin(self.fingerprint, to_plain(self.spec) | {"summary": self.label}) as writer:
            writer.commit({"accuracy": accuracy, "classes": len(set(self.labels)), "n": len(labels)})

    def read(self, store: Store) -> float:
        """The accuracy, as committed."""
        return float(store.open(self.fingerprint).meta["accuracy"])


def stratified_folds(labels: npt.NDArray[Any], folds: int, seed: int) -> npt.NDArray[np.intp]:
    """The fold of each stimulus; every class is spread over all folds."""
    rng = np.random.default_rng(seed)
    fold = np.empty(len(labels), dtype=np.intp)
    for place, each in enumerate(np.unique(labels)):
        rows = rng.permutation(np.flatnonzero(labels == each))
        fold[rows] = (np.arange(len(rows)) + place) % folds
    return fold
