"""Does a student know pictures again when something is wrong with them, as well as before?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.alignet._robust_pictures import CORRUPTIONS, check_corruption, corrupted
from isomorph.alignment._anomaly import deal
from isomorph.alignment._check_probe import probe_hits
from isomorph.errors import InputError
from isomorph.features import Features
from isomorph.probes import Probe
from isomorph.probes._examples import read_examples

if TYPE_CHECKING:
    from isomorph.alignment._check_intervals import Draws
    from isomorph.stimuli import Stimuli


@dataclass(frozen=True, kw_only=True)
class Robustness:
    """A linear probe learns from pictures as they are, and is asked about corrupted versions of pictures that it has not met.

    The corruptions are five of ImageNet-C's in our own code, at its strengths: figures are not those of its files.

    Attributes:
        corruptions: Which, of `"gaussian-noise"`, `"blur"`, `"contrast"`, `"jpeg"`, `"pixelate"`.
        severity: 1 … 5.
        folds: Into how many parts pictures are dealt.
        pictures: How many at most, the first of each class in turn; corrupted ones are held in memory.
        probe: The probe.
        seed: Of folds and noise.

    References:
        Hendrycks and Dietterich, 2019, <https://arxiv.org/abs/1903.12261>.
    """

    corruptions: tuple[str, ...] = tuple(CORRUPTIONS)
    severity: int = 3
    folds: int = 5
    pictures: int = 500
    probe: Probe = field(default_factory=lambda: Probe(kind="ridge"))
    seed: int = 0

    def __post_init__(self) -> None:
        for each in self.corruptions:
            check_corruption(each, self.severity)
        if self.folds < 2 or self.pictures < self.folds:
            raise InputError(
                f"robustness needs 2 or more folds, and as many pictures; got {self.folds} folds and {self.pictures} pictures."
            )

    def compare(
        self,
        before: Features,
        after: Mapping[str, Features],
        pictures: Stimuli,
        read: Callable[[Stimuli], tuple[Features, Mapping[str, Features]]],
        draws: Draws,
    ) -> list[dict[str, Any]]:
        """Rows of the table, one for each corruption and student.

        Args:
            before: Features of the pictures as they are.
            after: The same of each student.
            pictures: With labels.
            read: Pictures → features before and after.
            draws: The bootstrap over pictures.

        Raises:
            InputError: The pictures have no labels, or all have the same.
        """
        if pictures.labels is None:
            raise InputError("corrupted pictures are told apart by their classes, and these pictures have none: one folder each.")
        labels = dict(zip(pictures.ids, pictures.labels, strict=True))
        shown = pictures.take(self._shown(labels))
        clean = {"": before.take(shown.ids), **{name: each.take(shown.ids) for name, each in after.items()}}
        known = {name: read_examples(each, labels, name="robustness") for name, each in clean.items()}
        fold = deal(known[""].y, self.folds, self.seed)
        rows = []
        for corruption in self.corruptions:
            one, others = read(self.corrupt(shown, corruption))
            hits = {
                name: probe_hits(self.probe, clean[name].values, known[name], fold, asked=each.take(shown.ids).values)
                for name, each in {"": one, **others}.items()
            }
            facts = {
                "question": f"linear probe, {corruption} {self.severity}", "unit": "stimuli", "drawn": "stimuli",
                "chance": float(np.bincount(known[""].y).max() / len(fold)), "note": "",
            }  # fmt: skip
            rows += [{**facts, "transform": name, **draws.compare(hits[""], hits[name])} for name in after]
        return rows

    def corrupt(self, pictures: Stimuli, corruption: str) -> Stimuli:
        """The same ids, corrupted, in memory."""
        from isomorph.stimuli import Stimuli

        arrays = [
            corrupted(pixels, corruption, self.severity, seed=self.seed, name=each)
            for each, pixels in zip(pictures.ids, pictures, strict=True)
        ]
        return Stimuli.from_arrays(arrays, pictures.ids, layout="NHWC")

    def _shown(self, labels: Mapping[str, str]) -> list[str]:
        """At most `pictures` ids, the classes in turn."""
        turn: dict[str, int] = {}
        place = {}
        for each, label in labels.items():
            place[each] = turn[label] = turn.get(label, -1) + 1
        kept = set(sorted(labels, key=lambda each: place[each])[: self.pictures])
        return [each for each in labels if each in kept]
