"""What a score against judgments says, and what it was computed with."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import InputError, ShapeError
from isomorph.inference import Score
from isomorph.judgments._calibration import Calibration, calibration
from isomorph.judgments._rank_correlation import rank_correlation
from isomorph.judgments._softmax import log_softmax

_PLAIN = (
    "accuracy", "nll", "low", "high", "n", "ties", "tied", "chance", "nll_low", "nll_high", "ece", "mean_entropy", "similarity",
    "temperature", "task", "resample", "replicates", "level", "seed", "order",
)  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class TripletScore:
    """Accuracy and likelihood of judgments under a model's similarities.

    Attributes:
        accuracy: The share of trials (or of people) whose choice the model makes, 0 … 1; `chance` for unrelated features.
        nll: The mean negative log probability of the people's choice, nats; ln 3 for a model that knows nothing.
        low: Lower end of the interval of `accuracy`; None without a bootstrap.
        high: Upper end.
        nll_low: Lower end of the interval of `nll`.
        nll_high: Upper end.
        n: Trials.
        ties: The policy for trials whose largest similarity is shared.
        tied: How many trials that were.
        similarity: Which similarity, with its centring.
        temperature: What the similarities were divided by in the softmax.
        resample: What the bootstrap drew.
        replicates: How often.
        level: The intervals' coverage.
        seed: The bootstrap's seed.
        task: `"odd-one-out"` or `"two-alternative"`.
        subject: Whose similarities they are.
        layer: Where they were read.
        order: The hash of the judgments' objects in their order.
        credit: `[trial]`: 1 right, 0 wrong, between for ties and soft choices.
        trial_nll: `[trial]`, nats.
        similarities: `[trial, 3]`, pairs 01, 02, 12.
        posterior: `[trial, 3]`: the model's probability of each pair; 0 for one that was not asked about.
        soft: `[trial, 3]`: the people's, where known.
    """

    accuracy: float
    nll: float
    low: float | None
    high: float | None
    nll_low: float | None
    nll_high: float | None
    n: int
    ties: str
    tied: int
    similarity: str
    temperature: float
    resample: str
    replicates: int
    level: float
    seed: int
    task: str
    subject: str
    layer: str
    order: str
    credit: FloatArray = field(repr=False)
    trial_nll: FloatArray = field(repr=False)
    similarities: FloatArray = field(repr=False)
    posterior: FloatArray = field(repr=False)
    soft: FloatArray | None = field(repr=False)

    def __str__(self) -> str:
        interval = "" if self.low is None or self.high is None else f" [{self.low:.3f}, {self.high:.3f}]"
        return (
            f"accuracy {self.accuracy:.3f}{interval}, NLL {self.nll:.3f}, n={self.n:,}, {self.similarity}, ties {self.ties} ({self.tied:,})"
        )

    @property
    def chance(self) -> float:
        """The accuracy of a guess: 1/3, or 1/2 of two alternatives."""
        return 1 / 2 if self.task == "two-alternative" else 1 / 3

    @property
    def score(self) -> Score:
        """The accuracy as every other score of Isomorph is."""
        return Score(
            value=self.accuracy, low=self.low, high=self.high, n=self.n, measure="odd-one-out", level=self.level, seed=self.seed,
            replicates=self.replicates,
        )  # fmt: skip

    @cached_property
    def entropy(self) -> FloatArray:
        """`[trial]`: how unsure the model is, nats: 0 … ln 3."""
        logs = np.log(self.posterior, out=np.zeros_like(self.posterior), where=self.posterior > 0)
        return np.asarray(-(self.posterior * logs).sum(axis=1))

    @property
    def mean_entropy(self) -> float:
        """The mean of `entropy`."""
        return float(self.entropy.mean())

    def calibration(self, bins: int = 15) -> Calibration:
        """Confidence in the chosen pair against how often it was the people's."""
        return calibration(self.posterior.max(axis=1), self.credit, bins=bins)

    @property
    def ece(self) -> float:
        """The expected calibration error over 15 bins."""
        return self.calibration().ece

    def best_temperature(self) -> tuple[float, float]:
        """The temperature that makes these trials most likely, and the NLL there.

        It was chosen on the data that it is scored on (one number, so the optimism is about 1/(2n) nats); choose it on other trials for
        a fair comparison.
        """
        from scipy.optimize import minimize_scalar

        pairs = 2 if self.task == "two-alternative" else 3
        values = np.ascontiguousarray(self.similarities.T[:pairs], dtype=np.float64)
        spread = float(np.std(values - values.mean(axis=0))) or 1.0
        found = minimize_scalar(lambda log: self._nll(values, spread * np.exp(log)), bounds=(-12, 12), method="bounded")
        return float(spread * np.exp(found.x)), float(found.fun)

    def _nll(self, values: FloatArray, temperature: float) -> float:
        logs = log_softmax(values / temperature)
        if self.soft is None:
            return float(-logs[0].mean())
        people = self.soft.T[: len(values)]
        return float(-np.where(people > 0, people * logs, 0).sum(axis=0).mean())

    def uncertainty(self, of_people: Any, *, replicates: int = 1000, seed: int = 0) -> Score:
        """Spearman's correlation of the model's entropy with what shows people's uncertainty, with a bootstrap over trials.

        Args:
            of_people: `[trial]`: response times, or the entropy of the choices of repeated trials; NaN where unknown.
            replicates: Bootstrap samples; the ranks of the whole are kept.
            seed: The bootstrap's seed.

        Raises:
            ShapeError: There is not one value a trial.
            InputError: Fewer than 3 trials have a value, or one side does not vary.
        """
        other = np.asarray(of_people, dtype=np.float64)
        if other.shape != (self.n,):
            raise ShapeError(f"there are {self.n} trials but values of shape {other.shape}.")
        known = np.isfinite(other)
        if known.sum() < 3:
            raise InputError(f"only {int(known.sum())} of {self.n} trials have a value; a correlation needs at least 3.")
        return rank_correlation(self.entropy[known], other[known], replicates=replicates, seed=seed, level=self.level)

    def to_plain(self) -> dict[str, Any]:
        """The numbers and what they were computed with, without the trials."""
        return {name: getattr(self, name) for name in _PLAIN}
