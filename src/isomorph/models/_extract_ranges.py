"""One extraction by several processes: each shows the model some of the stimuli, or gathers some of the layers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Unpack, get_args

from isomorph.engine import Part, Progress
from isomorph.errors import InputError, UnknownNameError
from isomorph.models._extract import RequestOptions, check_match, with_summary
from isomorph.models._plan_request import Request
from isomorph.spec import fingerprint

if TYPE_CHECKING:
    from isomorph.models._model import Model
    from isomorph.models._named_model import NamedModel
    from isomorph.models._plan import ExtractionPlan
    from isomorph.stimuli import Stimuli
    from isomorph.store import Store

Of = Literal["rows", "layers"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ExtractionRange:
    """A share of an extraction as a unit of work: it puts shards of the extraction's own object and commits a receipt that names them.

    The share is a range of batches whose rows wait in the object (`of="rows"`), or some of the layers, made from the rows of all batches
    (`of="layers"`), which are computed here as far as they are not there. `extract` with the same options then finds all that and makes
    the very bytes that it makes alone: the batches are the same, and so is the order in which products are added up.
    """

    model: Model | NamedModel
    stimuli: Stimuli
    request: Request
    part: Part
    of: Of = "rows"
    progress: Progress | None = None

    @property
    def label(self) -> str:
        """What progress shows."""
        return f"{self.of} {self.part} of {self.model.name} on {len(self.stimuli):,} {self.stimuli.modality}s"

    @cached_property
    def spec(self) -> dict[str, Any]:
        """What decides the receipt."""
        return {
            "kind": "extraction range",
            "extraction": fingerprint(self._extraction),
            "memory_limit": self.request.memory_limit,  # the size of the batches may follow from it
            "of": self.of,
            "part": str(self.part),
        }

    @cached_property
    def fingerprint(self) -> str:
        """The name of the receipt."""
        return fingerprint(self.spec)

    def run(self, store: Store) -> None:
        """Put the shards, unless the extraction is finished, and commit the receipt."""
        from isomorph.models._named_model import loaded
        from isomorph.models._plan_make import make_plan

        model = loaded(self.model)
        plan = make_plan(model, self.stimuli, self.request, has_store=True)
        name = self.spec["extraction"]
        shards = self._rows_of(plan) if self.of == "rows" else self._layers_of(plan)
        if shards and name not in store:
            self._put(store, model, plan, shards)
        with store.begin(self.fingerprint, self.spec | {"summary": self.label}) as writer:
            writer.commit({"object": name, "shards": list(shards), "batch_size": plan.batch_size, "mode": plan.mode})

    @cached_property
    def _extraction(self) -> dict[str, Any]:
        return self.request.spec(model=self.model, stimuli=self.stimuli)

    def _put(self, store: Store, model: Model, plan: ExtractionPlan, shards: dict[str, Any]) -> None:
        from isomorph.models._extract_run import Run
        from isomorph.models._spill import row_shards

        run = Run(model, self.stimuli, plan, self.progress or Progress(quiet=True), self.request.seed)
        rows = row_shards(plan.stimuli, plan.batch_size)
        only = {*shards} if self.of == "rows" else {*shards, *rows}
        with store.begin(self.spec["extraction"], with_summary(self._extraction, plan, self.stimuli), only=only) as run.writer:
            if self.of == "rows":
                batches = [*shards.values()]
                run.spill(range(batches[0], batches[-1] + 1))
            else:
                run.spill(range(len(rows)))
                run.execute(shards.values())

    def _rows_of(self, plan: ExtractionPlan) -> dict[str, int]:
        """The shards of this range of rows, and the batch of each. What is one batch has no ranges."""
        from isomorph.models._spill import row_shards

        if plan.mode == "one batch":
            return {}
        every = row_shards(plan.stimuli, plan.batch_size)
        first, last = (len(every) * edge // self.part.total for edge in (self.part.number - 1, self.part.number))
        return {every[batch]: batch for batch in range(first, last)}

    def _layers_of(self, plan: ExtractionPlan) -> dict[str, str]:
        """The shards of these layers, and the layer of each."""
        from isomorph.models._extract_run import layer_shards

        return {} if plan.mode == "one batch" else {shard: source for source, shard in self.part.of([*layer_shards(plan).items()])}


def extraction_ranges(
    model: Model | NamedModel,
    stimuli: Stimuli,
    *,
    ranges: int,
    of: Of = "rows",
    progress: Progress | None = None,
    **options: Unpack[RequestOptions],
) -> list[ExtractionRange]:
    """One extraction as units of work for several processes or machines that see one store.

    First all ranges of rows, in any order and anywhere, then (if the layers are many and wide) all ranges of layers, then `extract` with
    the same options and the same store, which finds what they left and reads the model no more. What is lost meanwhile is computed again,
    there or by the next unit that needs it, and no more than that. The object is the one that `extract` makes alone, byte for byte.

    Args:
        model: As in `extract`.
        stimuli: As in `extract`.
        ranges: Among how many units the batches or the layers are shared out. Of a plan with fewer batches some units are empty; where all
            stimuli fit into one batch, all are, for the last digits of a batch depend on what else is in it. Give a `batch_size` then.
        of: `"rows"`: ranges of stimuli; `"layers"`: the second step.
        progress: Shows how far each unit is.
        options: Those of `extract`.

    Raises:
        InputError: An option is unknown or out of range, or the model cannot read these stimuli.

    Example:
        >>> import numpy as np, tempfile
        >>> from isomorph.engine import run_plan
        >>> from isomorph.models import extract, load_model
        >>> from isomorph.stimuli import Stimuli
        >>> from isomorph.store import Store
        >>> noise = Stimuli.from_arrays(np.random.default_rng(0).integers(0, 255, (8, 32, 32, 3), dtype=np.uint8))
        >>> model, store = load_model("bundled/pixels"), Store(tempfile.mkdtemp())
        >>> units = extraction_ranges(model, noise, ranges=2, batch_size=2)
        >>> print(len(run_plan(units, store=store).ran), len(extract(model, noise, batch_size=2, store=store)["pixels"]))
        2 8
    """
    if of not in get_args(Of):
        raise UnknownNameError("share of an extraction", str(of), get_args(Of))
    if isinstance(ranges, bool) or not isinstance(ranges, int) or ranges < 1:
        raise InputError(f"ranges must be a whole number of at least 1; got {ranges!r}.")
    check_match(model, stimuli)
    request = Request.checked(**options)
    return [
        ExtractionRange(model=model, stimuli=stimuli, request=request, part=Part(number, ranges), of=of, progress=progress)
        for number in range(1, ranges + 1)
    ]
