"""Fixed questions. A benchmark sees features or geometries, never a model."""

from isomorph._lazy import lazy_exports
from isomorph.benchmarks._registry import list_benchmarks, load_benchmark, registry

_EXPORTS = {
    "GeometryMatch": "isomorph.benchmarks._geometry_match",
    "Target": "isomorph.benchmarks._target",
    "load_stimuli": "isomorph.benchmarks._stimulus_sets",
    "packaged_photographs": "isomorph.benchmarks._packaged_photographs",
    "stimulus_sets": "isomorph.benchmarks._stimulus_sets",
}

__all__ = [
    "GeometryMatch",
    "Target",
    "list_benchmarks",
    "load_benchmark",
    "load_stimuli",
    "packaged_photographs",
    "registry",
    "stimulus_sets",
]
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS | dict.fromkeys(("list_benchmarks", "load_benchmark", "registry"), __name__))
