"""An affine map that was fitted, and everything it must say of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from isomorph import spec
from isomorph.alignment._apply import apply_affine
from isomorph.arrays import FloatArray
from isomorph.errors import InputError, NonFiniteError, ShapeError
from isomorph.features import Features

X = TypeVar("X")


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedTransform:
    r"""A fitted affine map: another type than the options it was fitted with.

    $$y = \frac{x - \mu}{\sigma} W + b$$

    Attributes:
        weights: `[feature, dimension]`, float64.
        bias: `[dimension]`, or None.
        mean: One number, or one a feature; None for 0.
        std: One number, or one a feature; None for 1.
        method: `"gLocal"`, `"global"`, `"naive"`, `"ridge"`, `"procrustes"`.
        options: What it was fitted with.
        seen: The ids of the stimuli whose judgments it has seen: scores on them are not held-out scores. None: not known.
        layer: Where the features were read that it fits.
        model: The name of the model that it fits.
        model_fingerprint: That model's fingerprint, where it is known; other models are refused.
        history: Losses, one mapping an epoch.
        notes: Remarks that travel with it.

    Raises:
        ShapeError: The parts do not fit together.
        NonFiniteError: A part holds NaN or infinity.
        InputError: A standard deviation is not above 0.
    """

    weights: FloatArray
    bias: FloatArray | None = None
    mean: FloatArray | None = None
    std: FloatArray | None = None
    method: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    seen: tuple[str, ...] | None = None
    layer: str = ""
    model: str = ""
    model_fingerprint: str = ""
    history: tuple[Mapping[str, float], ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        weights = np.asarray(self.weights, dtype=np.float64)
        if weights.ndim != 2 or 0 in weights.shape:
            raise ShapeError(f"a transform's weights have the axes [feature, dimension]; got shape {weights.shape}.")
        shapes = {"weights": {weights.shape}, "bias": {weights.shape[1:]}, "mean": {(), weights.shape[:1]}, "std": {(), weights.shape[:1]}}
        for name, fitting in shapes.items():
            part = getattr(self, name)
            if part is None:
                continue
            part = np.array(part, dtype=np.float64)
            if part.shape not in fitting:
                raise ShapeError(f"a transform with weights {weights.shape} cannot have {name} of shape {part.shape}.")
            if not np.isfinite(part).all():
                raise NonFiniteError(f"the transform's {name} hold {int((~np.isfinite(part)).sum())} values that are NaN or infinite.")
            part.setflags(write=False)
            object.__setattr__(self, name, part)
        if self.std is not None and not (self.std > 0).all():
            raise InputError(f"a transform divides by its std, which must be above 0; the least is {self.std.min():g}.")

    @property
    def width(self) -> int:
        """How many features it takes."""
        return int(self.weights.shape[0])

    @property
    def output_width(self) -> int:
        """How many it gives."""
        return int(self.weights.shape[1])

    @property
    def parts(self) -> dict[str, FloatArray]:
        """`weights`, and `bias`, `mean` and `std` where it has them."""
        found = {name: getattr(self, name) for name in ("weights", "bias", "mean", "std")}
        return {name: part for name, part in found.items() if part is not None}

    @property
    def digest(self) -> str:
        """The SHA-256 of what it computes: weights, bias, mean, std."""
        import hashlib

        result = hashlib.sha256()
        for name in ("weights", "bias", "mean", "std"):
            part = self.parts.get(name)
            result.update(f"{name}{None if part is None else part.shape}".encode() + (b"" if part is None else part.tobytes()))
        return result.hexdigest()

    def __repr__(self) -> str:
        of = f" for {self.model}{f' at {self.layer}' if self.layer else ''}" if self.model else ""
        return f"FittedTransform({self.method or 'affine'}{of}, {self.width} → {self.output_width})"

    def transform(self, x: X) -> X:
        """Map features; what comes in comes out: `Features`, an array or a tensor, of the same precision. `x` is left as it is.

        Raises:
            ShapeError: `x` has another width.
            InputError: `x` was read from another model, or at another layer.
            NonFiniteError: `x` holds NaN or infinity.
        """
        if isinstance(x, Features):
            self.check(x)
            values = apply_affine(x.values, self, ids=x.ids)
            provenance = {**x.provenance, "transform": self.digest, "transform_method": self.method}
            return replace(x, values=values, subject=self.rename(x.subject), provenance=provenance)
        if hasattr(x, "detach"):
            mapped: X = self._of_tensor(x)
            return mapped
        return apply_affine(np.asarray(x), self)  # type: ignore[return-value]

    def check(self, x: Features) -> None:
        """Raise unless `x` comes from the model and the layer that this transform fits, as far as both say."""
        self.check_model(x.subject, str(x.provenance.get("model", "")))
        if self.model_fingerprint and self.layer and x.layer and x.layer != self.layer:
            raise InputError(f"the transform fits the layer {self.layer!r} of {self.model}, but these features were read at {x.layer!r}.")

    def check_model(self, name: str, fingerprint: str) -> None:
        """Raise if the transform is known to fit another model than the one called `name`."""
        from isomorph.alignment._published import check_published_model

        check_published_model(self, name)
        if self.model_fingerprint and fingerprint and self.model_fingerprint != fingerprint:
            what = f"{self.model!r}" if self.model != name else f"{self.model!r} with other weights or another preparation"
            raise InputError(f"the transform was fitted to features of {what}, but these are of {name!r}. Fit one to this model.")

    def rename(self, subject: str) -> str:
        """What a model is called once its features pass through this transform."""
        return f"{subject}+{self.method or 'affine'}" if subject else ""

    def _of_tensor(self, x: Any) -> Any:
        import torch

        if x.shape[-1] != self.width:
            raise ShapeError(f"the transform takes {self.width} features, but the tensor has shape {tuple(x.shape)}.")
        floating = x if x.is_floating_point() else x.double()
        parts = {name: torch.tensor(part, dtype=floating.dtype, device=x.device) for name, part in self.parts.items()}
        result = floating - parts["mean"] if "mean" in parts else floating
        result = (result / parts["std"] if "std" in parts else result) @ parts["weights"]
        return result + parts["bias"] if "bias" in parts else result

    def save(self, path: Path | str) -> Path:
        """Write `.safetensors` (with all that is known of it), or `.npz` as gLocal publishes its own (`weights`, `bias`, `mean`, `std`)."""
        from isomorph.alignment._transform_file import write_transform

        return write_transform(self, Path(path))

    @classmethod
    def load(cls, path: Path | str) -> FittedTransform:
        """Read what `save` wrote, or a published `.npz`; nothing is unpickled.

        Raises:
            FileError: There is no such file, it is damaged, too large or something else, or it holds pickled objects; or it is the DINOv1
                transform that was published under DINOv2's name.
        """
        from isomorph.alignment._transform_file import read_transform

        return read_transform(Path(path))

    @property
    def facts(self) -> dict[str, Any]:
        """What it says of itself, without the numbers, as plain data."""
        names = ("method", "options", "seen", "layer", "model", "model_fingerprint", "history", "notes")
        return {name: spec.to_plain(getattr(self, name)) for name in names}
