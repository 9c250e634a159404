"""Shards: safetensors files written without a copy of the whole, hashed on the way, and read back as views of the mapped file."""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from isomorph.errors import InputError, StoreError
from isomorph.spec import canonical_json
from isomorph.store._atomic import WAY_OUT, read_error, regular_status, temporary_file, write_all
from isomorph.store._receipt import DTYPES, ShardReceipt, TensorFact, tensor_fact

HEADER_LIMIT = 16 * 2**20
_BLOCK = 4 * 2**20  # bytes; small enough that the hash reads what the copy has just put into the cache
_NAMES = {dtype.str.lstrip("<>=|"): name for name, dtype in DTYPES.items()}
_Array = npt.NDArray[Any]
_Identity = tuple[int, ...]
_MISSING = "it is missing or is not a plain file"
_verified: dict[tuple[str, _Identity], str] = {}


def tensor_facts(shard: str, tensors: Mapping[str, _Array | list[_Array]]) -> dict[str, TensorFact]:
    """Type and shape of each tensor, in the order of the file: widest values first, so that all of them are aligned."""
    if not tensors:
        raise InputError(f"the shard {shard!r} has no tensors.")
    facts = {}
    for key, rows in tensors.items():
        array = rows[0] if isinstance(rows, list) else rows
        if not isinstance(key, str) or not key or len(key) > 1024 or key == "__metadata__":
            raise InputError(f"shard {shard!r}: {key!r:.80} cannot name a tensor; use 1 to 1024 characters, not '__metadata__'.")
        name = _NAMES.get(array.dtype.str.lstrip("<>=|"))
        if name is None:
            raise InputError(f"shard {shard!r}: the tensor {key!r} has the type {array.dtype}; the store holds {', '.join(DTYPES)}.")
        facts[key] = TensorFact(name, (sum(map(len, rows)), *array.shape[1:]) if isinstance(rows, list) else array.shape)
    return dict(sorted(facts.items(), key=lambda item: (-DTYPES[item[1].dtype].itemsize, item[0])))


def write_shard(
    final: Path, tensors: Mapping[str, _Array | list[_Array]], facts: Mapping[str, TensorFact], *, durable: bool = True
) -> tuple[Path, ShardReceipt]:
    """Write a complete temporary file beside `final`; the caller publishes it. Equal tensors give equal bytes."""
    shard = final.name.removesuffix(".safetensors")
    header = _header(shard, facts)
    size = len(header) + sum(fact.bytes for fact in facts.values())
    digest = xxhash.xxh3_128(header)
    with temporary_file(final, needed=size, durable=durable) as (file, temporary):
        write_all(file, memoryview(header))
        for key, fact in facts.items():
            rows = tensors[key]
            for part in rows if isinstance(rows, list) else [rows]:
                for block in _blocks(part.astype(DTYPES[fact.dtype], copy=False)):
                    digest.update(block)
                    write_all(file, block)
                release(part)
    return temporary, ShardReceipt(shard, size, f"xxh3_128:{digest.hexdigest()}", dict(sorted(facts.items())))


def _header(shard: str, facts: Mapping[str, TensorFact]) -> bytes:
    table, start = {}, 0
    for key, fact in facts.items():
        table[key] = {"dtype": fact.dtype, "shape": list(fact.shape), "data_offsets": [start, start + fact.bytes]}
        start += fact.bytes
    text = canonical_json(table)
    text += b" " * (-len(text) % 8)
    if len(text) > HEADER_LIMIT:
        raise InputError(f"the shard {shard!r} has {len(facts):,} tensors, too many for one file; split it.")
    return len(text).to_bytes(8, "little") + text


def _blocks(array: _Array) -> Iterator[memoryview]:
    """The bytes of an array in C order, block by block; only a strided array is copied, and only a block at a time."""
    if array.size == 0:
        return
    if array.flags.c_contiguous:
        flat = array.reshape(-1).view(np.uint8).data
        for start in range(0, len(flat), _BLOCK):
            yield flat[start : start + _BLOCK]
        return
    rows = max(1, _BLOCK * len(array) // array.nbytes)
    for start in range(0, len(array), rows):
        yield np.ascontiguousarray(array[start : start + rows]).reshape(-1).view(np.uint8).data


def identity(path: Path) -> _Identity | None:
    """What changes when a file does: device, inode, size and times; None where there is no plain file."""
    status = regular_status(path)
    return None if status is None else _identity(status)


def trust(path: Path, receipt: ShardReceipt) -> None:
    """Remember that this process has hashed these very bytes on their way to the disk."""
    if (now := identity(path)) is not None:
        _verified[str(path), now] = receipt.digest


def damage(path: Path, receipt: ShardReceipt, *, again: bool = False) -> str | None:
    """What is wrong with a shard, held against its receipt; None if nothing is. The bytes are read once a process, or `again`.

    Raises:
        StoreError: It could not be read, which does not mean that it is damaged.
    """
    try:
        return _damage(path, receipt, again=again)
    except FileNotFoundError:
        return _MISSING
    except StoreError:
        raise
    except OSError as error:
        raise read_error(error, path) from error


def _damage(path: Path, receipt: ShardReceipt, *, again: bool) -> str | None:
    now = identity(path)
    if now is None:
        return _MISSING
    size = now[2]
    if size != receipt.bytes:
        return f"it has {size:,} bytes and should have {receipt.bytes:,}"
    if again or (str(path), now) not in _verified:
        _verified[str(path), now] = _digest(path)
    if _verified[str(path), now] != receipt.digest:
        return f"its digest is {_verified[str(path), now]} and should be {receipt.digest}"
    try:
        offsets = header_of(path, now)
    except StoreError as error:  # its own sentence; what cannot be read is another error
        return str(error)
    if {key: fact for key, (fact, _) in offsets.items()} != dict(receipt.tensors):
        return "its tensors are not those of its receipt"
    return None


def _digest(path: Path) -> str:
    digest = xxhash.xxh3_128()
    buffer = memoryview(bytearray(_BLOCK))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
    return f"xxh3_128:{digest.hexdigest()}"


def read_tensor(path: Path, receipt: ShardReceipt, key: str) -> _Array:
    """One tensor as a read-only view of the mapped file.

    Raises:
        StoreError: The shard is damaged or has no such tensor.
    """
    fact, start, now = _found(path, receipt, key)
    with _reading(path), path.open("rb") as file:
        if _status(file.fileno()) != now:
            raise StoreError(f"{path} was replaced while it was read. Run again.")
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    dtype = DTYPES[fact.dtype]
    if fact.bytes == 0:
        return np.empty(fact.shape, dtype)
    return np.frombuffer(mapped, dtype, count=fact.bytes // dtype.itemsize, offset=start).reshape(fact.shape)


class TensorReader:
    """One tensor of a shard, read piece by piece into memory of the caller's: for what is looked at once and must not stay mapped.

    Raises:
        StoreError: The shard is damaged or has no such tensor.
    """

    def __init__(self, path: Path, receipt: ShardReceipt, key: str) -> None:
        self._path = path
        fact, self._start, now = _found(path, receipt, key)
        self.shape, self.dtype = fact.shape, DTYPES[fact.dtype]
        with _reading(path):
            self._file = path.open("rb", buffering=0)
        if _status(self._file.fileno()) != now:
            self._file.close()
            raise StoreError(f"{path} was replaced while it was read. Run again.")

    def into(self, out: _Array, *, first: int) -> None:
        """Fill `out`, contiguous and of the tensor's type, with the values from number `first` on."""
        view = out.reshape(-1).view(np.uint8).data
        with _reading(self._path):
            self._file.seek(self._start + first * self.dtype.itemsize)
            while view:
                count = self._file.readinto(view)
                if not count:
                    raise StoreError(f"{self._path} became shorter while it was read. Run again.")
                view = view[count:]

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _found(path: Path, receipt: ShardReceipt, key: str) -> tuple[TensorFact, int, _Identity]:
    """A verified tensor's fact, where its bytes start, and the file that was verified."""
    if key not in receipt.tensors:
        raise StoreError(f"{path} has no tensor {key!r}; it has {', '.join(sorted(receipt.tensors)[:12])}.")
    with _reading(path):
        if problem := damage(path, receipt):
            raise StoreError(f"{path} is damaged: {problem}. {WAY_OUT}")
        now = identity(path)
        if now is None:
            raise StoreError(f"{path} was removed while it was read. Run again.")
        fact, start = header_of(path, now)[key]
    return fact, start, now


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except StoreError:
        raise
    except KeyError as error:
        raise StoreError(f"{path} was replaced while it was read. Run again.") from error
    except OSError as error:
        raise read_error(error, path) from error


def _status(descriptor: int) -> _Identity:
    return _identity(os.fstat(descriptor))


def _identity(status: os.stat_result) -> _Identity:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def release(array: _Array) -> None:
    """Give the memory that was read through `read_tensor` back to the system; it is read again from the file if it is wanted again."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    base = base.obj if isinstance(base, memoryview) else base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):  # only ever a file, mapped to be read
        base.madvise(mmap.MADV_DONTNEED)


@lru_cache(maxsize=4096)
def header_of(path: Path, now: _Identity) -> Mapping[str, tuple[TensorFact, int]]:
    """Each tensor's fact and where its bytes start in the file, every number checked against the file's size."""
    size = now[2]
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(HEADER_LIMIT, size - 8):
            raise StoreError(f"its header claims {length:,} bytes in a file of {size:,}")
        text = file.read(length)
    try:
        table = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StoreError("its header is not JSON") from error
    if not isinstance(table, dict):
        raise StoreError("its header is no table")
    table.pop("__metadata__", None)
    return _placed(table, first=8 + length, size=size)


def _placed(table: Mapping[str, Any], *, first: int, size: int) -> dict[str, tuple[TensorFact, int]]:
    placed: dict[str, tuple[TensorFact, int]] = {}
    spans = []
    for key, each in table.items():
        fact, span = tensor_fact(each), _span(each)
        if fact is None or span is None or span[1] - span[0] != fact.bytes:
            raise StoreError(f"its header misplaces the tensor {key!r:.80}")
        placed[key] = (fact, first + span[0])
        spans.append(span)
    edges = [(0, 0), *sorted(spans), (size - first, size - first)]
    if any(one[1] != two[0] for one, two in pairwise(edges)):
        raise StoreError("its header leaves gaps or overlaps between tensors")
    return placed


def _span(plain: object) -> tuple[int, int] | None:
    offsets = plain.get("data_offsets") if isinstance(plain, dict) else None
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(type(each) is int for each in offsets):
        return None
    return (offsets[0], offsets[1])
