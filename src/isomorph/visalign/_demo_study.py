"""A study that fits a laptop: photographs that can be had, and a network that is installed."""

from __future__ import annotations

from pathlib import Path

from isomorph.visalign._set_part import AttackPart, Pictures, SetPart
from isomorph.visalign._study import AbstentionPart, NetworkPart, VisalignStudy
from isomorph.visalign._training import Training

_NETWORK, _PHOTOGRAPHS = "bundled/efficientnet_lite0.imagenet1k", "kriegeskorte-92"
_CORRUPTIONS = ("gaussian_noise", "defocus_blur", "contrast", "jpeg_compression")


def demo_study(out: Path | str) -> VisalignStudy:
    """Act on people, animals and things; abstain from fruit and the like and from drawings; be uncertain where photographs go wrong.

    The photographs are the 92 of Kriegeskorte and colleagues. A linear classifier of EfficientNet-Lite0's features is trained for three
    seeds; all seven methods say when not to answer.

    Args:
        out: The folder of the study.
    """

    def pictures(*labels: str) -> Pictures:
        return Pictures(source=_PHOTOGRAPHS, labels=labels)

    animals = ("bear", "bird", "cat", "dog", "elephant")
    return VisalignStudy(
        name="visalign-demo",
        set=SetPart(
            classes={"human": pictures("human*"), "animal": pictures("nonhuman*"), "object": pictures("artificial*")},
            train=0,
            validation=5,
            test=6,
            attack=AttackPart(models=(_NETWORK,), epsilons=(0.03,)),
            abstain={"4": pictures("natural*"), "7": Pictures(source="edges", labels=animals, most=20)},
            corruptions=_CORRUPTIONS,
            severities=(1, 4, 7, 10),
            uncertain=None,
        ),
        network=NetworkPart(
            backbone=_NETWORK,
            recipe={"height_pixels": 128, "width_pixels": 128, "resize_pixels": 146},
            training=Training(epochs=40, learning_rate=3e-3, batch_size=8),
        ),
        abstention=AbstentionPart(
            options={
                "odin": {"temperature": 10.0, "kind": "one-minus-max"},
                "mds": {"shrinkage": 0.1},
                "knn": {"k": 5},
                "tapudd": {"components": [1, 2, 3], "regularisation": 0.1},
            },
            unit_length=True,
            corruptions=_CORRUPTIONS,
        ),
        seeds=(45, 46, 47),
        out=Path(out),
    )
