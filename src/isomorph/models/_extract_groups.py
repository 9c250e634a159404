"""Features of many layers, some layers at a time, for loops of one's own."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from isomorph.engine import Progress
from isomorph.errors import InputError, UnknownNameError
from isomorph.features import Features
from isomorph.models._extract import check_match, extraction_of
from isomorph.models._extract_groups_memory import group_limit
from isomorph.models._extract_groups_plan import GroupPlan, Order, in_preorder, packed
from isomorph.models._layers import LayerChoice
from isomorph.models._plan import ExtractionPlan
from isomorph.models._plan_request import Request
from isomorph.models._reduce import Pool
from isomorph.store import Store

if TYPE_CHECKING:
    from isomorph.models._model import Model
    from isomorph.models._plan_dry_run import DryRun
    from isomorph.stimuli import Stimuli

_FOR_A_PASS = 2 * 10**9
"""Bytes for the activations of a batch and the pictures prepared ahead, beside the features that are kept."""
_SLACK = 1.2


def extract_groups(
    model: Model,
    stimuli: Stimuli,
    *,
    layers: LayerChoice = "all",
    memory_limit: str | int = "12MiB",
    keep_duplicates: bool = False,
    order: Order = "pre",
    pool: Pool = "flatten",
    batch_size: int | None = None,
    store: Store | Path | str | None = None,
    progress: Progress | None = None,
) -> LayerGroups:
    """Show the stimuli to the model once for each group of layers whose features fit the memory limit together.

    For loops of one's own that need all features of a layer at once. (What needs only Gram matrices or sketches is one pass of
    `extract`, whatever the memory.) Nothing runs but two short passes that find every output, its shape and its duplicates, until a
    group is asked for; then only its layers are read, and the pass ends after the last of them.

    Args:
        model: From `load_model` or `wrap_model`.
        stimuli: Pictures or texts, as the model reads them.
        layers: As in `extract`.
        memory_limit: What the float32 features of a group may need for all stimuli: `"12MiB"`, bytes, `"auto"` for three quarters of
            the memory that is free now, `"auto:0.5"` for another share. A single layer that needs more is a group of its own. The
            activations of a batch come on top.
        keep_duplicates: Also extract the outputs that equal an earlier one.
        order: How layers follow one another: `"pre"` puts a container before what is inside it, `"run"` after.
        pool: As in `extract`.
        batch_size: Stimuli in one forward pass; None lets the plan choose.
        store: Where groups are kept and mapped from; a second loop reads them back without running the model.
        progress: Shows how far each pass is.

    Returns:
        The groups: iterate over them, as often as you like, take one by its position, print them to see the plan.

    Raises:
        InputError: A layer is unknown or cannot be extracted, or an option is out of range.

    Example:
        >>> import numpy as np
        >>> from isomorph.models import load_model
        >>> from isomorph.stimuli import Stimuli
        >>> noise = np.random.default_rng(0).integers(0, 255, (4, 64, 64, 3), dtype=np.uint8)
        >>> groups = extract_groups(load_model("bundled/pixels"), Stimuli.from_arrays(noise))
        >>> for group in groups:
        ...     for name, features in group.items():
        ...         print(name, features.values.shape)
        pixels (4, 150528)
    """
    from isomorph.models._plan_dry_run import dry_run
    from isomorph.models._plan_make import planned_layers

    if order not in get_args(Order):
        raise UnknownNameError("order", str(order), get_args(Order))
    limit = group_limit(memory_limit)
    request = Request.checked(
        layers=layers,
        memory_limit=_FOR_A_PASS,
        pool=pool,
        reduce="features",
        sketch_width=None,
        batch_size=batch_size,
        precision="float32",
        seed=0,
        keep_duplicates=keep_duplicates,
    )
    check_match(model, stimuli)
    seen = dry_run(model, stimuli, pool=pool, precision="float32")
    chosen = planned_layers(model, seen, request)
    if order == "pre":
        place = in_preorder([*seen.outputs])
        chosen = tuple(sorted(chosen, key=lambda layer: place[layer.name]))
    plan = GroupPlan(
        subject=model.card.name,
        stimuli=len(stimuli),
        groups=packed(chosen, n=len(stimuli), limit=limit),
        order=order,
        memory_limit=limit,
        widths={name: output.width for name, output in seen.outputs.items() if not output.reason},
        duplicates=seen.duplicates(),
        kept_duplicates=keep_duplicates,
    )
    return LayerGroups(model, stimuli, plan, request, seen, store=store, progress=progress)


class LayerGroups:
    """What `extract_groups` returns: groups of layers, each extracted when it is asked for and not held here.

    Attributes:
        plan: Which layers are in which group, and what they need.
    """

    def __init__(
        self,
        model: Model,
        stimuli: Stimuli,
        plan: GroupPlan,
        request: Request,
        seen: DryRun,
        *,
        store: Store | Path | str | None,
        progress: Progress | None,
    ) -> None:
        self.plan = plan
        self._model, self._stimuli, self._request, self._seen = model, stimuli, request, seen
        self._options: dict[str, Any] = {"store": store, "progress": progress}

    def __len__(self) -> int:
        return len(self.plan.groups)

    def __iter__(self) -> Iterator[dict[str, Features]]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> dict[str, Features]:
        """Extract one group: its layers by name, in the order of the plan.

        Raises:
            InputError: There is no such group.
            NonFiniteError: A layer holds NaN or infinity; the message names it and the first stimulus.
        """
        index = operator.index(index)
        if not -len(self) <= index < len(self):
            raise InputError(f"{self.plan.subject} has {len(self)} groups of layers; there is none at position {index}.")
        group = self.plan.groups[index]
        limit = _FOR_A_PASS + int(_SLACK * self.plan.bytes[index])
        request = dataclasses.replace(self._request, layers=tuple(layer.name for layer in group), memory_limit=limit)

        def plan() -> ExtractionPlan:
            from isomorph.models._plan_make import make_plan

            has_store, part_of_all = self._options["store"] is not None, "all" in self._request.layers
            return make_plan(self._model, self._stimuli, request, has_store=has_store, seen=self._seen, part_of_all=part_of_all)

        done = extraction_of(self._model, self._stimuli, request, plan, **self._options)
        return {layer.name: done[layer.name] for layer in group}

    def __str__(self) -> str:
        return str(self.plan)

    def __repr__(self) -> str:
        return f"LayerGroups({self.plan.subject!r}, {len(self)} groups of {sum(map(len, self.plan.groups))} layers)"
