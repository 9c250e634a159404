"""The nearest centre of each point of a block: one product of matrices, on the CPU or on a GPU."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from isomorph.arrays import FloatArray, IntArray


class Kernel(Protocol):
    """What a pass over the images computes on a device."""

    def prepare(self, weights: FloatArray, offsets: FloatArray) -> Kernel:
        """Take centres: `[cluster, feature]` and `[cluster]`; the distance of x is, up to a constant, x · weight + offset."""

    def nearest(self, block: FloatArray) -> IntArray:
        """The nearest centre of each point, int32; of equal ones the first."""

    def sums(self, block: FloatArray, labels: IntArray) -> FloatArray:
        """`[cluster, feature]`: the sum of the points of each cluster."""


def prepared(kernel: Kernel, centres: FloatArray, mean: FloatArray) -> Kernel:
    r"""The kernel for centres `[cluster, feature]` float64, where points have this mean.

    Distances are compared by \(\lVert c' \rVert^2 + 2 \mu \cdot c' - 2 x \cdot c'\) with \(c' = c - \mu\): the points stay as they are,
    and no digits are lost where the mean \(\mu\) is large.
    """
    shifted = centres - mean
    offsets = (shifted * shifted).sum(axis=1) + 2 * shifted @ mean
    return kernel.prepare((-2 * shifted).astype(np.float32), offsets.astype(np.float32))


def kernel_on(device: str) -> Kernel:
    """The kernel for a device by name.

    Raises:
        DeviceError: This machine has no such device.
    """
    if device == "cpu":
        return CPUKernel()
    from isomorph.models._device import find_device

    return TorchKernel(find_device(device))


class CPUKernel:
    """NumPy: its BLAS and its search for the least are faster there than torch's."""

    def prepare(self, weights: FloatArray, offsets: FloatArray) -> CPUKernel:
        """See `Kernel`."""
        self._weights, self._offsets = weights, offsets
        return self

    def nearest(self, block: FloatArray) -> IntArray:
        """See `Kernel`."""
        scores = block @ self._weights.T
        scores += self._offsets
        return np.asarray(scores.argmin(axis=1).astype(np.int32))

    def sums(self, block: FloatArray, labels: IntArray) -> FloatArray:
        """See `Kernel`."""
        from scipy.sparse import csr_matrix

        shape = (len(self._weights), len(block))
        chosen = csr_matrix((np.ones(len(block), dtype=np.float32), (labels, np.arange(len(block)))), shape=shape)
        return np.asarray(chosen @ block)


class TorchKernel:
    """torch, on any of its devices; blocks are sent there as they are needed."""

    def __init__(self, device: Any) -> None:
        self._device = device

    def prepare(self, weights: FloatArray, offsets: FloatArray) -> TorchKernel:
        """See `Kernel`."""
        self._weights, self._offsets = self._sent(weights), self._sent(offsets)
        return self

    def nearest(self, block: FloatArray) -> IntArray:
        """See `Kernel`."""
        import torch

        scores = torch.addmm(self._offsets, self._sent(block), self._weights.T)
        return np.asarray(scores.argmin(dim=1).int().cpu().numpy())

    def sums(self, block: FloatArray, labels: IntArray) -> FloatArray:
        """See `Kernel`."""
        import torch

        total = torch.zeros(self._weights.shape, device=self._device)
        return np.asarray(total.index_add_(0, self._sent(labels), self._sent(block)).cpu().numpy())

    def _sent(self, array: FloatArray | IntArray) -> Any:
        import torch

        return torch.from_numpy(np.array(array)).to(self._device)
