"""How alike two systems are: measures with declared traits, and their comparison with intervals."""

from isomorph.measures._angular_cka import AngularCKA
from isomorph.measures._bures import Bures
from isomorph.measures._cca import CCA
from isomorph.measures._cka import CKA
from isomorph.measures._cknna import CKNNA
from isomorph.measures._compare import compare, compare_all
from isomorph.measures._correlation_match import HardCorrelationMatch, SoftCorrelationMatch
from isomorph.measures._cycle_knn import CycleKNN
from isomorph.measures._distance_correlation import DistanceCorrelation
from isomorph.measures._eigenspace_overlap import EigenspaceOverlap
from isomorph.measures._gulp import GULP
from isomorph.measures._hsic import HSIC
from isomorph.measures._imd import IMD
from isomorph.measures._jaccard_knn import JaccardKNN
from isomorph.measures._linear_predictivity import LinearPredictivity
from isomorph.measures._linear_regression import LinearRegression
from isomorph.measures._magnitude import Concentricity, Magnitude
from isomorph.measures._measure import Change, Comparable, Measure, Traits
from isomorph.measures._minibatch_cka import MinibatchCKA
from isomorph.measures._mutual_knn import MutualKNN
from isomorph.measures._nbs import NBS
from isomorph.measures._partial_whitening import PartialWhitening
from isomorph.measures._permutation_match import PermutationMatch
from isomorph.measures._procrustes import AngularProcrustes, Procrustes
from isomorph.measures._pwcca import PWCCA
from isomorph.measures._rank_similarity import RankSimilarity
from isomorph.measures._rbf_cka import RBFCKA
from isomorph.measures._registry import load_measure, registry
from isomorph.measures._rsa import RSA
from isomorph.measures._rsm_norm import RSMNorm
from isomorph.measures._rtd import RTD
from isomorph.measures._second_order_cosine import SecondOrderCosine
from isomorph.measures._soft_match import SoftMatch
from isomorph.measures._stochastic_shape import StochasticShape
from isomorph.measures._svcca import SVCCA
from isomorph.measures._uniformity import Uniformity

__all__ = [
    "CCA",
    "CKA",
    "CKNNA",
    "GULP",
    "HSIC",
    "IMD",
    "NBS",
    "PWCCA",
    "RBFCKA",
    "RSA",
    "RTD",
    "SVCCA",
    "AngularCKA",
    "AngularProcrustes",
    "Bures",
    "Change",
    "Comparable",
    "Concentricity",
    "CycleKNN",
    "DistanceCorrelation",
    "EigenspaceOverlap",
    "HardCorrelationMatch",
    "JaccardKNN",
    "LinearPredictivity",
    "LinearRegression",
    "Magnitude",
    "Measure",
    "MinibatchCKA",
    "MutualKNN",
    "PartialWhitening",
    "PermutationMatch",
    "Procrustes",
    "RSMNorm",
    "RankSimilarity",
    "SecondOrderCosine",
    "SoftCorrelationMatch",
    "SoftMatch",
    "StochasticShape",
    "Traits",
    "Uniformity",
    "compare",
    "compare_all",
    "load_measure",
    "registry",
]
