"""What a probe found, and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.inference import Score
from isomorph.probes._accuracy import intervals, summarise


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One fit of the search for hyper-parameters, and how well it did on what was held out.

    Attributes:
        options: The hyper-parameters: `learning_rate` and `weight_decay`, `alpha`, or `C`.
        accuracy: Top-1 accuracy on the validation part (ridge: leaving each training stimulus out in turn).
        loss: Cross-entropy on it (ridge: mean squared error).
        seed: The seed of the fit and of its split; None for ridge, which has none.
    """

    options: Mapping[str, float]
    accuracy: float
    loss: float
    seed: int | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbeResult:
    """How well labels can be read from features by a linear map.

    Accuracies and `ece` are means over `seeds`; `per_seed` has each.

    Attributes:
        kind: `"adamw"`, `"ridge"` or `"logistic"`.
        top1: Share of test stimuli whose class has the highest score.
        top5: Share whose class is among the five highest; None with at most five classes.
        balanced_accuracy: Mean over the classes of the test set of the share that is right.
        ece: Expected calibration error, 15 bins; None for ridge, whose scores are no probabilities.
        intervals: Bootstrap intervals over test stimuli (low, high) of `top1`, `top5`, `balanced_accuracy`. They hold for these fits:
            the training set is taken as given, the spread between seeds is in `per_seed`.
        level: The intervals' coverage.
        per_seed: The figures of each seed.
        chosen: The hyper-parameters of each seed.
        seeds: The seeds; empty for ridge.
        curve: All fits of the search.
        classes: The classes, in the order of their numbers in `predictions`.
        predictions: The predicted class of each test stimulus, `[seed, stimulus]`.
        labels: The true class of each test stimulus, `[stimulus]`.
        test_ids: The test stimuli, where the features had ids.
        n_train: How many stimuli it learned from.
        n_test: How many it was tested on.
        notes: What a reader must know: a search that ended at the edge of its grid, a fit that did not converge.
    """

    kind: str
    top1: float
    top5: float | None
    balanced_accuracy: float
    ece: float | None
    intervals: Mapping[str, tuple[float, float]]
    level: float
    replicates: int
    per_seed: tuple[Mapping[str, Any], ...]
    chosen: tuple[Mapping[str, float], ...]
    seeds: tuple[int, ...]
    curve: tuple[Trial, ...]
    classes: tuple[str, ...]
    predictions: IntArray = field(repr=False)
    labels: IntArray = field(repr=False)
    test_ids: tuple[str, ...] | None = field(repr=False)
    n_train: int
    n_test: int
    notes: tuple[str, ...] = ()

    @property
    def score(self) -> Score:
        """Top-1 accuracy with its interval."""
        low, high = self.intervals.get("top1", (None, None))
        options: dict[str, Any] = {"level": self.level, "replicates": self.replicates}
        return Score(value=self.top1, low=low, high=high, n=self.n_test, measure=f"{self.kind} probe", **options)

    def __str__(self) -> str:
        return f"{self.kind} probe: top-1 {self.score} test stimuli, {len(self.classes)} classes"

    def __repr__(self) -> str:
        return f"ProbeResult({self})"

    def to_plain(self) -> dict[str, Any]:
        """The result as plain data: everything but the predictions of single stimuli."""
        figures = {name: getattr(self, name) for name in ("kind", "top1", "top5", "balanced_accuracy", "ece", "level", "replicates")}
        ends = {name: list(ends) for name, ends in self.intervals.items()}
        counts = {"classes": len(self.classes), "n_train": self.n_train, "n_test": self.n_test}
        trials = [{"seed": each.seed, **each.options, "accuracy": each.accuracy, "loss": each.loss} for each in self.curve]
        seeds = {
            "seeds": list(self.seeds),
            "per_seed": [dict(each) for each in self.per_seed],
            "chosen": [dict(each) for each in self.chosen],
        }
        return {**figures, "intervals": ends, **counts, **seeds, "curve": trials, "notes": list(self.notes)}


def probe_result(
    scores: FloatArray, y: IntArray, *, probabilities: bool, replicates: int, bootstrap_seed: int, level: float, **facts: Any
) -> ProbeResult:
    """Put a result together from the scores `[seed, stimulus, class]` of the test stimuli, whose classes are `y`."""
    each = [summarise(one, y, probabilities=probabilities) for one in scores]
    hits = {name: np.mean([of[name] for _, of in each], axis=0) for name in each[0][1]}
    means: dict[str, Any] = {
        name: None if value is None else float(np.mean([figures[name] for figures, _ in each])) for name, value in each[0][0].items()
    }
    return ProbeResult(
        **means,
        intervals=intervals(hits, y, replicates=replicates, seed=bootstrap_seed, level=level),
        level=level,
        replicates=replicates,
        per_seed=tuple(figures for figures, _ in each),
        predictions=scores.argmax(axis=2),
        labels=y,
        n_test=len(y),
        **facts,
    )
