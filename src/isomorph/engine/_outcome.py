"""What became of one unit of work."""

from __future__ import annotations

import os
import socket
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from isomorph.errors import IsomorphError, StoreError

State = Literal["done", "skipped", "failed", "left_out", "quarantined", "waiting"]
_TAIL_LINES = 20


@dataclass(frozen=True, kw_only=True)
class ErrorRecord:
    """Why a unit failed, as plain data: it is kept beside the store's objects until the unit succeeds.

    Attributes:
        type: The class of the error.
        message: What it said.
        traceback: The last lines of where it happened.
        host: The machine.
        pid: The process.
        attempts: How often the unit was tried in that run.
        excusable: Whether it is what a study that leaves out what fails goes on after: an error of Isomorph's own, and none of the store's.
    """

    type: str
    message: str
    traceback: str = ""
    host: str = ""
    pid: int = 0
    attempts: int = 1
    excusable: bool = False

    @staticmethod
    def of(error: BaseException, *, attempts: int) -> ErrorRecord:
        """The record of an error that was caught here and now."""
        lines = "".join(traceback.format_exception(error)).splitlines()
        return ErrorRecord(
            type=type(error).__name__,
            message=str(error),
            traceback="\n".join(lines[-_TAIL_LINES:]),
            host=socket.gethostname(),
            pid=os.getpid(),
            attempts=attempts,
            excusable=isinstance(error, IsomorphError) and not isinstance(error, StoreError),
        )


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one unit.

    Attributes:
        label: What the unit does, in a few words.
        fingerprint: The name of its output; empty if the unit failed before it had one.
        state: `done` now; `skipped`, because it was finished before; `failed`; `left_out`, because it failed and the study goes on
            without it; `quarantined`, because it killed its process too often; `waiting` for work that another part does.
        seconds: How long it took, all attempts together.
        error: Why it is not done.
        raised: The error itself, where it ends the plan.
        profile: Where the time went, as `isomorph.profile.Profile.plain` has it; empty unless it was asked for.
    """

    label: str
    fingerprint: str
    state: State
    seconds: float = 0.0
    error: ErrorRecord | None = None
    raised: Exception | None = field(default=None, repr=False, compare=False)
    profile: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def finished(self) -> bool:
        """Whether its output is in the store."""
        return self.state in ("done", "skipped")
