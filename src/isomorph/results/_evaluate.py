"""Models against benchmarks: plan, run what is not in the store yet, gather the fragments into one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from isomorph._version import __version__
from isomorph.errors import InputError
from isomorph.results._records import BenchmarkRecord
from isomorph.results._results import Results

if TYPE_CHECKING:
    from isomorph.benchmarks import GeometryMatch
    from isomorph.engine import Progress
    from isomorph.models import Model
    from isomorph.results._fragment import Evaluation
    from isomorph.store import Store, StoredObject

CHOICE_NOTE = (
    "The layer shown for a model is the one with the largest value on the same data that score it (column best_on_same_data), so its "
    "value is slightly optimistic; the p-values in p_corrected are corrected over all layers and models."
)


def evaluate(
    models: Sequence[Model | str] | Model | str,
    benchmarks: Sequence[GeometryMatch | str] | GeometryMatch | str,
    *,
    store: Store | Path | str | None = None,
    layers: Any = "all",
    pool: str | None = None,
    replicates: int = 1000,
    seed: int = 0,
    permutations: int = 1000,
    resample: Literal["stimuli", "subjects", "both"] = "stimuli",
    memory_limit: str | int = "2GB",
    device: str = "cpu",
    progress: Progress | None = None,
) -> Results:
    """Score every layer of every model against every target of every benchmark.

    Each model sees each benchmark's stimuli once, whatever the number of layers; a layer is kept as its exact n × n Gram matrix.
    One model on one benchmark is a unit of work with a fingerprint; units found in the store are not done again, so that a repeated
    call only reads. A model is paired with the benchmarks of its own modality.

    Args:
        models: Names or loaded models. Names are loaded one after the other, so that memory holds one at a time.
        benchmarks: Names or benchmarks.
        store: Where extractions and result fragments are kept; None means the default store (`$ISOMORPH_STORE`).
        layers: As `isomorph.extract` takes them: `"all"`, names, shell patterns, indices, depth fractions.
        pool: How a layer's positions are summarised; None keeps all of a picture's and averages a text's tokens.
        replicates: Bootstrap replicates for each interval.
        seed: Seed of the bootstrap and the permutations.
        permutations: Permutations of the stimuli for each p-value; 0 leaves p out.
        resample: What the bootstrap draws: `"stimuli"`, `"subjects"` or `"both"`. A target with one subject always draws stimuli.
        memory_limit: What an extraction may hold in memory; the rest waits in the store.
        device: Where models that are given by name run: `cpu`, `cuda:0`, `mps`.
        progress: Where progress is shown.

    Returns:
        Scores with intervals, ceilings and p-values, one row a model × layer × target × comparison, and the geometries behind them.

    Raises:
        UnknownNameError: No model or benchmark has a given name.
        InputError: A model has no benchmark of its modality, or a benchmark no model.
        FetchError: A benchmark's files cannot be had.
        MissingDependencyError: A model needs a package that is not installed; the message says the command.
    """
    from isomorph.benchmarks._geometry_match import Inference
    from isomorph.store import Store

    kept = store if isinstance(store, Store) else Store(store)
    asked = _benchmarks(benchmarks)
    inference = Inference(replicates=replicates, seed=seed, resample=resample, permutations=permutations)
    how = {"layers": layers, "pool": pool, "inference": inference, "memory_limit": memory_limit, "progress": progress}
    fragments: list[StoredObject] = []
    answered: set[str] = set()
    for each in [models] if isinstance(models, str) or hasattr(models, "card") else list(models):
        units = _units(each, asked, how, device=device)
        found = _run_units(units, kept, progress)
        fragments += found
        answered |= {fragment.spec["benchmark"]["name"] for fragment in found}
    unanswered = [each for each in asked if each.name not in answered]
    if unanswered:
        first = unanswered[0]
        raise InputError(f"{first.name} shows {first.stimuli.modality} stimuli, but none of the models takes them. Add such a model.")
    options = {"layers": layers, "pool": pool, "replicates": replicates, "seed": seed, "permutations": permutations, "resample": resample}
    return gather(fragments, asked, options)


def gather(fragments: Sequence[StoredObject], benchmarks: Sequence[GeometryMatch], options: Mapping[str, Any]) -> Results:
    """The results that the fragments hold."""
    from isomorph.results._assembly import tidy
    from isomorph.results._fragment import read_geometry, read_rows

    notes = [CHOICE_NOTE]
    for target in (target for each in benchmarks for target in each.targets):
        single = "a single subject, hence no noise ceiling; " if len(target.subjects) == 1 else ""
        notes += [f"{target.name}: {single}{target.note}".strip("; ")] if single or target.note else []
    for fragment in fragments:
        for layer, reason in fragment.meta["left_out"].items():
            notes.append(f"{fragment.spec['model']['name']}, layer {layer}, was left out on {fragment.spec['benchmark']['name']}: {reason}")
    return Results(
        table=tidy(row for fragment in fragments for row in read_rows(fragment)),
        benchmarks=tuple(BenchmarkRecord.of(each) for each in benchmarks),
        geometry=tuple(each for fragment in fragments for each in read_geometry(fragment)),
        methods={
            "isomorph": __version__,
            "versions": {name: version for fragment in fragments for name, version in fragment.meta["versions"].items()},
            "options": dict(options),
            "models": {fragment.spec["model"]["name"]: fragment.meta["card"] for fragment in fragments},
            "notes": list(dict.fromkeys(notes)),
        },
    )


def _benchmarks(given: Sequence[GeometryMatch | str] | GeometryMatch | str) -> list[GeometryMatch]:
    from isomorph.benchmarks import GeometryMatch, load_benchmark

    several = [given] if isinstance(given, str | GeometryMatch) else list(given)
    loaded = [load_benchmark(each) if isinstance(each, str) else each for each in several]
    names = [each.name for each in loaded]
    doubled = [name for name in names if names.count(name) > 1]
    if doubled:
        raise InputError(f"the benchmark {doubled[0]!r} is asked for {names.count(doubled[0])} times; once is enough.")
    if not loaded:
        raise InputError("there is no benchmark to evaluate on.")
    return loaded


def plan(
    models: Sequence[Model | str], benchmarks: Sequence[GeometryMatch | str], *, store: Store, options: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """What `evaluate` would do: one row a model and benchmark, with its fingerprint and whether it is finished."""
    asked = _benchmarks(benchmarks)
    return [
        {
            "model": unit.model.card.name,
            "benchmark": unit.benchmark.name,
            "stimuli": len(unit.benchmark.stimuli),
            "targets": [target.name for target in unit.benchmark.targets],
            "finished": unit.fingerprint in store,
            "fingerprint": unit.fingerprint,
        }
        for model in models
        for unit in _units(model, asked, options)
    ]


def _units(model: Model | str, benchmarks: Sequence[GeometryMatch], options: Mapping[str, Any], *, device: str = "cpu") -> list[Evaluation]:
    from isomorph.models import load_model
    from isomorph.results._fragment import Evaluation

    loaded = load_model(model, device=device) if isinstance(model, str) else model
    fitting = [each for each in benchmarks if each.stimuli.modality == loaded.modality]
    if not fitting:
        names = ", ".join(each.name for each in benchmarks)
        raise InputError(
            f"{loaded.card.name} takes {loaded.modality} stimuli, but none of the benchmarks ({names}) shows such. "
            f"Leave the model out, or add a benchmark of {loaded.modality} stimuli."
        )
    return [Evaluation(model=loaded, benchmark=each, **options) for each in fitting]


def _run_units(units: Sequence[Evaluation], store: Store, progress: Progress | None) -> list[StoredObject]:
    from isomorph.engine import run_plan
    from isomorph.results._catalogue import Catalogue

    done = run_plan(units, store=store, progress=progress)
    fragments = [store.open(unit.fingerprint) for unit in units]
    for fragment in fragments if done.ran else ():
        Catalogue(store).record(fragment)
    return fragments
