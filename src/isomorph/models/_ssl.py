"""Self-supervised networks whose weights are on no hub: their architecture, and weights from files."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph import spec
from isomorph.errors import FetchError, FileError, MissingDependencyError, UnknownNameError
from isomorph.models._card import ModelCard
from isomorph.models._image_recipe import ImageRecipe
from isomorph.models._torchvision_guard import import_beside_torchvision

if TYPE_CHECKING:
    from isomorph.models._model import Model

INSTALL = "pip install 'isomorph[timm]'"
_RANDOM = re.compile(r"(.+)\.random-(\d{1,9})")
# Where training code puts a network inside its checkpoint, outermost first; and what it calls the network there.
_WRAPPERS = ("classy_state_dict", "base_model", "model", "trunk", "model_state_dict", "state_dict", "teacher")
_PREFIXES = ("module.", "_feature_blocks.", "backbone.", "encoder_q.")


class SslSource:
    """The rows of `ssl.toml`; listing them imports nothing."""

    @cached_property
    def _rows(self) -> dict[str, dict[str, str]]:
        return tomllib.loads((resources.files("isomorph.models") / "ssl.toml").read_text(encoding="utf-8"))

    def names(self) -> list[str]:
        """Every network whose library is installed, and the method that trained it."""
        return [name for name, row in self._rows.items() if find_spec(row["builder"])]

    def card(self, name: str) -> ModelCard:
        """The facts of one row."""
        row, architecture, seed = self._resolve(name)
        drawn = seed is not None
        return ModelCard(
            name=f"ssl/{name}",
            source="ssl",
            summary=f"{architecture}, {'random weights' if drawn else name.partition('.')[2]}",
            objective="none" if drawn else row["objective"],
            training_data="none" if drawn else "ImageNet-1k",
            architecture=re.split(r"[\d_]", architecture)[0],
            licence="" if drawn else row.get("licence", ""),
            citation="" if drawn else row["citation"],
            upstream="drawn on this machine from the seed" if drawn else row["url"],
            recipe=spec.to_plain(_recipe(row)),
            install=INSTALL,
        )

    def build(self, name: str) -> Model:
        """Build the network; weights come from torch's cache, or from the network once."""
        from isomorph.models._model import Model
        from isomorph.models._weights import seeded, weights_digest

        row, _, seed = self._resolve(name)
        module = seeded(lambda: self.untrained(name), seed or 0)
        if seed is None:
            fill(module, _file(name, row["url"]))
        card = replace(self.card(name), parameters=sum(each.numel() for each in module.parameters()))
        return Model(card=card, module=module, weights=weights_digest(module.state_dict()), recipe=_recipe(row), preparation=_prepare)

    def untrained(self, name: str) -> Any:
        """The network without a classifier, with whatever weights it draws."""
        import torch

        row, architecture, _ = self._resolve(name)
        if find_spec(row["builder"]) is None:
            raise MissingDependencyError(row["builder"], needed_by="the model source 'ssl'", install=INSTALL)
        if row["builder"] == "timm":
            return import_beside_torchvision("timm").create_model(architecture, num_classes=0)
        module = import_beside_torchvision("torchvision.models").get_model(architecture, weights=None)
        module.fc = torch.nn.Identity()
        return module

    def _resolve(self, name: str) -> tuple[dict[str, str], str, int | None]:
        """The row, the architecture, and the seed where the weights are random."""
        drawn = _RANDOM.fullmatch(name)
        architecture = drawn[1] if drawn else name.partition(".")[0]
        row = next((row for each, row in self._rows.items() if each.partition(".")[0] == architecture), None)
        if drawn and row:
            return row, architecture, int(drawn[2])
        if name in self._rows:
            return self._rows[name], architecture, None
        raise UnknownNameError("model", f"ssl/{name}", [f"ssl/{each}" for each in self._rows])


def fill(module: Any, path: Path) -> None:
    """Put the weights of a training checkpoint into a network; every one of the network's must be there.

    Raises:
        FileError: The file holds more than tensors, or not this network.
    """
    found = _innermost(_read(path))
    found = {_bare(key): each for key, each in found.items() if hasattr(each, "shape")}
    if hasattr(module, "cls_attn_blocks"):  # timm names some parts of XCiT otherwise than its authors
        found = import_beside_torchvision("timm.models.xcit").checkpoint_filter_fn(found, module)
    state = module.state_dict()
    missing = [key for key in state if key not in found and not key.endswith("num_batches_tracked")]
    wrong = [key for key in state if key in found and found[key].shape != state[key].shape]
    if missing or wrong:
        first = (missing + wrong)[0]
        raise FileError(
            f"{path} does not hold this network: of its {len(state)} tensors {len(missing)} are missing and {len(wrong)} have another "
            f"shape; the first is {first!r}."
        )
    module.load_state_dict({key: found.get(key, each) for key, each in state.items()})


def _read(path: Path) -> Any:
    from pickle import UnpicklingError

    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError) as error:
        raise FileError(
            f"{path} holds more than tensors, or is damaged, and is not read: {str(error).splitlines()[0]} If you trust where it comes "
            f"from, save the tensors of its network alone with torch.save(state_dict, path), and put that file in its place."
        ) from error


def _innermost(held: Any) -> Mapping[str, Any]:
    """The table of tensors inside a checkpoint."""
    while isinstance(held, Mapping):
        inner = next((held[key] for key in _WRAPPERS if isinstance(held.get(key), Mapping)), None)
        if inner is None:
            return held
        held = inner
    return {}


def _bare(key: str) -> str:
    for prefix in _PREFIXES:
        key = key.removeprefix(prefix)
    return key


def _file(name: str, url: str) -> Path:
    """The file of the weights in torch's cache, fetched when it is not there."""
    import torch

    path = Path(torch.hub.get_dir()) / "checkpoints" / f"ssl-{name.replace('.', '-')}.pth"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, str(path), progress=False)
        except OSError as error:
            raise FetchError(
                f"the weights of 'ssl/{name}' are not in torch's cache and {url} cannot be reached. Put the file there as {path.name} "
                f"(the folder hub/checkpoints under $TORCH_HOME), or use untrained weights: 'ssl/{name.partition('.')[0]}.random-0'."
            ) from error
    return path


def _recipe(row: Mapping[str, str]) -> ImageRecipe:
    return spec.from_plain(ImageRecipe, {"interpolation": row.get("interpolation", "bilinear")})


def _prepare(recipe: ImageRecipe, items: Any) -> Any:
    return recipe(items)
