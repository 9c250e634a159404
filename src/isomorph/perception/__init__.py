"""What systems answer when they are shown something: people's and models' answers as distributions and decisions, and how alike they are."""

from isomorph._lazy import lazy_exports

_EXPORTS: dict[str, str] = {}

__all__ = sorted(_EXPORTS)  # noqa: PLE0605
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
