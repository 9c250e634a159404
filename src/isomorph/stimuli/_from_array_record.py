"""Pictures from a data set that `tensorflow_datasets` prepared as ArrayRecord files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import xxhash

from isomorph.errors import FileError, IdError, InputError
from isomorph.stimuli._decode import Background, Pixels, decode_stimulus
from isomorph.stimuli._record_index import Record, index_records, picture
from isomorph.stimuli._shard_index import Shard
from isomorph.stimuli._sources import Modality, Parts

if TYPE_CHECKING:
    from isomorph.store import Store

ARRAY_RECORDS = "*.array_record-*-of-*"
_NAME = re.compile(r"(?P<data>.+)-(?P<split>[^-]+)\.array_record-(?P<number>\d{5})-of-(?P<count>\d{5})")


@dataclass(frozen=True)
class RecordImages:
    """Pictures inside ArrayRecord files: of each the number of its shard, that of its record, and its digest."""

    shards: tuple[Shard, ...]
    places: tuple[tuple[int, int, bytes], ...]
    background: Background
    max_pixels: int
    modality: ClassVar[Modality] = "image"

    def options(self) -> dict[str, Any]:
        return {"from": "files", "background": list(self.background)}  # the same bytes are the same pictures, in a folder or in a shard

    def read(self, row: int, name: str) -> Pixels:
        number, record, digest = self.places[row]
        try:
            content = picture(self.shards[number], record)
        except FileError as error:
            raise FileError(f"stimulus {name!r} cannot be read: {error}") from error
        if xxhash.xxh3_128_digest(content) != digest:
            raise FileError(f"stimulus {name!r} ({self.place(row)}) has other bytes than when it was indexed. Fetch the shard again.")
        return decode_stimulus(content, f"{name!r} ({self.place(row)})", background=self.background, max_pixels=self.max_pixels)

    def digest(self, row: int, name: str) -> str:
        return self.places[row][2].hex()

    def place(self, row: int) -> str:
        number, record, _ = self.places[row]
        return f"{self.shards[number].path}, record {record:,}"

    def take(self, rows: Sequence[int]) -> RecordImages:
        return replace(self, places=tuple(self.places[row] for row in rows))


def from_array_record(
    folder: Path, split: str, *, background: Background, max_pixels: int, shard_in_id: bool, store: Store | None
) -> Parts:
    """The pictures of one split, in the order of shards and of records; ids are their `file_name`."""
    shards = _shards(folder, split)
    found: dict[str, tuple[int, int, Record]] = {}
    for number, shard in enumerate(shards):
        for row, record in enumerate(index_records(shard, store)):
            key = _key(shard, number, row, record, shard_in_id=shard_in_id)
            if key in found:
                first = found[key]
                places = f"in {shards[first[0]].path.name}, record {first[1]:,}, and in {shard.path.name}, record {row:,}"
                raise IdError(f"the name {key!r} stands twice in {folder}: {places}. Pass shard_in_id=True to tell them apart.")
            found[key] = (number, row, record)
    if not found:
        raise InputError(f"{folder} has no pictures: its {len(shards)} shards of {split!r} have no records.")
    rows = tuple((number, row, record.digest) for number, row, record in found.values())
    return Parts(tuple(found), RecordImages(shards, rows, background, max_pixels), _classes(folder, found), str(folder))


def _shards(folder: Path, split: str) -> tuple[Shard, ...]:
    """As many as the names say: `…-00000-of-00002`, `…-00001-of-00002`."""
    splits: dict[str, dict[tuple[str, int], dict[int, Path]]] = {}
    for path in sorted(folder.glob(ARRAY_RECORDS)):
        if name := _NAME.fullmatch(path.name):
            sets = splits.setdefault(name["split"], {})
            sets.setdefault((name["data"], int(name["count"])), {})[int(name["number"])] = path
    if split not in splits:
        known = ", ".join(map(repr, sorted(splits))) or "none whose name can be read (NAME-SPLIT.array_record-00000-of-00001)"
        raise FileError(f"{folder} has no ArrayRecord files of the split {split!r}; it has {known}.")
    sets = splits[split]
    if len(sets) > 1:
        several = " and ".join(f"{data!r} in {count:,}" for data, count in sorted(sets))
        raise FileError(f"{folder} has {len(sets)} sets of shards of {split!r}: {several}. Keep one of them in a folder.")
    (data, count), paths = next(iter(sets.items()))
    missing = [number for number in range(count) if number not in paths]
    if missing or len(paths) != count:
        first = missing[0] if missing else max(paths)
        lacking = f"{data}-{split}.array_record-{first:05}-of-{count:05}"
        what = f"lacks {len(missing):,} of its {count:,} shards" if missing else f"has more shards than {count:,}"
        raise FileError(f"{folder} {what}; the first is {lacking}. {'Fetch it.' if missing else 'Remove it.'}")
    return tuple(Shard.of(paths[number]) for number in range(count))


def _key(shard: Shard, number: int, row: int, record: Record, *, shard_in_id: bool) -> str:
    if shard_in_id:
        return f"{number}/{row if record.name is None else record.name}"
    if record.name is None:
        raise FileError(
            f"record {row:,} of the shard {shard.path} has no 'file_name' to be its id. Pass shard_in_id=True for ids of the numbers of "
            "shard and record."
        )
    return record.name


def _classes(folder: Path, found: dict[str, tuple[int, int, Record]]) -> dict[str, tuple[Any, ...]]:
    """Numbers and names of the classes; none where the set withholds them, with -1 for each."""
    from isomorph.stimuli._from_shards import class_labels

    numbers = tuple(record.label for _, _, record in found.values())
    if all(each is None or each == -1 for each in numbers):
        return {}
    for key, each in zip(found, numbers, strict=True):
        if each is None or each < 0:
            number, row, _ = found[key]
            what = "no class" if each is None else f"the class {each}"
            raise FileError(f"{key!r} (shard {number:,}, record {row:,}) has {what}, but others of {folder} have one of 0 or more.")
    return {"class_index": numbers, "label": class_labels([each for each in numbers if each is not None], folder / "label.labels.txt")}
