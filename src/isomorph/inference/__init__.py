"""How sure a number is: scores with intervals, noise ceilings, permutation tests, corrections for many tests."""

from isomorph.inference._bootstrap import bootstrap_weights
from isomorph.inference._ceiling import noise_ceiling
from isomorph.inference._comparison import COMPARISONS, Comparison, compare_rdms
from isomorph.inference._fit_folds import Folds
from isomorph.inference._groups import GroupComparison
from isomorph.inference._models import InterpolatedModel, SelectModel, WeightedModel
from isomorph.inference._multiple import correct_p_values
from isomorph.inference._replicates import Replicates
from isomorph.inference._rsa import rsa_scores
from isomorph.inference._rsa_inference import RSAInference
from isomorph.inference._rsa_replicates import rsa_replicates
from isomorph.inference._score import Ceiling, Score, interval
from isomorph.inference._weighted import weighted_similarities

__all__ = [
    "COMPARISONS",
    "Ceiling",
    "Comparison",
    "Folds",
    "GroupComparison",
    "InterpolatedModel",
    "RSAInference",
    "Replicates",
    "Score",
    "SelectModel",
    "WeightedModel",
    "bootstrap_weights",
    "compare_rdms",
    "correct_p_values",
    "interval",
    "noise_ceiling",
    "rsa_replicates",
    "rsa_scores",
    "weighted_similarities",
]
