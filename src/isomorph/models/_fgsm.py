"""Adversarial pictures by one step along the sign of the gradient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from isomorph.errors import InputError
from isomorph.models._image_recipe import ImageRecipe
from isomorph.models._logits import read_logits

if TYPE_CHECKING:
    import torch

    from isomorph.models._model import Model
    from isomorph.stimuli import Stimuli

Space = Literal["normalised", "pixels"]
Loss = Literal["cross-entropy", "raw-logits"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Adversarial:
    """Pictures after an attack, as the model saw them, and what it said.

    Attributes:
        ids: The pictures' names.
        pixels: uint8 `[picture, height, width, 3]`: what a file holds of them, at the size that the network sees.
        targets: The class that the attack leads away from; int `[picture]`.
        before: What the model answers to the picture as it was; int `[picture]`.
        after: What it answers now; int `[picture]`.
        model: Its name.
        epsilon: How far.
    """

    ids: tuple[str, ...]
    pixels: npt.NDArray[np.uint8]
    targets: npt.NDArray[np.int64]
    before: npt.NDArray[np.int64]
    after: npt.NDArray[np.int64]
    model: str
    epsilon: float

    @property
    def kept(self) -> npt.NDArray[np.bool_]:
        """Where the model errs after the attack; bool `[picture]`."""
        return np.not_equal(self.after, self.targets)

    @property
    def stimuli(self) -> Stimuli:
        """Those kept, under their ids, with `target`, `before`, `after`, `model` and `epsilon` as metadata.

        Show them to a model whose recipe does not resize (`with_recipe(resize_pixels=…)`): they have the size that the network sees.

        Raises:
            InputError: The model errs on none.
        """
        from isomorph.stimuli import Stimuli

        at = np.flatnonzero(self.kept)
        if not at.size:
            raise InputError(
                f"{self.model} still recognises all {len(self.ids)} pictures after a step of {self.epsilon:g}; none is adversarial. "
                "Take a larger epsilon."
            )
        facts = {"target": self.targets[at], "before": self.before[at], "after": self.after[at]}
        metadata = {**facts, "model": [self.model] * at.size, "epsilon": [self.epsilon] * at.size}
        return Stimuli.from_arrays(self.pixels[at], [self.ids[each] for each in at], layout="NHWC", metadata=metadata)


def fgsm(
    model: Model,
    pictures: Stimuli | Sequence[Any],
    labels: Mapping[str, int | None] | Sequence[int | None] | None = None,
    *,
    epsilon: float = 0.01,
    space: Space = "normalised",
    loss: Loss = "cross-entropy",
    clamp: float | None = None,
    rounded: bool = True,
    batch_size: int = 16,
) -> Adversarial:
    r"""Attack pictures by the fast gradient sign method: $x' = x + \epsilon\,\mathrm{sign}\,\nabla_x L(f(x), y)$.

    A picture counts as adversarial only if the model then errs, and that is judged by default on what a file can hold: eight bits a value.
    (In normalised space a step of 0.005 is a third of one of 256 levels; rounding undoes it.) VisAlign's released program is
    `loss="raw-logits", clamp=3, rounded=False`.

    Args:
        model: A classifier that runs on torch and whose recipe is an `ImageRecipe`; its output is `[picture, class]`.
        pictures: Stimuli, or uint8 arrays `[height, width, 3]`.
        labels: The true class of each picture, as an index of the model's output, by position or by id. Where it is None: the model's
            own answer.
        epsilon: The length of the step, in the unit of `space`.
        space: `"normalised"`: the values that the network sees. `"pixels"`: black is 0, white is 1.
        loss: `"cross-entropy"`, or `"raw-logits"`: minus the logit of the target, without a softmax.
        clamp: None: values stay what a pixel can be; a number: within ± this in normalised space.
        rounded: Judge the picture rounded to eight bits, not the floats.
        batch_size: Pictures at a time.

    Raises:
        InputError: An argument cannot be used as given, or no gradient reaches the pixels.

    References:
        Goodfellow et al., 2015, <https://arxiv.org/abs/1412.6572>.

    Example:
        >>> import numpy as np, torch
        >>> from isomorph.models import ImageRecipe, wrap_model
        >>> torch.manual_seed(0) and None
        >>> net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(1))
        >>> recipe = ImageRecipe(height_pixels=16, width_pixels=16, resize_pixels=16)
        >>> noise = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
        >>> attack = fgsm(wrap_model(net, name="tiny", preprocess=recipe), noise, epsilon=0.5)
        >>> attack.pixels.shape, bool(attack.kept.any())
        ((3, 16, 16, 3), True)
    """
    import torch

    from isomorph.stimuli import Stimuli

    _check(model, epsilon, space, loss, clamp)
    shown = pictures if isinstance(pictures, Stimuli) else Stimuli.from_arrays(pictures)
    given = _targets(labels, shown)
    found: list[tuple[Any, ...]] = []
    for start in range(0, len(shown), batch_size):
        rows = range(start, min(start + batch_size, len(shown)))
        prepared = model.prepare([shown[row] for row in rows]).to(model.device)
        before, targets, sign = _gradient_sign(model, prepared, torch.from_numpy(given[rows.start : rows.stop]), loss)
        moved = _step(model.recipe, prepared, sign, epsilon, space, clamp)
        pixels = _to_pixels(model.recipe, moved)
        judged = _from_pixels(model.recipe, pixels) if rounded else moved
        with torch.inference_mode():
            after = _logits(model, judged.to(model.device)).argmax(1)
        found.append((pixels.numpy(), *(each.cpu().numpy() for each in (targets, before, after))))
    names = ("pixels", "targets", "before", "after")
    arrays: dict[str, Any] = {name: np.concatenate(each) for name, each in zip(names, zip(*found, strict=True), strict=True)}
    return Adversarial(ids=shown.ids, model=model.name, epsilon=epsilon, **arrays)


def _check(model: Model, epsilon: float, space: str, loss: str, clamp: float | None) -> None:
    if not isinstance(model.recipe, ImageRecipe):
        raise InputError(
            f"fgsm must know how {model.name} turns pixels into values, to turn values back into pixels, and its recipe is no "
            "ImageRecipe. Wrap the network with wrap_model(…, preprocess=ImageRecipe(…))."
        )
    for name, value, known in (("space", space, get_args(Space)), ("loss", loss, get_args(Loss))):
        if value not in known:
            raise InputError(f"fgsm's {name} is {' or '.join(map(repr, known))}; got {value!r}.")
    for name, number in (("epsilon", epsilon), ("clamp", 1.0 if clamp is None else clamp)):
        if not (np.isfinite(number) and number > 0):
            raise InputError(f"fgsm's {name} must be a number above 0; got {number!r}.")


def _targets(labels: Mapping[str, int | None] | Sequence[int | None] | None, shown: Stimuli) -> npt.NDArray[np.int64]:
    """The given class of each picture; -1 where there is none."""
    if labels is None:
        return np.full(len(shown), -1)
    if isinstance(labels, Mapping):
        missing = [each for each in shown.ids if each not in labels]
        if missing:
            raise InputError(f"{len(missing)} of {len(shown)} pictures have no label; the first is {missing[0]!r}. None is a label, too.")
        labels = [labels[each] for each in shown.ids]
    if len(labels) != len(shown):
        raise InputError(f"fgsm needs one label a picture; got {len(labels)} labels for {len(shown)} pictures.")
    for each, label in zip(shown.ids, labels, strict=True):
        if label is not None and (isinstance(label, bool) or not isinstance(label, int | np.integer) or label < 0):
            raise InputError(f"the label of {each!r} must be the index of a class, from 0, or None; got {label!r}.")
    return np.array([-1 if each is None else int(each) for each in labels], dtype=np.int64)


def _gradient_sign(
    model: Model, prepared: torch.Tensor, given: torch.Tensor, loss: Loss
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What the model answers, what the attack leads away from, and in which direction."""
    import torch

    with torch.inference_mode(mode=False), torch.enable_grad():
        values = prepared.clone().requires_grad_(True)
        logits = _logits(model, values)
        if not logits.requires_grad:
            raise InputError(f"no gradient reaches the pixels of {model.name}; fgsm needs a network that runs on torch, with gradients.")
        before = logits.detach().argmax(1)
        if int(given.max()) >= logits.shape[1]:
            raise InputError(f"{model.name} has {logits.shape[1]} classes, from 0; a label is {int(given.max())}.")
        given = given.to(logits.device)
        targets = torch.where(given < 0, before, given)
        scores = logits.log_softmax(1) if loss == "cross-entropy" else logits
        (gradient,) = torch.autograd.grad(-scores.gather(1, targets[:, None]).sum(), values)
    return before, targets, gradient.sign()


def _step(recipe: ImageRecipe, values: torch.Tensor, sign: torch.Tensor, epsilon: float, space: Space, clamp: float | None) -> torch.Tensor:
    mean, std = _statistics(recipe, values)
    moved = values + sign * (epsilon if space == "normalised" else epsilon * recipe.maximum / std)
    if clamp is not None:
        return moved.clamp(-clamp, clamp)
    return moved.clamp(min=(0 - mean) / std, max=(recipe.maximum - mean) / std)


def _to_pixels(recipe: ImageRecipe, values: torch.Tensor) -> torch.Tensor:
    """Values that the network sees → uint8 [picture, height, width, RGB], on the CPU."""
    import torch

    mean, std = _statistics(recipe, values)
    levels = ((values * std + mean) * (255 / recipe.maximum)).round().clamp(0, 255).to(torch.uint8).cpu()
    pixels = levels if _channels_last(recipe) else levels.permute(0, 2, 3, 1)
    return (pixels.flip(-1) if recipe.channels == "bgr" else pixels).contiguous()


def _from_pixels(recipe: ImageRecipe, pixels: torch.Tensor) -> torch.Tensor:
    """The reverse of `_to_pixels`."""
    import torch

    ordered = pixels.flip(-1) if recipe.channels == "bgr" else pixels
    values = (ordered if _channels_last(recipe) else ordered.permute(0, 3, 1, 2)).to(torch.float32, memory_format=torch.contiguous_format)
    mean, std = _statistics(recipe, values)
    return (values * (recipe.maximum / 255) - mean) / std


def _statistics(recipe: ImageRecipe, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    shape = (3,) if _channels_last(recipe) else (3, 1, 1)
    mean, std = (torch.tensor(each, dtype=like.dtype, device=like.device).view(shape) for each in (recipe.mean, recipe.std))
    return mean, std


def _channels_last(recipe: ImageRecipe) -> bool:
    return getattr(recipe, "layout", "nchw") == "nhwc"


def _logits(model: Model, values: torch.Tensor) -> torch.Tensor:
    return read_logits(model, model.module(values), owner="fgsm", item="picture")
