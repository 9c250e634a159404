"""Odd-one-out embeddings on disk: ours with all runs, and the published forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from isomorph import data
from isomorph.alignment._odd_one_out_embedding import ConvergenceTrace, OddOneOutEmbedding
from isomorph.alignment._own_file import read_own, write_own
from isomorph.arrays import FloatArray, as_floats, check_finite
from isomorph.errors import FileError, InputError, IsomorphError, StoreError
from isomorph.spec import from_plain, to_plain

_LIMIT_BYTES = 1 << 30
_TRACE = ("epochs", "train", "held_out", "dimensions")


@dataclass(frozen=True, kw_only=True)
class _Run:
    seed: int
    held_out: float | None
    settled: bool | None


@dataclass(frozen=True, kw_only=True)
class _Facts:
    """The header of our files; reading it checks the types."""

    objects: tuple[str, ...]
    method: str
    options: Mapping[str, Any]
    trials: str
    chosen: int
    several: bool
    runs: tuple[_Run, ...]


def write_embedding(embedding: OddOneOutEmbedding, path: Path) -> Path:
    """Write an embedding with all its runs, whole or not at all."""
    if path.suffix != ".safetensors":
        raise InputError(f"an embedding is written as .safetensors; got {path.name!r}.")
    runs = embedding.runs or (embedding,)
    facts = _Facts(
        objects=embedding.objects,
        method=embedding.method,
        options=embedding.options,
        trials=embedding.trials,
        chosen=[each.seed for each in runs].index(embedding.seed),
        several=bool(embedding.runs),
        runs=tuple(
            _Run(
                seed=each.seed,
                held_out=each.held_out if np.isfinite(each.held_out) else None,
                settled=each.trace.settled if each.trace else None,
            )
            for each in runs
        ),
    )
    tensors: dict[str, Any] = {}
    for at, run in enumerate(runs):
        tensors[f"mean.{at}"] = np.ascontiguousarray(run.mean, dtype=np.float64)
        if run.scale is not None:
            tensors[f"scale.{at}"] = np.ascontiguousarray(run.scale, dtype=np.float64)
        if run.trace is not None:
            tensors[f"trace.{at}"] = np.array([getattr(run.trace, name) for name in _TRACE], dtype=np.float64)
    try:
        write_own(path, "embedding", {"facts": to_plain(facts)}, tensors)
    except (StoreError, OSError) as error:
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        raise FileError(f"{path} cannot be written: {getattr(cause, 'strerror', None) or cause}.") from error
    return path


def read_embedding(path: Path, objects: Sequence[str] | None) -> OddOneOutEmbedding:
    """Read an embedding; the errors of `OddOneOutEmbedding.load`."""
    if not path.is_file():
        raise FileError(f"there is no file {path}.")
    kind = path.suffix.lower()
    if kind == ".safetensors":
        return _read_ours(path)
    if kind not in (".npz", ".npy"):
        raise FileError(f"{path} has the suffix {path.suffix!r}; embeddings are read from .safetensors, .npz and .npy.")
    if objects is None:
        raise InputError(f"{path.name} does not say which object stands in which row; pass objects=… in the order of its rows.")
    mean, scale = _published(path, kind)
    for name, part in (("means", mean), ("scales", scale)):
        if part is not None and (part.ndim != 2 or part.shape != mean.shape or len(part) != len(objects)):
            raise FileError(
                f"{path} has {name} of shape {part.shape}; {len(objects):,} objects need that many rows, the same in all parts."
            )
        if part is not None:
            check_finite(part, name=f"the matrix of {name} in {path.name}", ids=objects, rows="objects")
    method = "SPoSE" if scale is None else "VICE"
    return OddOneOutEmbedding(objects=tuple(objects), mean=mean, scale=scale, method=method, options={"file": path.name})


def _published(path: Path, kind: str) -> tuple[FloatArray, FloatArray | None]:
    """VICE's `pruned_loc` and `pruned_scale`, or a bare matrix."""
    if kind == ".npy":
        try:
            return as_floats(np.load(path, allow_pickle=False), name=path.name), None
        except (ValueError, OSError, EOFError) as error:
            raise FileError(f"{path} is no array of numbers: {error}.".replace("..", ".")) from error
    arrays = data.read_npz(path, limit_bytes=_LIMIT_BYTES)
    missing = [name for name in ("pruned_loc", "pruned_scale") if name not in arrays]
    if missing:
        held = ", ".join(sorted(arrays)) or "nothing"
        raise FileError(f"{path} is no embedding: it lacks {' and '.join(map(repr, missing))}; it holds {held}.")
    return as_floats(arrays["pruned_loc"], name="pruned_loc"), as_floats(arrays["pruned_scale"], name="pruned_scale")


def _read_ours(path: Path) -> OddOneOutEmbedding:
    try:
        plain, tensors = read_own(path, "embedding")
        facts = from_plain(_Facts, plain["facts"])
        runs = tuple(_read_run(facts, at, tensors) for at in range(len(facts.runs)))
        return replace(runs[facts.chosen], runs=runs if facts.several else ())
    except (IsomorphError, KeyError, IndexError, TypeError, ValueError, OSError, RecursionError) as error:
        raise FileError(f"{path} holds no embedding of Isomorph, or is damaged: {error}.".replace("..", ".")) from error


def _read_run(facts: _Facts, at: int, tensors: Mapping[str, Any]) -> OddOneOutEmbedding:
    run, mean, scale = facts.runs[at], tensors[f"mean.{at}"], tensors.get(f"scale.{at}")
    if mean.ndim != 2 or len(mean) != len(facts.objects) or (scale is not None and scale.shape != mean.shape):
        raise FileError(f"run {at} has means of shape {mean.shape} for {len(facts.objects)} objects")
    trace = None
    if f"trace.{at}" in tensors:
        epochs, train, held_out, counts = tensors[f"trace.{at}"]
        trace = ConvergenceTrace(epochs.astype(int), train, held_out, counts.astype(int), bool(run.settled))
    return OddOneOutEmbedding(
        objects=facts.objects,
        mean=mean,
        scale=scale,
        method=facts.method,
        options=facts.options,
        seed=run.seed,
        held_out=float("nan") if run.held_out is None else run.held_out,
        trace=trace,
        trials=facts.trials,
    )
