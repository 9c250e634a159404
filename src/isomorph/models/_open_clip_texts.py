"""Texts as the tokenisers of OpenCLIP read them: always padded to the length that the tower was trained with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch

from isomorph.models._text_recipe import TextRecipe, check_texts

_ENOUGH = 8192  # tokens, to say how long a text is that is too long


def texts(tokenizer: Any) -> Any:
    """`(recipe, texts) -> {"text": int64 [item, token]}`."""
    return partial(_prepare, tokenizer)


def token_mask(tokenizer: Any) -> Callable[[dict[str, torch.Tensor]], torch.Tensor]:
    """`batch -> bool [item, token]`: the tokens of the text with those that open and close it."""
    return partial(_mask, tokenizer)


def _prepare(tokenizer: Any, recipe: TextRecipe, items: Sequence[Any]) -> dict[str, torch.Tensor]:
    strings, whole = check_texts(items), tokenizer.context_length
    limit = min(recipe.max_tokens or whole, whole)
    tokens = tokenizer(strings, context_length=limit)
    longer = _lengths(tokenizer, tokenizer(strings, context_length=2 * limit)) > _lengths(tokenizer, tokens)
    if recipe.too_long == "error" and longer.any():
        text = strings[int(longer.nonzero()[0])]
        length = int(_lengths(tokenizer, tokenizer([text], context_length=_ENOUGH)))
        recipe.fit(text, [0] * max(length, limit + 1))
    return {"text": torch.nn.functional.pad(tokens, (0, whole - limit), value=_padding(tokenizer))}


def _lengths(tokenizer: Any, tokens: torch.Tensor) -> torch.Tensor:
    return _mask(tokenizer, {"text": tokens}).sum(1)


def _mask(tokenizer: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    tokens = batch["text"]
    if not hasattr(tokenizer, "eot_token_id"):
        return tokens.ne(_padding(tokenizer))
    closing = (tokens == tokenizer.eot_token_id).int().argmax(1, keepdim=True)  # 0 is a token too: an exclamation mark
    return torch.arange(tokens.shape[1], device=tokens.device).le(closing)


def _padding(tokenizer: Any) -> int:
    """The token that stands behind a text: 0 in open_clip's own tokenisers."""
    return int(getattr(getattr(tokenizer, "tokenizer", None), "pad_token_id", None) or 0)
