"""What a trained network says of pictures: everything that the seven methods read."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.errors import InputError
from isomorph.visalign._examples import Columns, PictureExamples, RowExamples
from isomorph.visalign._kept import Arrays, kept

if TYPE_CHECKING:
    import torch

    from isomorph.abstention import MCDropout, Odin
    from isomorph.models import Model
    from isomorph.stimuli import Stimuli
    from isomorph.visalign._study import NetworkPart


@dataclass(frozen=True, eq=False)
class PixelNetwork:
    """A network that is trained whole.

    Attributes:
        part: Which.
        classes: How many.
    """

    part: NetworkPart
    classes: int

    @cached_property
    def recipe(self) -> Any:
        """How pictures are prepared."""
        from dataclasses import replace

        from isomorph.models._visalign_models import visalign_recipe

        return replace(visalign_recipe(self.part.architecture), **self.part.recipe)

    def untrained(self) -> torch.nn.Module:
        """Its first weights."""
        from isomorph.models._visalign_models import visalign_network

        return visalign_network(self.part.architecture, self.classes)

    def examples(self, stimuli: Stimuli, columns: Columns) -> PictureExamples:
        """Pictures to learn from."""
        return PictureExamples(stimuli, columns, self.recipe)

    def model(self, module: torch.nn.Module) -> Model:
        """From pictures to logits."""
        from isomorph.models import wrap_model

        return wrap_model(module, name=f"visalign/{self.part.architecture}.trained", preprocess=self.recipe)

    def read(self, module: torch.nn.Module, stimuli: Stimuli) -> Arrays:
        """`features`, which enter the classifier, and `logits` `[item, …]`."""
        from isomorph.visalign._head import features_and_logits

        features, logits = features_and_logits(self.model(module), stimuli, self.part.training.batch_size)
        return {"features": features, "logits": logits}

    def passes(self, module: torch.nn.Module, stimuli: Stimuli, method: MCDropout) -> Any:
        """`[pass, item, class]`."""
        return method.run(self.model(module), stimuli)


@dataclass(frozen=True, eq=False)
class FrozenNetwork:
    """A network that stays as it is, with a linear classifier of one layer's features, standardised by the training pictures.

    Attributes:
        part: Which.
        classes: How many.
        training: The training pictures.
        folder: Where features are kept.
    """

    part: NetworkPart
    classes: int
    training: Stimuli
    folder: Path

    @cached_property
    def backbone(self) -> Model:
        """The network."""
        from isomorph.models import load_model

        return load_model(self.part.backbone, device=self.part.device, recipe=dict(self.part.recipe) or None)

    @cached_property
    def layer(self) -> str:
        """Whose features are read."""
        from isomorph.models import penultimate

        return self.part.layer or penultimate(self.backbone, self.training[:2], self.part.pool)

    @cached_property
    def _known(self) -> dict[str, Any]:
        return {}

    def rows(self, stimuli: Stimuli) -> Any:
        """Features as the backbone gives them; each set of pictures is shown once."""
        digest = stimuli.digest
        if digest not in self._known:
            asked = [self.part.backbone, self.part.recipe, self.part.layer, self.part.pool, digest]
            self._known[digest] = kept(self.folder / f"{digest[-24:]}.npz", asked, lambda: self._extracted(stimuli))["rows"]
        return self._known[digest]

    def _extracted(self, stimuli: Stimuli) -> Arrays:
        from isomorph.models import extract

        found = extract(self.backbone, stimuli, layers=[self.layer], pool=self.part.pool)
        return {"rows": np.asarray(found[self.layer].values, dtype=np.float32)}

    @cached_property
    def _scale(self) -> tuple[Any, Any]:
        rows = self.rows(self.training)
        return rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)

    def standardised(self, stimuli: Stimuli) -> Any:
        """What the classifier reads."""
        mean, deviation = self._scale
        return (self.rows(stimuli) - mean) / deviation

    def untrained(self) -> torch.nn.Module:
        """A classifier with its first weights."""
        from isomorph.visalign._head import Head

        return Head(self.rows(self.training).shape[1], self.classes, self.part.dropout)

    def examples(self, stimuli: Stimuli, columns: Columns) -> RowExamples:
        """Rows to learn from."""
        return RowExamples(self.standardised(stimuli), columns)

    def model(self, module: torch.nn.Module) -> Model:
        """From pictures to logits."""
        from isomorph.models import ImageRecipe, wrap_model
        from isomorph.visalign._head import WithHead

        if self.part.pool != "flatten" or not isinstance(self.backbone.recipe, ImageRecipe):
            raise InputError(f"'odin' moves pixels and cannot follow {self.part.backbone} with pool={self.part.pool!r}; leave it out.")
        whole = WithHead(self.backbone.module, self.layer, *self._scale, deepcopy(module)).to(self.backbone.device)
        return wrap_model(whole, name=f"visalign/{self.part.name}.head", preprocess=self.backbone.recipe)

    def read(self, module: torch.nn.Module, stimuli: Stimuli) -> Arrays:
        """`features` and `logits` `[item, …]`."""
        import torch

        with torch.inference_mode():
            logits = module(torch.from_numpy(self.standardised(stimuli))).numpy()
        return {"features": self.rows(stimuli), "logits": logits}

    def passes(self, module: torch.nn.Module, stimuli: Stimuli, method: MCDropout) -> Any:
        """`[pass, item, class]`; dropout comes after the backbone, whose features are read once."""
        import torch

        from isomorph.models import wrap_model

        return method.run(wrap_model(module, name="head", preprocess=torch.from_numpy), self.standardised(stimuli))


Network = PixelNetwork | FrozenNetwork


def read_all(network: Network, module: torch.nn.Module, sets: dict[str, Stimuli]) -> Arrays:
    """`<set>/features` and `<set>/logits` of each set."""
    found: Arrays = {}
    for name, stimuli in sets.items():
        found |= {f"{name}/{kind}": each for kind, each in network.read(module, stimuli).items()}
    return found


def passes_of_all(network: Network, module: torch.nn.Module, sets: dict[str, Stimuli], method: MCDropout) -> Arrays:
    """`<set>/passes` of each set."""
    return {f"{name}/passes": network.passes(module, stimuli, method) for name, stimuli in sets.items()}


def steps_of_all(network: Network, module: torch.nn.Module, sets: dict[str, Stimuli], method: Odin) -> Arrays:
    """`<set>/odin` of each set: the logits after a step on the pixels."""
    return {f"{name}/odin": method.run(network.model(module), stimuli) for name, stimuli in sets.items()}
