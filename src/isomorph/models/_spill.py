"""Where rows wait until every stimulus has been seen: in memory, or as one shard a batch in a store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from isomorph.store import Writer

if TYPE_CHECKING:
    import torch

Rows = npt.NDArray[np.float32]
_PIECE_BYTES = 16 * 2**20
"""How much of a layer is read from files at a time: its rows lie far apart in them, and small pieces cost a call each."""
_PIECE_COLUMNS = 512
"""Pieces have a multiple of so many columns, if they have more, and so the products of a Gram matrix no small remainders."""


class RowKeeper(Protocol):
    """Takes the rows of one batch after another and gives back all rows of one layer."""

    def has(self, batch: int) -> bool:
        """Whether an earlier run kept this batch."""
        ...

    def add(self, layer: str, rows: torch.Tensor, *, first: int) -> None:
        """Copy the rows of one layer; `first` is the number of the batch's first stimulus."""
        ...

    def end(self, batch: int, *, count: int) -> None:
        """All layers of a batch of `count` stimuli were added."""
        ...

    def parts(self, layer: str) -> list[Rows]:
        """The rows of a layer, in the order of the stimuli."""
        ...

    def columns(self, layer: str) -> Iterator[Rows]:
        """All rows of a layer, some columns at a time; a chunk is valid until the next is asked for."""
        ...


class MemoryRows:
    """Rows in memory, one array a layer.

    Args:
        widths: Of each layer.
        n: How many stimuli.
        spilled: Rows that other processes left for this one; those of finished batches are taken over.
    """

    def __init__(self, widths: Mapping[str, int], n: int, *, spilled: StoreRows | None = None) -> None:
        self._rows = {layer: np.empty((n, width), np.float32) for layer, width in widths.items()}
        self._taken = spilled.into(self._rows) if spilled else frozenset()

    def __contains__(self, layer: str) -> bool:
        return layer in self._rows

    def has(self, batch: int) -> bool:
        """Whether it was taken over: of an earlier run nothing is left, for memory dies with its process."""
        return batch in self._taken

    def add(self, layer: str, rows: torch.Tensor, *, first: int) -> None:
        """Copy rows to their place."""
        import torch

        torch.from_numpy(self._rows[layer][first : first + len(rows)]).copy_(rows)

    def end(self, batch: int, *, count: int) -> None:
        """Nothing is left to do."""

    def parts(self, layer: str) -> list[Rows]:
        """One part."""
        return [self._rows[layer]]

    def columns(self, layer: str) -> Iterator[Rows]:
        """All of them."""
        yield self._rows[layer]


class StoreRows:
    """Rows in a store: one shard a batch with all layers inside, so that a killed run loses one batch.

    A shard's name holds the batch size: a run with other batches does not mistake it for its own.

    Attributes:
        shards: The name of each batch's shard.
        durable: Whether other processes wait for the rows, which must then be where all see them.
    """

    def __init__(self, writer: Writer, widths: Mapping[str, int], n: int, *, batch_size: int, durable: bool = False) -> None:
        self._writer = writer
        self.durable = durable
        self._batch_size = batch_size
        self.shards = row_shards(n, batch_size)
        self._widths = widths
        self._held: MemoryRows | None = None

    def has(self, batch: int) -> bool:
        """Whether the shard of this batch is finished."""
        return self.shards[batch] in self._writer.finished

    def add(self, layer: str, rows: torch.Tensor, *, first: int) -> None:
        """Copy rows to the batch that will be written next."""
        if self._held is None:  # one buffer for all batches: fresh memory costs more than the copy
            self._held = MemoryRows(self._widths, self._batch_size)
        self._held.add(layer, rows, first=0)

    def end(self, batch: int, *, count: int) -> None:
        """Write the batch."""
        held = self._held
        if held is not None:
            self._writer.put(self.shards[batch], {layer: held.parts(layer)[0][:count] for layer in self._widths}, durable=self.durable)

    def parts(self, layer: str) -> list[Rows]:
        """One mapped part a batch; the buffer is given back first."""
        self._held = None
        return [self._writer.read(shard, layer) for shard in self.shards]

    def columns(self, layer: str) -> Iterator[Rows]:
        """Read from the files into one piece of memory; nothing stays mapped."""
        self._held = None
        with ExitStack() as stack:
            readers = [stack.enter_context(closing(self._writer.reader(shard, layer))) for shard in self.shards]
            rows = [(reader, row) for reader in readers for row in range(reader.shape[0])]
            width = self._widths[layer]
            step = max(1, min(width, _PIECE_BYTES // (4 * len(rows))))
            step -= step % _PIECE_COLUMNS if step > _PIECE_COLUMNS else 0
            memory = np.empty(len(rows) * step, np.float32)
            for start in range(0, width, step):
                count = min(step, width - start)
                piece = memory[: len(rows) * count].reshape(len(rows), count)
                for out, (reader, row) in zip(piece, rows, strict=True):
                    reader.into(out, first=row * width + start)
                yield piece

    def into(self, rows: Mapping[str, Rows]) -> frozenset[int]:
        """Copy the batches that are finished; returns which they are."""
        finished = frozenset(batch for batch in range(len(self.shards)) if self.has(batch))
        for batch in finished:
            start = batch * self._batch_size
            for layer, out in rows.items():
                mapped = self._writer.read(self.shards[batch], layer)
                out[start : start + len(mapped)] = mapped
        return finished


def row_shards(n: int, batch_size: int) -> tuple[str, ...]:
    """The shards in which the rows of `n` stimuli wait, in order."""
    return tuple(f"rows-by-{batch_size}-{batch:06d}" for batch in range(-(-n // batch_size)))


class SplitRows:
    """The rows of some layers in memory, of the others in a store that nobody comes back to."""

    def __init__(self, held: MemoryRows, spilled: StoreRows) -> None:
        self._held, self._spilled = held, spilled

    def has(self, batch: int) -> bool:
        """Never: memory dies with its process."""
        return False

    def add(self, layer: str, rows: torch.Tensor, *, first: int) -> None:
        """Copy rows to their place."""
        self._of(layer).add(layer, rows, first=first)

    def end(self, batch: int, *, count: int) -> None:
        """Write what is spilled of the batch."""
        self._spilled.end(batch, count=count)

    def parts(self, layer: str) -> list[Rows]:
        """As the one that has them gives them."""
        return self._of(layer).parts(layer)

    def columns(self, layer: str) -> Iterator[Rows]:
        """As the one that has them gives them."""
        return self._of(layer).columns(layer)

    def _of(self, layer: str) -> MemoryRows | StoreRows:
        return self._held if layer in self._held else self._spilled
