"""What was shown: an ordered, named, lazy sequence of pictures or texts."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from isomorph.errors import IdError, InputError
from isomorph.spec import fingerprint
from isomorph.stimuli._decode import MAX_PIXELS, Background
from isomorph.stimuli._from_arrays import Layout, from_arrays, from_mat, from_npz
from isomorph.stimuli._from_files import from_files, from_folder
from isomorph.stimuli._from_hugging_face import from_hugging_face
from isomorph.stimuli._from_shards import from_shards
from isomorph.stimuli._from_texts import from_texts
from isomorph.stimuli._metadata import columns
from isomorph.stimuli._skipped import Skipped, undecodable
from isomorph.stimuli._sources import Modality, Parts
from isomorph.stimuli._subset import Rule, Subset, balanced_subset
from isomorph.stimuli._thumbnail import thumbnail

if TYPE_CHECKING:
    import pandas

    from isomorph.store import Store

OnError = Literal["raise", "skip"]
WHITE: Background = (255, 255, 255)


class Stimuli(Sequence[Any]):
    """Pictures or texts with ids, in an order, decoded when they are asked for.

    `stimuli[3]` is a `uint8` array `[height, width, 3]` or a string; `stimuli[:10]` and `stimuli.take(ids)` are stimuli again. Reading is
    safe from several threads at once. Make one with `from_folder`, `from_files`, `from_shards`, `from_hugging_face`, `from_arrays`,
    `from_mat`, `from_npz` or `from_texts`.

    Attributes:
        skipped: What `on_error="skip"` left out, with the reasons.
        subset: How `balanced` drew these stimuli from more; else None.

    Example:
        >>> words = Stimuli.from_texts({"a": "apple", "b": "pear"})
        >>> words[1], words.take(["b"]).ids
        ('pear', ('b',))
    """

    def __init__(self, parts: Parts, *, skipped: tuple[Skipped, ...] = (), subset: Subset | None = None) -> None:
        self._parts = parts
        self.skipped = skipped
        self.subset = subset

    @property
    def ids(self) -> tuple[str, ...]:
        """The names, unique, in order."""
        return self._parts.ids

    @property
    def modality(self) -> Modality:
        """`"image"` or `"text"`."""
        return self._parts.source.modality

    @property
    def ignored(self) -> int:
        """How many files of a folder were passed over because they do not claim to be pictures."""
        return self._parts.ignored

    @cached_property
    def metadata(self) -> pandas.DataFrame:
        """What is known of each stimulus: a table whose index is `ids`."""
        import pandas

        return pandas.DataFrame(dict(self._parts.columns), index=pandas.Index(self.ids, name="id"))

    @property
    def labels(self) -> tuple[str, ...] | None:
        """The metadata column `label` (of a folder: the sub-folder of each picture), or None."""
        column = self._parts.columns.get("label")
        return None if column is None else tuple(map(str, column))

    @property
    def groups(self) -> dict[str, str] | None:
        """What each text is about (the picture of a caption), by id; None unless `from_texts` was given `group`."""
        return None if self._parts.groups is None else dict(zip(self.ids, self._parts.groups, strict=True))

    @cached_property
    def item_digests(self) -> tuple[str, ...]:
        """xxh3-128 of each item: of a file's bytes, of an array's pixels and shape, of a text's UTF-8. Computed once."""
        source = self._parts.source
        return tuple(source.digest(row, name) for row, name in enumerate(self.ids))

    @cached_property
    def digest(self) -> str:
        """The SHA-256 over ids, item digests, modality and background: equal digests are equal stimuli."""
        decoding = self._parts.source.options()
        return fingerprint({"ids": self.ids, "items": self.item_digests, "modality": self.modality, "decoding": decoding})

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Stimuli: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return self._rows(range(len(self))[index])
        row = range(len(self))[operator.index(index)]
        return self._parts.source.read(row, self.ids[row])

    def take(self, ids: Sequence[str]) -> Stimuli:
        """The stimuli of `ids`, in that order.

        Raises:
            IdError: An id is not among these stimuli, or asked for twice.
        """
        row_of = {each: row for row, each in enumerate(self.ids)}
        unknown = [each for each in ids if each not in row_of]
        if unknown:
            raise IdError(f"{len(unknown)} of {len(ids)} ids are not among these {len(self)} stimuli; the first is {unknown[0]!r}.")
        if len(set(ids)) != len(ids):
            raise IdError(f"{len(ids) - len(set(ids))} of {len(ids)} ids are asked for more than once. Ids must be unique.")
        return self._rows([row_of[each] for each in ids])

    def balanced(self, size: int, *, name: str, seed: int = 0, labels: Sequence[Any] | None = None, rule: Rule = "exact") -> Stimuli:
        """`size` of these stimuli, equally many of each class, drawn by the data set's name; `subset` of the result says what was drawn.

        Args:
            size: How many; of fewer there are all are taken, and `subset.note` says so.
            name: The data set's name, as in `balanced_subset`.
            seed: Another seed, another draw.
            labels: The classes; the metadata column `label` unless given.
            rule: `"exact"` or `"original"`, as in `balanced_subset`.

        Raises:
            InputError: There are no labels, or `size` is below the number of classes.
        """
        classes = self.labels if labels is None else labels
        if classes is None:
            raise InputError(f"these {len(self)} stimuli have no labels to balance. Pass labels=…, one for each stimulus.")
        subset = balanced_subset(classes, self.ids, size, name=name, seed=seed, rule=rule)
        part = self.take(subset)
        part.subset = subset
        return part

    def _rows(self, rows: Sequence[int]) -> Stimuli:
        table = {name: tuple(values[row] for row in rows) for name, values in self._parts.columns.items()}
        ids = tuple(self.ids[row] for row in rows)
        groups = self._parts.groups and tuple(self._parts.groups[row] for row in rows)
        parts = replace(self._parts, ids=ids, source=self._parts.source.take(rows), columns=table, groups=groups)
        part = Stimuli(parts, skipped=self.skipped)
        if "item_digests" in self.__dict__:
            part.__dict__["item_digests"] = tuple(self.item_digests[row] for row in rows)
        return part

    def verify(self) -> tuple[Skipped, ...]:
        """Decode every stimulus once and return those that fail; costs as much as one pass over the pictures."""
        return undecodable(self._parts.source, self.ids)

    def _without_problems(self, on_error: OnError) -> Stimuli:
        if on_error not in {"raise", "skip"}:
            raise InputError(f"on_error must be 'raise' or 'skip'; got {on_error!r}.")
        bad = {each.id: each for each in self.verify()} if on_error == "skip" else {}
        if len(bad) == len(self):
            raise InputError(f"none of {len(self)} stimuli can be decoded; the first, {bad[self.ids[0]].path}: {bad[self.ids[0]].reason}.")
        return Stimuli(self.take([each for each in self.ids if each not in bad])._parts, skipped=tuple(bad.values())) if bad else self

    def thumbnail(self, i: int, size_pixels: int = 64) -> bytes:
        """Stimulus `i` as a small JPEG whose longer side has at most `size_pixels` pixels.

        Raises:
            InputError: The stimuli are texts.
        """
        if self.modality != "image":
            raise InputError(f"stimulus {self.ids[i]!r} is a text; only pictures have thumbnails.")
        return thumbnail(self[i], size_pixels)

    def __repr__(self) -> str:
        kind = {"image": "picture", "text": "text"}[self.modality] + ("" if len(self) == 1 else "s")
        origin = f" from {self._parts.origin!r}" if self._parts.origin else ""
        shown = ", ".join(map(repr, self.ids)) if len(self) <= 3 else f"{self.ids[0]!r}, {self.ids[1]!r}, … {self.ids[-1]!r}"
        counts = "".join(f", {n} {word}" for n, word in ((len(self.skipped), "skipped"), (self.ignored, "files ignored")) if n)
        return f"Stimuli({len(self)} {kind}{origin}: {shown}{counts})"

    @classmethod
    def from_folder(
        cls,
        path: Path | str,
        *,
        on_error: OnError = "raise",
        background: Background = WHITE,
        pattern: str | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> Stimuli:
        """Every picture in a folder and its sub-folders, ordered by relative path, which is also the id.

        Hidden files are passed over; files without the suffix of a picture are counted in `ignored`. The sub-folder becomes the metadata
        column `label`. Two pictures of one folder whose names differ only in capitals or suffix are an error.

        Args:
            path: The folder.
            on_error: `"raise"` stops at the first picture that cannot be decoded, when it is reached. `"skip"` decodes all of them
                now (one more pass) and lists the bad ones in `skipped`.
            background: The colour under transparent pixels; part of the digest.
            pattern: Take the files whose relative path matches this shell pattern instead, whatever their suffix.
            max_pixels: A picture with more pixels is refused from its header.

        Raises:
            FileError: The folder is not there; or, later, a picture cannot be decoded.
            IdError: Two pictures have one name.
            InputError: There is no picture, or none that can be decoded.
        """
        return cls(from_folder(Path(path), pattern=pattern, background=background, max_pixels=max_pixels))._without_problems(on_error)

    @classmethod
    def from_files(
        cls,
        paths: Sequence[Path | str],
        ids: Sequence[str] | None = None,
        *,
        on_error: OnError = "raise",
        background: Background = WHITE,
        max_pixels: int = MAX_PIXELS,
        metadata: Any = None,
    ) -> Stimuli:
        """The pictures in `paths`, in that order; ids are the file names unless given. The rest is as in `from_folder`."""
        parts = from_files(paths, ids=ids, background=background, max_pixels=max_pixels)
        return cls(replace(parts, columns=columns(metadata, parts.ids)))._without_problems(on_error)

    @classmethod
    def from_shards(
        cls,
        folder: Path | str,
        split: str = "train",
        *,
        on_error: OnError = "raise",
        background: Background = WHITE,
        max_pixels: int = MAX_PIXELS,
        shard_in_id: bool = False,
        store: Store | Path | str | None = None,
    ) -> Stimuli:
        """The pictures of tar shards, or of the ArrayRecord files of `tensorflow_datasets`.

        Tar shards have the webdataset layout: `folder/split/` with `nshards.txt` and `0.tar`, `1.tar`, …. The others are called
        `folder/NAME-SPLIT.array_record-00000-of-00001`, …. Shards are indexed once; after that each picture is read from its place, in
        any order, so that work resumes exactly where it stopped. The id is a picture's key, the order that of shards and members. `.cls`
        beside a picture becomes the columns `class_index` and `label` (its name in `folder/classnames.txt`, else the number), `.txt` the
        column `text`, `.npy` `targets`. Of an ArrayRecord `image`, `label` (`folder/label.labels.txt`) and `file_name`, the id, are read.

        Args:
            folder: Where the splits are.
            split: The sub-folder, or what the files' names say.
            on_error: As in `from_folder`.
            background: As in `from_folder`.
            max_pixels: As in `from_folder`.
            shard_in_id: Ids are `shard/key`, for keys that are unique within their shard only.
            store: Keep the index there, named by each shard's path, size and modification time, so that the next process need not read
                the headers (of an ArrayRecord: everything); None: keep it in memory.

        Raises:
            FileError: A shard is missing, cut short, damaged or changed meanwhile; holds a link or a path that leads out of it; or a key
                lacks its picture or what the others have beside theirs.
            IdError: A key stands twice; says in which shards and where.
            InputError: There is no picture.
        """
        options: dict[str, Any] = {"background": background, "max_pixels": max_pixels, "shard_in_id": shard_in_id, "store": store}
        return cls(from_shards(Path(folder), split, **options))._without_problems(on_error)

    @classmethod
    def from_hugging_face(
        cls,
        dataset: Any,
        *,
        image: str = "image",
        label: str | None = None,
        ids: Sequence[str] | str | None = None,
        on_error: OnError = "raise",
        background: Background = WHITE,
        max_pixels: int = MAX_PIXELS,
    ) -> Stimuli:
        """The pictures of a `datasets.Dataset` (one split, not streaming); decoded here, not there, so that its settings do not matter.

        Args:
            dataset: The data set, as `datasets.load_dataset(…, split=…)` gives it.
            image: The column of pictures.
            label: The column of classes; becomes `label` (by name) and `class_index`.
            ids: The ids, or the name of their column; `"0"`, `"1"`, … unless given.
            on_error: As in `from_folder`.
            background: As in `from_folder`.
            max_pixels: As in `from_folder`.

        Raises:
            InputError: There is no such column, it holds no pictures, or a row has no label.
        """
        parts = from_hugging_face(dataset, image=image, label=label, ids=ids, background=background, max_pixels=max_pixels)
        return cls(parts)._without_problems(on_error)

    @classmethod
    def from_arrays(cls, arrays: Any, ids: Sequence[str] | None = None, *, layout: Layout | None = None, metadata: Any = None) -> Stimuli:
        """Pictures in memory: one array, or a sequence of arrays of different sizes.

        Args:
            arrays: uint8, or floats in [0, 1] (rounded to 8 bits); 1 or 3 channels. Not copied: leave it as it is.
            ids: Their names; `"0"`, `"1"`, … unless given.
            layout: `"NHWC"`, `"NCHW"`, `"NHW"`, `"HWCN"` or `"HWN"`; found out from the shape where only one of the first three fits.
            metadata: A table or a mapping of columns with one row a picture.

        Raises:
            ShapeError: The shape fits no layout, or several.
            InputError: Another dtype, or (when the picture is read) floats outside [0, 1].
        """
        parts = from_arrays(arrays, ids=ids, layout=layout, columns={})
        return cls(replace(parts, columns=columns(metadata, parts.ids)))

    @classmethod
    def from_mat(
        cls, path: Path | str, key: str, *, field: str = "image", ids: Sequence[str] | None = None, layout: Layout | None = None
    ) -> Stimuli:
        """Pictures of a MATLAB file: the array `key`, or `field` of the struct array `key` (its scalar fields become metadata)."""
        return cls(from_mat(Path(path), key, field=field, ids=ids, layout=layout))

    @classmethod
    def from_npz(
        cls, path: Path | str, key: str | None = None, *, ids: Sequence[str] | None = None, layout: Layout | None = None
    ) -> Stimuli:
        """Pictures of an `.npz` file; its array `ids` names them, other arrays with one value a picture become metadata."""
        return cls(from_npz(Path(path), key, ids=ids, layout=layout))

    @classmethod
    def from_texts(
        cls, texts: Any, ids: Sequence[str] | str | None = None, *, column: str | None = None, group: str | None = None
    ) -> Stimuli:
        """Texts: a list, a dict id → text, a pandas table, or the path of a CSV, TSV or Parquet file.

        Args:
            texts: Where they are. Of a table, the columns that are neither texts nor ids become metadata.
            ids: The ids, or the name of their column; else the column `id`, else a textual index, else `"0"`, `"1"`, ….
            column: The column of the texts; else `text`, else the only one that holds strings.
            group: The column that says what each text is about, as the picture of a caption: `groups`. Ids are then `dog#1`, `dog#2`, ….

        Raises:
            InputError: A column is missing or cannot be told, an item is not a string, or (with `group`) a text or its group is empty.
            IdError: An id stands twice.
        """
        return cls(from_texts(texts, ids=ids, column=column, group=group))
