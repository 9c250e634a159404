"""What a unit needs of its worker that shows stimuli to a model: by the model's card, and after a dry run by its plan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph import spec
from isomorph._version import __version__
from isomorph.engine import Needs, parse_bytes
from isomorph.errors import IsomorphError
from isomorph.models._model import Model
from isomorph.store._atomic import make_folder, write_bytes

if TYPE_CHECKING:
    from isomorph.models._named_model import NamedModel
    from isomorph.stimuli import Stimuli

LIBRARIES_BYTES = 3 << 30
"""Enough for a process with its libraries, those of a GPU included."""
_LEAST_BYTES = 300_000_000
"""What a process has with Torch and ours alone, rounded down."""
_LEAST_SHARE = 0.7
"""Of what a plan allows for, which is generous: MobileNet in one batch of 64 took 0.8 GB of 1.02."""
_CONTEXT_BYTES = 700_000_000
"""What a GPU's driver and kernels keep on it."""
_ALLOCATOR_SHARE = 1.15
_PARAMETER_BYTES = 4


@dataclass(frozen=True, kw_only=True)
class PlanFacts:
    """What is remembered of a dry run.

    Attributes:
        weights: Bytes of the network's tensors.
        peak: What the extraction needs beside them.
        forward: What of that a forward pass of one batch holds on the device.
    """

    weights: int
    peak: int
    forward: int


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelNeeds:
    """Called, it gives the `Needs` of a pass of one model over stimuli, and neither loads the model nor looks at a stimulus.

    Dry runs are remembered by the store of a `NamedModel`, and of a `Model`, which is there already, not at all.

    Weights are there twice while they are loaded, as a file and as a network. Beside them stand libraries, and what an extraction needs:
    what the plan said, where a dry run was made and the store remembers it, else all of `memory_limit`, which the plan keeps to. On a GPU
    there are the weights and the forward pass of a batch. Before a dry run only the weights are certain, so that nobody is refused for the
    rest.

    Attributes:
        model: Whose pass it is.
        stimuli: What it is shown; None where only the card tells.
        options: Those of `extract`; others are of no account.
        near: See `Needs.near`.
    """

    model: Model | NamedModel
    stimuli: Stimuli | None
    options: Mapping[str, Any] = field(default_factory=dict)
    near: str = ""

    def __call__(self) -> Needs:
        """By what is remembered, else by the card."""
        try:
            facts = self._recalled()
            weights = facts.weights if facts else self._weights_by_card()
        except (IsomorphError, OSError):  # the unit itself says what is wrong
            facts = weights = None
        if weights is None:
            return Needs(gpu=self._gpu, near=self.near)
        limit = parse_bytes(self.options.get("memory_limit", "2GB"))
        forward = int(_ALLOCATOR_SHARE * facts.forward) if facts else 0
        return Needs(
            memory=LIBRARIES_BYTES + 2 * weights + (facts.peak if facts else limit),
            least=_LEAST_BYTES + weights + int(_LEAST_SHARE * facts.peak if facts else 0),
            gpu=self._gpu,
            gpu_memory=_CONTEXT_BYTES + weights + (forward if facts else limit) if self._gpu else None,
            gpu_least=weights + int(_LEAST_SHARE * facts.forward if facts else 0) if self._gpu else None,
            near=self.near,
        )

    def look(self) -> Needs:
        """The same after a dry run, which takes seconds and is remembered.

        Raises:
            IsomorphError: The model cannot be loaded, or its layers cannot be extracted so.
        """
        path = self._path()
        if path and self.stimuli is not None and not isinstance(self.model, Model) and self._recalled() is None:
            from isomorph.models._extract import extract

            model = self.model.load()
            plan = extract(model, self.stimuli, store=self.model.store, dry_run=True, **self._options)
            tensors = (*model.module.parameters(), *model.module.buffers())
            weights = sum(each.numel() * each.element_size() for each in tensors)
            facts = PlanFacts(weights=weights, peak=plan.peak_bytes, forward=plan.batch_size * plan.activation_bytes)
            with suppress(OSError, IsomorphError):  # it is but a convenience
                make_folder(path.parent)
                write_bytes(path, json.dumps(spec.to_plain(facts)).encode(), durable=False)
        return self()

    @property
    def _gpu(self) -> bool:
        device = self.model.device
        return (device if isinstance(device, str) else device.type) != "cpu"

    @property
    def _options(self) -> dict[str, Any]:
        from isomorph.models._plan_request import Request

        return {name: each for name, each in self.options.items() if name in Request.__dataclass_fields__ and each is not None}

    def _weights_by_card(self) -> int | None:
        card = self.model.card if isinstance(self.model, Model) else self.model.known
        return None if card.parameters is None else _PARAMETER_BYTES * card.parameters

    def _recalled(self) -> PlanFacts | None:
        path = self._path()
        try:
            return spec.from_plain(PlanFacts, json.loads(path.read_text(encoding="utf-8"))) if path else None
        except (OSError, ValueError):  # InputError is a ValueError
            return None

    def _path(self) -> Path | None:
        """Named by what decides sizes: not the weights, whose digest costs loading them."""
        if self.stimuli is None or isinstance(self.model, Model):
            return None
        card = self.model.known
        # Pictures are brought to one size, so that all sets of them need the same; the longest text decides.
        shown = "pictures" if card.modality == "image" and "height_pixels" in card.recipe else self.stimuli.digest
        asked = [
            __version__,
            self.model.asked,
            spec.to_plain(card.recipe),
            shown,
            len(self.stimuli),
            spec.to_plain(self._options),
            self._gpu,
        ]
        return self.model.store.path / "models" / f"needs-{spec.fingerprint(asked)}.json"
