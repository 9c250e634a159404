"""Models that look at stimuli: cards, sources, and features of every layer in one forward pass."""

from isomorph._lazy import lazy_exports

_EXPORTS = {
    "Adversarial": "isomorph.models._fgsm",
    "Extraction": "isomorph.models._extraction",
    "ExtractionPlan": "isomorph.models._plan",
    "ImageRecipe": "isomorph.models._image_recipe",
    "LayerGroups": "isomorph.models._extract_groups",
    "Model": "isomorph.models._model",
    "ModelCard": "isomorph.models._card",
    "TextRecipe": "isomorph.models._text_recipe",
    "extract": "isomorph.models._extract",
    "ExtractionRange": "isomorph.models._extract_ranges",
    "extraction_ranges": "isomorph.models._extract_ranges",
    "extract_groups": "isomorph.models._extract_groups",
    "layer_table": "isomorph.models._layer_table",
    "fgsm": "isomorph.models._fgsm",
    "list_models": "isomorph.models._load",
    "load_model": "isomorph.models._load",
    "model_card": "isomorph.models._load",
    "outline": "isomorph.models._outline",
    "penultimate": "isomorph.models._penultimate",
    "roster": "isomorph.models._roster",
    "sources": "isomorph.models._load",
    "stored_extraction": "isomorph.models._stored_extraction",
    "untrained_twin": "isomorph.models._untrained_twin",
    "wrap_model": "isomorph.models._wrap",
}

__all__ = sorted(_EXPORTS)  # noqa: PLE0605
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
