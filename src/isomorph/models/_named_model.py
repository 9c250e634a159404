"""A model that is loaded when its network is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

from isomorph.errors import DeviceError, StoreError
from isomorph.models._card import Modality, ModelCard
from isomorph.models._load import load_model, model_card
from isomorph.models._model import Model
from isomorph.models._model_memory import ModelFacts, forget, recall, remember
from isomorph.store import Store


@dataclass(frozen=True, kw_only=True, eq=False)
class NamedModel:
    """Stands for a model in plans: `card`, `fingerprint` and `seen` are those of the model that `load` gives.

    Attributes:
        asked: The name that was asked for.
        store: What remembers the fingerprints of models, so that a plan of bundled and untrained models loads none of them.
        build: Gives the model; it may keep the last one.
        device: Where the model runs.
    """

    asked: str
    store: Store
    build: Callable[[str], Model]
    device: str = "cpu"

    @property
    def card(self) -> ModelCard:
        """What is known about it once it is built."""
        return self._facts.card

    @cached_property
    def known(self) -> ModelCard:
        """What is known about it before it is loaded."""
        return model_card(self.asked)

    @property
    def name(self) -> str:
        """`source/architecture.tag`."""
        return self.known.name

    @property
    def modality(self) -> Modality:
        """`image` or `text`."""
        return self.known.modality

    @property
    def fingerprint(self) -> str:
        """Names what the model computes."""
        return self._facts.fingerprint

    @property
    def seen(self) -> tuple[str, ...]:
        """The stimuli whose human judgments it was fitted to."""
        return self._facts.seen

    def load(self) -> Model:
        """The model itself.

        Raises:
            StoreError: It is another one than the store remembers; that is forgotten, so that the next run begins with the right one.
        """
        model = self.build(self.asked)
        if model.fingerprint != self.fingerprint:
            forget(self.store, self.asked)
            raise StoreError(
                f"{self.asked} is not what the store {self.store.path} remembers of it: its files or packages changed in a way that cannot "
                "be seen from outside. That is forgotten now; run again, which computes with the model as it is."
            )
        return model

    @cached_property
    def _facts(self) -> ModelFacts:
        known = recall(self.store, self.asked)
        if known is None:
            try:
                model = self.build(self.asked)
            except DeviceError:  # a machine that only plans; the device is no part of any of this
                model = load_model(self.asked)
            known = ModelFacts(card=model.card, fingerprint=model.fingerprint, seen=model.seen)
            remember(self.store, self.asked, known)
        return known


def named_models(names: Sequence[str], *, device: str, store: Store) -> list[NamedModel]:
    """Models by name, of which no more than one is in memory at a time."""
    build = lru_cache(maxsize=1)(partial(load_model, device=device))  # the next unit is often of the same model
    return [NamedModel(asked=name, store=store, build=build, device=device) for name in names]


def loaded(model: Model | NamedModel) -> Model:
    """The network itself, whichever stands for it."""
    return model.load() if isinstance(model, NamedModel) else model
