"""MiniLM-L6-v2: a sentence is the normalised mean over its tokens in the last layer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from isomorph.models._mean_of_tokens import MeanOfTokens
from isomorph.models._text_recipe import TextRecipe, check_texts, pad
from isomorph.models._torchvision_guard import import_beside_torchvision


class UnitLength(torch.nn.Module):
    """Each row divided by its Euclidean length."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Scale float [item, feature] to unit length."""
        return torch.nn.functional.normalize(rows, dim=-1)


class SentenceEncoder(torch.nn.Module):
    """BERT, then the mean over tokens, then unit length."""

    def __init__(self, bert: torch.nn.Module) -> None:
        super().__init__()
        self.bert = bert
        self.mean = MeanOfTokens()
        self.unit = UnitLength()

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Encode int64 [item, token] as float [item, feature]."""
        states = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        sentence: torch.Tensor = self.unit(self.mean(states, attention_mask))
        return sentence


def build(files: list[Path], options: Mapping[str, Any]) -> torch.nn.Module:
    """The encoder from the packaged weights and configuration."""
    from safetensors.torch import load_file

    transformers = import_beside_torchvision("transformers")
    weights, config = files[:2]
    plain = json.loads(config.read_text(encoding="utf-8"))
    bert = transformers.BertModel(transformers.BertConfig(**plain), add_pooling_layer=False)
    state = {
        name: each for name, each in load_file(weights).items() if name != "embeddings.position_ids" and not name.startswith("pooler.")
    }
    bert.load_state_dict(state, strict=True)
    return SentenceEncoder(bert)


def preparation(files: list[Path]) -> Any:
    """`(recipe, texts) -> batch` with the packaged tokeniser."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(files[2]))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return partial(_prepare, tokenizer)


def _prepare(tokenizer: Any, recipe: TextRecipe, texts: Sequence[Any]) -> dict[str, torch.Tensor]:
    strings = check_texts(texts)
    return pad([recipe.fit(text, each.ids) for text, each in zip(strings, tokenizer.encode_batch(strings), strict=True)])
