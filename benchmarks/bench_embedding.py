"""SPoSE and VICE: triplets a second at batch 256 against plain torch loops that leave the gradient to autograd.

1,854 objects × 100 dimensions, float32, one thread. `gathered` indexes rows of an embedding; `one-hot` multiplies one-hot triplets with it,
as the published training does. Both draw fresh noise for every weight in every step and use torch's default Adam. All three are timed in
turns on the same batches, and the best of five turns counts. CPU seconds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from isomorph.alignment import VICE, SPoSE
from isomorph.alignment._odd_one_out_embedding_training import Choices, Schedule, Training

OBJECTS, BATCH, PENALTY, SPIKE, SLAB = 1854, 256, 0.008, 0.25, 1.0


class Autograd:
    """A plain loop: forward in tensors, `backward`, Adam."""

    def __init__(self, items: Tensor, dimensions: int, *, variational: bool, one_hot: bool) -> None:
        self.items, self.variational, self.one_hot = items, variational, one_hot
        deviation = (2 / dimensions) ** 0.5
        self.mean = torch.nn.Parameter(torch.randn(OBJECTS, dimensions) * deviation)
        self.log_scale = torch.nn.Parameter(torch.full((OBJECTS, dimensions), -1 / deviation))
        self.adam = torch.optim.Adam([self.mean, self.log_scale] if variational else [self.mean], lr=1e-3)

    def loss(self, items: Tensor) -> Tensor:
        if self.variational:
            scale = self.log_scale.exp()
            z = self.mean + scale * torch.randn_like(scale)
            spike, slab = torch.distributions.Normal(0.0, SPIKE), torch.distributions.Normal(0.0, SLAB)
            prior = torch.logaddexp(spike.log_prob(z), slab.log_prob(z)) + np.log(0.5)
            complexity = (torch.distributions.Normal(self.mean, scale).log_prob(z) - prior).sum() / len(self.items)
        else:
            z, complexity = self.mean, PENALTY / OBJECTS * self.mean.abs().sum()
        x = torch.relu(z)
        one_hot = torch.nn.functional.one_hot(items, OBJECTS).float() if self.one_hot else None
        one, two, odd = (x[items] if one_hot is None else one_hot @ x).unbind(1)
        logits = torch.stack([(one * two).sum(1), (one * odd).sum(1), (two * odd).sum(1)], 1)
        return torch.nn.functional.cross_entropy(logits, torch.zeros(len(items), dtype=torch.long)) + complexity

    def epoch(self) -> None:
        for batch in torch.randperm(len(self.items)).split(BATCH):
            self.adam.zero_grad()
            self.loss(self.items[batch]).backward()
            self.adam.step()


def ours(items: np.ndarray, dimensions: int, *, variational: bool, runs: int) -> Callable[[], object]:
    method = VICE(dimensions=dimensions) if variational else SPoSE(dimensions=dimensions, penalty=PENALTY)
    generators = [torch.Generator().manual_seed(seed) for seed in range(runs)]
    program = method._program(generators, OBJECTS, len(items))
    nothing = Choices(items[:0], None)
    training = Training(program, generators, Choices(items, None), nothing, Schedule(BATCH, 1, 0, 1, 0.0, 1e-3))

    def epoch() -> None:
        with torch.no_grad():
            training._epoch()

    return epoch


def seconds(action: Callable[[], object]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=51_200)
    parser.add_argument("--dimensions", type=int, default=100)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    first, second, third = (rng.integers(*ends, size=options.trials) for ends in ((0, OBJECTS), (1, 927), (927, OBJECTS)))
    items = np.stack([first, first + second, first + third], axis=1) % OBJECTS
    tensor = torch.from_numpy(items)
    few = tensor[: 20 * BATCH]
    for name, variational in (("SPoSE", False), ("VICE", True)):
        ways = {
            "isomorph, one run": (ours(items, options.dimensions, variational=variational, runs=1), len(items)),
            "isomorph, four runs": (ours(items, options.dimensions, variational=variational, runs=4), 4 * len(items)),
            "autograd, gathered": (Autograd(tensor, options.dimensions, variational=variational, one_hot=False).epoch, len(items)),
            "autograd, one-hot": (Autograd(few, options.dimensions, variational=variational, one_hot=True).epoch, len(few)),
        }
        best = dict.fromkeys(ways, 0.0)
        for _ in range(5):
            for way, (action, trials) in ways.items():
                best[way] = max(best[way], trials / seconds(action))
        print(f"{name}, {OBJECTS} × {options.dimensions}, batch {BATCH}")
        for way, rate in best.items():
            print(f"  {way:20} {rate:10,.0f} triplets a CPU second   {best['isomorph, one run'] / rate:5.1f} ×")


if __name__ == "__main__":
    main()
