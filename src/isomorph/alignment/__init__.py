"""Affine maps that bring features closer to people, and what they cost."""

from isomorph._lazy import lazy_exports

_EXPORTS = {
    "AlignmentCheck": "isomorph.alignment._check_result",
    "AnomalyDetection": "isomorph.alignment._anomaly",
    "ChoicePosterior": "isomorph.alignment._posterior",
    "ConvergenceTrace": "isomorph.alignment._odd_one_out_embedding",
    "Dimension": "isomorph.alignment._dimensions",
    "FewShot": "isomorph.alignment._few_shot",
    "FittedTransform": "isomorph.alignment._fitted_transform",
    "GLocal": "isomorph.alignment._glocal",
    "Global": "isomorph.alignment._global",
    "HeldOutGain": "isomorph.alignment._held_out_gain",
    "Naive": "isomorph.alignment._naive",
    "ObjectFold": "isomorph.alignment._object_folds",
    "Objective": "isomorph.alignment._objective",
    "OddOneOutEmbedding": "isomorph.alignment._odd_one_out_embedding",
    "OddOneOutMethod": "isomorph.alignment._odd_one_out_embedding_method",
    "Procrustes": "isomorph.alignment._procrustes",
    "Reproducibility": "isomorph.alignment._reproducibility",
    "Ridge": "isomorph.alignment._ridge",
    "SPoSE": "isomorph.alignment._spose",
    "SearchResult": "isomorph.alignment._search",
    "SearchTrial": "isomorph.alignment._search",
    "SubclassShift": "isomorph.alignment._check_shift",
    "Teacher": "isomorph.alignment._teacher",
    "TripletMap": "isomorph.alignment._triplet_map",
    "UncertaintyDistillation": "isomorph.alignment._teacher",
    "VICE": "isomorph.alignment._vice",
    "check_alignment": "isomorph.alignment._check",
    "choice_divergence": "isomorph.alignment._teacher",
    "held_out_gain": "isomorph.alignment._held_out_gain",
    "list_transforms": "isomorph.alignment._published",
    "load_transform": "isomorph.alignment._published",
    "object_folds": "isomorph.alignment._object_folds",
    "objective": "isomorph.alignment._objective",
    "penalty": "isomorph.alignment._penalty",
    "sample_triplets": "isomorph.alignment._teacher_triplets",
    "search": "isomorph.alignment._search",
    "transform_to_file": "isomorph.alignment._stream",
}

__all__ = sorted(_EXPORTS)  # noqa: PLE0605
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
