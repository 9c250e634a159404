"""Low-rank additions, put in and folded in; peft does both."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import torch

from isomorph.errors import InputError, MissingDependencyError
from isomorph.models._torchvision_guard import import_beside_torchvision

if TYPE_CHECKING:
    from isomorph.alignet._fine_tuning import LoRA
    from isomorph.alignet._student import Student


def add_lora(student: Student, lora: LoRA, *, seed: int) -> None:
    """Freeze the student's network and put trainable additions beside its linear maps.

    Raises:
        MissingDependencyError: peft is not installed.
        InputError: The network has no such modules.
    """
    if find_spec("peft") is None:
        raise MissingDependencyError("peft", needed_by="LoRA", install="pip install 'isomorph[lora]'")
    peft = import_beside_torchvision("peft")
    linear = [name for name, each in student.network.named_modules() if isinstance(each, torch.nn.Linear)]
    targets = [name for name in linear if not lora.modules or name.endswith(lora.modules)]
    if not targets:
        wanted = f"that end in {' or '.join(map(repr, lora.modules))}" if lora.modules else "at all"
        example = f"; it has {', '.join(map(repr, linear[:3]))}" if linear else ""
        raise InputError(f"LoRA adds to linear maps, but the student's network has none {wanted}{example}.")
    config = peft.LoraConfig(r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=targets)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        peft.inject_adapter_in_model(config, student.network)


def fold_lora(student: Student) -> None:
    """Add the additions to the weights and leave plain linear maps behind."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    for name, each in list(student.network.named_modules()):
        if isinstance(each, BaseTunerLayer):
            each.merge()
            parent, _, last = name.rpartition(".")
            setattr(student.network.get_submodule(parent), last, each.get_base_layer())
