"""A network of transformers with the modules of sentence-transformers behind it, as one module."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from isomorph.errors import FileError, InputError
from isomorph.models._torchvision_guard import import_beside_torchvision
from isomorph.models._transformers_place import Place
from isomorph.models._weights import read_checkpoint

_KINDS = ("Pooling", "Normalize", "Dense")
_ACTIVATIONS = ("torch.nn.modules.activation.", "torch.nn.modules.linear.Identity")
_OWNER = "sentence_transformers."


class SentenceEncoder(torch.nn.Module):
    """`network`, then `modules_behind`, each by its kind: `pooling`, `normalize`, `dense`. The output is the sentence's embedding."""

    def __init__(self, network: torch.nn.Module, modules_behind: Sequence[torch.nn.Module]) -> None:
        super().__init__()
        self.transformer = network
        names: list[str] = []
        for each in modules_behind:
            kind = type(each).__name__.lower()
            names.append(kind if kind not in names else f"{kind}_{sum(other.startswith(kind) for other in names) + 1}")
            self.add_module(names[-1], _Step(each))
        self._order = tuple(names)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Encode int64 [item, token] as float [item, feature]."""
        found = self.transformer(input_ids=input_ids, attention_mask=attention_mask)
        now: torch.Tensor = found.last_hidden_state
        for name in self._order:
            now = getattr(self, name)(now, attention_mask)
        return now


class _Step(torch.nn.Module):
    """One of their modules, from tensor to tensor, so that what it returns is a layer."""

    def __init__(self, inner: torch.nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, values: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        key = "token_embeddings" if values.ndim == 3 else "sentence_embedding"
        found: torch.Tensor = self.inner({key: values, "attention_mask": attention_mask})["sentence_embedding"]
        return found


def module_of(kind: str, settings: Mapping[str, Any]) -> torch.nn.Module:
    """A module by its kind and its `config.json`."""
    modules: Any = import_beside_torchvision("sentence_transformers.models")
    options = dict(settings)
    first: tuple[Any, ...] = ()
    if kind == "Dense":
        options["activation_function"] = _activation(options.get("activation_function", "torch.nn.modules.activation.Tanh"))
    if kind == "Pooling":  # versions differ in what they call the width
        first = (next(options.pop(each) for each in ("embedding_dimension", "word_embedding_dimension") if each in options),)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # older files have older names, which they read all the same
        module: torch.nn.Module = getattr(modules, kind)(*first, **options)
    return module


def module_at(place: Place, kind: str, path: str, *, trained: bool) -> torch.nn.Module:
    """A module that `modules.json` names; only classes of sentence-transformers that are known here are built.

    Raises:
        InputError: The module is of another kind.
        FileError: Its weights are missing.
    """
    owner, _, name = kind.rpartition(".")
    if not owner.startswith(_OWNER) or name not in _KINDS:
        raise InputError(
            f"{place.name!r} has a module of the type {kind!r}; {', '.join(_KINDS[:-1])} and {_KINDS[-1]} of sentence-transformers are "
            "understood, and code that comes with weights is never run. Load it yourself and pass it to wrap_model."
        )
    settings = place.json(f"{path}/config.json") if place.optional(f"{path}/config.json") else {}
    module = module_of(name, settings)
    if name == "Dense" and trained:
        module.load_state_dict(_weights(place, path))
    return module


def _weights(place: Place, path: str) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    if (safe := place.find(f"{path}/model.safetensors")) is not None:
        return load_file(safe)
    if (pickled := place.find(f"{path}/pytorch_model.bin")) is not None:
        return read_checkpoint(pickled)
    raise FileError(f"{place.where} holds no weights in {path}: there is no model.safetensors and no pytorch_model.bin.")


def _activation(name: str) -> Any:
    if not name.startswith(_ACTIVATIONS) or not hasattr(torch.nn, name.rpartition(".")[2]):
        raise InputError(f"the activation {name!r} is none of torch.nn's; nothing else is imported by name.")
    return getattr(torch.nn, name.rpartition(".")[2])()
