"""What came out: a tidy table over immutable fragments, and what a report needs beside it."""

from isomorph._lazy import lazy_exports

_EXPORTS = {
    "BehaviourResults": "isomorph.results._behaviour",
    "BenchmarkRecord": "isomorph.results._records",
    "Catalogue": "isomorph.results._catalogue",
    "Contrast": "isomorph.results._contrast",
    "EncodingStudy": "isomorph.results._encoding_study",
    "ExtractionStudy": "isomorph.results._extraction_study",
    "LayerGeometry": "isomorph.results._records",
    "Results": "isomorph.results._results",
    "SecondOrder": "isomorph.results._records",
    "StimuliRecord": "isomorph.results._records",
    "TargetRecord": "isomorph.results._records",
    "Study": "isomorph.results._study",
    "answer": "isomorph.results._behaviour_answer",
    "answer_logits": "isomorph.results._behaviour_answer",
    "behaviour_results": "isomorph.results._behaviour",
    "contrast": "isomorph.results._contrast",
    "evaluate": "isomorph.results._evaluate",
    "evaluate_behaviour": "isomorph.results._behaviour",
    "leaderboard": "isomorph.results._behaviour",
    "models_on": "isomorph.results._model_targets",
}

__all__ = sorted(_EXPORTS)  # noqa: PLE0605
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
