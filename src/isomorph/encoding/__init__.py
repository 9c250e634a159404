"""Linear maps from features onto measured responses: how well a layer of a model explains each unit of a brain."""

from isomorph._lazy import lazy_exports

_EXPORTS = {
    "FittedComponents": "isomorph.encoding._fitted_components",
    "FittedRidge": "isomorph.encoding._fitted_ridge",
    "PLS": "isomorph.encoding._pls",
    "PrincipalRegression": "isomorph.encoding._principal_regression",
    "Ridge": "isomorph.encoding._ridge",
}

__all__ = sorted(_EXPORTS)  # noqa: PLE0605
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
