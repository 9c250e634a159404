"""Linear probes: how well labels can be read from features."""

from isomorph._lazy import lazy_exports

_EXPORTS = {
    "Probe": "isomorph.probes._probe",
    "ProbeJoin": "isomorph.probes._probe_paths",
    "ProbePath": "isomorph.probes._probe_paths",
    "ProbeResult": "isomorph.probes._probe_result",
    "QueryClassifier": "isomorph.probes._query_classifier",
    "Trial": "isomorph.probes._probe_result",
    "ZeroShot": "isomorph.probes._zero_shot",
    "ZeroShotResult": "isomorph.probes._zero_shot",
    "expected_calibration_error": "isomorph.probes._accuracy",
    "probe_paths": "isomorph.probes._probe_paths",
    "query_classifier": "isomorph.probes._query_classifier",
}

__all__ = sorted(_EXPORTS)  # noqa: PLE0605
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
