"""What a unit needs of the worker that does it."""

from __future__ import annotations

from dataclasses import dataclass

from isomorph.engine._memory import format_bytes


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What one unit asks of its worker; what is not known is not asked.

    Attributes:
        memory: Bytes of main memory, its process and libraries included; None: not known.
        gpu: Whether it runs on a GPU.
        gpu_memory: Bytes on the GPU; None: not known.
        near: What it reads, such as a shard of pictures: units that read the same are given to one worker where that costs nothing.

    Example:
        >>> print(Needs(memory=4_000_000_000, gpu=True))
        4 GB of memory and a GPU
    """

    memory: int | None = None
    gpu: bool = False
    gpu_memory: int | None = None
    near: str = ""

    def __str__(self) -> str:
        memory = [] if self.memory is None else [f"{format_bytes(self.memory)} of memory"]
        gpu = [] if not self.gpu else ["a GPU" if self.gpu_memory is None else f"{format_bytes(self.gpu_memory)} of a GPU"]
        return " and ".join(memory + gpu) or "nothing special"


def needs_of(unit: object) -> Needs:
    """The needs of a unit, by its attribute `needs`; of a unit without one nothing special."""
    needs = getattr(unit, "needs", None)
    return needs if isinstance(needs, Needs) else Needs()
