"""A network or a function of the user's as a model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from isomorph import spec
from isomorph.errors import InputError
from isomorph.models._card import Modality, ModelCard
from isomorph.models._image_recipe import ImageRecipe
from isomorph.models._model import Batch, Model
from isomorph.models._source_digest import printed, source_digest

if TYPE_CHECKING:
    import torch


def wrap_model(
    module_or_callable: torch.nn.Module | Callable[[Any], Any],
    *,
    name: str,
    preprocess: Callable[[Any], Any],
    modality: Modality = "image",
    card: ModelCard | None = None,
    collate: Callable[[list[Any]], Batch] | None = None,
    token_mask: Callable[[Batch], torch.Tensor] | None = None,
) -> Model:
    """Make a model of any `torch.nn.Module`, or of any function of a batch.

    Its fingerprint covers the weights, how the module prints, the source text of the functions and the values they hold (defaults,
    closures, attributes). Files that they read are not seen: give the model another name when those change.

    Args:
        module_or_callable: A module is put into evaluation mode; a function has the one layer `call` and the layer `output`.
        name: What results call it; `user/` is put in front where the name has no source.
        preprocess: Turns one stimulus into a tensor or an array (or into a dict of them); or an `ImageRecipe`.
        modality: What it is shown.
        card: Facts about it; its name, source and modality are replaced by those given here.
        collate: Turns the list of prepared stimuli into a batch; None stacks them.
        token_mask: For texts: `batch -> bool [item, token]`, false at padding.

    Raises:
        InputError: `module_or_callable` or `preprocess` cannot be called.

    Example:
        >>> import numpy as np, torch
        >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 3))
        >>> model = wrap_model(net, name="tiny", preprocess=lambda image: torch.from_numpy(image / 255).float())
        >>> model.name, tuple(model.forward(model.prepare([np.zeros((2, 2, 3))] * 5)).shape)
        ('user/tiny', (5, 3))
    """
    import torch

    for label, each in (("the model", module_or_callable), ("preprocess", preprocess)):
        if not callable(each):
            raise InputError(f"wrap_model needs {label} to be callable; got {type(each).__name__}.")
    full = name if "/" in name else f"user/{name}"
    module = module_or_callable if isinstance(module_or_callable, torch.nn.Module) else _function_module(module_or_callable)
    recipe: Any = preprocess
    preparation: Callable[[Any, Sequence[Any]], Batch] = _by_recipe
    if not isinstance(preprocess, ImageRecipe):
        recipe = {"preprocess": source_digest(preprocess), "collate": source_digest(collate)}
        preparation = partial(_by_item, preprocess, collate or _stack)
    facts = dataclasses.replace(
        card or ModelCard(name=full, source="user", summary=f"a {type(module_or_callable).__name__} of the user's"),
        **{"name": full, "source": full.partition("/")[0], "modality": modality, "recipe": spec.to_plain(recipe)},
        parameters=sum(each.numel() for each in module.parameters()),
    )
    return Model(card=facts, module=module, weights=_identity(module), recipe=recipe, preparation=preparation, mask=token_mask)


def _function_module(function: Callable[[Any], Any]) -> torch.nn.Module:
    from isomorph.models._call import Call

    return Call(function)


def _identity(module: torch.nn.Module) -> str:
    from isomorph.models._weights import weights_digest

    kinds = sorted({type(each) for each in module.modules()}, key=lambda kind: f"{kind.__module__}.{kind.__qualname__}")
    own = [source_digest(kind) for kind in kinds if not kind.__module__.startswith("torch.")]
    return spec.fingerprint({"weights": weights_digest(module.state_dict()), "prints": printed(module), "classes": own})


def _by_recipe(recipe: Any, items: Sequence[Any]) -> Batch:
    return recipe(items)


def _by_item(preprocess: Callable[[Any], Any], collate: Callable[[list[Any]], Batch], recipe: Any, items: Sequence[Any]) -> Batch:
    return collate([preprocess(each) for each in items])


def _stack(prepared: list[Any]) -> Batch:
    """Stack tensors or arrays of one shape; dicts of them key by key."""
    import torch

    if isinstance(prepared[0], dict):
        return {key: _stack([each[key] for each in prepared]) for key in prepared[0]}
    tensors = [torch.as_tensor(each) for each in prepared]
    shapes = {tuple(each.shape) for each in tensors}
    if len(shapes) > 1:
        raise InputError(
            f"preprocess gave tensors of different shapes, {' and '.join(map(str, sorted(shapes)[:2]))}; pass collate= to batch them."
        )
    return torch.stack(tensors)
