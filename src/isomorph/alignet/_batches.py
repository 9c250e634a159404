"""Triplets in batches: which ones, and each of their pictures decoded once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from isomorph.arrays import IntArray
from isomorph.errors import InputError, IsomorphError

if TYPE_CHECKING:
    from isomorph.judgments import Triplets
    from isomorph.models import Model
    from isomorph.stimuli import Stimuli

_AHEAD = 2


class PictureError(InputError):
    """A picture of a batch cannot be read."""


@dataclass(frozen=True)
class Batch:
    """Some triplets and their pictures.

    Attributes:
        pictures: Prepared, each once, on the CPU.
        items: `[triplet, 3]`, rows of `pictures`.
        similarities: `[triplet, 3]`, the target's logits.
        skipped: Pictures that could not be read, whose triplets were left out.
    """

    pictures: torch.Tensor
    items: torch.Tensor
    similarities: torch.Tensor
    skipped: tuple[str, ...] = ()


class Pictures:
    """Prepared pictures by their row, kept in memory while there is room; those decoded longest ago make room first.

    Args:
        model: Whose preparation.
        stimuli: The pictures.
        cache_bytes: What those that are kept may take.
        workers: How many threads decode.
    """

    def __init__(self, model: Model, stimuli: Stimuli, *, cache_bytes: int, workers: int) -> None:
        self._model, self._stimuli = model, stimuli
        self._room = cache_bytes
        self._kept: OrderedDict[int, torch.Tensor] = OrderedDict()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def begin(self, rows: IntArray) -> list[Future[torch.Tensor]]:
        """Start to decode; each result is one prepared picture."""
        return [self._pool.submit(self._prepared, int(row)) for row in rows]

    def _prepared(self, row: int) -> torch.Tensor:
        held = self._kept.get(row)
        if held is not None:
            return held
        try:
            picture: torch.Tensor = self._model.prepare([self._stimuli[row]])[0]
        except (IsomorphError, OSError) as error:
            raise PictureError(f"the picture {self._stimuli.ids[row]!r} cannot be read: {str(error).rstrip('.')}.") from error
        self._kept[row] = picture
        size = picture.numel() * picture.element_size()
        while len(self._kept) * size > self._room and self._kept:
            try:
                self._kept.popitem(last=False)
            except KeyError:  # another thread made room
                break
        return picture


def order(trials: int, seed: int, epoch: int) -> IntArray:
    """The order of an epoch's triplets; the same whenever it is asked for."""
    shuffled: IntArray = np.random.default_rng([seed, epoch]).permutation(trials)
    return shuffled


def training_rows(trials: int, batch: int, *, first: int, steps: int, seed: int) -> Iterator[IntArray]:
    """The triplets of the steps `first` … `steps` - 1; what is left of an epoch after whole batches is not used in it."""
    an_epoch = trials // batch
    epoch = -1
    shuffled: IntArray
    for step in range(first, steps):
        if step // an_epoch != epoch:
            epoch = step // an_epoch
            shuffled = order(trials, seed, epoch)
        at = step % an_epoch * batch
        yield shuffled[at : at + batch]


def batches(
    pictures: Pictures, triplets: Triplets, which: Iterator[IntArray], stimulus_rows: IntArray, *, skip: bool = False
) -> Iterator[Batch]:
    """Batches in order, decoded some steps ahead.

    Args:
        pictures: Where they come from.
        triplets: With similarities (a teacher's) or `soft` (shares of people).
        which: The rows of each batch.
        stimulus_rows: For each object of the triplets its row among the stimuli.
        skip: Leave out triplets whose pictures cannot be read, instead of stopping.

    Raises:
        PictureError: A picture cannot be read, and `skip` is false; or every triplet of a batch has such a picture.
    """
    waiting: list[tuple[IntArray, IntArray, Any, list[Future[torch.Tensor]]]] = []
    for rows in which:
        chosen = np.sort(rows)  # neighbours on the disk are read together; a batch has no order
        shown, items = np.unique(np.asarray(triplets.items[chosen]), return_inverse=True)
        waiting.append((shown, items.reshape(-1, 3), _targets(triplets, chosen), pictures.begin(stimulus_rows[shown])))
        if len(waiting) > _AHEAD:
            yield _gathered(*waiting.pop(0), triplets.objects, skip=skip)
    while waiting:
        yield _gathered(*waiting.pop(0), triplets.objects, skip=skip)


def _targets(triplets: Triplets, rows: IntArray) -> torch.Tensor:
    if triplets.similarities is not None:
        return torch.from_numpy(np.array(triplets.similarities[rows], dtype=np.float32))
    if triplets.soft is None:
        raise InputError(
            "a student learns from triplets with a teacher's similarities, or with people's shares (soft); these have neither."
        )
    return torch.from_numpy(np.log(np.maximum(triplets.soft[rows], 1e-12)).astype(np.float32))


def _gathered(
    shown: IntArray, items: IntArray, targets: torch.Tensor, futures: list[Future[torch.Tensor]], names: tuple[str, ...], *, skip: bool
) -> Batch:
    decoded: list[torch.Tensor] = []
    bad: list[int] = []
    error: PictureError | None = None
    place = np.full(len(shown), -1)
    for at, future in enumerate(futures):
        try:
            decoded.append(future.result())
            place[at] = len(decoded) - 1
        except PictureError as problem:
            error = problem
            if not skip:
                raise
            bad.append(at)
    kept = (place[items] >= 0).all(axis=1)
    if error is not None and not kept.any():
        raise error
    return Batch(
        pictures=torch.stack(decoded),
        items=torch.from_numpy(place[items][kept]),
        similarities=targets[torch.from_numpy(kept)],
        skipped=tuple(names[shown[at]] for at in bad),
    )
