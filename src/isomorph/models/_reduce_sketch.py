"""Count-sketch: many features in few columns, inner products kept on average, nothing stored but signs."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import numpy.typing as npt
import torch

from isomorph.errors import InputError

_SIGNS_OF_BYTE = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.float32) * 2 - 1
_STARTS = 2**16
"""Layers start at one of so many places in the row of signs, so that two of one width are not sketched alike."""


def sketch_width(n: int, *, epsilon: float = 0.1) -> int:
    r"""How many columns keep all distances between `n` points within \(1 \pm \epsilon\) (Johnson and Lindenstrauss).

    $$k = \lfloor 4 \ln n \, / \, (\epsilon^2 / 2 - \epsilon^3 / 3) \rfloor$$

    Raises:
        InputError: `epsilon` is not between 0 and 1.

    Example:
        >>> sketch_width(92), sketch_width(1000)
        (3875, 5920)
    """
    if not 0 < epsilon < 1:
        raise InputError(f"epsilon lies between 0 and 1; got {epsilon}.")
    return max(1, math.floor(4 * math.log(max(n, 2)) / (epsilon**2 / 2 - epsilon**3 / 3)))


def random_signs(seed: int, count: int) -> torch.Tensor:
    """As many independent signs, +1 or -1: the first ones are the same whatever the count, on every machine."""
    key = int.from_bytes(hashlib.sha256(str(seed).encode()).digest()[:8], "little")
    bytes_ = _mixed(key, 0, -(-count // 64)).astype("<u8").view(np.uint8)
    return torch.from_numpy(_SIGNS_OF_BYTE[bytes_].reshape(-1)[:count])


class CountSketch:
    r"""Adds every feature, with a random sign, to one column of `width`.

    $$\mathrm{sketch}(x)_c = \sum_{j : h(j) = c} s_j x_j, \qquad h(j) = (j \bmod p) \bmod k, \qquad
    \mathbb{E}\,\langle \mathrm{sketch}(x), \mathrm{sketch}(y) \rangle = \langle x, y \rangle$$

    Here k is `width` and p the smallest prime not below it. Signs alone are random, and independent within a layer, so that inner products
    are kept on average for every x and y, with the variance

    $$\sum_{j \ne l,\; h(j) = h(l)} x_j^2 y_l^2 + x_j y_j x_l y_l \;\le\; 2 \sum_c X_c Y_c, \qquad X_c = \sum_{h(j) = c} x_j^2 .$$

    That is \(2 \lVert x \rVert^2 \lVert y \rVert^2 / k\), as with random columns, where no column gets more than its share of either. Runs
    of features (a position, a map) spread over neighbouring columns, and regular ones (a channel in every token) over all of them, because
    a prime shares no factor with their period. Sums run over contiguous memory and read each feature once.

    The signs start at a place in `random_signs` that the layer's name decides. Features no wider than `width` are left as they are.

    Args:
        layer: The layer's name.
        features: How many features it has.
        width: How many columns to make of them.
        seed: Another seed gives another sketch.
        signs: `random_signs` of this seed, at least `signs_needed(features)` of them; many layers can share them.

    References:
        Charikar, Chen and Farach-Colton, 2002, <https://doi.org/10.1007/3-540-45465-9_59>.
    """

    def __init__(self, layer: str, features: int, *, width: int, seed: int = 0, signs: torch.Tensor | None = None) -> None:
        self.exact = features <= width
        self.width = min(width, features)
        if self.exact:
            return
        self._prime = next_prime(width)
        start = int.from_bytes(hashlib.sha256(layer.encode()).digest()[:8], "little") % _STARTS
        self._signs = (random_signs(seed, signs_needed(features)) if signs is None else signs)[start : start + features]

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """Sketch rows `[item, feature]`, on their own device."""
        if self.exact:
            return rows
        if self._signs.device != rows.device:
            self._signs = self._signs.to(rows.device)
        features, prime = rows.shape[1], self._prime
        count = features // prime
        whole = count * prime
        blocks, signs = rows[:, :whole].view(len(rows), count, prime), self._signs[:whole].view(count, prime)
        if rows.device.type == "cpu":  # one pass that reads each feature once; torch would write all the products first
            sums = torch.from_numpy(np.einsum("ibc,bc->ic", blocks.numpy(), signs.numpy()))
        else:
            sums = torch.einsum("ibc,bc->ic", blocks, signs)
        sums[:, : features - whole].addcmul_(rows[:, whole:], self._signs[whole:])
        sums[:, : prime - self.width] += sums[:, self.width :]
        return sums[:, : self.width]


def signs_needed(features: int) -> int:
    """How many of `random_signs` the sketch of so many features may read."""
    return features + _STARTS


def next_prime(number: int) -> int:
    """The smallest prime that is not below `number`."""
    while number < 2 or any(number % divisor == 0 for divisor in range(2, math.isqrt(number) + 1)):
        number += 1
    return number


def _mixed(key: int, first: int, count: int) -> npt.NDArray[np.uint64]:
    """64 well-mixed bits for each counter value (the finaliser of SplitMix64)."""
    with np.errstate(over="ignore"):
        z = np.uint64(key) + np.arange(first + 1, first + count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))
