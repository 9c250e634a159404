"""Isomorph measures how alike systems see the world, says how sure it is, and moves models closer to people."""

from isomorph._lazy import lazy_exports
from isomorph._version import __version__

_EXPORTS = {
    "BrainScores": "isomorph.encoding",
    "Ceiling": "isomorph.inference",
    "Consistency": "isomorph.consistency",
    "Features": "isomorph.features",
    "Gram": "isomorph.geometry",
    "Probe": "isomorph.probes",
    "RDM": "isomorph.geometry",
    "Results": "isomorph.results",
    "Score": "isomorph.inference",
    "Similarities": "isomorph.consistency",
    "Stimuli": "isomorph.stimuli",
    "Store": "isomorph.store",
    "all_pairs": "isomorph.pairwise",
    "compare": "isomorph.measures",
    "consistency": "",
    "encode": "isomorph.encoding",
    "evaluate": "isomorph.results",
    "extract": "isomorph.models",
    "list_benchmarks": "isomorph.benchmarks",
    "list_models": "isomorph.models",
    "load_benchmark": "isomorph.benchmarks",
    "load_brain": "isomorph.brains:load_recording",
    "load_features": "isomorph.features",
    "load_measure": "isomorph.measures",
    "load_model": "isomorph.models",
    "load_stimuli": "isomorph.benchmarks",
    "measures": "",
    "report": "isomorph.report",
    "wrap_model": "isomorph.models",
}

__all__ = ["__version__", *sorted(_EXPORTS)]  # noqa: PLE0604
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
