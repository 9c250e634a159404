"""Models against benchmarks: plan, run what is not in the store yet, gather the fragments into one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from isomorph._version import __version__
from isomorph.errors import InputError
from isomorph.results._evaluation_units import SPLIT_FROM, Question, Unit, benchmarks_of, models_of, units_of
from isomorph.results._records import BenchmarkRecord
from isomorph.results._results import Results
from isomorph.spec import to_plain

if TYPE_CHECKING:
    from isomorph.benchmarks import GeometryMatch
    from isomorph.engine import Progress
    from isomorph.models import Model
    from isomorph.store import Store, StoredObject


CHOICE_NOTE = (
    "The layer shown for a model is the one with the largest value on the same data that score it (column best_on_same_data), so its "
    "value is slightly optimistic; the p-values in p_corrected are corrected over all layers and models."
)


def evaluate(
    models: Sequence[Model | str] | Model | str,
    benchmarks: Sequence[Question | str] | Question | str,
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
    ranges: int = 1,
    split_from: float = SPLIT_FROM,
    progress: Progress | None = None,
) -> Results:
    """Score every layer of every model against every target of every benchmark; on benchmarks of answers, score what classifiers answer.

    Each model sees each benchmark's stimuli once, whatever the number of layers; a layer is kept as its exact n × n Gram matrix.
    One model on one benchmark is a unit of work with a fingerprint; units found in the store are not done again, so that a repeated
    call only reads. A model is paired with the benchmarks of its own modality.

    On a benchmark of answers (model-vs-human, shape-bias) models answer the pictures that are public, as `evaluate_behaviour` has it; a
    model without classes to answer with is left out there with a note, as long as another benchmark asks it something.

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
        ranges: Into how many pieces replicates are cut where they are many; each is kept in the store when it ends, so that a run that
            was killed goes on from there.
        split_from: How many are many: replicates × pairs of stimuli, over all targets and comparisons of ranks (those of products, and
            permutations but those of τ, count a fiftieth).
        progress: Where progress is shown.

    Returns:
        Scores with intervals, ceilings and p-values, one row a model × layer × target × comparison, and the geometries behind them. Rows
        about answers have no layer; people ("humans") and models whose answers are published stand among the models there.

    Raises:
        UnknownNameError: No model or benchmark has a given name.
        InputError: A model has no benchmark of its modality, or a benchmark no model; two models share a name; or `ranges` is below 1. Seen
            before the first model runs. Or a model that is asked for answers alone has no classes.
        FetchError: A benchmark's files cannot be had.
        MissingDependencyError: A model needs a package that is not installed; the message says the command.
    """
    from isomorph.benchmarks._geometry_match import Inference
    from isomorph.store import open_store

    if isinstance(ranges, bool) or not isinstance(ranges, int) or ranges < 1:
        raise InputError(f"ranges must be a whole number of at least 1; got {ranges!r}.")
    kept = open_store(store)
    asked = benchmarks_of(benchmarks)
    shown = models_of(models, asked)
    inference = Inference(replicates=replicates, seed=seed, resample=resample, permutations=permutations)
    how = {"layers": layers, "pool": pool, "inference": inference, "memory_limit": memory_limit, "progress": progress}
    how |= {"ranges": ranges, "split_from": split_from}
    fragments: list[StoredObject] = []
    for each in shown:
        fragments += _run_units(units_of(each, asked, how, store=kept, device=device), kept, progress)
    options = {"layers": layers, "pool": pool, "replicates": replicates, "seed": seed, "permutations": permutations, "resample": resample}
    return gather(fragments, asked, options)


def gather(fragments: Sequence[StoredObject], benchmarks: Sequence[Question], options: Mapping[str, Any]) -> Results:
    """The results that the fragments hold."""
    from isomorph.benchmarks import BehaviourMatch, GeometryMatch
    from isomorph.results._assembly import joined, tidy
    from isomorph.results._behaviour_table import BehaviourRecord, answered, table_rows
    from isomorph.results._fragment import KIND, read_geometry, read_rows

    geometries = [each for each in benchmarks if isinstance(each, GeometryMatch)]
    scored = [each for each in fragments if each.spec["kind"] == KIND]
    found = [answered(each, fragments, options) for each in benchmarks if isinstance(each, BehaviourMatch)]
    rows = [row for fragment in scored for row in read_rows(fragment)]
    return Results(
        table=tidy([*rows, *(row for each in found for row in table_rows(each, fragments))]),
        benchmarks=tuple(BenchmarkRecord.of(each) for each in geometries),
        geometry=tuple(each for fragment in scored for each in read_geometry(fragment)),
        behaviour=tuple(BehaviourRecord.of(each) for each in found),
        answered=tuple(found),
        methods={
            "isomorph": __version__,
            "versions": joined(fragment.meta["versions"] for fragment in fragments),
            "options": to_plain(options),
            "models": {fragment.spec["model"]["name"]: fragment.meta["card"] for fragment in fragments},
            "notes": list(dict.fromkeys(_notes(scored, geometries))),
        },
    )


def _notes(fragments: Sequence[StoredObject], benchmarks: Sequence[GeometryMatch]) -> list[str]:
    """Sentences that must travel with scores of geometries."""
    notes = [CHOICE_NOTE] if benchmarks else []
    for target in (target for each in benchmarks for target in each.targets):
        single = "a single subject, hence no noise ceiling; " if len(target.subjects) == 1 else ""
        notes += [f"{target.name}: {single}{target.note}".strip("; ")] if single or target.note else []
    for fragment in fragments:
        if seen := fragment.spec.get("seen"):
            stimuli = next(len(each.stimuli) for each in benchmarks if each.name == fragment.spec["benchmark"]["name"])
            notes.append(
                f"{fragment.spec['model']['name']} was fitted to people's judgments of {len(seen)} of the {stimuli} stimuli of "
                f"{fragment.spec['benchmark']['name']} (column seen): its scores there are not held-out scores."
            )
        for layer, reason in fragment.meta["left_out"].items():
            notes.append(f"{fragment.spec['model']['name']}, layer {layer}, was left out on {fragment.spec['benchmark']['name']}: {reason}")
    return notes


def plan(
    models: Sequence[Model | str], benchmarks: Sequence[Question | str], *, store: Store, options: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """What `evaluate` would do: one row a model and benchmark, with its fingerprint and whether it is finished."""
    asked = benchmarks_of(benchmarks)
    return [
        {
            "model": unit.model.card.name,
            "benchmark": unit.benchmark.name,
            **_shown(unit),
            "finished": unit.fingerprint in store,
            "fingerprint": unit.fingerprint,
        }
        for model in models_of(models, asked)
        for unit in units_of(model, asked, options, store=store)
    ]


def _shown(unit: Unit) -> dict[str, Any]:
    """How many stimuli, and what their answers or geometries are compared with."""
    from isomorph.results._fragment import Evaluation

    if isinstance(unit, Evaluation):
        return {"stimuli": len(unit.benchmark.stimuli), "targets": [target.name for target in unit.benchmark.targets]}
    return {"stimuli": sum(map(len, unit.stimuli.values())), "targets": list(unit.stimuli)}


def _run_units(units: Sequence[Unit], store: Store, progress: Progress | None) -> list[StoredObject]:
    from isomorph.engine import run_plan
    from isomorph.results._catalogue import Catalogue
    from isomorph.results._fragment import KIND

    run_plan(units, store=store, progress=progress)
    fragments = [store.open(unit.fingerprint) for unit in units]
    Catalogue(store).record(*(each for each in fragments if each.spec["kind"] == KIND))
    return fragments
