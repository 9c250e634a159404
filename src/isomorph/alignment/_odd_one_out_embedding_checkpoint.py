"""Where a fit of an embedding stands, on disk, so that one which was killed goes on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isomorph.alignment._own_file import read_own, write_own
from isomorph.errors import FileError, InputError, IsomorphError

_PAUSE_SECONDS = 30.0


class Checkpoint:
    """One file, written at most every half minute, for one fit: other options or trials are refused.

    Attributes:
        path: The file.
        fit: What names the fit: options, seeds and the digest of its trials, plain.
    """

    def __init__(self, path: Path, fit: Mapping[str, Any]) -> None:
        self.path, self.fit = path, dict(fit)
        self._written = time.monotonic()

    def read(self) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Plain data and tensors of the fit so far; None where there are none yet.

        Raises:
            FileError: The file is damaged, or no checkpoint.
            InputError: It is of another fit.
        """
        if not self.path.exists():
            return None
        try:
            plain, tensors = read_own(self.path, "embedding checkpoint")
            fit = plain.pop("fit")
        except (IsomorphError, KeyError, TypeError, ValueError, OSError, RecursionError) as error:
            raise FileError(f"{self.path} holds no checkpoint of a fit, or is damaged: {error}. Delete it to begin anew.") from error
        if fit != self.fit:
            other = sorted(name for name in self.fit.keys() | fit.keys() if self.fit.get(name) != fit.get(name))
            raise InputError(f"{self.path} is the checkpoint of a fit with other {', '.join(other)}. Delete it, or name another file.")
        return plain, tensors

    def due(self) -> bool:
        """Whether it is time to write."""
        return time.monotonic() - self._written >= _PAUSE_SECONDS

    def write(self, plain: Mapping[str, Any], tensors: Mapping[str, Any]) -> None:
        """Replace the file, whole or not at all."""
        write_own(self.path, "embedding checkpoint", {"fit": self.fit, **plain}, tensors)
        self._written = time.monotonic()
