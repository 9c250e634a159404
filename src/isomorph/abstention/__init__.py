"""When not to answer: scores that say how unsure a model is, calibrated, and combined with its answers."""

from isomorph._lazy import lazy_exports

_EXPORTS: dict[str, str] = {}

__all__ = sorted(_EXPORTS)  # noqa: PLE0605
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
