"""Similarity of similarities: do relations between models carry over from one data set to another?"""

from isomorph._lazy import lazy_exports

_EXPORTS = {
    "Consistency": "isomorph.consistency._consistency",
    "ConsistencyResult": "isomorph.consistency._result",
    "ModelSet": "isomorph.consistency._model_set",
    "Similarities": "isomorph.consistency._similarities",
    "Study": "isomorph.consistency._study",
    "load_metadata": "isomorph.consistency._metadata",
    "load_original_features": "isomorph.consistency._original",
    "load_performance": "isomorph.consistency._performance",
    "sample_sensitivity": "isomorph.consistency._sample_sensitivity",
}

__all__ = sorted(_EXPORTS)  # noqa: PLE0605
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
