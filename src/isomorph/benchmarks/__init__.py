"""Fixed questions. A benchmark sees features or geometries, never a model."""

from isomorph._lazy import lazy_exports
from isomorph.benchmarks._registry import list_benchmarks, load_benchmark, registry

_EXPORTS = {
    "GeometryMatch": "isomorph.benchmarks._geometry_match",
    "Target": "isomorph.benchmarks._target",
    "packaged_photographs": "isomorph.benchmarks._packaged_photographs",
}

__all__ = ["GeometryMatch", "Target", "list_benchmarks", "load_benchmark", "packaged_photographs", "registry"]  # noqa: F822
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS | {name: __name__ for name in ("list_benchmarks", "load_benchmark", "registry")})
