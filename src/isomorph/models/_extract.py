"""Features or Gram matrices of many layers in one forward pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, overload

from isomorph._version import __version__
from isomorph.engine import Progress
from isomorph.errors import InputError
from isomorph.features import Features
from isomorph.models._extraction import Extraction
from isomorph.models._layers import LayerChoice
from isomorph.models._plan import ExtractionPlan, LayerInfo, Precision, Reduction
from isomorph.models._plan_request import Request
from isomorph.models._reduce import Pool
from isomorph.spec import fingerprint, from_plain, to_plain
from isomorph.store import Store, StoredObject, open_store

if TYPE_CHECKING:
    from isomorph.geometry import Gram
    from isomorph.models._model import Model
    from isomorph.models._named_model import NamedModel
    from isomorph.stimuli import Stimuli


class RequestOptions(TypedDict, total=False):
    """What `Request.checked` takes."""

    layers: LayerChoice
    pool: Pool
    reduce: Reduction
    sketch_width: int | None
    batch_size: int | None
    memory_limit: str | int
    precision: Precision
    seed: int
    keep_duplicates: bool


class _Options(RequestOptions, total=False):
    device: str | None
    store: Store | Path | str | None
    progress: Progress | None


@overload
def extract(model: Model, stimuli: Stimuli, *, dry_run: Literal[False] = False, **options: Unpack[_Options]) -> Extraction: ...
@overload
def extract(model: Model, stimuli: Stimuli, *, dry_run: Literal[True], **options: Unpack[_Options]) -> ExtractionPlan: ...
@overload
def extract(model: Model, stimuli: Stimuli, *, dry_run: bool, **options: Unpack[_Options]) -> Extraction | ExtractionPlan: ...
def extract(
    model: Model,
    stimuli: Stimuli,
    *,
    layers: LayerChoice = "all",
    pool: Pool = "flatten",
    reduce: Reduction = "features",
    sketch_width: int | None = None,
    batch_size: int | None = None,
    memory_limit: str | int = "2GB",
    precision: Precision = "float32",
    device: str | None = None,
    store: Store | Path | str | None = None,
    progress: Progress | None = None,
    dry_run: bool = False,
    seed: int = 0,
    keep_duplicates: bool = False,
) -> Extraction | ExtractionPlan:
    """Show the stimuli to the model once and keep what its layers hold.

    Two short forward passes find every output, its shape and its duplicates; then all stimuli pass once, whatever the number of layers.
    Layers are pooled and reduced as they appear, and the pass ends after the last wanted layer. With a `store`, a finished extraction is
    read back without running the model, and one that was killed goes on where it stopped.

    Args:
        model: From `load_model` or `wrap_model`.
        stimuli: Pictures or texts, as the model reads them.
        layers: `"all"` (every output that equals no earlier one), or names, shell patterns, positions (-1 is the last), depths between 0.0
            and 1.0, or several of these.
        pool: `flatten` keeps every value; `mean`, `max`, `cls`, `tokens` leave one value a channel, `cls+tokens` leaves two.
        reduce: `"features"`; `"gram"`, the exact inner products of all stimuli; `"sketch"`, a count-sketch.
        sketch_width: Columns of a sketch; None takes the Johnson-Lindenstrauss bound for ε = 0.1. Narrower layers stay as they are.
        batch_size: Stimuli in one forward pass; None lets the plan choose.
        memory_limit: `"2GB"` or bytes: activations of a batch, rows, Gram matrices and prepared input; the weights come on top.
        precision: `"float32"`, or mixed precision in `"bfloat16"` or `"float16"`; it is recorded.
        device: Moves the model first; None leaves it where it is.
        store: Where results are kept and rows spill to; None keeps results in memory.
        progress: Shows how far the work is.
        dry_run: Return the plan only.
        seed: Of the sketch.
        keep_duplicates: Also extract the outputs that equal an earlier one.

    Raises:
        InputError: A layer is unknown or cannot be extracted, an option is out of range, or the memory limit is too small.
        NonFiniteError: A layer holds NaN or infinity; the message names it and the first stimulus.

    Example:
        >>> import numpy as np
        >>> from isomorph.models import load_model
        >>> from isomorph.stimuli import Stimuli
        >>> noise = np.random.default_rng(0).integers(0, 255, (4, 32, 32, 3), dtype=np.uint8)
        >>> grams = extract(load_model("bundled/pixels"), Stimuli.from_arrays(noise), reduce="gram")
        >>> next(iter(grams.values())).rdm("correlation").values.shape
        (6,)
    """
    request = Request.checked(
        layers=layers,
        memory_limit=memory_limit,
        pool=pool,
        reduce=reduce,
        sketch_width=sketch_width,
        batch_size=batch_size,
        precision=precision,
        seed=seed,
        keep_duplicates=keep_duplicates,
    )
    check_match(model, stimuli)
    if device is not None:
        model.to(device)

    def plan() -> ExtractionPlan:
        from isomorph.models._plan_make import make_plan

        return make_plan(model, stimuli, request, has_store=store is not None, dry=dry_run)

    return plan() if dry_run else extraction_of(model, stimuli, request, plan, store=store, progress=progress)


def extraction_of(
    model: Model,
    stimuli: Stimuli,
    request: Request,
    plan: Callable[[], ExtractionPlan],
    *,
    store: Store | Path | str | None,
    progress: Progress | None,
) -> Extraction:
    """What was requested, out of the store where that has it; otherwise the plan is made and carried out."""
    spec = request.spec(model=model, stimuli=stimuli)
    name = fingerprint(spec)
    store = open_store(store) if isinstance(store, str | Path) else store
    if store is not None and name in store:
        return _from_store(store.open(name), stimuli.ids)
    return _run(model, stimuli, plan(), seed=request.seed, spec=spec, store=store, progress=progress or Progress(quiet=True))


def check_match(model: Model | NamedModel, stimuli: Stimuli) -> None:
    """Raise `InputError` if there are no stimuli, or the model cannot read them."""
    if not len(stimuli):
        raise InputError(f"{model.card.name} was given no stimuli.")
    if model.modality != stimuli.modality:
        raise InputError(f"{model.card.name} reads {model.modality}s, but the stimuli are {stimuli.modality}s.")


def _run(
    model: Model, stimuli: Stimuli, plan: ExtractionPlan, *, seed: int, spec: Mapping[str, Any], store: Store | None, progress: Progress
) -> Extraction:
    from isomorph.models._extract_run import Run

    run = Run(model, stimuli, plan, progress, seed)
    name = fingerprint(spec)
    meta = _meta(plan, spec, name, run.shards)
    if store is None:
        run.execute()
        return _extraction(meta, stimuli.ids, run.results.__getitem__)
    with store.begin(name, with_summary(spec, plan, stimuli)) as writer:
        run.writer = writer
        run.execute()
        return _from_store(writer.commit(meta, keep=tuple(run.shards.values())), stimuli.ids)


def with_summary(spec: Mapping[str, Any], plan: ExtractionPlan, stimuli: Stimuli) -> dict[str, Any]:
    """The spec as the store keeps it."""
    return {**spec, "summary": f"{plan.subject}, {len(stimuli)} {stimuli.modality}s, {len(plan.layers)} layers, {plan.reduce}"}


def _meta(plan: ExtractionPlan, spec: Mapping[str, Any], name: str, shards: Mapping[str, str]) -> dict[str, Any]:
    provenance = {key: value for key, value in spec.items() if key not in ("ids", "kind")}
    return {
        "layers": to_plain(plan.layers),
        "shards": dict(shards),
        "duplicates": dict(plan.duplicates),
        "unusable": dict(plan.unusable),
        "provenance": provenance
        | {"extraction": name, "batch_size": plan.batch_size, "mode": plan.mode, "isomorph": __version__}
        | ({"sketch_width": plan.sketch_width} if plan.sketch_width else {}),
    }


def _from_store(stored: StoredObject, ids: tuple[str, ...]) -> Extraction:
    shards = stored.meta["shards"]
    return _extraction(stored.meta, ids, lambda source: {key: stored.read(shards[source], key) for key in stored.keys(shards[source])})


def _extraction(meta: Mapping[str, Any], ids: tuple[str, ...], read: Callable[[str], Mapping[str, Any]]) -> Extraction:
    provenance = meta["provenance"]
    subject = provenance["model_name"]

    def load(layer: LayerInfo) -> Features | Gram:
        from isomorph.geometry import Gram

        tensors = read(layer.source)
        if "values" in tensors:
            reduction = f"sketch({tensors['values'].shape[1]})" if tensors["values"].shape[1] < layer.width else "exact"
            return Features(tensors["values"], ids, layer.name, subject, provenance | {"layer": layer.name, "reduction": reduction})
        centred, mean_product, row_sums = (tensors[key] for key in ("centred", "mean_product", "row_sums"))
        return Gram(centred, mean_product, row_sums, layer.width, ids, layer.name, subject)

    return Extraction(
        tuple(from_plain(LayerInfo, each) for each in meta["layers"]),
        load,
        fingerprint=provenance["extraction"],
        provenance=provenance,
        duplicates=meta["duplicates"],
        unusable=meta["unusable"],
    )
