"""How a text becomes tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from isomorph.errors import InputError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class TextRecipe:
    """What happens to texts that are too long, or hold words that a vocabulary does not.

    Attributes:
        max_tokens: The longest text that can be read, in tokens; None where there is no limit.
        too_long: What to do with a longer text: `error` names it, `truncate` drops its end.
        unknown: What to do with a word that has no vector: `error` names it, `skip` leaves it out of the mean.
    """

    max_tokens: int | None = None
    too_long: Literal["error", "truncate"] = "error"
    unknown: Literal["error", "skip"] = "error"

    def fit(self, text: str, tokens: list[int]) -> list[int]:
        """Return `tokens`, of at most `max_tokens`.

        Raises:
            InputError: There are none, or too many and `too_long` is `error`.
        """
        if not tokens:
            raise InputError(f"the text {text[:40]!r} holds no token that the model knows.")
        if self.max_tokens is None or len(tokens) <= self.max_tokens:
            return tokens
        if self.too_long == "error":
            raise InputError(
                f"the text {text[:40]!r} has {len(tokens)} tokens; the model reads {self.max_tokens}. "
                "Shorten it, or load the model with recipe={'too_long': 'truncate'}."
            )
        return [*tokens[: self.max_tokens - 1], tokens[-1]]  # the last one closes the text


def check_texts(texts: Sequence[Any]) -> list[str]:
    """Return `texts` as a list.

    Raises:
        InputError: One of them is not a string, or is blank.
    """
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"text {index} is of type {type(text).__name__}; a text must be a string.")
        if not text.strip():
            raise InputError(f"text {index} is blank.")
    return list(texts)


def pad(rows: Sequence[Sequence[int]], *, padding: int = 0) -> dict[str, torch.Tensor]:
    """Stack token ids as `input_ids` and `attention_mask`, int64 [item, token], padded on the right."""
    import torch

    width = max(map(len, rows))
    ids = torch.full((len(rows), width), padding, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = torch.tensor(row, dtype=torch.int64)
        mask[index, : len(row)] = 1
    return {"input_ids": ids, "attention_mask": mask}


def attention_mask(batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Which positions are tokens: bool [item, token]."""
    return batch["attention_mask"].bool()
