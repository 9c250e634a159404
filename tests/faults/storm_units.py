"""The plan of the storm: units that use the store as extractions, similarities and receipts do; every shard's computation is noted."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from isomorph.features import Features
from isomorph.pairwise import all_pairs
from isomorph.spec import fingerprint
from isomorph.store import Store, Writer

BATCHES, ROWS, WIDTH, LAYERS = 4, 6, 8, 5


class Unit(Protocol):
    fingerprint: str
    label: str

    def run(self, store: Store) -> None: ...


@dataclass
class Bench:
    """Where computations are noted (not below the store), and how a child does its work."""

    log: Path
    order: random.Random | None = None
    nap_seconds: float = 0.0

    def note(self, name: str, shard: str) -> None:
        descriptor = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, f"{name} {shard}\n".encode())
        os.close(descriptor)
        time.sleep(self.nap_seconds)

    def shuffled(self, shards: list[str]) -> list[str]:
        return self.order.sample(shards, len(shards)) if self.order else shards


@dataclass(kw_only=True)
class Named:
    bench: Bench
    number: int = 0

    @cached_property
    def spec(self) -> dict[str, Any]:
        return {"kind": type(self).__name__, "number": self.number}

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint(self.spec)

    @property
    def label(self) -> str:
        return f"{type(self).__name__} {self.number}"

    def missing(self, writer: Writer, shards: list[str]) -> Iterator[str]:
        for shard in self.bench.shuffled(shards):
            if shard not in writer.finished:
                self.bench.note(self.fingerprint, shard)
                yield shard


def rows_of(number: int, batch: int) -> np.ndarray:
    return np.random.default_rng([number, batch]).normal(size=(ROWS, WIDTH)).astype(np.float32)


class Extraction(Named):
    """Rows are spilled batch by batch, then folded into layers, which alone are kept."""

    def run(self, store: Store) -> None:
        folds: dict[str, Callable[[np.ndarray], np.ndarray]] = {"gram": lambda x: x @ x.T, "rows": lambda x: x * 2}
        with store.begin(self.fingerprint, self.spec) as writer:
            wanted = [name for name in folds if name not in writer.finished]
            spilled = [f"batch-{each}" for each in range(BATCHES)]
            if wanted:
                for shard in self.missing(writer, spilled):
                    writer.put(shard, {"x": rows_of(self.number, int(shard[-1]))}, durable=False)
            for name in self.missing(writer, wanted):
                writer.put(name, {"x": folds[name](np.concatenate([writer.read(shard, "x") for shard in spilled]))})
            writer.commit({"rows": BATCHES * ROWS}, keep=list(folds))


class Layers(Named):
    """Shards that need nothing of each other: a damaged one costs one."""

    def run(self, store: Store) -> None:
        shards = [f"layer-{each}" for each in range(LAYERS)]
        with store.begin(self.fingerprint, self.spec) as writer:
            for shard in self.missing(writer, shards):
                layer = np.float32(1 + int(shard[-1]))
                parts = [rows_of(self.number, batch) * layer for batch in range(BATCHES)]
                writer.put(shard, {"x": parts, "finite": np.isfinite(parts[0])})
            writer.commit({"layers": shards})


@dataclass(kw_only=True)
class Similarities(Named):
    """How alike the layers of an object are, by the product's own engine."""

    of: Named

    def run(self, store: Store) -> None:
        with store.begin(self.fingerprint, self.spec) as writer:
            for shard in self.missing(writer, ["matrix"]):
                stored = store.open(self.of.fingerprint)
                ids = tuple(f"stimulus-{row}" for row in range(BATCHES * ROWS))
                items = {each: Features(stored.read(each, "x"), ids) for each in stored.shards}
                writer.put(shard, {"values": np.asarray(all_pairs(items, ["cka"]).values)})
            writer.commit({"of": self.of.fingerprint})


class Receipt(Named):
    """An object without shards, as units commit that put a range into a larger object."""

    def run(self, store: Store) -> None:
        with store.begin(self.fingerprint, self.spec) as writer:
            writer.commit({"into": "elsewhere", "rows": [0, 6]})


def stages(bench: Bench) -> list[list[Named]]:
    """Those of the second read what those of the first made."""
    layers = [Layers(bench=bench, number=number) for number in (10, 11)]
    first = [*(Extraction(bench=bench, number=number) for number in (0, 1)), *layers, Receipt(bench=bench)]
    return [first, [Similarities(bench=bench, number=each.number, of=each) for each in layers]]
