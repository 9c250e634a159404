"""What an extraction returns: features or Gram matrices by layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph.errors import InputError
from isomorph.features import Features
from isomorph.models._plan import LayerInfo

if TYPE_CHECKING:
    from isomorph.geometry import Gram
    from isomorph.store import Store


class NoSuchLayerError(InputError, KeyError):
    """A layer that was not extracted."""

    def __init__(self, name: str, layers: Iterable[str]) -> None:
        close = get_close_matches(name, [*layers], n=3, cutoff=0.6)
        hint = f"Did you mean {' or '.join(map(repr, close))}?" if close else f"There are: {', '.join([*layers][:12])}."
        self.message = f"the extraction holds no layer {name!r}. {hint}"
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message


class Extraction(Mapping[str, "Features | Gram"]):
    """Layers by name, in the order in which they run; each is loaded when it is first asked for.

    A layer that was left out because it equals an earlier one is not listed, but asking for it gives the one that stands for it.

    Attributes:
        layers: What is known of each layer: shape, width, depth, parent, the layer it equals.
        duplicates: Layers that equal an earlier one and were left out, and which.
        unusable: Layers that cannot be extracted, and why.
        provenance: Plain data that says how the values came to be.
        fingerprint: The name of the extraction in a store.

    Example:
        >>> import numpy as np
        >>> from isomorph.models import extract, load_model
        >>> from isomorph.stimuli import Stimuli
        >>> noise = np.random.default_rng(0).integers(0, 255, (4, 32, 32, 3), dtype=np.uint8)
        >>> extraction = extract(load_model("bundled/pixels"), Stimuli.from_arrays(noise))
        >>> [layer.name for layer in extraction.layers] == list(extraction)
        True
    """

    def __init__(
        self,
        layers: tuple[LayerInfo, ...],
        load: Callable[[LayerInfo], Features | Gram],
        *,
        fingerprint: str,
        provenance: Mapping[str, Any],
        duplicates: Mapping[str, str],
        unusable: Mapping[str, str],
    ) -> None:
        self.layers = layers
        self.fingerprint = fingerprint
        self.provenance = provenance
        self.duplicates = duplicates
        self.unusable = unusable
        self._by_name = {layer.name: layer for layer in layers}
        self._load = load
        self._loaded: dict[str, Features | Gram] = {}

    def __getitem__(self, name: str) -> Features | Gram:
        if name not in self._by_name:
            name = self.duplicates.get(name, name)
        if name not in self._by_name:
            raise NoSuchLayerError(name, self._by_name)
        if name not in self._loaded:
            self._loaded[name] = self._load(self._by_name[name])
        return self._loaded[name]

    @property
    def ids(self) -> tuple[str, ...]:
        """The stimuli, in the order of the rows."""
        return next(iter(self.values())).ids

    def grouped(self, groups: Mapping[str, str] | None, *, store: Store | Path | str | None = None) -> Extraction:
        """One row a group, the mean of its rows: an extraction of captions becomes one of pictures.

        Features and sketches are averaged, Gram matrices become those of the averages. Groups may have different sizes: each counts once.
        `provenance["grouped"]` says how many rows and groups there are, and how many rows the smallest and largest have.

        Args:
            groups: Of each id its group: `Stimuli.groups`. Groups stand in the order of their first rows.
            store: Where to keep the result, under a fingerprint of its own; None computes each layer when it is asked for.

        Raises:
            InputError: There are no groups.
            IdError: A stimulus belongs to no group.

        Example:
            >>> from isomorph.models import extract, load_model
            >>> from isomorph.stimuli import Stimuli
            >>> captions = Stimuli.from_texts({"dog#1": "a dog", "dog#2": "a dog runs", "cat#1": "a cat"})
            >>> x = extract(load_model("bundled/minilm_l6_v2"), captions).grouped({"dog#1": "dog", "dog#2": "dog", "cat#1": "cat"})
            >>> x.ids, x.provenance["grouped"]["most"]
            (('dog', 'cat'), 2)
        """
        from isomorph.models._grouped import grouped

        return grouped(self, groups, store)

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self.layers)

    def __repr__(self) -> str:
        return f"Extraction({self.provenance.get('model_name', '')!r}, {len(self)} layers, fingerprint={self.fingerprint[:12]})"
