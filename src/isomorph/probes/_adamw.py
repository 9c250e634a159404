"""Many linear classifiers at once, trained by AdamW as one tensor program."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import DeviceError, InputError
from isomorph.probes._search import Outcome, Setting

_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8  # torch.optim.AdamW's own
_ROWS = 8192


@dataclass
class _Weights:
    """One parameter of all fits `[seed, fit, …]` with its gradient and AdamW's two moments."""

    values: torch.Tensor
    gradient: torch.Tensor
    mean: torch.Tensor
    square: torch.Tensor

    @classmethod
    def begin(cls, values: torch.Tensor) -> _Weights:
        return cls(values, torch.empty_like(values), torch.zeros_like(values), torch.zeros_like(values))

    def step(self, count: int, rates: torch.Tensor, decays: torch.Tensor) -> None:
        """Step number `count` (from 1) of AdamW; spends the gradient."""
        shape = (*rates.shape, *[1] * (self.values.ndim - 2))
        self.values.mul_((1 - rates * decays).view(shape))
        self.mean.lerp_(self.gradient, 1 - _BETA1)
        self.square.mul_(_BETA2).addcmul_(self.gradient, self.gradient, value=1 - _BETA2)
        torch.sqrt(self.square, out=self.gradient).div_(math.sqrt(1 - _BETA2**count)).add_(_EPSILON)
        torch.div(self.mean, self.gradient, out=self.gradient).mul_((rates / (1 - _BETA1**count)).view(shape))
        self.values.sub_(self.gradient)


class AdamWProbes:
    """Linear classifiers over the same features, for several seeds and settings at once.

    The fits of one seed share their initial weights and the order of their batches, as separate runs that begin with that seed would.

    Args:
        x: `[stimulus, feature]`.
        y: The class of each row.
        classes: How many classes there are.
        epochs: Passes over the rows.
        batch_size: Rows a step; the last of an epoch may have fewer.
        memory_bytes: Fits are taken in as many parts as their weights, moments and logits need.
        device: Where to compute.
    """

    def __init__(
        self, x: FloatArray, y: IntArray, classes: int, *, epochs: int, batch_size: int, memory_bytes: int, device: str = "cpu"
    ) -> None:
        self._device = _find_device(device)
        self._x, self._y, self._classes = self._features(x), torch.from_numpy(y).to(self._device), classes
        self._epochs, self._batch = epochs, batch_size
        each = 4 * (4 * classes * (x.shape[1] + 1) + 2 * max(min(batch_size, len(x)), _ROWS) * classes)
        self._at_once = max(1, memory_bytes // each)

    def _features(self, x: FloatArray) -> torch.Tensor:
        return torch.from_numpy(np.require(x, dtype=np.float32, requirements=["C", "W"])).to(self._device)

    def outcomes(self, rows: IntArray, held: IntArray, seeds: Sequence[int], settings: list[list[Setting]]) -> list[list[Outcome]]:
        """Train on `rows` `[seed, …]`, and give accuracy and loss on `held` `[seed, …]`, for every setting of every seed."""
        width = max(map(len, settings))
        even = [[*of, *[of[0]] * (width - len(of))] for of in settings]  # the seeds' shares may differ by a few
        results: list[list[Outcome]] = [[] for _ in seeds]
        part = max(1, self._at_once // len(seeds))
        for start in range(0, width, part):
            weights, bias = self.train(rows, seeds, [of[start : start + part] for of in even])
            for at in range(len(seeds)):
                results[at] += self._outcomes(weights[at], bias[at], torch.from_numpy(held[at]).to(self._device))
        return [of[: len(asked)] for of, asked in zip(results, settings, strict=True)]

    def train(self, rows: IntArray, seeds: Sequence[int], settings: list[list[Setting]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights `[seed, fit, class, feature]` and biases `[seed, fit, class]` after the last step."""
        generators = [torch.Generator().manual_seed(each) for each in seeds]
        weights, bias = (_Weights.begin(each) for each in self._initial(generators, len(settings[0])))
        chosen = torch.tensor(settings, dtype=torch.float32, device=self._device)
        rates, decays = chosen[..., 0], chosen[..., 1]
        table, count = torch.from_numpy(rows).to(self._device), rows.shape[1]
        steps, done = self._epochs * math.ceil(count / self._batch), 0
        for _ in range(self._epochs):
            order = torch.stack([torch.randperm(count, generator=each) for each in generators]).to(self._device)
            shuffled = table.gather(1, order)
            for start in range(0, count, self._batch):
                self._gradients(weights, bias, shuffled[:, start : start + self._batch])
                now = rates * (0.5 * (1 + math.cos(math.pi * done / steps)))
                done += 1
                for each in (weights, bias):
                    each.step(done, now, decays)
        return weights.values, bias.values

    def _initial(self, generators: list[torch.Generator], fits: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Uniform within ±1/√features, as `torch.nn.Linear` begins."""
        width = self._x.shape[1]
        bound, drawn = 1 / math.sqrt(width), []
        for each in generators:
            drawn.append((torch.rand(self._classes, width + 1, generator=each) * 2 - 1) * bound)
        start = torch.stack(drawn).to(self._device)[:, None].expand(-1, fits, -1, -1)
        return start[..., :-1].clone(memory_format=torch.contiguous_format), start[..., -1].clone(memory_format=torch.contiguous_format)

    def _gradients(self, weights: _Weights, bias: _Weights, rows: torch.Tensor) -> None:
        """Of the mean cross-entropy over `rows` `[seed, row]`, in one product forward and one backward a seed."""
        seeds, fits, classes, width = weights.values.shape
        batch = rows.shape[1]
        x = self._x[rows]
        logits = torch.baddbmm(bias.values.view(seeds, 1, -1), x, weights.values.view(seeds, -1, width).transpose(1, 2))
        errors = torch.softmax(logits.view(seeds, batch, fits, classes), dim=-1)
        true = self._y[rows].view(seeds, batch, 1, 1).expand(-1, -1, fits, -1)
        errors.scatter_add_(3, true, torch.full((1, 1, 1, 1), -1.0, device=self._device).expand(true.shape))
        errors = errors.view(seeds, batch, -1)
        gradient = weights.gradient.view(seeds, -1, width)
        torch.baddbmm(gradient, errors.transpose(1, 2), x, beta=0, alpha=1 / batch, out=gradient)
        torch.sum(errors, dim=1, out=bias.gradient.view(seeds, -1)).div_(batch)

    def _outcomes(self, weights: torch.Tensor, bias: torch.Tensor, rows: torch.Tensor) -> list[Outcome]:
        fits = len(weights)
        hits, loss = torch.zeros(fits, dtype=torch.float64), torch.zeros(fits, dtype=torch.float64)  # not every device has float64
        for part in torch.split(rows, _ROWS):
            logits = torch.addmm(bias.reshape(-1), self._x[part], weights.reshape(-1, weights.shape[-1]).T).view(len(part), fits, -1)
            true = self._y[part]
            hits += (logits.argmax(dim=-1) == true[:, None]).sum(dim=0).cpu()
            own = logits.gather(2, true[:, None, None].expand(-1, fits, 1))[..., 0]
            loss += (torch.logsumexp(logits, dim=-1) - own).cpu().sum(dim=0, dtype=torch.float64)
        return [(float(a), float(b)) for a, b in zip(hits / len(rows), loss / len(rows), strict=True)]

    def probabilities(self, weights: torch.Tensor, bias: torch.Tensor, x: FloatArray) -> FloatArray:
        """Of each class, `[stimulus, class]`, for one fit."""
        parts = [
            torch.softmax(torch.addmm(bias, self._features(x[at : at + _ROWS]), weights.T).cpu().double(), dim=-1)
            for at in range(0, len(x), _ROWS)
        ]
        result: FloatArray = torch.cat(parts).numpy()
        return result


def _find_device(name: str) -> torch.device:
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        if "Expected one of" in str(error) or "Invalid device string" in str(error):
            raise InputError(f"{name!r} is not a device's name; examples are 'cpu', 'cuda:0' and 'mps'.") from error
        raise DeviceError(f"this machine has no device {name!r}; 'cpu' is always there.") from error
