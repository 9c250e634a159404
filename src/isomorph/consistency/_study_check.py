"""What can be known to be wrong with a study before any model sees a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

from isomorph.consistency._model_set import ModelSet
from isomorph.consistency._pairs import model_pairs
from isomorph.consistency._study_metadata import study_metadata
from isomorph.engine import parse_bytes
from isomorph.errors import InputError, IsomorphError, ShapeError, UnknownNameError

if TYPE_CHECKING:
    import pandas

    from isomorph.consistency._study import Study
    from isomorph.measures import Measure
    from isomorph.models import ModelCard


def check_study(study: Study, names: tuple[str, ...], datasets: Mapping[str, int]) -> None:
    """Refuse now what would otherwise fail after hours of work; every sentence names the study and the option.

    Args:
        study: The study.
        names: Its models.
        datasets: Its data sets by name, and how many stimuli each has.

    Raises:
        InputError: A measure, a column, a set, a layer's pattern or a domain does not fit the rest.
        FileError: The table of models cannot be read.
    """
    with _option(study, "measures"):
        _check_measures(study.chosen_measures(), datasets)
    with _option(study, "memory_limit"):
        parse_bytes(study.memory_limit)
    for pattern in study.layers:
        if not any(fnmatchcase(each, pattern) for each in names):
            raise InputError(f"the study {study.name!r}, layers: no model matches {pattern!r}; the first is {names[0]!r}.")
    with _option(study, "domains"):
        for each in study.domains:
            if each not in datasets:
                raise UnknownNameError("data set", each, datasets)
    study.question.check_datasets(tuple(datasets))
    cards = _cards(study, names)
    with _option(study, "metadata"):
        table = study_metadata(study, cards)
    if cards:
        _check_sets(study, table, () if all(each.parameters for each in cards.values()) else ("parameters", "size_class"))


def _check_measures(measures: Mapping[str, Measure], datasets: Mapping[str, int]) -> None:
    smallest = min(datasets, key=lambda each: datasets[each])
    for label, measure in measures.items():
        if not measure.traits.symmetric:
            raise InputError(f"{label!r} is not symmetric, so that a pair of models has no one similarity. Take a symmetric measure.")
        if measure.traits.minimum_stimuli > datasets[smallest]:
            raise ShapeError(f"{label!r} needs at least {measure.traits.minimum_stimuli} stimuli; {smallest!r} has {datasets[smallest]}.")


def _cards(study: Study, names: tuple[str, ...]) -> dict[str, ModelCard]:
    from isomorph.models import model_card

    cards = {}
    for name in names:
        try:
            cards[name] = model_card(name)
        except IsomorphError:
            if study.on_error == "raise":
                raise
    return cards


def _check_sets(study: Study, table: pandas.DataFrame, unknown: Collection[str]) -> None:
    """`unknown`: columns that are complete only when the models are built."""
    for column in study.by:
        with _option(study, "by"):
            sets = ModelSet.by(table, column)
            everything = ModelSet("all models")
            pairs = [*combinations_with_replacement(sets, 2), (everything, everything)]
            study.question.large_enough([model_pairs(table, *each) for each in pairs])
    doubled = [name for name, count in Counter(each.name for each in study.sets).items() if count > 1]
    if doubled:
        raise InputError(f"the study {study.name!r}, sets: two are called {doubled[0]!r}; their numbers could not be told apart.")
    with _option(study, "sets"):
        for each in study.sets:
            for column in sorted(each.columns - {"model", *table.columns}):
                raise InputError(f"the set {each.name!r}: {UnknownNameError('metadata column', column, ['model', *table.columns])}")
            if each.columns.isdisjoint(unknown):
                each.members(table)
    if study.anchors:
        if not study.by:
            raise InputError(f"the study {study.name!r}, anchors: each is seen against the categories of a column, and by is empty.")
        with _option(study, "anchors"):
            sets = ModelSet.by(table, study.by[0])
            chosen = [ModelSet.of(each) for each in chosen_anchors(study, tuple(table.index))]
            study.question.large_enough([model_pairs(table, anchor, each) for anchor in chosen for each in sets])


def chosen_anchors(study: Study, models: tuple[str, ...]) -> tuple[str, ...]:
    """The models that the study's `anchors` name.

    Raises:
        UnknownNameError: One is no model of the study.
    """
    chosen = [[name for name in models if name == each or fnmatchcase(name, each)] for each in study.anchors]
    for each, matching in zip(study.anchors, chosen, strict=True):
        if not matching:
            raise UnknownNameError("model of the study", each, models)
    return tuple(dict.fromkeys(name for matching in chosen for name in matching))


@contextmanager
def _option(study: Study, name: str) -> Iterator[None]:
    try:
        yield
    except IsomorphError as error:
        kind = InputError if isinstance(error, UnknownNameError) else type(error)
        raise kind(f"the study {study.name!r}, {name}: {error}") from error
