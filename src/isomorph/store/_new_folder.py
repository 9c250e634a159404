"""A new folder, whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from isomorph.errors import FileError, InputError
from isomorph.store._atomic import sync_folder


@contextmanager
def new_folder(folder: Path, *, what: str) -> Iterator[Path]:
    """Within: a folder to write into, which becomes `folder` at the end; after an error nothing is left.

    Args:
        folder: What must not be there yet.
        what: What is written, as messages name it: `"the recording"`.

    Raises:
        InputError: The folder is there already.
        FileError: It cannot be written.
    """
    if folder.exists():
        raise InputError(f"{folder} is there already. Choose another folder, or delete it.")
    made = folder.with_name(f".{folder.name}.{secrets.token_hex(6)}.partial")
    try:
        made.mkdir(parents=True)
        yield made
        for each in made.rglob("*"):
            if each.is_file():
                with each.open("rb") as file:
                    os.fsync(file.fileno())
        made.rename(folder)
        sync_folder(folder.parent)
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{what} cannot be written to {folder}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
