"""Results as `evaluate` gives them, from geometries alone: real ones on the 92 photographs, made-up ones where no data are needed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from isomorph._version import __version__
from isomorph.benchmarks import GeometryMatch, Target
from isomorph.benchmarks._geometry_match import Inference
from isomorph.geometry import RDM
from isomorph.results import BenchmarkRecord, LayerGeometry, Results
from isomorph.results._assembly import tidy
from isomorph.stimuli import Stimuli

HOSTILE = '</script><script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'">$\\frac{'


def results_of(benchmark: GeometryMatch, models: dict[str, dict[str, RDM]], cards: dict[str, dict[str, Any]] | None = None) -> Results:
    """Score every layer of every model as `evaluate` does after extraction."""
    inference, rows, geometry = Inference(replicates=200, permutations=200), [], []
    for model, rdms in models.items():
        scored = benchmark.score(rdms, inference=inference)
        layers = list(rdms)
        facts = {
            "model": model,
            "benchmark": benchmark.name,
            "width": 512,
            "reduction": "gram",
            "seen": False,
            "isomorph_version": __version__,
        }
        facts |= {"model_fingerprint": "3f" * 32, "stimuli_fingerprint": benchmark.stimuli.digest, "torch_version": "2.13.0"}
        for row in scored:
            index = layers.index(row["layer"])
            rows.append({**facts, **row, "layer_index": index, "depth": (index + 1) / len(layers), "extraction_fingerprint": "a0" * 32})
        for target in benchmark.targets:
            best = max((row for row in scored if row["target"] == target.name), key=lambda row: row["value"])["layer"]
            depth = (layers.index(best) + 1) / len(layers)
            values = np.asarray(rdms[best].values, dtype=np.float64)
            geometry.append(LayerGeometry(benchmark=benchmark.name, model=model, target=target.name, layer=best, depth=depth, rdm=values))
    card = {"licence": "Apache-2.0", "objective": "classification", "training_data": "ImageNet-1k", "parameters": 4652008}
    return Results(
        table=tidy(rows),
        benchmarks=(BenchmarkRecord.of(benchmark),),
        geometry=tuple(geometry),
        methods={
            "isomorph": __version__,
            "versions": {"isomorph": __version__, "torch": "2.13.0", "numpy": np.__version__},
            "options": {"layers": "all", "replicates": 200, "seed": 0, "permutations": 200, "resample": "stimuli"},
            "models": {model: {"name": model, **card, **(cards or {}).get(model, {})} for model in models},
            "notes": ["The layer shown for a model is the one with the largest value on the same data that score it."],
        },
    )


def walk(
    start: np.ndarray, end: np.ndarray, ids: tuple[str, ...], *, layers: int, noise: float, seed: int, turn: float = 0.8
) -> dict[str, RDM]:
    """Layers whose geometry moves from one RDM to another, and a little back at the end."""
    rng = np.random.default_rng(seed)
    scaled = [(each - each.mean()) / each.std() for each in (start, end)]
    rdms = {}
    for index in range(layers):
        place = index / max(1, layers - 1)
        share = place / turn if place < turn else 1 - 0.5 * (place - turn) / (1 - turn)
        mixed = (1 - share) * scaled[0] + share * scaled[1] + noise * rng.standard_normal(len(start))
        rdms[f"blocks.{index // 3}.{index % 3}"] = RDM(
            np.maximum(mixed - mixed.min(), 0), ids, distance="correlation", layer=f"blocks.{index}"
        )
    return rdms


def photographs(data_path: Any) -> Results:
    """Seven stand-ins for models on the 92 photographs, against the three real targets; their geometries mix published model RDMs."""
    from isomorph import data, load_benchmark

    for file in ("92_brainRDMs.mat", "92_behavRDMs.mat", "Kriegeskorte_Neuron2008_supplementalData.mat"):
        data_path("kriegeskorte-92", file)  # skips where the file cannot be had
    benchmark = load_benchmark("kriegeskorte-92")
    ids = benchmark.stimuli.ids
    published = data.read_mat(data_path("kriegeskorte-92", "92_modelRDMs.mat"))["Models"]
    upper = np.triu_indices(92, 1)
    named = {str(each["name"]): np.asarray(each["RDM"], dtype=np.float64)[upper] for each in np.ravel(published)}
    low, category = named["Silhouette"], named["FaceBodyManmadeNatobj"]
    rng = np.random.default_rng(3)
    blank = rng.standard_normal(len(low))
    models = {
        "bundled/efficientnet_lite0.imagenet1k": walk(low, category, ids, layers=18, noise=0.5, seed=1),
        "bundled/efficientnet_lite1.imagenet1k": walk(low, category, ids, layers=22, noise=0.6, seed=2),
        "bundled/mobilenet_v2.imagenet1k": walk(named["V1"], category, ids, layers=20, noise=0.9, seed=3),
        "bundled/squeezenet1_1.imagenet1k": walk(named["RADON"], named["HMAX"], ids, layers=14, noise=0.5, seed=4),
        "timm/vit_small_patch14_dinov2.lvd142m": walk(low, named["animacy"], ids, layers=12, noise=1.0, seed=5),
        "bundled/pixels": {"output": walk(low, low, ids, layers=1, noise=0.2, seed=6)["blocks.0.0"]},
        "bundled/random-resnet": walk(low, blank, ids, layers=9, noise=0.8, seed=7),
    }
    untrained = {"objective": "none", "training_data": "none", "parameters": 0}
    return results_of(benchmark, models, {"bundled/pixels": untrained, "bundled/random-resnet": untrained})


def made_up(*, texts: bool = False, count: int = 18, hostile: bool = False, models: int = 3) -> Results:
    """A small benchmark with two targets; names are markup if `hostile`."""
    rng = np.random.default_rng(0)
    ids = tuple(f"{HOSTILE if hostile else 'thing'} {index:02}" for index in range(count))
    labels = tuple(f"{HOSTILE if hostile else 'kind'} {3 * index // count}" for index in range(count))
    if texts:
        words = [f"{HOSTILE} {index}" if hostile else f"word-{index}" for index in range(count)]
        stimuli = Stimuli.from_texts(words, ids=ids)
    else:
        stimuli = Stimuli.from_arrays(rng.integers(0, 255, size=(count, 32, 32, 3), dtype=np.uint8), ids=ids)
    truth = rng.random(math.comb(count, 2))
    group = np.array([3 * index // count for index in range(count)])
    upper = np.triu_indices(count, 1)
    truth += 1.5 * (group[upper[0]] != group[upper[1]])
    people = truth + 0.5 * rng.standard_normal((5, 1, len(truth)))
    name = HOSTILE if hostile else "people"
    targets = (
        Target(name=name, kind="behaviour", rdms=people, subjects=tuple("abcde"), citation=f"{name} (2026)"),
        Target(
            name="cortex", kind="brain", rdms=people[:1] + rng.standard_normal((1, 1, len(truth))), subjects=("m",), note="One subject."
        ),
    )
    benchmark = GeometryMatch(
        name=f"{name}-benchmark",
        stimuli=stimuli,
        targets=targets,
        labels=labels,
        summary=f"{name} & <b>things</b>",
        citation="Nobody, 2026",
    )
    blank = rng.standard_normal(len(truth))
    walks = {
        f"user/model{index}{HOSTILE if hostile else ''}": walk(blank, truth, ids, layers=5 + index, noise=0.4 + index, seed=index)
        for index in range(models)
    }
    return results_of(benchmark, walks)
