"""One process of several that train together, or the only one."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch

from isomorph.errors import InputError


@dataclass(frozen=True)
class Ranks:
    """Which process this is, and of how many (`torchrun` says so in the environment)."""

    rank: int = 0
    count: int = 1

    @classmethod
    def here(cls, device: torch.device) -> Ranks:
        """Join the others, where there are any, to share what lies on such devices."""
        count = int(os.environ.get("WORLD_SIZE", "1"))
        if count == 1:
            return cls()
        if not torch.distributed.is_initialized():
            torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        return cls(torch.distributed.get_rank(), count)

    @property
    def writes(self) -> bool:
        """Whether this process writes files and shows progress."""
        return self.rank == 0

    def share(self, batch: int) -> slice:
        """This process's rows of a batch.

        Raises:
            InputError: They cannot be shared evenly.
        """
        if batch % self.count:
            raise InputError(f"{self.count} processes cannot share a batch of {batch} triplets evenly; choose a multiple of {self.count}.")
        part = batch // self.count
        return slice(self.rank * part, (self.rank + 1) * part)

    def average(self, tensors: Iterable[torch.Tensor]) -> None:
        """Replace tensors by their means over all processes."""
        if self.count == 1:
            return
        held = list(tensors)
        flat = torch.cat([each.reshape(-1) for each in held])
        torch.distributed.all_reduce(flat)
        flat /= self.count
        for each, part in zip(held, torch.split(flat, [each.numel() for each in held]), strict=True):
            each.copy_(part.view_as(each))

    def wait(self) -> None:
        """Until all have come here."""
        if self.count > 1:
            torch.distributed.barrier()
