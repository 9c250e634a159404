"""Arrays that are made once: a file, and beside it what it answers to."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from isomorph import spec
from isomorph.errors import FileError
from isomorph.store._atomic import make_folder, write_bytes

Arrays = dict[str, np.ndarray[Any, Any]]


def kept(path: Path, asked: Any, make: Callable[[], Arrays]) -> Arrays:
    """Arrays from a file that answers to the same question, or made and written."""
    wanted = spec.fingerprint(asked)
    if path.is_file() and noted(path) == wanted:
        try:
            with np.load(path, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        except (OSError, ValueError, EOFError) as error:
            raise FileError(f"{path} cannot be read: {error}. Remove it to have it made again.") from error
    arrays = make()
    held = io.BytesIO()
    np.savez(held, **arrays)  # type: ignore[arg-type]
    make_folder(path.parent)
    write_bytes(path, held.getvalue())
    write_bytes(path.with_suffix(".asked"), wanted.encode())
    return arrays


def noted(path: Path) -> str:
    """What a file answers to; empty where that is not known."""
    try:
        return path.with_suffix(".asked").read_text(encoding="utf-8")
    except OSError:
        return ""
