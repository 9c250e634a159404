"""Vision and language models of transformers: a catalogue, any repository of the hub, and folders."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from isomorph import spec
from isomorph.errors import MissingDependencyError
from isomorph.models._card import Modality, ModelCard
from isomorph.models._text_recipe import TextRecipe, attention_mask
from isomorph.models._transformers_place import Place, from_place, locate, split_name
from isomorph.models._transformers_recipe import TransformersRecipe, recipe_at

if TYPE_CHECKING:
    from isomorph.models._model import Model

INSTALL = "pip install 'isomorph[hf]'"
_OF_THE_CARD = ("summary", "objective", "training_data", "architecture", "licence", "citation", "parameters")


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """What a name means.

    Attributes:
        name: The full name, without its tower.
        untrained: The name of the same network without weights.
        place: Where its files lie.
        row: Its row in the catalogue; empty where it has none.
        seed: Where the weights are random.
        tower: The tower that the name ends in; empty where it does not say.
    """

    name: str
    untrained: str
    place: Place
    row: Mapping[str, Any]
    seed: int | None
    tower: str


class TransformersSource:
    """The rows of `transformers.toml` say what no file on the hub says; what has no row is described by its own files.

    transformers is imported when a network is built, or when a card is asked for that has no row.
    """

    @cached_property
    def _rows(self) -> dict[str, dict[str, Any]]:
        return tomllib.loads((resources.files("isomorph.models") / "transformers.toml").read_text(encoding="utf-8"))

    def names(self) -> list[str]:
        """The catalogue; any other id of the hub, or a folder, is a name too."""
        self._check()
        return list(self._rows)

    def card(self, name: str) -> ModelCard:
        """The facts of the row, or what the model's own files say; nothing is built."""
        return self._card(self._resolve(name))

    def build(self, name: str) -> Model:
        """Build the network, or one tower of it; weights come from a folder, the hub's cache, or the hub once."""
        from isomorph.models._model import Model
        from isomorph.models._weights import seeded, weights_digest

        wanted = self._resolve(name)
        self._check()
        card = self._card(wanted)
        drawn = wanted.seed is not None
        module = seeded(lambda: self.untrained(name), wanted.seed or 0) if drawn else _pretrained(wanted, card.modality)
        digest = weights_digest(module.state_dict())
        card = replace(card, parameters=sum(each.numel() for each in module.parameters()))
        recipe = _recipe(wanted, card.modality)
        if card.modality == "image":
            return Model(card=card, module=module, weights=digest, recipe=recipe, preparation=_prepare)
        from isomorph.models._transformers_network import padded_length
        from isomorph.models._transformers_texts import read_tokenizer, texts, tokenizer_digest

        tokenizer = read_tokenizer(wanted.place, untrained=wanted.untrained)
        return Model(
            card=card,
            module=module,
            weights=f"{digest}+{tokenizer_digest(tokenizer)}",
            recipe=recipe,
            preparation=texts(tokenizer, length=padded_length(_config(wanted))),
            mask=attention_mask,
        )

    def untrained(self, name: str) -> Any:
        """The network, or one tower of it, with whatever weights it draws."""
        self._check()
        from isomorph.models._transformers_network import untrained

        wanted = self._resolve(name)
        return untrained(_config(wanted), self._card(wanted).modality, wanted.name)

    def _card(self, wanted: _Wanted) -> ModelCard:
        facts = {key: wanted.row[key] for key in _OF_THE_CARD if key in wanted.row}
        if wanted.row:
            reads: tuple[Modality, ...] = tuple(wanted.row["modalities"])
        else:
            self._check()
            reads, facts = _described(wanted)
        modality = next((each for each in reads if each == wanted.tower), reads[0])
        if modality != reads[0]:
            facts.pop("parameters", None)
        if wanted.seed is not None:
            facts |= {"objective": "none", "training_data": "none", "licence": "", "summary": f"{facts['summary']}, random weights"}
        return ModelCard(
            name=wanted.name if modality == reads[0] else f"{wanted.name}:{modality}",
            source="hf",
            modality=modality,
            modalities=reads,
            upstream=wanted.place.where if wanted.seed is None else "drawn on this machine from the seed",
            revision=wanted.place.revision,
            recipe=spec.to_plain(_recipe(wanted, modality)),
            install=INSTALL,
            **facts,
        )

    def _resolve(self, name: str) -> _Wanted:
        plain, seed, tower = split_name(name)
        key, at, revision = plain.partition("@")
        for each, row in self._rows.items():  # a row with `hub` has a name of ours, whose tag may be left out
            if "hub" in row and key in (each, each.partition(".")[0], row["hub"]):
                key = each
        row = self._rows.get(key, {})
        base = key.partition(".")[0] if "hub" in row else key
        place = replace(locate("hf", f"{row.get('hub', key)}{at}{revision}", self._rows), name=f"hf/{key}{at}{revision}")
        drawn = f"hf/{base}{at}{revision}.random"
        return _Wanted(
            name=place.name if seed is None else f"{drawn}-{seed}", untrained=f"{drawn}-0", place=place, row=row, seed=seed, tower=tower
        )

    def _check(self) -> None:
        if find_spec("transformers") is None:
            raise MissingDependencyError("transformers", needed_by="the model source 'hf'", install=INSTALL)


def _config(wanted: _Wanted) -> Any:
    """The sizes of the network: those of its own files where weights have to fit them, else those of its row."""
    from isomorph.models._transformers_network import make_config, read_config

    return make_config(wanted.row["config"]) if wanted.row and wanted.seed is not None else read_config(wanted.place)


def _pretrained(wanted: _Wanted, modality: Modality) -> Any:
    from isomorph.models._transformers_network import pretrained

    return from_place(wanted.place, lambda: pretrained(wanted.place, _config(wanted), modality), untrained=wanted.untrained)


def _described(wanted: _Wanted) -> tuple[tuple[Modality, ...], dict[str, Any]]:
    """What a model without a row reads, and the facts in its files."""
    from isomorph.models._transformers_network import modalities

    config = _config(wanted)
    summary = f"{config.model_type}, from {'a folder' if wanted.place.folder else 'the hub'}"
    return modalities(config, wanted.name), {"summary": summary, "architecture": config.model_type}


def _recipe(wanted: _Wanted, modality: Modality) -> Any:
    if wanted.row:
        kind, key = (TextRecipe, "text_recipe") if modality == "text" else (TransformersRecipe, "recipe")
        return spec.from_plain(kind, wanted.row[key])
    if modality == "image":
        return recipe_at(wanted.place)
    from isomorph.models._transformers_network import text_limit
    from isomorph.models._transformers_texts import tokenizer_limit

    limits = [each for each in (text_limit(_config(wanted)), tokenizer_limit(wanted.place)) if each]
    return TextRecipe(max_tokens=min(limits, default=None))


def _prepare(recipe: TransformersRecipe, items: Any) -> Any:
    return recipe(items)
