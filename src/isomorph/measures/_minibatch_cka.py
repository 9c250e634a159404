"""Linear centred kernel alignment from batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import InputError, ShapeError
from isomorph.geometry import RDM, Gram
from isomorph.measures._kernel import hsic_matrix, linear_kernel
from isomorph.measures._kernel_measure import ratio
from isomorph.measures._kernel_weights import weighted_hsic
from isomorph.measures._measure import Comparable, Measure, Traits

_FEWEST = 4


@dataclass(frozen=True, kw_only=True)
class MinibatchCKA(Measure):
    r"""Linear CKA whose three HSICs are each averaged over batches of stimuli.

    $$\frac{\operatorname{mean}_b \mathrm{HSIC}(x_b, y_b)}
    {\sqrt{\operatorname{mean}_b \mathrm{HSIC}(x_b, x_b) \, \operatorname{mean}_b \mathrm{HSIC}(y_b, y_b)}}$$

    with Song's unbiased HSIC. Batches are consecutive stimuli, so that their order matters: shuffle what is sorted by class, or the value
    speaks of differences within classes. A last batch that is shorter counts as the others do; one of fewer than four stimuli, for which
    HSIC is not defined, joins the batch before it. With all stimuli in one batch it is `CKA()`, and for random batches it tends to that as
    they become many. It is what training loops can afford; with all features at hand `CKA()` is as cheap and less noisy.

    Accepts arrays, `Features` and `Gram`.

    Attributes:
        batch_size: Stimuli a batch; at least 4.

    Raises:
        ShapeError: `x` or `y` does not vary over the stimuli of any batch, or holds those of each batch equally far apart.
        InputError: `batch_size` is below 4.

    References:
        Nguyen et al., 2021, <https://arxiv.org/abs/2010.15327>.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(1000, 8))
        >>> round(MinibatchCKA(batch_size=100)(x, 3 * x + 1), 6)
        1.0
    """

    batch_size: int = 256

    accepts: ClassVar[tuple[type, ...]] = (Gram,)

    def __post_init__(self) -> None:
        if self.batch_size < _FEWEST:
            raise InputError(f"MinibatchCKA needs batches of at least {_FEWEST} stimuli; got batch_size={self.batch_size}.")

    @property
    def traits(self) -> Traits:
        """What it claims of itself."""
        return Traits(
            bounds=(-1.0, 1.0),
            invariant_to=frozenset({"shift", "scale", "rotation", "permutation"}),
            ordered=True,
            minimum_stimuli=_FEWEST,
            misleads="depends on how stimuli fall into batches; sorted stimuli make every batch one class",
        )

    def _value(self, x: Any, y: Any) -> float:
        return float(self._all_pairs([x, y], ["x", "y"])[0, 1])

    def matrix(self, things: list[Any]) -> FloatArray:
        """All pairs; each batch of each thing is made ready a single time."""
        return self._all_pairs(things, [f"thing {place}" for place in range(len(things))])

    def _all_pairs(self, things: list[Any], letters: list[str]) -> FloatArray:
        parts = self._batches(len(things[0]))
        hsic = np.mean([hsic_matrix([linear_kernel(_part(each, part)) for each in things], "song") for part in parts], axis=0)
        own = np.diagonal(hsic)
        for value, letter in zip(own, letters, strict=True):
            if not value > 0:
                raise ShapeError(
                    f"{letter} does not vary over the stimuli of any batch of {self.batch_size}, or holds those of each batch equally far "
                    "apart, so that MinibatchCKA is 0/0. Shuffle the stimuli, make batches larger, or leave it out."
                )
        return ratio(hsic, own[:, None], own[None, :])

    def replicates(self, x: Any, y: Any, weights: IntArray) -> FloatArray:
        """The value in each bootstrap replicate; stimuli keep their batch, and a batch of fewer than four different ones stands aside."""
        sums = []
        for part in self._batches(len(x)):
            first, second = (linear_kernel(_part(each, part)) for each in (x, y))
            sums.append(weighted_hsic(first, second, weights[:, part], estimator="song"))
        known = np.isfinite(np.array(sums)).astype(float)
        total = np.nansum(np.array(sums), axis=0) / np.maximum(known.sum(axis=0), 1)
        return ratio(*total)

    def _batches(self, n: int) -> list[slice]:
        starts = list(range(0, n, self.batch_size))
        if len(starts) > 1 and n - starts[-1] < _FEWEST:
            starts.pop()
        return [slice(start, stop) for start, stop in zip(starts, [*starts[1:], n], strict=True)]

    def relate(self, x: Comparable) -> Comparable:
        """Nothing is needed of the whole."""
        return x


def _part(x: Any, part: slice) -> Any:
    if isinstance(x, Gram | RDM):
        return x.take(x.ids[part])
    return x[part]
