"""Fixed questions. A benchmark sees features, geometries or answers, never a model."""

from isomorph._lazy import lazy_exports
from isomorph.benchmarks._registry import list_benchmarks, load_benchmark, load_geometry_match, load_question, registry

_EXPORTS = {
    "AbstentionMatch": "isomorph.benchmarks._abstention_match",
    "BehaviourMatch": "isomorph.benchmarks._behaviour_match",
    "GeometryMatch": "isomorph.benchmarks._geometry_match",
    "LabelMatch": "isomorph.benchmarks._behaviour_match_labels",
    "Target": "isomorph.benchmarks._target",
    "imagenet_16": "isomorph.benchmarks._behaviour_match_public",
    "load_stimuli": "isomorph.benchmarks._stimulus_sets",
    "packaged_photographs": "isomorph.benchmarks._packaged_photographs",
    "stimulus_sets": "isomorph.benchmarks._stimulus_sets",
}

__all__ = [
    "AbstentionMatch",
    "BehaviourMatch",
    "GeometryMatch",
    "LabelMatch",
    "Target",
    "imagenet_16",
    "list_benchmarks",
    "load_benchmark",
    "load_geometry_match",
    "load_question",
    "load_stimuli",
    "packaged_photographs",
    "registry",
    "stimulus_sets",
]
__getattr__, __dir__ = lazy_exports(
    __name__, _EXPORTS | dict.fromkeys(("list_benchmarks", "load_benchmark", "load_geometry_match", "load_question", "registry"), __name__)
)
