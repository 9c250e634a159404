"""The step of ODIN on a network's pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.abstention._network import batches
from isomorph.arrays import FloatArray
from isomorph.errors import InputError
from isomorph.models._image_recipe import ImageRecipe
from isomorph.models._logits import read_logits

if TYPE_CHECKING:
    import torch

    from isomorph.abstention._odin import Odin
    from isomorph.models._model import Model
    from isomorph.stimuli import Stimuli


def logits_after_step(odin: Odin, model: Model, pictures: Stimuli | Sequence[Any]) -> FloatArray:
    """float32 `[item, class]`."""
    import torch

    if not isinstance(model.recipe, ImageRecipe):
        raise InputError(
            f"Odin must know by what {model.name} divides pixels, and its recipe is no ImageRecipe. Wrap the network with "
            "wrap_model(…, preprocess=ImageRecipe(…)), or set epsilon=0 and score its logits."
        )
    found = []
    for batch in batches(model, pictures, odin.batch_size):
        values = batch.to(model.device)
        if odin.epsilon:
            values = values - odin.epsilon * _slope(odin, model, values).sign() / _sigma(odin, model.recipe, values)
        with torch.inference_mode():
            found.append(read_logits(model, model.module(values), owner="Odin").float().cpu().numpy())
    return np.concatenate(found)


def _slope(odin: Odin, model: Model, prepared: torch.Tensor) -> torch.Tensor:
    """Of the cross-entropy against the network's own answer."""
    import torch

    with torch.inference_mode(mode=False), torch.enable_grad():
        values = prepared.clone().requires_grad_(True)
        logits = read_logits(model, model.module(values), owner="Odin")
        if not logits.requires_grad:
            raise InputError(f"no gradient reaches the pixels of {model.name}; set epsilon=0, or score its logits.")
        loss = torch.nn.functional.cross_entropy(logits / odin.temperature, logits.argmax(1), reduction="sum")
        (slope,) = torch.autograd.grad(loss, values)
    return slope


def _sigma(odin: Odin, recipe: ImageRecipe, like: torch.Tensor) -> torch.Tensor:
    import torch

    share = odin.sigma if odin.sigma is not None else tuple(each / recipe.maximum for each in recipe.std)
    last = getattr(recipe, "layout", "nchw") == "nhwc"
    return torch.tensor(share, dtype=like.dtype, device=like.device).view((3,) if last else (3, 1, 1))
