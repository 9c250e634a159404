"""How long a plan of models × shards takes, and what it holds: made-up indexes, and models that are never loaded."""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

from isomorph.engine import Part
from isomorph.results import ExtractionStudy
from isomorph.spec import fingerprint
from isomorph.stimuli._shard_index import Member, _packed
from isomorph.store import Store


def _indexed(folder: Path, shards: int, store: Store) -> None:
    content = _packed([Member("a.png", 512, 100)])
    for number in range(shards):
        (path := folder / f"{number}.tar").touch()
        spec = {"kind": "shard-index", "version": 2, "path": str(path.resolve()), "size": 0, "modified_ns": path.stat().st_mtime_ns}
        with store.begin(fingerprint(spec), spec) as writer:
            writer.put("index", content, durable=False)
            writer.commit({"pictures": 10_000})


def _told(what: str, began: float) -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000  # Linux: in kB
    print(f"{what:<60}{time.process_time() - began:8.2f} CPU s{peak:8.0f} MB at most")
    return time.process_time()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--models", type=int, default=1000)
    options.add_argument("--shards", type=int, default=1000)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        store = Store(Path(place) / "store")
        _indexed(Path(place), asked.shards, store)
        names = tuple(f"timm/test_resnet.random-{number}" for number in range(asked.models))
        study = ExtractionStudy(name="plan", models=names, shards=f"{place}/{{0..{asked.shards - 1}}}.tar")
        began = _told("made", time.process_time())
        study.model_names()
        began = _told("names of models, with the import of torch and timm", began)
        units = study.parts.units(store, stage="features")
        began = _told(f"plan of {len(units):,} units", began)
        part = Part(1, 8).of(units)
        _told(f"one of eight parts: {len(part):,} units", began)


if __name__ == "__main__":
    main()
