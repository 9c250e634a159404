"""Sentence encoders: a network of transformers, and the modules of sentence-transformers behind it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from importlib import resources
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from isomorph import spec
from isomorph.data import read_json
from isomorph.errors import FileError, InputError, MissingDependencyError
from isomorph.models._card import ModelCard
from isomorph.models._text_recipe import TextRecipe, attention_mask
from isomorph.models._transformers_place import Place, from_place, locate, split_name

if TYPE_CHECKING:
    from isomorph.models._model import Model

INSTALL = "pip install 'isomorph[sentence-transformers]'"
_OF_THE_CARD = ("summary", "training_data", "architecture", "licence", "citation", "parameters")


class SentenceTransformersSource:
    """The rows of `sentence_transformers.toml`, any other repository of the hub, and folders; packages are imported when one is built."""

    @cached_property
    def _rows(self) -> dict[str, dict[str, Any]]:
        return tomllib.loads((resources.files("isomorph.models") / "sentence_transformers.toml").read_text(encoding="utf-8"))

    def names(self) -> list[str]:
        """The catalogue; any other id of the hub, or a folder, is a name too."""
        self._check()
        return list(self._rows)

    def card(self, name: str) -> ModelCard:
        """The facts of the row, or what the model's own files say; nothing is built."""
        plain, seed, _ = split_name(name)
        row, place = self._row(plain), self._place(plain)
        facts = {key: row[key] for key in _OF_THE_CARD if key in row} or {"summary": "sentence encoder"}
        if seed is not None:
            facts |= {"training_data": "none", "licence": "", "summary": f"{facts['summary']}, random weights"}
        return ModelCard(
            name=f"sentence_transformers/{name}",
            source="sentence_transformers",
            modality="text",
            objective="sentence similarity" if seed is None else "none",
            upstream=place.where if seed is None else "drawn on this machine from the seed",
            revision=place.revision,
            recipe=spec.to_plain(self._recipe(plain)),
            install=INSTALL,
            **facts,
        )

    def build(self, name: str) -> Model:
        """Build the encoder; weights come from a folder, the hub's cache, or the hub once."""
        self._check()
        from isomorph.models._model import Model
        from isomorph.models._transformers_texts import read_tokenizer, texts, tokenizer_digest
        from isomorph.models._weights import seeded, weights_digest

        card = self.card(name)
        plain, seed, _ = split_name(name)
        place, spare = self._place(plain), f"sentence_transformers/{plain}.random-0"
        if seed is not None:
            module = seeded(lambda: self.untrained(name), seed)
        else:
            module = from_place(place, lambda: self._encoder(place, trained=True), untrained=spare)
        inner = _network_place(place)
        tokenizer = read_tokenizer(inner, untrained=spare)
        lower = bool(_settings(inner).get("do_lower_case"))
        return Model(
            card=replace(card, parameters=sum(each.numel() for each in module.parameters())),
            module=module,
            weights=f"{weights_digest(module.state_dict())}+{tokenizer_digest(tokenizer)}",
            recipe=self._recipe(plain),
            preparation=texts(tokenizer, prefix=_prompt(place), clean=_stripped_lower if lower else str.strip),
            mask=attention_mask,
        )

    def untrained(self, name: str) -> Any:
        """The encoder with whatever weights it draws."""
        self._check()
        plain, _, _ = split_name(name)
        row = self._row(plain)
        if not row:
            return self._encoder(self._place(plain), trained=False)
        from isomorph.models._sentence_encoder import SentenceEncoder, module_of
        from isomorph.models._transformers_network import make_config, untrained

        config = make_config(row["config"])
        pooling = {"embedding_dimension": config.hidden_size, "pooling_mode": row["pooling"]}
        modules = [module_of(kind, settings) for kind, settings in (("Pooling", pooling), ("Normalize", {})) if kind in row["modules"]]
        return SentenceEncoder(untrained(config, "text", name), modules)

    def _encoder(self, place: Place, *, trained: bool) -> Any:
        from isomorph.models._sentence_encoder import SentenceEncoder, module_at
        from isomorph.models._transformers_network import pretrained, read_config, untrained

        _, *others = _modules(place)
        inner = _network_place(place)
        config = read_config(inner)
        network = pretrained(inner, config, "text") if trained else untrained(config, "text", place.name)
        return SentenceEncoder(network, [module_at(place, each["type"], each["path"], trained=trained) for each in others])

    def _recipe(self, plain: str) -> TextRecipe:
        row = self._row(plain)
        if row:
            return TextRecipe(max_tokens=row["max_tokens"])
        from isomorph.models._transformers_network import read_config, text_limit
        from isomorph.models._transformers_texts import tokenizer_limit

        self._check()
        place = _network_place(self._place(plain))
        own = _settings(place).get("max_seq_length")
        limits = [each for each in (own, text_limit(read_config(place)), tokenizer_limit(place)) if each]
        return TextRecipe(max_tokens=min(limits, default=None))

    def _row(self, plain: str) -> Mapping[str, Any]:
        return self._rows.get(plain.partition("@")[0], {})

    def _place(self, plain: str) -> Place:
        return locate("sentence_transformers", plain, self._rows, marker="modules.json")

    def _check(self) -> None:
        for package in ("transformers", "sentence_transformers"):
            if find_spec(package) is None:
                raise MissingDependencyError(package, needed_by="the model source 'sentence_transformers'", install=INSTALL)


def _modules(place: Place) -> list[dict[str, str]]:
    """The modules in their order: each has a `type` and a `path`.

    Raises:
        InputError: They do not begin with a Transformer.
        FileError: The file does not list modules.
    """
    listed = read_json(place.file("modules.json"))
    if not isinstance(listed, list) or not all(isinstance(each, dict) and {"type", "path"} <= set(each) for each in listed):
        raise FileError(f"modules.json of {place.where} does not list modules with their type and path.")
    if not listed or listed[0]["type"].rpartition(".")[2] != "Transformer":
        first = listed[0]["type"] if listed else "nothing"
        raise InputError(f"{place.name!r} begins with {first}; sentence encoders that begin with a Transformer are understood.")
    return listed


def _network_place(place: Place) -> Place:
    """Where the network lies: beside modules.json, or in a folder within."""
    path = _modules(place)[0]["path"]
    if not path:
        return place
    if not place.folder:
        raise InputError(f"{place.name!r} keeps its network in {path!r}; download the repository and name its folder.")
    return replace(place, where=str(place.inside(path)))


def _settings(place: Place) -> dict[str, Any]:
    """What `sentence_bert_config.json` says; its name is the same for every kind of network."""
    return place.json("sentence_bert_config.json") if place.optional("sentence_bert_config.json") else {}


def _prompt(place: Place) -> str:
    """What stands before every text unless something else is asked for."""
    if place.optional("config_sentence_transformers.json") is None:
        return ""
    settings = place.json("config_sentence_transformers.json")
    name = settings.get("default_prompt_name")
    return str((settings.get("prompts") or {}).get(name, "")) if name else ""


def _stripped_lower(text: str) -> str:
    return text.strip().lower()
