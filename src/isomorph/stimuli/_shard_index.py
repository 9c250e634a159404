"""What a tar shard holds and where, without unpacking it."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

import numpy as np

from isomorph.errors import FileError, IsomorphError
from isomorph.spec import fingerprint
from isomorph.stimuli._decode import SUFFIXES

if TYPE_CHECKING:
    from isomorph.stimuli._remote_shard import RemoteShard
    from isomorph.store import Store, StoredObject

NOTES = {"cls": 64, "txt": 1 << 20, "npy": 1 << 20}
"""Members that stand beside a picture and are kept in the index, with the bytes they may have."""

_LARGEST_HEADER = 1 << 20  # of a long name or extended attributes
_LARGEST_PICTURE = 1 << 28
_AGAIN = "Fetch or write the shard again."


@dataclass(frozen=True)
class Shard:
    """A tar file as it was when it was indexed."""

    path: Path
    size: int
    modified_ns: int
    tag: ClassVar[str] = ""

    @classmethod
    def of(cls, path: Path) -> Shard:
        """The shard as it is now."""
        try:
            status = path.stat()
        except OSError as error:
            raise FileError(f"the shard {path} cannot be read: {error.strerror or error}.") from error
        return cls(path, status.st_size, status.st_mtime_ns)

    def open(self) -> BinaryIO:
        """As a file."""
        return self.path.open("rb")

    def read(self, offset: int, size: int) -> bytes:
        """Some bytes.

        Raises:
            FileError: The shard has changed since it was indexed.
        """
        with self.path.open("rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            if (status.st_size, status.st_mtime_ns) != (self.size, self.modified_ns):
                raise FileError(f"the shard {self.path} has changed since it was indexed; make the stimuli again with from_shards.")
            file.seek(offset)
            return file.read(size)

    def identity(self) -> dict[str, Any]:
        """What its index is named by."""
        return {"path": str(self.path.resolve()), "size": self.size, "modified_ns": self.modified_ns}


@dataclass(frozen=True)
class Member:
    """A file in a shard. `note` holds the bytes of a small one that stands beside a picture."""

    name: str
    offset: int
    size: int
    note: bytes = b""

    @property
    def key(self) -> str:
        """The name up to the first dot of its last part, which a picture shares with what belongs to it."""
        return self.name[: len(self.name) - len(self.suffix) - 1]

    @cached_property
    def suffix(self) -> str:
        """What follows that dot."""
        return self.name.rpartition("/")[2].partition(".")[2]

    @cached_property
    def is_picture(self) -> bool:
        """Whether the suffix claims so."""
        return f".{self.suffix.lower()}" in SUFFIXES


def index_shard(shard: Shard | RemoteShard, store: Store | None = None) -> list[Member]:
    """The pictures of a shard and the notes beside them, in order; other files are members without a note.

    Args:
        shard: The tar file.
        store: Where the index is kept, named by the shard's path, size and modification time (or tag); None: nowhere.

    Raises:
        FileError: It is no plain tar file, cut short or damaged, or holds a link, a device, a path that leads out of the archive or a
            picture of more than 256 MiB.
    """
    if store is None:
        return list(_scan(shard))
    return unpacked(stored_index(shard, store))


def stored_index(shard: Shard | RemoteShard, store: Store) -> StoredObject:
    """The index as the store keeps it, made if it is not there yet; its meta counts the pictures."""
    spec = _spec(shard)
    name = fingerprint(spec)
    if name in store:
        return store.open(name)
    members = list(_scan(shard))
    with store.begin(name, spec) as writer:
        writer.put("index", _packed(members))
        summary = f"index of {str(shard.path).rpartition('/')[2]}: {len(members)} files"
        return writer.commit({"summary": summary, "pictures": sum(counts(each) for each in members)})


def index_name(shard: Shard | RemoteShard) -> str:
    """The fingerprint of the index in a store, made or not."""
    return fingerprint(_spec(shard))


def _spec(shard: Shard | RemoteShard) -> dict[str, Any]:
    return {"kind": "shard-index", "version": 2, **shard.identity()}


def counts(member: Member) -> bool:
    """Whether it is a picture that is not hidden."""
    return member.is_picture and not member.name.rpartition("/")[2].startswith((".", "__"))


def _packed(members: Sequence[Member]) -> dict[str, Any]:
    names, notes = [each.name.encode() for each in members], [each.note for each in members]
    table = [(each.offset, each.size, len(name), len(each.note)) for each, name in zip(members, names, strict=True)]
    return {
        "table": np.array(table, dtype=np.int64).reshape(-1, 4),
        "names": np.frombuffer(b"".join(names) or b" ", dtype=np.uint8),
        "notes": np.frombuffer(b"".join(notes) or b" ", dtype=np.uint8),
    }


def unpacked(stored: StoredObject) -> list[Member]:
    names, notes = stored.read("index", "names").tobytes(), stored.read("index", "notes").tobytes()
    members, at, note_at = [], 0, 0
    for offset, size, name_size, note_size in stored.read("index", "table").tolist():
        members.append(Member(names[at : at + name_size].decode(), offset, size, notes[note_at : note_at + note_size]))
        at, note_at = at + name_size, note_at + note_size
    return members


class _Bounded(io.RawIOBase):
    """A file for `tarfile`, which reads headers alone and believes the lengths they state."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _LARGEST_HEADER:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def _scan(shard: Shard | RemoteShard) -> Iterator[Member]:
    last, offset = "the beginning", 0
    try:
        with shard.open() as file, tarfile.open(fileobj=_Bounded(file), mode="r:", encoding="utf-8") as archive:
            while (info := archive.next()) is not None:
                if info.size < 0 or archive.offset <= offset:  # an extended header may say so, and reading would go in circles
                    raise tarfile.ReadError(f"{info.name!r} has a size of {info.size} bytes")
                offset = archive.offset
                member = _member(info, shard)
                if member is not None:
                    last = repr(member.name)
                    yield _with_note(member, file)
            offset = archive.offset
            _check_end(file, offset, last, shard)
    except (tarfile.TarError, UnicodeError, RecursionError, ValueError, OverflowError) as error:
        raise FileError(
            f"the shard {shard.path} is no plain tar file after byte {offset:,} ({last}): {_why(shard, error)}. {_AGAIN}"
        ) from error
    except OSError as error:
        raise (
            error if isinstance(error, IsomorphError) else FileError(f"the shard {shard.path} cannot be read: {error.strerror}.")
        ) from error


def _why(shard: Shard | RemoteShard, error: BaseException) -> str:
    with shard.open() as file:
        start = file.read(6)
    packed = start[:2] == b"\x1f\x8b" or start[:4] == b"\x28\xb5\x2f\xfd" or start[:3] == b"BZh" or start == b"\xfd7zXZ\x00"
    return "it is compressed, which leaves no random access; unpack it to a plain .tar" if packed else str(error) or type(error).__name__


def _member(info: tarfile.TarInfo, shard: Shard | RemoteShard) -> Member | None:
    """The member, or None for a folder."""
    where = f"the shard {shard.path} holds {info.name!r} at byte {info.offset:,}"
    parts = info.name.split("/")
    if info.name.startswith(("/", "\\")) or ".." in parts or "\\" in info.name or "\0" in info.name:
        raise FileError(f"{where}, a path that leads out of the archive or is not portable. Shards of such names are not read.")
    if info.isdir():
        return None
    if not info.isreg() or info.issparse():
        kind = "a link" if info.issym() or info.islnk() else "a sparse file" if info.issparse() else "a device or another special file"
        raise FileError(f"{where}, which is {kind}; a shard may hold plain files only.")
    if info.offset_data + info.size > shard.size:
        raise FileError(
            f"the shard {shard.path} is cut short: {info.name!r} at byte {info.offset:,} has {info.size:,} bytes, "
            f"but the file ends {info.offset_data + info.size - shard.size:,} bytes too early, at {shard.size:,}. {_AGAIN}"
        )
    try:
        info.name.encode()
    except UnicodeEncodeError:
        raise FileError(f"{where}; the name is not UTF-8, so it cannot be an id. {_AGAIN}") from None
    member = Member("/".join(part for part in parts if part not in ("", ".")), info.offset_data, info.size)
    limit = NOTES.get(member.suffix, _LARGEST_PICTURE)
    if (member.is_picture or member.suffix in NOTES) and info.size > limit:
        raise FileError(f"{where} with {info.size:,} bytes; at most {limit:,} are read.")
    return member


def _with_note(member: Member, file: BinaryIO) -> Member:
    if member.suffix not in NOTES:
        return member
    file.seek(member.offset)
    return Member(member.name, member.offset, member.size, file.read(member.size))


def _check_end(file: BinaryIO, offset: int, last: str, shard: Shard | RemoteShard) -> None:
    """`tarfile` takes damage, and a cut between two members, for the end."""
    file.seek(offset)
    block = file.read(512)
    if len(block) < 512:
        raise FileError(
            f"the shard {shard.path} is cut short: it ends at byte {shard.size:,}, after {last}, without the empty blocks "
            f"that close a tar. {_AGAIN}"
        )
    while block:
        if block.strip(b"\0"):
            raise FileError(
                f"the shard {shard.path} is damaged at byte {file.tell() - len(block):,}, after {last}: no header is there. {_AGAIN}"
            )
        block = file.read(1 << 20)
