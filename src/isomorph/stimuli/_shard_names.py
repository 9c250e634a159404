"""Many shards in one text: `https://host/train-{00000..00999}.tar`."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from isomorph.errors import FileError, InputError
from isomorph.stimuli._decode import SUFFIXES

MOST_SHARDS = 100_000
_RANGE = re.compile(r"([0-9]{1,9})\.\.([0-9]{1,9})")
_MEANT = "Write a range of numbers, {00000..00999}, or a list, {train,more}."


def shard_names(text: str) -> tuple[str, ...]:
    """The shards that a text stands for, in order: each `{…}` is gone through, the last one fastest.

    Args:
        text: Files or addresses (`https://…`, `s3://…`, what fsspec knows) with ranges `{000..999}`, which count as their first number is
            written, and lists `{a,b}`; of files also the patterns `*`, `?`, `[…]` and `**`, whose matches come in the order of their
            numbers; or a folder of tar files.

    Raises:
        InputError: What stands in braces is neither range nor list, it is a pattern of addresses, or more than 100,000 shards.
        FileError: No file matches a pattern, or a folder holds no tar file.

    Example:
        >>> shard_names("s3://pictures/train-{008..010}.tar")
        ('s3://pictures/train-008.tar', 's3://pictures/train-009.tar', 's3://pictures/train-010.tar')
    """
    remote = "://" in text
    if not remote and _there(text):
        return _in_folder(Path(text)) if Path(text).is_dir() else (text,)
    named = _expanded(text)
    if remote:
        if "*" in text:
            raise InputError(f"{text!r} is a pattern, and addresses are not listed. {_MEANT}")
        return named
    return tuple(name for each in named for name in (_matching(each) if glob.has_magic(each) else (each,)))


def names_shards(text: str | Path) -> bool:
    """Whether a text is meant for `shard_names`: an address, a pattern, a tar file, or a folder of such without pictures and folders."""
    text = str(text)
    if "://" in text:
        return True
    path = Path(text)
    if _there(text) and path.is_dir():
        inside = [each for each in path.iterdir() if not each.name.startswith(".")]
        others = any(each.suffix.lower() in SUFFIXES or each.is_dir() for each in inside)
        return not others and any(each.suffix == ".tar" for each in inside)
    return path.suffix == ".tar" or (not _there(text) and _stands_for_more(text))


def shards_beside(text: str, folder: Path) -> str:
    """What a file in `folder` names: an address stays, a path counts from the folder.

    Example:
        >>> shards_beside("s3://pictures/{0..9}.tar", Path("studies")), shards_beside("{0..9}.tar", Path("studies"))
        ('s3://pictures/{0..9}.tar', 'studies/{0..9}.tar')
    """
    if "://" in text:
        return text
    pattern = _stands_for_more(text) and not _there(str(folder / text))
    return str((Path(glob.escape(str(folder))) if pattern else folder) / text)


def _there(text: str) -> bool:
    return os.path.exists(text)  # noqa: PTH110 - `Path.exists` raises of a list that is longer than names may be


def _stands_for_more(text: str) -> bool:
    return "{" in text or glob.has_magic(text)


def _expanded(text: str) -> tuple[str, ...]:
    pieces = re.split(r"(\{[^{}]*\})", text)
    choices: list[Sequence[str]] = []
    count = 1
    for piece in pieces:
        if piece.startswith("{"):
            choices.append(_choices(piece, text))
        elif "{" in piece or "}" in piece:
            raise InputError(f"the braces of {text!r} do not pair. {_MEANT}")
        else:
            choices.append((piece,))
        count *= len(choices[-1])
        if count > MOST_SHARDS:
            raise InputError(f"{text!r} stands for more than {MOST_SHARDS:,} shards. Use fewer, larger ones, or several studies.")
    return tuple("".join(each) for each in product(*choices))


def _choices(piece: str, text: str) -> Sequence[str]:
    if match := _RANGE.fullmatch(piece[1:-1]):
        first, last = int(match[1]), int(match[2])
        if last < first:
            raise InputError(f"the range {piece} of {text!r} runs down. {_MEANT}")
        if last - first >= MOST_SHARDS:
            raise InputError(f"{text!r} stands for more than {MOST_SHARDS:,} shards. Use fewer, larger ones, or several studies.")
        width = len(match[1]) if match[1].startswith("0") else 0
        return [f"{number:0{width}}" for number in range(first, last + 1)]
    choices = piece[1:-1].split(",")
    if len(choices) < 2:
        raise InputError(f"{piece} of {text!r} is neither a range nor a list. {_MEANT}")
    return choices


def _matching(pattern: str) -> list[str]:
    found = sorted((each for each in glob.glob(pattern, recursive=True) if Path(each).is_file()), key=_by_numbers)  # noqa: PTH207 - may be absolute
    if not found:
        raise FileError(f"no file matches {pattern!r}, which should name tar shards.")
    return found


def _in_folder(folder: Path) -> tuple[str, ...]:
    found = sorted((str(each) for each in folder.glob("*.tar") if not each.name.startswith(".")), key=_by_numbers)
    if not found:
        raise FileError(f"the folder {folder} holds no tar shards (*.tar).")
    return tuple(found)


def _by_numbers(name: str) -> list[tuple[int, str]]:
    return [(int(each), "") if each.isdigit() else (-1, each) for each in re.split(r"([0-9]+)", name)]
