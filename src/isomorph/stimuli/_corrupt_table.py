"""What can go wrong with a picture, and how badly: fifteen corruptions and a series of crops, ten severities each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Family = Literal["noise", "blur", "weather", "digital"]


@dataclass(frozen=True)
class Corruption:
    """One corruption.

    Attributes:
        name: What `corrupt` knows it by.
        family: ImageNet-C's families; `crop` is counted among `digital`.
        meaning: What each parameter is, in its unit; pixels are pixels of the picture as given.
        parameters: Those of severity 1, 2, … 10.
        random: Whether the seed matters.
    """

    name: str
    family: Family
    meaning: tuple[str, ...]
    parameters: tuple[tuple[float, ...], ...]
    random: bool


_ELASTIC = (
    (2, 0.7, 0.1), (2, 0.08, 0.2), (0.05, 0.01, 0.02), (0.07, 0.01, 0.02), (0.12, 0.01, 0.02),
    (0.07, 0.005, 0.02), (0.05, 0.003, 0.02), (0.12, 0.003, 0.02), (0.15, 0.003, 0.02), (0.15, 0.001, 0.02),
)  # fmt: skip
_SNOW = (
    (0.1, 0.3, 3, 0.5, 10, 4, 0.8), (0.2, 0.3, 2, 0.5, 12, 4, 0.7), (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
    (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65), (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55), (0.6, 0.3, 4, 0.9, 12, 12, 0.4),
    (0.6, 0.3, 5, 0.9, 14, 14, 0.4), (0.75, 0.3, 6, 1, 14, 14, 0.3), (0.9, 0.3, 6, 1, 14, 16, 0.4), (1, 0.3, 7, 1.1, 16, 16, 0.4),
)  # fmt: skip
_GLASS = ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2), (1.7, 5, 2), (2, 6, 2), (2.6, 10, 2), (5.4, 15, 2), (7, 30, 2))
_MOTION = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15), (23, 18), (25, 22), (30, 30), (40, 40), (50, 55))
_ZOOM = (
    (1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03),
    (1.36, 0.03), (1.41, 0.04), (1.86, 0.04), (2.0, 0.05), (3.0, 0.05),
)  # fmt: skip
_DEFOCUS = ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5), (15, 0.5), (20, 0.5), (30, 0.5), (40, 0.5), (50, 0.5))
_FOG = ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4), (3.3, 1.4), (3.6, 1.2), (4, 1.2), (5, 1.1), (6, 1))
_FROST = ((1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75), (0.5, 0.8), (0.4, 0.85), (0.3, 0.9), (0.2, 0.95), (0.1, 1))


def _one(*values: float) -> tuple[tuple[float, ...], ...]:
    return tuple((each,) for each in values)


_ALL = (
    Corruption("gaussian_noise", "noise", ("sd, of white",), _one(0.08, 0.12, 0.18, 0.26, 0.38, 0.5, 0.72, 1, 2, 3), True),
    Corruption("shot_noise", "noise", ("photons at white",), _one(60, 25, 12, 5, 3, 1, 0.5, 0.3, 0.1, 0.01), True),
    Corruption("impulse_noise", "noise", ("share of values",), _one(0.03, 0.06, 0.09, 0.17, 0.27, 0.35, 0.5, 0.62, 0.78, 0.9), True),
    Corruption("glass_blur", "blur", ("sigma, pixels", "reach, pixels", "passes"), _GLASS, True),
    Corruption("defocus_blur", "blur", ("radius, pixels", "sigma of the edge, pixels"), _DEFOCUS, False),
    Corruption("motion_blur", "blur", ("half length, pixels", "sigma, pixels"), _MOTION, True),
    Corruption("zoom_blur", "blur", ("largest zoom", "step from 1"), _ZOOM, False),
    Corruption("fog", "weather", ("amount, of white", "decay of each octave"), _FOG, True),
    Corruption("frost", "weather", ("weight of the picture", "weight of the frost"), _FROST, True),
    Corruption("snow", "weather", ("mean", "sd", "zoom", "threshold", "half length, pixels", "sigma, pixels", "weight"), _SNOW, True),
    Corruption("contrast", "digital", ("factor",), _one(0.4, 0.3, 0.2, 0.1, 0.05, 0.045, 0.04, 0.035, 0.03, 0.025), False),
    Corruption("brightness", "digital", ("factor",), _one(1.5, 2, 3, 4, 5, 6, 7, 8, 9, 10), False),
    Corruption("jpeg_compression", "digital", ("quality",), _one(25, 18, 15, 10, 7, 5, 4, 3, 2, 1), False),
    Corruption("pixelate", "digital", ("scale, of 224 pixels",), _one(0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.08, 0.05), False),
    Corruption("elastic_transform", "digital", ("alpha, of 244 pixels", "sigma, the same", "shift, the same"), _ELASTIC, True),
    Corruption("crop", "digital", ("side, pixels of a shorter side of 335",), _one(300, 250, 200, 150, 100, 50, 40, 30, 20, 10), False),
)  # fmt: skip

CORRUPTIONS: dict[str, Corruption] = {each.name: each for each in _ALL}
"""By name. Severities 1 to 5 are ImageNet-C's (brightness excepted), 6 to 10 VisAlign's."""

Parameters = tuple[Any, ...]
