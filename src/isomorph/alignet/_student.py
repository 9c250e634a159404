"""A network that learns from triplets: its own body, and a linear head."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import torch

from isomorph.errors import InputError
from isomorph.models import penultimate
from isomorph.models._hooks import ROOT, Tap
from isomorph.models._plan_dry_run import prefix_tokens
from isomorph.models._reduce import pooled

if TYPE_CHECKING:
    from isomorph.models import Model
    from isomorph.stimuli import Stimuli


class Student(torch.nn.Module):
    """Returns `pre_logits` `[picture, feature]`, `triplet_logits` `[picture, dimension]` and, where it has that readout, `i1k_logits`.

    Attributes:
        network: A copy of the model's module, free to learn.
        layer: The layer of `network` that is read.
        pool: How its tokens or maps become one row.
        triplet_head: Linear, with a bias; its weights begin at random (truncated normal, variance 1 over the number of features), so that
            dot products are nearly kept.
        readout: What makes class scores of `pre_logits`, if anything.
        built: How the network is built anew, where no model's name says so.
    """

    def __init__(self, network: torch.nn.Module, layer: str, pool: Any, *, width: int, dimensions: int, seed: int = 0) -> None:
        super().__init__()
        self.network = network
        self.layer = layer
        self.pool = pool
        self.triplet_head = torch.nn.Linear(width, dimensions)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            # 0.8796 is the deviation of a standard normal that is cut off at two.
            torch.nn.init.trunc_normal_(self.triplet_head.weight, std=(std := 1 / math.sqrt(width) / 0.8796), a=-2 * std, b=2 * std)
            torch.nn.init.zeros_(self.triplet_head.bias)
        self.readout: torch.nn.Module | None = None
        self.built: dict[str, Any] = {}

    @classmethod
    def of(
        cls, model: Model, stimuli: Stimuli, *, layer: str | None = None, pool: Any = None, dimensions: int = 1024, seed: int = 0
    ) -> Student:
        """A student that begins as a copy of a model.

        Args:
            model: What it begins as; it stays as it is.
            stimuli: Any pictures: the model is shown one or two to see what its layers return.
            layer: What `pre_logits` are; None: what the model's card names, else what feeds the classifier.
            pool: How that becomes one row; None: what the card names, else `"flatten"`.
            dimensions: Of the head.
            seed: Of the head's weights.

        Raises:
            InputError: The model has no such layer, or its network cannot be copied.
        """
        chosen = layer or model.card.layer or penultimate(model, stimuli, pool or "flatten")
        how = pool or (model.card.pool if chosen == model.card.layer else "") or "flatten"
        try:
            network = copy.deepcopy(model.module).requires_grad_(True)
        except (TypeError, RuntimeError) as error:
            raise InputError(
                f"{model.name} cannot be a student: its network cannot be copied ({error}). Networks of torch can, those of other programs "
                "(Keras, ONNX, TensorFlow) cannot."
            ) from error
        student = cls(network, chosen, how, width=1, dimensions=1, seed=seed).to(model.device)
        with torch.no_grad():
            batch = model.prepare([stimuli[0]]).to(model.device)
            width = student.pre_logits(batch).shape[1]
        return cls(network, chosen, how, width=width, dimensions=dimensions, seed=seed).to(model.device)

    def pre_logits(self, pictures: torch.Tensor) -> torch.Tensor:
        """What the layer holds, one row a picture; the rest of the network does not run."""
        found: list[torch.Tensor] = []

        def read(_: str, tensor: torch.Tensor) -> None:
            found.append(tensor)

        tap = Tap(self.network, read, only=[self.layer])
        with tap.listening():
            tap.run(lambda: self.network(pictures))
        if not found:
            known = [name or ROOT for name, _ in self.network.named_modules()]
            raise InputError(f"the student's network never came by a layer {self.layer!r}; it has {known[-1]!r}, {known[1]!r} and others.")
        return self.rows(found[0], pictures)

    def rows(self, held: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
        """What the layer returned of these pictures, one row each."""
        return pooled(held, self.pool, items=pictures.shape[0], prefix_tokens=prefix_tokens(self.network))

    def forward(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        """All outputs of a prepared batch."""
        return self.outputs(self.pre_logits(pictures))

    def outputs(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        """All outputs of given `pre_logits`."""
        outputs = {"pre_logits": rows, "triplet_logits": self.triplet_head(rows)}
        if self.readout is not None:
            outputs["i1k_logits"] = self.readout(rows)
        return outputs

    def with_readout(self, readout: torch.nn.Module) -> Student:
        """A copy that also returns `i1k_logits`, what `readout` makes of `pre_logits`."""
        student = copy.deepcopy(self)
        student.readout = copy.deepcopy(readout).to(self.triplet_head.weight.device).train(self.training)
        return student

    def train(self, mode: bool = True) -> Student:
        """Training mode, but for batch normalisation: its statistics stay those of the many pictures it was trained on."""
        super().train(mode)
        for each in self.modules():
            if isinstance(each, torch.nn.modules.batchnorm._BatchNorm):
                each.eval()
        return self
