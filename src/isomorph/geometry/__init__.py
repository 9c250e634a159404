"""Relations between stimuli: Gram matrices and representational dissimilarity matrices (RDMs)."""

from isomorph.geometry._accumulate import GramAccumulator
from isomorph.geometry._distance import DISTANCES, Distance
from isomorph.geometry._gram import Gram
from isomorph.geometry._noise import SHRINKAGES, Shrinkage, noise_covariance, noise_precision, repeat_residuals
from isomorph.geometry._rdm import RDM

__all__ = [
    "DISTANCES",
    "RDM",
    "SHRINKAGES",
    "Distance",
    "Gram",
    "GramAccumulator",
    "Shrinkage",
    "noise_covariance",
    "noise_precision",
    "repeat_residuals",
]
