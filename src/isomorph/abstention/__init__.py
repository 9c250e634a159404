"""When not to answer: scores that say how unsure a model is, calibrated, and combined with its answers."""

from isomorph._lazy import lazy_exports

_EXPORTS = {
    "AbstentionMethod": "isomorph.abstention._method",
    "DEVIATIONS": "isomorph.abstention._upstream",
    "DeepEnsemble": "isomorph.abstention._deep_ensemble",
    "Deviation": "isomorph.abstention._upstream",
    "Energy": "isomorph.abstention._energy",
    "FittedKNN": "isomorph.abstention._knn",
    "FittedMahalanobis": "isomorph.abstention._mahalanobis",
    "FittedNormaliser": "isomorph.abstention._normaliser",
    "FittedOpenMax": "isomorph.abstention._openmax",
    "FittedTAPUDD": "isomorph.abstention._tapudd",
    "FittedTemperature": "isomorph.abstention._temperature_scaling",
    "KNN": "isomorph.abstention._knn",
    "MCDropout": "isomorph.abstention._mc_dropout",
    "Mahalanobis": "isomorph.abstention._mahalanobis",
    "MaxSoftmax": "isomorph.abstention._max_softmax",
    "Mixture": "isomorph.abstention._mixture",
    "Normaliser": "isomorph.abstention._normaliser",
    "Odin": "isomorph.abstention._odin",
    "OpenMax": "isomorph.abstention._openmax",
    "Scorer": "isomorph.abstention._method",
    "TAPUDD": "isomorph.abstention._tapudd",
    "TemperatureScaling": "isomorph.abstention._temperature_scaling",
    "UPSTREAM_NAMES": "isomorph.abstention._upstream",
    "UpstreamAnswers": "isomorph.abstention._upstream",
    "combine": "isomorph.abstention._combine",
    "list_methods": "isomorph.abstention._registry",
    "load_method": "isomorph.abstention._registry",
    "registry": "isomorph.abstention._registry",
    "upstream_compat": "isomorph.abstention._upstream",
}

__all__ = sorted(_EXPORTS)  # noqa: PLE0605
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
