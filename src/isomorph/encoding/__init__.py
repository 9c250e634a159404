"""Linear maps from features onto measured responses: how well a layer of a model explains each unit of a brain."""

from isomorph._lazy import lazy_exports

_EXPORTS = {
    "BandedRidge": "isomorph.encoding._banded_ridge",
    "BrainScores": "isomorph.encoding._brain_scores",
    "EvenOdd": "isomorph.encoding._split",
    "FittedBanded": "isomorph.encoding._fitted_banded",
    "FittedComponents": "isomorph.encoding._fitted_components",
    "FittedRidge": "isomorph.encoding._fitted_ridge",
    "Halves": "isomorph.encoding._split",
    "KFold": "isomorph.encoding._split",
    "PLS": "isomorph.encoding._pls",
    "PrincipalRegression": "isomorph.encoding._principal_regression",
    "QuerySheet": "isomorph.encoding._query_sheet",
    "Protocol": "isomorph.encoding._protocol",
    "Ridge": "isomorph.encoding._ridge",
    "SparseProjection": "isomorph.encoding._sparse_projection",
    "Shuffled": "isomorph.encoding._split",
    "Split": "isomorph.encoding._split",
    "choose_layers": "isomorph.encoding._choose_layers",
    "encode": "isomorph.encoding._encode",
    "list_protocols": "isomorph.encoding._load_protocol",
    "load_protocol": "isomorph.encoding._load_protocol",
    "normalise": "isomorph.encoding._normaliser",
    "query_sheet": "isomorph.encoding._query_sheet",
    "score_units": "isomorph.encoding._scorer",
    "johnson_lindenstrauss": "isomorph.encoding._johnson_lindenstrauss",
    "unique_variance": "isomorph.encoding._unique_variance",
}

__all__ = sorted(_EXPORTS)  # noqa: PLE0605
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
