"""The public benchmarks of behaviour."""

from __future__ import annotations

from importlib import resources

from isomorph.benchmarks._behaviour_match import BehaviourMatch
from isomorph.benchmarks._behaviour_match_labels import LabelMatch
from isomorph.perception import load_cifar_10h, load_model_vs_human

PICTURES = {"cue-conflict": "cue-conflict", "edge": "edges", "silhouette": "silhouettes"}
"""The data sets whose pictures are public, and what `load_stimuli` calls them."""


def model_vs_human() -> BehaviourMatch:
    """17 sets of distorted pictures, answered by people and two published models."""
    return BehaviourMatch(
        name="model-vs-human", people=load_model_vs_human(), stimulus_sets=PICTURES,
        summary="do models err on distorted pictures as people do?",
        citation="Geirhos et al. (2021), NeurIPS, arXiv:2106.07411", licence="code MIT; CSVs unlabelled",
    )  # fmt: skip


def shape_bias() -> BehaviourMatch:
    """Shape or texture: 1,280 pictures in which they conflict."""
    return BehaviourMatch(
        name="shape-bias", people=load_model_vs_human(datasets=["cue-conflict"]), stimulus_sets={"cue-conflict": "cue-conflict"},
        measures=("shape-bias",), summary="where shape and texture conflict, which is named?",
        citation="Geirhos et al. (2019), ICLR, arXiv:1811.12231", licence="CSVs unlabelled; pictures CC BY 4.0",
    )  # fmt: skip


def cifar_10h() -> LabelMatch:
    """The 10,000 test pictures of CIFAR-10 with the answers of some 51 people to each."""
    return LabelMatch(
        name="cifar-10h", people=load_cifar_10h(), summary="are a model's probabilities the shares of people's answers?",
        citation="Peterson et al. (2019), ICCV, arXiv:1908.07086", licence="CC BY-NC-SA 4.0",
    )  # fmt: skip


def imagenet_16() -> dict[str, list[str | int]]:
    """Sixteen categories of everyday things, each with its columns among ImageNet's 1,000 classes (Geirhos et al., 2018).

    Example:
        >>> members = imagenet_16()
        >>> members["bear"], len(members["dog"])
        ([294, 295, 296, 297], 109)
    """
    from isomorph.perception import read_class_map

    with resources.as_file(resources.files("isomorph.benchmarks") / "imagenet_16.json") as file:
        members: dict[str, list[str | int]] = read_class_map(file)
    return members
