"""What people said about stimuli: odd-one-out triplets, ratings, arrangements; and how well features foretell them."""

from isomorph._lazy import lazy_exports

_EXPORTS = {
    "PAIRS": "isomorph.judgments._triplets",
    "Triplets": "isomorph.judgments._triplets",
    "order_hash": "isomorph.judgments._triplets",
}

__all__ = sorted(_EXPORTS)  # noqa: PLE0605
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
