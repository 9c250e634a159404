"""Results as a folder: a Parquet table, plain JSON, and the RDMs as safetensors."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.errors import FileError
from isomorph.results._behaviour_table import BehaviourRecord
from isomorph.results._records import BenchmarkRecord, LayerGeometry, StimuliRecord, TargetRecord
from isomorph.results._results import Results
from isomorph.spec import from_plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FORMAT = 1
_FILES = ("scores.parquet", "results.json", "geometry.safetensors")


def save(results: Results, folder: Path) -> Path:
    """Write `results`; files that are there already are replaced."""
    from safetensors.numpy import save_file

    arrays: dict[str, NDArray[Any]] = {}

    def plain(record: Any, **rdms: NDArray[Any]) -> dict[str, Any]:
        fields: dict[str, Any] = asdict(record)
        for name, values in rdms.items():
            fields[name] = f"rdm-{len(arrays)}"
            arrays[fields[name]] = np.ascontiguousarray(values)
        return fields

    benchmarks = []
    for record in results.benchmarks:
        fields = plain(record)
        fields["targets"] = [plain(target, mean=target.mean) for target in record.targets]
        benchmarks.append(fields)
    content = {
        "format": _FORMAT,
        "benchmarks": benchmarks,
        "geometry": [plain(each, rdm=each.rdm) for each in results.geometry],
        "behaviour": [asdict(each) for each in results.behaviour],
        "methods": dict(results.methods),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        results.to_parquet(folder / "scores.parquet")
        save_file(arrays, str(folder / "geometry.safetensors"))
        (folder / "results.json").write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False), encoding="utf-8")
    except OSError as error:
        raise FileError(f"the results cannot be written into {folder}: {error.strerror or error}. Choose another folder.") from error
    return folder


def load(folder: Path) -> Results:
    """Read what `save` wrote."""
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if missing:
        raise FileError(
            f"{folder} is not a folder of saved results: {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing."
        )
    import pandas as pd
    from safetensors.numpy import load_file

    try:
        content = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        arrays = load_file(str(folder / "geometry.safetensors"))
        table = pd.read_parquet(folder / "scores.parquet")
        if content["format"] != _FORMAT:
            raise FileError(f"{folder} was saved in format {content['format']}; this version of Isomorph reads format {_FORMAT}.")
        return Results(
            table=table,
            benchmarks=tuple(_benchmark(each, arrays) for each in content["benchmarks"]),
            geometry=tuple(LayerGeometry(**(each | {"rdm": arrays[each["rdm"]]})) for each in content["geometry"]),
            behaviour=tuple(from_plain(BehaviourRecord, each) for each in content.get("behaviour", ())),
            methods=content["methods"],
        )
    except FileError:
        raise
    except Exception as error:  # three libraries, each with errors of its own: what matters is which folder is damaged
        raise FileError(f"the results in {folder} are damaged ({type(error).__name__}: {error}). Evaluate again.") from error


def _benchmark(fields: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> BenchmarkRecord:
    targets = tuple(TargetRecord(**(each | {"mean": arrays[each["mean"]]})) for each in fields["targets"])
    stimuli = from_plain(StimuliRecord, fields["stimuli"])
    return BenchmarkRecord(**(fields | {"targets": targets, "stimuli": stimuli, "comparisons": tuple(fields["comparisons"])}))
