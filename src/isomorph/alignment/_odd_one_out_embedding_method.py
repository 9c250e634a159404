"""What SPoSE and VICE share: options, checks, held-out trials, runs of several seeds, and which run is handed over."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from isomorph.alignment._odd_one_out_embedding import OddOneOutEmbedding
from isomorph.arrays import IntArray
from isomorph.engine import Progress
from isomorph.errors import InputError
from isomorph.judgments import Triplets
from isomorph.spec import to_plain

if TYPE_CHECKING:
    import torch

    from isomorph.alignment._odd_one_out_embedding_training import Program, Trained

_TOGETHER = 1 << 21  # weights of the runs that learn as one program: four runs of 1,854 objects × 100 dimensions, or more small ones
_DRAWS = 50


@dataclass(frozen=True, kw_only=True)
class OddOneOutMethod(ABC):
    """A way to fit an embedding to odd-one-out choices.

    Attributes:
        dimensions: How many to begin with; those that are not needed are pruned.
        learning_rate: Of Adam.
        batch_size: Trials a step.
        epochs: Passes over the trials at most.
        burn_in: Epochs before the fit may stop; it also waits for 10 / `learning_rate` steps, in which weights can move by 10.
        window: The fit stops when for so many epochs the number of dimensions has not changed and the loss (of the trials held out, if
            there are any) has not fallen by more than `tolerance`.
        tolerance: Nats a trial.
        validation: The share of trials held out, the same for all seeds. Trials, not objects: no embedding can place unseen objects.
        seeds: One run each, from other initial weights and with other batches. Runs learn together, each as if alone but for rounding.
    """

    method: ClassVar[str]

    dimensions: int = 100
    learning_rate: float = 1e-3
    batch_size: int = 256
    epochs: int = 500
    burn_in: int = 50
    window: int = 50
    tolerance: float = 1e-4
    validation: float = 0.1
    seeds: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        for name in ("dimensions", "batch_size", "epochs", "window"):
            if getattr(self, name) < 1:
                raise InputError(f"{self.method} needs {name} of at least 1; got {getattr(self, name)}.")
        if not self.learning_rate > 0:
            raise InputError(f"{self.method} needs a learning rate above 0; got {self.learning_rate:g}.")
        if not 0 <= self.validation < 1:
            raise InputError(f"{self.method} can hold out a share of trials from 0 to below 1; got validation={self.validation:g}.")
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise InputError(f"{self.method} needs at least one seed, each once; got seeds={self.seeds}.")

    def fit(self, triplets: Triplets, *, checkpoint: Path | str | None = None, progress: Progress | None = None) -> OddOneOutEmbedding:
        """Fit one embedding a seed, and hand over the one that foretells the trials held out best (without any: those fitted).

        Where `triplets.soft` is given, its shares are the target instead of one choice a trial.

        Args:
            triplets: The trials.
            checkpoint: A file that a long fit is kept in as it goes, every half minute (`NAME.0`; further ones where the runs do not all
                learn together). The same call finds it and goes on, to the same numbers; delete it when the embedding is saved.
            progress: Shows the epochs.

        Raises:
            InputError: The trials do not suffice: none, an object in no trial, all on the same three objects; they are two-alternative;
                or no run needs a single dimension;
                or the checkpoint is that of another fit.
            FileError: The checkpoint is damaged.
            NonFiniteError: A run diverged.
        """
        _check_trials(triplets, self.method)
        held = _held_out(triplets, self.validation)
        training, kept_back = triplets.take(~held), triplets.take(held)
        trained = self._train(training, kept_back, progress, Path(checkpoint) if checkpoint else None, triplets.digest)
        runs = [self._embedding(seed, run, triplets) for seed, run in zip(self.seeds, trained, strict=True)]
        judged = kept_back if len(kept_back) else training
        scores = [-each.log_likelihood(judged, draws=_DRAWS) if each.width else np.inf for each in runs]
        best = int(np.argmin(scores))
        if not np.isfinite(scores[best]):
            raise InputError(
                f"{self.method} finds no dimension that these {len(triplets):,} trials on {_counted(triplets)} need: "
                "they are too few, the choices look like chance, the fit was too short "
                f"({self.epochs} epochs, learning rate {self.learning_rate:g}), or its pull to 0 is too strong."
            )
        if len(kept_back):
            runs = [replace(each, held_out=float(score)) for each, score in zip(runs, scores, strict=True)]
        return replace(runs[best], runs=tuple(runs))

    def _train(self, training: Triplets, held: Triplets, progress: Progress | None, path: Path | None, digest: str) -> list[Trained]:
        import torch

        from isomorph.alignment._odd_one_out_embedding_checkpoint import Checkpoint
        from isomorph.alignment._odd_one_out_embedding_training import Choices, Schedule, Training

        schedule = Schedule(self.batch_size, self.epochs, self.burn_in, self.window, self.tolerance, self.learning_rate)
        choices, judged = (Choices(each.items, each.soft) for each in (training, held))
        together = max(1, _TOGETHER // (len(training.objects) * self.dimensions))
        result: list[Trained] = []
        for start in range(0, len(self.seeds), together):
            generators = [torch.Generator().manual_seed(seed) for seed in self.seeds[start : start + together]]
            program = self._program(generators, len(training.objects), len(training))
            fit = {"method": self.method, "trials": digest, **self._plain(), "first": start}
            checkpoint = Checkpoint(path.with_name(f"{path.name}.{start}"), fit) if path else None
            result += Training(program, generators, choices, judged, schedule).run(progress, checkpoint)
        return result

    def _embedding(self, seed: int, run: Trained, triplets: Triplets) -> OddOneOutEmbedding:
        """The needed dimensions, the heaviest first."""
        order = np.argsort(-np.maximum(run.mean, 0).sum(axis=0), kind="stable")
        order = order[run.kept[order]]
        scale = None if run.scale is None else run.scale[:, order]
        return OddOneOutEmbedding(
            objects=triplets.objects,
            mean=run.mean[:, order],
            scale=scale,
            method=self.method,
            options=self._plain(),
            seed=seed,
            trace=run.trace,
            trials=triplets.digest,
        )

    def _plain(self) -> dict[str, Any]:
        plain: dict[str, Any] = to_plain(self)
        return plain

    @abstractmethod
    def _program(self, generators: Sequence[torch.Generator], objects: int, trials: int) -> Program:
        """The tensor program of one run for each generator."""


def _held_out(triplets: Triplets, share: float) -> IntArray:
    """`[trial]`: which trials are held out; those that show an object no other trial shows stay in."""
    held = np.zeros(len(triplets), dtype=bool)
    held[np.random.default_rng(0).permutation(len(triplets))[: round(share * len(triplets))]] = True
    known = np.zeros(len(triplets.objects), dtype=bool)
    known[triplets.items[~held]] = True
    held &= known[triplets.items].all(axis=1)
    return held


def _check_trials(triplets: Triplets, method: str) -> None:
    if triplets.task != "odd-one-out":
        raise InputError(f"{method} is fitted to odd-one-out trials, in which people compared all three pairs; these are {triplets.task}.")
    if len(triplets) < 2:
        raise InputError(f"{method} needs many trials; there {'is 1' if len(triplets) else 'are none'}, on {_counted(triplets)}.")
    hidden = np.flatnonzero(~triplets.shown)
    if len(hidden):
        raise InputError(
            f"{len(hidden):,} of {_counted(triplets)} stand in no trial, the first is {triplets.objects[hidden[0]]!r}; nothing says where "
            "they belong. Leave them out: triplets.restrict(the objects that were shown)."
        )
    if len(triplets.objects) < 4:
        raise InputError(
            f"all {len(triplets):,} trials show the same three objects; {method} needs trials that share some objects, not all."
        )


def _counted(triplets: Triplets) -> str:
    return f"{len(triplets.objects):,} object{'s' * (len(triplets.objects) != 1)}"
