"""Running a consistency study: features, similarities, probes, consistency, each resumed where it stopped."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.consistency._study_check import check_study, chosen_anchors
from isomorph.consistency._study_metadata import study_metadata
from isomorph.consistency._study_units import PENULTIMATE, FeatureUnit, ProbeUnit, SimilarityUnit
from isomorph.engine import run_plan
from isomorph.errors import InputError, IsomorphError

if TYPE_CHECKING:
    from isomorph.consistency._result import ConsistencyResult
    from isomorph.consistency._similarities import Similarities
    from isomorph.consistency._study import Study, StudyOutcome
    from isomorph.engine import Progress
    from isomorph.models import Model, ModelCard
    from isomorph.stimuli import Stimuli
    from isomorph.store import Store


def run_study(study: Study, store: Store, *, progress: Progress | None = None) -> StudyOutcome:
    """Do what is not done yet, and answer."""
    from isomorph.consistency._study import StudyOutcome

    stimuli, cut = study.stimuli()
    check_study(study, study.model_names(), {name: len(each) for name, each in stimuli.items()})
    notes = list(cut)
    features, cards = _features(study, stimuli, store, notes, progress)
    similarities = _similarities(study, stimuli, features, cards, store, progress)
    if study.probe != "none":
        notes += [f"no performance is known on {name}: {why}." for name, each in stimuli.items() if (why := unlearnable(each))]
    return StudyOutcome(similarities, _consistency(study, similarities), tuple(notes))


def feature_units(study: Study, model: Model, stimuli: Mapping[str, Stimuli], *, progress: Progress | None = None) -> list[FeatureUnit]:
    """One unit a data set."""
    layer, pool = _where(study, model.card)
    return [
        FeatureUnit(model=model, stimuli=each, dataset=dataset, layer=layer, pool=pool, memory_limit=study.memory_limit, progress=progress)
        for dataset, each in stimuli.items()
    ]


def _where(study: Study, card: ModelCard) -> tuple[str, str]:
    """The layer and how it is pooled: what the study says; else what the card recommends; else what feeds the classifier, whole."""
    layer = next((layer for pattern, layer in study.layers.items() if fnmatchcase(card.name, pattern)), card.layer or PENULTIMATE)
    recommended = card.pool if layer == card.layer else ""
    return layer, study.pool or recommended or "flatten"


def _features(
    study: Study, stimuli: Mapping[str, Stimuli], store: Store, notes: list[str], progress: Progress | None
) -> tuple[dict[str, dict[str, str]], dict[str, ModelCard]]:
    """Data set → model → unit; one model is in memory at a time."""
    done: dict[str, dict[str, str]] = {dataset: {} for dataset in stimuli}
    cards: dict[str, ModelCard] = {}
    names = study.model_names()
    with progress.task("models", len(names), unit="models") if progress else nullcontext() as row:
        for name in names:
            try:
                model = study.load_model(name)
            except IsomorphError as error:
                _skip_or_raise(study, error, f"{name} is left out", notes)
                continue
            cards[name] = model.card
            for unit in feature_units(study, model, stimuli, progress=progress):
                try:
                    run_plan([unit], store=store)
                    done[unit.dataset][name] = unit.fingerprint
                except IsomorphError as error:
                    _skip_or_raise(study, error, f"{name} is missing on {unit.dataset}", notes)
            if row:
                row.advance(1)
    return done, cards


def _skip_or_raise(study: Study, error: IsomorphError, what: str, notes: list[str]) -> None:
    if study.on_error == "raise":
        raise error
    notes.append(f"{what}: {error}")


def _similarities(
    study: Study,
    stimuli: Mapping[str, Stimuli],
    features: Mapping[str, Mapping[str, str]],
    cards: Mapping[str, ModelCard],
    store: Store,
    progress: Progress | None,
) -> Similarities:
    from isomorph.consistency._similarities import Similarities

    measures, names = study.chosen_measures(), tuple(name for name in cards if any(name in each for each in features.values()))
    units = [
        SimilarityUnit(
            dataset=dataset, features=each, measures=measures, normalise=study.normalise, memory_limit=study.memory_limit, progress=progress
        )
        for dataset, each in features.items()
    ]
    for unit in units:
        if len(unit.features) < 3:
            raise InputError(f"relations between models need at least three models; {len(unit.features)} have features on {unit.dataset}.")
    run_plan(units, store=store, progress=progress)
    shape = (len(units), len(measures), len(names), len(names))
    values, errors = np.full(shape, np.nan), np.full(shape, np.nan)
    counts: list[int] = []
    for at, unit in enumerate(units):
        rows = [names.index(name) for name in unit.features]
        box = np.ix_(range(len(measures)), rows, rows)
        found, uncertain, n = unit.read(store)
        values[at][box] = found
        counts.append(n)
        if uncertain is not None:
            errors[at][box] = uncertain
    return Similarities(
        values,
        tuple(stimuli),
        tuple(measures),
        names,
        metadata=study_metadata(study, {name: cards[name] for name in names}),
        performance=_performance(study, stimuli, features, names, store, progress),
        standard_errors=None if np.isnan(errors).all() else errors,
        n=tuple(counts),
        widths=tuple(next(store.open(each[name]).meta["width"] for each in features.values() if name in each) for name in names),
        domains=tuple(study.domains.get(each, "") for each in stimuli) if study.domains else None,
    )


def _performance(
    study: Study,
    stimuli: Mapping[str, Stimuli],
    features: Mapping[str, Mapping[str, str]],
    names: tuple[str, ...],
    store: Store,
    progress: Progress | None,
) -> FloatArray | None:
    """`[dataset, model]`: cross-validated accuracy; NaN where a data set has no labels to learn."""
    if study.probe == "none":
        return None
    units = {
        (row, names.index(model)): ProbeUnit(
            model=model,
            dataset=dataset,
            features=each,
            labels=stimuli[dataset].labels or (),
            kind=study.probe,
            normalise=study.normalise,
            seed=study.seed,
        )
        for row, dataset in enumerate(stimuli)
        if not unlearnable(stimuli[dataset])
        for model, each in features[dataset].items()
    }
    if not units:
        return None
    run_plan([*units.values()], store=store, progress=progress)
    accuracy = np.full((len(stimuli), len(names)), np.nan)
    for place, unit in units.items():
        accuracy[place] = unit.read(store)
    return accuracy


def unlearnable(stimuli: Stimuli) -> str:
    """Why no probe can learn the labels; empty where one can."""
    labels = stimuli.labels
    if labels is None or len(set(labels)) < 2:
        return "its stimuli have no labels" if labels is None else "its stimuli all have one label"
    rarest = min(set(labels), key=labels.count)
    few = labels.count(rarest)
    return (
        f"the label {rarest!r} stands {few} time{'s' if few > 1 else ''}, and a probe needs {ProbeUnit.folds}"
        if few < ProbeUnit.folds
        else ""
    )


def _consistency(study: Study, similarities: Similarities) -> dict[str, ConsistencyResult]:
    ask = study.question
    results = {column: ask(similarities, by=column) for column in study.by} or {"all": ask(similarities)}
    if study.sets:
        pairs: Any = [(a, b) for at, a in enumerate(study.sets) for b in study.sets[at:]]
        results["sets"] = ask(similarities, pairs=pairs)
    if study.anchors:
        results["anchors"] = ask.anchors(similarities, chosen_anchors(study, similarities.models), by=study.by[0])
    return results
