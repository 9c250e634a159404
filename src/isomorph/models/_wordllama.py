"""WordLlama: static vectors of Llama's tokens; a text is the mean over its tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from isomorph.models._mean_of_tokens import StaticVectors
from isomorph.models._text_recipe import TextRecipe, check_texts, pad


def build(files: list[Path], options: Mapping[str, Any]) -> torch.nn.Module:
    """The vectors, as float32."""
    from safetensors.torch import load_file

    return StaticVectors(load_file(files[0])["embedding.weight"].float())


def preparation(files: list[Path]) -> Any:
    """`(recipe, texts) -> batch` with the packaged tokeniser, without its opening token."""
    from tokenizers import Tokenizer

    return partial(_prepare, Tokenizer.from_file(str(files[1])))


def _prepare(tokenizer: Any, recipe: TextRecipe, texts: Sequence[Any]) -> dict[str, torch.Tensor]:
    strings = check_texts(texts)
    encoded = tokenizer.encode_batch(strings, add_special_tokens=False)
    return pad([recipe.fit(text, each.ids) for text, each in zip(strings, encoded, strict=True)])
