"""The units of an evaluation: which model meets which benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from isomorph.errors import InputError

if TYPE_CHECKING:
    from isomorph.benchmarks import BehaviourMatch, GeometryMatch
    from isomorph.engine import LazyUnit
    from isomorph.models import Model
    from isomorph.models._model_needs import ModelNeeds
    from isomorph.models._named_model import NamedModel
    from isomorph.results._behaviour_unit import AnswerUnit
    from isomorph.results._fragment import Evaluation
    from isomorph.store import Store


Question: TypeAlias = "GeometryMatch | BehaviourMatch"
Unit: TypeAlias = "Evaluation | AnswerUnit"
SPLIT_FROM = 1e8


def benchmarks_of(given: Sequence[Question | str] | Question | str) -> list[Question]:
    """The benchmarks, loaded.

    Raises:
        InputError: There is none, or one twice.
    """
    from isomorph.benchmarks import BehaviourMatch, GeometryMatch, load_question

    several = [given] if isinstance(given, str | GeometryMatch | BehaviourMatch) else list(given)
    loaded = [load_question(each) if isinstance(each, str) else each for each in several]
    names = [each.name for each in loaded]
    doubled = [name for name in names if names.count(name) > 1]
    if doubled:
        raise InputError(f"the benchmark {doubled[0]!r} is asked for {names.count(doubled[0])} times; once is enough.")
    if not loaded:
        raise InputError("there is no benchmark to evaluate on.")
    return loaded


def modality_of(benchmark: Question) -> str:
    from isomorph.benchmarks import BehaviourMatch

    return "image" if isinstance(benchmark, BehaviourMatch) else benchmark.stimuli.modality


def models_of(given: Sequence[Model | str] | Model | str, benchmarks: Sequence[Question]) -> list[Model | str]:
    """The models, after a look at their cards: what cannot go well is said before hours of work."""
    from isomorph.models import Model, model_card

    several = [given] if isinstance(given, str | Model) else list(given)
    if not several:
        raise InputError("there is no model to evaluate.")
    cards = [model_card(each) if isinstance(each, str) else each.card for each in several]
    names = [card.name for card in cards]
    doubled = [name for name in names if names.count(name) > 1]
    if doubled:
        raise InputError(f"{names.count(doubled[0])} models are called {doubled[0]!r}. Leave one out, or wrap it under a name of its own.")
    for card in cards:
        if card.modality not in {modality_of(each) for each in benchmarks}:
            raise InputError(
                f"{card.name} takes {card.modality} stimuli, but none of the benchmarks ({', '.join(each.name for each in benchmarks)}) "
                f"shows such. Leave the model out, or add a benchmark of {card.modality} stimuli."
            )
    for each in benchmarks:
        if modality_of(each) not in {card.modality for card in cards}:
            raise InputError(f"{each.name} shows {modality_of(each)} stimuli, but none of the models takes them. Add such a model.")
    return several


def lazy_units(
    models: Sequence[str], benchmarks: Sequence[Question | str], *, store: Store, options: Mapping[str, Any], device: str = "cpu"
) -> list[LazyUnit]:
    """The units of `evaluate`, model by model, in an order that depends on names alone; a model is loaded when its unit's turn comes."""
    from isomorph.engine import LazyUnit
    from isomorph.models._named_model import named_models

    asked = benchmarks_of(benchmarks)
    return [
        LazyUnit(label=f"{model.name} on {each.name}", make=partial(unit_of, model, each, options), asks=_asks(model, each, options))
        for model in named_models([*map(str, models_of(models, asked))], device=device, store=store)
        for each in asked
        if modality_of(each) == model.modality
    ]


def _asks(model: NamedModel, benchmark: Question, options: Mapping[str, Any]) -> ModelNeeds:
    """What a unit needs of its worker; classifiers answer with their last layer."""
    from isomorph.benchmarks import BehaviourMatch
    from isomorph.models._model_needs import ModelNeeds
    from isomorph.results._fragment import default_pool

    if isinstance(benchmark, BehaviourMatch):
        return ModelNeeds(model=model, stimuli=None, options=options)
    return ModelNeeds(
        model=model,
        stimuli=benchmark.stimuli,
        options=dict(options) | {"pool": options.get("pool") or default_pool(model), "reduce": "gram"},
    )


def units_of(
    model: Model | str, benchmarks: Sequence[Question], options: Mapping[str, Any], *, store: Store, device: str = "cpu"
) -> list[Unit]:
    from isomorph.models._named_model import named_models

    shown = named_models([model], device=device, store=store)[0] if isinstance(model, str) else model
    return [unit_of(shown, each, options) for each in benchmarks if modality_of(each) == shown.modality]


def unit_of(model: Model | NamedModel, benchmark: Question, options: Mapping[str, Any]) -> Unit:
    from isomorph.benchmarks import BehaviourMatch
    from isomorph.results._behaviour_unit import AnswerUnit
    from isomorph.results._fragment import Evaluation

    if isinstance(benchmark, BehaviourMatch):
        return AnswerUnit(model=model, benchmark=benchmark, progress=options.get("progress"))
    return Evaluation(model=model, benchmark=benchmark, **options)


def layer_units(evaluations: Sequence[Evaluation], *, store: Store) -> list[LazyUnit]:
    """A unit for each evaluation whose replicates are shared out: it leaves the layers that all ranges read."""
    from isomorph.engine import LazyUnit
    from isomorph.results._replicate_ranges import kept_layers, replicate_ranges

    return [
        LazyUnit(
            label=f"layers of {each.label}",
            make=partial(kept_layers, each, store),
            asks=_asks(each.model, each.benchmark, {"layers": each.layers, "pool": each.pool, "memory_limit": each.memory_limit}),
        )
        for each in evaluations
        if replicate_ranges(each)
    ]


def replicate_units(evaluations: Sequence[Evaluation]) -> list[LazyUnit]:
    """The ranges of all replicates that are shared out."""
    from isomorph.engine import LazyUnit
    from isomorph.results._replicate_ranges import replicate_ranges

    return [LazyUnit.of(unit) for each in evaluations for unit in replicate_ranges(each)]


def evaluations_of(
    models: Sequence[str], benchmarks: Sequence[Question | str], *, store: Store, options: Mapping[str, Any], device: str = "cpu"
) -> list[Evaluation]:
    """The units that score geometries, in the order of `lazy_units`; no model is loaded that the store remembers."""
    from isomorph.models._named_model import named_models
    from isomorph.results._fragment import Evaluation

    asked = benchmarks_of(benchmarks)
    named = named_models([*map(str, models_of(models, asked))], device=device, store=store)
    units = [unit_of(model, each, options) for model in named for each in asked if modality_of(each) == model.modality]
    return [each for each in units if isinstance(each, Evaluation)]
