"""Relations between stimuli: Gram matrices and representational dissimilarity matrices (RDMs)."""

from isomorph.geometry._accumulate import GramAccumulator
from isomorph.geometry._dimensionality import PowerLaw, effective_dimensionality, power_law
from isomorph.geometry._distance import DISTANCES, Distance
from isomorph.geometry._gram import Gram
from isomorph.geometry._manifold_statistics import ManifoldStatistics, manifold_statistics
from isomorph.geometry._noise import SHRINKAGES, Shrinkage, noise_covariance, noise_precision, repeat_residuals
from isomorph.geometry._rdm import RDM

__all__ = [
    "DISTANCES",
    "RDM",
    "SHRINKAGES",
    "Distance",
    "Gram",
    "GramAccumulator",
    "ManifoldStatistics",
    "PowerLaw",
    "Shrinkage",
    "effective_dimensionality",
    "manifold_statistics",
    "noise_covariance",
    "noise_precision",
    "power_law",
    "repeat_residuals",
]
