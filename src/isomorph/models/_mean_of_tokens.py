"""The mean over tokens, and static vectors under it."""

from __future__ import annotations

import torch


class MeanOfTokens(torch.nn.Module):
    """The mean over the tokens of each item, without its padding."""

    def forward(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Reduce float [item, token, feature] with a mask [item, token] to [item, feature]."""
        weights = mask.to(states.dtype).unsqueeze(-1)
        return (states * weights).sum(1) / weights.sum(1)


class StaticVectors(torch.nn.Module):
    """One vector a token, whatever stands around it; a text is the mean of its tokens."""

    def __init__(self, vectors: torch.Tensor) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(vectors.shape[0], vectors.shape[1], _weight=vectors)
        self.mean = MeanOfTokens()

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Embed int64 [item, token] and take the mean: float [item, feature]."""
        pooled: torch.Tensor = self.mean(self.embedding(input_ids), attention_mask)
        return pooled
