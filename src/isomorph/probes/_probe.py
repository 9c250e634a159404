"""How well labels can be read from features by a linear map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import InputError, ShapeError
from isomorph.features import Features
from isomorph.probes._adamw_search import AdamWSearch
from isomorph.probes._examples import Examples, Normalise, normalise, read_examples, split
from isomorph.probes._probe_result import ProbeResult, Trial, probe_result
from isomorph.probes._search import Lane, Ties

Kind = Literal["adamw", "ridge", "logistic"]
_STRENGTHS = tuple(float(each) for each in 10.0 ** np.arange(-3, 5))
_OWN = {"adamw": ("learning_rates", "epochs", "batch_size", "ties", "together", "device", "memory_limit"), "ridge": ("alphas",)}
_CHOICES = {"normalise": ("none", "l2", "z-score"), "ties": ("loss", "original"), "together": ("all", "path")}
_OWN["logistic"] = ("strengths", "tolerance", "max_iterations")


@dataclass(frozen=True, kw_only=True)
class Probe:
    r"""A linear classifier on frozen features: how much of a labelling can be read from them directly.

    $$\hat y_i = \arg\max_c \; (x_i W + b)_c$$

    1 means that the classes can be told apart by planes; 1/classes (with equal classes) is chance. It says what is linearly available, not
    what a system uses; a wide representation of few stimuli can separate almost anything, so judge the test accuracy alone.

    `"adamw"` is the protocol of Ciernik et al. (2024): one linear layer, cross-entropy, AdamW with a cosine schedule without warm-up. For
    each learning rate, weight decay is searched in a grid of 64 points from 1e-6 to 10, first at 8 of them, then 4, 2 and 1 points to
    both sides of the best: at most 56 fits, judged on a stratified part of the training set; then one fit on all of it. All fits and
    seeds run as one tensor program. `"ridge"` is least squares in closed form, its penalty chosen by leaving each stimulus out.
    `"logistic"` is multinomial logistic regression by L-BFGS, its C the one with the least cross-entropy on the validation part.

    Attributes:
        kind: `"adamw"`, `"ridge"` or `"logistic"`.
        normalise: `"none"`; `"l2"`: rows of unit length, as the protocol's features are; `"z-score"`: columns with mean 0 and variance 1 on
            the training set.
        seeds: One search and one final fit each (adamw): seeds of the validation split, the initial weights and the order of batches.
            Logistic uses the first, for its split.
        validation: The share of each class held out of training to choose hyper-parameters.
        learning_rates: Of adamw.
        epochs: Of adamw: passes over the training set in each fit.
        batch_size: Of adamw.
        ties: Of adamw. Settings are compared by validation accuracy. `"loss"`: equal ones by cross-entropy. `"original"`: within one sweep
            the largest weight decay among equals wins, a finer sweep must beat the coarser strictly, and the first learning rate stands.
        together: Of adamw: which fits share their matrix products. `"all"`: those of all seeds and learning rates; `"path"`: those of one
            seed and learning rate, so that `probe_paths` can share them out. The last digits depend on it, and with few classes the speed.
        device: Of adamw: where to compute, such as `"cuda:0"`.
        memory_limit: Of adamw: what weights, moments and logits of the fits under way may take, besides the features.
        alphas: Of ridge: the penalties to choose from; None: 19 around the scale of the features.
        strengths: Of logistic: the Cs to choose from.
        tolerance: Of logistic: the slope at which a fit has converged.
        max_iterations: Of logistic.
        replicates: Bootstrap replicates over test stimuli, for the intervals.
        level: The intervals' coverage.

    References:
        Alain and Bengio, 2016, <https://arxiv.org/abs/1610.01644>; Ciernik et al., 2024, <https://arxiv.org/abs/2411.05561>.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> labels = np.repeat(["cat", "dog", "saw"], 40)
        >>> x = rng.normal(size=(120, 5)) + 3 * np.repeat(np.eye(3, 5), 40, axis=0)
        >>> result = Probe(kind="ridge").fit(x, labels, test=0.5)
        >>> result.top1 > 0.9, result.n_train, result.n_test
        (True, 60, 60)
    """

    kind: Kind = "adamw"
    normalise: Normalise = "none"
    seeds: tuple[int, ...] = (0, 1, 2)
    validation: float = 0.2
    learning_rates: tuple[float, ...] = (1e-1, 1e-2, 1e-3, 1e-4)
    epochs: int = 20
    batch_size: int = 1024
    ties: Ties = "loss"
    together: Literal["all", "path"] = "all"
    device: str = "cpu"
    memory_limit: str | int = "2GB"
    alphas: tuple[float, ...] | None = None
    strengths: tuple[float, ...] = _STRENGTHS
    tolerance: float = 1e-5
    max_iterations: int = 1000
    replicates: int = 1000
    level: float = 0.95

    def __post_init__(self) -> None:
        for name, known in {"kind": tuple(_OWN), **_CHOICES}.items():
            if getattr(self, name) not in known:
                raise InputError(f"{name} must be {' or '.join(map(repr, known))}; got {getattr(self, name)!r}.")
        for kind, names in _OWN.items():
            for name in names:
                if kind != self.kind and getattr(self, name) != type(self).__dataclass_fields__[name].default:
                    raise InputError(f"{name} is an option of the {kind} probe, and this is the {self.kind} probe. Leave it out.")
        for name in ("seeds", "learning_rates", "strengths", *(["alphas"] if self.alphas is not None else [])):
            _check_list(name, tuple(getattr(self, name)), positive=name != "seeds")
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name in ("epochs", "batch_size", "max_iterations"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be 1 or more; got {getattr(self, name)}.")
        for name in ("validation", "level"):
            _check_share(name, getattr(self, name))
        if not self.tolerance > 0 or self.replicates < 0:
            raise InputError(f"tolerance must be above 0 and replicates 0 or more; got {self.tolerance} and {self.replicates}.")

    def fit(self, x: Features | Any, labels: Any, *, test: tuple[Features | Any, Any] | float = 0.2) -> ProbeResult:
        """Learn `labels` from `x`, and say how well that holds on the test set.

        Args:
            x: `Features`, or an array `[stimulus, feature]`.
            labels: The class of each row, strings or whole numbers; or a mapping (or a pandas series) from stimulus id to class, which may
                hold more than these stimuli.
            test: Features and labels of the test set; or the share of each class to hold out of `x` for it (drawn with the first seed).

        Raises:
            ShapeError: There are not as many labels as rows, or the test features have another width.
            IdError: A stimulus has no label.
            NonFiniteError: A feature is NaN or infinite, or training diverged.
            InputError: There is one class only, a class has too few examples to hold some out, or the test set has a class of its own.
            DeviceError: This machine has no such device.
        """
        return self._learn(*self._sets(x, labels, test))

    def _sets(self, x: Any, labels: Any, test: Any) -> tuple[Examples, Examples]:
        """The training set and the test set, checked and normalised."""
        train = read_examples(x, labels, name="training")
        if isinstance(test, int | float):
            _check_share("test", test)
            keep, out = split(train, float(test), seed=self.seeds[0], why="the test")
            return normalise(train.take(keep), train.take(out), self.normalise)
        held = read_examples(test[0], test[1], name="test", classes=train.classes)
        if held.x.shape[1] != train.x.shape[1]:
            raise ShapeError(f"the training features have {train.x.shape[1]} columns, the test features {held.x.shape[1]}.")
        return normalise(train, held, self.normalise)

    def _learn(self, train: Examples, held: Examples, lanes: Sequence[Sequence[Lane]] | None = None) -> ProbeResult:
        """`fit` on sets that were checked and normalised; `lanes`: the search, where it is done (adamw)."""
        if self.kind == "adamw":
            search = AdamWSearch(self, train)
            scores, facts = search.finish(search.lanes() if lanes is None else lanes, held.x)
        else:
            scores, facts = (self._ridge if self.kind == "ridge" else self._logistic)(train, held.x)
        return probe_result(
            scores,
            held.y,
            probabilities=self.kind != "ridge",
            replicates=self.replicates,
            bootstrap_seed=0,
            level=self.level,
            kind=self.kind,
            classes=train.classes,
            test_ids=held.ids,
            n_train=len(train),
            **facts,
        )

    def _ridge(self, train: Examples, test: FloatArray) -> tuple[FloatArray, dict[str, Any]]:
        from isomorph.probes._ridge import fit_ridge

        fit = fit_ridge(train.x, train.y, len(train.classes), self.alphas)
        curve = tuple(
            Trial(options={"alpha": alpha}, accuracy=accuracy, loss=loss)
            for alpha, accuracy, loss in zip(fit.alphas, fit.accuracy, fit.loss, strict=True)
        )
        notes = _edge("alpha", fit.alphas[fit.chosen], fit.alphas)
        return (test @ fit.weights + fit.bias)[None], {
            "chosen": ({"alpha": fit.alphas[fit.chosen]},),
            "seeds": (),
            "curve": curve,
            "notes": notes,
        }

    def _logistic(self, train: Examples, test: FloatArray) -> tuple[FloatArray, dict[str, Any]]:
        from isomorph.probes._logistic import logistic_path

        keep, out = split(train, self.validation, seed=self.seeds[0], why="validation")
        strengths, curve, late = sorted(self.strengths), list[Trial](), 0
        options = {"tolerance": self.tolerance, "max_iterations": self.max_iterations}
        part = train.take(keep)
        for strength, fit in zip(strengths, logistic_path(part.x, part.y, len(train.classes), strengths, **options), strict=True):  # type: ignore[arg-type]
            log = fit.log_probabilities(train.x[out])
            accuracy, loss = float((log.argmax(axis=1) == train.y[out]).mean()), float(-log[np.arange(len(out)), train.y[out]].mean())
            curve.append(Trial(options={"C": strength}, accuracy=accuracy, loss=loss, seed=self.seeds[0]))
            late += not fit.converged
        chosen = min(curve, key=lambda trial: trial.loss).options["C"]
        *_, final = logistic_path(train.x, train.y, len(train.classes), [each for each in strengths if each <= chosen][-2:], **options)  # type: ignore[arg-type]
        late += not final.converged
        notes = (f"{late} fits had not converged after {self.max_iterations} steps; raise max_iterations.",) if late else ()
        scores = np.exp(final.log_probabilities(test))[None]
        return scores, {
            "chosen": ({"C": chosen},),
            "seeds": self.seeds[:1],
            "curve": tuple(curve),
            "notes": notes + _edge("C", chosen, strengths),
        }


def _edge(name: str, chosen: float, grid: Sequence[float]) -> tuple[str, ...]:
    if len(grid) < 2 or chosen not in (min(grid), max(grid)):
        return ()
    return (
        f"the chosen {name} {chosen:g} is the {'smallest' if chosen == min(grid) else 'largest'} of the grid; a wider one may be better.",
    )


def _check_list(name: str, values: tuple[Any, ...], *, positive: bool) -> None:
    if (
        not values
        or len(set(values)) != len(values)
        or any(not math.isfinite(each) or each < 0 or (positive and each == 0) for each in values)
    ):
        raise InputError(f"{name} must be one or more different numbers {'above 0' if positive else 'of 0 or more'}; got {values}.")


def _check_share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise InputError(f"{name} must be a share between 0 and 1, such as 0.2; got {value}.")
