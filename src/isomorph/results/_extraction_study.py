"""A study of extraction: models that see more pictures than names fit into memory, shard by shard."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from isomorph.errors import InputError
from isomorph.spec import read_study
from isomorph.stimuli import shards_beside
from isomorph.store import store_beside

if TYPE_CHECKING:
    from isomorph.engine import LazyUnit, Progress, StudyParts
    from isomorph.models._plan_request import Request
    from isomorph.results._slice_features import SliceFeatures
    from isomorph.results._slice_plan import SlicePlan
    from isomorph.store import Store

_MOST_PICTURES = 1_000_000


@dataclass(frozen=True, kw_only=True)
class ExtractionStudy:
    """What models say of the pictures of tar shards, wherever these are; never whole in memory.

    Each shard is read once for its index. Then a unit is one model on one shard, or on `slice` pictures of it: an extraction of its own in
    the store. All models see some shards before they see the next, so that who does a unit finds them at hand. A plan looks at shards, not
    at pictures.

    Attributes:
        name: What the study is called.
        models: Names of models; shell patterns take all that match and see pictures.
        shards: What `isomorph.stimuli.shard_names` reads, one text or several: `"https://host/train-{00000..00999}.tar"`.
        slice: At most so many pictures a unit; none: one unit a shard. Units never cross shards.
        together: So many shards are seen by one model before the next is loaded, and by all models before the next so many. What is kept
            of fetched shards (`ISOMORPH_SHARD_CACHE`) should hold them.
        layers: As `isomorph.models.extract` takes them; the last one unless asked.
        pool: As `isomorph.models.extract` takes it.
        reduce: `"features"` or `"sketch"`.
        sketch_width: Columns of a sketch, which all slices must share.
        batch_size: Stimuli at a time; chosen from the memory limit unless given.
        memory_limit: What an extraction may hold in memory.
        precision: Of the forward pass.
        seed: Of the sketch.
        device: Where the models run.
        report: The folder of the tables that say which object holds what, beside the study's file.
        store: The store's folder or address; default: `$ISOMORPH_STORE`.

    Example:
        >>> ExtractionStudy(name="first", models=("bundled/pixels",), shards="s3://pictures/{000..999}.tar").layers
        (-1,)
    """

    name: str
    models: tuple[str, ...]
    shards: str | tuple[str, ...]
    slice: int | None = None
    together: int = 8
    layers: str | tuple[str | int | float, ...] = (-1,)
    pool: str = "flatten"
    reduce: Literal["features", "sketch", "gram"] = "features"
    sketch_width: int | None = None
    batch_size: int | None = None
    memory_limit: str = "2GB"
    precision: str = "float32"
    seed: int = 0
    device: str = "cpu"
    report: Path = Path("report")
    store: str | Path | None = None

    def __post_init__(self) -> None:
        for what in ("models", "shards"):
            if not getattr(self, what):
                raise InputError(f"the study {self.name!r} names no {what}.")
        if self.slice is not None and not 1 <= self.slice <= _MOST_PICTURES:
            raise InputError(f"slice of the study {self.name!r} must be between 1 and {_MOST_PICTURES:,} pictures; got {self.slice}.")
        if self.together < 1:
            raise InputError(f"together of the study {self.name!r} must be a number of shards; got {self.together}.")
        if self.reduce == "sketch" and self.sketch_width is None:
            raise InputError(
                f"the study {self.name!r} needs a sketch_width: by itself it follows from the pictures of a slice, which differ."
            )
        if self.reduce == "gram":
            raise InputError(
                f'the study {self.name!r} asks for reduce = "gram", which holds the products of all pairs of pictures, and its units see '
                'slices. Take "features" or "sketch", and make Gram matrices of a sample.'
            )
        _ = self.request

    @staticmethod
    def load(path: Path | str) -> ExtractionStudy:
        """Read a study; its paths count from the folder that holds it.

        Raises:
            FileError: There is no such file, or it is not TOML.
            InputError: An option is unknown, missing or of the wrong type; the message says where.
        """
        path = Path(path)
        study = read_study(ExtractionStudy, path)
        here = path.resolve().parent
        texts = (study.shards,) if isinstance(study.shards, str) else study.shards
        return replace(
            study,
            shards=tuple(shards_beside(each, here) for each in texts),
            report=here / study.report,
            store=store_beside(study.store, here),
        )

    @cached_property
    def request(self) -> Request:
        """The options of each extraction, checked."""
        from isomorph.models._plan_request import Request

        options: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("layers", "pool", "reduce", "sketch_width", "batch_size", "memory_limit", "precision", "seed")
        }
        return Request.checked(**options)

    def shard_names(self) -> tuple[str, ...]:
        """The shards, in order.

        Raises:
            InputError: A text cannot be read, or there are too many.
            FileError: No file matches a pattern.
        """
        from isomorph.stimuli import shard_names

        texts = (self.shards,) if isinstance(self.shards, str) else self.shards
        return tuple(name for each in texts for name in shard_names(each))

    def model_names(self) -> tuple[str, ...]:
        """The models, patterns replaced by what they match.

        Raises:
            InputError: A pattern matches nothing, or a model reads texts.
        """
        from isomorph.models import list_models, model_card

        names: list[str] = []
        for each in self.models:
            pattern = bool(set(each) & set("*?["))
            matching = [name for name in (list_models(each) if pattern else [each]) if model_card(name).modality == "image"]
            if not matching:
                why = "none that sees pictures matches" if pattern else "it reads texts, but shards hold pictures"
                raise InputError(f"the study {self.name!r} asks for the models {each!r}, and {why}. `isomorph list models` shows all.")
            names += matching
        return tuple(dict.fromkeys(names))

    @property
    def parts(self) -> StudyParts:
        """The stages `index` and `features`."""
        from isomorph.engine import Needs, StudyParts
        from isomorph.stimuli._shard_stream import shard_title
        from isomorph.store import open_store

        slices = cache(self.slices)

        def index(store: Store, progress: Progress | None) -> list[LazyUnit]:
            return cast("list[LazyUnit]", slices(store, progress).index_units())  # they are as lazy, and a tenth of the size

        def features(store: Store, progress: Progress | None) -> list[LazyUnit]:
            return cast("list[LazyUnit]", slices(store, progress).units())

        def expected() -> list[str]:
            models = self.model_names()
            return [f"{model} on {shard_title(shard)}" for shard in self.shard_names() for model in models]

        return StudyParts(
            name=self.name,
            report=self.report,
            store=self.store,
            makers={"index": index, "features": features},
            expected={"features": expected},
            expected_needs={"index": Needs(), "features": self.slices(open_store(self.store)).most_needs},  # no shard is looked at for them
        )

    def slices(self, store: Store, progress: Progress | None = None) -> SlicePlan:
        """The plan; the shards are looked at when it is first asked for units, and new ones indexed."""
        from isomorph.results._slice_plan import SlicePlan

        return SlicePlan(self, store, progress)

    def plan(self, store: Store) -> list[dict[str, Any]]:
        """What `run` would do: one row a model; no model is run."""
        return self.slices(store).rows()

    def run(self, store: Store, *, progress: Progress | None = None) -> list[dict[str, Any]]:
        """Do what is not done yet, and write the tables into `report`.

        Returns:
            One row a model and layer: `model`, `layer`, `rows`, `width`, `bytes`.
        """
        from isomorph.engine import run_plan
        from isomorph.results._slice_index import write_index

        slices = self.slices(store, progress)
        run_plan(slices.index_units(), store=store, progress=progress)
        run_plan(slices.units(), store=store, progress=progress)
        return write_index(slices)

    def features(self, store: Store, model: str, layer: str) -> SliceFeatures:
        """What a layer of a model says of all pictures, slice after slice, each mapped from its file when it is asked for.

        Args:
            store: Where the study ran.
            model: One of `model_names`.
            layer: A layer's name.

        Raises:
            UnknownNameError: The study has no such model.
            StoreError: A slice is not finished.
        """
        from isomorph.results._slice_features import SliceFeatures

        return SliceFeatures(self.slices(store), model, layer)
