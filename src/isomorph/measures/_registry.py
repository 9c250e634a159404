"""The measures, by name."""

from __future__ import annotations

from typing import Any

from isomorph.errors import InputError
from isomorph.measures._measure import Measure
from isomorph.registry import Entry, Registry
from isomorph.spec import from_plain


def _entry(name: str, attribute: str, summary: str) -> Entry:
    return Entry(name=name, target=f"isomorph.measures:{attribute}", summary=summary)


registry = Registry(
    "measure",
    (
        _entry("angular-cka", "AngularCKA", "the angle between two Gram matrices: a metric"),
        _entry("angular-procrustes", "AngularProcrustes", "angle between two shapes after the best rotation"),
        _entry("bures", "Bures", "the Bures distance: a metric, in the units of the features"),
        _entry("cca", "CCA", "canonical correlations: their mean, mean square or largest"),
        _entry("cka", "CKA", "linear centred kernel alignment, debiased"),
        _entry("cknna", "CKNNA", "debiased kernel alignment among nearest neighbours"),
        _entry("concentricity", "Concentricity", "difference in how much stimuli point the way of their mean"),
        _entry("cycle-knn", "CycleKNN", "stimuli that come back to themselves by way of a nearest neighbour"),
        _entry("distance-correlation", "DistanceCorrelation", "correlation of centred distances, bias-corrected"),
        _entry("eigenspace-overlap", "EigenspaceOverlap", "shared part of the spaces that the features span"),
        _entry("gulp", "GULP", "largest mean difference between ridge predictions from either"),
        _entry("hard-correlation-match", "HardCorrelationMatch", "mean correlation of units matched one to one"),
        _entry("hsic", "HSIC", "squared covariance of all features with all, without bias"),
        _entry("imd", "IMD", "intrinsic multi-scale distance: how heat spreads over neighbours"),
        _entry("jaccard-knn", "JaccardKNN", "nearest neighbours in common, relative to their union"),
        _entry("linear-predictivity", "LinearPredictivity", "cross-validated linear prediction of x from y, by ridge or PLS"),
        _entry("linear-regression", "LinearRegression", "share of the variance of x that is linear in y, in the sample"),
        _entry("magnitude", "Magnitude", "difference between the lengths of the mean stimuli"),
        _entry("minibatch-cka", "MinibatchCKA", "debiased linear kernel alignment, averaged over batches"),
        _entry("mutual-knn", "MutualKNN", "nearest neighbours in common"),
        _entry("nbs", "NBS", "the normalised Bures similarity: overlap after the best rotation"),
        _entry("partial-whitening", "PartialWhitening", "between Procrustes and CCA: directions partly brought to equal variance"),
        _entry("permutation-match", "PermutationMatch", "cosine after the best one-to-one matching of units"),
        _entry("procrustes", "Procrustes", "distance between two shapes after the best rotation"),
        _entry("pwcca", "PWCCA", "canonical correlations weighted by what they account for in x"),
        _entry("rank-similarity", "RankSimilarity", "ranks of the nearest neighbours in common"),
        _entry("rbf-cka", "RBFCKA", "centred kernel alignment with a Gaussian kernel, debiased"),
        _entry("rsa", "RSA", "similarity of representational dissimilarity matrices"),
        _entry("rsm-norm", "RSMNorm", "norm of the difference between two distance matrices"),
        _entry("rtd", "RTD", "representation topology divergence: the length of cross-barcodes"),
        _entry("second-order-cosine", "SecondOrderCosine", "cosine between profiles of likeness over nearest neighbours"),
        _entry("soft-correlation-match", "SoftCorrelationMatch", "mean correlation of each unit with its best counterpart, both ways"),
        _entry("soft-match", "SoftMatch", "mean correlation of units under the best coupling of all units (optimal transport)"),
        _entry("stochastic-shape", "StochasticShape", "distance between noisy shapes, where each stimulus is a cloud of repeats"),
        _entry("svcca", "SVCCA", "canonical correlations of the leading principal components"),
        _entry("uniformity", "Uniformity", "difference in how evenly stimuli are spread"),
    ),
)


def load_measure(name: str, **options: Any) -> Measure:
    """The measure called `name`, with these options.

    Raises:
        UnknownNameError: No measure has this name; the message says what is close.
        InputError: An option is unknown or of the wrong type.

    Example:
        >>> load_measure("rsa", comparison="spearman")
        RSA(distance='correlation', comparison='spearman', sigma=1.0, sigma_unit='median', noise='none')
    """
    kind = registry.load(name)
    if not (isinstance(kind, type) and issubclass(kind, Measure)):
        raise InputError(f"the measure {name!r} is {kind!r}, which is no subclass of isomorph.measures.Measure.")
    return from_plain(kind, options, where=name)
