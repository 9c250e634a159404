"""Pictures from a folder or a list of files: names checked now, pixels decoded later."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from isomorph.arrays import unique_ids
from isomorph.errors import FileError, IdError, InputError
from isomorph.stimuli._decode import SUFFIXES, Background
from isomorph.stimuli._sources import ImageFiles, Parts


def from_folder(folder: Path, *, pattern: str | None, background: Background, max_pixels: int) -> Parts:
    """Every picture below `folder`, in the order of their relative paths, which are their ids."""
    if not folder.is_dir():
        raise FileError(f"{folder} is {'a file, not a folder' if folder.exists() else 'not there'}; a folder of pictures was expected.")
    found: dict[str, Path] = {}
    ignored = 0
    for path in _walk(folder, (folder.resolve(),)):
        name = _id(path.relative_to(folder).as_posix(), path)
        if fnmatchcase(name, pattern) if pattern else path.suffix.lower() in SUFFIXES:
            if name in found:
                raise IdError(f"{folder} has two pictures whose names are the same text, {name!r}. Rename one.")
            found[name] = path
        else:
            ignored += 1
    if not found:
        what = f"matches {pattern!r}" if pattern else "has the suffix of a picture (.png, .jpg, …)"
        raise InputError(f"{folder} has no pictures: none of its {ignored} files {what}.")
    ids = tuple(sorted(found))
    _check_doubled(folder, ids)
    labels = tuple(each.rpartition("/")[0] for each in ids)
    return Parts(
        ids=ids,
        source=ImageFiles(tuple(found[each] for each in ids), background, max_pixels),
        columns={"label": labels} if any(labels) else {},
        origin=str(folder),
        ignored=ignored,
    )


def from_files(paths: Sequence[Path | str], *, ids: Sequence[str] | None, background: Background, max_pixels: int) -> Parts:
    """The pictures in `paths`, in that order; ids are the file names unless given."""
    files = tuple(Path(each) for each in paths)
    if not files:
        raise InputError("no files were given.")
    for each in files:
        if not each.is_file():
            raise FileError(f"there is no file {each}.")
    if ids is None:
        names = _file_names(files)
    else:
        names = unique_ids(ids, name="the list of files")
        if len(names) != len(files):
            raise IdError(f"{len(files)} files were given, but {len(names)} ids.")
    return Parts(ids=names, source=ImageFiles(files, background, max_pixels))


def _walk(folder: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    """Visible files below `folder`; links are followed, but never back into a folder that is being walked."""
    try:
        entries = sorted(os.scandir(folder), key=lambda each: each.name)
    except OSError as error:
        raise FileError(f"the folder {folder} cannot be read: {error.strerror or error}.") from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        path = Path(entry.path)
        if entry.is_dir():
            real = path.resolve()
            if real not in above:
                yield from _walk(path, (*above, real))
        else:
            yield path  # a link to nothing too: its decoding will name it


def _id(name: str, path: Path) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise FileError(f"the file name {os.fsencode(path)!r} is not UTF-8, so it cannot be an id. Rename it.") from None
    return unicodedata.normalize("NFC", name)  # one name, whichever system wrote it


def _check_doubled(folder: Path, ids: tuple[str, ...]) -> None:
    seen: dict[str, str] = {}
    for each in ids:
        stem = each.rpartition(".")[0].casefold()
        if stem in seen:
            raise IdError(
                f"{folder} has two pictures of one name: {seen[stem]!r} and {each!r} (capitals and suffix do not count). "
                "Rename one, or choose with pattern='*.png' or the like."
            )
        seen[stem] = each


def _file_names(files: tuple[Path, ...]) -> tuple[str, ...]:
    seen: dict[str, Path] = {}
    for each in files:
        name = _id(each.name, each)
        if name in seen:
            if seen[name] == each:
                raise IdError(f"the file {each} was given twice.")
            raise IdError(f"two files are called {name!r}: {seen[name]} and {each}. Tell them apart with ids=[…].")
        seen[name] = each
    return tuple(seen)
