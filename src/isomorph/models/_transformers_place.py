"""Where the files of a model of the hub lie: in a folder of the user's, in the hub's cache, or on the hub."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from isomorph.data import read_json
from isomorph.errors import FetchError, FileError, InputError, IsomorphError, UnknownNameError

_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
_RANDOM = re.compile(r"(.+)\.random-(\d{1,9})")
_TOWER = re.compile(r"(.+):(image|text)")
_SAFE = ("model.safetensors", "model.safetensors.index.json")
_PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder, or a repository of the hub at a revision.

    Attributes:
        name: What the model is called: `hf/ORG/NAME`.
        where: The folder, or the id of the repository.
        folder: Which of the two it is.
        revision: The revision of the repository; empty for the newest.
        near: Names that are known, for messages.
    """

    name: str
    where: str
    folder: bool = False
    revision: str = ""
    near: tuple[str, ...] = ()

    def file(self, name: str) -> Path:
        """The file called `name`; downloaded where it is not in the hub's cache.

        Raises:
            FileError: There is no such file.
            UnknownNameError: The hub has no such repository.
            FetchError: The hub cannot be reached.
        """
        found = self.find(name)
        if found is None:
            raise FileError(f"{self._kind()} holds no {name}; a model that was saved by save_pretrained has one.")
        return found

    def find(self, name: str) -> Path | None:
        """The file called `name`, or None where there is none."""
        if self.folder:
            path = Path(self.where) / name
            return path if path.is_file() else None
        from huggingface_hub import try_to_load_from_cache

        cached = try_to_load_from_cache(self.where, name, revision=self.revision or None)
        if cached is not None:
            return Path(cached) if isinstance(cached, str) else None
        return self._download(name)

    def optional(self, name: str) -> Path | None:
        """As `find`, but a file that is not in the cache while the hub is away counts as absent."""
        try:
            return self.find(name)
        except FetchError:
            return None

    def json(self, name: str) -> dict[str, Any]:
        """A file that holds one JSON object."""
        plain = read_json(self.file(name))
        if not isinstance(plain, dict):
            raise FileError(f"{name} of {self.where} does not hold one JSON object.")
        return plain

    def inside(self, path: str) -> Path:
        """A folder within this one.

        Raises:
            FileError: It lies elsewhere.
        """
        whole = Path(self.where).resolve()
        inner = (whole / path).resolve()
        if not inner.is_relative_to(whole):
            raise FileError(f"{self.where} names a folder outside itself, {path!r}; nothing is read there.")
        return inner

    def weights(self) -> Path | None:
        """The file of the weights where it is at hand, safetensors first; None where it has to come from the hub.

        Raises:
            FileError: The folder has none.
        """
        from huggingface_hub import try_to_load_from_cache

        for name in (*_SAFE, *_PICKLED):
            found = self.find(name) if self.folder else try_to_load_from_cache(self.where, name, revision=self.revision or None)
            if isinstance(found, str | Path):
                return Path(found)
        if self.folder:
            raise FileError(
                f"{self._kind()} holds no weights: there is no {' and no '.join((_SAFE[0], _PICKLED[0]))}. "
                f"{f'{self.name}.random-0'!r} is the same network untrained."
            )
        return None

    def _download(self, name: str) -> Path | None:
        from huggingface_hub import HfApi, hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError

        try:
            HfApi().model_info(self.where, revision=self.revision or None, timeout=10)  # a download that cannot begin retries for a minute
            return Path(hf_hub_download(self.where, name, revision=self.revision or None))
        except RevisionNotFoundError as error:
            raise InputError(f"{self.where} has no revision {self.revision!r} on the hub.") from error
        except RepositoryNotFoundError as error:
            raise UnknownNameError("model", self.name, self.near) from error
        except EntryNotFoundError as error:
            if not isinstance(error, LocalEntryNotFoundError):
                return None
            raise self._away(error) from error
        except Exception as error:  # httpx, requests and the hub each have an error of their own for a network that is away
            if not isinstance(error, OSError) and "NetworkError" not in {kind.__name__ for kind in type(error).__mro__}:
                raise
            raise self._away(error) from error

    def _away(self, error: Exception) -> FetchError:
        close = get_close_matches(self.name, self.near, n=3, cutoff=0.6)
        hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
        return FetchError(
            f"{self.name!r} is neither in the catalogue nor in the hub's cache, and the hub cannot be reached "
            f"({type(error).__name__}).{hint} "
            "Load it once on a machine with a network and copy its cache (the folder $HF_HOME), or name a folder with its files: "
            f"'{self.name.partition('/')[0]}/./FOLDER'."
        )

    def _kind(self) -> str:
        return f"the folder {self.where}" if self.folder else f"{self.where} on the hub"


def is_safe(weights: Path) -> bool:
    """Whether a file of weights is one of safetensors."""
    return weights.name in _SAFE


def locate(source: str, name: str, near: Iterable[str] = (), *, marker: str = "config.json") -> Place:
    """The place that a name means, without its tower and seed; a folder has to hold the file `marker`.

    Raises:
        FileError: It names a folder that is not there, or that holds no model.
        UnknownNameError: It can be the id of no repository.
    """
    full, known = f"{source}/{name}", tuple(f"{source}/{each}" for each in near)
    if name.startswith(("./", "../", "/", "~")):
        path = Path(name).expanduser()
        if not path.is_dir():
            raise FileError(f"there is no folder {path} to load a model from.")
        place = Place(name=full, where=str(path), folder=True)
        place.file(marker)
        return place
    where, _, revision = name.partition("@")
    if not _HUB_ID.fullmatch(where):
        raise UnknownNameError("model", full, known)
    return Place(name=full, where=where, revision=revision, near=known)


def split_name(name: str) -> tuple[str, int | None, str]:
    """A name without its seed and tower; the seed (None: trained); the tower (empty: not said)."""
    towered = _TOWER.fullmatch(name)
    plain, tower = (towered[1], towered[2]) if towered else (name, "")
    drawn = _RANDOM.fullmatch(plain)
    return (drawn[1], int(drawn[2]), tower) if drawn else (plain, None, tower)


def from_place(place: Place, load: Any, *, untrained: str, files: Sequence[str] = (*_SAFE, *_PICKLED)) -> Any:
    """Call `load`; what goes wrong with a folder is the folder's fault, what goes wrong with the hub is the network's."""
    if not place.folder:
        from isomorph.models._hub import from_hub

        hub_id = "" if place.revision else place.where
        return from_hub(place.name, load, hub_id=hub_id, cache="the hub's", untrained=untrained, files=files)
    from safetensors import SafetensorError

    try:
        return load()
    except IsomorphError:
        raise
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise FileError(f"the folder {place.where} cannot be read as a model of transformers: {said}") from error
