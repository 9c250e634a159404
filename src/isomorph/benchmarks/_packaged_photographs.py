"""Photographs that arrive inside packages: something to show to models where nothing can be fetched."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from isomorph.errors import IsomorphError, MissingDependencyError

if TYPE_CHECKING:
    from isomorph.stimuli import Stimuli

# Class indices are in the names of foolbox's ImageNet photographs; scikit-image's are photographs of things, not test patterns.
_FOOLBOX = (
    *("00_243", "01_559", "02_438", "03_990", "04_949", "05_853", "06_609", "07_609", "08_915", "09_455"),
    *("10_541", "11_630", "12_741", "13_471", "14_129", "15_99", "16_251", "17_22", "18_317", "19_305"),
)
_SKIMAGE = (
    "astronaut.png",
    "brick.png",
    "chelsea.png",
    "coffee.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "rocket.jpg",
    "motorcycle_left.png",
)
_FILES = (
    *(("foolbox", f"data/imagenet_{name}.jpg") for name in _FOOLBOX),
    *(("skimage", f"data/{name}") for name in _SKIMAGE),
)
_INSTALL = "pip install --no-deps foolbox==3.3.4 scikit-image"


def packaged_photographs() -> Stimuli:
    """Up to 29 photographs from the packages `foolbox` and `scikit-image`, those that are installed.

    Raises:
        MissingDependencyError: Neither package is installed.
    """
    from isomorph import data
    from isomorph.stimuli import Stimuli

    found: dict[str, Path] = {}
    for package, relative in _FILES:
        try:
            found[Path(relative).stem] = data.packaged_file(package, relative)
        except IsomorphError:
            continue
    if len(found) < 4:
        raise MissingDependencyError("foolbox", needed_by="a set of photographs without network", install=_INSTALL)
    return Stimuli.from_files(list(found.values()), ids=list(found))
