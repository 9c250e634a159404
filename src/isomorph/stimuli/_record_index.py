"""What an ArrayRecord file of TensorFlow's data sets holds, and its records in any order."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xxhash

from isomorph.errors import FileError, MissingDependencyError
from isomorph.spec import fingerprint
from isomorph.stimuli._shard_index import Shard
from isomorph.stimuli._tf_example import ExampleError, byte_values, features, whole_values

if TYPE_CHECKING:
    from isomorph.store import Store

_AT_ONCE = 32
_LONGEST_NAME = 4096
_AGAIN = "Fetch or write the shard again."


class Record(NamedTuple):
    """What is known of a picture before it is asked for: its name and class, if it has them, and the xxh3-128 of its bytes."""

    name: str | None
    label: int | None
    digest: bytes


def index_records(shard: Shard, store: Store | None = None) -> list[Record]:
    """The records of a shard, in order. The whole shard is read for it, once where there is a store.

    Args:
        shard: The file.
        store: Where the index is kept, named by the shard's path, size and modification time; None: nowhere.

    Raises:
        FileError: It is no whole ArrayRecord file, or a record is no example with one picture.
        MissingDependencyError: The package `array_record` is not installed.
    """
    spec = {"kind": "record-index", "version": 1, "path": str(shard.path.resolve()), "size": shard.size, "modified_ns": shard.modified_ns}
    name = fingerprint(spec)
    if store is not None and name in store:
        return _unpacked(store.open(name))
    found = [_described(shard, row, record) for row, record in enumerate(_records(shard))]
    if store is not None:
        with store.begin(name, spec) as writer:
            writer.put("index", _packed(found))
            writer.commit({"summary": f"index of {shard.path.name}: {len(found)} records"})
    return found


def picture(shard: Shard, row: int) -> bytes:
    """The encoded picture of a record.

    Raises:
        FileError: The record cannot be read, or the shard has changed since it was indexed.
    """
    if Shard.of(shard.path) != shard:
        raise FileError(f"the shard {shard.path} has changed since it was indexed; make the stimuli again with from_shards.")
    return _picture(shard, row, _features(shard, row, _read(shard, [row])[0]))


def _records(shard: Shard) -> Iterator[bytes]:
    count = _reader(shard, os.getpid(), threading.get_ident()).num_records()
    for start in range(0, count, _AT_ONCE):
        yield from _read(shard, range(start, min(start + _AT_ONCE, count)))


def _read(shard: Shard, rows: Sequence[int]) -> list[bytes]:
    reader = _reader(shard, os.getpid(), threading.get_ident())
    try:
        records: list[bytes] = reader.read(list(rows))
    except (RuntimeError, IndexError, MemoryError) as error:
        raise FileError(f"record {rows[0]:,} of the shard {shard.path} cannot be read: {str(error).rstrip('.')}. {_AGAIN}") from error
    return records


@lru_cache(maxsize=64)
def _reader(shard: Shard, process: int, thread: int) -> Any:
    """A reader of one's own: none is shared with another thread or a forked process, and few files are open at a time."""
    try:
        from array_record.python.array_record_module import ArrayRecordReader
    except ImportError as error:
        install = "pip install 'isomorph[array-record]'"
        raise MissingDependencyError("array_record", needed_by=f"the shard {shard.path.name}", install=install) from error
    reader = ArrayRecordReader(str(shard.path), "readahead_buffer_size:0,max_parallelism:0", file_reader_buffer_size=1 << 15)
    if not reader.ok():
        raise FileError(f"the shard {shard.path} is no whole ArrayRecord file: it is cut short, damaged or something else. {_AGAIN}")
    return reader


def _features(shard: Shard, row: int, record: bytes) -> dict[str, memoryview]:
    try:
        return features(record)
    except ExampleError as error:
        raise FileError(f"record {row:,} of the shard {shard.path} is no tf.train.Example: {error}. {_AGAIN}") from error


def _picture(shard: Shard, row: int, held: dict[str, memoryview]) -> bytes:
    try:
        values = byte_values(held.get("image", memoryview(b"")))
    except ExampleError as error:
        raise FileError(f"record {row:,} of the shard {shard.path}: its 'image' is damaged: {error}. {_AGAIN}") from error
    if len(values) != 1:
        known = ", ".join(map(repr, sorted(held)[:12])) or "none"
        raise FileError(
            f"record {row:,} of the shard {shard.path} needs one encoded picture as its feature 'image' and has {len(values)}; "
            f"its features: {known}."
        )
    return values[0]


def _described(shard: Shard, row: int, record: bytes) -> Record:
    held = _features(shard, row, record)
    digest = xxhash.xxh3_128_digest(_picture(shard, row, held))
    try:
        names, labels = byte_values(held.get("file_name", memoryview(b""))), whole_values(held.get("label", memoryview(b"")))
        if len(names) > 1 or len(labels) > 1 or any(len(each) > _LONGEST_NAME for each in names):
            raise ExampleError(f"{len(names)} names and {len(labels)} classes, or a name of more than {_LONGEST_NAME:,} bytes")
        name = names[0].decode() if names else None
    except (ExampleError, UnicodeDecodeError) as error:
        raise FileError(f"record {row:,} of the shard {shard.path}: its 'file_name' or 'label' is damaged: {error}. {_AGAIN}") from error
    return Record(name, labels[0] if labels else None, digest)


def _packed(records: Sequence[Record]) -> dict[str, Any]:
    names = [b"" if each.name is None else each.name.encode() for each in records]
    table = [(each.name is not None, len(name), each.label is not None, each.label or 0) for each, name in zip(records, names, strict=True)]
    return {
        "table": np.array(table, dtype=np.int64).reshape(-1, 4),
        "names": np.frombuffer(b"".join(names) or b" ", dtype=np.uint8),
        "digests": np.frombuffer(b"".join(each.digest for each in records), dtype=np.uint8).reshape(-1, 16),
    }


def _unpacked(stored: Any) -> list[Record]:
    names, digests = stored.read("index", "names").tobytes(), stored.read("index", "digests").tobytes()
    records, at = [], 0
    for row, (named, size, classed, label) in enumerate(stored.read("index", "table").tolist()):
        name = names[at : at + size].decode() if named else None
        records.append(Record(name, label if classed else None, digests[16 * row : 16 * row + 16]))
        at += size
    return records
