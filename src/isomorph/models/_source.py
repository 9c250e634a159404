"""What a source of models offers."""

from __future__ import annotations

from typing import Protocol

from isomorph.models._card import ModelCard
from isomorph.models._model import Model


class Source(Protocol):
    """One place that models come from; its names stand without the `source/` in front."""

    def names(self) -> list[str]:
        """Every name, quickly: no model is built."""

    def card(self, name: str) -> ModelCard:
        """The facts about one model, without building it."""

    def build(self, name: str) -> Model:
        """The model, on the CPU."""
