"""A network that looks at stimuli, with the facts that name it."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from isomorph import spec
from isomorph.errors import InputError
from isomorph.models._card import Modality, ModelCard
from isomorph.models._device import find_device
from isomorph.models._source_digest import printed
from isomorph.profile import timed, timing

if TYPE_CHECKING:
    import torch

Batch: TypeAlias = Any
"""A tensor, or a dict of tensors that are the module's keyword arguments."""


class AffineMap(Protocol):
    """What `Model.then` needs of a fitted map; `isomorph.alignment.FittedTransform` is one."""

    @property
    def layer(self) -> str:
        """Where the features were read that it fits."""

    @property
    def seen(self) -> tuple[str, ...] | None:
        """The stimuli whose judgments it has seen."""

    @property
    def parts(self) -> Mapping[str, Any]:
        """`weights`, and `bias`, `mean` and `std` where it has them."""

    @property
    def digest(self) -> str:
        """Names what it computes."""

    def check_model(self, name: str, fingerprint: str) -> None:
        """Raise if it fits another model."""

    def rename(self, subject: str) -> str:
        """What the model is called with it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """A frozen network with its card: what `load_model` and `wrap_model` return.

    The module is in evaluation mode and its parameters need no gradient.

    Attributes:
        card: What is known about it.
        module: The network; the names of its `named_modules()` are the names of its layers.
        weights: A digest of the weights: of the pinned file, or of every tensor's name, type and bytes.
        recipe: How an item is prepared: a frozen dataclass whose fields are the options of `with_recipe`, or plain data.
        preparation: `(recipe, items) -> batch`, on the CPU.
        mask: `batch -> bool [item, token]`, for models that read texts.
        seen: The stimuli whose human judgments it was fitted to (`then`); scores on them are not held-out scores.
    """

    card: ModelCard
    module: torch.nn.Module
    weights: str
    recipe: Any
    preparation: Callable[[Any, Sequence[Any]], Batch]
    mask: Callable[[Batch], torch.Tensor] | None = None
    seen: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.module.eval().requires_grad_(False)

    @property
    def name(self) -> str:
        """`source/architecture.tag`."""
        return self.card.name

    @property
    def modality(self) -> Modality:
        """`image` or `text`."""
        return self.card.modality

    @property
    def device(self) -> torch.device:
        """Where the weights lie; the CPU for a module without any."""
        import torch

        tensors = (*self.module.parameters(), *self.module.buffers())
        return tensors[0].device if tensors else torch.device("cpu")

    @property
    @timing("load")
    def fingerprint(self) -> str:
        """Names what the model computes: name, weights, recipe and modality; the device is no part of it.

        The network is looked at anew each time, so that one which was trained or cut since is not taken for what it was.
        """
        from isomorph.models._weights import weights_digest

        now = {"state": weights_digest(self.module.state_dict()), "prints": printed(self.module)}
        facts = {"name": self.name, "weights": self.weights, "recipe": spec.to_plain(self.recipe), "modality": self.modality}
        return spec.fingerprint(facts | now)

    def prepare(self, items: Sequence[Any]) -> Batch:
        """Turn stimuli (uint8 [height, width, 3] pictures, or strings) into a batch on the CPU."""
        if not len(items):
            raise InputError(f"{self.name} was given no stimuli to prepare.")
        with timed("decode"):
            return self.preparation(self.recipe, items)

    def forward(self, batch: Batch) -> Any:
        """Run the network once over a batch, on the network's device, without gradients; return its output."""
        import torch

        device = self.device
        with torch.inference_mode():
            with timed("transfer", device):
                if isinstance(batch, Mapping):
                    batch = {key: each.to(device, non_blocking=True) for key, each in batch.items()}
                elif isinstance(batch, torch.Tensor):
                    batch = batch.to(device, non_blocking=True)
            with timed("forward", device):
                return self.module(**batch) if isinstance(batch, Mapping) else self.module(batch)

    def token_mask(self, batch: Batch) -> torch.Tensor | None:
        """Which positions of the batch are tokens and which are padding: bool [item, token]; None for pictures."""
        return self.mask(batch) if self.mask else None

    def with_recipe(self, **changes: Any) -> Model:
        """The same network with another preparation; the changes become part of its name and its fingerprint.

        `resize="squash"` alone also drops the crop: the whole picture is scaled to what the network sees. A network of timm that is built
        for one size is adapted to another by its own `set_input_size`, which interpolates the position embedding.

        Raises:
            InputError: The recipe has no such option, or it cannot have that value.

        Example:
            >>> from isomorph.models import load_model
            >>> model = load_model("bundled/pixels").with_recipe(resize="crop", resize_pixels=256)
            >>> model.name
            "bundled/pixels(resize='crop',resize_pixels=256)"
        """
        if not dataclasses.is_dataclass(self.recipe) or isinstance(self.recipe, type):
            raise InputError(f"{self.name} was wrapped with a function of your own to prepare its inputs; change that function instead.")
        plain = spec.to_plain(self.recipe)
        if changes.get("resize") == "squash" and "resize_pixels" not in changes and plain.get("height_pixels") == plain.get("width_pixels"):
            changes = {**changes, "resize_pixels": plain["height_pixels"]}
        recipe: Any = spec.from_plain(type(self.recipe), {**plain, **changes})
        changed = {key: value for key, value in spec.to_plain(recipe).items() if value != plain[key]}
        if not changed:
            return self
        label = ",".join(f"{key}={value!r}" for key, value in changed.items())
        card = dataclasses.replace(self.card, name=f"{self.name}({label})", recipe=spec.to_plain(recipe))
        module = self.module
        fixed = type(module).__module__.startswith("timm.") and hasattr(module, "set_input_size")
        if fixed and {"height_pixels", "width_pixels"} & changed.keys():
            module = _for_size(module, recipe.height_pixels, recipe.width_pixels)
        return dataclasses.replace(self, card=card, recipe=recipe, module=module)

    def then(self, fitted: AffineMap, *, layer: str | None = None) -> Model:
        """A new subject: this network, its features passed through a fitted affine map. This model is unchanged.

        The map is applied to what `layer` returns, token by token or place by place where it returns those, and is itself the layer
        `aligned` and the output; the network's own layers keep their names behind `model.`.

        Args:
            fitted: Such as `isomorph.alignment` fits or loads.
            layer: The layer to map; None: the one that the map was fitted at.

        Raises:
            InputError: The map was fitted to another model, or says no layer of this one and none is given.
        """
        from isomorph.models._then import then

        return then(self, fitted, layer)

    def to(self, device: str | torch.device) -> Model:
        """Move the network in place and return this model.

        Raises:
            DeviceError: This machine has no such device.
        """
        self.module.to(find_device(device))
        return self

    def __repr__(self) -> str:
        return f"Model({self.name!r}, {self.modality}, fingerprint={self.fingerprint[:12]})"


def _for_size(module: Any, height: int, width: int) -> Any:
    """A copy of a network, for pictures of another size."""
    adapted = copy.deepcopy(module)
    adapted.set_input_size(img_size=(height, width))
    return adapted
