"""What was represented: the value, and reading it from files."""

from isomorph._lazy import lazy_exports

_EXPORTS = {
    "Features": "isomorph.features._features",
    "load_features": "isomorph.features._load_features",
    "relative": "isomorph.features._relative",
    "save_thingsvision": "isomorph.features._save_thingsvision",
}

__all__ = sorted(_EXPORTS)  # noqa: PLE0605
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
