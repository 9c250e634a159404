"""What is known about a model before it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

Modality = Literal["image", "text"]
MODALITIES: tuple[Modality, ...] = get_args(Modality)


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """Facts about one model; empty where they are not known.

    Attributes:
        name: `source/architecture.tag`, the name that `load_model` takes.
        source: Where it comes from: `bundled`, `timm`, `torchvision`, `open_clip`, `ssl`, `hf` or `user`.
        summary: One line for people.
        modality: What it is shown: `image` or `text`.
        modalities: What its towers are shown, where it has two that share a space: `("image", "text")`; the name with `:text` at its end is
            the other tower. A network of one modality has that one.
        objective: What it was trained to do: `classification`, `sentence similarity`, `none` …
        training_data: What it was trained on; `none` for random weights and raw pixels.
        architecture: The family of the network.
        parameters: How many numbers were learnt.
        licence: The licence of the weights.
        citation: The paper.
        upstream: Who trained the weights and where they were first published.
        package: The distribution that carries the weights, with its version.
        revision: The revision of the weights at their source, where it has one.
        weights_sha256: The SHA-256 of the weight file, where it is pinned.
        recipe: How an input is prepared, as plain data; part of the fingerprint.
        install: The command that makes the model loadable here.
        layer: The layer that a published study of this architecture read; studies take it unless they name another.
        pool: How that layer becomes one row a stimulus: `cls`, `flatten` …
        note: What one should know before using it.
    """

    name: str
    source: str
    summary: str = ""
    modality: Modality = "image"
    objective: str = ""
    training_data: str = ""
    architecture: str = ""
    parameters: int | None = None
    licence: str = ""
    citation: str = ""
    upstream: str = ""
    package: str = ""
    revision: str = ""
    weights_sha256: str = ""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    install: str = ""
    layer: str = ""
    pool: str = ""
    note: str = ""
    modalities: tuple[Modality, ...] = ()

    def __post_init__(self) -> None:
        if self.modality not in self.modalities:
            object.__setattr__(self, "modalities", (self.modality,))

    def matches(self, facts: Mapping[str, Any]) -> bool:
        """Whether every wanted fact holds; strings may be shell patterns and ignore case. Of several values one must be the wanted one."""
        return all(_same(getattr(self, key), wanted) for key, wanted in facts.items())


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, str) and isinstance(wanted, str):
        return fnmatchcase(value.lower(), wanted.lower())
    if isinstance(value, tuple) and not isinstance(wanted, tuple):
        return any(_same(each, wanted) for each in value)
    return bool(value == wanted)
