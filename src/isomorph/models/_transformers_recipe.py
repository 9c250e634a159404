"""How transformers prepares a picture, read from `preprocessor_config.json` and done by Pillow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph import spec
from isomorph.data import read_json
from isomorph.errors import FileError, InputError
from isomorph.models._image_recipe import ImageRecipe
from isomorph.models._transformers_place import Place

if TYPE_CHECKING:
    import torch

_INCEPTION, _IMAGENET, _CLIP = (
    {"image_mean": mean, "image_std": std}
    for mean, std in (
        ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5]),
        ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]),
    )
)
_CROPPED = {"do_center_crop": True, "crop_size": 224}
# What each processor does where the file says nothing. `square`: whether a plain number as size means both sides.
_PROCESSORS: Mapping[str, Mapping[str, Any]] = {
    "ViT": {"resample": 2, "size": 224, "square": True, **_INCEPTION},
    "DeiT": {"resample": 3, "size": 256, "square": True, **_CROPPED, **_INCEPTION},
    "Beit": {"resample": 3, "size": 224, "square": True, "crop_size": 224, **_INCEPTION},
    "Bit": {"resample": 3, "size": 224, "square": False, **_CROPPED, **_CLIP},
    "CLIP": {"resample": 3, "size": 224, "square": False, **_CROPPED, **_CLIP},
    "ChineseCLIP": {"resample": 3, "size": 224, "square": False, **_CROPPED, **_CLIP},
    "Siglip": {"resample": 3, "size": 224, "square": True, **_INCEPTION},
    "Blip": {"resample": 3, "size": 384, "square": True, **_CLIP},
    "ConvNext": {"resample": 3, "size": 384, "square": False, "crop_pct": 0.875, **_INCEPTION},
    "DINOv3ViT": {"resample": 2, "size": 224, "square": True, **_IMAGENET},
    "EfficientNet": {"resample": 3, "size": 346, "crop_size": 289, "square": True, "include_top": True, **_INCEPTION},
    "Sam": {"resample": 2, "size": {"longest_edge": 1024}, "square": True, "do_pad": True, "pad_size": 1024, **_IMAGENET},
}
_ALWAYS = {"do_resize": True, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True}
_READ = {*_ALWAYS, "size", "resample", "do_center_crop", "crop_size", "crop_pct", "image_mean", "image_std", "do_pad", "pad_size"} | {
    *("rescale_offset", "include_top", "do_flip_channel_order")
}
# Say nothing of the pixels that a picture in RGB becomes.
_IDLE = {"image_processor_type", "feature_extractor_type", "processor_class", "do_convert_rgb", "do_reduce_labels", "reduce_labels"} | {
    *("data_format", "input_data_format", "return_tensors", "device", "disable_grouping", "default_to_square", "backend"),
    *("_valid_processor_keys", "mask_size", "mask_pad_size", "auto_map"),
}
_FILTERS = {0: "nearest", 2: "bilinear", 3: "bicubic"}
_OTHER_FILTERS = {1: "lanczos", 4: "box", 5: "hamming"}


@dataclass(frozen=True, kw_only=True)
class TransformersRecipe(ImageRecipe):
    """As `ImageRecipe`; an odd margin is cut as transformers cuts it, and `pad` puts zeros below and to the right of the values."""

    def __call__(self, images: Sequence[Any]) -> torch.Tensor:
        """Prepare pictures, each uint8 [height, width, 3] in RGB, as float32 [stimulus, channel, height, width] on the CPU."""
        values = super().__call__(images)
        if self.resize == "pad":
            for each, image in zip(values, images, strict=True):
                height, width = self._resized(*np.asarray(image).shape[:2])
                each[:, height:] = 0
                each[:, :, width:] = 0
        return values

    def _offset(self, whole: int, part: int) -> int:
        if self.resize == "pad":
            return 0
        return (whole - part) // 2 if whole >= part else -((part - whole) // 2)


def recipe_at(place: Place) -> TransformersRecipe:
    """The recipe that the files of a model state.

    Raises:
        FileError: They state none.
        InputError: They ask for something that a recipe cannot say.
    """
    if (path := place.optional("preprocessor_config.json")) is not None:
        return read_recipe(place.json(path.name), place.name)
    if (path := place.optional("processor_config.json")) is not None and isinstance(inner := read_json(path).get("image_processor"), dict):
        return read_recipe(inner, place.name)
    raise FileError(
        f"{place.where} does not say how pictures are prepared: it has no preprocessor_config.json. Put the one of the model that it was "
        "fine-tuned from beside its config.json."
    )


def read_recipe(plain: Mapping[str, Any], name: str) -> TransformersRecipe:
    """What `preprocessor_config.json` says, as a recipe.

    Args:
        plain: The file's object.
        name: The model, for messages.

    Raises:
        InputError: The processor or one of its options has no counterpart; the message names it.
    """
    options = _complete(plain, name)
    if not options["do_resize"]:
        raise _cannot(name, "do_resize=False: pictures of different sizes make no batch")
    if options["resample"] not in _FILTERS:
        raise _cannot(name, f"resample={options['resample']} ({_OTHER_FILTERS.get(options['resample'], 'unknown')})")
    return spec.from_plain(
        TransformersRecipe,
        {
            "interpolation": _FILTERS[options["resample"]],
            "channels": "bgr" if options.get("do_flip_channel_order") else "rgb",
            **_geometry(options, name),
            **_values(options),
        },
    )


def _complete(plain: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The options with the processor's defaults; the processor and every option are ones that are understood."""
    processor = str(plain.get("image_processor_type") or plain.get("feature_extractor_type") or "")
    family = processor
    for ending in ("Fast", "Pil", "ImageProcessor", "FeatureExtractor"):
        family = family.removesuffix(ending)
    if family not in _PROCESSORS:
        raise _cannot(name, f"the processor {processor!r}" if processor else "a processor without a name (image_processor_type)")
    given = {key: value for key, value in plain.items() if value is not None and key not in _IDLE}
    if unknown := sorted(set(given) - _READ):
        raise _cannot(name, ", ".join(f"{key}={given[key]!r:.60}" for key in unknown))
    return {**_ALWAYS, **_PROCESSORS[family], **given}


def _geometry(options: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Size and fit."""
    size = options["size"]
    size = size if isinstance(size, Mapping) else {"height": size, "width": size} if options["square"] else {"shortest_edge": size}
    crop = _sides(options["crop_size"], name) if options.get("do_center_crop") else None
    match {key: value for key, value in size.items() if value is not None}:
        case {"height": height, "width": width, **rest} if not rest:
            seen = crop or (height, width)
            if seen[0] * width != seen[1] * height or options.get("do_pad"):
                raise _cannot(name, f"a crop of {seen[0]} × {seen[1]} from {height} × {width}")
            return _fit("squash", seen, max(height, width))
        case {"shortest_edge": edge, **rest} if not rest and "crop_pct" in options:
            return _fit("squash", (edge, edge), edge) if edge >= 384 else _fit("crop", (edge, edge), int(edge / options["crop_pct"]))
        case {"shortest_edge": edge, **rest} if not rest and crop is not None and crop[0] == crop[1]:
            return _fit("crop", crop, edge)
        case {"longest_edge": edge, **rest} if not rest and options.get("do_pad") and _sides(options["pad_size"], name) == (edge, edge):
            return _fit("pad", (edge, edge), edge)
    raise _cannot(name, f"size={dict(size)} with do_center_crop={bool(crop)}, crop_size={options.get('crop_size')}")


def _sides(size: Any, name: str) -> tuple[int, int]:
    match size:
        case int():
            return size, size
        case {"height": int(height), "width": int(width)}:
            return height, width
    raise _cannot(name, f"a crop or pad of size {size!r:.60}")


def _fit(resize: str, seen: tuple[int, int], pixels: int) -> dict[str, Any]:
    return {"resize": resize, "height_pixels": seen[0], "width_pixels": seen[1], "resize_pixels": pixels}


def _values(options: Mapping[str, Any]) -> dict[str, Any]:
    r"""Rescaling and normalisation in one: $((x \cdot f - o) - m) / s$, and once more $/ s$ for a classifying EfficientNet."""
    maximum = 255 * options["rescale_factor"] if options["do_rescale"] else 255
    maximum = round(maximum, 9)  # a factor such as 0.003921568627450098 is 1/255
    offset = 1.0 if options.get("rescale_offset") else 0.0
    mean, std = ([float(each) for each in options[key]] for key in ("image_mean", "image_std"))
    if not options["do_normalize"]:
        means, stds = [0.0] * 3, [1.0] * 3
    else:
        means, stds = mean, std
    if options.get("include_top"):
        stds = [one * two for one, two in zip(stds, std, strict=True)]
    return {"maximum": float(maximum), "mean": [offset + each for each in means], "std": stds}


def _cannot(name: str, what: str) -> InputError:
    return InputError(
        f"{name!r} prepares pictures with {what}, which an image recipe cannot say. "
        "Load the network with transformers and pass it to wrap_model with a function that prepares its pictures."
    )
