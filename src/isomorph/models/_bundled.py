"""Models whose weights install as packages, and the controls."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cached_property
from importlib import import_module, resources
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph import spec
from isomorph.data import packaged_file
from isomorph.errors import MissingDependencyError, UnknownNameError
from isomorph.models._card import ModelCard

if TYPE_CHECKING:
    from isomorph.models._model import Model

_OF_THE_CARD = (
    *("summary", "modality", "objective", "training_data", "architecture", "parameters"),
    *("licence", "citation", "upstream", "package", "install"),
)
_RANDOM = re.compile(r"(.+)\.random-(\d{1,9})")


class BundledSource:
    """The rows of `bundled.toml`; listing them imports nothing."""

    @cached_property
    def _rows(self) -> dict[str, dict[str, Any]]:
        return tomllib.loads((resources.files("isomorph.models") / "bundled.toml").read_text(encoding="utf-8"))

    def names(self) -> list[str]:
        """Every bundled model."""
        return list(self._rows)

    def card(self, name: str) -> ModelCard:
        """The facts of one row."""
        row, _ = self._row(name)
        facts = {key: row[key] for key in _OF_THE_CARD if key in row}
        digest = row["files"][0]["sha256"] if "files" in row else ""
        return ModelCard(name=f"bundled/{name}", source="bundled", weights_sha256=digest, recipe=spec.to_plain(_recipe(row)), **facts)

    def build(self, name: str) -> Model:
        """Verify the files, build the network and fill it."""
        from isomorph.models._model import Model
        from isomorph.models._text_recipe import attention_mask
        from isomorph.models._weights import weights_digest

        row, options = self._row(name)
        self._check_needs(name, row)
        files = [
            packaged_file(each["package"], each["file"], sha256=each["sha256"], install=row["install"]) for each in row.get("files", ())
        ]
        module_name, _, attribute = row["builder"].partition(":")
        builder = import_module(module_name)
        module = getattr(builder, attribute)(files, options)
        text = row.get("modality") == "text"
        return Model(
            card=self.card(name),
            module=module,
            weights=f"sha256:{row['files'][0]['sha256']}" if files else weights_digest(module.state_dict()),
            recipe=_recipe(row),
            preparation=builder.preparation(files) if text else _prepare_images,
            mask=attention_mask if text else None,
        )

    def files(self, name: str) -> list[Path]:
        """The files that its weights come from; not verified."""
        row, _ = self._row(name)
        return [packaged_file(each["package"], each["file"], install=row["install"]) for each in row.get("files", ())]

    def _row(self, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The row of `name` and its builder's options; a random control may have any seed."""
        drawn = _RANDOM.fullmatch(name)
        known = name if drawn is None else f"{drawn[1]}.random-0"
        if known not in self._rows:
            raise UnknownNameError("model", f"bundled/{name}", [f"bundled/{each}" for each in self._rows])
        row = self._rows[known]
        return row, dict(row.get("options", {})) | ({"seed": int(drawn[2])} if drawn else {})

    def _check_needs(self, name: str, row: Mapping[str, Any]) -> None:
        for package in [*(each["package"] for each in row.get("files", ())), *row.get("needs", ())]:
            if find_spec(package) is None:
                raise MissingDependencyError(package, needed_by=repr(f"bundled/{name}"), install=row["install"])


def _recipe(row: Mapping[str, Any]) -> Any:
    from isomorph.models._image_recipe import ImageRecipe
    from isomorph.models._text_recipe import TextRecipe

    kind = TextRecipe if row.get("modality") == "text" else ImageRecipe
    return spec.from_plain(kind, row.get("recipe", {}))


def _prepare_images(recipe: Any, items: Any) -> Any:
    return recipe(items)
