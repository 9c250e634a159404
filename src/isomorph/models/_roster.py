"""The models of a published study."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from isomorph.errors import UnknownNameError
from isomorph.models._card import ModelCard

if TYPE_CHECKING:
    import pandas

_FILES = {"similarity-consistency": "similarity_consistency_64.toml"}
_SIZES = ((100e6, "small"), (300e6, "medium"), (400e6, "large"), (float("inf"), "xlarge"))
_CORRECTED = ("dataset", "dataset_class", "architecture", "parameters")


def roster(name: str) -> pandas.DataFrame:
    """The models of a published study: what they are called here, the layer that was read, and what is known of them.

    `"similarity-consistency"` has the 64 models of Ciernik et al. (2024, arXiv 2411.05561). Where their table is inconsistent the plain
    column is corrected, and the column that ends in `_published` has what they wrote:

    * `parameters` are those that the layer depends on. Theirs count OpenCLIP's text towers and 21,843-way classifiers. `size_class`
      follows: small < 100 M ≤ medium < 300 M ≤ large < 400 M ≤ xlarge.
    * `dataset` of six models that the study names without a tag: what timm then loads has seen ImageNet-21k before ImageNet-1k.
    * `architecture` of the two XCiTs is theirs for ViT.

    Args:
        name: The study.

    Returns:
        One row a model, named as `load_model` takes it; columns `study_id`, `layer`, `pool`, `width`, `objective`, `dataset`,
        `dataset_class`, `architecture`, `architecture_class`, `parameters`, `size_class`, and the published ones. It is what
        `Similarities` take as `metadata`.

    Raises:
        UnknownNameError: There is no such study.

    Example:
        >>> models = roster("similarity-consistency")
        >>> len(models), models.loc["torchvision/vgg16.IMAGENET1K_V1", "layer"]
        (64, 'classifier.3')
        >>> models["objective"].value_counts().to_dict()
        {'Supervised': 30, 'Self-Supervised': 20, 'Image-Text': 14}
    """
    import pandas

    if name not in _FILES:
        raise UnknownNameError("roster", name, _FILES)
    rows = {}
    for model, row in _rows(_FILES[name]).items():
        published = {f"{key}_published": row["published"].get(key, row[key]) for key in _CORRECTED}
        facts = {key: value for key, value in row.items() if key != "published"}
        sizes = {"size_class": _size(row["parameters"]), "size_class_published": _size(published["parameters_published"])}
        rows[model] = facts | published | sizes
    return pandas.DataFrame.from_dict(rows, orient="index").rename_axis("model")


def with_recommended_layer(card: ModelCard) -> ModelCard:
    """The card with the layer and the pool that a study read of this architecture, whatever the weights; as it is where none did."""
    if card.modality != "image":
        return card
    layer, pool = _layers().get(_architecture(card.name), (card.layer, card.pool))
    return replace(card, layer=layer, pool=pool)


def _architecture(name: str) -> str:
    """`source/architecture` of a model's name: no tag, no changes of the recipe."""
    return name.partition("(")[0].partition(".")[0]


@cache
def _layers() -> dict[str, tuple[str, str]]:
    rows = (each for file in _FILES.values() for each in _rows(file).items())
    return {_architecture(model): (row["layer"], row["pool"]) for model, row in rows}


@cache
def _rows(file: str) -> dict[str, dict[str, Any]]:
    return tomllib.loads((resources.files("isomorph.models") / file).read_text(encoding="utf-8"))


def _size(parameters: int) -> str:
    return next(word for limit, word in _SIZES if parameters < limit)
