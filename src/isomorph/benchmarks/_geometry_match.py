"""A benchmark that asks: do these features lay the stimuli out as a brain, or as people, do?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from isomorph.benchmarks._target import Target
from isomorph.errors import InputError, ShapeError
from isomorph.spec import fingerprint

if TYPE_CHECKING:
    from isomorph.brains import RDMRecording
    from isomorph.geometry import RDM
    from isomorph.inference import Ceiling, Replicates, RSAInference
    from isomorph.stimuli import Stimuli


@dataclass(frozen=True, kw_only=True)
class Inference:
    """How scores get their intervals and p-values; the options of `isomorph.inference.rsa_scores`."""

    replicates: int = 1000
    seed: int = 0
    resample: Literal["stimuli", "subjects", "both"] = "stimuli"
    permutations: int = 1000

    def __post_init__(self) -> None:
        from isomorph.inference._bootstrap import check_draws

        check_draws(replicates=self.replicates, seed=self.seed, permutations=self.permutations)


@dataclass(frozen=True, kw_only=True, eq=False)
class GeometryMatch:
    r"""Representational similarity between what is scored and each target.

    $$s = \frac{1}{S} \sum_{i=1}^{S} c(d, d_i)$$

    with $d$ the scored RDM, $d_i$ the RDM of subject $i$ (averaged over repeats) and $c$ the comparison. 1 means the same relations
    among the stimuli, 0 none in common. Read it against the target's noise ceiling: noise in the subjects' own RDMs keeps even the
    true geometry below 1.

    Attributes:
        name: The benchmark's name.
        stimuli: What was shown; its ids are the order of every target's rows.
        targets: What is compared with.
        distance: How the scored features become an RDM.
        comparisons: How two RDMs are compared; the first is the one that ranks.
        summary: One line.
        citation: The papers to cite.
        licence: The licence of the data.
        labels: One category a stimulus, where there are such.

    Raises:
        ShapeError: A target has another number of pairs than the stimuli make.
        InputError: Two targets share a name.

    References:
        Kriegeskorte, Mur & Bandettini, 2008, Frontiers in Systems Neuroscience 2:4.
    """

    name: str
    stimuli: Stimuli
    targets: tuple[Target, ...]
    distance: str = "correlation"
    comparisons: tuple[str, ...] = ("pearson",)
    summary: str = ""
    citation: str = ""
    licence: str = ""
    labels: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        n = len(self.stimuli.ids)
        for target in self.targets:
            if target.rdms.shape[2] != math.comb(n, 2):
                raise ShapeError(
                    f"{self.name}: the target {target.name!r} has {target.rdms.shape[2]} pairs, but {n} stimuli make {math.comb(n, 2)}."
                )
        names = [target.name for target in self.targets]
        for each in names:
            if names.count(each) > 1:
                raise InputError(f"{self.name} has {names.count(each)} targets called {each!r}; names must be unique.")
        if self.labels and len(self.labels) != n:
            raise ShapeError(f"{self.name} has {len(self.labels)} labels for {n} stimuli.")

    @cached_property
    def fingerprint(self) -> str:
        """A name for the question asked: stimuli, targets, distance and comparisons."""
        return fingerprint(
            {
                "kind": "geometry match",
                "name": self.name,
                "stimuli": self.stimuli.digest,
                "ids": self.stimuli.ids,
                "targets": [target.digest for target in self.targets],
                "distance": self.distance,
                "comparisons": self.comparisons,
            }
        )

    @property
    def recording(self) -> RDMRecording:
        """The targets as regions of a recording, to be scored layer by layer with other protocols."""
        from isomorph.brains import RDMRecording

        return RDMRecording(
            ids=self.stimuli.ids,
            rdms={target.name: target.rdms for target in self.targets},
            subjects={target.name: target.subjects for target in self.targets},
            name=self.name,
            notes=tuple(f"{target.name}: {target.note}" for target in self.targets if target.note),
        )

    def condensed(self, rdms: Mapping[str, RDM]) -> npt.NDArray[np.float64]:
        """`[layer, pair]`: the RDMs with their rows in the order of the benchmark's stimuli, met by id."""
        return np.stack([np.asarray(rdm.take(self.stimuli.ids).values, dtype=np.float64) for rdm in rdms.values()])

    def score(
        self, rdms: Mapping[str, RDM], *, inference: Inference | None = None, ranges: Sequence[Sequence[Replicates]] = ()
    ) -> list[dict[str, Any]]:
        """Score every layer against every target.

        Args:
            rdms: An RDM for each layer; each must have been made of the benchmark's stimuli (other stimuli are left out by id).
            inference: How intervals and p-values are made.
            ranges: What `replicates` gave for every part, in order; it is not computed again then.

        Returns:
            One row a layer, target and comparison, with the keys `layer, target, measure, value, low, high, p, ceiling_lower,
            ceiling_upper, n, subjects, seed, replicates`. `p` and the ceilings are None where they cannot be had.

        Raises:
            IdError: An RDM lacks one of the stimuli.
        """
        from isomorph.inference import rsa_scores

        if not rdms or not self.targets:
            return []
        inference = inference or Inference()
        models, rows = self.condensed(rdms), []
        for turn, (target, comparison, options) in enumerate(self._asked(inference)):
            found = [each[turn] for each in ranges]
            scored = rsa_scores(models, target.rdms, comparison=comparison, ranges=found or None, **options)
            rows += self._rows(tuple(rdms), target, comparison, scored, inference)
        return rows

    def replicates(self, rdms: Mapping[str, RDM], *, inference: Inference, part: tuple[int, int]) -> list[Replicates]:
        """A part `(number, total)` of the replicates and permutations of `score`: of each target and comparison, in this order."""
        from isomorph.inference import rsa_replicates

        models = self.condensed(rdms)
        return [
            rsa_replicates(models, target.rdms, comparison=comparison, part=part, turn=turn, **options)
            for turn, (target, comparison, options) in enumerate(self._asked(inference))
        ]

    def _asked(self, inference: Inference) -> Iterator[tuple[Target, str, dict[str, Any]]]:
        for target in self.targets:
            for comparison in self.comparisons:
                yield (
                    target,
                    comparison,
                    {
                        "n": len(self.stimuli.ids),
                        "replicates": inference.replicates,
                        "seed": inference.seed,
                        "resample": inference.resample if len(target.subjects) > 1 else "stimuli",
                        "permutations": inference.permutations,
                    },
                )

    def _rows(
        self, layers: tuple[str, ...], target: Target, comparison: str, scored: RSAInference, inference: Inference
    ) -> list[dict[str, Any]]:
        lower, upper = _bounds(scored.ceiling)
        return [
            {
                "layer": layer,
                "target": target.name,
                "measure": f"rsa-{comparison}",
                "value": _number(scored.values[index]),
                "low": _number(scored.low[index]),
                "high": _number(scored.high[index]),
                "p": None if scored.p is None else _number(scored.p[index]),
                "ceiling_lower": lower,
                "ceiling_upper": upper,
                "n": len(self.stimuli.ids),
                "subjects": len(target.subjects),
                "seed": inference.seed,
                "replicates": inference.replicates,
            }
            for index, layer in enumerate(layers)
        ]


def _bounds(ceiling: Ceiling | None) -> tuple[float | None, float | None]:
    return (None, None) if ceiling is None else (_number(ceiling.lower), _number(ceiling.upper))


def _number(value: Any) -> float | None:
    """A float for JSON: what is undefined (a layer that does not vary over stimuli) becomes None."""
    number = float(value)
    return number if math.isfinite(number) else None
