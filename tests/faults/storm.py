"""A long run of faults on one store after another; the test starts it with the shim loaded. `python storm.py --help`.

Each step forks children that run parts of one plan, each with some faults drawn from the seed; between steps files are damaged. After each
step the store is held against an undisturbed run. Prints one JSON object, and fails at the first broken promise.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from storm_store import Reference, Violation, Watch, contents, fill_reference
from storm_units import Bench, Named, stages

import isomorph.engine._outcomes
from isomorph.engine import Part, outcomes
from isomorph.errors import IsomorphError, StoreError
from isomorph.store import Store

OPERATIONS = ("write", "open", "create", "rename", "sync", "truncate", "map", "read", "unlink", "mkdir", "stat", "list", "lock")
FAULTS = ("", "ENOSPC", "EIO", "EDQUOT", "ESTALE", "short", "kill", "kill", "kill", "clock", "EIO though done", "ENOMEM", "ENOLCK")
WAYS_OUT = ("un again", "Check the disk", "what is finished is kept", "isomorph store", "ISOMORPH_STORE")
CHILDREN = 4
ROUNDS = 4  # a child that has met fewer faults than it was to meet does its work again, so many times
LOCKS = {"work": 0, "missing": 1, "of one machine": 2}


class Notes(ctypes.Structure):
    """`struct notes` of the shim."""

    _fields_ = (("calls", ctypes.c_int32 * len(OPERATIONS)), ("faults", ctypes.c_int32), ("events", ctypes.c_ubyte * 2 * 64))


Work = Callable[["Child"], None]


@dataclass
class Child:
    """What a child is to do, and where it says what came of it."""

    index: int
    work: Work
    faults: int
    report: Path
    pid: int = 0

    def say(self, **line: Any) -> None:
        with self.report.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def heard(self) -> list[dict[str, Any]]:
        lines = self.report.read_text().splitlines() if self.report.exists() else []
        return [json.loads(line) for line in lines]


@dataclass
class Storm:
    folder: Path
    shim: ctypes.CDLL
    seed: int
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.store = Store(self.folder / "store")
        self.log = self.folder / "computed"
        self.shim.setup.restype = ctypes.POINTER(Notes)
        self.notes = self.shim.setup(str(self.store.path).encode(), CHILDREN)
        boots = [self.folder / f"boot-{each}" for each in range(CHILDREN)]
        for each in boots:
            each.write_text(f"{each.name}\n")
        self.boots = [str(each).encode() for each in boots]
        fill_reference(self.folder / "reference")
        self.reference = Reference(self.folder / "reference")
        self.watch = Watch(self.store.path, self.reference)
        self.steps = 0
        self.last: list[str] = []

    @property
    def faults(self) -> int:
        return sum(count for name, count in self.counts.items() if name.startswith(("fault: ", "damage: ")))

    # what children do

    def run_part(self, stage: int, part: Part, retries: int) -> Work:
        def work(child: Child) -> None:
            units: list[Named] = part.of(stages(Bench(self.log))[stage])
            for outcome in outcomes(
                units, store=self.store, retries=retries, on_error="continue", pause_seconds=0.0, quarantine_after=None
            ):
                error = outcome.error
                said = {"type": error.type, "message": error.message, "traceback": error.traceback} if error else {}
                child.say(unit=outcome.fingerprint, state=outcome.state, **said)

        return work

    def rival(self, stage: int, chosen: int, order: int) -> Work:
        def work(child: Child) -> None:
            units = stages(Bench(self.log, order=random.Random(order), nap_seconds=0.0005))[stage]
            unit = units[chosen % len(units)]
            try:
                unit.run(self.store)
                child.say(unit=unit.fingerprint, state="done")
            except StoreError as error:
                child.say(unit=unit.fingerprint, state="failed", type="StoreError", message=str(error), traceback=traceback.format_exc())

        return work

    def read(self, child: Child) -> None:
        for name, shards in self.reference.tensors.items():
            try:
                if name not in self.store:
                    continue
                stored = self.store.open(name)
                for shard, tensors in shards.items():
                    for key, values in tensors.items():
                        if not np.array_equal(stored.read(shard, key), values):
                            child.say(wrong=f"{self.reference.labels[name]}: {shard}/{key} was read with wrong values")
                child.say(read=name)
            except StoreError as error:
                child.say(refused=name, state="refused", type="StoreError", message=str(error), traceback=traceback.format_exc())

    def collect(self, days: float) -> Work:
        def work(child: Child) -> None:
            try:
                self.store.gc(older_than_days=days)
            except StoreError as error:
                child.say(state="failed", type="StoreError", message=str(error), traceback=traceback.format_exc())

        return work

    def verify(self, child: Child) -> None:
        child.say(damage=[str(each.path.relative_to(self.store.path)) for each in self.store.verify()])

    # steps

    def step(self, *works: Work, faulty: bool = True, locks: str = "work", abandons: bool = False) -> list[list[dict[str, Any]]]:
        """Run `works`, each in a child of its own, all at once; check the store; what each child said."""
        sound, logged, committed = self.watch.sound(), self._computed(), self._committed()
        self.steps += 1
        children = []
        for index, work in enumerate(works):
            report = self.folder / f"report-{index}"
            report.unlink(missing_ok=True)
            faults = self.dice.choice([1, 3, 6, 12]) if faulty else 0
            children.append(self._fork(Child(index, work, faults, report), locks))
        self.last = [f"locks {locks}", *(f"{child.work.__qualname__}: {child.faults} faults" for child in children)]
        for child in children:
            status = os.waitpid(child.pid, 0)[1]
            killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
            self.counts["children"] += 1
            self.counts["children killed"] += killed
            self._count(child)
            if status and not killed:
                raise Violation(f"a child ended with status {status}: {child.heard()}")
        for note in (self.store.path / "units").glob("*/*.attempt.json"):
            os.utime(note, (0, 0))  # as if five minutes had passed
        heard = [child.heard() for child in children]
        for line in (line for lines in heard for line in lines):
            self._hear(line)
        self.watch.look()
        for name, shard in self._computed()[len(logged) :]:
            self.counts["shards computed"] += 1
            if (name, shard) in sound and not (abandons and name not in committed):
                raise Violation(f"{self.reference.labels[name]}: {shard} was finished and was computed again")
        return heard

    def _fork(self, child: Child, locks: str) -> Child:
        notes = self.notes[child.index]
        ctypes.memset(ctypes.addressof(notes), 0, ctypes.sizeof(Notes))
        seed, lasts, changes = self.dice.getrandbits(63) | 1, self.dice.random() < 0.3, self.dice.random() < 0.7
        gap = self.dice.choice([4, 12, 40] if changes else [10, 40, 120])
        boot = self.boots[child.index] if locks == "of one machine" else b""
        child.pid = os.fork()
        if child.pid:
            return child
        status = 1
        signal.alarm(300)  # a child that waits for ever is a broken promise, too
        try:
            isomorph.engine._outcomes._POLL_SECONDS = 0.005
            self.shim.arm(ctypes.byref(notes), ctypes.c_uint64(seed), child.faults, gap, int(changes), int(lasts), LOCKS[locks], boot)
            for _ in range(ROUNDS):
                child.work(child)
                if notes.faults >= child.faults:
                    break
            status = 0
        except BaseException:
            child.say(escaped=traceback.format_exc())
        finally:
            os._exit(status)

    def _count(self, child: Child) -> None:
        notes = self.notes[child.index]
        for event in range(min(notes.faults, 64)):
            operation, kind = notes.events[event]
            self.counts[f"fault: {FAULTS[kind]}"] += 1
            self.counts[f"at: {OPERATIONS[operation]}"] += 1
            self.last.append(f"child {child.index}: {FAULTS[kind]} at {OPERATIONS[operation]}")
        for operation, calls in zip(OPERATIONS, notes.calls, strict=True):
            self.counts[f"calls: {operation}"] += calls

    def _hear(self, line: dict[str, Any]) -> None:
        if "escaped" in line or "wrong" in line:
            raise Violation(line.get("escaped") or line["wrong"])
        state = line.get("state")
        if state in ("done", "skipped") and line["unit"] not in self.watch.harmed():
            self.watch.done.add(line["unit"])
        if state:
            self.counts[f"units {state}"] += 1
        if state in ("failed", "refused"):
            message = line["message"]
            if line["type"] != "StoreError" or str(self.store.path) not in message or not any(way in message for way in WAYS_OUT):
                raise Violation(f"an error that does not name the file and the way out: {line['type']}: {message}\n{line['traceback']}")

    def _committed(self) -> set[str]:
        return {name.split("/")[2] for name in self.watch.files() if name.endswith("manifest.json")}

    def _computed(self) -> list[tuple[str, str]]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [(name, shard) for name, shard in map(str.split, lines)]

    # the weather

    def blow(self) -> None:
        """One step of whatever the dice say."""
        locks = self.dice.choices(list(LOCKS), [6, 1, 1])[0]
        stage = 1 if self._finished(0) and self.dice.random() < 0.8 else 0
        retries, total = self.dice.choice([0, 1, 2, 4]), self.dice.choice([1, 1, 2])
        parts = [self.run_part(stage, Part(each + 1, total), retries) for each in range(total)]
        chance = self.dice.random()
        if self._finished(0) and self._finished(1):  # only damage makes work now
            chance = 1.0
        if locks == "of one machine" and total > 1:  # what a dead machine had begun others begin after five minutes
            chance = 0.5
        if chance < 0.45:
            self.step(*parts, locks=locks)
        elif chance < 0.65:
            chosen = self.dice.randrange(100)
            self.step(*(self.rival(stage, chosen, self.dice.randrange(100)) for _ in range(self.dice.choice([2, 3]))), locks=locks)
        elif chance < 0.75:
            self._age(self.dice.random() < 0.5)
            self.step(*parts, self.collect(7), locks=locks, abandons=True)
        elif chance < 0.85:
            self.step(self.read)
        else:
            self.harm()

    def harm(self) -> None:
        """Damage files; `verify` must name each of them, readers must refuse them, and what comes next computes only those again."""
        for _ in range(self.dice.choice([1, 1, 2, 3])):
            how = self.watch.harm(self.dice)
            self.counts[f"damage: {how}"] += how is not None
        expected = self.watch.must_be_found()
        found = self.step(self.verify, self.read, faulty=False)[0][0]["damage"]
        if set(found) != expected:
            raise Violation(f"damaged were {self.watch.damaged}, of which {sorted(expected)} should be found; verify found {found}")
        self.counts["damage found"] += len(found)
        self.step(self.collect(7), faulty=self.dice.random() < 0.6)

    def _age(self, abandoned: bool) -> None:
        """Half of the unfinished objects were left eight days ago."""
        committed = self._committed()
        then = time.time() - 8 * 86400
        for folder in sorted((self.store.path / "objects").glob("*/*")):
            if abandoned and folder.name not in committed and self.dice.random() < 0.5:
                for each in [*folder.iterdir(), folder]:
                    os.utime(each, (then, then))

    def _finished(self, stage: int) -> bool:
        return all(unit.fingerprint in self.watch.done for unit in stages(Bench(self.log))[stage])

    def calm(self) -> None:
        """Without faults all is mended, and the store is that of an undisturbed run."""
        for path in (self.store.path / "objects").rglob("*.tmp"):
            os.utime(path, (0, 0))
        whole = Part(1, 1)
        self.step(self.collect(7), faulty=False)
        for stage in (0, 1):
            (lines,) = self.step(self.run_part(stage, whole, 0), faulty=False)
            if any(line["state"] not in ("done", "skipped") for line in lines):
                raise Violation(f"without faults not all is done: {lines}")
        self.step(self.collect(7), faulty=False)
        if contents(self.store.path) != self.reference.final:
            different = {name for name, _ in contents(self.store.path).items() ^ self.reference.final.items()}
            raise Violation(f"the store is not that of an undisturbed run: {sorted(different)}")
        self.counts["stores made whole"] += 1
        shutil.rmtree(self.store.path)
        self.log.unlink(missing_ok=True)
        self.watch = Watch(self.store.path, self.reference)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--folder", type=Path, required=True)
    options.add_argument("--shim", type=Path, required=True)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--faults", type=int, default=2000)
    options.add_argument("--steps", type=int, default=40, help="a new store after so many")
    chosen = options.parse_args()
    storm = Storm(chosen.folder, ctypes.CDLL(str(chosen.shim)), chosen.seed)
    started = time.monotonic()
    gc.freeze()  # else every child copies what its collector touches
    try:
        while storm.faults < chosen.faults:
            for _ in range(chosen.steps):
                storm.blow()
                if storm.faults >= chosen.faults:
                    break
            storm.calm()
    except (Violation, IsomorphError) as error:
        print(f"seed {chosen.seed}, step {storm.steps}, after {storm.faults} faults: {error}", file=sys.stderr)
        print(f"the last step: {'; '.join(storm.last)}", file=sys.stderr)
        return 1
    print(json.dumps({"faults": storm.faults, "steps": storm.steps, "seconds": time.monotonic() - started, **storm.counts}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
