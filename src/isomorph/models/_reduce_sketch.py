"""Count-sketch: many features in few columns, inner products kept on average, nothing stored but signs."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import numpy.typing as npt
import torch

from isomorph.errors import InputError

_SIGNS_OF_BYTE = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.float32) * 2 - 1


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


class CountSketch:
    r"""Adds every feature, with a random sign, to one random column of `width`.

    $$\mathrm{sketch}(x)_c = \sum_{j : h(j) = c} s_j x_j, \qquad
    \mathbb{E}\,\langle \mathrm{sketch}(x), \mathrm{sketch}(y) \rangle = \langle x, y \rangle$$

    Features are taken in blocks of `width`; within a block no two share a column, and each block is turned by a random offset, so that the
    chance of two features of different blocks to meet is 1 / `width`, as if each column had been drawn alone. The variance is at most that
    of independent draws, \(2 \lVert x \rVert^2 \lVert y \rVert^2 / k\), and the sums run over contiguous memory.

    Signs and offsets come from SHA-256 of `(seed, layer)` and a counter: the same on every machine and device. Features no wider than
    `width` are left as they are.

    Args:
        layer: The layer's name.
        features: How many features it has.
        width: How many columns to make of them.
        seed: Another seed gives another sketch.

    References:
        Charikar, Chen and Farach-Colton, 2002, <https://doi.org/10.1007/3-540-45465-9_59>.
    """

    def __init__(self, layer: str, features: int, *, width: int, seed: int = 0) -> None:
        self.exact = features <= width
        self.width = min(width, features)
        if self.exact:
            return
        key = int.from_bytes(hashlib.sha256(f"{seed}\0{layer}".encode()).digest()[:8], "little")
        blocks = -(-features // width)
        self._offsets = [int(each % np.uint64(width)) for each in _mixed(key, 0, blocks)]
        bytes_ = _mixed(key, blocks, -(-features // 64)).astype("<u8").view(np.uint8)
        self._signs = torch.from_numpy(_SIGNS_OF_BYTE[bytes_].reshape(-1)[:features])

    def __call__(self, rows: torch.Tensor, *, scratch: torch.Tensor | None = None) -> torch.Tensor:
        """Sketch rows `[item, feature]`, on their own device; `scratch` is memory `[item, 2 width]` that may be written over."""
        if self.exact:
            return rows
        if self._signs.device != rows.device:
            self._signs = self._signs.to(rows.device)
        # twice as wide, so that no block has to wrap around
        turned = rows.new_empty((len(rows), 2 * self.width)) if scratch is None else scratch[: len(rows), : 2 * self.width]
        turned.zero_()
        for part, signs, offset in zip(torch.split(rows, self.width, 1), torch.split(self._signs, self.width), self._offsets, strict=True):
            turned[:, offset : offset + len(signs)].addcmul_(part, signs)
        return turned[:, : self.width].add_(turned[:, self.width :])


def _mixed(key: int, first: int, count: int) -> npt.NDArray[np.uint64]:
    """64 well-mixed bits for each counter value (the finaliser of SplitMix64)."""
    with np.errstate(over="ignore"):
        z = np.uint64(key) + np.arange(first + 1, first + count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))
