"""Models by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING, Any

from isomorph.errors import InputError, MissingDependencyError, UnknownNameError
from isomorph.models._card import MODALITIES, Modality, ModelCard
from isomorph.models._roster import with_recommended_layer
from isomorph.models._source import Source
from isomorph.profile import timing
from isomorph.registry import Entry, Registry

if TYPE_CHECKING:
    import torch

    from isomorph.models._model import Model

sources = Registry(
    "model source",
    (
        Entry(
            name="bundled", target="isomorph.models._bundled:BundledSource", summary="real weights that install as packages, and controls"
        ),
        Entry(name="timm", target="isomorph.models._timm:TimmSource", summary="every pretrained vision model of timm"),
        Entry(name="torchvision", target="isomorph.models._torchvision:TorchvisionSource", summary="torchvision's classifiers"),
        Entry(name="open_clip", target="isomorph.models._open_clip:OpenClipSource", summary="both towers of every OpenCLIP"),
        Entry(name="ssl", target="isomorph.models._ssl:SslSource", summary="self-supervised networks whose weights are on no hub"),
        Entry(
            name="published", target="isomorph.models._published:PublishedSource", summary="CORnet, ecoset nets, DreamSim, Harmonization"
        ),
        Entry(
            name="hf",
            target="isomorph.models._transformers:TransformersSource",
            summary="what transformers reads: models of the hub, and folders with their files",
        ),
        Entry(
            name="sentence_transformers",
            target="isomorph.models._sentence_transformers:SentenceTransformersSource",
            summary="sentence encoders of the hub, and folders with their files",
        ),
        Entry(name="visalign", target="isomorph.models._visalign_models:VisalignSource", summary="VisAlign's networks, and small ones"),
        Entry(name="onnx", target="isomorph.models._onnx:OnnxSource", summary="ONNX files, by their path"),
        Entry(
            name="savedmodel",
            target="isomorph.models._savedmodel:SavedModelSource",
            summary="TensorFlow's SavedModels, by the path of their folder; TensorFlow runs in a process of its own",
        ),
        Entry(name="alignet", target="isomorph.models._savedmodel_alignet:AlignetSource", summary="AligNet's students and their controls"),
        Entry(
            name="keras",
            target="isomorph.models._keras:KerasSource",
            summary="the architectures of keras.applications, and .keras files by their path; on torch",
        ),
    ),
    listing="`isomorph.models.sources.names()` has them",
)


@timing("load")
def load_model(
    name: str,
    *,
    device: str | torch.device = "cpu",
    recipe: Mapping[str, Any] | None = None,
    modality: Modality | None = None,
) -> Model:
    """Load a model by its name.

    Args:
        name: `source/architecture.tag`, as `list_models` gives it. Where the source knows a default tag, it may be left out.
            The tag `random-SEED` gives the untrained architecture with weights drawn from that seed.
        device: Where it shall run: `cpu`, `cuda:0`, `mps`.
        recipe: Changes to how inputs are prepared; the same as `.with_recipe(**recipe)`.
        modality: Which tower, of a model with two; `text` is the same as `:text` at the end of the name.

    Returns:
        The network in evaluation mode, with its card, its preparation and a fingerprint.

    Raises:
        UnknownNameError: There is no such source or model; the message says what is close.
        MissingDependencyError: A package is missing; the message holds the command that installs it.
        DigestError: A weight file does not hold the bytes that were tested.
        FetchError: The weights have to come from a network that cannot be reached.
        DeviceError: This machine has no such device.
        InputError: The model has no tower of that modality.

    Example:
        >>> import numpy as np
        >>> model = load_model("bundled/pixels")
        >>> model.modality, model.prepare([np.zeros((175, 175, 3), dtype=np.uint8)]).shape
        ('image', torch.Size([1, 3, 224, 224]))
    """
    from isomorph.models._device import find_device

    where = find_device(device)
    source, rest = find_source(name, modality)
    built = source.build(rest).to(where)
    model = dataclasses.replace(built, card=with_recommended_layer(built.card))
    return model.with_recipe(**recipe) if recipe else model


def model_card(name: str) -> ModelCard:
    """What is known about a model, without building it.

    Raises:
        UnknownNameError: There is no such source or model.

    Example:
        >>> model_card("bundled/efficientnet_lite0.imagenet1k").licence
        'Apache-2.0'
    """
    source, rest = find_source(name)
    return with_recommended_layer(source.card(rest))


def list_models(pattern: str = "*", **facts: Any) -> list[str]:
    """The names of the models that match a shell pattern and declared facts.

    Args:
        pattern: Matched against the whole name, or against the part after the source: `bundled/*`, `vit*dinov2*`.
        facts: Fields of `ModelCard` and what they must be; strings may be patterns too and ignore case.

    Raises:
        UnknownNameError: A model card has no such fact.

    Example:
        >>> list_models("bundled/*", objective="sentence*", architecture="bert")
        ['bundled/minilm_l6_v2']
    """
    known = {each.name for each in dataclasses.fields(ModelCard)}
    for fact in facts:
        if fact not in known:
            raise UnknownNameError("model fact", fact, known)
    found = []
    for entry in sources:
        if "/" in pattern and not fnmatchcase(entry.name, pattern.partition("/")[0]):
            continue
        try:
            source = _source(entry.name)
            names = source.names()
        except MissingDependencyError:
            continue
        wanted = [each for each in names if fnmatchcase(f"{entry.name}/{each}", pattern) or fnmatchcase(each, pattern)]
        found += [f"{entry.name}/{each}" for each in wanted if not facts or model_card(f"{entry.name}/{each}").matches(facts)]
    return sorted(found)


@cache
def _source(name: str) -> Source:
    source: Source = sources.load(name)()
    return source


def find_source(name: str, modality: Modality | None = None) -> tuple[Source, str]:
    """The source of a model, and what stands behind it in the name; `:text` or `:image` stays only where it is not the usual tower."""
    kind, slash, rest = name.partition("/")
    if not slash or not rest:
        raise InputError(
            f"{name!r} is not a model's name; it reads 'source/architecture.tag', such as 'bundled/efficientnet_lite0.imagenet1k'."
        )
    source = _source(kind)
    plain, colon, tower = rest.rpartition(":")
    if not colon or tower not in MODALITIES:
        plain, tower = rest, ""
    if modality is not None and modality not in MODALITIES:
        raise InputError(f"modality must be 'image' or 'text'; got {modality!r:.80}.")
    if tower and modality not in (None, tower):
        raise InputError(f"{name!r} is the tower of {tower}s, but modality={modality!r} was asked for; leave one of the two out.")
    wanted = modality or tower
    if not wanted:
        return source, rest
    card = source.card(plain)
    if wanted not in card.modalities:
        raise InputError(f"'{kind}/{plain}' reads {card.modality}s alone; it has no tower of {wanted}s.")
    return source, plain if wanted == card.modality else f"{plain}:{wanted}"
