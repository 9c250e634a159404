"""Networks that no maintained package builds, with the weights that their authors publish at a URL."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from importlib import import_module, resources
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from isomorph import spec
from isomorph.errors import FileError, MissingDependencyError, UnknownNameError
from isomorph.models._card import ModelCard
from isomorph.models._image_recipe import ImageRecipe
from isomorph.models._torchvision_guard import import_beside_torchvision
from isomorph.models._weights_file import WeightsFile, published_hash

if TYPE_CHECKING:
    from isomorph.models._model import Model

INSTALL = "pip install 'isomorph[timm]'"
_RANDOM = re.compile(r"(.+)\.random-(\d{1,9})")
_UNPUBLISHED = "No digest is published: the first file here that holds the network is what later ones are compared with."
_FACTS = ("objective", "training_data", "licence", "citation", "note")


class PublishedSource:
    """The rows of the table `<source>.toml`; listing them imports nothing.

    A row has the facts of its card and

    * `builder`: `timm`, `torchvision`, or `module:function` of this package; `network`: what the builder calls it, where that is not
      what stands before the tag; `options` of the builder; `needs`: the package that the builder imports.
    * `url`: where the weights are; `more`: further files that they consist of; `file`: what the file is called in torch's cache, where
      that is not made from the names; `fill`: `module:function` that puts them into the network, where `fill` cannot; `unreadable`: a
      clause that says why they cannot be had.
    * `recipe`: the options of `ImageRecipe` that are not the defaults.
    """

    source = "published"

    @cached_property
    def _rows(self) -> dict[str, dict[str, Any]]:
        return tomllib.loads((resources.files("isomorph.models") / f"{self.source}.toml").read_text(encoding="utf-8"))

    def names(self) -> list[str]:
        """Every network whose library is installed, and what trained it."""
        return [name for name, row in self._rows.items() if find_spec(row["needs"])]

    def card(self, name: str) -> ModelCard:
        """The facts of one row."""
        row, architecture, seed = self._resolve(name)
        drawn = seed is not None
        facts = {"objective": "none", "training_data": "none"} if drawn else {key: row.get(key, "") for key in _FACTS} | _digest(row)
        return ModelCard(
            name=f"{self.source}/{name}",
            source=self.source,
            summary=f"{architecture}, {'random weights' if drawn else name.partition('.')[2]}",
            architecture=row.get("family") or re.split(r"[\d_]", architecture)[0],
            upstream="drawn on this machine from the seed" if drawn else row["url"],
            recipe=spec.to_plain(_recipe(row)),
            install=INSTALL,
            **facts,
        )

    def build(self, name: str) -> Model:
        """Build the network; weights come from torch's cache, or from the network once."""
        from isomorph.models._model import Model
        from isomorph.models._weights import seeded, weights_digest

        row, architecture, seed = self._resolve(name)
        untrained = f"{self.source}/{architecture}.random-0"
        if seed is None and "unreadable" in row:
            raise FileError(f"the weights of '{self.source}/{name}' cannot be read here: {row['unreadable']}. Untrained: {untrained!r}.")
        files = _files(f"{self.source}/{name}", row, untrained) if seed is None else []
        paths = [each.fetch() for each in files]
        module = seeded(lambda: self.untrained(name), seed or 0)
        if paths:
            _target(row.get("fill", "_fill:fill"))(module, *paths)
        for each in files:
            each.remember()
        card = replace(self.card(name), parameters=sum(each.numel() for each in module.parameters()))
        return Model(card=card, module=module, weights=weights_digest(module.state_dict()), recipe=_recipe(row), preparation=_prepare)

    def untrained(self, name: str) -> Any:
        """The network, with whatever weights it draws."""
        import torch

        row, architecture, _ = self._resolve(name)
        if find_spec(row["needs"]) is None:
            raise MissingDependencyError(row["needs"], needed_by=f"the model source {self.source!r}", install=INSTALL)
        network, options = row.get("network", architecture), row.get("options", {})
        if row["builder"] == "timm":
            return import_beside_torchvision("timm").create_model(network, **({"num_classes": 0} | options))
        if row["builder"] == "torchvision":
            module = import_beside_torchvision("torchvision.models").get_model(network, weights=None, **options)
            if "num_classes" not in options:
                module.fc = torch.nn.Identity()
            return module
        return _target(row["builder"])(**options)

    def _resolve(self, name: str) -> tuple[dict[str, Any], str, int | None]:
        """The row, the architecture, and the seed where the weights are random."""
        drawn = _RANDOM.fullmatch(name)
        architecture = drawn[1] if drawn else name.partition(".")[0]
        row = next((row for each, row in self._rows.items() if each.partition(".")[0] == architecture), None)
        if drawn and row:
            return row, architecture, int(drawn[2])
        if name in self._rows:
            return self._rows[name], architecture, None
        raise UnknownNameError("model", f"{self.source}/{name}", [f"{self.source}/{each}" for each in self._rows])


def _files(model: str, row: Mapping[str, Any], untrained: str) -> list[WeightsFile]:
    """The files that a row's weights consist of; the names of those whose authors give them none are made from the model's."""
    files = []
    for url in (row["url"], *row.get("more", ())):
        ending = ".zip" if url.endswith(".zip") else ".pth"
        own = row["file"] if "file" in row else re.sub(r"[/.]", "-", model) + ending
        known = bool(published_hash(url)) or url != row["url"]
        file = url.rpartition("/")[2] if known else own
        files.append(WeightsFile(model=model, url=url, file=file, sha256=published_hash(url) or published_hash(file), untrained=untrained))
    return files


def _digest(row: Mapping[str, Any]) -> dict[str, str]:
    """The digest that the file's name carries, or a word on its absence."""
    sha256, note = published_hash(row["url"]) or published_hash(row.get("file", "")), row.get("note", "")
    return {"weights_sha256": sha256, "note": note if sha256 or "unreadable" in row else f"{note} {_UNPUBLISHED}".lstrip()}


def _target(name: str) -> Any:
    module, _, function = name.partition(":")
    return getattr(import_module(f"isomorph.models.{module}"), function)


def _recipe(row: Mapping[str, Any]) -> ImageRecipe:
    return spec.from_plain(ImageRecipe, {"interpolation": "bilinear"} | row.get("recipe", {}))


def _prepare(recipe: ImageRecipe, items: Any) -> Any:
    return recipe(items)
