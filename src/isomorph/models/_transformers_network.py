"""From a configuration of transformers to a network: which class, which tower, trained or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch

from isomorph.errors import FileError, InputError
from isomorph.models._card import Modality
from isomorph.models._torchvision_guard import import_beside_torchvision
from isomorph.models._transformers_place import Place, is_safe
from isomorph.models._weights import read_checkpoint

transformers = import_beside_torchvision("transformers")

# Where the part that sees is one of several: its class, and its part of the whole's configuration.
_SEEING = {"sam": ("SamVisionModel", "vision_config"), "sam_vision_model": ("SamVisionModel", "")}
# Trained on texts that are padded to their full length, without a mask, and read from the last position.
_UNMASKED = frozenset({"siglip", "siglip2"})
# The first positions of their embeddings belong to padding.
_SHIFTED = frozenset(
    {"roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "camembert", "mpnet", "data2vec-text", "longformer"}
)
_OTHER_TOWER = {"image": ("text",), "text": ("vision", "visual", "image")}


def read_config(place: Place) -> Any:
    """The configuration of a model; code that comes with it is never run.

    Raises:
        FileError: There is none.
        InputError: It is of a kind that this version of transformers does not know.
    """
    plain = place.json("config.json")
    kind = plain.get("model_type")
    if kind not in transformers.CONFIG_MAPPING:
        raise InputError(
            f"the config.json of {place.where} says model_type {kind!r}, which transformers {transformers.__version__} does not know; code "
            "that comes with weights is never run. Update transformers, or load the network yourself and pass it to wrap_model."
        )
    return transformers.AutoConfig.from_pretrained(str(place.file("config.json").parent), trust_remote_code=False)


def make_config(row: dict[str, Any]) -> Any:
    """A configuration of the kind `model_type`, with the class's own sizes but for those given."""
    with _quiet():  # it warns of closing tokens outside of a vocabulary that the next lines would enlarge
        return transformers.AutoConfig.for_model(**row)


def modalities(config: Any, name: str) -> tuple[Modality, ...]:
    """What a network of this configuration reads, the usual one first.

    Raises:
        InputError: Neither pictures nor texts.
    """
    kind = _class(config, name)
    if hasattr(kind, "get_image_features") and hasattr(kind, "get_text_features"):
        return ("image", "text")
    reads: dict[str, Modality] = {"pixel_values": "image", "input_ids": "text"}
    if kind.main_input_name not in reads:
        raise InputError(f"{name!r} reads {kind.main_input_name}, which are neither pictures nor texts.")
    return (reads[kind.main_input_name],)


def untrained(config: Any, modality: Modality, name: str) -> torch.nn.Module:
    """The network with whatever weights it draws."""
    return _tower(_class(config, name)(_for_features(config)), config, modality, name)


def pretrained(place: Place, config: Any, modality: Modality) -> torch.nn.Module:
    """The network with its weights, as float32; nothing but tensors is unpickled.

    Raises:
        FileError: A tensor of the network is missing, or the file holds more than tensors.
    """
    kind, file = _class(config, place.name), place.weights()
    options: dict[str, Any] = {"config": _for_features(config), "output_loading_info": True, "weights_only": True}
    with _quiet():
        if file is not None and file.name == "pytorch_model.bin":
            model, info = kind.from_pretrained(None, state_dict=read_checkpoint(file), **options)
        else:
            safe = {} if file is None else {"use_safetensors": is_safe(file)}
            model, info = kind.from_pretrained(place.where, revision=place.revision or "main", **safe, **options)
    missing = sorted(info["missing_keys"])
    if missing and all(each.startswith("pooler.") for each in missing):
        model.pooler = None  # a head for another task that these weights were published without: it would hold random numbers
    elif missing or info["mismatched_keys"]:
        wrong = missing or sorted(str(each[0]) for each in info["mismatched_keys"])
        raise FileError(f"the weights of {place.where} lack {len(wrong)} tensors of {kind.__name__}; the first is {wrong[0]!r}.")
    return _tower(model.float(), config, modality, place.name)


def text_limit(config: Any) -> int | None:
    """The longest text, in tokens; None where the network has no limit."""
    inner = getattr(config, "text_config", config)
    limit = getattr(inner, "max_position_embeddings", None) or getattr(inner, "n_positions", None)
    if limit and inner.model_type in _SHIFTED:
        limit -= inner.pad_token_id + 1
    return limit


def padded_length(config: Any) -> int | None:
    """The length that texts are always padded to, where the network was trained that way."""
    return int(config.text_config.max_position_embeddings) if config.model_type in _UNMASKED else None


@contextmanager
def _quiet() -> Iterator[None]:
    """Within, transformers draws no bars and writes no table of the tensors that it did not find: what is missing is looked at here."""
    logging = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _class(config: Any, name: str) -> Any:
    if config.model_type in _SEEING:
        return getattr(transformers, _SEEING[config.model_type][0])
    whole, encoders = transformers.MODEL_MAPPING, transformers.MODEL_FOR_TEXT_ENCODING_MAPPING
    if type(config) in whole:
        found = whole[type(config)]
        found = found[0] if isinstance(found, tuple) else found
        alone = found.main_input_name == "input_ids" and not hasattr(found, "get_image_features") and type(config) in encoders
        return encoders[type(config)] if alone else found  # of T5 the encoder
    raise InputError(f"{name!r} is of the kind {config.model_type!r}, for which transformers has no model of features.")


def _for_features(config: Any) -> Any:
    """The configuration for one pass that reads everything: no cache, nothing masked."""
    part = _SEEING.get(config.model_type, ("", ""))[1]
    config = getattr(config, part) if part else config
    if getattr(config, "use_cache", False):
        config.use_cache = False
    if hasattr(config, "mask_ratio"):
        config.mask_ratio = 0.0
    return config


def _tower(model: Any, config: Any, modality: Modality, name: str) -> torch.nn.Module:
    """One tower of two, whose output is the embedding in the space that they share; a network of one modality as it is."""
    known = modalities(config, name)
    if len(known) > 1:
        others = [each for each, _ in model.named_children() if each.startswith(_OTHER_TOWER[modality])]
        scales = [each for each, _ in model.named_parameters(recurse=False)]  # of the similarities, which nobody asks for
        for each in others + scales:
            delattr(model, each)
        embed = model.get_image_features if modality == "image" else model.get_text_features
        model.forward = (
            partial(_embed_pictures, embed) if modality == "image" else partial(_embed_texts, embed, padded_length(config) is None)
        )
    elif hasattr(config, "mask_ratio"):
        model.forward = partial(_in_order, model.forward, model.embeddings.patch_embeddings.num_patches)
    elif getattr(model.config, "is_encoder_decoder", False):
        encoder: torch.nn.Module = model.get_encoder()
        return encoder
    network: torch.nn.Module = model
    return network


def _embed_pictures(embed: Any, pixel_values: torch.Tensor) -> torch.Tensor:
    return _embedding(embed(pixel_values=pixel_values))


def _embed_texts(embed: Any, masked: bool, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
    return _embedding(embed(input_ids=input_ids, attention_mask=attention_mask) if masked else embed(input_ids=input_ids))


def _embedding(found: Any) -> torch.Tensor:
    """Version 5 gives the embedding in place of the pooled output; earlier ones give it alone."""
    embedding: torch.Tensor = found if isinstance(found, torch.Tensor) else found.pooler_output
    return embedding


def _in_order(forward: Any, patches: int, pixel_values: torch.Tensor) -> Any:
    """A masked autoencoder that sees all patches shuffles them unless the noise that it sorts by is given."""
    noise = torch.arange(patches, dtype=torch.float32, device=pixel_values.device).expand(len(pixel_values), -1)
    return forward(pixel_values, noise=noise)
