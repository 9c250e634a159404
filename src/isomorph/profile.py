"""Where the time goes: seconds by phase, in the thread that is measured and in the threads beside it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_active: ContextVar[Profile | None] = ContextVar("isomorph_profile", default=None)
_open = threading.local()
"""`.phase`: the innermost open phase of each thread."""


@dataclass
class Profile:
    """Elapsed seconds by phase.

    A phase within another counts for itself alone, so that `seconds` never add up to more than `wall`; what is missing was spent between
    phases.

    Attributes:
        wall: Seconds from the beginning to the end; of a sum, of all together.
        seconds: By phase, of the thread that began the profile.
        beside: By phase, of all other threads together, which work meanwhile; the time in which they wait for a core is in it.
        threads: How many other threads there were; of a sum, the most.
        counts: How often each phase was entered, in whatever thread.
    """

    wall: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)
    beside: dict[str, float] = field(default_factory=dict)
    threads: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._owner, self._others = threading.get_ident(), set[int]()
        self._lock = threading.Lock()

    @staticmethod
    def of(plain: Mapping[str, Any]) -> Profile:
        """What `plain` gave; an empty profile of an empty mapping."""
        profile = Profile()
        if plain:
            profile.add(Profile(**plain))
        return profile

    def plain(self) -> dict[str, Any]:
        """All of it as plain data."""
        several = {"seconds": dict(self.seconds), "beside": dict(self.beside), "counts": dict(self.counts)}
        return {"wall": self.wall, "threads": self.threads, **several}

    @property
    def other(self) -> float:
        """The seconds between phases."""
        return max(0.0, self.wall - sum(self.seconds.values()))

    def add(self, other: Profile) -> None:
        """Count another profile, of work done elsewhere or at another time, with this one."""
        with self._lock:
            self.wall += other.wall
            self.threads = max(self.threads, other.threads)
            _sum(self.seconds, other.seconds)
            _sum(self.beside, other.beside)
            _sum(self.counts, other.counts)

    def _note(self, phase: str, seconds: float, entered: int) -> None:
        thread = threading.get_ident()
        with self._lock:
            _sum(self.seconds if thread == self._owner else self.beside, {phase: seconds})
            _sum(self.counts, {phase: entered})
            if thread != self._owner:
                self._others.add(thread)
                self.threads = max(self.threads, len(self._others))


def active() -> Profile | None:
    """The profile that phases count in now; None while nobody asks."""
    return _active.get()


@contextmanager
def profiling() -> Iterator[Profile]:
    """Within, phases count in the profile that this gives; its `wall` is there at the end.

    A profile within another takes its time out of it: whoever wants the sum adds them. Threads see the profile if they run in a copy of
    this thread's context (`contextvars.copy_context`).

    Example:
        >>> with profiling() as profile:
        ...     with timed("write"):
        ...         pass
        >>> list(profile.seconds), profile.counts
        (['write'], {'write': 1})
    """
    profile, outside, around = Profile(), _active.get(), getattr(_open, "phase", None)
    token, _open.phase = _active.set(profile), None
    started = time.perf_counter()
    try:
        yield profile
    finally:
        elapsed = time.perf_counter() - started
        _active.reset(token)
        _open.phase = around
        profile.wall += elapsed
        if around is not None:
            around.within += elapsed
        if outside is not None and outside._owner == profile._owner:
            outside.wall -= elapsed


def profiling_within() -> AbstractContextManager[Profile | None]:
    """As `profiling`, if somebody asks already; else nothing is measured."""
    return nullcontext() if _active.get() is None else profiling()


def timed(phase: str, device: Any = None) -> AbstractContextManager[_Phase | None]:
    """Within, time counts as spent on `phase`. Costs next to nothing while nobody asks.

    Args:
        phase: Its name.
        device: A `torch.device`. A GPU works on after it was told what to do: while somebody asks, its work is awaited at either end.
    """
    profile = _active.get()
    if profile is None or ((around := getattr(_open, "phase", None)) is not None and around.whole):
        return _NOTHING
    return _Phase(phase, profile, device)


def timing(phase: str, *, whole: bool = False) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """`timed` for functions; of a `whole` one, all that is done in it counts as this phase."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @wraps(function)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
            with timed(phase) as opened:
                if opened is not None:
                    opened.whole = whole
                return function(*args, **kwargs)

        return wrapped

    return decorate


class _Phase:
    __slots__ = ("_around", "_device", "_profile", "_started", "name", "whole", "within")

    def __init__(self, name: str, profile: Profile, device: Any) -> None:
        self.name, self._profile, self._device, self.whole = name, profile, device, False

    def __enter__(self) -> _Phase:
        _settle(self._device)
        self._around: _Phase | None = getattr(_open, "phase", None)
        _open.phase = self
        self.within = 0.0
        self._started = time.perf_counter()
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind is None:
            _settle(self._device)
        elapsed = time.perf_counter() - self._started
        around = _open.phase = self._around
        if around is not None:
            around.within += elapsed
        self._profile._note(self.name, elapsed - self.within, around is None or around.name != self.name)


class _Nothing:
    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        pass


_NOTHING = _Nothing()


def _settle(device: Any) -> None:
    if device is None or device.type not in ("cuda", "mps"):
        return
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
    else:
        torch.mps.synchronize()


def _sum(into: dict[str, Any], other: Mapping[str, Any]) -> None:
    for phase, value in other.items():
        into[phase] = into.get(phase, 0) + value
