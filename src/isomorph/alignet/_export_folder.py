"""A folder that is there whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from isomorph.errors import FileError, InputError
from isomorph.store._atomic import sync_folder

CARD = "card.json"


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A hidden folder beside `folder`, which takes its place once the block has ended well; else it is gone.

    Raises:
        FileError: The disk is full, or cannot be written.
    """
    made = folder.with_name(f".{folder.name}.{secrets.token_hex(6)}.partial")
    try:
        try:
            made.mkdir(parents=True)
            yield made
            _into_place(made, folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        if isinstance(error, FileError):
            raise
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        way_out = "Make room and run again." if full else "Choose another folder."
        raise FileError(f"the export cannot be written to {folder}: {error.strerror or error}. {way_out}") from error


def _into_place(made: Path, folder: Path) -> None:
    for each in made.iterdir():
        with each.open("rb") as file:
            os.fsync(file.fileno())
    away = made.with_suffix(".old")
    if folder.exists():
        folder.replace(away)
    made.replace(folder)
    shutil.rmtree(away, ignore_errors=True)
    sync_folder(folder.parent)


def check_free(folder: Path, weights: str, name: str) -> dict[str, Any] | None:
    """The card of an earlier export of this same student in `folder`; None where the place is free.

    Raises:
        InputError: Something else is there, such as the export of another student.
    """
    if not folder.exists():
        return None
    if not folder.is_dir():
        raise InputError(f"{folder} is a file; an export is a folder. Choose another name.")
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        kind, theirs, called = card["isomorph"], card["weights"], card["model"]["name"]
    except FileNotFoundError:
        if any(folder.iterdir()):
            raise InputError(f"{folder} is there already, and is no export of a student. Choose another folder.") from None
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder} is there already, and its {CARD} cannot be read: {error}. Choose another folder.") from error
    if kind != "student" or theirs != weights:
        raise InputError(
            f"{folder} holds the export of another student, {called!r} with other weights than {name!r}. Choose another folder, or "
            "delete it."
        )
    return dict(card)


def unchanged(folder: Path, card: Mapping[str, Any] | None, wanted: Mapping[str, Any], formats: Collection[str]) -> bool:
    """Whether an earlier export has all that is wanted, and its files are as they were written."""
    if card is None or any(card.get(key) != value for key, value in wanted.items()):
        return False
    if not isinstance(card.get("files"), dict) or not isinstance(card.get("checks"), dict) or set(card["checks"]) != set(formats):
        return False
    return all((path := folder / name).is_file() and sha256(path) == digest for name, digest in card["files"].items())


def sha256(path: Path) -> str:
    """Of a file."""
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
