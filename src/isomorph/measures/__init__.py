"""How alike two systems are: measures with declared traits, and their comparison with intervals."""

from isomorph.measures._cka import CKA
from isomorph.measures._compare import compare, compare_all
from isomorph.measures._cycle_knn import CycleKNN
from isomorph.measures._imd import IMD
from isomorph.measures._jaccard_knn import JaccardKNN
from isomorph.measures._magnitude import Concentricity, Magnitude
from isomorph.measures._measure import Change, Comparable, Measure, Traits
from isomorph.measures._mutual_knn import MutualKNN
from isomorph.measures._rank_similarity import RankSimilarity
from isomorph.measures._rbf_cka import RBFCKA
from isomorph.measures._registry import load_measure, registry
from isomorph.measures._rsa import RSA
from isomorph.measures._rsm_norm import RSMNorm
from isomorph.measures._rtd import RTD
from isomorph.measures._second_order_cosine import SecondOrderCosine
from isomorph.measures._uniformity import Uniformity

__all__ = [
    "CKA",
    "IMD",
    "RBFCKA",
    "RSA",
    "RTD",
    "Change",
    "Comparable",
    "Concentricity",
    "CycleKNN",
    "JaccardKNN",
    "Magnitude",
    "Measure",
    "MutualKNN",
    "RSMNorm",
    "RankSimilarity",
    "SecondOrderCosine",
    "Traits",
    "Uniformity",
    "compare",
    "compare_all",
    "load_measure",
    "registry",
]
