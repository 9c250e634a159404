"""Pictures of so many shards that not even their names fit into memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.errors import IdError, InputError
from isomorph.spec import fingerprint
from isomorph.stimuli._decode import MAX_PIXELS, Background
from isomorph.stimuli._from_shards import ShardImages
from isomorph.stimuli._remote_shard import RemoteShard
from isomorph.stimuli._shard_index import Member, Shard, counts, index_name, stored_index, unpacked
from isomorph.stimuli._shard_names import shard_names
from isomorph.stimuli._sources import Parts
from isomorph.stimuli._stimuli import WHITE, OnError, Stimuli

if TYPE_CHECKING:
    from isomorph.store import Store, StoredObject

_AT_ONCE = 8
_OPEN_SHARDS = 4
MOST_WHOLE = 2_000_000


class ShardStream:
    """Pictures of tar shards, local or at addresses, in the order of shards and members; a slice of it is a `Stimuli`.

    In memory are the shards and how many pictures each has, and the indexes of the few that are being read. An index is made when its
    shard is first seen (the shard is read once for it), and kept in the store under the shard's address, size and ETag (of a local file:
    path, size, time), so that it is never made twice and never taken for that of a shard that has changed. Pictures are read by
    ranges of bytes, 4 MiB at a time. Plans go by shards: a slice, or `of_shard`, is a set of stimuli for `extract` and its ranges.

    An id is `NAME OF THE SHARD/KEY`. `.cls` beside every picture of a slice becomes its column `class_index`, `.txt` its column `text`.

    Args:
        shards: Files or addresses (`https://…`, `s3://…`, what fsspec knows), in order, or what `shards_now` found of them; or a text for
            `shard_names`. Names must differ.
        store: Keeps the indexes.
        background: As in `Stimuli.from_folder`.
        max_pixels: As in `Stimuli.from_folder`.

    Attributes:
        shards: The shards as they are now.
        names: What they are called in ids.
        indexes: The fingerprints of their indexes: of a shard that has changed another.
        starts: The position of the first picture of each shard, and the number of all.

    Raises:
        FileError: A shard is not there, no plain tar file, damaged, or its server gives no ranges of bytes.
        FetchError: A server did not answer, again and again.
        IdError: Two shards have one name, or one shard has a key twice.
        MissingDependencyError: The package for an address is absent.

    Example:
        >>> import io, tarfile, tempfile
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from isomorph.store import Store
        >>> folder, picture = Path(tempfile.mkdtemp()), io.BytesIO()
        >>> Image.new("RGB", (4, 4), "red").save(picture, "png")
        >>> with tarfile.open(folder / "0.tar", "w") as archive:
        ...     member = tarfile.TarInfo("apple.png")
        ...     member.size = len(picture.getvalue())
        ...     archive.addfile(member, io.BytesIO(picture.getvalue()))
        >>> stream = ShardStream([folder / "0.tar"], store=Store(folder / "store"))
        >>> len(stream), stream[0:1].ids, stream[0:1][0].shape
        (1, ('0/apple',), (4, 4, 3))
    """

    def __init__(
        self,
        shards: str | Sequence[Path | str | Shard | RemoteShard],
        *,
        store: Store,
        background: Background = WHITE,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        if isinstance(shards, str):
            shards = shard_names(shards)
        if not shards:
            raise InputError("a stream needs at least 1 shard; got none.")
        names = [shard_title(each) for each in shards]
        if doubled := [name for name, count in Counter(names).items() if count > 1]:
            raise IdError(
                f"{len(doubled)} names of shards stand twice; the first is {doubled[0]!r}. Ids begin with them: rename the shards."
            )
        self.names, self._background, self._max_pixels = tuple(names), background, max_pixels
        self.shards = shards_now(shards)
        found = _stored_indexes(self.shards, store)
        self.indexes = tuple(each.fingerprint for each in found)
        self.starts = np.cumsum([0, *(each.meta["pictures"] for each in found)])
        self._members = lru_cache(_OPEN_SHARDS)(lambda number: _pictures(store.open(self.indexes[number]), self.shards[number]))

    def __len__(self) -> int:
        return int(self.starts[-1])

    def __repr__(self) -> str:
        return f"ShardStream({len(self):,} pictures in {len(self.shards):,} shards)"

    @cached_property
    def digest(self) -> str:
        """Of the shards' indexes: equal digests are equal streams."""
        return fingerprint({"indexes": self.indexes, "background": list(self._background)})

    def of_shard(self, number: int) -> Stimuli:
        """The pictures of one shard."""
        return self[int(self.starts[number]) : int(self.starts[number + 1])]

    def whole(self, *, on_error: OnError = "raise") -> Stimuli:
        """All pictures as one set.

        Args:
            on_error: As in `Stimuli.from_folder`.

        Raises:
            InputError: There are more than two million, whose names alone are hundreds of megabytes.
        """
        if len(self) > MOST_WHOLE:
            raise InputError(
                f"{len(self):,} pictures in {len(self.shards):,} shards are too many for one set of stimuli, which names each of them: "
                f'{MOST_WHOLE:,} at most. Write a study with `shards = "…"`, whose units are slices, or take fewer shards.'
            )
        return self[0 : len(self)]._without_problems(on_error)

    def __getitem__(self, rows: slice) -> Stimuli:
        start, stop, step = rows.indices(len(self))
        if step != 1 or stop <= start:
            raise InputError(f"a slice of a stream has a first and a later last row and no step; got {rows}, of {len(self):,} pictures.")
        first, last = (int(np.searchsorted(self.starts, row, side="right")) - 1 for row in (start, stop - 1))
        ids: list[str] = []
        places: list[tuple[int, int, int]] = []
        notes: list[dict[str, bytes]] = []
        for number in range(first, last + 1):
            begin = int(self.starts[number])
            for member, beside in self._members(number)[max(0, start - begin) : stop - begin]:
                ids.append(f"{self.names[number]}/{member.key}")
                places.append((number - first, member.offset, member.size))
                notes.append(beside)
        source = ShardImages(self.shards[first : last + 1], tuple(places), self._background, self._max_pixels)
        return Stimuli(Parts(tuple(ids), source, _columns(notes), f"{len(self.shards):,} shards"))


def shards_now(shards: Sequence[Path | str | Shard | RemoteShard]) -> tuple[Shard | RemoteShard, ...]:
    """Shards as they are now, looked at eight at a time; those that were looked at before stay as they were.

    Raises:
        FileError: One is not there, or its server gives no ranges of bytes.
        FetchError: A server did not answer, again and again.
    """
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="isomorph-shards") as threads:
        return tuple(threads.map(_shard, shards))


def shard_title(shard: Path | str | Shard | RemoteShard) -> str:
    """What a shard is called in ids and labels."""
    place = shard.path if isinstance(shard, Shard | RemoteShard) else shard
    return str(place).partition("?")[0].rpartition("/")[2].removesuffix(".tar")


def _shard(shard: Path | str | Shard | RemoteShard) -> Shard | RemoteShard:
    if isinstance(shard, Shard | RemoteShard):
        return shard
    return RemoteShard.of(shard) if isinstance(shard, str) and "://" in shard else Shard.of(Path(shard))


def _stored_indexes(shards: Sequence[Shard | RemoteShard], store: Store) -> list[StoredObject]:
    """Those that are there are opened several at once, because a store at an address takes a tenth of a second for each."""
    names = [index_name(each) for each in shards]
    there = store.finished(names)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="isomorph-indexes") as threads:
        opened = dict(zip(there, threads.map(store.open, there), strict=True))
    return [opened.get(name) or stored_index(each, store) for name, each in zip(names, shards, strict=True)]


def _pictures(stored: StoredObject, shard: Shard | RemoteShard) -> list[tuple[Member, dict[str, bytes]]]:
    """The pictures of a shard, each with what stands beside it."""
    pictures: dict[str, Member] = {}
    notes: dict[str, dict[str, bytes]] = {}
    for member in unpacked(stored):
        if not counts(member):
            notes.setdefault(member.key, {})[member.suffix] = member.note
        elif (first := pictures.setdefault(member.key, member)) is not member:
            raise IdError(
                f"the shard {shard.path} holds the key {member.key!r} twice: {first.name!r} at byte {first.offset:,} "
                f"and {member.name!r} at byte {member.offset:,}. Write the shard again with one picture a key."
            )
    return [(member, notes.get(key, {})) for key, member in pictures.items()]


def _columns(notes: Sequence[dict[str, bytes]]) -> dict[str, tuple[Any, ...]]:
    columns: dict[str, tuple[Any, ...]] = {}
    if all(each.get("cls", b"").strip().isdigit() for each in notes):
        columns["class_index"] = tuple(int(each["cls"]) for each in notes)
    if all("txt" in each for each in notes):
        columns["text"] = tuple(each["txt"].decode("utf-8", errors="replace") for each in notes)
    return columns
