"""The transforms that the authors of gLocal published: by name, checked, and matched with the models they fit."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from isomorph.errors import FileError, InputError, UnknownNameError

if TYPE_CHECKING:
    from isomorph.alignment._fitted_transform import FittedTransform

_DATASET = "glocal-transforms"
CAUTION = (
    "the authors of gLocal report that supervised ImageNet networks lose accuracy on downstream tasks under it; it suits "
    "self-supervised and image-text models."
)


@dataclass(frozen=True, kw_only=True)
class Published:
    """One published transform: the model and module in its authors' words, what we call that model, the digest of its numbers."""

    model: str
    module: str
    ours: tuple[str, ...]
    digest: str
    supervised: bool = False

    @property
    def file(self) -> str:
        """Its path upstream and in the data catalogue."""
        return f"{self.model}/{self.module}/transform.npz"


PUBLISHED = (
    Published(
        model="clip_ViT-L/14",
        module="visual",
        ours=("*vit-l-14*openai*", "*vit_large_patch14_clip_224*openai*", "*clip-vit-large-patch14*", "*clip_vit-l/14*"),
        digest="82641664fbbb75b972d1f25df16f49a0a55d55bbf6bdc18e6110c063a02f2bb1",
    ),
    Published(
        model="dino-vit-base-p16",
        module="norm",
        ours=("*vit_base_patch16_224.dino*", "*dino-vitb16*", "*dino-vit-base-p16*", "*dino_vitb16*"),
        digest="4339949db9f0c88a19529e8859deef637717efc942ce89bdd086e94f5f29144d",
    ),
    Published(
        model="dinov2-vit-base-p14",
        module="norm",
        ours=("*vit_base_patch14_dinov2*", "*dinov2-base*", "*dinov2-vit-base-p14*", "*dinov2_vitb14*"),
        digest="8b49deb2c8b74c755e07f53a5da48e963b44cb9c990ad18c076ae9b25ad06942",
    ),
    Published(
        model="resnet18",
        module="avgpool",
        ours=("*resnet18*",),
        digest="943180557110c569d2f52e8f5bbefeac1cfefca794d7a3964d98f817fe75987b",
        supervised=True,
    ),
)


def list_transforms() -> list[str]:
    """The names that `load_transform` takes.

    Example:
        >>> list_transforms()[0]
        'glocal/clip_ViT-L/14'
    """
    return [f"glocal/{each.model}" for each in PUBLISHED]


def load_transform(name: str | Path) -> FittedTransform:
    """A published transform by name, or one from a file.

    Published ones come through the data catalogue: from mirror, cache or network, their SHA-256 checked.

    Args:
        name: `"glocal/MODEL"` as in `list_transforms()`, or the path of a `.safetensors` or `.npz` file.

    Raises:
        UnknownNameError: No transform has that name.
        FetchError: It can be had neither from mirror, cache nor network.
        FileError: The file is no transform.

    Warns:
        UserWarning: It is for a supervised network, where its authors advise against it.
    """
    from isomorph import data
    from isomorph.alignment._fitted_transform import FittedTransform

    if isinstance(name, Path) or not name.startswith("glocal/") or Path(name).is_file():
        return FittedTransform.load(name)
    known = {f"glocal/{each.model}": each for each in PUBLISHED}
    if name not in known:
        raise UnknownNameError("transform", name, known)
    return FittedTransform.load(data.path(_DATASET, known[name].file))


def described(fitted: FittedTransform, path: Path) -> FittedTransform:
    """A transform read from a published form, with what is known of it by its numbers; whatever the file is called.

    Raises:
        FileError: It is the DINOv1 transform under DINOv2's name.
    """
    found = next((each for each in PUBLISHED if each.digest == fitted.digest), None)
    if found is None:
        return fitted
    claimed = path.as_posix().lower()
    if found.model == "dino-vit-base-p16" and "dinov2" in claimed:
        raise FileError(
            f"{path} says DINOv2, but holds the transform of DINO (version 1) ViT-B/16: since March 2024 the published file of "
            "dinov2-vit-base-p14 is a copy of dino-vit-base-p16's. The right one is load_transform('glocal/dinov2-vit-base-p14'); "
            "if you want that of DINO, it is 'glocal/dino-vit-base-p16'."
        )
    if found.supervised:
        warnings.warn(f"{found.model}: {CAUTION}", UserWarning, stacklevel=4)
    return replace(fitted, method="gLocal", model=found.model, layer=found.module, options={"published": f"glocal/{found.model}"})


def caution_about(model: str, objective: str = "") -> str | None:
    """The authors' caution, if the model's objective (as said, or by the card of its name) is classification."""
    from isomorph.errors import IsomorphError
    from isomorph.models import model_card

    if not objective and model:
        try:
            objective = model_card(model.partition("(")[0]).objective  # without changes of the recipe
        except IsomorphError:  # a name of the user's own, or a source that is not installed
            return None
    return f"{model or 'the model'} was trained to classify: {CAUTION}" if objective == "classification" else None


def check_published_model(fitted: FittedTransform, name: str) -> None:
    """Raise if `name` is a model that another published transform belongs to, or one of ours that this one does not fit."""
    own = next((each for each in PUBLISHED if fitted.model == each.model and "published" in fitted.options), None)
    if own is None or not name or _fits(own, name):
        return
    other = next((each for each in PUBLISHED if _fits(each, name)), None)
    if other is not None:
        raise InputError(f"the transform is that of {own.model}, but these features are of {name!r}; its own is 'glocal/{other.model}'.")


def _fits(published: Published, name: str) -> bool:
    return any(fnmatchcase(name.lower(), each) for each in published.ours)
