"""Who works on which unit, who died of it, and why it failed: small files beside the store's objects, which say nothing of that."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from isomorph.engine._outcome import ErrorRecord, Outcome
from isomorph.engine._process import ProcessName
from isomorph.spec import from_plain
from isomorph.store import Store
from isomorph.store._atomic import make_folder, publishing, write_bytes

LEASE_SECONDS = 300.0
_HEARTBEAT_SECONDS = 30.0
_claims: set[Path] = set()
"""The notes of what this process works on."""


def give_up_claims() -> None:
    """Remove the notes of what this process works on: it is about to be ended from outside, and no unit is to blame."""
    for path in tuple(_claims):
        with suppress(OSError):
            path.unlink()


@dataclass(frozen=True, kw_only=True)
class UnitNotes:
    """What the journal says of one unit.

    Attributes:
        running: The processes that work on it.
        died: Those that were killed while they did.
        error: Why it failed last.
    """

    running: tuple[ProcessName, ...] = ()
    died: tuple[ProcessName, ...] = ()
    error: ErrorRecord | None = None


class Journal:
    """The notes on the units of one store, in `units/<2 hex>/` of its folder.

    `<fingerprint>.<token>.attempt.json` stands while a process works on a unit and is left behind by one that is killed;
    `<fingerprint>.error.json` is the last failure. `times/` has a file a process, one line a finished unit. All of it is advisory: without
    these files the store is as right as with them. A process of this machine is looked up; one of another machine counts as alive while
    it has touched its file in the last five minutes, by the clock of the file system.
    """

    def __init__(self, store: Store) -> None:
        self._root = store.path / "units"

    def notes(self, fingerprint: str) -> UnitNotes:
        """What is known of a unit."""
        running: list[ProcessName] = []
        died: list[ProcessName] = []
        for path in self._attempts(fingerprint):
            process = _read(ProcessName, path)
            if process is not None:
                (running if self._alive(process, path) else died).append(process)
        return UnitNotes(running=tuple(running), died=tuple(died), error=_read(ErrorRecord, self._error(fingerprint)))

    @contextmanager
    def attempt(self, fingerprint: str) -> Iterator[bool]:
        """Within, this process works on the unit; False if another one does already.

        Where the file system has no locks two may begin at once: harmless, because both make the same object.
        """
        path = self._claim(fingerprint)
        if path is None:
            yield False
            return
        _claims.add(path)
        over = threading.Event()
        threading.Thread(target=_touch, args=(path, over), daemon=True).start()
        try:
            yield True
        finally:
            over.set()
            _claims.discard(path)
            with suppress(OSError):
                path.unlink()

    def failed(self, fingerprint: str, error: ErrorRecord) -> None:
        """Keep why a unit failed."""
        with suppress(OSError):  # a full disk may be the very error
            self._folder(fingerprint[:2])
            write_bytes(self._error(fingerprint), json.dumps(asdict(error)).encode(), durable=False)

    def succeeded(self, outcome: Outcome) -> None:
        """Forget the failures of a unit, and note how long it took."""
        self.forget(outcome.fingerprint)
        here = ProcessName.here()
        line = json.dumps({"fingerprint": outcome.fingerprint, "seconds": round(outcome.seconds, 3), "host": here.host})
        name = f"{here.host}-{here.pid}-{here.started}.jsonl"
        with suppress(OSError), (self._folder("times") / name).open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def forget(self, fingerprint: str) -> None:
        """Remove a unit's error and what killed processes left of it: it may be tried again."""
        with suppress(OSError):
            self._error(fingerprint).unlink(missing_ok=True)
        for path in self._attempts(fingerprint):
            process = _read(ProcessName, path)
            if process is None or not self._alive(process, path):
                with suppress(OSError):
                    path.unlink()

    def times(self) -> dict[str, float]:
        """The seconds that finished units took, by fingerprint."""
        seconds: dict[str, float] = {}
        for path in sorted((self._root / "times").glob("*.jsonl")):
            with suppress(OSError):
                for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                    with suppress(ValueError, TypeError, KeyError):  # the last line of a killed process may be cut
                        row = json.loads(line)
                        seconds[str(row["fingerprint"])] = float(row["seconds"])
        return seconds

    def _claim(self, fingerprint: str) -> Path | None:
        path = self._root / fingerprint[:2] / f"{fingerprint}.{secrets.token_hex(6)}.attempt.json"
        try:
            with publishing(self._folder(fingerprint[:2])):
                if self.notes(fingerprint).running:
                    return None
                write_bytes(path, json.dumps(asdict(ProcessName.here())).encode(), durable=False)
        except OSError:
            pass  # the unit itself says what is wrong with the store
        return path

    def _alive(self, process: ProcessName, path: Path) -> bool:
        known = process.lives()
        if known is not None:
            return known
        try:
            return self._now() - path.stat().st_mtime < LEASE_SECONDS
        except OSError:
            return False  # it has just ended

    def _now(self) -> float:
        """The time by the clock of the file system: machines' clocks differ."""
        probe = self._root / f".{secrets.token_hex(6)}.now"
        try:
            probe.touch()
            return probe.stat().st_mtime
        except OSError:
            return time.time()
        finally:
            with suppress(OSError):
                probe.unlink()

    def _folder(self, name: str) -> Path:
        """A folder of the journal, made if need be; of these only the store's own must survive a power cut."""
        folder = self._root / name
        if not folder.is_dir():
            make_folder(self._root.parent)
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _attempts(self, fingerprint: str) -> list[Path]:
        return sorted((self._root / fingerprint[:2]).glob(f"{fingerprint}.*.attempt.json"))

    def _error(self, fingerprint: str) -> Path:
        return self._root / fingerprint[:2] / f"{fingerprint}.error.json"


def _touch(path: Path, over: threading.Event) -> None:
    while not over.wait(_HEARTBEAT_SECONDS):
        with suppress(OSError):
            path.touch() if path.exists() else None


def _read(kind: type[Any], path: Path) -> Any:
    """A note; None where there is none, or none that can be read."""
    try:
        return from_plain(kind, json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):  # InputError is a ValueError
        return None
