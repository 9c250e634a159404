"""What a unit needs of the worker that does it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from isomorph.engine._memory import format_bytes


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What one unit asks of its worker; what is not known is not asked.

    Attributes:
        memory: Bytes of main memory that are enough, its process and libraries included; None: not known.
        gpu: Whether it runs on a GPU.
        gpu_memory: Bytes on the GPU that are enough; None: not known.
        least: Bytes of main memory without which it cannot succeed; None: `memory`. A unit whose memory is but estimated is refused by
            workers that have less than this, and goes to those with `memory` where there are any.
        gpu_least: The same of `gpu_memory`.
        near: What it reads, such as a shard of pictures: units that read the same are given to one worker where that costs nothing.

    Example:
        >>> print(Needs(memory=4_000_000_000, gpu=True))
        4 GB of memory and a GPU
    """

    memory: int | None = None
    gpu: bool = False
    gpu_memory: int | None = None
    least: int | None = None
    gpu_least: int | None = None
    near: str = ""

    @property
    def certain(self) -> Needs:
        """Only what it cannot do without."""
        memory, gpu_memory = (
            self.memory if self.least is None else self.least,
            self.gpu_memory if self.gpu_least is None else self.gpu_least,
        )
        return replace(self, memory=memory, gpu_memory=gpu_memory)

    def __str__(self) -> str:
        memory = [] if self.memory is None else [f"{format_bytes(self.memory)} of memory"]
        gpu = [] if not self.gpu else ["a GPU" if self.gpu_memory is None else f"{format_bytes(self.gpu_memory)} of a GPU"]
        return " and ".join(memory + gpu) or "nothing special"


def needs_of(unit: object) -> Needs:
    """The needs of a unit, by its attribute `needs`; of a unit without one nothing special."""
    needs = getattr(unit, "needs", None)
    return needs if isinstance(needs, Needs) else Needs()


def near_of(unit: object) -> str:
    """What a unit reads, without reckoning the rest of its needs where whoever tells them knows it apart."""
    near = getattr(getattr(unit, "asks", None), "near", None)
    return near if isinstance(near, str) else needs_of(unit).near
