"""The benchmarks by name; listing them imports none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from isomorph.errors import InputError
from isomorph.registry import Entry, Registry

if TYPE_CHECKING:
    from pathlib import Path

    from isomorph.benchmarks._abstention_match import AbstentionMatch
    from isomorph.benchmarks._behaviour_match import BehaviourMatch
    from isomorph.benchmarks._behaviour_match_labels import LabelMatch
    from isomorph.benchmarks._geometry_match import GeometryMatch

registry = Registry(
    "benchmark",
    (
        Entry(
            name="kriegeskorte-92",
            target="isomorph.benchmarks._kriegeskorte_92:kriegeskorte_92",
            summary="92 object photographs: human IT (fMRI), monkey IT (cells) and 16 people's similarity judgments",
            facts={
                "kind": "geometry match",
                "modality": "image",
                "stimuli": 92,
                "targets": ["human IT", "monkey IT", "human judgments"],
                "citation": "Kriegeskorte et al., 2008; Mur et al., 2013",
                "licence": "MIT (repository)",
            },
        ),
        Entry(
            name="algonauts-78",
            target="isomorph.benchmarks._algonauts_78:algonauts_78",
            summary="78 object photographs: early visual cortex and IT of 15 people (fMRI)",
            facts={
                "kind": "geometry match",
                "modality": "image",
                "stimuli": 78,
                "targets": ["human EVC", "human IT"],
                "citation": "Cichy et al., 2019",
                "licence": "BSD-3-Clause (repository)",
            },
        ),
        Entry(
            name="lancaster-words",
            target="isomorph.benchmarks._lancaster_words:lancaster_words",
            summary="240 English words: how strongly people experience each through six senses (Lancaster sensorimotor norms)",
            facts={
                "kind": "geometry match",
                "modality": "text",
                "stimuli": 240,
                "targets": ["sensory norms"],
                "citation": "Lynott et al., 2020",
                "licence": "CC BY 4.0",
            },
        ),
        Entry(
            name="model-vs-human",
            target="isomorph.benchmarks._behaviour_match_public:model_vs_human",
            summary="17 sets of distorted pictures: what four to ten people each answer, trial by trial, and two published models",
            facts={
                "kind": "behaviour match",
                "modality": "image",
                "stimuli": 18080,
                "targets": ["people's answers"],
                "citation": "Geirhos et al., 2021",
                "licence": "code MIT; CSVs unlabelled",
            },
        ),
        Entry(
            name="shape-bias",
            target="isomorph.benchmarks._behaviour_match_public:shape_bias",
            summary="1,280 pictures with the shape of one thing and the texture of another: what ten people name",
            facts={
                "kind": "behaviour match",
                "modality": "image",
                "stimuli": 1280,
                "targets": ["people's answers"],
                "citation": "Geirhos et al., 2019",
                "licence": "CSVs unlabelled; pictures CC BY 4.0",
            },
        ),
        Entry(
            name="cifar-10h",
            target="isomorph.benchmarks._behaviour_match_public:cifar_10h",
            summary="10,000 small pictures of ten classes: some 51 people's answers to each, as distributions",
            facts={
                "kind": "label match",
                "modality": "image",
                "stimuli": 10000,
                "targets": ["people's labels"],
                "citation": "Peterson et al., 2019",
                "licence": "CC BY-NC-SA 4.0",
            },
        ),
        Entry(
            name="visalign",
            target="isomorph.benchmarks._abstention_match:visalign",
            summary="a folder of yours with VisAlign's eight categories: to act, to abstain or to be unsure, as people are",
            facts={
                "kind": "abstention match",
                "modality": "image",
                "stimuli": None,
                "targets": ["people's labels"],
                "citation": "Lee et al., 2023",
                "licence": "VisAlign's own pictures: CC BY 4.0",
            },
        ),
    ),
)


def list_benchmarks(pattern: str = "*") -> list[str]:
    """The names of the benchmarks that match a shell pattern.

    Example:
        >>> "kriegeskorte-92" in list_benchmarks("krieg*")
        True
    """
    return registry.names(pattern)


@overload
def load_benchmark(name: Literal["model-vs-human", "shape-bias"]) -> BehaviourMatch: ...  # type: ignore[overload-overlap]
@overload
def load_benchmark(name: Literal["cifar-10h"]) -> LabelMatch: ...  # type: ignore[overload-overlap]
@overload
def load_benchmark(name: Literal["visalign"], *, folder: Path | str | None = None) -> AbstentionMatch: ...  # type: ignore[overload-overlap]
@overload
def load_benchmark(name: str) -> GeometryMatch: ...
def load_benchmark(name: str, *, folder: Path | str | None = None) -> Any:
    """The benchmark called `name`: brains' and people's geometries of stimuli, or what people answered to them.

    Args:
        name: One of `list_benchmarks()`.
        folder: Of a benchmark whose pictures are the user's own: visalign.

    Raises:
        InputError: The benchmark needs a folder, or takes none.
        UnknownNameError: No benchmark has that name.
        FetchError: Its files can be had neither from the mirror, the cache nor the network.
        MissingDependencyError: Its data ship in a package that is not installed.
    """
    if folder is None:
        return registry.load(name)()
    if registry.entry(name).facts.get("kind") != "abstention match":
        raise InputError(f"{name} has its own stimuli and takes no folder; visalign does.")
    return registry.load(name)(folder)


def load_question(name: str) -> GeometryMatch | BehaviourMatch:
    """The benchmark called `name`, which must be one that a study can put to models: of geometries, or of trials of pictures.

    Raises:
        InputError: It asks for answers that a study cannot have.
    """
    kind = registry.entry(name).facts.get("kind", "geometry match")
    if kind not in ("geometry match", "behaviour match"):
        raise InputError(_WAYS[kind].format(name=name))
    benchmark: GeometryMatch | BehaviourMatch = load_benchmark(name)
    return benchmark


_WAYS = {
    "label match": (
        "{name} asks for answers to pictures that are not in the catalogue, so that no model can be shown them here. Score answers that "
        "you have: load_benchmark('{name}').score(…)."
    ),
    "abstention match": (
        "{name} trains a classifier of each model's features on a set's own pictures, which a study of models against benchmarks does not. "
        "Evaluate it alone: `isomorph evaluate MODEL --benchmarks {name} --folder FOLDER`; or write a study with a [network] "
        "(`isomorph visalign run`)."
    ),
}


def load_geometry_match(name: str) -> GeometryMatch:
    """The benchmark called `name`, which must be one of geometries: for whoever goes on to its targets or its recording.

    Raises:
        InputError: It asks for answers instead.
    """
    kind = registry.entry(name).facts.get("kind", "geometry match")
    if kind != "geometry match":
        raise InputError(
            f"{name} asks for answers and holds no brains or geometries. Score answers with load_benchmark('{name}').score(…); "
            "model-vs-human and shape-bias also by `isomorph evaluate MODEL --benchmarks NAME`, or in a study."
        )
    return load_benchmark(name)
