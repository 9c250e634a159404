"""An index over the result fragments of a store. The fragments are the truth: the index can be deleted and is built again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from isomorph.errors import StoreError
from isomorph.results._fragment import KIND

if TYPE_CHECKING:
    from isomorph.store import Store, StoredObject

_TABLE = """
CREATE TABLE IF NOT EXISTS fragment (
    fingerprint TEXT PRIMARY KEY,
    model TEXT NOT NULL,
    benchmark TEXT NOT NULL,
    model_fingerprint TEXT NOT NULL,
    benchmark_fingerprint TEXT NOT NULL,
    rows INTEGER NOT NULL
)
"""


class Catalogue:
    """Which models were scored on which benchmarks, in one SQLite file beside the store's objects.

    Args:
        store: The store whose fragments are indexed.

    Example:
        >>> import tempfile
        >>> from isomorph.store import Store
        >>> Catalogue(Store(tempfile.mkdtemp())).find(model="timm/*")
        []
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.path = Path(store.path) / "results.sqlite"

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=60)) as connection, connection:
                connection.execute(_TABLE)
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"the catalogue {self.path} cannot be used: {error}. It is only an index: delete the file and it is built again."
            ) from error

    def record(self, *fragments: StoredObject) -> None:
        """Add those committed fragments that it lacks: a run may have been killed between a commit and this."""
        with self._open() as connection:
            known = {row[0] for row in connection.execute("SELECT fingerprint FROM fragment")}
            for fragment in fragments:
                if fragment.fingerprint not in known:
                    _insert(connection, fragment)

    def find(self, *, model: str = "*", benchmark: str = "*") -> list[str]:
        """The fingerprints of the fragments whose model and benchmark match the shell patterns."""
        with self._open() as connection:
            rows = connection.execute(
                "SELECT fingerprint FROM fragment WHERE model GLOB ? AND benchmark GLOB ? ORDER BY benchmark, model, fingerprint",
                (model, benchmark),
            ).fetchall()
        return [str(row[0]) for row in rows if row[0] in self._store]

    def rebuild(self) -> int:
        """Read every fragment of the store anew; return how many there are."""
        fragments = [self._store.open(entry.fingerprint) for entry in self._store.entries() if entry.kind == KIND and entry.complete]
        with self._open() as connection:
            connection.execute("DELETE FROM fragment")
            for fragment in fragments:
                _insert(connection, fragment)
        return len(fragments)


def _insert(connection: sqlite3.Connection, fragment: StoredObject) -> None:
    model, benchmark = fragment.spec["model"], fragment.spec["benchmark"]
    connection.execute(
        "INSERT OR REPLACE INTO fragment VALUES (?, ?, ?, ?, ?, ?)",
        (
            fragment.fingerprint,
            model["name"],
            benchmark["name"],
            model["fingerprint"],
            benchmark["fingerprint"],
            len(fragment.meta["rows"]),
        ),
    )
