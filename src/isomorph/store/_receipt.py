"""What a shard must hold, and the sealed JSON files that say so."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import xxhash

from isomorph.errors import InputError, StoreError
from isomorph.spec import canonical_json
from isomorph.store._atomic import WAY_OUT, read_error, regular_size, write_bytes

JSON_LIMIT = 256 * 2**20
DTYPES: dict[str, np.dtype[Any]] = {
    **{"F64": np.dtype("<f8"), "F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BOOL": np.dtype("?")},
    **{"I64": np.dtype("<i8"), "I32": np.dtype("<i4"), "I16": np.dtype("<i2"), "I8": np.dtype("i1")},
    **{"U64": np.dtype("<u8"), "U32": np.dtype("<u4"), "U16": np.dtype("<u2"), "U8": np.dtype("u1")},
}
_SHARD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,119}")
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_DIGEST = re.compile(r"xxh3_128:[0-9a-f]{32}")
_RESERVED = frozenset({"spec", "manifest"})


@dataclass(frozen=True)
class TensorFact:
    """The type (safetensors' word, such as `"F32"`) and the shape of one tensor."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """How many bytes the values take."""
        return DTYPES[self.dtype].itemsize * math.prod(self.shape)


@dataclass(frozen=True)
class ShardReceipt:
    """What a finished shard must be: its size, its digest (xxh3-128 of the whole file) and its tensors."""

    shard: str
    bytes: int
    digest: str
    tensors: Mapping[str, TensorFact]

    def plain(self) -> dict[str, Any]:
        """The receipt as plain data."""
        tensors = {key: {"dtype": fact.dtype, "shape": list(fact.shape)} for key, fact in self.tensors.items()}
        return {"shard": self.shard, "bytes": self.bytes, "digest": self.digest, "tensors": tensors}


def check_fingerprint(fingerprint: str) -> str:
    """Return `fingerprint` if it is 64 hexadecimal digits."""
    if not isinstance(fingerprint, str) or not _FINGERPRINT.fullmatch(fingerprint):
        raise InputError(f"a fingerprint is 64 hexadecimal digits (see isomorph.spec.fingerprint); got {fingerprint!r:.80}.")
    return fingerprint


def check_shard_name(shard: str) -> str:
    """Return `shard` if it can safely be part of a file name on every system."""
    if not is_shard_name(shard):
        raise InputError(
            f"{shard!r:.80} cannot name a shard: use 1 to 120 letters, digits, '_', '-' and '.', not beginning with '.' or '-', "
            "and neither 'spec' nor 'manifest'."
        )
    return shard


def is_shard_name(shard: object) -> bool:
    """Whether `shard` may name a shard."""
    return isinstance(shard, str) and _SHARD.fullmatch(shard) is not None and shard.lower() not in _RESERVED


def digest_of(content: bytes) -> str:
    """The digest the store uses, of bytes in memory."""
    return f"xxh3_128:{xxhash.xxh3_128_hexdigest(content)}"


def write_sealed(path: Path, plain: Mapping[str, Any], *, durable: bool = True) -> None:
    """Write plain data as canonical JSON that carries a digest of itself."""
    write_bytes(path, sealed(plain), durable=durable)


def read_sealed(path: Path) -> dict[str, Any]:
    """Read what `write_sealed` wrote. Foreign or changed bytes give a `StoreError`, never anything else."""
    size = regular_size(path)
    if size is None:
        raise StoreError(f"{path} is missing or is not a plain file. {WAY_OUT}")
    if size > JSON_LIMIT:
        raise StoreError(f"{path} has {size:,} bytes; the store reads at most {JSON_LIMIT:,}. {WAY_OUT}")
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise StoreError(f"{path} is missing or is not a plain file. {WAY_OUT}") from None
    except OSError as error:
        raise read_error(error, path) from error
    return parse_sealed(content, where=str(path))


def sealed(plain: Mapping[str, Any]) -> bytes:
    """Plain data as canonical JSON that carries a digest of itself."""
    body = dict(plain)
    return canonical_json({**body, "seal": digest_of(canonical_json(body))}) + b"\n"


def parse_sealed(content: bytes, *, where: str) -> dict[str, Any]:
    """The inverse of `sealed`. Foreign or changed bytes give a `StoreError`, never anything else."""
    try:
        plain = json.loads(content)
        seal = plain.pop("seal", None) if isinstance(plain, dict) else None
        good = isinstance(plain, dict) and seal == digest_of(canonical_json(plain))
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{where} is not JSON ({type(error).__name__}). {WAY_OUT}") from error
    if not good:
        raise StoreError(f"{where} is damaged: its contents do not match its seal. {WAY_OUT}")
    return cast("dict[str, Any]", plain)


def receipt_from_plain(plain: object, *, where: str) -> ShardReceipt:
    """Check every part of a receipt that came from a file, and build it."""

    def need(condition: bool, what: str) -> None:
        if not condition:
            raise StoreError(f"{where} is not a receipt: {what}. {WAY_OUT}")

    if not isinstance(plain, dict):
        raise StoreError(f"{where} is not a receipt: it must be a JSON object. {WAY_OUT}")
    need(set(plain) == {"shard", "bytes", "digest", "tensors"}, "it must have exactly 'shard', 'bytes', 'digest' and 'tensors'")
    shard, size, digest, tensors = plain["shard"], plain["bytes"], plain["digest"], plain["tensors"]
    need(is_shard_name(shard), f"{shard!r:.80} cannot name a shard")
    need(_is_count(size), f"its size is {size!r:.80}")
    need(isinstance(digest, str) and _DIGEST.fullmatch(digest) is not None, f"its digest is {digest!r:.80}")
    need(isinstance(tensors, dict), "its tensors are no table")
    facts = {key: tensor_fact(each) for key, each in tensors.items()}
    for key, fact in facts.items():
        need(fact is not None, f"the tensor {key!r:.80} has no known type and shape")
    return ShardReceipt(shard, size, digest, {key: fact for key, fact in facts.items() if fact is not None})


def tensor_fact(plain: object) -> TensorFact | None:
    """A tensor's type and shape from a file, or None if that is not what it is."""
    if not isinstance(plain, dict) or not isinstance(plain.get("dtype"), str) or plain["dtype"] not in DTYPES:
        return None
    shape = plain.get("shape")
    if not isinstance(shape, list) or len(shape) > 32 or not all(_is_count(each) for each in shape):
        return None
    return TensorFact(plain["dtype"], tuple(shape))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**62
