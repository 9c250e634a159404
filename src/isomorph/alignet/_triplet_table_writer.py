"""Writes a `TripletTable` block by block; what a killed run has written is kept."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import FileError, InputError
from isomorph.judgments import order_hash
from isomorph.store._atomic import FolderLock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isomorph.alignet._triplet_table import TripletTable

Precision = Literal["float16", "float32"]


class TableWriter:
    """A table in the making: a hidden folder beside its place, renamed when it is whole.

    Blocks are written in order. After each, `cursor.json` notes how many triplets are safe on disk, and of what; a later writer of the
    same thing (`identity`) goes on there, one of another thing begins anew.

    Args:
        path: The table's folder; it must not exist, or be a table (then it is replaced).
        n: Triplets.
        identity: Names what is written: equal identities write equal bytes.
        precision: Of similarities; None has none.
        resumes: Keep finished blocks when an error ends the work; else nothing is left.

    Attributes:
        done: Triplets that are safe on disk.
        totals: What was last written with them.
        folder: Where it is made; scratch files of the maker may lie here, too.

    Raises:
        InputError: Something else is at `path`.
        FileError: The folder cannot be made, or another process writes it.
    """

    def __init__(self, path: Path | str, n: int, identity: str, *, precision: Precision | None, resumes: bool = True) -> None:
        self.path, self.n, self.precision, self._resumes = Path(path), n, precision, resumes
        if self.path.exists() and not (self.path / "header.json").is_file():
            raise InputError(f"{self.path} is there already, and is no table of triplets. Choose another name.")
        self.folder = self.path.with_name(f".{self.path.name}.partial")
        self._identity = {"identity": identity, "n": n, "precision": precision}
        self._files: dict[str, tuple[IO[bytes], int]] = {}
        with self.disk_errors():
            self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = FolderLock(self.folder)
        if self._lock.exclusive() is False:
            self._lock.close()
            raise FileError(f"another process is writing {self.path}; wait for it, or choose another name.")
        self.done, self.totals = self._resumed()
        with self.disk_errors():
            self._files["items"] = self._opened("items", np.dtype(np.int32))
            if precision is not None:
                self._files["similarities"] = self._opened("similarities", np.dtype(precision))
            self._note(self.done, self.totals)

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for file, _ in self._files.values():
            with suppress(OSError):  # a full disk has been told of already
                file.close()
        if error is not None and not (self._resumes and (self.done or self._has_scratch())):
            shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()

    def write(self, start: int, items: IntArray, similarities: FloatArray | None = None, totals: Mapping[str, float] | None = None) -> None:
        """Write the triplets from `start`, which is where the last block ended; `totals` are kept with them for a later writer."""
        with self.disk_errors():
            for name, block in (("items", items), ("similarities", similarities)):
                if block is not None:
                    self._put(name, start, block)
            for file, _ in self._files.values():
                file.flush()
                os.fsync(file.fileno())
            self._note(start + len(items), totals or {})

    def commit(self, header: Mapping[str, Any], objects: Sequence[str | None] | int) -> TripletTable:
        """The table is whole: give it its header and its place.

        Args:
            header: What is known of it.
            objects: The objects' names, None where one is not known; or how many there are, which are then called by number.
        """
        from isomorph.alignet._triplet_table import KIND, VERSION, TripletTable, object_names

        if self.done != self.n:
            raise InputError(f"{self.done:,} of {self.n:,} triplets are written; the table is not whole.")
        count = objects if isinstance(objects, int) else len(objects)
        names = None if isinstance(objects, int) or tuple(objects) == tuple(map(str, range(count))) else objects
        whole = {"isomorph": KIND, "version": VERSION, "n": self.n, "objects": count, "precision": self.precision}
        whole |= {"order": "" if names is None else order_hash(object_names(names)), **header}
        for file, _ in self._files.values():
            file.close()
        with self.disk_errors():
            if names is not None:
                (self.folder / "objects.json").write_text(json.dumps(list(names), ensure_ascii=False), encoding="utf-8")
            (self.folder / "header.json").write_text(json.dumps(whole, indent=1, ensure_ascii=False), encoding="utf-8")
            for each in self.folder.iterdir():
                if each.name not in ("items.npy", "similarities.npy", "objects.json", "header.json"):
                    each.unlink()
            older = self.path.with_name(f".{self.path.name}.older")
            if self.path.exists():  # a kill from here on leaves the older table beside, whole
                shutil.rmtree(older, ignore_errors=True)
                self.path.replace(older)
            self.folder.replace(self.path)
            shutil.rmtree(older, ignore_errors=True)
        return TripletTable.open(self.path)

    def _resumed(self) -> tuple[int, dict[str, float]]:
        """How many triplets an earlier writer of the same thing left, and its totals; else the folder is emptied."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            noted = json.loads((self.folder / "cursor.json").read_text(encoding="utf-8"))
            if {name: noted[name] for name in self._identity} == self._identity and 0 <= int(noted["done"]) <= self.n:
                return int(noted["done"]), dict(noted["totals"])
        with self.disk_errors():
            for each in self.folder.iterdir():
                each.unlink()
        return 0, {}

    def _has_scratch(self) -> bool:
        return any(each.name not in ("items.npy", "similarities.npy", "cursor.json") for each in self.folder.glob("[!.]*"))

    def _opened(self, name: str, dtype: np.dtype[Any]) -> tuple[IO[bytes], int]:
        path = self.folder / f"{name}.npy"
        if not self.done:
            with path.open("wb") as file:
                described = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (self.n, 3)}
                np.lib.format.write_array_header_1_0(file, described)
        opened = path.open("r+b")
        np.lib.format.read_magic(opened)
        np.lib.format.read_array_header_1_0(opened)
        return opened, opened.tell()

    def _put(self, name: str, start: int, block: npt.NDArray[Any]) -> None:
        file, head = self._files[name]
        dtype = np.dtype(np.int32 if name == "items" else self.precision)
        file.seek(head + start * 3 * dtype.itemsize)
        file.write(np.ascontiguousarray(block, dtype=dtype).data)

    def _note(self, done: int, totals: Mapping[str, float]) -> None:
        cursor = self.folder / "cursor.json"
        temporary = cursor.with_suffix(".new")
        temporary.write_text(json.dumps({**self._identity, "done": done, "totals": totals}), encoding="utf-8")
        temporary.replace(cursor)
        self.done, self.totals = done, dict(totals)

    @contextmanager
    def disk_errors(self) -> Iterator[None]:
        """Within: a disk that is full or cannot be written is a `FileError` that says what is kept."""
        try:
            yield
        except OSError as error:
            needed = self.n * 3 * (4 + (np.dtype(self.precision).itemsize if self.precision else 0))
            kept = getattr(self, "done", 0)
            full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            way_out = f"Make room and run again: {kept:,} of {self.n:,} triplets are kept." if full else "Choose another place."
            raise FileError(f"{self.path} cannot be written ({needed:,} bytes): {error.strerror or error}. {way_out}") from error
