"""Sets of pictures by name: what can be shown to models without asking anybody a question."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from isomorph.registry import Entry, Registry

if TYPE_CHECKING:
    from isomorph.stimuli import Stimuli
    from isomorph.store import Store

_GEIRHOS = {"citation": "Geirhos et al., 2019", "licence": "CC BY 4.0", "modality": "image", "labels": 16}
_HERE = "isomorph.benchmarks._stimulus_sets"


def _entry(name: str, attribute: str, summary: str, **facts: object) -> Entry:
    return Entry(name=name, target=f"{_HERE}:{attribute}", summary=summary, facts=facts)


stimulus_sets = Registry(
    "stimulus set",
    (
        _entry("kriegeskorte-92", "objects_92", "92 photographs of objects, bodies and faces", stimuli=92, modality="image", labels=6,
               citation="Kriegeskorte et al., 2008", licence="MIT (repository)"),
        _entry("algonauts-78", "objects_78", "78 photographs of objects on natural backgrounds", stimuli=78, modality="image",
               citation="Cichy et al., 2019", licence="BSD-3-Clause (repository)"),
        Entry(name="packaged-photographs", target="isomorph.benchmarks._packaged_photographs:packaged_photographs",
              summary="up to 29 photographs that come with installed packages", facts={"modality": "image", "licence": "mixed"}),
        _entry("texture-vs-shape", "texture_vs_shape", "480 pictures: the three sets below together", stimuli=480, **_GEIRHOS),
        _entry("edges", "edges", "160 line drawings, made by an edge detector", stimuli=160, **_GEIRHOS),
        _entry("silhouettes", "silhouettes", "160 black shapes on white", stimuli=160, **_GEIRHOS),
        _entry("cue-conflict", "cue_conflict", "160 shapes in the texture of another thing, labelled by shape", stimuli=160, **_GEIRHOS),
    ),
)  # fmt: skip


def load_stimuli(name: str | Path, *, on_error: Literal["raise", "skip"] = "raise", store: Store | None = None) -> Stimuli:
    """The stimulus set called `name`, or the pictures of a folder.

    Args:
        name: One of `isomorph list stimuli`; or a folder of pictures (labels from sub-folders), of tar shards (`train/nshards.txt`), or of
            a data set's training split as `tensorflow_datasets` prepares it (`NAME-train.array_record-00000-of-00001`, …); or tar shards
            that `isomorph.stimuli.shard_names` can name, `"https://host/train-{00000..00999}.tar"`, up to two million pictures. The indexes
            of shards are kept in the store.
        on_error: `"skip"` leaves out pictures of a folder or of shards that cannot be read, and notes them.
        store: Keeps the indexes of shards; None: the default one.

    Raises:
        InputError: Shards hold too many pictures for one set.
        UnknownNameError: No set has this name and there is no such folder.
        FetchError: Its files can be had neither from the mirror, the cache nor the network.
    """
    from isomorph.stimuli import ShardStream, Stimuli, names_shards
    from isomorph.store import open_store

    if names_shards(name):
        return ShardStream(str(name), store=open_store(store)).whole(on_error=on_error)
    folder = Path(name)
    if folder.is_dir():
        shards = any(folder.glob("*.array_record-*")) or any(folder.glob("**/nshards.txt"))
        if shards:
            return Stimuli.from_shards(folder, on_error=on_error, store=open_store(store))
        return Stimuli.from_folder(folder, on_error=on_error)
    stimuli: Stimuli = stimulus_sets.load(str(name))()
    return stimuli


def objects_92() -> Stimuli:
    """The 92 photographs; the labels are their six published categories."""
    return _of_benchmark("kriegeskorte-92")


def objects_78() -> Stimuli:
    """The 78 photographs; they have no labels."""
    return _of_benchmark("algonauts-78")


def texture_vs_shape() -> Stimuli:
    """The three parts together, labelled by shape."""
    return _geirhos("*")


def edges() -> Stimuli:
    """Line drawings."""
    return _geirhos("edges")


def silhouettes() -> Stimuli:
    """Black shapes."""
    return _geirhos("filled-silhouettes")


def cue_conflict() -> Stimuli:
    """Shapes in the texture of another thing."""
    return _geirhos("style-transfer-preprocessed-512")


def _of_benchmark(name: str) -> Stimuli:
    from isomorph.benchmarks._registry import load_benchmark

    return load_benchmark(name).stimuli


def _geirhos(part: str) -> Stimuli:
    from isomorph import data
    from isomorph.stimuli import Stimuli

    files = sorted(each.file for each in data.catalogue("texture-vs-shape") if fnmatchcase(each.file, f"{part}/*"))
    return Stimuli.from_files(
        [data.path("texture-vs-shape", file) for file in files],
        ids=[file.removesuffix(".png") for file in files],
        metadata={"label": [file.split("/")[1] for file in files]},
    )
