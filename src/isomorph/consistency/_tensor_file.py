"""One matrix out of a `.pt` file, without running what the file says.

Studies of 2024 wrote numpy arrays with `torch.save`. Such a file is a pickle that names numpy's functions. Here those names lead to
three small stand-ins that only note their arguments; the array is then built from a checked type, shape and bytes.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import FileError

_NUMBERS = frozenset({"f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "b1"})


class _Type:
    """Stands for `numpy.dtype`."""

    def __init__(self, code: Any = "", *_: Any) -> None:
        self.code = code
        self.order = "="

    def __setstate__(self, state: Any) -> None:
        self.order = state[1]


class _Array:
    """Stands for `numpy.ndarray`."""

    state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def array(self) -> FloatArray:
        _, shape, kind, columns_first, content = self.state
        if not isinstance(kind, _Type) or kind.code not in _NUMBERS or kind.order not in ("<", ">", "|", "="):
            raise ValueError("it holds an array of something else than plain numbers")
        sizes = tuple(int(each) for each in shape)
        dtype = np.dtype(kind.order + kind.code)
        if not isinstance(content, bytes) or min(sizes, default=1) < 0 or math.prod(sizes) * dtype.itemsize != len(content):
            raise ValueError(f"its array of shape {sizes} does not fit its bytes")
        return np.frombuffer(content, dtype=dtype).reshape(sizes, order="F" if columns_first else "C").astype(np.float64)


def _begin(*_: Any) -> _Array:
    """Stands for numpy's `_reconstruct`, which makes an empty array to be filled."""
    return _Array()


def read_tensor(path: Path) -> FloatArray:
    """The one array of numbers in a `.pt` file, a tensor or a numpy array, as float64.

    Raises:
        FileError: It holds anything else, or cannot be read without running code.
    """
    import torch

    names = [f"numpy.{package}.multiarray._reconstruct" for package in ("core", "_core")]
    stand_ins: list[Any] = [*((_begin, name) for name in names), (_Array, "numpy.ndarray"), (_Type, "numpy.dtype")]
    try:
        with torch.serialization.safe_globals(stand_ins):
            content = torch.load(path, map_location="cpu", weights_only=True)
        if isinstance(content, torch.Tensor):
            return np.asarray(content.detach().to(torch.float64).numpy())
        if isinstance(content, _Array):
            return content.array()
        raise ValueError(f"it holds {type(content).__name__}, not one array")
    except FileNotFoundError as error:
        raise FileError(f"there is no file {path}.") from error
    except Exception as error:  # a foreign file fails in many ways: what matters is which file, and the way out
        ours = type(error) is ValueError
        reason = str(error) if ours else "it is damaged, or asks for more than plain arrays"
        raise FileError(
            f"{path} cannot be read as a matrix: {reason}. Only tensors and numpy arrays of numbers are read, as anything else could "
            "run code. Where you trust the file, convert it once: numpy.save('similarity_matrix.npy', "
            f"torch.load('{path.name}', weights_only=False))."
        ) from error
