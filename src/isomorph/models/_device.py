"""Devices by name, and no substitute for one that is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isomorph.errors import DeviceError, InputError

if TYPE_CHECKING:
    import torch


def available_devices() -> list[str]:
    """The names that `device=` may have on this machine."""
    import torch

    names = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    return [*names, "mps"] if torch.backends.mps.is_available() else names


def find_device(name: str | torch.device) -> torch.device:
    """Return the device called `name`, with its index.

    Raises:
        DeviceError: This machine has no such device.
    """
    import torch

    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"{str(name)!r} is not a device's name; this machine has {_listed(available_devices())}.") from error
    wanted = device.type if device.type in ("cpu", "mps") else str(device)
    if wanted == "cuda":
        wanted = "cuda:0"
    if wanted not in available_devices():
        raise DeviceError(f"this machine has no device {str(name)!r}; it has {_listed(available_devices())}.")
    return torch.device(wanted)


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names))
