"""Pictures from shards: tar files in the webdataset layout, or ArrayRecord files."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import xxhash

from isomorph.errors import FileError, IdError, InputError, IsomorphError
from isomorph.stimuli._decode import Background, Pixels, decode_stimulus
from isomorph.stimuli._from_array_record import ARRAY_RECORDS, from_array_record
from isomorph.stimuli._shard_index import NOTES, Member, Shard, index_shard
from isomorph.stimuli._sources import Modality, Parts

if TYPE_CHECKING:
    from isomorph.stimuli._remote_shard import RemoteShard
    from isomorph.store import Store

_LARGEST_TEXT = 1 << 24
_WHOLE = re.compile(rb"\s*\d{1,9}\s*")
_BESIDE = {"classification": ("cls", "npy"), "retrieval": ("txt",)}


@dataclass(frozen=True)
class ShardImages:
    """Pictures inside tar files: of each the number of its shard, its first byte and its size."""

    shards: tuple[Shard | RemoteShard, ...]
    places: tuple[tuple[int, int, int], ...]
    background: Background
    max_pixels: int
    modality: ClassVar[Modality] = "image"

    def options(self) -> dict[str, Any]:
        return {"from": "files", "background": list(self.background)}  # the same bytes are the same pictures, in a folder or in a shard

    def read(self, row: int, name: str) -> Pixels:
        return decode_stimulus(
            self._bytes(row, name), f"{name!r} ({self.place(row)})", background=self.background, max_pixels=self.max_pixels
        )

    def _bytes(self, row: int, name: str) -> bytes:
        number, offset, size = self.places[row]
        shard = self.shards[number]
        try:
            content = shard.read(offset, size)
        except OSError as error:
            raise (
                error
                if isinstance(error, IsomorphError)
                else FileError(f"stimulus {name!r} ({self.place(row)}) cannot be read: {error.strerror or error}.")
            ) from error
        if len(content) != size:
            raise FileError(f"stimulus {name!r} ({self.place(row)}) cannot be read: {len(content):,} of {size:,} bytes came.")
        return content

    def digest(self, row: int, name: str) -> str:
        number, *place = self.places[row]
        if tag := self.shards[number].tag:  # what a server vouches for need not be fetched to be named
            return xxhash.xxh3_128(repr((tag, self.shards[number].size, place)).encode()).hexdigest()
        return xxhash.xxh3_128(self._bytes(row, name)).hexdigest()

    def place(self, row: int) -> str:
        number, offset, _ = self.places[row]
        return f"{self.shards[number].path}, byte {offset:,}"

    def take(self, rows: Sequence[int]) -> ShardImages:
        return replace(self, places=tuple(self.places[row] for row in rows))


def from_shards(
    folder: Path, split: str, *, background: Background, max_pixels: int, shard_in_id: bool, store: Store | Path | str | None
) -> Parts:
    """The pictures of one split, in the order of shards and of members; ids are their keys."""
    if isinstance(store, str | Path):
        from isomorph.store import open_store

        store = open_store(store)
    if next(folder.glob(ARRAY_RECORDS), None):
        return from_array_record(folder, split, background=background, max_pixels=max_pixels, shard_in_id=shard_in_id, store=store)
    shards = _shards(folder / split)
    pictures: dict[str, tuple[int, Member]] = {}
    notes: dict[str, dict[str, bytes]] = {}
    ignored = 0
    for number, shard in enumerate(shards):
        seen: dict[str, Member] = {}
        for member in index_shard(shard, store):
            base = member.name.rpartition("/")[2]
            if not (member.is_picture or member.suffix in NOTES) or base.startswith((".", "__")):
                ignored += 1
                continue
            _check_once(seen, member, shard)
            key = f"{shard.path.stem}/{member.key}" if shard_in_id else member.key
            if member.is_picture:
                if key in pictures:
                    _refuse_doubled(key, shards, pictures[key], (number, member))
                pictures[key] = (number, member)
            else:
                notes.setdefault(key, {})[member.suffix] = member.note
    if not pictures:
        raise InputError(
            f"{folder / split} has no pictures: none of the {ignored} files in its {len(shards)} shards has a picture's suffix."
        )
    columns = _columns(folder, pictures, notes, shards)
    places = tuple((number, member.offset, member.size) for number, member in pictures.values())
    return Parts(tuple(pictures), ShardImages(shards, places, background, max_pixels), columns, str(folder / split), ignored)


def _shards(folder: Path) -> tuple[Shard, ...]:
    """As many as `nshards.txt` says: `0.tar`, `1.tar`, …."""
    if not folder.is_dir():
        raise FileError(f"{folder} is not there; a folder of tar shards (nshards.txt, 0.tar, 1.tar, …) was expected.")
    text = _text(folder / "nshards.txt")
    if text is None:
        raise FileError(f"{folder} has no nshards.txt, so a missing shard would go unnoticed. Write into it how many there are.")
    if not text.strip().isdecimal() or not 0 < int(text) < 10**7:
        raise FileError(f"{folder / 'nshards.txt'} must hold the number of shards; it says {text.strip()!r:.40}.")
    wanted = {f"{number}.tar": number for number in range(int(text))}
    there = {each.name for each in folder.glob("*.tar")}
    missing, more = [each for each in wanted if each not in there], sorted(there - set(wanted))
    if missing:
        raise FileError(f"{folder} lacks {len(missing)} of its {len(wanted)} shards; the first is {missing[0]}. Fetch it.")
    if more:
        raise FileError(
            f"{folder} has {len(more)} more shards than the {len(wanted)} of nshards.txt; the first is {more[0]}. Correct one of them."
        )
    return tuple(Shard.of(folder / name) for name in wanted)


def _text(path: Path) -> str | None:
    try:
        if path.stat().st_size > _LARGEST_TEXT:
            raise FileError(f"{path} is larger than 16 MiB; a short text was expected.")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise error if isinstance(error, FileError) else FileError(f"{path} cannot be read as text: {error}.") from error


def _check_once(seen: dict[str, Member], member: Member, shard: Shard) -> None:
    name = f"{member.key}.<picture>" if member.is_picture else member.name
    if name in seen:
        raise IdError(
            f"the shard {shard.path} holds the key {member.key!r} twice: {seen[name].name!r} at byte {seen[name].offset:,} "
            f"and {member.name!r} at byte {member.offset:,}. Write the shard again with one picture a key."
        )
    seen[name] = member


def _refuse_doubled(key: str, shards: tuple[Shard, ...], first: tuple[int, Member], second: tuple[int, Member]) -> None:
    places = " and ".join(f"in {shards[number].path.name} at byte {member.offset:,}" for number, member in (first, second))
    raise IdError(
        f"the key {key!r} stands twice in {shards[0].path.parent}: {places}. If keys are meant to be unique within each shard only, "
        "pass shard_in_id=True."
    )


def _columns(
    folder: Path, pictures: dict[str, tuple[int, Member]], notes: dict[str, dict[str, bytes]], shards: tuple[Shard, ...]
) -> dict[str, tuple[Any, ...]]:
    """What stands beside the pictures: the class, a caption, several targets."""
    alone = [key for key in notes if key not in pictures]
    if alone:
        raise FileError(
            f"{len(alone)} keys have no picture; the first is {alone[0]!r} (it has .{next(iter(notes[alone[0]]))}). {_whole(shards)}"
        )
    kind = (_text(folder / "dataset_type.txt") or "").strip()
    suffixes = Counter(suffix for of in notes.values() for suffix in of)
    wanted = _BESIDE.get(kind, ())
    if wanted and not any(suffixes[each] for each in wanted):
        raise FileError(f"dataset_type.txt says {kind!r}, but no picture has a .{' or .'.join(wanted)} beside it. {_whole(shards)}")
    for suffix, count in suffixes.items():
        if count < len(pictures):
            lacking = next(key for key in pictures if suffix not in notes.get(key, {}))
            few = f"{len(pictures) - count} of {len(pictures)} pictures have no .{suffix} beside them"
            raise FileError(f"{few}; the first is {lacking!r}. {_whole(shards)}")
    columns: dict[str, tuple[Any, ...]] = {}
    if suffixes["cls"]:
        columns["class_index"] = tuple(_class(notes[key]["cls"], key) for key in pictures)
        columns["label"] = class_labels(columns["class_index"], folder / "classnames.txt")
    if suffixes["txt"]:
        columns["text"] = tuple(notes[key]["txt"].decode("utf-8", errors="replace") for key in pictures)
    if suffixes["npy"]:
        columns["targets"] = tuple(_targets(notes[key]["npy"], key) for key in pictures)
    return columns


def _whole(shards: tuple[Shard, ...]) -> str:
    return f"Are all {len(shards)} shards of {shards[0].path.parent} whole?"


def _class(note: bytes, key: str) -> int:
    if not _WHOLE.fullmatch(note):
        raise FileError(f"the .cls of the key {key!r} must be a whole number of 0 or more; it is {note[:40]!r}.")
    return int(note)


def class_labels(numbers: Sequence[int], path: Path) -> tuple[str, ...]:
    """Class names, a line each, where there is such a file; a name that several classes share is followed by the number."""
    names = _text(path)
    if names is None:
        return tuple(map(str, numbers))
    lines = [each.strip() for each in names.strip().splitlines()]
    doubled = {name for name, count in Counter(lines).items() if count > 1}
    known = [f"{name} ({number})" if name in doubled else name for number, name in enumerate(lines)]
    largest = max(numbers, default=0)
    if largest >= len(known):
        raise FileError(f"{path} has {len(known)} names, but there is a picture of class {largest} (they count from 0).")
    return tuple(known[number] for number in numbers)


def _targets(note: bytes, key: str) -> tuple[float, ...]:
    try:
        return tuple(np.load(io.BytesIO(note), allow_pickle=False).ravel().tolist())
    except (ValueError, EOFError, MemoryError, OSError, SyntaxError, TypeError) as error:
        raise FileError(f"the .npy of the key {key!r} cannot be read as an array: {error}.") from error
