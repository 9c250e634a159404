"""What a store remembers of models, so that a plan need not load them: their cards and fingerprints, never their weights."""

from __future__ import annotations

import json
import platform
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from isomorph import spec
from isomorph._version import __version__
from isomorph.errors import IsomorphError
from isomorph.models._card import ModelCard
from isomorph.store import Store
from isomorph.store._atomic import make_folder, write_bytes

_PACKAGES = ("torch", "numpy", "timm", "torchvision", "open_clip_torch", "transformers", "tokenizers", "safetensors")
_UNTRAINED = re.compile(r"(timm|torchvision|open_clip)/[^/]+\.random-\d{1,9}(:\w+)?")


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What stands for a model until its network is needed.

    Attributes:
        card: What is known about it, now that it has been built once.
        fingerprint: Names what it computes.
        seen: The stimuli whose human judgments it was fitted to.
    """

    card: ModelCard
    fingerprint: str
    seen: tuple[str, ...] = ()


def recall(store: Store, name: str) -> ModelFacts | None:
    """What the store remembers of the model called `name`, as it would be built here and now; None if nothing."""
    path = _path(store, name)
    if path is None:
        return None
    try:
        return spec.from_plain(ModelFacts, json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):  # InputError is a ValueError
        return None


def remember(store: Store, name: str, facts: ModelFacts) -> None:
    """Keep facts of a model whose every source of weights can be told from here; of others nothing is kept."""
    path = _path(store, name)
    if path is not None:
        with suppress(OSError, IsomorphError):  # it is but a convenience
            make_folder(path.parent)
            write_bytes(path, json.dumps(spec.to_plain(facts)).encode(), durable=False)


def forget(store: Store, name: str) -> None:
    """Remove what is remembered of a model."""
    path = _path(store, name)
    if path is not None:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _path(store: Store, name: str) -> Path | None:
    """The file's name is a digest of all that decides the fingerprint: a change of any of it makes another file."""
    from isomorph.models._load import model_card

    try:
        files = _files(name)
        card = spec.to_plain(model_card(name)) if files is not None else None
    except (IsomorphError, OSError):
        return None  # loading it says what is wrong
    if files is None:
        return None
    return store.path / "models" / f"{spec.fingerprint([name, card, _states(files), *_surroundings()])}.json"


def _files(name: str) -> list[Path] | None:
    """The files that the weights come from; None where that is not known, as of what a hub's cache holds."""
    if _UNTRAINED.fullmatch(name):
        return []
    if not name.startswith("bundled/"):
        return None
    from isomorph.models._bundled import BundledSource

    return BundledSource().files(name.removeprefix("bundled/"))


def _states(files: list[Path]) -> list[Any]:
    return [[str(path), path.stat().st_size, path.stat().st_mtime_ns] for path in files]


@cache
def _surroundings() -> tuple[Any, ...]:
    """Versions, our own code (which a checkout changes without a version), and the processor: random weights are drawn on it."""
    found: dict[str, str] = {}
    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    code = sorted(path for path in Path(__file__).parent.iterdir() if path.suffix in (".py", ".toml"))
    return __version__, platform.python_version(), found, _states(code), _processor()


def _processor() -> list[str]:
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        told = {line for line in lines if line.lower().startswith(("model name", "flags", "features", "cpu implementer", "cpu part"))}
        if told:
            return sorted(told)
    return [platform.node(), platform.machine()]
