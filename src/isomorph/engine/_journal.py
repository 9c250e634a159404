"""Who works on which unit, who died of it, and why it failed: small files beside the store's objects, which say nothing of that."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from isomorph.engine._outcome import ErrorRecord, Outcome
from isomorph.engine._process import ProcessName
from isomorph.spec import from_plain
from isomorph.store import Store
from isomorph.store._notes import LEASE_SECONDS, Note, Notes

_HEARTBEAT_SECONDS = 30.0
_ATTEMPT, _ERROR = ".attempt.json", ".error.json"
_claims: set[tuple[Notes, str]] = set()
"""The notes of what this process works on."""
_over: set[tuple[Notes, str]] = set()
"""The notes of what it no longer works on, but which could not be removed yet."""


def give_up_claims() -> None:
    """Remove the notes of what this process works on: it is about to be ended from outside, and no unit is to blame."""
    for files, name in tuple(_claims):
        with suppress(OSError):
            files.delete(name)


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
    """The notes on the units of one store, in `units/<2 hex>/` of it, so that every machine that sees the store reads them.

    `<fingerprint>.<token>.attempt.json` stands while a process works on a unit and is left behind by one that is killed;
    `<fingerprint>.error.json` is the last failure. `times/` has files of each process, one line a finished unit. All of it is advisory:
    without these files the store is as right as with them. A process of this machine is looked up; one of another machine counts as alive
    while it has renewed its note in the last five minutes, by the store's clock.
    """

    def __init__(self, store: Store) -> None:
        self._files = store.notes("units")

    def notes(self, fingerprint: str) -> UnitNotes:
        """What is known of a unit."""
        return self._said(self._about(fingerprint))

    def many(self, fingerprints: Collection[str]) -> dict[str, UnitNotes]:
        """What is known of each of many units; nothing of those without notes. Far cheaper than one after the other."""
        notes: list[Note] = []
        with suppress(OSError):
            notes = self._files.about(fingerprints)
        return {name: self._said(some) for name, some in groupby(notes, key=lambda note: note.name[3:].partition(".")[0])}

    @contextmanager
    def attempt(self, fingerprint: str) -> Iterator[bool]:
        """Within, this process works on the unit; False if another one does already.

        Where there are no locks two may begin at once: harmless, because both make the same object.
        """
        claim = (self._files, f"{fingerprint[:2]}/{fingerprint}.{secrets.token_hex(6)}{_ATTEMPT}")
        content = json.dumps(asdict(ProcessName.here())).encode()
        over, ours = threading.Event(), True  # until told otherwise: a signal may come when the note has just been written
        beat = threading.Thread(target=_renew, args=(*claim, content, over), daemon=True)
        try:
            _claims.add(claim)
            ours = self._claimed(fingerprint, claim[1], content)
            if ours:
                beat.start()
            yield ours
        finally:
            over.set()
            if beat.ident is not None:
                beat.join()  # lest it writes the note again after it was removed
            if ours:
                _over.add(claim)
            _claims.discard(claim)
            _remove_what_is_over()

    def failed(self, fingerprint: str, error: ErrorRecord) -> None:
        """Keep why a unit failed."""
        with suppress(OSError):  # a full disk may be the very error
            self._files.write(f"{fingerprint[:2]}/{fingerprint}{_ERROR}", json.dumps(asdict(error)).encode())

    def succeeded(self, outcome: Outcome) -> None:
        """Forget the failures of a unit, and note how long it took."""
        self.forget(outcome.fingerprint)
        here = ProcessName.here()
        line = json.dumps({"fingerprint": outcome.fingerprint, "seconds": round(outcome.seconds, 3), "host": here.host})
        with suppress(OSError):
            self._files.append(f"times/{here.host}-{here.pid}-{here.started}.jsonl", line.encode())

    def forget(self, fingerprint: str) -> None:
        """Remove a unit's error and what killed processes left of it: it may be tried again."""
        for note in self._about(fingerprint):
            process = None if note.name.endswith(_ERROR) else _process(note)
            if process is None or not self._alive(process, note):
                with suppress(OSError):
                    self._files.delete(note.name)

    def times(self) -> dict[str, float]:
        """The seconds that finished units took, by fingerprint."""
        seconds: dict[str, float] = {}
        notes: list[Note] = []
        with suppress(OSError):
            notes = self._files.read("times")
        for line in (line for note in notes for line in note.content.splitlines()):
            with suppress(ValueError, TypeError, KeyError):  # the last line of a killed process may be cut
                row = json.loads(line)
                seconds[str(row["fingerprint"])] = float(row["seconds"])
        return seconds

    def _said(self, notes: Iterable[Note]) -> UnitNotes:
        running: list[ProcessName] = []
        died: list[ProcessName] = []
        error = None
        for note in notes:
            if note.name.endswith(_ERROR):
                error = _parsed(ErrorRecord, note)
            elif (process := _process(note)) is not None:
                (running if self._alive(process, note) else died).append(process)
        return UnitNotes(running=tuple(running), died=tuple(died), error=error)

    def _claimed(self, fingerprint: str, name: str, content: bytes) -> bool:
        try:
            with self._files.alone(fingerprint[:2]) as alone:
                if self.notes(fingerprint).running:
                    return False
                self._files.write(name, content)
            if not alone and self._later(fingerprint, name):
                self._files.delete(name)
                return False
        except OSError:
            pass  # the unit itself says what is wrong with the store
        return True

    def _later(self, fingerprint: str, name: str) -> bool:
        """Whether another living process's note stands that is older than ours."""
        attempts = [note for note in self._about(fingerprint) if note.name.endswith(_ATTEMPT)]
        ours = next(((note.written, note.name) for note in attempts if note.name == name), None)
        alive = [note for note in attempts if (process := _process(note)) is not None and self._alive(process, note)]
        return ours is not None and any((note.written, note.name) < ours for note in alive)

    def _alive(self, process: ProcessName, note: Note) -> bool:
        known = process.lives()
        return self._now() - note.written < LEASE_SECONDS if known is None else known

    def _now(self) -> float:
        try:
            return self._files.now()
        except OSError:
            return time.time()

    def _about(self, fingerprint: str) -> list[Note]:
        """The notes on a unit; none where they cannot be read."""
        with suppress(OSError):
            return self._files.read(fingerprint[:2], f"{fingerprint}.")
        return []


def _remove_what_is_over() -> None:
    for files, name in tuple(_over):
        with suppress(OSError):
            files.delete(name)
            _over.discard((files, name))


def _process(note: Note) -> ProcessName | None:
    """Who wrote it; None if that cannot be read, or if it was this process, which is done with that: else it would wait for itself."""
    process: ProcessName | None = _parsed(ProcessName, note)
    return None if process == ProcessName.here() and note.name in {name for _, name in tuple(_over)} else process


def _renew(files: Notes, name: str, content: bytes, over: threading.Event) -> None:
    while not over.wait(_HEARTBEAT_SECONDS):
        with suppress(OSError):
            files.renew(name, content)


def _parsed(kind: type[Any], note: Note) -> Any:
    """What a note says; None if that cannot be read."""
    try:
        return from_plain(kind, json.loads(note.content))
    except ValueError:  # InputError is one
        return None
