"""From what a module returns to one row of features a stimulus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from isomorph.errors import InputError

if TYPE_CHECKING:
    import torch

Pool: TypeAlias = Literal["flatten", "mean", "max", "cls", "tokens", "cls+tokens"]
POOLS: tuple[Pool, ...] = get_args(Pool)


class CannotPoolError(InputError):
    """A tensor has no such pooling; the text says why in a few words."""


def pooled(tensor: torch.Tensor, pool: Pool, *, items: int, prefix_tokens: int = 1, mask: torch.Tensor | None = None) -> torch.Tensor:
    """Rows `[item, feature]`, float32; a view of the tensor where that is possible.

    `flatten` keeps every value. The others leave `[item, feature]` alone. On tokens `[item, token, channel]`, `mean` and `max` go over
    the tokens, `cls` takes the first, `tokens` is the mean of those after the prefix, and `cls+tokens` is the one and then the other, twice
    the channels; padding that `mask` marks takes no part. On maps `[item, channel, height, width]` (or `[item, height, width, channel]`
    with equal height and width), `mean` and `max` go over positions.

    Args:
        tensor: What the module returned.
        pool: How to pool.
        items: How many stimuli the batch has.
        prefix_tokens: How many tokens (class, registers) stand before those of the picture.
        mask: True where a token is no padding, `[item, token]`.

    Raises:
        CannotPoolError: The tensor has no axis of stimuli, no real numbers, or nothing that `pool` could take.
    """
    if not tensor.is_floating_point():
        raise CannotPoolError(f"it holds {str(tensor.dtype).removeprefix('torch.')}, not real numbers")
    if tensor.ndim == 0 or tensor.shape[0] != items:  # len() would fix the batch size of an exported graph
        first = "no axes" if tensor.ndim == 0 else f"{len(tensor)} rows"
        raise CannotPoolError(f"it has {first} for a batch of {items} stimuli")
    if tensor.numel() == 0:
        raise CannotPoolError("it is empty")
    if pool == "flatten" or tensor.ndim <= 2:
        return tensor.reshape(items, -1).float()
    if tensor.ndim == 3:
        return _over_tokens(tensor, pool, prefix_tokens, mask)
    if pool in ("cls", "tokens", "cls+tokens"):
        raise CannotPoolError(f"it is a map of shape {tuple(tensor.shape[1:])} and has no tokens")
    axes = _positions(tensor)
    return tensor.amax(axes).float() if pool == "max" else tensor.float().mean(axes)


def _over_tokens(tensor: torch.Tensor, pool: Pool, prefix: int, mask: torch.Tensor | None) -> torch.Tensor:
    if pool == "cls+tokens":
        import torch  # here, so that command lines and plans can name poolings without it

        return torch.cat([_over_tokens(tensor, "cls", prefix, mask), _over_tokens(tensor, "tokens", prefix, mask)], dim=1)
    if pool == "cls":
        if prefix == 0:
            raise CannotPoolError("the model has no class token")
        return tensor[:, 0].float()
    first = prefix if pool == "tokens" else 0
    if tensor.shape[1] <= first:
        raise CannotPoolError(f"it has {tensor.shape[1]} tokens, none after the first {first}")
    if mask is None or mask.shape != tensor.shape[:2]:
        kept = tensor[:, first:]
        return kept.amax(1).float() if pool == "max" else kept.float().mean(1)
    kept, real = tensor[:, first:].float(), mask.to(tensor.device)[:, first:, None]
    if pool == "max":
        return kept.masked_fill(~real, -float("inf")).amax(1)
    return kept.masked_fill(~real, 0).sum(1) / real.sum(1).clamp(min=1)


def _positions(tensor: torch.Tensor) -> tuple[int, ...]:
    """The axes of positions. Channels stand first, unless two equal sides come before a different third: `[item, 7, 7, 768]`."""
    if tensor.ndim == 4 and tensor.shape[1] == tensor.shape[2] != tensor.shape[3]:
        return (1, 2)
    return tuple(range(2, tensor.ndim))
