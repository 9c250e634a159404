"""An affine map over many rows, block by block, without a copy of the whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.arrays import FloatArray, as_floats, check_finite
from isomorph.errors import ShapeError

if TYPE_CHECKING:
    from isomorph.alignment._fitted_transform import FittedTransform

_BLOCK_BYTES = 4 << 20


def apply_affine(x: FloatArray, of: FittedTransform, *, out: FloatArray | None = None, ids: Sequence[str] | None = None) -> FloatArray:
    """`((x - mean) / std) @ weights + bias`, in the precision of `x`, or of `out`.

    The division is done once, on the weights; the mean is taken off each block while that is in the cache.

    Args:
        x: `[stimulus, feature]` (or one stimulus); may be memory-mapped.
        of: The map.
        out: `[stimulus, dimension]`, where to write; may be memory-mapped.
        ids: Names for the rows, for messages.

    Raises:
        ShapeError: `x` has another width.
        NonFiniteError: `x` holds NaN or infinity.
    """
    x = _checked(x, of)
    if x.ndim == 1:
        single: FloatArray = apply_affine(x[None], of)[0]
        return single
    out = np.empty((len(x), of.output_width), dtype=x.dtype) if out is None else out
    for _ in affine_blocks(x, of, out.dtype, out=out, ids=ids):
        pass
    return out


def affine_blocks(
    x: FloatArray, of: FittedTransform, dtype: np.dtype[Any], *, out: FloatArray | None = None, ids: Sequence[str] | None = None
) -> Iterator[FloatArray]:
    """The mapped rows, block after block: views of `out`, or of one buffer that the next block overwrites. See `apply_affine`."""
    weights = (of.weights if of.std is None else of.weights / np.broadcast_to(of.std, of.width)[:, None]).astype(dtype)
    mean = None if of.mean is None else of.mean.astype(dtype)
    bias = None if of.bias is None else of.bias.astype(dtype)
    rows = max(1, _BLOCK_BYTES // (dtype.itemsize * max(weights.shape)))
    centred = np.empty((min(rows, len(x)), of.width), dtype=dtype)
    buffer = np.empty((min(rows, len(x)), of.output_width), dtype=dtype) if out is None else None
    for start in range(0, len(x), rows):
        block = x[start : start + rows]
        result = out[start : start + rows] if buffer is None else buffer[: len(block)]  # type: ignore[index]
        if mean is not None or block.dtype != dtype:
            block = np.subtract(block, 0 if mean is None else mean, out=centred[: len(block)], dtype=dtype)
        np.matmul(block, weights, out=result)
        if bias is not None:
            result += bias
        if not np.isfinite(result.sum(dtype=np.float64)):  # a row that is not finite comes out so; look closer only then
            check_finite(x, name="the feature matrix", ids=ids)
        yield result


def _checked(x: FloatArray, of: FittedTransform) -> FloatArray:
    x = as_floats(x, name="features") if not isinstance(x, np.memmap) or x.dtype.kind != "f" or x.dtype.itemsize == 2 else x
    if x.ndim not in (1, 2) or x.shape[-1] != of.width:
        raise ShapeError(
            f"the transform takes {of.width} features a stimulus{f' ({of.model} at {of.layer})' if of.model else ''}, "
            f"but the features have shape {x.shape}. Read them at the layer it was fitted to."
        )
    return x
