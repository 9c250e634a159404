"""The geometry of classes as clouds of stimuli, and how well a few examples of them would be told apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, check_finite
from isomorph.errors import IdError, InputError, ShapeError
from isomorph.features import Features
from isomorph.geometry._gram import Gram


@dataclass(frozen=True, eq=False, repr=False)
class ManifoldStatistics:
    """What `manifold_statistics` returns; a stands for the class of a test stimulus, b for the other class; NaN where they are one.

    Attributes:
        classes: Their names.
        counts: Stimuli of each class `[class]`.
        shots: m, of how many examples each class' prototype is made.
        radius: `[class]`.
        dimension: `[class]`.
        signal: `[a, b]`.
        bias: `[a, b]`.
        overlap: Of the signal with the noise of class a `[a, b]`.
        overlap_other: Of the signal with the noise of class b `[a, b]`.
        snr: `[a, b]`.
        between_radius: The radius of the cloud of class means.
        between_dimension: Its dimension.
    """

    classes: tuple[str, ...]
    counts: npt.NDArray[np.intp]
    shots: float
    radius: FloatArray
    dimension: FloatArray
    signal: FloatArray
    bias: FloatArray
    overlap: FloatArray
    overlap_other: FloatArray
    snr: FloatArray
    between_radius: float
    between_dimension: float

    def __repr__(self) -> str:
        mean = self.means()
        return f"ManifoldStatistics({len(self.classes)} classes, radius {mean['radius']:.3g}, dimension {mean['dimension']:.3g})"

    @property
    def error(self) -> FloatArray:
        """The share of stimuli of a that would be taken for b `[a, b]`, if projections are Gaussian: the upper tail at `snr`."""
        return np.array([[0.5 * math.erfc(each / math.sqrt(2)) for each in row] for row in self.snr])

    def means(self) -> dict[str, float]:
        """Each statistic's mean over classes, or over pairs of classes."""
        names = ("radius", "dimension", "signal", "bias", "overlap", "overlap_other", "snr", "error")
        found = {name: float(np.nanmean(getattr(self, name))) for name in names}
        return {**found, "between_radius": self.between_radius, "between_dimension": self.between_dimension}


def manifold_statistics(
    x: Gram | Features | npt.ArrayLike, labels: Sequence[Any] | npt.NDArray[Any] | Mapping[str, Any], *, shots: float = 1
) -> ManifoldStatistics:
    r"""The statistics of class manifolds that decide whether a prototype of m examples a class tells new stimuli of two classes apart.

    With the mean \(\bar x_a\) and covariance \(\Sigma_a\) (over its stimuli, ddof 0) of a class a, and \(\Delta = \bar x_a - \bar x_b\):

    - radius \(R_a = \sqrt{\mathrm{tr}\, \Sigma_a}\), the root mean squared distance from the mean, in the units of features;
    - dimension \(D_a = (\mathrm{tr}\, \Sigma_a)^2 / \mathrm{tr}\, \Sigma_a^2\), from 1 to the number of stimuli less 1;
    - signal \(\lVert \Delta \rVert^2 / R_a^2\);
    - bias \(R_b^2 / R_a^2 - 1\);
    - overlap of the signal with the noise of either class, \(\Delta^\top \Sigma_a \Delta / R_a^4\) and
      \(\Delta^\top \Sigma_b \Delta / R_a^4\);
    - the signal-to-noise ratio

    $$\mathrm{SNR}_a = \frac{1}{2} \cdot \frac{\mathrm{signal} + \mathrm{bias} / m}
    {\sqrt{D_a^{-1} / m + \mathrm{overlap}_b / m + \mathrm{overlap}_a}}$$

    (noise of the two classes is taken to lie in unrelated directions). All of it follows from the Gram matrix.

    Args:
        x: `[stimulus, feature]`, or the Gram matrix of stimuli.
        labels: The class of each row, or of each id.
        shots: m. Infinite: the prototypes are the class means.

    Raises:
        ShapeError: There is not a label for each stimulus, or a class has fewer than 2 stimuli or does not vary.
        IdError: A stimulus has no label.
        InputError: There are fewer than 2 classes, or `shots` is not above 0.
        NonFiniteError: A value is NaN or infinite.

    References:
        Sorscher, Ganguli and Sompolinsky, 2022, <https://doi.org/10.1073/pnas.2200800119>.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> clouds = np.vstack([rng.normal(size=(200, 30)), 3 + rng.normal(size=(200, 30))])
        >>> found = manifold_statistics(clouds, ["cat"] * 200 + ["dog"] * 200, shots=5)
        >>> found.radius.round(1).tolist(), round(float(found.signal[0, 1]), 0)
        ([5.4, 5.5], 9.0)
    """
    if not shots > 0:
        raise InputError(f"shots must be above 0; got {shots}.")
    gram = x if isinstance(x, Gram) else Gram.from_features(x)
    check_finite(gram.centred, name=gram.name, ids=gram.ids)
    classes, member = _classes(gram, labels)
    traces, squares = np.array([_traces(gram.centred, np.flatnonzero(rows)) for rows in member]).T
    flat = np.flatnonzero(traces <= 1e-12 * np.diagonal(gram.centred).max(initial=0.0))
    if len(flat):
        raise ShapeError(f"the stimuli of the class {classes[flat[0]]!r} do not differ; its radius is 0. Leave it out.")
    distances, noise, between = _between(gram.centred, member)
    size = traces[:, None]
    pairs = {
        "signal": distances / size,
        "bias": traces / size - 1,
        "overlap": noise / size**2,
        "overlap_other": noise.T / size**2,
    }
    variance = squares[:, None] / size**2 / shots + pairs["overlap_other"] / shots + pairs["overlap"]
    pairs["snr"] = 0.5 * (pairs["signal"] + pairs["bias"] / shots) / np.sqrt(np.where(variance > 0, variance, np.nan))
    for each in pairs.values():
        np.fill_diagonal(each, np.nan)
    total, square = _traces(between, np.arange(len(classes)))
    return ManifoldStatistics(
        classes=classes,
        counts=member.sum(axis=1),
        shots=shots,
        radius=np.sqrt(traces),
        dimension=traces**2 / squares,
        between_radius=math.sqrt(total),
        between_dimension=total**2 / square if square > 0 else math.nan,
        **pairs,
    )


def _between(centred: FloatArray, member: npt.NDArray[np.intp]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Of each two classes: the squared distance of means, ΔᵀΣₐΔ `[a, b]`, and the inner product of means."""
    averaging = member / member.sum(axis=1, keepdims=True)
    toward = averaging @ centred
    means = toward @ averaging.T
    own = toward - means @ member  # of each class mean with each stimulus less its class mean
    noise = np.stack([((own[at] - own) ** 2) @ averaging[at] for at in range(len(member))])
    lengths = np.diagonal(means)
    return lengths[:, None] + lengths - 2 * means, noise, means


def _classes(gram: Gram, labels: Any) -> tuple[tuple[str, ...], npt.NDArray[np.intp]]:
    """Names of the classes in order, and which stimuli belong to them `[class, stimulus]`."""
    if isinstance(labels, Mapping):
        missing = [each for each in gram.ids if each not in labels]
        if missing:
            raise IdError(f"{len(missing)} of {len(gram)} stimuli have no label; the first is {missing[0]!r}.")
        labels = [labels[each] for each in gram.ids]
    names = [str(each) for each in labels]
    if len(names) != len(gram):
        raise ShapeError(f"there are {len(gram)} stimuli and {len(names)} labels; pass one for each.")
    classes, at = np.unique(names, return_inverse=True)
    if len(classes) < 2:
        raise InputError(f"statistics of manifolds need 2 classes or more; got {len(classes)}.")
    counts = np.bincount(at)
    if counts.min() < 2:
        few = int(np.argmin(counts))
        raise ShapeError(f"the class {str(classes[few])!r} has {counts[few]} stimulus; a radius needs 2 or more. Leave it out.")
    return tuple(map(str, classes)), (at == np.arange(len(classes))[:, None]).astype(np.intp)


def _traces(products: FloatArray, rows: npt.NDArray[np.intp]) -> tuple[float, float]:
    """The traces tr Σ and tr Σ² of the stimuli of some rows."""
    part = products[np.ix_(rows, rows)]
    part -= part.mean(axis=0)
    part -= part.mean(axis=1, keepdims=True)
    return max(float(np.trace(part)), 0.0) / len(rows), float(np.einsum("ij,ij->", part, part)) / len(rows) ** 2
