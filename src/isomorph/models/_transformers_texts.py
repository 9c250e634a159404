"""Texts as a tokeniser of transformers reads them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch

from isomorph.errors import FileError
from isomorph.models._text_recipe import TextRecipe, check_texts, pad
from isomorph.models._torchvision_guard import import_beside_torchvision
from isomorph.models._transformers_place import Place, from_place

_NO_LIMIT = 1_000_000


def read_tokenizer(place: Place, *, untrained: str) -> Any:
    """The tokeniser that comes with a model; code that comes with it is never run.

    Raises:
        FileError: The folder has none.
        FetchError: It has to come from the hub, which cannot be reached.
    """
    transformers = import_beside_torchvision("transformers")

    def load() -> Any:
        return transformers.AutoTokenizer.from_pretrained(
            place.where, revision=place.revision or "main", use_fast=True, trust_remote_code=False
        )

    tokenizer = from_place(place, load, untrained=untrained, files=("tokenizer.json", "tokenizer_config.json"))
    if len(tokenizer) <= len(tokenizer.all_special_tokens) or not tokenizer.is_fast:  # without files it would know no word, and say nothing
        raise FileError(f"{place.where} holds no tokeniser that can be read: put its tokenizer.json beside config.json.")
    return tokenizer


def tokenizer_digest(tokenizer: Any) -> str:
    """Names what a tokeniser does."""
    return f"sha256:{hashlib.sha256(tokenizer.backend_tokenizer.to_str().encode()).hexdigest()[:32]}"


def tokenizer_limit(place: Place) -> int | None:
    """The longest text that the tokeniser's own settings allow."""
    settings = place.optional("tokenizer_config.json")
    limit = place.json(settings.name).get("model_max_length") if settings else None
    return int(limit) if isinstance(limit, int | float) and 0 < limit < _NO_LIMIT else None


def texts(tokenizer: Any, *, length: int | None = None, prefix: str = "", clean: Callable[[str], str] = str) -> Any:
    """`(recipe, texts) -> batch`.

    Args:
        tokenizer: Of transformers.
        length: Pad to so many tokens; None: to the longest of the batch.
        prefix: Stands before every text.
        clean: Done to every text first.
    """
    return partial(_prepare, tokenizer, length, prefix, clean)


def _prepare(
    tokenizer: Any, length: int | None, prefix: str, clean: Callable[[str], str], recipe: TextRecipe, items: Sequence[Any]
) -> dict[str, torch.Tensor]:
    strings = [prefix + clean(each) for each in check_texts(items)]
    encoded = tokenizer(strings, padding=False, truncation=False, return_special_tokens_mask=True, verbose=False)
    rows = [
        _fit(recipe, text, ids, special)
        for text, ids, special in zip(strings, encoded["input_ids"], encoded["special_tokens_mask"], strict=True)
    ]
    padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id or 0
    batch = pad(rows, padding=padding)
    missing = (length or 0) - batch["input_ids"].shape[1]
    if missing > 0:
        values = {"input_ids": padding, "attention_mask": 0}
        return {key: torch.nn.functional.pad(each, (0, missing), value=values[key]) for key, each in batch.items()}
    return batch


def _fit(recipe: TextRecipe, text: str, ids: list[int], special: list[int]) -> list[int]:
    """At most so many tokens as the recipe allows; those that close a text stay."""
    if recipe.max_tokens is None or len(ids) <= recipe.max_tokens or recipe.too_long == "error":
        return recipe.fit(text, ids)
    closing = next((index for index, each in enumerate(reversed(special)) if not each), 0)
    return [*ids[: recipe.max_tokens - closing], *ids[len(ids) - closing :]]
