"""Which process did something, and whether it still lives."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class ProcessName:
    """A process, so that no other is ever taken for it: process ids are used again, on other machines, after a boot, in containers.

    Attributes:
        host: The machine's name.
        boot: Which boot of it, and which name space of process ids; empty where the system does not tell.
        pid: The process id.
        started: When it started, in the system's ticks; empty where the system does not tell.
    """

    host: str
    boot: str
    pid: int
    started: str

    @staticmethod
    def here() -> ProcessName:
        """This process."""
        pid = os.getpid()
        return ProcessName(host=socket.gethostname(), boot=_boot(), pid=pid, started=_started(pid) or "")

    def lives(self) -> bool | None:
        """Whether it runs; None if that cannot be told from here."""
        if not self.boot or not self.started or (self.host, self.boot) != (socket.gethostname(), _boot()):
            return None
        return _started(self.pid) == self.started


@cache
def _boot() -> str:
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"
    return ""


def _started(pid: int) -> str | None:
    """Linux: the ticks at which the process started; None if there is none, or only what is left of a dead one."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return None if fields[0] in (b"Z", b"X") else fields[19].decode()
    return None
