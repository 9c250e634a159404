"""VisAlign, whole: data of eight categories, training, seven ways to abstain, scores and submissions."""

from isomorph._lazy import lazy_exports

_EXPORTS = {
    "AbstentionPart": "isomorph.visalign._study",
    "AttackPart": "isomorph.visalign._set_part",
    "NetworkPart": "isomorph.visalign._study",
    "Pictures": "isomorph.visalign._set_part",
    "SetPart": "isomorph.visalign._set_part",
    "TrainedNetwork": "isomorph.visalign._training",
    "Training": "isomorph.visalign._training",
    "VisalignOutcome": "isomorph.visalign._study_run",
    "VisalignResults": "isomorph.visalign._results",
    "VisalignRun": "isomorph.visalign._study_run",
    "VisalignSet": "isomorph.benchmarks._visalign_set",
    "VisalignStudy": "isomorph.visalign._study",
    "build_set": "isomorph.visalign._build_set",
    "demo_study": "isomorph.visalign._demo_study",
    "evaluate_visalign": "isomorph.visalign._evaluate_visalign",
    "open_set": "isomorph.benchmarks._visalign_set",
    "read_configuration": "isomorph.visalign._configuration",
    "read_labels": "isomorph.benchmarks._visalign_labels",
    "read_runs": "isomorph.benchmarks._visalign_scores",
    "score_runs": "isomorph.benchmarks._visalign_scores",
    "submit": "isomorph.visalign._submissions",
    "uncertain_picture": "isomorph.visalign._uncertain",
    "visalign_results": "isomorph.visalign._results",
    "wide_scores": "isomorph.benchmarks._visalign_scores",
}

__all__ = sorted(_EXPORTS)  # noqa: PLE0605
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
