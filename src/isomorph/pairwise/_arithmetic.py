"""Products on the processor by numpy, on other devices by torch: the few operations that the engine needs of either."""

from __future__ import annotations

from typing import Any

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import DeviceError

BLOCK_TERMS = 2**16
"""How many products float32 may add up before float64 takes over: so few that six digits stay right."""

CACHED_VALUES, DEVICE_VALUES = 2**17, 2**22


class Arithmetic:
    """Where and in which precision products are formed.

    Args:
        device: `"cpu"` (numpy) or a device of torch.
        dtype: `float32` or `float64`, of the products; sums over more than `BLOCK_TERMS` are always float64.
        library: `"torch"` for torch on the processor as well.

    Raises:
        DeviceError: The machine lacks the device, or torch was told to multiply float32 less exactly.
    """

    def __init__(self, device: str, dtype: Any, *, library: str = "") -> None:
        self.dtype = np.dtype(dtype)
        self.xp: Any = np
        self._device: Any = None
        if device == "cpu" and library != "torch":
            return
        import torch

        self.xp = torch
        try:
            self._device = torch.device(device)
            torch.zeros(1, device=self._device)
        except (RuntimeError, AssertionError) as error:
            there = ", ".join(["'cpu'", *(f"'cuda:{index}'" for index in range(torch.cuda.device_count()))])
            raise DeviceError(f"this machine has no device {device!r}; it has {there}.") from error
        if self.dtype == np.float32 and (told := torch.get_float32_matmul_precision()) != "highest":
            raise DeviceError(
                f"torch multiplies float32 with the precision {told!r} here, which keeps three digits. Call "
                "torch.set_float32_matmul_precision('highest'), or use products='float64'."
            )

    @property
    def block_values(self) -> int:
        """How many relations of one thing are transformed at a time: on the processor they stay in the cache."""
        return DEVICE_VALUES if self._device is not None and self._device.type != "cpu" else CACHED_VALUES

    @property
    def _type(self) -> Any:
        return self.dtype if self.xp is np else getattr(self.xp, self.dtype.name)

    def put(self, array: Any) -> Any:
        """A numpy array where the products are formed, in their precision."""
        if self.xp is np:
            return np.asarray(array, dtype=self.dtype)
        return self.xp.from_numpy(np.array(array, dtype=self.dtype)).to(self._device)

    def empty(self, *shape: int) -> Any:
        """Uninitialised memory."""
        return np.empty(shape, self.dtype) if self.xp is np else self.xp.empty(shape, dtype=self._type, device=self._device)

    def get(self, array: Any) -> FloatArray:
        """As a numpy array in float64."""
        return np.asarray(array if self.xp is np else array.cpu().numpy(), dtype=np.float64)

    def squares(self, rows: Any) -> FloatArray:
        """`rows @ rows.T` for `[row, term]`: products as they come, sums over blocks in float64."""
        total = np.zeros((len(rows), len(rows)))
        done = 0
        if self.xp is not np and rows.shape[1] > BLOCK_TERMS:  # all blocks at once: a device waits for nothing but their sum
            done = rows.shape[1] // BLOCK_TERMS * BLOCK_TERMS
            blocks = rows[:, :done].reshape(len(rows), -1, BLOCK_TERMS).swapaxes(0, 1)
            total += self.get(self.xp.matmul(blocks, blocks.swapaxes(1, 2)).sum(axis=0, dtype=self.xp.float64))
        for start in range(done, rows.shape[1], BLOCK_TERMS):
            block = rows[:, start : start + BLOCK_TERMS]
            total += self.get(block @ block.T)
        return total

    def squares_by_row(self, stack: Any) -> FloatArray:
        """`stack[:, i] @ stack[:, i].T` for each i of `[thing, i, term]`, as `[i, thing, thing]`."""
        by_row = stack.swapaxes(0, 1)
        total = np.zeros((stack.shape[1], len(stack), len(stack)))
        for start in range(0, stack.shape[2], BLOCK_TERMS):
            block = by_row[:, :, start : start + BLOCK_TERMS]
            total += self.get(self.xp.matmul(block, block.swapaxes(1, 2)))
        return total
