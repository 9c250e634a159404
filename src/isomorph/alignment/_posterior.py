"""How likely each choice is to an embedding that is itself uncertain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isomorph.alignment._triplet_loss import pair_similarities
from isomorph.arrays import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class ChoicePosterior:
    r"""Of each trial, how likely people are to keep each pair.

    Attributes:
        probabilities: `[trial, 3]`: of the pairs 01, 02, 12, averaged over draws of the embedding; rows sum to 1. The probability that
            item 0, 1 or 2 is the odd one is the same row read backwards.
        entropy: `[trial]`, nats: of `probabilities`; ln 3 = 1.0986 where every choice is as likely as any other.
        expected_entropy: `[trial]`, nats: the mean entropy of single draws. What `entropy` has above it is doubt about the embedding
            (more trials would remove it); the rest is doubt of the people.
        draws: How many draws were averaged; 1 for an embedding without spread.
    """

    probabilities: FloatArray
    entropy: FloatArray
    expected_entropy: FloatArray
    draws: int

    def __len__(self) -> int:
        return len(self.probabilities)


def choice_logarithms(weights: FloatArray, items: IntArray) -> FloatArray:
    """The log-probabilities `[pair, trial]` of the pairs 01, 02, 12: a softmax over their dot products; finite for any weights."""
    logits = pair_similarities(weights, items)
    logits -= logits.max(axis=0)
    logits -= np.log(np.exp(logits).sum(axis=0))
    return logits


def choice_surprise(weights: FloatArray, items: IntArray, soft: FloatArray | None) -> float:
    """The mean of minus the log-probability of what people chose, in nats; ln 3 is chance."""
    logs = choice_logarithms(weights, items)
    return -float((logs[0] if soft is None else (logs * soft.T).sum(axis=0)).mean(dtype=np.float64))


def choice_posterior(mean: FloatArray, scale: FloatArray | None, items: IntArray, *, draws: int, seed: int) -> ChoicePosterior:
    r"""Average the choice probabilities over draws of the rectified Gaussian embedding.

    $$\hat p_t = \frac1S \sum_s \mathrm{softmax}(z_0 z_1, z_0 z_2, z_1 z_2), \qquad z = \max(0, \mu + \sigma \epsilon_s)$$

    Args:
        mean: μ, `[object, dimension]`.
        scale: σ, of the same shape; None: no spread, one draw.
        items: `[trial, 3]`, rows of `mean`.
        draws: S.
        seed: Of ε.
    """
    rng = np.random.default_rng(seed)
    draws = 1 if scale is None else draws
    probabilities, expected = np.zeros((3, len(items))), np.zeros(len(items))
    for _ in range(draws):
        sample = mean if scale is None else mean + scale * rng.standard_normal(mean.shape)
        logs = choice_logarithms(np.maximum(sample, 0), items)
        each = np.exp(logs)
        probabilities += each
        expected -= (each * logs).sum(axis=0)
    probabilities /= draws
    logs = np.log(probabilities, out=np.zeros_like(probabilities), where=probabilities > 0)
    return ChoicePosterior(np.ascontiguousarray(probabilities.T), -(probabilities * logs).sum(axis=0), expected / draws, draws)
