"""One model on one benchmark: the unit of evaluation, and the immutable fragment it leaves in the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph._version import __version__
from isomorph.benchmarks._geometry_match import GeometryMatch, Inference
from isomorph.errors import InputError
from isomorph.profile import timed
from isomorph.results._evaluation_units import SPLIT_FROM
from isomorph.results._records import LayerGeometry
from isomorph.spec import fingerprint, to_plain

if TYPE_CHECKING:
    from isomorph.engine import Progress
    from isomorph.geometry import RDM, Gram
    from isomorph.models import Extraction, Model
    from isomorph.models._named_model import NamedModel
    from isomorph.store import Store, StoredObject

KIND = "evaluation"
_SCHEME = 2  # raise when the meaning of a fragment's contents changes


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """Extract every layer of a model in one pass, score each against every target, commit the rows.

    A repeated run finds its own fingerprint in the store and does nothing. With `ranges` above 1, replicates that are many (`split_from`)
    are read from the store, where their ranges wait; those that do not are computed and put there.
    """

    model: Model | NamedModel
    benchmark: GeometryMatch
    layers: Any = "all"
    pool: str | None = None
    inference: Inference = field(default_factory=Inference)
    memory_limit: str | int = "2GB"
    progress: Progress | None = None
    ranges: int = 1
    split_from: float = SPLIT_FROM

    @property
    def label(self) -> str:
        """What progress shows."""
        return f"{self.model.name} on {self.benchmark.name}"

    @cached_property
    def spec(self) -> dict[str, Any]:
        """Everything the outcome depends on; and which of the stimuli the model was fitted to judgments of, where there are any."""
        fitted_to = set(self.model.seen)
        seen = [each for each in self.benchmark.stimuli.ids if each in fitted_to]
        plain = to_plain(
            {
                "kind": KIND,
                "scheme": _SCHEME,
                "isomorph": __version__,
                "torch": versions()["torch"],
                "model": {"name": self.model.name, "fingerprint": self.model.fingerprint},
                "benchmark": {"name": self.benchmark.name, "fingerprint": self.benchmark.fingerprint},
                "layers": self.layers,
                "pool": self.pool or default_pool(self.model),
                "inference": self.inference,
            }
            | ({"seen": seen} if seen else {})
        )
        return dict(plain)

    @cached_property
    def fingerprint(self) -> str:
        """The name of the fragment."""
        return fingerprint(self.spec)

    def run(self, store: Store) -> None:
        """Do the work; a committed fragment is never written again."""
        from isomorph.results._replicate_ranges import gathered

        extraction = self.extraction(store)
        with timed("score"):
            rdms, left_out = self.geometry(extraction)
            rows = self.asked.score(rdms, inference=self.inference, ranges=gathered(self, rdms, store))
        layers = {
            layer.name: {"index": layer.index, "depth": layer.depth, "width": layer.width, "reduction": extraction[layer.name].reduction}
            for layer in extraction.layers
            if layer.name in rdms
        }
        best = _best_layers(rows, [each.name for each in self.asked.targets], tuple(rdms), self.benchmark.comparisons[0])
        condensed = {layer: np.asarray(rdms[layer].take(self.benchmark.stimuli.ids).values, np.float64) for layer in set(best.values())}
        meta = {
            "rows": rows,
            "layers": layers,
            "best": best,
            "left_out": left_out,
            "card": to_plain(self.model.card),
            "extraction": extraction.fingerprint,
            "stimuli": self.benchmark.stimuli.digest,
            "versions": versions(),
        }
        with store.begin(self.fingerprint, self.spec | {"summary": self.label}) as writer:
            writer.put("rdms", dict(sorted(condensed.items())))
            writer.commit(meta)

    @cached_property
    def asked(self) -> GeometryMatch:
        """The benchmark without a target that is the model itself."""
        targets = (each for each in self.benchmark.targets if not (each.kind == "model" and each.name == self.model.name))
        return replace(self.benchmark, targets=tuple(targets))

    @property
    def options(self) -> dict[str, Any]:
        """How the layers are extracted."""
        return {"layers": self.layers, "pool": self.spec["pool"], "reduce": "gram", "memory_limit": self.memory_limit}

    def extraction(self, store: Store) -> Extraction:
        """Gram matrices of the layers."""
        from isomorph.models import extract
        from isomorph.models._named_model import loaded

        return extract(loaded(self.model), self.benchmark.stimuli, store=store, progress=self.progress, **self.options)

    def geometry(self, extraction: Extraction) -> tuple[dict[str, RDM], dict[str, str]]:
        """The RDM of each layer, and why a layer has none.

        Raises:
            InputError: None has one.
        """
        rdms, without = _rdms(extraction, self.benchmark.distance)
        left_out = dict(extraction.unusable) | without
        if not rdms:
            first, reason = next(iter(left_out.items()))
            raise InputError(f"no layer gives an RDM of {self.benchmark.distance} distances; the first, {first}: {reason}")
        return rdms, left_out


def default_pool(model: Model | NamedModel) -> str:
    """Pictures keep every feature; words are averaged over their tokens, whose number differs from word to word."""
    return "flatten" if model.modality == "image" else "mean"


def read_rows(fragment: StoredObject) -> list[dict[str, Any]]:
    """The rows of a committed fragment with the columns that do not depend on other models."""
    meta, spec = fragment.meta, fragment.spec
    rows = []
    for row in meta["rows"]:
        facts = meta["layers"][row["layer"]]
        rows.append(
            dict(row)
            | {
                "model": spec["model"]["name"],
                "benchmark": spec["benchmark"]["name"],
                "layer_index": facts["index"],
                "depth": facts["depth"],
                "width": facts["width"],
                "reduction": facts["reduction"],
                "seen": bool(spec.get("seen")),
                "model_fingerprint": spec["model"]["fingerprint"],
                "stimuli_fingerprint": meta["stimuli"],
                "extraction_fingerprint": meta["extraction"],
                "isomorph_version": meta["versions"]["isomorph"],
                "torch_version": meta["versions"]["torch"],
            }
        )
    return rows


def read_geometry(fragment: StoredObject) -> list[LayerGeometry]:
    """The best layers' RDMs of a committed fragment."""
    return [
        LayerGeometry(
            benchmark=fragment.spec["benchmark"]["name"],
            model=fragment.spec["model"]["name"],
            target=target,
            layer=layer,
            depth=fragment.meta["layers"][layer]["depth"],
            rdm=np.array(fragment.read("rdms", layer)),
        )
        for target, layer in fragment.meta["best"].items()
    ]


def _rdms(extraction: Extraction, distance: str) -> tuple[dict[str, RDM], dict[str, str]]:
    """The RDM of each layer, and why a layer has none (a stimulus whose features do not vary has no correlation distance)."""
    rdms, left_out = {}, {}
    for layer, gram in extraction.items():
        try:
            rdm = gram.rdm(distance)
        except InputError as error:
            left_out[layer] = str(error)
            continue
        if _says_something(gram, rdm):
            rdms[layer] = rdm
        else:
            left_out[layer] = f"all {len(rdm.values)} pairs of stimuli have the same {distance} distance, but for rounding."
    return rdms, left_out


def _says_something(gram: Gram, rdm: RDM) -> bool:
    """Whether the distances differ by more than float32 sums and float32 features leave where they are the same."""
    varying = float(np.trace(gram.centred))
    length = varying / len(gram) + float(gram.mean_product.mean())
    values = rdm.values**2 if rdm.distance == "euclidean" else rdm.values
    scale = length if "euclidean" in rdm.distance else 1.0
    return bool(np.ptp(values) * length > scale * (1e-12 * length + 1e-5 * varying / len(gram)))


def _best_layers(rows: list[dict[str, Any]], targets: list[str], layers: tuple[str, ...], comparison: str) -> dict[str, str]:
    """For each target the layer with the largest value; without targets the last layer stands for the model, under the name ""."""
    scored = [row for row in rows if row["measure"] == f"rsa-{comparison}" and row["value"] is not None]
    best = {}
    for target in targets:
        candidates = [row for row in scored if row["target"] == target]
        if candidates:
            best[target] = str(max(candidates, key=lambda row: row["value"])["layer"])
    return best or {"": layers[-1]}


def versions() -> Mapping[str, str]:
    """Of the packages on which the numbers rest; nothing is imported."""
    from importlib.metadata import version

    return {"isomorph": __version__} | {name: version(name) for name in ("torch", "numpy", "scipy")}
