"""The architectures of keras.applications, and files of Keras, on torch."""

from __future__ import annotations

import re
import tomllib
import zipfile
from dataclasses import replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph import spec
from isomorph.data._digest import sha256_of
from isomorph.errors import FetchError, FileError, InputError, UnknownNameError
from isomorph.models._card import ModelCard
from isomorph.models._layout_recipe import LayoutRecipe, prepare_layout
from isomorph.models._picture_input import PictureInput

if TYPE_CHECKING:
    from isomorph.models._model import Model

INSTALL = "pip install 'isomorph[keras]'"
LIMIT_BYTES = 8 << 30
_RANDOM = re.compile(r"(\w+)\.random-(\d{1,9})")
_SAFE = (3, 12)  # earlier ones let a file import modules and read other files
_UNSCALED: dict[str, Any] = {"resize": "squash", "maximum": 255.0, "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}


class KerasSource:
    """The rows of `keras.toml`, and files by their path; listing the rows imports nothing."""

    @cached_property
    def _table(self) -> dict[str, Any]:
        return tomllib.loads((resources.files("isomorph.models") / "keras.toml").read_text(encoding="utf-8"))

    def names(self) -> list[str]:
        """Every architecture with its ImageNet weights."""
        return [f"{name}.imagenet" for name in self._table["architectures"]]

    def card(self, name: str) -> ModelCard:
        """What keras.applications says of it; nothing is built."""
        if _is_file(name):
            return ModelCard(
                name=f"keras/{name}",
                source="keras",
                summary="a model saved by Keras, on torch",
                upstream="a file of the user's",
                weights_sha256=sha256_of(_file(name)),
                install=INSTALL,
                note="A file does not say how pictures are prepared; assumed are the whole picture, squashed, and values between 0 and "
                "255. Change it with recipe=…",
            )
        architecture, tag = self._resolve(name)
        _, mode = self._table["architectures"][architecture]
        trained = tag == "imagenet"
        return ModelCard(
            name=f"keras/{architecture}{'' if tag.startswith('@') else '.'}{tag}",
            source="keras",
            summary=f"{architecture}, {'ImageNet weights' if trained else 'random weights' if tag[0] == 'r' else 'weights of the user'}",
            objective="classification" if trained else "" if tag.startswith("@") else "none",
            training_data="ImageNet-1k" if trained else "" if tag.startswith("@") else "none",
            architecture=re.split(r"\d|V2|B\d|Tiny|Small|Base|Large|XLarge|Mobile$", architecture)[0].lower(),
            licence="Apache-2.0" if trained else "",
            citation=f"https://keras.io/api/applications, {architecture}",
            upstream="keras.applications" if trained else "",
            recipe=spec.to_plain(self._recipe(architecture)),
            install=INSTALL,
            note=f"Values are those of its preprocess_input (mode {mode!r}); Keras names no resize, so that the centre crop is assumed.",
        )

    def build(self, name: str) -> Model:
        """Build or read the network, on torch; ImageNet weights come from Keras's cache, or from the network once."""
        import torch

        from isomorph.models._keras_network import KerasNetwork, drawn, keras_on_torch, settings
        from isomorph.models._model import Model
        from isomorph.models._weights import weights_digest

        keras = keras_on_torch(needed_by=repr(f"keras/{name}"))
        with settings(keras, torch.device("cpu"), fresh=True):
            if _is_file(name):
                network = _read(keras, _file(name))
                recipe = _takes(network, f"keras/{name}").recipe(**_UNSCALED)
            else:
                architecture, tag = self._resolve(name)
                recipe = self._recipe(architecture)
                network = self._network(keras, architecture, tag, drawn)
        module = KerasNetwork(keras, network, _takes(network, f"keras/{name}"))
        card = replace(self.card(name), parameters=network.count_params(), recipe=spec.to_plain(recipe))
        return Model(card=card, module=module, weights=weights_digest(module.state_dict()), recipe=recipe, preparation=prepare_layout)

    def _network(self, keras: Any, architecture: str, tag: str, drawn: Any) -> Any:
        make = getattr(keras.applications, architecture, None)
        if make is None:
            raise InputError(f"Keras {keras.__version__} has no {architecture}. {INSTALL} --upgrade brings one that has.")
        if tag == "imagenet":
            return _fetched(lambda: make(weights="imagenet"), architecture)
        seed = int(tag.removeprefix("random-")) if not tag.startswith("@") else 0
        network = drawn(lambda: make(weights=None), seed)
        if tag.startswith("@"):
            _fill(network, _file(tag[1:]), architecture)
        return network

    def _recipe(self, architecture: str) -> LayoutRecipe:
        side, mode = self._table["architectures"][architecture]
        size = {"height_pixels": side, "width_pixels": side, "resize_pixels": round(side * 256 / 224), "layout": "nhwc"}
        return spec.from_plain(LayoutRecipe, size | self._table["modes"][mode])

    def _resolve(self, name: str) -> tuple[str, str]:
        """The architecture, and `imagenet`, `random-SEED` or `@PATH`."""
        architecture, at, path = name.partition("@")
        drawn = _RANDOM.fullmatch(name)
        if drawn:
            architecture, tag = drawn[1], f"random-{int(drawn[2])}"
        elif at:
            tag = f"@{path}"
        else:
            architecture, tag = name.removesuffix(".imagenet"), "imagenet"
        if architecture not in self._table["architectures"]:
            raise UnknownNameError("model", f"keras/{name}", [f"keras/{each}" for each in self.names()])
        return architecture, tag


def _is_file(name: str) -> bool:
    return "@" not in name and name.endswith((".keras", ".h5", ".hdf5"))


def _file(name: str) -> Path:
    path = Path(name).expanduser()
    if not path.is_file():
        raise FileError(
            f"there is no file {path}. Names of Keras models are 'keras/Architecture', 'keras/PATH.keras' or, for weights alone, "
            f"'keras/Architecture@PATH.weights.h5'."
        )
    return path


def _read(keras: Any, path: Path) -> Any:
    """A whole model, as data: code in the file is refused by Keras itself."""
    if path.suffix != ".keras":
        raise FileError(
            f"{path} is a whole model in HDF5, which may hold code, and is not read. Save it with model.save('model.keras'), or "
            f"its weights alone with model.save_weights, and load those as 'keras/Architecture@{path.stem}.weights.h5'."
        )
    if tuple(int(each) for each in keras.__version__.split(".")[:2]) < _SAFE:
        raise InputError(f"Keras {keras.__version__} does not read a .keras file safely; 3.12 does. Run: pip install --upgrade keras")
    try:
        with zipfile.ZipFile(path) as members:
            total = sum(each.file_size for each in members.infolist())
        if total > LIMIT_BYTES:
            raise FileError(f"{path} holds {total:,} bytes unpacked; more than {LIMIT_BYTES:,} are not read.")
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except FileError:
        raise
    except Exception as error:
        raise FileError(f"{path} is not a model that Keras reads safely: {_line(error)}") from error


def _fill(network: Any, path: Path, architecture: str) -> None:
    try:
        network.load_weights(path)
    except Exception as error:
        raise FileError(f"{path} does not hold the weights of {architecture}: {_line(error)}") from error


def _fetched(make: Any, architecture: str) -> Any:
    try:
        return make()
    except Exception as error:
        if not isinstance(error, OSError) and "URL fetch failure" not in str(error):
            raise
        raise FetchError(
            f"the weights of 'keras/{architecture}.imagenet' are not in Keras's cache and their server cannot be reached: {_line(error)} "
            f"Put the file into the folder models under $KERAS_HOME (~/.keras), or use untrained weights: 'keras/{architecture}.random-0'."
        ) from error


def _takes(network: Any, subject: str) -> PictureInput:
    if len(network.inputs) != 1:
        raise InputError(f"{subject} has {len(network.inputs)} inputs; a model of pictures has one.")
    takes = network.inputs[0]
    return PictureInput.checked(takes.name, takes.dtype, list(takes.shape), subject=subject)


def _line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
