"""The Gram matrix of features that come a few columns at a time and are never held as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from isomorph.errors import NonFiniteError, ShapeError
from isomorph.geometry._gram import Gram

_BUFFER_VALUES = 4_200_000
"""How many float32 values one product reads: few enough for the cache to hold, enough for the product to run at full speed."""

_BLOCK_ROWS = 64


class GramAccumulator:
    r"""Adds up the Gram matrix of `n` stimuli over chunks of columns: float32 products, float64 sums.

    Each chunk is shifted by its column means before it is multiplied, so that a large common offset costs no digits; the two vectors that
    restore the raw products come out of the same product, in which the means and a row of ones stand below the shifted rows:

    $$\begin{bmatrix} B \\ m \\ 1 \end{bmatrix} \begin{bmatrix} B \\ m \\ 1 \end{bmatrix}^\top, \qquad B = X - 1 m^\top$$

    What rounding leaves of the means in B is taken out again in float64 at the end. The relative error of `centred` is about 1e-6.

    Args:
        n: How many stimuli: the rows of every chunk.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(5, 40)).astype(np.float32)
        >>> sums = GramAccumulator(5)
        >>> sums.add(x[:, :30]); sums.add(x[:, 30:])
        >>> bool(np.allclose(sums.gram(ids=list("abcde")).raw(), x @ x.T, atol=1e-4))
        True
    """

    def __init__(self, n: int) -> None:
        self.n = n
        self.width = 0
        self.step = _step(n)
        self._sums: Any = None
        self._buffer: Any = None
        self._product: Any = None

    def add(self, chunk: Any) -> None:
        """Add columns: a numpy array or a torch tensor `[n, column]`; a tensor is multiplied on its own device.

        Raises:
            ShapeError: The chunk has not `n` rows.
        """
        import torch

        tensor = chunk if isinstance(chunk, torch.Tensor) else torch.from_numpy(np.asarray(chunk, dtype=np.float32))
        if tensor.ndim != 2 or len(tensor) != self.n:
            raise ShapeError(f"a chunk of columns needs the shape [{self.n}, columns]; got {tuple(tensor.shape)}.")
        if self._sums is None or self._sums.device != tensor.device:
            self._allocate(tensor.device)
        for start in range(0, tensor.shape[1], self.step):
            self._multiply(tensor[:, start : start + self.step].float())
        self.width += tensor.shape[1]

    def reset(self) -> None:
        """Begin anew, with the same memory."""
        self.width = 0
        if self._sums is not None:
            self._sums.zero_()

    @property
    def finite(self) -> bool:
        """Whether all products so far are finite numbers."""
        return self._sums is None or bool(np.isfinite(self._sums.sum().item()))

    def gram(self, *, ids: Sequence[str], layer: str = "", subject: str = "", reduction: str = "exact") -> Gram:
        """The Gram matrix of all columns so far.

        Raises:
            NonFiniteError: A value was NaN or infinite, or a product is beyond float32.
        """
        n = self.n
        sums = np.zeros((n + 2, n + 2)) if self._sums is None else self._sums.cpu().numpy()
        sums = np.triu(sums) + np.triu(sums, 1).T  # not every product fills the lower triangle
        if not self.finite:
            bad = int((~np.isfinite(np.diagonal(sums)[:n])).sum())
            raise NonFiniteError(
                f"the features hold NaN, infinite or overflowing values; the products of {bad} of {n} stimuli are no numbers."
            )
        product, with_mean, with_ones = sums[:n, :n], sums[:n, n], sums[:n, n + 1]
        left = product.mean(axis=1)
        mean_product = with_mean + sums[n, n] + left + with_mean.mean()
        centred = product - left[:, None] - left + left.mean()
        return Gram(centred, mean_product, with_ones + sums[n, n + 1], self.width, tuple(ids), layer, subject, reduction)

    def _allocate(self, device: Any) -> None:
        import torch

        rows = self.n + 2
        self._buffer = torch.ones((rows, self.step), device=device)
        self._average = torch.full((1, self.n), 1 / self.n, device=device)
        self._product = torch.zeros((rows, rows), device=device)
        self._sums = torch.zeros((rows, rows), dtype=torch.float64, device=device)

    def _multiply(self, columns: Any) -> None:
        import torch

        buffer = self._buffer[:, : columns.shape[1]]
        torch.mm(self._average, columns, out=buffer[self.n : self.n + 1])
        torch.sub(columns, buffer[self.n], out=buffer[: self.n])
        if buffer.device.type == "cpu" and torch.get_num_threads() == 1:  # with more, numpy's threads and torch's would wait for each other
            rows = buffer.numpy()
            with np.errstate(over="ignore", invalid="ignore"):  # `finite` tells
                np.matmul(rows, rows.T, out=self._product.numpy())  # a matrix and its own transpose: half the work of a general product
        else:
            for start in range(0, self.n + 2, _BLOCK_ROWS):
                block = slice(start, start + _BLOCK_ROWS)
                torch.mm(buffer[block], buffer[start:].T, out=self._product[block, start:])
        self._sums += self._product


def accumulator_bytes(n: int) -> int:
    """What a `GramAccumulator` of `n` stimuli, and a chunk of columns gathered for it, hold."""
    return 8 * (n + 2) * _step(n) + 12 * (n + 2) ** 2


def _step(n: int) -> int:
    return min(4096, max(512, _BUFFER_VALUES // (n + 2)))
