"""Classes told by texts: the nearest name wins, nothing is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import InputError
from isomorph.features import Features, relative
from isomorph.features._relative import row_lengths
from isomorph.inference import Score
from isomorph.probes._accuracy import intervals
from isomorph.probes._examples import read_examples


@dataclass(frozen=True, eq=False, kw_only=True)
class ZeroShot:
    r"""A classifier made of texts: a stimulus belongs to the class whose name is nearest.

    Each prompt is scaled to unit length, prompts of one class are averaged, and the mean is scaled to unit length: \(c_k\). Then

    $$s_{ik} = \frac{x_i \cdot c_k}{\lVert x_i \rVert}, \qquad p_{ik} = \frac{e^{s_{ik} / \tau}}{\sum_l e^{s_{il} / \tau}}.$$

    Attributes:
        prompts: `[prompt, feature]`, from the tower of texts whose other tower sees the stimuli.
        classes: Of each prompt its class, such as the `groups` of `Stimuli.from_texts(…, group=)`; None: each prompt is a class.
        temperature: τ; 0.01 is where CLIP's training ends. It changes probabilities, never which class is first.

    Raises:
        InputError: There is one class only, the temperature is not above 0, a prompt is zero, or prompts of a class cancel out.
        IdError: A prompt has no class.

    References:
        Radford et al., 2021, <https://arxiv.org/abs/2103.00020>.

    Example:
        >>> prompts = Features(np.array([[1.0, 0.1], [1.0, -0.1], [0.0, 2.0]]), ("a dog", "a puppy", "a cat"))
        >>> found = ZeroShot(prompts=prompts, classes={"a dog": "dog", "a puppy": "dog", "a cat": "cat"}).predict(
        ...     Features(np.array([[3.0, 1.0], [0.0, 1.0]]), ("1", "2"))
        ... )
        >>> found.predicted, found.cosines.round(2).tolist()
        (('dog', 'cat'), [[0.95, 0.32], [0.0, 1.0]])
    """

    prompts: Features
    classes: Mapping[str, str] | None = None
    temperature: float = 0.01

    def __post_init__(self) -> None:
        if not (np.isfinite(self.temperature) and self.temperature > 0):
            raise InputError(f"temperature must be above 0; got {self.temperature}.")
        if len(self.directions) < 2:
            raise InputError(f"zero-shot classification needs 2 classes or more; the prompts make {len(self.directions)}.")

    @cached_property
    def directions(self) -> Features:
        """The direction of each class `[class, feature]`, of unit length, float64."""
        x = self.prompts
        scaled = Features(x.values / row_lengths(x, "prompts")[:, None], x.ids, x.layer, x.subject, x.provenance)
        means = scaled.grouped(self.classes if self.classes is not None else {each: each for each in x.ids})
        size = np.linalg.norm(means.values, axis=1)
        if (size < 1e-6).any():
            raise InputError(f"the prompts of {means.ids[int(np.argmin(size))]!r} cancel out: their mean has no direction.")
        return Features(means.values / size[:, None], means.ids, x.layer, x.subject, means.provenance)

    def predict(self, x: Features) -> ZeroShotResult:
        """Cosines, probabilities and classes of the stimuli `x` `[stimulus, feature]`.

        Raises:
            ShapeError: `x` lives in another space than the prompts.
            InputError: A stimulus is zero.
            NonFiniteError: A value is NaN or infinite.
        """
        cosines = relative(Features(x.values.astype(np.float64), x.ids, x.layer, x.subject), self.directions).values
        exponents = np.exp((cosines - cosines.max(axis=1, keepdims=True)) / self.temperature)
        return ZeroShotResult(
            ids=x.ids,
            classes=self.directions.ids,
            cosines=cosines,
            probabilities=exponents / exponents.sum(axis=1, keepdims=True),
            subject=x.subject,
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class ZeroShotResult:
    """What `ZeroShot.predict` returns.

    Attributes:
        ids: The stimuli.
        classes: The classes, in the order of the prompts.
        cosines: `[stimulus, class]`, −1 to 1.
        probabilities: `[stimulus, class]`; rows sum to 1.
        subject: Whose features these are.
    """

    ids: tuple[str, ...] = field(repr=False)
    classes: tuple[str, ...]
    cosines: FloatArray = field(repr=False)
    probabilities: FloatArray = field(repr=False)
    subject: str = ""

    @cached_property
    def predictions(self) -> IntArray:
        """The class of each stimulus, as a number into `classes`; of equal ones the first."""
        found: IntArray = self.cosines.argmax(axis=1)
        return found

    @property
    def predicted(self) -> tuple[str, ...]:
        """The class of each stimulus, by name."""
        return tuple(self.classes[each] for each in self.predictions)

    def accuracy(self, labels: Mapping[str, Any] | Sequence[Any], *, replicates: int = 1000, level: float = 0.95, seed: int = 0) -> Score:
        """The share of stimuli whose class is right, with a bootstrap interval over stimuli.

        Args:
            labels: The class of each stimulus: by id, or in the order of the rows.
            replicates: Of the bootstrap; 0 for none.
            level: The interval's coverage.
            seed: The bootstrap's.

        Raises:
            IdError: A stimulus has no label.
            InputError: A label is no class of the prompts.
        """
        known = read_examples(Features(self.cosines, self.ids), labels, name="test", classes=self.classes)
        hits = (self.predictions == known.y).astype(np.float64)
        low, high = intervals({"top1": hits}, known.y, replicates=replicates, seed=seed, level=level).get("top1", (None, None))
        return Score(
            value=float(hits.mean()),
            low=low,
            high=high,
            n=len(hits),
            measure="zero-shot accuracy",
            level=level,
            seed=seed,
            replicates=replicates,
        )
