"""GloVe: one vector a word; a text is the mean over its words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from isomorph.errors import InputError
from isomorph.models._mean_of_tokens import StaticVectors
from isomorph.models._text_recipe import TextRecipe, check_texts, pad

_WORDS = re.compile(r"\w+(?:[-'.]\w+)*|[^\w\s]")


def build(files: list[Path], options: Mapping[str, Any]) -> torch.nn.Module:
    """The 400,000 vectors."""
    return StaticVectors(torch.from_numpy(np.load(files[0], allow_pickle=False)))


def preparation(files: list[Path]) -> Any:
    """`(recipe, texts) -> batch` with the packaged vocabulary."""
    from pyarrow import parquet

    words = parquet.read_table(files[1]).column("index").to_pylist()
    return partial(_prepare, {word: position for position, word in enumerate(words)})


def _prepare(vocabulary: Mapping[str, int], recipe: TextRecipe, texts: Sequence[Any]) -> dict[str, torch.Tensor]:
    strings = check_texts(texts)
    words = [_words(text, vocabulary) for text in strings]
    unknown = sorted({word for row in words for word in row if word not in vocabulary})
    if unknown and recipe.unknown == "error":
        listed = ", ".join(map(repr, unknown[:5])) + (" …" if len(unknown) > 5 else "")
        raise InputError(
            f"GloVe has no vector for {len(unknown)} words: {listed}. "
            "Leave those texts out, or load the model with recipe={'unknown': 'skip'} to take the mean over the other words."
        )
    rows = [[vocabulary[word] for word in row if word in vocabulary] for row in words]
    return pad([recipe.fit(text, row) for text, row in zip(strings, rows, strict=True)])


def _words(text: str, vocabulary: Mapping[str, int]) -> list[str]:
    """Words in lower case; a compound that has no vector of its own falls into its parts."""
    found: list[str] = []
    for word in _WORDS.findall(text.lower()):
        found += [word] if word in vocabulary else re.findall(r"\w+", word) or [word]
    return found
