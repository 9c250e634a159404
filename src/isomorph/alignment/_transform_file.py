"""Fitted transforms on disk: ours with all they know, and the published form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from isomorph import data
from isomorph.alignment._fitted_transform import FittedTransform
from isomorph.alignment._own_file import read_own, write_own
from isomorph.alignment._published import described
from isomorph.errors import FileError, InputError, IsomorphError, StoreError
from isomorph.spec import from_plain
from isomorph.store._atomic import publish, temporary_file

_PARTS = ("weights", "bias", "mean", "std")
_LIMIT_BYTES = 1 << 30
_PICKLES = (".pkl", ".pickle", ".joblib")


@dataclass(frozen=True, kw_only=True)
class _Facts:
    """The header of our files; reading it checks the types."""

    method: str
    options: Mapping[str, Any]
    seen: tuple[str, ...] | None
    layer: str
    model: str
    model_fingerprint: str
    history: tuple[Mapping[str, float], ...]
    notes: tuple[str, ...]


def write_transform(fitted: FittedTransform, path: Path) -> Path:
    """Write a transform whole or not at all, in the form that the suffix names."""
    if path.suffix not in (".safetensors", ".npz"):
        raise InputError(f"a transform is written as .safetensors (all of it) or .npz (the published form); got {path.name!r}.")
    try:
        if path.suffix == ".npz":
            with temporary_file(path, needed=0) as (file, temporary):
                np.savez_compressed(file, **published_arrays(fitted))
            publish(temporary, path)
        else:
            write_own(path, "transform", fitted.facts, {name: np.atleast_1d(part) for name, part in fitted.parts.items()})
    except (StoreError, OSError) as error:
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        raise FileError(f"{path} cannot be written: {getattr(cause, 'strerror', None) or cause}.") from error
    return path


def published_arrays(fitted: FittedTransform) -> dict[str, Any]:
    """`weights`, `bias`, `mean` and `std` as the published files have them: the last two one number each.

    A mean and deviation of each feature go into weights and bias, which changes nothing of what is computed.
    """
    mean, std = fitted.mean, fitted.std
    weights, bias = fitted.weights, fitted.bias
    if (mean is not None and mean.ndim) or (std is not None and std.ndim):
        if std is not None:
            weights = weights / np.broadcast_to(std, fitted.width)[:, None]
        if mean is not None:
            bias = (0 if bias is None else bias) - np.broadcast_to(mean, fitted.width) @ weights
        mean = std = None
    arrays: dict[str, Any] = {
        "weights": weights,
        "mean": np.float64(0) if mean is None else mean,
        "std": np.float64(1) if std is None else std,
    }
    arrays |= {} if bias is None else {"bias": bias}
    return {
        name: single if np.array_equal(single := np.asarray(part, np.float32), part) else np.asarray(part) for name, part in arrays.items()
    }


def read_transform(path: Path) -> FittedTransform:
    """Read a transform; the errors of `FittedTransform.load`."""
    if path.suffix.lower() in _PICKLES:
        raise FileError(
            f"{path} is a pickle, which can run code when it is read, so it never is. Save the weights with np.savez(…, weights=…, mean=…, "
            "std=…), or use the published .npz."
        )
    if not path.is_file():
        raise FileError(f"there is no file {path}.")
    if path.suffix.lower() == ".npz":
        return _read_npz(path)
    if path.suffix.lower() == ".safetensors":
        return _read_ours(path)
    raise FileError(f"{path} has the suffix {path.suffix!r}; transforms are read from .safetensors and .npz.")


def _read_npz(path: Path) -> FittedTransform:
    arrays = data.read_npz(path, limit_bytes=_LIMIT_BYTES)
    missing = [name for name in ("weights", "mean", "std") if name not in arrays]
    if missing:
        held = ", ".join(sorted(arrays)) or "nothing"
        raise FileError(f"{path} is no transform: it lacks {' and '.join(map(repr, missing))}; it holds {held}.")
    parts = {name: arrays[name] for name in _PARTS if name in arrays}
    for name, part in parts.items():
        if part.dtype.kind not in "fiu":
            raise FileError(f"{path} is no transform: its {name!r} are of type {part.dtype}, not numbers.")
    try:
        fitted = FittedTransform(**parts, method="affine", options={"file": path.name})
    except InputError as error:
        raise FileError(f"{path} is no transform: {error}") from error
    return described(fitted, path)


def _read_ours(path: Path) -> FittedTransform:
    try:
        plain, tensors = read_own(path, "transform")
        parts: dict[str, Any] = {name: tensors[name] for name in _PARTS if name in tensors}
        scalars = {name: parts[name][0] for name in ("mean", "std") if name in parts and len(parts[name]) == 1}
        facts: dict[str, Any] = vars(from_plain(_Facts, plain))
        return FittedTransform(**(parts | scalars | facts))
    except (IsomorphError, KeyError, TypeError, ValueError, OSError, RecursionError) as error:
        raise FileError(f"{path} holds no transform of Isomorph, or is damaged: {error}.".replace("..", ".")) from error
