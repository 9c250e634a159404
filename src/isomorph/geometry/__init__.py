"""Relations between stimuli: Gram matrices and representational dissimilarity matrices (RDMs)."""

from typing import Any

from isomorph.geometry._distance import DISTANCES, Distance
from isomorph.geometry._gram import Gram
from isomorph.geometry._rdm import RDM

__all__ = ["DISTANCES", "RDM", "Distance", "Gram", "GramAccumulator"]


def __getattr__(name: str) -> Any:
    if name == "GramAccumulator":
        from isomorph.geometry._accumulate import GramAccumulator

        return GramAccumulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
